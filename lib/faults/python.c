/*
 * The modes of the Python simulator's configuration, as strategies; and its
 * statistics, in the shape that its users know.
 *
 * A mode becomes one strategy for each of its directions, named
 * "DropMessageStrategy_0.inbound": the number is its place among the strategies of
 * its direction, in the order of the modes below.
 */
#include "faults/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "faults/plan.h"

enum direction {
    INBOUND = 1,
    OUTBOUND = 2,
    BOTH = 3,
};

enum mode {
    PYTHON_DROP,
    PYTHON_DELAY,
    PYTHON_DUPLICATE,
    PYTHON_REORDER,
    PYTHON_CORRUPT,
    PYTHON_THROTTLE,
    PYTHON_SILENT,
    PYTHON_RATE_LIMIT,
    PYTHON_DISCONNECT,
    PYTHON_PHANTOM,
    PYTHON_LATENCY,
    PYTHON_MODES,
};

struct python_mode {
    const char *key;
    const char *class;
    enum direction usual;
};

static const struct python_mode shapes[PYTHON_MODES] = {
    [PYTHON_DROP] = {"drop_messages", "DropMessageStrategy", INBOUND},
    [PYTHON_DELAY] = {"delay_messages", "DelayMessageStrategy", BOTH},
    [PYTHON_DUPLICATE] = {"duplicate_messages", "DuplicateMessageStrategy", OUTBOUND},
    [PYTHON_REORDER] = {"reorder_messages", "ReorderMessagesStrategy", INBOUND},
    [PYTHON_CORRUPT] = {"corrupt_messages", "CorruptMessageStrategy", OUTBOUND},
    [PYTHON_THROTTLE] = {"throttle_messages", "ThrottleMessageStrategy", INBOUND},
    [PYTHON_SILENT] = {"silent_connection", "SilentConnectionStrategy", OUTBOUND},
    [PYTHON_RATE_LIMIT] = {"rate_limit", "RateLimitStrategy", INBOUND},
    [PYTHON_DISCONNECT] = {"disconnect", "DisconnectStrategy", OUTBOUND},
    [PYTHON_PHANTOM] = {"phantom_fills", "PhantomFillStrategy", OUTBOUND},
    [PYTHON_LATENCY] = {"latency", "LatencyStrategy", BOTH},
};

static const char *const mode_keys[PYTHON_MODES][6] = {
    [PYTHON_DROP] = {"enabled", "direction", "probability", NULL},
    [PYTHON_DELAY] = {"enabled", "direction", "probability", "min_ms", "max_ms", NULL},
    [PYTHON_DUPLICATE] = {"enabled", "direction", "probability", "max_duplicates", NULL},
    [PYTHON_REORDER] = {"enabled", "direction", "window_size", NULL},
    [PYTHON_CORRUPT] = {"enabled", "direction", "probability", "corruption_level", NULL},
    [PYTHON_THROTTLE] = {"enabled", "direction", "max_messages_per_second", NULL},
    [PYTHON_SILENT] = {"enabled", "direction", "after_messages", NULL},
    [PYTHON_RATE_LIMIT] = {"enabled", "direction", "baseline_rps", NULL},
    [PYTHON_DISCONNECT] = {"enabled", "direction", "probability", NULL},
    [PYTHON_PHANTOM] = {"enabled", "direction", "probability", NULL},
    [PYTHON_LATENCY] = {"mode", "direction", "enabled", NULL},
};

/* What a mode says, with its defaults. */
struct settings {
    bool enabled;
    enum direction direction;
    int64_t probability; /* parts per 10^9 */
    int64_t min_ms;      /* thousandths of a second, in parts per 10^9 of one */
    int64_t max_ms;
    int64_t count; /* duplicates, window, messages */
    int64_t level;
    int64_t rate;
    bool typical;
};

static struct settings defaults_of(enum mode mode)
{
    struct settings settings = {.direction = shapes[mode].usual, .enabled = true};

    switch (mode) {
    case PYTHON_DROP:
        settings.probability = PPB / 20;
        break;
    case PYTHON_DELAY:
        settings.probability = PPB;
        settings.min_ms = 100 * PPB;
        settings.max_ms = 2000 * PPB;
        break;
    case PYTHON_DUPLICATE:
        settings.probability = PPB / 50;
        settings.count = 2;
        break;
    case PYTHON_REORDER:
        settings.count = 5;
        break;
    case PYTHON_CORRUPT:
        settings.probability = PPB / 100;
        settings.level = PPB / 10;
        break;
    case PYTHON_SILENT:
        settings.count = 50;
        break;
    case PYTHON_DISCONNECT:
    case PYTHON_PHANTOM:
        settings.probability = PPB / 1000;
        break;
    default:
        settings.rate = 10 * PPB;
        break;
    }
    return settings;
}

static int read_settings(const struct plan *plan, enum mode mode, uint32_t node,
                         struct settings *out)
{
    static const char *const directions[] = {"inbound", "outbound", "both", NULL};
    static const char *const latencies[] = {"stable", "typical", NULL};
    int direction = (int)out->direction - 1;
    int latency = 0;
    int r = msim_fault_plan_keys(plan, node, mode_keys[mode], NULL);

    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, node, "enabled"), &out->enabled);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, node, "direction"), directions,
                                   &direction);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "probability"), &out->probability);
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, plan_member(plan, node, "min_ms"), 0, 86400000 * PPB / 10,
                                   &out->min_ms);
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, plan_member(plan, node, "max_ms"), 0, 86400000 * PPB / 10,
                                   &out->max_ms);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, node, "max_duplicates"), 1, COPIES_MOST,
                                    &out->count);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, node, "window_size"), 2, WINDOW_MOST,
                                    &out->count);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "corruption_level"), &out->level);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, node, "after_messages"), 0, INT64_MAX,
                                    &out->count);
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, plan_member(plan, node, "max_messages_per_second"), 1,
                                   1000000000 * PPB, &out->rate);
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, plan_member(plan, node, "baseline_rps"), PPB,
                                   1000000 * PPB, &out->rate);
    if (r == MSIM_OK && mode == PYTHON_LATENCY)
        r = msim_fault_plan_choice(plan, plan_member(plan, node, "mode"), latencies, &latency);
    if (r == MSIM_OK && mode == PYTHON_DELAY && out->min_ms > out->max_ms)
        r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                             "\"min_ms\" is larger than \"max_ms\": exchange them");
    out->direction = (enum direction)(direction + 1);
    out->typical = latency == 1;
    return r;
}

/* ---- writing strategies ---- */

static void put_text(struct msim_json_writer *writer, const char *key, const char *text)
{
    msim_json_write_key(writer, key);
    msim_json_write_text(writer, text);
}

static void put_share(struct msim_json_writer *writer, const char *key, int64_t parts)
{
    msim_json_write_key(writer, key);
    msim_json_write_decimal(writer, parts, -9);
}

static void put_integer(struct msim_json_writer *writer, const char *key, int64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_integer(writer, value);
}

static void put_select(struct msim_json_writer *writer, enum direction direction, bool rest)
{
    msim_json_write_key(writer, "select");
    msim_json_write_object(writer);
    put_text(writer, "dir", direction == INBOUND ? "in" : "out");
    if (rest)
        put_text(writer, "channel", "rest");
    msim_json_write_object_end(writer);
}

/* Milliseconds in parts of 10^9 as whole nanoseconds with a unit. */
static void put_milliseconds(struct msim_json_writer *writer, const char *key, int64_t parts)
{
    char text[32];

    snprintf(text, sizeof text, "%lldns", (long long)(parts / 1000));
    put_text(writer, key, text);
}

static void put_bans(struct msim_json_writer *writer)
{
    static const char bans[] = "[{\"after\":1,\"for\":\"10s\",\"code\":429},"
                               "{\"after\":1,\"within\":\"60s\",\"for\":\"60s\",\"code\":429},"
                               "{\"after\":1,\"for\":\"ever\",\"code\":429}]";

    msim_json_write_key(writer, "ban");
    msim_json_write_raw(writer, bans, sizeof bans - 1);
}

/* exp(mu) ms: the medians of the simulator's two log-normal latencies. */
static void put_latency(struct msim_json_writer *writer, bool typical)
{
    msim_json_write_key(writer, "dist");
    msim_json_write_object(writer);
    put_text(writer, "type", "lognormal");
    put_text(writer, "median", typical ? "148413159ns" : "44701184ns");
    put_share(writer, "sigma", typical ? 3 * PPB / 10 : 2 * PPB / 10);
    msim_json_write_object_end(writer);
}

static void put_mode(struct msim_json_writer *writer, enum mode mode,
                     const struct settings *settings, enum direction direction)
{
    static const char *const kinds[PYTHON_MODES] = {
        "drop",    "delay",    "duplicate", "reorder",      "corrupt", "throttle",
        "session", "throttle", "session",   "phantom_fill", "delay"};

    put_text(writer, "kind", kinds[mode]);
    if (mode != PYTHON_PHANTOM)
        put_select(writer, direction, mode == PYTHON_RATE_LIMIT);
    switch (mode) {
    case PYTHON_DROP:
        put_share(writer, "p", settings->probability);
        break;
    case PYTHON_DELAY:
        put_share(writer, "p", settings->probability);
        msim_json_write_key(writer, "dist");
        msim_json_write_object(writer);
        put_text(writer, "type", "uniform");
        put_milliseconds(writer, "min", settings->min_ms);
        put_milliseconds(writer, "max", settings->max_ms);
        msim_json_write_object_end(writer);
        break;
    case PYTHON_DUPLICATE:
        put_share(writer, "p", settings->probability);
        msim_json_write_key(writer, "copies");
        msim_json_write_array(writer);
        msim_json_write_integer(writer, 1);
        msim_json_write_integer(writer, settings->count);
        msim_json_write_array_end(writer);
        break;
    case PYTHON_REORDER:
        put_text(writer, "mode", "shuffle");
        put_integer(writer, "window", settings->count);
        put_text(writer, "max_wait", "1s");
        break;
    case PYTHON_CORRUPT:
        put_share(writer, "p", settings->probability);
        put_text(writer, "mode", "scramble");
        put_share(writer, "fraction", settings->level);
        break;
    case PYTHON_THROTTLE:
        put_share(writer, "rate", settings->rate);
        put_integer(writer, "burst", 1);
        break;
    case PYTHON_SILENT:
        put_text(writer, "action", "zombie");
        put_text(writer, "when", "instead");
        put_integer(writer, "skip", settings->count);
        put_integer(writer, "max_hits", 1);
        put_text(writer, "count_scope", "link");
        break;
    case PYTHON_RATE_LIMIT:
        put_integer(writer, "burst", settings->rate / PPB);
        put_text(writer, "within", "1s");
        put_text(writer, "on_exceed", "reject");
        put_bans(writer);
        break;
    case PYTHON_DISCONNECT:
        put_share(writer, "p", settings->probability);
        put_text(writer, "action", "fin");
        put_text(writer, "when", "instead");
        break;
    case PYTHON_PHANTOM:
        put_share(writer, "p", settings->probability);
        msim_json_write_key(writer, "select");
        msim_json_write_raw(writer, "{\"type\":\"exec.new\"}", 19);
        put_text(writer, "pick", "newest");
        break;
    default:
        put_latency(writer, settings->typical);
        break;
    }
}

/* ---- reading the configuration ---- */

struct reading {
    struct plan plan;
    struct msim_json_writer writer;
    int places[3]; /* the next number in each direction */
};

static void put_strategy(struct reading *reading, enum mode mode, const struct settings *settings,
                         enum direction direction)
{
    char id[MSIM_FAULT_ID_SIZE];

    snprintf(id, sizeof id, "%s_%d.%s", shapes[mode].class, reading->places[direction]++,
             direction == INBOUND ? "inbound" : "outbound");
    msim_json_write_object(&reading->writer);
    put_text(&reading->writer, "id", id);
    put_mode(&reading->writer, mode, settings, direction);
    msim_json_write_object_end(&reading->writer);
}

static int read_mode(struct reading *reading, enum mode mode, uint32_t node)
{
    struct settings settings = defaults_of(mode);

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    int r = read_settings(&reading->plan, mode, node, &settings);
    if (r < 0 || !settings.enabled)
        return r;
    for (int direction = INBOUND; direction <= OUTBOUND; direction++)
        if ((int)settings.direction & direction)
            put_strategy(reading, mode, &settings, (enum direction)direction);
    return MSIM_OK;
}

static int read_configuration(struct reading *reading, bool *enabled)
{
    static const char *const keys[] = {"enabled", "latency", "modes", NULL};
    const struct plan *plan = &reading->plan;
    const char *known[PYTHON_MODES + 1] = {NULL};
    int r = msim_fault_plan_keys(plan, 0, keys, NULL);

    for (int mode = 0; mode < PYTHON_LATENCY; mode++)
        known[mode] = shapes[mode].key;
    *enabled = true;
    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, 0, "enabled"), enabled);
    uint32_t modes = r == MSIM_OK ? plan_member(plan, 0, "modes") : MSIM_JSON_NONE;
    if (r == MSIM_OK && modes != MSIM_JSON_NONE)
        r = msim_fault_plan_keys(plan, modes, known, NULL);
    msim_json_write_array(&reading->writer);
    for (int mode = 0; r == MSIM_OK && modes != MSIM_JSON_NONE && mode < PYTHON_LATENCY; mode++)
        r = read_mode(reading, (enum mode)mode, plan_member(plan, modes, shapes[mode].key));
    if (r == MSIM_OK)
        r = read_mode(reading, PYTHON_LATENCY, plan_member(plan, 0, "latency"));
    msim_json_write_array_end(&reading->writer);
    return r;
}

int msim_faults_python_modes(struct msim_faults *faults, msim_time now, const char *json,
                             size_t length, struct msim_detail *detail)
{
    struct msim_json_document document;
    struct msim_bytes bytes;
    struct strategy words = {.json = NULL};
    bool enabled = true;

    if (!faults || !json || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "modes are read from JSON, at a time that does not fall");
    struct plan_limits limits = {faults->params.max_delay, 0, NULL, NULL};
    struct reading reading = {.plan = {&document, &limits, &words, detail}};
    int r = msim_json_document_read(&document, json, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    words.arena.allocator = &faults->allocator;
    msim_bytes_init(&bytes, PLAN_MOST_BYTES, &faults->allocator);
    msim_json_write_bytes(&reading.writer, &bytes);
    r = read_configuration(&reading, &enabled);
    int written = msim_json_write_end(&reading.writer, NULL);
    if (r == MSIM_OK)
        r = written;
    if (r == MSIM_OK && enabled)
        r = msim_faults_add_all(faults, now, (const char *)msim_bytes_front(&bytes),
                                msim_bytes_length(&bytes), detail);
    if (r == MSIM_OK)
        faults->python = enabled ? PYTHON_ENABLED : PYTHON_DISABLED;
    msim_bytes_finish(&bytes);
    msim_fault_arena_finish(&words.arena);
    msim_json_document_finish(&document);
    return r;
}

/* ---- statistics ---- */

static int mode_of(const struct strategy *strategy)
{
    for (int mode = 0; mode < PYTHON_MODES; mode++) {
        size_t length = strlen(shapes[mode].class);
        if (strncmp(strategy->id, shapes[mode].class, length) == 0 && strategy->id[length] == '_')
            return mode;
    }
    return -1;
}

static void put_unsigned(struct msim_json_writer *writer, const char *key, uint64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, value);
}

/* Nanoseconds as milliseconds with their decimals. */
static void put_ms(struct msim_json_writer *writer, const char *key, msim_int128 ns)
{
    msim_json_write_key(writer, key);
    msim_json_write_decimal(writer, ns > INT64_MAX ? INT64_MAX : (int64_t)ns, -6);
}

static void put_delays(struct msim_json_writer *writer, const struct series *series)
{
    put_unsigned(writer, "delayed_count", series->count);
    put_ms(writer, "total_delay_ms", series->sum);
    put_ms(writer, "average_delay_ms",
           series->count ? series->sum / (msim_int128)series->count : 0);
}

/* Who is banned now, and who for good. */
static void put_rate_limit(struct msim_json_writer *writer, const struct msim_faults *faults,
                           const struct slot *slot)
{
    uint64_t banned = 0;
    uint64_t permanent = 0;

    for (size_t i = 0; i < slot->bucket_count; i++) {
        const struct bucket *bucket = &slot->buckets[i];
        banned += bucket->used && bucket->banned_until > faults->now;
        permanent += bucket->used && bucket->banned_until == MSIM_TIME_NEVER;
    }
    put_unsigned(writer, "rate_limited_count", slot->kinds->throttle.rejected);
    put_unsigned(writer, "banned_sessions", banned);
    put_unsigned(writer, "permanent_bans", permanent);
}

static void put_silent(struct msim_json_writer *writer, const struct msim_faults *faults,
                       const struct slot *slot, uint32_t index)
{
    uint64_t silent = 0;

    for (size_t i = 0; i < faults->session_capacity; i++)
        silent += faults->sessions[i] && faults->sessions[i]->state == MSIM_FAULT_ACTION_ZOMBIE &&
                  faults->sessions[i]->links[1].gate_slot == index;
    msim_json_write_key(writer, "enabled");
    msim_json_write_bool(writer, slot->strategy->enabled);
    put_unsigned(writer, "message_count", slot->counts.matched);
    put_unsigned(writer, "dropped_count", slot->kinds->silenced + slot->counts.hits);
    put_unsigned(writer, "session_count", silent);
}

static void put_counters(struct msim_json_writer *writer, const struct msim_faults *faults,
                         uint32_t index, enum mode mode)
{
    const struct slot *slot = &faults->slots[index];

    switch (mode) {
    case PYTHON_DROP:
        put_unsigned(writer, "dropped_count", slot->kinds->dropped);
        break;
    case PYTHON_DELAY:
    case PYTHON_LATENCY:
        put_delays(writer, &slot->kinds->drawn);
        break;
    case PYTHON_DUPLICATE:
        put_unsigned(writer, "duplicated_count", slot->kinds->copies);
        break;
    case PYTHON_REORDER:
        put_unsigned(writer, "reordered_count",
                     slot->kinds->reorder.released_by_count +
                         slot->kinds->reorder.released_by_timer);
        put_unsigned(writer, "buffered_count", slot->kinds->reorder.held_now);
        break;
    case PYTHON_CORRUPT:
        put_unsigned(writer, "corrupted_count", slot->kinds->mutations[CORRUPT_SCRAMBLE]);
        break;
    case PYTHON_THROTTLE:
        put_unsigned(writer, "throttled_count", slot->kinds->throttle.delayed);
        break;
    case PYTHON_SILENT:
        put_silent(writer, faults, slot, index);
        break;
    case PYTHON_RATE_LIMIT:
        put_rate_limit(writer, faults, slot);
        break;
    case PYTHON_DISCONNECT:
        put_unsigned(writer, "disconnected_count", slot->kinds->actions[MSIM_FAULT_ACTION_FIN]);
        break;
    default:
        put_unsigned(writer, "phantom_count", slot->kinds->report.emitted);
        break;
    }
}

static void put_direction(struct msim_json_writer *writer, const struct msim_faults *faults,
                          const char *direction)
{
    msim_json_write_key(writer, direction);
    msim_json_write_object(writer);
    for (int mode = 0; mode < PYTHON_MODES; mode++) {
        for (size_t i = 0; i < faults->strategies; i++) {
            uint32_t index = (uint32_t)faults->slot_order[i];
            const struct strategy *strategy = faults->slots[index].strategy;
            const char *dot = strchr(strategy->id, '.');
            char name[MSIM_FAULT_ID_SIZE];
            if (!dot || strcmp(dot + 1, direction) != 0 || mode_of(strategy) != mode)
                continue;
            memcpy(name, strategy->id, (size_t)(dot - strategy->id));
            name[dot - strategy->id] = '\0';
            msim_json_write_key(writer, name);
            msim_json_write_object(writer);
            put_counters(writer, faults, index, (enum mode)mode);
            msim_json_write_object_end(writer);
        }
    }
    msim_json_write_object_end(writer);
}

int msim_faults_python_statistics(const struct msim_faults *faults, char *out, size_t size,
                                  size_t *length)
{
    struct msim_json_writer writer;
    struct msim_bytes bytes;
    bool enabled = false;

    if (!faults || (!out && size > 0) || !length)
        return MSIM_ERR_INVALID;
    for (size_t i = 0; i < faults->strategies; i++)
        enabled = enabled || faults->slots[faults->slot_order[i]].strategy->enabled;
    if (faults->python != PYTHON_NOT_ASKED && faults->strategies == 0)
        enabled = faults->python == PYTHON_ENABLED;
    msim_bytes_init(&bytes, STATISTICS_MOST_BYTES, &faults->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "enabled");
    msim_json_write_bool(&writer, enabled);
    put_direction(&writer, faults, "inbound");
    put_direction(&writer, faults, "outbound");
    msim_json_write_object_end(&writer);
    return msim_fault_give_text(&bytes, msim_json_write_end(&writer, NULL), out, size, length);
}
