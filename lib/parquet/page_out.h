/*
 * The head of a page that is written.
 */
#ifndef MSIM_PARQUET_PAGE_OUT_H
#define MSIM_PARQUET_PAGE_OUT_H

#include "parquet/format.h"
#include "parquet/thrift.h"

struct page_out {
    int type; /* enum page_type */
    int encoding;
    size_t values; /* rows of a data page, nulls too */
};

/* `length` bytes before and `stored` after compression; `crc` of the latter, or NULL. */
int msim_page_out_head(struct msim_thrift_out *out, const struct page_out *page, size_t length,
                       size_t stored, const uint32_t *crc);

#endif
