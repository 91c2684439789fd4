#include "client/remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

static const char help[] =
    "pause | resume | step [COUNT] | speed FACTOR | seek MOMENT | stats | quit\n"
    "a line that begins with { is sent as it is\n";

/* ---- words ---- */

/* The op's value: a number where it is one, else a text. */
static void write_value(struct msim_json_writer *writer, const char *key, const char *text)
{
    int64_t mantissa;
    int exponent;

    msim_json_write_key(writer, key);
    if (msim_json_decimal_any(text, 0, strlen(text), &mantissa, &exponent) >= 0)
        msim_json_write_decimal(writer, mantissa, exponent);
    else
        msim_json_write_text(writer, text);
}

static int write_op(const char *op, const char *key, const char *value, char *out, size_t size)
{
    struct msim_json_writer writer;
    size_t length = 0;

    msim_json_write_buffer(&writer, out, size);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "op");
    msim_json_write_text(&writer, op);
    if (value[0])
        write_value(&writer, key, value);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, &length) < 0 ? -1 : (int)length;
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
    static const struct {
        const char *op;
        const char *key; /* NULL: takes no value */
        bool needs_value;
    } ops[] = {
        {"pause", NULL, false},   {"resume", NULL, false}, {"step", "count", false},
        {"speed", "value", true}, {"seek", "to", true},    {"stats", NULL, false},
    };
    char value[REMOTE_LINE];
    size_t length;
    const char *op = split(line, value, sizeof value, &length);

    if (length == 0 || op[0] == '#')
        return 0;
    if (op[0] == '{') {
        int whole = snprintf(out, size, "%s", op);
        return whole < 0 || (size_t)whole >= size ? -1 : whole;
    }
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strlen(ops[i].op) != length || memcmp(ops[i].op, op, length) != 0)
            continue;
        bool is_good = ops[i].key ? value[0] || !ops[i].needs_value : !value[0];
        return is_good ? write_op(ops[i].op, ops[i].key, value, out, size) : -1;
    }
    return -1;
}

/* ---- stdin ---- */

static void stop_reading(struct remote *remote)
{
    if (remote->is_watching)
        msim_net_unwatch(remote->net, STDIN_FILENO);
    remote->is_watching = false;
}

static void take_line(struct remote *remote, const char *line)
{
    char text[REMOTE_LINE + 64];

    if (strcmp(line, "quit") == 0) {
        remote->wants_out = true;
        msim_connection_close(remote->connection, MSIM_CLOSE_NORMAL, "");
        stop_reading(remote);
        return;
    }
    if (strcmp(line, "help") == 0) {
        fputs(help, stderr);
        return;
    }
    int length = remote_read(line, text, sizeof text);
    if (length < 0) {
        terminal_fail(remote->terminal, "'%s' is not understood; help says what is", line);
        remote->is_wrong = remote->is_wrong || !isatty(STDIN_FILENO);
    } else if (length > 0) {
        msim_connection_send(remote->connection, MSIM_MESSAGE_TEXT, text, (size_t)length);
    }
}

static void take_lines(struct remote *remote)
{
    size_t begin = 0;

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
    struct remote *remote = context;
    ssize_t got = read(fd, remote->line + remote->length, sizeof remote->line - 1 - remote->length);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0) {
        remote->length += (size_t)got;
        take_lines(remote);
        if (remote->length < sizeof remote->line - 1)
            return;
        terminal_fail(remote->terminal, "a line of more than %d bytes", REMOTE_LINE - 1);
        remote->is_wrong = true;
        remote->length = 0;
        return;
    }
    remote->line[remote->length] = '\0';
    if (remote->length > 0 && !remote->wants_out)
        take_line(remote, remote->line);
    remote->length = 0;
    remote->has_ended = true;
    stop_reading(remote);
}

void remote_open(struct remote *remote, struct msim_connection *connection)
{
    remote->connection = connection;
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

void remote_close(struct remote *remote)
{
    stop_reading(remote);
    remote->connection = NULL;
}
