/*
 * The opening handshake (RFC 6455 section 4), both roles, on heads that were read.
 */
#ifndef MSIM_NET_HANDSHAKE_H
#define MSIM_NET_HANDSHAKE_H

#include "base/bytes.h"
#include "net/http.h"
#include "net/url.h"

#define MSIM_NONCE_SIZE 16
#define MSIM_KEY_SIZE 24    /* the nonce in base64 */
#define MSIM_ACCEPT_SIZE 28 /* a SHA-1 in base64 */

/* The key that a client sends. */
void msim_handshake_key(char out[MSIM_KEY_SIZE + 1], const uint8_t nonce[MSIM_NONCE_SIZE]);

/* What the server answers to it. */
void msim_handshake_accept(char out[MSIM_ACCEPT_SIZE + 1], const char *key, size_t length);

/*
 * Is this request a good handshake?  MSIM_OK and the key, or MSIM_ERR_FORMAT and the
 * answer: 400, 405, 426.
 */
int msim_handshake_check(const struct msim_http_head *head, struct msim_http_text *key,
                         struct msim_http_refusal *refusal);

/*
 * The answers, the first with the value of Sec-WebSocket-Extensions ("" for none); MSIM_ERR_NOMEM
 * or MSIM_ERR_LIMIT, then nothing was appended.
 */
#define MSIM_ACCEPT_ROOM 384 /* what the first takes at most */
int msim_handshake_write_accept(struct msim_bytes *out, struct msim_http_text key,
                                const char *extensions);
int msim_handshake_write_refusal(struct msim_bytes *out, const struct msim_http_refusal *refusal);

/* The client's request.  `extensions` as above; `lines` are further ones, each with its end. */
int msim_handshake_write_request(struct msim_bytes *out, const struct msim_url *url,
                                 const char *key, const char *extensions,
                                 struct msim_http_text lines);

/*
 * Did the server open, whatever its extensions?  MSIM_ERR_FORMAT with words where it did not: the
 * server's own as well, as far as `body` (what came behind the head) has them.
 */
int msim_handshake_check_answer(const struct msim_http_head *head, const char *key,
                                struct msim_http_text body, struct msim_detail *detail);

#endif
