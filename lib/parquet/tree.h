/*
 * A tournament: which of several sorted inputs has the first item.
 *
 * Each inner node holds the input that lost there, so that a new item of the winner is compared
 * once a level, and with nothing but losers.
 */
#ifndef MSIM_PARQUET_TREE_H
#define MSIM_PARQUET_TREE_H

#include <marketsim/base.h>

struct tree_key {
    msim_time time;
    uint64_t row;
};

/* The key of an input that has ended: no trade has it. */
#define MSIM_TREE_ENDED ((struct tree_key){INT64_MAX, UINT64_MAX})

struct tree {
    struct tree_key *keys; /* of each input */
    uint32_t *losers;      /* losers[0] is the winner */
    uint32_t leaves;       /* a power of two */
};

static inline bool msim_tree_before(struct tree_key a, struct tree_key b)
{
    return a.time < b.time || (a.time == b.time && a.row < b.row);
}

/* Bytes that a tree of so many inputs takes: `keys`, then `losers`. */
static inline uint32_t msim_tree_leaves(uint32_t inputs)
{
    uint32_t leaves = 1;

    while (leaves < inputs)
        leaves *= 2;
    return leaves;
}

/* The input whose key comes first. */
static inline uint32_t msim_tree_first(const struct tree *tree)
{
    return tree->losers[0];
}

/* After the first input's key has changed (it may only have become later). */
static inline void msim_tree_replay(struct tree *tree)
{
    uint32_t winner = tree->losers[0];
    struct tree_key key = tree->keys[winner];

    for (uint32_t node = (winner + tree->leaves) / 2; node > 0; node /= 2) {
        uint32_t other = tree->losers[node];
        struct tree_key theirs = tree->keys[other];
        bool swap = msim_tree_before(theirs, key);
        tree->losers[node] = swap ? winner : other;
        winner = swap ? other : winner;
        key = swap ? theirs : key;
    }
    tree->losers[0] = winner;
}

/* Of keys that are all set; `losers` has room for 2 * leaves while it is built. */
static inline void msim_tree_build(struct tree *tree)
{
    uint32_t *winners = tree->losers + tree->leaves;

    for (uint32_t i = 0; i < tree->leaves; i++)
        winners[i] = i;
    for (uint32_t width = tree->leaves / 2; width > 0; width /= 2) {
        for (uint32_t i = 0; i < width; i++) {
            uint32_t a = winners[2 * i], b = winners[2 * i + 1];
            bool a_first = !msim_tree_before(tree->keys[b], tree->keys[a]);
            tree->losers[width + i] = a_first ? b : a;
            winners[i] = a_first ? a : b;
        }
    }
    tree->losers[0] = winners[0];
}

#endif
