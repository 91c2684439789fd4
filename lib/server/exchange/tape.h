/*
 * A file's trades as the market's prices: a source for the venue's history.
 */
#ifndef MSIM_SERVER_EXCHANGE_TAPE_H
#define MSIM_SERVER_EXCHANGE_TAPE_H

#include <marketsim/source.h>

#include "server/exchange/config.h"

/*
 * Opens what exchange.history.file says, from `start` on (0: from its beginning), with the
 * instruments' names for its tickers.  `*first` is the time of its first trade.  A refusal names
 * the key.  Borrows the settings and the logger.
 */
int msim_exchange_tape_open(struct msim_source *out, const struct msim_exchange_settings *settings,
                            msim_time start, const struct msim_allocator *allocator,
                            const struct msim_logger *logger, msim_time *first,
                            struct msim_detail *detail);

#endif
