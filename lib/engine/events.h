/*
 * What the engine tells: room for it, and the events that are told most often, in line.
 */
#ifndef MSIM_ENGINE_EVENTS_H
#define MSIM_ENGINE_EVENTS_H

#include <stddef.h>

#include "engine/state.h"

/* What the public and the account are told beside the order's own event. */
#define EVENTS_ASIDE (MSIM_EVENTS_BOOK_ORDER | MSIM_EVENTS_LEVEL | MSIM_EVENTS_BALANCE)

int msim_events_grow(struct msim_engine *engine, size_t more);

static inline int events_reserve(struct msim_engine *engine, size_t more)
{
    if (engine->event_capacity - engine->event_count >= more)
        return MSIM_OK;
    return msim_events_grow(engine, more);
}

/* The array is empty again. */
static inline void events_begin(struct msim_engine *engine)
{
    engine->event_sequence += engine->event_count;
    engine->event_count = 0;
}

void msim_event_order(struct msim_engine *engine, uint8_t kind, uint32_t slot, uint8_t code,
                      uint8_t status);
void msim_event_reject(struct msim_engine *engine, const struct msim_command *command,
                       uint8_t code);
void msim_event_balance(struct msim_engine *engine, uint32_t account, uint32_t asset);
void msim_event_position(struct msim_engine *engine, uint32_t account, uint32_t instrument);
void msim_position_show(const struct msim_engine *engine, uint32_t instrument,
                        const struct holding *holding, struct msim_position_view *view);
void msim_event_instrument(struct msim_engine *engine, uint32_t instrument);
void msim_event_mass(struct msim_engine *engine, const struct msim_command *command,
                     uint64_t count);
void msim_event_book_order_slow(struct msim_engine *engine, uint32_t slot, uint8_t action,
                                msim_qty shown);

/*
 * An event that is zero but for its header.  Eight stores of two words: what the
 * compiler makes of a memset of this size takes longer than the rest of the event.
 */
typedef uint64_t event_pair __attribute__((vector_size(16), aligned(8), may_alias));

static inline struct msim_event *event_make(struct msim_engine *engine, uint8_t kind)
{
    assert(engine->event_count < engine->event_capacity);
    const size_t place = engine->event_count++;
    struct msim_event *event = &engine->events[place];
    event_pair *pairs = (event_pair *)event;
    const event_pair zero = {0, 0};

    pairs[2] = zero;
    pairs[3] = zero;
    pairs[4] = zero;
    pairs[5] = zero;
    pairs[6] = zero;
    pairs[7] = zero;
    event->sequence = engine->event_sequence + place + 1;
    event->command = engine->sequence;
    event->time = engine->time;
    event->order = 0;
    event->kind = kind;
    return event;
}

/*
 * The same for what is told most often: the caller writes all that follows the header, a word at
 * a time.
 */
typedef uint64_t event_word __attribute__((may_alias));

#define EVENT_WORDS (sizeof(struct msim_event) / sizeof(event_word))
static_assert(offsetof(struct msim_event, client_id) == 4 * sizeof(event_word) &&
                  offsetof(struct msim_event, account) == 5 * sizeof(event_word) + 4 &&
                  offsetof(struct msim_event, owner) == 6 * sizeof(event_word) + 4 &&
                  offsetof(struct msim_event, kind) == 7 * sizeof(event_word) &&
                  offsetof(struct msim_event, command_kind) == 7 * sizeof(event_word) + 7 &&
                  offsetof(struct msim_event, as) == 8 * sizeof(event_word),
              "words of an event");

/* Two halves, the first one first in memory. */
static inline uint64_t word_of(uint32_t first, uint32_t second)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (uint64_t)first << 32 | second;
#else
    return (uint64_t)second << 32 | first;
#endif
}

/* Four bytes, in their order in memory. */
static inline uint32_t half_of(unsigned a, unsigned b, unsigned c, unsigned d)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return a << 24 | b << 16 | c << 8 | d;
#else
    return d << 24 | c << 16 | b << 8 | a;
#endif
}

static inline event_word *event_words(struct msim_engine *engine, uint64_t order)
{
    const size_t place = engine->event_count++;
    event_word *words = (event_word *)&engine->events[place];

    words[0] = engine->event_sequence + place + 1;
    words[1] = engine->sequence;
    words[2] = (uint64_t)engine->time;
    words[3] = order;
    return words;
}

static inline void event_level(struct msim_engine *engine, uint32_t instrument, unsigned side,
                               msim_price price, msim_qty shown, uint64_t count)
{
    if (!(engine->events_wanted & MSIM_EVENTS_LEVEL))
        return;
    struct msim_event *event = event_make(engine, MSIM_EVENT_LEVEL);
    event->instrument = instrument;
    event->side = side_told(side);
    event->as.level.price = price;
    event->as.level.quantity = shown;
    event->as.level.order_count = count;
}

static inline void event_book_order(struct msim_engine *engine, uint32_t slot, uint8_t action,
                                    msim_qty shown)
{
    if (engine->events_wanted & MSIM_EVENTS_BOOK_ORDER)
        msim_event_book_order_slow(engine, slot, action, shown);
}

static inline void event_balance(struct msim_engine *engine, uint32_t account, uint32_t asset)
{
    if (engine->events_wanted & MSIM_EVENTS_BALANCE)
        msim_event_balance(engine, account, asset);
}

#endif
