/*
 * Selectors and activation.
 */
#include <string.h>

#include "base/detail.h"
#include "faults/plan.h"

/* ---- selectors ---- */

static const char *const select_keys[] = {"dir",      "channel",  "label", "account",
                                          "symbol",   "cid",      "side",  "type",
                                          "size_min", "size_max", "not",   NULL};

#define ALL_CHANNELS ((1U << (MSIM_FAULT_INPROC + 1)) - 1)
#define BOTH_DIRECTIONS (1U << MSIM_FAULT_IN | 1U << MSIM_FAULT_OUT)
#define PATTERNS_MOST 1024

/* The items of a list, or the one value that stands in its place. */
static uint32_t first_item(const struct plan *plan, uint32_t node, uint32_t *count)
{
    const struct msim_json_node *value = &plan->document->nodes[node];

    if (value->kind != MSIM_JSON_ARRAY) {
        *count = 1;
        return node;
    }
    *count = value->count;
    return value->first;
}

static uint32_t next_item(const struct plan *plan, uint32_t list, uint32_t item)
{
    return item == list ? MSIM_JSON_NONE : plan->document->nodes[item].next;
}

static int refuse_empty(const struct plan *plan, uint32_t node)
{
    return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                            "a list of 1..%d values is wanted here; leave the key away to match "
                            "all",
                            PATTERNS_MOST);
}

static int read_patterns(const struct plan *plan, uint32_t node, struct patterns *out)
{
    uint32_t count;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    uint32_t item = first_item(plan, node, &count);
    if (count == 0 || count > PATTERNS_MOST)
        return refuse_empty(plan, node);
    out->items = msim_fault_arena_take(&plan->strategy->arena, count * sizeof *out->items);
    if (!out->items)
        return MSIM_ERR_NOMEM;
    for (; item != MSIM_JSON_NONE; item = next_item(plan, node, item)) {
        struct pattern *pattern = &out->items[out->count++];
        int r = msim_fault_plan_text(plan, item, &pattern->text, &pattern->length);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* One that is not traded here would match nothing, and nobody would learn of it. */
static int read_symbols(const struct plan *plan, uint32_t node, struct patterns *out)
{
    uint32_t count;
    int r = read_patterns(plan, node, out);
    uint32_t item = node == MSIM_JSON_NONE ? node : first_item(plan, node, &count);

    for (size_t i = 0; r == MSIM_OK && i < out->count; i++) {
        r = msim_fault_plan_symbol(plan, item, out->items[i].text);
        item = next_item(plan, node, item);
    }
    return r;
}

uint64_t msim_fault_plan_types(const char *text, size_t length)
{
    struct pattern pattern = {text, length};
    bool star = length > 0 && text[length - 1] == '*';
    bool names_sys = length >= 3 && memcmp(text, "sys", 3) == 0;
    uint64_t types = 0;

    if (memchr(text, '?', length) || (memchr(text, '*', length) && !star))
        return 0;
    if (star && memchr(text, '*', length - 1))
        return 0;
    for (int type = 0; type < MSIM_FAULT_TYPES; type++) {
        const char *name = msim_fault_type_name(type);
        if (msim_fault_glob(&pattern, name, strlen(name)) &&
            (names_sys || !(SYS_TYPES >> type & 1)))
            types |= UINT64_C(1) << type;
    }
    return types;
}

static int read_types(const struct plan *plan, uint32_t node, uint64_t *out)
{
    uint32_t count;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    uint32_t item = first_item(plan, node, &count);
    if (count == 0 || count > PATTERNS_MOST)
        return refuse_empty(plan, node);
    *out = 0;
    for (; item != MSIM_JSON_NONE; item = next_item(plan, node, item)) {
        const char *text = NULL;
        size_t length = 0;
        int r = msim_fault_plan_text(plan, item, &text, &length);
        if (r < 0)
            return r;
        uint64_t types = msim_fault_plan_types(text, length);
        if (types == 0)
            return msim_json_refuse(plan->document, item, plan->detail, MSIM_ERR_INVALID,
                                    "no message type matches this: order.new, exec.*, md.depth, "
                                    "... (docs/faults.md lists them)");
        *out |= types;
    }
    return MSIM_OK;
}

static int read_channels(const struct plan *plan, uint32_t node, unsigned *out)
{
    static const char *const names[] = {"ws_public", "ws_private", "ws_api", "rest",
                                        "fix",       "inproc",     NULL};
    uint32_t count;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    uint32_t item = first_item(plan, node, &count);
    if (count == 0 || count > PATTERNS_MOST)
        return refuse_empty(plan, node);
    *out = 0;
    for (; item != MSIM_JSON_NONE; item = next_item(plan, node, item)) {
        int channel = 0;
        int r = msim_fault_plan_choice(plan, item, names, &channel);
        if (r < 0)
            return r;
        if (channel == MSIM_FAULT_FIX)
            return msim_json_refuse(plan->document, item, plan->detail, MSIM_ERR_UNSUPPORTED,
                                    "the channel fix is not in this version");
        *out |= 1U << channel;
    }
    return MSIM_OK;
}

static int read_fields(const struct plan *plan, uint32_t node, struct selector *out)
{
    static const char *const directions[] = {"in", "out", "both", NULL};
    static const unsigned masks[] = {1U << MSIM_FAULT_IN, 1U << MSIM_FAULT_OUT, BOTH_DIRECTIONS};
    const uint64_t most = UINT32_MAX;
    int direction = 2;
    int r = msim_fault_plan_choice(plan, plan_member(plan, node, "dir"), directions, &direction);

    out->directions = masks[direction];
    if (r == MSIM_OK)
        r = read_channels(plan, plan_member(plan, node, "channel"), &out->channels);
    if (r == MSIM_OK)
        r = read_types(plan, plan_member(plan, node, "type"), &out->types);
    if (r == MSIM_OK)
        r = read_patterns(plan, plan_member(plan, node, "label"), &out->label);
    if (r == MSIM_OK)
        r = read_patterns(plan, plan_member(plan, node, "account"), &out->account);
    if (r == MSIM_OK)
        r = read_symbols(plan, plan_member(plan, node, "symbol"), &out->symbol);
    if (r == MSIM_OK)
        r = read_patterns(plan, plan_member(plan, node, "cid"), &out->cid);
    if (r == MSIM_OK)
        r = read_patterns(plan, plan_member(plan, node, "side"), &out->side);
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, plan_member(plan, node, "size_min"), most,
                                     &out->size_min);
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, plan_member(plan, node, "size_max"), most,
                                     &out->size_max);
    if (r == MSIM_OK && out->size_min > out->size_max)
        r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                             "\"size_min\" is larger than \"size_max\": exchange them");
    return r;
}

static struct selector all(void)
{
    return (struct selector){
        .directions = BOTH_DIRECTIONS,
        .channels = ALL_CHANNELS,
        .types = ALL_TYPES,
        .size_max = UINT32_MAX,
    };
}

int msim_fault_plan_select(const struct plan *plan, uint32_t node, struct selector *out)
{
    int r = node == MSIM_JSON_NONE ? MSIM_OK : msim_fault_plan_keys(plan, node, select_keys, NULL);

    return r < 0 ? r : msim_fault_plan_conditions(plan, node, out);
}

int msim_fault_plan_conditions(const struct plan *plan, uint32_t node, struct selector *out)
{
    *out = all();
    out->types = ALL_TYPES & ~SYS_TYPES; /* control messages must be named */
    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    int r = read_fields(plan, node, out);
    uint32_t inner = plan_member(plan, node, "not");
    if (r == MSIM_OK && inner != MSIM_JSON_NONE) {
        struct selector *except = msim_fault_arena_take(&plan->strategy->arena, sizeof *except);
        if (!except)
            return MSIM_ERR_NOMEM;
        *except = all();
        r = msim_fault_plan_keys(plan, inner, select_keys, NULL);
        if (r == MSIM_OK && plan_member(plan, inner, "not") != MSIM_JSON_NONE)
            r = msim_json_refuse(plan->document, inner, plan->detail, MSIM_ERR_INVALID,
                                 "a \"not\" has no \"not\" in it");
        if (r == MSIM_OK)
            r = read_fields(plan, inner, except);
        out->except = except;
    }
    out->on_message = out->account.count > 0 || out->symbol.count > 0 || out->cid.count > 0 ||
                      out->side.count > 0 || out->size_min > 0 || out->size_max < UINT32_MAX ||
                      out->except;
    return r;
}

/* ---- activation ---- */

static int read_window(const struct plan *plan, uint32_t object, struct activation *out)
{
    uint32_t node = plan_member(plan, object, "window");

    /* A number is the window of a shuffle. */
    if (node == MSIM_JSON_NONE ||
        (plan->strategy->kind == MSIM_FAULT_REORDER && plan_kind(plan, node) == MSIM_JSON_NUMBER))
        return MSIM_OK;
    if (plan_kind(plan, node) != MSIM_JSON_ARRAY || plan->document->nodes[node].count != 2)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a pair such as [\"10s\", \"20s\"] is wanted here");
    uint32_t first = plan->document->nodes[node].first;
    int r = msim_fault_plan_shift(plan, first, &out->from);
    if (r == MSIM_OK)
        r = msim_fault_plan_shift(plan, plan->document->nodes[first].next, &out->to);
    if (r == MSIM_OK && (out->from < 0 || out->from >= out->to))
        r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                             "a window begins at 0s or later and ends after it began");
    out->windowed = true;
    return r;
}

static int read_ge(const struct plan *plan, uint32_t node, struct activation *out)
{
    static const char *const keys[] = {"p_gb", "p_bg", "h_good", "h_bad", "start", NULL};
    static const char *const starts[] = {"good", "bad", NULL};
    int start = 0;
    int r = msim_fault_plan_keys(plan, node, keys, NULL);

    out->model = MODEL_GE;
    for (int i = 0; r == MSIM_OK && i < 4; i++)
        if (plan_member(plan, node, keys[i]) == MSIM_JSON_NONE)
            r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                 "\"%s\" is missing here", keys[i]);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "p_gb"), &out->p_gb);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "p_bg"), &out->p_bg);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "h_good"), &out->h_good);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "h_bad"), &out->h_bad);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, node, "start"), starts, &start);
    out->start_bad = start == 1;
    return r;
}

static int read_ge_time(const struct plan *plan, uint32_t node, struct activation *out)
{
    static const char *const keys[] = {"mean_good", "mean_bad", "h_good", "h_bad", "start", NULL};
    static const char *const starts[] = {"good", "bad", NULL};
    int start = 0;
    int r = msim_fault_plan_keys(plan, node, keys, NULL);

    out->model = MODEL_GE_TIME;
    for (int i = 0; r == MSIM_OK && i < 4; i++)
        if (plan_member(plan, node, keys[i]) == MSIM_JSON_NONE)
            r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                 "\"%s\" is missing here", keys[i]);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, node, "mean_good"), &out->mean_good);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, node, "mean_bad"), &out->mean_bad);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "h_good"), &out->h_good);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, node, "h_bad"), &out->h_bad);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, node, "start"), starts, &start);
    if (r == MSIM_OK && (out->mean_good <= 0 || out->mean_bad <= 0))
        r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                             "the mean lengths of both states are longer than 0");
    out->start_bad = start == 1;
    return r;
}

static bool may_have_rate(int kind)
{
    return kind == MSIM_FAULT_PHANTOM_FILL || kind == MSIM_FAULT_INJECT ||
           kind == MSIM_FAULT_SESSION || kind == MSIM_FAULT_VENUE;
}

static int read_model(const struct plan *plan, uint32_t object, struct activation *out)
{
    uint32_t p = plan_member(plan, object, "p");
    uint32_t stick = plan_member(plan, object, "stick");
    uint32_t ge = plan_member(plan, object, "ge");
    uint32_t ge_time = plan_member(plan, object, "ge_time");
    uint32_t rate =
        may_have_rate(plan->strategy->kind) ? plan_member(plan, object, "rate") : MSIM_JSON_NONE;
    int models = (p != MSIM_JSON_NONE || stick != MSIM_JSON_NONE) + (ge != MSIM_JSON_NONE) +
                 (ge_time != MSIM_JSON_NONE) + (rate != MSIM_JSON_NONE);

    out->p = PPB;
    if (models > 1)
        return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                                "choose one of \"p\" (with \"stick\"), \"ge\", \"ge_time\" and "
                                "\"rate\"");
    if (ge != MSIM_JSON_NONE)
        return read_ge(plan, ge, out);
    if (ge_time != MSIM_JSON_NONE)
        return read_ge_time(plan, ge_time, out);
    if (rate != MSIM_JSON_NONE) {
        out->model = MODEL_RATE;
        return msim_fault_plan_number(plan, rate, 1, 1000000 * PPB, &out->rate);
    }
    int r = msim_fault_plan_share(plan, p, &out->p);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, stick, &out->stick);
    if (stick != MSIM_JSON_NONE)
        out->model = MODEL_STICK;
    return r;
}

static int read_by(const struct plan *plan, uint32_t object, struct activation *out)
{
    static const char *const names[] = {"ordinal", "cid", "order_id", "symbol", "account", NULL};
    uint32_t node = plan_member(plan, object, "by");
    int by = 0;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    /* ts_shift has a "by" of its own: a length of time. */
    uint32_t mode = plan_member(plan, object, "mode");
    const struct msim_json_node *value = &plan->document->nodes[node];
    if (plan->strategy->kind == MSIM_FAULT_CORRUPT && mode != MSIM_JSON_NONE &&
        plan_kind(plan, mode) == MSIM_JSON_STRING && value->kind == MSIM_JSON_STRING &&
        msim_json_is(plan->document->text, plan->document->nodes[mode].start,
                     plan->document->nodes[mode].end, "ts_shift") &&
        value->end - value->start > 2) {
        char first = plan->document->text[value->start + 1];
        if (first == '-' || (first >= '0' && first <= '9'))
            return MSIM_OK;
    }
    int r = msim_fault_plan_choice(plan, node, names, &by);
    if (r == MSIM_OK && by != BY_ORDINAL && out->model != MODEL_P)
        r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                             "\"by\" goes with plain \"p\" alone");
    out->by = (enum by)by;
    return r;
}

int msim_fault_plan_when(const struct plan *plan, uint32_t object, struct activation *out)
{
    static const char *const scopes[] = {"strategy", "link", NULL};
    int scope = 0;
    int r = read_window(plan, object, out);

    out->every = 1;
    if (r == MSIM_OK)
        r = read_model(plan, object, out);
    if (r == MSIM_OK)
        r = read_by(plan, object, out);
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, plan_member(plan, object, "skip"), INT64_MAX,
                                     &out->skip);
    uint32_t every = plan_member(plan, object, "every");
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, every, INT64_MAX, &out->every);
    if (r == MSIM_OK && out->every == 0)
        r = msim_json_refuse(plan->document, every, plan->detail, MSIM_ERR_INVALID,
                             "1 (each match) or more is wanted here");
    uint32_t max_hits = plan_member(plan, object, "max_hits");
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, max_hits, INT64_MAX, &out->max_hits);
    if (r == MSIM_OK && max_hits != MSIM_JSON_NONE && out->max_hits == 0)
        r = msim_json_refuse(plan->document, max_hits, plan->detail, MSIM_ERR_INVALID,
                             "1 or more is wanted here; \"enabled\": false for none");
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "cooldown"), &out->cooldown);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "count_scope"), scopes, &scope);
    out->per_link = scope == 1;
    return r;
}
