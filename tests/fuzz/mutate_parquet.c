/*
 * Changes to a Parquet file that leave it one at first sight: a few bytes anywhere in its pages,
 * or the footer as a whole, whose length is then put right.  Where a change makes a page longer,
 * all offsets behind it would be wrong, so pages keep their places.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "parquet/bits.h"

#define MAGIC_BYTES ((size_t)4)
#define TAIL_BYTES ((size_t)8) /* the footer's length, and the magic */
/* The most that is changed at once of a page. */
#define PIECE_BYTES ((size_t)64)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Where the footer begins; 0: nowhere. */
static size_t find_footer(const uint8_t *data, size_t size)
{
    if (size < MAGIC_BYTES + TAIL_BYTES)
        return 0;
    size_t length = msim_load32(data + size - TAIL_BYTES);
    return length <= size - MAGIC_BYTES - TAIL_BYTES ? size - TAIL_BYTES - length : 0;
}

static size_t change_footer(uint8_t *data, size_t size, size_t max_size, size_t footer)
{
    uint8_t tail[TAIL_BYTES];
    size_t length = size - TAIL_BYTES - footer;

    memcpy(tail, data + size - TAIL_BYTES, TAIL_BYTES);
    length = LLVMFuzzerMutate(data + footer, length, max_size - TAIL_BYTES - footer);
    msim_store32(tail, (uint32_t)length);
    memcpy(data + footer + length, tail, TAIL_BYTES);
    return footer + length + TAIL_BYTES;
}

static void change_pages(uint8_t *data, size_t footer, unsigned seed)
{
    uint8_t piece[PIECE_BYTES];
    size_t room = footer - MAGIC_BYTES;
    size_t at = MAGIC_BYTES + seed / 16 % room;
    size_t length = 1 + seed / 7 % PIECE_BYTES;

    if (length > footer - at)
        length = footer - at;
    memcpy(piece, data + at, length);
    /* What grew is cut, what shrank leaves what stood there. */
    LLVMFuzzerMutate(piece, length, length);
    memcpy(data + at, piece, length);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t footer = find_footer(data, size);

    if (footer == 0 || max_size < size || seed % 16 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    if (seed % 2 == 0 && footer > MAGIC_BYTES) {
        change_pages(data, footer, seed);
        return size;
    }
    return change_footer(data, size, max_size, footer);
}
