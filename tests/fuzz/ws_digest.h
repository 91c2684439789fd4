/*
 * What a reader of WebSocket frames said, as one number: two ways of reading must agree on it.
 */
#ifndef TESTS_FUZZ_WS_DIGEST_H
#define TESTS_FUZZ_WS_DIGEST_H

#include <stdlib.h>

#include "net/ws.h"

#define MAX_MESSAGE 5000

struct digest {
    uint64_t hash;
    size_t events;
    int code;
    enum msim_ws_outcome outcome;
};

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

static inline void add(struct digest *digest, unsigned kind, const unsigned char *bytes,
                       size_t length)
{
    digest->hash = (digest->hash ^ kind ^ length) * UINT64_C(0x100000001B3);
    for (size_t i = 0; i < length; i++)
        digest->hash = (digest->hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    digest->events++;
}

static inline bool on_message(void *context, enum msim_message_kind kind,
                              const unsigned char *bytes, size_t length)
{
    require(length <= MAX_MESSAGE);
    require(kind == MSIM_MESSAGE_BINARY || msim_utf8_valid(bytes, length));
    add(context, kind, bytes, length);
    return true;
}

#endif
