/*
 * What every other header stands on: results, words about them, memory, logs,
 * and the numbers that carry a unit.
 */
#ifndef MARKETSIM_BASE_H
#define MARKETSIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <marketsim/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds: since 1970-01-01 UTC for a moment, or a length of time. */
typedef int64_t msim_time;

/* Mantissas; the exponent (-18..0) is the instrument's or the record's. */
typedef int64_t msim_price;
typedef int64_t msim_qty;

/* Later than every moment: nothing is due. */
#define MSIM_TIME_NEVER INT64_MAX

#define MSIM_NS_PER_US INT64_C(1000)
#define MSIM_NS_PER_MS INT64_C(1000000)
#define MSIM_NS_PER_S INT64_C(1000000000)

/*
 * Results.  A negative value is a failure and is passed up unchanged; zero and
 * positive values are outcomes that the function documents.
 */
enum msim_result {
    MSIM_OK = 0,
    MSIM_ERR_INVALID = -1,     /* an argument or a text that is not acceptable */
    MSIM_ERR_NOMEM = -2,       /* the allocator gave no memory */
    MSIM_ERR_LIMIT = -3,       /* a bound with a name was reached */
    MSIM_ERR_IO = -4,          /* the system refused to open, read or write */
    MSIM_ERR_FORMAT = -5,      /* foreign bytes that break their own format */
    MSIM_ERR_UNSUPPORTED = -6, /* well formed, but not something this build does */
    MSIM_ERR_NOT_FOUND = -7,   /* no such file, column, symbol, order, ... */
    MSIM_ERR_EXISTS = -8,      /* the name is taken */
    MSIM_ERR_OVERFLOW = -9,    /* a number that does not fit */
    MSIM_ERR_STATE = -10,      /* not now: the object is in another state */
    MSIM_ERR_CLOSED = -11,     /* the other side has gone */
    MSIM_ERR_TIMEOUT = -12,    /* the other side did not answer in time */
    MSIM_ERR_FUNDS = -13,      /* a balance does not cover it */
};

/* "MSIM_ERR_NOMEM"; "MSIM_OK" for zero and above, "MSIM_ERR_UNKNOWN" for no result of ours. */
MSIM_API const char *msim_result_name(int result);

/* "out of memory": a few words for a person, in lower case, without a full stop. */
MSIM_API const char *msim_result_text(int result);

/*
 * Words about a failure, for a person: what, where, and the remedy.  Functions
 * that take one accept NULL.  Nothing is written on success.
 */
#define MSIM_DETAIL_SIZE 512
struct msim_detail {
    char text[MSIM_DETAIL_SIZE]; /* one line, UTF-8, always terminated */
};

/*
 * Memory.  One function as in Lua: pointer NULL allocates, new_size 0 frees
 * (and returns NULL), else the block is resized, keeping the smaller size's
 * bytes.  Blocks are aligned for max_align_t.  A NULL allocator, or one whose
 * `resize` is NULL, stands for malloc and free.
 */
struct msim_allocator {
    void *(*resize)(void *context, void *pointer, size_t old_size, size_t new_size);
    void *context;
};

enum msim_log_level {
    MSIM_LOG_ERROR = 1,
    MSIM_LOG_WARNING = 2,
    MSIM_LOG_INFO = 3,
    MSIM_LOG_DEBUG = 4,
};

/*
 * Where an object reports what it does.  `write` gets one line without its line
 * end; messages above `level` are not made.  A NULL logger, or one whose `write`
 * is NULL, is silent.
 */
struct msim_logger {
    void (*write)(void *context, enum msim_log_level level, const char *room, const char *text);
    void *context;
    enum msim_log_level level;
};

#ifdef __cplusplus
}
#endif

#endif
