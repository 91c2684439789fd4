/*
 * The loop itself: watches, turns, a host's own loop, and handlers that do the worst that
 * is allowed.
 */
#include "bench.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- watches ---- */

struct watcher {
    struct msim_net *net;
    int calls;
    int other; /* unwatched and closed from inside */
    bool leaves;
};

static void on_ready(void *context, int fd)
{
    struct watcher *watcher = context;
    char byte;

    watcher->calls++;
    assert_int_equal(read(fd, &byte, 1), 1);
    if (watcher->leaves)
        msim_net_unwatch(watcher->net, fd);
    if (watcher->other >= 0) {
        msim_net_unwatch(watcher->net, watcher->other);
        close(watcher->other);
        watcher->other = -1;
    }
}

static void a_watched_descriptor_is_told_of_until_it_is_unwatched(void **state)
{
    struct bench bench;
    int ends[2];

    (void)state;
    bench_open(&bench, NULL, 0);
    struct watcher watcher = {.net = bench.net, .other = -1};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(msim_net_watch(bench.net, ends[0], on_ready, &watcher), MSIM_OK);
    assert_int_equal(msim_net_watch(bench.net, ends[0], on_ready, &watcher), MSIM_ERR_EXISTS);
    assert_int_equal(msim_net_watch(bench.net, -1, on_ready, &watcher), MSIM_ERR_INVALID);
    assert_int_equal(msim_net_dispatch(bench.net, 0), 0);
    assert_int_equal(write(ends[1], "ab", 2), 2);
    assert_int_equal(msim_net_dispatch(bench.net, 0), 1);
    assert_int_equal(watcher.calls, 1);
    watcher.leaves = true;
    assert_int_equal(msim_net_dispatch(bench.net, 0), 1);
    assert_int_equal(write(ends[1], "c", 1), 1);
    assert_int_equal(msim_net_dispatch(bench.net, 0), 0);
    assert_int_equal(watcher.calls, 2);
    assert_int_equal(msim_net_watch(bench.net, ends[0], on_ready, &watcher), MSIM_OK);
    assert_int_equal(msim_net_dispatch(bench.net, 0), 1);
    close(ends[0]);
    close(ends[1]);
    bench_finish(&bench);
}

static void a_regular_file_cannot_be_watched(void **state)
{
    FILE *file = tmpfile();
    struct bench bench;

    (void)state;
    assert_non_null(file);
    bench_open(&bench, NULL, 0);
    assert_int_equal(msim_net_watch(bench.net, fileno(file), on_ready, NULL), MSIM_ERR_UNSUPPORTED);
    fclose(file);
    bench_finish(&bench);
}

static void one_watch_may_end_another_that_is_ready_in_the_same_turn(void **state)
{
    struct bench bench;
    int first[2];
    int second[2];

    (void)state;
    bench_open(&bench, NULL, 0);
    assert_int_equal(pipe(first), 0);
    assert_int_equal(pipe(second), 0);
    struct watcher a = {.net = bench.net, .other = second[0]};
    struct watcher b = {.net = bench.net, .other = first[0]};
    assert_int_equal(msim_net_watch(bench.net, first[0], on_ready, &a), MSIM_OK);
    assert_int_equal(msim_net_watch(bench.net, second[0], on_ready, &b), MSIM_OK);
    assert_int_equal(write(first[1], "a", 1), 1);
    assert_int_equal(write(second[1], "b", 1), 1);
    turn(&bench);
    assert_int_equal(a.calls + b.calls, 1);
    close(a.calls ? first[0] : second[0]);
    close(first[1]);
    close(second[1]);
    bench_finish(&bench);
}

/* ---- turns ---- */

struct clockwork {
    struct msim_net *net;
    msim_time next;
    int turns;
    int nested;
    bool in_time;
};

static msim_time on_turn(void *context, msim_time now)
{
    struct clockwork *clockwork = context;

    clockwork->turns++;
    if (clockwork->net) {
        clockwork->nested = msim_net_dispatch(clockwork->net, 0);
        clockwork->in_time = msim_net_now(clockwork->net) == now;
    }
    return clockwork->next;
}

static void clockwork_start(struct clockwork *clockwork)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;

    memset(clockwork, 0, sizeof *clockwork);
    clockwork->next = MSIM_TIME_NEVER;
    params.turn = on_turn;
    params.context = clockwork;
    assert_int_equal(msim_net_create(&clockwork->net, &params, NULL), MSIM_OK);
}

static void the_first_turn_comes_at_once_and_the_next_when_it_is_asked_for(void **state)
{
    struct clockwork clockwork;

    (void)state;
    clockwork_start(&clockwork);
    assert_true(msim_net_dispatch(clockwork.net, -1) >= 0);
    assert_int_equal(clockwork.turns, 1);
    assert_int_equal(clockwork.nested, MSIM_ERR_STATE);
    assert_true(clockwork.in_time);

    for (int i = 0; i < 20; i++) {
        msim_time moment = msim_net_now(clockwork.net) + 300 * MSIM_NS_PER_US;
        clockwork.next = moment;
        assert_true(msim_net_dispatch(clockwork.net, 0) >= 0);
        assert_true(msim_net_dispatch(clockwork.net, -1) > 0);
        assert_true(msim_net_now(clockwork.net) >= moment);
    }
    msim_net_destroy(&clockwork.net);
}

static bool is_readable(struct msim_net *net)
{
    struct pollfd waiting = {.fd = msim_net_fd(net), .events = POLLIN};

    return poll(&waiting, 1, 0) == 1;
}

static void a_moment_that_has_passed_leaves_the_descriptor_readable(void **state)
{
    struct clockwork clockwork;

    (void)state;
    clockwork_start(&clockwork);
    clockwork.next = 1;
    for (int i = 0; i < 3; i++) {
        assert_true(msim_net_dispatch(clockwork.net, 0) >= 0);
        struct pollfd waiting = {.fd = msim_net_fd(clockwork.net), .events = POLLIN};
        assert_int_equal(poll(&waiting, 1, 1000), 1);
    }
    clockwork.next = MSIM_TIME_NEVER;
    assert_true(msim_net_dispatch(clockwork.net, 0) >= 0);
    assert_false(is_readable(clockwork.net));
    assert_int_equal(msim_net_dispatch(clockwork.net, 0), 0);

    /* Until somebody says that the answer would be another now. */
    int before = clockwork.turns;
    msim_net_wake(clockwork.net);
    assert_true(msim_net_dispatch(clockwork.net, -1) >= 0);
    assert_int_equal(clockwork.turns, before + 1);
    msim_net_destroy(&clockwork.net);
}

/* ---- a host's loop ---- */

static void wait_readable(struct bench *bench)
{
    struct pollfd waiting = {.fd = msim_net_fd(bench->net), .events = POLLIN};

    assert_int_equal(poll(&waiting, 1, 5000), 1);
    assert_true(msim_net_dispatch(bench->net, 0) >= 0);
}

static void a_host_that_only_polls_and_dispatches_sees_everything(void **state)
{
    struct bench bench;
    char answer[sizeof RAW_ANSWER];
    ssize_t came = -1;

    (void)state;
    bench_open(&bench, NULL, 0);
    bench.echoes = true;
    int fd = raw_connect(&bench);
    assert_int_equal(send(fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE, strlen(RAW_UPGRADE) + 16, 0),
                     strlen(RAW_UPGRADE) + 16);
    while (!strstr(bench.log, "opened"))
        wait_readable(&bench);
    assert_int_equal(recv(fd, answer, sizeof answer, 0), strlen(RAW_ANSWER));

    /* More than one turn's bound: what is left over makes the descriptor readable again. */
    unsigned char *frame = malloc(200000 + 14);
    assert_non_null(frame);
    memset(frame, 0, 200014);
    size_t length = raw_frame(frame, 0x82, frame + 14, 200000, raw_key);
    size_t sent = 0;
    while (!strstr(bench.log, "binary(200000 bytes)")) {
        ssize_t went = send(fd, frame + sent, length - sent, MSG_NOSIGNAL);
        sent += went > 0 ? (size_t)went : 0;
        wait_readable(&bench);
    }
    free(frame);
    assert_false(bench.last == NULL);

    /* What is sent outside a turn wakes the host as well. */
    while (msim_connection_backlog(bench.last) > 0) {
        char sink[65536];
        came = recv(fd, sink, sizeof sink, 0);
        if (is_readable(bench.net))
            wait_readable(&bench);
    }
    while (recv(fd, answer, sizeof answer, 0) > 0)
        continue;
    assert_false(is_readable(bench.net));
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "!", 1), MSIM_OK);
    wait_readable(&bench);
    came = recv(fd, answer, sizeof answer, 0);
    assert_int_equal(came, 3);
    assert_memory_equal(answer, "\x81\x01!", 3);

    msim_connection_abort(bench.last);
    while (!strstr(bench.log, "closed"))
        wait_readable(&bench);
    close(fd);
    bench_finish(&bench);
}

static void messages_of_one_turn_leave_together(void **state)
{
    struct bench bench;
    char came[64];

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    for (int i = 0; i < 5; i++)
        assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "abc", 3), MSIM_OK);
    assert_int_equal(recv(fd, came, sizeof came, 0), -1);
    assert_int_equal(msim_connection_backlog(bench.last), 25);
    turn(&bench);
    assert_int_equal(msim_connection_backlog(bench.last), 0);
    assert_int_equal(recv(fd, came, sizeof came, 0), 25);
    close(fd);
    bench_finish(&bench);
}

/* ---- the worst that is allowed ---- */

#define CROWD 8

struct nasty {
    struct bench bench;
    struct msim_connection *all[CROWD];
    size_t count;
    int opened;
    int closed;
    int dialled;
    uint64_t rolls;
    uint16_t port;
};

static void nasty_connect(struct nasty *nasty);

static void forget(struct nasty *nasty, struct msim_connection *connection)
{
    for (size_t i = 0; i < nasty->count; i++) {
        if (nasty->all[i] == connection) {
            nasty->all[i] = nasty->all[--nasty->count];
            return;
        }
    }
    fail_msg("closed is told of a connection that nobody knows");
}

/* Something to anybody, from within whatever handler. */
static void mischief(struct nasty *nasty)
{
    nasty->rolls = nasty->rolls * UINT64_C(6364136223846793005) + 1442695040888963407u;
    unsigned roll = (unsigned)(nasty->rolls >> 40);
    if (nasty->count == 0)
        return;
    struct msim_connection *victim = nasty->all[roll / 16 % nasty->count];
    switch (roll % 8) {
    case 0:
        msim_connection_abort(victim);
        break;
    case 1:
        msim_connection_close(victim, 1000, "mischief");
        break;
    case 2:
        for (size_t i = 0; i < nasty->count; i++)
            msim_connection_send(nasty->all[i], MSIM_MESSAGE_TEXT, "all", 3);
        break;
    case 3:
        msim_connection_close(victim, 1000, "first this");
        msim_connection_abort(victim);
        break;
    case 4:
        nasty_connect(nasty);
        break;
    default:
        msim_connection_send(victim, MSIM_MESSAGE_BINARY, "one", 3);
        break;
    }
}

static int nasty_request(void *context, struct msim_connection *connection,
                         const struct msim_request *request)
{
    struct nasty *nasty = context;

    (void)connection;
    (void)request;
    mischief(nasty);
    return nasty->count < CROWD ? 0 : 503;
}

static void nasty_opened(void *context, struct msim_connection *connection)
{
    struct nasty *nasty = context;

    nasty->opened++;
    if (nasty->count == CROWD) {
        /* A client's: there was no asking. */
        msim_connection_abort(connection);
        return;
    }
    nasty->all[nasty->count++] = connection;
    mischief(nasty);
}

static void nasty_message(void *context, struct msim_connection *connection,
                          enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    unsigned sum = 0;

    (void)connection;
    (void)kind;
    mischief(context);
    /* The bytes are still there, whatever befell their connection. */
    for (size_t i = 0; i < length; i++)
        sum += bytes[i];
    assert_true(length == 0 || sum > 0);
    mischief(context);
}

static void nasty_drained(void *context, struct msim_connection *connection)
{
    (void)connection;
    mischief(context);
}

static void nasty_closed(void *context, struct msim_connection *connection,
                         const struct msim_closing *closing)
{
    struct nasty *nasty = context;
    bool known = false;

    nasty->closed++;
    for (size_t i = 0; i < nasty->count; i++)
        known = known || nasty->all[i] == connection;
    if (known)
        forget(nasty, connection);
    else
        assert_true(closing->failure < 0 || closing->code == 1006);
    /* It may be used in its last call, to no effect. */
    assert_int_equal(msim_connection_send(connection, MSIM_MESSAGE_TEXT, "x", 1), MSIM_ERR_CLOSED);
    msim_connection_close(connection, 1000, "again");
    msim_connection_abort(connection);
    mischief(nasty);
}

static const struct msim_connection_handler nasty_handler = {
    .request = nasty_request,
    .opened = nasty_opened,
    .message = nasty_message,
    .drained = nasty_drained,
    .closed = nasty_closed,
};

static void nasty_connect(struct nasty *nasty)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)nasty->port);
    params.url = url;
    params.handler = nasty_handler;
    params.context = nasty;
    params.limits.low_water_bytes = 1;
    nasty->dialled += msim_net_connect(nasty->bench.net, NULL, &params, NULL) == MSIM_OK;
}

static void handlers_may_do_anything_to_anybody(void **state)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener;
    static struct nasty nasty;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        memset(&nasty, 0, sizeof nasty);
        nasty.rolls = seed;
        bench_open(&nasty.bench, NULL, 40);
        params.handler = nasty_handler;
        params.context = &nasty;
        params.limits.low_water_bytes = 1;
        params.limits.close_timeout = 5 * MS;
        params.host = "127.0.0.1";
        assert_int_equal(msim_net_listen(nasty.bench.net, &listener, &params, NULL), MSIM_OK);
        nasty.port = msim_listener_port(listener);
        for (int i = 0; i < 300; i++) {
            if (nasty.count < 4)
                nasty_connect(&nasty);
            mischief(&nasty);
            turn(&nasty.bench);
        }
        assert_true(nasty.opened > 20);
        msim_net_destroy(&nasty.bench.net);
        /* Everyone whose opening was told of was told of at its end, and each dial too. */
        assert_int_equal(nasty.count, 0);
        assert_true(nasty.closed >= nasty.opened);
    }
}

struct closer {
    struct msim_listener *listener;
    int opened;
};

static void close_the_door(void *context, struct msim_connection *connection)
{
    struct closer *closer = context;

    (void)connection;
    closer->opened++;
    msim_listener_close(&closer->listener);
}

static void a_listener_may_be_closed_from_within_and_its_connections_stay(void **state)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct closer closer = {0};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    params.host = "127.0.0.1";
    params.handler.opened = close_the_door;
    params.context = &closer;
    assert_int_equal(msim_net_listen(bench.net, &closer.listener, &params, NULL), MSIM_OK);
    uint16_t port = msim_listener_port(closer.listener);
    int fd = raw_connect_to(port);
    raw_say(&bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(&bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    assert_int_equal(closer.opened, 1);
    assert_null(closer.listener);
    raw_send_frame(&bench, fd, 0x89, "alive", 5);
    raw_expect_frame(&bench, fd, 0x8A, "alive", 5);

    struct sockaddr_in address;
    int late = raw_socket(AF_INET);
    raw_address(&address, port);
    assert_int_equal(connect(late, (const struct sockaddr *)&address, sizeof address), -1);
    close(late);
    close(fd);
    bench_finish(&bench);
}

static void destroying_tells_every_open_connection_of_its_end(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int first = raw_open(&bench);
    int second = raw_open(&bench);
    int unopened = raw_connect(&bench);
    turn(&bench);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "lost", 4), MSIM_OK);
    bench_finish(&bench);
    assert_string_equal(bench.log, "opened opened closed(1006) closed(1006) ");
    close(first);
    close(second);
    close(unopened);
    msim_net_destroy(NULL);
    msim_net_destroy(&bench.net);
}

/* ---- a host that forks ---- */

/* A process that holds every descriptor of this one until it is ended, a minute at most. */
static pid_t fork_holder(void)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        pause();
        _exit(0);
    }
    return child;
}

static void end_holder(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_closed_connection_is_forgotten_though_a_forked_process_holds_it(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    pid_t child = fork_holder();
    msim_connection_abort(bench.last);
    until_log(&bench, "opened closed(1006) ");
    while (msim_net_dispatch(bench.net, 0) > 0)
        continue;
    /* The child's copy keeps the link open: what comes on it must not wake this loop. */
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(msim_net_dispatch(bench.net, 1), 0);
    end_holder(child);
    close(fd);
    bench_finish(&bench);
}

static void a_closed_listener_is_forgotten_though_a_forked_process_holds_it(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    uint16_t port = msim_listener_port(bench.listener);
    pid_t child = fork_holder();
    msim_listener_close(&bench.listener);
    while (msim_net_dispatch(bench.net, 0) > 0)
        continue;
    int fd = raw_connect_to(port);
    for (int i = 0; i < 5; i++)
        assert_int_equal(msim_net_dispatch(bench.net, 1), 0);
    end_holder(child);
    close(fd);
    bench_finish(&bench);
}

/* ---- mistakes ---- */

static void what_is_asked_of_nothing_does_no_harm(void **state)
{
    unsigned char *volatile nowhere = NULL;
    struct msim_listener *listener = NULL;
    struct msim_net *net = NULL;

    (void)state;
    assert_int_equal(msim_net_fd(NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_net_dispatch(NULL, 0), MSIM_ERR_INVALID);
    assert_true(msim_net_now(NULL) > 0);
    msim_net_wake(NULL);
    msim_net_unwatch(NULL, 0);
    msim_net_destroy(NULL);
    msim_net_destroy(&net);
    assert_int_equal(msim_listener_port(NULL), 0);
    msim_listener_close(NULL);
    msim_listener_close(&listener);
    assert_int_equal(msim_connection_send(NULL, MSIM_MESSAGE_TEXT, "", 0), MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_send_frames(NULL, "", 0), MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_backlog(NULL), 0);
    assert_int_equal(msim_connection_queued(NULL), 0);
    assert_string_equal(msim_connection_peer(NULL), "");
    msim_connection_set_user(NULL, &net);
    assert_null(msim_connection_user(NULL));
    msim_connection_close(NULL, MSIM_CLOSE_NORMAL, "");
    msim_connection_abort(NULL);
    assert_int_equal(msim_frame_head(nowhere, MSIM_MESSAGE_TEXT, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watched_descriptor_is_told_of_until_it_is_unwatched),
        cmocka_unit_test(a_regular_file_cannot_be_watched),
        cmocka_unit_test(one_watch_may_end_another_that_is_ready_in_the_same_turn),
        cmocka_unit_test(the_first_turn_comes_at_once_and_the_next_when_it_is_asked_for),
        cmocka_unit_test(a_moment_that_has_passed_leaves_the_descriptor_readable),
        cmocka_unit_test(a_host_that_only_polls_and_dispatches_sees_everything),
        cmocka_unit_test(messages_of_one_turn_leave_together),
        cmocka_unit_test(handlers_may_do_anything_to_anybody),
        cmocka_unit_test(a_listener_may_be_closed_from_within_and_its_connections_stay),
        cmocka_unit_test(destroying_tells_every_open_connection_of_its_end),
        cmocka_unit_test(a_closed_connection_is_forgotten_though_a_forked_process_holds_it),
        cmocka_unit_test(a_closed_listener_is_forgotten_though_a_forked_process_holds_it),
        cmocka_unit_test(what_is_asked_of_nothing_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
