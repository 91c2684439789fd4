#include "parquet/cell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/number.h"
#include "base/utf8.h"
#include "parquet/bits.h"
#include "parquet/shortest.h"

#define DAY_NS (INT64_C(86400) * MSIM_NS_PER_S)

static int put(struct msim_bytes *out, const char *text, size_t length)
{
    return msim_bytes_append(out, text, length);
}

static int put_text(struct msim_bytes *out, const char *text)
{
    return put(out, text, strlen(text));
}

/* ---- floating point ---- */

/* The fewest digits that read back, in the form 1.5e-07, whatever the locale's point. */
static int put_scientific(struct msim_bytes *out, double number, bool is_float)
{
    char text[40];

    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
        double back = strtod(text, NULL);
        if (is_float ? (float)back == (float)number : back == number)
            break;
    }
    for (char *at = text; *at; at++)
        if (*at == ',')
            *at = '.';
    return put_text(out, text);
}

static int put_floating(struct msim_bytes *out, double number, bool is_float)
{
    char text[MSIM_DECIMAL_SIZE + 2];
    int64_t mantissa;
    int8_t exponent;

    if (isnan(number))
        return put_text(out, "nan");
    if (isinf(number))
        return put_text(out, number < 0 ? "-inf" : "inf");
    enum shortest r = is_float ? msim_shortest_float((float)number, &mantissa, &exponent)
                               : msim_shortest_double(number, 0, &mantissa, &exponent);
    double size = number < 0 ? -number : number;
    if (r != SHORTEST_OK || size >= 1e16 || (size < 1e-5 && size > 0))
        return put_scientific(out, number, is_float);
    size_t length = 0;
    if (mantissa == 0 && signbit(number))
        text[length++] = '-';
    length += msim_decimal_print(mantissa, exponent, text + length);
    /* A point tells them from integers. */
    if (!memchr(text, '.', length)) {
        memcpy(text + length, ".0", 2);
        length += 2;
    }
    return put(out, text, length);
}

/* IEEE 754 binary16; exact in a float. */
static float from_half(unsigned bits)
{
    unsigned exponent = bits >> 10 & 0x1F;
    float fraction = (float)(bits & 0x3FF) / 1024.0F;
    float value;

    if (exponent == 0x1F)
        value = bits & 0x3FF ? NAN : INFINITY;
    else if (exponent == 0)
        value = fraction / 16384.0F;
    else
        value = (1.0F + fraction) * (exponent >= 15 ? (float)(1U << (exponent - 15))
                                                    : 1.0F / (float)(1U << (15 - exponent)));
    return bits & 0x8000 ? -value : value;
}

/* ---- bytes ---- */

/* What is not printable as \xNN: two texts are equal where their bytes are. */
static int put_bytes(struct msim_bytes *out, struct msim_text value)
{
    static const char digits[] = "0123456789ABCDEF";
    int r = MSIM_OK;

    for (size_t i = 0; i < value.length && r >= 0; i++) {
        unsigned char byte = value.bytes[i];
        char escaped[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        if (byte >= ' ' && byte < 0x7F && byte != '\\' && byte != '"' && byte != '\'')
            r = put(out, (const char *)&value.bytes[i], 1);
        else
            r = put(out, escaped, sizeof escaped);
    }
    return r;
}

static int put_uuid(struct msim_bytes *out, struct msim_text value)
{
    char text[37];
    char *to = text;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        to += snprintf(to, 3, "%02x", value.bytes[i]);
    }
    return put(out, text, sizeof text - 1);
}

/* ---- decimals ---- */

/* `digits` without a point, with one `scale` places from the end. */
static int put_scaled(struct msim_bytes *out, bool negative, const char *digits, size_t count,
                      int32_t scale)
{
    size_t places = scale > 0 ? (size_t)scale : 0;
    int r = negative ? put(out, "-", 1) : MSIM_OK;

    if (r >= 0 && count <= places)
        r = put(out, "0", 1);
    if (r >= 0 && count > places)
        r = put(out, digits, count - places);
    if (r < 0 || places == 0)
        return r;
    r = put(out, ".", 1);
    for (size_t i = count; i < places && r >= 0; i++)
        r = put(out, "0", 1);
    size_t behind = count < places ? count : places;
    return r < 0 ? r : put(out, digits + count - behind, behind);
}

/* Big-endian two's complement of any length. */
static int put_decimal(struct msim_bytes *out, struct msim_text value, int32_t scale)
{
    unsigned char rest[MSIM_CELL_DECIMAL_BYTES];
    char digits[MSIM_CELL_DECIMAL_BYTES * 3];
    size_t at = sizeof digits;
    bool negative = value.length > 0 && value.bytes[0] & 0x80;
    unsigned carry = negative;

    if (value.length > sizeof rest || scale < 0 || scale > 1000)
        return put_bytes(out, value);
    for (size_t i = value.length; i-- > 0;) {
        carry += negative ? (unsigned)(unsigned char)~value.bytes[i] : value.bytes[i];
        rest[i] = (unsigned char)carry;
        carry >>= 8;
    }
    for (size_t first = 0; first < value.length;) {
        unsigned remainder = 0;
        for (size_t i = first; i < value.length; i++) {
            unsigned number = remainder << 8 | rest[i];
            rest[i] = (unsigned char)(number / 10);
            remainder = number % 10;
        }
        digits[--at] = (char)('0' + remainder);
        while (first < value.length && rest[first] == 0)
            first++;
    }
    if (at == sizeof digits)
        digits[--at] = '0';
    return put_scaled(out, negative, digits + at, sizeof digits - at, scale);
}

static int put_integer_decimal(struct msim_bytes *out, int64_t number, int32_t scale)
{
    unsigned char bytes[8];

    if (scale < 0 || scale > 1000)
        scale = 0;
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
    return put_decimal(out, (struct msim_text){.bytes = bytes, .length = 8}, scale);
}

/* ---- moments ---- */

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int put_date(struct msim_bytes *out, int64_t days)
{
    char text[24];
    struct msim_calendar_date date = msim_calendar_from_days(days);

    snprintf(text, sizeof text, "%04" PRId32 "-%02u-%02u", date.year, date.month, date.day);
    return put_text(out, text);
}

static int put_time_of_day(struct msim_bytes *out, int64_t nanoseconds)
{
    char text[64];
    int64_t seconds = nanoseconds / MSIM_NS_PER_S;
    int64_t fraction = nanoseconds % MSIM_NS_PER_S;
    int length = snprintf(text, sizeof text, "%02" PRId64 ":%02" PRId64 ":%02" PRId64,
                          seconds / 3600, seconds / 60 % 60, seconds % 60);

    if (fraction > 0) {
        length += snprintf(text + length, sizeof text - (size_t)length, ".%09" PRId64, fraction);
        while (text[length - 1] == '0')
            length--;
    }
    return put(out, text, (size_t)length);
}

/* A count of units since 1970, also where nanoseconds would not hold it. */
static int put_moment(struct msim_bytes *out, int64_t count, int64_t unit)
{
    int64_t per_day = DAY_NS / unit;
    int64_t days = floor_divide(count, per_day);

    int r = put_date(out, days);
    if (r >= 0)
        r = put(out, " ", 1);
    return r < 0 ? r : put_time_of_day(out, (count - days * per_day) * unit);
}

static int put_int96(struct msim_bytes *out, const unsigned char *from)
{
    int64_t of_day = (int64_t)msim_load64(from);
    int64_t days = (int64_t)msim_load32(from + 8) - MSIM_JULIAN_EPOCH;

    days += floor_divide(of_day, DAY_NS);
    int r = put_date(out, days);
    if (r >= 0)
        r = put(out, " ", 1);
    return r < 0 ? r : put_time_of_day(out, of_day - floor_divide(of_day, DAY_NS) * DAY_NS);
}

/* ---- all ---- */

static int put_integer(struct msim_bytes *out, const struct leaf *leaf, int64_t number)
{
    char text[24];
    bool wide = leaf->physical == PHYSICAL_INT64;

    switch (leaf->annotation) {
    case ANNOTATION_DECIMAL:
        return put_integer_decimal(out, number, leaf->scale);
    case ANNOTATION_DATE:
        return put_date(out, number);
    case ANNOTATION_TIMESTAMP:
        return leaf->nanoseconds > 0 ? put_moment(out, number, leaf->nanoseconds)
                                     : put_integer_decimal(out, number, 0);
    case ANNOTATION_TIME:
        if (number >= 0 && leaf->nanoseconds > 0 && number < DAY_NS / leaf->nanoseconds)
            return put_time_of_day(out, number * leaf->nanoseconds);
        break;
    case ANNOTATION_INTEGER:
        if (!leaf->is_signed) {
            uint64_t positive = wide ? (uint64_t)number : (uint32_t)number;
            snprintf(text, sizeof text, "%" PRIu64, positive);
            return put_text(out, text);
        }
        break;
    default:
        break;
    }
    snprintf(text, sizeof text, "%" PRId64, number);
    return put_text(out, text);
}

static int put_array(struct msim_bytes *out, const struct leaf *leaf, struct msim_text value)
{
    switch (leaf->annotation) {
    case ANNOTATION_DECIMAL:
        return put_decimal(out, value, leaf->scale);
    case ANNOTATION_STRING:
    case ANNOTATION_ENUM:
    case ANNOTATION_JSON:
    case ANNOTATION_OTHER:
        if (msim_utf8_valid(value.bytes, value.length))
            return put(out, (const char *)value.bytes, value.length);
        break;
    case ANNOTATION_UUID:
        if (value.length == 16)
            return put_uuid(out, value);
        break;
    case ANNOTATION_FLOAT16:
        if (value.length == 2)
            return put_floating(out, from_half(value.bytes[0] | (unsigned)value.bytes[1] << 8),
                                true);
        break;
    default:
        break;
    }
    return put_bytes(out, value);
}

int msim_cell_print(struct msim_bytes *out, const struct leaf *leaf, struct msim_text value)
{
    uint64_t bits;
    uint32_t narrow;
    double number;
    float small;

    switch (leaf->physical) {
    case PHYSICAL_BOOLEAN:
        return put_text(out, value.bytes[0] ? "true" : "false");
    case PHYSICAL_INT32:
        return put_integer(out, leaf, (int32_t)msim_load32(value.bytes));
    case PHYSICAL_INT64:
        return put_integer(out, leaf, (int64_t)msim_load64(value.bytes));
    case PHYSICAL_INT96:
        return put_int96(out, value.bytes);
    case PHYSICAL_FLOAT:
        narrow = msim_load32(value.bytes);
        memcpy(&small, &narrow, sizeof small);
        return put_floating(out, small, true);
    case PHYSICAL_DOUBLE:
        bits = msim_load64(value.bytes);
        memcpy(&number, &bits, sizeof number);
        return put_floating(out, number, false);
    default:
        return put_array(out, leaf, value);
    }
}

bool msim_cell_is_bare(const struct leaf *leaf)
{
    switch (leaf->physical) {
    case PHYSICAL_BOOLEAN:
    case PHYSICAL_FLOAT:
    case PHYSICAL_DOUBLE:
        return true;
    case PHYSICAL_INT32:
    case PHYSICAL_INT64:
        return leaf->annotation == ANNOTATION_NONE || leaf->annotation == ANNOTATION_INTEGER ||
               leaf->annotation == ANNOTATION_DECIMAL;
    case PHYSICAL_FIXED:
        return leaf->annotation == ANNOTATION_FLOAT16 ||
               (leaf->annotation == ANNOTATION_DECIMAL &&
                leaf->type_length <= MSIM_CELL_DECIMAL_BYTES);
    default:
        return false;
    }
}

static const char *unit_name(int64_t nanoseconds)
{
    return nanoseconds == MSIM_NS_PER_MS   ? "MILLIS"
           : nanoseconds == MSIM_NS_PER_US ? "MICROS"
                                           : "NANOS";
}

void msim_cell_meaning(const struct leaf *leaf, char out[40])
{
    const char *name = msim_annotation_name(leaf->annotation);

    switch (leaf->annotation) {
    case ANNOTATION_NONE:
        out[0] = '\0';
        break;
    case ANNOTATION_DECIMAL:
        snprintf(out, 40, "DECIMAL(%" PRId32 ",%" PRId32 ")", leaf->precision, leaf->scale);
        break;
    case ANNOTATION_TIME:
    case ANNOTATION_TIMESTAMP:
        snprintf(out, 40, "%s(%s)", name, unit_name(leaf->nanoseconds));
        break;
    case ANNOTATION_INTEGER:
        snprintf(out, 40, "%s%u", leaf->is_signed ? "INT" : "UINT", leaf->bits);
        break;
    default:
        snprintf(out, 40, "%s", name);
    }
}
