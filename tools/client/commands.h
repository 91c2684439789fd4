/*
 * What a person types to an exchange, as the message that it means.
 */
#ifndef TOOLS_CLIENT_COMMANDS_H
#define TOOLS_CLIENT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

/* A line's words beyond it are too many; so is a line beyond COMMAND_LINE bytes. */
#define COMMAND_WORDS 32
#define COMMAND_LINE 65536
#define COMMAND_MESSAGE (COMMAND_LINE + 1024)
#define COMMAND_WHY 256

enum command_kind {
    COMMAND_NOTHING, /* an empty line, or one that begins with '#' */
    COMMAND_SEND,
    COMMAND_HELP,
    COMMAND_QUIT,
    COMMAND_WRONG,
};

struct command {
    enum command_kind kind;
    bool is_raw; /* JSON of the person's own */
    size_t length;
    char message[COMMAND_MESSAGE]; /* to be sent; terminated */
    char why[COMMAND_WHY];         /* what is wrong, and what would be right */
};

/* The line is taken apart. */
void command_read(char *line, struct command *out);

/* All commands, a line each. */
const char *command_help(void);

#endif
