/*
 * A backtest on a bad line: the records of any source meet strategies of the failure layer on
 * their way, and the layer says afterwards what it did to them.
 */
#include <marketsim/marketsim.h>

#include <stdio.h>
#include <string.h>

static const char plan[] =
    "[{\"id\":\"loss\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"p\":0.05},"
    " {\"id\":\"late\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"p\":0.5,\"dist\":\"20ms\"}"
    "]";

/* What came through, counted; a robot would stand here. */
static int run(struct msim_source *source, size_t *heard, struct msim_detail *detail)
{
    struct msim_record records[64];
    size_t count;
    int r;

    while ((r = msim_source_pull(source, records, 64, &count, detail)) == MSIM_PULL_RECORD)
        *heard += count;
    return r;
}

int main(int argument_count, char **arguments)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_mock_params market = MSIM_MOCK_PARAMS_INIT;
    struct msim_source_with_faults_params line = MSIM_SOURCE_WITH_FAULTS_PARAMS_INIT;
    struct msim_detail detail = {""};
    struct msim_source source = {0};
    char statistics[8192];
    size_t length;
    size_t heard = 0;

    (void)arguments;
    if (argument_count > 1) {
        fputs("usage: faulty-source, without arguments\n", stderr);
        return 2;
    }
    market.end = 3600 * MSIM_NS_PER_S;
    int r = msim_faults_create(&line.faults, &params, &detail);
    if (r == MSIM_OK)
        r = msim_faults_add_all(line.faults, 0, plan, strlen(plan), &detail);
    if (r == MSIM_OK)
        r = msim_source_mock(&source, &market, &detail);
    if (r == MSIM_OK)
        r = msim_source_with_faults(&source, &source, &line, &detail);
    if (r == MSIM_OK)
        r = run(&source, &heard, &detail);
    if (r >= 0)
        r = msim_faults_statistics(line.faults, "loss", statistics, sizeof statistics, &length);
    if (r < 0)
        fprintf(stderr, "faulty-source: %s\n", detail.text[0] ? detail.text : msim_result_text(r));
    else
        printf("%zu records came through; of the losses:\n%s\n", heard, statistics);
    msim_source_release(&source);
    msim_faults_destroy(&line.faults);
    return r < 0;
}
