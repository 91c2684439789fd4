#include "cli/examine.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/calendar.h"

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

void examine_print_plan(const struct msim_parquet *parquet)
{
    struct msim_parquet_info info;
    struct msim_parquet_planned planned;

    msim_parquet_info(parquet, &info);
    printf("%" PRIu64 " rows in %" PRIu64 " row groups of %" PRIu64 " files, ", info.rows,
           info.row_groups, info.files);
    print_range(info.first, info.last);
    putchar('\n');
    if (info.spilled_rows > 0)
        printf("sorted on disk, since they do not fit in memory: %" PRIu64 " rows, at most %" PRIu64
               " MiB\n",
               info.spilled_rows, (info.spilled_bytes + 1048575) / 1048576);
    else
        puts("sorted on disk: nothing, all fits in memory");
    fputs("row groups, in the order in which they are opened:\n", stdout);
    for (size_t i = 0; msim_parquet_planned(parquet, i, &planned) == MSIM_OK; i++) {
        printf("  %s, row group %" PRIu64 ": %" PRIu64 " rows, ", planned.file, planned.group,
               planned.rows);
        print_range(planned.first, planned.last);
        fputs(planned.by_statistics ? ", by its statistics" : ", by its timestamps", stdout);
        puts(planned.is_spilled ? ", sorted on disk" : "");
    }
}

static void print_defect(void *context, const char *words)
{
    (void)context;
    printf("defect: %s\n", words);
}

int examine_print_check(struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct msim_parquet_check check;

    int r = msim_parquet_check(parquet, print_defect, NULL, &check, detail);
    if (r < 0)
        return r;
    printf("rows: %" PRIu64 "\n", check.rows);
    printf("rows that are no trades: %" PRIu64 "\n", check.bad_rows);
    fputs("time: ", stdout);
    print_range(check.first, check.last);
    printf("\ntickers: %" PRIu64 "\n", check.tickers);
    printf("late rows: %" PRIu64 "\n", check.late_rows);
    printf("worst lateness: %" PRId64 ".%09" PRId64 " s\n", check.worst_lateness / MSIM_NS_PER_S,
           check.worst_lateness % MSIM_NS_PER_S);
    printf("row groups: %" PRIu64 ", %" PRIu64 " of them not in order of time\n", check.groups,
           check.unsorted_groups);
    printf("row groups open at once: %" PRIu64 "\n", check.groups_at_once);
    printf("bytes of sorted rows at once: %" PRIu64 "\n", check.bytes_at_once);
    printf("defects: %" PRIu64 "\n", check.defects);
    return check.defects > 0;
}
