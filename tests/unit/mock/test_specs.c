#include "check.h"

#include <marketsim/mock.h>
#include <string.h>

static struct msim_detail detail;

static int model(const char *text, struct msim_mock_model *out)
{
    return msim_mock_parse_model(text, strlen(text), out, &detail);
}

static int symbols(const char *text, struct msim_mock_symbol *out, size_t capacity, size_t *count)
{
    return msim_mock_parse_symbols(text, strlen(text), out, capacity, count, &detail);
}

static int scenario(const char *text, struct msim_mock_event *out, size_t *count)
{
    return msim_mock_parse_scenario(text, strlen(text), out, 4, count, &detail);
}

static void a_model_has_its_defaults_and_what_is_said(void **state)
{
    struct msim_mock_model parsed;

    (void)state;
    assert_int_equal(model("garch", &parsed), MSIM_OK);
    assert_int_equal(parsed.kind, MSIM_MOCK_GARCH);
    assert_true(parsed.alpha == 0.1 && parsed.beta == 0.88 && parsed.step == 60);
    assert_int_equal(model(" gbm : mu = -0.05 , sigma=0.3", &parsed), MSIM_OK);
    assert_true(parsed.mu == -0.05 && parsed.sigma == 0.3);
}

static void a_wrong_model_is_answered_with_place_and_remedy(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } wrong[] = {
        {"", "did you mean 'ou'"},
        {"gmb", "no model 'gmb'; did you mean 'gbm'?"},
        {"gbm:sigam=1", "column 5: gbm has no parameter 'sigam'; did you mean 'sigma'?"},
        {"gbm:mu=0.05,sigma", "column 13: 'sigma' wants a value"},
        {"gbm:mu=x", "column 8: 'x' is no number for mu"},
        {"gbm:mu=", "column 8: '' is no number for mu"},
        {"gbm:sigma=-1", "sigma is 0 to 100"},
        {"gbm,mu=1", "column 4: a ':' parts the model from its parameters: gbm:mu=0.05"},
        {"gbm:mu=1,", "a parameter is missing behind the ','"},
        {"garch:alpha=0.5,beta=0.5", "alpha + beta is 1; below 1"},
        {"trend:hold=0.5", "hold is 0.5 s; 0 (never turns) or at least 1"},
        {"user", "no model 'user'"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct msim_mock_model parsed = {.kind = 77};
        assert_int_equal(model(wrong[i].text, &parsed), MSIM_ERR_INVALID);
        assert_int_equal(parsed.kind, 77);
        if (!strstr(detail.text, wrong[i].words))
            fail_msg("'%s' is answered with: %s", wrong[i].text, detail.text);
    }
}

static void symbols_have_prices_and_models_of_their_own(void **state)
{
    struct msim_mock_symbol list[8];
    size_t count = 0;

    (void)state;
    assert_int_equal(symbols("AAPL=230@gbm:sigma=0.25,TSLA=250@jump", list, 8, &count), MSIM_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(list[0].name, "AAPL", list[0].length);
    assert_int_equal(list[0].price, 23000);
    assert_int_equal(list[0].model.kind, MSIM_MOCK_GBM);
    assert_true(list[0].model.sigma == 0.25);
    assert_int_equal(list[1].price, 25000);
    assert_int_equal(list[1].model.kind, MSIM_MOCK_JUMP);

    assert_int_equal(
        symbols("A@gbm:mu=1,sigma=0.5,MSFT, b=3.5@ou:mean=3;c=1,X@walk", list, 8, &count), MSIM_OK);
    assert_int_equal(count, 5);
    assert_true(list[0].model.mu == 1 && list[0].model.sigma == 0.5);
    assert_int_equal(list[0].price, 0);
    assert_int_equal(list[1].price, 50000);
    assert_int_equal(list[1].model.kind, MSIM_MOCK_DEFAULT);
    assert_int_equal(list[2].price, 350);
    assert_memory_equal(list[3].name, "c", 1);
    assert_int_equal(list[4].model.kind, MSIM_MOCK_WALK);
}

static void a_wrong_symbol_is_answered_with_place_and_remedy(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *words;
    } wrong[] = {
        {"", MSIM_ERR_INVALID, "column 1: a symbol's name is missing"},
        {"A,,B", MSIM_ERR_INVALID, "column 3: a symbol's name is missing"},
        {"A=", MSIM_ERR_INVALID, "no price above 0; write it like A=100.50"},
        {"A=-3", MSIM_ERR_INVALID, "'-3' is no price above 0"},
        {"A=0", MSIM_ERR_INVALID, "no price above 0"},
        {"A=1.005", MSIM_ERR_INVALID, "not on the tick grid of 0.01"},
        {"A=99999999999999999999", MSIM_ERR_INVALID, "column 3"},
        {"A@", MSIM_ERR_INVALID, "no model ''"},
        {"A=3@gbn", MSIM_ERR_INVALID, "column 5: no model 'gbn'; did you mean 'gbm'?"},
        {"A@gbm:sigma=0.3,kapa=1", MSIM_ERR_INVALID, "column 17: gbm has no parameter 'kapa'"},
        {"A B", MSIM_ERR_INVALID, "column 2: a space or control byte within a name"},
        {"A,B,A", MSIM_ERR_INVALID, "A is named twice"},
        {"A,B,C,D", MSIM_ERR_LIMIT, "more than 3 at column 7"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct msim_mock_symbol list[3];
        size_t count = 77;
        assert_int_equal(symbols(wrong[i].text, list, 3, &count), wrong[i].result);
        assert_int_equal(count, 77);
        if (!strstr(detail.text, wrong[i].words))
            fail_msg("'%s' is answered with: %s", wrong[i].text, detail.text);
    }
}

static void a_scenario_is_read_event_by_event(void **state)
{
    struct msim_mock_event events[4];
    size_t count = 0;

    (void)state;
    assert_int_equal(scenario("gap:at=60s,size=-0.05; halt:at=2m,for=30s,symbol=AAPL;"
                              "crash:at=1h,for=2m,size=-0.08;silence:at=0s,for=250ms;",
                              events, &count),
                     MSIM_OK);
    assert_int_equal(count, 4);
    assert_int_equal(events[0].kind, MSIM_MOCK_GAP);
    assert_int_equal(events[0].at, 60 * MSIM_NS_PER_S);
    assert_true(events[0].size == -0.05);
    assert_int_equal(events[1].length, 30 * MSIM_NS_PER_S);
    assert_memory_equal(events[1].symbol, "AAPL", events[1].symbol_length);
    assert_int_equal(events[2].kind, MSIM_MOCK_CRASH);
    assert_int_equal(events[3].length, 250 * MSIM_NS_PER_MS);
    assert_int_equal(scenario("", events, &count), MSIM_OK);
    assert_int_equal(count, 0);
}

static void a_wrong_scenario_is_answered_with_place_and_remedy(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } wrong[] = {
        {"hald:at=1s", "did you mean 'halt'?"},
        {"gap", "'gap' wants its fields"},
        {"gap:", "no field ''"},
        {"gap:sze=1", "column 5: no field 'sze'; did you mean 'size'?"},
        {"gap:at=1,size=1", "column 8: '1' is no duration"},
        {"gap:at=99999999999h,size=1", "is no duration"},
        {"gap:at=1s", "lacks a field like size=-0.05"},
        {"halt:at=1s", "lacks a field like for=30s"},
        {"gap:at=1s,at=2s", "'at' is given twice"},
        {"halt:at=1s,for=1s,symbol=", "a symbol is missing"},
        {"gap:at=1s,size=1;;gap:at=1s,size=1", "no event ''"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct msim_mock_event events[4];
        size_t count;
        assert_int_equal(scenario(wrong[i].text, events, &count), MSIM_ERR_INVALID);
        if (!strstr(detail.text, wrong[i].words))
            fail_msg("'%s' is answered with: %s", wrong[i].text, detail.text);
    }
}

static const struct msim_mock_symbol three[] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};

static int correlation(const char *text, double matrix[9])
{
    return msim_mock_parse_correlation(text, strlen(text), three, 3, matrix, &detail);
}

static void a_matrix_is_read_in_any_order_of_names(void **state)
{
    double matrix[9];
    const double expected[9] = {1, 0, 0.6, 0, 1, 0, 0.6, 0, 1};

    (void)state;
    assert_int_equal(correlation("# two of three\n,C,A\nC,1,0.6 # row\n\nA\t0.6 1", matrix),
                     MSIM_OK);
    for (size_t i = 0; i < 9; i++)
        assert_true(matrix[i] == expected[i]);
}

static void a_wrong_matrix_is_answered_with_its_line(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } wrong[] = {
        {"", "0 rows for 0 names"},
        {"A,B\nA,1,0\n", "1 rows for 2 names"},
        {"A,Q\n", "line 1: Q is not among the symbols"},
        {"A,A\n", "line 1: A has two columns"},
        {"A,B\nB,1,0\n", "line 2: the row of B; rows come in the order"},
        {"A,B\nA,1\n", "line 2, column 3: '' is no number"},
        {"A,B\nA,1,x\n", "line 2, column 3: 'x' is no number"},
        {"A,B\nA,1,0,0\n", "line 2: more numbers than names"},
        {"A\nA,1\nA,1\n", "line 3: a row too many"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        double matrix[9];
        assert_true(correlation(wrong[i].text, matrix) < 0);
        if (!strstr(detail.text, wrong[i].words))
            fail_msg("'%s' is answered with: %s", wrong[i].text, detail.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_has_its_defaults_and_what_is_said),
        cmocka_unit_test(a_wrong_model_is_answered_with_place_and_remedy),
        cmocka_unit_test(symbols_have_prices_and_models_of_their_own),
        cmocka_unit_test(a_wrong_symbol_is_answered_with_place_and_remedy),
        cmocka_unit_test(a_scenario_is_read_event_by_event),
        cmocka_unit_test(a_wrong_scenario_is_answered_with_place_and_remedy),
        cmocka_unit_test(a_matrix_is_read_in_any_order_of_names),
        cmocka_unit_test(a_wrong_matrix_is_answered_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
