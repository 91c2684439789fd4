/*
 * The events of Polygon's dialect as a client shows them.
 */
#ifndef TOOLS_CLIENT_POLYGON_H
#define TOOLS_CLIENT_POLYGON_H

#include <marketsim/base.h>

#define POLYGON_TEXT 128

struct polygon_number {
    int64_t mantissa;
    int exponent;
};

struct polygon_event {
    char kind[16]; /* "T", "Q", "A", "AM", "XT", "XQ", ... */
    bool is_status;
    char status[POLYGON_TEXT];
    char message[POLYGON_TEXT];
    char symbol[POLYGON_TEXT];
    msim_time time;
    bool has_price; /* a trade's, or a bar's close */
    struct polygon_number price;
    struct polygon_number size;
    struct polygon_number bid;
    struct polygon_number ask;
};

/* Calls `take` for each object of the array; false where the text is no such array. */
bool polygon_read(const char *text, size_t length,
                  void (*take)(void *context, const struct polygon_event *event), void *context);

void polygon_print(const struct polygon_event *event);

#endif
