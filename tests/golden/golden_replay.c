/*
 * Whole runs as one number each.  The numbers must be the same from every compiler, at every
 * optimisation, on every machine: a change of one is a change of what users get, and needs a
 * line in the changelog.
 */
#include "check.h"

#include <string.h>

#include <marketsim/codec.h>
#include <marketsim/mock.h>
#include <marketsim/source.h>

#include "base/random.h"

#define RECORDS 20000

/* Byte by byte in an order of our own, so that the host's does not matter. */
static uint64_t add_number(uint64_t digest, uint64_t number)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    return msim_fnv_more(digest, bytes, sizeof bytes);
}

static uint64_t add_record(uint64_t digest, const struct msim_record *record)
{
    digest = add_number(digest, (uint64_t)record->time);
    digest = add_number(digest, record->sequence);
    digest = add_number(digest, record->symbol);
    digest = add_number(digest, record->kind | (uint64_t)record->flags << 8 |
                                    (uint64_t)(uint8_t)record->price_exponent << 16 |
                                    (uint64_t)(uint8_t)record->quantity_exponent << 24);
    if (record->kind == MSIM_RECORD_TRADE) {
        digest = add_number(digest, (uint64_t)record->as.trade.price);
        digest = add_number(digest, (uint64_t)record->as.trade.quantity);
        digest = add_number(digest, record->as.trade.side);
    } else if (record->kind == MSIM_RECORD_QUOTE) {
        digest = add_number(digest, (uint64_t)record->as.quote.bid);
        digest = add_number(digest, (uint64_t)record->as.quote.ask);
        digest = add_number(digest, (uint64_t)record->as.quote.bid_quantity);
        digest = add_number(digest, (uint64_t)record->as.quote.ask_quantity);
    }
    return digest;
}

/* The first records of a source, which is released. */
static uint64_t digest_of(struct msim_source *source)
{
    uint64_t digest = MSIM_FNV_START;
    struct msim_record records[64];
    size_t seen = 0;
    size_t count = 0;

    while (seen < RECORDS &&
           msim_source_pull(source, records, COUNT(records), &count, NULL) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count && seen < RECORDS; i++, seen++) {
            size_t length = 0;
            const char *name = msim_source_symbol(source, records[i].symbol, &length);
            assert_non_null(name);
            digest = msim_fnv_more(add_record(digest, &records[i]), name, length);
        }
    }
    assert_int_equal(seen, RECORDS);
    msim_source_release(source);
    return digest;
}

static void open_mock(struct msim_source *source, enum msim_mock_kind kind, uint64_t seed)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_detail detail;

    params.seed = seed;
    params.start = INT64_C(1656633600) * MSIM_NS_PER_S;
    assert_int_equal(msim_mock_model_init(&params.model, kind), MSIM_OK);
    if (msim_source_mock(source, &params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void assert_digest(uint64_t got, uint64_t wanted)
{
    if (got != wanted)
        fail_msg("the digest is 0x%016llx, was 0x%016llx", (unsigned long long)got,
                 (unsigned long long)wanted);
}

static void each_price_model_gives_the_same_market_everywhere(void **state)
{
    static const uint64_t wanted[] = {
        [MSIM_MOCK_GBM] = UINT64_C(0x3617b72b79eab237),
        [MSIM_MOCK_WALK] = UINT64_C(0xa20bdfd5c9da298e),
        [MSIM_MOCK_TREND] = UINT64_C(0xc92174e748f9c3d1),
        [MSIM_MOCK_OU] = UINT64_C(0x11babf3ac856cc4d),
        [MSIM_MOCK_JUMP] = UINT64_C(0xcef74d371e455ca7),
        [MSIM_MOCK_GARCH] = UINT64_C(0xb2ef702fe37c99db),
    };

    (void)state;
    for (int kind = MSIM_MOCK_GBM; kind <= MSIM_MOCK_GARCH; kind++) {
        struct msim_source source;
        open_mock(&source, (enum msim_mock_kind)kind, 42);
        assert_digest(digest_of(&source), wanted[kind]);
    }
}

static void a_merge_gives_the_same_order_everywhere(void **state)
{
    struct msim_source inputs[3];
    struct msim_source merge;

    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++)
        open_mock(&inputs[i], MSIM_MOCK_GBM, i % 2);
    assert_int_equal(msim_source_merge(&merge, inputs, COUNT(inputs), NULL), MSIM_OK);
    assert_digest(digest_of(&merge), UINT64_C(0xb28e113bf3d308fa));
}

static void the_replay_feed_has_the_same_bytes_everywhere(void **state)
{
    static struct msim_record records[RECORDS];
    static const char *const names[] = {"10000NFT-USDT-SWAP@BYBIT", "\xC3\xA9\"\\\n", ""};
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_source source;
    struct msim_replay_encoder *encoder = NULL;
    uint64_t digest = MSIM_FNV_START;
    msim_time time = 0;

    (void)state;
    for (size_t i = 0; i < RECORDS; i++) {
        uint64_t dice = msim_mix64(i);
        time += i % 3 ? 0 : i % 7 ? 333333 : 1000;
        records[i] = (struct msim_record){
            .time = time,
            .symbol = (uint32_t)(dice % COUNT(names)),
            .kind = MSIM_RECORD_TRADE,
            .flags = i % 50 == 0 ? MSIM_RECORD_NO_PRICE : 0,
            .price_exponent = (int8_t)(-(int)((dice >> 8) % 19)),
            .as.trade = {.price = (msim_price)dice, .quantity = (msim_qty)(dice >> (dice % 64))},
        };
    }
    params.records = records;
    params.count = RECORDS;
    params.symbols = names;
    params.symbol_count = COUNT(names);
    assert_int_equal(msim_source_array(&source, &params, NULL), MSIM_OK);
    assert_int_equal(msim_replay_encoder_create(&encoder, &source, NULL), MSIM_OK);
    for (size_t i = 0; i < RECORDS; i++) {
        char out[512];
        size_t length = 0;
        assert_int_equal(msim_replay_encode(encoder, &records[i], out, sizeof out, &length),
                         MSIM_OK);
        digest = msim_fnv_more(digest, out, length);
    }
    msim_replay_encoder_destroy(&encoder);
    msim_source_release(&source);
    assert_digest(digest, UINT64_C(0x9a37cdd5b3d56df6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_price_model_gives_the_same_market_everywhere),
        cmocka_unit_test(a_merge_gives_the_same_order_everywhere),
        cmocka_unit_test(the_replay_feed_has_the_same_bytes_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
