/*
 * A price model of one's own: a coin that moves the price up or down by one part in a thousand, and
 * falls on its lucky side in 55 of 100 throws.
 *
 *     own-model [SEED]
 *
 * Prints the first trades of a market that it moves.
 */
#include <marketsim/marketsim.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TRADES 10

/* A function of the step and of a state of its own: `context` counts the falls. */
static double coin(void *context, const struct msim_mock_step *step)
{
    uint64_t *falls = context;

    ++*falls;
    if (step->years == 0)
        return step->price;
    return step->price * (step->bits[0] % 100 < 55 ? 1.001 : 1 / 1.001);
}

int main(int argument_count, char **arguments)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_mock_symbol symbol = {.name = "COIN", .price = 10000};
    struct msim_source source = {0};
    struct msim_detail detail = {""};
    uint64_t falls = 0;
    int told = 0;
    char *end = NULL;

    params.seed = argument_count > 1 ? strtoull(arguments[1], &end, 10) : 1;
    if (argument_count > 2 || params.seed == 0 || (end && *end != '\0')) {
        fputs("usage: own-model [SEED], a whole number from 1 (1)\n", stderr);
        return 2;
    }
    params.start = INT64_C(1704205800) * MSIM_NS_PER_S; /* 2024-01-02 14:30:00 */
    params.symbols = &symbol;
    params.symbol_count = 1;
    params.model.kind = MSIM_MOCK_USER;
    params.model.user = coin;
    params.model.context = &falls;

    int r = msim_source_mock(&source, &params, &detail);
    while (r >= 0 && told < TRADES) {
        struct msim_record record;
        size_t count = 0;
        r = msim_source_pull(&source, &record, 1, &count, &detail);
        if (r != MSIM_PULL_RECORD)
            break;
        if (record.kind == MSIM_RECORD_TRADE) {
            char line[128];
            msim_record_print(&record, msim_source_symbol(&source, record.symbol, NULL), line,
                              sizeof line);
            puts(line);
            told++;
        }
    }
    msim_source_release(&source);
    if (r < 0) {
        fprintf(stderr, "own-model: %s\n", detail.text);
        return 1;
    }
    printf("%" PRIu64 " falls of the coin\n", falls);
    return 0;
}
