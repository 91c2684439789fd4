/*
 * Public channels: who listens, which sequence a message has, and what was missed.
 *
 * A feed comes into being with its first subscriber and stays from then on, so that whoever
 * comes back finds what it missed.  Its messages are encoded once; clients on the shared path
 * get them as frames of the hub, those apart one by one.
 */
#include "server/exchange/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

static int topic_of(const struct msim_native_request *request)
{
    switch (request->channel) {
    case MSIM_NATIVE_TRADES:
        return TOPIC_TRADES;
    case MSIM_NATIVE_TICKER:
        return TOPIC_TICKER;
    case MSIM_NATIVE_ORDERBOOK:
        return TOPIC_ORDERBOOK;
    case MSIM_NATIVE_ORDERBOOK_L2:
        return TOPIC_L2;
    case MSIM_NATIVE_ORDERBOOK_L3:
        return TOPIC_L3;
    default:
        break;
    }
    if (request->interval == 0)
        return TOPIC_CANDLES + MSIM_CANDLE_1M;
    for (int i = 0; i < MSIM_CANDLE_INTERVALS; i++)
        if (msim_venue_interval_length(i) == request->interval)
            return TOPIC_CANDLES + i;
    return -1;
}

/* ---- feeds ---- */

/* The events that a channel is made of. */
static unsigned events_of(int topic)
{
    switch (topic) {
    case TOPIC_TRADES:
        return MSIM_EVENTS_TRADE;
    case TOPIC_ORDERBOOK:
    case TOPIC_L2:
        return MSIM_EVENTS_LEVEL;
    case TOPIC_L3:
        return MSIM_EVENTS_BOOK_ORDER;
    default:
        return 0; /* asked for on the beat */
    }
}

static struct msim_exchange_feed *feed_of(struct msim_exchange_server *server,
                                          struct msim_exchange_market *market, int topic)
{
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;

    if (market->feeds[topic])
        return market->feeds[topic];
    if (topic == TOPIC_L2 && !market->deltas) {
        market->deltas =
            msim_mem_take_array(&server->allocator, MSIM_EXCHANGE_DELTAS, sizeof *market->deltas);
        if (!market->deltas)
            return NULL;
    }
    struct msim_exchange_feed *feed = msim_mem_zero(&server->allocator, sizeof *feed);
    if (!feed)
        return NULL;
    if (msim_topic_create(server->net, &feed->topic, &params) < 0) {
        msim_mem_free(&server->allocator, feed, sizeof *feed);
        return NULL;
    }
    feed->sequence = 1; /* the state that its first subscriber is told */
    msim_exchange_listen(server, events_of(topic));
    market->feeds[topic] = feed;
    return feed;
}

static void send_apart(struct msim_exchange_server *server,
                       const struct msim_exchange_market *market, int topic,
                       const struct msim_fault_message *message)
{
    for (size_t i = 0; i < server->apart_count; i++) {
        struct msim_exchange_client *client = server->clients[i];
        if (client->topics[market->instrument] >> topic & 1)
            msim_exchange_send(server, client, message);
    }
}

void msim_exchange_publish(struct msim_exchange_server *server, struct msim_exchange_market *market,
                           int topic, int type, const char *bytes, size_t length)
{
    struct msim_exchange_feed *feed = market->feeds[topic];
    const char *symbol = server->settings.listings[market->instrument].symbol;
    struct msim_fault_message message = {
        .bytes = bytes,
        .length = length,
        .type = type,
        .symbol = {symbol, strlen(symbol)},
    };

    msim_exchange_history_add(&feed->history, MSIM_EXCHANGE_TOPIC_HISTORY, feed->sequence, type,
                              bytes, length, &server->allocator);
    int r = msim_topic_publish(feed->topic, MSIM_MESSAGE_TEXT, bytes, length);
    if (r < 0)
        msim_log(&server->logger, MSIM_LOG_WARNING, "exchange", "%s: a message is lost: %s", symbol,
                 msim_result_text(r));
    server->stats.sent++;
    send_apart(server, market, topic, &message);
}

/* ---- a client's part in it ---- */

static int join(struct msim_exchange_server *server, struct msim_exchange_client *client,
                struct msim_exchange_market *market, int topic)
{
    uint16_t bit = (uint16_t)(1U << topic);
    struct msim_exchange_feed *feed = feed_of(server, market, topic);

    if (!feed)
        return MSIM_ERR_NOMEM;
    if (client->topics[market->instrument] & bit)
        return MSIM_OK;
    int r = client->is_apart ? MSIM_OK : msim_topic_subscribe(feed->topic, client->connection);
    if (r < 0)
        return r;
    client->topics[market->instrument] |= bit;
    return MSIM_OK;
}

static void leave(struct msim_exchange_client *client, struct msim_exchange_market *market,
                  int topic)
{
    uint16_t bit = (uint16_t)(1U << topic);

    if (!(client->topics[market->instrument] & bit))
        return;
    if (!client->is_apart)
        msim_topic_unsubscribe(market->feeds[topic]->topic, client->connection);
    client->topics[market->instrument] &= (uint16_t)~bit;
}

void msim_exchange_share(struct msim_exchange_server *server, struct msim_exchange_client *client,
                         bool shares)
{
    for (size_t i = 0; i < server->market_count; i++)
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            if (!(client->topics[i] >> topic & 1))
                continue;
            struct msim_topic *shared = server->markets[i].feeds[topic]->topic;
            int r = shares ? msim_topic_subscribe(shared, client->connection)
                           : msim_topic_unsubscribe(shared, client->connection);
            if (r < 0 && r != MSIM_ERR_CLOSED && r != MSIM_ERR_NOT_FOUND)
                msim_exchange_fail(server, r, "");
        }
}

/* ---- answers ---- */

static struct msim_native_stamp stamp_of(const struct msim_exchange_server *server)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);

    stamp.request_id = server->request.request_id;
    return stamp;
}

static void confirm(struct msim_exchange_server *server, struct msim_exchange_client *client,
                    int answer)
{
    struct msim_native_stamp stamp = stamp_of(server);
    struct msim_native_answered answered = {
        .answer = answer,
        .channel = server->request.channel,
        .instrument = server->request.instrument,
    };
    size_t length = msim_native_encode_answer(server->codec, &stamp, &answered, server->message);

    msim_exchange_reply(server, client, MSIM_FAULT_RESP_OTHER, server->message, length);
}

static void refuse(struct msim_exchange_server *server, struct msim_exchange_client *client,
                   int error, const char *words, const char *details)
{
    server->refusal = (struct msim_native_refusal){.error = (uint8_t)error};
    snprintf(server->refusal.message, sizeof server->refusal.message, "%s", words);
    snprintf(server->refusal.details, sizeof server->refusal.details, "%s", details);
    msim_exchange_answer_refusal(server, client);
}

static void refuse_join(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        int result)
{
    char words[128];

    snprintf(words, sizeof words, "at most %d channels at a time: unsubscribe from some",
             MSIM_SUBSCRIPTIONS_MAX);
    refuse(server, client, MSIM_NATIVE_INTERNAL,
           result == MSIM_ERR_LIMIT ? words : "no memory for this channel now: try again", "{}");
}

/* The state as it is, so that what follows can be understood. */
static void send_state(struct msim_exchange_server *server, struct msim_exchange_client *client,
                       struct msim_exchange_market *market, int topic)
{
    const char *bytes = NULL;
    size_t length =
        msim_exchange_market_snapshot(server, market, topic, (struct msim_native_text){0}, &bytes);
    const char *symbol = server->settings.listings[market->instrument].symbol;
    struct msim_fault_message message = {
        .bytes = bytes,
        .length = length,
        .type = topic == TOPIC_TICKER ? MSIM_FAULT_MD_TICKER : MSIM_FAULT_MD_SNAPSHOT,
        .symbol = {symbol, strlen(symbol)},
    };

    if (length > 0)
        msim_exchange_send(server, client, &message);
}

/* The last trades, for whoever missed more than is kept. */
static void send_trades(struct msim_exchange_server *server, struct msim_exchange_client *client,
                        const struct msim_exchange_feed *feed)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;

    stamp.sequence = feed->sequence;
    server->request.limit = 0;
    size_t length = msim_exchange_encode_trades(server, &stamp, MSIM_NATIVE_MESSAGE, &bytes);
    if (length > 0)
        msim_exchange_reply(server, client, MSIM_FAULT_MD_SNAPSHOT, bytes, length);
}

/* The account's open orders, and where its private messages stand. */
static void send_orders(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_exchange_account *account = msim_exchange_account(server, client->account);
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;

    stamp.sequence = account->sequence;
    stamp.has_sequence = true;
    server->request.status = 0;
    size_t length = msim_exchange_encode_own_orders(server, client->account, &stamp,
                                                    MSIM_NATIVE_MESSAGE, &bytes);
    if (length > 0)
        msim_exchange_reply(server, client, MSIM_FAULT_RESP_QUERY, bytes, length);
}

/* From now on it is told of orders and of money. */
static void join_orders(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    client->wants_orders = true;
    client->wants_money = true;
    msim_exchange_listen(server, MSIM_EVENTS_BALANCE | MSIM_EVENTS_POSITION);
    client->orders_instrument = server->request.instrument;
    confirm(server, client, MSIM_NATIVE_SUBSCRIBED);
}

static void subscribe_orders(struct msim_exchange_server *server,
                             struct msim_exchange_client *client)
{
    join_orders(server, client);
    send_orders(server, client);
}

/* The instruments that a request means: first .. last - 1. */
static void range_of(const struct msim_exchange_server *server, size_t *first, size_t *last)
{
    bool all = server->request.instrument == MSIM_ALL_INSTRUMENTS;

    *first = all ? 0 : server->request.instrument;
    *last = all ? server->market_count : *first + 1;
}

static int channel_topic(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    int topic = topic_of(&server->request);

    if (topic < 0)
        refuse(server, client, MSIM_NATIVE_INVALID_FIELD,
               "interval: candles are made for \"1s\", \"1m\", \"5m\", \"15m\", \"1h\", \"4h\" and "
               "\"1d\"",
               "{\"field\":\"interval\"}");
    return topic;
}

void msim_exchange_subscribe(struct msim_exchange_server *server,
                             struct msim_exchange_client *client)
{
    size_t first;
    size_t last;

    if (server->request.channel == MSIM_NATIVE_ORDERS) {
        subscribe_orders(server, client);
        return;
    }
    int topic = channel_topic(server, client);
    if (topic < 0)
        return;
    range_of(server, &first, &last);
    /* Deltas that wait belong before what this client hears first. */
    for (size_t i = first; i < last; i++)
        msim_exchange_market_flush(server, &server->markets[i]);
    for (size_t i = first; i < last; i++) {
        int r = join(server, client, &server->markets[i], topic);
        if (r == MSIM_ERR_CLOSED)
            return;
        if (r < 0) {
            refuse_join(server, client, r);
            return;
        }
    }
    confirm(server, client, MSIM_NATIVE_SUBSCRIBED);
    for (size_t i = first; i < last; i++)
        send_state(server, client, &server->markets[i], topic);
}

void msim_exchange_unsubscribe(struct msim_exchange_server *server,
                               struct msim_exchange_client *client)
{
    size_t first;
    size_t last;

    if (server->request.channel == MSIM_NATIVE_ORDERS) {
        client->wants_orders = false;
        client->wants_money = false;
        confirm(server, client, MSIM_NATIVE_UNSUBSCRIBED);
        return;
    }
    int topic = channel_topic(server, client);
    if (topic < 0)
        return;
    range_of(server, &first, &last);
    for (size_t i = first; i < last; i++)
        leave(client, &server->markets[i], topic);
    confirm(server, client, MSIM_NATIVE_UNSUBSCRIBED);
}

/* ---- what was missed ---- */

static void send_past(struct msim_exchange_server *server, struct msim_exchange_client *client,
                      const struct msim_exchange_history *history, uint64_t from)
{
    struct msim_exchange_past past = {0};
    char *room = msim_exchange_list_room(server, MSIM_EXCHANGE_TOPIC_HISTORY);
    size_t length;

    while (room &&
           (length = msim_exchange_history_next(history, from, &past, room, server->list_size)) > 0)
        msim_exchange_reply(server, client, past.type, room, length);
}

/* Balances and positions bear no sequence: what was missed of them is in how they stand now. */
static void send_money(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    const struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;
    size_t first;
    size_t last;
    size_t length =
        msim_exchange_encode_balances(server, client->account, &stamp, MSIM_NATIVE_MESSAGE, &bytes);

    if (length > 0)
        msim_exchange_reply(server, client, MSIM_FAULT_BALANCE, bytes, length);
    range_of(server, &first, &last);
    for (size_t i = first; i < last; i++) {
        struct msim_position_view view = {0};
        uint32_t instrument = server->markets[i].instrument;
        if (msim_engine_position(server->engine, client->account, instrument, &view) < 0 ||
            (view.quantity == 0 && view.realised == 0))
            continue;
        struct msim_native_position position = {instrument, view.quantity, view.average_price,
                                                view.realised, view.unrealised};
        length = msim_native_encode_position(server->codec, &stamp, MSIM_NATIVE_MESSAGE, &position,
                                             server->message);
        msim_exchange_reply(server, client, MSIM_FAULT_POSITION, server->message, length);
    }
}

static void resume_orders(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    struct msim_exchange_account *account = msim_exchange_account(server, client->account);
    /* 0 is where an account without a past stands: all of it comes behind. */
    uint64_t from = server->request.from_sequence > 0 ? server->request.from_sequence : 1;

    join_orders(server, client);
    if (account->history && msim_exchange_history_has(account->history, from))
        send_past(server, client, account->history, from);
    else
        send_orders(server, client);
    send_money(server, client);
}

void msim_exchange_resume(struct msim_exchange_server *server, struct msim_exchange_client *client)
{
    if (server->request.channel == MSIM_NATIVE_ORDERS) {
        resume_orders(server, client);
        return;
    }
    int topic = channel_topic(server, client);
    if (topic < 0)
        return;
    struct msim_exchange_market *market = &server->markets[server->request.instrument];
    uint64_t from = server->request.from_sequence;
    msim_exchange_market_flush(server, market);
    int r = join(server, client, market, topic);
    if (r < 0) {
        if (r != MSIM_ERR_CLOSED)
            refuse_join(server, client, r);
        return;
    }
    const struct msim_exchange_feed *feed = market->feeds[topic];
    confirm(server, client, MSIM_NATIVE_SUBSCRIBED);
    if (feed->history.bytes && msim_exchange_history_has(&feed->history, from))
        send_past(server, client, &feed->history, from);
    else if (topic == TOPIC_TRADES)
        send_trades(server, client, feed);
    else
        send_state(server, client, market, topic);
}
