#include "client/words.h"

#include <stdio.h>
#include <string.h>

#include "cli/terminal.h"

/* Levels of a book that are printed of each side. */
#define WORDS_LEVELS 10

const char *words_member(const struct msim_json_document *document, uint32_t object,
                         const char *key, char out[static WORDS_TEXT])
{
    const uint32_t at = msim_json_member(document, object, key);

    snprintf(out, WORDS_TEXT, "-");
    if (at == MSIM_JSON_NONE || document->nodes[at].kind == MSIM_JSON_NULL)
        return out;
    const struct msim_json_node *node = &document->nodes[at];
    if (node->kind == MSIM_JSON_STRING) {
        if (msim_json_string(document->text, node->start, node->end, out, WORDS_TEXT, NULL) < 0)
            snprintf(out, WORDS_TEXT, "%.*s...", 200, document->text + node->start + 1);
    } else {
        const size_t length = node->end - node->start;
        snprintf(out, WORDS_TEXT, "%.*s", (int)(length < WORDS_TEXT ? length : WORDS_TEXT - 1),
                 document->text + node->start);
    }
    terminal_clean(out);
    return out;
}

bool words_is(const struct msim_json_document *document, const char *key, const char *value)
{
    const uint32_t at = msim_json_member(document, 0, key);

    return at != MSIM_JSON_NONE && document->nodes[at].kind == MSIM_JSON_STRING &&
           msim_json_is(document->text, document->nodes[at].start, document->nodes[at].end, value);
}

/* ---- one line each ---- */

static void print_order(const struct msim_json_document *document, uint32_t object,
                        const char *label)
{
    char id[WORDS_TEXT];
    char side[WORDS_TEXT];
    char quantity[WORDS_TEXT];
    char symbol[WORDS_TEXT];
    char price[WORDS_TEXT];
    char status[WORDS_TEXT];
    char filled[WORDS_TEXT];
    char own[WORDS_TEXT];

    words_member(document, object, "price", price);
    words_member(document, object, "client_order_id", own);
    printf("%-8s %s  %s %s %s", label, words_member(document, object, "order_id", id),
           words_member(document, object, "side", side),
           words_member(document, object, "quantity", quantity),
           words_member(document, object, "symbol", symbol));
    if (strcmp(price, "-") != 0)
        printf(" @ %s", price);
    printf("  %s, filled %s", words_member(document, object, "status", status),
           words_member(document, object, "filled_quantity", filled));
    printf(strcmp(own, "-") != 0 ? "  (%s)\n" : "\n", own);
}

static void print_ack(const struct msim_json_document *document)
{
    print_order(document, 0, "order");
}

static void print_fill(const struct msim_json_document *document)
{
    char text[7][WORDS_TEXT];

    printf(
        "fill     %s  %s %s %s @ %s  fee %s %s", words_member(document, 0, "order_id", text[0]),
        words_member(document, 0, "side", text[1]), words_member(document, 0, "quantity", text[2]),
        words_member(document, 0, "symbol", text[3]), words_member(document, 0, "price", text[4]),
        words_member(document, 0, "fee", text[5]), words_member(document, 0, "fee_asset", text[6]));
    printf("  %s, left %s\n", words_member(document, 0, "status", text[0]),
           words_member(document, 0, "remaining_quantity", text[1]));
}

static void print_cancel(const struct msim_json_document *document)
{
    char text[4][WORDS_TEXT];

    printf("cancel   %s  %s, left %s  %s\n", words_member(document, 0, "order_id", text[0]),
           words_member(document, 0, "symbol", text[1]),
           words_member(document, 0, "remaining_quantity", text[2]),
           words_member(document, 0, "reason", text[3]));
}

static void print_reject(const struct msim_json_document *document)
{
    char code[WORDS_TEXT];
    char reason[WORDS_TEXT];

    printf("refused  %s: %s\n", words_member(document, 0, "code", code),
           words_member(document, 0, "reason", reason));
}

static void print_error(const struct msim_json_document *document)
{
    char code[WORDS_TEXT];
    char message[WORDS_TEXT];

    printf("error    %s: %s\n", words_member(document, 0, "code", code),
           words_member(document, 0, "message", message));
}

static void print_notice(const struct msim_json_document *document)
{
    char text[WORDS_TEXT];

    printf("notice   %s\n", words_member(document, 0, "message", text));
}

static void print_orders(const struct msim_json_document *document)
{
    const uint32_t orders = msim_json_member(document, 0, "orders");

    if (orders == MSIM_JSON_NONE || document->nodes[orders].count == 0) {
        puts("orders   none");
        return;
    }
    for (uint32_t at = document->nodes[orders].first; at != MSIM_JSON_NONE;
         at = document->nodes[at].next)
        print_order(document, at, "order");
}

static void print_balance(const struct msim_json_document *document)
{
    const uint32_t balances = msim_json_member(document, 0, "balances");
    const uint32_t available = msim_json_member(document, 0, "available");

    printf("balance ");
    for (uint32_t at = balances == MSIM_JSON_NONE ? balances : document->nodes[balances].first;
         at != MSIM_JSON_NONE; at = document->nodes[at].next) {
        const struct msim_json_node *node = &document->nodes[at];
        char name[WORDS_TEXT];
        char total[WORDS_TEXT];
        char free[WORDS_TEXT];
        if (msim_json_string(document->text, node->key_start, node->key_end, name, sizeof name,
                             NULL) < 0)
            continue;
        words_member(document, balances, name, total);
        if (available == MSIM_JSON_NONE)
            snprintf(free, sizeof free, "-");
        else
            words_member(document, available, name, free);
        terminal_clean(name);
        printf(" %s %s", name, total);
        if (strcmp(total, free) != 0)
            printf(" (%s free)", free);
    }
    putchar('\n');
}

static void print_position(const struct msim_json_document *document)
{
    char text[5][WORDS_TEXT];

    printf("position %s %s @ %s  unrealised %s, realised %s\n",
           words_member(document, 0, "symbol", text[0]),
           words_member(document, 0, "quantity", text[1]),
           words_member(document, 0, "average_price", text[2]),
           words_member(document, 0, "unrealized_pnl", text[3]),
           words_member(document, 0, "realized_pnl", text[4]));
}

static void print_ticker(const struct msim_json_document *document)
{
    char text[7][WORDS_TEXT];

    printf("ticker   %s %s  bid %s x %s  ask %s x %s  volume %s\n",
           words_member(document, 0, "symbol", text[0]),
           words_member(document, 0, "last_price", text[1]),
           words_member(document, 0, "bid", text[2]),
           words_member(document, 0, "bid_quantity", text[3]),
           words_member(document, 0, "ask", text[4]),
           words_member(document, 0, "ask_quantity", text[5]),
           words_member(document, 0, "volume_24h", text[6]));
}

static void print_side(const struct msim_json_document *document, const char *key,
                       const char *label)
{
    const uint32_t side = msim_json_member(document, 0, key);
    size_t count = 0;

    printf(" %s", label);
    for (uint32_t at = side == MSIM_JSON_NONE ? side : document->nodes[side].first;
         at != MSIM_JSON_NONE && count < WORDS_LEVELS; at = document->nodes[at].next, count++) {
        char price[WORDS_TEXT];
        char quantity[WORDS_TEXT];
        printf(" %s x %s", words_member(document, at, "price", price),
               words_member(document, at, "quantity", quantity));
    }
    if (count == 0)
        printf(" none");
    else if (document->nodes[side].count > count)
        printf(" and %u more", document->nodes[side].count - (uint32_t)count);
}

static void print_book(const struct msim_json_document *document)
{
    char symbol[WORDS_TEXT];

    printf("book     %s ", words_member(document, 0, "symbol", symbol));
    print_side(document, "bids", "bids");
    print_side(document, "asks", " asks");
    putchar('\n');
}

/* Those of a list have its symbol. */
static void print_one_trade(const struct msim_json_document *document, uint32_t object)
{
    char text[4][WORDS_TEXT];

    printf("trade    %s %s %s @ %s\n", words_member(document, 0, "symbol", text[0]),
           words_member(document, object, "side", text[1]),
           words_member(document, object, "quantity", text[2]),
           words_member(document, object, "price", text[3]));
}

static void print_trade(const struct msim_json_document *document)
{
    print_one_trade(document, 0);
}

static void print_trades(const struct msim_json_document *document)
{
    const uint32_t trades = msim_json_member(document, 0, "trades");

    if (trades == MSIM_JSON_NONE || document->nodes[trades].count == 0) {
        puts("trades   none");
        return;
    }
    for (uint32_t at = document->nodes[trades].first; at != MSIM_JSON_NONE;
         at = document->nodes[at].next)
        print_one_trade(document, at);
}

static void print_cancelled(const struct msim_json_document *document)
{
    char count[WORDS_TEXT];

    printf("cancel   %s orders\n", words_member(document, 0, "count", count));
}

static void print_channel(const struct msim_json_document *document)
{
    char text[3][WORDS_TEXT];

    printf("channel  %s %s %s\n",
           words_is(document, "type", "SUBSCRIBED") ? "subscribed to" : "left",
           words_member(document, 0, "channel", text[1]),
           words_member(document, 0, "symbol", text[2]));
}

static void print_pong(const struct msim_json_document *document)
{
    (void)document;
    puts("pong");
}

static const struct kind {
    const char *type;
    void (*print)(const struct msim_json_document *document);
} kinds[] = {
    {"ORDER_ACK", print_ack},
    {"ORDER_FILL", print_fill},
    {"ORDER_CANCEL", print_cancel},
    {"ORDER_REJECT", print_reject},
    {"ORDERS", print_orders},
    {"BALANCE_UPDATE", print_balance},
    {"POSITION_UPDATE", print_position},
    {"MARKET_DATA", print_ticker},
    {"ORDERBOOK_UPDATE", print_book},
    {"TRADE", print_trade},
    {"TRADES", print_trades},
    {"CANCEL_ALL_ACK", print_cancelled},
    {"SUBSCRIBED", print_channel},
    {"UNSUBSCRIBED", print_channel},
    {"NOTICE", print_notice},
    {"ERROR", print_error},
    {"PONG", print_pong},
};

bool words_print(const struct msim_json_document *document)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!words_is(document, "type", kinds[i].type))
            continue;
        kinds[i].print(document);
        return true;
    }
    return false;
}
