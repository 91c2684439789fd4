#include "server/replay_player.h"

#include <string.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/glob.h"
#include "base/mem.h"

/* A source that has nothing now is asked again after this. */
#define POLL_NS MSIM_NS_PER_MS
/* A pull without a record that takes so long has done something. */
#define WORKED_NS (100 * MSIM_NS_PER_US)

/* Records are fetched ahead where the next bundle is due no sooner than this. */
#define AHEAD_NS (2 * MSIM_NS_PER_MS)

/* So many trades that nobody wants are passed over before the caller does something else. */
#define PASS_OVER 65536

/* Marks of player->wishes. */
enum { UNKNOWN = 0, WANTED, HIDDEN };

static msim_time read_clock(const struct msim_replay_player *player)
{
    return player->params.read_clock(player->params.clock);
}

/* ---- the source ---- */

static void close_source(struct msim_replay_player *player)
{
    if (player->source.ops && player->params.ended)
        player->params.ended(player->params.context, &player->source);
    msim_source_release(&player->source);
}

/* Another source in place of the one that is there, which stays where this fails. */
static int reopen(struct msim_replay_player *player, const struct msim_replay_selection *selection,
                  struct msim_detail *detail)
{
    struct msim_source source = {0};

    int r = player->params.open(player->params.context, selection, &source, detail);
    if (r < 0)
        return r;
    close_source(player);
    player->source = source;
    player->opened++;
    if (player->wish_count > 0)
        memset(player->wishes, UNKNOWN, player->wish_count);
    player->at = player->count = 0;
    player->is_started = player->is_ahead_over = false;
    player->ahead_at = player->poll_at = 0;
    player->passed = 0;
    return MSIM_OK;
}

int msim_replay_player_init(struct msim_replay_player *player,
                            const struct msim_replay_player_params *params,
                            struct msim_detail *detail)
{
    *player = (struct msim_replay_player){
        .params = *params,
        .allocator = msim_mem_allocator(params->allocator),
        .wake = MSIM_TIME_NEVER,
        .due = INT64_MIN,
        .position = MSIM_TIME_NEVER,
        .is_whole = true,
    };
    player->params.allocator = NULL;
    struct msim_pacer_params pacing = MSIM_PACER_PARAMS_INIT;
    pacing.speed = params->speed;
    pacing.max_gap = params->max_gap;
    int r = msim_pacer_init(&player->pacer, &pacing);
    if (r < 0)
        return msim_detail_set(detail, r, "the speed must be above zero and the gap not below");
    return reopen(player, &params->selection, detail);
}

void msim_replay_player_finish(struct msim_replay_player *player)
{
    close_source(player);
    if (player->wishes)
        msim_mem_free(&player->allocator, player->wishes, player->wish_count);
    player->wishes = NULL;
    player->wish_count = 0;
}

/* ---- fetching ---- */

/* Fetches records behind those that are left; an outcome of msim_source_pull. */
static int refill(struct msim_replay_player *player, struct msim_detail *detail)
{
    size_t left = player->count - player->at;
    size_t count = 0;

    memmove(player->batch, player->batch + player->at, left * sizeof player->batch[0]);
    player->at = 0;
    player->count = left;
    int r = msim_source_pull(&player->source, player->batch + left, MSIM_PLAYER_BATCH - left,
                             &count, detail);
    if (r == MSIM_PULL_RECORD)
        player->count += count;
    return r;
}

/*
 * While there is time: what a pull takes (a page, a row group) must not stand between a bundle
 * and its moment.  A failure or the end is met again when the records are used up.
 */
static void refill_ahead(struct msim_replay_player *player, msim_time now)
{
    player->ahead_at = 0;
    if (player->due - now < AHEAD_NS || player->count - player->at > MSIM_PLAYER_BATCH / 2 ||
        player->is_ahead_over)
        return;
    int r = refill(player, NULL);
    player->is_ahead_over = r < 0 || r == MSIM_PULL_END;
    if (r == MSIM_PULL_EMPTY)
        player->ahead_at = read_clock(player) + POLL_NS;
}

/*
 * When to ask a source again that had nothing.  One that has worked for a while has more to do;
 * one that answers at once has nothing, and must not keep the loop busy.
 */
static msim_time poll_after(struct msim_replay_player *player, msim_time start)
{
    msim_time now = read_clock(player);
    bool works = now - start >= WORKED_NS && msim_source_next_due(&player->source) == INT64_MIN;

    return works ? now : now + POLL_NS;
}

/* Decided once for each symbol.  Below zero without memory. */
static int is_wished(struct msim_replay_player *player, uint32_t symbol, struct msim_detail *detail)
{
    const struct msim_replay_player_params *params = &player->params;
    size_t old = player->wish_count;

    if (symbol >= old) {
        void *wishes = player->wishes;
        int r = msim_mem_grow(&player->allocator, &wishes, &player->wish_count, 1,
                              (size_t)symbol + 1, (size_t)UINT32_MAX + 1);
        if (r < 0)
            return msim_detail_set(detail, r, "%s", msim_result_text(r));
        player->wishes = wishes;
        memset(player->wishes + old, UNKNOWN, player->wish_count - old);
    }
    if (player->wishes[symbol] == UNKNOWN) {
        size_t length = 0;
        const char *text = msim_source_symbol(&player->source, symbol, &length);
        player->wishes[symbol] = HIDDEN;
        for (size_t i = 0; text && i < params->ticker_count; i++)
            if (msim_glob_match(params->tickers[i], strlen(params->tickers[i]), text, length))
                player->wishes[symbol] = WANTED;
    }
    return player->wishes[symbol] == WANTED;
}

static int is_wanted(struct msim_replay_player *player, const struct msim_record *record,
                     struct msim_detail *detail)
{
    if (player->params.ticker_count == 0)
        return 1;
    return record->flags & MSIM_RECORD_NO_SYMBOL ? 0 : is_wished(player, record->symbol, detail);
}

/*
 * The next trade that is wanted, which stays where it is: MSIM_PULL_RECORD, MSIM_PULL_END, or
 * MSIM_PULL_EMPTY with `wake` set.  Reading takes its time, which `*now` is told.
 */
static int look(struct msim_replay_player *player, msim_time *now,
                const struct msim_record **record, struct msim_detail *detail)
{
    for (size_t passed = 0; passed < PASS_OVER; passed++) {
        if (player->at == player->count) {
            msim_time start = read_clock(player);
            int r = refill(player, detail);
            if (r == MSIM_PULL_EMPTY)
                player->wake = poll_after(player, start);
            if (r != MSIM_PULL_RECORD)
                return r;
            *now = read_clock(player);
        }
        *record = &player->batch[player->at];
        int wanted = is_wanted(player, *record, detail);
        if (wanted != 0)
            return wanted < 0 ? wanted : MSIM_PULL_RECORD;
        player->at++;
    }
    player->wake = *now;
    return MSIM_PULL_EMPTY;
}

/* ---- playing ---- */

static int end_bundle(struct msim_replay_player *player)
{
    player->in_bundle = false;
    return MSIM_PLAY_BUNDLE_END;
}

/* A history without a trade is not begun anew: it would never end. */
static int end_round(struct msim_replay_player *player, struct msim_detail *detail)
{
    if (!player->params.loop || (player->is_whole && player->passed == 0))
        return MSIM_PLAY_END;
    int r = reopen(player, &player->params.selection, detail);
    if (r < 0)
        return r;
    player->is_whole = true;
    return MSIM_PLAY_AGAIN;
}

/* True where the bundle of the trade may leave; else `wake` says when. */
static bool begin_bundle(struct msim_replay_player *player, msim_time now, msim_time time)
{
    if (!player->is_started || player->pacer.paused)
        msim_pacer_start(&player->pacer, now, time);
    player->is_started = true;
    if (player->pacer.paused) {
        player->steps--;
        player->due = INT64_MIN;
    } else {
        player->due = msim_pacer_due(&player->pacer, time);
    }
    if (player->due > now) {
        refill_ahead(player, now);
        bool is_ahead = player->ahead_at != 0 && player->ahead_at < player->due;
        player->wake = is_ahead ? player->ahead_at : player->due;
        return false;
    }
    player->in_bundle = true;
    player->position = time;
    return true;
}

int msim_replay_player_next(struct msim_replay_player *player, msim_time now,
                            const struct msim_record **record, struct msim_detail *detail)
{
    if (!player->in_bundle && player->pacer.paused && player->steps == 0) {
        player->wake = MSIM_TIME_NEVER;
        return MSIM_PLAY_WAIT;
    }
    const struct msim_record *next = NULL;
    int r = look(player, &now, &next, detail);
    if (r == MSIM_PULL_END)
        return player->in_bundle ? end_bundle(player) : end_round(player, detail);
    if (r != MSIM_PULL_RECORD)
        return r < 0 ? r : MSIM_PLAY_WAIT;
    msim_time time = next->time;
    if (player->in_bundle && time != player->position)
        return end_bundle(player);
    if (!player->in_bundle && !begin_bundle(player, now, time))
        return MSIM_PLAY_WAIT;
    *record = next;
    player->at++;
    player->passed++;
    return MSIM_PLAY_TRADE;
}

/* ---- the remote control ---- */

void msim_replay_player_pause(struct msim_replay_player *player, msim_time now)
{
    player->steps = 0;
    msim_pacer_pause(&player->pacer, now);
}

void msim_replay_player_resume(struct msim_replay_player *player, msim_time now)
{
    player->steps = 0;
    if (player->pacer.paused)
        msim_pacer_resume(&player->pacer, now);
}

int msim_replay_player_set_speed(struct msim_replay_player *player, msim_time now,
                                 struct msim_speed speed)
{
    return msim_pacer_set_speed(&player->pacer, now, speed);
}

int msim_replay_player_step(struct msim_replay_player *player, uint64_t count)
{
    if (!player->pacer.paused)
        return MSIM_ERR_STATE;
    if (__builtin_add_overflow(player->steps, count, &player->steps))
        player->steps = UINT64_MAX;
    return MSIM_OK;
}

int msim_replay_player_seek(struct msim_replay_player *player, msim_time to,
                            struct msim_detail *detail)
{
    struct msim_replay_selection selection = player->params.selection;
    char end[MSIM_CALENDAR_SIZE];

    if (selection.has_to && to >= selection.to) {
        msim_calendar_print(selection.to, MSIM_CALENDAR_ISO, end);
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the replay ends before %s: seek to an earlier moment", end);
    }
    bool is_whole = selection.has_from && to <= selection.from;
    if (!is_whole) {
        selection.has_from = true;
        selection.from = to;
    }
    int r = reopen(player, &selection, detail);
    if (r < 0)
        return r;
    player->is_whole = is_whole;
    player->steps = 0;
    player->position = selection.from;
    return MSIM_OK;
}
