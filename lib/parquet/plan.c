#include "parquet/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/group.h"
#include "parquet/held.h"
#include "parquet/order.h"
#include "parquet/run.h"
#include "parquet/scan.h"

/* What a cursor takes beside the groups that it has open: a part of the bound is left for it. */
#define LEFT_FREE 16

/* ---- the order of the groups ---- */

struct planned {
    msim_time min;
    uint32_t rank;
};

static int by_min_and_rank(const void *a, const void *b)
{
    const struct planned *x = a;
    const struct planned *y = b;

    if (x->min != y->min)
        return x->min < y->min ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int order_groups(struct msim_parquet *parquet)
{
    size_t count = parquet->zone_count;
    struct planned *planned = msim_mem_take_array(&parquet->allocator, count, sizeof *planned);

    if (!planned)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        planned[i] = (struct planned){.min = parquet->zones[i].min, .rank = (uint32_t)i};
    qsort(planned, count, sizeof *planned, by_min_and_rank);
    for (size_t i = 0; i < count; i++)
        parquet->plan[i] = planned[i].rank;
    msim_mem_free(&parquet->allocator, planned, count * sizeof *planned);
    return MSIM_OK;
}

/* ---- what a group takes ---- */

static const struct zone *planned_zone(const struct msim_parquet *parquet, size_t place)
{
    return &parquet->zones[parquet->plan[place]];
}

/* For the columns of one cursor in the group; at most, where its pages were not measured. */
static uint64_t stream_bytes(const struct msim_parquet *parquet, const struct zone *zone)
{
    const struct trade_file *trades = &parquet->files[zone->file];
    uint64_t kept = zone->rows < MSIM_RUN_KEPT_ROWS ? zone->rows : MSIM_RUN_KEPT_ROWS;
    uint64_t bytes = sizeof(struct run) + sizeof(struct batch) + kept * sizeof(msim_time) +
                     FIELD_COUNT * MSIM_COLUMN_BYTES;

    if (zone->is_measured)
        return bytes + zone->page_bytes;
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (!msim_trade_file_has(trades, (enum trade_field)field))
            continue;
        const struct chunk *chunk =
            msim_footer_chunk(&trades->footer, zone->group, trades->leaves[field]);
        uint64_t stored = chunk->compressed_size > 0 ? (uint64_t)chunk->compressed_size : 0;
        uint64_t whole = chunk->uncompressed_size > 0 ? (uint64_t)chunk->uncompressed_size : 0;
        bytes += stored + 2 * whole;
    }
    return bytes;
}

/* For its rows, if they are held. */
static uint64_t rows_bytes(const struct zone *zone)
{
    return zone->is_measured && !zone->is_unsorted ? 0 : zone->rows * sizeof(struct trade);
}

/* What sorting them takes beside that, for a while. */
static uint64_t sorting_bytes(const struct zone *zone)
{
    return rows_bytes(zone) > 0
               ? zone->rows * (MSIM_HELD_ROW_BYTES - sizeof(struct trade) + MSIM_ORDER_ROW_BYTES)
               : 0;
}

/* ---- how much is open at once ---- */

/* Groups first..end of the plan, whose ranges touch one another's and no other's. */
struct cluster {
    size_t first;
    size_t end;
};

static struct cluster next_cluster(const struct msim_parquet *parquet, size_t first)
{
    struct cluster cluster = {.first = first, .end = first + 1};
    msim_time last = planned_zone(parquet, first)->max;

    while (cluster.end < parquet->zone_count && planned_zone(parquet, cluster.end)->min <= last) {
        msim_time max = planned_zone(parquet, cluster.end)->max;
        last = max > last ? max : last;
        cluster.end++;
    }
    return cluster;
}

struct turn {
    msim_time time;
    bool closes;
    uint64_t bytes;
};

/* A group opens before another one closes at the same moment. */
static int by_time(const void *a, const void *b)
{
    const struct turn *x = a;
    const struct turn *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (int)x->closes - (int)y->closes;
}

static int measure(const struct msim_parquet *parquet, struct cluster cluster, uint64_t *most)
{
    size_t count = 2 * (cluster.end - cluster.first);
    struct turn *turns = msim_mem_take_array(&parquet->allocator, count, sizeof *turns);
    uint64_t sorting = 0, open = 0, largest = 0;

    if (!turns)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < count / 2; i++) {
        const struct zone *zone = planned_zone(parquet, cluster.first + i);
        uint64_t stream = stream_bytes(parquet, zone);
        uint64_t rows = rows_bytes(zone);
        /* Held by all together, or by each of them in columns of its own; the loader has columns
         * as well. */
        bool is_known = zone->is_measured;
        uint64_t bytes = is_known && rows > 0 ? rows : rows + stream * parquet->sources;
        uint64_t work = sorting_bytes(zone) + (rows > 0 ? stream : 0);
        sorting = work > sorting ? work : sorting;
        turns[2 * i] = (struct turn){zone->min, false, bytes};
        turns[2 * i + 1] = (struct turn){zone->max, true, bytes};
    }
    qsort(turns, count, sizeof *turns, by_time);
    for (size_t i = 0; i < count; i++) {
        open = turns[i].closes ? open - turns[i].bytes : open + turns[i].bytes;
        largest = open > largest ? open : largest;
    }
    *most = largest + sorting;
    msim_mem_free(&parquet->allocator, turns, count * sizeof *turns);
    return MSIM_OK;
}

/* ---- a closer look ---- */

/* What a column takes for its largest pages; `*largest` is the size of the group's largest one. */
static int measure_column(const struct trade_file *trades, struct msim_reader *reader,
                          struct zone *zone, enum trade_field field, uint64_t *largest,
                          struct msim_detail *detail)
{
    size_t group = zone->group;
    size_t leaf = trades->leaves[field];
    struct msim_pages pages;
    struct page_head head;
    uint64_t stored = 0, unpacked = 0, dictionary = 0;
    int64_t left = trades->footer.groups[group].row_count;

    int r = msim_pages_open(&pages, reader, &trades->file, &trades->footer, group, leaf, detail);
    if (r < 0)
        return r;
    while (left > 0 && (r = msim_pages_next(&pages, &head, detail)) > 0) {
        uint64_t packed = (uint64_t)head.compressed_size;
        uint64_t whole = (uint64_t)head.uncompressed_size;
        stored = packed > stored ? packed : stored;
        unpacked = whole > unpacked ? whole : unpacked;
        if (packed + whole > *largest) {
            *largest = packed + whole;
            zone->large_page = pages.place.page;
            zone->large_field = field;
        }
        /* The dictionary is kept, with what its values mean beside each. */
        if (head.type == PAGE_DICTIONARY)
            dictionary =
                whole + (uint64_t)head.value_count * (sizeof(struct msim_text) + sizeof(int64_t));
        if (head.type == PAGE_DATA || head.type == PAGE_DATA_V2)
            left -= head.value_count;
        r = msim_pages_pass(&pages, &head, detail);
        if (r < 0)
            break;
    }
    msim_pages_close(&pages);
    zone->page_bytes += stored + unpacked + dictionary;
    return r < 0 ? r : MSIM_OK;
}

static int measure_pages(struct msim_parquet *parquet, struct msim_reader *reader,
                         struct zone *zone, struct msim_detail *detail)
{
    const struct trade_file *trades = &parquet->files[zone->file];
    uint64_t largest = 0;
    int r = MSIM_OK;

    zone->page_bytes = 0;
    for (int field = 0; field < FIELD_COUNT && r >= 0; field++)
        if (msim_trade_file_has(trades, (enum trade_field)field))
            r = measure_column(trades, reader, zone, (enum trade_field)field, &largest, detail);
    return r;
}

int msim_plan_measure_pages(struct msim_parquet *parquet, uint32_t rank, struct msim_detail *detail)
{
    struct zone *zone = &parquet->zones[rank];
    struct msim_reader reader;

    if (zone->page_bytes > 0)
        return MSIM_OK;
    msim_reader_init(&reader, &parquet->crc, &parquet->allocator);
    int r = measure_pages(parquet, &reader, zone, detail);
    msim_reader_finish(&reader);
    return r;
}

static int look_at(struct msim_parquet *parquet, struct msim_reader *reader, struct zone *zone,
                   struct msim_detail *detail)
{
    struct scan scan;

    int r = measure_pages(parquet, reader, zone, detail);
    if (r < 0)
        return r;
    r = msim_scan(&scan, parquet, reader, zone->file, zone->group, detail);
    if (r < 0)
        return r;
    zone->is_measured = zone->is_found = true;
    zone->is_unsorted = !scan.sorted;
    zone->min = scan.good > 0 ? scan.min : INT64_MIN;
    zone->max = scan.max;
    return MSIM_OK;
}

/* Looks at the groups of the cluster that were not looked at yet; 1 where there was one. */
static int look_closer(struct msim_parquet *parquet, struct msim_reader *reader,
                       struct cluster cluster, struct msim_detail *detail)
{
    int looked = 0;

    for (size_t i = cluster.first; i < cluster.end; i++) {
        struct zone *zone = &parquet->zones[parquet->plan[i]];
        if (zone->is_measured)
            continue;
        int r = look_at(parquet, reader, zone, detail);
        if (r < 0)
            return r;
        looked = 1;
    }
    return looked;
}

/* ---- what is sorted on disk ---- */

static int by_rank(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;

    return (*x > *y) - (*x < *y);
}

static int add_spill(struct msim_parquet *parquet, struct cluster cluster)
{
    void *spills = parquet->spills;
    int r = msim_mem_grow(&parquet->allocator, &spills, &parquet->spill_capacity,
                          sizeof *parquet->spills, parquet->spill_count + 1, UINT32_MAX);
    if (r < 0)
        return r;
    parquet->spills = spills;
    struct spill *spill = &parquet->spills[parquet->spill_count];
    *spill = (struct spill){.first = cluster.first, .end = cluster.end};
    spill->rank_count = cluster.end - cluster.first;
    spill->ranks =
        msim_mem_take_array(&parquet->allocator, spill->rank_count, sizeof *spill->ranks);
    if (!spill->ranks)
        return MSIM_ERR_NOMEM;
    parquet->spill_count++;
    memcpy(spill->ranks, parquet->plan + cluster.first, spill->rank_count * sizeof *spill->ranks);
    qsort(spill->ranks, spill->rank_count, sizeof *spill->ranks, by_rank);
    for (size_t i = 0; i < spill->rank_count; i++)
        spill->rows += parquet->zones[spill->ranks[i]].rows;
    return MSIM_OK;
}

/* Goes through the clusters, looks closer where one may not fit: 1 where the plan has to be made
 * again since then. */
static int find_spills(struct msim_parquet *parquet, struct msim_reader *reader,
                       struct msim_detail *detail)
{
    size_t left = msim_budget_left(&parquet->budget);
    uint64_t room = left - left / LEFT_FREE;
    int again = 0;

    for (struct cluster cluster = {0, 0}; cluster.end < parquet->zone_count;) {
        uint64_t most = 0;
        cluster = next_cluster(parquet, cluster.end);
        int r = measure(parquet, cluster, &most);
        if (r >= 0 && most > room) {
            r = look_closer(parquet, reader, cluster, detail);
            if (r > 0)
                again = 1;
            else if (r == 0 && !again)
                r = add_spill(parquet, cluster);
        }
        if (r < 0)
            return r;
    }
    return again;
}

static int plan_spills(struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct msim_reader reader;
    int r;

    msim_reader_init(&reader, &parquet->crc, &parquet->allocator);
    do {
        for (; parquet->spill_count > 0; parquet->spill_count--)
            msim_spill_finish(&parquet->spills[parquet->spill_count - 1], parquet);
        r = find_spills(parquet, &reader, detail);
        if (r > 0 && order_groups(parquet) < 0)
            r = MSIM_ERR_NOMEM;
    } while (r > 0);
    msim_reader_finish(&reader);
    return r;
}

struct spill *msim_plan_spill(const struct msim_parquet *parquet, size_t place, size_t from)
{
    for (; from < parquet->spill_count && parquet->spills[from].first <= place; from++)
        if (place < parquet->spills[from].end)
            return &parquet->spills[from];
    return NULL;
}

msim_time msim_plan_spill_last(const struct msim_parquet *parquet, const struct spill *spill)
{
    msim_time last = INT64_MIN;

    for (size_t i = 0; i < spill->rank_count; i++) {
        const struct zone *zone = &parquet->zones[spill->ranks[i]];
        last = zone->max > last ? zone->max : last;
    }
    return last;
}

/* ---- who takes turns with whom ---- */

/* Of a group's time so much may be another's too: the part that is one over this. */
#define SHARED_PART 8

static uint64_t shared_time(msim_time first, msim_time last)
{
    return last > first ? (uint64_t)last - (uint64_t)first : 0;
}

static void find_alone(struct msim_parquet *parquet)
{
    msim_time before = INT64_MIN;

    for (size_t i = 0; i < parquet->zone_count; i++) {
        struct zone *zone = &parquet->zones[parquet->plan[i]];
        uint64_t whole = shared_time(zone->min, zone->max);
        uint64_t shared = shared_time(zone->min, before);
        if (i + 1 < parquet->zone_count) {
            uint64_t next = shared_time(planned_zone(parquet, i + 1)->min, zone->max);
            shared = next > shared ? next : shared;
        }
        zone->is_alone = shared <= whole / SHARED_PART;
        before = zone->max > before ? zone->max : before;
    }
}

/* ---- all ---- */

static void find_range(struct msim_parquet *parquet)
{
    struct msim_parquet_info *info = &parquet->info;

    for (size_t i = 0; i < parquet->zone_count; i++) {
        const struct zone *zone = &parquet->zones[i];
        if (zone->max == INT64_MIN)
            continue;
        if (zone->min < info->first)
            info->first = zone->min;
        if (info->last == MSIM_TIME_NEVER || zone->max > info->last)
            info->last = zone->max;
    }
}

int msim_plan_make(struct msim_parquet *parquet, struct msim_detail *detail)
{
    size_t count = parquet->zone_count;

    parquet->info.first = parquet->info.last = MSIM_TIME_NEVER;
    if (count == 0)
        return MSIM_OK;
    parquet->plan = msim_mem_take_array(&parquet->allocator, count, sizeof *parquet->plan);
    parquet->held = msim_mem_zero_array(&parquet->allocator, count, sizeof *parquet->held);
    if (!parquet->plan || !parquet->held || order_groups(parquet) < 0)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for the plan");
    if (parquet->temporary.ops) {
        struct msim_detail words = {{0}};
        int r = plan_spills(parquet, &words);
        if (r < 0)
            return msim_detail_set(detail, r, "%s",
                                   words.text[0] ? words.text : "no memory for the plan");
    }
    find_alone(parquet);
    find_range(parquet);
    return MSIM_OK;
}
