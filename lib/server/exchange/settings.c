/*
 * From leaves to settings: every value is checked, and its refusal names the key.
 */
#include "server/exchange/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/units.h"

#define MOST_SYMBOLS 4096
#define MOST_HOLDINGS 4096
#define MOST_KEYS 10000

struct reader {
    const struct msim_exchange_config *config;
    struct msim_exchange_settings *out;
    const struct msim_allocator *allocator;
    struct msim_detail *detail;
};

/* ---- single values ---- */

/* The latest leaf of the path; NULL. */
static const struct msim_exchange_leaf *leaf_of(const struct reader *reader, const char *pattern)
{
    for (size_t i = reader->config->count; i-- > 0;)
        if (msim_exchange_path_match(pattern, reader->config->leaves[i].path) == 2)
            return &reader->config->leaves[i];
    return NULL;
}

static int wrong(const struct reader *reader, const struct msim_exchange_leaf *leaf,
                 const char *words)
{
    char path[128];

    msim_exchange_path_show(leaf->path, path, sizeof path);
    return msim_detail_set(reader->detail, MSIM_ERR_INVALID, "%s is %.60s%s: %s", path, leaf->value,
                           strlen(leaf->value) > 60 ? "..." : "", words);
}

/* A JSON string's characters. */
static int text_in(const struct reader *reader, const struct msim_exchange_leaf *leaf, char *out,
                   size_t size)
{
    char words[64];
    size_t length;

    if (leaf->value[0] != '"')
        return wrong(reader, leaf, "a text is wanted");
    if (msim_json_string(leaf->value, 0, strlen(leaf->value), out, size, &length) < 0) {
        snprintf(words, sizeof words, "a text of at most %zu bytes is wanted", size - 1);
        return wrong(reader, leaf, words);
    }
    if (length == 0)
        return wrong(reader, leaf, "a text that is not empty is wanted");
    return strlen(out) == length ? MSIM_OK : wrong(reader, leaf, "a text without NUL is wanted");
}

/* The text of a number, whether it is a JSON number or a string. */
static int number_text(const struct reader *reader, const struct msim_exchange_leaf *leaf,
                       char *out, size_t size)
{
    const char *value = leaf->value;
    int64_t mantissa;
    int exponent;

    if (value[0] == '"') {
        int r = text_in(reader, leaf, out, size);
        if (r >= 0 && msim_decimal_parse_any(out, strlen(out), &mantissa, &exponent) < 0)
            r = wrong(reader, leaf, "a number in plain notation is wanted");
        return r;
    }
    if ((value[0] != '-' && (value[0] < '0' || value[0] > '9')) || strlen(value) >= size)
        return wrong(reader, leaf, "a number is wanted");
    memcpy(out, value, strlen(value) + 1);
    return MSIM_OK;
}

static int decimal_in(const struct reader *reader, const struct msim_exchange_leaf *leaf,
                      int exponent, int64_t least, int64_t most, int64_t *out)
{
    char text[64];
    char words[128];
    char low[MSIM_DECIMAL_SIZE];
    char high[MSIM_DECIMAL_SIZE];
    int64_t mantissa;

    int r = number_text(reader, leaf, text, sizeof text);
    if (r < 0)
        return r;
    if (msim_json_decimal(text, 0, strlen(text), exponent, &mantissa) < 0 || mantissa < least ||
        mantissa > most) {
        msim_decimal_print_short(least, exponent, low);
        msim_decimal_print_short(most, exponent, high);
        if (exponent == 0)
            snprintf(words, sizeof words, "a whole number from %s to %s is wanted", low, high);
        else
            snprintf(words, sizeof words,
                     "a number from %s to %s with at most %d decimals is wanted", low, high,
                     -exponent);
        return wrong(reader, leaf, words);
    }
    *out = mantissa;
    return MSIM_OK;
}

static int read_number(const struct reader *reader, const char *pattern, int exponent,
                       int64_t least, int64_t most, int64_t *out)
{
    const struct msim_exchange_leaf *leaf = leaf_of(reader, pattern);
    return leaf ? decimal_in(reader, leaf, exponent, least, most, out) : MSIM_OK;
}

static int read_flag(const struct reader *reader, const char *pattern, bool *out)
{
    const struct msim_exchange_leaf *leaf = leaf_of(reader, pattern);

    if (!leaf)
        return MSIM_OK;
    bool yes = strcmp(leaf->value, "true") == 0;
    if (!yes && strcmp(leaf->value, "false") != 0)
        return wrong(reader, leaf, "true or false is wanted");
    *out = yes;
    return MSIM_OK;
}

/* Seconds as a number, or a length of time such as "250ms". */
static int read_time(const struct reader *reader, const char *pattern, msim_time most,
                     msim_time *out)
{
    const struct msim_exchange_leaf *leaf = leaf_of(reader, pattern);
    char text[64];
    msim_time value = 0;

    if (!leaf)
        return MSIM_OK;
    int r = leaf->value[0] == '"' ? text_in(reader, leaf, text, sizeof text)
                                  : number_text(reader, leaf, text, sizeof text);
    if (r < 0)
        return r;
    if ((msim_duration_parse(text, strlen(text), &value) < 0 &&
         msim_decimal_parse(text, strlen(text), -9, &value) < 0) ||
        value <= 0 || value > most)
        return wrong(reader, leaf,
                     "seconds above 0 are wanted, or a length of time such as "
                     "\"250ms\"");
    *out = value;
    return MSIM_OK;
}

/* ---- instruments ---- */

/* The price with its own decimals, and a grid that suits it: about seven digits. */
static int usual_exponent(const char *price)
{
    int64_t mantissa;
    int exponent;

    if (msim_json_decimal_any(price, 0, strlen(price), &mantissa, &exponent) < 0)
        return -2;
    int digits = 0;
    for (int64_t rest = mantissa; rest > 0; rest /= 10)
        digits++;
    int whole = digits + exponent; /* digits before the point */
    int wanted = whole >= 3 ? -2 : whole >= 1 ? -4 : -6;
    return exponent < wanted ? (exponent < -8 ? -8 : exponent) : wanted;
}

/* A step of a grid: mantissa and exponent without zeros at the end. */
static int read_step(const struct reader *reader, const struct msim_exchange_leaf *leaf,
                     int64_t *mantissa, int *exponent)
{
    char text[64];

    int r = number_text(reader, leaf, text, sizeof text);
    if (r < 0)
        return r;
    if (msim_json_decimal_any(text, 0, strlen(text), mantissa, exponent) < 0 || *mantissa <= 0 ||
        *exponent < -12)
        return wrong(reader, leaf, "a step above 0 with at most 12 decimals is wanted");
    return MSIM_OK;
}

static const struct msim_exchange_leaf *instrument_leaf(const struct reader *reader,
                                                        const char *symbol, const char *key)
{
    char path[192];

    snprintf(path, sizeof path, "exchange%cinstruments%c%s%c%s%c", MSIM_EXCHANGE_KEY_END,
             MSIM_EXCHANGE_KEY_END, symbol, MSIM_EXCHANGE_KEY_END, key, MSIM_EXCHANGE_KEY_END);
    for (size_t i = reader->config->count; i-- > 0;)
        if (strcmp(reader->config->leaves[i].path, path) == 0)
            return &reader->config->leaves[i];
    return NULL;
}

/* A share of the notional: 0.001 is a thousandth. */
static int read_fee(const struct reader *reader, const char *symbol, const char *key, uint32_t *out)
{
    const struct msim_exchange_leaf *leaf = instrument_leaf(reader, symbol, key);
    int64_t fee = 0;

    if (!leaf)
        return MSIM_OK;
    int r = decimal_in(reader, leaf, -6, 0, 1000000, &fee);
    *out = (uint32_t)fee;
    return r;
}

static int read_grid(const struct reader *reader, struct msim_exchange_listing *listing,
                     const char *price)
{
    const struct msim_exchange_leaf *tick = instrument_leaf(reader, listing->symbol, "tick_size");
    const struct msim_exchange_leaf *lot = instrument_leaf(reader, listing->symbol, "lot_size");
    int r = MSIM_OK;

    listing->price_exponent = usual_exponent(price);
    listing->tick = 1;
    if (tick)
        r = read_step(reader, tick, &listing->tick, &listing->price_exponent);
    if (r < 0)
        return r;
    /* Prices and quantities together have eight decimals: money with as many is exact then. */
    listing->quantity_exponent = -8 - listing->price_exponent;
    if (listing->quantity_exponent > 0)
        listing->quantity_exponent = 0;
    listing->lot = 1;
    if (lot)
        r = read_step(reader, lot, &listing->lot, &listing->quantity_exponent);
    return r;
}

static int read_instrument(const struct reader *reader, struct msim_exchange_listing *listing)
{
    char path[128];
    char price[64] = "100";
    const struct msim_exchange_leaf *leaf = NULL;

    snprintf(path, sizeof path, "exchange%cinitial_prices%c%s%c", MSIM_EXCHANGE_KEY_END,
             MSIM_EXCHANGE_KEY_END, listing->symbol, MSIM_EXCHANGE_KEY_END);
    for (size_t i = reader->config->count; i-- > 0 && !leaf;)
        if (strcmp(reader->config->leaves[i].path, path) == 0)
            leaf = &reader->config->leaves[i];
    if (leaf) {
        int r = number_text(reader, leaf, price, sizeof price);
        if (r < 0)
            return r;
    } else if (strcmp(listing->symbol, "BTC/USD") == 0) {
        memcpy(price, "50000", sizeof "50000");
    } else if (strcmp(listing->symbol, "ETH/USD") == 0) {
        memcpy(price, "3000", sizeof "3000");
    }
    int r = read_grid(reader, listing, price);
    if (r < 0)
        return r;
    if (msim_json_decimal(price, 0, strlen(price), listing->price_exponent, &listing->price) < 0 ||
        listing->price <= 0 || listing->price % listing->tick != 0)
        return leaf ? wrong(reader, leaf, "a price above 0 on the tick grid is wanted")
                    : msim_detail_set(reader->detail, MSIM_ERR_INVALID,
                                      "%s: its first price %s is off its tick grid: give one under "
                                      "exchange.initial_prices",
                                      listing->symbol, price);
    leaf = instrument_leaf(reader, listing->symbol, "min_notional");
    if (leaf)
        r = number_text(reader, leaf, listing->min_notional, sizeof listing->min_notional);
    if (r >= 0)
        r = read_fee(reader, listing->symbol, "maker_fee", &listing->maker_fee);
    if (r >= 0)
        r = read_fee(reader, listing->symbol, "taker_fee", &listing->taker_fee);
    return r;
}

/* "BTC/USD" is BTC paid in USD; "BTC-USD" and "BTCUSDT" as far as that can be told. */
static int split_symbol(const struct reader *reader, struct msim_exchange_listing *listing)
{
    static const char *const quotes[] = {"USDT", "USDC", "USD", "EUR", "BTC", "ETH"};
    size_t length = strlen(listing->symbol);
    size_t base = strcspn(listing->symbol, "/-_");
    size_t quote = base + 1;

    if (base == length) {
        for (size_t i = 0; i < sizeof quotes / sizeof quotes[0] && base == length; i++) {
            size_t tail = strlen(quotes[i]);
            if (length > tail && strcmp(listing->symbol + length - tail, quotes[i]) == 0)
                base = quote = length - tail;
        }
    }
    if (base == 0 || base >= length || quote >= length)
        return msim_detail_set(reader->detail, MSIM_ERR_INVALID,
                               "exchange.symbols: %s names no two assets: write it as BTC/USD",
                               listing->symbol);
    memcpy(listing->base, listing->symbol, base);
    memcpy(listing->quote, listing->symbol + quote, length - quote);
    if (strcmp(listing->base, listing->quote) == 0)
        return msim_detail_set(reader->detail, MSIM_ERR_INVALID,
                               "exchange.symbols: %s is one asset twice", listing->symbol);
    return MSIM_OK;
}

static int add_listing(const struct reader *reader, const char *symbol)
{
    struct msim_exchange_settings *out = reader->out;
    struct msim_exchange_listing *listing = &out->listings[out->listing_count];

    for (size_t i = 0; i < out->listing_count; i++)
        if (strcmp(out->listings[i].symbol, symbol) == 0)
            return msim_detail_set(reader->detail, MSIM_ERR_INVALID,
                                   "exchange.symbols: %s stands twice", symbol);
    snprintf(listing->symbol, sizeof listing->symbol, "%s", symbol);
    int r = split_symbol(reader, listing);
    if (r >= 0)
        r = read_instrument(reader, listing);
    if (r >= 0)
        out->listing_count++;
    return r;
}

/* Each item of an array of texts. */
static int read_symbols(const struct reader *reader)
{
    const struct msim_exchange_leaf *leaf = leaf_of(reader, "exchange.symbols");
    const char *list = leaf ? leaf->value : "[\"BTC/USD\",\"ETH/USD\"]";
    struct msim_json_document document;
    char symbol[65];

    int r = msim_json_document_read(&document, list, strlen(list), NULL, reader->allocator,
                                    reader->detail);
    if (r < 0)
        return r;
    size_t count = document.nodes[0].count;
    if (document.nodes[0].kind != MSIM_JSON_ARRAY || count == 0 || count > MOST_SYMBOLS)
        r = wrong(reader, leaf, "an array of 1 to 4096 symbols is wanted, such as [\"BTC/USD\"]");
    if (r >= 0) {
        reader->out->listings =
            msim_mem_zero_array(reader->allocator, count, sizeof *reader->out->listings);
        if (!reader->out->listings)
            r = MSIM_ERR_NOMEM;
        else
            reader->out->listing_capacity = count;
    }
    for (uint32_t at = r >= 0 ? document.nodes[0].first : MSIM_JSON_NONE;
         at != MSIM_JSON_NONE && r >= 0; at = document.nodes[at].next) {
        const struct msim_json_node *node = &document.nodes[at];
        if (node->kind != MSIM_JSON_STRING ||
            msim_json_string(list, node->start, node->end, symbol, sizeof symbol, NULL) < 0 ||
            symbol[0] == '\0')
            r = wrong(reader, leaf, "a symbol is a text of 1 to 64 bytes");
        else
            r = add_listing(reader, symbol);
    }
    msim_json_document_finish(&document);
    return r;
}

/* The key of a path that has so many before it. */
static const char *key_behind(const char *path, size_t keys)
{
    while (keys-- > 0)
        path = strchr(path, MSIM_EXCHANGE_KEY_END) + 1;
    return path;
}

/* Symbols that stand as a key behind so many others. */
static int check_named(const struct reader *reader, const char *pattern, size_t keys)
{
    for (size_t i = 0; i < reader->config->count; i++) {
        const struct msim_exchange_leaf *leaf = &reader->config->leaves[i];
        bool is_known = false;
        if (msim_exchange_path_match(pattern, leaf->path) != 2)
            continue;
        const char *key = key_behind(leaf->path, keys);
        size_t length = strcspn(key, "\x01");
        for (size_t j = 0; j < reader->out->listing_count && !is_known; j++)
            is_known = strlen(reader->out->listings[j].symbol) == length &&
                       memcmp(reader->out->listings[j].symbol, key, length) == 0;
        if (!is_known)
            return wrong(reader, leaf, "this symbol is not among exchange.symbols");
    }
    return MSIM_OK;
}

/* ---- what accounts begin with ---- */

static int hold(const struct reader *reader, const char *asset, size_t length, const char *amount)
{
    struct msim_exchange_settings *out = reader->out;
    size_t at = 0;

    while (at < out->holding_count && (strlen(out->holdings[at].asset) != length ||
                                       memcmp(out->holdings[at].asset, asset, length) != 0))
        at++;
    if (at == MOST_HOLDINGS || length > 64)
        return msim_detail_set(reader->detail, MSIM_ERR_INVALID,
                               "exchange.default_balance has too many or too long names");
    memcpy(out->holdings[at].asset, asset, length);
    out->holdings[at].asset[length] = '\0';
    snprintf(out->holdings[at].amount, sizeof out->holdings[at].amount, "%s", amount);
    if (at == out->holding_count)
        out->holding_count++;
    return MSIM_OK;
}

static int read_holdings(const struct reader *reader)
{
    struct msim_exchange_settings *out = reader->out;

    out->holdings = msim_mem_zero_array(reader->allocator, MOST_HOLDINGS, sizeof *out->holdings);
    if (!out->holdings)
        return MSIM_ERR_NOMEM;
    int r = hold(reader, "USD", 3, "100000");
    if (r >= 0)
        r = hold(reader, "BTC", 3, "10");
    for (size_t i = 0; i < reader->config->count && r >= 0; i++) {
        const struct msim_exchange_leaf *leaf = &reader->config->leaves[i];
        char amount[32];
        if (msim_exchange_path_match(MSIM_EXCHANGE_HOLDINGS, leaf->path) == 2)
            out->holding_count = 0;
        if (msim_exchange_path_match(MSIM_EXCHANGE_HOLDINGS ".*", leaf->path) != 2)
            continue;
        const char *key = key_behind(leaf->path, 2);
        r = number_text(reader, leaf, amount, sizeof amount);
        if (r >= 0)
            r = hold(reader, key, strcspn(key, "\x01"), amount);
    }
    return r;
}

/* ---- the price model ---- */

static int read_model(const struct reader *reader)
{
    static const char *const keys[][2] = {
        {"drift", "mu"},
        {"volatility", "sigma"},
        {"mu", "mu"},
        {"sigma", "sigma"},
        {"hold", "hold"},
        {"kappa", "kappa"},
        {"mean", "mean"},
        {"lambda", "lambda"},
        {"jump_mean", "jump_mean"},
        {"alpha", "alpha"},
        {"jump_sigma", "jump_sigma"},
        {"beta", "beta"},
        {"step", "step"},
    };
    const struct msim_exchange_leaf *type = leaf_of(reader, "exchange.pricing_model.model_type");
    char spec[512] = "gbm";
    char separator = ':';
    int r = type ? text_in(reader, type, spec, 64) : MSIM_OK;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && r >= 0; i++) {
        char path[64];
        char number[32];
        snprintf(path, sizeof path, "exchange.pricing_model.%s", keys[i][0]);
        const struct msim_exchange_leaf *leaf = leaf_of(reader, path);
        if (!leaf)
            continue;
        r = number_text(reader, leaf, number, sizeof number);
        size_t at = strlen(spec);
        snprintf(spec + at, sizeof spec - at, "%c%s=%s", separator, keys[i][1], number);
        separator = ',';
    }
    if (r < 0)
        return r;
    struct msim_detail words = {{0}};
    r = msim_mock_parse_model(spec, strlen(spec), &reader->out->model, &words);
    return r < 0 ? msim_detail_set(reader->detail, MSIM_ERR_INVALID, "exchange.pricing_model: %s",
                                   words.text)
                 : r;
}

/* ---- a file of trades ---- */

/* The place of a text in a list. */
static int read_choice(const struct reader *reader, const char *pattern, const char *const *names,
                       size_t count, const char *words, int64_t *out)
{
    const struct msim_exchange_leaf *leaf = leaf_of(reader, pattern);
    char text[16];

    if (!leaf)
        return MSIM_OK;
    if (text_in(reader, leaf, text, sizeof text) < 0)
        return wrong(reader, leaf, words);
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (int64_t)i;
            return MSIM_OK;
        }
    return wrong(reader, leaf, words);
}

/* A trade has one market: what two symbols call theirs would leave one of them empty. */
static int check_tickers(const struct reader *reader)
{
    const struct msim_exchange_listing *listings = reader->out->listings;

    for (size_t i = 1; i < reader->out->listing_count; i++)
        for (size_t j = 0; j < i; j++)
            if (listings[i].ticker[0] != '\0' &&
                strcmp(listings[i].ticker, listings[j].ticker) == 0)
                return msim_detail_set(
                    reader->detail, MSIM_ERR_INVALID,
                    "exchange.history.tickers: %s and %s are both %s: name another one, or leave "
                    "one of them out of exchange.symbols",
                    listings[j].symbol, listings[i].symbol, listings[i].ticker);
    return MSIM_OK;
}

/* Each symbol is its own ticker; where there are names, those that have one are of the file. */
static int read_tickers(const struct reader *reader)
{
    bool has_names = false;
    int r = check_named(reader, "exchange.history.tickers.*", 3);

    for (size_t i = 0; i < reader->config->count; i++)
        has_names |= msim_exchange_path_match("exchange.history.tickers.*",
                                              reader->config->leaves[i].path) == 2;
    reader->out->tape.has_names = has_names;
    for (size_t i = 0; r >= 0 && i < reader->out->listing_count; i++) {
        struct msim_exchange_listing *listing = &reader->out->listings[i];
        char path[192];
        snprintf(path, sizeof path, "exchange%chistory%ctickers%c%s%c", MSIM_EXCHANGE_KEY_END,
                 MSIM_EXCHANGE_KEY_END, MSIM_EXCHANGE_KEY_END, listing->symbol,
                 MSIM_EXCHANGE_KEY_END);
        if (!has_names)
            memcpy(listing->ticker, listing->symbol, sizeof listing->ticker);
        for (size_t j = 0; r >= 0 && j < reader->config->count; j++)
            if (strcmp(reader->config->leaves[j].path, path) == 0)
                r = text_in(reader, &reader->config->leaves[j], listing->ticker,
                            sizeof listing->ticker);
    }
    return r < 0 ? r : check_tickers(reader);
}

static int check_alone(const struct reader *reader)
{
    for (size_t i = 0; i < reader->config->count; i++)
        if (msim_exchange_path_match("exchange.history.**", reader->config->leaves[i].path) == 2)
            return wrong(reader, &reader->config->leaves[i],
                         "it goes with exchange.history.file, which is not there");
    return MSIM_OK;
}

static int read_ticker(const struct reader *reader, struct msim_exchange_tape *tape)
{
    const struct msim_exchange_leaf *leaf = leaf_of(reader, "exchange.history.ticker");

    return leaf ? text_in(reader, leaf, tape->ticker, sizeof tape->ticker) : MSIM_OK;
}

static int read_history(const struct reader *reader)
{
    static const char *const fills[] = {"touch", "through", "queue"};
    static const char *const starts[] = {"server", "client"};
    static const char *const units[] = {"", "ns", "us", "ms", "s"};
    static const msim_time lengths[] = {0, 1, MSIM_NS_PER_US, MSIM_NS_PER_MS, MSIM_NS_PER_S};
    const struct msim_exchange_leaf *leaf = leaf_of(reader, "exchange.history.file");
    struct msim_exchange_tape *tape = &reader->out->tape;
    int64_t price_decimals = 0;
    int64_t volume_decimals = 0;
    int64_t unit = 0;

    if (!leaf)
        return check_alone(reader);
    tape->spread = 1;
    int r = text_in(reader, leaf, tape->file, sizeof tape->file);
    if (r >= 0)
        r = read_ticker(reader, tape);
    if (r >= 0)
        r = read_tickers(reader);
    if (r >= 0)
        r = read_choice(reader, "exchange.history.fills", fills, 3,
                        "touch, through or queue is wanted", &tape->fills);
    if (r >= 0)
        r = read_choice(reader, "exchange.history.start", starts, 2, "server or client is wanted",
                        &tape->start);
    if (r >= 0)
        r = read_number(reader, "exchange.history.spread", 0, 1, 1000000, &tape->spread);
    if (r >= 0)
        r = read_number(reader, "exchange.history.price_decimals", 0, 0, 18, &price_decimals);
    if (r >= 0)
        r = read_number(reader, "exchange.history.volume_decimals", 0, 0, 18, &volume_decimals);
    if (r >= 0)
        r = read_choice(reader, "exchange.history.timestamp_unit", units, 5,
                        "s, ms, us or ns is wanted", &unit);
    tape->price_decimals = (int)price_decimals;
    tape->volume_decimals = (int)volume_decimals;
    tape->unit = lengths[unit];
    return r;
}

/* ---- keys ---- */

static int key_member(const struct msim_json_document *document, uint32_t item, const char *name,
                      char out[65])
{
    uint32_t member = msim_json_member(document, item, name);

    out[0] = '\0';
    if (member == MSIM_JSON_NONE)
        return MSIM_OK;
    const struct msim_json_node *node = &document->nodes[member];
    if (node->kind != MSIM_JSON_STRING)
        return MSIM_ERR_INVALID;
    return msim_json_string(document->text, node->start, node->end, out, 65, NULL);
}

static bool has_space(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ')
            return true;
    return false;
}

/* [{"key":"...","secret":"...","account":"..."}]; the account is the key where none is named. */
static int read_keys(const struct reader *reader)
{
    static const char words[] = "an array of {\"key\": ..., \"secret\": ..., \"account\": ...} is "
                                "wanted, each of 1 to 64 bytes without white space";
    const struct msim_exchange_leaf *leaf = leaf_of(reader, "server.api_keys");
    struct msim_exchange_settings *out = reader->out;
    struct msim_json_document document;

    if (!leaf || strcmp(leaf->value, "null") == 0)
        return MSIM_OK;
    int r = msim_json_document_read(&document, leaf->value, strlen(leaf->value), NULL,
                                    reader->allocator, reader->detail);
    if (r < 0)
        return r;
    size_t count = document.nodes[0].count;
    if (document.nodes[0].kind != MSIM_JSON_ARRAY || count > MOST_KEYS)
        r = wrong(reader, leaf, words);
    if (r >= 0 && count > 0) {
        out->keys = msim_mem_zero_array(reader->allocator, count, sizeof *out->keys);
        if (!out->keys)
            r = MSIM_ERR_NOMEM;
        else
            out->key_count = count;
    }
    uint32_t item = r >= 0 && count > 0 ? document.nodes[0].first : MSIM_JSON_NONE;
    for (size_t i = 0; item != MSIM_JSON_NONE && r >= 0; i++, item = document.nodes[item].next) {
        char(*key)[65] = out->keys[i];
        if (document.nodes[item].kind != MSIM_JSON_OBJECT ||
            key_member(&document, item, "key", key[0]) < 0 ||
            key_member(&document, item, "secret", key[1]) < 0 ||
            key_member(&document, item, "account", key[2]) < 0 || key[0][0] == '\0' ||
            has_space(key[0]) || has_space(key[1]) || has_space(key[2]))
            r = wrong(reader, leaf, words);
        else if (key[2][0] == '\0')
            memcpy(key[2], key[0], sizeof key[2]);
    }
    msim_json_document_finish(&document);
    return r;
}

/* ---- failures, as JSON again ---- */

static int by_path(const void *a, const void *b)
{
    const struct msim_exchange_leaf *const *left = a;
    const struct msim_exchange_leaf *const *right = b;

    return strcmp((*left)->path, (*right)->path);
}

/* How many whole keys two paths share. */
static size_t shared_keys(const char *a, const char *b)
{
    size_t keys = 0;

    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        keys += a[i] == MSIM_EXCHANGE_KEY_END;
    return keys;
}

static size_t count_keys(const char *path)
{
    size_t keys = 0;

    for (; *path; path++)
        keys += *path == MSIM_EXCHANGE_KEY_END;
    return keys;
}

/* Opens objects from key `from` on, down to the last one, whose value follows. */
static void open_path(struct msim_json_writer *writer, const char *path, size_t from)
{
    size_t keys = count_keys(path);

    for (size_t i = 0; i < keys; i++) {
        size_t length = strcspn(path, "\x01");
        if (i >= from) {
            msim_json_write_key_bytes(writer, path, length);
            if (i + 1 < keys)
                msim_json_write_object(writer);
        }
        path += length + 1;
    }
}

static void write_leaves(struct msim_json_writer *writer,
                         const struct msim_exchange_leaf *const *leaves, size_t count)
{
    size_t depth = 1; /* objects that are open, the outermost ("failures") included */

    msim_json_write_object(writer);
    for (size_t i = 0; i < count; i++) {
        const char *path = strchr(leaves[i]->path, MSIM_EXCHANGE_KEY_END) + 1;
        const char *before = i > 0 ? strchr(leaves[i - 1]->path, MSIM_EXCHANGE_KEY_END) + 1 : "";
        size_t common = shared_keys(before, path);
        for (; depth > common + 1; depth--)
            msim_json_write_object_end(writer);
        open_path(writer, path, common);
        depth = count_keys(path);
        msim_json_write_raw(writer, leaves[i]->value, strlen(leaves[i]->value));
    }
    for (; depth > 0; depth--)
        msim_json_write_object_end(writer);
}

static int read_failures(const struct reader *reader)
{
    const struct msim_exchange_config *config = reader->config;
    struct msim_json_writer writer;
    size_t count = 0;

    const struct msim_exchange_leaf **leaves =
        msim_mem_zero_array(reader->allocator, config->count + 1, sizeof *leaves);
    if (!leaves)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < config->count; i++) {
        bool is_last = true;
        for (size_t j = i + 1; j < config->count && is_last; j++)
            is_last = strcmp(config->leaves[i].path, config->leaves[j].path) != 0;
        if (is_last && msim_exchange_path_match("failures.**", config->leaves[i].path) == 2)
            leaves[count++] = &config->leaves[i];
    }
    int r = MSIM_OK;
    if (count > 0) {
        qsort(leaves, count, sizeof leaves[0], by_path);
        msim_json_write_bytes(&writer, &reader->out->failures);
        write_leaves(&writer, leaves, count);
        r = msim_json_write_end(&writer, NULL);
    }
    msim_mem_free(reader->allocator, leaves, (config->count + 1) * sizeof *leaves);
    return r;
}

/* ---- all of them ---- */

static int read_server(const struct reader *reader)
{
    const struct msim_exchange_leaf *host = leaf_of(reader, "server.host");
    struct msim_exchange_settings *out = reader->out;
    int64_t port = 8765;
    int64_t window = 5000;

    memcpy(out->host, "localhost", sizeof "localhost");
    out->heartbeat = 30 * MSIM_NS_PER_S;
    int r = host ? text_in(reader, host, out->host, sizeof out->host) : MSIM_OK;
    if (r >= 0)
        r = read_number(reader, "server.port", 0, 0, 65535, &port);
    if (r >= 0)
        r = read_time(reader, "server.heartbeat_interval", 3600 * MSIM_NS_PER_S, &out->heartbeat);
    if (r >= 0)
        r = read_number(reader, "server.recv_window_ms", 0, 1, 3600000, &window);
    if (r >= 0)
        r = read_flag(reader, "server.cancel_on_disconnect", &out->cancel_on_disconnect);
    if (r >= 0)
        r = read_flag(reader, "exchange.scripted_outcomes", &out->scripted);
    out->port = (uint16_t)port;
    out->recv_window = window * MSIM_NS_PER_MS;
    return r >= 0 ? read_keys(reader) : r;
}

static int read_exchange(const struct reader *reader)
{
    struct msim_exchange_settings *out = reader->out;
    int64_t seed = 1;
    int64_t spread = 200;
    int64_t levels = 10;

    out->tick_interval = 100 * MSIM_NS_PER_MS;
    out->refresh = 100 * MSIM_NS_PER_MS;
    out->liquidity = true;
    int r = read_symbols(reader);
    if (r >= 0)
        r = check_named(reader, "exchange.initial_prices.*", 2);
    if (r >= 0)
        r = check_named(reader, "exchange.instruments.*.**", 2);
    if (r >= 0)
        r = read_holdings(reader);
    if (r >= 0)
        r = read_time(reader, "exchange.tick_interval", 3600 * MSIM_NS_PER_S, &out->tick_interval);
    if (r >= 0)
        r = read_number(reader, "exchange.seed", 0, 0, INT64_MAX, &seed);
    if (r >= 0)
        r = read_model(reader);
    if (r >= 0)
        r = read_history(reader);
    if (r >= 0)
        r = read_flag(reader, "exchange.liquidity.enabled", &out->liquidity);
    if (r >= 0)
        r = read_number(reader, "exchange.liquidity.spread", -6, 1, 100000, &spread);
    if (r >= 0)
        r = read_number(reader, "exchange.liquidity.levels", 0, 1, 50, &levels);
    if (r >= 0)
        r = read_time(reader, "exchange.liquidity.refresh", 60 * MSIM_NS_PER_S, &out->refresh);
    out->seed = seed != 0 ? (uint64_t)seed : 1; /* as everywhere: 0 is the default */
    out->spread = (uint64_t)spread;
    out->levels = (uint64_t)levels;
    return r;
}

int msim_exchange_settings_read(struct msim_exchange_settings *out,
                                const struct msim_exchange_config *config,
                                const struct msim_allocator *allocator, struct msim_detail *detail)
{
    static const struct msim_exchange_config nothing;
    struct reader reader = {config ? config : &nothing, out, allocator, detail};

    memset(out, 0, sizeof *out);
    msim_bytes_init(&out->failures, MSIM_EXCHANGE_CONFIG_MAX, allocator);
    int r = read_server(&reader);
    if (r >= 0)
        r = read_exchange(&reader);
    if (r >= 0)
        r = read_failures(&reader);
    if (r == MSIM_ERR_NOMEM)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (r < 0)
        msim_exchange_settings_finish(out, allocator);
    return r;
}

void msim_exchange_settings_finish(struct msim_exchange_settings *settings,
                                   const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, settings->listings,
                  settings->listing_capacity * sizeof *settings->listings);
    msim_mem_free(allocator, settings->holdings, MOST_HOLDINGS * sizeof *settings->holdings);
    msim_mem_free(allocator, settings->keys, settings->key_count * sizeof *settings->keys);
    msim_bytes_finish(&settings->failures);
    memset(settings, 0, sizeof *settings);
}
