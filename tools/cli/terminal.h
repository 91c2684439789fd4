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
    uint64_t lost;    /* log lines that stderr had no room for */
};

/* A file that may not grow further (ulimit -f) is from then on an error to tell, and no signal. */
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
 * The exit code of a program that has printed all on stdout: `code`, or that of a failure, which it
 * tells, where not all of it could be written.  Whom nobody reads any more, as with `| head`, has
 * not failed.
 */
int terminal_printed(struct terminal *terminal, int code);

/*
 * Makes SIGINT and SIGTERM readable at a descriptor, and ignores SIGPIPE.  A signal interrupts
 * what waits, such as a write that nobody takes, and from then on what stdout still holds is
 * written as far as somebody takes it, and no further; the second one ends the process as if
 * nothing had been set up.  Returns the descriptor, which lives as long as the process, or -1 with
 * errno set.
 */
int terminal_signals(void);

/* The signal that a readable descriptor of terminal_signals holds; 0 for none. */
int terminal_signal(int fd);

/* Whether a signal has come: from then on nothing should be printed that could wait for a reader.
 */
bool terminal_interrupted(void);

/* The text with control bytes as '?', so that a foreign one cannot forge lines or move the cursor.
 */
void terminal_clean(char *text);

/* The monotonic clock. */
msim_time terminal_clock(void);

#endif
