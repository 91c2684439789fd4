#include "check.h"

#include <string.h>

#include "base/json.h"
#include "base/random.h"

static void write_everything(struct msim_json_writer *writer)
{
    msim_json_write_object(writer);
    msim_json_write_key(writer, "list");
    msim_json_write_array(writer);
    msim_json_write_integer(writer, INT64_MIN);
    msim_json_write_unsigned(writer, UINT64_MAX);
    msim_json_write_decimal(writer, -1500, -3);
    msim_json_write_decimal_text(writer, 7, -18);
    msim_json_write_null(writer);
    msim_json_write_bool(writer, true);
    msim_json_write_bool(writer, false);
    msim_json_write_array(writer);
    msim_json_write_array_end(writer);
    msim_json_write_object(writer);
    msim_json_write_object_end(writer);
    msim_json_write_array_end(writer);
    msim_json_write_key_bytes(writer, "a\"\0b", 4);
    msim_json_write_text(writer, "\\ / \b\f\n\r\t\x01\x1F\x7F \xC3\xA9");
    msim_json_write_key(writer, "raw");
    msim_json_write_raw(writer, "[1, 2]", 6);
    msim_json_write_object_end(writer);
}

static const char everything[] =
    "{\"list\":[-9223372036854775808,18446744073709551615,-1.5,\"0.000000000000000007\",null,true,"
    "false,[],{}],\"a\\\"\\u0000b\":\"\\\\ / \\b\\f\\n\\r\\t\\u0001\\u001f\x7F \xC3\xA9\","
    "\"raw\":[1, 2]}";

static void a_text_is_written_into_a_fixed_buffer(void **state)
{
    char out[sizeof everything];
    struct msim_json_writer writer;
    size_t length;

    (void)state;
    msim_json_write_buffer(&writer, out, sizeof everything - 1);
    write_everything(&writer);
    assert_int_equal(msim_json_write_end(&writer, &length), MSIM_OK);
    assert_int_equal(length, sizeof everything - 1);
    assert_memory_equal(out, everything, length);
}

static void a_buffer_that_is_too_small_is_a_limit_and_nothing_is_written_behind_it(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof everything - 1; size++) {
        char out[sizeof everything];
        struct msim_json_writer writer;
        size_t length = 77;

        memset(out, '!', sizeof out);
        msim_json_write_buffer(&writer, out, size);
        write_everything(&writer);
        assert_int_equal(msim_json_write_end(&writer, &length), MSIM_ERR_LIMIT);
        assert_int_equal(length, 77);
        for (size_t i = size; i < sizeof out; i++)
            assert_int_equal(out[i], '!');
    }
}

static void bytes_are_appended_to_or_left_as_they_were(void **state)
{
    (void)state;
    for (size_t limit = 3; limit < sizeof everything + 5; limit++) {
        struct msim_bytes bytes;
        struct msim_json_writer writer;
        size_t length = 0;

        msim_bytes_init(&bytes, limit, NULL);
        assert_int_equal(msim_bytes_append(&bytes, "abc", 3), MSIM_OK);
        msim_bytes_take(&bytes, 1);
        msim_json_write_bytes(&writer, &bytes);
        write_everything(&writer);
        int r = msim_json_write_end(&writer, &length);
        if (limit < sizeof everything - 1 + 2) {
            assert_int_equal(r, MSIM_ERR_LIMIT);
            assert_int_equal(msim_bytes_length(&bytes), 2);
        } else {
            assert_int_equal(r, MSIM_OK);
            assert_int_equal(length, sizeof everything - 1);
            assert_int_equal(msim_bytes_length(&bytes), length + 2);
            assert_memory_equal(msim_bytes_front(&bytes) + 2, everything, length);
        }
        assert_memory_equal(msim_bytes_front(&bytes), "bc", 2);
        msim_bytes_finish(&bytes);
    }
}

static void a_text_longer_than_the_window_is_written_whole(void **state)
{
    static char text[100000];
    struct msim_bytes bytes;
    struct msim_json_writer writer;
    size_t length;

    (void)state;
    memset(text, 'x', sizeof text);
    msim_bytes_init(&bytes, 1 << 20, NULL);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_array(&writer);
    for (int i = 0; i < 3; i++)
        msim_json_write_string(&writer, text, sizeof text);
    msim_json_write_array_end(&writer);
    assert_int_equal(msim_json_write_end(&writer, &length), MSIM_OK);
    assert_int_equal(length, 3 * (sizeof text + 2) + 2 + 2);
    assert_int_equal(msim_bytes_front(&bytes)[length - 1], ']');
    msim_bytes_finish(&bytes);
}

static void bytes_that_are_no_utf8_become_the_replacement_character(void **state)
{
    static const struct {
        const char *text;
        const char *wanted;
    } cases[] = {
        {"a\xFF"
         "b",
         "\"a\xEF\xBF\xBD"
         "b\""},
        {"\xC3", "\"\xEF\xBF\xBD\""},
        {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[64];
        struct msim_json_writer writer;
        size_t length;

        msim_json_write_buffer(&writer, out, sizeof out);
        msim_json_write_text(&writer, cases[i].text);
        assert_int_equal(msim_json_write_end(&writer, &length), MSIM_OK);
        assert_int_equal(length, strlen(cases[i].wanted));
        assert_memory_equal(out, cases[i].wanted, length);
    }
}

static void what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20000; round++) {
        char text[40];
        char out[6 * sizeof text + 2];
        char back[sizeof out];
        struct msim_json_writer writer;
        struct msim_json_reader reader;
        struct msim_json_token token;
        size_t length = (size_t)(msim_mix64(round) % sizeof text);
        size_t written;
        size_t read;

        for (size_t i = 0; i < length; i++)
            text[i] = (char)(msim_mix64(round * 64 + i) % 0x80);
        msim_json_write_buffer(&writer, out, sizeof out);
        msim_json_write_string(&writer, text, length);
        assert_int_equal(msim_json_write_end(&writer, &written), MSIM_OK);
        msim_json_init(&reader, out, written, NULL);
        assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_STRING);
        assert_int_equal(msim_json_next(&reader, &token), MSIM_JSON_END);
        assert_int_equal(msim_json_string(out, 0, written, back, sizeof back, &read), MSIM_OK);
        assert_int_equal(read, length);
        assert_memory_equal(back, text, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_written_into_a_fixed_buffer),
        cmocka_unit_test(a_buffer_that_is_too_small_is_a_limit_and_nothing_is_written_behind_it),
        cmocka_unit_test(bytes_are_appended_to_or_left_as_they_were),
        cmocka_unit_test(a_text_longer_than_the_window_is_written_whole),
        cmocka_unit_test(bytes_that_are_no_utf8_become_the_replacement_character),
        cmocka_unit_test(what_is_written_reads_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
