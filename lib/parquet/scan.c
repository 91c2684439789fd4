#include "parquet/scan.h"

#include <inttypes.h>
#include <string.h>

#include "parquet/moments.h"

struct buffers {
    msim_time times[MSIM_COLUMN_BATCH];
    uint8_t flags[MSIM_COLUMN_BATCH];
};

int msim_scan_refuse(const struct msim_parquet *parquet, size_t file, size_t group,
                     const struct bad_row *bad, struct msim_detail *detail)
{
    const struct trade_file *trades = &parquet->files[file];
    struct place place = {
        .file = trades->file.path, .column = bad->column, .group = (int64_t)group, .page = -1};

    return msim_place_fail(&place, detail, bad->result,
                           "row %" PRIu64 " (%" PRIu64 " of the file): %s", bad->row,
                           (uint64_t)trades->footer.groups[group].first_row + bad->row, bad->words);
}

static void account_row(struct msim_scanner *scanner, uint64_t row, msim_time time)
{
    struct scan *found = &scanner->found;

    found->good++;
    if (time < scanner->from) {
        found->early++;
        found->begin = row + 1;
    }
    found->sorted &= time >= scanner->last;
    found->min = time < found->min ? time : found->min;
    found->max = time > found->max ? time : found->max;
    scanner->last = time;
}

/* The usual batch: no row is bad. */
static void account_good(struct msim_scanner *scanner, const msim_time *times, size_t rows)
{
    struct scan *found = &scanner->found;
    const struct msim_moments seen = msim_moments_look(times, rows, scanner->from);

    found->good += rows;
    found->early += seen.early;
    if (seen.early > 0)
        found->begin = scanner->row + seen.early;
    found->min = seen.min < found->min ? seen.min : found->min;
    found->max = seen.max > found->max ? seen.max : found->max;
    found->sorted = found->sorted && seen.rising && times[0] >= scanner->last;
    scanner->last = times[rows - 1];
}

static void account(struct msim_scanner *scanner, const msim_time *times, const uint8_t *flags,
                    size_t rows)
{
    if (rows > 0 && !memchr(flags, ROW_BAD, rows)) {
        account_good(scanner, times, rows);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        if (!(flags[i] & ROW_BAD))
            account_row(scanner, scanner->row + i, times[i]);
    }
}

int msim_scanner_open(struct msim_scanner *scanner, const struct msim_parquet *parquet,
                      struct msim_reader *reader, size_t file, size_t group, msim_time from,
                      msim_time *times, uint8_t *flags, struct msim_detail *detail)
{
    const struct trade_file *trades = &parquet->files[file];

    *scanner = (struct msim_scanner){.parquet = parquet,
                                     .file = file,
                                     .group = group,
                                     .from = from,
                                     .times = times,
                                     .flags = flags,
                                     .last = INT64_MIN,
                                     .found = {.min = INT64_MAX, .max = INT64_MIN, .sorted = true}};
    int r = msim_parquet_file_check(&trades->file, detail);
    if (r < 0)
        return r;
    return msim_column_open(&scanner->column, reader, &trades->file, &trades->footer, group,
                            trades->leaves[FIELD_TIMESTAMP], detail);
}

int msim_scanner_step(struct msim_scanner *scanner, int64_t *work, struct msim_detail *detail)
{
    const struct footer *footer = &scanner->parquet->files[scanner->file].footer;
    uint64_t count = (uint64_t)footer->groups[scanner->group].row_count;
    struct buffers buffers;

    while (scanner->row < count) {
        if (*work <= 0)
            return 0;
        struct bad_row bad = {0};
        msim_time *to = scanner->times ? scanner->times + scanner->row : buffers.times;
        uint8_t *mark = scanner->flags ? scanner->flags + scanner->row : buffers.flags;
        size_t rows = 0;
        uint64_t left = count - scanner->row;
        size_t want = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
        int r =
            msim_times_read(&scanner->column, want, scanner->row, to, mark, &rows, &bad, detail);
        if (r < 0)
            return r;
        if (bad.column && !scanner->parquet->skip_bad_rows)
            return msim_scan_refuse(scanner->parquet, scanner->file, scanner->group, &bad, detail);
        account(scanner, to, mark, rows);
        scanner->row += rows;
        *work -= (int64_t)rows;
    }
    return 1;
}

void msim_scanner_close(struct msim_scanner *scanner)
{
    msim_column_close(&scanner->column);
}

int msim_scan(struct scan *scan, const struct msim_parquet *parquet, struct msim_reader *reader,
              size_t file, size_t group, struct msim_detail *detail)
{
    struct msim_scanner scanner;
    int64_t work = INT64_MAX;

    int r =
        msim_scanner_open(&scanner, parquet, reader, file, group, INT64_MIN, NULL, NULL, detail);
    if (r >= 0)
        r = msim_scanner_step(&scanner, &work, detail);
    msim_scanner_close(&scanner);
    *scan = scanner.found;
    return r < 0 ? r : MSIM_OK;
}
