/*
 * The OpenAPI document of the admin API, from the router's own table.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "server/exchange/admin.h"

#define DOCUMENT_MAX ((size_t)64 << 10)
#define PROBLEM                                                                               \
    "{\"type\":\"object\",\"required\":[\"title\",\"status\",\"detail\",\"errors\"],"         \
    "\"properties\":{\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"      \
    "\"detail\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":{\"type\":"    \
    "\"object\",\"required\":[\"pointer\",\"detail\"],\"properties\":{\"pointer\":{\"type\":" \
    "\"string\"},\"detail\":{\"type\":\"string\"}}}}}}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define MOMENT "{\"type\":[\"integer\",\"null\"],\"description\":\"nanoseconds since 1970\"}"
#define STRATEGY                                                                                   \
    "{\"type\":\"object\",\"required\":[\"kind\",\"enabled\",\"rule\",\"seen\",\"matched\","       \
    "\"decided\","                                                                                 \
    "\"hits\",\"shadowed\",\"inapplicable\",\"bytes\",\"first_hit_t\",\"last_hit_t\",\"links\"],"  \
    "\"properties\":{\"kind\":{\"type\":\"string\"},\"enabled\":{\"type\":\"boolean\"},\"rule\":{" \
    "\"type\":\"object\",\"description\":\"the strategy as it stands, as POST /faults takes it\"," \
    "\"required\":[\"id\",\"kind\",\"enabled\"]},\"seen\":" COUNT ",\"matched\":" COUNT            \
    ",\"decided\":" COUNT ",\"hits\":" COUNT ",\"shadowed\":" COUNT ",\"inapplicable\":" COUNT     \
    ",\"bytes\":" COUNT ",\"first_hit_t\":" MOMENT ",\"last_hit_t\":" MOMENT                       \
    ",\"links\":{\"type\":\"object\"}}}"
#define STRATEGIES                                                                                 \
    "{\"type\":\"object\",\"required\":[\"seed\",\"mode\",\"strategies\",\"links\"],"              \
    "\"properties\":{"                                                                             \
    "\"seed\":" COUNT ",\"mode\":{\"enum\":[\"realtime\",\"virtual\"]},\"strategies\":{\"type\":"  \
    "\"object\",\"additionalProperties\":{\"$ref\":\"#/components/schemas/Strategy\"}},\"links\":" \
    "{\"type\":\"object\"}}}"
#define ADDED                                                                                  \
    "{\"oneOf\":[{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":" \
    "\"string\"}}},"                                                                           \
    "{\"$ref\":\"#/components/schemas/Strategies\"}]}"

static void entry(struct msim_json_writer *writer, const char *key, const char *text)
{
    msim_json_write_key(writer, key);
    msim_json_write_text(writer, text);
}

static void raw(struct msim_json_writer *writer, const char *key, const char *json)
{
    msim_json_write_key(writer, key);
    msim_json_write_raw(writer, json, strlen(json));
}

static void open_object(struct msim_json_writer *writer, const char *key)
{
    msim_json_write_key(writer, key);
    msim_json_write_object(writer);
}

static void write_response(struct msim_json_writer *writer, const struct msim_manage_path *path)
{
    char reference[64];

    open_object(writer, "responses");
    open_object(writer, "2XX");
    entry(writer, "description", path->summary);
    open_object(writer, "content");
    open_object(writer, path->type ? path->type : "application/json");
    if (path->answer) {
        open_object(writer, "schema");
        snprintf(reference, sizeof reference, "#/components/schemas/%s", path->answer);
        entry(writer, "$ref", reference);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
    open_object(writer, "default");
    entry(writer, "description", "What was wrong, where, and what would be right");
    open_object(writer, "content");
    open_object(writer, "application/problem+json");
    raw(writer, "schema", "{\"$ref\":\"#/components/schemas/Problem\"}");
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
}

static void write_operation(struct msim_json_writer *writer, const struct msim_manage_path *path)
{
    char method[16];
    size_t length = strlen(path->method);

    for (size_t i = 0; i <= length; i++)
        method[i] = (char)(path->method[i] >= 'A' ? path->method[i] | 0x20 : path->method[i]);
    open_object(writer, method);
    entry(writer, "summary", path->summary);
    msim_json_write_key(writer, "parameters");
    if (strchr(path->path, '{'))
        msim_json_write_raw(writer,
                            "[{\"name\":\"name\",\"in\":\"path\",\"required\":true,\"schema\":"
                            "{\"type\":\"string\"}}]",
                            sizeof "[{\"name\":\"name\",\"in\":\"path\",\"required\":true,"
                                   "\"schema\":{\"type\":\"string\"}}]" -
                                1);
    else
        msim_json_write_raw(writer, "[]", 2);
    if (path->body) {
        open_object(writer, "requestBody");
        open_object(writer, "content");
        open_object(writer, "application/json");
        raw(writer, "example", path->body);
        msim_json_write_object_end(writer);
        msim_json_write_object_end(writer);
        msim_json_write_object_end(writer);
    }
    write_response(writer, path);
    msim_json_write_object_end(writer);
}

/* Operations of one path stand together in the table. */
static void write_paths(struct msim_json_writer *writer)
{
    open_object(writer, "paths");
    for (size_t i = 0; i < msim_manage_path_count; i++) {
        const char *path = msim_manage_paths[i].path;
        if (i == 0 || strcmp(msim_manage_paths[i - 1].path, path) != 0)
            open_object(writer, path);
        write_operation(writer, &msim_manage_paths[i]);
        if (i + 1 == msim_manage_path_count || strcmp(msim_manage_paths[i + 1].path, path) != 0)
            msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

void msim_manage_openapi(struct msim_manage_call *call)
{
    struct msim_json_writer writer;
    size_t length = 0;
    char *text = msim_exchange_list_room(call->server, DOCUMENT_MAX);

    if (!text) {
        msim_manage_fail(call, MSIM_ERR_NOMEM);
        return;
    }
    msim_json_write_buffer(&writer, text, call->server->list_size);
    msim_json_write_object(&writer);
    entry(&writer, "openapi", "3.1.0");
    open_object(&writer, "info");
    entry(&writer, "title", "exchange-server, admin");
    entry(&writer, "version", msim_version());
    msim_json_write_object_end(&writer);
    raw(&writer, "servers", "[{\"url\":\"/admin/v1\"}]");
    write_paths(&writer);
    open_object(&writer, "components");
    open_object(&writer, "schemas");
    raw(&writer, "Problem", PROBLEM);
    raw(&writer, "Strategy", STRATEGY);
    raw(&writer, "Strategies", STRATEGIES);
    raw(&writer, "Added", ADDED);
    msim_json_write_object_end(&writer);
    msim_json_write_object_end(&writer);
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, &length);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        msim_manage_give(call, 200, "application/json", text, length);
}
