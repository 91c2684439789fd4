#include "made.h"

#include "base/random.h"

#define ROWS_MAX 6000
#define FILES_MAX 4

/* A row and its place among the rows of all files. */
struct placed {
    struct row row;
    uint64_t place;
};

/* Rows of several files with what a naive stable sort makes of them. */
struct bench {
    struct row rows[FILES_MAX][ROWS_MAX];
    size_t counts[FILES_MAX];
    size_t file_count;
    struct made files[FILES_MAX];
    struct placed sorted[FILES_MAX * ROWS_MAX];
    size_t sorted_count;
    struct msim_record records[FILES_MAX * ROWS_MAX];
};

static const char *const tickers[] = {"BTC@OKX", "ETH@OKX", "SOL@BYBIT", "XRP@BYBIT", NULL};

enum shape { SORTED, LATE, SHUFFLED, REVERSED, BLOCKS, EQUAL, SHAPES };

static int64_t time_of(enum shape shape, size_t i, size_t count, uint64_t dice)
{
    int64_t step = (int64_t)(i / 3);

    switch (shape) {
    case SORTED:
        return step;
    case LATE:
        return step + (int64_t)(dice % 40);
    case SHUFFLED:
        return (int64_t)(dice % (count / 2 + 1));
    case REVERSED:
        return (int64_t)count - step;
    case BLOCKS:
        return (int64_t)(i % (count / 5 + 1));
    default:
        return 7;
    }
}

static struct bench *make(uint64_t seed)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->file_count = 1 + (size_t)(msim_mix64(seed) % FILES_MAX);
    for (size_t file = 0; file < bench->file_count; file++) {
        uint64_t dice = msim_mix64(seed * 31 + file);
        enum shape shape = (enum shape)(dice % SHAPES);
        int64_t unit = dice >> 8 & 1 ? 1 : INT64_C(1) << (dice >> 9) % 48;
        bench->counts[file] = (size_t)(dice >> 16) % (seed % 4 == 0 ? ROWS_MAX : 300);
        for (size_t i = 0; i < bench->counts[file]; i++) {
            uint64_t own = msim_mix64(dice + i);
            bench->rows[file][i] = (struct row){
                .time = time_of(shape, i, bench->counts[file], own) * unit - unit * 20,
                .price = (int64_t)(own >> 1),
                .volume = (int64_t)i,
                .ticker = tickers[own % COUNT(tickers)],
            };
        }
        uint64_t groups[] = {1, 7, 100, 2048, 5000};
        uint64_t group_rows = groups[(dice >> 40) % (bench->counts[file] > 1000 ? 5 : 4)];
        bench->files[file] = made_trades(bench->rows[file], bench->counts[file],
                                         group_rows < 7 ? 7 : group_rows, MSIM_PARQUET_CODEC_NONE);
    }
    return bench;
}

static int by_time_and_place(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->row.time != y->row.time)
        return x->row.time < y->row.time ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static void sort(struct bench *bench)
{
    for (size_t file = 0; file < bench->file_count; file++) {
        for (size_t i = 0; i < bench->counts[file]; i++, bench->sorted_count++)
            bench->sorted[bench->sorted_count] =
                (struct placed){.row = bench->rows[file][i], .place = bench->sorted_count};
    }
    qsort(bench->sorted, bench->sorted_count, sizeof *bench->sorted, by_time_and_place);
}

static void finish(struct bench *bench)
{
    for (size_t i = 0; i < bench->file_count; i++)
        made_free(&bench->files[i]);
    free(bench);
}

/* With little memory there is none for a window, and the groups are asked one by one. */
#define LITTLE_MEMORY ((uint64_t)6 << 20)

static struct msim_parquet *open_bench_in(const struct bench *bench, uint64_t memory)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_bytes bytes[FILES_MAX];
    struct msim_parquet *parquet = NULL;

    for (size_t i = 0; i < bench->file_count; i++)
        bytes[i] = (struct msim_parquet_bytes){.bytes = bench->files[i].bytes,
                                               .length = bench->files[i].length};
    params.memory_bytes = memory;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, bytes, bench->file_count, NULL),
                     MSIM_OK);
    return parquet;
}

static struct msim_parquet *open_bench(const struct bench *bench)
{
    return open_bench_in(bench, 0);
}

static void assert_is_row(struct msim_source *source, const struct msim_record *record,
                          const struct placed *placed)
{
    const struct row *row = &placed->row;

    assert_true(record->time == row->time);
    assert_true(record->as.trade.row == placed->place);
    assert_true(record->as.trade.price == row->price);
    assert_true(record->as.trade.quantity == row->volume);
    assert_int_equal(record->kind, MSIM_RECORD_TRADE);
    assert_int_equal(record->flags, row->ticker ? 0 : MSIM_RECORD_NO_SYMBOL);
    if (row->ticker)
        assert_string_equal(msim_source_symbol(source, record->symbol, NULL), row->ticker);
}

/* Pulls to the end in pieces of an odd size; the source stays open. */
static size_t pull_all(struct msim_source *source, struct msim_record *records, size_t piece)
{
    size_t count = 0, given = 0;
    int r;

    for (;;) {
        msim_time due = msim_source_next_due(source);
        r = made_pull(source, records + count, piece, &given, NULL);
        if (r != MSIM_PULL_RECORD)
            break;
        assert_true(due == INT64_MIN || due == records[count].time);
        for (size_t i = 0; i < given; i++)
            assert_int_equal(records[count + i].sequence, count + i);
        count += given;
    }
    assert_int_equal(r, MSIM_PULL_END);
    assert_true(msim_source_next_due(source) == MSIM_TIME_NEVER);
    return count;
}

static void any_files_come_in_the_order_of_a_stable_sort(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct bench *bench = make(seed);
        struct msim_source source;
        sort(bench);
        struct msim_parquet *parquet = open_bench_in(bench, seed % 5 == 0 ? LITTLE_MEMORY : 0);
        assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
        size_t count = pull_all(&source, bench->records, 1 + seed % 70);
        assert_true(seed % 5 > 0 || parquet->windows == 0);
        assert_int_equal(count, bench->sorted_count);
        for (size_t i = 0; i < count; i++)
            assert_is_row(&source, &bench->records[i], &bench->sorted[i]);
        struct msim_parquet_info info;
        msim_parquet_info(parquet, &info);
        assert_int_equal(info.rows, count);
        assert_true(info.first == (count ? bench->sorted[0].row.time : MSIM_TIME_NEVER));
        assert_true(info.last == (count ? bench->sorted[count - 1].row.time : MSIM_TIME_NEVER));
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        finish(bench);
    }
}

static void a_part_of_the_time_is_what_the_whole_holds_there(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 225; seed++) {
        struct bench *bench = make(seed);
        struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_source source;
        sort(bench);
        struct msim_parquet *parquet = open_bench(bench);
        size_t n = bench->sorted_count;
        params.has_from = seed % 3 != 0;
        params.has_to = seed % 4 != 0;
        params.from = n > 0 ? bench->sorted[n / 4].row.time : -1;
        params.to = n > 0 ? bench->sorted[n - n / 4 - 1].row.time + 1 : 2;
        assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
        size_t count = pull_all(&source, bench->records, 50), at = 0;
        for (size_t i = 0; i < n; i++) {
            msim_time time = bench->sorted[i].row.time;
            if ((params.has_from && time < params.from) || (params.has_to && time >= params.to))
                continue;
            assert_true(at < count);
            assert_is_row(&source, &bench->records[at++], &bench->sorted[i]);
        }
        assert_int_equal(at, count);
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        finish(bench);
    }
}

static void tickers_are_chosen_by_pattern(void **state)
{
    (void)state;
    for (uint64_t seed = 300; seed < 315; seed++) {
        struct bench *bench = make(seed);
        const char *const wanted[] = {"*@BYBIT", "BTC?OKX"};
        struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_source source;
        sort(bench);
        struct msim_parquet *parquet = open_bench(bench);
        params.tickers = wanted;
        params.ticker_count = COUNT(wanted);
        assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
        size_t count = pull_all(&source, bench->records, 50), at = 0;
        for (size_t i = 0; i < bench->sorted_count; i++) {
            const char *ticker = bench->sorted[i].row.ticker;
            if (!ticker || strcmp(ticker, "ETH@OKX") == 0)
                continue;
            assert_true(at < count);
            assert_is_row(&source, &bench->records[at++], &bench->sorted[i]);
        }
        assert_int_equal(at, count);
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        finish(bench);
    }
}

static void symbols_are_numbered_as_they_appear(void **state)
{
    (void)state;
    const struct row rows[] = {{3, 1, 1, "C"}, {1, 1, 1, "A"}, {2, 1, 1, "B"}, {4, 1, 1, "A"}};
    struct made made = made_trades(rows, COUNT(rows), 0, MSIM_PARQUET_CODEC_NONE);
    struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record records[4];
    size_t length = 0;

    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(pull_all(&source, records, 4), 4);
    assert_int_equal(records[0].symbol, 0);
    assert_int_equal(records[1].symbol, 1);
    assert_int_equal(records[2].symbol, 2);
    assert_int_equal(records[3].symbol, 0);
    assert_string_equal(msim_source_symbol(&source, 0, &length), "A");
    assert_int_equal(length, 1);
    assert_string_equal(msim_source_symbol(&source, 2, NULL), "C");
    assert_null(msim_source_symbol(&source, 3, NULL));
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void cursors_of_one_data_set_do_not_know_each_other(void **state)
{
    (void)state;
    struct bench *bench = make(17);
    struct msim_parquet *parquet = open_bench(bench);
    struct msim_source first, second;
    struct msim_record record, other;
    size_t given;

    sort(bench);
    assert_int_equal(msim_parquet_source(&first, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&second, parquet, NULL, NULL), MSIM_OK);
    for (size_t i = 0; i < bench->sorted_count; i++) {
        assert_int_equal(made_pull(&first, &record, 1, &given, NULL), MSIM_PULL_RECORD);
        assert_is_row(&first, &record, &bench->sorted[i]);
        if (i % 3 > 0)
            continue;
        assert_int_equal(made_pull(&second, &other, 1, &given, NULL), MSIM_PULL_RECORD);
        assert_is_row(&second, &other, &bench->sorted[i / 3]);
    }
    msim_source_release(&second);
    assert_int_equal(made_pull(&first, &record, 1, &given, NULL), MSIM_PULL_END);
    msim_source_release(&first);
    msim_parquet_close(&parquet);
    finish(bench);
}

static void a_source_goes_on_where_it_is_moved_to(void **state)
{
    (void)state;
    for (uint64_t seed = 400; seed < 430; seed++) {
        struct bench *bench = make(seed);
        struct msim_parquet *parquet = open_bench(bench);
        struct msim_source source;
        struct msim_record record;
        size_t given = 0, sequence = 0;
        sort(bench);
        size_t n = bench->sorted_count;
        assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
        for (uint64_t move = 0; move < 12 && n > 0; move++) {
            uint64_t dice = msim_mix64(seed << 8 | move);
            msim_time to = bench->sorted[dice % n].row.time - (msim_time)(dice >> 40 & 1);
            size_t at = 0;
            while (bench->sorted[at].row.time < to)
                at++;
            assert_int_equal(msim_parquet_source_seek(&source, to, NULL), MSIM_OK);
            size_t end = move == 5 || n - at < 40 ? n : at + 40;
            for (; at < end; at++) {
                assert_int_equal(made_pull(&source, &record, 1, &given, NULL), MSIM_PULL_RECORD);
                assert_is_row(&source, &record, &bench->sorted[at]);
                assert_int_equal(record.sequence, sequence++);
            }
            if (at == n)
                assert_int_equal(made_pull(&source, &record, 1, &given, NULL), MSIM_PULL_END);
        }
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        finish(bench);
    }
}

static void no_move_leads_out_of_the_selection(void **state)
{
    (void)state;
    const struct row rows[] = {{1, 1, 1, "A"}, {2, 1, 1, "B"}, {3, 1, 1, "C"}, {4, 1, 1, "A"}};
    struct made made = made_trades(rows, COUNT(rows), 0, MSIM_PARQUET_CODEC_NONE);
    struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source, merged;
    struct msim_record records[4];
    size_t count = 0;

    part.has_from = part.has_to = true;
    part.from = 2;
    part.to = 4;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, &part, NULL), MSIM_OK);
    assert_int_equal(pull_all(&source, records, 4), 2);
    assert_int_equal(msim_parquet_source_seek(&source, 0, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, records, 4, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(count, 2);
    assert_int_equal(records[0].time, 2);
    assert_int_equal(records[0].symbol, 0);
    assert_int_equal(records[0].sequence, 2);
    assert_int_equal(msim_parquet_source_seek(&source, 9, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, records, 4, &count, NULL), MSIM_PULL_END);
    assert_int_equal(msim_source_merge(&merged, &source, 1, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source_seek(&merged, 0, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_parquet_source_seek(NULL, 0, NULL), MSIM_ERR_INVALID);
    msim_source_release(&merged);
    msim_parquet_close(&parquet);
    made_free(&made);
}

/* ---- memory and work ---- */

#define MANY 100000

/* One row group whose rows are not in order. */
static struct made make_unsorted(void)
{
    struct row *rows = calloc(MANY, sizeof *rows);

    assert_non_null(rows);
    for (size_t i = 0; i < MANY; i++)
        rows[i] = (struct row){.time = (int64_t)(msim_mix64(i) % 1000000), .ticker = "A"};
    struct made made = made_trades(rows, MANY, 0, MSIM_PARQUET_CODEC_NONE);
    free(rows);
    return made;
}

static void more_memory_than_may_be_used_is_refused_with_what_is_needed(void **state)
{
    (void)state;
    struct made made = make_unsorted();
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_record *records = calloc(MANY, sizeof *records);
    struct msim_detail detail = {{0}};
    size_t count = 0;

    assert_non_null(records);
    params.memory_bytes = 3 << 20;
    assert_int_equal(made_read(&made, &params, records, MANY, &count, &detail), MSIM_ERR_LIMIT);
    assert_int_equal(count, 0);
    assert_non_null(strstr(detail.text, "memory-0, row group 0: its rows are not in order of time, "
                                        "and sorting them takes 3 MiB more than the 3 MiB"));
    params.memory_bytes = 600 << 10;
    assert_int_equal(made_read(&made, &params, records, MANY, &count, &detail), MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "raise memory (--memory)"));
    params.memory_bytes = 64;
    assert_int_equal(made_read(&made, &params, records, MANY, &count, &detail), MSIM_ERR_LIMIT);
    params.memory_bytes = 7 << 20;
    assert_int_equal(made_read(&made, &params, records, MANY, &count, &detail), MSIM_PULL_END);
    assert_int_equal(count, MANY);
    free(records);
    made_free(&made);
}

static void what_one_cursor_has_sorted_the_others_use(void **state)
{
    enum { CURSORS = 20 };
    (void)state;
    struct made made = make_unsorted();
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source sources[CURSORS];
    struct msim_record first, other;
    size_t count = 0;

    /* Room for one of them to sort, and by far not for twenty. */
    params.memory_bytes = 8 << 20;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    for (int i = 0; i < CURSORS; i++) {
        assert_int_equal(msim_parquet_source(&sources[i], parquet, NULL, NULL), MSIM_OK);
        assert_int_equal(made_pull(&sources[i], &first, 1, &count, NULL), MSIM_PULL_RECORD);
    }
    /* Released in any order; the last one still has it all. */
    for (int i = 0; i < CURSORS - 1; i++)
        msim_source_release(&sources[i]);
    for (size_t i = 1; i < MANY; i++) {
        assert_int_equal(made_pull(&sources[CURSORS - 1], &other, 1, &count, NULL),
                         MSIM_PULL_RECORD);
        assert_true(other.time >= first.time);
        assert_string_equal(msim_source_symbol(&sources[CURSORS - 1], other.symbol, NULL), "A");
        first = other;
    }
    assert_int_equal(made_pull(&sources[CURSORS - 1], &other, 1, &count, NULL), MSIM_PULL_END);
    msim_source_release(&sources[CURSORS - 1]);
    msim_parquet_close(&parquet);
    made_free(&made);
}

/* Whoever is asked goes on with what one has begun, also when that one has left. */
static void cursors_load_a_group_together(void **state)
{
    enum { CURSORS = 20 };
    (void)state;
    struct made made = make_unsorted();
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source sources[CURSORS];
    struct msim_record record;
    size_t count = 0, empty = 0;

    params.memory_bytes = 8 << 20;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    for (int i = 0; i < CURSORS; i++)
        assert_int_equal(msim_parquet_source(&sources[i], parquet, NULL, NULL), MSIM_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(msim_source_pull(&sources[0], &record, 1, &count, NULL), MSIM_PULL_EMPTY);
    int r = msim_source_pull(&sources[1], &record, 1, &count, NULL);
    assert_int_equal(r, MSIM_PULL_EMPTY);
    msim_source_release(&sources[0]);
    for (int i = 2; r == MSIM_PULL_EMPTY; i = i + 1 < CURSORS ? i + 1 : 1, empty++)
        r = msim_source_pull(&sources[i], &record, 1, &count, NULL);
    assert_int_equal(r, MSIM_PULL_RECORD);
    /* One load in all, and not one for each. */
    assert_true(empty <= 4);
    for (int i = 1; i < CURSORS; i++) {
        assert_int_equal(made_pull(&sources[i], &record, 1, &count, NULL), MSIM_PULL_RECORD);
        msim_source_release(&sources[i]);
    }
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void what_cannot_be_loaded_fails_for_all_who_wait(void **state)
{
    (void)state;
    struct made made = make_unsorted();
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source sources[2];
    struct msim_record record;
    size_t count = 0;

    /* The last byte of the last page, which is the tickers'. */
    made.bytes[made.length - 9 - msim_load32(made.bytes + made.length - 8)] ^= 1;
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(msim_parquet_source(&sources[i], parquet, NULL, NULL), MSIM_OK);
        for (int pulls = 0; pulls < 2 - i; pulls++)
            assert_int_equal(msim_source_pull(&sources[i], &record, 1, &count, NULL),
                             MSIM_PULL_EMPTY);
    }
    for (int i = 0; i < 2; i++) {
        struct msim_detail detail = {{0}};
        assert_int_equal(made_pull(&sources[i], &record, 1, &count, &detail), MSIM_ERR_FORMAT);
        assert_non_null(strstr(detail.text, "row group 0, column ticker, page"));
    }
    for (int i = 0; i < 2; i++)
        msim_source_release(&sources[i]);
    msim_parquet_close(&parquet);
    made_free(&made);
}

/* What one has begun to compare with its statistics, the other finishes. */
static void cursors_leave_out_groups_together(void **state)
{
    enum { ROWS = 320000, GROUP = 100000 };
    struct row *rows = calloc(ROWS, sizeof *rows);
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source sources[2];
    struct msim_record record;
    size_t count = 0;

    (void)state;
    assert_non_null(rows);
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (struct row){.time = (msim_time)i, .ticker = "A"};
    struct made made = made_trades(rows, ROWS, GROUP, MSIM_PARQUET_CODEC_NONE);
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    part.has_from = true;
    part.from = ROWS - 10;
    for (int i = 0; i < 2; i++)
        assert_int_equal(msim_parquet_source(&sources[i], parquet, &part, NULL), MSIM_OK);
    int ended[2] = {0, 0};
    size_t given[2] = {0, 0};
    while (!ended[0] || !ended[1]) {
        for (int i = 0; i < 2; i++) {
            int r = msim_source_pull(&sources[i], &record, 1, &count, NULL);
            assert_true(r >= 0);
            given[i] += r == MSIM_PULL_RECORD;
            ended[i] = r == MSIM_PULL_END;
        }
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(given[i], 10);
        msim_source_release(&sources[i]);
    }
    msim_parquet_close(&parquet);
    made_free(&made);
    free(rows);
}

static void a_pull_does_a_bounded_amount_of_work(void **state)
{
    const char *const wanted[] = {"NONE"};
    (void)state;
    struct made made = make_unsorted();
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record record;
    size_t count = 0, empty = 0;
    int r;

    part.tickers = wanted;
    part.ticker_count = 1;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, &part, NULL), MSIM_OK);
    while ((r = msim_source_pull(&source, &record, 1, &count, NULL)) == MSIM_PULL_EMPTY) {
        assert_true(msim_source_next_due(&source) == INT64_MIN);
        empty++;
    }
    assert_int_equal(r, MSIM_PULL_END);
    /* Four passes over the rows: times, times again, the others, and what is given. */
    assert_true(empty >= 4 && empty <= 8);
    msim_source_release(&source);
    /* A release in the middle of the loading. */
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_source_pull(&source, &record, 1, &count, NULL), MSIM_PULL_EMPTY);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

/* Whether the row has no moment: every `each`th; or all but one in the middle and the last. */
static bool is_null_row(int64_t row, int64_t rows, int64_t each)
{
    return each > 0 ? row % each == 0 : row != rows / 2 && row != rows - 1;
}

/* Rows in order, some of which have no moment. */
static struct made made_with_nulls(int64_t rows, int64_t each)
{
    const struct msim_parquet_column columns[COLUMNS] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS, .nullable = true},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_INT64},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer =
        made_begin(&made, columns, COLUMNS, 0, MSIM_PARQUET_CODEC_NONE);

    for (int64_t i = 0; i < rows; i++) {
        const struct msim_parquet_value values[COLUMNS] = {
            [TIMESTAMP] = {.integer = i * 10, .is_null = is_null_row(i, rows, each)},
            [PRICE] = {.integer = i},
            [TICKER] = {.text = "A", .text_length = 1},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

/* In less memory than holding them takes, and without a disk. */
static void assert_streams(const struct made *made, int64_t rows, int64_t each, int64_t from,
                           bool ignore_statistics)
{
    const struct msim_parquet_bytes bytes = {.bytes = made->bytes, .length = made->length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params replay = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_detail detail = {{0}};
    struct msim_record record;
    size_t count = 0;

    params.skip_bad_rows = true;
    params.ignore_statistics = ignore_statistics;
    params.memory_bytes = (uint64_t)rows * 44;
    replay.has_from = from > 0;
    replay.from = from * 10;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, &detail), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, &replay, &detail), MSIM_OK);
    for (int64_t i = from; i < rows; i++) {
        if (i % each == 0)
            continue;
        if (made_pull(&source, &record, 1, &count, &detail) != MSIM_PULL_RECORD)
            fail_msg("row %lld: %s", (long long)i, detail.text);
        assert_true(record.time == i * 10 && record.as.trade.price == i &&
                    record.as.trade.row == (uint64_t)i);
    }
    if (made_pull(&source, &record, 1, &count, &detail) != MSIM_PULL_END)
        fail_msg("the end: %s", detail.text);
    /* Groups before `from` are not looked at. */
    assert_in_range(msim_parquet_bad_rows(&source), (rows - from) / each, (rows + each - 1) / each);
    if (from == 0)
        assert_int_equal(msim_parquet_bad_rows(&source), (rows + each - 1) / each);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

/* The times of the smaller one are kept between the two passes. */
static void rows_without_a_moment_do_not_keep_a_sorted_group_from_streaming(void **state)
{
    enum { ROWS = 300000 };

    (void)state;
    for (int64_t rows = ROWS / 2; rows <= ROWS; rows += ROWS / 2) {
        struct made made = made_with_nulls(rows, 7);
        for (int64_t from = 0; from < rows; from += rows / 3) {
            assert_streams(&made, rows, 7, from, false);
            assert_streams(&made, rows, 7, from, true);
        }
        made_free(&made);
    }
}

static void a_group_without_any_moment_is_passed_over(void **state)
{
    enum { ROWS = 300000 };
    struct made made = made_with_nulls(ROWS, 1);

    (void)state;
    assert_streams(&made, ROWS, 1, 0, false);
    assert_streams(&made, ROWS, 1, ROWS / 2, true);
    made_free(&made);
}

/* So many pulls without a trade come before the next thing. */
static size_t count_empty_pulls(struct msim_source *source, int expected,
                                struct msim_record *record)
{
    size_t empty = 0, count = 0;
    int r;

    while ((r = msim_source_pull(source, record, 1, &count, NULL)) == MSIM_PULL_EMPTY) {
        assert_true(msim_source_next_due(source) == INT64_MIN);
        empty++;
    }
    assert_int_equal(r, expected);
    return empty;
}

static void a_long_stretch_without_moments_is_passed_over_in_several_pulls(void **state)
{
    enum { ROWS = 600000 };
    struct made made = made_with_nulls(ROWS, 0);
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record record = {0};

    (void)state;
    params.skip_bad_rows = true;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    count_empty_pulls(&source, MSIM_PULL_RECORD, &record);
    assert_true(record.time == ROWS / 2 * 10);
    assert_in_range(count_empty_pulls(&source, MSIM_PULL_RECORD, &record), 3, 6);
    assert_true(record.time == (ROWS - 1) * 10);
    assert_int_equal(count_empty_pulls(&source, MSIM_PULL_END, &record), 0);
    assert_int_equal(msim_parquet_bad_rows(&source), ROWS - 2);
    /* Moved and released in the middle of it. */
    assert_int_equal(msim_parquet_source_seek(&source, 0, NULL), MSIM_OK);
    count_empty_pulls(&source, MSIM_PULL_RECORD, &record);
    size_t count = 0;
    assert_int_equal(msim_source_pull(&source, &record, 1, &count, NULL), MSIM_PULL_EMPTY);
    assert_int_equal(msim_parquet_source_seek(&source, ROWS * 10 - 20, NULL), MSIM_OK);
    count_empty_pulls(&source, MSIM_PULL_RECORD, &record);
    assert_true(record.time == (ROWS - 1) * 10);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_files_come_in_the_order_of_a_stable_sort),
        cmocka_unit_test(rows_without_a_moment_do_not_keep_a_sorted_group_from_streaming),
        cmocka_unit_test(a_group_without_any_moment_is_passed_over),
        cmocka_unit_test(a_part_of_the_time_is_what_the_whole_holds_there),
        cmocka_unit_test(tickers_are_chosen_by_pattern),
        cmocka_unit_test(symbols_are_numbered_as_they_appear),
        cmocka_unit_test(cursors_of_one_data_set_do_not_know_each_other),
        cmocka_unit_test(a_source_goes_on_where_it_is_moved_to),
        cmocka_unit_test(no_move_leads_out_of_the_selection),
        cmocka_unit_test(more_memory_than_may_be_used_is_refused_with_what_is_needed),
        cmocka_unit_test(what_one_cursor_has_sorted_the_others_use),
        cmocka_unit_test(cursors_load_a_group_together),
        cmocka_unit_test(what_cannot_be_loaded_fails_for_all_who_wait),
        cmocka_unit_test(cursors_leave_out_groups_together),
        cmocka_unit_test(a_pull_does_a_bounded_amount_of_work),
        cmocka_unit_test(a_long_stretch_without_moments_is_passed_over_in_several_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
