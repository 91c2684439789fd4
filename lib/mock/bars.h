/*
 * Trades gathered into bars: a window opens with its first trade and is told at its end.
 */
#ifndef MSIM_MOCK_BARS_H
#define MSIM_MOCK_BARS_H

#include <marketsim/record.h>

struct msim_mock_bar {
    msim_time end; /* MSIM_TIME_NEVER: no trade yet */
    struct msim_bar_data data;
};

void msim_mock_bar_trade(struct msim_mock_bar *bar, msim_time length, msim_time time,
                         msim_price price, msim_qty quantity);

#endif
