/*
 * Packed numbers made whole: the innermost loop of the reader.
 *
 * There is one way in plain C, and one with AVX2, which is taken where the machine that it runs
 * on has it.  Both give the same (tests/unit/parquet/test_unpack.c).
 */
#ifndef MSIM_PARQUET_UNPACK_H
#define MSIM_PARQUET_UNPACK_H

#include <marketsim/base.h>

/* The widest numbers that the vector way unpacks; wider ones go the plain way. */
#define MSIM_UNPACK_VECTOR_BITS 25

/*
 * `groups` times eight numbers of `width` bits (1..32), `width` bytes each time.  The input has
 * MSIM_PARQUET_PADDING readable bytes behind it.
 */
void msim_unpack(const unsigned char *in, size_t groups, unsigned width, uint32_t *out);

/* The largest of `count` numbers; 0 where there is none. */
uint32_t msim_unpack_largest(const uint32_t *numbers, size_t count);

/* The two ways, for the test; the vector one only where msim_unpack_has_vector. */
bool msim_unpack_has_vector(void);
void msim_unpack_plain(const unsigned char *in, size_t groups, unsigned width, uint32_t *out);
void msim_unpack_vector(const unsigned char *in, size_t groups, unsigned width, uint32_t *out);
uint32_t msim_unpack_largest_plain(const uint32_t *numbers, size_t count);
uint32_t msim_unpack_largest_vector(const uint32_t *numbers, size_t count);

#endif
