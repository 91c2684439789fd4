#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/due.h"
#include "base/json.h"
#include "oom/failing.h"

static int fill_due(const struct msim_allocator *allocator, void *context)
{
    struct msim_due due;
    size_t pushed = 0;

    (void)context;
    int r = msim_due_init(&due, 4, 1000, allocator);
    if (r < 0)
        return r;
    while (r == MSIM_OK && pushed < 100) {
        r = msim_due_push(&due, (msim_time)(100 - pushed), pushed);
        pushed += r == MSIM_OK;
    }
    /* What was there stays in order. */
    assert_int_equal(due.count, pushed);
    while (pushed > 0)
        assert_int_equal(msim_due_pop(&due).value, --pushed);
    msim_due_finish(&due);
    return r;
}

static int fill_bytes(const struct msim_allocator *allocator, void *context)
{
    struct msim_bytes bytes;
    int r = MSIM_OK;
    size_t length = 0;

    (void)context;
    msim_bytes_init(&bytes, 100000, allocator);
    while (r == MSIM_OK && length < 5000) {
        r = msim_bytes_append(&bytes, "0123456789", 10);
        length += r == MSIM_OK ? 10 : 0;
    }
    assert_int_equal(msim_bytes_length(&bytes), length);
    msim_bytes_finish(&bytes);
    return r;
}

static int write_json(const struct msim_allocator *allocator, void *context)
{
    struct msim_bytes bytes;
    struct msim_json_writer writer;

    (void)context;
    msim_bytes_init(&bytes, 100000, allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_array(&writer);
    for (int64_t i = 0; i < 1000; i++)
        msim_json_write_integer(&writer, i);
    msim_json_write_array_end(&writer);
    int r = msim_json_write_end(&writer, NULL);
    assert_true(r == MSIM_OK || msim_bytes_length(&bytes) == 0);
    msim_bytes_finish(&bytes);
    return r;
}

static int read_document(const struct msim_allocator *allocator, void *context)
{
    static const char text[] = "{\"a\":[1,2,3,4,5,6,7,8,9],\"b\":{\"c\":1,\"d\":2},\"e\":[[[0]]]}";
    struct msim_json_document document = {0};
    struct msim_detail detail = {{0}};

    (void)context;
    int r = msim_json_document_read(&document, text, sizeof text - 1, NULL, allocator, &detail);
    if (r < 0)
        assert_string_equal(detail.text, "out of memory");
    msim_json_document_finish(&document);
    return r;
}

static void a_due_list_survives_every_failed_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(fill_due, NULL);
}

static void a_byte_buffer_survives_every_failed_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(fill_bytes, NULL);
}

static void a_json_writer_survives_every_failed_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(write_json, NULL);
}

static void a_json_document_survives_every_failed_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(read_document, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_due_list_survives_every_failed_allocation),
        cmocka_unit_test(a_byte_buffer_survives_every_failed_allocation),
        cmocka_unit_test(a_json_writer_survives_every_failed_allocation),
        cmocka_unit_test(a_json_document_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
