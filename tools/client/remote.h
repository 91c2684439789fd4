/*
 * The remote control of a replay: lines from stdin, as the messages that they mean.
 */
#ifndef TOOLS_CLIENT_REMOTE_H
#define TOOLS_CLIENT_REMOTE_H

#include <marketsim/net.h>

#include "cli/terminal.h"

#define REMOTE_LINE 4096

/* After `quit` the answers that are still under way have so long. */
#define REMOTE_SECONDS 5

struct remote {
    struct msim_net *net;
    struct terminal *terminal;
    struct msim_connection *connection; /* NULL: nobody to say it to */
    bool is_watching;
    bool has_ended;     /* stdin has */
    bool wants_out;     /* `quit` was said */
    bool is_skipping;   /* the rest of a line that was too long */
    bool is_leaving;    /* the connection has been told so */
    bool is_paused;     /* as far as has been asked for */
    bool is_wrong;      /* a line of a script was not understood, or not answered */
    uint64_t asked;     /* messages to this connection, each of which is answered once */
    uint64_t heard;     /* answers of it */
    msim_time end_at;   /* no answer is waited for beyond it */
    size_t line_number; /* of the latest line */
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

/* An answer has come. */
void remote_hear(struct remote *remote);

/* Leaves, where that was asked for and all is answered, or will not be; when to come back. */
msim_time remote_turn(struct remote *remote, msim_time now);

/* The connection has gone: what is typed waits. */
void remote_close(struct remote *remote);

#endif
