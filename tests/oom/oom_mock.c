#include "check.h"

#include <marketsim/mock.h>

#include "oom/failing.h"

static int attempt(const struct msim_allocator *allocator, void *context)
{
    struct msim_mock_params params = *(struct msim_mock_params *)context;
    struct msim_source source;
    struct msim_record records[64];
    size_t count;

    params.allocator = allocator;
    int r = msim_source_mock(&source, &params, NULL);
    if (r < 0)
        return r;
    r = msim_source_pull(&source, records, 64, &count, NULL);
    msim_source_release(&source);
    return r;
}

static void a_mock_market_without_memory_says_so(void **state)
{
    static const struct msim_mock_event events[] = {
        {.kind = MSIM_MOCK_GAP, .at = 5, .size = 0.1, .symbol = "AAPL"},
    };
    double matrix[64] = {0};
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;

    (void)state;
    for (size_t i = 0; i < 64; i += 9)
        matrix[i] = 1;
    params.scenario = events;
    params.scenario_count = 1;
    params.correlation = matrix;
    FAIL_EACH_ALLOCATION(attempt, &params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mock_market_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
