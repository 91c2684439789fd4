/*
 * What a certificate's files hold, shared by those who show it or judge by it.
 */
#include "net/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "net/credentials.h"
#include "net/socket.h"

/* Nothing older than TLS 1.2, and no key exchange that a key found later would open. */
#define PRIORITIES "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

/* ---- what was loaded ---- */

void msim_credentials_drop(struct msim_credentials *credentials)
{
    if (!credentials || --credentials->references > 0)
        return;
    if (credentials->handle)
        gnutls_certificate_free_credentials(credentials->handle);
    struct msim_allocator allocator = credentials->allocator;
    msim_mem_free(&allocator, credentials, sizeof *credentials);
}

/* A file that is not there or not ours to read is told from one with wrong bytes. */
static int check_readable(const char *path, const char *what, struct msim_detail *detail)
{
    char words[MSIM_ERROR_TEXT];

    FILE *file = fopen(path, "re");
    if (!file)
        return msim_detail_set(detail, MSIM_ERR_IO, "cannot read the %s '%.200s': %s", what, path,
                               msim_error_text(words, errno));
    fclose(file);
    return MSIM_OK;
}

static int load_identity(struct msim_credentials *credentials, const struct msim_tls *tls,
                         struct msim_detail *detail)
{
    const char *key = tls->key_file ? tls->key_file : tls->cert_file;

    int r = check_readable(tls->cert_file, "certificate", detail);
    if (r == MSIM_OK)
        r = check_readable(key, "private key", detail);
    if (r < 0)
        return r;
    r = gnutls_certificate_set_x509_key_file(credentials->handle, tls->cert_file, key,
                                             GNUTLS_X509_FMT_PEM);
    if (r == GNUTLS_E_MEMORY_ERROR)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "the private key '%.160s' is not that of the certificate '%.160s'",
                               key, tls->cert_file);
    if (r < 0)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "no certificate and its private key (PEM, without a password) in "
                               "'%.120s' and '%.120s': %s",
                               tls->cert_file, key, gnutls_strerror(r));
    return MSIM_OK;
}

static int load_authorities(struct msim_credentials *credentials, const struct msim_tls *tls,
                            struct msim_detail *detail)
{
    if (tls->is_insecure)
        return MSIM_OK;
    if (!tls->ca_file) {
        /* A machine without any has nobody to trust: each server's certificate says so. */
        gnutls_certificate_set_x509_system_trust(credentials->handle);
        return MSIM_OK;
    }
    int r = check_readable(tls->ca_file, "file of authorities", detail);
    if (r < 0)
        return r;
    r = gnutls_certificate_set_x509_trust_file(credentials->handle, tls->ca_file,
                                               GNUTLS_X509_FMT_PEM);
    if (r <= 0)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "no certificate of an authority (PEM) in '%.200s'%s%s", tls->ca_file,
                               r < 0 ? ": " : "", r < 0 ? gnutls_strerror(r) : "");
    return MSIM_OK;
}

static int load(struct msim_credentials **out, const struct msim_tls *tls,
                struct msim_detail *detail)
{
    struct msim_credentials *credentials = msim_mem_zero(&tls->allocator, sizeof *credentials);
    if (!credentials)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    credentials->allocator = tls->allocator;
    credentials->references = 1;

    int r = MSIM_OK;
    if (gnutls_certificate_allocate_credentials(&credentials->handle) < 0) {
        credentials->handle = NULL;
        r = msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    }
    if (r == MSIM_OK)
        r = tls->cert_file ? load_identity(credentials, tls, detail)
                           : load_authorities(credentials, tls, detail);
    if (r < 0) {
        msim_credentials_drop(credentials);
        return r;
    }
    *out = credentials;
    return MSIM_OK;
}

/* ---- life ---- */

static void tls_free(struct msim_tls *tls)
{
    struct msim_allocator allocator = tls->allocator;

    msim_credentials_drop(tls->credentials);
    if (tls->priorities)
        gnutls_priority_deinit(tls->priorities);
    if (tls->ticket_key.data) {
        gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
        gnutls_free(tls->ticket_key.data);
    }
    msim_mem_free(&allocator, tls->texts, tls->texts_size);
    msim_mem_free(&allocator, tls, sizeof *tls);
}

/* Copies `text`, which may be NULL, to `*at`. */
static const char *keep(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static int keep_paths(struct msim_tls *tls, const struct msim_tls_params *params)
{
    tls->texts_size =
        text_size(params->cert_file) + text_size(params->key_file) + text_size(params->ca_file) + 1;
    tls->texts = msim_mem_take(&tls->allocator, tls->texts_size);
    if (!tls->texts)
        return MSIM_ERR_NOMEM;
    char *at = tls->texts;
    tls->cert_file = keep(&at, params->cert_file);
    tls->key_file = keep(&at, params->key_file);
    tls->ca_file = keep(&at, params->ca_file);
    tls->is_insecure = params->is_insecure;
    return MSIM_OK;
}

static int prepare(struct msim_tls *tls, const struct msim_tls_params *params,
                   struct msim_detail *detail)
{
    if (keep_paths(tls, params) < 0)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    int r =
        gnutls_priority_init2(&tls->priorities, PRIORITIES, NULL, GNUTLS_PRIORITY_INIT_DEF_APPEND);
    if (r < 0) {
        tls->priorities = NULL;
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED, "GnuTLS speaks no TLS 1.2: %s",
                               gnutls_strerror(r));
    }
    if (tls->cert_file && gnutls_session_ticket_key_generate(&tls->ticket_key) < 0) {
        tls->ticket_key = (gnutls_datum_t){NULL, 0};
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no key for TLS session tickets");
    }
    return load(&tls->credentials, tls, detail);
}

int msim_tls_create(struct msim_tls **out, const struct msim_tls_params *params,
                    struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_TLS_PARAMS_INIT");
    if (params->key_file && !params->cert_file)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a private key without its certificate: name both");

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_tls *tls = msim_mem_zero(&allocator, sizeof *tls);
    if (!tls)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    tls->allocator = allocator;
    tls->references = 1;
    int r = prepare(tls, params, detail);
    if (r < 0) {
        tls_free(tls);
        return r;
    }
    *out = tls;
    return MSIM_OK;
}

int msim_tls_reload(struct msim_tls *tls, struct msim_detail *detail)
{
    struct msim_credentials *fresh;

    if (!tls)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "there is nothing to load anew");
    int r = load(&fresh, tls, detail);
    if (r < 0)
        return r;
    msim_credentials_drop(tls->credentials);
    tls->credentials = fresh;
    return MSIM_OK;
}

struct msim_tls *msim_tls_share(struct msim_tls *tls)
{
    tls->references++;
    return tls;
}

bool msim_tls_may_serve(const struct msim_tls *tls)
{
    return tls->cert_file != NULL;
}

void msim_tls_destroy(struct msim_tls **handle)
{
    struct msim_tls *tls = handle ? *handle : NULL;

    if (!tls)
        return;
    *handle = NULL;
    if (--tls->references == 0)
        tls_free(tls);
}
