/*
 * multipart/form-data, fed in pieces of every size.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <marketsim/base.h>
#include <marketsim/form.h>

struct reader {
    char log[4096];
    int fail_part;
};

static void note(struct reader *reader, const char *text, size_t length)
{
    size_t at = strlen(reader->log);

    assert_true(at + length < sizeof reader->log);
    memcpy(reader->log + at, text, length);
    reader->log[at + length] = '\0';
}

static int take_part(void *context, const struct msim_part *part)
{
    struct reader *reader = context;
    char text[512];

    int length = snprintf(text, sizeof text, "%zu %s|%s|%s:", part->index, part->name,
                          part->file_name ? part->file_name : "-", part->content_type);
    note(reader, text, (size_t)length);
    return reader->fail_part;
}

static int take_bytes(void *context, const unsigned char *bytes, size_t length)
{
    assert_true(length > 0);
    note(context, (const char *)bytes, length);
    return MSIM_OK;
}

static int take_end(void *context)
{
    note(context, ";", 1);
    return MSIM_OK;
}

static struct msim_multipart_params params_for(struct reader *reader)
{
    struct msim_multipart_params params = MSIM_MULTIPART_PARAMS_INIT;

    params.content_type = "multipart/form-data; boundary=xyz";
    params.handler = (struct msim_multipart_handler){take_part, take_bytes, take_end};
    params.context = reader;
    return params;
}

/* Feeds it in steps; the first failure, or what the finish says. */
static int feed(const struct msim_multipart_params *params, const char *text, size_t step,
                struct msim_detail *detail)
{
    struct msim_multipart *multipart = NULL;
    size_t length = strlen(text);
    int r = MSIM_OK;

    assert_int_equal(msim_multipart_create(&multipart, params, detail), MSIM_OK);
    for (size_t at = 0; at < length && r == MSIM_OK; at += step)
        r = msim_multipart_feed(multipart, text + at, length - at < step ? length - at : step,
                                detail);
    if (r == MSIM_OK)
        r = msim_multipart_finish(multipart, detail);
    else
        assert_int_equal(msim_multipart_feed(multipart, "x", 1, NULL), r);
    msim_multipart_destroy(&multipart);
    return r;
}

#define NAMED(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

static void parts_come_with_their_names_however_the_bytes_are_cut(void **state)
{
    static const char form[] = "a preamble\r\n--xyz\r\n" NAMED(
        "a") "\r\n"
             "one\r\n--xy\r\n-\r\r\n--xz"
             "\r\n--xyz \t\r\n"
             "content-type: text/csv; charset=utf-8\r\n"
             "content-disposition: form-data; name=\"f\"; filename=\"C:\\\\d.csv\"\r\n"
             "X-Other: y\r\n\r\n"
             "\r\n--xyz\r\n"
             "Content-Disposition: form-data; filename=\"q%22\\\".txt\"; name=b\r\n\r\n"
             "\r\n\r\n\r\n--xyz--epilogue\r\n--xyz\r\n";
    static const char expected[] = "0 a|-|text/plain:one\r\n--xy\r\n-\r\r\n--xz;"
                                   "1 f|C:\\d.csv|text/csv; charset=utf-8:;"
                                   "2 b|q\"\".txt|text/plain:\r\n\r\n;";

    (void)state;
    for (size_t step = 1; step < sizeof form; step++) {
        struct reader reader = {{0}, 0};
        const struct msim_multipart_params params = params_for(&reader);
        struct msim_detail detail = {""};
        int r = feed(&params, form, step, &detail);
        if (r < 0)
            fail_msg("step %zu: %s", step, detail.text);
        assert_string_equal(reader.log, expected);
    }
}

static void forms_that_are_not_well_formed_are_refused(void **state)
{
    static const struct {
        const char *form;
        const char *words;
    } cases[] = {
        {"", "ends without"},
        {"--xyz", "ends without"},
        {"--xyz\r\n" NAMED("a") "\r\nabc", "ends without"},
        {"--xyz\r\n" NAMED("a") "\r\nabc\r\n--xyz", "ends without"},
        {"--xyz\r\n" NAMED("a") "\r\nabc\r\n--xyz-", "ends without"},
        {"--xyz\r\n" NAMED("a") "\r\nabc\r\n--xyz-x", "one dash"},
        {"--xyzz\r\n", "end of its line"},
        {"--xyz\rx", "CR alone"},
        {"--xyz\r\n\r\n", "no Content-Disposition"},
        {"--xyz\r\nX: y\r\n\r\n", "no Content-Disposition"},
        {"--xyz\r\nContent-Disposition: form-data\r\n\r\n", "no name"},
        {"--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n", "not form-data"},
        {"--xyz\r\nContent-Disposition: form-data; name\r\n\r\n", "not well formed"},
        {"--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n", "not well formed"},
        {"--xyz\r\nContent-Disposition: form-data name=a\r\n\r\n", "not well formed"},
        {"--xyz\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n", "twice"},
        {"--xyz\r\nContent-Disposition: form-data; name=\xff\r\n\r\n", "not UTF-8"},
        {"--xyz\r\n" NAMED("a") NAMED("b") "\r\n", "two dispositions"},
        {"--xyz\r\n" NAMED("a") " folded\r\n\r\n", "not one"},
        {"--xyz\r\n" NAMED("a") "X : y\r\n\r\n", "not one"},
        {"--xyz\r\nno colon\r\n\r\n", "not one"},
        {"--xyz\r\n" NAMED("a") "X: \x01\r\n\r\n", "a byte"},
        {"--xyz\r\n" NAMED("a") "X: y\n\r\n\r\n", "CR LF"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reader reader = {{0}, 0};
        const struct msim_multipart_params params = params_for(&reader);
        struct msim_detail detail = {""};
        if (feed(&params, cases[i].form, 3, &detail) != MSIM_ERR_FORMAT ||
            !strstr(detail.text, cases[i].words))
            fail_msg("%s: '%s'", cases[i].form, detail.text);
    }
}

static void every_bound_is_held_and_named(void **state)
{
    static const char form[] = "--xyz\r\n" NAMED("a") "\r\n12345\r\n--xyz\r\n" NAMED("b") "\r\n\r\n"
                                                                                          "--xyz--";
    static const size_t head = sizeof(NAMED("a") "\r\n") - 1;
    struct msim_detail detail = {""};
    struct reader reader = {{0}, 0};
    struct msim_multipart_params params = params_for(&reader);

    (void)state;
    params.max_head_bytes = head;
    params.max_parts = 2;
    params.max_part_bytes = 5;
    assert_int_equal(feed(&params, form, 100, &detail), MSIM_OK);
    params.max_head_bytes = head - 1;
    assert_int_equal(feed(&params, form, 100, &detail), MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "max_head_bytes"));
    params.max_head_bytes = 0;
    params.max_parts = 1;
    assert_int_equal(feed(&params, form, 100, &detail), MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "max_parts"));
    params.max_parts = 0;
    params.max_part_bytes = 4;
    assert_int_equal(feed(&params, form, 1, &detail), MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "max_part_bytes"));
}

static void an_owner_that_has_enough_ends_the_feeding(void **state)
{
    struct reader reader = {{0}, MSIM_ERR_CLOSED};
    const struct msim_multipart_params params = params_for(&reader);

    (void)state;
    assert_int_equal(feed(&params, "--xyz\r\n" NAMED("a") "\r\nabc", 1, NULL), MSIM_ERR_CLOSED);
    assert_string_equal(reader.log, "0 a|-|text/plain:");
}

static void a_content_type_tells_the_boundary_or_is_refused(void **state)
{
    static const struct {
        const char *type;
        int result;
    } cases[] = {
        {"multipart/form-data; boundary=abc", MSIM_OK},
        {"Multipart/Form-Data;charset=utf-8;boundary=\"a b\"", MSIM_OK},
        {"multipart/form-data ; BOUNDARY=a", MSIM_OK},
        {"multipart/form-data", MSIM_ERR_FORMAT},
        {"multipart/form-data; boundary=", MSIM_ERR_FORMAT},
        {"multipart/form-data; boundary=a; boundary=b", MSIM_ERR_FORMAT},
        {"multipart/form-data; boundary=\"a", MSIM_ERR_FORMAT},
        {"multipart/form-data; boundary=\"a \"", MSIM_ERR_FORMAT},
        {"multipart/form-data; boundary=a[b", MSIM_ERR_FORMAT},
        {"multipart/form-data; boundary=01234567890123456789012345678901234567890123456789"
         "012345678901234567890",
         MSIM_ERR_FORMAT},
        {"multipart/mixed; boundary=a", MSIM_ERR_UNSUPPORTED},
        {"application/json", MSIM_ERR_UNSUPPORTED},
        {"", MSIM_ERR_UNSUPPORTED},
    };
    struct msim_multipart_params params = MSIM_MULTIPART_PARAMS_INIT;
    struct msim_multipart *multipart = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        params.content_type = cases[i].type;
        if (msim_multipart_create(&multipart, &params, NULL) != cases[i].result)
            fail_msg("%s", cases[i].type);
        assert_int_equal(multipart != NULL, cases[i].result == MSIM_OK);
        msim_multipart_destroy(&multipart);
    }
    params.content_type = NULL;
    assert_int_equal(msim_multipart_create(&multipart, &params, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_multipart_feed(NULL, "a", 1, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_multipart_finish(NULL, NULL), MSIM_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_with_their_names_however_the_bytes_are_cut),
        cmocka_unit_test(forms_that_are_not_well_formed_are_refused),
        cmocka_unit_test(every_bound_is_held_and_named),
        cmocka_unit_test(an_owner_that_has_enough_ends_the_feeding),
        cmocka_unit_test(a_content_type_tells_the_boundary_or_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
