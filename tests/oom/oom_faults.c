#include "check.h"

#include <marketsim/faults.h>

#include <string.h>

#include "oom/failing.h"

/* Strategies of every kind. */
static const char plan[] =
    "[{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"symbol\":[\"A*\",\"B\"],\"not\":{\"side\":"
    "\"buy\"}}},"
    "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"copies\":2},"
    "{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},\"mode\":[{\"mode\":\"split\"},{\"mode\":"
    "\"num_zero\"}]},"
    "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1000,\"scope\":\"account\"},"
    "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1ms\",\"order\":\"lane:symbol\"},"
    "{\"kind\":\"reorder\",\"select\":{\"dir\":\"out\"},\"max_wait\":\"2ms\"},"
    "{\"kind\":\"session\",\"action\":\"refuse\",\"scope\":\"client\",\"client\":\"x\",\"at\":"
    "\"0s\"},"
    "{\"kind\":\"phantom_fill\",\"select\":{\"type\":\"exec.new\"},\"bust\":{\"after\":\"1s\"}},"
    "{\"kind\":\"dup_fill\"},{\"kind\":\"inject\",\"template\":\"${now}\",\"rate\":10},"
    "{\"kind\":\"respond\",\"do\":\"late_reject\"},{\"kind\":\"clock\",\"offset\":\"1s\"},"
    "{\"kind\":\"venue\",\"do\":\"notice\",\"text\":\"x\"}]";

static int create(const struct msim_allocator *allocator, void *context)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_faults *faults = NULL;

    (void)context;
    params.allocator = allocator;
    int r = msim_faults_create(&faults, &params, NULL);
    msim_faults_destroy(&faults);
    return r;
}

static int with_session(const struct msim_allocator *allocator, struct msim_faults **faults,
                        struct msim_fault_session **session)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_fault_session_params who = MSIM_FAULT_SESSION_PARAMS_INIT;

    params.allocator = allocator;
    who.client = who.account = "c";
    int r = msim_faults_create(faults, &params, NULL);
    return r < 0 ? r : msim_faults_session_open(*faults, 0, &who, session, NULL);
}

static int add_a_plan(const struct msim_allocator *allocator, void *context)
{
    struct msim_faults *faults = NULL;
    struct msim_fault_session *session = NULL;
    int r = with_session(allocator, &faults, &session);

    (void)context;
    if (r == MSIM_OK)
        r = msim_faults_add_all(faults, 0, plan, sizeof plan - 1, NULL);
    if (r == MSIM_OK)
        r = msim_faults_update(faults, 0, "drop-0", "{\"p\":0.5}", 9, NULL);
    if (r == MSIM_OK)
        r = msim_faults_preset(faults, 0, "cancel_fill_race", "{\"p\":0.5}", 9, NULL);
    msim_faults_destroy(&faults);
    return r;
}

/* What a refused message leaves: everything as it was. */
static size_t look(struct msim_faults *faults, char *out, size_t size)
{
    size_t length = 0;

    assert_int_equal(msim_faults_statistics(faults, NULL, out, size, &length), MSIM_OK);
    return length;
}

/* Copies of small and large messages, spoiled and late: refused whole or taken whole. */
static void a_message_without_memory_moves_nothing(void **state)
{
    static const char strategies[] =
        "[{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"copies\":3,\"every\":1},"
        "{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},\"mode\":\"bitflip\"},"
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1ms\"}]";
    static const char bytes[8192];
    static char before[16384];
    static char after[16384];

    (void)state;
    for (size_t length = 64; length <= sizeof bytes; length += sizeof bytes - 64) {
        size_t refused = 0;
        for (size_t fail_at = 0;; fail_at++) {
            struct failing failing = {.fail_at = SIZE_MAX};
            struct msim_allocator allocator = failing_allocator(&failing);
            struct msim_faults *faults = NULL;
            struct msim_fault_session *session = NULL;
            struct msim_fault_message message = {.bytes = bytes, .length = length};
            assert_int_equal(with_session(&allocator, &faults, &session), MSIM_OK);
            assert_int_equal(
                msim_faults_add_all(faults, 0, strategies, sizeof strategies - 1, NULL), MSIM_OK);
            size_t one = look(faults, before, sizeof before);
            failing.fail_at = failing.calls + fail_at;
            int r = msim_faults_submit(faults, 1, msim_fault_session_link(session, MSIM_FAULT_OUT),
                                       &message);
            failing.fail_at = SIZE_MAX;
            size_t two = look(faults, after, sizeof after);
            if (r < 0) {
                assert_int_equal(r, MSIM_ERR_NOMEM);
                assert_int_equal(one, two);
                assert_memory_equal(before, after, one);
                refused++;
            }
            msim_faults_destroy(&faults);
            assert_int_equal(failing.blocks, 0);
            if (r == MSIM_FAULT_TAKEN && fail_at > 64)
                break;
        }
        assert_true(refused > 3);
    }
}

/* The first failure among these; what was given out is pulled all the same. */
static int traffic(struct msim_faults *faults, struct msim_fault_session *session)
{
    struct msim_fault_message message = {
        .bytes = "{\"a\":1}", .length = 7, .type = MSIM_FAULT_MD_DEPTH, .symbol = {"A", 1}};
    struct msim_event event = {.order = 1, .account = 1, .kind = MSIM_EVENT_ACCEPTED};
    struct msim_fault_output output;
    struct msim_fault_said said;
    int failure = MSIM_OK;

    event.as.order.price = event.as.order.quantity = event.as.order.leaves = 10;
    for (int i = 0; i < 20; i++) {
        msim_time now = i * MSIM_NS_PER_MS;
        int r = msim_faults_submit(faults, now, msim_fault_session_link(session, MSIM_FAULT_OUT),
                                   &message);
        if (r < 0 && failure == MSIM_OK)
            failure = r;
        r = msim_faults_report(faults, now, &event);
        if (r < 0 && failure == MSIM_OK)
            failure = r;
        while ((r = msim_faults_pull(faults, now, &output)) == MSIM_PULL_RECORD)
            ;
        if (r < 0 && failure == MSIM_OK)
            failure = r;
        while ((r = msim_faults_said(faults, now, &said)) == MSIM_PULL_RECORD)
            ;
        if (r < 0 && failure == MSIM_OK)
            failure = r;
        struct msim_fault_balance balance =
            msim_fault_link_balance(msim_fault_session_link(session, MSIM_FAULT_OUT));
        assert_true(msim_fault_balance_holds(&balance));
    }
    int r = msim_faults_heal(faults, MSIM_NS_PER_S);
    return failure < 0 ? failure : r;
}

static int run_messages(const struct msim_allocator *allocator, void *context)
{
    struct msim_faults *faults = NULL;
    struct msim_fault_session *session = NULL;
    int r = with_session(allocator, &faults, &session);

    (void)context;
    if (r == MSIM_OK)
        r = msim_faults_add_all(faults, 0, plan, sizeof plan - 1, NULL);
    if (r == MSIM_OK)
        r = traffic(faults, session);
    msim_faults_destroy(&faults);
    return r;
}

static int run_a_scenario(const struct msim_allocator *allocator, void *context)
{
    static const char json[] = "{\"format\":1,\"strategies\":[{\"id\":\"a\",\"kind\":\"drop\","
                               "\"select\":{\"dir\":\"in\"}}],"
                               "\"timeline\":[{\"at\":\"1s\",\"do\":\"disable\",\"id\":\"a\"}],"
                               "\"expect\":[{\"strategy\":\"a\",\"hits_min\":0}]}";
    struct msim_faults *faults = NULL;
    struct msim_fault_session *session = NULL;
    char text[1024];
    size_t length = 0;
    int r = with_session(allocator, &faults, &session);

    (void)context;
    if (r == MSIM_OK)
        r = msim_faults_scenario_start(faults, 0, json, sizeof json - 1, NULL);
    if (r == MSIM_OK)
        r = msim_faults_scenario_stop(faults, MSIM_NS_PER_S / 2);
    if (r == MSIM_OK)
        r = msim_faults_scenario_report(faults, text, sizeof text, &length, NULL);
    if (r == MSIM_OK)
        r = msim_faults_statistics(faults, NULL, NULL, 0, &length) == MSIM_ERR_LIMIT
                ? MSIM_OK
                : MSIM_ERR_NOMEM;
    msim_faults_destroy(&faults);
    return r;
}

static int wrap_a_source(const struct msim_allocator *allocator, void *context)
{
    static const struct msim_record records[2] = {{.time = 1, .flags = MSIM_RECORD_NO_SYMBOL},
                                                  {.time = 2, .flags = MSIM_RECORD_NO_SYMBOL}};
    struct msim_source_array_params array = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_source_with_faults_params params = MSIM_SOURCE_WITH_FAULTS_PARAMS_INIT;
    struct msim_faults_params layer = MSIM_FAULTS_PARAMS_INIT;
    struct msim_source input = {0};
    struct msim_source source = {0};
    struct msim_record got[2];
    size_t count = 0;

    (void)context;
    layer.allocator = array.allocator = allocator;
    array.records = records;
    array.count = 2;
    int r = msim_faults_create(&params.faults, &layer, NULL);
    if (r == MSIM_OK)
        r = msim_source_array(&input, &array, NULL);
    if (r == MSIM_OK)
        r = msim_source_with_faults(&source, &input, &params, NULL);
    if (r == MSIM_OK)
        r = msim_source_pull(&source, got, 2, &count, NULL);
    msim_source_release(&source);
    msim_source_release(&input);
    msim_faults_destroy(&params.faults);
    return r;
}

#define RUN(attempt)                         \
    static void test_##attempt(void **state) \
    {                                        \
        (void)state;                         \
        FAIL_EACH_ALLOCATION(attempt, NULL); \
    }

RUN(create)
RUN(add_a_plan)
RUN(run_messages)
RUN(run_a_scenario)
RUN(wrap_a_source)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_without_memory_moves_nothing),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_add_a_plan),
        cmocka_unit_test(test_run_messages),
        cmocka_unit_test(test_run_a_scenario),
        cmocka_unit_test(test_wrap_a_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
