/*
 * What corrupt may say: one mode with its keys beside it, or a weighted list.
 */
#include <string.h>

#include "faults/corrupt.h"
#include "faults/plan.h"

static const char *const mode_names[] = {
    [CORRUPT_BITFLIP] = "bitflip",
    [CORRUPT_BITFLIP_TEXT] = "bitflip_text",
    [CORRUPT_BAD_UTF8] = "bad_utf8",
    [CORRUPT_TRUNCATE] = "truncate",
    [CORRUPT_GARBAGE] = "garbage",
    [CORRUPT_CONCAT] = "concat",
    [CORRUPT_SPLIT] = "split",
    [CORRUPT_FIELD_DROP] = "field_drop",
    [CORRUPT_FIELD_NULL] = "field_null",
    [CORRUPT_FIELD_RENAME] = "field_rename",
    [CORRUPT_FIELD_EXTRA] = "field_extra",
    [CORRUPT_TYPE_SWAP] = "type_swap",
    [CORRUPT_ENUM_UNKNOWN] = "enum_unknown",
    [CORRUPT_NUM_SCALE] = "num_scale",
    [CORRUPT_NUM_SIGN] = "num_sign",
    [CORRUPT_NUM_ZERO] = "num_zero",
    [CORRUPT_NUM_DIGITS] = "num_digits",
    [CORRUPT_NUM_EXP] = "num_exp",
    [CORRUPT_NUM_NAN] = "num_nan",
    [CORRUPT_NUM_HUGE] = "num_huge",
    [CORRUPT_ID_SWAP] = "id_swap",
    [CORRUPT_TS_SHIFT] = "ts_shift",
    [CORRUPT_SCRAMBLE] = "scramble",
    [CORRUPTIONS] = NULL,
};

static const char *const mutation_keys[] = {"mode",     "weight", "bits",     "keep",  "with",
                                            "path",     "value",  "name",     "pow10", "digits",
                                            "fraction", "by",     "max_wait", NULL};

const char *msim_fault_corruption_name(int mode)
{
    return mode >= 0 && mode < CORRUPTIONS ? mode_names[mode] : "unknown";
}

/* "uniform" or a number of bytes. */
static int read_keep(const struct plan *plan, uint32_t node, struct mutation *out)
{
    static const char *const names[] = {"uniform", NULL};
    int choice = 0;

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    if (plan_kind(plan, node) == MSIM_JSON_STRING)
        return msim_fault_plan_choice(plan, node, names, &choice);
    return msim_fault_plan_integer(plan, node, 1, UINT32_MAX, &out->keep);
}

#define VALUE_MOST 240 /* bytes of a name or value that stands in a token's place */

/* null or a text. */
static int read_value(const struct plan *plan, uint32_t node, struct mutation *out)
{
    if (node == MSIM_JSON_NONE || plan_kind(plan, node) == MSIM_JSON_NULL)
        return MSIM_OK;
    int r = msim_fault_plan_text(plan, node, &out->value, NULL);
    for (const char *c = out->value; r == MSIM_OK && c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
            r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                 "a text without quotes, backslashes and control bytes is wanted "
                                 "here");
    if (r == MSIM_OK && out->value && strlen(out->value) > VALUE_MOST)
        r = msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                             "a text of at most %d bytes is wanted here", VALUE_MOST);
    return r;
}

static int read_details(const struct plan *plan, uint32_t object, struct mutation *out)
{
    static const char *const garbages[] = {"random", "html", "empty", NULL};
    int with = GARBAGE_RANDOM;
    int r =
        msim_fault_plan_integer(plan, plan_member(plan, object, "bits"), 1, BITS_MOST, &out->bits);

    if (r == MSIM_OK)
        r = read_keep(plan, plan_member(plan, object, "keep"), out);
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, object, "with"), garbages, &with);
    out->with = (enum garbage)with;
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, object, "path"), &out->path.text,
                                 &out->path.length);
    if (r == MSIM_OK)
        r = read_value(plan, plan_member(plan, object, "value"), out);
    if (r == MSIM_OK) {
        const char *value = out->value;
        out->value = NULL;
        r = read_value(plan, plan_member(plan, object, "name"), out);
        out->name = out->value;
        out->value = value;
    }
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "pow10"), -18, 18, &out->pow10);
    if (r == MSIM_OK && out->mode == CORRUPT_NUM_SCALE && out->pow10 == 0)
        r = msim_json_refuse(plan->document, plan_member(plan, object, "pow10"), plan->detail,
                             MSIM_ERR_INVALID, "10^0 is 1 and changes nothing: -18..18 but not 0");
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "digits"), 1, 64, &out->digits);
    if (r == MSIM_OK)
        r = msim_fault_plan_share(plan, plan_member(plan, object, "fraction"), &out->fraction);
    if (r == MSIM_OK && out->mode == CORRUPT_TS_SHIFT)
        r = msim_fault_plan_shift(plan, plan_member(plan, object, "by"), &out->by);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, object, "max_wait"), &out->max_wait);
    return r;
}

#define MODE(name) (UINT64_C(1) << CORRUPT_##name)
#define FIELDS (MODE(FIELD_DROP) | MODE(FIELD_NULL) | MODE(FIELD_RENAME) | MODE(FIELD_EXTRA))
#define NUMBERS                                                                             \
    (MODE(NUM_SCALE) | MODE(NUM_SIGN) | MODE(NUM_ZERO) | MODE(NUM_DIGITS) | MODE(NUM_EXP) | \
     MODE(NUM_NAN) | MODE(NUM_HUGE))

static const struct plan_only of_modes[] = {
    {"bits", MODE(BITFLIP), "\"bitflip\""},
    {"keep", MODE(TRUNCATE), "\"truncate\""},
    {"with", MODE(GARBAGE), "\"garbage\""},
    {"path",
     FIELDS | NUMBERS | MODE(BAD_UTF8) | MODE(TYPE_SWAP) | MODE(ENUM_UNKNOWN) | MODE(ID_SWAP) |
         MODE(TS_SHIFT),
     "the modes that work on fields"},
    {"value", MODE(ENUM_UNKNOWN) | MODE(NUM_NAN) | MODE(FIELD_EXTRA),
     "\"enum_unknown\", \"num_nan\" and \"field_extra\""},
    {"name", MODE(FIELD_RENAME) | MODE(FIELD_EXTRA), "\"field_rename\" and \"field_extra\""},
    {"pow10", MODE(NUM_SCALE), "\"num_scale\""},
    {"digits", MODE(NUM_DIGITS), "\"num_digits\""},
    {"fraction", MODE(SCRAMBLE), "\"scramble\""},
    {"max_wait", MODE(CONCAT), "\"concat\""},
    {NULL, 0, NULL},
};

static int read_mutation(const struct plan *plan, uint32_t object, uint32_t mode,
                         struct mutation *out)
{
    int chosen = 0;

    *out = (struct mutation){
        .weight = PPB,
        .bits = 1,
        .pow10 = 1,
        .digits = 3,
        .by = 5 * MSIM_NS_PER_S,
        .fraction = PPB / 10,
        .max_wait = 100 * MSIM_NS_PER_MS,
    };
    if (mode == MSIM_JSON_NONE)
        return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                                "\"mode\" is missing here: truncate, bitflip, num_scale, ...");
    int r = msim_fault_plan_choice(plan, mode, mode_names, &chosen);
    out->mode = (enum corruption)chosen;
    if (r == MSIM_OK)
        r = msim_fault_plan_only(plan, object, of_modes, chosen);
    return r < 0 ? r : read_details(plan, object, out);
}

static int read_list(const struct plan *plan, uint32_t list, struct corrupt *corrupt)
{
    uint64_t sum = 0;

    for (uint32_t at = plan->document->nodes[list].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next) {
        struct mutation *mutation = &corrupt->mutations[corrupt->count];
        int r = msim_fault_plan_keys(plan, at, mutation_keys, NULL);
        if (r == MSIM_OK)
            r = read_mutation(plan, at, plan_member(plan, at, "mode"), mutation);
        if (r == MSIM_OK)
            r = msim_fault_plan_number(plan, plan_member(plan, at, "weight"), 1, 1000 * PPB,
                                       &mutation->weight);
        if (r < 0)
            return r;
        sum += (uint64_t)mutation->weight;
        corrupt->weights[corrupt->count++] = sum;
    }
    return MSIM_OK;
}

int msim_fault_plan_corrupt(const struct plan *plan, uint32_t object)
{
    struct corrupt *corrupt = &plan->strategy->as.corrupt;
    uint32_t mode = plan_member(plan, object, "mode");
    bool list = mode != MSIM_JSON_NONE && plan_kind(plan, mode) == MSIM_JSON_ARRAY;
    bool whole = mode != MSIM_JSON_NONE && plan_kind(plan, mode) == MSIM_JSON_OBJECT;
    size_t count = list ? plan->document->nodes[mode].count : 1;
    uint32_t fix = plan_member(plan, object, "fix_checksum");

    if (fix != MSIM_JSON_NONE)
        return msim_json_refuse(plan->document, fix, plan->detail, MSIM_ERR_UNSUPPORTED,
                                "FIX, and with it fix_checksum, is not in this version");
    if (count == 0 || count > MUTATIONS_MOST)
        return msim_json_refuse(plan->document, mode, plan->detail, MSIM_ERR_INVALID,
                                "a list of 1..%d modes is wanted here", MUTATIONS_MOST);
    if (list || whole) {
        int r = msim_fault_plan_only(plan, object, of_modes, CORRUPTIONS);
        if (r < 0)
            return r;
    }
    struct arena *arena = &plan->strategy->arena;
    corrupt->mutations = msim_fault_arena_take(arena, count * sizeof *corrupt->mutations);
    corrupt->weights = msim_fault_arena_take(arena, count * sizeof *corrupt->weights);
    if (!corrupt->mutations || !corrupt->weights)
        return MSIM_ERR_NOMEM;
    int r = MSIM_OK;
    if (list)
        return read_list(plan, mode, corrupt);
    uint32_t where = whole ? mode : object;
    if (whole)
        r = msim_fault_plan_keys(plan, where, mutation_keys, NULL);
    if (r == MSIM_OK)
        r = read_mutation(plan, where, plan_member(plan, where, "mode"), &corrupt->mutations[0]);
    corrupt->weights[0] = 1;
    corrupt->count = 1;
    return r;
}

const struct mutation *msim_fault_mutation_pick(const struct corrupt *corrupt, uint64_t uniform)
{
    size_t i = 0;

    if (corrupt->count > 1) {
        uint64_t place = msim_mul_high(uniform, corrupt->weights[corrupt->count - 1]);
        while (place >= corrupt->weights[i])
            i++;
    }
    return &corrupt->mutations[i];
}
