/*
 * RFC 6455 case by case, both roles: what a peer sends, whole and byte by byte, and what it is
 * answered.  Sections 5.2 to 8.1; each case bears the name by which it fails.
 */
#include "peer.h"

#define BYE " 88:\\x03\\xE8"

struct conformance {
    const char *name;
    const char *script;
    const char *expected;
};

static const struct conformance cases[] = {
    /* ---- framing: lengths ---- */
    {"text of 0 bytes", "81:" BYE, "text() close(1000)"},
    {"text of 1 byte", "81:a" BYE, "text(a) close(1000)"},
    {"text of 125 bytes", "81:*125" BYE, "text(125 bytes) close(1000)"},
    {"text of 126 bytes", "81:*126" BYE, "text(126 bytes) close(1000)"},
    {"text of 127 bytes", "81:*127" BYE, "text(127 bytes) close(1000)"},
    {"text of 128 bytes", "81:*128" BYE, "text(128 bytes) close(1000)"},
    {"text of 65535 bytes", "81:*65535" BYE, "text(65535 bytes) close(1000)"},
    {"text of 65536 bytes", "81:*65536" BYE, "text(65536 bytes) close(1000)"},
    {"binary of 0 bytes", "82:" BYE, "binary() close(1000)"},
    {"binary of 1 byte", "82:\\x00" BYE, "binary() close(1000)"},
    {"binary of 125 bytes", "82:*125" BYE, "binary(125 bytes) close(1000)"},
    {"binary of 126 bytes", "82:*126" BYE, "binary(126 bytes) close(1000)"},
    {"binary of 65535 bytes", "82:*65535" BYE, "binary(65535 bytes) close(1000)"},
    {"binary of 65536 bytes", "82:*65536" BYE, "binary(65536 bytes) close(1000)"},
    {"three messages in one breath", "81:a 82:b 81:c" BYE, "text(a) binary(b) text(c) close(1000)"},
    /* ---- pings and pongs ---- */
    {"a ping without payload", "89:" BYE, "pong() close(1000)"},
    {"a ping with payload", "89:hello" BYE, "pong(hello) close(1000)"},
    {"a ping of bytes that are no text", "89:\\xFF\\xFE" BYE, "pong(\xFF\xFE) close(1000)"},
    {"a ping of 125 bytes", "89:*125" BYE, "pong(125 bytes) close(1000)"},
    {"a ping of 126 bytes", "89:*126", "close(1002)"},
    {"a pong nobody asked for", "8A:" BYE, "close(1000)"},
    {"a pong nobody asked for, with payload", "8A:x" BYE, "close(1000)"},
    {"a pong nobody asked for, then a ping", "8A:x 89:y" BYE, "pong(y) close(1000)"},
    {"ten pings", "89:0 89:1 89:2 89:3 89:4 89:5 89:6 89:7 89:8 89:9" BYE,
     "pong(0) pong(1) pong(2) pong(3) pong(4) pong(5) pong(6) pong(7) pong(8) pong(9) "
     "close(1000)"},
    {"a pong of 126 bytes", "8A:*126", "close(1002)"},
    /* ---- reserved bits ---- */
    {"reserved bit 3 of a text", "91:a", "close(1002)"},
    {"reserved bit 2 of a text", "A1:a", "close(1002)"},
    {"reserved bits 2 and 3", "B1:a", "close(1002)"},
    {"reserved bit 1 without its extension", "C1:a", "close(1002)"},
    {"reserved bits 1 and 3", "D1:a", "close(1002)"},
    {"reserved bits 1 and 2", "E1:a", "close(1002)"},
    {"all reserved bits", "F2:a", "close(1002)"},
    {"a reserved bit of a ping", "C9:", "close(1002)"},
    {"a reserved bit of a close", "C8:", "close(1002)"},
    {"a reserved bit after a good message", "81:a 91:b", "text(a) close(1002)"},
    {"a reserved bit of a continuation", "01:a C0:b", "close(1002)"},
    /* ---- opcodes ---- */
    {"opcode 3", "83:", "close(1002)"},
    {"opcode 4 with payload", "84:a", "close(1002)"},
    {"opcode 5", "81:a 85:", "text(a) close(1002)"},
    {"opcode 6", "86:a", "close(1002)"},
    {"opcode 7", "87:", "close(1002)"},
    {"opcode 11", "8B:", "close(1002)"},
    {"opcode 12", "8C:a", "close(1002)"},
    {"opcode 13", "81:a 8D:", "text(a) close(1002)"},
    {"opcode 14", "8E:", "close(1002)"},
    {"opcode 15", "8F:", "close(1002)"},
    /* ---- fragments ---- */
    {"a ping in fragments", "09:a 80:b", "close(1002)"},
    {"a pong in fragments", "0A:a 80:b", "close(1002)"},
    {"a close in fragments", "08: 80:", "close(1002)"},
    {"a text in two fragments", "01:a 80:b" BYE, "text(ab) close(1000)"},
    {"a binary in two fragments", "02:a 80:b" BYE, "binary(ab) close(1000)"},
    {"a text in three fragments", "01:a 00:b 80:c" BYE, "text(abc) close(1000)"},
    {"fragments of no bytes", "01: 00: 80:" BYE, "text() close(1000)"},
    {"an empty fragment in the middle", "01:a 00: 80:b" BYE, "text(ab) close(1000)"},
    {"an empty last fragment", "01:ab 80:" BYE, "text(ab) close(1000)"},
    {"a ping between fragments", "01:a 89:p 80:b" BYE, "pong(p) text(ab) close(1000)"},
    {"pings between many fragments", "01:a 89:1 00:b 89:2 00:c 89:3 80:d" BYE,
     "pong(1) pong(2) pong(3) text(abcd) close(1000)"},
    {"a pong between fragments", "01:a 8A:p 80:b" BYE, "text(ab) close(1000)"},
    {"a close between fragments", "01:a" BYE, "close(1000)"},
    {"a continuation of nothing", "80:a", "close(1002)"},
    {"an unfinished continuation of nothing", "00:a 80:b", "close(1002)"},
    {"a continuation behind a whole message", "81:a 80:b", "text(a) close(1002)"},
    {"a continuation behind the last fragment", "01:a 80:b 80:c", "text(ab) close(1002)"},
    {"a text within a text", "01:a 81:b", "close(1002)"},
    {"a binary within a text", "01:a 82:b", "close(1002)"},
    {"an unfinished text within a text", "01:a 01:b", "close(1002)"},
    {"an unfinished binary within a binary", "02:a 02:b", "close(1002)"},
    {"large fragments", "01:*40000 00:*40000 80:*40000" BYE, "text(120000 bytes) close(1000)"},
    /* ---- masks ---- */
    {"a mask the wrong way", "81#:a", "close(1002)"},
    {"a mask the wrong way on a ping", "89#:", "close(1002)"},
    {"a mask the wrong way on a close", "88#:", "close(1002)"},
    {"a mask the wrong way amid fragments", "01:a 80#:b", "close(1002)"},
    /* ---- closing ---- */
    {"a close without a code", "88:", "close()"},
    {"half a close code", "88:\\x03", "close(1002)"},
    {"a close with a reason", "88:\\x03\\xE8done", "close(1000)"},
    {"a close with the longest reason",
     "88:\\x03\\xE8"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "close(1000)"},
    {"a close of 126 bytes", "88:*126", "close(1002)"},
    {"a reason that is not UTF-8", "88:\\x03\\xE8\\xCE\\xBA\\xE1\\xBD\\xB9\\xED\\xA0\\x80",
     "close(1007)"},
    {"a reason that ends within a character", "88:\\x03\\xE8\\xE2\\x82", "close(1007)"},
    {"a message behind a close", "88:\\x03\\xE8 81:late", "close(1000)"},
    {"a ping behind a close", "88:\\x03\\xE8 89:late", "close(1000)"},
    {"a close behind a close", "88:\\x03\\xE8 88:\\x03\\xE9", "close(1000)"},
    /* ---- lengths that are not in their shortest form ---- */
    {"a length of 125 in 16 bits", NULL, "close(1002)"},
    {"a length of 0 in 64 bits", NULL, "close(1002)"},
    {"a length of 65535 in 64 bits", NULL, "close(1002)"},
    {"a length with its highest bit", NULL, "close(1002)"},
    /* ---- text ---- */
    {"a text of many alphabets", "81:\\xCE\\xBA\\xE1\\xBD\\xB9\\xCF\\x83\\xF0\\x9F\\x98\\x80" BYE,
     "text(\xCE\xBA\xE1\xBD\xB9\xCF\x83\xF0\x9F\x98\x80) close(1000)"},
    {"a character across two fragments", "01:\\xE2\\x82 80:\\xAC" BYE,
     "text(\xE2\x82\xAC) close(1000)"},
    {"a character across fragments with a ping", "01:\\xF0\\x9F 89:p 00:\\x98 80:\\x80" BYE,
     "pong(p) text(\xF0\x9F\x98\x80) close(1000)"},
    {"a text that ends within a character", "81:\\xE2\\x82", "close(1007)"},
    {"fragments that end within a character", "01:a 80:\\xF0\\x9F\\x98", "close(1007)"},
    {"bytes in a binary that are no text", "82:\\xFF\\xFE\\xED\\xA0\\x80" BYE,
     "binary(\xFF\xFE\xED\xA0\x80) close(1000)"},
    {"a binary's fragments that are no text", "02:\\xFF 80:\\xFE" BYE,
     "binary(\xFF\xFE) close(1000)"},
    /* Said at the first wrong byte: the message never ends. */
    {"a surrogate in a fragment, at once", "01:\\xCE\\xBA\\xED\\xA0", "close(1007)"},
    {"a wrong byte in a later fragment, at once", "01:a 00:\\xC0", "close(1007)"},
    {"beyond the last plane, at once", "01:\\xF4\\x90", "close(1007)"},
};

/* With a mask where the role wants one: the bit, and a key of zeros. */
static void write_long_form(struct peer *peer, const char *name)
{
    static const struct {
        const char *name;
        unsigned char bytes[10];
        size_t length;
    } forms[] = {
        {"a length of 125 in 16 bits", {0x82, 126, 0, 125}, 4},
        {"a length of 0 in 64 bits", {0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0}, 10},
        {"a length of 65535 in 64 bits", {0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 10},
        {"a length with its highest bit", {0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0}, 10},
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        if (strcmp(forms[i].name, name) != 0)
            continue;
        memset(peer->out, 0, 64);
        memcpy(peer->out, forms[i].bytes, forms[i].length);
        peer->out_length = forms[i].length;
        if (peer->role == LIBRARY_SERVES) {
            peer->out[1] |= 0x80;
            peer->out_length += 4;
        }
        return;
    }
    fail_msg("%s has no bytes", name);
}

static void check(const struct conformance *conformance, enum peer_role role, size_t step)
{
    struct peer peer = {0};

    peer_open(&peer, role);
    if (conformance->script)
        peer_write(&peer, conformance->script);
    else
        write_long_form(&peer, conformance->name);
    peer_send(&peer, step);
    if (strcmp(peer_hear(&peer), conformance->expected) != 0)
        fail_msg("%s, as a %s, in steps of %zu: '%s', not '%s'", conformance->name,
                 role == LIBRARY_SERVES ? "server" : "client", step, peer.heard,
                 conformance->expected);
    peer_close(&peer);
}

static void check_all(enum peer_role role)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(&cases[i], role, PEER_BYTES);
        /* Byte by byte, where that does not take all day. */
        const char *star = cases[i].script ? strchr(cases[i].script, '*') : NULL;
        bool is_long = star && strtoul(star + 1, NULL, 10) > 200;
        check(&cases[i], role, is_long ? 997 : 1);
    }
}

static void a_server_answers_each_case_as_the_rfc_says(void **state)
{
    (void)state;
    check_all(LIBRARY_SERVES);
}

static void a_client_answers_each_case_as_the_rfc_says(void **state)
{
    (void)state;
    check_all(LIBRARY_CONNECTS);
}

/* ---- close codes ---- */

static void each_close_code_is_echoed_or_refused(void **state)
{
    static const struct {
        int code;
        bool travels;
    } codes[] = {
        {0, false},    {999, false},  {1000, true},  {1001, true},   {1002, true}, {1003, true},
        {1004, false}, {1005, false}, {1006, false}, {1007, true},   {1008, true}, {1009, true},
        {1010, true},  {1011, true},  {1012, true},  {1013, true},   {1014, true}, {1015, false},
        {1016, false}, {1100, false}, {2000, false}, {2999, false},  {3000, true}, {3999, true},
        {4000, true},  {4999, true},  {5000, false}, {65535, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        for (enum peer_role role = LIBRARY_SERVES; role <= LIBRARY_CONNECTS; role++) {
            struct conformance conformance;
            char name[32];
            char script[32];
            char expected[32];
            snprintf(name, sizeof name, "close code %d", codes[i].code);
            snprintf(script, sizeof script, "88:\\x%02X\\x%02X", codes[i].code >> 8,
                     codes[i].code & 255);
            snprintf(expected, sizeof expected, "close(%d)",
                     codes[i].travels ? codes[i].code : 1002);
            conformance = (struct conformance){name, script, expected};
            check(&conformance, role, PEER_BYTES);
        }
    }
}

/* ---- UTF-8 ---- */

static const char *const good_texts[] = {
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xED\x9F\xBF",
    "\xEE\x80\x80",
    "\xEF\xBF\xBD",
    "\xEF\xBF\xBE", /* no character, and yet UTF-8 */
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF3\xB0\x80\x80",
    "\xF4\x8F\xBF\xBF",
    "\x7F",
    "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!",
};

static const char *const bad_texts[] = {
    "\x80",
    "\xBF",
    "\x80\xBF\x80",
    "\xC0\xAF",
    "\xC1\xBF",
    "\xC3 ",
    "\xE0\x80\xAF",
    "\xE0\x9F\xBF",
    "\xE2\x82 ",
    "\xED\xA0\x80",
    "\xED\xAF\xBF",
    "\xED\xBF\xBF",
    "\xED\xA0\x80\xED\xB0\x80",
    "\xF0\x80\x80\xAF",
    "\xF0\x8F\xBF\xBF",
    "\xF0\x90\x80 ",
    "\xF4\x90\x80\x80",
    "\xF5\x80\x80\x80",
    "\xF8\x88\x80\x80\x80",
    "\xFC\x84\x80\x80\x80\x80",
    "\xFE",
    "\xFF",
    "a\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80 edited",
};

/* In two fragments, cut behind `cut` bytes; only the first where it never ends. */
static const char *say_cut(struct peer *peer, const char *text, size_t cut)
{
    size_t length = strlen(text);
    bool masked = peer->role == LIBRARY_SERVES;

    peer->out_length = 0;
    peer_add_frame(peer, 0x01, masked, (const unsigned char *)text, cut);
    peer_add_frame(peer, 0x80, masked, (const unsigned char *)text + cut, length - cut);
    peer_add_frame(peer, 0x88, masked, (const unsigned char *)"\x03\xE8", 2);
    peer_send(peer, PEER_BYTES);
    return peer_hear(peer);
}

static void good_text_may_be_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good_texts); i++) {
        for (size_t cut = 0; cut <= strlen(good_texts[i]); cut++) {
            struct peer peer = {0};
            char expected[256];
            peer_open(&peer, cut % 2 ? LIBRARY_SERVES : LIBRARY_CONNECTS);
            snprintf(expected, sizeof expected, "text(%s) close(1000)", good_texts[i]);
            assert_string_equal(say_cut(&peer, good_texts[i], cut), expected);
            peer_close(&peer);
        }
    }
}

static void bad_text_is_found_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_texts); i++) {
        for (size_t cut = 0; cut <= strlen(bad_texts[i]); cut++) {
            struct peer peer = {0};
            peer_open(&peer, cut % 2 ? LIBRARY_SERVES : LIBRARY_CONNECTS);
            assert_string_equal(say_cut(&peer, bad_texts[i], cut), "close(1007)");
            peer_close(&peer);
        }
    }
}

/* ---- limits ---- */

static void a_message_beyond_the_limit_is_refused_from_its_head_on(void **state)
{
    static const unsigned char giant[] = {0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF,
                                          0xFF, 0xFF, 0xFF, 0,    0,    0,    0};
    struct peer peer = {0};

    (void)state;
    peer_open(&peer, LIBRARY_SERVES);
    memcpy(peer.out, giant, sizeof giant);
    peer.out_length = sizeof giant;
    peer_send(&peer, PEER_BYTES);
    assert_string_equal(peer_hear(&peer), "close(1009)");
    peer_close(&peer);
}

static void fragments_count_together(void **state)
{
    const struct conformance conformance = {"1 MiB and a byte in fragments",
                                            "02:*524288 00:*524288 80:x", "close(1009)"};

    (void)state;
    check(&conformance, LIBRARY_SERVES, PEER_BYTES);
    check(&conformance, LIBRARY_CONNECTS, PEER_BYTES);
}

static void a_message_of_the_limit_comes_in(void **state)
{
    const struct conformance conformance = {"1 MiB in fragments", "02:*524288 80:*524288" BYE,
                                            "binary(1048576 bytes) close(1000)"};

    (void)state;
    check(&conformance, LIBRARY_SERVES, PEER_BYTES);
    check(&conformance, LIBRARY_CONNECTS, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_answers_each_case_as_the_rfc_says),
        cmocka_unit_test(a_client_answers_each_case_as_the_rfc_says),
        cmocka_unit_test(each_close_code_is_echoed_or_refused),
        cmocka_unit_test(good_text_may_be_cut_at_every_byte),
        cmocka_unit_test(bad_text_is_found_wherever_it_is_cut),
        cmocka_unit_test(a_message_beyond_the_limit_is_refused_from_its_head_on),
        cmocka_unit_test(fragments_count_together),
        cmocka_unit_test(a_message_of_the_limit_comes_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
