/*
 * Snappy's raw format, decoded.  Everything is checked: a stream that names
 * bytes before its start, ends early, or does not give exactly what its head
 * promises is refused.
 */
#ifndef MSIM_PARQUET_SNAPPY_H
#define MSIM_PARQUET_SNAPPY_H

#include <marketsim/base.h>

/*
 * Fills all of `out`.  MSIM_ERR_FORMAT for a damaged stream and for one that
 * holds another number of bytes.
 */
int msim_snappy_decode(const unsigned char *in, size_t in_length, unsigned char *out,
                       size_t out_length);

#endif
