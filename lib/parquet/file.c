/* For O_TMPFILE. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "parquet/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/mem.h"

/* Files of writers that were killed may stand in the way of a temporary name. */
#define TEMPORARY_ATTEMPTS 1000
/* What a file without a name is called until it has none. */
#define UNNAMED_FORMAT "%s/.marketsim-%ld-%u"
#define UNNAMED_LENGTH (sizeof ".marketsim" + 40)

/* ---- descriptors ---- */

/* What tells a file from another one, and from itself after a change. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct msim_parquet_handle {
    struct msim_parquet_pool *pool;
    int descriptor; /* -1: not in the pool */
    uint64_t used;  /* the pool's clock then */
    struct identity identity;
};

static struct identity identity_of(const struct stat *status)
{
    return (struct identity){.device = status->st_dev,
                             .inode = status->st_ino,
                             .size = status->st_size,
                             .modified = status->st_mtim};
}

static bool same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static void leave_pool(struct msim_parquet_handle *handle)
{
    struct msim_parquet_pool *pool = handle->pool;

    for (size_t i = 0; i < pool->count; i++) {
        if (pool->open[i] != handle)
            continue;
        pool->open[i] = pool->open[--pool->count];
        close(handle->descriptor);
        handle->descriptor = -1;
        return;
    }
}

/* Takes the place of the one that was not used for the longest time. */
static void enter_pool(struct msim_parquet_handle *handle, int descriptor)
{
    struct msim_parquet_pool *pool = handle->pool;

    if (pool->count == MSIM_PARQUET_OPEN_FILES) {
        struct msim_parquet_handle *oldest = pool->open[0];
        for (size_t i = 1; i < pool->count; i++)
            oldest = pool->open[i]->used < oldest->used ? pool->open[i] : oldest;
        leave_pool(oldest);
    }
    handle->descriptor = descriptor;
    pool->open[pool->count++] = handle;
}

/* `size` is what it has now: a file that was cut is told with the place. */
static int changed(const struct msim_parquet_file *file, uint64_t size, struct msim_detail *detail)
{
    char sizes[64] = "";

    if (size != file->size)
        snprintf(sizes, sizeof sizes, ", from %llu bytes to %llu", (unsigned long long)file->size,
                 (unsigned long long)size);
    return msim_detail_set(detail, MSIM_ERR_IO,
                           "%s: changed while it was being read%s: wait until its writer is done, "
                           "and start again",
                           file->path, sizes);
}

/* Makes the handle's descriptor open. */
static int reopen(const struct msim_parquet_file *file, struct msim_detail *detail)
{
    struct msim_parquet_handle *handle = file->handle;

    handle->used = ++handle->pool->clock;
    if (handle->descriptor >= 0)
        return MSIM_OK;
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be opened again: %s", file->path,
                               strerror(errno));
    enter_pool(handle, descriptor);
    int r = msim_parquet_file_check(file, detail);
    /* Another file: nobody may come to read from it. */
    if (r < 0)
        leave_pool(handle);
    return r;
}

int msim_parquet_file_check(const struct msim_parquet_file *file, struct msim_detail *detail)
{
    struct stat status;

    if (file->memory || file->kept)
        return MSIM_OK;
    if (file->handle->descriptor < 0)
        return reopen(file, detail);
    if (fstat(file->handle->descriptor, &status) != 0)
        return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be examined: %s", file->path,
                               strerror(errno));
    struct identity now = identity_of(&status);
    return same(&now, &file->handle->identity) ? MSIM_OK
                                               : changed(file, (uint64_t)now.size, detail);
}

/* ---- reading ---- */

int msim_parquet_file_memory(struct msim_parquet_file *file, const char *name, const void *bytes,
                             size_t length, const struct msim_allocator *allocator)
{
    static const unsigned char nothing[1];

    *file = (struct msim_parquet_file){.memory = length > 0 ? bytes : nothing,
                                       .size = length,
                                       .path_length = strlen(name),
                                       .allocator = *allocator};
    file->path = msim_mem_text(allocator, name, file->path_length);
    return file->path ? MSIM_OK : MSIM_ERR_NOMEM;
}

int msim_parquet_file_kept(struct msim_parquet_file *file, const char *name,
                           const struct temporary_file *kept, uint64_t at, uint64_t length,
                           const struct msim_allocator *allocator)
{
    *file = (struct msim_parquet_file){.kept = kept,
                                       .kept_at = at,
                                       .size = length,
                                       .path_length = strlen(name),
                                       .allocator = *allocator};
    file->path = msim_mem_text(allocator, name, file->path_length);
    return file->path ? MSIM_OK : MSIM_ERR_NOMEM;
}

static int examine(struct msim_parquet_file *file, int descriptor, struct msim_detail *detail)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0)
        return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be examined: %s", file->path,
                               strerror(errno));
    if (S_ISDIR(status.st_mode))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "%s: is a folder: name a file in it",
                               file->path);
    if (!S_ISREG(status.st_mode))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "%s: is not a regular file: a Parquet file is read from its end, so "
                               "save it to a file first",
                               file->path);
    file->size = (uint64_t)status.st_size;
    file->handle->identity = identity_of(&status);
    return MSIM_OK;
}

int msim_parquet_file_refuse(const char *path, int error, struct msim_detail *detail)
{
    bool absent = error == ENOENT || error == ENOTDIR;

    return msim_detail_set(detail, absent ? MSIM_ERR_NOT_FOUND : MSIM_ERR_IO,
                           absent ? "%s: no such file: check the path" : "%s: cannot be opened: %s",
                           path, strerror(error));
}

static int open_first(struct msim_parquet_file *file, struct msim_detail *detail)
{
    /* O_NONBLOCK: a named pipe is refused and not waited for. */
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return msim_parquet_file_refuse(file->path, errno, detail);
    int r = examine(file, descriptor, detail);
    if (r < 0) {
        close(descriptor);
        return r;
    }
    file->handle->used = ++file->handle->pool->clock;
    enter_pool(file->handle, descriptor);
    return MSIM_OK;
}

int msim_parquet_file_open(struct msim_parquet_file *file, const char *path,
                           struct msim_parquet_pool *pool, const struct msim_allocator *allocator,
                           struct msim_detail *detail)
{
    *file = (struct msim_parquet_file){.path_length = strlen(path), .allocator = *allocator};
    file->path = msim_mem_text(allocator, path, file->path_length);
    file->handle = msim_mem_zero(allocator, sizeof *file->handle);
    int r;
    if (!file->path || !file->handle) {
        r = msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    } else {
        *file->handle = (struct msim_parquet_handle){.pool = pool, .descriptor = -1};
        r = open_first(file, detail);
    }
    if (r < 0)
        msim_parquet_file_close(file);
    return r;
}

void msim_parquet_file_close(struct msim_parquet_file *file)
{
    if (file->handle && file->handle->pool)
        leave_pool(file->handle);
    msim_mem_free(&file->allocator, file->handle, sizeof *file->handle);
    if (file->path)
        msim_mem_free(&file->allocator, file->path, file->path_length + 1);
    file->handle = NULL;
    file->path = NULL;
    file->memory = NULL;
    file->kept = NULL;
}

int msim_parquet_file_read(const struct msim_parquet_file *file, uint64_t offset, void *bytes,
                           size_t length, struct msim_detail *detail)
{
    unsigned char *to = bytes;

    if (file->memory) {
        memcpy(to, file->memory + offset, length);
        return MSIM_OK;
    }
    if (file->kept)
        return file->kept->temporary.ops->read(file->kept->file, file->kept_at + offset, to, length,
                                               detail);
    int r = reopen(file, detail);
    if (r < 0)
        return r;
    while (length > 0) {
        ssize_t got = pread(file->handle->descriptor, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be read: %s", file->path,
                                   strerror(errno));
        if (got == 0) {
            r = msim_parquet_file_check(file, detail);
            return r < 0 ? r : changed(file, offset, detail);
        }
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    /* After it: what was read before a change is what was opened. */
    return msim_parquet_file_check(file, detail);
}

/* ---- files without a name ---- */

struct unnamed {
    struct msim_parquet_folder *folder;
    int descriptor;
    uint64_t length;
};

/* Nobody else can open it, and it is gone with the process, however that ends. */
static int open_unnamed(const struct msim_parquet_folder *folder)
{
    size_t size = folder->path_length + UNNAMED_LENGTH;
    int descriptor = -1;

#ifdef O_TMPFILE
    descriptor = open(folder->path, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor >= 0)
        return descriptor;
        /* Not every file system has such files: a name is taken, and given up at once. */
#endif
    char *name = msim_mem_take(&folder->allocator, size);
    if (!name) {
        errno = ENOMEM;
        return -1;
    }
    for (unsigned attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        snprintf(name, size, UNNAMED_FORMAT, folder->path, (long)getpid(), attempt);
        descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor >= 0)
            unlink(name);
        if (descriptor >= 0 || errno != EEXIST)
            break;
    }
    int why = errno;
    msim_mem_free(&folder->allocator, name, size);
    errno = why;
    return descriptor;
}

static int create_unnamed(void *self, void **file, struct msim_detail *detail)
{
    struct msim_parquet_folder *folder = self;
    struct unnamed *unnamed = msim_mem_zero(&folder->allocator, sizeof *unnamed);

    if (!unnamed)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    unnamed->folder = folder;
    unnamed->descriptor = open_unnamed(folder);
    if (unnamed->descriptor < 0) {
        int why = errno;
        msim_mem_free(&folder->allocator, unnamed, sizeof *unnamed);
        return msim_detail_set(
            detail, why == ENOENT || why == ENOTDIR ? MSIM_ERR_NOT_FOUND : MSIM_ERR_IO,
            "%s: no temporary file can be made here: %s: name another folder (temp_directory, "
            "--temp-dir)",
            folder->path, strerror(why));
    }
    *file = unnamed;
    return MSIM_OK;
}

static int append_unnamed(void *file, const void *bytes, size_t length, struct msim_detail *detail)
{
    struct unnamed *unnamed = file;
    const unsigned char *from = bytes;

    while (length > 0) {
        ssize_t put = pwrite(unnamed->descriptor, from, length, (off_t)unnamed->length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            bool full = put == 0 || errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
            return msim_detail_set(
                detail, MSIM_ERR_IO,
                full ? "%s: no space left after %llu MiB of temporary files: make room, name "
                       "another folder (temp_directory, --temp-dir), or raise memory (--memory)%s"
                     : "%s: after %llu MiB, temporary files cannot be written: %s",
                unnamed->folder->path, (unsigned long long)(unnamed->length >> 20),
                full ? "" : strerror(errno));
        }
        from += put;
        unnamed->length += (uint64_t)put;
        length -= (size_t)put;
    }
    return MSIM_OK;
}

static int read_unnamed(void *file, uint64_t offset, void *bytes, size_t length,
                        struct msim_detail *detail)
{
    const struct unnamed *unnamed = file;
    unsigned char *to = bytes;

    while (length > 0) {
        ssize_t got = pread(unnamed->descriptor, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return msim_detail_set(
                detail, MSIM_ERR_IO,
                "%s: a temporary file cannot be read: %s: name another folder (temp_directory, "
                "--temp-dir)",
                unnamed->folder->path, got < 0 ? strerror(errno) : "it was cut");
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return MSIM_OK;
}

static void close_unnamed(void *file)
{
    struct unnamed *unnamed = file;

    close(unnamed->descriptor);
    msim_mem_free(&unnamed->folder->allocator, unnamed, sizeof *unnamed);
}

static const struct temporary_ops unnamed_ops = {
    .create = create_unnamed,
    .append = append_unnamed,
    .read = read_unnamed,
    .close = close_unnamed,
};

struct temporary msim_parquet_temporary(struct msim_parquet_folder *folder)
{
    return (struct temporary){.ops = &unnamed_ops, .self = folder};
}

int msim_parquet_folder_open(struct msim_parquet_folder *folder, const char *path,
                             const struct msim_allocator *allocator, struct msim_detail *detail)
{
    *folder = (struct msim_parquet_folder){.path_length = strlen(path), .allocator = *allocator};
    folder->path = msim_mem_text(allocator, path, folder->path_length);
    return folder->path ? MSIM_OK : msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
}

void msim_parquet_folder_close(struct msim_parquet_folder *folder)
{
    if (folder->path)
        msim_mem_free(&folder->allocator, folder->path, folder->path_length + 1);
    folder->path = NULL;
}

/* ---- writing ---- */

/* What stands under the name is replaced when all is written: no device, pipe or folder may be. */
static bool may_be_replaced(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

/* A name beside the target's that nobody has; the mode is what the process's mask leaves. */
static int create_temporary(struct msim_parquet_target *target)
{
    for (unsigned attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        snprintf(target->temporary, target->temporary_size, "%s.part-%u", target->path, attempt);
        int descriptor = open(target->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

int msim_parquet_target_open(struct msim_parquet_target *target, const char *path,
                             const struct msim_allocator *allocator, struct msim_detail *detail)
{
    *target = (struct msim_parquet_target){.descriptor = -1, .allocator = *allocator};
    target->path_size = strlen(path) + 1;
    target->path = msim_mem_text(allocator, path, target->path_size - 1);
    target->temporary_size = target->path_size + sizeof ".part-4294967295" - 1;
    target->temporary = msim_mem_take(allocator, target->temporary_size);
    if (!target->path || !target->temporary) {
        msim_parquet_target_discard(target);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    }
    if (!may_be_replaced(path)) {
        msim_parquet_target_discard(target);
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "%s: is there and no plain file, such as a device or a folder: "
                               "name another one",
                               path);
    }
    target->descriptor = create_temporary(target);
    if (target->descriptor < 0) {
        int r = msim_detail_set(detail, MSIM_ERR_IO,
                                "%s: cannot be created: %s: check the folder and its permissions",
                                path, strerror(errno));
        msim_parquet_target_discard(target);
        return r;
    }
    return MSIM_OK;
}

int msim_parquet_target_write(struct msim_parquet_target *target, const void *bytes, size_t length,
                              struct msim_detail *detail)
{
    const unsigned char *from = bytes;

    while (length > 0) {
        ssize_t put = write(target->descriptor, from, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be written: %s", target->path,
                                   strerror(errno));
        from += put;
        length -= (size_t)put;
    }
    return MSIM_OK;
}

int msim_parquet_target_commit(struct msim_parquet_target *target, struct msim_detail *detail)
{
    int r = close(target->descriptor);
    target->descriptor = -1;
    if (r != 0 || rename(target->temporary, target->path) != 0) {
        r = msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be finished: %s", target->path,
                            strerror(errno));
        unlink(target->temporary);
        target->temporary[0] = '\0';
        return r;
    }
    target->temporary[0] = '\0';
    return MSIM_OK;
}

void msim_parquet_target_discard(struct msim_parquet_target *target)
{
    if (target->descriptor >= 0) {
        close(target->descriptor);
        unlink(target->temporary);
    }
    msim_mem_free(&target->allocator, target->temporary, target->temporary_size);
    if (target->path)
        msim_mem_free(&target->allocator, target->path, target->path_size);
    *target = (struct msim_parquet_target){.descriptor = -1};
}
