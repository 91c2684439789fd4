#include "net/claims.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <nettle/hmac.h>

#include "base/detail.h"
#include "net/http.h"

#define STAMP_SIZE 48

/* ---- what may be said ---- */

/* Those that the handshake says itself, or that would give it a body. */
static bool is_ours(struct msim_http_text name)
{
    static const char *const ours[] = {
        "Host",    "Upgrade", "Connection", "Content-Length", "Transfer-Encoding",
        "Trailer", "TE",      "Expect"};
    static const char prefix[] = "Sec-WebSocket-";

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (msim_http_is_loosely(name, ours[i]))
            return true;
    return name.length >= sizeof prefix - 1 &&
           msim_http_is_loosely((struct msim_http_text){name.at, sizeof prefix - 1}, prefix);
}

/* Those that a key says. */
static bool is_a_keys(struct msim_http_text name)
{
    return msim_http_is_loosely(name, "X-API-Key") || msim_http_is_loosely(name, "X-Timestamp") ||
           msim_http_is_loosely(name, "X-Signature");
}

static int check_header(const struct msim_connect_params *params,
                        const struct msim_http_header *header, struct msim_detail *detail)
{
    if (!msim_http_header_valid(header->name, header->value))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the header '%.60s' has a name or a value that no header can have",
                               header->name && msim_http_value_valid(header->name) ? header->name
                                                                                   : "?");
    const struct msim_http_text name = {header->name, strlen(header->name)};
    if (is_ours(name))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the header '%.60s' is the handshake's own", header->name);
    if (params->api_key && is_a_keys(name))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the header '%.60s' is said by the key already", header->name);
    return MSIM_OK;
}

/* Visible ASCII, as the servers' keys are. */
static bool is_visible(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at >= 0x7F)
            return false;
    return text[0] != '\0';
}

int msim_claims_check(const struct msim_connect_params *params, struct msim_detail *detail)
{
    size_t bytes = params->api_key ? strlen(params->api_key) : 0;

    if (params->header_count > MSIM_CONNECT_MAX_HEADERS)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "more than %d headers",
                               MSIM_CONNECT_MAX_HEADERS);
    if (params->header_count > 0 && !params->headers)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "headers are counted, but not there");
    for (size_t i = 0; i < params->header_count; i++) {
        int r = check_header(params, &params->headers[i], detail);
        if (r < 0)
            return r;
        bytes += strlen(params->headers[i].name) + strlen(params->headers[i].value);
    }
    if (bytes > MSIM_CONNECT_MAX_HEADER_BYTES)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "more than %d bytes of headers",
                               MSIM_CONNECT_MAX_HEADER_BYTES);
    if (params->api_key && !is_visible(params->api_key))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a key is visible ASCII without white space");
    if (params->api_secret && (!params->api_key || params->api_secret[0] == '\0'))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a secret belongs to a key");
    return MSIM_OK;
}

/* ---- saying it ---- */

static int write_line(struct msim_bytes *out, const char *name, const char *value)
{
    const size_t name_length = strlen(name);
    const size_t value_length = strlen(value);
    unsigned char *room;

    int r = msim_bytes_reserve(out, name_length + value_length + 4, &room);
    if (r < 0)
        return r;
    memcpy(room, name, name_length);
    memcpy(room + name_length, ": ", 2);
    memcpy(room + name_length + 2, value, value_length);
    memcpy(room + name_length + 2 + value_length, "\r\n", 2);
    msim_bytes_commit(out, name_length + value_length + 4);
    return MSIM_OK;
}

static void add(struct hmac_sha256_ctx *hmac, const char *text, size_t length)
{
    hmac_sha256_update(hmac, length, (const uint8_t *)text);
}

/* As access.h says: over timestamp, method, the path with its query, and the body. */
static void sign(char out[2 * SHA256_DIGEST_SIZE + 1], const char *secret, const char *stamp,
                 const struct msim_claims_subject *subject)
{
    const struct msim_url *url = subject->url;
    struct hmac_sha256_ctx hmac;
    uint8_t digest[SHA256_DIGEST_SIZE];
    const char *query = memchr(url->target, '?', url->target_length);
    size_t length = url->target_length;

    /* "/path?" has no query: its mark is not signed. */
    if (query && query + 1 == url->target + length)
        length--;
    hmac_sha256_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
    add(&hmac, stamp, strlen(stamp));
    add(&hmac, subject->method, strlen(subject->method));
    if (length == 0 || url->target[0] != '/')
        add(&hmac, "/", 1);
    add(&hmac, url->target, length);
    if (subject->body_length > 0)
        add(&hmac, subject->body, subject->body_length);
    hmac_sha256_digest(&hmac, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static int write_signature(struct msim_bytes *out, const char *secret,
                           const struct msim_claims_subject *subject, msim_time now)
{
    char stamp[STAMP_SIZE];
    char signature[2 * SHA256_DIGEST_SIZE + 1];

    /* In seconds, to the nanosecond: of two attempts in one millisecond each is another's. */
    snprintf(stamp, sizeof stamp, "%" PRId64 ".%09" PRId64, now / MSIM_NS_PER_S,
             now % MSIM_NS_PER_S);
    sign(signature, secret, stamp, subject);
    int r = write_line(out, "X-Timestamp", stamp);
    return r < 0 ? r : write_line(out, "X-Signature", signature);
}

int msim_claims_write(struct msim_bytes *out, const struct msim_connect_params *params,
                      const struct msim_claims_subject *subject, msim_time now)
{
    int r = params->api_key ? write_line(out, "X-API-Key", params->api_key) : MSIM_OK;

    if (r >= 0 && params->api_secret)
        r = write_signature(out, params->api_secret, subject, now);
    for (size_t i = 0; r >= 0 && i < params->header_count; i++)
        r = write_line(out, params->headers[i].name, params->headers[i].value);
    return r;
}
