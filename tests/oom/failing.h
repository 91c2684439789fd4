/*
 * An allocator that fails at a chosen call and counts what is out: every
 * allocation of a public create fails in turn, and nothing may leak or crash.
 */
#ifndef TESTS_OOM_FAILING_H
#define TESTS_OOM_FAILING_H

#include <marketsim/base.h>

#include <stdlib.h>

struct failing {
    size_t calls;   /* allocations and growths asked for so far */
    size_t fail_at; /* this one gets NULL, and every later one too; SIZE_MAX: none */
    size_t blocks;  /* blocks that are out */
    size_t bytes;   /* their size, by what the caller says when it resizes and frees */
};

static void *failing_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    struct failing *failing = context;

    if (new_size == 0) {
        if (pointer) {
            failing->blocks--;
            failing->bytes -= old_size;
        }
        free(pointer);
        return NULL;
    }
    if (failing->calls++ >= failing->fail_at)
        return NULL;
    void *moved = realloc(pointer, new_size);
    if (!moved)
        abort();
    if (!pointer)
        failing->blocks++;
    failing->bytes += new_size - (pointer ? old_size : 0);
    return moved;
}

static inline struct msim_allocator failing_allocator(struct failing *failing)
{
    return (struct msim_allocator){.resize = failing_resize, .context = failing};
}

/*
 * Runs `attempt` with the first allocation failing, then the second, ... until it
 * succeeds.  `attempt` returns its result after having freed all it made; it must be
 * MSIM_ERR_NOMEM as long as an allocation failed, and leave no block behind.
 */
#define FAIL_EACH_ALLOCATION(attempt, context)                             \
    do {                                                                   \
        for (size_t fail_at = 0;; fail_at++) {                             \
            struct failing failing = {.fail_at = fail_at};                 \
            struct msim_allocator allocator = failing_allocator(&failing); \
            int result = attempt(&allocator, context);                     \
            assert_int_equal(failing.blocks, 0);                           \
            assert_int_equal(failing.bytes, 0);                            \
            if (failing.calls <= fail_at) {                                \
                assert_true(result >= 0);                                  \
                break;                                                     \
            }                                                              \
            assert_int_equal(result, MSIM_ERR_NOMEM);                      \
        }                                                                  \
    } while (0)

#endif
