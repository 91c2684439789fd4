/*
 * The dialogue with one client in the dialect of Polygon/Massive: a key first,
 * then channels.
 */
#include "server/quotes.h"

#include <nettle/memops.h>
#include <string.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"

/* A frame of one object: '[', the object, ']'. */
#define FRAME_SIZE (MSIM_FRAME_HEAD_SIZE + MSIM_POLYGON_EVENT_MAX + 2)

/* An answer to one channel, without the channel's own text. */
#define ANSWER_BYTES 80

/* The same to one that is none, and so much of what it said. */
#define REFUSAL_BYTES 192
#define SHOWN_BYTES 40

/* Finishes a frame whose object stands at frame + MSIM_FRAME_HEAD_SIZE + 1; where it begins. */
static unsigned char *finish_frame(unsigned char *frame, size_t object_length, size_t *length)
{
    unsigned char head[MSIM_FRAME_HEAD_SIZE];
    unsigned char *payload = frame + MSIM_FRAME_HEAD_SIZE;

    payload[0] = '[';
    payload[1 + object_length] = ']';
    size_t head_length = msim_frame_head(head, MSIM_MESSAGE_TEXT, object_length + 2);
    memcpy(payload - head_length, head, head_length);
    *length = head_length + object_length + 2;
    return payload - head_length;
}

static void say(struct msim_quotes_server *server, struct msim_quotes_client *client,
                enum msim_polygon_status status, const char *subject, size_t subject_length)
{
    unsigned char frame[FRAME_SIZE];
    size_t object_length;
    size_t length;

    int r = msim_polygon_status(status, subject, subject_length,
                                (char *)frame + MSIM_FRAME_HEAD_SIZE + 1, MSIM_POLYGON_EVENT_MAX,
                                &object_length);
    if (r < 0) {
        msim_connection_close(client->connection, MSIM_CLOSE_POLICY,
                              "a channel's name is too long");
        return;
    }
    const unsigned char *begin = finish_frame(frame, object_length, &length);
    if (server->params.faults)
        server->failure = msim_quotes_faults_send(server, client, MSIM_FAULT_RESP_OTHER, NULL,
                                                  frame + MSIM_FRAME_HEAD_SIZE, object_length + 2);
    else
        msim_quotes_give(server, client, begin, length);
}

static void complain(struct msim_quotes_server *server, struct msim_quotes_client *client,
                     const char *words)
{
    say(server, client, MSIM_POLYGON_ERROR, words, strlen(words));
}

void msim_quotes_polygon_greet(struct msim_quotes_server *server, struct msim_quotes_client *client)
{
    client->auth_deadline = msim_net_now(server->net) + MSIM_QUOTES_AUTH_NS;
    server->unauthorized++;
    say(server, client, MSIM_POLYGON_CONNECTED, "", 0);
}

msim_time msim_quotes_polygon_expire(struct msim_quotes_server *server, msim_time now)
{
    msim_time next = MSIM_TIME_NEVER;

    for (size_t i = 0; i < server->client_count; i++) {
        struct msim_quotes_client *client = server->clients[i];
        if (client->auth_deadline > now) {
            if (client->auth_deadline < next)
                next = client->auth_deadline;
            continue;
        }
        client->auth_deadline = MSIM_TIME_NEVER;
        server->unauthorized--;
        say(server, client, MSIM_POLYGON_AUTH_TIMEOUT, "", 0);
        msim_connection_close(client->connection, MSIM_CLOSE_POLICY, "no key in time");
    }
    return next;
}

/* ---- keys ---- */

/* Which key it is; SIZE_MAX for none.  Takes as long for a wrong one as for a right one. */
static size_t find_key(const struct msim_quotes_server *server, const char *text, size_t length)
{
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < server->key_count; i++)
        if (strlen(server->keys[i]) == length && memeql_sec(server->keys[i], text, length))
            found = i;
    return found;
}

/* A key is for so many connections: the oldest goes where one more comes. */
static void make_room(struct msim_quotes_server *server, const struct msim_quotes_client *newest)
{
    struct msim_quotes_client *oldest = NULL;
    size_t count = 0;

    for (size_t i = 0; i < server->client_count; i++) {
        struct msim_quotes_client *client = server->clients[i];
        if (client->key != newest->key || !client->is_authorized)
            continue;
        count++;
        if (client != newest && (!oldest || client->number < oldest->number))
            oldest = client;
    }
    if (count <= server->params.connections_per_key || !oldest)
        return;
    oldest->is_authorized = false;
    say(server, oldest, MSIM_POLYGON_MAX_CONNECTIONS, "", 0);
    msim_connection_close(oldest->connection, MSIM_CLOSE_POLICY,
                          "too many connections of this key");
}

static void authorize(struct msim_quotes_server *server, struct msim_quotes_client *client,
                      const struct msim_polygon_request *request)
{
    if (client->auth_deadline != MSIM_TIME_NEVER) {
        client->auth_deadline = MSIM_TIME_NEVER;
        server->unauthorized--;
    }
    if (server->key_count > 0) {
        client->key = find_key(server, request->params, request->params_length);
        if (client->key == SIZE_MAX) {
            client->is_authorized = false;
            msim_log(&server->logger, MSIM_LOG_WARNING, "quotes", "%s: a wrong API key",
                     msim_connection_peer(client->connection));
            say(server, client, MSIM_POLYGON_AUTH_FAILED, "", 0);
            msim_connection_close(client->connection, MSIM_CLOSE_POLICY, "authentication failed");
            return;
        }
    }
    client->is_authorized = true;
    say(server, client, MSIM_POLYGON_AUTH_SUCCESS, "", 0);
    if (server->key_count > 0)
        make_room(server, client);
}

/* ---- channels ---- */

/* The name's number, given out where it is new: so many that the source has not, and no more. */
static int name_wish(struct msim_quotes_server *server, const char *text, size_t length,
                     uint32_t *name)
{
    int r = msim_symbols_find(&server->names, text, length, name);

    if (r != MSIM_ERR_NOT_FOUND)
        return r;
    if (server->wished == MSIM_QUOTES_NAMES)
        return MSIM_ERR_LIMIT;
    r = msim_symbols_intern(&server->names, text, length, name);
    if (r >= 0)
        server->wished++;
    return r;
}

static void refuse_channel(struct msim_quotes_server *server, struct msim_quotes_client *client,
                           const struct msim_polygon_channel *channel)
{
    static const char *const known[] = {
        [MSIM_POLYGON_STOCKS] = "T., Q., A. and AM.",
        [MSIM_POLYGON_CRYPTO] = "XT., XQ., XAS. and XA.",
    };
    const size_t shown = channel->text_length < SHOWN_BYTES ? channel->text_length : SHOWN_BYTES;
    struct msim_detail words;

    if (channel->feed == 0)
        msim_detail_set(&words, MSIM_ERR_INVALID,
                        "'%.*s' is not a channel of this cluster: %s with a symbol or * are",
                        (int)shown, channel->text, known[server->params.cluster]);
    else
        msim_detail_set(&words, MSIM_ERR_INVALID, "'%.*s': a symbol has at most %d bytes",
                        (int)shown, channel->text, MSIM_QUOTES_NAME_MAX);
    complain(server, client, words.text);
}

static void change_channel(struct msim_quotes_server *server, struct msim_quotes_client *client,
                           const struct msim_polygon_channel *channel, bool wanted)
{
    struct msim_quotes_wishes *wishes = &client->feeds[channel->feed];
    uint32_t name = 0;
    int r = MSIM_OK;

    if (channel->feed == 0 || channel->symbol_length > MSIM_QUOTES_NAME_MAX) {
        refuse_channel(server, client, channel);
        return;
    }
    if (!channel->all)
        r = wanted
                ? name_wish(server, channel->symbol, channel->symbol_length, &name)
                : msim_symbols_find(&server->names, channel->symbol, channel->symbol_length, &name);
    if (r >= 0 && wanted)
        r = msim_quotes_wish(wishes, channel->all, name, &server->allocator);
    else if (r >= 0)
        msim_quotes_unwish(wishes, channel->all, name, &server->allocator);
    if (r < 0 && r != MSIM_ERR_NOT_FOUND) {
        complain(server, client, "too many symbols");
        return;
    }
    say(server, client, wanted ? MSIM_POLYGON_SUBSCRIBED : MSIM_POLYGON_UNSUBSCRIBED, channel->text,
        channel->text_length);
}

/* Whether the answers, one for each channel, leave room for events in the client's backlog. */
static bool can_answer(const struct msim_quotes_server *server,
                       const struct msim_quotes_client *client,
                       const struct msim_polygon_request *request)
{
    size_t bound = server->params.max_backlog_bytes / 4 * 3;
    size_t waiting = msim_connection_backlog(client->connection);
    size_t room = waiting < bound ? bound - waiting : 0;
    struct msim_polygon_channel channel;
    size_t at = 0;

    while (msim_polygon_channel((enum msim_polygon_cluster)server->params.cluster, request->params,
                                request->params_length, &at, &channel)) {
        size_t size = (channel.feed > 0 ? ANSWER_BYTES : REFUSAL_BYTES) + channel.text_length;
        if (room < size)
            return false;
        room -= size;
    }
    return true;
}

static void change_channels(struct msim_quotes_server *server, struct msim_quotes_client *client,
                            const struct msim_polygon_request *request, bool wanted)
{
    struct msim_polygon_channel channel;
    size_t at = 0;

    if (!client->is_authorized) {
        say(server, client, MSIM_POLYGON_NOT_AUTHORIZED, "", 0);
        return;
    }
    if (!can_answer(server, client, request)) {
        complain(server, client, "too many channels in one message: name some thousands at a time");
        return;
    }
    while (msim_polygon_channel((enum msim_polygon_cluster)server->params.cluster, request->params,
                                request->params_length, &at, &channel))
        change_channel(server, client, &channel, wanted);
}

static bool has_scratch(struct msim_quotes_server *server, size_t length)
{
    void *scratch = server->scratch;
    /* The transport bounds a message's length. */
    int r = msim_mem_grow(&server->allocator, &scratch, &server->scratch_size, 1, length + 1,
                          SIZE_MAX / 2);
    server->scratch = scratch;
    return r >= 0;
}

void msim_quotes_polygon_message(struct msim_quotes_server *server,
                                 struct msim_quotes_client *client, const char *bytes,
                                 size_t length)
{
    struct msim_polygon_request request;
    struct msim_detail detail = {{0}};

    if (!has_scratch(server, length)) {
        complain(server, client, "out of memory");
        return;
    }
    if (msim_polygon_decode(bytes, length, &request, server->scratch, &detail) < 0) {
        complain(server, client, detail.text);
        return;
    }
    switch (request.action) {
    case MSIM_POLYGON_AUTH:
        authorize(server, client, &request);
        break;
    case MSIM_POLYGON_SUBSCRIBE:
        change_channels(server, client, &request, true);
        break;
    case MSIM_POLYGON_UNSUBSCRIBE:
        change_channels(server, client, &request, false);
        break;
    }
}

/* ---- events ---- */

/* What a failure layer's selectors call it. */
static int type_of(int feed)
{
    switch (feed) {
    case MSIM_POLYGON_TRADES:
        return MSIM_FAULT_MD_TRADE;
    case MSIM_POLYGON_QUOTES:
        return MSIM_FAULT_MD_BBO;
    default:
        return MSIM_FAULT_MD_KLINE;
    }
}

int msim_quotes_polygon_record(struct msim_quotes_server *server, struct msim_quotes_symbol *symbol,
                               const struct msim_record *record)
{
    unsigned char frame[FRAME_SIZE];
    const unsigned char *begin = NULL;
    size_t length = 0;
    int feed = msim_polygon_feed_of(record);
    size_t count = server->client_count;

    for (size_t i = 0; i < count && feed > 0; i++) {
        struct msim_quotes_client *client = server->clients[(server->first + i) % count];
        if (!client->is_authorized || !msim_quotes_wants(&client->feeds[feed], symbol->name))
            continue;
        if (!begin) {
            size_t object_length;
            int r = msim_polygon_encode((enum msim_polygon_cluster)server->params.cluster,
                                        &symbol->listing, record, &symbol->tally,
                                        (char *)frame + MSIM_FRAME_HEAD_SIZE + 1,
                                        MSIM_POLYGON_EVENT_MAX, &object_length);
            if (r < 0)
                return r;
            begin = finish_frame(frame, object_length, &length);
            server->stats.events++;
        }
        if (!server->params.faults) {
            msim_quotes_give(server, client, begin, length);
            continue;
        }
        const unsigned char *payload = frame + MSIM_FRAME_HEAD_SIZE;
        int r = msim_quotes_faults_send(server, client, type_of(feed),
                                        msim_source_symbol(&server->source, record->symbol, NULL),
                                        payload, (size_t)(begin + length - payload));
        if (r < 0)
            return r;
    }
    msim_polygon_tally_record(&symbol->tally, record);
    return MSIM_OK;
}
