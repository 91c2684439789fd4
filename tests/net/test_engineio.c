/*
 * Sessions of Engine.IO and Socket.IO where clients are slow, late, many, or not who they say.
 */
#include "bench.h"

#include <marketsim/socketio.h>

#define ENGINE "/engine.io/?EIO=4&transport="
#define SOCKET "/socket.io/?EIO=4&transport="

struct site {
    struct bench bench;
    struct msim_engineio *engine; /* echoes */
    struct msim_socketio *socketio;
    struct msim_engineio_session *last;
    char id[32]; /* of the session that was opened last */
    size_t opened;
    size_t closed;
    size_t drained;
    char reason[64];
    char told[256]; /* of Socket.IO's events */
};

static void on_opened(void *context, struct msim_engineio_session *session)
{
    struct site *site = context;

    site->last = session;
    site->opened++;
    snprintf(site->id, sizeof site->id, "%s", msim_engineio_id(session));
}

static void on_message(void *context, struct msim_engineio_session *session,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    (void)context;
    msim_engineio_send(session, kind, bytes, length);
}

static void on_drained(void *context, struct msim_engineio_session *session)
{
    struct site *site = context;

    (void)session;
    site->drained++;
}

static void on_closed(void *context, struct msim_engineio_session *session, const char *reason)
{
    struct site *site = context;

    if (site->last == session)
        site->last = NULL;
    site->closed++;
    snprintf(site->reason, sizeof site->reason, "%s", reason);
}

static void on_event(void *context, struct msim_socketio_client *client,
                     const struct msim_socketio_event *event)
{
    struct site *site = context;
    size_t bytes = 0;

    (void)client;
    for (size_t i = 0; i < event->attachment_count; i++)
        bytes += event->attachments[i].length;
    size_t at = strlen(site->told);
    snprintf(site->told + at, sizeof site->told - at, "%s(%zu of %zu bytes) ", event->name,
             event->attachment_count, bytes);
}

static msim_time on_turn(void *context, msim_time now)
{
    struct site *site = context;
    msim_time engine = msim_engineio_turn(site->engine, now);
    msim_time socketio = msim_socketio_turn(site->socketio, now);

    return engine < socketio ? engine : socketio;
}

/* ---- the site ---- */

static void create(struct site *site, const struct msim_engineio_params *wanted)
{
    const struct msim_socketio_handler handler = {.event = on_event};
    const struct msim_socketio_namespace name_space = {"/", handler, site};
    struct msim_engineio_params engine = *wanted;
    struct msim_socketio_params socketio = MSIM_SOCKETIO_PARAMS_INIT;

    engine.net = site->bench.net;
    socketio.engine = engine;
    socketio.namespaces = &name_space;
    socketio.namespace_count = 1;
    engine.context = site;
    engine.handler.opened = on_opened;
    engine.handler.message = on_message;
    engine.handler.drained = on_drained;
    engine.handler.closed = on_closed;
    assert_int_equal(msim_engineio_create(&site->engine, &engine, NULL), MSIM_OK);
    assert_int_equal(msim_socketio_create(&site->socketio, &socketio, NULL), MSIM_OK);
}

static void site_open(struct site *site, const struct msim_engineio_params *wanted)
{
    struct msim_net_params net = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_route routes[2 * MSIM_ENGINEIO_ROUTES];
    struct msim_detail detail = {""};

    memset(site, 0, sizeof *site);
    net.turn = on_turn;
    net.context = site;
    net.max_connections = 4096;
    assert_int_equal(msim_net_create(&site->bench.net, &net, NULL), MSIM_OK);
    create(site, wanted);
    msim_engineio_routes(site->engine, "/engine.io/", routes);
    msim_engineio_routes(msim_socketio_engine(site->socketio), "/socket.io/",
                         routes + MSIM_ENGINEIO_ROUTES);
    listen.host = "127.0.0.1";
    listen.routes = routes;
    listen.route_count = COUNT(routes);
    listen.limits.kernel_send_bytes = 4096;
    msim_engineio_limits(site->engine, &listen.limits);
    if (msim_net_listen(site->bench.net, &site->bench.listener, &listen, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void site_close(struct site *site)
{
    msim_listener_close(&site->bench.listener);
    msim_engineio_destroy(&site->engine);
    msim_socketio_destroy(&site->socketio);
    bench_finish(&site->bench);
}

/* ---- its clients ---- */

/* Asks on a link of its own, without waiting for the answer. */
static int ask(struct site *site, const char *method, const char *target, const char *body)
{
    char head[512];
    int fd = raw_connect(&site->bench);

    snprintf(
        head, sizeof head,
        "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
        method, target, strlen(body));
    raw_say(&site->bench, fd, head);
    raw_say(&site->bench, fd, body);
    return fd;
}

/* The status; the body goes to `out`. */
static int answer_of(struct site *site, int fd, char *out, size_t size)
{
    char text[4096];
    int status = 0;

    raw_rest(&site->bench, fd, text, sizeof text);
    close(fd);
    assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    snprintf(out, size, "%s", body + 4);
    return status;
}

static void poll_target(char out[128], const char *id)
{
    snprintf(out, 128, ENGINE "polling&sid=%s", id);
}

static void assert_answer(struct site *site, int fd, int status, const char *body)
{
    char text[4096];

    assert_int_equal(answer_of(site, fd, text, sizeof text), status);
    if (body)
        assert_string_equal(text, body);
}

/* A session by polling; its id is in `site->id`. */
static void open_polling(struct site *site)
{
    assert_answer(site, ask(site, "GET", ENGINE "polling", ""), 200, NULL);
}

static int open_websocket(struct site *site, const char *target)
{
    int fd = raw_connect(&site->bench);
    char head[256];

    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\n" RAW_UPGRADE, target);
    raw_say(&site->bench, fd, head);
    raw_expect(&site->bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    return fd;
}

/* The open packet: its bytes are those of a short frame. */
static void skip_greeting(struct site *site, int fd)
{
    unsigned char head[2];
    char text[126];

    assert_int_equal(raw_read(&site->bench, fd, head, 2), 2);
    assert_int_equal(head[0], 0x81);
    size_t length = head[1];
    if (length == 126) {
        assert_int_equal(raw_read(&site->bench, fd, head, 2), 2);
        length = (size_t)head[0] << 8 | head[1];
    }
    for (size_t left = length; left > 0;) {
        size_t piece = left < sizeof text ? left : sizeof text;
        assert_int_equal(raw_read(&site->bench, fd, text, piece), piece);
        left -= piece;
    }
}

static void say(struct site *site, int fd, const char *text)
{
    raw_send_frame(&site->bench, fd, 0x81, text, strlen(text));
}

static void hear(struct site *site, int fd, const char *text)
{
    raw_expect_frame(&site->bench, fd, 0x81, text, strlen(text));
}

/* A WebSocket that asks to take a session over, and was promised it. */
static int probe(struct site *site, const char *id)
{
    char target[128];

    snprintf(target, sizeof target, ENGINE "websocket&sid=%s", id);
    int fd = open_websocket(site, target);
    say(site, fd, "2probe");
    hear(site, fd, "3probe");
    return fd;
}

static void until_closed(struct site *site, size_t count)
{
    for (int i = 0; i < PATIENCE && site->closed < count; i++)
        turn(&site->bench);
    assert_int_equal(site->closed, count);
}

/* ---- on the way over ---- */

static void an_upgrade_that_takes_too_long_leaves_the_session_by_polling(void **state)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct site site;
    char target[128];

    (void)state;
    params.upgrade_timeout = 300 * MS;
    site_open(&site, &params);
    open_polling(&site);
    poll_target(target, site.id);
    int fd = probe(&site, site.id);
    raw_expect_close(&site.bench, fd, MSIM_CLOSE_NORMAL);
    assert_answer(&site, ask(&site, "POST", target, "4still here"), 200, "ok");
    assert_answer(&site, ask(&site, "GET", target, ""), 200, "4still here");
    /* Another one may follow. */
    close(fd);
    fd = probe(&site, site.id);
    say(&site, fd, "5");
    say(&site, fd, "4over");
    hear(&site, fd, "4over");
    close(fd);
    site_close(&site);
}

static void a_session_that_ends_while_it_goes_over_takes_the_websocket_with_it(void **state)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct site site;
    char target[128];

    (void)state;
    site_open(&site, &params);
    /* By the client's word, with a poll held. */
    open_polling(&site);
    poll_target(target, site.id);
    int fd = probe(&site, site.id);
    int held = ask(&site, "GET", target, "");
    assert_answer(&site, held, 200, "6");
    assert_answer(&site, ask(&site, "POST", target, "1"), 200, "ok");
    raw_expect_close(&site.bench, fd, MSIM_CLOSE_NORMAL);
    until_closed(&site, 1);
    assert_answer(&site, ask(&site, "GET", target, ""), 400, NULL);
    close(fd);
    /* By the server's. */
    open_polling(&site);
    poll_target(target, site.id);
    fd = probe(&site, site.id);
    msim_engineio_close(site.last, "enough");
    raw_expect_close(&site.bench, fd, MSIM_CLOSE_NORMAL);
    assert_answer(&site, ask(&site, "GET", target, ""), 200, "1");
    until_closed(&site, 2);
    assert_string_equal(site.reason, "enough");
    close(fd);
    site_close(&site);
}

static void a_websocket_that_ends_on_the_way_over_leaves_the_session(void **state)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct site site;
    char target[128];

    (void)state;
    site_open(&site, &params);
    open_polling(&site);
    poll_target(target, site.id);
    close(probe(&site, site.id));
    for (int i = 0; i < 20; i++)
        turn(&site.bench);
    assert_answer(&site, ask(&site, "POST", target, "4a"), 200, "ok");
    assert_answer(&site, ask(&site, "GET", target, ""), 200, "4a");
    assert_int_equal(site.closed, 0);
    site_close(&site);
}

/* ---- not who they say ---- */

static void a_session_is_taken_over_by_nobody_who_guesses(void **state)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct site site;
    char target[128];
    char wrong[32];

    (void)state;
    site_open(&site, &params);
    int owner = open_websocket(&site, ENGINE "websocket");
    skip_greeting(&site, owner);
    assert_int_equal(strlen(site.id), 20);
    /* Who knows it finds it taken, by either transport, and the owner notices nothing. */
    poll_target(target, site.id);
    assert_answer(&site, ask(&site, "GET", target, ""), 400, NULL);
    assert_answer(&site, ask(&site, "POST", target, "4mine"), 400, NULL);
    snprintf(target, sizeof target, ENGINE "websocket&sid=%s", site.id);
    int thief = open_websocket(&site, target);
    raw_expect_close(&site.bench, thief, MSIM_CLOSE_NORMAL);
    close(thief);
    /* One that is almost it is nobody's. */
    for (size_t i = 0; i < 20; i++) {
        snprintf(wrong, sizeof wrong, "%s", site.id);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        poll_target(target, wrong);
        assert_answer(&site, ask(&site, "POST", target, "4mine"), 400,
                      "{\"code\":1,\"message\":\"Session ID unknown\"}");
    }
    say(&site, owner, "4mine");
    hear(&site, owner, "4mine");
    assert_int_equal(site.opened, 1);
    close(owner);
    site_close(&site);
}

/* ---- the slow ---- */

static void a_slow_reader_is_bounded_and_gets_all_that_was_taken_in_order(void **state)
{
    enum { SIZE = 1000, QUEUE = 200000 };
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct msim_engineio_stats stats;
    struct site site;
    char message[SIZE];
    size_t taken = 0;
    int r = MSIM_OK;

    (void)state;
    params.max_queue_bytes = QUEUE;
    site_open(&site, &params);
    int fd = open_websocket(&site, ENGINE "websocket");
    skip_greeting(&site, fd);
    memset(message, 'x', sizeof message);
    /* What the system and the connection hold besides is bounded as well. */
    while (r == MSIM_OK && taken < 100000) {
        snprintf(message, sizeof message, "%zu", taken);
        r = msim_engineio_send(site.last, MSIM_MESSAGE_TEXT, message, SIZE - 1);
        taken += r == MSIM_OK;
        turn(&site.bench);
    }
    assert_int_equal(r, MSIM_ERR_LIMIT);
    assert_in_range(msim_engineio_backlog(site.last), QUEUE - 2 * SIZE, QUEUE);
    msim_engineio_stats(site.engine, &stats);
    assert_int_equal(stats.messages_full, 1);
    assert_int_equal(site.drained, 0);
    for (size_t i = 0; i < taken; i++) {
        unsigned char frame[4 + SIZE];
        assert_int_equal(raw_read(&site.bench, fd, frame, sizeof frame), sizeof frame);
        assert_int_equal(strtoul((const char *)frame + 5, NULL, 10), i);
    }
    for (int i = 0; i < PATIENCE && site.drained == 0; i++)
        turn(&site.bench);
    assert_int_equal(site.drained, 1);
    assert_int_equal(msim_engineio_send(site.last, MSIM_MESSAGE_TEXT, "on", 2), MSIM_OK);
    hear(&site, fd, "4on");
    close(fd);
    site_close(&site);
}

/* ---- bytes ---- */

static void attachments_beyond_their_bounds_end_the_session(void **state)
{
    static const char *const bad[] = {
        "450-[\"a\"]",
        "4511-[\"a\"]",
        "45-[\"a\"]",
        "451-[\"a\",{\"_placeholder\":true,\"num\":1}]",
    };
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    unsigned char bytes[6000] = {0};
    struct site site;

    (void)state;
    params.max_payload_bytes = 10000;
    site_open(&site, &params);
    for (size_t i = 0; i < COUNT(bad); i++) {
        int fd = open_websocket(&site, SOCKET "websocket");
        skip_greeting(&site, fd);
        say(&site, fd, "40");
        skip_greeting(&site, fd);
        say(&site, fd, bad[i]);
        raw_expect_close(&site.bench, fd, MSIM_CLOSE_NORMAL);
        close(fd);
    }
    /* Each may be as long as a message, all together no longer. */
    int fd = open_websocket(&site, SOCKET "websocket");
    skip_greeting(&site, fd);
    say(&site, fd, "40");
    skip_greeting(&site, fd);
    say(&site, fd, "451-[\"one\",{\"_placeholder\":true,\"num\":0}]");
    raw_send_frame(&site.bench, fd, 0x82, bytes, sizeof bytes);
    say(&site, fd,
        "452-[\"two\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
    raw_send_frame(&site.bench, fd, 0x82, bytes, sizeof bytes);
    raw_send_frame(&site.bench, fd, 0x82, bytes, sizeof bytes);
    raw_expect_close(&site.bench, fd, MSIM_CLOSE_NORMAL);
    assert_string_equal(site.told, "one(1 of 6000 bytes) ");
    close(fd);
    site_close(&site);
}

static void attachments_that_do_not_come_end_the_session(void **state)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct site site;

    (void)state;
    params.ping_timeout = 30 * MS;
    site_open(&site, &params);
    int fd = open_websocket(&site, SOCKET "websocket");
    skip_greeting(&site, fd);
    say(&site, fd, "40");
    skip_greeting(&site, fd);
    say(&site, fd, "451-[\"one\",{\"_placeholder\":true,\"num\":0}]");
    raw_expect_close(&site.bench, fd, MSIM_CLOSE_NORMAL);
    assert_string_equal(site.told, "");
    close(fd);
    site_close(&site);
}

/* ---- the many ---- */

static void thousands_of_sessions_each_get_what_is_theirs(void **state)
{
    enum { MANY = 3000 };
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct msim_engineio_stats stats;
    struct site site;
    char(*ids)[32] = calloc(MANY, sizeof *ids);
    char target[128];
    char text[32];

    (void)state;
    assert_non_null(ids);
    params.max_sessions = MANY;
    site_open(&site, &params);
    for (size_t i = 0; i < MANY; i++) {
        open_polling(&site);
        memcpy(ids[i], site.id, sizeof ids[i]);
    }
    assert_answer(&site, ask(&site, "GET", ENGINE "polling", ""), 503, NULL);
    msim_engineio_stats(site.engine, &stats);
    assert_int_equal(stats.sessions, MANY);
    for (size_t i = 0; i < MANY; i += 7) {
        snprintf(text, sizeof text, "4%zu", i);
        poll_target(target, ids[i]);
        assert_answer(&site, ask(&site, "POST", target, text), 200, "ok");
    }
    for (size_t i = 0; i < MANY; i += 7) {
        snprintf(text, sizeof text, "4%zu", i);
        poll_target(target, ids[i]);
        assert_answer(&site, ask(&site, "GET", target, ""), 200, text);
    }
    msim_engineio_stop(site.engine);
    until_closed(&site, MANY);
    assert_string_equal(site.reason, "server shutdown");
    free(ids);
    site_close(&site);
}

static void sessions_of_one_address_are_bounded(void **state)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct site site;
    char target[128];

    (void)state;
    params.max_sessions_per_address = 2;
    site_open(&site, &params);
    open_polling(&site);
    open_polling(&site);
    assert_answer(&site, ask(&site, "GET", ENGINE "polling", ""), 503,
                  "{\"code\":4,\"message\":\"Forbidden\"}");
    int fd = open_websocket(&site, ENGINE "websocket");
    raw_expect_close(&site.bench, fd, MSIM_CLOSE_TRY_LATER);
    close(fd);
    /* One that goes makes room. */
    poll_target(target, site.id);
    assert_answer(&site, ask(&site, "POST", target, "abc"), 400, NULL);
    until_closed(&site, 1);
    open_polling(&site);
    site_close(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_that_takes_too_long_leaves_the_session_by_polling),
        cmocka_unit_test(a_session_that_ends_while_it_goes_over_takes_the_websocket_with_it),
        cmocka_unit_test(a_websocket_that_ends_on_the_way_over_leaves_the_session),
        cmocka_unit_test(a_session_is_taken_over_by_nobody_who_guesses),
        cmocka_unit_test(a_slow_reader_is_bounded_and_gets_all_that_was_taken_in_order),
        cmocka_unit_test(attachments_beyond_their_bounds_end_the_session),
        cmocka_unit_test(attachments_that_do_not_come_end_the_session),
        cmocka_unit_test(thousands_of_sessions_each_get_what_is_theirs),
        cmocka_unit_test(sessions_of_one_address_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
