/*
 * Rows into the order of their times, rows of the same time as they stand.
 */
#ifndef MSIM_PARQUET_ORDER_H
#define MSIM_PARQUET_ORDER_H

#include <marketsim/base.h>

/* What sorting takes for each row beside `order`, while it goes on. */
#define MSIM_ORDER_ROW_BYTES (2 * sizeof(uint64_t))

/* Times that stand `stride` bytes apart. */
struct order_times {
    const msim_time *first;
    size_t stride;
};

/*
 * Writes the places of `count` rows (at most UINT32_MAX) into `order`, sorted.  `unit` divides
 * the difference of any two times.  MSIM_ERR_NOMEM.
 */
int msim_order(const struct order_times *times, size_t count, int64_t unit, uint32_t *order,
               const struct msim_allocator *allocator);

/*
 * The other way round: at which place of the order each row stands; MSIM_ORDER_NONE for those
 * that have ROW_BAD in `flags` (NULL: none has), of which the order has none.
 */
#define MSIM_ORDER_NONE UINT32_MAX
int msim_order_places(const msim_time *times, const uint8_t *flags, size_t count, int64_t unit,
                      uint32_t *places, size_t *kept, const struct msim_allocator *allocator);

/* So few words are sorted in one piece that they and their buckets stay in the caches. */
#define MSIM_ORDER_PIECE ((size_t)4096)
#define MSIM_ORDER_BUCKETS (2 * MSIM_ORDER_PIECE)

/*
 * Sorts at most MSIM_ORDER_PIECE words, none below `least` or above `most`.  `buckets` has room
 * for MSIM_ORDER_BUCKETS; what is left in `words` is no use to anybody.
 */
void msim_order_words(uint64_t *words, size_t count, uint64_t least, uint64_t most,
                      uint64_t *sorted, uint16_t *buckets);

#endif
