/*
 * The actions that are handed out, and what each leaves of a connection.
 */
#include "bench.h"

static const struct seen *action_of(const struct bench *bench, int action)
{
    for (size_t i = 0; i < bench->count; i++)
        if (bench->seen[i].kind == MSIM_FAULT_OUTPUT_ACTION && bench->seen[i].action == action)
            return &bench->seen[i];
    return NULL;
}

static size_t messages_of(const struct bench *bench, int direction)
{
    size_t count = 0;

    for (size_t i = 0; i < bench->count; i++)
        count += bench->seen[i].kind == MSIM_FAULT_OUTPUT_MESSAGE &&
                 (bench->seen[i].direction == direction || bench->seen[i].direction == 0);
    return count;
}

static void fire(struct bench *bench, msim_time now, const char *json)
{
    int r = msim_faults_fire(bench->faults, now, json, strlen(json), &bench->detail);
    if (r < 0)
        fail_msg("%s", bench->detail.text);
}

static void the_table_of_effects_is_the_specification_s(void **state)
{
    static const struct {
        int action;
        bool reads;
        bool processes;
        bool writes;
        bool pongs;
        bool alive;
    } rows[] = {
        {MSIM_FAULT_ACTION_CLOSE, false, false, false, false, false},
        {MSIM_FAULT_ACTION_FIN, false, false, false, false, false},
        {MSIM_FAULT_ACTION_RST, false, false, false, false, false},
        {MSIM_FAULT_ACTION_FREEZE, false, false, false, false, true},
        {MSIM_FAULT_ACTION_FREEZE_OUT, true, true, false, false, true},
        {MSIM_FAULT_ACTION_FREEZE_IN, true, false, true, true, true},
        {MSIM_FAULT_ACTION_ZOMBIE, true, true, false, true, true},
        {MSIM_FAULT_ACTION_HALF_OPEN, true, false, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct msim_fault_effect effect = msim_fault_action_effect(rows[i].action);
        assert_int_equal(effect.reads, rows[i].reads);
        assert_int_equal(effect.processes, rows[i].processes);
        assert_int_equal(effect.writes, rows[i].writes);
        assert_int_equal(effect.answers_pings, rows[i].pongs);
        assert_int_equal(effect.alive_in_venue, rows[i].alive);
    }
}

/* What of a message each way and a pong goes through during the state. */
static void each_state_lets_through_what_its_row_says(void **state)
{
    static const struct {
        const char *json;
        size_t in;
        size_t out;
        size_t pongs;
        size_t in_later; /* when it has ended */
        size_t out_later;
    } rows[] = {
        {"{\"kind\":\"session\",\"action\":\"freeze\",\"duration\":\"1s\"}", 0, 0, 0, 1, 2},
        {"{\"kind\":\"session\",\"action\":\"freeze_out\",\"duration\":\"1s\"}", 1, 0, 0, 1, 2},
        {"{\"kind\":\"session\",\"action\":\"freeze_in\",\"duration\":\"1s\"}", 0, 1, 1, 0, 2},
        {"{\"kind\":\"session\",\"action\":\"zombie\",\"duration\":\"1s\"}", 1, 0, 1, 1, 1},
        {"{\"kind\":\"session\",\"action\":\"zombie\",\"duration\":\"1s\",\"resume\":\"flush\"}", 1,
         0, 1, 1, 2},
        {"{\"kind\":\"session\",\"action\":\"freeze_out\",\"duration\":\"1s\",\"resume\":"
         "\"discard\"}",
         1, 0, 0, 1, 0},
        {"{\"kind\":\"session\",\"action\":\"half_open\",\"rst_after\":\"1s\"}", 0, 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench bench;
        bench_start(&bench);
        fire(&bench, 0, rows[i].json);
        bench_run(&bench, 0);
        assert_int_equal(bench.count, 1);
        bench.count = 0;
        bench_text(&bench, 1, bench.in, MSIM_FAULT_ORDER_NEW, "in");
        bench_run(&bench, 1);
        assert_int_equal(bench.count, rows[i].in);
        bench.count = 0;
        bench_text(&bench, 2, bench.out, MSIM_FAULT_EXEC_NEW, "out");
        bench_run(&bench, 2);
        assert_int_equal(bench.count, rows[i].out);
        bench_text(&bench, 3, bench.out, MSIM_FAULT_SYS_PONG, "pong");
        bench_run(&bench, 3);
        assert_int_equal(bench.count, rows[i].out + rows[i].pongs);
        bench_run(&bench, 2 * SEC);
        bool ended = strstr(rows[i].json, "half_open") != NULL;
        assert_non_null(
            action_of(&bench, ended ? MSIM_FAULT_ACTION_RST : MSIM_FAULT_ACTION_RESUME));
        assert_int_equal(messages_of(&bench, MSIM_FAULT_OUT), rows[i].out_later);
        bench_check(&bench);
        bench_text(&bench, 3 * SEC, bench.in, MSIM_FAULT_ORDER_NEW, "after");
        bench_run(&bench, 3 * SEC);
        assert_int_equal(bench.passed > 0 || ended, true);
        bench_finish(&bench);
    }
}

static void stuck_messages_come_in_their_order_when_the_freeze_ends(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    fire(&bench, 0, "{\"kind\":\"session\",\"action\":\"freeze\",\"duration\":\"1s\"}");
    for (int i = 0; i < 5; i++) {
        bench_text(&bench, 1 + i, bench.in, MSIM_FAULT_ORDER_NEW, "in");
        bench_text(&bench, 1 + i, bench.out, MSIM_FAULT_EXEC_NEW, "out");
    }
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 12);
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_RESUME);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(bench.seen[2 + i].ordinal, i % 5);
        assert_int_equal(bench.seen[2 + i].time, SEC);
    }
    bench_finish(&bench);
}

static void accepted_then_dead_no_consequence_is_sent(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"action\":\"rst\",\"when\":\"after\","
              "\"select\":{\"dir\":\"in\",\"type\":\"order.new\"},\"max_hits\":1}");
    assert_int_equal(bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_NEW, "order"),
                     MSIM_FAULT_TAKEN);
    bench_run(&bench, 0);
    assert_int_equal(bench.count, 2);
    assert_string_equal(bench.seen[0].text, "order");
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_RST);
    bench_text(&bench, 0, bench.out, MSIM_FAULT_ACK_NEW, "ack");
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 2);
    assert_int_equal(msim_fault_link_balance(bench.out).gated, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void before_and_instead_lose_the_message(void **state)
{
    static const char *const whens[] = {"before", "instead"};

    (void)state;
    for (size_t i = 0; i < COUNT(whens); i++) {
        struct bench bench;
        char json[256];
        bench_start(&bench);
        snprintf(json, sizeof json,
                 "{\"kind\":\"session\",\"action\":\"close\",\"code\":1011,\"reason\":\"bye\","
                 "\"when\":\"%s\",\"select\":{\"dir\":\"out\",\"type\":\"exec.fill\"}}",
                 whens[i]);
        bench_add(&bench, 0, json);
        bench_text(&bench, 0, bench.out, MSIM_FAULT_EXEC_FILL, "fill");
        bench_run(&bench, 0);
        assert_int_equal(bench.count, 1);
        assert_int_equal(bench.seen[0].action, MSIM_FAULT_ACTION_CLOSE);
        assert_int_equal(bench.seen[0].code, 1011);
        assert_string_equal(bench.seen[0].text, "bye");
        assert_int_equal(msim_fault_link_balance(bench.out).discarded, 1);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

static void a_session_acts_when_its_delayed_message_leaves(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1s\"}");
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"action\":\"fin\",\"when\":\"after\","
              "\"select\":{\"dir\":\"out\",\"type\":\"exec.fill\"}}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "before");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_EXEC_FILL, "fill");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "behind");
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 3);
    assert_string_equal(bench.seen[1].text, "fill");
    assert_int_equal(bench.seen[2].action, MSIM_FAULT_ACTION_FIN);
    assert_int_equal(bench.seen[2].time, SEC);
    assert_int_equal(msim_fault_link_balance(bench.out).discarded, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void pending_output_is_flushed_where_that_is_asked_for(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"9s\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "a");
    bench_text(&bench, 1, bench.out, MSIM_FAULT_OTHER, "b");
    fire(&bench, 2, "{\"kind\":\"session\",\"action\":\"close\",\"queue\":\"flush\"}");
    bench_run(&bench, 2);
    assert_int_equal(bench.count, 3);
    assert_string_equal(bench.seen[0].text, "a");
    assert_string_equal(bench.seen[1].text, "b");
    assert_int_equal(bench.seen[2].action, MSIM_FAULT_ACTION_CLOSE);
    bench_check(&bench);
    bench_finish(&bench);
}

static void the_scope_says_whom_it_befalls(void **state)
{
    static const struct {
        const char *json;
        size_t befallen;
    } cases[] = {
        {"{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"account\",\"account\":\"acct-A\"}",
         2},
        {"{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"client\",\"client\":\"acct-B\"}", 1},
        {"{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"all\"}", 3},
        {"{\"kind\":\"session\",\"action\":\"rst\",\"client\":\"acct-B\"}", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        bench_start(&bench);
        bench_session(&bench, 0, "acct-A", MSIM_FAULT_WS_PUBLIC);
        bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_PRIVATE);
        fire(&bench, 1, cases[i].json);
        assert_int_equal(bench_pull(&bench, 1), cases[i].befallen);
        bench_finish(&bench);
    }
}

static void what_is_fired_at_nobody_is_refused_with_the_nearest_name(void **state)
{
    static const struct {
        const char *json;
        const char *words;
    } cases[] = {
        {"{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"account\",\"account\":\"acct-C\"}",
         "/account (line 1, column 62): no connection of the account \"acct-C\" is open, and a "
         "fault "
         "that is fired acts now; the nearest one is \"acct-A\""},
        {"{\"kind\":\"session\",\"action\":\"freeze\",\"client\":\"somebody\"}",
         "/client (line 1, column 46): no connection of the client \"somebody\" is open, and a "
         "fault "
         "that is fired acts now"},
        {"{\"kind\":\"session\",\"action\":\"fin\",\"select\":{\"channel\":\"rest\"}}",
         "the value (line 1, column 1): no connection is open that it would befall, and a fault "
         "that "
         "is fired acts now"},
    };
    struct bench bench;

    (void)state;
    bench_start(&bench);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *json = cases[i].json;
        int r = msim_faults_fire(bench.faults, 1, json, strlen(json), &bench.detail);
        assert_int_equal(r, MSIM_ERR_STATE);
        assert_string_equal(bench.detail.text, cases[i].words);
    }
    /* Who is barred, or comes again later, need not be there yet. */
    fire(&bench, 1,
         "{\"kind\":\"session\",\"action\":\"refuse\",\"scope\":\"account\",\"account\":\"acct-"
         "C\"}");
    fire(&bench, 1,
         "{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"account\",\"account\":\"acct-C\","
         "\"flap\":{\"times\":2,\"gap\":\"1s\"}}");
    assert_int_equal(bench_pull(&bench, 1), 0);
    bench_finish(&bench);
}

static void a_rest_client_is_met_while_a_call_is_under_way_or_where_rest_is_named(void **state)
{
    static const char freeze[] = "{\"kind\":\"session\",\"action\":\"freeze\",\"scope\":"
                                 "\"account\",\"account\":\"bob\",\"duration\":\"1ms\"}";
    static const char misspelt[] = "{\"kind\":\"session\",\"action\":\"freeze\",\"scope\":"
                                   "\"account\",\"account\":\"bobb\"}";
    struct bench bench;

    (void)state;
    bench_start(&bench);
    struct msim_fault_session *rest = bench_session(&bench, 0, "bob", MSIM_FAULT_REST);
    struct msim_fault_link *out = msim_fault_session_link(rest, MSIM_FAULT_OUT);
    assert_int_equal(msim_faults_fire(bench.faults, 1, freeze, sizeof freeze - 1, &bench.detail),
                     MSIM_ERR_STATE);
    assert_non_null(strstr(bench.detail.text, "no connection of the account \"bob\" is open"));
    assert_null(strstr(bench.detail.text, "nearest"));
    assert_int_equal(
        msim_faults_fire(bench.faults, 1, misspelt, sizeof misspelt - 1, &bench.detail),
        MSIM_ERR_STATE);
    assert_non_null(
        strstr(bench.detail.text, "the nearest account is \"bob\", which is not connected"));
    assert_int_equal(bench_text(&bench, 2, out, MSIM_FAULT_RESP_OTHER, "x"), MSIM_FAULT_PASS);
    bench_add(&bench, 3,
              "{\"id\":\"late\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},"
              "\"dist\":\"9ms\"}");
    assert_int_equal(bench_text(&bench, 3, out, MSIM_FAULT_RESP_OTHER, "x"), MSIM_FAULT_TAKEN);
    fire(&bench, 3, freeze);
    bench_run(&bench, SEC);
    fire(&bench, SEC,
         "{\"kind\":\"session\",\"action\":\"freeze\",\"scope\":\"account\",\"account\":\"bob\","
         "\"select\":{\"channel\":\"rest\"}}");
    bench_finish(&bench);
}

static void what_is_fired_outside_its_window_is_told_so_and_gone(void **state)
{
    static const char *const cases[] = {
        "{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"all\",\"window\":[\"5s\",\"9s\"]}",
        "{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"all\",\"window\":[\"5s\",\"9s\"],"
        "\"flap\":{\"times\":2,\"gap\":\"1s\"}}",
    };
    char statistics[4096];
    size_t length;
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_session(&bench, 0, "acct-A", MSIM_FAULT_WS_PUBLIC);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int r = msim_faults_fire(bench.faults, 1, cases[i], strlen(cases[i]), &bench.detail);
        assert_int_equal(r, MSIM_ERR_STATE);
        assert_string_equal(bench.detail.text,
                            "/window (line 1, column 57): a fault that is fired acts now, and now "
                            "is outside its window: fire it without one");
        assert_int_equal(
            msim_faults_statistics(bench.faults, NULL, statistics, sizeof statistics, &length), 0);
        assert_non_null(strstr(statistics, "\"strategies\":{}"));
    }
    assert_int_equal(bench_pull(&bench, 1), 0);
    bench_finish(&bench);
}

static void a_message_of_one_session_ends_all_of_its_account(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_session(&bench, 0, "acct-A", MSIM_FAULT_WS_PUBLIC);
    bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_PUBLIC);
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"action\":\"fin\",\"scope\":\"account\",\"when\":\"after\","
              "\"select\":{\"dir\":\"in\",\"type\":\"order.new\"}}");
    bench_text(&bench, 1, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    bench_run(&bench, 1);
    assert_int_equal(bench.count, 3);
    bench_finish(&bench);
}

static void sessions_end_at_their_age_with_a_notice_before(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"action\":\"close\",\"max_age\":\"24h\",\"code\":1001,"
              "\"notice\":{\"before\":\"30s\",\"type\":\"serverShutdown\"}}");
    bench_session(&bench, 10 * SEC, "late", MSIM_FAULT_WS_PUBLIC);
    bench_run(&bench, 100000 * SEC);
    assert_int_equal(bench.count, 4);
    assert_int_equal(bench.seen[0].action, MSIM_FAULT_ACTION_NOTICE);
    assert_string_equal(bench.seen[0].text, "serverShutdown");
    assert_int_equal(bench.seen[0].time, 86400 * SEC);
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_NOTICE);
    assert_int_equal(bench.seen[1].time, 86410 * SEC);
    assert_int_equal(bench.seen[2].action, MSIM_FAULT_ACTION_CLOSE);
    assert_int_equal(bench.seen[2].time, 86430 * SEC);
    assert_int_equal(bench.seen[3].time, 86440 * SEC);
    bench_finish(&bench);
}

static void a_flap_comes_back_to_the_client_s_new_connection(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"session\",\"action\":\"rst\",\"when\":\"instead\",\"max_hits\":1,"
        "\"select\":{\"dir\":\"in\",\"type\":\"sub\"},\"flap\":{\"times\":3,\"gap\":\"5s\"}}");
    bench_text(&bench, 0, bench.in, MSIM_FAULT_SUB, "x");
    for (int i = 0; i < 4; i++) {
        bench_run(&bench, i * 5 * SEC + SEC);
        assert_int_equal(bench.count, i < 3 ? i + 1 : 3);
        msim_faults_session_close(bench.faults, i * 5 * SEC + SEC, &bench.session);
        bench.session = bench_session(&bench, i * 5 * SEC + SEC, "acct-A", MSIM_FAULT_WS_PRIVATE);
    }
    bench_finish(&bench);
}

static void at_a_rate_sessions_end_by_poisson(void **state)
{
    struct bench bench;
    struct msim_fault_session *sessions[200];
    double sum = 0;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"session\",\"action\":\"rst\",\"rate\":0.1}");
    msim_faults_session_close(bench.faults, 0, &bench.session);
    for (size_t i = 0; i < COUNT(sessions); i++) {
        char name[16];
        snprintf(name, sizeof name, "c%zu", i);
        sessions[i] = bench_session(&bench, 0, name, MSIM_FAULT_WS_PUBLIC);
    }
    bench_run(&bench, 1000 * SEC);
    assert_int_equal(bench.count, COUNT(sessions));
    for (size_t i = 0; i < bench.count; i++)
        sum += (double)bench.seen[i].time / (double)SEC;
    assert_in_range((int)(sum / (double)COUNT(sessions) * 100), 700, 1300); /* 10 s on average */
    bench_finish(&bench);
}

static void new_connections_meet_a_barrier_as_long_as_it_stands(void **state)
{
    struct msim_fault_session_params who = MSIM_FAULT_SESSION_PARAMS_INIT;
    struct bench bench;

    (void)state;
    bench_start(&bench);
    fire(&bench, 0,
         "{\"kind\":\"session\",\"action\":\"refuse\",\"scope\":\"client\",\"client\":\"bot\","
         "\"duration\":\"10s\"}");
    fire(&bench, 0,
         "{\"kind\":\"session\",\"action\":\"http_error\",\"status\":503,\"scope\":\"account\","
         "\"account\":\"acc\"}");
    who.client = "other";
    assert_int_equal(msim_faults_admit(bench.faults, 1, &who).action, 0);
    who.client = "bot";
    assert_int_equal(msim_faults_admit(bench.faults, 1, &who).action, MSIM_FAULT_ACTION_REFUSE);
    assert_int_equal(msim_faults_admit(bench.faults, 10 * SEC, &who).action, 0);
    who.account = "acc";
    assert_int_equal(msim_faults_admit(bench.faults, 20 * SEC, &who).status, 503);
    assert_int_equal(msim_faults_heal(bench.faults, 21 * SEC), MSIM_OK);
    assert_int_equal(msim_faults_admit(bench.faults, 22 * SEC, &who).action, 0);
    bench_finish(&bench);
}

static void pieces_of_a_message_are_of_the_sizes_asked_for(void **state)
{
    struct bench bench;
    struct msim_fault_output output;
    struct msim_fault_message message = bench_message("0123456789", MSIM_FAULT_OTHER);
    bool seen[4] = {false};

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"slice\",\"select\":{\"dir\":\"out\"},\"chunk\":[1,3],\"pause\":\"5ms\","
              "\"fragment\":true}");
    msim_faults_submit(bench.faults, 0, bench.out, &message);
    assert_int_equal(msim_faults_pull(bench.faults, 0, &output), MSIM_PULL_RECORD);
    assert_false(output.altered);
    assert_true(output.slice.fragment);
    assert_int_equal(output.slice.pause, 5 * MS);
    for (uint32_t i = 0; i < 100; i++) {
        size_t size = msim_fault_slice_size(&output.slice, i);
        assert_in_range(size, 1, 3);
        seen[size] = true;
    }
    assert_true(seen[1] && seen[2] && seen[3]);
    struct msim_fault_slice whole = {0};
    assert_true(msim_fault_slice_size(&whole, 0) == SIZE_MAX);
    bench_finish(&bench);
}

static void after_healing_the_session_goes_on(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    fire(&bench, 0, "{\"kind\":\"session\",\"action\":\"freeze\"}");
    bench_text(&bench, 1, bench.in, MSIM_FAULT_ORDER_NEW, "stuck");
    assert_int_equal(msim_faults_heal(bench.faults, 2), MSIM_OK);
    bench_pull(&bench, 2);
    assert_int_equal(bench.count, 3);
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_RESUME);
    assert_string_equal(bench.seen[2].text, "stuck");
    assert_int_equal(bench_text(&bench, 3, bench.in, MSIM_FAULT_ORDER_NEW, "x"), MSIM_FAULT_PASS);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_half_open_connection_that_was_healed_is_not_reset_later(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    fire(&bench, 0, "{\"kind\":\"session\",\"action\":\"half_open\",\"rst_after\":\"30s\"}");
    bench_pull(&bench, SEC);
    assert_int_equal(msim_faults_heal(bench.faults, 5 * SEC), MSIM_OK);
    bench_pull(&bench, 60 * SEC);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.seen[0].action, MSIM_FAULT_ACTION_HALF_OPEN);
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_RESUME);
    bench_finish(&bench);
}

static void a_state_counts_all_that_it_kept_back(void **state)
{
    struct bench bench;
    char text[4096];
    size_t length;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"id\":\"d\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1s\","
              "\"window\":[\"0s\",\"1ms\"]}");
    bench_add(&bench, 0,
              "{\"id\":\"z\",\"kind\":\"session\",\"action\":\"zombie\",\"at\":\"500ms\","
              "\"duration\":\"9s\"}");
    bench_text(&bench, 1, bench.out, MSIM_FAULT_MD_TRADE, "late");
    bench_pull(&bench, 600 * MS);
    bench_text(&bench, 600 * MS, bench.out, MSIM_FAULT_MD_TRADE, "said in vain");
    bench_pull(&bench, 20 * SEC);
    assert_int_equal(msim_fault_link_balance(bench.out).gated, 2);
    assert_int_equal(msim_faults_statistics(bench.faults, "z", text, sizeof text, &length),
                     MSIM_OK);
    assert_non_null(strstr(text, "\"gated\":2"));
    bench_finish(&bench);
}

static void what_was_fired_closes_after_its_notice_and_flaps_to_the_end(void **state)
{
    struct bench bench;
    struct msim_fault_counts counts;

    (void)state;
    bench_start(&bench);
    fire(&bench, 0,
         "{\"id\":\"f\",\"kind\":\"session\",\"action\":\"freeze\",\"scope\":\"all\",\"duration\":"
         "\"1s\","
         "\"flap\":{\"times\":3,\"gap\":\"10s\"}}");
    bench_pull(&bench, 60 * SEC);
    assert_int_equal(bench.count, 6);
    assert_int_equal(bench.seen[4].time, 20 * SEC);
    assert_int_equal(msim_faults_counts(bench.faults, "f", &counts), MSIM_ERR_NOT_FOUND);
    fire(&bench, 60 * SEC,
         "{\"id\":\"c\",\"kind\":\"session\",\"action\":\"close\",\"scope\":\"all\","
         "\"notice\":{\"before\":\"30s\",\"type\":\"shutdown\"}}");
    bench_pull(&bench, 200 * SEC);
    assert_int_equal(bench.count, 8);
    assert_int_equal(bench.seen[6].action, MSIM_FAULT_ACTION_NOTICE);
    assert_int_equal(bench.seen[7].action, MSIM_FAULT_ACTION_CLOSE);
    assert_int_equal(bench.seen[7].time, 90 * SEC);
    assert_int_equal(msim_faults_counts(bench.faults, "c", &counts), MSIM_ERR_NOT_FOUND);
    bench_finish(&bench);
}

static void what_comes_after_the_end_is_taken_and_counted(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    fire(&bench, 1, "{\"kind\":\"session\",\"action\":\"rst\"}");
    assert_int_equal(bench_text(&bench, 2, bench.out, MSIM_FAULT_MD_TRADE, "a"), MSIM_FAULT_TAKEN);
    assert_int_equal(bench_text(&bench, 2, bench.in, MSIM_FAULT_SUB, "b"), MSIM_FAULT_TAKEN);
    bench_pull(&bench, 2);
    assert_int_equal(bench.count, 1);
    assert_int_equal(msim_fault_link_balance(bench.out).gated, 1);
    assert_int_equal(msim_fault_link_balance(bench.in).gated, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static size_t actions_of(const struct bench *bench, int action)
{
    size_t count = 0;

    for (size_t i = 0; i < bench->count; i++)
        count += bench->seen[i].kind == MSIM_FAULT_OUTPUT_ACTION && bench->seen[i].action == action;
    return count;
}

static void update(struct bench *bench, msim_time now, const char *id, const char *patch)
{
    int r = msim_faults_update(bench->faults, now, id, patch, strlen(patch), &bench->detail);
    if (r < 0)
        fail_msg("%s", bench->detail.text);
}

static void what_acted_at_its_moment_does_not_act_again_after_an_update(void **state)
{
    static const char *const times[] = {"\"at\":\"5s\"", "\"max_age\":\"5s\""};

    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        struct bench bench;
        char json[160];
        bench_start(&bench);
        snprintf(
            json, sizeof json,
            "{\"kind\":\"session\",\"id\":\"s\",\"action\":\"freeze\",\"duration\":\"1ms\",%s}",
            times[i]);
        bench_add(&bench, 0, json);
        bench_run(&bench, 5 * SEC);
        update(&bench, 5 * SEC, "s", "{\"priority\":3}");
        bench_run(&bench, 6 * SEC);
        update(&bench, 6 * SEC, "s", "{\"priority\":4}");
        bench_run(&bench, 20 * SEC);
        assert_int_equal(actions_of(&bench, MSIM_FAULT_ACTION_FREEZE), 1);
        assert_int_equal(bench_counts(&bench, "s").hits, 1);
        bench_finish(&bench);
    }
}

static void a_moment_that_is_moved_comes_again(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"id\":\"s\",\"action\":\"freeze\",\"duration\":\"1ms\","
              "\"at\":\"5s\"}");
    bench_run(&bench, 5 * SEC);
    update(&bench, 5 * SEC, "s", "{\"at\":\"7s\"}");
    bench_run(&bench, 20 * SEC);
    assert_int_equal(actions_of(&bench, MSIM_FAULT_ACTION_FREEZE), 2);
    bench_finish(&bench);
}

static void who_is_too_old_when_the_strategy_comes_is_so_now(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_run(&bench, 9 * SEC);
    bench_add(&bench, 9 * SEC, "{\"kind\":\"session\",\"action\":\"close\",\"max_age\":\"5s\"}");
    bench_run(&bench, 9 * SEC);
    assert_int_equal(bench.count, 1);
    assert_int_equal(bench.seen[0].time, 9 * SEC);
    bench_finish(&bench);
}

static void where_time_finds_nobody_it_is_no_hit(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"session\",\"id\":\"s\",\"action\":\"rst\",\"scope\":\"client\",\"client\":"
        "\"nobody\",\"at\":\"1s\"}");
    bench_run(&bench, 2 * SEC);
    struct msim_fault_counts counts = bench_counts(&bench, "s");
    assert_int_equal(counts.decided, 1);
    assert_int_equal(counts.hits, 0);
    assert_int_equal(counts.inapplicable, 1);
    bench_finish(&bench);
}

/* Whether newcomers are let in, second by second. */
static void newcomers(struct bench *bench, const char *client, char *out, int seconds)
{
    struct msim_fault_session_params who = MSIM_FAULT_SESSION_PARAMS_INIT;

    who.client = client;
    for (int i = 0; i < seconds; i++)
        out[i] = msim_faults_admit(bench->faults, i * SEC, &who).action ? '#' : '.';
    out[seconds] = '\0';
}

static void more_barriers_than_there_is_room_for_are_refused_in_words(void **state)
{
    static const char json[] = "{\"kind\":\"session\",\"action\":\"refuse\",\"scope\":\"all\","
                               "\"duration\":\"1s\"}";
    struct bench bench;

    (void)state;
    bench_start(&bench);
    for (int i = 0; i < 256; i++)
        fire(&bench, 0, json);
    assert_int_equal(msim_faults_fire(bench.faults, 0, json, sizeof json - 1, &bench.detail),
                     MSIM_ERR_LIMIT);
    assert_non_null(
        strstr(bench.detail.text, "256 barriers against new connections stand already"));
    /* The layer goes on, and those that are over make room. */
    bench_run(&bench, SEC);
    fire(&bench, SEC, json);
    bench_finish(&bench);
}

static void a_barrier_flaps_and_gives_notice(void **state)
{
    struct bench bench;
    char doors[32];

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"action\":\"refuse\",\"scope\":\"all\",\"at\":\"0s\","
              "\"duration\":\"2s\",\"flap\":{\"times\":3,\"gap\":\"5s\"},\"notice\":{\"before\":"
              "\"1s\"}}");
    bench_run(&bench, 0);
    assert_int_equal(actions_of(&bench, MSIM_FAULT_ACTION_NOTICE), 1);
    newcomers(&bench, "new", doors, 20);
    assert_string_equal(doors, ".##...##...##.......");
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_acted_at_its_moment_does_not_act_again_after_an_update),
        cmocka_unit_test(what_comes_after_the_end_is_taken_and_counted),
        cmocka_unit_test(a_moment_that_is_moved_comes_again),
        cmocka_unit_test(who_is_too_old_when_the_strategy_comes_is_so_now),
        cmocka_unit_test(where_time_finds_nobody_it_is_no_hit),
        cmocka_unit_test(a_barrier_flaps_and_gives_notice),
        cmocka_unit_test(more_barriers_than_there_is_room_for_are_refused_in_words),
        cmocka_unit_test(the_table_of_effects_is_the_specification_s),
        cmocka_unit_test(each_state_lets_through_what_its_row_says),
        cmocka_unit_test(stuck_messages_come_in_their_order_when_the_freeze_ends),
        cmocka_unit_test(accepted_then_dead_no_consequence_is_sent),
        cmocka_unit_test(before_and_instead_lose_the_message),
        cmocka_unit_test(a_session_acts_when_its_delayed_message_leaves),
        cmocka_unit_test(pending_output_is_flushed_where_that_is_asked_for),
        cmocka_unit_test(the_scope_says_whom_it_befalls),
        cmocka_unit_test(what_is_fired_at_nobody_is_refused_with_the_nearest_name),
        cmocka_unit_test(a_rest_client_is_met_while_a_call_is_under_way_or_where_rest_is_named),
        cmocka_unit_test(what_is_fired_outside_its_window_is_told_so_and_gone),
        cmocka_unit_test(a_message_of_one_session_ends_all_of_its_account),
        cmocka_unit_test(sessions_end_at_their_age_with_a_notice_before),
        cmocka_unit_test(a_flap_comes_back_to_the_client_s_new_connection),
        cmocka_unit_test(at_a_rate_sessions_end_by_poisson),
        cmocka_unit_test(new_connections_meet_a_barrier_as_long_as_it_stands),
        cmocka_unit_test(pieces_of_a_message_are_of_the_sizes_asked_for),
        cmocka_unit_test(after_healing_the_session_goes_on),
        cmocka_unit_test(a_half_open_connection_that_was_healed_is_not_reset_later),
        cmocka_unit_test(a_state_counts_all_that_it_kept_back),
        cmocka_unit_test(what_was_fired_closes_after_its_notice_and_flaps_to_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
