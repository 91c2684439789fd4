#include "client/polygon.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"
#include "cli/terminal.h"

static void read_text(const char *text, const struct msim_json_token *token, char *out, size_t size)
{
    if (token->kind != MSIM_JSON_STRING ||
        msim_json_string(text, token->start, token->end, out, size, NULL) < 0)
        out[0] = '\0';
    terminal_clean(out);
}

static bool read_number(const char *text, const struct msim_json_token *token,
                        struct polygon_number *number)
{
    return token->kind == MSIM_JSON_NUMBER &&
           msim_json_decimal_any(text, token->start, token->end, &number->mantissa,
                                 &number->exponent) >= 0;
}

static void read_moment(const char *text, const struct msim_json_token *token, msim_time *time)
{
    int64_t ms;

    if (token->kind == MSIM_JSON_NUMBER &&
        msim_json_integer(text, token->start, token->end, &ms) >= 0 &&
        ms <= INT64_MAX / MSIM_NS_PER_MS && ms >= INT64_MIN / MSIM_NS_PER_MS)
        *time = ms * MSIM_NS_PER_MS;
}

/* What c and s are depends on the kind, which may stand behind them: a bar's close and start, a
 * trade's or quote's conditions and a trade's size. */
struct members {
    bool has_p;
    bool has_c;
    bool has_v;
    struct polygon_number p;
    struct polygon_number c;
    struct polygon_number s;
    struct polygon_number v;
};

static void read_member(const char *text, const struct msim_json_token *token,
                        struct members *members, struct polygon_event *event)
{
#define KEY_IS(word) msim_json_is(text, token->key_start, token->key_end, word)
    if (KEY_IS("ev"))
        read_text(text, token, event->kind, sizeof event->kind);
    else if (KEY_IS("status"))
        read_text(text, token, event->status, sizeof event->status);
    else if (KEY_IS("message"))
        read_text(text, token, event->message, sizeof event->message);
    else if (KEY_IS("sym") || KEY_IS("pair"))
        read_text(text, token, event->symbol, sizeof event->symbol);
    else if (KEY_IS("p"))
        members->has_p = read_number(text, token, &members->p);
    else if (KEY_IS("c"))
        members->has_c = read_number(text, token, &members->c);
    else if (KEY_IS("s"))
        read_number(text, token, &members->s);
    else if (KEY_IS("v"))
        members->has_v = read_number(text, token, &members->v);
    else if (KEY_IS("bp"))
        read_number(text, token, &event->bid);
    else if (KEY_IS("ap"))
        read_number(text, token, &event->ask);
    else if (KEY_IS("t") || KEY_IS("e"))
        read_moment(text, token, &event->time);
#undef KEY_IS
}

static void settle(const struct members *members, struct polygon_event *event)
{
    event->is_status = strcmp(event->kind, "status") == 0;
    event->has_price = members->has_p || (members->has_v && members->has_c);
    event->price = members->has_p ? members->p : members->c;
    event->size = members->has_v ? members->v : members->s;
}

/* The members of the object whose first token was read; false where the text breaks off. */
static bool read_event(struct msim_json_reader *reader, const char *text,
                       struct polygon_event *event)
{
    struct members members = {.has_p = false};
    struct msim_json_token token;
    int kind;

    while ((kind = msim_json_next(reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END) {
            settle(&members, event);
            return true;
        }
        read_member(text, &token, &members, event);
        if ((kind == MSIM_JSON_OBJECT || kind == MSIM_JSON_ARRAY) &&
            msim_json_skip(reader, &token) < 0)
            return false;
    }
    return false;
}

bool polygon_read(const char *text, size_t length,
                  void (*take)(void *context, const struct polygon_event *event), void *context)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, text, length, NULL);
    if (msim_json_next(&reader, &token) != MSIM_JSON_ARRAY)
        return false;
    while ((kind = msim_json_next(&reader, &token)) == MSIM_JSON_OBJECT) {
        struct polygon_event event = {.is_status = false};
        if (!read_event(&reader, text, &event))
            return false;
        take(context, &event);
    }
    return kind == MSIM_JSON_ARRAY_END;
}

void polygon_print(const struct polygon_event *event)
{
    char moment[MSIM_CALENDAR_SIZE];
    char first[MSIM_DECIMAL_SIZE];
    char second[MSIM_DECIMAL_SIZE];
    bool is_quote = !event->has_price;

    msim_calendar_print(event->time, MSIM_CALENDAR_PLAIN, moment);
    if (is_quote) {
        msim_decimal_print(event->bid.mantissa, event->bid.exponent, first);
        msim_decimal_print(event->ask.mantissa, event->ask.exponent, second);
    } else {
        msim_decimal_print(event->price.mantissa, event->price.exponent, first);
        msim_decimal_print(event->size.mantissa, event->size.exponent, second);
    }
    printf("%-26s  %-2s  %-16s %14s %s %s\n", moment, event->kind, event->symbol, first,
           is_quote ? "/" : "x", second);
}
