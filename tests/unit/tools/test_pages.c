/*
 * The allocator of large pages: what a block holds stays, however its size changes.
 */
#include "check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cli/pages.h"

#define LARGE_PAGE ((size_t)2 << 20)
#define STEPS 400
#define BLOCKS 4

/* A byte of a block, by its place and the block's number. */
static unsigned char mark(size_t at, size_t block)
{
    return (unsigned char)(at * 131 + (at >> 12) * 7 + block);
}

/* A byte in each small page, at places that move through it. */
static void write_marks(unsigned char *bytes, size_t size, size_t block)
{
    for (size_t at = 0; at < size; at += 4095)
        bytes[at] = mark(at, block);
}

static void assert_marks(const unsigned char *bytes, size_t size, size_t block)
{
    for (size_t at = 0; at < size; at += 4095)
        if (bytes[at] != mark(at, block))
            fail_msg("byte %zu of %zu changed", at, size);
}

static size_t any_size(uint64_t number)
{
    static const size_t around[] = {1, 4096, LARGE_PAGE, 2 * LARGE_PAGE, 3 * LARGE_PAGE};
    const size_t size = around[number % COUNT(around)];

    switch (number >> 8 & 3) {
    case 0:
        return size;
    case 1:
        return size + (number >> 16 & 4095);
    case 2:
        return size > 4096 ? size - 1 : size;
    default:
        return (size_t)(number >> 16) % (5 * LARGE_PAGE) + 1;
    }
}

static void what_a_block_holds_stays_whatever_size_it_gets(void **state)
{
    const struct msim_allocator allocator = pages_allocator();
    unsigned char *blocks[BLOCKS] = {NULL};
    size_t sizes[BLOCKS] = {0};

    (void)state;
    for (uint64_t step = 0; step < STEPS; step++) {
        const uint64_t number = msim_mix64(step);
        const size_t block = number >> 60 & (BLOCKS - 1);
        const size_t size = step % 11 == 10 ? 0 : any_size(number);
        const size_t kept = size < sizes[block] ? size : sizes[block];
        unsigned char *bytes =
            allocator.resize(allocator.context, blocks[block], sizes[block], size);
        assert_true((bytes == NULL) == (size == 0));
        if (bytes) {
            assert_marks(bytes, kept, block);
            write_marks(bytes, size, block);
        }
        blocks[block] = bytes;
        sizes[block] = size;
        for (size_t other = 0; other < BLOCKS; other++)
            if (blocks[other])
                assert_marks(blocks[other], sizes[other], other);
    }
    for (size_t block = 0; block < BLOCKS; block++)
        allocator.resize(allocator.context, blocks[block], sizes[block], 0);
}

static void a_large_block_begins_at_a_large_page(void **state)
{
    const struct msim_allocator allocator = pages_allocator();

    (void)state;
    for (size_t size = 2 * LARGE_PAGE; size < 6 * LARGE_PAGE; size += LARGE_PAGE / 2 + 1) {
        unsigned char *bytes = allocator.resize(allocator.context, NULL, 0, size);
        assert_non_null(bytes);
        assert_true(((uintptr_t)bytes & (LARGE_PAGE - 1)) == 0);
        bytes[size - 1] = 1;
        allocator.resize(allocator.context, bytes, size, 0);
    }
}

static void what_no_machine_has_is_refused_and_the_block_stays(void **state)
{
    const struct msim_allocator allocator = pages_allocator();
    unsigned char *bytes = allocator.resize(allocator.context, NULL, 0, 2 * LARGE_PAGE);

    (void)state;
    assert_non_null(bytes);
    write_marks(bytes, 2 * LARGE_PAGE, 1);
    assert_null(allocator.resize(allocator.context, bytes, 2 * LARGE_PAGE, SIZE_MAX));
    assert_null(allocator.resize(allocator.context, bytes, 2 * LARGE_PAGE, SIZE_MAX / 4));
    assert_null(allocator.resize(allocator.context, NULL, 0, SIZE_MAX / 4));
    assert_marks(bytes, 2 * LARGE_PAGE, 1);
    allocator.resize(allocator.context, bytes, 2 * LARGE_PAGE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_block_holds_stays_whatever_size_it_gets),
        cmocka_unit_test(a_large_block_begins_at_a_large_page),
        cmocka_unit_test(what_no_machine_has_is_refused_and_the_block_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
