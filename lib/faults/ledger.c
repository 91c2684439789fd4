/*
 * Truth and what was told.
 *
 * Truth is what the engine's events say.  Told is what a naive client makes of the
 * order events that reached it: it adds up every fill, whatever its id.  The two
 * are kept by order, by fill and by position, so that a robot can be judged.
 */
#include "faults/report.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"

/* ---- names ---- */

static const char *name_or_digits(const char *name, uint64_t number, char digits[NAME_DIGITS])
{
    if (name)
        return name;
    digits[msim_decimal_digits(number, digits)] = '\0';
    return digits;
}

const char *msim_fault_account_name(const struct report *report, uint32_t account,
                                    char digits[NAME_DIGITS])
{
    const struct msim_fault_names *names = &report->names;

    return name_or_digits(names->account ? names->account(names->context, account) : NULL, account,
                          digits);
}

const char *msim_fault_symbol_name(const struct report *report, uint32_t instrument,
                                   char digits[NAME_DIGITS])
{
    const struct msim_fault_names *names = &report->names;

    return name_or_digits(names->symbol ? names->symbol(names->context, instrument) : NULL,
                          instrument, digits);
}

const char *msim_fault_cid_name(const struct report *report, uint32_t account, uint64_t client_id,
                                char digits[NAME_DIGITS])
{
    const struct msim_fault_names *names = &report->names;

    if (client_id == 0)
        return "";
    return name_or_digits(names->client_id ? names->client_id(names->context, account, client_id)
                                           : NULL,
                          client_id, digits);
}

/* ---- accounts ---- */

int msim_fault_account_get(struct report *report, uint32_t id, struct account **out)
{
    const struct msim_allocator *allocator = &report->faults->allocator;
    struct account **recent = &report->recent[id % RECENT_ACCOUNTS];

    if (*recent && (*recent)->id == id) {
        *out = *recent;
        return MSIM_OK;
    }
    uint32_t place = msim_fault_index_find(&report->account_index, id);
    if (place != NOTHING) {
        *out = *recent = report->accounts[place];
        return MSIM_OK;
    }
    void *accounts = report->accounts;
    int r = msim_mem_grow(allocator, &accounts, &report->account_capacity, sizeof *report->accounts,
                          report->account_count + 1, report->faults->params.max_accounts);
    if (r < 0)
        return r;
    report->accounts = accounts;
    struct account *account = msim_mem_zero(allocator, sizeof *account);
    if (!account)
        return MSIM_ERR_NOMEM;
    account->id = id;
    account->dealings = &report->no_dealings;
    r = msim_fault_index_add(&report->account_index, id, (uint32_t)report->account_count,
                             allocator);
    if (r < 0) {
        msim_mem_free(allocator, account, sizeof *account);
        return r;
    }
    report->accounts[report->account_count++] = account;
    *out = *recent = account;
    return MSIM_OK;
}

struct account *msim_fault_account_named(const struct report *report, const char *name)
{
    char digits[NAME_DIGITS];

    for (size_t i = 0; i < report->account_count; i++)
        if (strcmp(msim_fault_account_name(report, report->accounts[i]->id, digits), name) == 0)
            return report->accounts[i];
    return NULL;
}

void msim_fault_account_free(struct report *report, struct account *account)
{
    const struct msim_allocator *allocator = &report->faults->allocator;

    for (size_t i = 0; account->states && i < STRATEGIES_MOST; i++)
        msim_mem_free(allocator, account->states[i], sizeof *account->states[i]);
    msim_mem_free(allocator, account->states, STRATEGIES_MOST * sizeof *account->states);
    struct dealings *dealings = account->dealings;
    if (dealings != &report->no_dealings) {
        msim_fault_index_finish(&dealings->order_index, allocator);
        msim_fault_index_finish(&dealings->fill_index, allocator);
        msim_mem_free(allocator, dealings->orders,
                      dealings->order_capacity * sizeof *dealings->orders);
        msim_mem_free(allocator, dealings->fills,
                      dealings->fill_capacity * sizeof *dealings->fills);
        msim_mem_free(allocator, dealings->positions,
                      dealings->position_capacity * sizeof *dealings->positions);
        msim_mem_free(allocator, dealings, sizeof *dealings);
    }
    msim_mem_free(allocator, account->balances,
                  account->balance_capacity * sizeof *account->balances);
    msim_mem_free(allocator, account, sizeof *account);
}

/* ---- orders, fills, positions ---- */

/* Dealings of its own, for whoever begins to deal. */
static int dealings_begin(struct report *report, struct account *account)
{
    if (account->dealings != &report->no_dealings)
        return MSIM_OK;
    struct dealings *dealings = msim_mem_zero(&report->faults->allocator, sizeof *dealings);
    if (!dealings)
        return MSIM_ERR_NOMEM;
    account->dealings = dealings;
    return MSIM_OK;
}

/*
 * As long as their numbers rise, which is nearly always, orders and fills are found by halves, and
 * the youngest at a look; an index is made when a number falls.  So many are looked at first.
 */
#define YOUNGEST 4

static struct known_order *order_by_halves(const struct dealings *dealings, uint64_t order)
{
    size_t low = 0;
    size_t high = dealings->order_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (dealings->orders[middle].order < order)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dealings->order_count && dealings->orders[low].order == order
               ? &dealings->orders[low]
               : NULL;
}

struct known_order *msim_fault_order_find(struct account *account, uint64_t order)
{
    const struct dealings *dealings = account->dealings;

    for (size_t i = dealings->order_count; i > 0 && dealings->order_count - i < YOUNGEST; i--) {
        struct known_order *known = &dealings->orders[i - 1];
        if (known->order == order)
            return known;
        if (known->order < order && !dealings->orders_fell)
            return NULL;
    }
    if (!dealings->orders_fell)
        return order_by_halves(dealings, order);
    uint32_t place = msim_fault_index_find(&dealings->order_index, order);

    while (place != NOTHING && dealings->orders[place].order != order)
        place = msim_fault_index_find_next(&dealings->order_index, order, place);
    return place == NOTHING ? NULL : &dealings->orders[place];
}

/*
 * The index has the number that comes to stand at the end: it was made when the first one fell, and
 * is now if this is it.  The numbers of those before are `stride` bytes apart.
 */
static int index_fallen(struct index *index, bool *fell, const void *numbers, size_t stride,
                        size_t count, uint64_t number, const struct msim_allocator *allocator)
{
    int r = MSIM_OK;

    for (size_t i = 0; r == MSIM_OK && i < count && !*fell; i++) {
        uint64_t before;
        memcpy(&before, (const char *)numbers + i * stride, sizeof before);
        r = msim_fault_index_add(index, before, (uint32_t)i, allocator);
    }
    if (r == MSIM_OK)
        r = msim_fault_index_add(index, number, (uint32_t)count, allocator);
    if (r < 0 && !*fell)
        msim_fault_index_finish(index, allocator);
    if (r == MSIM_OK)
        *fell = true;
    return r;
}

static int index_order(struct dealings *dealings, uint64_t order,
                       const struct msim_allocator *allocator)
{
    const size_t count = dealings->order_count;

    if (!dealings->orders_fell && (count == 0 || dealings->orders[count - 1].order < order))
        return MSIM_OK;
    return index_fallen(&dealings->order_index, &dealings->orders_fell,
                        count ? &dealings->orders[0].order : NULL, sizeof dealings->orders[0],
                        count, order, allocator);
}

/* The order of the event, made known if it is new; NULL beyond the bound. */
static int order_get(struct report *report, struct account *account, const struct msim_event *event,
                     struct known_order **out)
{
    const struct msim_allocator *allocator = &report->faults->allocator;

    *out = msim_fault_order_find(account, event->order);
    if (*out || event->order == 0)
        return MSIM_OK;
    int r = dealings_begin(report, account);
    if (r < 0)
        return r;
    void *orders = account->dealings->orders;
    r = msim_mem_grow(allocator, &orders, &account->dealings->order_capacity,
                      sizeof *account->dealings->orders, account->dealings->order_count + 1,
                      report->faults->params.max_orders);
    if (r == MSIM_ERR_LIMIT) {
        account->truncated = true;
        return MSIM_OK;
    }
    if (r < 0)
        return r;
    account->dealings->orders = orders;
    r = index_order(account->dealings, event->order, allocator);
    if (r < 0)
        return r;
    struct known_order *order = &account->dealings->orders[account->dealings->order_count++];
    *order = (struct known_order){
        .order = event->order,
        .client_id = event->client_id,
        .instrument = event->instrument,
        .side = event->side,
    };
    *out = order;
    return MSIM_OK;
}

/* A trade with oneself has one id and two orders. */
static bool is_fill(const struct dealings *dealings, const struct known_fill *fill, uint64_t exec,
                    uint64_t order)
{
    return fill->exec == exec && dealings->orders[fill->order].order == order;
}

static struct known_fill *fill_by_halves(const struct dealings *dealings, uint64_t exec,
                                         uint64_t order)
{
    size_t low = 0;
    size_t high = dealings->fill_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (dealings->fills[middle].exec < exec)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < dealings->fill_count && dealings->fills[low].exec == exec; low++)
        if (is_fill(dealings, &dealings->fills[low], exec, order))
            return &dealings->fills[low];
    return NULL;
}

static struct known_fill *fill_find(struct account *account, uint64_t exec, uint64_t order)
{
    const struct dealings *dealings = account->dealings;

    for (size_t i = dealings->fill_count; i > 0 && dealings->fill_count - i < YOUNGEST; i--) {
        struct known_fill *known = &dealings->fills[i - 1];
        if (is_fill(dealings, known, exec, order))
            return known;
        if (known->exec < exec && !dealings->fills_fell)
            return NULL;
    }
    if (!dealings->fills_fell)
        return fill_by_halves(dealings, exec, order);
    uint32_t place = msim_fault_index_find(&dealings->fill_index, exec);

    while (place != NOTHING && !is_fill(dealings, &dealings->fills[place], exec, order))
        place = msim_fault_index_find_next(&dealings->fill_index, exec, place);
    return place == NOTHING ? NULL : &dealings->fills[place];
}

/* The same as of orders; numbers that are equal follow each other. */
static int index_fill(struct dealings *dealings, uint64_t exec,
                      const struct msim_allocator *allocator)
{
    const size_t count = dealings->fill_count;

    if (!dealings->fills_fell && (count == 0 || dealings->fills[count - 1].exec <= exec))
        return MSIM_OK;
    return index_fallen(&dealings->fill_index, &dealings->fills_fell,
                        count ? &dealings->fills[0].exec : NULL, sizeof dealings->fills[0], count,
                        exec, allocator);
}

int msim_fault_fill_note(struct report *report, struct account *account, uint64_t exec,
                         uint32_t order, msim_qty quantity, bool phantom)
{
    const struct msim_allocator *allocator = &report->faults->allocator;
    void *fills = account->dealings->fills;

    if (exec == 0 || fill_find(account, exec, account->dealings->orders[order].order))
        return MSIM_OK;
    int r = msim_mem_grow(allocator, &fills, &account->dealings->fill_capacity,
                          sizeof *account->dealings->fills, account->dealings->fill_count + 1,
                          4 * report->faults->params.max_orders);
    if (r == MSIM_ERR_LIMIT) {
        account->truncated = true;
        return MSIM_OK;
    }
    if (r < 0)
        return r;
    account->dealings->fills = fills;
    r = index_fill(account->dealings, exec, allocator);
    if (r < 0)
        return r;
    account->dealings->fills[account->dealings->fill_count++] =
        (struct known_fill){.exec = exec, .order = order, .quantity = quantity, .phantom = phantom};
    return MSIM_OK;
}

static int position_get(struct report *report, struct account *account, uint32_t instrument,
                        struct known_position **out)
{
    for (size_t i = 0; i < account->dealings->position_count; i++) {
        if (account->dealings->positions[i].instrument == instrument) {
            *out = &account->dealings->positions[i];
            return MSIM_OK;
        }
    }
    int r = dealings_begin(report, account);
    if (r < 0)
        return r;
    void *positions = account->dealings->positions;
    r = msim_mem_grow(&report->faults->allocator, &positions, &account->dealings->position_capacity,
                      sizeof *account->dealings->positions, account->dealings->position_count + 1,
                      UINT32_MAX);
    if (r < 0)
        return r;
    account->dealings->positions = positions;
    *out = &account->dealings->positions[account->dealings->position_count++];
    **out = (struct known_position){.instrument = instrument};
    return MSIM_OK;
}

static int balance_set(struct report *report, struct account *account,
                       const struct msim_event *event)
{
    const struct msim_event_balance *balance = &event->as.balance;
    void *balances = account->balances;

    for (size_t i = 0; i < account->balance_count; i++) {
        if (account->balances[i].asset == balance->asset) {
            account->balances[i].free = balance->free;
            account->balances[i].held = balance->held;
            return MSIM_OK;
        }
    }
    /* They come once, when the account is opened: room for just so many. */
    int r = msim_mem_grow(&report->faults->allocator, &balances, &account->balance_capacity,
                          sizeof *account->balances, account->balance_count + 1,
                          account->balance_count + 1);
    if (r < 0)
        return r;
    account->balances = balances;
    account->balances[account->balance_count++] =
        (struct known_balance){(uint32_t)balance->asset, balance->free, balance->held};
    return MSIM_OK;
}

static void add_signed(int64_t *sum, uint8_t side, int64_t quantity)
{
    if (quantity == INT64_MIN)
        quantity++; /* so that it can be turned round */
    *sum = msim_fault_add_up(*sum, side == MSIM_SIDE_SELL ? -quantity : quantity);
}

static void take_back(int64_t *sum, uint8_t side, int64_t quantity)
{
    add_signed(sum, side == MSIM_SIDE_SELL ? MSIM_SIDE_BUY : MSIM_SIDE_SELL, quantity);
}

/* ---- the truth ---- */

static int fill_event(struct report *report, struct account *account,
                      const struct msim_event *event, struct known_order *order)
{
    const struct msim_event_fill *fill = &event->as.fill;
    struct known_position *position;
    int r = position_get(report, account, event->instrument, &position);
    if (r < 0)
        return r;

    add_signed(&position->truth, event->side, fill->quantity);
    order->filled = fill->filled;
    order->leaves = fill->leaves;
    order->open = fill->leaves > 0;
    return msim_fault_fill_note(report, account, fill->trade,
                                (uint32_t)(order - account->dealings->orders), fill->quantity,
                                false);
}

/* The fill that a bust is about: by the order of its own, or by one of the trade's two. */
static struct known_fill *busted_fill(struct account *account, const struct msim_event *event,
                                      uint64_t exec, size_t which)
{
    const uint64_t orders[] = {event->as.trade.maker_order, event->as.trade.taker_order,
                               event->order};
    bool again = which == 2 && (orders[0] == orders[2] || orders[1] == orders[2]);

    return again ? NULL : fill_find(account, exec, orders[which]);
}

static int busted_event(struct report *report, struct account *account,
                        const struct msim_event *event)
{
    for (size_t which = 0; which < 2; which++) {
        struct known_fill *fill = busted_fill(account, event, event->as.trade.trade, which);
        struct known_position *position;
        if (!fill || fill->busted)
            continue;
        struct known_order *order = &account->dealings->orders[fill->order];
        int r = position_get(report, account, order->instrument, &position);
        if (r < 0)
            return r;
        fill->busted = true;
        take_back(&position->truth, order->side, fill->quantity);
        take_back(&order->filled, MSIM_SIDE_BUY, fill->quantity);
    }
    return MSIM_OK;
}

static void order_event(struct known_order *order, const struct msim_event *event)
{
    const struct msim_event_order *now = &event->as.order;

    if (now->price > 0)
        order->price = now->price;
    order->quantity = now->quantity;
    order->leaves = now->leaves;
    order->filled = now->filled;
    order->open = event->kind == MSIM_EVENT_ACCEPTED || event->kind == MSIM_EVENT_REPLACED ||
                  event->kind == MSIM_EVENT_TRIGGERED;
}

int msim_fault_ledger_event(struct report *report, struct account *account,
                            const struct msim_event *event)
{
    struct known_order *order = NULL;
    int r = MSIM_OK;

    switch (event->kind) {
    case MSIM_EVENT_BALANCE:
        return balance_set(report, account, event);
    case MSIM_EVENT_BUSTED:
        return busted_event(report, account, event);
    case MSIM_EVENT_ACCEPTED:
    case MSIM_EVENT_CANCELLED:
    case MSIM_EVENT_REPLACED:
    case MSIM_EVENT_TRIGGERED:
    case MSIM_EVENT_EXPIRED:
    case MSIM_EVENT_FILL:
        r = order_get(report, account, event, &order);
        if (r < 0 || !order)
            return r;
        if (event->kind == MSIM_EVENT_FILL)
            return fill_event(report, account, event, order);
        if (!(event->flags & MSIM_EVENT_REPEATED))
            order_event(order, event);
        return MSIM_OK;
    default:
        return MSIM_OK;
    }
}

/* ---- what was told ---- */

static int told_fill(struct report *report, struct account *account, const struct msim_event *event,
                     uint64_t exec)
{
    struct known_order *order = NULL;
    struct known_position *position;
    int r = order_get(report, account, event, &order);
    if (r < 0 || !order)
        return r;
    r = position_get(report, account, event->instrument, &position);
    struct known_fill *fill = exec ? fill_find(account, exec, order->order) : NULL;
    if (r == MSIM_OK && exec && !fill) {
        r = msim_fault_fill_note(report, account, exec,
                                 (uint32_t)(order - account->dealings->orders),
                                 event->as.fill.quantity, true);
        fill = r == MSIM_OK ? fill_find(account, exec, order->order) : NULL;
    }
    if (r < 0)
        return r;
    add_signed(&position->told, event->side, event->as.fill.quantity);
    order->told = msim_fault_add_up(order->told, event->as.fill.quantity);
    if (fill && fill->told < TOLD_MOST)
        fill->told++;
    return MSIM_OK;
}

static int told_bust(struct report *report, struct account *account, const struct msim_event *event,
                     uint64_t exec)
{
    for (size_t which = 0; which < 3; which++) {
        struct known_fill *fill = busted_fill(account, event, exec, which);
        struct known_position *position;
        if (!fill)
            continue;
        struct known_order *order = &account->dealings->orders[fill->order];
        int r = position_get(report, account, order->instrument, &position);
        if (r < 0)
            return r;
        fill->busted = true;
        take_back(&position->told, order->side, fill->quantity);
        take_back(&order->told, MSIM_SIDE_BUY, fill->quantity);
    }
    return MSIM_OK;
}

int msim_faults_told(struct msim_faults *faults, const struct msim_event *event, uint64_t exec)
{
    struct account *account = NULL;

    if (!faults || !event)
        return MSIM_ERR_INVALID;
    if (event->kind != MSIM_EVENT_FILL && event->kind != MSIM_EVENT_BUSTED)
        return MSIM_OK; /* the rest changes nothing of what is added up */
    int r = msim_fault_account_get(faults->report, event->account, &account);
    if (r < 0)
        return r;
    if (event->kind == MSIM_EVENT_FILL)
        return told_fill(faults->report, account, event, exec ? exec : event->as.fill.trade);
    return told_bust(faults->report, account, event, exec ? exec : event->as.trade.trade);
}

/* ---- the robot's view ---- */

int msim_fault_quantity_exponent(const struct report *report, uint32_t instrument)
{
    const struct msim_fault_names *names = &report->names;
    struct msim_fault_instrument found;
    char digits[NAME_DIGITS];
    const char *symbol = msim_fault_symbol_name(report, instrument, digits);

    if (names->instrument && names->instrument(names->context, symbol, &found) == MSIM_OK)
        return found.quantity_exponent;
    return 0;
}

static int view_number(const struct msim_json_document *document, uint32_t at, int exponent,
                       int64_t *out, struct msim_detail *detail)
{
    const struct msim_json_node *node = &document->nodes[at];
    bool quoted = node->kind == MSIM_JSON_STRING;

    if ((node->kind != MSIM_JSON_NUMBER && !quoted) ||
        msim_json_decimal(document->text, node->start + quoted, node->end - quoted, exponent, out) <
            0)
        return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                "a decimal number with at most %d decimals is wanted here",
                                -exponent);
    return MSIM_OK;
}

static bool key_is(const struct msim_json_document *document, uint32_t at, const char *name)
{
    const struct msim_json_node *node = &document->nodes[at];

    return msim_json_is(document->text, node->key_start, node->key_end, name);
}

static int view_position(struct report *report, struct account *account,
                         const struct msim_json_document *document, uint32_t at, bool apply,
                         struct msim_detail *detail)
{
    char digits[NAME_DIGITS];

    for (size_t i = 0; i < account->dealings->position_count; i++) {
        struct known_position *position = &account->dealings->positions[i];
        int64_t value = 0;
        if (!key_is(document, at, msim_fault_symbol_name(report, position->instrument, digits)))
            continue;
        int r =
            view_number(document, at, msim_fault_quantity_exponent(report, position->instrument),
                        &value, detail);
        if (r == MSIM_OK && apply) {
            position->seen = value;
            position->has_seen = true;
        }
        return r;
    }
    int64_t value = 0;
    int r = view_number(document, at, -18, &value, detail);
    if (r == MSIM_OK && value != 0)
        return msim_json_refuse(document, at, detail, MSIM_ERR_NOT_FOUND,
                                "the account never held this");
    return r;
}

static int view_order(struct report *report, struct account *account,
                      const struct msim_json_document *document, uint32_t at, bool apply,
                      struct msim_detail *detail)
{
    char digits[NAME_DIGITS];

    for (size_t i = 0; i < account->dealings->order_count; i++) {
        struct known_order *order = &account->dealings->orders[i];
        int64_t value = 0;
        const char *cid = msim_fault_cid_name(report, account->id, order->client_id, digits);
        char number[NAME_DIGITS];
        number[msim_decimal_digits(order->order, number)] = '\0';
        if (!(cid[0] && key_is(document, at, cid)) && !key_is(document, at, number))
            continue;
        int r = view_number(document, at, msim_fault_quantity_exponent(report, order->instrument),
                            &value, detail);
        if (r == MSIM_OK && apply) {
            order->seen = value;
            order->has_seen = true;
        }
        return r;
    }
    int64_t value = 0;
    int r = view_number(document, at, -18, &value, detail);
    if (r == MSIM_OK && value != 0)
        return msim_json_refuse(document, at, detail, MSIM_ERR_NOT_FOUND,
                                "the account has no such order");
    return r; /* one that never came to the engine has nothing filled, as the robot says */
}

static int view_all(struct report *report, struct account *account,
                    const struct msim_json_document *document, bool apply,
                    struct msim_detail *detail)
{
    for (uint32_t at = document->nodes[0].first; at != MSIM_JSON_NONE;
         at = document->nodes[at].next) {
        bool position = key_is(document, at, "position");
        if ((!position && !key_is(document, at, "orders")) ||
            document->nodes[at].kind != MSIM_JSON_OBJECT)
            return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                    "an object \"position\" or \"orders\" is wanted here");
        for (uint32_t inner = document->nodes[at].first; inner != MSIM_JSON_NONE;
             inner = document->nodes[inner].next) {
            int r = position ? view_position(report, account, document, inner, apply, detail)
                             : view_order(report, account, document, inner, apply, detail);
            if (r < 0)
                return r;
        }
    }
    return MSIM_OK;
}

int msim_faults_view(struct msim_faults *faults, const char *name, const char *json, size_t length,
                     struct msim_detail *detail)
{
    struct msim_json_document document;

    if (!faults || !name || !json)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a view needs an account and JSON");
    struct account *account = msim_fault_account_named(faults->report, name);
    if (!account)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "no event of account \"%s\" was seen",
                               name);
    int r = msim_json_document_read(&document, json, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    if (document.nodes[0].kind != MSIM_JSON_OBJECT)
        r = msim_json_refuse(&document, 0, detail, MSIM_ERR_INVALID, "a view is an object");
    if (r == MSIM_OK)
        r = view_all(faults->report, account, &document, false, detail);
    if (r == MSIM_OK) {
        for (size_t i = 0; i < account->dealings->position_count; i++)
            account->dealings->positions[i].has_seen = false;
        for (size_t i = 0; i < account->dealings->order_count; i++)
            account->dealings->orders[i].has_seen = false;
        r = view_all(faults->report, account, &document, true, detail);
        account->has_view = true;
        msim_fault_scenario_ledger(faults);
    }
    msim_json_document_finish(&document);
    return r;
}

/* ---- the account of it ---- */

static void sum_up(const struct account *account, struct msim_fault_ledger *out)
{
    *out = (struct msim_fault_ledger){.told_is_true = true,
                                      .reconciled = account->has_view,
                                      .has_view = account->has_view,
                                      .truncated = account->truncated};
    for (size_t i = 0; i < account->dealings->fill_count; i++) {
        const struct known_fill *fill = &account->dealings->fills[i];
        out->busted += fill->busted;
        out->phantom += fill->phantom;
        if (fill->phantom)
            continue;
        out->fills++;
        out->told_once += fill->told == 1;
        out->told_twice += fill->told > 1;
        out->never_told += fill->told == 0;
    }
    for (size_t i = 0; i < account->dealings->position_count; i++) {
        const struct known_position *position = &account->dealings->positions[i];
        if (position->told != position->truth)
            out->told_is_true = false;
        if ((position->has_seen ? position->seen : 0) != position->truth)
            out->reconciled = false;
    }
    for (size_t i = 0; i < account->dealings->order_count; i++) {
        const struct known_order *order = &account->dealings->orders[i];
        if (order->told != order->filled)
            out->told_is_true = false;
        if (order->has_seen && order->seen != order->filled)
            out->reconciled = false;
    }
}

int msim_faults_ledger(const struct msim_faults *faults, const char *name,
                       struct msim_fault_ledger *out)
{
    if (!faults || !name || !out)
        return MSIM_ERR_INVALID;
    const struct account *account = msim_fault_account_named(faults->report, name);
    if (!account)
        return MSIM_ERR_NOT_FOUND;
    sum_up(account, out);
    return MSIM_OK;
}

static void put_count(struct msim_json_writer *writer, const char *key, uint64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, value);
}

static void put_quantity(struct msim_json_writer *writer, const char *key, int64_t quantity,
                         int exponent)
{
    msim_json_write_key(writer, key);
    msim_json_write_decimal_text(writer, quantity, exponent);
}

static void put_orders(struct msim_json_writer *writer, const struct report *report,
                       const struct account *account)
{
    char key[NAME_DIGITS];
    char digits[NAME_DIGITS];

    msim_json_write_key(writer, "cum_qty");
    msim_json_write_object(writer);
    for (size_t i = 0; i < account->dealings->order_count; i++) {
        const struct known_order *order = &account->dealings->orders[i];
        int exponent = msim_fault_quantity_exponent(report, order->instrument);
        key[msim_decimal_digits(order->order, key)] = '\0';
        msim_json_write_key(writer, key);
        msim_json_write_object(writer);
        msim_json_write_key(writer, "cid");
        msim_json_write_text(writer,
                             msim_fault_cid_name(report, account->id, order->client_id, digits));
        put_quantity(writer, "truth", order->filled, exponent);
        put_quantity(writer, "told", order->told, exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

static void put_positions(struct msim_json_writer *writer, const struct report *report,
                          const struct account *account)
{
    char digits[NAME_DIGITS];

    msim_json_write_key(writer, "position");
    msim_json_write_object(writer);
    for (size_t i = 0; i < account->dealings->position_count; i++) {
        const struct known_position *position = &account->dealings->positions[i];
        int exponent = msim_fault_quantity_exponent(report, position->instrument);
        msim_json_write_key(writer, msim_fault_symbol_name(report, position->instrument, digits));
        msim_json_write_object(writer);
        put_quantity(writer, "truth", position->truth, exponent);
        put_quantity(writer, "told", position->told, exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

static void put_balances(struct msim_json_writer *writer, const struct report *report,
                         const struct account *account)
{
    const struct msim_fault_names *names = &report->names;
    char digits[NAME_DIGITS];

    msim_json_write_key(writer, "balance");
    msim_json_write_object(writer);
    for (size_t i = 0; i < account->balance_count; i++) {
        const struct known_balance *balance = &account->balances[i];
        const char *name = names->asset ? names->asset(names->context, balance->asset) : NULL;
        int exponent =
            names->asset_exponent ? names->asset_exponent(names->context, balance->asset) : 0;
        msim_json_write_key(writer, name_or_digits(name, balance->asset, digits));
        msim_json_write_object(writer);
        put_quantity(writer, "free", balance->free, exponent);
        put_quantity(writer, "held", balance->held, exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

int msim_faults_ledger_json(const struct msim_faults *faults, const char *name, char *out,
                            size_t size, size_t *length)
{
    struct msim_fault_ledger ledger;
    struct msim_json_writer writer;
    struct msim_bytes bytes;

    if (!faults || !name || (!out && size > 0) || !length)
        return MSIM_ERR_INVALID;
    const struct account *account = msim_fault_account_named(faults->report, name);
    if (!account)
        return MSIM_ERR_NOT_FOUND;
    sum_up(account, &ledger);
    msim_bytes_init(&bytes, STATISTICS_MOST_BYTES, &faults->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "account");
    msim_json_write_text(&writer, name);
    put_positions(&writer, faults->report, account);
    put_orders(&writer, faults->report, account);
    put_balances(&writer, faults->report, account);
    put_count(&writer, "fills", ledger.fills);
    put_count(&writer, "told_once", ledger.told_once);
    put_count(&writer, "told_twice", ledger.told_twice);
    put_count(&writer, "never_told", ledger.never_told);
    put_count(&writer, "phantom", ledger.phantom);
    put_count(&writer, "busted", ledger.busted);
    msim_json_write_key(&writer, "told_is_true");
    msim_json_write_bool(&writer, ledger.told_is_true);
    msim_json_write_key(&writer, "reconciled");
    msim_json_write_bool(&writer, ledger.reconciled);
    msim_json_write_key(&writer, "truncated");
    msim_json_write_bool(&writer, ledger.truncated);
    msim_json_write_object_end(&writer);
    return msim_fault_give_text(&bytes, msim_json_write_end(&writer, NULL), out, size, length);
}
