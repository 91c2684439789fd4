/*
 * The log's contract, for every back end; and batches as bytes.
 *
 * A back end is held to it by one more entry in `backends`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/journal.h>

#include "check.h"
#include "journal/crc32c.h"

struct backend {
    const char *name;
    int (*open)(struct msim_journal *out);
};

static int open_memory(struct msim_journal *out)
{
    return msim_journal_memory(out, NULL);
}

static const struct backend backends[] = {
    {"memory", open_memory},
};

struct result {
    int result;
    bool repeated;
    uint64_t sequence;
};

/* Appends, and waits for the result. */
static struct result append(struct msim_journal *journal, uint64_t writer, uint64_t epoch,
                            uint64_t n, const char *text, uint64_t expect)
{
    const struct msim_batch_id id = {writer, epoch, n};
    const struct msim_journal_piece pieces[] = {{text, 1}, {text + 1, strlen(text) - 1}};
    struct msim_journal_event event;
    uint64_t ticket = 0;
    size_t count = 0;

    assert_int_equal(msim_journal_append(journal, &id, pieces, 2, expect, &ticket), 0);
    do
        assert_int_equal(msim_journal_poll(journal, &event, 1, &count), 0);
    while (count == 0);
    assert_int_equal(event.kind, MSIM_JOURNAL_APPENDED);
    assert_int_equal(event.ticket, ticket);
    return (struct result){event.result, event.repeated, event.sequence};
}

/* What a follower is told next, in words: "2:two", "tail", "TRIMMED", "". */
static const char *follow(struct msim_journal *journal)
{
    static char words[80];
    struct msim_journal_event event;
    size_t count = 0;

    assert_int_equal(msim_journal_poll(journal, &event, 1, &count), 0);
    words[0] = '\0';
    if (count > 0 && event.kind == MSIM_JOURNAL_BATCH)
        snprintf(words, sizeof words, "%d:%.*s", (int)event.sequence, (int)event.length,
                 (const char *)event.bytes);
    else if (count > 0 && event.kind == MSIM_JOURNAL_TAIL)
        snprintf(words, sizeof words, "tail");
    else if (count > 0 && event.kind == MSIM_JOURNAL_ERROR)
        snprintf(words, sizeof words, "%s", msim_journal_result_name(event.result));
    return words;
}

#define FOR_EACH_BACKEND(journal)                                                \
    struct msim_journal journal = {0};                                           \
    for (size_t b = 0; b < COUNT(backends); b++, msim_journal_release(&journal)) \
        if (backends[b].open(&journal) < 0)                                      \
            fail_msg("%s does not open", backends[b].name);                      \
        else

static void sequences_are_dense_from_one(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        struct msim_journal_info info;
        assert_int_equal(append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY).sequence, 1);
        assert_int_equal(append(&journal, 2, 1, 1, "two", MSIM_JOURNAL_ANY).sequence, 2);
        assert_int_equal(append(&journal, 1, 1, 2, "three", MSIM_JOURNAL_ANY).sequence, 3);
        msim_journal_info(&journal, &info);
        assert_int_equal(info.first, 1);
        assert_int_equal(info.last, 3);
        assert_true(info.level >= MSIM_JOURNAL_MEMORY);
    }
}

static void the_same_batch_twice_is_stored_once(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
        append(&journal, 1, 1, 2, "two", MSIM_JOURNAL_ANY);
        const struct result again = append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
        assert_int_equal(again.result, MSIM_JOURNAL_OK);
        assert_true(again.repeated);
        assert_int_equal(again.sequence, 1);
        assert_int_equal(append(&journal, 1, 1, 3, "three", MSIM_JOURNAL_ANY).sequence, 3);
    }
}

static void an_id_with_other_bytes_or_a_hole_is_refused(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
        assert_int_equal(append(&journal, 1, 1, 1, "two", MSIM_JOURNAL_ANY).result,
                         MSIM_JOURNAL_CORRUPT);
        assert_int_equal(append(&journal, 1, 1, 3, "three", MSIM_JOURNAL_ANY).result,
                         MSIM_JOURNAL_CORRUPT);
        assert_int_equal(append(&journal, 2, 1, 2, "two", MSIM_JOURNAL_ANY).result,
                         MSIM_JOURNAL_CORRUPT);
        assert_int_equal(append(&journal, 1, 1, 2, "two", MSIM_JOURNAL_ANY).sequence, 2);
    }
}

static void a_newer_epoch_fences_the_older_one_off(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
        assert_int_equal(append(&journal, 1, 2, 1, "two", MSIM_JOURNAL_ANY).sequence, 2);
        assert_int_equal(append(&journal, 1, 1, 2, "three", MSIM_JOURNAL_ANY).result,
                         MSIM_JOURNAL_FENCED);
    }
}

static void a_wrong_expectation_stores_nothing(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        append(&journal, 1, 1, 1, "one", 0);
        assert_int_equal(append(&journal, 1, 1, 2, "two", 0).result, MSIM_JOURNAL_FENCED);
        assert_int_equal(append(&journal, 1, 1, 2, "two", 1).sequence, 2);
    }
}

static void a_follower_gets_history_and_then_what_comes(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        struct msim_journal other = {0};
        append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
        append(&journal, 1, 1, 2, "two", MSIM_JOURNAL_ANY);
        assert_int_equal(msim_journal_again(&journal, &other), 0);
        assert_string_equal(follow(&other), "");
        assert_int_equal(msim_journal_follow(&other, 2), 0);
        assert_string_equal(follow(&other), "2:two");
        assert_string_equal(follow(&other), "tail");
        assert_string_equal(follow(&other), "");
        append(&journal, 1, 1, 3, "three", MSIM_JOURNAL_ANY);
        assert_string_equal(follow(&other), "3:three");
        assert_string_equal(follow(&other), "tail");
        assert_int_equal(msim_journal_follow(&other, 1), 0);
        assert_string_equal(follow(&other), "1:one");
        msim_journal_release(&other);
    }
}

static void what_is_trimmed_is_gone_and_nothing_else(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        struct msim_journal_info info;
        append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
        append(&journal, 1, 1, 2, "two", MSIM_JOURNAL_ANY);
        assert_int_equal(msim_journal_trim(&journal, 4), MSIM_ERR_INVALID);
        assert_int_equal(msim_journal_trim(&journal, 2), 0);
        assert_int_equal(msim_journal_trim(&journal, 1), 0);
        msim_journal_follow(&journal, 1);
        assert_string_equal(follow(&journal), "TRIMMED");
        assert_string_equal(follow(&journal), "");
        msim_journal_follow(&journal, 2);
        assert_string_equal(follow(&journal), "2:two");
        assert_string_equal(follow(&journal), "tail");
        assert_int_equal(append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY).result,
                         MSIM_JOURNAL_TRIMMED);
        assert_int_equal(msim_journal_trim(&journal, 3), 0);
        msim_journal_info(&journal, &info);
        assert_int_equal(info.first, 3);
        assert_int_equal(info.last, 2);
        assert_int_equal(info.batches, 0);
        assert_int_equal(append(&journal, 1, 1, 3, "three", MSIM_JOURNAL_ANY).sequence, 3);
    }
}

static void appends_that_say_nothing_are_refused(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        const struct msim_batch_id none = {1, 1, 0};
        const struct msim_batch_id id = {1, 1, 1};
        const struct msim_journal_piece empty = {"", 0};
        const struct msim_journal_piece huge = {"", MSIM_BATCH_MAX + 1};
        const struct msim_journal_piece good = {"a", 1};
        uint64_t ticket;
        assert_int_equal(msim_journal_append(&journal, &none, &good, 1, 0, &ticket),
                         MSIM_ERR_INVALID);
        assert_int_equal(msim_journal_append(&journal, &id, &empty, 1, 0, &ticket),
                         MSIM_ERR_INVALID);
        assert_int_equal(msim_journal_append(&journal, &id, &huge, 1, 0, &ticket),
                         MSIM_ERR_INVALID);
        assert_int_equal(msim_journal_follow(&journal, 0), MSIM_ERR_INVALID);
    }
}

static void random_traffic_reads_back_as_it_was_written(void **state)
{
    (void)state;
    FOR_EACH_BACKEND(journal)
    {
        uint64_t n[4] = {0};
        char text[64];
        uint64_t seed = 7;
        for (int i = 1; i <= 3000; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            const uint64_t writer = seed >> 33 & 3;
            snprintf(text, sizeof text, "batch %d of %d", i, (int)writer);
            assert_int_equal(
                append(&journal, writer, 1, ++n[writer], text, (uint64_t)i - 1).sequence, i);
            if (i % 500 == 0)
                assert_int_equal(msim_journal_trim(&journal, (uint64_t)i / 2), 0);
        }
        msim_journal_follow(&journal, 1500);
        for (int i = 1500; i <= 3000; i++)
            assert_int_equal(atoi(follow(&journal)), i);
        assert_string_equal(follow(&journal), "tail");
    }
}

/* ---- the log in memory ---- */

static void a_full_log_says_so_and_goes_on_after_a_trim(void **state)
{
    struct msim_journal_memory_params params = MSIM_JOURNAL_MEMORY_PARAMS_INIT;
    struct msim_journal journal = {0};
    (void)state;

    params.max_bytes = 6;
    assert_int_equal(msim_journal_memory(&journal, &params), 0);
    append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
    append(&journal, 1, 1, 2, "two", MSIM_JOURNAL_ANY);
    assert_int_equal(append(&journal, 1, 1, 3, "six", MSIM_JOURNAL_ANY).result, MSIM_JOURNAL_FULL);
    msim_journal_trim(&journal, 2);
    assert_int_equal(append(&journal, 1, 1, 3, "six", MSIM_JOURNAL_ANY).sequence, 3);
    msim_journal_release(&journal);

    params = (struct msim_journal_memory_params)MSIM_JOURNAL_MEMORY_PARAMS_INIT;
    params.max_writers = 1;
    params.max_batches = 2;
    params.max_results = 1;
    assert_int_equal(msim_journal_memory(&journal, &params), 0);
    append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
    assert_int_equal(append(&journal, 2, 1, 1, "two", MSIM_JOURNAL_ANY).result, MSIM_JOURNAL_FULL);
    append(&journal, 1, 1, 2, "two", MSIM_JOURNAL_ANY);
    assert_int_equal(append(&journal, 1, 1, 3, "six", MSIM_JOURNAL_ANY).result, MSIM_JOURNAL_FULL);
    const struct msim_batch_id id = {1, 1, 3};
    const struct msim_journal_piece piece = {"six", 3};
    uint64_t ticket;
    assert_int_equal(msim_journal_append(&journal, &id, &piece, 1, 0, &ticket), 0);
    assert_int_equal(msim_journal_append(&journal, &id, &piece, 1, 0, &ticket), MSIM_ERR_LIMIT);
    msim_journal_release(&journal);
}

/* ---- batches ---- */

static struct msim_command command_of(uint64_t i)
{
    return (struct msim_command){
        .sequence = i,
        .time = -(msim_time)i,
        .kind = 1,
        .side = 2,
        .type = 3,
        .time_in_force = 4,
        .self_trade = 5,
        .flags = 6,
        .state = 7,
        .instrument = 8,
        .account = 9,
        .price = INT64_MIN,
        .quantity = INT64_MAX,
        .order = 10,
        .handle = 11,
        .client_id = UINT64_MAX,
        .stop_price = 12,
        .display_quantity = 13,
        .amount = -14,
        .expires_at = 15,
        .trade = 16,
        .owner = 17,
        .asset = 18,
    };
}

static void a_batch_reads_back_as_it_was_written(void **state)
{
    struct msim_batch_writer *writer = NULL;
    struct msim_batch_id id;
    struct msim_journal_piece bytes;
    struct msim_batch batch;
    struct msim_command command;
    const char *text;
    size_t length;
    (void)state;

    assert_int_equal(msim_batch_writer_create(&writer, 3, 4, NULL), 0);
    for (uint64_t i = 0; i < 10; i++) {
        const struct msim_command made = command_of(i);
        assert_int_equal(msim_batch_add(writer, &made, "0123456789", i % 3 ? i : 0), 0);
    }
    assert_int_equal(msim_batch_count(writer), 10);
    assert_int_equal(msim_batch_end(writer, &id, &bytes), 0);
    assert_int_equal(id.writer, 3);
    assert_int_equal(id.epoch, 4);
    assert_int_equal(id.n, 1);
    assert_int_equal(msim_batch_read(&batch, bytes.bytes, bytes.length, NULL), 0);
    assert_int_equal(batch.previous, 0);
    for (uint64_t i = 0; i < 10; i++) {
        const struct msim_command made = command_of(i);
        assert_true(msim_batch_next(&batch, &command, &text, &length));
        assert_memory_equal(&command, &made, sizeof made);
        assert_int_equal(length, i % 3 ? i : 0);
        if (length > 0)
            assert_memory_equal(text, "0123456789", length);
    }
    assert_false(msim_batch_next(&batch, &command, &text, &length));

    const uint32_t crc = batch.crc;
    msim_batch_taken(writer);
    const struct msim_command made = command_of(0);
    assert_int_equal(msim_batch_add(writer, &made, NULL, 0), 0);
    assert_int_equal(msim_batch_end(writer, &id, &bytes), 0);
    assert_int_equal(id.n, 2);
    assert_int_equal(msim_batch_read(&batch, bytes.bytes, bytes.length, NULL), 0);
    assert_int_equal(batch.previous, crc);
    msim_batch_writer_destroy(&writer);
    assert_null(writer);
}

static void a_damaged_batch_is_refused_wherever_it_is_damaged(void **state)
{
    struct msim_batch_writer *writer = NULL;
    struct msim_batch_id id;
    struct msim_journal_piece bytes;
    struct msim_batch batch;
    unsigned char copy[512];
    const struct msim_command made = command_of(1);
    (void)state;

    assert_int_equal(msim_batch_writer_create(&writer, 3, 4, NULL), 0);
    msim_batch_add(writer, &made, "bot-7", 5);
    assert_int_equal(msim_batch_end(writer, &id, &bytes), 0);
    for (size_t i = 0; i < bytes.length; i++) {
        memcpy(copy, bytes.bytes, bytes.length);
        copy[i] ^= 0x10;
        assert_int_equal(msim_batch_read(&batch, copy, bytes.length, NULL), MSIM_ERR_FORMAT);
        assert_int_equal(msim_batch_read(&batch, bytes.bytes, i, NULL), MSIM_ERR_FORMAT);
    }
    msim_batch_writer_destroy(&writer);
}

static void a_batch_takes_no_more_than_its_bound(void **state)
{
    struct msim_batch_writer *writer = NULL;
    const struct msim_command made = command_of(1);
    struct msim_batch_id id;
    struct msim_journal_piece bytes;
    size_t count = 0;
    (void)state;

    assert_int_equal(msim_batch_writer_create(&writer, 3, 4, NULL), 0);
    assert_int_equal(msim_batch_end(writer, &id, &bytes), MSIM_ERR_INVALID);
    while (msim_batch_add(writer, &made, "123456789012345678901234567890123456", 36) == 0)
        count++;
    assert_int_equal(count, msim_batch_count(writer));
    assert_int_equal(msim_batch_end(writer, &id, &bytes), 0);
    assert_in_range(bytes.length, MSIM_BATCH_MAX - 169, MSIM_BATCH_MAX);
    msim_batch_drop(writer);
    assert_int_equal(msim_batch_count(writer), 0);
    assert_int_equal(msim_batch_add(writer, &made, "1", 37), MSIM_ERR_INVALID);
    msim_batch_writer_destroy(&writer);
}

static void the_checksum_is_castagnolis(void **state)
{
    /* The answers of RFC 3720, B.4. */
    struct msim_crc32c crc;
    unsigned char bytes[32];
    (void)state;

    msim_crc32c_init(&crc);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(msim_crc32c_of(&crc, bytes, 32), 0x8a9136aa);
    assert_int_equal(msim_crc32c_plain(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(msim_crc32c_of(&crc, bytes, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(msim_crc32c_of(&crc, bytes, 32), 0x46dd794e);
    assert_int_equal(msim_crc32c_of(&crc, (const unsigned char *)"123456789", 9), 0xe3069283);
    assert_int_equal(msim_crc32c_plain((const unsigned char *)"123456789", 9), 0xe3069283);
}

/* ---- a log read once ---- */

struct heard {
    uint64_t count;
    int fail_at;
};

static int hear(void *context, const struct msim_command *command, const char *text, size_t length)
{
    struct heard *heard = context;

    (void)text;
    (void)length;
    if (heard->fail_at && heard->count + 1 == (uint64_t)heard->fail_at)
        return MSIM_ERR_NOMEM;
    assert_int_equal(command->sequence, ++heard->count);
    return MSIM_OK;
}

static void write_log(struct msim_journal *journal, unsigned batches)
{
    struct msim_batch_writer *writer = NULL;
    struct msim_batch_id id;
    struct msim_journal_piece bytes;
    struct msim_journal_event event;
    uint64_t ticket;
    uint64_t sequence = 0;
    size_t count;

    assert_int_equal(msim_batch_writer_create(&writer, 1, 1, NULL), 0);
    for (unsigned i = 0; i < batches; i++) {
        for (unsigned k = 0; k <= i % 3; k++) {
            const struct msim_command made = command_of(++sequence);
            assert_int_equal(msim_batch_add(writer, &made, "x", k), 0);
        }
        assert_int_equal(msim_batch_end(writer, &id, &bytes), 0);
        assert_int_equal(msim_journal_append(journal, &id, &bytes, 1, i, &ticket), 0);
        assert_int_equal(msim_journal_poll(journal, &event, 1, &count), 0);
        assert_int_equal(event.result, MSIM_JOURNAL_OK);
        msim_batch_taken(writer);
    }
    msim_batch_writer_destroy(&writer);
}

static void a_log_gives_its_commands_in_order(void **state)
{
    struct msim_journal journal = {0};
    struct heard heard = {0};
    uint64_t last = 0;
    (void)state;

    assert_int_equal(msim_journal_memory(&journal, NULL), 0);
    write_log(&journal, 99);
    assert_int_equal(msim_journal_replay(&journal, 1, hear, &heard, &last, NULL), 0);
    assert_int_equal(heard.count, 198);
    assert_int_equal(last, 99);
    heard = (struct heard){.fail_at = 7};
    struct msim_detail detail;
    assert_int_equal(msim_journal_replay(&journal, 1, hear, &heard, &last, &detail),
                     MSIM_ERR_NOMEM);
    assert_string_equal(detail.text, "command 7 in batch 4 of the log: out of memory");
    msim_journal_trim(&journal, 50);
    assert_int_equal(msim_journal_replay(&journal, 49, hear, &heard, &last, &detail),
                     MSIM_ERR_FORMAT);
    heard = (struct heard){.count = 97};
    assert_int_equal(msim_journal_replay(&journal, 50, hear, &heard, &last, &detail), 0);
    assert_int_equal(heard.count, 198);
    msim_journal_release(&journal);
}

static void a_log_of_no_batches_is_refused(void **state)
{
    struct msim_journal journal = {0};
    struct heard heard = {0};
    struct msim_detail detail;
    (void)state;

    assert_int_equal(msim_journal_memory(&journal, NULL), 0);
    append(&journal, 1, 1, 1, "one", MSIM_JOURNAL_ANY);
    assert_int_equal(msim_journal_replay(&journal, 1, hear, &heard, NULL, &detail),
                     MSIM_ERR_FORMAT);
    assert_string_equal(detail.text, "batch 1 of the log: 3 bytes are no batch of commands");
    msim_journal_release(&journal);
    assert_null(journal.ops);
    msim_journal_release(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_dense_from_one),
        cmocka_unit_test(the_same_batch_twice_is_stored_once),
        cmocka_unit_test(an_id_with_other_bytes_or_a_hole_is_refused),
        cmocka_unit_test(a_newer_epoch_fences_the_older_one_off),
        cmocka_unit_test(a_wrong_expectation_stores_nothing),
        cmocka_unit_test(a_follower_gets_history_and_then_what_comes),
        cmocka_unit_test(what_is_trimmed_is_gone_and_nothing_else),
        cmocka_unit_test(appends_that_say_nothing_are_refused),
        cmocka_unit_test(random_traffic_reads_back_as_it_was_written),
        cmocka_unit_test(a_full_log_says_so_and_goes_on_after_a_trim),
        cmocka_unit_test(a_batch_reads_back_as_it_was_written),
        cmocka_unit_test(a_damaged_batch_is_refused_wherever_it_is_damaged),
        cmocka_unit_test(a_batch_takes_no_more_than_its_bound),
        cmocka_unit_test(the_checksum_is_castagnolis),
        cmocka_unit_test(a_log_gives_its_commands_in_order),
        cmocka_unit_test(a_log_of_no_batches_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
