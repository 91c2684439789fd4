/*
 * What an exchange holds for sessions that say nothing: counted byte by byte, so that neither a
 * page nor another program decides.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/net.h>
#include <marketsim/server.h>

#define PATIENCE 20000 /* turns of a millisecond or two */
#define FEW 100
#define MANY 400
#define MOST_BYTES 2048 /* for each, its account and its subscriptions in it */

struct counting {
    size_t bytes;
};

struct crowd {
    struct counting counting;
    struct msim_exchange_server *server;
    struct msim_net *net; /* the robots', which is not counted */
    size_t asked;
    size_t subscribed;
    bool is_lost;
};

/* A block as a C library has it: a word before it, and whole 16 bytes, 32 at least. */
static size_t block_size(size_t size)
{
    size_t whole = (size + 8 + 15) / 16 * 16;

    return size == 0 ? 0 : whole < 32 ? 32 : whole;
}

static void *counted_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    struct counting *counting = context;
    void *moved = NULL;

    if (new_size == 0)
        free(pointer);
    else if (!(moved = realloc(pointer, new_size)))
        return NULL;
    counting->bytes += block_size(new_size);
    if (pointer)
        counting->bytes -= block_size(old_size);
    return moved;
}

static void opened(void *context, struct msim_connection *connection)
{
    static const char text[] = "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\",\"symbol\":\"*\"}";
    struct crowd *crowd = context;

    if (msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, sizeof text - 1) < 0)
        crowd->is_lost = true;
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    static const char answer[] = "{\"type\":\"SUBSCRIBED\"";
    struct crowd *crowd = context;

    (void)connection;
    (void)kind;
    if (length >= sizeof answer - 1 && memcmp(bytes, answer, sizeof answer - 1) == 0)
        crowd->subscribed++;
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct crowd *crowd = context;

    (void)connection;
    (void)closing;
    crowd->is_lost = true;
}

static void turn(struct crowd *crowd)
{
    assert_true(msim_exchange_server_dispatch(crowd->server, 1) >= 0);
    assert_true(msim_net_dispatch(crowd->net, 0) >= 0);
    assert_false(crowd->is_lost);
}

static void crowd_open(struct crowd *crowd)
{
    static const char *const settings[] = {"server.port=0", "server.heartbeat_interval=1",
                                           "exchange.liquidity.enabled=false"};
    const struct msim_allocator allocator = {counted_resize, &crowd->counting};
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_net_params net = MSIM_NET_PARAMS_INIT;
    struct msim_exchange_config *config = NULL;
    struct msim_detail detail = {{0}};

    memset(crowd, 0, sizeof *crowd);
    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        assert_int_equal(msim_exchange_config_set(config, settings[i], NULL), MSIM_OK);
    params.config = config;
    params.allocator = &allocator;
    if (msim_exchange_server_create(&crowd->server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    msim_exchange_config_destroy(&config);
    assert_int_equal(msim_net_create(&crowd->net, &net, NULL), MSIM_OK);
}

static void crowd_close(struct crowd *crowd)
{
    crowd->is_lost = false;
    msim_exchange_server_destroy(&crowd->server);
    msim_net_destroy(&crowd->net);
    assert_int_equal(crowd->counting.bytes, 0);
}

/* So many robots in all, each with its account and the tickers of all symbols. */
static void crowd_grow(struct crowd *crowd, size_t count)
{
    while (crowd->asked < count) {
        struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
        char url[80];
        snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws?session=robot-%zu",
                 (unsigned)msim_exchange_server_port(crowd->server), crowd->asked++);
        connect.url = url;
        connect.handler.opened = opened;
        connect.handler.message = heard;
        connect.handler.closed = closed;
        connect.context = crowd;
        assert_int_equal(msim_net_connect(crowd->net, NULL, &connect, NULL), MSIM_OK);
        for (int i = 0; i < PATIENCE && crowd->subscribed < crowd->asked; i++)
            turn(crowd);
        assert_int_equal(crowd->subscribed, crowd->asked);
    }
}

static void an_idle_session_takes_at_most_two_kibibytes(void **state)
{
    struct crowd crowd;

    (void)state;
    crowd_open(&crowd);
    crowd_grow(&crowd, FEW);
    size_t before = crowd.counting.bytes;
    crowd_grow(&crowd, MANY);
    /* Buffers go back when a connection's life is looked at next. */
    size_t most = before + (MANY - FEW) * MOST_BYTES;
    for (int i = 0; i < PATIENCE && crowd.counting.bytes > most; i++)
        turn(&crowd);
    assert_in_range(crowd.counting.bytes, before, most);
    crowd_close(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session_takes_at_most_two_kibibytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
