/*
 * Any bytes as what a client posts to the dashboard, through Engine.IO, Socket.IO, JSON and CSV
 * to the store: packets that it is sent must be read as it would read them, and what was counted
 * is what is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/dashboard/inside.h"
#include "server/engineio/inside.h"
#include "server/socketio/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static struct msim_engineio_session *join(struct msim_dashboard_server *server)
{
    static const unsigned char hello[] = "40\x1e"
                                         "42[\"join_frontend\"]";
    struct msim_engineio_session *session = NULL;

    must(msim_eio_create(msim_socketio_engine(server->socketio), &session, "127.0.0.1:1", NULL) ==
         MSIM_OK);
    msim_eio_begin(session);
    must(msim_eio_polling_payload(session, hello, sizeof hello - 1));
    return session;
}

/* What waits is good for a client of Socket.IO; returns how many receipts there are. */
static size_t read_queue(struct msim_engineio_session *session)
{
    static const struct msim_socketio_limits limits = {10, 32};
    static const char receipt[] = "\"data_received\"";
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_engineio_packet *waiting;
    struct msim_bytes text;
    size_t receipts = 0;

    msim_bytes_init(&text, SIZE_MAX / 4, &allocator);
    while ((waiting = msim_eio_first(session))) {
        struct msim_socketio_packet packet;
        must(msim_eio_packet_poll(waiting, &text) == MSIM_OK);
        const char *at = (const char *)msim_bytes_front(&text);
        size_t length = msim_bytes_length(&text);
        must(at[0] == '4');
        /* A refusal to join is the server's alone to send. */
        if (at[1] != '4') {
            must(msim_socketio_packet_read(&packet, at + 1, length - 1, &limits));
            receipts += packet.type == MSIM_SIO_EVENT &&
                        packet.name_end - packet.name_start == sizeof receipt - 1 &&
                        memcmp(packet.json + packet.name_start, receipt, sizeof receipt - 1) == 0;
        }
        msim_bytes_take(&text, length);
        msim_eio_drop_first(session);
    }
    msim_bytes_finish(&text);
    return receipts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_dashboard_server_params params = MSIM_DASHBOARD_SERVER_PARAMS_INIT;
    struct msim_dashboard_server *server = NULL;
    struct msim_dashboard_stats stats;

    params.host = "127.0.0.1";
    params.max_clients = 4;
    params.max_rows = 8;
    must(msim_dashboard_server_create(&server, &params, NULL) == MSIM_OK);
    struct msim_engineio_session *session = join(server);
    must(read_queue(session) == 0);
    msim_eio_polling_payload(session, data, size);
    size_t receipts = read_queue(session);
    msim_dashboard_server_stats(server, &stats);
    must(stats.pushes + stats.refused == receipts);
    must(server->store.rings[MSIM_TABLE_TRADES].total == stats.trades);
    must(server->store.rings[MSIM_TABLE_MARKET].total == stats.market_data);
    msim_dashboard_server_destroy(&server);
    return 0;
}
