/*
 * The inside of the dashboard's server, for its own files.
 *
 *     server.c   life, the listener and its routes
 *     push.c     a pushed pair of tables: kept, and told to everybody who looks
 *     events.c   Socket.IO's events
 *     upload.c   POST /api/trading-data
 *     rest.c     GET /api/trades, /api/market-data, /api/summary
 *     export.c   rows as CSV
 *     relay.c    running servers that are shown: what comes of them goes to the page
 *     upstream.c one of these servers: its link, what it is asked
 *     feed.c     what such servers say, in their dialects
 *     live.c     what is known of their markets
 *     switches.c an exchange's failure layer, by its admin API
 */
#ifndef MSIM_SERVER_DASHBOARD_INSIDE_H
#define MSIM_SERVER_DASHBOARD_INSIDE_H

#include <marketsim/assets.h>
#include <marketsim/http.h>
#include <marketsim/server.h>
#include <marketsim/socketio.h>

#include "server/dashboard/archive.h"
#include "server/dashboard/relay.h"
#include "server/dashboard/store.h"
#include "server/dashboard/table.h"
#include "server/health.h"

/* A push's time stamp as JSON. */
#define MSIM_STAMP_SIZE 256

/* Uploads at the same time; more are refused with 503. */
#define MSIM_UPLOADS_MAX 32

/* One push on its way in. */
struct msim_push {
    struct msim_table *tables[MSIM_TABLE_KINDS];
    char stamp[MSIM_STAMP_SIZE]; /* JSON; "": the server's time */
};

struct msim_dashboard_server {
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_dashboard_server_params params;
    struct msim_net *net;
    struct msim_listener *listener;
    struct msim_socketio *socketio;
    struct msim_socketio_room *frontend;
    struct msim_assets *assets;
    struct msim_dashboard_stats stats;
    struct msim_health health;
    uint16_t port;
    bool is_stopping;
    struct msim_store store;
    struct msim_archive *archive; /* NULL: in memory alone */
    struct msim_push push;        /* of a Socket.IO event */
    struct msim_bytes scratch;    /* an event's text, unescaped */
    struct msim_bytes out;        /* an event's arguments */
    size_t uploads;
    struct msim_relay *relay; /* NULL: no server is shown */
};

/* ---- push.c ---- */

int msim_push_init(struct msim_push *push, const struct msim_allocator *allocator);
void msim_push_finish(struct msim_push *push);
void msim_push_reset(struct msim_push *push);

/* Both tables are whole: keeps them and tells everybody who looks.  Words for a failure. */
int msim_push_take(struct msim_dashboard_server *server, struct msim_push *push,
                   struct msim_detail *detail);

/* The same for rows that the server found itself: no push of a script's. */
int msim_push_keep(struct msim_dashboard_server *server, struct msim_push *push,
                   struct msim_detail *detail);

/* {"status":"success","trades_processed":N,"market_data_processed":M} */
#define MSIM_RECEIPT_SIZE 128
size_t msim_push_receipt(const struct msim_push *push, char out[MSIM_RECEIPT_SIZE]);

/* The last rows of each table, for one that comes late. */
int msim_push_snapshot(struct msim_dashboard_server *server, struct msim_socketio_client *client);

/* The wall clock as a JSON text. */
size_t msim_dashboard_stamp(char out[MSIM_STAMP_SIZE]);

/* ---- events.c ---- */

extern const struct msim_socketio_handler msim_dashboard_events;

/* ---- upload.c ---- */

extern const struct msim_http_handler msim_upload_handler;

/* ---- rest.c ---- */

/* No answer is longer; a page of rows ends before it. */
#define MSIM_REST_MAX_BYTES ((size_t)32 << 20)

extern const struct msim_http_handler msim_trades_handler;
extern const struct msim_http_handler msim_market_handler;
extern const struct msim_http_handler msim_summary_handler;
extern const struct msim_http_handler msim_openapi_handler;

/* ---- export.c ---- */

/*
 * Rows as CSV with a header: the schema's columns, then further ones as they come.  A text that a
 * spreadsheet would take for a formula gets an apostrophe before it.
 */
int msim_export_rows(struct msim_bytes *out, enum msim_table_kind kind,
                     const struct msim_row *const *rows, size_t count);

/* ---- openapi.c ---- */

/* One behind the other; NULL at the end. */
extern const char *const msim_openapi_pieces[];

#endif
