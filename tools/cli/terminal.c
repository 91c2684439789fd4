#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"

void terminal_init(struct terminal *terminal, const char *program)
{
    const char *no_color = getenv("NO_COLOR");

    signal(SIGXFSZ, SIG_IGN);
    *terminal = (struct terminal){.program = program, .interactive = isatty(STDERR_FILENO)};
    terminal->colour = terminal->interactive && (!no_color || no_color[0] == '\0');
}

void terminal_settle(struct terminal *terminal)
{
    if (!terminal->line_open)
        return;
    fputc('\n', stderr);
    terminal->line_open = false;
}

static const char *const level_names[] = {"", "error", "warning", "info", "debug"};
static const char *const level_colours[] = {"", "\033[31m", "\033[33m", "", "\033[2m"};

/* A server does not wait for whoever reads its log. */
static bool has_room(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) > 0 && (out.revents & POLLOUT) != 0;
}

static void write_line(void *context, enum msim_log_level level, const char *room, const char *text)
{
    struct terminal *terminal = context;
    time_t now = time(NULL);
    struct tm clock;
    char moment[16] = "";

    (void)room;
    if (!has_room()) {
        terminal->lost++;
        return;
    }
    if (terminal->lost > 0)
        fprintf(stderr, "%s: %llu lines were left out: nobody read them\n", terminal->program,
                (unsigned long long)terminal->lost);
    terminal->lost = 0;
    if (localtime_r(&now, &clock))
        strftime(moment, sizeof moment, "%H:%M:%S", &clock);
    const char *clear = terminal->line_open ? "\r\033[K" : "";
    const char *colour = terminal->colour ? level_colours[level] : "";
    terminal->line_open = false;
    fprintf(stderr, "%s%s %s: %s%s%s%s%s\n", clear, moment, terminal->program, colour,
            level == MSIM_LOG_INFO ? "" : level_names[level], level == MSIM_LOG_INFO ? "" : ": ",
            text, colour[0] ? "\033[0m" : "");
}

struct msim_logger terminal_logger(struct terminal *terminal, enum msim_log_level level)
{
    return (struct msim_logger){.write = write_line, .context = terminal, .level = level};
}

void terminal_progress(struct terminal *terminal, const char *format, ...)
{
    if (!terminal->interactive || !has_room())
        return;
    char text[512];
    struct winsize size;
    int width = (int)sizeof text;

    /* A line that wraps could not be written over. */
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        width = size.ws_col - 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\r\033[K%.*s", width, text);
    fflush(stderr);
    terminal->line_open = true;
}

int terminal_fail(struct terminal *terminal, const char *format, ...)
{
    va_list arguments;

    terminal_settle(terminal);
    fprintf(stderr, "%s: ", terminal->program);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

/* A handler has no argument of its own: where it writes must be known to all of the process. */
static int signal_in = -1;
static int as_found = -1;                    /* stdout's flags; -1: they stay as they are */
static volatile sig_atomic_t unwaiting = -1; /* the same, and that no write waits */
static volatile sig_atomic_t interrupted;

/*
 * Here and not in who is told: a write that begins between a look at `interrupted` and its own
 * system call finds that it must not wait, and one that waits already is interrupted.
 */
static void pass_on(int signal)
{
    int error = errno;
    unsigned char number = (unsigned char)signal;

    interrupted = 1;
    if (unwaiting >= 0)
        fcntl(STDOUT_FILENO, F_SETFL, unwaiting);
    /* A full pipe holds signals enough. */
    ssize_t written = write(signal_in, &number, 1);
    (void)written;
    errno = error;
}

/*
 * The flags are of whatever stdout leads to, and so of all who write there: a script's next
 * command would find a pipe that does not wait.  What nobody took by now goes nowhere.
 */
static void give_back(void)
{
    unwaiting = -1;
    if (!interrupted)
        return;
    fflush(stdout);
    fcntl(STDOUT_FILENO, F_SETFL, as_found);
    close(STDOUT_FILENO);
}

int terminal_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction pass = {.sa_handler = pass_on, .sa_flags = (int)SA_RESETHAND};
    int ends[2];

    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return -1;
    signal_in = ends[1];
    /* A terminal is the shell's too: it stays as it is. */
    as_found = isatty(STDOUT_FILENO) ? -1 : fcntl(STDOUT_FILENO, F_GETFL);
    unwaiting = as_found < 0 ? -1 : as_found | O_NONBLOCK;
    if (as_found >= 0 && atexit(give_back) != 0)
        return -1;
    if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGINT, &pass, NULL) < 0 ||
        sigaction(SIGTERM, &pass, NULL) < 0)
        return -1;
    return ends[0];
}

int terminal_signal(int fd)
{
    unsigned char number;

    return read(fd, &number, 1) == 1 ? number : 0;
}

bool terminal_interrupted(void)
{
    return interrupted != 0;
}

int terminal_printed(struct terminal *terminal, int code)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE || terminal_interrupted())
        return code;
    return terminal_fail(terminal, "the output cannot be written: %s",
                         errno ? strerror(errno) : "not all of it was taken");
}

void terminal_clean(char *text)
{
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
}

msim_time terminal_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}
