/*
 * Brownian drivers that move together.
 *
 * Business time is cut into cells.  In each cell every symbol has one standard
 * normal number of its own, and its driver's increment over the cell is a fixed
 * combination of its own and others'.  The numbers are functions of (seed, symbol,
 * cell), so any symbol can compute any other's without meeting it.
 */
#ifndef MSIM_MOCK_CORRELATE_H
#define MSIM_MOCK_CORRELATE_H

#include <marketsim/mock.h>

/* Symbols do not all stand in the same cell, and run ahead by some: the last ones stay at hand. */
#define MSIM_MOCK_CELLS_KEPT 16

struct msim_mock_correlation {
    const uint64_t *keys;               /* the symbols' stream keys, borrowed */
    size_t count;                       /* symbols under the matrix, 0 with a market factor */
    double *lower;                      /* the Cholesky factor, row by row, full rows */
    double *own;                        /* MSIM_MOCK_CELLS_KEPT * count numbers of recent cells */
    int64_t cell[MSIM_MOCK_CELLS_KEPT]; /* which they are of; -1: none */
    uint64_t market_key;
    double market_share; /* sqrt(market), and sqrt(1 - market) */
    double own_share;
    double market[MSIM_MOCK_CELLS_KEPT];
    int64_t length; /* of a cell */
    struct msim_allocator allocator;
};

/* MSIM_ERR_INVALID names the symbols at which the matrix is none of correlations. */
int msim_mock_correlation_init(struct msim_mock_correlation *correlation,
                               const struct msim_mock_params *params, const uint64_t *keys,
                               int64_t length, const struct msim_allocator *allocator,
                               struct msim_detail *detail);
void msim_mock_correlation_finish(struct msim_mock_correlation *correlation);

/* The standard normal increment of a symbol's driver over a cell. */
double msim_mock_correlation_normal(struct msim_mock_correlation *correlation, uint32_t symbol,
                                    int64_t cell);

/*
 * Cholesky's factor of a symmetric matrix with ones on its diagonal; semi-definite ones are
 * allowed.  On MSIM_ERR_INVALID `*row` and `*column` say where.
 */
int msim_mock_cholesky(const double *matrix, size_t count, double *lower, size_t *row,
                       size_t *column);

#endif
