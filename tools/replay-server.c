/*
 * replay-server: trades from Parquet and CSV files over WebSocket, at their own pace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/marketsim.h>

#include "base/calendar.h"
#include "cli/examine.h"
#include "cli/network.h"
#include "cli/options.h"
#include "cli/service.h"

/* Moments that stand for no bound. */
#define NO_FROM INT64_MIN
#define NO_TO MSIM_TIME_NEVER
/* Replays at once that the plan has memory for. */
#define PLANNED_SOURCES 20

struct settings {
    struct option_list trade_files;
    struct option_list columns;
    struct option_list tickers;
    struct option_list extra_columns;
    const char *timestamp_unit;
    struct network network;
    struct msim_speed speed;
    msim_time max_gap;
    msim_time from;
    msim_time to;
    bool skip_bad_rows;
    bool ignore_statistics;
    bool check;
    bool explain;
    uint64_t memory;
    const char *temp_dir;
    uint64_t max_queue_size;
    enum msim_log_level level;
    char **paths;
    size_t path_count;
};

struct replay {
    struct settings settings;
    struct service service;
    struct msim_parquet *parquet;
    struct msim_replay_server *server;
    uint64_t bad_rows; /* left out of the replays that have ended */
};

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const struct option options[] = {
        {"trade-file", 0, OPTION_PATHS, &settings->trade_files, "PATH",
         "another spelling of FILE; may be given again"},
        {"speed", 's', OPTION_SPEED, &settings->speed, "FACTOR",
         "1 is the original pace (default), 10 ten times as fast,\n"
         "max as fast as the client reads"},
        {"max-gap", 0, OPTION_DURATION, &settings->max_gap, "TIME",
         "shorten idle stretches of the history to this (5s)"},
        {"from", 0, OPTION_MOMENT, &settings->from, "MOMENT",
         "only trades at and after (2022-07-01T00:00:29Z)"},
        {"to", 0, OPTION_MOMENT, &settings->to, "MOMENT", "only trades before"},
        {"ticker", 0, OPTION_LIST, &settings->tickers, "LIST",
         "only these; * and ? match (BTC-*,ETH-USDT@OKX)"},
        {"columns", 0, OPTION_LIST, &settings->columns, "LIST",
         "the file's names for timestamp, price, volume, ticker\n(timestamp=ts,price=px)"},
        {"extra-columns", 0, OPTION_LIST, &settings->extra_columns, "LIST",
         "further columns, each under its own name; or all"},
        {"timestamp-unit", 0, OPTION_TEXT, &settings->timestamp_unit, "UNIT",
         "what timestamps count that are bare integers: s, ms, us\nor ns since 1970"},
        {"skip-bad-rows", 0, OPTION_FLAG, &settings->skip_bad_rows, NULL,
         "count rows that cannot be read, and go on"},
        {"ignore-statistics", 0, OPTION_FLAG, &settings->ignore_statistics, NULL,
         "find each row group's range by reading its timestamps"},
        {"check", 0, OPTION_FLAG, &settings->check, NULL,
         "read everything, say what was found and every defect,\nand end: 0 where there is none"},
        {"explain", 0, OPTION_FLAG, &settings->explain, NULL,
         "print in which order row groups are opened, and end"},
        {"memory", 0, OPTION_BYTES, &settings->memory, "BYTES",
         "what reading and sorting the files may take, for all\nclients together (1G)"},
        {"temp-dir", 0, OPTION_TEXT, &settings->temp_dir, "FOLDER",
         "where what does not fit in memory is sorted ($TMPDIR, or\n/var/tmp)"},
        {"max-clients", 0, OPTION_LIMIT, &settings->network.max_clients, "N",
         "replays at once (64); more clients are refused"},
        {"max-backlog", 0, OPTION_BYTES, &settings->network.max_backlog, "BYTES",
         "queued for a client that reads slowly (8M); then its\nreplay waits"},
        {"max-queue-size", 0, OPTION_LIMIT_OR_NONE, &settings->max_queue_size, "N",
         "bundles queued for a client, a further bound (none)"},
        NETWORK_OPTIONS(&settings->network, "8765"),
        {"log-level", 0, OPTION_LEVEL, &settings->level, "LEVEL",
         "error, warning, info (default) or debug"},
    };
    const struct command_line line = {
        .program = "replay-server",
        .usage = "[OPTIONS] FILE...",
        .summary = "Replays trades from Parquet and CSV files, strictly in order of time and at "
                   "their own pace,\nto every WebSocket client from the start. FILE may be a "
                   "folder of Parquet files.",
        .examples = "  replay-server trades_sample.parquet\n"
                    "  replay-server --speed 10 --ticker 'BTC-*' day1.parquet day2.parquet\n"
                    "  replay-server --speed max --port 9000 trades/\n"
                    "  market-client ws://localhost:8765\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };

    *settings = (struct settings){
        .network.port = 8765, .level = MSIM_LOG_INFO, .from = NO_FROM, .to = NO_TO};
    int code =
        options_read(&line, argument_count, arguments, &settings->paths, &settings->path_count);
    if (code >= 0)
        return code;
    if (settings->from >= settings->to) {
        fprintf(stderr, "replay-server: --from must be earlier than --to\n");
        return EXIT_USAGE;
    }
    if (settings->path_count + settings->trade_files.count == 0) {
        fprintf(stderr, "replay-server: name a Parquet file or a folder of them; see "
                        "replay-server --help\n");
        return EXIT_USAGE;
    }
    return -1;
}

/* `timestamp=ts` into the params; false, with words said, where it is no such pair. */
static bool set_column(const char *pair, struct msim_parquet_params *params)
{
    const char *equals = strchr(pair, '=');
    size_t length = equals ? (size_t)(equals - pair) : 0;
    struct {
        const char *name;
        const char **target;
    } columns[] = {
        {"timestamp", &params->timestamp_column},
        {"price", &params->price_column},
        {"volume", &params->volume_column},
        {"ticker", &params->ticker_column},
    };

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (strlen(columns[i].name) != length || memcmp(columns[i].name, pair, length) != 0 ||
            equals[1] == '\0')
            continue;
        *columns[i].target = equals + 1;
        return true;
    }
    fprintf(stderr,
            "replay-server: --columns: '%s' is not a pair such as timestamp=ts; the columns are "
            "timestamp, price, volume, ticker\n",
            pair);
    return false;
}

/* `ms` into the params; false, with words said, where it is no such unit. */
static bool set_unit(const char *name, struct msim_parquet_params *params)
{
    static const struct {
        const char *name;
        msim_time nanoseconds;
    } units[] = {{"s", MSIM_NS_PER_S}, {"ms", MSIM_NS_PER_MS}, {"us", MSIM_NS_PER_US}, {"ns", 1}};

    for (size_t i = 0; name && i < sizeof units / sizeof units[0]; i++)
        if (strcmp(name, units[i].name) == 0)
            params->timestamp_unit = units[i].nanoseconds;
    if (!name || params->timestamp_unit > 0)
        return true;
    fprintf(stderr, "replay-server: --timestamp-unit: '%s' is none of s, ms, us, ns\n", name);
    return false;
}

/* All paths in one list: the positional ones, then those of --trade-file. */
static const char **all_paths(const struct settings *settings, size_t *count)
{
    *count = settings->path_count + settings->trade_files.count;
    const char **paths = calloc(*count, sizeof *paths);
    if (!paths)
        return NULL;
    for (size_t i = 0; i < settings->path_count; i++)
        paths[i] = settings->paths[i];
    for (size_t i = 0; i < settings->trade_files.count; i++)
        paths[settings->path_count + i] = settings->trade_files.items[i];
    return paths;
}

static const char *temp_directory(const struct settings *settings)
{
    const char *named = getenv("TMPDIR");

    if (settings->temp_dir)
        return settings->temp_dir;
    return named && named[0] ? named : "/var/tmp";
}

/* So many replays at once have memory enough; more may have to be refused. */
static uint32_t planned_sources(const struct settings *settings)
{
    uint64_t most = settings->network.max_clients;

    return most > 0 && most < PLANNED_SOURCES ? (uint32_t)most : PLANNED_SOURCES;
}

static int open_files(struct replay *replay)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    for (size_t i = 0; i < replay->settings.columns.count; i++)
        if (!set_column(replay->settings.columns.items[i], &params))
            return EXIT_USAGE;
    if (!set_unit(replay->settings.timestamp_unit, &params))
        return EXIT_USAGE;
    const char **paths = all_paths(&replay->settings, &params.path_count);
    if (!paths)
        return terminal_fail(&replay->service.terminal, "out of memory");
    params.paths = paths;
    /* A check tells of bad rows and goes on. */
    params.skip_bad_rows = replay->settings.skip_bad_rows || replay->settings.check;
    params.ignore_statistics = replay->settings.ignore_statistics;
    params.memory_bytes = replay->settings.memory;
    params.temp_directory = temp_directory(&replay->settings);
    params.sources = planned_sources(&replay->settings);
    params.logger = &replay->service.logger;
    int r = msim_parquet_open(&replay->parquet, &params, &detail);
    free(paths);
    if (r < 0)
        terminal_fail(&replay->service.terminal, "%s", detail.text);
    return exit_code_of(r);
}

static int open_source(void *context, struct msim_source *out, struct msim_detail *detail)
{
    struct replay *replay = context;
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;

    params.has_from = replay->settings.from != NO_FROM;
    params.has_to = replay->settings.to != NO_TO;
    params.from = replay->settings.from;
    params.to = replay->settings.to;
    params.tickers = (const char *const *)replay->settings.tickers.items;
    params.ticker_count = replay->settings.tickers.count;
    const struct option_list *extra = &replay->settings.extra_columns;
    params.all_extra_columns = extra->count == 1 && strcmp(extra->items[0], "all") == 0;
    if (!params.all_extra_columns) {
        params.extra_columns = (const char *const *)extra->items;
        params.extra_column_count = extra->count;
    }
    return msim_parquet_source(out, replay->parquet, &params, detail);
}

static void count_bad_rows(void *context, const struct msim_source *source)
{
    struct replay *replay = context;

    replay->bad_rows += msim_parquet_bad_rows(source);
}

/* Sorts what does not fit in memory, before anybody waits for it. */
static int prepare(struct replay *replay)
{
    struct msim_detail detail = {{0}};
    struct msim_parquet_info info;

    msim_parquet_info(replay->parquet, &info);
    if (info.spilled_rows == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "sorting %" PRIu64 " rows in %s, which do not fit in memory (--memory)\n",
            info.spilled_rows, temp_directory(&replay->settings));
    int r = msim_parquet_prepare(replay->parquet, 0, &detail);
    if (r < 0)
        terminal_fail(&replay->service.terminal, "%s", detail.text);
    return r < 0 ? exit_code_of(r) : EXIT_SUCCESS;
}

/*
 * Reads the first trades of the selection before anybody connects: what cannot be read, and a
 * selection without trades, is better known now than by the first client.
 */
static int try_source(struct replay *replay)
{
    struct terminal *terminal = &replay->service.terminal;
    struct msim_detail detail = {{0}};
    struct msim_source source;
    struct msim_record record;
    size_t count;

    int r = open_source(replay, &source, &detail);
    if (r >= 0) {
        do
            r = msim_source_pull(&source, &record, 1, &count, &detail);
        while (r == MSIM_PULL_EMPTY);
        msim_source_release(&source);
    }
    if (r < 0) {
        terminal_fail(terminal, "%s", detail.text);
        return exit_code_of(r);
    }
    bool selects = replay->settings.from != NO_FROM || replay->settings.to != NO_TO ||
                   replay->settings.tickers.count;
    if (r == MSIM_PULL_END && selects) {
        terminal_fail(terminal, "no trade is within --from, --to and --ticker (names are compared "
                                "with their case)");
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

static void stop(void *context)
{
    struct replay *replay = context;

    msim_replay_server_stop(replay->server);
}

static int start(struct replay *replay)
{
    const struct settings *settings = &replay->settings;
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    params.open = open_source;
    params.ended = count_bad_rows;
    params.context = replay;
    params.host = settings->network.host;
    params.port = settings->network.port;
    params.speed = settings->speed;
    params.max_gap = settings->max_gap;
    params.max_clients = (size_t)settings->network.max_clients;
    params.max_backlog_bytes = (size_t)settings->network.max_backlog;
    params.max_queue_bundles = (size_t)settings->max_queue_size;
    params.logger = &replay->service.logger;
    params.access = settings->network.access;
    params.tls = settings->network.tls;
    params.deflate.is_on = settings->network.deflate;
    int r = msim_replay_server_create(&replay->server, &params, &detail);
    if (r < 0) {
        terminal_fail(&replay->service.terminal, "%s", detail.text);
        return exit_code_of(r);
    }
    struct msim_net *net = msim_replay_server_net(replay->server);
    int code = network_watch(&replay->settings.network, net);
    return code >= 0 ? code : service_watch(&replay->service, net, stop, replay);
}

static void announce(const struct replay *replay)
{
    struct msim_parquet_info info;
    char first[MSIM_CALENDAR_SIZE] = "";
    char last[MSIM_CALENDAR_SIZE] = "";

    msim_parquet_info(replay->parquet, &info);
    if (info.rows > 0) {
        msim_calendar_print(info.first, MSIM_CALENDAR_PLAIN, first);
        msim_calendar_print(info.last, MSIM_CALENDAR_PLAIN, last);
    }
    fprintf(stderr, "%" PRIu64 " trades in %" PRIu64 " file%s%s%s%s%s\n", info.rows, info.files,
            info.files == 1 ? "" : "s", info.rows ? ", " : "", first, info.rows ? " to " : "",
            last);
    network_announce(&replay->settings.network, msim_replay_server_port(replay->server));
}

/* ", lateness ..."; nothing where nothing was due at a moment. */
static const char *lateness_words(const struct msim_replay_stats *stats, char *out, size_t size)
{
    out[0] = '\0';
    if (stats->lateness_max > 0)
        snprintf(out, size, ", lateness p50 %" PRId64 " us, p99 %" PRId64 " us, max %" PRId64 " us",
                 stats->lateness_p50 / 1000, stats->lateness_p99 / 1000,
                 stats->lateness_max / 1000);
    return out;
}

static void show_progress(struct replay *replay)
{
    struct msim_replay_stats stats;
    char position[MSIM_CALENDAR_SIZE] = "no trade yet";
    char words[128];

    msim_replay_server_stats(replay->server, &stats);
    if (stats.position != MSIM_TIME_NEVER)
        msim_calendar_print(stats.position, MSIM_CALENDAR_PLAIN, position);
    terminal_progress(&replay->service.terminal, "%s, %" PRIu64 " trades%s, %" PRIu64 " client%s",
                      position, stats.trades, lateness_words(&stats, words, sizeof words),
                      stats.clients, stats.clients == 1 ? "" : "s");
}

static uint64_t client_count(const struct replay *replay)
{
    struct msim_replay_stats stats;

    msim_replay_server_stats(replay->server, &stats);
    return stats.clients;
}

static int run(struct replay *replay)
{
    struct service *service = &replay->service;

    while (!service_is_over(service, client_count(replay))) {
        if (msim_replay_server_dispatch(replay->server, service_timeout(service)) < 0)
            return terminal_fail(&service->terminal, "the event loop failed");
        if (service_shows_progress(service))
            show_progress(replay);
    }
    return EXIT_SUCCESS;
}

static void summarise(struct replay *replay)
{
    struct msim_replay_stats stats;
    char words[128];

    terminal_settle(&replay->service.terminal);
    msim_replay_server_stats(replay->server, &stats);
    fprintf(stderr,
            "%" PRIu64 " trades sent in %" PRIu64 " bundles to %" PRIu64 " client%s, %" PRIu64
            " replay%s finished%s\n",
            stats.trades, stats.bundles, stats.clients_total, stats.clients_total == 1 ? "" : "s",
            stats.finished, stats.finished == 1 ? "" : "s",
            lateness_words(&stats, words, sizeof words));
    if (replay->bad_rows > 0)
        fprintf(stderr, "%" PRIu64 " bad rows left out of the replays that ended\n",
                replay->bad_rows);
}

static void finish(struct replay *replay)
{
    msim_replay_server_destroy(&replay->server);
    msim_parquet_close(&replay->parquet);
    option_list_finish(&replay->settings.trade_files);
    option_list_finish(&replay->settings.columns);
    option_list_finish(&replay->settings.tickers);
    option_list_finish(&replay->settings.extra_columns);
    network_finish(&replay->settings.network);
}

/* In place of a replay: what there is to say of the files. */
static int examine_files(struct replay *replay)
{
    struct msim_detail detail = {{0}};
    int defects = 0;

    int r = MSIM_OK;
    if (replay->settings.explain)
        examine_print_plan(replay->parquet);
    if (replay->settings.check)
        r = defects = examine_print_check(replay->parquet, &detail);
    if (r < 0)
        return terminal_fail(&replay->service.terminal, "%s", detail.text);
    return defects > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argument_count, char **arguments)
{
    struct replay replay = {0};

    service_init(&replay.service, "replay-server");
    int code = read_settings(&replay.settings, argument_count, arguments);
    if (code >= 0) {
        finish(&replay);
        return code;
    }
    service_log_level(&replay.service, replay.settings.level);
    code = network_open(&replay.settings.network, &replay.service);
    if (code < 0)
        code = open_files(&replay);
    if (code == EXIT_SUCCESS && (replay.settings.explain || replay.settings.check)) {
        code = examine_files(&replay);
        finish(&replay);
        return code;
    }
    if (code == EXIT_SUCCESS)
        code = prepare(&replay);
    if (code == EXIT_SUCCESS)
        code = try_source(&replay);
    if (code == EXIT_SUCCESS)
        code = start(&replay);
    if (code == EXIT_SUCCESS) {
        announce(&replay);
        code = run(&replay);
        summarise(&replay);
    }
    finish(&replay);
    return code;
}
