/*
 * How the client connects, whatever it does then: where to, whom it trusts, what it says of
 * itself.
 */
#ifndef TOOLS_CLIENT_LINK_H
#define TOOLS_CLIENT_LINK_H

#include <marketsim/net.h>

#include "cli/options.h"
#include "cli/terminal.h"

/* A longer message is more than a server of ours sends. */
#define LINK_MAX_MESSAGE ((size_t)16 << 20)

struct link_settings {
    const char *url;
    const char *api_key_file;   /* NULL: the environment's, if there is one */
    const char *key_option;     /* that names it; NULL: --api-key-file */
    const char *key_variable;   /* of the environment; NULL: MARKETSIM_API_KEY */
    struct option_list headers; /* "Name: value" */
    const char *ca_file;
    bool insecure;
    bool deflate;
    bool saves_memory; /* one of many: its messages are compressed each by itself */
};

struct link {
    const struct link_settings *settings;
    char *key_line; /* the next two are in it */
    const char *api_key;
    const char *api_secret;
    struct msim_http_header *headers; /* their texts are in the settings */
    struct msim_tls *tls;             /* NULL: the system's authorities */
};

/* Reads what the settings name.  -1 to go on, else the exit code: what was wrong has been said. */
int link_open(struct link *link, struct link_settings *settings, struct terminal *terminal);
void link_close(struct link *link);

/*
 * The net in which connections are made, up to so many of them; `signalled` reads its descriptor
 * by terminal_signal.  EXIT_SUCCESS, or what was wrong has been said: a net that was made is the
 * caller's all the same.
 */
int link_net(struct msim_net **net, size_t max_connections,
             void (*signalled)(void *context, int fd), void *context, struct terminal *terminal,
             const struct msim_logger *logger);

/* The part of the params that is not the handlers'. */
void link_use(const struct link *link, struct msim_connect_params *params);

#endif
