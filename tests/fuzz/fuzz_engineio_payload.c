/*
 * Any bytes as a payload that a client posts to Engine.IO.  Every message is sent back, so that
 * what waits must be the payload's own messages, byte for byte, in their order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/engineio/inside.h"

#define SEPARATOR 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void echo(void *context, struct msim_engineio_session *session, enum msim_message_kind kind,
                 const unsigned char *bytes, size_t length)
{
    (void)context;
    must(msim_engineio_send(session, kind, bytes, length) == MSIM_OK);
}

/* The payload's next packet; returns where the one after it begins, NULL at the end. */
static const uint8_t *next_packet(const uint8_t *at, const uint8_t *end, size_t *length)
{
    const uint8_t *separator = at < end ? memchr(at, SEPARATOR, (size_t)(end - at)) : NULL;

    *length = (size_t)((separator ? separator : end) - at);
    return separator ? separator + 1 : NULL;
}

static void check_queue(struct msim_engineio_session *session, const uint8_t *data, size_t size)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_engineio_packet *packet;
    struct msim_bytes out;
    const uint8_t *at = data;
    size_t length;

    msim_bytes_init(&out, SIZE_MAX / 4, &allocator);
    while ((packet = msim_eio_first(session))) {
        const uint8_t *next;
        /* What is no message stands between them. */
        for (;; at = next) {
            must(at != NULL);
            next = next_packet(at, data + size, &length);
            if (length > 0 && (at[0] == '4' || at[0] == 'b'))
                break;
        }
        must(msim_eio_packet_poll(packet, &out) == MSIM_OK);
        must(msim_bytes_length(&out) == length && msim_eio_packet_polled_size(packet) == length);
        must(memcmp(msim_bytes_front(&out), at, length) == 0);
        msim_bytes_take(&out, length);
        msim_eio_drop_first(session);
        at = next;
    }
    msim_bytes_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct msim_engineio *engine = NULL;
    struct msim_engineio_session *session = NULL;
    struct msim_net *net = NULL;

    must(msim_net_create(&net, &net_params, NULL) == MSIM_OK);
    params.net = net;
    params.handler.message = echo;
    params.max_sessions = 4;
    must(msim_engineio_create(&engine, &params, NULL) == MSIM_OK);
    must(msim_eio_create(engine, &session, "127.0.0.1:1", NULL) == MSIM_OK);
    msim_eio_begin(session);
    bool good = msim_eio_polling_payload(session, data, size);
    /* A breach ends the session at once or is its caller's to end; a farewell parts it. */
    must(good || session->state == MSIM_SESSION_DEAD || session->state == MSIM_SESSION_OPEN);
    check_queue(session, data, size);
    msim_engineio_destroy(&engine);
    msim_net_destroy(&net);
    return 0;
}
