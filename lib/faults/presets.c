/*
 * The named scenarios: each a list of strategies, in the plan's own JSON.
 *
 * Those whose kind this version does not have are known by name, so that asking for
 * one is answered with why not.
 */
#include "faults/stages.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "faults/plan.h"

struct preset {
    const char *name;
    const char *json;
};

#define OUT(types) "\"select\":{\"dir\":\"out\",\"type\":" types "}"
#define IN(types) "\"select\":{\"dir\":\"in\",\"type\":" types "}"
#define FILLS "[\"exec.partial\",\"exec.fill\"]"
#define UNIFORM(min, max) "{\"type\":\"uniform\",\"min\":\"" min "\",\"max\":\"" max "\"}"

static const struct preset presets[] = {
    {"md_gap", "[{\"kind\":\"drop\"," OUT("\"md.depth\"") ",\"p\":0.01}]"},
    {"md_gap_burst", "[{\"kind\":\"drop\"," OUT("\"md.*\"") ",\"ge\":{\"p_gb\":0.01,\"p_bg\":0.2,"
                                                            "\"h_good\":0,\"h_bad\":0.8}}]"},
    {"md_out_of_order",
     "[{\"kind\":\"reorder\"," OUT("\"md.depth\"") ",\"p\":0.05,\"k\":[1,3],"
                                                   "\"lane\":\"symbol\",\"max_wait\":\"1s\"}]"},
    {"md_selective_silence", "[{\"kind\":\"drop\",\"select\":{\"dir\":\"out\",\"type\":\"md.*\","
                             "\"symbol\":\"BTC*\"},\"window\":[\"0s\",\"4m\"]}]"},
    {"md_zombie", "[{\"kind\":\"session\",\"action\":\"zombie\","
                  "\"select\":{\"channel\":\"ws_public\"},\"at\":\"0s\"}]"},
    {"md_lagging", "[{\"kind\":\"delay\"," OUT(
                       "\"md.*\"") ",\"order\":\"link\",\"dist\":{"
                                   "\"type\":\"lognormal\",\"median\":\"2s\",\"sigma\":0.5}}]"},
    {"md_conflated",
     "[{\"kind\":\"throttle\"," OUT("\"md.*\"") ",\"rate\":5,\"on_exceed\":\"conflate\"}]"},
    {"flash_crash_bust", "[{\"kind\":\"venue\",\"do\":\"shock\",\"symbol\":\"BTC/USD\","
                         "\"sweep_levels\":20,\"recover_after\":\"30s\"},"
                         "{\"kind\":\"venue\",\"do\":\"bust_trade\",\"trade\":\"last\","
                         "\"symbol\":\"BTC/USD\",\"at\":\"10m\"}]"},
    {"order_lost", "[{\"kind\":\"drop\"," IN("\"order.new\"") ",\"p\":0.05}]"},
    {"ack_lost",
     "[{\"kind\":\"drop\"," OUT("[\"ack.new\",\"exec.new\"]") ",\"p\":0.05,\"by\":\"cid\"}]"},
    {"cancel_confirm_lost",
     "[{\"kind\":\"drop\"," OUT(
         "[\"ack.cancel\",\"exec.canceled\"]") ",\"p\":0.1,\"by\":\"cid\"},"
                                               "{\"kind\":\"duplicate\"," OUT(
                                                   "[\"ack.cancel\",\"exec.canceled\"]") ",\"p\":0."
                                                                                         "1,"
                                                                                         "\"gap\":"
                                                                                         "\"50ms\"}"
                                                                                         "]"},
    {"unknown_status",
     "[{\"kind\":\"respond\",\"to\":\"order.new\",\"p\":0.1,\"do\":["
     "{\"do\":\"unknown_status\",\"weight\":0.5},"
     "{\"do\":\"unknown_status_not_executed\",\"weight\":0.5}],\"code\":-1007,\"http\":503}]"},
    {"ack_after_timeout", "[{\"kind\":\"delay\"," OUT("\"ack.new\"") ",\"p\":0.1,\"dist\":\"12s\","
                                                                     "\"order\":\"none\"}]"},
    {"accepted_then_disconnect", "[{\"kind\":\"session\",\"action\":\"rst\",\"when\":\"after\"," IN(
                                     "\"order.new\"") ",\"p\":0.02}]"},
    {"fill_before_ack", "[{\"kind\":\"delay\"," OUT("\"ack.new\"") ",\"dist\":" UNIFORM(
                            "200ms", "900ms") ",\"order\":\"none\"}]"},
    {"events_shuffled",
     "[{\"kind\":\"reorder\",\"mode\":\"shuffle\"," OUT(
         "\"exec.*\"") ",\"window\":4,\"lane\":\"order\",\"max_wait\":\"500ms\"}]"},
    {"states_coalesced",
     "[{\"kind\":\"throttle\"," OUT("\"exec.partial\"") ",\"rate\":2,"
                                                        "\"on_exceed\":\"conflate\"}]"},
    {"dup_fill", "[{\"kind\":\"dup_fill\",\"mode\":\"resend\",\"after\":\"0s\",\"p\":0.1}]"},
    {"dup_fill_late", "[{\"kind\":\"dup_fill\",\"mode\":\"resend\",\"after\":\"40m\",\"p\":0.1}]"},
    {"dup_fill_new_id", "[{\"kind\":\"dup_fill\",\"mode\":\"reid\",\"p\":0.1}]"},
    {"fill_never_told", "[{\"kind\":\"drop\"," OUT(FILLS) ",\"p\":0.1}]"},
    {"cancel_fill_race",
     "[{\"kind\":\"delay\"," IN("\"order.cancel\"") ",\"dist\":" UNIFORM(
         "50ms", "500ms") "},"
                          "{\"kind\":\"delay\"," OUT("\"exec.*\"") ",\"dist\":" UNIFORM(
                              "500ms", "900ms") ",\"order\":\"lane:order\"}]"},
    {"replace_fill_race",
     "[{\"kind\":\"delay\"," IN("\"order.replace\"") ",\"dist\":" UNIFORM(
         "50ms", "500ms") "},"
                          "{\"kind\":\"delay\"," OUT("\"exec.*\"") ",\"dist\":" UNIFORM(
                              "500ms", "900ms") ",\"order\":\"lane:order\"}]"},
    {"phantom_fill", "[{\"kind\":\"phantom_fill\",\"rate\":0.05}]"},
    {"phantom_on_canceled", "[{\"kind\":\"phantom_fill\",\"target\":\"closed_order\","
                            "\"select\":{\"type\":\"exec.canceled\"},\"pick\":\"newest\","
                            "\"p\":0.2}]"},
    {"phantom_then_bust", "[{\"kind\":\"phantom_fill\",\"rate\":0.05,\"cum\":\"sticky\","
                          "\"bust\":{\"after\":\"30s\",\"how\":\"event\"}}]"},
    {"trade_bust", "[{\"kind\":\"venue\",\"do\":\"bust_trade\",\"trade\":\"last\","
                   "\"symbol\":\"BTC/USD\",\"at\":\"60s\"}]"},
    {"trade_correct", "[{\"kind\":\"venue\",\"do\":\"correct_trade\",\"trade\":\"last\","
                      "\"symbol\":\"BTC/USD\",\"price\":\"50000\",\"at\":\"60s\"}]"},
    {"forced_24h", "[{\"kind\":\"session\",\"action\":\"close\",\"code\":1001,"
                   "\"max_age\":\"24h\"}]"},
    {"server_shutdown", "[{\"kind\":\"session\",\"action\":\"close\",\"code\":1001,"
                        "\"scope\":\"all\",\"at\":\"0s\","
                        "\"notice\":{\"before\":\"30s\",\"type\":\"serverShutdown\"}}]"},
    {"reconnect_storm", "[{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"all\","
                        "\"at\":\"0s\",\"flap\":{\"times\":10,\"gap\":\"5s\"}}]"},
    {"half_open", "[{\"kind\":\"session\",\"action\":\"half_open\",\"at\":\"0s\","
                  "\"rst_after\":\"5m\"}]"},
    {"freeze_out", "[{\"kind\":\"session\",\"action\":\"freeze_out\",\"at\":\"0s\","
                   "\"duration\":\"30s\"}]"},
    {"no_reads", "[{\"kind\":\"session\",\"action\":\"freeze_in\",\"at\":\"0s\","
                 "\"duration\":\"30s\"}]"},
    {"connect_stall", "[{\"kind\":\"session\",\"action\":\"stall\",\"scope\":\"all\","
                      "\"at\":\"0s\",\"duration\":\"1m\"}]"},
    {"slow_consumer_kick", "[{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1000,"
                           "\"burst\":2000,\"on_exceed\":\"disconnect\",\"code\":1008}]"},
    {"rate_limit", "[{\"kind\":\"throttle\",\"select\":{\"dir\":\"in\"},\"rate\":10,\"burst\":20,"
                   "\"scope\":\"account\",\"on_exceed\":\"reject\"}]"},
    {"ip_ban", "[{\"kind\":\"throttle\",\"select\":{\"dir\":\"in\"},\"rate\":10,\"burst\":20,"
               "\"scope\":\"client\",\"on_exceed\":\"reject\",\"ban\":{\"after\":5,"
               "\"within\":\"10s\",\"for\":\"2m\",\"code\":418}}]"},
    {"overloaded", "[{\"kind\":\"respond\",\"to\":\"order.*\",\"do\":\"reject\",\"code\":-1008,"
                   "\"http\":503,\"ge_time\":{\"mean_good\":\"20s\",\"mean_bad\":\"5s\","
                   "\"h_good\":0,\"h_bad\":0.5}}]"},
    {"maintenance", "[{\"kind\":\"venue\",\"do\":\"maintenance\",\"policy\":\"hold\"},"
                    "{\"kind\":\"venue\",\"do\":\"resume\",\"at\":\"5m\"}]"},
    {"cancel_only", "[{\"kind\":\"venue\",\"do\":\"cancel_only\"}]"},
    {"post_only", "[{\"kind\":\"venue\",\"do\":\"post_only\"}]"},
    {"symbol_halt", "[{\"kind\":\"venue\",\"do\":\"halt\",\"symbol\":\"BTC/USD\"},"
                    "{\"kind\":\"venue\",\"do\":\"resume\",\"symbol\":\"BTC/USD\",\"at\":\"1m\"}]"},
    {"tick_change", "[{\"kind\":\"venue\",\"do\":\"tick_change\",\"symbol\":\"BTC/USD\","
                    "\"tick\":\"0.5\"}]"},
    {"dead_man", "[{\"kind\":\"session\",\"action\":\"half_open\",\"at\":\"0s\"}]"},
    {"clock_skew", "[{\"kind\":\"clock\",\"offset\":\"1500ms\"}]"},
    {"clock_step", "[{\"kind\":\"clock\",\"step\":\"-5s\"}]"},
    {"json_truncated", "[{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},\"mode\":\"truncate\","
                       "\"p\":0.02}]"},
    {"html_instead_of_json", "[{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\","
                             "\"channel\":\"rest\"},\"mode\":\"garbage\",\"with\":\"html\","
                             "\"p\":0.05}]"},
    {"ws_fragments", "[{\"kind\":\"slice\",\"select\":{\"dir\":\"out\",\"channel\":["
                     "\"ws_public\",\"ws_private\",\"ws_api\"]},\"chunk\":[1,40],"
                     "\"fragment\":true}]"},
    {"unknown_event_type", "[{\"kind\":\"inject\",\"rate\":0.1,\"template\":"
                           "\"{\\\"type\\\":\\\"X_UNKNOWN_EVENT\\\",\\\"timestamp\\\":"
                           "\\\"${now}\\\",\\\"value\\\":\\\"${rand_u64}\\\"}\"}]"},
    {"unknown_enum", "[{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},"
                     "\"mode\":\"enum_unknown\",\"p\":0.02}]"},
    {"null_fields", "[{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},\"mode\":\"field_null\","
                    "\"p\":0.02}]"},
    {"sci_numbers", "[{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},\"mode\":\"num_exp\","
                    "\"p\":0.05}]"},
    {"string_numbers", "[{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},"
                       "\"mode\":\"type_swap\",\"p\":0.05}]"},
    {"funding_as_fill", "[{\"kind\":\"inject\",\"rate\":0.01,\"type\":\"exec.fill\","
                        "\"template\":\"{\\\"type\\\":\\\"ORDER_FILL\\\",\\\"fill_type\\\":"
                        "\\\"FUNDING\\\",\\\"timestamp\\\":\\\"${now}\\\",\\\"symbol\\\":"
                        "\\\"BTC/USD\\\",\\\"quantity\\\":\\\"0\\\",\\\"fee\\\":\\\"0.12\\\"}\"}]"},
    {"restated_event", "[{\"kind\":\"inject\",\"select\":{\"type\":\"exec.partial\"},\"p\":0.1,"
                       "\"type\":\"exec.replaced\",\"template\":\"{\\\"type\\\":"
                       "\\\"ORDER_RESTATED\\\",\\\"timestamp\\\":\\\"${now}\\\",\\\"order_id\\\":"
                       "\\\"${order_id}\\\",\\\"client_order_id\\\":\\\"${cid}\\\"}\"}]"},
    {"snapshot_again", "[{\"kind\":\"inject\",\"rate\":0.05,\"type\":\"md.snapshot\","
                       "\"to\":{\"channel\":\"ws_public\",\"symbol\":\"BTC/USD\"},\"template\":"
                       "\"{\\\"type\\\":\\\"ORDERBOOK_UPDATE\\\",\\\"snapshot\\\":true,"
                       "\\\"timestamp\\\":\\\"${now}\\\",\\\"symbol\\\":\\\"${symbol}\\\","
                       "\\\"sequence\\\":${seq},\\\"bids\\\":[],\\\"asks\\\":[]}\"}]"},
    {"dup_order_retry", "[{\"kind\":\"duplicate\"," IN("\"order.new\"") ",\"p\":0.1,\"copies\":1,"
                                                                        "\"gap\":\"100ms\"}]"},
};

static const struct preset later[] = {
    {"md_seq_reset", "md_lie"},
    {"md_snapshot_behind", "md_lie"},
    {"md_crossed", "md_lie"},
    {"md_zero_trade", "md_lie"},
    {"md_dust_trade", "md_lie"},
    {"md_bad_checksum", "md_lie"},
    {"md_bad_tick", "md_lie"},
    {"ghost_settlement", "view: overlay"},
    {"rest_lag", "stale_read"},
    {"young_order_missing", "stale_read"},
    {"open_orders_flicker", "stale_read"},
    {"listen_key_expired", "expire_listen_key"},
    {"listen_key_silent", "expire_listen_key"},
    {"everything_bad", "swarm"},
};

#define PRESETS (sizeof presets / sizeof *presets)

const char *msim_fault_preset_name(size_t index)
{
    return index < PRESETS ? presets[index].name : NULL;
}

const char *msim_fault_preset_json(size_t index)
{
    return index < PRESETS ? presets[index].json : NULL;
}

static int unknown(const char *name, struct msim_detail *detail)
{
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(later[i].name, name) == 0)
            return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                                   "the preset \"%s\" needs %s, which is not in this version", name,
                                   later[i].json);
    return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                           "there is no preset \"%s\": docs/faults.md lists them", name);
}

/* One strategy of the preset with its id and the overrides on it. */
static int append_one(const struct msim_json_document *document, uint32_t node, const char *name,
                      size_t number, const char *overrides, size_t length, struct msim_bytes *out,
                      const struct msim_allocator *allocator, struct msim_detail *detail)
{
    const struct msim_json_node *value = &document->nodes[node];
    char id[80];
    struct msim_json_writer writer;
    struct msim_bytes named;
    size_t used = 0;

    msim_json_write_buffer(&writer, id, sizeof id);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "id");
    char text[64];
    size_t name_length = strlen(name);
    memcpy(text, name, name_length);
    text[name_length] = '.';
    text[name_length + 1] = (char)('0' + number);
    msim_json_write_string(&writer, text, name_length + 2);
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, &used);
    msim_bytes_init(&named, PLAN_MOST_BYTES, allocator);
    if (r == MSIM_OK)
        r = msim_fault_merge_patch(id, used, document->text + value->start,
                                   value->end - value->start, &named, allocator, detail);
    if (r == MSIM_OK && overrides)
        r = msim_fault_merge_patch((const char *)msim_bytes_front(&named),
                                   msim_bytes_length(&named), overrides, length, out, allocator,
                                   detail);
    else if (r == MSIM_OK)
        r = msim_bytes_append(out, msim_bytes_front(&named), msim_bytes_length(&named));
    msim_bytes_finish(&named);
    return r;
}

static int append_all(const struct preset *preset, const char *overrides, size_t length,
                      struct msim_bytes *out, const struct msim_allocator *allocator,
                      struct msim_detail *detail)
{
    struct msim_json_document document;
    size_t number = 0;
    int r = msim_json_document_read(&document, preset->json, strlen(preset->json), NULL, allocator,
                                    detail);
    if (r < 0)
        return r;

    r = msim_bytes_append(out, "[", 1);
    for (uint32_t at = document.nodes[0].first; r == MSIM_OK && at != MSIM_JSON_NONE;
         at = document.nodes[at].next) {
        if (number++ > 0)
            r = msim_bytes_append(out, ",", 1);
        if (r == MSIM_OK)
            r = append_one(&document, at, preset->name, number, overrides, length, out, allocator,
                           detail);
    }
    if (r == MSIM_OK)
        r = msim_bytes_append(out, "]", 1);
    msim_json_document_finish(&document);
    return r;
}

int msim_faults_preset(struct msim_faults *faults, msim_time now, const char *name,
                       const char *overrides, size_t length, struct msim_detail *detail)
{
    struct msim_json_document sent = {.text = overrides};
    struct msim_bytes list;
    size_t index = 0;

    if (!faults || !name || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a preset is added by name, at a time that does not fall");
    while (index < PRESETS && strcmp(presets[index].name, name) != 0)
        index++;
    if (index == PRESETS)
        return unknown(name, detail);
    int r = overrides ? msim_json_document_read(&sent, overrides, length, NULL, &faults->allocator,
                                                detail)
                      : MSIM_OK;
    if (r < 0)
        return r;
    msim_bytes_init(&list, PLAN_MOST_BYTES, &faults->allocator);
    r = append_all(&presets[index], overrides, length, &list, &faults->allocator, detail);
    faults->adds_preset = true;
    if (r == MSIM_OK)
        r = msim_fault_add_text(faults, now, (const char *)msim_bytes_front(&list),
                                msim_bytes_length(&list), overrides ? &sent : NULL, detail);
    faults->adds_preset = false;
    msim_bytes_finish(&list);
    msim_json_document_finish(&sent);
    return r;
}
