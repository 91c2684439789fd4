/*
 * The trace: every hit, and where it is full every delivery, in the order in which
 * they happen.
 */
#include "faults/stages.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 320

/* "<label>|in" */
static void name_link(const struct msim_fault_link *link, char name[NAME_SIZE])
{
    if (!link) {
        name[0] = '\0';
        return;
    }
    snprintf(name, NAME_SIZE, "%s|%s", link->session->label,
             link->direction == MSIM_FAULT_IN ? "in" : "out");
}

static void trace_as(struct msim_faults *faults, const char *name, const struct strategy *strategy,
                     const struct view *view, uint64_t ordinal, uint32_t sub, msim_time now,
                     const struct trace_words *words)
{
    char cid[128] = "";

    struct msim_fault_text text = view->message->client_order_id;
    if (text.length > 0 && text.length < sizeof cid) {
        memcpy(cid, text.text, text.length);
        cid[text.length] = '\0';
    }
    const struct msim_fault_trace trace = {
        .time = now,
        .link = name,
        .ordinal = ordinal,
        .sub = sub,
        .type = view->message->type,
        .cid = cid,
        .strategy = strategy->id,
        .kind = msim_fault_kind_name(strategy->kind),
        .action = words->action,
        .detail = words->detail,
        .uniform = words->uniform,
    };
    faults->params.trace(faults->params.context, &trace);
}

void msim_fault_trace_hit(struct msim_faults *faults, const struct msim_fault_link *link,
                          const struct strategy *strategy, const struct view *view,
                          uint64_t ordinal, uint32_t sub, msim_time now,
                          const struct trace_words *words)
{
    char name[NAME_SIZE];

    if (!faults->params.trace)
        return;
    name_link(link, name);
    trace_as(faults, name, strategy, view, ordinal, sub, now, words);
}

void msim_fault_trace_said(struct msim_faults *faults, struct msim_fault_text account,
                           const struct strategy *strategy, const struct view *view,
                           uint64_t ordinal, msim_time now, const struct trace_words *words)
{
    char name[NAME_SIZE];

    if (!faults->params.trace)
        return;
    size_t length = account.length < sizeof name ? account.length : sizeof name - 1;
    if (length > 0)
        memcpy(name, account.text, length);
    name[length] = '\0';
    trace_as(faults, name, strategy, view, ordinal, 0, now, words);
}

void msim_fault_trace_delivery(struct msim_faults *faults, const struct msim_fault_link *link,
                               uint64_t ordinal, uint32_t sub, int type, msim_time now)
{
    char name[NAME_SIZE];

    if (!faults->params.trace)
        return;
    name_link(link, name);
    const struct msim_fault_trace trace = {
        .time = now,
        .link = name,
        .ordinal = ordinal,
        .sub = sub,
        .type = type,
        .cid = "",
        .strategy = "",
        .kind = "deliver",
        .action = "deliver",
    };
    faults->params.trace(faults->params.context, &trace);
}

size_t msim_fault_trace_print(const struct msim_faults *faults,
                              const struct msim_fault_trace *trace, char *out, size_t size)
{
    char line[2048];
    char uniform[17];
    struct msim_json_writer writer;
    size_t length = 0;

    if (!faults || !trace || (!out && size > 0))
        return 0;
    msim_json_write_buffer(&writer, line, sizeof line - 1);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "t");
    msim_json_write_integer(&writer, trace->time);
    msim_json_write_key(&writer, "link");
    msim_json_write_text(&writer, trace->link);
    msim_json_write_key(&writer, "n");
    msim_json_write_unsigned(&writer, trace->ordinal);
    msim_json_write_key(&writer, "sub");
    msim_json_write_unsigned(&writer, trace->sub);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, msim_fault_type_name(trace->type));
    msim_json_write_key(&writer, "cid");
    msim_json_write_text(&writer, trace->cid);
    msim_json_write_key(&writer, "strategy");
    msim_json_write_text(&writer, trace->strategy);
    msim_json_write_key(&writer, "kind");
    msim_json_write_text(&writer, trace->kind);
    msim_json_write_key(&writer, "action");
    msim_json_write_text(&writer, trace->action);
    msim_json_write_key(&writer, "detail");
    msim_json_write_integer(&writer, trace->detail);
    snprintf(uniform, sizeof uniform, "%016llx", (unsigned long long)trace->uniform);
    msim_json_write_key(&writer, "u");
    msim_json_write_text(&writer, uniform);
    if (faults->params.realtime) {
        msim_json_write_key(&writer, "mode");
        msim_json_write_text(&writer, "realtime");
    }
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) < 0)
        return 0;
    line[length++] = '\n';
    if (size > 0) {
        size_t copied = length < size - 1 ? length : size - 1;
        memcpy(out, line, copied);
        out[copied] = '\0';
    }
    return length;
}
