/*
 * A trade as the replay feed's JSON, by itself or in a bundle.
 *
 * A trade's text is three parts: the moment, the numbers, the ticker.  The
 * moment is made once for all trades that share it, the ticker once for each
 * symbol; only the numbers are made each time.
 */
#include <marketsim/codec.h>

#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/mem.h"
#include "base/utf8.h"

#define NS_PER_DAY (INT64_C(86400) * MSIM_NS_PER_S)

static const char head_text[] = "{\"timestamp\": ";
static const char price_text[] = ", \"price\": ";
static const char first_text[] = ", \"trades\": [{\"price\": ";
static const char next_text[] = ", {\"price\": ";
static const char volume_text[] = ", \"volume\": ";
static const char ticker_text[] = ", \"ticker\": ";

/* The longest beginning: every part but the tail. */
#define MOMENT_SIZE (sizeof head_text + MSIM_CALENDAR_SIZE + 2 + sizeof price_text)
#define NUMBERS_SIZE (2 * MSIM_DECIMAL_SIZE + sizeof volume_text)

struct tail {
    const char *text; /* `, "ticker": "BTC"}`; NULL where not made yet */
    size_t length;
};

static const struct tail null_tail = {
    .text = ", \"ticker\": null}",
    .length = sizeof ", \"ticker\": null}" - 1,
};

/* A further column's name as JSON: `, "side": `. */
struct extra_head {
    char *text;
    size_t length;
};

struct msim_replay_encoder {
    struct msim_source *source;
    struct extra_head *extra_heads;
    struct msim_extra *extras; /* of the trade at hand */
    size_t extra_count;
    struct tail *tails; /* by symbol */
    size_t tail_count;
    enum msim_replay_timestamps timestamps;
    msim_time moment;     /* that `moment_text` stands for */
    size_t moment_length; /* with the price's key; 0: none is made yet */
    size_t stem_length;   /* without it */
    msim_time day;        /* that `day_text` stands for, as its first nanosecond */
    char day_text[16];
    char moment_text[MOMENT_SIZE];
    struct msim_allocator allocator;
};

static size_t put(char *out, const char *text, size_t length)
{
    memcpy(out, text, length);
    return length;
}

/* Two digits at a time; the day's text is kept, since a feed stays in a day for long. */
static size_t put_clock(char *out, uint64_t ns_of_day)
{
    uint32_t seconds = (uint32_t)(ns_of_day / 1000000000);
    uint32_t fraction = (uint32_t)(ns_of_day % 1000000000);
    uint32_t parts[3] = {seconds / 3600, seconds / 60 % 60, seconds % 60};
    char *p = out;

    for (int i = 0; i < 3; i++) {
        if (i > 0)
            *p++ = ':';
        *p++ = (char)('0' + parts[i] / 10);
        *p++ = (char)('0' + parts[i] % 10);
    }
    if (fraction == 0)
        return (size_t)(p - out);
    int digits = fraction % 1000 == 0 ? 6 : 9;
    uint32_t shown = digits == 6 ? fraction / 1000 : fraction;
    *p++ = '.';
    for (int i = digits - 1; i >= 0; i--, shown /= 10)
        p[i] = (char)('0' + shown % 10);
    return (size_t)(p + digits - out);
}

/* As Python's str(datetime) gives it. */
static size_t put_plain(struct msim_replay_encoder *encoder, msim_time time, char *out)
{
    msim_time rest = time % NS_PER_DAY;
    if (rest < 0)
        rest += NS_PER_DAY;
    /* The first nanosecond of the first day may lie below what msim_time holds. */
    if (time < INT64_MIN + rest)
        return msim_calendar_print(time, MSIM_CALENDAR_PLAIN, out);
    if (encoder->day != time - rest || encoder->day_text[0] == '\0') {
        char text[MSIM_CALENDAR_SIZE];
        encoder->day = time - rest;
        msim_calendar_print(encoder->day, MSIM_CALENDAR_PLAIN, text);
        memcpy(encoder->day_text, text, 11);
        encoder->day_text[11] = '\0';
    }
    size_t length = put(out, encoder->day_text, 11);
    return length + put_clock(out + length, (uint64_t)rest);
}

/* Whole units since 1970, rounded down. */
static size_t put_count(msim_time time, int64_t unit, char *out)
{
    int64_t count = time / unit - (time % unit < 0);

    return msim_decimal_print(count, 0, out);
}

static size_t put_moment(struct msim_replay_encoder *encoder, msim_time time, char *out)
{
    size_t length;

    switch (encoder->timestamps) {
    case MSIM_REPLAY_NS:
        return put_count(time, 1, out);
    case MSIM_REPLAY_US:
        return put_count(time, MSIM_NS_PER_US, out);
    case MSIM_REPLAY_MS:
        return put_count(time, MSIM_NS_PER_MS, out);
    case MSIM_REPLAY_ISO:
        length = msim_calendar_print(time, MSIM_CALENDAR_ISO, out + 1);
        break;
    default:
        length = put_plain(encoder, time, out + 1);
    }
    out[0] = out[length + 1] = '"';
    return length + 2;
}

static void make_moment(struct msim_replay_encoder *encoder, msim_time time)
{
    char *p = encoder->moment_text;

    p += put(p, head_text, sizeof head_text - 1);
    p += put_moment(encoder, time, p);
    encoder->stem_length = (size_t)(p - encoder->moment_text);
    p += put(p, price_text, sizeof price_text - 1);
    encoder->moment = time;
    encoder->moment_length = (size_t)(p - encoder->moment_text);
}

/* ---- tickers ---- */

/* The length of one character and its code point; a byte that begins none stands for U+FFFD. */
static size_t read_character(const unsigned char *text, size_t length, uint32_t *code)
{
    size_t size = msim_utf8_character(text, length);

    if (size == 0) {
        *code = 0xFFFD;
        return 1;
    }
    *code = size == 1 ? text[0] : text[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++)
        *code = *code << 6 | (text[i] & 0x3Fu);
    return size;
}

static size_t put_unit(char *out, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    out[1] = 'u';
    for (int i = 0; i < 4; i++)
        out[2 + i] = hex[unit >> (12 - 4 * i) & 15];
    return 6;
}

/* As json.dumps does by default; at most six bytes for a byte of the text. */
static size_t put_escaped(char *out, uint32_t code)
{
    switch (code) {
    case '"':
        return put(out, "\\\"", 2);
    case '\\':
        return put(out, "\\\\", 2);
    case '\b':
        return put(out, "\\b", 2);
    case '\f':
        return put(out, "\\f", 2);
    case '\n':
        return put(out, "\\n", 2);
    case '\r':
        return put(out, "\\r", 2);
    case '\t':
        return put(out, "\\t", 2);
    default:
        break;
    }
    if (code >= 0x20 && code < 0x7F) {
        *out = (char)code;
        return 1;
    }
    if (code < 0x10000)
        return put_unit(out, code);
    code -= 0x10000;
    size_t length = put_unit(out, 0xD800 + (code >> 10));
    return length + put_unit(out + length, 0xDC00 + (code & 0x3FF));
}

static size_t put_text(char *out, const char *text, size_t length)
{
    char *p = out;

    *p++ = '"';
    for (size_t i = 0; i < length;) {
        uint32_t code;
        i += read_character((const unsigned char *)text + i, length - i, &code);
        p += put_escaped(p, code);
    }
    *p++ = '"';
    return (size_t)(p - out);
}

static int make_tail(struct msim_replay_encoder *encoder, const char *ticker, size_t length,
                     struct tail *tail)
{
    size_t size;
    if (__builtin_mul_overflow(length, (size_t)6, &size) ||
        __builtin_add_overflow(size, sizeof ticker_text + 3, &size))
        return MSIM_ERR_LIMIT;
    char *text = msim_mem_take(&encoder->allocator, size);
    if (!text)
        return MSIM_ERR_NOMEM;

    char *p = text + put(text, ticker_text, sizeof ticker_text - 1);
    p += put_text(p, ticker, length);
    *p++ = '}';

    size_t made = (size_t)(p - text);
    char *fitted = msim_mem_resize(&encoder->allocator, text, size, made);
    if (!fitted) {
        msim_mem_free(&encoder->allocator, text, size);
        return MSIM_ERR_NOMEM;
    }
    *tail = (struct tail){.text = fitted, .length = made};
    return MSIM_OK;
}

static int find_tail(struct msim_replay_encoder *encoder, const struct msim_record *record,
                     const struct tail **out)
{
    if (record->flags & MSIM_RECORD_NO_SYMBOL) {
        *out = &null_tail;
        return MSIM_OK;
    }
    if (record->symbol < encoder->tail_count && encoder->tails[record->symbol].text) {
        *out = &encoder->tails[record->symbol];
        return MSIM_OK;
    }

    size_t length = 0;
    const char *ticker = msim_source_symbol(encoder->source, record->symbol, &length);
    if (!ticker)
        return MSIM_ERR_INVALID;
    size_t old = encoder->tail_count;
    void *tails = encoder->tails;
    int r = msim_mem_grow(&encoder->allocator, &tails, &encoder->tail_count, sizeof *encoder->tails,
                          (size_t)record->symbol + 1, (size_t)UINT32_MAX);
    if (r < 0)
        return r;
    encoder->tails = tails;
    if (encoder->tail_count > old)
        memset(encoder->tails + old, 0, (encoder->tail_count - old) * sizeof *encoder->tails);
    *out = &encoder->tails[record->symbol];
    return make_tail(encoder, ticker, length, &encoder->tails[record->symbol]);
}

/* ---- further columns ---- */

static int make_head(struct msim_replay_encoder *encoder, const char *name, struct extra_head *head)
{
    size_t length = strlen(name);
    size_t size = 6 * length + sizeof ", \"\": ";
    char *text = msim_mem_take(&encoder->allocator, size);

    if (!text)
        return MSIM_ERR_NOMEM;
    size_t made = put(text, ", ", 2);
    made += put_text(text + made, name, length);
    made += put(text + made, ": ", 2);
    *head = (struct extra_head){.text = text, .length = made};
    char *fitted = msim_mem_resize(&encoder->allocator, text, size, made);
    if (!fitted) {
        msim_mem_free(&encoder->allocator, text, size);
        head->text = NULL;
        return MSIM_ERR_NOMEM;
    }
    head->text = fitted;
    return MSIM_OK;
}

static int make_heads(struct msim_replay_encoder *encoder)
{
    size_t count = 0;
    const char *const *names = msim_source_extra_names(encoder->source, &count);

    if (count == 0)
        return MSIM_OK;
    encoder->extra_heads =
        msim_mem_zero_array(&encoder->allocator, count, sizeof *encoder->extra_heads);
    encoder->extras = msim_mem_zero_array(&encoder->allocator, count, sizeof *encoder->extras);
    encoder->extra_count = count;
    if (!encoder->extra_heads || !encoder->extras)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int r = make_head(encoder, names[i], &encoder->extra_heads[i]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static void free_heads(struct msim_replay_encoder *encoder)
{
    size_t count = encoder->extra_count;

    for (size_t i = 0; encoder->extra_heads && i < count; i++)
        msim_mem_free(&encoder->allocator, encoder->extra_heads[i].text,
                      encoder->extra_heads[i].length);
    msim_mem_free(&encoder->allocator, encoder->extra_heads, count * sizeof *encoder->extra_heads);
    msim_mem_free(&encoder->allocator, encoder->extras, count * sizeof *encoder->extras);
}

/* Borrows the trade's further columns; the room that they take is in `*most`. */
static int find_extras(struct msim_replay_encoder *encoder, const struct msim_record *record,
                       size_t *most)
{
    size_t size = 0;

    int r = msim_source_extras(encoder->source, record, encoder->extras);
    if (r < 0)
        return r;
    for (size_t i = 0; i < encoder->extra_count; i++) {
        size_t text;
        if (__builtin_mul_overflow(encoder->extras[i].length, (size_t)6, &text) ||
            __builtin_add_overflow(size, text, &size) ||
            __builtin_add_overflow(size, encoder->extra_heads[i].length + MSIM_CALENDAR_SIZE + 2,
                                   &size))
            return MSIM_ERR_LIMIT;
    }
    *most = size;
    return MSIM_OK;
}

static size_t put_extra(struct msim_replay_encoder *encoder, char *out,
                        const struct msim_extra *extra)
{
    switch (extra->kind) {
    case MSIM_EXTRA_BARE:
        return put(out, extra->text, extra->length);
    case MSIM_EXTRA_TEXT:
        return put_text(out, extra->text, extra->length);
    case MSIM_EXTRA_TIME:
        return put_moment(encoder, extra->time, out);
    case MSIM_EXTRA_NULL:
        break;
    }
    return put(out, "null", 4);
}

/* In place of the object's last brace, and that brace behind them. */
static size_t put_extras(struct msim_replay_encoder *encoder, char *out)
{
    char *p = out - 1;

    for (size_t i = 0; i < encoder->extra_count; i++) {
        p += put(p, encoder->extra_heads[i].text, encoder->extra_heads[i].length);
        p += put_extra(encoder, p, &encoder->extras[i]);
    }
    *p++ = '}';
    return (size_t)(p - out);
}

/* ---- whole ---- */

int msim_replay_encoder_create(struct msim_replay_encoder **out, struct msim_source *source,
                               const struct msim_allocator *chosen)
{
    if (!out || !source)
        return MSIM_ERR_INVALID;
    struct msim_allocator allocator = msim_mem_allocator(chosen);
    struct msim_replay_encoder *encoder = msim_mem_zero(&allocator, sizeof *encoder);
    if (!encoder)
        return MSIM_ERR_NOMEM;
    encoder->source = source;
    encoder->allocator = allocator;
    int r = make_heads(encoder);
    if (r < 0) {
        msim_replay_encoder_destroy(&encoder);
        return r;
    }
    *out = encoder;
    return MSIM_OK;
}

void msim_replay_encoder_destroy(struct msim_replay_encoder **encoder)
{
    struct msim_replay_encoder *old = encoder ? *encoder : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->allocator;

    for (size_t i = 0; i < old->tail_count; i++)
        msim_mem_free(&allocator, (char *)old->tails[i].text, old->tails[i].length);
    msim_mem_free(&allocator, old->tails, old->tail_count * sizeof *old->tails);
    free_heads(old);
    msim_mem_free(&allocator, old, sizeof *old);
    *encoder = NULL;
}

static size_t put_number(char *out, int64_t mantissa, int exponent, bool missing)
{
    if (missing)
        return put(out, "null", 4);
    if (exponent == 0 && mantissa >= 0)
        return msim_decimal_digits((uint64_t)mantissa, out);
    return msim_decimal_print(mantissa, exponent, out);
}

static bool is_exponent(int exponent)
{
    return exponent >= MSIM_EXPONENT_MIN && exponent <= MSIM_EXPONENT_MAX;
}

int msim_replay_encoder_set_timestamps(struct msim_replay_encoder *encoder,
                                       enum msim_replay_timestamps timestamps)
{
    if (!encoder || timestamps > MSIM_REPLAY_MS)
        return MSIM_ERR_INVALID;
    encoder->timestamps = timestamps;
    encoder->moment_length = 0;
    return MSIM_OK;
}

/* Everything before the price, which depends on the trade's place. */
static size_t put_beginning(const struct msim_replay_encoder *encoder, enum msim_replay_place place,
                            char *out)
{
    size_t length;

    switch (place) {
    case MSIM_REPLAY_FIRST:
        length = put(out, encoder->moment_text, encoder->stem_length);
        return length + put(out + length, first_text, sizeof first_text - 1);
    case MSIM_REPLAY_NEXT:
        return put(out, next_text, sizeof next_text - 1);
    default:
        return put(out, encoder->moment_text, encoder->moment_length);
    }
}

int msim_replay_encode_placed(struct msim_replay_encoder *encoder, enum msim_replay_place place,
                              const struct msim_record *record, char *out, size_t capacity,
                              size_t *length)
{
    if (record->kind != MSIM_RECORD_TRADE || !is_exponent(record->price_exponent) ||
        !is_exponent(record->quantity_exponent))
        return MSIM_ERR_INVALID;

    const struct tail *tail;
    int r = find_tail(encoder, record, &tail);
    if (r < 0)
        return r;
    if (encoder->moment_length == 0 || encoder->moment != record->time)
        make_moment(encoder, record->time);

    size_t most = 0;
    if (encoder->extra_count > 0) {
        r = find_extras(encoder, record, &most);
        if (r < 0)
            return r;
    }
    most += encoder->moment_length + sizeof first_text + NUMBERS_SIZE + tail->length;
    if (most > capacity) {
        *length = most;
        return MSIM_ERR_LIMIT;
    }
    char *p = out;
    p += put_beginning(encoder, place, p);
    p += put_number(p, record->as.trade.price, record->price_exponent,
                    record->flags & MSIM_RECORD_NO_PRICE);
    p += put(p, volume_text, sizeof volume_text - 1);
    p += put_number(p, record->as.trade.quantity, record->quantity_exponent,
                    record->flags & MSIM_RECORD_NO_QUANTITY);
    p += put(p, tail->text, tail->length);
    if (encoder->extra_count > 0)
        p += put_extras(encoder, p);
    *length = (size_t)(p - out);
    return MSIM_OK;
}

int msim_replay_encode(struct msim_replay_encoder *encoder, const struct msim_record *record,
                       char *out, size_t capacity, size_t *length)
{
    return msim_replay_encode_placed(encoder, MSIM_REPLAY_ALONE, record, out, capacity, length);
}
