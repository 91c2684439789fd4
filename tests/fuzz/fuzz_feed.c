/*
 * Any bytes as a message of a server that the dashboard shows: what is told of them is terminated
 * and within its bounds, markets hold it, and what they write is JSON, and CSV that their own
 * reader takes.  The same bytes as an admin API's answer become JSON for the page, or nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/dashboard/live.h"
#include "server/dashboard/switches.h"
#include "server/dashboard/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_number(const struct msim_feed_number *number)
{
    must(!number->is_known || (number->exponent <= 0 && number->exponent >= -18));
}

static void take(void *context, const struct msim_feed_event *event)
{
    must(memchr(event->symbol, '\0', sizeof event->symbol) != NULL);
    must(memchr(event->words, '\0', sizeof event->words) != NULL);
    must(event->time >= 0);
    must(event->bid_count <= MSIM_FEED_LEVELS && event->ask_count <= MSIM_FEED_LEVELS);
    check_number(&event->price);
    check_number(&event->size);
    check_number(&event->bid);
    check_number(&event->volume);
    must(msim_live_take(context, 0, "host:1", event, MSIM_NS_PER_S) == MSIM_OK);
}

static void check_json(struct msim_bytes *out)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, (const char *)msim_bytes_front(out), msim_bytes_length(out), NULL);
    while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END)
        ;
    must(kind == MSIM_JSON_END);
    msim_bytes_take(out, msim_bytes_length(out));
}

static void check_bars(struct msim_live *live)
{
    struct msim_table *table = msim_table_create(MSIM_TABLE_MARKET, &live->allocator);

    must(table != NULL);
    msim_live_close_bars(live);
    msim_live_close_bars(live);
    must(msim_table_feed(table, msim_live_bars_header, strlen(msim_live_bars_header)) >= 0);
    must(msim_table_feed(table, msim_bytes_front(&live->bars), msim_bytes_length(&live->bars)) >=
         0);
    must(msim_table_end(table) >= 0);
    msim_table_destroy(&table);
}

static void check_answer(struct msim_bytes *out, int result)
{
    if (result >= 0)
        check_json(out);
    must(msim_bytes_length(out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_live *live = malloc(sizeof *live);
    struct msim_bytes out;

    must(live != NULL);
    msim_live_init(live, 1, &allocator);
    msim_bytes_init(&out, SIZE_MAX / 4, &allocator);
    msim_feed_read((const char *)data, size, take, live);
    must(msim_live_write_all(live, &out) == MSIM_OK);
    check_json(&out);
    must(msim_live_write_changes(live, &out) == MSIM_OK);
    check_json(&out);
    for (size_t i = 0; i < live->market_count; i++) {
        must(msim_live_write_book(live->markets[i], &out) == MSIM_OK);
        check_json(&out);
    }
    check_bars(live);
    check_answer(&out, msim_switches_read_faults(&out, (const char *)data, size));
    check_answer(&out, msim_switches_read_presets(&out, (const char *)data, size));
    msim_bytes_finish(&out);
    msim_live_finish(live);
    free(live);
    return 0;
}
