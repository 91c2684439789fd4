/*
 * The replay server's clients over loopback: what they ask for, how they steer, and how they share
 * a broadcast.  Servers and clients are stepped in turn, and clients are always caught up with what
 * has come, but for those who are told not to read.
 */
#include "check.h"

#include <marketsim/impair.h>
#include <marketsim/marketsim.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oom/failing.h"

enum { TRADES = 2000, PER_BUNDLE = 4, CROWD = 100 };

struct guest {
    struct msim_connection *connection;
    size_t messages;
    size_t trades;
    size_t restarts;
    int64_t next_price; /* that ought to come; -1: any */
    size_t jumps;       /* prices that were not next */
    char *last;         /* a copy of the latest message */
    char answers[4096]; /* to control messages, one behind the other */
    bool is_open;
    bool is_deflated;
    bool is_over;
    bool is_finished;
    int code;
    char reason[160];
};

struct bench {
    struct msim_record records[TRADES];
    char names[2][4200];
    const char *symbols[2];
    struct msim_replay_server *server;
    struct msim_net *net;
    struct msim_deflate deflate; /* that guests ask for */
    struct guest guests[CROWD + 1];
    size_t guest_count;
};

static int open_source(void *context, const struct msim_replay_selection *selection,
                       struct msim_source *out, struct msim_detail *detail)
{
    struct bench *bench = context;
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    size_t first = 0, end = TRADES;

    while (first < TRADES && selection->has_from && bench->records[first].time < selection->from)
        first++;
    while (end > first && selection->has_to && bench->records[end - 1].time >= selection->to)
        end--;
    params.records = bench->records + first;
    params.count = end - first;
    params.symbols = bench->symbols;
    params.symbol_count = COUNT(bench->symbols);
    return msim_source_array(out, &params, detail);
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    strcpy(bench->names[0], "BTC");
    strcpy(bench->names[1], "ETH");
    for (size_t i = 0; i < 2; i++)
        bench->symbols[i] = bench->names[i];
    for (size_t i = 0; i < TRADES; i++) {
        struct msim_record *record = &bench->records[i];
        record->time = (msim_time)(i / PER_BUNDLE) * MSIM_NS_PER_MS;
        record->kind = MSIM_RECORD_TRADE;
        record->symbol = (uint32_t)(i % 2);
        record->as.trade.price = (int64_t)i;
        record->as.trade.quantity = 1;
    }
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_net_destroy(&bench->net);
    msim_replay_server_destroy(&bench->server);
    for (size_t i = 0; i < bench->guest_count; i++)
        free(bench->guests[i].last);
    free(bench);
    return 0;
}

/* ---- guests ---- */

static int take_trade(void *context, const struct msim_replay_message *message)
{
    struct guest *guest = context;
    int64_t price = message->record.as.trade.price;

    guest->jumps += guest->next_price >= 0 && price != guest->next_price;
    guest->next_price = price + 1;
    guest->trades++;
    return MSIM_OK;
}

static void take_status(struct guest *guest, const char *text)
{
    static const char end[] =
        "{\"status\": \"Replay finished.\""; /* and more where no trade came */

    guest->restarts += strcmp(text, "{\"status\": \"Replay restarting.\"}") == 0;
    guest->is_finished |= strncmp(text, end, sizeof end - 1) == 0;
    if (strncmp(text, "{\"status\":", 10) != 0 && strncmp(text, "{\"error\":", 9) != 0)
        return;
    size_t used = strlen(guest->answers);
    if (text[10] != ' ')
        snprintf(guest->answers + used, sizeof guest->answers - used, "%s", text);
}

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct guest *guest = context;
    struct msim_replay_message message;

    (void)connection;
    assert_int_equal(kind, MSIM_MESSAGE_TEXT);
    guest->messages++;
    guest->last = realloc(guest->last, length + 1);
    char *scratch = malloc(length + 1);
    assert_true(guest->last && scratch);
    memcpy(guest->last, bytes, length);
    guest->last[length] = '\0';
    assert_int_equal(msim_replay_decode(guest->last, length, &message, scratch, NULL), MSIM_OK);
    if (message.kind == MSIM_REPLAY_TRADE)
        take_trade(guest, &message);
    else if (message.kind == MSIM_REPLAY_BUNDLE)
        assert_int_equal(
            msim_replay_decode_bundle(guest->last, length, scratch, take_trade, guest, NULL),
            MSIM_OK);
    else
        take_status(guest, guest->last);
    free(scratch);
}

static void on_opened(void *context, struct msim_connection *connection)
{
    struct guest *guest = context;

    guest->is_open = true;
    guest->is_deflated = msim_connection_is_deflated(connection);
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct guest *guest = context;

    (void)connection;
    guest->connection = NULL;
    guest->is_over = true;
    guest->code = closing->code;
    snprintf(guest->reason, sizeof guest->reason, "%s", closing->reason);
}

static struct guest *invite(struct bench *bench, const char *query)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    struct guest *guest = &bench->guests[bench->guest_count++];
    char url[256];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/%s", msim_replay_server_port(bench->server),
             query);
    params.url = url;
    params.handler.opened = on_opened;
    params.handler.message = on_message;
    params.handler.closed = on_closed;
    params.context = guest;
    params.limits.max_message_bytes = 64 << 20;
    params.deflate = bench->deflate;
    guest->next_price = -1;
    if (!bench->net)
        assert_int_equal(msim_net_create(&bench->net, &net_params, NULL), MSIM_OK);
    assert_int_equal(msim_net_connect(bench->net, &guest->connection, &params, NULL), MSIM_OK);
    return guest;
}

/* A turn of the server, and all that its clients can do about it. */
static void step(struct bench *bench)
{
    assert_true(msim_replay_server_dispatch(bench->server, 1) >= 0);
    while (bench->net && msim_net_dispatch(bench->net, 0) > 0)
        continue;
}

static void play(struct bench *bench, const struct guest *guest)
{
    while (!guest->is_over)
        step(bench);
}

static void say(struct bench *bench, struct guest *guest, const char *text)
{
    while (!guest->is_open)
        step(bench);
    assert_int_equal(msim_connection_send(guest->connection, MSIM_MESSAGE_TEXT, text, strlen(text)),
                     MSIM_OK);
}

/* Says it, and waits for the answer. */
static const char *ask(struct bench *bench, struct guest *guest, const char *text)
{
    guest->answers[0] = '\0';
    say(bench, guest, text);
    while (guest->answers[0] == '\0' && !guest->is_over)
        step(bench);
    return guest->answers;
}

static struct msim_replay_server_params params_of(struct bench *bench)
{
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;

    params.open = open_source;
    params.context = bench;
    params.host = "127.0.0.1";
    params.speed = (struct msim_speed){1, 0};
    return params;
}

static void start(struct bench *bench, const struct msim_replay_server_params *params)
{
    struct msim_detail detail = {{0}};

    if (msim_replay_server_create(&bench->server, params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static struct msim_replay_stats stats_of(const struct bench *bench)
{
    struct msim_replay_stats stats;

    msim_replay_server_stats(bench->server, &stats);
    return stats;
}

/* ---- a replay of one's own ---- */

static void a_client_steers_its_replay(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    /* The second bundle is due in three years. */
    params.speed = (struct msim_speed){1, INT64_C(100000000000)};
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    assert_string_equal(ask(bench, guest, "{\"op\":\"step\"}"),
                        "{\"error\":\"step: the replay is running; send {\\\"op\\\":\\\"pause\\\"} "
                        "first\"}");
    assert_string_equal(ask(bench, guest, "{\"op\":\"pause\"}"),
                        "{\"status\":\"ok\",\"op\":\"pause\"}");
    assert_int_equal(guest->trades, PER_BUNDLE);
    assert_string_equal(ask(bench, guest, "{\"op\":\"step\",\"count\":2}"),
                        "{\"status\":\"ok\",\"op\":\"step\"}");
    while (guest->trades < 3 * PER_BUNDLE)
        step(bench);
    assert_int_equal(guest->jumps, 0);
    guest->next_price = 400;
    ask(bench, guest, "{\"op\":\"seek\",\"to\":\"1970-01-01T00:00:00.1Z\"}");
    ask(bench, guest, "{\"op\":\"step\"}");
    while (guest->trades < 4 * PER_BUNDLE)
        step(bench);
    guest->next_price = 0;
    ask(bench, guest, "{\"op\":\"seek\",\"to\":0}");
    assert_non_null(strstr(ask(bench, guest, "{\"op\":\"stats\"}"),
                           "\"position\":\"1970-01-01T00:00:00.000000Z\",\"paused\":true,"));
    assert_non_null(strstr(ask(bench, guest, "{\"op\":\"rewind\"}"), "{\"error\":\"op: none of"));
    ask(bench, guest, "{\"op\":\"speed\",\"value\":\"max\"}");
    assert_int_equal(guest->trades, 4 * PER_BUNDLE);
    say(bench, guest, "{\"op\":\"resume\"}");
    play(bench, guest);
    assert_int_equal(guest->trades, 4 * PER_BUNDLE + TRADES);
    assert_int_equal(guest->jumps, 0);
    assert_true(guest->is_finished);
    assert_int_equal(guest->code, MSIM_CLOSE_NORMAL);
}

/* A guest whose replay is paused behind its first bundle. */
static struct guest *invite_paused(struct bench *bench, bool loop)
{
    struct msim_replay_server_params params = params_of(bench);

    params.speed = (struct msim_speed){1, INT64_C(100000000000)};
    params.loop = loop;
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    ask(bench, guest, "{\"op\":\"pause\"}");
    guest->answers[0] = '\0';
    return guest;
}

static void what_is_said_behind_steps_comes_behind_their_trades(void **state)
{
    struct guest *guest = invite_paused(*state, false);

    say(*state, guest, "{\"op\":\"step\",\"count\":3}");
    say(*state, guest, "{\"op\":\"seek\",\"to\":\"1970-01-01T00:00:00.1Z\"}");
    say(*state, guest, "{\"op\":\"step\"}");
    say(*state, guest, "{\"op\":\"stats\"}");
    while (!strstr(guest->answers, "stats"))
        step(*state);
    assert_int_equal(guest->trades, 5 * PER_BUNDLE);
    assert_int_equal(guest->next_price, 101 * PER_BUNDLE);
    const char *seek = strstr(guest->answers, "{\"status\":\"ok\",\"op\":\"seek\"}");
    assert_true(seek &&
                strstr(seek, "\"op\":\"stats\",\"position\":\"1970-01-01T00:00:00.100000Z\""));
}

static void a_pause_ends_steps_at_once(void **state)
{
    struct guest *guest = invite_paused(*state, true);

    say(*state, guest, "{\"op\":\"step\",\"count\":1000000000000}");
    while (guest->trades < TRADES)
        step(*state);
    ask(*state, guest, "{\"op\":\"pause\"}");
    size_t trades = guest->trades;
    assert_true(ask(*state, guest, "{\"op\":\"speed\",\"value\":2}") && guest->trades == trades);
}

static void more_steps_than_there_are_lose_no_answer(void **state)
{
    struct guest *guest = invite_paused(*state, false);

    for (int round = 0; round < 2; round++) {
        say(*state, guest, "{\"op\":\"step\",\"count\":1000000}");
        ask(*state, guest, round == 0 ? "{\"op\":\"seek\",\"to\":0}" : "{\"op\":\"stats\"}");
    }
    play(*state, guest);
    assert_non_null(strstr(guest->answers, "\"trades\":4000,"));
    assert_int_equal(guest->trades, 2 * TRADES);
}

static void behind_the_answer_to_a_pause_comes_nothing(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.loop = true;
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    while (guest->trades < 5000)
        step(bench);
    ask(bench, guest, "{\"op\":\"pause\"}");
    size_t trades = guest->trades;
    for (int i = 0; i < 20; i++)
        step(bench);
    assert_int_equal(guest->trades, trades);
    assert_int_equal(trades % PER_BUNDLE, 0);
}

static void binary_messages_are_answered_as_mistakes(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.speed = (struct msim_speed){1, INT64_C(100000000000)};
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    while (!guest->is_open)
        step(bench);
    assert_int_equal(msim_connection_send(guest->connection, MSIM_MESSAGE_BINARY, "{}", 2),
                     MSIM_OK);
    while (guest->answers[0] == '\0')
        step(bench);
    assert_non_null(strstr(guest->answers, "{\"error\":\"no JSON such as"));
    assert_string_equal(ask(bench, guest, "{\"op\":\"pause\"}"),
                        "{\"status\":\"ok\",\"op\":\"pause\"}");
}

static void who_asks_without_end_and_never_reads_is_closed(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.max_backlog_bytes = 256 << 10;
    params.speed = (struct msim_speed){1, INT64_C(100000000000)};
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    ask(bench, guest, "{\"op\":\"pause\"}");
    msim_connection_impair(guest->connection, MSIM_IMPAIR_READ);
    for (int i = 0; i < 20000; i++) {
        say(bench, guest, "{\"op\":\"stats\"}");
        if (i % 100 == 0)
            step(bench);
    }
    msim_connection_impair(guest->connection, 0);
    play(bench, guest);
    assert_int_equal(guest->code, MSIM_CLOSE_POLICY);
    assert_non_null(strstr(guest->reason, "control messages"));
}

static void the_url_chooses_window_tickers_and_format(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.speed = (struct msim_speed){1, 1};
    start(bench, &params);
    struct guest *guest = invite(
        bench, "?speed=max&from=1970-01-01T00:00:00.1Z&to=1970-01-01T00:00:00.2Z&ticker=E*,X");
    play(bench, guest);
    assert_int_equal(guest->trades, 200);
    assert_int_equal(guest->code, MSIM_CLOSE_NORMAL);
    guest = invite(bench, "?speed=max&format=bundle&timestamps=iso");
    play(bench, guest);
    assert_int_equal(guest->messages, TRADES / PER_BUNDLE + 2);
    assert_int_equal(guest->trades, TRADES);
    assert_int_equal(guest->jumps, 0);
    guest = invite(bench, "?speed=max&ticker=DOGE");
    play(bench, guest);
    assert_int_equal(guest->messages, 2);
    assert_true(guest->is_finished);
}

static void a_bundle_larger_than_the_backlog_is_one_message(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    for (size_t i = 0; i < 2; i++) {
        memset(bench->names[i], 'a', 400);
        bench->names[i][400] = '\0';
    }
    for (size_t i = 0; i < TRADES; i++)
        bench->records[i].time = i < 10 ? (msim_time)i : 100;
    params.max_backlog_bytes = 256 << 10;
    params.format = MSIM_REPLAY_FORMAT_BUNDLE;
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    play(bench, guest);
    assert_int_equal(guest->messages, 11 + 2);
    assert_int_equal(guest->trades, TRADES);
    assert_int_equal(guest->jumps, 0);
    assert_int_equal(stats_of(bench).encoded, 11);
}

/* What is said in the middle of such a bundle waits for its end. */
static void commands_within_a_bundle_are_obeyed_behind_it(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    for (size_t i = 0; i < 2; i++) {
        memset(bench->names[i], 'a', 4000);
        bench->names[i][4000] = '\0';
    }
    for (size_t i = 0; i < TRADES; i++)
        bench->records[i].time = i < TRADES / 2 ? 1 : 2;
    params.max_backlog_bytes = 256 << 10;
    params.format = MSIM_REPLAY_FORMAT_BUNDLE;
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    while (!guest->is_open)
        step(bench);
    msim_connection_impair(guest->connection, MSIM_IMPAIR_READ);
    for (int i = 0; i < 10; i++)
        step(bench);
    say(bench, guest, "{\"op\":\"stats\"}");
    say(bench, guest, "{\"op\":\"pause\"}");
    for (int i = 0; i < 10; i++)
        step(bench);
    msim_connection_impair(guest->connection, 0);
    while (!strstr(guest->answers, "\"pause\""))
        step(bench);
    assert_int_equal(guest->trades, TRADES / 2);
    assert_non_null(strstr(guest->answers, "\"op\":\"stats\""));
    say(bench, guest, "{\"op\":\"resume\"}");
    play(bench, guest);
    assert_int_equal(guest->trades, TRADES);
    assert_int_equal(guest->messages, 2 + 2 + 3);
}

static void messages_are_compressed_for_those_who_asked(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.deflate.is_on = bench->deflate.is_on = true;
    int r = msim_replay_server_create(&bench->server, &params, NULL);
    if (r == MSIM_ERR_UNSUPPORTED)
        skip();
    assert_int_equal(r, MSIM_OK);
    struct guest *single = invite(bench, "");
    struct guest *bundled = invite(bench, "?format=bundle");
    bench->deflate.is_on = false;
    struct guest *plain = invite(bench, "");
    play(bench, single);
    play(bench, bundled);
    play(bench, plain);
    assert_true(single->is_deflated && bundled->is_deflated && !plain->is_deflated);
    assert_int_equal(single->trades, TRADES);
    assert_int_equal(bundled->trades, TRADES);
    assert_int_equal(plain->trades, TRADES);
    assert_int_equal(single->jumps + bundled->jumps + plain->jumps, 0);
}

static void a_loop_says_that_it_begins_anew(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    start(bench, &params);
    struct guest *guest = invite(bench, "?loop=1");
    while (guest->restarts < 3)
        step(bench);
    assert_true(guest->trades >= 3 * TRADES);
    assert_false(guest->is_finished);
    /* A jump back for each round whose first trade has come. */
    assert_true(guest->jumps == guest->restarts || guest->jumps + 1 == guest->restarts);
    assert_true(stats_of(bench).finished >= 3);
}

static void a_mistake_in_the_url_is_closed_with_its_name(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    start(bench, &params);
    struct guest *guest = invite(bench, "?speed=1&format=csv");
    play(bench, guest);
    assert_int_equal(guest->messages, 0);
    assert_int_equal(guest->code, MSIM_CLOSE_POLICY);
    assert_string_equal(guest->reason, "format: neither trades nor bundle");
    while (stats_of(bench).clients > 0)
        step(bench);
}

/* ---- a broadcast ---- */

static struct msim_replay_server_params broadcast_of(struct bench *bench)
{
    struct msim_replay_server_params params = params_of(bench);

    params.mode = MSIM_REPLAY_BROADCAST;
    params.slow_client = MSIM_SLOW_WAIT;
    return params;
}

static void a_hundred_clients_share_one_encoding(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = broadcast_of(bench);

    params.wait_clients = CROWD;
    start(bench, &params);
    for (size_t i = 0; i < CROWD; i++)
        invite(bench, "");
    for (size_t i = 0; i < CROWD; i++) {
        play(bench, &bench->guests[i]);
        assert_int_equal(bench->guests[i].trades, TRADES);
        assert_int_equal(bench->guests[i].messages, TRADES + 2);
        assert_int_equal(bench->guests[i].jumps, 0);
        assert_true(bench->guests[i].is_finished);
        assert_int_equal(bench->guests[i].code, MSIM_CLOSE_NORMAL);
    }
    struct msim_replay_stats stats = stats_of(bench);
    assert_int_equal(stats.encoded, TRADES);
    assert_int_equal(stats.delivered, CROWD * TRADES);
    assert_int_equal(stats.trades, TRADES);
    assert_int_equal(stats.bundles, TRADES / PER_BUNDLE);
    assert_int_equal(stats.finished, 1);
    assert_int_equal(stats.dropped + stats.slow, 0);
    assert_true(stats.ended);
}

static void who_comes_later_joins_where_it_stands_and_who_comes_last_is_told(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = broadcast_of(bench);

    params.speed = (struct msim_speed){1, 1};
    params.wait_clients = 1;
    params.format = MSIM_REPLAY_FORMAT_BUNDLE;
    start(bench, &params);
    struct guest *first = invite(bench, "");
    while (first->trades < 100)
        step(bench);
    struct guest *late = invite(bench, "?format=bundle");
    play(bench, first);
    play(bench, late);
    assert_int_equal(first->trades, TRADES);
    assert_true(late->trades < TRADES);
    assert_int_equal(late->jumps, 0);
    assert_true(late->is_finished);
    assert_string_equal(first->last, late->last);
    struct guest *last = invite(bench, "");
    play(bench, last);
    assert_int_equal(last->messages, 2);
    assert_true(last->is_finished);
    assert_int_equal(last->code, MSIM_CLOSE_NORMAL);
}

/* Messages of 4 KB: 8 MB in all, which neither backlog nor system hold. */
static struct guest *stall_one_of_two(struct bench *bench, enum msim_slow_policy policy)
{
    struct msim_replay_server_params params = broadcast_of(bench);

    for (size_t i = 0; i < 2; i++) {
        memset(bench->names[i], 'a', 4000);
        bench->names[i][4000] = '\0';
    }
    params.slow_client = policy;
    params.max_backlog_bytes = 1 << 20;
    params.wait_clients = 2;
    start(bench, &params);
    struct guest *slow = invite(bench, "");
    while (!slow->is_open)
        step(bench);
    msim_connection_impair(slow->connection, MSIM_IMPAIR_READ);
    return slow;
}

static void a_slow_client_is_closed_and_nobody_else(void **state)
{
    struct bench *bench = *state;
    struct guest *slow = stall_one_of_two(bench, MSIM_SLOW_DISCONNECT);
    struct guest *quick = invite(bench, "");

    play(bench, quick);
    assert_int_equal(quick->trades, TRADES);
    assert_int_equal(quick->code, MSIM_CLOSE_NORMAL);
    msim_connection_impair(slow->connection, 0);
    play(bench, slow);
    assert_int_equal(slow->code, MSIM_CLOSE_TRY_LATER);
    assert_true(slow->trades < TRADES);
    assert_int_equal(slow->jumps, 0);
    assert_int_equal(stats_of(bench).slow, 1);
}

static void a_slow_client_loses_its_oldest_messages_and_they_are_counted(void **state)
{
    struct bench *bench = *state;
    struct guest *slow = stall_one_of_two(bench, MSIM_SLOW_DROP);
    struct guest *quick = invite(bench, "");

    while (quick->trades < TRADES)
        step(bench);
    msim_connection_impair(slow->connection, 0);
    play(bench, slow);
    assert_int_equal(slow->code, MSIM_CLOSE_NORMAL);
    assert_true(slow->is_finished);
    assert_int_equal(slow->next_price, TRADES);
    assert_true(slow->jumps > 0);
    assert_true(slow->trades < TRADES);
    assert_int_equal(slow->trades + stats_of(bench).dropped, TRADES);
}

static void a_slow_client_is_waited_for_and_loses_nothing(void **state)
{
    struct bench *bench = *state;
    struct guest *slow = stall_one_of_two(bench, MSIM_SLOW_WAIT);
    struct guest *quick = invite(bench, "");

    for (int i = 0; i < 200; i++)
        step(bench);
    assert_true(quick->trades < TRADES);
    assert_true(stats_of(bench).backlog_bytes < 3 << 20);
    msim_connection_impair(slow->connection, 0);
    play(bench, slow);
    play(bench, quick);
    assert_int_equal(slow->trades, TRADES);
    assert_int_equal(quick->trades, TRADES);
    assert_int_equal(slow->jumps + quick->jumps, 0);
    assert_int_equal(stats_of(bench).encoded, TRADES);
}

static void a_broadcast_has_no_remote_control_and_refuses_what_is_for_one(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = broadcast_of(bench);

    params.wait_clients = 50;
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    assert_non_null(strstr(ask(bench, guest, "{\"op\":\"pause\"}"), "{\"error\":\"pause: all"));
    assert_non_null(strstr(ask(bench, guest, "{\"op\":"), "{\"error\":\"no JSON"));
    assert_non_null(strstr(ask(bench, guest, "{\"op\":\"stats\"}"), "\"position\":null"));
    guest = invite(bench, "?ticker=BTC");
    play(bench, guest);
    assert_int_equal(guest->code, MSIM_CLOSE_POLICY);
    assert_non_null(strstr(guest->reason, "--ticker"));
}

static void a_broadcast_in_a_loop_goes_on(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = broadcast_of(bench);

    params.loop = true;
    start(bench, &params);
    struct guest *first = invite(bench, "");
    struct guest *second = invite(bench, "?loop=1");
    while (first->restarts < 2 || second->restarts < 2)
        step(bench);
    assert_true(first->trades >= 2 * TRADES);
    assert_false(first->is_finished || second->is_finished);
}

static int break_source(void *context, const struct msim_replay_selection *selection,
                        struct msim_source *out, struct msim_detail *detail)
{
    struct bench *bench = context;

    /* The encoder knows trades alone. */
    bench->records[1000].kind = MSIM_RECORD_QUOTE;
    return open_source(context, selection, out, detail);
}

static void a_broadcast_that_fails_tells_all_and_those_who_come_later(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = broadcast_of(bench);

    params.open = break_source;
    params.wait_clients = 2;
    start(bench, &params);
    invite(bench, "");
    invite(bench, "");
    for (size_t i = 0; i < 3; i++) {
        struct guest *guest = i < 2 ? &bench->guests[i] : invite(bench, "");
        play(bench, guest);
        assert_int_equal(guest->trades, i < 2 ? 1000 : 0);
        assert_int_equal(guest->code, MSIM_CLOSE_INTERNAL);
        assert_memory_equal(guest->last, "{\"error\": ", 10);
    }
}

static int attempt_broadcast(const struct msim_allocator *allocator, struct bench *bench)
{
    struct msim_replay_server_params params = broadcast_of(bench);
    struct msim_replay_server *server = NULL;

    params.allocator = allocator;
    int r = msim_replay_server_create(&server, &params, NULL);
    msim_replay_server_destroy(&server);
    return r;
}

static void every_allocation_of_a_broadcast_may_fail(void **state)
{
    FAIL_EACH_ALLOCATION(attempt_broadcast, *state);
}

/* Memory that fails while it runs costs clients, or the broadcast; nothing leaks. */
static void memory_that_fails_while_a_broadcast_runs_ends_it_at_most(void **state)
{
    struct bench *bench = *state;

    for (size_t spared = 0; spared < 30; spared++) {
        struct failing failing = {.fail_at = SIZE_MAX};
        struct msim_allocator allocator = failing_allocator(&failing);
        struct msim_replay_server_params params = broadcast_of(bench);
        params.allocator = &allocator;
        bench->guest_count = 0;
        start(bench, &params);
        failing.fail_at = failing.calls + spared;
        struct guest *guest = invite(bench, "?loop=0");
        play(bench, guest);
        free(guest->last);
        *guest = (struct guest){.code = 0};
        msim_net_destroy(&bench->net);
        msim_replay_server_destroy(&bench->server);
        assert_int_equal(failing.blocks, 0);
        assert_int_equal(failing.bytes, 0);
    }
}

static void a_stop_ends_a_broadcast(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = broadcast_of(bench);

    params.wait_clients = 5;
    start(bench, &params);
    struct guest *guest = invite(bench, "");
    while (guest->messages == 0)
        step(bench);
    msim_replay_server_stop(bench->server);
    play(bench, guest);
    assert_int_equal(guest->code, MSIM_CLOSE_GOING_AWAY);
}

/* ---- the failure layer ---- */

static struct msim_faults *plan_of(const char *json)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_faults *faults = NULL;
    struct msim_detail detail = {{0}};

    params.realtime = true;
    if (msim_replay_server_check_faults(json, strlen(json), &detail) < 0 ||
        msim_faults_create(&faults, &params, &detail) < 0 ||
        msim_faults_add_all(faults, 0, json, strlen(json), &detail) < 0)
        fail_msg("%s", detail.text);
    return faults;
}

static void what_befalls_messages_befalls_those_of_each_client(void **state)
{
    static const char plan[] =
        "[{\"kind\":\"drop\",\"p\":0.5,\"select\":{\"dir\":\"out\",\"label\":\"robot/*\"}},"
        "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\",\"label\":\"parrot/*\"}},"
        "{\"kind\":\"delay\",\"dist\":\"20ms\",\"select\":{\"dir\":\"out\",\"label\":\"snail/"
        "*\"}}]";
    struct bench *bench = *state;

    for (int mode = 0; mode < 2; mode++) {
        struct msim_faults *faults = plan_of(plan);
        struct msim_replay_server_params params = mode ? broadcast_of(bench) : params_of(bench);
        params.faults = faults;
        params.wait_clients = 4;
        start(bench, &params);
        struct guest *robot = invite(bench, "?msim_client=robot");
        struct guest *parrot = invite(bench, "?msim_client=parrot");
        struct guest *snail = invite(bench, "?msim_client=snail");
        struct guest *honest = invite(bench, "");
        struct guest *all[] = {robot, parrot, snail, honest};
        for (size_t i = 0; i < COUNT(all); i++) {
            play(bench, all[i]);
            assert_int_equal(all[i]->code, MSIM_CLOSE_NORMAL);
            assert_true(all[i]->is_finished);
        }
        assert_true(robot->trades > TRADES / 4 && robot->trades < 3 * TRADES / 4);
        assert_int_equal(parrot->trades, 2 * TRADES);
        assert_int_equal(snail->trades, TRADES);
        assert_int_equal(honest->trades, TRADES);
        assert_int_equal(honest->jumps + snail->jumps, 0);
        msim_net_destroy(&bench->net);
        msim_replay_server_destroy(&bench->server);
        msim_faults_destroy(&faults);
    }
}

static void a_plan_that_a_replay_cannot_follow_is_refused(void **state)
{
    static const char plan[] = "[{\"kind\":\"reject\",\"p\":1}]";
    struct msim_detail detail = {{0}};

    (void)state;
    assert_int_equal(msim_replay_server_check_faults(plan, sizeof plan - 1, &detail),
                     MSIM_ERR_UNSUPPORTED);
    assert_non_null(strstr(detail.text, "a replay server"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_client_steers_its_replay),
        TEST(what_is_said_behind_steps_comes_behind_their_trades),
        TEST(a_pause_ends_steps_at_once),
        TEST(more_steps_than_there_are_lose_no_answer),
        TEST(behind_the_answer_to_a_pause_comes_nothing),
        TEST(binary_messages_are_answered_as_mistakes),
        TEST(who_asks_without_end_and_never_reads_is_closed),
        TEST(the_url_chooses_window_tickers_and_format),
        TEST(a_bundle_larger_than_the_backlog_is_one_message),
        TEST(commands_within_a_bundle_are_obeyed_behind_it),
        TEST(messages_are_compressed_for_those_who_asked),
        TEST(a_loop_says_that_it_begins_anew),
        TEST(a_mistake_in_the_url_is_closed_with_its_name),
        TEST(a_hundred_clients_share_one_encoding),
        TEST(who_comes_later_joins_where_it_stands_and_who_comes_last_is_told),
        TEST(a_slow_client_is_closed_and_nobody_else),
        TEST(a_slow_client_loses_its_oldest_messages_and_they_are_counted),
        TEST(a_slow_client_is_waited_for_and_loses_nothing),
        TEST(a_broadcast_has_no_remote_control_and_refuses_what_is_for_one),
        TEST(a_broadcast_in_a_loop_goes_on),
        TEST(a_broadcast_that_fails_tells_all_and_those_who_come_later),
        TEST(every_allocation_of_a_broadcast_may_fail),
        TEST(memory_that_fails_while_a_broadcast_runs_ends_it_at_most),
        TEST(a_stop_ends_a_broadcast),
        TEST(what_befalls_messages_befalls_those_of_each_client),
        TEST(a_plan_that_a_replay_cannot_follow_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
