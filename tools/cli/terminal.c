#include "cli/terminal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"

void terminal_init(struct terminal *terminal, const char *program)
{
    const char *no_color = getenv("NO_COLOR");

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

static void write_line(void *context, enum msim_log_level level, const char *room, const char *text)
{
    struct terminal *terminal = context;
    time_t now = time(NULL);
    struct tm clock;
    char moment[16] = "";

    (void)room;
    if (localtime_r(&now, &clock))
        strftime(moment, sizeof moment, "%H:%M:%S", &clock);
    if (terminal->line_open) {
        fputs("\r\033[K", stderr);
        terminal->line_open = false;
    }
    const char *colour = terminal->colour ? level_colours[level] : "";
    fprintf(stderr, "%s %s: %s%s%s%s%s\n", moment, terminal->program, colour,
            level == MSIM_LOG_INFO ? "" : level_names[level], level == MSIM_LOG_INFO ? "" : ": ",
            text, colour[0] ? "\033[0m" : "");
}

struct msim_logger terminal_logger(struct terminal *terminal, enum msim_log_level level)
{
    return (struct msim_logger){.write = write_line, .context = terminal, .level = level};
}

void terminal_progress(struct terminal *terminal, const char *format, ...)
{
    if (!terminal->interactive)
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

int terminal_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int terminal_signal(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

msim_time terminal_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}
