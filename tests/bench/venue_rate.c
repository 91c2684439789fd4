/*
 * Orders through a venue: submit, and pull all that it tells, on one core.
 *
 *     venue-rate [ORDERS [WAY]]
 *
 * Half of the orders rest and half take one of them.  Every way of running is done in turn, five
 * times, and the median of the processor's time is told; WAY picks one of them, for a profiler.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <marketsim/venue.h>

#define ROUNDS 5
#define WAYS 7

struct way {
    const char *name;
    bool journal;
    bool faults;
    bool outside;
    bool named;
    bool bare; /* no records, no histories */
    const char *strategy;
};

static const struct way ways[WAYS] = {
    {.name = "bare", .bare = true},
    {.name = "usual"},
    {.name = "with client ids", .named = true},
    {.name = "with a journal", .journal = true},
    {.name = "failure layer, wire outside", .faults = true, .outside = true},
    {.name = "failure layer, wire inside", .faults = true},
    {.name = "failure layer, one delay",
     .faults = true,
     .strategy = "[{\"kind\":\"delay\",\"dist\":\"1ms\",\"select\":{\"dir\":\"out\",\"account\":"
                 "\"bob\"}}]"},
};

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int r)
{
    if (r < 0) {
        fprintf(stderr, "venue-rate: %s\n", msim_result_text(r));
        exit(1);
    }
}

static double run(const struct way *way, long orders)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_journal journal = {0};
    struct msim_venue *venue = NULL;
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
    struct msim_venue_output out;
    uint32_t accounts[2];
    char name[40];

    must(msim_journal_memory(&journal, NULL));
    params.journal = way->journal ? &journal : NULL;
    params.faults = way->faults ? &faults : NULL;
    params.flags = (way->outside ? MSIM_VENUE_WIRE_OUTSIDE : 0) |
                   (way->bare ? MSIM_VENUE_NO_RECORDS | MSIM_VENUE_NO_HISTORIES : 0);
    must(msim_venue_create(&venue, &params, NULL));
    must(msim_venue_asset_add(venue, "USD", -5, NULL, NULL));
    must(msim_venue_asset_add(venue, "BTC", -5, NULL, NULL));
    terms.symbol = "BTC/USD";
    terms.base_asset = 1;
    terms.price_exponent = -2;
    terms.quantity_exponent = -3;
    must(msim_venue_instrument_add(venue, &terms, NULL, NULL));
    must(msim_venue_account(venue, "alice", 5, &accounts[0]));
    must(msim_venue_account(venue, "bob", 3, &accounts[1]));
    for (uint32_t i = 0; i < 4; i++)
        must(msim_venue_deposit(venue, 0, accounts[i / 2], i % 2, INT64_C(1) << 60));
    if (way->strategy)
        must(msim_faults_add_all(msim_venue_faults(venue), 0, way->strategy, strlen(way->strategy),
                                 NULL));
    order.command.kind = MSIM_COMMAND_NEW;
    order.command.type = MSIM_ORDER_LIMIT;
    order.command.quantity = 1;

    uint64_t told = 0;
    const double begin = seconds();
    for (long i = 0; i < orders; i++) {
        order.command.account = accounts[i & 1];
        order.command.side = i & 1 ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
        order.command.price = 10000 - (i >> 1) % 16;
        order.command.time = i * 1000;
        if (way->named) {
            order.client_id = name;
            order.client_id_length = (size_t)snprintf(name, sizeof name, "order-%ld", i);
        }
        must(msim_venue_submit(venue, &order));
        while (msim_venue_pull(venue, i * 1000, &out, NULL) == MSIM_PULL_RECORD)
            told += out.event ? out.event->sequence : 1;
    }
    const double took = seconds() - begin;
    if (told == 0)
        must(MSIM_ERR_STATE);
    msim_venue_destroy(&venue);
    msim_journal_release(&journal);
    return took / (double)orders * 1e9;
}

static int by_size(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;

    return left < right ? -1 : left > right;
}

int main(int argument_count, char **arguments)
{
    const long orders = argument_count > 1 ? atol(arguments[1]) : 400000;
    const int only = argument_count > 2 ? atoi(arguments[2]) : WAYS;
    const int first = only >= 0 && only < WAYS ? only : 0;
    const int end = only >= 0 && only < WAYS ? only + 1 : WAYS;
    double times[WAYS][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (int way = first; way < end; way++)
            times[way][round] = run(&ways[way], orders);
    for (int way = first; way < end; way++) {
        qsort(times[way], ROUNDS, sizeof times[way][0], by_size);
        const double median = times[way][ROUNDS / 2];
        printf("%-30s %7.0f ns an order, %5.2f million a second\n", ways[way].name, median,
               1e3 / median);
    }
    return 0;
}
