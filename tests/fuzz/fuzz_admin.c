/*
 * Requests to the admin API of an exchange without a socket: the input's lines are a path's number
 * and a body each.  Whatever comes, the engine's books hold together, and a request that does not
 * change anything by its nature leaves the engine as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/exchange/admin.h"

#define MOST_REQUESTS 24
#define TURN (50 * MSIM_NS_PER_MS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int told(void *context, uint64_t visit, struct msim_exchange_tally *tally, const void *bytes,
                size_t length)
{
    (void)context;
    (void)visit;
    (void)tally;
    (void)bytes;
    (void)length;
    return MSIM_OK;
}

static struct msim_exchange_server *open_exchange(const struct msim_exchange_stage *stage)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_server *server = NULL;

    params.start = INT64_C(1700000000) * MSIM_NS_PER_S;
    must(msim_exchange_server_make(&server, &params, stage, NULL) == MSIM_OK);
    return server;
}

/* "/accounts/{name}/deposit" with a name that some know. */
static void fill_path(char *out, size_t size, const char *path, unsigned which)
{
    static const char *const names[] = {"alice", "half_open", "s", "nobody"};
    const char *open = strchr(path, '{');
    const char *end = open ? strchr(open, '}') : NULL;

    if (end)
        snprintf(out, size, "/admin/v1%.*s%s%s", (int)(open - path), path, names[which % 4],
                 end + 1);
    else
        snprintf(out, size, "/admin/v1%s", path);
}

static void serve(struct msim_exchange_server *server, uint8_t number, const char *body,
                  size_t length)
{
    const struct msim_manage_path *path = &msim_manage_paths[number % msim_manage_path_count];
    char text[128];
    struct msim_manage_call call = {
        .server = server,
        .admin = server->admin,
        .method = path->method,
        .path = text,
        .query = "",
        .body = body,
        .length = length,
    };

    fill_path(text, sizeof text, path->path, number / (unsigned)msim_manage_path_count);
    uint64_t before = msim_engine_digest(server->engine);
    msim_exchange_admin_serve(&call);
    must(path->changes || msim_engine_digest(server->engine) == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct msim_exchange_stage stage = {.told = told};
    struct msim_exchange_server *server = open_exchange(&stage);
    struct msim_detail detail = {{0}};
    uint32_t account;

    must(msim_exchange_account_named(server, "alice", 5, &account) == MSIM_OK);
    for (int i = 0; i < MOST_REQUESTS && size > 0; i++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        char *body = malloc(length + 1); /* exactly: a byte too far is seen */
        must(body != NULL);
        memcpy(body, data + (length > 0), length - (length > 0));
        body[length - (length > 0)] = '\0';
        serve(server, length > 0 ? data[0] : 0, body, length - (length > 0));
        free(body);
        server->now += TURN;
        msim_exchange_turn(server);
        msim_exchange_wire_refresh(server);
        size_t used = length + (end != NULL);
        data += used;
        size -= used;
    }
    must(msim_engine_audit(server->engine, &detail) == MSIM_OK);
    msim_exchange_server_destroy(&server);
    return 0;
}
