#include "server/dashboard/feed.h"

#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"

/* A message nests little. */
#define MOST_DEPTH 8

/* What a member is, whatever its name in a dialect. */
enum slot {
    SLOT_TYPE,
    SLOT_CHANNEL,
    SLOT_SYMBOL,
    SLOT_TIME,
    SLOT_SEQUENCE,
    SLOT_SIDE,
    SLOT_WORDS,
    SLOT_FAILURE, /* words of one */
    SLOT_PRICE,
    SLOT_SIZE,
    SLOT_BID,
    SLOT_ASK,
    SLOT_BID_SIZE,
    SLOT_ASK_SIZE,
    SLOT_VOLUME,
    SLOT_HIGH,
    SLOT_LOW,
    SLOT_BIDS,
    SLOT_ASKS,
    SLOT_TRADES,
    SLOT_NESTED, /* an object whose members count as this one's */
};

struct key {
    const char *name;
    enum slot slot;
};

static const struct key exchange_keys[] = {
    {"type", SLOT_TYPE},
    {"channel", SLOT_CHANNEL},
    {"symbol", SLOT_SYMBOL},
    {"timestamp", SLOT_TIME},
    {"sequence", SLOT_SEQUENCE},
    {"side", SLOT_SIDE},
    {"message", SLOT_WORDS},
    {"price", SLOT_PRICE},
    {"quantity", SLOT_SIZE},
    {"last_price", SLOT_PRICE},
    {"bid", SLOT_BID},
    {"ask", SLOT_ASK},
    {"bid_quantity", SLOT_BID_SIZE},
    {"ask_quantity", SLOT_ASK_SIZE},
    {"volume_24h", SLOT_VOLUME},
    {"high_24h", SLOT_HIGH},
    {"low_24h", SLOT_LOW},
    {"bids", SLOT_BIDS},
    {"asks", SLOT_ASKS},
    {NULL, SLOT_TYPE},
};

static const struct key replay_keys[] = {
    {"timestamp", SLOT_TIME}, {"price", SLOT_PRICE},   {"volume", SLOT_SIZE},
    {"ticker", SLOT_SYMBOL},  {"trades", SLOT_TRADES}, {"status", SLOT_WORDS},
    {"error", SLOT_FAILURE},  {NULL, SLOT_TYPE},
};

static const struct key quotes_keys[] = {
    {"results", SLOT_NESTED}, {"T", SLOT_SYMBOL},   {"t", SLOT_TIME},
    {"q", SLOT_SEQUENCE},     {"P", SLOT_PRICE},    {"p", SLOT_BID},
    {"S", SLOT_BID_SIZE},     {"s", SLOT_ASK_SIZE}, {NULL, SLOT_TYPE},
};

static const struct key polygon_keys[] = {
    {"ev", SLOT_TYPE},     {"sym", SLOT_SYMBOL},  {"pair", SLOT_SYMBOL},   {"t", SLOT_TIME},
    {"p", SLOT_PRICE},     {"s", SLOT_SIZE},      {"bp", SLOT_BID},        {"ap", SLOT_ASK},
    {"bs", SLOT_BID_SIZE}, {"as", SLOT_ASK_SIZE}, {"message", SLOT_WORDS}, {"status", SLOT_CHANNEL},
    {NULL, SLOT_TYPE},
};

/* One message on its way through. */
struct reading {
    const char *text;
    struct msim_json_reader json;
    const struct key *keys;
    char type[32];
    char channel[32];
    bool has_failure;
    struct msim_feed_event event;
    void (*take)(void *context, const struct msim_feed_event *event);
    void *context;
};

/* ---- values ---- */

static void read_text(const struct reading *reading, const struct msim_json_token *token, char *out,
                      size_t size)
{
    size_t length = 0;

    if (token->kind != MSIM_JSON_STRING ||
        msim_json_string(reading->text, token->start, token->end, out, size, &length) < 0 ||
        strlen(out) != length)
        out[0] = '\0';
}

/* Of words as many bytes as there is room for, to the end of a character. */
static void read_words(const struct reading *reading, const struct msim_json_token *token,
                       char out[MSIM_FEED_WORDS_SIZE])
{
    struct msim_json_pieces pieces;
    const char *bytes;
    size_t length;
    size_t used = 0;

    out[0] = '\0';
    if (token->kind != MSIM_JSON_STRING)
        return;
    msim_json_pieces_init(&pieces, reading->text, token->start, token->end);
    while (msim_json_piece(&pieces, &bytes, &length)) {
        bool is_cut = length > MSIM_FEED_WORDS_SIZE - 1 - used;
        if (is_cut)
            length = MSIM_FEED_WORDS_SIZE - 1 - used;
        while (is_cut && length > 0 && ((unsigned char)bytes[length] & 0xC0) == 0x80)
            length--;
        memcpy(out + used, bytes, length);
        used += length;
        if (is_cut)
            break;
    }
    out[used] = '\0';
}

static struct msim_feed_number read_number(const struct reading *reading,
                                           const struct msim_json_token *token)
{
    struct msim_feed_number number = {.is_known = false};
    int exponent = 0;
    int r = MSIM_ERR_INVALID;

    if (token->kind == MSIM_JSON_NUMBER)
        r = msim_json_decimal_any(reading->text, token->start, token->end, &number.mantissa,
                                  &exponent);
    else if (token->kind == MSIM_JSON_STRING)
        r = msim_decimal_parse_any(reading->text + token->start + 1, token->end - token->start - 2,
                                   &number.mantissa, &exponent);
    if (r < 0)
        return (struct msim_feed_number){.is_known = false};
    number.exponent = (int8_t)exponent;
    number.is_known = true;
    return number;
}

static msim_time read_time(const struct reading *reading, const struct msim_json_token *token)
{
    msim_time time;
    int64_t count;

    if (token->kind == MSIM_JSON_STRING)
        return msim_calendar_parse(reading->text + token->start + 1, token->end - token->start - 2,
                                   &time) >= 0 &&
                       time > 0
                   ? time
                   : 0;
    if (token->kind != MSIM_JSON_NUMBER ||
        msim_json_integer(reading->text, token->start, token->end, &count) < 0 ||
        msim_calendar_from_count(count, MSIM_NS_PER_S, &time) < 0)
        return 0;
    return time;
}

static enum msim_feed_side read_side(const struct reading *reading,
                                     const struct msim_json_token *token)
{
    if (token->kind != MSIM_JSON_STRING)
        return MSIM_FEED_NO_SIDE;
    if (msim_json_is(reading->text, token->start, token->end, "BUY"))
        return MSIM_FEED_BUY;
    return msim_json_is(reading->text, token->start, token->end, "SELL") ? MSIM_FEED_SELL
                                                                         : MSIM_FEED_NO_SIDE;
}

/* ---- members ---- */

static struct msim_feed_number *number_of(struct msim_feed_event *event, enum slot slot)
{
    switch (slot) {
    case SLOT_PRICE:
        return &event->price;
    case SLOT_SIZE:
        return &event->size;
    case SLOT_BID:
        return &event->bid;
    case SLOT_ASK:
        return &event->ask;
    case SLOT_BID_SIZE:
        return &event->bid_size;
    case SLOT_ASK_SIZE:
        return &event->ask_size;
    case SLOT_VOLUME:
        return &event->volume;
    case SLOT_HIGH:
        return &event->high;
    case SLOT_LOW:
        return &event->low;
    default:
        return NULL;
    }
}

static void take_plain(struct reading *reading, enum slot slot, const struct msim_json_token *token)
{
    struct msim_feed_event *event = &reading->event;
    struct msim_feed_number *number = number_of(event, slot);

    if (number) {
        *number = read_number(reading, token);
    } else if (slot == SLOT_TYPE) {
        read_text(reading, token, reading->type, sizeof reading->type);
    } else if (slot == SLOT_CHANNEL) {
        read_text(reading, token, reading->channel, sizeof reading->channel);
    } else if (slot == SLOT_SYMBOL) {
        read_text(reading, token, event->symbol, sizeof event->symbol);
    } else if (slot == SLOT_TIME) {
        event->time = read_time(reading, token);
    } else if (slot == SLOT_SIDE) {
        event->side = read_side(reading, token);
    } else if (slot == SLOT_SEQUENCE) {
        if (token->kind != MSIM_JSON_NUMBER ||
            msim_json_integer(reading->text, token->start, token->end, &event->sequence) < 0)
            event->sequence = 0;
    } else if (slot == SLOT_WORDS || slot == SLOT_FAILURE) {
        read_words(reading, token, event->words);
        reading->has_failure = slot == SLOT_FAILURE;
    }
}

static const struct key *find_key(const struct reading *reading,
                                  const struct msim_json_token *token)
{
    for (const struct key *key = reading->keys; key->name; key++)
        if (msim_json_is(reading->text, token->key_start, token->key_end, key->name))
            return key;
    return NULL;
}

static bool opens(int kind)
{
    return kind == MSIM_JSON_OBJECT || kind == MSIM_JSON_ARRAY;
}

/* The members of the object whose first token was read; what nests in it is passed over. */
static void read_flat(struct reading *reading)
{
    struct msim_json_token token;
    int kind;

    while ((kind = msim_json_next(&reading->json, &token)) > 0 && kind != MSIM_JSON_OBJECT_END) {
        const struct key *key = find_key(reading, &token);
        if (opens(kind))
            msim_json_skip(&reading->json, &token);
        else if (key)
            take_plain(reading, key->slot, &token);
    }
}

/* One level: {"price": ..., "quantity": ...}. */
static void read_level(struct reading *reading, struct msim_feed_level *level)
{
    struct msim_json_token token;
    int kind;

    *level = (struct msim_feed_level){.price.is_known = false};
    while ((kind = msim_json_next(&reading->json, &token)) > 0 && kind != MSIM_JSON_OBJECT_END) {
        if (opens(kind))
            msim_json_skip(&reading->json, &token);
        else if (msim_json_is(reading->text, token.key_start, token.key_end, "price"))
            level->price = read_number(reading, &token);
        else if (msim_json_is(reading->text, token.key_start, token.key_end, "quantity"))
            level->size = read_number(reading, &token);
    }
}

static size_t read_levels(struct reading *reading, struct msim_feed_level *levels)
{
    struct msim_json_token token;
    size_t count = 0;
    int kind;

    while ((kind = msim_json_next(&reading->json, &token)) > 0 && kind != MSIM_JSON_ARRAY_END) {
        if (kind == MSIM_JSON_OBJECT && count < MSIM_FEED_LEVELS) {
            read_level(reading, &levels[count]);
            if (levels[count].price.is_known && levels[count].size.is_known)
                count++;
        } else if (opens(kind)) {
            msim_json_skip(&reading->json, &token);
        }
    }
    return count;
}

static void tell(struct reading *reading, enum msim_feed_kind kind)
{
    reading->event.kind = kind;
    reading->take(reading->context, &reading->event);
}

static void tell_trade(struct reading *reading)
{
    if (reading->event.symbol[0] != '\0' && reading->event.price.is_known)
        tell(reading, MSIM_FEED_TRADE);
}

/* A bundle's: what they do not say themselves stands around them. */
static void read_trades(struct reading *reading)
{
    struct msim_json_token token;
    int kind;

    while ((kind = msim_json_next(&reading->json, &token)) > 0 && kind != MSIM_JSON_ARRAY_END) {
        if (kind == MSIM_JSON_OBJECT) {
            reading->event.symbol[0] = '\0';
            reading->event.price.is_known = reading->event.size.is_known = false;
            read_flat(reading);
            tell_trade(reading);
        } else if (kind == MSIM_JSON_ARRAY) {
            msim_json_skip(&reading->json, &token);
        }
    }
    reading->event.symbol[0] = '\0';
}

static void read_nested(struct reading *reading, enum slot slot,
                        const struct msim_json_token *token)
{
    struct msim_feed_event *event = &reading->event;
    bool is_array = token->kind == MSIM_JSON_ARRAY;

    if (slot == SLOT_BIDS && is_array)
        event->bid_count = read_levels(reading, event->bids);
    else if (slot == SLOT_ASKS && is_array)
        event->ask_count = read_levels(reading, event->asks);
    else if (slot == SLOT_TRADES && is_array)
        read_trades(reading);
    else if (slot == SLOT_NESTED && !is_array)
        read_flat(reading);
    else
        msim_json_skip(&reading->json, token);
}

static void read_members(struct reading *reading)
{
    struct msim_json_token token;
    int kind;

    while ((kind = msim_json_next(&reading->json, &token)) > 0 && kind != MSIM_JSON_OBJECT_END) {
        const struct key *key = find_key(reading, &token);
        if (key && opens(kind))
            read_nested(reading, key->slot, &token);
        else if (key)
            take_plain(reading, key->slot, &token);
        else if (opens(kind))
            msim_json_skip(&reading->json, &token);
    }
}

/* ---- whole messages ---- */

static void settle_exchange(struct reading *reading)
{
    struct msim_feed_event *event = &reading->event;
    bool has_symbol = event->symbol[0] != '\0';

    if (strcmp(reading->type, "TRADE") == 0) {
        tell_trade(reading);
    } else if (strcmp(reading->type, "MARKET_DATA") == 0 && has_symbol) {
        tell(reading, MSIM_FEED_TICKER);
    } else if (strcmp(reading->type, "ORDERBOOK_UPDATE") == 0 && has_symbol &&
               strcmp(reading->channel, "ORDERBOOK") == 0) {
        tell(reading, MSIM_FEED_BOOK);
    } else if (strcmp(reading->type, "SUBSCRIBED") == 0) {
        memcpy(event->words, reading->channel, sizeof reading->channel);
        tell(reading, MSIM_FEED_SUBSCRIBED);
    } else if (strcmp(reading->type, "ERROR") == 0) {
        tell(reading, MSIM_FEED_ERROR);
    }
}

static void settle_replay(struct reading *reading)
{
    if (reading->event.symbol[0] != '\0')
        tell_trade(reading);
    else if (reading->event.words[0] != '\0')
        tell(reading, reading->has_failure ? MSIM_FEED_ERROR : MSIM_FEED_STATUS);
}

/* An event is a trade and the quote that it took place at. */
static void settle_quotes(struct reading *reading)
{
    struct msim_feed_event *event = &reading->event;

    event->sequence = 0;
    if (event->symbol[0] == '\0')
        return;
    tell(reading, MSIM_FEED_TICKER);
    tell_trade(reading);
}

static void settle_polygon(struct reading *reading)
{
    struct msim_feed_event *event = &reading->event;
    const char *type = reading->type[0] == 'X' ? reading->type + 1 : reading->type;

    if (strcmp(type, "T") == 0) {
        tell_trade(reading);
    } else if (strcmp(type, "Q") == 0 && event->symbol[0] != '\0') {
        event->price.is_known = event->size.is_known = false;
        tell(reading, MSIM_FEED_TICKER);
    } else if (strcmp(type, "status") == 0) {
        bool is_good = strcmp(reading->channel, "connected") == 0 ||
                       strcmp(reading->channel, "auth_success") == 0 ||
                       strcmp(reading->channel, "success") == 0;
        tell(reading, is_good ? MSIM_FEED_STATUS : MSIM_FEED_ERROR);
    }
}

static void forget(struct reading *reading)
{
    reading->type[0] = reading->channel[0] = '\0';
    reading->has_failure = false;
    memset(&reading->event, 0, offsetof(struct msim_feed_event, bids));
}

/* Polygon's arrays of events. */
static void read_array(struct reading *reading)
{
    struct msim_json_token token;
    int kind;

    reading->keys = polygon_keys;
    while ((kind = msim_json_next(&reading->json, &token)) > 0 && kind != MSIM_JSON_ARRAY_END) {
        if (kind == MSIM_JSON_OBJECT) {
            forget(reading);
            read_flat(reading);
            settle_polygon(reading);
        } else if (kind == MSIM_JSON_ARRAY) {
            msim_json_skip(&reading->json, &token);
        }
    }
}

static void read_object(struct reading *reading, enum msim_feed_dialect dialect)
{
    static const struct key *const keys[] = {
        [MSIM_FEED_EXCHANGE] = exchange_keys,
        [MSIM_FEED_REPLAY] = replay_keys,
        [MSIM_FEED_QUOTES] = quotes_keys,
    };
    static void (*const settle[])(struct reading * reading) = {
        [MSIM_FEED_EXCHANGE] = settle_exchange,
        [MSIM_FEED_REPLAY] = settle_replay,
        [MSIM_FEED_QUOTES] = settle_quotes,
    };

    reading->keys = keys[dialect];
    forget(reading);
    read_members(reading);
    settle[dialect](reading);
}

/* Whose message it is, by the keys of its outermost value; negative where it is no JSON. */
static int find_dialect(const char *text, size_t length, const struct msim_json_limits *limits)
{
    enum msim_feed_dialect dialect = MSIM_FEED_OTHER;
    struct msim_json_reader json;
    struct msim_json_token token;
    int kind;

    msim_json_init(&json, text, length, limits);
    kind = msim_json_next(&json, &token);
    if (kind == MSIM_JSON_ARRAY)
        dialect = MSIM_FEED_POLYGON;
    while ((kind = msim_json_next(&json, &token)) > 0) {
        if (token.depth != 1 || dialect == MSIM_FEED_EXCHANGE || dialect == MSIM_FEED_POLYGON)
            continue;
#define KEY_IS(word) msim_json_is(text, token.key_start, token.key_end, word)
        if (token.key_end == 0)
            continue;
        if (KEY_IS("type"))
            dialect = MSIM_FEED_EXCHANGE;
        else if (KEY_IS("results"))
            dialect = MSIM_FEED_QUOTES;
        else if (dialect == MSIM_FEED_OTHER &&
                 (KEY_IS("ticker") || KEY_IS("trades") || KEY_IS("status") || KEY_IS("error")))
            dialect = MSIM_FEED_REPLAY;
#undef KEY_IS
    }
    return kind < 0 ? kind : (int)dialect;
}

int msim_feed_read(const char *text, size_t length,
                   void (*take)(void *context, const struct msim_feed_event *event), void *context)
{
    static const struct msim_json_limits limits = {.max_depth = MOST_DEPTH};
    struct reading reading;
    struct msim_json_token token;

    int dialect = find_dialect(text, length, &limits);
    if (dialect <= MSIM_FEED_OTHER)
        return dialect;
    reading.text = text;
    reading.take = take;
    reading.context = context;
    msim_json_init(&reading.json, text, length, &limits);
    msim_json_next(&reading.json, &token);
    if (dialect == MSIM_FEED_POLYGON)
        read_array(&reading);
    else
        read_object(&reading, (enum msim_feed_dialect)dialect);
    return dialect;
}
