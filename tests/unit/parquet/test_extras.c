#include "disk.h"
#include "made.h"

#include <stdio.h>

#include "base/random.h"
#include "parquet/extra_store.h"

/* Files with columns beside the four, and what each trade must show of them. */
struct file_plan {
    size_t rows;
    uint64_t group_rows;
    int64_t spread; /* how far times are out of order */
    bool has_note;
};

enum { NUMBER = COLUMNS, RATIO, SENT, NOTE, ALL };

#define NOTES_SIZE 32

static void note_of(uint64_t dice, char out[NOTES_SIZE])
{
    snprintf(out, NOTES_SIZE, "%s\"%llu", dice % 3 ? "n" : "\xC3\xA9", (unsigned long long)dice);
}

static int64_t time_of(const struct file_plan *plan, size_t i)
{
    int64_t late = plan->spread > 0 ? (int64_t)(msim_mix64(i) % (uint64_t)plan->spread) : 0;

    return (int64_t)i + late;
}

static struct made make(const struct file_plan *plan)
{
    const struct msim_parquet_column columns[ALL] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_INT64},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
        [NUMBER] = {.name = "number", .type = MSIM_PARQUET_INT32, .nullable = true},
        [RATIO] = {.name = "ratio", .type = MSIM_PARQUET_DOUBLE},
        [SENT] = {.name = "sent", .type = MSIM_PARQUET_TIMESTAMP_US},
        [NOTE] = {.name = "note", .type = MSIM_PARQUET_STRING, .nullable = true},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer = made_begin(&made, columns, plan->has_note ? ALL : NOTE,
                                                    plan->group_rows, MSIM_PARQUET_CODEC_NONE);

    for (size_t i = 0; i < plan->rows; i++) {
        char note[NOTES_SIZE];
        note_of(msim_mix64(i), note);
        const struct msim_parquet_value values[ALL] = {
            [TIMESTAMP] = {.integer = time_of(plan, i)},
            [PRICE] = {.integer = (int64_t)i},
            [VOLUME] = {.integer = 1},
            [TICKER] = {.text = i % 2 ? "A" : "B", .text_length = 1},
            [NUMBER] = {.integer = -(int64_t)i, .is_null = i % 7 == 0},
            [RATIO] = {.number = (double)i / 4},
            [SENT] = {.integer = (int64_t)i * 1000},
            [NOTE] = {.text = note, .text_length = strlen(note), .is_null = i % 5 == 0},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

static struct msim_parquet *open_files(const struct made *files, size_t count, uint64_t memory)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_bytes bytes[4];
    struct msim_parquet *parquet = NULL;

    for (size_t i = 0; i < count; i++)
        bytes[i] = (struct msim_parquet_bytes){.bytes = files[i].bytes, .length = files[i].length};
    params.memory_bytes = memory;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, bytes, count, NULL), MSIM_OK);
    return parquet;
}

static void assert_text(const struct msim_extra *value, enum msim_extra_kind kind, const char *text)
{
    assert_int_equal(value->kind, kind);
    assert_int_equal(value->length, strlen(text));
    assert_memory_equal(value->text, text, value->length);
}

/* The price says which row of its file the trade was. */
static void assert_extras(struct msim_source *source, const struct msim_record *record,
                          bool has_note)
{
    struct msim_extra values[4];
    size_t i = (size_t)record->as.trade.price;
    char text[NOTES_SIZE];

    assert_int_equal(msim_source_extras(source, record, values), MSIM_OK);
    if (i % 7 == 0) {
        assert_int_equal(values[0].kind, MSIM_EXTRA_NULL);
    } else {
        snprintf(text, sizeof text, "%lld", -(long long)i);
        assert_text(&values[0], MSIM_EXTRA_BARE, text);
    }
    static const char *const quarters[] = {"0", "25", "5", "75"};
    snprintf(text, sizeof text, "%zu.%s", i / 4, quarters[i % 4]);
    assert_text(&values[1], MSIM_EXTRA_BARE, text);
    assert_int_equal(values[2].kind, MSIM_EXTRA_TIME);
    assert_true(values[2].time == (msim_time)i * 1000);
    note_of(msim_mix64(i), text);
    if (!has_note || i % 5 == 0)
        assert_int_equal(values[3].kind, MSIM_EXTRA_NULL);
    else
        assert_text(&values[3], MSIM_EXTRA_TEXT, text);
}

static size_t read_all(struct msim_source *source, uint64_t first_rows, size_t piece)
{
    struct msim_record records[MSIM_SOURCE_EXTRAS_KEPT];
    msim_time last = INT64_MIN;
    size_t total = 0, count = 0;
    int r;

    while ((r = made_pull(source, records, piece, &count, NULL)) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            assert_true(records[i].time >= last);
            assert_int_equal(records[i].sequence, total + i);
            last = records[i].time;
            assert_extras(source, &records[i], records[i].as.trade.row < first_rows);
        }
        total += count;
    }
    assert_int_equal(r, MSIM_PULL_END);
    return total;
}

static void each_trade_has_its_own_further_columns_whatever_the_order(void **state)
{
    const struct file_plan plans[] = {
        {.rows = 9000, .group_rows = 9000, .has_note = true},
        {.rows = 9000, .group_rows = 3000, .spread = 200, .has_note = true},
        {.rows = 20000, .group_rows = 20000, .spread = 20000, .has_note = true},
        {.rows = 5000, .group_rows = 700, .spread = 5000, .has_note = true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_source source;
        struct made made = make(&plans[i]);
        struct msim_parquet *parquet = open_files(&made, 1, 0);
        params.all_extra_columns = true;
        assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
        assert_int_equal(read_all(&source, plans[i].rows, 1 + 333 * i), plans[i].rows);
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        made_free(&made);
    }
}

static void little_memory_makes_it_slower_and_not_wrong(void **state)
{
    const struct file_plan plan = {.rows = 9000, .group_rows = 0, .spread = 9000, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_source source;

    (void)state;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 3 << 20);
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    assert_int_equal(read_all(&source, plan.rows, 100), plan.rows);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void what_a_file_lacks_is_null_where_all_columns_are_asked_for(void **state)
{
    const struct file_plan plans[] = {{.rows = 500, .has_note = true}, {.rows = 700}};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made files[] = {make(&plans[0]), make(&plans[1])};
    struct msim_parquet *parquet = open_files(files, 2, 0);
    const char *const names[] = {"note"};
    struct msim_detail detail = {{0}};
    struct msim_source source;

    (void)state;
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    assert_int_equal(read_all(&source, 500, 64), 1200);
    msim_source_release(&source);

    params.all_extra_columns = false;
    params.extra_columns = names;
    params.extra_column_count = 1;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_string_equal(detail.text, "memory-1: no column \"note\": name others, or all");
    msim_parquet_close(&parquet);
    made_free(&files[0]);
    made_free(&files[1]);
}

static void chosen_columns_come_in_the_order_of_their_names(void **state)
{
    const struct file_plan plan = {.rows = 10, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    const char *const names[] = {"note", "number"};
    struct msim_source source;
    struct msim_record record;
    struct msim_extra values[2];
    size_t count = 0;

    (void)state;
    params.extra_columns = names;
    params.extra_column_count = 2;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    const char *const *given = msim_source_extra_names(&source, &count);
    assert_int_equal(count, 2);
    assert_string_equal(given[0], "note");
    assert_string_equal(given[1], "number");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(msim_source_extras(&source, &record, values), MSIM_OK);
    assert_text(&values[1], MSIM_EXTRA_BARE, "-2");
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void names_that_cannot_be_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *names[2];
        size_t count;
        bool all;
        int result;
        const char *words;
    } cases[] = {
        {{"price"}, 1, false, MSIM_ERR_INVALID, "has a member of that name already"},
        {{"note", "note"}, 2, false, MSIM_ERR_INVALID, "\"note\" is named twice"},
        {{"number", "absent"}, 2, false, MSIM_ERR_NOT_FOUND, "memory-0: no column \"absent\""},
        {{"number"}, 1, true, MSIM_ERR_INVALID, "either named or all of them"},
        {{NULL}, 1, false, MSIM_ERR_INVALID, "further column 0 is NULL"},
    };
    const struct file_plan plan = {.rows = 10, .has_note = true};
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_detail detail = {{0}};
        struct msim_source source = {0};
        params.extra_columns = cases[i].names;
        params.extra_column_count = cases[i].count;
        params.all_extra_columns = cases[i].all;
        assert_int_equal(msim_parquet_source(&source, parquet, &params, &detail), cases[i].result);
        assert_non_null(strstr(detail.text, cases[i].words));
        assert_null(source.ops);
    }
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void only_the_last_trades_are_kept(void **state)
{
    const struct file_plan plan = {.rows = MSIM_SOURCE_EXTRAS_KEPT + 1, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    struct msim_record records[MSIM_SOURCE_EXTRAS_KEPT + 1];
    struct msim_extra values[4];
    struct msim_source source;
    size_t count = 0, total = 0;

    (void)state;
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    while (total < COUNT(records)) {
        assert_int_equal(made_pull(&source, records + total, COUNT(records) - total, &count, NULL),
                         MSIM_PULL_RECORD);
        total += count;
    }
    assert_int_equal(msim_source_extras(&source, &records[0], values), MSIM_ERR_NOT_FOUND);
    assert_extras(&source, &records[1], true);
    assert_extras(&source, &records[total - 1], true);
    records[0].sequence = total;
    assert_int_equal(msim_source_extras(&source, &records[0], values), MSIM_ERR_NOT_FOUND);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void a_source_that_was_moved_goes_on_with_the_right_ones(void **state)
{
    const struct file_plan plan = {.rows = 6000, .spread = 300, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    struct msim_record records[100];
    struct msim_source source;
    size_t count = 0;
    uint64_t next = 0;

    (void)state;
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    for (msim_time to = 5000; to >= 0; to -= 1250) {
        assert_int_equal(msim_parquet_source_seek(&source, to, NULL), MSIM_OK);
        for (int pulls = 0; pulls < 3; pulls++) {
            assert_int_equal(made_pull(&source, records, COUNT(records), &count, NULL),
                             MSIM_PULL_RECORD);
            for (size_t i = 0; i < count; i++) {
                assert_true(records[i].time >= to);
                assert_int_equal(records[i].sequence, next++);
                assert_extras(&source, &records[i], true);
            }
        }
    }
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void a_source_without_them_has_none(void **state)
{
    const struct file_plan plan = {.rows = 3, .has_note = true};
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    struct msim_source source;
    struct msim_record record;
    struct msim_extra value;
    size_t count = 7;

    (void)state;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_null(msim_source_extra_names(&source, &count));
    assert_int_equal(count, 0);
    assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(msim_source_extras(&source, &record, &value), MSIM_ERR_INVALID);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

/* ---- rows widely out of order, whose columns are sorted on disk ---- */

enum { STORED_ROWS = 30000 };

/* Prices are the places of rows: in the order in which the trades come. */
struct stored {
    struct made made;
    struct disk disk;
    int64_t *sorted;
};

static const struct file_plan stored_plan = {
    .rows = STORED_ROWS, .group_rows = 7000, .spread = 2 * STORED_ROWS, .has_note = true};

static int by_time_and_row(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    int64_t earlier = time_of(&stored_plan, (size_t)*x) - time_of(&stored_plan, (size_t)*y);

    return earlier != 0 ? (earlier > 0) - (earlier < 0) : (*x > *y) - (*x < *y);
}

static int make_stored(void **state)
{
    struct stored *stored = calloc(1, sizeof *stored);

    assert_non_null(stored);
    stored->made = make(&stored_plan);
    stored->sorted = calloc(STORED_ROWS, sizeof *stored->sorted);
    assert_non_null(stored->sorted);
    for (int64_t i = 0; i < STORED_ROWS; i++)
        stored->sorted[i] = i;
    qsort(stored->sorted, STORED_ROWS, sizeof *stored->sorted, by_time_and_row);
    *state = stored;
    return 0;
}

static int free_stored(void **state)
{
    struct stored *stored = *state;

    made_free(&stored->made);
    free(stored->sorted);
    free(stored);
    return 0;
}

static struct msim_parquet *open_stored(struct stored *stored, struct disk disk, uint64_t memory)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    const struct temporary temporary = {.ops = &disk_ops, .self = &stored->disk};
    const struct msim_parquet_bytes bytes = {.bytes = stored->made.bytes,
                                             .length = stored->made.length};
    struct msim_parquet *parquet = NULL;

    assert_int_equal(stored->disk.open, 0);
    stored->disk = disk;
    params.memory_bytes = memory;
    params.sources = 2;
    assert_int_equal(msim_parquet_open_spilling(&parquet, &params, &bytes, 1, temporary, NULL),
                     MSIM_OK);
    return parquet;
}

static struct msim_source source_with_all(struct msim_parquet *parquet)
{
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_source source;

    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    return source;
}

/* Up to `most` trades from place `at` of the order: how many there were, or why there were not. */
static int read_stored(const struct stored *stored, struct msim_source *source, size_t at,
                       size_t most, struct msim_detail *detail)
{
    struct msim_record records[200];
    size_t given = 0, total = 0;

    while (total < most) {
        size_t want = most - total < COUNT(records) ? most - total : COUNT(records);
        int r = made_pull(source, records, want, &given, detail);
        if (r != MSIM_PULL_RECORD)
            return r < 0 ? r : (int)total;
        for (size_t i = 0; i < given; i++) {
            assert_true(records[i].as.trade.price == stored->sorted[at + total + i]);
            assert_extras(source, &records[i], true);
        }
        total += given;
    }
    return (int)total;
}

static size_t pieces_of(const struct msim_parquet *parquet)
{
    size_t count = 0;

    for (const struct extra_store *store = parquet->extra_stores; store; store = store->next)
        count += store->piece_count;
    return count;
}

static void rows_out_of_order_have_their_columns_whatever_the_memory(void **state)
{
    const uint64_t memories[] = {256 << 20, 12 << 20, 6 << 20, 4 << 20};
    struct stored *stored = *state;

    for (size_t i = 0; i < COUNT(memories); i++) {
        struct msim_parquet *parquet = open_stored(stored, (struct disk){0}, memories[i]);
        struct msim_source source = source_with_all(parquet);
        assert_int_equal(read_stored(stored, &source, 0, SIZE_MAX, NULL), STORED_ROWS);
        /* Kept in memory where there is room. */
        assert_int_equal(pieces_of(parquet) > 2, i > 0);
        msim_source_release(&source);
        assert_true(parquet->budget.used <= parquet->budget.limit);
        msim_parquet_close(&parquet);
        assert_int_equal(stored->disk.open, 0);
    }
}

static void columns_are_sorted_once_for_all_sources(void **state)
{
    struct stored *stored = *state;
    struct msim_parquet *parquet = open_stored(stored, (struct disk){0}, 6 << 20);
    struct msim_source first = source_with_all(parquet);
    struct msim_source second = source_with_all(parquet);

    for (size_t at = 0; at < STORED_ROWS; at += 500) {
        assert_int_equal(read_stored(stored, &first, at, 500, NULL), 500);
        assert_int_equal(read_stored(stored, &second, at, 500, NULL), 500);
    }
    size_t created = stored->disk.created;
    size_t writes = stored->disk.writes;
    msim_source_release(&first);
    msim_source_release(&second);
    first = source_with_all(parquet);
    assert_int_equal(read_stored(stored, &first, 0, SIZE_MAX, NULL), STORED_ROWS);
    assert_int_equal(stored->disk.created, created);
    assert_int_equal(stored->disk.writes, writes);
    msim_source_release(&first);
    msim_parquet_close(&parquet);
    assert_int_equal(stored->disk.open, 0);
}

static void a_source_is_moved_within_sorted_columns(void **state)
{
    struct stored *stored = *state;
    struct msim_parquet *parquet = open_stored(stored, (struct disk){0}, 6 << 20);
    struct msim_source source = source_with_all(parquet);

    assert_int_equal(read_stored(stored, &source, 0, 5000, NULL), 5000);
    assert_true(pieces_of(parquet) > 2);
    for (uint64_t move = 0; move < 30; move++) {
        size_t at = msim_mix64(move) % (STORED_ROWS - 400);
        msim_time to = time_of(&stored_plan, (size_t)stored->sorted[at]);
        while (at > 0 && time_of(&stored_plan, (size_t)stored->sorted[at - 1]) == to)
            at--;
        assert_int_equal(msim_parquet_source_seek(&source, to, NULL), MSIM_OK);
        assert_int_equal(read_stored(stored, &source, at, 300, NULL), 300);
    }
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

/* What the disk does to sorted columns; the trades before are right. */
static int read_from(struct stored *stored, struct disk disk, struct msim_detail *detail)
{
    struct msim_parquet *parquet = open_stored(stored, disk, 6 << 20);
    struct msim_source source = source_with_all(parquet);

    int r = read_stored(stored, &source, 0, SIZE_MAX, detail);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    assert_int_equal(stored->disk.open, 0);
    return r;
}

static void what_a_disk_does_to_sorted_columns_is_told_and_cleared_up(void **state)
{
    struct stored *stored = *state;
    struct msim_detail detail = {{0}};

    assert_int_equal(read_from(stored, (struct disk){0}, &detail), STORED_ROWS);
    size_t writes = stored->disk.writes;
    size_t reads = stored->disk.reads;
    assert_true(writes > 10 && reads > 20);
    for (size_t i = 1; i <= writes; i += 7) {
        assert_int_equal(read_from(stored, (struct disk){.failing_write = i}, &detail),
                         MSIM_ERR_IO);
        assert_string_equal(detail.text, "no space left");
    }
    for (size_t i = 1; i <= reads; i += 1 + reads / 6) {
        assert_int_equal(read_from(stored, (struct disk){.failing_read = i}, &detail), MSIM_ERR_IO);
        assert_string_equal(detail.text, "cannot be read");
        assert_int_equal(read_from(stored, (struct disk){.spoilt_read = i}, &detail), MSIM_ERR_IO);
        assert_non_null(strstr(detail.text, "came back changed"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trade_has_its_own_further_columns_whatever_the_order),
        cmocka_unit_test(little_memory_makes_it_slower_and_not_wrong),
        cmocka_unit_test(what_a_file_lacks_is_null_where_all_columns_are_asked_for),
        cmocka_unit_test(chosen_columns_come_in_the_order_of_their_names),
        cmocka_unit_test(names_that_cannot_be_are_refused_with_the_reason),
        cmocka_unit_test(only_the_last_trades_are_kept),
        cmocka_unit_test(a_source_that_was_moved_goes_on_with_the_right_ones),
        cmocka_unit_test(a_source_without_them_has_none),
        cmocka_unit_test(rows_out_of_order_have_their_columns_whatever_the_memory),
        cmocka_unit_test(columns_are_sorted_once_for_all_sources),
        cmocka_unit_test(a_source_is_moved_within_sorted_columns),
        cmocka_unit_test(what_a_disk_does_to_sorted_columns_is_told_and_cleared_up),
    };
    return cmocka_run_group_tests(tests, make_stored, free_stored);
}
