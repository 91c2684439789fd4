/*
 * Runs of equal numbers and runs of packed ones, mixed: how Parquet writes
 * levels and dictionary indexes.
 *
 * The bytes must have MSIM_PARQUET_PADDING readable ones behind them.
 */
#ifndef MSIM_PARQUET_HYBRID_H
#define MSIM_PARQUET_HYBRID_H

#include <marketsim/base.h>

struct msim_hybrid {
    const unsigned char *at;
    const unsigned char *end;
    unsigned width;   /* bits of a number: 0..32 */
    uint32_t value;   /* of the run of equal ones */
    uint64_t equal;   /* left in it */
    uint64_t packed;  /* left in the run of packed ones */
    uint32_t held[8]; /* unpacked and not yet given */
    unsigned held_at;
    unsigned held_count;
};

void msim_hybrid_init(struct msim_hybrid *hybrid, const unsigned char *bytes, size_t length,
                      unsigned width);

/* Exactly `count` numbers; MSIM_ERR_FORMAT where there are fewer or a run's head is damaged. */
int msim_hybrid_read(struct msim_hybrid *hybrid, uint32_t *out, size_t count);

/*
 * How many equal numbers come next, at most `count`, without taking them; 0 where
 * they must be read one by one.  Taken with msim_hybrid_pass.
 */
int msim_hybrid_peek(struct msim_hybrid *hybrid, size_t count, uint32_t *value, size_t *equal);
void msim_hybrid_pass(struct msim_hybrid *hybrid, size_t equal);

/* Appends `count` numbers below 2^width as runs.  MSIM_ERR_NOMEM, MSIM_ERR_LIMIT. */
struct msim_bytes;
int msim_hybrid_write(struct msim_bytes *out, const uint32_t *numbers, size_t count,
                      unsigned width);

#endif
