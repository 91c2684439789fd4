/*
 * Rooms: who gets what is said to many.
 */
#include <string.h>

#include "base/mem.h"
#include "server/socketio/inside.h"

#define MOST_MEMBERS ((size_t)1 << 24)

int msim_socketio_room_create(struct msim_socketio *socketio, struct msim_socketio_room **out,
                              const char *name_space)
{
    if (!socketio || !out || !name_space)
        return MSIM_ERR_INVALID;
    for (size_t i = 0; i < socketio->namespace_count; i++) {
        if (strcmp(socketio->namespaces[i].name, name_space) != 0)
            continue;
        struct msim_socketio_room *room = msim_mem_zero(&socketio->allocator, sizeof *room);
        if (!room)
            return MSIM_ERR_NOMEM;
        room->socketio = socketio;
        room->name_space = &socketio->namespaces[i];
        room->next = socketio->rooms;
        room->link = &socketio->rooms;
        if (room->next)
            room->next->link = &room->next;
        socketio->rooms = room;
        *out = room;
        return MSIM_OK;
    }
    return MSIM_ERR_NOT_FOUND;
}

void msim_socketio_room_destroy(struct msim_socketio_room **handle)
{
    struct msim_socketio_room *room = handle ? *handle : NULL;
    if (!room)
        return;

    while (room->member_count > 0)
        msim_socketio_leave(room->members[room->member_count - 1], room);
    *room->link = room->next;
    if (room->next)
        room->next->link = room->link;
    const struct msim_allocator *allocator = &room->socketio->allocator;
    msim_mem_free(allocator, room->members, room->member_capacity * sizeof(void *));
    msim_mem_free(allocator, room, sizeof *room);
    *handle = NULL;
}

static struct msim_socketio_membership *membership(struct msim_socketio_client *client,
                                                   const struct msim_socketio_room *room)
{
    for (size_t i = 0; i < client->room_count; i++)
        if (client->rooms[i].room == room)
            return &client->rooms[i];
    return NULL;
}

int msim_socketio_join(struct msim_socketio_client *client, struct msim_socketio_room *room)
{
    if (!client || !room || client->name_space != room->name_space)
        return MSIM_ERR_INVALID;
    if (!client->seat)
        return MSIM_ERR_CLOSED;
    if (membership(client, room))
        return MSIM_ERR_EXISTS;
    if (client->room_count == MSIM_SOCKETIO_ROOMS_MAX)
        return MSIM_ERR_LIMIT;
    void *members = room->members;
    int r = msim_mem_grow(&room->socketio->allocator, &members, &room->member_capacity,
                          sizeof(void *), room->member_count + 1, MOST_MEMBERS);
    if (r < 0)
        return r;
    room->members = members;
    client->rooms[client->room_count++] =
        (struct msim_socketio_membership){room, room->member_count};
    room->members[room->member_count++] = client;
    return MSIM_OK;
}

int msim_socketio_leave(struct msim_socketio_client *client, struct msim_socketio_room *room)
{
    if (!client || !room)
        return MSIM_ERR_INVALID;
    struct msim_socketio_membership *own = membership(client, room);
    if (!own)
        return MSIM_ERR_NOT_FOUND;

    struct msim_socketio_client *last = room->members[--room->member_count];
    room->members[own->place] = last;
    membership(last, room)->place = own->place;
    *own = client->rooms[--client->room_count];
    return MSIM_OK;
}

void msim_socketio_leave_all(struct msim_socketio_client *client)
{
    while (client->room_count > 0)
        msim_socketio_leave(client, client->rooms[0].room);
}

bool msim_socketio_is_in(const struct msim_socketio_client *client,
                         const struct msim_socketio_room *room)
{
    for (size_t i = 0; client && i < client->room_count; i++)
        if (client->rooms[i].room == room)
            return true;
    return false;
}

size_t msim_socketio_room_size(const struct msim_socketio_room *room)
{
    return room ? room->member_count : 0;
}

static void miss(struct msim_socketio_client *client)
{
    const struct msim_socketio_namespace *given = &client->name_space->given;

    client->socketio->stats.missed++;
    if (given->handler.missed)
        given->handler.missed(given->context, client);
}

int msim_socketio_room_emit(struct msim_socketio_room *room, const char *name,
                            const char *arguments, size_t length)
{
    struct msim_engineio_packet *packet = NULL;
    int count = 0;

    if (!room || !name || (!arguments && length > 0))
        return MSIM_ERR_INVALID;
    if (room->member_count == 0)
        return 0;
    struct msim_socketio *socketio = room->socketio;
    int r = msim_socketio_write_event(socketio, room->name_space->name, name, arguments, length, 0);
    if (r >= 0)
        r = msim_engineio_packet_create(socketio->engine, &packet, MSIM_MESSAGE_TEXT,
                                        msim_bytes_front(&socketio->out),
                                        msim_bytes_length(&socketio->out));
    if (r < 0)
        return r;
    /* From the end: whoever leaves meanwhile makes way for one who has it already. */
    for (size_t i = room->member_count; i-- > 0;) {
        if (i >= room->member_count)
            continue;
        struct msim_socketio_client *client = room->members[i];
        r = msim_engineio_send_packet(client->seat->session, packet);
        if (r == MSIM_OK)
            count++;
        else if (r != MSIM_ERR_CLOSED)
            miss(client);
    }
    socketio->stats.events_out += (uint64_t)count;
    msim_engineio_packet_release(&packet);
    return count;
}
