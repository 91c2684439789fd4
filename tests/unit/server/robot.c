#include "unit/server/robot.h"

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/number.h"

#define SYMBOL "BTC/USD"
#define SILENCE (5 * MSIM_NS_PER_S) /* the careful one comes again then */
#define BETWEEN_QUESTIONS (2 * MSIM_NS_PER_S)
#define UNIT 100000000 /* 1 at ROBOT_EXPONENT */

/* ---- reading ---- */

/* Where a message is read, nothing else is: what is not there or not as usual makes it bad. */
struct page {
    struct msim_json_document document;
    bool is_bad;
};

static const struct msim_json_node *member(struct page *page, uint32_t object, const char *key)
{
    uint32_t node = page->is_bad ? MSIM_JSON_NONE : msim_json_member(&page->document, object, key);

    if (node == MSIM_JSON_NONE) {
        page->is_bad = true;
        return NULL;
    }
    return &page->document.nodes[node];
}

static void text(struct page *page, uint32_t object, const char *key, char *out, size_t size)
{
    const struct msim_json_node *node = member(page, object, key);

    out[0] = '\0';
    if (node &&
        (node->kind != MSIM_JSON_STRING ||
         msim_json_string(page->document.text, node->start, node->end, out, size, NULL) < 0))
        page->is_bad = true;
}

static int64_t amount(struct page *page, uint32_t object, const char *key)
{
    const struct msim_json_node *node = member(page, object, key);
    int64_t value = 0;

    if (node && (node->kind != MSIM_JSON_STRING ||
                 msim_decimal_parse(page->document.text + node->start + 1,
                                    node->end - node->start - 2, ROBOT_EXPONENT, &value) < 0))
        page->is_bad = true;
    return value;
}

static bool has(const struct page *page, const char *key)
{
    return msim_json_member(&page->document, 0, key) != MSIM_JSON_NONE;
}

/* "o12": 12 of kind 'o'; -1 where it is another. */
static int named(struct page *page, char kind)
{
    char id[64];
    int number = -1;

    if (!has(page, "request_id"))
        return -1;
    text(page, 0, "request_id", id, sizeof id);
    if (page->is_bad || id[0] != kind || sscanf(id + 1, "%d", &number) != 1)
        return -1;
    return number >= 0 && number < ROBOT_ORDERS ? number : -1;
}

static struct robot_order *by_id(struct robot *robot, const char *id)
{
    for (size_t i = robot->order_count; i-- > 0;)
        if (strcmp(robot->orders[i].id, id) == 0)
            return &robot->orders[i];
    return NULL;
}

/* ---- the naive one's books ---- */

static void on_ack(struct robot *robot, struct page *page)
{
    char id[64];
    char status[32];
    int number = named(page, 'o');

    text(page, 0, "order_id", id, sizeof id);
    text(page, 0, "status", status, sizeof status);
    int64_t remaining = amount(page, 0, "remaining_quantity");
    if (page->is_bad)
        return;
    struct robot_order *order = number >= 0 ? &robot->orders[number] : by_id(robot, id);
    if (!order)
        return;
    snprintf(order->id, sizeof order->id, "%.39s", id);
    order->remaining = remaining;
    order->is_open = remaining > 0;
    if (strcmp(status, "OPEN") != 0 && strcmp(status, "PARTIALLY_FILLED") != 0 &&
        strcmp(status, "FILLED") != 0 && strcmp(status, "CANCELLED") != 0)
        page->is_bad = true; /* a status that it does not know */
}

static void on_fill(struct robot *robot, struct page *page)
{
    char id[64];
    char status[32];

    robot->cash -= amount(page, 0, "fee"); /* whatever it is a fee of */
    text(page, 0, "order_id", id, sizeof id);
    text(page, 0, "status", status, sizeof status);
    int64_t price = amount(page, 0, "price");
    int64_t quantity = amount(page, 0, "quantity");
    int64_t remaining = amount(page, 0, "remaining_quantity");
    if (strcmp(status, "PARTIALLY_FILLED") != 0 && strcmp(status, "FILLED") != 0)
        page->is_bad = true;
    struct robot_order *order = page->is_bad ? NULL : by_id(robot, id);
    if (!order)
        return; /* of an order that it does not know */
    int64_t paid = (int64_t)((msim_int128)price * quantity / UNIT);
    robot->position += order->buys ? quantity : -quantity;
    robot->cash += order->buys ? -paid : paid;
    order->filled += quantity;
    order->remaining = remaining;
    order->is_open = remaining > 0;
}

static void on_cancel(struct robot *robot, struct page *page)
{
    char id[64];

    text(page, 0, "order_id", id, sizeof id);
    struct robot_order *order = page->is_bad ? NULL : by_id(robot, id);
    if (order)
        order->is_open = false;
}

/* What cannot be cancelled or replaced is gone, it thinks; what it has placed is there. */
static void on_refusal(struct robot *robot, struct page *page)
{
    int number = named(page, 'c');

    if (number < 0)
        return;
    robot->orders[number].is_open = false;
    robot->orders[number].id[0] = '\0';
}

/* ---- the book ---- */

static void set_level(struct robot_level *levels, size_t *count, bool falls, struct robot_level new)
{
    size_t i = 0;

    while (i < *count && (falls ? levels[i].price > new.price : levels[i].price < new.price))
        i++;
    bool is_there = i < *count && levels[i].price == new.price;
    if (new.quantity == 0) {
        if (is_there)
            memmove(&levels[i], &levels[i + 1], (--*count - i) * sizeof *levels);
        return;
    }
    if (!is_there) {
        if (i == ROBOT_LEVELS)
            return;
        if (*count == ROBOT_LEVELS)
            --*count;
        memmove(&levels[i + 1], &levels[i], ((*count)++ - i) * sizeof *levels);
    }
    levels[i] = new;
}

static void on_side(struct page *page, const char *key, struct robot_level *levels, size_t *count)
{
    const struct msim_json_node *list = member(page, 0, key);

    for (uint32_t at = list ? list->first : MSIM_JSON_NONE; at != MSIM_JSON_NONE;
         at = page->document.nodes[at].next) {
        struct robot_level level = {amount(page, at, "price"), 0};
        level.quantity = amount(page, at, "quantity");
        if (!page->is_bad)
            set_level(levels, count, key[0] == 'b', level);
    }
}

static int64_t sequence_of(struct page *page)
{
    const struct msim_json_node *node = member(page, 0, "sequence");
    int64_t value = -1;

    if (node && msim_json_integer(page->document.text, node->start, node->end, &value) < 0)
        page->is_bad = true;
    return value;
}

static void on_book(struct robot *robot, struct page *page)
{
    bool is_snapshot = has(page, "snapshot");
    int64_t sequence = robot->is_careful ? sequence_of(page) : 0;

    if (robot->is_careful && !page->is_bad) {
        bool follows = sequence == (int64_t)robot->book_sequence + 1;
        if (is_snapshot ? robot->book_is_good || sequence < (int64_t)robot->book_sequence
                        : !follows) {
            robot->book_is_good = false;
            return;
        }
        robot->book_sequence = (uint64_t)sequence;
        robot->book_is_good = robot->book_is_good || is_snapshot;
    }
    if (is_snapshot)
        robot->bid_count = robot->ask_count = 0;
    on_side(page, "bids", robot->bids, &robot->bid_count);
    on_side(page, "asks", robot->asks, &robot->ask_count);
}

/* ---- the careful one's books: what it asked for, and nothing older ---- */

static bool answers_the_last_question(struct robot *robot, struct page *page)
{
    return named(page, 'q') == (int)(robot->questions % ROBOT_ORDERS);
}

static void adopt_orders(struct robot *robot, struct page *page)
{
    size_t count = 0;
    int64_t remaining = 0;
    const struct msim_json_node *list = member(page, 0, "orders");

    for (uint32_t at = list ? list->first : MSIM_JSON_NONE; at != MSIM_JSON_NONE;
         at = page->document.nodes[at].next) {
        remaining += amount(page, at, "quantity") - amount(page, at, "filled_quantity");
        count++;
    }
    if (page->is_bad || !answers_the_last_question(robot, page))
        return;
    robot->open_count = count;
    robot->open_remaining = remaining;
}

static void adopt_balances(struct robot *robot, struct page *page)
{
    uint32_t node = msim_json_member(&page->document, 0, "balances");

    if (node == MSIM_JSON_NONE || !answers_the_last_question(robot, page))
        return;
    int64_t btc = amount(page, node, "BTC");
    int64_t usd = amount(page, node, "USD");
    if (page->is_bad)
        return;
    robot->position = btc - robot->first_btc;
    robot->cash = usd - robot->first_usd;
}

/* ---- what is heard ---- */

static void believe(struct robot *robot, struct page *page)
{
    char type[32];
    char moment[64];

    text(page, 0, "type", type, sizeof type);
    text(page, 0, "timestamp", moment, sizeof moment);
    if (msim_calendar_parse(moment, strlen(moment), &robot->clock) < 0)
        page->is_bad = true;
    if (strcmp(type, "ORDERBOOK_UPDATE") == 0)
        on_book(robot, page);
    else if (robot->is_careful && strcmp(type, "ORDERS") == 0)
        adopt_orders(robot, page);
    else if (robot->is_careful && strcmp(type, "BALANCE_UPDATE") == 0)
        adopt_balances(robot, page);
    else if (strcmp(type, "ORDER_ACK") == 0)
        on_ack(robot, page);
    else if (robot->is_careful)
        return;
    else if (strcmp(type, "ORDER_FILL") == 0)
        on_fill(robot, page);
    else if (strcmp(type, "ORDER_CANCEL") == 0)
        on_cancel(robot, page);
    else if (strcmp(type, "ERROR") == 0 || strcmp(type, "ORDER_REJECT") == 0)
        on_refusal(robot, page);
    else if (strcmp(type, "SUBSCRIBED") != 0 && strcmp(type, "NOTICE") != 0)
        page->is_bad = true; /* a type that it does not know */
}

static void hear(struct robot *robot, const char *bytes, size_t length)
{
    struct page page = {.is_bad = false};

    if (robot->is_dead)
        return;
    if (msim_json_document_read(&page.document, bytes, length, NULL, NULL, NULL) < 0) {
        robot->book_is_good = false; /* it may have been of the book */
        robot->is_dead = !robot->is_careful;
        return;
    }
    believe(robot, &page);
    msim_json_document_finish(&page.document);
    if (!page.is_bad)
        return;
    robot->book_is_good = false;
    robot->is_dead = !robot->is_careful;
}

static void hear_trade(void *context, const char *bytes, size_t length)
{
    struct robot *robot = context;

    robot->trade_heard = robot->stage->server->now;
    hear(robot, bytes, length);
}

static void hear_market(void *context, const char *bytes, size_t length)
{
    struct robot *robot = context;

    robot->market_heard = robot->stage->server->now;
    hear(robot, bytes, length);
}

/* ---- coming and saying ---- */

void robot_init(struct robot *robot, struct stage *stage, bool is_careful)
{
    memset(robot, 0, sizeof *robot);
    robot->stage = stage;
    robot->is_careful = is_careful;
    robot->trade.hear = hear_trade;
    robot->market.hear = hear_market;
    robot->trade.context = robot->market.context = robot;
}

static void say(struct robot *robot, struct wire *wire, const char *words)
{
    if (wire->client && !wire->client->is_ended && !robot->is_dead)
        stage_say(robot->stage, wire, words);
}

static void subscribe(struct robot *robot)
{
    robot->book_is_good = false;
    if (robot->is_careful)
        say(robot, &robot->market,
            "{\"type\":\"UNSUBSCRIBE\",\"channel\":\"ORDERBOOK_L2\",\"symbol\":\"" SYMBOL "\"}");
    say(robot, &robot->market,
        "{\"type\":\"SUBSCRIBE\",\"channel\":\"ORDERBOOK_L2\",\"symbol\":\"" SYMBOL "\"}");
}

static void come_to_market(struct robot *robot)
{
    robot->market_heard = robot->stage->server->now;
    robot->book_sequence = 0;
    if (stage_arrive(robot->stage, &robot->market, ROBOT_NAME, VISIT_PUBLIC) == MSIM_ADMIT)
        subscribe(robot);
}

static void come_to_trade(struct robot *robot)
{
    robot->trade_heard = robot->stage->server->now;
    stage_arrive(robot->stage, &robot->trade, ROBOT_NAME, 0);
}

void robot_come(struct robot *robot)
{
    if (robot->came)
        return;
    robot->came = true;
    come_to_trade(robot);
    come_to_market(robot);
}

/* ---- trading ---- */

/* Every second order has a name of its own. */
static void place(struct robot *robot, int64_t price, const char *quantity, int64_t amount_of)
{
    char words[320];
    char name[48] = "";
    size_t number = robot->order_count;

    if (number == ROBOT_ORDERS || robot->is_dead)
        return;
    robot->order_count++;
    robot->orders[number] =
        (struct robot_order){.buys = true, .is_open = true, .remaining = amount_of};
    if (number / 3 % 2 == 0)
        snprintf(name, sizeof name, ",\"client_order_id\":\"n%zu\"", number);
    snprintf(words, sizeof words,
             "{\"type\":\"PLACE_ORDER\",\"symbol\":\"" SYMBOL "\",\"side\":\"BUY\","
             "\"order_type\":\"LIMIT\",\"price\":\"%lld.%02lld\",\"quantity\":\"%s\","
             "\"request_id\":\"o%zu\"%s}",
             (long long)(price / UNIT), (long long)(price % UNIT / (UNIT / 100)), quantity, number,
             name);
    say(robot, &robot->trade, words);
}

static void change(struct robot *robot, size_t number, const char *type, const char *more)
{
    char words[256];

    if (number >= robot->order_count || robot->orders[number].id[0] == '\0')
        return;
    snprintf(words, sizeof words, "{\"type\":\"%s\",\"order_id\":\"%s\"%s,\"request_id\":\"c%zu\"}",
             type, robot->orders[number].id, more, number);
    say(robot, &robot->trade, words);
}

int64_t robot_bid(const struct robot *robot)
{
    return robot->bid_count > 0 ? robot->bids[0].price : 0;
}

/* In each second: one that rests, one that takes through some levels, one far away. */
void robot_trade(struct robot *robot, unsigned second, unsigned tenth)
{
    size_t first = (size_t)3 * second;

    if (robot->is_dead || robot->bid_count == 0 || robot->ask_count == 0)
        return;
    switch (tenth) {
    case 0:
        place(robot, robot->bids[0].price + UNIT, "0.005", 500000);
        break;
    case 3:
        stage_get(robot->stage, ROBOT_NAME, "/api/v1/ticker", "symbol=BTC/USD");
        break;
    case 6:
        if (second % 2 == 0)
            change(robot, first, "CANCEL_ORDER", "");
        else
            change(robot, first, "REPLACE_ORDER", ",\"quantity\":\"0.0055\"");
        break;
    case 7:
        place(robot, robot->asks[0].price + 100 * (int64_t)UNIT, "2.5", 250000000);
        break;
    case 8:
        place(robot, 30000 * (int64_t)UNIT, "0.01", 1000000);
        break;
    case 9:
        if (second % 3 == 0)
            change(robot, first + 2, "CANCEL_ORDER", "");
        break;
    default:
        break;
    }
}

/* ---- looking about ---- */

static void check_answer(struct robot *robot)
{
    struct stage *stage = robot->stage;

    if (stage->answer_length == 0)
        return;
    if (stage->answer[0] != '{')
        robot->is_dead = !robot->is_careful;
    stage->answer_length = 0;
}

static void check_wire(struct robot *robot, struct wire *wire, msim_time heard,
                       void (*come)(struct robot *robot))
{
    if (wire->client && !wire->client->is_ended && robot->stage->server->now - heard <= SILENCE)
        return;
    if (!wire->client && robot->stage->server->now - heard < MSIM_NS_PER_S)
        return;
    stage_leave(robot->stage, wire);
    come(robot);
}

static void ask(struct robot *robot)
{
    char words[96];

    robot->next_question = robot->stage->server->now + BETWEEN_QUESTIONS;
    unsigned number = (unsigned)(++robot->questions % ROBOT_ORDERS);
    snprintf(words, sizeof words, "{\"type\":\"GET_ORDERS\",\"request_id\":\"q%u\"}", number);
    say(robot, &robot->trade, words);
    snprintf(words, sizeof words, "{\"type\":\"GET_BALANCE\",\"request_id\":\"q%u\"}", number);
    say(robot, &robot->trade, words);
    if (!robot->book_is_good)
        subscribe(robot);
}

void robot_look(struct robot *robot)
{
    check_answer(robot);
    if (!robot->is_careful || !robot->came)
        return;
    check_wire(robot, &robot->trade, robot->trade_heard, come_to_trade);
    check_wire(robot, &robot->market, robot->market_heard, come_to_market);
    if (robot->stage->server->now >= robot->next_question)
        ask(robot);
}

size_t robot_open(const struct robot *robot, int64_t *remaining)
{
    size_t count = 0;

    if (robot->is_careful) {
        *remaining = robot->open_remaining;
        return robot->open_count;
    }
    *remaining = 0;
    for (size_t i = 0; i < robot->order_count; i++) {
        if (!robot->orders[i].is_open)
            continue;
        *remaining += robot->orders[i].remaining;
        count++;
    }
    return count;
}
