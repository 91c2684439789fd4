#include "server/exchange/scripted.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define LEAD "sim-"
#define COUNTERPARTY "sim-counterparty"
#define MOST_DELAY_MS 600000

enum outcome {
    OUTCOME_NONE,
    OUTCOME_REJECT,
    OUTCOME_PARTIAL,
    OUTCOME_LOST_ACK,
    OUTCOME_DELAY,
};

struct script {
    enum outcome outcome;
    uint32_t number; /* percent, or milliseconds */
};

/* ---- the grammar: sim-OUTCOME[NUMBER]-ANYTHING ---- */

static bool starts(const char *text, size_t length, const char *word)
{
    size_t wanted = strlen(word);

    return length >= wanted && memcmp(text, word, wanted) == 0;
}

/* Digits, then a dash: 1 .. most. */
static bool read_number(const char *text, size_t length, uint32_t most, uint32_t *out)
{
    uint32_t number = 0;
    size_t i = 0;

    for (; i < length && text[i] >= '0' && text[i] <= '9' && i < 7; i++)
        number = number * 10 + (uint32_t)(text[i] - '0');
    *out = number;
    return i > 0 && text[0] != '0' && i < length && text[i] == '-' && number <= most;
}

static struct script read_script(const char *id, size_t length)
{
    struct script script = {OUTCOME_NONE, 0};

    if (!starts(id, length, LEAD))
        return script;
    id += sizeof LEAD - 1;
    length -= sizeof LEAD - 1;
    if (starts(id, length, "reject-"))
        script.outcome = OUTCOME_REJECT;
    else if (starts(id, length, "lostack-"))
        script.outcome = OUTCOME_LOST_ACK;
    else if (starts(id, length, "partial") && read_number(id + 7, length - 7, 99, &script.number))
        script.outcome = OUTCOME_PARTIAL;
    else if (starts(id, length, "delay") &&
             read_number(id + 5, length - 5, MOST_DELAY_MS, &script.number))
        script.outcome = OUTCOME_DELAY;
    return script;
}

/* ---- strategies ---- */

static int write_strategy(const struct script *script, char id[32], char *out, size_t size)
{
    switch (script->outcome) {
    case OUTCOME_LOST_ACK:
        snprintf(id, 32, "sim-lostack");
        return snprintf(out, size,
                        "{\"id\":\"%s\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\",\"type\":"
                        "[\"ack.new\",\"exec.new\"],\"cid\":\"sim-lostack-*\"}}",
                        id);
    default:
        snprintf(id, 32, "sim-delay%u", (unsigned)script->number);
        return snprintf(out, size,
                        "{\"id\":\"%s\",\"kind\":\"delay\",\"select\":{\"dir\":\"in\",\"type\":"
                        "\"order.new\",\"cid\":\"sim-delay%u-*\"},\"dist\":\"%ums\","
                        "\"order\":\"none\"}",
                        id, (unsigned)script->number, (unsigned)script->number);
    }
}

/* A heal switches it off and a reset takes it away; the next name brings it back. */
static int stand_by(struct msim_exchange_server *server, const struct script *script)
{
    char id[32];
    char json[320];
    int length = write_strategy(script, id, json, sizeof json);
    struct msim_fault_counts counts;

    if (msim_faults_counts(server->faults, id, &counts) >= 0)
        return msim_faults_enable(server->faults, server->now, id);
    return msim_faults_add(server->faults, server->now, json, (size_t)length, NULL,
                           &server->detail);
}

int msim_exchange_scripted_look(struct msim_exchange_server *server, const char *bytes,
                                size_t length)
{
    static const char mark[] = "\"" LEAD;
    const char *end = bytes + length;

    if (!server->settings.scripted)
        return MSIM_OK;
    for (const char *at = bytes; at < end; at++) {
        at = memchr(at, '"', (size_t)(end - at));
        if (!at)
            break;
        if (!starts(at, (size_t)(end - at), mark))
            continue;
        at++;
        struct script script = read_script(at, (size_t)(end - at));
        if (script.outcome != OUTCOME_LOST_ACK && script.outcome != OUTCOME_DELAY)
            continue;
        int r = stand_by(server, &script);
        /* Beyond the layer's bound on strategies an order is an order like any other. */
        if (r < 0 && r != MSIM_ERR_LIMIT)
            return r;
    }
    return MSIM_OK;
}

/* ---- refusals ---- */

/* An order that would trade at once stands a tick before that, so that part of it is left. */
static void hold_back(struct msim_exchange_server *server, struct msim_native_request *request)
{
    struct msim_command *command = &request->command;
    bool buys = command->side == MSIM_SIDE_BUY;
    struct msim_instrument_view market;

    if (command->type != MSIM_ORDER_LIMIT ||
        msim_engine_instrument(server->engine, command->instrument, &market) < 0)
        return;
    if (buys && market.best_ask != 0 && command->price >= market.best_ask &&
        market.best_ask > market.params.tick)
        command->price = market.best_ask - market.params.tick;
    else if (!buys && market.best_bid != 0 && command->price <= market.best_bid)
        command->price = market.best_bid + market.params.tick;
}

bool msim_exchange_scripted_admit(struct msim_exchange_server *server)
{
    struct msim_native_request *request = &server->request;

    if (!server->settings.scripted || request->type != MSIM_NATIVE_PLACE_ORDER)
        return true;
    struct script script = read_script(request->client_id.text, request->client_id.length);
    if (script.outcome == OUTCOME_PARTIAL)
        hold_back(server, request);
    if (script.outcome != OUTCOME_REJECT)
        return true;
    server->refusal = (struct msim_native_refusal){.reject = MSIM_REJECT_LIMIT, .details = "{}"};
    snprintf(server->refusal.message, sizeof server->refusal.message,
             "refused, as its client_order_id asks");
    return false;
}

/* ---- partial fills ---- */

static int give(struct msim_exchange_server *server, uint32_t account, uint32_t asset,
                int64_t amount)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    order.command.kind = MSIM_COMMAND_DEPOSIT;
    order.command.time = server->now;
    order.command.account = account;
    order.command.asset = asset;
    order.command.amount = amount;
    int r = msim_venue_submit(server->venue, &order);
    return r < 0 ? r : msim_exchange_outputs(server, server->now);
}

/* What the counterparty needs for its side, fees and all: twice the notional, or the quantity. */
static bool needs(const struct msim_exchange_server *server, uint32_t instrument, uint8_t side,
                  msim_price price, msim_qty quantity, uint32_t *asset, int64_t *amount)
{
    struct msim_instrument_view view;
    struct msim_asset_view held;
    msim_int128 wanted = quantity;
    int exponent;

    if (msim_engine_instrument(server->engine, instrument, &view) < 0)
        return false;
    *asset = side == MSIM_SIDE_BUY ? view.params.quote_asset : view.params.base_asset;
    exponent = view.params.quantity_exponent;
    if (side == MSIM_SIDE_BUY) {
        wanted *= price;
        wanted *= 2;
        exponent += view.params.price_exponent;
    }
    if (msim_engine_asset(server->engine, *asset, &held) < 0)
        return false;
    for (; exponent > held.exponent && wanted <= INT64_MAX; exponent--)
        wanted *= 10;
    if (wanted > (INT64_MAX - held.total) / 2)
        return false;
    *amount = (int64_t)wanted;
    return true;
}

/* The order stands alone before all others of its side: who comes now meets it first. */
static bool is_first(struct msim_exchange_server *server, uint32_t account,
                     const struct msim_native_request *request, struct msim_order_view *out)
{
    struct msim_instrument_view market;

    if (msim_venue_client_order(server->venue, account, request->client_id.text,
                                request->client_id.length, out) < 0 ||
        msim_engine_instrument(server->engine, out->instrument, &market) < 0)
        return false;
    struct msim_level_view level;
    size_t found = msim_engine_depth(server->engine, out->instrument, out->side, &level, 1);
    return found == 1 && level.price == out->price && level.order_count == 1;
}

static int fill_partly(struct msim_exchange_server *server, uint32_t account,
                       const struct msim_native_request *request)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
    struct msim_order_view resting;
    struct msim_instrument_view market;
    uint32_t counterparty;
    uint32_t asset;
    int64_t amount;

    struct script script = read_script(request->client_id.text, request->client_id.length);
    if (script.outcome != OUTCOME_PARTIAL || !is_first(server, account, request, &resting) ||
        resting.status != MSIM_STATUS_OPEN ||
        msim_engine_instrument(server->engine, resting.instrument, &market) < 0)
        return MSIM_OK;
    msim_qty quantity = (msim_qty)((msim_int128)resting.quantity * script.number / 100);
    quantity -= quantity % market.params.lot;
    uint8_t side = resting.side == MSIM_SIDE_BUY ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
    if (quantity <= 0 ||
        !needs(server, resting.instrument, side, resting.price, quantity, &asset, &amount))
        return MSIM_OK;
    int r =
        msim_exchange_account_named(server, COUNTERPARTY, sizeof COUNTERPARTY - 1, &counterparty);
    if (r >= 0)
        r = give(server, counterparty, asset, amount);
    if (r < 0)
        return r;
    order.command = (struct msim_command){
        .kind = MSIM_COMMAND_NEW,
        .time = server->now,
        .account = counterparty,
        .instrument = resting.instrument,
        .side = side,
        .type = MSIM_ORDER_LIMIT,
        .time_in_force = MSIM_TIF_IOC,
        .price = resting.price,
        .quantity = quantity,
    };
    r = msim_venue_submit(server->venue, &order);
    return r < 0 ? r : msim_exchange_outputs(server, server->now);
}

int msim_exchange_scripted_fill(struct msim_exchange_server *server, uint32_t account,
                                const struct msim_native_request *request)
{
    if (!server->settings.scripted || request->type != MSIM_NATIVE_PLACE_ORDER)
        return MSIM_OK;
    return fill_partly(server, account, request);
}
