/*
 * What was pushed, to be asked for over HTTP: rows with filters and pages, sums by symbol and
 * strategy.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <marketsim/form.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/dashboard/inside.h"

#define DEFAULT_LIMIT 100
#define MOST_LIMIT 10000
#define VALUE_SIZE 1024

enum order { NEWEST_FIRST, OLDEST_FIRST };

/* What is asked for; a name that nobody has matches nothing. */
struct wish {
    bool has_symbol;
    bool has_strategy;
    bool has_side;
    uint32_t symbol;
    uint32_t strategy;
    uint32_t side;
    msim_time from;
    msim_time to; /* without this moment */
    size_t limit;
    size_t offset;
    enum order order;
    bool wants_csv;
};

/* ---- reading the query ---- */

static int read_count(const char *name, const char *value, size_t least, size_t most, size_t *out,
                      struct msim_detail *detail)
{
    int64_t number;

    if (msim_decimal_parse(value, strlen(value), 0, &number) < 0 || number < (int64_t)least ||
        (uint64_t)number > most)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "%s is a number from %zu to %zu", name,
                               least, most);
    *out = (size_t)number;
    return MSIM_OK;
}

static int read_moment(const char *name, const char *value, msim_time *out,
                       struct msim_detail *detail)
{
    if (msim_calendar_parse(value, strlen(value), out) < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "%s is a moment such as 2024-03-04T10:00:00", name);
    return MSIM_OK;
}

static int choose(const char *name, const char *value, const char *first, const char *second,
                  bool *is_second, struct msim_detail *detail)
{
    *is_second = strcmp(value, second) == 0;
    if (*is_second || strcmp(value, first) == 0)
        return MSIM_OK;
    return msim_detail_set(detail, MSIM_ERR_INVALID, "%s is %s or %s", name, first, second);
}

static int read_name(const struct msim_store *store, const char *value, bool *has, uint32_t *out)
{
    *has = true;
    *out = msim_store_name(store, value, strlen(value));
    return MSIM_OK;
}

static int read_pair(struct wish *wish, const struct msim_store *store, const char *key,
                     const char *value, struct msim_detail *detail)
{
    bool second = false;
    int r;

    if (strcmp(key, "symbol") == 0)
        return read_name(store, value, &wish->has_symbol, &wish->symbol);
    if (strcmp(key, "strategy") == 0)
        return read_name(store, value, &wish->has_strategy, &wish->strategy);
    if (strcmp(key, "side") == 0)
        return read_name(store, value, &wish->has_side, &wish->side);
    if (strcmp(key, "from") == 0)
        return read_moment(key, value, &wish->from, detail);
    if (strcmp(key, "to") == 0)
        return read_moment(key, value, &wish->to, detail);
    if (strcmp(key, "limit") == 0)
        return read_count(key, value, 1, wish->wants_csv ? SIZE_MAX / 2 : MOST_LIMIT, &wish->limit,
                          detail);
    if (strcmp(key, "offset") == 0)
        return read_count(key, value, 0, SIZE_MAX / 2, &wish->offset, detail);
    if (strcmp(key, "order") == 0) {
        r = choose(key, value, "desc", "asc", &second, detail);
        wish->order = second ? OLDEST_FIRST : NEWEST_FIRST;
        return r;
    }
    if (strcmp(key, "format") == 0)
        return choose(key, value, "json", "csv", &second, detail);
    return msim_detail_set(detail, MSIM_ERR_INVALID, "there is no parameter %s here", key);
}

static bool asks_for_csv(struct msim_exchange *exchange, const char *query)
{
    const char *accept = msim_exchange_header(exchange, "Accept");
    char format[8];

    if (msim_form_value(query, strlen(query), "format", format, sizeof format) >= 0)
        return strcmp(format, "csv") == 0;
    return accept && strncmp(accept, "text/csv", 8) == 0;
}

static int read_wish(struct wish *wish, const struct msim_store *store,
                     struct msim_exchange *exchange, struct msim_detail *detail)
{
    const char *query = msim_exchange_request(exchange)->query;
    const char *at = query;
    size_t length = strlen(query);
    struct msim_form_pair pair;
    char key[64];
    char value[VALUE_SIZE];

    *wish = (struct wish){.from = INT64_MIN, .to = MSIM_TIME_NEVER, .limit = DEFAULT_LIMIT};
    wish->wants_csv = asks_for_csv(exchange, query);
    if (wish->wants_csv)
        wish->limit = SIZE_MAX / 2;
    while (msim_form_next(&at, &length, &pair)) {
        if (msim_form_decode(key, sizeof key, pair.key, pair.key_length) < 0 ||
            msim_form_decode(value, sizeof value, pair.value, pair.value_length) < 0)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "a parameter of the query is too long or not well formed");
        int r = read_pair(wish, store, key, value, detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* ---- rows ---- */

static bool matches(const struct wish *wish, const struct msim_row *row)
{
    if ((wish->has_symbol && row->symbol != wish->symbol) ||
        (wish->has_strategy && row->strategy != wish->strategy) ||
        (wish->has_side && row->side != wish->side))
        return false;
    if (wish->from == INT64_MIN && wish->to == MSIM_TIME_NEVER)
        return true;
    return row->time != MSIM_TIME_NEVER && row->time >= wish->from && row->time < wish->to;
}

struct found {
    const struct msim_row **rows;
    size_t capacity;
    size_t count;
    size_t matched;
};

static int find(struct found *found, const struct msim_ring *ring, const struct wish *wish,
                const struct msim_allocator *allocator)
{
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < ring->count; i++) {
        size_t place = wish->order == OLDEST_FIRST ? i : ring->count - 1 - i;
        const struct msim_row *row = msim_ring_row(ring, place);
        void *rows = found->rows;
        if (!matches(wish, row) || found->matched++ < wish->offset || found->count >= wish->limit)
            continue;
        int r = msim_mem_grow(allocator, &rows, &found->capacity, sizeof row, found->count + 1,
                              SIZE_MAX / 2);
        if (r < 0)
            return r;
        found->rows = rows;
        found->rows[found->count++] = row;
    }
    return MSIM_OK;
}

static void found_free(struct found *found, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, found->rows, found->capacity * sizeof(void *));
}

/* As many as fit; how many in `*written`. */
static void write_rows(struct msim_json_writer *writer, const struct found *found, size_t *written)
{
    size_t bytes = 0;

    *written = 0;
    msim_json_write_array(writer);
    while (*written < found->count) {
        const struct msim_row *row = found->rows[*written];
        bytes += row->json_length + 1;
        if (bytes > MSIM_REST_MAX_BYTES - 4096)
            break;
        msim_json_write_raw(writer, row->block->json + row->json, row->json_length);
        ++*written;
    }
    msim_json_write_array_end(writer);
}

static int write_page(struct msim_bytes *out, const struct found *found, const struct wish *wish,
                      const char *name, uint64_t total)
{
    struct msim_json_writer writer;
    size_t written;

    msim_json_write_bytes(&writer, out);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, name);
    write_rows(&writer, found, &written);
    msim_json_write_key(&writer, "count");
    msim_json_write_unsigned(&writer, written);
    msim_json_write_key(&writer, "matched");
    msim_json_write_unsigned(&writer, found->matched);
    msim_json_write_key(&writer, "offset");
    msim_json_write_unsigned(&writer, wish->offset);
    msim_json_write_key(&writer, "next_offset");
    if (wish->offset + written < found->matched)
        msim_json_write_unsigned(&writer, wish->offset + written);
    else
        msim_json_write_null(&writer);
    msim_json_write_key(&writer, "total");
    msim_json_write_unsigned(&writer, total);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

/* ---- answers ---- */

static void answer(struct msim_exchange *exchange, const char *type, const struct msim_bytes *body,
                   const char *file_name)
{
    char disposition[64] = "";
    struct msim_http_header headers[2] = {{"Cache-Control", "no-store"}, {0}};

    if (file_name) {
        snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", file_name);
        headers[1] = (struct msim_http_header){"Content-Disposition", disposition};
    }
    const struct msim_http_answer whole = {
        .status = 200,
        .content_type = type,
        .headers = headers,
        .header_count = file_name ? 2 : 1,
        .body = msim_bytes_front(body),
        .body_length = msim_bytes_length(body),
    };
    if (msim_exchange_answer(exchange, &whole) < 0)
        msim_exchange_refuse(exchange, 503, "no room for the answer");
}

static void refuse(struct msim_exchange *exchange, int failure, const char *words)
{
    if (failure == MSIM_ERR_LIMIT)
        msim_exchange_refuse(exchange, 422,
                             "the answer would be larger than 32 MiB: set filters or a limit");
    else if (failure == MSIM_ERR_INVALID)
        msim_exchange_refuse(exchange, 400, words);
    else
        msim_exchange_refuse(exchange, 503, msim_result_text(failure));
}

static void answer_rows(struct msim_dashboard_server *server, struct msim_exchange *exchange,
                        enum msim_table_kind kind)
{
    static const char *const names[] = {"trades", "market_data"};
    static const char *const files[] = {"trades.csv", "market_data.csv"};
    const struct msim_ring *ring = &server->store.rings[kind];
    struct msim_detail detail = {""};
    struct msim_bytes out;
    struct found found = {0};
    struct wish wish;

    msim_bytes_init(&out, MSIM_REST_MAX_BYTES, &server->allocator);
    int r = read_wish(&wish, &server->store, exchange, &detail);
    if (r >= 0)
        r = find(&found, ring, &wish, &server->allocator);
    if (r >= 0)
        r = wish.wants_csv ? msim_export_rows(&out, kind, found.rows, found.count)
                           : write_page(&out, &found, &wish, names[kind], ring->total);
    if (r < 0)
        refuse(exchange, r, detail.text);
    else if (wish.wants_csv)
        answer(exchange, "text/csv; charset=utf-8; header=present", &out, files[kind]);
    else
        answer(exchange, "application/json", &out, NULL);
    found_free(&found, &server->allocator);
    msim_bytes_finish(&out);
}

static void get_trades(void *context, struct msim_exchange *exchange)
{
    answer_rows(context, exchange, MSIM_TABLE_TRADES);
}

static void get_market(void *context, struct msim_exchange *exchange)
{
    answer_rows(context, exchange, MSIM_TABLE_MARKET);
}

/* ---- sums ---- */

static void write_count(struct msim_json_writer *writer, const char *key, uint64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, value);
}

/* As text: JSON's readers would round them. */
static void write_exact(struct msim_json_writer *writer, const char *key,
                        const struct msim_exact *sum)
{
    char text[MSIM_EXACT_SIZE];

    msim_exact_print(sum, text);
    msim_json_write_key(writer, key);
    msim_json_write_text(writer, text);
}

static void write_trades(struct msim_json_writer *writer, const struct msim_group *sum)
{
    write_count(writer, "trades", sum->trades);
    write_count(writer, "buys", sum->buys);
    write_count(writer, "sells", sum->sells);
    write_count(writer, "winners", sum->winners);
    write_count(writer, "losers", sum->losers);
    write_exact(writer, "quantity", &sum->quantity);
    write_exact(writer, "profit_loss", &sum->profit);
}

static void write_market(struct msim_json_writer *writer, const struct msim_group *sum)
{
    write_count(writer, "market_data", sum->points);
    write_exact(writer, "volume", &sum->volume);
}

/* Sums by the symbol or the strategy of each group; `by_name` has room for every name. */
static void write_sums(struct msim_json_writer *writer, const struct msim_store *store,
                       const struct msim_group *by_name, const char *key, const char *name_key)
{
    msim_json_write_key(writer, key);
    msim_json_write_array(writer);
    for (size_t i = 0; i < store->name_count; i++) {
        const struct msim_group *sum = &by_name[i];
        if (sum->trades == 0 && sum->points == 0)
            continue;
        msim_json_write_object(writer);
        msim_json_write_key(writer, name_key);
        msim_json_write_text(writer, store->names[i]);
        write_trades(writer, sum);
        if (strcmp(name_key, "symbol") == 0)
            write_market(writer, sum);
        msim_json_write_object_end(writer);
    }
    msim_json_write_array_end(writer);
}

struct sums {
    struct msim_group all;
    struct msim_group *by_symbol;
    struct msim_group *by_strategy;
};

static void add_up(struct sums *sums, const struct msim_store *store, const struct wish *wish)
{
    for (size_t i = 0; i < store->group_count; i++) {
        const struct msim_group *group = &store->groups[i];
        if ((wish->has_symbol && group->symbol != wish->symbol) ||
            (wish->has_strategy && group->strategy != wish->strategy))
            continue;
        msim_group_join(&sums->all, group);
        msim_group_join(&sums->by_symbol[group->symbol], group);
        if (group->trades > 0) {
            struct msim_group trades = *group;
            trades.points = 0;
            msim_group_join(&sums->by_strategy[group->strategy], &trades);
        }
    }
}

static int write_summary(struct msim_bytes *out, const struct msim_store *store,
                         const struct sums *sums)
{
    struct msim_json_writer writer;

    msim_json_write_bytes(&writer, out);
    msim_json_write_object(&writer);
    write_trades(&writer, &sums->all);
    write_market(&writer, &sums->all);
    write_sums(&writer, store, sums->by_symbol, "symbols", "symbol");
    write_sums(&writer, store, sums->by_strategy, "strategies", "strategy");
    write_count(&writer, "pushes", store->pushes);
    write_count(&writer, "trades_kept", store->rings[MSIM_TABLE_TRADES].count);
    write_count(&writer, "market_data_kept", store->rings[MSIM_TABLE_MARKET].count);
    msim_json_write_key(&writer, "timestamp");
    msim_json_write_raw(&writer, store->stamp, strlen(store->stamp));
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

static void get_summary(void *context, struct msim_exchange *exchange)
{
    struct msim_dashboard_server *server = context;
    const struct msim_store *store = &server->store;
    struct msim_detail detail = {""};
    struct msim_bytes out;
    struct sums sums = {0};
    struct wish wish;

    msim_bytes_init(&out, MSIM_REST_MAX_BYTES, &server->allocator);
    int r = read_wish(&wish, store, exchange, &detail);
    if (r >= 0 && (wish.has_side || wish.from != INT64_MIN || wish.to != MSIM_TIME_NEVER))
        r = msim_detail_set(&detail, MSIM_ERR_INVALID,
                            "sums are by symbol and strategy: no other filter is known here");
    if (r >= 0) {
        sums.by_symbol =
            msim_mem_zero_array(&server->allocator, store->name_count, sizeof *sums.by_symbol);
        sums.by_strategy =
            msim_mem_zero_array(&server->allocator, store->name_count, sizeof *sums.by_strategy);
        r = sums.by_symbol && sums.by_strategy ? MSIM_OK : MSIM_ERR_NOMEM;
    }
    if (r >= 0) {
        add_up(&sums, store, &wish);
        r = write_summary(&out, store, &sums);
    }
    if (r < 0)
        refuse(exchange, r, detail.text);
    else
        answer(exchange, "application/json", &out, NULL);
    msim_mem_free(&server->allocator, sums.by_symbol, store->name_count * sizeof *sums.by_symbol);
    msim_mem_free(&server->allocator, sums.by_strategy,
                  store->name_count * sizeof *sums.by_strategy);
    msim_bytes_finish(&out);
}

static void get_openapi(void *context, struct msim_exchange *exchange)
{
    struct msim_dashboard_server *server = context;
    struct msim_bytes out;
    int r = MSIM_OK;

    msim_bytes_init(&out, MSIM_REST_MAX_BYTES, &server->allocator);
    for (size_t i = 0; r >= 0 && msim_openapi_pieces[i]; i++)
        r = msim_bytes_append(&out, msim_openapi_pieces[i], strlen(msim_openapi_pieces[i]));
    if (r < 0)
        refuse(exchange, r, "");
    else
        answer(exchange, "application/json", &out, NULL);
    msim_bytes_finish(&out);
}

const struct msim_http_handler msim_trades_handler = {.request = get_trades};
const struct msim_http_handler msim_market_handler = {.request = get_market};
const struct msim_http_handler msim_summary_handler = {.request = get_summary};
const struct msim_http_handler msim_openapi_handler = {.request = get_openapi};
