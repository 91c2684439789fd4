/*
 * Those who mean harm, and an honest client beside them: each gets its answer, and the honest one
 * is served in every turn.
 */
#include "bench.h"

#include <inttypes.h>
#include <time.h>

#define CROWD 600       /* connections that never say anything */
#define ADDRESSES 4     /* they come from 127.0.0.1 .. 127.0.0.4 */
#define HONEST_TURNS 50 /* an echo comes back within so many that had something to do */

struct scene {
    struct bench bench;
    int honest;
    size_t most_turns; /* that an echo took */
    uint64_t echoes;
    int64_t longest_ns; /* told, never asserted */
    int64_t all_ns;
};

static int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void scene_open(struct scene *scene, const struct msim_connection_limits *limits,
                       size_t max_connections)
{
    memset(scene, 0, sizeof *scene);
    bench_open(&scene->bench, limits, max_connections);
    scene->bench.echoes = true;
    scene->honest = raw_open(&scene->bench);
}

/* Turns until the echo is there; how many of them had something to do. */
static size_t await_echo(struct scene *scene)
{
    unsigned char echo[16];
    size_t have = 0;
    size_t turns = 0;

    for (int i = 0; i < PATIENCE && have < 8 && turns < HONEST_TURNS; i++) {
        int handled = msim_net_dispatch(scene->bench.net, 1);
        assert_true(handled >= 0);
        turns += handled > 0;
        ssize_t came = recv(scene->honest, echo + have, 8 - have, 0);
        have += came > 0 ? (size_t)came : 0;
    }
    assert_int_equal(have, 8);
    assert_memory_equal(echo, "\x81\x06honest", 8);
    return turns;
}

/* One echo of the honest client's; its log is of no interest. */
static void be_honest(struct scene *scene)
{
    unsigned char frame[32];

    scene->bench.log[0] = '\0';
    size_t length = raw_frame(frame, 0x81, "honest", 6, raw_key);
    int64_t began = clock_ns();
    assert_int_equal(send(scene->honest, frame, length, MSG_NOSIGNAL), (ssize_t)length);
    size_t turns = await_echo(scene);
    int64_t took = clock_ns() - began;
    scene->bench.log[0] = '\0';
    if (turns > scene->most_turns)
        scene->most_turns = turns;
    if (took > scene->longest_ns)
        scene->longest_ns = took;
    scene->all_ns += took;
    scene->echoes++;
}

static void scene_finish(struct scene *scene)
{
    be_honest(scene);
    print_message("an honest echo took %zu turns at most; of %" PRIu64
                  ", the mean %.0f us, the longest %.0f us\n",
                  scene->most_turns, scene->echoes,
                  (double)scene->all_ns / 1e3 / (double)scene->echoes,
                  (double)scene->longest_ns / 1e3);
    close(scene->honest);
    bench_finish(&scene->bench);
}

/* Did the link end?  What came meanwhile is thrown away. */
static bool has_ended(int fd)
{
    char bytes[4096];

    for (;;) {
        ssize_t came = recv(fd, bytes, sizeof bytes, 0);
        if (came == 0 || (came < 0 && errno != EAGAIN))
            return true;
        if (came < 0)
            return false;
    }
}

static void until_ended(struct scene *scene, int fd)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (has_ended(fd))
            return;
        be_honest(scene);
    }
    fail_msg("it was never let go");
}

/* A byte of `text` at a time, with honest work between. */
static void drip(struct scene *scene, const char *text, size_t length, const char *expected)
{
    char answer[2048] = "";
    size_t have = 0;
    int fd = raw_connect(&scene->bench);

    for (size_t i = 0; i < (size_t)8 * PATIENCE; i++) {
        if (i < length)
            send(fd, text + i, 1, MSG_NOSIGNAL);
        be_honest(scene);
        ssize_t came = recv(fd, answer + have, sizeof answer - 1 - have, 0);
        if (came == 0 || (came < 0 && errno != EAGAIN))
            break;
        have += came > 0 ? (size_t)came : 0;
        answer[have] = '\0';
    }
    if (!strstr(answer, expected))
        fail_msg("'%s' was answered", answer);
    close(fd);
}

static void who_drips_a_head_is_told_that_it_took_too_long(void **state)
{
    const struct msim_connection_limits limits = {.handshake_timeout = 60 * MS};
    char head[4096];
    struct scene scene;

    (void)state;
    scene_open(&scene, &limits, 0);
    memset(head, 'x', sizeof head);
    memcpy(head, "GET / HTTP/1.1\r\nX-Slow: ", 24);
    drip(&scene, head, sizeof head, "HTTP/1.1 408 ");
    scene_finish(&scene);
}

static void who_drips_a_frame_is_closed_with_1008(void **state)
{
    const struct msim_connection_limits limits = {.message_timeout = 60 * MS};
    unsigned char frame[1024] = {0x82, 0xFE, 0x03, 0xE8, 0, 0, 0, 0};
    struct scene scene;

    (void)state;
    scene_open(&scene, &limits, 0);
    int fd = raw_open(&scene.bench);
    for (size_t i = 0; i < (size_t)8 * PATIENCE; i++) {
        if (i < sizeof frame - 30)
            send(fd, frame + i, 1, MSG_NOSIGNAL);
        be_honest(&scene);
        char head[4];
        ssize_t came = recv(fd, head, sizeof head, MSG_PEEK);
        if (came >= 4) {
            assert_memory_equal(head, "\x88", 1);
            assert_int_equal((unsigned char)head[2] << 8 | (unsigned char)head[3], 1008);
            close(fd);
            scene_finish(&scene);
            return;
        }
    }
    fail_msg("it was never closed");
}

static void a_flood_of_pings_is_answered_within_a_bound(void **state)
{
    static unsigned char flood[131 * 500];
    struct scene scene;
    size_t length = 0;

    (void)state;
    scene_open(&scene, NULL, 0);
    int fd = raw_open(&scene.bench);
    struct msim_connection *flooder = scene.bench.last;
    for (size_t i = 0; i < 500; i++)
        length += raw_frame(flood + length, 0x89, flood + 64000, 125, raw_key);
    size_t most = 0;
    for (int i = 0; i < 200; i++) { /* 12 MiB of them, and nobody reads the answers */
        send(fd, flood, length, MSG_NOSIGNAL);
        be_honest(&scene);
        size_t backlog = msim_connection_backlog(flooder);
        most = backlog > most ? backlog : most;
    }
    assert_in_range(most, 0, 16 * 1024);
    close(fd);
    scene_finish(&scene);
}

static void a_flood_of_empty_frames_holds_nobody_up(void **state)
{
    static unsigned char flood[6 * 10000];
    struct scene scene;
    size_t length = 0;

    (void)state;
    scene_open(&scene, NULL, 0);
    int fd = raw_open(&scene.bench);
    length += raw_frame(flood, 0x01, "", 0, raw_key);
    while (length + 6 <= sizeof flood)
        length += raw_frame(flood + length, 0x00, "", 0, raw_key);
    for (int i = 0; i < 50; i++) {
        size_t from = i == 0 ? 0 : 6;
        send(fd, flood + from, length - from, MSG_NOSIGNAL);
        be_honest(&scene);
    }
    close(fd);
    scene_finish(&scene);
}

static void who_reads_byte_by_byte_holds_nobody_up(void **state)
{
    const struct msim_connection_limits limits = {.max_backlog_bytes = 64 * 1024,
                                                  .kernel_send_bytes = 4096};
    static char bytes[8000];
    struct scene scene;
    int r = MSIM_OK;

    (void)state;
    scene_open(&scene, &limits, 0);
    int fd = raw_open(&scene.bench);
    struct msim_connection *slow = scene.bench.last;
    for (int i = 0; i < 2000 && r == MSIM_OK; i++) {
        r = msim_connection_send(slow, MSIM_MESSAGE_BINARY, bytes, sizeof bytes);
        be_honest(&scene);
    }
    assert_int_equal(r, MSIM_ERR_LIMIT);
    for (int i = 0; i < 100; i++) {
        char byte;
        recv(fd, &byte, 1, 0);
        be_honest(&scene);
        assert_in_range(msim_connection_backlog(slow), 0, 64 * 1024);
    }
    close(fd);
    scene_finish(&scene);
}

static void who_shuts_half_of_the_link_is_let_go(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, NULL, 0);
    int open = raw_open(&scene.bench);
    int opening = raw_connect(&scene.bench);
    send(opening, "GET / HT", 8, MSG_NOSIGNAL);
    be_honest(&scene);
    shutdown(open, SHUT_WR);
    shutdown(opening, SHUT_WR);
    until_ended(&scene, open);
    until_ended(&scene, opening);
    close(open);
    close(opening);
    scene_finish(&scene);
}

static int connect_from(uint16_t port, unsigned last_byte)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr = {htonl(INADDR_LOOPBACK + last_byte)}};
    struct sockaddr_in to;
    int fd = raw_socket(AF_INET);

    assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    raw_address(&to, port);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static void a_crowd_that_says_nothing_is_bounded_and_let_go(void **state)
{
    const struct msim_connection_limits limits = {.handshake_timeout = 300 * MS};
    static int crowd[CROWD];
    struct scene scene;
    size_t ended = 0;

    (void)state;
    scene_open(&scene, &limits, CROWD / 2); /* half of them are turned away at once */
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = connect_from(msim_listener_port(scene.bench.listener), i % ADDRESSES);
        if (i % 32 == 0)
            be_honest(&scene);
    }
    for (int i = 0; i < PATIENCE && ended < CROWD; i++) {
        be_honest(&scene);
        for (size_t k = 0; k < CROWD; k++) {
            if (crowd[k] < 0 || !has_ended(crowd[k]))
                continue;
            close(crowd[k]);
            crowd[k] = -1;
            ended++;
        }
    }
    assert_int_equal(ended, CROWD);
    close(raw_open(&scene.bench)); /* and there is room again */
    scene_finish(&scene);
}

static void what_two_programs_could_read_differently_is_refused(void **state)
{
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    struct scene scene;

    (void)state;
    scene_open(&scene, NULL, 0);
    for (size_t i = 0; i < COUNT(heads); i++) {
        char answer[2048];
        int fd = raw_connect(&scene.bench);
        raw_say(&scene.bench, fd, heads[i]);
        raw_rest(&scene.bench, fd, answer, sizeof answer);
        if (strncmp(answer, "HTTP/1.1 400 ", 13) != 0 && strncmp(answer, "HTTP/1.1 501 ", 13) != 0)
            fail_msg("%s: %s", heads[i], answer);
        close(fd);
        be_honest(&scene);
    }
    scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_drips_a_head_is_told_that_it_took_too_long),
        cmocka_unit_test(who_drips_a_frame_is_closed_with_1008),
        cmocka_unit_test(a_flood_of_pings_is_answered_within_a_bound),
        cmocka_unit_test(a_flood_of_empty_frames_holds_nobody_up),
        cmocka_unit_test(who_reads_byte_by_byte_holds_nobody_up),
        cmocka_unit_test(who_shuts_half_of_the_link_is_let_go),
        cmocka_unit_test(a_crowd_that_says_nothing_is_bounded_and_let_go),
        cmocka_unit_test(what_two_programs_could_read_differently_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
