#include "base/bytes.h"
#include "parquet/hybrid.h"

/* Fewer equal numbers than this are packed with their neighbours. */
#define RUN_MIN 8

static int put_varint(struct msim_bytes *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t length = 0;

    while (value >= 0x80) {
        bytes[length++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    bytes[length++] = (unsigned char)value;
    return msim_bytes_append(out, bytes, length);
}

static size_t run_length(const uint32_t *numbers, size_t count)
{
    size_t length = 1;

    while (length < count && numbers[length] == numbers[0])
        length++;
    return length;
}

static int put_equal(struct msim_bytes *out, uint32_t value, size_t count, unsigned width)
{
    unsigned char bytes[4];
    size_t length = (width + 7) / 8;

    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    int r = put_varint(out, (uint64_t)count << 1);
    return r < 0 || length == 0 ? r : msim_bytes_append(out, bytes, length);
}

/* Eight numbers of `width` bits, lowest bits first; those beyond `count` are zeros. */
static int put_eight(struct msim_bytes *out, const uint32_t *numbers, size_t count, unsigned width)
{
    unsigned char bytes[32] = {0};

    for (size_t i = 0; i < count && i < 8; i++) {
        for (unsigned bit = 0; bit < width; bit++) {
            size_t at = i * width + bit;
            bytes[at / 8] |= (unsigned char)((numbers[i] >> bit & 1) << at % 8);
        }
    }
    return msim_bytes_append(out, bytes, width);
}

static int put_packed(struct msim_bytes *out, const uint32_t *numbers, size_t count, unsigned width)
{
    size_t groups = (count + 7) / 8;

    int r = put_varint(out, (uint64_t)groups << 1 | 1);
    for (size_t i = 0; i < groups && r >= 0; i++)
        r = put_eight(out, numbers + i * 8, count - i * 8, width);
    return r;
}

/* How many numbers are packed before a run that is worth its head: whole groups, or all. */
static size_t packed_length(const uint32_t *numbers, size_t count)
{
    size_t at = 0;

    while (at < count && run_length(numbers + at, count - at) < RUN_MIN)
        at += 8;
    return at < count ? at : count;
}

int msim_hybrid_write(struct msim_bytes *out, const uint32_t *numbers, size_t count, unsigned width)
{
    while (count > 0) {
        size_t taken = run_length(numbers, count);
        int r;
        if (taken >= RUN_MIN) {
            r = put_equal(out, numbers[0], taken, width);
        } else {
            taken = packed_length(numbers, count);
            r = put_packed(out, numbers, taken, width);
        }
        if (r < 0)
            return r;
        numbers += taken;
        count -= taken;
    }
    return MSIM_OK;
}
