#define _GNU_SOURCE /* sockets */
#include "net/impair.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/frame.h"
#include "net/link.h"

/* ---- what it lacks ---- */

void msim_connection_impair(struct msim_connection *connection, unsigned impairments)
{
    if (!connection || connection->state == MSIM_ENDED)
        return;
    if (impairments & MSIM_IMPAIR_WRITE)
        msim_connection_flush(connection);
    if (connection->state == MSIM_ENDED)
        return;
    connection->impairments = (uint8_t)impairments;
    if (connection->state < MSIM_OPEN)
        return;
    /* Silence that we made ourselves is nobody's fault. */
    connection->heard = msim_net_now(connection->net);
    connection->is_pinged = false;
    msim_connection_look(connection);
    msim_connection_touch(connection);
}

void msim_connection_hang_up(struct msim_connection *connection, enum msim_leaving leaving)
{
    if (!connection || connection->state == MSIM_ENDED || connection->state == MSIM_LINGERING)
        return;
    if (connection->state < MSIM_OPEN) {
        msim_connection_abort(connection);
        return;
    }
    connection->impairments = 0;
    if (leaving == MSIM_LEAVE_DROPPED) {
        msim_cuts_free(connection);
        msim_hub_leave(connection);
        msim_bytes_take(&connection->out, msim_bytes_length(&connection->out));
    } else if (connection->state == MSIM_OPEN) {
        int r = msim_hub_settle(connection, 0);
        if (r == MSIM_ERR_NOMEM)
            msim_connection_end(connection);
        if (connection->state != MSIM_OPEN)
            return;
        msim_hub_leave(connection);
    }
    connection->code = MSIM_CLOSE_ABNORMAL;
    msim_connection_linger(connection);
    msim_connection_look(connection);
}

/* ---- cuts ---- */

static struct msim_cuts *cuts_of(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;

    if (connection->cuts)
        return connection->cuts;
    struct msim_cuts *cuts = msim_mem_zero(&net->allocator, sizeof *cuts);
    if (!cuts)
        return NULL;
    cuts->connection = connection;
    cuts->next = net->cuts;
    cuts->link = &net->cuts;
    if (cuts->next)
        cuts->next->link = &cuts->next;
    net->cuts = cuts;
    connection->cuts = cuts;
    return cuts;
}

void msim_cuts_free(struct msim_connection *connection)
{
    const struct msim_allocator *allocator = &connection->net->allocator;
    struct msim_cuts *cuts = connection->cuts;

    if (!cuts)
        return;
    connection->cuts = NULL;
    *cuts->link = cuts->next;
    if (cuts->next)
        cuts->next->link = cuts->link;
    msim_mem_free(allocator, cuts->items, cuts->capacity * sizeof *cuts->items);
    msim_mem_free(allocator, cuts, sizeof *cuts);
}

static int add_cut(struct msim_connection *connection, uint64_t at, msim_time pause)
{
    const struct msim_allocator *allocator = &connection->net->allocator;
    struct msim_cuts *cuts = cuts_of(connection);

    if (!cuts)
        return MSIM_ERR_NOMEM;
    if (cuts->first > 0 && cuts->first >= cuts->count) {
        memmove(cuts->items, cuts->items + cuts->first, cuts->count * sizeof *cuts->items);
        cuts->first = 0;
    }
    if (cuts->count == MSIM_CUTS_MAX)
        return MSIM_ERR_LIMIT;
    void *items = cuts->items;
    int r = msim_mem_grow(allocator, &items, &cuts->capacity, sizeof *cuts->items,
                          cuts->first + cuts->count + 1, 2 * MSIM_CUTS_MAX);
    if (r < 0)
        return r;
    cuts->items = items;
    cuts->items[cuts->first + cuts->count++] = (struct msim_cut){at, pause};
    return MSIM_OK;
}

/* Those beyond `count` are taken back. */
static void keep_cuts(struct msim_connection *connection, size_t count)
{
    if (connection->cuts)
        connection->cuts->count = count;
}

/* The front of `out` has come to the next cut: true where there is a pause at it. */
static bool pause_here(struct msim_connection *connection)
{
    struct msim_cuts *cuts = connection->cuts;
    msim_time pause = cuts->items[cuts->first].pause;

    cuts->first++;
    cuts->count--;
    if (pause > 0)
        cuts->until = msim_time_after(msim_net_now(connection->net), pause);
    return pause > 0;
}

enum msim_written msim_cuts_write(struct msim_connection *connection, size_t *sent)
{
    struct msim_cuts *cuts = connection->cuts;
    struct msim_bytes *out = &connection->out;

    while (cuts->count > 0) {
        /* The answer to the handshake may be there yet, which was not counted: this wraps then. */
        uint64_t front = connection->queued - msim_bytes_length(out);
        size_t ahead = (size_t)(cuts->items[cuts->first].at - front);
        assert(ahead <= msim_bytes_length(out));
        if (ahead == 0 && pause_here(connection))
            return MSIM_WRITTEN_HELD;
        if (ahead == 0)
            continue;
        struct iovec part = {(void *)(uintptr_t)msim_bytes_front(out), ahead};
        ssize_t taken = msim_link_write(connection, &part, 1);
        if (taken < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? MSIM_WRITTEN_PART
                                                                         : MSIM_WRITTEN_BROKEN;
        msim_bytes_take(out, (size_t)taken);
        *sent += (size_t)taken;
        if ((size_t)taken < ahead)
            return MSIM_WRITTEN_PART;
    }
    msim_cuts_free(connection);
    return MSIM_WRITTEN_ALL;
}

void msim_cuts_release(struct msim_net *net)
{
    for (struct msim_cuts *cuts = net->cuts; cuts; cuts = cuts->next) {
        if (cuts->until == 0 || cuts->until > net->now)
            continue;
        cuts->until = 0;
        msim_connection_touch(cuts->connection);
    }
}

msim_time msim_cuts_next(const struct msim_net *net)
{
    msim_time next = MSIM_TIME_NEVER;

    for (const struct msim_cuts *cuts = net->cuts; cuts; cuts = cuts->next)
        if (cuts->until > 0 && cuts->until < next)
            next = cuts->until;
    return next;
}

/* ---- messages in pieces ---- */

/* One frame, cut wherever a piece of the bytes ends. */
static int append_cut(struct msim_connection *connection, enum msim_message_kind kind,
                      const void *bytes, size_t length, const struct msim_slicing *slicing)
{
    unsigned char head[MSIM_FRAME_HEAD_SIZE];
    size_t head_size = msim_frame_head(head, kind, length);
    size_t left = head_size + length;
    unsigned char *room;

    int r = msim_bytes_reserve(&connection->out, left, &room);
    for (uint32_t i = 0; r == MSIM_OK && left > 0; i++) {
        size_t piece = slicing->piece(slicing->context, i);
        left -= piece > 0 && piece < left ? piece : left;
        if (left > 0)
            r = add_cut(connection, connection->queued + (head_size + length - left),
                        slicing->pause);
    }
    if (r < 0 && r != MSIM_ERR_LIMIT)
        return r;
    memcpy(room, head, head_size);
    if (length > 0)
        memcpy(room + head_size, bytes, length);
    msim_bytes_commit(&connection->out, head_size + length);
    connection->queued += head_size + length;
    return MSIM_OK;
}

/* The size of a message in fragments. */
static size_t fragments_size(size_t length, const struct msim_slicing *slicing)
{
    size_t size = MSIM_FRAME_HEAD_SIZE;
    size_t left = length;

    for (uint32_t i = 0; left > 0 && i <= MSIM_CUTS_MAX; i++) {
        size_t piece = slicing->piece(slicing->context, i);
        left -= piece > 0 && piece < left ? piece : left;
        size += MSIM_FRAME_HEAD_SIZE;
    }
    return size + length;
}

/* A frame for each piece of the payload. */
static int append_fragments(struct msim_connection *connection, enum msim_message_kind kind,
                            const unsigned char *bytes, size_t length,
                            const struct msim_slicing *slicing)
{
    size_t at = 0;
    uint32_t i = 0;

    do {
        unsigned char head[MSIM_FRAME_HEAD_SIZE];
        size_t piece = slicing->piece(slicing->context, i);
        bool is_full = connection->cuts && connection->cuts->count == MSIM_CUTS_MAX;
        if (piece == 0 || piece > length - at || is_full)
            piece = length - at;
        size_t head_size = msim_frame_head(head, kind, piece);
        if (i > 0)
            head[0] &= 0xF0;
        if (at + piece < length)
            head[0] &= 0x7F;
        int r = i > 0 ? add_cut(connection, connection->queued, slicing->pause) : MSIM_OK;
        if (r == MSIM_OK)
            r = msim_bytes_append(&connection->out, head, head_size);
        if (r == MSIM_OK && piece > 0)
            r = msim_bytes_append(&connection->out, bytes + at, piece);
        if (r < 0)
            return r;
        connection->queued += head_size + piece;
        at += piece;
        i++;
    } while (at < length);
    return MSIM_OK;
}

static int append_pieces(struct msim_connection *connection, enum msim_message_kind kind,
                         const void *bytes, size_t length, const struct msim_slicing *slicing)
{
    size_t waiting = msim_bytes_length(&connection->out);
    size_t cuts = connection->cuts ? connection->cuts->count : 0;
    uint64_t queued = connection->queued;

    int r = slicing->fragments ? append_fragments(connection, kind, bytes, length, slicing)
                               : append_cut(connection, kind, bytes, length, slicing);
    if (r < 0) {
        msim_bytes_drop(&connection->out, msim_bytes_length(&connection->out) - waiting);
        keep_cuts(connection, cuts);
        connection->queued = queued;
    }
    return r;
}

int msim_connection_send_sliced(struct msim_connection *connection, enum msim_message_kind kind,
                                const void *bytes, size_t length,
                                const struct msim_slicing *slicing)
{
    if (!connection || (!bytes && length > 0) || length > SIZE_MAX / 4 || !slicing ||
        !slicing->piece || slicing->pause < 0 || connection->ws.role != MSIM_WS_SERVER ||
        (kind != MSIM_MESSAGE_TEXT && kind != MSIM_MESSAGE_BINARY))
        return MSIM_ERR_INVALID;
    size_t size =
        slicing->fragments ? fragments_size(length, slicing) : length + MSIM_FRAME_HEAD_SIZE;
    int r = msim_channel_make_room(connection, size);
    if (r == MSIM_OK)
        r = append_pieces(connection, kind, bytes, length, slicing);
    if (r == MSIM_OK)
        msim_connection_touch(connection);
    return r;
}
