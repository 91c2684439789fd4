#include "cli/network.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/files.h"

#define KEYS_VARIABLE "MARKETSIM_KEYS"
#define MOST_KEY_BYTES ((size_t)16 << 20)

/* In the environment keys stand with semicolons between them. */
static char *environment_keys(size_t *length)
{
    const char *value = getenv(KEYS_VARIABLE);
    char *text = value && value[0] != '\0' ? strdup(value) : NULL;

    *length = text ? strlen(text) : 0;
    for (char *at = text; at && (at = strchr(at, ';')); at++)
        *at = '\n';
    return text;
}

/* The keys of the file, else of the environment; `*text` is NULL where there are none. */
static int find_keys(const struct network *network, char **text, size_t *length,
                     struct msim_detail *detail)
{
    if (!network->keys_path) {
        *text = environment_keys(length);
        return -1;
    }
    *text = file_read(network->keys_path, MOST_KEY_BYTES, length, detail);
    return *text ? -1 : EXIT_USAGE;
}

static int create_access(struct network *network, const struct service *service, const char *keys,
                         size_t length, struct msim_detail *detail)
{
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;

    params.logger = &service->logger;
    params.origins = (const char *const *)network->origins.items;
    params.origin_count = network->origins.count;
    params.hosts = (const char *const *)network->hosts.items;
    params.host_count = network->hosts.count;
    params.keys = keys;
    params.keys_length = length;
    params.rules = network->rules;
    params.rule_count = network->rule_count;
    params.is_open = network->allow_open || network->has_own_keys;
    params.max_connections_per_address = (size_t)network->max_connections_per_address;
    params.rate = network->rate_limit;
    params.message_rate = network->message_rate;
    params.wall_clock = network->wall_clock;
    params.context = network->clock_context;
    return msim_access_create(&network->access, &params, detail);
}

/* -1 to go on, else the exit code. */
static int create_tls(struct network *network)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    if (!network->tls_cert && !network->tls_key)
        return -1;
    if (!network->tls_cert) {
        terminal_fail(network->terminal, "--tls-key goes with --tls-cert");
        return EXIT_USAGE;
    }
    params.cert_file = network->tls_cert;
    params.key_file = network->tls_key;
    int r = msim_tls_create(&network->tls, &params, &detail);
    if (r >= 0)
        return -1;
    terminal_fail(network->terminal, "--tls-cert: %s", detail.text);
    return EXIT_USAGE;
}

static int create_guard(struct network *network, struct service *service)
{
    struct msim_detail detail = {{0}};
    size_t length = 0;
    char *keys;

    int code = find_keys(network, &keys, &length, &detail);
    if (code >= 0) {
        terminal_fail(&service->terminal, "--keys: %s", detail.text);
        return code;
    }
    int r = create_access(network, service, keys, length, &detail);
    free(keys);
    if (r >= 0)
        return -1;
    terminal_fail(&service->terminal, "%s%s",
                  r == MSIM_ERR_FORMAT ? (network->keys_path ? "--keys: " : KEYS_VARIABLE ": ")
                                       : "",
                  detail.text[0] ? detail.text : msim_result_text(r));
    return r == MSIM_ERR_FORMAT || r == MSIM_ERR_LIMIT ? EXIT_USAGE : exit_code_of(r);
}

int network_open(struct network *network, struct service *service)
{
    network->terminal = &service->terminal;
    int code = create_tls(network);
    return code >= 0 ? code : create_guard(network, service);
}

void network_announce(const struct network *network, uint16_t port)
{
    if (network->tls)
        service_announce_secure(network->host, port);
    else
        service_announce(network->host, port);
}

static void reload_certificate(struct network *network)
{
    struct msim_detail detail = {{0}};

    terminal_settle(network->terminal);
    if (msim_tls_reload(network->tls, &detail) >= 0)
        fprintf(stderr, "--tls-cert: read anew from %s\n", network->tls_cert);
    else
        terminal_fail(network->terminal, "%s; the certificate stays as it was", detail.text);
}

/* What is wrong with the new keys is said, and the old ones stay. */
static void reload_keys(struct network *network, const char *option, const char *path,
                        struct msim_access *access)
{
    struct msim_detail detail = {{0}};
    size_t length;

    char *keys = file_read(path, MOST_KEY_BYTES, &length, &detail);
    terminal_settle(network->terminal);
    if (keys && msim_access_set_keys(access, keys, length, &detail) >= 0)
        fprintf(stderr, "%s: %zu keys from %s\n", option, msim_access_key_count(access), path);
    else
        terminal_fail(network->terminal, "%s: %s; the keys stay as they were", option,
                      detail.text[0] ? detail.text : msim_result_text(MSIM_ERR_NOMEM));
    free(keys);
}

static void take_hangup(void *context, int fd)
{
    struct network *network = context;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (network->tls)
        reload_certificate(network);
    if (network->keys_path)
        reload_keys(network, "--keys", network->keys_path, network->access);
    if (network->admin_keys_path)
        reload_keys(network, "--admin-keys", network->admin_keys_path, network->admin_access);
}

int network_watch(struct network *network, struct msim_net *net)
{
    sigset_t hangup;

    if (!network->keys_path && !network->admin_keys_path && !network->tls)
        return -1;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    /* The descriptor lives as long as the process. */
    int fd = sigprocmask(SIG_BLOCK, &hangup, NULL) < 0
                 ? -1
                 : signalfd(-1, &hangup, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0 || msim_net_watch(net, fd, take_hangup, network) < 0)
        return terminal_fail(network->terminal, "SIGHUP cannot be received");
    return -1;
}

void network_finish(struct network *network)
{
    msim_access_destroy(&network->access);
    msim_access_destroy(&network->admin_access);
    msim_tls_destroy(&network->tls);
    option_list_finish(&network->origins);
    option_list_finish(&network->hosts);
}
