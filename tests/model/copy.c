#include "copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned char *engine_bytes(const struct msim_engine *engine, size_t *length)
{
    size_t needed = 0;

    msim_engine_snapshot(engine, NULL, 0, &needed);
    unsigned char *bytes = malloc(needed);
    if (bytes && msim_engine_snapshot(engine, bytes, needed, length) < 0) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static int wrong(struct msim_detail *detail, const char *what)
{
    snprintf(detail->text, sizeof detail->text, "%s", what);
    return MSIM_ERR_STATE;
}

static int same(const struct msim_engine *other, uint64_t digest, const unsigned char *bytes,
                size_t length, struct msim_detail *detail)
{
    size_t again = 0;

    if (msim_engine_digest(other) != digest)
        return wrong(detail, "the digest after restore is another");
    unsigned char *more = engine_bytes(other, &again);
    const bool agree = more && again == length && memcmp(bytes, more, length) == 0;
    free(more);
    return agree ? MSIM_OK : wrong(detail, "the snapshot of the restored engine is another");
}

int engine_copy(const struct msim_engine *engine, const struct msim_engine_params *params,
                struct msim_engine **out, struct msim_detail *detail)
{
    struct msim_engine *other = NULL;
    size_t length = 0;
    unsigned char *bytes = engine_bytes(engine, &length);

    if (!bytes)
        return wrong(detail, "no snapshot");
    int r = msim_engine_restore(&other, params, bytes, length, detail);
    if (r == MSIM_OK)
        r = same(other, msim_engine_digest(engine), bytes, length, detail);
    free(bytes);
    if (r < 0) {
        msim_engine_destroy(&other);
        return r;
    }
    *out = other;
    return MSIM_OK;
}
