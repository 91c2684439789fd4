/*
 * Rings of what is remembered by time; candles, and the day of a ticker.
 *
 * The day is the last 1,440 minutes with the running one: the minutes' candles say it, so that
 * it is exact and costs the same however much is traded.
 */
#include <string.h>

#include "base/mem.h"
#include "venue/inside.h"

#define FIRST_CAPACITY 16

void msim_ring_init(struct ring *ring, size_t size, size_t limit)
{
    *ring = (struct ring){.size = size, .limit = limit};
}

void *msim_ring_at(const struct ring *ring, size_t place)
{
    size_t at = ring->first + place;

    if (at >= ring->capacity)
        at -= ring->capacity;
    return ring->items + at * ring->size;
}

static int ring_grow(struct ring *ring, const struct msim_allocator *allocator)
{
    size_t wanted = ring->capacity ? ring->capacity * 2 : FIRST_CAPACITY;

    if (wanted > ring->limit)
        wanted = ring->limit;
    unsigned char *items =
        msim_mem_resize(allocator, ring->items, ring->capacity * ring->size, wanted * ring->size);
    if (!items)
        return MSIM_ERR_NOMEM;
    ring->items = items;
    ring->capacity = wanted;
    return MSIM_OK;
}

int msim_ring_add(struct ring *ring, void **item, const struct msim_allocator *allocator)
{
    if (ring->count == ring->capacity && ring->capacity < ring->limit) {
        int r = ring_grow(ring, allocator);
        if (r < 0)
            return r;
    }
    if (ring->count == ring->capacity) {
        ring->first = ring->first + 1 == ring->capacity ? 0 : ring->first + 1;
        ring->count--;
    }
    *item = msim_ring_at(ring, ring->count++);
    return MSIM_OK;
}

void msim_ring_finish(struct ring *ring, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, ring->items, ring->capacity * ring->size);
}

static msim_time time_at(const struct ring *ring, size_t place)
{
    msim_time time;

    memcpy(&time, msim_ring_at(ring, place), sizeof time);
    return time;
}

size_t msim_ring_place(const struct ring *ring, msim_time time)
{
    size_t low = 0;
    size_t high = ring->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (time_at(ring, middle) < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t msim_ring_copy(const struct ring *ring, msim_time start, msim_time end, void *out,
                      size_t capacity)
{
    size_t from = msim_ring_place(ring, start);
    const size_t to = msim_ring_place(ring, end);
    unsigned char *at = out;

    if (from >= to)
        return 0;
    if (to - from > capacity)
        from = to - capacity;
    for (size_t i = from; i < to; i++, at += ring->size)
        memcpy(at, msim_ring_at(ring, i), ring->size);
    return to - from;
}

/* ---- candles ---- */

static const struct {
    const char *name;
    msim_time length;
} intervals[MSIM_CANDLE_INTERVALS] = {
    [MSIM_CANDLE_1S] = {"1s", MSIM_NS_PER_S},
    [MSIM_CANDLE_1M] = {"1m", 60 * MSIM_NS_PER_S},
    [MSIM_CANDLE_5M] = {"5m", 300 * MSIM_NS_PER_S},
    [MSIM_CANDLE_15M] = {"15m", 900 * MSIM_NS_PER_S},
    [MSIM_CANDLE_1H] = {"1h", 3600 * MSIM_NS_PER_S},
    [MSIM_CANDLE_4H] = {"4h", 14400 * MSIM_NS_PER_S},
    [MSIM_CANDLE_1D] = {"1d", 86400 * MSIM_NS_PER_S},
};

const char *msim_venue_interval_name(int interval)
{
    return interval >= 0 && interval < MSIM_CANDLE_INTERVALS ? intervals[interval].name : "unknown";
}

int msim_venue_interval_find(const char *name, size_t length)
{
    if (!name)
        return MSIM_ERR_NOT_FOUND;
    for (int i = 0; i < MSIM_CANDLE_INTERVALS; i++)
        if (strlen(intervals[i].name) == length && memcmp(intervals[i].name, name, length) == 0)
            return i;
    return MSIM_ERR_NOT_FOUND;
}

msim_time msim_venue_interval_length(int interval)
{
    return interval >= 0 && interval < MSIM_CANDLE_INTERVALS ? intervals[interval].length : 0;
}

msim_time msim_time_floor(msim_time time, msim_time length)
{
    const msim_time rest = time % length;

    if (rest >= 0)
        return time - rest;
    return time < INT64_MIN + length + rest ? time : time - rest - length;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;

    return msim_add_check(a, b, &sum) ? sum : INT64_MAX;
}

static void candle_begin(struct msim_venue_candle *candle, msim_time start, msim_price price)
{
    *candle = (struct msim_venue_candle){
        .start = start, .open = price, .high = price, .low = price, .close = price};
}

static void candle_take(struct msim_venue_candle *candle, const struct sale *sale)
{
    if (sale->price > candle->high)
        candle->high = sale->price;
    if (sale->price < candle->low)
        candle->low = sale->price;
    candle->close = sale->price;
    candle->volume = add_capped(candle->volume, sale->quantity);
    candle->turnover = add_capped(candle->turnover, sale->notional);
    candle->trade_count++;
}

/* A new minute begins: those that are a day old leave, and the others' range is looked for. */
static void day_roll(struct market *market, msim_time minute)
{
    const struct ring *minutes = &market->candles[MSIM_CANDLE_1M];
    const msim_time oldest = minute - (DAY_MINUTES - 1) * intervals[MSIM_CANDLE_1M].length;

    while (market->day_count > 0) {
        const struct msim_venue_candle *first =
            msim_ring_at(minutes, minutes->count - market->day_count);
        if (first->start >= oldest)
            break;
        market->day_volume -= first->volume;
        market->day_turnover -= first->turnover;
        market->day_trades -= first->trade_count;
        market->day_count--;
    }
    market->day_high = INT64_MIN;
    market->day_low = INT64_MAX;
    for (size_t i = minutes->count - market->day_count; i < minutes->count; i++) {
        const struct msim_venue_candle *candle = msim_ring_at(minutes, i);
        if (candle->high > market->day_high)
            market->day_high = candle->high;
        if (candle->low < market->day_low)
            market->day_low = candle->low;
    }
}

int msim_candles_add(struct msim_venue *venue, struct market *market, const struct sale *sale)
{
    for (int i = 0; i < MSIM_CANDLE_INTERVALS; i++) {
        struct ring *ring = &market->candles[i];
        struct msim_venue_candle *candle =
            ring->count > 0 ? msim_ring_at(ring, ring->count - 1) : NULL;
        if (!candle || sale->time - candle->start >= intervals[i].length) {
            const msim_time start = msim_time_floor(sale->time, intervals[i].length);
            void *item;
            if (i == MSIM_CANDLE_1M)
                day_roll(market, start);
            int r = msim_ring_add(ring, &item, &venue->allocator);
            if (r < 0)
                return r;
            candle = item;
            candle_begin(candle, start, sale->price);
            if (i == MSIM_CANDLE_1M)
                market->day_count++;
        }
        if (i == MSIM_CANDLE_1M) {
            /* What the candle really takes: its own sums are capped. */
            market->day_volume -= candle->volume;
            market->day_turnover -= candle->turnover;
        }
        candle_take(candle, sale);
        if (i == MSIM_CANDLE_1M) {
            market->day_volume += candle->volume;
            market->day_turnover += candle->turnover;
            market->day_trades++;
        }
    }
    return MSIM_OK;
}

static int64_t capped(msim_int128 value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

void msim_candles_day(const struct market *market, msim_time now, struct msim_venue_ticker *out)
{
    const struct ring *minutes = &market->candles[MSIM_CANDLE_1M];
    const msim_time length = intervals[MSIM_CANDLE_1M].length;
    const msim_time oldest = msim_time_floor(now, length) - (DAY_MINUTES - 1) * length;
    msim_int128 volume = market->day_volume;
    msim_int128 turnover = market->day_turnover;
    uint64_t trades = market->day_trades;
    size_t at = minutes->count - market->day_count;
    msim_price high = market->day_high;
    msim_price low = market->day_low;
    bool left = false;

    for (; at < minutes->count; at++) {
        const struct msim_venue_candle *candle = msim_ring_at(minutes, at);
        if (candle->start >= oldest)
            break;
        volume -= candle->volume;
        turnover -= candle->turnover;
        trades -= candle->trade_count;
        left = true;
    }
    out->open = out->high = out->low = 0;
    out->volume = capped(volume);
    out->turnover = capped(turnover);
    out->trade_count = trades;
    if (at == minutes->count)
        return;
    if (left) {
        high = INT64_MIN;
        low = INT64_MAX;
    }
    /* The last one is still moving; the others are known unless some have left. */
    for (size_t i = left ? at : minutes->count - 1; i < minutes->count; i++) {
        const struct msim_venue_candle *candle = msim_ring_at(minutes, i);
        if (candle->high > high)
            high = candle->high;
        if (candle->low < low)
            low = candle->low;
    }
    out->open = ((const struct msim_venue_candle *)msim_ring_at(minutes, at))->open;
    out->high = high;
    out->low = low;
}

size_t msim_venue_candles(const struct msim_venue *venue, uint32_t instrument, int interval,
                          msim_time start, msim_time end, struct msim_venue_candle *out,
                          size_t capacity)
{
    if (!venue || instrument >= venue->market_count || interval < 0 ||
        interval >= MSIM_CANDLE_INTERVALS || (!out && capacity > 0))
        return 0;
    return msim_ring_copy(&venue->markets[instrument].candles[interval], start, end, out, capacity);
}

void msim_candles_day_again(struct market *market)
{
    const struct ring *minutes = &market->candles[MSIM_CANDLE_1M];

    market->day_volume = 0;
    market->day_turnover = 0;
    market->day_trades = 0;
    market->day_high = INT64_MIN;
    market->day_low = INT64_MAX;
    for (size_t i = minutes->count - market->day_count; i < minutes->count; i++) {
        const struct msim_venue_candle *candle = msim_ring_at(minutes, i);
        market->day_volume += candle->volume;
        market->day_turnover += candle->turnover;
        market->day_trades += candle->trade_count;
        if (i + 1 == minutes->count)
            continue;
        if (candle->high > market->day_high)
            market->day_high = candle->high;
        if (candle->low < market->day_low)
            market->day_low = candle->low;
    }
}
