/*
 * The same again: from the seed, from the log, from a snapshot.
 */
#include <stdlib.h>

#include "unit/venue/bench.h"

/* ---- random traffic ---- */

struct traffic {
    uint64_t state;
    uint64_t named;
    uint64_t orders[64]; /* some that were accepted */
    uint32_t owners[64];
    size_t count;
};

static uint64_t roll(struct traffic *traffic, uint64_t below)
{
    traffic->state = traffic->state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (traffic->state >> 33) % below;
}

static void act(struct bench *bench, struct traffic *traffic, msim_time now)
{
    /* One after the other: compilers draw arguments in orders of their own. */
    const uint32_t account = roll(traffic, 2) ? bench->alice : bench->bob;
    const uint8_t side = roll(traffic, 2) ? MSIM_SIDE_BUY : MSIM_SIDE_SELL;
    const msim_price price = 9900 + (msim_price)roll(traffic, 200);
    const msim_qty quantity = 1 + (msim_qty)roll(traffic, 50);
    struct msim_venue_order order = bench_order(account, side, price, quantity, now);
    char name[24];
    const size_t at = (size_t)roll(traffic, 64);

    order.tag = roll(traffic, 1000);
    switch (roll(traffic, 6)) {
    case 0:
        order.command.kind = MSIM_COMMAND_CANCEL;
        order.command.order = traffic->orders[at];
        order.command.account = traffic->owners[at] ? traffic->owners[at] : bench->bob;
        break;
    case 1:
        order.command.type = MSIM_ORDER_STOP_LIMIT;
        order.command.stop_price = order.command.price;
        break;
    case 2:
        order.command.time_in_force = MSIM_TIF_GTD;
        order.command.expires_at = now + (msim_time)roll(traffic, 10) * SECOND;
        break;
    default:
        snprintf(name, sizeof name, "bot-%d",
                 (int)(roll(traffic, 5) ? ++traffic->named : roll(traffic, traffic->named + 1)));
        order.client_id = name;
        order.client_id_length = strlen(name);
        break;
    }
    assert_in_range(msim_venue_submit(bench->venue, &order), 0, 1);
}

static uint64_t listen(struct bench *bench, struct traffic *traffic, msim_time now, uint64_t sum)
{
    struct msim_venue_output out;
    struct msim_detail detail;
    int r;

    while ((r = msim_venue_pull(bench->venue, now, &out, &detail)) == MSIM_PULL_RECORD) {
        sum = (sum ^ (uint64_t)out.time ^ (uint64_t)out.kind << 50 ^ out.tag) *
              UINT64_C(0x9E3779B97F4A7C15);
        if (out.kind != MSIM_VENUE_EVENT)
            continue;
        sum = (sum ^ out.event->sequence ^ out.event->order) * UINT64_C(0x9E3779B97F4A7C15);
        if (out.event->kind == MSIM_EVENT_ACCEPTED) {
            const size_t at = traffic->count++ % 64;
            traffic->orders[at] = out.event->order;
            traffic->owners[at] = out.account;
        }
    }
    if (r < 0)
        fail_msg("%s", detail.text);
    return sum;
}

static uint64_t trade(struct bench *bench, struct traffic *traffic, int from, int to, uint64_t sum)
{
    for (int i = from; i < to; i++) {
        const msim_time now = i * SECOND / 7;
        act(bench, traffic, now);
        sum = listen(bench, traffic, now, sum);
    }
    return sum;
}

static void begin(struct bench *bench, const struct msim_venue_params *params)
{
    struct msim_venue_liquidity quotes = MSIM_VENUE_LIQUIDITY_INIT;

    bench_open(bench, params);
    quotes.price = 10000;
    quotes.quantity = 50;
    assert_int_equal(msim_venue_liquidity_set(bench->venue, bench->instrument, &quotes, NULL), 0);
}

/* ---- from the seed ---- */

static void the_same_seed_and_commands_are_the_same_run(void **state)
{
    uint64_t sums[3];
    uint64_t digests[3];
    (void)state;

    for (uint64_t i = 0; i < 3; i++) {
        struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
        struct traffic traffic = {.state = 5};
        struct bench bench;
        params.seed = i == 2 ? 8 : 7;
        begin(&bench, &params);
        sums[i] = trade(&bench, &traffic, 1, 2000, 0);
        digests[i] = msim_venue_digest(bench.venue);
        bench_close(&bench);
    }
    assert_int_equal(sums[0], sums[1]);
    assert_int_equal(digests[0], digests[1]);
    assert_int_not_equal(digests[0], digests[2]);
    /* On every machine, with every compiler. */
    assert_int_equal(sums[0], UINT64_C(0x59bbefae08ad48d7));
    assert_int_equal(digests[0], UINT64_C(0xb8ac01fe34b87d07));
}

/* ---- from the log ---- */

static void the_log_alone_makes_the_engine_again(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_engine_params engine_params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_view view;
    struct msim_journal journal = {0};
    struct msim_journal_info info;
    struct traffic traffic = {.state = 5};
    struct msim_engine *engine = NULL;
    struct msim_detail detail = {{0}};
    struct bench bench;
    uint64_t last = 0;
    (void)state;

    assert_int_equal(msim_journal_memory(&journal, NULL), 0);
    params.journal = &journal;
    begin(&bench, &params);
    trade(&bench, &traffic, 1, 1000, 0);

    assert_int_equal(msim_engine_create(&engine, &engine_params, NULL), 0);
    assert_int_equal(msim_engine_asset_add(engine, "USD", -5, &bench.usd, NULL), 0);
    assert_int_equal(msim_engine_asset_add(engine, "BTC", -5, &bench.btc, NULL), 0);
    msim_engine_instrument(msim_venue_engine(bench.venue), bench.instrument, &view);
    assert_int_equal(msim_engine_instrument_add(engine, &view.params, &bench.instrument, NULL), 0);
    if (msim_venue_replay(engine, &journal, 1, &last, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(msim_engine_digest(engine),
                     msim_engine_digest(msim_venue_engine(bench.venue)));
    msim_journal_info(&journal, &info);
    assert_int_equal(last, info.last);
    msim_engine_destroy(&engine);
    bench_close(&bench);
    msim_journal_release(&journal);
}

static void a_venue_with_a_journal_runs_as_one_without(void **state)
{
    uint64_t sums[2];
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
        struct msim_journal journal = {0};
        struct traffic traffic = {.state = 9};
        struct bench bench;
        assert_int_equal(msim_journal_memory(&journal, NULL), 0);
        params.journal = i ? &journal : NULL;
        begin(&bench, &params);
        sums[i] = trade(&bench, &traffic, 1, 500, 0);
        bench_close(&bench);
        msim_journal_release(&journal);
    }
    assert_int_equal(sums[0], sums[1]);
}

static void a_full_journal_refuses_the_command_whole(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_journal_memory_params memory = MSIM_JOURNAL_MEMORY_PARAMS_INIT;
    struct msim_journal journal = {0};
    struct msim_journal_info info;
    struct bench bench;
    (void)state;

    memory.max_bytes = 4096;
    assert_int_equal(msim_journal_memory(&journal, &memory), 0);
    params.journal = &journal;
    bench_open(&bench, &params);
    int r = 0;
    while (r == 0)
        r = bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    assert_int_equal(r, MSIM_ERR_LIMIT);
    bench_drain(&bench);
    const uint64_t digest = msim_venue_digest(bench.venue);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND),
                     MSIM_ERR_LIMIT);
    assert_int_equal(msim_venue_digest(bench.venue), digest);
    msim_journal_info(&journal, &info);
    assert_int_equal(msim_journal_trim(&journal, info.last), 0);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND), 0);
    bench_close(&bench);
    msim_journal_release(&journal);
}

static void a_writer_that_was_fenced_off_stops(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_journal journal = {0};
    struct bench first;
    struct bench second;
    (void)state;

    assert_int_equal(msim_journal_memory(&journal, NULL), 0);
    params.journal = &journal;
    bench_open(&first, &params);
    params.epoch = 2;
    bench_open(&second, &params);
    assert_int_equal(bench_place(&first, first.alice, MSIM_SIDE_BUY, 9000, 1, SECOND),
                     MSIM_ERR_STATE);
    assert_int_equal(bench_place(&second, second.alice, MSIM_SIDE_BUY, 9000, 1, SECOND), 0);
    bench_close(&first);
    bench_close(&second);
    msim_journal_release(&journal);
}

/* ---- from a snapshot ---- */

static unsigned char *take(const struct msim_venue *venue, size_t *length)
{
    *length = 0;
    assert_int_equal(msim_venue_snapshot(venue, NULL, 0, length), MSIM_ERR_LIMIT);
    unsigned char *bytes = malloc(*length);
    assert_non_null(bytes);
    assert_int_equal(msim_venue_snapshot(venue, bytes, *length, length), 0);
    return bytes;
}

static void a_restored_venue_goes_on_as_the_first_one(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct traffic traffic = {.state = 5};
    struct msim_detail detail = {{0}};
    struct bench bench;
    size_t length;
    (void)state;

    params.finished_orders = 100;
    params.fills = 50;
    params.trades = 40;
    params.candles = 10;
    begin(&bench, &params);
    trade(&bench, &traffic, 1, 1500, 0);
    unsigned char *bytes = take(bench.venue, &length);
    struct traffic again = traffic;
    struct bench other = bench;
    if (msim_venue_restore(&other.venue, &params, bytes, length, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(msim_venue_digest(other.venue), msim_venue_digest(bench.venue));
    const uint64_t first = trade(&bench, &traffic, 1500, 3000, 0);
    const uint64_t second = trade(&other, &again, 1500, 3000, 0);
    assert_int_equal(first, second);
    assert_int_equal(msim_venue_digest(other.venue), msim_venue_digest(bench.venue));
    free(bytes);
    bench_close(&bench);
    bench_close(&other);
}

static void a_snapshot_wants_nothing_to_wait(void **state)
{
    struct bench bench;
    size_t length = 0;
    (void)state;

    bench_open(&bench, NULL);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    assert_int_equal(msim_venue_snapshot(bench.venue, NULL, 0, &length), MSIM_ERR_STATE);
    bench_drain(&bench);
    assert_int_equal(msim_venue_snapshot(bench.venue, NULL, 0, &length), MSIM_ERR_LIMIT);
    bench_close(&bench);
}

static void a_damaged_snapshot_is_refused(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct traffic traffic = {.state = 5};
    struct msim_detail detail = {{0}};
    struct msim_venue *venue = NULL;
    struct bench bench;
    size_t length;
    (void)state;

    begin(&bench, NULL);
    trade(&bench, &traffic, 1, 50, 0);
    unsigned char *bytes = take(bench.venue, &length);
    for (size_t i = 0; i < length; i += 97) {
        bytes[i] ^= 4;
        assert_true(msim_venue_restore(&venue, &params, bytes, length, &detail) < 0);
        bytes[i] ^= 4;
        assert_true(msim_venue_restore(&venue, &params, bytes, i, &detail) < 0);
    }
    assert_null(venue);
    free(bytes);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_and_commands_are_the_same_run),
        cmocka_unit_test(the_log_alone_makes_the_engine_again),
        cmocka_unit_test(a_venue_with_a_journal_runs_as_one_without),
        cmocka_unit_test(a_full_journal_refuses_the_command_whole),
        cmocka_unit_test(a_writer_that_was_fenced_off_stops),
        cmocka_unit_test(a_restored_venue_goes_on_as_the_first_one),
        cmocka_unit_test(a_snapshot_wants_nothing_to_wait),
        cmocka_unit_test(a_damaged_snapshot_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
