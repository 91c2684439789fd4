/*
 * An echo on the library, for foreign clients to speak to: text and binary on any path.
 *
 *   echo-server [--host H] [--port P]     prints "port N" once it listens
 *
 * /refuse answers 404.  /http/ and what is below it are HTTP: a body comes back as it was,
 * in chunks where the query asks for "chunks".  SIGTERM and SIGINT end it.
 */
#define _GNU_SOURCE /* signalfd */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <marketsim/http.h>
#include <marketsim/net.h>
#include <marketsim/tls.h>

static int on_request(void *context, struct msim_connection *connection,
                      const struct msim_request *request)
{
    (void)context;
    (void)connection;
    return strcmp(request->path, "/refuse") == 0 ? 404 : 0;
}

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    (void)context;
    if (msim_connection_send(connection, kind, bytes, length) < 0)
        msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "you do not read");
}

static int answer_in_chunks(struct msim_exchange *exchange, const struct msim_http_answer *answer)
{
    const unsigned char *body = answer->body;
    size_t piece = 1000;

    int r = msim_exchange_begin(exchange, answer);
    for (size_t at = 0; r == MSIM_OK && at < answer->body_length; at += piece) {
        size_t left = answer->body_length - at;
        r = msim_exchange_write(exchange, body + at, left < piece ? left : piece);
    }
    return r == MSIM_OK ? msim_exchange_finish(exchange) : r;
}

static void on_http(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_request *request = msim_exchange_request(exchange);
    const char *type = msim_exchange_header(exchange, "Content-Type");
    const struct msim_http_header method = {"X-Method", request->method};
    const struct msim_http_answer answer = {
        .status = 200,
        .content_type = type ? type : "text/plain",
        .headers = &method,
        .header_count = 1,
        .body = request->body,
        .body_length = request->body_length,
    };
    int r = strcmp(request->query, "chunks") == 0 ? answer_in_chunks(exchange, &answer)
                                                  : msim_exchange_answer(exchange, &answer);

    (void)context;
    if (r < 0)
        msim_exchange_abort(exchange);
}

static void on_signal(void *context, int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        *(bool *)context = true;
}

static int signals_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void log_line(void *context, enum msim_log_level level, const char *room, const char *text)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%s: %s\n", room, text);
}

static int serve(struct msim_net *net, const struct msim_listen_params *listen)
{
    struct msim_detail detail;
    struct msim_listener *listener = NULL;
    bool done = false;

    if (msim_net_listen(net, &listener, listen, &detail) < 0) {
        fprintf(stderr, "echo-server: %s\n", detail.text);
        return 1;
    }
    int signals = signals_open();
    if (signals < 0 || msim_net_watch(net, signals, on_signal, &done) < 0) {
        fprintf(stderr, "echo-server: cannot watch for signals\n");
        return 1;
    }
    printf("port %u\n", (unsigned)msim_listener_port(listener));
    fflush(stdout);
    while (!done)
        if (msim_net_dispatch(net, -1) < 0)
            return 1;
    msim_net_unwatch(net, signals);
    close(signals);
    return 0;
}

static bool read_arguments(struct msim_listen_params *listen, int count, char **arguments,
                           struct msim_detail *detail)
{
    struct msim_tls_params tls = MSIM_TLS_PARAMS_INIT;

    for (int i = 1; i < count; i++) {
        const bool has_value = i + 1 < count;
        if (strcmp(arguments[i], "--deflate") == 0)
            listen->deflate.is_on = true;
        else if (strcmp(arguments[i], "--context") == 0)
            listen->deflate.keeps_context = listen->deflate.peer_keeps_context = true;
        else if (has_value && strcmp(arguments[i], "--port") == 0)
            listen->port = (uint16_t)strtoul(arguments[++i], NULL, 10);
        else if (has_value && strcmp(arguments[i], "--host") == 0)
            listen->host = arguments[++i];
        else if (has_value && strcmp(arguments[i], "--cert") == 0)
            tls.cert_file = arguments[++i];
    }
    return !tls.cert_file || msim_tls_create(&listen->tls, &tls, detail) >= 0;
}

int main(int argument_count, char **arguments)
{
    static const struct msim_http_handler http = {.request = on_http};
    static const struct msim_route route = {
        .path = "/http/*", .http = &http, .max_body_bytes = 16 * 1024 * 1024};
    const struct msim_logger logger = {.write = log_line, .level = MSIM_LOG_INFO};
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;

    struct msim_detail detail;
    if (!read_arguments(&listen, argument_count, arguments, &detail)) {
        fprintf(stderr, "echo-server: %s\n", detail.text);
        return 2;
    }
    listen.routes = &route;
    listen.route_count = 1;
    listen.handler.request = on_request;
    listen.handler.message = on_message;
    listen.limits.max_message_bytes = 16 * 1024 * 1024;
    listen.limits.max_backlog_bytes = 64 * 1024 * 1024;

    struct msim_net *net = NULL;
    params.logger = &logger;
    if (msim_net_create(&net, &params, &detail) < 0) {
        fprintf(stderr, "echo-server: %s\n", detail.text);
        return 1;
    }
    int status = serve(net, &listen);
    msim_net_destroy(&net);
    msim_tls_destroy(&listen.tls);
    return status;
}
