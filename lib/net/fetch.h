/*
 * The client's side of an HTTP exchange, for opening.c: a link that becomes no WebSocket.
 */
#ifndef MSIM_NET_FETCH_H
#define MSIM_NET_FETCH_H

#include <marketsim/fetch.h>

#include "net/connection.h"
#include "net/http.h"

/* The answer's head has come, or one before it (1xx), which is passed over. */
void msim_fetch_hear(struct msim_connection *connection, const struct msim_http_head *head);

/* Is what comes next the answer's body?  False for NULL. */
bool msim_fetch_is_answered(const struct msim_fetch *fetch);

/* Returns how many bytes of it were taken: all of them, or those before its end. */
size_t msim_fetch_receive(struct msim_connection *connection, const unsigned char *bytes,
                          size_t length);

/* The peer sends nothing more. */
void msim_fetch_cut(struct msim_connection *connection);

#endif
