#define _POSIX_C_SOURCE 200809L
#include "made.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <pthread.h>

#include "base/random.h"
#include "parquet/ahead.h"

#define ROWS 60000
#define GROUP_ROWS 7000

/* Rows of which a few are late, of many names: the second half has names of its own. */
static struct made make(uint64_t seed, int64_t lateness, enum msim_parquet_codec codec)
{
    struct row *rows = calloc(ROWS, sizeof *rows);
    char(*names)[12] = calloc(ROWS, sizeof *names);

    assert_non_null(rows);
    assert_non_null(names);
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t dice = msim_mix64(seed << 32 | i);
        snprintf(names[i], sizeof names[i], "S%u", (unsigned)(i / 100 + dice % 30));
        rows[i] = (struct row){.time = (int64_t)i / 3 - (int64_t)(dice >> 8) % (lateness + 1),
                               .price = (int64_t)(dice >> 20),
                               .volume = (int64_t)i,
                               .ticker = dice >> 60 ? names[i] : NULL};
    }
    struct made made = made_trades(rows, ROWS, GROUP_ROWS, codec);
    free(names);
    free(rows);
    return made;
}

/* The same data set twice: with a second thread and without. */
struct pair {
    struct msim_parquet *with;
    struct msim_parquet *without;
};

static struct pair open_pair(const struct made *files, size_t count, uint64_t memory)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_bytes bytes[4];
    struct pair pair = {0};

    for (size_t i = 0; i < count; i++)
        bytes[i] = (struct msim_parquet_bytes){.bytes = files[i].bytes, .length = files[i].length};
    params.memory_bytes = memory;
    params.skip_bad_rows = true;
    assert_int_equal(msim_parquet_open_memory(&pair.without, &params, bytes, count, NULL), MSIM_OK);
    params.decode_thread = true;
    assert_int_equal(msim_parquet_open_memory(&pair.with, &params, bytes, count, NULL), MSIM_OK);
    return pair;
}

static void close_pair(struct pair *pair)
{
    msim_parquet_close(&pair->with);
    msim_parquet_close(&pair->without);
}

/* Two cursors side by side. */
struct both {
    struct msim_source with;
    struct msim_source without;
};

static struct both open_both(const struct pair *pair,
                             const struct msim_parquet_source_params *params)
{
    struct both both = {0};

    assert_int_equal(msim_parquet_source(&both.with, pair->with, params, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&both.without, pair->without, params, NULL), MSIM_OK);
    return both;
}

static void release_both(struct both *both)
{
    msim_source_release(&both->with);
    msim_source_release(&both->without);
}

/* Exactly `count` trades, or up to the end, which is returned. */
static int pull_all(struct msim_source *source, struct msim_record *records, size_t count,
                    size_t *given, struct msim_detail *detail)
{
    int r = MSIM_PULL_RECORD;

    *given = 0;
    while (r == MSIM_PULL_RECORD && *given < count) {
        size_t more = 0;
        r = made_pull(source, records + *given, count - *given, &more, detail);
        *given += r == MSIM_PULL_RECORD ? more : 0;
    }
    return r;
}

/* The next `count` trades of both are equal to the byte; what came behind them. */
static int assert_same(struct both *both, size_t count)
{
    struct msim_record *with = calloc(count, sizeof *with);
    struct msim_record *without = calloc(count, sizeof *without);
    struct msim_detail words[2] = {{{0}}, {{0}}};
    size_t given[2];

    assert_non_null(with);
    assert_non_null(without);
    int r = pull_all(&both->with, with, count, &given[0], &words[0]);
    assert_int_equal(pull_all(&both->without, without, count, &given[1], &words[1]), r);
    assert_int_equal(given[0], given[1]);
    assert_memory_equal(with, without, given[0] * sizeof *with);
    assert_string_equal(words[0].text, words[1].text);
    for (size_t i = 0; i < given[0]; i++) {
        if (with[i].flags & MSIM_RECORD_NO_SYMBOL)
            continue;
        assert_string_equal(msim_source_symbol(&both->with, with[i].symbol, NULL),
                            msim_source_symbol(&both->without, with[i].symbol, NULL));
    }
    free(with);
    free(without);
    return r;
}

/* ---- the same trades ---- */

static void a_second_thread_changes_no_byte(void **state)
{
    static const char *const tickers[] = {"S1*"};
    const size_t pulls[] = {1, 100, MSIM_AHEAD_ROWS, 5000};

    (void)state;
    for (int64_t lateness = 0; lateness < 9000; lateness = lateness * 30 + 10) {
        struct made files[] = {make(1, lateness, MSIM_PARQUET_CODEC_NONE),
                               make(2, lateness, MSIM_PARQUET_CODEC_NONE)};
        struct pair pair = open_pair(files, COUNT(files), 0);
        for (size_t i = 0; i < COUNT(pulls); i++) {
            struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
            params.tickers = tickers;
            params.ticker_count = i % 2;
            params.has_from = i >= 2;
            params.from = 3000;
            struct both both = open_both(&pair, &params);
            while (assert_same(&both, pulls[i] > 1 ? pulls[i] : 17) == MSIM_PULL_RECORD)
                ;
            assert_int_equal(msim_source_next_due(&both.with), MSIM_TIME_NEVER);
            assert_int_equal(msim_parquet_bad_rows(&both.with),
                             msim_parquet_bad_rows(&both.without));
            release_both(&both);
        }
        close_pair(&pair);
        made_free(&files[0]);
        made_free(&files[1]);
    }
}

static void sources_that_share_a_thread_do_not_know_each_other(void **state)
{
    enum { SOURCES = 12 };
    struct made made = make(3, 500, MSIM_PARQUET_CODEC_NONE);
    struct pair pair = open_pair(&made, 1, 0);
    struct both sources[SOURCES];

    (void)state;
    for (size_t i = 0; i < SOURCES; i++)
        sources[i] = open_both(&pair, NULL);
    for (uint64_t turn = 0; turn < 300; turn++) {
        uint64_t dice = msim_mix64(turn);
        size_t one = dice % SOURCES;
        assert_true(assert_same(&sources[one], 1 + (dice >> 32) % 900) >= 0);
        if (dice >> 59 == 0) {
            release_both(&sources[one]);
            sources[one] = open_both(&pair, NULL);
        }
    }
    for (size_t i = 0; i < SOURCES; i++)
        release_both(&sources[i]);
    close_pair(&pair);
    made_free(&made);
}

static void what_is_moved_goes_on_as_without_a_thread(void **state)
{
    struct made made = make(4, 2000, MSIM_PARQUET_CODEC_NONE);
    struct pair pair = open_pair(&made, 1, 0);
    struct both both = open_both(&pair, NULL);

    (void)state;
    for (uint64_t move = 0; move < 120; move++) {
        uint64_t dice = msim_mix64(move);
        msim_time to = (msim_time)(dice % (ROWS / 3 + 100));
        assert_true(assert_same(&both, 1 + (dice >> 40) % 3000) >= 0);
        assert_int_equal(msim_parquet_source_seek(&both.with, to, NULL), MSIM_OK);
        assert_int_equal(msim_parquet_source_seek(&both.without, to, NULL), MSIM_OK);
    }
    assert_int_equal(assert_same(&both, ROWS), MSIM_PULL_END);
    release_both(&both);
    close_pair(&pair);
    made_free(&made);
}

static void little_memory_leaves_the_work_to_the_caller(void **state)
{
    struct made made = make(5, 0, MSIM_PARQUET_CODEC_NONE);
    struct pair pair = open_pair(&made, 1, 1 << 20);
    struct both both = open_both(&pair, NULL);

    (void)state;
    assert_int_equal(assert_same(&both, ROWS + 1), MSIM_PULL_END);
    release_both(&both);
    close_pair(&pair);
    made_free(&made);
}

/* In order of time, with the row's number in a column of its own. */
static struct made make_noted(void)
{
    const struct msim_parquet_column columns[COLUMNS + 1] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_INT64},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
        [COLUMNS] = {.name = "note", .type = MSIM_PARQUET_INT64},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer =
        made_begin(&made, columns, COUNT(columns), GROUP_ROWS, MSIM_PARQUET_CODEC_NONE);

    for (int64_t i = 0; i < ROWS; i++) {
        const struct msim_parquet_value values[COLUMNS + 1] = {
            [TIMESTAMP] = {.integer = i},
            [TICKER] = {.text = i % 2 ? "A" : "B", .text_length = 1},
            [COLUMNS] = {.integer = i},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

static void further_columns_come_beside_the_same_trades(void **state)
{
    static const char *const columns[] = {"note"};
    struct made made = make_noted();
    struct pair pair = open_pair(&made, 1, 0);
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_record record;
    struct msim_extra value;
    size_t given = 0;
    size_t count = 0;

    (void)state;
    params.extra_columns = columns;
    params.extra_column_count = COUNT(columns);
    struct both both = open_both(&pair, &params);
    /* Another source keeps the thread busy. */
    struct both beside = open_both(&pair, NULL);
    for (uint64_t row = 0; row < 3000; row++) {
        char text[24];
        assert_int_equal(made_pull(&both.with, &record, 1, &given, NULL), MSIM_PULL_RECORD);
        assert_int_equal(msim_source_extras(&both.with, &record, &value), MSIM_OK);
        snprintf(text, sizeof text, "%lld", (long long)record.as.trade.row);
        assert_int_equal(value.length, strlen(text));
        assert_memory_equal(value.text, text, value.length);
        if (row % 40 == 0)
            assert_int_equal(assert_same(&beside, 50), MSIM_PULL_RECORD);
    }
    assert_string_equal(msim_source_extra_names(&both.with, &count)[0], "note");
    assert_int_equal(count, 1);
    assert_null(msim_source_extra_names(&beside.with, &count));
    release_both(&beside);
    release_both(&both);
    close_pair(&pair);
    made_free(&made);
}

/* ---- failures ---- */

static void a_failure_is_told_at_its_place(void **state)
{
    struct made made = make(7, 0, MSIM_PARQUET_CODEC_NONE);
    struct msim_detail words = {{0}};

    (void)state;
    /* In the pages of a group far behind the beginning. */
    made.bytes[made.length / 2] ^= 0x55;
    struct pair pair = open_pair(&made, 1, 0);
    struct both both = open_both(&pair, NULL);
    assert_int_equal(assert_same(&both, 10), MSIM_PULL_RECORD);
    int r = assert_same(&both, ROWS + 1);
    assert_int_equal(r, MSIM_ERR_FORMAT);
    /* It is final. */
    assert_int_equal(assert_same(&both, 1), MSIM_ERR_FORMAT);
    assert_int_equal(msim_source_next_due(&both.with), INT64_MIN);
    assert_int_equal(msim_parquet_source_seek(&both.with, 0, &words), MSIM_ERR_FORMAT);
    assert_true(strlen(words.text) > 0);
    release_both(&both);
    close_pair(&pair);
    made_free(&made);
}

static void a_failure_that_nobody_has_met_does_not_keep_a_source_from_moving(void **state)
{
    struct made made = make(8, 0, MSIM_PARQUET_CODEC_NONE);

    (void)state;
    /* Behind trades that fit into what is read ahead. */
    made.bytes[made.length / 4] ^= 0x55;
    struct pair pair = open_pair(&made, 1, 0);
    struct both both = open_both(&pair, NULL);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(assert_same(&both, 7000), MSIM_PULL_RECORD);
        assert_int_equal(msim_parquet_source_seek(&both.with, 0, NULL), MSIM_OK);
        assert_int_equal(msim_parquet_source_seek(&both.without, 0, NULL), MSIM_OK);
    }
    release_both(&both);
    close_pair(&pair);
    made_free(&made);
}

/* ---- the thread ---- */

static volatile sig_atomic_t taken_here;
static pthread_t here;

static void take_signal(int number)
{
    (void)number;
    taken_here = pthread_equal(pthread_self(), here) ? 1 : -1;
}

static void signals_come_to_the_host_s_own_threads(void **state)
{
    struct made made = make(9, 0, MSIM_PARQUET_CODEC_NONE);
    struct pair pair = open_pair(&made, 1, 0);
    struct both both = open_both(&pair, NULL);
    struct sigaction action = {.sa_handler = take_signal};
    struct sigaction before;
    sigset_t one, mask;

    (void)state;
    here = pthread_self();
    assert_int_equal(assert_same(&both, 100), MSIM_PULL_RECORD);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &one, &mask), 0);
    /* It could be taken by the other thread alone. */
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(assert_same(&both, ROWS), MSIM_PULL_END);
    assert_int_equal(taken_here, 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
    assert_int_equal(taken_here, 1);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    release_both(&both);
    close_pair(&pair);
    made_free(&made);
}

static void a_data_set_is_closed_while_its_thread_has_never_begun(void **state)
{
    struct made made = make(10, 0, MSIM_PARQUET_CODEC_NONE);
    struct pair pair = open_pair(&made, 1, 0);
    struct both both = open_both(&pair, NULL);

    (void)state;
    release_both(&both);
    close_pair(&pair);
    assert_null(pair.with);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_thread_changes_no_byte),
        cmocka_unit_test(sources_that_share_a_thread_do_not_know_each_other),
        cmocka_unit_test(what_is_moved_goes_on_as_without_a_thread),
        cmocka_unit_test(little_memory_leaves_the_work_to_the_caller),
        cmocka_unit_test(further_columns_come_beside_the_same_trades),
        cmocka_unit_test(a_failure_is_told_at_its_place),
        cmocka_unit_test(a_failure_that_nobody_has_met_does_not_keep_a_source_from_moving),
        cmocka_unit_test(signals_come_to_the_host_s_own_threads),
        cmocka_unit_test(a_data_set_is_closed_while_its_thread_has_never_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
