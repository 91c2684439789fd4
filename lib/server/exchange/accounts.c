/*
 * Accounts: who is meant by a name, and what all connections of one are told.
 */
#include "server/exchange/exchange.h"

#include <string.h>

#include <marketsim/form.h>

#include "base/detail.h"
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

/* The account of that name, opened where it is new. */
static int open(struct msim_exchange_server *server, const char *name, size_t length,
                uint32_t *account)
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

int msim_exchange_account_named(struct msim_exchange_server *server, const char *name,
                                size_t length, uint32_t *account)
{
    int r = open(server, name, length, account);

    if (r >= 0)
        server->accounts[*account].is_nameless = false;
    return r;
}

/* ---- who is named ---- */

/*
 * The value of a query's key, or of the header of the same meaning; "" for neither.
 * MSIM_ERR_INVALID where they disagree, MSIM_ERR_LIMIT, or MSIM_ERR_FORMAT.
 */
static int read_name(const char *query, const char *key, const char *header,
                     char out[MSIM_VENUE_ACCOUNT_MAX + 1])
{
    const size_t size = MSIM_VENUE_ACCOUNT_MAX + 1;
    int r = msim_form_value(query, strlen(query), key, out, size);
    size_t length = header ? strlen(header) : 0;

    if (r == MSIM_ERR_NOT_FOUND) {
        out[0] = '\0';
        r = 0;
    }
    if (r < 0 || length == 0)
        return r;
    if (r > 0)
        return strcmp(out, header) == 0 ? MSIM_OK : MSIM_ERR_INVALID;
    if (length >= size)
        return MSIM_ERR_LIMIT;
    memcpy(out, header, length + 1);
    return MSIM_OK;
}

int msim_exchange_names(struct msim_exchange_names *out, const char *query, const char *session,
                        const char *label, struct msim_detail *detail)
{
    int r = read_name(query, "session", session, out->session);
    if (r < 0)
        return msim_detail_set(
            detail, r, "%s",
            r == MSIM_ERR_INVALID ? "?session= and X-Session-ID name two accounts: send one of them"
                                  : MSIM_EXCHANGE_SESSION_WORDS);
    r = read_name(query, "client", label, out->label);
    if (r < 0)
        return msim_detail_set(detail, r, "%s",
                               r == MSIM_ERR_INVALID
                                   ? "?client= and X-Msim-Client name two clients: send one of them"
                                   : "X-Msim-Client or ?client= has at most 63 bytes");
    return MSIM_OK;
}

/* ---- accounts of those who have no name ---- */

/*
 * Who comes without a name gets an account that nobody else has.  There are MOST_ACCOUNTS for as
 * long as the server runs, so one that is left as it was found goes to the next of them.
 */
int msim_exchange_account_fresh(struct msim_exchange_server *server, uint32_t *account)
{
    char name[MSIM_NATIVE_ID_LENGTH];

    while (server->spare_account != 0) {
        uint32_t place = server->spare_account - 1;
        struct msim_exchange_account *spare = &server->accounts[place];
        server->spare_account = spare->next_spare;
        spare->is_spare = false;
        if (spare->is_nameless) { /* nobody has guessed its name meanwhile */
            *account = place;
            return MSIM_OK;
        }
    }
    msim_native_id_print(server->codec, MSIM_NATIVE_ID_ACCOUNT, ++server->names, name);
    int r = open(server, name, sizeof name, account);
    if (r >= 0)
        server->accounts[*account].is_nameless = true;
    return r;
}

static bool has_its_first_balance(const struct msim_exchange_server *server, uint32_t account)
{
    for (uint32_t asset = 0; asset < server->asset_count; asset++) {
        int64_t free = 0;
        int64_t held = 0;
        if (msim_engine_balance(server->engine, account, asset, &free, &held) < 0 || held != 0 ||
            free != server->initial_balances[asset])
            return false;
    }
    return true;
}

void msim_exchange_account_left(struct msim_exchange_server *server, uint32_t account)
{
    struct msim_exchange_account *left = &server->accounts[account];

    /* A sequence: something was told of an order that nobody placed. */
    if (!left->is_nameless || left->is_spare || left->has_traded || left->clients ||
        left->sequence != 0 || !has_its_first_balance(server, account))
        return;
    left->is_spare = true;
    left->next_spare = server->spare_account;
    server->spare_account = account + 1;
}

struct msim_exchange_account *msim_exchange_account(struct msim_exchange_server *server,
                                                    uint32_t account)
{
    return account < server->account_capacity && server->accounts[account].is_known
               ? &server->accounts[account]
               : NULL;
}
