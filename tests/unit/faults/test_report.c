/*
 * What the venue says and does beside the engine: on recorded events.
 */
#include "bench.h"

static const char *account_name(void *context, uint32_t account)
{
    static const char *const names[] = {"house", "bot1", "bot2"};

    (void)context;
    return account < COUNT(names) ? names[account] : NULL;
}

static const char *symbol_name(void *context, uint32_t instrument)
{
    (void)context;
    return instrument == 0 ? "BTC/USD" : NULL;
}

static int find_instrument(void *context, const char *symbol, struct msim_fault_instrument *out)
{
    (void)context;
    if (strcmp(symbol, "BTC/USD") != 0)
        return MSIM_ERR_NOT_FOUND;
    *out = (struct msim_fault_instrument){.price_exponent = -2,
                                          .quantity_exponent = -3,
                                          .base_asset = 0,
                                          .quote_asset = 1,
                                          .base_exponent = -8,
                                          .quote_exponent = -5,
                                          .tick = 50};
    return MSIM_OK;
}

static int best_prices(void *context, uint32_t instrument, msim_price *bid, msim_price *ask)
{
    (void)context;
    (void)instrument;
    *bid = 4900;
    *ask = 5100;
    return MSIM_OK;
}

static const struct msim_fault_names names = {
    .account = account_name,
    .symbol = symbol_name,
    .instrument = find_instrument,
    .best = best_prices,
};

struct tap {
    struct bench bench;
    struct msim_fault_said said[256];
    char texts[256][128];
    size_t count;
    uint64_t trades;
};

static void start(struct tap *tap)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;

    memset(tap, 0, sizeof *tap);
    params.seed = 42;
    params.names = &names;
    bench_start_with(&tap->bench, &params);
}

static void a_symbol_that_is_not_traded_selects_nothing_and_is_refused(void **state)
{
    static const struct {
        const char *select;
        const char *words; /* NULL: it is good */
    } cases[] = {
        {"\"symbol\":[\"BTC/USD\",\"B?C*\",\"*\"]", NULL},
        {"\"symbol\":\"BTC/USDT\"", "/select/symbol (line 1, column 47): there is no symbol "
                                    "\"BTC/USDT\" here; the nearest one "
                                    "is \"BTC/USD\""},
        {"\"symbol\":[\"BTC/USD\",\"XRP*\"]",
         "/select/symbol/1 (line 1, column 58): there is no symbol \"XRP*\" here"},
        {"\"not\":{\"symbol\":\"btc/usd\"}", "/select/not/symbol (line 1, column 54): "},
    };
    struct tap tap;
    char json[256];

    (void)state;
    start(&tap);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int length =
            snprintf(json, sizeof json, "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\",%s}}",
                     cases[i].select);
        int r = msim_faults_add(tap.bench.faults, 0, json, (size_t)length, NULL, &tap.bench.detail);
        assert_int_equal(r, cases[i].words ? MSIM_ERR_INVALID : MSIM_OK);
        if (cases[i].words &&
            strncmp(tap.bench.detail.text, cases[i].words, strlen(cases[i].words)) != 0)
            fail_msg("%s", tap.bench.detail.text);
    }
    bench_finish(&tap.bench);
}

static void listen(struct tap *tap, msim_time now)
{
    struct msim_fault_said said;

    while (msim_faults_said(tap->bench.faults, now, &said) == MSIM_PULL_RECORD) {
        assert_true(tap->count < COUNT(tap->said));
        snprintf(tap->texts[tap->count], sizeof tap->texts[0], "%.*s", (int)said.length, said.text);
        tap->said[tap->count++] = said;
    }
}

/* The engine says it; where it passes untouched it is told as it is. */
static void say(struct tap *tap, msim_time now, const struct msim_event *event)
{
    int r = msim_faults_report(tap->bench.faults, now, event);

    assert_true(r >= 0);
    if (r == MSIM_FAULT_PASS)
        msim_faults_told(tap->bench.faults, event, 0);
    listen(tap, now);
}

static void accept_order(struct tap *tap, msim_time now, uint32_t account, uint64_t order,
                         msim_qty quantity)
{
    struct msim_event event = {.time = now,
                               .order = order,
                               .account = account,
                               .kind = MSIM_EVENT_ACCEPTED,
                               .side = MSIM_SIDE_BUY,
                               .status = MSIM_STATUS_OPEN};

    event.as.order.price = 5000;
    event.as.order.quantity = event.as.order.leaves = quantity;
    say(tap, now, &event);
}

static void fill_order(struct tap *tap, msim_time now, uint32_t account, uint64_t order,
                       msim_qty quantity, msim_qty leaves)
{
    struct msim_event event = {.time = now,
                               .order = order,
                               .account = account,
                               .kind = MSIM_EVENT_FILL,
                               .side = MSIM_SIDE_BUY,
                               .status =
                                   leaves ? MSIM_STATUS_PARTIALLY_FILLED : MSIM_STATUS_FILLED};

    event.as.fill.trade = ++tap->trades;
    event.as.fill.price = 5000;
    event.as.fill.quantity = quantity;
    event.as.fill.leaves = leaves;
    event.as.fill.filled = quantity;
    say(tap, now, &event);
}

static struct msim_fault_ledger ledger_of(struct tap *tap, const char *account)
{
    struct msim_fault_ledger ledger;

    assert_int_equal(msim_faults_ledger(tap->bench.faults, account, &ledger), MSIM_OK);
    return ledger;
}

/* ---- phantom fills ---- */

static void a_phantom_is_said_and_leaves_no_trace_in_the_truth(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"phantom_fill\",\"id\":\"ph\",\"select\":{\"type\":\"exec.new\"}}");
    accept_order(&tap, 1, 1, 7, 1000);
    assert_int_equal(tap.count, 1);
    const struct msim_fault_said *said = &tap.said[0];
    assert_int_equal(said->made, MSIM_FAULT_MADE_PHANTOM);
    assert_int_equal(said->type, MSIM_FAULT_EXEC_FILL);
    assert_true(said->exec > MSIM_FAULT_EXEC_RESERVED);
    assert_int_equal(said->event.order, 7);
    assert_int_equal(said->event.as.fill.quantity, 1000);
    assert_int_equal(said->event.as.fill.price, 5000);
    struct msim_fault_ledger ledger = ledger_of(&tap, "bot1");
    assert_int_equal(ledger.fills, 0);
    assert_true(ledger.told_is_true);
    msim_faults_told(tap.bench.faults, &said->event, said->exec);
    ledger = ledger_of(&tap, "bot1");
    assert_int_equal(ledger.phantom, 1);
    assert_int_equal(ledger.fills, 0);
    assert_false(ledger.told_is_true);
    char json[2048];
    size_t length = 0;
    assert_int_equal(msim_faults_ledger_json(tap.bench.faults, "bot1", json, sizeof json, &length),
                     MSIM_OK);
    assert_non_null(strstr(json, "\"BTC/USD\":{\"truth\":\"0\",\"told\":\"1\"}"));
    bench_finish(&tap.bench);
}

static void a_phantom_has_the_price_and_quantity_asked_for(void **state)
{
    static const struct {
        const char *keys;
        msim_price price;
        msim_qty quantity;
    } cases[] = {
        {"\"price\":\"bbo\",\"qty\":{\"frac\":0.25}", 5100, 250},
        {"\"price\":{\"ticks\":-2},\"qty\":\"0.5\"", 4900, 500},
        {"\"price\":\"51.5\",\"qty\":\"leaves\"", 5150, 1000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tap tap;
        char json[256];
        start(&tap);
        snprintf(json, sizeof json,
                 "{\"kind\":\"phantom_fill\",\"select\":{\"type\":\"exec.new\"},%s}",
                 cases[i].keys);
        bench_add(&tap.bench, 0, json);
        accept_order(&tap, 1, 1, 7, 1000);
        assert_int_equal(tap.count, 1);
        assert_int_equal(tap.said[0].event.as.fill.price, cases[i].price);
        assert_int_equal(tap.said[0].event.as.fill.quantity, cases[i].quantity);
        bench_finish(&tap.bench);
    }
}

static void without_an_eligible_order_a_phantom_is_inapplicable(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"phantom_fill\",\"id\":\"ph\",\"target\":\"closed_order\","
              "\"select\":{\"type\":\"exec.new\"}}");
    bench_add(&tap.bench, 0,
              "{\"kind\":\"phantom_fill\",\"id\":\"foreign\",\"target\":\"foreign_order\","
              "\"select\":{\"type\":\"exec.new\"}}");
    accept_order(&tap, 1, 1, 7, 1000);
    assert_int_equal(tap.count, 0);
    assert_int_equal(bench_counts(&tap.bench, "ph").inapplicable, 1);
    accept_order(&tap, 2, 2, 8, 1000);
    assert_int_equal(tap.count, 1); /* bot2 is told of bot1's order */
    assert_int_equal(tap.said[0].event.order, 7);
    assert_int_equal(tap.said[0].event.account, 2);
    bench_finish(&tap.bench);
}

static void a_sticky_phantom_stays_on_its_order_until_the_bust(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"phantom_fill\",\"select\":{\"type\":\"exec.new\"},\"qty\":\"0.1\","
              "\"cum\":\"sticky\",\"bust\":{\"after\":\"30s\",\"how\":\"event\"}}");
    accept_order(&tap, 0, 1, 7, 1000);
    fill_order(&tap, SEC, 1, 7, 200, 800);
    assert_int_equal(tap.count, 2);
    assert_int_equal(tap.said[1].made, MSIM_FAULT_MADE_NATIVE);
    assert_int_equal(tap.said[1].event.as.fill.filled, 300);
    assert_int_equal(tap.said[1].event.as.fill.leaves, 700);
    assert_int_equal(msim_faults_next_due(tap.bench.faults), 30 * SEC);
    listen(&tap, 30 * SEC);
    assert_int_equal(tap.count, 3);
    assert_int_equal(tap.said[2].made, MSIM_FAULT_MADE_BUST);
    assert_int_equal(tap.said[2].exec, tap.said[0].exec);
    fill_order(&tap, 31 * SEC, 1, 7, 800, 0);
    assert_int_equal(tap.count, 3); /* it passed as it was */
    bench_finish(&tap.bench);
}

static void at_a_rate_phantoms_come_by_themselves(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    accept_order(&tap, 0, 1, 7, 1000);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"phantom_fill\",\"rate\":1,\"balance_event\":true,\"max_hits\":50}");
    for (int i = 1; i <= 100; i++)
        listen(&tap, i * SEC);
    assert_int_equal(tap.count, 150); /* a fill and two balances each */
    assert_int_equal(tap.said[1].event.kind, MSIM_EVENT_BALANCE);
    assert_true(tap.said[1].event.as.balance.free == 100000000);    /* 1.000 at -8 */
    assert_true(tap.said[2].event.as.balance.free == -50 * 100000); /* 50.00 at -5 */
    bench_finish(&tap.bench);
}

/* ---- the same fill again, and other words ---- */

static void a_fill_is_told_again_as_its_mode_says(void **state)
{
    static const char *const modes[] = {"exact", "resend", "reid"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct tap tap;
        char json[256];
        start(&tap);
        snprintf(
            json, sizeof json,
            "{\"kind\":\"dup_fill\",\"id\":\"d\",\"mode\":\"%s\",\"after\":\"40m\",\"times\":2}",
            modes[i]);
        bench_add(&tap.bench, 0, json);
        accept_order(&tap, 0, 1, 7, 1000);
        fill_order(&tap, SEC, 1, 7, 1000, 0);
        assert_int_equal(tap.count, 0);
        listen(&tap, 2401 * SEC);
        assert_int_equal(tap.count, 2);
        const struct msim_fault_said *said = &tap.said[0];
        assert_int_equal(said->made, MSIM_FAULT_MADE_COPY);
        assert_int_equal(said->new_sequence, i != 0);
        assert_int_equal(said->possible_duplicate, i == 1);
        assert_int_equal(said->exec == 1, i != 2);
        assert_int_equal(said->event.time, i == 0 ? SEC : 2401 * SEC);
        msim_faults_told(tap.bench.faults, &said->event, said->exec);
        struct msim_fault_ledger ledger = ledger_of(&tap, "bot1");
        assert_int_equal(ledger.told_twice, i != 2);
        assert_int_equal(ledger.phantom, i == 2);
        assert_false(ledger.told_is_true);
        bench_finish(&tap.bench);
    }
}

static void an_injection_has_its_names_filled_in(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"inject\",\"select\":{\"type\":\"exec.fill\"},\"type\":\"sys.notice\","
              "\"template\":"
              "\"{\\\"a\\\":\\\"${account}\\\",\\\"s\\\":\\\"${symbol}\\\",\\\"o\\\":${order_id},"
              "\\\"n\\\":${seq},"
              "\\\"t\\\":\\\"${now}\\\"}\"}");
    accept_order(&tap, 0, 1, 7, 1000);
    fill_order(&tap, SEC, 1, 7, 1000, 0);
    assert_int_equal(tap.count, 1);
    assert_int_equal(tap.said[0].made, MSIM_FAULT_MADE_INJECTED);
    assert_int_equal(tap.said[0].type, MSIM_FAULT_SYS_NOTICE);
    assert_string_equal(tap.texts[0], "{\"a\":\"bot1\",\"s\":\"BTC/USD\",\"o\":7,\"n\":${seq},"
                                      "\"t\":\"1970-01-01T00:00:01.000000Z\"}");
    bench_finish(&tap.bench);
}

/* ---- requests and clocks ---- */

static struct msim_fault_verdict request(struct tap *tap, msim_time now, uint64_t number)
{
    struct msim_fault_message message = {.type = MSIM_FAULT_ORDER_NEW};
    struct msim_fault_verdict verdict;

    assert_int_equal(
        msim_faults_request(tap->bench.faults, now, "bot1", &message, number, &verdict), MSIM_OK);
    return verdict;
}

static void requests_are_answered_otherwise_than_what_happened(void **state)
{
    static const struct {
        const char *what;
        bool execute;
        bool acknowledge;
        bool refuse;
        bool late;
    } cases[] = {
        {"unknown_status", true, false, false, true},
        {"unknown_status_not_executed", false, false, false, true},
        {"reject", false, false, true, false},
        {"late_reject", false, true, false, true},
        {"ack_only", false, true, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tap tap;
        char json[256];
        start(&tap);
        const char *words = ",\"code\":-1007,\"http\":504,\"message\":\"who knows\"";
        snprintf(json, sizeof json, "{\"kind\":\"respond\",\"to\":\"order.*\",\"do\":\"%s\"%s%s}",
                 cases[i].what, cases[i].late || cases[i].refuse ? words : "",
                 cases[i].late ? ",\"after\":\"10s\"" : "");
        bench_add(&tap.bench, 0, json);
        struct msim_fault_verdict verdict = request(&tap, SEC, 77);
        assert_int_equal(verdict.execute, cases[i].execute);
        assert_int_equal(verdict.acknowledge, cases[i].acknowledge);
        assert_int_equal(verdict.refuse, cases[i].refuse);
        if (cases[i].refuse)
            assert_string_equal(verdict.message, "who knows");
        listen(&tap, 11 * SEC - 1);
        assert_int_equal(tap.count, 0);
        listen(&tap, 11 * SEC);
        assert_int_equal(tap.count, cases[i].late);
        if (cases[i].late) {
            assert_int_equal(tap.said[0].request, 77);
            assert_int_equal(tap.said[0].code, -1007);
            assert_string_equal(tap.texts[0], "who knows");
        }
        bench_finish(&tap.bench);
    }
}

static void what_was_fired_once_answers_one_request_with_its_own_words(void **state)
{
    static const char *const answers[] = {
        "{\"id\":\"a\",\"kind\":\"respond\",\"do\":\"reject\",\"code\":\"BUSY\",\"message\":"
        "\"first\"}",
        "{\"id\":\"b\",\"kind\":\"respond\",\"do\":\"reject\",\"code\":\"LATE\",\"message\":"
        "\"other\"}",
    };
    struct tap tap;
    struct msim_fault_counts counts;

    (void)state;
    start(&tap);
    for (size_t i = 0; i < COUNT(answers); i++)
        assert_int_equal(
            msim_faults_fire(tap.bench.faults, 0, answers[i], strlen(answers[i]), NULL), MSIM_OK);
    struct msim_fault_verdict verdict = request(&tap, SEC, 1);
    assert_true(verdict.refuse);
    assert_string_equal(verdict.code_text, "BUSY");
    assert_string_equal(verdict.message, "first");
    assert_int_equal(msim_faults_counts(tap.bench.faults, "a", &counts), MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_faults_counts(tap.bench.faults, "b", &counts), MSIM_ERR_NOT_FOUND);
    bench_finish(&tap.bench);
}

static void the_two_unknown_answers_cannot_be_told_apart(void **state)
{
    struct tap tap;
    int executed = 0;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"respond\",\"to\":\"order.new\",\"after\":\"1s\",\"do\":["
              "{\"do\":\"unknown_status\"},{\"do\":\"unknown_status_not_executed\"}]}");
    for (int i = 0; i < 200; i++) {
        struct msim_fault_verdict verdict = request(&tap, i * 2 * SEC, (uint64_t)i);
        assert_false(verdict.acknowledge || verdict.refuse);
        executed += verdict.execute;
        tap.count = 0;
        listen(&tap, i * 2 * SEC + SEC);
        assert_int_equal(tap.count, 1);
    }
    assert_in_range(executed, 60, 140);
    bench_finish(&tap.bench);
}

static void wrong_clocks_add_up(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"clock\",\"id\":\"a\",\"offset\":\"1500ms\",\"drift_ppm\":100}");
    bench_add(&tap.bench, 0,
              "{\"kind\":\"clock\",\"id\":\"b\",\"step\":\"-5s\",\"window\":[\"10s\",\"20s\"],"
              "\"select\":{\"account\":\"bot1\"}}");
    assert_int_equal(msim_faults_clock(tap.bench.faults, 0, "bot1"), 1500 * MS);
    assert_int_equal(msim_faults_clock(tap.bench.faults, 10 * SEC, "bot1"),
                     1500 * MS - 5 * SEC + MS);
    assert_int_equal(msim_faults_clock(tap.bench.faults, 10 * SEC, "bot2"), 1501 * MS);
    assert_int_equal(msim_faults_heal(tap.bench.faults, 11 * SEC), MSIM_OK);
    assert_int_equal(msim_faults_clock(tap.bench.faults, 11 * SEC, "bot1"), 0);
    bench_finish(&tap.bench);
}

/* ---- what the venue does ---- */

static void venue_actions_are_engine_commands(void **state)
{
    static const struct {
        const char *json;
        uint8_t kind;
        uint8_t state;
        int64_t number;
    } cases[] = {
        {"{\"kind\":\"venue\",\"do\":\"halt\",\"symbol\":\"BTC/USD\"}", MSIM_COMMAND_SET_STATE,
         MSIM_STATE_HALTED, 0},
        {"{\"kind\":\"venue\",\"do\":\"cancel_only\"}", MSIM_COMMAND_SET_STATE,
         MSIM_STATE_CANCEL_ONLY, 0},
        {"{\"kind\":\"venue\",\"do\":\"post_only\"}", MSIM_COMMAND_SET_STATE, MSIM_STATE_POST_ONLY,
         0},
        {"{\"kind\":\"venue\",\"do\":\"maintenance\",\"policy\":\"expire\"}",
         MSIM_COMMAND_SET_STATE, MSIM_STATE_HALTED, 0},
        {"{\"kind\":\"venue\",\"do\":\"resume\"}", MSIM_COMMAND_SET_STATE, MSIM_STATE_TRADING, 0},
        {"{\"kind\":\"venue\",\"do\":\"tick_change\",\"symbol\":\"BTC/USD\",\"tick\":\"0.25\"}",
         MSIM_COMMAND_SET_TICK, 0, 25},
        {"{\"kind\":\"venue\",\"do\":\"lot_change\",\"symbol\":\"BTC/USD\",\"lot\":0.01}",
         MSIM_COMMAND_SET_LOT, 0, 10},
        {"{\"kind\":\"venue\",\"do\":\"min_notional_change\",\"symbol\":\"BTC/"
         "USD\",\"min_notional\":5}",
         MSIM_COMMAND_SET_MIN_NOTIONAL, 0, 500000},
        {"{\"kind\":\"venue\",\"do\":\"bust_trade\",\"symbol\":\"BTC/USD\",\"trade\":\"last\"}",
         MSIM_COMMAND_BUST, 0, 0},
        {"{\"kind\":\"venue\",\"do\":\"correct_trade\",\"symbol\":\"BTC/"
         "USD\",\"trade\":9,\"price\":\"50\"}",
         MSIM_COMMAND_CORRECT, 0, 5000},
    };
    struct tap tap;

    (void)state;
    start(&tap);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_fault_venue_action action;
        int r = msim_faults_fire(tap.bench.faults, 0, cases[i].json, strlen(cases[i].json),
                                 &tap.bench.detail);
        if (r < 0)
            fail_msg("%s", tap.bench.detail.text);
        assert_int_equal(msim_faults_venue(tap.bench.faults, 0, &action), MSIM_PULL_RECORD);
        assert_int_equal(action.kind, MSIM_FAULT_VENUE_COMMAND);
        assert_int_equal(action.command.kind, cases[i].kind);
        assert_int_equal(action.command.state, cases[i].state);
        assert_int_equal(action.command.price + action.command.quantity + action.command.amount,
                         cases[i].number);
        bool all = strstr(cases[i].json, "symbol") == NULL;
        assert_true(action.command.instrument == (all ? MSIM_ALL_INSTRUMENTS : 0));
        assert_int_equal(action.command.flags,
                         strstr(cases[i].json, "expire") ? MSIM_COMMAND_EXPIRE_ORDERS : 0);
        assert_int_equal(msim_faults_venue(tap.bench.faults, 0, &action), MSIM_PULL_EMPTY);
    }
    bench_finish(&tap.bench);
}

static size_t venue_actions(struct tap *tap, msim_time now)
{
    struct msim_fault_venue_action action;
    size_t count = 0;

    while (msim_faults_venue(tap->bench.faults, now, &action) == MSIM_PULL_RECORD)
        count++;
    return count;
}

static void an_action_that_came_does_not_come_again_with_an_update(void **state)
{
    static const char *const times[] = {"", ",\"at\":\"0s\""};
    struct tap tap;

    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        char json[128];
        start(&tap);
        snprintf(json, sizeof json, "{\"kind\":\"venue\",\"id\":\"v\",\"do\":\"halt\"%s}",
                 times[i]);
        bench_add(&tap.bench, 0, json);
        assert_int_equal(venue_actions(&tap, 0), 1);
        assert_int_equal(msim_faults_update(tap.bench.faults, 0, "v", "{\"priority\":2}", 14, NULL),
                         MSIM_OK);
        assert_int_equal(venue_actions(&tap, SEC), 0);
        assert_int_equal(msim_faults_disable(tap.bench.faults, SEC, "v"), MSIM_OK);
        assert_int_equal(msim_faults_enable(tap.bench.faults, SEC, "v"), MSIM_OK);
        assert_int_equal(venue_actions(&tap, SEC), i == 0); /* enabled anew it is wanted anew */
        bench_finish(&tap.bench);
    }
}

static void what_time_brings_and_finds_no_target_is_no_hit(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0, "{\"kind\":\"phantom_fill\",\"id\":\"p\",\"rate\":100}");
    bench_add(&tap.bench, 0,
              "{\"kind\":\"venue\",\"id\":\"v\",\"do\":\"tick_change\",\"symbol\":\"BTC/USD\","
              "\"tick\":\"0.001\"}"); /* finer than its prices are */
    listen(&tap, SEC);
    assert_int_equal(tap.count, 0);
    struct msim_fault_counts phantom = bench_counts(&tap.bench, "p");
    assert_in_range(phantom.decided, 50, 200);
    assert_int_equal(phantom.hits, 0);
    assert_int_equal(phantom.inapplicable, phantom.decided);
    struct msim_fault_counts venue = bench_counts(&tap.bench, "v");
    assert_int_equal(venue.decided, 1);
    assert_int_equal(venue.hits, 0);
    assert_int_equal(venue.inapplicable, 1);
    bench_finish(&tap.bench);
}

static void a_symbol_that_the_venue_does_not_have_is_refused(void **state)
{
    static const struct {
        const char *symbol;
        const char *words;
    } cases[] = {
        {"BTC/USDT", "there is no symbol \"BTC/USDT\" here; the nearest one is \"BTC/USD\""},
        {"nowhere", "there is no symbol \"nowhere\" here"},
    };
    struct tap tap;

    (void)state;
    start(&tap);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_detail detail = {{0}};
        char json[128];
        int length =
            snprintf(json, sizeof json, "{\"kind\":\"venue\",\"do\":\"halt\",\"symbol\":\"%s\"}",
                     cases[i].symbol);
        assert_int_equal(msim_faults_add(tap.bench.faults, 0, json, (size_t)length, NULL, &detail),
                         MSIM_ERR_INVALID);
        assert_memory_equal(detail.text, "/symbol", 7);
        const char *words = strstr(detail.text, "there");
        assert_non_null(words);
        assert_string_equal(words, cases[i].words);
    }
    assert_int_equal(venue_actions(&tap, SEC), 0);
    bench_finish(&tap.bench);
}

static void a_bust_at_once_frees_its_order(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(
        &tap.bench, 0,
        "{\"kind\":\"phantom_fill\",\"select\":{\"type\":\"exec.new\"},\"cum\":\"sticky\",\"qty\":"
        "{\"frac\":0.5},\"bust\":{\"after\":\"0s\"}}");
    accept_order(&tap, 1, 1, 7, 1000);
    assert_int_equal(tap.count, 2);
    assert_int_equal(tap.said[1].made, MSIM_FAULT_MADE_BUST);
    fill_order(&tap, 2, 1, 7, 100, 900);
    assert_int_equal(tap.count, 2); /* the fill is told as it is */
    bench_finish(&tap.bench);
}

static void names_are_told_whole_however_long_they_are(void **state)
{
    char account[201];
    char json[512];
    struct tap tap;

    (void)state;
    start(&tap);
    memset(account, 'a', sizeof account - 1);
    account[sizeof account - 1] = '\0';
    snprintf(
        json, sizeof json,
        "{\"kind\":\"inject\",\"template\":\"x\",\"to\":{\"account\":\"%s\"},\"select\":{\"type\":"
        "\"exec.new\"}}",
        account);
    bench_add(&tap.bench, 0, json);
    struct msim_event event = {.order = 7, .account = 1, .kind = MSIM_EVENT_ACCEPTED};
    struct msim_fault_said said;
    assert_int_equal(msim_faults_report(tap.bench.faults, 1, &event), MSIM_FAULT_PASS);
    assert_int_equal(msim_faults_said(tap.bench.faults, 1, &said), MSIM_PULL_RECORD);
    assert_string_equal(said.account, account);
    assert_string_equal(said.symbol, "BTC/USD");
    bench_finish(&tap.bench);
}

static void shocks_and_notices_are_told_to_the_venue(void **state)
{
    struct msim_fault_venue_action action;
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"venue\",\"do\":\"shock\",\"symbol\":\"BTC/USD\",\"sweep_levels\":7,"
              "\"recover_after\":\"30s\",\"at\":\"5s\"}");
    bench_add(&tap.bench, 0,
              "{\"kind\":\"venue\",\"do\":\"notice\",\"text\":\"soon\",\"at\":\"6s\"}");
    assert_int_equal(msim_faults_venue(tap.bench.faults, 4 * SEC, &action), MSIM_PULL_EMPTY);
    assert_int_equal(msim_faults_next_due(tap.bench.faults), 5 * SEC);
    assert_int_equal(msim_faults_venue(tap.bench.faults, 5 * SEC, &action), MSIM_PULL_RECORD);
    assert_int_equal(action.kind, MSIM_FAULT_VENUE_SHOCK);
    assert_int_equal(action.levels, 7);
    assert_int_equal(action.recover_after, 30 * SEC);
    assert_string_equal(action.symbol, "BTC/USD");
    assert_int_equal(msim_faults_venue(tap.bench.faults, 6 * SEC, &action), MSIM_PULL_RECORD);
    assert_string_equal(action.text, "soon");
    bench_finish(&tap.bench);
}

static void what_is_deferred_is_refused_by_name(void **state)
{
    static const char *const later[] = {
        "{\"kind\":\"phantom_fill\",\"view\":\"overlay\"}",
        "{\"kind\":\"phantom_fill\",\"bust\":{\"after\":\"1s\",\"how\":\"silent\"}}",
        "{\"kind\":\"venue\",\"do\":\"expire_listen_key\"}",
        "{\"kind\":\"venue\",\"do\":\"revoke_key\"}",
    };
    struct tap tap;

    (void)state;
    start(&tap);
    for (size_t i = 0; i < COUNT(later); i++) {
        assert_int_equal(msim_faults_add(tap.bench.faults, 0, later[i], strlen(later[i]), NULL,
                                         &tap.bench.detail),
                         MSIM_ERR_UNSUPPORTED);
        assert_non_null(strstr(tap.bench.detail.text, "not in this version"));
    }
    bench_finish(&tap.bench);
}

/* ---- the ledger ---- */

static void a_robot_is_reconciled_when_its_view_is_the_truth(void **state)
{
    struct tap tap;
    const char right[] =
        "{\"position\":{\"BTC/USD\":\"1.2\"},\"orders\":{\"7\":\"1\",\"8\":\"0.2\"}}";
    const char wrong[] = "{\"position\":{\"BTC/USD\":\"1.1\"}}";
    const char bad[] = "{\"position\":{\"BTC/USD\":\"1.23456\"}}";

    (void)state;
    start(&tap);
    accept_order(&tap, 0, 1, 7, 1000);
    accept_order(&tap, 0, 1, 8, 500);
    fill_order(&tap, 1, 1, 7, 1000, 0);
    struct msim_event lost = {
        .time = 2, .order = 8, .account = 1, .kind = MSIM_EVENT_FILL, .side = MSIM_SIDE_BUY};
    lost.as.fill.trade = 99;
    lost.as.fill.quantity = lost.as.fill.filled = 200;
    lost.as.fill.leaves = 300;
    assert_int_equal(msim_faults_report(tap.bench.faults, 2, &lost), MSIM_FAULT_PASS);
    struct msim_fault_ledger ledger = ledger_of(&tap, "bot1");
    assert_int_equal(ledger.fills, 2);
    assert_int_equal(ledger.told_once, 1);
    assert_int_equal(ledger.never_told, 1);
    assert_false(ledger.told_is_true);
    assert_false(ledger.reconciled);
    assert_int_equal(msim_faults_view(tap.bench.faults, "bot1", wrong, strlen(wrong), NULL),
                     MSIM_OK);
    assert_false(ledger_of(&tap, "bot1").reconciled);
    assert_int_equal(msim_faults_view(tap.bench.faults, "bot1", right, strlen(right), NULL),
                     MSIM_OK);
    assert_true(ledger_of(&tap, "bot1").reconciled);
    assert_int_equal(
        msim_faults_view(tap.bench.faults, "bot1", bad, strlen(bad), &tap.bench.detail),
        MSIM_ERR_INVALID);
    assert_non_null(strstr(tap.bench.detail.text, "/position/BTC~1USD"));
    assert_true(ledger_of(&tap, "bot1").reconciled);
    assert_int_equal(msim_faults_view(tap.bench.faults, "nobody", right, strlen(right), NULL),
                     MSIM_ERR_NOT_FOUND);
    bench_finish(&tap.bench);
}

/* Fills as a list that is searched from its front to its end. */
struct naive_fill {
    uint64_t exec;
    uint64_t order;
    unsigned told;
    bool is_phantom;
};

static struct naive_fill *naive_find(struct naive_fill *fills, size_t count, uint64_t exec,
                                     uint64_t order)
{
    for (size_t i = 0; i < count; i++)
        if (fills[i].exec == exec && fills[i].order == order)
            return &fills[i];
    return NULL;
}

static void assert_ledger_is(struct tap *tap, const struct naive_fill *fills, size_t count)
{
    struct msim_fault_ledger ledger = ledger_of(tap, "bot1");
    uint64_t sums[4] = {0}; /* never, once, more often; made up */

    for (size_t i = 0; i < count; i++)
        sums[fills[i].is_phantom ? 3 : fills[i].told > 1 ? 2 : fills[i].told]++;
    assert_int_equal(ledger.never_told, sums[0]);
    assert_int_equal(ledger.told_once, sums[1]);
    assert_int_equal(ledger.told_twice, sums[2]);
    assert_int_equal(ledger.phantom, sums[3]);
}

/* In the first half numbers rise, as the engine's do; then they come as they like. */
static void the_ledger_is_what_a_naive_list_makes_of_it(void **state)
{
    enum { STEPS = 3000 };
    static struct naive_fill fills[STEPS];
    struct tap tap;
    uint64_t dice = 7;
    size_t count = 0;

    (void)state;
    start(&tap);
    for (uint64_t step = 1; step <= STEPS; step++) {
        const bool rises = step <= STEPS / 2;
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint64_t roll = dice >> 33;
        const bool is_new = roll % 3 == 0;
        struct msim_event event = {.account = 1, .kind = MSIM_EVENT_FILL, .side = MSIM_SIDE_BUY};
        event.as.fill.quantity = 1;
        event.order = is_new && rises ? step : 1 + roll / 3 % 500;
        event.as.fill.trade = rises || roll % 5 == 0 ? step : 1 + roll / 5 % (2 * STEPS);
        if (!is_new && count > 0 && roll % 4 != 0) { /* an old one, mostly a late one */
            const struct naive_fill *old =
                &fills[roll % 2 == 0 ? count - 1 - roll / 7 % (count < 6 ? count : 6)
                                     : roll / 7 % count];
            event.order = old->order;
            event.as.fill.trade = old->exec;
        }
        struct naive_fill *known = naive_find(fills, count, event.as.fill.trade, event.order);
        if (is_new && !known) {
            assert_int_equal(msim_faults_report(tap.bench.faults, 0, &event), MSIM_FAULT_PASS);
            fills[count++] = (struct naive_fill){event.as.fill.trade, event.order, 0, false};
        } else if (!is_new) {
            assert_int_equal(msim_faults_told(tap.bench.faults, &event, 0), MSIM_OK);
            if (!known)
                fills[count++] = (struct naive_fill){event.as.fill.trade, event.order, 1, true};
            else
                known->told++;
        }
        if (step % 100 == 0)
            assert_ledger_is(&tap, fills, count);
    }
    bench_finish(&tap.bench);
}

static void a_bust_takes_its_fill_back_from_both_sides(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    accept_order(&tap, 0, 1, 7, 1000);
    fill_order(&tap, 1, 1, 7, 1000, 0);
    struct msim_event bust = {.time = 2, .account = 2, .order = 8, .kind = MSIM_EVENT_BUSTED};
    bust.as.trade.trade = 1;
    bust.as.trade.quantity = 1000;
    bust.as.trade.maker_order = 7;
    bust.as.trade.maker_account = 1;
    bust.as.trade.taker_order = 8;
    bust.as.trade.taker_account = 2;
    assert_int_equal(msim_faults_report(tap.bench.faults, 2, &bust), MSIM_FAULT_PASS);
    struct msim_fault_ledger ledger = ledger_of(&tap, "bot1");
    assert_int_equal(ledger.busted, 1);
    assert_false(ledger.told_is_true);
    bust.account = 1;
    bust.order = 7;
    msim_faults_told(tap.bench.faults, &bust, 1);
    assert_true(ledger_of(&tap, "bot1").told_is_true);
    bench_finish(&tap.bench);
}

static void healing_says_now_what_was_to_be_said_later(void **state)
{
    struct tap tap;

    (void)state;
    start(&tap);
    bench_add(&tap.bench, 0,
              "{\"kind\":\"dup_fill\",\"after\":{\"type\":\"uniform\",\"min\":\"1m\",\"max\":"
              "\"9m\"},\"times\":5}");
    accept_order(&tap, 0, 1, 7, 1000);
    fill_order(&tap, SEC, 1, 7, 1000, 0);
    assert_int_equal(msim_faults_heal(tap.bench.faults, 2 * SEC), MSIM_OK);
    listen(&tap, 2 * SEC);
    assert_int_equal(tap.count, 5);
    assert_int_equal(tap.said[4].time, 2 * SEC);
    listen(&tap, 3600 * SEC);
    assert_int_equal(tap.count, 5);
    bench_finish(&tap.bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_symbol_that_is_not_traded_selects_nothing_and_is_refused),
        cmocka_unit_test(a_phantom_is_said_and_leaves_no_trace_in_the_truth),
        cmocka_unit_test(a_phantom_has_the_price_and_quantity_asked_for),
        cmocka_unit_test(without_an_eligible_order_a_phantom_is_inapplicable),
        cmocka_unit_test(a_sticky_phantom_stays_on_its_order_until_the_bust),
        cmocka_unit_test(at_a_rate_phantoms_come_by_themselves),
        cmocka_unit_test(a_fill_is_told_again_as_its_mode_says),
        cmocka_unit_test(an_injection_has_its_names_filled_in),
        cmocka_unit_test(requests_are_answered_otherwise_than_what_happened),
        cmocka_unit_test(what_was_fired_once_answers_one_request_with_its_own_words),
        cmocka_unit_test(an_action_that_came_does_not_come_again_with_an_update),
        cmocka_unit_test(what_time_brings_and_finds_no_target_is_no_hit),
        cmocka_unit_test(a_symbol_that_the_venue_does_not_have_is_refused),
        cmocka_unit_test(a_bust_at_once_frees_its_order),
        cmocka_unit_test(names_are_told_whole_however_long_they_are),
        cmocka_unit_test(the_two_unknown_answers_cannot_be_told_apart),
        cmocka_unit_test(wrong_clocks_add_up),
        cmocka_unit_test(venue_actions_are_engine_commands),
        cmocka_unit_test(shocks_and_notices_are_told_to_the_venue),
        cmocka_unit_test(what_is_deferred_is_refused_by_name),
        cmocka_unit_test(a_robot_is_reconciled_when_its_view_is_the_truth),
        cmocka_unit_test(the_ledger_is_what_a_naive_list_makes_of_it),
        cmocka_unit_test(a_bust_takes_its_fill_back_from_both_sides),
        cmocka_unit_test(healing_says_now_what_was_to_be_said_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
