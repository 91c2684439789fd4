/*
 * Texts of client order ids: the engine sees a number.
 *
 * A number is a place, and above it how often places had been freed when it was given.  Numbers
 * rise, so that the engine takes a new one for new without a look.  Texts whose order the engine
 * has forgotten leave when there is no free place: all of them at once, and the table doubles
 * where that frees less than half of it.  So a text costs a constant, and what is kept is a
 * function of the commands.
 *
 * They are found in an open index, whose entries bear 32 bits of the hash: a search for a text
 * that is new reads one line of it and no text.
 */
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "venue/inside.h"

#define FIRST_CAPACITY 256
#define PLACES_PER_TEXT 2
/*
 * Texts that differ in their last character alone, as those of a robot that counts, are
 * neighbours: they share cache lines, and the lines are anywhere.
 */
static uint32_t hash_of(const struct msim_venue *venue, uint32_t account, const char *text,
                        size_t length)
{
    uint64_t hash = venue->params.seed ^ (uint64_t)account << 32 ^ length;
    const uint32_t last = length > 0 ? (unsigned char)text[length - 1] : 0;
    uint64_t word = 0;

    for (; length > sizeof word; text += sizeof word, length -= sizeof word) {
        memcpy(&word, text, sizeof word);
        hash = msim_mix64(hash ^ word);
    }
    word = 0;
    for (size_t i = 0; i + 1 < length; i++)
        word = word << 8 | (unsigned char)text[i];
    hash = msim_mix64(hash ^ word);
    return (uint32_t)(hash << 4) ^ (last & 15);
}

static size_t home_of(const struct clients *clients, uint32_t hash)
{
    return hash & (clients->index_size - 1);
}

/*
 * From a place to the next: neighbours go on as neighbours, and whom they meet goes another way;
 * odd, so that all are come to.
 */
static size_t step_of(uint32_t hash)
{
    return (size_t)(hash >> 20) << 4 | 1;
}

static uint64_t number_of(const struct clients *clients, uint32_t place)
{
    return (uint64_t)clients->entries[place].generation << 32 | place;
}

/* The place of a text; 0 for none. */
static uint32_t find(const struct clients *clients, uint32_t hash, uint32_t account,
                     const char *text, size_t length)
{
    if (clients->index_size == 0)
        return 0;
    const size_t step = step_of(hash);
    for (size_t at = home_of(clients, hash); clients->index[at];
         at = (at + step) & (clients->index_size - 1)) {
        if (clients->index[at] >> 32 != hash)
            continue;
        const uint32_t place = (uint32_t)clients->index[at];
        const struct client *client = &clients->entries[place];
        if (client->account == account && client->length == length &&
            memcmp(client->text, text, length) == 0)
            return place;
    }
    return 0;
}

uint64_t msim_clients_find(const struct msim_venue *venue, uint32_t account, const char *text,
                           size_t length)
{
    const struct clients *clients = &venue->clients;
    const uint32_t place =
        find(clients, hash_of(venue, account, text, length), account, text, length);

    return place ? number_of(clients, place) : 0;
}

static void index_put(struct clients *clients, uint32_t place)
{
    const uint32_t hash = clients->entries[place].hash;
    const size_t step = step_of(hash);
    size_t at = home_of(clients, hash);

    while (clients->index[at])
        at = (at + step) & (clients->index_size - 1);
    clients->index[at] = (uint64_t)hash << 32 | place;
}

static void index_all(struct clients *clients)
{
    memset(clients->index, 0, clients->index_size * sizeof *clients->index);
    for (uint32_t i = 1; i < clients->used; i++)
        if (clients->entries[i].length > 0)
            index_put(clients, i);
}

/* Marks the texts whose orders the engine still knows. */
static void mark_known(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;
    struct msim_client_id_view ids[256];
    uint64_t from = 0;
    size_t count;

    for (uint32_t i = 1; i < clients->used; i++)
        clients->entries[i].is_known = false;
    while ((count = msim_engine_client_ids(venue->engine, &from, ids, 256)) > 0)
        for (size_t i = 0; i < count; i++) {
            const uint32_t place = (uint32_t)ids[i].client_id;
            if (place < clients->used && number_of(clients, place) == ids[i].client_id)
                clients->entries[place].is_known = true;
        }
}

/* Frees the texts of orders that the engine has forgotten; the lowest place comes first then. */
static void sweep(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;

    mark_known(venue);
    for (uint32_t i = clients->used - 1; i > 0; i--) {
        struct client *client = &clients->entries[i];
        if (client->is_known)
            continue;
        client->length = 0;
        client->generation = clients->generation + 1;
        client->next = clients->free;
        clients->free = i;
        clients->count--;
    }
    if (clients->free)
        clients->generation++;
    index_all(clients);
}

static int grow(struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;
    const size_t wanted = clients->capacity ? clients->capacity * 2 : FIRST_CAPACITY;

    if (clients->capacity > clients->limit)
        return MSIM_ERR_LIMIT;
    uint64_t *index =
        msim_mem_take_array(&venue->allocator, wanted * PLACES_PER_TEXT, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;
    struct client *entries =
        msim_mem_resize(&venue->allocator, clients->entries, clients->capacity * sizeof *entries,
                        wanted * sizeof *entries);
    if (!entries) {
        msim_mem_free(&venue->allocator, index, wanted * PLACES_PER_TEXT * sizeof *index);
        return MSIM_ERR_NOMEM;
    }
    msim_mem_free(&venue->allocator, clients->index, clients->index_size * sizeof *index);
    clients->index = index;
    clients->index_size = wanted * PLACES_PER_TEXT;
    clients->entries = entries;
    clients->capacity = wanted;
    if (clients->used == 0)
        clients->used = 1;
    index_all(clients);
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
    const uint32_t hash = hash_of(venue, account, text, length);
    uint32_t place = find(clients, hash, account, text, length);

    if (place) {
        *number = number_of(clients, place);
        return MSIM_OK;
    }
    int r = reserve(venue);
    if (r < 0)
        return r;
    place = clients->free;
    if (place)
        clients->free = clients->entries[place].next;
    else
        clients->entries[place = clients->used++].generation = clients->generation;
    struct client *client = &clients->entries[place];
    memset(client->text, 0, sizeof client->text);
    memcpy(client->text, text, length);
    client->length = (uint8_t)length;
    client->account = account;
    client->hash = hash;
    index_put(clients, place);
    clients->count++;
    /* The next place. */
    __builtin_prefetch(&clients->entries[clients->free ? clients->free : clients->used], 1);
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

int msim_venue_client_order(struct msim_venue *venue, uint32_t account, const char *text,
                            size_t length, struct msim_order_view *view)
{
    uint64_t client_id;
    int r = msim_venue_client_id_find(venue, account, text, length, &client_id);

    return r < 0 ? r : msim_engine_client_order(venue->engine, account, client_id, view);
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
    for (uint32_t i = 1; i < used; i++) {
        struct client *client = &clients->entries[i];
        if (client->generation > clients->generation)
            clients->generation = client->generation;
        if (client->length == 0) {
            empty++;
            continue;
        }
        clients->count++;
        client->hash = hash_of(venue, client->account, client->text, client->length);
    }
    for (uint32_t i = clients->free; i; i = clients->entries[i].next)
        if (clients->entries[i].length > 0 || ++listed > empty)
            return false;
    index_all(clients);
    return listed == empty;
}
