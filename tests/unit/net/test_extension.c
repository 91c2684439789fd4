/*
 * What permessage-deflate is agreed upon: every parameter, both ways.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "net/extension.h"

#define FIELDS_MAX 2

static void make_head(struct msim_http_head *head, const char *const values[FIELDS_MAX])
{
    memset(head, 0, sizeof *head);
    for (size_t i = 0; i < FIELDS_MAX && values[i]; i++)
        head->fields[head->field_count++] = (struct msim_http_field){
            {"sec-websocket-EXTENSIONS", strlen("sec-websocket-EXTENSIONS")},
            {values[i], strlen(values[i])},
        };
}

/* "on keep/reset 15 keep/reset 15": what is sent, then what comes. */
static const char *describe(char out[64], const struct msim_deflate_terms *terms)
{
    if (!terms->is_on)
        return "off";
    snprintf(out, 64, "%s %u, %s %u", terms->keeps_context ? "keep" : "reset", terms->window_bits,
             terms->peer_keeps_context ? "keep" : "reset", terms->peer_window_bits);
    return out;
}

static const struct msim_deflate off = {.is_on = false};
static const struct msim_deflate plain = {.is_on = true};
static const struct msim_deflate keeping = {
    .is_on = true, .keeps_context = true, .peer_keeps_context = true};
static const struct msim_deflate small = {.is_on = true,
                                          .keeps_context = true,
                                          .peer_keeps_context = true,
                                          .window_bits = 10,
                                          .peer_window_bits = 11};

static void a_server_meets_the_first_offer_that_it_can(void **state)
{
    static const struct {
        const struct msim_deflate *wanted;
        const char *values[FIELDS_MAX];
        const char *answer;
        const char *terms;
    } cases[] = {
        {&off, {"permessage-deflate"}, "", "off"},
        {&plain, {NULL}, "", "off"},
        {&plain, {"x-webkit-deflate-frame"}, "", "off"},
        {&plain,
         {"permessage-deflate"},
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
         "reset 15, reset 15"},
        {&keeping, {"permessage-deflate"}, "permessage-deflate", "keep 15, keep 15"},
        {&keeping, {"PerMessage-Deflate"}, "permessage-deflate", "keep 15, keep 15"},
        {&keeping,
         {"permessage-deflate; server_no_context_takeover"},
         "permessage-deflate; server_no_context_takeover",
         "reset 15, keep 15"},
        {&keeping,
         {"permessage-deflate;client_no_context_takeover"},
         "permessage-deflate; client_no_context_takeover",
         "keep 15, reset 15"},
        {&keeping,
         {"permessage-deflate; client_max_window_bits"},
         "permessage-deflate",
         "keep 15, keep 15"},
        {&keeping,
         {"permessage-deflate; client_max_window_bits=9"},
         "permessage-deflate; client_max_window_bits=9",
         "keep 15, keep 9"},
        {&keeping,
         {"permessage-deflate; client_max_window_bits=\"12\""},
         "permessage-deflate; client_max_window_bits=12",
         "keep 15, keep 12"},
        {&keeping,
         {"permessage-deflate; server_max_window_bits=8"},
         "permessage-deflate; server_max_window_bits=8",
         "keep 8, keep 15"},
        {&keeping,
         {"permessage-deflate; server_max_window_bits=15"},
         "permessage-deflate; server_max_window_bits=15",
         "keep 15, keep 15"},
        {&keeping,
         {"permessage-deflate ; server_max_window_bits = 10 ;\tserver_no_context_takeover"},
         "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
         "reset 10, keep 15"},
        /* Our own wishes: what the client did not offer is not asked of it. */
        {&small,
         {"permessage-deflate"},
         "permessage-deflate; server_max_window_bits=10",
         "keep 10, keep 15"},
        {&small,
         {"permessage-deflate; client_max_window_bits"},
         "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11",
         "keep 10, keep 11"},
        {&small,
         {"permessage-deflate; client_max_window_bits=9; server_max_window_bits=9"},
         "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
         "keep 9, keep 9"},
        {&small,
         {"permessage-deflate; server_max_window_bits=12"},
         "permessage-deflate; server_max_window_bits=10",
         "keep 10, keep 15"},
        /* An offer that cannot be met, and the next one. */
        {&keeping,
         {"permessage-deflate; server_max_window_bits=16, permessage-deflate"},
         "permessage-deflate",
         "keep 15, keep 15"},
        {&keeping,
         {"other; a=b, permessage-deflate; unheard_of", "permessage-deflate; "
                                                        "server_no_context_takeover"},
         "permessage-deflate; server_no_context_takeover",
         "reset 15, keep 15"},
        {&keeping,
         {"permessage-deflate; client_no_context_takeover, permessage-deflate"},
         "permessage-deflate; client_no_context_takeover",
         "keep 15, reset 15"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_deflate_terms terms;
        struct msim_http_head head;
        char answer[MSIM_EXTENSION_TEXT];
        char words[64];
        make_head(&head, cases[i].values);
        assert_int_equal(msim_extension_choose(&terms, answer, cases[i].wanted, &head), MSIM_OK);
        assert_string_equal(answer, cases[i].answer);
        assert_string_equal(describe(words, &terms), cases[i].terms);
    }
}

static void an_offer_with_a_bad_parameter_is_declined(void **state)
{
    static const char *const values[] = {
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_max_window_bits=100",
        "permessage-deflate; server_max_window_bits=15x",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits=12345678901234567890",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate; x",
        "permessage-deflate2",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        const char *const both[FIELDS_MAX] = {values[i]};
        struct msim_deflate_terms terms;
        struct msim_http_head head;
        char answer[MSIM_EXTENSION_TEXT];
        make_head(&head, both);
        assert_int_equal(msim_extension_choose(&terms, answer, &keeping, &head), MSIM_OK);
        assert_string_equal(answer, "");
        assert_false(terms.is_on);
    }
}

static void a_header_that_is_no_list_of_extensions_is_refused(void **state)
{
    static const char *const values[] = {
        "permessage-deflate;",
        "permessage-deflate; =",
        "permessage-deflate; a=",
        "permessage-deflate; a=\"",
        "permessage-deflate; a=\"\"",
        "permessage-deflate; a=\"b",
        "permessage-deflate; a=\"b c\"",
        "permessage-deflate permessage-deflate",
        "permessage-deflate; a b",
        ";",
        "=",
        "permessage-deflate, \"x\"",
        "permessage-deflate; a=\"b\\",
        "permessage-deflate; a=b=c",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        const char *const both[FIELDS_MAX] = {values[i]};
        struct msim_deflate_terms terms;
        struct msim_http_head head;
        char answer[MSIM_EXTENSION_TEXT];
        make_head(&head, both);
        if (msim_extension_choose(&terms, answer, &keeping, &head) != MSIM_ERR_FORMAT)
            fail_msg("%s", values[i]);
    }
}

static void a_client_offers_what_it_wants(void **state)
{
    static const struct {
        const struct msim_deflate *wanted;
        const char *offer;
    } cases[] = {
        {&plain, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                 "client_max_window_bits"},
        {&keeping, "permessage-deflate; client_max_window_bits"},
        {&small, "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char offer[MSIM_EXTENSION_TEXT];
        msim_extension_offer(offer, cases[i].wanted);
        assert_string_equal(offer, cases[i].offer);
    }
}

static void a_client_judges_the_answer(void **state)
{
    static const struct {
        const struct msim_deflate *wanted;
        const char *values[FIELDS_MAX];
        const char *terms; /* NULL: refused ... */
        const char *words; /* ... with these */
    } cases[] = {
        {&plain, {NULL}, "off", NULL},
        {&keeping, {"permessage-deflate"}, "keep 15, keep 15", NULL},
        {&keeping,
         {"permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
         "reset 15, reset 15",
         NULL},
        {&keeping, {"permessage-deflate; client_max_window_bits=8"}, "keep 8, keep 15", NULL},
        {&keeping, {"permessage-deflate; server_max_window_bits=9"}, "keep 15, keep 9", NULL},
        {&plain, {"permessage-deflate; server_no_context_takeover"}, "reset 15, reset 15", NULL},
        {&small,
         {"permessage-deflate; server_max_window_bits=11; client_max_window_bits=10"},
         "keep 10, keep 11",
         NULL},
        {&small, {"permessage-deflate; server_max_window_bits=8"}, "keep 10, keep 8", NULL},
        {&off, {"permessage-deflate"}, NULL, "not offered"},
        {&plain, {"other"}, NULL, "not offered"},
        {&plain, {"permessage-deflate"}, NULL, "without the server_no_context_takeover"},
        {&small, {"permessage-deflate"}, NULL, "without the server_max_window_bits"},
        {&small,
         {"permessage-deflate; server_max_window_bits=12"},
         NULL,
         "without the server_max_window_bits"},
        {&small,
         {"permessage-deflate; server_max_window_bits=9; client_max_window_bits=11"},
         NULL,
         "more client_max_window_bits"},
        {&keeping, {"permessage-deflate; client_max_window_bits"}, NULL, "does not have"},
        {&keeping, {"permessage-deflate; server_max_window_bits=7"}, NULL, "does not have"},
        {&keeping, {"permessage-deflate; x=y"}, NULL, "does not have"},
        {&keeping, {"permessage-deflate, permessage-deflate"}, NULL, "more than one"},
        {&keeping, {"permessage-deflate", "permessage-deflate"}, NULL, "more than one"},
        {&keeping, {"permessage-deflate;"}, NULL, "cannot be read"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_deflate_terms terms;
        struct msim_detail detail = {""};
        struct msim_http_head head;
        char words[64];
        make_head(&head, cases[i].values);
        int r = msim_extension_agree(&terms, cases[i].wanted, &head, &detail);
        assert_int_equal(r, cases[i].terms ? MSIM_OK : MSIM_ERR_FORMAT);
        if (cases[i].terms)
            assert_string_equal(describe(words, &terms), cases[i].terms);
        else if (!strstr(detail.text, cases[i].words))
            fail_msg("'%s' does not say '%s'", detail.text, cases[i].words);
        assert_false(r < 0 && terms.is_on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_meets_the_first_offer_that_it_can),
        cmocka_unit_test(an_offer_with_a_bad_parameter_is_declined),
        cmocka_unit_test(a_header_that_is_no_list_of_extensions_is_refused),
        cmocka_unit_test(a_client_offers_what_it_wants),
        cmocka_unit_test(a_client_judges_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
