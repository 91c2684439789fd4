/*
 * The wire: WebSockets come and go, and what they say and are told passes the failure layer.
 *
 * A client whose messages nothing asks about shares the frames of its channels with all others;
 * one that a strategy may touch is apart, and each message to it is judged by itself.
 */
#include "server/exchange/exchange.h"

#include <stdio.h>
#include <string.h>

#include <marketsim/impair.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/exchange/recording.h"
#include "server/exchange/rest.h"
#include "server/exchange/scripted.h"
#include "server/exchange/wire.h"
#include "server/link_faults.h"

#define MARKET_DATA                                                             \
    (UINT64_C(1) << MSIM_FAULT_MD_TRADE | UINT64_C(1) << MSIM_FAULT_MD_DEPTH |  \
     UINT64_C(1) << MSIM_FAULT_MD_SNAPSHOT | UINT64_C(1) << MSIM_FAULT_MD_BBO | \
     UINT64_C(1) << MSIM_FAULT_MD_TICKER | UINT64_C(1) << MSIM_FAULT_MD_KLINE | \
     UINT64_C(1) << MSIM_FAULT_MD_STATUS)

/* ---- who is there ---- */

static void swap(struct msim_exchange_server *server, size_t a, size_t b)
{
    struct msim_exchange_client *first = server->clients[a];

    server->clients[a] = server->clients[b];
    server->clients[b] = first;
    server->clients[a]->place = a;
    server->clients[b]->place = b;
}

/* ---- who comes ---- */

/* A client and its bits for each market, in one. */
static size_t client_size(const struct msim_exchange_server *server)
{
    return sizeof(struct msim_exchange_client) + server->market_count * sizeof(uint16_t);
}

static struct msim_exchange_client *client_create(struct msim_exchange_server *server,
                                                  const char *label, size_t length)
{
    struct msim_exchange_client *client = msim_mem_zero(&server->allocator, client_size(server));

    if (!client || length == 0)
        return client;
    client->label = msim_mem_text(&server->allocator, label, length);
    if (client->label)
        return client;
    msim_mem_free(&server->allocator, client, client_size(server));
    return NULL;
}

static void client_free(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    msim_mem_free(&server->allocator, client->news, MSIM_EXCHANGE_NEWS * sizeof *client->news);
    if (client->label)
        msim_mem_free(&server->allocator, client->label, strlen(client->label) + 1);
    msim_mem_free(&server->allocator, client, client_size(server));
}

/* What the failure layer has for a new connection. */
static int admit(struct msim_exchange_server *server, const struct msim_exchange_visit *visit,
                 uint32_t account)
{
    struct msim_fault_session_params who = MSIM_FAULT_SESSION_PARAMS_INIT;

    who.client = visit->label.length > 0 ? visit->label.text : NULL;
    who.account = msim_venue_account_name(server->venue, account);
    who.channel = visit->flags & VISIT_PUBLIC ? MSIM_FAULT_WS_PUBLIC : MSIM_FAULT_WS_PRIVATE;
    return msim_link_faults_admission(msim_faults_admit(server->faults, server->now, &who));
}

static int open_account(struct msim_exchange_server *server, const struct msim_native_text *name,
                        uint32_t *account)
{
    return name->length > 0 ? msim_exchange_account_named(server, name->text, name->length, account)
                            : msim_exchange_account_fresh(server, account);
}

int msim_exchange_arrive(struct msim_exchange_server *server,
                         const struct msim_exchange_visit *visit, struct msim_exchange_client **out,
                         struct msim_detail *words)
{
    uint32_t account;
    int r = open_account(server, &visit->session, &account);

    if (r == MSIM_ERR_INVALID)
        return msim_detail_set(words, 400, "%s", MSIM_EXCHANGE_SESSION_WORDS);
    if (r < 0)
        return msim_detail_set(words, 503, "no room for another account now");
    r = admit(server, visit, account);
    struct msim_exchange_client *client =
        r == MSIM_ADMIT ? client_create(server, visit->label.text, visit->label.length) : NULL;
    if (!client) {
        msim_exchange_account_left(server, account);
        return r == MSIM_ADMIT ? 503 : r;
    }
    client->account = account;
    client->may_not_trade = (visit->flags & (VISIT_LOOKS | VISIT_PUBLIC)) != 0;
    client->is_public = (visit->flags & VISIT_PUBLIC) != 0;
    client->visit = ++server->visits;
    *out = client;
    return MSIM_ADMIT;
}

/* MSIM_ADMIT, or the status to refuse with. */
static int look_for_room(const struct msim_exchange_server *server, struct msim_detail *words)
{
    if (server->is_stopping)
        return msim_detail_set(words, 503, "the server is stopping");
    if (server->client_count < server->max_clients)
        return MSIM_ADMIT;
    return msim_detail_set(
        words, 503, "%zu clients are connected, as many as may be (max_clients, --max-clients)",
        server->client_count);
}

static int request(void *context, struct msim_connection *connection,
                   const struct msim_request *request)
{
    struct msim_exchange_server *server = context;
    struct msim_exchange_client *client = NULL;
    struct msim_exchange_names names;

    bool is_public = strcmp(request->path, MSIM_EXCHANGE_PUBLIC_PATH) == 0;
    int room = look_for_room(server, request->words);
    if (room != MSIM_ADMIT)
        return room;
    msim_exchange_clock(server);
    const struct msim_caller *caller = msim_connection_caller(connection);
    if (msim_exchange_names(&names, request->query, msim_request_header(request, "X-Session-ID"),
                            msim_request_header(request, "X-Msim-Client"), request->words) < 0)
        return 400;
    /* Who has a key is who the key says. */
    const char *session = caller && caller->account[0] != '\0' ? caller->account : names.session;
    struct msim_exchange_visit visit = {msim_frame_text(session), msim_frame_text(names.label),
                                        is_public ? VISIT_PUBLIC : 0};
    if (caller && caller->role < MSIM_ROLE_TRADER)
        visit.flags |= VISIT_LOOKS;
    int r = msim_exchange_arrive(server, &visit, &client, request->words);
    const struct msim_native_text texts[] = {visit.session, visit.label};
    msim_exchange_record(server, FRAME_VISIT, visit.flags, (uint64_t)r, texts, 2);
    if (r == MSIM_ADMIT)
        msim_connection_set_user(connection, client);
    return r;
}

static int open_session(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;

    client->party = (struct msim_exchange_party){client, client->account};
    params.client = client->label;
    params.account = msim_venue_account_name(server->venue, client->account);
    params.channel = client->is_public ? MSIM_FAULT_WS_PUBLIC : MSIM_FAULT_WS_PRIVATE;
    params.user = &client->party;
    return msim_faults_session_open(server->faults, server->now, &params, &client->session, NULL);
}

static void set_apart(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    client->clock_error = msim_exchange_clock_error(server, client->account);
    struct msim_fault_link *link = msim_fault_session_link(client->session, MSIM_FAULT_OUT);
    /* Who is recorded or replayed hears everything in one order, whatever it is subscribed to. */
    bool apart = (msim_fault_link_watched(link) & MARKET_DATA) != 0 || server->record ||
                 server->stage || client->clock_error != 0;

    if (apart == client->is_apart)
        return;
    msim_exchange_share(server, client, !apart);
    client->is_apart = apart;
    swap(server, client->place, apart ? server->apart_count++ : --server->apart_count);
}

bool msim_exchange_welcome(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    if (server->client_count >= server->max_clients || open_session(server, client) < 0)
        return false;
    struct msim_exchange_account *account = msim_exchange_account(server, client->account);
    client->number = ++server->client_total;
    client->orders_instrument = MSIM_ALL_INSTRUMENTS;
    client->wants_orders = !client->is_public;
    client->next = account->clients;
    if (account->clients)
        account->clients->previous = client;
    account->clients = client;
    client->place = server->client_count;
    server->clients[server->client_count++] = client;
    set_apart(server, client);
    return true;
}

void msim_exchange_unwelcome(struct msim_exchange_server *server,
                             struct msim_exchange_client *client)
{
    uint32_t account = client->account;

    client_free(server, client);
    msim_exchange_account_left(server, account);
}

static void opened(void *context, struct msim_connection *connection)
{
    struct msim_exchange_server *server = context;
    struct msim_exchange_client *client = msim_connection_user(connection);

    client->connection = connection;
    msim_exchange_attend(server);
    msim_exchange_record(server, FRAME_OPEN, client->visit, 0, NULL, 0);
    if (!msim_exchange_welcome(server, client)) {
        msim_connection_set_user(connection, NULL);
        msim_exchange_unwelcome(server, client);
        msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "no room for another client");
        return;
    }
    msim_log(&server->logger, MSIM_LOG_INFO, "exchange", "%s connected as %s, %zu now",
             msim_connection_peer(connection),
             msim_venue_account_name(server->venue, client->account), server->client_count);
}

/* ---- who goes ---- */

/* Its session in the venue is over. */
static void end(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    if (client->is_ended)
        return;
    client->is_ended = true;
    if (!server->settings.cancel_on_disconnect || server->is_stopping)
        return;
    order.command.kind = MSIM_COMMAND_MASS_CANCEL;
    order.command.time = server->now;
    order.command.instrument = MSIM_ALL_INSTRUMENTS;
    order.command.account = client->account;
    order.command.owner = (uint32_t)client->number;
    int r = msim_venue_submit(server->venue, &order);
    if (r < 0)
        msim_exchange_fail(server, r, "");
}

static void forget(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_exchange_account *account = msim_exchange_account(server, client->account);

    if (client->next)
        client->next->previous = client->previous;
    if (client->previous)
        client->previous->next = client->next;
    else
        account->clients = client->next;
    if (client->is_apart)
        swap(server, client->place, --server->apart_count);
    swap(server, client->place, --server->client_count);
    for (size_t i = 0; i < server->pending_capacity; i++)
        if (server->pending[i].client == client)
            msim_exchange_pending_end(server, &server->pending[i]);
}

void msim_exchange_depart(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    uint32_t account = client->account;

    forget(server, client);
    end(server, client);
    msim_faults_session_close(server->faults, server->now, &client->session);
    client_free(server, client);
    msim_exchange_account_left(server, account);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_exchange_server *server = context;
    struct msim_exchange_client *client = msim_connection_user(connection);

    if (!client)
        return;
    msim_exchange_clock(server);
    msim_exchange_record(server, FRAME_CLOSE, client->visit, client->tally.hash, NULL, 0);
    msim_exchange_depart(server, client);
    msim_log(&server->logger, MSIM_LOG_INFO, "exchange", "%s left (%d%s%s), %zu now",
             msim_connection_peer(connection), closing->code, closing->reason[0] ? " " : "",
             closing->reason, server->client_count);
}

/* ---- out ---- */

static void given(struct msim_exchange_server *server, struct msim_exchange_client *client, int r)
{
    if (r == MSIM_OK) {
        server->stats.sent++;
        return;
    }
    if (r == MSIM_ERR_CLOSED || r == MSIM_ERR_STATE || !client->connection)
        return;
    msim_log(&server->logger, MSIM_LOG_WARNING, "exchange", "%s reads too slowly: closed",
             msim_connection_peer(client->connection));
    msim_connection_close(client->connection, MSIM_CLOSE_TRY_LATER, "reading too slowly");
}

/* One message to the socket, or to whoever replays. */
static bool hand_over(struct msim_exchange_server *server, struct msim_exchange_client *client,
                      const void *bytes, size_t length, const struct msim_slicing *slicing)
{
    int r;

    if (!client->connection) {
        r = server->stage->told(server->stage->context, client->visit, &client->tally, bytes,
                                length);
        given(server, client, r);
        return r == MSIM_OK;
    }
    if (slicing)
        r = msim_connection_send_sliced(client->connection, MSIM_MESSAGE_TEXT, bytes, length,
                                        slicing);
    else
        r = msim_connection_send(client->connection, MSIM_MESSAGE_TEXT, bytes, length);
    if (server->record && r == MSIM_OK && !client->is_cut) {
        msim_exchange_tally(&client->tally, bytes, length);
    } else if (server->record && !client->is_cut) {
        client->is_cut = true;
        msim_exchange_record(server, FRAME_CUT, client->visit, client->tally.messages, NULL, 0);
    }
    given(server, client, r);
    return r == MSIM_OK;
}

/* What an account was told is what its longest-standing connection was. */
static void book(struct msim_exchange_server *server, const struct msim_exchange_client *client,
                 const struct msim_event *event, uint64_t exec)
{
    if (!client->next)
        msim_faults_told(server->faults, event, exec);
}

static void remember(struct msim_exchange_server *server, struct msim_exchange_client *client,
                     uint64_t ordinal, const struct msim_event *event, uint64_t exec)
{
    if (!client->news)
        client->news =
            msim_mem_zero_array(&server->allocator, MSIM_EXCHANGE_NEWS, sizeof *client->news);
    if (client->news)
        client->news[client->news_count++ % MSIM_EXCHANGE_NEWS] =
            (struct msim_exchange_news){ordinal, exec, *event};
}

/* Ordinals in the ring rise: the one wanted is found by halves. */
static const struct msim_exchange_news *recall(const struct msim_exchange_client *client,
                                               uint64_t ordinal)
{
    uint64_t high = client->news_count;
    uint64_t low = high > MSIM_EXCHANGE_NEWS ? high - MSIM_EXCHANGE_NEWS : 0;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        const struct msim_exchange_news *news = &client->news[middle % MSIM_EXCHANGE_NEWS];
        if (news->ordinal == ordinal)
            return news;
        if (news->ordinal < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void msim_exchange_send_news(struct msim_exchange_server *server,
                             struct msim_exchange_client *client,
                             const struct msim_fault_message *message,
                             const struct msim_event *event, uint64_t exec)
{
    struct msim_fault_link *link = msim_fault_session_link(client->session, MSIM_FAULT_OUT);
    const char *bytes = message->bytes;
    uint64_t ordinal = client->ordinal++;
    int r = MSIM_FAULT_PASS;

    if (client->clock_error != 0)
        bytes = msim_exchange_shifted(server, client->clock_error, bytes, message->length);
    if (!bytes) { /* the true time would be a lie */
        msim_exchange_fail(server, MSIM_ERR_NOMEM, "");
        return;
    }
    if (msim_fault_link_watched(link) != 0) {
        struct msim_fault_message judged = *message;
        judged.bytes = bytes;
        judged.has_ordinal = true;
        judged.ordinal = ordinal;
        r = msim_faults_submit(server->faults, server->now, link, &judged);
    }
    if (r == MSIM_FAULT_PASS) {
        if (hand_over(server, client, bytes, message->length, NULL) && event)
            book(server, client, event, exec);
    } else if (r == MSIM_FAULT_TAKEN && event) {
        remember(server, client, ordinal, event, exec);
    } else if (r < 0 && r != MSIM_ERR_CLOSED) {
        msim_exchange_fail(server, r, "");
    }
}

void msim_exchange_send(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const struct msim_fault_message *message)
{
    msim_exchange_send_news(server, client, message, NULL, 0);
}

static void deliver(struct msim_exchange_server *server, struct msim_exchange_client *client,
                    const struct msim_fault_output *output)
{
    struct msim_slicing slicing = msim_link_faults_slicing(output, output->slice.pause);
    const struct msim_exchange_news *news = recall(client, output->ordinal);

    bool heard = hand_over(server, client, output->bytes, output->length,
                           output->slice.max == 0 ? NULL : &slicing);
    if (heard && news && !output->altered)
        book(server, client, &news->event, news->exec);
}

/* ---- what befalls a connection ---- */

/* A rate limit of the failure layer: the request is answered, and never seen by the venue. */
static void refuse_rate(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const struct msim_fault_output *output)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    struct msim_native_refusal refusal = {.error = MSIM_NATIVE_RATE_LIMITED};
    long long wait = (long long)((output->duration + MSIM_NS_PER_MS - 1) / MSIM_NS_PER_MS);

    stamp.request_id = server->refused_id;
    snprintf(refusal.message, sizeof refusal.message,
             "too many requests: wait %lld ms before the next one", wait);
    snprintf(refusal.details, sizeof refusal.details, "{\"retry_after_ms\":%lld}", wait);
    stamp.time += client->clock_error;
    size_t length = msim_native_encode_error(server->codec, &stamp, &refusal, server->message);
    hand_over(server, client, server->message, length, NULL);
}

static void give_notice(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const char *words)
{
    struct msim_native_stamp stamp = {.time = server->now + client->clock_error};
    size_t length = msim_native_encode_notice(
        server->codec, &stamp, (struct msim_native_text){words, strlen(words)}, server->message);

    hand_over(server, client, server->message, length, NULL);
}

static void act(struct msim_exchange_server *server, struct msim_exchange_client *client,
                const struct msim_fault_output *output)
{
    struct msim_connection *connection = client->connection;

    if (output->action == MSIM_FAULT_ACTION_REJECT) {
        refuse_rate(server, client, output);
        return;
    }
    if (output->action == MSIM_FAULT_ACTION_NOTICE) {
        if (connection)
            msim_link_faults_log(connection, output, &server->logger, "exchange");
        give_notice(server, client, output->reason);
        return;
    }
    if (connection)
        msim_link_faults_act(connection, output, &server->logger, "exchange");
    if (!msim_fault_action_effect(output->action).alive_in_venue)
        end(server, client);
}

/* ---- in ---- */

static const uint8_t request_types[MSIM_NATIVE_TYPES] = {
    [0] = MSIM_FAULT_OTHER,
    [MSIM_NATIVE_PLACE_ORDER] = MSIM_FAULT_ORDER_NEW,
    [MSIM_NATIVE_CANCEL_ORDER] = MSIM_FAULT_ORDER_CANCEL,
    [MSIM_NATIVE_CANCEL_ALL] = MSIM_FAULT_ORDER_CANCEL_ALL,
    [MSIM_NATIVE_REPLACE_ORDER] = MSIM_FAULT_ORDER_REPLACE,
    [MSIM_NATIVE_PATCH_ORDER] = MSIM_FAULT_ORDER_REPLACE,
    [MSIM_NATIVE_GET_ORDER] = MSIM_FAULT_QUERY_ORDER,
    [MSIM_NATIVE_GET_ORDERS] = MSIM_FAULT_QUERY_OPEN_ORDERS,
    [MSIM_NATIVE_GET_BALANCE] = MSIM_FAULT_QUERY_ACCOUNT,
    [MSIM_NATIVE_GET_POSITION] = MSIM_FAULT_QUERY_ACCOUNT,
    [MSIM_NATIVE_GET_ORDERBOOK] = MSIM_FAULT_QUERY_MARKET,
    [MSIM_NATIVE_GET_TRADES] = MSIM_FAULT_QUERY_MARKET,
    [MSIM_NATIVE_SUBSCRIBE] = MSIM_FAULT_SUB,
    [MSIM_NATIVE_UNSUBSCRIBE] = MSIM_FAULT_UNSUB,
    [MSIM_NATIVE_RESUME] = MSIM_FAULT_SUB,
    [MSIM_NATIVE_PING] = MSIM_FAULT_KEEPALIVE,
};

void msim_exchange_classify(const struct msim_exchange_server *server, int type, const char *bytes,
                            size_t length, struct msim_native_request *request,
                            struct msim_fault_message *out)
{
    struct msim_native_refusal refusal;

    if (type == 0)
        msim_native_decode(server->codec, bytes, length, request, &refusal);
    else
        msim_native_decode_body(server->codec, type, bytes, length, request, &refusal);
    *out = (struct msim_fault_message){
        .bytes = bytes,
        .length = length,
        .type = request_types[request->type],
        .side = request->command.side,
        .symbol = {request->symbol.length > 0 ? request->symbol.text : NULL,
                   request->symbol.length},
        .client_order_id = {request->client_id.length > 0 ? request->client_id.text : NULL,
                            request->client_id.length},
    };
}

static void refuse_binary(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    memset(&server->request, 0, offsetof(struct msim_native_request, scratch));
    server->refusal = (struct msim_native_refusal){
        .error = MSIM_NATIVE_INVALID_JSON,
        .message = "a binary message: send JSON as text",
        .details = "{}",
    };
    msim_exchange_answer_refusal(server, client);
}

void msim_exchange_take(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        bool is_text, const char *bytes, size_t length)
{
    if (client->is_ended)
        return;
    server->stats.received++;
    if (!is_text) {
        refuse_binary(server, client);
        return;
    }
    int r = msim_exchange_scripted_look(server, bytes, length);
    if (r < 0)
        msim_exchange_fail(server, r, server->detail.text);
    struct msim_fault_link *link = msim_fault_session_link(client->session, MSIM_FAULT_IN);
    if (msim_fault_link_watched(link) == 0) {
        msim_exchange_hear(server, client, bytes, length);
        return;
    }
    struct msim_native_request request;
    struct msim_fault_message judged;
    msim_exchange_classify(server, 0, bytes, length, &request, &judged);
    r = msim_faults_submit(server->faults, server->now, link, &judged);
    if (r == MSIM_FAULT_PASS) {
        msim_exchange_hear(server, client, bytes, length);
    } else if (r == MSIM_FAULT_TAKEN) {
        /* A refusal comes out at once, and finds its question here. */
        server->refused_id = request.request_id;
        r = msim_exchange_wire_run(server);
        server->refused_id = (struct msim_native_text){0};
    }
    if (r < 0 && r != MSIM_ERR_CLOSED)
        msim_exchange_fail(server, r, server->detail.text);
}

static void message(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                    const unsigned char *bytes, size_t length)
{
    struct msim_exchange_server *server = context;
    struct msim_exchange_client *client = msim_connection_user(connection);

    if (!client)
        return;
    msim_exchange_clock(server);
    const struct msim_native_text text = {(const char *)bytes, length};
    msim_exchange_record(server, FRAME_MESSAGE, client->visit, (uint64_t)kind, &text, 1);
    msim_exchange_take(server, client, kind == MSIM_MESSAGE_TEXT, (const char *)bytes, length);
}

/* ---- what the layer lets go ---- */

/* A request out of the layer's hands; its bytes are the layer's only until it is asked again. */
static int hear(struct msim_exchange_server *server, struct msim_exchange_client *client,
                const struct msim_fault_output *output)
{
    char *held = msim_exchange_hold(server, output->bytes, output->length);

    if (!held)
        return MSIM_ERR_NOMEM;
    msim_exchange_hear(server, client, held, output->length);
    return MSIM_OK;
}

int msim_exchange_wire_run(struct msim_exchange_server *server)
{
    struct msim_fault_output output;
    int r;

    while ((r = msim_faults_pull(server->faults, server->now, &output)) == MSIM_PULL_RECORD) {
        struct msim_exchange_party *party = msim_fault_session_user(output.session);
        struct msim_exchange_client *client = party ? party->client : NULL;
        if (!party)
            continue;
        if (!client)
            r = msim_exchange_rest_output(server, party->account, &output);
        else if (output.kind == MSIM_FAULT_OUTPUT_ACTION)
            act(server, client, &output);
        else if (output.direction == MSIM_FAULT_OUT)
            deliver(server, client, &output);
        else if (!client->is_ended)
            r = hear(server, client, &output);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : MSIM_OK;
}

void msim_exchange_wire_refresh(struct msim_exchange_server *server)
{
    /* From behind: who is swapped forward has been looked at, or is looked at next time. */
    for (size_t i = server->client_count; i-- > 0;)
        set_apart(server, server->clients[i]);
}

const struct msim_connection_handler msim_exchange_wire = {
    .request = request,
    .opened = opened,
    .message = message,
    .closed = closed,
};
