#include "check.h"

#include <string.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/utf8.h"

static void the_words_are_written_and_the_result_returned(void **state)
{
    struct msim_detail detail = {{0}};

    (void)state;
    assert_int_equal(msim_detail_set(&detail, MSIM_ERR_IO, "port %d is in use", 8765), MSIM_ERR_IO);
    assert_string_equal(detail.text, "port 8765 is in use");
    assert_int_equal(msim_detail_prefix(&detail, MSIM_ERR_LIMIT, "server %s", "a"), MSIM_ERR_LIMIT);
    assert_string_equal(detail.text, "server a: port 8765 is in use");
    assert_int_equal(msim_detail_set(NULL, MSIM_ERR_IO, "%d", 1), MSIM_ERR_IO);
    assert_int_equal(msim_detail_prefix(NULL, MSIM_ERR_IO, "%d", 1), MSIM_ERR_IO);
}

static void a_long_text_is_cut_and_terminated(void **state)
{
    char text[2 * MSIM_DETAIL_SIZE];
    struct msim_detail detail;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < 8; i++) {
        msim_detail_set(&detail, 0, "%s", text + i);
        assert_int_equal(strlen(detail.text), MSIM_DETAIL_SIZE - 1);
    }
    msim_detail_set(&detail, 0, "cause");
    msim_detail_prefix(&detail, 0, "%s", text);
    assert_int_equal(strlen(detail.text), MSIM_DETAIL_SIZE - 1);
    msim_detail_set(&detail, 0, "%s", text);
    msim_detail_prefix(&detail, 0, "file");
    assert_int_equal(strlen(detail.text), MSIM_DETAIL_SIZE - 1);
    assert_memory_equal(detail.text, "file: xxx", 9);
}

static void a_cut_never_leaves_half_a_character(void **state)
{
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    struct msim_detail detail;

    (void)state;
    for (size_t c = 0; c < COUNT(characters); c++) {
        size_t size = strlen(characters[c]);
        for (size_t pad = MSIM_DETAIL_SIZE - 6; pad < MSIM_DETAIL_SIZE; pad++) {
            char text[MSIM_DETAIL_SIZE + 8];
            memset(text, 'x', pad);
            memcpy(text + pad, characters[c], size + 1);
            msim_detail_set(&detail, 0, "%s", text);
            size_t wanted = pad + size < MSIM_DETAIL_SIZE ? pad + size : pad;
            assert_int_equal(strlen(detail.text), wanted);

            memcpy(text, "\xC3\xA9", 2);
            msim_detail_set(&detail, 0, "%s", text + 2);
            msim_detail_prefix(&detail, 0, "\xC3\xA9");
            size_t length = strlen(detail.text);
            assert_int_equal(msim_utf8_span(detail.text, length), length);
            assert_true(length + 4 >= MSIM_DETAIL_SIZE);
        }
    }
}

static void foreign_bytes_cannot_make_another_line(void **state)
{
    struct msim_detail detail;

    (void)state;
    msim_detail_set(&detail, 0, "no file '%s'", "a\nb\r\t\x1B[2J\x7F \xC2\x9B \xFF\xC3 \xC3\xA9");
    assert_string_equal(detail.text, "no file 'a?b???[2J? ?? ?? \xC3\xA9'");
}

struct heard {
    enum msim_log_level level;
    const char *room;
    char text[MSIM_DETAIL_SIZE];
    int lines;
};

static void hear(void *context, enum msim_log_level level, const char *room, const char *text)
{
    struct heard *heard = context;

    heard->level = level;
    heard->room = room;
    heard->lines++;
    strncpy(heard->text, text, sizeof heard->text - 1);
}

static void a_logger_hears_its_level_and_what_is_graver(void **state)
{
    struct heard heard = {0};
    const struct msim_logger given = {hear, &heard, MSIM_LOG_INFO};
    struct msim_logger logger = msim_log_logger(&given);

    (void)state;
    msim_log(&logger, MSIM_LOG_DEBUG, "net", "no");
    assert_int_equal(heard.lines, 0);
    msim_log(&logger, MSIM_LOG_INFO, "net", "client %d", 7);
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.level, MSIM_LOG_INFO);
    assert_string_equal(heard.room, "net");
    assert_string_equal(heard.text, "client 7");
    msim_log(&logger, MSIM_LOG_ERROR, "net", "x");
    assert_int_equal(heard.lines, 2);
}

static void a_missing_logger_is_silent(void **state)
{
    const struct msim_logger empty = {.level = MSIM_LOG_DEBUG};
    struct msim_logger logger = msim_log_logger(NULL);

    (void)state;
    assert_null(logger.write);
    msim_log(&logger, MSIM_LOG_ERROR, "net", "x");
    logger = msim_log_logger(&empty);
    msim_log(&logger, MSIM_LOG_ERROR, "net", "x");
}

static void a_log_line_is_one_line_of_utf8(void **state)
{
    struct heard heard = {0};
    struct msim_logger logger = {hear, &heard, MSIM_LOG_DEBUG};
    char text[2 * MSIM_DETAIL_SIZE];

    (void)state;
    msim_log(&logger, MSIM_LOG_INFO, "net", "peer says %s", "a\nforged\x01\xFF");
    assert_string_equal(heard.text, "peer says a?forged??");
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof text - 2] = '\0';
    msim_log(&logger, MSIM_LOG_INFO, "net", "%s", text);
    assert_int_equal(strlen(heard.text), MSIM_DETAIL_SIZE - 2);
    assert_int_equal(msim_utf8_span(heard.text, MSIM_DETAIL_SIZE - 2), MSIM_DETAIL_SIZE - 2);
}

/* Of every text of up to four bytes' first two and edges: what a plain reading of RFC 3629 says. */
static size_t plain_character(const unsigned char *p, size_t length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = length == 0         ? 0
                  : p[0] < 0x80       ? 1
                  : (p[0] >> 5) == 6  ? 2
                  : (p[0] >> 4) == 14 ? 3
                  : (p[0] >> 3) == 30 ? 4
                                      : 0;
    if (size < 2)
        return size;
    if (length < size)
        return 0;
    uint32_t code = p[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3F);
    }
    if (code < least[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    return size;
}

static void utf8_is_what_its_definition_says(void **state)
{
    static const unsigned char later[] = {0x00, 0x7F, 0x80, 0x8F, 0x90,
                                          0x9F, 0xA0, 0xBF, 0xC0, 0xFF};

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t i = 0; i < COUNT(later) * COUNT(later); i++) {
                const unsigned char text[4] = {(unsigned char)first, (unsigned char)second,
                                               later[i / COUNT(later)], later[i % COUNT(later)]};
                for (size_t length = 0; length <= 4; length++)
                    assert_int_equal(msim_utf8_character(text, length),
                                     plain_character(text, length));
            }
        }
    }
}

static void a_span_ends_at_the_first_bad_byte(void **state)
{
    (void)state;
    for (size_t place = 0; place < 40; place++) {
        char text[40];
        memset(text, 'a', sizeof text);
        text[place] = '\x80';
        assert_int_equal(msim_utf8_span(text, sizeof text), place);
        if (place + 3 <= sizeof text) {
            memcpy(text + place, "\xE2\x82\xAC", 3);
            assert_int_equal(msim_utf8_span(text, sizeof text), sizeof text);
            assert_int_equal(msim_utf8_span(text, place + 2), place);
        }
    }
    assert_int_equal(msim_utf8_span("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_are_written_and_the_result_returned),
        cmocka_unit_test(a_long_text_is_cut_and_terminated),
        cmocka_unit_test(a_cut_never_leaves_half_a_character),
        cmocka_unit_test(foreign_bytes_cannot_make_another_line),
        cmocka_unit_test(a_logger_hears_its_level_and_what_is_graver),
        cmocka_unit_test(a_missing_logger_is_silent),
        cmocka_unit_test(a_log_line_is_one_line_of_utf8),
        cmocka_unit_test(utf8_is_what_its_definition_says),
        cmocka_unit_test(a_span_ends_at_the_first_bad_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
