/*
 * A chunked body, in steps that the first byte says: what comes out must be the same as
 * from one piece, and never more than came in.
 */
#include <stdlib.h>

#include "net/body.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct digest {
    uint64_t hash;
    size_t length;
    size_t taken;
    bool failed;
    bool ended;
};

static struct digest feed(const uint8_t *data, size_t size, size_t step)
{
    struct digest digest = {.hash = UINT64_C(0xcbf29ce484222325)};
    struct msim_body body;

    msim_body_in_chunks(&body);
    while (digest.taken < size && !digest.failed && !msim_body_ended(&body)) {
        size_t end = size - digest.taken < step ? size : digest.taken + step;
        const unsigned char *piece;
        size_t length;
        int64_t r = msim_body_next(&body, data + digest.taken, end - digest.taken, &piece, &length);
        digest.failed = r < 0;
        if (digest.failed)
            break;
        require(r > 0 && (size_t)r <= end - digest.taken && length <= (size_t)r);
        require(length == 0 || piece + length == data + digest.taken + r);
        for (size_t i = 0; i < length; i++)
            digest.hash = (digest.hash ^ piece[i]) * UINT64_C(0x100000001B3);
        digest.length += length;
        digest.taken += (size_t)r;
    }
    digest.ended = msim_body_ended(&body);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct digest whole = feed(data + 1, size - 1, size);
    struct digest cut = feed(data + 1, size - 1, data[0] % 16 + 1u);

    require(whole.failed == cut.failed && whole.ended == cut.ended);
    require(whole.hash == cut.hash && whole.length == cut.length);
    require(whole.failed || whole.taken == cut.taken);
    return 0;
}
