/*
 * Orders and accounts over HTTP.
 */
#include "server/exchange/rest.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/exchange/reasons.h"
#include "server/exchange/scripted.h"

#define FILLS_USUAL 100

/* The path's order: by our id, or by the client's own, which may hold a slash (%2F). */
static void name_order(struct msim_exchange_server *server, const struct msim_exchange_call *call)
{
    struct msim_native_request *request = &server->request;
    const char *name = call->target + strlen("/api/v1/orders/");
    size_t length = strlen(name);

    if (msim_native_id_read(server->codec, MSIM_NATIVE_ID_ORDER, name, length, &request->order)) {
        request->names_order = true;
    } else {
        request->names_order = length == 0 || length > MSIM_NATIVE_CLIENT_ID_MAX;
        request->order = 0;
        request->client_id = (struct msim_native_text){name, length};
    }
}

/* ---- commands ---- */

static void submit(struct msim_exchange_server *server, struct msim_exchange_call *call)
{
    int r = msim_exchange_submit(server, call->account, NULL, call);

    if (r < 0) {
        msim_exchange_rest_error(
            server, call, r == MSIM_ERR_INVALID ? 400 : 503,
            r == MSIM_ERR_INVALID ? MSIM_NATIVE_INVALID_FIELD : MSIM_NATIVE_INTERNAL,
            r == MSIM_ERR_INVALID ? "client_order_id has bytes that no id may have"
                                  : "the venue takes no more just now: try again");
        return;
    }
    if (call->has_event)
        call->path->finish(server, call);
    else if (msim_exchange_pending_of(server, call->tag))
        call->is_waiting = true;
}

/* The engine said no: with its reason. */
static bool is_refused(struct msim_exchange_server *server, struct msim_exchange_call *call)
{
    const struct msim_event *event = &call->event;
    struct msim_native_refusal *refusal = &server->refusal;

    if (event->kind != MSIM_EVENT_REJECTED)
        return false;
    *refusal = (struct msim_native_refusal){.reject = event->code, .details = "{}"};
    msim_exchange_reason(server, event, refusal->message, sizeof refusal->message);
    if (event->code == MSIM_REJECT_ORDER_NOT_FOUND) {
        refusal->reject = MSIM_REJECT_NONE;
        refusal->error = MSIM_NATIVE_ORDER_NOT_FOUND;
    } else if (event->command_kind == MSIM_COMMAND_CANCEL ||
               event->command_kind == MSIM_COMMAND_CANCEL_ALL) {
        refusal->reject = MSIM_REJECT_NONE;
        refusal->error = MSIM_NATIVE_CANCEL_FAILED;
    }
    msim_exchange_rest_refuse(server, call, msim_exchange_rest_status(refusal));
    return true;
}

static void answer_order(struct msim_exchange_server *server, struct msim_exchange_call *call,
                         uint64_t number, int status, int type)
{
    struct msim_venue_order_view view;
    struct msim_native_order order;

    if (msim_venue_order(server->venue, call->account, number, &view) < 0) {
        msim_exchange_rest_error(server, call, 404, MSIM_NATIVE_ORDER_NOT_FOUND,
                                 "this account has no such order, or it ended long ago");
        return;
    }
    msim_exchange_order_of(server, &view, &order);
    size_t length = msim_native_encode_order(server->codec, &order, server->message);
    msim_exchange_rest_answer(server, call, status, type, server->message, length);
}

void msim_exchange_rest_place(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const char *body, size_t length)
{
    if (msim_native_decode_body(server->codec, MSIM_NATIVE_PLACE_ORDER, body, length,
                                &server->request, &server->refusal) != MSIM_NATIVE_READ ||
        !msim_exchange_scripted_admit(server))
        msim_exchange_rest_refuse(server, call, msim_exchange_rest_status(&server->refusal));
    else
        submit(server, call);
}

void msim_exchange_rest_placed(struct msim_exchange_server *server, struct msim_exchange_call *call)
{
    if (!is_refused(server, call))
        answer_order(server, call, call->event.order, 201, MSIM_FAULT_ACK_NEW);
}

/* Looks the path's order up; its `command` is then complete but for what changes. */
static bool prepare(struct msim_exchange_server *server, struct msim_exchange_call *call,
                    const char *body, size_t length)
{
    name_order(server, call);
    if (msim_exchange_prepare(server, call->account, body, length)) {
        server->request.client_id = (struct msim_native_text){0};
        return true;
    }
    msim_exchange_rest_refuse(server, call, msim_exchange_rest_status(&server->refusal));
    return false;
}

void msim_exchange_rest_cancel(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               const char *body, size_t length)
{
    server->request.command.kind = MSIM_COMMAND_CANCEL;
    if (prepare(server, call, body, length))
        submit(server, call);
}

void msim_exchange_rest_cancelled(struct msim_exchange_server *server,
                                  struct msim_exchange_call *call)
{
    static const char tail[] = "\",\"status\":\"cancelled\"}";
    static const char head[] = "{\"order_id\":\"";
    char *out = server->message;

    if (is_refused(server, call))
        return;
    memcpy(out, head, sizeof head - 1);
    out += sizeof head - 1;
    msim_native_id_print(server->codec, MSIM_NATIVE_ID_ORDER, call->event.order, out);
    out += MSIM_NATIVE_ID_LENGTH;
    memcpy(out, tail, sizeof tail - 1);
    out += sizeof tail - 1;
    msim_exchange_rest_answer(server, call, 200, MSIM_FAULT_ACK_CANCEL, server->message,
                              (size_t)(out - server->message));
}

void msim_exchange_rest_cancel_all(struct msim_exchange_server *server,
                                   struct msim_exchange_call *call, const char *body, size_t length)
{
    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, true))
        return;
    server->request.command.kind = MSIM_COMMAND_CANCEL_ALL;
    server->request.command.instrument = server->request.instrument;
    submit(server, call);
}

void msim_exchange_rest_all_cancelled(struct msim_exchange_server *server,
                                      struct msim_exchange_call *call)
{
    struct msim_json_writer writer;
    size_t length = 0;

    if (is_refused(server, call))
        return;
    msim_json_write_buffer(&writer, server->message, sizeof server->message);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "count");
    msim_json_write_unsigned(&writer, call->event.as.mass.count);
    msim_json_write_object_end(&writer);
    msim_json_write_end(&writer, &length);
    msim_exchange_rest_answer(server, call, 200, MSIM_FAULT_ACK_CANCEL, server->message, length);
}

void msim_exchange_rest_change(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               const char *body, size_t length)
{
    int r = msim_native_decode_body(server->codec, MSIM_NATIVE_PATCH_ORDER, body, length,
                                    &server->request, &server->refusal);

    if (r != MSIM_NATIVE_READ) {
        msim_exchange_rest_refuse(server, call, msim_exchange_rest_status(&server->refusal));
        return;
    }
    server->request.type = MSIM_NATIVE_REPLACE_ORDER;
    server->request.command.kind = MSIM_COMMAND_REPLACE;
    if (prepare(server, call, body, length))
        submit(server, call);
}

void msim_exchange_rest_changed(struct msim_exchange_server *server,
                                struct msim_exchange_call *call)
{
    if (!is_refused(server, call))
        answer_order(server, call, call->event.order, 200, MSIM_FAULT_ACK_REPLACE);
}

/* ---- questions ---- */

static void answer_bytes(struct msim_exchange_server *server, struct msim_exchange_call *call,
                         const char *bytes, size_t length)
{
    if (length > 0)
        msim_exchange_rest_answer(server, call, 200, MSIM_FAULT_RESP_QUERY, bytes, length);
    else
        msim_exchange_rest_error(server, call, 503, MSIM_NATIVE_INTERNAL,
                                 "no memory for this answer now: ask again");
}

void msim_exchange_rest_order(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const char *body, size_t length)
{
    struct msim_venue_order_view view;

    (void)body;
    (void)length;
    name_order(server, call);
    if (msim_exchange_find_order(server, call->account, &view))
        answer_order(server, call, view.order.order, 200, MSIM_FAULT_RESP_QUERY);
    else
        msim_exchange_rest_refuse(server, call, 404);
}

/* The query's status, by its name. */
static bool read_status(struct msim_exchange_server *server, struct msim_exchange_call *call)
{
    char text[32];
    int r = msim_exchange_rest_query(call, "status", text, sizeof text);

    if (r == 0)
        return true;
    for (uint8_t status = MSIM_STATUS_WAITING; r > 0 && status <= MSIM_STATUS_REJECTED; status++)
        if (strcmp(text, msim_order_status_name(status)) == 0) {
            server->request.status = status;
            return true;
        }
    msim_exchange_rest_error(server, call, 400, MSIM_NATIVE_INVALID_FIELD,
                             "status is WAITING, OPEN, PARTIALLY_FILLED, FILLED, CANCELLED, "
                             "EXPIRED or REJECTED");
    return false;
}

void msim_exchange_rest_orders(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               const char *body, size_t length)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, true) || !read_status(server, call))
        return;
    size_t size =
        msim_exchange_encode_own_orders(server, call->account, &stamp, MSIM_NATIVE_BARE, &bytes);
    answer_bytes(server, call, bytes, size);
}

void msim_exchange_rest_balance(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const char *body, size_t length)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;

    (void)body;
    (void)length;
    size_t size =
        msim_exchange_encode_balances(server, call->account, &stamp, MSIM_NATIVE_BARE, &bytes);
    answer_bytes(server, call, bytes, size);
}

void msim_exchange_rest_position(struct msim_exchange_server *server,
                                 struct msim_exchange_call *call, const char *body, size_t length)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, false))
        return;
    size_t size = msim_exchange_encode_position(server, call->account, &stamp, MSIM_NATIVE_BARE);
    answer_bytes(server, call, server->message, size);
}

void msim_exchange_rest_fills(struct msim_exchange_server *server, struct msim_exchange_call *call,
                              const char *body, size_t length)
{
    uint32_t limit = FILLS_USUAL;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, true) ||
        !msim_exchange_rest_count(server, call, "limit", MSIM_EXCHANGE_LIST, &limit))
        return;
    struct msim_event *fills = msim_mem_take_array(&server->allocator, limit, sizeof *fills);
    char *list = msim_exchange_list_room(server, (limit + 1) * MSIM_NATIVE_MESSAGE_MAX);
    size_t at = 0;
    if (fills && list) {
        size_t count = msim_venue_fills(server->venue, call->account, server->request.instrument,
                                        UINT64_MAX, fills, limit);
        memcpy(list, "{\"fills\":[", 10);
        at = 10;
        for (size_t i = 0; i < count; i++) {
            struct msim_native_stamp stamp = {.time = fills[i].time};
            struct msim_native_story story = {0};
            story.client_id.text =
                msim_venue_client_id(server->venue, fills[i].client_id, &story.client_id.length);
            if (!story.client_id.text)
                story.client_id.length = 0;
            if (i > 0)
                list[at++] = ',';
            at += msim_native_encode_event(server->codec, &stamp, &fills[i], &story, list + at);
        }
        list[at++] = ']';
        list[at++] = '}';
    }
    msim_mem_free(&server->allocator, fills, limit * sizeof *fills);
    answer_bytes(server, call, list, at);
}
