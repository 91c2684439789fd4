#include "check.h"

#include "base/random.h"
#include "engine/money.h"

struct dice {
    uint64_t key;
    uint64_t rolled;
};

static uint64_t roll(struct dice *dice)
{
    return msim_random_at(dice->key, dice->rolled++, 0, 0);
}

/* Of any size, small ones and the ends of what 64 bits hold among them. */
static int64_t any(struct dice *dice)
{
    const uint64_t bits = roll(dice);
    const unsigned shift = (unsigned)(roll(dice) % 63);
    const int64_t value = (int64_t)(bits >> 1 >> shift);

    switch (roll(dice) % 16) {
    case 0:
        return 0;
    case 1:
        return INT64_MAX - value % 3;
    case 2:
        return INT64_MIN + value % 3;
    default:
        return bits & 1 ? -value : value;
    }
}

static int64_t positive(struct dice *dice)
{
    const int64_t value = any(dice);
    if (value == 0 || value == INT64_MIN)
        return 1;
    return value < 0 ? -value : value;
}

static void booking_in_64_bits_is_booking_in_128(void **state)
{
    struct dice dice = {msim_random_key(1, "position", 8), 0};
    unsigned narrow_ones = 0;
    (void)state;

    for (int i = 0; i < 300000; i++) {
        struct position narrow = {.quantity = any(&dice), .realised = any(&dice)};
        narrow.cost = narrow.quantity ? any(&dice) : 0;
        const int64_t size = positive(&dice);
        const int64_t quantity = i % 2 ? size : -size;
        const int64_t notional = i % 5 ? positive(&dice) - 1 : 0;
        struct position wide = narrow;
        struct upper uppers[2] = {{0, 0, 0}, {0, 0, 0}};

        position_book(&narrow, &uppers[0], quantity, notional);
        msim_position_book_wide(&wide, &uppers[1], quantity, notional);
        const struct holding a = position_load(&narrow, &uppers[0]);
        const struct holding b = position_load(&wide, &uppers[1]);
        assert_true(a.quantity == b.quantity && a.cost == b.cost && a.realised == b.realised);
        assert_int_equal(narrow.wide, wide.wide);
        narrow_ones += !wide.wide;
    }
    assert_in_range(narrow_ones, 50000, 290000);
}

static void a_position_that_is_closed_leaves_no_cost(void **state)
{
    struct position position = {.quantity = 300, .cost = 1001};
    struct upper upper = {0, 0, 0};
    (void)state;

    position_book(&position, &upper, -100, 400);
    assert_int_equal(position.cost, 1001 - 333);
    assert_int_equal(position.realised, 400 - 333);
    position_book(&position, &upper, -200, 800);
    assert_int_equal(position.quantity, 0);
    assert_int_equal(position.cost, 0);
    assert_int_equal(position.realised, 1200 - 1001);
}

static void a_position_that_is_turned_keeps_its_share_of_the_worth(void **state)
{
    struct position position = {.quantity = 100, .cost = 1000};
    struct upper upper = {0, 0, 0};
    (void)state;

    position_book(&position, &upper, -300, 3100);
    assert_int_equal(position.quantity, -200);
    assert_int_equal(position.cost, -3100 + 1033);
    assert_int_equal(position.realised, 1033 - 1000);
}

static void a_fee_of_a_small_amount_is_that_of_any(void **state)
{
    struct dice dice = {msim_random_key(1, "fee", 3), 0};
    (void)state;

    for (int i = 0; i < 200000; i++) {
        const int64_t amount = positive(&dice);
        const uint32_t rate = (uint32_t)(roll(&dice) % (MSIM_FEE_SCALE + 1));
        const msim_int128 exact = (msim_int128)amount * rate + MSIM_FEE_SCALE - 1;

        assert_true(fee_of(amount, rate) == exact / MSIM_FEE_SCALE);
        if (amount < FEE_SMALL)
            assert_true(fee_of_small(amount, rate) == exact / MSIM_FEE_SCALE);
    }
}

static uint64_t *cell(const struct sheet *sheet, size_t row, size_t column)
{
    return (uint64_t *)(void *)((char *)sheet->cells +
                                sheet_cell(sheet, row, column) * sheet->cell_size);
}

/* Cells are large, so that the sheet has a table soon; columns and rows come as they do. */
static void a_sheet_keeps_its_cells_while_it_grows(void **state)
{
    struct dice dice = {msim_random_key(1, "sheet", 5), 0};
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    enum { ROWS = 40, COLUMNS = 11 };
    (void)state;

    for (int round = 0; round < 9; round++) {
        struct sheet sheet;
        uint64_t kept[ROWS][COLUMNS] = {{0}};
        msim_sheet_init(&sheet, (size_t)64 << 10 << round % 3);
        for (size_t i = 0; i < 120; i++) {
            const size_t columns = 1 + i * COLUMNS / 120;
            const size_t column = roll(&dice) % columns;
            const size_t row = roll(&dice) % (1 + i * ROWS / 120);
            assert_int_equal(msim_sheet_reserve(&sheet, row, column, columns, ROWS, &allocator), 0);
            assert_int_equal(*cell(&sheet, row, column), kept[row][column]);
            *cell(&sheet, row, column) = kept[row][column] = i + 1;
        }
        for (size_t row = 0; row < ROWS; row++)
            for (size_t column = 0; column < COLUMNS; column++)
                if (kept[row][column])
                    assert_int_equal(*cell(&sheet, row, column), kept[row][column]);
        assert_non_null(sheet.blocks);
        msim_sheet_finish(&sheet, &allocator);
    }
}

static void a_short_row_that_gets_a_table_keeps_its_cells(void **state)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct sheet sheet;
    (void)state;

    msim_sheet_init(&sheet, (size_t)256 << 10);
    assert_int_equal(msim_sheet_reserve(&sheet, 39, 0, 1, 40, &allocator), 0);
    assert_null(sheet.blocks);
    *cell(&sheet, 39, 0) = 7;
    assert_int_equal(msim_sheet_reserve(&sheet, 39, 1, 2, 40, &allocator), 0);
    assert_non_null(sheet.blocks);
    assert_int_equal(*cell(&sheet, 39, 0), 7);
    assert_int_equal(*cell(&sheet, 39, 1), 0);
    msim_sheet_finish(&sheet, &allocator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booking_in_64_bits_is_booking_in_128),
        cmocka_unit_test(a_position_that_is_closed_leaves_no_cost),
        cmocka_unit_test(a_position_that_is_turned_keeps_its_share_of_the_worth),
        cmocka_unit_test(a_fee_of_a_small_amount_is_that_of_any),
        cmocka_unit_test(a_sheet_keeps_its_cells_while_it_grows),
        cmocka_unit_test(a_short_row_that_gets_a_table_keeps_its_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
