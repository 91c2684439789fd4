/*
 * A source: where records come from, in time order.
 *
 * A source is a small value: functions and what they work on.  It may be moved
 * by copying it and forgetting the old one; whoever holds it last releases it.
 * A released source has `ops == NULL`.  Writing one of your own means filling in
 * four functions (examples/own-source.c).
 */
#ifndef MARKETSIM_SOURCE_H
#define MARKETSIM_SOURCE_H

#include <marketsim/base.h>
#include <marketsim/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The outcomes of a pull. */
enum msim_pull {
    MSIM_PULL_EMPTY = 0,  /* nothing now, perhaps later (a live source) */
    MSIM_PULL_RECORD = 1, /* at least one record was given */
    MSIM_PULL_END = 2,    /* nothing more will ever come */
};

/*
 * Further columns of a trade: what a file has beside time, price, volume and ticker.
 * Kinds are those of JSON's values, and moments, which a feed writes in its own form.
 */
enum msim_extra_kind {
    MSIM_EXTRA_NULL = 0,
    MSIM_EXTRA_BARE = 1, /* `text` is a number, true or false, as JSON has it */
    MSIM_EXTRA_TEXT = 2, /* `text` is UTF-8 */
    MSIM_EXTRA_TIME = 3, /* `time`; no text */
};

struct msim_extra {
    enum msim_extra_kind kind;
    const char *text;
    size_t length;
    msim_time time;
};

/* A source keeps the further columns of so many trades: those that it gave last. */
#define MSIM_SOURCE_EXTRAS_KEPT 1024

struct msim_source_ops {
    /*
     * Gives up to `capacity` (at least 1) records, in order of time, and their
     * number in `*count`.  Returns an enum msim_pull or MSIM_ERR_*; a failure is
     * final, and `detail` (may be NULL) says where.
     */
    int (*pull)(void *self, struct msim_record *records, size_t capacity, size_t *count,
                struct msim_detail *detail);
    /* The time of the next record, or MSIM_TIME_NEVER; INT64_MIN where it must be pulled to know.
     */
    msim_time (*next_due)(void *self);
    /*
     * The text of a symbol that a record bore; NULL for a number never given.
     * Borrowed: valid until the source is released.
     */
    const char *(*symbol)(void *self, uint32_t id, size_t *length);
    void (*release)(void *self);
    /*
     * Both NULL where trades have no further columns: their names, borrowed until the release,
     * and the values of a trade, one for each name.  See msim_source_extras.
     */
    const char *const *(*extra_names)(void *self, size_t *count);
    int (*extras)(void *self, const struct msim_record *trade, struct msim_extra *values);
};

struct msim_source {
    const struct msim_source_ops *ops;
    void *self;
};

/*
 * The ops' functions, called with care.  A pull that breaks the contract above (no record,
 * or more than there is room for) is MSIM_ERR_INVALID.
 */
MSIM_API int msim_source_pull(struct msim_source *source, struct msim_record *records,
                              size_t capacity, size_t *count, struct msim_detail *detail);
MSIM_API msim_time msim_source_next_due(struct msim_source *source);
MSIM_API const char *msim_source_symbol(struct msim_source *source, uint32_t id, size_t *length);

/* NULL, and 0 in `*count`, where trades have no further columns. */
MSIM_API const char *const *msim_source_extra_names(struct msim_source *source, size_t *count);

/*
 * The further columns of a trade that this source gave: as many values as there are names.
 * The trade is known by its sequence number.  Borrowed: valid until the next pull.
 * MSIM_ERR_NOT_FOUND for any but the last MSIM_SOURCE_EXTRAS_KEPT trades.
 */
MSIM_API int msim_source_extras(struct msim_source *source, const struct msim_record *trade,
                                struct msim_extra *values);

/* Leaves `ops` NULL; a source released already is left alone. */
MSIM_API void msim_source_release(struct msim_source *source);

struct msim_source_array_params {
    size_t size;
    const struct msim_record *records; /* borrowed until the release */
    size_t count;
    const char *const *symbols; /* borrowed until the release; symbol i is symbols[i] */
    size_t symbol_count;
    const struct msim_allocator *allocator;
};
#define MSIM_SOURCE_ARRAY_PARAMS_INIT                          \
    {                                                          \
        sizeof(struct msim_source_array_params), 0, 0, 0, 0, 0 \
    }

/*
 * A source over records in memory, given in their order with `sequence` made
 * dense.  MSIM_ERR_INVALID where times fall, a symbol has no name, or an exponent is out of range.
 */
MSIM_API int msim_source_array(struct msim_source *out,
                               const struct msim_source_array_params *params,
                               struct msim_detail *detail);

/*
 * Several sources as one: by time, and at equal times by the place in `inputs`.
 * Symbols of the same name become one; ids follow first appearance.  Moves the
 * inputs into the new source (they are left released) when it succeeds.
 */
MSIM_API int msim_source_merge(struct msim_source *out, struct msim_source *inputs, size_t count,
                               const struct msim_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
