/*
 * Which messages a strategy looks at.
 *
 * Direction, channel and label do not change as long as a link is open: they are
 * settled when a strategy or a link comes (faults.c); what is left here looks at
 * the message.
 */
#include "faults/strategy.h"

bool msim_fault_glob(const struct pattern *pattern, const char *text, size_t length)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX; /* where to go on after the last '*' */
    size_t mark = 0;        /* how far it has eaten */

    while (t < length) {
        if (p < pattern->length && pattern->text[p] == '*') {
            star = ++p;
            mark = t;
        } else if (p < pattern->length &&
                   (pattern->text[p] == '?' || pattern->text[p] == text[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern->length && pattern->text[p] == '*')
        p++;
    return p == pattern->length;
}

bool msim_fault_patterns_match(const struct patterns *patterns, const char *text, size_t length)
{
    if (patterns->count == 0)
        return true;
    for (size_t i = 0; i < patterns->count; i++) {
        /* Most globs begin with a letter, and most texts with another one. */
        const struct pattern *pattern = &patterns->items[i];
        char first = pattern->length > 0 ? pattern->text[0] : '*';
        if (first != '*' && first != '?' && (length == 0 || text[0] != first))
            continue;
        if (msim_fault_glob(pattern, text ? text : "", length))
            return true;
    }
    return false;
}

static bool symbols_match(const struct patterns *patterns, const struct msim_fault_message *message)
{
    if (msim_fault_patterns_match(patterns, message->symbol.text, message->symbol.length))
        return true;
    for (size_t i = 0; i < message->more_symbol_count; i++)
        if (msim_fault_patterns_match(patterns, message->more_symbols[i].text,
                                      message->more_symbols[i].length))
            return true;
    return false;
}

static bool side_matches(const struct patterns *patterns, int side)
{
    switch (side) {
    case MSIM_SIDE_BUY:
        return msim_fault_patterns_match(patterns, "buy", 3);
    case MSIM_SIDE_SELL:
        return msim_fault_patterns_match(patterns, "sell", 4);
    default:
        return msim_fault_patterns_match(patterns, "none", 4);
    }
}

/* One selector without its `not`. */
static bool fields_match(const struct selector *selector, const struct view *view)
{
    const struct msim_fault_message *message = view->message;

    return selector->directions >> view->direction & 1 && selector->channels >> view->channel & 1 &&
           selector->types >> message->type & 1 && message->length >= selector->size_min &&
           message->length <= selector->size_max &&
           msim_fault_patterns_match(&selector->label, view->label.text, view->label.length) &&
           msim_fault_patterns_match(&selector->account, view->account.text,
                                     view->account.length) &&
           symbols_match(&selector->symbol, message) &&
           msim_fault_patterns_match(&selector->cid, message->client_order_id.text,
                                     message->client_order_id.length) &&
           (selector->side.count == 0 || side_matches(&selector->side, message->side));
}

/* What a link settles for good left aside. */
bool msim_fault_select_rest(const struct selector *selector, const struct view *view)
{
    const struct msim_fault_message *message = view->message;

    return message->length >= selector->size_min && message->length <= selector->size_max &&
           (selector->symbol.count == 0 || symbols_match(&selector->symbol, message)) &&
           (selector->account.count == 0 ||
            msim_fault_patterns_match(&selector->account, view->account.text,
                                      view->account.length)) &&
           (selector->cid.count == 0 ||
            msim_fault_patterns_match(&selector->cid, message->client_order_id.text,
                                      message->client_order_id.length)) &&
           (selector->side.count == 0 || side_matches(&selector->side, message->side)) &&
           !(selector->except && fields_match(selector->except, view));
}

bool msim_fault_select(const struct selector *selector, const struct view *view)
{
    return fields_match(selector, view) &&
           !(selector->except && fields_match(selector->except, view));
}
