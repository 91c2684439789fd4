#include "server/fault_metrics.h"

#include "base/json.h"
#include "base/mem.h"

static void count_strategy(struct msim_metrics *metrics, const struct msim_json_document *document,
                           uint32_t node, const char *key)
{
    const struct msim_json_node *strategy = &document->nodes[node];
    char id[MSIM_FAULT_ID_SIZE];
    int64_t value = 0;
    uint32_t member = msim_json_member(document, node, key);

    if (member == MSIM_JSON_NONE ||
        msim_json_string(document->text, strategy->key_start, strategy->key_end, id, sizeof id,
                         NULL) < 0 ||
        msim_json_integer(document->text, document->nodes[member].start,
                          document->nodes[member].end, &value) < 0)
        return;
    struct msim_metric_label label = {"strategy", id};
    msim_metrics_sample(metrics, &label, 1, (uint64_t)value);
}

static void write_counts(struct msim_metrics *metrics, const struct msim_json_document *document)
{
    static const char *const families[][3] = {
        {"matched", "marketsim_fault_matched_total", "Messages that a strategy's selector matched"},
        {"hits", "marketsim_fault_hits_total", "Messages that a strategy acted on"},
    };
    uint32_t strategies = msim_json_member(document, 0, "strategies");

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        msim_metrics_family(metrics, MSIM_METRIC_COUNTER, families[i][1], families[i][2]);
        if (strategies == MSIM_JSON_NONE)
            continue;
        for (uint32_t at = document->nodes[strategies].first; at != MSIM_JSON_NONE;
             at = document->nodes[at].next)
            count_strategy(metrics, document, at, families[i][0]);
    }
}

/* The counts of all strategies stand in the statistics, which are text. */
void msim_fault_metrics(const struct msim_faults *faults, const struct msim_allocator *allocator,
                        struct msim_metrics *metrics)
{
    struct msim_json_document document = {.allocator = *allocator};
    size_t room = 0, length = 0;

    if (!faults)
        return;
    msim_faults_statistics(faults, NULL, NULL, 0, &room);
    char *text = msim_mem_take(allocator, room);
    if (text && msim_faults_statistics(faults, NULL, text, room, &length) >= 0 &&
        msim_json_document_read(&document, text, length, NULL, allocator, NULL) >= 0) {
        write_counts(metrics, &document);
        msim_json_document_finish(&document);
    } else {
        metrics->failure = MSIM_ERR_NOMEM;
    }
    msim_mem_free(allocator, text, room);
}
