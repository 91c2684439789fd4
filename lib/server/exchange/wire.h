/*
 * Who comes, what they say, who goes: as the sockets tell it, or a recording.
 */
#ifndef MSIM_SERVER_EXCHANGE_WIRE_H
#define MSIM_SERVER_EXCHANGE_WIRE_H

#include "server/exchange/exchange.h"

enum msim_exchange_visit_flag {
    VISIT_LOOKS = 1,  /* its key is a viewer's: it changes nothing */
    VISIT_PUBLIC = 2, /* for market data alone: ws_public to the failure layer */
};

struct msim_exchange_visit {
    struct msim_native_text session; /* empty: an account without a name */
    struct msim_native_text label;   /* empty: the account's name */
    unsigned flags;
};

/* What becomes of a handshake: MSIM_ADMIT and the client, a status with `words` (may be NULL), or
 * MSIM_ADMIT_*. */
int msim_exchange_arrive(struct msim_exchange_server *server,
                         const struct msim_exchange_visit *visit, struct msim_exchange_client **out,
                         struct msim_detail *words);
/* It is open; false where there is no room for it after all. */
bool msim_exchange_welcome(struct msim_exchange_server *server,
                           struct msim_exchange_client *client);
/* Frees one that was never welcome. */
void msim_exchange_unwelcome(struct msim_exchange_server *server,
                             struct msim_exchange_client *client);
void msim_exchange_take(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        bool is_text, const char *bytes, size_t length);
void msim_exchange_depart(struct msim_exchange_server *server, struct msim_exchange_client *client);

#endif
