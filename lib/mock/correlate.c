#include "mock/correlate.h"

#include "base/detail.h"
#include "base/mem.h"
#include "mock/draw.h"
#include "mock/math.h"

#include <assert.h>
#include <string.h>

/* What rounding may leave of a pivot that is zero in truth. */
#define PIVOT_NOISE 1e-10

int msim_mock_cholesky(const double *matrix, size_t count, double *lower, size_t *row,
                       size_t *column)
{
    memset(lower, 0, count * count * sizeof *lower);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j <= i; j++) {
            double value = matrix[i * count + j];
            *row = i;
            *column = j;
            if (!(value >= -1 && value <= 1) || value != matrix[j * count + i] ||
                (i == j && value != 1))
                return MSIM_ERR_INVALID;
            for (size_t k = 0; k < j; k++)
                value -= lower[i * count + k] * lower[j * count + k];
            if (i != j) {
                double pivot = lower[j * count + j];
                if (pivot == 0 && (value > PIVOT_NOISE || value < -PIVOT_NOISE))
                    return MSIM_ERR_INVALID;
                lower[i * count + j] = pivot > 0 ? value / pivot : 0;
            } else if (value > PIVOT_NOISE) {
                lower[i * count + i] = msim_mock_sqrt(value);
            } else if (value < -PIVOT_NOISE) {
                return MSIM_ERR_INVALID;
            }
        }
    }
    return MSIM_OK;
}

static int factor_matrix(struct msim_mock_correlation *correlation,
                         const struct msim_mock_params *params, size_t count,
                         struct msim_detail *detail)
{
    size_t row = 0;
    size_t column = 0;

    if (count > MSIM_MOCK_MATRIX_MAX)
        return msim_detail_set(detail, MSIM_ERR_LIMIT,
                               "correlation: %zu symbols, a matrix has at most %d; use the market "
                               "factor",
                               count, MSIM_MOCK_MATRIX_MAX);
    correlation->lower =
        msim_mem_take_array(&correlation->allocator, count * count, sizeof *correlation->lower);
    correlation->own = msim_mem_take_array(&correlation->allocator, count * MSIM_MOCK_CELLS_KEPT,
                                           sizeof *correlation->own);
    correlation->count = count;
    if (!correlation->lower || !correlation->own)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    if (msim_mock_cholesky(params->correlation, count, correlation->lower, &row, &column) < 0)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID,
            "correlation: row %zu, column %zu makes it no matrix of correlations: "
            "it must be symmetric, 1 on its diagonal, within -1..1 and without a "
            "negative eigenvalue",
            row + 1, column + 1);
    return MSIM_OK;
}

int msim_mock_correlation_init(struct msim_mock_correlation *correlation,
                               const struct msim_mock_params *params, const uint64_t *keys,
                               int64_t length, const struct msim_allocator *allocator,
                               struct msim_detail *detail)
{
    static const char market_name[] = "mock/market factor";
    size_t count = params->symbol_count;

    *correlation = (struct msim_mock_correlation){
        .keys = keys,
        .length = length,
        .allocator = *allocator,
        .market_key = msim_random_key(params->seed, market_name, sizeof market_name - 1),
    };
    for (int i = 0; i < MSIM_MOCK_CELLS_KEPT; i++)
        correlation->cell[i] = -1;
    if (!params->correlation) {
        correlation->market_share = msim_mock_sqrt(params->market);
        correlation->own_share = msim_mock_sqrt(1 - params->market);
        return MSIM_OK;
    }
    int r = factor_matrix(correlation, params, count, detail);
    if (r < 0)
        msim_mock_correlation_finish(correlation);
    return r;
}

void msim_mock_correlation_finish(struct msim_mock_correlation *correlation)
{
    size_t count = correlation->count;

    msim_mem_free(&correlation->allocator, correlation->own,
                  count * MSIM_MOCK_CELLS_KEPT * sizeof *correlation->own);
    msim_mem_free(&correlation->allocator, correlation->lower,
                  count * count * sizeof *correlation->lower);
    correlation->own = NULL;
    correlation->lower = NULL;
}

static double own_number(uint64_t key, int64_t cell)
{
    return msim_mock_normal(msim_mock_draw(key, (uint64_t)cell, MSIM_MOCK_DRAW_CELL, 0).first);
}

/* Makes slot `kept` hold the numbers of `cell`. */
static void fill_cell(struct msim_mock_correlation *correlation, size_t kept, int64_t cell)
{
    correlation->cell[kept] = cell;
    if (correlation->count == 0) {
        correlation->market[kept] = own_number(correlation->market_key, cell);
        return;
    }
    double *own = correlation->own + kept * correlation->count;
    for (size_t i = 0; i < correlation->count; i++)
        own[i] = own_number(correlation->keys[i], cell);
}

double msim_mock_correlation_normal(struct msim_mock_correlation *correlation, uint32_t symbol,
                                    int64_t cell)
{
    size_t kept = (size_t)cell % MSIM_MOCK_CELLS_KEPT;

    assert(cell >= 0);
    if (correlation->cell[kept] != cell)
        fill_cell(correlation, kept, cell);
    if (correlation->count == 0)
        return correlation->market_share * correlation->market[kept] +
               correlation->own_share * own_number(correlation->keys[symbol], cell);

    const double *row = correlation->lower + symbol * correlation->count;
    const double *own = correlation->own + kept * correlation->count;
    double sum = 0;
    for (size_t i = 0; i <= symbol; i++)
        sum += row[i] * own[i];
    return sum;
}
