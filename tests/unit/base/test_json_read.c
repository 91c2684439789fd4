#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* Reads all of it; the last result. */
static int read_all(const char *text, size_t length, const struct msim_json_limits *limits,
                    struct msim_json_reader *reader)
{
    struct msim_json_token token;
    int r;

    msim_json_init(reader, text, length, limits);
    while ((r = msim_json_next(reader, &token)) > 0)
        assert_true(token.start < token.end && token.end <= length);
    return r;
}

static int result_of(const char *text)
{
    struct msim_json_reader reader;
    size_t length = strlen(text);
    /* A block of exactly this size: a byte read beyond it is seen by ASan. */
    char *copy = malloc(length > 0 ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    int r = read_all(copy, length, NULL, &reader);
    free(copy);
    return r;
}

static void texts_that_rfc_8259_allows_are_read(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "10",
        "1.5",
        "0.10",
        "1e5",
        "1E+5",
        "1e-5",
        "0e0",
        "-0.0e-0",
        "12345678901234567890123456789012345678901234567890",
        "1e999999999999999999999",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{\"\":0}",
        "{\"a\":[],\"b\":{}}",
        "[1,2]",
        "[null, 1, \"x\"]",
        "  [ 1 , 2 ]  ",
        "\t\r\n {\r\n\"a\" :\t1 } \n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
        "\"\\u0000\"",
        "\"\\uD834\\uDD1E\"",
        "\"\\ud834\\udd1e\"",
        "\"\\uFFFE\\uFDD0\"",
        "\"\x7F\"",
        "\"\xC2\x80\xDF\xBF\"",
        "\"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\"",
        "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"",
        "\"\xE2\x80\xA8\xE2\x80\xA9\"",
        "{\"a\":1,\"a\":1}",
        "[1e1,0.1e1,1e-1,1e00,2e+00,2e-00]",
        "\"0123456701234567\\\"0123456701234567\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        if (result_of(texts[i]) != MSIM_JSON_END)
            fail_msg("refused: %s", texts[i]);
}

static void texts_that_rfc_8259_forbids_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "\n",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "'a'",
        "a",
        "+1",
        "-",
        "--1",
        "-a",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "-.5",
        "1.e5",
        "1e",
        "1e+",
        "1e-",
        "1ee5",
        "1e5.0",
        "0x10",
        "1_000",
        "1 000",
        "1,",
        ",1",
        "1 2",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1}",
        "[]]",
        "[][]",
        "[1:2]",
        "{",
        "}",
        "{]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,,\"b\":2}",
        "{,\"a\":1}",
        "{a:1}",
        "{1:1}",
        "{'a':1}",
        "{null:1}",
        "{\"a\"}",
        "{\"a\",\"b\"}",
        "{\"a\":}",
        "{:1}",
        "{[1]:2}",
        "{\"a\":1}x",
        "{}}",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\a\"",
        "\"\\x41\"",
        "\"\\'\"",
        "\"\\0\"",
        "\"\\u\"",
        "\"\\u004\"",
        "\"\\u00G0\"",
        "\"\\U0041\"",
        "\"\\u 041\"",
        "\"\\u-041\"",
        "\"\\uD834\"",
        "\"\\uD834x\"",
        "\"\\uD834\\n\"",
        "\"\\uD834\\u0041\"",
        "\"\\uD834\\uD834\"",
        "\"\\uDD1E\"",
        "\"\\uDD1E\\uD834\"",
        "\"\\uD834\\uDD1\"",
        "\"\n\"",
        "\"\t\"",
        "\"\x01\"",
        "\"\x1F\"",
        "\"a\"b",
        "\"a\" \"b\"",
        "\"\x80\"",
        "\"\xBF\"",
        "\"\xC0\x80\"",
        "\"\xC1\xBF\"",
        "\"\xC2\"",
        "\"\xE0\x80\x80\"",
        "\"\xE0\x9F\xBF\"",
        "\"\xED\xA0\x80\"",
        "\"\xED\xBF\xBF\"",
        "\"\xE2\x82\"",
        "\"\xF0\x80\x80\x80\"",
        "\"\xF0\x8F\xBF\xBF\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xF5\x80\x80\x80\"",
        "\"\xF0\x9F\x98\"",
        "\"\xFE\"",
        "\"\xFF\"",
        "\xE9",
        "[\xE9]",
        "{\"\xE9\":1}",
        "\xEF\xBB\xBF",
        "\xEF\xBB\xBF{}",
        "\xEF\xBB{}",
        "\xC2\xA0[]",
        "\f[]",
        "\v1",
        "/**/1",
        "1 // one",
        "[1,/**/2]",
        "#\n1",
        "<html>",
        "[\"a\",\n4\n,1,",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        if (result_of(texts[i]) != MSIM_ERR_FORMAT)
            fail_msg("read: %s", texts[i]);
}

static void a_zero_byte_is_refused_where_it_stands(void **state)
{
    struct msim_json_reader reader;

    (void)state;
    assert_int_equal(read_all("1\0", 2, NULL, &reader), MSIM_ERR_FORMAT);
    assert_int_equal(reader.failed_at, 1);
    assert_int_equal(read_all("\"\0\"", 3, NULL, &reader), MSIM_ERR_FORMAT);
    assert_int_equal(reader.failed_at, 1);
    assert_int_equal(read_all("[\0]", 3, NULL, &reader), MSIM_ERR_FORMAT);
    assert_int_equal(read_all("\0", 1, NULL, &reader), MSIM_ERR_FORMAT);
}

static void every_prefix_of_a_text_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1.5e-3,true,\"\\u00e9\\ud834\\udd1e\xC3\xA9\"],\"b\":null}";
    struct msim_json_reader reader;

    (void)state;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        char *copy = malloc(length > 0 ? length : 1);
        assert_non_null(copy);
        memcpy(copy, text, length);
        assert_int_equal(read_all(copy, length, NULL, &reader), MSIM_ERR_FORMAT);
        assert_true(reader.failed_at <= length);
        free(copy);
    }
    assert_int_equal(read_all(text, sizeof text - 1, NULL, &reader), MSIM_JSON_END);
}

/* The tokens in one line: kind, depth, place, key. */
static void print_tokens(const char *text, char *out, size_t size)
{
    static const char kinds[] = "-0ft#s{[}]";
    struct msim_json_reader reader;
    struct msim_json_token token;
    size_t used = 0;
    int r;

    out[0] = '\0';
    msim_json_init(&reader, text, strlen(text), NULL);
    while ((r = msim_json_next(&reader, &token)) > 0) {
        assert_int_equal(r, token.kind);
        used += (size_t)snprintf(out + used, size - used, "%c%zu@%zu-%zu", kinds[r], token.depth,
                                 token.start, token.end);
        if (token.key_end > 0)
            used +=
                (size_t)snprintf(out + used, size - used, ":%.*s",
                                 (int)(token.key_end - token.key_start), text + token.key_start);
        used += (size_t)snprintf(out + used, size - used, " ");
    }
    assert_int_equal(r, MSIM_JSON_END);
    assert_true(used < size);
}

static void tokens_bear_their_place_their_depth_and_their_key(void **state)
{
    char out[512];

    (void)state;
    print_tokens(" 12 ", out, sizeof out);
    assert_string_equal(out, "#0@1-3 ");
    print_tokens("{\"a\": [1, {}], \"b\\n\":\"x\"}", out, sizeof out);
    assert_string_equal(out, "{0@0-1 [1@6-7:\"a\" #2@7-8 {2@10-11 }2@11-12 ]1@12-13 "
                             "s1@21-24:\"b\\n\" }0@24-25 ");
    print_tokens("[true,false,null]", out, sizeof out);
    assert_string_equal(out, "[0@0-1 t1@1-5 f1@6-11 01@12-16 ]0@16-17 ");
}

static void the_end_can_be_asked_for_again(void **state)
{
    struct msim_json_reader reader;
    struct msim_json_token token;

    (void)state;
    msim_json_init(&reader, "1 ", 2, NULL);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_NUMBER);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_END);
        assert_int_equal(token.kind, MSIM_JSON_END);
    }
    assert_int_equal(msim_json_explain(&reader, NULL), MSIM_OK);
}

static void a_failure_is_final_and_leaves_the_token_alone(void **state)
{
    struct msim_json_reader reader;
    struct msim_json_token token = {.kind = MSIM_JSON_NUMBER, .start = 77};

    (void)state;
    msim_json_init(&reader, "?1", 2, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(msim_json_next(&reader, &token), MSIM_ERR_FORMAT);
        assert_int_equal(token.start, 77);
    }
}

static void a_failure_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "line 1, column 1 (byte 0): the text ends where a value must stand"},
        {"{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7 (byte 18): a colon must follow the key"},
        {"[1\n 2]", "line 2, column 2 (byte 4): a comma or ] must stand here"},
        {"\n\n\"\xC3\xA9\xC3\xA9\" x", "line 3, column 6 (byte 9): nothing may follow the value"},
        {"[\"abc", "line 1, column 2 (byte 1): the string that begins here has no end"},
        {"[\"\\q\"]", "line 1, column 3 (byte 2): no such escape: one of \\\" \\\\ \\/ \\b \\f \\n "
                      "\\r \\t \\u"},
        {"{\"a\":01}", "line 1, column 6 (byte 5): a number must not begin with a zero"},
        {"\xEF\xBB\xBF{}", "line 1, column 1 (byte 0): a byte order mark must not stand before "
                           "JSON"},
    };
    struct msim_json_reader reader;
    struct msim_detail detail;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(read_all(cases[i].text, strlen(cases[i].text), NULL, &reader),
                         MSIM_ERR_FORMAT);
        assert_int_equal(msim_json_explain(&reader, &detail), MSIM_ERR_FORMAT);
        assert_string_equal(detail.text, cases[i].words);
        assert_int_equal(msim_json_explain(&reader, NULL), MSIM_ERR_FORMAT);
    }
}

/* A zero inside of as many levels as `depth` says. */
static int result_at_depth(size_t depth, const char *open, char close,
                           const struct msim_json_limits *limits)
{
    struct msim_json_reader reader;
    size_t size = strlen(open);
    size_t length = depth * (size + 1) + 1;
    char *text = malloc(length);

    assert_non_null(text);
    for (size_t i = 0; i < depth; i++)
        memcpy(text + i * size, open, size);
    text[depth * size] = '0';
    memset(text + depth * size + 1, close, depth);
    int r = read_all(text, length, limits, &reader);
    free(text);
    return r;
}

static void the_depth_has_a_limit(void **state)
{
    const struct msim_json_limits three = {.max_depth = 3};
    const struct msim_json_limits too_many = {.max_depth = 100000};

    (void)state;
    assert_int_equal(result_at_depth(64, "[", ']', NULL), MSIM_JSON_END);
    assert_int_equal(result_at_depth(65, "[", ']', NULL), MSIM_ERR_LIMIT);
    assert_int_equal(result_at_depth(64, "{\"a\":", '}', NULL), MSIM_JSON_END);
    assert_int_equal(result_at_depth(65, "{\"a\":", '}', NULL), MSIM_ERR_LIMIT);
    assert_int_equal(result_at_depth(3, "[", ']', &three), MSIM_JSON_END);
    assert_int_equal(result_at_depth(4, "[", ']', &three), MSIM_ERR_LIMIT);
    assert_int_equal(result_at_depth(MSIM_JSON_DEPTH_MOST, "[", ']', &too_many), MSIM_JSON_END);
    assert_int_equal(result_at_depth(MSIM_JSON_DEPTH_MOST + 1, "[", ']', &too_many),
                     MSIM_ERR_LIMIT);
    assert_int_equal(result_at_depth(100000, "[", ']', NULL), MSIM_ERR_LIMIT);
}

static void objects_and_arrays_may_alternate_through_all_levels(void **state)
{
    char text[6 * 512 + 1];
    struct msim_json_reader reader;
    const struct msim_json_limits limits = {.max_depth = 512};
    size_t length = 0;

    (void)state;
    for (size_t i = 0; i < 512; i++)
        length += (size_t)sprintf(text + length, "%s", i % 3 == 1 ? "{\"\":" : "[");
    text[length++] = '0';
    for (size_t i = 512; i-- > 0;)
        text[length++] = i % 3 == 1 ? '}' : ']';
    assert_int_equal(read_all(text, length, &limits, &reader), MSIM_JSON_END);
    /* Closing any one level with the other bracket is seen. */
    for (size_t i = 1; i <= 512; i++) {
        char *bracket = &text[length - i];
        *bracket = *bracket == ']' ? '}' : ']';
        assert_int_equal(read_all(text, length, &limits, &reader), MSIM_ERR_FORMAT);
        assert_int_equal(reader.failed_at, length - i);
        *bracket = *bracket == ']' ? '}' : ']';
    }
}

static void the_size_has_a_limit(void **state)
{
    const struct msim_json_limits limits = {.max_bytes = 4};
    struct msim_json_reader reader;

    (void)state;
    assert_int_equal(read_all("1234", 4, &limits, &reader), MSIM_JSON_END);
    assert_int_equal(read_all("12345", 5, &limits, &reader), MSIM_ERR_LIMIT);
}

static void skipping_goes_behind_a_whole_value(void **state)
{
    static const char text[] = "[{\"a\":[1,[2]],\"b\":{}},[],7]";
    struct msim_json_reader reader;
    struct msim_json_token token;

    (void)state;
    msim_json_init(&reader, text, sizeof text - 1, NULL);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_ARRAY);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_OBJECT);
    assert_int_equal(msim_json_skip(&reader, &token), MSIM_OK);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_ARRAY);
    assert_int_equal(token.depth, 1);
    assert_int_equal(msim_json_skip(&reader, &token), MSIM_OK);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_NUMBER);
    assert_int_equal(msim_json_skip(&reader, &token), MSIM_OK);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_ARRAY_END);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_END);

    msim_json_init(&reader, "[[1,}", 5, NULL);
    assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_ARRAY);
    assert_int_equal(msim_json_skip(&reader, &token), MSIM_ERR_FORMAT);
}

static void strings_are_unescaped(void **state)
{
    static const struct {
        const char *text;
        const char *wanted;
        size_t length;
    } cases[] = {
        {"\"\"", "", 0},
        {"\"abc\"", "abc", 3},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC", 6},
        {"\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4},
        {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8},
        {"\"x\\ty\"", "x\ty", 3},
        {"\"\xE2\x82\xAC\"", "\xE2\x82\xAC", 3},
    };
    char out[32];
    size_t length;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t end = strlen(cases[i].text);
        assert_int_equal(result_of(cases[i].text), MSIM_JSON_END);
        assert_int_equal(msim_json_string(cases[i].text, 0, end, out, cases[i].length + 1, &length),
                         MSIM_OK);
        assert_int_equal(length, cases[i].length);
        assert_memory_equal(out, cases[i].wanted, length + 1);
        assert_true(length + 1 <= end - 1);
        out[0] = '!';
        assert_int_equal(msim_json_string(cases[i].text, 0, end, out, cases[i].length, NULL),
                         MSIM_ERR_LIMIT);
        assert_int_equal(out[0], '!');
    }
}

static void a_string_is_compared_unescaped(void **state)
{
    static const char text[] = "\"pri\\u0063e\"";
    size_t end = sizeof text - 1;

    (void)state;
    assert_true(msim_json_is(text, 0, end, "price"));
    assert_false(msim_json_is(text, 0, end, "pric"));
    assert_false(msim_json_is(text, 0, end, "prices"));
    assert_false(msim_json_is(text, 0, end, "prize"));
    assert_false(msim_json_is(text, 0, end, "pri\\u0063e"));
    assert_false(msim_json_is(text, 0, end, ""));
    assert_true(msim_json_is("\"\"", 0, 2, ""));
    assert_true(msim_json_is_bytes("\"\\u0000\"", 0, 8, "\0", 1));
    assert_false(msim_json_is("\"\\u0000\"", 0, 8, ""));
}

static void every_code_point_survives_an_escape(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char text[16];
        char out[8];
        size_t length;
        int end;

        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        if (code < 0x10000)
            end = snprintf(text, sizeof text, "\"\\u%04x\"", (unsigned)code);
        else
            end = snprintf(text, sizeof text, "\"\\u%04X\\u%04X\"",
                           (unsigned)(0xD800 + ((code - 0x10000) >> 10)),
                           (unsigned)(0xDC00 + ((code - 0x10000) & 0x3FF)));
        assert_int_equal(msim_json_string(text, 0, (size_t)end, out, sizeof out, &length), MSIM_OK);

        uint32_t back = (unsigned char)out[0];
        if (length > 1)
            back &= 0xFFu >> (length + 1);
        for (size_t i = 1; i < length; i++)
            back = back << 6 | ((unsigned char)out[i] & 0x3F);
        assert_int_equal(back, code);
        assert_int_equal(length, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
    }
}

/* A wrong byte at every place of a string, for the path that looks at eight at once. */
static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    struct msim_json_reader reader;

    (void)state;
    for (size_t length = 1; length < 40; length++) {
        for (size_t place = 0; place < length; place++) {
            for (int c = 0; c < 256; c++) {
                char text[48];
                text[0] = '"';
                memset(text + 1, 'a', length);
                text[length + 1] = '"';
                text[place + 1] = (char)c;
                int r = read_all(text, length + 2, NULL, &reader);
                if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
                    assert_int_equal(r, MSIM_JSON_END);
                    continue;
                }
                assert_int_equal(r, MSIM_ERR_FORMAT);
                if (c == '"')
                    assert_int_equal(reader.failed_at, place + 2);
                else if (c != '\\' || place + 1 < length)
                    assert_int_equal(reader.failed_at, place + 1);
            }
        }
    }
}

static void a_place_counts_lines_and_characters(void **state)
{
    static const char text[] = "ab\n\xC3\xA9x\n";
    size_t line;
    size_t column;

    (void)state;
    msim_json_place(text, 7, 0, &line, &column);
    assert_true(line == 1 && column == 1);
    msim_json_place(text, 7, 2, &line, &column);
    assert_true(line == 1 && column == 3);
    msim_json_place(text, 7, 5, &line, &column);
    assert_true(line == 2 && column == 2);
    msim_json_place(text, 7, 7, &line, &column);
    assert_true(line == 3 && column == 1);
    msim_json_place(text, 7, 100, &line, &column);
    assert_true(line == 3 && column == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_rfc_8259_allows_are_read),
        cmocka_unit_test(texts_that_rfc_8259_forbids_are_refused),
        cmocka_unit_test(a_zero_byte_is_refused_where_it_stands),
        cmocka_unit_test(every_prefix_of_a_text_is_refused),
        cmocka_unit_test(tokens_bear_their_place_their_depth_and_their_key),
        cmocka_unit_test(the_end_can_be_asked_for_again),
        cmocka_unit_test(a_failure_is_final_and_leaves_the_token_alone),
        cmocka_unit_test(a_failure_is_told_with_its_place),
        cmocka_unit_test(the_depth_has_a_limit),
        cmocka_unit_test(objects_and_arrays_may_alternate_through_all_levels),
        cmocka_unit_test(the_size_has_a_limit),
        cmocka_unit_test(skipping_goes_behind_a_whole_value),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(a_string_is_compared_unescaped),
        cmocka_unit_test(every_code_point_survives_an_escape),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(a_place_counts_lines_and_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
