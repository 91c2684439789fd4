#include "client/remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

static const char help[] =
    "pause | resume | step [COUNT] | speed FACTOR|max | seek MOMENT | stats | quit\n"
    "a line that begins with { is sent as it is\n";

/* ---- words ---- */

/* What an op's value may be; what is none of these is refused here, for the sender of a number
 * that was made of letters would never learn what he had asked for. */
enum value_kind {
    VALUE_NONE,
    VALUE_COUNT,  /* digits, above zero; may be left out */
    VALUE_SPEED,  /* a plain number above zero, or max */
    VALUE_MOMENT, /* digits are a number, all else is a text that the server judges */
};

static const struct op {
    const char *name;
    const char *key;
    enum value_kind kind;
} ops[] = {
    {"pause", NULL, VALUE_NONE},     {"resume", NULL, VALUE_NONE}, {"step", "count", VALUE_COUNT},
    {"speed", "value", VALUE_SPEED}, {"seek", "to", VALUE_MOMENT}, {"stats", NULL, VALUE_NONE},
};

static bool is_digits(const char *text)
{
    return text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* Digits, with a point and further ones at most. */
static bool is_plain(const char *text)
{
    const char *rest = text + strspn(text, "0123456789");

    return rest > text && (*rest == '\0' || (*rest == '.' && is_digits(rest + 1)));
}

/* The number that the text is; false where it is none, or too long a one. */
static bool read_number(const char *text, int64_t *mantissa, int *exponent)
{
    while (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        text++; /* JSON has no such zeros */
    return is_plain(text) && msim_json_decimal_any(text, 0, strlen(text), mantissa, exponent) >= 0;
}

/* Whether the value is one of its kind; else `why` says what would be. */
static bool check_value(const struct op *op, const char *value, char *why, size_t size)
{
    int64_t mantissa = 0;
    int exponent = 0;
    const bool is_number = read_number(value, &mantissa, &exponent);

    switch (op->kind) {
    case VALUE_COUNT:
        if (!value[0] || (is_digits(value) && is_number && mantissa > 0))
            return true;
        snprintf(why, size, "'%.60s' is no count of timestamps: step 3, or step alone for one",
                 value);
        return false;
    case VALUE_SPEED:
        if (strcmp(value, "max") == 0 || (is_number && mantissa > 0))
            return true;
        snprintf(why, size, "'%.60s' is no speed: speed 20, speed 0.5 or speed max", value);
        return false;
    case VALUE_MOMENT:
        if (value[0] && (is_number || !is_digits(value)))
            return true;
        snprintf(why, size, "'%.60s' is no moment: seek 2022-07-01T12:00:00Z", value);
        return false;
    default:
        if (!value[0])
            return true;
        snprintf(why, size, "'%.60s' is too much behind '%s', which stands alone", value, op->name);
        return false;
    }
}

static void write_value(struct msim_json_writer *writer, const struct op *op, const char *value)
{
    int64_t mantissa;
    int exponent;

    msim_json_write_key(writer, op->key);
    if ((op->kind != VALUE_MOMENT || is_digits(value)) && read_number(value, &mantissa, &exponent))
        msim_json_write_decimal(writer, mantissa, exponent);
    else
        msim_json_write_text(writer, value);
}

static int write_op(const struct op *op, const char *value, char *out, size_t size)
{
    struct msim_json_writer writer;
    size_t length = 0;

    msim_json_write_buffer(&writer, out, size);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "op");
    msim_json_write_text(&writer, op->name);
    if (value[0])
        write_value(&writer, op, value);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) >= 0)
        return (int)length;
    snprintf(out, size, "the line is too long");
    return -1;
}

/* The op at the line's beginning; its value is what follows, without white space around it. */
static const char *split(const char *line, char *value, size_t size, size_t *length)
{
    line += strspn(line, " \t\r");
    *length = strcspn(line, " \t\r");
    const char *rest = line + *length;
    rest += strspn(rest, " \t\r");
    size_t end = strlen(rest);
    while (end > 0 && strchr(" \t\r", rest[end - 1]))
        end--;
    snprintf(value, size, "%.*s", (int)end, rest);
    return line;
}

int remote_read(const char *line, char *out, size_t size)
{
    char value[REMOTE_LINE];
    size_t length;
    const char *op = split(line, value, sizeof value, &length);

    if (length == 0 || op[0] == '#')
        return 0;
    if (op[0] == '{') {
        int whole = snprintf(out, size, "%s", op);
        if (whole >= 0 && (size_t)whole < size)
            return whole;
        snprintf(out, size, "the line is too long");
        return -1;
    }
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strlen(ops[i].name) != length || memcmp(ops[i].name, op, length) != 0)
            continue;
        return check_value(&ops[i], value, out, size) ? write_op(&ops[i], value, out, size) : -1;
    }
    snprintf(out, size, "'%.60s' is not understood; help says what is", line);
    return -1;
}

/* ---- stdin ---- */

static void stop_reading(struct remote *remote)
{
    if (remote->is_watching)
        msim_net_unwatch(remote->net, STDIN_FILENO);
    remote->is_watching = false;
}

/* Whether a message asks for the op. */
static bool is_op(const char *text, size_t length, const char *name)
{
    struct msim_json_document document;

    if (msim_json_document_read(&document, text, length, NULL, NULL, NULL) < 0)
        return false;
    uint32_t op = msim_json_member(&document, 0, "op");
    bool is = op != MSIM_JSON_NONE && document.nodes[op].kind == MSIM_JSON_STRING &&
              msim_json_is(text, document.nodes[op].start, document.nodes[op].end, name);
    msim_json_document_finish(&document);
    return is;
}

static void say(struct remote *remote, const char *text, size_t length)
{
    if (msim_connection_send(remote->connection, MSIM_MESSAGE_TEXT, text, length) < 0)
        return; /* the connection is about to be told of */
    remote->asked++;
    if (is_op(text, length, "pause"))
        remote->is_paused = true;
    else if (is_op(text, length, "resume"))
        remote->is_paused = false;
}

static void take_line(struct remote *remote, const char *line)
{
    char text[REMOTE_LINE + 64];

    remote->line_number++;
    if (strcmp(line, "quit") == 0) {
        remote->wants_out = true;
        remote->end_at = terminal_clock() + REMOTE_SECONDS * MSIM_NS_PER_S;
        stop_reading(remote);
        return;
    }
    if (strcmp(line, "help") == 0) {
        fputs(help, stderr);
        return;
    }
    int length = remote_read(line, text, sizeof text);
    if (length < 0) {
        terminal_clean(text);
        if (isatty(STDIN_FILENO)) {
            terminal_fail(remote->terminal, "%s", text);
        } else {
            terminal_fail(remote->terminal, "-:%zu: %s", remote->line_number, text);
            remote->is_wrong = true;
        }
    } else if (length > 0) {
        say(remote, text, (size_t)length);
    }
}

static void take_lines(struct remote *remote)
{
    size_t begin = 0;

    if (remote->is_skipping) {
        const char *end = memchr(remote->line, '\n', remote->length);
        remote->is_skipping = !end;
        begin = end ? (size_t)(end - remote->line) + 1 : remote->length;
    }
    while (!remote->wants_out) {
        char *end = memchr(remote->line + begin, '\n', remote->length - begin);
        if (!end)
            break;
        *end = '\0';
        take_line(remote, remote->line + begin);
        begin = (size_t)(end - remote->line) + 1;
    }
    remote->length -= begin;
    memmove(remote->line, remote->line + begin, remote->length);
}

static void read_input(void *context, int fd)
{
    static const char resume[] = "{\"op\":\"resume\"}";
    struct remote *remote = context;
    ssize_t got = read(fd, remote->line + remote->length, sizeof remote->line - 1 - remote->length);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0) {
        remote->length += (size_t)got;
        take_lines(remote);
        if (remote->length < sizeof remote->line - 1)
            return;
        terminal_fail(remote->terminal, "-:%zu: a line of more than %d bytes",
                      ++remote->line_number, REMOTE_LINE - 1);
        remote->is_wrong = remote->is_skipping = true;
        remote->length = 0;
        return;
    }
    remote->line[remote->length] = '\0';
    if (remote->length > 0 && !remote->wants_out)
        take_line(remote, remote->line);
    remote->length = 0;
    remote->has_ended = true;
    stop_reading(remote);
    /* Nobody is left who could say it. */
    if (remote->is_paused && !remote->wants_out)
        say(remote, resume, sizeof resume - 1);
}

void remote_open(struct remote *remote, struct msim_connection *connection)
{
    remote->connection = connection;
    remote->asked = remote->heard = 0;
    remote->is_paused = remote->is_leaving = false;
    if (remote->has_ended || remote->is_watching)
        return;
    if (msim_net_watch(remote->net, STDIN_FILENO, read_input, remote) >= 0) {
        remote->is_watching = true;
        return;
    }
    /* A file cannot be waited for, and need not. */
    while (!remote->has_ended && !remote->wants_out)
        read_input(remote, STDIN_FILENO);
}

void remote_hear(struct remote *remote)
{
    remote->heard++;
}

msim_time remote_turn(struct remote *remote, msim_time now)
{
    if (!remote->wants_out || !remote->connection || remote->is_leaving)
        return MSIM_TIME_NEVER;
    if (remote->heard < remote->asked && now < remote->end_at)
        return remote->end_at;
    if (remote->heard < remote->asked) {
        terminal_fail(remote->terminal, "not everything was answered within %d s", REMOTE_SECONDS);
        remote->is_wrong = true;
    }
    remote->is_leaving = true;
    msim_connection_close(remote->connection, MSIM_CLOSE_NORMAL, "");
    return MSIM_TIME_NEVER;
}

void remote_close(struct remote *remote)
{
    stop_reading(remote);
    remote->connection = NULL;
}
