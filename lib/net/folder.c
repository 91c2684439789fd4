#define _GNU_SOURCE /* openat, O_PATH */
#include "net/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/detail.h"
#include "net/socket.h"

#define PART_MAX 255

static int open_folder(const char *folder)
{
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int msim_folder_check(const char *folder, struct msim_detail *detail)
{
    char words[MSIM_ERROR_TEXT];

    int fd = open_folder(folder);
    if (fd < 0)
        return msim_detail_set(detail, MSIM_ERR_IO, "the folder '%.200s' cannot be opened: %s",
                               folder, msim_error_text(words, errno));
    close(fd);
    return MSIM_OK;
}

/* Goes down part by part, so that no link on the way leads out.  -1 where it does not lead to
 * something. */
static int walk(int at, const char *path)
{
    for (;;) {
        char part[PART_MAX + 1];
        size_t length = strcspn(path, "/");
        bool is_last = path[length] == '\0';

        if (length == 0 || length > PART_MAX || path[0] == '.' || strchr(path, '\\')) {
            close(at);
            return -1;
        }
        memcpy(part, path, length);
        part[length] = '\0';
        /* Not to wait for the other end of a pipe. */
        int flags = is_last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
        int next = openat(at, part, flags | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        if (next < 0 || is_last)
            return next;
        at = next;
        path += length + 1;
    }
}

static int read_all(struct msim_bytes *out, int fd)
{
    for (;;) {
        unsigned char *room;
        struct stat info;
        size_t step = 64 * 1024;

        if (msim_bytes_length(out) == 0 && fstat(fd, &info) == 0 && info.st_size >= 0)
            step = (size_t)info.st_size + 1;
        if (step > out->limit - msim_bytes_length(out))
            step = out->limit - msim_bytes_length(out);
        if (step == 0)
            return MSIM_ERR_NOT_FOUND;
        if (msim_bytes_reserve(out, step, &room) < 0)
            return MSIM_ERR_NOMEM;
        ssize_t count = read(fd, room, step);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return MSIM_ERR_IO;
        if (count == 0)
            return MSIM_OK;
        msim_bytes_commit(out, (size_t)count);
    }
}

int msim_folder_read(struct msim_bytes *out, const char *folder, const char *path)
{
    struct stat info;

    int top = open_folder(folder);
    int fd = top < 0 ? -1 : walk(top, path);
    if (fd < 0)
        return MSIM_ERR_NOT_FOUND;
    int r = MSIM_ERR_NOT_FOUND;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0 &&
        (uint64_t)info.st_size < out->limit)
        r = read_all(out, fd);
    close(fd);
    return r;
}
