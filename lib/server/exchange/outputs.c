/*
 * What the venue tells becomes messages: private ones for an account's connections, answers for
 * who asked, public ones for the channels.
 */
#include "server/exchange/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "server/exchange/reasons.h"
#include "server/exchange/rest.h"

struct private_message {
    struct msim_exchange_server *server;
    const struct msim_venue_output *output;
    const struct msim_event *event;
    struct msim_exchange_pending *pending; /* whose answer this is; NULL */
    struct msim_fault_message message;
    char order_id[MSIM_NATIVE_ID_LENGTH];
};

/* ---- which event answers what ---- */

static bool answers(uint8_t type, uint8_t kind)
{
    if (kind == MSIM_EVENT_REJECTED)
        return true;
    switch (type) {
    case MSIM_NATIVE_PLACE_ORDER:
        return kind == MSIM_EVENT_ACCEPTED;
    case MSIM_NATIVE_CANCEL_ORDER:
        return kind == MSIM_EVENT_CANCELLED;
    case MSIM_NATIVE_REPLACE_ORDER:
        return kind == MSIM_EVENT_REPLACED;
    default:
        return kind == MSIM_EVENT_MASS_CANCELLED;
    }
}

/* What the direct answer is to selectors; the same event is exec.* to all others. */
static int answer_type(uint8_t type, uint8_t kind)
{
    bool refused = kind == MSIM_EVENT_REJECTED;

    switch (type) {
    case MSIM_NATIVE_PLACE_ORDER:
        return refused ? MSIM_FAULT_REJECT_NEW : MSIM_FAULT_ACK_NEW;
    case MSIM_NATIVE_REPLACE_ORDER:
        return refused ? MSIM_FAULT_REJECT_REPLACE : MSIM_FAULT_ACK_REPLACE;
    default:
        return refused ? MSIM_FAULT_REJECT_CANCEL : MSIM_FAULT_ACK_CANCEL;
    }
}

/* ---- sending ---- */

static bool is_money(const struct msim_event *event)
{
    return event->kind == MSIM_EVENT_BALANCE || event->kind == MSIM_EVENT_POSITION;
}

static bool wants(const struct msim_exchange_client *client, const struct msim_event *event)
{
    if (is_money(event))
        return client->wants_money;
    return client->wants_orders && (client->orders_instrument == MSIM_ALL_INSTRUMENTS ||
                                    client->orders_instrument == event->instrument);
}

/* No message yet: whoever sends describes it. */
static void begin(struct private_message *private, struct msim_exchange_server *server,
                  const struct msim_venue_output *output, struct msim_exchange_pending *pending)
{
    private->server = server;
    private->output = output;
    private->event = output->event;
    private->pending = pending;
}

/* What is to be sent, with all that a message to nobody in particular has. */
static void describe(struct private_message *private, const char *bytes, size_t length)
{
    private->message = (struct msim_fault_message){
        .bytes = bytes, .length = length, .type = private->output->type};
}

/* What selectors may ask of it. */
static void describe_more(struct private_message *private)
{
    struct msim_exchange_server *server = private->server;
    const struct msim_event *event = private->event;
    struct msim_fault_text *client_id = &private->message.client_order_id;

    private->message.side = event->side;
    client_id->text = msim_venue_client_id(server->venue, event->client_id, &client_id->length);
    if (!client_id->text)
        client_id->length = 0;
    if (event->instrument < server->market_count) {
        const char *symbol = server->settings.listings[event->instrument].symbol;
        private->message.symbol = (struct msim_fault_text){symbol, strlen(symbol)};
    }
    if (event->order != 0) {
        msim_native_id_print(server->codec, MSIM_NATIVE_ID_ORDER, event->order, private->order_id);
        private->message.order_id =
            (struct msim_fault_text){private->order_id, sizeof private->order_id};
    }
}

/* More than the bytes is for selectors alone: where none is there, nobody asks. */
static void send(struct private_message *private, struct msim_exchange_client *client)
{
    struct msim_fault_link *link = msim_fault_session_link(client->session, MSIM_FAULT_OUT);

    if (msim_fault_link_watched(link) != 0)
        describe_more(private);
    msim_exchange_send_news(private->server, client, &private->message, private->event,
                            private->output->exec);
}

/* The same with the request's id at its end: the last member before the '}'. */
static size_t with_request_id(const struct msim_exchange_pending *pending, char *bytes,
                              size_t length)
{
    static const char key[] = ",\"request_id\":";

    if (pending->request_id_length == 0)
        return length;
    char *at = bytes + length - 1;
    memcpy(at, key, sizeof key - 1);
    at += sizeof key - 1;
    memcpy(at, pending->request_id, pending->request_id_length);
    at += pending->request_id_length;
    *at++ = '}';
    return (size_t)(at - bytes);
}

static void answer(struct private_message *private, char *bytes, size_t length)
{
    struct msim_exchange_pending *pending = private->pending;

    pending->is_answered = true;
    if (!pending->client)
        return;
    length = with_request_id(pending, bytes, length);
    describe(private, bytes, length);
    private->message.type = answer_type(pending->type, private->event->kind);
    send(private, pending->client);
}

/* ---- events of orders ---- */

/* Copies that are exact are the very bytes that were told before. */
static size_t told_before(struct private_message *private,
                          const struct msim_exchange_account *account, char *out)
{
    struct msim_exchange_server *server = private->server;
    const struct msim_event *event = private->event;
    struct msim_exchange_past past = {0};
    uint64_t maker = event->flags & MSIM_EVENT_MAKER ? 1 : 0;
    char id[MSIM_NATIVE_ID_LENGTH];
    size_t length;

    msim_native_id_print(server->codec, MSIM_NATIVE_ID_FILL, private->output->exec << 1 | maker,
                         id);
    if (!account->history)
        return 0;
    while ((length = msim_exchange_history_next(account->history, account->history->first, &past,
                                                out, MSIM_NATIVE_MESSAGE_MAX)) > 0)
        for (size_t at = 0; at + sizeof id <= length; at++)
            if (memcmp(out + at, id, sizeof id) == 0)
                return length;
    return 0;
}

/* For RESUME; without memory it is as if it had been too long ago. */
static void keep(struct msim_exchange_server *server, struct msim_exchange_account *account,
                 int type, const char *bytes, size_t length)
{
    if (!account->history)
        account->history = msim_mem_zero(&server->allocator, sizeof *account->history);
    if (account->history)
        msim_exchange_history_add(account->history, MSIM_EXCHANGE_ACCOUNT_HISTORY,
                                  account->sequence, type, bytes, length, &server->allocator);
}

static size_t encode(struct private_message *private, struct msim_exchange_account *account)
{
    struct msim_exchange_server *server = private->server;
    const struct msim_venue_output *output = private->output;
    const struct msim_event *event = private->event;
    struct msim_native_stamp stamp = {.time = output->time};
    struct msim_native_story story = {.exec = output->exec};
    size_t id_length = 0;
    const char *id = msim_venue_client_id(server->venue, event->client_id, &id_length);

    if (output->said && output->said->made == MSIM_FAULT_MADE_COPY && !output->said->new_sequence) {
        size_t length = told_before(private, account, server->message);
        if (length > 0)
            return length;
    }
    if (output->said)
        story.possible_duplicate = output->said->possible_duplicate;
    if (id)
        story.client_id = (struct msim_native_text){id, id_length};
    stamp.sequence = account->sequence + 1;
    size_t length = msim_native_encode_event(server->codec, &stamp, event, &story, server->message);
    if (length > 0) {
        account->sequence++;
        keep(server, account, output->type, server->message, length);
    }
    return length;
}

/* An order's event: to who asked, and to all other connections of the account. */
static void tell_order(struct private_message *private, struct msim_exchange_account *account)
{
    struct msim_exchange_server *server = private->server;
    struct msim_exchange_client *asker = private->pending ? private->pending->client : NULL;
    size_t length = encode(private, account);

    if (length == 0)
        return;
    describe(private, server->message, length);
    for (struct msim_exchange_client *client = account->clients; client; client = client->next)
        if (client != asker && wants(client, private->event))
            send(private, client);
    if (private->pending)
        answer(private, server->message, length);
}

/* ---- refusals, and other answers to one alone ---- */

/* A cancel's refusal means that there is nothing to cancel: an ERROR, not an ORDER_REJECT. */
static void refuse(struct private_message *private)
{
    struct msim_exchange_server *server = private->server;
    const struct msim_event *event = private->event;
    struct msim_native_stamp stamp = {.time = private->output->time};
    struct msim_native_refusal refusal = {.details = "{}"};
    size_t length;

    server->stats.errors++;
    msim_exchange_reason(server, event, refusal.message, sizeof refusal.message);
    if (event->code == MSIM_REJECT_ORDER_NOT_FOUND || event->command_kind == MSIM_COMMAND_CANCEL ||
        event->command_kind == MSIM_COMMAND_CANCEL_ALL) {
        refusal.error = event->code == MSIM_REJECT_ORDER_NOT_FOUND ? MSIM_NATIVE_ORDER_NOT_FOUND
                                                                   : MSIM_NATIVE_CANCEL_FAILED;
        length = msim_native_encode_error(server->codec, &stamp, &refusal, server->message);
    } else {
        struct msim_native_story story = {
            .reason = {refusal.message, strlen(refusal.message)},
        };
        /* The engine keeps no id of what it refused; the request under way has it still. */
        if (private->output->tag == server->tag)
            story.client_id = server->request.client_id;
        length = msim_native_encode_event(server->codec, &stamp, event, &story, server->message);
    }
    answer(private, server->message, length);
}

static void count_cancelled(struct private_message *private)
{
    struct msim_exchange_server *server = private->server;
    struct msim_native_stamp stamp = {.time = private->output->time};
    struct msim_native_answered answered = {
        .answer = MSIM_NATIVE_CANCEL_ALL_ACK,
        .count = private->event->as.mass.count,
    };
    size_t length = msim_native_encode_answer(server->codec, &stamp, &answered, server->message);

    answer(private, server->message, length);
}

/* ---- money ---- */

static void tell_money(struct private_message *private, struct msim_exchange_account *account)
{
    struct msim_exchange_server *server = private->server;
    const struct msim_event *event = private->event;
    struct msim_native_stamp stamp = {.time = private->output->time};
    size_t length = 0;
    bool encoded = false;

    for (struct msim_exchange_client *client = account->clients; client; client = client->next) {
        if (!wants(client, event))
            continue;
        if (!encoded && event->kind == MSIM_EVENT_BALANCE) {
            length = msim_native_encode_event(server->codec, &stamp, event, NULL, server->message);
        } else if (!encoded) {
            struct msim_position_view view = {0};
            msim_engine_position(server->engine, private->output->account, event->instrument,
                                 &view);
            struct msim_native_position position = {event->instrument, event->as.position.quantity,
                                                    event->as.position.average_price,
                                                    event->as.position.realised, view.unrealised};
            length = msim_native_encode_position(server->codec, &stamp, MSIM_NATIVE_MESSAGE,
                                                 &position, server->message);
        }
        encoded = true;
        describe(private, server->message, length);
        send(private, client);
    }
}

static void tell_private(struct msim_exchange_server *server,
                         const struct msim_venue_output *output)
{
    struct private_message private;
    struct msim_exchange_account *account = msim_exchange_account(server, output->account);
    const struct msim_event *event = output->event;

    if (!account)
        return;
    struct msim_exchange_pending *pending = msim_exchange_pending_of(server, output->tag);
    const bool is_answer = pending && !pending->is_answered && answers(pending->type, event->kind);
    begin(&private, server, output, is_answer ? pending : NULL);
    if (private.pending && pending->call)
        msim_exchange_rest_event(server, pending->call, event);
    if (is_money(event))
        tell_money(&private, account);
    else if (event->kind != MSIM_EVENT_REJECTED && event->kind != MSIM_EVENT_MASS_CANCELLED)
        tell_order(&private, account);
    else if (private.pending && event->kind == MSIM_EVENT_REJECTED)
        refuse(&private);
    else if (private.pending)
        count_cancelled(&private);
}

/* A trade that was undone or got another price: to both who had made it. */
static void tell_amended(struct msim_exchange_server *server,
                         const struct msim_venue_output *output)
{
    const struct msim_event_trade *trade = &output->event->as.trade;
    const uint32_t accounts[2] = {trade->maker_account, trade->taker_account};
    struct msim_venue_output told = *output;

    told.type =
        output->event->kind == MSIM_EVENT_BUSTED ? MSIM_FAULT_EXEC_BUST : MSIM_FAULT_EXEC_CORRECT;
    for (size_t i = 0; i < 2; i++) {
        struct msim_exchange_account *account = msim_exchange_account(server, accounts[i]);
        struct private_message private;
        begin(&private, server, &told, NULL);
        told.account = accounts[i];
        if (account && (i == 0 || accounts[1] != accounts[0]))
            tell_order(&private, account);
    }
}

static bool is_amendment(const struct msim_event *event)
{
    return event->kind == MSIM_EVENT_BUSTED || event->kind == MSIM_EVENT_CORRECTED;
}

/* ---- what the failure layer says ---- */

static void tell_refused(struct msim_exchange_server *server,
                         const struct msim_venue_output *output)
{
    const struct msim_fault_said *said = output->said;
    struct msim_exchange_pending *pending = msim_exchange_pending_of(server, output->tag);
    struct msim_native_stamp stamp = {.time = output->time};
    struct msim_native_refusal refusal = {.error = MSIM_NATIVE_INTERNAL, .details = "{}"};

    if (!pending)
        return;
    snprintf(refusal.message, sizeof refusal.message, "%.*s",
             (int)(said->length < 300 ? said->length : 300), said->text ? said->text : "");
    if (said->code_text && said->code_text[0] != '\0')
        snprintf(refusal.details, sizeof refusal.details, "{\"code\":%d}", said->code);
    if (pending->call)
        msim_exchange_rest_refused(server, pending->call, said, &refusal);
    if (pending->client) {
        stamp.request_id =
            (struct msim_native_text){pending->request_id, pending->request_id_length};
        size_t length = msim_native_encode_error(server->codec, &stamp, &refusal, server->message);
        struct msim_fault_message message = {
            .bytes = server->message, .length = length, .type = output->type};
        msim_exchange_send(server, pending->client, &message);
    }
    msim_exchange_pending_end(server, pending);
}

/* A text as it is, but that ${seq} is a number; NULL without memory. */
static const char *fill_in(struct msim_exchange_server *server, const struct msim_fault_said *said,
                           uint64_t sequence, size_t *length)
{
    static const char mark[] = "${seq}";
    char number[24];
    size_t digits = (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)sequence);
    /* A mark is six bytes, the longest number twenty. */
    char *out = msim_exchange_list_room(server, said->length * 4 + sizeof number);
    size_t at = 0;

    for (size_t i = 0; out && i < said->length;) {
        if (said->length - i >= sizeof mark - 1 &&
            memcmp(said->text + i, mark, sizeof mark - 1) == 0) {
            memcpy(out + at, number, digits);
            at += digits;
            i += sizeof mark - 1;
        } else {
            out[at++] = said->text[i++];
        }
    }
    *length = at;
    return out;
}

/* Whether the channel's own messages are of that type. */
static bool is_of_channel(int type, int topic)
{
    switch (type) {
    case MSIM_FAULT_MD_TRADE:
        return topic == TOPIC_TRADES;
    case MSIM_FAULT_MD_DEPTH:
        return topic == TOPIC_L2;
    case MSIM_FAULT_MD_SNAPSHOT:
        return topic == TOPIC_ORDERBOOK || topic == TOPIC_L2;
    case MSIM_FAULT_MD_BBO:
    case MSIM_FAULT_MD_TICKER:
        return topic == TOPIC_TICKER;
    case MSIM_FAULT_MD_KLINE:
        return topic >= TOPIC_CANDLES;
    default:
        return false;
    }
}

static bool is_of_some_channel(int type)
{
    return is_of_channel(type, TOPIC_TRADES) || is_of_channel(type, TOPIC_L2) ||
           is_of_channel(type, TOPIC_TICKER) || is_of_channel(type, TOPIC_CANDLES);
}

/* To a channel's subscribers, with its next sequence; to one account's alone with the latest. */
static void tell_channel(struct msim_exchange_server *server, struct msim_exchange_market *market,
                         int topic, const struct msim_venue_output *output)
{
    struct msim_exchange_feed *feed = market->feeds[topic];
    struct msim_exchange_account *account = msim_exchange_account(server, output->account);
    const char *symbol = server->settings.listings[market->instrument].symbol;
    struct msim_fault_message message = {.type = output->type, .symbol = {symbol, strlen(symbol)}};

    if (topic == TOPIC_L2)
        msim_exchange_market_flush(server, market);
    message.bytes = fill_in(server, output->said, feed->sequence + !account, &message.length);
    if (!message.bytes) {
        msim_exchange_fail(server, MSIM_ERR_NOMEM, "");
    } else if (!account) {
        feed->sequence++;
        msim_exchange_publish(server, market, topic, output->type, message.bytes, message.length);
    } else {
        for (struct msim_exchange_client *client = account->clients; client; client = client->next)
            if (client->topics[market->instrument] >> topic & 1)
                msim_exchange_send(server, client, &message);
    }
}

static void tell_channels(struct msim_exchange_server *server,
                          const struct msim_venue_output *output)
{
    for (size_t i = 0; i < server->market_count; i++) {
        struct msim_exchange_market *market = &server->markets[i];
        const char *wanted = output->said->symbol;
        if (wanted && wanted[0] != '\0' &&
            strcmp(wanted, server->settings.listings[market->instrument].symbol) != 0)
            continue;
        for (int topic = 0; topic < TOPIC_COUNT; topic++)
            if (market->feeds[topic] && is_of_channel(output->type, topic))
                tell_channel(server, market, topic, output);
    }
}

/* Whether the connection is one that the text is for: of orders only who hears of orders. */
static bool is_meant(const struct msim_exchange_client *client, const struct msim_fault_said *said)
{
    if (said->channel == MSIM_FAULT_WS_PUBLIC)
        return client->is_public;
    if (said->channel == MSIM_FAULT_WS_PRIVATE || said->channel == MSIM_FAULT_WS_API)
        return !client->is_public;
    bool is_of_orders = said->type >= MSIM_FAULT_ACK_NEW && said->type <= MSIM_FAULT_POSITION;
    return said->channel < 0 && (!is_of_orders || client->wants_orders);
}

/* To an account, as one more of its private messages. */
static void tell_account(struct msim_exchange_server *server,
                         const struct msim_venue_output *output,
                         struct msim_exchange_account *account)
{
    struct msim_fault_message message = {.type = output->type};

    message.bytes = fill_in(server, output->said, account->sequence + 1, &message.length);
    if (!message.bytes) {
        msim_exchange_fail(server, MSIM_ERR_NOMEM, "");
        return;
    }
    account->sequence++;
    keep(server, account, output->type, message.bytes, message.length);
    for (struct msim_exchange_client *client = account->clients; client; client = client->next)
        if (is_meant(client, output->said))
            msim_exchange_send(server, client, &message);
}

/* To everybody, with no sequence of anybody's. */
static void tell_all(struct msim_exchange_server *server, const struct msim_venue_output *output)
{
    struct msim_fault_message message = {.type = output->type};

    message.bytes = fill_in(server, output->said, 0, &message.length);
    if (!message.bytes) {
        msim_exchange_fail(server, MSIM_ERR_NOMEM, "");
        return;
    }
    for (size_t i = 0; i < server->client_count; i++)
        if (is_meant(server->clients[i], output->said))
            msim_exchange_send(server, server->clients[i], &message);
}

static void tell_text(struct msim_exchange_server *server, const struct msim_venue_output *output)
{
    struct msim_exchange_account *account = msim_exchange_account(server, output->account);

    if (is_of_some_channel(output->type)) {
        tell_channels(server, output);
    } else if (account) {
        tell_account(server, output, account);
    } else if (output->account == MSIM_VENUE_PUBLIC) {
        tell_all(server, output);
    }
}

static void tell_notice(struct msim_exchange_server *server, const struct msim_venue_output *output)
{
    struct msim_native_stamp stamp = {.time = output->time};
    struct msim_native_text text = {output->said->text, output->said->length};
    size_t length = msim_native_encode_notice(server->codec, &stamp, text, server->message);
    struct msim_fault_message message = {
        .bytes = server->message, .length = length, .type = MSIM_FAULT_SYS_NOTICE};

    for (size_t i = 0; i < server->client_count; i++)
        msim_exchange_send(server, server->clients[i], &message);
}

/* An instrument was halted, resumed, or has another grid: words to everybody. */
static void tell_state(struct msim_exchange_server *server, const struct msim_venue_output *output)
{
    const struct msim_event *event = output->event;
    struct msim_native_stamp stamp = {.time = output->time};
    char words[128];

    if (event->instrument >= server->market_count)
        return;
    const char *symbol = server->settings.listings[event->instrument].symbol;
    snprintf(words, sizeof words, "%s is %s", symbol,
             msim_instrument_state_name((uint8_t)event->as.instrument.state));
    size_t length = msim_native_encode_notice(
        server->codec, &stamp, (struct msim_native_text){words, strlen(words)}, server->message);
    struct msim_fault_message message = {
        .bytes = server->message,
        .length = length,
        .type = MSIM_FAULT_MD_STATUS,
        .symbol = {symbol, strlen(symbol)},
    };
    for (size_t i = 0; i < server->client_count; i++)
        msim_exchange_send(server, server->clients[i], &message);
}

int msim_exchange_outputs(struct msim_exchange_server *server, msim_time until)
{
    struct msim_venue_output output;
    int r;

    while ((r = msim_venue_pull(server->venue, until, &output, &server->detail)) ==
           MSIM_PULL_RECORD) {
        switch (output.kind) {
        case MSIM_VENUE_EVENT:
            if (is_amendment(output.event))
                tell_amended(server, &output);
            if (output.event->kind == MSIM_EVENT_INSTRUMENT)
                tell_state(server, &output);
            if (output.account == MSIM_VENUE_PUBLIC)
                msim_exchange_market_event(server, &output);
            else if (!is_amendment(output.event))
                tell_private(server, &output);
            break;
        case MSIM_VENUE_REFUSED:
            tell_refused(server, &output);
            break;
        case MSIM_VENUE_TEXT:
            tell_text(server, &output);
            break;
        case MSIM_VENUE_NOTICE:
            tell_notice(server, &output);
            break;
        default:
            break;
        }
    }
    return r < 0 ? r : MSIM_OK;
}

void msim_exchange_catch_up(struct msim_exchange_server *server)
{
    int r = msim_exchange_outputs(server, server->now);

    if (r < 0)
        msim_exchange_fail(server, r, server->detail.text);
}
