#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "parquet/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/mem.h"

/* The bound on the files of one data set. */
#define PATHS_LIMIT 1000000

/* Files of writers that were killed may stand in the way of a temporary name. */
#define TEMPORARY_ATTEMPTS 1000

/* ---- reading ---- */

int msim_parquet_file_memory(struct msim_parquet_file *file, const char *name, const void *bytes,
                             size_t length, const struct msim_allocator *allocator)
{
    static const unsigned char nothing[1];

    *file = (struct msim_parquet_file){.memory = length > 0 ? bytes : nothing,
                                       .descriptor = -1,
                                       .size = length,
                                       .path_length = strlen(name),
                                       .allocator = *allocator};
    file->path = msim_mem_text(allocator, name, file->path_length);
    return file->path ? MSIM_OK : MSIM_ERR_NOMEM;
}

static int check_open(struct msim_parquet_file *file, struct msim_detail *detail)
{
    struct stat status;

    if (fstat(file->descriptor, &status) != 0)
        return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be examined: %s", file->path,
                               strerror(errno));
    if (!S_ISREG(status.st_mode))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "%s: is not a regular file: a Parquet file is read from its end, so "
                               "save it to a file first",
                               file->path);
    file->size = (uint64_t)status.st_size;
    return MSIM_OK;
}

int msim_parquet_file_open(struct msim_parquet_file *file, const char *path,
                           const struct msim_allocator *allocator, struct msim_detail *detail)
{
    *file = (struct msim_parquet_file){
        .descriptor = -1, .path_length = strlen(path), .allocator = *allocator};
    file->path = msim_mem_text(allocator, path, file->path_length);
    if (!file->path)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");

    /* O_NONBLOCK: a named pipe is refused and not waited for. */
    file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->descriptor < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;
        int r = msim_detail_set(detail, absent ? MSIM_ERR_NOT_FOUND : MSIM_ERR_IO,
                                absent ? "%s: no such file: check the path"
                                       : "%s: cannot be opened: %s",
                                path, strerror(errno));
        msim_parquet_file_close(file);
        return r;
    }
    int r = check_open(file, detail);
    if (r < 0)
        msim_parquet_file_close(file);
    return r;
}

void msim_parquet_file_close(struct msim_parquet_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    if (file->path)
        msim_mem_free(&file->allocator, file->path, file->path_length + 1);
    file->descriptor = -1;
    file->path = NULL;
    file->memory = NULL;
}

int msim_parquet_file_read(const struct msim_parquet_file *file, uint64_t offset, void *bytes,
                           size_t length, struct msim_detail *detail)
{
    unsigned char *to = bytes;

    if (file->memory) {
        memcpy(to, file->memory + offset, length);
        return MSIM_OK;
    }
    while (length > 0) {
        ssize_t got = pread(file->descriptor, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be read: %s", file->path,
                                   strerror(errno));
        if (got == 0)
            return msim_detail_set(detail, MSIM_ERR_IO,
                                   "%s: became shorter while it was read: wait until its writer "
                                   "is done",
                                   file->path);
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return MSIM_OK;
}

/* ---- folders ---- */

void msim_parquet_paths_init(struct msim_parquet_paths *paths,
                             const struct msim_allocator *allocator)
{
    *paths = (struct msim_parquet_paths){.allocator = *allocator};
}

void msim_parquet_paths_finish(struct msim_parquet_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        msim_mem_free(&paths->allocator, paths->items[i], strlen(paths->items[i]) + 1);
    msim_mem_free(&paths->allocator, paths->items, paths->capacity * sizeof *paths->items);
    paths->items = NULL;
    paths->count = paths->capacity = 0;
}

/* Takes `folder`/`name`, or `folder` alone. */
static int keep(struct msim_parquet_paths *paths, const char *folder, const char *name,
                struct msim_detail *detail)
{
    void *items = paths->items;
    int r = msim_mem_grow(&paths->allocator, &items, &paths->capacity, sizeof *paths->items,
                          paths->count + 1, PATHS_LIMIT);
    if (r < 0)
        return msim_detail_set(detail, r, "%s: %s", folder,
                               r == MSIM_ERR_LIMIT ? "more than 1000000 files: name fewer"
                                                   : "out of memory");
    paths->items = items;

    size_t folder_length = strlen(folder);
    bool slash = name && folder_length > 0 && folder[folder_length - 1] != '/';
    size_t name_length = name ? strlen(name) : 0;
    size_t length = folder_length + slash + name_length;
    char *path = msim_mem_take(&paths->allocator, length + 1);
    if (!path)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    memcpy(path, folder, folder_length);
    if (slash)
        path[folder_length] = '/';
    if (name_length > 0)
        memcpy(path + folder_length + slash, name, name_length);
    path[length] = '\0';
    paths->items[paths->count++] = path;
    return MSIM_OK;
}

static bool is_parquet_name(const char *name)
{
    static const char ending[] = ".parquet";
    size_t length = strlen(name);

    return name[0] != '.' && name[0] != '_' && length > sizeof ending - 1 &&
           strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_folder(struct msim_parquet_paths *paths, const char *path,
                      struct msim_detail *detail)
{
    DIR *folder = opendir(path);
    if (!folder)
        return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be opened: %s", path,
                               strerror(errno));

    size_t first = paths->count;
    int r = MSIM_OK;
    while (r >= 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            if (errno != 0)
                r = msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be listed: %s", path,
                                    strerror(errno));
            break;
        }
        if (is_parquet_name(entry->d_name))
            r = keep(paths, path, entry->d_name, detail);
    }
    closedir(folder);
    if (r < 0)
        return r;
    if (paths->count == first)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                               "%s: no *.parquet file in this folder: name another one, or a file",
                               path);
    qsort(paths->items + first, paths->count - first, sizeof *paths->items, by_name);
    return MSIM_OK;
}

int msim_parquet_paths_add(struct msim_parquet_paths *paths, const char *path,
                           struct msim_detail *detail)
{
    struct stat status;

    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return add_folder(paths, path, detail);
    return keep(paths, path, NULL, detail);
}

/* ---- writing ---- */

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
