#include "net/route.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"

#define DEFAULT_BODY (1024 * 1024)

const char *msim_route_mistake(const struct msim_route *route)
{
    if (!route->path || route->path[0] != '/')
        return "its path does not begin with /";
    const char *star = strchr(route->path, '*');
    if (star && (star[1] != '\0' || star[-1] != '/'))
        return "a star stands only behind the last / of its path";
    if ((route->http != NULL) == (route->websocket != NULL))
        return "it has not one handler";
    if (route->http && !route->http->request)
        return "its handler has no request function";
    if (route->websocket && route->method && strcmp(route->method, "GET") != 0)
        return "a WebSocket is asked for with GET";
    return NULL;
}

int msim_route_copy(struct msim_route_entry *out, const struct msim_route *route,
                    const struct msim_allocator *allocator)
{
    size_t length = strcspn(route->path, "*");
    struct msim_route_entry entry = {
        .path_length = length,
        .is_prefix = route->path[length] == '*',
        .context = route->context,
        .max_body_bytes = route->max_body_bytes > 0 ? route->max_body_bytes : DEFAULT_BODY,
    };

    if (route->http)
        entry.http = *route->http;
    entry.path = msim_mem_text(allocator, route->path, length);
    if (route->method)
        entry.method = msim_mem_text(allocator, route->method, strlen(route->method));
    if (route->max_body_name)
        entry.max_body_name =
            msim_mem_text(allocator, route->max_body_name, strlen(route->max_body_name));
    if (!entry.path || (route->method && !entry.method) ||
        (route->max_body_name && !entry.max_body_name)) {
        msim_route_finish(&entry, allocator);
        return MSIM_ERR_NOMEM;
    }
    *out = entry;
    return MSIM_OK;
}

void msim_route_finish(struct msim_route_entry *entry, const struct msim_allocator *allocator)
{
    if (entry->max_body_name)
        msim_mem_free(allocator, entry->max_body_name, strlen(entry->max_body_name) + 1);
    if (entry->method)
        msim_mem_free(allocator, entry->method, strlen(entry->method) + 1);
    if (entry->path)
        msim_mem_free(allocator, entry->path, entry->path_length + 1);
    entry->max_body_name = entry->method = entry->path = NULL;
}

const char *msim_route_body_words(const struct msim_route_entry *entry,
                                  char out[MSIM_ROUTE_WORDS_SIZE])
{
    snprintf(out, MSIM_ROUTE_WORDS_SIZE,
             "the body is larger than the %zu bytes that this path takes%s%s%s",
             entry->max_body_bytes, entry->max_body_name ? " (" : "",
             entry->max_body_name ? entry->max_body_name : "", entry->max_body_name ? ")" : "");
    return out;
}

static bool path_matches(const struct msim_route_entry *entry, const char *path)
{
    if (entry->is_prefix)
        return strncmp(path, entry->path, entry->path_length) == 0;
    return strcmp(path, entry->path) == 0;
}

static bool method_matches(const struct msim_route_entry *entry, const char *method, size_t length)
{
    if (!entry->method)
        return true;
    if (length == 4 && memcmp(method, "HEAD", 4) == 0 && strcmp(entry->method, "GET") == 0)
        return true;
    return strlen(entry->method) == length && memcmp(entry->method, method, length) == 0;
}

/* An exact path is more than any beginning, a longer beginning more than a shorter one. */
static size_t exactness(const struct msim_route_entry *entry)
{
    return entry->is_prefix ? entry->path_length : SIZE_MAX;
}

static void add_method(char allow[MSIM_ALLOW_SIZE], const char *method)
{
    size_t length = strlen(allow);
    const char *known = strstr(allow, method);

    if (known)
        return;
    snprintf(allow + length, MSIM_ALLOW_SIZE - length, "%s%s%s", length > 0 ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

/* Of a path with both, a WebSocket is for those who ask for one. */
static bool is_better(const struct msim_route_entry *entry, const struct msim_route_entry *than,
                      bool wants_websocket)
{
    if (!than)
        return true;
    return (entry->websocket != NULL) == wants_websocket &&
           (than->websocket != NULL) != wants_websocket;
}

void msim_route_find(struct msim_route_match *match, const struct msim_route_entry *entries,
                     size_t count, const struct msim_route_wish *wish)
{
    const char *path = wish->path;
    size_t best = 0;

    match->entry = NULL;
    match->allow[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if (path_matches(&entries[i], path) && exactness(&entries[i]) > best)
            best = exactness(&entries[i]);
    for (size_t i = 0; i < count && best > 0; i++) {
        if (!path_matches(&entries[i], path) || exactness(&entries[i]) != best)
            continue;
        if (method_matches(&entries[i], wish->method, wish->method_length) &&
            is_better(&entries[i], match->entry, wish->wants_websocket))
            match->entry = &entries[i];
        if (entries[i].method)
            add_method(match->allow, entries[i].method);
        else if (entries[i].websocket)
            add_method(match->allow, "GET");
    }
}

/* ---- where nothing is ---- */

/* Who wants a WebSocket has no use for anything else. */
static struct msim_nearest look_near(const struct msim_route_entry *entries, size_t count,
                                     const struct msim_route_wish *wish)
{
    struct msim_nearest nearest = {.word = wish->path};

    for (size_t i = 0; i < count; i++)
        if (!entries[i].is_prefix && (!wish->wants_websocket || entries[i].websocket))
            msim_nearest_see(&nearest, entries[i].path);
    return nearest;
}

const char *msim_route_nearest(const struct msim_route_entry *entries, size_t count,
                               const struct msim_route_wish *wish)
{
    return look_near(entries, count, wish).found;
}

static const char *first_websocket(const struct msim_route_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].websocket && !entries[i].is_prefix)
            return entries[i].path;
    return NULL;
}

const char *msim_route_path_words(const struct msim_route_entry *entries, size_t count,
                                  const struct msim_route_wish *wish,
                                  char out[MSIM_ROUTE_WORDS_SIZE])
{
    const struct msim_nearest nearest = look_near(entries, count, wish);
    const char *websocket = nearest.found ? NULL : first_websocket(entries, count);

    msim_nearest_path_words(&nearest, "", out, MSIM_ROUTE_WORDS_SIZE);
    if (websocket)
        snprintf(out, MSIM_ROUTE_WORDS_SIZE,
                 "there is nothing at this path; a WebSocket is served at %s", websocket);
    return out;
}
