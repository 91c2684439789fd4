#include "check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "engine/ladder.h"

#define KEYS 3000

struct bench {
    struct ladder ladder;
    struct ladder_pool pool;
    struct msim_allocator allocator;
    bool there[KEYS];
};

static int make(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    bench->allocator = msim_mem_allocator(NULL);
    *state = bench;
    return 0;
}

static int unmake(void **state)
{
    struct bench *bench = *state;
    msim_ladder_finish(&bench->ladder, &bench->allocator);
    msim_ladder_pool_finish(&bench->pool, &bench->allocator);
    free(bench);
    return 0;
}

static void add(struct bench *bench, int64_t key)
{
    assert_int_equal(msim_ladder_reserve(&bench->ladder, &bench->pool, 1, &bench->allocator),
                     MSIM_OK);
    struct level *level = msim_ladder_insert(&bench->ladder, &bench->pool, key * 10);
    level->head = (uint32_t)key;
    bench->there[key] = true;
}

static void take(struct bench *bench, int64_t key)
{
    msim_ladder_remove(&bench->ladder, &bench->pool, key * 10);
    bench->there[key] = false;
}

/* Every key in order, each with what was stored in it, and none else. */
static void compare(const struct bench *bench)
{
    int64_t key = ladder_first(&bench->ladder);
    uint64_t count = 0;

    for (int64_t i = 0; i < KEYS; i++) {
        const struct level *level = msim_ladder_find(&bench->ladder, &bench->pool, i * 10);
        assert_int_equal(level != NULL, bench->there[i]);
        assert_null(msim_ladder_find(&bench->ladder, &bench->pool, i * 10 + 1));
        if (!bench->there[i])
            continue;
        assert_int_equal(level->head, i);
        assert_int_equal(key, i * 10);
        key = msim_ladder_after(&bench->ladder, &bench->pool, key);
        count++;
    }
    assert_true(key == KEY_NONE);
    assert_int_equal(count, bench->ladder.level_count);
}

static void levels_come_back_in_order_whatever_was_added_and_removed(void **state)
{
    struct bench *bench = *state;
    const uint64_t dice = msim_random_key(1, "ladder", 6);

    for (uint64_t i = 0; i < 60000; i++) {
        const int64_t key = msim_random_range(msim_random_at(dice, i, 0, 0), 0, KEYS - 1);
        if (bench->there[key])
            take(bench, key);
        else
            add(bench, key);
        if (i % 5000 == 0)
            compare(bench);
    }
    compare(bench);
}

static void a_ladder_that_was_emptied_gives_its_runs_back(void **state)
{
    struct bench *bench = *state;

    for (int round = 0; round < 3; round++) {
        for (int64_t key = 0; key < KEYS; key++)
            add(bench, key);
        /* Thinned out everywhere, its runs join. */
        for (int64_t key = 0; key < KEYS; key++) {
            if (key % 16 != 0)
                take(bench, key);
        }
        assert_true(bench->ladder.count < KEYS / 16 / 4);
        compare(bench);
        for (int64_t key = 0; key < KEYS; key += 16)
            take(bench, key);
        assert_int_equal(bench->ladder.count, 0);
        assert_int_equal(bench->pool.free_count, bench->pool.used);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(levels_come_back_in_order_whatever_was_added_and_removed,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(a_ladder_that_was_emptied_gives_its_runs_back, make,
                                        unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
