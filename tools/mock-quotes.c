/*
 * mock-quotes: a live-looking market of models, over WebSocket.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <marketsim/marketsim.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "cli/faults.h"
#include "cli/files.h"
#include "cli/network.h"
#include "cli/options.h"
#include "cli/recording.h"
#include "cli/service.h"

#define MOST_SYMBOLS 4096
#define MOST_EVENTS MSIM_MOCK_SCENARIO_MAX
#define MOST_KEYS 10000
#define MOST_FILE_BYTES ((size_t)16 << 20)

struct settings {
    const char *symbols;
    const char *model;
    const char *correlation;
    const char *market;
    const char *scenario;
    const char *arrivals;
    const char *clock;
    const char *seed;
    const char *protocol;
    const char *cluster;
    const char *api_key_file;
    const char *faults;
    const char *record;
    const char *record_quotes;
    struct network network;
    msim_time interval;
    uint64_t rate;
    uint64_t wait_clients;
    msim_time start;
    msim_time duration;
    struct msim_speed speed;
    bool all_symbols;
    enum msim_log_level level;
};

/* Everything that the params point into. */
struct quotes {
    struct settings settings;
    struct service service;
    struct msim_mock_params mock;
    struct msim_mock_symbol *symbols;
    struct msim_mock_event *events;
    double *matrix;
    char *key_text;
    const char **keys;
    size_t key_count;
    uint32_t protocol;
    uint32_t cluster;
    uint64_t wait_clients;
    bool is_simulated;
    char *fault_text;
    size_t fault_length;
    struct msim_faults *faults;
    struct msim_quotes_server *server;
    struct recording recording;
    bool is_recording;
    struct msim_detail record_detail;
};

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const struct option options[] = {
        {"interval", 'i', OPTION_DURATION, &settings->interval, "TIME",
         "between two events (2s): 10ms, 500us"},
        {"rate", 'r', OPTION_COUNT, &settings->rate, "N",
         "whole events a second, in place of --interval; for fewer\nthan one: --interval 10s"},
        {"symbols", 0, OPTION_TEXT, &settings->symbols, "LIST",
         "AAPL,GOOGL,MSFT,AMZN,TSLA,META,NVDA,AMD, each with a\n"
         "first price and a model if wanted:\n"
         "AAPL=230@gbm:sigma=0.25,TSLA=250@jump,XYZ"},
        {"all-symbols", 'a', OPTION_FLAG, &settings->all_symbols, NULL,
         "an event of every symbol at each tick, not of one"},
        {"model", 'm', OPTION_TEXT, &settings->model, "MODEL",
         "of symbols that name none: gbm (default), walk, trend,\n"
         "ou, jump, garch; with parameters: gbm:mu=0.05,sigma=0.3"},
        {"correlation", 0, OPTION_TEXT, &settings->correlation, "FILE",
         "a matrix: a line of names, then a line for each"},
        {"market", 0, OPTION_TEXT, &settings->market, "R",
         "one market factor: the correlation of any two symbols"},
        {"arrivals", 0, OPTION_TEXT, &settings->arrivals, "KIND",
         "grid (default), poisson, hawkes"},
        {"scenario", 0, OPTION_TEXT, &settings->scenario, "SCRIPT",
         "gap:at=60s,size=-0.05;halt:at=2m,for=30s,symbol=AAPL;\n"
         "crash:at=5m,for=2m,size=-0.08;silence:at=9m,for=20s"},
        {"seed", 's', OPTION_TEXT, &settings->seed, "N",
         "of everything that is random (1), or 'random'"},
        {"clock", 0, OPTION_TEXT, &settings->clock, "KIND",
         "wall (default), or simulated: time stamps begin at --start\n"
         "when the first client is there, and two runs are equal"},
        {"start", 0, OPTION_MOMENT, &settings->start, "MOMENT",
         "of --clock simulated (2024-01-02T14:30:00Z)"},
        {"speed", 0, OPTION_SPEED, &settings->speed, "FACTOR",
         "of --clock simulated: 1 (default), 60, or max: as fast as\n"
         "the clients read, and with --record without any"},
        {"duration", 0, OPTION_DURATION, &settings->duration, "TIME",
         "of the market's time, then end; without end by default"},
        {"protocol", 0, OPTION_TEXT, &settings->protocol, "NAME",
         "seed (default): every event to every client, a trade with\n"
         "the bid and both sizes, the ask's price not among them;\n"
         "polygon: keys and subscriptions as at Polygon/Massive,\n"
         "where quotes (Q.*) have both prices"},
        {"cluster", 0, OPTION_TEXT, &settings->cluster, "NAME",
         "of --protocol polygon: stocks (default) or crypto"},
        {"api-key-file", 0, OPTION_TEXT, &settings->api_key_file, "FILE",
         "keys that polygon's clients may use, one in a line"},
        {"faults", 0, OPTION_TEXT, &settings->faults, "FILE",
         "what befalls messages: strategies as JSON (docs/faults.md)"},
        {"record", 0, OPTION_TEXT, &settings->record, "FILE",
         "all trades to a Parquet file that replay-server reads"},
        {"record-quotes", 0, OPTION_TEXT, &settings->record_quotes, "FILE",
         "all quotes to a Parquet file"},
        {"wait-for-clients", 0, OPTION_LIMIT_OR_NONE, &settings->wait_clients, "N",
         "the market opens when so many are there"},
        {"max-clients", 0, OPTION_LIMIT, &settings->network.max_clients, "N", "at once (1024)"},
        {"max-backlog", 0, OPTION_BYTES, &settings->network.max_backlog, "BYTES",
         "queued for a client that reads slowly (1M); then it is\nclosed with 1013"},
        NETWORK_OPTIONS(&settings->network, "8765"),
        {"log-level", 0, OPTION_LEVEL, &settings->level, "LEVEL",
         "error, warning, info (default) or debug"},
    };
    const struct command_line line = {
        .program = "mock-quotes",
        .usage = "[OPTIONS]",
        .summary = "Sends last-trade and quote events of a market made of models to every "
                   "WebSocket client.",
        .examples = "  mock-quotes\n"
                    "  mock-quotes --interval 100ms --symbols AAPL=230@gbm:sigma=0.25,TSLA@jump\n"
                    "  mock-quotes --clock simulated --speed max --rate 1000 --duration 6h "
                    "--record day.parquet\n"
                    "  mock-quotes --protocol polygon --api-key-file keys.txt\n"
                    "  market-client ws://localhost:8765\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    char **rest;
    size_t rest_count;

    *settings = (struct settings){.network.port = 8765,
                                  .level = MSIM_LOG_INFO,
                                  .rate = UINT64_MAX,
                                  .wait_clients = UINT64_MAX,
                                  .start = MSIM_TIME_NEVER};
    int code = options_read(&line, argument_count, arguments, &rest, &rest_count);
    if (code >= 0)
        return code;
    if (rest_count > 0) {
        fprintf(stderr, "mock-quotes: '%s' is no option; see mock-quotes --help\n", rest[0]);
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- from texts to params ---- */

static int usage(struct quotes *quotes, const char *option, const char *words)
{
    terminal_fail(&quotes->service.terminal, "--%s: %s", option, words);
    return EXIT_USAGE;
}

/* Which of the names a text is; NULL text: the first. */
static int choose(struct quotes *quotes, const char *option, const char *text,
                  const char *const *names, size_t count, uint32_t *out)
{
    char words[128] = "";

    *out = 0;
    if (text)
        snprintf(words, sizeof words, "'%.40s' is none of ", text);
    for (size_t i = 0; i < count; i++) {
        if (!text || strcmp(text, names[i]) == 0) {
            *out = (uint32_t)i;
            return -1;
        }
        strncat(words, i > 0 ? ", " : "", sizeof words - strlen(words) - 1);
        strncat(words, names[i], sizeof words - strlen(words) - 1);
    }
    return usage(quotes, option, words);
}

static int choose_all(struct quotes *quotes)
{
    static const char *const clocks[] = {"wall", "simulated"};
    static const char *const arrivals[] = {"grid", "poisson", "hawkes"};
    static const char *const protocols[] = {"seed", "polygon"};
    static const char *const clusters[] = {"stocks", "crypto"};
    struct settings *settings = &quotes->settings;
    uint32_t clock = 0;

    int code = choose(quotes, "clock", settings->clock, clocks, 2, &clock);
    if (code < 0)
        code = choose(quotes, "arrivals", settings->arrivals, arrivals, 3, &quotes->mock.arrivals);
    if (code < 0)
        code = choose(quotes, "protocol", settings->protocol, protocols, 2, &quotes->protocol);
    if (code < 0)
        code = choose(quotes, "cluster", settings->cluster, clusters, 2, &quotes->cluster);
    if (code >= 0)
        return code;
    quotes->is_simulated = clock == 1;
    if (!quotes->is_simulated && settings->start != MSIM_TIME_NEVER)
        return usage(quotes, "start", "goes with --clock simulated");
    if (!quotes->is_simulated && settings->speed.num > 0)
        return usage(quotes, "speed", "goes with --clock simulated");
    if (quotes->protocol == MSIM_QUOTES_PLAIN && settings->api_key_file)
        return usage(quotes, "api-key-file", "goes with --protocol polygon");
    if (quotes->protocol == MSIM_QUOTES_PLAIN && settings->cluster)
        return usage(quotes, "cluster", "goes with --protocol polygon");
    return -1;
}

static int read_seed(struct quotes *quotes)
{
    const char *text = quotes->settings.seed;
    int64_t value = 1;

    if (text && strcmp(text, "random") == 0) {
        if (getrandom(&quotes->mock.seed, sizeof quotes->mock.seed, 0) !=
            (ssize_t)sizeof quotes->mock.seed)
            return usage(quotes, "seed", "the system gives no random number");
        quotes->mock.seed >>= 1; /* so that it can be given back */
        fprintf(stderr, "seed %" PRIu64 "\n", quotes->mock.seed);
        return -1;
    }
    if (text && (msim_decimal_parse(text, strlen(text), 0, &value) < 0 || value < 0))
        return usage(quotes, "seed", "a whole number from 0, or 'random'");
    quotes->mock.seed = (uint64_t)value;
    return -1;
}

static int read_market(struct quotes *quotes)
{
    const char *text = quotes->settings.market;
    int64_t millionths;

    if (!text)
        return -1;
    if (msim_decimal_parse(text, strlen(text), -6, &millionths) < 0 || millionths < 0 ||
        millionths >= 1000000)
        return usage(quotes, "market", "a correlation from 0 to below 1, such as 0.4");
    quotes->mock.market = (double)millionths / 1e6;
    return -1;
}

/* A whole small file; NULL with words said. */
static char *read_file(struct quotes *quotes, const char *option, const char *path, size_t *length)
{
    struct msim_detail detail = {{0}};
    char *text = file_read(path, MOST_FILE_BYTES, length, &detail);

    if (!text)
        usage(quotes, option, detail.text);
    return text;
}

static int read_symbols(struct quotes *quotes)
{
    const char *text = quotes->settings.symbols;
    struct msim_detail detail = {{0}};

    quotes->mock.symbols = msim_mock_default_symbols(&quotes->mock.symbol_count);
    if (!text)
        return -1;
    quotes->symbols = calloc(MOST_SYMBOLS, sizeof *quotes->symbols);
    if (!quotes->symbols)
        return terminal_fail(&quotes->service.terminal, "out of memory");
    if (msim_mock_parse_symbols(text, strlen(text), quotes->symbols, MOST_SYMBOLS,
                                &quotes->mock.symbol_count, &detail) < 0)
        return usage(quotes, "symbols", detail.text);
    quotes->mock.symbols = quotes->symbols;
    return -1;
}

static int read_correlation(struct quotes *quotes)
{
    const char *path = quotes->settings.correlation;
    size_t count = quotes->mock.symbol_count;
    struct msim_detail detail = {{0}};
    size_t length;

    if (!path)
        return -1;
    char *text = read_file(quotes, "correlation", path, &length);
    if (!text)
        return EXIT_USAGE;
    quotes->matrix = calloc(count * count, sizeof *quotes->matrix);
    int r = quotes->matrix ? msim_mock_parse_correlation(text, length, quotes->mock.symbols, count,
                                                         quotes->matrix, &detail)
                           : MSIM_ERR_NOMEM;
    free(text);
    if (r < 0)
        return usage(quotes, "correlation", detail.text[0] ? detail.text : msim_result_text(r));
    quotes->mock.correlation = quotes->matrix;
    return -1;
}

static int read_script(struct quotes *quotes)
{
    const char *text = quotes->settings.scenario;
    struct msim_detail detail = {{0}};

    if (!text)
        return -1;
    if (text[0] == '\0')
        return usage(quotes, "scenario", "no event; write halt:at=60s,for=30s");
    quotes->events = calloc(MOST_EVENTS, sizeof *quotes->events);
    if (!quotes->events)
        return terminal_fail(&quotes->service.terminal, "out of memory");
    if (msim_mock_parse_scenario(text, strlen(text), quotes->events, MOST_EVENTS,
                                 &quotes->mock.scenario_count, &detail) < 0)
        return usage(quotes, "scenario", detail.text);
    quotes->mock.scenario = quotes->events;
    return -1;
}

static int read_model(struct quotes *quotes)
{
    const char *text = quotes->settings.model;
    struct msim_detail detail = {{0}};

    if (text && msim_mock_parse_model(text, strlen(text), &quotes->mock.model, &detail) < 0)
        return usage(quotes, "model", detail.text);
    return -1;
}

/* A tick is one event, or with --all-symbols one of each symbol. */
static int set_interval(struct quotes *quotes)
{
    const struct settings *settings = &quotes->settings;
    bool all = settings->all_symbols || quotes->mock.arrivals != MSIM_MOCK_GRID;
    uint64_t symbols = quotes->mock.symbol_count;

    bool has_rate = settings->rate != UINT64_MAX;
    if (has_rate && settings->interval > 0)
        return usage(quotes, "rate", "either --rate or --interval");
    quotes->mock.selection = all ? MSIM_MOCK_ALL : MSIM_MOCK_ONE;
    quotes->mock.interval = settings->interval;
    if (has_rate) {
        if (settings->rate < 1 || settings->rate > UINT64_C(1000000000))
            return usage(quotes, "rate",
                         "1 to 1000000000 events a second; for fewer, --interval 10s");
        uint64_t ns = UINT64_C(1000000000) * (all ? symbols : 1) / settings->rate;
        quotes->mock.interval = ns > 0 ? (msim_time)ns : 1;
    }
    return -1;
}

static int set_clock(struct quotes *quotes)
{
    const struct settings *settings = &quotes->settings;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    quotes->mock.start = (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
    if (quotes->is_simulated)
        quotes->mock.start = settings->start != MSIM_TIME_NEVER
                                 ? settings->start
                                 : INT64_C(1704205800) * MSIM_NS_PER_S;
    if (quotes->mock.start > 0 && settings->duration > MSIM_TIME_NEVER - quotes->mock.start)
        return usage(quotes, "duration", "the market would end behind the year 2262");
    if (settings->duration > 0)
        quotes->mock.end = quotes->mock.start + settings->duration;
    if (quotes->protocol == MSIM_QUOTES_POLYGON)
        quotes->mock.bars = MSIM_MOCK_BARS_SECOND | MSIM_MOCK_BARS_MINUTE;
    return -1;
}

/* Keys stand one in a line; empty lines and those that begin with '#' are passed over. */
static int read_keys(struct quotes *quotes)
{
    size_t length;

    if (!quotes->settings.api_key_file)
        return -1;
    quotes->key_text = read_file(quotes, "api-key-file", quotes->settings.api_key_file, &length);
    quotes->keys = calloc(MOST_KEYS, sizeof *quotes->keys);
    if (!quotes->key_text)
        return EXIT_USAGE;
    if (!quotes->keys)
        return terminal_fail(&quotes->service.terminal, "out of memory");
    for (char *line = strtok(quotes->key_text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        if (line[0] == '#')
            continue;
        if (quotes->key_count == MOST_KEYS)
            return usage(quotes, "api-key-file", "more than 10000 keys");
        quotes->keys[quotes->key_count++] = line;
    }
    if (quotes->key_count == 0)
        return usage(quotes, "api-key-file", "no key in the file: one in a line");
    return -1;
}

/* The strategies' text; what is made of it is said when the market's start is known. */
static int read_faults(struct quotes *quotes)
{
    struct msim_detail detail = {{0}};

    if (!quotes->settings.faults)
        return -1;
    quotes->fault_text =
        read_file(quotes, "faults", quotes->settings.faults, &quotes->fault_length);
    if (!quotes->fault_text)
        return EXIT_USAGE;
    if (msim_quotes_server_check_faults(quotes->fault_text, quotes->fault_length, &detail) < 0) {
        char words[sizeof detail.text + 512];
        snprintf(words, sizeof words, "%.500s: %s", quotes->settings.faults, detail.text);
        return usage(quotes, "faults", words);
    }
    return -1;
}

/* Both appear at the end: what cannot is said before the day, not behind it. */
static int check_recording(struct quotes *quotes)
{
    const struct settings *settings = &quotes->settings;
    const char *const paths[] = {settings->record, settings->record_quotes};
    const char *const options[] = {"record", "record-quotes"};
    struct stat status;

    for (size_t i = 0; i < 2; i++) {
        if (paths[i] && paths[i][0] == '\0')
            return usage(quotes, options[i], "a file's name is wanted");
        if (paths[i] && stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode))
            return usage(quotes, options[i], "is a folder: name a file in it");
    }
    if (paths[0] && paths[1] && strcmp(paths[0], paths[1]) == 0)
        return usage(quotes, "record-quotes", "the same file as --record: name another");
    return -1;
}

/* How many the market waits for: a day that is made for its recording needs nobody. */
static uint64_t awaited(const struct settings *settings, bool is_simulated)
{
    bool is_unpaced = settings->speed.num > 0 && settings->speed.den == 0;
    bool is_recording = settings->record || settings->record_quotes;

    if (settings->wait_clients != UINT64_MAX)
        return settings->wait_clients;
    return is_simulated && !(is_unpaced && is_recording) ? 1 : 0;
}

static int check_clients(struct quotes *quotes)
{
    const struct settings *settings = &quotes->settings;
    uint64_t most = settings->network.max_clients;

    quotes->wait_clients = awaited(settings, quotes->is_simulated);
    if (most > 0 && quotes->wait_clients > most)
        return usage(quotes, "wait-for-clients", "more than --max-clients lets in");
    if (settings->speed.num == 0 || settings->speed.den > 0)
        return -1;
    if (quotes->protocol != MSIM_QUOTES_PLAIN || settings->faults)
        return usage(quotes, "speed",
                     "max goes with --protocol seed and without --faults; a number does with all");
    if (quotes->wait_clients == 0 && settings->duration == 0)
        return usage(quotes, "speed",
                     "max waits for nobody here, and would have no end: name a --duration");
    return -1;
}

static int read_params(struct quotes *quotes)
{
    int (*const steps[])(struct quotes *) = {
        choose_all,  read_seed,        read_market,   read_symbols, read_model,
        read_script, read_correlation, set_interval,  read_keys,    read_faults,
        set_clock,   check_recording,  check_clients,
    };

    quotes->mock = (struct msim_mock_params)MSIM_MOCK_PARAMS_INIT;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int code = steps[i](quotes);
        if (code >= 0)
            return code;
    }
    return EXIT_SUCCESS;
}

/* ---- running ---- */

static int record(void *context, const struct msim_record *record)
{
    struct quotes *quotes = context;
    const struct msim_mock_symbol *symbol = &quotes->mock.symbols[record->symbol];
    size_t length = symbol->length > 0 ? symbol->length : strlen(symbol->name);

    return recording_add(&quotes->recording, record, symbol->name, length, &quotes->record_detail);
}

static int start_faults(struct quotes *quotes, struct msim_detail *detail)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;

    if (!quotes->fault_text)
        return MSIM_OK;
    params.seed = quotes->mock.seed;
    params.start = quotes->mock.start;
    params.realtime = !quotes->is_simulated;
    params.logger = &quotes->service.logger;
    int r = msim_faults_create(&quotes->faults, &params, detail);
    return r < 0 ? r
                 : msim_faults_add_all(quotes->faults, quotes->mock.start, quotes->fault_text,
                                       quotes->fault_length, detail);
}

static void stop(void *context)
{
    struct quotes *quotes = context;

    msim_quotes_server_stop(quotes->server);
}

static int start(struct quotes *quotes)
{
    const struct settings *settings = &quotes->settings;
    struct terminal *terminal = &quotes->service.terminal;
    struct msim_quotes_server_params params = MSIM_QUOTES_SERVER_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    int r = start_faults(quotes, &detail);
    if (r < 0)
        return usage(quotes, "faults", detail.text);
    r = msim_source_mock(&params.source, &quotes->mock, &detail);
    if (r < 0) {
        terminal_fail(terminal, "%s", detail.text);
        return exit_code_of(r);
    }
    params.faults = quotes->faults;
    params.access = settings->network.access;
    params.tls = settings->network.tls;
    params.deflate.is_on = settings->network.deflate;
    params.start = quotes->mock.start;
    params.seed = quotes->mock.seed;
    params.wait_clients = (size_t)quotes->wait_clients;
    params.speed = settings->speed;
    params.protocol = quotes->protocol;
    params.cluster = quotes->cluster;
    params.api_keys = quotes->keys;
    params.api_key_count = quotes->key_count;
    params.host = settings->network.host;
    params.port = settings->network.port;
    params.max_clients = (size_t)settings->network.max_clients;
    params.max_backlog_bytes = (size_t)settings->network.max_backlog;
    params.logger = &quotes->service.logger;
    params.context = quotes;
    quotes->is_recording = settings->record || settings->record_quotes;
    if (quotes->is_recording) {
        params.record = record;
        r = recording_open(&quotes->recording, settings->record, settings->record_quotes, &detail);
    }
    if (r >= 0)
        r = msim_quotes_server_create(&quotes->server, &params, &detail);
    msim_source_release(&params.source);
    if (r < 0) {
        terminal_fail(terminal, "%s", detail.text);
        return exit_code_of(r);
    }
    struct msim_net *net = msim_quotes_server_net(quotes->server);
    int code = network_watch(&quotes->settings.network, net);
    return code >= 0 ? code : service_watch(&quotes->service, net, stop, quotes);
}

static struct msim_quotes_stats stats_of(const struct quotes *quotes)
{
    struct msim_quotes_stats stats;

    msim_quotes_server_stats(quotes->server, &stats);
    return stats;
}

static void show_progress(struct quotes *quotes)
{
    struct msim_quotes_stats stats = stats_of(quotes);

    terminal_progress(&quotes->service.terminal,
                      "%" PRIu64 " events, %" PRIu64 " client%s, lateness p50 %" PRId64
                      " us, p99 %" PRId64 " us, max %" PRId64 " us",
                      stats.events, stats.clients, stats.clients == 1 ? "" : "s",
                      stats.lateness_p50 / 1000, stats.lateness_p99 / 1000,
                      stats.lateness_max / 1000);
}

static int run(struct quotes *quotes)
{
    struct service *service = &quotes->service;
    struct msim_quotes_stats stats = stats_of(quotes);

    network_announce(&quotes->settings.network, msim_quotes_server_port(quotes->server));
    fprintf(stderr, "Waiting for clients to connect...\n");
    while (!service_is_over(service, stats.clients)) {
        if (msim_quotes_server_dispatch(quotes->server, service_timeout(service)) < 0) {
            const char *words = quotes->record_detail.text;
            return terminal_fail(&service->terminal, "%s",
                                 words[0] ? words : msim_quotes_server_detail(quotes->server));
        }
        stats = stats_of(quotes);
        if (service_shows_progress(service))
            show_progress(quotes);
        /* A market with an end says goodbye by itself. */
        if (stats.ended && service->stop_at == MSIM_TIME_NEVER)
            service_stop(service);
    }
    return EXIT_SUCCESS;
}

static int summarise(struct quotes *quotes)
{
    struct msim_quotes_stats stats = stats_of(quotes);
    struct msim_detail detail = {{0}};

    terminal_settle(&quotes->service.terminal);
    fprintf(stderr,
            "%" PRIu64 " event%s to %" PRIu64 " client%s (%" PRIu64
            " closed for reading too slowly), lateness p50 %" PRId64 " us, p99 %" PRId64
            " us, max %" PRId64 " us\n",
            stats.events, stats.events == 1 ? "" : "s", stats.clients_total,
            stats.clients_total == 1 ? "" : "s", stats.dropped, stats.lateness_p50 / 1000,
            stats.lateness_p99 / 1000, stats.lateness_max / 1000);
    faults_print(quotes->faults);
    /* What could not be written has been told, and cannot be finished. */
    if (quotes->is_recording && !quotes->record_detail.text[0] &&
        recording_finish(&quotes->recording, &detail) < 0)
        return terminal_fail(&quotes->service.terminal, "%s", detail.text);
    return EXIT_SUCCESS;
}

static void finish(struct quotes *quotes)
{
    msim_quotes_server_destroy(&quotes->server);
    msim_faults_destroy(&quotes->faults);
    free(quotes->fault_text);
    recording_close(&quotes->recording);
    free(quotes->symbols);
    free(quotes->events);
    free(quotes->matrix);
    free(quotes->key_text);
    free(quotes->keys);
    network_finish(&quotes->settings.network);
}

int main(int argument_count, char **arguments)
{
    struct quotes quotes = {0};

    service_init(&quotes.service, "mock-quotes");
    int code = read_settings(&quotes.settings, argument_count, arguments);
    if (code >= 0) {
        network_finish(&quotes.settings.network);
        return code;
    }
    service_log_level(&quotes.service, quotes.settings.level);
    quotes.settings.network.has_own_keys = quotes.settings.api_key_file != NULL;
    code = network_open(&quotes.settings.network, &quotes.service);
    if (code < 0)
        code = read_params(&quotes);
    if (code == EXIT_SUCCESS)
        code = start(&quotes);
    if (code == EXIT_SUCCESS) {
        code = run(&quotes);
        int closing = summarise(&quotes);
        if (code == EXIT_SUCCESS)
            code = closing;
    }
    finish(&quotes);
    return code;
}
