/*
 * Models and symbols as people write them on a command line.
 */
#include <marketsim/mock.h>

#include <assert.h>
#include <string.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "mock/path.h"
#include "mock/words.h"

#define MODELS 6
#define PARAMETERS_MAX 8

static const char *const model_names[MODELS + 1] = {"gbm",  "walk",  "trend", "ou",
                                                    "jump", "garch", NULL};

/* Prices of the summer of 2025, rounded: plausible, and different from each other. */
static const struct msim_mock_symbol usual[] = {
    {.name = "AAPL", .price = 23000}, {.name = "GOOGL", .price = 18500},
    {.name = "MSFT", .price = 50000}, {.name = "AMZN", .price = 22000},
    {.name = "TSLA", .price = 32000}, {.name = "META", .price = 70000},
    {.name = "NVDA", .price = 17000}, {.name = "AMD", .price = 15500},
};

const struct msim_mock_symbol *msim_mock_default_symbols(size_t *count)
{
    if (count)
        *count = sizeof usual / sizeof usual[0];
    return usual;
}

static uint32_t find_model(struct msim_mock_word name)
{
    for (uint32_t kind = MSIM_MOCK_GBM; kind < MSIM_MOCK_USER; kind++)
        if (msim_mock_word_is(name, msim_mock_model_name(kind)))
            return kind;
    return MSIM_MOCK_DEFAULT;
}

static int no_parameter(uint32_t kind, struct msim_mock_word name, struct msim_detail *detail)
{
    const char *names[PARAMETERS_MAX + 1] = {0};
    const struct msim_mock_parameter *parameter;

    for (size_t i = 0; (parameter = msim_mock_model_parameter(kind, i)); i++) {
        assert(i < PARAMETERS_MAX);
        names[i] = parameter->name;
    }
    return msim_detail_set(detail, MSIM_ERR_INVALID,
                           "column %zu: %s has no parameter '%.*s'; did you mean '%s'?", name.place,
                           msim_mock_model_name(kind), MSIM_MOCK_SHOW(name),
                           msim_mock_word_nearest(name, names));
}

/* `name=value` at the cursor. */
static int parse_parameter(struct msim_mock_text *text, struct msim_mock_model *model,
                           struct msim_detail *detail)
{
    struct msim_mock_word name = msim_mock_word_until(text, "=,");
    const struct msim_mock_parameter *parameter;
    size_t i = 0;

    while ((parameter = msim_mock_model_parameter(model->kind, i)) &&
           !msim_mock_word_is(name, parameter->name))
        i++;
    if (!parameter)
        return no_parameter(model->kind, name, detail);
    if (!msim_mock_word_take(text, '='))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "column %zu: '%s' wants a value: %s=%g",
                               name.place, parameter->name, parameter->name, parameter->usual);
    struct msim_mock_word value = msim_mock_word_until(text, ",");
    double number;
    if (msim_mock_word_number(value, &number) < 0)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID, "column %zu: '%.*s' is no number for %s; write it like %s=%g",
            value.place, MSIM_MOCK_SHOW(value), parameter->name, parameter->name, parameter->usual);
    if (number < parameter->least || number > parameter->most)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "column %zu: %s is %g to %g (%s)",
                               value.place, parameter->name, parameter->least, parameter->most,
                               parameter->unit);
    memcpy((char *)model + parameter->offset, &number, sizeof number);
    return MSIM_OK;
}

static int parse_model(struct msim_mock_text *text, struct msim_mock_model *model,
                       struct msim_detail *detail)
{
    struct msim_mock_word name = msim_mock_word_until(text, ":,");
    uint32_t kind = find_model(name);

    if (kind == MSIM_MOCK_DEFAULT)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: no model '%.*s'; did you mean '%s'? (gbm, walk, trend, "
                               "ou, jump, garch)",
                               name.place, MSIM_MOCK_SHOW(name),
                               msim_mock_word_nearest(name, model_names));
    msim_mock_model_init(model, (enum msim_mock_kind)kind);
    if (text->at < text->end && !msim_mock_word_take(text, ':'))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: a ':' parts the model from its parameters: %s:%s=%g",
                               text->at + 1, model_names[kind - 1],
                               msim_mock_model_parameter(kind, 0)->name,
                               msim_mock_model_parameter(kind, 0)->usual);
    if (text->at == text->end && text->at > 0 && text->whole[text->at - 1] == ':')
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: a parameter is missing behind the ':'; leave it away, "
                               "or name one: %s=%g",
                               text->at, msim_mock_model_parameter(kind, 0)->name,
                               msim_mock_model_parameter(kind, 0)->usual);
    while (text->at < text->end) {
        int r = parse_parameter(text, model, detail);
        if (r < 0)
            return r;
        if (msim_mock_word_take(text, ',') && text->at == text->end)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "column %zu: a parameter is missing behind the ','", text->at);
    }
    return msim_mock_model_check(model, detail);
}

int msim_mock_parse_model(const char *text, size_t length, struct msim_mock_model *model,
                          struct msim_detail *detail)
{
    if ((!text && length > 0) || !model)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no text, or no model to fill");
    struct msim_mock_text all = {text ? text : "", 0, length};
    struct msim_mock_model parsed;
    int r = parse_model(&all, &parsed, detail);

    if (r < 0)
        return msim_detail_prefix(detail, r, "model '%.*s'", (int)(length < 80 ? length : 80),
                                  all.whole);
    *model = parsed;
    return MSIM_OK;
}

/* ---- symbols ---- */

static msim_price usual_price(struct msim_mock_word name)
{
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (msim_mock_word_is(name, usual[i].name))
            return usual[i].price;
    return 0;
}

/* Whether a model's parameter comes next, and not a symbol: `sigma=0.3`, but `TSLA=250@jump`. */
static bool parameter_follows(struct msim_mock_text text)
{
    struct msim_mock_word word = msim_mock_word_until(&text, ",;");
    bool small = word.length > 0 && word.text[0] >= 'a' && word.text[0] <= 'z';

    return small && memchr(word.text, '=', word.length) && !memchr(word.text, '@', word.length);
}

/* The model's spec at the cursor, which it ends behind. */
static int parse_symbol_model(struct msim_mock_text *text, struct msim_mock_model *model,
                              struct msim_detail *detail)
{
    struct msim_mock_text part = *text;
    struct msim_mock_word name = msim_mock_word_until(text, ":,;");

    (void)name;
    if (text->at < text->end && text->whole[text->at] == ':') {
        struct msim_mock_text next;
        do {
            msim_mock_word_until(text, ",;");
            next = *text;
        } while (msim_mock_word_take(&next, ',') && parameter_follows(next) &&
                 (*text = next, true));
    }
    part.end = text->at;
    return parse_model(&part, model, detail);
}

static int parse_price(struct msim_mock_text *text, struct msim_mock_symbol *symbol,
                       struct msim_detail *detail)
{
    struct msim_mock_word word = msim_mock_word_until(text, "@,;");
    int r = msim_decimal_parse(word.text, word.length, -2, &symbol->price);

    if (r == MSIM_ERR_OVERFLOW)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: price '%.*s' is not on the tick grid of 0.01; give at "
                               "most two decimals",
                               word.place, MSIM_MOCK_SHOW(word));
    if (r < 0 || symbol->price <= 0 || symbol->price > MSIM_MOCK_PRICE_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: '%.*s' is no price above 0; write it like %.*s=100.50",
                               word.place, MSIM_MOCK_SHOW(word), (int)symbol->length, symbol->name);
    return MSIM_OK;
}

static int parse_name(struct msim_mock_text *text, struct msim_mock_symbol *symbol,
                      struct msim_detail *detail)
{
    struct msim_mock_word name = msim_mock_word_until(text, "=@,;");

    if (name.length == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: a symbol's name is missing; write AAPL,TSLA=250@jump",
                               name.place);
    if (name.length > MSIM_MOCK_NAME_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: a name of %zu bytes; at most %d", name.place,
                               name.length, MSIM_MOCK_NAME_MAX);
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.text[i];
        if (byte <= ' ' || byte == 0x7f)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "column %zu: a space or control byte within a name; symbols are "
                                   "parted by ','",
                                   name.place + i);
    }
    *symbol = (struct msim_mock_symbol){
        .name = name.text,
        .length = name.length,
        .price = usual_price(name),
    };
    return MSIM_OK;
}

static int parse_symbol(struct msim_mock_text *text, struct msim_mock_symbol *symbol,
                        struct msim_detail *detail)
{
    int r = parse_name(text, symbol, detail);

    if (r == MSIM_OK && msim_mock_word_take(text, '='))
        r = parse_price(text, symbol, detail);
    if (r == MSIM_OK && msim_mock_word_take(text, '@'))
        r = parse_symbol_model(text, &symbol->model, detail);
    return r;
}

static int check_new(const struct msim_mock_symbol *symbols, size_t count,
                     struct msim_detail *detail)
{
    const struct msim_mock_symbol *last = &symbols[count];

    for (size_t i = 0; i < count; i++)
        if (symbols[i].length == last->length &&
            memcmp(symbols[i].name, last->name, last->length) == 0)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "%.*s is named twice; name each symbol once", (int)last->length,
                                   last->name);
    return MSIM_OK;
}

int msim_mock_parse_symbols(const char *text, size_t length, struct msim_mock_symbol *symbols,
                            size_t capacity, size_t *count, struct msim_detail *detail)
{
    if ((!text && length > 0) || (!symbols && capacity > 0) || !count)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "symbols: no text, or no place for them");
    struct msim_mock_text all = {text ? text : "", 0, length};
    size_t found = 0;

    do {
        if (found == capacity)
            return msim_detail_set(detail, MSIM_ERR_LIMIT, "symbols: more than %zu at column %zu",
                                   capacity, all.at + 1);
        int r = parse_symbol(&all, &symbols[found], detail);
        if (r == MSIM_OK)
            r = check_new(symbols, found, detail);
        if (r < 0)
            return msim_detail_prefix(detail, r, "symbols");
        found++;
    } while (msim_mock_word_take(&all, ',') || msim_mock_word_take(&all, ';'));
    assert(all.at == all.end);
    *count = found;
    return MSIM_OK;
}
