/*
 * What every server's loop does beside serving: it ends on a signal, with time
 * for its clients to say goodbye, and wakes for its progress line.
 */
#ifndef TOOLS_CLI_SERVICE_H
#define TOOLS_CLI_SERVICE_H

#include <marketsim/net.h>

#include "cli/terminal.h"

struct service {
    struct terminal terminal;
    struct msim_logger logger;
    void (*stop)(void *context); /* no more clients, and farewell to those that are there */
    void *context;
    msim_time stop_at;       /* MSIM_TIME_NEVER until a signal came */
    msim_time next_progress; /* of the line on a terminal */
};

void service_init(struct service *service, const char *program);
void service_log_level(struct service *service, enum msim_log_level level);

/* From here on SIGINT and SIGTERM call `stop`.  EXIT_SUCCESS, or what was wrong has been said. */
int service_watch(struct service *service, struct msim_net *net, void (*stop)(void *context),
                  void *context);
/* Ends it as a signal would; a second call does not wait for anybody. */
void service_stop(struct service *service);

/* Told to stop, and everybody has left or had time enough. */
bool service_is_over(const struct service *service, uint64_t clients);

/* For a dispatch: -1 where nothing but the loop itself needs to wake. */
int service_timeout(const struct service *service);

/* True once a second where stderr is a terminal. */
bool service_shows_progress(struct service *service);

/* "Server running on ws://localhost:8765 (Ctrl+C ends it)" on stderr; the second with wss://. */
void service_announce(const char *host, uint16_t port);
void service_announce_secure(const char *host, uint16_t port);

#endif
