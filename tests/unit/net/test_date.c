/*
 * The date of an answer.
 */
#include "check.h"

#include "net/date.h"

static void a_date_reads_as_the_standard_wants_it(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
        {1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"},
        {-5, "Thu, 01 Jan 1970 00:00:00 GMT"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[MSIM_DATE_SIZE];
        msim_date_print(text, cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_reads_as_the_standard_wants_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
