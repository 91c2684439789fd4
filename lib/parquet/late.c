#include "parquet/late.h"

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/held.h"
#include "parquet/order.h"
#include "parquet/plan.h"

/* Beside what is held, this part of the bound stays free: for sorting on disk, and for columns. */
#define LEFT_FREE 4
/* So many that nobody is in are kept, since somebody may come again: each is an open file. */
#define KEPT 64

static bool fits(const struct msim_parquet *parquet, uint32_t rank)
{
    const struct msim_budget *budget = &parquet->budget;
    uint64_t need = parquet->zones[rank].rows * (MSIM_HELD_ROW_BYTES + MSIM_ORDER_ROW_BYTES);
    uint64_t left = msim_budget_left(budget);

    return need + parquet->held_promised + budget->limit / LEFT_FREE <= left;
}

/* The plan holds for one source, wherever it stands. */
bool msim_late_is_due(const struct msim_parquet *parquet, uint32_t rank)
{
    if (!parquet->temporary.ops || parquet->sources <= 1 || parquet->held[rank])
        return false;
    return (parquet->late && parquet->late[rank]) || !fits(parquet, rank);
}

static int make(struct spill **out, struct msim_parquet *parquet, uint32_t rank,
                struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &parquet->allocator;
    struct spill *spill = msim_mem_zero(allocator, sizeof *spill);

    if (spill) {
        spill->ranks = msim_mem_take_array(allocator, 1, sizeof *spill->ranks);
        spill->rank_count = spill->ranks ? 1 : 0;
    }
    if (!spill || !spill->ranks) {
        msim_mem_free(allocator, spill, sizeof *spill);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory to sort what does not fit in it");
    }
    spill->ranks[0] = rank;
    spill->rows = parquet->zones[rank].rows;
    *out = spill;
    return MSIM_OK;
}

int msim_late_join(struct spill **out, struct msim_parquet *parquet, uint32_t rank,
                   struct msim_detail *detail)
{
    int r = MSIM_OK;

    if (!parquet->late) {
        parquet->late =
            msim_mem_zero_array(&parquet->allocator, parquet->zone_count, sizeof *parquet->late);
        if (!parquet->late)
            return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for the row groups' places");
    }
    if (!parquet->late[rank]) {
        r = msim_plan_measure_pages(parquet, rank, detail);
        if (r >= 0)
            r = make(&parquet->late[rank], parquet, rank, detail);
        if (r < 0)
            return r;
        parquet->late_count++;
    }
    *out = parquet->late[rank];
    (*out)->users++;
    return MSIM_OK;
}

int msim_late_work(struct spill *spill, struct msim_parquet *parquet, int64_t *work,
                   struct msim_detail *detail)
{
    struct spill *other = parquet->late_work;

    if (spill->is_ready)
        return 1;
    /* Whether that one fails is told to those who are in it. */
    if (other && other != spill && msim_spill_work(other, parquet, work, NULL) == 0)
        return 0;
    parquet->late_work = spill;
    int r = msim_spill_work(spill, parquet, work, detail);
    if (r != 0)
        parquet->late_work = NULL;
    return r;
}

static void drop(struct msim_parquet *parquet, uint32_t rank)
{
    struct spill *spill = parquet->late[rank];

    if (parquet->late_work == spill)
        parquet->late_work = NULL;
    msim_spill_finish(spill, parquet);
    msim_mem_free(&parquet->allocator, spill, sizeof *spill);
    parquet->late[rank] = NULL;
    parquet->late_count--;
}

void msim_late_leave(struct spill **pointer, struct msim_parquet *parquet)
{
    struct spill *spill = *pointer;

    *pointer = NULL;
    if (!spill || --spill->users > 0)
        return;
    if (!spill->is_ready || parquet->late_count > KEPT)
        drop(parquet, spill->ranks[0]);
}

void msim_late_finish(struct msim_parquet *parquet)
{
    for (size_t rank = 0; parquet->late && rank < parquet->zone_count; rank++)
        if (parquet->late[rank])
            drop(parquet, (uint32_t)rank);
    msim_mem_free(&parquet->allocator, parquet->late, parquet->zone_count * sizeof *parquet->late);
    parquet->late = NULL;
}
