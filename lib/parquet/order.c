/*
 * A sort of (time - earliest) with the row's place packed below it, so that what
 * moves is one word for each row, and no two are equal.  The words go into buckets
 * by as many of their highest bits as tell most rows apart; what is left is sorted
 * by insertion, unless that turns out to be much.
 *
 * Rows that are late by little beside the whole go into their buckets in one pass:
 * they, and the counts of the buckets, lie near each other.  Others take a radix
 * sort, whose digits are small enough for the caches.  Where time and place do not
 * fit into one word, a merge sort of the places.
 */
#include "parquet/order.h"

#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "parquet/moments.h"
#include "parquet/values.h"

#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)
/* Late by little: by this part of the whole at most. */
#define NEAR_PART 32
/* Buckets for each row: what they are made of in place of the second word. */
#define BUCKETS_EACH (sizeof(uint64_t) / sizeof(uint32_t))
/* What insertion may cost in the mean: above it, all digits are sorted. */
#define INSERTION_MOVES 8

static unsigned bits_of(uint64_t value)
{
    return value > 0 ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

static inline msim_time time_at(const struct order_times *times, size_t place)
{
    return *(const msim_time *)(const void *)((const char *)times->first + place * times->stride);
}

/* ---- words ---- */

/* The words, room for as many, and how they are made up. */
struct words {
    uint64_t *from;
    uint64_t *to;
    size_t count;
    unsigned place_bits;
    unsigned key_bits;
};

static void swap(struct words *words)
{
    uint64_t *from = words->from;

    words->from = words->to;
    words->to = from;
}

/* Constant divisors: the compiler multiplies in their place. */
static inline uint64_t in_units(uint64_t distance, int64_t unit)
{
    switch (unit) {
    case MSIM_NS_PER_US:
        return distance / (uint64_t)MSIM_NS_PER_US;
    case MSIM_NS_PER_MS:
        return distance / (uint64_t)MSIM_NS_PER_MS;
    default:
        return distance;
    }
}

/* Of the row at `i`; `unit` is a constant wherever this is called. */
static inline __attribute__((always_inline)) uint64_t word_of(const struct words *words,
                                                              const struct order_times *times,
                                                              msim_time min, int64_t unit, size_t i)
{
    uint64_t key = in_units((uint64_t)time_at(times, i) - (uint64_t)min, unit);

    return key << words->place_bits | i;
}

static inline __attribute__((always_inline)) void fill_in_units(struct words *words,
                                                                const struct order_times *times,
                                                                msim_time min, int64_t unit)
{
    for (size_t i = 0; i < words->count; i++)
        words->from[i] = word_of(words, times, min, unit, i);
}

static void fill_words(struct words *words, const struct order_times *times, msim_time min,
                       int64_t unit)
{
    switch (unit) {
    case MSIM_NS_PER_US:
        fill_in_units(words, times, min, MSIM_NS_PER_US);
        break;
    case MSIM_NS_PER_MS:
        fill_in_units(words, times, min, MSIM_NS_PER_MS);
        break;
    default:
        fill_in_units(words, times, min, 1);
    }
}

/* Where each bucket begins, in place of how many there are in it. */
static void sum_up(uint32_t *buckets, size_t count)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t size = buckets[i];
        buckets[i] = sum;
        sum += size;
    }
}

/* ---- radix ---- */

/* One stable pass by the digit of `bits` at `shift`. */
static void pass(struct words *words, unsigned shift, unsigned bits)
{
    const uint64_t *from = words->from;
    uint64_t *to = words->to;
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    size_t count = words->count;
    uint32_t starts[DIGITS] = {0};

    for (size_t i = 0; i < count; i++)
        starts[from[i] >> shift & mask]++;
    sum_up(starts, (size_t)mask + 1);
    for (size_t i = 0; i < count; i++)
        to[starts[from[i] >> shift & mask]++] = from[i];
    swap(words);
}

/* By the highest `bits` of the keys, in passes of about as many each. */
static void radix_sort(struct words *words, unsigned bits)
{
    unsigned passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
    unsigned shift = words->place_bits + words->key_bits - bits;

    for (; passes > 0; passes--) {
        unsigned digit = (bits + passes - 1) / passes;
        pass(words, shift, digit);
        shift += digit;
        bits -= digit;
    }
}

/* ---- buckets ---- */

/* Rises with the word from 0 to one below the buckets' number: a division by multiplying. */
static inline size_t bucket_of(uint64_t word, uint64_t factor)
{
    return (size_t)((msim_uint128)word * factor >> 64);
}

/*
 * One stable pass into `buckets`, which are as many as `factor` was made for.  A row's rank in
 * its bucket is kept from the count, so that no row has to wait for the one before it.
 */
static inline __attribute__((always_inline)) void fill_buckets(struct words *words,
                                                               const struct order_times *times,
                                                               msim_time min, int64_t unit,
                                                               uint64_t factor, uint32_t *ranks)
{
    const size_t count = words->count;
    uint32_t *buckets = (uint32_t *)(void *)words->to;
    uint64_t *to = words->from;

    for (size_t i = 0; i < count; i++)
        ranks[i] = buckets[bucket_of(word_of(words, times, min, unit, i), factor)]++;
    sum_up(buckets, count * BUCKETS_EACH);
    for (size_t i = 0; i < count; i++) {
        uint64_t word = word_of(words, times, min, unit, i);
        to[buckets[bucket_of(word, factor)] + ranks[i]] = word;
    }
}

/*
 * The words of the times, none above `last`, in so many buckets that most hold one alone.  The
 * buckets lie where the other words will, if they are needed.
 */
static void fill_near(struct words *words, const struct order_times *times, msim_time min,
                      int64_t unit, uint64_t last, uint32_t *ranks)
{
    size_t count = words->count * BUCKETS_EACH;
    uint64_t factor = (uint64_t)((((msim_uint128)count << 64) - 1) / ((msim_uint128)last + 1));

    memset(words->to, 0, count * sizeof *ranks);
    switch (unit) {
    case MSIM_NS_PER_US:
        fill_buckets(words, times, min, MSIM_NS_PER_US, factor, ranks);
        break;
    case MSIM_NS_PER_MS:
        fill_buckets(words, times, min, MSIM_NS_PER_MS, factor, ranks);
        break;
    default:
        fill_buckets(words, times, min, 1, factor, ranks);
    }
}

/* Whether it came to its end within `moves`. */
static bool insertion_sort(uint64_t *words, size_t count, size_t moves)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t word = words[i];
        size_t to = i;
        while (to > 0 && words[to - 1] > word) {
            words[to] = words[to - 1];
            to--;
        }
        words[to] = word;
        if (i - to > moves)
            return false;
        moves -= i - to;
    }
    return true;
}

/* By the highest bits alone, as many as tell most words apart. */
static void sort_roughly(struct words *words)
{
    unsigned bits = bits_of(words->count);

    radix_sort(words, bits < words->key_bits ? bits : words->key_bits);
}

/* ---- few words ---- */

void msim_order_words(uint64_t *words, size_t count, uint64_t least, uint64_t most,
                      uint64_t *sorted, uint16_t *buckets)
{
    size_t bucket_count = count * BUCKETS_EACH;
    uint64_t factor =
        (uint64_t)((((msim_uint128)bucket_count << 64) - 1) / ((msim_uint128)(most - least) + 1));
    unsigned sum = 0;

    memset(buckets, 0, bucket_count * sizeof *buckets);
    for (size_t i = 0; i < count; i++)
        buckets[bucket_of(words[i] - least, factor)]++;
    for (size_t i = 0; i < bucket_count; i++) {
        unsigned size = buckets[i];
        buckets[i] = (uint16_t)sum;
        sum += size;
    }
    for (size_t i = 0; i < count; i++)
        sorted[buckets[bucket_of(words[i] - least, factor)]++] = words[i];
    if (insertion_sort(sorted, count, count * INSERTION_MOVES))
        return;
    struct words all = {.from = sorted, .to = words, .count = count, .key_bits = bits_of(most)};
    radix_sort(&all, all.key_bits);
    if (all.from != sorted)
        memcpy(sorted, all.from, count * sizeof *sorted);
}

/* ---- merge ---- */

static void merge(const struct order_times *times, const uint32_t *from, uint32_t *to, size_t start,
                  size_t middle, size_t end)
{
    size_t left = start, right = middle;

    for (size_t i = start; i < end; i++) {
        bool take_left = left < middle && (right == end || time_at(times, from[left]) <=
                                                               time_at(times, from[right]));
        to[i] = take_left ? from[left++] : from[right++];
    }
}

static int merge_sort(const struct order_times *times, uint32_t *order, size_t count,
                      const struct msim_allocator *allocator)
{
    uint32_t *spare = msim_mem_take_array(allocator, count, sizeof *spare);
    if (!spare)
        return MSIM_ERR_NOMEM;
    uint32_t *from = order;
    uint32_t *to = spare;

    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = count - start < width ? count : start + width;
            size_t end = count - middle < width ? count : middle + width;
            merge(times, from, to, start, middle, end);
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, count * sizeof *order);
    msim_mem_free(allocator, spare, count * sizeof *spare);
    return MSIM_OK;
}

/* ---- the choice ---- */

/* What the times are like. */
struct seen {
    msim_time min;
    msim_time max;
    uint64_t late; /* the most that one is earlier than another before it, or a little more */
    bool rising;
};

/* The rows whose times are looked at in one go: what is late in one of them is not known better. */
#define LOOK_ROWS 128

static struct msim_moments look_at(const struct order_times *times, size_t first, size_t count)
{
    msim_time row[LOOK_ROWS];

    if (times->stride == sizeof *times->first)
        return msim_moments_look(times->first + first, count, INT64_MIN);
    for (size_t i = 0; i < count; i++)
        row[i] = time_at(times, first + i);
    return msim_moments_look(row, count, INT64_MIN);
}

static struct seen look(const struct order_times *times, size_t count)
{
    struct seen seen = {.min = INT64_MAX, .max = INT64_MIN, .rising = true};

    for (size_t i = 0; i < count; i += LOOK_ROWS) {
        size_t rows = count - i < LOOK_ROWS ? count - i : LOOK_ROWS;
        const struct msim_moments row = look_at(times, i, rows);
        seen.rising = seen.rising && row.rising && time_at(times, i) >= seen.max;
        seen.min = row.min < seen.min ? row.min : seen.min;
        seen.max = row.max > seen.max ? row.max : seen.max;
        uint64_t late = (uint64_t)seen.max - (uint64_t)row.min;
        seen.late = late > seen.late ? late : seen.late;
    }
    return seen;
}

static void sort_words(struct words *words, const struct order_times *times,
                       const struct seen *seen, int64_t unit, uint32_t *order)
{
    uint64_t range = (uint64_t)seen->max - (uint64_t)seen->min;
    const uint64_t mask = (UINT64_C(1) << words->place_bits) - 1;

    if (seen->late <= range / NEAR_PART) {
        fill_near(words, times, seen->min, unit, in_units(range, unit) << words->place_bits | mask,
                  order);
    } else {
        fill_words(words, times, seen->min, unit);
        sort_roughly(words);
    }
    /* Insertion leaves equal keys in the order of their places, which the radix sort goes on from.
     */
    if (!insertion_sort(words->from, words->count, words->count * INSERTION_MOVES))
        radix_sort(words, words->key_bits);
    for (size_t i = 0; i < words->count; i++)
        order[i] = (uint32_t)(words->from[i] & mask);
}

int msim_order(const struct order_times *times, size_t count, int64_t unit, uint32_t *order,
               const struct msim_allocator *allocator)
{
    const struct seen seen = look(times, count);
    uint64_t range = (uint64_t)seen.max - (uint64_t)seen.min;

    if (seen.rising) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        return MSIM_OK;
    }
    struct words words = {.count = count, .place_bits = bits_of(count - 1)};
    if (words.place_bits + bits_of(range) <= 64)
        unit = 1;
    words.key_bits = bits_of(in_units(range, unit));
    if (words.place_bits + words.key_bits > 64)
        return merge_sort(times, order, count, allocator);
    uint64_t *room = msim_mem_take_array(allocator, count, 2 * sizeof *room);
    if (!room)
        return MSIM_ERR_NOMEM;
    words.from = room;
    words.to = room + count;
    sort_words(&words, times, &seen, unit, order);
    msim_mem_free(allocator, room, count * 2 * sizeof *room);
    return MSIM_OK;
}

int msim_order_places(const msim_time *times, const uint8_t *flags, size_t count, int64_t unit,
                      uint32_t *places, size_t *kept, const struct msim_allocator *allocator)
{
    const struct order_times all = {.first = times, .stride = sizeof *times};

    *kept = 0;
    if (count == 0)
        return MSIM_OK;
    uint32_t *order = msim_mem_take_array(allocator, count, sizeof *order);
    if (!order)
        return MSIM_ERR_NOMEM;
    int r = msim_order(&all, count, unit, order, allocator);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        bool bad = flags && flags[order[i]] & ROW_BAD;
        places[order[i]] = bad ? MSIM_ORDER_NONE : (uint32_t)*kept;
        *kept += !bad;
    }
    msim_mem_free(allocator, order, count * sizeof *order);
    return r;
}
