/*
 * Why the engine refused, in words: what was wrong, and what would be right.
 */
#ifndef MSIM_SERVER_EXCHANGE_REASONS_H
#define MSIM_SERVER_EXCHANGE_REASONS_H

#include "server/exchange/exchange.h"

void msim_exchange_reason(const struct msim_exchange_server *server, const struct msim_event *event,
                          char *out, size_t size);

#endif
