/*
 * Sorted runs, written and read a block at a time.
 */
#ifndef MSIM_PARQUET_SPILL_IO_H
#define MSIM_PARQUET_SPILL_IO_H

#include <marketsim/base.h>

#include "parquet/block.h"
#include "parquet/dataset.h"
#include "parquet/spill.h"

struct spill_writer {
    struct spill *spill; /* takes the marks */
    const struct msim_parquet *parquet;
    void *file;
    uint64_t offset; /* of the file's end */
    uint64_t before; /* of the file that was written before it, which is read now */
    bool has_marks;
    struct spill_run run;
    uint64_t blocks; /* of the run */
    size_t count;
    struct trade trades[MSIM_BLOCK_TRADES];
    unsigned char bytes[MSIM_BLOCK_ROOM];
};

/* A new file.  The caller closes `file`. */
int msim_spill_writer_open(struct spill_writer *writer, struct spill *spill,
                           const struct msim_parquet *parquet, struct msim_detail *detail);

/* A run begins; with marks where it may be the last one. */
void msim_spill_writer_begin(struct spill_writer *writer, bool has_marks);
int msim_spill_writer_block(struct spill_writer *writer, struct msim_detail *detail);
int msim_spill_writer_end(struct spill_writer *writer, struct spill_run *run,
                          struct msim_detail *detail);

static inline int msim_spill_writer_put(struct spill_writer *writer, const struct trade *trade,
                                        struct msim_detail *detail)
{
    writer->trades[writer->count++] = *trade;
    return writer->count < MSIM_BLOCK_TRADES ? MSIM_OK : msim_spill_writer_block(writer, detail);
}

/* What a reader takes of memory. */
size_t msim_spill_reader_bytes(void);

/* At the run's first trade. */
int msim_spill_reader_open(struct spill_reader **out, struct msim_parquet *parquet, void *file,
                           struct spill_run run, struct msim_detail *detail);

/* Passes what is before `from`. */
int msim_spill_reader_pass(struct spill_reader *reader, msim_time from, struct msim_detail *detail);

/* Says that what was written is not what is read: MSIM_ERR_IO. */
int msim_spill_damaged(const struct msim_parquet *parquet, struct msim_detail *detail);

/* The next trade, NULL at the end; valid until the fill, which must follow. */
const struct trade *msim_spill_reader_take(struct spill_reader *reader);
int msim_spill_reader_fill(struct spill_reader *reader, struct msim_detail *detail);

#endif
