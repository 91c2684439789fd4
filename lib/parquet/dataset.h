/*
 * The data set: files, their row groups in the order of the rows, and the plan.
 * Made at open and shared by any number of cursors.  They change nothing in it but
 * what they found out about the files: that statistics are right, which descriptors
 * are open.
 */
#ifndef MSIM_PARQUET_DATASET_H
#define MSIM_PARQUET_DATASET_H

#include <marketsim/parquet.h>

#include "base/bytes.h"
#include "parquet/crc.h"
#include "parquet/file.h"
#include "parquet/footer.h"
#include "parquet/temporary.h"
#include "parquet/ticker_name.h"
#include "parquet/values.h"

enum trade_field {
    FIELD_TIMESTAMP,
    FIELD_PRICE,
    FIELD_VOLUME,
    FIELD_TICKER,
    FIELD_COUNT,
};

/* Their names where nobody chose others. */
extern const char *const msim_usual_names[FIELD_COUNT];

/* What helps beside another column's name where a file has no tickers. */
extern const char msim_ticker_remedy[];

struct trade_file {
    struct msim_parquet_file file;
    struct footer footer;
    uint64_t first_row; /* of the data set */
    size_t leaves[FIELD_COUNT];
    struct ticker_name *ticker; /* of all its rows, and no leaf; NULL: the column's */
    /* What was kept of a file that is not Parquet (spool.h), and what was left out of it. */
    bool is_spooled;
    struct msim_bytes store;
    uint64_t left_out;
    struct msim_bytes notes; /* of the first rows left out, each with its terminator */
};

/* Where the row groups of files that are not Parquet are: in memory as long as there is room. */
struct spool_place {
    struct temporary_file disk; /* for the others; without ops there are none */
    size_t room;
    size_t group_bytes; /* a row group ends where its columns have so many */
    const struct msim_crc *crc;
};

/* Whether the file has the column: a ticker may be given by name. */
static inline bool msim_trade_file_has(const struct trade_file *trades, enum trade_field field)
{
    return field != FIELD_TICKER || !trades->ticker;
}

/* What would be refused when the column is read is refused at once. */
int msim_trade_file_check(const struct trade_file *trades, size_t leaf, struct msim_detail *detail);

/* Says that two columns bear the name: MSIM_ERR_FORMAT. */
int msim_trade_file_refuse_twins(const struct trade_file *trades, const char *name,
                                 struct msim_detail *detail);

/*
 * A row group that has rows.  Its place in `zones` is its rank: the order of files
 * and of groups within them, which decides between equal timestamps.
 */
struct zone {
    uint32_t file;
    uint32_t group;
    uint64_t rows;
    msim_time min;
    msim_time max;
    bool is_found;       /* min and max were found by a scan; else they are the file's statistics */
    bool is_unsorted;    /* its rows were found not to be in order */
    bool is_alone;       /* for most of its time no other group is open beside it */
    bool is_measured;    /* the plan depends on it: it was scanned, and its pages were measured */
    uint64_t page_bytes; /* what decoding takes for its largest pages; else not known */
    int64_t large_page;  /* the largest of them, and its column */
    enum trade_field large_field;
};

/* An allocator that counts, and has a bound: what all cursors of a data set take together. */
struct msim_budget {
    struct msim_allocator base;
    size_t limit;
    size_t used;
    bool refused; /* something was asked for beyond the limit */
};

static inline size_t msim_budget_left(const struct msim_budget *budget)
{
    return budget->used < budget->limit ? budget->limit - budget->used : 0;
}

/* MSIM_ERR_LIMIT with words, in place of MSIM_ERR_NOMEM, where the bound was the reason. */
int msim_budget_blame(const struct msim_budget *budget, int r, struct msim_detail *detail);

struct extra_store;
struct held;
struct msim_worker;
struct spill;

struct msim_parquet {
    struct trade_file *files;
    size_t file_count;
    size_t file_capacity;
    uint64_t left_out; /* rows of all files, when they were opened */
    struct zone *zones;
    size_t zone_count;
    size_t zone_capacity;
    uint32_t *plan;       /* ranks by (min, rank): the order in which groups are opened */
    struct spill *spills; /* parts of the plan that do not fit in memory, in its order */
    size_t spill_count;
    size_t spill_capacity;
    struct msim_parquet_info info;
    struct held **held;   /* by rank: groups that were sorted and are being read */
    size_t held_promised; /* bytes that those which are being loaded may take */
    struct spill **late;  /* by rank: groups that found no room (late.h); NULL: none did yet */
    size_t late_count;
    struct spill *late_work; /* the one that is being sorted */
    struct extra_store
        *extra_stores;       /* further columns in the order of the trades (extra_store.h) */
    struct msim_names names; /* of all cursors */
    struct msim_budget budget;
    struct msim_worker *worker; /* NULL: all is done by whoever asks */
    size_t windows;             /* of its cursors that have room (window.h) */
    bool skip_bad_rows;
    bool ignore_statistics;
    uint32_t sources; /* that the plan has memory for at once */
    struct temporary temporary;
    struct msim_parquet_folder folder; /* where they are, unless a test has its own */
    struct spool_place spooled;
    struct msim_parquet_pool pool;
    struct msim_crc crc;
    struct msim_allocator allocator;
    struct msim_logger logger;
};

struct msim_parquet_bytes {
    const void *bytes;
    size_t length;
    const char *name; /* NULL: memory-0, memory-1, ... */
};

/*
 * Opens a data set of files that lie in memory until it is closed, in place of the
 * params' paths: for tests and the fuzzer.
 */
int msim_parquet_open_memory(struct msim_parquet **out, const struct msim_parquet_params *params,
                             const struct msim_parquet_bytes *files, size_t count,
                             struct msim_detail *detail);

/* The same with a place for what does not fit in memory. */
int msim_parquet_open_spilling(struct msim_parquet **out, const struct msim_parquet_params *params,
                               const struct msim_parquet_bytes *files, size_t count,
                               struct temporary temporary, struct msim_detail *detail);

/*
 * Opens a data set of trades that `fill` puts into a spool, as one file of this name.  The spool's
 * memory is the data set's.
 */
struct spool;
int msim_parquet_open_trades(struct msim_parquet **out, const struct msim_parquet_params *params,
                             const char *name,
                             int (*fill)(void *context, struct spool *spool,
                                         struct msim_detail *detail),
                             void *context, struct msim_detail *detail);

#endif
