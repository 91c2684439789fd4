#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "parquet/paths.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/csv_file.h"
#include "parquet/file.h"

/* The bound on the files of one data set, and on the folders of one tree. */
#define PATHS_LIMIT 1000000

/* Folders inside each other: more is a link that leads back. */
#define DEPTH_LIMIT 32

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
    if (r == MSIM_ERR_LIMIT)
        return msim_detail_set(detail, r, "%s: more than %d files: name fewer", folder,
                               PATHS_LIMIT);
    if (r < 0)
        return msim_detail_set(detail, r, "%s: %s", folder, msim_result_text(r));
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

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_from(struct msim_parquet_paths *paths, size_t first)
{
    qsort(paths->items + first, paths->count - first, sizeof *paths->items, by_name);
}

/* ---- folders ---- */

static bool ends_as_parquet(const char *name)
{
    static const char ending[] = ".parquet";
    size_t length = strlen(name);

    return length > sizeof ending - 1 && strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

static bool ends_as_trades(const char *name)
{
    return ends_as_parquet(name) || msim_csv_file_named(name);
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* The entry that was just kept among the folders stays there, or becomes a file, or goes. */
static int sort_entry(struct msim_parquet_paths *files, struct msim_parquet_paths *folders,
                      const char *name, size_t root_depth, struct msim_detail *detail)
{
    char *path = folders->items[folders->count - 1];
    struct stat status;

    int r = MSIM_OK;
    if (stat(path, &status) != 0) {
        /* A link to nowhere matters only where it would be a file of trades. */
        if (ends_as_parquet(name))
            r = msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be examined: %s", path,
                                strerror(errno));
        else if (msim_csv_file_named(name))
            r = keep(files, path, NULL, detail);
    } else if (S_ISDIR(status.st_mode)) {
        if (depth_of(path) - root_depth <= DEPTH_LIMIT)
            return MSIM_OK;
        r = msim_detail_set(detail, MSIM_ERR_LIMIT,
                            "%.200s...: more than %d folders inside each other: a link that leads "
                            "back? name the folder with the files",
                            path, DEPTH_LIMIT);
    } else if (ends_as_trades(name)) {
        r = keep(files, path, NULL, detail);
    }
    folders->count--;
    msim_mem_free(&folders->allocator, path, strlen(path) + 1);
    return r;
}

static int list_folder(struct msim_parquet_paths *files, struct msim_parquet_paths *folders,
                       const char *path, size_t root_depth, struct msim_detail *detail)
{
    DIR *folder = opendir(path);
    if (!folder)
        return msim_detail_set(detail, MSIM_ERR_IO, "%s: cannot be opened: %s", path,
                               strerror(errno));
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
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        r = keep(folders, path, entry->d_name, detail);
        if (r >= 0)
            r = sort_entry(files, folders, entry->d_name, root_depth, detail);
    }
    closedir(folder);
    return r;
}

/*
 * Where there is Parquet, CSV beside it is the same trades again, or a list of the files: it is
 * what a folder holds only where there is none.
 */
static void prefer_parquet(struct msim_parquet_paths *files, size_t first)
{
    size_t kept = first;
    size_t at = first;

    while (at < files->count && !ends_as_parquet(files->items[at]))
        at++;
    if (at == files->count)
        return;
    for (at = first; at < files->count; at++) {
        char *path = files->items[at];
        if (ends_as_parquet(path))
            files->items[kept++] = path;
        else
            msim_mem_free(&files->allocator, path, strlen(path) + 1);
    }
    files->count = kept;
}

/* The folder and those in it, from a list of the ones that are still to be looked at. */
static int add_tree(struct msim_parquet_paths *files, const char *root, struct msim_detail *detail)
{
    struct msim_parquet_paths folders;
    size_t first = files->count;
    size_t depth = depth_of(root);

    msim_parquet_paths_init(&folders, &files->allocator);
    int r = list_folder(files, &folders, root, depth, detail);
    while (r >= 0 && folders.count > 0) {
        char *path = folders.items[--folders.count];
        r = list_folder(files, &folders, path, depth, detail);
        /* A folder that was found may stand where this one stood: it is freed by itself. */
        msim_mem_free(&folders.allocator, path, strlen(path) + 1);
    }
    msim_parquet_paths_finish(&folders);
    if (r < 0)
        return r;
    if (files->count == first)
        return msim_detail_set(
            detail, MSIM_ERR_NOT_FOUND,
            "%s: no *.parquet, *.csv or *.csv.gz file in this folder: name another "
            "one, or a file",
            root);
    prefer_parquet(files, first);
    sort_from(files, first);
    return MSIM_OK;
}

/* ---- globs ---- */

static int add_matches(struct msim_parquet_paths *paths, const char *pattern,
                       struct msim_detail *detail)
{
    glob_t found = {0};
    struct stat status;
    size_t first = paths->count;
    int r = MSIM_OK;

    /* Unsorted: the library would sort by the locale. */
    int failure = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found);
    if (failure == GLOB_NOMATCH)
        r = msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "%s: no file has such a name", pattern);
    else if (failure == GLOB_NOSPACE)
        r = msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    else if (failure != 0)
        r = msim_detail_set(detail, MSIM_ERR_IO, "%s: a folder of it cannot be read: %s", pattern,
                            strerror(errno));
    for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
        r = folder ? add_tree(paths, path, detail) : keep(paths, path, NULL, detail);
    }
    globfree(&found);
    if (r >= 0)
        sort_from(paths, first);
    return r;
}

int msim_parquet_paths_add(struct msim_parquet_paths *paths, const char *path,
                           struct msim_detail *detail)
{
    struct stat status;
    bool exists = stat(path, &status) == 0;
    int error = errno;

    if (exists && S_ISDIR(status.st_mode))
        return add_tree(paths, path, detail);
    /* A file may have a name like a glob. */
    if (!exists && strpbrk(path, "*?["))
        return add_matches(paths, path, detail);
    return exists ? keep(paths, path, NULL, detail) : msim_parquet_file_refuse(path, error, detail);
}
