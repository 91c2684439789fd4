#include "net/url.h"

#include <string.h>

#include "base/detail.h"
#include "net/http.h"

#define SHOWN "%.200s"

/* What a URL is for. */
struct family {
    const char *name;
    const char *plain;
    const char *secure;
};

static const struct family websocket = {"a WebSocket", "ws://", "wss://"};
static const struct family http = {"an HTTP", "http://", "https://"};

static int invalid(struct msim_detail *detail, const struct family *family, const char *text,
                   const char *why)
{
    return msim_detail_set(detail, MSIM_ERR_INVALID,
                           "'" SHOWN "' is not %s URL: %s (expected %shost:port/path or %s)", text,
                           family->name, why, family->plain, family->secure);
}

static bool read_port(const char *digits, size_t length, uint16_t *port)
{
    unsigned long value = 0;

    if (length == 0 || length > 5)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        value = value * 10 + (unsigned long)(digits[i] - '0');
    }
    if (value == 0 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool host_byte(char c, bool bracketed)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return bracketed ? c == ':' || c == '.' : c == '-' || c == '.' || c == '_';
}

/* "host", "host:port", "[address]", "[address]:port" */
static const char *read_authority(struct msim_url *url, const char *at, size_t length)
{
    bool bracketed = length > 0 && at[0] == '[';
    const char *host = bracketed ? at + 1 : at;
    const char *end = memchr(host, bracketed ? ']' : ':', length - (bracketed ? 1 : 0));

    if (bracketed && !end)
        return "a bracket without its other";
    size_t host_length = end ? (size_t)(end - host) : length;
    if (host_length == 0)
        return "no host";
    if (host_length > MSIM_URL_HOST_MAX)
        return "the host is too long";
    for (size_t i = 0; i < host_length; i++)
        if (!host_byte(host[i], bracketed))
            return "a byte that no host has";
    memcpy(url->host, host, host_length);
    url->host[host_length] = '\0';

    const char *rest = host + host_length + (bracketed ? 1 : 0);
    size_t rest_length = length - (size_t)(rest - at);
    url->port = url->is_secure ? 443 : 80;
    if (rest_length > 0 && (rest[0] != ':' || !read_port(rest + 1, rest_length - 1, &url->port)))
        return "the port is not a number of 1..65535";
    return NULL;
}

static const char *check_target(const char *target, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (target[i] == '#')
            return "a fragment (#...) has no meaning here";
        if ((unsigned char)target[i] <= 0x20 || (unsigned char)target[i] >= 0x7F)
            return "a byte that must be escaped (%XX)";
    }
    if (!msim_http_escapes_valid((struct msim_http_text){target, length}))
        return "a bad escape";
    return NULL;
}

static bool begins_with(const char *text, const char *scheme)
{
    size_t length = strlen(scheme);

    return strlen(text) >= length &&
           msim_http_is_loosely((struct msim_http_text){text, length}, scheme);
}

static bool read_scheme(struct msim_url *url, const char *text, const struct family *family)
{
    url->is_secure = begins_with(text, family->secure);
    if (!url->is_secure && !begins_with(text, family->plain))
        return false;
    url->authority = text + strlen(url->is_secure ? family->secure : family->plain);
    return true;
}

static int read_url(struct msim_url *url, const char *text, const struct family *family,
                    struct msim_detail *detail)
{
    struct msim_url read = {.authority = NULL};

    if (!read_scheme(&read, text, family))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "'" SHOWN "' is not %s URL: it does not begin with %s or %s "
                               "(expected %shost:port/path or %s)",
                               text, family->name, family->plain, family->secure, family->plain,
                               family->secure);
    read.authority_length = strcspn(read.authority, "/?#");
    read.target = read.authority + read.authority_length;
    read.target_length = strlen(read.target);
    const char *why = memchr(read.authority, '@', read.authority_length)
                          ? "credentials in a URL are not supported"
                          : read_authority(&read, read.authority, read.authority_length);
    if (!why)
        why = check_target(read.target, read.target_length);
    if (why)
        return invalid(detail, family, text, why);
    *url = read;
    return MSIM_OK;
}

int msim_url_read(struct msim_url *url, const char *text, struct msim_detail *detail)
{
    return read_url(url, text, &websocket, detail);
}

int msim_url_read_http(struct msim_url *url, const char *text, struct msim_detail *detail)
{
    return read_url(url, text, &http, detail);
}
