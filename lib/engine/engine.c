/*
 * The engine itself: made, told commands, asked for events.
 */
#include <marketsim/engine.h>

#include <string.h>

#include "base/detail.h"
#include "base/random.h"
#include "engine/hot.h"
#include "engine/snapshot.h"

#define DEFAULT_ORDERS 4096
#define DEFAULT_MAX_ORDERS 16777216
#define DEFAULT_MAX_ACCOUNTS 65536
#define DEFAULT_MAX_ASSETS 16384
#define MAX_INSTRUMENTS 65535
#define DEFAULT_FINISHED_IDS 10000
#define DEFAULT_TRADE_HISTORY 65536
#define DEFAULT_WINDOW 16384
#define MIN_WINDOW 64
#define MAX_WINDOW 262144
#define FIRST_EVENTS 1024

/* How far ahead of the command in hand memory is asked for. */
#define PREFETCH_FAR 12
#define PREFETCH_MIDDLE 8
#define PREFETCH_NEAR 4
/* What is smaller lies in the caches anyway. */
#define PREFETCH_FROM 8192

/*
 * What is large begins with a cache line, so that orders and events take no more lines than they
 * have to: malloc's large blocks begin a quarter of a line behind one.  Such a block has a line
 * more than was asked for; how far behind its begin it is used stands in the byte behind its end.
 */
#define LINE 64
#define LINES_FROM 4096

static size_t given_size(size_t size)
{
    return size >= LINES_FROM ? size + LINE : size;
}

static size_t line_shift(const unsigned char *block, size_t size)
{
    return size >= LINES_FROM ? -(uintptr_t)block & (LINE - 1) : 0;
}

/* Blocks grow, or go. */
static void *counted_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    assert(new_size == 0 || new_size >= old_size);
    struct msim_engine *engine = context;
    const size_t old_shift =
        pointer && old_size >= LINES_FROM ? ((const unsigned char *)pointer)[old_size] : 0;
    unsigned char *block =
        engine->given.resize(engine->given.context, pointer ? (char *)pointer - old_shift : NULL,
                             given_size(old_size), given_size(new_size));

    if (!block && new_size > 0)
        return NULL;
    engine->memory += given_size(new_size) - (pointer ? given_size(old_size) : 0);
    if (!block)
        return NULL;
    const size_t shift = line_shift(block, new_size);
    if (pointer && shift != old_shift)
        memmove(block + shift, block + old_shift, old_size);
    if (new_size >= LINES_FROM)
        block[shift + new_size] = (unsigned char)shift;
    return block + shift;
}

static uint32_t chosen(uint32_t asked, uint32_t usual)
{
    return asked ? asked : usual;
}

static int check_params(const struct msim_engine_params *params, struct msim_detail *detail)
{
    const uint32_t window = params->window_levels;

    if (params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "engine: params.size is %zu, not %zu; start from "
                               "MSIM_ENGINE_PARAMS_INIT",
                               params->size, sizeof *params);
    if (window && (window < MIN_WINDOW || window > MAX_WINDOW || (window & (window - 1))))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "engine: window_levels is %u; a power of two of %d..%d", window,
                               MIN_WINDOW, MAX_WINDOW);
    if (params->max_instruments > MAX_INSTRUMENTS)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "engine: max_instruments is %u; at most %d", params->max_instruments,
                               MAX_INSTRUMENTS);
    if (params->max_orders > INT32_MAX || params->orders > INT32_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "engine: max_orders is %u; at most %d",
                               params->max_orders, INT32_MAX);
    if (params->trade_history > MAX_TRADE_HISTORY)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "engine: trade_history is %u; at most %d",
                               params->trade_history, MAX_TRADE_HISTORY);
    if (params->accounts > MSIM_ACCOUNTS_OFF || params->events > MSIM_EVENTS_ALL)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "engine: accounts or events has a value that means nothing");
    return MSIM_OK;
}

static int fill_in(struct msim_engine *engine, const struct msim_engine_params *params)
{
    const uint32_t orders = chosen(params->orders, DEFAULT_ORDERS);

    engine->max_orders = chosen(params->max_orders, DEFAULT_MAX_ORDERS);
    engine->max_accounts = chosen(params->max_accounts, DEFAULT_MAX_ACCOUNTS);
    engine->max_assets = chosen(params->max_assets, DEFAULT_MAX_ASSETS);
    engine->max_instruments = chosen(params->max_instruments, MAX_INSTRUMENTS);
    engine->finished_ids = chosen(params->finished_ids, DEFAULT_FINISHED_IDS);
    engine->trade_history = chosen(params->trade_history, DEFAULT_TRADE_HISTORY);
    engine->window = chosen(params->window_levels, DEFAULT_WINDOW);
    engine->events_wanted = chosen(params->events, MSIM_EVENTS_ALL & ~MSIM_EVENTS_BOOK_ORDER);
    engine->accounts_off = params->accounts == MSIM_ACCOUNTS_OFF;
    engine->hash_seed[0] = msim_mix64(params->hash_seed + UINT64_C(0x9E3779B97F4A7C15));
    engine->hash_seed[1] = msim_mix64(engine->hash_seed[0]) | 1;
    engine->time = INT64_MIN;
    engine->next_trade = 1;
    msim_sheet_init(&engine->balances, sizeof(struct balance));
    msim_sheet_init(&engine->positions, sizeof(struct position));
    msim_sheet_init(&engine->uppers, sizeof(struct upper));
    msim_symbols_init(&engine->asset_names, engine->max_assets, &engine->allocator);
    msim_symbols_init(&engine->symbols, engine->max_instruments, &engine->allocator);

    int r = msim_orders_create(engine, orders < engine->max_orders ? orders : engine->max_orders);
    if (r == MSIM_OK)
        r = msim_clients_create(engine, params->client_ids);
    if (r == MSIM_OK)
        r = msim_events_grow(engine, FIRST_EVENTS);
    if (r < 0)
        return r;
    size_t ring = 1;
    while (ring < engine->trade_history)
        ring *= 2;
    engine->trade_mask = ring - 1;
    engine->unbooked_most = ring < UNBOOKED_MOST ? (uint32_t)ring : UNBOOKED_MOST;
    engine->trades = msim_mem_take_array(&engine->allocator, ring, sizeof *engine->trades);
    return engine->trades ? MSIM_OK : MSIM_ERR_NOMEM;
}

int msim_engine_create(struct msim_engine **out, const struct msim_engine_params *params,
                       struct msim_detail *detail)
{
    static const struct msim_engine_params usual = MSIM_ENGINE_PARAMS_INIT;

    if (!out)
        return MSIM_ERR_INVALID;
    if (!params)
        params = &usual;
    int r = check_params(params, detail);
    if (r < 0)
        return r;

    const struct msim_allocator given = msim_mem_allocator(params->allocator);
    struct msim_engine *engine = msim_mem_zero(&given, sizeof *engine);
    if (!engine)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "engine: out of memory");
    engine->given = given;
    engine->memory = sizeof *engine;
    engine->allocator = (struct msim_allocator){.resize = counted_resize, .context = engine};
    r = fill_in(engine, params);
    if (r < 0) {
        msim_engine_destroy(&engine);
        return msim_detail_set(detail, r, "engine: out of memory");
    }
    *out = engine;
    return MSIM_OK;
}

void msim_engine_destroy(struct msim_engine **engine_address)
{
    struct msim_engine *engine = engine_address ? *engine_address : NULL;
    if (!engine)
        return;

    const struct msim_allocator *allocator = &engine->allocator;
    for (uint32_t i = 0; i < engine->instrument_count; i++) {
        struct instrument *it = &engine->instruments[i];
        for (int at = 0; at < 2; at++) {
            msim_side_finish(engine, &it->sides[at]);
            msim_ladder_finish(&it->triggers[at], allocator);
        }
    }
    msim_windows_finish(engine);
    msim_ladder_pool_finish(&engine->ladder_pool, allocator);
    msim_orders_destroy(engine);
    msim_clients_destroy(engine);
    msim_sheet_finish(&engine->balances, allocator);
    msim_sheet_finish(&engine->uppers, allocator);
    msim_sheet_finish(&engine->positions, allocator);
    msim_mem_free(allocator, engine->ready,
                  engine->ready_rows * engine->ready_stride * sizeof *engine->ready);
    msim_symbols_finish(&engine->asset_names);
    msim_symbols_finish(&engine->symbols);
    msim_mem_free(allocator, engine->events, engine->event_capacity * sizeof *engine->events);
    msim_mem_free(allocator, engine->trades, (engine->trade_mask + 1) * sizeof *engine->trades);
    msim_mem_free(allocator, engine->assets, engine->asset_capacity * sizeof *engine->assets);
    msim_mem_free(allocator, engine->instruments,
                  engine->instrument_capacity * sizeof *engine->instruments);
    msim_mem_free(allocator, engine->scratch, engine->scratch_capacity * sizeof *engine->scratch);

    const struct msim_allocator given = engine->given;
    msim_mem_free(&given, engine, sizeof *engine);
    *engine_address = NULL;
}

int msim_scratch_reserve(struct msim_engine *engine, size_t count)
{
    return msim_mem_grow(&engine->allocator, (void **)&engine->scratch, &engine->scratch_capacity,
                         sizeof *engine->scratch, count, UINT32_MAX);
}

/* Heapsort: no stack, no worst case. */
static void sift(uint64_t *values, size_t root, size_t count)
{
    const uint64_t value = values[root];

    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && values[child + 1] > values[child])
            child++;
        if (values[child] <= value)
            break;
        values[root] = values[child];
    }
    values[root] = value;
}

void msim_sort_u64(uint64_t *values, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        sift(values, i - 1, count);
    for (size_t i = count; i > 1; i--) {
        const uint64_t largest = values[0];
        values[0] = values[i - 1];
        values[i - 1] = largest;
        sift(values, 0, i - 1);
    }
}

static int dispatch(struct msim_engine *engine, const struct msim_command *command)
{
    switch (command->kind) {
    case MSIM_COMMAND_NEW:
        return msim_entry_new(engine, command);
    case MSIM_COMMAND_CANCEL:
        return msim_entry_cancel(engine, command);
    case MSIM_COMMAND_REPLACE:
        return msim_entry_replace(engine, command);
    case MSIM_COMMAND_CANCEL_ALL:
    case MSIM_COMMAND_MASS_CANCEL:
        return msim_entry_cancel_many(engine, command);
    case MSIM_COMMAND_TIME:
        return MSIM_OK;
    case MSIM_COMMAND_DEPOSIT:
        return msim_admin_deposit(engine, command);
    case MSIM_COMMAND_WITHDRAW:
        return msim_admin_withdraw(engine, command);
    case MSIM_COMMAND_SET_STATE:
        return msim_admin_state(engine, command);
    case MSIM_COMMAND_SET_TICK:
        return msim_admin_tick(engine, command);
    case MSIM_COMMAND_SET_LOT:
        return msim_admin_lot(engine, command);
    case MSIM_COMMAND_SET_MIN_NOTIONAL:
        return msim_admin_min_notional(engine, command);
    case MSIM_COMMAND_BUST:
    case MSIM_COMMAND_CORRECT:
        return msim_admin_bust(engine, command);
    default:
        return msim_refuse(engine, command, MSIM_REJECT_INVALID_FIELD);
    }
}

/* What expires by the command's time, and then the command; the time is the engine's. */
static int at_its_time(struct msim_engine *engine, const struct msim_command *command)
{
    if (command->time >= MSIM_TIME_NEVER)
        return msim_refuse(engine, command, MSIM_REJECT_OUT_OF_RANGE);
    if (command->time > engine->time) {
        if (engine->heap_count > 0) {
            int r = msim_entry_expire(engine, command->time);
            if (r < 0)
                return r;
        }
        engine->time = command->time;
    }
    return dispatch(engine, command);
}

/*
 * The sequence and the time are the engine's while the command's consequences are
 * told; both go back where it did not happen, but for a time at which orders expired.
 */
RARE int apply_any(struct msim_engine *engine, const struct msim_command *command)
{
    const uint64_t sequence = engine->sequence;
    const msim_time time = engine->time;
    int r = MSIM_OK;

    if (command->sequence != 0 && command->sequence != sequence + 1)
        return command->sequence <= sequence ? MSIM_APPLY_SKIPPED : MSIM_ERR_STATE;
    if (engine->queued_first) {
        r = msim_entry_queued(engine);
        trades_booked(engine);
    }
    const size_t expiring = engine->heap_count;
    engine->sequence = sequence + 1;
    if (r == MSIM_OK)
        r = at_its_time(engine, command);
    if (r < 0) {
        engine->sequence = sequence;
        if (engine->heap_count == expiring)
            engine->time = time;
        return r;
    }
    if (engine->queued_first && msim_entry_queued(engine) < 0)
        return MSIM_APPLY_PENDING;
    return MSIM_OK;
}

/* The hash of its client id; 0 where it has none. */
HOT uint32_t hash_of(const struct msim_engine *engine, const struct msim_command *command)
{
    return command->client_id ? client_hash(engine, command->account, command->client_id) : 0;
}

int msim_engine_apply(struct msim_engine *engine, const struct msim_command *command)
{
    if (!engine || !command)
        return MSIM_ERR_INVALID;
    events_begin(engine);
    trades_booked(engine);
    const uint32_t hash = hash_of(engine, command);
    if (!(engine->usual ? hot_apply(engine, command, hash, LANE_USUAL)
                        : hot_apply(engine, command, hash, LANE_ANY)))
        return apply_any(engine, command);
    return engine->queued_first ? MSIM_APPLY_PENDING : MSIM_OK;
}

/* The first touch of what a command will need: the order it names, or the head of its client id's
 * chain. */
HOT void prefetch_far(const struct msim_engine *engine, const struct msim_command *command)
{
    const uint32_t slot = (uint32_t)command->handle;

    if (slot && slot < engine->order_used) {
        __builtin_prefetch(&engine->orders[slot], 1);
        if (engine->indexed)
            __builtin_prefetch(&engine->id_index[command->order & engine->id_mask], 1);
    } else if (command->client_id) {
        client_prefetch(engine, hash_of(engine, command));
    }
}

/* The level of a price, and what the account pays from there. */
HOT void prefetch_level(const struct msim_engine *engine, uint32_t instrument, unsigned at,
                        msim_price price, uint32_t account)
{
    if (instrument >= engine->instrument_count || at > SELL)
        return;
    const struct instrument *it = &engine->instruments[instrument];
    const struct side *side = &it->sides[at];
    if (side->levels)
        __builtin_prefetch(side_near(side, price_key(it, at, price)), 1);
    if (account < engine->dense_accounts)
        __builtin_prefetch(balance_of(engine, account, it->pays[at]), 1);
}

/* Its neighbours: in its queue, and among its account's orders. */
HOT void prefetch_neighbours(const struct msim_engine *engine, uint32_t slot)
{
    const struct order *order = &engine->orders[slot];

    if (order->id == 0)
        return;
    __builtin_prefetch(&engine->orders[order->next], 1);
    __builtin_prefetch(&engine->orders[order->prev], 1);
    prefetch_level(engine, order->instrument, order_side(order), order->price, order->account);
    if (!engine->listed)
        return;
    const struct links *links = links_of(engine, slot);
    __builtin_prefetch(links_of(engine, links->next), 1);
    __builtin_prefetch(links_of(engine, links->prev), 1);
}

static inline bool by_client(const struct msim_command *command)
{
    return command->client_id && !(uint32_t)command->handle && command->kind != MSIM_COMMAND_NEW;
}

/* The second: where a new order will rest; for client ids the order that one leads to. */
HOT void prefetch_middle(const struct msim_engine *engine, const struct msim_command *command)
{
    if (command->kind == MSIM_COMMAND_NEW)
        prefetch_level(engine, command->instrument, (unsigned)command->side - MSIM_SIDE_BUY,
                       command->price, command->account);
    if (!by_client(command))
        return;
    const uint32_t slot = client_likely_slot(engine, hash_of(engine, command));
    __builtin_prefetch(&engine->orders[slot], 1);
    if (slot)
        __builtin_prefetch(&engine->clients[slot], 1);
}

/* The third: what lies around the order. */
HOT void prefetch_near(const struct msim_engine *engine, const struct msim_command *command)
{
    uint32_t slot = (uint32_t)command->handle;

    if (by_client(command)) {
        slot = client_slot(engine, command->account, command->client_id);
        if (engine->indexed)
            __builtin_prefetch(&engine->id_index[engine->orders[slot].id & engine->id_mask], 1);
    }
    if (slot && slot < engine->order_used)
        prefetch_neighbours(engine, slot);
}

/* What the first commands of a batch would have had asked for by those before. */
RARE void prefetch_first(const struct msim_engine *engine, const struct msim_command *commands,
                         size_t count)
{
    for (size_t i = 0; i < PREFETCH_FAR && i < count; i++)
        prefetch_far(engine, &commands[i]);
    for (size_t i = 0; i < PREFETCH_MIDDLE && i < count; i++)
        prefetch_middle(engine, &commands[i]);
    for (size_t i = 0; i < PREFETCH_NEAR && i < count; i++)
        prefetch_near(engine, &commands[i]);
}

/* What the commands behind that one of so many left will need. */
HOT void prefetch_ahead(const struct msim_engine *engine, const struct msim_command *command,
                        size_t left)
{
    if (PREFETCH_FAR < left)
        prefetch_far(engine, &command[PREFETCH_FAR]);
    if (PREFETCH_MIDDLE < left)
        prefetch_middle(engine, &command[PREFETCH_MIDDLE]);
    if (PREFETCH_NEAR < left)
        prefetch_near(engine, &command[PREFETCH_NEAR]);
}

/* The hashes of the command in hand and of the two behind it. */
struct hashes {
    uint32_t now;
    uint32_t next;
    uint32_t after;
};

HOT struct hashes hashes_first(const struct msim_engine *engine,
                               const struct msim_command *commands, size_t count)
{
    return (struct hashes){
        .next = count > 0 ? hash_of(engine, &commands[0]) : 0,
        .after = count > 1 ? hash_of(engine, &commands[1]) : 0,
    };
}

/* On to a command that so many are left with, itself included. */
HOT void hashes_move(const struct msim_engine *engine, const struct msim_command *command,
                     size_t left, struct hashes *hashes)
{
    hashes->now = hashes->next;
    hashes->next = hashes->after;
    hashes->after = left > 2 ? hash_of(engine, &command[2]) : 0;
}

/*
 * What small books have lies in the second cache, from where it comes sooner than most of it is
 * named.  What every command waits for is asked for two commands before: its order and its
 * account's balances.
 */
HOT void prefetch_small(const struct msim_engine *engine, const struct msim_command *command,
                        const struct hashes *hashes, enum lane lane)
{
    const struct sheet *balances = &engine->balances;
    const uintptr_t row = balances->stride * sizeof(struct balance);

    /* Where they would be: nobody looked yet whether they are there. */
    if (lane == LANE_USUAL)
        __builtin_prefetch((void *)((uintptr_t)balances->cells + row * command[2].account), 1);
    if (!command[2].client_id) {
        const uintptr_t slot = (uint32_t)command[2].handle;
        __builtin_prefetch((void *)((uintptr_t)engine->orders + slot * sizeof(struct order)), 1);
        return;
    }
    client_prefetch(engine, hashes->after);
    __builtin_prefetch((void *)((uintptr_t)engine->accounts +
                                command[2].account * (uintptr_t)sizeof(struct account)),
                       1);
    __builtin_prefetch(&engine->orders[client_likely_slot(engine, hashes->next)], 1);
}

/* What a batch comes to: the last word on orders that wait, or that nothing was new in it. */
static int batch_result(const struct msim_engine *engine, size_t count, size_t skipped)
{
    if (engine->queued_first)
        return MSIM_APPLY_PENDING;
    return count > 0 && skipped == count ? MSIM_APPLY_SKIPPED : MSIM_APPLY_DONE;
}

/* Commands that are gone through, and how. */
struct batch {
    const struct msim_command *commands;
    size_t count;
    size_t done;
    size_t skipped;
    struct hashes hashes;
};

/* As far as the engine stays in the lane. */
HOT int apply_run(struct msim_engine *engine, struct batch *batch, enum lane lane)
{
    const bool large = engine->order_used >= PREFETCH_FROM;
    const struct msim_command *command = batch->commands + batch->done;
    struct hashes hashes = batch->hashes;
    size_t left = batch->count - batch->done;
    int r = MSIM_OK;

    for (; left > 0; left--, command++) {
        hashes_move(engine, command, left, &hashes);
        if (large)
            prefetch_ahead(engine, command, left);
        else if (left > 2)
            prefetch_small(engine, command, &hashes, lane);
        if (hot_apply(engine, command, hashes.now, lane))
            continue;
        if (engine->event_count >= MSIM_BATCH_EVENTS)
            break;
        r = apply_any(engine, command);
        trades_booked(engine);
        if (r < 0)
            break;
        batch->skipped += r == MSIM_APPLY_SKIPPED;
        if (engine->usual != (lane == LANE_USUAL)) {
            left--;
            break;
        }
    }
    batch->hashes = hashes;
    batch->done = batch->count - left;
    return r;
}

int msim_engine_apply_many(struct msim_engine *engine, const struct msim_command *commands,
                           size_t count, size_t *applied)
{
    struct batch batch = {.commands = commands, .count = count};
    int r = MSIM_OK;

    if (applied)
        *applied = 0;
    if (!engine || (!commands && count > 0))
        return MSIM_ERR_INVALID;
    events_begin(engine);
    trades_booked(engine);
    engine->batching = true;
    if (engine->order_used >= PREFETCH_FROM)
        prefetch_first(engine, commands, count);
    batch.hashes = hashes_first(engine, commands, count);
    while (r >= 0 && batch.done < count && engine->event_count < MSIM_BATCH_EVENTS)
        r = engine->usual ? apply_run(engine, &batch, LANE_USUAL)
                          : apply_run(engine, &batch, LANE_ANY);
    engine->batching = false;
    if (applied)
        *applied = batch.done;
    return r < 0 ? r : batch_result(engine, batch.done, batch.skipped);
}

const struct msim_event *msim_engine_events(const struct msim_engine *engine, size_t *count)
{
    if (count)
        *count = engine ? engine->event_count : 0;
    return engine ? engine->events : NULL;
}

msim_time msim_engine_next_due(const struct msim_engine *engine)
{
    if (!engine || engine->heap_count == 0)
        return MSIM_TIME_NEVER;
    return engine->extras[engine->orders[engine->heap[0]].extra].expires_at;
}

uint64_t msim_engine_sequence(const struct msim_engine *engine)
{
    return engine ? engine->sequence : 0;
}

msim_time msim_engine_time(const struct msim_engine *engine)
{
    return engine ? engine->time : INT64_MIN;
}

size_t msim_engine_memory(const struct msim_engine *engine)
{
    return engine ? engine->memory : 0;
}
