#include "parquet/extras.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"

/* Trades are taken from the cursor this many at a time. */
#define BATCH 256

/* Values that one pull may decode: as in source.c, whoever pulls comes again. */
#define WORK_VALUES 65536

/* The bound on the texts of all trades that are kept; memory is bounded by the data set's. */
#define TEXTS_LIMIT (SIZE_MAX / 4)

struct extras {
    struct extra_windows windows;
    char **names;
    struct msim_source inner;
    struct msim_record batch[BATCH]; /* from the cursor; without their columns yet from `at` on */
    size_t at;
    size_t count;
    /* The trades given last: a ring of their cells, and their texts, the oldest in front. */
    struct extra_cell *cells; /* MSIM_SOURCE_EXTRAS_KEPT x columns */
    uint64_t ends[MSIM_SOURCE_EXTRAS_KEPT];
    struct msim_bytes texts;
    uint64_t taken; /* bytes that have left `texts` */
    uint64_t next;  /* sequence number of the next trade */
    int failure;    /* final: told when the good trades before it have been given */
    struct msim_detail failure_detail;
};

/* ---- what is kept ---- */

static void forget_oldest(struct extras *extras)
{
    if (extras->next < MSIM_SOURCE_EXTRAS_KEPT)
        return;
    uint64_t end = extras->ends[extras->next % MSIM_SOURCE_EXTRAS_KEPT];
    msim_bytes_take(&extras->texts, (size_t)(end - extras->taken));
    extras->taken = end;
}

static int keep(struct extras *extras, const struct extra_cell *cells, const unsigned char *texts)
{
    size_t columns = extras->windows.column_count;
    size_t slot = (size_t)(extras->next % MSIM_SOURCE_EXTRAS_KEPT);
    struct extra_cell *kept = extras->cells + slot * columns;

    forget_oldest(extras);
    for (size_t i = 0; i < columns; i++) {
        kept[i] = cells[i];
        if (cells[i].kind == MSIM_EXTRA_TIME || cells[i].length == 0)
            continue;
        kept[i].at = (int64_t)(extras->taken + msim_bytes_length(&extras->texts));
        int r = msim_bytes_append(&extras->texts, texts + cells[i].at, cells[i].length);
        if (r < 0)
            return r;
    }
    extras->ends[slot] = extras->taken + msim_bytes_length(&extras->texts);
    extras->next++;
    return MSIM_OK;
}

static const char *const *extras_names(void *self, size_t *count)
{
    const struct extras *extras = self;

    *count = extras->windows.column_count;
    return (const char *const *)extras->names;
}

static int extras_values(void *self, const struct msim_record *trade, struct msim_extra *values)
{
    const struct extras *extras = self;
    size_t columns = extras->windows.column_count;

    if (trade->sequence >= extras->next || extras->next - trade->sequence > MSIM_SOURCE_EXTRAS_KEPT)
        return MSIM_ERR_NOT_FOUND;
    const struct extra_cell *cells =
        extras->cells + trade->sequence % MSIM_SOURCE_EXTRAS_KEPT * columns;
    const char *texts = (const char *)msim_bytes_front(&extras->texts);
    for (size_t i = 0; i < columns; i++) {
        enum msim_extra_kind kind = (enum msim_extra_kind)cells[i].kind;
        bool has_text = kind == MSIM_EXTRA_BARE || kind == MSIM_EXTRA_TEXT;
        values[i] = (struct msim_extra){.kind = kind, .text = ""};
        if (has_text && cells[i].length > 0)
            values[i].text = texts + ((uint64_t)cells[i].at - extras->taken);
        values[i].length = has_text ? cells[i].length : 0;
        values[i].time = kind == MSIM_EXTRA_TIME ? cells[i].at : 0;
    }
    return MSIM_OK;
}

/* ---- a source's functions ---- */

static int refill(struct extras *extras, size_t capacity, struct msim_detail *detail)
{
    size_t count = 0;

    int r = msim_source_pull(&extras->inner, extras->batch, capacity < BATCH ? capacity : BATCH,
                             &count, detail);
    extras->at = 0;
    extras->count = r == MSIM_PULL_RECORD ? count : 0;
    return r;
}

/* Finds the columns of the next trade: 1 when it is ready. */
static int ready(struct extras *extras, int64_t *work, struct msim_detail *detail)
{
    const struct extra_cell *cells;
    const unsigned char *texts;

    const struct msim_record *trade = &extras->batch[extras->at];
    int r = msim_extra_windows_find(&extras->windows, trade->time, trade->as.trade.row, &cells,
                                    &texts, work, detail);
    if (r <= 0)
        return r;
    r = keep(extras, cells, texts);
    return r < 0 ? msim_detail_set(detail, r, "further columns of a trade: %s", msim_result_text(r))
                 : 1;
}

static int fail(struct extras *extras, int r)
{
    struct msim_detail *detail = &extras->failure_detail;

    extras->failure = msim_budget_blame(&extras->windows.parquet->budget, r, detail);
    return extras->failure;
}

static int extras_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                       struct msim_detail *detail)
{
    struct extras *extras = self;
    int64_t work = WORK_VALUES;
    size_t given = 0;

    if (extras->failure >= 0 && extras->at == extras->count) {
        int r = refill(extras, capacity, detail);
        if (r != MSIM_PULL_RECORD)
            return r;
    }
    while (extras->failure >= 0 && given < capacity && extras->at < extras->count) {
        int r = ready(extras, &work, &extras->failure_detail);
        if (r < 0)
            fail(extras, r);
        if (r <= 0)
            break;
        records[given] = extras->batch[extras->at++];
        records[given++].sequence = extras->next - 1;
    }
    if (given > 0) {
        *count = given;
        return MSIM_PULL_RECORD;
    }
    if (extras->failure < 0)
        return msim_detail_set(detail, extras->failure, "%s", extras->failure_detail.text);
    return MSIM_PULL_EMPTY;
}

static msim_time extras_next_due(void *self)
{
    struct extras *extras = self;

    if (extras->failure < 0)
        return INT64_MIN;
    return extras->at < extras->count ? extras->batch[extras->at].time
                                      : msim_source_next_due(&extras->inner);
}

static const char *extras_symbol(void *self, uint32_t id, size_t *length)
{
    struct extras *extras = self;

    return msim_source_symbol(&extras->inner, id, length);
}

static void extras_release(void *self)
{
    struct extras *extras = self;
    struct msim_allocator allocator = extras->windows.parquet->allocator;

    msim_bytes_finish(&extras->texts);
    if (extras->cells)
        msim_mem_free(&allocator, extras->cells,
                      MSIM_SOURCE_EXTRAS_KEPT * (extras->windows.column_count + 1) *
                          sizeof *extras->cells);
    msim_extra_names_free(&extras->windows, extras->names);
    msim_extra_windows_finish(&extras->windows);
    msim_source_release(&extras->inner);
    msim_mem_free(&allocator, extras, sizeof *extras);
}

static const struct msim_source_ops extras_ops = {
    .pull = extras_pull,
    .next_due = extras_next_due,
    .symbol = extras_symbol,
    .release = extras_release,
    .extra_names = extras_names,
    .extras = extras_values,
};

const struct msim_source *msim_extras_inside(const struct msim_source *source)
{
    if (source->ops != &extras_ops)
        return source;
    const struct extras *extras = source->self;
    return &extras->inner;
}

int msim_extras_moved(struct msim_source *source, struct msim_detail *detail)
{
    if (source->ops != &extras_ops)
        return MSIM_OK;
    struct extras *extras = source->self;
    if (extras->failure < 0)
        return msim_detail_set(detail, extras->failure, "%s", extras->failure_detail.text);
    extras->at = extras->count = 0;
    msim_extra_windows_moved(&extras->windows);
    return MSIM_OK;
}

/* ---- opening ---- */

static int check(const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    if (params->extra_column_count > 0 && (!params->extra_columns || params->all_extra_columns))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "further columns are either named or all of them");
    for (size_t i = 0; i < params->extra_column_count; i++)
        if (!params->extra_columns[i])
            return msim_detail_set(detail, MSIM_ERR_INVALID, "further column %zu is NULL", i);
    return MSIM_OK;
}

static int make_cells(struct extras *extras, struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &extras->windows.parquet->allocator;

    msim_bytes_init(&extras->texts, TEXTS_LIMIT, allocator);
    extras->cells = msim_mem_zero_array(allocator, extras->windows.column_count + 1,
                                        MSIM_SOURCE_EXTRAS_KEPT * sizeof *extras->cells);
    int r = extras->cells ? msim_extra_windows_init(&extras->windows) : MSIM_ERR_NOMEM;
    return r < 0 ? msim_detail_set(detail, r, "no memory for further columns") : r;
}

int msim_extras_add(struct msim_source *source, struct msim_parquet *parquet,
                    const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    int r = check(params, detail);
    if (r < 0)
        return r;
    struct extras *extras = msim_mem_zero(&parquet->allocator, sizeof *extras);
    if (!extras)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for further columns");
    extras->windows.parquet = parquet;
    r = msim_extra_names(&extras->windows, &extras->names, params, detail);
    if (r >= 0 && extras->windows.column_count > 0)
        r = make_cells(extras, detail);
    if (r < 0 || extras->windows.column_count == 0) {
        extras_release(extras);
        return r;
    }
    extras->inner = *source;
    *source = (struct msim_source){.ops = &extras_ops, .self = extras};
    return MSIM_OK;
}
