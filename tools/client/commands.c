#include "client/commands.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* A line in words, and how far it has been read. */
struct line {
    char *words[COMMAND_WORDS];
    size_t count;
    size_t at;
    struct command *out;
    struct msim_json_writer *writer;
};

const char *command_help(void)
{
    return "  buy QUANTITY SYMBOL [@ PRICE] [OPTIONS]   sell ...   without a price: at the market\n"
           "      OPTIONS: stop PRICE, gtc, ioc, fok, day, post, reduce, show QUANTITY, id TEXT\n"
           "  cancel ID          the exchange's id, or your own\n"
           "  cancel all [SYMBOL]\n"
           "  replace ID [QUANTITY] [@ PRICE]\n"
           "  order ID           orders [SYMBOL]\n"
           "  balance            position SYMBOL\n"
           "  book SYMBOL [N]    trades SYMBOL [N]\n"
           "  subscribe CHANNEL [SYMBOL]   unsubscribe CHANNEL [SYMBOL]\n"
           "  ping, help, quit   {...} is sent as it is\n";
}

static bool wrong(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct line *line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line->out->why, sizeof line->out->why, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- words ---- */

static const char *peek(const struct line *line)
{
    return line->at < line->count ? line->words[line->at] : NULL;
}

static const char *next(struct line *line)
{
    return line->at < line->count ? line->words[line->at++] : NULL;
}

static bool take(struct line *line, const char *word)
{
    const char *found = peek(line);

    if (!found || strcasecmp(found, word) != 0)
        return false;
    line->at++;
    return true;
}

static void put(struct line *line, const char *key, const char *value)
{
    msim_json_write_key(line->writer, key);
    msim_json_write_text(line->writer, value);
}

static bool is_number(const char *word)
{
    const size_t digits = strspn(word, "0123456789");
    const char *rest = word + digits;

    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    return digits > 0 && *rest == '\0';
}

/* A quantity or a price travels as the text that it is: the exchange judges it. */
static bool put_number(struct line *line, const char *key, const char *what)
{
    const char *word = next(line);

    if (!word)
        return wrong(line, "%s is missing", what);
    if (!is_number(word))
        return wrong(line, "'%.60s' is no %s: a plain number such as 1.5", word, what);
    put(line, key, word);
    return true;
}

static bool put_symbol(struct line *line)
{
    const char *word = next(line);

    if (!word)
        return wrong(line, "a symbol is missing, such as BTC/USD");
    put(line, "symbol", word);
    return true;
}

/* The exchange's own ids have the shape of a UUID. */
static bool is_uuid(const char *word)
{
    for (size_t i = 0; i < 36; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? word[i] != '-' : !isxdigit((unsigned char)word[i]))
            return false;
    }
    return word[36] == '\0';
}

static bool put_id(struct line *line)
{
    const char *word = next(line);

    if (!word)
        return wrong(line, "an order's id is missing");
    put(line, is_uuid(word) ? "order_id" : "client_order_id", word);
    return true;
}

/* A whole number, where one stands. */
static bool put_count(struct line *line, const char *key)
{
    const char *word = next(line);
    char *end;

    if (!word)
        return true;
    const unsigned long count = strtoul(word, &end, 10);
    if (*end != '\0' || count == 0 || count > 1000 || !isdigit((unsigned char)word[0]))
        return wrong(line, "'%.60s' is no number from 1 to 1000", word);
    msim_json_write_key(line->writer, key);
    msim_json_write_unsigned(line->writer, count);
    return true;
}

/* ---- commands ---- */

/* What follows an order's symbol and price, a word after the other. */
static bool read_options(struct line *line, bool *stop)
{
    static const char *const times[] = {"GTC", "IOC", "FOK", "DAY"};

    while (peek(line)) {
        bool is_time = false;
        for (size_t i = 0; i < sizeof times / sizeof times[0] && !is_time; i++)
            if ((is_time = take(line, times[i])))
                put(line, "time_in_force", times[i]);
        if (is_time)
            continue;
        if (take(line, "stop")) {
            *stop = true;
            if (!put_number(line, "stop_price", "price behind 'stop'"))
                return false;
        } else if (take(line, "show")) {
            if (!put_number(line, "display_quantity", "quantity behind 'show'"))
                return false;
        } else if (take(line, "post") || take(line, "reduce")) {
            const bool post = tolower((unsigned char)line->words[line->at - 1][0]) == 'p';
            msim_json_write_key(line->writer, post ? "post_only" : "reduce_only");
            msim_json_write_bool(line->writer, true);
        } else if (take(line, "id")) {
            const char *id = next(line);
            if (!id)
                return wrong(line, "an id is missing behind 'id'");
            put(line, "client_order_id", id);
        } else {
            return wrong(
                line,
                "'%.60s' is not known here: @ PRICE, stop, gtc, ioc, fok, day, post, reduce, "
                "show, id",
                peek(line));
        }
    }
    return true;
}

static bool read_order(struct line *line, const char *side)
{
    bool limit = false;
    bool stop = false;

    put(line, "type", "PLACE_ORDER");
    put(line, "side", side);
    if (!put_number(line, "quantity", "quantity") || !put_symbol(line))
        return false;
    if (take(line, "@") || take(line, "at")) {
        limit = true;
        if (!put_number(line, "price", "price"))
            return false;
    }
    if (!read_options(line, &stop))
        return false;
    put(line, "order_type", stop ? limit ? "STOP_LIMIT" : "STOP" : limit ? "LIMIT" : "MARKET");
    return true;
}

static bool read_buy(struct line *line)
{
    return read_order(line, "BUY");
}

static bool read_sell(struct line *line)
{
    return read_order(line, "SELL");
}

static bool read_cancel(struct line *line)
{
    if (!take(line, "all")) {
        put(line, "type", "CANCEL_ORDER");
        return put_id(line);
    }
    put(line, "type", "CANCEL_ALL");
    return !peek(line) || put_symbol(line);
}

static bool read_replace(struct line *line)
{
    put(line, "type", "REPLACE_ORDER");
    if (!put_id(line))
        return false;
    if (!peek(line))
        return wrong(line, "a new quantity or '@ PRICE' is missing");
    if (!(strcmp(peek(line), "@") == 0 || strcasecmp(peek(line), "at") == 0) &&
        !put_number(line, "quantity", "quantity"))
        return false;
    return !(take(line, "@") || take(line, "at")) || put_number(line, "price", "price");
}

static bool read_with_id(struct line *line)
{
    put(line, "type", "GET_ORDER");
    return put_id(line);
}

static bool read_orders(struct line *line)
{
    put(line, "type", "GET_ORDERS");
    return !peek(line) || put_symbol(line);
}

static bool read_balance(struct line *line)
{
    put(line, "type", "GET_BALANCE");
    return true;
}

static bool read_position(struct line *line)
{
    put(line, "type", "GET_POSITION");
    return put_symbol(line);
}

static bool read_book(struct line *line)
{
    put(line, "type", "GET_ORDERBOOK");
    return put_symbol(line) && put_count(line, "depth");
}

static bool read_trades(struct line *line)
{
    put(line, "type", "GET_TRADES");
    return put_symbol(line) && put_count(line, "limit");
}

static bool read_channel(struct line *line, const char *type)
{
    char *channel = line->at < line->count ? line->words[line->at++] : NULL;

    if (!channel)
        return wrong(line, "a channel is missing: TICKER, TRADES, ORDERBOOK, ORDERBOOK_L2, "
                           "ORDERBOOK_L3, CANDLES, ORDERS");
    for (char *c = channel; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    put(line, "type", type);
    put(line, "channel", channel);
    put(line, "symbol", peek(line) ? next(line) : "*");
    return true;
}

static bool read_subscribe(struct line *line)
{
    return read_channel(line, "SUBSCRIBE");
}

static bool read_unsubscribe(struct line *line)
{
    return read_channel(line, "UNSUBSCRIBE");
}

static bool read_ping(struct line *line)
{
    put(line, "type", "PING");
    return true;
}

static const struct verb {
    const char *name;
    bool (*read)(struct line *line);
} verbs[] = {
    {"buy", read_buy},         {"sell", read_sell},           {"cancel", read_cancel},
    {"replace", read_replace}, {"order", read_with_id},       {"orders", read_orders},
    {"balance", read_balance}, {"position", read_position},   {"book", read_book},
    {"trades", read_trades},   {"subscribe", read_subscribe}, {"unsubscribe", read_unsubscribe},
    {"ping", read_ping},
};

static bool read_verb(struct line *line)
{
    const char *word = next(line);

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcasecmp(word, verbs[i].name) != 0)
            continue;
        if (!verbs[i].read(line))
            return false;
        return !peek(line) || wrong(line, "'%.60s' is too much", peek(line));
    }
    return wrong(line, "'%.60s' is no command: help lists them", word);
}

/* The text between white space; false where there are too many. */
static bool split(struct line *line, char *text)
{
    char *rest = NULL;

    for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (line->count == COMMAND_WORDS)
            return false;
        line->words[line->count++] = word;
    }
    return true;
}

/* JSON of the person's own. */
static void read_raw(const char *text, struct command *out)
{
    out->length = strlen(text);
    if (out->length >= sizeof out->message) {
        snprintf(out->why, sizeof out->why, "the line is too long");
        return;
    }
    memcpy(out->message, text, out->length + 1);
    out->is_raw = true;
    out->kind = COMMAND_SEND;
}

void command_read(char *text, struct command *out)
{
    struct msim_json_writer writer;
    struct line line = {.out = out, .writer = &writer};

    out->kind = COMMAND_WRONG;
    out->is_raw = false;
    out->why[0] = '\0';
    text += strspn(text, " \t");
    text[strcspn(text, "\r\n")] = '\0';
    if (text[0] == '\0' || text[0] == '#') {
        out->kind = COMMAND_NOTHING;
        return;
    }
    if (text[0] == '{') {
        read_raw(text, out);
        return;
    }
    if (!split(&line, text)) {
        wrong(&line, "too many words");
        return;
    }
    if (take(&line, "help") || take(&line, "?")) {
        out->kind = COMMAND_HELP;
        return;
    }
    if (take(&line, "quit") || take(&line, "exit")) {
        out->kind = COMMAND_QUIT;
        return;
    }
    msim_json_write_buffer(&writer, out->message, sizeof out->message - 1);
    msim_json_write_object(&writer);
    if (!read_verb(&line))
        return;
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &out->length) < 0) {
        wrong(&line, "the line is too long");
        return;
    }
    out->message[out->length] = '\0';
    out->kind = COMMAND_SEND;
}
