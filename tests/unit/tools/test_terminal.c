/*
 * Signals and an output that nobody takes.  Each run of the tool's side is a process of its own:
 * its signals and its stdout are all of the process's.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/terminal.h"

#define PATIENCE 20 /* seconds after which a process that waits is ended */

static void fill(int fd)
{
    char bytes[4096];
    int flags = fcntl(fd, F_GETFL);

    memset(bytes, 'x', sizeof bytes);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
    fcntl(fd, F_SETFL, flags);
}

/* What a tool's process makes of a full pipe that nobody reads: its exit status, as of waitpid. */
static int in_a_process(int (*play)(int signals))
{
    int ends[2];
    int status = -1;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(PATIENCE);
        dup2(ends[1], STDOUT_FILENO);
        fill(STDOUT_FILENO);
        int signals = terminal_signals();
        _exit(signals < 0 ? 99 : play(signals));
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    return status;
}

/* The signal comes when the look at terminal_interrupted() is over, and the write has not begun. */
static int write_behind_a_signal(int signals)
{
    if (terminal_interrupted())
        return 1;
    raise(SIGTERM);
    if (write(STDOUT_FILENO, "y", 1) != -1 || errno != EAGAIN)
        return 2;
    return terminal_interrupted() && terminal_signal(signals) == SIGTERM ? 0 : 3;
}

static int end_by_a_second_signal(int signals)
{
    (void)signals;
    raise(SIGINT);
    raise(SIGINT);
    return 1;
}

static void a_write_that_begins_behind_a_signal_does_not_wait(void **state)
{
    (void)state;
    int status = in_a_process(write_behind_a_signal);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_second_signal_ends_the_process(void **state)
{
    (void)state;
    int status = in_a_process(end_by_a_second_signal);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

/* Another process has the same pipe, as the next command of a script would. */
static void a_pipe_waits_again_when_the_process_is_over(void **state)
{
    int ends[2];
    int status = -1;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(PATIENCE);
        dup2(ends[1], STDOUT_FILENO);
        fill(STDOUT_FILENO);
        if (terminal_signals() < 0)
            _exit(99);
        raise(SIGTERM);
        fputs("nobody takes this", stdout);
        exit(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_that_begins_behind_a_signal_does_not_wait),
        cmocka_unit_test(a_second_signal_ends_the_process),
        cmocka_unit_test(a_pipe_waits_again_when_the_process_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
