/*
 * Which path goes where.
 */
#ifndef MSIM_NET_ROUTE_H
#define MSIM_NET_ROUTE_H

#include <marketsim/http.h>

struct msim_endpoint;

/* A route with copies of all it was given. */
struct msim_route_entry {
    char *method; /* NULL: every method */
    char *path;   /* without the star */
    size_t path_length;
    bool is_prefix;
    struct msim_http_handler http;
    struct msim_endpoint *websocket; /* NULL: HTTP */
    void *context;
    size_t max_body_bytes;
    char *max_body_name; /* NULL: nothing to name */
};

/* Words for a body that is too large. */
#define MSIM_ROUTE_WORDS_SIZE 256
const char *msim_route_body_words(const struct msim_route_entry *entry,
                                  char out[MSIM_ROUTE_WORDS_SIZE]);

/* Words for what is wrong with a route; NULL for nothing. */
const char *msim_route_mistake(const struct msim_route *route);

/* MSIM_ERR_NOMEM leaves nothing behind.  The WebSocket endpoint is the caller's to set. */
int msim_route_copy(struct msim_route_entry *out, const struct msim_route *route,
                    const struct msim_allocator *allocator);
void msim_route_finish(struct msim_route_entry *entry, const struct msim_allocator *allocator);

#define MSIM_ALLOW_SIZE 96

struct msim_route_match {
    const struct msim_route_entry *entry; /* NULL: none is for this path and method */
    char allow[MSIM_ALLOW_SIZE];          /* the methods that this path has; "" where it has none */
};

struct msim_route_wish {
    const char *method;
    size_t method_length;
    const char *path;
    bool wants_websocket; /* it names Upgrade: websocket */
};

void msim_route_find(struct msim_route_match *match, const struct msim_route_entry *entries,
                     size_t count, const struct msim_route_wish *wish);

/* The path that may have been meant; NULL where none is near. */
const char *msim_route_nearest(const struct msim_route_entry *entries, size_t count,
                               const struct msim_route_wish *wish);
/* Words for a path where nothing is: the nearest one, or where there is a WebSocket. */
const char *msim_route_path_words(const struct msim_route_entry *entries, size_t count,
                                  const struct msim_route_wish *wish,
                                  char out[MSIM_ROUTE_WORDS_SIZE]);

#endif
