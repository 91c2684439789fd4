/*
 * Views of an exchange: tickers of all symbols, or one book; drawn over and over on a terminal,
 * and a line for each message elsewhere.
 */
#ifndef TOOLS_CLIENT_VIEWS_H
#define TOOLS_CLIENT_VIEWS_H

#include "base/json.h"

enum view_kind {
    VIEW_NONE,
    VIEW_TICKER,
    VIEW_BOOK,
};

/* Symbols beyond it are not shown. */
#define VIEW_ROWS 1000

/* Levels of a side that are drawn. */
#define VIEW_LEVELS 10

struct view_row;

struct views {
    enum view_kind kind;
    bool is_live; /* stdout is a terminal */
    bool is_changed;
    struct view_row *rows; /* the latest message of each symbol */
    size_t count;
    size_t drawn_lines;
};

void views_init(struct views *views, enum view_kind kind);
void views_finish(struct views *views);

/* Shows a message of the view; false where it is none.  Without memory it is not shown. */
bool views_take(struct views *views, const struct msim_json_document *document);
void views_draw(struct views *views);

#endif
