/*
 * The pieces that a message's bytes are written in.
 */
#include <marketsim/faults.h>

#include "base/random.h"
#include "faults/distribution.h"

size_t msim_fault_slice_size(const struct msim_fault_slice *slice, uint32_t index)
{
    if (!slice || slice->max == 0)
        return SIZE_MAX;
    uint32_t sub = slice->sub | index << 5;
    uint64_t u = msim_random_at(slice->key, slice->ordinal, PURPOSE_CORRUPT_PLACE, sub);

    return (size_t)msim_random_range(u, slice->min, slice->max);
}
