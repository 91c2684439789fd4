/*
 * A scenario from the server's start to its verdict: it ends when its last step with a time is
 * over, and waits for what may still come true.
 */
#include "server/exchange/scenario.h"

#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"

#define REPORT_MAX ((size_t)16 << 20)
#define REASON_MAX 512

/* A length of time that the layer has read already, so that it is good; 0 where there is none. */
static msim_time length_of(const struct msim_json_document *document, uint32_t object,
                           const char *key)
{
    uint32_t node = msim_json_member(document, object, key);
    msim_time length = 0;

    if (node == MSIM_JSON_NONE || document->nodes[node].kind != MSIM_JSON_STRING)
        return 0;
    const struct msim_json_node *value = &document->nodes[node];
    if (msim_duration_parse(document->text + value->start + 1, value->end - value->start - 2,
                            &length) < 0)
        return 0;
    return length;
}

static msim_time later(msim_time a, msim_time b)
{
    return a > b ? a : b;
}

static msim_time sum(msim_time a, msim_time b)
{
    return a > MSIM_TIME_NEVER - b ? MSIM_TIME_NEVER : a + b;
}

/* When a step runs for the last time; one that repeats without end counts once. */
static msim_time last_run(const struct msim_json_document *document, uint32_t step)
{
    msim_time at = length_of(document, step, "at");
    msim_time every = length_of(document, step, "every");
    uint32_t node = msim_json_member(document, step, "times");
    int64_t times = 1;

    if (node != MSIM_JSON_NONE)
        msim_json_integer(document->text, document->nodes[node].start, document->nodes[node].end,
                          &times);
    for (; times > 1 && at < MSIM_TIME_NEVER && every > 0; times--)
        at = sum(at, every);
    return at;
}

static uint32_t first_of(const struct msim_json_document *document, const char *key)
{
    uint32_t list = msim_json_member(document, 0, key);

    return list == MSIM_JSON_NONE ? MSIM_JSON_NONE : document->nodes[list].first;
}

static void measure(const struct msim_json_document *document, msim_time *lasts, msim_time *within)
{
    *lasts = 0;
    *within = 0;
    for (uint32_t at = first_of(document, "timeline"); at != MSIM_JSON_NONE;
         at = document->nodes[at].next)
        *lasts = later(*lasts, last_run(document, at));
    for (uint32_t at = first_of(document, "expect"); at != MSIM_JSON_NONE;
         at = document->nodes[at].next)
        *within = later(*within, length_of(document, at, "within"));
}

int msim_exchange_scenario_start(struct msim_exchange_server *server, const char *json,
                                 size_t length, msim_time lasts, struct msim_detail *detail)
{
    struct msim_exchange_scenario *scenario = &server->scenario;
    struct msim_json_document document = {.allocator = server->allocator};
    msim_time measured = 0;
    msim_time within = 0;

    int r = msim_faults_scenario_start(server->faults, server->now, json, length, detail);
    if (r >= 0)
        r = msim_json_document_read(&document, json, length, NULL, &server->allocator, detail);
    if (r < 0)
        return r;
    measure(&document, &measured, &within);
    msim_json_document_finish(&document);
    if (lasts == 0 && measured == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "/timeline: no step has a time: say how long the scenario lasts");
    *scenario = (struct msim_exchange_scenario){
        .is_there = true,
        .ends_at = sum(server->now, lasts != 0 ? lasts : measured),
        .steps_end_at = sum(server->now, measured),
        .within = within,
        .over_at = MSIM_TIME_NEVER,
    };
    return MSIM_OK;
}

/* How many expectations do not hold now. */
static uint64_t open_expectations(const struct msim_exchange_server *server)
{
    uint64_t failures = 0;
    size_t length = 0;

    msim_faults_scenario_report(server->faults, NULL, 0, &length, &failures);
    return failures;
}

static int end(struct msim_exchange_server *server)
{
    struct msim_exchange_scenario *scenario = &server->scenario;

    scenario->over_at = sum(server->now, scenario->within);
    scenario->ended_early = server->now < scenario->steps_end_at;
    return msim_faults_scenario_stop(server->faults, server->now);
}

msim_time msim_exchange_scenario_turn(struct msim_exchange_server *server)
{
    struct msim_exchange_scenario *scenario = &server->scenario;

    if (!scenario->is_there || scenario->is_over)
        return MSIM_TIME_NEVER;
    if (scenario->over_at == MSIM_TIME_NEVER) {
        if (server->now < scenario->ends_at)
            return scenario->ends_at;
        int r = end(server);
        /* Somebody has stopped it by hand: it is over all the same. */
        if (r < 0 && r != MSIM_ERR_STATE)
            msim_exchange_fail(server, r, "");
    }
    scenario->is_over = server->now >= scenario->over_at || open_expectations(server) == 0;
    return scenario->is_over ? MSIM_TIME_NEVER : sum(server->now, MSIM_NS_PER_S / 10);
}

/* ---- the verdict ---- */

static bool fill_text(const struct msim_json_document *report, uint32_t object, const char *key,
                      char *out, size_t size)
{
    uint32_t node = msim_json_member(report, object, key);

    out[0] = '\0';
    return node != MSIM_JSON_NONE && report->nodes[node].kind == MSIM_JSON_STRING &&
           msim_json_string(report->text, report->nodes[node].start, report->nodes[node].end, out,
                            size, NULL) >= 0;
}

static void give_reason(struct msim_json_writer *writer, const char *lead, const char *what,
                        const char *why)
{
    struct msim_detail words;

    msim_detail_set(&words, 0, "%s%s%s%s", lead, what, why[0] ? ": " : "", why);
    msim_json_write_text(writer, words.text);
}

/* Steps that failed, and expectations that do not hold. */
static size_t give_reasons(struct msim_json_writer *writer, const struct msim_json_document *report)
{
    char words[REASON_MAX];
    char what[REASON_MAX];
    size_t count = 0;

    for (uint32_t at = first_of(report, "steps"); at != MSIM_JSON_NONE;
         at = report->nodes[at].next) {
        if (!fill_text(report, at, "why", words, sizeof words))
            continue;
        fill_text(report, at, "do", what, sizeof what);
        give_reason(writer, "a step failed: ", what, words);
        count++;
    }
    for (uint32_t at = first_of(report, "expect"); at != MSIM_JSON_NONE;
         at = report->nodes[at].next) {
        fill_text(report, at, "verdict", words, sizeof words);
        if (strcmp(words, "holds") == 0)
            continue;
        fill_text(report, at, "about", what, sizeof what);
        fill_text(report, at, "why", words, sizeof words);
        give_reason(writer, "an expectation does not hold: ", what, words);
        count++;
    }
    return count;
}

/* The report as a document; its text is in the server's list. */
static int read_report(struct msim_exchange_server *server, struct msim_json_document *report)
{
    size_t length = 0;
    int r = msim_faults_scenario_report(server->faults, NULL, 0, &length, NULL);

    if (r != MSIM_ERR_LIMIT)
        return r;
    char *text = msim_exchange_list_room(server, length + 1);
    if (!text)
        return MSIM_ERR_NOMEM;
    r = msim_faults_scenario_report(server->faults, text, server->list_size, &length, NULL);
    return r < 0 ? r
                 : msim_json_document_read(report, text, length, NULL, &server->allocator, NULL);
}

/* Whether it is met, and all about it. */
static int write_verdict(struct msim_bytes *bytes, const struct msim_json_document *report,
                         bool ended_early)
{
    struct msim_json_writer writer;

    msim_json_write_bytes(&writer, bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "reasons");
    msim_json_write_array(&writer);
    size_t count = give_reasons(&writer, report);
    msim_json_write_array_end(&writer);
    msim_json_write_key(&writer, "met");
    msim_json_write_bool(&writer, count == 0);
    msim_json_write_key(&writer, "ended_early");
    msim_json_write_bool(&writer, ended_early);
    msim_json_write_key(&writer, "report");
    msim_json_write_raw(&writer, report->text, report->length);
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, NULL);
    return r < 0 ? r : count == 0;
}

int msim_exchange_server_verdict(struct msim_exchange_server *server, char *out, size_t size,
                                 size_t *length)
{
    struct msim_json_document report;
    struct msim_bytes bytes;

    if (!server || !length || (!out && size > 0))
        return MSIM_ERR_INVALID;
    if (!server->scenario.is_there)
        return MSIM_ERR_STATE;
    int r = server->scenario.over_at == MSIM_TIME_NEVER ? end(server) : MSIM_OK;
    if (r >= 0 || r == MSIM_ERR_STATE)
        r = read_report(server, &report);
    if (r < 0)
        return r;
    msim_bytes_init(&bytes, REPORT_MAX, &server->allocator);
    r = write_verdict(&bytes, &report, server->scenario.ended_early || !server->scenario.is_over);
    msim_json_document_finish(&report);
    *length = msim_bytes_length(&bytes);
    if (r >= 0 && *length >= size) {
        *length += 1;
        r = MSIM_ERR_LIMIT;
    } else if (r >= 0) {
        memcpy(out, msim_bytes_front(&bytes), *length);
        out[*length] = '\0';
    }
    msim_bytes_finish(&bytes);
    return r;
}

bool msim_exchange_server_scenario_is_over(const struct msim_exchange_server *server)
{
    return server && server->scenario.is_over;
}
