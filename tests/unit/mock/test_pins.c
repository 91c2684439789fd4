#include "check.h"

#include <marketsim/mock.h>

#include "base/random.h"

/*
 * Hashes of records, byte by byte as a little-endian machine holds them: the same for every
 * compiler and level of optimisation.  A change here is a change of what every seed means, for the
 * CHANGELOG.
 */
#define RECORDS 20000

static uint64_t hash_of(const struct msim_mock_params *params)
{
    static struct msim_record records[100];
    struct msim_source source;
    struct msim_detail detail;
    uint64_t hash = MSIM_FNV_START;
    size_t given = 0;

    if (msim_source_mock(&source, params, &detail) < 0)
        fail_msg("%s", detail.text);
    while (given < RECORDS) {
        size_t count = 0;
        assert_int_equal(msim_source_pull(&source, records, 100, &count, &detail),
                         MSIM_PULL_RECORD);
        hash = msim_fnv_more(hash, records, count * sizeof *records);
        given += count;
    }
    msim_source_release(&source);
    return hash;
}

static struct msim_mock_params usual(enum msim_mock_kind kind)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;

    params.seed = 1;
    params.start = INT64_C(1700000000000000000);
    params.lead = 364 * MSIM_NS_PER_US;
    msim_mock_model_init(&params.model, kind);
    return params;
}

static void expect(const char *what, uint64_t hash, uint64_t expected)
{
    if (hash != expected)
        fail_msg("%s: 0x%016llx, not 0x%016llx", what, (unsigned long long)hash,
                 (unsigned long long)expected);
}

static void each_model_gives_its_pinned_records(void **state)
{
    static const uint64_t expected[] = {
        [MSIM_MOCK_GBM] = UINT64_C(0x869fe7f3e26d499f),
        [MSIM_MOCK_WALK] = UINT64_C(0x945e515ba5166352),
        [MSIM_MOCK_TREND] = UINT64_C(0x581793883cc5b777),
        [MSIM_MOCK_OU] = UINT64_C(0x7b47fc9ef27267a7),
        [MSIM_MOCK_JUMP] = UINT64_C(0x0489af1061a3ed6b),
        [MSIM_MOCK_GARCH] = UINT64_C(0xebff95caf1bfa078),
    };

    (void)state;
    for (int kind = MSIM_MOCK_GBM; kind < MSIM_MOCK_USER; kind++) {
        struct msim_mock_params params = usual((enum msim_mock_kind)kind);
        expect(msim_mock_model_name((uint32_t)kind), hash_of(&params), expected[kind]);
    }
}

static void arrivals_give_their_pinned_records(void **state)
{
    struct msim_mock_params params = usual(MSIM_MOCK_GBM);

    (void)state;
    params.arrivals = MSIM_MOCK_POISSON;
    expect("poisson", hash_of(&params), UINT64_C(0xf823caca33357087));
    params.arrivals = MSIM_MOCK_HAWKES;
    expect("hawkes", hash_of(&params), UINT64_C(0x5f4d72ca1c6e2087));
}

static void a_whole_market_gives_its_pinned_records(void **state)
{
    static const struct msim_mock_event script[] = {
        {.kind = MSIM_MOCK_GAP, .at = 600 * MSIM_NS_PER_S, .size = -0.05},
        {.kind = MSIM_MOCK_HALT,
         .at = 700 * MSIM_NS_PER_S,
         .length = 99 * MSIM_NS_PER_S,
         .symbol = "TSLA"},
        {.kind = MSIM_MOCK_CRASH,
         .at = 900 * MSIM_NS_PER_S,
         .length = 300 * MSIM_NS_PER_S,
         .size = -0.1},
    };
    struct msim_mock_params params = usual(MSIM_MOCK_GARCH);

    (void)state;
    params.start += 16 * 3600 * MSIM_NS_PER_S; /* Wednesday, 14:13:20 */
    params.arrivals = MSIM_MOCK_HAWKES;
    params.market = 0.5;
    params.season = 3;
    params.calendar.enabled = true;
    params.calendar.overnight = 3600 * MSIM_NS_PER_S;
    params.bars = MSIM_MOCK_BARS_SECOND | MSIM_MOCK_BARS_MINUTE;
    params.scenario = script;
    params.scenario_count = COUNT(script);
    params.trades = 0.5;
    expect("whole market", hash_of(&params), UINT64_C(0x71399f8cacc0e379));
}

static void a_matrix_gives_its_pinned_records(void **state)
{
    static const double matrix[] = {1, 0.8, -0.3, 0.8, 1, 0.2, -0.3, 0.2, 1};
    struct msim_mock_params params = usual(MSIM_MOCK_JUMP);

    (void)state;
    params.symbols = msim_mock_default_symbols(NULL);
    params.symbol_count = 3;
    params.correlation = matrix;
    params.arrivals = MSIM_MOCK_POISSON;
    expect("matrix", hash_of(&params), UINT64_C(0xa52af4526a058433));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_model_gives_its_pinned_records),
        cmocka_unit_test(arrivals_give_their_pinned_records),
        cmocka_unit_test(a_whole_market_gives_its_pinned_records),
        cmocka_unit_test(a_matrix_gives_its_pinned_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
