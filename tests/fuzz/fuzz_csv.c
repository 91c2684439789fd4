/*
 * Any bytes as a table of trades or of market data, in steps that the first byte says: rows, JSON
 * and what is wrong must be the same as from one piece, and the JSON be JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/dashboard/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static struct msim_table *read_table(enum msim_table_kind kind, const uint8_t *text, size_t length,
                                     size_t step, int *result)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_table *table = msim_table_create(kind, &allocator);

    must(table != NULL);
    *result = MSIM_OK;
    for (size_t at = 0; at < length && *result >= 0; at += step)
        *result = msim_table_feed(table, text + at, length - at < step ? length - at : step);
    if (*result >= 0)
        *result = msim_table_end(table);
    return table;
}

/* [rows], and each row an object of as many members as there are columns or fewer. */
static void check_json(const struct msim_table *table)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    const struct msim_json_limits limits = {.max_bytes = SIZE_MAX / 2,
                                            .duplicates = MSIM_JSON_DUPLICATES_LAST_WINS};
    size_t length = msim_bytes_length(&table->json);
    char *text = malloc(length + 2);
    size_t rows = 0;
    int r;

    must(text != NULL);
    text[0] = '[';
    memcpy(text + 1, msim_bytes_front(&table->json), length);
    text[length + 1] = ']';
    msim_json_init(&reader, text, length + 2, &limits);
    while ((r = msim_json_next(&reader, &token)) > MSIM_JSON_END)
        rows += r == MSIM_JSON_OBJECT;
    must(r == MSIM_JSON_END && rows == table->row_count);
    free(text);
}

static void check_rows(const struct msim_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct msim_table_row *row = &table->rows[i];
        must(row->json + row->json_length <= msim_bytes_length(&table->json));
        must(msim_bytes_front(&table->json)[row->json] == '{');
        for (int pick = 0; pick < MSIM_PICKS; pick++) {
            size_t length;
            const char *text = msim_table_picked(table, row, (enum msim_table_pick)pick, &length);
            const char *picks = (const char *)msim_bytes_front(&table->picks);
            must(length == 0 ||
                 (text >= picks && text + length <= picks + msim_bytes_length(&table->picks)));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_detail words = {""};
    struct msim_detail same_words = {""};
    int result;
    int same;

    if (size < 1)
        return 0;
    enum msim_table_kind kind = data[0] & 1 ? MSIM_TABLE_MARKET : MSIM_TABLE_TRADES;
    struct msim_table *whole = read_table(kind, data + 1, size - 1, size, &result);
    struct msim_table *cut = read_table(kind, data + 1, size - 1, data[0] / 2 % 16 + 1u, &same);

    must(result == same);
    if (result < 0) {
        msim_table_explain(whole, result, &words);
        msim_table_explain(cut, same, &same_words);
        must(words.text[0] != '\0' && strcmp(words.text, same_words.text) == 0);
    } else {
        size_t length = msim_bytes_length(&whole->json);
        must(length == msim_bytes_length(&cut->json) &&
             memcmp(msim_bytes_front(&whole->json), msim_bytes_front(&cut->json), length) == 0);
        check_json(whole);
        check_rows(whole);
    }
    msim_table_destroy(&whole);
    msim_table_destroy(&cut);
    return 0;
}
