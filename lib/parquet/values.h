/*
 * What a trade's columns mean: moments, exact numbers and names, out of the spans
 * of a column.
 *
 * A row that cannot be a trade (no moment, a price that is not a number) is
 * marked, and the first one remembered with the reason; whether that ends the
 * reading is the caller's choice.
 */
#ifndef MSIM_PARQUET_VALUES_H
#define MSIM_PARQUET_VALUES_H

#include <marketsim/base.h>

#include "parquet/column.h"
#include "record/symbols.h"

/* Beside enum msim_record_flag in a row's flags: the row is no trade. */
#define ROW_BAD 0x80

/* The first bad row of what was read. */
struct bad_row {
    const char *column; /* NULL: none is bad */
    const char *words;
    uint64_t row; /* as the reader counts: of the row group */
    int result;
};

void msim_bad_row_note(struct bad_row *bad, uint64_t row, const char *column, int result,
                       const char *words);

/* ---- moments ---- */

/*
 * MSIM_ERR_UNSUPPORTED where the column's type is not a moment.  Sets the unit that
 * the column does not have of itself: `unit` nanoseconds for a bare integer.
 */
int msim_times_check(struct leaf *leaf, int64_t unit, const struct place *place,
                     struct msim_detail *detail);

/*
 * Up to `want` moments (at least one unless the column ends) in nanoseconds;
 * `row` is the number of the first.  Marks bad rows in `flags` and ends at nothing
 * else.
 */
int msim_times_read(struct msim_column *column, size_t want, uint64_t row, msim_time *times,
                    uint8_t *flags, size_t *rows, struct bad_row *bad, struct msim_detail *detail);

/* One of them as it is stored, in bytes; MSIM_ERR_OVERFLOW where nanoseconds do not hold it. */
int msim_moment_of(const struct leaf *leaf, const unsigned char *stored, msim_time *time);

/* ---- exact numbers ---- */

enum number_form {
    NUMBER_INT32,
    NUMBER_UINT32,
    NUMBER_INT64,
    NUMBER_UINT64,
    NUMBER_FLOAT,
    NUMBER_DOUBLE,
    NUMBER_BINARY, /* big-endian two's complement of any length */
    NUMBER_TEXT,
    NUMBER_MANTISSA, /* little-endian, and its exponent in a byte behind it */
};

struct msim_numbers {
    struct msim_column column;
    enum number_form form;
    int8_t exponent; /* of every number, unless they vary */
    bool varies;
    uint8_t missing_flag;
    int hint;
    int64_t *entries; /* the dictionary, made exact once */
    int8_t *entry_exponents;
    uint8_t *entry_states;
    size_t entry_count;
    int64_t *dense; /* numbers of a span some of whose rows have none */
    int8_t *dense_exponents;
    uint8_t *dense_states;
};

/* The form and exponent of the column's type; MSIM_ERR_UNSUPPORTED. */
int msim_numbers_check(const struct leaf *leaf, const struct place *place,
                       struct msim_detail *detail);

int msim_numbers_open(struct msim_numbers *numbers, struct msim_reader *reader,
                      const struct msim_parquet_file *file, const struct footer *footer,
                      size_t group, size_t leaf, uint8_t missing_flag, struct msim_detail *detail);
void msim_numbers_close(struct msim_numbers *numbers);

/* Exactly `count` rows, which the column must have; `exponents` is filled where they vary. */
int msim_numbers_read(struct msim_numbers *numbers, size_t count, uint64_t row, int64_t *mantissas,
                      int8_t *exponents, uint8_t *flags, struct bad_row *bad,
                      struct msim_detail *detail);

/* ---- names ---- */

/* All texts seen by a cursor, numbered in the order in which they were decoded. */
struct msim_names {
    struct msim_symbols symbols;
    uint8_t *states; /* of each name: enum name_state */
    size_t state_capacity;
    size_t bad_count; /* names that are NAME_BAD */
};

enum name_state {
    NAME_GOOD,
    NAME_BAD, /* not UTF-8 */
};

void msim_names_init(struct msim_names *names, const struct msim_allocator *allocator);
void msim_names_finish(struct msim_names *names);

struct msim_name_column {
    struct msim_column column;
    struct msim_names *names;
    uint32_t *entries; /* the dictionary's numbers */
    size_t entry_count;
    bool is_constant; /* no column of the file: all rows have this name, or none */
    bool has_name;
    uint32_t id;
};

int msim_name_column_check(const struct leaf *leaf, const struct place *place,
                           struct msim_detail *detail);
int msim_name_column_open(struct msim_name_column *column, struct msim_names *names,
                          struct msim_reader *reader, const struct msim_parquet_file *file,
                          const struct footer *footer, size_t group, size_t leaf,
                          struct msim_detail *detail);
/* One whose rows all have this name, which is UTF-8; none where `length` is 0. */
int msim_name_column_constant(struct msim_name_column *column, struct msim_names *names,
                              const char *name, size_t length, struct msim_detail *detail);
void msim_name_column_close(struct msim_name_column *column);

/* Exactly `count` rows; a row without a name gets 0 and MSIM_RECORD_NO_SYMBOL. */
int msim_name_column_read(struct msim_name_column *column, size_t count, uint64_t row,
                          uint32_t *ids, uint8_t *flags, struct bad_row *bad,
                          struct msim_detail *detail);
int msim_name_column_pass(struct msim_name_column *column, uint64_t rows,
                          struct msim_detail *detail);

#endif
