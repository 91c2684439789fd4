/*
 * The exchange's dialect inside: the names it knows, and a pen that writes JSON into room
 * that was measured before.
 */
#ifndef MSIM_CODEC_EXCHANGE_H
#define MSIM_CODEC_EXCHANGE_H

#include <marketsim/codec.h>

#include <string.h>

#include "base/decimal.h"

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

/* A text as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD.  Six times at most. */
void msim_native_put_string(struct pen *pen, const char *text, size_t length);

/* "2024-01-02T14:30:00.000000Z" with its quotes. */
void msim_native_put_time(struct msim_native_codec *codec, struct pen *pen, msim_time time);

/* An id with its quotes. */
void msim_native_put_id(const struct msim_native_codec *codec, struct pen *pen, int kind,
                        uint64_t number);

/* `,"timestamp":...` and what else the stamp has, and the end of the object. */
void msim_native_put_stamp(struct msim_native_codec *codec, struct pen *pen,
                           const struct msim_native_stamp *stamp);

void msim_native_put_candle(struct msim_native_codec *codec, struct pen *pen,
                            const struct msim_native_listed *listed,
                            const struct msim_native_candle *candle);

static inline void put_name(struct pen *pen, const struct msim_native_name *name)
{
    put(pen, name->quoted, name->quoted_length);
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
