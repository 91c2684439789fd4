#include "check.h"

#include <stddef.h>
#include <string.h>

#include <marketsim/record.h>

static const struct msim_record trade = {
    .time = INT64_C(1656633629338000000),
    .kind = MSIM_RECORD_TRADE,
    .price_exponent = -3,
    .quantity_exponent = -9,
    .as.trade = {.price = 19230500, .quantity = 250000000},
};

static void assert_text(const struct msim_record *record, const char *symbol, const char *wanted)
{
    char out[256];

    assert_int_equal(msim_record_print(record, symbol, out, sizeof out), strlen(wanted));
    assert_string_equal(out, wanted);
}

static void a_record_is_one_line(void **state)
{
    struct msim_record quote = {
        .time = 1,
        .kind = MSIM_RECORD_QUOTE,
        .price_exponent = -2,
        .as.quote = {.bid = 9999, .ask = 10001, .bid_quantity = 3, .ask_quantity = -4},
    };
    struct msim_record bar = {
        .time = -1,
        .kind = MSIM_RECORD_BAR,
        .quantity_exponent = -1,
        .as.bar = {.open = 1, .high = 4, .low = 0, .close = 2, .volume = 35},
    };

    (void)state;
    assert_text(&trade, "BTC-USDT@BYBIT",
                "2022-07-01 00:00:29.338000 trade BTC-USDT@BYBIT 19230.500 x 0.250000000");
    assert_text(&quote, "X", "1970-01-01 00:00:00.000000001 quote X 99.99 x 3 / 100.01 x -4");
    assert_text(&bar, NULL, "1969-12-31 23:59:59.999999999 bar - 1 4 0 2 x 3.5");
}

static void what_a_file_left_empty_is_null(void **state)
{
    struct msim_record record = trade;

    (void)state;
    record.flags = MSIM_RECORD_NO_PRICE;
    assert_text(&record, "A", "2022-07-01 00:00:29.338000 trade A null x 0.250000000");
    record.flags = MSIM_RECORD_NO_QUANTITY;
    assert_text(&record, "A", "2022-07-01 00:00:29.338000 trade A 19230.500 x null");
}

static void a_foreign_record_prints_whatever_it_holds(void **state)
{
    struct msim_record record = trade;

    (void)state;
    record.price_exponent = -19;
    record.quantity_exponent = 1;
    assert_text(&record, "A", "2022-07-01 00:00:29.338000 trade A bad-exponent x bad-exponent");
    record.kind = 200;
    assert_text(&record, "A", "2022-07-01 00:00:29.338000 unknown A");
    record = trade;
    record.as.trade.price = INT64_MIN;
    record.as.trade.quantity = INT64_MAX;
    record.price_exponent = record.quantity_exponent = -18;
    assert_text(&record, "A",
                "2022-07-01 00:00:29.338000 trade A -9.223372036854775808 x 9.223372036854775807");
}

static void a_line_is_cut_to_its_room(void **state)
{
    char whole[128];
    size_t length = msim_record_print(&trade, "A", whole, sizeof whole);

    (void)state;
    assert_int_equal(msim_record_print(&trade, "A", NULL, 0), length);
    for (size_t size = 1; size <= length + 1; size++) {
        char out[128];
        memset(out, '!', sizeof out);
        assert_int_equal(msim_record_print(&trade, "A", out, size), length);
        assert_memory_equal(out, whole, size - 1);
        assert_int_equal(out[size - 1], '\0');
        assert_int_equal(out[size], '!');
    }
}

/* Records travel through files and other languages: the layout is a promise. */
static void the_layout_is_what_it_was(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct msim_record), 64);
    assert_int_equal(offsetof(struct msim_record, time), 0);
    assert_int_equal(offsetof(struct msim_record, sequence), 8);
    assert_int_equal(offsetof(struct msim_record, symbol), 16);
    assert_int_equal(offsetof(struct msim_record, kind), 20);
    assert_int_equal(offsetof(struct msim_record, flags), 21);
    assert_int_equal(offsetof(struct msim_record, price_exponent), 22);
    assert_int_equal(offsetof(struct msim_record, quantity_exponent), 23);
    assert_int_equal(offsetof(struct msim_record, as), 24);
    assert_int_equal(offsetof(struct msim_trade_data, side), 32);
    assert_int_equal(sizeof(struct msim_command), 128);
    assert_int_equal(offsetof(struct msim_command, kind), 16);
    assert_int_equal(offsetof(struct msim_command, price), 32);
    assert_int_equal(sizeof(struct msim_event), 128);
    assert_int_equal(offsetof(struct msim_event, kind), 56);
    assert_int_equal(offsetof(struct msim_event, as), 64);
}

/* Every number has a name up to `count` but for the gaps, none beyond, and no two are the same. */
static void assert_names(const char *(*name)(uint8_t), unsigned first, unsigned last,
                         unsigned gap_first, unsigned gap_last, const char *unknown)
{
    for (unsigned i = 0; i < 256; i++) {
        bool named = i >= first && i <= last && (i < gap_first || i > gap_last);
        assert_non_null(name((uint8_t)i));
        assert_int_equal(strcmp(name((uint8_t)i), unknown) != 0, named);
        for (unsigned k = 0; named && k < i; k++)
            assert_string_not_equal(name((uint8_t)i), name((uint8_t)k));
    }
}

static void every_kind_and_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    assert_names(msim_record_kind_name, 1, MSIM_RECORD_BAR, 256, 256, "unknown");
    assert_names(msim_command_kind_name, 1, MSIM_COMMAND_CORRECT, MSIM_COMMAND_WITHDRAW + 1,
                 MSIM_COMMAND_SET_STATE - 1, "UNKNOWN");
    assert_names(msim_event_kind_name, 1, MSIM_EVENT_CORRECTED, 256, 256, "UNKNOWN");
    assert_names(msim_reject_name, 0, MSIM_REJECT_DUPLICATE_CLIENT_ID, 256, 256, "UNKNOWN");
    assert_names(msim_cancel_name, 1, MSIM_CANCEL_MAINTENANCE, 256, 256, "UNKNOWN");
    assert_names(msim_order_status_name, 0, MSIM_STATUS_REJECTED, 256, 256, "UNKNOWN");
    assert_names(msim_order_type_name, 1, MSIM_ORDER_TAKE_PROFIT_LIMIT, 256, 256, "UNKNOWN");
    assert_names(msim_time_in_force_name, 0, MSIM_TIF_DAY, 256, 256, "UNKNOWN");
    assert_names(msim_self_trade_name, 0, MSIM_SELF_TRADE_DECREMENT, 256, 256, "UNKNOWN");
    assert_names(msim_instrument_state_name, 0, MSIM_STATE_POST_ONLY, 256, 256, "UNKNOWN");
}

static void a_handle_names_slot_and_order_or_nothing(void **state)
{
    struct msim_event event = {.order = 7, .slot = 3};

    (void)state;
    assert_true(msim_event_handle(&event) == (UINT64_C(7) << 32 | 3));
    event.slot = 0;
    assert_true(msim_event_handle(&event) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_one_line),
        cmocka_unit_test(what_a_file_left_empty_is_null),
        cmocka_unit_test(a_foreign_record_prints_whatever_it_holds),
        cmocka_unit_test(a_line_is_cut_to_its_room),
        cmocka_unit_test(the_layout_is_what_it_was),
        cmocka_unit_test(every_kind_and_code_has_a_name_of_its_own),
        cmocka_unit_test(a_handle_names_slot_and_order_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
