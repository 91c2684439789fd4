/*
 * Writes a sample of trades as the replay reads them: `timestamp`, `price`,
 * `volume` and `ticker`, prices and volumes in fixed point at 1e9.
 *
 *     make-sample OUT [--rows N] [--seed S] [--plain]
 *
 * `--plain`: as numbers with decimals (doubles) in place of fixed point.
 *
 * Some two hundred tickers trade for several minutes.  Orders that sweep a book
 * give bursts of trades with one timestamp.  All arithmetic is on integers, so
 * the same seed gives the same bytes everywhere.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/parquet.h>

#define ROWS_DEFAULT 40000
#define ROWS_MAX 100000000
#define TICKERS 240
#define NAME_SIZE 48
/* 2022-07-01 00:00:00 UTC. */
#define START_MS INT64_C(1656633600000)
/* On the average so long after one burst the next begins. */
#define GAP_MS 18

/* SplitMix64: a counter through a mixing function. */
struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* 0..below-1; the bias is below 2^-32 for the small numbers used here. */
static int64_t pick(struct dice *dice, int64_t below)
{
    return (int64_t)((roll(dice) >> 32) * (uint64_t)below >> 32);
}

/* 0, 1, 2, ...: each next one half as likely. */
static int halves(struct dice *dice)
{
    uint64_t bits = roll(dice) | UINT64_C(1) << 40;
    int count = 0;

    while (!(bits >> count & 1))
        count++;
    return count;
}

/* ---- the market ---- */

struct market {
    char name[NAME_SIZE];
    int64_t tick; /* at 1e9 */
    int64_t mid;  /* in ticks */
    int64_t lot;  /* at 1e9 */
    bool has_traded;
};

/* About what they cost that summer. */
static const struct coin {
    const char *name;
    int64_t mid;  /* in ticks */
    int64_t tick; /* at 1e9 */
} coins[] = {
    {"BTC", 38650, 500000000}, {"ETH", 20810, 50000000},  {"SOL", 6720, 5000000},
    {"XRP", 32300, 10000},     {"10000NFT", 6035, 1000},  {"DOGE", 65600, 1000},
    {"ADA", 45100, 10000},     {"AVAX", 16450, 1000000},  {"DOT", 6770, 1000000},
    {"LINK", 6110, 1000000},   {"LTC", 5230, 10000000},   {"BCH", 2040, 50000000},
    {"UNI", 4920, 1000000},    {"ATOM", 7580, 1000000},   {"XLM", 10990, 10000},
    {"ETC", 14900, 1000000},   {"FIL", 5410, 1000000},    {"TRX", 64700, 1000},
    {"NEAR", 3270, 1000000},   {"APE", 4550, 1000000},    {"SAND", 10400, 100000},
    {"AXS", 13600, 1000000},   {"GALA", 53100, 1000},     {"1000SHIB", 10100, 1000},
    {"FTM", 23500, 10000},     {"ALGO", 30800, 10000},    {"AAVE", 5560, 10000000},
    {"CRV", 6650, 100000},     {"1000LUNC", 9120, 10000}, {"RUNE", 19000, 100000},
};
static const char *const kinds[] = {"USDT-SWAP", "USDT"};
static const char *const venues[] = {"BYBIT", "BINANCE", "OKX", "KRAKEN"};

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

_Static_assert(sizeof coins / sizeof *coins * (sizeof kinds / sizeof *kinds) *
                       (sizeof venues / sizeof *venues) ==
                   TICKERS,
               "every coin trades in every kind at every venue");

/* Lots are powers of ten of a coin, each worth some dollars. */
static int64_t lot_of(int64_t price)
{
    int64_t lot = 1000;

    /* Both at 1e9, less three digits each: 1e12 is a dollar. */
    while (lot / 1000 * (price / 1000) < INT64_C(2000000000000))
        lot *= 10;
    return lot;
}

/* A coin costs nearly the same wherever it trades. */
static void list_market(struct market *market, int number)
{
    const struct coin *coin = &coins[number % COUNT(coins)];
    int kind = number / COUNT(coins) % COUNT(kinds);
    int venue = number / COUNT(coins) / COUNT(kinds);

    snprintf(market->name, sizeof market->name, "%s-%s@%s", coin->name, kinds[kind], venues[venue]);
    market->tick = coin->tick;
    market->mid = coin->mid + venue;
    market->lot = lot_of(coin->mid * coin->tick);
    market->has_traded = false;
}

/* Few tickers make most of the trades: the smaller of several picks. */
static struct market *pick_market(struct dice *dice, struct market *markets)
{
    int64_t number = pick(dice, TICKERS);

    for (int i = 0; i < 3; i++) {
        int64_t other = pick(dice, TICKERS);
        number = other < number ? other : number;
    }
    return &markets[number];
}

/* ---- trades ---- */

enum { TIMESTAMP, PRICE, VOLUME, TICKER, COLUMNS };

static int write_trade(struct msim_parquet_writer *writer, int64_t time_ms,
                       const struct market *market, int64_t ticks, int64_t lots,
                       struct msim_detail *detail)
{
    struct msim_parquet_value values[COLUMNS] = {
        [TIMESTAMP] = {.integer = time_ms * MSIM_NS_PER_MS},
        [PRICE] = {.integer = ticks * market->tick, .number = (double)(ticks * market->tick) / 1e9},
        [VOLUME] = {.integer = lots * market->lot, .number = (double)(lots * market->lot) / 1e9},
        [TICKER] = {.text = market->name, .text_length = strlen(market->name)},
    };

    return msim_parquet_writer_row(writer, values, detail);
}

/* One order that takes what stands on one side, level by level. */
static int64_t burst_size(struct dice *dice)
{
    int64_t size = 1 + halves(dice);

    return pick(dice, 40) == 0 ? size * (4 + pick(dice, 12)) : size;
}

/* How many tickers trade: of few rows the rare ones have none. */
static int write_trades(struct msim_parquet_writer *writer, int64_t rows, uint64_t seed,
                        int *tickers, struct msim_detail *detail)
{
    struct market markets[TICKERS];
    struct dice dice = {.state = seed};
    int64_t time_ms = START_MS;

    *tickers = 0;
    for (int i = 0; i < TICKERS; i++)
        list_market(&markets[i], i);
    for (int64_t row = 0; row < rows;) {
        struct market *market = pick_market(&dice, markets);
        int64_t side = pick(&dice, 2) == 0 ? -1 : 1;
        int64_t size = burst_size(&dice);
        *tickers += !market->has_traded;
        market->has_traded = true;
        for (int64_t level = 0; level < size && row < rows; level++, row++) {
            int r = write_trade(writer, time_ms, market, market->mid + side * (level / 3),
                                1 + pick(&dice, 10) * pick(&dice, 10), detail);
            if (r < 0)
                return r;
        }
        /* A long sweep moves the price; else it wanders by a tick. */
        market->mid += size > 6 ? side * (size / 6) : pick(&dice, 3) - 1;
        if (market->mid < 100)
            market->mid = 100;
        time_ms += pick(&dice, 2 * GAP_MS + 1);
    }
    return MSIM_OK;
}

static int make_sample(const char *path, int64_t rows, uint64_t seed, enum msim_parquet_type number,
                       int *tickers, struct msim_detail *detail)
{
    const struct msim_parquet_column columns[COLUMNS] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_MS, .naive = true},
        [PRICE] = {.name = "price", .type = number},
        [VOLUME] = {.name = "volume", .type = number},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
    };
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;

    params.path = path;
    params.columns = columns;
    params.column_count = COLUMNS;
    int r = msim_parquet_writer_create(&writer, &params, detail);
    if (r < 0)
        return r;
    r = write_trades(writer, rows, seed, tickers, detail);
    if (r >= 0)
        r = msim_parquet_writer_finish(writer, detail);
    msim_parquet_writer_destroy(&writer);
    return r;
}

/* ---- options ---- */

static int usage(void)
{
    fprintf(stderr,
            "make-sample OUT [--rows N] [--seed S] [--plain]: writes a Parquet file of trades\n");
    return 2;
}

static int read_number(const char *text, uint64_t max, uint64_t *number)
{
    char *end;

    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number <= max ? 0 : -1;
}

int main(int argument_count, char **arguments)
{
    struct msim_detail detail = {{0}};
    const char *path = NULL;
    uint64_t rows = ROWS_DEFAULT;
    uint64_t seed = 1;
    int tickers = 0;
    enum msim_parquet_type number = MSIM_PARQUET_INT64;

    for (int i = 1; i < argument_count; i++) {
        const char *next = i + 1 < argument_count ? arguments[i + 1] : NULL;
        if (strcmp(arguments[i], "--rows") == 0 && read_number(next, ROWS_MAX, &rows) == 0)
            i++;
        else if (strcmp(arguments[i], "--seed") == 0 && read_number(next, UINT64_MAX, &seed) == 0)
            i++;
        else if (strcmp(arguments[i], "--plain") == 0)
            number = MSIM_PARQUET_DOUBLE;
        else if (arguments[i][0] != '-' && !path)
            path = arguments[i];
        else
            return usage();
    }
    if (!path || path[0] == '\0')
        return usage();
    if (make_sample(path, (int64_t)rows, seed, number, &tickers, &detail) < 0) {
        fprintf(stderr, "make-sample: %s\n", detail.text);
        return 1;
    }
    printf("%s: %" PRIu64 " trade%s of %d ticker%s\n", path, rows, rows == 1 ? "" : "s", tickers,
           tickers == 1 ? "" : "s");
    return 0;
}
