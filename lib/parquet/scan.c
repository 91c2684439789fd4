#include "parquet/scan.h"

#include <inttypes.h>
#include <string.h>

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

/* Takes a batch into the account; `last` is the time of the good row before it. */
static void account(struct scan *scan, const msim_time *times, const uint8_t *flags, size_t rows,
                    msim_time from, msim_time *last)
{
    for (size_t i = 0; i < rows; i++) {
        if (flags[i] & ROW_BAD)
            continue;
        msim_time time = times[i];
        scan->good++;
        scan->early += time < from;
        scan->sorted &= time >= *last;
        scan->min = time < scan->min ? time : scan->min;
        scan->max = time > scan->max ? time : scan->max;
        *last = time;
    }
}

static int scan_column(struct scan *scan, const struct msim_parquet *parquet,
                       struct msim_column *column, size_t file, size_t group, msim_time from,
                       msim_time *times, uint8_t *flags, struct msim_detail *detail)
{
    struct buffers buffers;
    msim_time last = INT64_MIN;
    uint64_t count = (uint64_t)parquet->files[file].footer.groups[group].row_count;

    for (uint64_t row = 0; row < count;) {
        struct bad_row bad = {0};
        msim_time *to = times ? times + row : buffers.times;
        uint8_t *mark = flags ? flags + row : buffers.flags;
        size_t rows = 0;
        uint64_t left = count - row;
        size_t want = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
        int r = msim_times_read(column, want, row, to, mark, &rows, &bad, detail);
        if (r < 0)
            return r;
        if (bad.column && !parquet->skip_bad_rows)
            return msim_scan_refuse(parquet, file, group, &bad, detail);
        account(scan, to, mark, rows, from, &last);
        row += rows;
    }
    return MSIM_OK;
}

int msim_scan(struct scan *scan, const struct msim_parquet *parquet, struct msim_reader *reader,
              size_t file, size_t group, msim_time from, msim_time *times, uint8_t *flags,
              struct msim_detail *detail)
{
    const struct trade_file *trades = &parquet->files[file];
    struct msim_column column = {0};

    *scan = (struct scan){.min = INT64_MAX, .max = INT64_MIN, .sorted = true};
    int r = msim_parquet_file_check(&trades->file, detail);
    if (r < 0)
        return r;
    r = msim_column_open(&column, reader, &trades->file, &trades->footer, group,
                         trades->leaves[FIELD_TIMESTAMP], detail);
    if (r >= 0)
        r = scan_column(scan, parquet, &column, file, group, from, times, flags, detail);
    msim_column_close(&column);
    return r;
}
