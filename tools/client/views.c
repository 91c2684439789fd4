#include "client/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/words.h"

struct view_row {
    char symbol[WORDS_TEXT];
    char *text;
    size_t length;
};

void views_init(struct views *views, enum view_kind kind)
{
    *views = (struct views){.kind = kind, .is_live = isatty(STDOUT_FILENO) != 0};
}

void views_finish(struct views *views)
{
    for (size_t i = 0; i < views->count; i++)
        free(views->rows[i].text);
    free(views->rows);
    *views = (struct views){0};
}

/* ---- what comes ---- */

static struct view_row *row_of(struct views *views, const char *symbol)
{
    for (size_t i = 0; i < views->count; i++)
        if (strcmp(views->rows[i].symbol, symbol) == 0)
            return &views->rows[i];
    if (views->count == VIEW_ROWS)
        return NULL;
    if (!views->rows && !(views->rows = calloc(VIEW_ROWS, sizeof *views->rows)))
        return NULL;
    struct view_row *row = &views->rows[views->count++];
    snprintf(row->symbol, sizeof row->symbol, "%s", symbol);
    return row;
}

bool views_take(struct views *views, const struct msim_json_document *document)
{
    const char *type = views->kind == VIEW_TICKER ? "MARKET_DATA" : "ORDERBOOK_UPDATE";
    char symbol[WORDS_TEXT];

    if (views->kind == VIEW_NONE || !words_is(document, "type", type))
        return false;
    if (!views->is_live) {
        words_print(document);
        return true;
    }
    struct view_row *row = row_of(views, words_member(document, 0, "symbol", symbol));
    char *text = row ? malloc(document->length) : NULL;
    if (!text)
        return true;
    memcpy(text, document->text, document->length);
    free(row->text);
    row->text = text;
    row->length = document->length;
    views->is_changed = true;
    return true;
}

/* ---- drawing ---- */

static void line(struct views *views, const char *text)
{
    printf("%s\033[K\n", text);
    views->drawn_lines++;
}

static void draw_ticker(struct views *views, const struct msim_json_document *document)
{
    char text[6][WORDS_TEXT];
    char out[128];

    snprintf(out, sizeof out, "%-16.16s %14.14s %14.14s %14.14s %14.14s %14.14s",
             words_member(document, 0, "symbol", text[0]),
             words_member(document, 0, "last_price", text[1]),
             words_member(document, 0, "bid", text[2]), words_member(document, 0, "ask", text[3]),
             words_member(document, 0, "high_24h", text[4]),
             words_member(document, 0, "low_24h", text[5]));
    line(views, out);
}

static uint32_t level_at(const struct msim_json_document *document, const char *side, size_t number)
{
    const uint32_t levels = msim_json_member(document, 0, side);
    uint32_t at = levels == MSIM_JSON_NONE ? levels : document->nodes[levels].first;

    for (; number > 0 && at != MSIM_JSON_NONE; number--)
        at = document->nodes[at].next;
    return at;
}

static void draw_level(struct views *views, const struct msim_json_document *document,
                       const char *side, size_t number)
{
    const uint32_t at = level_at(document, side, number);
    char price[WORDS_TEXT] = "";
    char quantity[WORDS_TEXT] = "";
    char out[96];

    if (at != MSIM_JSON_NONE) {
        words_member(document, at, "price", price);
        words_member(document, at, "quantity", quantity);
    }
    snprintf(out, sizeof out, "%s %16.16s  %16.16s", strcmp(side, "asks") == 0 ? "ask" : "bid",
             price, quantity);
    line(views, out);
}

/* The best prices are in the middle. */
static void draw_book(struct views *views, const struct msim_json_document *document)
{
    char symbol[WORDS_TEXT];

    line(views, words_member(document, 0, "symbol", symbol));
    for (size_t i = VIEW_LEVELS; i-- > 0;)
        draw_level(views, document, "asks", i);
    for (size_t i = 0; i < VIEW_LEVELS; i++)
        draw_level(views, document, "bids", i);
}

void views_draw(struct views *views)
{
    struct msim_json_document document;

    if (!views->is_changed)
        return;
    views->is_changed = false;
    if (views->drawn_lines > 0)
        printf("\033[%zuA", views->drawn_lines);
    views->drawn_lines = 0;
    if (views->kind == VIEW_TICKER)
        line(views, "symbol                     last            bid            ask           high"
                    "            low");
    for (size_t i = 0; i < views->count; i++) {
        const struct view_row *row = &views->rows[i];
        const struct msim_allocator allocator = msim_mem_allocator(NULL);
        if (!row->text ||
            msim_json_document_read(&document, row->text, row->length, NULL, &allocator, NULL) < 0)
            continue;
        if (views->kind == VIEW_TICKER)
            draw_ticker(views, &document);
        else
            draw_book(views, &document);
        msim_json_document_finish(&document);
    }
}
