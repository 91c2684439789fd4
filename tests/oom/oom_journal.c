#include "check.h"

#include <marketsim/journal.h>

#include "oom/failing.h"

static int append(struct msim_journal *journal, struct msim_batch_writer *writer)
{
    const struct msim_command command = {.kind = MSIM_COMMAND_TIME};
    struct msim_batch_id id;
    struct msim_journal_piece bytes;
    struct msim_journal_event event;
    uint64_t ticket;
    size_t count;

    int r = msim_batch_add(writer, &command, NULL, 0);
    if (r == MSIM_OK)
        r = msim_batch_end(writer, &id, &bytes);
    if (r == MSIM_OK)
        r = msim_journal_append(journal, &id, &bytes, 1, MSIM_JOURNAL_ANY, &ticket);
    if (r == MSIM_OK) {
        assert_int_equal(msim_journal_poll(journal, &event, 1, &count), 0);
        assert_int_equal(event.result, MSIM_JOURNAL_OK);
        msim_batch_taken(writer);
    } else {
        msim_batch_drop(writer);
    }
    return r;
}

static int write_and_read(const struct msim_allocator *allocator, void *context)
{
    struct msim_journal_memory_params params = MSIM_JOURNAL_MEMORY_PARAMS_INIT;
    struct msim_batch_writer *writer = NULL;
    struct msim_journal journal = {0};
    struct msim_journal other = {0};
    struct msim_journal_info info;

    (void)context;
    params.allocator = allocator;
    int r = msim_journal_memory(&journal, &params);
    if (r == MSIM_OK)
        r = msim_batch_writer_create(&writer, 1, 1, allocator);
    for (int i = 0; r == MSIM_OK && i < 3000; i++)
        r = append(&journal, writer);
    if (r == MSIM_OK)
        r = msim_journal_again(&journal, &other);
    if (r == MSIM_OK) {
        assert_int_equal(msim_journal_info(&other, &info), 0);
        assert_int_equal(info.last, 3000);
    }
    msim_journal_release(&other);
    msim_journal_release(&journal);
    msim_batch_writer_destroy(&writer);
    return r;
}

static void a_log_gives_back_all_it_took_when_memory_fails(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(write_and_read, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_gives_back_all_it_took_when_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
