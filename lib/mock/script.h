/*
 * Scripted events of one symbol: what they do to its price, its market and its telling.
 */
#ifndef MSIM_MOCK_SCRIPT_H
#define MSIM_MOCK_SCRIPT_H

#include <marketsim/mock.h>

#include "record/symbols.h"

#define MSIM_MOCK_EVERY_SYMBOL UINT32_MAX

struct msim_mock_scripted {
    uint32_t kind;
    uint32_t symbol; /* or MSIM_MOCK_EVERY_SYMBOL */
    msim_time at;
    msim_time length;
    double size;
};

/* A symbol's place in the script; the events from `first` on may still matter. */
struct msim_mock_script {
    const struct msim_mock_scripted *events; /* all symbols', by time; owned by the source */
    size_t count;
    uint32_t symbol;
    size_t first;
    size_t halt;    /* halts before this place are done with */
    double settled; /* factor on the price of all gaps that are over */
    msim_time start;
};

struct msim_mock_effect {
    double factor;   /* on the price */
    int64_t widened; /* on the spread */
    bool silent;
};

/* At a moment not earlier than the last one asked for. */
struct msim_mock_effect msim_mock_script_at(struct msim_mock_script *script, msim_time time);

/* The halt that comes next; false where there is none.  `halt++` is done with it. */
bool msim_mock_script_halt(struct msim_mock_script *script, msim_time *begin, msim_time *end);

/*
 * Checks the params' events and writes them, sorted, to `out`, which has room for all.
 * MSIM_ERR_INVALID, MSIM_ERR_NOT_FOUND with words.
 */
int msim_mock_script_read(const struct msim_mock_params *params, const struct msim_symbols *symbols,
                          struct msim_mock_scripted *out, struct msim_detail *detail);

#endif
