/*
 * The bytes of a snapshot, in the order in which they are written; all of them numbers of 64
 * bits, little-endian, texts with their length before them and filled up with zeros.
 *
 *   header    magic, version, length of all
 *   engine    its own snapshot
 *   venue     time, counters
 *   accounts, texts of client ids
 *   markets   ticker, rings, the house, history
 *   orders and fills of robots
 *   history   how many of its records are done with
 *   checksum  of everything before it
 *
 * One list of what there is serves both ways: a visitor is shown every number, and writes it,
 * counts it, hashes it, or fills it in.
 */
#ifndef MSIM_VENUE_SNAPSHOT_H
#define MSIM_VENUE_SNAPSHOT_H

#include "venue/inside.h"

#define SNAPSHOT_MAGIC UINT64_C(0x4e45564d49534d01) /* "\1MSIMVEN" */
#define SNAPSHOT_VERSION 1

enum visit {
    VISIT_COUNT,
    VISIT_HASH,
    VISIT_WRITE,
    VISIT_READ,
};

struct visitor {
    enum visit way;
    uint64_t hash;
    uint64_t length; /* of what was visited */
    unsigned char *out;
    const unsigned char *in;
    size_t left; /* to be read */
    int failure;
    const char *where; /* of the failure */
};

/* A number of any width; reading refuses what does not fit it. */
void msim_visit_u64(struct visitor *visitor, uint64_t *value);
void msim_visit_i64(struct visitor *visitor, int64_t *value);
void msim_visit_u32(struct visitor *visitor, uint32_t *value);
void msim_visit_u8(struct visitor *visitor, uint8_t *value);
void msim_visit_bool(struct visitor *visitor, bool *value);
void msim_visit_size(struct visitor *visitor, size_t *value, size_t most);
void msim_visit_bytes(struct visitor *visitor, void *bytes, size_t length);
/* Remembers the first one. */
void msim_visit_fail(struct visitor *visitor, int failure, const char *where);

/* Everything behind the engine. */
void msim_visit_venue(struct visitor *visitor, struct msim_venue *venue);

#endif
