/*
 * TLS for listeners and clients (wss://, https://), with GnuTLS.
 *
 * A `msim_tls` is an identity, the authorities one trusts, or both.  It is shared: listeners,
 * clients and their connections hold on to it, so that it may be destroyed, or loaded anew,
 * while connections are open.  It belongs to one thread, as the nets that use it do.
 *
 * Spoken are TLS 1.2 and 1.3 with ALPN "http/1.1".  A build without GnuTLS answers
 * MSIM_ERR_UNSUPPORTED.  GnuTLS takes its own memory, not from the allocator.
 */
#ifndef MARKETSIM_TLS_H
#define MARKETSIM_TLS_H

#include <marketsim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_tls;

struct msim_tls_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    /* A listener's: the certificate and those that vouch for it, PEM. */
    const char *cert_file;
    const char *key_file; /* its private key, PEM; NULL: it stands in cert_file */
    /* A client's: the authorities that may vouch for a server; NULL: the system's. */
    const char *ca_file;
    /* A client that takes any certificate: for one's own tests alone. */
    bool is_insecure;
};
#define MSIM_TLS_PARAMS_INIT                          \
    {                                                 \
        sizeof(struct msim_tls_params), 0, 0, 0, 0, 0 \
    }

/*
 * MSIM_ERR_IO for a file that cannot be read, MSIM_ERR_FORMAT for one that holds no certificate,
 * no key or a key of another certificate, MSIM_ERR_UNSUPPORTED without GnuTLS, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_tls_create(struct msim_tls **out, const struct msim_tls_params *params,
                             struct msim_detail *detail);

/*
 * Reads the files anew, for connections that open from now on.  A failure as with create changes
 * nothing: what was read before stays.
 */
MSIM_API int msim_tls_reload(struct msim_tls *tls, struct msim_detail *detail);

MSIM_API void msim_tls_destroy(struct msim_tls **tls);

#ifdef __cplusplus
}
#endif

#endif
