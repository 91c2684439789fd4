/*
 * A symbol table: texts to dense numbers in the order of first appearance.
 *
 * Append-only.  A hash index over one run of bytes; the texts stay where they
 * are found by offset, so the run may move when it grows.
 */
#ifndef MSIM_RECORD_SYMBOLS_H
#define MSIM_RECORD_SYMBOLS_H

#include <marketsim/base.h>

struct msim_symbols {
    char *text;
    size_t text_length;
    size_t text_capacity;
    struct msim_symbol_entry *entries;
    size_t count;
    size_t capacity;
    uint32_t *index; /* open addressing: entry number + 1, 0 for free */
    size_t index_size;
    size_t limit; /* the bound on the number of symbols */
    struct msim_allocator allocator;
};

struct msim_symbol_entry {
    uint64_t hash;
    size_t offset;
    uint32_t length;
};

/* MSIM_SYMBOLS_LIMIT is what a source uses where its user names no other bound. */
#define MSIM_SYMBOLS_LIMIT 1000000

void msim_symbols_init(struct msim_symbols *symbols, size_t limit,
                       const struct msim_allocator *allocator);
void msim_symbols_finish(struct msim_symbols *symbols);

/* The number of the text, given out now if it is new.  MSIM_ERR_LIMIT, MSIM_ERR_NOMEM. */
int msim_symbols_intern(struct msim_symbols *symbols, const char *text, size_t length,
                        uint32_t *id);

/* MSIM_ERR_NOT_FOUND where the text has no number. */
int msim_symbols_find(const struct msim_symbols *symbols, const char *text, size_t length,
                      uint32_t *id);

/* Terminated; NULL for a number not given.  Borrowed: valid until the next intern. */
const char *msim_symbols_text(const struct msim_symbols *symbols, uint32_t id, size_t *length);

#endif
