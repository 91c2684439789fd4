/*
 * Sessions of the exchange in a file: recorded, and replayed.
 */
#ifndef TOOLS_EXCHANGE_SESSION_H
#define TOOLS_EXCHANGE_SESSION_H

#include <marketsim/server.h>
#include <stdio.h>

struct session_file {
    FILE *file; /* NULL: nothing is recorded */
    const char *path;
    int failure; /* errno of the first write that failed */
};

/* `params` are given the recording.  False with errno. */
bool session_record(struct session_file *session, const char *path,
                    struct msim_exchange_server_params *params);
/* False with errno where not all of it came to be written. */
bool session_close(struct session_file *session);

/* `exchange-server replay FILE`: the exit code. */
int session_replay(int argument_count, char **arguments);

#endif
