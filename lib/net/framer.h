/*
 * What ws.c and framer.c share: borrowing a frame context.
 */
#ifndef MSIM_NET_FRAMER_H
#define MSIM_NET_FRAMER_H

#include "net/ws.h"

/* NULL without memory. */
struct msim_framer *msim_framer_lend(struct msim_framer_pool *pool);

/* Back to the pool; it stands at a frame's end. */
void msim_framer_return(struct msim_framer *framer);

/* For one that stopped within a frame.  NULL is left alone. */
void msim_framer_free(struct msim_framer *framer);

#endif
