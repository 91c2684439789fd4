#include "parquet/moments.h"

#include <assert.h>

#include "parquet/bits.h"
#include "parquet/unpack.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2_CODE 1
#include <immintrin.h>
#else
#define HAVE_AVX2_CODE 0
#endif

/* ---- one after another ---- */

/* No branch for each, but the check at the end. */
bool msim_moments_convert_plain(const unsigned char *from, size_t count, int64_t unit,
                                msim_time *times)
{
    const int64_t largest = INT64_MAX / unit - 1;
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        int64_t raw = (int64_t)msim_load64(from + i * 8);
        good &= raw <= largest && raw >= -largest;
        times[i] = (int64_t)((uint64_t)raw * (uint64_t)unit);
    }
    return good;
}

struct msim_moments msim_moments_look_plain(const msim_time *times, size_t count, msim_time from)
{
    struct msim_moments seen = {.min = times[0], .max = times[0], .early = times[0] < from};
    unsigned falls = 0;

    for (size_t i = 1; i < count; i++) {
        seen.min = times[i] < seen.min ? times[i] : seen.min;
        seen.max = times[i] > seen.max ? times[i] : seen.max;
        seen.early += times[i] < from;
        falls |= times[i] < times[i - 1];
    }
    seen.rising = !falls;
    return seen;
}

#if HAVE_AVX2_CODE

/* ---- four at a time ---- */

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2")))

AVX2_INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* The low words of the products: a unit has less than 32 bits. */
AVX2 bool msim_moments_convert_vector(const unsigned char *from, size_t count, int64_t unit,
                                      msim_time *times)
{
    const int64_t largest = INT64_MAX / unit - 1;
    const __m256i most = _mm256_set1_epi64x(largest);
    const __m256i least = _mm256_set1_epi64x(-largest);
    const __m256i units = _mm256_set1_epi64x(unit);
    __m256i bad = _mm256_setzero_si256();
    size_t i = 0;

    for (; i + 4 <= count; i += 4) {
        __m256i raw = load(from + i * 8);
        __m256i low = _mm256_mul_epu32(raw, units);
        __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(raw, 32), units);
        __m256i product = _mm256_add_epi64(low, _mm256_slli_epi64(high, 32));
        bad = _mm256_or_si256(bad, _mm256_cmpgt_epi64(raw, most));
        bad = _mm256_or_si256(bad, _mm256_cmpgt_epi64(least, raw));
        _mm256_storeu_si256((__m256i *)(void *)(times + i), product);
    }
    bool rest = msim_moments_convert_plain(from + i * 8, count - i, unit, times + i);
    return rest && _mm256_testz_si256(bad, bad);
}

/* The least or the largest of four. */
static msim_time extreme(const msim_time each[4], bool largest)
{
    msim_time found = each[0];

    for (int i = 1; i < 4; i++)
        found = (largest ? each[i] > found : each[i] < found) ? each[i] : found;
    return found;
}

AVX2 struct msim_moments msim_moments_look_vector(const msim_time *times, size_t count,
                                                  msim_time from)
{
    const __m256i begin = _mm256_set1_epi64x(from);
    __m256i min = _mm256_set1_epi64x(times[0]);
    __m256i max = min;
    __m256i early = _mm256_setzero_si256();
    __m256i falls = early;
    struct msim_moments seen = {.early = times[0] < from};
    msim_time each[4];
    size_t i = 1;

    for (; i + 4 <= count; i += 4) {
        __m256i next = load(times + i);
        falls = _mm256_or_si256(falls, _mm256_cmpgt_epi64(load(times + i - 1), next));
        early = _mm256_sub_epi64(early, _mm256_cmpgt_epi64(begin, next));
        min = _mm256_blendv_epi8(min, next, _mm256_cmpgt_epi64(min, next));
        max = _mm256_blendv_epi8(max, next, _mm256_cmpgt_epi64(next, max));
    }
    seen.rising = _mm256_testz_si256(falls, falls);
    _mm256_storeu_si256((__m256i *)(void *)each, early);
    seen.early += (size_t)(each[0] + each[1] + each[2] + each[3]);
    _mm256_storeu_si256((__m256i *)(void *)each, min);
    seen.min = extreme(each, false);
    _mm256_storeu_si256((__m256i *)(void *)each, max);
    seen.max = extreme(each, true);
    /* The last of these once more: each of the others is compared with the one before it. */
    struct msim_moments rest = msim_moments_look_plain(times + i - 1, count - i + 1, from);
    seen.early += rest.early - (times[i - 1] < from);
    seen.rising = seen.rising && rest.rising;
    seen.min = rest.min < seen.min ? rest.min : seen.min;
    seen.max = rest.max > seen.max ? rest.max : seen.max;
    return seen;
}

#else

bool msim_moments_convert_vector(const unsigned char *from, size_t count, int64_t unit,
                                 msim_time *times)
{
    return msim_moments_convert_plain(from, count, unit, times);
}

struct msim_moments msim_moments_look_vector(const msim_time *times, size_t count, msim_time from)
{
    return msim_moments_look_plain(times, count, from);
}

#endif

/* ---- the choice ---- */

bool msim_moments_convert(const unsigned char *from, size_t count, int64_t unit, msim_time *times)
{
    assert(unit > 0 && unit <= MSIM_MOMENTS_UNIT_MAX);
    return msim_unpack_has_vector() ? msim_moments_convert_vector(from, count, unit, times)
                                    : msim_moments_convert_plain(from, count, unit, times);
}

struct msim_moments msim_moments_look(const msim_time *times, size_t count, msim_time from)
{
    assert(count > 0);
    return msim_unpack_has_vector() ? msim_moments_look_vector(times, count, from)
                                    : msim_moments_look_plain(times, count, from);
}
