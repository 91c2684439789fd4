/*
 * The dashboard's events: scripts push, front ends join and are told.
 */
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "server/dashboard/inside.h"

/* Texts up to this are unescaped in memory that is kept. */
#define KEPT_BYTES ((size_t)1 << 20)

/* ---- what is sent ---- */

static void send(struct msim_socketio_client *client, const char *name, const char *json,
                 size_t length)
{
    /* A client that reads nothing misses its receipts as it misses updates; one that has gone
     * needs none. */
    msim_socketio_emit(client, name, json, length, NULL, 0);
}

static void send_status(struct msim_socketio_client *client, const char *json)
{
    send(client, "status", json, strlen(json));
}

static void send_error(struct msim_dashboard_server *server, struct msim_socketio_client *client,
                       const char *words)
{
    char json[4 * MSIM_DETAIL_SIZE];
    struct msim_json_writer writer;
    size_t length;

    server->stats.refused++;
    msim_json_write_buffer(&writer, json, sizeof json);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "status");
    msim_json_write_text(&writer, "error");
    msim_json_write_key(&writer, "message");
    msim_json_write_text(&writer, words);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) == MSIM_OK)
        send(client, "data_received", json, length);
}

/* ---- a push ---- */

/* A member of the payload; kind 0: it is not there. */
struct member {
    int kind;
    size_t start;
    size_t end;
};

struct payload {
    struct member tables[MSIM_TABLE_KINDS];
    struct member stamp;
};

static void note_member(struct payload *payload, const char *text,
                        const struct msim_json_token *token)
{
    struct member member = {(int)token->kind, token->start, token->end};

    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        if (msim_json_is(text, token->key_start, token->key_end, msim_table_schemas[kind].file))
            payload->tables[kind] = member;
    if (msim_json_is(text, token->key_start, token->key_end, "timestamp"))
        payload->stamp = member;
}

/* The first argument's members, the last of each name; false where it is no object. */
static bool read_payload(struct payload *payload, const struct msim_socketio_event *event)
{
    const char *text = event->arguments;
    const struct msim_json_limits limits = {.max_bytes = SIZE_MAX / 2};
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    memset(payload, 0, sizeof *payload);
    msim_json_init(&reader, text, event->arguments_length, &limits);
    if (msim_json_next(&reader, &token) != MSIM_JSON_OBJECT)
        return false;
    /* Behind it may stand a comma and further arguments, which are passed over. */
    while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END && token.depth > 0) {
        if (token.depth == 1 && kind != MSIM_JSON_OBJECT_END && kind != MSIM_JSON_ARRAY_END)
            note_member(payload, text, &token);
    }
    return true;
}

static int read_stamp(struct msim_push *push, const char *text, const struct member *stamp,
                      struct msim_detail *detail)
{
    size_t length = stamp->end - stamp->start;

    if (stamp->kind == 0 || stamp->kind == MSIM_JSON_NULL)
        return MSIM_OK;
    if (stamp->kind != MSIM_JSON_STRING && stamp->kind != MSIM_JSON_NUMBER)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "timestamp is neither text nor a number");
    if (length >= MSIM_STAMP_SIZE)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "timestamp is longer than %d bytes",
                               MSIM_STAMP_SIZE - 1);
    memcpy(push->stamp, text + stamp->start, length);
    push->stamp[length] = '\0';
    return MSIM_OK;
}

static int read_table(struct msim_dashboard_server *server, struct msim_table *table,
                      const char *text, const struct member *member, struct msim_detail *detail)
{
    const char *name = table->csv.schema->file;
    struct msim_bytes *scratch = &server->scratch;
    unsigned char *room;
    size_t length = 0;

    if (member->kind == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "%s is missing", name);
    if (member->kind != MSIM_JSON_STRING)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "%s is %s: give the table as text", name,
                               msim_json_kind_text((enum msim_json_kind)member->kind));
    size_t size = member->end - member->start;
    int r = msim_bytes_reserve(scratch, size, &room);
    if (r >= 0)
        r = msim_json_string(text, member->start, member->end, (char *)room, size, &length);
    if (r >= 0)
        r = msim_table_feed(table, room, length);
    if (r >= 0)
        r = msim_table_end(table);
    if (r < 0)
        msim_table_explain(table, r, detail);
    return r;
}

static int read_push(struct msim_dashboard_server *server, const struct msim_socketio_event *event,
                     struct msim_detail *detail)
{
    struct payload payload;

    if (!read_payload(&payload, event))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the data is no object with trades_csv and market_data_csv");
    int r = read_stamp(&server->push, event->arguments, &payload.stamp, detail);
    for (int kind = 0; r >= 0 && kind < MSIM_TABLE_KINDS; kind++)
        r = read_table(server, server->push.tables[kind], event->arguments, &payload.tables[kind],
                       detail);
    return r;
}

static void take_push(struct msim_dashboard_server *server, struct msim_socketio_client *client,
                      const struct msim_socketio_event *event)
{
    struct msim_detail detail = {""};
    char receipt[MSIM_RECEIPT_SIZE];

    int r = MSIM_OK;
    if (msim_engineio_role(msim_socketio_session(client)) < MSIM_ROLE_TRADER)
        r = msim_detail_set(&detail, MSIM_ERR_INVALID, "this key may look on, and not push");
    if (r >= 0)
        r = read_push(server, event, &detail);
    if (r >= 0)
        r = msim_push_take(server, &server->push, &detail);
    if (r >= 0)
        send(client, "data_received", receipt, msim_push_receipt(&server->push, receipt));
    else
        send_error(server, client, detail.text);
    msim_push_reset(&server->push);
    msim_bytes_shrink(&server->scratch, KEPT_BYTES);
}

/* ---- joining ---- */

/* One that has missed an update is given the newest rows once it has read what waited. */
static bool owes_snapshot(const struct msim_socketio_client *client)
{
    return msim_socketio_user(client) != NULL;
}

static void give_snapshot(struct msim_dashboard_server *server, struct msim_socketio_client *client)
{
    int r = msim_push_snapshot(server, client);

    msim_socketio_set_user(client, r < 0 && r != MSIM_ERR_CLOSED ? server : NULL);
}

static void join_frontend(struct msim_dashboard_server *server, struct msim_socketio_client *client)
{
    int r = msim_socketio_join(client, server->frontend);

    if (r < 0 && r != MSIM_ERR_EXISTS) {
        send_status(client, "{\"msg\":\"The frontend room is full\"}");
        return;
    }
    send_status(client, "{\"msg\":\"Joined frontend room\"}");
    give_snapshot(server, client);
}

static void answer_ping(struct msim_socketio_client *client)
{
    char stamp[MSIM_STAMP_SIZE];
    char json[MSIM_STAMP_SIZE + 32];

    msim_dashboard_stamp(stamp);
    int length = snprintf(json, sizeof json, "{\"timestamp\":%s}", stamp);
    send(client, "pong", json, (size_t)length);
}

/* ---- servers that are shown ---- */

/* False for an event that is none of theirs. */
static bool take_relay_event(struct msim_relay *relay, struct msim_socketio_client *client,
                             const struct msim_socketio_event *told)
{
    if (strcmp(told->name, "join_live") == 0)
        msim_relay_join(relay, client);
    else if (strcmp(told->name, "watch_book") == 0)
        msim_relay_watch(relay, client, told->arguments, told->arguments_length);
    else if (strcmp(told->name, "unwatch_book") == 0)
        msim_relay_unwatch(relay, client, told->arguments, told->arguments_length);
    else if (relay->switches && strcmp(told->name, "faults_command") == 0)
        msim_switches_command(relay->switches, client, told->arguments, told->arguments_length);
    else
        return false;
    return true;
}

/* ---- the handler ---- */

static void connected(void *context, struct msim_socketio_client *client)
{
    (void)context;
    send_status(client, "{\"msg\":\"Connected to trading data server\"}");
}

static void event(void *context, struct msim_socketio_client *client,
                  const struct msim_socketio_event *told)
{
    struct msim_dashboard_server *server = context;

    if (strcmp(told->name, "send_trading_data") == 0)
        take_push(server, client, told);
    else if (strcmp(told->name, "join_frontend") == 0)
        join_frontend(server, client);
    else if (strcmp(told->name, "join_script") == 0)
        send_status(client, "{\"msg\":\"Joined script room\"}");
    else if (strcmp(told->name, "ping_server") == 0)
        answer_ping(client);
    else if (!server->relay || !take_relay_event(server->relay, client, told))
        return;
    msim_socketio_acknowledge(client, told, "", 0, NULL, 0);
}

static void missed(void *context, struct msim_socketio_client *client)
{
    struct msim_dashboard_server *server = context;

    server->stats.missed++;
    msim_socketio_set_user(client, server);
}

static void drained(void *context, struct msim_socketio_client *client)
{
    struct msim_dashboard_server *server = context;

    if (!owes_snapshot(client))
        return;
    give_snapshot(server, client);
    if (server->relay)
        msim_relay_catch_up(server->relay, client);
}

static void disconnected(void *context, struct msim_socketio_client *client, const char *reason)
{
    const struct msim_dashboard_server *server = context;

    (void)reason;
    if (server->relay && server->relay->switches)
        msim_switches_forget(server->relay->switches, client);
}

const struct msim_socketio_handler msim_dashboard_events = {
    .connected = connected,
    .event = event,
    .missed = missed,
    .drained = drained,
    .disconnected = disconnected,
};
