/*
 * The keys that callers have.
 *
 * A key is looked up by a keyed digest of it, so that how long a comparison takes says nothing
 * about the keys that there are.
 */
#ifndef MSIM_NET_KEYS_H
#define MSIM_NET_KEYS_H

#include <marketsim/access.h>

#include "net/bucket.h"

#define MSIM_KEY_DIGEST 32

/* Longer lines of a key file are refused. */
#define MSIM_KEY_LINE_MAX 1024

/* One key; it lives as long as somebody came in with it. */
struct msim_key {
    size_t references;
    uint8_t digest[MSIM_KEY_DIGEST];
    struct msim_bucket bucket;
    struct msim_bucket messages; /* of all its WebSockets */
    struct msim_caller caller;
    const char *secret; /* "": it needs no signature */
    size_t line;
    size_t size; /* of the whole allocation */
    char texts[];
};

struct msim_keys {
    struct msim_key **items; /* sorted by digest */
    size_t count;
    size_t capacity;
};

/*
 * Reads a key file's text.  `lookup` makes the digests.  MSIM_ERR_FORMAT and MSIM_ERR_LIMIT name
 * the line; then nothing is held.
 */
int msim_keys_read(struct msim_keys *out, const char *text, size_t length,
                   const uint8_t lookup[MSIM_KEY_DIGEST], const struct msim_allocator *allocator,
                   struct msim_detail *detail);
void msim_keys_finish(struct msim_keys *keys, const struct msim_allocator *allocator);

/* NULL for one that is not there. */
struct msim_key *msim_keys_find(const struct msim_keys *keys, const char *key, size_t length,
                                const uint8_t lookup[MSIM_KEY_DIGEST]);

/* NULL is left alone. */
void msim_key_drop(struct msim_key *key, const struct msim_allocator *allocator);

#endif
