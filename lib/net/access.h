/*
 * The guard's inside: what it knows, and what it says about a request.
 */
#ifndef MSIM_NET_ACCESS_H
#define MSIM_NET_ACCESS_H

#include <marketsim/access.h>
#include <nettle/hmac.h>

#include "net/http.h"
#include "net/keys.h"
#include "net/signatures.h"
#include "net/texts.h"
#include "net/visitors.h"

struct msim_access_path {
    char *path; /* without the star */
    size_t path_length;
    bool is_prefix;
    char *method; /* NULL: every one */
    enum msim_role role;
};

struct msim_access {
    size_t references;
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_texts origins;
    struct msim_texts hosts;
    bool is_open;
    struct msim_access_path *rules;
    size_t rule_count;
    msim_time recv_window;
    size_t max_connections_per_address;
    struct msim_rate rate;
    struct msim_rate message_rate;
    uint8_t lookup[MSIM_KEY_DIGEST];
    struct msim_keys keys;
    struct msim_visitors visitors;
    struct msim_signatures signatures;
    msim_time (*wall_clock)(void *context);
    void *context;
};

static inline struct msim_access *msim_access_share(struct msim_access *access)
{
    if (access)
        access->references++;
    return access;
}

/* A signature that is complete with the body. */
struct msim_proof {
    struct hmac_sha256_ctx plain; /* over the path alone */
    struct hmac_sha256_ctx whole; /* over the path with its query */
    uint8_t expected[SHA256_DIGEST_SIZE];
    bool is_once;
};

/* One that came in at a guarded listener; as long as its connection. */
struct msim_guest {
    struct msim_access *access;
    struct msim_visitor *visitor;
    struct msim_key *key; /* of its latest request; NULL: none */
    const struct msim_caller *caller;
    struct msim_proof *proof; /* while a signed request's body comes */
    struct msim_bucket messages;
};

/*
 * One who was accepted.  MSIM_ERR_LIMIT where its address has as many connections as may be,
 * MSIM_ERR_NOMEM.
 */
int msim_guest_create(struct msim_guest **out, struct msim_access *access,
                      const struct msim_address *address);
void msim_guest_free(struct msim_guest *guest); /* NULL is left alone */

struct msim_wish {
    const struct msim_http_head *head;
    const char *path; /* decoded */
    bool wants_websocket;
    bool is_question;     /* of CORS: it bears no key */
    bool origin_is_known; /* CORS lets it in */
    bool is_loopback;     /* the listener is on this machine alone */
    const char *own_host; /* where it was asked to listen */
};

/* What a request is answered with; status 0: it may come in. */
struct msim_verdict {
    int status;
    const char *words;
    msim_time retry_after; /* 0: nothing is said about it */
};

/* `now` is monotonic. */
void msim_guest_judge(struct msim_guest *guest, const struct msim_wish *wish, msim_time now,
                      struct msim_verdict *verdict);

/* A message of its WebSocket; false where it is one too many. */
bool msim_guest_says(struct msim_guest *guest, msim_time now);

/* The body of a request that was let in; at its end the signature is judged. */
void msim_guest_body(struct msim_guest *guest, const unsigned char *bytes, size_t length);
void msim_guest_body_end(struct msim_guest *guest, struct msim_verdict *verdict);

#endif
