/*
 * Frames where permessage-deflate was agreed upon: the first byte names the role and the terms, the
 * second where the bytes are cut.  What comes out is the same as from one piece, and within its
 * bound.
 */
#include <stdlib.h>
#include <string.h>

#include "net/ws.h"
#include "ws_digest.h"

static bool on_control(void *context, enum msim_opcode opcode, const unsigned char *bytes,
                       size_t length)
{
    require(length <= MSIM_FRAME_CONTROL_MAX);
    add(context, opcode, bytes, length);
    return opcode != MSIM_OPCODE_CLOSE;
}

static uint8_t window_bits(unsigned terms)
{
    return (uint8_t)(MSIM_WINDOW_BITS_MIN + (terms >> 2 & 7));
}

static struct digest feed(unsigned terms, const uint8_t *data, size_t size, size_t step)
{
    struct digest digest = {.hash = UINT64_C(0xcbf29ce484222325)};
    const struct msim_ws_sink sink = {on_message, on_control, &digest, MAX_MESSAGE};
    const struct msim_deflate wanted = {.is_on = true, .level = 1, .min_bytes = 1};
    const struct msim_deflate_terms agreed = {
        .is_on = true,
        .peer_keeps_context = terms >> 1 & 1,
        .window_bits = 15,
        .peer_window_bits = window_bits(terms),
    };
    struct msim_deflate_pool deflate;
    struct msim_framer_pool pool;
    struct msim_ws_fault fault = {0};

    msim_framer_pool_init(&pool, NULL);
    msim_deflate_pool_init(&deflate, NULL);
    struct msim_ws ws = {.pool = &pool,
                         .role = terms & 1 ? MSIM_WS_CLIENT : MSIM_WS_SERVER,
                         .deflate = msim_deflate_link_create(&deflate, &wanted, &agreed)};
    require(ws.deflate != NULL);
    for (size_t at = 0; at < size && digest.outcome == MSIM_WS_MORE; at += step) {
        size_t length = step < size - at ? step : size - at;
        unsigned char *copy = malloc(length);
        require(copy != NULL);
        memcpy(copy, data + at, length);
        digest.outcome = msim_ws_feed(&ws, &sink, copy, length, &fault);
        free(copy);
    }
    if (digest.outcome == MSIM_WS_FAULT) {
        require(fault.words && msim_ws_code_travels(fault.code));
        digest.code = fault.code;
    }
    msim_ws_finish(&ws);
    msim_deflate_link_free(ws.deflate);
    msim_deflate_pool_finish(&deflate);
    msim_framer_pool_finish(&pool);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t step = data[1] + 1u;
    struct digest whole = feed(data[0], data + 2, size - 2, size - 2);
    struct digest cut = feed(data[0], data + 2, size - 2, step);

    /* zlib looks beyond a smaller window as long as what it made lies before it: a peer that refers
     * to there is found out sooner or later, by then with more or fewer messages. */
    if (window_bits(data[0]) < MSIM_WINDOW_BITS_MAX &&
        (whole.outcome == MSIM_WS_FAULT || cut.outcome == MSIM_WS_FAULT))
        return 0;
    require(whole.outcome == cut.outcome && whole.events == cut.events);
    require(whole.hash == cut.hash);
    return 0;
}
