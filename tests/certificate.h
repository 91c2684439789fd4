/*
 * Certificates for tests and benchmarks, made on the spot with GnuTLS: a key of its own, signed by
 * itself, for localhost and its addresses or for other names.
 */
#ifndef TESTS_CERTIFICATE_H
#define TESTS_CERTIFICATE_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <gnutls/x509.h>

#define CERTIFICATE_DAY (24 * 60 * 60)

struct certificate {
    const char *name;   /* of a host, beside localhost's; NULL: localhost and its addresses */
    time_t valid_until; /* 0: tomorrow */
};

static inline int certificate_describe(gnutls_x509_crt_t crt, const struct certificate *what)
{
    const struct in_addr ipv4 = {htonl(INADDR_LOOPBACK)};
    const char *name = what->name ? what->name : "localhost";
    time_t now = time(NULL);
    time_t until = what->valid_until > 0 ? what->valid_until : now + CERTIFICATE_DAY;
    const unsigned char serial[] = {1, (unsigned char)(now >> 8), (unsigned char)now};

    int r = gnutls_x509_crt_set_version(crt, 3);
    if (r >= 0)
        r = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    if (r >= 0)
        r = gnutls_x509_crt_set_activation_time(crt, until - 2 * CERTIFICATE_DAY);
    if (r >= 0)
        r = gnutls_x509_crt_set_expiration_time(crt, until);
    if (r >= 0)
        r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                          (unsigned)strlen(name));
    if (r >= 0)
        r = gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
    if (r >= 0)
        r = gnutls_x509_crt_set_key_usage(crt,
                                          GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
    if (r >= 0)
        r = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                 (unsigned)strlen(name), GNUTLS_FSAN_SET);
    if (r >= 0 && !what->name)
        r = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &ipv4, sizeof ipv4,
                                                 GNUTLS_FSAN_APPEND);
    if (r >= 0 && !what->name)
        r = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &in6addr_loopback,
                                                 sizeof in6addr_loopback, GNUTLS_FSAN_APPEND);
    return r;
}

static inline int certificate_print(FILE *file, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    gnutls_datum_t text;

    int r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text);
    if (r < 0)
        return r;
    fwrite(text.data, 1, text.size, file);
    gnutls_free(text.data);
    r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text);
    if (r < 0)
        return r;
    fwrite(text.data, 1, text.size, file);
    gnutls_free(text.data);
    return 0;
}

/* Writes certificate and key, PEM, to one file; below zero where that fails. */
static inline int certificate_write(FILE *file, const struct certificate *what)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_x509_privkey_t key = NULL;

    int r = gnutls_x509_privkey_init(&key);
    if (r >= 0)
        r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (r >= 0)
        r = gnutls_x509_crt_init(&crt);
    if (r >= 0)
        r = certificate_describe(crt, what);
    if (r >= 0)
        r = gnutls_x509_crt_set_key(crt, key);
    if (r >= 0)
        r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    if (r >= 0)
        r = certificate_print(file, crt, key);
    if (crt)
        gnutls_x509_crt_deinit(crt);
    if (key)
        gnutls_x509_privkey_deinit(key);
    return fflush(file) == 0 ? r : -1;
}

#endif
