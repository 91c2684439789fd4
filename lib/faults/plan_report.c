/*
 * What the report kinds and venue actions may say.
 */
#include <string.h>

#include "faults/plan.h"

static int missing(const struct plan *plan, uint32_t object, const char *key, const char *remedy)
{
    return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                            "\"%s\" is missing here: %s", key, remedy);
}

static int later(const struct plan *plan, uint32_t node, const char *what)
{
    return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_UNSUPPORTED,
                            "%s is not in this version", what);
}

static bool is_text(const struct plan *plan, uint32_t node, const char *text)
{
    const struct msim_json_node *value = &plan->document->nodes[node];

    return value->kind == MSIM_JSON_STRING &&
           msim_json_is(plan->document->text, value->start, value->end, text);
}

/* A text that has a place of `size` bytes, its terminator included. */
static int read_short_text(const struct plan *plan, uint32_t node, size_t size, const char **out)
{
    size_t length = 0;
    int r = msim_fault_plan_text(plan, node, out, &length);

    if (r == MSIM_OK && length >= size)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a text of at most %zu bytes is wanted here, not of %zu", size - 1,
                                length);
    return r;
}

/* ---- phantom_fill ---- */

static int read_pick(const struct plan *plan, uint32_t node, struct phantom *phantom)
{
    static const char *const names[] = {"random", "oldest", "newest", NULL};
    const char *text = NULL;
    size_t length = 0;
    int pick = 0;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    int r = msim_fault_plan_text(plan, node, &text, &length);
    if (r == MSIM_OK && strncmp(text, "cid:", 4) == 0) {
        phantom->pick = PICK_CID;
        phantom->pick_cid = (struct pattern){text + 4, length - 4};
        return MSIM_OK;
    }
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, node, names, &pick);
    phantom->pick = (enum pick)pick;
    return r;
}

/* "limit", {"ticks": [-2, 2]} or a price. */
static int read_price(const struct plan *plan, uint32_t node, struct phantom *phantom)
{
    static const char *const keys[] = {"ticks", NULL};
    static const char *const names[] = {"limit", "bbo", "last", NULL};

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    for (int i = 0; names[i]; i++) {
        if (is_text(plan, node, names[i])) {
            phantom->price = (enum phantom_price)i;
            return MSIM_OK;
        }
    }
    if (plan_kind(plan, node) == MSIM_JSON_OBJECT) {
        int r = msim_fault_plan_keys(plan, node, keys, NULL);
        if (r == MSIM_OK && plan_member(plan, node, "ticks") == MSIM_JSON_NONE)
            return missing(plan, node, "ticks", "a number of ticks or a pair");
        phantom->price = PRICE_TICKS;
        return r < 0 ? r
                     : msim_fault_plan_range(plan, plan_member(plan, node, "ticks"), -1000000,
                                             1000000, &phantom->ticks_min, &phantom->ticks_max);
    }
    phantom->price = PRICE_ABSOLUTE;
    return msim_fault_plan_decimal(plan, node, &phantom->price_mantissa, &phantom->price_exponent);
}

/* "leaves", {"frac": 0.5} or a quantity. */
static int read_quantity(const struct plan *plan, uint32_t node, struct phantom *phantom)
{
    static const char *const keys[] = {"frac", NULL};

    if (node == MSIM_JSON_NONE || is_text(plan, node, "leaves"))
        return MSIM_OK;
    if (plan_kind(plan, node) == MSIM_JSON_OBJECT) {
        int r = msim_fault_plan_keys(plan, node, keys, NULL);
        if (r == MSIM_OK && plan_member(plan, node, "frac") == MSIM_JSON_NONE)
            return missing(plan, node, "frac", "a share of what is open, 0..1");
        phantom->quantity = QUANTITY_FRACTION;
        return r < 0 ? r
                     : msim_fault_plan_share(plan, plan_member(plan, node, "frac"),
                                             &phantom->fraction);
    }
    phantom->quantity = QUANTITY_ABSOLUTE;
    return msim_fault_plan_decimal(plan, node, &phantom->quantity_mantissa,
                                   &phantom->quantity_exponent);
}

static int read_bust(const struct plan *plan, uint32_t node, struct phantom *phantom)
{
    static const char *const keys[] = {"after", "how", NULL};
    static const char *const hows[] = {"event", "silent", NULL};
    int how = 0;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    int r = msim_fault_plan_keys(plan, node, keys, NULL);
    if (r == MSIM_OK && plan_member(plan, node, "after") == MSIM_JSON_NONE)
        return missing(plan, node, "after", "how long after the fill, \"30s\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, node, "after"), &phantom->bust_after);
    uint32_t at = plan_member(plan, node, "how");
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, at, hows, &how);
    if (r == MSIM_OK && how == 1)
        return later(plan, at, "a silent bust, which is of the overlay view,");
    phantom->busts = true;
    return r;
}

static int read_phantom(const struct plan *plan, uint32_t object)
{
    static const char *const targets[] = {"open_order", "closed_order", "unknown_order",
                                          "foreign_order", NULL};
    static const char *const cums[] = {"inflate", "sticky", NULL};
    static const char *const views[] = {"stream", "overlay", NULL};
    static const char *const styles[] = {"realistic", "tagged", NULL};
    struct phantom *phantom = &plan->strategy->as.phantom;
    int target = 0;
    int cum = 0;
    int view = 0;
    int style = 0;
    uint32_t view_node = plan_member(plan, object, "view");
    int r = msim_fault_plan_choice(plan, plan_member(plan, object, "target"), targets, &target);

    if (r == MSIM_OK)
        r = read_pick(plan, plan_member(plan, object, "pick"), phantom);
    if (r == MSIM_OK)
        r = read_price(plan, plan_member(plan, object, "price"), phantom);
    if (r == MSIM_OK)
        r = read_quantity(plan, plan_member(plan, object, "qty"), phantom);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "cum"), cums, &cum);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, view_node, views, &view);
    if (r == MSIM_OK && view == 1)
        return later(plan, view_node, "the view \"overlay\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "id_style"), styles, &style);
    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, object, "balance_event"),
                                 &phantom->balance_event);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "account"), &phantom->account,
                                 NULL);
    if (r == MSIM_OK)
        r = read_bust(plan, plan_member(plan, object, "bust"), phantom);
    phantom->target = (enum target)target;
    phantom->sticky = cum == 1;
    phantom->tagged = style == 1;
    return r;
}

/* ---- dup_fill, inject ---- */

static int read_dup_fill(const struct plan *plan, uint32_t object)
{
    static const char *const modes[] = {"exact", "resend", "reid", NULL};
    struct dup_fill *dup = &plan->strategy->as.dup_fill;
    int mode = 0;
    int r = msim_fault_plan_choice(plan, plan_member(plan, object, "mode"), modes, &mode);

    dup->mode = (enum dup_mode)mode;
    dup->times = 1;
    dup->after.count = 1;
    if (r == MSIM_OK)
        r = msim_fault_plan_distribution(plan, plan_member(plan, object, "after"), &dup->after);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "times"), 1, 15, &dup->times);
    return r;
}

static int read_inject(const struct plan *plan, uint32_t object)
{
    static const char *const keys[] = {"account", "channel", "symbol", NULL};
    static const char *const channels[] = {"ws_public", "ws_private", "ws_api", "rest",
                                           "fix",       "inproc",     NULL};
    struct inject *inject = &plan->strategy->as.inject;
    uint32_t to = plan_member(plan, object, "to");
    uint32_t type = plan_member(plan, object, "type");
    const char *name = NULL;
    size_t length = 0;

    inject->channel = -1;
    inject->type = MSIM_FAULT_OTHER;
    if (plan_member(plan, object, "template") == MSIM_JSON_NONE)
        return missing(plan, object, "template", "the JSON text to say, ${now} and others in it");
    int r = msim_fault_plan_text(plan, plan_member(plan, object, "template"), &inject->template,
                                 &inject->template_length);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, type, &name, &length);
    if (r == MSIM_OK && name) {
        inject->type = msim_fault_type_find(name, length);
        if (strcmp(msim_fault_type_name(inject->type), name) != 0)
            return msim_json_refuse(plan->document, type, plan->detail, MSIM_ERR_INVALID,
                                    "this is no message type: exec.fill, md.trade, other, ...");
    }
    if (r < 0 || to == MSIM_JSON_NONE)
        return r;
    r = msim_fault_plan_keys(plan, to, keys, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, to, "account"), &inject->account, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, to, "symbol"), &inject->symbol, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, to, "channel"), channels,
                                   &inject->channel);
    return r;
}

/* ---- respond, clock ---- */

static const char *const answers[] = {
    "unknown_status", "unknown_status_not_executed", "reject", "late_reject", "ack_only", NULL};

static int read_answer(const struct plan *plan, uint32_t node, int64_t weight,
                       struct respond *respond)
{
    uint64_t sum = respond->count > 0 ? respond->weights[respond->count - 1] : 0;
    int r = msim_fault_plan_choice(plan, node, answers, &respond->answers[respond->count]);

    respond->weights[respond->count++] = sum + (uint64_t)weight;
    return r;
}

/* One answer, or a list of {"do", "weight"}. */
static int read_answers(const struct plan *plan, uint32_t node, struct respond *respond)
{
    static const char *const keys[] = {"do", "weight", NULL};

    if (plan_kind(plan, node) != MSIM_JSON_ARRAY)
        return read_answer(plan, node, 1, respond);
    uint32_t count = plan->document->nodes[node].count;
    if (count == 0 || count > ANSWERS_MOST)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a list of 1..%d answers {\"do\", \"weight\"} is wanted here",
                                ANSWERS_MOST);
    for (uint32_t at = plan->document->nodes[node].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next) {
        int64_t weight = PPB;
        int r = msim_fault_plan_keys(plan, at, keys, NULL);
        if (r == MSIM_OK && plan_member(plan, at, "do") == MSIM_JSON_NONE)
            return missing(plan, at, "do", "unknown_status, reject, ...");
        if (r == MSIM_OK)
            r = msim_fault_plan_number(plan, plan_member(plan, at, "weight"), 1, 1000 * PPB,
                                       &weight);
        if (r == MSIM_OK)
            r = read_answer(plan, plan_member(plan, at, "do"), weight, respond);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int read_request_types(const struct plan *plan, uint32_t node, struct selector *select)
{
    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    bool list = plan_kind(plan, node) == MSIM_JSON_ARRAY;
    uint32_t at = list ? plan->document->nodes[node].first : node;
    uint64_t types = 0;

    for (; at != MSIM_JSON_NONE; at = list ? plan->document->nodes[at].next : MSIM_JSON_NONE) {
        const char *text = NULL;
        size_t length = 0;
        int r = msim_fault_plan_text(plan, at, &text, &length);
        if (r < 0)
            return r;
        uint64_t found = msim_fault_plan_types(text, length);
        if (found == 0)
            return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                    "no request type matches this: order.new, query.*, ...");
        types |= found;
    }
    select->types &= types;
    return MSIM_OK;
}

/* What none of the answers says would be ignored. */
static int check_respond(const struct plan *plan, uint32_t object, const struct respond *respond)
{
    static const struct plan_only of_errors[] = {
        {"code", 1, "answers that are an error"},
        {"http", 1, "answers that are an error"},
        {"message", 1, "answers that are an error"},
        {NULL, 0, NULL},
    };
    static const struct plan_only of_late_ones[] = {
        {"after", 1, "answers that come later"},
        {NULL, 0, NULL},
    };
    int errors = 0;
    int late = 0;

    for (size_t i = 0; i < respond->count; i++) {
        errors += respond->answers[i] != ANSWER_ACK_ONLY;
        late += respond->answers[i] != ANSWER_ACK_ONLY && respond->answers[i] != ANSWER_REJECT;
    }
    int r = msim_fault_plan_only(plan, object, of_errors, errors == 0);
    return r < 0 ? r : msim_fault_plan_only(plan, object, of_late_ones, late == 0);
}

static int read_respond(const struct plan *plan, uint32_t object)
{
    struct respond *respond = &plan->strategy->as.respond;
    uint32_t what = plan_member(plan, object, "do");
    uint32_t code = plan_member(plan, object, "code");
    int64_t number = 0;
    int64_t http = 503;

    respond->after = 10 * MSIM_NS_PER_S;
    respond->code_text = "";
    respond->message = "Timeout waiting for response from backend server. Send status unknown; "
                       "execution status unknown.";
    if (what == MSIM_JSON_NONE)
        return missing(plan, object, "do", "unknown_status, reject, late_reject, ack_only");
    int r = read_answers(plan, what, respond);
    if (r == MSIM_OK && respond->count == 1 &&
        (respond->answers[0] == ANSWER_REJECT || respond->answers[0] == ANSWER_LATE_REJECT))
        respond->message = "Server is currently overloaded with other requests.";
    if (r == MSIM_OK)
        r = read_request_types(plan, plan_member(plan, object, "to"), &plan->strategy->select);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "after"), &respond->after);
    if (r == MSIM_OK && code != MSIM_JSON_NONE && plan_kind(plan, code) == MSIM_JSON_STRING)
        r = read_short_text(plan, code, CODE_TEXT_SIZE, &respond->code_text);
    else if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, code, -1000000, 1000000, &number);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "http"), 400, 599, &http);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "message"), &respond->message,
                                 NULL);
    respond->code = (int)number;
    respond->http = (int)http;
    return r < 0 ? r : check_respond(plan, object, respond);
}

static int read_clock(const struct plan *plan, uint32_t object)
{
    struct clock_fault *clock = &plan->strategy->as.clock;
    int r = msim_fault_plan_shift(plan, plan_member(plan, object, "offset"), &clock->offset);

    if (r == MSIM_OK)
        r = msim_fault_plan_shift(plan, plan_member(plan, object, "step"), &clock->step);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "drift_ppm"), -1000000, 1000000,
                                    &clock->drift_ppm);
    return r;
}

/* ---- venue ---- */

static const char *const venue_dos[] = {
    "halt",        "resume",        "cancel_only", "post_only",
    "maintenance", "tick_change",   "lot_change",  "min_notional_change",
    "bust_trade",  "correct_trade", "shock",       "notice",
    NULL};

static int read_venue_symbol(const struct plan *plan, uint32_t object, struct venue_fault *fault)
{
    uint32_t node = plan_member(plan, object, "symbol");
    int r = read_short_text(plan, node, VENUE_SYMBOL_SIZE, &fault->symbol);

    return r < 0 || !fault->symbol ? r : msim_fault_plan_symbol(plan, node, fault->symbol);
}

static int read_trade(const struct plan *plan, uint32_t object, struct venue_fault *fault)
{
    uint32_t id = plan_member(plan, object, "trade");
    int64_t number = 0;

    if (id == MSIM_JSON_NONE)
        return missing(plan, object, "trade", "a trade's number, or \"last\"");
    if (is_text(plan, id, "last")) {
        fault->last = true;
        return MSIM_OK;
    }
    int r = msim_fault_plan_integer(plan, id, 1, INT64_MAX, &number);
    fault->id = (uint64_t)number;
    return r;
}

static int read_venue_numbers(const struct plan *plan, uint32_t object, struct venue_fault *fault)
{
    static const char *const needs[] = {[VENUE_TICK_CHANGE] = "tick",
                                        [VENUE_LOT_CHANGE] = "lot",
                                        [VENUE_MIN_NOTIONAL_CHANGE] = "min_notional",
                                        [VENUE_CORRECT_TRADE] = "price",
                                        [VENUE_NOTICE] = NULL};
    const char *need = needs[fault->what];

    if (!need)
        return MSIM_OK;
    uint32_t node = plan_member(plan, object, need);
    if (node == MSIM_JSON_NONE)
        return missing(plan, object, need, "a decimal number");
    return msim_fault_plan_decimal(plan, node, &fault->mantissa, &fault->exponent);
}

static int read_venue_rest(const struct plan *plan, uint32_t object, struct venue_fault *fault)
{
    static const char *const policies[] = {"hold", "expire", NULL};
    static const char *const sides[] = {"buy", "sell", NULL};
    uint32_t levels = plan_member(plan, object, "sweep_levels");
    int policy = 0;
    int side = 1;
    int r = msim_fault_plan_choice(plan, plan_member(plan, object, "policy"), policies, &policy);

    fault->expire = policy == 1;
    fault->levels = 5;
    fault->text = "";
    if (levels == MSIM_JSON_NONE)
        levels = plan_member(plan, object, "levels");
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, levels, 1, 1000000, &fault->levels);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "side"), sides, &side);
    fault->side = side == 0 ? MSIM_SIDE_BUY : MSIM_SIDE_SELL;
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "recover_after"),
                                     &fault->recover_after);
    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, object, "allow_negative"),
                                 &fault->allow_negative);
    if (r == MSIM_OK)
        r = read_short_text(plan, plan_member(plan, object, "text"), VENUE_TEXT_SIZE, &fault->text);
    if (r == MSIM_OK)
        r = msim_fault_plan_shift(plan, plan_member(plan, object, "at"), &fault->at);
    fault->timed = plan_member(plan, object, "at") != MSIM_JSON_NONE;
    if (r == MSIM_OK && fault->at < 0)
        r = msim_json_refuse(plan->document, plan_member(plan, object, "at"), plan->detail,
                             MSIM_ERR_INVALID,
                             "a moment since the scenario's start is wanted here");
    return r;
}

#define DO(name) (UINT64_C(1) << VENUE_##name)

/* What would be ignored with this action is a mistake; so is a moment beside a rate. */
static int check_venue(const struct plan *plan, uint32_t object, const struct venue_fault *fault)
{
    static const struct plan_only only[] = {
        {"policy", DO(MAINTENANCE), "\"maintenance\""},
        {"tick", DO(TICK_CHANGE), "\"tick_change\""},
        {"lot", DO(LOT_CHANGE), "\"lot_change\""},
        {"min_notional", DO(MIN_NOTIONAL_CHANGE), "\"min_notional_change\""},
        {"trade", DO(BUST_TRADE) | DO(CORRECT_TRADE), "\"bust_trade\" and \"correct_trade\""},
        {"price", DO(CORRECT_TRADE), "\"correct_trade\""},
        {"levels", DO(SHOCK), "\"shock\""},
        {"sweep_levels", DO(SHOCK), "\"shock\""},
        {"side", DO(SHOCK), "\"shock\""},
        {"recover_after", DO(SHOCK), "\"shock\""},
        {"allow_negative", DO(BUST_TRADE) | DO(CORRECT_TRADE),
         "\"bust_trade\" and \"correct_trade\""},
        {"text", DO(NOTICE), "\"notice\""},
        {NULL, 0, NULL},
    };
    uint32_t rate = plan_member(plan, object, "rate");

    if (rate != MSIM_JSON_NONE && fault->timed)
        return msim_json_refuse(plan->document, rate, plan->detail, MSIM_ERR_INVALID,
                                "choose one of \"rate\" and \"at\"");
    if (plan_member(plan, object, "levels") != MSIM_JSON_NONE &&
        plan_member(plan, object, "sweep_levels") != MSIM_JSON_NONE)
        return msim_json_refuse(plan->document, plan_member(plan, object, "levels"), plan->detail,
                                MSIM_ERR_INVALID, "\"sweep_levels\" says this already");
    return msim_fault_plan_only(plan, object, only, (int)fault->what);
}

static int read_venue(const struct plan *plan, uint32_t object)
{
    struct venue_fault *fault = &plan->strategy->as.venue;
    uint32_t what = plan_member(plan, object, "do");
    int chosen = 0;

    if (what == MSIM_JSON_NONE)
        return missing(plan, object, "do", "halt, resume, cancel_only, bust_trade, ...");
    if (is_text(plan, what, "expire_listen_key") || is_text(plan, what, "revoke_key"))
        return later(plan, what, "expiring or revoking keys");
    int r = msim_fault_plan_choice(plan, what, venue_dos, &chosen);
    fault->what = (enum venue_do)chosen;
    if (r == MSIM_OK)
        r = read_venue_symbol(plan, object, fault);
    if (r == MSIM_OK && (fault->what == VENUE_BUST_TRADE || fault->what == VENUE_CORRECT_TRADE))
        r = read_trade(plan, object, fault);
    if (r == MSIM_OK)
        r = read_venue_numbers(plan, object, fault);
    if (r == MSIM_OK)
        r = read_venue_rest(plan, object, fault);
    bool one_symbol = fault->what >= VENUE_TICK_CHANGE && fault->what <= VENUE_SHOCK;
    if (r == MSIM_OK && one_symbol && !fault->symbol)
        return missing(plan, object, "symbol", "which instrument it is about");
    fault->on_event = plan_member(plan, object, "select") != MSIM_JSON_NONE;
    return r < 0 ? r : check_venue(plan, object, fault);
}

int msim_fault_plan_report(const struct plan *plan, uint32_t object)
{
    switch (plan->strategy->kind) {
    case MSIM_FAULT_PHANTOM_FILL:
        return read_phantom(plan, object);
    case MSIM_FAULT_DUP_FILL:
        return read_dup_fill(plan, object);
    case MSIM_FAULT_INJECT:
        return read_inject(plan, object);
    case MSIM_FAULT_RESPOND:
        return read_respond(plan, object);
    case MSIM_FAULT_CLOCK:
        return read_clock(plan, object);
    default:
        return read_venue(plan, object);
    }
}
