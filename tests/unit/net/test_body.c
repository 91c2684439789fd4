#include "check.h"

#include <string.h>

#include "net/body.h"

/*
 * The body's bytes in `out`, fed in steps; returns what lies behind the body, -1 for bytes
 * that break it, -2 where it does not end.
 */
static int collect(struct msim_body body, const char *text, size_t length, size_t step, char *out)
{
    size_t at = 0;
    size_t written = 0;

    while (at < length && !msim_body_ended(&body)) {
        size_t end = length - at < step ? length : at + step;
        const unsigned char *piece;
        size_t piece_length;
        int64_t taken = msim_body_next(&body, (const unsigned char *)text + at, end - at, &piece,
                                       &piece_length);
        if (taken < 0)
            return -1;
        assert_true(taken > 0 && (size_t)taken <= end - at);
        if (piece)
            memcpy(out + written, piece, piece_length);
        written += piece_length;
        at += (size_t)taken;
    }
    out[written] = '\0';
    return msim_body_ended(&body) ? (int)(length - at) : -2;
}

static int collect_chunks(const char *text, size_t step, char *out)
{
    struct msim_body body;

    msim_body_in_chunks(&body);
    return collect(body, text, strlen(text), step, out);
}

static void chunks_are_put_together_however_they_come(void **state)
{
    static const struct {
        const char *text;
        const char *body;
        int behind;
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"5\r\nhello\r\n0\r\n\r\nGET", "hello", 3},
        {"5\r\nhello\r\n006\r\n world\r\n000\r\n\r\n", "hello world", 0},
        {"a;name=value;other=\"x\"\r\n0123456789\r\n0;last\r\n\r\n", "0123456789", 0},
        {"A \t\r\n0123456789\r\n0\r\nTrailer: left aside\r\nAnother: one\r\n\r\n", "0123456789", 0},
        {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].text); step++) {
            assert_int_equal(collect_chunks(cases[i].text, step, out), cases[i].behind);
            assert_string_equal(out, cases[i].body);
        }
    }
}

static void what_is_no_chunk_is_refused(void **state)
{
    static const char *const texts[] = {
        "\r\n",
        ";x\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        "1\nx",
        "1\rx",
        "1\r\nxy",
        "1\r\nx\n",
        "1\r\nx\rx",
        "1111111111111111\r\n",
        "1;\x01\r\n",
        "1;a\nb\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: \x01\r\n\r\n",
        "0\r\n\rx",
        "0\r\n\n",
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t step = 1; step <= strlen(texts[i]); step++)
            if (collect_chunks(texts[i], step, out) != -1)
                fail_msg("case %zu in steps of %zu was taken for a body", i, step);
}

static void sizes_and_trailers_have_an_end(void **state)
{
    char text[MSIM_TRAILER_MAX + 64];
    char out[64];

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "1;", 2);
    text[MSIM_CHUNK_LINE_MAX] = '\0';
    assert_int_equal(collect_chunks(text, 7, out), -2);
    text[MSIM_CHUNK_LINE_MAX] = 'x';
    text[MSIM_CHUNK_LINE_MAX + 1] = '\0';
    assert_int_equal(collect_chunks(text, 7, out), -1);

    memset(text, 'x', sizeof text);
    memcpy(text, "0\r\n", 3);
    text[3 + MSIM_TRAILER_MAX] = '\0';
    assert_int_equal(collect_chunks(text, 100, out), -2);
    text[3 + MSIM_TRAILER_MAX] = 'x';
    text[3 + MSIM_TRAILER_MAX + 1] = '\0';
    assert_int_equal(collect_chunks(text, 100, out), -1);
}

static void a_body_by_length_ends_there(void **state)
{
    struct msim_body body;
    char out[64];

    (void)state;
    for (size_t step = 1; step <= 8; step++) {
        msim_body_by_length(&body, 5);
        assert_int_equal(collect(body, "helloGET", 8, step, out), 3);
        assert_string_equal(out, "hello");
        assert_int_equal(collect(body, "hell", 4, step, out), -2);
    }
    msim_body_by_length(&body, 0);
    assert_true(msim_body_ended(&body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_put_together_however_they_come),
        cmocka_unit_test(what_is_no_chunk_is_refused),
        cmocka_unit_test(sizes_and_trailers_have_an_end),
        cmocka_unit_test(a_body_by_length_ends_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
