/*
 * --tls of the benchmarks' servers: a certificate made on the spot, or refused in a build without.
 */
#ifndef TESTS_BENCH_SECURE_H
#define TESTS_BENCH_SECURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <marketsim/tls.h>

#ifdef HAVE_GNUTLS
#include "certificate.h"

static inline int secure_write(const char *path, int fd)
{
    const struct certificate what = {NULL, 0};

    (void)path;
    FILE *file = fdopen(fd, "w");
    if (!file)
        return -1;
    int r = certificate_write(file, &what);
    return fclose(file) == 0 ? r : -1;
}
#else
static inline int secure_write(const char *path, int fd)
{
    (void)path;
    close(fd);
    return 0;
}
#endif

/* MSIM_OK, or below zero with words. */
static inline int secure_create(struct msim_tls **out, struct msim_detail *detail)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    char path[] = "/tmp/marketsim-bench-XXXXXX";
    int r = MSIM_ERR_IO;

    int fd = mkstemp(path);
    if (fd < 0 || secure_write(path, fd) < 0) {
        snprintf(detail->text, sizeof detail->text, "no certificate can be made in /tmp");
    } else {
        params.cert_file = path;
        r = msim_tls_create(out, &params, detail);
    }
    if (fd >= 0)
        unlink(path);
    return r;
}

#endif
