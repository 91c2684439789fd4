#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/arrow.h>

/* ---- a stream made by hand ---- */

#define BATCHES 4
#define FIELDS 5

/* A column of a batch as the test writes it down. */
struct shape {
    const char *format;
    const char *name;
    const void *buffers[6];
    int64_t buffer_count;
    int64_t length;
    int64_t offset;
    int64_t nulls;
    const struct shape *dictionary;
};

struct script {
    const char *format; /* of the whole; NULL: "+s" */
    struct shape columns[BATCHES][FIELDS];
    size_t column_count;
    int64_t lengths[BATCHES];
    int64_t offset; /* of each batch */
    const uint8_t *present;
    size_t batch_count;
    int fails_at; /* the batch whose get_next fails; -1: none */
    size_t next;
    int batches_out; /* given and not released */
    int schemas_out;
    int released;
};

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        free(array->children[i]->dictionary);
        free(array->children[i]);
    }
    free(array->children);
    ((struct script *)array->private_data)->batches_out--;
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        free(schema->children[i]->dictionary);
        free(schema->children[i]);
    }
    free(schema->children);
    ((struct script *)schema->private_data)->schemas_out--;
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct script *script = stream->private_data;

    *out = (struct ArrowSchema){.format = script->format ? script->format : "+s",
                                .name = "",
                                .n_children = (int64_t)script->column_count,
                                .release = release_schema,
                                .private_data = script};
    out->children = calloc(FIELDS, sizeof *out->children);
    for (size_t i = 0; i < script->column_count; i++) {
        const struct shape *shape = &script->columns[0][i];
        out->children[i] = calloc(1, sizeof *out->children[i]);
        *out->children[i] = (struct ArrowSchema){.format = shape->format, .name = shape->name};
        if (!shape->dictionary)
            continue;
        out->children[i]->dictionary = calloc(1, sizeof *out);
        out->children[i]->dictionary->format = shape->dictionary->format;
    }
    script->schemas_out++;
    return 0;
}

static void set_array(struct ArrowArray *array, const struct shape *shape)
{
    *array = (struct ArrowArray){.length = shape->length,
                                 .null_count = shape->nulls,
                                 .offset = shape->offset,
                                 .n_buffers = shape->buffer_count,
                                 .buffers = (const void **)(uintptr_t)shape->buffers};
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct script *script = stream->private_data;

    /* The one before was released: that is the order that the source promises. */
    assert_int_equal(script->batches_out, 0);
    *out = (struct ArrowArray){0};
    if ((int)script->next == script->fails_at)
        return 5;
    if (script->next == script->batch_count)
        return 0;
    size_t batch = script->next++;
    *out = (struct ArrowArray){.length = script->lengths[batch],
                               .offset = script->offset,
                               .n_buffers = 1,
                               .n_children = (int64_t)script->column_count,
                               .buffers = (const void **)(uintptr_t)&script->present,
                               .release = release_array,
                               .private_data = script};
    out->children = calloc(FIELDS, sizeof *out->children);
    for (size_t i = 0; i < script->column_count; i++) {
        const struct shape *shape = &script->columns[batch][i];
        out->children[i] = calloc(1, sizeof *out->children[i]);
        set_array(out->children[i], shape);
        if (!shape->dictionary)
            continue;
        out->children[i]->dictionary = calloc(1, sizeof *out);
        set_array(out->children[i]->dictionary, shape->dictionary);
    }
    script->batches_out++;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the disk is on fire";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct script *script = stream->private_data;

    script->released++;
    stream->release = NULL;
}

static struct ArrowArrayStream stream_of(struct script *script)
{
    return (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = script};
}

/* ---- what is in it ---- */

static const int64_t micros[] = {1, 2, 2, 3, 5, 8};
static const double prices[] = {1.5, 0.1, 100, 2.25, -3, 7};
static const int32_t volumes[] = {1, 2, 3, 4, 5, 6};
static const int32_t name_ends[] = {0, 1, 2, 2, 7, 8, 9};
static const char name_text[] = "ABGamma"
                                "DE";

#define PLAIN(FORMAT, NAME, DATA, COUNT)                                            \
    {                                                                               \
        .format = FORMAT, .name = NAME, .buffers = {NULL, DATA}, .buffer_count = 2, \
        .length = COUNT                                                             \
    }
#define TEXTS(NAME, COUNT)                                                                       \
    {                                                                                            \
        .format = "u", .name = NAME, .buffers = {NULL, name_ends, name_text}, .buffer_count = 3, \
        .length = COUNT                                                                          \
    }

static struct script usual(void)
{
    return (struct script){
        .columns = {{PLAIN("tsu:UTC", "timestamp", micros, 6), PLAIN("g", "price", prices, 6),
                     PLAIN("i", "volume", volumes, 6), TEXTS("ticker", 6)}},
        .column_count = 4,
        .lengths = {6},
        .batch_count = 1,
        .fails_at = -1,
    };
}

static int pull(struct msim_source *source, struct msim_record *records, size_t capacity,
                size_t *count, struct msim_detail *detail)
{
    int r;

    do
        r = msim_source_pull(source, records, capacity, count, detail);
    while (r == MSIM_PULL_EMPTY);
    return r;
}

/* The trades as lines, or the failure's words behind them. */
static void print_all(struct script *script, const struct msim_source_arrow_params *params,
                      char *out, size_t size)
{
    struct ArrowArrayStream stream = stream_of(script);
    struct msim_source source = {0};
    struct msim_detail detail = {{0}};
    struct msim_record record;
    size_t count = 0, at = 0;

    out[0] = '\0';
    int r = msim_source_from_arrow(&source, &stream, params, &detail);
    assert_true((stream.release == NULL) == (r >= 0));
    if (r < 0)
        stream.release(&stream);
    while (r >= 0 && (r = pull(&source, &record, 1, &count, &detail)) == MSIM_PULL_RECORD) {
        bool named = !(record.flags & MSIM_RECORD_NO_SYMBOL);
        const char *name = named ? msim_source_symbol(&source, record.symbol, NULL) : "-";
        at += msim_record_print(&record, name, out + at, size - at);
        at += (size_t)snprintf(out + at, size - at, "%s row %d\n",
                               record.flags & MSIM_RECORD_NO_PRICE ? " no price" : "",
                               (int)record.as.trade.row);
    }
    if (r < 0)
        snprintf(out + at, size - at, "%s\n", detail.text);
    msim_source_release(&source);
    assert_int_equal(script->released, 1);
    assert_int_equal(script->batches_out, 0);
    assert_int_equal(script->schemas_out, 0);
}

static void assert_gives_with(struct script script, const struct msim_source_arrow_params *params,
                              const char *expected)
{
    char lines[2048];

    print_all(&script, params, lines, sizeof lines);
    assert_string_equal(lines, expected);
}

static void assert_gives(struct script script, const char *expected)
{
    assert_gives_with(script, NULL, expected);
}

static void assert_says(struct script script, const char *words)
{
    char lines[2048];

    print_all(&script, NULL, lines, sizeof lines);
    if (!strstr(lines, words))
        fail_msg("\"%s\" is not in: %s", words, lines);
}

/* ---- the tests ---- */

static void a_batch_becomes_trades(void **state)
{
    (void)state;
    assert_gives(usual(), "1970-01-01 00:00:00.000001 trade A 1.5 x 1 row 0\n"
                          "1970-01-01 00:00:00.000002 trade B 0.1 x 2 row 1\n"
                          "1970-01-01 00:00:00.000002 trade  100 x 3 row 2\n"
                          "1970-01-01 00:00:00.000003 trade Gamma 2.25 x 4 row 3\n"
                          "1970-01-01 00:00:00.000005 trade D -3 x 5 row 4\n"
                          "1970-01-01 00:00:00.000008 trade E 7 x 6 row 5\n");
}

static void slices_are_counted_from_their_offsets(void **state)
{
    struct script script = usual();

    (void)state;
    script.offset = 1;
    script.lengths[0] = 2;
    for (size_t i = 0; i < 4; i++) {
        script.columns[0][i].offset = 2;
        script.columns[0][i].length = 3;
    }
    assert_gives(script, "1970-01-01 00:00:00.000003 trade Gamma 2.25 x 4 row 0\n"
                         "1970-01-01 00:00:00.000005 trade D -3 x 5 row 1\n");
    script.lengths[0] = 3;
    assert_says(script, "record batch 0, column timestamp: damaged: it is shorter than its batch");
}

static void nulls_are_null_wherever_they_stand(void **state)
{
    static const uint8_t some[] = {0x2D}; /* 0, 2, 3 and 5 */
    struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;
    struct script script = usual();

    (void)state;
    script.columns[0][1].buffers[0] = script.columns[0][3].buffers[0] = some;
    script.columns[0][1].nulls = 2;
    script.columns[0][3].nulls = -1;
    assert_gives(script, "1970-01-01 00:00:00.000001 trade A 1.5 x 1 row 0\n"
                         "1970-01-01 00:00:00.000002 trade - null x 2 no price row 1\n"
                         "1970-01-01 00:00:00.000002 trade  100 x 3 row 2\n"
                         "1970-01-01 00:00:00.000003 trade Gamma 2.25 x 4 row 3\n"
                         "1970-01-01 00:00:00.000005 trade - null x 5 no price row 4\n"
                         "1970-01-01 00:00:00.000008 trade E 7 x 6 row 5\n");
    script.columns[0][0].buffers[0] = some;
    script.columns[0][0].nulls = 2;
    assert_says(script, "record batch 0, row 1 (row 1 of the stream), column timestamp: the "
                        "timestamp is null");
    params.skip_bad_rows = true;
    script.present = some;
    assert_gives_with(script, &params,
                      "1970-01-01 00:00:00.000001 trade A 1.5 x 1 row 0\n"
                      "1970-01-01 00:00:00.000002 trade  100 x 3 row 2\n"
                      "1970-01-01 00:00:00.000003 trade Gamma 2.25 x 4 row 3\n"
                      "1970-01-01 00:00:00.000008 trade E 7 x 6 row 5\n");
}

static void dictionaries_are_looked_up(void **state)
{
    static const uint8_t indexes[] = {1, 1, 3, 0, 1, 3};
    static const int64_t ends[] = {0, 1, 2, 2, 7};
    static const struct shape names = {
        .format = "U", .buffers = {NULL, ends, name_text}, .buffer_count = 3, .length = 4};
    static const struct shape fewer = {
        .format = "U", .buffers = {NULL, ends, name_text}, .buffer_count = 3, .length = 3};
    struct script script = usual();

    (void)state;
    script.columns[0][3] = (struct shape)PLAIN("C", "ticker", indexes, 6);
    script.columns[0][3].dictionary = &names;
    assert_gives(script, "1970-01-01 00:00:00.000001 trade B 1.5 x 1 row 0\n"
                         "1970-01-01 00:00:00.000002 trade B 0.1 x 2 row 1\n"
                         "1970-01-01 00:00:00.000002 trade Gamma 100 x 3 row 2\n"
                         "1970-01-01 00:00:00.000003 trade A 2.25 x 4 row 3\n"
                         "1970-01-01 00:00:00.000005 trade B -3 x 5 row 4\n"
                         "1970-01-01 00:00:00.000008 trade Gamma 7 x 6 row 5\n");
    script.columns[0][3].dictionary = &fewer;
    assert_says(script, "row 2 (row 2 of the stream), column ticker: damaged: its place in a "
                        "buffer is none");
}

static void batches_follow_each_other_and_may_be_empty(void **state)
{
    struct script script = usual();

    (void)state;
    memcpy(script.columns[1], script.columns[0], sizeof script.columns[0]);
    memcpy(script.columns[2], script.columns[0], sizeof script.columns[0]);
    script.lengths[0] = 2;
    script.lengths[1] = 0;
    script.lengths[2] = 1;
    script.batch_count = 3;
    for (size_t i = 0; i < 4; i++)
        script.columns[2][i].offset = 4;
    for (size_t i = 0; i < 4; i++)
        script.columns[2][i].length = 1;
    assert_gives(script, "1970-01-01 00:00:00.000001 trade A 1.5 x 1 row 0\n"
                         "1970-01-01 00:00:00.000002 trade B 0.1 x 2 row 1\n"
                         "1970-01-01 00:00:00.000005 trade D -3 x 5 row 2\n");
}

static void numbers_of_every_width_are_exact(void **state)
{
    static const int8_t tiny[] = {-128};
    static const uint16_t small[] = {65535};
    static const uint64_t large[] = {UINT64_MAX};
    static const float single[] = {0.1F};
    static const uint64_t wide[] = {12345, 0, UINT64_C(-12345), UINT64_MAX};
    static const uint64_t widest[] = {5, 0, 1, 0};
    static const int64_t days[] = {1};
    const struct {
        struct shape shape;
        const char *text;
    } cases[] = {
        {PLAIN("c", "price", tiny, 1), "trade A -128 x 1"},
        {PLAIN("S", "price", small, 1), "trade A 65535 x 1"},
        {PLAIN("L", "price", large, 1), "has more digits than int64 holds"},
        {PLAIN("f", "price", single, 1), "trade A 0.1 x 1"},
        {PLAIN("d:9,2,64", "price", days, 1), "trade A 0.01 x 1"},
        {PLAIN("d:38,2", "price", wide, 1), "trade A 123.45 x 1"},
        {PLAIN("d:38,2", "price", wide + 2, 1), "trade A -123.45 x 1"},
        {PLAIN("d:76,2,256", "price", widest, 1), "has more digits than int64 holds"},
        {PLAIN("d:38,-2", "price", wide, 1), "is \"d:38,-2\", which is not read as a number"},
        {PLAIN("e", "price", wide, 1), "is \"e\", which is not read as a number"},
        {PLAIN("+l", "price", wide, 1), "is \"+l\", which is not read as a number"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script script = usual();
        script.columns[0][1] = cases[i].shape;
        script.lengths[0] = 1;
        assert_says(script, cases[i].text);
    }
}

static void moments_have_every_unit(void **state)
{
    static const int64_t counts[] = {86400};
    static const int32_t days[] = {19174};
    static const int32_t ends[] = {0, 20};
    static const struct shape iso = {.format = "u",
                                     .name = "timestamp",
                                     .buffers = {NULL, ends, "2022-07-01T12:00:00Z"},
                                     .buffer_count = 3,
                                     .length = 1};
    const struct {
        struct shape shape;
        const char *text;
    } cases[] = {
        {PLAIN("tss:", "timestamp", counts, 1), "1970-01-02 00:00:00 trade"},
        {PLAIN("tsm:Europe/Berlin", "timestamp", counts, 1), "1970-01-01 00:01:26.400000 trade"},
        {PLAIN("tsn:", "timestamp", counts, 1), "1970-01-01 00:00:00.000086400 trade"},
        {PLAIN("tdD", "timestamp", days, 1), "2022-07-01 00:00:00 trade"},
        {iso, "2022-07-01 12:00:00 trade"},
        {PLAIN("l", "timestamp", counts, 1), "does not say its unit: name it (timestamp_unit)"},
        {PLAIN("ttu", "timestamp", counts, 1), "is \"ttu\", which is not read as a moment"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script script = usual();
        script.columns[0][0] = cases[i].shape;
        script.lengths[0] = 1;
        assert_says(script, cases[i].text);
    }
}

static void views_are_followed_and_checked(void **state)
{
    /* A short one, a long one in buffer 0 at 2, and one that lies outside. */
    static const struct {
        int32_t length;
        char start[4];
        int32_t place[2];
    } views[] = {{3, "xyz", {0, 0}}, {13, "long", {0, 2}}, {13, "long", {0, 3}}};
    static const char bytes[] = "__a longer name";
    static const int64_t sizes[] = {15};
    struct script script = usual();

    (void)state;
    script.columns[0][3] = (struct shape){.format = "vu",
                                          .name = "ticker",
                                          .buffers = {NULL, views, bytes, sizes},
                                          .buffer_count = 4,
                                          .length = 3};
    script.lengths[0] = 2;
    assert_gives(script, "1970-01-01 00:00:00.000001 trade xyz 1.5 x 1 row 0\n"
                         "1970-01-01 00:00:00.000002 trade a longer name 0.1 x 2 row 1\n");
    script.lengths[0] = 3;
    assert_says(script, "column ticker: damaged: its place in a buffer is none");
}

static void rows_that_are_late_are_refused_or_sorted(void **state)
{
    static const int64_t late[] = {5, 1, 5, 3, 1, 9};
    struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;
    struct script script = usual();

    (void)state;
    script.columns[0][0].buffers[1] = late;
    assert_gives(script,
                 "1970-01-01 00:00:00.000005 trade A 1.5 x 1 row 0\n"
                 "the Arrow stream's record batch 0, row 1 (row 1 of the stream), column "
                 "timestamp: 1970-01-01T00:00:00.000001Z comes behind "
                 "1970-01-01T00:00:00.000005Z: order the query by it, or let the rows be sorted "
                 "(sort)\n");
    params.sort = true;
    assert_gives_with(script, &params,
                      "1970-01-01 00:00:00.000001 trade B 0.1 x 2 row 1\n"
                      "1970-01-01 00:00:00.000001 trade D -3 x 5 row 4\n"
                      "1970-01-01 00:00:00.000003 trade Gamma 2.25 x 4 row 3\n"
                      "1970-01-01 00:00:00.000005 trade A 1.5 x 1 row 0\n"
                      "1970-01-01 00:00:00.000005 trade  100 x 3 row 2\n"
                      "1970-01-01 00:00:00.000009 trade E 7 x 6 row 5\n");
    params.memory_bytes = 4096;
    char lines[512];
    print_all(&script, &params, lines, sizeof lines);
    assert_non_null(strstr(lines, "more than the 0 MiB of memory that may be used"));
}

static void arrays_that_contradict_themselves_are_refused(void **state)
{
    static const int32_t falling[] = {0, 5, 3, 3, 3, 3, 3};
    static const int32_t huge[] = {0, INT32_MAX, INT32_MAX};
    struct script script = usual();

    (void)state;
    script.columns[0][1].nulls = 1;
    assert_says(script, "column price: damaged: it has nulls, and no buffer that says where");
    script = usual();
    script.columns[0][1].nulls = -7;
    assert_says(script, "its number of nulls is none");
    script = usual();
    script.columns[0][1].buffer_count = 3;
    assert_says(script, "it has not the buffers of its type");
    script = usual();
    script.columns[0][1].buffers[1] = NULL;
    assert_says(script, "a buffer of its values is missing");
    script = usual();
    script.columns[0][2].offset = INT64_MAX;
    assert_says(script, "its offset is none");
    script = usual();
    script.columns[0][2].length = -1;
    assert_says(script, "it is shorter than its batch");
    script = usual();
    script.lengths[0] = -1;
    assert_says(script, "its length or its columns are not the schema's");
    script = usual();
    script.columns[0][3].buffers[1] = falling;
    assert_says(script, "row 1 (row 1 of the stream), column ticker: damaged");
    script.columns[0][3].buffers[1] = huge;
    assert_says(script, "row 0 (row 0 of the stream), column ticker: damaged");
    script = usual();
    script.format = "l";
    assert_says(script, "the Arrow stream's schema is not that of record batches");
    script = usual();
    script.fails_at = 0;
    assert_says(script, "the Arrow stream gave no record batch: the disk is on fire (5)");
}

static void columns_are_found_by_the_names_that_are_given(void **state)
{
    struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;
    struct script script = usual();

    (void)state;
    script.columns[0][1].name = "px";
    script.columns[0][4] = script.columns[0][2];
    script.columns[0][4].format = "+w:3";
    script.columns[0][4].name = "nested";
    script.column_count = 5;
    script.lengths[0] = 1;
    assert_says(script, "no column \"price\" in the Arrow stream; it has \"timestamp\", \"px\", "
                        "\"volume\", \"ticker\", \"nested\": name the one that holds the price "
                        "(price_column)");
    params.price_column = "px";
    assert_gives_with(script, &params, "1970-01-01 00:00:00.000001 trade A 1.5 x 1 row 0\n");
    script.columns[0][4].name = "px";
    assert_says(script, "no column \"price\"");
    params.price_column = "px";
    char lines[512];
    print_all(&script, &params, lines, sizeof lines);
    assert_non_null(strstr(lines, "two columns of the Arrow stream are called \"px\""));
}

static void a_stream_without_tickers_takes_one_for_all_rows(void **state)
{
    struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;
    struct script script = usual();

    (void)state;
    script.column_count = 3;
    script.lengths[0] = 1;
    assert_says(script, "name the one that holds the ticker (ticker_column), or the ticker of all "
                        "rows (ticker_name)");
    params.ticker_name = "BTC";
    assert_gives_with(script, &params, "1970-01-01 00:00:00.000001 trade BTC 1.5 x 1 row 0\n");
    params.sort = true;
    assert_gives_with(script, &params, "1970-01-01 00:00:00.000001 trade BTC 1.5 x 1 row 0\n");
    params.ticker_name = "\xFF";
    char lines[512];
    print_all(&script, &params, lines, sizeof lines);
    assert_non_null(strstr(lines, "a ticker's name is UTF-8 of 1 to 256 bytes"));
}

static void a_stream_that_is_none_is_refused(void **state)
{
    struct ArrowArrayStream stream = {0};
    struct msim_source source = {0};
    struct msim_detail detail = {{0}};

    (void)state;
    assert_int_equal(msim_source_from_arrow(&source, &stream, NULL, &detail), MSIM_ERR_INVALID);
    assert_string_equal(detail.text, "the Arrow stream was released, or is none");
    assert_int_equal(msim_source_from_arrow(&source, NULL, NULL, NULL), MSIM_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_becomes_trades),
        cmocka_unit_test(slices_are_counted_from_their_offsets),
        cmocka_unit_test(nulls_are_null_wherever_they_stand),
        cmocka_unit_test(dictionaries_are_looked_up),
        cmocka_unit_test(batches_follow_each_other_and_may_be_empty),
        cmocka_unit_test(numbers_of_every_width_are_exact),
        cmocka_unit_test(moments_have_every_unit),
        cmocka_unit_test(views_are_followed_and_checked),
        cmocka_unit_test(rows_that_are_late_are_refused_or_sorted),
        cmocka_unit_test(arrays_that_contradict_themselves_are_refused),
        cmocka_unit_test(columns_are_found_by_the_names_that_are_given),
        cmocka_unit_test(a_stream_without_tickers_takes_one_for_all_rows),
        cmocka_unit_test(a_stream_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
