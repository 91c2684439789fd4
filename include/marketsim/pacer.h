/*
 * The pacer: a straight line between the wall's time and the market's.
 *
 * It reads no clock: the caller says what time it is.  The schedule is absolute,
 * so that lateness never adds up: a moment of the market is due at
 * start + (moment - first) / speed, whatever happened in between.
 */
#ifndef MARKETSIM_PACER_H
#define MARKETSIM_PACER_H

#include <marketsim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Market seconds in a wall second: num / den.  {0, 0} means 1. */
struct msim_speed {
    int64_t num;
    int64_t den; /* 0 with a num above 0: as fast as it goes, everything is due at once */
};

/*
 * "1", "2.5", "0.01", "max".  MSIM_ERR_INVALID for anything that is not a number above zero
 * with at most nine digits on either side of the point.
 */
MSIM_API int msim_speed_parse(const char *text, struct msim_speed *speed);

struct msim_pacer_params {
    size_t size;
    struct msim_speed speed;
    msim_time max_gap; /* a stretch without events counts as at most this much; 0: as it is */
};
#define MSIM_PACER_PARAMS_INIT                      \
    {                                               \
        sizeof(struct msim_pacer_params), {0, 0}, 0 \
    }

/* Stands in the caller's memory; nothing to free. */
struct msim_pacer {
    struct msim_speed speed;
    msim_time max_gap;
    msim_time wall; /* the line goes through (wall, market) ... */
    msim_time market;
    msim_time last; /* ... the latest moment asked for, which is where full speed stands ... */
    bool paused;    /* ... and stands still here */
};

MSIM_API int msim_pacer_init(struct msim_pacer *pacer, const struct msim_pacer_params *params);

/* Puts the line through (wall, market): at the start, and after a jump. */
MSIM_API void msim_pacer_start(struct msim_pacer *pacer, msim_time wall, msim_time market);

/*
 * The wall's moment at which a moment of the market is due: INT64_MIN at full
 * speed, MSIM_TIME_NEVER while paused or where the result would not fit.  Where
 * gaps are shortened, or full speed is left again, every event's moment must be asked for, in
 * order.
 */
MSIM_API msim_time msim_pacer_due(struct msim_pacer *pacer, msim_time market);

/* The market's moment at a moment of the wall's, clamped to what msim_time holds. */
MSIM_API msim_time msim_pacer_now(const struct msim_pacer *pacer, msim_time wall);

/* From this moment of the wall's on. */
MSIM_API int msim_pacer_set_speed(struct msim_pacer *pacer, msim_time wall,
                                  struct msim_speed speed);
MSIM_API void msim_pacer_pause(struct msim_pacer *pacer, msim_time wall);
MSIM_API void msim_pacer_resume(struct msim_pacer *pacer, msim_time wall);

#ifdef __cplusplus
}
#endif

#endif
