#include "cli/examine.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/calendar.h"
#include "base/json.h"
#include "base/mem.h"

/* The bound on a printed line: a ticker that is longer, its escapes counted, is left out. */
#define LINE_LIMIT ((size_t)1 << 20)
/* What a row's further columns take on disk beside their texts, about. */
#define FURTHER_ROW_BYTES 25

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_range(msim_time first, msim_time last)
{
    char from[MSIM_CALENDAR_SIZE], to[MSIM_CALENDAR_SIZE];

    if (first == MSIM_TIME_NEVER || first == INT64_MIN) {
        fputs("no trade", stdout);
        return;
    }
    msim_calendar_print(first, MSIM_CALENDAR_PLAIN, from);
    msim_calendar_print(last, MSIM_CALENDAR_PLAIN, to);
    printf("%s .. %s", from, to);
}

/* What further columns take of the disk, where they do, is known while they are read. */
static void print_further_columns(const struct msim_parquet_info *info)
{
    uint64_t bytes = info->rows * FURTHER_ROW_BYTES;

    printf(
        "further columns: sorted on disk as well where rows are seen to be far out of order and do "
        "not fit in memory, at most about %" PRIu64 " MiB beside the columns as text\n",
        (bytes + 1048575) / 1048576);
}

void examine_print_plan(const struct msim_parquet *parquet, enum examine_columns columns)
{
    struct msim_parquet_info info;
    struct msim_parquet_planned planned;

    msim_parquet_info(parquet, &info);
    printf("%" PRIu64 " row%s in %" PRIu64 " row group%s of %" PRIu64 " file%s, ", info.rows,
           plural(info.rows), info.row_groups, plural(info.row_groups), info.files,
           plural(info.files));
    print_range(info.first, info.last);
    putchar('\n');
    if (info.spilled_rows > 0)
        printf("sorted on disk, since they do not fit in memory: %" PRIu64 " rows, at most %" PRIu64
               " MiB\n",
               info.spilled_rows, (info.spilled_bytes + 1048575) / 1048576);
    else
        puts("sorted on disk: nothing, all fits in memory");
    if (columns == EXAMINE_FURTHER_ONES)
        print_further_columns(&info);
    fputs("row groups, in the order in which they are opened:\n", stdout);
    for (size_t i = 0; msim_parquet_planned(parquet, i, &planned) == MSIM_OK; i++) {
        printf("  %s, row group %" PRIu64 ": %" PRIu64 " row%s, ", planned.file, planned.group,
               planned.rows, plural(planned.rows));
        print_range(planned.first, planned.last);
        fputs(planned.by_statistics ? ", by its statistics" : ", by its timestamps", stdout);
        puts(planned.is_spilled ? ", sorted on disk" : "");
    }
}

/* ---- a check ---- */

struct printing {
    enum examine_form form;
    struct msim_bytes line; /* which is being made */
    struct msim_json_writer writer;
    uint64_t tickers;
};

static void begin_line(struct printing *printing)
{
    msim_json_write_bytes(&printing->writer, &printing->line);
    msim_json_write_object(&printing->writer);
}

static void end_line(struct printing *printing)
{
    msim_json_write_object_end(&printing->writer);
    if (msim_json_write_end(&printing->writer, NULL) < 0)
        return;
    size_t length = msim_bytes_length(&printing->line);
    fwrite(msim_bytes_front(&printing->line), 1, length, stdout);
    putchar('\n');
    msim_bytes_take(&printing->line, length);
}

static void print_defect(void *context, const char *words)
{
    struct printing *printing = context;

    if (printing->form == EXAMINE_TEXT) {
        printf("defect: %s\n", words);
        return;
    }
    begin_line(printing);
    msim_json_write_key(&printing->writer, "defect");
    msim_json_write_text(&printing->writer, words);
    end_line(printing);
}

/* A name in quotes, as JSON has it: one line, whatever is in it. */
static void print_name(struct printing *printing, const char *name, size_t length)
{
    msim_json_write_bytes(&printing->writer, &printing->line);
    msim_json_write_string(&printing->writer, name, length);
    if (msim_json_write_end(&printing->writer, NULL) < 0)
        return;
    size_t written = msim_bytes_length(&printing->line);
    fwrite(msim_bytes_front(&printing->line), 1, written, stdout);
    msim_bytes_take(&printing->line, written);
}

static void print_ticker(void *context, const char *name, size_t length, uint64_t rows)
{
    struct printing *printing = context;

    if (printing->tickers++ >= EXAMINE_TICKERS_LISTED)
        return;
    if (printing->form == EXAMINE_TEXT) {
        fputs("ticker: ", stdout);
        print_name(printing, name, length);
        printf(", %" PRIu64 " row%s\n", rows, plural(rows));
        return;
    }
    begin_line(printing);
    msim_json_write_key(&printing->writer, "ticker");
    msim_json_write_string(&printing->writer, name, length);
    msim_json_write_key(&printing->writer, "rows");
    msim_json_write_unsigned(&printing->writer, rows);
    end_line(printing);
}

static void print_whole_text(const struct msim_parquet_check *check)
{
    if (check->tickers > EXAMINE_TICKERS_LISTED)
        printf("ticker: %" PRIu64 " more, of fewer rows\n",
               check->tickers - EXAMINE_TICKERS_LISTED);
    printf("rows: %" PRIu64 "\n", check->rows);
    printf("rows that are no trades: %" PRIu64 "\n", check->bad_rows);
    fputs("time: ", stdout);
    print_range(check->first, check->last);
    printf("\ntickers: %" PRIu64 "\n", check->tickers);
    printf("rows without a ticker: %" PRIu64 "\n", check->nameless_rows);
    printf("late rows: %" PRIu64 "\n", check->late_rows);
    printf("worst lateness: %" PRId64 ".%09" PRId64 " s\n", check->worst_lateness / MSIM_NS_PER_S,
           check->worst_lateness % MSIM_NS_PER_S);
    printf("row groups: %" PRIu64 ", %" PRIu64 " of them not in order of time\n", check->groups,
           check->unsorted_groups);
    printf("row groups open at once: %" PRIu64 "\n", check->groups_at_once);
    printf("bytes of sorted rows at once: %" PRIu64 "\n", check->bytes_at_once);
    printf("defects: %" PRIu64 "\n", check->defects);
}

static void write_moment(struct msim_json_writer *writer, const char *key, msim_time time)
{
    char text[MSIM_CALENDAR_SIZE];

    msim_json_write_key(writer, key);
    if (time == MSIM_TIME_NEVER) {
        msim_json_write_null(writer);
        return;
    }
    msim_calendar_print(time, MSIM_CALENDAR_ISO, text);
    msim_json_write_text(writer, text);
}

static void print_whole_json(struct printing *printing, const struct msim_parquet_check *check)
{
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"rows", check->rows},
        {"bad_rows", check->bad_rows},
        {"tickers", check->tickers},
        {"rows_without_ticker", check->nameless_rows},
        {"late_rows", check->late_rows},
        {"worst_lateness_ns", (uint64_t)check->worst_lateness},
        {"row_groups", check->groups},
        {"unsorted_row_groups", check->unsorted_groups},
        {"row_groups_at_once", check->groups_at_once},
        {"sorted_bytes_at_once", check->bytes_at_once},
        {"bad_row_defects", check->bad_row_defects},
        {"defects", check->defects},
    };
    struct msim_json_writer *writer = &printing->writer;

    begin_line(printing);
    write_moment(writer, "first", check->first);
    write_moment(writer, "last", check->last);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        msim_json_write_key(writer, numbers[i].key);
        msim_json_write_unsigned(writer, numbers[i].value);
    }
    end_line(printing);
}

int examine_print_check(struct msim_parquet *parquet, enum examine_form form,
                        struct msim_parquet_check *out, struct msim_detail *detail)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct printing printing = {.form = form};
    const struct msim_parquet_check_sink sink = {
        .defect = print_defect, .ticker = print_ticker, .context = &printing};

    msim_bytes_init(&printing.line, LINE_LIMIT, &allocator);
    int r = msim_parquet_check(parquet, &sink, out, detail);
    if (r >= 0 && form == EXAMINE_TEXT)
        print_whole_text(out);
    else if (r >= 0)
        print_whole_json(&printing, out);
    msim_bytes_finish(&printing.line);
    return r;
}
