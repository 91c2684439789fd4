/*
 * A client that comes again by itself.
 */
#include "bench.h"

#include <marketsim/dialer.h>

#define WAITS 16

struct caller {
    struct msim_dialer *dialer;
    size_t opened;
    size_t closed;
    size_t messages;
    size_t waits;
    size_t waits_most; /* then it says no */
    msim_time wait[WAITS];
    int failure;
    bool leaves; /* destroys its dialer when it is told of an end */
};

static void on_opened(void *context, struct msim_connection *connection)
{
    struct caller *caller = context;

    assert_ptr_equal(msim_dialer_connection(caller->dialer), connection);
    caller->opened++;
}

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct caller *caller = context;

    (void)connection;
    (void)kind;
    assert_memory_equal(bytes, "hi", length);
    caller->messages++;
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct caller *caller = context;

    (void)connection;
    caller->closed++;
    caller->failure = closing->failure;
    if (caller->leaves)
        msim_dialer_destroy(&caller->dialer);
}

static bool again(void *context, const struct msim_closing *closing, msim_time wait)
{
    struct caller *caller = context;

    (void)closing;
    if (caller->waits == caller->waits_most)
        return false;
    caller->wait[caller->waits++] = wait;
    return true;
}

static void dial(struct msim_net *net, struct caller *caller, uint16_t port)
{
    struct msim_dialer_params params = MSIM_DIALER_PARAMS_INIT;
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)port);
    params.connect.url = url;
    params.connect.handler.opened = on_opened;
    params.connect.handler.message = on_message;
    params.connect.handler.closed = on_closed;
    params.connect.context = caller;
    params.first_wait = 4 * MS;
    params.longest_wait = 20 * MS;
    params.again = again;
    assert_int_equal(msim_dialer_create(net, &caller->dialer, &params, NULL), MSIM_OK);
    memset(url, 'x', sizeof url); /* it was copied */
}

static void until(struct bench *bench, const size_t *count, size_t expected)
{
    for (int i = 0; i < PATIENCE && *count < expected; i++)
        turn(bench);
    assert_int_equal(*count, expected);
}

/* A port at which nobody listens. */
static uint16_t free_port(struct bench *bench)
{
    uint16_t port = msim_listener_port(bench->listener);

    msim_listener_close(&bench->listener);
    return port;
}

static void waits_double_up_to_the_longest_less_a_quarter_at_most(void **state)
{
    static const msim_time most[] = {4 * MS, 8 * MS, 16 * MS, 20 * MS, 20 * MS, 20 * MS};
    struct caller caller = {.waits_most = COUNT(most)};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    dial(bench.net, &caller, free_port(&bench));
    until(&bench, &caller.closed, COUNT(most) + 1);
    assert_int_equal(caller.failure, MSIM_ERR_IO);
    assert_int_equal(caller.opened, 0);
    assert_int_equal(caller.waits, COUNT(most));
    bool differs = false;
    for (size_t i = 0; i < COUNT(most); i++) {
        assert_in_range(caller.wait[i], most[i] - most[i] / 4, most[i]);
        differs |= caller.wait[i] != most[i];
    }
    assert_true(differs);

    /* It was told no: it rests. */
    assert_null(msim_dialer_connection(caller.dialer));
    for (int i = 0; i < 50; i++)
        turn(&bench);
    assert_int_equal(caller.closed, COUNT(most) + 1);
    msim_dialer_destroy(&caller.dialer);
    assert_null(caller.dialer);
    bench_finish(&bench);
}

static void a_message_makes_the_next_wait_the_first_one_again(void **state)
{
    struct caller caller = {.waits_most = WAITS};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    dial(bench.net, &caller, msim_listener_port(bench.listener));
    for (size_t i = 1; i <= 6; i++) {
        until(&bench, &caller.opened, i);
        if (i > 3) {
            assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "hi", 2), MSIM_OK);
            until(&bench, &caller.messages, i - 3);
        }
        msim_connection_abort(bench.last);
        until(&bench, &caller.closed, i);
    }
    assert_in_range(caller.wait[0], 3 * MS, 4 * MS);
    assert_in_range(caller.wait[2], 12 * MS, 16 * MS);
    for (size_t i = 3; i < 6; i++)
        assert_in_range(caller.wait[i], 3 * MS, 4 * MS);
    /* The net takes the dialer with it, in the midst of a wait. */
    bench_finish(&bench);
    assert_int_equal(caller.closed, 6);
}

static void one_that_was_closed_in_peace_comes_again_only_where_its_owner_says_so(void **state)
{
    struct msim_dialer_params params = MSIM_DIALER_PARAMS_INIT;
    struct caller caller = {0};
    struct bench bench;
    char url[64];

    (void)state;
    bench_open(&bench, NULL, 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)msim_listener_port(bench.listener));
    params.connect.url = url;
    params.connect.handler.opened = on_opened;
    params.connect.handler.closed = on_closed;
    params.connect.context = &caller;
    params.first_wait = 2 * MS;
    assert_int_equal(msim_dialer_create(bench.net, &caller.dialer, &params, NULL), MSIM_OK);
    until(&bench, &caller.opened, 1);
    msim_connection_close(bench.last, MSIM_CLOSE_GOING_AWAY, "");
    until(&bench, &caller.opened, 2);
    msim_connection_close(bench.last, MSIM_CLOSE_NORMAL, "");
    until(&bench, &caller.closed, 2);
    for (int i = 0; i < 50; i++)
        turn(&bench);
    assert_int_equal(caller.opened, 2);
    bench_finish(&bench);
}

static void a_dialer_may_be_destroyed_at_any_time(void **state)
{
    struct caller leaver = {.waits_most = WAITS, .leaves = true};
    struct caller opening = {.waits_most = WAITS};
    struct caller open = {.waits_most = WAITS};
    struct caller waiting = {.waits_most = WAITS};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    uint16_t port = msim_listener_port(bench.listener);
    dial(bench.net, &opening, port);
    msim_dialer_destroy(&opening.dialer);
    dial(bench.net, &open, port);
    until(&bench, &open.opened, 1);
    msim_dialer_destroy(&open.dialer);
    free_port(&bench);
    dial(bench.net, &leaver, port);
    until(&bench, &leaver.closed, 1);
    assert_null(leaver.dialer);
    dial(bench.net, &waiting, port);
    until(&bench, &waiting.closed, 1);
    msim_dialer_destroy(&waiting.dialer);
    for (int i = 0; i < 50; i++)
        turn(&bench);
    assert_int_equal(opening.closed + open.closed, 0); /* nothing is told behind the destroy */
    assert_int_equal(leaver.waits, 0);
    assert_int_equal(waiting.closed, 1);
    msim_dialer_destroy(NULL);
    bench_finish(&bench);
}

static void what_cannot_be_dialled_is_refused(void **state)
{
    struct msim_dialer_params params = MSIM_DIALER_PARAMS_INIT;
    struct msim_dialer *dialer = NULL;
    struct msim_detail detail = {""};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    assert_int_equal(msim_dialer_create(bench.net, &dialer, &params, &detail), MSIM_ERR_INVALID);
    assert_true(strlen(detail.text) > 0);
    params.connect.url = "http://a/";
    assert_int_equal(msim_dialer_create(bench.net, &dialer, &params, &detail), MSIM_ERR_INVALID);
    params.connect.url = "ws://127.0.0.1:1/";
    params.first_wait = -1;
    assert_int_equal(msim_dialer_create(bench.net, &dialer, &params, &detail), MSIM_ERR_INVALID);
    params.first_wait = 0;
    params.connect.size = 1;
    assert_int_equal(msim_dialer_create(bench.net, &dialer, &params, &detail), MSIM_ERR_INVALID);
    assert_null(dialer);
    assert_null(msim_dialer_connection(NULL));
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_longest_less_a_quarter_at_most),
        cmocka_unit_test(a_message_makes_the_next_wait_the_first_one_again),
        cmocka_unit_test(one_that_was_closed_in_peace_comes_again_only_where_its_owner_says_so),
        cmocka_unit_test(a_dialer_may_be_destroyed_at_any_time),
        cmocka_unit_test(what_cannot_be_dialled_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
