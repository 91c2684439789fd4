/*
 * One link's TLS.
 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/detail.h"
#include "base/mem.h"
#include "net/credentials.h"
#include "net/url.h"

/* A record's payload at most, and that with all that TLS puts around it. */
#define RECORD_BYTES (16 * 1024)
#define RECORD_ROOM (RECORD_BYTES + 512)

/* What a session holds that the system has not taken: a stage, and a handshake's longest words. */
#define HELD_BYTES (256 * 1024)

/* The first byte of a handshake's record. */
#define HANDSHAKE_RECORD 22

_Static_assert(MSIM_TLS_STAGE_BYTES >= 2 * RECORD_ROOM, "two records go with one send");
_Static_assert(MSIM_TLS_INPUT_BYTES + RECORD_ROOM <= MSIM_NET_INPUT_BYTES,
               "what is received at once comes out at once");

struct msim_session {
    struct msim_net *net;
    struct msim_tls *tls;
    struct msim_credentials *credentials;
    const struct msim_ready *ready;
    gnutls_session_t handle;
    struct msim_bytes held;
    const unsigned char *in; /* what GnuTLS has not taken, within a read */
    size_t in_left;
    enum msim_session_state state;
    enum msim_session_role role;
    bool is_at_end; /* the link is */
    bool has_heard_bye;
    bool has_begun;
    bool has_said_bye;
    char words[MSIM_DETAIL_SIZE];
    char host[MSIM_URL_HOST_MAX + 1]; /* GnuTLS keeps no copy */
};

static void broken(struct msim_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void broken(struct msim_session *session, const char *format, ...)
{
    va_list arguments;

    session->state = MSIM_SESSION_BROKEN;
    va_start(arguments, format);
    msim_detail_print(session->words, sizeof session->words, format, arguments);
    va_end(arguments);
}

/* ---- between GnuTLS and the link ---- */

static ssize_t pull(gnutls_transport_ptr_t context, void *out, size_t size)
{
    struct msim_session *session = context;
    size_t taken = size < session->in_left ? size : session->in_left;

    if (taken == 0 && session->is_at_end)
        return 0;
    if (taken == 0) {
        gnutls_transport_set_errno(session->handle, EAGAIN);
        return -1;
    }
    memcpy(out, session->in, taken);
    session->in += taken;
    session->in_left -= taken;
    return (ssize_t)taken;
}

/* What is there is there: nobody waits in here. */
static int pull_timeout(gnutls_transport_ptr_t context, unsigned ms)
{
    const struct msim_session *session = context;

    (void)ms;
    return session->in_left > 0 || session->is_at_end;
}

static int send_bytes(const struct msim_session *session, const void *bytes, size_t length,
                      size_t *sent)
{
    *sent = 0;
    ssize_t r = send(session->ready->fd, bytes, length, MSG_NOSIGNAL);
    if (r < 0)
        return -1;
    *sent = (size_t)r;
    return 0;
}

/* The stage leaves, or what the system does not take of it is held. */
static int clear_stage(struct msim_session *session)
{
    struct msim_tls_buffers *buffers = session->net->tls_buffers;
    size_t length = buffers->staged;
    size_t sent = 0;

    buffers->staged = 0;
    if (length == 0)
        return 0;
    if (msim_bytes_length(&session->held) == 0 &&
        send_bytes(session, buffers->stage, length, &sent) < 0 && errno != EAGAIN &&
        errno != EINTR && errno != ENOBUFS)
        return -1;
    if (sent < length &&
        msim_bytes_append(&session->held, buffers->stage + sent, length - sent) < 0) {
        errno = ENOBUFS;
        broken(session, "no room for what TLS has to say");
        return -1;
    }
    return 0;
}

static ssize_t push(gnutls_transport_ptr_t context, const void *bytes, size_t length)
{
    struct msim_session *session = context;
    struct msim_tls_buffers *buffers = session->net->tls_buffers;
    size_t taken = length < sizeof buffers->stage ? length : sizeof buffers->stage;

    if (taken > sizeof buffers->stage - buffers->staged && clear_stage(session) < 0) {
        gnutls_transport_set_errno(session->handle, EIO);
        return -1;
    }
    memcpy(buffers->stage + buffers->staged, bytes, taken);
    buffers->staged += taken;
    return (ssize_t)taken;
}

int msim_session_flush(struct msim_session *session)
{
    struct msim_bytes *held = &session->held;
    size_t sent;

    while (msim_bytes_length(held) > 0) {
        if (send_bytes(session, msim_bytes_front(held), msim_bytes_length(held), &sent) < 0)
            return -1;
        msim_bytes_take(held, sent);
    }
    msim_bytes_shrink(held, 0);
    return 0;
}

size_t msim_session_held(const struct msim_session *session)
{
    return msim_bytes_length(&session->held);
}

/* ---- the handshake ---- */

static void untrusted(struct msim_session *session)
{
    gnutls_datum_t text = {NULL, 0};
    unsigned status = gnutls_session_get_verify_cert_status(session->handle);

    if (status == (unsigned)-1 ||
        gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0) {
        broken(session, "the server's certificate cannot be trusted");
        return;
    }
    broken(session, "%s Name its authority with a CA file, or check the host's name.",
           (const char *)text.data);
    gnutls_free(text.data);
}

static void handshake_failed(struct msim_session *session, int error)
{
    if (error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
        untrusted(session);
    else if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
        broken(session, "the TLS handshake was refused: %s",
               gnutls_alert_get_name(gnutls_alert_get(session->handle)));
    else if (session->is_at_end)
        broken(session, "the link ended within the TLS handshake");
    else
        broken(session, "the TLS handshake failed: %s", gnutls_strerror(error));
    /* The peer is told why, as far as there is an alert for it. */
    if (error != GNUTLS_E_FATAL_ALERT_RECEIVED && !session->is_at_end)
        gnutls_alert_send_appropriate(session->handle, error);
}

static void shake(struct msim_session *session)
{
    int r;

    session->has_begun = true;
    do {
        r = gnutls_handshake(session->handle);
    } while (r == GNUTLS_E_INTERRUPTED ||
             (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r)));
    if (r == GNUTLS_E_SUCCESS)
        session->state = MSIM_SESSION_OPEN;
    else if (r != GNUTLS_E_AGAIN)
        handshake_failed(session, r);
    if (clear_stage(session) < 0 && session->state != MSIM_SESSION_BROKEN)
        broken(session, "the link broke within the TLS handshake");
}

void msim_session_begin(struct msim_session *session)
{
    if (!session->has_begun && session->role == MSIM_SESSION_CLIENT)
        shake(session);
}

/* ---- reading and writing ---- */

static void read_ended(struct msim_session *session, ssize_t r)
{
    session->has_heard_bye = r == 0;
    if (r == 0 || r == GNUTLS_E_PREMATURE_TERMINATION)
        session->state = MSIM_SESSION_ENDED;
    else if (r == GNUTLS_E_REHANDSHAKE)
        broken(session, "the peer wants to begin TLS anew, which is not done here");
    else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
        broken(session, "the peer ended TLS: %s",
               gnutls_alert_get_name(gnutls_alert_get(session->handle)));
    else
        broken(session, "TLS is broken: %s", gnutls_strerror((int)r));
}

/* Everything that is whole; what is not stays with GnuTLS, which also says EAGAIN where it has
 * taken something that is not for us, such as a ticket. */
static size_t take_records(struct msim_session *session, unsigned char *out, size_t size)
{
    size_t have = 0;

    while (session->state == MSIM_SESSION_OPEN) {
        assert(have < size);
        ssize_t r = gnutls_record_recv(session->handle, out + have, size - have);
        if (r > 0)
            have += (size_t)r;
        else if (r == GNUTLS_E_AGAIN && session->in_left == 0)
            break;
        else if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED &&
                 r != GNUTLS_E_WARNING_ALERT_RECEIVED)
            read_ended(session, r);
    }
    return have;
}

ssize_t msim_session_read(struct msim_session *session, unsigned char *out, size_t size)
{
    struct msim_tls_buffers *buffers = session->net->tls_buffers;

    ssize_t came = recv(session->ready->fd, buffers->input, sizeof buffers->input, 0);
    if (came < 0)
        return -1;
    session->in = buffers->input;
    session->in_left = (size_t)came;
    session->is_at_end = came == 0;
    if (!session->has_begun && session->role == MSIM_SESSION_SERVER && came > 0 &&
        buffers->input[0] != HANDSHAKE_RECORD) {
        session->state = MSIM_SESSION_PLAIN;
        errno = EPROTO;
        return -1;
    }
    if (session->state == MSIM_SESSION_SHAKING)
        shake(session);
    size_t have = take_records(session, out, size);
    /* An answer to what was read: a new key, an alert. */
    if (clear_stage(session) < 0 && session->state == MSIM_SESSION_OPEN)
        broken(session, "the link broke");
    if (have > 0)
        return (ssize_t)have;
    if (came == 0 || session->state == MSIM_SESSION_ENDED)
        return 0;
    errno = session->state == MSIM_SESSION_BROKEN ? EPROTO : EAGAIN;
    return -1;
}

/* Encrypts what the stage has room for; returns how much of it that was, or -1. */
static ssize_t stage(struct msim_session *session, const unsigned char *bytes, size_t length)
{
    const struct msim_tls_buffers *buffers = session->net->tls_buffers;
    size_t done = 0;

    while (done < length && sizeof buffers->stage - buffers->staged >= RECORD_ROOM) {
        size_t piece = length - done < RECORD_BYTES ? length - done : RECORD_BYTES;
        ssize_t r = gnutls_record_send(session->handle, bytes + done, piece);
        if (r <= 0) {
            broken(session, "TLS is broken: %s", gnutls_strerror((int)r));
            errno = EPROTO;
            return -1;
        }
        done += (size_t)r;
    }
    return (ssize_t)done;
}

ssize_t msim_session_write(struct msim_session *session, const struct iovec *parts, size_t count)
{
    size_t sum = 0;

    if (session->state != MSIM_SESSION_OPEN && session->state != MSIM_SESSION_ENDED) {
        errno = session->state == MSIM_SESSION_SHAKING ? EAGAIN : EPROTO;
        return -1;
    }
    if (msim_session_flush(session) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        size_t done = 0;
        while (done < parts[i].iov_len && msim_bytes_length(&session->held) == 0) {
            ssize_t staged = stage(session, (const unsigned char *)parts[i].iov_base + done,
                                   parts[i].iov_len - done);
            if (staged < 0)
                return -1;
            done += (size_t)staged;
            if (done < parts[i].iov_len && clear_stage(session) < 0)
                return -1;
        }
        sum += done;
    }
    return clear_stage(session) < 0 ? -1 : (ssize_t)sum;
}

void msim_session_bye(struct msim_session *session)
{
    if (session->has_said_bye ||
        (session->state != MSIM_SESSION_OPEN && session->state != MSIM_SESSION_ENDED))
        return;
    session->has_said_bye = true;
    gnutls_bye(session->handle, GNUTLS_SHUT_WR);
    if (clear_stage(session) < 0)
        broken(session, "the link broke");
}

/* ---- what a connection asks ---- */

bool msim_session_heard_bye(const struct msim_session *session)
{
    return session->has_heard_bye;
}

enum msim_session_state msim_session_state(const struct msim_session *session)
{
    return session->state;
}

const char *msim_session_words(const struct msim_session *session)
{
    return session->words;
}

/* ---- life ---- */

static int set_up_server(struct msim_session *session)
{
    return gnutls_session_ticket_enable_server(session->handle, &session->tls->ticket_key);
}

/* Names are announced to the server, so that it may choose its certificate; addresses are not. */
static int set_up_client(struct msim_session *session)
{
    const char *host = session->host;
    unsigned char address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1) {
        int r = gnutls_server_name_set(session->handle, GNUTLS_NAME_DNS, host, strlen(host));
        if (r < 0)
            return r;
    }
    if (!session->tls->is_insecure)
        gnutls_session_set_verify_cert(session->handle, host, 0);
    return GNUTLS_E_SUCCESS;
}

static int set_up(struct msim_session *session)
{
    const gnutls_datum_t protocol = {(unsigned char *)(uintptr_t) "http/1.1", 8};
    bool is_server = session->role == MSIM_SESSION_SERVER;

    int r = gnutls_init(&session->handle, (is_server ? GNUTLS_SERVER : GNUTLS_CLIENT) |
                                              GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (r < 0) {
        session->handle = NULL;
        return r;
    }
    gnutls_transport_set_ptr(session->handle, session);
    gnutls_transport_set_pull_function(session->handle, pull);
    gnutls_transport_set_pull_timeout_function(session->handle, pull_timeout);
    gnutls_transport_set_push_function(session->handle, push);
    r = gnutls_priority_set(session->handle, session->tls->priorities);
    if (r >= 0)
        r = gnutls_credentials_set(session->handle, GNUTLS_CRD_CERTIFICATE,
                                   session->credentials->handle);
    /* A client that offers other protocols alone is refused. */
    if (r >= 0)
        r = gnutls_alpn_set_protocols(session->handle, &protocol, 1,
                                      is_server ? GNUTLS_ALPN_MANDATORY : 0);
    if (r >= 0)
        r = is_server ? set_up_server(session) : set_up_client(session);
    return r;
}

int msim_session_create(struct msim_session **out, struct msim_net *net, struct msim_tls *tls,
                        enum msim_session_role role, const char *host,
                        const struct msim_ready *ready)
{
    if (!net->tls_buffers)
        net->tls_buffers = msim_mem_zero(&net->allocator, sizeof *net->tls_buffers);
    if (!net->tls_buffers)
        return MSIM_ERR_NOMEM;
    struct msim_session *session = msim_mem_zero(&net->allocator, sizeof *session);
    if (!session)
        return MSIM_ERR_NOMEM;
    session->net = net;
    session->tls = msim_tls_share(tls);
    session->credentials = tls->credentials;
    session->credentials->references++;
    session->ready = ready;
    session->role = role;
    msim_bytes_init(&session->held, HELD_BYTES, &net->allocator);
    if (host)
        strncpy(session->host, host, sizeof session->host - 1);
    if (set_up(session) < 0) {
        msim_session_destroy(&session);
        return MSIM_ERR_NOMEM;
    }
    *out = session;
    return MSIM_OK;
}

void msim_session_destroy(struct msim_session **handle)
{
    struct msim_session *session = *handle;

    if (!session)
        return;
    *handle = NULL;
    if (session->handle)
        gnutls_deinit(session->handle);
    msim_bytes_finish(&session->held);
    msim_credentials_drop(session->credentials);
    msim_tls_destroy(&session->tls);
    struct msim_allocator allocator = session->net->allocator;
    msim_mem_free(&allocator, session, sizeof *session);
}
