#include "parquet/window.h"

#include "base/mem.h"
#include "base/number.h"

/* The rooms of all cursors are no more than this part of the bound: the plan leaves that free. */
#define ROOMS_PART 32
/* What is aimed at: some trades fewer than there is room for, since the next ones may be denser. */
#define AIM (MSIM_WINDOW_ROWS / 8 * 7)
/* With more runs than this there is too little for each of them. */
#define RUNS_MAX (MSIM_WINDOW_ROWS / 4)
/* A place is packed below the time since the first trade. */
#define SPAN_MAX ((UINT64_C(1) << (64 - MSIM_WINDOW_PLACE_BITS)) - 1)

/* ---- the runs ---- */

int msim_window_add(struct window *window, struct run *run, const struct msim_allocator *allocator)
{
    void *runs = window->runs;

    int r = msim_mem_grow(allocator, &runs, &window->run_capacity, sizeof *window->runs,
                          window->run_count + 1, UINT32_MAX);
    if (r < 0)
        return r;
    window->runs = runs;
    size_t at = window->run_count++;
    for (; at > 0 && window->runs[at - 1]->rank > run->rank; at--)
        window->runs[at] = window->runs[at - 1];
    window->runs[at] = run;
    return MSIM_OK;
}

void msim_window_remove(struct window *window, const struct run *run)
{
    size_t kept = 0;

    for (size_t i = 0; i < window->run_count; i++) {
        window->runs[kept] = window->runs[i];
        kept += window->runs[i] != run;
    }
    window->run_count = kept;
}

void msim_window_clear(struct window *window)
{
    window->at = window->count = window->run_count = 0;
    window->blocked = INT64_MIN;
    window->span = 0;
}

void msim_window_finish(struct window *window, struct msim_parquet *parquet)
{
    const struct msim_allocator *allocator = &parquet->allocator;

    parquet->windows -= window->room != NULL;
    msim_mem_free(allocator, window->room, sizeof *window->room);
    msim_mem_free(allocator, window->runs, window->run_capacity * sizeof *window->runs);
    *window = (struct window){0};
}

/* ---- how far it goes ---- */

/* The last moment of which all runs have every trade at hand. */
static msim_time at_hand(const struct window *window, msim_time last)
{
    for (size_t i = 0; i < window->run_count; i++) {
        const struct run *run = window->runs[i];
        if (msim_run_is_last(run))
            continue;
        msim_time end = msim_run_time_at(run, run->count - 1) - 1;
        last = end < last ? end : last;
    }
    return last;
}

/* So far that no run gives more than its part of the room, unless times are equal. */
static msim_time safe(const struct window *window, msim_time last)
{
    size_t part = MSIM_WINDOW_ROWS / window->run_count;

    for (size_t i = 0; i < window->run_count; i++) {
        const struct run *run = window->runs[i];
        if (run->count - run->at <= part)
            continue;
        msim_time end = msim_run_time_at(run, run->at + part) - 1;
        last = end < last ? end : last;
    }
    return last;
}

/* ---- filling ---- */

static inline uint64_t word_of(msim_time time, msim_time first, size_t place)
{
    return ((uint64_t)time - (uint64_t)first) << MSIM_WINDOW_PLACE_BITS | place;
}

/* In one comparison.  What is read again and is not what it was may be earlier than the first. */
static inline bool is_within(msim_time time, msim_time first, msim_time until)
{
    return (uint64_t)time - (uint64_t)first <= (uint64_t)until - (uint64_t)first;
}

static size_t take_columns(const struct run *run, struct window_room *room, size_t at, size_t most,
                           msim_time first, msim_time until)
{
    const struct column_rows rows = {.times = run->times, .first_row = run->first_row};
    struct trade *to = room->trades + at;
    uint64_t *words = room->unsorted + at;
    size_t left = run->count - run->at;
    size_t count = 0;

    most = left < most ? left : most;
    for (; count < most; count++) {
        size_t row = run->order ? run->order[run->at + count] : run->at + count;
        if (!is_within(run->times[row], first, until))
            break;
        msim_columns_trade(&run->columns, rows, row, true, &to[count]);
        words[count] = word_of(to[count].time, first, at + count);
    }
    return count;
}

/* The run's trades up to a moment, at most `most`, to the place `at` of the room; how many. */
static size_t take(const struct run *run, struct window_room *room, size_t at, size_t most,
                   msim_time first, msim_time until)
{
    struct trade *to = room->trades + at;
    uint64_t *words = room->unsorted + at;
    size_t left = run->count - run->at;
    size_t count = 0;

    if (!run->trades)
        return take_columns(run, room, at, most, first, until);
    const struct trade *from = run->trades + run->at;
    most = left < most ? left : most;
    for (; count < most && is_within(from[count].time, first, until); count++) {
        to[count] = from[count];
        words[count] = word_of(from[count].time, first, at + count);
    }
    return count;
}

/* How many trades there are up to a moment, noted in each run; 0 where they are too many. */
static size_t take_all(struct window *window, msim_time first, msim_time until)
{
    size_t total = 0;

    for (size_t i = 0; i < window->run_count; i++) {
        struct run *run = window->runs[i];
        size_t most = MSIM_WINDOW_ROWS - total;
        run->turn = take(run, window->room, total, most, first, until);
        total += run->turn;
        size_t next = run->at + run->turn;
        if (run->turn == most && next < run->count && msim_run_time_at(run, next) <= until)
            return 0;
    }
    return total;
}

/* Takes what there is up to a moment that is as late as can be: the number of trades, or 0. */
static size_t collect(struct window *window, msim_time first, msim_time last, msim_time *end)
{
    msim_time until = at_hand(window, last);
    size_t total = 0;

    if (until < first) {
        window->blocked = until + 1;
        return 0;
    }
    if ((uint64_t)until - (uint64_t)first > SPAN_MAX)
        until = first + (msim_time)SPAN_MAX;
    if (window->span > 0) {
        if (window->span < (uint64_t)until - (uint64_t)first)
            until = first + (msim_time)window->span;
        total = take_all(window, first, until);
    }
    if (total == 0) {
        until = safe(window, until);
        total = until < first ? 0 : take_all(window, first, until);
    }
    if (total == 0) {
        window->blocked = first;
        return 0;
    }
    *end = until;
    uint64_t elapsed = (uint64_t)until - (uint64_t)first + 1;
    window->span = (uint64_t)((msim_uint128)elapsed * AIM / total);
    if (window->span > SPAN_MAX)
        window->span = SPAN_MAX;
    return total;
}

/* The list anew, without the runs that are drained. */
static void settle(struct window *window, struct msim_due *open)
{
    size_t kept = 0;

    open->count = 0;
    for (size_t i = 0; i < window->run_count; i++) {
        struct run *run = window->runs[i];
        if (run->at == run->count) {
            msim_run_close(&run);
            continue;
        }
        window->runs[kept++] = run;
        open->items[open->count++] = (struct msim_due_item){
            .due = msim_run_time(run), .arrival = msim_run_row(run), .value = (uintptr_t)run};
    }
    window->run_count = kept;
    msim_due_settle(open);
}

/* Whether the rows of each run follow those of the one before it: not if it is of many groups. */
static bool are_apart(const struct window *window)
{
    for (size_t i = 0; i < window->run_count; i++) {
        if (window->runs[i]->spill && !window->runs[i]->late)
            return false;
    }
    return true;
}

static bool has_room(struct window *window, struct msim_parquet *parquet)
{
    const struct msim_budget *budget = &parquet->budget;
    size_t size = sizeof *window->room;

    if (window->room)
        return true;
    if (window->has_no_room || parquet->windows >= budget->limit / ROOMS_PART / size ||
        msim_budget_left(budget) < size)
        return false;
    window->room = msim_mem_take(&parquet->allocator, size);
    window->has_no_room = !window->room;
    parquet->windows += !window->has_no_room;
    return !window->has_no_room;
}

bool msim_window_fill(struct window *window, struct msim_parquet *parquet, struct msim_due *open,
                      msim_time last)
{
    msim_time first = msim_due_next(open);

    if (first <= window->blocked || open->count > RUNS_MAX || !are_apart(window) ||
        !has_room(window, parquet))
        return false;
    size_t total = collect(window, first, last, &last);
    if (total == 0)
        return false;
    for (size_t i = 0; i < window->run_count; i++)
        window->runs[i]->at += window->runs[i]->turn;
    struct window_room *room = window->room;
    window->at = 0;
    window->count = total;
    msim_order_words(room->unsorted, total, 0, word_of(last, first, MSIM_WINDOW_ROWS - 1),
                     room->words, room->buckets);
    settle(window, open);
    return true;
}
