/*
 * The public dialect of Polygon/Massive, the server's side: status messages and events.
 */
#include <marketsim/codec.h>

#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "codec/listing.h"

#define NS_PER_DAY (INT64_C(86400) * MSIM_NS_PER_S)

/* What an event says of itself where the record has nothing to say: a regular sale, a national
 * best bid and offer, an odd lot, and the sides of crypto trades. */
#define CONDITION_REGULAR 0
#define CONDITION_ODD_LOT 37
#define INDICATOR_NBBO 604
#define CRYPTO_SELL 1
#define CRYPTO_BUY 2
/* Volume-weighted prices have two digits more than prices. */
#define MEAN_DIGITS 2

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;

    return a % b < 0 ? quotient - 1 : quotient;
}

static int64_t milliseconds(msim_time time)
{
    return floor_div(time, MSIM_NS_PER_MS);
}

/* ---- status ---- */

static const struct {
    const char *status;
    const char *message;
} statuses[] = {
    [MSIM_POLYGON_CONNECTED] = {"connected", "Connected Successfully"},
    [MSIM_POLYGON_AUTH_SUCCESS] = {"auth_success", "authenticated"},
    [MSIM_POLYGON_AUTH_FAILED] = {"auth_failed", "authentication failed"},
    [MSIM_POLYGON_AUTH_TIMEOUT] = {"auth_timeout", "authentication timed out"},
    [MSIM_POLYGON_NOT_AUTHORIZED] = {"error", "not authorized"},
    [MSIM_POLYGON_MAX_CONNECTIONS] = {"max_connections", "Maximum number of connections exceeded."},
    [MSIM_POLYGON_SUBSCRIBED] = {"success", "subscribed to: "},
    [MSIM_POLYGON_UNSUBSCRIBED] = {"success", "unsubscribed to: "},
    [MSIM_POLYGON_ERROR] = {"error", ""},
};

/* A longer channel or error is cut where a status repeats it. */
#define SUBJECT_MAX 400

int msim_polygon_status(enum msim_polygon_status status, const char *subject, size_t subject_length,
                        char *out, size_t capacity, size_t *length)
{
    char message[SUBJECT_MAX + 64];
    struct msim_json_writer writer;

    if (status < MSIM_POLYGON_CONNECTED || status > MSIM_POLYGON_ERROR || !out || !length ||
        (subject_length > 0 && !subject))
        return MSIM_ERR_INVALID;
    if (status < MSIM_POLYGON_SUBSCRIBED)
        subject_length = 0;
    if (subject_length > SUBJECT_MAX)
        subject_length = SUBJECT_MAX;
    size_t fixed = strlen(statuses[status].message);
    memcpy(message, statuses[status].message, fixed);
    if (subject_length > 0)
        memcpy(message + fixed, subject, subject_length);

    msim_json_write_buffer(&writer, out, capacity);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "ev");
    msim_json_write_text(&writer, "status");
    msim_json_write_key(&writer, "status");
    msim_json_write_text(&writer, statuses[status].status);
    msim_json_write_key(&writer, "message");
    msim_json_write_string(&writer, message, fixed + subject_length);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, length);
}

/* ---- the tally ---- */

static void add(int64_t *sum, int64_t value)
{
    if (!msim_add_check(*sum, value, sum))
        *sum = INT64_MAX;
}

static void add_trade(struct msim_polygon_sum *sum, const struct msim_trade_data *trade)
{
    int64_t notional;

    if (!msim_mul_check(trade->price, trade->quantity, &notional))
        notional = INT64_MAX;
    add(&sum->volume, trade->quantity);
    add(&sum->notional, notional);
    add(&sum->trades, 1);
}

void msim_polygon_tally_record(struct msim_polygon_tally *tally, const struct msim_record *record)
{
    if (record->kind == MSIM_RECORD_BAR) {
        if (record->flags & MSIM_RECORD_SECOND)
            tally->second = (struct msim_polygon_sum){0};
        if (record->flags & MSIM_RECORD_MINUTE)
            tally->minute = (struct msim_polygon_sum){0};
        return;
    }
    if (record->kind != MSIM_RECORD_TRADE)
        return;
    int64_t day = floor_div(record->time, NS_PER_DAY);
    if (tally->today.trades == 0 || day != tally->day) {
        tally->day = day;
        tally->open = record->as.trade.price;
        tally->today = (struct msim_polygon_sum){0};
    }
    add_trade(&tally->today, &record->as.trade);
    add_trade(&tally->second, &record->as.trade);
    add_trade(&tally->minute, &record->as.trade);
}

/* ---- events ---- */

struct event {
    struct msim_json_writer writer;
    const struct msim_listing *listing;
    const struct msim_record *record;
    bool crypto;
};

static void integer(struct event *event, const char *key, int64_t value)
{
    msim_json_write_key(&event->writer, key);
    msim_json_write_integer(&event->writer, value);
}

static void price(struct event *event, const char *key, msim_price value)
{
    msim_json_write_key(&event->writer, key);
    msim_json_write_decimal(&event->writer, value, event->record->price_exponent);
}

static void quantity(struct event *event, const char *key, msim_qty value)
{
    msim_json_write_key(&event->writer, key);
    msim_json_write_decimal(&event->writer, value, event->record->quantity_exponent);
}

static void array(struct event *event, const char *key, int64_t only)
{
    msim_json_write_key(&event->writer, key);
    msim_json_write_array(&event->writer);
    msim_json_write_integer(&event->writer, only);
    msim_json_write_array_end(&event->writer);
}

static void id_text(struct event *event, uint64_t id)
{
    char digits[24];

    msim_json_write_key(&event->writer, "i");
    msim_json_write_string(&event->writer, digits, msim_decimal_digits(id, digits));
}

static unsigned exchange(const struct event *event, uint64_t id, enum msim_listing_part part)
{
    return msim_listing_exchange(event->listing, id, part);
}

static void head(struct event *event, const char *stock, const char *crypto)
{
    msim_json_write_object(&event->writer);
    msim_json_write_key(&event->writer, "ev");
    msim_json_write_text(&event->writer, event->crypto ? crypto : stock);
    msim_json_write_key(&event->writer, event->crypto ? "pair" : "sym");
    msim_json_write_raw(&event->writer, event->listing->text, event->listing->text_length);
}

static void stock_trade(struct event *event)
{
    const struct msim_trade_data *trade = &event->record->as.trade;
    bool odd = event->listing->lot > 0 && trade->quantity < event->listing->lot;

    head(event, "T", "XT");
    integer(event, "x", exchange(event, trade->id, MSIM_LISTING_TRADE));
    id_text(event, trade->id);
    integer(event, "z", event->listing->tape);
    price(event, "p", trade->price);
    quantity(event, "s", trade->quantity);
    msim_json_write_key(&event->writer, "ds");
    msim_json_write_decimal_text(&event->writer, trade->quantity, event->record->quantity_exponent);
    array(event, "c", odd ? CONDITION_ODD_LOT : CONDITION_REGULAR);
    integer(event, "t", milliseconds(event->record->time));
    msim_json_write_key(&event->writer, "q");
    msim_json_write_unsigned(&event->writer, trade->id);
}

static void crypto_trade(struct event *event)
{
    const struct msim_trade_data *trade = &event->record->as.trade;

    head(event, "T", "XT");
    price(event, "p", trade->price);
    integer(event, "t", milliseconds(event->record->time));
    quantity(event, "s", trade->quantity);
    array(event, "c", trade->side == MSIM_SIDE_SELL ? CRYPTO_SELL : CRYPTO_BUY);
    id_text(event, trade->id);
    integer(event, "x", 1);
    integer(event, "r", milliseconds(event->record->time));
}

static void stock_quote(struct event *event)
{
    const struct msim_quote_data *quote = &event->record->as.quote;

    head(event, "Q", "XQ");
    integer(event, "bx", exchange(event, quote->id, MSIM_LISTING_BID));
    price(event, "bp", quote->bid);
    integer(event, "bs", msim_listing_lots(event->listing, quote->bid_quantity));
    integer(event, "ax", exchange(event, quote->id, MSIM_LISTING_ASK));
    price(event, "ap", quote->ask);
    integer(event, "as", msim_listing_lots(event->listing, quote->ask_quantity));
    integer(event, "c", CONDITION_REGULAR);
    array(event, "i", INDICATOR_NBBO);
    integer(event, "t", milliseconds(event->record->time));
    msim_json_write_key(&event->writer, "q");
    msim_json_write_unsigned(&event->writer, quote->id);
    integer(event, "z", event->listing->tape);
}

static void crypto_quote(struct event *event)
{
    const struct msim_quote_data *quote = &event->record->as.quote;

    head(event, "Q", "XQ");
    price(event, "bp", quote->bid);
    quantity(event, "bs", quote->bid_quantity);
    price(event, "ap", quote->ask);
    quantity(event, "as", quote->ask_quantity);
    integer(event, "t", milliseconds(event->record->time));
    integer(event, "x", 1);
    integer(event, "r", milliseconds(event->record->time));
}

/* A mean price of a sum, with MEAN_DIGITS more digits where the exponent leaves room. */
static void mean_price(struct event *event, const char *key, const struct msim_polygon_sum *sum,
                       msim_price otherwise)
{
    int exponent = event->record->price_exponent;
    int digits = exponent - MEAN_DIGITS < MSIM_EXPONENT_MIN ? 0 : MEAN_DIGITS;
    msim_int128 mean = (msim_int128)otherwise * msim_pow10[digits];

    if (sum->volume > 0 && sum->notional < INT64_MAX)
        mean = ((msim_int128)sum->notional * msim_pow10[digits] + sum->volume / 2) / sum->volume;
    msim_json_write_key(&event->writer, key);
    if (mean > INT64_MAX || mean < INT64_MIN)
        msim_json_write_decimal(&event->writer, otherwise, exponent);
    else
        msim_json_write_decimal(&event->writer, (int64_t)mean, exponent - digits);
}

static void bar(struct event *event, const struct msim_polygon_tally *tally)
{
    const struct msim_record *record = event->record;
    const struct msim_bar_data *data = &record->as.bar;
    bool minute = record->flags & MSIM_RECORD_MINUTE;
    const struct msim_polygon_sum *sum = minute ? &tally->minute : &tally->second;
    msim_time length = minute ? 60 * MSIM_NS_PER_S : MSIM_NS_PER_S;

    head(event, minute ? "AM" : "A", minute ? "XA" : "XAS");
    quantity(event, "v", data->volume);
    if (!event->crypto) {
        quantity(event, "av", tally->today.volume);
        price(event, "op", tally->open);
    }
    mean_price(event, "vw", sum, data->close);
    price(event, "o", data->open);
    price(event, "c", data->close);
    price(event, "h", data->high);
    price(event, "l", data->low);
    if (!event->crypto)
        mean_price(event, "a", &tally->today, data->close);
    quantity(event, "z", sum->trades > 0 ? data->volume / sum->trades : 0);
    integer(event, "s", milliseconds(record->time - length));
    integer(event, "e", milliseconds(record->time));
}

int msim_polygon_feed_of(const struct msim_record *record)
{
    switch (record->kind) {
    case MSIM_RECORD_TRADE:
        return MSIM_POLYGON_TRADES;
    case MSIM_RECORD_QUOTE:
        return MSIM_POLYGON_QUOTES;
    case MSIM_RECORD_BAR:
        if (record->flags & MSIM_RECORD_SECOND)
            return MSIM_POLYGON_SECONDS;
        return record->flags & MSIM_RECORD_MINUTE ? MSIM_POLYGON_MINUTES : 0;
    default:
        return 0;
    }
}

static bool is_exponent(int8_t exponent)
{
    return exponent >= MSIM_EXPONENT_MIN && exponent <= MSIM_EXPONENT_MAX;
}

int msim_polygon_encode(enum msim_polygon_cluster cluster, const struct msim_listing *listing,
                        const struct msim_record *record, const struct msim_polygon_tally *tally,
                        char *out, size_t capacity, size_t *length)
{
    if (!listing || !record || !out || !length || msim_polygon_feed_of(record) == 0 ||
        (record->kind == MSIM_RECORD_BAR && !tally) || !is_exponent(record->price_exponent) ||
        !is_exponent(record->quantity_exponent))
        return MSIM_ERR_INVALID;

    struct event event = {
        .listing = listing,
        .record = record,
        .crypto = cluster == MSIM_POLYGON_CRYPTO,
    };
    msim_json_write_buffer(&event.writer, out, capacity);
    if (record->kind == MSIM_RECORD_TRADE)
        (event.crypto ? crypto_trade : stock_trade)(&event);
    else if (record->kind == MSIM_RECORD_QUOTE)
        (event.crypto ? crypto_quote : stock_quote)(&event);
    else
        bar(&event, tally);
    msim_json_write_object_end(&event.writer);
    return msim_json_write_end(&event.writer, length);
}
