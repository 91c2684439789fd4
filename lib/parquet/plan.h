/*
 * The plan: in which order row groups are opened, and which of them are sorted on disk because
 * they do not fit in memory together.
 */
#ifndef MSIM_PARQUET_PLAN_H
#define MSIM_PARQUET_PLAN_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/spill.h"

/*
 * Needs the zones.  Where what the footers say leaves open whether the groups fit in memory,
 * those in question are looked at: their timestamps and the sizes of their pages.
 */
int msim_plan_make(struct msim_parquet *parquet, struct msim_detail *detail);

/* The spill that holds this place of the plan, NULL where there is none; looked for from `from`. */
struct spill *msim_plan_spill(const struct msim_parquet *parquet, size_t place, size_t from);

/* The latest moment of the groups of a spill. */
msim_time msim_plan_spill_last(const struct msim_parquet *parquet, const struct spill *spill);

/* Finds what decoding a row group takes for its largest pages, where that is not known. */
int msim_plan_measure_pages(struct msim_parquet *parquet, uint32_t rank,
                            struct msim_detail *detail);

#endif
