/*
 * The whole state as bytes, or as a number.
 *
 * One writer for both: a sink that counts, hashes, or keeps what it is given.
 */
#include "engine/snapshot.h"

#include "base/random.h"
#include "engine/book.h"

#define SINK_BUFFER 4096

void msim_hash_init(struct hash *hash)
{
    *hash = (struct hash){.lane = {UINT64_C(0x243F6A8885A308D3), UINT64_C(0x13198A2E03707344),
                                   UINT64_C(0xA4093822299F31D0), UINT64_C(0x082EFA98EC4E6C89)}};
}

void msim_hash_add(struct hash *hash, const unsigned char *bytes, size_t length)
{
    unsigned char last[HASH_BLOCK] = {0};

    hash->length += length;
    while (length > 0) {
        if (length < HASH_BLOCK) {
            memcpy(last, bytes, length);
            bytes = last;
            length = HASH_BLOCK;
        }
        for (int i = 0; i < 4; i++) {
            const uint64_t mixed = hash->lane[i] ^ load_u64(bytes + 8 * i);
            hash->lane[i] = (mixed << 29 | mixed >> 35) * UINT64_C(0x9E3779B97F4A7C15);
        }
        bytes += HASH_BLOCK;
        length -= HASH_BLOCK;
    }
}

uint64_t msim_hash_end(const struct hash *hash)
{
    uint64_t value = msim_mix64(hash->length);
    for (int i = 0; i < 4; i++)
        value = msim_mix64(value ^ hash->lane[i]);
    return value;
}

void msim_snapshot_seal(unsigned char *bytes, size_t length)
{
    struct hash hash;

    if (length < SNAPSHOT_TAIL)
        return;
    msim_hash_init(&hash);
    msim_hash_add(&hash, bytes, length - SNAPSHOT_TAIL);
    store_u64(bytes + length - SNAPSHOT_TAIL, msim_hash_end(&hash));
}

struct sink {
    unsigned char *out; /* NULL: nothing is kept */
    bool hashes;
    struct hash hash;
    uint64_t length;
    size_t waiting;
    unsigned char buffer[SINK_BUFFER];
};

static void flush(struct sink *sink)
{
    if (sink->hashes)
        msim_hash_add(&sink->hash, sink->buffer, sink->waiting);
    if (sink->out) {
        memcpy(sink->out, sink->buffer, sink->waiting);
        sink->out += sink->waiting;
    }
    sink->waiting = 0;
}

static inline void put_u64(struct sink *sink, uint64_t value)
{
    sink->length += 8;
    if (!sink->hashes)
        return;
    store_u64(sink->buffer + sink->waiting, value);
    sink->waiting += 8;
    if (sink->waiting == SINK_BUFFER)
        flush(sink);
}

static void put_i64(struct sink *sink, int64_t value)
{
    put_u64(sink, (uint64_t)value);
}

static void put_pair(struct sink *sink, uint32_t low, uint32_t high)
{
    put_u64(sink, (uint64_t)high << 32 | low);
}

static void put_i128(struct sink *sink, msim_int128 value)
{
    put_u64(sink, (uint64_t)(msim_uint128)value);
    put_u64(sink, (uint64_t)((msim_uint128)value >> 64));
}

/* A text's length, then its bytes, filled up with zeros to words. */
static void put_text(struct sink *sink, const char *text, size_t length)
{
    put_u64(sink, length);
    for (size_t at = 0; at < length; at += 8) {
        unsigned char word[8] = {0};
        memcpy(word, text + at, length - at < 8 ? length - at : 8);
        put_u64(sink, load_u64(word));
    }
}

static void write_order(struct sink *sink, const struct msim_engine *engine, uint32_t slot)
{
    const struct order *order = &engine->orders[slot];
    const bool client = order->bits & BITS_CLIENT;
    const bool extra = order->extra != 0;
    const uint32_t excess = order_excess(engine, order);

    put_u64(sink, order->id);
    put_pair(sink, slot, order->account);
    put_pair(sink, order_owner(engine, order),
             (order->bits & ~(BITS_CLIENT | BITS_OWNED)) | (client ? SNAPSHOT_CLIENT : 0) |
                 (extra ? SNAPSHOT_EXTRA : 0) | (excess ? SNAPSHOT_EXCESS : 0));
    put_i64(sink, order->price);
    put_i64(sink, order->quantity);
    put_i64(sink, order->leaves);
    if (client) {
        put_u64(sink, order->client_id);
        put_u64(sink, msim_mix64(engine->clients[slot].content));
    }
    if (excess)
        put_u64(sink, excess);
    if (extra) {
        const struct extra *more = &engine->extras[order->extra];
        put_i64(sink, more->stop_price);
        put_i64(sink, more->display);
        put_i64(sink, more->hidden);
        put_i64(sink, more->expires_at);
    }
}

static void write_list(struct sink *sink, const struct msim_engine *engine, uint32_t slot)
{
    for (; slot; slot = engine->orders[slot].next) {
        __builtin_prefetch(&engine->orders[engine->orders[slot].next]);
        write_order(sink, engine, slot);
    }
}

static void write_instrument(struct sink *sink, const struct msim_engine *engine, uint32_t number)
{
    const struct instrument *it = &engine->instruments[number];
    size_t length;
    const char *symbol = msim_symbols_text(&engine->symbols, number, &length);

    put_text(sink, symbol, length);
    put_pair(sink, it->base, it->quote);
    put_pair(sink, it->maker_fee, it->taker_fee);
    put_pair(sink, it->band, (uint32_t)it->fee_mode | (uint32_t)it->state << 8);
    put_pair(sink, (uint32_t)-it->price_exponent, (uint32_t)-it->quantity_exponent);
    put_i64(sink, it->tick.unit);
    put_i64(sink, it->lot.unit);
    put_i64(sink, it->min_price);
    put_i64(sink, it->max_price);
    put_i64(sink, it->min_quantity);
    put_i64(sink, it->max_quantity);
    put_i64(sink, it->min_notional);
    put_i64(sink, it->reference_price);
    put_i64(sink, it->last_price);
    put_u64(sink, it->last_trade);
    for (int at = 0; at < 2; at++) {
        const struct side *side = &it->sides[at];
        put_u64(sink, side->order_count);
        for (int64_t key = side->best; key != KEY_NONE; key = msim_side_after(engine, side, key))
            write_list(sink, engine, msim_side_level(engine, side, key)->head);
    }
    put_u64(sink, it->waiting_count);
    for (int at = 0; at < 2; at++) {
        const struct ladder *ladder = &it->triggers[at];
        for (int64_t key = ladder_first(ladder); key != KEY_NONE;
             key = msim_ladder_after(ladder, &engine->ladder_pool, key))
            write_list(sink, engine, msim_ladder_find(ladder, &engine->ladder_pool, key)->head);
    }
}

static void write_slots(struct sink *sink, const struct msim_engine *engine)
{
    uint64_t queued = 0;

    for (uint32_t slot = engine->queued_first; slot; slot = engine->orders[slot].next)
        queued++;
    put_u64(sink, queued);
    for (uint32_t slot = engine->queued_first; slot; slot = engine->orders[slot].next) {
        put_u64(sink, engine->orders[slot].instrument);
        write_order(sink, engine, slot);
    }
    put_u64(sink, engine->order_used - 1 - engine->live_orders);
    for (uint32_t slot = engine->free_order; slot; slot = engine->orders[slot].next)
        put_u64(sink, slot);
}

static bool balance_at(const struct msim_engine *engine, size_t row, size_t column,
                       const struct balance **balance)
{
    *balance = msim_balance_find(engine, (uint32_t)row, (uint32_t)column);
    return *balance && ((*balance)->free != 0 || (*balance)->held != 0);
}

static bool position_at(const struct msim_engine *engine, size_t row, size_t column,
                        struct holding *holding)
{
    msim_holding_find(engine, (uint32_t)row, (uint32_t)column, holding);
    return holding->quantity != 0 || holding->cost != 0 || holding->realised != 0;
}

static void write_balances(struct sink *sink, const struct msim_engine *engine)
{
    const struct sheet *sheet = &engine->balances;
    const struct balance *balance;
    uint64_t count = 0;

    for (int counting = 1; counting >= 0; counting--) {
        for (size_t row = 0; row < sheet->rows; row++) {
            for (size_t column = 0; column < sheet_columns(sheet); column++) {
                if (!balance_at(engine, row, column, &balance))
                    continue;
                count++;
                if (counting)
                    continue;
                put_pair(sink, (uint32_t)row, (uint32_t)column);
                put_i64(sink, balance->free);
                put_i64(sink, balance->held);
            }
        }
        if (counting)
            put_u64(sink, count);
    }
}

static void write_positions(struct sink *sink, const struct msim_engine *engine)
{
    const struct sheet *sheet = &engine->positions;
    struct holding holding;
    uint64_t count = 0;

    for (int counting = 1; counting >= 0; counting--) {
        for (size_t row = 0; row < sheet->rows; row++) {
            for (size_t column = 0; column < sheet_columns(sheet); column++) {
                if (!position_at(engine, row, column, &holding))
                    continue;
                count++;
                if (counting)
                    continue;
                put_pair(sink, (uint32_t)row, (uint32_t)column);
                put_i128(sink, holding.quantity);
                put_i128(sink, holding.cost);
                put_i128(sink, holding.realised);
            }
        }
        if (counting)
            put_u64(sink, count);
    }
}

static void write_finished(struct sink *sink, const struct msim_engine *engine)
{
    put_u64(sink, engine->finished_used - 1);
    for (size_t row = 0; row < engine->account_capacity; row++) {
        for (uint32_t at = msim_finished_first(engine, (uint32_t)row); at;
             at = engine->finished[at].next) {
            const struct finished *finished = &engine->finished[at];
            put_pair(sink, finished->account, finished->instrument);
            put_u64(sink, finished->client_id);
            put_u64(sink, msim_mix64(finished->content));
            put_u64(sink, finished->order);
            put_i64(sink, finished->filled);
            put_pair(sink, finished->end & BITS_ASKED, finished->end >> FINISHED_STATUS_AT);
        }
    }
}

static void write_trades(struct sink *sink, const struct msim_engine *engine)
{
    const uint64_t past = engine->next_trade - 1;
    const uint64_t count = past < engine->trade_history ? past : engine->trade_history;

    put_u64(sink, count);
    for (uint64_t id = engine->next_trade - count; id < engine->next_trade; id++) {
        const struct trade *trade = trade_place(engine, id);
        put_i64(sink, trade->price);
        put_i64(sink, trade->quantity);
        put_u64(sink, trade->maker_order);
        put_u64(sink, trade->taker_order);
        put_i64(sink, trade->maker_fee);
        put_i64(sink, trade->taker_fee);
        put_pair(sink, trade->maker_account, trade->taker_account);
        put_pair(sink, trade->instrument,
                 (uint32_t)trade->taker_side | (uint32_t)trade->busted << 8);
    }
}

static void write_body(struct sink *sink, const struct msim_engine *engine)
{
    put_u64(sink, engine->sequence);
    put_i64(sink, engine->time);
    put_u64(sink, engine->event_sequence + engine->event_count);
    put_u64(sink, engine->next_order);
    put_u64(sink, engine->next_trade);
    put_pair(sink, engine->finished_ids, engine->trade_history);
    put_u64(sink, engine->order_used);
    put_u64(sink, engine->asset_names.count);
    for (uint32_t i = 0; i < engine->asset_names.count; i++) {
        const struct asset *asset = &engine->assets[i];
        size_t length;
        const char *name = msim_symbols_text(&engine->asset_names, i, &length);
        put_text(sink, name, length);
        put_i64(sink, -asset->exponent);
        put_i64(sink, asset->total);
        put_i64(sink, asset->fees);
        put_i64(sink, asset->owed);
    }
    put_u64(sink, engine->instrument_count);
    for (uint32_t i = 0; i < engine->instrument_count; i++)
        write_instrument(sink, engine, i);
    write_slots(sink, engine);
    write_balances(sink, engine);
    write_positions(sink, engine);
    write_finished(sink, engine);
    write_trades(sink, engine);
}

static void write_all(struct sink *sink, const struct msim_engine *engine, uint64_t length)
{
    put_u64(sink, SNAPSHOT_MAGIC);
    put_pair(sink, SNAPSHOT_VERSION, engine->accounts_off ? SNAPSHOT_ACCOUNTS_OFF : 0);
    put_u64(sink, length);
    write_body(sink, engine);
    if (sink->hashes)
        flush(sink);
}

uint64_t msim_engine_digest(const struct msim_engine *engine)
{
    struct sink sink = {.hashes = true};

    if (!engine)
        return 0;
    trades_booked(engine);
    msim_hash_init(&sink.hash);
    write_all(&sink, engine, 0);
    return msim_hash_end(&sink.hash);
}

int msim_engine_snapshot(const struct msim_engine *engine, void *bytes, size_t capacity,
                         size_t *length)
{
    if (!engine || !length || (!bytes && capacity > 0))
        return MSIM_ERR_INVALID;
    trades_booked(engine);
    struct sink counting = {0};
    write_all(&counting, engine, 0);
    const uint64_t needed = counting.length + SNAPSHOT_TAIL;
    *length = (size_t)needed;
    if (capacity < needed)
        return MSIM_ERR_LIMIT;

    struct sink sink = {.out = bytes, .hashes = true};
    msim_hash_init(&sink.hash);
    write_all(&sink, engine, needed);
    store_u64(sink.out, msim_hash_end(&sink.hash));
    return MSIM_OK;
}
