#include "check.h"

#include "base/mem.h"
#include "base/random.h"
#include "parquet/large.h"

#define STEPS 60
#define LARGEST ((size_t)9 << 20)

static unsigned char mark(size_t at)
{
    return (unsigned char)(at * 131 + (at >> 12) * 7);
}

static void what_a_block_holds_stays_whatever_size_it_gets(void **state)
{
    const struct msim_allocator allocator = msim_large_allocator(NULL);
    unsigned char *block = NULL;
    size_t size = 0;

    (void)state;
    for (uint64_t step = 0; step < STEPS; step++) {
        size_t wanted = (size_t)msim_mix64(step) % LARGEST + 1;
        block = msim_mem_resize(&allocator, block, size, wanted);
        assert_non_null(block);
        for (size_t at = 0; at < size && at < wanted; at += 4095)
            assert_int_equal(block[at], mark(at));
        size = wanted;
        for (size_t at = 0; at < size; at += 4095)
            block[at] = mark(at);
    }
    msim_mem_free(&allocator, block, size);
}

static void the_callers_allocator_is_taken_as_it_is(void **state)
{
    struct msim_allocator chosen = msim_large_allocator(NULL);

    chosen.context = state;
    assert_ptr_equal(msim_large_allocator(&chosen).context, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_block_holds_stays_whatever_size_it_gets),
        cmocka_unit_test(the_callers_allocator_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
