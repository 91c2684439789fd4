#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "parquet/late.h"
#include "parquet/order.h"
#include "parquet/trade.h"
#include "parquet/values.h"

#define ROWS_MAX 9000

/* What the times of rows may be like. */
enum shape {
    RISING,
    LATE,     /* by little */
    CROWDED,  /* by little, and nearly all at once: insertion alone would take too long */
    CLUSTERS, /* the same, and late by much */
    SHUFFLED,
    FALLING,
    TURNS,  /* some that rise, one after the other */
    WIDEST, /* from the first moment to the last: time and place do not fit in one word */
    SHAPES
};

struct bench {
    size_t count;
    int64_t unit;
    msim_time times[ROWS_MAX];
    struct trade trades[ROWS_MAX]; /* of the same times */
    uint32_t expected[ROWS_MAX];
    uint32_t order[ROWS_MAX];
};

static int64_t time_of(enum shape shape, size_t i, size_t count, uint64_t dice)
{
    switch (shape) {
    case RISING:
        return (int64_t)(i / 3);
    case LATE:
        return (int64_t)(i * 100 + dice % 4000);
    case CROWDED:
        return i + 1 < count ? (int64_t)(dice % 200) : 1000000;
    case CLUSTERS:
        return i % 10 > 0 ? (int64_t)(dice % 200) : (int64_t)(i * 500);
    case SHUFFLED:
        return (int64_t)(dice % (2 * count));
    case FALLING:
        return (int64_t)(count - i / 2);
    case TURNS:
        return (int64_t)(i % (count / 4 + 1));
    default:
        return (int64_t)dice;
    }
}

/* One after the other, each behind those that are not later. */
static void sort_slowly(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++) {
        size_t low = 0, high = i;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (bench->times[bench->expected[middle]] <= bench->times[i])
                low = middle + 1;
            else
                high = middle;
        }
        memmove(&bench->expected[low + 1], &bench->expected[low],
                (i - low) * sizeof *bench->expected);
        bench->expected[low] = (uint32_t)i;
    }
}

/* Units, and how far apart times lie where nanoseconds and a place do not fit in one word. */
static const struct {
    int64_t unit;
    int64_t apart;
} steps[] = {
    {1, INT64_C(1) << 33},
    {MSIM_NS_PER_US, INT64_C(1) << 25},
    {MSIM_NS_PER_MS, INT64_C(1) << 18},
    {7, INT64_C(1) << 33},
};

static void fill(struct bench *bench, uint64_t seed)
{
    enum shape shape = (enum shape)(seed % SHAPES);
    uint64_t dice = msim_mix64(seed);
    size_t step = dice >> 20 & 3;
    int64_t apart = dice >> 22 & 1 ? steps[step].apart : 1;
    int64_t first = (int64_t)(dice >> 24) % 1000;

    bench->count = seed < 100 ? seed / SHAPES : dice % ROWS_MAX;
    bench->unit = shape == WIDEST ? 1 : steps[step].unit;
    for (size_t i = 0; i < bench->count; i++) {
        int64_t time = time_of(shape, i, bench->count, msim_mix64(seed << 20 | i));
        if (shape != WIDEST)
            time = (time - first) * apart * bench->unit;
        bench->times[i] = time;
        bench->trades[i] = (struct trade){.time = time};
    }
    sort_slowly(bench);
}

static int by_word(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static void few_words_are_sorted_wherever_they_lie(void **state)
{
    struct {
        uint64_t words[MSIM_ORDER_PIECE];
        uint64_t sorted[MSIM_ORDER_PIECE];
        uint64_t expected[MSIM_ORDER_PIECE];
        uint16_t buckets[MSIM_ORDER_BUCKETS];
    } *room = calloc(1, sizeof *room);

    (void)state;
    assert_non_null(room);
    for (uint64_t seed = 0; seed < 300; seed++) {
        uint64_t dice = msim_mix64(seed);
        size_t count = seed % 3 == 0 ? MSIM_ORDER_PIECE : 1 + dice % MSIM_ORDER_PIECE;
        uint64_t least = seed % 2 == 0 ? 0 : dice >> 8;
        uint64_t range = (UINT64_MAX - least) >> dice % 64;
        for (size_t i = 0; i < count; i++) {
            uint64_t own = msim_mix64(seed << 16 | i);
            /* Some crowded where one bucket holds them all. */
            uint64_t width = seed % 5 == 0 && i > 0 ? range / 100000 : range;
            room->words[i] = least + (width == UINT64_MAX ? own : own % (width + 1));
        }
        memcpy(room->expected, room->words, count * sizeof *room->words);
        qsort(room->expected, count, sizeof *room->expected, by_word);
        msim_order_words(room->words, count, least, least + range, room->sorted, room->buckets);
        assert_memory_equal(room->sorted, room->expected, count * sizeof *room->sorted);
    }
    free(room);
}

static void any_times_come_in_the_order_of_a_slow_sort(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    const struct msim_allocator allocator = msim_mem_allocator(NULL);

    (void)state;
    assert_non_null(bench);
    for (uint64_t seed = 0; seed < 600; seed++) {
        const struct order_times times = {bench->times, sizeof *bench->times};
        const struct order_times of_trades = {&bench->trades->time, sizeof *bench->trades};
        fill(bench, seed);
        size_t bytes = bench->count * sizeof *bench->order;
        memset(bench->order, 0xAA, sizeof bench->order);
        assert_int_equal(msim_order(&times, bench->count, bench->unit, bench->order, &allocator),
                         MSIM_OK);
        assert_memory_equal(bench->order, bench->expected, bytes);
        memset(bench->order, 0xAA, sizeof bench->order);
        assert_int_equal(
            msim_order(&of_trades, bench->count, bench->unit, bench->order, &allocator), MSIM_OK);
        assert_memory_equal(bench->order, bench->expected, bytes);
        for (size_t i = bench->count; i < ROWS_MAX; i++)
            assert_int_equal(bench->order[i], 0xAAAAAAAA);
    }
    free(bench);
}

static void each_row_is_told_its_place(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    uint8_t flags[ROWS_MAX];

    (void)state;
    assert_non_null(bench);
    for (uint64_t seed = 0; seed < 200; seed++) {
        size_t kept = 0, place = 0;
        fill(bench, seed);
        for (size_t i = 0; i < bench->count; i++)
            flags[i] = msim_mix64(seed << 16 | i) % 5 == 0 ? ROW_BAD : 0;
        assert_int_equal(msim_order_places(bench->times, flags, bench->count, bench->unit,
                                           bench->order, &kept, &allocator),
                         MSIM_OK);
        for (size_t i = 0; i < bench->count; i++) {
            uint32_t row = bench->expected[i];
            if (flags[row])
                assert_int_equal(bench->order[row], MSIM_ORDER_NONE);
            else
                assert_int_equal(bench->order[row], place++);
        }
        assert_int_equal(kept, place);
    }
    free(bench);
}

/* One group after another is sorted on disk: whoever reads one that is there leaves the turn. */
static void reading_what_is_sorted_takes_nobodys_turn(void **state)
{
    struct msim_parquet parquet = {0};
    struct spill sorting = {0};
    struct spill sorted = {.is_ready = true};
    int64_t work = 1;

    (void)state;
    parquet.late_work = &sorting;
    assert_int_equal(msim_late_work(&sorted, &parquet, &work, NULL), 1);
    assert_ptr_equal(parquet.late_work, &sorting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_words_are_sorted_wherever_they_lie),
        cmocka_unit_test(any_times_come_in_the_order_of_a_slow_sort),
        cmocka_unit_test(each_row_is_told_its_place),
        cmocka_unit_test(reading_what_is_sorted_takes_nobodys_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
