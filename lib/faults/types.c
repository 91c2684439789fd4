/*
 * The closed list of message types, by name.
 */
#include <marketsim/faults.h>

#include <string.h>

static const char *const type_names[MSIM_FAULT_TYPES] = {
    [MSIM_FAULT_ORDER_NEW] = "order.new",
    [MSIM_FAULT_ORDER_CANCEL] = "order.cancel",
    [MSIM_FAULT_ORDER_CANCEL_ALL] = "order.cancel_all",
    [MSIM_FAULT_ORDER_REPLACE] = "order.replace",
    [MSIM_FAULT_QUERY_ORDER] = "query.order",
    [MSIM_FAULT_QUERY_OPEN_ORDERS] = "query.open_orders",
    [MSIM_FAULT_QUERY_FILLS] = "query.fills",
    [MSIM_FAULT_QUERY_ACCOUNT] = "query.account",
    [MSIM_FAULT_QUERY_MARKET] = "query.market",
    [MSIM_FAULT_SUB] = "sub",
    [MSIM_FAULT_UNSUB] = "unsub",
    [MSIM_FAULT_AUTH] = "auth",
    [MSIM_FAULT_KEEPALIVE] = "keepalive",
    [MSIM_FAULT_ACK_NEW] = "ack.new",
    [MSIM_FAULT_ACK_CANCEL] = "ack.cancel",
    [MSIM_FAULT_ACK_REPLACE] = "ack.replace",
    [MSIM_FAULT_REJECT_NEW] = "reject.new",
    [MSIM_FAULT_REJECT_CANCEL] = "reject.cancel",
    [MSIM_FAULT_REJECT_REPLACE] = "reject.replace",
    [MSIM_FAULT_RESP_QUERY] = "resp.query",
    [MSIM_FAULT_RESP_OTHER] = "resp.other",
    [MSIM_FAULT_EXEC_NEW] = "exec.new",
    [MSIM_FAULT_EXEC_PARTIAL] = "exec.partial",
    [MSIM_FAULT_EXEC_FILL] = "exec.fill",
    [MSIM_FAULT_EXEC_CANCELED] = "exec.canceled",
    [MSIM_FAULT_EXEC_REPLACED] = "exec.replaced",
    [MSIM_FAULT_EXEC_EXPIRED] = "exec.expired",
    [MSIM_FAULT_EXEC_REJECTED] = "exec.rejected",
    [MSIM_FAULT_EXEC_BUST] = "exec.bust",
    [MSIM_FAULT_EXEC_CORRECT] = "exec.correct",
    [MSIM_FAULT_BALANCE] = "balance",
    [MSIM_FAULT_POSITION] = "position",
    [MSIM_FAULT_MD_TRADE] = "md.trade",
    [MSIM_FAULT_MD_DEPTH] = "md.depth",
    [MSIM_FAULT_MD_SNAPSHOT] = "md.snapshot",
    [MSIM_FAULT_MD_BBO] = "md.bbo",
    [MSIM_FAULT_MD_TICKER] = "md.ticker",
    [MSIM_FAULT_MD_KLINE] = "md.kline",
    [MSIM_FAULT_MD_STATUS] = "md.status",
    [MSIM_FAULT_SYS_PING] = "sys.ping",
    [MSIM_FAULT_SYS_PONG] = "sys.pong",
    [MSIM_FAULT_SYS_HEARTBEAT] = "sys.heartbeat",
    [MSIM_FAULT_SYS_NOTICE] = "sys.notice",
    [MSIM_FAULT_SYS_LOGON] = "sys.logon",
    [MSIM_FAULT_SYS_LOGOUT] = "sys.logout",
    [MSIM_FAULT_OTHER] = "other",
};

const char *msim_fault_type_name(int type)
{
    return type >= 0 && type < MSIM_FAULT_TYPES ? type_names[type] : "unknown";
}

int msim_fault_type_find(const char *name, size_t length)
{
    for (int type = 0; name && type < MSIM_FAULT_TYPES; type++)
        if (strlen(type_names[type]) == length && memcmp(type_names[type], name, length) == 0)
            return type;
    return MSIM_FAULT_OTHER;
}
