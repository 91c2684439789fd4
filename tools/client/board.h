/*
 * A live board on a terminal: a line for each symbol with its last price.
 */
#ifndef TOOLS_CLIENT_BOARD_H
#define TOOLS_CLIENT_BOARD_H

#include <marketsim/codec.h>

/* Symbols beyond it are not shown. */
#define BOARD_ROWS 1000

struct board_row;

struct board {
    struct board_row *rows; /* in order of appearance */
    size_t count;
    bool is_changed;
    bool is_drawn; /* lines of it stand on the terminal */
    size_t drawn_lines;
};

void board_trade(struct board *board, const struct msim_replay_message *trade);
void board_event(struct board *board, const struct msim_quotes_message *event);

/* A price alone. */
void board_price(struct board *board, const char *name, int64_t price, int exponent,
                 msim_time time);

/* Draws over what stands there, where something has changed. */
void board_draw(struct board *board, const char *title);
void board_finish(struct board *board);

#endif
