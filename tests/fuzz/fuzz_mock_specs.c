/*
 * The specs of models, symbols, scenarios and correlations, chosen by the first byte.  What
 * is accepted must make a market that gives records.
 */
#include <marketsim/mock.h>
#include <stdlib.h>

#define SYMBOLS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct msim_mock_params *params)
{
    struct msim_source source;
    struct msim_record records[32];
    struct msim_detail detail;
    size_t count;

    if (msim_source_mock(&source, params, &detail) < 0)
        return;
    if (msim_source_pull(&source, records, 32, &count, &detail) == MSIM_PULL_RECORD)
        for (size_t i = 0; i < count; i++)
            if (records[i].kind == MSIM_RECORD_QUOTE &&
                records[i].as.quote.bid >= records[i].as.quote.ask)
                abort();
    msim_source_release(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_mock_symbol symbols[SYMBOLS];
    struct msim_mock_event events[SYMBOLS];
    double matrix[SYMBOLS * SYMBOLS];
    struct msim_detail detail;
    size_t count = 0;

    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size_t length = size - 1;
    int r = MSIM_ERR_INVALID;
    switch (data[0] % 4) {
    case 0:
        r = msim_mock_parse_model(text, length, &params.model, &detail);
        break;
    case 1:
        r = msim_mock_parse_symbols(text, length, symbols, SYMBOLS, &count, &detail);
        params.symbols = symbols;
        params.symbol_count = count;
        break;
    case 2:
        r = msim_mock_parse_scenario(text, length, events, SYMBOLS, &count, &detail);
        params.scenario = events;
        params.scenario_count = count;
        break;
    default:
        r = msim_mock_parse_correlation(text, length, msim_mock_default_symbols(&count), SYMBOLS,
                                        matrix, &detail);
        params.correlation = matrix;
    }
    if (r == MSIM_OK)
        run(&params);
    return 0;
}
