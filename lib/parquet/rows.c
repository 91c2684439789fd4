#include "parquet/rows.h"

#include <stddef.h>
#include <string.h>

#include "parquet/unpack.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2_CODE 1
#include <immintrin.h>
#else
#define HAVE_AVX2_CODE 0
#endif

/* ---- one after another ---- */

void msim_rows_write_plain(const struct msim_rows *rows, size_t from, size_t count,
                           struct msim_record *records)
{
    for (size_t i = from; i < count; i++) {
        struct msim_record *record = &records[i];
        record->time = rows->times[i];
        record->sequence = rows->sequence + i;
        record->symbol = rows->symbols[i];
        record->kind = MSIM_RECORD_TRADE;
        record->flags = rows->flags[i];
        record->price_exponent =
            rows->price_exponents ? rows->price_exponents[i] : rows->price_exponent;
        record->quantity_exponent =
            rows->quantity_exponents ? rows->quantity_exponents[i] : rows->quantity_exponent;
        record->as.trade = (struct msim_trade_data){
            .price = rows->prices[i],
            .quantity = rows->quantities[i],
            .row = rows->first_row + (rows->places ? rows->places[i] : i),
        };
    }
}

#if HAVE_AVX2_CODE

/* ---- four at a time ---- */

/* A record is eight words: time, sequence, what it is, price | quantity, row, two of nothing. */
_Static_assert(offsetof(struct msim_record, time) == 0, "word 0");
_Static_assert(offsetof(struct msim_record, sequence) == 8, "word 1");
_Static_assert(offsetof(struct msim_record, symbol) == 16, "word 2");
_Static_assert(offsetof(struct msim_record, kind) == 20, "bits 32 on");
_Static_assert(offsetof(struct msim_record, flags) == 21, "bits 40 on");
_Static_assert(offsetof(struct msim_record, price_exponent) == 22, "bits 48 on");
_Static_assert(offsetof(struct msim_record, quantity_exponent) == 23, "bits 56 on");
_Static_assert(offsetof(struct msim_record, as.trade.price) == 24, "word 3");
_Static_assert(offsetof(struct msim_record, as.trade.quantity) == 32, "word 4");
_Static_assert(offsetof(struct msim_record, as.trade.row) == 40, "word 5");
_Static_assert(offsetof(struct msim_record, as.trade.id) == 48, "word 6");
_Static_assert(sizeof(struct msim_record) == 64, "eight words");

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2")))

AVX2_INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* Four bytes, one to a word. */
AVX2_INLINE __m256i load_bytes(const void *from)
{
    int four;

    memcpy(&four, from, sizeof four);
    return _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
}

/* What four records are: symbols, kind, flags and exponents. */
AVX2_INLINE __m256i head(const struct msim_rows *rows, size_t i, __m256i same)
{
    __m128i symbols = _mm_loadu_si128((const __m128i *)(const void *)(rows->symbols + i));
    __m256i words = _mm256_or_si256(same, _mm256_cvtepu32_epi64(symbols));

    words = _mm256_or_si256(words, _mm256_slli_epi64(load_bytes(rows->flags + i), 40));
    if (rows->price_exponents)
        words =
            _mm256_or_si256(words, _mm256_slli_epi64(load_bytes(rows->price_exponents + i), 48));
    if (rows->quantity_exponents)
        words =
            _mm256_or_si256(words, _mm256_slli_epi64(load_bytes(rows->quantity_exponents + i), 56));
    return words;
}

/* Two vectors for each record. */
AVX2_INLINE void put(struct msim_record *record, __m256i first, __m256i second)
{
    __m256i *to = (__m256i *)(void *)record;

    _mm256_storeu_si256(to, first);
    _mm256_storeu_si256(to + 1, second);
}

AVX2 void msim_rows_write_vector(const struct msim_rows *rows, size_t count,
                                 struct msim_record *records)
{
    uint64_t kind = (uint64_t)MSIM_RECORD_TRADE << 32;
    uint64_t prices = rows->price_exponents ? 0 : (uint64_t)(uint8_t)rows->price_exponent << 48;
    uint64_t quantities =
        rows->quantity_exponents ? 0 : (uint64_t)(uint8_t)rows->quantity_exponent << 56;
    const __m256i same = _mm256_set1_epi64x((long long)(kind | prices | quantities));
    const __m256i four = _mm256_set1_epi64x(4);
    const __m256i first_row = _mm256_set1_epi64x((long long)rows->first_row);
    const __m256i steps = _mm256_setr_epi64x(0, 1, 2, 3);
    __m256i sequence = _mm256_add_epi64(_mm256_set1_epi64x((long long)rows->sequence), steps);
    __m256i row = _mm256_add_epi64(first_row, steps);
    size_t i = 0;

    for (; i + 4 <= count; i += 4) {
        __m256i times = load(rows->times + i);
        __m256i heads = head(rows, i, same);
        __m256i price = load(rows->prices + i);
        __m256i quantity = load(rows->quantities + i);
        if (rows->places) {
            __m128i places = _mm_loadu_si128((const __m128i *)(const void *)(rows->places + i));
            row = _mm256_add_epi64(first_row, _mm256_cvtepu32_epi64(places));
        }
        /* Rows 0 and 2, rows 1 and 3. */
        __m256i even = _mm256_unpacklo_epi64(times, sequence);
        __m256i odd = _mm256_unpackhi_epi64(times, sequence);
        __m256i even_rest = _mm256_unpacklo_epi64(heads, price);
        __m256i odd_rest = _mm256_unpackhi_epi64(heads, price);
        __m256i even_end = _mm256_unpacklo_epi64(quantity, row);
        __m256i odd_end = _mm256_unpackhi_epi64(quantity, row);
        const __m256i zero = _mm256_setzero_si256();
        put(&records[i], _mm256_permute2x128_si256(even, even_rest, 0x20),
            _mm256_permute2x128_si256(even_end, zero, 0x20));
        put(&records[i + 1], _mm256_permute2x128_si256(odd, odd_rest, 0x20),
            _mm256_permute2x128_si256(odd_end, zero, 0x20));
        put(&records[i + 2], _mm256_permute2x128_si256(even, even_rest, 0x31),
            _mm256_permute2x128_si256(even_end, zero, 0x31));
        put(&records[i + 3], _mm256_permute2x128_si256(odd, odd_rest, 0x31),
            _mm256_permute2x128_si256(odd_end, zero, 0x31));
        sequence = _mm256_add_epi64(sequence, four);
        row = _mm256_add_epi64(row, four);
    }
    msim_rows_write_plain(rows, i, count, records);
}

#else

void msim_rows_write_vector(const struct msim_rows *rows, size_t count, struct msim_record *records)
{
    msim_rows_write_plain(rows, 0, count, records);
}

#endif

void msim_rows_write(const struct msim_rows *rows, size_t count, struct msim_record *records)
{
    if (msim_unpack_has_vector())
        msim_rows_write_vector(rows, count, records);
    else
        msim_rows_write_plain(rows, 0, count, records);
}
