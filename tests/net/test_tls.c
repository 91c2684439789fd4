/*
 * TLS over loopback: the library against itself, and against a peer that speaks TLS by hand.
 */
#include "bench.h"
#include "certificate.h"

#include <gnutls/gnutls.h>

#include <marketsim/fetch.h>
#include <marketsim/tls.h>

#define PATH_SIZE 64

/* A file of certificate and key, beside the programs; the test takes it away. */
static void write_certificate(char path[PATH_SIZE], const struct certificate *what)
{
    strcpy(path, "/tmp/marketsim-tls-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(certificate_write(file, what) >= 0);
    fclose(file);
}

static void write_text(char path[PATH_SIZE], const char *text)
{
    strcpy(path, "/tmp/marketsim-tls-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* ---- two ends of the library ---- */

struct pair {
    struct bench bench; /* the server's side */
    struct msim_tls *identity;
    struct msim_tls *trust;
    char path[PATH_SIZE];
    struct msim_connection *client;
    char heard[1024]; /* by the client */
    size_t heard_bytes;
    bool echoes;
};

static void client_opened(void *context, struct msim_connection *connection)
{
    struct pair *pair = context;

    assert_true(msim_connection_is_secure(connection));
    strcat(pair->heard, "opened ");
}

static void client_message(void *context, struct msim_connection *connection,
                           enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct pair *pair = context;

    (void)connection;
    (void)kind;
    pair->heard_bytes += length;
    if (length < 60 && strlen(pair->heard) < 256)
        snprintf(pair->heard + strlen(pair->heard), 64, "(%.*s) ", (int)length,
                 (const char *)bytes);
}

static void client_closed(void *context, struct msim_connection *connection,
                          const struct msim_closing *closing)
{
    struct pair *pair = context;
    size_t at = strlen(pair->heard);

    (void)connection;
    pair->client = NULL;
    snprintf(pair->heard + at, sizeof pair->heard - at, "closed(%d %s %s)", closing->code,
             msim_result_name(closing->failure), closing->reason);
}

static const struct msim_connection_handler client_handler = {
    .opened = client_opened,
    .message = client_message,
    .closed = client_closed,
};

static void pair_open(struct pair *pair, const struct certificate *what,
                      const struct msim_connection_limits *limits)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_detail detail = {""};

    memset(pair, 0, sizeof *pair);
    bench_open(&pair->bench, NULL, 0);
    msim_listener_close(&pair->bench.listener);
    write_certificate(pair->path, what);
    params.cert_file = pair->path;
    if (msim_tls_create(&pair->identity, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    params.cert_file = NULL;
    params.ca_file = pair->path;
    if (msim_tls_create(&pair->trust, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    if (limits)
        listen.limits = *limits;
    listen.handler = bench_handler;
    listen.context = &pair->bench;
    listen.tls = pair->identity;
    if (msim_net_listen(pair->bench.net, &pair->bench.listener, &listen, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void pair_finish(struct pair *pair)
{
    bench_finish(&pair->bench);
    msim_tls_destroy(&pair->identity);
    msim_tls_destroy(&pair->trust);
    assert_null(pair->trust);
    unlink(pair->path);
}

static void pair_connect(struct pair *pair, const char *host, struct msim_tls *tls)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail = {""};
    char url[128];

    snprintf(url, sizeof url, "wss://%s:%u/", host,
             (unsigned)msim_listener_port(pair->bench.listener));
    params.url = url;
    params.handler = client_handler;
    params.context = pair;
    params.tls = tls;
    if (msim_net_connect(pair->bench.net, &pair->client, &params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void until_heard(struct pair *pair, const char *expected)
{
    for (int i = 0; i < PATIENCE && !strstr(pair->heard, expected); i++)
        turn(&pair->bench);
    if (!strstr(pair->heard, expected))
        fail_msg("'%s' is not in '%s'", expected, pair->heard);
}

static void both_roles_speak_over_tls(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    pair.bench.echoes = true;
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "opened ");
    assert_true(msim_connection_is_secure(pair.bench.last));
    assert_int_equal(msim_connection_send(pair.client, MSIM_MESSAGE_TEXT, "hello", 5), MSIM_OK);
    until_heard(&pair, "opened (hello) ");
    msim_connection_close(pair.client, MSIM_CLOSE_NORMAL, "done");
    until_heard(&pair, "opened (hello) closed(1000 MSIM_OK done)");
    until_log(&pair.bench, "opened text(hello) closed(1000 by peer) ");
    pair_finish(&pair);
}

static void large_messages_come_whole_in_both_directions(void **state)
{
    const size_t size = 3 * 1024 * 1024;
    const struct msim_connection_limits limits = {
        .max_message_bytes = size, .kernel_send_bytes = 8192, .max_backlog_bytes = 2 * size};
    struct pair pair;

    (void)state;
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    pair_open(&pair, &(struct certificate){0}, &limits);
    pair_connect(&pair, "127.0.0.1", pair.trust);
    until_heard(&pair, "opened ");
    assert_int_equal(msim_connection_send(pair.client, MSIM_MESSAGE_BINARY, bytes, size), MSIM_OK);
    until_log(&pair.bench, "opened binary(3145728 bytes) ");
    /* Many pieces, of every length. */
    size_t sum = 0;
    for (size_t i = 0; i < 900; i++, sum += i)
        assert_int_equal(
            msim_connection_send(pair.bench.last, MSIM_MESSAGE_BINARY, bytes + i, i + 1), MSIM_OK);
    for (size_t i = 0; i < PATIENCE && pair.heard_bytes < sum; i++)
        turn(&pair.bench);
    assert_int_equal(pair.heard_bytes, sum);
    free(bytes);
    pair_finish(&pair);
}

static void a_certificate_of_nobody_is_not_trusted_unless_one_insists(void **state)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_tls *careless;
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    pair_connect(&pair, "localhost", NULL); /* the system's authorities do not know it */
    until_heard(&pair, "closed(1006 MSIM_ERR_FORMAT localhost");
    assert_non_null(strstr(pair.heard, "certificate is NOT trusted"));
    assert_string_equal(pair.bench.log, "");

    pair.heard[0] = '\0';
    params.is_insecure = true;
    assert_int_equal(msim_tls_create(&careless, &params, NULL), MSIM_OK);
    pair_connect(&pair, "localhost", careless);
    msim_tls_destroy(&careless); /* the connection holds on to it */
    until_heard(&pair, "opened ");
    pair_finish(&pair);
}

static void a_certificate_must_name_the_host(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){.name = "market.example"}, NULL);
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "MSIM_ERR_FORMAT");
    assert_non_null(strstr(pair.heard, "does not match the expected"));
    pair.heard[0] = '\0';
    pair_connect(&pair, "127.0.0.1", pair.trust);
    until_heard(&pair, "MSIM_ERR_FORMAT");
    assert_non_null(strstr(pair.heard, "does not match the expected"));
    pair_finish(&pair);
}

static void a_certificate_that_has_expired_is_refused(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){.valid_until = time(NULL) - 60}, NULL);
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "MSIM_ERR_FORMAT");
    assert_non_null(strstr(pair.heard, "expired"));
    pair_finish(&pair);
}

static void a_certificate_is_loaded_anew_for_those_who_come_then(void **state)
{
    struct msim_detail detail;
    struct pair pair;
    char fresh[PATH_SIZE];

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    pair.bench.echoes = true;
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "opened ");
    struct msim_connection *old = pair.client;

    /* What is no certificate changes nothing. */
    write_text(fresh, "no certificate\n");
    assert_int_equal(rename(fresh, pair.path), 0);
    assert_int_equal(msim_tls_reload(pair.identity, &detail), MSIM_ERR_FORMAT);
    assert_non_null(strstr(detail.text, pair.path));
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "opened opened ");

    /* Another certificate: those who trust the first one alone do not come in any more. */
    write_certificate(fresh, &(struct certificate){0});
    assert_int_equal(rename(fresh, pair.path), 0);
    assert_int_equal(msim_tls_reload(pair.identity, &detail), MSIM_OK);
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "MSIM_ERR_FORMAT");
    assert_int_equal(msim_tls_reload(pair.trust, &detail), MSIM_OK);
    pair.heard[0] = '\0';
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "opened ");

    /* Who was there already did not notice. */
    assert_int_equal(msim_connection_send(old, MSIM_MESSAGE_TEXT, "still here", 10), MSIM_OK);
    until_heard(&pair, "opened (still here) ");
    pair_finish(&pair);
}

static void files_that_are_none_are_refused_with_words(void **state)
{
    static const struct {
        struct msim_tls_params params;
        int expected;
        const char *words;
    } cases[] = {
        {{.size = sizeof(struct msim_tls_params), .cert_file = "/nowhere/cert.pem"},
         MSIM_ERR_IO,
         "cannot read the certificate '/nowhere/cert.pem': No such file"},
        {{.size = sizeof(struct msim_tls_params), .ca_file = "/nowhere/ca.pem"},
         MSIM_ERR_IO,
         "cannot read the file of authorities '/nowhere/ca.pem'"},
        {{.size = sizeof(struct msim_tls_params), .ca_file = "/dev/null"},
         MSIM_ERR_FORMAT,
         "no certificate of an authority"},
        {{.size = sizeof(struct msim_tls_params), .key_file = "/nowhere/key.pem"},
         MSIM_ERR_INVALID,
         "without its certificate"},
        {{.size = 1}, MSIM_ERR_INVALID, "MSIM_TLS_PARAMS_INIT"},
    };
    struct msim_tls *tls = NULL;
    struct msim_detail detail;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(msim_tls_create(&tls, &cases[i].params, &detail), cases[i].expected);
        if (!strstr(detail.text, cases[i].words))
            fail_msg("%s", detail.text);
        assert_null(tls);
    }
}

static void a_key_of_another_certificate_is_refused(void **state)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_tls *tls = NULL;
    struct msim_detail detail;
    char one[PATH_SIZE];
    char other[PATH_SIZE];

    (void)state;
    write_certificate(one, &(struct certificate){0});
    write_certificate(other, &(struct certificate){0});
    params.cert_file = one;
    params.key_file = other;
    assert_int_equal(msim_tls_create(&tls, &params, &detail), MSIM_ERR_FORMAT);
    assert_non_null(strstr(detail.text, "is not that of the certificate"));
    unlink(one);
    unlink(other);
}

static void a_listener_needs_a_certificate(void **state)
{
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_detail detail;
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    listen.tls = pair.trust;
    assert_int_equal(msim_net_listen(pair.bench.net, &listener, &listen, &detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(detail.text, "without a certificate"));
    pair_finish(&pair);
}

static void who_speaks_plainly_is_told_so(void **state)
{
    char answer[1024];
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    int fd = raw_connect(&pair.bench);
    raw_say(&pair.bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_rest(&pair.bench, fd, answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 400 ", 13);
    assert_non_null(strstr(answer, "TLS is spoken here: use https:// or wss://"));
    close(fd);
    pair_finish(&pair);
}

static void a_client_is_told_that_a_server_speaks_no_tls(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    msim_listener_close(&pair.bench.listener);
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    listen.handler = bench_handler;
    listen.context = &pair.bench;
    assert_int_equal(msim_net_listen(pair.bench.net, &pair.bench.listener, &listen, NULL), MSIM_OK);
    pair_connect(&pair, "localhost", pair.trust);
    until_heard(&pair, "MSIM_ERR_FORMAT");
    assert_non_null(strstr(pair.heard, "TLS handshake"));
    pair_finish(&pair);
}

static void who_says_nothing_or_half_of_it_is_let_go_after_a_while(void **state)
{
    const struct msim_connection_limits limits = {.handshake_timeout = 30 * MS};
    const unsigned char half[] = {22, 3, 1, 2, 0, 1};
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, &limits);
    int silent = raw_connect(&pair.bench);
    int slow = raw_connect(&pair.bench);
    raw_send(&pair.bench, slow, half, sizeof half);
    assert_end(&pair.bench, silent);
    assert_end(&pair.bench, slow);
    close(silent);
    close(slow);
    assert_string_equal(pair.bench.log, "");
    pair_finish(&pair);
}

static void bytes_that_are_no_tls_end_the_link(void **state)
{
    const unsigned char wrong[] = {22, 3, 1, 0, 4, 'n', 'o', 'n', 'e'};
    unsigned char rest[64];
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    int fd = raw_connect(&pair.bench);
    raw_send(&pair.bench, fd, wrong, sizeof wrong);
    assert_in_range(raw_read(&pair.bench, fd, rest, sizeof rest), 0, 7); /* an alert at most */
    close(fd);
    pair_finish(&pair);
}

/* ---- a peer that speaks TLS by hand ---- */

struct peer {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

static int peer_shake(struct pair *pair, struct peer *peer, const char *priorities,
                      const char *protocol)
{
    gnutls_datum_t name = {(unsigned char *)(uintptr_t)protocol, 0};
    int r = GNUTLS_E_AGAIN;

    peer->fd = raw_connect(&pair->bench);
    assert_int_equal(gnutls_certificate_allocate_credentials(&peer->credentials), 0);
    assert_int_equal(gnutls_init(&peer->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
    assert_int_equal(gnutls_priority_set_direct(peer->session, priorities, NULL), 0);
    assert_int_equal(
        gnutls_credentials_set(peer->session, GNUTLS_CRD_CERTIFICATE, peer->credentials), 0);
    if (protocol) {
        name.size = (unsigned)strlen(protocol);
        assert_int_equal(gnutls_alpn_set_protocols(peer->session, &name, 1, 0), 0);
    }
    gnutls_transport_set_int(peer->session, peer->fd);
    for (int i = 0; i < PATIENCE && r < 0 && !gnutls_error_is_fatal(r); i++) {
        r = gnutls_handshake(peer->session);
        turn(&pair->bench);
    }
    return r;
}

static void peer_finish(struct peer *peer)
{
    gnutls_deinit(peer->session);
    gnutls_certificate_free_credentials(peer->credentials);
    close(peer->fd);
}

static ssize_t peer_read(struct pair *pair, struct peer *peer, void *out, size_t size)
{
    ssize_t r = GNUTLS_E_AGAIN;

    for (int i = 0; i < PATIENCE && r == GNUTLS_E_AGAIN; i++) {
        r = gnutls_record_recv(peer->session, out, size);
        if (r == GNUTLS_E_AGAIN)
            turn(&pair->bench);
    }
    return r;
}

static void old_versions_and_other_protocols_are_refused(void **state)
{
    static const struct {
        const char *priorities;
        const char *protocol;
        bool opens;
    } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL, true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL, true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", NULL, false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1", NULL, false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.0", NULL, false},
        {"NORMAL", "http/1.1", true},
        {"NORMAL", "h2", false},
    };
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct peer peer;
        int r = peer_shake(&pair, &peer, cases[i].priorities, cases[i].protocol);
        if ((r == 0) != cases[i].opens)
            fail_msg("%s %s: %s", cases[i].priorities, cases[i].protocol, gnutls_strerror(r));
        gnutls_datum_t chosen = {NULL, 0};
        if (cases[i].opens && cases[i].protocol) {
            assert_int_equal(gnutls_alpn_get_selected_protocol(peer.session, &chosen), 0);
            assert_memory_equal(chosen.data, "http/1.1", 8);
        }
        peer_finish(&peer);
    }
    pair_finish(&pair);
}

static void a_farewell_of_tls_follows_the_last_word(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\n" RAW_UPGRADE;
    const unsigned char close_frame[] = {0x88, 0x82, 0, 0, 0, 0, 3, 0xE8};
    unsigned char bytes[256];
    struct pair pair;
    struct peer peer;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    assert_int_equal(peer_shake(&pair, &peer, "NORMAL", NULL), 0);
    /* A record for each byte. */
    for (size_t i = 0; i < sizeof request - 1; i++) {
        assert_int_equal(gnutls_record_send(peer.session, request + i, 1), 1);
        if (i % 16 == 0)
            turn(&pair.bench);
    }
    assert_int_equal(peer_read(&pair, &peer, bytes, sizeof bytes), sizeof RAW_ANSWER - 1);
    assert_memory_equal(bytes, RAW_ANSWER, sizeof RAW_ANSWER - 1);
    gnutls_record_send(peer.session, close_frame, sizeof close_frame);
    assert_int_equal(peer_read(&pair, &peer, bytes, sizeof bytes), 4);
    assert_int_equal(bytes[0], 0x88);
    assert_int_equal(peer_read(&pair, &peer, bytes, sizeof bytes), 0); /* close_notify */
    until_log(&pair.bench, "opened ");
    gnutls_bye(peer.session, GNUTLS_SHUT_WR);
    until_log(&pair.bench, "opened closed(1000 by peer) ");
    peer_finish(&peer);
    pair_finish(&pair);
}

static void a_farewell_of_tls_without_a_close_frame_ends_the_connection(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\n" RAW_UPGRADE;
    struct pair pair;
    struct peer peer;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    assert_int_equal(peer_shake(&pair, &peer, "NORMAL", NULL), 0);
    gnutls_record_send(peer.session, request, sizeof request - 1);
    gnutls_bye(peer.session, GNUTLS_SHUT_WR); /* in the same breath; the socket stays open */
    until_log(&pair.bench, "opened closed(1006) ");
    peer_finish(&peer);
    pair_finish(&pair);
}

static void a_record_that_was_tampered_with_ends_the_connection(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\n" RAW_UPGRADE;
    const unsigned char forged[] = {23, 3,  3,  0,  32, 1,  2,  3,  4,  5,  6,  7,  8,
                                    9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    struct pair pair;
    struct peer peer;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    assert_int_equal(peer_shake(&pair, &peer, "NORMAL", NULL), 0);
    gnutls_record_send(peer.session, request, sizeof request - 1);
    until_log(&pair.bench, "opened ");
    raw_send(&pair.bench, peer.fd, forged, sizeof forged);
    until_log(&pair.bench, "opened closed(1006) ");
    peer_finish(&peer);
    pair_finish(&pair);
}

/* ---- a raw server: requests of our own ---- */

struct told {
    size_t calls;
    int result;
    size_t length;
};

static void told(void *context, const struct msim_fetch_answer *answer)
{
    struct told *told = context;

    told->calls++;
    told->result = answer->result;
    told->length = answer->body_length;
}

static int raw_door(uint16_t *port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int door = raw_socket(AF_INET);

    raw_address(&address, 0);
    assert_int_equal(bind(door, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return door;
}

static void shake_as_server(struct pair *pair, gnutls_session_t session, int fd,
                            gnutls_certificate_credentials_t credentials)
{
    int r = GNUTLS_E_AGAIN;

    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    for (int i = 0; i < PATIENCE && r == GNUTLS_E_AGAIN; i++) {
        turn(&pair->bench);
        r = gnutls_handshake(session);
    }
    assert_int_equal(r, GNUTLS_E_SUCCESS);
}

static void an_answer_that_anybody_could_have_cut_is_not_whole(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\nhalf";
    gnutls_certificate_credentials_t credentials;
    struct pair pair;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, NULL);
    assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
    assert_true(gnutls_certificate_set_x509_key_file(credentials, pair.path, pair.path,
                                                     GNUTLS_X509_FMT_PEM) >= 0);
    for (int says_bye = 0; says_bye < 2; says_bye++) {
        struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
        struct told result = {0, 0, 0};
        gnutls_session_t session;
        char url[64];
        uint16_t port;
        int door = raw_door(&port);
        snprintf(url, sizeof url, "https://127.0.0.1:%u/", (unsigned)port);
        params.url = url;
        params.tls = pair.trust;
        params.done = told;
        params.context = &result;
        assert_int_equal(msim_net_fetch(pair.bench.net, NULL, &params, NULL), MSIM_OK);
        int fd = accept(door, NULL, NULL);
        assert_true(fd >= 0);
        assert_int_equal(gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL),
                         0);
        shake_as_server(&pair, session, fd, credentials);
        assert_int_equal(gnutls_record_send(session, answer, sizeof answer - 1), sizeof answer - 1);
        if (says_bye)
            gnutls_bye(session, GNUTLS_SHUT_WR);
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < PATIENCE && result.calls == 0; i++)
            turn(&pair.bench);
        assert_int_equal(result.calls, 1);
        assert_int_equal(result.result, says_bye ? MSIM_OK : MSIM_ERR_FORMAT);
        assert_int_equal(result.length, says_bye ? 4 : 0);
        gnutls_deinit(session);
        close(fd);
        close(door);
    }
    gnutls_certificate_free_credentials(credentials);
    pair_finish(&pair);
}

static void who_does_not_read_over_tls_meets_his_bound(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\n" RAW_UPGRADE;
    const struct msim_connection_limits limits = {.max_backlog_bytes = 128 * 1024,
                                                  .kernel_send_bytes = 4096};
    static char bytes[16 * 1024];
    struct pair pair;
    struct peer peer;
    size_t sent = 0;
    size_t came = 0;
    int r = MSIM_OK;

    (void)state;
    pair_open(&pair, &(struct certificate){0}, &limits);
    assert_int_equal(peer_shake(&pair, &peer, "NORMAL", NULL), 0);
    gnutls_record_send(peer.session, request, sizeof request - 1);
    until_log(&pair.bench, "opened ");
    assert_int_equal(peer_read(&pair, &peer, bytes, sizeof bytes), sizeof RAW_ANSWER - 1);
    for (int i = 0; i < PATIENCE && r == MSIM_OK; i++, turn(&pair.bench)) {
        r = msim_connection_send(pair.bench.last, MSIM_MESSAGE_BINARY, bytes, 1000);
        sent += r == MSIM_OK ? 1004 : 0;
    }
    assert_int_equal(r, MSIM_ERR_LIMIT);
    while (came < sent) {
        ssize_t piece = peer_read(&pair, &peer, bytes, sizeof bytes);
        assert_true(piece > 0);
        came += (size_t)piece;
    }
    assert_int_equal(came, sent);
    assert_memory_equal(pair.bench.log, "opened drained ", 15);
    peer_finish(&peer);
    pair_finish(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roles_speak_over_tls),
        cmocka_unit_test(large_messages_come_whole_in_both_directions),
        cmocka_unit_test(a_certificate_of_nobody_is_not_trusted_unless_one_insists),
        cmocka_unit_test(a_certificate_must_name_the_host),
        cmocka_unit_test(a_certificate_that_has_expired_is_refused),
        cmocka_unit_test(a_certificate_is_loaded_anew_for_those_who_come_then),
        cmocka_unit_test(files_that_are_none_are_refused_with_words),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(a_listener_needs_a_certificate),
        cmocka_unit_test(who_speaks_plainly_is_told_so),
        cmocka_unit_test(a_client_is_told_that_a_server_speaks_no_tls),
        cmocka_unit_test(who_says_nothing_or_half_of_it_is_let_go_after_a_while),
        cmocka_unit_test(bytes_that_are_no_tls_end_the_link),
        cmocka_unit_test(old_versions_and_other_protocols_are_refused),
        cmocka_unit_test(a_farewell_of_tls_follows_the_last_word),
        cmocka_unit_test(a_farewell_of_tls_without_a_close_frame_ends_the_connection),
        cmocka_unit_test(a_record_that_was_tampered_with_ends_the_connection),
        cmocka_unit_test(an_answer_that_anybody_could_have_cut_is_not_whole),
        cmocka_unit_test(who_does_not_read_over_tls_meets_his_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
