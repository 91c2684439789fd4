#include "server/dashboard/live.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"

#define BAR_LENGTH MSIM_NS_PER_S

/* A line of CSV: a moment, a quoted name, five numbers. */
#define BAR_LINE \
    (MSIM_CALENDAR_SIZE + 2 * MSIM_LIVE_NAME_SIZE + 4 * MSIM_DECIMAL_SIZE + MSIM_EXACT_SIZE + 16)

const char msim_live_bars_header[] =
    "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n";

void msim_live_init(struct msim_live *live, size_t feed_count,
                    const struct msim_allocator *allocator)
{
    assert(feed_count <= MSIM_LIVE_FEEDS_MAX);
    memset(live, 0, sizeof *live);
    live->share = MSIM_LIVE_MARKETS_MAX / (feed_count > 0 ? feed_count : 1);
    live->allocator = *allocator;
    msim_bytes_init(&live->bars, MSIM_LIVE_BARS_MAX, allocator);
}

void msim_live_finish(struct msim_live *live)
{
    for (size_t i = 0; i < live->market_count; i++)
        msim_mem_free(&live->allocator, live->markets[i], sizeof *live->markets[i]);
    live->market_count = 0;
    msim_bytes_finish(&live->bars);
}

/* ---- markets ---- */

static size_t slot_of(size_t feed, const char *symbol)
{
    uint64_t hash = UINT64_C(14695981039346656037) + feed;

    for (const char *at = symbol; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return (size_t)((hash ^ hash >> 32) % MSIM_LIVE_SLOTS);
}

struct msim_live_market *msim_live_find(const struct msim_live *live, const char *name)
{
    for (size_t i = 0; i < live->market_count; i++)
        if (strcmp(live->markets[i]->name, name) == 0)
            return live->markets[i];
    return NULL;
}

/* As many numbers are tried as there are markets, at most. */
static void name_it(const struct msim_live *live, struct msim_live_market *market,
                    const char *place)
{
    snprintf(market->name, sizeof market->name, "%s", market->symbol);
    if (msim_live_find(live, market->name))
        snprintf(market->name, sizeof market->name, "%s@%.50s", market->symbol, place);
    for (unsigned i = 2; msim_live_find(live, market->name); i++)
        snprintf(market->name, sizeof market->name, "%s@%.50s#%u", market->symbol, place, i);
}

/* Found or made; `*out` is NULL where there are as many as may be. */
static int find_market(struct msim_live *live, size_t feed, const char *place, const char *symbol,
                       struct msim_live_market **out)
{
    struct msim_live_market **slot = &live->slots[slot_of(feed, symbol)];

    for (struct msim_live_market *at = *slot; at; at = at->next_same) {
        if (at->feed == feed && strcmp(at->symbol, symbol) == 0) {
            *out = at;
            return MSIM_OK;
        }
    }
    *out = NULL;
    assert(feed < MSIM_LIVE_FEEDS_MAX);
    if (live->market_count == MSIM_LIVE_MARKETS_MAX || live->counts[feed] >= live->share) {
        live->left_aside++;
        return MSIM_OK;
    }
    struct msim_live_market *market = msim_mem_zero(&live->allocator, sizeof *market);
    if (!market)
        return MSIM_ERR_NOMEM;
    market->feed = feed;
    snprintf(market->symbol, sizeof market->symbol, "%s", symbol);
    name_it(live, market, place);
    market->next_same = *slot;
    *slot = market;
    live->markets[live->market_count++] = market;
    live->counts[feed]++;
    *out = market;
    return MSIM_OK;
}

void msim_live_restart(struct msim_live *live, size_t feed)
{
    for (size_t i = 0; i < live->market_count; i++) {
        struct msim_live_market *market = live->markets[i];
        if (market->feed != feed)
            continue;
        memset(market->sequences, 0, sizeof market->sequences);
        memset(market->old, 0, sizeof market->old);
        memset(&market->traded, 0, sizeof market->traded);
        market->has_traded = false;
        market->open.is_known = market->high.is_known = market->low.is_known = false;
    }
}

/* ---- what comes ---- */

/* Below zero where a < b, above where a > b; both are known. */
static int compare(const struct msim_feed_number *a, const struct msim_feed_number *b)
{
    msim_int128 left = a->mantissa;
    msim_int128 right = b->mantissa;

    if (a->exponent > b->exponent)
        left *= msim_pow10[a->exponent - b->exponent];
    else
        right *= msim_pow10[b->exponent - a->exponent];
    return (left > right) - (left < right);
}

static void stretch(struct msim_feed_number *high, struct msim_feed_number *low,
                    const struct msim_feed_number *price)
{
    if (!high->is_known || compare(price, high) > 0)
        *high = *price;
    if (!low->is_known || compare(price, low) < 0)
        *low = *price;
}

/* A sum that has no room for more digits stays as it is: no trade of a market comes near it. */
static void add_size(struct msim_exact *sum, const struct msim_feed_number *size)
{
    char text[MSIM_DECIMAL_SIZE];

    if (size->is_known)
        msim_exact_add(sum, text, msim_decimal_print(size->mantissa, size->exponent, text));
}

static size_t print_number(const struct msim_feed_number *number, char out[MSIM_DECIMAL_SIZE])
{
    return msim_decimal_print_short(number->mantissa, number->exponent, out);
}

/* A name in quotes; those in it are doubled. */
static size_t quote(char *out, const char *name)
{
    size_t length = 0;

    out[length++] = '"';
    for (; *name; name++) {
        if (*name == '"')
            out[length++] = '"';
        out[length++] = *name;
    }
    out[length++] = '"';
    out[length] = '\0';
    return length;
}

static void give_bar(struct msim_live *live, struct msim_live_market *market)
{
    struct msim_live_bar *bar = &market->bar;
    const struct msim_feed_number *const prices[] = {&bar->open, &bar->high, &bar->low,
                                                     &bar->close};
    char moment[MSIM_CALENDAR_SIZE];
    char number[MSIM_DECIMAL_SIZE];
    char sum[MSIM_EXACT_SIZE];
    char name[2 * MSIM_LIVE_NAME_SIZE + 3];
    char line[BAR_LINE];

    /* A whole second, "2026-11-21T11:02:17", read as UTC. */
    size_t seconds = msim_calendar_print(bar->start, MSIM_CALENDAR_PLAIN, moment);
    moment[10] = 'T';
    quote(name, market->name);
    int length = snprintf(line, sizeof line, "%.*s,%s", (int)seconds, moment, name);
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        print_number(prices[i], number);
        length += snprintf(line + length, sizeof line - (size_t)length, ",%s", number);
    }
    sum[0] = '\0';
    if (bar->has_volume)
        msim_exact_print(&bar->volume, sum);
    length += snprintf(line + length, sizeof line - (size_t)length, ",%s,,\n", sum);
    if (msim_bytes_append(&live->bars, line, (size_t)length) < 0)
        live->lost_bars++;
    bar->is_changed = false;
}

void msim_live_close_bars(struct msim_live *live)
{
    for (size_t i = 0; i < live->market_count; i++) {
        struct msim_live_bar *bar = &live->markets[i]->bar;
        if (bar->is_changed && bar->is_resting)
            give_bar(live, live->markets[i]);
        bar->is_resting = true;
    }
}

/* A bar that has been given is given again when it changes: the page puts it in the other's
 * place. */
static void grow_bar(struct msim_live *live, struct msim_live_market *market,
                     const struct msim_feed_event *event, msim_time time)
{
    struct msim_live_bar *bar = &market->bar;
    msim_time start = time - time % BAR_LENGTH;

    if (start < bar->start && ++bar->late < MSIM_LIVE_MOST_OLD)
        return;
    bar->late = 0;
    if (start != bar->start) {
        if (bar->is_changed)
            give_bar(live, market);
        *bar = (struct msim_live_bar){.start = start, .open = event->price};
    }
    stretch(&bar->high, &bar->low, &event->price);
    bar->close = event->price;
    add_size(&bar->volume, &event->size);
    bar->has_volume |= event->size.is_known;
    bar->is_changed = true;
    bar->is_resting = false;
}

static void take_trade(struct msim_live *live, struct msim_live_market *market,
                       const struct msim_feed_event *event, msim_time time)
{
    live->tape[live->trades++ % MSIM_LIVE_TAPE] = (struct msim_live_trade){
        .market = market,
        .time = time,
        .price = event->price,
        .size = event->size,
        .side = event->side,
    };
    market->last = event->price;
    market->side = event->side;
    market->time = time;
    if (!market->open.is_known)
        market->open = event->price;
    if (!market->volume.is_known)
        stretch(&market->high, &market->low, &event->price);
    if (event->size.is_known) {
        add_size(&market->traded, &event->size);
        market->has_traded = true;
    }
    grow_bar(live, market, event, time);
    market->is_changed = true;
}

static void put(struct msim_feed_number *to, const struct msim_feed_number *from)
{
    if (from->is_known)
        *to = *from;
}

static void take_ticker(struct msim_live_market *market, const struct msim_feed_event *event,
                        msim_time time)
{
    put(&market->last, &event->price);
    put(&market->bid, &event->bid);
    put(&market->ask, &event->ask);
    put(&market->bid_size, &event->bid_size);
    put(&market->ask_size, &event->ask_size);
    put(&market->volume, &event->volume);
    put(&market->high, &event->high);
    put(&market->low, &event->low);
    if (!market->open.is_known)
        put(&market->open, &event->price);
    market->time = time;
    market->is_changed = true;
    /* Where nobody tells a book, the quote is one. */
    market->is_book_changed |= market->bid_count + market->ask_count == 0;
}

static void take_book(struct msim_live_market *market, const struct msim_feed_event *event)
{
    market->bid_count = event->bid_count;
    market->ask_count = event->ask_count;
    memcpy(market->bids, event->bids, event->bid_count * sizeof event->bids[0]);
    memcpy(market->asks, event->asks, event->ask_count * sizeof event->asks[0]);
    market->is_book_changed = true;
}

/* Doubled on its way, or overtaken. */
static bool is_old(struct msim_live_market *market, const struct msim_feed_event *event)
{
    int64_t *latest = &market->sequences[event->kind];
    uint32_t *old = &market->old[event->kind];

    if (event->sequence <= 0)
        return false;
    if (event->sequence <= *latest && ++*old < MSIM_LIVE_MOST_OLD)
        return true;
    *latest = event->sequence;
    *old = 0;
    return false;
}

int msim_live_take(struct msim_live *live, size_t feed, const char *place,
                   const struct msim_feed_event *event, msim_time now)
{
    struct msim_live_market *market;
    msim_time time = event->time > 0 ? event->time : now;

    if (event->kind > MSIM_FEED_BOOK)
        return MSIM_OK;
    int r = find_market(live, feed, place, event->symbol, &market);
    if (r < 0 || !market)
        return r;
    if (is_old(market, event))
        return MSIM_OK;
    live->is_changed = true;
    if (event->kind == MSIM_FEED_TRADE)
        take_trade(live, market, event, time);
    else if (event->kind == MSIM_FEED_TICKER)
        take_ticker(market, event, time);
    else
        take_book(market, event);
    return MSIM_OK;
}

/* ---- what is told ---- */

static void write_number(struct msim_json_writer *writer, const char *key,
                         const struct msim_feed_number *number)
{
    if (!number->is_known)
        return;
    msim_json_write_key(writer, key);
    msim_json_write_decimal(writer, number->mantissa, number->exponent);
}

static void write_side(struct msim_json_writer *writer, enum msim_feed_side side)
{
    if (side == MSIM_FEED_NO_SIDE)
        return;
    msim_json_write_key(writer, "side");
    msim_json_write_text(writer, side == MSIM_FEED_BUY ? "BUY" : "SELL");
}

static void write_volume(struct msim_json_writer *writer, const struct msim_live_market *market)
{
    char sum[MSIM_EXACT_SIZE];

    if (market->volume.is_known) {
        write_number(writer, "volume", &market->volume);
    } else if (market->has_traded) {
        size_t length = msim_exact_print(&market->traded, sum);
        msim_json_write_key(writer, "volume");
        msim_json_write_raw(writer, sum, length);
    }
}

static void write_ticker(struct msim_json_writer *writer, const struct msim_live_market *market)
{
    msim_json_write_object(writer);
    msim_json_write_key(writer, "symbol");
    msim_json_write_text(writer, market->name);
    msim_json_write_key(writer, "feed");
    msim_json_write_unsigned(writer, market->feed);
    write_number(writer, "last", &market->last);
    write_number(writer, "open", &market->open);
    write_number(writer, "bid", &market->bid);
    write_number(writer, "ask", &market->ask);
    write_number(writer, "bid_size", &market->bid_size);
    write_number(writer, "ask_size", &market->ask_size);
    write_number(writer, "high", &market->high);
    write_number(writer, "low", &market->low);
    write_volume(writer, market);
    write_side(writer, market->side);
    msim_json_write_key(writer, "at");
    msim_json_write_integer(writer, market->time / MSIM_NS_PER_MS);
    msim_json_write_object_end(writer);
}

static void write_trade(struct msim_json_writer *writer, const struct msim_live_trade *trade)
{
    msim_json_write_object(writer);
    msim_json_write_key(writer, "symbol");
    msim_json_write_text(writer, trade->market->name);
    msim_json_write_key(writer, "at");
    msim_json_write_integer(writer, trade->time / MSIM_NS_PER_MS);
    write_number(writer, "price", &trade->price);
    write_number(writer, "size", &trade->size);
    write_side(writer, trade->side);
    msim_json_write_object_end(writer);
}

/* Those of the tape behind `from`, and which of them are not on it any more. */
static uint64_t write_trades(struct msim_json_writer *writer, const struct msim_live *live,
                             uint64_t from)
{
    uint64_t first = live->trades > MSIM_LIVE_TAPE ? live->trades - MSIM_LIVE_TAPE : 0;

    if (first < from)
        first = from;
    msim_json_write_key(writer, "trades");
    msim_json_write_array(writer);
    for (uint64_t i = first; i < live->trades; i++)
        write_trade(writer, &live->tape[i % MSIM_LIVE_TAPE]);
    msim_json_write_array_end(writer);
    return first - from;
}

int msim_live_write_changes(struct msim_live *live, struct msim_bytes *out)
{
    struct msim_json_writer writer;

    msim_json_write_bytes(&writer, out);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "tickers");
    msim_json_write_array(&writer);
    for (size_t i = 0; i < live->market_count; i++) {
        if (live->markets[i]->is_changed)
            write_ticker(&writer, live->markets[i]);
        live->markets[i]->is_changed = false;
    }
    msim_json_write_array_end(&writer);
    uint64_t skipped = write_trades(&writer, live, live->told);
    live->told = live->trades;
    live->is_changed = false;
    msim_json_write_key(&writer, "skipped");
    msim_json_write_unsigned(&writer, skipped);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

int msim_live_write_all(const struct msim_live *live, struct msim_bytes *out)
{
    struct msim_json_writer writer;

    msim_json_write_bytes(&writer, out);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "tickers");
    msim_json_write_array(&writer);
    for (size_t i = 0; i < live->market_count; i++)
        write_ticker(&writer, live->markets[i]);
    msim_json_write_array_end(&writer);
    write_trades(&writer, live, 0);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

static void write_level(struct msim_json_writer *writer, const struct msim_feed_number *price,
                        const struct msim_feed_number *size)
{
    if (!price->is_known)
        return;
    msim_json_write_array(writer);
    msim_json_write_decimal(writer, price->mantissa, price->exponent);
    if (size->is_known)
        msim_json_write_decimal(writer, size->mantissa, size->exponent);
    else
        msim_json_write_null(writer);
    msim_json_write_array_end(writer);
}

static void write_levels(struct msim_json_writer *writer, const char *key,
                         const struct msim_feed_level *levels, size_t count)
{
    msim_json_write_key(writer, key);
    msim_json_write_array(writer);
    for (size_t i = 0; i < count; i++)
        write_level(writer, &levels[i].price, &levels[i].size);
    msim_json_write_array_end(writer);
}

int msim_live_write_book(const struct msim_live_market *market, struct msim_bytes *out)
{
    const struct msim_feed_level bid = {market->bid, market->bid_size};
    const struct msim_feed_level ask = {market->ask, market->ask_size};
    bool has_book = market->bid_count + market->ask_count > 0;
    struct msim_json_writer writer;

    msim_json_write_bytes(&writer, out);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "symbol");
    msim_json_write_text(&writer, market->name);
    msim_json_write_key(&writer, "is_quote");
    msim_json_write_bool(&writer, !has_book);
    write_levels(&writer, "bids", has_book ? market->bids : &bid, has_book ? market->bid_count : 1);
    write_levels(&writer, "asks", has_book ? market->asks : &ask, has_book ? market->ask_count : 1);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}
