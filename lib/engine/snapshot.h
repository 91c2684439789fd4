/*
 * The bytes of a snapshot, in the order in which they are written; all numbers
 * little-endian.
 *
 *   header    magic, version, flags, length of all
 *   engine    sequence, time, counters, what is remembered
 *   assets, instruments
 *   orders    by instrument: the book's sides best first, waiting ones in firing order
 *   queue     triggered orders whose turn has not come
 *   free      slots, in the order in which they will be taken
 *   balances, positions: those that are not zero, by account
 *   finished  client ids, by account, oldest first
 *   trades    those that can be undone, oldest first
 *   checksum  of everything before it
 *
 * Nothing in it depends on how memory lies, except slots: they are part of the
 * handles that were told.
 */
#ifndef MSIM_ENGINE_SNAPSHOT_H
#define MSIM_ENGINE_SNAPSHOT_H

#include <string.h>

#include "engine/state.h"

#define SNAPSHOT_MAGIC UINT64_C(0x474e454d49534d01) /* "\1MSIMENG" */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_HEADER 24
#define SNAPSHOT_TAIL 8
/* Where it says what is remembered, which must be known before the engine is made. */
#define SNAPSHOT_REMEMBERED (SNAPSHOT_HEADER + 40)
#define SNAPSHOT_LEAST (SNAPSHOT_REMEMBERED + 8 + SNAPSHOT_TAIL)
#define MAX_TRADE_HISTORY 1048576

enum snapshot_flag {
    SNAPSHOT_ACCOUNTS_OFF = 1,
};

/* What follows an order, in the upper half of its bits. */
#define SNAPSHOT_CLIENT (1u << 16)
#define SNAPSHOT_EXTRA (1u << 17)
#define SNAPSHOT_EXCESS (1u << 18)
#define SNAPSHOT_BITS (SNAPSHOT_CLIENT | SNAPSHOT_EXTRA | SNAPSHOT_EXCESS | 0x3fffu)

/* A hash of bytes in four lanes, independent of the machine's byte order. */
struct hash {
    uint64_t lane[4];
    uint64_t length;
};

#define HASH_BLOCK 32

static inline uint64_t load_u64(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static inline void store_u64(unsigned char *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

void msim_hash_init(struct hash *hash);
/* `length` is a multiple of HASH_BLOCK but for the last time. */
void msim_hash_add(struct hash *hash, const unsigned char *bytes, size_t length);
uint64_t msim_hash_end(const struct hash *hash);

/* Writes the right checksum behind bytes of that length: for tests that damage a snapshot. */
void msim_snapshot_seal(unsigned char *bytes, size_t length);

#endif
