/*
 * Engines by way of their snapshots.
 */
#ifndef TESTS_MODEL_COPY_H
#define TESTS_MODEL_COPY_H

#include <marketsim/engine.h>

/* The engine's snapshot, to be freed; NULL where there is none. */
unsigned char *engine_bytes(const struct msim_engine *engine, size_t *length);

/*
 * Another engine that goes on from the snapshot of this one.  A failure, with the words in
 * `detail`, where it is refused, or where the other's digest or snapshot is not the same.
 */
int engine_copy(const struct msim_engine *engine, const struct msim_engine_params *params,
                struct msim_engine **out, struct msim_detail *detail);

#endif
