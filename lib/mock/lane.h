/*
 * One symbol's market: its next event and the records that it is told in.
 *
 * A lane is always one event ahead: `due` is the time of its next record.
 */
#ifndef MSIM_MOCK_LANE_H
#define MSIM_MOCK_LANE_H

#include <marketsim/mock.h>

#include "mock/arrivals.h"
#include "mock/bars.h"
#include "mock/clock.h"
#include "mock/path.h"
#include "mock/quote.h"
#include "mock/script.h"

/* What all lanes read. */
struct msim_mock_market {
    struct msim_mock_params params;
    struct msim_mock_clock clock;
    struct msim_mock_quoting quoting;
    const uint64_t *keys; /* one for each symbol */
    /* MSIM_MOCK_ONE: whose turn it is at which tick. */
    uint64_t drawn_number;
    uint32_t drawn_symbol;
};

enum msim_mock_phase {
    MSIM_MOCK_PHASE_QUOTE,
    MSIM_MOCK_PHASE_TRADE,
    MSIM_MOCK_PHASE_FAILED, /* a user's model gave no price: nothing more comes */
};

/*
 * So many events are made together where nothing from outside can come between: one event's
 * numbers hardly wait for another's, and a processor works on several at a time.
 */
#define MSIM_MOCK_AHEAD 8

struct msim_mock_lane {
    msim_time due;
    uint8_t phase; /* enum msim_mock_phase */
    uint8_t bars;  /* bits of the bars that are due at `due`, before the event */
    bool silent;   /* the event is not told */
    bool steady;   /* no script, no calendar, no user's model: all is known ahead */
    uint32_t symbol;
    uint64_t number; /* of the event: its tick on the grid */
    msim_time quote_time;
    msim_time event_time;

    /* What has been made of the events number / MSIM_MOCK_AHEAD * MSIM_MOCK_AHEAD and behind. */
    uint64_t ahead; /* number / MSIM_MOCK_AHEAD */
    double normal[MSIM_MOCK_AHEAD];
    uint64_t bits[MSIM_MOCK_AHEAD];
    int64_t since[MSIM_MOCK_AHEAD]; /* steady: times since the start; INT64_MAX: never */
    struct msim_mock_tell tell[MSIM_MOCK_AHEAD];

    uint64_t key;
    msim_price tick;
    msim_qty lot;
    int8_t price_exponent;
    int8_t quantity_exponent;
    double most; /* the highest price in ticks */
    struct msim_mock_book book;
    struct msim_mock_path path;
    struct msim_mock_arrival arrival;
    struct msim_mock_script script;
    int64_t business;   /* of the event, halts not counted */
    int64_t halted;     /* business time that passed in halts */
    msim_time halt_end; /* of the last halt */
    int64_t first_session;
    int64_t session;             /* of the event */
    struct msim_mock_bar bar[2]; /* second, minute */
};

/* Makes the first event.  The path, the script and the symbol's own fields are set. */
void msim_mock_lane_start(struct msim_mock_market *market, struct msim_mock_lane *lane);

/*
 * Does what is due at `due` and goes on to the next; true where `*record` was written, which
 * may be NULL where msim_mock_lane_tells is false.  Not for a lane that failed.
 */
bool msim_mock_lane_step(struct msim_mock_market *market, struct msim_mock_lane *lane,
                         struct msim_record *record);

/* Whether the next step writes a record. */
bool msim_mock_lane_tells(const struct msim_mock_market *market, const struct msim_mock_lane *lane);

#endif
