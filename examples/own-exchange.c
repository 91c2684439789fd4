/*
 * An exchange in a test's own process and loop: a robot's author starts one, lets the robot at it,
 * and asks it what became of the orders.  Here the robot is a few lines beside it.
 *
 *     own-exchange
 */
#include <stdio.h>
#include <string.h>

#include <marketsim/marketsim.h>

struct robot {
    struct msim_connection *connection;
    bool has_ack;
    bool is_over;
};

static void say(struct msim_connection *connection, const char *text)
{
    msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, strlen(text));
}

static void opened(void *context, struct msim_connection *connection)
{
    (void)context;
    say(connection, "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\","
                    "\"order_type\":\"LIMIT\",\"price\":\"40000\",\"quantity\":\"1.5\","
                    "\"client_order_id\":\"first\"}");
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    struct robot *robot = context;

    (void)kind;
    printf("%.*s\n", (int)length, (const char *)bytes);
    if (strncmp((const char *)bytes, "{\"type\":\"ORDER_ACK\"", 19) == 0) {
        robot->has_ack = true;
        msim_connection_close(connection, MSIM_CLOSE_NORMAL, "");
    }
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct robot *robot = context;

    (void)connection;
    (void)closing;
    robot->is_over = true;
}

/* The robot and its exchange share one loop: the robot's connection is on the server's own. */
static int run(struct msim_exchange_server *server, struct robot *robot)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws?session=robot",
             (unsigned)msim_exchange_server_port(server));
    params.url = url;
    params.handler.opened = opened;
    params.handler.message = heard;
    params.handler.closed = closed;
    params.context = robot;
    int r = msim_net_connect(msim_exchange_server_net(server), &robot->connection, &params, NULL);
    while (r >= 0 && !robot->is_over)
        r = msim_exchange_server_dispatch(server, -1);
    return r;
}

/* What a test would look at: the truth, whatever the robot was told. */
static int judge(struct msim_exchange_server *server, const struct robot *robot)
{
    struct msim_venue *venue = msim_exchange_server_venue(server);
    struct msim_venue_order_view order;
    uint32_t account;

    if (!robot->has_ack || msim_venue_account_find(venue, "robot", 5, &account) < 0 ||
        msim_venue_orders(venue, account, MSIM_ALL_INSTRUMENTS, MSIM_VENUE_LIVE, UINT64_MAX, &order,
                          1) != 1)
        return 1;
    printf("in the book: %s of %lld\n", msim_order_status_name(order.order.status),
           (long long)order.order.quantity);
    return 0;
}

int main(int argument_count, char **arguments)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_server *server = NULL;
    struct msim_exchange_config *config = NULL;
    struct msim_detail detail = {{0}};
    struct robot robot = {0};

    (void)arguments;
    if (argument_count > 1) {
        fputs("usage: own-exchange, without arguments\n", stderr);
        return 2;
    }
    int r = msim_exchange_config_create(&config, NULL);
    if (r >= 0)
        r = msim_exchange_config_set(config, "server.port=0", &detail);
    if (r >= 0)
        r = msim_exchange_config_set(config, "exchange.liquidity.enabled=false", &detail);
    params.config = config;
    if (r >= 0)
        r = msim_exchange_server_create(&server, &params, &detail);
    msim_exchange_config_destroy(&config);
    if (r < 0) {
        fprintf(stderr, "%s\n", detail.text);
        return 1;
    }
    r = run(server, &robot);
    int code = r < 0 ? 1 : judge(server, &robot);
    msim_exchange_server_destroy(&server);
    return code;
}
