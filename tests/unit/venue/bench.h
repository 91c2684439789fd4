/*
 * A venue of one instrument to try things on: BTC/USD, prices in cents, 1/1000 lots.
 */
#ifndef TESTS_UNIT_VENUE_BENCH_H
#define TESTS_UNIT_VENUE_BENCH_H

#include <stdio.h>
#include <string.h>

#include <marketsim/venue.h>

#include "check.h"

#define SECOND MSIM_NS_PER_S

struct bench {
    struct msim_venue *venue;
    uint32_t usd;
    uint32_t btc;
    uint32_t instrument;
    uint32_t alice;
    uint32_t bob;
    char told[8192]; /* what was pulled, in words */
    size_t told_length;
};

static inline uint32_t bench_instrument(struct bench *bench, const char *symbol)
{
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    uint32_t id = 99;

    params.symbol = symbol;
    params.base_asset = bench->btc;
    params.quote_asset = bench->usd;
    params.price_exponent = -2;
    params.quantity_exponent = -3;
    params.taker_fee = 1000;
    params.reference_price = 10000;
    assert_int_equal(msim_venue_instrument_add(bench->venue, &params, &id, NULL), 0);
    return id;
}

static inline uint32_t bench_account(struct bench *bench, const char *name)
{
    uint32_t account = 0;

    assert_int_equal(msim_venue_account(bench->venue, name, strlen(name), &account), 1);
    assert_int_equal(msim_venue_deposit(bench->venue, 0, account, bench->usd, INT64_C(1) << 50), 0);
    assert_int_equal(msim_venue_deposit(bench->venue, 0, account, bench->btc, INT64_C(1) << 50), 0);
    return account;
}

static inline void bench_drain(struct bench *bench)
{
    struct msim_venue_output out;

    while (msim_venue_pull(bench->venue, msim_venue_time(bench->venue), &out, NULL) ==
           MSIM_PULL_RECORD)
        ;
}

static inline void bench_open(struct bench *bench, const struct msim_venue_params *params)
{
    const struct msim_venue_params usual = MSIM_VENUE_PARAMS_INIT;
    struct msim_detail detail;

    memset(bench, 0, sizeof *bench);
    assert_int_equal(msim_venue_create(&bench->venue, params ? params : &usual, &detail), 0);
    assert_int_equal(msim_venue_asset_add(bench->venue, "USD", -5, &bench->usd, NULL), 0);
    assert_int_equal(msim_venue_asset_add(bench->venue, "BTC", -5, &bench->btc, NULL), 0);
    bench->instrument = bench_instrument(bench, "BTC/USD");
    bench->alice = bench_account(bench, "alice");
    bench->bob = bench_account(bench, "bob");
    bench_drain(bench);
}

static inline void bench_close(struct bench *bench)
{
    msim_venue_destroy(&bench->venue);
}

static inline struct msim_venue_order bench_order(uint32_t account, uint8_t side, msim_price price,
                                                  msim_qty quantity, msim_time time)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    order.command.kind = MSIM_COMMAND_NEW;
    order.command.type = MSIM_ORDER_LIMIT;
    order.command.account = account;
    order.command.side = side;
    order.command.price = price;
    order.command.quantity = quantity;
    order.command.time = time;
    return order;
}

static inline int bench_place(struct bench *bench, uint32_t account, uint8_t side, msim_price price,
                              msim_qty quantity, msim_time time)
{
    struct msim_venue_order order = bench_order(account, side, price, quantity, time);

    return msim_venue_submit(bench->venue, &order);
}

/* The private events of the robots up to `until`, such as "alice ACCEPTED 1, bob FILL 3@100". */
static inline const char *bench_told(struct bench *bench, msim_time until)
{
    struct msim_venue_output out;
    size_t at = 0;

    bench->told[0] = '\0';
    while (msim_venue_pull(bench->venue, until, &out, NULL) == MSIM_PULL_RECORD) {
        if (out.kind != MSIM_VENUE_EVENT || out.account == MSIM_VENUE_PUBLIC ||
            out.event->kind == MSIM_EVENT_BALANCE || out.event->kind == MSIM_EVENT_POSITION)
            continue;
        int r = snprintf(bench->told + at, sizeof bench->told - at, "%s%s %s", at ? ", " : "",
                         msim_venue_account_name(bench->venue, out.account),
                         msim_event_kind_name(out.event->kind));
        at += (size_t)r;
        if (out.event->kind == MSIM_EVENT_FILL)
            at += (size_t)snprintf(bench->told + at, sizeof bench->told - at, " %lld@%lld",
                                   (long long)out.event->as.fill.quantity,
                                   (long long)out.event->as.fill.price);
        if (out.event->kind == MSIM_EVENT_REJECTED)
            at += (size_t)snprintf(bench->told + at, sizeof bench->told - at, " %s",
                                   msim_reject_name(out.event->code));
    }
    return bench->told;
}

#endif
