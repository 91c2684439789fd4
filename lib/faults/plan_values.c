/*
 * The values of a plan.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/units.h"
#include "faults/plan.h"

/* An unknown symbol is held against so many known ones, to name the nearest. */
#define SYMBOLS_COMPARED 4096

static int refuse_kind(const struct plan *plan, uint32_t node, const char *wanted)
{
    return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                            "%s is wanted here, not %s", wanted,
                            msim_json_kind_text(plan_kind(plan, node)));
}

/* ---- keys ---- */

static bool among(const struct plan *plan, const struct msim_json_node *node,
                  const char *const *names)
{
    for (size_t i = 0; names && names[i]; i++)
        if (msim_json_is(plan->document->text, node->key_start, node->key_end, names[i]))
            return true;
    return false;
}

static const char *nearest(const char *word, const char *const *known, const char *const *more)
{
    const char *best = known[0];

    for (int list = 0; list < 2; list++) {
        const char *const *names = list == 0 ? known : more;
        for (size_t i = 0; names && names[i]; i++)
            if (msim_nearest_apart(word, names[i]) < msim_nearest_apart(word, best))
                best = names[i];
    }
    return best;
}

int msim_fault_plan_keys(const struct plan *plan, uint32_t object, const char *const *known,
                         const char *const *more)
{
    const struct msim_json_document *document = plan->document;
    char word[MSIM_NEAREST_MOST + 1] = "";

    if (plan_kind(plan, object) != MSIM_JSON_OBJECT)
        return refuse_kind(plan, object, "an object");
    for (uint32_t at = document->nodes[object].first; at != MSIM_JSON_NONE;
         at = document->nodes[at].next) {
        const struct msim_json_node *node = &document->nodes[at];
        if (among(plan, node, known) || among(plan, node, more))
            continue;
        if (msim_json_string(document->text, node->key_start, node->key_end, word, sizeof word,
                             NULL) < 0)
            word[0] = '\0';
        return msim_json_refuse(document, at, plan->detail, MSIM_ERR_INVALID,
                                "this key is not known here; the nearest one is \"%s\"",
                                nearest(word, known, more));
    }
    return MSIM_OK;
}

int msim_fault_plan_only(const struct plan *plan, uint32_t object, const struct plan_only *rows,
                         int choice)
{
    for (; rows->key; rows++) {
        uint32_t node = plan_member(plan, object, rows->key);
        if (node != MSIM_JSON_NONE && !(rows->choices >> choice & 1))
            return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                    "this goes with %s: leave it away here", rows->words);
    }
    return MSIM_OK;
}

/* ---- names of what there is ---- */

void msim_fault_nearer(struct nearest *nearest, const char *known)
{
    size_t apart = msim_nearest_apart(nearest->word, known);

    if (apart <= strlen(nearest->word) / 2 && (!nearest->found[0] || apart < nearest->apart)) {
        nearest->apart = apart;
        memcpy(nearest->found, known, strlen(known) + 1);
    }
}

/* Whether a glob matches a symbol; `nearest` learns of all of them.  True where they are too many.
 */
static bool matches_symbol(const struct msim_fault_names *names, const struct pattern *pattern,
                           struct nearest *nearest)
{
    const char *known = NULL;

    for (uint32_t i = 0; names->symbol && i < SYMBOLS_COMPARED; i++) {
        if (!(known = names->symbol(names->context, i)))
            return false;
        if (msim_fault_glob(pattern, known, strlen(known)))
            return true;
        msim_fault_nearer(nearest, known);
    }
    return known || !names->symbol;
}

int msim_fault_plan_symbol(const struct plan *plan, uint32_t node, const char *symbol)
{
    const struct msim_fault_names *names = plan->limits->names;
    struct msim_fault_instrument found;
    struct nearest nearest = {.word = symbol};
    struct pattern pattern = {symbol, strlen(symbol)};
    bool is_glob = strchr(symbol, '*') || strchr(symbol, '?');

    if (!names || !names->instrument)
        return MSIM_OK;
    if (!is_glob && names->instrument(names->context, symbol, &found) == MSIM_OK)
        return MSIM_OK;
    if (matches_symbol(names, &pattern, &nearest) && is_glob)
        return MSIM_OK;
    return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                            "there is no symbol \"%s\" here%s%s%s", symbol,
                            nearest.found[0] ? "; the nearest one is \"" : "", nearest.found,
                            nearest.found[0] ? "\"" : "");
}

/* ---- plain values ---- */

int msim_fault_plan_text(const struct plan *plan, uint32_t at, const char **out, size_t *length)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &plan->document->nodes[at];
    if (node->kind != MSIM_JSON_STRING)
        return refuse_kind(plan, at, "a string");

    size_t room = node->end - node->start;
    size_t written = 0;
    char *text = msim_fault_arena_take(&plan->strategy->arena, room);
    if (!text)
        return msim_detail_set(plan->detail, MSIM_ERR_NOMEM, "%s",
                               msim_result_text(MSIM_ERR_NOMEM));
    int r = msim_json_string(plan->document->text, node->start, node->end, text, room, &written);
    if (r < 0)
        return r;
    if (memchr(text, '\0', written))
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "a text without U+0000 is wanted here");
    *out = text;
    if (length)
        *length = written;
    return MSIM_OK;
}

int msim_fault_plan_bool(const struct plan *plan, uint32_t at, bool *out)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    enum msim_json_kind kind = plan_kind(plan, at);
    if (kind != MSIM_JSON_TRUE && kind != MSIM_JSON_FALSE)
        return refuse_kind(plan, at, "true or false");
    *out = kind == MSIM_JSON_TRUE;
    return MSIM_OK;
}

int msim_fault_plan_integer(const struct plan *plan, uint32_t at, int64_t min, int64_t max,
                            int64_t *out)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &plan->document->nodes[at];
    int64_t value = 0;

    if (node->kind != MSIM_JSON_NUMBER)
        return refuse_kind(plan, at, "a whole number");
    if (msim_json_integer(plan->document->text, node->start, node->end, &value) < 0 ||
        value < min || value > max)
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "a whole number of %lld..%lld is wanted here", (long long)min,
                                (long long)max);
    *out = value;
    return MSIM_OK;
}

int msim_fault_plan_unsigned(const struct plan *plan, uint32_t at, uint64_t max, uint64_t *out)
{
    int64_t value = (int64_t)*out;
    int r = msim_fault_plan_integer(plan, at, 0, (int64_t)max, &value);

    if (r == MSIM_OK)
        *out = (uint64_t)value;
    return r;
}

/* "250ms", with a '-' before it where that makes sense. */
static int duration(const struct plan *plan, uint32_t at, bool can_be_negative, msim_time *out)
{
    const char *text = NULL;
    size_t length = 0;
    int r = msim_fault_plan_text(plan, at, &text, &length);
    if (r < 0 || !text)
        return r;

    bool negative = can_be_negative && text[0] == '-';
    msim_time value = 0;
    r = msim_duration_parse(text + negative, length - negative, &value);
    if (r < 0)
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "a length of time such as \"250us\", \"15ms\", \"2s\" or \"5m\" "
                                "is wanted here");
    *out = negative ? -value : value;
    return MSIM_OK;
}

int msim_fault_plan_duration(const struct plan *plan, uint32_t at, msim_time *out)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    if (plan_kind(plan, at) != MSIM_JSON_STRING)
        return refuse_kind(plan, at, "a length of time such as \"15ms\"");
    msim_time value = 0;
    int r = duration(plan, at, false, &value);
    if (r < 0)
        return r;
    if (value > plan->limits->max_delay)
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "at most %lld s (the limit on delays) can be asked for here",
                                (long long)(plan->limits->max_delay / MSIM_NS_PER_S));
    *out = value;
    return MSIM_OK;
}

int msim_fault_plan_shift(const struct plan *plan, uint32_t at, msim_time *out)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    if (plan_kind(plan, at) != MSIM_JSON_STRING)
        return refuse_kind(plan, at, "a length of time such as \"-5s\"");
    return duration(plan, at, true, out);
}

int msim_fault_plan_number(const struct plan *plan, uint32_t at, int64_t min, int64_t max,
                           int64_t *out)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &plan->document->nodes[at];
    int64_t value = 0;

    if (node->kind != MSIM_JSON_NUMBER)
        return refuse_kind(plan, at, "a number");
    if (msim_json_decimal(plan->document->text, node->start, node->end, -9, &value) < 0 ||
        value < min || value > max) {
        char low[24];
        char high[24];
        struct msim_json_writer writer;
        size_t length = 0;
        msim_json_write_buffer(&writer, low, sizeof low - 1);
        msim_json_write_decimal(&writer, min, -9);
        low[msim_json_write_end(&writer, &length) == MSIM_OK ? length : 0] = '\0';
        length = 0;
        msim_json_write_buffer(&writer, high, sizeof high - 1);
        msim_json_write_decimal(&writer, max, -9);
        high[msim_json_write_end(&writer, &length) == MSIM_OK ? length : 0] = '\0';
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "a number of %s..%s with at most 9 decimals is wanted here", low,
                                high);
    }
    *out = value;
    return MSIM_OK;
}

int msim_fault_plan_share(const struct plan *plan, uint32_t at, int64_t *out)
{
    return msim_fault_plan_number(plan, at, 0, PPB, out);
}

int msim_fault_plan_decimal(const struct plan *plan, uint32_t at, int64_t *mantissa, int *exponent)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &plan->document->nodes[at];
    bool quoted = node->kind == MSIM_JSON_STRING;
    size_t start = node->start + quoted;
    size_t end = node->end - quoted;

    if ((node->kind != MSIM_JSON_NUMBER && !quoted) ||
        msim_json_decimal_any(plan->document->text, start, end, mantissa, exponent) < 0 ||
        *mantissa <= 0)
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "a decimal number above 0 such as \"0.01\" is wanted here");
    return MSIM_OK;
}

int msim_fault_plan_choice(const struct plan *plan, uint32_t at, const char *const *names, int *out)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &plan->document->nodes[at];
    char list[256] = "";
    size_t used = 0;

    if (node->kind == MSIM_JSON_STRING) {
        for (int i = 0; names[i]; i++) {
            if (msim_json_is(plan->document->text, node->start, node->end, names[i])) {
                *out = i;
                return MSIM_OK;
            }
        }
    }
    for (int i = 0; names[i]; i++) {
        size_t length = strlen(names[i]);
        if (used + length + 2 >= sizeof list)
            break;
        if (used > 0)
            list[used++] = ' ';
        memcpy(list + used, names[i], length + 1);
        used += length;
    }
    return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                            "one of these is wanted here: %s", list);
}

int msim_fault_plan_range(const struct plan *plan, uint32_t at, int64_t least, int64_t most,
                          int64_t *min, int64_t *max)
{
    if (at == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &plan->document->nodes[at];
    if (node->kind == MSIM_JSON_NUMBER) {
        int r = msim_fault_plan_integer(plan, at, least, most, min);
        *max = *min;
        return r;
    }
    if (node->kind != MSIM_JSON_ARRAY || node->count != 2)
        return refuse_kind(plan, at, "a whole number or a pair [min, max]");
    uint32_t second = plan->document->nodes[node->first].next;
    int r = msim_fault_plan_integer(plan, node->first, least, most, min);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, second, least, most, max);
    if (r == MSIM_OK && *min > *max)
        return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_INVALID,
                                "the first number of the pair is the smaller one");
    return r;
}

/* ---- distributions ---- */

static const char *const shape_names[] = {"const",     "uniform", "exp",     "normal",
                                          "lognormal", "pareto",  "mixture", NULL};

#define SHAPE_MIXTURE 6
#define NUMBER_MOST (1000 * PPB)

static int must(const struct plan *plan, uint32_t object, const char *key, uint32_t *out)
{
    *out = plan_member(plan, object, key);
    if (*out != MSIM_JSON_NONE)
        return MSIM_OK;
    return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                            "\"%s\" is missing here", key);
}

static int must_duration(const struct plan *plan, uint32_t object, const char *key, int64_t *out)
{
    uint32_t at;
    int r = must(plan, object, key, &at);

    return r < 0 ? r : msim_fault_plan_duration(plan, at, out);
}

static int must_number(const struct plan *plan, uint32_t object, const char *key, int64_t min,
                       int64_t *out)
{
    uint32_t at;
    int r = must(plan, object, key, &at);

    return r < 0 ? r : msim_fault_plan_number(plan, at, min, NUMBER_MOST, out);
}

static int check_ordered(const struct plan *plan, uint32_t object, const struct part *part)
{
    if (part->a <= part->b)
        return MSIM_OK;
    return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                            "\"min\" is larger than \"max\": exchange them");
}

static const char *const *shape_keys(int shape)
{
    static const char *const keys[][4] = {
        {"type", "value", NULL},           {"type", "min", "max", NULL},
        {"type", "mean", "shift", NULL},   {"type", "mean", "sd", NULL},
        {"type", "median", "sigma", NULL}, {"type", "scale", "alpha", NULL},
        {"type", "parts", NULL},
    };

    return keys[shape];
}

static int read_part(const struct plan *plan, uint32_t object, int shape, struct part *part)
{
    int r = MSIM_OK;

    part->shape = (enum shape)shape;
    switch (part->shape) {
    case SHAPE_CONST:
        return must_duration(plan, object, "value", &part->a);
    case SHAPE_UNIFORM:
        r = must_duration(plan, object, "min", &part->a);
        if (r == MSIM_OK)
            r = must_duration(plan, object, "max", &part->b);
        return r < 0 ? r : check_ordered(plan, object, part);
    case SHAPE_EXP:
        r = must_duration(plan, object, "mean", &part->a);
        return r < 0 ? r
                     : msim_fault_plan_duration(plan, plan_member(plan, object, "shift"), &part->b);
    case SHAPE_NORMAL:
        r = must_duration(plan, object, "mean", &part->a);
        return r < 0 ? r : must_duration(plan, object, "sd", &part->b);
    case SHAPE_LOGNORMAL:
        r = must_duration(plan, object, "median", &part->a);
        return r < 0 ? r : must_number(plan, object, "sigma", 0, &part->b);
    case SHAPE_PARETO:
        r = must_duration(plan, object, "scale", &part->a);
        return r < 0 ? r : must_number(plan, object, "alpha", PPB / 1000, &part->b);
    }
    return r;
}

static int read_shape(const struct plan *plan, uint32_t node, int *shape)
{
    uint32_t type;

    if (plan_kind(plan, node) != MSIM_JSON_OBJECT)
        return refuse_kind(plan, node,
                           "a distribution such as "
                           "{\"type\":\"uniform\",\"min\":\"1ms\",\"max\":\"9ms\"} or "
                           "a length of time");
    int r = must(plan, node, "type", &type);
    if (r < 0)
        return r;
    const struct msim_json_node *name = &plan->document->nodes[type];
    if (name->kind == MSIM_JSON_STRING &&
        msim_json_is(plan->document->text, name->start, name->end, "empirical"))
        return msim_json_refuse(plan->document, type, plan->detail, MSIM_ERR_UNSUPPORTED,
                                "the empirical distribution is not in this version: describe it "
                                "as a mixture");
    r = msim_fault_plan_choice(plan, type, shape_names, shape);
    return r < 0 ? r : msim_fault_plan_keys(plan, node, shape_keys(*shape), NULL);
}

static int read_constant(const struct plan *plan, uint32_t node, struct part *part)
{
    part->shape = SHAPE_CONST;
    return msim_fault_plan_duration(plan, node, &part->a);
}

static int read_simple(const struct plan *plan, uint32_t node, struct part *part)
{
    int shape = 0;

    if (plan_kind(plan, node) == MSIM_JSON_STRING)
        return read_constant(plan, node, part);
    int r = read_shape(plan, node, &shape);
    if (r < 0)
        return r;
    if (shape == SHAPE_MIXTURE)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a mixture has no mixtures in it: list all the parts side by side");
    return read_part(plan, node, shape, part);
}

static int read_mixture(const struct plan *plan, uint32_t node, struct distribution *out)
{
    static const char *const keys[] = {"weight", "dist", NULL};
    uint32_t parts;
    int r = must(plan, node, "parts", &parts);
    if (r < 0)
        return r;
    uint32_t count = plan->document->nodes[parts].count;
    if (plan_kind(plan, parts) != MSIM_JSON_ARRAY || count == 0 || count > MIXTURE_MOST)
        return msim_json_refuse(plan->document, parts, plan->detail, MSIM_ERR_INVALID,
                                "a list of 1..%d parts {\"weight\", \"dist\"} is wanted here",
                                MIXTURE_MOST);
    uint64_t sum = 0;
    for (uint32_t at = plan->document->nodes[parts].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next) {
        uint32_t dist;
        int64_t weight = 0;
        r = msim_fault_plan_keys(plan, at, keys, NULL);
        if (r == MSIM_OK)
            r = must_number(plan, at, "weight", 1, &weight);
        if (r == MSIM_OK)
            r = must(plan, at, "dist", &dist);
        if (r == MSIM_OK)
            r = read_simple(plan, dist, &out->parts[out->count]);
        if (r < 0)
            return r;
        sum += (uint64_t)weight;
        out->weights[out->count++] = sum;
    }
    return MSIM_OK;
}

int msim_fault_plan_distribution(const struct plan *plan, uint32_t node, struct distribution *out)
{
    int shape = 0;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    memset(out, 0, sizeof *out);
    if (plan_kind(plan, node) == MSIM_JSON_STRING) {
        out->count = 1;
        return read_constant(plan, node, &out->parts[0]);
    }
    int r = read_shape(plan, node, &shape);
    if (r < 0)
        return r;
    if (shape == SHAPE_MIXTURE)
        return read_mixture(plan, node, out);
    out->count = 1;
    return read_part(plan, node, shape, &out->parts[0]);
}
