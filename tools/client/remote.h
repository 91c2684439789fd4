/*
 * The remote control of a replay: lines from stdin, as the messages that they mean.
 */
#ifndef TOOLS_CLIENT_REMOTE_H
#define TOOLS_CLIENT_REMOTE_H

#include <marketsim/net.h>

#include "cli/terminal.h"

#define REMOTE_LINE 4096

struct remote {
    struct msim_net *net;
    struct terminal *terminal;
    struct msim_connection *connection; /* NULL: nobody to say it to */
    bool is_watching;
    bool has_ended; /* stdin has */
    bool wants_out; /* `quit` was said */
    bool is_wrong;  /* a line of a script was not understood */
    size_t length;
    char line[REMOTE_LINE];
};

/*
 * What the line means, in `out`: > 0 its length, 0 for nothing to be said; < 0 where it is wrong:
 * nothing is to be sent, and `out` says what would be right.
 */
int remote_read(const char *line, char *out, size_t size);

/* From here on what is typed goes to the connection. */
void remote_open(struct remote *remote, struct msim_connection *connection);

/* The connection has gone: what is typed waits. */
void remote_close(struct remote *remote);

#endif
