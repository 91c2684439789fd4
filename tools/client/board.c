#include "client/board.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/decimal.h"

#define NAME_SIZE 40

struct board_row {
    char name[NAME_SIZE];
    int64_t last;
    int64_t before; /* the price that the last one replaced, at the same exponent */
    int exponent;
    int64_t bid;
    int bid_exponent;
    bool has_bid;
    int64_t bid_size;
    int64_t ask_size;
    uint64_t count;
    msim_time time;
};

static struct board_row *row_of(struct board *board, const char *name)
{
    char cut[NAME_SIZE];

    snprintf(cut, sizeof cut, "%s", name);
    for (size_t i = 0; i < board->count; i++)
        if (strcmp(board->rows[i].name, cut) == 0)
            return &board->rows[i];
    if (!board->rows)
        board->rows = calloc(BOARD_ROWS, sizeof *board->rows);
    if (!board->rows || board->count == BOARD_ROWS)
        return NULL;
    struct board_row *row = &board->rows[board->count++];
    memcpy(row->name, cut, sizeof cut);
    return row;
}

static void note_price(struct board *board, struct board_row *row, int64_t price, int exponent,
                       msim_time time)
{
    row->before = row->count > 0 && row->exponent == exponent ? row->last : price;
    row->last = price;
    row->exponent = exponent;
    row->time = time;
    row->count++;
    board->is_changed = true;
}

void board_price(struct board *board, const char *name, int64_t price, int exponent, msim_time time)
{
    struct board_row *row = row_of(board, name);

    if (row)
        note_price(board, row, price, exponent, time);
}

void board_trade(struct board *board, const struct msim_replay_message *trade)
{
    const struct msim_record *record = &trade->record;

    if (!(record->flags & MSIM_RECORD_NO_PRICE))
        board_price(board, trade->text, record->as.trade.price, record->price_exponent,
                    record->time);
}

void board_event(struct board *board, const struct msim_quotes_message *event)
{
    struct board_row *row = row_of(board, event->symbol);

    if (!row)
        return;
    row->has_bid = true;
    row->bid = event->bid;
    row->bid_exponent = event->bid_exponent;
    row->bid_size = event->bid_size;
    row->ask_size = event->ask_size;
    note_price(board, row, event->price, event->price_exponent, event->trade_time);
}

/* A line that wraps would throw off the way back up: it is cut at the terminal's edge. */
static void draw_row(const struct board_row *row, int columns)
{
    char line[192];
    char last[MSIM_DECIMAL_SIZE];
    char bid[MSIM_DECIMAL_SIZE] = "";
    char sizes[48] = "";
    char moment[MSIM_CALENDAR_SIZE];
    const char *way = row->last > row->before ? "+" : row->last < row->before ? "-" : " ";

    msim_decimal_print(row->last, row->exponent, last);
    msim_calendar_print(row->time, MSIM_CALENDAR_PLAIN, moment);
    if (row->has_bid) {
        msim_decimal_print(row->bid, row->bid_exponent, bid);
        snprintf(sizes, sizeof sizes, "%" PRId64 " x %" PRId64, row->bid_size, row->ask_size);
    }
    snprintf(line, sizeof line, "%-28.28s %18s %s %14s %12s %10" PRIu64 "  %.23s", row->name, last,
             way, bid, sizes, row->count, moment);
    printf("%.*s\033[K\n", columns, line);
}

static size_t terminal_lines(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4 ? size.ws_row : 24;
}

static int terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 192;
}

void board_draw(struct board *board, const char *title)
{
    size_t room = terminal_lines() - 3;
    size_t shown = board->count < room ? board->count : room;

    if (!board->is_changed)
        return;
    board->is_changed = false;
    if (board->is_drawn)
        printf("\033[%zuA", board->drawn_lines);
    int columns = terminal_columns();
    char heads[192];
    snprintf(heads, sizeof heads, "%-28s %18s   %14s %12s %10s  %s", "symbol", "last", "bid",
             "bid x ask", "events", "time");
    printf("%.*s\033[K\n%.*s\033[K\n", columns, title, columns, heads);
    for (size_t i = 0; i < shown; i++)
        draw_row(&board->rows[i], columns);
    board->drawn_lines = shown + 2;
    if (shown < board->count) {
        printf("... and %zu more\033[K\n", board->count - shown);
        board->drawn_lines++;
    }
    board->is_drawn = true;
}

void board_finish(struct board *board)
{
    free(board->rows);
    *board = (struct board){0};
}
