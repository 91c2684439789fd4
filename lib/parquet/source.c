/*
 * A cursor over a data set: a lazy merge of its row groups.
 *
 * A group is opened when the front reaches the earliest time that it may hold,
 * and closed when it is drained: a sorted file streams with one group open.  The
 * open ones stand in a due list by (time, rank); the first gives trades up to
 * where the second, or a group not yet opened, may come in between.  Those that
 * take turns give theirs together, by a window (window.h).
 */
#include <marketsim/parquet.h>

#include <string.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/due.h"
#include "base/glob.h"
#include "base/mem.h"
#include "parquet/ahead.h"
#include "parquet/cursor.h"
#include "parquet/dataset.h"
#include "parquet/extras.h"
#include "parquet/pick.h"
#include "parquet/plan.h"
#include "parquet/run.h"
#include "parquet/scan.h"
#include "parquet/unpack.h"
#include "parquet/window.h"

/* In place of a public id: not yet given, and never to be shown. */
#define NAME_NEW UINT32_MAX
#define NAME_HIDDEN (UINT32_MAX - 1)
/*
 * The rows that one pull may look at: whoever pulls between other duties gets
 * MSIM_PULL_EMPTY after that, with next_due at INT64_MIN, and comes again.
 */
#define WORK_ROWS 65536
/* A run that has more trades before another one's gives them itself, without the window. */
#define TURN_ROWS 32

/* At one index two things: the symbol of that name, and the name of that symbol. */
struct name_link {
    uint32_t symbol; /* or NAME_NEW, NAME_HIDDEN */
    uint32_t name;
};

struct cursor {
    struct run_context context;
    struct msim_parquet *parquet;
    msim_time begin; /* of the selection: no seek leads before it */
    msim_time to;    /* MSIM_TIME_NEVER: no bound */
    char **tickers;  /* copies; NULL: all */
    size_t ticker_count;
    size_t planned;                 /* groups of the plan that were opened or left out */
    size_t spill;                   /* the first spill that may lie behind them */
    struct run *loading;            /* the next group, as far as it has come */
    struct msim_scanner confirming; /* a group that is to be left out; zero: none */
    struct msim_due open;
    bool is_filling;      /* the first of them has nothing at hand, and goes on to where it has */
    struct window window; /* what several of these have given already */
    /* The last trade passed: nothing may come before it. */
    msim_time last_time;
    uint64_t last_row;
    uint64_t sequence;
    /* Names are numbered as they are decoded, symbols as they are given. */
    struct name_link *links;
    size_t link_count;
    size_t link_capacity;
    size_t symbol_count;
    bool ended;
    int failure; /* final: told when the good trades before it have been given */
    struct msim_detail failure_detail;
};

static struct run *run_of(const struct msim_due_item *item)
{
    return (struct run *)(uintptr_t)item->value;
}

static const struct zone *next_zone(const struct cursor *cursor)
{
    const struct msim_parquet *parquet = cursor->context.parquet;

    return &parquet->zones[parquet->plan[cursor->planned]];
}

/* The spill that comes next, in place of the groups that it was made of; or NULL. */
static struct spill *next_spill(struct cursor *cursor)
{
    const struct msim_parquet *parquet = cursor->parquet;

    while (cursor->spill < parquet->spill_count &&
           parquet->spills[cursor->spill].end <= cursor->planned)
        cursor->spill++;
    return msim_plan_spill(parquet, cursor->planned, cursor->spill);
}

/* The first row that may come out of what is opened next: it decides between equal times. */
static uint64_t next_row(const struct cursor *cursor)
{
    const struct msim_parquet *parquet = cursor->parquet;
    const struct spill *spill = msim_plan_spill(parquet, cursor->planned, cursor->spill);

    return msim_zone_first_row(parquet, spill ? spill->ranks[0] : parquet->plan[cursor->planned]);
}

/* ---- names ---- */

static bool is_wanted(const struct cursor *cursor, const char *text, size_t length)
{
    for (size_t i = 0; i < cursor->ticker_count; i++) {
        if (msim_glob_match(cursor->tickers[i], strlen(cursor->tickers[i]), text, length))
            return true;
    }
    return cursor->ticker_count == 0;
}

/* Names that came with the last batch: whether they are shown is decided once for each. */
static int take_names(struct cursor *cursor)
{
    const struct msim_symbols *symbols = &cursor->parquet->names.symbols;
    void *links = cursor->links;

    int r = msim_mem_grow(&cursor->context.reader.allocator, &links, &cursor->link_capacity,
                          sizeof *cursor->links, symbols->count, UINT32_MAX);
    if (r < 0)
        return r;
    cursor->links = links;
    for (; cursor->link_count < symbols->count; cursor->link_count++) {
        size_t length = 0;
        const char *text = msim_symbols_text(symbols, (uint32_t)cursor->link_count, &length);
        cursor->links[cursor->link_count].symbol =
            is_wanted(cursor, text, length) ? NAME_NEW : NAME_HIDDEN;
    }
    return MSIM_OK;
}

/* ---- giving trades ---- */

/* The symbol of a name; false where its trades are not shown. */
static bool name_symbol(struct cursor *cursor, uint32_t name, uint32_t *symbol)
{
    *symbol = cursor->links[name].symbol;
    if (*symbol < NAME_HIDDEN)
        return true;
    if (*symbol == NAME_HIDDEN)
        return false;
    *symbol = (uint32_t)cursor->symbol_count++;
    cursor->links[name].symbol = *symbol;
    cursor->links[*symbol].name = name;
    return true;
}

/* A trade as a record; false where it is not shown. */
static inline __attribute__((always_inline)) bool show(struct cursor *cursor,
                                                       const struct trade *trade, uint64_t sequence,
                                                       struct msim_record *record)
{
    uint32_t symbol = 0;

    if (__builtin_expect(trade->flags & MSIM_RECORD_NO_SYMBOL, 0)) {
        if (cursor->ticker_count > 0)
            return false;
    } else {
        symbol = cursor->links[trade->name].symbol;
        if (__builtin_expect(symbol >= NAME_HIDDEN, 0) &&
            !name_symbol(cursor, trade->name, &symbol))
            return false;
    }
    record->time = trade->time;
    record->sequence = sequence;
    record->symbol = symbol;
    record->kind = MSIM_RECORD_TRADE;
    record->flags = trade->flags;
    record->price_exponent = trade->price_exponent;
    record->quantity_exponent = trade->quantity_exponent;
    record->as.trade = (struct msim_trade_data){
        .price = trade->price, .quantity = trade->quantity, .row = trade->row};
    return true;
}

/* From trades that lie in order. */
static size_t give_trades(struct cursor *cursor, struct run *run, msim_time until,
                          struct msim_record *records, size_t capacity)
{
    const struct trade *trades = run->trades;
    size_t given = 0;
    size_t i = run->at;

    for (; i < run->count && given < capacity && trades[i].time <= until; i++)
        given += show(cursor, &trades[i], cursor->sequence + given, &records[given]);
    run->at = i;
    cursor->sequence += given;
    return given;
}

/* The symbols of names; false where one of the rows has none that is known and shown. */
static bool find_symbols(const struct cursor *cursor, const uint32_t *names, const uint8_t *flags,
                         size_t count, uint32_t *restrict symbols)
{
    const struct name_link *links = cursor->links;
    uint8_t any = 0;

    for (size_t i = 0; i < count; i++)
        any |= flags[i];
    if (any & MSIM_RECORD_NO_SYMBOL)
        return false;
    size_t i = 0;
    for (; i + MSIM_PICK_ROWS <= count; i += MSIM_PICK_ROWS)
        for (size_t k = 0; k < MSIM_PICK_ROWS; k++)
            symbols[i + k] = links[names[i + k]].symbol;
    for (; i < count; i++)
        symbols[i] = links[names[i]].symbol;
    return msim_unpack_largest(symbols, count) < NAME_HIDDEN;
}

/* Each row on its own: names that are new, or not shown. */
static size_t give_each(struct cursor *cursor, const struct run *run, size_t count,
                        struct msim_record *records)
{
    const struct column_rows rows = {.times = run->times, .first_row = run->first_row};
    const uint32_t *order = run->order;
    size_t given = 0;

    for (size_t i = run->at; i < run->at + count; i++) {
        struct trade trade;
        msim_columns_trade(&run->columns, rows, order ? order[i] : i, true, &trade);
        given += show(cursor, &trade, cursor->sequence + given, &records[given]);
    }
    return given;
}

/* From columns, at most MSIM_RUN_ROWS trades that have a place for each. */
static size_t give_rows(struct cursor *cursor, const struct run *run, size_t count,
                        struct msim_record *records)
{
    struct run_rows gathered;
    struct msim_rows rows;
    uint32_t symbols[MSIM_RUN_ROWS];

    const uint32_t *names = msim_run_rows(run, count, &gathered, &rows);
    if (!find_symbols(cursor, names, rows.flags, count, symbols))
        return give_each(cursor, run, count, records);
    rows.symbols = symbols;
    rows.sequence = cursor->sequence;
    msim_rows_write(&rows, count, records);
    return count;
}

static size_t give_columns(struct cursor *cursor, struct run *run, msim_time until,
                           struct msim_record *records, size_t capacity)
{
    size_t count = msim_run_reached(run, until, capacity);
    size_t given = 0;

    while (count > 0) {
        size_t rows = count < MSIM_RUN_ROWS ? count : MSIM_RUN_ROWS;
        size_t shown = give_rows(cursor, run, rows, records + given);
        cursor->sequence += shown;
        given += shown;
        run->at += rows;
        count -= rows;
    }
    return given;
}

/*
 * Gives the run's trades up to the time `until`, of those at hand, while there is
 * room; returns how many.
 */
static size_t give(struct cursor *cursor, struct run *run, msim_time until,
                   struct msim_record *records, size_t capacity)
{
    size_t at = run->at;
    size_t given = run->trades ? give_trades(cursor, run, until, records, capacity)
                               : give_columns(cursor, run, until, records, capacity);

    if (run->at > at) {
        size_t end = run->at--;
        cursor->last_time = msim_run_time(run);
        cursor->last_row = msim_run_row(run);
        run->at = end;
    }
    return given;
}

/* ---- the merge ---- */

/* A group that has a trade where its statistics say that it has none. */
static int refuse_range(const struct cursor *cursor, uint32_t rank, msim_time time,
                        const char *remedy, struct msim_detail *detail)
{
    const struct msim_parquet *parquet = cursor->parquet;
    const struct zone *zone = &parquet->zones[rank];
    struct place place = {
        .file = parquet->files[zone->file].file.path, .group = zone->group, .page = -1};
    char found[MSIM_CALENDAR_SIZE], first[MSIM_CALENDAR_SIZE], last[MSIM_CALENDAR_SIZE];

    msim_calendar_print(time, MSIM_CALENDAR_ISO, found);
    msim_calendar_print(zone->min, MSIM_CALENDAR_ISO, first);
    msim_calendar_print(zone->max, MSIM_CALENDAR_ISO, last);
    return msim_place_fail(&place, detail, MSIM_ERR_FORMAT,
                           "its statistics say %s to %s, and it has a trade at %s%s: write the "
                           "file again, or open it without its statistics",
                           first, last, found, remedy);
}

/*
 * Before a group is left out, its statistics are compared with its timestamps: once
 * for the data set, however many cursors leave it out.  1 when that is done.
 */
static int confirm(struct cursor *cursor, uint32_t rank, int64_t *work, struct msim_detail *detail)
{
    struct zone *zone = &cursor->parquet->zones[rank];
    struct msim_scanner *scanner = &cursor->confirming;
    int r = MSIM_OK;

    if (zone->is_found) {
        /* Perhaps by another cursor, while this one was about it. */
        msim_scanner_close(scanner);
        *scanner = (struct msim_scanner){0};
        return 1;
    }
    if (!scanner->parquet)
        r = msim_scanner_open(scanner, cursor->parquet, &cursor->context.reader, zone->file,
                              zone->group, INT64_MIN, NULL, NULL, detail);
    if (r >= 0)
        r = msim_scanner_step(scanner, work, detail);
    if (r == 0)
        return r;
    const struct scan found = scanner->found;
    msim_scanner_close(scanner);
    *scanner = (struct msim_scanner){0};
    if (r < 0)
        return r;
    if (found.good > 0 && found.min < zone->min)
        return refuse_range(cursor, rank, found.min, "", detail);
    if (found.good > 0 && found.max > zone->max)
        return refuse_range(cursor, rank, found.max, "", detail);
    zone->is_found = true;
    return 1;
}

/* Puts the run's next trade into the list, or closes the run where it has none. */
static int enlist(struct cursor *cursor, struct run *run, struct msim_detail *detail)
{
    if (run->at == run->count) {
        msim_run_close(&run);
        return MSIM_OK;
    }
    int r = take_names(cursor);
    if (r >= 0)
        r = msim_window_add(&cursor->window, run, &cursor->context.reader.allocator);
    if (r >= 0)
        r = msim_due_push_ranked(&cursor->open, msim_run_time(run), msim_run_row(run),
                                 (uint64_t)(uintptr_t)run);
    if (r < 0) {
        msim_window_remove(&cursor->window, run);
        msim_run_close(&run);
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
    return MSIM_OK;
}

/* Goes on with the next group of the plan: 1 when it is open. */
static int open_next(struct cursor *cursor, int64_t *work, struct msim_detail *detail)
{
    struct spill *spill = next_spill(cursor);
    int r = MSIM_OK;

    if (!cursor->loading && spill)
        r = msim_run_open_spill(&cursor->loading, &cursor->context, spill, detail);
    else if (!cursor->loading)
        r = msim_run_open(&cursor->loading, &cursor->context,
                          cursor->parquet->plan[cursor->planned], detail);
    if (r >= 0)
        r = msim_run_work(cursor->loading, work, detail);
    if (r <= 0)
        return r;
    struct run *run = cursor->loading;
    cursor->loading = NULL;
    cursor->planned = spill ? spill->end : cursor->planned + 1;
    if (run->at < run->count) {
        msim_time time = msim_run_time(run);
        if (time < cursor->last_time ||
            (time == cursor->last_time && msim_run_row(run) < cursor->last_row)) {
            r = refuse_range(cursor, run->rank, time, ", before what was given already", detail);
            msim_run_close(&run);
            return r;
        }
    }
    r = enlist(cursor, run, detail);
    return r < 0 ? r : 1;
}

/* Whether nothing of what comes next lies in the selection. */
static bool is_outside(struct cursor *cursor)
{
    const struct zone *zone = next_zone(cursor);
    const struct spill *spill = next_spill(cursor);
    msim_time last = spill ? msim_plan_spill_last(cursor->parquet, spill) : zone->max;

    return (last < cursor->context.from && last != INT64_MIN) || zone->min >= cursor->to;
}

/* Leaves it out: 1 when that is done.  The ranges of a spill were found, and need no proof. */
static int leave_out(struct cursor *cursor, int64_t *work, struct msim_detail *detail)
{
    const struct spill *spill = next_spill(cursor);

    if (spill) {
        cursor->planned = spill->end;
        return 1;
    }
    int r = confirm(cursor, cursor->parquet->plan[cursor->planned], work, detail);
    cursor->planned += r > 0;
    return r;
}

/* Opens what the front has reached: 1 when nothing is left to open before it. */
static int admit(struct cursor *cursor, int64_t *work, struct msim_detail *detail)
{
    while (cursor->planned < cursor->parquet->zone_count) {
        const struct msim_due_item *first = msim_due_peek(&cursor->open);
        msim_time min = next_zone(cursor)->min;
        int r;
        if (first && (first->due < min || (first->due == min && first->arrival < next_row(cursor))))
            break;
        if (is_outside(cursor))
            r = leave_out(cursor, work, detail);
        else
            r = open_next(cursor, work, detail);
        if (r <= 0)
            return r;
    }
    return 1;
}

/* The last time up to which the first run may give before a trade of this row at `time`. */
static msim_time before(msim_time until, msim_time time, uint64_t row, uint64_t other)
{
    msim_time bound = row < other ? time : time - 1;

    return bound < until ? bound : until;
}

/* Up to which time the first of the open runs is the first of all. */
static msim_time reach(const struct cursor *cursor)
{
    const struct msim_due *open = &cursor->open;
    uint64_t row = open->items[0].arrival;
    msim_time until = cursor->to - 1;

    for (size_t i = 1; i < 3 && i < open->count; i++)
        until = before(until, open->items[i].due, row, open->items[i].arrival);
    if (cursor->planned < cursor->context.parquet->zone_count)
        until = before(until, next_zone(cursor)->min, row, next_row(cursor));
    return until;
}

/* After trades of the first run were given: its next one takes its place in the list, if that is
 * found within the work. */
static int advance(struct cursor *cursor, int64_t *work, struct msim_detail *detail)
{
    struct run *run = run_of(msim_due_peek(&cursor->open));

    if (run->at == run->count) {
        int r = msim_run_fill(run, work, detail);
        cursor->is_filling = r == MSIM_RUN_AGAIN;
        if (cursor->is_filling)
            return MSIM_OK;
        if (r >= 0)
            r = r == 0 ? 0 : take_names(cursor) < 0 ? MSIM_ERR_NOMEM : 1;
        if (r <= 0) {
            msim_due_pop(&cursor->open);
            msim_window_remove(&cursor->window, run);
            msim_run_close(&run);
            return r;
        }
    }
    msim_due_replace(&cursor->open, msim_run_time(run), msim_run_row(run),
                     (uint64_t)(uintptr_t)run);
    return MSIM_OK;
}

/* The plan is by minimum: what was not opened when `to` is reached is left out. */
static int leave_out_rest(struct cursor *cursor, int64_t *work, struct msim_detail *detail)
{
    while (cursor->planned < cursor->parquet->zone_count) {
        int r = leave_out(cursor, work, detail);
        if (r <= 0)
            return r;
    }
    cursor->ended = true;
    return MSIM_OK;
}

/* Up to where the open runs are alone: what is opened next may come behind that. */
static msim_time horizon(const struct cursor *cursor)
{
    if (cursor->planned == cursor->parquet->zone_count)
        return cursor->to - 1;
    msim_time min = next_zone(cursor)->min;
    return min < cursor->to ? min - 1 : cursor->to - 1;
}

/* From the window. */
static size_t give_window(struct cursor *cursor, struct msim_record *records, size_t capacity)
{
    struct window *window = &cursor->window;
    size_t given = 0;
    size_t i = window->at;

    for (; i < window->count && given < capacity; i++)
        given +=
            show(cursor, msim_window_trade(window, i), cursor->sequence + given, &records[given]);
    const struct trade *last = msim_window_trade(window, i - 1);
    cursor->last_time = last->time;
    cursor->last_row = last->row;
    cursor->sequence += given;
    window->at = i;
    return given;
}

/* Fills the window where the first run has only few trades before another one's. */
static bool fill_window(struct cursor *cursor)
{
    const struct run *run = run_of(msim_due_peek(&cursor->open));

    if (cursor->open.count < 2 || (run->count - run->at > TURN_ROWS &&
                                   msim_run_time_at(run, run->at + TURN_ROWS) <= reach(cursor)))
        return false;
    return msim_window_fill(&cursor->window, cursor->parquet, &cursor->open, horizon(cursor));
}

static int step(struct cursor *cursor, struct msim_record *records, size_t capacity, size_t *given,
                int64_t *work, struct msim_detail *detail)
{
    struct window *window = &cursor->window;

    if (cursor->is_filling)
        return advance(cursor, work, detail);
    if (!msim_window_has(window)) {
        int r = admit(cursor, work, detail);
        if (r <= 0)
            return r;
        const struct msim_due_item *first = msim_due_peek(&cursor->open);
        if (!first || first->due >= cursor->to)
            return leave_out_rest(cursor, work, detail);
    }
    if (msim_window_has(window) || fill_window(cursor)) {
        size_t at = window->at;
        *given += give_window(cursor, records + *given, capacity - *given);
        *work -= (int64_t)(window->at - at);
        return MSIM_OK;
    }
    struct run *run = run_of(msim_due_peek(&cursor->open));
    size_t at = run->at;
    *given += give(cursor, run, reach(cursor), records + *given, capacity - *given);
    *work -= (int64_t)(run->at - at);
    return advance(cursor, work, detail);
}

/* ---- a source's functions ---- */

/* A failure for want of memory says so where the data set's bound was the reason. */
static void note_failure(struct cursor *cursor)
{
    struct msim_detail *detail = &cursor->failure_detail;

    if (!detail->text[0])
        msim_detail_set(detail, cursor->failure, "%s", msim_result_text(cursor->failure));
    cursor->failure = msim_budget_blame(&cursor->parquet->budget, cursor->failure, detail);
}

static int cursor_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                       struct msim_detail *detail)
{
    struct cursor *cursor = self;
    int64_t work = WORK_ROWS;
    size_t given = 0;

    while (cursor->failure >= 0 && !cursor->ended && given < capacity && work > 0) {
        cursor->failure = step(cursor, records, capacity, &given, &work, &cursor->failure_detail);
        if (cursor->failure < 0)
            note_failure(cursor);
    }
    if (given > 0) {
        *count = given;
        return MSIM_PULL_RECORD;
    }
    if (cursor->failure < 0)
        return msim_detail_set(detail, cursor->failure, "%s", cursor->failure_detail.text);
    return cursor->ended ? MSIM_PULL_END : MSIM_PULL_EMPTY;
}

/* What stands at the front may be hidden, or a group must be opened first: then nobody knows. */
static msim_time cursor_next_due(void *self)
{
    const struct cursor *cursor = self;

    if (cursor->failure < 0)
        return INT64_MIN;
    if (cursor->ended)
        return MSIM_TIME_NEVER;
    if (msim_window_has(&cursor->window))
        return cursor->ticker_count > 0
                   ? INT64_MIN
                   : msim_window_trade(&cursor->window, cursor->window.at)->time;
    const struct msim_due_item *first = msim_due_peek(&cursor->open);
    if (!first || cursor->loading || cursor->is_filling || cursor->ticker_count > 0 ||
        first->due >= cursor->to)
        return INT64_MIN;
    if (cursor->planned < cursor->context.parquet->zone_count &&
        next_zone(cursor)->min <= first->due)
        return INT64_MIN;
    return first->due;
}

static const char *cursor_symbol(void *self, uint32_t id, size_t *length)
{
    struct cursor *cursor = self;

    if (id >= cursor->symbol_count)
        return NULL;
    return msim_symbols_text(&cursor->parquet->names.symbols, cursor->links[id].name, length);
}

static void free_tickers(struct cursor *cursor)
{
    const struct msim_allocator *allocator = &cursor->context.reader.allocator;

    for (size_t i = 0; cursor->tickers && i < cursor->ticker_count; i++) {
        if (cursor->tickers[i])
            msim_mem_free(allocator, cursor->tickers[i], strlen(cursor->tickers[i]) + 1);
    }
    msim_mem_free(allocator, cursor->tickers, cursor->ticker_count * sizeof *cursor->tickers);
}

static void close_runs(struct cursor *cursor)
{
    msim_run_close(&cursor->loading);
    msim_scanner_close(&cursor->confirming);
    cursor->confirming = (struct msim_scanner){0};
    for (size_t i = 0; i < cursor->open.count; i++) {
        struct run *run = run_of(&cursor->open.items[i]);
        msim_run_close(&run);
    }
    cursor->open.count = 0;
    cursor->is_filling = false;
    msim_window_clear(&cursor->window);
}

static void cursor_release(void *self)
{
    struct cursor *cursor = self;
    struct msim_allocator allocator = cursor->context.reader.allocator;

    close_runs(cursor);
    msim_due_finish(&cursor->open);
    msim_window_finish(&cursor->window, cursor->parquet);
    msim_reader_finish(&cursor->context.reader);
    free_tickers(cursor);
    msim_mem_free(&allocator, cursor->links, cursor->link_capacity * sizeof *cursor->links);
    msim_mem_free(&allocator, cursor, sizeof *cursor);
}

static const struct msim_source_ops cursor_ops = {
    .pull = cursor_pull,
    .next_due = cursor_next_due,
    .symbol = cursor_symbol,
    .release = cursor_release,
};

/* ---- opening ---- */

static int copy_tickers(struct cursor *cursor, const struct msim_parquet_source_params *params)
{
    const struct msim_allocator *allocator = &cursor->context.reader.allocator;

    if (params->ticker_count == 0)
        return MSIM_OK;
    cursor->tickers = msim_mem_zero_array(allocator, params->ticker_count, sizeof *cursor->tickers);
    if (!cursor->tickers)
        return MSIM_ERR_NOMEM;
    cursor->ticker_count = params->ticker_count;
    for (size_t i = 0; i < params->ticker_count; i++) {
        const char *ticker = params->tickers[i];
        cursor->tickers[i] = msim_mem_text(allocator, ticker, strlen(ticker));
        if (!cursor->tickers[i])
            return MSIM_ERR_NOMEM;
    }
    return MSIM_OK;
}

static int check(const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    if (params->size != sizeof *params || (params->ticker_count > 0 && !params->tickers))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_PARQUET_SOURCE_PARAMS_INIT");
    for (size_t i = 0; i < params->ticker_count; i++) {
        if (!params->tickers[i])
            return msim_detail_set(detail, MSIM_ERR_INVALID, "ticker %zu is NULL", i);
    }
    if (params->has_from && params->has_to && params->from >= params->to)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "no time lies between `from` and `to`: `to` must be later");
    return MSIM_OK;
}

static int make_cursor(struct msim_source *out, struct msim_parquet *parquet,
                       const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    struct cursor *cursor = msim_mem_zero(&parquet->allocator, sizeof *cursor);
    if (!cursor)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    cursor->context.parquet = parquet;
    cursor->parquet = parquet;
    cursor->begin = cursor->context.from = params->has_from ? params->from : INT64_MIN;
    cursor->to = params->has_to ? params->to : MSIM_TIME_NEVER;
    cursor->last_time = cursor->window.blocked = INT64_MIN;
    msim_reader_init(&cursor->context.reader, &parquet->crc, &parquet->allocator);
    int r = msim_due_init(&cursor->open, 0, parquet->zone_count, &parquet->allocator);
    if (r >= 0)
        r = copy_tickers(cursor, params);
    if (r < 0) {
        cursor_release(cursor);
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
    *out = (struct msim_source){.ops = &cursor_ops, .self = cursor};
    return MSIM_OK;
}

/* A cursor, with what its params want around it. */
static int make(struct msim_source *out, struct msim_parquet *parquet,
                const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    bool has_extras = params->extra_column_count > 0 || params->all_extra_columns;
    struct msim_source source = {0};

    int r = make_cursor(&source, parquet, params, detail);
    if (r >= 0 && has_extras)
        r = msim_extras_add(&source, parquet, params, detail);
    if (r >= 0 && parquet->worker)
        r = msim_ahead_add(&source, parquet, has_extras ? AHEAD_WAITS : AHEAD_READS, detail);
    if (r < 0) {
        msim_source_release(&source);
        return r;
    }
    *out = source;
    return MSIM_OK;
}

int msim_parquet_source(struct msim_source *out, struct msim_parquet *parquet,
                        const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    const struct msim_parquet_source_params defaults = MSIM_PARQUET_SOURCE_PARAMS_INIT;

    if (!out || !parquet)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a source needs an open data set");
    if (!params)
        params = &defaults;
    int r = check(params, detail);
    if (r < 0)
        return r;
    msim_turn_take(parquet->worker);
    r = make(out, parquet, params, detail);
    msim_turn_give(parquet->worker);
    return r;
}

bool msim_cursor_state(const struct msim_source *source, struct cursor_state *out)
{
    if (source->ops != &cursor_ops)
        return false;
    const struct cursor *cursor = source->self;
    *out = (struct cursor_state){.sequence = cursor->sequence,
                                 .bad_rows = cursor->context.bad_rows,
                                 .symbols = cursor->symbol_count};
    return true;
}

static void take_back(struct cursor *cursor, const struct cursor_state *back)
{
    for (size_t i = back->symbols; i < cursor->symbol_count; i++)
        cursor->links[cursor->links[i].name].symbol = NAME_NEW;
    cursor->symbol_count = back->symbols;
    cursor->sequence = back->sequence;
    cursor->context.bad_rows = back->bad_rows;
    cursor->failure = MSIM_OK;
    cursor->failure_detail.text[0] = '\0';
}

int msim_cursor_move(struct msim_source *source, msim_time to, const struct cursor_state *back,
                     struct msim_detail *detail)
{
    struct cursor *cursor = msim_extras_inside(source)->self;
    if (cursor->failure < 0 && !back)
        return msim_detail_set(detail, cursor->failure, "%s", cursor->failure_detail.text);
    int r = msim_extras_moved(source, detail);
    if (r < 0)
        return r;
    if (back)
        take_back(cursor, back);
    close_runs(cursor);
    cursor->context.from = to > cursor->begin ? to : cursor->begin;
    cursor->planned = cursor->spill = 0;
    cursor->last_time = INT64_MIN;
    cursor->last_row = 0;
    cursor->ended = false;
    return MSIM_OK;
}

/* The cursor inside all that stands around it. */
static const struct msim_source *inside(const struct msim_source *source)
{
    return msim_extras_inside(msim_ahead_inside(source));
}

int msim_parquet_source_seek(struct msim_source *source, msim_time to, struct msim_detail *detail)
{
    if (!source || inside(source)->ops != &cursor_ops)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "only a source over Parquet files can be moved");
    return msim_ahead_is(source) ? msim_ahead_move(source, to, detail)
                                 : msim_cursor_move(source, to, NULL, detail);
}

uint64_t msim_parquet_bad_rows(const struct msim_source *source)
{
    uint64_t rows = 0;

    if (!source || inside(source)->ops != &cursor_ops)
        return 0;
    const struct cursor *cursor = inside(source)->self;
    if (!msim_ahead_bad_rows(source, &rows))
        rows = cursor->context.bad_rows;
    return cursor->parquet->left_out + rows;
}
