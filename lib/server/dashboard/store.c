#include "server/dashboard/store.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/random.h"

#define FIRST_SLOTS 64

/* ---- indexes: open addressing, at most half full ---- */

static int index_grow(const struct msim_store *store, struct msim_index *index, size_t count,
                      uint64_t (*hash)(const struct msim_store *store, uint32_t number))
{
    size_t size = index->slots ? index->mask + 1 : 0;

    if (2 * (count + 1) <= size)
        return MSIM_OK;
    size_t grown = size > 0 ? 2 * size : FIRST_SLOTS;
    uint32_t *slots = msim_mem_zero_array(&store->allocator, grown, sizeof *slots);
    if (!slots)
        return MSIM_ERR_NOMEM;
    for (uint32_t number = 0; number < count; number++) {
        size_t at = (size_t)hash(store, number) & (grown - 1);
        while (slots[at] != 0)
            at = (at + 1) & (grown - 1);
        slots[at] = number + 1;
    }
    msim_mem_free(&store->allocator, index->slots, size * sizeof *slots);
    index->slots = slots;
    index->mask = grown - 1;
    return MSIM_OK;
}

static void index_put(struct msim_index *index, uint64_t hash, uint32_t number)
{
    size_t at = (size_t)hash & index->mask;

    while (index->slots[at] != 0)
        at = (at + 1) & index->mask;
    index->slots[at] = number + 1;
}

/* ---- names ---- */

static uint64_t name_hash(const struct msim_store *store, uint32_t number)
{
    return msim_mix64(msim_fnv(store->names[number], strlen(store->names[number])));
}

uint32_t msim_store_name(const struct msim_store *store, const char *text, size_t length)
{
    const struct msim_index *index = &store->name_index;
    size_t at = (size_t)msim_mix64(msim_fnv(text, length)) & index->mask;

    for (; index->slots[at] != 0; at = (at + 1) & index->mask) {
        const char *known = store->names[index->slots[at] - 1];
        if (strlen(known) == length && memcmp(known, text, length) == 0)
            return index->slots[at] - 1;
    }
    return UINT32_MAX;
}

/* Beyond the bound a name is that of the others. */
static int name_take(struct msim_store *store, const char *text, size_t length, uint32_t *out)
{
    *out = msim_store_name(store, text, length);
    if (*out != UINT32_MAX)
        return MSIM_OK;
    if (store->name_count >= MSIM_STORE_MAX_NAMES) {
        *out = 1;
        return MSIM_OK;
    }
    void *names = store->names;
    int r = msim_mem_grow(&store->allocator, &names, &store->name_capacity, sizeof(char *),
                          store->name_count + 1, MSIM_STORE_MAX_NAMES);
    if (r < 0)
        return r;
    store->names = names;
    r = index_grow(store, &store->name_index, store->name_count, name_hash);
    char *copy = r < 0 ? NULL : msim_mem_text(&store->allocator, text, length);
    if (!copy)
        return MSIM_ERR_NOMEM;
    *out = (uint32_t)store->name_count;
    store->names[store->name_count++] = copy;
    index_put(&store->name_index, name_hash(store, *out), *out);
    return MSIM_OK;
}

/* ---- groups ---- */

static uint64_t pair_hash(uint32_t symbol, uint32_t strategy)
{
    return msim_mix64((uint64_t)symbol << 32 | strategy);
}

static uint64_t group_hash(const struct msim_store *store, uint32_t number)
{
    return pair_hash(store->groups[number].symbol, store->groups[number].strategy);
}

static struct msim_group *group_find(struct msim_store *store, uint32_t symbol, uint32_t strategy)
{
    const struct msim_index *index = &store->group_index;

    if (!index->slots)
        return NULL;
    size_t at = (size_t)pair_hash(symbol, strategy) & index->mask;
    for (; index->slots[at] != 0; at = (at + 1) & index->mask) {
        struct msim_group *group = &store->groups[index->slots[at] - 1];
        if (group->symbol == symbol && group->strategy == strategy)
            return group;
    }
    return NULL;
}

struct msim_group *msim_store_group(struct msim_store *store, uint32_t symbol, uint32_t strategy)
{
    struct msim_group *found = group_find(store, symbol, strategy);
    void *groups = store->groups;

    if (found)
        return found;
    /* The last one is the others'. */
    if (store->group_count + 1 >= MSIM_STORE_MAX_GROUPS && (symbol != 1 || strategy != 1))
        return msim_store_group(store, 1, 1);
    if (msim_mem_grow(&store->allocator, &groups, &store->group_capacity, sizeof *store->groups,
                      store->group_count + 1, MSIM_STORE_MAX_GROUPS) < 0)
        return NULL;
    store->groups = groups;
    if (index_grow(store, &store->group_index, store->group_count, group_hash) < 0)
        return NULL;
    struct msim_group *group = &store->groups[store->group_count];
    *group = (struct msim_group){.symbol = symbol, .strategy = strategy};
    index_put(&store->group_index, pair_hash(symbol, strategy), (uint32_t)store->group_count++);
    return group;
}

/* ---- rows ---- */

static void row_drop(struct msim_store *store, struct msim_ring *ring)
{
    struct msim_block *block = ring->rows[ring->first].block;

    ring->first = (ring->first + 1) % ring->capacity;
    ring->count--;
    if (--block->rows == 0)
        msim_mem_free(&store->allocator, block, block->size);
}

/* Room for `wanted` rows, at most max_rows. */
static int ring_grow(struct msim_store *store, struct msim_ring *ring, size_t wanted)
{
    size_t capacity = ring->capacity > 0 ? ring->capacity : 64;

    if (wanted > store->max_rows)
        wanted = store->max_rows;
    if (wanted <= ring->capacity)
        return MSIM_OK;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > store->max_rows)
        capacity = store->max_rows;
    struct msim_row *rows = msim_mem_take_array(&store->allocator, capacity, sizeof *rows);
    if (!rows)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < ring->count; i++)
        rows[i] = *msim_ring_row(ring, i);
    msim_mem_free(&store->allocator, ring->rows, ring->capacity * sizeof *rows);
    ring->rows = rows;
    ring->capacity = capacity;
    ring->first = 0;
    return MSIM_OK;
}

/* What is added for one table once nothing can fail any more. */
struct addition {
    struct msim_table *table;
    struct msim_block *block; /* of the rows that are kept */
    size_t skipped;           /* the first rows of more than max_rows are only counted */
    size_t json_skipped;
};

static int prepare_block(struct msim_store *store, struct addition *addition)
{
    struct msim_table *table = addition->table;
    size_t length = msim_bytes_length(&table->json);

    if (table->row_count == 0)
        return MSIM_OK;
    if (table->row_count > store->max_rows)
        addition->skipped = table->row_count - store->max_rows;
    addition->json_skipped = table->rows[addition->skipped].json;
    length -= addition->json_skipped;
    if (length > UINT32_MAX)
        return MSIM_ERR_LIMIT;
    addition->block = msim_mem_take(&store->allocator, sizeof *addition->block + length);
    if (!addition->block)
        return MSIM_ERR_NOMEM;
    *addition->block = (struct msim_block){.size = sizeof *addition->block + length};
    memcpy(addition->block->json, msim_bytes_front(&table->json) + addition->json_skipped, length);
    return MSIM_OK;
}

static int pick_name(struct msim_store *store, const struct msim_table *table,
                     const struct msim_table_row *row, enum msim_table_pick pick, uint32_t *out)
{
    size_t length;
    const char *text = msim_table_picked(table, row, pick, &length);

    return name_take(store, text, length, out);
}

/* Names and groups of all rows exist; they stay where a later step fails, unused. */
static int prepare_names(struct msim_store *store, const struct msim_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct msim_table_row *row = &table->rows[i];
        uint32_t symbol;
        uint32_t strategy;
        uint32_t side;
        int r = pick_name(store, table, row, MSIM_PICK_SYMBOL, &symbol);
        if (r >= 0)
            r = pick_name(store, table, row, MSIM_PICK_STRATEGY, &strategy);
        if (r >= 0)
            r = pick_name(store, table, row, MSIM_PICK_SIDE, &side);
        if (r < 0)
            return r;
        if (!msim_store_group(store, symbol, strategy))
            return MSIM_ERR_NOMEM;
    }
    return MSIM_OK;
}

static bool is_word(const char *text, size_t length, const char *upper)
{
    for (size_t i = 0; i < length; i++)
        if (upper[i] == '\0' || (text[i] & ~0x20) != upper[i])
            return false;
    return upper[length] == '\0';
}

static int sign_of(const char *text, size_t length)
{
    for (size_t i = 0; i < length && text[i] != 'e' && text[i] != 'E'; i++)
        if (text[i] >= '1' && text[i] <= '9')
            return text[0] == '-' ? -1 : 1;
    return 0;
}

/* The table's reading has checked each number. */
static void sum_up(struct msim_exact *sum, const struct msim_table *table,
                   const struct msim_table_row *row, enum msim_table_pick pick)
{
    size_t length;
    const char *text = msim_table_picked(table, row, pick, &length);

    if (length > 0)
        msim_exact_add(sum, text, length);
}

static void count_trade(struct msim_group *group, const struct msim_table *table,
                        const struct msim_table_row *row)
{
    size_t length;
    const char *side = msim_table_picked(table, row, MSIM_PICK_SIDE, &length);

    group->trades++;
    group->buys += is_word(side, length, "BUY");
    group->sells += is_word(side, length, "SELL");
    const char *profit = msim_table_picked(table, row, MSIM_PICK_PROFIT, &length);
    int sign = sign_of(profit, length);
    group->winners += sign > 0;
    group->losers += sign < 0;
    sum_up(&group->quantity, table, row, MSIM_PICK_QUANTITY);
    sum_up(&group->profit, table, row, MSIM_PICK_PROFIT);
}

static void set_time(struct msim_row *row, const char *stamp, size_t length)
{
    if (msim_calendar_parse(stamp, length, &row->time) < 0)
        row->time = MSIM_TIME_NEVER;
}

static void add_row(struct msim_store *store, const struct addition *addition, size_t place)
{
    const struct msim_table *table = addition->table;
    const struct msim_table_row *from = &table->rows[place];
    struct msim_ring *ring = &store->rings[table->kind];
    struct msim_row row = {.block = addition->block, .time = MSIM_TIME_NEVER};
    size_t length;

    pick_name(store, table, from, MSIM_PICK_SYMBOL, &row.symbol);
    pick_name(store, table, from, MSIM_PICK_STRATEGY, &row.strategy);
    pick_name(store, table, from, MSIM_PICK_SIDE, &row.side);
    struct msim_group *group = msim_store_group(store, row.symbol, row.strategy);
    if (table->kind == MSIM_TABLE_TRADES) {
        count_trade(group, table, from);
    } else {
        group->points++;
        sum_up(&group->volume, table, from, MSIM_PICK_QUANTITY);
    }
    ring->total++;
    if (place < addition->skipped)
        return;
    const char *stamp = msim_table_picked(table, from, MSIM_PICK_TIMESTAMP, &length);
    set_time(&row, stamp, length);
    row.json = (uint32_t)(from->json - addition->json_skipped);
    row.json_length = (uint32_t)from->json_length;
    if (ring->count == ring->capacity)
        row_drop(store, ring);
    addition->block->rows++;
    ring->rows[(ring->first + ring->count++) % ring->capacity] = row;
}

int msim_store_add(struct msim_store *store, struct msim_table *const tables[MSIM_TABLE_KINDS],
                   const char *stamp, int (*seal)(void *context), void *context)
{
    struct addition additions[MSIM_TABLE_KINDS] = {{0}};
    int r = MSIM_OK;

    for (int kind = 0; kind < MSIM_TABLE_KINDS && r >= 0; kind++) {
        struct msim_ring *ring = &store->rings[kind];
        additions[kind].table = tables[kind];
        r = prepare_names(store, tables[kind]);
        if (r >= 0)
            r = ring_grow(store, ring, ring->count + tables[kind]->row_count);
        if (r >= 0)
            r = prepare_block(store, &additions[kind]);
    }
    if (r >= 0 && seal)
        r = seal(context);
    if (r < 0) {
        for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
            if (additions[kind].block)
                msim_mem_free(&store->allocator, additions[kind].block,
                              additions[kind].block->size);
        return r;
    }
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        for (size_t i = 0; i < tables[kind]->row_count; i++)
            add_row(store, &additions[kind], i);
    store->pushes++;
    snprintf(store->stamp, sizeof store->stamp, "%s", stamp);
    return MSIM_OK;
}

void msim_group_join(struct msim_group *sum, const struct msim_group *group)
{
    sum->trades += group->trades;
    sum->buys += group->buys;
    sum->sells += group->sells;
    sum->winners += group->winners;
    sum->losers += group->losers;
    sum->points += group->points;
    msim_exact_join(&sum->quantity, &group->quantity);
    msim_exact_join(&sum->profit, &group->profit);
    msim_exact_join(&sum->volume, &group->volume);
}

/* ---- what was kept before ---- */

int msim_store_load(struct msim_store *store, enum msim_table_kind kind,
                    const struct msim_store_loaded *loaded)
{
    struct msim_ring *ring = &store->rings[kind];
    struct msim_row row = {.json_length = (uint32_t)loaded->json_length};

    if (loaded->json_length > UINT32_MAX)
        return MSIM_ERR_LIMIT;
    int r = name_take(store, loaded->symbol, loaded->symbol_length, &row.symbol);
    if (r >= 0)
        r = name_take(store, loaded->strategy, loaded->strategy_length, &row.strategy);
    if (r >= 0)
        r = name_take(store, loaded->side, loaded->side_length, &row.side);
    if (r >= 0)
        r = ring_grow(store, ring, ring->count + 1);
    if (r < 0)
        return r;
    row.block = msim_mem_take(&store->allocator, sizeof *row.block + loaded->json_length);
    if (!row.block)
        return MSIM_ERR_NOMEM;
    *row.block = (struct msim_block){1, sizeof *row.block + loaded->json_length};
    memcpy(row.block->json, loaded->json, loaded->json_length);
    set_time(&row, loaded->stamp, loaded->stamp_length);
    if (ring->count == ring->capacity)
        row_drop(store, ring);
    ring->rows[(ring->first + ring->count++) % ring->capacity] = row;
    return MSIM_OK;
}

int msim_store_load_group(struct msim_store *store, const char *symbol, size_t symbol_length,
                          const char *strategy, size_t strategy_length,
                          const struct msim_group *sum)
{
    uint32_t symbol_number;
    uint32_t strategy_number;

    int r = name_take(store, symbol, symbol_length, &symbol_number);
    if (r >= 0)
        r = name_take(store, strategy, strategy_length, &strategy_number);
    if (r < 0)
        return r;
    struct msim_group *group = msim_store_group(store, symbol_number, strategy_number);
    if (!group)
        return MSIM_ERR_NOMEM;
    msim_group_join(group, sum);
    return MSIM_OK;
}

/* ---- life ---- */

int msim_store_init(struct msim_store *store, size_t max_rows,
                    const struct msim_allocator *allocator)
{
    uint32_t number;

    memset(store, 0, sizeof *store);
    store->allocator = *allocator;
    store->max_rows = max_rows;
    memcpy(store->stamp, "null", 5);
    int r = index_grow(store, &store->name_index, 0, name_hash);
    if (r >= 0)
        r = name_take(store, "", 0, &number);
    if (r >= 0)
        r = name_take(store, MSIM_STORE_OTHERS, sizeof MSIM_STORE_OTHERS - 1, &number);
    if (r < 0)
        msim_store_finish(store);
    return r;
}

void msim_store_finish(struct msim_store *store)
{
    const struct msim_allocator *allocator = &store->allocator;

    if (!allocator->resize)
        return;
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++) {
        struct msim_ring *ring = &store->rings[kind];
        while (ring->count > 0)
            row_drop(store, ring);
        msim_mem_free(allocator, ring->rows, ring->capacity * sizeof *ring->rows);
    }
    for (size_t i = 0; i < store->name_count; i++)
        msim_mem_free(allocator, store->names[i], strlen(store->names[i]) + 1);
    msim_mem_free(allocator, store->names, store->name_capacity * sizeof(char *));
    msim_mem_free(allocator, store->groups, store->group_capacity * sizeof *store->groups);
    if (store->name_index.slots)
        msim_mem_free(allocator, store->name_index.slots,
                      (store->name_index.mask + 1) * sizeof(uint32_t));
    if (store->group_index.slots)
        msim_mem_free(allocator, store->group_index.slots,
                      (store->group_index.mask + 1) * sizeof(uint32_t));
    memset(store, 0, sizeof *store);
}
