#include "server/health.h"

#include <string.h>

static void answer(struct msim_exchange *exchange, const char *type, const void *bytes,
                   size_t length)
{
    static const struct msim_http_header fresh = {"Cache-Control", "no-store"};
    const struct msim_http_answer answer = {
        .status = 200,
        .content_type = type,
        .headers = &fresh,
        .header_count = 1,
        .body = bytes,
        .body_length = length,
    };

    if (msim_exchange_answer(exchange, &answer) < 0)
        msim_exchange_abort(exchange);
}

static void refuse(struct msim_exchange *exchange, const char *words)
{
    if (msim_exchange_refuse(exchange, 503, words) < 0)
        msim_exchange_abort(exchange);
}

static void say(struct msim_exchange *exchange, const char *text)
{
    answer(exchange, "application/json", text, strlen(text));
}

static void healthz(void *context, struct msim_exchange *exchange)
{
    (void)context;
    say(exchange, "{\"status\":\"ok\"}");
}

static void readyz(void *context, struct msim_exchange *exchange)
{
    const struct msim_health *health = context;
    const char *missing = health->missing ? health->missing(health->context) : NULL;

    if (missing)
        refuse(exchange, missing);
    else
        say(exchange, "{\"status\":\"ready\"}");
}

static void metrics_page(void *context, struct msim_exchange *exchange)
{
    const struct msim_health *health = context;
    struct msim_bytes page;

    msim_bytes_init(&page, MSIM_METRICS_MAX_BYTES, &health->allocator);
    struct msim_metrics metrics = {.out = &page};
    msim_metrics_common(&metrics, health->net);
    if (health->metrics)
        health->metrics(health->context, &metrics);
    if (metrics.failure < 0)
        refuse(exchange, "the numbers do not fit into memory");
    else
        answer(exchange, MSIM_METRICS_TYPE, msim_bytes_front(&page), msim_bytes_length(&page));
    msim_bytes_finish(&page);
}

void msim_health_routes(struct msim_health *health, struct msim_route routes[MSIM_HEALTH_ROUTES])
{
    static const struct msim_http_handler handlers[MSIM_HEALTH_ROUTES] = {
        {.request = healthz},
        {.request = readyz},
        {.request = metrics_page},
    };
    static const char *const paths[MSIM_HEALTH_ROUTES] = {"/healthz", "/readyz", "/metrics"};

    for (size_t i = 0; i < MSIM_HEALTH_ROUTES; i++)
        routes[i] = (struct msim_route){
            .method = "GET", .path = paths[i], .http = &handlers[i], .context = health};
}
