/*
 * ws://host[:port][/path][?query], and wss:// for TLS; http:// and https:// likewise.
 */
#ifndef MSIM_NET_URL_H
#define MSIM_NET_URL_H

#include <marketsim/base.h>

#define MSIM_URL_HOST_MAX 253 /* a host name's longest form */

struct msim_url {
    char host[MSIM_URL_HOST_MAX + 1]; /* without the brackets of an IPv6 address */
    uint16_t port;
    bool is_secure;
    const char *authority; /* as written, for the Host header; borrowed from the text */
    size_t authority_length;
    const char *target; /* path and query; "" stands for "/"; borrowed */
    size_t target_length;
};

/*
 * MSIM_ERR_INVALID with words for what is no such URL.
 */
int msim_url_read(struct msim_url *url, const char *text, struct msim_detail *detail);

/* The same for http:// and https://. */
int msim_url_read_http(struct msim_url *url, const char *text, struct msim_detail *detail);

#endif
