/*
 * What drop, duplicate, throttle, delay, reorder, slice and session may say.
 */
#include <string.h>

#include "base/number.h"
#include "faults/plan.h"

static const char *const drop_keys[] = {"http", "hang_for", "status", "body", NULL};
static const char *const duplicate_keys[] = {"copies", "gap", NULL};
static const char *const corrupt_keys[] = {
    "mode",  "bits",   "keep",     "with",     "path",         "value", "name",
    "pow10", "digits", "max_wait", "fraction", "fix_checksum", NULL};
static const char *const throttle_keys[] = {"rate",      "burst", "within", "unit",
                                            "weights",   "scope", "queue",  "overflow",
                                            "on_exceed", "ban",   "code",   NULL};
static const char *const delay_keys[] = {"dist", "order", "min", "max", NULL};
static const char *const reorder_keys[] = {"mode", "k", "max_wait", "lane", NULL};
static const char *const slice_keys[] = {"chunk", "pause", "fragment", NULL};
static const char *const session_keys[] = {
    "action", "code",    "reason",   "status", "scope",     "account", "client", "when", "rate",
    "at",     "max_age", "duration", "queue",  "rst_after", "resume",  "notice", "flap", NULL};
static const char *const phantom_keys[] = {"target", "pick", "price",    "qty",
                                           "cum",    "bust", "id_style", "balance_event",
                                           "view",   "rate", "account",  NULL};
static const char *const dup_fill_keys[] = {"mode", "after", "times", NULL};
static const char *const inject_keys[] = {"to", "template", "type", "rate", NULL};
static const char *const respond_keys[] = {"to", "do", "after", "code", "http", "message", NULL};
static const char *const clock_keys[] = {"offset", "drift_ppm", "step", NULL};
static const char *const venue_keys[] = {"do",
                                         "symbol",
                                         "policy",
                                         "tick",
                                         "lot",
                                         "min_notional",
                                         "trade",
                                         "price",
                                         "levels",
                                         "sweep_levels",
                                         "side",
                                         "recover_after",
                                         "allow_negative",
                                         "text",
                                         "rate",
                                         "at",
                                         NULL};

const char *const *msim_fault_plan_kind_keys(int kind)
{
    static const char *const *const keys[] = {
        [MSIM_FAULT_DROP] = drop_keys,
        [MSIM_FAULT_DUPLICATE] = duplicate_keys,
        [MSIM_FAULT_CORRUPT] = corrupt_keys,
        [MSIM_FAULT_THROTTLE] = throttle_keys,
        [MSIM_FAULT_DELAY] = delay_keys,
        [MSIM_FAULT_REORDER] = reorder_keys,
        [MSIM_FAULT_SLICE] = slice_keys,
        [MSIM_FAULT_SESSION] = session_keys,
        [MSIM_FAULT_PHANTOM_FILL] = phantom_keys,
        [MSIM_FAULT_DUP_FILL] = dup_fill_keys,
        [MSIM_FAULT_INJECT] = inject_keys,
        [MSIM_FAULT_RESPOND] = respond_keys,
        [MSIM_FAULT_CLOCK] = clock_keys,
        [MSIM_FAULT_VENUE] = venue_keys,
    };

    return keys[kind];
}

static int missing(const struct plan *plan, uint32_t object, const char *key, const char *remedy)
{
    return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                            "\"%s\" is missing here: %s", key, remedy);
}

/* ---- drop, duplicate ---- */

static int read_drop(const struct plan *plan, uint32_t object)
{
    static const char *const names[] = {"hang", "close", "status", NULL};
    static const struct plan_only only[] = {{"hang_for", 1, "\"http\": \"hang\""},
                                            {"status", 4, "\"http\": \"status\""},
                                            {"body", 4, "\"http\": \"status\""},
                                            {NULL, 0, NULL}};
    struct drop *drop = &plan->strategy->as.drop;
    int64_t status = 504;
    int http = 0;
    int r = msim_fault_plan_choice(plan, plan_member(plan, object, "http"), names, &http);

    drop->hang_for = 30 * MSIM_NS_PER_S;
    drop->body = "";
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "hang_for"), &drop->hang_for);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "status"), 100, 599, &status);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "body"), &drop->body, NULL);
    drop->http = MSIM_FAULT_ACTION_HTTP_HANG + http;
    drop->status = http == 2 ? (int)status : 0;
    if (http != 0)
        drop->hang_for = 0;
    return r < 0 ? r : msim_fault_plan_only(plan, object, only, http);
}

static int read_duplicate(const struct plan *plan, uint32_t object)
{
    struct duplicate *duplicate = &plan->strategy->as.duplicate;

    duplicate->min = duplicate->max = 1;
    duplicate->gap.count = 1;
    int r = msim_fault_plan_range(plan, plan_member(plan, object, "copies"), 1, COPIES_MOST,
                                  &duplicate->min, &duplicate->max);
    if (r == MSIM_OK)
        r = msim_fault_plan_distribution(plan, plan_member(plan, object, "gap"), &duplicate->gap);
    return r;
}

/* ---- throttle ---- */

static int read_weights(const struct plan *plan, uint32_t object, struct throttle *throttle)
{
    uint32_t node = plan_member(plan, object, "weights");
    char name[64];
    size_t length = 0;

    for (int type = 0; type < MSIM_FAULT_TYPES; type++)
        throttle->weights[type] = PPB;
    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    if (plan_kind(plan, node) != MSIM_JSON_OBJECT)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "an object such as {\"order.new\": 2} is wanted here");
    for (uint32_t at = plan->document->nodes[node].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next) {
        const struct msim_json_node *value = &plan->document->nodes[at];
        int64_t weight = 0;
        int r = msim_fault_plan_number(plan, at, 0, 1000000 * PPB, &weight);
        if (r < 0)
            return r;
        uint64_t types = 0;
        if (msim_json_string(plan->document->text, value->key_start, value->key_end, name,
                             sizeof name, &length) == MSIM_OK)
            types = msim_fault_plan_types(name, length);
        if (types == 0)
            return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                    "no message type matches this key");
        for (int type = 0; type < MSIM_FAULT_TYPES; type++)
            if (types >> type & 1)
                throttle->weights[type] = weight;
    }
    return MSIM_OK;
}

static int read_ban(const struct plan *plan, uint32_t node, struct throttle *throttle)
{
    static const char *const keys[] = {"after", "within", "for", "code", NULL};
    struct ban *ban = &throttle->bans[throttle->ban_count];
    int64_t code = 418;
    uint32_t length = plan_member(plan, node, "for");
    int r = msim_fault_plan_keys(plan, node, keys, NULL);

    ban->after = 1;
    ban->length = MSIM_TIME_NEVER;
    if (r == MSIM_OK && length == MSIM_JSON_NONE)
        return missing(plan, node, "for", "a length of time, or \"ever\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, plan_member(plan, node, "after"), 1000000, &ban->after);
    if (r == MSIM_OK && ban->after == 0)
        ban->after = 1;
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, node, "within"), &ban->within);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, node, "code"), 0, 9999, &code);
    const struct msim_json_node *value = &plan->document->nodes[length];
    bool ever = r == MSIM_OK && value->kind == MSIM_JSON_STRING &&
                msim_json_is(plan->document->text, value->start, value->end, "ever");
    if (r == MSIM_OK && !ever)
        r = msim_fault_plan_duration(plan, length, &ban->length);
    throttle->ban_code = (int)code;
    throttle->ban_count++;
    return r;
}

/* One ban, or a list of them that grow harder. */
static int read_bans(const struct plan *plan, uint32_t object, struct throttle *throttle)
{
    uint32_t node = plan_member(plan, object, "ban");

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    if (throttle->on_exceed != EXCEED_REJECT)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "\"ban\" goes with \"on_exceed\": \"reject\"");
    if (plan_kind(plan, node) != MSIM_JSON_ARRAY)
        return read_ban(plan, node, throttle);
    uint32_t count = plan->document->nodes[node].count;
    if (count == 0 || count > BANS_MOST)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a list of 1..%d bans is wanted here", BANS_MOST);
    for (uint32_t at = plan->document->nodes[node].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next) {
        int r = read_ban(plan, at, throttle);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

#define EXCEED(name) (1U << EXCEED_##name)

static int check_throttle(const struct plan *plan, uint32_t object)
{
    static const struct plan_only only[] = {
        {"queue", EXCEED(DELAY) | EXCEED(CONFLATE),
         "\"on_exceed\": \"delay\" and \"conflate\", where messages wait"},
        {"overflow", EXCEED(DELAY) | EXCEED(CONFLATE),
         "\"on_exceed\": \"delay\" and \"conflate\", where messages wait"},
        {NULL, 0, NULL},
    };
    static const struct plan_only of_code[] = {
        {"code", EXCEED(REJECT) | EXCEED(DISCONNECT), "what rejects or disconnects"},
        {NULL, 0, NULL},
    };
    const struct strategy *strategy = plan->strategy;
    const struct throttle *throttle = &strategy->as.throttle;

    if (throttle->on_exceed == EXCEED_REJECT && strategy->select.directions != 1U << MSIM_FAULT_IN)
        return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                                "\"reject\" answers requests: select \"dir\": \"in\"");
    if (throttle->on_exceed == EXCEED_CONFLATE &&
        strategy->select.directions != 1U << MSIM_FAULT_OUT)
        return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                                "\"conflate\" is for what the venue says: select \"dir\": \"out\"");
    if (throttle->within > 0 && 1U << throttle->on_exceed & (EXCEED(DELAY) | EXCEED(CONFLATE)))
        return msim_json_refuse(plan->document, plan_member(plan, object, "within"), plan->detail,
                                MSIM_ERR_INVALID,
                                "what is counted does not wait: say \"on_exceed\": \"reject\", "
                                "\"drop\" or \"disconnect\"");
    int r = msim_fault_plan_only(plan, object, only, (int)throttle->on_exceed);
    if (r == MSIM_OK && throttle->overflow != QUEUE_DISCONNECT)
        r = msim_fault_plan_only(plan, object, of_code, (int)throttle->on_exceed);
    return r;
}

/* How many messages a throttle counts at most within a stretch: it remembers each of them. */
#define GRANTS_MOST 1000000

/*
 * "within" counts the messages themselves; otherwise there is a rate of tokens.  What waited for
 * tokens before an update brought "within" leaves at the rate that the two come to.
 */
static int read_pace(const struct plan *plan, uint32_t object, struct throttle *throttle)
{
    static const struct plan_only tokens[] = {
        {"rate", 0, "tokens, not \"within\""},
        {"unit", 0, "tokens, not \"within\""},
        {"weights", 0, "tokens, not \"within\""},
        {NULL, 0, NULL},
    };
    uint32_t rate = plan_member(plan, object, "rate");
    uint32_t within = plan_member(plan, object, "within");
    bool counts = within != MSIM_JSON_NONE;

    if (!counts && rate == MSIM_JSON_NONE)
        return missing(plan, object, "rate", "tokens per second");
    int r = counts ? msim_fault_plan_only(plan, object, tokens, 0) : MSIM_OK;
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, rate, 1, 1000000000 * PPB, &throttle->rate);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "burst"), 1,
                                    counts ? GRANTS_MOST : 1000000000, &throttle->burst);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, within, &throttle->within);
    if (r < 0 || !counts)
        return r;
    if (throttle->within == 0)
        return msim_json_refuse(plan->document, within, plan->detail, MSIM_ERR_INVALID,
                                "no message lies within no time: say \"1s\"");
    msim_int128 pace = (msim_int128)throttle->burst * PPB * PPB / throttle->within;
    throttle->rate = pace > 1000000000 * PPB ? 1000000000 * PPB : pace > 0 ? (int64_t)pace : 1;
    return MSIM_OK;
}

static int read_throttle(const struct plan *plan, uint32_t object)
{
    static const char *const units[] = {"msgs", "bytes", NULL};
    static const char *const scopes[] = {"link", "account", "client", "all", NULL};
    static const char *const exceeds[] = {"delay",      "drop",     "reject",
                                          "disconnect", "conflate", NULL};
    static const char *const overflows[] = {"drop_new", "drop_old", "disconnect", NULL};
    struct throttle *throttle = &plan->strategy->as.throttle;
    int unit = 0;
    int scope = SCOPE_LINK;
    int exceed = EXCEED_DELAY;
    int overflow = QUEUE_DROP_NEW;
    int64_t code = 0;

    throttle->burst = 1;
    throttle->queue = 1024;
    int r = read_pace(plan, object, throttle);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "unit"), units, &unit);
    if (r == MSIM_OK)
        r = read_weights(plan, object, throttle);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "scope"), scopes, &scope);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "on_exceed"), exceeds, &exceed);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "queue"), 1, 1000000,
                                    &throttle->queue);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "overflow"), overflows,
                                   &overflow);
    throttle->bytes = unit == 1;
    throttle->scope = (enum scope)scope;
    throttle->on_exceed = (enum exceed)exceed;
    throttle->overflow = (enum full_queue)overflow;
    code = exceed == EXCEED_REJECT ? 429 : 1008;
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "code"), 0, 9999, &code);
    throttle->code = (int)code;
    if (r == MSIM_OK)
        r = read_bans(plan, object, throttle);
    return r < 0 ? r : check_throttle(plan, object);
}

/* ---- delay ---- */

static const char *const lane_names[] = {"link", "symbol", "order", "type", "account", NULL};

/* "link", "none" or "lane:symbol". */
static int read_order(const struct plan *plan, uint32_t node, struct delay *delay)
{
    const char *text = NULL;
    size_t length = 0;
    int r = msim_fault_plan_text(plan, node, &text, &length);

    delay->order = ORDER_LINK;
    if (r < 0 || !text || strcmp(text, "link") == 0)
        return r;
    if (strcmp(text, "none") == 0) {
        delay->order = ORDER_NONE;
        return MSIM_OK;
    }
    for (int i = LANE_SYMBOL; lane_names[i]; i++) {
        if (strncmp(text, "lane:", 5) != 0 || strcmp(text + 5, lane_names[i]) != 0)
            continue;
        delay->order = ORDER_LANE;
        delay->lane = (enum lane_by)i;
        return MSIM_OK;
    }
    return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                            "one of these is wanted here: link none lane:symbol lane:order "
                            "lane:type lane:account");
}

static int read_delay(const struct plan *plan, uint32_t object)
{
    struct delay *delay = &plan->strategy->as.delay;
    uint32_t dist = plan_member(plan, object, "dist");

    if (dist == MSIM_JSON_NONE)
        return missing(plan, object, "dist",
                       "{\"type\":\"uniform\",\"min\":\"1ms\",\"max\":\"9ms\"} for instance");
    delay->max = plan->limits->max_delay;
    int r = msim_fault_plan_distribution(plan, dist, &delay->dist);
    if (r == MSIM_OK)
        r = read_order(plan, plan_member(plan, object, "order"), delay);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "min"), &delay->min);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "max"), &delay->max);
    if (r == MSIM_OK && delay->min > delay->max)
        r = msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                             "\"min\" is larger than \"max\": exchange them");
    return r;
}

/* ---- reorder, slice ---- */

static int read_reorder(const struct plan *plan, uint32_t object)
{
    static const char *const modes[] = {"hold", "shuffle", NULL};
    static const struct plan_only only[] = {{"k", 1, "\"mode\": \"hold\""}, {NULL, 0, NULL}};
    struct reorder *reorder = &plan->strategy->as.reorder;
    uint32_t window = plan_member(plan, object, "window");
    uint32_t max_wait = plan_member(plan, object, "max_wait");
    int mode = 0;
    int lane = LANE_LINK;
    int r = msim_fault_plan_choice(plan, plan_member(plan, object, "mode"), modes, &mode);

    if (r == MSIM_OK && max_wait == MSIM_JSON_NONE)
        return missing(plan, object, "max_wait", "how long a message is held at most, \"1s\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, max_wait, &reorder->max_wait);
    reorder->min = reorder->max = 1;
    reorder->shuffle = mode == 1;
    if (r == MSIM_OK)
        r = msim_fault_plan_range(plan, plan_member(plan, object, "k"), 1, 1000000, &reorder->min,
                                  &reorder->max);
    bool has_window = window != MSIM_JSON_NONE && plan_kind(plan, window) == MSIM_JSON_NUMBER;
    if (r == MSIM_OK && reorder->shuffle && !has_window)
        return missing(plan, object, "window", "how many messages are shuffled, 2..256");
    if (r == MSIM_OK && !reorder->shuffle && has_window)
        return msim_json_refuse(plan->document, window, plan->detail, MSIM_ERR_INVALID,
                                "a number here goes with \"mode\": \"shuffle\"");
    if (r == MSIM_OK && has_window)
        r = msim_fault_plan_integer(plan, window, 2, 256, &reorder->window);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "lane"), lane_names, &lane);
    reorder->lane = (enum lane_by)lane;
    return r < 0 ? r : msim_fault_plan_only(plan, object, only, mode);
}

static int read_slice(const struct plan *plan, uint32_t object)
{
    struct slice *slice = &plan->strategy->as.slice;
    uint32_t chunk = plan_member(plan, object, "chunk");

    if (chunk == MSIM_JSON_NONE)
        return missing(plan, object, "chunk", "bytes of a piece, or a pair [min, max]");
    int r = msim_fault_plan_range(plan, chunk, 1, INT32_MAX, &slice->min, &slice->max);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "pause"), &slice->pause);
    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, object, "fragment"), &slice->fragment);
    return r;
}

/* ---- session ---- */

static int read_notice(const struct plan *plan, uint32_t node, struct session_fault *fault)
{
    static const char *const keys[] = {"before", "type", NULL};

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    fault->notice_type = "notice";
    int r = msim_fault_plan_keys(plan, node, keys, NULL);
    if (r == MSIM_OK && plan_member(plan, node, "before") == MSIM_JSON_NONE)
        return missing(plan, node, "before", "how long before, \"30s\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, node, "before"),
                                     &fault->notice_before);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, node, "type"), &fault->notice_type, NULL);
    return r;
}

static int read_flap(const struct plan *plan, uint32_t node, struct session_fault *fault)
{
    static const char *const keys[] = {"times", "gap", NULL};

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    int r = msim_fault_plan_keys(plan, node, keys, NULL);
    if (r == MSIM_OK && (plan_member(plan, node, "times") == MSIM_JSON_NONE ||
                         plan_member(plan, node, "gap") == MSIM_JSON_NONE))
        return missing(plan, node, "times\" or \"gap", "both are needed");
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, node, "times"), 1, 1000000,
                                    &fault->flap_times);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, node, "gap"), &fault->flap_gap);
    fault->flap_times--; /* the first time is the action itself */
    return r;
}

static int read_session_end(const struct plan *plan, uint32_t object, struct session_fault *fault)
{
    static const char *const resumes[] = {"flush", "discard", NULL};
    static const char *const queues[] = {"discard", "flush", NULL};
    int64_t code = 1000;
    int64_t status = 503;
    int resume = fault->action == MSIM_FAULT_ACTION_ZOMBIE;
    int queue = 0;
    int r = msim_fault_plan_integer(plan, plan_member(plan, object, "code"), 1000, 4999, &code);

    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "reason"), &fault->reason, NULL);
    if (r == MSIM_OK && strlen(fault->reason) > 123)
        r = msim_json_refuse(plan->document, plan_member(plan, object, "reason"), plan->detail,
                             MSIM_ERR_INVALID, "a close frame has room for 123 bytes");
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "status"), 400, 599, &status);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "resume"), resumes, &resume);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "queue"), queues, &queue);
    fault->code = fault->action == MSIM_FAULT_ACTION_CLOSE ? (int)code : 0;
    fault->status = (int)status;
    fault->flush_on_resume = resume == 0;
    fault->flush_at_close = queue == 1;
    return r;
}

static int read_session_times(const struct plan *plan, uint32_t object, struct session_fault *fault)
{
    fault->timed = plan_member(plan, object, "at") != MSIM_JSON_NONE;
    int r = msim_fault_plan_shift(plan, plan_member(plan, object, "at"), &fault->at);
    if (r == MSIM_OK && fault->at < 0)
        r = msim_json_refuse(plan->document, plan_member(plan, object, "at"), plan->detail,
                             MSIM_ERR_INVALID,
                             "a moment since the scenario's start is wanted here");
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "max_age"), &fault->max_age);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "duration"), &fault->duration);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "rst_after"),
                                     &fault->rst_after);
    if (r == MSIM_OK)
        r = read_notice(plan, plan_member(plan, object, "notice"), fault);
    if (r == MSIM_OK)
        r = read_flap(plan, plan_member(plan, object, "flap"), fault);
    return r;
}

#define ACTION(name) (UINT64_C(1) << MSIM_FAULT_ACTION_##name)
#define BARRIERS (ACTION(REFUSE) | ACTION(STALL) | ACTION(HTTP_ERROR))
#define FREEZES (ACTION(FREEZE) | ACTION(FREEZE_OUT) | ACTION(FREEZE_IN) | ACTION(ZOMBIE))
#define SCOPE(name) (UINT64_C(1) << SCOPE_##name)

static int check_session_keys(const struct plan *plan, uint32_t object,
                              const struct session_fault *fault)
{
    static const struct plan_only of_actions[] = {
        {"code", ACTION(CLOSE), "\"close\""},
        {"reason", ACTION(CLOSE), "\"close\""},
        {"status", ACTION(HTTP_ERROR), "\"http_error\""},
        {"queue", ACTION(CLOSE) | ACTION(FIN) | ACTION(RST), "\"close\", \"fin\" and \"rst\""},
        {"resume", FREEZES, "\"freeze\", \"freeze_out\", \"freeze_in\" and \"zombie\""},
        {"duration", FREEZES | ACTION(HALF_OPEN) | BARRIERS, "what does not end the connection"},
        {"rst_after", ACTION(HALF_OPEN), "\"half_open\""},
        {NULL, 0, NULL},
    };
    static const struct plan_only of_scopes[] = {
        {"account", SCOPE(LINK) | SCOPE(ACCOUNT), "the scopes \"connection\" and \"account\""},
        {"client", SCOPE(LINK) | SCOPE(CLIENT), "the scopes \"connection\" and \"client\""},
        {NULL, 0, NULL},
    };
    uint32_t flap = plan_member(plan, object, "flap");
    int r = msim_fault_plan_only(plan, object, of_actions, fault->action);

    if (r == MSIM_OK)
        r = msim_fault_plan_only(plan, object, of_scopes, (int)fault->scope);
    if (r == MSIM_OK && flap != MSIM_JSON_NONE && BARRIERS >> fault->action & 1 &&
        fault->duration == 0)
        return msim_json_refuse(plan->document, flap, plan->detail, MSIM_ERR_INVALID,
                                "what keeps new connections out for ever cannot come again: give "
                                "it a \"duration\"");
    return r;
}

/* Messages trigger it where a key speaks of them, or where nothing else would. */
static bool on_message(const struct plan *plan, uint32_t object, const struct session_fault *fault)
{
    static const char *const keys[] = {"when",    "p",     "stick", "ge",
                                       "ge_time", "every", "skip",  NULL};

    for (size_t i = 0; keys[i]; i++)
        if (plan_member(plan, object, keys[i]) != MSIM_JSON_NONE)
            return true;
    uint32_t select = plan_member(plan, object, "select");
    if (select != MSIM_JSON_NONE && plan_member(plan, select, "type") != MSIM_JSON_NONE)
        return true;
    return !fault->timed && fault->max_age == 0 && plan->strategy->when.model != MODEL_RATE &&
           select != MSIM_JSON_NONE && plan_member(plan, select, "dir") != MSIM_JSON_NONE;
}

static int read_session(const struct plan *plan, uint32_t object)
{
    static const char *const actions[] = {"close",      "fin",       "rst",        "freeze",
                                          "freeze_out", "freeze_in", "zombie",     "half_open",
                                          "refuse",     "stall",     "http_error", NULL};
    static const char *const scopes[] = {"connection", "account", "client", "all", NULL};
    static const char *const whens[] = {"before", "instead", "after", NULL};
    struct session_fault *fault = &plan->strategy->as.session;
    uint32_t node = plan_member(plan, object, "action");
    int action = 0;
    int scope = 0;
    int when = WHEN_BEFORE;

    fault->reason = "";
    if (node == MSIM_JSON_NONE)
        return missing(plan, object, "action", "close, fin, rst, freeze, zombie, ...");
    int r = msim_fault_plan_choice(plan, node, actions, &action);
    fault->action = action + 1;
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "scope"), scopes, &scope);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "when"), whens, &when);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "account"), &fault->account, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "client"), &fault->client, NULL);
    fault->scope = (enum scope)scope;
    fault->when = (enum when)when;
    if (r == MSIM_OK)
        r = read_session_end(plan, object, fault);
    if (r == MSIM_OK)
        r = read_session_times(plan, object, fault);
    if (r == MSIM_OK)
        r = check_session_keys(plan, object, fault);
    fault->on_message = r == MSIM_OK && on_message(plan, object, fault);
    if (r == MSIM_OK && !fault->on_message)
        plan->strategy->select.types = 0; /* it looks at no message */
    return r;
}

int msim_fault_plan_network(const struct plan *plan, uint32_t object)
{
    switch (plan->strategy->kind) {
    case MSIM_FAULT_DROP:
        return read_drop(plan, object);
    case MSIM_FAULT_DUPLICATE:
        return read_duplicate(plan, object);
    case MSIM_FAULT_CORRUPT:
        return msim_fault_plan_corrupt(plan, object);
    case MSIM_FAULT_THROTTLE:
        return read_throttle(plan, object);
    case MSIM_FAULT_DELAY:
        return read_delay(plan, object);
    case MSIM_FAULT_REORDER:
        return read_reorder(plan, object);
    case MSIM_FAULT_SLICE:
        return read_slice(plan, object);
    default:
        return read_session(plan, object);
    }
}
