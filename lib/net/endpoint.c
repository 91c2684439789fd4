#include "net/endpoint.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "net/tls.h"

/* Quick rather than small; shorter messages hardly get any shorter. */
#define DEFLATE_LEVEL 1
#define DEFLATE_LEAST 64

/* What a close code, a reason and their head need at most. */
#define LEAST_BACKLOG 256

/* What the system holds of a connection beside its backlog, where nobody says. */
#define KERNEL_LEAST ((size_t)16 << 10)
#define KERNEL_MOST ((size_t)256 << 10)

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

/* A small bound would mean little beside a large buffer of the system's. */
static size_t kernel_share(size_t max_backlog_bytes)
{
    if (max_backlog_bytes < KERNEL_LEAST)
        return KERNEL_LEAST;
    return max_backlog_bytes < KERNEL_MOST ? max_backlog_bytes : KERNEL_MOST;
}

static struct msim_connection_limits with_defaults(struct msim_connection_limits limits)
{
    size_or(&limits.max_head_bytes, 16 * 1024);
    size_or(&limits.max_message_bytes, 1024 * 1024);
    size_or(&limits.max_backlog_bytes, 8 * 1024 * 1024);
    size_or(&limits.low_water_bytes, limits.max_backlog_bytes / 4);
    size_or(&limits.kernel_send_bytes, kernel_share(limits.max_backlog_bytes));
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
    *endpoint = (struct msim_endpoint){
        .net = net, .references = 1, .limits = chosen, .handler = *handler, .context = context};
    *out = endpoint;
    return MSIM_OK;
}

static bool bits_valid(uint8_t bits)
{
    return bits == 0 || (bits >= MSIM_WINDOW_BITS_MIN && bits <= MSIM_WINDOW_BITS_MAX);
}

int msim_endpoint_set_deflate(struct msim_endpoint *endpoint, const struct msim_deflate *deflate,
                              struct msim_detail *detail)
{
    if (!bits_valid(deflate->window_bits) || !bits_valid(deflate->peer_window_bits) ||
        deflate->level > 9)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "compression: a window has 8 to 15 bits, a level is 1 to 9");
    if (deflate->is_on && !msim_deflate_is_built())
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "compressed messages (permessage-deflate) are not in this build: it "
                               "was made without zlib; build with -Dzlib=enabled");
    endpoint->deflate = *deflate;
    if (deflate->level == 0)
        endpoint->deflate.level = DEFLATE_LEVEL;
    size_or(&endpoint->deflate.min_bytes, DEFLATE_LEAST);
    return MSIM_OK;
}

static void routes_free(struct msim_endpoint *endpoint, size_t capacity)
{
    const struct msim_allocator *allocator = &endpoint->net->allocator;

    for (size_t i = 0; i < endpoint->route_count; i++) {
        msim_route_finish(&endpoint->routes[i], allocator);
        /* A route's endpoint has no routes of its own: this goes one step deep. */
        msim_endpoint_drop(endpoint->routes[i].websocket);
    }
    if (endpoint->routes)
        msim_mem_free(allocator, endpoint->routes, capacity * sizeof endpoint->routes[0]);
    endpoint->routes = NULL;
    endpoint->route_count = 0;
}

static int add_route(struct msim_endpoint *endpoint, const struct msim_route *route)
{
    struct msim_route_entry *entry = &endpoint->routes[endpoint->route_count];

    int r = msim_route_copy(entry, route, &endpoint->net->allocator);
    if (r < 0)
        return r;
    endpoint->route_count++;
    if (!route->websocket)
        return MSIM_OK;
    r = msim_endpoint_create(&entry->websocket, endpoint->net, &endpoint->limits, route->websocket,
                             route->context, NULL);
    if (r == MSIM_OK)
        entry->websocket->deflate = endpoint->deflate;
    return r;
}

int msim_endpoint_add_routes(struct msim_endpoint *endpoint, const struct msim_route *routes,
                             size_t count, struct msim_detail *detail)
{
    if (count == 0)
        return MSIM_OK;
    for (size_t i = 0; i < count; i++) {
        const char *words = msim_route_mistake(&routes[i]);
        if (words)
            return msim_detail_set(detail, MSIM_ERR_INVALID, "route %zu: %s", i + 1, words);
    }
    endpoint->routes =
        msim_mem_zero_array(&endpoint->net->allocator, count, sizeof endpoint->routes[0]);
    if (!endpoint->routes)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int r = add_route(endpoint, &routes[i]);
        if (r < 0) {
            routes_free(endpoint, count);
            return msim_detail_set(detail, r, "out of memory");
        }
    }
    return MSIM_OK;
}

static void cors_free(struct msim_endpoint *endpoint, size_t capacity)
{
    const struct msim_allocator *allocator = &endpoint->net->allocator;

    for (size_t i = 0; i < endpoint->cors_count; i++)
        msim_cors_finish(&endpoint->cors[i], allocator);
    if (endpoint->cors)
        msim_mem_free(allocator, endpoint->cors, capacity * sizeof endpoint->cors[0]);
    endpoint->cors = NULL;
    endpoint->cors_count = 0;
}

int msim_endpoint_add_cors(struct msim_endpoint *endpoint, const struct msim_cors *rules,
                           size_t count, struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &endpoint->net->allocator;

    if (count == 0)
        return MSIM_OK;
    for (size_t i = 0; i < count; i++) {
        const char *words = msim_cors_mistake(&rules[i]);
        if (words)
            return msim_detail_set(detail, MSIM_ERR_INVALID, "CORS rule %zu: %s", i + 1, words);
    }
    endpoint->cors = msim_mem_zero_array(allocator, count, sizeof endpoint->cors[0]);
    if (!endpoint->cors)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int r = msim_cors_copy(&endpoint->cors[i], &rules[i], allocator);
        if (r < 0) {
            cors_free(endpoint, count);
            return msim_detail_set(detail, r, "out of memory");
        }
        endpoint->cors_count++;
    }
    return MSIM_OK;
}

void msim_endpoint_drop(struct msim_endpoint *endpoint)
{
    if (!endpoint || --endpoint->references > 0)
        return;
    routes_free(endpoint, endpoint->route_count);
    cors_free(endpoint, endpoint->cors_count);
    msim_access_destroy(&endpoint->access);
    if (endpoint->host)
        msim_mem_free(&endpoint->net->allocator, endpoint->host, strlen(endpoint->host) + 1);
    msim_tls_destroy(&endpoint->tls);
    msim_mem_free(&endpoint->net->allocator, endpoint, sizeof *endpoint);
}
