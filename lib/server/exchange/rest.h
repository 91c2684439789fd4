/*
 * The exchange over HTTP: calls, from their request to their answer.
 *
 *     rest.c         routes, sessions, the failure layer, errors
 *     rest_orders.c  what changes orders, and asks about them
 *     rest_market.c  what asks about the market
 */
#ifndef MSIM_SERVER_EXCHANGE_REST_H
#define MSIM_SERVER_EXCHANGE_REST_H

#include "server/exchange/exchange.h"

struct msim_exchange_path;

/* A request under way. */
struct msim_exchange_call {
    struct msim_exchange_server *server;
    struct msim_exchange *exchange; /* NULL: replayed */
    const struct msim_exchange_path *path;
    struct msim_exchange_call *next; /* of its account */
    struct msim_exchange_call *previous;
    const char *target; /* the path as it was asked for; borrowed as long as the call, like this: */
    const char *query;
    uint64_t visit;
    struct msim_exchange_tally tally;
    uint32_t account;
    uint64_t ordinal;  /* of request and answer, among the account's */
    uint64_t tag;      /* of its command */
    msim_time ends_at; /* it hangs until then; 0: it does not */
    int status;        /* of the answer that the failure layer holds */
    bool is_waiting;   /* for its command's answer */
    bool has_event;
    struct msim_event event; /* that answers its command */
};

struct msim_exchange_path {
    const char *method;
    const char *path;
    int request; /* enum msim_native_type, for selectors and bodies; 0 for none */
    void (*serve)(struct msim_exchange_server *server, struct msim_exchange_call *call,
                  const char *body, size_t length);
    /* What a command's event becomes; NULL where there is no command. */
    void (*finish)(struct msim_exchange_server *server, struct msim_exchange_call *call);
    const char *summary; /* of the OpenAPI document */
    const char *query;   /* its parameters, parted by spaces */
    const char *answer;  /* its schema */
};

/* A request, from the socket or from a recording. */
struct msim_exchange_arrival {
    struct msim_exchange *exchange; /* NULL: replayed */
    const struct msim_exchange_path *path;
    const char *session;
    const char *label; /* NULL or "" for none */
    const char *target;
    const char *query;
    bool is_json; /* as far as its content type says */
    const char *body;
    size_t length;
};

/* NULL where there is no room for it; then it has been refused. */
struct msim_exchange_call *msim_exchange_call_begin(struct msim_exchange_server *server,
                                                    const struct msim_exchange_arrival *arrival);
void msim_exchange_call_take(struct msim_exchange_server *server, struct msim_exchange_call *call,
                             const struct msim_exchange_arrival *arrival);
void msim_exchange_call_end(struct msim_exchange_call *call);

extern const struct msim_exchange_path msim_exchange_paths[];
extern const size_t msim_exchange_path_count;

int msim_exchange_rest_listen(struct msim_exchange_server *server,
                              struct msim_listen_params *params, struct msim_detail *detail);

/* What the failure layer lets go of an account's calls. */
int msim_exchange_rest_output(struct msim_exchange_server *server, uint32_t account,
                              const struct msim_fault_output *output);

/* The venue's answer to a call's command. */
void msim_exchange_rest_event(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const struct msim_event *event);
void msim_exchange_rest_refused(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const struct msim_fault_said *said,
                                const struct msim_native_refusal *refusal);

/* Ends calls that hang; when the next one's time is. */
msim_time msim_exchange_rest_expire(struct msim_exchange_server *server);
/* Frees what an account has for HTTP. */
void msim_exchange_rest_forget(struct msim_exchange_server *server,
                               struct msim_exchange_account *account);

/* ---- for the functions that serve ---- */

/* The answer, through the failure layer. */
void msim_exchange_rest_answer(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               int status, int type, const char *bytes, size_t length);

/* `server->refusal` as {"error", "code"} and the members of a problem. */
void msim_exchange_rest_refuse(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               int status);
void msim_exchange_rest_error(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              int status, int error, const char *words);

/* The status of `server->refusal`. */
int msim_exchange_rest_status(const struct msim_native_refusal *refusal);

/* A decoded value of the query; length, 0 where there is none; MSIM_ERR_*. */
int msim_exchange_rest_query(const struct msim_exchange_call *call, const char *key, char *out,
                             size_t size);

/*
 * The query's symbol into `server->request`: true, or the call has been refused.  `optional`: none
 * and "*" mean all.
 */
bool msim_exchange_rest_symbol(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               bool optional);
/* Refuses the call for a key of its query; false. */
bool msim_exchange_rest_refuse_query(struct msim_exchange_server *server,
                                     struct msim_exchange_call *call, int error, const char *key,
                                     const char *words);
/* A whole number of the query, at most `most`; `*out` stays where there is none. */
bool msim_exchange_rest_count(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const char *key, uint32_t most, uint32_t *out);
/* A moment: ISO 8601, or seconds since 1970. */
bool msim_exchange_rest_time(struct msim_exchange_server *server, struct msim_exchange_call *call,
                             const char *key, msim_time *out);

/* ---- rest_orders.c, rest_market.c, openapi.c ---- */

typedef void msim_exchange_serve(struct msim_exchange_server *server,
                                 struct msim_exchange_call *call, const char *body, size_t length);
msim_exchange_serve msim_exchange_rest_place;
msim_exchange_serve msim_exchange_rest_orders;
msim_exchange_serve msim_exchange_rest_order;
msim_exchange_serve msim_exchange_rest_cancel;
msim_exchange_serve msim_exchange_rest_cancel_all;
msim_exchange_serve msim_exchange_rest_change;
msim_exchange_serve msim_exchange_rest_fills;
msim_exchange_serve msim_exchange_rest_balance;
msim_exchange_serve msim_exchange_rest_position;
msim_exchange_serve msim_exchange_rest_health;
msim_exchange_serve msim_exchange_rest_symbols;
msim_exchange_serve msim_exchange_rest_ticker;
msim_exchange_serve msim_exchange_rest_book;
msim_exchange_serve msim_exchange_rest_trades;
msim_exchange_serve msim_exchange_rest_candles;
msim_exchange_serve msim_exchange_rest_history;
msim_exchange_serve msim_exchange_rest_openapi;
msim_exchange_serve msim_exchange_rest_nothing;

void msim_exchange_rest_placed(struct msim_exchange_server *server,
                               struct msim_exchange_call *call);
void msim_exchange_rest_cancelled(struct msim_exchange_server *server,
                                  struct msim_exchange_call *call);
void msim_exchange_rest_all_cancelled(struct msim_exchange_server *server,
                                      struct msim_exchange_call *call);
void msim_exchange_rest_changed(struct msim_exchange_server *server,
                                struct msim_exchange_call *call);

#endif
