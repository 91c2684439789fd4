/*
 * The room's one door to the file system: everything else works on bytes.
 *
 * A file may also be a run of bytes in memory, which is how tests and the fuzzer
 * come in.  Files are read into buffers and never mapped: one that is cut while
 * it is read is then an error and not a signal.
 */
#ifndef MSIM_PARQUET_FILE_H
#define MSIM_PARQUET_FILE_H

#include <marketsim/base.h>

#include "parquet/temporary.h"

struct msim_parquet_handle;

/*
 * The descriptors of a data set's files: at most a few are open at a time, the ones
 * that were used last.
 */
#define MSIM_PARQUET_OPEN_FILES 64
struct msim_parquet_pool {
    struct msim_parquet_handle *open[MSIM_PARQUET_OPEN_FILES];
    size_t count;
    uint64_t clock;
};

struct msim_parquet_file {
    char *path; /* what messages call it */
    size_t path_length;
    const unsigned char *memory; /* NULL: a file, by `handle` or in `kept` */
    struct msim_parquet_handle *handle;
    const struct temporary_file *kept; /* holds it from byte `kept_at` on */
    uint64_t kept_at;
    uint64_t size;
    struct msim_allocator allocator;
};

/* The pool outlives the file.  MSIM_ERR_NOT_FOUND, MSIM_ERR_IO, MSIM_ERR_NOMEM. */
int msim_parquet_file_open(struct msim_parquet_file *file, const char *path,
                           struct msim_parquet_pool *pool, const struct msim_allocator *allocator,
                           struct msim_detail *detail);

/* Says that there is no such file, or why it cannot be opened: MSIM_ERR_NOT_FOUND, MSIM_ERR_IO. */
int msim_parquet_file_refuse(const char *path, int error, struct msim_detail *detail);

/* Bytes borrowed until the close. */
int msim_parquet_file_memory(struct msim_parquet_file *file, const char *name, const void *bytes,
                             size_t length, const struct msim_allocator *allocator);

/* Bytes `at` .. at + length of what was put into a file without a name, which outlives it. */
int msim_parquet_file_kept(struct msim_parquet_file *file, const char *name,
                           const struct temporary_file *kept, uint64_t at, uint64_t length,
                           const struct msim_allocator *allocator);

void msim_parquet_file_close(struct msim_parquet_file *file);

/* MSIM_ERR_IO where the file is no longer the one that was opened. */
int msim_parquet_file_check(const struct msim_parquet_file *file, struct msim_detail *detail);

/*
 * All of offset .. offset + length, which the caller has checked against `size`.
 * MSIM_ERR_IO also where the file has changed since it was opened.
 */
int msim_parquet_file_read(const struct msim_parquet_file *file, uint64_t offset, void *bytes,
                           size_t length, struct msim_detail *detail);

/* ---- files without a name ---- */

/* A folder for them. */
struct msim_parquet_folder {
    char *path; /* NULL: none */
    size_t path_length;
    struct msim_allocator allocator;
};

/* Whether files can be made there is seen with the first one.  MSIM_ERR_NOMEM. */
int msim_parquet_folder_open(struct msim_parquet_folder *folder, const char *path,
                             const struct msim_allocator *allocator, struct msim_detail *detail);
void msim_parquet_folder_close(struct msim_parquet_folder *folder);

/* The folder outlives what is made of it. */
struct temporary msim_parquet_temporary(struct msim_parquet_folder *folder);

/* ---- files with one ---- */

/* A file that comes into being under a name of its own and takes its place when it is whole. */
struct msim_parquet_target {
    char *path;
    char *temporary;
    size_t path_size;
    size_t temporary_size;
    int descriptor;
    struct msim_allocator allocator;
};

int msim_parquet_target_open(struct msim_parquet_target *target, const char *path,
                             const struct msim_allocator *allocator, struct msim_detail *detail);
int msim_parquet_target_write(struct msim_parquet_target *target, const void *bytes, size_t length,
                              struct msim_detail *detail);
/* The file stands under its path; nothing is left to discard. */
int msim_parquet_target_commit(struct msim_parquet_target *target, struct msim_detail *detail);
/* Leaves no file behind where it was not committed; harmless after that. */
void msim_parquet_target_discard(struct msim_parquet_target *target);

#endif
