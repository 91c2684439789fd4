/*
 * Truth and what was told.
 *
 * Truth is what the engine's events say.  Told is what a naive client makes of the
 * order events that reached it: it adds up every fill, whatever its id.  The two
 * are kept by order, by fill and by position, so that a robot can be judged.
 */
#include "faults/report.h"

#include <string.h>

#include "base/mem.h"

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
 * As long as their numbers rise, which is nearly always, orders and fills are found by halves, from
 * the youngest on: what is asked for is near the end.  An index is made when a number falls.
 */

/* Orders and fills alike begin with their numbers. */
static inline uint64_t number_at(const struct rows *rows, size_t place, size_t item_size)
{
    uint64_t number;

    memcpy(&number, rows_at(rows, place, item_size), sizeof number);
    return number;
}

/* The first with this number or a larger one; their count where there is none. */
static inline size_t find_by_halves(const struct rows *rows, size_t item_size, uint64_t number)
{
    size_t high = rows->count;
    size_t step = 1;

    while (step <= high && number_at(rows, high - step, item_size) >= number) {
        high -= step;
        step *= 2;
    }
    for (size_t low = step <= high ? high - step + 1 : 0; low < high;) {
        const size_t middle = low + (high - low) / 2;
        if (number_at(rows, middle, item_size) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

/* NOTHING where it is not known. */
static uint32_t order_place(const struct dealings *dealings, uint64_t order)
{
    if (!dealings->orders_fell) {
        const size_t place = find_by_halves(&dealings->orders, sizeof(struct known_order), order);
        const bool is_known =
            place < dealings->orders.count && order_at(dealings, place)->order == order;
        return is_known ? (uint32_t)place : NOTHING;
    }
    uint32_t place = msim_fault_index_find(&dealings->order_index, order);
    while (place != NOTHING && order_at(dealings, place)->order != order)
        place = msim_fault_index_find_next(&dealings->order_index, order, place);
    return place;
}

struct known_order *msim_fault_order_find(struct account *account, uint64_t order)
{
    const uint32_t place = order_place(account->dealings, order);

    return place == NOTHING ? NULL : order_at(account->dealings, place);
}

/*
 * The index has the number that comes to stand at the end: it was made when the first one fell, and
 * is now if this is it.
 */
static int index_fallen(struct index *index, bool *fell, const struct rows *rows, size_t item_size,
                        uint64_t number, const struct msim_allocator *allocator)
{
    int r = MSIM_OK;

    for (size_t i = 0; r == MSIM_OK && i < rows->count && !*fell; i++)
        r = msim_fault_index_add(index, number_at(rows, i, item_size), (uint32_t)i, allocator);
    if (r == MSIM_OK)
        r = msim_fault_index_add(index, number, (uint32_t)rows->count, allocator);
    if (r < 0 && !*fell)
        msim_fault_index_finish(index, allocator);
    if (r == MSIM_OK)
        *fell = true;
    return r;
}

static int index_order(struct dealings *dealings, uint64_t order,
                       const struct msim_allocator *allocator)
{
    if (!dealings->orders_fell && dealings->last_order < order)
        return MSIM_OK;
    return index_fallen(&dealings->order_index, &dealings->orders_fell, &dealings->orders,
                        sizeof(struct known_order), order, allocator);
}

/* The event's order, which is new; NOTHING beyond the bound. */
static int order_add(struct report *report, struct account *account, const struct msim_event *event,
                     uint32_t *place)
{
    const struct msim_allocator *allocator = &report->faults->allocator;
    int r = dealings_begin(report, account);
    if (r < 0)
        return r;

    struct dealings *dealings = account->dealings;
    r = msim_fault_rows_reserve(&dealings->orders, sizeof(struct known_order),
                                report->faults->params.max_orders, allocator);
    if (r == MSIM_ERR_LIMIT) {
        account->truncated = true;
        return MSIM_OK;
    }
    if (r == MSIM_OK)
        r = index_order(dealings, event->order, allocator);
    if (r < 0)
        return r;
    *place = (uint32_t)dealings->orders.count++;
    dealings->last_order = event->order;
    *order_at(dealings, *place) = (struct known_order){
        .order = event->order,
        .client_id = event->client_id,
        .instrument = event->instrument,
        .side = event->side,
    };
    return MSIM_OK;
}

/* The place of the event's order, made known if it is new; NOTHING beyond the bound. */
static int order_get(struct report *report, struct account *account, const struct msim_event *event,
                     uint32_t *place)
{
    const struct dealings *dealings = account->dealings;

    *place = NOTHING;
    if (event->order == 0)
        return MSIM_OK;
    if (!dealings->orders_fell && dealings->last_order <= event->order) {
        if (dealings->last_order < event->order)
            return order_add(report, account, event, place);
        *place = (uint32_t)dealings->orders.count - 1;
        return MSIM_OK;
    }
    *place = order_place(dealings, event->order);
    return *place != NOTHING ? MSIM_OK : order_add(report, account, event, place);
}

int msim_fault_order_odd(struct report *report, struct dealings *dealings,
                         struct known_order *order)
{
    void *odds = dealings->odds;

    if (order->odd)
        return MSIM_OK;
    int r = msim_mem_grow(&report->faults->allocator, &odds, &dealings->odd_capacity,
                          sizeof *dealings->odds, dealings->odd_count + 1, ODD_MOST);
    if (r < 0)
        return r;
    dealings->odds = odds;
    dealings->odds[dealings->odd_count] = (struct known_odd){0};
    order->odd = (uint32_t)++dealings->odd_count & ODD_MOST;
    return MSIM_OK;
}

/* A trade with oneself has one id and two orders. */
static bool is_fill(const struct dealings *dealings, const struct known_fill *fill, uint64_t exec,
                    uint64_t order)
{
    return fill->exec == exec && order_at(dealings, fill->order)->order == order;
}

static struct known_fill *fill_find(struct account *account, uint64_t exec, uint64_t order)
{
    const struct dealings *dealings = account->dealings;

    if (!dealings->fills_fell) {
        const struct rows *fills = &dealings->fills;
        size_t i = find_by_halves(fills, sizeof(struct known_fill), exec);
        for (; i < fills->count; i++) {
            struct known_fill *fill = fill_at(dealings, i);
            if (fill->exec != exec)
                return NULL;
            if (is_fill(dealings, fill, exec, order))
                return fill;
        }
        return NULL;
    }
    uint32_t place = msim_fault_index_find(&dealings->fill_index, exec);
    while (place != NOTHING && !is_fill(dealings, fill_at(dealings, place), exec, order))
        place = msim_fault_index_find_next(&dealings->fill_index, exec, place);
    return place == NOTHING ? NULL : fill_at(dealings, place);
}

/* The same as of orders; numbers that are equal follow each other. */
static int index_fill(struct dealings *dealings, uint64_t exec,
                      const struct msim_allocator *allocator)
{
    if (!dealings->fills_fell && dealings->last_fill <= exec)
        return MSIM_OK;
    return index_fallen(&dealings->fill_index, &dealings->fills_fell, &dealings->fills,
                        sizeof(struct known_fill), exec, allocator);
}

/* A fill of an order that stands in the ledger, unless it is known. */
static int fill_note(struct report *report, struct account *account, const struct known_fill *fill)
{
    const struct msim_allocator *allocator = &report->faults->allocator;
    struct dealings *dealings = account->dealings;

    if (fill->exec == 0)
        return MSIM_OK;
    const bool is_new = dealings->last_fill < fill->exec && !dealings->fills_fell;
    if (!is_new && fill_find(account, fill->exec, order_at(dealings, fill->order)->order))
        return MSIM_OK;
    int r = msim_fault_rows_reserve(&dealings->fills, sizeof *fill,
                                    4 * report->faults->params.max_orders, allocator);
    if (r == MSIM_ERR_LIMIT) {
        account->truncated = true;
        return MSIM_OK;
    }
    if (r == MSIM_OK)
        r = index_fill(dealings, fill->exec, allocator);
    if (r < 0)
        return r;
    *fill_at(dealings, dealings->fills.count++) = *fill;
    dealings->last_fill = fill->exec;
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
                      const struct msim_event *event, uint32_t place)
{
    const struct msim_event_fill *fill = &event->as.fill;
    struct known_order *order = order_at(account->dealings, place);
    struct known_position *position;
    int r = position_get(report, account, event->instrument, &position);
    if (r < 0)
        return r;

    add_signed(&position->truth, event->side, fill->quantity);
    order->filled = fill->filled;
    order->leaves = fill->leaves;
    order->open = fill->leaves > 0;
    const struct known_fill noted = {
        .exec = fill->trade, .order = place, .quantity = fill->quantity};
    return fill_note(report, account, &noted);
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
        struct known_order *order = order_at(account->dealings, fill->order);
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

static int ledger_event(struct report *report, struct account *account,
                        const struct msim_event *event)
{
    uint32_t place;
    int r;

    switch (event->kind) {
    case MSIM_EVENT_BALANCE:
        return balance_set(report, account, event);
    case MSIM_EVENT_ACCEPTED:
    case MSIM_EVENT_CANCELLED:
    case MSIM_EVENT_REPLACED:
    case MSIM_EVENT_TRIGGERED:
    case MSIM_EVENT_EXPIRED:
    case MSIM_EVENT_FILL:
        r = order_get(report, account, event, &place);
        if (r < 0 || place == NOTHING)
            return r;
        if (event->kind == MSIM_EVENT_FILL)
            return fill_event(report, account, event, place);
        if (!(event->flags & MSIM_EVENT_REPEATED))
            order_event(order_at(account->dealings, place), event);
        return MSIM_OK;
    default:
        return MSIM_OK;
    }
}

static int note_price(struct report *report, uint32_t instrument, msim_price price)
{
    void *prices = report->prices;

    for (size_t i = 0; i < report->price_count; i++) {
        if (report->prices[i].instrument == instrument) {
            report->prices[i].price = price;
            return MSIM_OK;
        }
    }
    int r = msim_mem_grow(&report->faults->allocator, &prices, &report->price_capacity,
                          sizeof *report->prices, report->price_count + 1, UINT32_MAX);
    if (r < 0)
        return r;
    report->prices = prices;
    report->prices[report->price_count++] = (struct last_price){instrument, price};
    return MSIM_OK;
}

/* A trade that was undone is both its sides'. */
static int busted_both(struct report *report, const struct msim_event *event)
{
    const uint32_t sides[] = {event->as.trade.maker_account, event->as.trade.taker_account};
    int r = MSIM_OK;

    for (int i = 0; r == MSIM_OK && i < 2; i++) {
        struct account *side = NULL;
        r = msim_fault_account_get(report, sides[i], &side);
        if (r == MSIM_OK)
            r = busted_event(report, side, event);
    }
    return r;
}

/* What changes neither orders nor balances: it makes its account known, and no more. */
#define IDLE_KINDS \
    (1U << MSIM_EVENT_LEVEL | 1U << MSIM_EVENT_BOOK_ORDER | 1U << MSIM_EVENT_POSITION)

static inline int note_event(struct report *report, const struct msim_event *event,
                             struct account **account)
{
    struct account *recent = report->recent[event->account % RECENT_ACCOUNTS];
    int r = MSIM_OK;

    if (recent && recent->id == event->account)
        *account = recent;
    else
        r = msim_fault_account_get(report, event->account, account);
    if (r < 0 || (event->kind < 32 && IDLE_KINDS >> event->kind & 1))
        return r;
    if (event->kind == MSIM_EVENT_TRADE)
        return note_price(report, event->instrument, event->as.trade.price);
    if (event->kind == MSIM_EVENT_BUSTED) {
        r = busted_both(report, event);
        return r < 0 ? r : msim_fault_account_get(report, event->account, account);
    }
    return ledger_event(report, *account, event);
}

int msim_fault_ledger_note(struct report *report, const struct msim_event *event,
                           struct account **account)
{
    return note_event(report, event, account);
}

/* Nothing waits to be let go or for its moment. */
static inline bool is_empty(const struct msim_faults *faults)
{
    return faults->out_head == NOTHING && faults->express_head == NOTHING &&
           faults->timers.count == 0 && faults->heap_count == 0 && faults->far_count == 0;
}

static bool is_quiet(const struct msim_faults *faults)
{
    const struct report *report = faults->report;

    return faults->strategies == 0 && !faults->scenario && !faults->last_scenario &&
           !report->has_phantoms && report->head == NOTHING && report->venue_head == NOTHING &&
           faults->failure == MSIM_OK &&
           (is_empty(faults) || msim_fault_next_release(faults) == MSIM_TIME_NEVER);
}

bool msim_faults_is_quiet(const struct msim_faults *faults)
{
    return !faults || is_quiet(faults);
}

int msim_faults_note(struct msim_faults *faults, msim_time now, const struct msim_event *events,
                     size_t count)
{
    struct account *account = NULL;
    int r = MSIM_OK;

    if (!faults || (!events && count > 0) || now < faults->now)
        return MSIM_ERR_INVALID;
    if (!is_quiet(faults))
        return MSIM_ERR_STATE;
    msim_fault_catch_up(faults, now);
    for (size_t i = 0; r == MSIM_OK && i < count; i++)
        r = note_event(faults->report, &events[i], &account);
    return r;
}

/* ---- what was told ---- */

static int told_fill(struct report *report, struct account *account, const struct msim_event *event,
                     uint64_t exec)
{
    struct known_position *position;
    uint32_t place;
    int r = order_get(report, account, event, &place);
    if (r < 0 || place == NOTHING)
        return r;
    r = position_get(report, account, event->instrument, &position);
    struct known_order *order = order_at(account->dealings, place);
    struct known_fill *fill = exec ? fill_find(account, exec, order->order) : NULL;
    if (r == MSIM_OK && exec && !fill) {
        const struct known_fill phantom = {
            .exec = exec, .order = place, .quantity = event->as.fill.quantity, .phantom = true};
        r = fill_note(report, account, &phantom);
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
        struct known_order *order = order_at(account->dealings, fill->order);
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
