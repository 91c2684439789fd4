/*
 * The rules of the quotes feed, held on every event of every model: on the records, and on
 * the encoded text as a client reads it.
 *
 *     law-rules [--steps N]     N events of each model
 */
#include "law/law.h"

#include <marketsim/codec.h>
#include <marketsim/mock.h>

#include "base/random.h"

#define SYMBOLS 8
#define SEED 99
#define BATCH 512
/* Events whose text is read back, of each model; all others are held to the rules as records. */
#define TEXTS 1000000
/* Request ids that are remembered: a table four times as large stays under 64 MiB. */
#define REMEMBERED 2000000
#define TABLE (4 * REMEMBERED)

struct symbol {
    struct msim_listing listing;
    struct msim_record quote;
    msim_time trade_time;
    msim_time quote_time;
    uint64_t quote_id;
    bool any;
};

struct rules {
    const char *model;
    struct symbol symbols[SYMBOLS];
    uint64_t *ids; /* halves of the request ids seen, open addressing, 0 is free */
    size_t remembered;
    size_t events;
    size_t broken;
};

static void check(struct rules *rules, bool good, const char *rule)
{
    if (good)
        return;
    if (rules->broken++ < 5)
        printf("FAIL %s, event %zu: %s\n", rules->model, rules->events, rule);
}

/* 32 hex digits; the halves of two ids are equal once in 10^7 runs. */
static void check_request(struct rules *rules, const char *id)
{
    check(rules, strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32,
          "request_id is 32 lower-case hex digits");
    if (rules->remembered == REMEMBERED)
        return;
    uint64_t half = msim_fnv(id, 32) | 1;
    size_t at = (size_t)(half >> 13) % TABLE;
    while (rules->ids[at] != 0) {
        if (rules->ids[at] == half) {
            check(rules, false, "request_id is unique");
            return;
        }
        at = (at + 1) % TABLE;
    }
    rules->ids[at] = half;
    rules->remembered++;
}

static void check_records(struct rules *rules, struct symbol *symbol,
                          const struct msim_record *trade)
{
    const struct msim_quote_data *quote = &symbol->quote.as.quote;
    msim_price price = trade->as.trade.price;

    check(rules, symbol->quote.kind == MSIM_RECORD_QUOTE, "a quote comes before the first trade");
    check(rules, trade->price_exponent == -2 && symbol->quote.price_exponent == -2,
          "prices are on the grid of 0.01");
    check(rules, quote->bid >= 1 && quote->bid < quote->ask, "0 < bid < ask");
    check(rules, quote->bid <= price && price <= quote->ask, "bid <= P <= ask");
    check(rules, price == quote->bid || price == quote->ask, "a trade is at the bid or the ask");
    check(rules, price - quote->bid <= quote->ask - quote->bid, "P - p is within the spread");
    check(rules, (trade->as.trade.side == MSIM_SIDE_BUY) == (price == quote->ask),
          "buyers pay the ask");
    check(rules,
          quote->bid_quantity >= 100 && quote->bid_quantity % 100 == 0 &&
              quote->ask_quantity >= 100 && quote->ask_quantity % 100 == 0 &&
              trade->as.trade.quantity >= 100 && trade->as.trade.quantity % 100 == 0,
          "sizes are whole round lots, at least one");
    check(rules, !symbol->any || quote->id > symbol->quote_id, "q grows with every quote");
    check(rules, symbol->quote.time <= trade->time, "y <= t");
    check(rules,
          !symbol->any ||
              (trade->time >= symbol->trade_time && symbol->quote.time >= symbol->quote_time),
          "t and y never fall");
}

static void check_text(struct rules *rules, struct symbol *symbol, const struct msim_record *trade)
{
    char text[MSIM_QUOTES_EVENT_MAX];
    char scratch[MSIM_QUOTES_EVENT_MAX];
    struct msim_quotes_message message;
    size_t length;

    int r = msim_quotes_encode(&symbol->listing, &symbol->quote, trade, text, sizeof text, &length);
    check(rules, r == MSIM_OK, "an event has a text");
    r = msim_quotes_decode(text, length, &message, scratch, NULL);
    check(rules, r == MSIM_OK, "the text is an event");
    if (r < 0)
        return;
    check_request(rules, message.request_id);
    check(rules, message.price_exponent >= -2 && message.bid_exponent >= -2,
          "prices have at most two decimals");
    for (; message.price_exponent > -2; message.price_exponent--)
        message.price *= 10;
    for (; message.bid_exponent > -2; message.bid_exponent--)
        message.bid *= 10;
    check(rules,
          message.price == trade->as.trade.price && message.bid == symbol->quote.as.quote.bid,
          "the text has the record's prices");
    check(rules,
          message.bid_size * 100 == symbol->quote.as.quote.bid_quantity &&
              message.ask_size * 100 == symbol->quote.as.quote.ask_quantity,
          "sizes are told in round lots");
    check(rules, message.trade_time == trade->time && message.quote_time == symbol->quote.time,
          "stamps are the records'");
    check(rules, strcmp(message.status, "OK") == 0, "the status is OK");
}

static void take(struct rules *rules, const struct msim_record *record)
{
    struct symbol *symbol = &rules->symbols[record->symbol];

    if (record->kind == MSIM_RECORD_QUOTE) {
        symbol->quote = *record;
        return;
    }
    check_records(rules, symbol, record);
    if (rules->events < TEXTS)
        check_text(rules, symbol, record);
    symbol->any = true;
    symbol->quote_id = symbol->quote.as.quote.id;
    symbol->trade_time = record->time;
    symbol->quote_time = symbol->quote.time;
    rules->events++;
}

static void run(struct rules *rules, const struct msim_mock_params *params, size_t events)
{
    static struct msim_record records[BATCH];
    struct msim_source source;
    uint64_t sequence = 0;
    msim_time before = INT64_MIN;
    size_t count;

    if (msim_source_mock(&source, params, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        size_t length;
        const char *name = msim_source_symbol(&source, i, &length);
        rules->symbols[i] = (struct symbol){0};
        if (msim_listing_init(&rules->symbols[i].listing, SEED, name, length) < 0)
            abort();
    }
    rules->events = 0;
    rules->remembered = 0;
    memset(rules->ids, 0, TABLE * sizeof *rules->ids);
    while (rules->events < events &&
           msim_source_pull(&source, records, BATCH, &count, NULL) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            check(rules, records[i].sequence == sequence++, "sequence is dense");
            check(rules, records[i].time >= before, "time never falls");
            before = records[i].time;
            take(rules, &records[i]);
        }
    }
    check(rules, rules->events >= events, "the source goes on");
    msim_source_release(&source);
    printf("%-4s %-24s %zu events\n", rules->broken ? "FAIL" : "ok", rules->model, rules->events);
}

int main(int argument_count, char **arguments)
{
    size_t events = law_steps(argument_count, arguments, 1000000);
    struct rules rules = {.ids = calloc(TABLE, sizeof *rules.ids)};

    if (!rules.ids)
        abort();
    for (int kind = MSIM_MOCK_GBM; kind < MSIM_MOCK_USER; kind++) {
        struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
        params.seed = SEED;
        params.start = INT64_C(1700000000000000000);
        params.lead = 364 * MSIM_NS_PER_US;
        params.interval = 2 * MSIM_NS_PER_S;
        /* Each model meets another way of arriving. */
        params.arrivals = (uint32_t)(kind - 1) % 3;
        params.selection = params.arrivals == MSIM_MOCK_GRID ? MSIM_MOCK_ONE : MSIM_MOCK_ALL;
        params.season = params.arrivals == MSIM_MOCK_HAWKES ? 3 : 0;
        params.market = kind == MSIM_MOCK_JUMP ? 0.5 : 0;
        msim_mock_model_init(&params.model, (enum msim_mock_kind)kind);
        rules.model = msim_mock_model_name((uint32_t)kind);
        run(&rules, &params, events);
    }
    free(rules.ids);
    if (rules.broken)
        printf("%zu rules broken\n", rules.broken);
    return rules.broken > 0;
}
