#include "server/dashboard/relay.h"

#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/dashboard/inside.h"

#define CHANGES_EVERY (100 * MSIM_NS_PER_MS) /* tickers, trades and books: ten times a second */
#define BARS_EVERY MSIM_NS_PER_S
#define STATE_EVERY MSIM_NS_PER_S

/* As many bars wait for no second to be over. */
#define BARS_AT_ONCE ((size_t)64 << 10)

/* Of a symbol to watch, as JSON. */
#define MOST_ARGUMENT 1024

#define KEPT_BYTES ((size_t)1 << 20)

_Static_assert(MSIM_DASHBOARD_UPSTREAMS_MAX <= MSIM_LIVE_FEEDS_MAX, "each server is a feed");

/* ---- what is told ---- */

static void text_member(struct msim_json_writer *writer, const char *key, const char *text)
{
    msim_json_write_key(writer, key);
    msim_json_write_text(writer, text);
}

static void count_member(struct msim_json_writer *writer, const char *key, uint64_t count)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, count);
}

static void write_upstream(struct msim_json_writer *writer, const struct msim_upstream *upstream)
{
    static const char *const states[] = {
        [MSIM_UPSTREAM_CONNECTING] = "connecting",
        [MSIM_UPSTREAM_CONNECTED] = "connected",
        [MSIM_UPSTREAM_LOST] = "lost",
        [MSIM_UPSTREAM_FINISHED] = "finished",
    };
    static const char *const kinds[] = {
        [MSIM_FEED_OTHER] = "",          [MSIM_FEED_EXCHANGE] = "exchange",
        [MSIM_FEED_REPLAY] = "replay",   [MSIM_FEED_QUOTES] = "quotes",
        [MSIM_FEED_POLYGON] = "polygon",
    };

    msim_json_write_object(writer);
    text_member(writer, "name", upstream->place);
    text_member(writer, "url", upstream->url);
    text_member(writer, "kind", kinds[upstream->dialect]);
    text_member(writer, "state", states[upstream->state]);
    text_member(writer, "words", upstream->words);
    count_member(writer, "messages", upstream->messages);
    count_member(writer, "unread", upstream->unread);
    count_member(writer, "links", upstream->links);
    msim_json_write_object_end(writer);
}

static int write_state(const struct msim_relay *relay, struct msim_bytes *out)
{
    struct msim_json_writer writer;

    msim_json_write_bytes(&writer, out);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "feeds");
    msim_json_write_array(&writer);
    for (size_t i = 0; i < relay->upstream_count; i++)
        write_upstream(&writer, &relay->upstreams[i]);
    msim_json_write_array_end(&writer);
    count_member(&writer, "left_aside", relay->live.left_aside);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

static void clear(struct msim_relay *relay)
{
    msim_bytes_take(&relay->out, msim_bytes_length(&relay->out));
    msim_bytes_shrink(&relay->out, KEPT_BYTES);
}

/* What was written goes to a room; where there is no memory, what comes next tells it. */
static void emit(struct msim_relay *relay, struct msim_socketio_room *room, const char *name,
                 int written)
{
    if (written >= 0)
        msim_socketio_room_emit(room, name, (const char *)msim_bytes_front(&relay->out),
                                msim_bytes_length(&relay->out));
    clear(relay);
}

/* False where it did not get it. */
static bool give(struct msim_relay *relay, struct msim_socketio_client *client, const char *name,
                 int written)
{
    if (written >= 0)
        written = msim_socketio_emit(client, name, (const char *)msim_bytes_front(&relay->out),
                                     msim_bytes_length(&relay->out), NULL, 0);
    clear(relay);
    return written >= 0;
}

static void tell_books(struct msim_relay *relay)
{
    for (size_t i = 0; i < relay->live.market_count; i++) {
        struct msim_live_market *market = relay->live.markets[i];
        if (!market->is_book_changed)
            continue;
        market->is_book_changed = false;
        if (msim_socketio_room_size(market->watchers) > 0)
            emit(relay, market->watchers, "live_book", msim_live_write_book(market, &relay->out));
    }
}

static void tell_changes(struct msim_relay *relay)
{
    if (!relay->live.is_changed)
        return;
    emit(relay, relay->viewers, "live_tick", msim_live_write_changes(&relay->live, &relay->out));
    tell_books(relay);
}

static void tell_state(struct msim_relay *relay)
{
    emit(relay, relay->viewers, "live_state", write_state(relay, &relay->out));
}

/* ---- bars, as if a script had pushed them ---- */

static int read_bars(struct msim_relay *relay, struct msim_push *push)
{
    struct msim_bytes *bars = &relay->live.bars;
    struct msim_table *market = push->tables[MSIM_TABLE_MARKET];
    struct msim_table *trades = push->tables[MSIM_TABLE_TRADES];
    static const char no_trades[] = "timestamp,symbol,side,quantity,price,profit_loss,strategy\n";

    int r = msim_table_feed(trades, no_trades, sizeof no_trades - 1);
    if (r >= 0)
        r = msim_table_end(trades);
    if (r >= 0)
        r = msim_table_feed(market, msim_live_bars_header, strlen(msim_live_bars_header));
    if (r >= 0)
        r = msim_table_feed(market, msim_bytes_front(bars), msim_bytes_length(bars));
    if (r >= 0)
        r = msim_table_end(market);
    return r;
}

static void tell_bars(struct msim_relay *relay)
{
    struct msim_dashboard_server *server = relay->server;
    struct msim_bytes *bars = &relay->live.bars;
    struct msim_detail detail = {""};

    if (msim_bytes_length(bars) == 0)
        return;
    int r = read_bars(relay, &server->push);
    if (r >= 0)
        r = msim_push_keep(server, &server->push, &detail);
    if (r < 0)
        msim_log(&server->logger, MSIM_LOG_WARNING, "dashboard", "bars were not kept: %s",
                 detail.text[0] != '\0' ? detail.text : msim_result_text(r));
    msim_push_reset(&server->push);
    msim_bytes_take(bars, msim_bytes_length(bars));
    msim_bytes_shrink(bars, KEPT_BYTES);
}

/* ---- the turn ---- */

static bool is_due(msim_time *due, msim_time now, msim_time every)
{
    if (*due > now)
        return false;
    *due = now + every;
    return true;
}

static msim_time earlier(msim_time a, msim_time b)
{
    return a < b ? a : b;
}

/* A feed's words may change with each of its messages: they are told as often as all else. */
static void turn_state(struct msim_relay *relay, msim_time now)
{
    if (relay->is_state_changed)
        relay->state_due = earlier(relay->state_due, relay->state_told + CHANGES_EVERY);
    if (!is_due(&relay->state_due, now, STATE_EVERY))
        return;
    relay->state_told = now;
    relay->is_state_changed = false;
    tell_state(relay);
}

msim_time msim_relay_turn(struct msim_relay *relay, msim_time now)
{
    msim_time next = MSIM_TIME_NEVER;

    if (relay->live.is_changed && is_due(&relay->changes_due, now, CHANGES_EVERY))
        tell_changes(relay);
    if (is_due(&relay->bars_due, now, BARS_EVERY)) {
        msim_live_close_bars(&relay->live);
        tell_bars(relay);
    } else if (msim_bytes_length(&relay->live.bars) > BARS_AT_ONCE) {
        tell_bars(relay);
    }
    for (size_t i = 0; i < relay->upstream_count; i++)
        next = earlier(next, msim_upstream_turn(&relay->upstreams[i], now));
    if (relay->switches)
        next = earlier(next, msim_switches_turn(relay->switches, now));
    turn_state(relay, now);
    next = earlier(next, earlier(relay->bars_due, relay->state_due));
    return relay->live.is_changed ? earlier(next, relay->changes_due) : next;
}

/* ---- those who look ---- */

void msim_relay_catch_up(struct msim_relay *relay, struct msim_socketio_client *client)
{
    if (!msim_socketio_is_in(client, relay->viewers))
        return;
    if (!give(relay, client, "live", msim_live_write_all(&relay->live, &relay->out)))
        return;
    give(relay, client, "live_state", write_state(relay, &relay->out));
    if (relay->switches)
        msim_switches_show(relay->switches, client);
    for (size_t i = 0; i < relay->live.market_count; i++) {
        const struct msim_live_market *market = relay->live.markets[i];
        if (market->watchers && msim_socketio_is_in(client, market->watchers))
            give(relay, client, "live_book", msim_live_write_book(market, &relay->out));
    }
}

void msim_relay_join(struct msim_relay *relay, struct msim_socketio_client *client)
{
    int r = msim_socketio_join(client, relay->viewers);

    if (r >= 0 || r == MSIM_ERR_EXISTS)
        msim_relay_catch_up(relay, client);
}

/* The market that the first argument names. */
static struct msim_live_market *named_market(struct msim_relay *relay, const char *arguments,
                                             size_t length)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    char name[MSIM_LIVE_NAME_SIZE];
    size_t name_length = 0;

    if (length > MOST_ARGUMENT)
        return NULL;
    msim_json_init(&reader, arguments, length, NULL);
    if (msim_json_next(&reader, &token) != MSIM_JSON_STRING ||
        msim_json_string(arguments, token.start, token.end, name, sizeof name, &name_length) < 0 ||
        strlen(name) != name_length)
        return NULL;
    return msim_live_find(&relay->live, name);
}

void msim_relay_watch(struct msim_relay *relay, struct msim_socketio_client *client,
                      const char *arguments, size_t length)
{
    struct msim_live_market *market = named_market(relay, arguments, length);

    if (!market)
        return;
    if (!market->watchers &&
        msim_socketio_room_create(relay->server->socketio, &market->watchers, "/") < 0)
        return;
    int r = msim_socketio_join(client, market->watchers);
    if (r >= 0 || r == MSIM_ERR_EXISTS)
        give(relay, client, "live_book", msim_live_write_book(market, &relay->out));
}

void msim_relay_unwatch(struct msim_relay *relay, struct msim_socketio_client *client,
                        const char *arguments, size_t length)
{
    const struct msim_live_market *market = named_market(relay, arguments, length);

    if (market && market->watchers)
        msim_socketio_leave(client, market->watchers);
}

/* ---- life ---- */

static int copy_symbols(struct msim_relay *relay, const struct msim_dashboard_server_params *params,
                        struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &relay->server->allocator;

    if (params->upstream_symbol_count == 0)
        return MSIM_OK;
    relay->symbols =
        msim_mem_take_array(allocator, params->upstream_symbol_count, sizeof *relay->symbols);
    if (!relay->symbols)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    relay->symbol_room = params->upstream_symbol_count;
    for (size_t i = 0; i < params->upstream_symbol_count; i++) {
        const char *symbol = params->upstream_symbols[i];
        if (strlen(symbol) >= MSIM_FEED_SYMBOL_SIZE)
            return msim_detail_set(detail, MSIM_ERR_LIMIT,
                                   "the symbol '%.80s' is longer than %d bytes", symbol,
                                   MSIM_FEED_SYMBOL_SIZE - 1);
        relay->symbols[i] = msim_mem_text(allocator, symbol, strlen(symbol));
        if (!relay->symbols[i])
            return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
        relay->symbol_count++;
    }
    return MSIM_OK;
}

static int open_upstreams(struct msim_relay *relay,
                          const struct msim_dashboard_server_params *params,
                          struct msim_detail *detail)
{
    if (params->upstream_count > MSIM_DASHBOARD_UPSTREAMS_MAX)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "%zu servers to show: at most %d",
                               params->upstream_count, MSIM_DASHBOARD_UPSTREAMS_MAX);
    for (size_t i = 0; i < params->upstream_count; i++) {
        struct msim_upstream *upstream = &relay->upstreams[i];
        upstream->relay = relay;
        upstream->number = i;
        relay->upstream_count++;
        int r = msim_upstream_open(upstream, &params->upstreams[i], params->upstream_tls, detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

void msim_relay_stop(struct msim_relay *relay)
{
    for (size_t i = 0; relay && i < relay->upstream_count; i++)
        msim_dialer_destroy(&relay->upstreams[i].dialer);
    if (relay)
        msim_switches_stop(relay->switches);
}

void msim_relay_destroy(struct msim_relay **handle)
{
    struct msim_relay *relay = *handle;

    if (!relay)
        return;
    *handle = NULL;
    struct msim_allocator allocator = relay->server->allocator;
    msim_switches_destroy(&relay->switches);
    for (size_t i = 0; i < relay->upstream_count; i++)
        msim_upstream_finish(&relay->upstreams[i]);
    for (size_t i = 0; i < relay->symbol_count; i++)
        msim_mem_free(&allocator, relay->symbols[i], strlen(relay->symbols[i]) + 1);
    msim_mem_free(&allocator, relay->symbols, relay->symbol_room * sizeof *relay->symbols);
    msim_live_finish(&relay->live);
    msim_bytes_finish(&relay->out);
    msim_mem_free(&allocator, relay, sizeof *relay);
}

int msim_relay_create(struct msim_relay **out, struct msim_dashboard_server *server,
                      const struct msim_dashboard_server_params *params, struct msim_detail *detail)
{
    struct msim_relay *relay = msim_mem_zero(&server->allocator, sizeof *relay);
    size_t feed_count = params->upstream_count;

    if (!relay)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    if (feed_count > MSIM_LIVE_FEEDS_MAX) /* it is refused below */
        feed_count = MSIM_LIVE_FEEDS_MAX;
    relay->server = server;
    msim_live_init(&relay->live, feed_count, &server->allocator);
    msim_bytes_init(&relay->out, SIZE_MAX / 4, &server->allocator);
    int r = msim_socketio_room_create(server->socketio, &relay->viewers, "/");
    if (r < 0)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (r >= 0)
        r = copy_symbols(relay, params, detail);
    if (r >= 0)
        r = open_upstreams(relay, params, detail);
    if (r >= 0 && params->admin_url)
        r = msim_switches_create(&relay->switches, relay, params, detail);
    if (r < 0) {
        msim_relay_stop(relay);
        msim_relay_destroy(&relay);
        return r;
    }
    *out = relay;
    return MSIM_OK;
}
