#include "client/orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/json.h"
#include "cli/options.h"
#include "client/commands.h"
#include "client/exchange.h"
#include "client/kinds.h"

#define OPENING_NS (120 * MSIM_NS_PER_S)

struct trader {
    struct orders *orders;
    struct msim_connection *connection;
    uint64_t sent;
    uint64_t waiting;
    uint64_t cancelling;             /* cancels without an answer */
    msim_time times[ORDERS_WAITING]; /* of sending, by number; 0: answered */
    bool is_open;
};

struct orders {
    const struct orders_settings *settings;
    struct terminal *terminal;
    struct msim_net *net;
    struct trader *traders;
    size_t open;
    size_t opening;
    size_t next;                 /* who sends */
    char order[COMMAND_MESSAGE]; /* without its closing brace */
    bool is_ending;
    bool has_heard; /* the first message, which tells the kind */
    enum server_kind kind;
    msim_time began;
    msim_time ended;
    uint64_t sent;
    uint64_t held; /* not sent: too many were waiting */
    uint64_t acks;
    uint64_t rejects;
    uint64_t errors;
    uint64_t fills;
    uint64_t cancels;
    uint64_t failed;
    uint64_t closed;
    struct msim_histogram latency;
    char words[MSIM_DETAIL_SIZE]; /* of the first refusal or failure */
};

/* ---- what comes ---- */

static bool has(const unsigned char *bytes, size_t length, const char *text)
{
    return memmem(bytes, length, text, strlen(text)) != NULL;
}

static const unsigned char *behind(const unsigned char *bytes, size_t length, const char *text)
{
    const unsigned char *at = memmem(bytes, length, text, strlen(text));

    return at ? at + strlen(text) : NULL;
}

static void note_words(struct orders *orders, const char *text, size_t length)
{
    if (orders->words[0] == '\0')
        snprintf(orders->words, sizeof orders->words, "%.*s",
                 (int)(length < sizeof orders->words ? length : sizeof orders->words - 1), text);
    terminal_clean(orders->words);
}

static bool is_another_kind(const struct orders *orders)
{
    return orders->kind != SERVER_UNKNOWN && orders->kind != SERVER_EXCHANGE;
}

/* Orders are nothing to a server of another kind. */
static void note_kind(struct orders *orders, enum server_kind kind)
{
    orders->kind = kind;
    orders->is_ending = orders->is_ending || is_another_kind(orders);
}

/* Answers bear "q" and the order's number; false where it is another's. */
static bool note_answer(struct trader *trader, const unsigned char *bytes, size_t length)
{
    const unsigned char *at = behind(bytes, length, "\"request_id\":\"q");
    uint64_t number = 0;

    for (; at && at < bytes + length && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    msim_time *sent = &trader->times[number % ORDERS_WAITING];
    if (!at || number >= trader->sent || *sent == 0)
        return false;
    msim_histogram_add(&trader->orders->latency, terminal_clock() - *sent);
    *sent = 0;
    trader->waiting--;
    return true;
}

static void cancel(struct trader *trader, const unsigned char *bytes, size_t length)
{
    const unsigned char *id = behind(bytes, length, "\"order_id\":\"");
    char text[128];

    if (!id || trader->orders->is_ending || id + 36 > bytes + length)
        return;
    const int size =
        snprintf(text, sizeof text,
                 "{\"type\":\"CANCEL_ORDER\",\"order_id\":\"%.36s\",\"request_id\":\"c\"}",
                 (const char *)id);
    if (msim_connection_send(trader->connection, MSIM_MESSAGE_TEXT, text, (size_t)size) >= 0)
        trader->cancelling++;
}

/* Answers to cancels all bear "c". */
static void note_cancel_answer(struct trader *trader, const unsigned char *bytes, size_t length)
{
    if (trader->cancelling > 0 && has(bytes, length, "\"request_id\":\"c\""))
        trader->cancelling--;
}

/* Messages begin with their type. */
static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct trader *trader = context;
    struct orders *orders = trader->orders;

    (void)connection;
    (void)kind;
    if (!orders->has_heard)
        note_kind(orders, server_kind_of((const char *)bytes, length));
    orders->has_heard = true;
    note_cancel_answer(trader, bytes, length);
    if (has(bytes, length, "\"type\":\"ORDER_ACK\"")) {
        if (!note_answer(trader, bytes, length))
            return;
        orders->acks++;
        if (!has(bytes, length, "\"order_type\":\"MARKET\""))
            cancel(trader, bytes, length);
    } else if (has(bytes, length, "\"type\":\"ORDER_FILL\"")) {
        orders->fills++;
    } else if (has(bytes, length, "\"type\":\"ORDER_CANCEL\"")) {
        orders->cancels++;
    } else if (has(bytes, length, "\"type\":\"ORDER_REJECT\"")) {
        orders->rejects += note_answer(trader, bytes, length);
        note_words(orders, (const char *)bytes, length);
    } else if (has(bytes, length, "\"type\":\"ERROR\"") && note_answer(trader, bytes, length)) {
        orders->errors++; /* that of a cancel whose order was filled counts for nothing */
        note_words(orders, (const char *)bytes, length);
    }
}

static void opened(void *context, struct msim_connection *connection)
{
    struct trader *trader = context;

    (void)connection;
    trader->is_open = true;
    trader->orders->opening--;
    trader->orders->open++;
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct trader *trader = context;
    struct orders *orders = trader->orders;

    (void)connection;
    if (trader->is_open)
        orders->open--;
    else
        orders->opening--;
    if (!orders->has_heard && !orders->is_ending)
        note_kind(orders, server_kind_of_closing(closing->reason));
    if (!orders->is_ending) {
        orders->closed += trader->is_open;
        orders->failed += !trader->is_open;
        note_words(orders, closing->reason, strlen(closing->reason));
    }
    trader->is_open = false;
    trader->connection = NULL;
}

/* ---- sending ---- */

static void send_one(struct orders *orders, struct trader *trader, msim_time now)
{
    char text[COMMAND_MESSAGE + 64];
    msim_time *slot = &trader->times[trader->sent % ORDERS_WAITING];

    if (*slot != 0) {
        orders->held++;
        return;
    }
    const int length = snprintf(text, sizeof text, "%s,\"request_id\":\"q%" PRIu64 "\"}",
                                orders->order, trader->sent);
    if (msim_connection_send(trader->connection, MSIM_MESSAGE_TEXT, text, (size_t)length) < 0) {
        orders->held++;
        return;
    }
    *slot = now;
    trader->sent++;
    trader->waiting++;
    orders->sent++;
}

static void send_owed(struct orders *orders, msim_time now)
{
    const double owed = (double)(now - orders->began) / 1e9 * (double)orders->settings->per_second;

    while ((double)(orders->sent + orders->held) < owed && orders->open > 0) {
        struct trader *trader =
            &orders->traders[orders->next++ % orders->settings->load->connections];
        if (trader->is_open)
            send_one(orders, trader, terminal_clock());
    }
}

static bool any_waiting(const struct orders *orders)
{
    for (size_t i = 0; i < orders->settings->load->connections; i++)
        if (orders->traders[i].is_open &&
            (orders->traders[i].waiting > 0 || orders->traders[i].cancelling > 0))
            return true;
    return false;
}

static void stop(void *context, int fd)
{
    struct orders *orders = context;

    if (terminal_signal(fd) != 0)
        orders->is_ending = true;
}

static bool turn(struct orders *orders, msim_time until, int wait)
{
    if (orders->is_ending || terminal_clock() >= until)
        return false;
    if (msim_net_dispatch(orders->net, wait) >= 0)
        return true;
    note_words(orders, "the event loop failed", strlen("the event loop failed"));
    orders->failed++;
    return false;
}

static void say_goodbye(struct orders *orders)
{
    const msim_time limit = terminal_clock() + LOAD_CLOSING_NS;

    for (size_t i = 0; i < orders->settings->load->connections; i++)
        if (orders->traders[i].is_open)
            msim_connection_close(orders->traders[i].connection, MSIM_CLOSE_NORMAL, "");
    while (orders->open > 0 && terminal_clock() < limit && msim_net_dispatch(orders->net, 100) >= 0)
        ;
}

static void run(struct orders *orders)
{
    const msim_time limit = terminal_clock() + OPENING_NS;

    while (orders->opening > 0 && turn(orders, limit, 100))
        ;
    orders->failed += orders->opening;
    orders->began = terminal_clock();
    while (orders->open > 0 && turn(orders, orders->began + orders->settings->load->duration, 1))
        send_owed(orders, terminal_clock());
    orders->ended = terminal_clock();
    const msim_time grace = orders->ended + ORDERS_GRACE;
    while (any_waiting(orders) && turn(orders, grace, 10))
        ;
    orders->is_ending = true;
    say_goodbye(orders);
}

/* ---- the report ---- */

static double at_share(const struct orders *orders, uint32_t per_million)
{
    return (double)msim_histogram_at(&orders->latency, per_million) / 1e3;
}

static uint64_t missing(const struct orders *orders)
{
    return orders->sent - orders->acks - orders->rejects - orders->errors;
}

static void print_json(const struct orders *orders, double seconds)
{
    printf("{\"connections\":%" PRIu64 ",\"seconds\":%.3f,\"orders\":%" PRIu64
           ",\"orders_per_s\":%.1f,\"acks\":%" PRIu64 ",\"rejects\":%" PRIu64 ",\"errors\":%" PRIu64
           ",\"missing\":%" PRIu64 ",\"held_back\":%" PRIu64 ",\"fills\":%" PRIu64
           ",\"cancels\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"closed\":%" PRIu64,
           orders->settings->load->connections, seconds, orders->sent,
           seconds > 0 ? (double)orders->sent / seconds : 0, orders->acks, orders->rejects,
           orders->errors, missing(orders), orders->held, orders->fills, orders->cancels,
           orders->failed, orders->closed);
    if (orders->latency.count > 0)
        printf(",\"ack_us\":{\"count\":%" PRIu64
               ",\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
               orders->latency.count, at_share(orders, 500000), at_share(orders, 900000),
               at_share(orders, 990000), at_share(orders, 999000),
               (double)orders->latency.max / 1e3);
    puts("}");
}

static int report(const struct orders *orders)
{
    const double seconds = (double)(orders->ended - orders->began) / 1e9;

    if (orders->settings->load->json) {
        print_json(orders, seconds);
    } else {
        printf("%" PRIu64 " orders in %.3f s, %.0f each second: %" PRIu64 " acknowledged, %" PRIu64
               " refused, %" PRIu64 " errors, %" PRIu64 " not answered, %" PRIu64 " held back\n",
               orders->sent, seconds, seconds > 0 ? (double)orders->sent / seconds : 0,
               orders->acks, orders->rejects, orders->errors, missing(orders), orders->held);
        printf("%" PRIu64 " fills, %" PRIu64 " cancels\n", orders->fills, orders->cancels);
        if (orders->failed > 0 || orders->closed > 0)
            printf("of %" PRIu64 " connections %" PRIu64 " failed, %" PRIu64 " were closed\n",
                   orders->settings->load->connections, orders->failed, orders->closed);
        if (orders->latency.count > 0)
            printf("order to answer: p50 %.1f us, p90 %.1f us, p99 %.1f us, max %.1f us\n",
                   at_share(orders, 500000), at_share(orders, 900000), at_share(orders, 990000),
                   (double)orders->latency.max / 1e3);
    }
    if (is_another_kind(orders))
        return terminal_fail(orders->terminal, "%s is no exchange, and %s",
                             orders->settings->load->link->settings->url,
                             server_kind_words(orders->kind));
    if (orders->failed == 0 && orders->closed == 0 && missing(orders) == 0 && orders->errors == 0 &&
        orders->rejects == 0)
        return EXIT_SUCCESS;
    const bool is_link = missing(orders) == 0 && orders->errors == 0 && orders->rejects == 0;
    return terminal_fail(orders->terminal, "%s: not every %s%s%s",
                         orders->settings->load->link->settings->url,
                         is_link ? "connection came or stood to the end" : "order was acknowledged",
                         orders->words[0] ? "; first: " : "", orders->words);
}

/* ---- setting up ---- */

static int read_order(struct orders *orders)
{
    struct command *command = calloc(1, sizeof *command);
    char *line = strdup(orders->settings->order);
    int code = EXIT_SUCCESS;

    if (!command || !line) {
        code = terminal_fail(orders->terminal, "out of memory");
        goto free_both;
    }
    command_read(line, command);
    if (command->kind == COMMAND_SEND &&
        has((const unsigned char *)command->message, command->length, "\"PLACE_ORDER\"")) {
        memcpy(orders->order, command->message, command->length - 1);
        orders->order[command->length - 1] = '\0';
    } else {
        terminal_fail(orders->terminal, "--order: %s",
                      command->kind == COMMAND_WRONG
                          ? command->why
                          : "an order is wanted, such as 'buy 0.01 BTC/USD @ 1000'");
        code = EXIT_USAGE;
    }

free_both:
    free(line);
    free(command);
    return code;
}

static void connect_trader(struct orders *orders, size_t number)
{
    const struct load_settings *load = orders->settings->load;
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail = {{0}};
    char url[EXCHANGE_URL];
    char session[128];

    snprintf(session, sizeof session, "%.60s-%zu",
             orders->settings->session ? orders->settings->session : "load", number + 1);
    link_use(load->link, &params);
    if (!exchange_url(params.url, session, url)) {
        orders->failed++;
        note_words(orders, "the URL is too long", strlen("the URL is too long"));
        return;
    }
    params.url = url;
    params.handler.opened = opened;
    params.handler.message = take_message;
    params.handler.closed = closed;
    params.context = &orders->traders[number];
    if (msim_net_connect(orders->net, &orders->traders[number].connection, &params, &detail) < 0) {
        orders->failed++;
        note_words(orders, detail.text, strlen(detail.text));
    } else {
        orders->opening++;
    }
}

static int start(struct orders *orders, const struct msim_logger *logger)
{
    const struct load_settings *load = orders->settings->load;

    int code = read_order(orders);
    if (code != EXIT_SUCCESS)
        return code;
    orders->traders = calloc(load->connections, sizeof *orders->traders);
    if (!orders->traders)
        return terminal_fail(orders->terminal, "out of memory");
    code = link_net(&orders->net, load->connections + 1, stop, orders, orders->terminal, logger);
    if (code != EXIT_SUCCESS)
        return code;
    for (size_t i = 0; i < load->connections; i++) {
        orders->traders[i].orders = orders;
        connect_trader(orders, i);
    }
    return EXIT_SUCCESS;
}

int orders_run(const struct orders_settings *settings, struct terminal *terminal,
               const struct msim_logger *logger)
{
    struct orders *orders = calloc(1, sizeof *orders);
    if (!orders)
        return terminal_fail(terminal, "out of memory");

    orders->settings = settings;
    orders->terminal = terminal;
    int code = start(orders, logger);
    if (code == EXIT_SUCCESS) {
        run(orders);
        code = report(orders);
    }
    orders->is_ending = true;
    msim_net_destroy(&orders->net);
    free(orders->traders);
    free(orders);
    return code;
}
