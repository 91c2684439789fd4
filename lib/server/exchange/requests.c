/*
 * What clients ask for: a decoded message becomes a command of the venue, or an answer.
 */
#include "server/exchange/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "server/exchange/rest.h"
#include "server/exchange/scripted.h"

#define NONE UINT32_MAX
#define USUAL_TRADES 100

/* ---- answers ---- */

void msim_exchange_reply(struct msim_exchange_server *server, struct msim_exchange_client *client,
                         int type, const char *bytes, size_t length)
{
    const struct msim_native_request *request = &server->request;
    struct msim_fault_message message = {
        .bytes = bytes,
        .length = length,
        .type = type,
        .symbol = {request->symbol.length > 0 ? request->symbol.text : NULL,
                   request->symbol.length},
        .client_order_id = {request->client_id.length > 0 ? request->client_id.text : NULL,
                            request->client_id.length},
    };

    msim_exchange_send(server, client, &message);
}

static struct msim_native_stamp stamp_of(const struct msim_exchange_server *server)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);

    stamp.request_id = server->request.request_id;
    return stamp;
}

static int refusal_type(uint8_t request)
{
    switch (request) {
    case MSIM_NATIVE_PLACE_ORDER:
        return MSIM_FAULT_REJECT_NEW;
    case MSIM_NATIVE_CANCEL_ORDER:
    case MSIM_NATIVE_CANCEL_ALL:
        return MSIM_FAULT_REJECT_CANCEL;
    case MSIM_NATIVE_REPLACE_ORDER:
        return MSIM_FAULT_REJECT_REPLACE;
    default:
        return MSIM_FAULT_RESP_OTHER;
    }
}

void msim_exchange_answer_refusal(struct msim_exchange_server *server,
                                  struct msim_exchange_client *client)
{
    struct msim_native_stamp stamp = stamp_of(server);
    const struct msim_native_refusal *refusal = &server->refusal;
    size_t length;

    server->stats.errors++;
    if (refusal->reject == MSIM_REJECT_NONE) {
        length = msim_native_encode_error(server->codec, &stamp, refusal, server->message);
    } else {
        struct msim_event event = {
            .kind = MSIM_EVENT_REJECTED,
            .code = refusal->reject,
            .instrument = server->request.instrument,
        };
        struct msim_native_story story = {
            .client_id = server->request.client_id,
            .reason = {refusal->message, strlen(refusal->message)},
        };
        length = msim_native_encode_event(server->codec, &stamp, &event, &story, server->message);
    }
    msim_exchange_reply(server, client, refusal_type(server->request.type), server->message,
                        length);
}

static void refuse(struct msim_exchange_server *server, int error, const char *words)
{
    server->refusal = (struct msim_native_refusal){.error = (uint8_t)error, .details = "{}"};
    snprintf(server->refusal.message, sizeof server->refusal.message, "%s", words);
}

/* ---- requests that wait ---- */

static int more_pending(struct msim_exchange_server *server)
{
    size_t old = server->pending_capacity;
    void *pending = server->pending;
    int r = msim_mem_grow(&server->allocator, &pending, &server->pending_capacity,
                          sizeof *server->pending, old + 1, MSIM_EXCHANGE_PENDING);

    if (r < 0)
        return r;
    server->pending = pending;
    memset(server->pending + old, 0, (server->pending_capacity - old) * sizeof *server->pending);
    for (size_t i = server->pending_capacity; i-- > old;) {
        server->pending[i].next_free = server->free_pending;
        server->free_pending = (uint32_t)i + 1;
    }
    return MSIM_OK;
}

static struct msim_exchange_pending *pending_take(struct msim_exchange_server *server)
{
    if (server->free_pending == 0 && more_pending(server) < 0)
        return NULL;
    struct msim_exchange_pending *pending = &server->pending[server->free_pending - 1];
    server->free_pending = pending->next_free;
    pending->generation++;
    pending->is_live = true;
    pending->is_answered = false;
    return pending;
}

void msim_exchange_pending_end(struct msim_exchange_server *server,
                               struct msim_exchange_pending *pending)
{
    if (!pending->is_live)
        return;
    pending->is_live = false;
    pending->client = NULL;
    pending->call = NULL;
    pending->next_free = server->free_pending;
    server->free_pending = (uint32_t)(pending - server->pending) + 1;
}

static uint64_t tag_of(const struct msim_exchange_server *server,
                       const struct msim_exchange_pending *pending)
{
    return (uint64_t)pending->generation << 32 | (uint64_t)(pending - server->pending + 1);
}

struct msim_exchange_pending *msim_exchange_pending_of(struct msim_exchange_server *server,
                                                       uint64_t tag)
{
    uint64_t place = (tag & UINT32_MAX) - 1;

    if (tag == 0 || place >= server->pending_capacity)
        return NULL;
    struct msim_exchange_pending *pending = &server->pending[place];
    return pending->is_live && pending->generation == (uint32_t)(tag >> 32) ? pending : NULL;
}

/*
 * The command of `server->request` goes to the venue, and what it brings about is told before
 * this returns, but where the failure layer holds it back.
 */
int msim_exchange_submit(struct msim_exchange_server *server, uint32_t account,
                         struct msim_exchange_client *client, struct msim_exchange_call *call)
{
    const struct msim_native_request *request = &server->request;
    struct msim_exchange_pending *pending = pending_take(server);
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    if (!pending)
        return MSIM_ERR_LIMIT;
    server->accounts[account].has_traded = true;
    pending->client = client;
    pending->call = call;
    pending->type = request->type;
    pending->request_id_length = (uint8_t)request->request_id.length;
    if (request->request_id.length > 0)
        memcpy(pending->request_id, request->request_id.text, request->request_id.length);
    order.command = request->command;
    order.command.time = server->now;
    order.command.account = account;
    order.command.owner = client ? (uint32_t)client->number : 0;
    order.client_id = request->client_id.length > 0 ? request->client_id.text : NULL;
    order.client_id_length = request->client_id.length;
    order.tag = tag_of(server, pending);
    if (call)
        call->tag = order.tag;
    server->tag = order.tag;

    int r = msim_venue_submit(server->venue, &order);
    if (r < 0) {
        server->tag = 0;
        msim_exchange_pending_end(server, pending);
        return r;
    }
    server->stats.commands++;
    bool is_taken = r == MSIM_VENUE_TAKEN;
    r = msim_exchange_outputs(server, server->now);
    server->tag = 0;
    pending = msim_exchange_pending_of(server, order.tag);
    if (pending && (!is_taken || pending->is_answered))
        msim_exchange_pending_end(server, pending);
    return r < 0 ? r : msim_exchange_scripted_fill(server, account, request);
}

/* ---- which order ---- */

/*
 * Fills in the order that the request names; what can be told of it without a command is in
 * `server->refusal`.
 */
bool msim_exchange_find_order(struct msim_exchange_server *server, uint32_t account,
                              struct msim_venue_order_view *view)
{
    struct msim_native_request *request = &server->request;
    struct msim_order_view known;
    int r = MSIM_ERR_NOT_FOUND;

    if (request->names_order) {
        if (request->order != 0)
            r = msim_venue_order(server->venue, account, request->order, view);
    } else if (msim_venue_client_order(server->venue, account, request->client_id.text,
                                       request->client_id.length, &known) >= 0) {
        r = msim_venue_order(server->venue, account, known.order, view);
    }
    if (r >= 0) {
        request->command.order = view->order.order;
        request->command.handle = view->order.handle;
        return true;
    }
    refuse(server, MSIM_NATIVE_ORDER_NOT_FOUND,
           "this account has no such order, or it ended long ago: GET_ORDERS (GET "
           "/api/v1/orders) lists those that are open");
    return false;
}

static bool is_live(const struct msim_venue_order_view *view)
{
    return view->order.status == MSIM_STATUS_WAITING || view->order.status == MSIM_STATUS_OPEN ||
           view->order.status == MSIM_STATUS_PARTIALLY_FILLED;
}

/* A cancel or a replacement: of an order that is there and open. */
bool msim_exchange_find_live(struct msim_exchange_server *server, uint32_t account,
                             struct msim_venue_order_view *view)
{
    char words[128];

    if (!msim_exchange_find_order(server, account, view))
        return false;
    if (is_live(view))
        return true;
    snprintf(words, sizeof words, "the order is %s: only open orders can be cancelled or replaced",
             msim_order_status_name(view->order.status));
    refuse(server, MSIM_NATIVE_CANCEL_FAILED, words);
    return false;
}

/* ---- the venue's view as the dialect's ---- */

void msim_exchange_order_of(const struct msim_exchange_server *server,
                            const struct msim_venue_order_view *view, struct msim_native_order *out)
{
    const struct msim_order_view *order = &view->order;

    *out = (struct msim_native_order){
        .order = order->order,
        .instrument = order->instrument,
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .flags = order->flags,
        .status = order->status,
        .price = order->price,
        .stop_price = order->stop_price,
        .quantity = order->quantity,
        .filled = order->filled,
        .display_quantity = order->display_quantity,
        .notional = view->notional,
        .expires_at = order->expires_at,
        .created_at = view->created_at,
        .updated_at = view->updated_at,
    };
    out->client_id.text =
        msim_venue_client_id(server->venue, order->client_id, &out->client_id.length);
    if (!out->client_id.text)
        out->client_id.length = 0;
}

/*
 * The orders that a question is about, newest first, as one answer; 0 without memory.
 */
size_t msim_exchange_encode_own_orders(struct msim_exchange_server *server, uint32_t account,
                                       const struct msim_native_stamp *stamp, int style,
                                       const char **bytes)
{
    const struct msim_native_request *request = &server->request;
    bool only_live = request->status == 0 || (request->status >= MSIM_STATUS_WAITING &&
                                              request->status <= MSIM_STATUS_PARTIALLY_FILLED);
    unsigned which = only_live ? MSIM_VENUE_LIVE : MSIM_VENUE_LIVE | MSIM_VENUE_FINISHED;
    size_t room = MSIM_EXCHANGE_LIST *
                  (sizeof(struct msim_venue_order_view) + sizeof(struct msim_native_order));
    struct msim_venue_order_view *views = msim_mem_take(&server->allocator, room);
    size_t length = 0;

    if (!views)
        return 0;
    struct msim_native_order *orders = (struct msim_native_order *)(views + MSIM_EXCHANGE_LIST);
    size_t found = msim_venue_orders(server->venue, account, request->instrument, which, UINT64_MAX,
                                     views, MSIM_EXCHANGE_LIST);
    size_t count = 0;
    for (size_t i = 0; i < found; i++)
        if (request->status == 0 || views[i].order.status == request->status)
            msim_exchange_order_of(server, &views[i], &orders[count++]);
    char *list = msim_exchange_list_room(server, (count + 1) * MSIM_NATIVE_MESSAGE_MAX);
    if (list && msim_native_encode_orders(server->codec, stamp, style, orders, count, list,
                                          server->list_size, &length) < 0)
        length = 0;
    msim_mem_free(&server->allocator, views, room);
    *bytes = list;
    return length;
}

size_t msim_exchange_encode_trades(struct msim_exchange_server *server,
                                   const struct msim_native_stamp *stamp, int style,
                                   const char **bytes)
{
    const struct msim_native_request *request = &server->request;
    size_t limit = request->limit == 0                   ? USUAL_TRADES
                   : request->limit < MSIM_EXCHANGE_LIST ? request->limit
                                                         : MSIM_EXCHANGE_LIST;
    size_t room = limit * (sizeof(struct msim_venue_trade) + sizeof(struct msim_native_trade));
    struct msim_venue_trade *past = msim_mem_take(&server->allocator, room);
    size_t length = 0;

    if (!past)
        return 0;
    struct msim_native_trade *trades = (struct msim_native_trade *)(past + limit);
    size_t count = msim_venue_trades(server->venue, request->instrument, INT64_MIN, MSIM_TIME_NEVER,
                                     past, limit);
    for (size_t i = 0; i < count; i++) /* newest first */
        trades[i] = (struct msim_native_trade){
            past[count - 1 - i].trade, past[count - 1 - i].time, past[count - 1 - i].price,
            past[count - 1 - i].quantity, past[count - 1 - i].side};
    char *list = msim_exchange_list_room(server, (count + 10) * MSIM_NATIVE_MESSAGE_MAX);
    if (list && msim_native_encode_trades(server->codec, stamp, style, request->instrument, trades,
                                          count, list, server->list_size, &length) < 0)
        length = 0;
    msim_mem_free(&server->allocator, past, room);
    *bytes = list;
    return length;
}

size_t msim_exchange_encode_balances(struct msim_exchange_server *server, uint32_t account,
                                     const struct msim_native_stamp *stamp, int style,
                                     const char **bytes)
{
    size_t room = server->asset_count * sizeof(struct msim_native_balance);
    struct msim_native_balance *balances = msim_mem_zero(&server->allocator, room);
    size_t length = 0;

    if (!balances)
        return 0;
    for (uint32_t asset = 0; asset < server->asset_count; asset++) {
        int64_t free;
        int64_t held;
        if (msim_engine_balance(server->engine, account, asset, &free, &held) < 0)
            continue;
        balances[asset].free = free;
        balances[asset].total = free > INT64_MAX - held ? INT64_MAX : free + held;
        balances[asset].is_shown = free != 0 || held != 0 || server->initial_balances[asset] != 0;
    }
    char *list =
        msim_exchange_list_room(server, (server->asset_count + 1) * MSIM_NATIVE_MESSAGE_MAX);
    if (list &&
        msim_native_encode_balances(server->codec, stamp, style, balances, server->asset_count,
                                    list, server->list_size, &length) < 0)
        length = 0;
    msim_mem_free(&server->allocator, balances, room);
    *bytes = list;
    return length;
}

size_t msim_exchange_encode_position(struct msim_exchange_server *server, uint32_t account,
                                     const struct msim_native_stamp *stamp, int style)
{
    struct msim_position_view view = {0};
    struct msim_native_position position = {.instrument = server->request.instrument};

    if (msim_engine_position(server->engine, account, position.instrument, &view) >= 0) {
        position.quantity = view.quantity;
        position.average_price = view.average_price;
        position.realized = view.realised;
        position.unrealized = view.unrealised;
    }
    return msim_native_encode_position(server->codec, stamp, style, &position, server->message);
}

/* ---- by type ---- */

static void answer_list(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const char *bytes, size_t length)
{
    if (length > 0) {
        msim_exchange_reply(server, client, MSIM_FAULT_RESP_QUERY, bytes, length);
        return;
    }
    refuse(server, MSIM_NATIVE_INTERNAL, "no memory for this answer now: ask again");
    msim_exchange_answer_refusal(server, client);
}

static void get_order(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_native_stamp stamp = stamp_of(server);
    struct msim_venue_order_view view;
    struct msim_native_order order;
    size_t length = 0;

    if (!msim_exchange_find_order(server, client->account, &view)) {
        msim_exchange_answer_refusal(server, client);
        return;
    }
    msim_exchange_order_of(server, &view, &order);
    char *list = msim_exchange_list_room(server, 2 * MSIM_NATIVE_MESSAGE_MAX);
    if (list && msim_native_encode_orders(server->codec, &stamp, MSIM_NATIVE_MESSAGE, &order, 1,
                                          list, server->list_size, &length) < 0)
        length = 0;
    answer_list(server, client, list, length);
}

static void ask(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_native_stamp stamp = stamp_of(server);
    const char *bytes = NULL;
    size_t length = 0;

    switch (server->request.type) {
    case MSIM_NATIVE_GET_ORDERS:
        length = msim_exchange_encode_own_orders(server, client->account, &stamp,
                                                 MSIM_NATIVE_MESSAGE, &bytes);
        break;
    case MSIM_NATIVE_GET_BALANCE:
        length = msim_exchange_encode_balances(server, client->account, &stamp, MSIM_NATIVE_MESSAGE,
                                               &bytes);
        break;
    case MSIM_NATIVE_GET_POSITION:
        length =
            msim_exchange_encode_position(server, client->account, &stamp, MSIM_NATIVE_MESSAGE);
        bytes = server->message;
        break;
    case MSIM_NATIVE_GET_ORDERBOOK:
        length = msim_exchange_encode_book(server, &stamp, MSIM_NATIVE_MESSAGE, &bytes);
        break;
    default:
        length = msim_exchange_encode_trades(server, &stamp, MSIM_NATIVE_MESSAGE, &bytes);
        break;
    }
    answer_list(server, client, bytes, length);
}

static void pong(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_native_stamp stamp = stamp_of(server);
    struct msim_native_answered answered = {.answer = MSIM_NATIVE_PONG};
    size_t length = msim_native_encode_answer(server->codec, &stamp, &answered, server->message);

    msim_exchange_reply(server, client, MSIM_FAULT_RESP_OTHER, server->message, length);
}

/* A command that could not be taken: the venue is as it was. */
static void refuse_command(struct msim_exchange_server *server, int result)
{
    if (result == MSIM_ERR_INVALID)
        refuse(server, MSIM_NATIVE_INVALID_FIELD,
               "client_order_id has bytes that no id may have: use letters, digits, - and _");
    else
        refuse(server, MSIM_NATIVE_INTERNAL, "the venue takes no more just now: try again");
}

/* What must be known of the order before there is a command; `server->refusal` where not. */
bool msim_exchange_prepare(struct msim_exchange_server *server, uint32_t account, const char *bytes,
                           size_t length)
{
    struct msim_native_request *request = &server->request;
    struct msim_venue_order_view view;

    if (request->type != MSIM_NATIVE_CANCEL_ORDER && request->type != MSIM_NATIVE_REPLACE_ORDER)
        return msim_exchange_scripted_admit(server);
    if (!msim_exchange_find_live(server, account, &view))
        return false;
    request->command.instrument = view.order.instrument;
    request->instrument = view.order.instrument;
    /* The order is named by its number: it is the account's own. */
    if (request->type == MSIM_NATIVE_CANCEL_ORDER)
        return true;
    return msim_native_decode_change(server->codec, bytes, length, view.order.instrument, request,
                                     &server->refusal) == MSIM_NATIVE_READ;
}

static void command(struct msim_exchange_server *server, struct msim_exchange_client *client,
                    const char *bytes, size_t length)
{
    struct msim_native_request *request = &server->request;

    if (client->may_not_trade) {
        refuse(server, MSIM_NATIVE_UNAUTHORIZED,
               client->is_public ? "/ws/public is for market data: trade at /ws"
                                 : "this key may look, and change nothing: use a trader's");
        msim_exchange_answer_refusal(server, client);
        return;
    }
    if (!msim_exchange_prepare(server, client->account, bytes, length)) {
        msim_exchange_answer_refusal(server, client);
        return;
    }
    /* A new order bears its client id; any other command names its order by number. */
    struct msim_native_text client_id = request->client_id;
    if (request->type != MSIM_NATIVE_PLACE_ORDER)
        request->client_id = (struct msim_native_text){0};
    int r = msim_exchange_submit(server, client->account, client, NULL);
    request->client_id = client_id;
    if (r >= 0)
        return;
    refuse_command(server, r);
    msim_exchange_answer_refusal(server, client);
}

static void question(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    switch (server->request.type) {
    case MSIM_NATIVE_GET_ORDER:
        get_order(server, client);
        break;
    case MSIM_NATIVE_SUBSCRIBE:
        msim_exchange_subscribe(server, client);
        break;
    case MSIM_NATIVE_RESUME:
        msim_exchange_resume(server, client);
        break;
    default:
        ask(server, client);
        break;
    }
}

void msim_exchange_hear(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const char *bytes, size_t length)
{
    int r = msim_native_decode(server->codec, bytes, length, &server->request, &server->refusal);

    if (r != MSIM_NATIVE_READ) {
        msim_exchange_answer_refusal(server, client);
        return;
    }
    switch (server->request.type) {
    case MSIM_NATIVE_PLACE_ORDER:
    case MSIM_NATIVE_CANCEL_ORDER:
    case MSIM_NATIVE_CANCEL_ALL:
    case MSIM_NATIVE_REPLACE_ORDER:
        command(server, client, bytes, length);
        break;
    case MSIM_NATIVE_UNSUBSCRIBE:
        msim_exchange_unsubscribe(server, client);
        break;
    case MSIM_NATIVE_PING:
        pong(server, client);
        break;
    default:
        msim_exchange_catch_up(server);
        question(server, client);
        break;
    }
}
