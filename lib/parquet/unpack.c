#include "parquet/unpack.h"

#include <assert.h>

#include "parquet/bits.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2_CODE 1
#include <immintrin.h>
#else
#define HAVE_AVX2_CODE 0
#endif

/* ---- packed numbers, eight at a time: `width` bytes each time ---- */

static inline __attribute__((always_inline)) void unpack(const unsigned char *in, size_t groups,
                                                         unsigned width, uint32_t *out)
{
    const uint64_t mask = width == 32 ? UINT32_MAX : (UINT64_C(1) << width) - 1;

    for (; groups > 0; groups--, in += width, out += 8) {
        if (width <= 8) {
            uint64_t word = msim_load64(in);
            for (unsigned i = 0; i < 8; i++)
                out[i] = (uint32_t)(word >> (i * width) & mask);
        } else {
            for (unsigned i = 0; i < 8; i++) {
                unsigned bit = i * width;
                out[i] = (uint32_t)(msim_load64(in + bit / 8) >> bit % 8 & mask);
            }
        }
    }
}

/* One copy for each width, so that shifts and masks are constants. */
void msim_unpack_plain(const unsigned char *in, size_t groups, unsigned width, uint32_t *out)
{
#define WIDTH(w)                    \
    case w:                         \
        unpack(in, groups, w, out); \
        return
    switch (width) {
        WIDTH(1);
        WIDTH(2);
        WIDTH(3);
        WIDTH(4);
        WIDTH(5);
        WIDTH(6);
        WIDTH(7);
        WIDTH(8);
        WIDTH(9);
        WIDTH(10);
        WIDTH(11);
        WIDTH(12);
        WIDTH(13);
        WIDTH(14);
        WIDTH(15);
        WIDTH(16);
        WIDTH(17);
        WIDTH(18);
        WIDTH(19);
        WIDTH(20);
    default:
        unpack(in, groups, width, out);
    }
#undef WIDTH
}

uint32_t msim_unpack_largest_plain(const uint32_t *numbers, size_t count)
{
    uint32_t largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = numbers[i] > largest ? numbers[i] : largest;
    return largest;
}

#if HAVE_AVX2_CODE

/* ---- eight numbers in one vector ---- */

bool msim_unpack_has_vector(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

/* Which bytes hold each number, counted from the lane's first, and by how many bits it is off. */
struct lanes {
    unsigned char bytes[32];
    uint32_t shifts[8];
};

/* Number `i` of eight: its byte `k`, as far as a lane's first number begins at its first byte. */
#define BYTE(w, i, k) (i) * (w) / 8 - ((i) < 4 ? 0 : 4 * (w) / 8) + (k)
#define BYTES(w, i) BYTE(w, i, 0), BYTE(w, i, 1), BYTE(w, i, 2), BYTE(w, i, 3)
#define LANES(w)                                                                         \
    {                                                                                    \
        {BYTES(w, 0), BYTES(w, 1), BYTES(w, 2), BYTES(w, 3),                             \
         BYTES(w, 4), BYTES(w, 5), BYTES(w, 6), BYTES(w, 7)},                            \
        {                                                                                \
            0, (w) % 8, 2 * (w) % 8, 3 * (w) % 8, 4 * (w) % 8, 5 * (w) % 8, 6 * (w) % 8, \
                7 * (w) % 8                                                              \
        }                                                                                \
    }

/* By the numbers' width. */
static const struct lanes lanes_of[] = {
    LANES(0),  LANES(1),  LANES(2),  LANES(3),  LANES(4),  LANES(5),  LANES(6),
    LANES(7),  LANES(8),  LANES(9),  LANES(10), LANES(11), LANES(12), LANES(13),
    LANES(14), LANES(15), LANES(16), LANES(17), LANES(18), LANES(19), LANES(20),
    LANES(21), LANES(22), LANES(23), LANES(24), LANES(25),
};

_Static_assert(sizeof lanes_of / sizeof *lanes_of == MSIM_UNPACK_VECTOR_BITS + 1, "every width");

/* A number of up to 25 bits lies in the four bytes from its first one on, whatever its first bit.
 */
__attribute__((target("avx2"))) void msim_unpack_vector(const unsigned char *in, size_t groups,
                                                        unsigned width, uint32_t *out)
{
    if (width > MSIM_UNPACK_VECTOR_BITS) {
        msim_unpack_plain(in, groups, width, out);
        return;
    }
    const struct lanes *lanes = &lanes_of[width];
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)lanes->bytes);
    const __m256i shifts = _mm256_loadu_si256((const __m256i *)(const void *)lanes->shifts);
    const __m256i mask = _mm256_set1_epi32((int)((UINT32_C(1) << width) - 1));
    size_t second = 4 * width / 8;

    for (; groups > 0; groups--, in += width, out += 8) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + second));
        __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        __m256i words = _mm256_shuffle_epi8(both, bytes);
        __m256i numbers = _mm256_and_si256(_mm256_srlv_epi32(words, shifts), mask);
        _mm256_storeu_si256((__m256i *)(void *)out, numbers);
    }
}

__attribute__((target("avx2"))) uint32_t msim_unpack_largest_vector(const uint32_t *numbers,
                                                                    size_t count)
{
    __m256i largest = _mm256_setzero_si256();
    uint32_t each[8];
    size_t i = 0;

    for (; i + 8 <= count; i += 8) {
        __m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(numbers + i));
        largest = _mm256_max_epu32(largest, next);
    }
    _mm256_storeu_si256((__m256i *)(void *)each, largest);
    uint32_t most = msim_unpack_largest_plain(each, 8);
    uint32_t rest = msim_unpack_largest_plain(numbers + i, count - i);
    return rest > most ? rest : most;
}

#else

bool msim_unpack_has_vector(void)
{
    return false;
}

void msim_unpack_vector(const unsigned char *in, size_t groups, unsigned width, uint32_t *out)
{
    msim_unpack_plain(in, groups, width, out);
}

uint32_t msim_unpack_largest_vector(const uint32_t *numbers, size_t count)
{
    return msim_unpack_largest_plain(numbers, count);
}

#endif

/* ---- the choice ---- */

void msim_unpack(const unsigned char *in, size_t groups, unsigned width, uint32_t *out)
{
    assert(width >= 1 && width <= 32);
    if (groups > 1 && msim_unpack_has_vector())
        msim_unpack_vector(in, groups, width, out);
    else
        msim_unpack_plain(in, groups, width, out);
}

uint32_t msim_unpack_largest(const uint32_t *numbers, size_t count)
{
    return msim_unpack_has_vector() ? msim_unpack_largest_vector(numbers, count)
                                    : msim_unpack_largest_plain(numbers, count);
}
