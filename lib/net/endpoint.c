#include "net/endpoint.h"

#include "base/detail.h"
#include "base/mem.h"

/* What a close code, a reason and their head need at most. */
#define LEAST_BACKLOG 256

static void size_or(size_t *value, size_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void time_or(msim_time *value, msim_time otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static struct msim_connection_limits with_defaults(struct msim_connection_limits limits)
{
    size_or(&limits.max_head_bytes, 16 * 1024);
    size_or(&limits.max_message_bytes, 1024 * 1024);
    size_or(&limits.max_backlog_bytes, 8 * 1024 * 1024);
    size_or(&limits.low_water_bytes, limits.max_backlog_bytes / 4);
    size_or(&limits.kernel_send_bytes, 256 * 1024);
    time_or(&limits.handshake_timeout, 10 * MSIM_NS_PER_S);
    time_or(&limits.message_timeout, 30 * MSIM_NS_PER_S);
    time_or(&limits.ping_interval, 20 * MSIM_NS_PER_S);
    time_or(&limits.ping_timeout, 20 * MSIM_NS_PER_S);
    time_or(&limits.close_timeout, 5 * MSIM_NS_PER_S);
    return limits;
}

static const char *mistake(const struct msim_connection_limits *limits)
{
    if (limits->handshake_timeout < 0 || limits->message_timeout < 0 || limits->ping_interval < 0 ||
        limits->ping_timeout < 0 || limits->close_timeout < 0)
        return "a timeout is negative";
    if (limits->max_backlog_bytes < LEAST_BACKLOG || limits->max_backlog_bytes > SIZE_MAX / 4)
        return "max_backlog_bytes is not of 256 bytes or more";
    if (limits->low_water_bytes >= limits->max_backlog_bytes)
        return "low_water_bytes is not below max_backlog_bytes";
    if (limits->max_head_bytes > SIZE_MAX / 4 || limits->max_message_bytes > SIZE_MAX / 4)
        return "a size is beyond all memory";
    return NULL;
}

int msim_endpoint_create(struct msim_endpoint **out, struct msim_net *net,
                         const struct msim_connection_limits *limits,
                         const struct msim_connection_handler *handler, void *context,
                         struct msim_detail *detail)
{
    struct msim_connection_limits chosen = with_defaults(*limits);
    const char *words = mistake(&chosen);
    if (words)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "the connection's limits: %s", words);

    struct msim_endpoint *endpoint = msim_mem_zero(&net->allocator, sizeof *endpoint);
    if (!endpoint)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    *endpoint = (struct msim_endpoint){net, 1, chosen, *handler, context};
    *out = endpoint;
    return MSIM_OK;
}

void msim_endpoint_drop(struct msim_endpoint *endpoint)
{
    if (endpoint && --endpoint->references == 0)
        msim_mem_free(&endpoint->net->allocator, endpoint, sizeof *endpoint);
}
