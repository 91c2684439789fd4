#include "parquet/extra_store.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/order.h"

/* A piece takes at most this part of what the data set may take, and no more than so much. */
#define PART_OF_MEMORY 16
#define PIECE_BYTES_MOST ((size_t)16 << 20)
/* Records are written this many bytes at a time, or as many as a record has. */
#define WRITE_SIZE ((size_t)64 << 10)
/* So many that nobody has are kept, since somebody may come again: each is an open file. */
#define KEPT 16
/* The bound on the records of a piece: that of one, since a piece ends with whatever fills it. */
#define RECORDS_LIMIT ((size_t)1 << 31)

/* A record of the piece at hand. */
struct extra_place {
    msim_time time;
    size_t at;
    size_t length;
};

/* What sorting takes for each beside its record. */
#define PLACE_BYTES (sizeof(struct extra_place) + sizeof(uint32_t) + MSIM_ORDER_ROW_BYTES)

struct extra_making {
    struct extra_windows windows; /* one at a time, in the order of the rows */
    size_t group;
    uint64_t row; /* of the group: the first of the times */
    struct msim_reader reader;
    struct msim_column time_column;
    bool is_open;
    msim_time times[MSIM_COLUMN_BATCH];
    uint8_t flags[MSIM_COLUMN_BATCH];
    size_t at;
    size_t count;
    /* The piece. */
    size_t piece_bytes;
    uint64_t first_row;
    struct msim_bytes records;
    struct extra_place *places;
    size_t place_count;
    size_t place_capacity;
    struct msim_bytes out;
};

static int out_of_memory(struct msim_detail *detail)
{
    return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory to sort further columns");
}

/* ---- beginning and end ---- */

static void close_group(struct extra_making *making)
{
    msim_column_close(&making->time_column);
    making->is_open = false;
    making->at = making->count = 0;
    making->row = 0;
}

static void free_making(struct extra_store *store, struct msim_parquet *parquet)
{
    struct extra_making *making = store->making;

    if (!making)
        return;
    store->making = NULL;
    close_group(making);
    msim_reader_finish(&making->reader);
    msim_extra_windows_finish(&making->windows);
    msim_bytes_finish(&making->records);
    msim_bytes_finish(&making->out);
    msim_mem_free(&parquet->allocator, making->places,
                  making->place_capacity * sizeof *making->places);
    msim_mem_free(&parquet->allocator, making, sizeof *making);
}

static void let_go(struct extra_store *store, struct msim_parquet *parquet)
{
    const struct msim_allocator *allocator = &parquet->allocator;

    free_making(store, parquet);
    if (store->file)
        parquet->temporary.ops->close(store->file);
    msim_mem_free(allocator, store->pieces, store->piece_capacity * sizeof *store->pieces);
    msim_mem_free(allocator, store->leaves, store->leaf_count * sizeof *store->leaves);
    msim_mem_free(allocator, store, sizeof *store);
}

static int begin(struct extra_store *store, struct msim_parquet *parquet,
                 struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &parquet->allocator;
    struct extra_making *making = msim_mem_zero(allocator, sizeof *making);
    size_t part = parquet->budget.limit / PART_OF_MEMORY;

    if (!making)
        return out_of_memory(detail);
    store->making = making;
    making->group = store->leader;
    making->piece_bytes = part < PIECE_BYTES_MOST ? part : PIECE_BYTES_MOST;
    msim_reader_init(&making->reader, &parquet->crc, allocator);
    msim_bytes_init(&making->records, RECORDS_LIMIT, allocator);
    msim_bytes_init(&making->out, RECORDS_LIMIT, allocator);
    making->windows.parquet = parquet;
    making->windows.is_making = true;
    making->windows.leaves =
        msim_mem_take_array(allocator, store->leaf_count, sizeof *store->leaves);
    if (!making->windows.leaves)
        return out_of_memory(detail);
    memcpy(making->windows.leaves, store->leaves, store->leaf_count * sizeof *store->leaves);
    making->windows.leaf_count = store->leaf_count;
    making->windows.column_count = (store->leaf_count - 1) / parquet->file_count;
    if (msim_extra_windows_init(&making->windows) < 0)
        return out_of_memory(detail);
    return parquet->temporary.ops->create(parquet->temporary.self, &store->file, detail);
}

/* ---- writing a piece ---- */

static int write_out(struct extra_store *store, const struct msim_parquet *parquet,
                     struct msim_detail *detail)
{
    struct msim_bytes *out = &store->making->out;
    size_t length = msim_bytes_length(out);

    if (length == 0)
        return MSIM_OK;
    int r = parquet->temporary.ops->append(store->file, msim_bytes_front(out), length, detail);
    if (r < 0)
        return r;
    msim_bytes_take(out, length);
    store->length += length;
    return MSIM_OK;
}

static int write_sorted(struct extra_store *store, const struct msim_parquet *parquet,
                        const uint32_t *order, struct msim_detail *detail)
{
    struct extra_making *making = store->making;
    const unsigned char *records = msim_bytes_front(&making->records);

    for (size_t i = 0; i < making->place_count; i++) {
        const struct extra_place *place = &making->places[order[i]];
        int r = MSIM_OK;
        if (msim_bytes_length(&making->out) + place->length > WRITE_SIZE)
            r = write_out(store, parquet, detail);
        if (r >= 0 && msim_bytes_append(&making->out, records + place->at, place->length) < 0)
            r = out_of_memory(detail);
        if (r < 0)
            return r;
    }
    return write_out(store, parquet, detail);
}

static int add_piece(struct extra_store *store, const struct msim_parquet *parquet, uint64_t offset,
                     struct msim_detail *detail)
{
    void *pieces = store->pieces;
    int r =
        msim_mem_grow(&parquet->allocator, &pieces, &store->piece_capacity, sizeof *store->pieces,
                      store->piece_count + 1, SIZE_MAX / sizeof *store->pieces);
    if (r < 0)
        return out_of_memory(detail);
    store->pieces = pieces;
    store->pieces[store->piece_count++] = (struct extra_piece){
        .first_row = store->making->first_row, .offset = offset, .length = store->length - offset};
    return MSIM_OK;
}

static int write_piece(struct extra_store *store, struct msim_parquet *parquet,
                       struct msim_detail *detail)
{
    struct extra_making *making = store->making;
    const struct msim_allocator *allocator = &parquet->allocator;
    const struct order_times times = {.first = &making->places->time,
                                      .stride = sizeof *making->places};
    uint64_t offset = store->length;

    if (making->place_count == 0)
        return MSIM_OK;
    uint32_t *order = msim_mem_take_array(allocator, making->place_count, sizeof *order);
    int r = order ? msim_order(&times, making->place_count, 1, order, allocator) : MSIM_ERR_NOMEM;
    r = r < 0 ? out_of_memory(detail) : write_sorted(store, parquet, order, detail);
    msim_mem_free(allocator, order, making->place_count * sizeof *order);
    if (r < 0)
        return r;
    making->place_count = 0;
    msim_bytes_take(&making->records, msim_bytes_length(&making->records));
    return add_piece(store, parquet, offset, detail);
}

/* ---- a row's record ---- */

static size_t put_cells(unsigned char *to, const struct extra_cell *cells, size_t count,
                        const unsigned char *texts)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        to[at++] = cells[i].kind;
        if (cells[i].kind == MSIM_EXTRA_TIME) {
            msim_store64(to + at, (uint64_t)cells[i].at);
            at += sizeof(uint64_t);
        } else if (cells[i].kind != MSIM_EXTRA_NULL) {
            msim_store32(to + at, cells[i].length);
            at += sizeof(uint32_t);
            memcpy(to + at, texts + cells[i].at, cells[i].length);
            at += cells[i].length;
        }
    }
    return at;
}

static size_t most_of(const struct extra_cell *cells, size_t count)
{
    size_t most = RECORD_HEAD + count * RECORD_CELL_MOST;

    for (size_t i = 0; i < count; i++)
        if (cells[i].kind == MSIM_EXTRA_BARE || cells[i].kind == MSIM_EXTRA_TEXT)
            most += cells[i].length;
    return most;
}

static int add_record(struct extra_making *making, const struct msim_parquet *parquet,
                      msim_time time, uint64_t row, const struct extra_cell *cells,
                      const unsigned char *texts)
{
    size_t columns = making->windows.column_count;
    size_t at = msim_bytes_length(&making->records);
    unsigned char *to;
    void *places = making->places;

    int r = msim_mem_grow(&parquet->allocator, &places, &making->place_capacity,
                          sizeof *making->places, making->place_count + 1, UINT32_MAX);
    if (r < 0)
        return r;
    making->places = places;
    r = msim_bytes_reserve(&making->records, most_of(cells, columns), &to);
    if (r < 0)
        return r;
    size_t body = put_cells(to + RECORD_HEAD, cells, columns, texts);
    msim_store32(to + RECORD_LENGTH, (uint32_t)body);
    msim_store64(to + RECORD_TIME, (uint64_t)time);
    msim_store64(to + RECORD_ROW, row);
    msim_store32(to + RECORD_SUM, msim_crc_of(&parquet->crc, to + RECORD_LENGTH,
                                              RECORD_HEAD - RECORD_LENGTH + body));
    msim_bytes_commit(&making->records, RECORD_HEAD + body);
    if (making->place_count == 0)
        making->first_row = row;
    making->places[making->place_count++] =
        (struct extra_place){.time = time, .at = at, .length = RECORD_HEAD + body};
    return MSIM_OK;
}

/* ---- all rows ---- */

static int open_group(struct extra_making *making, struct msim_parquet *parquet,
                      struct msim_detail *detail)
{
    const struct extra_group *group = &making->windows.groups[making->group];
    const struct trade_file *trades = &parquet->files[group->file];

    int r = msim_parquet_file_check(&trades->file, detail);
    if (r >= 0)
        r = msim_column_open(&making->time_column, &making->reader, &trades->file, &trades->footer,
                             group->group, trades->leaves[FIELD_TIMESTAMP], detail);
    making->is_open = r >= 0;
    return r;
}

/* Makes times stand for the next row of the group: 1, or 0 where it has no more. */
static int read_times(struct extra_making *making, struct msim_parquet *parquet,
                      struct msim_detail *detail)
{
    const struct extra_group *group = &making->windows.groups[making->group];
    const struct footer *footer = &parquet->files[group->file].footer;
    uint64_t rows = (uint64_t)footer->groups[group->group].row_count;
    struct bad_row bad = {0};

    making->row += making->count;
    making->at = making->count = 0;
    if (making->row == rows)
        return 0;
    uint64_t left = rows - making->row;
    size_t want = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
    int r = making->is_open ? MSIM_OK : open_group(making, parquet, detail);
    if (r >= 0)
        r = msim_times_read(&making->time_column, want, making->row, making->times, making->flags,
                            &making->count, &bad, detail);
    return r < 0 ? r : 1;
}

/* The row at hand into the piece: 1, or 0 where `*work` is used up.  Bad ones are no trades. */
static int take_row(struct extra_store *store, struct msim_parquet *parquet, int64_t *work,
                    struct msim_detail *detail)
{
    struct extra_making *making = store->making;
    uint64_t row =
        making->windows.groups[making->group].first_row + making->row + (uint64_t)making->at;
    msim_time time = making->times[making->at];
    const struct extra_cell *cells;
    const unsigned char *texts;

    if (!(making->flags[making->at] & ROW_BAD)) {
        int r = msim_extra_windows_find(&making->windows, time, row, &cells, &texts, work, detail);
        if (r <= 0)
            return r;
        if (add_record(making, parquet, time, row, cells, texts) < 0)
            return out_of_memory(detail);
    } else if (--*work < 0) {
        return 0;
    }
    making->at++;
    size_t held = msim_bytes_length(&making->records) + making->place_count * PLACE_BYTES;
    int r = held < making->piece_bytes ? MSIM_OK : write_piece(store, parquet, detail);
    return r < 0 ? r : 1;
}

static int go_on(struct extra_store *store, struct msim_parquet *parquet, int64_t *work,
                 struct msim_detail *detail)
{
    int r = store->making ? MSIM_OK : begin(store, parquet, detail);
    struct extra_making *making = store->making;

    while (r >= 0 && making->group < making->windows.group_count) {
        if (making->windows.groups[making->group].leader != store->leader) {
            making->group++;
            continue;
        }
        r = making->at < making->count ? 1 : read_times(making, parquet, detail);
        if (r > 0) {
            r = take_row(store, parquet, work, detail);
            if (r == 0)
                return 0;
        } else if (r == 0) {
            close_group(making);
            making->group++;
        }
    }
    if (r >= 0)
        r = write_piece(store, parquet, detail);
    return r < 0 ? r : 1;
}

int msim_extra_store_work(struct extra_store *store, struct msim_parquet *parquet, int64_t *work,
                          struct msim_detail *detail)
{
    struct msim_budget *budget = &parquet->budget;

    if (store->is_ready || store->is_declined)
        return 1;
    int r = store->failure;
    if (r >= 0) {
        bool refused = budget->refused;
        budget->refused = false;
        r = go_on(store, parquet, work, &store->detail);
        /* What memory does not hold can be decoded again instead. */
        store->is_declined = r == MSIM_ERR_NOMEM && budget->refused;
        budget->refused = refused;
        if (r == 0)
            return 0;
        store->is_ready = r > 0;
        store->failure = r < 0 && !store->is_declined ? r : MSIM_OK;
        free_making(store, parquet);
        if (store->is_declined)
            return 1;
    }
    return r < 0 ? msim_detail_set(detail, r, "%s", store->detail.text) : 1;
}

/* ---- who has them ---- */

static struct extra_store *find(const struct extra_windows *windows, size_t leader)
{
    struct extra_store *store = windows->parquet->extra_stores;

    while (store && (store->leader != leader || store->leaf_count != windows->leaf_count ||
                     memcmp(store->leaves, windows->leaves,
                            windows->leaf_count * sizeof *windows->leaves) != 0))
        store = store->next;
    return store;
}

bool msim_extra_store_stands(const struct extra_windows *windows, size_t leader)
{
    return find(windows, leader) != NULL;
}

static struct extra_store *make(const struct extra_windows *windows, size_t leader)
{
    struct msim_parquet *parquet = windows->parquet;
    struct extra_store *store = msim_mem_zero(&parquet->allocator, sizeof *store);

    if (!store)
        return NULL;
    store->leaves =
        msim_mem_take_array(&parquet->allocator, windows->leaf_count, sizeof *store->leaves);
    if (!store->leaves) {
        msim_mem_free(&parquet->allocator, store, sizeof *store);
        return NULL;
    }
    memcpy(store->leaves, windows->leaves, windows->leaf_count * sizeof *store->leaves);
    store->leaf_count = windows->leaf_count;
    store->leader = leader;
    store->next = parquet->extra_stores;
    parquet->extra_stores = store;
    return store;
}

int msim_extra_store_join(struct extra_store **out, const struct extra_windows *windows,
                          size_t leader, struct msim_detail *detail)
{
    struct extra_store *store = find(windows, leader);

    if (!store)
        store = make(windows, leader);
    if (!store)
        return out_of_memory(detail);
    store->users++;
    *out = store;
    return MSIM_OK;
}

static void drop(struct extra_store *store, struct msim_parquet *parquet)
{
    struct extra_store **link = &parquet->extra_stores;

    while (*link != store)
        link = &(*link)->next;
    *link = store->next;
    let_go(store, parquet);
}

static size_t count_unused(const struct msim_parquet *parquet)
{
    size_t count = 0;

    for (const struct extra_store *store = parquet->extra_stores; store; store = store->next)
        count += store->users == 0;
    return count;
}

void msim_extra_store_leave(struct extra_store **pointer, struct msim_parquet *parquet)
{
    struct extra_store *store = *pointer;

    *pointer = NULL;
    if (!store || --store->users > 0)
        return;
    if (!store->is_ready || count_unused(parquet) > KEPT)
        drop(store, parquet);
}

void msim_extra_stores_finish(struct msim_parquet *parquet)
{
    while (parquet->extra_stores)
        drop(parquet->extra_stores, parquet);
}
