#include "server/socketio/packet.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define ATTACHMENT_DIGITS 4

struct text {
    const char *at;
    size_t length;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_binary(enum msim_socketio_type type)
{
    return type == MSIM_SIO_BINARY_EVENT || type == MSIM_SIO_BINARY_ACK;
}

static bool is_event(enum msim_socketio_type type)
{
    return type == MSIM_SIO_EVENT || type == MSIM_SIO_BINARY_EVENT;
}

static void skip(struct text *text, size_t count)
{
    text->at += count;
    text->length -= count;
}

static size_t count_digits(const struct text *text)
{
    size_t count = 0;

    while (count < text->length && is_digit(text->at[count]))
        count++;
    return count;
}

/* "2-" */
static bool read_attachments(struct msim_socketio_packet *out, struct text *text,
                             const struct msim_socketio_limits *limits)
{
    size_t digits = count_digits(text);

    if (digits == 0 || digits > ATTACHMENT_DIGITS || digits == text->length ||
        text->at[digits] != '-')
        return false;
    for (size_t i = 0; i < digits; i++)
        out->attachments = out->attachments * 10 + (size_t)(text->at[i] - '0');
    skip(text, digits + 1);
    return out->attachments > 0 && out->attachments <= limits->max_attachments;
}

/* "/custom," or "/custom" at the end. */
static void read_namespace(struct msim_socketio_packet *out, struct text *text)
{
    out->name_space = "/";
    out->name_space_length = 1;
    if (text->length == 0 || text->at[0] != '/')
        return;
    const char *comma = memchr(text->at, ',', text->length);
    out->name_space = text->at;
    out->name_space_length = comma ? (size_t)(comma - text->at) : text->length;
    skip(text, out->name_space_length + (comma ? 1 : 0));
}

static bool read_ack(struct msim_socketio_packet *out, struct text *text)
{
    size_t digits = count_digits(text);

    if (digits > MSIM_SIO_ACK_DIGITS)
        return false;
    memcpy(out->ack, text->at, digits);
    out->ack[digits] = '\0';
    skip(text, digits);
    return true;
}

/* ---- the JSON ---- */

/* An object on the way to the token that is read, if it stands for an attachment. */
struct place {
    bool is_placeholder;
    bool has_number;
    int64_t number;
};

struct reading {
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;
    struct place places[MSIM_JSON_DEPTH_MOST];
};

static bool advance(struct reading *reading)
{
    reading->kind = msim_json_next(&reading->reader, &reading->token);
    return reading->kind >= 0;
}

/* Places may be out of range, or name nothing. */
static bool note_placeholder(struct reading *reading, size_t attachments)
{
    const struct msim_json_token *token = &reading->token;
    const char *text = reading->reader.text;
    struct place *inside = token->depth > 0 ? &reading->places[token->depth - 1] : NULL;

    if (token->kind == MSIM_JSON_OBJECT)
        reading->places[token->depth] = (struct place){false, false, 0};
    if (token->kind == MSIM_JSON_OBJECT_END) {
        const struct place *ended = &reading->places[token->depth];
        return !ended->is_placeholder ||
               (ended->has_number && ended->number >= 0 && (uint64_t)ended->number < attachments);
    }
    if (!inside || token->key_end == 0)
        return true;
    if (msim_json_is(text, token->key_start, token->key_end, "_placeholder"))
        inside->is_placeholder = token->kind == MSIM_JSON_TRUE;
    if (msim_json_is(text, token->key_start, token->key_end, "num"))
        inside->has_number =
            token->kind == MSIM_JSON_NUMBER &&
            msim_json_integer(text, token->start, token->end, &inside->number) == MSIM_OK;
    return true;
}

static bool name_reserved(const char *json, const struct msim_json_token *token)
{
    static const char *const reserved[] = {
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    };

    if (token->kind != MSIM_JSON_STRING)
        return false;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (msim_json_is(json, token->start, token->end, reserved[i]))
            return true;
    return false;
}

static bool read_name(struct msim_socketio_packet *out, struct reading *reading)
{
    if (!advance(reading) ||
        (reading->kind != MSIM_JSON_STRING && reading->kind != MSIM_JSON_NUMBER) ||
        name_reserved(out->json, &reading->token))
        return false;
    out->name_start = reading->token.start;
    out->name_end = reading->token.end;
    return true;
}

/* An array, in which an event's name comes first; the rest are arguments. */
static bool read_array(struct msim_socketio_packet *out, struct reading *reading)
{
    size_t first = 0;
    size_t end = 0;

    if (!advance(reading) || reading->kind != MSIM_JSON_ARRAY)
        return false;
    if (is_event(out->type) && !read_name(out, reading))
        return false;
    while (advance(reading) && reading->kind != MSIM_JSON_END) {
        if (reading->kind == MSIM_JSON_ARRAY_END && reading->token.depth == 0)
            end = reading->token.start;
        else if (first == 0)
            first = reading->token.start;
        if (is_binary(out->type) && !note_placeholder(reading, out->attachments))
            return false;
    }
    out->arguments = first > 0 ? out->json + first : "";
    out->arguments_length = first > 0 ? end - first : 0;
    return reading->kind == MSIM_JSON_END;
}

static bool read_object(struct reading *reading)
{
    if (!advance(reading) || reading->kind != MSIM_JSON_OBJECT)
        return false;
    while (advance(reading) && reading->kind != MSIM_JSON_END)
        ;
    return reading->kind == MSIM_JSON_END;
}

static bool read_json(struct msim_socketio_packet *out, const struct msim_socketio_limits *limits)
{
    const struct msim_json_limits json_limits = {
        .max_bytes = SIZE_MAX / 2,
        .max_depth = limits->max_depth,
    };
    struct reading reading;

    msim_json_init(&reading.reader, out->json, out->json_length, &json_limits);
    switch (out->type) {
    case MSIM_SIO_CONNECT:
        return out->json_length == 0 || read_object(&reading);
    case MSIM_SIO_DISCONNECT:
        return out->json_length == 0;
    case MSIM_SIO_EVENT:
    case MSIM_SIO_BINARY_EVENT:
        return read_array(out, &reading);
    case MSIM_SIO_ACK:
    case MSIM_SIO_BINARY_ACK:
        return out->ack[0] != '\0' && read_array(out, &reading);
    case MSIM_SIO_CONNECT_ERROR:
        return false; /* the server's to send */
    }
    return false;
}

bool msim_socketio_packet_read(struct msim_socketio_packet *out, const char *text, size_t length,
                               const struct msim_socketio_limits *limits)
{
    struct text rest = {text, length};

    *out = (struct msim_socketio_packet){.arguments = ""};
    if (length == 0 || text[0] < '0' || text[0] > '6')
        return false;
    out->type = (enum msim_socketio_type)(text[0] - '0');
    skip(&rest, 1);
    if (is_binary(out->type) && !read_attachments(out, &rest, limits))
        return false;
    read_namespace(out, &rest);
    if (!read_ack(out, &rest))
        return false;
    out->json = rest.at;
    out->json_length = rest.length;
    return read_json(out, limits);
}

int msim_socketio_packet_head(struct msim_bytes *out, enum msim_socketio_type type,
                              size_t attachments, const char *name_space, const char *ack)
{
    char head[ATTACHMENT_DIGITS + 24];
    bool is_main = strcmp(name_space, "/") == 0;

    int length = attachments > 0 ? snprintf(head, sizeof head, "%d%zu-", (int)type, attachments)
                                 : snprintf(head, sizeof head, "%d", (int)type);
    int r = msim_bytes_append(out, head, (size_t)length);
    if (r >= 0 && !is_main)
        r = msim_bytes_append(out, name_space, strlen(name_space));
    if (r >= 0 && !is_main)
        r = msim_bytes_append(out, ",", 1);
    if (r >= 0 && ack)
        r = msim_bytes_append(out, ack, strlen(ack));
    return r;
}
