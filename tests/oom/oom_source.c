#include "check.h"

#include <stdio.h>
#include <string.h>

#include <marketsim/source.h>

#include "oom/failing.h"

#define RECORDS 100
#define INPUTS 3

struct bench {
    struct msim_record records[RECORDS];
    char texts[INPUTS][RECORDS][8];
    const char *names[INPUTS][RECORDS];
};

static int open_array(struct msim_source *out, const struct bench *bench, size_t input,
                      const struct msim_allocator *allocator, struct msim_detail *detail)
{
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;

    params.records = bench->records;
    params.count = RECORDS;
    params.symbols = bench->names[input];
    params.symbol_count = RECORDS;
    params.allocator = allocator;
    return msim_source_array(out, &params, detail);
}

static int array_once(const struct msim_allocator *allocator, void *context)
{
    struct msim_source source = {0};
    struct msim_detail detail = {{0}};

    int r = open_array(&source, context, 0, allocator, &detail);
    if (r < 0)
        assert_string_equal(detail.text, "out of memory");
    msim_source_release(&source);
    return r;
}

/* To the end or the failure; then the failure is told again, and everything can be released. */
static int drain(struct msim_source *merge)
{
    struct msim_record records[16];
    struct msim_detail detail = {{0}};
    size_t count;
    int r;

    while ((r = msim_source_pull(merge, records, 16, &count, &detail)) == MSIM_PULL_RECORD)
        continue;
    if (r < 0) {
        assert_string_equal(detail.text, "out of memory");
        assert_int_equal(msim_source_pull(merge, records, 16, &count, NULL), r);
    }
    return r;
}

static int merge_once(const struct msim_allocator *allocator, void *context)
{
    struct msim_source inputs[INPUTS] = {{0}};
    struct msim_source merge = {0};
    int r = MSIM_OK;

    for (size_t i = 0; i < INPUTS && r == MSIM_OK; i++)
        r = open_array(&inputs[i], context, i, allocator, NULL);
    if (r == MSIM_OK)
        r = msim_source_merge(&merge, inputs, INPUTS, allocator);
    if (r == MSIM_OK)
        r = drain(&merge);
    msim_source_release(&merge);
    for (size_t i = 0; i < INPUTS; i++)
        msim_source_release(&inputs[i]);
    return r;
}

static void an_array_source_survives_every_failed_allocation(void **state)
{
    FAIL_EACH_ALLOCATION(array_once, *state);
}

static void a_merge_survives_every_failed_allocation(void **state)
{
    FAIL_EACH_ALLOCATION(merge_once, *state);
}

static int set_up(void **state)
{
    static struct bench bench;

    for (size_t i = 0; i < RECORDS; i++) {
        bench.records[i] = (struct msim_record){.time = (msim_time)i, .symbol = (uint32_t)i};
        for (size_t input = 0; input < INPUTS; input++) {
            snprintf(bench.texts[input][i], sizeof bench.texts[input][i], "%zu.%zu", input, i);
            bench.names[input][i] = bench.texts[input][i];
        }
    }
    *state = &bench;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_source_survives_every_failed_allocation),
        cmocka_unit_test(a_merge_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
