/*
 * Memory that fails while links of both roles are at work: TLS, compressed messages, what a topic
 * packs for many, a dialer that comes again.  Client and server share one net, whose every
 * allocation fails in turn, and all after it, until the play is over.
 */
#define _GNU_SOURCE /* sockets */
#include "net/bench.h"

#include <marketsim/dialer.h>
#include <marketsim/hub.h>
#include <marketsim/tls.h>

#include "failing.h"

#define PLAYERS 2
#define ROUNDS 8
#define LARGE 20000

struct play {
    struct failing failing;
    struct bench bench;
    struct msim_listener *listener;
    struct msim_listen_params listen;
    struct msim_connect_params connect;
    struct msim_topic *topic; /* NULL: the server echoes */
    const char *scheme;
    size_t heard; /* messages at the clients */
    size_t done;  /* clients that heard all they asked for */
    size_t ended; /* clients that did not come about, or ended */
    bool refused; /* something that was asked for had no memory */
    char message[LARGE];
};

/* ---- the server's side ---- */

static void joins(void *context, struct msim_connection *connection)
{
    struct play *play = context;

    if (play->topic && msim_topic_subscribe(play->topic, connection) < 0)
        msim_connection_abort(connection);
}

static void echoes(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                   const unsigned char *bytes, size_t length)
{
    (void)context;
    if (msim_connection_send(connection, kind, bytes, length) < 0)
        msim_connection_abort(connection);
}

/* ---- the clients' ---- */

static void speaks(void *context, struct msim_connection *connection)
{
    struct play *play = context;

    if (!play->topic &&
        msim_connection_send(connection, MSIM_MESSAGE_TEXT, play->message, LARGE) < 0)
        msim_connection_abort(connection);
}

static void hears(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    struct play *play = context;

    (void)kind;
    assert_in_range(length, 1, LARGE);
    assert_memory_equal(bytes, play->message, length);
    play->heard++;
    uintptr_t rounds = (uintptr_t)msim_connection_user(connection) + 1;
    msim_connection_set_user(connection, (void *)rounds);
    if (rounds == ROUNDS)
        play->done++;
    else if (!play->topic &&
             msim_connection_send(connection, MSIM_MESSAGE_TEXT, play->message, LARGE / 2) < 0)
        msim_connection_abort(connection);
}

static void ends(void *context, struct msim_connection *connection,
                 const struct msim_closing *closing)
{
    (void)connection;
    (void)closing;
    ((struct play *)context)->ended++;
}

/* ---- a play ---- */

static void begin(struct play *play, struct msim_tls *identity, struct msim_tls *trust,
                  const struct msim_deflate *deflate)
{
    const struct msim_allocator allocator = failing_allocator(&play->failing);

    *play = (struct play){.failing.fail_at = SIZE_MAX, .scheme = identity ? "wss" : "ws"};
    for (size_t i = 0; i < LARGE; i++)
        play->message[i] = (char)('a' + i * i % 23);
    bench_open_with(&play->bench, NULL, 0, &allocator);
    play->listen = (struct msim_listen_params)MSIM_LISTEN_PARAMS_INIT;
    play->listen.host = "127.0.0.1";
    play->listen.handler.opened = joins;
    play->listen.handler.message = echoes;
    play->listen.context = play;
    play->listen.tls = identity;
    play->connect = (struct msim_connect_params)MSIM_CONNECT_PARAMS_INIT;
    play->connect.handler.opened = speaks;
    play->connect.handler.message = hears;
    play->connect.handler.closed = ends;
    play->connect.context = play;
    play->connect.tls = trust;
    if (deflate)
        play->listen.deflate = play->connect.deflate = *deflate;
    assert_int_equal(msim_net_listen(play->bench.net, &play->listener, &play->listen, NULL),
                     MSIM_OK);
}

static void url_of(const struct play *play, char url[64])
{
    snprintf(url, 64, "%s://127.0.0.1:%u/", play->scheme,
             (unsigned)msim_listener_port(play->listener));
}

static void connect_one(struct play *play, struct msim_connection **out)
{
    char url[64];

    url_of(play, url);
    play->connect.url = url;
    int r = msim_net_connect(play->bench.net, out, &play->connect, NULL);
    if (r < 0) {
        assert_int_equal(r, MSIM_ERR_NOMEM);
        play->refused = true;
        play->ended++;
    }
}

/* Turns until so many clients have heard all, or have ended. */
static void until_over(struct play *play, size_t clients)
{
    for (int i = 0; i < PATIENCE && play->done + play->ended < clients; i++)
        turn(&play->bench);
    assert_in_range(play->done + play->ended, clients, SIZE_MAX);
}

static void wait_for_subscribers(struct play *play)
{
    struct msim_topic_stats stats = {0};

    for (int i = 0; i < PATIENCE && stats.subscribers + play->ended < PLAYERS; i++) {
        turn(&play->bench);
        msim_topic_stats(play->topic, &stats);
    }
}

/* What they do; the memory fails somewhere in it. */
static void act(struct play *play)
{
    struct msim_connection *clients[PLAYERS] = {0};

    for (size_t i = 0; i < PLAYERS; i++)
        connect_one(play, &clients[i]);
    if (!play->topic) {
        until_over(play, PLAYERS);
        return;
    }
    wait_for_subscribers(play);
    for (size_t i = 0; i < ROUNDS && play->ended < PLAYERS; i++) {
        int r = msim_topic_publish(play->topic, MSIM_MESSAGE_TEXT, play->message, 100 + i * 500);
        play->refused = play->refused || r < 0;
        assert_true(r == MSIM_OK || r == MSIM_ERR_NOMEM);
        turn(&play->bench);
    }
    for (int i = 0; i < 20; i++)
        turn(&play->bench);
}

static void finish(struct play *play)
{
    msim_topic_destroy(&play->topic);
    bench_finish(&play->bench);
    assert_int_equal(play->failing.blocks, 0);
    assert_int_equal(play->failing.bytes, 0);
}

/* With the `more`th allocation failing and all after it.  False where none did. */
static bool fails_at(struct play *play, size_t more, bool has_topic)
{
    struct msim_topic_params topic = MSIM_TOPIC_PARAMS_INIT;

    if (has_topic)
        assert_int_equal(msim_topic_create(play->bench.net, &play->topic, &topic), MSIM_OK);
    play->failing.fail_at = play->failing.calls + more;
    act(play);
    bool failed = play->failing.calls > play->failing.fail_at;
    play->failing.fail_at = SIZE_MAX;
    if (!failed) {
        assert_int_equal(play->heard, PLAYERS * ROUNDS);
        assert_int_equal(play->ended, 0);
        assert_false(play->refused);
    }
    /* With memory again, who comes is served. */
    play->done = play->ended = 0;
    play->refused = false;
    struct msim_connection *client;
    struct msim_topic *kept = play->topic;
    play->topic = NULL;
    connect_one(play, &client);
    assert_false(play->refused);
    for (int i = 0; i < PATIENCE && play->done == 0; i++)
        turn(&play->bench);
    assert_in_range(play->done, 1, PLAYERS);
    play->topic = kept;
    return failed;
}

static void each_failure(struct msim_tls *identity, struct msim_tls *trust,
                         const struct msim_deflate *deflate, bool has_topic, size_t least)
{
    bool failed = true;
    size_t more = 0;

    for (; failed; more++) {
        struct play *play = malloc(sizeof *play);
        assert_non_null(play);
        begin(play, identity, trust, deflate);
        failed = fails_at(play, more, has_topic);
        finish(play);
        free(play);
        assert_true(more < 400);
    }
    /* The play asks for that much: else it would not show what it is to show. */
    assert_in_range(more, least, 400);
}

static void compressed_messages_end_with_their_connection_alone(void **state)
{
    const struct msim_deflate each_by_itself = {.is_on = true};
    const struct msim_deflate in_context = {
        .is_on = true, .keeps_context = true, .peer_keeps_context = true};

    (void)state;
    each_failure(NULL, NULL, NULL, false, 15);
    each_failure(NULL, NULL, &each_by_itself, false, 20);
    each_failure(NULL, NULL, &in_context, false, 20);
}

static void what_a_topic_packs_may_find_no_memory(void **state)
{
    const struct msim_deflate each_by_itself = {.is_on = true};
    const struct msim_deflate in_context = {.is_on = true, .keeps_context = true};

    (void)state;
    each_failure(NULL, NULL, NULL, true, 15);
    each_failure(NULL, NULL, &each_by_itself, true, 20);
    each_failure(NULL, NULL, &in_context, true, 20);
}

/* ---- TLS ---- */

#ifdef TESTS_HAVE_TLS
#include "certificate.h"

struct files {
    char path[64];
};

static void files_make(struct files *files)
{
    snprintf(files->path, sizeof files->path, "/tmp/msim-oom-XXXXXX");
    int fd = mkstemp(files->path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(certificate_write(file, &(struct certificate){0}) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int attempt_identity(const struct msim_allocator *allocator, void *context)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_tls *tls = NULL;

    params.allocator = allocator;
    params.cert_file = ((struct files *)context)->path;
    int r = msim_tls_create(&tls, &params, NULL);
    assert_int_equal(tls != NULL, r == MSIM_OK);
    if (r == MSIM_OK)
        r = msim_tls_reload(tls, NULL);
    msim_tls_destroy(&tls);
    return r;
}

static int attempt_trust(const struct msim_allocator *allocator, void *context)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_tls *tls = NULL;

    params.allocator = allocator;
    params.ca_file = ((struct files *)context)->path;
    int r = msim_tls_create(&tls, &params, NULL);
    assert_int_equal(tls != NULL, r == MSIM_OK);
    msim_tls_destroy(&tls);
    return r;
}

static void an_identity_is_loaded_whole_or_not_at_all(void **state)
{
    struct files files;

    (void)state;
    files_make(&files);
    FAIL_EACH_ALLOCATION(attempt_identity, &files);
    FAIL_EACH_ALLOCATION(attempt_trust, &files);
    unlink(files.path);
}

static void a_secure_link_without_memory_ends_alone(void **state)
{
    const struct msim_deflate deflate = {.is_on = true};
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_tls *identity = NULL;
    struct msim_tls *trust = NULL;
    struct files files;

    (void)state;
    files_make(&files);
    params.cert_file = files.path;
    assert_int_equal(msim_tls_create(&identity, &params, NULL), MSIM_OK);
    params.cert_file = NULL;
    params.ca_file = files.path;
    assert_int_equal(msim_tls_create(&trust, &params, NULL), MSIM_OK);
    unlink(files.path);
    each_failure(identity, trust, NULL, false, 20);
    each_failure(identity, trust, &deflate, true, 20);
    msim_tls_destroy(&identity);
    msim_tls_destroy(&trust);
}
#endif

/* ---- a dialer ---- */

static int attempt_dialer(const struct msim_allocator *allocator, void *context)
{
    const struct msim_http_header header = {"X-A", "b"};
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_dialer_params dial = MSIM_DIALER_PARAMS_INIT;
    struct msim_dialer *dialer = NULL;
    struct msim_net *net = NULL;

    params.allocator = allocator;
    dial.connect.url = context;
    dial.connect.headers = &header;
    dial.connect.header_count = 1;
    dial.connect.api_key = "key";
    dial.connect.api_secret = "secret";
    int r = msim_net_create(&net, &params, NULL);
    if (r == MSIM_OK) {
        r = msim_dialer_create(net, &dialer, &dial, NULL);
        assert_int_equal(dialer != NULL, r == MSIM_OK);
    }
    msim_net_destroy(&net);
    return r;
}

static void a_dialer_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(attempt_dialer, (void *)(uintptr_t) "ws://127.0.0.1:1/");
}

static void a_dialer_outlives_a_lack_of_memory(void **state)
{
    struct msim_dialer_params dial = MSIM_DIALER_PARAMS_INIT;
    struct msim_dialer *dialer = NULL;
    struct play *play = malloc(sizeof *play);
    char url[64];

    (void)state;
    assert_non_null(play);
    begin(play, NULL, NULL, NULL);
    url_of(play, url);
    dial.connect = play->connect;
    dial.connect.url = url;
    dial.first_wait = dial.longest_wait = 2 * MS;
    assert_int_equal(msim_dialer_create(play->bench.net, &dialer, &dial, NULL), MSIM_OK);
    for (size_t more = 0; more < 30; more++) {
        play->done = 0;
        for (int i = 0; i < PATIENCE && play->done == 0; i++)
            turn(&play->bench);
        assert_int_equal(play->done, 1);
        play->failing.fail_at = play->failing.calls + more;
        msim_connection_abort(msim_dialer_connection(dialer));
        for (int i = 0; i < 10; i++)
            turn(&play->bench);
        play->failing.fail_at = SIZE_MAX;
        msim_connection_abort(msim_dialer_connection(dialer));
    }
    msim_dialer_destroy(&dialer);
    finish(play);
    free(play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_messages_end_with_their_connection_alone),
        cmocka_unit_test(what_a_topic_packs_may_find_no_memory),
#ifdef TESTS_HAVE_TLS
        cmocka_unit_test(an_identity_is_loaded_whole_or_not_at_all),
        cmocka_unit_test(a_secure_link_without_memory_ends_alone),
#endif
        cmocka_unit_test(a_dialer_is_made_whole_or_not_at_all),
        cmocka_unit_test(a_dialer_outlives_a_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
