/*
 * Records that lie in memory, as a source.
 */
#include <marketsim/source.h>

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"

struct array {
    struct msim_source_array_params params;
    size_t at;
    struct msim_allocator allocator;
};

static int array_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                      struct msim_detail *detail)
{
    struct array *array = self;
    size_t left = array->params.count - array->at;

    (void)detail;
    if (left == 0)
        return MSIM_PULL_END;
    size_t given = left < capacity ? left : capacity;
    memcpy(records, array->params.records + array->at, given * sizeof *records);
    for (size_t i = 0; i < given; i++)
        records[i].sequence = array->at + i;
    array->at += given;
    *count = given;
    return MSIM_PULL_RECORD;
}

static msim_time array_next_due(void *self)
{
    struct array *array = self;

    return array->at < array->params.count ? array->params.records[array->at].time
                                           : MSIM_TIME_NEVER;
}

static const char *array_symbol(void *self, uint32_t id, size_t *length)
{
    struct array *array = self;

    const char *text = id < array->params.symbol_count ? array->params.symbols[id] : NULL;
    if (text && length)
        *length = strlen(text);
    return text;
}

static void array_release(void *self)
{
    struct array *array = self;
    struct msim_allocator allocator = array->allocator;

    msim_mem_free(&allocator, array, sizeof *array);
}

static const struct msim_source_ops array_ops = {
    .pull = array_pull,
    .next_due = array_next_due,
    .symbol = array_symbol,
    .release = array_release,
};

static bool exponents_fit(const struct msim_record *record)
{
    return record->price_exponent >= MSIM_EXPONENT_MIN &&
           record->price_exponent <= MSIM_EXPONENT_MAX &&
           record->quantity_exponent >= MSIM_EXPONENT_MIN &&
           record->quantity_exponent <= MSIM_EXPONENT_MAX;
}

static bool has_name(const struct msim_source_array_params *params, uint32_t symbol)
{
    return symbol < params->symbol_count && params->symbols[symbol];
}

static int check(const struct msim_source_array_params *params, struct msim_detail *detail)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct msim_record *record = &params->records[i];
        if (i > 0 && record->time < record[-1].time)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "record %zu is earlier than the one before it: sort by time", i);
        if (!(record->flags & MSIM_RECORD_NO_SYMBOL) && !has_name(params, record->symbol))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "record %zu bears symbol %u, and the %zu symbols have no name "
                                   "for it",
                                   i, record->symbol, params->symbol_count);
        if (!exponents_fit(record))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "record %zu has exponents %d and %d: they must be in %d..%d", i,
                                   record->price_exponent, record->quantity_exponent,
                                   MSIM_EXPONENT_MIN, MSIM_EXPONENT_MAX);
    }
    return MSIM_OK;
}

int msim_source_array(struct msim_source *out, const struct msim_source_array_params *params,
                      struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params || (params->count && !params->records) ||
        (params->symbol_count && !params->symbols))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_SOURCE_ARRAY_PARAMS_INIT");
    int r = check(params, detail);
    if (r < 0)
        return r;

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct array *array = msim_mem_zero(&allocator, sizeof *array);
    if (!array)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    array->params = *params;
    array->allocator = allocator;
    *out = (struct msim_source){.ops = &array_ops, .self = array};
    return MSIM_OK;
}
