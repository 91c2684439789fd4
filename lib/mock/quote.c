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

/* The size at probability 1/2 + q: whole lots of a log-normal number, at least one. */
static uint32_t lots_at(const struct msim_mock_quoting *quoting, double q)
{
    double lots = msim_mock_exp(quoting->size_log + quoting->size_sigma * msim_mock_quantile(q));

    return lots < 1.5 ? 1 : lots > LOTS_MOST ? (uint32_t)LOTS_MOST : (uint32_t)(lots + 0.5);
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

    uint32_t below = 1;
    for (int i = 0; i < MSIM_MOCK_SIZE_BINS; i++) {
        bool last = i == MSIM_MOCK_SIZE_BINS - 1;
        uint32_t above = last ? 0 : lots_at(quoting, (double)(i + 1) / MSIM_MOCK_SIZE_BINS - 0.5);
        quoting->lots[i] = above == below ? above : 0;
        below = above;
    }
    /* The first bin begins at no lots: its lower end has no quantile. */
    if (quoting->lots[0] != 1)
        quoting->lots[0] = 0;
    return MSIM_OK;
}

static int64_t size(const struct msim_mock_quoting *quoting, uint32_t bits)
{
    uint32_t lots = quoting->lots[bits / (UINT32_MAX / MSIM_MOCK_SIZE_BINS + 1)];

    if (lots == 0)
        lots = lots_at(quoting, ((double)bits + 0.5) * 0x1p-32 - 0.5);
    return lots;
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
    if ((uint32_t)(bits >> 32) < quoting->turn)
        book->selling = !book->selling;

    int64_t spread = book->spread * widened;
    double below = price - (double)spread * 0.5 + 0.5;
    int64_t bid = below < 1 ? 1 : (int64_t)below;
    *tell = (struct msim_mock_tell){
        .bid = bid,
        .ask = bid + spread,
        .bid_lots = size(quoting, (uint32_t)sizes),
        .ask_lots = size(quoting, (uint32_t)(sizes >> 32)),
        .trade_lots = (rest >> 8 & 0xffffff) < quoting->trade ? size(quoting, (uint32_t)bits) : 0,
        .id = book->id,
        .selling = book->selling,
    };
}
