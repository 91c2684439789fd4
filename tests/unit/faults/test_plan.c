/*
 * Bad plans are refused with the place and the remedy, and change nothing; good ones
 * come back the same.
 */
#include "bench.h"

struct bad {
    const char *json;
    const char *where; /* the pointer, and a word of the remedy */
    const char *word;
    int result;
};

#define NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SELECT_OUT "\"select\":{\"dir\":\"out\"}"

static const struct bad bad[] = {
    {"[]", "", "object", MSIM_ERR_INVALID},
    {"{}", "", "\"kind\" is missing", MSIM_ERR_INVALID},
    {"{\"kind\":\"explode\"}", "/kind", "drop duplicate", MSIM_ERR_INVALID},
    {"{\"kind\":7}", "/kind", "drop", MSIM_ERR_INVALID},
    {"{\"kind\":\"stale_read\"}", "/kind", "not in this version", MSIM_ERR_UNSUPPORTED},
    {"{\"kind\":\"md_lie\"}", "/kind", "not in this version", MSIM_ERR_UNSUPPORTED},
    {"{\"kind\":\"swarm\"}", "/kind", "not in this version", MSIM_ERR_UNSUPPORTED},
    {"{\"kind\":\"drop\"}", "", "\"dir\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{}}", "/select", "\"dir\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"up\"}}", "/select/dir", "in out both",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"typ\":\"x\"}}", "/select/typ", "\"type\"",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"type\":\"order.neu\"}}", "/select/type",
     "no message type", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"type\":[\"sub\",\"*.new\"]}}",
     "/select/type/1", "no message type", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"channel\":\"fix\"}}", "/select/channel",
     "not in this version", MSIM_ERR_UNSUPPORTED},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"size_min\":9,\"size_max\":3}}", "/select",
     "exchange", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"not\":{\"not\":{}}}}", "/select/not",
     "\"not\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"symbol\":[]}}", "/select/symbol", "list",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"P\":0.1}", "/P", "\"p\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"p\":1.1}", "/p", "0..1", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"p\":-0.1}", "/p", "0..1", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"p\":0.0000000001}", "/p", "9 decimals", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"p\":\"0.1\"}", "/p", "number", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT
     ",\"p\":0.1,\"ge\":{\"p_gb\":1,\"p_bg\":1,\"h_good\":0,\"h_bad\":1}}",
     "", "choose one", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"ge\":{\"p_gb\":1}}", "/ge", "p_bg", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT
     ",\"ge_time\":{\"mean_good\":\"0s\",\"mean_bad\":\"1s\",\"h_good\":0,\"h_bad\":1}}",
     "/ge_time", "longer than 0", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"rate\":3}", "/rate", "not known", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"by\":\"cid\",\"stick\":0.5,\"p\":0.5}", "/by", "plain",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"by\":\"nonce\"}", "/by", "ordinal cid", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"every\":0}", "/every", "1", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"max_hits\":0}", "/max_hits", "1", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"skip\":-1}", "/skip", "0..", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"skip\":1.5}", "/skip", "whole", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"window\":[\"5s\",\"1s\"]}", "/window", "window",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"window\":\"5s\"}", "/window", "pair", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"cooldown\":5}", "/cooldown", "length of time",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"cooldown\":\"5 s\"}", "/cooldown", "15ms",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"id\":\"a b\"}", "/id", "letters", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"id\":\"\"}", "/id", "letters", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"enabled\":1}", "/enabled", "true or false",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"http\":\"explode\"}", "/http", "hang close status",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"p\":0.1,\"p\":0.2}", "", "twice", MSIM_ERR_INVALID},
    {"{\"kind\":\"duplicate\"," SELECT_OUT ",\"copies\":16}", "/copies", "1..15", MSIM_ERR_INVALID},
    {"{\"kind\":\"duplicate\"," SELECT_OUT ",\"copies\":[3,1]}", "/copies", "smaller",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"duplicate\"," SELECT_OUT ",\"copies\":[1,2,3]}", "/copies", "pair",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT "}", "", "\"dist\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT
     ",\"dist\":{\"type\":\"uniform\",\"min\":\"9ms\",\"max\":\"1ms\"}}",
     "/dist", "exchange", MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":{\"type\":\"uniform\",\"min\":\"9ms\"}}", "/dist",
     "\"max\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":{\"type\":\"empirical\"}}", "/dist/type",
     "not in this version", MSIM_ERR_UNSUPPORTED},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":{\"type\":\"gauss\"}}", "/dist/type", "normal",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":{\"type\":\"mixture\",\"parts\":[]}}",
     "/dist/parts", "1..16", MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":{\"type\":\"mixture\",\"parts\":[{\"weight\":1,"
     "\"dist\":{\"type\":\"mixture\",\"parts\":[]}}]}}",
     "/dist/parts/0/dist", "side by side", MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":\"25h\"}", "/dist", "at most 86400 s",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":\"1s\",\"order\":\"lane:colour\"}", "/order",
     "lane:symbol", MSIM_ERR_INVALID},
    {"{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":\"1s\",\"min\":\"2s\",\"max\":\"1s\"}", "",
     "exchange", MSIM_ERR_INVALID},
    {"{\"kind\":\"reorder\"," SELECT_OUT "}", "", "max_wait", MSIM_ERR_INVALID},
    {"{\"kind\":\"reorder\"," SELECT_OUT ",\"max_wait\":\"1s\",\"mode\":\"shuffle\"}", "", "window",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"reorder\"," SELECT_OUT ",\"max_wait\":\"1s\",\"mode\":\"shuffle\",\"window\":1}",
     "/window", "2..256", MSIM_ERR_INVALID},
    {"{\"kind\":\"reorder\"," SELECT_OUT ",\"max_wait\":\"1s\",\"window\":5}", "/window", "shuffle",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT "}", "", "\"rate\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":0}", "/rate", "number", MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":1,\"on_exceed\":\"reject\"}", "", "\"in\"",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\",\"select\":{\"dir\":\"in\"},\"rate\":1,\"on_exceed\":\"conflate\"}",
     "", "\"out\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":1,\"ban\":{\"for\":\"1s\"}}", "/ban", "reject",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":1,\"weights\":{\"orders\":1}}",
     "/weights/orders", "no message type", MSIM_ERR_INVALID},
    {"{\"kind\":\"slice\"," SELECT_OUT "}", "", "\"chunk\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"slice\"," SELECT_OUT ",\"chunk\":0}", "/chunk", "1..", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\"}", "", "\"action\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"melt\"}", "/action", "freeze_out", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"rst\",\"p\":0.5}", "", "\"dir\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"close\",\"code\":99}", "/code", "1000..4999",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"close\",\"notice\":{}}", "/notice", "before",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"close\",\"at\":\"-1s\"}", "/at", "since",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT "}", "", "\"mode\"", MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":\"melt\"}", "/mode", "bitflip",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":[]}", "/mode", "1..32", MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":[{\"mode\":\"split\",\"weight\":0}]}",
     "/mode/0/weight", "number", MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":\"split\",\"fix_checksum\":\"fix\"}",
     "/fix_checksum", "not in this version", MSIM_ERR_UNSUPPORTED},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":\"enum_unknown\",\"value\":\"a\\\"b\"}",
     "/value", "quotes", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"rst\",\"code\":1001}", "/code", "close", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"fin\",\"duration\":\"1s\"}", "/duration", "end",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"freeze\",\"queue\":\"flush\"}", "/queue", "rst",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"half_open\",\"resume\":\"flush\"}", "/resume", "zombie",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"freeze\",\"rst_after\":\"1s\"}", "/rst_after", "half_open",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"refuse\",\"status\":500}", "/status", "http_error",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"stall\",\"flap\":{\"times\":2,\"gap\":\"1s\"}}", "/flap",
     "duration", MSIM_ERR_INVALID},
    {"{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"all\",\"account\":\"a\"}", "/account",
     "scope", MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"," SELECT_OUT ",\"http\":\"close\",\"body\":\"x\"}", "/body", "status",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":1,\"on_exceed\":\"drop\",\"queue\":9}",
     "/queue", "wait", MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":1,\"code\":9}", "/code", "rejects",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"rate\":1,\"within\":\"1s\",\"on_exceed\":\"drop\"}",
     "/rate", "tokens", MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"within\":\"1s\"}", "/within", "reject",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"throttle\"," SELECT_OUT ",\"within\":\"0s\",\"on_exceed\":\"drop\"}", "/within",
     "1s", MSIM_ERR_INVALID},
    {"{\"kind\":\"reorder\"," SELECT_OUT
     ",\"max_wait\":\"1s\",\"mode\":\"shuffle\",\"window\":3,\"k\":2}",
     "/k", "hold", MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":\"truncate\",\"bits\":2}", "/bits", "bitflip",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":[{\"mode\":\"bitflip\"}],\"bits\":2}", "/bits",
     "bitflip", MSIM_ERR_INVALID},
    {"{\"kind\":\"corrupt\"," SELECT_OUT ",\"mode\":\"num_scale\",\"pow10\":0}", "/pow10",
     "nothing", MSIM_ERR_INVALID},
    {"{\"kind\":\"venue\",\"do\":\"halt\",\"tick\":\"0.1\"}", "/tick", "tick_change",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"venue\",\"do\":\"halt\",\"rate\":1,\"at\":\"1s\"}", "/rate", "one of",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"venue\",\"do\":\"halt\",\"symbol\":\"" NAME_64 "\"}", "/symbol", "63 bytes",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"venue\",\"do\":\"notice\",\"text\":\"" NAME_64 NAME_64 NAME_64 NAME_64 "\"}",
     "/text", "not of 256", MSIM_ERR_INVALID},
    {"{\"kind\":\"respond\",\"do\":\"reject\",\"code\":\"" NAME_64 "\"}", "/code", "63 bytes",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"respond\",\"do\":\"reject\",\"after\":\"1s\"}", "/after", "later",
     MSIM_ERR_INVALID},
    {"{\"kind\":\"drop\"", "", "", MSIM_ERR_FORMAT},
    {"", "", "", MSIM_ERR_FORMAT},
};

static void a_bad_plan_is_refused_with_its_place_and_the_remedy(void **state)
{
    struct bench bench;
    char before[4096];
    char after[4096];
    size_t length = 0;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"drop\",\"id\":\"good\"," SELECT_OUT "}");
    assert_int_equal(msim_faults_statistics(bench.faults, NULL, before, sizeof before, &length),
                     MSIM_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        bench.detail.text[0] = '\0';
        int r =
            msim_faults_add(bench.faults, 0, bad[i].json, strlen(bad[i].json), NULL, &bench.detail);
        if (r != bad[i].result || !strstr(bench.detail.text, bad[i].word) ||
            !strstr(bench.detail.text, bad[i].where))
            fail_msg("%s: %d, %s", bad[i].json, r, bench.detail.text);
    }
    assert_int_equal(msim_faults_statistics(bench.faults, NULL, after, sizeof after, &length),
                     MSIM_OK);
    assert_string_equal(before, after);
    bench_finish(&bench);
}

static void an_id_stands_once(void **state)
{
    struct bench bench;
    const char json[] = "{\"kind\":\"drop\",\"id\":\"x\"," SELECT_OUT "}";
    const char nameless[] = "{\"kind\":\"drop\"," SELECT_OUT "}";
    char id[MSIM_FAULT_ID_SIZE];

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_add(bench.faults, 0, json, strlen(json), id, NULL), MSIM_OK);
    assert_string_equal(id, "x");
    assert_int_equal(msim_faults_add(bench.faults, 0, json, strlen(json), id, &bench.detail),
                     MSIM_ERR_EXISTS);
    assert_non_null(strstr(bench.detail.text, "\"x\""));
    assert_int_equal(msim_faults_add(bench.faults, 0, nameless, strlen(nameless), id, NULL),
                     MSIM_OK);
    assert_string_equal(id, "drop-1");
    assert_int_equal(msim_faults_remove(bench.faults, 0, "x"), MSIM_OK);
    assert_int_equal(msim_faults_remove(bench.faults, 0, "x"), MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_faults_enable(bench.faults, 0, "x"), MSIM_ERR_NOT_FOUND);
    bench_finish(&bench);
}

static void a_list_is_added_whole_or_not_at_all(void **state)
{
    struct bench bench;
    struct msim_fault_counts counts;
    const char good[] = "{\"strategies\":[{\"kind\":\"drop\",\"id\":\"a\"," SELECT_OUT "},"
                        "{\"kind\":\"drop\",\"id\":\"b\"," SELECT_OUT "}]}";
    const char half[] = "[{\"kind\":\"drop\",\"id\":\"c\"," SELECT_OUT "},{\"kind\":\"drop\"}]";

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_add_all(bench.faults, 0, half, strlen(half), &bench.detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(bench.detail.text, "/1"));
    assert_int_equal(msim_faults_counts(bench.faults, "c", &counts), MSIM_ERR_NOT_FOUND);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    assert_int_equal(msim_faults_add_all(bench.faults, 0, good, strlen(good), NULL), MSIM_OK);
    assert_int_equal(msim_faults_counts(bench.faults, "b", &counts), MSIM_OK);
    bench_finish(&bench);
}

static void a_patch_changes_what_it_names(void **state)
{
    static const struct {
        const char *patch;
        int result;
    } patches[] = {
        {"{\"p\":0.5}", MSIM_OK},
        {"{\"p\":null}", MSIM_OK},
        {"{\"select\":{\"type\":\"md.*\"}}", MSIM_OK},
        {"{\"select\":{\"dir\":null}}", MSIM_ERR_INVALID},
        {"{\"kind\":\"delay\",\"dist\":\"1s\"}", MSIM_ERR_INVALID},
        {"{\"id\":\"y\"}", MSIM_ERR_INVALID},
        {"{\"p\":2}", MSIM_ERR_INVALID},
        {"[]", MSIM_ERR_INVALID},
        {"{", MSIM_ERR_FORMAT},
    };
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"drop\",\"id\":\"x\"," SELECT_OUT ",\"p\":0}");
    for (size_t i = 0; i < COUNT(patches); i++) {
        int r = msim_faults_update(bench.faults, 0, "x", patches[i].patch, strlen(patches[i].patch),
                                   &bench.detail);
        if (r != patches[i].result)
            fail_msg("%s: %d, %s", patches[i].patch, r, bench.detail.text);
    }
    /* p is back at 1, and only market data is looked at. */
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_MD_BBO, "x"), MSIM_FAULT_TAKEN);
    assert_int_equal(msim_faults_update(bench.faults, 0, "nobody", "{}", 2, NULL),
                     MSIM_ERR_NOT_FOUND);
    bench_finish(&bench);
}

/* The part of the statistics that is the strategy's rule. */
static const char *rule_of(struct bench *bench, const char *id, char *out, size_t size)
{
    char text[8192];
    size_t length = 0;

    assert_int_equal(msim_faults_statistics(bench->faults, id, text, sizeof text, &length),
                     MSIM_OK);
    const char *rule = strstr(text, "\"rule\":");
    const char *end = strstr(text, ",\"seen\":");
    assert_true(rule && end);
    snprintf(out, size, "%.*s", (int)(end - rule - 7), rule + 7);
    return out;
}

static void a_strategy_can_be_read_back_as_it_stands(void **state)
{
    static const char patch[] = "{\"dist\": {\"max\": \"3 ms\"}, \"p\": null}";
    static const char good[] = "{\"dist\": {\"max\": \"3ms\"}, \"p\": null}";
    struct bench bench;
    char rule[512];

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\": \"delay\", \"select\": {\"dir\": \"out\", \"cid\": \"a \\\" b\"},\n"
              " \"p\": 0.5, \"dist\": {\"type\": \"uniform\", \"min\": \"1ms\",\n"
              " \"max\": \"2ms\"}}");
    assert_string_equal(
        rule_of(&bench, "delay-0", rule, sizeof rule),
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\",\"cid\":\"a \\\" b\"},\"p\":0.5,"
        "\"dist\":{\"type\":\"uniform\",\"min\":\"1ms\",\"max\":\"2ms\"},"
        "\"id\":\"delay-0\",\"enabled\":true}");
    assert_int_equal(
        msim_faults_update(bench.faults, 0, "delay-0", patch, strlen(patch), &bench.detail),
        MSIM_ERR_INVALID);
    assert_int_equal(msim_faults_disable(bench.faults, 0, "delay-0"), MSIM_OK);
    assert_int_equal(msim_faults_update(bench.faults, 0, "delay-0", good, strlen(good), NULL),
                     MSIM_OK);
    assert_string_equal(rule_of(&bench, "delay-0", rule, sizeof rule),
                        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\",\"cid\":\"a \\\" b\"},"
                        "\"dist\":{\"type\":\"uniform\",\"min\":\"1ms\",\"max\":\"3ms\"},"
                        "\"id\":\"delay-0\",\"enabled\":false}");
    assert_int_equal(msim_faults_remove(bench.faults, 0, "delay-0"), MSIM_OK);
    assert_int_equal(msim_faults_add(bench.faults, 0, rule, strlen(rule), NULL, NULL), MSIM_OK);
    const char fired[] = "{\"kind\":\"drop\"," SELECT_OUT "}";
    assert_int_equal(msim_faults_fire(bench.faults, 0, fired, strlen(fired), NULL), MSIM_OK);
    assert_non_null(
        strstr(rule_of(&bench, "drop-2", rule, sizeof rule), "\"enabled\":true,\"max_hits\":1}"));
    bench_finish(&bench);
}

static void what_is_disabled_stays_so_over_a_patch_of_something_else(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"drop\",\"id\":\"x\"," SELECT_OUT "}");
    assert_int_equal(msim_faults_disable(bench.faults, 0, "x"), MSIM_OK);
    assert_int_equal(msim_faults_update(bench.faults, 0, "x", "{\"p\":1}", 7, NULL), MSIM_OK);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    assert_int_equal(msim_faults_update(bench.faults, 0, "x", "{\"enabled\":true}", 16, NULL),
                     MSIM_OK);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_TAKEN);
    bench_finish(&bench);
}

static void a_member_that_is_null_goes_back_to_its_default(void **state)
{
    struct bench bench;
    char rule[512];

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"x\",\"enabled\":false," SELECT_OUT ",\"p\":0}");
    assert_int_equal(msim_faults_update(bench.faults, 0, "x", "{\"p\":null}", 10, NULL), MSIM_OK);
    assert_null(strstr(rule_of(&bench, "x", rule, sizeof rule), "\"p\":"));
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    assert_int_equal(msim_faults_update(bench.faults, 0, "x", "{\"enabled\":null}", 16, NULL),
                     MSIM_OK);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_TAKEN);
    bench_finish(&bench);
}

static void a_bad_patch_is_refused_at_its_own_place(void **state)
{
    static const struct {
        const char *patch;
        const char *words;
    } patches[] = {
        {"{\n \"dist\": {\"max\": \"x\"}}", "/dist/max (line 2, column 18): "},
        {"{\"dist\": {\"max\": \"1us\"}}", "/dist (line 1, column 10): \"min\" is larger"},
        {"{\"kind\": \"drop\"}", "the value (line 1, column 1): as merged, /dist: this key"},
        {"{\"p\": 0.1, \"id\": \"y\"}", "/id (line 1, column 18): id, kind"},
        {"{\"p\": 2}", "/p (line 1, column 7): "},
        {"{\"dist\": null}", "the value (line 1, column 1): "},
        {"{\"select\": {\"dri\": 1}}", "/select/dri (line 1, column 20): "},
        {"[]", "the value (line 1, column 1): a merge patch"},
    };
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"id\":\"x\",\"kind\":\"delay\"," SELECT_OUT ",\"dist\":"
              "{\"type\":\"uniform\",\"min\":\"1ms\",\"max\":\"2ms\"}}");
    for (size_t i = 0; i < COUNT(patches); i++) {
        const char *patch = patches[i].patch;
        int r = msim_faults_update(bench.faults, 0, "x", patch, strlen(patch), &bench.detail);
        if (r != MSIM_ERR_INVALID ||
            strncmp(bench.detail.text, patches[i].words, strlen(patches[i].words)) != 0)
            fail_msg("%s: %d, %s", patch, r, bench.detail.text);
    }
    bench_finish(&bench);
}

static void a_nameless_strategy_keeps_its_given_id_over_a_patch(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"drop\"," SELECT_OUT ",\"p\":0.5}");
    bench_add(&bench, 0, "{\"kind\":\"drop\"," SELECT_OUT ",\"p\":0.5}");
    assert_int_equal(msim_faults_update(bench.faults, 0, "drop-0", "{\"p\":0}", 7, &bench.detail),
                     MSIM_OK);
    assert_int_equal(msim_faults_update(bench.faults, 0, "drop-1", "{\"p\":0}", 7, &bench.detail),
                     MSIM_OK);
    bench_finish(&bench);
}

static void there_is_room_for_so_many_strategies(void **state)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    const char json[] = "{\"kind\":\"drop\"," SELECT_OUT "}";
    struct bench bench;

    (void)state;
    params.max_strategies = 3;
    bench_start_with(&bench, &params);
    for (int i = 0; i < 3; i++)
        bench_add(&bench, 0, json);
    assert_int_equal(msim_faults_add(bench.faults, 0, json, strlen(json), NULL, &bench.detail),
                     MSIM_ERR_LIMIT);
    assert_non_null(strstr(bench.detail.text, "max_strategies"));
    assert_int_equal(msim_faults_remove(bench.faults, 0, "drop-1"), MSIM_OK);
    bench_add(&bench, 0, json);
    bench_finish(&bench);
}

static void a_fired_fault_acts_once_and_is_gone(void **state)
{
    struct bench bench;
    const char json[] = "{\"kind\":\"drop\",\"id\":\"shot\"," SELECT_OUT "}";
    const char throttle[] = "{\"kind\":\"throttle\",\"rate\":1," SELECT_OUT "}";
    const char clock[] = "{\"kind\":\"clock\",\"step\":\"-5s\"}";
    struct msim_fault_counts counts;

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_fire(bench.faults, 0, json, strlen(json), NULL), MSIM_OK);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_TAKEN);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    assert_int_equal(msim_faults_counts(bench.faults, "shot", &counts), MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_faults_fire(bench.faults, 0, throttle, strlen(throttle), &bench.detail),
                     MSIM_ERR_INVALID);
    assert_int_equal(msim_faults_fire(bench.faults, 0, clock, strlen(clock), &bench.detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(bench.detail.text, "add it"));
    bench_finish(&bench);
}

static void a_reset_begins_anew(void **state)
{
    struct bench bench;
    bool first[100];

    (void)state;
    bench_start(&bench);
    for (int round = 0; round < 2; round++) {
        bench_add(&bench, round, "{\"kind\":\"drop\",\"id\":\"x\"," SELECT_OUT ",\"every\":3}");
        for (int i = 0; i < 100; i++) {
            bool hit =
                bench_text(&bench, round, bench.out, MSIM_FAULT_OTHER, "x") == MSIM_FAULT_TAKEN;
            if (round == 0)
                first[i] = hit;
            assert_int_equal(hit, first[i]);
        }
        assert_int_equal(bench_counts(&bench, "x").matched, 100);
        assert_int_equal(msim_faults_reset(bench.faults, round), MSIM_OK);
        assert_int_equal(msim_fault_link_balance(bench.out).native, 0);
    }
    bench_finish(&bench);
}

static void statistics_say_how_much_room_they_need(void **state)
{
    struct bench bench;
    char small[8];
    size_t length = 0;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"id\":\"d\"," SELECT_OUT ",\"dist\":\"3ms\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    bench_text(&bench, 1 * MS, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, SEC);
    assert_int_equal(msim_faults_statistics(bench.faults, NULL, small, sizeof small, &length),
                     MSIM_ERR_LIMIT);
    char *text = malloc(length);
    assert_int_equal(msim_faults_statistics(bench.faults, NULL, text, length, &length), MSIM_OK);
    assert_int_equal(strlen(text), length);
    assert_non_null(strstr(text, "\"drawn\":{\"count\":2,\"min\":3000000,\"max\":3000000,"
                                 "\"sum\":\"6000000\",\"sumsq\":\"18000000000000\""));
    assert_non_null(strstr(text, "\"effective\":{\"count\":2,\"min\":3000000"));
    assert_non_null(strstr(text, "\"acct-A/ws_private/0|out\":{\"native_in\":2"));
    free(text);
    bench_finish(&bench);
}

static void every_name_reads_back(void **state)
{
    (void)state;
    for (int type = 0; type < MSIM_FAULT_TYPES; type++) {
        const char *name = msim_fault_type_name(type);
        assert_int_equal(msim_fault_type_find(name, strlen(name)), type);
    }
    assert_int_equal(msim_fault_type_find("nonsense", 8), MSIM_FAULT_OTHER);
    assert_string_equal(msim_fault_type_name(-1), "unknown");
    assert_string_equal(msim_fault_kind_name(MSIM_FAULT_VENUE), "venue");
    assert_string_equal(msim_fault_kind_name(0), "unknown");
    assert_string_equal(msim_fault_action_name(MSIM_FAULT_ACTION_HALF_OPEN), "half_open");
    assert_string_equal(msim_fault_channel_name(MSIM_FAULT_INPROC), "inproc");
}

/* "strategies" strategies: each drops its own one of so many messages. */
static char *many_strategies(size_t count)
{
    size_t size = 64 + count * 96;
    char *json = malloc(size);
    size_t length = 0;

    assert_non_null(json);
    length += (size_t)snprintf(json, size, "{\"strategies\":[");
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(json + length, size - length,
                                   "%s{\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},"
                                   "\"skip\":%zu,\"max_hits\":1}",
                                   i > 0 ? "," : "", 2 * i);
    snprintf(json + length, size - length, "]}");
    return json;
}

static void as_many_strategies_as_there_may_be_all_act(void **state)
{
    struct bench bench;
    char *json = many_strategies(256);
    const char one_more[] = "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}}";

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_add_all(bench.faults, 0, json, strlen(json), &bench.detail),
                     MSIM_OK);
    for (int i = 0; i < 600; i++)
        assert_int_equal(bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x"),
                         i % 2 == 0 && i < 512 ? MSIM_FAULT_TAKEN : MSIM_FAULT_PASS);
    assert_int_equal(msim_fault_link_balance(bench.out).dropped, 256);
    assert_int_equal(bench_counts(&bench, "drop-255").hits, 1);
    assert_int_equal(
        msim_faults_add(bench.faults, 600, one_more, strlen(one_more), NULL, &bench.detail),
        MSIM_ERR_LIMIT);
    assert_non_null(strstr(bench.detail.text, "remove one"));
    assert_int_equal(msim_faults_remove(bench.faults, 600, "drop-7"), MSIM_OK);
    bench_add(&bench, 600, one_more);
    assert_int_equal(bench_text(&bench, 600, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_TAKEN);
    bench_check(&bench);
    bench_finish(&bench);
    free(json);
}

static void one_strategy_too_many_is_refused_with_its_place_and_the_remedy(void **state)
{
    struct bench bench;
    char *json = many_strategies(257);

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_add_all(bench.faults, 0, json, strlen(json), &bench.detail),
                     MSIM_ERR_LIMIT);
    assert_non_null(strstr(bench.detail.text, "/strategies/256 "));
    assert_non_null(strstr(bench.detail.text, "remove one, or raise max_strategies"));
    /* Nothing has changed. */
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    bench_finish(&bench);
    free(json);
}

static void a_distribution_that_is_refused_is_not_proposed(void **state)
{
    static const char json[] = "{\"kind\":\"delay\"," SELECT_OUT ",\"dist\":{\"type\":\"gauss\"}}";
    struct bench bench;

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_add(bench.faults, 0, json, sizeof json - 1, NULL, &bench.detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(bench.detail.text, "mixture"));
    assert_null(strstr(bench.detail.text, "empirical"));
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_distribution_that_is_refused_is_not_proposed),
        cmocka_unit_test(a_bad_plan_is_refused_with_its_place_and_the_remedy),
        cmocka_unit_test(an_id_stands_once),
        cmocka_unit_test(a_list_is_added_whole_or_not_at_all),
        cmocka_unit_test(a_patch_changes_what_it_names),
        cmocka_unit_test(a_strategy_can_be_read_back_as_it_stands),
        cmocka_unit_test(what_is_disabled_stays_so_over_a_patch_of_something_else),
        cmocka_unit_test(a_member_that_is_null_goes_back_to_its_default),
        cmocka_unit_test(a_bad_patch_is_refused_at_its_own_place),
        cmocka_unit_test(a_nameless_strategy_keeps_its_given_id_over_a_patch),
        cmocka_unit_test(there_is_room_for_so_many_strategies),
        cmocka_unit_test(a_fired_fault_acts_once_and_is_gone),
        cmocka_unit_test(a_reset_begins_anew),
        cmocka_unit_test(statistics_say_how_much_room_they_need),
        cmocka_unit_test(every_name_reads_back),
        cmocka_unit_test(as_many_strategies_as_there_may_be_all_act),
        cmocka_unit_test(one_strategy_too_many_is_refused_with_its_place_and_the_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
