/*
 * The venue as a whole: making it, and its names.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "venue/inside.h"

#define MARKETS_LIMIT 65535
#define REFRESHES_LIMIT 1000000 /* one for each market, and those whose time has changed */

static uint32_t or_default(uint32_t value, uint32_t usual)
{
    return value ? value : usual;
}

static void set_defaults(struct msim_venue_params *params)
{
    if (params->seed == 0)
        params->seed = 1;
    params->max_outputs = or_default(params->max_outputs, 1048576);
    params->max_accounts = or_default(params->max_accounts, 65536);
    params->max_client_ids = or_default(params->max_client_ids, 16777216);
    params->finished_orders = or_default(params->finished_orders, 65536);
    params->fills = or_default(params->fills, 65536);
    params->candles = or_default(params->candles, 1000);
    params->trades = or_default(params->trades, 10000);
    params->prices = or_default(params->prices, 10000);
    if (params->price_interval == 0)
        params->price_interval = MSIM_NS_PER_S;
    if (params->writer == 0)
        params->writer = 1;
    if (params->epoch == 0)
        params->epoch = 1;
}

static int check_params(const struct msim_venue_params *params, struct msim_detail *detail)
{
    const uint32_t flags =
        MSIM_VENUE_NO_RECORDS | MSIM_VENUE_WIRE_OUTSIDE | MSIM_VENUE_NO_HISTORIES;

    if (!params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the params of a venue begin with MSIM_VENUE_PARAMS_INIT");
    if (params->flags & ~flags)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "the flags of a venue are at most %u",
                               (unsigned)flags);
    if (params->price_interval < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "price_interval is a length of time");
    if (params->max_accounts == 1 || params->max_accounts == 2)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "max_accounts is at least 3: two are the venue's own");
    return MSIM_OK;
}

/* The log's results come at once, since a command is applied behind its being stored. */
static int open_journal(struct msim_venue *venue, struct msim_detail *detail)
{
    struct msim_journal_info info;

    if (!venue->params.journal)
        return MSIM_OK;
    int r = msim_journal_info(venue->params.journal, &info);
    if (r < 0)
        return msim_detail_set(detail, r, "the venue's journal is not open");
    if (!info.immediate)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "the journal \"%s\" stores later than it is told: a venue wants to "
                               "know at once",
                               info.backend);
    r = msim_batch_writer_create(&venue->writer, venue->params.writer, venue->params.epoch,
                                 &venue->allocator);
    return r < 0 ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : MSIM_OK;
}

static int own_accounts(struct msim_venue *venue)
{
    uint32_t account;
    int r = msim_symbols_intern(&venue->accounts, "house", 5, &account);

    return r < 0 ? r : msim_symbols_intern(&venue->accounts, "crowd", 5, &account);
}

static int open_engine(struct msim_venue *venue, const struct msim_engine_params *chosen,
                       const void *bytes, size_t length, struct msim_detail *detail)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;

    if (chosen)
        params = *chosen;
    if (!params.allocator)
        params.allocator = &venue->allocator;
    if (params.max_accounts == 0)
        params.max_accounts = venue->params.max_accounts;
    if (params.max_accounts < venue->params.max_accounts)
        venue->params.max_accounts = params.max_accounts;
    return bytes ? msim_engine_restore(&venue->engine, &params, bytes, length, detail)
                 : msim_engine_create(&venue->engine, &params, detail);
}

/* What stands in the venue's memory, then what it owns; what was begun is undone by a destroy. */
static int open_all(struct msim_venue *venue, const struct msim_venue_params *params,
                    const void *bytes, size_t length, struct msim_detail *detail)
{
    int r;

    msim_symbols_init(&venue->accounts, venue->params.max_accounts, &venue->allocator);
    r = open_engine(venue, params->engine, bytes, length, detail);
    venue->accounts.limit = venue->params.max_accounts;
    if (r == MSIM_OK && params->faults)
        r = msim_taps_create(venue, params->faults, detail);
    if (r == MSIM_OK)
        r = open_journal(venue, detail);
    if (r == MSIM_OK)
        r = msim_due_init(&venue->refreshes, 0, REFRESHES_LIMIT, &venue->allocator);
    if (r == MSIM_OK && !bytes)
        r = own_accounts(venue);
    return r;
}

int msim_venue_make(struct msim_venue **out, const struct msim_venue_params *params,
                    const void *bytes, size_t length, struct msim_detail *detail)
{
    struct msim_detail words = {{0}};
    int r = check_params(params, detail);

    if (r < 0)
        return r;
    if (!out)
        return MSIM_ERR_INVALID;
    const struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_venue *venue = msim_mem_zero(&allocator, sizeof *venue);
    if (!venue)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    venue->allocator = allocator;
    venue->params = *params;
    set_defaults(&venue->params);
    venue->now = params->start;
    venue->served = INT64_MIN;
    venue->outputs.limit = venue->params.max_outputs;
    venue->told = MSIM_EVENTS_ALL;
    venue->clients.limit = venue->params.max_client_ids;
    r = open_all(venue, params, bytes, length, &words);
    if (r < 0) {
        msim_venue_destroy(&venue);
        return msim_detail_set(detail, r, "%s", words.text[0] ? words.text : msim_result_text(r));
    }
    *out = venue;
    return MSIM_OK;
}

int msim_venue_create(struct msim_venue **out, const struct msim_venue_params *params,
                      struct msim_detail *detail)
{
    return msim_venue_make(out, params, NULL, 0, detail);
}

void msim_venue_destroy(struct msim_venue **handle)
{
    if (!handle || !*handle)
        return;
    struct msim_venue *venue = *handle;
    const struct msim_allocator allocator = venue->allocator;

    msim_history_finish(venue);
    for (size_t i = 0; i < venue->market_count; i++)
        msim_market_finish(venue, &venue->markets[i]);
    msim_mem_free(&allocator, venue->markets, venue->market_capacity * sizeof *venue->markets);
    msim_taps_destroy(venue);
    msim_due_finish(&venue->refreshes);
    msim_orders_finish(venue);
    msim_clients_finish(venue);
    msim_venue_outputs_finish(venue);
    msim_symbols_finish(&venue->accounts);
    msim_batch_writer_destroy(&venue->writer);
    msim_engine_destroy(&venue->engine);
    msim_mem_free(&allocator, venue, sizeof *venue);
    *handle = NULL;
}

int msim_venue_asset_add(struct msim_venue *venue, const char *name, int exponent, uint32_t *id,
                         struct msim_detail *detail)
{
    uint32_t given;

    if (!venue)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no venue");
    int r = msim_engine_asset_add(venue->engine, name, exponent, &given, detail);
    if (r < 0)
        return r;
    venue->asset_count = given + 1;
    if (id)
        *id = given;
    return MSIM_OK;
}

int msim_venue_instrument_add(struct msim_venue *venue, const struct msim_instrument_params *params,
                              uint32_t *id, struct msim_detail *detail)
{
    uint32_t given;

    if (!venue)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no venue");
    int r = msim_mem_grow(&venue->allocator, (void **)&venue->markets, &venue->market_capacity,
                          sizeof *venue->markets, venue->market_count + 1, MARKETS_LIMIT);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    r = msim_engine_instrument_add(venue->engine, params, &given, detail);
    if (r < 0)
        return r;
    struct market *market = &venue->markets[venue->market_count++];
    msim_market_init(venue, market, params);
    if (id)
        *id = given;
    return MSIM_OK;
}

const struct msim_engine *msim_venue_engine(const struct msim_venue *venue)
{
    return venue ? venue->engine : NULL;
}

msim_time msim_venue_time(const struct msim_venue *venue)
{
    return venue ? venue->now : 0;
}

int msim_venue_statistics(const struct msim_venue *venue, struct msim_venue_statistics *out)
{
    if (!venue || !out)
        return MSIM_ERR_INVALID;
    *out = venue->statistics;
    out->client_ids = venue->clients.count;
    out->outputs_most = venue->outputs.most;
    return MSIM_OK;
}

int msim_venue_tell(struct msim_venue *venue, unsigned events)
{
    if (!venue || (events & ~(unsigned)MSIM_EVENTS_ALL))
        return MSIM_ERR_INVALID;
    venue->told = events;
    return MSIM_OK;
}

/* ---- accounts ---- */

static bool good_name(const char *name, size_t length)
{
    if (!name || length == 0 || length > MSIM_VENUE_ACCOUNT_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/' || name[i] == '|')
            return false;
    return true;
}

int msim_venue_account(struct msim_venue *venue, const char *name, size_t length, uint32_t *account)
{
    if (!venue || !account || !good_name(name, length))
        return MSIM_ERR_INVALID;
    if (msim_symbols_find(&venue->accounts, name, length, account) == MSIM_OK)
        return *account < MSIM_VENUE_FIRST_ACCOUNT ? MSIM_ERR_INVALID : 0;
    uint32_t given;
    int r = msim_symbols_intern(&venue->accounts, name, length, &given);
    if (r < 0)
        return r;
    *account = given;
    return 1;
}

int msim_venue_account_find(const struct msim_venue *venue, const char *name, size_t length,
                            uint32_t *account)
{
    if (!venue || !name || !account)
        return MSIM_ERR_INVALID;
    return msim_symbols_find(&venue->accounts, name, length, account);
}

const char *msim_venue_account_name(const struct msim_venue *venue, uint32_t account)
{
    size_t length;

    return venue ? msim_symbols_text(&venue->accounts, account, &length) : NULL;
}

uint32_t msim_venue_account_count(const struct msim_venue *venue)
{
    return venue ? (uint32_t)venue->accounts.count : 0;
}
