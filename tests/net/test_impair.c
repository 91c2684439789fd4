/*
 * Links that misbehave on purpose, as their peer sees them: over loopback, from raw sockets.
 */
#include "bench.h"

#include <marketsim/hub.h>
#include <marketsim/impair.h>

/* So short that silence would be somebody's end many times over. */
static const struct msim_connection_limits hasty = {
    .ping_interval = 10 * MS, .ping_timeout = 10 * MS, .message_timeout = 10 * MS};

/* Nothing comes for many times the patience, and the link stays. */
static void assert_silence(struct bench *bench, int fd)
{
    char byte;

    for (msim_time end = msim_net_now(bench->net) + 120 * MS; msim_net_now(bench->net) < end;) {
        turn(bench);
        assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
        assert_int_equal(errno, EAGAIN);
    }
    assert_null(strstr(bench->log, "closed"));
}

static void send_text(struct bench *bench, const char *text)
{
    assert_int_equal(msim_connection_send(bench->last, MSIM_MESSAGE_TEXT, text, strlen(text)),
                     MSIM_OK);
}

/* ---- silence ---- */

static void a_frozen_link_neither_reads_nor_writes_and_then_goes_on(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, &hasty, 0);
    int fd = raw_open(&bench);
    msim_connection_impair(bench.last, MSIM_IMPAIR_READ | MSIM_IMPAIR_WRITE);
    raw_send_frame(&bench, fd, 0x89, "you?", 4);
    raw_send_frame(&bench, fd, 0x81, "hello", 5);
    send_text(&bench, "one");
    assert_silence(&bench, fd);
    assert_string_equal(bench.log, "opened ");

    msim_connection_impair(bench.last, 0);
    raw_expect(&bench, fd, "\x81\3one\x8A\4you?", 11);
    until_log(&bench, "opened text(hello) ");
    close(fd);
    bench_finish(&bench);
}

static void a_frozen_link_that_could_be_written_to_lets_the_loop_sleep(void **state)
{
    const struct msim_connection_limits limits = {.kernel_send_bytes = 4096};
    static const unsigned char much[4000000];
    static char sink[65536];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, much, sizeof much),
                     MSIM_OK);
    turn(&bench);
    assert_in_range(msim_connection_backlog(bench.last), 1, sizeof much);
    msim_connection_impair(bench.last, MSIM_IMPAIR_WRITE);
    /* The system has room again, and says so; nothing is written all the same. */
    while (raw_read(&bench, fd, sink, sizeof sink) == sizeof sink)
        ;
    size_t woken = 0;
    for (int i = 0; i < 50; i++)
        woken += msim_net_dispatch(bench.net, 1) > 0;
    assert_in_range(woken, 0, 3);
    assert_in_range(msim_connection_backlog(bench.last), 1, sizeof much);
    close(fd);
    bench_finish(&bench);
}

static void one_that_does_not_write_still_hears(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, &hasty, 0);
    int fd = raw_open(&bench);
    msim_connection_impair(bench.last, MSIM_IMPAIR_WRITE);
    raw_send_frame(&bench, fd, 0x81, "hello", 5);
    send_text(&bench, "one");
    assert_silence(&bench, fd);
    assert_string_equal(bench.log, "opened text(hello) ");
    close(fd);
    until_log(&bench, "opened text(hello) closed(1006) ");
    bench_finish(&bench);
}

static void what_a_frozen_link_holds_is_bounded_and_the_policy_acts(void **state)
{
    const struct msim_connection_limits limits = {.max_backlog_bytes = 4096,
                                                  .close_timeout = 20 * MS};
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
    struct msim_topic *topic = NULL;
    static const char message[1000];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    assert_int_equal(msim_topic_create(bench.net, &topic, &params), MSIM_OK);
    int fd = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    msim_connection_impair(bench.last, MSIM_IMPAIR_WRITE);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_BINARY, message, sizeof message),
                         MSIM_OK);
        turn(&bench);
    }
    until_log(&bench, "opened closed(1006) ");
    assert_end(&bench, fd);
    close(fd);
    bench_finish(&bench);
}

static void one_that_takes_nothing_answers_pings_and_goes_on_sending(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    msim_connection_impair(bench.last, MSIM_IMPAIR_TAKE);
    raw_send_frame(&bench, fd, 0x81, "lost", 4);
    raw_send_frame(&bench, fd, 0x89, "you?", 4);
    raw_expect_frame(&bench, fd, 0x8A, "you?", 4);
    send_text(&bench, "one");
    raw_expect_frame(&bench, fd, 0x81, "one", 3);
    msim_connection_impair(bench.last, 0);
    raw_send_frame(&bench, fd, 0x81, "heard", 5);
    until_log(&bench, "opened text(heard) ");
    close(fd);
    bench_finish(&bench);
}

static void a_black_hole_swallows_everything_and_says_nothing(void **state)
{
    static const unsigned char garbage[300000];
    struct bench bench;

    (void)state;
    bench_open(&bench, &hasty, 0);
    int fd = raw_open(&bench);
    msim_connection_impair(bench.last, MSIM_IMPAIR_HEAR | MSIM_IMPAIR_WRITE);
    raw_send_frame(&bench, fd, 0x88, "\x03\xE8", 2);
    raw_send(&bench, fd, garbage, sizeof garbage);
    assert_silence(&bench, fd);
    msim_connection_abort(bench.last);
    char byte;
    ssize_t came = -1;
    for (int i = 0; i < PATIENCE && came < 0; i++) {
        turn(&bench);
        came = recv(fd, &byte, 1, 0);
        if (came < 0 && errno == ECONNRESET)
            break;
    }
    assert_int_equal(came, -1);
    assert_int_equal(errno, ECONNRESET);
    assert_string_equal(bench.log, "opened closed(1006) ");
    close(fd);
    bench_finish(&bench);
}

static void one_that_answers_no_ping_is_well_otherwise(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, &hasty, 0);
    int fd = raw_open(&bench);
    msim_connection_impair(bench.last, MSIM_IMPAIR_PING);
    raw_send_frame(&bench, fd, 0x89, "you?", 4);
    assert_silence(&bench, fd);
    raw_send_frame(&bench, fd, 0x81, "hello", 5);
    until_log(&bench, "opened text(hello) ");
    send_text(&bench, "one");
    raw_expect_frame(&bench, fd, 0x81, "one", 3);
    close(fd);
    bench_finish(&bench);
}

/* ---- the end without a word ---- */

static void one_that_hangs_up_ends_the_stream_without_a_close_frame(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    for (int sent = 0; sent < 2; sent++) {
        int fd = raw_open(&bench);
        struct msim_connection *connection = bench.last;
        bench.log[0] = '\0';
        send_text(&bench, "one");
        raw_send_frame(&bench, fd, 0x81, "unread", 6); /* would turn a full close into a reset */
        msim_connection_hang_up(connection, sent ? MSIM_LEAVE_SENT : MSIM_LEAVE_DROPPED);
        assert_int_equal(msim_connection_send(connection, MSIM_MESSAGE_TEXT, "two", 3),
                         MSIM_ERR_CLOSED);
        if (sent)
            raw_expect_frame(&bench, fd, 0x81, "one", 3);
        assert_end(&bench, fd);
        assert_string_equal(bench.log, "");
        close(fd);
        until_log(&bench, "closed(1006) ");
    }
    bench_finish(&bench);
}

/* ---- pieces ---- */

struct sizes {
    size_t first;
    size_t next;
};

static size_t piece(const void *context, uint32_t index)
{
    const struct sizes *sizes = context;

    return index == 0 ? sizes->first : sizes->next;
}

static int send_sliced(struct bench *bench, const struct sizes *sizes, const char *text,
                       msim_time pause, bool fragments)
{
    const struct msim_slicing slicing = {piece, sizes, pause, fragments};

    return msim_connection_send_sliced(bench->last, MSIM_MESSAGE_TEXT, text, strlen(text),
                                       &slicing);
}

static void hang_up_at_once(void *context, struct msim_connection *connection,
                            enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct bench *bench = context;

    msim_connection_hang_up(connection, MSIM_LEAVE_SENT);
    bench_message(bench, connection, kind, bytes, length);
}

static void one_may_hang_up_while_what_came_with_the_handshake_is_read(void **state)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener;
    struct bench bench;
    unsigned char ahead[512] = "ocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: " RAW_KEY "\r\n\r\n";
    size_t length = strlen((const char *)ahead);

    (void)state;
    bench_open(&bench, NULL, 0);
    params.handler = bench_handler;
    params.handler.message = hang_up_at_once;
    params.context = &bench;
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, NULL), MSIM_OK);
    length += raw_frame(ahead + length, 0x81, "one", 3, raw_key);
    length += raw_frame(ahead + length, 0x81, "two", 3, raw_key);
    int fd = raw_connect_to(msim_listener_port(listener));
    raw_say(&bench, fd, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: webs");
    for (int i = 0; i < 5; i++)
        turn(&bench);
    raw_send(&bench, fd, ahead, length);
    until_log(&bench, "opened text(one) ");
    raw_expect(&bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    assert_end(&bench, fd);
    close(fd);
    until_log(&bench, "opened text(one) closed(1006) ");
    bench_finish(&bench);
}

static void a_piece_waits_for_its_pause_and_what_follows_waits_behind_it(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 4}, "hello", 30 * MSIM_NS_PER_S, false),
                     MSIM_OK);
    send_text(&bench, "on");
    raw_send_frame(&bench, fd, 0x89, "", 0);
    raw_expect(&bench, fd, "\x81", 1);
    assert_silence(&bench, fd);
    assert_int_equal(msim_connection_backlog(bench.last), 6 + 4 + 2);
    msim_connection_hang_up(bench.last, MSIM_LEAVE_DROPPED);
    assert_end(&bench, fd);
    close(fd);
    bench_finish(&bench);
}

static void the_pieces_make_the_message(void **state)
{
    static const struct sizes cuts[] = {{1, 1}, {2, 3}, {3, 100}, {7, 1}, {0, 1}};
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
    struct msim_topic *topic = NULL;
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    assert_int_equal(msim_topic_create(bench.net, &topic, &params), MSIM_OK);
    int fd = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    for (size_t i = 0; i < COUNT(cuts); i++) {
        assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_TEXT, "a", 1), MSIM_OK);
        assert_int_equal(send_sliced(&bench, &cuts[i], "hello", i % 2 * MS, false), MSIM_OK);
        assert_int_equal(send_sliced(&bench, &cuts[i], "", 0, false), MSIM_OK);
        assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_TEXT, "b", 1), MSIM_OK);
    }
    for (size_t i = 0; i < COUNT(cuts); i++)
        raw_expect(&bench, fd, "\x81\1a\x81\5hello\x81\0\x81\1b", 15);
    assert_int_equal(msim_connection_backlog(bench.last), 0);
    close(fd);
    bench_finish(&bench);
}

static void a_close_does_not_wait_for_ever_for_what_leaves_ever_so_slowly(void **state)
{
    const struct msim_connection_limits limits = {.close_timeout = 10 * MS};
    static char text[3000];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    memset(text, 'a', sizeof text - 1);
    /* A byte every two milliseconds: six seconds for all of them, were they waited for. */
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 1}, text, 2 * MS, false), MSIM_OK);
    msim_connection_close(bench.last, 1000, "");
    until_log(&bench, "opened closed(1006) ");
    assert_in_range(raw_read(&bench, fd, text, sizeof text), 1, sizeof text - 1);
    close(fd);
    bench_finish(&bench);
}

static void fragments_are_frames_of_their_own(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    assert_int_equal(send_sliced(&bench, &(struct sizes){2, 1}, "hello", MS, true), MSIM_OK);
    assert_int_equal(send_sliced(&bench, &(struct sizes){9, 1}, "x", 0, true), MSIM_OK);
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 1}, "", 0, true), MSIM_OK);
    raw_expect(&bench, fd, "\1\2he\0\1l\0\1l\x80\1o\x81\1x\x81\0", 18);
    close(fd);
    bench_finish(&bench);
}

static void greet_in_pieces(void *context, struct msim_connection *connection)
{
    struct bench *bench = context;

    bench->last = connection;
    assert_int_equal(send_sliced(bench, &(struct sizes){1, 2}, "hello", MS, false), MSIM_OK);
}

static void a_greeting_in_pieces_comes_behind_the_handshake(void **state)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    params.handler.opened = greet_in_pieces;
    params.context = &bench;
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, NULL), MSIM_OK);
    int fd = raw_connect_to(msim_listener_port(listener));
    raw_say(&bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(&bench, fd, RAW_ANSWER "\x81\5hello", strlen(RAW_ANSWER) + 7);
    close(fd);
    bench_finish(&bench);
}

static void cuts_are_bounded_and_so_is_what_they_hold(void **state)
{
    const struct msim_connection_limits limits = {.max_backlog_bytes = 40000};
    static char text[30001];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 1}, text, 0, false), MSIM_OK);
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 1}, text, 0, false), MSIM_ERR_LIMIT);
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 1}, text, 0, true), MSIM_ERR_INVALID);
    assert_int_equal(send_sliced(&bench, &(struct sizes){1, 1}, "x", -1, false), MSIM_ERR_INVALID);
    raw_expect_frame(&bench, fd, 0x81, text, sizeof text - 1);
    assert_string_equal(bench.log, "opened drained ");
    close(fd);
    bench_finish(&bench);
}

/* ---- who is not let in ---- */

static int judge_arrival(void *context, struct msim_connection *connection)
{
    assert_memory_equal(msim_connection_peer(connection), "127.0.0.1:", 10);
    return ((struct bench *)context)->refuse_with;
}

static uint16_t listen_judging(struct bench *bench)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;

    params.handler.arrived = judge_arrival;
    params.handler.closed = bench_closed;
    params.limits.handshake_timeout = 20 * MS;
    params.context = bench;
    assert_int_equal(msim_net_listen(bench->net, &listener, &params, NULL), MSIM_OK);
    return msim_listener_port(listener);
}

static void assert_reset(struct bench *bench, int fd)
{
    char byte;
    ssize_t came = -1;

    errno = 0;
    for (int i = 0; i < PATIENCE && came < 0 && errno != ECONNRESET; i++) {
        turn(bench);
        errno = 0;
        came = recv(fd, &byte, 1, 0);
    }
    assert_int_equal(came, -1);
    assert_int_equal(errno, ECONNRESET);
}

static void one_that_is_not_let_in_is_reset_or_never_answered(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    uint16_t port = listen_judging(&bench);

    bench.refuse_with = MSIM_ADMIT_RESET;
    int fd = raw_connect_to(port);
    assert_reset(&bench, fd);
    close(fd);
    fd = raw_connect(&bench);
    raw_say(&bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    assert_reset(&bench, fd);
    close(fd);

    bench.refuse_with = MSIM_ADMIT_NEVER;
    int first = raw_connect_to(port);
    int second = raw_connect(&bench);
    raw_say(&bench, first, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_say(&bench, second, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    assert_silence(&bench, first);
    assert_silence(&bench, second);
    bench.refuse_with = MSIM_ADMIT;
    shutdown(first, SHUT_WR);
    shutdown(second, SHUT_WR);
    /* The peer has ended it: nothing is left of it here. */
    char byte;
    for (int i = 0; i < 2; i++) {
        ssize_t came = -1;
        for (int k = 0; k < PATIENCE && came < 0; k++) {
            turn(&bench);
            came = recv(i == 0 ? first : second, &byte, 1, 0);
            if (came < 0 && errno == ECONNRESET)
                came = 0; /* the request lay there unread */
        }
        assert_int_equal(came, 0);
    }
    assert_string_equal(bench.log, "");
    close(first);
    close(second);
    fd = raw_open(&bench);
    close(fd);
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_link_neither_reads_nor_writes_and_then_goes_on),
        cmocka_unit_test(a_frozen_link_that_could_be_written_to_lets_the_loop_sleep),
        cmocka_unit_test(one_that_does_not_write_still_hears),
        cmocka_unit_test(what_a_frozen_link_holds_is_bounded_and_the_policy_acts),
        cmocka_unit_test(one_that_takes_nothing_answers_pings_and_goes_on_sending),
        cmocka_unit_test(a_black_hole_swallows_everything_and_says_nothing),
        cmocka_unit_test(one_that_answers_no_ping_is_well_otherwise),
        cmocka_unit_test(one_that_hangs_up_ends_the_stream_without_a_close_frame),
        cmocka_unit_test(one_may_hang_up_while_what_came_with_the_handshake_is_read),
        cmocka_unit_test(a_piece_waits_for_its_pause_and_what_follows_waits_behind_it),
        cmocka_unit_test(the_pieces_make_the_message),
        cmocka_unit_test(a_close_does_not_wait_for_ever_for_what_leaves_ever_so_slowly),
        cmocka_unit_test(fragments_are_frames_of_their_own),
        cmocka_unit_test(a_greeting_in_pieces_comes_behind_the_handshake),
        cmocka_unit_test(cuts_are_bounded_and_so_is_what_they_hold),
        cmocka_unit_test(one_that_is_not_let_in_is_reset_or_never_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
