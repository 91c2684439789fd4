/*
 * What a fill leaves behind, whichever way it came about: the trade that can still
 * be corrected, and the events that tell of it.
 */
#ifndef MSIM_ENGINE_FILL_H
#define MSIM_ENGINE_FILL_H

#include "engine/book.h"

/* A fill, for both who are told of it. */
struct fill {
    uint64_t trade;
    msim_price price;
    msim_qty quantity;
    int64_t notional;
    uint64_t maker_order;
    uint64_t taker_order;
    int64_t maker_fee;
    int64_t taker_fee;
    uint32_t maker_account;
    uint32_t taker_account;
    uint32_t instrument;
    unsigned side; /* the taker's */
};

/* One of the two, for its own event. */
struct party {
    uint64_t client_id;
    uint32_t slot;
    uint32_t owner;
    unsigned bits;
    uint8_t flags;
};

static inline struct party party_of(const struct msim_engine *engine, const struct order *order,
                                    uint32_t slot, uint8_t flags)
{
    const unsigned bits = order->bits;
    struct party party = {
        .slot = slot,
        .bits = bits,
        .flags = flags,
    };

    if (bits & (BITS_CLIENT | BITS_OWNED)) {
        party.client_id = order_client_id(order);
        party.owner = order_owner(engine, order);
    }
    return party;
}

/* The last two words are written as such: bytes one by one would be as many stores. */
static_assert(offsetof(struct trade, maker_account) == 48 &&
                  offsetof(struct trade, taker_account) == 52 &&
                  offsetof(struct trade, instrument) == 56 &&
                  offsetof(struct trade, taker_side) == 60 && sizeof(struct trade) == 64,
              "words of a trade");

static inline void fill_keep(struct trade *trade, const struct fill *fill)
{
    event_word *words = (event_word *)trade;

    trade->price = fill->price;
    trade->quantity = fill->quantity;
    trade->maker_order = fill->maker_order;
    trade->taker_order = fill->taker_order;
    trade->maker_fee = fill->maker_fee;
    trade->taker_fee = fill->taker_fee;
    words[6] = word_of(fill->maker_account, fill->taker_account);
    words[7] = word_of(fill->instrument, half_of(fill->side, 0, 0, 0));
}

/* Seventh word of a trade's event. */
static inline uint64_t trade_kind(unsigned side)
{
    return word_of(half_of(MSIM_EVENT_TRADE, side_told(side), 0, 0), 0);
}

/* What a trade's event tells behind its names and kind: see event_words. */
static inline void trade_numbers(event_word *words, const struct fill *fill)
{
    words[8] = fill->trade;
    words[9] = (uint64_t)fill->price;
    words[10] = (uint64_t)fill->quantity;
    words[11] = (uint64_t)fill->notional;
    words[12] = fill->maker_order;
    words[13] = fill->taker_order;
    words[14] = word_of(fill->maker_account, fill->taker_account);
    words[15] = 0;
}

/* Seventh word of a party's event, where something of its order is still open. */
static inline uint64_t party_kind(const struct party *party)
{
    const unsigned bits = party->bits;

    return word_of(half_of(MSIM_EVENT_FILL, (bits & BITS_SIDE) + MSIM_SIDE_BUY,
                           bits >> BITS_TYPE_AT & 7, bits >> BITS_TIF_AT & 7),
                   half_of(0, party->flags, MSIM_STATUS_PARTIALLY_FILLED, 0));
}

/* What it adds where nothing is. */
#define PARTY_FILLED word_of(0, half_of(0, 0, 1, 0))
static_assert(MSIM_STATUS_FILLED == MSIM_STATUS_PARTIALLY_FILLED + 1, "the status of a fill");

static inline void fill_numbers(event_word *words, const struct fill *fill, uint64_t kind,
                                msim_qty open, msim_qty filled, int64_t fee, uint32_t fee_asset)
{
    words[7] = kind + (uint64_t)(open == 0) * PARTY_FILLED;
    words[8] = fill->trade;
    words[9] = (uint64_t)fill->price;
    words[10] = (uint64_t)fill->quantity;
    words[11] = (uint64_t)open;
    words[12] = (uint64_t)filled;
    words[13] = (uint64_t)fill->notional;
    words[14] = (uint64_t)fee;
    words[15] = word_of(fee_asset, 0);
}

/* Queues what the taker's trades have triggered. */
static inline void taker_fire(struct msim_engine *engine, const struct taker *taker)
{
    struct instrument *it = taker->instrument;
    const bool up = taker->first_price < taker->last_price;

    if (taker->first_price && it->waiting_count > 0)
        msim_trigger_fire(engine, it, up ? taker->first_price : taker->last_price,
                          up ? taker->last_price : taker->first_price);
}

/* Matches the taker with what stands at a level, whatever comes between them; returns whether it
 * goes on to the next. */
bool msim_match_level(struct msim_engine *engine, struct taker *taker, struct side *side,
                      struct level *level, msim_price price, bool checked);

/*
 * The same as msim_execute for one that trades at once and that nothing can come between: a limit
 * order or a covered market order with neither an amount nor anything else that is asked for, in a
 * plain instrument.
 */
void msim_take(struct msim_engine *engine, struct taker *taker);
/* What becomes of a taker after it matched. */
void msim_taker_finish(struct msim_engine *engine, struct taker *taker);

#endif
