/*
 * The robot's own view held against the ledger, and the account of it.
 */
#include "faults/report.h"

#include <string.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "base/json.h"

/* ---- the robot's view ---- */

int msim_fault_quantity_exponent(const struct report *report, uint32_t instrument)
{
    const struct msim_fault_names *names = &report->names;
    struct msim_fault_instrument found;
    char digits[NAME_DIGITS];
    const char *symbol = msim_fault_symbol_name(report, instrument, digits);

    if (names->instrument && names->instrument(names->context, symbol, &found) == MSIM_OK)
        return found.quantity_exponent;
    return 0;
}

static int view_number(const struct msim_json_document *document, uint32_t at, int exponent,
                       int64_t *out, struct msim_detail *detail)
{
    const struct msim_json_node *node = &document->nodes[at];
    bool quoted = node->kind == MSIM_JSON_STRING;

    if ((node->kind != MSIM_JSON_NUMBER && !quoted) ||
        msim_json_decimal(document->text, node->start + quoted, node->end - quoted, exponent, out) <
            0)
        return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                "a decimal number with at most %d decimals is wanted here",
                                -exponent);
    return MSIM_OK;
}

static bool key_is(const struct msim_json_document *document, uint32_t at, const char *name)
{
    const struct msim_json_node *node = &document->nodes[at];

    return msim_json_is(document->text, node->key_start, node->key_end, name);
}

static int view_position(struct report *report, struct account *account,
                         const struct msim_json_document *document, uint32_t at, bool apply,
                         struct msim_detail *detail)
{
    char digits[NAME_DIGITS];

    for (size_t i = 0; i < account->dealings->position_count; i++) {
        struct known_position *position = &account->dealings->positions[i];
        int64_t value = 0;
        if (!key_is(document, at, msim_fault_symbol_name(report, position->instrument, digits)))
            continue;
        int r =
            view_number(document, at, msim_fault_quantity_exponent(report, position->instrument),
                        &value, detail);
        if (r == MSIM_OK && apply) {
            position->seen = value;
            position->has_seen = true;
        }
        return r;
    }
    int64_t value = 0;
    int r = view_number(document, at, -18, &value, detail);
    if (r == MSIM_OK && value != 0)
        return msim_json_refuse(document, at, detail, MSIM_ERR_NOT_FOUND,
                                "the account never held this");
    return r;
}

static int view_order(struct report *report, struct account *account,
                      const struct msim_json_document *document, uint32_t at, bool apply,
                      struct msim_detail *detail)
{
    char digits[NAME_DIGITS];

    for (size_t i = 0; i < account->dealings->orders.count; i++) {
        struct known_order *order = order_at(account->dealings, i);
        int64_t value = 0;
        const char *cid = msim_fault_cid_name(report, account->id, order->client_id, digits);
        char number[NAME_DIGITS];
        number[msim_decimal_digits(order->order, number)] = '\0';
        if (!(cid[0] && key_is(document, at, cid)) && !key_is(document, at, number))
            continue;
        int r = view_number(document, at, msim_fault_quantity_exponent(report, order->instrument),
                            &value, detail);
        if (r == MSIM_OK)
            r = msim_fault_order_odd(report, account->dealings, order);
        if (r == MSIM_OK && apply) {
            struct known_odd *odd = odd_of(account->dealings, order);
            odd->seen = value;
            odd->has_seen = true;
        }
        return r;
    }
    int64_t value = 0;
    int r = view_number(document, at, -18, &value, detail);
    if (r == MSIM_OK && value != 0)
        return msim_json_refuse(document, at, detail, MSIM_ERR_NOT_FOUND,
                                "the account has no such order");
    return r; /* one that never came to the engine has nothing filled, as the robot says */
}

static int view_all(struct report *report, struct account *account,
                    const struct msim_json_document *document, bool apply,
                    struct msim_detail *detail)
{
    for (uint32_t at = document->nodes[0].first; at != MSIM_JSON_NONE;
         at = document->nodes[at].next) {
        bool position = key_is(document, at, "position");
        if ((!position && !key_is(document, at, "orders")) ||
            document->nodes[at].kind != MSIM_JSON_OBJECT)
            return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                    "an object \"position\" or \"orders\" is wanted here");
        for (uint32_t inner = document->nodes[at].first; inner != MSIM_JSON_NONE;
             inner = document->nodes[inner].next) {
            int r = position ? view_position(report, account, document, inner, apply, detail)
                             : view_order(report, account, document, inner, apply, detail);
            if (r < 0)
                return r;
        }
    }
    return MSIM_OK;
}

int msim_faults_view(struct msim_faults *faults, const char *name, const char *json, size_t length,
                     struct msim_detail *detail)
{
    struct msim_json_document document;

    if (!faults || !name || !json)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a view needs an account and JSON");
    struct account *account = msim_fault_account_named(faults->report, name);
    if (!account)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "no event of account \"%s\" was seen",
                               name);
    int r = msim_json_document_read(&document, json, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    if (document.nodes[0].kind != MSIM_JSON_OBJECT)
        r = msim_json_refuse(&document, 0, detail, MSIM_ERR_INVALID, "a view is an object");
    if (r == MSIM_OK)
        r = view_all(faults->report, account, &document, false, detail);
    if (r == MSIM_OK) {
        for (size_t i = 0; i < account->dealings->position_count; i++)
            account->dealings->positions[i].has_seen = false;
        for (size_t i = 0; i < account->dealings->odd_count; i++)
            account->dealings->odds[i].has_seen = false;
        r = view_all(faults->report, account, &document, true, detail);
        account->has_view = true;
        msim_fault_scenario_ledger(faults);
    }
    msim_json_document_finish(&document);
    return r;
}

/* ---- the account of it ---- */

static void sum_up(const struct account *account, struct msim_fault_ledger *out)
{
    *out = (struct msim_fault_ledger){.told_is_true = true,
                                      .reconciled = account->has_view,
                                      .has_view = account->has_view,
                                      .truncated = account->truncated};
    for (size_t i = 0; i < account->dealings->fills.count; i++) {
        const struct known_fill *fill = fill_at(account->dealings, i);
        out->busted += fill->busted;
        out->phantom += fill->phantom;
        if (fill->phantom)
            continue;
        out->fills++;
        out->told_once += fill->told == 1;
        out->told_twice += fill->told > 1;
        out->never_told += fill->told == 0;
    }
    for (size_t i = 0; i < account->dealings->position_count; i++) {
        const struct known_position *position = &account->dealings->positions[i];
        if (position->told != position->truth)
            out->told_is_true = false;
        if ((position->has_seen ? position->seen : 0) != position->truth)
            out->reconciled = false;
    }
    for (size_t i = 0; i < account->dealings->orders.count; i++) {
        const struct known_order *order = order_at(account->dealings, i);
        const struct known_odd *odd = odd_of(account->dealings, order);
        if (order->told != order->filled)
            out->told_is_true = false;
        if (odd && odd->has_seen && odd->seen != order->filled)
            out->reconciled = false;
    }
}

int msim_faults_ledger(const struct msim_faults *faults, const char *name,
                       struct msim_fault_ledger *out)
{
    if (!faults || !name || !out)
        return MSIM_ERR_INVALID;
    const struct account *account = msim_fault_account_named(faults->report, name);
    if (!account)
        return MSIM_ERR_NOT_FOUND;
    sum_up(account, out);
    return MSIM_OK;
}

static void put_count(struct msim_json_writer *writer, const char *key, uint64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, value);
}

static void put_quantity(struct msim_json_writer *writer, const char *key, int64_t quantity,
                         int exponent)
{
    msim_json_write_key(writer, key);
    msim_json_write_decimal_text(writer, quantity, exponent);
}

static void put_orders(struct msim_json_writer *writer, const struct report *report,
                       const struct account *account)
{
    char key[NAME_DIGITS];
    char digits[NAME_DIGITS];

    msim_json_write_key(writer, "cum_qty");
    msim_json_write_object(writer);
    for (size_t i = 0; i < account->dealings->orders.count; i++) {
        const struct known_order *order = order_at(account->dealings, i);
        int exponent = msim_fault_quantity_exponent(report, order->instrument);
        key[msim_decimal_digits(order->order, key)] = '\0';
        msim_json_write_key(writer, key);
        msim_json_write_object(writer);
        msim_json_write_key(writer, "cid");
        msim_json_write_text(writer,
                             msim_fault_cid_name(report, account->id, order->client_id, digits));
        put_quantity(writer, "truth", order->filled, exponent);
        put_quantity(writer, "told", order->told, exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

static void put_positions(struct msim_json_writer *writer, const struct report *report,
                          const struct account *account)
{
    char digits[NAME_DIGITS];

    msim_json_write_key(writer, "position");
    msim_json_write_object(writer);
    for (size_t i = 0; i < account->dealings->position_count; i++) {
        const struct known_position *position = &account->dealings->positions[i];
        int exponent = msim_fault_quantity_exponent(report, position->instrument);
        msim_json_write_key(writer, msim_fault_symbol_name(report, position->instrument, digits));
        msim_json_write_object(writer);
        put_quantity(writer, "truth", position->truth, exponent);
        put_quantity(writer, "told", position->told, exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

static void put_balances(struct msim_json_writer *writer, const struct report *report,
                         const struct account *account)
{
    const struct msim_fault_names *names = &report->names;
    char digits[NAME_DIGITS];

    msim_json_write_key(writer, "balance");
    msim_json_write_object(writer);
    for (size_t i = 0; i < account->balance_count; i++) {
        const struct known_balance *balance = &account->balances[i];
        const char *name = names->asset ? names->asset(names->context, balance->asset) : NULL;
        int exponent =
            names->asset_exponent ? names->asset_exponent(names->context, balance->asset) : 0;
        msim_json_write_key(writer, msim_fault_name_or_digits(name, balance->asset, digits));
        msim_json_write_object(writer);
        put_quantity(writer, "free", balance->free, exponent);
        put_quantity(writer, "held", balance->held, exponent);
        msim_json_write_object_end(writer);
    }
    msim_json_write_object_end(writer);
}

int msim_faults_ledger_json(const struct msim_faults *faults, const char *name, char *out,
                            size_t size, size_t *length)
{
    struct msim_fault_ledger ledger;
    struct msim_json_writer writer;
    struct msim_bytes bytes;

    if (!faults || !name || (!out && size > 0) || !length)
        return MSIM_ERR_INVALID;
    const struct account *account = msim_fault_account_named(faults->report, name);
    if (!account)
        return MSIM_ERR_NOT_FOUND;
    sum_up(account, &ledger);
    msim_bytes_init(&bytes, STATISTICS_MOST_BYTES, &faults->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "account");
    msim_json_write_text(&writer, name);
    put_positions(&writer, faults->report, account);
    put_orders(&writer, faults->report, account);
    put_balances(&writer, faults->report, account);
    put_count(&writer, "fills", ledger.fills);
    put_count(&writer, "told_once", ledger.told_once);
    put_count(&writer, "told_twice", ledger.told_twice);
    put_count(&writer, "never_told", ledger.never_told);
    put_count(&writer, "phantom", ledger.phantom);
    put_count(&writer, "busted", ledger.busted);
    msim_json_write_key(&writer, "told_is_true");
    msim_json_write_bool(&writer, ledger.told_is_true);
    msim_json_write_key(&writer, "reconciled");
    msim_json_write_bool(&writer, ledger.reconciled);
    msim_json_write_key(&writer, "truncated");
    msim_json_write_bool(&writer, ledger.truncated);
    msim_json_write_object_end(&writer);
    return msim_fault_give_text(&bytes, msim_json_write_end(&writer, NULL), out, size, length);
}
