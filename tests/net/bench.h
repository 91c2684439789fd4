/*
 * A net with one listener and a peer of raw bytes, on one thread: the test sends what it
 * likes, lets the loop turn, and reads what came back.  What the handlers were told
 * stands in a log of words.
 *
 * Loops wait for what must come, up to PATIENCE turns of a few milliseconds: a test that
 * would hang fails instead, and none measures time.
 */
#ifndef TESTS_NET_BENCH_H
#define TESTS_NET_BENCH_H

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <marketsim/net.h>

#define PATIENCE 5000
#define MS MSIM_NS_PER_MS

struct bench {
    struct msim_net *net;
    struct msim_listener *listener;
    struct msim_connection *last; /* the last one that opened */
    char log[16384];
    bool echoes;
    int refuse_with;
    int close_with; /* on each message */
    size_t log_lines;
};

static inline void bench_note(struct bench *bench, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void bench_note(struct bench *bench, const char *format, ...)
{
    size_t at = strlen(bench->log);
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(bench->log + at, sizeof bench->log - at, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof bench->log - at - 1); /* nothing may go unseen */
}

static inline int bench_request(void *context, struct msim_connection *connection,
                                const struct msim_request *request)
{
    struct bench *bench = context;

    (void)connection;
    (void)request;
    return bench->refuse_with;
}

static inline void bench_opened(void *context, struct msim_connection *connection)
{
    struct bench *bench = context;

    bench->last = connection;
    bench_note(bench, "opened ");
}

static inline void bench_message(void *context, struct msim_connection *connection,
                                 enum msim_message_kind kind, const unsigned char *bytes,
                                 size_t length)
{
    struct bench *bench = context;
    const char *word = kind == MSIM_MESSAGE_TEXT ? "text" : "binary";

    if (length > 60)
        bench_note(bench, "%s(%zu bytes) ", word, length);
    else
        bench_note(bench, "%s(%.*s) ", word, (int)length, (const char *)bytes);
    if (bench->echoes)
        assert_int_equal(msim_connection_send(connection, kind, bytes, length), MSIM_OK);
    if (bench->close_with > 0)
        msim_connection_close(connection, bench->close_with, "enough");
}

static inline void bench_drained(void *context, struct msim_connection *connection)
{
    (void)connection;
    bench_note(context, "drained ");
}

static inline void bench_closed(void *context, struct msim_connection *connection,
                                const struct msim_closing *closing)
{
    struct bench *bench = context;

    if (bench->last == connection)
        bench->last = NULL;
    bench_note(bench, "closed(%d%s%s%s%s) ", closing->code, closing->by_peer ? " by peer" : "",
               closing->failure < 0 ? " " : "",
               closing->failure < 0 ? msim_result_name(closing->failure) : "",
               closing->failure < 0 ? " ..." : "");
}

static const struct msim_connection_handler bench_handler = {
    .request = bench_request,
    .opened = bench_opened,
    .message = bench_message,
    .drained = bench_drained,
    .closed = bench_closed,
};

static inline void bench_log(void *context, enum msim_log_level level, const char *room,
                             const char *text)
{
    struct bench *bench = context;

    (void)level;
    (void)room;
    assert_true(strlen(text) > 0);
    bench->log_lines++;
}

/* `limits` and `allocator` may be NULL. */
static inline void bench_open_with(struct bench *bench, const struct msim_connection_limits *limits,
                                   size_t max_connections, const struct msim_allocator *allocator)
{
    const struct msim_logger logger = {bench_log, bench, MSIM_LOG_DEBUG};
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen_params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_detail detail = {""};

    memset(bench, 0, sizeof *bench);
    params.max_connections = max_connections;
    params.allocator = allocator;
    params.logger = &logger;
    assert_int_equal(msim_net_create(&bench->net, &params, &detail), MSIM_OK);
    if (limits)
        listen_params.limits = *limits;
    listen_params.handler = bench_handler;
    listen_params.context = bench;
    if (msim_net_listen(bench->net, &bench->listener, &listen_params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static inline void bench_open(struct bench *bench, const struct msim_connection_limits *limits,
                              size_t max_connections)
{
    bench_open_with(bench, limits, max_connections, NULL);
}

static inline void bench_finish(struct bench *bench)
{
    msim_net_destroy(&bench->net);
    assert_null(bench->net);
}

static inline void turn(struct bench *bench)
{
    assert_true(msim_net_dispatch(bench->net, 1) >= 0);
}

/* Turns until the log reads so. */
static inline void until_log(struct bench *bench, const char *expected)
{
    for (int i = 0; i < PATIENCE && strcmp(bench->log, expected) != 0; i++)
        turn(bench);
    assert_string_equal(bench->log, expected);
}

/* ---- the raw peer ---- */

static inline int raw_socket(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    return fd;
}

static inline void raw_address(struct sockaddr_in *address, uint16_t port)
{
    *address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static inline int raw_connect_to(uint16_t port)
{
    struct sockaddr_in address;
    int fd = raw_socket(AF_INET);

    raw_address(&address, port);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline int raw_connect(struct bench *bench)
{
    return raw_connect_to(msim_listener_port(bench->listener));
}

static inline void raw_send(struct bench *bench, int fd, const void *bytes, size_t length)
{
    for (int i = 0; i < PATIENCE && length > 0; i++) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0)
            assert_int_equal(errno, EAGAIN);
        else
            bytes = (const char *)bytes + sent;
        length -= sent > 0 ? (size_t)sent : 0;
        if (length > 0)
            turn(bench);
    }
    assert_int_equal(length, 0);
}

static inline void raw_say(struct bench *bench, int fd, const char *text)
{
    raw_send(bench, fd, text, strlen(text));
}

/* Reads until `length` bytes are there or the peer has ended; returns how many came. */
static inline size_t raw_read(struct bench *bench, int fd, void *out, size_t length)
{
    size_t have = 0;

    for (int i = 0; i < PATIENCE && have < length; i++) {
        ssize_t came = recv(fd, (char *)out + have, length - have, 0);
        if (came == 0 || (came < 0 && errno != EAGAIN))
            return have;
        if (came > 0)
            have += (size_t)came;
        else
            turn(bench);
    }
    return have;
}

/* What comes until the peer ends, as a text. */
static inline const char *raw_rest(struct bench *bench, int fd, char *out, size_t size)
{
    size_t length = raw_read(bench, fd, out, size - 1);
    assert_true(length < size - 1);
    out[length] = '\0';
    return out;
}

/* Does the link end here, with nothing more to read? */
static inline void assert_end(struct bench *bench, int fd)
{
    char byte;
    ssize_t came = -1;

    for (int i = 0; i < PATIENCE; i++) {
        came = recv(fd, &byte, 1, 0);
        if (came >= 0 || errno != EAGAIN)
            break;
        turn(bench);
    }
    assert_int_equal(came, 0);
}

#define RAW_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define RAW_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define RAW_UPGRADE                                                    \
    "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " RAW_KEY "\r\n\r\n"
#define RAW_ANSWER                                                                      \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: " RAW_ACCEPT "\r\n\r\n"

static inline void raw_expect(struct bench *bench, int fd, const void *bytes, size_t length)
{
    unsigned char *came = malloc(length + 1);

    assert_non_null(came);
    size_t have = raw_read(bench, fd, came, length);
    assert_int_equal(have, length);
    assert_memory_equal(came, bytes, length);
    free(came);
}

/* A connection that is open. */
static inline int raw_open(struct bench *bench)
{
    int fd = raw_connect(bench);

    raw_say(bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    return fd;
}

/* A frame; masked if `key` is given. */
static inline size_t raw_frame(unsigned char *out, unsigned first, const void *payload,
                               size_t length, const unsigned char *key)
{
    size_t size = msim_frame_head(out, MSIM_MESSAGE_TEXT, length);

    out[0] = (unsigned char)first;
    if (key) {
        out[1] |= 0x80;
        memcpy(out + size, key, 4);
        size += 4;
    }
    for (size_t i = 0; i < length; i++)
        out[size + i] =
            (unsigned char)(((const unsigned char *)payload)[i] ^ (key ? key[i % 4] : 0));
    return size + length;
}

static const unsigned char raw_key[4] = {0xA1, 0x02, 0xF3, 0x44};

/* A client's frame. */
static inline void raw_send_frame(struct bench *bench, int fd, unsigned first, const void *payload,
                                  size_t length)
{
    unsigned char *frame = malloc(length + 14);

    assert_non_null(frame);
    raw_send(bench, fd, frame, raw_frame(frame, first, payload, length, raw_key));
    free(frame);
}

/* The server's frame that comes next. */
static inline void raw_expect_frame(struct bench *bench, int fd, unsigned first,
                                    const void *payload, size_t length)
{
    unsigned char *frame = malloc(length + 14);

    assert_non_null(frame);
    raw_expect(bench, fd, frame, raw_frame(frame, first, payload, length, NULL));
    free(frame);
}

/* A close frame with this code, whatever its reason. */
static inline void raw_expect_close(struct bench *bench, int fd, int code)
{
    unsigned char head[4];
    char reason[128];

    assert_int_equal(raw_read(bench, fd, head, 4), 4);
    assert_int_equal(head[0], 0x88);
    assert_in_range(head[1], 2, 125);
    assert_int_equal(head[2] << 8 | head[3], code);
    assert_int_equal(raw_read(bench, fd, reason, head[1] - 2u), head[1] - 2u);
}

#endif
