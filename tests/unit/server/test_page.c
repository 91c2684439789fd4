/*
 * The dashboard's page in the library: what is there fits together.
 */
#include "check.h"

#include <string.h>

#include "server/dashboard/page.h"

static const struct msim_asset *find(const char *path)
{
    size_t count;
    const struct msim_asset *files = msim_page_files(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

/* Whether the bytes hold the text; they are not terminated. */
static const char *find_text(const char *bytes, size_t length, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= length; i++)
        if (memcmp(bytes + i, text, size) == 0)
            return bytes + i;
    return NULL;
}

static void skip_without_page(void)
{
    size_t count;

    if (!msim_page_files(&count)) {
        assert_int_equal(count, 0);
        print_message("the library was built without the page\n");
        skip();
    }
}

static void a_library_without_the_page_has_no_files(void **state)
{
    size_t count = 7;
    const struct msim_asset *files = msim_page_files(&count);

    (void)state;
    assert_true(files ? count > 0 : count == 0);
}

static void each_file_has_a_type_and_a_compressed_form_that_is_smaller(void **state)
{
    size_t count;
    const struct msim_asset *files = msim_page_files(&count);

    (void)state;
    skip_without_page();
    for (size_t i = 0; i < count; i++) {
        assert_non_null(files[i].content_type);
        assert_true(files[i].length > 0);
        assert_true(files[i].gzip ? files[i].gzip_length < files[i].length
                                  : files[i].gzip_length == 0);
    }
}

/* href="..." and src="..." of the page, but for its own sections and other hosts' pages. */
static void what_the_page_asks_for_is_there(void **state)
{
    static const char *const marks[] = {"href=\"", "src=\""};
    size_t found = 0;

    (void)state;
    skip_without_page();
    const struct msim_asset *index = find("index.html");
    assert_non_null(index);
    const char *end = (const char *)index->bytes + index->length;
    for (size_t m = 0; m < COUNT(marks); m++) {
        const char *at = index->bytes;
        while ((at = find_text(at, (size_t)(end - at), marks[m]))) {
            char path[128];
            size_t length = 0;
            at += strlen(marks[m]);
            while (at[length] != '"' && length + 1 < sizeof path) {
                path[length] = at[length];
                length++;
            }
            path[length] = '\0';
            if (path[0] == '#' || strncmp(path, "https:", 6) == 0 || strncmp(path, "api/", 4) == 0)
                continue;
            if (!find(path))
                fail_msg("the page names %s, which is not there", path);
            found++;
        }
    }
    assert_true(found > 5);
}

static void the_notices_name_every_part_that_is_not_ours(void **state)
{
    static const char *const names[] = {"TradingView", "uPlot",          "Socket.IO",
                                        "Inter",       "Apache License", "SIL OPEN FONT LICENSE"};

    (void)state;
    skip_without_page();
    const struct msim_asset *notice = find("NOTICE.txt");
    assert_non_null(notice);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_non_null(find_text(notice->bytes, notice->length, names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_without_the_page_has_no_files),
        cmocka_unit_test(each_file_has_a_type_and_a_compressed_form_that_is_smaller),
        cmocka_unit_test(what_the_page_asks_for_is_there),
        cmocka_unit_test(the_notices_name_every_part_that_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
