/*
 * A radix sort of (time - earliest) with the row's place packed below it, so that
 * what moves is one word for each row.  Where both do not fit into one word, a
 * merge sort of the places.
 */
#include "parquet/order.h"

#include <string.h>

#include "base/mem.h"
#include "parquet/values.h"

#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)

static unsigned bits_of(uint64_t value)
{
    return value > 0 ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

static inline msim_time time_at(const struct order_times *times, size_t place)
{
    return *(const msim_time *)(const void *)((const char *)times->first + place * times->stride);
}

/* ---- radix ---- */

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

/* One stable pass by the digit at `shift`. */
static void pass(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
    uint32_t starts[DIGITS] = {0};
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++)
        starts[from[i] >> shift & (DIGITS - 1)]++;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        uint32_t size = starts[digit];
        starts[digit] = sum;
        sum += size;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

static int radix_sort(const struct order_times *times, msim_time min, int64_t unit,
                      unsigned place_bits, unsigned key_bits, uint32_t *order, size_t count,
                      const struct msim_allocator *allocator)
{
    uint64_t *words = msim_mem_take_array(allocator, count, 2 * sizeof *words);
    if (!words)
        return MSIM_ERR_NOMEM;
    uint64_t *from = words;
    uint64_t *to = words + count;

    for (size_t i = 0; i < count; i++) {
        uint64_t key = in_units((uint64_t)time_at(times, i) - (uint64_t)min, unit);
        from[i] = (place_bits < 64 ? key << place_bits : 0) | i;
    }
    for (unsigned done = 0; done < key_bits; done += DIGIT_BITS) {
        pass(from, to, count, place_bits + done);
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)(from[i] & ((UINT64_C(1) << place_bits) - 1));
    msim_mem_free(allocator, words, count * 2 * sizeof *words);
    return MSIM_OK;
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

int msim_order(const struct order_times *times, size_t count, int64_t unit, uint32_t *order,
               const struct msim_allocator *allocator)
{
    msim_time min = INT64_MAX, max = INT64_MIN;
    bool sorted = true;

    for (size_t i = 0; i < count; i++) {
        msim_time time = time_at(times, i);
        sorted &= time >= max;
        min = time < min ? time : min;
        max = time > max ? time : max;
    }
    if (sorted) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        return MSIM_OK;
    }
    unsigned place_bits = bits_of(count - 1);
    unsigned key_bits = bits_of(in_units((uint64_t)max - (uint64_t)min, unit));
    if (place_bits + key_bits > 64)
        return merge_sort(times, order, count, allocator);
    return radix_sort(times, min, unit, place_bits, key_bits, order, count, allocator);
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
