/*
 * Fills against history: by touch, through, and by the place in the queue.
 */
#include "unit/venue/bench.h"

#define MOST 64

/* A record at a time, and before each so many pulls that find nothing and say no time. */
#define BLANKS 7

struct rare {
    struct msim_source source;
    unsigned blanks;
    uint64_t *pulls;
};

struct past {
    struct bench bench;
    struct msim_record records[MOST];
    size_t count;
    struct rare rare;
    uint64_t pulls; /* of it */
    uint32_t looks; /* 0: all are there at once */
};

static const char *const symbols[] = {"BTC/USD", "OTHER"};

static int set_up(void **state)
{
    static struct past past;

    memset(&past, 0, sizeof past);
    bench_open(&past.bench, NULL);
    *state = &past;
    return 0;
}

static int tear_down(void **state)
{
    struct past *past = *state;

    bench_close(&past->bench);
    return 0;
}

static void quote(struct past *past, int second, msim_price bid, msim_qty bid_quantity,
                  msim_price ask, msim_qty ask_quantity)
{
    past->records[past->count] = (struct msim_record){
        .time = second * SECOND,
        .sequence = past->count,
        .kind = MSIM_RECORD_QUOTE,
        .price_exponent = -2,
        .quantity_exponent = -3,
        .as.quote = {.bid = bid,
                     .ask = ask,
                     .bid_quantity = bid_quantity,
                     .ask_quantity = ask_quantity},
    };
    past->count++;
}

static void trade(struct past *past, int second, uint8_t side, msim_price price, msim_qty quantity)
{
    past->records[past->count] = (struct msim_record){
        .time = second * SECOND,
        .sequence = past->count,
        .kind = MSIM_RECORD_TRADE,
        .price_exponent = -2,
        .quantity_exponent = -3,
        .as.trade = {.price = price, .quantity = quantity, .side = side},
    };
    past->count++;
}

static int rare_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                     struct msim_detail *detail)
{
    struct rare *rare = self;

    (void)capacity;
    ++*rare->pulls;
    if (rare->blanks++ < BLANKS)
        return MSIM_PULL_EMPTY;
    rare->blanks = 0;
    return msim_source_pull(&rare->source, records, 1, count, detail);
}

static msim_time rare_next_due(void *self)
{
    (void)self;
    return INT64_MIN;
}

static const char *rare_symbol(void *self, uint32_t symbol, size_t *length)
{
    struct rare *rare = self;

    return msim_source_symbol(&rare->source, symbol, length);
}

static void rare_release(void *self)
{
    struct rare *rare = self;

    msim_source_release(&rare->source);
}

static const struct msim_source_ops rare_ops = {
    .pull = rare_pull, .next_due = rare_next_due, .symbol = rare_symbol, .release = rare_release};

static void begin(struct past *past, uint8_t fills)
{
    struct msim_source_array_params array = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_venue_history params = MSIM_VENUE_HISTORY_INIT;
    struct msim_source source = {0};
    struct msim_detail detail;

    array.records = past->records;
    array.count = past->count;
    array.symbols = symbols;
    array.symbol_count = 2;
    assert_int_equal(msim_source_array(&source, &array, &detail), 0);
    params.fills = fills;
    params.looks = past->looks;
    if (past->looks > 0) {
        past->rare = (struct rare){.source = source, .pulls = &past->pulls};
        source = (struct msim_source){&rare_ops, &past->rare};
    }
    assert_int_equal(msim_venue_history_set(past->bench.venue, &source, &params, &detail), 0);
    assert_null(source.ops);
}

/* What alice hears up to `second`, her order placed at 1 s. */
static const char *buy_and_wait(struct past *past, uint8_t fills, msim_price price,
                                msim_qty quantity)
{
    struct bench *bench = &past->bench;
    struct msim_detail detail = {{0}};

    begin(past, fills);
    bench_told(bench, SECOND);
    bench_place(bench, bench->alice, MSIM_SIDE_BUY, price, quantity, SECOND);
    bench_told(bench, 100 * SECOND);
    if (msim_engine_audit(msim_venue_engine(bench->venue), &detail) < 0)
        fail_msg("%s", detail.text);
    return bench->told;
}

static void a_touch_fills_as_much_as_traded(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 50);
    trade(past, 2, MSIM_SIDE_SELL, 10000, 3);
    trade(past, 3, MSIM_SIDE_SELL, 10000, 30);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_TOUCH, 10000, 10),
                        "alice ACCEPTED, alice FILL 3@10000, alice FILL 7@10000");
}

static void a_taker_of_the_other_side_touches_nobody(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 50);
    trade(past, 2, MSIM_SIDE_BUY, 10010, 3);
    trade(past, 3, MSIM_SIDE_BUY, 10000, 3);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_TOUCH, 10000, 10), "alice ACCEPTED");
}

static void a_trade_at_the_price_does_not_go_through_it(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 50);
    trade(past, 2, MSIM_SIDE_SELL, 10000, 30);
    trade(past, 3, MSIM_SIDE_SELL, 9999, 1);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_THROUGH, 10000, 10),
                        "alice ACCEPTED, alice FILL 10@10000");
}

static void through_waits_for_a_quote_beyond_too(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 50);
    quote(past, 2, 9990, 50, 10000, 50);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_THROUGH, 10000, 10), "alice ACCEPTED");
}

static void a_queue_is_waited_for(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 5, 10010, 50);
    trade(past, 2, MSIM_SIDE_SELL, 10000, 3);
    quote(past, 2, 10000, 2, 10010, 50);
    trade(past, 3, MSIM_SIDE_SELL, 10000, 4);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_QUEUE, 10000, 10),
                        "alice ACCEPTED, alice FILL 2@10000");
}

static void what_joins_the_queue_stands_behind(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 5, 10010, 50);
    quote(past, 2, 10000, 500, 10010, 50);
    trade(past, 3, MSIM_SIDE_SELL, 10000, 6);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_QUEUE, 10000, 10),
                        "alice ACCEPTED, alice FILL 1@10000");
}

static void what_leaves_the_queue_leaves_a_shorter_one(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 50);
    quote(past, 2, 10000, 1, 10010, 50);
    trade(past, 3, MSIM_SIDE_SELL, 10000, 6);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_QUEUE, 10000, 10),
                        "alice ACCEPTED, alice FILL 5@10000");
}

static void a_trade_beyond_fills_whole_in_every_way(void **state)
{
    (void)state;
    for (uint8_t fills = 0; fills <= MSIM_VENUE_FILL_QUEUE; fills++) {
        static struct past past;
        memset(&past, 0, sizeof past);
        bench_open(&past.bench, NULL);
        quote(&past, 1, 10000, 50, 10010, 50);
        trade(&past, 2, MSIM_SIDE_SELL, 9990, 1);
        assert_string_equal(buy_and_wait(&past, fills, 10000, 10),
                            "alice ACCEPTED, alice FILL 10@10000");
        bench_close(&past.bench);
    }
}

static void a_market_order_takes_historys_best_prices(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 4);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_TOUCH, 10010, 10),
                        "alice ACCEPTED, alice FILL 4@10010");
}

static void what_was_taken_comes_back_with_the_next_quote(void **state)
{
    struct past *past = *state;

    quote(past, 1, 10000, 50, 10010, 4);
    quote(past, 2, 10000, 50, 10010, 4);
    assert_string_equal(buy_and_wait(past, MSIM_VENUE_FILL_TOUCH, 10010, 10),
                        "alice ACCEPTED, alice FILL 4@10010, alice FILL 4@10010");
}

static void trades_alone_make_a_book_around_them(void **state)
{
    struct past *past = *state;
    struct msim_venue_ticker ticker;

    trade(past, 1, MSIM_SIDE_SELL, 10000, 4);
    trade(past, 2, MSIM_SIDE_NONE, 10002, 5);
    begin(past, MSIM_VENUE_FILL_TOUCH);
    bench_told(&past->bench, SECOND);
    msim_venue_ticker(past->bench.venue, past->bench.instrument, &ticker);
    assert_int_equal(ticker.bid, 10000);
    assert_int_equal(ticker.ask, 10001);
    assert_int_equal(ticker.bid_quantity, 4);
    bench_told(&past->bench, 2 * SECOND);
    msim_venue_ticker(past->bench.venue, past->bench.instrument, &ticker);
    assert_int_equal(ticker.bid, 10001);
    assert_int_equal(ticker.ask, 10002);
    assert_int_equal(ticker.volume, 9);
    assert_int_equal(ticker.trade_count, 2);
}

static void a_stop_hears_of_historys_trades(void **state)
{
    struct past *past = *state;
    struct bench *bench = &past->bench;
    struct msim_venue_order order;

    quote(past, 1, 10000, 50, 10010, 50);
    trade(past, 2, MSIM_SIDE_BUY, 10010, 1);
    quote(past, 3, 10020, 50, 10030, 50);
    trade(past, 4, MSIM_SIDE_BUY, 10030, 1);
    begin(past, MSIM_VENUE_FILL_TOUCH);
    bench_told(bench, SECOND);
    order = bench_order(bench->alice, MSIM_SIDE_BUY, 0, 2, SECOND);
    order.command.type = MSIM_ORDER_STOP;
    order.command.stop_price = 10025;
    assert_int_equal(msim_venue_submit(bench->venue, &order), 0);
    assert_string_equal(bench_told(bench, 3 * SECOND), "alice ACCEPTED");
    bench_told(bench, 5 * SECOND);
    assert_non_null(strstr(bench->told, "alice TRIGGERED"));
}

static void records_come_out_in_the_order_of_time_and_then_the_end(void **state)
{
    struct past *past = *state;
    struct msim_venue_output out;
    msim_time last = 0;
    size_t trades = 0;
    int r;

    for (int i = 1; i < 20; i++) {
        quote(past, i, 10000 + i, 50, 10010 + i, 50);
        trade(past, i, MSIM_SIDE_SELL, 10000 + i, 3);
    }
    begin(past, MSIM_VENUE_FILL_TOUCH);
    while ((r = msim_venue_pull(past->bench.venue, MSIM_TIME_NEVER, &out, NULL)) ==
           MSIM_PULL_RECORD) {
        assert_true(out.time >= last);
        last = out.time;
        trades += out.kind == MSIM_VENUE_RECORD && out.record->kind == MSIM_RECORD_TRADE;
    }
    assert_int_equal(r, MSIM_PULL_END);
    assert_int_equal(trades, 19);
}

static void what_fits_no_instrument_is_passed_over_and_counted(void **state)
{
    struct past *past = *state;
    struct msim_venue_statistics statistics;

    trade(past, 1, MSIM_SIDE_SELL, 10000, 3);
    past->records[0].symbol = 1;
    trade(past, 2, MSIM_SIDE_SELL, 10001, 3);
    past->records[1].price_exponent = -3;
    trade(past, 3, MSIM_SIDE_SELL, -5, 3);
    quote(past, 4, 10010, 5, 10000, 5);
    begin(past, MSIM_VENUE_FILL_TOUCH);
    bench_told(&past->bench, 9 * SECOND);
    msim_venue_statistics(past->bench.venue, &statistics);
    assert_int_equal(statistics.records, 4);
    assert_int_equal(statistics.unknown_symbols, 1);
    assert_int_equal(statistics.off_grid, 3);
}

/* A file may say anything: it is as far as numbers go, and nothing runs over. */
static void trades_as_large_as_numbers_go_do_no_harm(void **state)
{
    struct past *past = *state;
    struct msim_instrument_params whole = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_venue_ticker ticker;
    struct msim_detail detail;
    uint32_t id;

    whole.symbol = symbols[1];
    whole.base_asset = past->bench.btc;
    whole.quote_asset = past->bench.usd;
    assert_int_equal(msim_venue_instrument_add(past->bench.venue, &whole, &id, NULL), MSIM_OK);
    trade(past, 1, MSIM_SIDE_BUY, INT64_MAX, 3);
    trade(past, 2, MSIM_SIDE_SELL, INT64_MAX, INT64_MAX);
    trade(past, 3, MSIM_SIDE_SELL, 1, INT64_MAX);
    trade(past, 4, MSIM_SIDE_BUY, 10000, 3);
    trade(past, 5, MSIM_SIDE_BUY, INT64_MAX, INT64_MAX);
    past->records[4].symbol = 1;
    past->records[4].price_exponent = past->records[4].quantity_exponent = 0;
    begin(past, MSIM_VENUE_FILL_TOUCH);
    bench_told(&past->bench, 9 * SECOND);
    assert_int_equal(msim_venue_ticker(past->bench.venue, 0, &ticker), MSIM_OK);
    assert_int_equal(ticker.last_price, 10000);
    assert_int_equal(ticker.ask, 10000);
    if (msim_engine_audit(msim_venue_engine(past->bench.venue), &detail) < 0)
        fail_msg("%s", detail.text);
}

static void a_failing_source_is_told_once(void **state)
{
    struct past *past = *state;
    struct msim_venue_history params = MSIM_VENUE_HISTORY_INIT;
    struct msim_source none = {0};
    struct msim_detail detail;

    assert_int_equal(msim_venue_history_set(past->bench.venue, &none, &params, &detail),
                     MSIM_ERR_INVALID);
    trade(past, 1, MSIM_SIDE_SELL, 10000, 3);
    begin(past, MSIM_VENUE_FILL_TOUCH);
    struct msim_source_array_params array = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_source second = {0};
    array.records = past->records;
    array.symbols = symbols;
    array.symbol_count = 2;
    assert_int_equal(msim_source_array(&second, &array, NULL), 0);
    assert_int_equal(msim_venue_history_set(past->bench.venue, &second, NULL, &detail),
                     MSIM_ERR_STATE);
    msim_source_release(&second);
}

/* ---- beside a naive model ---- */

struct naive {
    uint64_t order;
    uint8_t side;
    msim_price price;
    msim_qty leaves;
};

struct naive_book {
    struct naive orders[2 * MOST]; /* oldest first; two for each record at most */
    size_t count;
};

static uint64_t draw(uint64_t *chance, uint64_t below)
{
    *chance = *chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*chance >> 33) % below;
}

/* What the table of docs/venue.md says of a trade, one order at a time. */
static void naive_trade(struct naive_book *book, uint8_t fills, const struct msim_trade_data *trade)
{
    msim_qty left = fills == MSIM_VENUE_FILL_THROUGH ? 0 : trade->quantity;

    for (size_t i = 0; i < book->count; i++) {
        struct naive *order = &book->orders[i];
        const bool buys = order->side == MSIM_SIDE_BUY;
        if (buys ? order->price > trade->price : order->price < trade->price)
            order->leaves = 0;
        if (order->price != trade->price || trade->side == order->side)
            continue;
        const msim_qty part = order->leaves < left ? order->leaves : left;
        order->leaves -= part;
        left -= part;
    }
}

/* Up to `until`: new orders get their numbers, fills are taken from what is left of each. */
static void follow(struct past *past, struct naive_book *seen, msim_time until)
{
    struct bench *bench = &past->bench;
    struct msim_venue_output out;
    int r = MSIM_PULL_RECORD;

    while (r == MSIM_PULL_RECORD || msim_venue_next_due(bench->venue) <= until) {
        const uint64_t pulls = past->pulls;
        r = msim_venue_pull(bench->venue, until, &out, NULL);
        if (r == MSIM_PULL_END)
            return;
        /* It looks so long and no longer, unless it finds something. */
        if (r == MSIM_PULL_EMPTY)
            assert_in_range(past->pulls - pulls, 0, past->looks + BLANKS);
        if (r != MSIM_PULL_RECORD)
            continue;
        if (out.kind != MSIM_VENUE_EVENT || out.account != bench->alice)
            continue;
        assert_int_not_equal(out.event->kind, MSIM_EVENT_REJECTED);
        if (out.event->kind == MSIM_EVENT_ACCEPTED)
            seen->orders[seen->count - 1].order = out.event->order;
        if (out.event->kind != MSIM_EVENT_FILL)
            continue;
        for (size_t i = 0; i < seen->count; i++)
            if (seen->orders[i].order == out.event->order) {
                assert_int_equal(out.event->as.fill.price, seen->orders[i].price);
                seen->orders[i].leaves -= out.event->as.fill.quantity;
            }
    }
}

static size_t agree_on(struct past *past, uint8_t fills, uint64_t seed)
{
    static struct naive_book naive;
    static struct naive_book seen;
    struct bench *bench = &past->bench;
    size_t parts = 0;

    memset(&naive, 0, sizeof naive);
    quote(past, 1, 9000, 50, 11000, 50);
    for (int i = 2; past->count < MOST; i++)
        trade(past, i, (uint8_t)draw(&seed, 3), (msim_price)(9990 + draw(&seed, 21)),
              (msim_qty)(1 + draw(&seed, 12)));
    begin(past, fills);
    seen = naive;
    for (size_t at = 1; at < past->count; at++) {
        const msim_time now = past->records[at].time;
        for (uint64_t more = draw(&seed, 3); more > 0; more--) {
            struct naive made = {0, draw(&seed, 2) ? MSIM_SIDE_BUY : MSIM_SIDE_SELL, 0,
                                 (msim_qty)(1 + draw(&seed, 15))};
            made.price = made.side == MSIM_SIDE_BUY ? (msim_price)(9999 - draw(&seed, 8))
                                                    : (msim_price)(10001 + draw(&seed, 8));
            follow(past, &seen, now - SECOND / 2);
            naive.orders[naive.count++] = made;
            seen.orders[seen.count++] = made;
            bench_place(bench, bench->alice, made.side, made.price, made.leaves, now - SECOND / 2);
            follow(past, &seen, now - SECOND / 2);
        }
        follow(past, &seen, now);
        naive_trade(&naive, fills, &past->records[at].as.trade);
        for (size_t i = 0; i < naive.count; i++) {
            assert_int_equal(seen.orders[i].leaves, naive.orders[i].leaves);
            parts += naive.orders[i].leaves > 0 &&
                     naive.orders[i].price == past->records[at].as.trade.price;
        }
    }
    return parts;
}

static void agree(uint32_t looks)
{
    static struct past past;

    for (uint8_t fills = 0; fills <= MSIM_VENUE_FILL_QUEUE; fills++)
        for (uint64_t seed = 1; seed <= 40; seed++) {
            memset(&past, 0, sizeof past);
            past.looks = looks;
            bench_open(&past.bench, NULL);
            assert_true(agree_on(&past, fills, seed) > 0);
            struct msim_detail detail = {{0}};
            if (msim_engine_audit(msim_venue_engine(past.bench.venue), &detail) < 0)
                fail_msg("%s", detail.text);
            bench_close(&past.bench);
        }
}

static void random_flows_fill_as_a_naive_model_says(void **state)
{
    (void)state;
    agree(0);
}

static void a_source_that_searches_long_is_searched_in_pieces_with_the_same_fills(void **state)
{
    (void)state;
    agree(1);
    agree(3);
    agree(BLANKS + 1);
}

static void what_searches_in_pieces_comes_again_at_once_and_to_the_end(void **state)
{
    struct past *past = *state;
    struct msim_venue_output out;
    int empty = 0;
    int r;

    trade(past, 5, MSIM_SIDE_SELL, 10000, 3);
    past->looks = 2;
    begin(past, MSIM_VENUE_FILL_TOUCH);
    while ((r = msim_venue_pull(past->bench.venue, SECOND, &out, NULL)) == MSIM_PULL_EMPTY &&
           msim_venue_next_due(past->bench.venue) <= SECOND)
        empty++;
    assert_int_equal(r, MSIM_PULL_EMPTY);
    assert_int_equal(empty, BLANKS / 2);
    assert_int_equal(msim_venue_next_due(past->bench.venue), 5 * SECOND);
    while ((r = msim_venue_pull(past->bench.venue, 9 * SECOND, &out, NULL)) != MSIM_PULL_END)
        assert_true(r == MSIM_PULL_RECORD || msim_venue_next_due(past->bench.venue) <= 9 * SECOND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_touch_fills_as_much_as_traded),
        TEST(a_taker_of_the_other_side_touches_nobody),
        TEST(a_trade_at_the_price_does_not_go_through_it),
        TEST(through_waits_for_a_quote_beyond_too),
        TEST(a_queue_is_waited_for),
        TEST(what_joins_the_queue_stands_behind),
        TEST(what_leaves_the_queue_leaves_a_shorter_one),
        cmocka_unit_test(a_trade_beyond_fills_whole_in_every_way),
        cmocka_unit_test(random_flows_fill_as_a_naive_model_says),
        cmocka_unit_test(a_source_that_searches_long_is_searched_in_pieces_with_the_same_fills),
        TEST(what_searches_in_pieces_comes_again_at_once_and_to_the_end),
        TEST(a_market_order_takes_historys_best_prices),
        TEST(what_was_taken_comes_back_with_the_next_quote),
        TEST(trades_alone_make_a_book_around_them),
        TEST(a_stop_hears_of_historys_trades),
        TEST(records_come_out_in_the_order_of_time_and_then_the_end),
        TEST(what_fits_no_instrument_is_passed_over_and_counted),
        TEST(trades_as_large_as_numbers_go_do_no_harm),
        TEST(a_failing_source_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
