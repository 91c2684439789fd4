/*
 * The exchange's dialect inside: the names it knows, and a pen that writes JSON into room
 * that was measured before.
 */
#ifndef MSIM_CODEC_EXCHANGE_H
#define MSIM_CODEC_EXCHANGE_H

#include <marketsim/codec.h>

#include <string.h>

#include "base/decimal.h"

/* "2024-01-02T14:30:00.000000Z" with its quotes. */
#define MSIM_NATIVE_MOMENT_SIZE 29

/* A name as a JSON string with its quotes: 64 bytes may take six times that. */
#define MSIM_NATIVE_QUOTED_MAX (6 * MSIM_NATIVE_SYMBOL_MAX + 2)

struct msim_native_name {
    char text[MSIM_NATIVE_SYMBOL_MAX + 1];
    char quoted[MSIM_NATIVE_QUOTED_MAX];
    uint16_t text_length;
    uint16_t quoted_length;
};

struct msim_native_asset {
    struct msim_native_name name;
    int exponent;
};

struct msim_native_listed {
    struct msim_native_name name;
    uint32_t base_asset;
    uint32_t quote_asset;
    int price_exponent;
    int quantity_exponent;
};

/* A name as a JSON string, in a room that is copied whole: the length counts what is meant. */
#define MSIM_NATIVE_WORD_SIZE 24
struct msim_native_word {
    char quoted[MSIM_NATIVE_WORD_SIZE];
    size_t length;
};

/* Ids that were written lately: an order's stands in its ack and in its fills. */
#define MSIM_NATIVE_RECENT 64 /* a power of two */
struct msim_native_recent {
    uint64_t number;
    uint32_t kind; /* enum msim_native_id; 0: none */
    char text[MSIM_NATIVE_ID_LENGTH];
};

/* Numbers that were written lately: an order's price and quantity stand in all that is told of it.
 */
#define MSIM_NATIVE_FIGURE_BITS 6
#define MSIM_NATIVE_FIGURE_SIZE 16 /* longer ones are written anew */
struct msim_native_figure {
    int64_t mantissa;
    char quoted[MSIM_NATIVE_FIGURE_SIZE];
    int16_t exponent;
    uint8_t length; /* 0: none */
};

/* One more than there are: UNKNOWN. */
#define MSIM_NATIVE_STATUSES 9
#define MSIM_NATIVE_ORDER_TYPES 8
#define MSIM_NATIVE_FORCES 6

struct msim_native_codec {
    struct msim_allocator allocator;
    struct msim_native_asset *assets;
    size_t asset_count;
    size_t asset_capacity;
    struct msim_native_listed *instruments;
    size_t instrument_count;
    size_t instrument_capacity;
    uint32_t *buckets; /* by symbol: number + 1, 0 for none; a power of two */
    size_t bucket_count;
    uint64_t keys[8]; /* by enum msim_native_id */
    /* The latest second that was written, since most messages share it with the one before. */
    int64_t second;
    char second_text[20]; /* "2024-01-02T14:30:00." */
    /* The latest moment: an order's messages are of one. */
    msim_time moment;
    char moment_text[MSIM_NATIVE_MOMENT_SIZE];
    struct msim_native_recent recent[MSIM_NATIVE_RECENT]; /* by their numbers' lowest bits */
    struct msim_native_figure figures[1 << MSIM_NATIVE_FIGURE_BITS];
    struct msim_native_word statuses[MSIM_NATIVE_STATUSES];
    struct msim_native_word order_types[MSIM_NATIVE_ORDER_TYPES];
    struct msim_native_word forces[MSIM_NATIVE_FORCES];
};

/* ---- the pen ---- */

struct pen {
    char *at;
};

static inline void put(struct pen *pen, const char *bytes, size_t length)
{
    memcpy(pen->at, bytes, length);
    pen->at += length;
}

/* A literal text. */
#define PUT(pen, literal) put(pen, literal, sizeof literal - 1)

static inline void put_text(struct pen *pen, const char *text)
{
    put(pen, text, strlen(text));
}

static inline void put_number(struct pen *pen, uint64_t number)
{
    pen->at += msim_decimal_digits(number, pen->at);
}

/* "1.5" with its quotes. */
static inline void put_decimal(struct pen *pen, int64_t mantissa, int exponent)
{
    *pen->at++ = '"';
    pen->at += msim_decimal_print_short(mantissa, exponent, pen->at);
    *pen->at++ = '"';
}

/* The same, but null for what is not there. */
static inline void put_price(struct pen *pen, int64_t mantissa, int exponent)
{
    if (mantissa == 0)
        PUT(pen, "null");
    else
        put_decimal(pen, mantissa, exponent);
}

static inline void put_bool(struct pen *pen, bool value)
{
    if (value)
        PUT(pen, "true");
    else
        PUT(pen, "false");
}

/*
 * What is longer than a line is no part of the pen: it takes the place and returns the one behind
 * it, so that a pen never leaves the registers of who writes with it.
 */

/* A text as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD.  Six times at most. */
char *msim_native_string_at(char *at, const char *text, size_t length);

/* "2024-01-02T14:30:00.000000Z" with its quotes. */
char *msim_native_time_at(struct msim_native_codec *codec, char *at, msim_time time);

/* An id with its quotes. */
char *msim_native_id_at(const struct msim_native_codec *codec, char *at, int kind, uint64_t number);

/* The same of an id that comes again soon. */
char *msim_native_recent_id_at(struct msim_native_codec *codec, char *at, int kind,
                               uint64_t number);

/* `,"timestamp":...` and what else the stamp has, and the end of the object. */
char *msim_native_stamp_at(struct msim_native_codec *codec, char *at,
                           const struct msim_native_stamp *stamp);

static inline void msim_native_put_string(struct pen *pen, const char *text, size_t length)
{
    pen->at = msim_native_string_at(pen->at, text, length);
}

static inline void msim_native_put_time(struct msim_native_codec *codec, struct pen *pen,
                                        msim_time time)
{
    pen->at = msim_native_time_at(codec, pen->at, time);
}

static inline void msim_native_put_id(const struct msim_native_codec *codec, struct pen *pen,
                                      int kind, uint64_t number)
{
    pen->at = msim_native_id_at(codec, pen->at, kind, number);
}

static inline void msim_native_put_recent_id(struct msim_native_codec *codec, struct pen *pen,
                                             int kind, uint64_t number)
{
    pen->at = msim_native_recent_id_at(codec, pen->at, kind, number);
}

static inline void msim_native_put_stamp(struct msim_native_codec *codec, struct pen *pen,
                                         const struct msim_native_stamp *stamp)
{
    pen->at = msim_native_stamp_at(codec, pen->at, stamp);
}

/* A decimal number with its quotes, which comes again soon. */
char *msim_native_figure_at(struct msim_native_figure *figure, char *at, int64_t mantissa,
                            int exponent);

static inline void msim_native_put_figure(struct msim_native_codec *codec, struct pen *pen,
                                          int64_t mantissa, int exponent)
{
    const uint64_t spread = (uint64_t)mantissa * UINT64_C(0x9E3779B97F4A7C15);
    struct msim_native_figure *figure = &codec->figures[spread >> (64 - MSIM_NATIVE_FIGURE_BITS)];

    if (figure->mantissa != mantissa || figure->exponent != exponent || figure->length == 0) {
        pen->at = msim_native_figure_at(figure, pen->at, mantissa, exponent);
        return;
    }
    memcpy(pen->at, figure->quoted, sizeof figure->quoted); /* what is too much is written over */
    pen->at += figure->length;
}

void msim_native_put_candle(struct msim_native_codec *codec, struct pen *pen,
                            const struct msim_native_listed *listed,
                            const struct msim_native_candle *candle);

/* What is copied beyond the word is written over by what comes behind it. */
static inline void put_known(struct pen *pen, const struct msim_native_word *word)
{
    memcpy(pen->at, word->quoted, sizeof word->quoted);
    pen->at += word->length;
}

/* The word of a number, or the last one: UNKNOWN. */
#define PUT_KNOWN(pen, words, number)                                   \
    put_known(pen, &(words)[(number) < sizeof(words) / sizeof(words)[0] \
                                ? (number)                              \
                                : sizeof(words) / sizeof(words)[0] - 1])

#define USUAL_NAME 16 /* bytes, with the quotes */

static inline void put_name(struct pen *pen, const struct msim_native_name *name)
{
    if (name->quoted_length <= USUAL_NAME)
        memcpy(pen->at, name->quoted, USUAL_NAME); /* what is too much is written over */
    else
        memcpy(pen->at, name->quoted, name->quoted_length);
    pen->at += name->quoted_length;
}

/* The instrument, or NULL for a number that none has. */
static inline const struct msim_native_listed *msim_native_listed(
    const struct msim_native_codec *codec, uint32_t instrument)
{
    return instrument < codec->instrument_count ? &codec->instruments[instrument] : NULL;
}

static inline int msim_native_quote_exponent(const struct msim_native_codec *codec,
                                             const struct msim_native_listed *listed)
{
    return codec->assets[listed->quote_asset].exponent;
}

/* ---- what a message's members are ---- */

enum msim_native_field {
    FIELD_TYPE,
    FIELD_REQUEST_ID,
    FIELD_SYMBOL,
    FIELD_SIDE,
    FIELD_ORDER_TYPE,
    FIELD_PRICE,
    FIELD_STOP_PRICE,
    FIELD_QUANTITY,
    FIELD_TIME_IN_FORCE,
    FIELD_EXPIRES_AT,
    FIELD_POST_ONLY,
    FIELD_REDUCE_ONLY,
    FIELD_DISPLAY_QUANTITY,
    FIELD_CLIENT_ORDER_ID,
    FIELD_SELF_TRADE,
    FIELD_ORDER_ID,
    FIELD_STATUS,
    FIELD_DEPTH,
    FIELD_LIMIT,
    FIELD_CHANNEL,
    FIELD_FROM_SEQUENCE,
    FIELD_INTERVAL,
    FIELD_COUNT,
};

const char *msim_native_field_name(int field);

/* A member's value; `kind` 0 where it is not there. */
struct msim_native_value {
    uint32_t start;
    uint32_t end;
    uint8_t kind;    /* enum msim_json_kind, of its first token */
    bool is_escaped; /* a string with a backslash in it */
};

struct msim_native_members {
    struct msim_native_value values[FIELD_COUNT];
    uint32_t unknown_count;
    struct {
        uint32_t start;
        uint32_t end;
    } unknown[MSIM_NATIVE_MEMBERS_MAX];
};

/*
 * The members of a JSON object.  MSIM_NATIVE_READ, or MSIM_NATIVE_REFUSED with the words.
 * `bytes` are at most MSIM_NATIVE_TEXT_MAX.
 */
#define MSIM_NATIVE_TEXT_MAX UINT32_MAX
int msim_native_members_read(const char *bytes, size_t length, struct msim_native_members *out,
                             struct msim_native_refusal *refusal);

/* The plain way for the plain messages; false where the careful one has to look. */
bool msim_native_members_plain(const char *bytes, size_t length, struct msim_native_members *out);

/* The careful way, for every message. */
int msim_native_members_careful(const char *bytes, size_t length, struct msim_native_members *out,
                                struct msim_native_refusal *refusal);

/* The words of an error; `field` (-1 for none) goes into the details. */
int msim_native_refuse(struct msim_native_refusal *refusal, int error, int field,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
