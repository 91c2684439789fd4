#include "parquet/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/dataset.h"
#include "parquet/extras.h"
#include "record/symbols.h"

/* Decoding has buffers of some 20 KiB on its stack, and the compression libraries have theirs. */
#define STACK_BYTES ((size_t)1 << 20)
/* Room to read ahead is taken where it is no more than this part of the memory that is left. */
#define ROOM_PART 8
#define ROOM_BYTES (MSIM_AHEAD_BATCHES * MSIM_AHEAD_ROWS * sizeof(struct msim_record))

struct ahead;

/* A monitor: everything in it is looked at under its lock. */
struct msim_worker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_taken;  /* somebody has the turn */
    size_t waiting; /* callers that want it */
    bool is_started;
    bool has_no_thread; /* the system gives none: callers do all */
    bool ends;
    pthread_t thread;
    struct ahead *first; /* sources that have room, the one that was served longest ago in front */
    struct ahead *last;
};

struct load {
    struct msim_record *records;
    size_t count;
    struct cursor_state behind; /* the cursor's state behind them */
};

struct ahead {
    struct msim_parquet *parquet;
    struct msim_worker *worker;
    struct msim_source inner;
    struct msim_record *room; /* NULL: it is not read ahead */
    /* The worker's lock guards these; loads that are filled are the caller's. */
    struct ahead *next;
    bool is_queued;
    size_t first;
    size_t filled;
    bool has_ended; /* behind the loads: */
    int end;        /* MSIM_PULL_END, or a failure */
    struct msim_detail detail;
    struct load loads[MSIM_AHEAD_BATCHES];
    /* The caller's. */
    size_t at;                   /* in the first load */
    struct cursor_state given;   /* behind the last load that was given whole */
    uint64_t bad_rows;           /* behind the last one that was begun */
    struct msim_symbols symbols; /* of the trades that are at hand: the data set's own may move */
};

/* ---- the turn ---- */

void msim_turn_take(struct msim_worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->waiting++;
    while (worker->is_taken)
        pthread_cond_wait(&worker->changed, &worker->lock);
    worker->waiting--;
    worker->is_taken = true;
    pthread_mutex_unlock(&worker->lock);
}

void msim_turn_give(struct msim_worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->is_taken = false;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

/* ---- the thread ---- */

static void enqueue(struct msim_worker *worker, struct ahead *ahead)
{
    ahead->is_queued = true;
    ahead->next = NULL;
    if (worker->last)
        worker->last->next = ahead;
    else
        worker->first = ahead;
    worker->last = ahead;
}

static void dequeue(struct msim_worker *worker, struct ahead *ahead)
{
    struct ahead *before = NULL;

    if (!ahead->is_queued)
        return;
    for (struct ahead *at = worker->first; at != ahead; at = at->next)
        before = at;
    if (before)
        before->next = ahead->next;
    else
        worker->first = ahead->next;
    if (worker->last == ahead)
        worker->last = before;
    ahead->is_queued = false;
}

static bool has_room(const struct ahead *ahead)
{
    return ahead->room && !ahead->has_ended && ahead->filled < MSIM_AHEAD_BATCHES;
}

/* Pulls the cursor once, with the turn; then, with the lock, what came of it is there. */
static void serve(struct msim_worker *worker, struct ahead *ahead)
{
    struct load *load = &ahead->loads[(ahead->first + ahead->filled) % MSIM_AHEAD_BATCHES];
    struct msim_detail detail = {{0}};

    worker->is_taken = true;
    pthread_mutex_unlock(&worker->lock);
    int r = msim_source_pull(&ahead->inner, load->records, MSIM_AHEAD_ROWS, &load->count, &detail);
    msim_cursor_state(&ahead->inner, &load->behind);
    pthread_mutex_lock(&worker->lock);
    worker->is_taken = false;
    if (r == MSIM_PULL_RECORD) {
        ahead->filled++;
    } else if (r != MSIM_PULL_EMPTY) {
        ahead->has_ended = true;
        ahead->end = r;
        ahead->detail = detail;
    }
    if (has_room(ahead) && !ahead->is_queued)
        enqueue(worker, ahead);
    pthread_cond_broadcast(&worker->changed);
}

static void *read_ahead(void *context)
{
    struct msim_worker *worker = context;

    pthread_mutex_lock(&worker->lock);
    while (!worker->ends) {
        if (worker->is_taken || worker->waiting > 0 || !worker->first) {
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        struct ahead *ahead = worker->first;
        dequeue(worker, ahead);
        serve(worker, ahead);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

/* No signal of the host's is handled in it.  0 or an errno. */
static int start_thread(struct msim_worker *worker)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;

    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&worker->thread, &attributes, read_ahead, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int msim_worker_create(struct msim_worker **out, const struct msim_allocator *allocator)
{
    struct msim_worker *worker = msim_mem_zero(allocator, sizeof *worker);

    if (!worker)
        return MSIM_ERR_NOMEM;
    if (pthread_mutex_init(&worker->lock, NULL) != 0)
        goto free_worker;
    if (pthread_cond_init(&worker->changed, NULL) != 0)
        goto destroy_lock;
    *out = worker;
    return MSIM_OK;

destroy_lock:
    pthread_mutex_destroy(&worker->lock);
free_worker:
    msim_mem_free(allocator, worker, sizeof *worker);
    return MSIM_ERR_NOMEM;
}

void msim_worker_destroy(struct msim_worker **pointer, const struct msim_allocator *allocator)
{
    struct msim_worker *worker = *pointer;

    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->ends = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    if (worker->is_started)
        pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    msim_mem_free(allocator, worker, sizeof *worker);
    *pointer = NULL;
}

/* ---- a source's caller ---- */

/* The source has room: with the lock. */
static void ask(struct ahead *ahead)
{
    struct msim_worker *worker = ahead->worker;

    if (!worker->is_started && !worker->has_no_thread) {
        worker->is_started = start_thread(worker) == 0;
        worker->has_no_thread = !worker->is_started;
    }
    if (has_room(ahead) && !ahead->is_queued && worker->is_started) {
        enqueue(worker, ahead);
        pthread_cond_broadcast(&worker->changed);
    }
}

/* The names of symbols up to `count`: with the turn. */
static int keep_names(struct ahead *ahead, struct msim_symbols *symbols, size_t count)
{
    while (symbols->count < count) {
        size_t length = 0;
        uint32_t id;
        const char *text = msim_source_symbol(&ahead->inner, (uint32_t)symbols->count, &length);
        int r = msim_symbols_intern(symbols, text, length, &id);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int out_of_memory(struct ahead *ahead, int r, struct msim_detail *detail)
{
    msim_detail_set(detail, r, "the names of symbols: %s", msim_result_text(r));
    return msim_budget_blame(&ahead->parquet->budget, r, detail);
}

/* In place of the thread, with the turn. */
static int pull_at_once(struct ahead *ahead, struct msim_record *records, size_t capacity,
                        size_t *count, struct msim_detail *detail)
{
    struct cursor_state behind = {0};

    int r = msim_source_pull(&ahead->inner, records, capacity, count, &ahead->detail);
    msim_cursor_state(msim_extras_inside(&ahead->inner), &behind);
    ahead->given = behind;
    ahead->bad_rows = behind.bad_rows;
    int kept = r < 0 ? MSIM_OK : keep_names(ahead, &ahead->symbols, behind.symbols);
    if (kept < 0)
        r = out_of_memory(ahead, kept, &ahead->detail);
    if (r == MSIM_PULL_END || r < 0) {
        pthread_mutex_lock(&ahead->worker->lock);
        ahead->has_ended = true;
        ahead->end = r;
        pthread_mutex_unlock(&ahead->worker->lock);
    }
    return r < 0 ? msim_detail_set(detail, r, "%s", ahead->detail.text) : r;
}

/* Takes a load up for the first time: 0, or a failure to keep the names of its symbols. */
static int begin_load(struct ahead *ahead, const struct load *load, struct msim_detail *detail)
{
    int r = MSIM_OK;

    ahead->bad_rows = load->behind.bad_rows;
    if (ahead->symbols.count >= load->behind.symbols)
        return r;
    msim_turn_take(ahead->worker);
    r = keep_names(ahead, &ahead->symbols, load->behind.symbols);
    if (r < 0)
        r = out_of_memory(ahead, r, detail);
    msim_turn_give(ahead->worker);
    return r;
}

/* Gives the first load back, all of which was given. */
static size_t end_load(struct ahead *ahead)
{
    pthread_mutex_lock(&ahead->worker->lock);
    ahead->given = ahead->loads[ahead->first].behind;
    ahead->at = 0;
    ahead->first = (ahead->first + 1) % MSIM_AHEAD_BATCHES;
    size_t filled = --ahead->filled;
    ask(ahead);
    pthread_mutex_unlock(&ahead->worker->lock);
    return filled;
}

/* Of the loads that are filled, at least one. */
static int take_loads(struct ahead *ahead, size_t filled, struct msim_record *records,
                      size_t capacity, size_t *count, struct msim_detail *detail)
{
    size_t given = 0;

    while (filled > 0 && given < capacity) {
        const struct load *load = &ahead->loads[ahead->first];
        int r = ahead->at == 0 ? begin_load(ahead, load, detail) : MSIM_OK;
        if (r < 0 && given == 0)
            return r;
        if (r < 0)
            break;
        size_t more = load->count - ahead->at;
        if (more > capacity - given)
            more = capacity - given;
        memcpy(records + given, load->records + ahead->at, more * sizeof *records);
        given += more;
        ahead->at += more;
        if (ahead->at == load->count)
            filled = end_load(ahead);
    }
    *count = given;
    return MSIM_PULL_RECORD;
}

/* How many loads there are; where there is none, the end is told in `*r`. */
static size_t look(struct ahead *ahead, int *r, struct msim_detail *detail)
{
    struct cursor_state behind;

    pthread_mutex_lock(&ahead->worker->lock);
    size_t filled = ahead->filled;
    *r = ahead->has_ended ? ahead->end : MSIM_PULL_EMPTY;
    pthread_mutex_unlock(&ahead->worker->lock);
    if (filled > 0 || *r == MSIM_PULL_EMPTY)
        return filled;
    if (msim_cursor_state(&ahead->inner, &behind))
        ahead->bad_rows = behind.bad_rows;
    if (*r < 0)
        msim_detail_set(detail, *r, "%s", ahead->detail.text);
    return 0;
}

static int ahead_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                      struct msim_detail *detail)
{
    struct ahead *ahead = self;
    int r;

    size_t filled = look(ahead, &r, detail);
    if (filled == 0 && r == MSIM_PULL_EMPTY) {
        msim_turn_take(ahead->worker);
        /* The thread may have come to this source while the turn was waited for. */
        filled = look(ahead, &r, detail);
        if (filled == 0 && r == MSIM_PULL_EMPTY) {
            r = pull_at_once(ahead, records, capacity, count, detail);
            msim_turn_give(ahead->worker);
            pthread_mutex_lock(&ahead->worker->lock);
            ask(ahead);
            pthread_mutex_unlock(&ahead->worker->lock);
            return r;
        }
        msim_turn_give(ahead->worker);
    }
    return filled > 0 ? take_loads(ahead, filled, records, capacity, count, detail) : r;
}

/* Of a cursor that is not read ahead nobody but the caller changes what it looks at for this. */
static msim_time ahead_next_due(void *self)
{
    struct ahead *ahead = self;
    msim_time due = INT64_MIN;

    if (!ahead->room)
        return msim_source_next_due(&ahead->inner);
    pthread_mutex_lock(&ahead->worker->lock);
    if (ahead->filled > 0)
        due = ahead->loads[ahead->first].records[ahead->at].time;
    else if (ahead->has_ended && ahead->end == MSIM_PULL_END)
        due = MSIM_TIME_NEVER;
    pthread_mutex_unlock(&ahead->worker->lock);
    return due;
}

static const char *ahead_symbol(void *self, uint32_t id, size_t *length)
{
    const struct ahead *ahead = self;

    return msim_symbols_text(&ahead->symbols, id, length);
}

static void ahead_release(void *self)
{
    struct ahead *ahead = self;
    struct msim_worker *worker = ahead->worker;
    const struct msim_allocator *allocator = &ahead->parquet->allocator;

    msim_turn_take(worker);
    pthread_mutex_lock(&worker->lock);
    dequeue(worker, ahead);
    pthread_mutex_unlock(&worker->lock);
    msim_source_release(&ahead->inner);
    msim_symbols_finish(&ahead->symbols);
    msim_mem_free(allocator, ahead->room, ROOM_BYTES);
    msim_mem_free(allocator, ahead, sizeof *ahead);
    msim_turn_give(worker);
}

static const char *const *ahead_extra_names(void *self, size_t *count)
{
    struct ahead *ahead = self;

    return msim_source_extra_names(&ahead->inner, count);
}

static int ahead_extras(void *self, const struct msim_record *trade, struct msim_extra *values)
{
    struct ahead *ahead = self;

    return msim_source_extras(&ahead->inner, trade, values);
}

static const struct msim_source_ops ahead_ops = {
    .pull = ahead_pull,
    .next_due = ahead_next_due,
    .symbol = ahead_symbol,
    .release = ahead_release,
    .extra_names = ahead_extra_names,
    .extras = ahead_extras,
};

/* ---- opening and moving ---- */

int msim_ahead_add(struct msim_source *source, struct msim_parquet *parquet, enum ahead_kind kind,
                   struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &parquet->allocator;
    struct ahead *ahead = msim_mem_zero(allocator, sizeof *ahead);

    if (!ahead)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    ahead->parquet = parquet;
    ahead->worker = parquet->worker;
    ahead->inner = *source;
    msim_symbols_init(&ahead->symbols, MSIM_SYMBOLS_LIMIT, allocator);
    if (kind == AHEAD_READS && msim_budget_left(&parquet->budget) / ROOM_PART >= ROOM_BYTES)
        ahead->room = msim_mem_take(allocator, ROOM_BYTES);
    for (size_t i = 0; ahead->room && i < MSIM_AHEAD_BATCHES; i++)
        ahead->loads[i].records = ahead->room + i * MSIM_AHEAD_ROWS;
    *source = (struct msim_source){.ops = &ahead_ops, .self = ahead};
    return MSIM_OK;
}

bool msim_ahead_is(const struct msim_source *source)
{
    return source->ops == &ahead_ops;
}

const struct msim_source *msim_ahead_inside(const struct msim_source *source)
{
    if (!msim_ahead_is(source))
        return source;
    const struct ahead *ahead = source->self;
    return &ahead->inner;
}

bool msim_ahead_bad_rows(const struct msim_source *source, uint64_t *rows)
{
    if (!msim_ahead_is(source))
        return false;
    const struct ahead *ahead = source->self;
    *rows = ahead->bad_rows;
    return true;
}

/* The state of a cursor that had given what the caller has, and no more: with the turn. */
static struct cursor_state seen(const struct ahead *ahead)
{
    const struct load *load = &ahead->loads[ahead->first];
    struct cursor_state state = ahead->given;

    state.bad_rows = ahead->bad_rows;
    for (size_t i = 0; i < ahead->at; i++) {
        const struct msim_record *record = &load->records[i];
        if (!(record->flags & MSIM_RECORD_NO_SYMBOL) && record->symbol >= state.symbols)
            state.symbols = record->symbol + 1;
        state.sequence = record->sequence + 1;
    }
    return state;
}

/* The first `count` names again, without those that nobody has seen. */
static int forget_names(struct ahead *ahead, size_t count)
{
    struct msim_symbols symbols;

    if (ahead->symbols.count <= count)
        return MSIM_OK;
    msim_symbols_init(&symbols, MSIM_SYMBOLS_LIMIT, &ahead->parquet->allocator);
    int r = keep_names(ahead, &symbols, count);
    if (r < 0) {
        msim_symbols_finish(&symbols);
        return r;
    }
    msim_symbols_finish(&ahead->symbols);
    ahead->symbols = symbols;
    return MSIM_OK;
}

static int move_with_turn(struct ahead *ahead, msim_time to, struct msim_detail *detail)
{
    struct cursor_state back = seen(ahead);

    if (ahead->room && ahead->filled == 0 && ahead->has_ended && ahead->end < 0)
        return msim_detail_set(detail, ahead->end, "%s", ahead->detail.text);
    int r = ahead->room ? forget_names(ahead, back.symbols) : MSIM_OK;
    if (r < 0)
        return out_of_memory(ahead, r, detail);
    r = msim_cursor_move(&ahead->inner, to, ahead->room ? &back : NULL, detail);
    if (r < 0)
        return r;
    ahead->given = back;
    pthread_mutex_lock(&ahead->worker->lock);
    dequeue(ahead->worker, ahead);
    ahead->at = ahead->first = ahead->filled = 0;
    ahead->has_ended = false;
    pthread_mutex_unlock(&ahead->worker->lock);
    return MSIM_OK;
}

int msim_ahead_move(struct msim_source *source, msim_time to, struct msim_detail *detail)
{
    struct ahead *ahead = source->self;

    msim_turn_take(ahead->worker);
    int r = move_with_turn(ahead, to, detail);
    msim_turn_give(ahead->worker);
    return r;
}
