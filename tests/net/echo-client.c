/*
 * A client on the library, for foreign servers that echo: sends messages of many sizes,
 * text and binary, and wants each back as it was.
 *
 *   echo-client ws://host:port/path [CA_FILE [deflate]]
 *
 * The last line is "N messages, closed with CODE"; the exit status says whether all was well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/net.h>
#include <marketsim/tls.h>

static const size_t sizes[] = {0, 1, 2, 125, 126, 127, 128, 1000, 65535, 65536, 65537, 300000};

#define SIZES (sizeof sizes / sizeof sizes[0])
#define LARGEST 300000

struct run {
    size_t sent;
    size_t received;
    int code;
    int failure;
    bool wrong;
    bool was_deflated;
    bool done;
    unsigned char bytes[LARGEST];
};

/* Text for even numbers, binary for odd ones; no bombs, where they are compressed. */
static enum msim_message_kind make(struct run *run, size_t number, size_t *length)
{
    bool text = number % 2 == 0;

    *length = sizes[number / 2];
    for (size_t i = 0; i < *length; i++)
        run->bytes[i] = (unsigned char)(text ? 'a' + ((i * i >> 5) + number) % 26 : i * i >> 3);
    return text ? MSIM_MESSAGE_TEXT : MSIM_MESSAGE_BINARY;
}

static void on_opened(void *context, struct msim_connection *connection)
{
    struct run *run = context;

    run->was_deflated = msim_connection_is_deflated(connection);
    for (; run->sent < 2 * SIZES; run->sent++) {
        size_t length;
        enum msim_message_kind kind = make(run, run->sent, &length);
        if (msim_connection_send(connection, kind, run->bytes, length) < 0) {
            run->wrong = true;
            msim_connection_abort(connection);
            return;
        }
    }
}

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct run *run = context;
    size_t expected;

    if (run->received >= 2 * SIZES || make(run, run->received, &expected) != kind ||
        expected != length || memcmp(run->bytes, bytes, length) != 0) {
        run->wrong = true;
        msim_connection_close(connection, 3000, "not what was sent");
        return;
    }
    if (++run->received == 2 * SIZES)
        msim_connection_close(connection, MSIM_CLOSE_NORMAL, "thank you");
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct run *run = context;

    (void)connection;
    run->code = closing->code;
    run->failure = closing->failure;
    run->done = true;
    if (closing->failure < 0)
        printf("%s\n", closing->reason);
}

int main(int argument_count, char **arguments)
{
    static struct run run;
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail;
    struct msim_net *net = NULL;
    struct msim_tls_params tls = MSIM_TLS_PARAMS_INIT;

    if (argument_count < 2) {
        fprintf(stderr, "usage: echo-client ws://host:port/path [CA_FILE [deflate]]\n");
        return 2;
    }
    if (argument_count > 2 && arguments[2][0] != '\0') {
        tls.ca_file = arguments[2];
        if (msim_tls_create(&connect.tls, &tls, &detail) < 0) {
            fprintf(stderr, "echo-client: %s\n", detail.text);
            return 2;
        }
    }
    connect.deflate.is_on = connect.deflate.keeps_context = connect.deflate.peer_keeps_context =
        argument_count > 3;
    connect.url = arguments[1];
    connect.handler.opened = on_opened;
    connect.handler.message = on_message;
    connect.handler.closed = on_closed;
    connect.context = &run;
    if (msim_net_create(&net, &params, &detail) < 0 ||
        msim_net_connect(net, NULL, &connect, &detail) < 0) {
        fprintf(stderr, "echo-client: %s\n", detail.text);
        msim_net_destroy(&net);
        return 2;
    }
    while (!run.done)
        if (msim_net_dispatch(net, -1) < 0)
            break;
    msim_net_destroy(&net);
    msim_tls_destroy(&connect.tls);
    if (connect.deflate.is_on && !run.was_deflated) {
        puts("no compression was agreed upon");
        return 1;
    }
    printf("%zu messages, closed with %d\n", run.received, run.code);
    return run.received == 2 * SIZES && !run.wrong && run.code == MSIM_CLOSE_NORMAL ? 0 : 1;
}
