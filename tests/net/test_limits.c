/*
 * Bounds and patience, over loopback.  Short timeouts are waited out; none is measured.
 */
#include "bench.h"

#include <linux/filter.h>
#include <sys/resource.h>

/* ---- the backlog ---- */

static void a_full_backlog_refuses_and_drained_tells_when_to_go_on(void **state)
{
    const struct msim_connection_limits limits = {
        .max_backlog_bytes = 100000, .low_water_bytes = 30000, .kernel_send_bytes = 4096};
    static unsigned char payload[5000];
    struct bench bench;
    size_t sent = 0;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    struct msim_connection *connection = bench.last;
    /* The peer does not read: the system's buffers fill, then ours.  What the system has taken
     * may move on for a while. */
    for (int refused = 0; refused < 100; refused++) {
        turn(&bench);
        while (msim_connection_send(connection, MSIM_MESSAGE_BINARY, payload, sizeof payload) ==
               MSIM_OK) {
            sent++;
            refused = 0;
        }
    }
    bench.log[0] = '\0';
    size_t backlog = msim_connection_backlog(connection);
    assert_in_range(backlog, 100000 - sizeof payload - 14, 100000);
    assert_int_equal(msim_connection_queued(connection), sent * (sizeof payload + 4));
    assert_int_equal(msim_connection_send(connection, MSIM_MESSAGE_BINARY, payload, sizeof payload),
                     MSIM_ERR_LIMIT);
    assert_int_equal(msim_connection_backlog(connection), backlog);

    /* The peer reads all: drained once, and every frame is whole. */
    for (size_t i = 0; i < sent; i++)
        raw_expect_frame(&bench, fd, 0x82, payload, sizeof payload);
    until_log(&bench, "drained ");
    assert_int_equal(msim_connection_send(connection, MSIM_MESSAGE_TEXT, "on", 2), MSIM_OK);
    raw_expect_frame(&bench, fd, 0x81, "on", 2);
    close(fd);
    bench_finish(&bench);
}

static void a_refused_message_is_followed_by_drained_even_below_the_mark(void **state)
{
    const struct msim_connection_limits limits = {.max_backlog_bytes = 1000,
                                                  .low_water_bytes = 900};
    static unsigned char payload[800];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, 500), MSIM_OK);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, 800),
                     MSIM_ERR_LIMIT);
    until_log(&bench, "opened drained ");
    close(fd);
    bench_finish(&bench);
}

static void a_message_that_can_never_fit_is_refused_as_such(void **state)
{
    const struct msim_connection_limits limits = {.max_backlog_bytes = 1000};
    static unsigned char payload[1000];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, 1000),
                     MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_send_frames(bench.last, payload, 1001), MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_send(bench.last, (enum msim_message_kind)3, payload, 1),
                     MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, NULL, 1),
                     MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_backlog(bench.last), 0);
    close(fd);
    bench_finish(&bench);
}

static void a_close_waits_for_a_slow_reader_as_long_as_it_reads(void **state)
{
    const struct msim_connection_limits limits = {
        .max_backlog_bytes = 400000, .kernel_send_bytes = 4096, .close_timeout = 150 * MS};
    static unsigned char payload[300000];
    static unsigned char came[1000];
    const int small = 4096;
    struct sockaddr_in address;
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_socket(AF_INET);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    raw_address(&address, msim_listener_port(bench.listener));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    raw_say(&bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(&bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));

    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, 300000),
                     MSIM_OK);
    msim_connection_close(bench.last, 1000, "");
    for (size_t have = 0; have < 10 + 300000;) {
        size_t want = 10 + 300000 - have < sizeof came ? 10 + 300000 - have : sizeof came;
        assert_int_equal(raw_read(&bench, fd, came, want), want);
        have += want;
        turn(&bench);
    }
    raw_expect_close(&bench, fd, 1000);
    raw_send_frame(&bench, fd, 0x88, "\x03\xE8", 2);
    assert_end(&bench, fd);
    close(fd);
    until_log(&bench, "opened closed(1000) ");
    bench_finish(&bench);
}

/* One whose system takes little, and who has more before it than that. */
static int open_slow(struct bench *bench, size_t length)
{
    const int small = 4096;
    struct sockaddr_in address;
    void *payload = calloc(1, length);
    int fd = raw_socket(AF_INET);

    assert_non_null(payload);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    raw_address(&address, msim_listener_port(bench->listener));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    raw_say(bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    assert_int_equal(msim_connection_send(bench->last, MSIM_MESSAGE_BINARY, payload, length),
                     MSIM_OK);
    free(payload);
    turn(bench);
    assert_in_range(msim_connection_backlog(bench->last), 1, length);
    return fd;
}

static void a_close_that_waits_lets_the_loop_sleep(void **state)
{
    const struct msim_connection_limits limits = {.kernel_send_bytes = 4096,
                                                  .close_timeout = 50 * MS};

    (void)state;
    /* A peer that is silent, one that has ended its side, one that broke the rules and did so. */
    for (int kind = 0; kind < 3; kind++) {
        struct bench bench;
        bench_open(&bench, &limits, 0);
        int fd = open_slow(&bench, 4000000);
        if (kind < 2)
            msim_connection_close(bench.last, 1000, "");
        else
            raw_send_frame(&bench, fd, 0x83, "wrong", 5);
        if (kind > 0)
            assert_int_equal(shutdown(fd, SHUT_WR), 0);
        size_t woken = 0;
        for (int i = 0; i < 100 && !strstr(bench.log, "closed"); i++)
            woken += msim_net_dispatch(bench.net, 100) > 0;
        assert_in_range(woken, 1, 20);
        assert_non_null(strstr(bench.log, "closed("));
        close(fd);
        bench_finish(&bench);
    }
}

/* ---- patience ---- */

static void who_is_slow_with_its_request_is_told_408(void **state)
{
    const struct msim_connection_limits limits = {.handshake_timeout = 30 * MS};
    struct bench bench;
    char text[1024];

    (void)state;
    bench_open(&bench, &limits, 0);
    int silent = raw_connect(&bench);
    int slow = raw_connect(&bench);
    ssize_t came = -1;
    raw_say(&bench, slow, "GET / HTTP/1.1\r\nX: ");
    /* A byte in each turn keeps nobody. */
    for (int i = 0; i < PATIENCE && came < 0; i++) {
        send(slow, "x", 1, MSG_NOSIGNAL);
        turn(&bench);
        came = recv(slow, text, sizeof text, 0);
    }
    assert_true(came > 13);
    assert_memory_equal(text, "HTTP/1.1 408 ", 13);
    assert_end(&bench, silent);
    assert_string_equal(bench.log, "");
    close(slow);
    close(silent);
    bench_finish(&bench);
}

static void who_spoke_in_time_is_heard_before_anybody_is_judged(void **state)
{
    enum { MANY = 600 }; /* more than one turn serves */
    const struct msim_connection_limits limits = {.handshake_timeout = 300 * MS};
    static const char first[] = "GET / HTTP/1.1\r\n";
    struct rlimit limit;
    struct bench bench;
    int fds[MANY];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 2 * MANY + 64)
        skip();
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    bench_open(&bench, &limits, 0);
    for (int i = 0; i < MANY; i++) {
        fds[i] = raw_connect(&bench);
        assert_int_equal(send(fds[i], first, strlen(first), 0), strlen(first));
        turn(&bench);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(send(fds[i], RAW_UPGRADE, strlen(RAW_UPGRADE), 0), strlen(RAW_UPGRADE));
    poll(NULL, 0, 350); /* the machine does something else */
    for (int i = 0; i < MANY; i++) {
        bench.log[0] = '\0';
        raw_expect(&bench, fds[i], RAW_ANSWER, strlen(RAW_ANSWER));
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    memset(bench.log, 0, sizeof bench.log);
    bench_finish(&bench);
}

/* As they come, a few of them: nothing else happens meanwhile. */
static void answer_pings(struct bench *bench, int fd)
{
    for (int i = 0; i < 5; i++) {
        raw_expect_frame(bench, fd, 0x89, "", 0);
        raw_send_frame(bench, fd, 0x8A, "", 0);
    }
    assert_string_equal(bench->log, "opened ");
}

static void silence_is_answered_with_pings_and_no_answer_with_the_end(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 20 * MS,
                                                  .ping_timeout = 20 * MS};
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    answer_pings(&bench, fd);
    raw_expect_frame(&bench, fd, 0x89, "", 0);
    assert_end(&bench, fd);
    until_log(&bench, "opened closed(1006) ");
    close(fd);
    bench_finish(&bench);
}

/* The patience of a minute, which the test does not have, is not the beat of the pings. */
static void answered_pings_keep_their_beat_whatever_the_patience(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 20 * MS,
                                                  .ping_timeout = 60 * MSIM_NS_PER_S};
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    answer_pings(&bench, fd);
    close(fd);
    until_log(&bench, "opened closed(1006) ");
    bench_finish(&bench);
}

static void who_sends_anything_is_alive(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 10 * MS,
                                                  .ping_timeout = 60 * MS};
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    /* Pings are never answered, but half a frame is under way all the time. */
    raw_send(&bench, fd, "\x82\xFE\x01\x00\x00\x00\x00\x00", 8);
    for (int i = 0; i < 100; i++) {
        raw_send(&bench, fd, "x", 1);
        turn(&bench);
        poll(NULL, 0, 1);
    }
    assert_string_equal(bench.log, "opened ");
    close(fd);
    bench_finish(&bench);
}

static void who_takes_what_it_gets_is_alive(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 10 * MS,
                                                  .ping_timeout = 100 * MS,
                                                  .max_backlog_bytes = 100000,
                                                  .kernel_send_bytes = 4096};
    static const unsigned char payload[50000];
    static char sink[65536];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    struct msim_connection *connection = bench.last;
    /* It sends nothing, not even pongs, but reads; there is always more for it. */
    for (msim_time end = msim_net_now(bench.net) + 500 * MS; msim_net_now(bench.net) < end;) {
        while (msim_connection_send(connection, MSIM_MESSAGE_BINARY, payload, sizeof payload) ==
               MSIM_OK)
            continue;
        turn(&bench);
        assert_null(strstr(bench.log, "closed"));
        bench.log[0] = '\0';
        while (recv(fd, sink, sizeof sink, 0) > 0)
            continue;
    }
    close(fd);
    bench_finish(&bench);
}

/* Everything that may wait for a peer waits for this one, which reads nothing. */
static size_t fill(struct bench *bench)
{
    static const unsigned char payload[5000];
    size_t sent = 0;

    for (int refused = 0; refused < 20; refused++) {
        turn(bench);
        while (msim_connection_send(bench->last, MSIM_MESSAGE_BINARY, payload, sizeof payload) ==
               MSIM_OK) {
            sent += sizeof payload + 4;
            refused = 0;
        }
    }
    return sent;
}

static void who_does_not_read_is_not_judged_by_pings_behind_a_backlog(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 10 * MS,
                                                  .ping_timeout = 10 * MS,
                                                  .max_backlog_bytes = 100000,
                                                  .kernel_send_bytes = 4096};
    static char sink[65536];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    size_t left = fill(&bench);
    /* As in a debugger: many times the pings' patience. */
    for (msim_time end = msim_net_now(bench.net) + 300 * MS; msim_net_now(bench.net) < end;)
        turn(&bench);
    assert_null(strstr(bench.log, "closed"));
    assert_true(msim_connection_backlog(bench.last) > 0);

    /* All of it comes; then a ping is owed an answer again. */
    while (left > 0) {
        size_t came = raw_read(&bench, fd, sink, left < sizeof sink ? left : sizeof sink);
        assert_true(came > 0);
        left -= came;
    }
    for (int i = 0; i < PATIENCE && !strstr(bench.log, "closed(1006)"); i++)
        turn(&bench);
    assert_non_null(strstr(bench.log, "closed(1006)"));
    close(fd);
    bench_finish(&bench);
}

static void a_host_that_is_gone_is_given_up_though_a_backlog_waits(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 10 * MS,
                                                  .ping_timeout = 10 * MS};
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = {1, &nothing};
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    /* Every segment is dropped before the peer's system looks at it: nothing is acknowledged. */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "hello", 5), MSIM_OK);
    until_log(&bench, "opened closed(1006) ");
    close(fd);
    bench_finish(&bench);
}

static void who_sends_a_message_byte_by_byte_is_closed_with_1008(void **state)
{
    const struct msim_connection_limits limits = {.message_timeout = 50 * MS,
                                                  .ping_interval = 10 * MS};
    static const struct {
        const char *bytes;
        size_t length;
    } beginnings[] = {
        {"\x82", 1},                                               /* half a head */
        {"\x82\xFE\x01\x00\x00\x00\x00\x00xyz", 11},               /* a frame in flight */
        {"\x02\x81\x00\x00\x00\x00x\x89\x80\x00\x00\x00\x00", 13}, /* a fragment and a ping */
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    for (size_t i = 0; i < COUNT(beginnings); i++) {
        int fd = raw_open(&bench);
        bench.log[0] = '\0';
        raw_send(&bench, fd, beginnings[i].bytes, beginnings[i].length);
        unsigned char came[512];
        size_t length = 0;
        /* Its pongs are fine, yet what it began does not end. */
        while (length < 4 || memcmp(came + length - 4, "long", 4) != 0) {
            assert_true(length < sizeof came);
            if (i == 2)
                raw_send(&bench, fd, "\x8A\x80\x00\x00\x00\x00", 6);
            assert_int_equal(raw_read(&bench, fd, came + length, 1), 1);
            length++;
        }
        assert_non_null(memmem(came, length, "\x03\xF0the message takes too long", 28));
        assert_end(&bench, fd);
        close(fd);
        until_log(&bench, "closed(1008) ");
    }

    /* Many messages, each cut in two and each in time: nothing is held against them. */
    int fd = raw_open(&bench);
    bench.log[0] = '\0';
    raw_send(&bench, fd, "\x82\x81\x00\x00\x00\x00", 6);
    for (int i = 0; i < 30; i++) {
        raw_send(&bench, fd, "x\x82\x81\x00\x00\x00\x00", 7);
        turn(&bench);
        poll(NULL, 0, 5);
        assert_null(strstr(bench.log, "closed"));
    }
    close(fd);
    bench_finish(&bench);
}

static void who_does_not_answer_a_close_is_ended(void **state)
{
    const struct msim_connection_limits limits = {.close_timeout = 20 * MS};
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    msim_connection_close(bench.last, 1001, "");
    raw_expect_close(&bench, fd, 1001);
    assert_end(&bench, fd);
    until_log(&bench, "opened closed(1006) ");
    close(fd);

    /* Nor may one that did answer keep the link for ever. */
    bench.log[0] = '\0';
    fd = raw_open(&bench);
    raw_send_frame(&bench, fd, 0x88, "\x03\xE8", 2);
    raw_expect_close(&bench, fd, 1000);
    for (int i = 0; i < PATIENCE && !strstr(bench.log, "closed"); i++) {
        send(fd, "more", 4, MSG_NOSIGNAL);
        turn(&bench);
    }
    assert_string_equal(bench.log, "opened closed(1000 by peer) ");
    close(fd);
    bench_finish(&bench);
}

/* ---- how many ---- */

static void beyond_the_most_connections_the_next_is_turned_away(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 2);
    bench.echoes = true;
    int first = raw_open(&bench);
    int second = raw_open(&bench);
    int third = raw_connect(&bench);
    assert_end(&bench, third);
    close(third);
    for (int i = 0; i < 10; i++) {
        third = raw_connect(&bench);
        assert_end(&bench, third);
        close(third);
    }
    assert_int_equal(bench.log_lines, 1);

    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail;
    params.url = "ws://localhost:1";
    assert_int_equal(msim_net_connect(bench.net, NULL, &params, &detail), MSIM_ERR_LIMIT);

    raw_send_frame(&bench, first, 0x81, "still", 5);
    raw_expect_frame(&bench, first, 0x81, "still", 5);
    close(second);
    until_log(&bench, "opened opened text(still) closed(1006) ");
    second = raw_open(&bench);
    close(second);
    close(first);
    bench_finish(&bench);
}

static void without_descriptors_nobody_is_lost_and_the_loop_rests(void **state)
{
    struct rlimit old;
    struct rlimit none;
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int open = raw_open(&bench);
    int waiting = raw_connect(&bench);
    raw_say(&bench, waiting, "GET / HTTP/1.1\r\n" RAW_UPGRADE);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 3; /* below what is open: every new one fails */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int busy = 0;
    for (int i = 0; i < 50; i++)
        busy += msim_net_dispatch(bench.net, 1) > 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_in_range(busy, 1, 10);
    assert_int_equal(bench.log_lines, 1);

    raw_expect(&bench, waiting, RAW_ANSWER, strlen(RAW_ANSWER));
    close(waiting);
    close(open);
    bench_finish(&bench);
}

/* ---- where to listen ---- */

static int listen_at(struct bench *bench, const char *host, uint16_t port,
                     struct msim_detail *detail)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;

    params.host = host;
    params.port = port;
    int r = msim_net_listen(bench->net, &listener, &params, detail);
    assert_int_equal(listener != NULL, r == MSIM_OK);
    msim_listener_close(&listener);
    assert_null(listener);
    return r;
}

static void a_port_in_use_is_refused_with_the_remedy(void **state)
{
    struct msim_detail detail = {""};
    struct bench bench;
    char where[64];

    (void)state;
    bench_open(&bench, NULL, 0);
    uint16_t port = msim_listener_port(bench.listener);
    snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)port);
    assert_int_equal(listen_at(&bench, NULL, port, &detail), MSIM_ERR_IO);
    assert_non_null(strstr(detail.text, where));
    assert_non_null(
        strstr(detail.text, "another program listens there; choose another with --port"));

    bench_finish(&bench);
}

/* Another program may be given the port in between: then it is tried with the next. */
static void a_port_is_free_again_when_its_listener_has_closed(void **state)
{
    struct msim_detail detail = {""};
    struct bench bench;
    int r = MSIM_ERR_IO;

    (void)state;
    for (int attempt = 0; attempt < 10 && r != MSIM_OK; attempt++) {
        bench_open(&bench, NULL, 0);
        uint16_t port = msim_listener_port(bench.listener);
        msim_listener_close(&bench.listener);
        r = listen_at(&bench, NULL, port, &detail);
        bench_finish(&bench);
    }
    assert_int_equal(r, MSIM_OK);
}

static void an_address_of_another_machine_is_refused_with_words(void **state)
{
    struct msim_detail detail = {""};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    assert_int_equal(listen_at(&bench, "192.0.2.1", 0, &detail), MSIM_ERR_IO);
    assert_non_null(strstr(detail.text, "192.0.2.1:0"));
    assert_non_null(strstr(detail.text, "--host"));
    assert_int_equal(listen_at(&bench, "no such host", 0, &detail), MSIM_ERR_IO);
    assert_non_null(strstr(detail.text, "no such host"));
    assert_int_equal(listen_at(&bench, "127.0.0.1", 0, &detail), MSIM_OK);
    assert_int_equal(listen_at(&bench, "0.0.0.0", 0, &detail), MSIM_OK);
    bench_finish(&bench);
}

static void parameters_that_mean_nothing_are_refused(void **state)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_detail detail;
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    params.limits.ping_interval = -1;
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, &detail), MSIM_ERR_INVALID);
    params.limits = (struct msim_connection_limits){.max_backlog_bytes = 255};
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, &detail), MSIM_ERR_INVALID);
    params.limits = (struct msim_connection_limits){.low_water_bytes = SIZE_MAX};
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, &detail), MSIM_ERR_INVALID);
    params.limits = (struct msim_connection_limits){.max_message_bytes = SIZE_MAX};
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, &detail), MSIM_ERR_INVALID);
    params.limits = (struct msim_connection_limits){0};
    params.size = 1;
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, NULL), MSIM_ERR_INVALID);
    assert_null(listener);
    bench_finish(&bench);
}

/* ---- memory ---- */

struct purse {
    size_t held;
    size_t growths; /* of more than a small thing */
};

static void *purse_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    struct purse *purse = context;

    if (new_size == 0) {
        free(pointer);
        purse->held -= old_size;
        return NULL;
    }
    void *memory = realloc(pointer, new_size);
    if (!memory)
        return NULL;
    purse->held += new_size - old_size;
    if (new_size > 16 * 1024)
        purse->growths++;
    return memory;
}

static void a_busy_connection_keeps_its_buffer_and_an_idle_one_gives_it_back(void **state)
{
    const struct msim_connection_limits limits = {.ping_interval = 200 * MS,
                                                  .ping_timeout = 200 * MS};
    static const unsigned char payload[40000];
    struct purse purse = {0};
    const struct msim_allocator allocator = {purse_resize, &purse};
    struct bench bench;

    (void)state;
    bench_open_with(&bench, &limits, 0, &allocator);
    int fd = raw_open(&bench);
    size_t at_rest = purse.held;
    size_t growths = 0;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(
            msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, sizeof payload),
            MSIM_OK);
        raw_expect_frame(&bench, fd, 0x82, payload, sizeof payload);
        if (i == 0)
            growths = purse.growths;
    }
    /* Not with each write; a pause of the machine may count as idleness. */
    assert_in_range(purse.growths - growths, 0, 10);
    assert_true(purse.held >= at_rest + sizeof payload);

    for (int i = 0; i < PATIENCE && purse.held >= at_rest + sizeof payload; i++) {
        unsigned char ping[2];
        if (recv(fd, ping, sizeof ping, 0) > 0)
            raw_send_frame(&bench, fd, 0x8A, "", 0);
        turn(&bench);
    }
    assert_in_range(purse.held, 1, at_rest + sizeof payload - 1);
    assert_string_equal(bench.log, "opened ");
    close(fd);
    bench_finish(&bench);
    assert_int_equal(purse.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_backlog_refuses_and_drained_tells_when_to_go_on),
        cmocka_unit_test(a_refused_message_is_followed_by_drained_even_below_the_mark),
        cmocka_unit_test(a_message_that_can_never_fit_is_refused_as_such),
        cmocka_unit_test(a_close_waits_for_a_slow_reader_as_long_as_it_reads),
        cmocka_unit_test(a_close_that_waits_lets_the_loop_sleep),
        cmocka_unit_test(who_is_slow_with_its_request_is_told_408),
        cmocka_unit_test(who_spoke_in_time_is_heard_before_anybody_is_judged),
        cmocka_unit_test(silence_is_answered_with_pings_and_no_answer_with_the_end),
        cmocka_unit_test(answered_pings_keep_their_beat_whatever_the_patience),
        cmocka_unit_test(who_sends_anything_is_alive),
        cmocka_unit_test(who_takes_what_it_gets_is_alive),
        cmocka_unit_test(who_does_not_read_is_not_judged_by_pings_behind_a_backlog),
        cmocka_unit_test(a_host_that_is_gone_is_given_up_though_a_backlog_waits),
        cmocka_unit_test(who_sends_a_message_byte_by_byte_is_closed_with_1008),
        cmocka_unit_test(who_does_not_answer_a_close_is_ended),
        cmocka_unit_test(beyond_the_most_connections_the_next_is_turned_away),
        cmocka_unit_test(without_descriptors_nobody_is_lost_and_the_loop_rests),
        cmocka_unit_test(a_port_in_use_is_refused_with_the_remedy),
        cmocka_unit_test(a_port_is_free_again_when_its_listener_has_closed),
        cmocka_unit_test(an_address_of_another_machine_is_refused_with_words),
        cmocka_unit_test(parameters_that_mean_nothing_are_refused),
        cmocka_unit_test(a_busy_connection_keeps_its_buffer_and_an_idle_one_gives_it_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
