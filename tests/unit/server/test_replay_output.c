/*
 * Trades into frames and messages, without a connection behind them.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "server/replay_output.h"

enum { CAUGHT = 1 << 20 };

/* Longer than a message may be: 400,000 bytes of JSON. */
static char long_name[66000];
static const char *const symbols[] = {"BTC", long_name, "E"};

struct bench {
    struct msim_source source;
    struct msim_replay_output output;
    unsigned char buffer[MSIM_REPLAY_BUFFER_BYTES];
    char caught[CAUGHT]; /* messages as they came, one in a line */
    size_t length;
    size_t messages;
    size_t fragments;
    size_t longest; /* piece that was handed on */
    bool is_amid;   /* a fragmented message */
    bool refuses;
    char expected[CAUGHT];
    size_t expected_length;
};

static void catch_text(struct bench *bench, const char *text, size_t length)
{
    assert_true(bench->length + length + 1 < CAUGHT);
    memcpy(bench->caught + bench->length, text, length);
    bench->length += length;
}

static void end_line(struct bench *bench)
{
    bench->caught[bench->length++] = '\n';
    bench->messages++;
}

/* Takes frames apart as RFC 6455 section 5.2 has them. */
static int catch_frames(void *context, const void *frames, size_t length)
{
    struct bench *bench = context;
    const unsigned char *p = frames;
    const unsigned char *end = p + length;

    bench->longest = length > bench->longest ? length : bench->longest;
    while (p < end) {
        unsigned first = *p++;
        size_t size = *p++;
        if (size == 126) {
            size = (size_t)p[0] << 8 | p[1];
            p += 2;
        } else if (size == 127) {
            size = 0;
            for (int i = 0; i < 8; i++)
                size = size << 8 | *p++;
        }
        assert_true(size <= (size_t)(end - p));
        assert_int_equal(first & 0x7F, bench->is_amid ? 0 : 1);
        bench->is_amid = !(first & 0x80);
        bench->fragments += bench->is_amid;
        catch_text(bench, (const char *)p, size);
        if (!bench->is_amid)
            end_line(bench);
        p += size;
    }
    return MSIM_OK;
}

static int catch_message(void *context, const struct msim_record *record, const char *text,
                         size_t length)
{
    struct bench *bench = context;

    if (bench->refuses)
        return MSIM_ERR_LIMIT;
    assert_int_equal(record->kind, MSIM_RECORD_TRADE);
    catch_text(bench, text, length);
    end_line(bench);
    return MSIM_OK;
}

static int set_up(void **state)
{
    static struct bench bench;
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;

    bench = (struct bench){.length = 0};
    memset(long_name, 7, sizeof long_name - 1);
    params.symbols = symbols;
    params.symbol_count = COUNT(symbols);
    bench.output.buffer = bench.buffer;
    bench.output.size = sizeof bench.buffer;
    bench.output.context = &bench;
    if (msim_source_array(&bench.source, &params, NULL) < 0 ||
        msim_replay_encoder_create(&bench.output.encoder, &bench.source, NULL) < 0)
        return -1;
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_replay_encoder_destroy(&bench->output.encoder);
    msim_source_release(&bench->source);
    return 0;
}

static struct msim_record trade(msim_time time, int64_t price)
{
    struct msim_record record = {.time = time, .kind = MSIM_RECORD_TRADE};

    record.as.trade.price = price;
    return record;
}

static int give(struct bench *bench, msim_time time, int64_t price)
{
    struct msim_record record = trade(time, price);

    return msim_replay_output_trade(&bench->output, &record, NULL);
}

/* What the bundles ought to be: each of `count` trades with this time. */
static void expect_bundle(struct bench *bench, size_t count)
{
    char *p = bench->expected + bench->expected_length;
    char *start = p;

    p += sprintf(p, "{\"timestamp\": \"1970-01-01 00:00:00\", \"trades\": [");
    for (size_t i = 0; i < count; i++)
        p += sprintf(p, "%s{\"price\": %zu, \"volume\": 0, \"ticker\": \"BTC\"}", i ? ", " : "", i);
    p += sprintf(p, "]}\n");
    bench->expected_length += (size_t)(p - start);
    assert_true(bench->expected_length < CAUGHT);
}

static void give_bundle(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(give(bench, 0, (int64_t)i), MSIM_OK);
    assert_int_equal(msim_replay_output_end_bundle(&bench->output), MSIM_OK);
}

static void assert_caught(struct bench *bench)
{
    assert_int_equal(bench->length, bench->expected_length);
    assert_memory_equal(bench->caught, bench->expected, bench->length);
    assert_false(bench->is_amid);
}

static void trades_leave_as_one_run_of_frames(void **state)
{
    struct bench *bench = *state;

    bench->output.frames = catch_frames;
    for (int i = 0; i < 3; i++)
        assert_int_equal(give(bench, 0, i), MSIM_OK);
    assert_int_equal(bench->messages, 0);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(bench->messages, 3);
    assert_int_equal(bench->output.messages, 3);
    bench->caught[bench->length] = '\0';
    assert_string_equal(
        bench->caught,
        "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": 0, \"volume\": 0, \"ticker\": "
        "\"BTC\"}\n"
        "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": 1, \"volume\": 0, \"ticker\": "
        "\"BTC\"}\n"
        "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": 2, \"volume\": 0, \"ticker\": \"BTC\"}"
        "\n");
}

static void a_run_is_handed_on_when_it_is_long_enough(void **state)
{
    struct bench *bench = *state;

    bench->output.frames = catch_frames;
    for (int i = 0; i < 2000; i++)
        assert_int_equal(give(bench, i, i), MSIM_OK);
    assert_true(bench->messages > 1000);
    assert_true(bench->longest >= MSIM_REPLAY_RUN_BYTES);
    assert_true(bench->longest < MSIM_REPLAY_RUN_BYTES + 200);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(bench->messages, 2000);
    assert_int_equal(bench->fragments, 0);
}

static void bundles_of_any_size_are_whole_messages(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 400, 1000, 1200, 1300, 1, 5};
    struct bench *bench = *state;

    bench->output.frames = catch_frames;
    bench->output.is_bundled = true;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        give_bundle(bench, sizes[i]);
        expect_bundle(bench, sizes[i]);
    }
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_caught(bench);
    assert_int_equal(bench->output.messages, COUNT(sizes));
}

static void a_bundle_larger_than_the_buffer_leaves_in_fragments(void **state)
{
    struct bench *bench = *state;

    bench->output.frames = catch_frames;
    bench->output.is_bundled = true;
    give_bundle(bench, 1);
    give_bundle(bench, 8000);
    give_bundle(bench, 2);
    expect_bundle(bench, 1);
    expect_bundle(bench, 8000);
    expect_bundle(bench, 2);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_true(bench->fragments >= 3);
    assert_caught(bench);
}

/* The buffer is shared: nothing may stay in it. */
static void a_flush_in_the_middle_of_a_bundle_cuts_it(void **state)
{
    struct bench *bench = *state;

    bench->output.frames = catch_frames;
    bench->output.is_bundled = true;
    assert_int_equal(give(bench, 0, 0), MSIM_OK);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(bench->fragments, 1);
    memset(bench->buffer, 'x', sizeof bench->buffer);
    assert_int_equal(give(bench, 0, 1), MSIM_OK);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    memset(bench->buffer, 'x', sizeof bench->buffer);
    assert_int_equal(msim_replay_output_end_bundle(&bench->output), MSIM_OK);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(bench->fragments, 2);
    expect_bundle(bench, 2);
    assert_caught(bench);
    /* The next one is a message of its own. */
    give_bundle(bench, 3);
    expect_bundle(bench, 3);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_caught(bench);
}

static void messages_are_handed_on_one_by_one_where_they_are_looked_at(void **state)
{
    struct bench *bench = *state;

    bench->output.message = catch_message;
    bench->output.is_bundled = true;
    give_bundle(bench, 3);
    assert_int_equal(bench->messages, 1);
    give_bundle(bench, 1200);
    expect_bundle(bench, 3);
    expect_bundle(bench, 1200);
    assert_caught(bench);
}

static void a_bundle_that_is_looked_at_and_too_large_comes_in_several(void **state)
{
    struct bench *bench = *state;

    bench->output.message = catch_message;
    bench->output.is_bundled = true;
    give_bundle(bench, 8000);
    assert_true(bench->messages > 1);
    assert_int_equal(bench->output.messages, bench->messages);
    size_t trades = 0;
    bench->caught[bench->length] = '\0';
    for (const char *at = bench->caught; (at = strstr(at, "\"price\"")); at++)
        trades++;
    assert_int_equal(trades, 8000);
    for (const char *at = bench->caught; *at; at = strchr(at, '\n') + 1)
        assert_memory_equal(at, "{\"timestamp\": ", 14);
}

static void what_was_refused_leaves_with_a_flush_and_once(void **state)
{
    struct bench *bench = *state;

    bench->output.message = catch_message;
    bench->refuses = true;
    assert_int_equal(give(bench, 0, 0), MSIM_ERR_LIMIT);
    assert_true(bench->output.is_held);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_ERR_LIMIT);
    bench->refuses = false;
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(bench->messages, 1);
    assert_int_equal(bench->output.messages, 1);
    assert_int_equal(give(bench, 0, 1), MSIM_OK);
    assert_int_equal(bench->messages, 2);
}

/* Where a large bundle is refused in its middle, the trade that found no room waits as well. */
static void a_refusal_in_the_middle_of_a_bundle_loses_no_trade(void **state)
{
    struct bench *bench = *state;
    size_t given = 0;

    bench->output.message = catch_message;
    bench->output.is_bundled = true;
    bench->refuses = true;
    while (give(bench, 0, (int64_t)given) == MSIM_OK)
        given++;
    assert_true(bench->output.is_held && bench->output.has_pending);
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_ERR_LIMIT);
    bench->refuses = false;
    assert_int_equal(msim_replay_output_flush(&bench->output), MSIM_OK);
    assert_int_equal(msim_replay_output_end_bundle(&bench->output), MSIM_OK);
    assert_int_equal(bench->messages, 2);
    char last[64];
    snprintf(last, sizeof last, "\"trades\": [{\"price\": %zu,", given);
    bench->caught[bench->length] = '\0';
    assert_non_null(strstr(bench->caught, last));
}

static void a_trade_that_no_message_holds_is_refused_with_words(void **state)
{
    struct bench *bench = *state;
    struct msim_record record = trade(0, 1);
    struct msim_detail detail = {{0}};

    record.symbol = 1;
    bench->output.frames = catch_frames;
    assert_int_equal(give(bench, 0, 0), MSIM_OK);
    assert_int_equal(msim_replay_output_trade(&bench->output, &record, &detail), MSIM_ERR_LIMIT);
    assert_false(bench->output.is_held);
    assert_non_null(strstr(detail.text, "too long"));
    assert_int_equal(bench->messages, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(trades_leave_as_one_run_of_frames),
        TEST(a_run_is_handed_on_when_it_is_long_enough),
        TEST(bundles_of_any_size_are_whole_messages),
        TEST(a_bundle_larger_than_the_buffer_leaves_in_fragments),
        TEST(a_flush_in_the_middle_of_a_bundle_cuts_it),
        TEST(messages_are_handed_on_one_by_one_where_they_are_looked_at),
        TEST(a_bundle_that_is_looked_at_and_too_large_comes_in_several),
        TEST(what_was_refused_leaves_with_a_flush_and_once),
        TEST(a_refusal_in_the_middle_of_a_bundle_loses_no_trade),
        TEST(a_trade_that_no_message_holds_is_refused_with_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
