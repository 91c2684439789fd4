/*
 * A file's trades as the market's prices.
 *
 * The data set's own source gives them; here its tickers become the exchange's symbols, whole
 * numbers become prices with decimals, and the first trade is looked at before the market opens:
 * its moment is the market's first, and a grid that it does not fit is refused at once.
 */
#include "server/exchange/tape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <marketsim/parquet.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"

#define KEY "exchange.history.file"
#define ASSET_EXPONENT (-8)
#define LOOKED_AT \
    1000000 /* trades among which the tickers are looked for, before the market opens */
#define MOST_MONEY (INT64_C(1) << 56) /* of one trade; the house has sixteen times as much */

struct tape {
    struct msim_allocator allocator;
    const struct msim_exchange_settings *settings;
    const struct msim_logger *logger;
    struct msim_parquet *file;
    struct msim_source trades;
    struct msim_record first; /* looked at, and not given yet */
    bool has_first;
    bool has_begun; /* it was looked at */
    bool is_unsure; /* some ticker was not there as far as was looked */
};

/* ---- names ---- */

/* Whether a trade of that ticker has come. */
static bool has_come(struct msim_source *trades, const char *ticker)
{
    const char *name;
    size_t length;

    for (uint32_t id = 0; (name = msim_source_symbol(trades, id, &length)); id++)
        if (strlen(ticker) == length && memcmp(ticker, name, length) == 0)
            return true;
    return false;
}

/* ---- as a source ---- */

static void shift(int8_t *exponent, int decimals, uint8_t *flags, uint8_t missing)
{
    int shifted = *exponent - decimals;

    /* More decimals than any number here has: the venue passes it over, and counts it. */
    if (shifted < MSIM_EXPONENT_MIN)
        *flags |= missing;
    else
        *exponent = (int8_t)shifted;
}

/* The whole file is read: who was still looked for is not there. */
static void tell_absent(struct tape *tape)
{
    const struct msim_exchange_settings *settings = tape->settings;

    for (size_t i = 0; i < settings->listing_count; i++) {
        const struct msim_exchange_listing *listing = &settings->listings[i];
        if (listing->ticker[0] != '\0' && !has_come(&tape->trades, listing->ticker))
            msim_log(tape->logger, MSIM_LOG_WARNING, "exchange",
                     KEY ": %s had no trade: none is of %s", listing->symbol, listing->ticker);
    }
}

static void tell_end(struct tape *tape)
{
    const uint64_t bad_rows = msim_parquet_bad_rows(&tape->trades);

    msim_log(tape->logger, MSIM_LOG_INFO, "exchange",
             KEY ": its last trade is past: the market that it drives stands still");
    if (bad_rows > 0)
        msim_log(tape->logger, MSIM_LOG_WARNING, "exchange",
                 KEY ": rows that are no trades and were passed over: %" PRIu64
                     "; replay-server --check names them",
                 bad_rows);
    if (tape->is_unsure)
        tell_absent(tape);
}

static int pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                struct msim_detail *detail)
{
    struct tape *tape = self;

    if (tape->has_first) {
        tape->has_first = false;
        records[0] = tape->first;
        *count = 1;
        return MSIM_PULL_RECORD;
    }
    int r = msim_source_pull(&tape->trades, records, capacity, count, detail);
    for (size_t i = 0; r == MSIM_PULL_RECORD && i < *count; i++) {
        struct msim_record *record = &records[i];
        shift(&record->price_exponent, tape->settings->tape.price_decimals, &record->flags,
              MSIM_RECORD_NO_PRICE);
        shift(&record->quantity_exponent, tape->settings->tape.volume_decimals, &record->flags,
              MSIM_RECORD_NO_QUANTITY);
    }
    /* The venue asks again only when it has come to the last trade. */
    if (r == MSIM_PULL_END && tape->has_begun)
        tell_end(tape);
    return r;
}

static msim_time next_due(void *self)
{
    struct tape *tape = self;

    return tape->has_first ? tape->first.time : msim_source_next_due(&tape->trades);
}

/* The listing whose ticker it is; NULL. */
static const struct msim_exchange_listing *listing_of(const struct tape *tape, const char *ticker,
                                                      size_t length)
{
    const struct msim_exchange_settings *settings = tape->settings;

    for (size_t i = 0; ticker && i < settings->listing_count; i++)
        if (strlen(settings->listings[i].ticker) == length &&
            memcmp(settings->listings[i].ticker, ticker, length) == 0)
            return &settings->listings[i];
    return NULL;
}

static const char *symbol(void *self, uint32_t id, size_t *length)
{
    struct tape *tape = self;
    size_t size = 0;
    const char *ticker = msim_source_symbol(&tape->trades, id, &size);
    const struct msim_exchange_listing *listing = listing_of(tape, ticker, size);

    if (!listing)
        return NULL;
    if (length)
        *length = strlen(listing->symbol);
    return listing->symbol;
}

static void release(void *self)
{
    struct tape *tape = self;
    struct msim_allocator allocator = tape->allocator;

    msim_source_release(&tape->trades);
    msim_parquet_close(&tape->file);
    msim_mem_free(&allocator, tape, sizeof *tape);
}

static const struct msim_source_ops tape_ops = {
    .pull = pull, .next_due = next_due, .symbol = symbol, .release = release};

/* ---- opening ---- */

/* What is missing is told with the reader's remedies; of these the ticker's has a key here. */
static int say_own_remedy(int result, struct msim_detail *detail)
{
    char *remedy = detail && result != MSIM_ERR_NOMEM
                       ? strstr(detail->text, ": name the one that holds the ")
                       : NULL;

    if (!remedy)
        return result;
    const bool is_ticker = strstr(remedy, "ticker_name") != NULL;
    snprintf(remedy, sizeof detail->text - (size_t)(remedy - detail->text), "%s",
             is_ticker ? ": exchange.history.ticker names that of all trades"
                       : ": write it with the columns timestamp, price, volume and ticker");
    return result;
}

static int open_file(struct tape *tape, msim_time start, const struct msim_logger *logger,
                     struct msim_detail *detail)
{
    const struct msim_exchange_settings *settings = tape->settings;
    const char *path = settings->tape.file;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params chosen = MSIM_PARQUET_SOURCE_PARAMS_INIT;

    params.paths = &path;
    params.path_count = 1;
    params.timestamp_unit = settings->tape.unit;
    params.ticker_name = settings->tape.ticker[0] != '\0' ? settings->tape.ticker : NULL;
    params.skip_bad_rows = true;
    params.allocator = &tape->allocator;
    params.logger = logger;
    int r = msim_parquet_open(&tape->file, &params, detail);
    if (r < 0)
        return say_own_remedy(r, detail);
    const char **tickers =
        msim_mem_take_array(&tape->allocator, settings->listing_count, sizeof *tickers);
    if (!tickers)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < settings->listing_count; i++)
        if (settings->listings[i].ticker[0] != '\0')
            tickers[chosen.ticker_count++] = settings->listings[i].ticker;
    chosen.tickers = tickers;
    chosen.has_from = start != 0;
    chosen.from = start;
    r = msim_parquet_source(&tape->trades, tape->file, &chosen, detail);
    msim_mem_free(&tape->allocator, tickers, settings->listing_count * sizeof *tickers);
    return r;
}

/* A name of the file that may have been meant, or one that shows how names look there. */
static void say_nearest(struct msim_source *trades, const char *ticker, char *out, size_t size)
{
    struct msim_nearest nearest = {.word = ticker};
    char name[MSIM_NEAREST_MOST + 1];
    char best[MSIM_NEAREST_MOST + 1] = "";
    const char *known;
    size_t length;

    for (uint32_t id = 0; (known = msim_source_symbol(trades, id, &length)); id++) {
        if (length > MSIM_NEAREST_MOST)
            continue;
        memcpy(name, known, length);
        name[length] = '\0';
        msim_nearest_see(&nearest, name);
        if (nearest.found != name && best[0] != '\0')
            continue;
        memcpy(best, name, length + 1);
        nearest.found = nearest.found ? best : NULL;
    }
    snprintf(out, size, "%s%s", nearest.found ? "the nearest there is " : "there are such as ",
             best);
}

/* What was not found among the trades that were looked at: `is_whole` where these are all. */
static int say_missing(struct tape *tape, struct msim_source *trades,
                       const struct msim_exchange_listing *listing, uint64_t rows, bool is_whole,
                       msim_time start, bool is_refused, struct msim_detail *detail)
{
    char among[64] = "";
    char nearest[MSIM_NEAREST_MOST + 32];
    struct msim_detail words = {{0}};

    if (!is_whole)
        snprintf(among, sizeof among, " among the first %" PRIu64, rows);
    else if (start != 0)
        snprintf(among, sizeof among, " from the market's start on");
    say_nearest(trades, listing->ticker, nearest, sizeof nearest);
    if (tape->settings->tape.has_names)
        msim_detail_set(&words, MSIM_ERR_NOT_FOUND,
                        "no trade%s is of %s, as exchange.history.tickers.%s has it: %s", among,
                        listing->ticker, listing->symbol, nearest);
    else
        msim_detail_set(&words, MSIM_ERR_NOT_FOUND,
                        "no trade%s is of %s: exchange.history.tickers.%s says what it is called "
                        "there; %s",
                        among, listing->ticker, listing->symbol, nearest);
    if (is_refused)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "%s", words.text);
    msim_log(tape->logger, MSIM_LOG_WARNING, "exchange", KEY ": %s", words.text);
    return MSIM_OK;
}

/* Trades until all tickers were there, the last one, or enough; how many of them were there. */
static size_t look_through(struct tape *tape, struct msim_source *trades, uint64_t *rows,
                           int *result)
{
    struct msim_record records[64];
    uint32_t next = 0;
    size_t found = 0;
    size_t wanted = 0;
    size_t count;
    size_t length;

    for (size_t i = 0; i < tape->settings->listing_count; i++)
        wanted += tape->settings->listings[i].ticker[0] != '\0';
    do {
        *result =
            msim_source_pull(trades, records, sizeof records / sizeof records[0], &count, NULL);
        if (*result == MSIM_PULL_EMPTY && msim_source_next_due(trades) != INT64_MIN)
            break;
        if (*result == MSIM_PULL_RECORD)
            *rows += count;
        for (const char *name; (name = msim_source_symbol(trades, next, &length)); next++)
            found += listing_of(tape, name, length) != NULL;
    } while (*result >= 0 && *result != MSIM_PULL_END && found < wanted && *rows < LOOKED_AT);
    return wanted - found;
}

/* A ticker that the file does not have would be a market without a word. */
static int check_names(struct tape *tape, msim_time start, struct msim_detail *detail)
{
    const struct msim_exchange_settings *settings = tape->settings;
    struct msim_parquet_source_params all = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_source trades;
    uint64_t rows = 0;
    int looked;

    all.has_from = start != 0;
    all.from = start;
    int r = msim_parquet_source(&trades, tape->file, &all, detail);
    if (r < 0)
        return r;
    size_t missing = look_through(tape, &trades, &rows, &looked);
    const bool is_whole = looked == MSIM_PULL_END;
    tape->is_unsure = missing > 0 && !is_whole;
    if (looked == MSIM_ERR_NOMEM)
        r = looked;
    /* Another failure is told by the market's own source when it comes to it; without any trade it
     * is the market's start that is wrong. */
    for (size_t i = 0; r >= 0 && missing > 0 && rows > 0 && i < settings->listing_count; i++) {
        const struct msim_exchange_listing *listing = &settings->listings[i];
        if (listing->ticker[0] == '\0' || has_come(&trades, listing->ticker))
            continue;
        bool is_empty = missing == settings->listing_count; /* no symbol has any */
        r = say_missing(tape, &trades, listing, rows, is_whole, start,
                        is_whole && (settings->tape.has_names || is_empty), detail);
    }
    msim_source_release(&trades);
    return r;
}

/* Why nothing came: all is before the market's start, or none of it is the exchange's. */
static int say_why_nothing(const struct tape *tape, msim_time start, struct msim_detail *detail)
{
    struct msim_parquet_info info;
    char from[MSIM_CALENDAR_SIZE];
    char last[MSIM_CALENDAR_SIZE];

    msim_parquet_info(tape->file, &info);
    if (start == 0 || info.last == MSIM_TIME_NEVER || info.last >= start)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                               "%s has no trade of the exchange's symbols%s: "
                               "exchange.history.tickers.SYMBOL says what each is called there",
                               tape->settings->tape.file, start == 0 ? "" : " from its start on");
    msim_calendar_print(start, MSIM_CALENDAR_PLAIN, from);
    msim_calendar_print(info.last, MSIM_CALENDAR_PLAIN, last);
    return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                           "the last trade of %s is at %s, and the market is to start at %s: an "
                           "earlier start is wanted",
                           tape->settings->tape.file, last, from);
}

static int look_at_first(struct tape *tape, msim_time start, struct msim_detail *detail)
{
    size_t count = 0;
    int r;

    do
        r = pull(tape, &tape->first, 1, &count, detail);
    while (r == MSIM_PULL_EMPTY && next_due(tape) == INT64_MIN);
    tape->has_first = r == MSIM_PULL_RECORD;
    tape->has_begun = true;
    return r < 0 || tape->has_first ? r : say_why_nothing(tape, start, detail);
}

static bool fits(int64_t value, int exponent, int64_t step, int grid, int64_t *out)
{
    return msim_decimal_rescale(value, exponent, grid, out) >= 0 && *out % step == 0;
}

/* Whether the house could pay for it many times over, in an asset of eight decimals or more. */
static bool is_payable(const struct msim_exchange_listing *listing, int64_t price, int64_t quantity)
{
    msim_int128 money = (msim_int128)price * quantity;

    for (int e = listing->price_exponent + listing->quantity_exponent; e > ASSET_EXPONENT; e--)
        money = money > MOST_MONEY ? money : money * 10;
    return money <= MOST_MONEY;
}

/* Trades that are off the grid are passed over; one that has none on it would have no market. */
static int check_first(struct tape *tape, struct msim_detail *detail)
{
    const struct msim_record *trade = &tape->first;
    char price[MSIM_DECIMAL_SIZE];
    char quantity[MSIM_DECIMAL_SIZE];
    size_t length = 0;
    int64_t at;
    int64_t of;
    const char *ticker = msim_source_symbol(&tape->trades, trade->symbol, &length);
    const struct msim_exchange_listing *listing = listing_of(tape, ticker, length);

    if (!listing || trade->flags & (MSIM_RECORD_NO_PRICE | MSIM_RECORD_NO_QUANTITY))
        return MSIM_OK;
    msim_decimal_print_short(trade->as.trade.price, trade->price_exponent, price);
    msim_decimal_print_short(trade->as.trade.quantity, trade->quantity_exponent, quantity);
    if (!fits(trade->as.trade.price, trade->price_exponent, listing->tick, listing->price_exponent,
              &at))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the first trade of %s is at %s, off its tick grid: set "
                               "exchange.instruments.%s.tick_size, or "
                               "exchange.history.price_decimals for whole numbers",
                               listing->symbol, price, listing->symbol);
    if (!fits(trade->as.trade.quantity, trade->quantity_exponent, listing->lot,
              listing->quantity_exponent, &of))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the first trade of %s is of %s, off its lot grid: set "
                               "exchange.instruments.%s.lot_size, or "
                               "exchange.history.volume_decimals for whole numbers",
                               listing->symbol, quantity, listing->symbol);
    if (!is_payable(listing, at, of))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the first trade of %s is %s at %s, more than anybody can pay: set "
                               "exchange.history.price_decimals and volume_decimals, such as 9 "
                               "where 1000000000 means 1",
                               listing->symbol, quantity, price);
    return MSIM_OK;
}

/* What lies ahead: at --speed 60 an hour is a minute. */
static void tell_range(const struct tape *tape)
{
    struct msim_parquet_info info;
    char first[MSIM_CALENDAR_SIZE];
    char last[MSIM_CALENDAR_SIZE];

    msim_parquet_info(tape->file, &info);
    msim_calendar_print(tape->first.time, MSIM_CALENDAR_PLAIN, first);
    msim_calendar_print(info.last, MSIM_CALENDAR_PLAIN, last);
    msim_log(tape->logger, MSIM_LOG_INFO, "exchange", KEY ": %s to %s", first, last);
}

int msim_exchange_tape_open(struct msim_source *out, const struct msim_exchange_settings *settings,
                            msim_time start, const struct msim_allocator *allocator,
                            const struct msim_logger *logger, msim_time *first,
                            struct msim_detail *detail)
{
    struct tape *tape = msim_mem_zero(allocator, sizeof *tape);
    if (!tape)
        return MSIM_ERR_NOMEM;

    tape->allocator = *allocator;
    tape->settings = settings;
    tape->logger = logger;
    int r = open_file(tape, start, logger, detail);
    if (r >= 0)
        r = check_names(tape, start, detail);
    if (r >= 0)
        r = look_at_first(tape, start, detail);
    if (r >= 0)
        r = check_first(tape, detail);
    if (r < 0) {
        release(tape);
        return r == MSIM_ERR_NOMEM ? r : msim_detail_prefix(detail, r, KEY);
    }
    tell_range(tape);
    *first = tape->first.time;
    *out = (struct msim_source){&tape_ops, tape};
    return MSIM_OK;
}
