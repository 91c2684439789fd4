/*
 * Accounts: who is meant by a name, and what all connections of one are told.
 */
#include "server/exchange/exchange.h"

#include <string.h>

#include "base/mem.h"

#define MOST_ACCOUNTS 65536

static int make_room(struct msim_exchange_server *server, uint32_t account)
{
    size_t old = server->account_capacity;
    void *accounts = server->accounts;

    if (account < old)
        return MSIM_OK;
    int r = msim_mem_grow(&server->allocator, &accounts, &server->account_capacity,
                          sizeof *server->accounts, (size_t)account + 1, MOST_ACCOUNTS);
    if (r < 0)
        return r;
    server->accounts = accounts;
    memset(server->accounts + old, 0, (server->account_capacity - old) * sizeof *server->accounts);
    return MSIM_OK;
}

static int endow(struct msim_exchange_server *server, uint32_t account)
{
    for (uint32_t asset = 0; asset < server->asset_count; asset++) {
        if (server->initial_balances[asset] == 0)
            continue;
        int r = msim_venue_deposit(server->venue, server->now, account, asset,
                                   server->initial_balances[asset]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

int msim_exchange_account_named(struct msim_exchange_server *server, const char *name,
                                size_t length, uint32_t *account)
{
    int r = msim_venue_account(server->venue, name, length, account);

    if (r >= 0)
        r = make_room(server, *account);
    if (r < 0)
        return r;
    struct msim_exchange_account *known = &server->accounts[*account];
    if (known->is_known)
        return MSIM_OK;
    known->is_known = true;
    r = endow(server, *account);
    /* What a deposit tells is told before anybody listens. */
    return r < 0 ? r : msim_exchange_outputs(server, server->now);
}

int msim_exchange_account_fresh(struct msim_exchange_server *server, uint32_t *account)
{
    char name[MSIM_NATIVE_ID_LENGTH];

    msim_native_id_print(server->codec, MSIM_NATIVE_ID_ACCOUNT, ++server->names, name);
    return msim_exchange_account_named(server, name, sizeof name, account);
}

struct msim_exchange_account *msim_exchange_account(struct msim_exchange_server *server,
                                                    uint32_t account)
{
    return account < server->account_capacity && server->accounts[account].is_known
               ? &server->accounts[account]
               : NULL;
}
