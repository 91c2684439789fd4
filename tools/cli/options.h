/*
 * Command-line options by a table: parsing, help and errors of one kind for all tools.
 */
#ifndef TOOLS_CLI_OPTIONS_H
#define TOOLS_CLI_OPTIONS_H

#include <marketsim/pacer.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, as sysexits(3) has them where one fits. */
enum {
    EXIT_FAILED = 1, /* the work could not be done */
    EXIT_USAGE = 2,  /* the command line is wrong */
};

/* The exit code for a failure of a library call: what was not acceptable, or is not there, was
 * named by the command line. */
int exit_code_of(int result);

enum option_kind {
    OPTION_FLAG,          /* bool: no argument */
    OPTION_TEXT,          /* const char *: not empty */
    OPTION_TEXT_OR_NONE,  /* const char * */
    OPTION_COUNT,         /* uint64_t */
    OPTION_LIMIT,         /* uint64_t, 1 to OPTION_LIMIT_MOST: what memory is taken for */
    OPTION_LIMIT_OR_NONE, /* the same, and 0 for no bound */
    OPTION_PORT,          /* uint16_t: 0..65535 */
    OPTION_BYTES,         /* uint64_t above 0: 8M */
    OPTION_DURATION,      /* msim_time above 0: 5s, 250ms */
    OPTION_MOMENT,        /* msim_time: 2022-07-01T00:00:29Z */
    OPTION_SPEED,         /* struct msim_speed: 1, 2.5, max */
    OPTION_PACE,          /* struct msim_speed: 1, 2.5 */
    OPTION_LEVEL,         /* enum msim_log_level: error, warning, info, debug */
    OPTION_LIST,          /* struct option_list: a,b,c; may be given again */
    OPTION_PATHS,         /* struct option_list: one text, commas and all; may be given again */
};

#define OPTION_LIMIT_MOST 1000000
#define OPTION_BYTES_MOST ((uint64_t)64 << 30)

/* Texts of a list option, in their order; owned by the list. */
struct option_list {
    char **items;
    size_t count;
};

struct option {
    const char *name; /* without the dashes */
    char letter;      /* a short form, 0 for none */
    enum option_kind kind;
    void *target;
    const char *argument; /* what stands for the argument in the help; NULL for a flag */
    const char *help;
};

struct command_line {
    const char *program;
    const char *usage;    /* "[OPTIONS] FILE..." */
    const char *summary;  /* one or two sentences */
    const char *examples; /* lines of a terminal */
    const struct option *options;
    size_t option_count;
};

/*
 * Reads the arguments.  `--help` and `--version` are everybody's.  Returns -1
 * to go on, else the exit code to end with: what was wrong has been said.
 * The arguments that are no options are in `*rest`, in their order; `arguments` is rearranged.
 */
int options_read(const struct command_line *line, int argument_count, char **arguments,
                 char ***rest, size_t *rest_count);

void option_list_finish(struct option_list *list);

#endif
