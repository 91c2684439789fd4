/*
 * The exchange server's own: one struct, and a file for each concern.
 *
 *     server.c      life, the turn, the clock
 *     wire.c        sockets: who comes, what is said, who goes; the failure layer between
 *     requests.c    a decoded message becomes a command or an answer
 *     outputs.c     what the venue tells becomes messages
 *     accounts.c    accounts, their connections, what they were told
 *     clock.c       how wrong the time is that they are told
 *     channels.c    public channels: subscriptions, sequences, what was missed
 *     market.c      tickers, books, candles on their beat
 *     tape.c        a file's trades as the market's prices
 *     rest*.c       the same over HTTP
 *     recording.c   a session as it comes, to a file; replaying.c: once more
 *     scenario.c    a scenario and its verdict
 *     admin*.c      what is done to it by hand
 */
#ifndef MSIM_SERVER_EXCHANGE_EXCHANGE_H
#define MSIM_SERVER_EXCHANGE_EXCHANGE_H

#include <marketsim/access.h>
#include <marketsim/codec.h>
#include <marketsim/http.h>
#include <marketsim/hub.h>
#include <marketsim/server.h>
#include <marketsim/venue.h>

#include "base/bytes.h"
#include "server/exchange/config.h"
#include "server/exchange/history.h"
#include "server/health.h"

#define MSIM_EXCHANGE_CLIENTS 1024                       /* default of max_clients */
#define MSIM_EXCHANGE_BACKLOG ((size_t)4 << 20)          /* of a client; then it is closed, 1013 */
#define MSIM_EXCHANGE_PENDING 65536                      /* requests that wait for their answers */
#define MSIM_EXCHANGE_TOPIC_HISTORY ((size_t)64 << 10)   /* bytes kept of a channel, for RESUME */
#define MSIM_EXCHANGE_ACCOUNT_HISTORY ((size_t)32 << 10) /* and of an account */
#define MSIM_EXCHANGE_BOOK_LEVELS MSIM_NATIVE_LIST_MAX   /* of a side, at most */
#define MSIM_EXCHANGE_DELTAS 256                         /* levels that wait for the turn's end */
#define MSIM_EXCHANGE_LIST MSIM_NATIVE_LIST_MAX          /* things in an answer, at most */

/* Public channels of an instrument; candles have one for each interval. */
enum msim_exchange_topic {
    TOPIC_TRADES,
    TOPIC_TICKER,
    TOPIC_ORDERBOOK,
    TOPIC_L2,
    TOPIC_L3,
    TOPIC_CANDLES,
    TOPIC_COUNT = TOPIC_CANDLES + MSIM_CANDLE_INTERVALS,
};

struct msim_exchange_server;
struct msim_exchange_client;
struct msim_exchange_call;
struct msim_exchange_path;

/* A channel of an instrument, from its first subscriber on. */
struct msim_exchange_feed {
    struct msim_topic *topic;
    uint64_t sequence; /* of its latest message */
    struct msim_exchange_history history;
    uint64_t seen;                    /* the changes that its latest message knew of */
    struct msim_native_candle candle; /* as told last */
};

struct msim_exchange_delta {
    msim_price price;
    msim_qty quantity;
    uint8_t side;
};

struct msim_exchange_market {
    uint32_t instrument;
    uint32_t base_asset;
    uint32_t quote_asset;
    msim_price reference;
    struct msim_exchange_feed *feeds[TOPIC_COUNT]; /* NULL until somebody asks */
    struct msim_exchange_delta *deltas;            /* of L2, not yet told */
    size_t delta_count;
    uint64_t book_changes;
};

/* Whom a session of the failure layer belongs to: its `user`. */
struct msim_exchange_party {
    struct msim_exchange_client *client; /* NULL: the account's HTTP requests */
    uint32_t account;
};

/* What an account is to the server; the venue's number is its place. */
struct msim_exchange_account {
    struct msim_exchange_client *clients; /* its connections, the latest first */
    struct msim_fault_session *rest;      /* of its HTTP requests */
    struct msim_exchange_party *party;    /* its user */
    struct msim_exchange_call *calls;     /* requests under way over HTTP */
    uint64_t rest_ordinal;
    uint64_t sequence;                     /* of its latest private message */
    struct msim_exchange_history *history; /* NULL until it was told something */
    uint32_t next_spare;                   /* 1 + its place; 0 for none */
    bool is_known;                         /* has its first balance */
    bool is_nameless; /* opened for one without a name, and named by nobody since */
    bool has_traded;  /* or has tried to */
    bool is_spare;    /* waits for the next one without a name */
};

/* What one was told, for a recording. */
struct msim_exchange_tally {
    uint64_t messages;
    uint64_t hash;
};

/* Where there are no sockets: who hears what would go to them. */
struct msim_exchange_stage {
    /* MSIM_OK, or MSIM_ERR_CLOSED where nobody hears it any more. */
    int (*told)(void *context, uint64_t visit, struct msim_exchange_tally *tally, const void *bytes,
                size_t length);
    void *context;
    struct msim_journal *journal; /* of the venue's commands; NULL */
    /* Everything is listed, and no command came yet but those that the house began with.  NULL. */
    int (*listed)(void *context, const struct msim_engine *engine);
};

/* What a message that the failure layer holds says of an order, for the ledger. */
struct msim_exchange_news {
    uint64_t ordinal;
    uint64_t exec;
    struct msim_event event;
};
#define MSIM_EXCHANGE_NEWS 1024 /* of a client; a message that is held longer is not booked */

/* One WebSocket. */
struct msim_exchange_client {
    struct msim_connection *connection; /* NULL: replayed */
    struct msim_exchange_client *next;  /* of its account */
    struct msim_exchange_client *previous;
    struct msim_exchange_party party;
    struct msim_fault_session *session;
    uint64_t number;                 /* dense from 1: the `owner` of its orders */
    uint64_t ordinal;                /* of its next message */
    struct msim_exchange_news *news; /* a ring, from its first held message on */
    uint64_t news_count;
    uint64_t visit; /* dense from 1, with calls over HTTP: of recordings */
    struct msim_exchange_tally tally;
    char *label; /* for the failure layer, where the request named one; owned until opened */
    msim_time clock_error; /* of its account's clock */
    size_t place;
    uint32_t account;
    uint32_t orders_instrument; /* what ORDERS was asked for; MSIM_ALL_INSTRUMENTS */
    bool wants_orders;          /* all but answers to its own requests */
    bool wants_money;           /* balances and positions too: it asked for ORDERS */
    bool is_apart;      /* the failure layer asks about what it is told: it shares no frames */
    bool is_cut;        /* takes no more: recorded */
    bool is_ended;      /* in the venue: whatever the socket still says */
    bool is_public;     /* for market data alone */
    bool may_not_trade; /* public, or with a viewer's key */
    uint16_t topics[];  /* of each market, a bit for each topic */
};

/* A request that has no answer yet: who is told when it comes. */
struct msim_exchange_pending {
    struct msim_exchange_client *client; /* NULL for HTTP, or where it has gone */
    struct msim_exchange_call *call;     /* of HTTP */
    uint32_t generation;
    uint32_t next_free;
    uint8_t type; /* enum msim_native_type */
    bool is_live;
    bool is_answered;
    uint8_t request_id_length;
    char request_id[MSIM_NATIVE_REQUEST_ID_MAX];
};

/* A path over HTTP, for its server. */
struct msim_exchange_mount {
    struct msim_exchange_server *server;
    const struct msim_exchange_path *path;
};

/* One that the server was started with. */
struct msim_exchange_scenario {
    bool is_there;
    bool is_over;
    bool ended_early; /* steps with a time were still to come */
    msim_time ends_at;
    msim_time steps_end_at;
    msim_time
        over_at; /* what is expected may come true until then; MSIM_TIME_NEVER before its end */
    msim_time within;
};

struct msim_exchange_server {
    struct msim_exchange_settings settings;
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_listener *listener;
    struct msim_access *access;     /* NULL: everybody */
    struct msim_access *own_access; /* made for the configuration's keys */
    struct msim_health health;
    struct msim_exchange_scenario scenario;
    struct msim_exchange_admin *admin; /* NULL without one */
    struct msim_bytes trace;           /* lines of the failure layer's, for it */
    uint64_t trace_lost;
    uint16_t port;
    size_t max_clients;

    struct msim_pacer pacer;
    msim_time now;           /* simulated; of this turn */
    struct msim_source tape; /* until the venue has it */
    struct msim_venue *venue;
    const struct msim_engine *engine;
    struct msim_faults *faults;
    unsigned listened; /* MSIM_EVENTS_*: those that the venue tells, since somebody listens */
    size_t apart_count;
    struct msim_native_codec *codec;

    struct msim_exchange_market *markets;
    size_t market_count;
    uint32_t asset_count;
    int64_t *initial_balances; /* by asset */
    struct msim_exchange_account *accounts;
    size_t account_capacity;
    struct msim_exchange_client **clients; /* those that are apart come first */
    size_t client_count;
    uint64_t client_total;
    uint64_t names;         /* accounts named by the server itself */
    uint32_t spare_account; /* of those, one that is as new: 1 + its place */

    struct msim_exchange_pending *pending;
    size_t pending_capacity;
    uint32_t free_pending; /* 1 + its place */

    msim_time next_tick;
    msim_time next_expiry; /* of calls that hang */
    struct msim_exchange_mount *mounts;
    struct msim_native_text refused_id; /* of the message that the wire tap is judging */
    char *held;                         /* what the wire tap let go, while it is worked on */
    size_t held_size;
    char *shifted; /* a message with another clock's moments */
    size_t shifted_size;
    struct msim_native_request request; /* the one under way */
    uint64_t tag;                       /* of its command; 0 for none */
    struct msim_native_refusal refusal;
    char message[MSIM_NATIVE_MESSAGE_MAX];
    char *list; /* for answers without a bound of their own; grows */
    size_t list_size;

    uint64_t visits;
    int (*record)(void *context, const void *bytes, size_t length); /* NULL: not recorded */
    void *record_context;
    struct msim_bytes frame;
    const struct msim_exchange_stage *stage; /* NULL: there are sockets */

    bool is_waiting; /* the clock stands until somebody comes */
    bool is_stopping;
    int failure;
    struct msim_detail detail;
    struct msim_exchange_stats stats;
};

/* ---- server.c ---- */

/* A failure that ends the dispatch; the first one counts. */
void msim_exchange_fail(struct msim_exchange_server *server, int failure, const char *words);

/* Room for lists: at least `size` bytes; NULL without memory. */
char *msim_exchange_list_room(struct msim_exchange_server *server, size_t size);

static inline struct msim_native_stamp msim_exchange_stamp(
    const struct msim_exchange_server *server)
{
    return (struct msim_native_stamp){.time = server->now};
}

/* A copy of bytes that are not ours for long; NULL without memory.  Valid until the next one. */
char *msim_exchange_hold(struct msim_exchange_server *server, const void *bytes, size_t length);

/* The server, listening, or (with a stage, borrowed) without any socket. */
int msim_exchange_server_make(struct msim_exchange_server **out,
                              const struct msim_exchange_server_params *params,
                              const struct msim_exchange_stage *stage, struct msim_detail *detail);

/* What is due by now happens; when to come back. */
msim_time msim_exchange_turn(struct msim_exchange_server *server);

/* Simulated time, once in each turn. */
void msim_exchange_clock(struct msim_exchange_server *server);
/* Somebody has come to trade: a clock that stood for want of him goes. */
void msim_exchange_attend(struct msim_exchange_server *server);

/* From now on the venue tells these events too: MSIM_EVENTS_*. */
void msim_exchange_listen(struct msim_exchange_server *server, unsigned events);

/* ---- accounts.c ---- */

/* Whom a request names: "" for nobody. */
struct msim_exchange_names {
    char session[MSIM_VENUE_ACCOUNT_MAX + 1];
    char label[MSIM_VENUE_ACCOUNT_MAX + 1];
};

#define MSIM_EXCHANGE_SESSION_WORDS \
    "X-Session-ID or ?session= has 1 to 63 bytes, without '/' and '|'"
/* From its query, or from its headers X-Session-ID and X-Msim-Client (NULL: none).  Failures come
 * with words. */
int msim_exchange_names(struct msim_exchange_names *out, const char *query, const char *session,
                        const char *label, struct msim_detail *detail);
/* The account of that name, opened with its first balance where it is new. */
int msim_exchange_account_named(struct msim_exchange_server *server, const char *name,
                                size_t length, uint32_t *account);
int msim_exchange_account_fresh(struct msim_exchange_server *server, uint32_t *account);
/* A connection of it has gone, or has not come after all. */
void msim_exchange_account_left(struct msim_exchange_server *server, uint32_t account);
struct msim_exchange_account *msim_exchange_account(struct msim_exchange_server *server,
                                                    uint32_t account);

/* ---- clock.c ---- */

/* What is added to every moment that the account is told now. */
msim_time msim_exchange_clock_error(struct msim_exchange_server *server, uint32_t account);

/* The message with all its moments moved by `error`; valid until the next call.  NULL without
 * memory. */
const char *msim_exchange_shifted(struct msim_exchange_server *server, msim_time error,
                                  const char *bytes, size_t length);

/* ---- wire.c ---- */

/* The WebSocket without an account; those with one are at / and /ws. */
#define MSIM_EXCHANGE_PUBLIC_PATH "/ws/public"

extern const struct msim_connection_handler msim_exchange_wire;

/* One message to one client, through the failure layer; what it says of an order is booked when
 * it is delivered. */
void msim_exchange_send(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const struct msim_fault_message *message);
void msim_exchange_send_news(struct msim_exchange_server *server,
                             struct msim_exchange_client *client,
                             const struct msim_fault_message *message,
                             const struct msim_event *event, uint64_t exec);

/* What the failure layer lets go now. */
int msim_exchange_wire_run(struct msim_exchange_server *server);

/* Who shares frames and who does not: strategies come and go. */
void msim_exchange_wire_refresh(struct msim_exchange_server *server);

/* What a message of a client is to selectors; `out` borrows from the bytes and from `request`. */
void msim_exchange_classify(const struct msim_exchange_server *server, int type, const char *bytes,
                            size_t length, struct msim_native_request *request,
                            struct msim_fault_message *out);

/* ---- requests.c ---- */

/* Answers one text message of a client. */
void msim_exchange_hear(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const char *bytes, size_t length);
void msim_exchange_reply(struct msim_exchange_server *server, struct msim_exchange_client *client,
                         int type, const char *bytes, size_t length);
/* `server->refusal` as an ERROR or an ORDER_REJECT. */
void msim_exchange_answer_refusal(struct msim_exchange_server *server,
                                  struct msim_exchange_client *client);

/* Whether `server->request` can be a command; `server->refusal` says why not. */
bool msim_exchange_prepare(struct msim_exchange_server *server, uint32_t account, const char *bytes,
                           size_t length);
/* Submits `server->request`'s command and tells what comes of it. */
int msim_exchange_submit(struct msim_exchange_server *server, uint32_t account,
                         struct msim_exchange_client *client, struct msim_exchange_call *call);
struct msim_exchange_pending *msim_exchange_pending_of(struct msim_exchange_server *server,
                                                       uint64_t tag);
void msim_exchange_pending_end(struct msim_exchange_server *server,
                               struct msim_exchange_pending *pending);

/* The order that `server->request` names; false with `server->refusal`. */
bool msim_exchange_find_order(struct msim_exchange_server *server, uint32_t account,
                              struct msim_venue_order_view *view);
bool msim_exchange_find_live(struct msim_exchange_server *server, uint32_t account,
                             struct msim_venue_order_view *view);
void msim_exchange_order_of(const struct msim_exchange_server *server,
                            const struct msim_venue_order_view *view,
                            struct msim_native_order *out);

/* Answers to questions, about `server->request`; 0 without memory. */
size_t msim_exchange_encode_own_orders(struct msim_exchange_server *server, uint32_t account,
                                       const struct msim_native_stamp *stamp, int style,
                                       const char **bytes);
size_t msim_exchange_encode_trades(struct msim_exchange_server *server,
                                   const struct msim_native_stamp *stamp, int style,
                                   const char **bytes);
size_t msim_exchange_encode_balances(struct msim_exchange_server *server, uint32_t account,
                                     const struct msim_native_stamp *stamp, int style,
                                     const char **bytes);
/* Into `server->message`. */
size_t msim_exchange_encode_position(struct msim_exchange_server *server, uint32_t account,
                                     const struct msim_native_stamp *stamp, int style);

/* ---- outputs.c ---- */

/* Tells all that the venue has to tell by now. */
int msim_exchange_outputs(struct msim_exchange_server *server, msim_time until);
/* The same before a question is answered: what is said to be of now is of now. */
void msim_exchange_catch_up(struct msim_exchange_server *server);

/* ---- channels.c ---- */

/* What `server->request` asks for. */
void msim_exchange_subscribe(struct msim_exchange_server *server,
                             struct msim_exchange_client *client);
void msim_exchange_unsubscribe(struct msim_exchange_server *server,
                               struct msim_exchange_client *client);
void msim_exchange_resume(struct msim_exchange_server *server, struct msim_exchange_client *client);

/* One public message to all who asked for it.  NULL feeds are asked for by nobody. */
void msim_exchange_publish(struct msim_exchange_server *server, struct msim_exchange_market *market,
                           int topic, int type, const char *bytes, size_t length);
/* On the shared path, or off it. */
void msim_exchange_share(struct msim_exchange_server *server, struct msim_exchange_client *client,
                         bool shares);

/* ---- market.c ---- */

void msim_exchange_market_event(struct msim_exchange_server *server,
                                const struct msim_venue_output *output);
/* Deltas that wait. */
void msim_exchange_market_flush(struct msim_exchange_server *server,
                                struct msim_exchange_market *market);
/* Tickers, books and candles whose beat has come. */
void msim_exchange_market_tick(struct msim_exchange_server *server);

/* The state of a topic as one message of its latest sequence; 0 where there is none. */
size_t msim_exchange_market_snapshot(struct msim_exchange_server *server,
                                     struct msim_exchange_market *market, int topic,
                                     struct msim_native_text request_id, const char **bytes);
size_t msim_exchange_encode_book(struct msim_exchange_server *server,
                                 const struct msim_native_stamp *stamp, int style,
                                 const char **bytes);
void msim_exchange_ticker(const struct msim_exchange_server *server,
                          const struct msim_exchange_market *market,
                          struct msim_native_ticker *out);

#endif
