/*
 * market-client: connects to a server of ours, and prints what it says.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/random.h"
#include "base/units.h"
#include "cli/options.h"
#include "cli/terminal.h"

#define BACKOFF_FIRST (500 * MSIM_NS_PER_MS)
#define BACKOFF_MOST (30 * MSIM_NS_PER_S)
#define MAX_MESSAGE ((size_t)16 << 20)

/* The pace is measured over at most so many bundles, the latest. */
#define PACE_BUNDLES ((size_t)1 << 20)

enum reconnect {
    RECONNECT_AUTO, /* after a live feed broke; a replay would start from its beginning */
    RECONNECT_ALWAYS,
    RECONNECT_NEVER,
};

struct settings {
    const char *url;
    bool json;
    bool quiet;
    uint64_t show_first;
    uint64_t summary_count;   /* trades; 0: none */
    msim_time summary_period; /* 0: none */
    enum reconnect reconnect;
    struct msim_speed pace;
    bool has_pace;
    enum msim_log_level level;
};

struct totals {
    uint64_t messages;
    uint64_t bytes;
    uint64_t trades;
    uint64_t bundles;
    uint64_t unknown;
    msim_time first; /* of the market's moments */
    msim_time last;
    msim_time began; /* of the wall's */
    msim_time ended;
};

struct client {
    struct settings settings;
    struct terminal terminal;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_connection *connection;
    struct totals totals;
    char *scratch;
    size_t scratch_size;

    struct msim_pacer pacer;
    bool pace_started;
    msim_time *offsets; /* of the latest bundles: arrival minus schedule, as a ring */
    uint64_t offset_count;

    bool is_replay;     /* the server said that a replay starts */
    bool is_finished;   /* ... and that it came to its end */
    bool was_open;      /* at least once */
    uint32_t attempts;  /* failed ones in a row */
    msim_time retry_at; /* MSIM_TIME_NEVER where none is planned */
    msim_time next_summary;
    bool stopping;
    bool over;
    int code;
};

/* ---- options ---- */

static bool read_reconnect(const char *text, enum reconnect *reconnect)
{
    static const char *const names[] = {"auto", "always", "never"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *reconnect = (enum reconnect)i;
            return true;
        }
    }
    fprintf(stderr, "market-client: --reconnect: '%s' is not auto, always or never\n", text);
    return false;
}

/* A bare number counts trades, one with a unit is a length of time. */
static bool read_interval(const char *text, struct settings *settings)
{
    int64_t count;

    if (msim_decimal_parse(text, strlen(text), 0, &count) >= 0 && count > 0) {
        settings->summary_count = (uint64_t)count;
        return true;
    }
    if (msim_duration_parse(text, strlen(text), &settings->summary_period) >= 0 &&
        settings->summary_period > 0)
        return true;
    fprintf(stderr,
            "market-client: --summary-interval: '%s' is neither a number of trades (1000) nor a "
            "length of time (5s)\n",
            text);
    return false;
}

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const char *interval = NULL;
    const char *reconnect = "auto";
    const struct option options[] = {
        {"json", 'j', OPTION_FLAG, &settings->json, NULL,
         "print each message as it came, a JSON line each"},
        {"quiet", 'q', OPTION_FLAG, &settings->quiet, NULL, "print no messages, only the totals"},
        {"show-first-n", 'n', OPTION_COUNT, &settings->show_first, "N",
         "print only the first N trades"},
        {"summary-interval", 0, OPTION_TEXT, &interval, "N|TIME",
         "a line of totals after every N trades (1000)\nor after a time (5s)"},
        {"pace", 0, OPTION_SPEED, &settings->pace, "FACTOR",
         "measure how late trades come, against a replay at this\nspeed"},
        {"reconnect", 0, OPTION_TEXT, &reconnect, "WHEN",
         "auto (default): when a live feed breaks, not when a replay\n"
         "does, since it would start from its beginning;\n"
         "always: also where no server is there yet; or never"},
        {"log-level", 0, OPTION_LEVEL, &settings->level, "LEVEL",
         "error, warning (default), info or debug"},
    };
    const struct command_line line = {
        .program = "market-client",
        .usage = "[OPTIONS] [URL]",
        .summary = "Connects to a server (ws://localhost:8765 where no URL is given) and prints "
                   "what it says;\nthe totals go to stderr at the end.",
        .examples = "  market-client\n"
                    "  market-client --show-first-n 10 --summary-interval 5s ws://localhost:9000\n"
                    "  market-client --json > trades.ndjson\n"
                    "  market-client --quiet --pace 1\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };

    *settings = (struct settings){
        .url = "ws://localhost:8765", .show_first = UINT64_MAX, .level = MSIM_LOG_WARNING};
    char **rest;
    size_t rest_count;
    int code = options_read(&line, argument_count, arguments, &rest, &rest_count);
    if (code >= 0)
        return code;
    if (rest_count > 1) {
        fprintf(stderr, "market-client: one URL at a time; '%s' is too many\n", rest[1]);
        return EXIT_USAGE;
    }
    if (rest_count == 1)
        settings->url = rest[0];
    if ((interval && !read_interval(interval, settings)) ||
        !read_reconnect(reconnect, &settings->reconnect))
        return EXIT_USAGE;
    settings->has_pace = settings->pace.num != 0;
    if (settings->has_pace && settings->pace.den == 0) {
        fprintf(stderr, "market-client: --pace: at full speed nothing can be late\n");
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- printing ---- */

static void print_span(const struct totals *totals)
{
    char first[MSIM_CALENDAR_SIZE];
    char last[MSIM_CALENDAR_SIZE];

    if (totals->trades == 0)
        return;
    msim_calendar_print(totals->first, MSIM_CALENDAR_PLAIN, first);
    msim_calendar_print(totals->last, MSIM_CALENDAR_PLAIN, last);
    fprintf(stderr, ", %s to %s", first, last);
}

static int ascending(const void *a, const void *b)
{
    msim_time x = *(const msim_time *)a;
    msim_time y = *(const msim_time *)b;

    return (x > y) - (x < y);
}

/* Against the bundle that came earliest beside its moment: the server's own start is not seen. */
static void print_lateness(struct client *client)
{
    msim_time *offsets = client->offsets;
    size_t count =
        client->offset_count < PACE_BUNDLES ? (size_t)client->offset_count : PACE_BUNDLES;

    qsort(offsets, count, sizeof *offsets, ascending);
    fprintf(stderr, "; lateness p50 %" PRId64 " us, p99 %" PRId64 " us, max %" PRId64 " us",
            (offsets[count / 2] - offsets[0]) / 1000,
            (offsets[count * 99 / 100] - offsets[0]) / 1000,
            (offsets[count - 1] - offsets[0]) / 1000);
}

static void print_totals(struct client *client, const char *label)
{
    const struct totals *totals = &client->totals;
    double seconds = (double)(totals->ended - totals->began) / 1e9;
    double rate = seconds > 0 ? (double)totals->trades / seconds : 0;

    terminal_settle(&client->terminal);
    fprintf(stderr, "%s%" PRIu64 " trades in %" PRIu64 " bundles", label, totals->trades,
            totals->bundles);
    print_span(totals);
    fprintf(stderr, ", %.1f MB in %.1f s, %.0f trades/s", (double)totals->bytes / 1e6, seconds,
            rate);
    if (totals->unknown > 0)
        fprintf(stderr, ", %" PRIu64 " other messages", totals->unknown);
    if (client->offset_count > 0)
        print_lateness(client);
    fputc('\n', stderr);
}

static void print_trade(const struct msim_replay_message *message)
{
    char moment[MSIM_CALENDAR_SIZE];
    char price[MSIM_DECIMAL_SIZE] = "-";
    char quantity[MSIM_DECIMAL_SIZE] = "-";
    const struct msim_record *record = &message->record;

    msim_calendar_print(record->time, MSIM_CALENDAR_PLAIN, moment);
    if (!(record->flags & MSIM_RECORD_NO_PRICE))
        msim_decimal_print(record->as.trade.price, record->price_exponent, price);
    if (!(record->flags & MSIM_RECORD_NO_QUANTITY))
        msim_decimal_print(record->as.trade.quantity, record->quantity_exponent, quantity);
    printf("%-29s  %-28s %20s x %s\n", moment,
           record->flags & MSIM_RECORD_NO_SYMBOL ? "-" : message->text, price, quantity);
}

static void print_line(const unsigned char *bytes, size_t length)
{
    fwrite(bytes, 1, length, stdout);
    putchar('\n');
}

/* ---- what comes ---- */

static void measure_pace(struct client *client, msim_time moment)
{
    msim_time now = terminal_clock();

    if (!client->pace_started) {
        msim_pacer_start(&client->pacer, now, moment);
        client->pace_started = true;
    }
    client->offsets[client->offset_count++ % PACE_BUNDLES] =
        now - msim_pacer_due(&client->pacer, moment);
}

static void take_trade(struct client *client, const struct msim_replay_message *message)
{
    const struct settings *settings = &client->settings;
    struct totals *totals = &client->totals;
    msim_time moment = message->record.time;

    bool new_bundle = totals->trades == 0 || moment != totals->last;
    if (totals->trades == 0)
        totals->first = moment;
    totals->last = moment;
    totals->trades++;
    totals->bundles += new_bundle;
    if (new_bundle && settings->has_pace)
        measure_pace(client, moment);
    if (!settings->json && !settings->quiet && totals->trades <= settings->show_first)
        print_trade(message);
    if (settings->summary_count > 0 && totals->trades % settings->summary_count == 0) {
        totals->ended = terminal_clock();
        print_totals(client, "");
    }
}

static void take_status(struct client *client, const struct msim_replay_message *message)
{
    const struct settings *settings = &client->settings;
    bool is_error = message->kind == MSIM_REPLAY_ERROR;

    if (is_error) {
        terminal_fail(&client->terminal, "the server says: %s", message->text);
        client->code = EXIT_FAILED;
    } else if (!settings->json && !settings->quiet) {
        printf("-- %s\n", message->text);
    }
    if (strcmp(message->text, "Data loaded. Starting replay.") == 0)
        client->is_replay = true;
    else if (strcmp(message->text, "Replay finished.") == 0)
        client->is_finished = true;
}

static bool has_scratch(struct client *client, size_t length)
{
    if (length <= client->scratch_size)
        return true;
    char *scratch = realloc(client->scratch, length);
    if (!scratch)
        return false;
    client->scratch = scratch;
    client->scratch_size = length;
    return true;
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct client *client = context;
    const struct settings *settings = &client->settings;
    struct msim_replay_message message;

    client->totals.messages++;
    client->totals.bytes += length;
    if (!has_scratch(client, length)) {
        client->code = terminal_fail(&client->terminal, "out of memory");
        msim_connection_abort(connection);
        return;
    }
    bool known =
        kind == MSIM_MESSAGE_TEXT &&
        msim_replay_decode((const char *)bytes, length, &message, client->scratch, NULL) >= 0;
    bool is_trade = known && message.kind == MSIM_REPLAY_TRADE;
    if (settings->json && !settings->quiet &&
        (!is_trade || client->totals.trades < settings->show_first))
        print_line(bytes, length);
    if (is_trade) {
        take_trade(client, &message);
    } else if (known) {
        take_status(client, &message);
    } else {
        client->totals.unknown++;
        if (!settings->json && !settings->quiet)
            print_line(bytes, length);
    }
}

/* ---- coming and going ---- */

static void finish(struct client *client, int code)
{
    if (client->code == EXIT_SUCCESS)
        client->code = code;
    client->over = true;
}

static void opened(void *context, struct msim_connection *connection)
{
    struct client *client = context;

    (void)connection;
    client->was_open = true;
    client->attempts = 0;
    if (client->totals.began == 0)
        client->totals.began = terminal_clock();
    if (client->settings.summary_period > 0)
        client->next_summary = terminal_clock() + client->settings.summary_period;
    if (!client->settings.quiet)
        fprintf(stderr, "Connected to %s\n", client->settings.url);
}

/* Doubling from half a second, with a quarter of jitter, so that many clients do not come at once.
 */
static msim_time backoff(struct client *client)
{
    msim_time wait = BACKOFF_FIRST;

    for (uint32_t i = 0; i < client->attempts && wait < BACKOFF_MOST; i++)
        wait *= 2;
    if (wait > BACKOFF_MOST)
        wait = BACKOFF_MOST;
    uint64_t dice = msim_mix64((uint64_t)terminal_clock() ^ (uint64_t)getpid());
    return wait - msim_random_range(dice, 0, wait / 4);
}

static bool comes_again(const struct client *client, const struct msim_closing *closing)
{
    if (client->settings.reconnect == RECONNECT_NEVER || client->is_finished)
        return false;
    if (client->settings.reconnect == RECONNECT_ALWAYS)
        return true;
    return client->was_open && !client->is_replay && closing->code != MSIM_CLOSE_NORMAL &&
           closing->code != MSIM_CLOSE_POLICY;
}

static const char *why(const struct msim_closing *closing)
{
    if (closing->reason[0])
        return closing->reason;
    return closing->code == MSIM_CLOSE_ABNORMAL ? "the connection broke" : "closed";
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct client *client = context;

    (void)connection;
    client->connection = NULL;
    client->totals.ended = terminal_clock();
    if (client->stopping || client->is_finished ||
        (closing->failure == MSIM_OK && closing->code == MSIM_CLOSE_NORMAL)) {
        finish(client, EXIT_SUCCESS);
    } else if (comes_again(client, closing)) {
        msim_time wait = backoff(client);
        client->attempts++;
        client->retry_at = terminal_clock() + wait;
        terminal_settle(&client->terminal);
        fprintf(stderr, "%s: %s; trying again in %.1f s\n", client->settings.url, why(closing),
                (double)wait / 1e9);
    } else {
        terminal_fail(&client->terminal, "%s: %s (%d)%s", client->settings.url, why(closing),
                      closing->code,
                      client->was_open ? "" : "; is the server running, and is this its port?");
        finish(client, EXIT_FAILED);
    }
}

static void connect_now(struct client *client)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    client->retry_at = MSIM_TIME_NEVER;
    client->is_replay = false;
    params.url = client->settings.url;
    params.limits.max_message_bytes = MAX_MESSAGE;
    params.handler.opened = opened;
    params.handler.message = take_message;
    params.handler.closed = closed;
    params.context = client;
    int r = msim_net_connect(client->net, &client->connection, &params, &detail);
    if (r < 0)
        finish(client, terminal_fail(&client->terminal, "%s", detail.text));
}

static void stop(void *context, int fd)
{
    struct client *client = context;

    if (terminal_signal(fd) == 0)
        return;
    if (!client->connection || client->stopping) {
        client->totals.ended = terminal_clock();
        finish(client, EXIT_SUCCESS);
        return;
    }
    client->stopping = true;
    msim_connection_close(client->connection, MSIM_CLOSE_NORMAL, "");
}

static int wait_ms(const struct client *client, msim_time now)
{
    msim_time next = client->retry_at;

    if (client->connection && client->next_summary > 0 && client->next_summary < next)
        next = client->next_summary;
    if (next == MSIM_TIME_NEVER)
        return -1;
    return next <= now ? 0 : (int)((next - now) / MSIM_NS_PER_MS) + 1;
}

/* False where nobody reads what is printed any more. */
static bool flush_output(struct client *client)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    terminal_fail(&client->terminal, "the output cannot be written");
    finish(client, EXIT_FAILED);
    return false;
}

static void run(struct client *client)
{
    connect_now(client);
    while (!client->over) {
        msim_time now = terminal_clock();
        if (now >= client->retry_at)
            connect_now(client);
        if (client->connection && client->next_summary > 0 && now >= client->next_summary) {
            client->totals.ended = now;
            print_totals(client, "");
            client->next_summary += client->settings.summary_period;
        }
        if (client->over || !flush_output(client))
            break;
        if (msim_net_dispatch(client->net, wait_ms(client, now)) < 0) {
            finish(client, terminal_fail(&client->terminal, "the event loop failed"));
            break;
        }
    }
    flush_output(client);
}

static int start(struct client *client, int *signals)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_pacer_params pacing = MSIM_PACER_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    client->logger = terminal_logger(&client->terminal, client->settings.level);
    params.logger = &client->logger;
    int r = msim_net_create(&client->net, &params, &detail);
    if (r < 0)
        return terminal_fail(&client->terminal, "%s", detail.text);
    pacing.speed = client->settings.pace;
    msim_pacer_init(&client->pacer, &pacing);
    if (client->settings.has_pace) {
        client->offsets = calloc(PACE_BUNDLES, sizeof *client->offsets);
        if (!client->offsets)
            return terminal_fail(&client->terminal, "out of memory");
    }
    *signals = terminal_signals();
    if (*signals < 0 || msim_net_watch(client->net, *signals, stop, client) < 0)
        return terminal_fail(&client->terminal, "signals cannot be received");
    return EXIT_SUCCESS;
}

int main(int argument_count, char **arguments)
{
    struct client client = {.retry_at = MSIM_TIME_NEVER};
    int signals = -1;

    terminal_init(&client.terminal, "market-client");
    int code = read_settings(&client.settings, argument_count, arguments);
    if (code >= 0)
        return code;
    code = start(&client, &signals);
    if (code == EXIT_SUCCESS) {
        run(&client);
        code = client.code;
        if (client.was_open)
            print_totals(&client, "Total: ");
    }
    /* A connection that is still there is told to `closed` by the destroy: it must change nothing.
     */
    client.stopping = true;
    msim_net_destroy(&client.net);
    if (signals >= 0)
        close(signals);
    free(client.offsets);
    free(client.scratch);
    return code;
}
