/*
 * Events of the engine as messages: what became of orders, trades, balances, positions.
 */
#include "codec/exchange.h"

/* Of the words of a rejection, more is cut. */
#define REASON_MAX 300

struct writer {
    struct msim_native_codec *codec;
    const struct msim_native_stamp *stamp;
    const struct msim_event *event;
    const struct msim_native_story *story;
    const struct msim_native_listed *listed; /* NULL where there is no instrument */
    struct pen pen;
};

static inline void put_order_id(const struct writer *writer, struct pen *pen, uint64_t order)
{
    if (order == 0)
        PUT(pen, "null");
    else
        msim_native_put_recent_id(writer->codec, pen, MSIM_NATIVE_ID_ORDER, order);
}

static inline void put_client_id(const struct writer *writer, struct pen *pen)
{
    const struct msim_native_text *id = &writer->story->client_id;

    if (id->length == 0)
        PUT(pen, "null");
    else
        msim_native_put_string(pen, id->text, id->length);
}

static inline void put_symbol(const struct writer *writer, struct pen *pen)
{
    PUT(pen, ",\"symbol\":");
    if (writer->listed)
        put_name(pen, &writer->listed->name);
    else
        PUT(pen, "null");
}

static inline void put_side(struct pen *pen, uint8_t side)
{
    if (side == MSIM_SIDE_BUY)
        PUT(pen, ",\"side\":\"BUY\"");
    else if (side == MSIM_SIDE_SELL)
        PUT(pen, ",\"side\":\"SELL\"");
}

static void put_word(struct pen *pen, const char *key, const char *word)
{
    PUT(pen, ",\"");
    put_text(pen, key);
    PUT(pen, "\":\"");
    put_text(pen, word);
    *pen->at++ = '"';
}

static inline void put_quantity(const struct writer *writer, struct pen *pen, msim_qty quantity)
{
    if (quantity == 0)
        PUT(pen, "\"0\"");
    else
        msim_native_put_figure(writer->codec, pen, quantity, writer->listed->quantity_exponent);
}

static inline void put_limit(const struct writer *writer, struct pen *pen, msim_price price)
{
    if (price == 0)
        PUT(pen, "null");
    else
        msim_native_put_figure(writer->codec, pen, price, writer->listed->price_exponent);
}

/* `key` is a literal: `,"quantity":`. */
#define PUT_QUANTITY(writer, pen, key, quantity) \
    do {                                         \
        PUT(pen, key);                           \
        put_quantity(writer, pen, quantity);     \
    } while (0)
#define PUT_PRICE(writer, pen, key, price) \
    do {                                   \
        PUT(pen, key);                     \
        put_limit(writer, pen, price);     \
    } while (0)

/* An order and whose it is, as everything about one begins. */
static inline void put_order(const struct writer *writer, struct pen *pen)
{
    PUT(pen, ",\"order_id\":");
    put_order_id(writer, pen, writer->event->order);
    PUT(pen, ",\"client_order_id\":");
    put_client_id(writer, pen);
}

static void ack(struct writer *writer)
{
    const struct msim_event *event = writer->event;
    const struct msim_event_order *order = &event->as.order;
    struct pen pen = writer->pen;

    PUT(&pen, "{\"type\":\"ORDER_ACK\"");
    put_order(writer, &pen);
    PUT(&pen, ",\"status\":");
    PUT_KNOWN(&pen, writer->codec->statuses, event->status);
    put_symbol(writer, &pen);
    put_side(&pen, event->side);
    PUT(&pen, ",\"order_type\":");
    PUT_KNOWN(&pen, writer->codec->order_types, event->type);
    PUT_PRICE(writer, &pen, ",\"price\":", order->price);
    if (order->stop_price != 0)
        PUT_PRICE(writer, &pen, ",\"stop_price\":", order->stop_price);
    PUT_QUANTITY(writer, &pen, ",\"quantity\":", order->quantity);
    PUT_QUANTITY(writer, &pen, ",\"filled_quantity\":", order->filled);
    PUT_QUANTITY(writer, &pen, ",\"remaining_quantity\":", order->leaves);
    if (order->display_quantity != 0)
        PUT_QUANTITY(writer, &pen, ",\"display_quantity\":", order->display_quantity);
    PUT(&pen, ",\"time_in_force\":");
    PUT_KNOWN(&pen, writer->codec->forces, event->time_in_force);
    if (event->time_in_force == MSIM_TIF_GTD) {
        PUT(&pen, ",\"expires_at\":");
        msim_native_put_time(writer->codec, &pen, order->expires_at);
    }
    writer->pen = pen;
}

static void fill(struct writer *writer)
{
    const struct msim_event *event = writer->event;
    const struct msim_event_fill *fill = &event->as.fill;
    const uint64_t exec = writer->story->exec != 0 ? writer->story->exec : fill->trade;
    const uint64_t is_maker = event->flags & MSIM_EVENT_MAKER ? 1 : 0;
    struct pen pen = writer->pen;

    PUT(&pen, "{\"type\":\"ORDER_FILL\",\"fill_id\":");
    msim_native_put_id(writer->codec, &pen, MSIM_NATIVE_ID_FILL, exec << 1 | is_maker);
    put_order(writer, &pen);
    put_symbol(writer, &pen);
    put_side(&pen, event->side);
    PUT_PRICE(writer, &pen, ",\"price\":", fill->price);
    PUT_QUANTITY(writer, &pen, ",\"quantity\":", fill->quantity);
    PUT_QUANTITY(writer, &pen, ",\"filled_quantity\":", fill->filled);
    PUT_QUANTITY(writer, &pen, ",\"remaining_quantity\":", fill->leaves);
    PUT(&pen, ",\"status\":");
    PUT_KNOWN(&pen, writer->codec->statuses, event->status);
    PUT(&pen, ",\"is_maker\":");
    put_bool(&pen, is_maker);
    if (fill->fee_asset < writer->codec->asset_count) {
        const struct msim_native_asset *asset = &writer->codec->assets[fill->fee_asset];
        PUT(&pen, ",\"fee\":");
        put_decimal(&pen, fill->fee, asset->exponent);
        PUT(&pen, ",\"fee_asset\":");
        put_name(&pen, &asset->name);
    }
    PUT(&pen, ",\"trade_id\":");
    msim_native_put_recent_id(writer->codec, &pen, MSIM_NATIVE_ID_TRADE, fill->trade);
    if (writer->story->possible_duplicate)
        PUT(&pen, ",\"possible_duplicate\":true");
    writer->pen = pen;
}

static void cancel(struct writer *writer)
{
    const struct msim_event *event = writer->event;
    struct pen *pen = &writer->pen;

    PUT(pen, "{\"type\":\"ORDER_CANCEL\"");
    put_order(writer, pen);
    put_symbol(writer, pen);
    PUT_QUANTITY(writer, pen, ",\"remaining_quantity\":", event->as.order.leaves);
    PUT_QUANTITY(writer, pen, ",\"filled_quantity\":", event->as.order.filled);
    put_word(pen, "status", msim_order_status_name(event->status));
    put_word(pen, "reason", msim_cancel_name(event->code));
}

static void rejection(struct writer *writer)
{
    const struct msim_native_text *reason = &writer->story->reason;
    const char *name = msim_reject_name(writer->event->code);
    struct pen *pen = &writer->pen;

    PUT(pen, "{\"type\":\"ORDER_REJECT\"");
    put_order(writer, pen);
    put_symbol(writer, pen);
    PUT(pen, ",\"reason\":");
    if (reason->length > 0)
        msim_native_put_string(pen, reason->text,
                               reason->length < REASON_MAX ? reason->length : REASON_MAX);
    else
        msim_native_put_string(pen, name, strlen(name));
    put_word(pen, "code", name);
}

static void trade(struct writer *writer)
{
    const struct msim_event_trade *trade = &writer->event->as.trade;
    struct pen *pen = &writer->pen;

    PUT(pen, "{\"type\":\"TRADE\",\"trade_id\":");
    msim_native_put_id(writer->codec, pen, MSIM_NATIVE_ID_TRADE, trade->trade);
    put_symbol(writer, pen);
    PUT_PRICE(writer, pen, ",\"price\":", trade->price);
    PUT_QUANTITY(writer, pen, ",\"quantity\":", trade->quantity);
    put_side(pen, writer->event->side);
}

/* A trade that was undone or got another price. */
static void amended(struct writer *writer, const char *type)
{
    const struct msim_event_trade *trade = &writer->event->as.trade;
    struct pen *pen = &writer->pen;

    PUT(pen, "{\"type\":\"");
    put_text(pen, type);
    PUT(pen, "\",\"trade_id\":");
    msim_native_put_id(writer->codec, pen, MSIM_NATIVE_ID_TRADE, trade->trade);
    put_symbol(writer, pen);
    PUT_PRICE(writer, pen, ",\"price\":", trade->price);
    PUT_QUANTITY(writer, pen, ",\"quantity\":", trade->quantity);
    if (trade->old_price != 0)
        PUT_PRICE(writer, pen, ",\"old_price\":", trade->old_price);
}

static void book_order(struct writer *writer)
{
    static const char *const actions[] = {"UNKNOWN", "ADD", "CHANGE", "DELETE"};
    const struct msim_event_book_order *order = &writer->event->as.book_order;
    struct pen *pen = &writer->pen;

    PUT(pen, "{\"type\":\"BOOK_EVENT\",\"channel\":\"ORDERBOOK_L3\"");
    put_symbol(writer, pen);
    put_word(pen, "action", actions[order->action < 4 ? order->action : 0]);
    PUT(pen, ",\"order_id\":");
    put_order_id(writer, pen, writer->event->order);
    put_side(pen, writer->event->side);
    PUT_PRICE(writer, pen, ",\"price\":", order->price);
    PUT_QUANTITY(writer, pen, ",\"quantity\":", order->quantity);
}

static bool balance(struct writer *writer)
{
    const struct msim_event_balance *balance = &writer->event->as.balance;
    struct pen *pen = &writer->pen;

    if (balance->asset >= writer->codec->asset_count)
        return false;
    const struct msim_native_asset *asset = &writer->codec->assets[balance->asset];
    PUT(pen, "{\"type\":\"BALANCE_UPDATE\",\"balances\":{");
    put_name(pen, &asset->name);
    *pen->at++ = ':';
    int64_t total =
        balance->free > INT64_MAX - balance->held ? INT64_MAX : balance->free + balance->held;
    put_decimal(pen, total, asset->exponent);
    PUT(pen, "},\"available\":{");
    put_name(pen, &asset->name);
    *pen->at++ = ':';
    put_decimal(pen, balance->free, asset->exponent);
    *pen->at++ = '}';
    return true;
}

static bool write(struct writer *writer)
{
    const struct msim_event *event = writer->event;

    /* Everything but balances and refusals has an instrument. */
    if (event->kind == MSIM_EVENT_REJECTED) {
        rejection(writer);
        return true;
    }
    if (event->kind == MSIM_EVENT_BALANCE)
        return balance(writer);
    if (!writer->listed)
        return false;
    switch (event->kind) {
    case MSIM_EVENT_ACCEPTED:
    case MSIM_EVENT_REPLACED:
    case MSIM_EVENT_TRIGGERED:
        ack(writer);
        return true;
    case MSIM_EVENT_FILL:
        fill(writer);
        return true;
    case MSIM_EVENT_CANCELLED:
    case MSIM_EVENT_EXPIRED:
        cancel(writer);
        return true;
    case MSIM_EVENT_TRADE:
        trade(writer);
        return true;
    case MSIM_EVENT_BUSTED:
        amended(writer, "TRADE_BUST");
        return true;
    case MSIM_EVENT_CORRECTED:
        amended(writer, "TRADE_CORRECT");
        return true;
    case MSIM_EVENT_BOOK_ORDER:
        book_order(writer);
        return true;
    default:
        return false;
    }
}

size_t msim_native_encode_event(struct msim_native_codec *codec,
                                const struct msim_native_stamp *stamp,
                                const struct msim_event *event,
                                const struct msim_native_story *story, char *out)
{
    static const struct msim_native_story none;
    struct writer writer = {
        .codec = codec,
        .stamp = stamp,
        .event = event,
        .story = story ? story : &none,
        .listed = msim_native_listed(codec, event->instrument),
        .pen = {out},
    };

    if (!write(&writer))
        return 0;
    msim_native_put_stamp(codec, &writer.pen, stamp);
    return (size_t)(writer.pen.at - out);
}
