#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/ws.h"

/*
 * A conformance list for the receiving side: frames on the left, what becomes of them on
 * the right.  Each case runs in both roles, in one piece, byte by byte, and cut in two at
 * every place.
 */
#define MAX_MESSAGE 70000

struct piece {
    unsigned first; /* FIN, RSV and opcode; 0 with no payload ends the list */
    const char *payload;
    int length; /* 0: strlen(payload) */
};

#define END 0x100
#define FIN 0x80
#define TEXT 1
#define BINARY 2
#define MORE 0
#define CLOSE (FIN | 8)
#define PING (FIN | 9)
#define PONG (FIN | 10)

struct outcome {
    char text[1024];
    const struct msim_ws *ws;
};

static void note(struct outcome *outcome, const char *word, const unsigned char *bytes,
                 size_t length)
{
    size_t at = strlen(outcome->text);

    if (length > 40)
        snprintf(outcome->text + at, sizeof outcome->text - at, "%s(%zu bytes) ", word, length);
    else
        snprintf(outcome->text + at, sizeof outcome->text - at, "%s(%.*s) ", word, (int)length,
                 length > 0 ? (const char *)bytes : "");
}

static bool on_message(void *context, enum msim_message_kind kind, const unsigned char *bytes,
                       size_t length)
{
    note(context, kind == MSIM_MESSAGE_TEXT ? "text" : "binary", bytes, length);
    return true;
}

static bool on_control(void *context, enum msim_opcode opcode, const unsigned char *bytes,
                       size_t length)
{
    struct outcome *outcome = context;
    size_t at = strlen(outcome->text);
    struct msim_ws_fault fault;
    struct msim_ws_close close;

    if (opcode != MSIM_OPCODE_CLOSE) {
        note(outcome, opcode == MSIM_OPCODE_PING ? "ping" : "pong", bytes, length);
        return true;
    }
    if (msim_ws_read_close(&close, bytes, length, &fault) < 0)
        snprintf(outcome->text + at, sizeof outcome->text - at, "bad close %d", fault.code);
    else
        snprintf(outcome->text + at, sizeof outcome->text - at, "close %d '%.*s'", close.code,
                 (int)close.reason_length,
                 close.reason_length > 0 ? (const char *)close.reason : "");
    return false;
}

/* ---- making frames ---- */

static size_t put_frame(unsigned char *out, unsigned first, const void *payload, size_t length,
                        bool masked)
{
    static const unsigned char key[4] = {0x37, 0xFA, 0x21, 0x3D};
    size_t size = msim_frame_write_head(out, MSIM_OPCODE_TEXT, length);

    out[0] = (unsigned char)first;
    if (masked) {
        out[1] |= 0x80;
        memcpy(out + size, key, sizeof key);
        size += sizeof key;
    }
    for (size_t i = 0; i < length; i++)
        out[size + i] =
            (unsigned char)(((const unsigned char *)payload)[i] ^ (masked ? key[i % 4] : 0));
    return size + length;
}

static size_t put_pieces(unsigned char *out, const struct piece *pieces, bool masked)
{
    size_t size = 0;

    for (; pieces->first != END; pieces++) {
        size_t length = pieces->length > 0 ? (size_t)pieces->length
                        : pieces->payload  ? strlen(pieces->payload)
                                           : 0;
        size += put_frame(out + size, pieces->first, pieces->payload, length, masked);
    }
    return size;
}

/* ---- feeding them ---- */

/* In pieces that begin at 0, at `cut`, and then every `step` bytes. */
static void feed(struct outcome *outcome, enum msim_ws_role role, const unsigned char *bytes,
                 size_t length, size_t cut, size_t step)
{
    const struct msim_ws_sink sink = {on_message, on_control, outcome, MAX_MESSAGE};
    enum msim_ws_outcome result = MSIM_WS_MORE;
    struct msim_framer_pool pool;
    struct msim_ws_fault fault;

    msim_framer_pool_init(&pool, NULL);
    struct msim_ws ws = {.pool = &pool, .role = (uint8_t)role};
    outcome->text[0] = '\0';
    for (size_t at = 0; at < length && result == MSIM_WS_MORE;) {
        size_t size = at == 0 && cut > 0 ? cut : step;
        if (size > length - at)
            size = length - at;
        /* A copy of just this size: a read beyond it must be seen by ASan. */
        unsigned char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes + at, size);
        result = msim_ws_feed(&ws, &sink, copy, size, &fault);
        free(copy);
        at += size;
    }
    size_t end = strlen(outcome->text);
    if (result == MSIM_WS_FAULT)
        snprintf(outcome->text + end, sizeof outcome->text - end, "fault %d", fault.code);
    else if (result == MSIM_WS_MORE && !ws.framer && !ws.message && ws.head_length == 0)
        snprintf(outcome->text + end, sizeof outcome->text - end, ".");
    else if (result == MSIM_WS_MORE)
        snprintf(outcome->text + end, sizeof outcome->text - end, "...");
    msim_ws_finish(&ws);
    msim_framer_pool_finish(&pool);
}

static void assert_outcome(enum msim_ws_role role, const unsigned char *bytes, size_t length,
                           size_t cut, size_t step, const char *expected, size_t number)
{
    struct outcome outcome;

    feed(&outcome, role, bytes, length, cut, step);
    if (strcmp(outcome.text, expected) != 0)
        fail_msg("case %zu, role %d, cut %zu, step %zu: '%s', not '%s'", number, role, cut, step,
                 outcome.text, expected);
}

static void check_all_ways(enum msim_ws_role role, const unsigned char *bytes, size_t length,
                           const char *expected, size_t number)
{
    assert_outcome(role, bytes, length, 0, length, expected, number);
    assert_outcome(role, bytes, length, 0, 1, expected, number);
    for (size_t cut = 1; cut < length; cut++)
        assert_outcome(role, bytes, length, cut, length, expected, number);
}

/* ---- the list ---- */

#define PAYLOAD_125                                                          \
    "0123456789012345678901234567890123456789012345678901234567890123456789" \
    "0123456789012345678901234567890123456789012345678901234"

static const struct {
    struct piece pieces[8];
    const char *expected;
} cases[] = {
    /* messages and their lengths */
    {{{FIN | TEXT, "hello", 0}, {END, 0, 0}}, "text(hello) ."},
    {{{FIN | TEXT, "", 0}, {END, 0, 0}}, "text() ."},
    {{{FIN | BINARY, "", 0}, {END, 0, 0}}, "binary() ."},
    {{{FIN | BINARY, "\0\xFF", 2}, {FIN | TEXT, "a", 0}, {END, 0, 0}}, "binary() text(a) ."},
    {{{FIN | TEXT, PAYLOAD_125, 0}, {END, 0, 0}}, "text(125 bytes) ."},
    {{{FIN | TEXT, PAYLOAD_125 "1", 0}, {END, 0, 0}}, "text(126 bytes) ."},
    {{{FIN | TEXT, PAYLOAD_125 "12", 0}, {END, 0, 0}}, "text(127 bytes) ."},
    {{{FIN | TEXT, PAYLOAD_125 "123", 0}, {END, 0, 0}}, "text(128 bytes) ."},
    /* fragments */
    {{{TEXT, "a", 0}, {FIN | MORE, "b", 0}, {END, 0, 0}}, "text(ab) ."},
    {{{TEXT, "", 0}, {MORE, "", 0}, {FIN | MORE, "", 0}, {END, 0, 0}}, "text() ."},
    {{{TEXT, "", 0}, {MORE, "x", 0}, {FIN | MORE, "", 0}, {END, 0, 0}}, "text(x) ."},
    {{{BINARY, "a", 0}, {MORE, "b", 0}, {FIN | MORE, "c", 0}, {FIN | TEXT, "d", 0}, {END, 0, 0}},
     "binary(abc) text(d) ."},
    {{{TEXT, "a", 0}, {PING, "p", 0}, {FIN | MORE, "b", 0}, {PONG, "q", 0}, {END, 0, 0}},
     "ping(p) text(ab) pong(q) ."},
    {{{TEXT, "a", 0},
      {PING, "", 0},
      {MORE, "b", 0},
      {PING, PAYLOAD_125, 0},
      {FIN | MORE, "c", 0},
      {END, 0, 0}},
     "ping() ping(125 bytes) text(abc) ."},
    {{{TEXT, "a", 0}, {END, 0, 0}}, "..."},
    {{{TEXT, "a", 0}, {CLOSE, "\x03\xE8", 0}, {END, 0, 0}}, "close 1000 ''"},
    {{{FIN | MORE, "a", 0}, {END, 0, 0}}, "fault 1002"},
    {{{MORE, "a", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | TEXT, "a", 0}, {FIN | MORE, "b", 0}, {END, 0, 0}}, "text(a) fault 1002"},
    {{{TEXT, "a", 0}, {FIN | TEXT, "b", 0}, {END, 0, 0}}, "fault 1002"},
    {{{TEXT, "a", 0}, {BINARY, "b", 0}, {END, 0, 0}}, "fault 1002"},
    {{{TEXT, "a", 0}, {FIN | MORE, "b", 0}, {FIN | MORE, "c", 0}, {END, 0, 0}},
     "text(ab) fault 1002"},
    /* control frames */
    {{{PING, "", 0}, {PING, PAYLOAD_125, 0}, {PONG, "", 0}, {PONG, "x", 0}, {END, 0, 0}},
     "ping() ping(125 bytes) pong() pong(x) ."},
    {{{PING, PAYLOAD_125 "1", 0}, {END, 0, 0}}, "fault 1002"},
    {{{PONG, PAYLOAD_125 "1", 0}, {END, 0, 0}}, "fault 1002"},
    {{{CLOSE, PAYLOAD_125 "1", 0}, {END, 0, 0}}, "fault 1002"},
    {{{9, "p", 0}, {FIN | MORE, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{8, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{10, "", 0}, {END, 0, 0}}, "fault 1002"},
    /* reserved bits and opcodes */
    {{{FIN | 0x40 | TEXT, "a", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 0x20 | BINARY, "a", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 0x10 | TEXT, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 0x70 | 9, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 0x40 | 8, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{TEXT, "a", 0}, {FIN | 0x40 | MORE, "b", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 3, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 4, "x", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 5, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{6, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 7, "x", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 11, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 12, "x", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 13, "", 0}, {END, 0, 0}}, "fault 1002"},
    {{{FIN | 14, "x", 0}, {END, 0, 0}}, "fault 1002"},
    {{{15, "", 0}, {END, 0, 0}}, "fault 1002"},
    /* UTF-8 */
    {{{FIN | TEXT, "\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x92\xB9", 0}, {END, 0, 0}},
     "text(\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x92\xB9) ."},
    {{{TEXT, "\xCE", 0},
      {MORE, "\xBA\xE1", 0},
      {MORE, "\xBD", 0},
      {FIN | MORE, "\xB9", 0},
      {END, 0, 0}},
     "text(\xCE\xBA\xE1\xBD\xB9) ."},
    {{{TEXT, "\xF0\x9F", 0}, {PING, "\xFF", 0}, {FIN | MORE, "\x92\xB9", 0}, {END, 0, 0}},
     "ping(\xFF) text(\xF0\x9F\x92\xB9) ."},
    {{{FIN | TEXT, "\xCE", 0}, {END, 0, 0}}, "fault 1007"},
    {{{FIN | TEXT, "a\xC0\x80", 0}, {END, 0, 0}}, "fault 1007"},
    {{{FIN | TEXT, "\xED\xA0\x80", 0}, {END, 0, 0}}, "fault 1007"},
    {{{FIN | TEXT, "\xF4\x90\x80\x80", 0}, {END, 0, 0}}, "fault 1007"},
    {{{TEXT, "\xCE\xBA", 0}, {MORE, "\xFF", 0}, {END, 0, 0}}, "fault 1007"},
    {{{TEXT, "\xCE", 0}, {FIN | MORE, "", 0}, {END, 0, 0}}, "fault 1007"},
    {{{TEXT, "\xCE", 0}, {FIN | MORE, "a", 0}, {END, 0, 0}}, "fault 1007"},
    {{{FIN | BINARY, "\xFF\xFE", 0}, {END, 0, 0}}, "binary(\xFF\xFE) ."},
    /* close */
    {{{CLOSE, "", 0}, {END, 0, 0}}, "close 1005 ''"},
    {{{CLOSE, "", 0}, {FIN | TEXT, "late", 0}, {END, 0, 0}}, "close 1005 ''"},
    {{{CLOSE, "\x03\xE8good bye", 0}, {END, 0, 0}}, "close 1000 'good bye'"},
    {{{CLOSE, "\x13\x87", 0}, {END, 0, 0}}, "close 4999 ''"},
    {{{CLOSE, "\x03", 0}, {END, 0, 0}}, "bad close 1002"},
    {{{CLOSE, "\x03\xE8\xFF", 0}, {END, 0, 0}}, "bad close 1007"},
    {{{CLOSE, "\x03\xE8\xCE", 0}, {END, 0, 0}}, "bad close 1007"},
};

static void the_list_holds_in_both_roles_however_the_bytes_come(void **state)
{
    unsigned char bytes[2048];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t length = put_pieces(bytes, cases[i].pieces, true);
        check_all_ways(MSIM_WS_SERVER, bytes, length, cases[i].expected, i);
        length = put_pieces(bytes, cases[i].pieces, false);
        check_all_ways(MSIM_WS_CLIENT, bytes, length, cases[i].expected, i);
    }
}

static void the_mask_must_be_there_for_a_server_and_not_for_a_client(void **state)
{
    static const struct piece pieces[] = {{FIN | TEXT, "a", 0}, {END, 0, 0}};
    static const struct piece empty[] = {{PING, "", 0}, {END, 0, 0}};
    unsigned char bytes[64];

    (void)state;
    check_all_ways(MSIM_WS_SERVER, bytes, put_pieces(bytes, pieces, false), "fault 1002", 0);
    check_all_ways(MSIM_WS_SERVER, bytes, put_pieces(bytes, empty, false), "fault 1002", 1);
    check_all_ways(MSIM_WS_CLIENT, bytes, put_pieces(bytes, pieces, true), "fault 1002", 2);
    check_all_ways(MSIM_WS_CLIENT, bytes, put_pieces(bytes, empty, true), "fault 1002", 3);
}

static void every_close_code_is_judged_as_the_rfc_says(void **state)
{
    unsigned char bytes[16];

    (void)state;
    for (unsigned code = 0; code <= 0xFFFF; code++) {
        bool good = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                    (code >= 3000 && code <= 4999);
        unsigned char payload[2] = {(unsigned char)(code >> 8), (unsigned char)code};
        char expected[32];
        size_t length = put_frame(bytes, CLOSE, payload, 2, true);
        if (good)
            snprintf(expected, sizeof expected, "close %u ''", code);
        else
            snprintf(expected, sizeof expected, "bad close 1002");
        assert_outcome(MSIM_WS_SERVER, bytes, length, 0, length, expected, code);
    }
}

static void a_length_must_be_in_its_shortest_form(void **state)
{
    static const unsigned char longer[][10] = {
        {0x82, 126, 0, 125},
        {0x82, 126, 0, 0},
        {0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF},
        {0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1},
        {0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(longer); i++)
        check_all_ways(MSIM_WS_CLIENT, longer[i], longer[i][1] == 126 ? 4 : 10, "fault 1002", i);
}

static void a_message_too_large_is_refused_by_its_head_alone(void **state)
{
    static const unsigned char giant[] = {0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF,
                                          0xFF, 0xFF, 0xFF, 1,    2,    3,    4};
    unsigned char *bytes = calloc(1, MAX_MESSAGE + 64);

    (void)state;
    assert_non_null(bytes);
    check_all_ways(MSIM_WS_SERVER, giant, sizeof giant, "fault 1009", 0);

    unsigned char *payload = malloc(MAX_MESSAGE + 1);
    assert_non_null(payload);
    memset(payload, 'x', MAX_MESSAGE + 1);
    size_t length = put_frame(bytes, FIN | TEXT, payload, MAX_MESSAGE, true);
    assert_outcome(MSIM_WS_SERVER, bytes, length, 0, length, "text(70000 bytes) .", 1);
    assert_outcome(MSIM_WS_SERVER, bytes, length, 5, 4097, "text(70000 bytes) .", 1);
    length = put_frame(bytes, FIN | TEXT, payload, MAX_MESSAGE + 1, true);
    assert_outcome(MSIM_WS_SERVER, bytes, 14, 0, 14, "fault 1009", 2);

    /* The bound is on all fragments together. */
    length = put_frame(bytes, TEXT, payload, MAX_MESSAGE - 1, true);
    size_t first = length;
    length += put_frame(bytes + first, FIN | MORE, payload, 1, true);
    assert_outcome(MSIM_WS_SERVER, bytes, length, 0, length, "text(70000 bytes) .", 3);
    length = first + put_frame(bytes + first, FIN | MORE, payload, 2, true);
    assert_outcome(MSIM_WS_SERVER, bytes, length, 0, length, "fault 1009", 4);
    free(payload);
    free(bytes);
}

static void text_is_refused_at_the_first_wrong_byte_not_at_the_messages_end(void **state)
{
    static const struct piece pieces[] = {{FIN | TEXT,
                                           "abc\xFF"
                                           "defghijklmnop",
                                           0},
                                          {END, 0, 0}};
    unsigned char bytes[64];

    (void)state;
    put_pieces(bytes, pieces, true);
    /* Head and mask are 6 bytes; the wrong byte is the fourth after them. */
    assert_outcome(MSIM_WS_SERVER, bytes, 9, 0, 9, "...", 0);
    assert_outcome(MSIM_WS_SERVER, bytes, 10, 0, 10, "fault 1007", 0);
}

static void a_connection_at_rest_borrows_nothing(void **state)
{
    const struct msim_ws_sink sink = {on_message, on_control, NULL, MAX_MESSAGE};
    struct msim_framer_pool pool;
    struct msim_ws_fault fault;
    struct outcome outcome = {.text = ""};
    unsigned char bytes[512];
    struct msim_ws_sink counting = sink;

    (void)state;
    counting.context = &outcome;
    msim_framer_pool_init(&pool, NULL);
    struct msim_ws ws = {.pool = &pool, .role = MSIM_WS_CLIENT};
    size_t length = put_frame(bytes, FIN | TEXT, PAYLOAD_125, 125, false);
    assert_int_equal(msim_ws_feed(&ws, &counting, bytes, length, &fault), MSIM_WS_MORE);
    assert_null(ws.framer);
    assert_int_equal(pool.spare_count, 0); /* a whole frame never borrowed one */

    put_frame(bytes, FIN | TEXT, PAYLOAD_125, 125, false);
    assert_int_equal(msim_ws_feed(&ws, &counting, bytes, 50, &fault), MSIM_WS_MORE);
    assert_non_null(ws.framer);
    assert_int_equal(msim_ws_feed(&ws, &counting, bytes + 50, length - 50, &fault), MSIM_WS_MORE);
    assert_null(ws.framer);
    assert_null(ws.message);
    assert_int_equal(pool.spare_count, 1);
    assert_string_equal(outcome.text, "text(125 bytes) text(125 bytes) ");
    msim_ws_finish(&ws);
    msim_framer_pool_finish(&pool);
}

static void what_a_client_masks_its_server_reads(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 4095, 4096, 4097, 65535, 65536};
    static const uint8_t key[4] = {1, 0xFF, 0x80, 7};
    unsigned char *out = malloc(65536 + MSIM_FRAME_HEAD_MAX);
    char *payload = malloc(65536);
    struct msim_framer_pool pool;

    (void)state;
    assert_true(out && payload);
    memset(payload, 'm', 65536);
    msim_framer_pool_init(&pool, NULL);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char expected[64];
        int64_t size = msim_framer_mask(&pool, out, MSIM_OPCODE_BINARY, payload, lengths[i], key);
        assert_true(size > (int64_t)lengths[i]);
        if (lengths[i] > 40)
            snprintf(expected, sizeof expected, "binary(%zu bytes) .", lengths[i]);
        else
            snprintf(expected, sizeof expected, "binary(%.*s) .", (int)lengths[i], payload);
        assert_outcome(MSIM_WS_SERVER, out, (size_t)size, 0, (size_t)size, expected, i);
        assert_outcome(MSIM_WS_SERVER, out, (size_t)size, 3, 1000, expected, i);
    }
    assert_int_equal(pool.spare_count, 1);
    msim_framer_pool_finish(&pool);
    free(payload);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_holds_in_both_roles_however_the_bytes_come),
        cmocka_unit_test(the_mask_must_be_there_for_a_server_and_not_for_a_client),
        cmocka_unit_test(every_close_code_is_judged_as_the_rfc_says),
        cmocka_unit_test(a_length_must_be_in_its_shortest_form),
        cmocka_unit_test(a_message_too_large_is_refused_by_its_head_alone),
        cmocka_unit_test(text_is_refused_at_the_first_wrong_byte_not_at_the_messages_end),
        cmocka_unit_test(a_connection_at_rest_borrows_nothing),
        cmocka_unit_test(what_a_client_masks_its_server_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
