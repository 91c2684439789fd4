/*
 * Calls over HTTP: who asks, what befalls the request and its answer, and errors.
 */
#include "server/exchange/rest.h"

#include <stdio.h>
#include <string.h>

#include <marketsim/form.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "server/exchange/recording.h"
#include "server/exchange/scripted.h"

#define SHARED_SESSION "rest-session"
#define BODY_MAX ((size_t)64 << 10)

const struct msim_exchange_path msim_exchange_paths[] = {
    {"GET", "/health", 0, msim_exchange_rest_health, NULL, "Whether it is up", "", "Health"},
    {"GET", "/api/v1/health", 0, msim_exchange_rest_health, NULL, "The same", "", "Health"},
    {"GET", "/openapi.json", 0, msim_exchange_rest_openapi, NULL, "This document", "", "Any"},
    {"GET", "/api/v1/symbols", 0, msim_exchange_rest_symbols, NULL, "What is traded", "",
     "Symbols"},
    {"GET", "/api/v1/ticker", MSIM_NATIVE_GET_TRADES, msim_exchange_rest_ticker, NULL,
     "Last price, best prices, the last 24 hours", "symbol!", "Ticker"},
    {"GET", "/api/v1/orderbook", MSIM_NATIVE_GET_ORDERBOOK, msim_exchange_rest_book, NULL,
     "The book's levels, best first", "symbol! depth", "OrderBook"},
    {"GET", "/api/v1/trades", MSIM_NATIVE_GET_TRADES, msim_exchange_rest_trades, NULL,
     "The latest trades, newest first", "symbol! limit", "Trades"},
    {"GET", "/api/v1/candles", MSIM_NATIVE_GET_TRADES, msim_exchange_rest_candles, NULL,
     "Candles, oldest first", "symbol! interval from to limit", "Candles"},
    {"GET", "/api/v1/history", MSIM_NATIVE_GET_TRADES, msim_exchange_rest_history, NULL,
     "Prices of the past, oldest first", "symbol! start end limit", "History"},
    {"POST", "/api/v1/orders", MSIM_NATIVE_PLACE_ORDER, msim_exchange_rest_place,
     msim_exchange_rest_placed, "Places an order", "", "Order"},
    {"GET", "/api/v1/orders", MSIM_NATIVE_GET_ORDERS, msim_exchange_rest_orders, NULL,
     "The account's orders, newest first", "symbol status", "Orders"},
    {"DELETE", "/api/v1/orders", MSIM_NATIVE_CANCEL_ALL, msim_exchange_rest_cancel_all,
     msim_exchange_rest_all_cancelled, "Cancels all open orders", "symbol", "CancelledAll"},
    {"GET", "/api/v1/orders/*", MSIM_NATIVE_GET_ORDER, msim_exchange_rest_order, NULL, "One order",
     "", "Order"},
    {"DELETE", "/api/v1/orders/*", MSIM_NATIVE_CANCEL_ORDER, msim_exchange_rest_cancel,
     msim_exchange_rest_cancelled, "Cancels an order", "", "Cancelled"},
    {"PATCH", "/api/v1/orders/*", MSIM_NATIVE_REPLACE_ORDER, msim_exchange_rest_change,
     msim_exchange_rest_changed, "Gives an order another price or quantity", "", "Order"},
    {"GET", "/api/v1/balance", MSIM_NATIVE_GET_BALANCE, msim_exchange_rest_balance, NULL,
     "What the account has", "", "Balance"},
    {"GET", "/api/v1/position", MSIM_NATIVE_GET_POSITION, msim_exchange_rest_position, NULL,
     "What the account bought less what it sold", "symbol!", "Position"},
    {"GET", "/api/v1/fills", MSIM_NATIVE_GET_BALANCE, msim_exchange_rest_fills, NULL,
     "The account's fills, newest first", "symbol limit", "Fills"},
    {NULL, "/api/v1", 0, msim_exchange_rest_nothing, NULL, NULL, NULL, NULL},
    {NULL, "/api/v1/*", 0, msim_exchange_rest_nothing, NULL, NULL, NULL, NULL},
};
const size_t msim_exchange_path_count = sizeof msim_exchange_paths / sizeof msim_exchange_paths[0];

/* ---- answers ---- */

void msim_exchange_call_end(struct msim_exchange_call *call)
{
    struct msim_exchange_server *server = call->server;
    struct msim_exchange_pending *pending = msim_exchange_pending_of(server, call->tag);

    if (pending && pending->call == call)
        msim_exchange_pending_end(server, pending);
    if (call->next)
        call->next->previous = call->previous;
    if (call->previous)
        call->previous->next = call->next;
    else
        server->accounts[call->account].calls = call->next;
    msim_mem_free(&server->allocator, call, sizeof *call);
}

/* No answer, or no more of it. */
static void hang_up(struct msim_exchange_call *call)
{
    if (call->exchange)
        msim_exchange_abort(call->exchange);
}

/* An answer's bytes to the socket, or to whoever replays. */
static int hand_over(struct msim_exchange_server *server, struct msim_exchange_call *call,
                     const struct msim_http_answer *answer)
{
    if (!call->exchange)
        return server->stage->told(server->stage->context, call->visit, &call->tally, answer->body,
                                   answer->body_length);
    if (server->record)
        msim_exchange_tally(&call->tally, answer->body, answer->body_length);
    return msim_exchange_answer(call->exchange, answer);
}

static void give(struct msim_exchange_server *server, struct msim_exchange_call *call, int status,
                 const void *bytes, size_t length, msim_time retry_after)
{
    char seconds[24];
    struct msim_http_header headers[] = {{"Cache-Control", "no-store"}, {"Retry-After", seconds}};
    struct msim_http_answer answer = {
        .status = status,
        .content_type = status < 400 ? "application/json" : "application/problem+json",
        .headers = headers,
        .header_count = retry_after > 0 ? 2 : 1,
        .body = bytes,
        .body_length = length,
    };

    snprintf(seconds, sizeof seconds, "%lld",
             (long long)((retry_after + MSIM_NS_PER_S - 1) / MSIM_NS_PER_S));
    /* A copy finds its request answered: one has one answer in HTTP. */
    int r = hand_over(server, call, &answer);
    if (r == MSIM_OK)
        server->stats.sent++;
    else if (r != MSIM_ERR_STATE)
        hang_up(call);
}

static struct msim_fault_link *link_of(struct msim_exchange_server *server,
                                       const struct msim_exchange_call *call, int direction)
{
    return msim_fault_session_link(server->accounts[call->account].rest, direction);
}

void msim_exchange_rest_answer(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               int status, int type, const char *bytes, size_t length)
{
    struct msim_fault_link *link = link_of(server, call, MSIM_FAULT_OUT);
    msim_time error = msim_exchange_clock_error(server, call->account);
    if (error != 0)
        bytes = msim_exchange_shifted(server, error, bytes, length);
    if (!bytes) {
        msim_exchange_fail(server, MSIM_ERR_NOMEM, "");
        hang_up(call);
        return;
    }
    struct msim_fault_message message = {
        .bytes = bytes,
        .length = length,
        .type = type,
        .has_ordinal = true,
        .ordinal = call->ordinal,
    };

    if (call->has_event)
        message.client_order_id.text = msim_venue_client_id(server->venue, call->event.client_id,
                                                            &message.client_order_id.length);
    if (msim_fault_link_watched(link) == 0) {
        give(server, call, status, bytes, length, 0);
        return;
    }
    call->status = status;
    int r = msim_faults_submit(server->faults, server->now, link, &message);
    if (r == MSIM_FAULT_PASS)
        give(server, call, status, bytes, length, 0);
    else if (r < 0)
        hang_up(call);
}

static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 409:
        return "Conflict";
    case 415:
        return "Unsupported Media Type";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

static size_t problem(const struct msim_native_refusal *refusal, int status, char *out, size_t size)
{
    const char *code = refusal->reject != MSIM_REJECT_NONE ? msim_reject_name(refusal->reject)
                                                           : msim_native_error_name(refusal->error);
    struct msim_json_writer writer;
    size_t length = 0;

    msim_json_write_buffer(&writer, out, size);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "error");
    msim_json_write_text(&writer, refusal->message);
    msim_json_write_key(&writer, "code");
    msim_json_write_text(&writer, code);
    msim_json_write_key(&writer, "details");
    msim_json_write_raw(&writer, refusal->details[0] ? refusal->details : "{}",
                        refusal->details[0] ? strlen(refusal->details) : 2);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, "about:blank");
    msim_json_write_key(&writer, "title");
    msim_json_write_text(&writer, title_of(status));
    msim_json_write_key(&writer, "status");
    msim_json_write_integer(&writer, status);
    msim_json_write_key(&writer, "detail");
    msim_json_write_text(&writer, refusal->message);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, &length) < 0 ? 0 : length;
}

void msim_exchange_rest_refuse(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               int status)
{
    size_t length = problem(&server->refusal, status, server->message, sizeof server->message);
    int type = call->path->request == MSIM_NATIVE_PLACE_ORDER    ? MSIM_FAULT_REJECT_NEW
               : call->path->request == MSIM_NATIVE_CANCEL_ORDER ? MSIM_FAULT_REJECT_CANCEL
                                                                 : MSIM_FAULT_RESP_OTHER;

    server->stats.errors++;
    msim_exchange_rest_answer(server, call, status, type, server->message, length);
}

void msim_exchange_rest_error(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              int status, int error, const char *words)
{
    server->refusal = (struct msim_native_refusal){.error = (uint8_t)error, .details = "{}"};
    snprintf(server->refusal.message, sizeof server->refusal.message, "%s", words);
    msim_exchange_rest_refuse(server, call, status);
}

int msim_exchange_rest_status(const struct msim_native_refusal *refusal)
{
    if (refusal->reject == MSIM_REJECT_DUPLICATE_CLIENT_ID)
        return 409;
    if (refusal->reject != MSIM_REJECT_NONE)
        return 400;
    switch (refusal->error) {
    case MSIM_NATIVE_UNKNOWN_SYMBOL:
    case MSIM_NATIVE_ORDER_NOT_FOUND:
        return 404;
    case MSIM_NATIVE_CANCEL_FAILED:
    case MSIM_NATIVE_DUPLICATE_CLIENT_ID:
        return 409;
    case MSIM_NATIVE_INTERNAL:
        return 503;
    default:
        return 400;
    }
}

/* ---- queries ---- */

int msim_exchange_rest_query(const struct msim_exchange_call *call, const char *key, char *out,
                             size_t size)
{
    const char *query = call->query;
    int r = msim_form_value(query, strlen(query), key, out, size);

    if (r == MSIM_ERR_NOT_FOUND) {
        out[0] = '\0';
        return 0;
    }
    return r;
}

bool msim_exchange_rest_refuse_query(struct msim_exchange_server *server,
                                     struct msim_exchange_call *call, int error, const char *key,
                                     const char *words)
{
    server->refusal = (struct msim_native_refusal){.error = (uint8_t)error};
    snprintf(server->refusal.message, sizeof server->refusal.message, "%s %s", key, words);
    snprintf(server->refusal.details, sizeof server->refusal.details, "{\"field\":\"%s\"}", key);
    msim_exchange_rest_refuse(server, call, msim_exchange_rest_status(&server->refusal));
    return false;
}

bool msim_exchange_rest_symbol(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               bool optional)
{
    char symbol[MSIM_NATIVE_SYMBOL_MAX + 1];
    int r = msim_exchange_rest_query(call, "symbol", symbol, sizeof symbol);

    server->request.instrument = MSIM_ALL_INSTRUMENTS;
    if (optional && (r == 0 || strcmp(symbol, "*") == 0))
        return true;
    if (r == 0)
        return msim_exchange_rest_refuse_query(server, call, MSIM_NATIVE_MISSING_FIELD, "symbol",
                                               "is missing: name one, such as ?symbol=BTC/USD");
    if (r < 0 ||
        msim_native_codec_find(server->codec, symbol, (size_t)r, &server->request.instrument) < 0)
        return msim_exchange_rest_refuse_query(
            server, call, MSIM_NATIVE_UNKNOWN_SYMBOL, "symbol",
            "is none that is traded here: GET /api/v1/symbols lists them");
    return true;
}

bool msim_exchange_rest_count(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const char *key, uint32_t most, uint32_t *out)
{
    char text[32];
    char words[64];
    int64_t value;
    int r = msim_exchange_rest_query(call, key, text, sizeof text);

    if (r == 0)
        return true;
    if (r < 0 || msim_decimal_parse(text, (size_t)r, 0, &value) < 0 || value < 1 || value > most) {
        snprintf(words, sizeof words, "is a whole number from 1 to %u", most);
        return msim_exchange_rest_refuse_query(server, call, MSIM_NATIVE_INVALID_FIELD, key, words);
    }
    *out = (uint32_t)value;
    return true;
}

bool msim_exchange_rest_time(struct msim_exchange_server *server, struct msim_exchange_call *call,
                             const char *key, msim_time *out)
{
    char text[MSIM_CALENDAR_SIZE];
    int r = msim_exchange_rest_query(call, key, text, sizeof text);

    if (r == 0)
        return true;
    if (r < 0 || (msim_calendar_parse(text, (size_t)r, out) < 0 &&
                  msim_decimal_parse(text, (size_t)r, -9, out) < 0))
        return msim_exchange_rest_refuse_query(
            server, call, MSIM_NATIVE_INVALID_FIELD, key,
            "is a moment such as 2024-01-31T12:00:00Z, or seconds since 1970");
    return true;
}

/* ---- the answers to commands ---- */

void msim_exchange_rest_event(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const struct msim_event *event)
{
    call->event = *event;
    call->has_event = true;
    if (!call->is_waiting)
        return;
    call->is_waiting = false;
    call->path->finish(server, call);
}

void msim_exchange_rest_refused(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const struct msim_fault_said *said,
                                const struct msim_native_refusal *refusal)
{
    int status = said && said->http >= 400 && said->http <= 599 ? said->http : 503;

    call->is_waiting = false;
    server->refusal = *refusal;
    msim_exchange_rest_refuse(server, call, status);
}

void msim_exchange_rest_nothing(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const char *body, size_t length)
{
    struct msim_nearest nearest = {.word = call->target};
    char near[160];
    char words[224];

    (void)body;
    (void)length;
    for (size_t i = 0; i < msim_exchange_path_count; i++)
        if (msim_exchange_paths[i].method && !strchr(msim_exchange_paths[i].path, '*'))
            msim_nearest_see(&nearest, msim_exchange_paths[i].path);
    msim_nearest_path_words(&nearest, "", near, sizeof near);
    snprintf(words, sizeof words, "%s: GET /openapi.json lists what there is", near);
    msim_exchange_rest_error(server, call, 404, MSIM_NATIVE_UNKNOWN_TYPE, words);
}

/* ---- requests ---- */

static int open_session(struct msim_exchange_server *server, uint32_t number, const char *label)
{
    struct msim_exchange_account *account = &server->accounts[number];
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;

    if (account->rest)
        return MSIM_OK;
    if (!account->party)
        account->party = msim_mem_zero(&server->allocator, sizeof *account->party);
    if (!account->party)
        return MSIM_ERR_NOMEM;
    account->party->account = number;
    params.client = label && label[0] ? label : NULL;
    params.account = msim_venue_account_name(server->venue, number);
    params.channel = MSIM_FAULT_REST;
    params.user = account->party;
    return msim_faults_session_open(server->faults, server->now, &params, &account->rest, NULL);
}

void msim_exchange_rest_forget(struct msim_exchange_server *server,
                               struct msim_exchange_account *account)
{
    msim_mem_free(&server->allocator, account->party, sizeof *account->party);
    account->party = NULL;
}

struct msim_exchange_call *msim_exchange_call_begin(struct msim_exchange_server *server,
                                                    const struct msim_exchange_arrival *arrival)
{
    uint32_t number;
    int r =
        msim_exchange_account_named(server, arrival->session, strlen(arrival->session), &number);

    if (r >= 0)
        r = open_session(server, number, arrival->label);
    struct msim_exchange_call *call =
        r >= 0 ? msim_mem_zero(&server->allocator, sizeof *call) : NULL;
    if (!call) {
        if (arrival->exchange)
            msim_exchange_refuse(arrival->exchange, r == MSIM_ERR_INVALID ? 400 : 503,
                                 r == MSIM_ERR_INVALID ? MSIM_EXCHANGE_SESSION_WORDS
                                                       : "no room for this request now");
        return NULL;
    }
    struct msim_exchange_account *account = &server->accounts[number];
    call->server = server;
    call->exchange = arrival->exchange;
    call->path = arrival->path;
    call->target = arrival->target;
    call->query = arrival->query;
    call->visit = ++server->visits;
    call->account = number;
    call->ordinal = account->rest_ordinal++;
    call->next = account->calls;
    if (account->calls)
        account->calls->previous = call;
    account->calls = call;
    if (call->exchange)
        msim_exchange_set_user(call->exchange, call);
    return call;
}

static bool is_json(const struct msim_exchange *exchange)
{
    static const char wanted[] = "application/json";
    const char *type = msim_exchange_header(exchange, "Content-Type");

    if (!type)
        return true;
    size_t length = strcspn(type, "; \t");
    if (length != sizeof wanted - 1)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((type[i] | 0x20) != (wanted[i] | 0x20))
            return false;
    return true;
}

static void serve(struct msim_exchange_server *server, struct msim_exchange_call *call,
                  const char *body, size_t length)
{
    memset(&server->request, 0, offsetof(struct msim_native_request, scratch));
    server->request.type = (uint8_t)call->path->request;
    if (call->path->method && strcmp(call->path->method, "GET") == 0)
        msim_exchange_catch_up(server);
    call->path->serve(server, call, body, length);
}

void msim_exchange_call_take(struct msim_exchange_server *server, struct msim_exchange_call *call,
                             const struct msim_exchange_arrival *arrival)
{
    const char *body = arrival->body;
    struct msim_native_request classified;
    struct msim_fault_message message;

    server->stats.received++;
    if (arrival->length > 0 && !arrival->is_json) {
        msim_exchange_rest_error(server, call, 415, MSIM_NATIVE_INVALID_JSON,
                                 "the body is to be JSON: send Content-Type: application/json");
        return;
    }
    int r = msim_exchange_scripted_look(server, body, arrival->length);
    if (r < 0)
        msim_exchange_fail(server, r, server->detail.text);
    struct msim_fault_link *link = link_of(server, call, MSIM_FAULT_IN);
    if (msim_fault_link_watched(link) == 0) {
        serve(server, call, body, arrival->length);
        return;
    }
    msim_exchange_classify(server,
                           call->path->request != 0 ? call->path->request : MSIM_NATIVE_PING, body,
                           arrival->length, &classified, &message);
    message.has_ordinal = true;
    message.ordinal = call->ordinal;
    r = msim_faults_submit(server->faults, server->now, link, &message);
    if (r == MSIM_FAULT_PASS)
        serve(server, call, body, arrival->length);
    else if (r == MSIM_FAULT_TAKEN)
        r = msim_exchange_wire_run(server);
    else
        hang_up(call);
    if (r < 0 && r != MSIM_ERR_CLOSED)
        msim_exchange_fail(server, r, server->detail.text);
}

static void record(struct msim_exchange_server *server, const struct msim_exchange_arrival *arrival)
{
    const struct msim_native_text texts[] = {
        msim_frame_text(arrival->session),
        msim_frame_text(arrival->label),
        msim_frame_text(arrival->target),
        msim_frame_text(arrival->query),
        msim_frame_text(arrival->is_json ? "" : "other"),
        {arrival->body, arrival->length},
    };

    msim_exchange_record(server, FRAME_CALL, 0, (uint64_t)(arrival->path - msim_exchange_paths),
                         texts, sizeof texts / sizeof texts[0]);
}

static void request(void *context, struct msim_exchange *exchange)
{
    struct msim_exchange_names names;
    struct msim_detail detail = {{0}};
    const struct msim_exchange_mount *mount = context;
    struct msim_exchange_server *server = mount->server;
    const struct msim_http_request *http = msim_exchange_request(exchange);
    const struct msim_caller *caller = msim_exchange_caller(exchange);
    struct msim_exchange_arrival arrival = {
        .exchange = exchange,
        .path = mount->path,
        .session = names.session,
        .label = names.label,
        .target = http->path,
        .query = http->query,
        .is_json = is_json(exchange),
        .body = (const char *)http->body,
        .length = http->body_length,
    };

    if (msim_exchange_names(&names, http->query, msim_exchange_header(exchange, "X-Session-ID"),
                            msim_exchange_header(exchange, "X-Msim-Client"), &detail) < 0) {
        msim_exchange_refuse(exchange, 400, detail.text);
        return;
    }
    /* Who has a key is who the key says. */
    if (caller && caller->account[0] != '\0')
        arrival.session = caller->account;
    if (arrival.session[0] == '\0')
        arrival.session = SHARED_SESSION;
    if (mount->path->request != 0)
        msim_exchange_attend(server);
    msim_exchange_clock(server);
    record(server, &arrival);
    struct msim_exchange_call *call = msim_exchange_call_begin(server, &arrival);
    if (call)
        msim_exchange_call_take(server, call, &arrival);
}

static void ended(void *context, struct msim_exchange *exchange)
{
    struct msim_exchange_call *call = msim_exchange_user(exchange);

    (void)context;
    if (!call)
        return;
    msim_exchange_clock(call->server);
    msim_exchange_record(call->server, FRAME_CALL_END, call->visit, call->tally.hash, NULL, 0);
    msim_exchange_call_end(call);
}

/* ---- what the failure layer lets go ---- */

static struct msim_exchange_call *call_of(const struct msim_exchange_server *server,
                                          uint32_t account, uint64_t ordinal)
{
    struct msim_exchange_call *call = server->accounts[account].calls;

    while (call && call->ordinal != ordinal)
        call = call->next;
    return call;
}

static void act(struct msim_exchange_server *server, struct msim_exchange_call *call,
                const struct msim_fault_output *output)
{
    struct msim_native_refusal refusal = {.error = MSIM_NATIVE_RATE_LIMITED, .details = "{}"};
    size_t length;

    switch (output->action) {
    case MSIM_FAULT_ACTION_REJECT:
        snprintf(refusal.message, sizeof refusal.message,
                 "too many requests: wait as long as Retry-After says");
        server->stats.errors++;
        length = problem(&refusal, 429, server->message, sizeof server->message);
        give(server, call, output->code == 418 ? 418 : 429, server->message, length,
             output->duration > 0 ? output->duration : MSIM_NS_PER_S);
        break;
    case MSIM_FAULT_ACTION_HTTP_HANG:
        call->ends_at = server->now + output->duration;
        if (server->next_expiry > call->ends_at)
            server->next_expiry = call->ends_at;
        break;
    case MSIM_FAULT_ACTION_HTTP_STATUS:
        give(server, call, output->code, output->reason, strlen(output->reason), 0);
        break;
    default: /* whatever ends a connection */
        hang_up(call);
        break;
    }
}

int msim_exchange_rest_output(struct msim_exchange_server *server, uint32_t account,
                              const struct msim_fault_output *output)
{
    struct msim_exchange_call *call = call_of(server, account, output->ordinal);

    /* Copies find their answer given; who has hung up hears nothing. */
    if (!call || call->is_waiting)
        return MSIM_OK;
    if (output->kind == MSIM_FAULT_OUTPUT_ACTION) {
        act(server, call, output);
        return MSIM_OK;
    }
    if (output->direction == MSIM_FAULT_OUT) {
        give(server, call, call->status, output->bytes, output->length, 0);
        return MSIM_OK;
    }
    char *held = msim_exchange_hold(server, output->bytes, output->length);
    if (!held)
        return MSIM_ERR_NOMEM;
    serve(server, call, held, output->length);
    return MSIM_OK;
}

msim_time msim_exchange_rest_expire(struct msim_exchange_server *server)
{
    if (server->now < server->next_expiry)
        return server->next_expiry;
    server->next_expiry = MSIM_TIME_NEVER;
    for (size_t i = 0; i < server->account_capacity; i++)
        for (struct msim_exchange_call *call = server->accounts[i].calls; call; call = call->next) {
            if (call->ends_at == 0)
                continue;
            if (call->ends_at <= server->now)
                hang_up(call);
            else if (call->ends_at < server->next_expiry)
                server->next_expiry = call->ends_at;
        }
    return server->next_expiry;
}

/* ---- the listener ---- */

static void write_metrics(void *context, struct msim_metrics *metrics)
{
    const struct msim_exchange_server *server = context;
    struct msim_exchange_stats stats;

    msim_exchange_server_stats(server, &stats);
    msim_metrics_gauge(metrics, "marketsim_exchange_clients", "WebSockets now", stats.clients);
    msim_metrics_gauge(metrics, "marketsim_exchange_accounts", "Accounts of robots",
                       stats.accounts);
    msim_metrics_counter(metrics, "marketsim_exchange_requests_total",
                         "Messages and HTTP requests received", stats.received);
    msim_metrics_counter(metrics, "marketsim_exchange_sent_total",
                         "Messages and answers sent; a public one counts once", stats.sent);
    msim_metrics_counter(metrics, "marketsim_exchange_errors_total", "Requests refused",
                         stats.errors);
    msim_metrics_counter(metrics, "marketsim_exchange_commands_total",
                         "Commands given to the venue", stats.commands);
}

/* Where a WebSocket is served: elsewhere there is nothing, for whomever asks. */
static const char *const sockets[] = {"/ws", "/", MSIM_EXCHANGE_PUBLIC_PATH};

#define SOCKETS (sizeof sockets / sizeof sockets[0])
#define PATHS (sizeof msim_exchange_paths / sizeof msim_exchange_paths[0])

int msim_exchange_rest_listen(struct msim_exchange_server *server,
                              struct msim_listen_params *params, struct msim_detail *detail)
{
    static const struct msim_http_handler handler = {.request = request, .ended = ended};
    struct msim_route routes[PATHS + SOCKETS + MSIM_HEALTH_ROUTES];

    server->mounts =
        msim_mem_zero_array(&server->allocator, msim_exchange_path_count, sizeof *server->mounts);
    if (!server->mounts)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < msim_exchange_path_count; i++) {
        server->mounts[i] = (struct msim_exchange_mount){server, &msim_exchange_paths[i]};
        routes[i] = (struct msim_route){
            .method = msim_exchange_paths[i].method,
            .path = msim_exchange_paths[i].path,
            .http = &handler,
            .context = &server->mounts[i],
            .max_body_bytes = BODY_MAX,
            .max_body_name = "no option sets it",
        };
    }
    for (size_t i = 0; i < SOCKETS; i++)
        routes[PATHS + i] = (struct msim_route){
            .path = sockets[i], .websocket = &msim_exchange_wire, .context = server};
    server->health = (struct msim_health){.allocator = server->allocator,
                                          .net = server->net,
                                          .metrics = write_metrics,
                                          .context = server};
    msim_health_routes(&server->health, routes + PATHS + SOCKETS);
    params->routes = routes;
    params->route_count = PATHS + SOCKETS + MSIM_HEALTH_ROUTES;
    return msim_net_listen(server->net, &server->listener, params, detail);
}
