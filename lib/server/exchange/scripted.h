/*
 * Outcomes that a client asks for by the name of its order: `sim-reject-1`, `sim-delay500-1`.
 *
 * What is in the hands of the failure layer becomes a strategy of it, aimed at that name alone, on
 * the first message that bears it; so it is counted, traced and replayed like any other.  A partial
 * fill is a real one: somebody stands opposite.
 */
#ifndef MSIM_SERVER_EXCHANGE_SCRIPTED_H
#define MSIM_SERVER_EXCHANGE_SCRIPTED_H

#include "server/exchange/exchange.h"

/* Before a message of a client is judged; nothing where outcomes are not switched on. */
int msim_exchange_scripted_look(struct msim_exchange_server *server, const char *bytes,
                                size_t length);

/* Whether `server->request` becomes a command; `server->refusal` where its name forbids it. */
bool msim_exchange_scripted_admit(struct msim_exchange_server *server);

/* After an order was taken in: who is to be filled in part is, now. */
int msim_exchange_scripted_fill(struct msim_exchange_server *server, uint32_t account,
                                const struct msim_native_request *request);

#endif
