/*
 * Sec-WebSocket-Extensions (RFC 6455 section 9.1), and what permessage-deflate (RFC 7692) is agreed
 * upon there: pure functions of texts.
 */
#ifndef MSIM_NET_EXTENSION_H
#define MSIM_NET_EXTENSION_H

#include <marketsim/net.h>

#include "net/http.h"

#define MSIM_EXTENSION_HEADER "Sec-WebSocket-Extensions"

#define MSIM_WINDOW_BITS_MIN 8
#define MSIM_WINDOW_BITS_MAX 15

/* What both sides hold to.  "Peer" is who sends what we read. */
struct msim_deflate_terms {
    bool is_on;
    bool keeps_context; /* of what we send */
    bool peer_keeps_context;
    uint8_t window_bits;
    uint8_t peer_window_bits;
};

/* The longest offer or answer. */
#define MSIM_EXTENSION_TEXT 160

/*
 * The server's side: the first offer that can be met.  `answer` is the header's value, "" where
 * there is none to give.  MSIM_ERR_FORMAT for a header that breaks its grammar.
 */
int msim_extension_choose(struct msim_deflate_terms *terms, char answer[MSIM_EXTENSION_TEXT],
                          const struct msim_deflate *wanted, const struct msim_http_head *head);

/* What a client offers, the header's value. */
void msim_extension_offer(char out[MSIM_EXTENSION_TEXT], const struct msim_deflate *wanted);

/*
 * The client's side: what the server made of the offer.  MSIM_ERR_FORMAT, with words, for what was
 * not offered or does not meet it.
 */
int msim_extension_agree(struct msim_deflate_terms *terms, const struct msim_deflate *wanted,
                         const struct msim_http_head *head, struct msim_detail *detail);

#endif
