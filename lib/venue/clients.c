/*
 * Texts of client order ids: the engine sees a number.
 *
 * A number is a place and how often the place was given before.  Texts whose order the engine
 * has forgotten leave when there is no free place: all of them at once, and the table doubles
 * where that frees less than half of it.  So a text costs a constant, and what is kept is a
 * function of the commands.
 */
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "venue/inside.h"

#define FIRST_CAPACITY 256

static uint64_t hash_of(uint32_t account, const char *text, size_t length)
{
    return msim_mix64(msim_fnv(text, length) + account);
}

static uint32_t *chain_of(const struct clients *clients, uint64_t hash)
{
    return &clients->index[hash & (clients->index_size - 1)];
}

static uint64_t number_of(const struct clients *clients, uint32_t place)
{
    return (uint64_t)clients->entries[place].generation << 32 | place;
}

uint64_t msim_clients_find(const struct msim_venue *venue, uint32_t account, const char *text,
                           size_t length)
{
    const struct clients *clients = &venue->clients;

    if (clients->index_size == 0)
        return 0;
    for (uint32_t i = *chain_of(clients, hash_of(account, text, length)); i;
         i = clients->entries[i].next) {
        const struct client *client = &clients->entries[i];
        if (client->account == account && client->length == length &&
            memcmp(client->text, text, length) == 0)
            return number_of(clients, i);
    }
    return 0;
}

static void chain_all(struct clients *clients)
{
    memset(clients->index, 0, clients->index_size * sizeof *clients->index);
    for (uint32_t i = 1; i < clients->used; i++) {
        struct client *client = &clients->entries[i];
        if (client->length == 0)
            continue;
        uint32_t *chain = chain_of(clients, hash_of(client->account, client->text, client->length));
        client->next = *chain;
        *chain = i;
    }
}

/* Frees the texts of orders that the engine has forgotten; the lowest place comes first then. */
static void sweep(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;
    struct msim_order_view view;

    clients->free = 0;
    for (uint32_t i = clients->used - 1; i > 0; i--) {
        struct client *client = &clients->entries[i];
        if (client->length > 0 &&
            msim_engine_client_order(venue->engine, client->account, number_of(clients, i),
                                     &view) == MSIM_ERR_NOT_FOUND) {
            client->length = 0;
            client->generation++;
            clients->count--;
        }
        if (client->length == 0) {
            client->next = clients->free;
            clients->free = i;
        }
    }
    chain_all(clients);
}

static int grow(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;
    const size_t wanted = clients->capacity ? clients->capacity * 2 : FIRST_CAPACITY;

    if (clients->capacity > clients->limit)
        return MSIM_ERR_LIMIT;
    uint32_t *index = msim_mem_take_array(&venue->allocator, wanted, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;
    struct client *entries =
        msim_mem_resize(&venue->allocator, clients->entries, clients->capacity * sizeof *entries,
                        wanted * sizeof *entries);
    if (!entries) {
        msim_mem_free(&venue->allocator, index, wanted * sizeof *index);
        return MSIM_ERR_NOMEM;
    }
    msim_mem_free(&venue->allocator, clients->index, clients->index_size * sizeof *index);
    clients->index = index;
    clients->index_size = wanted;
    clients->entries = entries;
    clients->capacity = wanted;
    if (clients->used == 0)
        clients->used = 1;
    chain_all(clients);
    return MSIM_OK;
}

/* A place that nobody has. */
static int reserve(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;

    if (clients->free || clients->used < clients->capacity)
        return MSIM_OK;
    if (clients->capacity > 0)
        sweep(venue);
    if (clients->free && clients->count < clients->capacity / 2)
        return MSIM_OK;
    int r = grow(venue);
    return r < 0 && clients->free ? MSIM_OK : r;
}

int msim_clients_get(struct msim_venue *venue, uint32_t account, const char *text, size_t length,
                     uint64_t *number)
{
    struct clients *clients = &venue->clients;
    const uint64_t hash = hash_of(account, text, length);
    const uint64_t known = msim_clients_find(venue, account, text, length);

    if (known) {
        *number = known;
        return MSIM_OK;
    }
    int r = reserve(venue);
    if (r < 0)
        return r;
    uint32_t place = clients->free;
    if (place) {
        clients->free = clients->entries[place].next;
    } else {
        place = clients->used++;
        clients->entries[place].generation = 0;
    }
    struct client *client = &clients->entries[place];
    uint32_t *chain = chain_of(clients, hash);
    memset(client->text, 0, sizeof client->text);
    memcpy(client->text, text, length);
    client->length = (uint8_t)length;
    client->account = account;
    memset(client->reserved, 0, sizeof client->reserved);
    client->next = *chain;
    *chain = place;
    clients->count++;
    *number = number_of(clients, place);
    return MSIM_OK;
}

void msim_clients_finish(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;

    msim_mem_free(&venue->allocator, clients->entries,
                  clients->capacity * sizeof *clients->entries);
    msim_mem_free(&venue->allocator, clients->index, clients->index_size * sizeof *clients->index);
}

const char *msim_venue_client_id(const struct msim_venue *venue, uint64_t client_id, size_t *length)
{
    const uint32_t place = (uint32_t)client_id;

    if (!venue || !length || place == 0 || place >= venue->clients.used)
        return NULL;
    const struct client *client = &venue->clients.entries[place];
    if (client->length == 0 || client->generation != client_id >> 32)
        return NULL;
    *length = client->length;
    return client->text;
}

int msim_venue_client_id_find(const struct msim_venue *venue, uint32_t account, const char *text,
                              size_t length, uint64_t *client_id)
{
    if (!venue || !text || !client_id)
        return MSIM_ERR_INVALID;
    const uint64_t found = msim_clients_find(venue, account, text, length);
    if (!found)
        return MSIM_ERR_NOT_FOUND;
    *client_id = found;
    return MSIM_OK;
}

/* ---- snapshots ---- */

int msim_clients_room(struct msim_venue *venue, size_t capacity)
{
    while (venue->clients.capacity < capacity) {
        int r = grow(venue);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

bool msim_clients_index(struct msim_venue *venue, uint32_t used)
{
    struct clients *clients = &venue->clients;
    uint32_t empty = 0;
    uint32_t listed = 0;

    clients->used = used;
    clients->count = 0;
    if (used == 0)
        return true;
    for (uint32_t i = 1; i < used; i++)
        if (clients->entries[i].length > 0)
            clients->count++;
        else
            empty++;
    for (uint32_t i = clients->free; i; i = clients->entries[i].next)
        if (clients->entries[i].length > 0 || ++listed > empty)
            return false;
    chain_all(clients);
    return listed == empty;
}
