/*
 * What is remembered of addresses.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/visitors.h"

static struct msim_address address_of(const char *text)
{
    struct msim_addresses found;

    assert_int_equal(msim_resolve(&found, text, 80, MSIM_RESOLVE_LISTEN, NULL), MSIM_OK);
    return found.items[0];
}

static int enter(struct msim_visitors *visitors, const char *text, size_t most,
                 struct msim_visitor **out)
{
    const struct msim_address address = address_of(text);

    return msim_visitors_enter(visitors, &address, most, out);
}

static void visitors_open(struct msim_visitors *visitors, size_t limit)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);

    assert_int_equal(msim_visitors_init(visitors, limit, 42, &allocator), MSIM_OK);
}

static void connections_of_one_address_are_counted(void **state)
{
    struct msim_visitors visitors;
    struct msim_visitor *first;
    struct msim_visitor *second;
    struct msim_visitor *other;

    (void)state;
    visitors_open(&visitors, 10);
    assert_int_equal(enter(&visitors, "10.0.0.1", 2, &first), MSIM_OK);
    assert_int_equal(enter(&visitors, "10.0.0.1", 2, &second), MSIM_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(enter(&visitors, "10.0.0.1", 2, &second), MSIM_ERR_LIMIT);
    assert_int_equal(enter(&visitors, "10.0.0.2", 2, &other), MSIM_OK);
    assert_ptr_not_equal(first, other);
    msim_visitors_leave(&visitors, first);
    assert_int_equal(enter(&visitors, "10.0.0.1", 2, &second), MSIM_OK);
    msim_visitors_finish(&visitors);
}

static void an_ipv6_address_counts_by_its_first_half(void **state)
{
    struct msim_visitors visitors;
    struct msim_visitor *first;
    struct msim_visitor *second;

    (void)state;
    visitors_open(&visitors, 10);
    assert_int_equal(enter(&visitors, "2001:db8::1", 0, &first), MSIM_OK);
    assert_int_equal(enter(&visitors, "2001:db8::ffff:2", 0, &second), MSIM_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(enter(&visitors, "2001:db8:0:1::1", 0, &second), MSIM_OK);
    assert_ptr_not_equal(first, second);
    assert_int_equal(enter(&visitors, "::ffff:10.0.0.1", 0, &first), MSIM_OK);
    assert_int_equal(enter(&visitors, "::ffff:10.0.0.2", 0, &second), MSIM_OK);
    assert_ptr_not_equal(first, second);
    msim_visitors_finish(&visitors);
}

static void the_one_that_was_idle_longest_makes_room(void **state)
{
    struct msim_visitors visitors;
    struct msim_visitor *held;
    struct msim_visitor *at;
    char text[32];

    (void)state;
    visitors_open(&visitors, 3);
    assert_int_equal(enter(&visitors, "10.0.0.1", 0, &held), MSIM_OK);
    for (int i = 2; i < 200; i++) {
        snprintf(text, sizeof text, "10.0.0.%d", i);
        assert_int_equal(enter(&visitors, text, 0, &at), MSIM_OK);
        assert_int_equal(at->bucket.full_at, 0);
        at->bucket.full_at = i;
        msim_visitors_leave(&visitors, at);
        assert_in_range(visitors.count, 1, 3);
    }
    /* The latest one and the one before are known still, the held one as well. */
    assert_int_equal(enter(&visitors, "10.0.0.198", 0, &at), MSIM_OK);
    assert_int_equal(at->bucket.full_at, 198);
    msim_visitors_leave(&visitors, at);
    assert_int_equal(enter(&visitors, "10.0.0.200", 0, &at), MSIM_OK);
    assert_int_equal(enter(&visitors, "10.0.0.198", 0, &at), MSIM_OK);
    assert_int_equal(at->bucket.full_at, 198);
    /* All three have connections: nobody makes room. */
    assert_int_equal(enter(&visitors, "10.0.0.199", 0, &at), MSIM_ERR_LIMIT);
    assert_int_equal(enter(&visitors, "10.0.0.1", 0, &at), MSIM_OK);
    assert_ptr_equal(at, held);
    msim_visitors_finish(&visitors);
}

static void this_machine_alone_is_known(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"127.0.0.1", true}, {"127.255.0.9", true}, {"::1", true},  {"0.0.0.0", false},
        {"::", false},       {"128.0.0.1", false},  {"::2", false}, {"10.0.0.127", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct msim_address address = address_of(cases[i].text);
        if (msim_address_is_loopback(&address) != cases[i].is)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_of_one_address_are_counted),
        cmocka_unit_test(an_ipv6_address_counts_by_its_first_half),
        cmocka_unit_test(the_one_that_was_idle_longest_makes_room),
        cmocka_unit_test(this_machine_alone_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
