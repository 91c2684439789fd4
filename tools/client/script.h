/*
 * A script of an exchange's client: JSON lines that say what is sent, and what has to come.
 *
 *     {"send": {"type": "PING"}, "expect": {"type": "PONG"}, "within": "2s"}
 *     {"expect": {"type": "ORDER_ACK"}, "save": {"order": "order_id"}}
 *     {"send": {"type": "CANCEL_ORDER", "order_id": "${order}"}}
 *     {"never": {"type": "ORDER_FILL"}, "within": "200ms"}
 *     {"wait": "100ms"}
 */
#ifndef TOOLS_CLIENT_SCRIPT_H
#define TOOLS_CLIENT_SCRIPT_H

#include <marketsim/base.h>

#include "cli/terminal.h"

/* Bounds: a line, saved values, and messages that no line has asked for yet (the oldest go). */
#define SCRIPT_LINE 65536
#define SCRIPT_VALUES 64
#define SCRIPT_VALUE 256
#define SCRIPT_MESSAGES 4096

/* How long a line waits that does not say so. */
#define SCRIPT_WITHIN (5 * MSIM_NS_PER_S)

struct script;

enum script_state {
    SCRIPT_WAITS, /* for a message, or a moment */
    SCRIPT_SENDS, /* `*text` is to be sent; then again */
    SCRIPT_DONE,
    SCRIPT_FAILED, /* what and where has been said */
};

/* Reads the whole file.  The exit code of what was wrong, or -1. */
int script_open(struct script **out, const char *path, struct terminal *terminal);
void script_close(struct script **script);

/* False without memory. */
bool script_take(struct script *script, const char *text, size_t length);
enum script_state script_turn(struct script *script, msim_time now, const char **text,
                              size_t *length);

/* When it has to be asked again though nothing came. */
msim_time script_due(const struct script *script);

/* The connection is gone: the line that waits will wait in vain. */
void script_cut(struct script *script, const char *why);

#endif
