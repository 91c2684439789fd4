/*
 * The market by hand: what accounts have, what the model's price is, whether there is trading.
 *
 * All of it is commands of the venue like any other, in the log with the rest.
 */
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/mem.h"
#include "server/exchange/admin.h"

#define MOST_ACCOUNTS_SHOWN 10000
#define ACCOUNTS_TEXT_MAX ((size_t)8 << 20)

/* ---- what it says of itself ---- */

static void write_time(struct msim_json_writer *writer, const char *key, msim_time time)
{
    char text[MSIM_CALENDAR_SIZE];
    size_t length = msim_calendar_print(time - time % MSIM_NS_PER_US, MSIM_CALENDAR_ISO, text);

    msim_json_write_key(writer, key);
    msim_json_write_string(writer, text, length);
}

static void write_count(struct msim_json_writer *writer, const char *key, uint64_t count)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, count);
}

void msim_manage_health(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    struct msim_json_writer writer;
    struct msim_exchange_stats stats;
    char text[512];
    char digest[17];
    size_t length = 0;

    msim_exchange_server_stats(server, &stats);
    snprintf(digest, sizeof digest, "%016llx",
             (unsigned long long)msim_engine_digest(server->engine));
    msim_json_write_buffer(&writer, text, sizeof text);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "status");
    msim_json_write_text(&writer, server->is_stopping ? "stopping" : "ok");
    msim_json_write_key(&writer, "version");
    msim_json_write_text(&writer, msim_version());
    write_time(&writer, "timestamp", server->now);
    write_count(&writer, "seed", server->settings.seed);
    write_count(&writer, "clients", stats.clients);
    write_count(&writer, "accounts", stats.accounts);
    write_count(&writer, "commands", stats.commands);
    msim_json_write_key(&writer, "engine_digest");
    msim_json_write_text(&writer, digest);
    msim_json_write_object_end(&writer);
    msim_json_write_end(&writer, &length);
    msim_manage_give(call, 200, "application/json", text, length);
}

/* ---- accounts ---- */

void msim_manage_accounts(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    uint32_t count = msim_venue_account_count(server->venue);
    struct msim_json_writer writer;
    struct msim_bytes bytes;

    msim_bytes_init(&bytes, ACCOUNTS_TEXT_MAX, &server->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    write_count(&writer, "count", count - MSIM_VENUE_FIRST_ACCOUNT);
    msim_json_write_key(&writer, "accounts");
    msim_json_write_array(&writer);
    for (uint32_t i = MSIM_VENUE_FIRST_ACCOUNT; i < count && i < MOST_ACCOUNTS_SHOWN; i++)
        msim_json_write_text(&writer, msim_venue_account_name(server->venue, i));
    msim_json_write_array_end(&writer);
    msim_json_write_object_end(&writer);
    msim_manage_give_json(call, &writer, &bytes);
}

static bool find_account(struct msim_manage_call *call, uint32_t *account)
{
    if (msim_venue_account_find(call->server->venue, call->name, strlen(call->name), account) >=
            0 &&
        msim_exchange_account(call->server, *account))
        return true;
    msim_detail_set(&call->detail, MSIM_ERR_NOT_FOUND,
                    "there is no account \"%s\": GET /admin/v1/accounts lists them", call->name);
    msim_manage_fail(call, MSIM_ERR_NOT_FOUND);
    return false;
}

static void write_balances(struct msim_json_writer *writer,
                           const struct msim_exchange_server *server, uint32_t account)
{
    msim_json_write_key(writer, "balances");
    msim_json_write_object(writer);
    for (uint32_t asset = 0; asset < server->asset_count; asset++) {
        struct msim_asset_view view;
        int64_t free;
        int64_t held;
        if (msim_engine_asset(server->engine, asset, &view) < 0 ||
            msim_engine_balance(server->engine, account, asset, &free, &held) < 0)
            continue;
        msim_json_write_key(writer, view.name);
        msim_json_write_object(writer);
        msim_json_write_key(writer, "free");
        msim_json_write_decimal_text(writer, free, view.exponent);
        msim_json_write_key(writer, "held");
        msim_json_write_decimal_text(writer, held, view.exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

static void show_account(struct msim_manage_call *call, uint32_t account)
{
    struct msim_exchange_server *server = call->server;
    struct msim_json_writer writer;
    struct msim_bytes bytes;
    uint64_t connections = 0;

    for (const struct msim_exchange_client *client = server->accounts[account].clients; client;
         client = client->next)
        connections++;
    msim_bytes_init(&bytes, ACCOUNTS_TEXT_MAX, &server->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "account");
    msim_json_write_text(&writer, call->name);
    write_count(&writer, "connections", connections);
    write_balances(&writer, server, account);
    msim_json_write_object_end(&writer);
    msim_manage_give_json(call, &writer, &bytes);
}

void msim_manage_account(struct msim_manage_call *call)
{
    uint32_t account;

    if (find_account(call, &account))
        show_account(call, account);
}

/* ---- money ---- */

static int move(struct msim_exchange_server *server, int kind, uint32_t account, uint32_t asset,
                int64_t amount)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    order.command.kind = (uint8_t)kind;
    order.command.time = server->now;
    order.command.account = account;
    order.command.asset = asset;
    order.command.amount = amount;
    int r = msim_venue_submit(server->venue, &order);
    return r < 0 ? r : msim_exchange_outputs(server, server->now);
}

/* The amount that the body names, of an asset that it names. */
static bool read_amount(struct msim_manage_call *call, uint32_t *asset, int64_t *amount)
{
    static const char *const keys[] = {"asset", "amount", NULL};
    const struct msim_engine *engine = call->server->engine;
    struct msim_json_document document;
    struct msim_asset_view view;
    char name[65];
    bool good = false;

    if (!msim_manage_read(call, &document, keys))
        return false;
    if (msim_manage_text(call, &document, "asset", name, sizeof name)) {
        if (msim_engine_asset_find(engine, name, strlen(name), asset) < 0 ||
            msim_engine_asset(engine, *asset, &view) < 0)
            msim_manage_fail(call,
                             msim_json_refuse(&document, msim_json_member(&document, 0, "asset"),
                                              &call->detail, MSIM_ERR_INVALID,
                                              "\"%s\" is no asset of this exchange", name));
        else
            good = msim_manage_amount(call, &document, "amount", view.exponent, amount);
    }
    msim_json_document_finish(&document);
    return good;
}

static bool fits_in(struct msim_manage_call *call, uint32_t account, uint32_t asset, int64_t amount)
{
    struct msim_asset_view view;
    int64_t free = 0;
    int64_t held = 0;

    msim_engine_balance(call->server->engine, account, asset, &free, &held);
    if (msim_engine_asset(call->server->engine, asset, &view) >= 0 &&
        amount <= INT64_MAX - view.total && amount <= INT64_MAX - free - held)
        return true;
    msim_manage_refuse(call, 409, "the exchange cannot count so much of this asset");
    return false;
}

void msim_manage_deposit(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    uint32_t account;
    uint32_t asset;
    int64_t amount;

    if (!read_amount(call, &asset, &amount))
        return;
    int r = msim_exchange_account_named(server, call->name, strlen(call->name), &account);
    if (r == MSIM_ERR_INVALID)
        msim_detail_set(&call->detail, r,
                        "an account's name has 1 to %d bytes, without '/' and '|'",
                        MSIM_VENUE_ACCOUNT_MAX);
    if (r >= 0 && !fits_in(call, account, asset, amount))
        return;
    if (r >= 0)
        r = move(server, MSIM_COMMAND_DEPOSIT, account, asset, amount);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        show_account(call, account);
}

void msim_manage_withdraw(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    uint32_t account;
    uint32_t asset;
    int64_t amount;
    int64_t free = 0;
    int64_t held = 0;

    if (!find_account(call, &account) || !read_amount(call, &asset, &amount))
        return;
    if (msim_engine_balance(server->engine, account, asset, &free, &held) < 0 || amount > free) {
        msim_manage_refuse(call, 409,
                           "the account has less than that free: cancel orders, or take "
                           "less");
        return;
    }
    int r = move(server, MSIM_COMMAND_WITHDRAW, account, asset, amount);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        show_account(call, account);
}

static int cancel_all(struct msim_exchange_server *server, uint32_t account)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    order.command.kind = MSIM_COMMAND_CANCEL_ALL;
    order.command.time = server->now;
    order.command.account = account;
    order.command.instrument = MSIM_ALL_INSTRUMENTS;
    int r = msim_venue_submit(server->venue, &order);
    return r < 0 ? r : msim_exchange_outputs(server, server->now);
}

static int restore(struct msim_exchange_server *server, uint32_t account)
{
    int r = MSIM_OK;

    for (uint32_t asset = 0; asset < server->asset_count && r >= 0; asset++) {
        int64_t free = 0;
        int64_t held = 0;
        int64_t wanted = server->initial_balances[asset];
        msim_engine_balance(server->engine, account, asset, &free, &held);
        if (free > wanted)
            r = move(server, MSIM_COMMAND_WITHDRAW, account, asset, free - wanted);
        else if (free < wanted)
            r = move(server, MSIM_COMMAND_DEPOSIT, account, asset, wanted - free);
    }
    return r;
}

void msim_manage_account_reset(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    struct msim_venue_order_view left;
    uint32_t account;

    if (!find_account(call, &account))
        return;
    int r = cancel_all(server, account);
    if (r >= 0 && msim_venue_orders(server->venue, account, MSIM_ALL_INSTRUMENTS, MSIM_VENUE_LIVE,
                                    UINT64_MAX, &left, 1) > 0) {
        msim_manage_refuse(call, 409,
                           "its orders cannot be cancelled: trading is halted (POST "
                           "/admin/v1/resume), or a strategy withholds it (POST "
                           "/admin/v1/faults/heal)");
        return;
    }
    if (r >= 0)
        r = restore(server, account);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        show_account(call, account);
}

/* ---- the market ---- */

/* The symbol of the body; "*" (or no body, where that will do) is all of them. */
static bool read_symbol(struct msim_manage_call *call, const struct msim_json_document *document,
                        bool all_will_do, uint32_t *instrument)
{
    char symbol[MSIM_NATIVE_SYMBOL_MAX + 1];

    if (!msim_manage_text(call, document, "symbol", symbol, sizeof symbol))
        return false;
    *instrument = MSIM_ALL_INSTRUMENTS;
    if (all_will_do && strcmp(symbol, "*") == 0)
        return true;
    if (msim_native_codec_find(call->server->codec, symbol, strlen(symbol), instrument) >= 0)
        return true;
    msim_manage_fail(call, msim_json_refuse(document, msim_json_member(document, 0, "symbol"),
                                            &call->detail, MSIM_ERR_INVALID,
                                            "\"%s\" is not traded here: GET /api/v1/symbols "
                                            "lists what is",
                                            symbol));
    return false;
}

void msim_manage_price(struct msim_manage_call *call)
{
    static const char *const keys[] = {"symbol", "price", NULL};
    struct msim_exchange_server *server = call->server;
    struct msim_json_document document;
    uint32_t instrument;
    msim_price price;
    bool good = false;

    if (!msim_manage_read(call, &document, keys))
        return;
    if (read_symbol(call, &document, false, &instrument))
        good = msim_manage_amount(call, &document, "price",
                                  server->settings.listings[instrument].price_exponent, &price);
    msim_json_document_finish(&document);
    if (!good)
        return;
    int r = msim_venue_set_price(server->venue, server->now, instrument, price, &call->detail);
    if (r == MSIM_ERR_STATE)
        msim_detail_set(&call->detail, r, "this symbol has no model: %s",
                        server->settings.listings[instrument].ticker[0] != '\0'
                            ? "its prices are the trades of exchange.history.file"
                            : "exchange.liquidity.enabled is false");
    if (r < 0)
        msim_manage_fail(call, r);
    else
        msim_manage_give(call, 204, NULL, NULL, 0);
}

static void set_state(struct msim_manage_call *call, enum msim_instrument_state state)
{
    static const char *const keys[] = {"symbol", NULL};
    struct msim_exchange_server *server = call->server;
    struct msim_json_document document;
    uint32_t instrument = MSIM_ALL_INSTRUMENTS;
    bool good = true;

    if (call->length > 0) {
        if (!msim_manage_read(call, &document, keys))
            return;
        good = read_symbol(call, &document, true, &instrument);
        msim_json_document_finish(&document);
    }
    if (!good)
        return;
    bool all = instrument == MSIM_ALL_INSTRUMENTS;
    uint32_t last = all ? (uint32_t)server->market_count : instrument + 1;
    int r = MSIM_OK;
    for (uint32_t i = all ? 0 : instrument; i < last && r >= 0; i++)
        r = msim_venue_set_state(server->venue, server->now, i, state);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        msim_manage_give(call, 204, NULL, NULL, 0);
}

void msim_manage_halt(struct msim_manage_call *call)
{
    set_state(call, MSIM_STATE_HALTED);
}

void msim_manage_resume(struct msim_manage_call *call)
{
    set_state(call, MSIM_STATE_TRADING);
}

void msim_manage_snapshot(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    size_t length = 0;
    char *bytes = NULL;

    int r = msim_exchange_outputs(server, server->now);
    if (r >= 0)
        r = msim_venue_snapshot(server->venue, NULL, 0, &length);
    size_t size = length;
    if (r == MSIM_ERR_LIMIT && size <= MSIM_MANAGE_SNAPSHOT_MAX) {
        bytes = msim_mem_take(&server->allocator, size);
        r = bytes ? msim_venue_snapshot(server->venue, bytes, size, &length) : MSIM_ERR_NOMEM;
    }
    if (r < 0)
        msim_manage_fail(call, r);
    else
        msim_manage_give(call, 200, "application/octet-stream", bytes, length);
    msim_mem_free(&server->allocator, bytes, size);
}
