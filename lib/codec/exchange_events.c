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

static void put_order_id(struct writer *writer, uint64_t order)
{
    PUT(&writer->pen, ",\"order_id\":");
    if (order == 0)
        PUT(&writer->pen, "null");
    else
        msim_native_put_id(writer->codec, &writer->pen, MSIM_NATIVE_ID_ORDER, order);
}

static void put_client_id(struct writer *writer)
{
    const struct msim_native_text *id = &writer->story->client_id;

    PUT(&writer->pen, ",\"client_order_id\":");
    if (id->length == 0)
        PUT(&writer->pen, "null");
    else
        msim_native_put_string(&writer->pen, id->text, id->length);
}

static void put_symbol(struct writer *writer)
{
    PUT(&writer->pen, ",\"symbol\":");
    if (writer->listed)
        put_name(&writer->pen, &writer->listed->name);
    else
        PUT(&writer->pen, "null");
}

static void put_side(struct writer *writer, uint8_t side)
{
    if (side == MSIM_SIDE_BUY)
        PUT(&writer->pen, ",\"side\":\"BUY\"");
    else if (side == MSIM_SIDE_SELL)
        PUT(&writer->pen, ",\"side\":\"SELL\"");
}

static void put_word(struct writer *writer, const char *key, const char *word)
{
    struct pen *pen = &writer->pen;

    PUT(pen, ",\"");
    put_text(pen, key);
    PUT(pen, "\":\"");
    put_text(pen, word);
    *pen->at++ = '"';
}

static void put_quantity(struct writer *writer, const char *key, msim_qty quantity)
{
    struct pen *pen = &writer->pen;

    PUT(pen, ",\"");
    put_text(pen, key);
    PUT(pen, "\":");
    put_decimal(pen, quantity, writer->listed->quantity_exponent);
}

static void put_price_of(struct writer *writer, const char *key, msim_price price)
{
    struct pen *pen = &writer->pen;

    PUT(pen, ",\"");
    put_text(pen, key);
    PUT(pen, "\":");
    put_price(pen, price, writer->listed->price_exponent);
}

static void ack(struct writer *writer)
{
    const struct msim_event *event = writer->event;
    const struct msim_event_order *order = &event->as.order;

    PUT(&writer->pen, "{\"type\":\"ORDER_ACK\"");
    put_order_id(writer, event->order);
    put_client_id(writer);
    put_word(writer, "status", msim_order_status_name(event->status));
    put_symbol(writer);
    put_side(writer, event->side);
    put_word(writer, "order_type", msim_order_type_name(event->type));
    put_price_of(writer, "price", order->price);
    if (order->stop_price != 0)
        put_price_of(writer, "stop_price", order->stop_price);
    put_quantity(writer, "quantity", order->quantity);
    put_quantity(writer, "filled_quantity", order->filled);
    put_quantity(writer, "remaining_quantity", order->leaves);
    if (order->display_quantity != 0)
        put_quantity(writer, "display_quantity", order->display_quantity);
    put_word(writer, "time_in_force", msim_time_in_force_name(event->time_in_force));
    if (event->time_in_force == MSIM_TIF_GTD) {
        PUT(&writer->pen, ",\"expires_at\":");
        msim_native_put_time(writer->codec, &writer->pen, order->expires_at);
    }
}

static void put_fill_id(struct writer *writer, uint64_t exec)
{
    uint64_t maker = writer->event->flags & MSIM_EVENT_MAKER ? 1 : 0;

    PUT(&writer->pen, ",\"fill_id\":");
    msim_native_put_id(writer->codec, &writer->pen, MSIM_NATIVE_ID_FILL, exec << 1 | maker);
}

static void fill(struct writer *writer)
{
    const struct msim_event *event = writer->event;
    const struct msim_event_fill *fill = &event->as.fill;
    struct pen *pen = &writer->pen;

    PUT(pen, "{\"type\":\"ORDER_FILL\"");
    put_fill_id(writer, writer->story->exec != 0 ? writer->story->exec : fill->trade);
    put_order_id(writer, event->order);
    put_client_id(writer);
    put_symbol(writer);
    put_side(writer, event->side);
    put_price_of(writer, "price", fill->price);
    put_quantity(writer, "quantity", fill->quantity);
    put_quantity(writer, "filled_quantity", fill->filled);
    put_quantity(writer, "remaining_quantity", fill->leaves);
    put_word(writer, "status", msim_order_status_name(event->status));
    PUT(pen, ",\"is_maker\":");
    put_bool(pen, (event->flags & MSIM_EVENT_MAKER) != 0);
    if (fill->fee_asset < writer->codec->asset_count) {
        const struct msim_native_asset *asset = &writer->codec->assets[fill->fee_asset];
        PUT(pen, ",\"fee\":");
        put_decimal(pen, fill->fee, asset->exponent);
        PUT(pen, ",\"fee_asset\":");
        put_name(pen, &asset->name);
    }
    PUT(pen, ",\"trade_id\":");
    msim_native_put_id(writer->codec, pen, MSIM_NATIVE_ID_TRADE, fill->trade);
    if (writer->story->possible_duplicate)
        PUT(pen, ",\"possible_duplicate\":true");
}

static void cancel(struct writer *writer)
{
    const struct msim_event *event = writer->event;

    PUT(&writer->pen, "{\"type\":\"ORDER_CANCEL\"");
    put_order_id(writer, event->order);
    put_client_id(writer);
    put_symbol(writer);
    put_quantity(writer, "remaining_quantity", event->as.order.leaves);
    put_quantity(writer, "filled_quantity", event->as.order.filled);
    put_word(writer, "status", msim_order_status_name(event->status));
    put_word(writer, "reason", msim_cancel_name(event->code));
}

static void rejection(struct writer *writer)
{
    const struct msim_native_text *reason = &writer->story->reason;
    const char *name = msim_reject_name(writer->event->code);

    PUT(&writer->pen, "{\"type\":\"ORDER_REJECT\"");
    put_order_id(writer, writer->event->order);
    put_client_id(writer);
    put_symbol(writer);
    PUT(&writer->pen, ",\"reason\":");
    if (reason->length > 0)
        msim_native_put_string(&writer->pen, reason->text,
                               reason->length < REASON_MAX ? reason->length : REASON_MAX);
    else
        msim_native_put_string(&writer->pen, name, strlen(name));
    put_word(writer, "code", name);
}

static void trade(struct writer *writer)
{
    const struct msim_event_trade *trade = &writer->event->as.trade;

    PUT(&writer->pen, "{\"type\":\"TRADE\",\"trade_id\":");
    msim_native_put_id(writer->codec, &writer->pen, MSIM_NATIVE_ID_TRADE, trade->trade);
    put_symbol(writer);
    put_price_of(writer, "price", trade->price);
    put_quantity(writer, "quantity", trade->quantity);
    put_side(writer, writer->event->side);
}

/* A trade that was undone or got another price. */
static void amended(struct writer *writer, const char *type)
{
    const struct msim_event_trade *trade = &writer->event->as.trade;

    PUT(&writer->pen, "{\"type\":\"");
    put_text(&writer->pen, type);
    PUT(&writer->pen, "\",\"trade_id\":");
    msim_native_put_id(writer->codec, &writer->pen, MSIM_NATIVE_ID_TRADE, trade->trade);
    put_symbol(writer);
    put_price_of(writer, "price", trade->price);
    put_quantity(writer, "quantity", trade->quantity);
    if (trade->old_price != 0)
        put_price_of(writer, "old_price", trade->old_price);
}

static void book_order(struct writer *writer)
{
    static const char *const actions[] = {"UNKNOWN", "ADD", "CHANGE", "DELETE"};
    const struct msim_event_book_order *order = &writer->event->as.book_order;

    PUT(&writer->pen, "{\"type\":\"BOOK_EVENT\",\"channel\":\"ORDERBOOK_L3\"");
    put_symbol(writer);
    put_word(writer, "action", actions[order->action < 4 ? order->action : 0]);
    put_order_id(writer, writer->event->order);
    put_side(writer, writer->event->side);
    put_price_of(writer, "price", order->price);
    put_quantity(writer, "quantity", order->quantity);
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
