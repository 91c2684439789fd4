/*
 * What a server may answer to a request of ours: the first byte says how the answer is cut and
 * what was asked for, the rest is the answer, and then the link ends.  However it is cut, the
 * same becomes of it, once.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <marketsim/fetch.h>

#include "net/opening.h"

#define MOST_INPUT (32 * 1024) /* what one read may bring */
#define MOST_ANSWER 1000
#define TURNS 10000

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct outcome {
    int calls;
    int result;
    int status;
    uint64_t hash;
    size_t length;
};

static void done(void *context, const struct msim_fetch_answer *answer)
{
    struct outcome *outcome = context;

    outcome->calls++;
    outcome->result = answer->result;
    outcome->status = answer->status;
    outcome->length = answer->body_length;
    outcome->hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < answer->body_length; i++)
        outcome->hash = (outcome->hash ^ answer->body[i]) * UINT64_C(0x100000001B3);
    require((answer->reason[0] != '\0') == (answer->result < 0));
    require(strlen(answer->content_type) <= MOST_INPUT);
}

static int open_door(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0);

    require(door >= 0 && bind(door, (struct sockaddr *)&address, size) == 0);
    require(listen(door, 1) == 0 && getsockname(door, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return door;
}

/* The link, as soon as it stands. */
static struct msim_connection *ask(struct msim_net *net, unsigned port, bool is_head,
                                   struct outcome *outcome)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    params.url = url;
    params.method = is_head ? "HEAD" : "GET";
    params.max_answer_bytes = MOST_ANSWER;
    params.timeout = 3600 * MSIM_NS_PER_S;
    params.done = done;
    params.context = outcome;
    require(msim_net_fetch(net, NULL, &params, NULL) == MSIM_OK);
    for (int i = 0; i < TURNS && net->connections->state == MSIM_CONNECTING; i++)
        require(msim_net_dispatch(net, 1) >= 0);
    return net->connections;
}

static struct outcome answer(const uint8_t *data, size_t size, size_t step, bool is_head)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct outcome outcome = {.calls = 0};
    struct msim_net *net = NULL;
    unsigned port;
    int door = open_door(&port);

    require(msim_net_create(&net, &params, NULL) == MSIM_OK);
    struct msim_connection *connection = ask(net, port, is_head, &outcome);
    for (size_t at = 0; at < size && outcome.calls == 0; at += step) {
        size_t length = size - at < step ? size - at : step;
        unsigned char *piece = malloc(length);
        require(piece);
        memcpy(piece, data + at, length);
        msim_opening_receive(connection, piece, length);
        free(piece);
        do {
            require(msim_net_dispatch(net, 0) >= 0);
        } while (net->resumed);
    }
    if (outcome.calls == 0)
        msim_opening_cut(connection);
    require(msim_net_dispatch(net, 0) >= 0);
    require(outcome.calls == 1 && !net->connections);
    msim_net_destroy(&net);
    close(door);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > MOST_INPUT)
        return 0;
    bool is_head = data[0] & 0x80;
    struct outcome whole = answer(data + 1, size - 1, size, is_head);
    struct outcome cut = answer(data + 1, size - 1, data[0] % 16 + 1u, is_head);

    require(whole.result == cut.result && whole.status == cut.status);
    require(whole.length == cut.length && whole.hash == cut.hash);
    require(whole.result == MSIM_OK || whole.result == MSIM_ERR_FORMAT ||
            whole.result == MSIM_ERR_LIMIT);
    require(whole.result < 0 || (whole.status >= 200 && whole.status <= 999));
    require(whole.length <= MOST_ANSWER && whole.length < size);
    require(whole.length == 0 || (whole.result == MSIM_OK && !is_head));
    return 0;
}
