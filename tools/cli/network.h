/*
 * The options that every server has about its network, and the guard that they make.
 */
#ifndef TOOLS_CLI_NETWORK_H
#define TOOLS_CLI_NETWORK_H

#include <marketsim/access.h>
#include <marketsim/tls.h>

#include "cli/options.h"
#include "cli/service.h"

struct network {
    const char *host;
    uint16_t port;
    uint64_t max_clients; /* 0: the server's default */
    uint64_t max_backlog;
    uint64_t max_connections_per_address;
    uint64_t rate_limit;
    uint64_t message_rate;
    const char *keys_path;
    const char *admin_keys_path; /* of a second listener, with a guard of its own; NULL */
    struct msim_access *admin_access;
    struct option_list origins;
    struct option_list hosts;
    const char *tls_cert;
    const char *tls_key;
    bool deflate;
    bool allow_open;
    const struct msim_access_rule *rules; /* of the tool's paths */
    size_t rule_count;
    bool has_own_keys;                      /* the tool asks for keys in another way */
    msim_time (*wall_clock)(void *context); /* for signatures; NULL: the system's */
    void *clock_context;
    struct msim_access *access;
    struct msim_tls *tls; /* NULL: plain */
    struct terminal *terminal;
};

/* Rows for a tool's table of options: who may come in, and how the bytes travel. */
#define NETWORK_GUARD_OPTIONS(network)                                                               \
    {"max-connections-per-address",           0,   OPTION_LIMIT_OR_NONE,                             \
     &(network)->max_connections_per_address, "N", "more are closed at once (no bound)"},            \
        {"rate-limit",                                                                               \
         0,                                                                                          \
         OPTION_LIMIT_OR_NONE,                                                                       \
         &(network)->rate_limit,                                                                     \
         "N",                                                                                        \
         "requests a second of each address and each key (no\nbound); beyond: 429"},                 \
        {"message-rate",                                                                             \
         0,                                                                                          \
         OPTION_LIMIT_OR_NONE,                                                                       \
         &(network)->message_rate,                                                                   \
         "N",                                                                                        \
         "messages a second of each WebSocket and each key (no\nbound); beyond: closed with "        \
         "1008"},                                                                                    \
        {"keys",      0,                                                                             \
         OPTION_TEXT, &(network)->keys_path,                                                         \
         "FILE",      "keys that clients must have (docs/network.md); read\nanew on SIGHUP"},        \
        {"allow-origin",      0,      OPTION_LIST,                                                   \
         &(network)->origins, "LIST", "pages of other sites that may come in; '*' is all"},          \
        {"allow-host", 0,                                                                            \
         OPTION_LIST,  &(network)->hosts,                                                            \
         "LIST",       "names of this machine that a Host may be, beside\naddresses and localhost"}, \
        {"tls-cert",                                                                                 \
         0,                                                                                          \
         OPTION_TEXT,                                                                                \
         &(network)->tls_cert,                                                                       \
         "FILE",                                                                                     \
         "certificate (PEM): serve wss:// and https:// instead of\nws:// and http://; read anew "    \
         "on SIGHUP"},                                                                               \
        {"tls-key",           0,      OPTION_TEXT,                                                   \
         &(network)->tls_key, "FILE", "its private key (PEM), if not in the same file"},             \
        {"deflate",           0,    OPTION_FLAG,                                                     \
         &(network)->deflate, NULL, "compress messages for clients that can"},                       \
    {                                                                                                \
        "allow-open", 0, OPTION_FLAG, &(network)->allow_open, NULL,                                  \
            "listen beyond this machine without keys"                                                \
    }

/*
 * The same, and where to listen; `usual_port` is the text "8765".  What is special about its
 * clients (max_clients, max_backlog) the tool says itself.
 */
#define NETWORK_OPTIONS(network, usual_port)                                      \
    {"host",           0,      OPTION_TEXT,                                       \
     &(network)->host, "HOST", "where to listen (localhost: 127.0.0.1 and ::1)"}, \
        {"port",           'p',    OPTION_PORT,                                   \
         &(network)->port, "PORT", "default " usual_port "; 0 takes a free one"}, \
        NETWORK_GUARD_OPTIONS(network)

/*
 * Makes the guard of what the options and MARKETSIM_KEYS say.  -1 to go on, else the exit code:
 * what was wrong has been said.
 */
int network_open(struct network *network, struct service *service);

/* From here on SIGHUP reads the keys' and certificate's files anew.  -1 to go on, else the exit
 * code. */
int network_watch(struct network *network, struct msim_net *net);

/* "Server running on wss://..." */
void network_announce(const struct network *network, uint16_t port);

void network_finish(struct network *network);

#endif
