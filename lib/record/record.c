/*
 * The layouts' promises, and records as text.
 */
#include <marketsim/record.h>

#include <stdio.h>

#include "base/calendar.h"
#include "base/decimal.h"

_Static_assert(sizeof(struct msim_record) == 64, "a record is 64 bytes on every machine");
_Static_assert(sizeof(struct msim_trade_data) == 40, "a record's payload is 40 bytes");
_Static_assert(sizeof(struct msim_quote_data) == 40, "a record's payload is 40 bytes");
_Static_assert(sizeof(struct msim_bar_data) == 40, "a record's payload is 40 bytes");

const char *msim_record_kind_name(uint8_t kind)
{
    switch (kind) {
    case MSIM_RECORD_TRADE:
        return "trade";
    case MSIM_RECORD_QUOTE:
        return "quote";
    case MSIM_RECORD_BAR:
        return "bar";
    default:
        return "unknown";
    }
}

struct text {
    char digits[MSIM_DECIMAL_SIZE];
};

/* A foreign record may bear any exponent: out of range it is shown as what it is. */
static struct text number(int64_t mantissa, int exponent, bool missing)
{
    struct text text;

    if (missing)
        snprintf(text.digits, sizeof text.digits, "null");
    else if (exponent < MSIM_EXPONENT_MIN || exponent > MSIM_EXPONENT_MAX)
        snprintf(text.digits, sizeof text.digits, "bad-exponent");
    else
        msim_decimal_print(mantissa, exponent, text.digits);
    return text;
}

static struct text price(const struct msim_record *record, msim_price mantissa)
{
    return number(mantissa, record->price_exponent, record->flags & MSIM_RECORD_NO_PRICE);
}

static struct text quantity(const struct msim_record *record, msim_qty mantissa)
{
    return number(mantissa, record->quantity_exponent, record->flags & MSIM_RECORD_NO_QUANTITY);
}

size_t msim_record_print(const struct msim_record *record, const char *symbol, char *out,
                         size_t size)
{
    char time[MSIM_CALENDAR_SIZE];
    const char *kind = msim_record_kind_name(record->kind);
    const char *name = symbol ? symbol : "-";
    int length;

    msim_calendar_print(record->time, MSIM_CALENDAR_PLAIN, time);
    switch (record->kind) {
    case MSIM_RECORD_TRADE:
        length = snprintf(out, size, "%s %s %s %s x %s", time, kind, name,
                          price(record, record->as.trade.price).digits,
                          quantity(record, record->as.trade.quantity).digits);
        break;
    case MSIM_RECORD_QUOTE:
        length = snprintf(out, size, "%s %s %s %s x %s / %s x %s", time, kind, name,
                          price(record, record->as.quote.bid).digits,
                          quantity(record, record->as.quote.bid_quantity).digits,
                          price(record, record->as.quote.ask).digits,
                          quantity(record, record->as.quote.ask_quantity).digits);
        break;
    case MSIM_RECORD_BAR:
        length = snprintf(
            out, size, "%s %s %s %s %s %s %s x %s", time, kind, name,
            price(record, record->as.bar.open).digits, price(record, record->as.bar.high).digits,
            price(record, record->as.bar.low).digits, price(record, record->as.bar.close).digits,
            quantity(record, record->as.bar.volume).digits);
        break;
    default:
        length = snprintf(out, size, "%s %s %s", time, kind, name);
    }
    return length > 0 ? (size_t)length : 0;
}
