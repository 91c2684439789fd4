/*
 * A peer of raw frames that plays either role against the library, which echoes.
 *
 * What the peer says is a script of frames, each a first byte and a payload:
 *
 *     "81:hello"        fin and text, masked where the peer is the client
 *     "01:a 80:b"       two frames
 *     "82:*70000"       a payload of so many bytes
 *     "81#5:hello"      masked the other way than the role wants
 *     "=8105"           these bytes and no others
 *     "c1!hello"        the payload compressed (tests/net/test_deflate.c)
 *
 * with \xNN in payloads.  What came back reads "text(hello) pong() close(1000)".
 */
#ifndef TESTS_NET_PEER_H
#define TESTS_NET_PEER_H

#include "bench.h"

#include "net/extension.h"
#include "net/frame.h"
#include "net/handshake.h"

#define PEER_BYTES ((size_t)2 << 20)

enum peer_role {
    LIBRARY_SERVES,
    LIBRARY_CONNECTS,
};

struct peer {
    struct bench bench;
    enum peer_role role;
    int door; /* of the peer's, where the library connects */
    int fd;
    struct msim_connection *connection; /* the library's, as a client */
    struct msim_deflate deflate;        /* the library's */
    size_t max_message_bytes;           /* the library's; 0: its default */
    const char *extensions;             /* the peer's header: an offer, or an answer */
    char agreed[256];                   /* the library's header */
    unsigned char *out;
    size_t out_length;
    unsigned char *in;
    size_t in_length;
    char heard[4096];
    size_t heard_bytes; /* of the link */
    /* For compressed payloads; NULL: none are expected. */
    size_t (*pack)(void *context, unsigned char *out, size_t room, const unsigned char *bytes,
                   size_t length);
    size_t (*unpack)(void *context, unsigned char *out, size_t room, const unsigned char *bytes,
                     size_t length);
    void *context;
};

static const struct msim_connection_handler peer_handler = {
    .opened = bench_opened,
    .message = bench_message,
    .closed = bench_closed,
};

/* ---- opening ---- */

static inline void peer_read_head(struct peer *peer, char *head, size_t size)
{
    size_t length = 0;

    head[0] = '\0';
    while (!strstr(head, "\r\n\r\n")) {
        assert_true(length + 1 < size);
        assert_int_equal(raw_read(&peer->bench, peer->fd, head + length, 1), 1);
        head[++length] = '\0';
    }
    const char *at = strstr(head, MSIM_EXTENSION_HEADER ": ");
    peer->agreed[0] = '\0';
    if (at)
        sscanf(at + strlen(MSIM_EXTENSION_HEADER ": "), "%255[^\r]", peer->agreed);
}

static inline void peer_extensions(const struct peer *peer, char out[512])
{
    out[0] = '\0';
    if (peer->extensions)
        snprintf(out, 512, MSIM_EXTENSION_HEADER ": %s\r\n", peer->extensions);
}

static inline void peer_connects(struct peer *peer)
{
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    char extensions[512];
    char head[2048];

    msim_listener_close(&peer->bench.listener);
    listen.host = "127.0.0.1";
    listen.handler = peer_handler;
    listen.context = &peer->bench;
    listen.deflate = peer->deflate;
    listen.limits.max_message_bytes = peer->max_message_bytes;
    assert_int_equal(msim_net_listen(peer->bench.net, &peer->bench.listener, &listen, NULL),
                     MSIM_OK);
    peer->fd = raw_connect(&peer->bench);
    peer_extensions(peer, extensions);
    snprintf(head, sizeof head, "GET / HTTP/1.1\r\n%s" RAW_UPGRADE, extensions);
    raw_say(&peer->bench, peer->fd, head);
    peer_read_head(peer, head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 101 ", 13);
}

static inline void peer_serves(struct peer *peer)
{
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char accept_key[MSIM_ACCEPT_SIZE + 1];
    char extensions[512];
    char head[2048];
    char url[64];

    peer->door = raw_socket(AF_INET);
    raw_address(&address, 0);
    assert_int_equal(bind(peer->door, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->door, 1), 0);
    assert_int_equal(getsockname(peer->door, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
    connect.url = url;
    connect.handler = peer_handler;
    connect.context = &peer->bench;
    connect.deflate = peer->deflate;
    connect.limits.max_message_bytes = peer->max_message_bytes;
    assert_int_equal(msim_net_connect(peer->bench.net, &peer->connection, &connect, NULL), MSIM_OK);
    peer->fd = accept(peer->door, NULL, NULL);
    assert_true(peer->fd >= 0);
    assert_int_equal(fcntl(peer->fd, F_SETFL, O_NONBLOCK), 0);
    peer_read_head(peer, head, sizeof head);
    const char *key = strstr(head, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    msim_handshake_accept(accept_key, key + 19, MSIM_KEY_SIZE);
    peer_extensions(peer, extensions);
    snprintf(head, sizeof head,
             "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             extensions, accept_key);
    raw_say(&peer->bench, peer->fd, head);
}

/* `peer` is zeroed but for what the case wants. */
static inline void peer_open(struct peer *peer, enum peer_role role)
{
    bench_open(&peer->bench, NULL, 0);
    peer->bench.echoes = true;
    peer->role = role;
    peer->door = -1;
    peer->out = malloc(PEER_BYTES);
    peer->in = malloc(PEER_BYTES);
    assert_non_null(peer->out);
    assert_non_null(peer->in);
    if (role == LIBRARY_SERVES)
        peer_connects(peer);
    else
        peer_serves(peer);
}

static inline void peer_close(struct peer *peer)
{
    close(peer->fd);
    if (peer->door >= 0)
        close(peer->door);
    bench_finish(&peer->bench);
    free(peer->out);
    free(peer->in);
}

/* ---- saying ---- */

static inline unsigned peer_hex(const char *at)
{
    unsigned value;

    assert_int_equal(sscanf(at, "%2x", &value), 1);
    return value;
}

/* The payload that begins at `at` and ends at a space; returns where it ends. */
static inline const char *peer_payload(const char *at, unsigned char *out, size_t *length)
{
    unsigned long count;

    *length = 0;
    if (at[0] == '*') {
        char *end;
        count = strtoul(at + 1, &end, 10);
        assert_true(count < PEER_BYTES / 2);
        for (size_t i = 0; i < count; i++)
            out[i] = (unsigned char)('a' + i % 23);
        *length = count;
        return end;
    }
    while (*at != '\0' && *at != ' ') {
        if (at[0] == '\\') {
            out[(*length)++] = (unsigned char)peer_hex(at + 2);
            at += 4;
        } else {
            out[(*length)++] = (unsigned char)*at++;
        }
    }
    return at;
}

static inline void peer_add_frame(struct peer *peer, unsigned first, bool masked,
                                  const unsigned char *payload, size_t length)
{
    assert_true(peer->out_length + length + 14 < PEER_BYTES);
    peer->out_length +=
        raw_frame(peer->out + peer->out_length, first, payload, length, masked ? raw_key : NULL);
}

/* Writes the script's bytes to `out`. */
static inline void peer_write(struct peer *peer, const char *script)
{
    unsigned char *payload = malloc(PEER_BYTES);
    unsigned char *packed = malloc(PEER_BYTES);
    const char *at = script;

    assert_non_null(payload);
    assert_non_null(packed);
    peer->out_length = 0;
    while (*at != '\0') {
        if (*at == ' ') {
            at++;
            continue;
        }
        if (*at == '=') {
            for (at++; *at != '\0' && *at != ' '; at += 2)
                peer->out[peer->out_length++] = (unsigned char)peer_hex(at);
            continue;
        }
        unsigned first = peer_hex(at);
        bool masked = peer->role == LIBRARY_SERVES;
        size_t length;
        at += 2;
        if (*at == '#') {
            masked = !masked;
            at++;
        }
        bool is_packed = *at == '!';
        assert_true(*at == ':' || is_packed);
        at = peer_payload(at + 1, payload, &length);
        if (is_packed)
            length = peer->pack(peer->context, packed, PEER_BYTES, payload, length);
        peer_add_frame(peer, first, masked, is_packed ? packed : payload, length);
    }
    free(payload);
    free(packed);
}

/* Sends what was written, `step` bytes at a time. */
static inline void peer_send(struct peer *peer, size_t step)
{
    for (size_t at = 0; at < peer->out_length; at += step) {
        size_t left = peer->out_length - at;
        ssize_t sent = send(peer->fd, peer->out + at, step < left ? step : left, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the library has had enough */
        if (sent < 0 || (size_t)sent < (step < left ? step : left))
            at -= step - (sent > 0 ? (size_t)sent : 0);
        turn(&peer->bench);
    }
}

/* ---- hearing ---- */

static inline void peer_note_frame(struct peer *peer, unsigned first, const unsigned char *payload,
                                   size_t length)
{
    static const char *const names[16] = {"more",  "text", "binary", "?", "?", "?", "?", "?",
                                          "close", "ping", "pong",   "?", "?", "?", "?", "?"};
    size_t at = strlen(peer->heard);
    size_t room = sizeof peer->heard - at;
    const char *space = at > 0 ? " " : "";
    const char *name = names[first & 15];

    assert_true(room > 200);
    if ((first & 15) == 8 && length >= 2)
        snprintf(peer->heard + at, room, "%sclose(%d)", space, payload[0] << 8 | payload[1]);
    else if (length > 32)
        snprintf(peer->heard + at, room, "%s%s(%zu bytes)", space, name, length);
    else
        snprintf(peer->heard + at, room, "%s%s(%.*s)", space, name, (int)length,
                 (const char *)payload);
}

/* The frame at the front of `in`: its size, 0 where it is not whole. */
static inline size_t peer_take_frame(struct peer *peer, unsigned *first)
{
    struct msim_frame frame;

    int size = msim_frame_read_head(&frame, peer->in, peer->in_length);
    assert_true(size >= 0);
    if (size == 0 || peer->in_length - (size_t)size < frame.length)
        return 0;
    unsigned char *payload = peer->in + size;
    size_t length = (size_t)frame.length;
    assert_int_equal(frame.masked, peer->role == LIBRARY_CONNECTS);
    if (frame.masked)
        msim_frame_mask(payload, length, frame.key);
    *first = peer->in[0];
    if (*first & 0x40) {
        unsigned char *unpacked = malloc(PEER_BYTES);
        assert_non_null(unpacked);
        assert_non_null(peer->unpack);
        size_t bytes = peer->unpack(peer->context, unpacked, PEER_BYTES, payload, length);
        peer_note_frame(peer, *first, unpacked, bytes);
        free(unpacked);
    } else {
        peer_note_frame(peer, *first, payload, length);
    }
    return (size_t)size + length;
}

/* Reads until a close frame or the end of the link; what came stands in `heard`. */
static inline const char *peer_hear(struct peer *peer)
{
    unsigned first = 0;

    peer->heard[0] = '\0';
    peer->in_length = 0;
    for (int i = 0; i < PATIENCE && (first & 15) != 8; i++) {
        ssize_t came = recv(peer->fd, peer->in + peer->in_length, PEER_BYTES - peer->in_length, 0);
        if (came == 0 || (came < 0 && errno != EAGAIN)) {
            strcat(peer->heard, peer->heard[0] ? " end" : "end");
            break;
        }
        if (came < 0) {
            turn(&peer->bench);
            continue;
        }
        peer->in_length += (size_t)came;
        peer->heard_bytes += (size_t)came;
        for (size_t size; (first & 15) != 8 && (size = peer_take_frame(peer, &first)) > 0;) {
            peer->in_length -= size;
            memmove(peer->in, peer->in + size, peer->in_length);
        }
    }
    return peer->heard;
}

#endif
