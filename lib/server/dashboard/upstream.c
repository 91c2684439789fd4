#define _POSIX_C_SOURCE 200809L /* clock_gettime */

/*
 * A server that is shown: its link, what it is asked, and what it says.
 *
 * The failure layer may lose whatever is asked: it is asked again until it is answered.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/dashboard/inside.h"
#include "server/dashboard/relay.h"

#define FIRST_ASK_AGAIN (2 * MSIM_NS_PER_S)
#define LAST_ASK_AGAIN (60 * MSIM_NS_PER_S)
#define LONGEST_WAIT (10 * MSIM_NS_PER_S) /* between two attempts to connect */
#define MOST_MESSAGE ((size_t)1 << 20)

/* One message to a server. */
#define ASK_SIZE 1024

static const char *const channels[MSIM_UPSTREAM_CHANNELS] = {"TICKER", "TRADES", "ORDERBOOK"};

/* ---- what it is called ---- */

static const struct {
    const char *prefix;
    enum msim_feed_dialect dialect;
} kinds[] = {
    {"exchange+", MSIM_FEED_EXCHANGE},
    {"replay+", MSIM_FEED_REPLAY},
    {"quotes+", MSIM_FEED_QUOTES},
    {"polygon+", MSIM_FEED_POLYGON},
};

/* "exchange+ws://..." says what it is; the rest is its URL. */
static const char *read_kind(struct msim_upstream *upstream, const char *url)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(url, kinds[i].prefix, length) == 0) {
            upstream->given = kinds[i].dialect;
            return url + length;
        }
    }
    return url;
}

static void read_place(struct msim_upstream *upstream, const char *url)
{
    size_t shown = strcspn(url, "?");
    const char *authority = strstr(url, "://");

    snprintf(upstream->url, sizeof upstream->url, "%.*s", (int)(shown < 200 ? shown : 200), url);
    authority = authority ? authority + 3 : url;
    size_t length = strcspn(authority, "/?");
    snprintf(upstream->place, sizeof upstream->place, "%.*s", (int)(length < 90 ? length : 90),
             authority);
    upstream->is_crypto = strstr(authority + length, "crypto") != NULL;
}

/* ---- asking ---- */

static void say(struct msim_upstream *upstream, const char *text, size_t length)
{
    struct msim_connection *connection = msim_dialer_connection(upstream->dialer);

    /* What does not leave now is asked again. */
    if (connection)
        msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, length);
}

static void subscribe_exchange(struct msim_upstream *upstream, const char *channel,
                               const char *symbol)
{
    struct msim_json_writer writer;
    char text[ASK_SIZE];
    size_t length;

    msim_json_write_buffer(&writer, text, sizeof text);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, "SUBSCRIBE");
    msim_json_write_key(&writer, "channel");
    msim_json_write_text(&writer, channel);
    msim_json_write_key(&writer, "symbol");
    msim_json_write_text(&writer, symbol);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) == MSIM_OK)
        say(upstream, text, length);
}

static size_t wanted_answers(const struct msim_upstream *upstream)
{
    return upstream->relay->symbol_count > 0 ? upstream->relay->symbol_count : 1;
}

static void ask_exchange(struct msim_upstream *upstream)
{
    const struct msim_relay *relay = upstream->relay;

    for (size_t i = 0; i < MSIM_UPSTREAM_CHANNELS; i++) {
        if (upstream->answers[i] >= wanted_answers(upstream))
            continue;
        upstream->answers[i] = 0;
        if (relay->symbol_count == 0)
            subscribe_exchange(upstream, channels[i], "*");
        for (size_t k = 0; k < relay->symbol_count; k++)
            subscribe_exchange(upstream, channels[i], relay->symbols[k]);
    }
}

static void say_polygon(struct msim_upstream *upstream, const char *action, const char *params)
{
    struct msim_json_writer writer;
    char text[ASK_SIZE];
    size_t length;

    msim_json_write_buffer(&writer, text, sizeof text);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "action");
    msim_json_write_text(&writer, action);
    msim_json_write_key(&writer, "params");
    msim_json_write_text(&writer, params);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) == MSIM_OK)
        say(upstream, text, length);
}

static void ask_polygon(struct msim_upstream *upstream)
{
    const struct msim_relay *relay = upstream->relay;
    const char *kind = upstream->is_crypto ? "X" : "";
    char params[2 * (MSIM_FEED_SYMBOL_SIZE + 4)];

    /* Without keys of its own it takes any. */
    say_polygon(upstream, "auth", upstream->key ? upstream->key : "none");
    if (relay->symbol_count == 0) {
        snprintf(params, sizeof params, "%sT.*,%sQ.*", kind, kind);
        say_polygon(upstream, "subscribe", params);
    }
    for (size_t i = 0; i < relay->symbol_count; i++) {
        snprintf(params, sizeof params, "%sT.%s,%sQ.%s", kind, relay->symbols[i], kind,
                 relay->symbols[i]);
        say_polygon(upstream, "subscribe", params);
    }
    upstream->is_subscribed = true;
}

static bool is_answered(const struct msim_upstream *upstream)
{
    if (upstream->dialect == MSIM_FEED_EXCHANGE) {
        for (size_t i = 0; i < MSIM_UPSTREAM_CHANNELS; i++)
            if (upstream->answers[i] < wanted_answers(upstream))
                return false;
        return true;
    }
    return upstream->dialect != MSIM_FEED_OTHER &&
           (upstream->dialect != MSIM_FEED_POLYGON || upstream->is_subscribed);
}

static void ask(struct msim_upstream *upstream, msim_time now)
{
    static const char ping[] = "{\"type\":\"PING\"}";

    if (upstream->dialect == MSIM_FEED_OTHER)
        say(upstream, ping, sizeof ping - 1);
    else if (upstream->dialect == MSIM_FEED_EXCHANGE)
        ask_exchange(upstream);
    else if (upstream->dialect == MSIM_FEED_POLYGON)
        ask_polygon(upstream);
    upstream->ask_again = now + upstream->ask_wait;
    if (upstream->ask_wait < LAST_ASK_AGAIN / 2)
        upstream->ask_wait *= 2;
}

msim_time msim_upstream_turn(struct msim_upstream *upstream, msim_time now)
{
    if (upstream->state != MSIM_UPSTREAM_CONNECTED || is_answered(upstream))
        return MSIM_TIME_NEVER;
    if (upstream->ask_again <= now)
        ask(upstream, now);
    return upstream->ask_again;
}

/* ---- hearing ---- */

static bool is_wanted(const struct msim_relay *relay, const char *symbol)
{
    for (size_t i = 0; i < relay->symbol_count; i++)
        if (strcmp(relay->symbols[i], symbol) == 0)
            return true;
    return relay->symbol_count == 0;
}

static msim_time wall_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

static void take(void *context, const struct msim_feed_event *event)
{
    struct msim_upstream *upstream = context;
    struct msim_relay *relay = upstream->relay;

    if (event->kind == MSIM_FEED_SUBSCRIBED) {
        for (size_t i = 0; i < MSIM_UPSTREAM_CHANNELS; i++)
            if (strcmp(event->words, channels[i]) == 0)
                upstream->answers[i]++;
    } else if (event->kind == MSIM_FEED_ERROR) {
        snprintf(upstream->words, sizeof upstream->words, "%s", event->words);
        relay->is_state_changed = true;
    } else if (event->kind <= MSIM_FEED_BOOK && is_wanted(relay, event->symbol)) {
        /* Without memory for a market it is seen when there is some again. */
        msim_live_take(&relay->live, upstream->number, upstream->place, event,
                       event->time > 0 ? event->time : wall_time());
    }
}

/* The first words that we know tell whose they are. */
static void meet(struct msim_upstream *upstream, enum msim_feed_dialect dialect)
{
    upstream->dialect = dialect;
    upstream->ask_wait = FIRST_ASK_AGAIN;
    upstream->words[0] = '\0';
    upstream->relay->is_state_changed = true;
    ask(upstream, msim_net_now(upstream->relay->server->net));
}

static void message(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                    const unsigned char *bytes, size_t length)
{
    struct msim_upstream *upstream = context;

    (void)connection;
    (void)kind;
    upstream->messages++;
    int r = msim_feed_read((const char *)bytes, length, take, upstream);
    if (r <= MSIM_FEED_OTHER ||
        (upstream->dialect != MSIM_FEED_OTHER && upstream->dialect != (enum msim_feed_dialect)r))
        upstream->unread++;
    else if (upstream->dialect == MSIM_FEED_OTHER)
        meet(upstream, (enum msim_feed_dialect)r);
}

/* ---- the link ---- */

static void set_state(struct msim_upstream *upstream, enum msim_upstream_state state,
                      const char *words)
{
    upstream->state = state;
    snprintf(upstream->words, sizeof upstream->words, "%.120s", words);
    msim_detail_clean(upstream->words);
    upstream->relay->is_state_changed = true;
}

static void opened(void *context, struct msim_connection *connection)
{
    struct msim_upstream *upstream = context;
    struct msim_relay *relay = upstream->relay;

    (void)connection;
    upstream->links++;
    upstream->dialect = upstream->given;
    upstream->is_subscribed = false;
    memset(upstream->answers, 0, sizeof upstream->answers);
    upstream->ask_wait = FIRST_ASK_AGAIN;
    msim_live_restart(&relay->live, upstream->number);
    set_state(upstream, MSIM_UPSTREAM_CONNECTED, "");
    msim_log(&relay->server->logger, MSIM_LOG_INFO, "dashboard", "connected to %s", upstream->url);
    ask(upstream, msim_net_now(relay->server->net));
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_upstream *upstream = context;
    bool is_over = upstream->dialect == MSIM_FEED_REPLAY && closing->code == MSIM_CLOSE_NORMAL &&
                   upstream->state == MSIM_UPSTREAM_CONNECTED;

    (void)connection;
    /* Said once: what follows are tries that fail in the same way. */
    if (upstream->state != MSIM_UPSTREAM_LOST)
        msim_log(&upstream->relay->server->logger, MSIM_LOG_INFO, "dashboard", "%s: %s%s",
                 upstream->url, is_over ? "the replay is over" : closing->reason,
                 is_over ? "" : "; trying again");
    set_state(upstream, is_over ? MSIM_UPSTREAM_FINISHED : MSIM_UPSTREAM_LOST,
              is_over ? "" : closing->reason);
}

/* A replay that has come to its end would only begin anew. */
static bool again(void *context, const struct msim_closing *closing, msim_time wait)
{
    const struct msim_upstream *upstream = context;

    (void)closing;
    (void)wait;
    return upstream->state != MSIM_UPSTREAM_FINISHED;
}

int msim_upstream_open(struct msim_upstream *upstream, const struct msim_dashboard_upstream *given,
                       struct msim_tls *tls, struct msim_detail *detail)
{
    struct msim_dialer_params params = MSIM_DIALER_PARAMS_INIT;

    if (!given->url)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a server to show without a URL");
    const char *url = read_kind(upstream, given->url);
    read_place(upstream, url);
    if (given->key) {
        upstream->key =
            msim_mem_text(&upstream->relay->server->allocator, given->key, strlen(given->key));
        if (!upstream->key)
            return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    }
    params.connect.url = url;
    params.connect.tls = tls;
    params.connect.api_key = given->key;
    params.connect.api_secret = given->secret;
    params.connect.context = upstream;
    params.connect.limits.max_message_bytes = MOST_MESSAGE;
    params.connect.handler =
        (struct msim_connection_handler){.opened = opened, .message = message, .closed = closed};
    params.longest_wait = LONGEST_WAIT;
    params.again = again;
    return msim_dialer_create(upstream->relay->server->net, &upstream->dialer, &params, detail);
}

void msim_upstream_finish(struct msim_upstream *upstream)
{
    if (upstream->key)
        msim_mem_free(&upstream->relay->server->allocator, upstream->key,
                      strlen(upstream->key) + 1);
    upstream->key = NULL;
}
