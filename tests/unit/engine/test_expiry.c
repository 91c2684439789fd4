#include "market.h"

#include "engine/state.h"

/* So many orders, of which some expire at the same moment; every number of them, as whether the
 * last one has a neighbour is half of what the heap's form depends on. */
#define MOST 70

static void all_that_is_due_is_counted(void **state)
{
    const struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    const struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    msim_time expires[MOST];
    uint32_t dice = 1;

    (void)state;
    for (size_t orders = 0; orders <= MOST; orders++) {
        struct msim_engine *engine = make_engine(&params, &terms);
        deposit(engine, 1, USD, 1000000);
        for (size_t i = 0; i < orders; i++) {
            struct msim_command order = limit(1, MSIM_SIDE_BUY, 10, 1);
            dice = dice * 1664525 + 1013904223;
            expires[i] = 1 + dice % 50;
            order.time_in_force = MSIM_TIF_GTD;
            order.expires_at = expires[i];
            apply(engine, order);
        }
        for (msim_time time = 0; time <= 51; time++) {
            size_t due = 0;
            for (size_t i = 0; i < orders; i++)
                due += expires[i] <= time;
            assert_int_equal(msim_expiry_count(engine, time), due);
        }
        msim_engine_destroy(&engine);
    }
}

/* Memory for what they leave behind is there before the first one goes. */
static void many_ids_expire_at_once(void **state)
{
    const struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    const struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;

    (void)state;
    for (uint64_t orders = 1; orders <= 300; orders++) {
        struct msim_engine *engine = make_engine(&params, &terms);
        deposit(engine, 1, USD, 1000000);
        for (uint64_t id = 1; id <= orders; id++) {
            struct msim_command order = limit(1, MSIM_SIDE_BUY, 10, 1);
            order.time_in_force = MSIM_TIF_GTD;
            order.expires_at = 100;
            order.client_id = id;
            apply(engine, order);
        }
        apply(engine, (struct msim_command){.kind = MSIM_COMMAND_TIME, .time = 100});
        assert_int_equal(told(engine, MSIM_EVENT_EXPIRED, NULL), orders);
        assert_int_equal(msim_engine_audit(engine, NULL), MSIM_OK);
        msim_engine_destroy(&engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_due_is_counted),
        cmocka_unit_test(many_ids_expire_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
