/*
 * The command log: what changes an engine, in one order, before it does.
 *
 * A journal is a small value like a source: functions and what they work on.  A batch of
 * commands is appended under a name of its own (writer, epoch, n), so that trying again never
 * stores it twice; whoever follows the log gets every batch once, in order, numbered densely
 * from 1.  The log in memory stands here; a file or a cluster is another set of functions,
 * held to the same contract by the same test (tests/unit/journal).  docs/journal.md has the
 * bytes of a batch.
 */
#ifndef MARKETSIM_JOURNAL_H
#define MARKETSIM_JOURNAL_H

#include <marketsim/base.h>
#include <marketsim/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who wrote a batch, in which of its lives, and its number there: dense from 1. */
struct msim_batch_id {
    uint64_t writer;
    uint64_t epoch;
    uint64_t n;
};

/* What became of an append. */
enum msim_journal_result {
    MSIM_JOURNAL_OK = 0,  /* stored at the level that info names */
    MSIM_JOURNAL_AGAIN,   /* not taken: ask later */
    MSIM_JOURNAL_UNKNOWN, /* it may or may not be stored: append the same id again, or read */
    MSIM_JOURNAL_FENCED,  /* the last sequence was not the one expected, or a newer epoch writes */
    MSIM_JOURNAL_TRIMMED, /* stored once, and gone by now */
    MSIM_JOURNAL_CORRUPT, /* the id is taken by other bytes, or leaves a hole */
    MSIM_JOURNAL_FULL,    /* a bound was reached: snapshot and trim */
    MSIM_JOURNAL_IO,
    MSIM_JOURNAL_CLOSED,
};

/* "OK", "FENCED", ...; "UNKNOWN_RESULT" for no result of ours. */
MSIM_API const char *msim_journal_result_name(int result);

/* What a client may believe when it is told that its command was taken. */
enum msim_journal_level {
    MSIM_JOURNAL_MEMORY = 1,
    MSIM_JOURNAL_FSYNC,
    MSIM_JOURNAL_QUORUM_MEMORY,
    MSIM_JOURNAL_QUORUM_FSYNC,
};

struct msim_journal_info {
    uint64_t first; /* the oldest batch that is there; last + 1 where none is */
    uint64_t last;  /* 0 before the first */
    uint64_t durable;
    int level;           /* enum msim_journal_level */
    bool immediate;      /* the poll after an append tells its result */
    const char *backend; /* "memory"; borrowed until the release */
    uint64_t batches;    /* that are there */
    uint64_t bytes;
};

enum msim_journal_event_kind {
    MSIM_JOURNAL_APPENDED = 1, /* `ticket`, `sequence`, `result`, `repeated` */
    MSIM_JOURNAL_BATCH,        /* `sequence`, `bytes`, `length` */
    MSIM_JOURNAL_TAIL,         /* the follower has all there is; told once each time */
    MSIM_JOURNAL_ERROR,        /* `result`; following has ended */
};

struct msim_journal_event {
    int kind; /* enum msim_journal_event_kind */
    int result;
    bool repeated; /* it had been stored before, under `sequence` */
    uint64_t ticket;
    uint64_t sequence;
    const unsigned char *bytes; /* borrowed until the next call on this handle, or a trim of it */
    size_t length;
};

struct msim_journal_piece {
    const void *bytes;
    size_t length;
};

/* `expect_last`: whatever the last sequence is. */
#define MSIM_JOURNAL_ANY UINT64_MAX

/* The largest batch.  A writer has one in flight. */
#define MSIM_BATCH_MAX 65536

struct msim_journal_ops {
    /* Each as the function of its name below; a failure is MSIM_ERR_*. */
    int (*append)(void *self, const struct msim_batch_id *id,
                  const struct msim_journal_piece *pieces, size_t count, uint64_t expect_last,
                  uint64_t *ticket);
    int (*follow)(void *self, uint64_t from);
    int (*descriptor)(void *self);
    int (*poll)(void *self, struct msim_journal_event *events, size_t capacity, size_t *count);
    int (*trim)(void *self, uint64_t before);
    void (*info)(void *self, struct msim_journal_info *out);
    int (*again)(void *self, void **other);
    void (*release)(void *self);
};

struct msim_journal {
    const struct msim_journal_ops *ops;
    void *self;
};

/*
 * Hands a batch over and never blocks; the poll tells `ticket` its result.  MSIM_ERR_INVALID for
 * no bytes, n 0 or more than MSIM_BATCH_MAX; MSIM_ERR_LIMIT where too many results wait to be
 * polled; MSIM_ERR_NOMEM.  Nothing was stored then.
 */
MSIM_API int msim_journal_append(struct msim_journal *journal, const struct msim_batch_id *id,
                                 const struct msim_journal_piece *pieces, size_t count,
                                 uint64_t expect_last, uint64_t *ticket);

/* History from `from` (1 or later), then live, without a gap.  A second call starts anew. */
MSIM_API int msim_journal_follow(struct msim_journal *journal, uint64_t from);

/* What to wait on before the next poll; -1 where there is nothing to wait for. */
MSIM_API int msim_journal_descriptor(struct msim_journal *journal);

/* Up to `capacity` events: results first, then batches.  Zero of them is MSIM_OK too. */
MSIM_API int msim_journal_poll(struct msim_journal *journal, struct msim_journal_event *events,
                               size_t capacity, size_t *count);

/*
 * Forgets batches before `before`, at most last + 1; only what a snapshot covers may be.  A
 * follower that has not read them is told MSIM_JOURNAL_TRIMMED.
 */
MSIM_API int msim_journal_trim(struct msim_journal *journal, uint64_t before);
MSIM_API int msim_journal_info(struct msim_journal *journal, struct msim_journal_info *out);

/* Another handle on the same log, with tickets and a place of its own. */
MSIM_API int msim_journal_again(struct msim_journal *journal, struct msim_journal *out);

/* Leaves `ops` NULL; a released journal is left alone.  The log lives with its last handle. */
MSIM_API void msim_journal_release(struct msim_journal *journal);

struct msim_journal_memory_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    size_t max_bytes;                       /* of batches, then MSIM_JOURNAL_FULL; 256 MiB */
    size_t max_batches;                     /* the same; 4,194,304 */
    size_t max_writers;                     /* ids are remembered for so many, then FULL; 1,024 */
    size_t max_results;                     /* that wait to be polled, on each handle; 1,024 */
};
#define MSIM_JOURNAL_MEMORY_PARAMS_INIT                          \
    {                                                            \
        sizeof(struct msim_journal_memory_params), 0, 0, 0, 0, 0 \
    }

/* A log in memory.  `params` may be NULL. */
MSIM_API int msim_journal_memory(struct msim_journal *out,
                                 const struct msim_journal_memory_params *params);

/* ---- batches as bytes ---- */

struct msim_batch_writer;

/* Collects commands into the next batch of a writer. */
MSIM_API int msim_batch_writer_create(struct msim_batch_writer **out, uint64_t writer,
                                      uint64_t epoch, const struct msim_allocator *allocator);
MSIM_API void msim_batch_writer_destroy(struct msim_batch_writer **writer);

/* The longest text beside a command: a client order id. */
#define MSIM_CLIENT_ID_MAX 36

/* MSIM_ERR_LIMIT where the batch would outgrow MSIM_BATCH_MAX: end this one first. */
MSIM_API int msim_batch_add(struct msim_batch_writer *writer, const struct msim_command *command,
                            const char *text, size_t length);
MSIM_API size_t msim_batch_count(const struct msim_batch_writer *writer);

/*
 * Seals the batch: its id and bytes, borrowed until the next add.  The same batch may be ended
 * again; after `msim_batch_taken` the next one begins.  `msim_batch_drop` forgets the commands.
 */
MSIM_API int msim_batch_end(struct msim_batch_writer *writer, struct msim_batch_id *id,
                            struct msim_journal_piece *bytes);
MSIM_API void msim_batch_taken(struct msim_batch_writer *writer);
MSIM_API void msim_batch_drop(struct msim_batch_writer *writer);

/* A batch that is read.  Borrows the bytes. */
struct msim_batch {
    struct msim_batch_id id;
    uint32_t crc;
    uint32_t previous; /* the CRC of that writer's batch before; 0 for its first */
    uint32_t count;
    const unsigned char *commands;
    const unsigned char *texts;
    size_t texts_length;
    uint32_t next; /* the command that msim_batch_next gives */
};

/* MSIM_ERR_FORMAT, with words, for bytes that are no whole batch. */
MSIM_API int msim_batch_read(struct msim_batch *batch, const void *bytes, size_t length,
                             struct msim_detail *detail);

/*
 * The next command, and the text beside it (NULL and 0 where there is none; borrowed like the
 * bytes).  False behind the last.
 */
MSIM_API bool msim_batch_next(struct msim_batch *batch, struct msim_command *command,
                              const char **text, size_t *length);

/*
 * Reads a log once from `from` to its end and gives every command to `apply`, whose failure ends
 * it.  Batches that a writer appended twice are passed over; a hole or damage is MSIM_ERR_FORMAT.
 * `*last` (may be NULL) is the sequence of the last batch that was given whole.
 */
MSIM_API int msim_journal_replay(struct msim_journal *journal, uint64_t from,
                                 int (*apply)(void *context, const struct msim_command *command,
                                              const char *text, size_t length),
                                 void *context, uint64_t *last, struct msim_detail *detail);

#ifdef __cplusplus
}
#endif

#endif
