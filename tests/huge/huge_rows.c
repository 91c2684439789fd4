#include "huge_rows.h"

#include <stdbool.h>
#include <string.h>

#include <marketsim/record.h>

#define START (INT64_C(1656633600) * MSIM_NS_PER_S) /* 2022-07-01 */
#define LATE_ROWS UINT64_C(512)
#define ROUNDS 4
#define TICKERS 300

/* ---- the order ---- */

/* Half of the bits of the smallest domain of 4^n numbers that has all rows. */
static unsigned half_bits(const struct huge *huge)
{
    unsigned half = 1;

    while (half < 31 && huge->rows > UINT64_C(1) << (2 * half))
        half++;
    return half;
}

static uint64_t mixed(uint64_t value, unsigned round)
{
    value = (value + round + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return value ^ value >> 29;
}

/* A Feistel network: whatever `mixed` gives, it has an inverse. */
static uint64_t forward(uint64_t value, unsigned half)
{
    uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t left = value >> half, right = value & mask;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ (mixed(right, round) & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

static uint64_t backward(uint64_t value, unsigned half)
{
    uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t left = value >> half, right = value & mask;

    for (unsigned round = ROUNDS; round-- > 0;) {
        uint64_t before = right ^ (mixed(left, round) & mask);
        right = left;
        left = before;
    }
    return left << half | right;
}

static uint64_t turned(const struct huge *huge, uint64_t place)
{
    return (place | (LATE_ROWS - 1)) < huge->rows ? place ^ (LATE_ROWS - 1) : place;
}

/* Where the trade stands that is the k-th in time.  What falls outside is sent on until it does
 * not. */
static uint64_t row_of(const struct huge *huge, uint64_t key)
{
    unsigned half = half_bits(huge);

    if (huge->order == HUGE_SHUFFLED) {
        do
            key = forward(key, half);
        while (key >= huge->rows);
    }
    return huge->order == HUGE_LATE ? turned(huge, key) : key;
}

static uint64_t key_of(const struct huge *huge, uint64_t row)
{
    unsigned half = half_bits(huge);

    if (huge->order == HUGE_SHUFFLED) {
        do
            row = backward(row, half);
        while (row >= huge->rows);
    }
    return huge->order == HUGE_LATE ? turned(huge, row) : row;
}

/* ---- a trade ---- */

msim_time huge_bundle_time(uint64_t bundle)
{
    return START + (msim_time)bundle * MSIM_NS_PER_MS;
}

msim_time huge_time(const struct huge *huge, uint64_t row)
{
    return huge_bundle_time(key_of(huge, row) / HUGE_BUNDLE);
}

int64_t huge_price(uint64_t row)
{
    return (int64_t)row + 1;
}

int64_t huge_volume(uint64_t row)
{
    return (int64_t)(row * 7919 % 1000000) + 1;
}

size_t huge_ticker(uint64_t row, char text[HUGE_TICKER_BYTES])
{
    unsigned number = (unsigned)(row % TICKERS);

    memcpy(text, "T000-USDT@X", 12);
    for (unsigned i = 3; i > 0; i--, number /= 10)
        text[i] = (char)('0' + number % 10);
    return 11;
}

/* ---- bundles ---- */

uint64_t huge_bundles(const struct huge *huge)
{
    return (huge->rows + HUGE_BUNDLE - 1) / HUGE_BUNDLE;
}

size_t huge_bundle(const struct huge *huge, uint64_t bundle, uint64_t rows[HUGE_BUNDLE])
{
    size_t count = 0;

    for (uint64_t key = bundle * HUGE_BUNDLE; count < HUGE_BUNDLE && key < huge->rows; key++) {
        uint64_t row = row_of(huge, key);
        size_t at = count++;
        for (; at > 0 && rows[at - 1] > row; at--)
            rows[at] = rows[at - 1];
        rows[at] = row;
    }
    return count;
}

static size_t put(char *text, size_t at, const char *words)
{
    size_t length = strlen(words);

    memcpy(text + at, words, length);
    return at + length;
}

static size_t put_number(char *text, size_t at, uint64_t number, unsigned digits)
{
    char turned[20];
    unsigned length = 0;

    do {
        turned[length++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || length < digits);
    while (length > 0)
        text[at++] = turned[--length];
    return at;
}

size_t huge_message(uint64_t bundle, uint64_t row, char text[HUGE_MESSAGE_BYTES])
{
    uint64_t seconds = bundle / 1000;
    char ticker[HUGE_TICKER_BYTES];
    size_t at = put(text, 0, "{\"timestamp\": \"2022-07-01 ");

    at = put_number(text, at, seconds / 3600, 2);
    at = put(text, at, ":");
    at = put_number(text, at, seconds / 60 % 60, 2);
    at = put(text, at, ":");
    at = put_number(text, at, seconds % 60, 2);
    if (bundle % 1000 > 0) {
        at = put(text, at, ".");
        at = put_number(text, at, bundle % 1000, 3);
        at = put(text, at, "000");
    }
    at = put(text, at, "\", \"price\": ");
    at = put_number(text, at, (uint64_t)huge_price(row), 1);
    at = put(text, at, ", \"volume\": ");
    at = put_number(text, at, (uint64_t)huge_volume(row), 1);
    at = put(text, at, ", \"ticker\": \"");
    ticker[huge_ticker(row, ticker)] = '\0';
    at = put(text, at, ticker);
    return put(text, at, "\"}");
}
