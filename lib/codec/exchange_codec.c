/*
 * What the dialect knows: assets, instruments, and the ids that numbers have on the wire.
 */
#include "codec/exchange.h"

#include <assert.h>

#include "base/mem.h"
#include "base/random.h"

#define LEAST_BUCKETS 64
#define MOST_NAMES 65536

static const char *name_in(const char *const *names, size_t count, int number)
{
    return number > 0 && (size_t)number < count && names[number] ? names[number] : "UNKNOWN";
}

const char *msim_native_type_name(int type)
{
    static const char *const names[MSIM_NATIVE_TYPES] = {
        [MSIM_NATIVE_PLACE_ORDER] = "PLACE_ORDER",
        [MSIM_NATIVE_CANCEL_ORDER] = "CANCEL_ORDER",
        [MSIM_NATIVE_CANCEL_ALL] = "CANCEL_ALL",
        [MSIM_NATIVE_REPLACE_ORDER] = "REPLACE_ORDER",
        [MSIM_NATIVE_GET_ORDER] = "GET_ORDER",
        [MSIM_NATIVE_GET_ORDERS] = "GET_ORDERS",
        [MSIM_NATIVE_GET_BALANCE] = "GET_BALANCE",
        [MSIM_NATIVE_GET_POSITION] = "GET_POSITION",
        [MSIM_NATIVE_GET_ORDERBOOK] = "GET_ORDERBOOK",
        [MSIM_NATIVE_GET_TRADES] = "GET_TRADES",
        [MSIM_NATIVE_SUBSCRIBE] = "SUBSCRIBE",
        [MSIM_NATIVE_UNSUBSCRIBE] = "UNSUBSCRIBE",
        [MSIM_NATIVE_RESUME] = "RESUME",
        [MSIM_NATIVE_PING] = "PING",
    };

    return name_in(names, sizeof names / sizeof names[0], type);
}

const char *msim_native_channel_name(int channel)
{
    static const char *const names[MSIM_NATIVE_CHANNELS] = {
        [MSIM_NATIVE_TRADES] = "TRADES",
        [MSIM_NATIVE_TICKER] = "TICKER",
        [MSIM_NATIVE_ORDERBOOK] = "ORDERBOOK",
        [MSIM_NATIVE_ORDERBOOK_L2] = "ORDERBOOK_L2",
        [MSIM_NATIVE_ORDERBOOK_L3] = "ORDERBOOK_L3",
        [MSIM_NATIVE_CANDLES] = "CANDLES",
        [MSIM_NATIVE_ORDERS] = "ORDERS",
    };

    return name_in(names, sizeof names / sizeof names[0], channel);
}

const char *msim_native_error_name(int error)
{
    static const char *const names[] = {
        [MSIM_NATIVE_INVALID_JSON] = "INVALID_JSON",
        [MSIM_NATIVE_UNKNOWN_TYPE] = "UNKNOWN_TYPE",
        [MSIM_NATIVE_MISSING_FIELD] = "MISSING_FIELD",
        [MSIM_NATIVE_INVALID_FIELD] = "INVALID_FIELD",
        [MSIM_NATIVE_UNKNOWN_SYMBOL] = "UNKNOWN_SYMBOL",
        [MSIM_NATIVE_ORDER_NOT_FOUND] = "ORDER_NOT_FOUND",
        [MSIM_NATIVE_INSUFFICIENT_BALANCE] = "INSUFFICIENT_BALANCE",
        [MSIM_NATIVE_DUPLICATE_CLIENT_ID] = "DUPLICATE_CLIENT_ID",
        [MSIM_NATIVE_CANCEL_FAILED] = "CANCEL_FAILED",
        [MSIM_NATIVE_RATE_LIMITED] = "RATE_LIMITED",
        [MSIM_NATIVE_UNAUTHORIZED] = "UNAUTHORIZED",
        [MSIM_NATIVE_TOO_LARGE] = "TOO_LARGE",
        [MSIM_NATIVE_INTERNAL] = "INTERNAL",
    };

    return name_in(names, sizeof names / sizeof names[0], error);
}

/* ---- the codec ---- */

static void learn(struct msim_native_word *words, size_t count, const char *(*name)(uint8_t))
{
    for (size_t i = 0; i < count; i++) {
        struct pen pen = {words[i].quoted};
        const char *text = name((uint8_t)(i < count - 1 ? i : UINT8_MAX));

        assert(strlen(text) + 2 <= sizeof words[i].quoted);
        *pen.at++ = '"';
        put_text(&pen, text);
        *pen.at++ = '"';
        words[i].length = (size_t)(pen.at - words[i].quoted);
    }
}

static void learn_words(struct msim_native_codec *codec)
{
    learn(codec->statuses, MSIM_NATIVE_STATUSES, msim_order_status_name);
    learn(codec->order_types, MSIM_NATIVE_ORDER_TYPES, msim_order_type_name);
    learn(codec->forces, MSIM_NATIVE_FORCES, msim_time_in_force_name);
}

int msim_native_codec_create(struct msim_native_codec **out,
                             const struct msim_native_codec_params *params)
{
    static const char *const purposes[] = {
        [MSIM_NATIVE_ID_ORDER] = "order",
        [MSIM_NATIVE_ID_FILL] = "fill",
        [MSIM_NATIVE_ID_TRADE] = "trade",
        [MSIM_NATIVE_ID_ACCOUNT] = "account",
    };

    char moment[MSIM_NATIVE_MOMENT_SIZE];

    if (!out || !params || params->size != sizeof *params)
        return MSIM_ERR_INVALID;
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_native_codec *codec = msim_mem_zero(&allocator, sizeof *codec);
    if (!codec)
        return MSIM_ERR_NOMEM;
    codec->allocator = allocator;
    codec->second = INT64_MIN;
    codec->moment = INT64_MIN;
    msim_native_time_at(codec, moment, 0); /* so that every moment has its text */
    learn_words(codec);
    codec->buckets = msim_mem_zero_array(&allocator, LEAST_BUCKETS, sizeof *codec->buckets);
    if (!codec->buckets) {
        msim_mem_free(&allocator, codec, sizeof *codec);
        return MSIM_ERR_NOMEM;
    }
    codec->bucket_count = LEAST_BUCKETS;
    for (size_t i = 1; i < sizeof purposes / sizeof purposes[0]; i++)
        codec->keys[i] = msim_id_key(params->seed, purposes[i]);
    *out = codec;
    return MSIM_OK;
}

void msim_native_codec_destroy(struct msim_native_codec **codec)
{
    struct msim_native_codec *old = codec ? *codec : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->allocator;

    msim_mem_free(&allocator, old->assets, old->asset_capacity * sizeof *old->assets);
    msim_mem_free(&allocator, old->instruments,
                  old->instrument_capacity * sizeof *old->instruments);
    msim_mem_free(&allocator, old->buckets, old->bucket_count * sizeof *old->buckets);
    msim_mem_free(&allocator, old, sizeof *old);
    *codec = NULL;
}

static int name_init(struct msim_native_name *name, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    struct pen pen = {name->quoted};

    if (length < 1 || length > MSIM_NATIVE_SYMBOL_MAX)
        return MSIM_ERR_INVALID;
    memcpy(name->text, text, length + 1);
    name->text_length = (uint16_t)length;
    msim_native_put_string(&pen, text, length);
    name->quoted_length = (uint16_t)(pen.at - name->quoted);
    return MSIM_OK;
}

int msim_native_codec_asset(struct msim_native_codec *codec, const char *name, int exponent)
{
    struct msim_native_asset asset = {.exponent = exponent};

    if (!codec || exponent < MSIM_EXPONENT_MIN || exponent > MSIM_EXPONENT_MAX)
        return MSIM_ERR_INVALID;
    int r = name_init(&asset.name, name);
    if (r < 0)
        return r;
    for (size_t i = 0; i < codec->asset_count; i++)
        if (strcmp(codec->assets[i].name.text, name) == 0)
            return MSIM_ERR_EXISTS;
    void *assets = codec->assets;
    r = msim_mem_grow(&codec->allocator, &assets, &codec->asset_capacity, sizeof asset,
                      codec->asset_count + 1, MOST_NAMES);
    if (r < 0)
        return r;
    codec->assets = assets;
    codec->assets[codec->asset_count++] = asset;
    return MSIM_OK;
}

/* ---- symbols ---- */

static size_t bucket_of(const struct msim_native_codec *codec, const char *symbol, size_t length)
{
    size_t at = (size_t)msim_fnv(symbol, length) & (codec->bucket_count - 1);

    for (; codec->buckets[at] != 0; at = (at + 1) & (codec->bucket_count - 1)) {
        const struct msim_native_name *name = &codec->instruments[codec->buckets[at] - 1].name;
        if (name->text_length == length && memcmp(name->text, symbol, length) == 0)
            break;
    }
    return at;
}

int msim_native_codec_find(const struct msim_native_codec *codec, const char *symbol, size_t length,
                           uint32_t *instrument)
{
    if (!codec || !symbol || !instrument)
        return MSIM_ERR_INVALID;
    size_t at = bucket_of(codec, symbol, length);
    if (codec->buckets[at] == 0)
        return MSIM_ERR_NOT_FOUND;
    *instrument = codec->buckets[at] - 1;
    return MSIM_OK;
}

/* Twice the buckets, so that at most half of them are taken. */
static int widen(struct msim_native_codec *codec)
{
    size_t old_count = codec->bucket_count;
    uint32_t *wider = msim_mem_zero_array(&codec->allocator, 2 * old_count, sizeof *codec->buckets);

    if (!wider)
        return MSIM_ERR_NOMEM;
    msim_mem_free(&codec->allocator, codec->buckets, old_count * sizeof *codec->buckets);
    codec->buckets = wider;
    codec->bucket_count = 2 * old_count;
    for (uint32_t i = 0; i < codec->instrument_count; i++) {
        const struct msim_native_name *name = &codec->instruments[i].name;
        codec->buckets[bucket_of(codec, name->text, name->text_length)] = i + 1;
    }
    return MSIM_OK;
}

int msim_native_codec_instrument(struct msim_native_codec *codec,
                                 const struct msim_native_instrument *instrument)
{
    struct msim_native_listed listed = {0};

    if (!codec || !instrument || instrument->base_asset >= codec->asset_count ||
        instrument->quote_asset >= codec->asset_count)
        return MSIM_ERR_INVALID;
    if (instrument->price_exponent < MSIM_EXPONENT_MIN ||
        instrument->price_exponent > MSIM_EXPONENT_MAX ||
        instrument->quantity_exponent < MSIM_EXPONENT_MIN ||
        instrument->quantity_exponent > MSIM_EXPONENT_MAX)
        return MSIM_ERR_INVALID;
    int r = name_init(&listed.name, instrument->symbol);
    if (r < 0)
        return r;
    if (codec->buckets[bucket_of(codec, listed.name.text, listed.name.text_length)] != 0)
        return MSIM_ERR_EXISTS;
    listed.base_asset = instrument->base_asset;
    listed.quote_asset = instrument->quote_asset;
    listed.price_exponent = instrument->price_exponent;
    listed.quantity_exponent = instrument->quantity_exponent;

    void *instruments = codec->instruments;
    r = msim_mem_grow(&codec->allocator, &instruments, &codec->instrument_capacity, sizeof listed,
                      codec->instrument_count + 1, MOST_NAMES);
    if (r < 0)
        return r;
    codec->instruments = instruments;
    if (2 * (codec->instrument_count + 1) > codec->bucket_count)
        r = widen(codec);
    if (r < 0)
        return r;
    size_t at = bucket_of(codec, listed.name.text, listed.name.text_length);
    codec->instruments[codec->instrument_count++] = listed;
    codec->buckets[at] = (uint32_t)codec->instrument_count;
    return MSIM_OK;
}

/* ---- ids ---- */

void msim_native_id_print(const struct msim_native_codec *codec, int kind, uint64_t number,
                          char out[MSIM_NATIVE_ID_LENGTH])
{
    char text[MSIM_ID_SIZE];

    msim_id_print(codec->keys[kind & 7], number, text);
    memcpy(out, text, MSIM_NATIVE_ID_LENGTH);
}

bool msim_native_id_read(const struct msim_native_codec *codec, int kind, const char *text,
                         size_t length, uint64_t *number)
{
    return msim_id_parse(codec->keys[kind & 7], text, length, number) >= 0;
}
