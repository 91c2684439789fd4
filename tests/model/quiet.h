/*
 * The quiet twin: a second engine that is told the same, and asked nothing.
 *
 * The engine of the run is asked for orders by their numbers and for those of
 * accounts at every scan, and has one command at a time: from its first scan on it
 * keeps tables that most engines never make.  The twin
 * goes the usual way: batches, three kinds of events, orders named by the handles
 * that it told itself.  What is to be known of it is asked of its copies.  Now and
 * then a command names an order by its number after all, so that the tables are
 * made in the middle of a batch; a restore soon after forgets them.
 */
#ifndef TESTS_MODEL_QUIET_H
#define TESTS_MODEL_QUIET_H

#include "flow.h"

struct quiet;

struct quiet *quiet_create(uint64_t seed);
void quiet_destroy(struct quiet *quiet);

/* An episode: from an empty engine to one whose every part agrees with the others. */
void quiet_start(struct quiet *quiet, const struct profile *profile);
void quiet_end(struct quiet *quiet);

/* What the other engine was told, and all that the model tells. */
void quiet_apply(struct quiet *quiet, const struct msim_command *command,
                 const struct msim_event *events, size_t count);

/* Its state is that of `engine`, whose last event has that number, and its money the model's. */
void quiet_scan(struct quiet *quiet, const struct msim_engine *engine, uint64_t sequence,
                const struct model *model);

/* A long run was quiet for most of the time, and left that in the middle of batches. */
void quiet_check_coverage(const struct quiet *quiet);

#endif
