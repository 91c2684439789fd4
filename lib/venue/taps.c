/*
 * The failure layer at the venue: what becomes of requests, and of what is told.
 *
 * Everything that the layer says is taken from it at once and put where the venue's own words
 * wait, so that one order holds for all.  Where the wire is inside, commands and outputs are
 * messages on links of their accounts; their bytes are the structs below.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "venue/inside.h"

/* A command on its way in. */
struct request {
    const struct msim_command *command;
    const char *text; /* its client order id */
    size_t length;
    uint64_t tag;
};

/* The same where it waits on a link. */
struct errand {
    struct msim_command command;
    uint64_t tag;
    uint32_t length;
    char text[MSIM_CLIENT_ID_MAX];
};

/* What was made, on its way out; `said`'s texts are made to point here. */
struct made {
    struct output output;
    struct msim_fault_said said;
    size_t size;
    uint32_t length;
    char strategy[MSIM_FAULT_ID_SIZE];
    char account[MSIM_VENUE_ACCOUNT_MAX + 1];
    char symbol[64];
    char code_text[64];
    char text[];
};

#define TEXT_MOST 65536 /* of an injected text; more is cut */

/* ---- names ---- */

static const char *name_account(void *context, uint32_t account)
{
    return msim_venue_account_name(context, account);
}

static const char *name_symbol(void *context, uint32_t instrument)
{
    const struct msim_venue *venue = context;
    size_t length;

    return msim_engine_symbol(venue->engine, instrument, &length);
}

static const char *name_asset(void *context, uint32_t asset)
{
    const struct msim_venue *venue = context;
    struct msim_asset_view view;

    return msim_engine_asset(venue->engine, asset, &view) == MSIM_OK ? view.name : NULL;
}

static int asset_exponent(void *context, uint32_t asset)
{
    const struct msim_venue *venue = context;
    struct msim_asset_view view;

    return msim_engine_asset(venue->engine, asset, &view) == MSIM_OK ? view.exponent : 0;
}

static const char *name_client_id(void *context, uint32_t account, uint64_t client_id)
{
    size_t length;

    (void)account;
    return client_id ? msim_venue_client_id(context, client_id, &length) : NULL;
}

static int find_instrument(void *context, const char *symbol, struct msim_fault_instrument *out)
{
    const struct msim_venue *venue = context;
    struct msim_instrument_view view;
    struct msim_asset_view base;
    struct msim_asset_view quote;
    uint32_t id;

    if (msim_engine_instrument_find(venue->engine, symbol, strlen(symbol), &id) < 0)
        return MSIM_ERR_NOT_FOUND;
    msim_engine_instrument(venue->engine, id, &view);
    msim_engine_asset(venue->engine, view.params.base_asset, &base);
    msim_engine_asset(venue->engine, view.params.quote_asset, &quote);
    *out = (struct msim_fault_instrument){
        .instrument = id,
        .base_asset = view.params.base_asset,
        .quote_asset = view.params.quote_asset,
        .price_exponent = view.params.price_exponent,
        .quantity_exponent = view.params.quantity_exponent,
        .base_exponent = base.exponent,
        .quote_exponent = quote.exponent,
        .tick = view.params.tick,
    };
    return MSIM_OK;
}

static int best_prices(void *context, uint32_t instrument, msim_price *bid, msim_price *ask)
{
    const struct msim_venue *venue = context;
    struct msim_instrument_view view;

    if (msim_engine_instrument(venue->engine, instrument, &view) < 0 || view.best_bid == 0 ||
        view.best_ask == 0)
        return MSIM_ERR_NOT_FOUND;
    *bid = view.best_bid;
    *ask = view.best_ask;
    return MSIM_OK;
}

int msim_taps_create(struct msim_venue *venue, const struct msim_faults_params *chosen,
                     struct msim_detail *detail)
{
    const struct msim_fault_names names = {
        .context = venue,
        .account = name_account,
        .symbol = name_symbol,
        .asset = name_asset,
        .client_id = name_client_id,
        .instrument = find_instrument,
        .best = best_prices,
        .asset_exponent = asset_exponent,
    };
    struct msim_faults_params params = *chosen;

    params.names = &names;
    if (!params.allocator)
        params.allocator = &venue->allocator;
    if (params.seed == 0)
        params.seed = venue->params.seed;
    if (params.start == 0)
        params.start = venue->params.start;
    return msim_faults_create(&venue->faults, &params, detail);
}

void msim_taps_destroy(struct msim_venue *venue)
{
    msim_time now = venue->faults ? msim_faults_time(venue->faults) : 0;

    for (size_t i = 0; i < venue->link_capacity; i++)
        if (venue->links[i].session)
            msim_faults_session_close(venue->faults, now, &venue->links[i].session);
    if (venue->public_link.session)
        msim_faults_session_close(venue->faults, now, &venue->public_link.session);
    msim_mem_free(&venue->allocator, venue->links, venue->link_capacity * sizeof *venue->links);
    msim_faults_destroy(&venue->faults);
}

struct msim_faults *msim_venue_faults(struct msim_venue *venue)
{
    return venue ? venue->faults : NULL;
}

/* The layer's clock never falls, and a caller's own calls may have moved it. */
static msim_time layer_time(const struct msim_venue *venue)
{
    const msim_time last = msim_faults_time(venue->faults);

    return last > venue->now ? last : venue->now;
}

/* ---- links ---- */

static int link_of(struct msim_venue *venue, uint32_t account, struct link **out)
{
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;
    struct link *link = &venue->public_link;

    params.client = "market";
    params.channel = MSIM_FAULT_INPROC;
    if (account != MSIM_VENUE_PUBLIC) {
        const size_t before = venue->link_capacity;
        int r = msim_mem_grow(&venue->allocator, (void **)&venue->links, &venue->link_capacity,
                              sizeof *venue->links, (size_t)account + 1, UINT32_MAX);
        if (r < 0)
            return r;
        if (venue->link_capacity > before)
            memset(&venue->links[before], 0,
                   (venue->link_capacity - before) * sizeof *venue->links);
        link = &venue->links[account];
        params.client = msim_venue_account_name(venue, account);
        params.account = params.client;
    }
    *out = link;
    if (link->session || link->cut)
        return MSIM_OK;
    params.user = (void *)(uintptr_t)account;
    return msim_faults_session_open(venue->faults, layer_time(venue), &params, &link->session,
                                    NULL);
}

int msim_venue_reconnect(struct msim_venue *venue, uint32_t account)
{
    if (!venue || (account != MSIM_VENUE_PUBLIC && account >= venue->accounts.count))
        return MSIM_ERR_INVALID;
    struct link *link = account == MSIM_VENUE_PUBLIC     ? &venue->public_link
                        : account < venue->link_capacity ? &venue->links[account]
                                                         : NULL;
    if (!link || !link->cut)
        return MSIM_ERR_STATE;
    link->cut = false;
    return MSIM_OK;
}

/* ---- out ---- */

static struct made *made_copy(struct msim_venue *venue, const void *bytes, size_t length)
{
    struct made *copy = msim_mem_take(&venue->allocator, length);

    if (!copy)
        return NULL;
    memcpy(copy, bytes, length);
    copy->said.strategy = copy->strategy;
    copy->said.account = copy->account;
    copy->said.symbol = copy->symbol;
    copy->said.code_text = copy->code_text;
    copy->said.text = copy->text;
    return copy;
}

void msim_made_free(struct msim_venue *venue, struct made *made)
{
    if (made)
        msim_mem_free(&venue->allocator, made, made->size);
}

const struct msim_fault_said *msim_made_said(const struct made *made)
{
    return &made->said;
}

/* Into the ring: an output of ours, or one that was made. */
static int deliver(struct msim_venue *venue, const void *bytes, size_t length, msim_time time)
{
    struct output *output;
    struct output copy;
    struct made *made = NULL;

    memcpy(&copy, bytes, sizeof copy);
    if (length > sizeof copy && !(made = made_copy(venue, bytes, length)))
        return MSIM_ERR_NOMEM;
    int r = msim_venue_output_add(venue, &output);
    if (r < 0) {
        msim_made_free(venue, made);
        return r;
    }
    *output = copy;
    output->made = made;
    if (output->time < time)
        output->time = time;
    return MSIM_OK;
}

/* The message as selectors see it. */
static int submit_out(struct msim_venue *venue, const struct output *output, const void *bytes,
                      size_t length)
{
    char digits[24];
    struct link *link = NULL;
    int r = link_of(venue, output->account, &link);

    if (r < 0 || link->cut)
        return r < 0 ? r : MSIM_FAULT_TAKEN;
    venue->served = INT64_MIN;
    struct msim_fault_message message = {.bytes = bytes, .length = length, .type = output->type};
    const char *symbol = NULL;
    if (output->kind == MSIM_VENUE_RECORD) {
        symbol = name_symbol(venue, output->as.record.symbol);
    } else if (output->kind == MSIM_VENUE_EVENT) {
        const struct msim_event *event = &output->as.event;
        symbol = name_symbol(venue, event->instrument);
        message.side = event->side <= MSIM_SIDE_SELL ? event->side : MSIM_SIDE_NONE;
        message.client_order_id.text =
            msim_venue_client_id(venue, event->client_id, &message.client_order_id.length);
        if (event->order) {
            message.order_id.text = digits;
            message.order_id.length = msim_taps_digits(event->order, digits);
        }
    }
    message.symbol = (struct msim_fault_text){symbol, symbol ? strlen(symbol) : 0};
    return msim_faults_submit(venue->faults, layer_time(venue),
                              msim_fault_session_link(link->session, MSIM_FAULT_OUT), &message);
}

size_t msim_taps_digits(uint64_t value, char digits[24])
{
    char reversed[24];
    size_t length = 0;

    do {
        reversed[length++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < length; i++)
        digits[i] = reversed[length - 1 - i];
    return length;
}

/* Through the network kinds, where they act here, into the ring. */
static int send(struct msim_venue *venue, const struct output *output, const void *bytes,
                size_t length)
{
    if (msim_taps_inside(venue)) {
        const int r = submit_out(venue, output, bytes, length);
        if (r != MSIM_FAULT_PASS)
            return r == MSIM_FAULT_TAKEN || r == MSIM_ERR_CLOSED ? MSIM_OK : r;
    }
    return deliver(venue, bytes, length, output->time);
}

int msim_taps_send(struct msim_venue *venue, const struct output *output)
{
    return send(venue, output, output, sizeof *output);
}

static void copy_text(char *to, size_t size, const char *text)
{
    size_t length = text ? strlen(text) : 0;

    if (length >= size)
        length = size - 1;
    if (length > 0)
        memcpy(to, text, length);
    to[length] = '\0';
}

static uint32_t account_of(const struct msim_venue *venue, const struct msim_fault_said *said)
{
    uint32_t account = MSIM_VENUE_PUBLIC;

    if (said->event.kind)
        return msim_venue_is_public(&said->event) ? MSIM_VENUE_PUBLIC : said->event.account;
    if (said->account && said->account[0])
        msim_symbols_find(&venue->accounts, said->account, strlen(said->account), &account);
    return account;
}

/* Words of the venue; what a strategy injects is a text whatever it is called. */
static bool is_own_notice(const struct msim_fault_said *said)
{
    return said->type == MSIM_FAULT_SYS_NOTICE && (!said->strategy || said->strategy[0] == '\0');
}

/* Something that the layer made up. */
static int say(struct msim_venue *venue, const struct msim_fault_said *said)
{
    const size_t length = !said->text ? 0 : said->length > TEXT_MOST ? TEXT_MOST : said->length;
    const size_t size = sizeof(struct made) + length + 1;

    /* For an account that nobody has opened: there is nobody to hear it. */
    if (!said->event.kind && said->account && said->account[0] &&
        account_of(venue, said) == MSIM_VENUE_PUBLIC)
        return MSIM_OK;
    struct made *made = msim_mem_zero(&venue->allocator, size);

    if (!made)
        return MSIM_ERR_NOMEM;
    made->size = size;
    made->said = *said;
    made->said.length = length;
    copy_text(made->strategy, sizeof made->strategy, said->strategy);
    copy_text(made->account, sizeof made->account, said->account);
    copy_text(made->symbol, sizeof made->symbol, said->symbol);
    copy_text(made->code_text, sizeof made->code_text, said->code_text);
    if (length > 0)
        memcpy(made->text, said->text, length);
    made->output = (struct output){
        .time = layer_time(venue),
        .tag = said->made == MSIM_FAULT_MADE_ERROR ? said->request : 0,
        .exec = said->exec,
        .account = account_of(venue, said),
        .type = (uint16_t)said->type,
        .kind = said->made == MSIM_FAULT_MADE_ERROR ? MSIM_VENUE_REFUSED
                : said->event.kind                  ? MSIM_VENUE_EVENT
                : is_own_notice(said)               ? MSIM_VENUE_NOTICE
                                                    : MSIM_VENUE_TEXT,
        .as.event = said->event,
    };
    if (said->made == MSIM_FAULT_MADE_NATIVE)
        made->output.tag = venue->tag;
    const int r = send(venue, &made->output, made, size);
    msim_made_free(venue, made);
    return r;
}

/* What the layer wants said now. */
static int drain_said(struct msim_venue *venue)
{
    struct msim_fault_said said;
    int r;

    while ((r = msim_faults_said(venue->faults, layer_time(venue), &said)) == MSIM_PULL_RECORD)
        if ((r = say(venue, &said)) < 0)
            return r;
    return r < 0 ? r : MSIM_OK;
}

/* Whether the layer has nothing to say or to do by now. */
static bool idle(const struct msim_venue *venue)
{
    return msim_faults_next_due(venue->faults) > layer_time(venue);
}

int msim_taps_report(struct msim_venue *venue, const struct msim_event *event)
{
    return msim_faults_report(venue->faults, layer_time(venue), event);
}

int msim_taps_note(struct msim_venue *venue, const struct msim_event *events, size_t count)
{
    return msim_faults_note(venue->faults, layer_time(venue), events, count);
}

bool msim_taps_quiet(const struct msim_venue *venue)
{
    return msim_faults_is_quiet(venue->faults);
}

int msim_taps_reported(struct msim_venue *venue)
{
    if (idle(venue))
        return MSIM_OK;
    venue->served = INT64_MIN;
    return drain_said(venue);
}

/* ---- in ---- */

static int type_of_command(const struct msim_command *command)
{
    switch (command->kind) {
    case MSIM_COMMAND_NEW:
        return MSIM_FAULT_ORDER_NEW;
    case MSIM_COMMAND_CANCEL:
        return MSIM_FAULT_ORDER_CANCEL;
    case MSIM_COMMAND_REPLACE:
        return MSIM_FAULT_ORDER_REPLACE;
    case MSIM_COMMAND_CANCEL_ALL:
    case MSIM_COMMAND_MASS_CANCEL:
        return MSIM_FAULT_ORDER_CANCEL_ALL;
    default:
        return -1; /* the venue's own: no request */
    }
}

/* As selectors see it; its bytes are for the caller to give, where somebody takes them. */
static void describe(struct msim_venue *venue, const struct request *request, char digits[24],
                     struct msim_fault_message *message)
{
    const struct msim_command *command = request->command;
    const char *symbol = command->kind == MSIM_COMMAND_NEW || command->instrument != 0 ||
                                 type_of_command(command) == MSIM_FAULT_ORDER_CANCEL_ALL
                             ? name_symbol(venue, command->instrument)
                             : NULL;

    *message = (struct msim_fault_message){
        .type = type_of_command(command),
        .side = command->side <= MSIM_SIDE_SELL ? command->side : MSIM_SIDE_NONE,
        .symbol = {symbol, symbol ? strlen(symbol) : 0},
    };
    if (request->length > 0)
        message->client_order_id = (struct msim_fault_text){request->text, request->length};
    if (command->order) {
        message->order_id.text = digits;
        message->order_id.length = msim_taps_digits(command->order, digits);
    }
}

static int refuse(struct msim_venue *venue, const struct request *request, int type,
                  const struct msim_fault_verdict *verdict)
{
    const struct msim_fault_said said = {
        .made = MSIM_FAULT_MADE_ERROR,
        .type = type,
        .time = venue->now,
        .strategy = "",
        .account = msim_venue_account_name(venue, request->command->account),
        .symbol = "",
        .channel = -1,
        .text = verdict->message,
        .length = strlen(verdict->message),
        .request = request->tag,
        .code = verdict->code,
        .code_text = verdict->code_text,
        .http = verdict->http,
    };

    return say(venue, &said);
}

/* An answer as if it had been done: the order never exists. */
static int pretend(struct msim_venue *venue, const struct request *request)
{
    const struct msim_command *command = request->command;
    struct msim_fault_said said = {
        .made = MSIM_FAULT_MADE_PHANTOM,
        .time = venue->now,
        .strategy = "",
        .symbol = "",
        .channel = -1,
        .code_text = "",
        .event =
            {
                .time = venue->now,
                .order = command->order,
                .instrument = command->instrument,
                .account = command->account,
                .owner = command->owner,
                .side = command->side,
                .type = command->type,
                .time_in_force = command->time_in_force,
                .as.order = {.price = command->price,
                             .quantity = command->quantity,
                             .leaves = command->quantity,
                             .stop_price = command->stop_price,
                             .display_quantity = command->display_quantity,
                             .expires_at = command->expires_at},
            },
    };

    said.event.client_id =
        msim_clients_find(venue, command->account, request->text, request->length);
    switch (command->kind) {
    case MSIM_COMMAND_NEW:
        said.event.kind = MSIM_EVENT_ACCEPTED;
        said.event.status = MSIM_STATUS_OPEN;
        said.event.order = MSIM_FAULT_EXEC_RESERVED + ++venue->pretended;
        break;
    case MSIM_COMMAND_CANCEL:
        said.event.kind = MSIM_EVENT_CANCELLED;
        said.event.code = MSIM_CANCEL_REQUESTED;
        said.event.status = MSIM_STATUS_CANCELLED;
        break;
    case MSIM_COMMAND_REPLACE:
        said.event.kind = MSIM_EVENT_REPLACED;
        said.event.status = MSIM_STATUS_OPEN;
        break;
    default:
        said.event.kind = MSIM_EVENT_MASS_CANCELLED;
        break;
    }
    said.type = msim_venue_event_type(&said.event);
    said.account = "";
    const uint64_t tag = venue->tag;
    venue->tag = request->tag;
    said.request = request->tag;
    const int r = say(venue, &said);
    venue->tag = tag;
    return r;
}

/* What the layer says of a request; while it is `quiet` nobody asks what kind of one it is. */
static int ask(struct msim_venue *venue, const struct request *request, bool quiet,
               struct msim_fault_verdict *verdict)
{
    static const struct msim_fault_message any = {.type = MSIM_FAULT_OTHER};
    struct msim_fault_message message;
    char digits[24];

    if (!quiet)
        describe(venue, request, digits, &message);
    return msim_faults_request(venue->faults, layer_time(venue),
                               msim_venue_account_name(venue, request->command->account),
                               quiet ? &any : &message, request->tag, verdict);
}

/* The request tap, and what it leaves of the command. */
static int execute(struct msim_venue *venue, const struct request *request, bool quiet)
{
    struct msim_fault_verdict verdict = {.execute = true, .acknowledge = true};
    int r = MSIM_OK;

    if (type_of_command(request->command) >= 0)
        r = ask(venue, request, quiet, &verdict);
    if (r == MSIM_OK && verdict.refuse)
        r = refuse(venue, request, MSIM_FAULT_REJECT_NEW, &verdict);
    else if (r == MSIM_OK && verdict.execute)
        r = msim_venue_execute(venue, request->command, request->text, request->length,
                               request->tag, !verdict.acknowledge);
    else if (r == MSIM_OK && verdict.acknowledge)
        r = pretend(venue, request);
    return r < 0 ? r : verdict.execute ? MSIM_VENUE_APPLIED : MSIM_VENUE_TAKEN;
}

/* Through the network kinds: MSIM_FAULT_PASS where it may go on at once. */
static int submit_in(struct msim_venue *venue, const struct request *request)
{
    struct errand errand = {
        .command = *request->command, .tag = request->tag, .length = (uint32_t)request->length};
    struct msim_fault_message message;
    struct link *link = NULL;
    char digits[24];

    if (request->length > 0)
        memcpy(errand.text, request->text, request->length);
    int r = link_of(venue, request->command->account, &link);
    if (r < 0 || link->cut)
        return r < 0 ? r : MSIM_ERR_CLOSED;
    describe(venue, request, digits, &message);
    message.bytes = &errand;
    message.length = sizeof errand;
    venue->asking = request->tag;
    return msim_faults_submit(venue->faults, layer_time(venue),
                              msim_fault_session_link(link->session, MSIM_FAULT_IN), &message);
}

int msim_taps_submit(struct msim_venue *venue, const struct msim_command *command, const char *text,
                     size_t length, uint64_t tag)
{
    const struct request request = {command, text, length, tag};
    int r;

    if (msim_taps_inside(venue) && type_of_command(command) >= 0) {
        r = submit_in(venue, &request);
        if (r != MSIM_FAULT_PASS) {
            const int drained = r < 0 ? MSIM_OK : msim_taps_serve(venue, layer_time(venue));
            return r < 0 ? r : drained < 0 ? drained : MSIM_VENUE_TAKEN;
        }
    }
    const bool quiet = msim_taps_quiet(venue);
    r = execute(venue, &request, quiet);
    if (r < 0 || quiet || idle(venue))
        return r;
    const int served = msim_taps_serve(venue, layer_time(venue));
    return served < 0 ? served : r;
}

/* ---- what the layer does of itself ---- */

static int notice(struct msim_venue *venue, const char *text, uint32_t account)
{
    const struct msim_fault_said said = {
        .type = MSIM_FAULT_SYS_NOTICE,
        .made = MSIM_FAULT_MADE_INJECTED,
        .time = venue->now,
        .strategy = "",
        .account = account == MSIM_VENUE_PUBLIC ? "" : msim_venue_account_name(venue, account),
        .symbol = "",
        .channel = -1,
        .code_text = "",
        .text = text,
        .length = strlen(text),
    };

    return say(venue, &said);
}

/* The crowd sweeps the book's best levels with an order like any other. */
static int shock(struct msim_venue *venue, const struct msim_fault_venue_action *action)
{
    struct msim_level_view levels[MSIM_VENUE_LEVELS_MAX];
    uint32_t instrument = 0;
    const uint8_t side = action->side == MSIM_SIDE_SELL ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
    struct msim_command command = {
        .kind = MSIM_COMMAND_NEW,
        .type = MSIM_ORDER_LIMIT,
        .time_in_force = MSIM_TIF_IOC,
        .account = MSIM_VENUE_CROWD,
        .side = side == MSIM_SIDE_BUY ? MSIM_SIDE_SELL : MSIM_SIDE_BUY,
        .time = venue->now,
    };

    if (msim_engine_instrument_find(venue->engine, action->symbol, strlen(action->symbol),
                                    &instrument) < 0)
        return MSIM_OK;
    command.instrument = instrument;
    size_t wanted =
        action->levels > MSIM_VENUE_LEVELS_MAX ? MSIM_VENUE_LEVELS_MAX : (size_t)action->levels;
    if (wanted == 0)
        wanted = MSIM_VENUE_LEVELS_MAX;
    const size_t count = msim_engine_depth(venue->engine, instrument, side, levels, wanted);
    for (size_t i = 0; i < count; i++) {
        if (!msim_add_check(command.quantity, levels[i].quantity, &command.quantity))
            return MSIM_OK;
        command.price = levels[i].price;
    }
    struct liquidity *house = venue->markets[instrument].liquidity;
    struct msim_instrument_view view;
    msim_engine_instrument(venue->engine, instrument, &view);
    int r = count > 0 ? msim_house_fund(venue, &view.params) : MSIM_OK;
    if (count > 0 && r == MSIM_OK)
        r = msim_venue_apply(venue, &command, 1, NULL, 0, 0);
    if (house)
        house->paused_until = action->recover_after > MSIM_TIME_NEVER - venue->now
                                  ? MSIM_TIME_NEVER
                                  : venue->now + action->recover_after;
    return r;
}

/* A command that names no instrument is for each of them. */
static int serve_command(struct msim_venue *venue, struct msim_command command)
{
    uint32_t first = command.instrument;
    uint32_t last = command.instrument;
    int r;

    if (command.kind != MSIM_COMMAND_BUST && command.kind != MSIM_COMMAND_CORRECT &&
        command.instrument == MSIM_ALL_INSTRUMENTS) {
        if (venue->market_count == 0)
            return MSIM_OK;
        first = 0;
        last = (uint32_t)venue->market_count - 1;
    }
    command.time = venue->now;
    for (uint32_t i = first;; i++) {
        command.instrument = i;
        r = msim_venue_apply(venue, &command, 1, NULL, 0, 0);
        if (i == last || r < 0)
            return r;
    }
}

static int serve_venue(struct msim_venue *venue, const struct msim_fault_venue_action *action)
{
    switch (action->kind) {
    case MSIM_FAULT_VENUE_COMMAND:
        return serve_command(venue, action->command);
    case MSIM_FAULT_VENUE_SHOCK:
        return shock(venue, action);
    default:
        return notice(venue, action->text, MSIM_VENUE_PUBLIC);
    }
}

/* The link has ended. */
static int cut(struct msim_venue *venue, struct link *link, uint32_t account,
               const struct msim_fault_output *output)
{
    struct output *told;

    msim_faults_session_close(venue->faults, layer_time(venue), &link->session);
    link->cut = true;
    int r = msim_venue_output_add(venue, &told);
    if (r < 0)
        return r;
    told->kind = MSIM_VENUE_CUT;
    told->type = MSIM_FAULT_SYS_LOGOUT;
    told->account = account;
    told->action = (uint8_t)output->action;
    told->tag = 0;
    return MSIM_OK;
}

static int serve_action(struct msim_venue *venue, struct link *link, uint32_t account,
                        const struct msim_fault_output *output)
{
    const struct msim_command none = {.account = account};
    const struct request request = {&none, NULL, 0, venue->asking};
    struct msim_fault_verdict verdict = {.code = output->code,
                                         .code_text = "RATE_LIMITED",
                                         .http = output->code,
                                         .message = output->reason ? output->reason : ""};

    switch (output->action) {
    case MSIM_FAULT_ACTION_CLOSE:
    case MSIM_FAULT_ACTION_FIN:
    case MSIM_FAULT_ACTION_RST:
    case MSIM_FAULT_ACTION_HALF_OPEN:
        return cut(venue, link, account, output);
    case MSIM_FAULT_ACTION_NOTICE:
        return notice(venue, output->reason, account);
    case MSIM_FAULT_ACTION_REJECT:
        return refuse(venue, &request, output->type, &verdict);
    default:
        return MSIM_OK; /* the layer holds back what it says is held back */
    }
}

static int serve_link(struct msim_venue *venue, const struct msim_fault_output *output)
{
    const uint32_t account = (uint32_t)(uintptr_t)msim_fault_session_user(output->session);
    struct link *link = NULL;
    struct errand errand;
    int r = link_of(venue, account, &link);

    if (r < 0 || output->session != link->session)
        return r;
    if (output->kind == MSIM_FAULT_OUTPUT_ACTION)
        return serve_action(venue, link, account, output);
    if (output->altered || output->slice.max > 0)
        return msim_detail_set(&venue->failure_detail, MSIM_ERR_UNSUPPORTED,
                               "corrupt and slice work on bytes: in a venue without a wire there "
                               "are none");
    if (output->direction == MSIM_FAULT_OUT)
        return deliver(venue, output->bytes, output->length, output->time);
    memcpy(&errand, output->bytes, sizeof errand);
    errand.command.time = venue->now;
    const struct request request = {&errand.command, errand.text, errand.length, errand.tag};
    r = execute(venue, &request, msim_taps_quiet(venue));
    return r < 0 ? r : MSIM_OK;
}

int msim_taps_serve(struct msim_venue *venue, msim_time now)
{
    struct msim_fault_venue_action action;
    struct msim_fault_output output;
    bool again = true;
    int r = MSIM_OK;

    while (again) {
        again = false;
        const msim_time time = now > layer_time(venue) ? now : layer_time(venue);
        if (venue->now < now)
            venue->now = now;
        r = msim_faults_venue(venue->faults, time, &action);
        if (r == MSIM_PULL_RECORD) {
            again = true;
            r = serve_venue(venue, &action);
        }
        if (r >= 0)
            r = drain_said(venue);
        if (r >= 0 && msim_taps_inside(venue)) {
            r = msim_faults_pull(venue->faults, time, &output);
            if (r == MSIM_PULL_RECORD) {
                again = true;
                r = serve_link(venue, &output);
            }
        }
        if (r < 0)
            return r;
    }
    venue->served = now;
    return MSIM_OK;
}

/* What it has served is not due again: the wire outside may have left something. */
msim_time msim_taps_next(const struct msim_venue *venue)
{
    const msim_time due = venue->faults ? msim_faults_next_due(venue->faults) : MSIM_TIME_NEVER;

    return due > venue->served ? due : MSIM_TIME_NEVER;
}
