#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "parquet/snappy.h"

/* Decodes into exactly `length` bytes on the heap, so that one too many is seen. */
static int decode(const void *in, size_t in_length, void *out, size_t length)
{
    unsigned char *copy = malloc(in_length > 0 ? in_length : 1);
    unsigned char *room = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    assert_non_null(room);
    memcpy(copy, in, in_length);
    int r = msim_snappy_decode(copy, in_length, room, length);
    memcpy(out, room, length);
    free(copy);
    free(room);
    return r;
}

static void assert_gives(const void *in, size_t in_length, const char *text)
{
    char out[256];

    assert_int_equal(decode(in, in_length, out, strlen(text)), MSIM_OK);
    assert_memory_equal(out, text, strlen(text));
}

#define GIVES(stream, text) assert_gives(stream, sizeof(stream) - 1, text)
#define REFUSED(stream, length)                                                             \
    do {                                                                                    \
        char out[256];                                                                      \
        assert_int_equal(decode(stream, sizeof(stream) - 1, out, length), MSIM_ERR_FORMAT); \
    } while (0)

static void literals_are_copied(void **state)
{
    (void)state;
    GIVES("\x00", "");
    GIVES("\x03\x08"
          "abc",
          "abc");
    GIVES("\x05\xf0\x04hello", "hello");
    GIVES("\x05\xf4\x04\x00hello", "hello");
    GIVES("\x05\xf8\x04\x00\x00hello", "hello");
    GIVES("\x05\xfc\x04\x00\x00\x00hello", "hello");
}

static void copies_repeat_what_was_written(void **state)
{
    (void)state;
    /* One byte of offset, length 4. */
    GIVES("\x08\x0c"
          "abcd\x01\x04",
          "abcdabcd");
    /* An offset shorter than the length repeats the pattern. */
    GIVES("\x0a\x00z\x15\x01", "zzzzzzzzzz");
    GIVES("\x0a\x04xy\x1e\x02\x00", "xyxyxyxyxy");
    /* Two and four bytes of offset. */
    GIVES("\x06\x08"
          "abc\x0a\x03\x00",
          "abcabc");
    GIVES("\x06\x08"
          "abc\x0b\x03\x00\x00\x00",
          "abcabc");
}

static void a_stream_that_names_what_is_not_there_is_refused(void **state)
{
    (void)state;
    REFUSED("", 0);
    REFUSED("\x80", 0);
    REFUSED("\xff\xff\xff\xff\x7f", 5);
    REFUSED("\x05\x10hello", 4); /* promises more than the page has */
    REFUSED("\x05\x10hell", 5);  /* a literal cut short */
    REFUSED("\x05\x08hel", 5);   /* ends early */
    REFUSED("\x03\x10hello", 3); /* gives too much */
    REFUSED("\x05\xf4\x04", 5);  /* a length cut short */
    REFUSED("\x05\xfc\xff\xff\xff\xffhello", 5);
    REFUSED("\x08\x0c"
            "abcd\x01\x00",
            8); /* offset 0 */
    REFUSED("\x08\x0c"
            "abcd\x01\x05",
            8); /* before the start */
    REFUSED("\x07\x0c"
            "abcd\x01\x04",
            7); /* a copy past the end */
    REFUSED("\x08\x0c"
            "abcd\x01",
            8); /* an offset cut short */
    REFUSED("\x08\x0c"
            "abcd\x0e\x04",
            8);
    REFUSED("\x08\x0c"
            "abcd\x0f\x04\x00\x00",
            8);
}

/* ---- random streams with the output that a plain loop gives ---- */

struct stream {
    unsigned char in[20000];
    size_t in_length;
    unsigned char out[20000];
    size_t out_length;
};

static void put_literal(struct stream *stream, size_t length, uint64_t dice)
{
    if (length <= 60) {
        stream->in[stream->in_length++] = (unsigned char)((length - 1) << 2);
    } else {
        stream->in[stream->in_length++] = 61 << 2;
        stream->in[stream->in_length++] = (unsigned char)(length - 1);
        stream->in[stream->in_length++] = (unsigned char)((length - 1) >> 8);
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)(msim_mix64(dice + i) % 7);
        stream->in[stream->in_length++] = byte;
        stream->out[stream->out_length++] = byte;
    }
}

static void put_copy(struct stream *stream, size_t offset, size_t length, bool wide)
{
    if (length >= 4 && length <= 11 && offset < 2048 && !wide) {
        stream->in[stream->in_length++] =
            (unsigned char)(1 | (length - 4) << 2 | (offset >> 8) << 5);
        stream->in[stream->in_length++] = (unsigned char)offset;
    } else {
        stream->in[stream->in_length++] = (unsigned char)((wide ? 3 : 2) | (length - 1) << 2);
        for (unsigned i = 0; i < (wide ? 4U : 2U); i++)
            stream->in[stream->in_length++] = (unsigned char)(i < 4 ? offset >> (8 * i) : 0);
    }
    for (size_t i = 0; i < length; i++, stream->out_length++)
        stream->out[stream->out_length] = stream->out[stream->out_length - offset];
}

static void make(struct stream *stream, uint64_t seed)
{
    struct stream body = {.in_length = 0};
    size_t pieces = msim_mix64(seed) % 60;

    for (size_t i = 0; i < pieces; i++) {
        uint64_t dice = msim_mix64(seed * 1000 + i);
        if (body.out_length == 0 || dice % 3 == 0) {
            put_literal(&body, 1 + (dice >> 8) % (dice % 2 ? 20 : 150), dice);
        } else {
            uint64_t most = dice % 5 == 0 ? body.out_length : 20;
            size_t offset =
                1 + (size_t)((dice >> 8) % (most < body.out_length ? most : body.out_length));
            put_copy(&body, offset, 1 + (dice >> 32) % 64, dice >> 40 & 1);
        }
    }
    *stream = (struct stream){.in_length = 0};
    size_t length = body.out_length;
    for (; length >= 0x80; length >>= 7)
        stream->in[stream->in_length++] = (unsigned char)(length | 0x80);
    stream->in[stream->in_length++] = (unsigned char)length;
    memcpy(stream->in + stream->in_length, body.in, body.in_length);
    stream->in_length += body.in_length;
    memcpy(stream->out, body.out, body.out_length);
    stream->out_length = body.out_length;
}

static void random_streams_give_what_a_plain_loop_gives(void **state)
{
    static unsigned char out[20000];
    struct stream *stream = malloc(sizeof *stream);

    (void)state;
    assert_non_null(stream);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        make(stream, seed);
        assert_int_equal(decode(stream->in, stream->in_length, out, stream->out_length), MSIM_OK);
        assert_memory_equal(out, stream->out, stream->out_length);
    }
    free(stream);
}

static void damaged_streams_stay_inside_their_bytes(void **state)
{
    static unsigned char out[20000];
    struct stream *stream = malloc(sizeof *stream);

    (void)state;
    assert_non_null(stream);
    for (uint64_t seed = 0; seed < 200; seed++) {
        make(stream, seed);
        for (size_t cut = 0; cut < stream->in_length; cut++)
            assert_int_equal(decode(stream->in, cut, out, stream->out_length), MSIM_ERR_FORMAT);
        for (size_t flip = 0; flip < stream->in_length; flip++) {
            stream->in[flip] ^= (unsigned char)(1U << seed % 8);
            (void)decode(stream->in, stream->in_length, out, stream->out_length);
            stream->in[flip] ^= (unsigned char)(1U << seed % 8);
        }
    }
    free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_copied),
        cmocka_unit_test(copies_repeat_what_was_written),
        cmocka_unit_test(a_stream_that_names_what_is_not_there_is_refused),
        cmocka_unit_test(random_streams_give_what_a_plain_loop_gives),
        cmocka_unit_test(damaged_streams_stay_inside_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
