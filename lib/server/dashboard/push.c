#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/log.h"
#include "server/dashboard/inside.h"

/* Buffers up to this are kept between pushes. */
#define KEPT_BYTES ((size_t)1 << 20)

int msim_push_init(struct msim_push *push, const struct msim_allocator *allocator)
{
    memset(push, 0, sizeof *push);
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++) {
        push->tables[kind] = msim_table_create((enum msim_table_kind)kind, allocator);
        if (!push->tables[kind]) {
            msim_push_finish(push);
            return MSIM_ERR_NOMEM;
        }
    }
    return MSIM_OK;
}

void msim_push_finish(struct msim_push *push)
{
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        msim_table_destroy(&push->tables[kind]);
}

void msim_push_reset(struct msim_push *push)
{
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        msim_table_reset(push->tables[kind]);
    push->stamp[0] = '\0';
}

size_t msim_push_receipt(const struct msim_push *push, char out[MSIM_RECEIPT_SIZE])
{
    return (size_t)snprintf(out, MSIM_RECEIPT_SIZE,
                            "{\"status\":\"success\",\"trades_processed\":%zu,"
                            "\"market_data_processed\":%zu}",
                            push->tables[MSIM_TABLE_TRADES]->row_count,
                            push->tables[MSIM_TABLE_MARKET]->row_count);
}

size_t msim_dashboard_stamp(char out[MSIM_STAMP_SIZE])
{
    struct timespec now;
    char text[MSIM_CALENDAR_SIZE];

    clock_gettime(CLOCK_REALTIME, &now);
    /* To the microsecond, as Python's isoformat. */
    msim_time moment =
        (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec / MSIM_NS_PER_US * MSIM_NS_PER_US;
    msim_calendar_print(moment, MSIM_CALENDAR_ISO, text);
    return (size_t)snprintf(out, MSIM_STAMP_SIZE, "\"%s\"", text);
}

/* ---- telling ---- */

static int put_text(struct msim_bytes *out, const char *text)
{
    return msim_bytes_append(out, text, strlen(text));
}

static int put_rows(struct msim_bytes *out, const struct msim_table *table)
{
    return msim_bytes_append(out, msim_bytes_front(&table->json), msim_bytes_length(&table->json));
}

static int write_update(struct msim_bytes *out, const struct msim_push *push)
{
    const struct msim_table *trades = push->tables[MSIM_TABLE_TRADES];
    const struct msim_table *market = push->tables[MSIM_TABLE_MARKET];
    char counts[96];

    snprintf(counts, sizeof counts, ",\"trades_count\":%zu,\"market_data_count\":%zu}",
             trades->row_count, market->row_count);
    int r = put_text(out, "{\"trades\":[");
    if (r >= 0)
        r = put_rows(out, trades);
    if (r >= 0)
        r = put_text(out, "],\"market_data\":[");
    if (r >= 0)
        r = put_rows(out, market);
    if (r >= 0)
        r = put_text(out, "],\"timestamp\":");
    if (r >= 0)
        r = put_text(out, push->stamp);
    if (r >= 0)
        r = put_text(out, counts);
    return r;
}

static int tell(struct msim_dashboard_server *server, const struct msim_push *push)
{
    struct msim_bytes *out = &server->out;

    if (msim_socketio_room_size(server->frontend) == 0)
        return MSIM_OK;
    msim_bytes_take(out, msim_bytes_length(out));
    int r = write_update(out, push);
    if (r >= 0)
        r = msim_socketio_room_emit(server->frontend, "trading_update",
                                    (const char *)msim_bytes_front(out), msim_bytes_length(out));
    msim_bytes_take(out, msim_bytes_length(out));
    msim_bytes_shrink(out, KEPT_BYTES);
    if (r < 0)
        return r;
    server->stats.updates += (uint64_t)r;
    return MSIM_OK;
}

int msim_push_keep(struct msim_dashboard_server *server, struct msim_push *push,
                   struct msim_detail *detail)
{
    if (push->stamp[0] == '\0')
        msim_dashboard_stamp(push->stamp);
    int r = server->archive ? msim_archive_add(server->archive, push->tables, push->stamp, detail)
                            : msim_store_add(&server->store, push->tables, push->stamp, NULL, NULL);
    if (r < 0 && detail->text[0] == '\0')
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (r < 0)
        return r;
    r = tell(server, push);
    /* It is kept: who was not told now is told with the next snapshot. */
    if (r < 0)
        msim_log(&server->logger, MSIM_LOG_WARNING, "dashboard", "an update was not sent: %s",
                 msim_result_text(r));
    server->stats.trades += push->tables[MSIM_TABLE_TRADES]->row_count;
    server->stats.market_data += push->tables[MSIM_TABLE_MARKET]->row_count;
    return MSIM_OK;
}

int msim_push_take(struct msim_dashboard_server *server, struct msim_push *push,
                   struct msim_detail *detail)
{
    int r = msim_push_keep(server, push, detail);

    if (r >= 0)
        server->stats.pushes++;
    return r;
}

/* ---- those who come late ---- */

static int put_last_rows(struct msim_bytes *out, const struct msim_ring *ring, size_t most)
{
    size_t first = ring->count > most ? ring->count - most : 0;
    int r = MSIM_OK;

    for (size_t i = first; r >= 0 && i < ring->count; i++) {
        const struct msim_row *row = msim_ring_row(ring, i);
        if (i > first)
            r = msim_bytes_append(out, ",", 1);
        if (r >= 0)
            r = msim_bytes_append(out, row->block->json + row->json, row->json_length);
    }
    return r;
}

static int write_snapshot(struct msim_bytes *out, const struct msim_store *store, size_t most)
{
    char counts[128];

    snprintf(counts, sizeof counts,
             ",\"trades_count\":%" PRIu64 ",\"market_data_count\":%" PRIu64 "}",
             store->rings[MSIM_TABLE_TRADES].total, store->rings[MSIM_TABLE_MARKET].total);
    int r = put_text(out, "{\"trades\":[");
    if (r >= 0)
        r = put_last_rows(out, &store->rings[MSIM_TABLE_TRADES], most);
    if (r >= 0)
        r = put_text(out, "],\"market_data\":[");
    if (r >= 0)
        r = put_last_rows(out, &store->rings[MSIM_TABLE_MARKET], most);
    if (r >= 0)
        r = put_text(out, "],\"timestamp\":");
    if (r >= 0)
        r = put_text(out, store->stamp);
    if (r >= 0)
        r = put_text(out, counts);
    return r;
}

int msim_push_snapshot(struct msim_dashboard_server *server, struct msim_socketio_client *client)
{
    struct msim_bytes *out = &server->out;

    msim_bytes_take(out, msim_bytes_length(out));
    int r = write_snapshot(out, &server->store, server->params.snapshot_rows);
    if (r >= 0)
        r = msim_socketio_emit(client, "snapshot", (const char *)msim_bytes_front(out),
                               msim_bytes_length(out), NULL, 0);
    msim_bytes_take(out, msim_bytes_length(out));
    msim_bytes_shrink(out, KEPT_BYTES);
    return r;
}
