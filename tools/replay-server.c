/*
 * replay-server: trades from Parquet and CSV files over WebSocket, at their own pace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "base/calendar.h"
#include "cli/examine.h"
#include "cli/faults.h"
#include "cli/network.h"
#include "cli/options.h"
#include "cli/service.h"

/* Moments that stand for no bound. */
#define NO_FROM INT64_MIN
#define NO_TO MSIM_TIME_NEVER
#define NO_SEED UINT64_MAX
/* More than this goes to disk, where it must be sorted. */
#define DEFAULT_MEMORY ((uint64_t)256 << 20)
#define LEAST_MEMORY ((uint64_t)1 << 20)
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
    bool decode_thread;
    bool check;
    bool json;
    bool explain;
    uint64_t memory;
    const char *temp_dir;
    uint64_t max_queue_size;
    const char *mode_name; /* as they were given; NULL: the defaults */
    const char *format_name;
    const char *timestamps_name;
    const char *slow_client_name;
    uint32_t mode;
    uint32_t format;
    uint32_t timestamps;
    uint32_t slow_client;
    uint64_t wait_clients;
    bool loop;
    struct fault_plan plan;
    enum msim_log_level level;
    char **paths;
    size_t path_count;
};

struct replay {
    struct settings settings;
    struct service service;
    struct msim_parquet *parquet;
    struct msim_replay_server *server;
    msim_time preparation; /* how long opening the files took */
    uint64_t bad_rows;     /* left out of the replays that have ended */
};

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Which of the words `name` is, with words said where it is none; NULL leaves `out` as it is. */
static bool choose(const char *option, const char *name, const char *const *words, size_t count,
                   uint32_t *out)
{
    if (!name)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, words[i]) == 0) {
            *out = (uint32_t)i;
            return true;
        }
    }
    fprintf(stderr, "replay-server: --%s: '%s' is none of", option, name);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", words[i]);
    fputc('\n', stderr);
    return false;
}

/* What is said in words, and how it goes together.  -1 to go on. */
static int read_names(struct settings *settings)
{
    static const char *const modes[] = {
        [MSIM_REPLAY_PER_CLIENT] = "per-client",
        [MSIM_REPLAY_BROADCAST] = "broadcast",
    };
    static const char *const formats[] = {
        [MSIM_REPLAY_FORMAT_TRADES] = "trades",
        [MSIM_REPLAY_FORMAT_BUNDLE] = "bundle",
    };
    static const char *const timestamps[] = {
        [MSIM_REPLAY_PANDAS] = "pandas", [MSIM_REPLAY_ISO] = "iso", [MSIM_REPLAY_NS] = "ns",
        [MSIM_REPLAY_US] = "us",         [MSIM_REPLAY_MS] = "ms",
    };
    static const char *const policies[] = {
        [MSIM_SLOW_DISCONNECT] = "disconnect",
        [MSIM_SLOW_DROP] = "drop",
        [MSIM_SLOW_WAIT] = "wait",
    };

    if (!choose("mode", settings->mode_name, modes, 2, &settings->mode) ||
        !choose("format", settings->format_name, formats, 2, &settings->format) ||
        !choose("timestamps", settings->timestamps_name, timestamps, 5, &settings->timestamps) ||
        !choose("slow-client", settings->slow_client_name, policies, 3, &settings->slow_client))
        return EXIT_USAGE;
    const char *alone = settings->slow_client_name   ? "slow-client"
                        : settings->wait_clients > 0 ? "wait-for-clients"
                                                     : NULL;
    if (alone && settings->mode != MSIM_REPLAY_BROADCAST) {
        fprintf(stderr,
                "replay-server: --%s goes with --mode broadcast: a replay of one's own %s\n", alone,
                settings->slow_client_name ? "waits" : "begins with its client");
        return EXIT_USAGE;
    }
    uint64_t most = settings->network.max_clients;
    if (most > 0 && settings->wait_clients > most) {
        fprintf(stderr, "replay-server: --wait-for-clients: more than --max-clients lets in\n");
        return EXIT_USAGE;
    }
    /* At full speed nobody keeps up by himself: the slowest is waited for. */
    if (!settings->slow_client_name && settings->speed.num > 0 && settings->speed.den == 0)
        settings->slow_client = MSIM_SLOW_WAIT;
    return -1;
}

/* What only a replay obeys, and none is made where files are examined; NULL: nothing of it. */
static const char *named_for_a_replay(const struct settings *settings)
{
    const struct {
        bool is_given;
        const char *name;
    } options[] = {
        {settings->tickers.count > 0, "ticker"},
        {settings->speed.num > 0, "speed"},
        {settings->max_gap > 0, "max-gap"},
        {settings->loop, "loop"},
        {settings->mode_name != NULL, "mode"},
        {settings->format_name != NULL, "format"},
        {settings->timestamps_name != NULL, "timestamps"},
        {settings->wait_clients > 0, "wait-for-clients"},
        {settings->slow_client_name != NULL, "slow-client"},
        {settings->plan.path != NULL, "faults"},
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].is_given)
            return options[i].name;
    return NULL;
}

/* What would do nothing is refused. */
static int check_idle(struct settings *settings)
{
    if (settings->json && !settings->check) {
        fprintf(stderr, "replay-server: --json goes with --check: trades are JSON anyway\n");
        return EXIT_USAGE;
    }
    const char *idle = settings->check || settings->explain ? named_for_a_replay(settings) : NULL;
    if (idle) {
        fprintf(stderr, "replay-server: --%s goes without --%s: it reads whole files\n",
                settings->check ? "check" : "explain", idle);
        return EXIT_USAGE;
    }
    if (settings->plan.seed != NO_SEED && !settings->plan.path) {
        fprintf(stderr, "replay-server: --seed goes with --faults FILE\n");
        return EXIT_USAGE;
    }
    if (settings->plan.seed == NO_SEED)
        settings->plan.seed = 0;
    return -1;
}

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
         "the file's names for timestamp, price, volume, ticker\n(timestamp=ts,price=px); "
         "ticker==NAME: the ticker of all rows"},
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
        {"json", 0, OPTION_FLAG, &settings->json, NULL,
         "--check as JSON: a line for each defect and ticker, and\none for the whole"},
        {"explain", 0, OPTION_FLAG, &settings->explain, NULL,
         "print in which order row groups are opened, and end"},
        {"memory", 0, OPTION_BYTES, &settings->memory, "BYTES",
         "what reading and sorting the files may take, for all\nclients together (256M)"},
        {"temp-dir", 0, OPTION_TEXT, &settings->temp_dir, "FOLDER",
         "where what does not fit in memory is sorted ($TMPDIR, or\n/var/tmp)"},
        {"decode-thread", 0, OPTION_FLAG, &settings->decode_thread, NULL,
         "decode ahead of the replays on a second thread, where a\nprocessor is idle"},
        {"format", 0, OPTION_TEXT, &settings->format_name, "NAME",
         "trades: a message each (default); bundle: one for all\ntrades of a timestamp"},
        {"timestamps", 0, OPTION_TEXT, &settings->timestamps_name, "NAME",
         "pandas: 2022-07-01 00:00:29.338000 (default), iso: with\nT and Z; ns, us, ms: a number "
         "since 1970"},
        {"loop", 0, OPTION_FLAG, &settings->loop, NULL, "begin anew when the replay has ended"},
        {"mode", 0, OPTION_TEXT, &settings->mode_name, "NAME",
         "per-client: each has a replay of its own (default);\nbroadcast: all share one, and join "
         "it where it stands"},
        {"wait-for-clients", 0, OPTION_LIMIT, &settings->wait_clients, "N",
         "hold a broadcast until so many are there"},
        {"slow-client", 0, OPTION_TEXT, &settings->slow_client_name, "POLICY",
         "whom a broadcast leaves behind: disconnect (default),\ndrop (its oldest messages), or "
         "wait (default at full speed)"},
        {"faults", 0, OPTION_TEXT, &settings->plan.path, "FILE",
         "what befalls messages: strategies as JSON (docs/faults.md)"},
        {"seed", 0, OPTION_COUNT, &settings->plan.seed, "N", "of what befalls them (0)"},
        {"max-clients", 0, OPTION_LIMIT, &settings->network.max_clients, "N",
         "at once (64, of a broadcast 1024); more are refused"},
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
        .summary =
            "Replays trades from Parquet and CSV files, strictly in order of time and at "
            "their own pace,\nto every WebSocket client from the start. FILE may be a folder of "
            "Parquet files;\nTICKER==FILE is one whose rows are all of that ticker.",
        .examples = "  replay-server trades_sample.parquet\n"
                    "  replay-server --speed 10 --ticker 'BTC-*' day1.parquet day2.parquet\n"
                    "  replay-server --speed max --port 9000 trades/\n"
                    "  replay-server --mode broadcast --wait-for-clients 2 --loop day1.parquet\n"
                    "  market-client 'ws://localhost:8765/?speed=20&ticker=BTC-*'\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };

    *settings = (struct settings){.memory = DEFAULT_MEMORY,
                                  .network.port = 8765,
                                  .level = MSIM_LOG_INFO,
                                  .plan.seed = NO_SEED,
                                  .from = NO_FROM,
                                  .to = NO_TO};
    int code =
        options_read(&line, argument_count, arguments, &settings->paths, &settings->path_count);
    if (code >= 0)
        return code;
    if (settings->from >= settings->to) {
        fprintf(stderr, "replay-server: --from must be earlier than --to\n");
        return EXIT_USAGE;
    }
    if (settings->memory < LEAST_MEMORY) {
        fprintf(stderr,
                "replay-server: --memory: %" PRIu64 " bytes hold no page of a file: give at least "
                "%" PRIu64 "M (without the option it is %" PRIu64 "M)\n",
                settings->memory, LEAST_MEMORY >> 20, DEFAULT_MEMORY >> 20);
        return EXIT_USAGE;
    }
    code = check_idle(settings);
    if (code >= 0)
        return code;
    if (settings->path_count + settings->trade_files.count == 0) {
        fprintf(stderr, "replay-server: name a Parquet or CSV file, or a folder of them; see "
                        "replay-server --help\n");
        return EXIT_USAGE;
    }
    return read_names(settings);
}

/* `timestamp=ts`, or `ticker==NAME`, into the params; false, with words said, where it is neither.
 */
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
        if (equals[1] == '=' && columns[i].target != &params->ticker_column)
            break;
        if (equals[1] == '=')
            params->ticker_name = equals + 2;
        else
            *columns[i].target = equals + 1;
        return true;
    }
    fprintf(stderr,
            "replay-server: --columns: '%s' is not a pair such as timestamp=ts; the columns are "
            "timestamp, price, volume, ticker, and ticker==NAME gives all rows this name\n",
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

/* A path, or TICKER==PATH, which is cut in two. */
static void take_path(char *path, const char **out, const char **ticker)
{
    char *equals = strstr(path, "==");
    const char *slash = strchr(path, '/');

    *out = path;
    *ticker = NULL;
    if (!equals || equals == path || (slash && slash < equals))
        return;
    *equals = '\0';
    *ticker = path;
    *out = equals + 2;
}

/* All paths in one list: the positional ones, then those of --trade-file; their tickers behind. */
static const char **all_paths(const struct settings *settings, size_t *count)
{
    *count = settings->path_count + settings->trade_files.count;
    const char **paths = calloc(2 * *count, sizeof *paths);
    if (!paths)
        return NULL;
    for (size_t i = 0; i < *count; i++)
        take_path(i < settings->path_count ? settings->paths[i]
                                           : settings->trade_files.items[i - settings->path_count],
                  &paths[i], &paths[*count + i]);
    return paths;
}

/* TICKER=FILE, where the file is there and one of the whole name is not. */
static void hint_at_tickers(const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(paths[i], '=');
        if (!equals || equals == paths[i] || equals[1] == '\0' ||
            memchr(paths[i], '/', (size_t)(equals - paths[i])) || access(paths[i], F_OK) == 0 ||
            access(equals + 1, F_OK) != 0)
            continue;
        fprintf(stderr, "replay-server: TICKER==FILE names a file's ticker: %.*s==%s\n",
                (int)(equals - paths[i]), paths[i], equals + 1);
    }
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
    params.path_ticker_names = paths + params.path_count;
    /* A check tells of bad rows and goes on. */
    params.skip_bad_rows = replay->settings.skip_bad_rows || replay->settings.check;
    params.ignore_statistics = replay->settings.ignore_statistics;
    params.memory_bytes = replay->settings.memory;
    params.temp_directory = temp_directory(&replay->settings);
    params.sources = planned_sources(&replay->settings);
    params.decode_thread = replay->settings.decode_thread;
    params.logger = &replay->service.logger;
    msim_time began = terminal_clock();
    int r = msim_parquet_open(&replay->parquet, &params, &detail);
    replay->preparation = terminal_clock() - began;
    if (r < 0) {
        terminal_fail(&replay->service.terminal, "%s", detail.text);
        hint_at_tickers(paths, params.path_count);
    }
    free(paths);
    return exit_code_of(r);
}

/* The server's window, and within it the client's. */
static void set_window(struct msim_parquet_source_params *params, const struct settings *settings,
                       const struct msim_replay_selection *selection)
{
    params->from = settings->from;
    params->to = settings->to;
    if (selection->has_from && selection->from > params->from)
        params->from = selection->from;
    if (selection->has_to && selection->to < params->to)
        params->to = selection->to;
    params->has_from = params->from != NO_FROM;
    params->has_to = params->to != NO_TO;
}

static void set_extra(struct msim_parquet_source_params *params, const struct settings *settings,
                      const struct msim_replay_selection *selection)
{
    const char *const *names = (const char *const *)settings->extra_columns.items;
    size_t count = settings->extra_columns.count;

    if (selection->has_extra) {
        names = selection->extra;
        count = selection->extra_count;
    }
    params->all_extra_columns = count == 1 && strcmp(names[0], "all") == 0;
    if (!params->all_extra_columns) {
        params->extra_columns = names;
        params->extra_column_count = count;
    }
}

static int open_source(void *context, const struct msim_replay_selection *selection,
                       struct msim_source *out, struct msim_detail *detail)
{
    const struct msim_source_array_params nothing = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct replay *replay = context;
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;

    set_window(&params, &replay->settings, selection);
    set_extra(&params, &replay->settings, selection);
    params.tickers = (const char *const *)replay->settings.tickers.items;
    params.ticker_count = replay->settings.tickers.count;
    /* What the client wants and what the server gives may have nothing in common. */
    if (params.has_from && params.has_to && params.from >= params.to)
        return msim_source_array(out, &nothing, detail);
    return msim_parquet_source(out, replay->parquet, &params, detail);
}

static void tell_history(void *context, struct msim_replay_history *out)
{
    const struct replay *replay = context;
    struct msim_parquet_info info;

    msim_parquet_info(replay->parquet, &info);
    *out = (struct msim_replay_history){
        .rows = info.rows,
        .files = info.files,
        .first = info.first,
        .last = info.last,
        .preparation = replay->preparation,
    };
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
    fprintf(stderr, "sorting %" PRIu64 " row%s in %s, which do not fit in memory (--memory)\n",
            info.spilled_rows, plural(info.spilled_rows), temp_directory(&replay->settings));
    int r = msim_parquet_prepare(replay->parquet, 0, &detail);
    if (r < 0)
        terminal_fail(&replay->service.terminal, "%s", detail.text);
    return r < 0 ? exit_code_of(r) : EXIT_SUCCESS;
}

/* What was chosen by, and what there is to choose from. */
static int refuse_selection(struct replay *replay)
{
    const struct settings *settings = &replay->settings;
    const struct {
        bool is_given;
        const char *words;
    } choices[] = {
        {settings->from != NO_FROM, "--from"},
        {settings->to != NO_TO, "--to"},
        {settings->tickers.count > 0, "--ticker (case counts; --check lists the tickers)"},
    };
    char chosen[sizeof "--from, --to, --ticker (case counts; --check lists the tickers)"] = "";
    char first[MSIM_CALENDAR_SIZE], last[MSIM_CALENDAR_SIZE];
    struct msim_parquet_info info;

    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (!choices[i].is_given)
            continue;
        strcat(chosen, chosen[0] ? ", " : "");
        strcat(chosen, choices[i].words);
    }
    msim_parquet_info(replay->parquet, &info);
    if (info.first == MSIM_TIME_NEVER) {
        terminal_fail(&replay->service.terminal, "no trade is left by %s: there is none at all",
                      chosen);
        return EXIT_USAGE;
    }
    msim_calendar_print(info.first, MSIM_CALENDAR_ISO, first);
    msim_calendar_print(info.last, MSIM_CALENDAR_ISO, last);
    terminal_fail(&replay->service.terminal,
                  "no trade is left by %s: there are trades from %s to %s", chosen, first, last);
    return EXIT_USAGE;
}

/*
 * Reads the first trades of the selection before anybody connects: what cannot be read, and a
 * selection without trades, is better known now than by the first client.
 */
static int try_source(struct replay *replay)
{
    const struct msim_replay_selection everything = {0};
    struct terminal *terminal = &replay->service.terminal;
    struct msim_detail detail = {{0}};
    struct msim_source source;
    struct msim_record record;
    size_t count;

    int r = open_source(replay, &everything, &source, &detail);
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
    return r == MSIM_PULL_END && selects ? refuse_selection(replay) : EXIT_SUCCESS;
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
    params.history = tell_history;
    params.context = replay;
    params.host = settings->network.host;
    params.port = settings->network.port;
    params.speed = settings->speed;
    params.max_gap = settings->max_gap;
    params.loop = settings->loop;
    params.mode = settings->mode;
    params.format = settings->format;
    params.timestamps = settings->timestamps;
    params.slow_client = settings->slow_client;
    params.wait_clients = (size_t)settings->wait_clients;
    params.faults = settings->plan.faults;
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
    fprintf(stderr, "%" PRIu64 " trade%s in %" PRIu64 " file%s%s%s%s%s\n", info.rows,
            plural(info.rows), info.files, plural(info.files), info.rows ? ", " : "", first,
            info.rows ? " to " : "", last);
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
    terminal_progress(&replay->service.terminal, "%s, %" PRIu64 " trade%s%s, %" PRIu64 " client%s",
                      position, stats.trades, plural(stats.trades),
                      lateness_words(&stats, words, sizeof words), stats.clients,
                      plural(stats.clients));
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
            "%" PRIu64 " trade%s sent in %" PRIu64 " bundle%s to %" PRIu64 " client%s, %" PRIu64
            " replay%s finished%s\n",
            stats.trades, plural(stats.trades), stats.bundles, plural(stats.bundles),
            stats.clients_total, plural(stats.clients_total), stats.finished,
            plural(stats.finished), lateness_words(&stats, words, sizeof words));
    if (stats.dropped + stats.slow > 0)
        fprintf(stderr,
                "%" PRIu64 " message%s dropped, %" PRIu64 " client%s closed for reading too "
                "slowly\n",
                stats.dropped, plural(stats.dropped), stats.slow, plural(stats.slow));
    faults_print(replay->settings.plan.faults);
    if (replay->bad_rows > 0)
        fprintf(stderr, "%" PRIu64 " bad row%s left out of the replays that ended\n",
                replay->bad_rows, plural(replay->bad_rows));
}

static void finish(struct replay *replay)
{
    msim_replay_server_destroy(&replay->server);
    fault_plan_finish(&replay->settings.plan);
    msim_parquet_close(&replay->parquet);
    option_list_finish(&replay->settings.trade_files);
    option_list_finish(&replay->settings.columns);
    option_list_finish(&replay->settings.tickers);
    option_list_finish(&replay->settings.extra_columns);
    network_finish(&replay->settings.network);
}

/* What a replay would refuse at once, such as a further column that is not there. */
static int try_selection(struct replay *replay, struct msim_detail *detail)
{
    const struct msim_replay_selection everything = {0};
    struct msim_source source;

    int r = open_source(replay, &everything, &source, detail);
    if (r >= 0)
        msim_source_release(&source);
    return r;
}

/* In place of a replay: what there is to say of the files. */
static int examine_files(struct replay *replay)
{
    struct msim_parquet_check check = {0};
    struct msim_detail detail = {{0}};

    int r = try_selection(replay, &detail);
    if (r < 0) {
        terminal_fail(&replay->service.terminal, "%s", detail.text);
        return exit_code_of(r);
    }
    if (replay->settings.explain)
        examine_print_plan(replay->parquet, replay->settings.extra_columns.count > 0
                                                ? EXAMINE_FURTHER_ONES
                                                : EXAMINE_TRADES);
    if (replay->settings.check)
        r = examine_print_check(
            replay->parquet, replay->settings.json ? EXAMINE_JSON : EXAMINE_TEXT, &check, &detail);
    if (r < 0)
        return terminal_fail(&replay->service.terminal, "%s", detail.text);
    if (check.bad_rows > 0 && !replay->settings.skip_bad_rows)
        terminal_fail(&replay->service.terminal,
                      "%" PRIu64 " row%s no trade%s: a replay ends there, and passes over %s with "
                      "--skip-bad-rows",
                      check.bad_rows, check.bad_rows == 1 ? " is" : "s are", plural(check.bad_rows),
                      check.bad_rows == 1 ? "it" : "them");
    /* Bad rows that a replay would pass over are told, and no reason to fail. */
    uint64_t passed_over = replay->settings.skip_bad_rows ? check.bad_row_defects : 0;
    return check.defects > passed_over ? EXIT_FAILURE : EXIT_SUCCESS;
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
        code = terminal_printed(&replay.service.terminal, examine_files(&replay));
        finish(&replay);
        return code;
    }
    if (code == EXIT_SUCCESS) {
        code = fault_plan_open(&replay.settings.plan, &replay.service.terminal,
                               &replay.service.logger, msim_replay_server_check_faults);
        code = code < 0 ? EXIT_SUCCESS : code;
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
