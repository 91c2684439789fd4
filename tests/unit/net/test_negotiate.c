/*
 * What a client says it has and takes.
 */
#include "check.h"

#include "net/negotiate.h"

static void gzip_is_taken_where_it_is_named_and_not_refused(void **state)
{
    static const struct {
        const char *text;
        bool takes;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"br, gzip", true},
        {"br,gzip;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"gzip;q=0, *", false},
        {"gzipped", false},
        {"identity", false},
        {" , ,gzip ", true},
        {"br;gzip", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (msim_accepts_gzip(cases[i].text) != cases[i].takes)
            fail_msg("'%s'", cases[i].text ? cases[i].text : "(none)");
}

static void a_tag_is_found_among_those_a_client_has(void **state)
{
    static const struct {
        const char *text;
        bool matches;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"\"ab\"", true},
        {"W/\"ab\"", true},
        {"\"x\", \"ab\"", true},
        {"\"x,\",\"ab\"", true},
        {"*", true},
        {"ab", false},
        {"\"a", false},
        {"\"abc\"", false},
        {"\"AB\"", false},
        {"\"a\", nonsense, \"ab\"", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (msim_matches_tag(cases[i].text, "\"ab\"") != cases[i].matches)
            fail_msg("'%s'", cases[i].text ? cases[i].text : "(none)");
}

static void a_type_follows_from_the_ending(void **state)
{
    (void)state;
    assert_string_equal(msim_type_of("a/index.HTML"), "text/html; charset=utf-8");
    assert_string_equal(msim_type_of("a.b/app.js"), "text/javascript; charset=utf-8");
    assert_string_equal(msim_type_of("a.js/none"), "application/octet-stream");
    assert_string_equal(msim_type_of(""), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_taken_where_it_is_named_and_not_refused),
        cmocka_unit_test(a_tag_is_found_among_those_a_client_has),
        cmocka_unit_test(a_type_follows_from_the_ending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
