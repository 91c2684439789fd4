/*
 * Random trading under every preset of the failure layer: what is true stays true.
 */
#include "unit/venue/bench.h"

#define CLIENTS 20
#define STEPS 1200
#define STEP (SECOND / 20) /* 60 seconds in all */

struct market {
    struct bench bench;
    uint32_t accounts[CLIENTS];
    uint64_t fills[CLIENTS]; /* told, real or not */
    uint64_t random;
    uint64_t named;
    bool needs_bytes;
};

static uint64_t roll(struct market *market, uint64_t below)
{
    market->random = market->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (market->random >> 33) % below;
}

static void open_market(struct market *market, const char *preset)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_venue_liquidity quotes = MSIM_VENUE_LIQUIDITY_INIT;
    char name[8];

    memset(market, 0, sizeof *market);
    market->random = 11;
    params.faults = preset ? &faults : NULL;
    bench_open(&market->bench, &params);
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        market->accounts[i] = bench_account(&market->bench, name);
    }
    quotes.price = 10000;
    quotes.levels = 4;
    quotes.quantity = 40;
    assert_int_equal(
        msim_venue_liquidity_set(market->bench.venue, market->bench.instrument, &quotes, NULL), 0);
}

/* Orders depend on nothing that was told. */
static void act(struct market *market, msim_time now)
{
    const size_t who = (size_t)roll(market, CLIENTS);
    const uint8_t side = roll(market, 2) ? MSIM_SIDE_BUY : MSIM_SIDE_SELL;
    const msim_price price = 9970 + (msim_price)roll(market, 60);
    const msim_qty quantity = 1 + (msim_qty)roll(market, 9);
    struct msim_venue_order order = bench_order(market->accounts[who], side, price, quantity, now);
    char name[24];

    if (roll(market, 4) == 0) {
        order.command.kind = MSIM_COMMAND_CANCEL;
        snprintf(name, sizeof name, "%d", (int)roll(market, market->named + 1));
    } else {
        snprintf(name, sizeof name, "%d", (int)++market->named);
    }
    order.client_id = name;
    order.client_id_length = strlen(name);
    const int r = msim_venue_submit(market->bench.venue, &order);
    if (r == MSIM_ERR_CLOSED)
        assert_int_equal(msim_venue_reconnect(market->bench.venue, order.command.account), 0);
    else if (r == MSIM_ERR_UNSUPPORTED)
        market->needs_bytes = true;
    else
        assert_in_range(r, 0, 1);
}

static void listen(struct market *market, msim_time now)
{
    struct msim_venue_output out;
    struct msim_detail detail = {{0}};
    int r;

    while ((r = msim_venue_pull(market->bench.venue, now, &out, &detail)) == MSIM_PULL_RECORD) {
        if (out.kind == MSIM_VENUE_CUT && out.account == MSIM_VENUE_PUBLIC)
            assert_int_equal(msim_venue_reconnect(market->bench.venue, MSIM_VENUE_PUBLIC), 0);
        if (out.kind != MSIM_VENUE_EVENT || out.event->kind != MSIM_EVENT_FILL)
            continue;
        for (int i = 0; i < CLIENTS; i++)
            market->fills[i] += out.account == market->accounts[i];
    }
    if (r == MSIM_ERR_UNSUPPORTED)
        market->needs_bytes = true;
    else if (r < 0)
        fail_msg("%s", detail.text);
}

/* Every asset: what accounts have, and the house's fees, is what was paid in. */
static void check_conservation(const struct market *market)
{
    const struct msim_engine *engine = msim_venue_engine(market->bench.venue);

    for (uint32_t asset = 0; asset < 2; asset++) {
        struct msim_asset_view view;
        int64_t sum = 0;
        assert_int_equal(msim_engine_asset(engine, asset, &view), 0);
        for (uint32_t i = 0; i < msim_venue_account_count(market->bench.venue); i++) {
            int64_t free = 0;
            int64_t held = 0;
            if (msim_engine_balance(engine, i, asset, &free, &held) == 0)
                sum += free + held;
        }
        assert_int_equal(sum + view.fees, view.total);
    }
}

static void check_ledger(struct market *market)
{
    struct msim_faults *faults = msim_venue_faults(market->bench.venue);

    for (int i = 0; i < CLIENTS; i++) {
        struct msim_fault_ledger ledger;
        const char *name = msim_venue_account_name(market->bench.venue, market->accounts[i]);
        if (msim_faults_ledger(faults, name, &ledger) < 0)
            continue;
        assert_int_equal(ledger.told_once + ledger.told_twice + ledger.never_told, ledger.fills);
        assert_true(ledger.told_once + 2 * ledger.told_twice <= market->fills[i]);
        if (ledger.told_twice == 0)
            assert_int_equal(ledger.told_once + ledger.phantom, market->fills[i]);
    }
}

static uint64_t run(const char *preset)
{
    struct market market;
    struct msim_detail detail = {{0}};

    open_market(&market, preset);
    if (preset) {
        const int r =
            msim_faults_preset(msim_venue_faults(market.bench.venue), 0, preset, NULL, 0, &detail);
        if (r < 0)
            fail_msg("%s: %s", preset, detail.text);
    }
    for (int i = 1; i <= STEPS && !market.needs_bytes; i++) {
        act(&market, i * STEP);
        listen(&market, i * STEP);
        if (i % 100 == 0 && msim_engine_audit(msim_venue_engine(market.bench.venue), &detail) < 0)
            fail_msg("%s: %s", preset, detail.text);
    }
    check_conservation(&market);
    if (preset && !market.needs_bytes)
        check_ledger(&market);
    const uint64_t digest =
        market.needs_bytes ? 0 : msim_engine_digest(msim_venue_engine(market.bench.venue));
    bench_close(&market.bench);
    return digest;
}

/* Whether a preset's strategies touch only what leaves. */
static bool only_tells(const char *json)
{
    static const char *const acts[] = {"\"in\"", "\"both\"", "respond", "venue", "session"};

    for (size_t i = 0; i < COUNT(acts); i++)
        if (strstr(json, acts[i]))
            return false;
    return true;
}

static void every_preset_leaves_the_engine_whole(void **state)
{
    const uint64_t truth = run(NULL);
    int compared = 0;
    (void)state;

    for (size_t i = 0; msim_fault_preset_name(i); i++) {
        const uint64_t digest = run(msim_fault_preset_name(i));
        if (digest == 0 || !only_tells(msim_fault_preset_json(i)))
            continue;
        if (digest != truth)
            fail_msg("%s changed the engine", msim_fault_preset_name(i));
        compared++;
    }
    assert_true(compared > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_leaves_the_engine_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
