/*
 * Exchange codes are the vendor's: 10 is the New York Stock Exchange, 11 NYSE Arca, 12 Nasdaq.
 * A tape's list of exchange has 16 places; a venue that trades more of the tape stands in it
 * more often.
 */
#include "codec/listing.h"

#include <string.h>

#include "base/json.h"
#include "base/random.h"

#define VENUES 16

static const uint8_t venues[4][VENUES] = {
    {0},
    {10, 10, 10, 10, 10, 12, 12, 11, 11, 19, 8, 7, 21, 15, 20, 3}, /* A: NYSE */
    {11, 11, 11, 11, 11, 10, 12, 12, 1, 19, 8, 7, 21, 15, 20, 9},  /* B: regional */
    {12, 12, 12, 12, 12, 12, 11, 11, 19, 19, 8, 7, 21, 15, 17, 2}, /* C: Nasdaq */
};

/* Names whose tape their length does not tell. */
static const struct {
    const char *name;
    uint8_t tape;
} known[] = {
    {"AMD", 3}, {"EA", 3},  {"QQQ", 3}, {"SPY", 2}, {"IWM", 2},
    {"DIA", 2}, {"GLD", 2}, {"XLF", 2}, {"VOO", 2}, {"VTI", 2},
};

/* The New York exchanges list names of up to three letters, Nasdaq those of four and five. */
static uint8_t tape_of(const char *symbol, size_t length)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == length && memcmp(known[i].name, symbol, length) == 0)
            return known[i].tape;
    return length <= 3 ? 1 : 3;
}

int msim_listing_init(struct msim_listing *listing, uint64_t seed, const char *symbol,
                      size_t length)
{
    struct msim_json_writer writer;
    size_t written;

    if (!listing || !symbol || length == 0)
        return MSIM_ERR_INVALID;
    struct msim_listing made = {.tape = tape_of(symbol, length), .lot = 100};
    msim_json_write_buffer(&writer, made.text, sizeof made.text);
    msim_json_write_string(&writer, symbol, length);
    int r = msim_json_write_end(&writer, &written);
    if (r < 0)
        return r;
    made.text_length = (uint16_t)written;
    made.exchange_key = msim_fnv(symbol, length);
    made.request_key = msim_random_key(seed ^ UINT64_C(0x717565737469643a), symbol, length);
    *listing = made;
    return MSIM_OK;
}

unsigned msim_listing_exchange(const struct msim_listing *listing, uint64_t id,
                               enum msim_listing_part part)
{
    uint64_t bits = msim_mix64(listing->exchange_key + id * 4 + (uint64_t)part);

    return venues[listing->tape & 3][bits % VENUES];
}

int64_t msim_listing_lots(const struct msim_listing *listing, msim_qty quantity)
{
    int64_t lots = listing->lot > 0 ? quantity / listing->lot : quantity;

    return lots > 0 ? lots : 1;
}

void msim_listing_request_id(const struct msim_listing *listing, uint64_t id, char out[32])
{
    static const char hex[] = "0123456789abcdef";
    struct msim_philox_block counter = {{(uint32_t)id, (uint32_t)(id >> 32), 0, 0}};
    struct msim_philox_block block = msim_philox(counter, (uint32_t)listing->request_key,
                                                 (uint32_t)(listing->request_key >> 32));

    for (int i = 0; i < 32; i++)
        out[i] = hex[block.word[i / 8] >> (28 - 4 * (i % 8)) & 15];
}
