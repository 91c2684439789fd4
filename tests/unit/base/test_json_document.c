#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

struct bench {
    struct msim_json_document document;
    struct msim_detail detail;
};

static int read_text(struct bench *bench, const char *text, const struct msim_json_limits *limits)
{
    return msim_json_document_read(&bench->document, text, strlen(text), limits, NULL,
                                   &bench->detail);
}

static const char plan[] = "{\"strategies\": [\n"
                           "  {\"id\": \"a\", \"p\": 0.5},\n"
                           "  {\"id\": \"b/c~d\", \"p\": 7}\n"
                           "], \"a/b\": {\"~\": null}, \"\": 3}";

static void a_document_is_the_tree_of_its_text(void **state)
{
    struct bench bench;
    struct msim_json_document *document = &bench.document;

    (void)state;
    assert_int_equal(read_text(&bench, plan, NULL), MSIM_OK);
    const struct msim_json_node *nodes = document->nodes;
    assert_int_equal(nodes[0].kind, MSIM_JSON_OBJECT);
    assert_int_equal(nodes[0].count, 3);
    assert_int_equal(nodes[0].start, 0);
    assert_int_equal(nodes[0].end, sizeof plan - 1);
    assert_true(nodes[0].parent == MSIM_JSON_NONE && nodes[0].next == MSIM_JSON_NONE);

    uint32_t list = msim_json_member(document, 0, "strategies");
    assert_int_equal(nodes[list].kind, MSIM_JSON_ARRAY);
    assert_int_equal(nodes[list].count, 2);
    assert_int_equal(nodes[list].parent, 0);
    size_t count = 0;
    for (uint32_t i = nodes[list].first; i != MSIM_JSON_NONE; i = nodes[i].next) {
        assert_int_equal(nodes[i].kind, MSIM_JSON_OBJECT);
        assert_int_equal(nodes[i].key_end, 0);
        uint32_t id = msim_json_member(document, i, "id");
        assert_true(msim_json_is(plan, nodes[id].start, nodes[id].end, count ? "b/c~d" : "a"));
        count++;
    }
    assert_int_equal(count, 2);
    assert_true(msim_json_member(document, 0, "absent") == MSIM_JSON_NONE);
    assert_true(msim_json_member(document, list, "id") == MSIM_JSON_NONE);
    msim_json_document_finish(document);
    msim_json_document_finish(document);
}

static void assert_pointer(const struct msim_json_document *document, uint32_t node,
                           const char *wanted)
{
    char out[64];

    assert_int_equal(msim_json_pointer(document, node, out, sizeof out), strlen(wanted));
    assert_string_equal(out, wanted);
}

static void a_node_is_named_by_its_pointer(void **state)
{
    struct bench bench;
    struct msim_json_document *document = &bench.document;
    char out[8];

    (void)state;
    assert_int_equal(read_text(&bench, plan, NULL), MSIM_OK);
    uint32_t list = msim_json_member(document, 0, "strategies");
    uint32_t second = document->nodes[document->nodes[list].first].next;
    assert_pointer(document, 0, "");
    assert_pointer(document, list, "/strategies");
    assert_pointer(document, msim_json_member(document, second, "p"), "/strategies/1/p");
    uint32_t slash = msim_json_member(document, 0, "a/b");
    assert_pointer(document, msim_json_member(document, slash, "~"), "/a~1b/~0");
    assert_pointer(document, msim_json_member(document, 0, ""), "/");
    assert_int_equal(msim_json_pointer(document, list, out, sizeof out), 11);
    assert_string_equal(out, "/strate");
    assert_int_equal(msim_json_pointer(document, list, NULL, 0), 11);
    msim_json_document_finish(document);
}

static void a_value_is_refused_with_pointer_and_place(void **state)
{
    struct bench bench;
    struct msim_json_document *document = &bench.document;

    (void)state;
    assert_int_equal(read_text(&bench, plan, NULL), MSIM_OK);
    uint32_t list = msim_json_member(document, 0, "strategies");
    uint32_t second = document->nodes[document->nodes[list].first].next;
    uint32_t p = msim_json_member(document, second, "p");
    assert_int_equal(msim_json_refuse(document, p, &bench.detail, MSIM_ERR_INVALID,
                                      "must be %d..%d, is %s", 0, 1, "7"),
                     MSIM_ERR_INVALID);
    assert_string_equal(bench.detail.text,
                        "/strategies/1/p (line 3, column 24): must be 0..1, is 7");
    assert_int_equal(msim_json_refuse(document, 0, &bench.detail, MSIM_ERR_INVALID, "no"),
                     MSIM_ERR_INVALID);
    assert_string_equal(bench.detail.text, "the value (line 1, column 1): no");
    assert_int_equal(msim_json_refuse(document, p, NULL, MSIM_ERR_INVALID, "no"), MSIM_ERR_INVALID);
    msim_json_document_finish(document);
}

static void a_merged_value_is_refused_at_the_place_of_what_was_sent(void **state)
{
    static const char merged[] = "[{\"id\":\"a\"}, {\"id\":\"b\",\"dist\":{\"min\":1,\"max\":0}}]";
    struct bench sent;
    struct bench bench;
    struct msim_json_document *document = &bench.document;

    (void)state;
    assert_int_equal(read_text(&sent, "{\"patch\": {\"dist\":\n {\"m\\u0061x\": 0}}}", NULL),
                     MSIM_OK);
    assert_int_equal(read_text(&bench, merged, NULL), MSIM_OK);
    document->sent = &sent.document;
    document->sent_node = msim_json_member(&sent.document, 0, "patch");
    document->sent_depth = 1;
    uint32_t second = document->nodes[document->nodes[0].first].next;
    uint32_t dist = msim_json_member(document, second, "dist");

    msim_json_refuse(document, msim_json_member(document, dist, "max"), &bench.detail,
                     MSIM_ERR_INVALID, "too small");
    assert_string_equal(bench.detail.text, "/patch/dist/max (line 2, column 15): too small");
    msim_json_refuse(document, msim_json_member(document, dist, "min"), &bench.detail,
                     MSIM_ERR_INVALID, "too large");
    assert_string_equal(bench.detail.text,
                        "/patch/dist (line 2, column 2): as merged, /1/dist/min: too large");
    msim_json_refuse(document, second, &bench.detail, MSIM_ERR_INVALID, "no");
    assert_string_equal(bench.detail.text, "/patch (line 1, column 11): no");
    msim_json_refuse(document, 0, &bench.detail, MSIM_ERR_INVALID, "no");
    assert_string_equal(bench.detail.text, "/patch (line 1, column 11): as merged, the value: no");
    msim_json_document_finish(&sent.document);
    msim_json_document_finish(document);
}

static void a_key_that_stands_twice_is_refused(void **state)
{
    static const char *const twice[] = {
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\":1,\"\":2}",
        "[0,{\"x\":{\"k\":1,\"l\":2,\"k\":3}}]",
        "{\"ab\\tc\":1,\"a\\u0062\\u0009c\":2}",
        "{\"\xC3\xA9\":1,\"\\u00e9\":1}",
    };
    static const char *const once[] = {
        "{\"a\":1,\"b\":2}",  "{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":1}]",
        "{\"a\":1,\"aa\":2}", "{\"a\":1,\"A\":2}",         "{\"\":1,\"\\u0000\":2}",
    };
    const struct msim_json_limits last_wins = {.duplicates = MSIM_JSON_DUPLICATES_LAST_WINS};
    struct bench bench;

    (void)state;
    for (size_t i = 0; i < COUNT(twice); i++) {
        assert_int_equal(read_text(&bench, twice[i], NULL), MSIM_ERR_INVALID);
        assert_non_null(strstr(bench.detail.text, "stands twice"));
        assert_int_equal(read_text(&bench, twice[i], &last_wins), MSIM_OK);
        msim_json_document_finish(&bench.document);
    }
    for (size_t i = 0; i < COUNT(once); i++) {
        assert_int_equal(read_text(&bench, once[i], NULL), MSIM_OK);
        msim_json_document_finish(&bench.document);
    }

    assert_int_equal(read_text(&bench, twice[0], &last_wins), MSIM_OK);
    uint32_t a = msim_json_member(&bench.document, 0, "a");
    assert_int_equal(bench.document.text[bench.document.nodes[a].start], '2');
    msim_json_document_finish(&bench.document);
}

static void many_keys_are_compared_quickly_and_rightly(void **state)
{
    static char text[700000];
    size_t length = 0;
    struct bench bench;
    size_t last = 0;

    (void)state;
    length += (size_t)sprintf(text + length, "{");
    for (int i = 0; i < 40000; i++) {
        last = length;
        length += (size_t)sprintf(text + length, "%s\"key%d\":%d", i ? "," : "", i, i);
    }
    sprintf(text + length, "}");
    assert_int_equal(read_text(&bench, text, NULL), MSIM_OK);
    assert_int_equal(bench.document.count, 40001);
    msim_json_document_finish(&bench.document);

    sprintf(text + last, ",\"key777\":0}");
    assert_int_equal(read_text(&bench, text, NULL), MSIM_ERR_INVALID);
    assert_non_null(strstr(bench.detail.text, "/key777 "));
}

static void limits_and_bad_texts_leave_no_document(void **state)
{
    const struct msim_json_limits few = {.max_nodes = 3};
    const struct msim_json_limits small = {.max_bytes = 5};
    struct bench bench;

    (void)state;
    assert_int_equal(read_text(&bench, "[1,2]", &few), MSIM_OK);
    msim_json_document_finish(&bench.document);
    assert_int_equal(read_text(&bench, "[1,2,3]", &few), MSIM_ERR_LIMIT);
    assert_string_equal(bench.detail.text, "more than 3 values");
    assert_int_equal(read_text(&bench, "[1,2,3]", &small), MSIM_ERR_LIMIT);
    assert_int_equal(read_text(&bench, "[1,2", NULL), MSIM_ERR_FORMAT);
    assert_string_equal(bench.detail.text,
                        "line 1, column 5 (byte 4): a comma or ] must stand here");
    assert_int_equal(msim_json_document_read(&bench.document, NULL, 0, NULL, NULL, NULL),
                     MSIM_ERR_FORMAT);
}

static void assert_number(const char *text, int result, int64_t mantissa, int exponent)
{
    int64_t got = -77;
    int got_exponent = -77;

    assert_int_equal(msim_json_decimal_any(text, 0, strlen(text), &got, &got_exponent), result);
    assert_int_equal(got, result < 0 ? -77 : mantissa);
    assert_int_equal(got_exponent, result < 0 ? -77 : exponent);
}

static void numbers_are_exact_or_refused(void **state)
{
    (void)state;
    assert_number("0", MSIM_OK, 0, 0);
    assert_number("-0", MSIM_OK, 0, 0);
    assert_number("-0.00", MSIM_OK, 0, -2);
    assert_number("1.50", MSIM_OK, 150, -2);
    assert_number("2e3", MSIM_OK, 2000, 0);
    assert_number("1.5e3", MSIM_OK, 1500, 0);
    assert_number("1.5E-3", MSIM_OK, 15, -4);
    assert_number("15e-1", MSIM_OK, 15, -1);
    assert_number("1.50e+1", MSIM_OK, 150, -1);
    assert_number("9223372036854775807", MSIM_OK, INT64_MAX, 0);
    assert_number("-9223372036854775808", MSIM_OK, INT64_MIN, 0);
    assert_number("9223372036854775808", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("-9223372036854775809", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("9.223372036854775807", MSIM_OK, INT64_MAX, -18);
    assert_number("-9.223372036854775808", MSIM_OK, INT64_MIN, -18);
    assert_number("9223372036854775807e-18", MSIM_OK, INT64_MAX, -18);
    assert_number("1e-18", MSIM_OK, 1, -18);
    assert_number("1e-19", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("10e-19", MSIM_OK, 1, -18);
    assert_number("1e18", MSIM_OK, INT64_C(1000000000000000000), 0);
    assert_number("1e19", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("0.1e19", MSIM_OK, INT64_C(1000000000000000000), 0);
    assert_number("18446744073709551616", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("184467440737095516160", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("0e99999999999999999999999", MSIM_OK, 0, 0);
    assert_number("0e-99999999999999999999999", MSIM_OK, 0, -18);
    assert_number("1e99999999999999999999999", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("1e-99999999999999999999999", MSIM_ERR_OVERFLOW, 0, 0);
    assert_number("0.0000000000000000000000000001e28", MSIM_OK, 1, 0);
    assert_number("10000000000000000000000000000e-28", MSIM_OK, INT64_C(1000000000000000000), -18);
    assert_number("1.0000000000000000000000000000", MSIM_OK, INT64_C(1000000000000000000), -18);
}

static void a_number_is_read_at_a_wanted_exponent(void **state)
{
    int64_t value = -77;

    (void)state;
    assert_int_equal(msim_json_decimal("1.5", 0, 3, -2, &value), MSIM_OK);
    assert_int_equal(value, 150);
    assert_int_equal(msim_json_decimal("1.555", 0, 5, -2, &value), MSIM_ERR_OVERFLOW);
    assert_int_equal(msim_json_decimal("1.550", 0, 5, -2, &value), MSIM_OK);
    assert_int_equal(value, 155);
    assert_int_equal(msim_json_integer("1.0", 0, 3, &value), MSIM_OK);
    assert_int_equal(value, 1);
    assert_int_equal(msim_json_integer("-12e2", 0, 5, &value), MSIM_OK);
    assert_int_equal(value, -1200);
    assert_int_equal(msim_json_integer("1.5", 0, 3, &value), MSIM_ERR_OVERFLOW);
    assert_int_equal(msim_json_integer("x7y", 1, 2, &value), MSIM_OK);
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_the_tree_of_its_text),
        cmocka_unit_test(a_node_is_named_by_its_pointer),
        cmocka_unit_test(a_value_is_refused_with_pointer_and_place),
        cmocka_unit_test(a_merged_value_is_refused_at_the_place_of_what_was_sent),
        cmocka_unit_test(a_key_that_stands_twice_is_refused),
        cmocka_unit_test(many_keys_are_compared_quickly_and_rightly),
        cmocka_unit_test(limits_and_bad_texts_leave_no_document),
        cmocka_unit_test(numbers_are_exact_or_refused),
        cmocka_unit_test(a_number_is_read_at_a_wanted_exponent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
