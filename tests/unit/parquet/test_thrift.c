#include "check.h"

#include <string.h>

#include "base/mem.h"
#include "parquet/thrift.h"

static struct msim_thrift open_bytes(const char *bytes, size_t length)
{
    struct msim_thrift thrift;

    msim_thrift_init(&thrift, (const unsigned char *)bytes, length);
    return thrift;
}

#define OPEN(bytes) open_bytes(bytes, sizeof(bytes) - 1)

static void what_is_written_is_read(void **state)
{
    struct msim_allocator system = msim_mem_allocator(NULL);
    struct msim_thrift_out out;
    struct msim_thrift thrift;
    struct msim_thrift_field field = {0};
    int last = 0, inner = 0;

    (void)state;
    msim_thrift_out_init(&out, &system);
    msim_thrift_put_i32(&out, &last, 1, INT32_MIN);
    msim_thrift_put_i64(&out, &last, 2, INT64_MAX);
    msim_thrift_put_i64(&out, &last, 40, INT64_MIN);
    msim_thrift_put_boolean(&out, &last, 41, true);
    msim_thrift_put_binary(&out, &last, 42, "abc", 3);
    msim_thrift_put_i8(&out, &last, 43, -5);
    msim_thrift_put_struct(&out, &last, 44);
    msim_thrift_put_i32(&out, &inner, 3, 7);
    msim_thrift_put_stop(&out);
    msim_thrift_put_list(&out, &last, 45, THRIFT_I32, 20);
    for (int32_t i = 0; i < 20; i++)
        msim_thrift_put_item_i32(&out, i);
    msim_thrift_put_stop(&out);
    assert_int_equal(out.result, MSIM_OK);

    msim_thrift_init(&thrift, out.bytes, out.length);
    assert_true(msim_thrift_next(&thrift, &field));
    assert_int_equal(field.id, 1);
    assert_int_equal(msim_thrift_i32(&thrift, &field), INT32_MIN);
    assert_true(msim_thrift_next(&thrift, &field));
    assert_true(msim_thrift_i64(&thrift, &field) == INT64_MAX);
    assert_true(msim_thrift_next(&thrift, &field));
    assert_int_equal(field.id, 40);
    assert_true(msim_thrift_i64(&thrift, &field) == INT64_MIN);
    assert_true(msim_thrift_next(&thrift, &field));
    assert_true(msim_thrift_boolean(&thrift, &field));
    assert_true(msim_thrift_next(&thrift, &field));
    struct msim_thrift_slice text = msim_thrift_binary(&thrift, &field);
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.bytes, "abc", 3);
    assert_true(msim_thrift_next(&thrift, &field));
    assert_int_equal(msim_thrift_i8(&thrift, &field), -5);
    assert_true(msim_thrift_next(&thrift, &field));
    assert_true(msim_thrift_struct(&thrift, &field));
    struct msim_thrift_field part = {0};
    assert_true(msim_thrift_next(&thrift, &part));
    assert_int_equal(part.id, 3);
    assert_int_equal(msim_thrift_i32(&thrift, &part), 7);
    assert_false(msim_thrift_next(&thrift, &part));
    assert_true(msim_thrift_next(&thrift, &field));
    assert_int_equal(msim_thrift_list(&thrift, &field, THRIFT_I32), 20);
    struct msim_thrift_field item = {.type = THRIFT_I32};
    for (int32_t i = 0; i < 20; i++)
        assert_int_equal(msim_thrift_i32(&thrift, &item), i);
    assert_false(msim_thrift_next(&thrift, &field));
    assert_null(thrift.failure);
    assert_ptr_equal(thrift.at, thrift.end);
    msim_thrift_out_finish(&out);
}

static void foreign_fields_are_passed_over_whatever_they_hold(void **state)
{
    /* A list of structs, a map, a set of booleans, a double, a text, then the field 9. */
    const char bytes[] = "\x19\x2c\x15\x02\x00\x15\x04\x00"
                         "\x1b\x01\x85\x01x\x06"
                         "\x1a\x21\x01\x02"
                         "\x17"
                         "12345678"
                         "\x18\x02hi"
                         "\x45\x0c\x00";
    struct msim_thrift thrift = OPEN(bytes);
    struct msim_thrift_field field = {0};

    (void)state;
    while (msim_thrift_next(&thrift, &field) && field.id != 9)
        msim_thrift_skip(&thrift, &field);
    assert_null(thrift.failure);
    assert_int_equal(field.id, 9);
    assert_int_equal(msim_thrift_i32(&thrift, &field), 6);
}

static void structs_too_deep_within_each_other_are_refused(void **state)
{
    char bytes[300];
    struct msim_thrift thrift;
    struct msim_thrift_field field = {0};

    (void)state;
    memset(bytes, 0x1c, sizeof bytes);
    thrift = open_bytes(bytes, sizeof bytes);
    assert_true(msim_thrift_next(&thrift, &field));
    msim_thrift_skip(&thrift, &field);
    assert_non_null(thrift.failure);
    assert_false(thrift.cut);
    assert_false(msim_thrift_next(&thrift, &field));
}

static void a_list_with_more_items_than_bytes_is_refused(void **state)
{
    struct msim_thrift thrift = OPEN("\x19\xfc\xff\xff\xff\xff\x0f");
    struct msim_thrift_field field = {0};

    (void)state;
    assert_true(msim_thrift_next(&thrift, &field));
    assert_int_equal(msim_thrift_list(&thrift, &field, THRIFT_STRUCT), 0);
    assert_non_null(thrift.failure);
    assert_true(thrift.cut);
}

static void a_field_of_another_type_is_refused(void **state)
{
    struct msim_thrift thrift = OPEN("\x16\x02");
    struct msim_thrift_field field = {0};

    (void)state;
    assert_true(msim_thrift_next(&thrift, &field));
    assert_int_equal(msim_thrift_i32(&thrift, &field), 0);
    assert_non_null(thrift.failure);
}

static void numbers_longer_than_their_type_are_refused(void **state)
{
    struct msim_thrift_field field = {0};

    (void)state;
    struct msim_thrift wide = OPEN("\x15\x80\x80\x80\x80\x20");
    assert_true(msim_thrift_next(&wide, &field));
    msim_thrift_i32(&wide, &field);
    assert_non_null(wide.failure);

    field = (struct msim_thrift_field){0};
    struct msim_thrift endless = OPEN("\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_true(msim_thrift_next(&endless, &field));
    msim_thrift_i64(&endless, &field);
    assert_non_null(endless.failure);

    field = (struct msim_thrift_field){0};
    struct msim_thrift longest = OPEN("\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_true(msim_thrift_next(&longest, &field));
    assert_true(msim_thrift_i64(&longest, &field) == INT64_MIN);
    assert_null(longest.failure);
}

static void an_end_inside_a_value_is_told_from_damage(void **state)
{
    const char bytes[] = "\x15\x80\x01\x18\x05hello\x1c\x15\x02\x00";
    struct msim_thrift thrift;

    (void)state;
    for (size_t length = 0; length < sizeof bytes; length++) {
        struct msim_thrift_field field = {0};
        thrift = open_bytes(bytes, length);
        while (msim_thrift_next(&thrift, &field))
            msim_thrift_skip(&thrift, &field);
        if (length + 1 < sizeof bytes) {
            assert_non_null(thrift.failure);
            assert_true(thrift.cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(foreign_fields_are_passed_over_whatever_they_hold),
        cmocka_unit_test(structs_too_deep_within_each_other_are_refused),
        cmocka_unit_test(a_list_with_more_items_than_bytes_is_refused),
        cmocka_unit_test(a_field_of_another_type_is_refused),
        cmocka_unit_test(numbers_longer_than_their_type_are_refused),
        cmocka_unit_test(an_end_inside_a_value_is_told_from_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
