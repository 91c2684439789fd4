/*
 * The integer tables behind the distributions (tables.c).
 */
#ifndef MSIM_FAULTS_TABLES_H
#define MSIM_FAULTS_TABLES_H

#include <stdint.h>

/* -ln(0.5 + i/512) in Q32. */
extern const int64_t msim_fault_neg_ln[257];

/* 2^(i/256) in Q32. */
extern const int64_t msim_fault_exp2[257];

/* The z with P(Z > z) = (1 + j/64) / 2^(octave + 2) for the normal distribution, in Q32. */
extern const int64_t msim_fault_quantile[32][65];

#endif
