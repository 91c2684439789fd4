/*
 * Commands and events: the layouts' promises, and the names of what they bear.
 */
#include <marketsim/record.h>

_Static_assert(sizeof(struct msim_command) == 128, "a command is 128 bytes on every machine");
_Static_assert(sizeof(struct msim_event) == 128, "an event is 128 bytes on every machine");
_Static_assert(sizeof(struct msim_event_order) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_trade) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_fill) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_level) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_book_order) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_balance) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_position) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_instrument) == 64, "an event's payload is 64 bytes");
_Static_assert(sizeof(struct msim_event_mass) == 64, "an event's payload is 64 bytes");

static const char *pick(const char *const *names, size_t count, uint8_t number)
{
    return number < count && names[number] ? names[number] : "UNKNOWN";
}
#define PICK(names, number) pick(names, sizeof(names) / sizeof((names)[0]), number)

const char *msim_command_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [MSIM_COMMAND_TIME] = "TIME",
        [MSIM_COMMAND_NEW] = "NEW",
        [MSIM_COMMAND_CANCEL] = "CANCEL",
        [MSIM_COMMAND_REPLACE] = "REPLACE",
        [MSIM_COMMAND_CANCEL_ALL] = "CANCEL_ALL",
        [MSIM_COMMAND_MASS_CANCEL] = "MASS_CANCEL",
        [MSIM_COMMAND_DEPOSIT] = "DEPOSIT",
        [MSIM_COMMAND_WITHDRAW] = "WITHDRAW",
        [MSIM_COMMAND_SET_STATE] = "SET_STATE",
        [MSIM_COMMAND_SET_TICK] = "SET_TICK",
        [MSIM_COMMAND_SET_LOT] = "SET_LOT",
        [MSIM_COMMAND_SET_MIN_NOTIONAL] = "SET_MIN_NOTIONAL",
        [MSIM_COMMAND_BUST] = "BUST",
        [MSIM_COMMAND_CORRECT] = "CORRECT",
    };
    return PICK(names, kind);
}

const char *msim_event_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [MSIM_EVENT_ACCEPTED] = "ACCEPTED",
        [MSIM_EVENT_REJECTED] = "REJECTED",
        [MSIM_EVENT_TRADE] = "TRADE",
        [MSIM_EVENT_FILL] = "FILL",
        [MSIM_EVENT_CANCELLED] = "CANCELLED",
        [MSIM_EVENT_REPLACED] = "REPLACED",
        [MSIM_EVENT_TRIGGERED] = "TRIGGERED",
        [MSIM_EVENT_EXPIRED] = "EXPIRED",
        [MSIM_EVENT_MASS_CANCELLED] = "MASS_CANCELLED",
        [MSIM_EVENT_LEVEL] = "LEVEL",
        [MSIM_EVENT_BOOK_ORDER] = "BOOK_ORDER",
        [MSIM_EVENT_BALANCE] = "BALANCE",
        [MSIM_EVENT_POSITION] = "POSITION",
        [MSIM_EVENT_INSTRUMENT] = "INSTRUMENT",
        [MSIM_EVENT_BUSTED] = "BUSTED",
        [MSIM_EVENT_CORRECTED] = "CORRECTED",
    };
    return PICK(names, kind);
}

const char *msim_reject_name(uint8_t code)
{
    static const char *const names[] = {
        [MSIM_REJECT_NONE] = "NONE",
        [MSIM_REJECT_INVALID_FIELD] = "INVALID_FIELD",
        [MSIM_REJECT_UNKNOWN_SYMBOL] = "UNKNOWN_SYMBOL",
        [MSIM_REJECT_UNKNOWN_ACCOUNT] = "UNKNOWN_ACCOUNT",
        [MSIM_REJECT_UNKNOWN_ASSET] = "UNKNOWN_ASSET",
        [MSIM_REJECT_ORDER_NOT_FOUND] = "ORDER_NOT_FOUND",
        [MSIM_REJECT_TRADE_NOT_FOUND] = "TRADE_NOT_FOUND",
        [MSIM_REJECT_OFF_TICK] = "OFF_TICK",
        [MSIM_REJECT_OFF_LOT] = "OFF_LOT",
        [MSIM_REJECT_OUT_OF_RANGE] = "OUT_OF_RANGE",
        [MSIM_REJECT_MIN_NOTIONAL] = "MIN_NOTIONAL",
        [MSIM_REJECT_PRICE_BAND] = "PRICE_BAND",
        [MSIM_REJECT_NOT_TRADING] = "NOT_TRADING",
        [MSIM_REJECT_WOULD_TAKE] = "WOULD_TAKE",
        [MSIM_REJECT_NO_LIQUIDITY] = "NO_LIQUIDITY",
        [MSIM_REJECT_REDUCE_ONLY] = "REDUCE_ONLY",
        [MSIM_REJECT_LIMIT] = "LIMIT",
        [MSIM_REJECT_OVERFLOW] = "OVERFLOW",
        [MSIM_REJECT_INSUFFICIENT_BALANCE] = "INSUFFICIENT_BALANCE",
        [MSIM_REJECT_DUPLICATE_CLIENT_ID] = "DUPLICATE_CLIENT_ID",
    };
    return PICK(names, code);
}

const char *msim_cancel_name(uint8_t code)
{
    static const char *const names[] = {
        [MSIM_CANCEL_REQUESTED] = "REQUESTED",
        [MSIM_CANCEL_ALL] = "CANCEL_ALL",
        [MSIM_CANCEL_MASS] = "MASS_CANCEL",
        [MSIM_CANCEL_IOC] = "IOC",
        [MSIM_CANCEL_FOK] = "FOK",
        [MSIM_CANCEL_NO_LIQUIDITY] = "NO_LIQUIDITY",
        [MSIM_CANCEL_PRICE_BAND] = "PRICE_BAND",
        [MSIM_CANCEL_SELF_TRADE] = "SELF_TRADE",
        [MSIM_CANCEL_REDUCE_ONLY] = "REDUCE_ONLY",
        [MSIM_CANCEL_WOULD_TAKE] = "WOULD_TAKE",
        [MSIM_CANCEL_INSUFFICIENT_BALANCE] = "INSUFFICIENT_BALANCE",
        [MSIM_CANCEL_OVERFLOW] = "OVERFLOW",
        [MSIM_CANCEL_GTD] = "GTD",
        [MSIM_CANCEL_DAY] = "DAY",
        [MSIM_CANCEL_MAINTENANCE] = "MAINTENANCE",
    };
    return PICK(names, code);
}

const char *msim_order_status_name(uint8_t status)
{
    static const char *const names[] = {
        [MSIM_STATUS_NONE] = "NONE",       [MSIM_STATUS_WAITING] = "WAITING",
        [MSIM_STATUS_OPEN] = "OPEN",       [MSIM_STATUS_PARTIALLY_FILLED] = "PARTIALLY_FILLED",
        [MSIM_STATUS_FILLED] = "FILLED",   [MSIM_STATUS_CANCELLED] = "CANCELLED",
        [MSIM_STATUS_EXPIRED] = "EXPIRED", [MSIM_STATUS_REJECTED] = "REJECTED",
    };
    return PICK(names, status);
}

const char *msim_order_type_name(uint8_t type)
{
    static const char *const names[] = {
        [MSIM_ORDER_LIMIT] = "LIMIT",
        [MSIM_ORDER_MARKET] = "MARKET",
        [MSIM_ORDER_STOP] = "STOP",
        [MSIM_ORDER_STOP_LIMIT] = "STOP_LIMIT",
        [MSIM_ORDER_TAKE_PROFIT] = "TAKE_PROFIT",
        [MSIM_ORDER_TAKE_PROFIT_LIMIT] = "TAKE_PROFIT_LIMIT",
    };
    return PICK(names, type);
}

const char *msim_time_in_force_name(uint8_t time_in_force)
{
    static const char *const names[] = {
        [MSIM_TIF_GTC] = "GTC", [MSIM_TIF_IOC] = "IOC", [MSIM_TIF_FOK] = "FOK",
        [MSIM_TIF_GTD] = "GTD", [MSIM_TIF_DAY] = "DAY",
    };
    return PICK(names, time_in_force);
}

const char *msim_self_trade_name(uint8_t mode)
{
    static const char *const names[] = {
        [MSIM_SELF_TRADE_NONE] = "NONE",
        [MSIM_SELF_TRADE_CANCEL_TAKER] = "CANCEL_TAKER",
        [MSIM_SELF_TRADE_CANCEL_MAKER] = "CANCEL_MAKER",
        [MSIM_SELF_TRADE_CANCEL_BOTH] = "CANCEL_BOTH",
        [MSIM_SELF_TRADE_DECREMENT] = "DECREMENT",
    };
    return PICK(names, mode);
}

const char *msim_instrument_state_name(uint8_t state)
{
    static const char *const names[] = {
        [MSIM_STATE_TRADING] = "TRADING",
        [MSIM_STATE_HALTED] = "HALTED",
        [MSIM_STATE_CANCEL_ONLY] = "CANCEL_ONLY",
        [MSIM_STATE_POST_ONLY] = "POST_ONLY",
    };
    return PICK(names, state);
}
