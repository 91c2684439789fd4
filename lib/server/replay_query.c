#include "server/replay_query.h"

#include <stdio.h>
#include <string.h>

#include <marketsim/codec.h>
#include <marketsim/form.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/mem.h"
#include "base/number.h"

static const char known[] = "speed, from, to, ticker, format, timestamps, loop, extra";

/* A key longer than this is not repeated: the words must fit into a close frame. */
#define KEY_SHOWN 20

struct reading {
    struct msim_replay_query *query;
    const struct msim_allocator *allocator;
    struct msim_detail *detail;
    bool is_signed; /* the query has a signature, and with it a timestamp */
};

static int refuse(struct reading *reading, const char *key, const char *words)
{
    return msim_detail_set(reading->detail, MSIM_ERR_INVALID, "%s: %s", key, words);
}

/* ---- values ---- */

static int read_speed(struct reading *reading, const char *value)
{
    if (msim_speed_parse(value, &reading->query->speed) < 0)
        return refuse(reading, "speed", "neither a number above zero, such as 2.5, nor max");
    return MSIM_OK;
}

static int read_moment(struct reading *reading, const char *key, const char *value, bool *has,
                       msim_time *moment)
{
    if (msim_calendar_parse(value, strlen(value), moment) < 0)
        return refuse(reading, key, "no moment such as 2022-07-01T00:00:29.5Z (a + is %2B)");
    *has = true;
    return MSIM_OK;
}

static int read_from(struct reading *reading, const char *value)
{
    struct msim_replay_selection *selection = &reading->query->selection;

    return read_moment(reading, "from", value, &selection->has_from, &selection->from);
}

static int read_to(struct reading *reading, const char *value)
{
    struct msim_replay_selection *selection = &reading->query->selection;

    return read_moment(reading, "to", value, &selection->has_to, &selection->to);
}

static int add_name(struct reading *reading, struct msim_replay_names *names, const char *key,
                    const char *text, size_t length)
{
    void *items = names->items;

    if (length == 0)
        return refuse(reading, key, "an empty name; names stand between commas, as in A,B");
    if (names->count == MSIM_REPLAY_NAMES_MAX)
        return refuse(reading, key, "more than 1024 names");
    int r = msim_mem_grow(reading->allocator, &items, &names->capacity, sizeof *names->items,
                          names->count + 1, MSIM_REPLAY_NAMES_MAX);
    if (r < 0)
        return r;
    names->items = items;
    char *copy = msim_mem_text(reading->allocator, text, length);
    if (!copy)
        return MSIM_ERR_NOMEM;
    names->items[names->count++] = copy;
    return MSIM_OK;
}

static int read_names(struct reading *reading, struct msim_replay_names *names, const char *key,
                      const char *value)
{
    for (;;) {
        size_t length = strcspn(value, ",");
        int r = add_name(reading, names, key, value, length);
        if (r < 0 || value[length] == '\0')
            return r;
        value += length + 1;
    }
}

static void free_names(struct msim_replay_names *names, const struct msim_allocator *allocator)
{
    for (size_t i = 0; i < names->count; i++)
        msim_mem_free(allocator, names->items[i], strlen(names->items[i]) + 1);
    msim_mem_free(allocator, names->items, names->capacity * sizeof *names->items);
}

static int read_tickers(struct reading *reading, const char *value)
{
    return read_names(reading, &reading->query->tickers, "ticker", value);
}

static int read_extra(struct reading *reading, const char *value)
{
    return read_names(reading, &reading->query->extra, "extra", value);
}

static bool choose(const char *text, const char *const *words, size_t count, uint32_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (uint32_t)i;
            return true;
        }
    }
    return false;
}

bool msim_replay_format_read(const char *text, uint32_t *format)
{
    static const char *const words[] = {
        [MSIM_REPLAY_FORMAT_TRADES] = "trades",
        [MSIM_REPLAY_FORMAT_BUNDLE] = "bundle",
    };

    return choose(text, words, sizeof words / sizeof words[0], format);
}

bool msim_replay_timestamps_read(const char *text, uint32_t *timestamps)
{
    static const char *const words[] = {
        [MSIM_REPLAY_PANDAS] = "pandas", [MSIM_REPLAY_ISO] = "iso", [MSIM_REPLAY_NS] = "ns",
        [MSIM_REPLAY_US] = "us",         [MSIM_REPLAY_MS] = "ms",
    };

    return choose(text, words, sizeof words / sizeof words[0], timestamps);
}

static int read_format(struct reading *reading, const char *value)
{
    if (!msim_replay_format_read(value, &reading->query->format))
        return refuse(reading, "format", "neither trades nor bundle");
    return MSIM_OK;
}

static int read_timestamps(struct reading *reading, const char *value)
{
    if (!msim_replay_timestamps_read(value, &reading->query->timestamps))
        return refuse(reading, "timestamps", "none of pandas, iso, ns, us, ms");
    return MSIM_OK;
}

static int read_loop(struct reading *reading, const char *value)
{
    static const char *const words[] = {"0", "1", "false", "true"};
    uint32_t found;

    if (!choose(value, words, sizeof words / sizeof words[0], &found))
        return refuse(reading, "loop", "neither 1 (begin anew at the end) nor 0");
    reading->query->loop = found % 2 == 1;
    return MSIM_OK;
}

/* ---- pairs ---- */

/* What the guard reads, or the failure layer. */
static bool is_for_others(const struct reading *reading, const char *key)
{
    return strcmp(key, "api_key") == 0 || strcmp(key, "signature") == 0 ||
           strcmp(key, "msim_client") == 0 || (strcmp(key, "timestamp") == 0 && reading->is_signed);
}

static int read_pair(struct reading *reading, const char *key, const char *value)
{
    static const struct {
        const char *key;
        unsigned asked;
        int (*read)(struct reading *reading, const char *value);
    } parameters[] = {
        {"speed", MSIM_REPLAY_ASKED_SPEED, read_speed},
        {"from", MSIM_REPLAY_ASKED_FROM, read_from},
        {"to", MSIM_REPLAY_ASKED_TO, read_to},
        {"ticker", MSIM_REPLAY_ASKED_TICKER, read_tickers},
        {"format", MSIM_REPLAY_ASKED_FORMAT, read_format},
        {"timestamps", MSIM_REPLAY_ASKED_TIMESTAMPS, read_timestamps},
        {"loop", MSIM_REPLAY_ASKED_LOOP, read_loop},
        {"extra", MSIM_REPLAY_ASKED_EXTRA, read_extra},
    };
    const unsigned lists = MSIM_REPLAY_ASKED_TICKER | MSIM_REPLAY_ASKED_EXTRA;

    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(key, parameters[i].key) != 0)
            continue;
        unsigned asked = parameters[i].asked;
        if (reading->query->asked & asked & ~lists)
            return refuse(reading, key, "given twice; say it once");
        reading->query->asked |= asked;
        return parameters[i].read(reading, value);
    }
    if (is_for_others(reading, key))
        return MSIM_OK;
    if (strlen(key) > KEY_SHOWN)
        return msim_detail_set(reading->detail, MSIM_ERR_INVALID, "no such parameter; there are %s",
                               known);
    return msim_detail_set(reading->detail, MSIM_ERR_INVALID, "%s: no such parameter; there are %s",
                           key, known);
}

static int read_pairs(struct reading *reading, const char *text, char *scratch, size_t size)
{
    struct msim_form_pair pair;
    size_t length = strlen(text);

    while (msim_form_next(&text, &length, &pair)) {
        if (pair.key_length == 0 && pair.value_length == 0)
            continue;
        int key_length = msim_form_decode(scratch, size, pair.key, pair.key_length);
        if (key_length < 0)
            return msim_detail_set(reading->detail, MSIM_ERR_INVALID,
                                   "a parameter's name has a bad %%-escape or is not UTF-8");
        char *value = scratch + key_length + 1;
        if (msim_form_decode(value, size - (size_t)key_length - 1, pair.value, pair.value_length) <
            0)
            return msim_detail_set(reading->detail, MSIM_ERR_INVALID,
                                   "%.20s: a bad %%-escape, or not UTF-8",
                                   key_length > KEY_SHOWN ? "a parameter" : scratch);
        int r = read_pair(reading, scratch, value);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

int msim_replay_query_read(struct msim_replay_query *query, const char *text,
                           const struct msim_allocator *allocator, struct msim_detail *detail)
{
    struct reading reading = {query, allocator, detail, false};
    struct msim_replay_selection *selection = &query->selection;
    size_t size = strlen(text) + 3; /* a key and a value, terminated each */

    *query = (struct msim_replay_query){0};
    if (text[0] == '\0')
        return MSIM_OK;
    char *scratch = msim_mem_take(allocator, size);
    if (!scratch)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    reading.is_signed = msim_form_value(text, size - 3, "signature", scratch, size) >= 0;
    int r = read_pairs(&reading, text, scratch, size);
    msim_mem_free(allocator, scratch, size);
    if (r >= 0 && selection->has_from && selection->has_to && selection->from >= selection->to)
        r = refuse(&reading, "from", "not earlier than to, so that nothing lies between");
    selection->has_extra = query->asked & MSIM_REPLAY_ASKED_EXTRA;
    selection->extra = (const char *const *)query->extra.items;
    selection->extra_count = query->extra.count;
    if (r < 0)
        msim_replay_query_finish(query, allocator);
    return r == MSIM_ERR_NOMEM ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : r;
}

void msim_replay_query_finish(struct msim_replay_query *query,
                              const struct msim_allocator *allocator)
{
    free_names(&query->tickers, allocator);
    free_names(&query->extra, allocator);
    *query = (struct msim_replay_query){0};
}

/* ---- a query that no trade matches ---- */

#define SELECTING (MSIM_REPLAY_ASKED_FROM | MSIM_REPLAY_ASKED_TO | MSIM_REPLAY_ASKED_TICKER)

bool msim_replay_query_selects(const struct msim_replay_query *query)
{
    return query->asked & SELECTING;
}

void msim_replay_query_nothing(const struct msim_replay_query *query,
                               const struct msim_replay_history *history,
                               char out[MSIM_REPLAY_NOTHING_SIZE])
{
    static const struct {
        unsigned asked;
        const char *key;
    } keys[] = {
        {MSIM_REPLAY_ASKED_FROM, "from"},
        {MSIM_REPLAY_ASKED_TO, "to"},
        {MSIM_REPLAY_ASKED_TICKER, "ticker"},
    };
    char first[MSIM_CALENDAR_SIZE], last[MSIM_CALENDAR_SIZE];
    char there[2 * MSIM_CALENDAR_SIZE + sizeof "; there are trades from  to "] = "";
    char chosen[sizeof "from, to, ticker"] = "";

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!(query->asked & keys[i].asked))
            continue;
        strcat(chosen, chosen[0] ? ", " : "");
        strcat(chosen, keys[i].key);
    }
    if (history->first != MSIM_TIME_NEVER) {
        msim_calendar_print(history->first, MSIM_CALENDAR_ISO, first);
        msim_calendar_print(history->last, MSIM_CALENDAR_ISO, last);
        snprintf(there, sizeof there, "; there are trades from %s to %s", first, last);
    }
    snprintf(out, MSIM_REPLAY_NOTHING_SIZE,
             "{\"status\": \"Replay finished.\", \"trades\": 0, "
             "\"reason\": \"no trade matches the query (%s)%s\"}",
             chosen, there);
}

/* ---- one replay for all ---- */

static bool is_same_speed(struct msim_speed a, struct msim_speed b)
{
    if (a.num == 0)
        a = (struct msim_speed){1, 1};
    if (b.num == 0)
        b = (struct msim_speed){1, 1};
    return (msim_int128)a.num * b.den == (msim_int128)b.num * a.den && (a.den == 0) == (b.den == 0);
}

int msim_replay_query_check_broadcast(const struct msim_replay_query *query,
                                      const struct msim_replay_server_params *params,
                                      struct msim_detail *detail)
{
    const struct {
        unsigned asked;
        bool is_granted;
        const char *key;
        const char *option;
    } parameters[] = {
        {MSIM_REPLAY_ASKED_SPEED, is_same_speed(query->speed, params->speed), "speed", "speed"},
        {MSIM_REPLAY_ASKED_FROM, false, "from", "from"},
        {MSIM_REPLAY_ASKED_TO, false, "to", "to"},
        {MSIM_REPLAY_ASKED_TICKER, false, "ticker", "ticker"},
        {MSIM_REPLAY_ASKED_FORMAT, query->format == params->format, "format", "format"},
        {MSIM_REPLAY_ASKED_TIMESTAMPS, query->timestamps == params->timestamps, "timestamps",
         "timestamps"},
        {MSIM_REPLAY_ASKED_LOOP, query->loop == params->loop, "loop", "loop"},
        {MSIM_REPLAY_ASKED_EXTRA, false, "extra", "extra-columns"},
    };

    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (query->asked & parameters[i].asked && !parameters[i].is_granted)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "%s: all clients share this broadcast; leave it out, or start "
                                   "the server with --%s",
                                   parameters[i].key, parameters[i].option);
    }
    return MSIM_OK;
}
