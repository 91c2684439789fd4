/*
 * The servers that the tools run, to be run in a process of one's own.
 *
 * Each has a loop inside (net.h): wait for its descriptor, or dispatch with a
 * timeout.  One thread; several servers may live in one process.
 */
#ifndef MARKETSIM_SERVER_H
#define MARKETSIM_SERVER_H

#include <marketsim/access.h>
#include <marketsim/base.h>
#include <marketsim/faults.h>
#include <marketsim/net.h>
#include <marketsim/pacer.h>
#include <marketsim/source.h>
#include <marketsim/venue.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- replay: trades of the past at their own pace ---- */

struct msim_replay_server;

/* What of a history is replayed. */
struct msim_replay_selection {
    bool has_from;            /* `from` is a bound */
    bool has_to;              /* `to` is a bound */
    msim_time from;           /* trades at and after */
    msim_time to;             /* trades before; later than `from` */
    bool has_extra;           /* these further columns, in place of those that the server gives */
    const char *const *extra; /* names; "all" alone: all that there are */
    size_t extra_count;
};

enum msim_replay_mode {
    MSIM_REPLAY_PER_CLIENT = 0, /* each client has a replay of its own, and its remote control */
    MSIM_REPLAY_BROADCAST,      /* one replay, which every client joins where it stands */
};

enum msim_replay_format {
    MSIM_REPLAY_FORMAT_TRADES = 0, /* a message for each trade */
    MSIM_REPLAY_FORMAT_BUNDLE,     /* one for all trades of a timestamp */
};

/* What there is to be replayed, for those who ask the server. */
struct msim_replay_history {
    uint64_t rows;
    uint64_t files;
    msim_time first; /* both MSIM_TIME_NEVER where there is no row */
    msim_time last;
    msim_time preparation; /* how long it took until the order was known */
};

struct msim_replay_server_params {
    size_t size;
    /*
     * Opens a replay: a source of trades from the selection's start.  Called for each client, and
     * again where it seeks or begins anew.  A failure's words go to the client, and the connection
     * closes with 1011.
     */
    int (*open)(void *context, const struct msim_replay_selection *selection,
                struct msim_source *out, struct msim_detail *detail);
    /* Called before such a source is released.  May be NULL. */
    void (*ended)(void *context, const struct msim_source *source);
    /* Tells of the history.  May be NULL. */
    void (*history)(void *context, struct msim_replay_history *out);
    void *context;
    const char *host; /* as in msim_listen_params */
    uint16_t port;
    struct msim_speed speed;  /* default 1 */
    msim_time max_gap;        /* idle stretches are shortened to this; 0: as they were */
    bool loop;                /* begins anew when it has ended */
    uint32_t mode;            /* enum msim_replay_mode */
    uint32_t format;          /* enum msim_replay_format */
    uint32_t timestamps;      /* enum msim_replay_timestamps */
    size_t max_clients;       /* default 64, 1024 of a broadcast; more are refused with 503 */
    size_t max_backlog_bytes; /* for each client, default 8 MiB; then its replay waits */
    size_t max_queue_bundles; /* bundles in a client's backlog; 0: no bound beside the bytes */
    uint32_t slow_client;     /* enum msim_slow_policy but the conflating one; of a broadcast */
    size_t wait_clients;      /* a broadcast begins when so many are there; 0: at once */
    /*
     * What befalls trades on their way out (marketsim/faults.h), judged for each client, borrowed
     * as long as the server.  Its time begins with 0 at the create, and is the wall's.  NULL:
     * nothing.  Its strategies must be such as msim_replay_server_check_faults lets through.
     */
    struct msim_faults *faults;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    struct msim_access *access;             /* who may come in; shared; NULL: everybody */
    struct msim_tls *tls;                   /* shared; NULL: plain */
    struct msim_deflate deflate;
};
#define MSIM_REPLAY_SERVER_PARAMS_INIT                                                            \
    {                                                                                             \
        sizeof(struct msim_replay_server_params), 0, 0, 0, 0, 0, 0, {0, 0}, 0, false, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0, 0, 0, 0, MSIM_DEFLATE_INIT                                          \
    }

/* As msim_quotes_server_check_faults says it of the quotes server. */
MSIM_API int msim_replay_server_check_faults(const char *json, size_t length,
                                             struct msim_detail *detail);

/* Listens when it returns. */
MSIM_API int msim_replay_server_create(struct msim_replay_server **out,
                                       const struct msim_replay_server_params *params,
                                       struct msim_detail *detail);
MSIM_API void msim_replay_server_destroy(struct msim_replay_server **server);

/* As msim_net_fd and msim_net_dispatch; a failure of the failure layer is told by dispatch. */
MSIM_API int msim_replay_server_fd(const struct msim_replay_server *server);
MSIM_API int msim_replay_server_dispatch(struct msim_replay_server *server, int timeout_ms);

MSIM_API uint16_t msim_replay_server_port(const struct msim_replay_server *server);

/* The loop inside, for watches.  Borrowed: valid as long as the server. */
MSIM_API struct msim_net *msim_replay_server_net(struct msim_replay_server *server);

/* Takes no more clients and says 1001 to those that are there; `clients` falls to 0. */
MSIM_API void msim_replay_server_stop(struct msim_replay_server *server);

struct msim_replay_stats {
    uint64_t clients;       /* now */
    uint64_t clients_total; /* since the start */
    uint64_t finished;      /* replays that came to their end, rounds of a loop each */
    uint64_t trades;        /* handed to connections; those of a broadcast count once */
    uint64_t bundles;       /* of equal timestamps */
    uint64_t encoded;       /* messages */
    uint64_t delivered;     /* messages, to each client; a broadcast encodes once for all of them */
    uint64_t dropped;       /* messages that slow clients of a broadcast did not get */
    uint64_t slow;          /* clients that were closed for reading too slowly */
    uint64_t backlog_bytes; /* that wait for all clients together */
    bool ended;             /* a broadcast has */
    msim_time position;     /* of the latest trade sent; MSIM_TIME_NEVER before the first */
    /* How late bundles were handed over after they were due; all 0 at full speed. */
    msim_time lateness_p50;
    msim_time lateness_p99;
    msim_time lateness_max;
};
MSIM_API void msim_replay_server_stats(const struct msim_replay_server *server,
                                       struct msim_replay_stats *out);

/* ---- quotes: one market for all clients, who join it midway ---- */

enum msim_quotes_protocol {
    MSIM_QUOTES_PLAIN = 0,   /* every event to every client (msim_quotes_encode) */
    MSIM_QUOTES_POLYGON = 1, /* keys and subscriptions, in the dialect of Polygon/Massive */
};

struct msim_quotes_server;

struct msim_quotes_server_params {
    size_t size;
    /*
     * Quotes and trades (and bars, for Polygon's aggregates) with symbols, such as
     * msim_source_mock gives; moved into the server when it succeeds.
     */
    struct msim_source source;
    msim_time start; /* the source's moment at which the market opens: its first */
    /*
     * Default 1.  At full speed, which is the plain feed's without faults (MSIM_ERR_UNSUPPORTED
     * elsewhere), the market goes on as fast as the slowest client reads, or nobody hears it.
     */
    struct msim_speed speed;
    size_t wait_clients;         /* the market opens when so many are there; 0: at once */
    uint64_t seed;               /* of request ids and exchange codes */
    uint32_t protocol;           /* enum msim_quotes_protocol */
    uint32_t cluster;            /* enum msim_polygon_cluster */
    const char *const *api_keys; /* copied; of Polygon's `auth`.  None: any key will do */
    size_t api_key_count;
    size_t connections_per_key; /* default 1; the oldest is closed for a further one */
    const char *host;
    uint16_t port;
    size_t max_clients;       /* default 1024 */
    size_t max_backlog_bytes; /* for each client, default 1 MiB; beyond it: close 1013 */
    /*
     * What befalls the messages on their way out, in the market's time; borrowed as long as the
     * server.  NULL: nothing.  Only kinds that msim_quotes_server_check_faults lets through.
     */
    struct msim_faults *faults;
    /* Is shown each record as it is sent; a failure ends the dispatch.  May be NULL. */
    int (*record)(void *context, const struct msim_record *record);
    void *context;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    struct msim_access *access;             /* who may come in; shared; NULL: everybody */
    struct msim_tls *tls;                   /* shared; NULL: plain */
    struct msim_deflate deflate;
};
#define MSIM_QUOTES_SERVER_PARAMS_INIT                                                             \
    {                                                                                              \
        sizeof(struct msim_quotes_server_params), {0, 0}, 0, {0, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0, 0, 0, MSIM_DEFLATE_INIT                                              \
    }

/*
 * Whether this server can do what the strategies (JSON, as for msim_faults_add_all) ask:
 * drop, duplicate, corrupt, throttle, delay, reorder and slice of what goes out, and all that
 * befalls sessions, but for a notice of it.  MSIM_ERR_UNSUPPORTED names anything else and its
 * place.  A client is called what the query of its request says, as in /?msim_client=bot1, or its
 * header X-Msim-Client.
 */
MSIM_API int msim_quotes_server_check_faults(const char *json, size_t length,
                                             struct msim_detail *detail);

MSIM_API int msim_quotes_server_create(struct msim_quotes_server **out,
                                       struct msim_quotes_server_params *params,
                                       struct msim_detail *detail);
MSIM_API void msim_quotes_server_destroy(struct msim_quotes_server **server);

/*
 * As msim_net_fd and msim_net_dispatch; a failure of the source or of `record` is told
 * once, by dispatch, with the words of msim_quotes_server_detail.
 */
MSIM_API int msim_quotes_server_fd(const struct msim_quotes_server *server);
MSIM_API int msim_quotes_server_dispatch(struct msim_quotes_server *server, int timeout_ms);
MSIM_API const char *msim_quotes_server_detail(const struct msim_quotes_server *server);

MSIM_API uint16_t msim_quotes_server_port(const struct msim_quotes_server *server);

/* Borrowed: valid as long as the server. */
MSIM_API struct msim_net *msim_quotes_server_net(struct msim_quotes_server *server);

/* Takes no more clients and says 1001 to those that are there; `clients` falls to 0. */
MSIM_API void msim_quotes_server_stop(struct msim_quotes_server *server);

struct msim_quotes_stats {
    uint64_t clients;
    uint64_t clients_total;
    uint64_t dropped;  /* closed because they read too slowly */
    uint64_t events;   /* encoded */
    uint64_t messages; /* handed to connections */
    bool ended;        /* the source has */
    msim_time lateness_p50;
    msim_time lateness_p99;
    msim_time lateness_max;
};
MSIM_API void msim_quotes_server_stats(const struct msim_quotes_server *server,
                                       struct msim_quotes_stats *out);

/* ---- dashboard: scripts push tables, browsers see them ---- */

struct msim_dashboard_server;

/*
 * A running exchange-server, replay-server or mock-quotes, or Polygon's feed, that is shown as
 * well.  What it is shows in what it says; exchange+ws://, replay+ws://, quotes+ws:// and
 * polygon+ws:// say it.
 */
struct msim_dashboard_upstream {
    const char *url;    /* ws://, wss:// */
    const char *key;    /* that it wants; NULL: none */
    const char *secret; /* of the key; NULL: requests are not signed */
};
#define MSIM_DASHBOARD_UPSTREAMS_MAX 16

struct msim_dashboard_server_params {
    size_t size;
    const char *host; /* as in msim_listen_params */
    uint16_t port;
    struct msim_access *access;  /* who may come in; shared; NULL: everybody */
    struct msim_tls *tls;        /* shared; NULL: plain */
    struct msim_deflate deflate; /* messages are compressed for clients that can */
    /* Pages of other sites that may read what is answered (CORS); "*": all.  Copied. */
    const char *const *origins;
    size_t origin_count;
    const char *assets;       /* a folder with the page, for development; NULL: what is built in */
    const char *data;         /* a file that keeps what was pushed; NULL: memory alone */
    size_t max_payload_bytes; /* one push by Socket.IO, 2 MiB; beyond: the session ends */
    size_t max_upload_bytes;  /* one push by HTTP, 16 MiB; beyond: 413 */
    size_t max_clients;       /* sessions; default 4096, more are refused with 503 */
    size_t max_backlog_bytes; /* waits for one client, 64 MiB; then it misses updates */
    size_t max_sessions_per_address; /* default 16,384; more are refused with 503 */
    size_t max_rows;                 /* of each table that are kept; default 100,000 */
    size_t snapshot_rows;            /* of each table that a late joiner is given; default 1,000 */
    /* Servers that are shown; a lost one is tried again without end.  Copied. */
    const struct msim_dashboard_upstream *upstreams;
    size_t upstream_count;
    const char *const *upstream_symbols; /* the only ones that are of interest; copied */
    size_t upstream_symbol_count;        /* 0: all of them */
    /* For wss:// and https://, valid as long as the server; NULL: the system's authorities. */
    struct msim_tls *upstream_tls;
    /*
     * The admin API of an exchange, whose failure layer's counts are shown and whose switches those
     * who may push may throw.  NULL: none.
     */
    const char *admin_url; /* http://host:port, https:// */
    const char *admin_key; /* that it wants; NULL: none */
    const char *admin_secret;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
};
#define MSIM_DASHBOARD_SERVER_PARAMS_INIT                                                          \
    {                                                                                              \
        sizeof(struct msim_dashboard_server_params), 0, 0, 0, 0, MSIM_DEFLATE_INIT, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                         \
    }

/*
 * What its paths take, for the rules of msim_access_params: the page is for everybody, to look on
 * for viewers, to push for traders.
 */
MSIM_API const struct msim_access_rule *msim_dashboard_server_rules(size_t *count);

/* Listens when it returns. */
MSIM_API int msim_dashboard_server_create(struct msim_dashboard_server **out,
                                          const struct msim_dashboard_server_params *params,
                                          struct msim_detail *detail);
MSIM_API void msim_dashboard_server_destroy(struct msim_dashboard_server **server);

/* As msim_net_fd and msim_net_dispatch. */
MSIM_API int msim_dashboard_server_fd(const struct msim_dashboard_server *server);
MSIM_API int msim_dashboard_server_dispatch(struct msim_dashboard_server *server, int timeout_ms);

MSIM_API uint16_t msim_dashboard_server_port(const struct msim_dashboard_server *server);

/* Borrowed: valid as long as the server. */
MSIM_API struct msim_net *msim_dashboard_server_net(struct msim_dashboard_server *server);

/* Takes no more clients and says goodbye to those that are there; `clients` falls to 0. */
MSIM_API void msim_dashboard_server_stop(struct msim_dashboard_server *server);

struct msim_dashboard_stats {
    uint64_t clients;   /* sessions, now */
    uint64_t frontends; /* of those that see updates */
    uint64_t pushes;    /* that were taken in */
    uint64_t refused;   /* that were not */
    uint64_t trades;    /* rows */
    uint64_t market_data;
    uint64_t updates; /* handed to clients */
    uint64_t missed;  /* updates that a slow client did not get */
};
MSIM_API void msim_dashboard_server_stats(const struct msim_dashboard_server *server,
                                          struct msim_dashboard_stats *out);

/* ---- exchange: an engine with a market around it, over WebSocket and HTTP ---- */

/*
 * Settings, key by key, as a configuration file has them (docs/exchange.md):
 *
 *     struct msim_exchange_config *config = NULL;
 *     int r = msim_exchange_config_create(&config, NULL);
 *     r = msim_exchange_config_set(config, "server.port=0", &detail);
 *     r = msim_exchange_config_set(config, "exchange.liquidity.enabled=false", &detail);
 *
 *     struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
 *     params.config = config;
 *     r = msim_exchange_server_create(&server, &params, &detail);
 *     msim_exchange_config_destroy(&config);
 */
struct msim_exchange_config;

MSIM_API int msim_exchange_config_create(struct msim_exchange_config **out,
                                         const struct msim_allocator *allocator);
MSIM_API void msim_exchange_config_destroy(struct msim_exchange_config **config);

/*
 * A whole configuration as JSON; what it says takes the place of what was said before.
 * MSIM_ERR_FORMAT, MSIM_ERR_INVALID with the key and the nearest known one, MSIM_ERR_LIMIT,
 * MSIM_ERR_NOMEM: nothing has changed.
 */
MSIM_API int msim_exchange_config_read(struct msim_exchange_config *config, const char *json,
                                       size_t length, struct msim_detail *detail);

/* "server.port=9000": the value is JSON, or else a text.  A key with a point in it is quoted. */
MSIM_API int msim_exchange_config_set(struct msim_exchange_config *config, const char *assignment,
                                      struct msim_detail *detail);

struct msim_exchange_server;

struct msim_exchange_server_params {
    size_t size;
    const struct msim_exchange_config *config; /* read by the create; NULL: all defaults */
    /* The market's first moment; 0: the first trade of exchange.history.file, or the wall's time.
     */
    msim_time start;
    struct msim_speed speed; /* default 1; not the full one */
    /*
     * Who may come in; shared.  NULL: everybody, or those with one of server.api_keys.  A guard
     * without keys is given those.
     */
    struct msim_access *access;
    struct msim_tls *tls; /* shared; NULL: plain */
    struct msim_deflate deflate;
    size_t max_clients;       /* WebSockets at a time, default 1024; more are refused with 503 */
    size_t max_backlog_bytes; /* for each of them, default 4 MiB; beyond it: close 1013 */
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    /* The admin API (docs/exchange.md), on a listener of its own that no fault touches. */
    bool admin;
    const char *admin_host; /* default localhost */
    uint16_t admin_port;    /* 0: any free one */
    /* Who may come in there; shared.  NULL: this machine alone, without a key. */
    struct msim_access *admin_access;
    /* A scenario (docs/faults.md) as JSON that starts with the server; NULL: none. */
    const char *scenario;
    size_t scenario_length;
    msim_time scenario_lasts; /* 0: until its last step with a time */
    /*
     * Is given a recording of the session, piece by piece (msim_exchange_replay); a failure ends
     * the dispatch.  Keys are not in it.  NULL: none.
     */
    int (*record)(void *context, const void *bytes, size_t length);
    void *record_context;
    const char *scenario_name; /* what words about the scenario begin with; "scenario" */
};
#define MSIM_EXCHANGE_SERVER_PARAMS_INIT                                                         \
    {                                                                                            \
        sizeof(struct msim_exchange_server_params), 0, 0, {0, 0}, 0, 0, MSIM_DEFLATE_INIT, 0, 0, \
            0, 0, false, 0, 0, 0, 0, 0, 0, 0, 0, 0                                               \
    }

/*
 * What a guard of its own (params.access) is to know of its paths, for msim_access_params: health
 * and documents are for everybody, orders for traders.  A viewer's WebSocket is refused them by
 * the server itself.
 */
MSIM_API const struct msim_access_rule *msim_exchange_server_rules(size_t *count);

/* Listens when it returns. */
MSIM_API int msim_exchange_server_create(struct msim_exchange_server **out,
                                         const struct msim_exchange_server_params *params,
                                         struct msim_detail *detail);
MSIM_API void msim_exchange_server_destroy(struct msim_exchange_server **server);

/* As msim_net_fd and msim_net_dispatch; a failure's words are in msim_exchange_server_detail. */
MSIM_API int msim_exchange_server_fd(const struct msim_exchange_server *server);
MSIM_API int msim_exchange_server_dispatch(struct msim_exchange_server *server, int timeout_ms);
MSIM_API const char *msim_exchange_server_detail(const struct msim_exchange_server *server);

MSIM_API uint16_t msim_exchange_server_port(const struct msim_exchange_server *server);

/* Of the admin API; 0 without one. */
MSIM_API uint16_t msim_exchange_server_admin_port(const struct msim_exchange_server *server);

/* The loop inside, for watches.  Borrowed: valid as long as the server. */
MSIM_API struct msim_net *msim_exchange_server_net(struct msim_exchange_server *server);

/*
 * The market inside, for questions and deposits, and its failure layer (msim_venue_faults), between
 * turns.  What they changed is told by the next dispatch.  Before the first dispatch a program may
 * give it a history of its own (msim_venue_history_set; exchange.liquidity.enabled=false).
 * Borrowed: valid as long as the server.
 */
MSIM_API struct msim_venue *msim_exchange_server_venue(struct msim_exchange_server *server);

/* Simulated time, for these. */
/* The wall's clock with what a `clock` fault for everybody adds to it: what a signed request's
 * timestamp is held against, for a guard's `wall_clock`.  NULL: the wall's. */
MSIM_API msim_time msim_exchange_server_wall_clock(const struct msim_exchange_server *server);
MSIM_API msim_time msim_exchange_server_now(const struct msim_exchange_server *server);

/* Whether the params' scenario has ended, and nothing that it expects can still come true. */
MSIM_API bool msim_exchange_server_scenario_is_over(const struct msim_exchange_server *server);

/*
 * 1 where all went as the scenario says and expects, 0 where not; why, and its report, as JSON
 * in `out`, as msim_faults_statistics.  Ends it where it is not over, and says so ("ended_early").
 * MSIM_ERR_STATE without one.
 */
MSIM_API int msim_exchange_server_verdict(struct msim_exchange_server *server, char *out,
                                          size_t size, size_t *length);

/* Takes no more clients and says 1001 to those that are there; `clients` falls to 0. */
MSIM_API void msim_exchange_server_stop(struct msim_exchange_server *server);

/*
 * A recorded session once more, without sockets and as fast as it goes: whatever came, in its order
 * and at its simulated times.  What each was told is held against what it was told then, and the
 * engine against its digest then, and against one that is given the journal's commands alone.
 */
struct msim_exchange_replay_params {
    size_t size;
    const void *bytes; /* the whole recording, borrowed for the call */
    size_t length;
    /* Is shown each message, and each answer's body; connections and requests count from 1 in the
     * order in which they came.  May be NULL. */
    void (*told)(void *context, uint64_t visit, const void *bytes, size_t length);
    void *context;
    const struct msim_allocator *allocator;
    const struct msim_logger *logger;
};
#define MSIM_EXCHANGE_REPLAY_PARAMS_INIT                             \
    {                                                                \
        sizeof(struct msim_exchange_replay_params), 0, 0, 0, 0, 0, 0 \
    }

struct msim_exchange_replay_result {
    uint64_t connections; /* that ended in the recording, and requests */
    uint64_t messages;    /* that they were told */
    uint64_t differing;   /* connections that were told something else than then */
    uint64_t digest;      /* the engine's, at the end */
    msim_time time;
    bool is_whole; /* the recording has its end: nothing is missing */
    /* The first connection or request that differs, and the byte of the recording where that
     * showed; 0 where none does. */
    uint64_t differing_visit;
    uint64_t differing_at;
    uint64_t recorded_digest; /* the engine's as the recording says it; 0 where it has no end */
    /* Of an engine that was given the commands alone, as the journal has them, and nothing else. */
    uint64_t log_digest;
    uint64_t commands; /* that it was given */
    uint64_t log_at; /* the byte at which that engine was seen to differ; 0 where it is the same */
};

/* MSIM_ERR_FORMAT with the place, MSIM_ERR_INVALID, MSIM_ERR_LIMIT, MSIM_ERR_NOMEM. */
MSIM_API int msim_exchange_replay(const struct msim_exchange_replay_params *params,
                                  struct msim_exchange_replay_result *out,
                                  struct msim_detail *detail);

struct msim_exchange_stats {
    uint64_t clients;       /* WebSockets now */
    uint64_t clients_total; /* since the start */
    uint64_t accounts;
    uint64_t received; /* messages and HTTP requests */
    uint64_t sent;     /* messages and answers; a public one counts once */
    uint64_t errors;   /* of these, refusals */
    uint64_t commands; /* submitted */
};
MSIM_API void msim_exchange_server_stats(const struct msim_exchange_server *server,
                                         struct msim_exchange_stats *out);

#ifdef __cplusplus
}
#endif

#endif
