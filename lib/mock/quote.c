#include "mock/quote.h"

#include "base/detail.h"
#include "base/random.h"
#include "mock/math.h"

/* A quote's spread is drawn anew in one of so many events (a power of two). */
#define SPREAD_KEPT 8
/* And is cut at so many times its mean. */
#define SPREAD_MOST 20
/* Quote numbers grow by 1 to so many (a power of two): other symbols' quotes lie between. */
#define ID_STEP 16
#define LOTS_MOST 1000000.0

#define BIN_BITS (UINT32_MAX / MSIM_MOCK_SIZE_BINS + 1)

/* The size of 32 random bits: whole lots of a log-normal number, at least one. */
static uint32_t lots_of(const struct msim_mock_quoting *quoting, uint32_t bits)
{
    double q = ((double)bits + 0.5) * 0x1p-32 - 0.5;
    double lots = msim_mock_exp(quoting->size_log + quoting->size_sigma * msim_mock_quantile(q));

    return lots < 1.5 ? 1 : lots > LOTS_MOST ? (uint32_t)LOTS_MOST : (uint32_t)(lots + 0.5);
}

/* Sizes grow with the bits, so a bin's ends tell what is in it; its edge is found by halving. */
static struct msim_mock_size_bin bin_from(const struct msim_mock_quoting *quoting, uint32_t first)
{
    uint32_t last = first + (BIN_BITS - 1);
    uint32_t below = lots_of(quoting, first);
    uint32_t above = lots_of(quoting, last);

    if (below == above)
        return (struct msim_mock_size_bin){below, UINT32_MAX};
    if (above > below + 1)
        return (struct msim_mock_size_bin){0, 0};
    while (last - first > 1) {
        uint32_t middle = first + (last - first) / 2;
        if (lots_of(quoting, middle) == below)
            first = middle;
        else
            last = middle;
    }
    return (struct msim_mock_size_bin){below, first};
}

int msim_mock_quoting_init(struct msim_mock_quoting *quoting, const struct msim_mock_params *params,
                           struct msim_detail *detail)
{
    double median = params->size_median == 0 ? 3 : params->size_median;
    double trades = params->trades == 0 ? 1 : params->trades;

    if (!(params->spread >= 0 && params->spread <= 1000))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "spread: parts of 10000 of the price, 0 (1) to 1000");
    if (!(params->persistence > -1 && params->persistence < 1))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "persistence: above -1 and below 1");
    if (!(median >= 0.01 && median <= 10000) ||
        !(params->size_sigma >= 0 && params->size_sigma <= 3))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "sizes: a median of 0.01 to 10000 lots and a sigma of 0 to 3");
    if (!(trades >= 0 && trades <= 1))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "trades: a part, above 0 to 1");

    double persistence = params->persistence == 0 ? 0.5 : params->persistence;
    quoting->spread = (params->spread == 0 ? 1 : params->spread) * 1e-4;
    quoting->turn = (uint32_t)((1 - persistence) / 2 * 0x1p32);
    quoting->trade = (uint32_t)(trades * 0x1p24);
    quoting->size_log = msim_mock_log(median);
    quoting->size_sigma = params->size_sigma == 0 ? 1 : params->size_sigma;

    for (uint32_t i = 0; i < MSIM_MOCK_SIZE_BINS; i++)
        quoting->bins[i] = bin_from(quoting, i * BIN_BITS);
    return MSIM_OK;
}

static int64_t size(const struct msim_mock_quoting *quoting, uint32_t bits)
{
    struct msim_mock_size_bin bin = quoting->bins[bits / BIN_BITS];

    if (bin.lots == 0)
        return lots_of(quoting, bits);
    return bin.lots + (bits > bin.edge);
}

/* 1 + a geometric number, with the mean that the price asks for. */
static int64_t draw_spread(const struct msim_mock_quoting *quoting, double price, uint32_t bits)
{
    double mean = price * quoting->spread;

    if (mean <= 1)
        return 1;
    double further = msim_mock_log(msim_mock_uniform32(bits)) / msim_mock_log((mean - 1) / mean);
    double most = mean * SPREAD_MOST;
    return 1 + (int64_t)(further < most ? further : most);
}

void msim_mock_quote(const struct msim_mock_quoting *quoting, struct msim_mock_book *book,
                     double price, double most, int64_t widened, uint64_t bits,
                     struct msim_mock_tell *tell)
{
    uint64_t sizes = msim_mix64(bits);
    uint64_t rest = msim_mix64(bits + UINT64_C(0x9E3779B97F4A7C15));

    if (price > most)
        price = most;
    if (book->spread == 0 || (rest >> 4) % SPREAD_KEPT == 0)
        book->spread = draw_spread(quoting, price, (uint32_t)(rest >> 32));
    book->id += 1 + rest % ID_STEP;
    /* No branch: which way it goes is chance. */
    book->selling ^= (uint32_t)(bits >> 32) < quoting->turn;

    int64_t spread = book->spread * widened;
    double below = price - (double)spread * 0.5 + 0.5;
    int64_t bid = below < 1 ? 1 : (int64_t)below;
    tell->bid = bid;
    tell->ask = bid + spread;
    tell->bid_lots = size(quoting, (uint32_t)sizes);
    tell->ask_lots = size(quoting, (uint32_t)(sizes >> 32));
    tell->trade_lots = (rest >> 8 & 0xffffff) < quoting->trade ? size(quoting, (uint32_t)bits) : 0;
    tell->id = book->id;
    tell->selling = book->selling;
}
