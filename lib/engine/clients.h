/*
 * Client ids of live orders: what nearly every order does with one.
 *
 * They stand in the orders, in chains that start at a table of heads.  A new id is a
 * chain's first and looks at nothing else, a search reads a head and as a rule one
 * order.  The heads in use are a few for each live id, however large the pool, so that
 * those of a small book lie in the nearest cache.
 */
#ifndef MSIM_ENGINE_CLIENTS_H
#define MSIM_ENGINE_CLIENTS_H

#include "engine/events.h"

/*
 * What asks for memory in advance is always inline: gcc takes a function that does nothing else for
 * one without effects, and drops its calls.
 */

/* Records that are written next, asked for in advance: each is new memory. */
#define FINISHED_AHEAD 16

static inline uint32_t client_hash(const struct msim_engine *engine, uint32_t account,
                                   uint64_t client_id)
{
    return keyed_hash(engine, client_id, account);
}

HOT uint32_t *client_head(const struct msim_engine *engine, uint32_t hash)
{
    return &engine->client_heads[hash & engine->client_mask];
}

/* The link of its chain that leads to the live order that has the id; to 0 where none has. */
HOT uint32_t *client_link(const struct msim_engine *engine, uint32_t account, uint64_t client_id,
                          uint32_t hash)
{
    uint32_t *link = client_head(engine, hash);
    uint32_t slot;

    while ((slot = *link) != 0 &&
           (engine->orders[slot].client_id != client_id || engine->orders[slot].account != account))
        link = &engine->orders[slot].client_next;
    return link;
}

/* The slot of the live order that has the id; 0 for none. */
HOT uint32_t client_slot(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    return *client_link(engine, account, client_id, client_hash(engine, account, client_id));
}

/* Ahead of client_slot: the head first, then what it leads to. */
HOT void client_prefetch(const struct msim_engine *engine, uint32_t hash)
{
    __builtin_prefetch(client_head(engine, hash), 1);
}

/* The slot that an id of that hash has in two cases of three: the first of its chain; 0 for
 * none. */
HOT uint32_t client_likely_slot(const struct msim_engine *engine, uint32_t hash)
{
    return *client_head(engine, hash);
}

/* The order has the id, which is new and was made room for; nobody finds it by that yet. */
HOT void client_note(struct msim_engine *engine, uint64_t client_id, uint64_t content,
                     uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    struct account *account = &engine->accounts[order->account];

    order->client_id = client_id;
    order->bits |= BITS_CLIENT;
    engine->clients[slot].content = content;
    if (client_id > account->highest_id)
        account->highest_id = client_id;
}

/* Among the live ones. */
HOT void client_join(struct msim_engine *engine, uint32_t slot, uint32_t hash)
{
    uint32_t *head = client_head(engine, hash);

    engine->orders[slot].client_next = *head;
    *head = slot;
    engine->client_live++;
}

/* As msim_finished_append: usually the account has room for more, and nobody asked for its first
 * one. */
HOT uint32_t finished_append(struct msim_engine *engine, uint32_t number, uint32_t *next)
{
    struct account *account = &engine->accounts[number];

    if (account->usual_room <= 0)
        return msim_finished_append(engine, account, next);
    account->usual_room--;
    const uint32_t place = (uint32_t)engine->finished_used++;
    __builtin_prefetch(&engine->finished[place + FINISHED_AHEAD], 1);
    *next = account->finished_last;
    account->finished_last = place;
    account->finished_count++;
    return place;
}

static_assert(offsetof(struct finished, client_id) == 0 &&
                  offsetof(struct finished, content) == sizeof(event_word) &&
                  offsetof(struct finished, order) == 2 * sizeof(event_word) &&
                  offsetof(struct finished, filled) == 3 * sizeof(event_word) &&
                  offsetof(struct finished, account) == 4 * sizeof(event_word) &&
                  offsetof(struct finished, next) == 4 * sizeof(event_word) + 4 &&
                  offsetof(struct finished, instrument) == 5 * sizeof(event_word) &&
                  offsetof(struct finished, end) == 5 * sizeof(event_word) + 4 &&
                  sizeof(struct finished) == 6 * sizeof(event_word),
              "words of a finished one");

/* The order ends, and its id is remembered; in whole words, as an event is told. */
HOT void client_remember(struct msim_engine *engine, uint32_t slot, msim_qty filled, uint8_t status)
{
    const struct order *order = &engine->orders[slot];
    uint32_t next;
    const uint32_t place = finished_append(engine, order->account, &next);
    event_word *words = (event_word *)&engine->finished[place];

    words[0] = order->client_id;
    words[1] = engine->clients[slot].content;
    words[2] = order->id;
    words[3] = (uint64_t)filled;
    words[4] = word_of(order->account, next);
    words[5] = word_of(order->instrument,
                       (order->bits & BITS_ASKED) | (uint32_t)status << FINISHED_STATUS_AT);
}

/* The same of one among the live ones, which the link leads to. */
HOT void client_end(struct msim_engine *engine, uint32_t slot, uint32_t *link, msim_qty filled,
                    uint8_t status)
{
    *link = engine->orders[slot].client_next;
    engine->client_live--;
    client_remember(engine, slot, filled, status);
}

/* The same for whoever has not looked for it. */
HOT void client_finish(struct msim_engine *engine, uint32_t slot, msim_qty filled, uint8_t status)
{
    const struct order *order = &engine->orders[slot];
    const uint32_t hash = client_hash(engine, order->account, order->client_id);
    uint32_t *link = client_link(engine, order->account, order->client_id, hash);

    client_end(engine, slot, link, filled, status);
}

#endif
