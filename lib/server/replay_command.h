/*
 * The remote control of a replay: what a client says, {"op":"seek","to":"2022-07-01T12:00:00Z"},
 * and what it is answered, {"status":"ok","op":"seek"} or {"error":"seek: ..."}.
 */
#ifndef MSIM_SERVER_REPLAY_COMMAND_H
#define MSIM_SERVER_REPLAY_COMMAND_H

#include <marketsim/pacer.h>

#include "base/histogram.h"

/* A message longer than this is refused. */
#define MSIM_REPLAY_COMMAND_MAX 1024

/* Room for any answer. */
#define MSIM_REPLAY_ANSWER_MAX (6 * MSIM_DETAIL_SIZE + 64)

enum msim_replay_op {
    MSIM_REPLAY_PAUSE,
    MSIM_REPLAY_RESUME,
    MSIM_REPLAY_SPEED,
    MSIM_REPLAY_SEEK,
    MSIM_REPLAY_STEP,
    MSIM_REPLAY_STATS,
    MSIM_REPLAY_OP_COUNT,
};

struct msim_replay_command {
    enum msim_replay_op op;
    struct msim_speed speed; /* of MSIM_REPLAY_SPEED */
    msim_time to;            /* of MSIM_REPLAY_SEEK */
    uint64_t count;          /* of MSIM_REPLAY_STEP */
};

/*
 * `unit` is what a moment counts that is a number, in nanoseconds.  MSIM_ERR_FORMAT,
 * MSIM_ERR_INVALID, MSIM_ERR_LIMIT: with words that name the op, the member and the remedy.
 */
int msim_replay_command_read(struct msim_replay_command *out, const char *text, size_t length,
                             msim_time unit, struct msim_detail *detail);

const char *msim_replay_op_name(enum msim_replay_op op);

/* The answers, without a terminator; their lengths. */
size_t msim_replay_answer_ok(enum msim_replay_op op, char out[MSIM_REPLAY_ANSWER_MAX]);
size_t msim_replay_answer_error(const char *words, char out[MSIM_REPLAY_ANSWER_MAX]);

struct msim_replay_progress {
    msim_time position; /* MSIM_TIME_NEVER: nowhere yet */
    bool is_paused;
    struct msim_speed speed;
    uint64_t trades;
    uint64_t bundles;
    uint64_t backlog_bytes;
    const struct msim_histogram *lateness;
};
size_t msim_replay_answer_stats(const struct msim_replay_progress *progress,
                                char out[MSIM_REPLAY_ANSWER_MAX]);

struct msim_json_writer;

/* As values under keys of their own: "max" or a number; text or null; p50, p99 and max. */
void msim_replay_write_speed(struct msim_json_writer *writer, struct msim_speed speed);
void msim_replay_write_moment(struct msim_json_writer *writer, msim_time moment);
void msim_replay_write_lateness(struct msim_json_writer *writer,
                                const struct msim_histogram *lateness);

#endif
