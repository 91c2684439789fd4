/*
 * A quote and a trade around a price: spread, sizes, side.
 */
#ifndef MSIM_MOCK_QUOTE_H
#define MSIM_MOCK_QUOTE_H

#include <marketsim/mock.h>

#define MSIM_MOCK_SIZE_BINS 1024

/*
 * The sizes of one of MSIM_MOCK_SIZE_BINS equal parts of probability: `lots` up to `edge`, one
 * more behind it.  No lots: the part has more than two sizes.
 */
struct msim_mock_size_bin {
    uint32_t lots;
    uint32_t edge; /* of all 32 bits */
};

/* What all symbols share. */
struct msim_mock_quoting {
    double spread;   /* mean, in parts of the price */
    uint32_t turn;   /* the side changes below this of 2^32 */
    uint32_t trade;  /* a trade takes place below this of 2^24 */
    double size_log; /* logarithm of the median size in lots */
    double size_sigma;
    struct msim_mock_size_bin bins[MSIM_MOCK_SIZE_BINS];
};

/* What a symbol remembers from event to event. */
struct msim_mock_book {
    int64_t spread; /* in ticks, 0 before the first event */
    uint64_t id;    /* of the last quote */
    bool selling;   /* side of the last trade */
};

struct msim_mock_tell {
    int64_t bid; /* in ticks */
    int64_t ask;
    int64_t bid_lots;
    int64_t ask_lots;
    int64_t trade_lots; /* 0: no trade */
    uint64_t id;
    bool selling; /* the taker sold, at the bid */
};

int msim_mock_quoting_init(struct msim_mock_quoting *quoting, const struct msim_mock_params *params,
                           struct msim_detail *detail);

/*
 * The event with random bits `bits` around `price` ticks, at most `most`; the spread is
 * `widened` times its usual.
 */
void msim_mock_quote(const struct msim_mock_quoting *quoting, struct msim_mock_book *book,
                     double price, double most, int64_t widened, uint64_t bits,
                     struct msim_mock_tell *tell);

#endif
