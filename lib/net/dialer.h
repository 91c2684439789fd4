/*
 * Dialers, for the loop.
 */
#ifndef MSIM_NET_DIALER_H
#define MSIM_NET_DIALER_H

#include <marketsim/dialer.h>

#include "net/loop.h"

/* When the first of those that wait is due; MSIM_TIME_NEVER for none. */
msim_time msim_dialers_next(const struct msim_net *net);

/* Those that are due connect. */
void msim_dialers_dial(struct msim_net *net);

/* The net's end: `closed` of their connections was called. */
void msim_dialers_finish(struct msim_net *net);

#endif
