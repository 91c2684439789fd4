/*
 * A source's functions, called with care: checks and the released state live
 * here, so that an implementation need not repeat them.
 */
#include <marketsim/source.h>

#include "base/detail.h"

int msim_source_pull(struct msim_source *source, struct msim_record *records, size_t capacity,
                     size_t *count, struct msim_detail *detail)
{
    if (!source || !source->ops || !records || capacity == 0 || !count)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a pull needs a source that is open, and room for a record");

    size_t given = 0;
    int r = source->ops->pull(source->self, records, capacity, &given, detail);
    if (r > MSIM_PULL_END || (r == MSIM_PULL_RECORD && (given == 0 || given > capacity)))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the source broke its contract: it returned %d and %zu records, "
                               "where %zu have room",
                               r, given, capacity);
    if (r == MSIM_PULL_RECORD)
        *count = given;
    return r;
}

msim_time msim_source_next_due(struct msim_source *source)
{
    return source && source->ops ? source->ops->next_due(source->self) : MSIM_TIME_NEVER;
}

const char *msim_source_symbol(struct msim_source *source, uint32_t id, size_t *length)
{
    return source && source->ops ? source->ops->symbol(source->self, id, length) : NULL;
}

const char *const *msim_source_extra_names(struct msim_source *source, size_t *count)
{
    *count = 0;
    if (!source || !source->ops || !source->ops->extra_names)
        return NULL;
    return source->ops->extra_names(source->self, count);
}

int msim_source_extras(struct msim_source *source, const struct msim_record *trade,
                       struct msim_extra *values)
{
    if (!source || !source->ops || !source->ops->extras || !trade || !values)
        return MSIM_ERR_INVALID;
    return source->ops->extras(source->self, trade, values);
}

void msim_source_release(struct msim_source *source)
{
    if (!source || !source->ops)
        return;
    source->ops->release(source->self);
    *source = (struct msim_source){0};
}
