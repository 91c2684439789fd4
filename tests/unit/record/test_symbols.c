#include "check.h"

#include <stdio.h>
#include <string.h>

#include "oom/failing.h"
#include "record/symbols.h"

static void a_text_gets_the_next_number_once(void **state)
{
    struct msim_symbols symbols;
    uint32_t id = 77;
    size_t length = 77;

    (void)state;
    msim_symbols_init(&symbols, 10, NULL);
    assert_int_equal(msim_symbols_find(&symbols, "BTC", 3, &id), MSIM_ERR_NOT_FOUND);
    assert_int_equal(id, 77);
    assert_int_equal(msim_symbols_intern(&symbols, "BTC", 3, &id), MSIM_OK);
    assert_int_equal(id, 0);
    assert_int_equal(msim_symbols_intern(&symbols, "ETHER", 3, &id), MSIM_OK);
    assert_int_equal(id, 1);
    assert_int_equal(msim_symbols_intern(&symbols, "BTC", 3, &id), MSIM_OK);
    assert_int_equal(id, 0);
    assert_int_equal(msim_symbols_intern(&symbols, NULL, 0, &id), MSIM_OK);
    assert_int_equal(id, 2);
    assert_int_equal(msim_symbols_intern(&symbols, "", 0, &id), MSIM_OK);
    assert_int_equal(id, 2);
    assert_int_equal(msim_symbols_intern(&symbols, "A\0B", 3, &id), MSIM_OK);
    assert_int_equal(id, 3);
    assert_int_equal(msim_symbols_intern(&symbols, "A\0C", 3, &id), MSIM_OK);
    assert_int_equal(id, 4);
    assert_string_equal(msim_symbols_text(&symbols, 1, &length), "ETH");
    assert_int_equal(length, 3);
    assert_memory_equal(msim_symbols_text(&symbols, 4, &length), "A\0C", 4);
    assert_int_equal(length, 3);
    assert_string_equal(msim_symbols_text(&symbols, 2, NULL), "");
    assert_null(msim_symbols_text(&symbols, 5, &length));
    assert_null(msim_symbols_text(&symbols, UINT32_MAX, &length));
    msim_symbols_finish(&symbols);
    msim_symbols_finish(&symbols);
}

static void the_table_is_full_at_its_limit(void **state)
{
    struct msim_symbols symbols;
    uint32_t id = 77;

    (void)state;
    msim_symbols_init(&symbols, 2, NULL);
    assert_int_equal(msim_symbols_intern(&symbols, "a", 1, &id), MSIM_OK);
    assert_int_equal(msim_symbols_intern(&symbols, "b", 1, &id), MSIM_OK);
    assert_int_equal(msim_symbols_intern(&symbols, "c", 1, &id), MSIM_ERR_LIMIT);
    assert_int_equal(id, 1);
    assert_int_equal(msim_symbols_intern(&symbols, "a", 1, &id), MSIM_OK);
    assert_int_equal(id, 0);
    assert_int_equal(msim_symbols_find(&symbols, "c", 1, &id), MSIM_ERR_NOT_FOUND);
    msim_symbols_finish(&symbols);
}

static void many_texts_keep_their_numbers(void **state)
{
    struct msim_symbols symbols;
    char text[32];

    (void)state;
    msim_symbols_init(&symbols, MSIM_SYMBOLS_LIMIT, NULL);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 50000; i++) {
            uint32_t id = UINT32_MAX;
            size_t length = (size_t)snprintf(text, sizeof text, "%uNFT-USDT-SWAP@BYBIT", i);
            assert_int_equal(msim_symbols_intern(&symbols, text, length, &id), MSIM_OK);
            assert_int_equal(id, i);
        }
    }
    assert_int_equal(symbols.count, 50000);
    for (uint32_t i = 0; i < 50000; i++) {
        uint32_t id = UINT32_MAX;
        size_t length = (size_t)snprintf(text, sizeof text, "%uNFT-USDT-SWAP@BYBIT", i);
        assert_int_equal(msim_symbols_find(&symbols, text, length, &id), MSIM_OK);
        assert_int_equal(id, i);
        assert_string_equal(msim_symbols_text(&symbols, i, NULL), text);
    }
    msim_symbols_finish(&symbols);
}

static int intern_some(const struct msim_allocator *allocator, void *context)
{
    struct msim_symbols symbols;
    char text[16];
    int r = MSIM_OK;
    uint32_t count = 0;

    (void)context;
    msim_symbols_init(&symbols, 1000, allocator);
    while (r == MSIM_OK && count < 200) {
        uint32_t id;
        size_t length = (size_t)snprintf(text, sizeof text, "symbol %u", count);
        r = msim_symbols_intern(&symbols, text, length, &id);
        count += r == MSIM_OK;
    }
    /* What was there before the failure is there after it. */
    assert_int_equal(symbols.count, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id;
        size_t length = (size_t)snprintf(text, sizeof text, "symbol %u", i);
        assert_int_equal(msim_symbols_find(&symbols, text, length, &id), MSIM_OK);
        assert_int_equal(id, i);
    }
    msim_symbols_finish(&symbols);
    return r;
}

static void an_intern_without_memory_changes_nothing(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(intern_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_gets_the_next_number_once),
        cmocka_unit_test(the_table_is_full_at_its_limit),
        cmocka_unit_test(many_texts_keep_their_numbers),
        cmocka_unit_test(an_intern_without_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
