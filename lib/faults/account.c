/*
 * Accounts of the ledger, and what they and their things are called.
 */
#include "faults/report.h"

#include <string.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "faults/plan.h"

/* ---- names ---- */

const char *msim_fault_name_or_digits(const char *name, uint64_t number, char digits[NAME_DIGITS])
{
    if (name)
        return name;
    digits[msim_decimal_digits(number, digits)] = '\0';
    return digits;
}

const char *msim_fault_account_name(const struct report *report, uint32_t account,
                                    char digits[NAME_DIGITS])
{
    const struct msim_fault_names *names = &report->names;

    return msim_fault_name_or_digits(
        names->account ? names->account(names->context, account) : NULL, account, digits);
}

const char *msim_fault_symbol_name(const struct report *report, uint32_t instrument,
                                   char digits[NAME_DIGITS])
{
    const struct msim_fault_names *names = &report->names;

    return msim_fault_name_or_digits(
        names->symbol ? names->symbol(names->context, instrument) : NULL, instrument, digits);
}

const char *msim_fault_cid_name(const struct report *report, uint32_t account, uint64_t client_id,
                                char digits[NAME_DIGITS])
{
    const struct msim_fault_names *names = &report->names;

    if (client_id == 0)
        return "";
    return msim_fault_name_or_digits(
        names->client_id ? names->client_id(names->context, account, client_id) : NULL, client_id,
        digits);
}

/* ---- accounts ---- */

int msim_fault_account_get(struct report *report, uint32_t id, struct account **out)
{
    const struct msim_allocator *allocator = &report->faults->allocator;
    struct account **recent = &report->recent[id % RECENT_ACCOUNTS];

    if (*recent && (*recent)->id == id) {
        *out = *recent;
        return MSIM_OK;
    }
    uint32_t place = msim_fault_index_find(&report->account_index, id);
    if (place != NOTHING) {
        *out = *recent = report->accounts[place];
        return MSIM_OK;
    }
    void *accounts = report->accounts;
    int r = msim_mem_grow(allocator, &accounts, &report->account_capacity, sizeof *report->accounts,
                          report->account_count + 1, report->faults->params.max_accounts);
    if (r < 0)
        return r;
    report->accounts = accounts;
    struct account *account = msim_mem_zero(allocator, sizeof *account);
    if (!account)
        return MSIM_ERR_NOMEM;
    account->id = id;
    account->dealings = &report->no_dealings;
    r = msim_fault_index_add(&report->account_index, id, (uint32_t)report->account_count,
                             allocator);
    if (r < 0) {
        msim_mem_free(allocator, account, sizeof *account);
        return r;
    }
    report->accounts[report->account_count++] = account;
    *out = *recent = account;
    return MSIM_OK;
}

struct account *msim_fault_account_named(const struct report *report, const char *name)
{
    char digits[NAME_DIGITS];

    for (size_t i = 0; i < report->account_count; i++)
        if (strcmp(msim_fault_account_name(report, report->accounts[i]->id, digits), name) == 0)
            return report->accounts[i];
    return NULL;
}

/* Whether the host knows it, or so many that it may; `nearest` learns of all others. */
static bool is_known(const struct msim_fault_names *names, const struct strategy *strategy,
                     struct nearest *nearest)
{
    struct pattern pattern = {nearest->word, strlen(nearest->word)};
    const char *known = NULL;

    for (uint32_t i = 0; i < ACCOUNTS_COMPARED; i++) {
        if (!(known = names->account(names->context, i)))
            return false;
        if (strategy->kind == MSIM_FAULT_PHANTOM_FILL
                ? msim_fault_glob(&pattern, known, strlen(known))
                : strcmp(known, nearest->word) == 0)
            return true;
        msim_fault_nearer(nearest, known);
    }
    return true;
}

int msim_fault_refuse_stranger(const struct msim_faults *faults,
                               const struct msim_json_document *document,
                               const struct strategy *strategy, struct msim_detail *detail)
{
    const struct msim_fault_names *names = &faults->report->names;
    struct nearest nearest = {.word = NULL};
    uint32_t at = 0;

    if (strategy->kind == MSIM_FAULT_PHANTOM_FILL) {
        nearest.word = strategy->as.phantom.account;
    } else if (strategy->kind == MSIM_FAULT_INJECT) {
        nearest.word = strategy->as.inject.account;
        at = msim_json_member(document, 0, "to");
    }
    if (!nearest.word || !names->account || is_known(names, strategy, &nearest))
        return MSIM_OK;
    return msim_json_refuse(document, msim_json_member(document, at, "account"), detail,
                            MSIM_ERR_STATE,
                            "there is no account \"%s\", and what is fired is said now%s%s%s",
                            nearest.word, nearest.found[0] ? "; the nearest one is \"" : "",
                            nearest.found, nearest.found[0] ? "\"" : "");
}

void msim_fault_account_free(struct report *report, struct account *account)
{
    const struct msim_allocator *allocator = &report->faults->allocator;

    for (size_t i = 0; account->states && i < STRATEGIES_MOST; i++)
        msim_mem_free(allocator, account->states[i], sizeof *account->states[i]);
    msim_mem_free(allocator, account->states, STRATEGIES_MOST * sizeof *account->states);
    struct dealings *dealings = account->dealings;
    if (dealings != &report->no_dealings) {
        msim_fault_index_finish(&dealings->order_index, allocator);
        msim_fault_index_finish(&dealings->fill_index, allocator);
        msim_fault_rows_finish(&dealings->orders, sizeof(struct known_order), allocator);
        msim_mem_free(allocator, dealings->odds, dealings->odd_capacity * sizeof *dealings->odds);
        msim_fault_rows_finish(&dealings->fills, sizeof(struct known_fill), allocator);
        msim_mem_free(allocator, dealings->positions,
                      dealings->position_capacity * sizeof *dealings->positions);
        msim_mem_free(allocator, dealings, sizeof *dealings);
    }
    msim_mem_free(allocator, account->balances,
                  account->balance_capacity * sizeof *account->balances);
    msim_mem_free(allocator, account, sizeof *account);
}
