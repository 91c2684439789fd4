#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "server/exchange/history.h"

static void keep(struct msim_exchange_history *history, uint64_t sequence, const char *text)
{
    const struct msim_allocator usual = msim_mem_allocator(NULL);

    msim_exchange_history_add(history, 200, sequence, 7, text, strlen(text), &usual);
}

static void forget(struct msim_exchange_history *history)
{
    const struct msim_allocator usual = msim_mem_allocator(NULL);

    msim_exchange_history_finish(history, &usual);
}

/* All from a sequence on, parted by spaces. */
static const char *past_from(const struct msim_exchange_history *history, uint64_t from)
{
    static char said[1024];
    struct msim_exchange_past past = {0};
    char text[128];
    size_t length;

    said[0] = '\0';
    while ((length = msim_exchange_history_next(history, from, &past, text, sizeof text)) > 0)
        snprintf(said + strlen(said), 160, "%s%d:%.*s", said[0] ? " " : "", (int)past.sequence,
                 (int)length, text);
    return said;
}

static void what_was_missed_comes_in_its_order(void **state)
{
    struct msim_exchange_history history = {0};

    (void)state;
    keep(&history, 5, "five");
    keep(&history, 6, "six");
    keep(&history, 7, "seven");
    assert_true(msim_exchange_history_has(&history, 5));
    assert_true(msim_exchange_history_has(&history, 8));
    assert_false(msim_exchange_history_has(&history, 4));
    assert_false(msim_exchange_history_has(&history, 9));
    assert_string_equal(past_from(&history, 6), "6:six 7:seven");
    assert_string_equal(past_from(&history, 8), "");
    forget(&history);
}

static void the_oldest_make_room_around_the_ring(void **state)
{
    struct msim_exchange_history history = {0};
    char text[40];

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        snprintf(text, sizeof text, "message number %d", (int)i);
        keep(&history, i, text);
        assert_true(msim_exchange_history_has(&history, i));
    }
    assert_false(msim_exchange_history_has(&history, 90));
    assert_string_equal(past_from(&history, 99), "99:message number 99 100:message number 100");
    forget(&history);
}

static void a_hole_in_the_sequences_begins_a_new_history(void **state)
{
    struct msim_exchange_history history = {0};

    (void)state;
    keep(&history, 1, "one");
    keep(&history, 3, "three");
    assert_false(msim_exchange_history_has(&history, 1));
    assert_string_equal(past_from(&history, 3), "3:three");
    forget(&history);
}

static void a_message_longer_than_all_of_it_is_not_there_and_nothing_older(void **state)
{
    struct msim_exchange_history history = {0};
    char text[300];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    keep(&history, 1, "one");
    keep(&history, 2, text);
    assert_false(msim_exchange_history_has(&history, 2));
    assert_true(msim_exchange_history_has(&history, 3));
    keep(&history, 3, "three");
    assert_string_equal(past_from(&history, 3), "3:three");
    forget(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_missed_comes_in_its_order),
        cmocka_unit_test(the_oldest_make_room_around_the_ring),
        cmocka_unit_test(a_hole_in_the_sequences_begins_a_new_history),
        cmocka_unit_test(a_message_longer_than_all_of_it_is_not_there_and_nothing_older),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
