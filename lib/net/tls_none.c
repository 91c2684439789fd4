/*
 * A build without GnuTLS: TLS is refused by name, and so nothing of a session is ever called.
 */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>

#include "base/detail.h"

int msim_tls_create(struct msim_tls **out, const struct msim_tls_params *params,
                    struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_TLS_PARAMS_INIT");
    return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                           "TLS (wss://, https://) is not in this build: it was made without "
                           "GnuTLS; use ws://, or build with -Dgnutls=enabled");
}

int msim_tls_reload(struct msim_tls *tls, struct msim_detail *detail)
{
    (void)tls;
    return msim_detail_set(detail, MSIM_ERR_INVALID, "there is nothing to load anew");
}

void msim_tls_destroy(struct msim_tls **tls)
{
    assert(!tls || !*tls);
    (void)tls;
}

struct msim_tls *msim_tls_share(struct msim_tls *tls)
{
    return tls;
}

bool msim_tls_may_serve(const struct msim_tls *tls)
{
    (void)tls;
    return false;
}

int msim_session_create(struct msim_session **out, struct msim_net *net, struct msim_tls *tls,
                        enum msim_session_role role, const char *host,
                        const struct msim_ready *ready)
{
    (void)out;
    (void)net;
    (void)tls;
    (void)role;
    (void)host;
    (void)ready;
    return MSIM_ERR_UNSUPPORTED;
}

void msim_session_destroy(struct msim_session **session)
{
    assert(!*session);
    (void)session;
}

enum msim_session_state msim_session_state(const struct msim_session *session)
{
    (void)session;
    return MSIM_SESSION_BROKEN;
}

bool msim_session_heard_bye(const struct msim_session *session)
{
    (void)session;
    return false;
}

const char *msim_session_words(const struct msim_session *session)
{
    (void)session;
    return "";
}

void msim_session_begin(struct msim_session *session)
{
    (void)session;
}

ssize_t msim_session_read(struct msim_session *session, unsigned char *out, size_t size)
{
    (void)session;
    (void)out;
    (void)size;
    errno = EPROTO;
    return -1;
}

ssize_t msim_session_write(struct msim_session *session, const struct iovec *parts, size_t count)
{
    (void)session;
    (void)parts;
    (void)count;
    errno = EPROTO;
    return -1;
}

int msim_session_flush(struct msim_session *session)
{
    (void)session;
    return 0;
}

size_t msim_session_held(const struct msim_session *session)
{
    (void)session;
    return 0;
}

void msim_session_bye(struct msim_session *session)
{
    (void)session;
}
