/*
 * An Arrow stream of any length and in no order, which does not fit in memory: sorted in a folder.
 */
#define _POSIX_C_SOURCE 200809L

#include "made.h"

#include <stdio.h>
#include <unistd.h>

#include <marketsim/arrow.h>

#include "base/random.h"

#define BATCH_ROWS 1000
#define COLUMN_COUNT 4
#define ROWS 400000

/* Gives batches out of buffers of its own: those of a batch are gone with the next one. */
struct stream {
    uint64_t given;
    int64_t times[BATCH_ROWS];
    int64_t numbers[BATCH_ROWS];
    int32_t offsets[BATCH_ROWS + 1];
    char letters[BATCH_ROWS];
    const void *fixed[3][2];
    const void *texts[3];
    const void *none[1];
    struct ArrowArray arrays[COLUMN_COUNT];
    struct ArrowArray *children[COLUMN_COUNT];
    struct ArrowSchema schemas[COLUMN_COUNT];
    struct ArrowSchema *columns[COLUMN_COUNT];
};

static int64_t time_of(uint64_t row)
{
    return (int64_t)(msim_mix64(row) % (ROWS / 4));
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static const char *last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    static const char *const shapes[COLUMN_COUNT][2] = {
        {"tsn:", "timestamp"}, {"l", "price"}, {"l", "volume"}, {"u", "ticker"}};
    struct stream *self = stream->private_data;

    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        self->schemas[i] = (struct ArrowSchema){
            .format = shapes[i][0], .name = shapes[i][1], .release = release_schema};
        self->columns[i] = &self->schemas[i];
    }
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = COLUMN_COUNT,
                                .children = self->columns,
                                .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream *self = stream->private_data;

    *out = (struct ArrowArray){0};
    if (self->given == ROWS)
        return 0;
    for (size_t i = 0; i < BATCH_ROWS; i++) {
        self->times[i] = time_of(self->given + i);
        self->numbers[i] = (int64_t)(self->given + i);
        self->offsets[i + 1] = (int32_t)i + 1;
        self->letters[i] = (char)('A' + (self->given + i) % 26);
    }
    self->given += BATCH_ROWS;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        bool is_text = i == COLUMN_COUNT - 1;
        if (!is_text)
            self->fixed[i][1] = i == 0 ? self->times : self->numbers;
        self->arrays[i] = (struct ArrowArray){.length = BATCH_ROWS,
                                              .n_buffers = is_text ? 3 : 2,
                                              .buffers = is_text ? self->texts : self->fixed[i],
                                              .release = release_array};
        self->children[i] = &self->arrays[i];
    }
    self->texts[1] = self->offsets;
    self->texts[2] = self->letters;
    *out = (struct ArrowArray){.length = BATCH_ROWS,
                               .n_buffers = 1,
                               .buffers = self->none,
                               .n_children = COLUMN_COUNT,
                               .children = self->children,
                               .release = release_array};
    return 0;
}

static int by_time_and_row(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    if (time_of(x) != time_of(y))
        return time_of(x) < time_of(y) ? -1 : 1;
    return (x > y) - (x < y);
}

struct bench {
    struct stream self;
    struct ArrowArrayStream stream;
    struct msim_source_arrow_params params;
    struct msim_source source;
    struct msim_detail detail;
    char folder[64];
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    const struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;

    if (!bench)
        return -1;
    bench->stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                              .get_next = get_next,
                                              .get_last_error = last_error,
                                              .release = release_stream,
                                              .private_data = &bench->self};
    bench->params = params;
    bench->params.sort = true;
    bench->params.memory_bytes = 4 << 20;
    snprintf(bench->folder, sizeof bench->folder, "/tmp/msim-arrow-XXXXXX");
    *state = bench;
    return mkdtemp(bench->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_source_release(&bench->source);
    if (bench->stream.release)
        bench->stream.release(&bench->stream);
    int r = rmdir(bench->folder); /* nothing is left behind */
    free(bench);
    return r;
}

static int open_source(struct bench *bench)
{
    return msim_source_from_arrow(&bench->source, &bench->stream, &bench->params, &bench->detail);
}

static void a_stream_beyond_the_memory_is_sorted_in_a_folder(void **state)
{
    struct bench *bench = *state;
    uint64_t *sorted = calloc(ROWS, sizeof *sorted);
    struct msim_record records[512];
    size_t count = 0, total = 0;
    int r;

    assert_non_null(sorted);
    for (uint64_t row = 0; row < ROWS; row++)
        sorted[row] = row;
    qsort(sorted, ROWS, sizeof *sorted, by_time_and_row);
    bench->params.temp_directory = bench->folder;
    if (open_source(bench) < 0)
        fail_msg("%s", bench->detail.text);
    while ((r = made_pull(&bench->source, records, COUNT(records), &count, &bench->detail)) ==
           MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++, total++) {
            const char letter[] = {(char)('A' + sorted[total] % 26), '\0'};
            assert_true(records[i].as.trade.row == sorted[total]);
            assert_true(records[i].time == time_of(sorted[total]));
            assert_true(records[i].as.trade.price == (int64_t)sorted[total]);
            assert_string_equal(msim_source_symbol(&bench->source, records[i].symbol, NULL),
                                letter);
        }
    }
    assert_int_equal(r, MSIM_PULL_END);
    assert_int_equal(total, ROWS);
    free(sorted);
}

static void without_a_folder_it_is_refused_with_the_remedy(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(open_source(bench), MSIM_ERR_LIMIT);
    assert_non_null(strstr(bench->detail.text, "raise memory"));
    assert_non_null(bench->stream.release);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct bench *bench = *state;

    bench->params.temp_directory = "/tmp/msim-arrow-nowhere/at/all";
    assert_true(open_source(bench) < 0);
    assert_non_null(strstr(bench->detail.text, "/tmp/msim-arrow-nowhere/at/all"));
    assert_non_null(bench->stream.release);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_beyond_the_memory_is_sorted_in_a_folder),
        TEST(without_a_folder_it_is_refused_with_the_remedy),
        TEST(a_folder_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
