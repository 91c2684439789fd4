/*
 * The failure layer by hand: strategies, presets, scenarios, what they did, and what an account
 * was told.
 */
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "server/exchange/admin.h"

#define LINE_MAX 2048 /* of the trace */

/* ---- texts of the layer ---- */

typedef int text_function(const struct msim_faults *faults, const char *name, char *out,
                          size_t size, size_t *length);

/* A text of any length; refuses the call where there is none. */
static void give_text(struct msim_manage_call *call, int status, text_function *function,
                      const char *name)
{
    struct msim_exchange_server *server = call->server;
    size_t length = 0;
    int r = function(server->faults, name, NULL, 0, &length);

    if (r == MSIM_ERR_LIMIT) {
        char *text = msim_exchange_list_room(server, length + 1);
        r = text ? function(server->faults, name, text, server->list_size, &length)
                 : MSIM_ERR_NOMEM;
    }
    if (r < 0)
        msim_manage_fail(call, r);
    else
        msim_manage_give(call, status, "application/json", server->list, length);
}

static int strategy_text(const struct msim_faults *faults, const char *name, char *out, size_t size,
                         size_t *length)
{
    return msim_faults_statistics(faults, name, out, size, length);
}

static int ledger_text(const struct msim_faults *faults, const char *name, char *out, size_t size,
                       size_t *length)
{
    return msim_faults_ledger_json(faults, name, out, size, length);
}

static int report_text(const struct msim_faults *faults, const char *name, char *out, size_t size,
                       size_t *length)
{
    (void)name;
    return msim_faults_scenario_report(faults, out, size, length, NULL);
}

static int python_text(const struct msim_faults *faults, const char *name, char *out, size_t size,
                       size_t *length)
{
    (void)name;
    return msim_faults_python_statistics(faults, out, size, length);
}

/* ---- names that stand for nothing ---- */

static void not_there(struct msim_manage_call *call, const char *what,
                      const struct msim_nearest *nearest, const char *remedy)
{
    msim_detail_set(&call->detail, MSIM_ERR_NOT_FOUND, "there is no %s \"%s\"%s%s%s: %s", what,
                    call->name, nearest->found ? "; the nearest one is \"" : "",
                    nearest->found ? nearest->found : "", nearest->found ? "\"" : "", remedy);
    msim_manage_fail(call, MSIM_ERR_NOT_FOUND);
}

/* Sees the ids of all strategies; the nearest one is kept in `best`. */
static void see_strategies(const struct msim_json_document *all, struct msim_nearest *nearest,
                           char best[MSIM_FAULT_ID_SIZE])
{
    uint32_t list = msim_json_member(all, 0, "strategies");
    char id[MSIM_FAULT_ID_SIZE];

    for (uint32_t at = list == MSIM_JSON_NONE ? list : all->nodes[list].first; at != MSIM_JSON_NONE;
         at = all->nodes[at].next) {
        const struct msim_json_node *node = &all->nodes[at];
        if (msim_json_string(all->text, node->key_start, node->key_end, id, sizeof id, NULL) < 0)
            continue;
        msim_nearest_see(nearest, id);
        if (nearest->found == id) {
            memcpy(best, id, sizeof id);
            nearest->found = best;
        }
    }
}

static void no_strategy(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    struct msim_json_document all = {.allocator = server->allocator};
    struct msim_nearest nearest = {.word = call->name};
    char best[MSIM_FAULT_ID_SIZE];
    size_t length = 0;

    /* Without memory for the list it is refused with no nearest one. */
    if (msim_faults_statistics(server->faults, NULL, NULL, 0, &length) == MSIM_ERR_LIMIT &&
        msim_exchange_list_room(server, length + 1) &&
        msim_faults_statistics(server->faults, NULL, server->list, server->list_size, &length) >=
            0 &&
        msim_json_document_read(&all, server->list, length, NULL, &server->allocator, NULL) >= 0) {
        see_strategies(&all, &nearest, best);
        msim_json_document_finish(&all);
    }
    not_there(call, "strategy", &nearest, "GET /admin/v1/faults lists them");
}

/* ---- strategies ---- */

void msim_manage_faults(struct msim_manage_call *call)
{
    give_text(call, 200, strategy_text, NULL);
}

static bool is_list(const struct msim_manage_call *call)
{
    for (size_t i = 0; i < call->length; i++)
        if (!strchr(" \t\r\n", call->body[i]))
            return call->body[i] == '[';
    return false;
}

void msim_manage_fault_add(struct msim_manage_call *call)
{
    struct msim_exchange_server *server = call->server;
    char id[MSIM_FAULT_ID_SIZE];
    char location[MSIM_FAULT_ID_SIZE + 32];
    int r;

    if (is_list(call)) {
        r = msim_faults_add_all(server->faults, server->now, call->body, call->length,
                                &call->detail);
        if (r >= 0)
            give_text(call, 201, strategy_text, NULL);
    } else {
        r = msim_faults_add(server->faults, server->now, call->body, call->length, id,
                            &call->detail);
        if (r >= 0) {
            snprintf(location, sizeof location, "{\"id\":\"%s\"}", id);
            msim_manage_json(call, 201, location);
        }
    }
    if (r < 0)
        msim_manage_fail(call, r);
}

/* What became of it, as its counts, or why not. */
static void show(struct msim_manage_call *call, int result)
{
    if (result == MSIM_ERR_NOT_FOUND)
        no_strategy(call);
    else if (result < 0)
        msim_manage_fail(call, result);
    else
        give_text(call, 200, strategy_text, call->name);
}

void msim_manage_fault(struct msim_manage_call *call)
{
    size_t length = 0;
    int r = msim_faults_statistics(call->server->faults, call->name, NULL, 0, &length);

    show(call, r == MSIM_ERR_LIMIT ? MSIM_OK : r);
}

void msim_manage_fault_patch(struct msim_manage_call *call)
{
    show(call, msim_faults_update(call->server->faults, call->server->now, call->name, call->body,
                                  call->length, &call->detail));
}

void msim_manage_fault_enable(struct msim_manage_call *call)
{
    show(call, msim_faults_enable(call->server->faults, call->server->now, call->name));
}

void msim_manage_fault_disable(struct msim_manage_call *call)
{
    show(call, msim_faults_disable(call->server->faults, call->server->now, call->name));
}

static void done(struct msim_manage_call *call, int result)
{
    if (result < 0)
        msim_manage_fail(call, result);
    else
        msim_manage_give(call, 204, NULL, NULL, 0);
}

void msim_manage_fault_delete(struct msim_manage_call *call)
{
    int r = msim_faults_remove(call->server->faults, call->server->now, call->name);

    if (r == MSIM_ERR_NOT_FOUND)
        no_strategy(call);
    else
        done(call, r);
}

void msim_manage_fire(struct msim_manage_call *call)
{
    done(call, msim_faults_fire(call->server->faults, call->server->now, call->body, call->length,
                                &call->detail));
}

void msim_manage_heal(struct msim_manage_call *call)
{
    done(call, msim_faults_heal(call->server->faults, call->server->now));
}

void msim_manage_reset(struct msim_manage_call *call)
{
    done(call, msim_faults_reset(call->server->faults, call->server->now));
}

void msim_manage_statistics(struct msim_manage_call *call)
{
    give_text(call, 200, python_text, NULL);
}

/* ---- the trace ---- */

/* The oldest lines make room: whole ones. */
static void trace_make_room(struct msim_bytes *trace, size_t length)
{
    while (msim_bytes_length(trace) + length > MSIM_MANAGE_TRACE_MAX) {
        const unsigned char *line = msim_bytes_front(trace);
        const unsigned char *end = memchr(line, '\n', msim_bytes_length(trace));
        msim_bytes_take(trace, end ? (size_t)(end - line) + 1 : msim_bytes_length(trace));
    }
}

void msim_exchange_trace(void *context, const struct msim_fault_trace *trace)
{
    struct msim_exchange_server *server = context;
    char line[LINE_MAX];

    if (!server->admin)
        return;
    size_t length = msim_fault_trace_print(server->faults, trace, line, sizeof line);
    if (length == 0 || length >= sizeof line)
        return;
    trace_make_room(&server->trace, length);
    if (msim_bytes_append(&server->trace, line, length) < 0)
        server->trace_lost++;
}

void msim_manage_trace(struct msim_manage_call *call)
{
    msim_manage_give(call, 200, "application/x-ndjson", msim_bytes_front(&call->server->trace),
                     msim_bytes_length(&call->server->trace));
}

void msim_manage_trace_delete(struct msim_manage_call *call)
{
    msim_bytes_take(&call->server->trace, msim_bytes_length(&call->server->trace));
    done(call, MSIM_OK);
}

/* ---- the ledger ---- */

void msim_manage_ledger(struct msim_manage_call *call)
{
    msim_detail_set(&call->detail, MSIM_ERR_NOT_FOUND, "nothing is known of an account \"%s\"",
                    call->name);
    give_text(call, 200, ledger_text, call->name);
}

void msim_manage_view(struct msim_manage_call *call)
{
    int r =
        msim_faults_view(call->server->faults, call->name, call->body, call->length, &call->detail);

    if (r < 0)
        msim_manage_fail(call, r);
    else
        give_text(call, 200, ledger_text, call->name);
}

/* ---- presets ---- */

void msim_manage_presets(struct msim_manage_call *call)
{
    struct msim_json_writer writer;
    struct msim_bytes bytes;
    const char *name;

    msim_bytes_init(&bytes, MSIM_MANAGE_BODY_MAX, &call->server->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "presets");
    msim_json_write_array(&writer);
    for (size_t i = 0; (name = msim_fault_preset_name(i)); i++)
        msim_json_write_text(&writer, name);
    msim_json_write_array_end(&writer);
    msim_json_write_object_end(&writer);
    msim_manage_give_json(call, &writer, &bytes);
}

static void no_preset(struct msim_manage_call *call)
{
    struct msim_nearest nearest = {.word = call->name};
    const char *name;

    for (size_t i = 0; (name = msim_fault_preset_name(i)); i++)
        msim_nearest_see(&nearest, name);
    not_there(call, "preset", &nearest, "GET /admin/v1/presets lists them");
}

void msim_manage_preset(struct msim_manage_call *call)
{
    const char *name;

    for (size_t i = 0; (name = msim_fault_preset_name(i)); i++)
        if (strcmp(name, call->name) == 0) {
            msim_manage_json(call, 200, msim_fault_preset_json(i));
            return;
        }
    no_preset(call);
}

void msim_manage_preset_add(struct msim_manage_call *call)
{
    int r = msim_faults_preset(call->server->faults, call->server->now, call->name,
                               call->length > 0 ? call->body : NULL, call->length, &call->detail);

    if (r == MSIM_ERR_NOT_FOUND) {
        no_preset(call);
    } else if (r == MSIM_ERR_EXISTS) {
        char words[2 * MSIM_MANAGE_NAME_MAX + 160];
        snprintf(
            words, sizeof words,
            "the preset \"%s\" was added already: DELETE /admin/v1/faults/%s.1, and its others "
            "that GET /admin/v1/faults lists, or PATCH them",
            call->name, call->name);
        msim_manage_refuse(call, 409, words);
    } else if (r < 0) {
        msim_manage_fail(call, r);
    } else {
        give_text(call, 201, strategy_text, NULL);
    }
}

/* ---- scenarios ---- */

static struct msim_manage_scenario *scenario_of(struct msim_manage_call *call, const char *name)
{
    for (size_t i = 0; i < call->admin->scenario_count; i++)
        if (strcmp(call->admin->scenarios[i].name, name) == 0)
            return &call->admin->scenarios[i];
    return NULL;
}

/* The name that a report has, "" where there is none; and whether that scenario runs. */
static void current(struct msim_manage_call *call, char name[MSIM_MANAGE_NAME_MAX], bool *runs)
{
    struct msim_exchange_server *server = call->server;
    struct msim_json_document report = {.allocator = server->allocator};
    size_t length = 0;

    name[0] = '\0';
    *runs = false;
    if (msim_faults_scenario_report(server->faults, NULL, 0, &length, NULL) != MSIM_ERR_LIMIT)
        return;
    char *text = msim_exchange_list_room(server, length + 1);
    if (!text ||
        msim_faults_scenario_report(server->faults, text, server->list_size, &length, NULL) < 0 ||
        msim_json_document_read(&report, text, length, NULL, &server->allocator, NULL) < 0)
        return;
    const struct msim_json_node *node = &report.nodes[msim_json_member(&report, 0, "name")];
    if (msim_json_string(text, node->start, node->end, name, MSIM_MANAGE_NAME_MAX, NULL) < 0)
        name[0] = '\0';
    *runs = report.nodes[msim_json_member(&report, 0, "running")].kind == MSIM_JSON_TRUE;
    msim_json_document_finish(&report);
}

void msim_manage_scenarios(struct msim_manage_call *call)
{
    struct msim_json_writer writer;
    struct msim_bytes bytes;
    char name[MSIM_MANAGE_NAME_MAX];
    bool runs;

    current(call, name, &runs);
    msim_bytes_init(&bytes, MSIM_MANAGE_BODY_MAX, &call->server->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "scenarios");
    msim_json_write_array(&writer);
    for (size_t i = 0; i < call->admin->scenario_count; i++)
        msim_json_write_text(&writer, call->admin->scenarios[i].name);
    msim_json_write_array_end(&writer);
    msim_json_write_key(&writer, "running");
    if (runs)
        msim_json_write_text(&writer, name);
    else
        msim_json_write_null(&writer);
    msim_json_write_object_end(&writer);
    msim_manage_give_json(call, &writer, &bytes);
}

static int read_name(struct msim_manage_call *call, char name[MSIM_MANAGE_NAME_MAX])
{
    struct msim_json_document document = {.allocator = call->server->allocator};
    int r = msim_json_document_read(&document, call->body, call->length, NULL,
                                    &call->server->allocator, &call->detail);

    if (r < 0)
        return r;
    uint32_t node = document.nodes[0].kind == MSIM_JSON_OBJECT
                        ? msim_json_member(&document, 0, "name")
                        : MSIM_JSON_NONE;
    if (node == MSIM_JSON_NONE || document.nodes[node].kind != MSIM_JSON_STRING ||
        msim_json_string(document.text, document.nodes[node].start, document.nodes[node].end, name,
                         MSIM_MANAGE_NAME_MAX, NULL) < 0 ||
        name[0] == '\0' || strchr(name, '/'))
        r = msim_json_refuse(
            &document, node == MSIM_JSON_NONE ? 0 : node, &call->detail, MSIM_ERR_INVALID,
            "a scenario has a \"name\" of 1 to %d bytes without '/'", MSIM_MANAGE_NAME_MAX - 1);
    msim_json_document_finish(&document);
    return r;
}

static int keep(struct msim_manage_call *call, const char *name)
{
    const struct msim_allocator *allocator = &call->server->allocator;

    if (scenario_of(call, name))
        return msim_detail_set(&call->detail, MSIM_ERR_EXISTS,
                               "there is a scenario \"%s\" already: DELETE it first", name);
    if (call->admin->scenario_count == MSIM_MANAGE_SCENARIOS)
        return msim_detail_set(&call->detail, MSIM_ERR_LIMIT,
                               "%d scenarios are kept already: DELETE one first",
                               MSIM_MANAGE_SCENARIOS);
    /* A bad one is refused now and not when it starts. */
    int r =
        msim_faults_scenario_check(call->server->faults, call->body, call->length, &call->detail);
    if (r < 0)
        return r;
    struct msim_manage_scenario scenario = {
        msim_mem_text(allocator, name, strlen(name)),
        msim_mem_text(allocator, call->body, call->length),
        call->length,
    };
    if (scenario.name && scenario.json) {
        call->admin->scenarios[call->admin->scenario_count++] = scenario;
        return MSIM_OK;
    }
    msim_mem_free(allocator, scenario.name, strlen(name) + 1);
    msim_mem_free(allocator, scenario.json, call->length + 1);
    return MSIM_ERR_NOMEM;
}

void msim_manage_scenario_add(struct msim_manage_call *call)
{
    char name[MSIM_MANAGE_NAME_MAX];
    char text[2 * MSIM_MANAGE_NAME_MAX * 6];
    struct msim_json_writer writer;
    size_t length = 0;
    int r = read_name(call, name);

    if (r >= 0)
        r = keep(call, name);
    if (r < 0) {
        msim_manage_fail(call, r);
        return;
    }
    msim_json_write_buffer(&writer, text, sizeof text);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "name");
    msim_json_write_text(&writer, name);
    msim_json_write_object_end(&writer);
    msim_json_write_end(&writer, &length);
    msim_manage_give(call, 201, "application/json", text, length);
}

static void no_scenario(struct msim_manage_call *call)
{
    struct msim_nearest nearest = {.word = call->name};

    for (size_t i = 0; i < call->admin->scenario_count; i++)
        msim_nearest_see(&nearest, call->admin->scenarios[i].name);
    not_there(call, "scenario", &nearest, "POST it to /admin/v1/scenarios first");
}

/* The report of the scenario that is running or ran last, if it is the one named. */
void msim_manage_scenario(struct msim_manage_call *call)
{
    char name[MSIM_MANAGE_NAME_MAX];
    bool runs;

    current(call, name, &runs);
    if (strcmp(name, call->name) == 0)
        give_text(call, 200, report_text, NULL);
    else if (scenario_of(call, call->name))
        msim_manage_refuse(call, 409,
                           "this scenario has not been started, or another one was since");
    else
        no_scenario(call);
}

void msim_manage_scenario_delete(struct msim_manage_call *call)
{
    struct msim_manage_scenario *scenario = scenario_of(call, call->name);
    const struct msim_allocator *allocator = &call->server->allocator;

    if (!scenario) {
        no_scenario(call);
        return;
    }
    msim_mem_free(allocator, scenario->name, strlen(scenario->name) + 1);
    msim_mem_free(allocator, scenario->json, scenario->length + 1);
    *scenario = call->admin->scenarios[--call->admin->scenario_count];
    done(call, MSIM_OK);
}

void msim_manage_scenario_start(struct msim_manage_call *call)
{
    const struct msim_manage_scenario *scenario = scenario_of(call, call->name);

    if (!scenario) {
        no_scenario(call);
        return;
    }
    int r = msim_faults_scenario_start(call->server->faults, call->server->now, scenario->json,
                                       scenario->length, &call->detail);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        give_text(call, 200, report_text, NULL);
}

void msim_manage_scenario_stop(struct msim_manage_call *call)
{
    char name[MSIM_MANAGE_NAME_MAX];
    bool runs;

    current(call, name, &runs);
    if (strcmp(name, call->name) != 0 && !scenario_of(call, call->name)) {
        no_scenario(call);
        return;
    }
    if (!runs || strcmp(name, call->name) != 0) {
        msim_manage_refuse(call, 409, "this scenario is not running");
        return;
    }
    int r = msim_faults_scenario_stop(call->server->faults, call->server->now);
    if (r < 0)
        msim_manage_fail(call, r);
    else
        give_text(call, 200, report_text, NULL);
}
