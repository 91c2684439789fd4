/*
 * Who may come in: a guard in front of listeners, for HTTP and WebSockets alike.
 *
 * A request is judged in this order: the rate of its address, its Host (a page that points its
 * own name at this machine), its Origin (a page of another site), its key and what the key may,
 * its signature, the rate of its key.  The first that fails is the answer: 429, 403, 401.
 *
 * A key comes in the header X-API-Key, as `Authorization: Bearer KEY`, or, since a browser's
 * WebSocket has no headers of its own, in the query of a WebSocket's path as `api_key`.  A key
 * with a secret also needs X-Signature, the hex HMAC-SHA-256 with the secret over
 * timestamp + method + path + body, and X-Timestamp, milliseconds since 1970 (`signature` and
 * `timestamp` in a WebSocket's query).  The path is the request's as it was sent, with or without
 * its query; with it the query is signed as well, but for those three names in a WebSocket's,
 * where it is always without.  What is signed for anything but GET and HEAD, and a WebSocket's
 * handshake, is good for one time.
 */
#ifndef MARKETSIM_ACCESS_H
#define MARKETSIM_ACCESS_H

#include <marketsim/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_access;

/* What a caller may; each may what those before it may. */
enum msim_role {
    MSIM_ROLE_NONE = 0, /* everybody, without a key */
    MSIM_ROLE_VIEWER = 1,
    MSIM_ROLE_TRADER = 2,
    MSIM_ROLE_ADMIN = 3,
};

/* What a path takes.  The most exact path counts, and of two the one with the method. */
struct msim_access_rule {
    const char *method; /* NULL: every method */
    const char *path;   /* as a route's */
    enum msim_role role;
};

struct msim_access_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    /* Beside the listener's own: "https://robot.example", "null", "*" for everybody. */
    const char *const *origins;
    size_t origin_count;
    /*
     * Names that the Host may be, beside addresses and localhost.  Where there are none, only
     * listeners on this machine alone (127.0.0.1, ::1) look at the Host.
     */
    const char *const *hosts;
    size_t host_count;
    const char *keys; /* see msim_access_set_keys; NULL: no keys, everybody may everything */
    size_t keys_length;
    bool is_open; /* listening beyond this machine without keys is meant so */
    /* With keys: /healthz and /readyz are for everybody, all else for viewers, but for these. */
    const struct msim_access_rule *rules;
    size_t rule_count;
    msim_time recv_window;              /* 5 s: a signed timestamp may be off by this either way */
    size_t max_signatures;              /* 65536: that are remembered as used; beyond: 429 */
    size_t max_connections_per_address; /* 0: no bound of its own; more are closed at once */
    uint64_t rate;  /* requests a second, of each address and each key; 0: any */
    uint64_t burst; /* that may come at once; default: the rate */
    /* 16384: addresses with a memory of their rate; the one that was idle longest makes room. */
    size_t max_addresses;
    msim_time (*wall_clock)(void *context); /* nanoseconds since 1970; NULL: the system's */
    void *context;
    /*
     * Messages and pings a second, of each WebSocket and of all of a key together; 0: any.  Beyond:
     * the WebSocket that sent one too many is closed with 1008.
     */
    uint64_t message_rate;
    uint64_t message_burst; /* that may come at once; default: the rate */
};
#define MSIM_ACCESS_PARAMS_INIT                                                                  \
    {                                                                                            \
        sizeof(struct msim_access_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0                                                                              \
    }

/* MSIM_ERR_INVALID with words (a key's line among them), MSIM_ERR_NOMEM, MSIM_ERR_IO. */
MSIM_API int msim_access_create(struct msim_access **out, const struct msim_access_params *params,
                                struct msim_detail *detail);

/* Listeners that were given it keep it as long as they need it. */
MSIM_API void msim_access_destroy(struct msim_access **access);

/*
 * Other keys from now on; connections that are open stay.  One key in a line, then what is said
 * about it, with white space between; empty lines and those that begin with # are passed over:
 *
 *     KEY [secret=TEXT] [role=viewer|trader|admin] [name=TEXT] [account=TEXT]
 *
 * The role is trader where none is named.  MSIM_ERR_FORMAT names the line and changes nothing;
 * MSIM_ERR_LIMIT beyond MSIM_ACCESS_MAX_KEYS, MSIM_ERR_NOMEM.
 */
#define MSIM_ACCESS_MAX_KEYS 10000
MSIM_API int msim_access_set_keys(struct msim_access *access, const char *text, size_t length,
                                  struct msim_detail *detail);

/* How many keys there are; 0: everybody may everything. */
MSIM_API size_t msim_access_key_count(const struct msim_access *access);

/* Who asks.  Borrowed like the exchange or connection, until its next request. */
struct msim_caller {
    const char *name;    /* of the key; "" where it has none or there is no key */
    const char *account; /* that the key is for; "" where it says none */
    enum msim_role role; /* MSIM_ROLE_ADMIN where there are no keys at all */
    bool has_key;
};

/* NULL for a listener without a guard, and for a client's connection. */
MSIM_API const struct msim_caller *msim_exchange_caller(const struct msim_exchange *exchange);
MSIM_API const struct msim_caller *msim_connection_caller(const struct msim_connection *connection);

/*
 * A message of a WebSocket that counts as `cost` requests.  MSIM_ERR_LIMIT beyond the rate, and
 * in `*retry_after` (may be NULL) how long to wait; MSIM_OK without a guard.
 */
MSIM_API int msim_connection_spend(struct msim_connection *connection, uint64_t cost,
                                   msim_time *retry_after);

#ifdef __cplusplus
}
#endif

#endif
