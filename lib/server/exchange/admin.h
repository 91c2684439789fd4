/*
 * The admin API: what people and test programs do to the exchange, on a listener of its own that
 * no fault touches.
 *
 *     admin.c          the listener, requests and their answers
 *     admin_faults.c   strategies, presets, scenarios, the trace, the ledger, statistics
 *     admin_market.c   accounts, prices, trading states, snapshots
 *     admin_openapi.c  the document about all of it
 */
#ifndef MSIM_SERVER_EXCHANGE_ADMIN_H
#define MSIM_SERVER_EXCHANGE_ADMIN_H

#include "base/json.h"
#include "server/exchange/exchange.h"

#define MSIM_MANAGE_BODY_MAX ((size_t)1 << 20)
#define MSIM_MANAGE_NAME_MAX 128                /* bytes of a name in a path */
#define MSIM_MANAGE_SCENARIOS 64                /* kept by name; one more is refused */
#define MSIM_MANAGE_TRACE_MAX ((size_t)4 << 20) /* bytes; the oldest lines make room */
#define MSIM_MANAGE_SNAPSHOT_MAX ((size_t)1 << 30)

struct msim_manage_scenario {
    char *name; /* owned, with a terminator */
    char *json;
    size_t length;
};

struct msim_exchange_admin {
    struct msim_exchange_server *server;
    struct msim_listener *listener;
    struct msim_access *access; /* this machine alone; NULL where the owner gave one */
    struct msim_health health;
    uint16_t port;
    struct msim_manage_scenario scenarios[MSIM_MANAGE_SCENARIOS];
    size_t scenario_count;
};

/* A request; what it is answered with goes to `exchange`, or nowhere where that is NULL. */
struct msim_manage_call {
    struct msim_exchange_server *server;
    struct msim_exchange_admin *admin;
    struct msim_exchange *exchange;
    const char *method;
    const char *path; /* decoded */
    const char *query;
    const char *body;
    size_t length;
    char name[MSIM_MANAGE_NAME_MAX]; /* what stands in the path for {...} */
    struct msim_detail detail;
};

struct msim_manage_path {
    const char *method;
    const char *path; /* below /admin/v1 */
    void (*serve)(struct msim_manage_call *call);
    const char *summary; /* of the OpenAPI document */
    const char *body;    /* an example of the request's; NULL for none */
    const char *type;    /* of the answer; NULL: application/json */
    bool changes;        /* something; such requests stand in a session's recording */
    const char *answer;  /* the schema of a JSON answer; NULL for none */
};

extern const struct msim_manage_path msim_manage_paths[];
extern const size_t msim_manage_path_count;

/* Listens where the params say so.  */
int msim_exchange_admin_open(struct msim_exchange_server *server,
                             const struct msim_exchange_server_params *params,
                             struct msim_detail *detail);
void msim_exchange_admin_stop(struct msim_exchange_server *server);
/* After the net is gone. */
void msim_exchange_admin_close(struct msim_exchange_server *server);

/* A request that has come or is replayed: method, path, query, body and exchange are filled in. */
void msim_exchange_admin_serve(struct msim_manage_call *call);

/* A line of the failure layer's trace, for its params. */
void msim_exchange_trace(void *context, const struct msim_fault_trace *trace);

/* ---- for the functions that serve ---- */

void msim_manage_give(struct msim_manage_call *call, int status, const char *type,
                      const void *bytes, size_t length);
void msim_manage_json(struct msim_manage_call *call, int status, const char *json);
/* A problem, with the JSON pointer that its words begin with. */
void msim_manage_refuse(struct msim_manage_call *call, int status, const char *words);
/* What the writer has written into `bytes`, which are given up: an answer, or why there is none. */
void msim_manage_give_json(struct msim_manage_call *call, struct msim_json_writer *writer,
                           struct msim_bytes *bytes);

/* The same for a failed call of the library, whose words are in `call->detail`. */
void msim_manage_fail(struct msim_manage_call *call, int result);

/*
 * A small object as the body, and its members: texts, and decimal numbers given as texts or
 * numbers.  False, or MSIM_JSON_NONE, where the call has been refused.
 */
bool msim_manage_read(struct msim_manage_call *call, struct msim_json_document *document,
                      const char *const *keys);
bool msim_manage_text(struct msim_manage_call *call, const struct msim_json_document *document,
                      const char *key, char *out, size_t size);
bool msim_manage_amount(struct msim_manage_call *call, const struct msim_json_document *document,
                        const char *key, int exponent, int64_t *out);

typedef void msim_manage_function(struct msim_manage_call *call);
msim_manage_function msim_manage_faults;
msim_manage_function msim_manage_fault_add;
msim_manage_function msim_manage_fault;
msim_manage_function msim_manage_fault_patch;
msim_manage_function msim_manage_fault_delete;
msim_manage_function msim_manage_fault_enable;
msim_manage_function msim_manage_fault_disable;
msim_manage_function msim_manage_fire;
msim_manage_function msim_manage_heal;
msim_manage_function msim_manage_reset;
msim_manage_function msim_manage_trace;
msim_manage_function msim_manage_trace_delete;
msim_manage_function msim_manage_ledger;
msim_manage_function msim_manage_view;
msim_manage_function msim_manage_presets;
msim_manage_function msim_manage_preset;
msim_manage_function msim_manage_preset_add;
msim_manage_function msim_manage_scenarios;
msim_manage_function msim_manage_scenario_add;
msim_manage_function msim_manage_scenario;
msim_manage_function msim_manage_scenario_delete;
msim_manage_function msim_manage_scenario_start;
msim_manage_function msim_manage_scenario_stop;
msim_manage_function msim_manage_statistics;
msim_manage_function msim_manage_accounts;
msim_manage_function msim_manage_account;
msim_manage_function msim_manage_deposit;
msim_manage_function msim_manage_withdraw;
msim_manage_function msim_manage_account_reset;
msim_manage_function msim_manage_price;
msim_manage_function msim_manage_halt;
msim_manage_function msim_manage_resume;
msim_manage_function msim_manage_snapshot;
msim_manage_function msim_manage_health;
msim_manage_function msim_manage_openapi;

#endif
