/*
 * Frames, in the role that the first byte names and cut where the second says: what comes
 * out must be the same as from one piece.
 */
#include <stdlib.h>
#include <string.h>

#include "net/ws.h"
#include "ws_digest.h"

static bool on_control(void *context, enum msim_opcode opcode, const unsigned char *bytes,
                       size_t length)
{
    struct msim_ws_fault fault;
    struct msim_ws_close close;

    require(length <= MSIM_FRAME_CONTROL_MAX);
    add(context, opcode, bytes, length);
    if (opcode != MSIM_OPCODE_CLOSE)
        return true;
    if (msim_ws_read_close(&close, bytes, length, &fault) == MSIM_OK)
        require(close.code == MSIM_CLOSE_NONE || msim_ws_code_travels(close.code));
    return false;
}

static struct digest feed(enum msim_ws_role role, const uint8_t *data, size_t size, size_t step)
{
    struct digest digest = {.hash = UINT64_C(0xcbf29ce484222325)};
    const struct msim_ws_sink sink = {on_message, on_control, &digest, MAX_MESSAGE};
    struct msim_framer_pool pool;
    struct msim_ws_fault fault = {0};

    msim_framer_pool_init(&pool, NULL);
    struct msim_ws ws = {.pool = &pool, .role = (uint8_t)role};
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
    msim_framer_pool_finish(&pool);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    enum msim_ws_role role = data[0] & 1 ? MSIM_WS_CLIENT : MSIM_WS_SERVER;
    size_t step = data[1] + 1u;
    struct digest whole = feed(role, data + 2, size - 2, size - 2);
    struct digest cut = feed(role, data + 2, size - 2, step);

    require(whole.outcome == cut.outcome && whole.code == cut.code);
    require(whole.events == cut.events && whole.hash == cut.hash);
    return 0;
}
