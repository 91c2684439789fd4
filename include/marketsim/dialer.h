/*
 * A client's connection that comes again: after it has ended, or none came about, another is tried,
 * after a wait that doubles each time and is never quite the same.
 */
#ifndef MARKETSIM_DIALER_H
#define MARKETSIM_DIALER_H

#include <marketsim/net.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_dialer;

struct msim_dialer_params {
    size_t size;
    /*
     * As for msim_net_connect; its texts are copied (each attempt is signed anew), and the
     * handler's `closed` is called for each connection that ends or does not come about.  Its
     * `size` must be set as well.
     */
    struct msim_connect_params connect;
    msim_time first_wait;   /* 500 ms; at most an hour, as the next one */
    msim_time longest_wait; /* 30 s */
    /*
     * Called after `closed`: is another connection to be tried, `wait` from now?  NULL: yes, unless
     * the one before was closed with 1000.  After a no the dialer rests for good.  Where a
     * connection cannot even be begun, `closing` says why, and `closed` was not called.
     */
    bool (*again)(void *context, const struct msim_closing *closing, msim_time wait);
};
#define MSIM_DIALER_PARAMS_INIT                                              \
    {                                                                        \
        sizeof(struct msim_dialer_params), MSIM_CONNECT_PARAMS_INIT, 0, 0, 0 \
    }

/*
 * Starts to connect at once; fails as msim_net_connect does.  What a wait is: the first one,
 * doubled for each failure in a row up to the longest, less up to a quarter by chance, so that many
 * clients do not come at once.  A connection that brought a message was none.
 *
 * The dialer lives until it is destroyed, at the latest with its net.
 */
MSIM_API int msim_dialer_create(struct msim_net *net, struct msim_dialer **out,
                                const struct msim_dialer_params *params,
                                struct msim_detail *detail);

/* What there is now: opening, open or ending.  NULL while it waits or rests. */
MSIM_API struct msim_connection *msim_dialer_connection(const struct msim_dialer *dialer);

/* Its connection is aborted, and no handler of it called any more.  May be called inside one. */
MSIM_API void msim_dialer_destroy(struct msim_dialer **dialer);

#ifdef __cplusplus
}
#endif

#endif
