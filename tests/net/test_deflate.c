/*
 * RFC 7692 case by case, both roles, against a peer that packs with zlib by itself.
 */
#include "peer.h"

#include <zlib.h>

#include <marketsim/hub.h>

#define BYE " 88:\\x03\\xE8"
#define PATTERN_BYTES 60000

/* The peer's side of it. */
struct codec {
    z_stream out;
    z_stream in;
    bool out_resets;
    bool in_resets;
};

static void codec_open(struct codec *codec, int out_bits, int in_bits)
{
    memset(codec, 0, sizeof *codec);
    assert_int_equal(deflateInit2(&codec->out, 6, Z_DEFLATED, -out_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(inflateInit2(&codec->in, -in_bits), Z_OK);
}

static void codec_close(struct codec *codec)
{
    deflateEnd(&codec->out);
    inflateEnd(&codec->in);
}

static size_t pack(void *context, unsigned char *out, size_t room, const unsigned char *bytes,
                   size_t length)
{
    struct codec *codec = context;

    codec->out.next_in = (Bytef *)(uintptr_t)bytes;
    codec->out.avail_in = (uInt)length;
    codec->out.next_out = out;
    codec->out.avail_out = (uInt)room;
    assert_true(deflate(&codec->out, Z_SYNC_FLUSH) >= Z_BUF_ERROR);
    size_t made = room - codec->out.avail_out;
    if (made == 0) { /* nothing new to say: an empty block */
        out[0] = 0;
        return 1;
    }
    assert_memory_equal(out + made - 4, "\0\0\xFF\xFF", 4);
    if (codec->out_resets)
        deflateReset(&codec->out);
    return made - 4;
}

static size_t unpack(void *context, unsigned char *out, size_t room, const unsigned char *bytes,
                     size_t length)
{
    struct codec *codec = context;
    unsigned char *whole = malloc(length + 4);

    assert_non_null(whole);
    memcpy(whole, bytes, length);
    memcpy(whole + length, "\0\0\xFF\xFF", 4);
    codec->in.next_in = whole;
    codec->in.avail_in = (uInt)length + 4;
    codec->in.next_out = out;
    codec->in.avail_out = (uInt)room;
    int r = inflate(&codec->in, Z_SYNC_FLUSH);
    if (r != Z_OK)
        fail_msg("the library's bytes do not inflate: %s", codec->in.msg);
    assert_int_equal(codec->in.avail_in, 0);
    if (codec->in_resets)
        inflateReset(&codec->in);
    free(whole);
    return room - codec->in.avail_out;
}

/* ---- what was agreed upon, and what it means for both ---- */

struct agreement {
    struct msim_deflate wanted; /* by the library */
    enum peer_role role;
    const char *extensions; /* the peer's offer or answer */
    const char *agreed;     /* the library's answer or offer */
    int out_bits;           /* of the peer's window */
    int in_bits;
    bool out_resets;
    bool in_resets;
};

#define ON .is_on = true, .min_bytes = 1
#define BOTH_KEEP .keeps_context = true, .peer_keeps_context = true
#define RESET_BOTH "; server_no_context_takeover; client_no_context_takeover"

static const struct agreement agreements[] = {
    {{ON},
     LIBRARY_SERVES,
     "permessage-deflate",
     "permessage-deflate" RESET_BOTH,
     15,
     15,
     true,
     true},
    {{ON, BOTH_KEEP},
     LIBRARY_SERVES,
     "permessage-deflate",
     "permessage-deflate",
     15,
     15,
     false,
     false},
    {{ON, BOTH_KEEP},
     LIBRARY_SERVES,
     "permessage-deflate; server_no_context_takeover; client_max_window_bits",
     "permessage-deflate; server_no_context_takeover",
     15,
     15,
     false,
     true},
    {{ON, BOTH_KEEP},
     LIBRARY_SERVES,
     "permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
     "permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
     15,
     9,
     true,
     false},
    {{ON, BOTH_KEEP},
     LIBRARY_SERVES,
     "permessage-deflate; server_max_window_bits=8",
     "permessage-deflate; server_max_window_bits=8",
     15,
     8,
     false,
     false},
    {{ON},
     LIBRARY_SERVES,
     "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
     "permessage-deflate" RESET_BOTH "; server_max_window_bits=8; client_max_window_bits=9",
     9,
     8,
     true,
     true},
    {{ON, BOTH_KEEP, .window_bits = 11, .peer_window_bits = 10, .level = 9},
     LIBRARY_SERVES,
     "permessage-deflate; client_max_window_bits",
     "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10",
     10,
     11,
     false,
     false},
    {{ON},
     LIBRARY_CONNECTS,
     "permessage-deflate; server_no_context_takeover",
     "permessage-deflate" RESET_BOTH "; client_max_window_bits",
     15,
     15,
     true,
     true},
    {{ON, BOTH_KEEP},
     LIBRARY_CONNECTS,
     "permessage-deflate",
     "permessage-deflate; client_max_window_bits",
     15,
     15,
     false,
     false},
    {{ON, BOTH_KEEP},
     LIBRARY_CONNECTS,
     "permessage-deflate" RESET_BOTH "; client_max_window_bits=9; server_max_window_bits=10",
     "permessage-deflate; client_max_window_bits",
     10,
     9,
     true,
     true},
    {{ON, BOTH_KEEP},
     LIBRARY_CONNECTS,
     "permessage-deflate; client_max_window_bits=8",
     "permessage-deflate; client_max_window_bits",
     15,
     8,
     false,
     false},
    {{ON, BOTH_KEEP, .window_bits = 12, .peer_window_bits = 13},
     LIBRARY_CONNECTS,
     "permessage-deflate; server_max_window_bits=13",
     "permessage-deflate; client_max_window_bits=12; server_max_window_bits=13",
     13,
     12,
     false,
     false},
};

static void begin_with(struct peer *peer, struct codec *codec, const struct agreement *agreement,
                       size_t max_message_bytes)
{
    memset(peer, 0, sizeof *peer);
    codec_open(codec, agreement->out_bits, agreement->in_bits);
    codec->out_resets = agreement->out_resets;
    codec->in_resets = agreement->in_resets;
    peer->deflate = agreement->wanted;
    peer->extensions = agreement->extensions;
    peer->pack = pack;
    peer->unpack = unpack;
    peer->context = codec;
    peer->max_message_bytes = max_message_bytes;
    peer_open(peer, agreement->role);
    if (agreement->role == LIBRARY_SERVES)
        assert_string_equal(peer->agreed, agreement->agreed);
}

static void begin(struct peer *peer, struct codec *codec, const struct agreement *agreement)
{
    begin_with(peer, codec, agreement, 0);
}

static void end(struct peer *peer, struct codec *codec)
{
    peer_close(peer);
    codec_close(codec);
}

static void packed_messages_come_and_go_under_each_agreement(void **state)
{
    static const size_t steps[] = {PEER_BYTES, 1};

    (void)state;
    for (size_t i = 0; i < COUNT(agreements); i++) {
        for (size_t k = 0; k < COUNT(steps); k++) {
            struct codec codec;
            struct peer peer;
            begin(&peer, &codec, &agreements[i]);
            peer_write(&peer, "C1!hello C1!hello 89:p C2!*5000 81:plain C1! C2! C1!*200000 "
                              "82:*3000 C1!hello" BYE);
            peer_send(&peer, steps[k]);
            if (strcmp(peer_hear(&peer),
                       "text(hello) text(hello) pong(p) binary(5000 bytes) text(plain) text() "
                       "binary() text(200000 bytes) binary(3000 bytes) text(hello) "
                       "close(1000)") != 0)
                fail_msg("agreement %zu, steps of %zu: %s", i, steps[k], peer.heard);
            end(&peer, &codec);
        }
    }
}

/* Letters that repeat only after `PATTERN_BYTES / 3`, to tempt a compressor to look far back. */
static void far_pattern(unsigned char *out)
{
    uint32_t dice = 1;

    for (size_t i = 0; i < PATTERN_BYTES; i++) {
        dice = dice * 1664525u + 1013904223u;
        out[i] = i < PATTERN_BYTES / 3 ? (unsigned char)('a' + (dice >> 24) % 26)
                                       : out[i - PATTERN_BYTES / 3];
    }
}

static void a_window_is_never_looked_beyond(void **state)
{
    static unsigned char bytes[PATTERN_BYTES];
    static unsigned char packed[2 * PATTERN_BYTES];

    (void)state;
    far_pattern(bytes);
    for (size_t i = 0; i < COUNT(agreements); i++) {
        struct codec codec;
        struct peer peer;
        begin(&peer, &codec, &agreements[i]);
        bool masked = agreements[i].role == LIBRARY_SERVES;
        for (int k = 0; k < 3; k++) {
            size_t length = pack(&codec, packed, sizeof packed, bytes, sizeof bytes);
            peer_add_frame(&peer, 0xC1, masked, packed, length);
        }
        peer_add_frame(&peer, 0x88, masked, (const unsigned char *)"\x03\xE8", 2);
        peer_send(&peer, 65536);
        assert_string_equal(peer_hear(&peer), "text(60000 bytes) text(60000 bytes) "
                                              "text(60000 bytes) close(1000)");
        end(&peer, &codec);
    }
}

/* ---- what the RFC shows, and what it forbids ---- */

static const struct agreement both_keep[] = {
    {{ON, BOTH_KEEP},
     LIBRARY_SERVES,
     "permessage-deflate",
     "permessage-deflate",
     15,
     15,
     false,
     false},
    {{ON, BOTH_KEEP},
     LIBRARY_CONNECTS,
     "permessage-deflate",
     "permessage-deflate; client_max_window_bits",
     15,
     15,
     false,
     false},
};

static void each_case_is_answered_as_the_rfc_says(void **state)
{
    static const struct {
        const char *name;
        const char *script;
        const char *expected;
    } cases[] = {
        {"one block", "C1:\\xF2\\x48\\xCD\\xC9\\xC9\\x07\\x00" BYE, "text(Hello) close(1000)"},
        {"two fragments", "41:\\xF2\\x48\\xCD 80:\\xC9\\xC9\\x07\\x00" BYE,
         "text(Hello) close(1000)"},
        {"the window is kept",
         "C1:\\xF2\\x48\\xCD\\xC9\\xC9\\x07\\x00 C1:\\xF2\\x00\\x11\\x00\\x00" BYE,
         "text(Hello) text(Hello) close(1000)"},
        {"a block that is stored", "C1:\\x00\\x05\\x00\\xFA\\xFF\\x48\\x65\\x6C\\x6C\\x6F\\x00" BYE,
         "text(Hello) close(1000)"},
        {"a last block, and an empty one", "C1:\\xF3\\x48\\xCD\\xC9\\xC9\\x07\\x00\\x00" BYE,
         "text(Hello) close(1000)"},
        {"a last block alone", "C1:\\xF3\\x48\\xCD\\xC9\\xC9\\x07\\x00" BYE,
         "text(Hello) close(1000)"},
        {"a last block, and a reference to it later",
         "C1:\\xF3\\x48\\xCD\\xC9\\xC9\\x07\\x00\\x00 C1:\\xF2\\x00\\x11\\x00\\x00" BYE,
         "text(Hello) text(Hello) close(1000)"},
        {"two blocks", "C1:\\xF2\\x48\\x05\\x00\\x00\\x00\\xFF\\xFF\\xCA\\xC9\\xC9\\x07\\x00" BYE,
         "text(Hello) close(1000)"},
        {"an empty message", "C1:\\x00" BYE, "text() close(1000)"},
        {"an empty message of no bytes", "C1:" BYE, "text() close(1000)"},
        {"a fragment of no bytes before", "41: 80:\\xF2\\x48\\xCD\\xC9\\xC9\\x07\\x00" BYE,
         "text(Hello) close(1000)"},
        {"a fragment of no bytes behind", "41:\\xF2\\x48\\xCD\\xC9\\xC9\\x07\\x00 80:" BYE,
         "text(Hello) close(1000)"},
        {"a ping between fragments", "41:\\xF2\\x48\\xCD 89:p 80:\\xC9\\xC9\\x07\\x00" BYE,
         "pong(p) text(Hello) close(1000)"},
        {"a message that is not packed", "81:plain" BYE, "text(plain) close(1000)"},
        {"packed and not in turn",
         "C1:\\xF2\\x48\\xCD\\xC9\\xC9\\x07\\x00 81:x C1:\\xF2\\x00\\x11\\x00\\x00" BYE,
         "text(Hello) text(x) text(Hello) close(1000)"},
        /* The bit. */
        {"the bit on a continuation", "41:\\xF2\\x48\\xCD C0:\\xC9\\xC9\\x07\\x00", "close(1002)"},
        {"the bit on a continuation alone", "01:a C0:b", "close(1002)"},
        {"the bit on a ping", "C9:", "close(1002)"},
        {"the bit on a pong", "CA:", "close(1002)"},
        {"the bit on a close", "C8:", "close(1002)"},
        {"the second bit", "E1:\\x00", "close(1002)"},
        {"the third bit", "D1:\\x00", "close(1002)"},
        {"the bit on an unknown opcode", "C3:\\x00", "close(1002)"},
        /* The data. */
        {"a block of no kind", "C1:\\xFF\\xFF", "close(1007)"},
        {"a reference before the beginning", "C1:\\xF2\\x00\\x11\\x00\\x00", "close(1007)"},
        {"a stored length that is not its complement", "C1:\\x00\\x05\\x00\\xFF\\xFF\\x48",
         "close(1007)"},
        {"an end within a block", "C1:\\xF2\\x48\\xCD\\xC9", "close(1007)"},
        {"an end within a stored block", "C1:\\x00\\x05\\x00\\xFA\\xFF\\x48", "close(1007)"},
        /* UTF-8 of what it inflates to. */
        {"no text in it", "C1!\\xFF", "close(1007)"},
        {"no text in it, at once", "41:\\x00\\x01\\x00\\xFE\\xFF\\xC0", "close(1007)"},
        {"an end within a character", "C1!\\xE2\\x82", "close(1007)"},
        {"bytes in a binary", "C2!\\xFF\\xC0" BYE, "binary(\xFF\xC0) close(1000)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < 2 * COUNT(both_keep); k++) {
            struct codec codec;
            struct peer peer;
            begin(&peer, &codec, &both_keep[k % 2]);
            peer_write(&peer, cases[i].script);
            peer_send(&peer, k < 2 ? PEER_BYTES : 1);
            if (strcmp(peer_hear(&peer), cases[i].expected) != 0)
                fail_msg("%s, as a %s: '%s', not '%s'", cases[i].name,
                         k % 2 == 0 ? "server" : "client", peer.heard, cases[i].expected);
            end(&peer, &codec);
        }
    }
}

static void a_packed_message_may_be_cut_at_every_byte(void **state)
{
    static const unsigned char text[] = "one and one and one and one, and the euro: \xE2\x82\xAC";
    unsigned char packed[256];

    (void)state;
    for (size_t cut = 0; cut < 28; cut++) {
        for (size_t k = 0; k < COUNT(both_keep); k++) {
            struct codec codec;
            struct peer peer;
            begin(&peer, &codec, &both_keep[k]);
            bool masked = k == 0;
            size_t length = pack(&codec, packed, sizeof packed, text, sizeof text - 1);
            assert_true(length > 28);
            peer_add_frame(&peer, 0x41, masked, packed, cut);
            peer_add_frame(&peer, 0x00, masked, packed + cut, 1);
            peer_add_frame(&peer, 0x80, masked, packed + cut + 1, length - cut - 1);
            peer_add_frame(&peer, 0x88, masked, (const unsigned char *)"\x03\xE8", 2);
            peer_send(&peer, PEER_BYTES);
            assert_string_equal(peer_hear(&peer), "text(46 bytes) close(1000)");
            end(&peer, &codec);
        }
    }
}

static void short_messages_are_sent_as_they_are(void **state)
{
    struct agreement agreement = both_keep[0];
    struct codec codec;
    struct peer peer;

    (void)state;
    agreement.wanted.min_bytes = 0; /* 64 */
    begin(&peer, &codec, &agreement);
    peer.unpack = NULL; /* nothing may come packed */
    peer_write(&peer, "C1!*63" BYE);
    peer_send(&peer, PEER_BYTES);
    assert_string_equal(peer_hear(&peer), "text(63 bytes) close(1000)");
    end(&peer, &codec);
}

/* ---- bombs ---- */

/* `size` zeros, packed. */
static size_t pack_zeros(struct codec *codec, unsigned char *out, size_t room, size_t size)
{
    unsigned char *zeros = calloc(1, size);

    assert_non_null(zeros);
    size_t length = pack(codec, out, room, zeros, size);
    free(zeros);
    return length;
}

static void what_inflates_beyond_the_limits_is_refused(void **state)
{
    static const struct {
        size_t size;
        size_t most;
        const char *expected;
    } cases[] = {
        /* A thousand times what came, within the limit and beyond. */
        {300 * 1000, 0, "binary(300000 bytes) close(1000)"},
        {1024 * 1024, 0, "binary(1048576 bytes) close(1000)"},
        {1024 * 1024 + 1, 0, "close(1009)"},
        {64 * 1024 * 1024, 0, "close(1009)"},
        /* The same under a higher limit: too little for so much. */
        {1024 * 1024, 16 * 1024 * 1024, "binary(1048576 bytes) close(1000)"},
        {1500 * 1024, 16 * 1024 * 1024, "close(1009)"},
    };
    static unsigned char packed[128 * 1024];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < 2 * COUNT(both_keep); k++) {
            struct codec codec;
            struct peer peer;
            begin_with(&peer, &codec, &both_keep[k % 2], cases[i].most);
            size_t length = pack_zeros(&codec, packed, sizeof packed, cases[i].size);
            peer_add_frame(&peer, 0xC2, k % 2 == 0, packed, length);
            peer_add_frame(&peer, 0x88, k % 2 == 0, (const unsigned char *)"\x03\xE8", 2);
            peer_send(&peer, k < 2 ? PEER_BYTES : 7);
            assert_string_equal(peer_hear(&peer), cases[i].expected);
            end(&peer, &codec);
        }
    }
}

static void bytes_that_inflate_to_nothing_are_bounded_too(void **state)
{
    static const unsigned char nothing[5] = {0, 0, 0, 0xFF, 0xFF};
    const size_t count = 250000;
    struct codec codec;
    struct peer peer;

    (void)state;
    begin(&peer, &codec, &both_keep[0]);
    unsigned char *bytes = malloc(count * sizeof nothing);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * sizeof nothing, nothing, sizeof nothing);
    peer_add_frame(&peer, 0x42, true, bytes, count * 2);
    peer_add_frame(&peer, 0x00, true, bytes, count * 3);
    peer_send(&peer, 65536);
    assert_string_equal(peer_hear(&peer), "close(1009)");
    free(bytes);
    end(&peer, &codec);
}

/* ---- topics ---- */

static void what_is_published_comes_packed_and_in_order(void **state)
{
    static const struct msim_deflate wishes[] = {{ON}, {ON, BOTH_KEEP}};
    static char text[3000];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t k = 0; k < COUNT(wishes); k++) {
        struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
        struct agreement agreement = {.wanted = wishes[k], .extensions = "permessage-deflate"};
        struct msim_topic *topic = NULL;
        struct codec codec;
        struct peer peer;
        agreement.agreed = k == 0 ? "permessage-deflate" RESET_BOTH : "permessage-deflate";
        agreement.out_bits = agreement.in_bits = 15;
        agreement.in_resets = k == 0;
        begin(&peer, &codec, &agreement);
        peer_write(&peer, "81:there");
        peer_send(&peer, PEER_BYTES);
        while (!peer.bench.last)
            turn(&peer.bench);
        assert_int_equal(msim_topic_create(peer.bench.net, &topic, &params), MSIM_OK);
        assert_int_equal(msim_topic_subscribe(topic, peer.bench.last), MSIM_OK);
        for (size_t i = 0; i < 40; i++) {
            assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_TEXT, text, 2000 + i), MSIM_OK);
            if (i % 20 == 0)
                assert_int_equal(msim_connection_send(peer.bench.last, MSIM_MESSAGE_TEXT, "own", 3),
                                 MSIM_OK);
        }
        turn(&peer.bench);
        msim_connection_close(peer.bench.last, MSIM_CLOSE_NORMAL, "");
        assert_non_null(strstr(peer_hear(&peer), "text(there) text(2000 bytes) text(own) "
                                                 "text(2001 bytes) text(2002 bytes)"));
        assert_non_null(strstr(peer.heard, "text(2020 bytes) text(own) text(2021 bytes)"));
        assert_non_null(strstr(peer.heard, "text(2039 bytes) close(1000)"));
        assert_in_range(peer.heard_bytes, 1, 40 * 300);
        end(&peer, &codec);
    }
}

/* Listeners that each agreed to something else, and what each heard. */
struct audience {
    struct msim_topic *topic;
    size_t subscribed;
    struct listener {
        struct msim_deflate wanted;
        char heard[65536];
        size_t length;
    } listeners[6];
};

static void subscribe(void *context, struct msim_connection *connection)
{
    struct audience *audience = context;

    assert_int_equal(msim_topic_subscribe(audience->topic, connection), MSIM_OK);
    audience->subscribed++;
}

static void hear(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                 const unsigned char *bytes, size_t length)
{
    struct listener *listener = context;

    (void)connection;
    assert_int_equal(kind, MSIM_MESSAGE_TEXT);
    assert_in_range(length, 0, sizeof listener->heard - listener->length);
    memcpy(listener->heard + listener->length, bytes, length);
    listener->length += length;
}

static void seat(struct msim_net *net, struct audience *audience)
{
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_topic_params topic = MSIM_TOPIC_PARAMS_INIT;
    struct msim_listener *listener;
    char url[64];

    listen.deflate = (struct msim_deflate){ON, BOTH_KEEP};
    listen.handler.opened = subscribe;
    listen.context = audience;
    assert_int_equal(msim_topic_create(net, &audience->topic, &topic), MSIM_OK);
    assert_int_equal(msim_net_listen(net, &listener, &listen, NULL), MSIM_OK);
    snprintf(url, sizeof url, "ws://localhost:%u", (unsigned)msim_listener_port(listener));
    for (size_t i = 0; i < COUNT(audience->listeners); i++) {
        struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
        connect.url = url;
        connect.deflate = audience->listeners[i].wanted;
        connect.handler.message = hear;
        connect.context = &audience->listeners[i];
        assert_int_equal(msim_net_connect(net, NULL, &connect, NULL), MSIM_OK);
    }
    for (int i = 0; i < PATIENCE && audience->subscribed < COUNT(audience->listeners); i++)
        assert_true(msim_net_dispatch(net, 1) >= 0);
    assert_int_equal(audience->subscribed, COUNT(audience->listeners));
}

static void what_is_packed_once_is_right_for_everyone(void **state)
{
    static struct audience audience = {.listeners = {{.wanted = {0}},
                                                     {.wanted = {ON}},
                                                     {.wanted = {ON}},
                                                     {.wanted = {ON, .peer_window_bits = 9}},
                                                     {.wanted = {ON, .peer_window_bits = 8}},
                                                     {.wanted = {ON, BOTH_KEEP}}}};
    static char said[65536];
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_net *net;
    size_t length = 0;

    (void)state;
    assert_int_equal(msim_net_create(&net, &params, NULL), MSIM_OK);
    seat(net, &audience);
    for (unsigned i = 0; i < 400; i++) {
        char text[400];
        size_t size = i * 37 % 300; /* some of them nothing */
        for (size_t k = 0; k < size; k++)
            text[k] = (char)('a' + (i + k * k) % 23);
        assert_int_equal(msim_topic_publish(audience.topic, MSIM_MESSAGE_TEXT, text, size),
                         MSIM_OK);
        assert_in_range(size, 0, sizeof said - length);
        memcpy(said + length, text, size);
        length += size;
        if (i % 50 == 0)
            assert_true(msim_net_dispatch(net, 0) >= 0);
    }
    for (size_t i = 0; i < COUNT(audience.listeners); i++) {
        const struct listener *listener = &audience.listeners[i];
        for (int k = 0; k < PATIENCE && listener->length < length; k++)
            assert_true(msim_net_dispatch(net, 1) >= 0);
        assert_int_equal(listener->length, length);
        assert_memory_equal(listener->heard, said, length);
    }
    msim_net_destroy(&net);
}

/* ---- asking for it ---- */

static void a_header_that_cannot_be_read_is_answered_400(void **state)
{
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct bench bench;
    char answer[1024];

    (void)state;
    bench_open(&bench, NULL, 0);
    msim_listener_close(&bench.listener);
    listen.handler = bench_handler;
    listen.context = &bench;
    listen.deflate.is_on = true;
    assert_int_equal(msim_net_listen(bench.net, &bench.listener, &listen, NULL), MSIM_OK);
    int fd = raw_connect(&bench);
    raw_say(&bench, fd, "GET / HTTP/1.1\r\nSec-WebSocket-Extensions: a;;b\r\n" RAW_UPGRADE);
    raw_rest(&bench, fd, answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 400 ", 13);
    close(fd);
    bench_finish(&bench);
}

static void wishes_that_cannot_be_are_refused(void **state)
{
    static const struct msim_deflate wishes[] = {
        {.is_on = true, .window_bits = 7},
        {.is_on = true, .window_bits = 16},
        {.is_on = true, .peer_window_bits = 7},
        {.is_on = true, .level = 10},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
        struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
        struct msim_listener *listener = NULL;
        struct msim_detail detail;
        listen.deflate = connect.deflate = wishes[i];
        connect.url = "ws://localhost:1/";
        assert_int_equal(msim_net_listen(bench.net, &listener, &listen, &detail), MSIM_ERR_INVALID);
        assert_non_null(strstr(detail.text, "8 to 15 bits"));
        assert_int_equal(msim_net_connect(bench.net, NULL, &connect, &detail), MSIM_ERR_INVALID);
    }
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_messages_come_and_go_under_each_agreement),
        cmocka_unit_test(a_window_is_never_looked_beyond),
        cmocka_unit_test(each_case_is_answered_as_the_rfc_says),
        cmocka_unit_test(a_packed_message_may_be_cut_at_every_byte),
        cmocka_unit_test(short_messages_are_sent_as_they_are),
        cmocka_unit_test(what_inflates_beyond_the_limits_is_refused),
        cmocka_unit_test(bytes_that_inflate_to_nothing_are_bounded_too),
        cmocka_unit_test(what_is_published_comes_packed_and_in_order),
        cmocka_unit_test(what_is_packed_once_is_right_for_everyone),
        cmocka_unit_test(a_header_that_cannot_be_read_is_answered_400),
        cmocka_unit_test(wishes_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
