/*
 * What all tools do with the terminal: log lines, a progress line, and the
 * signals that end them.
 */
#ifndef TOOLS_CLI_TERMINAL_H
#define TOOLS_CLI_TERMINAL_H

#include <marketsim/base.h>

struct terminal {
    const char *program;
    bool colour;      /* stderr is a terminal and NO_COLOR is not set */
    bool interactive; /* stderr is a terminal */
    bool line_open;   /* a progress line stands there without its end */
};

void terminal_init(struct terminal *terminal, const char *program);

/* A logger that writes lines like `12:34:56 replay-server: warning: ...` to stderr. */
struct msim_logger terminal_logger(struct terminal *terminal, enum msim_log_level level);

/* Writes over the progress line; nothing where stderr is no terminal. */
void terminal_progress(struct terminal *terminal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends a progress line that stands there. */
void terminal_settle(struct terminal *terminal);

/* `program: words` to stderr; returns EXIT_FAILED. */
int terminal_fail(struct terminal *terminal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Turns SIGINT and SIGTERM into a readable descriptor, and ignores SIGPIPE.
 * Returns it, or -1 with errno set.
 */
int terminal_signals(void);

/* The signal that a readable descriptor of terminal_signals holds; 0 for none. */
int terminal_signal(int fd);

/* The monotonic clock. */
msim_time terminal_clock(void);

#endif
