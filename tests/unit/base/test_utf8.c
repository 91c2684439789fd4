#include "check.h"

#include <string.h>

#include "base/random.h"
#include "base/utf8.h"

/* By the definition: decode, then look whether that is how the character is written. */
static bool naive(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        unsigned first = bytes[i];
        size_t size = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (size == 0 || first >= 0xF8 || length - i < size)
            return false;
        uint32_t character = size == 1 ? first : first & (0x7Fu >> size);
        for (size_t k = 1; k < size; k++) {
            if ((bytes[i + k] & 0xC0) != 0x80)
                return false;
            character = character << 6 | (bytes[i + k] & 0x3Fu);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (character < least[size] || character > 0x10FFFF ||
            (character >= 0xD800 && character <= 0xDFFF))
            return false;
        i += size;
    }
    return true;
}

static bool in_two(const unsigned char *bytes, size_t length, size_t cut)
{
    struct msim_utf8 state = {0};

    return msim_utf8_check(&state, bytes, cut) &&
           msim_utf8_check(&state, bytes + cut, length - cut) && msim_utf8_ended(&state);
}

static void check_all_cuts(const unsigned char *bytes, size_t length)
{
    bool expected = naive(bytes, length);

    assert_int_equal(msim_utf8_valid(bytes, length), expected);
    for (size_t cut = 0; cut <= length; cut++)
        assert_int_equal(in_two(bytes, length, cut), expected);
}

static void every_pair_of_bytes_and_their_neighbours_agrees_with_the_definition(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            unsigned char bytes[4] = {(unsigned char)first, (unsigned char)second, 0x80, 0x80};
            for (size_t length = 1; length <= 4; length++)
                assert_int_equal(msim_utf8_valid(bytes, length), naive(bytes, length));
        }
    }
}

static void random_texts_agree_with_the_definition_wherever_they_are_cut(void **state)
{
    /* What is at the edges of the table, mixed with ASCII. */
    static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                          0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                          0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
    unsigned char bytes[40];

    (void)state;
    for (uint64_t round = 0; round < 20000; round++) {
        size_t length = msim_mix64(round) % (sizeof bytes + 1);
        for (size_t i = 0; i < length; i++) {
            uint64_t roll = msim_mix64(round * 64 + i + 1);
            bytes[i] =
                roll % 3 ? edges[roll / 3 % sizeof edges] : (unsigned char)(roll >> 8 & 0x7F);
        }
        check_all_cuts(bytes, length);
    }
}

static void every_character_is_valid_wherever_it_is_cut(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
        unsigned char bytes[4];
        size_t length;
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        if (c < 0x800) {
            bytes[0] = (unsigned char)(0xC0 | c >> 6);
            length = 2;
        } else if (c < 0x10000) {
            bytes[0] = (unsigned char)(0xE0 | c >> 12);
            length = 3;
        } else {
            bytes[0] = (unsigned char)(0xF0 | c >> 18);
            length = 4;
        }
        for (size_t k = 1; k < length; k++)
            bytes[k] = (unsigned char)(0x80 | (c >> 6 * (length - 1 - k) & 0x3F));
        assert_true(naive(bytes, length));
        for (size_t cut = 0; cut <= length; cut++)
            assert_true(in_two(bytes, length, cut));
        assert_false(msim_utf8_valid(bytes, length - 1));
    }
}

static void a_wrong_byte_is_found_before_the_text_ends(void **state)
{
    struct msim_utf8 text = {0};

    (void)state;
    assert_true(msim_utf8_check(&text, (const unsigned char *)"\xCE\xBA\xE1\xBD", 4));
    assert_false(msim_utf8_ended(&text));
    assert_false(msim_utf8_check(&text, (const unsigned char *)"\xF4", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_bytes_and_their_neighbours_agrees_with_the_definition),
        cmocka_unit_test(random_texts_agree_with_the_definition_wherever_they_are_cut),
        cmocka_unit_test(every_character_is_valid_wherever_it_is_cut),
        cmocka_unit_test(a_wrong_byte_is_found_before_the_text_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
