#include "mock/script.h"

#include <string.h>

#include "base/detail.h"

/* A crash falls within one part in so many of its length, and comes back in the rest. */
#define CRASH_FALL 5
/* How much wider the spread is meanwhile. */
#define CRASH_SPREAD 4
/* Moments and lengths stay so far below int64's end that their sums do too. */
#define MOMENT_MAX (INT64_MAX / 4)

static bool concerns(const struct msim_mock_script *script, const struct msim_mock_scripted *event)
{
    return event->symbol == MSIM_MOCK_EVERY_SYMBOL || event->symbol == script->symbol;
}

static bool over(const struct msim_mock_scripted *event, msim_time since)
{
    return since - event->at >= event->length;
}

static double crash_factor(const struct msim_mock_scripted *event, msim_time since)
{
    double part = (double)(since - event->at) / (double)event->length;
    double fall = 1.0 / CRASH_FALL;
    double depth = part < fall ? part / fall : (1 - part) / (1 - fall);

    return 1 + event->size * depth;
}

struct msim_mock_effect msim_mock_script_at(struct msim_mock_script *script, msim_time time)
{
    struct msim_mock_effect effect = {script->settled, 1, false};
    msim_time since = time - script->start;

    for (size_t i = script->first; i < script->count && script->events[i].at <= since; i++) {
        const struct msim_mock_scripted *event = &script->events[i];
        bool ours = concerns(script, event);
        bool ended = over(event, since);
        if ((ended || !ours) && i == script->first) {
            script->first++;
            if (ours && event->kind == MSIM_MOCK_GAP)
                script->settled *= 1 + event->size;
        }
        if (!ours)
            continue;
        if (event->kind == MSIM_MOCK_GAP)
            effect.factor *= 1 + event->size;
        if (ended)
            continue;
        if (event->kind == MSIM_MOCK_CRASH) {
            effect.factor *= crash_factor(event, since);
            effect.widened = CRASH_SPREAD;
        }
        if (event->kind == MSIM_MOCK_SILENCE)
            effect.silent = true;
    }
    return effect;
}

bool msim_mock_script_halt(struct msim_mock_script *script, msim_time *begin, msim_time *end)
{
    for (; script->halt < script->count; script->halt++) {
        const struct msim_mock_scripted *event = &script->events[script->halt];
        if (event->kind != MSIM_MOCK_HALT || !concerns(script, event))
            continue;
        *begin = script->start + event->at;
        *end = *begin + event->length;
        return true;
    }
    return false;
}

static int check_event(const struct msim_mock_event *event, size_t place,
                       struct msim_detail *detail)
{
    bool sized = event->kind == MSIM_MOCK_GAP || event->kind == MSIM_MOCK_CRASH;
    bool lasting = event->kind != MSIM_MOCK_GAP;

    if (event->kind < MSIM_MOCK_GAP || event->kind > MSIM_MOCK_SILENCE)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "scenario event %zu: no kind %u; see enum msim_mock_happening",
                               place, event->kind);
    if (event->at < 0 || event->length < 0 || event->at > MOMENT_MAX ||
        event->length > MOMENT_MAX || (lasting && event->length == 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "scenario event %zu: it begins at the start or later and lasts a "
                               "while; give `at` and a length above 0",
                               place);
    if (sized && !(event->size > -1 && event->size <= 100))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "scenario event %zu: size is a part of the price, above -1 to 100",
                               place);
    return MSIM_OK;
}

static int find_symbol(const struct msim_mock_event *event, size_t place,
                       const struct msim_symbols *symbols, uint32_t *symbol,
                       struct msim_detail *detail)
{
    *symbol = MSIM_MOCK_EVERY_SYMBOL;
    if (!event->symbol)
        return MSIM_OK;
    size_t length = event->symbol_length ? event->symbol_length : strlen(event->symbol);
    int r = msim_symbols_find(symbols, event->symbol, length, symbol);
    if (r < 0)
        return msim_detail_set(
            detail, r, "scenario event %zu: symbol %.*s is not among the %zu symbols", place,
            (int)(length < MSIM_MOCK_NAME_MAX ? length : MSIM_MOCK_NAME_MAX), event->symbol,
            symbols->count);
    return MSIM_OK;
}

int msim_mock_script_read(const struct msim_mock_params *params, const struct msim_symbols *symbols,
                          struct msim_mock_scripted *out, struct msim_detail *detail)
{
    for (size_t i = 0; i < params->scenario_count; i++) {
        const struct msim_mock_event *event = &params->scenario[i];
        uint32_t symbol;
        int r = check_event(event, i + 1, detail);
        if (r < 0)
            return r;
        r = find_symbol(event, i + 1, symbols, &symbol, detail);
        if (r < 0)
            return r;
        /* Insertion keeps events of one moment in the caller's order. */
        size_t at = i;
        for (; at > 0 && out[at - 1].at > event->at; at--)
            out[at] = out[at - 1];
        out[at] =
            (struct msim_mock_scripted){event->kind, symbol, event->at, event->length, event->size};
    }
    return MSIM_OK;
}
