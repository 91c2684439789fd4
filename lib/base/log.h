/*
 * Writing to an object's logger.
 */
#ifndef MSIM_BASE_LOG_H
#define MSIM_BASE_LOG_H

#include <marketsim/base.h>

/* The logger to copy into an object: the caller's, or a silent one. */
struct msim_logger msim_log_logger(const struct msim_logger *chosen);

/* One line, cut at MSIM_DETAIL_SIZE; line ends and control bytes of foreign text become '?'. */
void msim_log(const struct msim_logger *logger, enum msim_log_level level, const char *room,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
