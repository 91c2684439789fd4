#include "client/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/tls.h>

#define KEY_LINE 1024
#define BLANKS " \t\r\n"

/* ---- the key ---- */

/* The first line that says something; else words for what is amiss. */
static const char *first_line(FILE *file, char line[static KEY_LINE])
{
    while (fgets(line, KEY_LINE, file)) {
        const char *at = line + strspn(line, BLANKS);
        /* Half a key would be another key, and the rest of a long remark none. */
        if (strlen(line) == KEY_LINE - 1 && line[KEY_LINE - 2] != '\n')
            return "a line is longer than 1022 bytes";
        if (*at != '\0' && *at != '#')
            return NULL;
    }
    return ferror(file) ? "it cannot be read" : "no key is in it";
}

static const char *key_option(const struct link_settings *settings)
{
    return settings->key_option ? settings->key_option : "--api-key-file";
}

static const char *key_variable(const struct link_settings *settings)
{
    return settings->key_variable ? settings->key_variable : "MARKETSIM_API_KEY";
}

/* The text that holds the key: of the file, else of the environment; NULL where there is none. */
static int find_key(struct link *link, struct terminal *terminal)
{
    const char *path = link->settings->api_key_file;
    const char *text = getenv(key_variable(link->settings));
    char line[KEY_LINE];

    if (!path && (!text || text[0] == '\0'))
        return -1;
    if (path) {
        FILE *file = fopen(path, "re");
        const char *words = file ? first_line(file, line) : strerror(errno);
        if (words)
            terminal_fail(terminal, "%s: %s: %s", key_option(link->settings), path, words);
        if (file)
            fclose(file);
        if (words)
            return EXIT_USAGE;
        text = line;
    }
    link->key_line = strdup(text);
    return link->key_line ? -1 : terminal_fail(terminal, "out of memory");
}

/* "KEY secret=TEXT", and other words of a server's key file, which are the server's. */
static int read_key(struct link *link, struct terminal *terminal)
{
    static const char secret[] = "secret=";
    char *rest = NULL;

    int code = find_key(link, terminal);
    if (code >= 0 || !link->key_line)
        return code;
    link->api_key = strtok_r(link->key_line, BLANKS, &rest);
    if (!link->api_key) {
        terminal_fail(terminal, "%s: no key is in it", key_variable(link->settings));
        return EXIT_USAGE;
    }
    for (char *word = strtok_r(NULL, BLANKS, &rest); word; word = strtok_r(NULL, BLANKS, &rest))
        if (strncmp(word, secret, sizeof secret - 1) == 0)
            link->api_secret = word + sizeof secret - 1;
    return -1;
}

/* ---- headers ---- */

/* Cuts "Name: value" in two. */
static bool cut_header(char *text, struct msim_http_header *header)
{
    char *colon = strchr(text, ':');

    if (!colon || colon == text)
        return false;
    *colon = '\0';
    header->name = text;
    header->value = colon + 1 + strspn(colon + 1, " \t");
    return true;
}

static int read_headers(struct link *link, struct option_list *list, struct terminal *terminal)
{
    link->headers = calloc(list->count + 1, sizeof *link->headers);
    if (!link->headers)
        return terminal_fail(terminal, "out of memory");
    for (size_t i = 0; i < list->count; i++) {
        if (cut_header(list->items[i], &link->headers[i]))
            continue;
        terminal_fail(terminal, "--header: '%s' is not like 'Name: value'", list->items[i]);
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- trust ---- */

static int read_trust(struct link *link, struct terminal *terminal)
{
    const struct link_settings *settings = link->settings;
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    if (!settings->ca_file && !settings->insecure)
        return -1;
    params.ca_file = settings->ca_file;
    params.is_insecure = settings->insecure;
    if (msim_tls_create(&link->tls, &params, &detail) >= 0)
        return -1;
    terminal_fail(terminal, "%s%s", settings->ca_file ? "--ca-file: " : "", detail.text);
    return EXIT_USAGE;
}

/* ---- all of it ---- */

int link_open(struct link *link, struct link_settings *settings, struct terminal *terminal)
{
    *link = (struct link){.settings = settings};
    int code = read_trust(link, terminal);
    if (code < 0)
        code = read_key(link, terminal);
    if (code < 0)
        code = read_headers(link, &settings->headers, terminal);
    if (code >= 0)
        link_close(link);
    return code;
}

void link_close(struct link *link)
{
    msim_tls_destroy(&link->tls);
    free(link->key_line);
    free(link->headers);
    link->key_line = NULL;
    link->headers = NULL;
}

int link_net(struct msim_net **net, size_t max_connections,
             void (*signalled)(void *context, int fd), void *context, struct terminal *terminal,
             const struct msim_logger *logger)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    params.max_connections = max_connections;
    params.logger = logger;
    if (msim_net_create(net, &params, &detail) < 0)
        return terminal_fail(terminal, "%s", detail.text);
    const int signals = terminal_signals();
    if (signals < 0 || msim_net_watch(*net, signals, signalled, context) < 0)
        return terminal_fail(terminal, "signals cannot be received");
    return EXIT_SUCCESS;
}

void link_use(const struct link *link, struct msim_connect_params *params)
{
    const struct link_settings *settings = link->settings;

    params->url = settings->url;
    params->tls = link->tls;
    params->deflate = (struct msim_deflate){
        .is_on = settings->deflate,
        .keeps_context = !settings->saves_memory,
        .peer_keeps_context = !settings->saves_memory,
    };
    params->limits.max_message_bytes = LINK_MAX_MESSAGE;
    params->headers = link->headers;
    params->header_count = settings->headers.count;
    params->api_key = link->api_key;
    params->api_secret = link->api_secret;
}
