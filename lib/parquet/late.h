/*
 * Row groups that are not in order of time, and for whose rows there is no room: sources that
 * stand in many places of the data set at once would hold more than the plan, which goes by one
 * front, has counted.  Such a group is sorted on disk, by the way of spill.h, once for all who are
 * in it; one after another, since each takes what memory is left.
 */
#ifndef MSIM_PARQUET_LATE_H
#define MSIM_PARQUET_LATE_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/spill.h"

/* Whether the group's rows are to be sorted on disk: there is no room, or they are there. */
bool msim_late_is_due(const struct msim_parquet *parquet, uint32_t rank);

/* Joins those who read the group from the disk, or begins. */
int msim_late_join(struct spill **out, struct msim_parquet *parquet, uint32_t rank,
                   struct msim_detail *detail);

/* As msim_spill_work; where another group is being sorted, at that first. */
int msim_late_work(struct spill *spill, struct msim_parquet *parquet, int64_t *work,
                   struct msim_detail *detail);

/* NULL is left alone. */
void msim_late_leave(struct spill **spill, struct msim_parquet *parquet);

/* All that was sorted is forgotten; nobody is in it. */
void msim_late_finish(struct msim_parquet *parquet);

#endif
