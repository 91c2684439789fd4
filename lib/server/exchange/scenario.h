/*
 * A scenario that the server was started with.
 */
#ifndef MSIM_SERVER_EXCHANGE_SCENARIO_H
#define MSIM_SERVER_EXCHANGE_SCENARIO_H

#include "server/exchange/exchange.h"

/* `lasts`: how long; 0: until its last step with a time. */
int msim_exchange_scenario_start(struct msim_exchange_server *server, const char *json,
                                 size_t length, msim_time lasts, struct msim_detail *detail);

/* Ends it where its time is over; when to come back. */
msim_time msim_exchange_scenario_turn(struct msim_exchange_server *server);

#endif
