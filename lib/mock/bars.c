#include "mock/bars.h"

#include "base/number.h"

static msim_time window_end(msim_time time, msim_time length)
{
    msim_time into = time % length;

    if (into < 0)
        into += length;
    return time - into + length;
}

void msim_mock_bar_trade(struct msim_mock_bar *bar, msim_time length, msim_time time,
                         msim_price price, msim_qty quantity)
{
    struct msim_bar_data *data = &bar->data;

    if (bar->end == MSIM_TIME_NEVER) {
        bar->end = window_end(time, length);
        *data = (struct msim_bar_data){price, price, price, price, quantity};
        return;
    }
    data->high = price > data->high ? price : data->high;
    data->low = price < data->low ? price : data->low;
    data->close = price;
    /* A volume beyond int64 stays at its end: 10^18 shares a minute are a parameter's mistake. */
    if (!msim_add_check(data->volume, quantity, &data->volume))
        data->volume = INT64_MAX;
}
