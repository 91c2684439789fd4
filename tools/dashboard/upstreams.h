/*
 * The servers that a dashboard shows: their options, keys and certificates.
 */
#ifndef TOOLS_DASHBOARD_UPSTREAMS_H
#define TOOLS_DASHBOARD_UPSTREAMS_H

#include <marketsim/server.h>

#include "cli/options.h"
#include "cli/terminal.h"
#include "client/link.h"

struct upstreams {
    struct option_list urls;
    struct option_list symbols;
    struct link_settings settings; /* of all of them */
    struct link link;
    const char *admin_url;
    struct link_settings admin_settings;
    struct link admin_link;
    struct msim_dashboard_upstream items[MSIM_DASHBOARD_UPSTREAMS_MAX];
};

/* Rows for a tool's table of options. */
#define UPSTREAM_OPTIONS(upstreams)                                                                \
    {"connect",                                                                                    \
     0,                                                                                            \
     OPTION_PATHS,                                                                                 \
     &(upstreams)->urls,                                                                           \
     "URL",                                                                                        \
     "show a running exchange-server, replay-server or\nmock-quotes as well; may be given "        \
     "again"},                                                                                     \
        {"connect-symbols",     0,      OPTION_LIST,                                               \
         &(upstreams)->symbols, "LIST", "these of its symbols alone (BTC/USD,ETH/USD)"},           \
        {"connect-admin",                                                                          \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         &(upstreams)->admin_url,                                                                  \
         "URL",                                                                                    \
         "an exchange's admin API (http://localhost:9090): its\nfaults' counts and switches as "   \
         "well"},                                                                                  \
        {"admin-key-file", 0,                                                                      \
         OPTION_TEXT,      &(upstreams)->admin_settings.api_key_file,                              \
         "FILE",           "the key that it wants, as --api-key-file; else\nMARKETSIM_ADMIN_KEY"}, \
        {"api-key-file",                                                                           \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         &(upstreams)->settings.api_key_file,                                                      \
         "FILE",                                                                                   \
         "the key that it wants: the file's first\nline, KEY [secret=TEXT]; "                      \
         "else MARKETSIM_API_KEY"},                                                                \
        {"ca-file",                                                                                \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         &(upstreams)->settings.ca_file,                                                           \
         "FILE",                                                                                   \
         "who may vouch for a wss:// server (PEM); the\nsystem's authorities if "                  \
         "it is not there"},                                                                       \
    {                                                                                              \
        "insecure", 0, OPTION_FLAG, &(upstreams)->settings.insecure, NULL,                         \
            "take any certificate of a wss:// server"                                              \
    }

/* Fills in the server's params; borrowed until the finish.  -1 to go on, else the exit code. */
int upstreams_open(struct upstreams *upstreams, struct msim_dashboard_server_params *params,
                   struct terminal *terminal);

void upstreams_finish(struct upstreams *upstreams);

#endif
