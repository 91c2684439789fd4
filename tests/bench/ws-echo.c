/*
 * Echo, as fast as it goes: text and binary, on any path.
 *
 *   ws-echo --port P [--host H] [--tls] [--deflate]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/net.h>

#include "secure.h"

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    (void)context;
    if (msim_connection_send(connection, kind, bytes, length) < 0)
        msim_connection_abort(connection);
}

int main(int argument_count, char **arguments)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_net *net = NULL;
    struct msim_detail detail;

    bool is_secure = false;
    for (int i = 1; i < argument_count; i++) {
        const char *value = i + 1 < argument_count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--tls") == 0)
            is_secure = true;
        else if (strcmp(arguments[i], "--deflate") == 0)
            listen.deflate.is_on = true;
        else if (strcmp(arguments[i], "--port") == 0 && ++i)
            listen.port = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(arguments[i], "--host") == 0 && ++i)
            listen.host = value;
    }
    params.max_connections = 65536;
    listen.handler.message = on_message;
    if ((is_secure && secure_create(&listen.tls, &detail) < 0) ||
        msim_net_create(&net, &params, &detail) < 0 ||
        msim_net_listen(net, &listener, &listen, &detail) < 0) {
        fprintf(stderr, "ws-echo: %s\n", detail.text);
        msim_net_destroy(&net);
        msim_tls_destroy(&listen.tls);
        return 1;
    }
    printf("port %u\n", (unsigned)msim_listener_port(listener));
    fflush(stdout);
    while (msim_net_dispatch(net, -1) >= 0)
        continue;
    msim_net_destroy(&net);
    msim_tls_destroy(&listen.tls);
    return 1;
}
