/*
 * Files without a name, for what does not fit in memory: the interface to whoever keeps them.
 *
 * The one for a folder is in file.c; tests bring their own, which fails where they say.
 */
#ifndef MSIM_PARQUET_TEMPORARY_H
#define MSIM_PARQUET_TEMPORARY_H

#include <marketsim/base.h>

struct temporary_ops {
    int (*create)(void *self, void **file, struct msim_detail *detail);
    /* All of it, behind what was written before. */
    int (*append)(void *file, const void *bytes, size_t length, struct msim_detail *detail);
    /* All of it; MSIM_ERR_IO where the file ends before. */
    int (*read)(void *file, uint64_t offset, void *bytes, size_t length,
                struct msim_detail *detail);
    void (*close)(void *file);
};

/* `ops` is NULL where nothing may be written. */
struct temporary {
    const struct temporary_ops *ops;
    void *self;
};

/* One that is made when something is put into it first. */
struct temporary_file {
    struct temporary temporary;
    void *file; /* NULL: not made yet */
    uint64_t length;
};

#endif
