#include "cli/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

/* How long clients have to say goodbye. */
#define FAREWELL_NS (2 * MSIM_NS_PER_S)

#define WAKE_MS 200

void service_init(struct service *service, const char *program)
{
    *service = (struct service){.stop_at = MSIM_TIME_NEVER};
    terminal_init(&service->terminal, program);
}

void service_log_level(struct service *service, enum msim_log_level level)
{
    service->logger = terminal_logger(&service->terminal, level);
}

void service_stop(struct service *service)
{
    if (service->stop_at != MSIM_TIME_NEVER) {
        service->stop_at = 0;
        return;
    }
    service->stop_at = terminal_clock() + FAREWELL_NS;
    service->stop(service->context);
}

static void take_signal(void *context, int fd)
{
    if (terminal_signal(fd) != 0)
        service_stop(context);
}

int service_watch(struct service *service, struct msim_net *net, void (*stop)(void *context),
                  void *context)
{
    service->stop = stop;
    service->context = context;
    int signals = terminal_signals();
    if (signals < 0 || msim_net_watch(net, signals, take_signal, service) < 0)
        return terminal_fail(&service->terminal, "signals cannot be received");
    return EXIT_SUCCESS;
}

bool service_is_over(const struct service *service, uint64_t clients)
{
    return service->stop_at != MSIM_TIME_NEVER &&
           (clients == 0 || terminal_clock() >= service->stop_at);
}

int service_timeout(const struct service *service)
{
    return service->terminal.interactive || service->stop_at != MSIM_TIME_NEVER ? WAKE_MS : -1;
}

bool service_shows_progress(struct service *service)
{
    msim_time now = terminal_clock();

    if (!service->terminal.interactive || now < service->next_progress)
        return false;
    service->next_progress = now + MSIM_NS_PER_S;
    return true;
}

static void announce(const char *scheme, const char *host, uint16_t port)
{
    const char *name = host ? host : "localhost";
    bool bare_ipv6 = strchr(name, ':') && name[0] != '[';

    fprintf(stderr, "Server running on %s://%s%s%s:%u (Ctrl+C ends it)\n", scheme,
            bare_ipv6 ? "[" : "", name, bare_ipv6 ? "]" : "", (unsigned)port);
}

void service_announce(const char *host, uint16_t port)
{
    announce("ws", host, port);
}

void service_announce_secure(const char *host, uint16_t port)
{
    announce("wss", host, port);
}
