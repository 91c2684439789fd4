#define _GNU_SOURCE /* pipe2 */
#include "net/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/url.h"

/* What the system's resolver and its modules need. */
#define STACK_BYTES (512 * 1024)

_Static_assert(sizeof(struct msim_resolved) <= PIPE_BUF, "it is written in one piece");

/* The thread's own, from malloc: an allocator of the host's need not bear threads. */
struct job {
    int fd;
    uint16_t port;
    char host[MSIM_URL_HOST_MAX + 1];
    struct msim_resolved resolved;
};

static void *look_up(void *context)
{
    struct job *job = context;
    struct msim_resolved *resolved = &job->resolved;

    resolved->result = msim_resolve(&resolved->addresses, job->host, job->port,
                                    MSIM_RESOLVE_CONNECT, &resolved->detail);
    /* Where nobody waits any more this fails, and that is well: signals are blocked here. */
    ssize_t written = write(job->fd, resolved, sizeof *resolved);
    (void)written;
    close(job->fd);
    free(job);
    return NULL;
}

/* Detached, and no signal of the host's is handled in it.  0 or an errno. */
static int start_thread(struct job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;

    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, look_up, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int msim_resolve_start(const char *host, uint16_t port)
{
    int ends[2];

    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(job);
        return -1;
    }
    job->fd = ends[1];
    job->port = port;
    strncpy(job->host, host, sizeof job->host - 1);
    int error = start_thread(job);
    if (error == 0)
        return ends[0];
    close(ends[0]);
    close(ends[1]);
    free(job);
    errno = error;
    return -1;
}

bool msim_resolve_read(int fd, struct msim_resolved *out)
{
    return read(fd, out, sizeof *out) == (ssize_t)sizeof *out;
}
