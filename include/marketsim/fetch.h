/*
 * HTTP requests of our own on the loop: a request with its body, and the whole answer, within
 * bounds of bytes and of time.  One link for each: they are for asking now and then.
 */
#ifndef MARKETSIM_FETCH_H
#define MARKETSIM_FETCH_H

#include <marketsim/net.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_fetch;

/* What became of it; borrowed for the call. */
struct msim_fetch_answer {
    /*
     * MSIM_OK: the answer is whole, whatever its status.  MSIM_ERR_IO (nobody there),
     * MSIM_ERR_TIMEOUT, MSIM_ERR_FORMAT (no HTTP, an answer that breaks off, TLS that is not
     * trusted), MSIM_ERR_LIMIT (a longer answer than may be), MSIM_ERR_NOMEM, MSIM_ERR_CLOSED (the
     * net has gone).
     */
    int result;
    const char *reason; /* words for a failure, else "" */
    int status;
    const char *content_type; /* "" where there is none */
    const unsigned char *body;
    size_t body_length;
};

struct msim_fetch_params {
    size_t size;
    const char *method; /* default GET */
    const char *url;    /* http://host[:port][/path][?query], or https:// with TLS */
    /* As those of msim_connect_params. */
    const struct msim_http_header *headers;
    size_t header_count;
    const char *api_key;
    const char *api_secret;
    const void *body; /* copied */
    size_t body_length;
    const char *content_type; /* of the body; NULL: none is named */
    size_t max_answer_bytes;  /* of its body; default 1 MiB */
    msim_time timeout;        /* default 10 s, from the call to the end of the answer */
    struct msim_tls *tls;     /* for https://, shared; NULL: the system's authorities */
    /* Called once, in a later turn; not for one that was cancelled. */
    void (*done)(void *context, const struct msim_fetch_answer *answer);
    void *context;
};
#define MSIM_FETCH_PARAMS_INIT                                                     \
    {                                                                              \
        sizeof(struct msim_fetch_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/*
 * Starts it.  MSIM_ERR_INVALID, MSIM_ERR_UNSUPPORTED for https:// in a build without TLS,
 * MSIM_ERR_LIMIT at max_connections or for too many headers, MSIM_ERR_NOMEM, MSIM_ERR_IO.  Nobody
 * is called then.  `out` may be NULL.
 */
MSIM_API int msim_net_fetch(struct msim_net *net, struct msim_fetch **out,
                            const struct msim_fetch_params *params, struct msim_detail *detail);

/* Before it is done: it will not be. */
MSIM_API void msim_fetch_cancel(struct msim_fetch **fetch);

#ifdef __cplusplus
}
#endif

#endif
