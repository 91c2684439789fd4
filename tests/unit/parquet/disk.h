/*
 * A disk in memory for what does not fit: it counts, and fails where it is told to.
 */
#ifndef TESTS_PARQUET_DISK_H
#define TESTS_PARQUET_DISK_H

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parquet/temporary.h"

struct disk_file {
    struct disk *disk;
    unsigned char *bytes;
    size_t length;
};

struct disk {
    size_t open; /* files */
    size_t created;
    size_t writes;
    size_t reads;
    size_t failing_write; /* this one finds the disk full; 0: none */
    size_t failing_read;
    size_t spoilt_read; /* a bit of this one's bytes is wrong */
};

static inline int disk_create(void *self, void **file, struct msim_detail *detail)
{
    struct disk *disk = self;
    struct disk_file *made = calloc(1, sizeof *made);

    (void)detail;
    assert_non_null(made);
    made->disk = disk;
    disk->open++;
    disk->created++;
    *file = made;
    return MSIM_OK;
}

static inline int disk_append(void *file, const void *bytes, size_t length,
                              struct msim_detail *detail)
{
    struct disk_file *made = file;

    if (++made->disk->writes == made->disk->failing_write) {
        snprintf(detail->text, sizeof detail->text, "no space left");
        return MSIM_ERR_IO;
    }
    made->bytes = realloc(made->bytes, made->length + length);
    assert_non_null(made->bytes);
    memcpy(made->bytes + made->length, bytes, length);
    made->length += length;
    return MSIM_OK;
}

static inline int disk_read(void *file, uint64_t offset, void *bytes, size_t length,
                            struct msim_detail *detail)
{
    struct disk_file *made = file;

    if (++made->disk->reads == made->disk->failing_read) {
        snprintf(detail->text, sizeof detail->text, "cannot be read");
        return MSIM_ERR_IO;
    }
    assert_true(offset + length <= made->length);
    memcpy(bytes, made->bytes + offset, length);
    if (made->disk->reads == made->disk->spoilt_read)
        ((unsigned char *)bytes)[length / 2] ^= 4;
    return MSIM_OK;
}

static inline void disk_close(void *file)
{
    struct disk_file *made = file;

    made->disk->open--;
    free(made->bytes);
    free(made);
}

static const struct temporary_ops disk_ops = {
    .create = disk_create, .append = disk_append, .read = disk_read, .close = disk_close};

#endif
