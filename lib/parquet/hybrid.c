#include "parquet/hybrid.h"

#include <assert.h>

#include <string.h>

#include "parquet/bits.h"
#include "parquet/unpack.h"

void msim_hybrid_init(struct msim_hybrid *hybrid, const unsigned char *bytes, size_t length,
                      unsigned width)
{
    assert(width <= 32);
    *hybrid = (struct msim_hybrid){.at = bytes, .end = bytes + length, .width = width};
}

/* ---- runs ---- */

/* Reads the head of the next run. */
static int next_run(struct msim_hybrid *hybrid)
{
    uint64_t head = 0;
    unsigned shift = 0;

    for (;; shift += 7) {
        if (hybrid->at == hybrid->end || shift > 35)
            return MSIM_ERR_FORMAT;
        unsigned char byte = *hybrid->at++;
        head |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            break;
    }
    size_t left = (size_t)(hybrid->end - hybrid->at);
    if (head & 1) {
        /* Some writers cut the last group short: what is there counts. */
        uint64_t promised = (head >> 1) * 8;
        uint64_t there = hybrid->width > 0 ? (uint64_t)left * 8 / hybrid->width : promised;
        hybrid->packed = promised < there ? promised : there;
        return MSIM_OK;
    }
    size_t bytes = (hybrid->width + 7) / 8;
    if (bytes > left)
        return MSIM_ERR_FORMAT;
    hybrid->value = 0;
    for (size_t i = 0; i < bytes; i++)
        hybrid->value |= (uint32_t)hybrid->at[i] << (8 * i);
    if (hybrid->width < 32 && hybrid->value >> hybrid->width != 0)
        return MSIM_ERR_FORMAT;
    hybrid->at += bytes;
    hybrid->equal = head >> 1;
    return MSIM_OK;
}

/* Moves over `groups` groups, the last of which may be cut short. */
static void advance(struct msim_hybrid *hybrid, size_t groups)
{
    size_t left = (size_t)(hybrid->end - hybrid->at);
    size_t bytes = groups * hybrid->width;

    hybrid->at += bytes < left ? bytes : left;
}

static size_t read_packed(struct msim_hybrid *hybrid, uint32_t *out, size_t count)
{
    size_t given = count < hybrid->packed ? count : (size_t)hybrid->packed;

    if (hybrid->width == 0) {
        memset(out, 0, given * sizeof *out);
        hybrid->packed -= given;
        return given;
    }
    size_t groups = given / 8;
    if (groups > 0) {
        msim_unpack(hybrid->at, groups, hybrid->width, out);
        advance(hybrid, groups);
        hybrid->packed -= groups * 8;
        return groups * 8;
    }
    msim_unpack(hybrid->at, 1, hybrid->width, hybrid->held);
    advance(hybrid, 1);
    hybrid->held_at = 0;
    hybrid->held_count = hybrid->packed < 8 ? (unsigned)hybrid->packed : 8;
    hybrid->packed -= hybrid->held_count;
    return 0;
}

int msim_hybrid_read(struct msim_hybrid *hybrid, uint32_t *out, size_t count)
{
    while (count > 0) {
        size_t given;
        if (hybrid->held_at < hybrid->held_count) {
            *out = hybrid->held[hybrid->held_at++];
            given = 1;
        } else if (hybrid->equal > 0) {
            given = count < hybrid->equal ? count : (size_t)hybrid->equal;
            for (size_t i = 0; i < given; i++)
                out[i] = hybrid->value;
            hybrid->equal -= given;
        } else if (hybrid->packed > 0) {
            given = read_packed(hybrid, out, count);
        } else {
            int r = next_run(hybrid);
            if (r < 0)
                return r;
            continue;
        }
        out += given;
        count -= given;
    }
    return MSIM_OK;
}

int msim_hybrid_peek(struct msim_hybrid *hybrid, size_t count, uint32_t *value, size_t *equal)
{
    *equal = 0;
    while (hybrid->held_at == hybrid->held_count && hybrid->packed == 0 && hybrid->equal == 0) {
        int r = next_run(hybrid);
        if (r < 0)
            return r;
    }
    if (hybrid->held_at == hybrid->held_count && hybrid->equal > 0) {
        *value = hybrid->value;
        *equal = count < hybrid->equal ? count : (size_t)hybrid->equal;
    }
    return MSIM_OK;
}

void msim_hybrid_pass(struct msim_hybrid *hybrid, size_t equal)
{
    assert(equal <= hybrid->equal);
    hybrid->equal -= equal;
}
