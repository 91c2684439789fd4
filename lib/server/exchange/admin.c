/*
 * The admin API's listener: requests find their function, answers and problems leave.
 */
#include "server/exchange/admin.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "server/exchange/recording.h"
#include "server/fault_metrics.h"

#define ROOT "/admin/v1"
#define PROBLEM_MAX ((size_t)4 << 10)
#define MOST_ADMIN_BACKLOG ((size_t)64 << 20) /* a snapshot is one answer */

const struct msim_manage_path msim_manage_paths[] = {
    {"GET", "/health", msim_manage_health, "Whether it is up, and what time it is inside", NULL,
     NULL, false, NULL},
    {"GET", "/openapi.json", msim_manage_openapi, "This document", NULL, NULL, false, NULL},
    {"GET", "/faults", msim_manage_faults,
     "All strategies as they stand and links, with their counts", NULL, NULL, false, "Strategies"},
    {"POST", "/faults", msim_manage_fault_add, "Adds a strategy, or a list of them",
     "{\"id\":\"slow\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"50ms\"}", NULL,
     true, "Added"},
    {"POST", "/faults/fire", msim_manage_fire, "A fault that acts once",
     "{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"account\",\"account\":\"alice\"}", NULL,
     true, NULL},
    {"POST", "/faults/heal", msim_manage_heal,
     "Disables all but venue actions; what waits is released", NULL, NULL, true, NULL},
    {"POST", "/faults/reset", msim_manage_reset, "Removes all strategies and their counts", NULL,
     NULL, true, NULL},
    {"GET", "/faults/trace", msim_manage_trace, "The latest hits, oldest first, one in a line",
     NULL, "application/x-ndjson", false, NULL},
    {"DELETE", "/faults/trace", msim_manage_trace_delete, "Forgets these", NULL, NULL, false, NULL},
    {"GET", "/faults/ledger/{name}", msim_manage_ledger,
     "What is true of an account, and what it was told", NULL, NULL, false, NULL},
    {"PUT", "/faults/ledger/{name}", msim_manage_view, "What the robot itself believes",
     "{\"position\":{\"BTC/USD\":\"1.5\"},\"orders\":{\"bot-7\":\"0.5\"}}", NULL, true, NULL},
    {"GET", "/faults/{name}", msim_manage_fault,
     "A strategy: its rule as it stands, and its counts", NULL, NULL, false, "Strategy"},
    {"PATCH", "/faults/{name}", msim_manage_fault_patch, "Changes it: a merge patch (RFC 7396)",
     "{\"p\":0.5}", NULL, true, "Strategy"},
    {"DELETE", "/faults/{name}", msim_manage_fault_delete, "Removes it", NULL, NULL, true, NULL},
    {"POST", "/faults/{name}/enable", msim_manage_fault_enable, "Switches it on", NULL, NULL, true,
     "Strategy"},
    {"POST", "/faults/{name}/disable", msim_manage_fault_disable, "Switches it off", NULL, NULL,
     true, "Strategy"},
    {"GET", "/presets", msim_manage_presets, "Named strategies", NULL, NULL, false, NULL},
    {"GET", "/presets/{name}", msim_manage_preset, "What a preset consists of", NULL, NULL, false,
     NULL},
    {"POST", "/presets/{name}", msim_manage_preset_add,
     "Adds a preset; the body is a merge patch on each of its strategies", "{\"p\":0.5}", NULL,
     true, "Strategies"},
    {"GET", "/scenarios", msim_manage_scenarios, "Those that are kept, and the one that runs", NULL,
     NULL, false, NULL},
    {"POST", "/scenarios", msim_manage_scenario_add, "Keeps a scenario under its name",
     "{\"format\":1,\"name\":\"lossy\",\"strategies\":[],\"timeline\":[],\"expect\":[]}", NULL,
     true, NULL},
    {"GET", "/scenarios/{name}", msim_manage_scenario,
     "The report of the one that runs or ran last", NULL, NULL, false, NULL},
    {"DELETE", "/scenarios/{name}", msim_manage_scenario_delete, "Forgets it", NULL, NULL, true,
     NULL},
    {"POST", "/scenarios/{name}/start", msim_manage_scenario_start, "Starts it", NULL, NULL, true,
     NULL},
    {"POST", "/scenarios/{name}/stop", msim_manage_scenario_stop, "Ends it with a heal", NULL, NULL,
     true, NULL},
    {"GET", "/statistics", msim_manage_statistics, "Counts in the Python simulator's shape", NULL,
     NULL, false, NULL},
    {"GET", "/accounts", msim_manage_accounts, "Names of the accounts", NULL, NULL, false, NULL},
    {"GET", "/accounts/{name}", msim_manage_account, "What an account has", NULL, NULL, false,
     NULL},
    {"POST", "/accounts/{name}/deposit", msim_manage_deposit,
     "Gives it something; it is opened where it is new", "{\"asset\":\"USD\",\"amount\":\"1000\"}",
     NULL, true, NULL},
    {"POST", "/accounts/{name}/withdraw", msim_manage_withdraw, "Takes from what it has free",
     "{\"asset\":\"USD\",\"amount\":\"1000\"}", NULL, true, NULL},
    {"POST", "/accounts/{name}/reset", msim_manage_account_reset,
     "Cancels its orders and makes its balances what they were at first", NULL, NULL, true, NULL},
    {"POST", "/price", msim_manage_price, "The model's price is this from now on",
     "{\"symbol\":\"BTC/USD\",\"price\":\"45000\"}", NULL, true, NULL},
    {"POST", "/halt", msim_manage_halt, "No trading in a symbol, or in all", "{\"symbol\":\"*\"}",
     NULL, true, NULL},
    {"POST", "/resume", msim_manage_resume, "Trading again", "{\"symbol\":\"*\"}", NULL, true,
     NULL},
    {"GET", "/snapshot", msim_manage_snapshot, "The market's whole state as bytes", NULL,
     "application/octet-stream", false, NULL},
};
const size_t msim_manage_path_count = sizeof msim_manage_paths / sizeof msim_manage_paths[0];

/* ---- answers ---- */

static void answer(struct msim_manage_call *call, int status, const char *type,
                   const struct msim_http_header *headers, size_t header_count, const void *bytes,
                   size_t length)
{
    const struct msim_http_answer answer = {
        .status = status,
        .content_type = type,
        .headers = headers,
        .header_count = header_count,
        .body = bytes,
        .body_length = length,
    };

    if (call->exchange && msim_exchange_answer(call->exchange, &answer) < 0)
        msim_exchange_abort(call->exchange);
    call->exchange = NULL;
}

void msim_manage_give(struct msim_manage_call *call, int status, const char *type,
                      const void *bytes, size_t length)
{
    static const struct msim_http_header fresh = {"Cache-Control", "no-store"};

    answer(call, status, type, &fresh, 1, bytes, length);
}

void msim_manage_json(struct msim_manage_call *call, int status, const char *json)
{
    msim_manage_give(call, status, "application/json", json, strlen(json));
}

static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    default:
        return "Service Unavailable";
    }
}

/* "/strategies/0/p (line 3, column 7): words" has its pointer at the front. */
static size_t pointer_length(const char *words)
{
    const char *end = strstr(words, " (line ");

    return words[0] == '/' && end ? (size_t)(end - words) : 0;
}

static size_t write_problem(int status, const char *words, char *out, size_t size)
{
    struct msim_json_writer writer;
    char pointer[MSIM_DETAIL_SIZE + 1];
    size_t length = pointer_length(words);

    snprintf(pointer, sizeof pointer, "#%.*s", (int)length, words);
    msim_json_write_buffer(&writer, out, size);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, "about:blank");
    msim_json_write_key(&writer, "title");
    msim_json_write_text(&writer, title_of(status));
    msim_json_write_key(&writer, "status");
    msim_json_write_integer(&writer, status);
    msim_json_write_key(&writer, "detail");
    msim_json_write_text(&writer, words);
    msim_json_write_key(&writer, "errors");
    msim_json_write_array(&writer);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "pointer");
    msim_json_write_text(&writer, pointer);
    msim_json_write_key(&writer, "detail");
    msim_json_write_text(&writer, words);
    msim_json_write_object_end(&writer);
    msim_json_write_array_end(&writer);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, &length) < 0 ? 0 : length;
}

static void refuse_with(struct msim_manage_call *call, int status, const char *words,
                        const struct msim_http_header *header)
{
    const struct msim_http_header headers[] = {{"Cache-Control", "no-store"},
                                               header ? *header : (struct msim_http_header){0}};
    char text[PROBLEM_MAX];
    size_t length = write_problem(status, words, text, sizeof text);

    answer(call, status, "application/problem+json", headers, header ? 2 : 1, text, length);
}

void msim_manage_refuse(struct msim_manage_call *call, int status, const char *words)
{
    refuse_with(call, status, words, NULL);
}

static int status_of(int result)
{
    switch (result) {
    case MSIM_ERR_INVALID:
    case MSIM_ERR_FORMAT:
    case MSIM_ERR_OVERFLOW:
        return 400;
    case MSIM_ERR_NOT_FOUND:
        return 404;
    case MSIM_ERR_EXISTS:
    case MSIM_ERR_STATE:
    case MSIM_ERR_FUNDS:
    case MSIM_ERR_LIMIT:
        return 409;
    case MSIM_ERR_UNSUPPORTED:
        return 422;
    default:
        return 503;
    }
}

void msim_manage_fail(struct msim_manage_call *call, int result)
{
    msim_manage_refuse(call, status_of(result),
                       call->detail.text[0] ? call->detail.text : msim_result_text(result));
}

void msim_manage_give_json(struct msim_manage_call *call, struct msim_json_writer *writer,
                           struct msim_bytes *bytes)
{
    int r = msim_json_write_end(writer, NULL);

    if (r < 0)
        msim_manage_fail(call, r);
    else
        msim_manage_give(call, 200, "application/json", msim_bytes_front(bytes),
                         msim_bytes_length(bytes));
    msim_bytes_finish(bytes);
}

/* ---- bodies ---- */

static bool known(const struct msim_json_document *document, uint32_t node, const char *const *keys)
{
    const struct msim_json_node *member = &document->nodes[node];

    for (; *keys; keys++)
        if (msim_json_is(document->text, member->key_start, member->key_end, *keys))
            return true;
    return false;
}

static int refuse_key(struct msim_manage_call *call, const struct msim_json_document *document,
                      uint32_t node, const char *const *keys)
{
    char names[128] = "";

    for (; *keys; keys++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", length > 0 ? ", " : "", *keys);
    }
    return msim_json_refuse(document, node, &call->detail, MSIM_ERR_INVALID,
                            "this key is not known here: %s", names[0] ? names : "there is none");
}

static int read_object(struct msim_manage_call *call, struct msim_json_document *document,
                       const char *const *keys)
{
    int r = msim_json_document_read(document, call->body, call->length, NULL,
                                    &call->server->allocator, &call->detail);

    if (r < 0)
        return r;
    if (document->nodes[0].kind != MSIM_JSON_OBJECT)
        return msim_json_refuse(document, 0, &call->detail, MSIM_ERR_INVALID, "not an object");
    for (uint32_t at = document->nodes[0].first; at != MSIM_JSON_NONE;
         at = document->nodes[at].next)
        if (!known(document, at, keys))
            return refuse_key(call, document, at, keys);
    return MSIM_OK;
}

bool msim_manage_read(struct msim_manage_call *call, struct msim_json_document *document,
                      const char *const *keys)
{
    *document = (struct msim_json_document){.allocator = call->server->allocator};
    int r = read_object(call, document, keys);

    if (r >= 0)
        return true;
    msim_manage_fail(call, r);
    msim_json_document_finish(document);
    return false;
}

static uint32_t member_of(struct msim_manage_call *call, const struct msim_json_document *document,
                          const char *key)
{
    uint32_t node = msim_json_member(document, 0, key);
    char words[96];

    if (node == MSIM_JSON_NONE) {
        snprintf(words, sizeof words, "the key \"%s\" is missing", key);
        msim_manage_refuse(call, 400, words);
    }
    return node;
}

bool msim_manage_text(struct msim_manage_call *call, const struct msim_json_document *document,
                      const char *key, char *out, size_t size)
{
    uint32_t node = member_of(call, document, key);

    if (node == MSIM_JSON_NONE)
        return false;
    const struct msim_json_node *value = &document->nodes[node];
    if (value->kind == MSIM_JSON_STRING &&
        msim_json_string(document->text, value->start, value->end, out, size, NULL) >= 0)
        return true;
    msim_manage_fail(call, msim_json_refuse(document, node, &call->detail, MSIM_ERR_INVALID,
                                            "a text of less than %zu bytes is wanted", size));
    return false;
}

bool msim_manage_amount(struct msim_manage_call *call, const struct msim_json_document *document,
                        const char *key, int exponent, int64_t *out)
{
    uint32_t node = member_of(call, document, key);
    int r = MSIM_ERR_INVALID;

    if (node == MSIM_JSON_NONE)
        return false;
    const struct msim_json_node *value = &document->nodes[node];
    if (value->kind == MSIM_JSON_NUMBER)
        r = msim_json_decimal(document->text, value->start, value->end, exponent, out);
    else if (value->kind == MSIM_JSON_STRING && value->end - value->start > 2)
        r = msim_json_decimal(document->text, value->start + 1, value->end - 1, exponent, out);
    if (r >= 0 && *out > 0)
        return true;
    msim_manage_fail(call,
                     msim_json_refuse(document, node, &call->detail, MSIM_ERR_INVALID,
                                      "a number above zero with at most %d decimals is wanted",
                                      -exponent));
    return false;
}

/* ---- requests ---- */

/* Whether the path is the pattern; what stands for its {name} goes into `name`. */
static bool fits(const char *pattern, const char *path, char name[MSIM_MANAGE_NAME_MAX])
{
    while (*pattern && *pattern != '{')
        if (*pattern++ != *path++)
            return false;
    if (!*pattern)
        return !*path;
    size_t length = strcspn(path, "/");
    if (length == 0 || length >= MSIM_MANAGE_NAME_MAX)
        return false;
    memcpy(name, path, length);
    name[length] = '\0';
    return strcmp(strchr(pattern, '}') + 1, path + length) == 0;
}

static const struct msim_manage_path *find(struct msim_manage_call *call, const char *path,
                                           char allowed[64])
{
    size_t length = 0;
    const char *found = NULL;
    const char *method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;

    allowed[0] = '\0';
    for (size_t i = 0; i < msim_manage_path_count; i++) {
        const struct msim_manage_path *candidate = &msim_manage_paths[i];
        /* The first pattern that fits is what the path is: words come before names. */
        if (found ? strcmp(found, candidate->path) != 0 : !fits(candidate->path, path, call->name))
            continue;
        found = candidate->path;
        if (strcmp(candidate->method, method) == 0)
            return candidate;
        length += (size_t)snprintf(allowed + length, 64 - length, "%s%s", length > 0 ? ", " : "",
                                   candidate->method);
    }
    return NULL;
}

static void record(const struct msim_manage_call *call)
{
    const struct msim_native_text texts[] = {
        msim_frame_text(call->method),
        msim_frame_text(call->path),
        msim_frame_text(call->query),
        {call->body, call->length},
    };

    msim_exchange_record(call->server, FRAME_ADMIN, 0, 0, texts, sizeof texts / sizeof texts[0]);
}

static void no_path(struct msim_manage_call *call)
{
    const char *asked =
        call->path + (strncmp(call->path, ROOT "/", sizeof ROOT) == 0 ? sizeof ROOT - 1 : 0);
    struct msim_nearest nearest = {.word = asked};
    char near[160];
    char words[224];

    for (size_t i = 0; i < msim_manage_path_count; i++)
        if (!strchr(msim_manage_paths[i].path, '{'))
            msim_nearest_see(&nearest, msim_manage_paths[i].path);
    msim_nearest_path_words(&nearest, ROOT, near, sizeof near);
    snprintf(words, sizeof words, "%s: GET " ROOT "/openapi.json lists what there is", near);
    msim_manage_refuse(call, 404, words);
}

void msim_exchange_admin_serve(struct msim_manage_call *call)
{
    char allowed[64] = "";
    const struct msim_manage_path *path = NULL;

    if (strncmp(call->path, ROOT "/", sizeof ROOT) == 0)
        path = find(call, call->path + sizeof ROOT - 1, allowed);
    if (!path && allowed[0] != '\0') {
        const struct msim_http_header header = {"Allow", allowed};
        char words[96];
        snprintf(words, sizeof words, "this path takes %s", allowed);
        refuse_with(call, 405, words, &header);
        return;
    }
    if (!path) {
        no_path(call);
        return;
    }
    if (path->changes)
        record(call);
    path->serve(call);
    if (!path->changes)
        return;
    /* What was let go or brought about is told now. */
    msim_exchange_wire_refresh(call->server);
    int r = msim_exchange_wire_run(call->server);
    if (r >= 0)
        r = msim_exchange_outputs(call->server, call->server->now);
    if (r < 0)
        msim_exchange_fail(call->server, r, call->server->detail.text);
    msim_net_wake(call->server->net);
}

static bool is_json(const struct msim_exchange *exchange)
{
    static const char *const wanted[] = {"application/json", "application/merge-patch+json"};
    const char *type = msim_exchange_header(exchange, "Content-Type");

    for (size_t i = 0; type && i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t length = strlen(wanted[i]);
        if (strncmp(type, wanted[i], length) == 0 && strcspn(type, "; \t") == length)
            return true;
    }
    return !type;
}

static void request(void *context, struct msim_exchange *exchange)
{
    struct msim_exchange_admin *admin = context;
    const struct msim_http_request *http = msim_exchange_request(exchange);
    struct msim_manage_call call = {
        .server = admin->server,
        .admin = admin,
        .exchange = exchange,
        .method = http->method,
        .path = http->path,
        .query = http->query,
        .body = (const char *)http->body,
        .length = http->body_length,
    };

    msim_exchange_clock(admin->server);
    if (call.length > 0 && !is_json(exchange))
        msim_manage_refuse(&call, 415,
                           "the body is to be JSON: send Content-Type: application/json");
    else
        msim_exchange_admin_serve(&call);
}

/* ---- the listener ---- */

static void write_metrics(void *context, struct msim_metrics *metrics)
{
    struct msim_exchange_admin *admin = context;
    struct msim_exchange_server *server = admin->server;

    if (server->health.metrics)
        server->health.metrics(server->health.context, metrics);
    msim_fault_metrics(server->faults, &server->allocator, metrics);
}

static int listen_on(struct msim_exchange_admin *admin,
                     const struct msim_exchange_server_params *params, struct msim_access *access,
                     struct msim_detail *detail)
{
    static const struct msim_http_handler handler = {.request = request};
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_route routes[2 + MSIM_HEALTH_ROUTES];

    admin->health = (struct msim_health){.allocator = admin->server->allocator,
                                         .net = admin->server->net,
                                         .metrics = write_metrics,
                                         .context = admin};
    msim_health_routes(&admin->health, routes);
    routes[MSIM_HEALTH_ROUTES] = routes[MSIM_HEALTH_ROUTES - 1];
    routes[MSIM_HEALTH_ROUTES].path = ROOT "/metrics";
    routes[MSIM_HEALTH_ROUTES + 1] = (struct msim_route){
        .path = ROOT "/*",
        .http = &handler,
        .context = admin,
        .max_body_bytes = MSIM_MANAGE_BODY_MAX,
        .max_body_name = "no option sets it",
    };
    listen.host = params->admin_host;
    listen.port = params->admin_port;
    listen.access = access;
    listen.keys_advice = "say with --admin-keys who may change things here";
    listen.limits.max_backlog_bytes = MOST_ADMIN_BACKLOG;
    listen.routes = routes;
    listen.route_count = sizeof routes / sizeof routes[0];
    int r = msim_net_listen(admin->server->net, &admin->listener, &listen, detail);
    if (r >= 0)
        admin->port = msim_listener_port(admin->listener);
    return r < 0 ? msim_detail_prefix(detail, r, "the admin API") : r;
}

int msim_exchange_admin_open(struct msim_exchange_server *server,
                             const struct msim_exchange_server_params *params,
                             struct msim_detail *detail)
{
    struct msim_access_params access = MSIM_ACCESS_PARAMS_INIT;

    if (!params->admin && !server->stage)
        return MSIM_OK;
    struct msim_exchange_admin *admin = msim_mem_zero(&server->allocator, sizeof *admin);
    if (!admin)
        return MSIM_ERR_NOMEM;
    admin->server = server;
    server->admin = admin;
    if (server->stage)
        return MSIM_OK;
    if (params->admin_access)
        return listen_on(admin, params, params->admin_access, detail);
    /* Without keys only this machine is let in, and no page of another site. */
    access.allocator = &server->allocator;
    access.logger = &server->logger;
    int r = msim_access_create(&admin->access, &access, detail);
    return r < 0 ? r : listen_on(admin, params, admin->access, detail);
}

void msim_exchange_admin_stop(struct msim_exchange_server *server)
{
    if (server->admin)
        msim_listener_close(&server->admin->listener);
}

void msim_exchange_admin_close(struct msim_exchange_server *server)
{
    struct msim_exchange_admin *admin = server->admin;

    if (!admin)
        return;
    for (size_t i = 0; i < admin->scenario_count; i++) {
        struct msim_manage_scenario *scenario = &admin->scenarios[i];
        msim_mem_free(&server->allocator, scenario->name, strlen(scenario->name) + 1);
        msim_mem_free(&server->allocator, scenario->json, scenario->length + 1);
    }
    msim_access_destroy(&admin->access);
    msim_mem_free(&server->allocator, admin, sizeof *admin);
    server->admin = NULL;
}
