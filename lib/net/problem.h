/*
 * Errors as application/problem+json (RFC 9457).
 */
#ifndef MSIM_NET_PROBLEM_H
#define MSIM_NET_PROBLEM_H

#include <marketsim/base.h>

/* Words beyond a kilobyte and some are refused. */
#define MSIM_PROBLEM_SIZE 2560

/* Writes the object; returns its length, or MSIM_ERR_LIMIT. */
int msim_http_problem(char out[MSIM_PROBLEM_SIZE], int status, const char *words);

#endif
