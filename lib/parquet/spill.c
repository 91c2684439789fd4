#include "parquet/spill.h"

#include <inttypes.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/block.h"
#include "parquet/group.h"
#include "parquet/order.h"
#include "parquet/scan.h"
#include "parquet/spill_io.h"
#include "parquet/tree.h"

/* What sorting a trade takes. */
#define PIECE_TRADE_BYTES (sizeof(struct trade) + sizeof(uint32_t) + MSIM_ORDER_ROW_BYTES)

enum phase {
    PHASE_SORTING,
    PHASE_MERGING,
};

struct spill_work {
    enum phase phase;
    /* Sorting: the groups one after another, into pieces. */
    struct msim_reader reader;
    size_t at; /* of the ranks */
    bool is_open;
    struct group group;
    struct msim_column time_column;
    msim_time times[MSIM_COLUMN_BATCH];
    struct batch batch;
    int64_t unit; /* of all timestamps */
    struct trade *piece;
    uint32_t *order;
    size_t capacity;
    size_t count;
    /* The runs that are there, and what becomes of them. */
    void *from;
    struct spill_run *runs;
    size_t run_count;
    size_t run_capacity;
    struct spill_writer writer;
    /* Merging: runs merged..merging of the list go into run number `next` of it. */
    size_t fan_in;
    size_t next;
    size_t merged;
    size_t merging;
    struct spill_reader *inputs[MSIM_SPILL_FAN_IN];
    struct tree tree;
    struct tree_key keys[MSIM_SPILL_FAN_IN];
    uint32_t losers[2 * MSIM_SPILL_FAN_IN];
};

static uint64_t in_mebibytes(uint64_t bytes)
{
    return (bytes + ((1 << 20) - 1)) >> 20;
}

static int out_of_memory(struct msim_detail *detail)
{
    return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory to sort what does not fit in memory");
}

static int too_little(const struct msim_parquet *parquet, uint64_t more, struct msim_detail *detail)
{
    return msim_detail_set(detail, MSIM_ERR_LIMIT,
                           "merging what was sorted needs %" PRIu64
                           " MiB at least, and %zu MiB of memory may be "
                           "used: raise memory (--memory)",
                           in_mebibytes(parquet->budget.used + more), parquet->budget.limit >> 20);
}

/* The place is that of the largest page in the group whose pages take most. */
static int too_large(const struct msim_parquet *parquet, uint32_t rank, uint64_t more,
                     struct msim_detail *detail)
{
    const struct zone *zone = &parquet->zones[rank];
    const struct trade_file *trades = msim_zone_file(parquet, rank);
    struct place place = msim_zone_place(parquet, rank);

    place.column = trades->footer.leaves[trades->leaves[zone->large_field]].name;
    place.page = zone->large_page;
    return msim_place_fail(&place, detail, MSIM_ERR_LIMIT,
                           "sorting its rows beside pages as large as this one needs %" PRIu64
                           " MiB at least, and %zu MiB of memory may be used: raise memory "
                           "(--memory), or write the file with smaller pages",
                           in_mebibytes(parquet->budget.used + more), parquet->budget.limit >> 20);
}

/* ---- beginning and end ---- */

/* The next one's buffers are as large as its own pages: those of this one, handed from a column to
 * another, would come on top of what was reckoned with. */
static void close_group(struct spill_work *work)
{
    msim_column_close(&work->time_column);
    msim_group_close(&work->group);
    msim_reader_trim(&work->reader);
    work->is_open = false;
}

static void free_piece(struct spill_work *work, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, work->piece, work->capacity * sizeof *work->piece);
    msim_mem_free(allocator, work->order, work->capacity * sizeof *work->order);
    work->piece = NULL;
    work->order = NULL;
}

static void close_inputs(struct spill_work *work)
{
    for (size_t i = 0; i < MSIM_SPILL_FAN_IN; i++)
        msim_spill_leave(&work->inputs[i]);
}

static void free_work(struct spill *spill, struct msim_parquet *parquet)
{
    struct spill_work *work = spill->work;
    const struct msim_allocator *allocator = &parquet->allocator;

    if (!work)
        return;
    spill->work = NULL;
    close_group(work);
    close_inputs(work);
    msim_reader_finish(&work->reader);
    free_piece(work, allocator);
    if (work->from)
        parquet->temporary.ops->close(work->from);
    if (work->writer.file)
        parquet->temporary.ops->close(work->writer.file);
    msim_mem_free(allocator, work->runs, work->run_capacity * sizeof *work->runs);
    msim_mem_free(allocator, work, sizeof *work);
}

void msim_spill_finish(struct spill *spill, struct msim_parquet *parquet)
{
    free_work(spill, parquet);
    if (spill->file)
        parquet->temporary.ops->close(spill->file);
    msim_mem_free(&parquet->allocator, spill->ranks, spill->rank_count * sizeof *spill->ranks);
    msim_mem_free(&parquet->allocator, spill->marks, spill->mark_capacity * sizeof *spill->marks);
    *spill = (struct spill){0};
}

/* One unit for all, or nanoseconds. */
static int64_t common_unit(const struct spill *spill, const struct msim_parquet *parquet)
{
    int64_t unit = msim_zone_unit(parquet, spill->ranks[0]);

    for (size_t i = 1; i < spill->rank_count; i++)
        if (msim_zone_unit(parquet, spill->ranks[i]) != unit)
            return 1;
    return unit;
}

/* What decoding takes for any group of these ranks; NULL: for any group whose pages were measured.
 */
static uint64_t decoding_bytes(const struct msim_parquet *parquet, const uint32_t *ranks,
                               size_t count, uint32_t *largest)
{
    uint64_t most = 0;

    *largest = ranks ? ranks[0] : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t rank = ranks ? ranks[i] : (uint32_t)i;
        if (parquet->zones[rank].page_bytes <= most)
            continue;
        most = parquet->zones[rank].page_bytes;
        *largest = rank;
    }
    return most + FIELD_COUNT * MSIM_COLUMN_BYTES;
}

/* What would do for this and for all other groups that are sorted so: beside the two that are open
 * where one ends and the next one begins, if some are read as they stand. */
static int refuse_piece(const struct msim_parquet *parquet, struct msim_detail *detail)
{
    uint32_t largest;
    uint64_t decoding = decoding_bytes(parquet, NULL, parquet->zone_count, &largest);
    uint64_t piece = (MSIM_SPILL_PIECE_MIN + MSIM_COLUMN_BATCH) * PIECE_TRADE_BYTES;
    uint64_t rows = 0;

    for (size_t i = 0; i < parquet->spill_count; i++)
        rows += parquet->spills[i].rows;
    uint64_t others = rows < parquet->info.rows ? 2 * decoding : 0;
    uint64_t beside = parquet->budget.used < others ? others - parquet->budget.used : 0;
    return too_large(parquet, largest, beside + decoding + piece, detail);
}

/* As much room for a piece as memory allows beside what decoding takes. */
static int make_piece(struct spill *spill, struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    uint32_t largest;
    uint64_t decoding = decoding_bytes(parquet, spill->ranks, spill->rank_count, &largest);
    size_t least = spill->rows < MSIM_SPILL_PIECE_MIN ? (size_t)spill->rows : MSIM_SPILL_PIECE_MIN;
    size_t left = msim_budget_left(&parquet->budget);
    if (decoding + (least + MSIM_COLUMN_BATCH) * PIECE_TRADE_BYTES > left)
        return refuse_piece(parquet, detail);
    size_t most = (left - (size_t)decoding) / PIECE_TRADE_BYTES;
    /* A part of it stays free, for the names and for cursors in other groups. */
    most -= most / 8;
    if (most > MSIM_SPILL_PIECE)
        most = MSIM_SPILL_PIECE;
    if (most > spill->rows + MSIM_COLUMN_BATCH)
        most = (size_t)spill->rows + MSIM_COLUMN_BATCH;
    if (most < least + MSIM_COLUMN_BATCH)
        most = least + MSIM_COLUMN_BATCH;
    work->capacity = most;
    work->piece = msim_mem_take_array(&parquet->allocator, most, sizeof *work->piece);
    work->order = msim_mem_take_array(&parquet->allocator, most, sizeof *work->order);
    return work->piece && work->order ? MSIM_OK : out_of_memory(detail);
}

static int begin(struct spill *spill, struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct spill_work *work = msim_mem_zero(&parquet->allocator, sizeof *work);

    if (!work)
        return out_of_memory(detail);
    spill->work = work;
    work->unit = common_unit(spill, parquet);
    msim_reader_init(&work->reader, &parquet->crc, &parquet->allocator);
    int r = make_piece(spill, parquet, detail);
    if (r >= 0)
        r = msim_spill_writer_open(&work->writer, spill, parquet, detail);
    return r;
}

/* ---- sorting ---- */

static int add_run(struct spill_work *work, const struct msim_parquet *parquet,
                   struct spill_run run, struct msim_detail *detail)
{
    void *runs = work->runs;
    int r = msim_mem_grow(&parquet->allocator, &runs, &work->run_capacity, sizeof *work->runs,
                          work->run_count + 1, SIZE_MAX / sizeof *work->runs);
    if (r < 0)
        return out_of_memory(detail);
    work->runs = runs;
    work->runs[work->run_count++] = run;
    return MSIM_OK;
}

/*
 * So many of the piece are sorted at once as there is memory for.  What sorting takes was left free
 * when the piece was made, but decoding may stand there by now with pages that came later.
 */
static size_t sorted_at_once(struct spill_work *work, const struct msim_parquet *parquet)
{
    const struct msim_budget *budget = &parquet->budget;
    size_t count = work->count;

    if (count > msim_budget_left(budget) / MSIM_ORDER_ROW_BYTES)
        msim_reader_trim(&work->reader);
    while (count > MSIM_SPILL_PIECE_MIN && count > msim_budget_left(budget) / MSIM_ORDER_ROW_BYTES)
        count -= count / 2;
    return count;
}

/* Trades of the piece from `first` on as a run. */
static int write_run(struct spill_work *work, struct msim_parquet *parquet, size_t first,
                     size_t count, struct msim_detail *detail)
{
    const struct trade *trades = work->piece + first;
    const struct order_times times = {.first = &trades->time, .stride = sizeof *trades};
    struct spill_run run;

    int r = msim_order(&times, count, work->unit, work->order, &parquet->allocator);
    if (r < 0)
        return out_of_memory(detail);
    msim_spill_writer_begin(&work->writer, work->run_count == 0);
    for (size_t i = 0; i < count && r >= 0; i++)
        r = msim_spill_writer_put(&work->writer, &trades[work->order[i]], detail);
    if (r >= 0)
        r = msim_spill_writer_end(&work->writer, &run, detail);
    return r < 0 ? r : add_run(work, parquet, run, detail);
}

static int write_piece(struct spill *spill, struct msim_parquet *parquet,
                       struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    size_t most = sorted_at_once(work, parquet);
    int r = MSIM_OK;

    for (size_t first = 0; first < work->count && r >= 0; first += most) {
        size_t left = work->count - first;
        r = write_run(work, parquet, first, left < most ? left : most, detail);
    }
    work->count = 0;
    return r;
}

static int open_group(struct spill *spill, struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    uint32_t rank = spill->ranks[work->at];
    const struct trade_file *trades = msim_zone_file(parquet, rank);

    int r = msim_parquet_file_check(&trades->file, detail);
    if (r < 0)
        return r;
    work->is_open = true;
    r = msim_group_open(&work->group, parquet, &work->reader, rank, detail);
    if (r >= 0)
        r = msim_column_open(&work->time_column, &work->reader, &trades->file, &trades->footer,
                             parquet->zones[rank].group, trades->leaves[FIELD_TIMESTAMP], detail);
    return r;
}

static void take_batch(struct spill *spill, size_t count, uint64_t first_row)
{
    struct spill_work *work = spill->work;
    const struct column_rows rows = {.times = work->times, .first_row = first_row};
    const struct columns columns = msim_group_columns(&work->group, &work->batch);
    bool vary = msim_columns_vary(&columns);
    size_t good = work->count;

    for (size_t i = 0; i < count; i++) {
        msim_columns_trade(&columns, rows, i, vary, &work->piece[good]);
        good += !(work->batch.flags[i] & ROW_BAD);
    }
    spill->bad_rows += count - (good - work->count);
    work->count = good;
}

/* A batch of the group at hand; `*rows` of it are 0 where it has no more. */
static int read_batch(struct spill *spill, struct msim_parquet *parquet, size_t *rows,
                      struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    struct group *group = &work->group;
    const struct zone *zone = &parquet->zones[group->rank];
    uint64_t first_row = msim_zone_first_row(parquet, group->rank) + group->row;
    uint64_t left = zone->rows - group->row;
    size_t want = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
    const struct columns columns = msim_group_columns(group, &work->batch);
    struct bad_row bad = {0};

    *rows = 0;
    if (want == 0)
        return MSIM_OK;
    int r = msim_times_read(&work->time_column, want, group->row, work->times, work->batch.flags,
                            rows, &bad, detail);
    if (r >= 0)
        r = msim_group_read(group, *rows, &columns, 0, &bad, detail);
    if (r < 0)
        return r;
    if (bad.column && !parquet->skip_bad_rows)
        return msim_scan_refuse(parquet, zone->file, zone->group, &bad, detail);
    take_batch(spill, *rows, first_row);
    return MSIM_OK;
}

static int sort(struct spill *spill, struct msim_parquet *parquet, int64_t *left,
                struct msim_detail *detail)
{
    struct spill_work *work = spill->work;

    while (work->at < spill->rank_count) {
        size_t rows = 0;
        if (*left <= 0)
            return 0;
        int r = work->is_open ? MSIM_OK : open_group(spill, parquet, detail);
        if (r >= 0)
            r = read_batch(spill, parquet, &rows, detail);
        if (r >= 0 && work->count + MSIM_COLUMN_BATCH > work->capacity)
            r = write_piece(spill, parquet, detail);
        if (r < 0)
            return r;
        if (rows == 0) {
            close_group(work);
            work->at++;
        }
        *left -= (int64_t)rows;
    }
    int r = write_piece(spill, parquet, detail);
    return r < 0 ? r : 1;
}

/* ---- merging ---- */

/* The file that was written is read from now on, and another one takes what comes of it. */
static int turn_files(struct spill *spill, struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct spill_work *work = spill->work;

    if (work->from)
        parquet->temporary.ops->close(work->from);
    work->from = work->writer.file;
    work->writer.file = NULL;
    return msim_spill_writer_open(&work->writer, spill, parquet, detail);
}

static int begin_merging(struct spill *spill, struct msim_parquet *parquet,
                         struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    size_t left;

    free_piece(work, &parquet->allocator);
    msim_reader_finish(&work->reader);
    work->phase = PHASE_MERGING;
    left = msim_budget_left(&parquet->budget);
    left -= left / 8;
    work->fan_in = left / msim_spill_reader_bytes();
    if (work->fan_in > MSIM_SPILL_FAN_IN)
        work->fan_in = MSIM_SPILL_FAN_IN;
    if (work->fan_in < 2)
        return too_little(parquet, 3 * msim_spill_reader_bytes(), detail);
    return turn_files(spill, parquet, detail);
}

static void read_key(struct spill_work *work, size_t input)
{
    size_t at, count;
    const struct trade *trades = msim_spill_trades(work->inputs[input], &at, &count);

    work->keys[input] =
        at < count ? (struct tree_key){trades[at].time, trades[at].row} : MSIM_TREE_ENDED;
}

static int open_inputs(struct spill *spill, struct msim_parquet *parquet,
                       struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    size_t left = work->run_count - work->merged;
    size_t inputs = left < work->fan_in ? left : work->fan_in;

    for (size_t i = 0; i < inputs; i++) {
        int r = msim_spill_reader_open(&work->inputs[i], parquet, work->from,
                                       work->runs[work->merged + i], detail);
        if (r < 0)
            return r;
        read_key(work, i);
    }
    work->tree = (struct tree){
        .keys = work->keys, .losers = work->losers, .leaves = msim_tree_leaves((uint32_t)inputs)};
    for (size_t i = inputs; i < work->tree.leaves; i++)
        work->keys[i] = MSIM_TREE_ENDED;
    msim_tree_build(&work->tree);
    work->merging = work->merged + inputs;
    msim_spill_writer_begin(&work->writer, work->merged == 0 && inputs == left);
    return MSIM_OK;
}

/* Trades of the inputs into the run: 1 where they have no more. */
static int merge_inputs(struct spill_work *work, int64_t *left, struct msim_detail *detail)
{
    while (*left > 0) {
        uint32_t first = msim_tree_first(&work->tree);
        struct spill_reader *input = work->inputs[first];
        if (!input)
            return 1;
        const struct trade *trade = msim_spill_reader_take(input);
        if (!trade)
            return 1;
        int r = msim_spill_writer_put(&work->writer, trade, detail);
        if (r >= 0)
            r = msim_spill_reader_fill(input, detail);
        if (r < 0)
            return r;
        read_key(work, first);
        msim_tree_replay(&work->tree);
        --*left;
    }
    return 0;
}

/* The merged run takes the place of those it was made of: 1 where it is the only one. */
static int end_run(struct spill *spill, struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct spill_work *work = spill->work;
    struct spill_run run;

    close_inputs(work);
    int r = msim_spill_writer_end(&work->writer, &run, detail);
    if (r < 0)
        return r;
    work->runs[work->next++] = run;
    work->merged = work->merging;
    if (work->merged < work->run_count)
        return 0;
    work->run_count = work->next;
    work->merged = work->merging = work->next = 0;
    if (work->run_count == 1)
        return 1;
    return turn_files(spill, parquet, detail);
}

static int merge(struct spill *spill, struct msim_parquet *parquet, int64_t *left,
                 struct msim_detail *detail)
{
    struct spill_work *work = spill->work;

    while (*left > 0) {
        int r = work->merging > work->merged ? MSIM_OK : open_inputs(spill, parquet, detail);
        if (r >= 0)
            r = merge_inputs(work, left, detail);
        if (r > 0)
            r = end_run(spill, parquet, detail);
        if (r != 0)
            return r;
    }
    return 0;
}

/* ---- the work ---- */

uint64_t msim_spill_most(const struct spill *spill)
{
    uint64_t blocks = spill->rows / MSIM_BLOCK_TRADES + spill->rows / MSIM_SPILL_PIECE_MIN + 2;

    return 2 * (spill->rows * sizeof(struct trade) + blocks * MSIM_BLOCK_HEAD);
}

static int go_on(struct spill *spill, struct msim_parquet *parquet, int64_t *left,
                 struct msim_detail *detail)
{
    int r = spill->work ? MSIM_OK : begin(spill, parquet, detail);

    if (r >= 0 && spill->work->phase == PHASE_SORTING) {
        r = sort(spill, parquet, left, detail);
        if (r <= 0)
            return r;
        if (spill->work->run_count <= 1)
            return 1;
        r = begin_merging(spill, parquet, detail);
    }
    return r < 0 ? r : merge(spill, parquet, left, detail);
}

int msim_spill_work(struct spill *spill, struct msim_parquet *parquet, int64_t *left,
                    struct msim_detail *detail)
{
    if (spill->is_ready)
        return 1;
    int r = spill->failure;
    if (r >= 0) {
        r = go_on(spill, parquet, left, &spill->detail);
        if (r == 0)
            return 0;
        if (r > 0) {
            struct spill_work *work = spill->work;
            spill->file = work->writer.file;
            work->writer.file = NULL;
            spill->run = work->run_count > 0 ? work->runs[0] : (struct spill_run){0, 0};
            spill->is_ready = true;
        }
        spill->failure = r < 0 ? r : MSIM_OK;
        free_work(spill, parquet);
    }
    return r < 0 ? msim_detail_set(detail, r, "%s", spill->detail.text) : 1;
}

int msim_spill_read(struct spill_reader **out, const struct spill *spill,
                    struct msim_parquet *parquet, msim_time from, struct msim_detail *detail)
{
    struct spill_run run = spill->run;
    size_t low = 0, high = spill->mark_count;

    /* The last mark before the moment: trades of equal times may stand on both sides of one. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spill->marks[middle].time < from)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0) {
        uint64_t passed = spill->marks[low - 1].offset - run.offset;
        run.offset += passed;
        run.length -= passed;
    }
    int r = msim_spill_reader_open(out, parquet, spill->file, run, detail);
    return r < 0 ? r : msim_spill_reader_pass(*out, from, detail);
}
