/*
 * The OpenAPI document: the paths from the router's own table, the schemas beside it.
 */
#include "server/exchange/rest.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define DOCUMENT_MAX ((size_t)64 << 10)

#define TEXT "{\"type\":\"string\"}"
#define DECIMAL "{\"type\":\"string\",\"pattern\":\"^-?[0-9]+([.][0-9]+)?$\"}"
#define DECIMAL_OR_NULL "{\"type\":[\"string\",\"null\"],\"pattern\":\"^-?[0-9]+([.][0-9]+)?$\"}"
#define MOMENT "{\"type\":\"string\",\"format\":\"date-time\"}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define MAP "{\"type\":\"object\",\"additionalProperties\":" DECIMAL "}"

/* Members that are always there; others may come beside them. */
struct member {
    const char *name;
    const char *schema;
};

struct schema {
    const char *name;
    struct member members[16];
};

static const struct schema schemas[] = {
    {"Any", {{NULL, NULL}}},
    {"Problem",
     {{"error", TEXT}, {"code", TEXT}, {"title", TEXT}, {"status", COUNT}, {"detail", TEXT}}},
    {"Health", {{"status", TEXT}, {"service", TEXT}, {"version", TEXT}, {"timestamp", MOMENT}}},
    {"Instrument",
     {{"symbol", TEXT},
      {"base_asset", TEXT},
      {"quote_asset", TEXT},
      {"tick_size", DECIMAL},
      {"lot_size", DECIMAL},
      {"min_notional", DECIMAL},
      {"maker_fee", DECIMAL},
      {"taker_fee", DECIMAL},
      {"state", TEXT}}},
    {"Symbols", {{"symbols", LIST(TEXT)}, {"instruments", LIST(REF("Instrument"))}}},
    {"Ticker",
     {{"symbol", TEXT},
      {"last_price", DECIMAL},
      {"bid", DECIMAL_OR_NULL},
      {"ask", DECIMAL_OR_NULL},
      {"bid_quantity", DECIMAL},
      {"ask_quantity", DECIMAL},
      {"volume_24h", DECIMAL},
      {"high_24h", DECIMAL},
      {"low_24h", DECIMAL},
      {"timestamp", MOMENT}}},
    {"Level", {{"price", DECIMAL}, {"quantity", DECIMAL}}},
    {"OrderBook",
     {{"symbol", TEXT},
      {"bids", LIST(REF("Level"))},
      {"asks", LIST(REF("Level"))},
      {"timestamp", MOMENT}}},
    {"Trade",
     {{"trade_id", TEXT},
      {"price", DECIMAL},
      {"quantity", DECIMAL},
      {"side", "{\"enum\":[\"BUY\",\"SELL\"]}"},
      {"timestamp", MOMENT}}},
    {"Trades", {{"symbol", TEXT}, {"trades", LIST(REF("Trade"))}, {"timestamp", MOMENT}}},
    {"Candle",
     {{"symbol", TEXT},
      {"interval", TEXT},
      {"start", MOMENT},
      {"open", DECIMAL},
      {"high", DECIMAL},
      {"low", DECIMAL},
      {"close", DECIMAL},
      {"volume", DECIMAL},
      {"trades", COUNT},
      {"closed", "{\"type\":\"boolean\"}"}}},
    {"Candles", {{"candles", LIST(REF("Candle"))}, {"timestamp", MOMENT}}},
    {"Price",
     {{"timestamp", MOMENT},
      {"price", DECIMAL_OR_NULL},
      {"bid", DECIMAL_OR_NULL},
      {"ask", DECIMAL_OR_NULL}}},
    {"History", {{"symbol", TEXT}, {"history", LIST(REF("Price"))}}},
    {"Order",
     {{"order_id", TEXT},
      {"client_order_id", "{\"type\":[\"string\",\"null\"]}"},
      {"symbol", TEXT},
      {"side", "{\"enum\":[\"BUY\",\"SELL\"]}"},
      {"type", TEXT},
      {"status", TEXT},
      {"price", DECIMAL_OR_NULL},
      {"quantity", DECIMAL},
      {"filled_quantity", DECIMAL},
      {"remaining_quantity", DECIMAL},
      {"average_price", DECIMAL_OR_NULL},
      {"time_in_force", TEXT},
      {"created_at", MOMENT},
      {"updated_at", MOMENT}}},
    {"Orders", {{"orders", LIST(REF("Order"))}, {"timestamp", MOMENT}}},
    {"Cancelled", {{"order_id", TEXT}, {"status", "{\"const\":\"cancelled\"}"}}},
    {"CancelledAll", {{"count", COUNT}}},
    {"Balance", {{"balances", MAP}, {"available", MAP}, {"timestamp", MOMENT}}},
    {"Position",
     {{"symbol", TEXT},
      {"asset", TEXT},
      {"quantity", DECIMAL},
      {"average_price", DECIMAL_OR_NULL},
      {"unrealized_pnl", DECIMAL},
      {"realized_pnl", DECIMAL},
      {"timestamp", MOMENT}}},
    {"Fill",
     {{"fill_id", TEXT},
      {"order_id", TEXT},
      {"symbol", TEXT},
      {"side", "{\"enum\":[\"BUY\",\"SELL\"]}"},
      {"price", DECIMAL},
      {"quantity", DECIMAL},
      {"filled_quantity", DECIMAL},
      {"remaining_quantity", DECIMAL},
      {"status", TEXT},
      {"is_maker", "{\"type\":\"boolean\"}"},
      {"fee", DECIMAL},
      {"fee_asset", TEXT},
      {"trade_id", TEXT},
      {"timestamp", MOMENT}}},
    {"Fills", {{"fills", LIST(REF("Fill"))}}},
};

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

static void write_schema(struct msim_json_writer *writer, const struct schema *schema)
{
    open_object(writer, schema->name);
    entry(writer, "type", "object");
    if (schema->members[0].name) {
        msim_json_write_key(writer, "required");
        msim_json_write_array(writer);
        for (size_t i = 0; i < 16 && schema->members[i].name; i++)
            msim_json_write_text(writer, schema->members[i].name);
        msim_json_write_array_end(writer);
        open_object(writer, "properties");
        for (size_t i = 0; i < 16 && schema->members[i].name; i++)
            raw(writer, schema->members[i].name, schema->members[i].schema);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

static void write_parameter(struct msim_json_writer *writer, const char *name, size_t length,
                            const char *place, bool required)
{
    msim_json_write_object(writer);
    msim_json_write_key(writer, "name");
    msim_json_write_string(writer, name, length);
    entry(writer, "in", place);
    msim_json_write_key(writer, "required");
    msim_json_write_bool(writer, required);
    raw(writer, "schema", TEXT);
    msim_json_write_object_end(writer);
}

/* "symbol! limit": parted by spaces, a '!' behind what is needed. */
static void write_parameters(struct msim_json_writer *writer, const struct msim_exchange_path *path)
{
    msim_json_write_key(writer, "parameters");
    msim_json_write_array(writer);
    write_parameter(writer, "X-Session-ID", 12, "header", false);
    write_parameter(writer, "session", 7, "query", false);
    if (strchr(path->path, '*'))
        write_parameter(writer, "id", 2, "path", true);
    for (const char *at = path->query; *at;) {
        size_t length = strcspn(at, " ");
        bool required = at[length - 1] == '!';
        write_parameter(writer, at, length - required, "query", required);
        at += length + (at[length] == ' ');
    }
    msim_json_write_array_end(writer);
}

static void write_response(struct msim_json_writer *writer, const char *status, const char *words,
                           const char *type, const char *schema)
{
    char reference[96];

    snprintf(reference, sizeof reference, "{\"$ref\":\"#/components/schemas/%s\"}", schema);
    open_object(writer, status);
    entry(writer, "description", words);
    open_object(writer, "content");
    open_object(writer, type);
    raw(writer, "schema", reference);
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
}

static void write_operation(struct msim_json_writer *writer, const struct msim_exchange_path *path)
{
    char method[16];
    size_t length = strlen(path->method);
    bool places = path->request == MSIM_NATIVE_PLACE_ORDER;

    for (size_t i = 0; i <= length; i++)
        method[i] = (char)(path->method[i] >= 'A' ? path->method[i] | 0x20 : path->method[i]);
    open_object(writer, method);
    entry(writer, "summary", path->summary);
    write_parameters(writer, path);
    if (places || path->request == MSIM_NATIVE_REPLACE_ORDER)
        raw(writer, "requestBody",
            "{\"required\":true,\"content\":{\"application/json\":{\"schema\":" REF("Any") "}}}");
    open_object(writer, "responses");
    write_response(writer, places ? "201" : "200", path->summary, "application/json", path->answer);
    write_response(writer, "default", "What was wrong, and what would be right",
                   "application/problem+json", "Problem");
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
}

/* Operations of one path stand together, wherever they are in the table. */
static void write_paths(struct msim_json_writer *writer)
{
    open_object(writer, "paths");
    for (size_t i = 0; i < msim_exchange_path_count; i++) {
        const struct msim_exchange_path *path = &msim_exchange_paths[i];
        bool is_first = path->method != NULL;
        char name[64];
        for (size_t j = 0; j < i; j++)
            if (strcmp(msim_exchange_paths[j].path, path->path) == 0)
                is_first = false;
        if (!is_first)
            continue;
        size_t length = strcspn(path->path, "*");
        snprintf(name, sizeof name, "%.*s%s", (int)length, path->path,
                 path->path[length] ? "{id}" : "");
        open_object(writer, name);
        for (size_t j = i; j < msim_exchange_path_count; j++)
            if (strcmp(msim_exchange_paths[j].path, path->path) == 0)
                write_operation(writer, &msim_exchange_paths[j]);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

void msim_exchange_rest_openapi(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const char *body, size_t length)
{
    struct msim_json_writer writer;
    size_t size = 0;
    char *list = msim_exchange_list_room(server, DOCUMENT_MAX);

    (void)body;
    (void)length;
    if (list) {
        msim_json_write_buffer(&writer, list, server->list_size);
        msim_json_write_object(&writer);
        entry(&writer, "openapi", "3.1.0");
        open_object(&writer, "info");
        entry(&writer, "title", "exchange-server");
        entry(&writer, "version", msim_version());
        entry(&writer, "summary", "An exchange on one's own machine");
        msim_json_write_object_end(&writer);
        write_paths(&writer);
        open_object(&writer, "components");
        open_object(&writer, "schemas");
        for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
            write_schema(&writer, &schemas[i]);
        msim_json_write_object_end(&writer);
        msim_json_write_object_end(&writer);
        msim_json_write_object_end(&writer);
        if (msim_json_write_end(&writer, &size) < 0)
            size = 0;
    }
    if (size > 0)
        msim_exchange_rest_answer(server, call, 200, MSIM_FAULT_RESP_QUERY, list, size);
    else
        msim_exchange_rest_error(server, call, 503, MSIM_NATIVE_INTERNAL,
                                 "no memory for this answer now: ask again");
}
