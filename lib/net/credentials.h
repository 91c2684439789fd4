/*
 * What tls.c and session.c share: GnuTLS's side of it.
 */
#ifndef MSIM_NET_CREDENTIALS_H
#define MSIM_NET_CREDENTIALS_H

#include <gnutls/gnutls.h>

#include "net/tls.h"

/* What was loaded at one time; sessions hold on to what they began with. */
struct msim_credentials {
    struct msim_allocator allocator;
    size_t references;
    gnutls_certificate_credentials_t handle;
};

void msim_credentials_drop(struct msim_credentials *credentials);

struct msim_tls {
    struct msim_allocator allocator;
    size_t references;
    struct msim_credentials *credentials;
    gnutls_priority_t priorities;
    gnutls_datum_t ticket_key; /* a listener's: who was here may come back with less ado */
    char *texts;
    size_t texts_size;
    const char *cert_file;
    const char *key_file;
    const char *ca_file;
    bool is_insecure;
};

#endif
