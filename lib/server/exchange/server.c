/*
 * The exchange server's life and its turn.
 *
 * Inside it is simulated time, which the pacer makes of the wall's.  A turn reads what came,
 * each message with all that it brings about, then pulls the venue up to now, tells what is on
 * the beat of the tick, and sleeps until something is due.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "server/exchange/exchange.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "server/exchange/admin.h"
#include "server/exchange/recording.h"
#include "server/exchange/rest.h"
#include "server/exchange/scenario.h"
#include "server/exchange/tape.h"

#define LEAST_BACKLOG ((size_t)256 << 10)
#define ASSET_EXPONENT (-8)
#define BOOK_WORTH 100000
#define KEY_LINE_MAX 256
#define HISTORY_LOOKS 4 /* of 65,536 rows each, in a turn that finds no trade of a rare ticker */

void msim_exchange_fail(struct msim_exchange_server *server, int failure, const char *words)
{
    if (server->failure != MSIM_OK)
        return;
    server->failure = failure;
    if (words[0] != '\0')
        msim_detail_set(&server->detail, failure, "%s", words);
    else
        msim_detail_set(&server->detail, failure, "%s", msim_result_text(failure));
    msim_net_wake(server->net);
}

char *msim_exchange_list_room(struct msim_exchange_server *server, size_t size)
{
    if (size <= server->list_size)
        return server->list;
    char *list = msim_mem_resize(&server->allocator, server->list, server->list_size, size);
    if (!list)
        return NULL;
    server->list = list;
    server->list_size = size;
    return list;
}

char *msim_exchange_hold(struct msim_exchange_server *server, const void *bytes, size_t length)
{
    if (length >= server->held_size) {
        char *held =
            msim_mem_resize(&server->allocator, server->held, server->held_size, length + 1);
        if (!held)
            return NULL;
        server->held = held;
        server->held_size = length + 1;
    }
    if (length > 0)
        memcpy(server->held, bytes, length);
    return server->held;
}

void msim_exchange_listen(struct msim_exchange_server *server, unsigned events)
{
    server->listened |= events;
    msim_venue_tell(server->venue, server->listened);
}

/* ---- the turn ---- */

void msim_exchange_clock(struct msim_exchange_server *server)
{
    if (server->stage)
        return;
    msim_time now = msim_pacer_now(&server->pacer, msim_net_now(server->net));
    if (now > server->now)
        server->now = now;
}

void msim_exchange_attend(struct msim_exchange_server *server)
{
    if (!server->is_waiting)
        return;
    server->is_waiting = false;
    msim_pacer_resume(&server->pacer, msim_net_now(server->net));
    msim_log(&server->logger, MSIM_LOG_INFO, "exchange",
             "somebody is there: exchange.history.file goes on");
}

static msim_time earlier(msim_time a, msim_time b)
{
    return a < b ? a : b;
}

msim_time msim_exchange_turn(struct msim_exchange_server *server)
{
    int r = msim_exchange_wire_run(server);
    if (r >= 0)
        r = msim_exchange_outputs(server, server->now);
    if (r < 0)
        msim_exchange_fail(server, r, server->detail.text);
    if (server->now >= server->next_tick) {
        msim_exchange_market_tick(server);
        /* On the beat, however late this turn came; a beat that was missed is not made up for. */
        server->next_tick += server->settings.tick_interval;
        if (server->next_tick <= server->now)
            server->next_tick = server->now + server->settings.tick_interval;
    }
    for (size_t i = 0; i < server->market_count; i++)
        msim_exchange_market_flush(server, &server->markets[i]);
    msim_time due = earlier(server->next_tick, msim_venue_next_due(server->venue));
    due = earlier(due, msim_faults_next_due(server->faults));
    due = earlier(due, msim_exchange_rest_expire(server));
    return earlier(due, msim_exchange_scenario_turn(server));
}

static msim_time turn(void *context, msim_time now)
{
    struct msim_exchange_server *server = context;

    (void)now;
    msim_exchange_clock(server);
    msim_exchange_record(server, FRAME_TURN, 0, 0, NULL, 0);
    return msim_pacer_due(&server->pacer, msim_exchange_turn(server));
}

/* ---- the market ---- */

static int find_asset(struct msim_exchange_server *server, const char *name, int exponent,
                      uint32_t *id, struct msim_detail *detail)
{
    if (msim_engine_asset_find(server->engine, name, strlen(name), id) >= 0)
        return MSIM_OK;
    int r = msim_venue_asset_add(server->venue, name, exponent, id, detail);
    if (r >= 0)
        r = msim_native_codec_asset(server->codec, name, exponent);
    if (r >= 0)
        server->asset_count = *id + 1;
    return r;
}

/* An asset is as fine as the finest instrument that is paid in it, or dealt in it. */
static int exponent_of(const struct msim_exchange_settings *settings, const char *asset)
{
    int exponent = ASSET_EXPONENT;

    for (size_t i = 0; i < settings->listing_count; i++) {
        const struct msim_exchange_listing *listing = &settings->listings[i];
        int notional = listing->price_exponent + listing->quantity_exponent;
        if (strcmp(listing->quote, asset) == 0 && notional < exponent)
            exponent = notional;
        if (strcmp(listing->base, asset) == 0 && listing->quantity_exponent < exponent)
            exponent = listing->quantity_exponent;
    }
    return exponent;
}

/* What the best level shows: worth about BOOK_WORTH of the quote asset, whatever the price. */
static msim_qty quoted(const struct msim_exchange_listing *listing)
{
    msim_int128 scale = 1;

    for (int i = 0; i > listing->price_exponent + listing->quantity_exponent; i--)
        scale *= 10;
    msim_int128 quantity = BOOK_WORTH * scale / listing->price;
    quantity -= quantity % listing->lot;
    if (quantity < listing->lot)
        quantity = listing->lot;
    return quantity > INT64_MAX / 1000 ? INT64_MAX / 1000 : (msim_qty)quantity;
}

static int quote_book(struct msim_exchange_server *server, uint32_t instrument,
                      struct msim_detail *detail)
{
    const struct msim_exchange_settings *settings = &server->settings;
    struct msim_venue_liquidity liquidity = MSIM_VENUE_LIQUIDITY_INIT;

    if (!settings->liquidity || settings->listings[instrument].ticker[0] != '\0')
        return MSIM_OK;
    liquidity.model = settings->model;
    liquidity.price = settings->listings[instrument].price;
    liquidity.spread = (uint32_t)settings->spread;
    liquidity.levels = (uint32_t)settings->levels;
    liquidity.refresh = settings->refresh;
    liquidity.quantity = quoted(&settings->listings[instrument]);
    return msim_venue_liquidity_set(server->venue, instrument, &liquidity, detail);
}

static int list(struct msim_exchange_server *server, const struct msim_exchange_listing *listing,
                struct msim_detail *detail)
{
    struct msim_exchange_market *market = &server->markets[server->market_count];
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    int quote_exponent = exponent_of(&server->settings, listing->quote);

    int r = find_asset(server, listing->base, exponent_of(&server->settings, listing->base),
                       &params.base_asset, detail);
    if (r >= 0)
        r = find_asset(server, listing->quote, quote_exponent, &params.quote_asset, detail);
    if (r >= 0 && listing->min_notional[0] != '\0' &&
        msim_decimal_parse(listing->min_notional, strlen(listing->min_notional), quote_exponent,
                           &params.min_notional) < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "exchange.instruments.%s.min_notional is %s: a number with at most "
                               "%d decimals is wanted",
                               listing->symbol, listing->min_notional, -quote_exponent);
    if (r < 0)
        return r;
    params.symbol = listing->symbol;
    params.price_exponent = (int8_t)listing->price_exponent;
    params.quantity_exponent = (int8_t)listing->quantity_exponent;
    params.fee_mode = MSIM_FEE_QUOTE;
    params.maker_fee = listing->maker_fee;
    params.taker_fee = listing->taker_fee;
    params.tick = listing->tick;
    params.lot = listing->lot;
    params.reference_price = listing->price;
    r = msim_venue_instrument_add(server->venue, &params, &market->instrument, detail);
    if (r < 0)
        return r;
    struct msim_native_instrument native = {listing->symbol, params.base_asset, params.quote_asset,
                                            listing->price_exponent, listing->quantity_exponent};
    market->base_asset = params.base_asset;
    market->quote_asset = params.quote_asset;
    market->reference = listing->price;
    server->market_count++;
    return msim_native_codec_instrument(server->codec, &native);
}

static int list_all(struct msim_exchange_server *server, struct msim_detail *detail)
{
    const struct msim_exchange_settings *settings = &server->settings;
    int r = MSIM_OK;

    server->markets =
        msim_mem_zero_array(&server->allocator, settings->listing_count, sizeof *server->markets);
    if (!server->markets)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < settings->listing_count && r >= 0; i++)
        r = list(server, &settings->listings[i], detail);
    for (uint32_t i = 0; i < server->market_count && r >= 0; i++)
        r = quote_book(server, i, detail);
    return r;
}

static int play_tape(struct msim_exchange_server *server, struct msim_detail *detail)
{
    struct msim_venue_history history = MSIM_VENUE_HISTORY_INIT;

    if (!server->tape.ops)
        return MSIM_OK;
    history.fills = (uint8_t)server->settings.tape.fills;
    history.spread = (uint32_t)server->settings.tape.spread;
    history.looks = HISTORY_LOOKS;
    return msim_venue_history_set(server->venue, &server->tape, &history, detail);
}

static int endow_all(struct msim_exchange_server *server, struct msim_detail *detail)
{
    const struct msim_exchange_settings *settings = &server->settings;
    int r = MSIM_OK;

    for (size_t i = 0; i < settings->holding_count && r >= 0; i++) {
        uint32_t asset;
        r = find_asset(server, settings->holdings[i].asset,
                       exponent_of(settings, settings->holdings[i].asset), &asset, detail);
    }
    server->initial_balances = msim_mem_zero_array(&server->allocator, server->asset_count,
                                                   sizeof *server->initial_balances);
    if (r >= 0 && !server->initial_balances)
        r = MSIM_ERR_NOMEM;
    for (size_t i = 0; i < settings->holding_count && r >= 0; i++) {
        const struct msim_exchange_holding *holding = &settings->holdings[i];
        int exponent = exponent_of(settings, holding->asset);
        uint32_t asset;
        int64_t amount;
        r = msim_engine_asset_find(server->engine, holding->asset, strlen(holding->asset), &asset);
        if (r >= 0 &&
            (msim_decimal_parse(holding->amount, strlen(holding->amount), exponent, &amount) < 0 ||
             amount < 0))
            r = msim_detail_set(detail, MSIM_ERR_INVALID,
                                "exchange.default_balance.%s is %s: a number from 0 with at most "
                                "%d decimals is wanted",
                                holding->asset, holding->amount, -exponent);
        if (r >= 0)
            server->initial_balances[asset] = amount;
    }
    return r;
}

static int open_market(struct msim_exchange_server *server, msim_time start,
                       struct msim_detail *detail)
{
    struct msim_native_codec_params dialect = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_engine_params engine = MSIM_ENGINE_PARAMS_INIT;

    dialect.seed = server->settings.seed;
    dialect.allocator = &server->allocator;
    int r = msim_native_codec_create(&server->codec, &dialect);
    if (r < 0)
        return r;
    engine.events = MSIM_EVENTS_ALL;
    faults.seed = server->settings.seed;
    faults.start = start;
    faults.realtime = true;
    faults.trace = msim_exchange_trace;
    faults.context = server;
    faults.allocator = &server->allocator;
    faults.logger = &server->logger;
    params.allocator = &server->allocator;
    params.seed = server->settings.seed;
    params.start = start;
    params.flags = MSIM_VENUE_NO_RECORDS | MSIM_VENUE_WIRE_OUTSIDE;
    params.engine = &engine;
    params.faults = &faults;
    params.journal = server->stage ? server->stage->journal : NULL;
    r = msim_venue_create(&server->venue, &params, detail);
    if (r < 0)
        return r;
    server->engine = msim_venue_engine(server->venue);
    server->faults = msim_venue_faults(server->venue);
    msim_exchange_listen(server, MSIM_EVENTS_ORDER | MSIM_EVENTS_FILL);
    r = list_all(server, detail);
    if (r >= 0)
        r = play_tape(server, detail);
    if (r >= 0)
        r = endow_all(server, detail);
    if (r >= 0 && server->stage && server->stage->listed)
        r = server->stage->listed(server->stage->context, server->engine);
    return r;
}

static int spoil(struct msim_exchange_server *server, struct msim_detail *detail)
{
    const struct msim_bytes *failures = &server->settings.failures;
    struct msim_detail words = {{0}};

    if (msim_bytes_length(failures) == 0)
        return MSIM_OK;
    int r = msim_faults_python_modes(server->faults, server->now,
                                     (const char *)msim_bytes_front(failures),
                                     msim_bytes_length(failures), &words);
    return r < 0 ? msim_detail_set(detail, r, "failures: %s", words.text) : r;
}

/* ---- life ---- */

static msim_time wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

const struct msim_access_rule *msim_exchange_server_rules(size_t *count)
{
    static const struct msim_access_rule rules[] = {
        {"GET", "/health", MSIM_ROLE_NONE},
        {"GET", "/api/v1/health", MSIM_ROLE_NONE},
        {"GET", "/openapi.json", MSIM_ROLE_NONE},
        {"POST", "/api/v1/orders", MSIM_ROLE_TRADER},
        {"DELETE", "/api/v1/orders", MSIM_ROLE_TRADER},
        {"DELETE", "/api/v1/orders/*", MSIM_ROLE_TRADER},
        {"PATCH", "/api/v1/orders/*", MSIM_ROLE_TRADER},
    };

    if (count)
        *count = sizeof rules / sizeof rules[0];
    return rules;
}

/* Keys as a guard reads them: one in a line. */
static size_t write_keys(const struct msim_exchange_settings *settings, char *text, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < settings->key_count; i++) {
        char(*key)[65] = settings->keys[i];
        length += (size_t)snprintf(text + length, size - length, "%s%s%s account=%s\n", key[0],
                                   key[1][0] ? " secret=" : "", key[1], key[2]);
    }
    return length;
}

/* A signature's timestamp is held against the clock that everybody is told. */
static msim_time guard_clock(void *context)
{
    return msim_exchange_server_wall_clock(context);
}

static int make_guard(struct msim_exchange_server *server, const char *keys, size_t length,
                      struct msim_detail *detail)
{
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;

    params.allocator = &server->allocator;
    params.logger = &server->logger;
    params.keys = keys;
    params.keys_length = length;
    params.rules = msim_exchange_server_rules(&params.rule_count);
    params.recv_window = server->settings.recv_window;
    params.wall_clock = guard_clock;
    params.context = server;
    return msim_access_create(&server->own_access, &params, detail);
}

/* The caller's guard, or one for the keys of the configuration; both: it gets the keys. */
static int guard(struct msim_exchange_server *server, struct msim_access *given,
                 struct msim_detail *detail)
{
    const struct msim_exchange_settings *settings = &server->settings;
    size_t size = settings->key_count * KEY_LINE_MAX;

    server->access = given;
    if (settings->key_count == 0)
        return MSIM_OK;
    if (given && msim_access_key_count(given) > 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "server.api_keys: there are keys already: give them here or there");
    char *text = msim_mem_take(&server->allocator, size);
    if (!text)
        return MSIM_ERR_NOMEM;
    size_t length = write_keys(settings, text, size);
    int r = given ? msim_access_set_keys(given, text, length, detail)
                  : make_guard(server, text, length, detail);
    memset(text, 0, size);
    msim_mem_free(&server->allocator, text, size);
    if (!given)
        server->access = server->own_access;
    return r < 0 ? msim_detail_prefix(detail, r, "server.api_keys") : r;
}

static int listen_on(struct msim_exchange_server *server,
                     const struct msim_exchange_server_params *params, struct msim_detail *detail)
{
    struct msim_net_params net = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;

    net.allocator = &server->allocator;
    net.logger = &server->logger;
    net.max_connections = 2 * server->max_clients + 64;
    net.turn = turn;
    net.context = server;
    int r = msim_net_create(&server->net, &net, detail);
    if (r < 0 || server->stage)
        return r;
    listen.host = server->settings.host;
    listen.port = server->settings.port;
    listen.limits.max_backlog_bytes =
        params->max_backlog_bytes != 0 ? params->max_backlog_bytes : MSIM_EXCHANGE_BACKLOG;
    listen.limits.ping_interval = server->settings.heartbeat;
    listen.access = server->access;
    listen.tls = params->tls;
    listen.deflate = params->deflate;
    r = msim_exchange_rest_listen(server, &listen, detail);
    if (r >= 0)
        server->port = msim_listener_port(server->listener);
    return r;
}

static int start_scenario(struct msim_exchange_server *server,
                          const struct msim_exchange_server_params *params,
                          struct msim_detail *detail)
{
    if (!params->scenario)
        return MSIM_OK;
    int r = msim_exchange_scenario_start(server, params->scenario, params->scenario_length,
                                         params->scenario_lasts, detail);
    const char *name = params->scenario_name ? params->scenario_name : "scenario";
    return r < 0 ? msim_detail_prefix(detail, r, "%s", name) : r;
}

static int set_up(struct msim_exchange_server *server,
                  const struct msim_exchange_server_params *params, struct msim_detail *detail)
{
    struct msim_pacer_params pacing = MSIM_PACER_PARAMS_INIT;
    msim_time start = params->start;
    msim_time first = 0;

    pacing.speed = params->speed;
    int r = msim_pacer_init(&server->pacer, &pacing);
    if (r < 0)
        return msim_detail_set(detail, r, "the speed must be above zero");
    server->clients =
        msim_mem_zero_array(&server->allocator, server->max_clients, sizeof *server->clients);
    if (!server->clients)
        return MSIM_ERR_NOMEM;
    r = msim_exchange_settings_read(&server->settings, params->config, &server->allocator, detail);
    if (r >= 0 && server->settings.tape.file[0] != '\0')
        r = msim_exchange_tape_open(&server->tape, &server->settings, start, &server->allocator,
                                    &server->logger, &first, detail);
    if (r < 0)
        return r;
    if (start == 0)
        start = server->tape.ops ? first : wall_clock();
    server->now = start;
    server->next_tick = start;
    r = msim_exchange_record_start(server, params);
    if (r < 0)
        return msim_detail_set(detail, r, "the session cannot be recorded");
    server->next_expiry = MSIM_TIME_NEVER;
    r = open_market(server, start, detail);
    if (r >= 0)
        r = spoil(server, detail);
    if (r >= 0)
        r = guard(server, params->access, detail);
    if (r >= 0)
        r = listen_on(server, params, detail);
    if (r >= 0)
        r = msim_exchange_admin_open(server, params, detail);
    if (r < 0)
        return r;
    r = start_scenario(server, params, detail);
    if (r < 0)
        return r;
    const msim_time wall = msim_net_now(server->net);
    msim_pacer_start(&server->pacer, wall, start);
    server->is_waiting = server->settings.tape.start == TAPE_STARTS_WITH_CLIENT;
    if (server->is_waiting)
        msim_pacer_pause(&server->pacer, wall);
    msim_exchange_wire_refresh(server);
    msim_net_wake(server->net);
    return MSIM_OK;
}

int msim_exchange_server_create(struct msim_exchange_server **out,
                                const struct msim_exchange_server_params *params,
                                struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return MSIM_ERR_INVALID;
    if (params->speed.num < 0 || params->speed.den < 0 ||
        (params->speed.den == 0 && params->speed.num > 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "an exchange cannot run at full speed: nobody would keep up");
    if (params->max_backlog_bytes != 0 && params->max_backlog_bytes < LEAST_BACKLOG)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "max_backlog_bytes is at least %zu",
                               LEAST_BACKLOG);
    return msim_exchange_server_make(out, params, NULL, detail);
}

int msim_exchange_server_make(struct msim_exchange_server **out,
                              const struct msim_exchange_server_params *params,
                              const struct msim_exchange_stage *stage, struct msim_detail *detail)
{
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_exchange_server *server = msim_mem_zero(&allocator, sizeof *server);
    if (!server)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    server->allocator = allocator;
    server->stage = stage;
    msim_bytes_init(&server->trace, MSIM_MANAGE_TRACE_MAX, &server->allocator);
    server->logger = msim_log_logger(params->logger);
    server->max_clients = params->max_clients != 0 ? params->max_clients : MSIM_EXCHANGE_CLIENTS;
    int r = set_up(server, params, detail);
    if (r == MSIM_ERR_NOMEM)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (r < 0) {
        msim_exchange_server_destroy(&server);
        return r;
    }
    *out = server;
    return MSIM_OK;
}

static void close_markets(struct msim_exchange_server *server)
{
    for (size_t i = 0; i < server->market_count; i++) {
        struct msim_exchange_market *market = &server->markets[i];
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            if (!market->feeds[topic])
                continue;
            msim_exchange_history_finish(&market->feeds[topic]->history, &server->allocator);
            msim_mem_free(&server->allocator, market->feeds[topic], sizeof *market->feeds[topic]);
        }
        msim_mem_free(&server->allocator, market->deltas,
                      MSIM_EXCHANGE_DELTAS * sizeof *market->deltas);
    }
    if (server->markets)
        msim_mem_free(&server->allocator, server->markets,
                      server->settings.listing_count * sizeof *server->markets);
}

void msim_exchange_server_destroy(struct msim_exchange_server **server)
{
    struct msim_exchange_server *old = server ? *server : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->allocator;

    if (old->engine) {
        if (!old->is_stopping)
            msim_exchange_record(old, FRAME_STOP, 0, 0, NULL, 0);
        msim_exchange_record(old, FRAME_END, 0, msim_engine_digest(old->engine), NULL, 0);
    }
    old->is_stopping = true;
    msim_listener_close(&old->listener);
    msim_exchange_admin_stop(old);
    msim_net_destroy(&old->net);
    msim_exchange_admin_close(old);
    msim_bytes_finish(&old->trace);
    msim_bytes_finish(&old->frame);
    msim_access_destroy(&old->own_access);
    close_markets(old);
    msim_venue_destroy(&old->venue);
    msim_source_release(&old->tape);
    msim_native_codec_destroy(&old->codec);
    for (size_t i = 0; i < old->account_capacity; i++) {
        if (old->accounts[i].history)
            msim_exchange_history_finish(old->accounts[i].history, &allocator);
        msim_mem_free(&allocator, old->accounts[i].history, sizeof *old->accounts[i].history);
        msim_exchange_rest_forget(old, &old->accounts[i]);
    }
    msim_mem_free(&allocator, old->accounts, old->account_capacity * sizeof *old->accounts);
    msim_mem_free(&allocator, old->initial_balances,
                  old->asset_count * sizeof *old->initial_balances);
    msim_mem_free(&allocator, old->clients, old->max_clients * sizeof *old->clients);
    msim_mem_free(&allocator, old->pending, old->pending_capacity * sizeof *old->pending);
    msim_mem_free(&allocator, old->list, old->list_size);
    msim_mem_free(&allocator, old->held, old->held_size);
    msim_mem_free(&allocator, old->shifted, old->shifted_size);
    msim_mem_free(&allocator, old->mounts, msim_exchange_path_count * sizeof *old->mounts);
    msim_exchange_settings_finish(&old->settings, &allocator);
    msim_mem_free(&allocator, old, sizeof *old);
    *server = NULL;
}

int msim_exchange_server_fd(const struct msim_exchange_server *server)
{
    return server ? msim_net_fd(server->net) : MSIM_ERR_INVALID;
}

int msim_exchange_server_dispatch(struct msim_exchange_server *server, int timeout_ms)
{
    if (!server)
        return MSIM_ERR_INVALID;
    msim_exchange_wire_refresh(server);
    int r = msim_net_dispatch(server->net, timeout_ms);
    int failure = server->failure;
    server->failure = MSIM_OK;
    return failure < 0 ? failure : r;
}

const char *msim_exchange_server_detail(const struct msim_exchange_server *server)
{
    return server ? server->detail.text : "";
}

uint16_t msim_exchange_server_port(const struct msim_exchange_server *server)
{
    return server ? server->port : 0;
}

struct msim_net *msim_exchange_server_net(struct msim_exchange_server *server)
{
    return server ? server->net : NULL;
}

struct msim_venue *msim_exchange_server_venue(struct msim_exchange_server *server)
{
    return server ? server->venue : NULL;
}

uint16_t msim_exchange_server_admin_port(const struct msim_exchange_server *server)
{
    return server && server->admin ? server->admin->port : 0;
}

msim_time msim_exchange_server_now(const struct msim_exchange_server *server)
{
    return server ? server->now : MSIM_TIME_NEVER;
}

msim_time msim_exchange_server_wall_clock(const struct msim_exchange_server *server)
{
    msim_time now = wall_clock();

    return server && server->faults ? now + msim_faults_clock(server->faults, server->now, NULL)
                                    : now;
}

void msim_exchange_server_stop(struct msim_exchange_server *server)
{
    if (!server)
        return;
    if (!server->is_stopping)
        msim_exchange_record(server, FRAME_STOP, 0, 0, NULL, 0);
    server->is_stopping = true;
    msim_listener_close(&server->listener);
    msim_exchange_admin_stop(server);
    for (size_t i = server->client_count; i-- > 0;)
        msim_connection_close(server->clients[i]->connection, MSIM_CLOSE_GOING_AWAY,
                              "the server is stopping");
}

void msim_exchange_server_stats(const struct msim_exchange_server *server,
                                struct msim_exchange_stats *out)
{
    if (!server || !out)
        return;
    *out = server->stats;
    out->clients = server->client_count;
    out->clients_total = server->client_total;
    out->accounts = msim_venue_account_count(server->venue) - MSIM_VENUE_FIRST_ACCOUNT;
}
