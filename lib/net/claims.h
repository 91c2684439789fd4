/*
 * What a client says of itself when it connects, beside what every handshake has: header lines
 * of its owner's, a key, a signature.
 */
#ifndef MSIM_NET_CLAIMS_H
#define MSIM_NET_CLAIMS_H

#include <marketsim/net.h>

#include "base/bytes.h"
#include "net/url.h"

/* MSIM_ERR_INVALID with words for what cannot stand in a handshake, MSIM_ERR_LIMIT for too much. */
int msim_claims_check(const struct msim_connect_params *params, struct msim_detail *detail);

/* What a signature is over. */
struct msim_claims_subject {
    const struct msim_url *url;
    const char *method;
    const void *body;
    size_t body_length;
};

/*
 * Appends the lines, each with its end, of claims that were checked; signed as of `now`, in
 * nanoseconds since 1970.  MSIM_ERR_NOMEM.
 */
int msim_claims_write(struct msim_bytes *out, const struct msim_connect_params *params,
                      const struct msim_claims_subject *subject, msim_time now);

#endif
