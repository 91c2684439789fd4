#include "base/histogram.h"

#include "base/number.h"

/* Values below 16 have a bucket each; above, the four bits behind the leading one choose. */
static size_t bucket_of(uint64_t value)
{
    if (value < 16)
        return (size_t)value;
    unsigned top = 63 - (unsigned)__builtin_clzll(value);

    return (size_t)(top - 3) * 16 + (size_t)((value >> (top - 4)) & 15);
}

static uint64_t upper_end(size_t bucket)
{
    if (bucket < 16)
        return bucket;
    unsigned shift = (unsigned)(bucket / 16) - 1;
    uint64_t first = (uint64_t)(16 + bucket % 16) << shift;

    return first + ((UINT64_C(1) << shift) - 1);
}

void msim_histogram_add(struct msim_histogram *histogram, int64_t value)
{
    if (value < 0)
        value = 0;
    histogram->counts[bucket_of((uint64_t)value)]++;
    histogram->count++;
    histogram->sum += (uint64_t)value;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t msim_histogram_below(const struct msim_histogram *histogram, unsigned power)
{
    size_t end = bucket_of(UINT64_C(1) << power);
    uint64_t count = 0;

    for (size_t i = 0; i < end; i++)
        count += histogram->counts[i];
    return count;
}

int64_t msim_histogram_at(const struct msim_histogram *histogram, uint32_t per_million)
{
    if (histogram->count == 0)
        return 0;
    /* Nearest rank: the smallest one that at least this share of the values does not exceed. */
    msim_uint128 scaled = (msim_uint128)histogram->count * per_million;
    uint64_t rank = (uint64_t)((scaled + 999999) / 1000000);
    if (rank == 0)
        rank = 1;

    uint64_t seen = 0;
    for (size_t i = 0; i < MSIM_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) {
            uint64_t end = upper_end(i);
            return end < (uint64_t)histogram->max ? (int64_t)end : histogram->max;
        }
    }
    return histogram->max;
}
