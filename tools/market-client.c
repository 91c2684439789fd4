/*
 * market-client: connects to a server of ours, and prints what it says.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "base/decimal.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "client/exchange.h"
#include "client/feed.h"
#include "client/kinds.h"
#include "client/link.h"
#include "client/load.h"
#include "client/orders.h"
#include "client/remote.h"

#define MAX_REQUEST 16384

#define LOAD_DURATION (10 * MSIM_NS_PER_S)

/* After so long a silence it is told how one asks an exchange; mock-quotes says something every
 * two seconds. */
#define SILENCE_NS (2500 * MSIM_NS_PER_MS)

/* The table is drawn at most so often. */
#define DRAW_NS (100 * MSIM_NS_PER_MS)

enum reconnect {
    RECONNECT_AUTO, /* after a live feed broke; a replay would start from its beginning */
    RECONNECT_ALWAYS,
    RECONNECT_NEVER,
};

struct settings {
    struct link_settings link;
    bool json;
    bool quiet;
    bool as_table;
    bool polygon;
    bool exchange;
    const char *session;
    const char *script;
    const char *symbol;
    const char *order;
    uint64_t orders_per_second; /* 0: no load of orders */
    enum view_kind exchange_view;
    const char *subscribe;
    uint64_t show_first;
    uint64_t exit_after;      /* trades or events; 0: no end */
    uint64_t summary_count;   /* trades; 0: none */
    msim_time summary_period; /* 0: none */
    enum reconnect reconnect;
    struct msim_speed pace;
    enum msim_log_level level;
    struct load_settings load; /* `connections` 0: no load test */
    const char *send;
    bool control;
};

struct client {
    struct settings settings;
    struct terminal terminal;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_dialer *dialer;
    struct feed feed;
    struct remote remote; /* of a replay, with --control */
    struct link link;

    bool was_open; /* at least once */
    msim_time next_summary;
    msim_time next_draw;  /* of the table */
    msim_time silence_at; /* MSIM_TIME_NEVER: it has been told, or need not be */
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

static bool read_view(const char *text, struct settings *settings)
{
    settings->as_table = strcmp(text, "table") == 0;
    settings->exchange_view = strcmp(text, "book") == 0     ? VIEW_BOOK
                              : strcmp(text, "ticker") == 0 ? VIEW_TICKER
                                                            : VIEW_NONE;
    if (settings->as_table || settings->exchange_view != VIEW_NONE || strcmp(text, "lines") == 0)
        return true;
    fprintf(stderr, "market-client: --view: '%s' is not lines, table, book or ticker\n", text);
    return false;
}

/* A URL, and a symbol: one of each at most. */
static bool read_rest(struct settings *settings, char **rest, size_t count)
{
    bool has_url = false;

    for (size_t i = 0; i < count; i++) {
        const bool is_url = strstr(rest[i], "://") != NULL || settings->symbol;
        if (is_url && has_url) {
            fprintf(stderr, "market-client: one URL at a time; '%s' is too many\n", rest[i]);
            return false;
        }
        if (is_url)
            settings->link.url = rest[i];
        else
            settings->symbol = rest[i];
        has_url = has_url || is_url;
    }
    return true;
}

/* What only an exchange understands means that it is one. */
static bool check_exchange(struct settings *settings)
{
    const char *alone = settings->script                       ? "script"
                        : settings->session                    ? "session"
                        : settings->orders_per_second > 0      ? "orders-per-second"
                        : settings->exchange_view != VIEW_NONE ? "view"
                                                               : NULL;

    if (alone && settings->polygon) {
        fprintf(stderr, "market-client: --%s does not go with --protocol polygon\n", alone);
        return false;
    }
    settings->exchange = settings->exchange || alone;
    if (settings->order && settings->orders_per_second == 0) {
        fprintf(stderr, "market-client: --order goes with --orders-per-second\n");
        return false;
    }
    if (settings->script && settings->exchange_view != VIEW_NONE) {
        fprintf(stderr, "market-client: --script goes without --view\n");
        return false;
    }
    if (settings->exchange_view == VIEW_BOOK && !settings->symbol) {
        fprintf(stderr, "market-client: --view book: of which symbol? --view book BTC/USD\n");
        return false;
    }
    if (settings->symbol && settings->exchange_view == VIEW_NONE) {
        fprintf(stderr, "market-client: '%s' is no URL, such as ws://localhost:8765\n",
                settings->symbol);
        return false;
    }
    const char *for_feeds = settings->as_table         ? "view table"
                            : settings->pace.num > 0   ? "pace"
                            : settings->exit_after > 0 ? "exit-after"
                                                       : NULL;
    if (settings->exchange && for_feeds) {
        fprintf(stderr, "market-client: --%s is for feeds, not for an exchange\n", for_feeds);
        return false;
    }
    if (settings->orders_per_second > 0 && settings->load.connections == 0)
        settings->load.connections = 1;
    return true;
}

/* What is asked beside a load test, or without one. */
static int check_load(const struct settings *settings)
{
    const struct load_settings *load = &settings->load;
    const char *alone = load->duration > 0 ? "duration"
                        : load->churn > 0  ? "churn"
                        : load->sequence   ? "sequence"
                        : load->stamp      ? "stamp"
                                           : NULL;

    if (load->connections == 0 && alone) {
        fprintf(stderr, "market-client: --%s goes with --load\n", alone);
        return EXIT_USAGE;
    }
    if (settings->control && (load->connections > 0 || settings->exchange || settings->polygon)) {
        fprintf(stderr, "market-client: --control steers one replay: without %s\n",
                load->connections > 0 ? "--load" : "--protocol");
        return EXIT_USAGE;
    }
    const char *without = settings->as_table         ? "view"
                          : settings->pace.num > 0   ? "pace"
                          : settings->exit_after > 0 ? "exit-after"
                                                     : NULL;
    if (load->connections > 0 && without) {
        fprintf(stderr, "market-client: --load prints totals alone: without --%s\n", without);
        return EXIT_USAGE;
    }
    return -1;
}

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const char *interval = NULL;
    const char *reconnect = "auto";
    const char *view = "lines";
    const char *protocol = "auto";
    const struct option options[] = {
        {"json", 'j', OPTION_FLAG, &settings->json, NULL,
         "print each message as it came, a JSON line each"},
        {"quiet", 'q', OPTION_FLAG, &settings->quiet, NULL, "print no messages, only the totals"},
        {"show-first-n", 'n', OPTION_COUNT, &settings->show_first, "N",
         "print only the first N trades; the others are counted"},
        {"exit-after", 0, OPTION_LIMIT, &settings->exit_after, "N",
         "end when N trades or events have come"},
        {"summary-interval", 0, OPTION_TEXT, &interval, "N|TIME",
         "a line of totals after every N trades (1000)\nor after a time (5s)"},
        {"view", 0, OPTION_TEXT, &view, "KIND",
         "lines (default), or table: a live board of all symbols;\n"
         "of an exchange: book SYMBOL, or ticker"},
        {"protocol", 0, OPTION_TEXT, &protocol, "NAME",
         "auto (default), or polygon: say the key, subscribe, and\n"
         "show trades and quotes, at mock-quotes or the vendor;\n"
         "or exchange: commands from stdin ('help' lists them)"},
        {"session", 0, OPTION_TEXT, &settings->session, "NAME", "the account at the exchange"},
        {"script", 0, OPTION_TEXT, &settings->script, "FILE",
         "JSON lines for the exchange: what to send, what has to\ncome; exits with 1 where it does "
         "not"},
        {"orders-per-second", 0, OPTION_LIMIT, &settings->orders_per_second, "R",
         "a load of orders at the exchange, over --load N\nconnections (1)"},
        {"order", 0, OPTION_TEXT, &settings->order, "COMMAND",
         "each of them (buy 0.01 BTC/USD @ 1000)"},
        {"api-key-file", 0, OPTION_TEXT, &settings->link.api_key_file, "FILE",
         "the key for a server that wants one: the file's first\nline, KEY [secret=TEXT]; else "
         "that of MARKETSIM_API_KEY"},
        {"header", 0, OPTION_PATHS, &settings->link.headers, "LINE",
         "'Name: value', a header of the request; may be given\nagain. Keys are safer in a file"},
        {"subscribe", 0, OPTION_TEXT, &settings->subscribe, "LIST",
         "polygon's channels: T.AAPL,Q.* (T.*)"},
        {"pace", 0, OPTION_SPEED, &settings->pace, "FACTOR",
         "measure how late trades come, against a replay at this\nspeed"},
        {"reconnect", 0, OPTION_TEXT, &reconnect, "WHEN",
         "auto (default): when a live feed breaks, not when a replay\n"
         "does, since it would start from its beginning;\n"
         "always: also where no server is there yet; or never"},
        {"load", 0, OPTION_LIMIT, &settings->load.connections, "N",
         "a load test: open N connections, and measure what comes"},
        {"duration", 0, OPTION_DURATION, &settings->load.duration, "TIME",
         "of the load test, from when all are open (10s)"},
        {"churn", 0, OPTION_LIMIT_OR_NONE, &settings->load.churn, "N",
         "close N connections each second and open others"},
        {"send", 0, OPTION_TEXT, &settings->send, "TEXT",
         "what is said first, by each of them, such as a subscription"},
        {"control", 0, OPTION_FLAG, &settings->control, NULL,
         "steer a replay from stdin: pause, resume, step 3, speed 20,\n"
         "seek 2022-07-01T12:00:00Z, stats ('help' lists them)"},
        {"stamp", 0, OPTION_TEXT, &settings->load.stamp, "KEY",
         "the key whose number is the moment of sending (ts)"},
        {"sequence", 0, OPTION_TEXT, &settings->load.sequence, "KEY",
         "the key of a number that grows by one: gaps are counted"},
        {"ca-file", 0, OPTION_TEXT, &settings->link.ca_file, "FILE",
         "who may vouch for a wss:// server (PEM); the system's\nauthorities if it is not there"},
        {"insecure", 0, OPTION_FLAG, &settings->link.insecure, NULL,
         "take any certificate of a wss:// server"},
        {"deflate", 0, OPTION_FLAG, &settings->link.deflate, NULL, "ask for compressed messages"},
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
                    "  market-client --quiet --pace 1\n"
                    "  market-client --control 'ws://localhost:8765/?format=bundle&ticker=BTC-*'\n"
                    "  market-client --view table\n"
                    "  market-client --load 1000 --duration 30s --json ws://localhost:8765\n"
                    "  market-client --protocol exchange --session alice\n"
                    "  echo 'buy 1 BTC/USD @ 50000' | market-client --protocol exchange\n"
                    "  market-client --view book BTC/USD\n"
                    "  market-client --script check.ndjson ws://localhost:8765\n"
                    "  market-client --orders-per-second 5000 --load 16 --json\n"
                    "  market-client --protocol polygon --api-key-file key.txt --subscribe "
                    "T.AAPL,Q.AAPL ws://localhost:8765/stocks\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };

    *settings = (struct settings){
        .link.url = "ws://localhost:8765", .show_first = UINT64_MAX, .level = MSIM_LOG_WARNING};
    char **rest;
    size_t rest_count;
    int code = options_read(&line, argument_count, arguments, &rest, &rest_count);
    if (code >= 0)
        return code;
    if (!read_rest(settings, rest, rest_count))
        return EXIT_USAGE;
    if ((interval && !read_interval(interval, settings)) ||
        !read_reconnect(reconnect, &settings->reconnect))
        return EXIT_USAGE;
    if (settings->pace.num > 0 && settings->pace.den == 0) {
        fprintf(stderr,
                "market-client: --pace: at full speed nothing can be late; name a number\n");
        return EXIT_USAGE;
    }
    if (!read_view(view, settings))
        return EXIT_USAGE;
    if (settings->json && settings->as_table) {
        fprintf(stderr, "market-client: --json goes without --view table: one or the other\n");
        return EXIT_USAGE;
    }
    settings->polygon = strcmp(protocol, "polygon") == 0;
    settings->exchange = strcmp(protocol, "exchange") == 0;
    if (!settings->polygon && !settings->exchange && strcmp(protocol, "auto") != 0) {
        fprintf(stderr, "market-client: --protocol: '%s' is not auto, polygon or exchange\n",
                protocol);
        return EXIT_USAGE;
    }
    if (!check_exchange(settings))
        return EXIT_USAGE;
    if (!settings->polygon && settings->subscribe) {
        fprintf(stderr, "market-client: --subscribe goes with --protocol polygon\n");
        return EXIT_USAGE;
    }
    settings->link.saves_memory = settings->load.connections > 0;
    return check_load(settings);
}

static const char *channels_of(const struct client *client)
{
    return client->settings.subscribe ? client->settings.subscribe : "T.*";
}

/* ---- what comes ---- */

static size_t count_channels(const char *list)
{
    size_t count = 1;

    for (; *list; list++)
        count += *list == ',';
    return count;
}

/* What the server is not, where it is of another kind than what is said to it; NULL where it may
 * be asked like this. */
static const char *what_it_is_not(const struct settings *settings, enum server_kind kind)
{
    if (kind == SERVER_UNKNOWN)
        return NULL;
    if (settings->polygon)
        return kind == SERVER_POLYGON ? NULL : "does not speak Polygon's dialect, and ";
    if (settings->control)
        return kind == SERVER_REPLAY ? NULL : "is no replay, and ";
    /* These two say no more to who does not answer. */
    return kind == SERVER_POLYGON || kind == SERVER_SOCKETIO ? "" : NULL;
}

/* A server of another kind, or one that has none of the channels, will say nothing of use. */
static bool is_in_vain(struct client *client, const unsigned char *bytes, size_t length)
{
    const struct settings *settings = &client->settings;
    const struct feed *feed = &client->feed;
    const enum server_kind kind =
        feed->totals.messages == 1 ? server_kind_of((const char *)bytes, length) : SERVER_UNKNOWN;
    const char *not_this = what_it_is_not(settings, kind);

    if (not_this)
        terminal_fail(&client->terminal, "%s %s%s", settings->link.url, not_this,
                      server_kind_words(kind));
    else if (settings->polygon && feed->granted == 0 &&
             feed->refused >= count_channels(channels_of(client)))
        terminal_fail(&client->terminal, "no channel of --subscribe %s is served",
                      channels_of(client));
    else
        return false;
    /* Who says something of their own may speak another language than the options. */
    if (settings->send && !settings->polygon && !settings->control)
        return false;
    client->code = EXIT_FAILED;
    return true;
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct client *client = context;
    const uint64_t enough = client->settings.exit_after;

    /* What is still under way behind the last one wanted is nobody's. */
    if (client->stopping && enough > 0)
        return;
    const uint64_t answers = client->feed.answers;
    if (feed_take(&client->feed, kind, bytes, length)) {
        if (client->feed.answers > answers)
            remote_hear(&client->remote);
        if (is_in_vain(client, bytes, length) ||
            (enough > 0 && feed_counted(&client->feed) >= enough)) {
            client->stopping = true;
            msim_connection_close(connection, MSIM_CLOSE_NORMAL, "");
        }
        return;
    }
    client->code = terminal_fail(&client->terminal, "out of memory");
    client->stopping = true;
    msim_connection_abort(connection);
}

/* ---- coming and going ---- */

static msim_time later(msim_time moment, msim_time distance)
{
    return moment > MSIM_TIME_NEVER - distance ? MSIM_TIME_NEVER : moment + distance;
}

static void finish(struct client *client, int code)
{
    if (client->code == EXIT_SUCCESS)
        client->code = code;
    client->feed.totals.ended = terminal_clock();
    client->over = true;
}

/* `{"action":"auth","params":"KEY"}` */
static int write_request(char text[static MAX_REQUEST], const char *action, const char *params,
                         size_t *length)
{
    struct msim_json_writer writer;

    msim_json_write_buffer(&writer, text, MAX_REQUEST - 1);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "action");
    msim_json_write_text(&writer, action);
    msim_json_write_key(&writer, "params");
    msim_json_write_text(&writer, params);
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, length);
    if (r >= 0)
        text[*length] = '\0';
    return r;
}

/* Polygon's dialect says one in any case. */
static const char *api_key(const struct client *client)
{
    return client->link.api_key ? client->link.api_key : "";
}

static int ask(struct msim_connection *connection, const char *action, const char *params)
{
    char text[MAX_REQUEST];
    size_t length;

    int r = write_request(text, action, params, &length);
    return r < 0 ? r : msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, length);
}

static void opened(void *context, struct msim_connection *connection)
{
    struct client *client = context;

    if (client->settings.polygon && (ask(connection, "auth", api_key(client)) < 0 ||
                                     ask(connection, "subscribe", channels_of(client)) < 0)) {
        client->code = terminal_fail(&client->terminal, "the key or the channels are too long");
        client->stopping = true;
        msim_connection_abort(connection);
        return;
    }
    if (client->settings.send)
        msim_connection_send(connection, MSIM_MESSAGE_TEXT, client->settings.send,
                             strlen(client->settings.send));
    if (client->settings.control)
        remote_open(&client->remote, connection);
    if (!client->was_open)
        client->silence_at = terminal_clock() + SILENCE_NS;
    client->was_open = true;
    if (client->feed.totals.began == 0)
        client->feed.totals.began = terminal_clock();
    if (client->settings.summary_period > 0)
        client->next_summary = later(terminal_clock(), client->settings.summary_period);
    if (!client->settings.quiet)
        fprintf(stderr, "Connected to %s\n", client->settings.link.url);
}

static bool comes_again(const struct client *client, const struct msim_closing *closing)
{
    if (client->settings.reconnect == RECONNECT_NEVER || client->feed.said_error)
        return false;
    if (client->settings.reconnect == RECONNECT_ALWAYS)
        return true;
    return client->was_open && !client->feed.is_replay && closing->code != MSIM_CLOSE_NORMAL &&
           closing->code != MSIM_CLOSE_POLICY;
}

static const char *why(const struct msim_closing *closing, char out[MSIM_DETAIL_SIZE])
{
    const char *words = closing->code == MSIM_CLOSE_ABNORMAL ? "the connection broke" : "closed";

    snprintf(out, MSIM_DETAIL_SIZE, "%s", closing->reason[0] ? closing->reason : words);
    terminal_clean(out);
    return out;
}

/* After each connection that ended or did not come about: is another one tried? */
static bool again(void *context, const struct msim_closing *closing, msim_time wait)
{
    struct client *client = context;
    char words[MSIM_DETAIL_SIZE];

    client->feed.totals.ended = terminal_clock();
    remote_close(&client->remote);
    if (client->stopping || client->feed.is_finished ||
        (closing->failure == MSIM_OK && closing->code == MSIM_CLOSE_NORMAL)) {
        finish(client, EXIT_SUCCESS);
        return false;
    }
    if (comes_again(client, closing)) {
        terminal_fail(&client->terminal, "%s: %s", client->settings.link.url, why(closing, words));
        fprintf(stderr, "trying again in %.1f s\n", (double)wait / 1e9);
        client->feed.is_replay = false;
        client->feed.pace_started = false;
        return true;
    }
    if (!client->feed.said_error)
        terminal_fail(&client->terminal, "%s: %s (%d)", client->settings.link.url,
                      why(closing, words), closing->code);
    finish(client, EXIT_FAILED);
    return false;
}

static void dial(struct client *client)
{
    struct msim_dialer_params params = MSIM_DIALER_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    link_use(&client->link, &params.connect);
    params.connect.handler.opened = opened;
    params.connect.handler.message = take_message;
    params.connect.context = client;
    params.again = again;
    int r = msim_dialer_create(client->net, &client->dialer, &params, &detail);
    if (r >= 0)
        return;
    terminal_fail(&client->terminal, "%s", detail.text);
    finish(client, exit_code_of(r));
}

static struct msim_connection *connection_of(const struct client *client)
{
    return msim_dialer_connection(client->dialer);
}

static void stop(void *context, int fd)
{
    struct client *client = context;

    if (terminal_signal(fd) == 0)
        return;
    if (!connection_of(client) || client->stopping) {
        finish(client, EXIT_SUCCESS);
        return;
    }
    client->stopping = true;
    msim_connection_close(connection_of(client), MSIM_CLOSE_NORMAL, "");
}

static int wait_ms(const struct client *client, msim_time next, msim_time now)
{
    if (connection_of(client) && client->next_summary > 0 && client->next_summary < next)
        next = client->next_summary;
    if (client->silence_at < next)
        next = client->silence_at;
    if (client->feed.board.is_changed && client->next_draw < next)
        next = client->next_draw;
    if (next == MSIM_TIME_NEVER)
        return -1;
    if (next <= now)
        return 0;
    msim_time ms = (next - now) / MSIM_NS_PER_MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* False where nobody reads what is printed any more. */
static bool flush_output(struct client *client)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    /* A signal came while nobody took the output: it is served next. */
    if (terminal_interrupted()) {
        clearerr(stdout);
        return true;
    }
    /* `market-client | head` has what it wanted. */
    if (errno == EPIPE)
        finish(client, EXIT_SUCCESS);
    else
        finish(client, terminal_fail(&client->terminal, "the output cannot be written: %s",
                                     strerror(errno)));
    return false;
}

static void tell_of_silence(struct client *client)
{
    client->silence_at = MSIM_TIME_NEVER;
    if (client->feed.totals.messages == 0 && connection_of(client) && !client->stopping)
        fputs("market-client: nothing came yet: an exchange says nothing unasked; --view ticker "
              "shows its prices, --protocol exchange takes commands\n",
              stderr);
}

static void run(struct client *client)
{
    client->silence_at = MSIM_TIME_NEVER;
    dial(client);
    while (!client->over) {
        msim_time now = terminal_clock();
        if (now >= client->silence_at)
            tell_of_silence(client);
        if (connection_of(client) && client->next_summary > 0 && now >= client->next_summary) {
            client->feed.totals.ended = now;
            feed_summarise(&client->feed, "");
            client->next_summary = later(client->next_summary, client->settings.summary_period);
        }
        if (client->feed.board.is_changed && now >= client->next_draw) {
            board_draw(&client->feed.board, client->settings.link.url);
            client->next_draw = now + DRAW_NS;
        }
        msim_time next = remote_turn(&client->remote, now);
        if (client->over || !flush_output(client))
            break;
        if (msim_net_dispatch(client->net, wait_ms(client, next, now)) < 0) {
            finish(client, terminal_fail(&client->terminal, "the event loop failed"));
            break;
        }
    }
    if (client->settings.as_table)
        board_draw(&client->feed.board, client->settings.link.url);
    if (!ferror(stdout)) /* which has been told */
        flush_output(client);
}

static int run_exchange(struct client *client)
{
    const struct settings *settings = &client->settings;
    struct exchange_settings exchange = {
        .link = &client->link,
        .session = settings->session,
        .symbol = settings->symbol,
        .script = settings->script,
        .view = settings->exchange_view,
        .json = settings->json,
        .quiet = settings->quiet,
        .comes_again = settings->reconnect != RECONNECT_NEVER,
        .comes_from_afar = settings->reconnect == RECONNECT_ALWAYS,
    };

    client->logger = terminal_logger(&client->terminal, settings->level);
    return exchange_run(&exchange, &client->terminal, &client->logger);
}

static int run_orders(struct client *client, const struct load_settings *load)
{
    const struct settings *settings = &client->settings;
    struct orders_settings orders = {
        .load = load,
        .session = settings->session,
        .order = settings->order ? settings->order : "buy 0.01 BTC/USD @ 1000",
        .per_second = settings->orders_per_second,
    };

    return orders_run(&orders, &client->terminal, &client->logger);
}

/* The load test, with what each connection has to say first. */
static int run_load(struct client *client)
{
    const struct settings *settings = &client->settings;
    struct load_settings load = settings->load;
    char key[MAX_REQUEST];
    char channels[MAX_REQUEST];
    size_t length;

    client->logger = terminal_logger(&client->terminal, settings->level);
    load.link = &client->link;
    load.json = settings->json;
    load.says[0] = settings->send;
    if (load.duration == 0)
        load.duration = LOAD_DURATION;
    if (settings->orders_per_second > 0)
        return run_orders(client, &load);
    if (!load.stamp)
        load.stamp = "ts";
    if (settings->polygon) {
        if (write_request(key, "auth", api_key(client), &length) < 0 ||
            write_request(channels, "subscribe", channels_of(client), &length) < 0)
            return terminal_fail(&client->terminal, "the key or the channels are too long");
        load.says[0] = key;
        load.says[1] = channels;
    }
    return load_run(&load, &client->terminal, &client->logger);
}

static int start(struct client *client)
{
    const struct settings *settings = &client->settings;

    client->logger = terminal_logger(&client->terminal, settings->level);
    client->feed.json = settings->json;
    client->feed.quiet = settings->quiet;
    client->feed.as_table = settings->as_table;
    client->feed.is_polygon = settings->polygon;
    client->feed.is_answered = settings->control || settings->send;
    client->feed.show_first = settings->show_first;
    client->feed.summary_count = settings->summary_count;
    if (!feed_init(&client->feed, settings->pace))
        return terminal_fail(&client->terminal, "out of memory");
    client->remote.terminal = &client->terminal;
    const int code = link_net(&client->net, 0, stop, client, &client->terminal, &client->logger);
    client->remote.net = client->net;
    return code;
}

static int run_feed(struct client *client)
{
    int code = start(client);

    if (code == EXIT_SUCCESS) {
        run(client);
        bool is_wrong = client->feed.said_error || client->remote.is_wrong;
        code = client->code == EXIT_SUCCESS && is_wrong ? EXIT_FAILED : client->code;
        if (client->was_open)
            feed_summarise(&client->feed, "Total: ");
    }
    msim_net_destroy(&client->net);
    feed_finish(&client->feed);
    return code;
}

int main(int argument_count, char **arguments)
{
    struct client client = {0};
    struct settings *settings = &client.settings;

    terminal_init(&client.terminal, "market-client");
    int code = read_settings(settings, argument_count, arguments);
    if (code < 0)
        code = link_open(&client.link, &settings->link, &client.terminal);
    if (code < 0) {
        code = settings->load.connections > 0 ? run_load(&client)
               : settings->exchange           ? run_exchange(&client)
                                              : run_feed(&client);
        link_close(&client.link);
    }
    option_list_finish(&settings->link.headers);
    return code;
}
