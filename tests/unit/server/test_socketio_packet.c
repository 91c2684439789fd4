/*
 * Packets of Socket.IO: what is one, and what breaks the protocol.
 */
#include "check.h"

#include <string.h>

#include "base/mem.h"
#include "server/engineio/packet.h"
#include "server/socketio/packet.h"

static const struct msim_socketio_limits limits = {10, 32};

static bool reads(const char *text)
{
    struct msim_socketio_packet packet;

    return msim_socketio_packet_read(&packet, text, strlen(text), &limits);
}

static void an_event_has_namespace_ack_name_and_arguments(void **state)
{
    static const char text[] = "2/custom,12[\"name\",1,{\"a\":[true]}]";
    struct msim_socketio_packet packet;

    (void)state;
    assert_true(msim_socketio_packet_read(&packet, text, sizeof text - 1, &limits));
    assert_int_equal(packet.type, MSIM_SIO_EVENT);
    assert_int_equal(packet.name_space_length, 7);
    assert_memory_equal(packet.name_space, "/custom", 7);
    assert_string_equal(packet.ack, "12");
    assert_int_equal(packet.arguments_length, strlen("1,{\"a\":[true]}"));
    assert_memory_equal(packet.arguments, "1,{\"a\":[true]}", packet.arguments_length);
    assert_memory_equal(packet.json + packet.name_start, "\"name\"", 6);
}

static void a_namespace_ends_with_its_comma_or_with_the_packet(void **state)
{
    struct msim_socketio_packet packet;

    (void)state;
    assert_true(msim_socketio_packet_read(&packet, "0/custom", 8, &limits));
    assert_int_equal(packet.name_space_length, 7);
    assert_true(msim_socketio_packet_read(&packet, "0/,", 3, &limits));
    assert_int_equal(packet.name_space_length, 1);
    assert_true(msim_socketio_packet_read(&packet, "0", 1, &limits));
    assert_memory_equal(packet.name_space, "/", 1);
}

static void good_packets_are_read(void **state)
{
    static const char *const good[] = {
        "0{\"token\":\"x\"}",
        "1",
        "1/custom,",
        "2[\"a\"]",
        "2[7,1]",
        "31[]",
        "3/c,99[1]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":0}]",
        "61-5[{\"num\":0,\"_placeholder\":true}]",
        "2[\"a\",{\"_placeholder\":true,\"num\":5}]",
        "510-[\"a\",[]]",
        "51-[\"a\",{\"_placeholder\":false,\"num\":7}]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!reads(good[i]))
            fail_msg("%s", good[i]);
}

static void breaches_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "7",
        "x",
        "abc",
        "2",
        "2{}",
        "2[]",
        "2[{}]",
        "2[null]",
        "2abc[\"a\"]",
        "0[]",
        "0null",
        "0\"x\"",
        "1{}",
        "4{\"message\":1}",
        "2[\"a\"",
        "2[\"a\"]x",
        "2[\"a\",NaN]",
        "3[]",
        "31{}",
        "5[\"a\"]",
        "50-[\"a\"]",
        "511-[\"a\"]",
        "51[\"a\"]",
        "5-[\"a\"]",
        "599999-[\"a\"]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
        "51-[\"a\",{\"_placeholder\":true}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]",
        "2[\"connect\"]",
        "2[\"disconnect\"]",
        "2[\"disconnecting\"]",
        "2[\"newListener\"]",
        "2[\"connect_error\"]",
        "2[\"\\u0063onnect\"]",
        "212345678901234567890[\"a\"]",
        "2[\"\\ud800\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (reads(bad[i]))
            fail_msg("%s", bad[i]);
}

static void json_that_is_too_deep_is_refused(void **state)
{
    char text[256] = "2[\"a\",";

    (void)state;
    for (int i = 0; i < 31; i++)
        strcat(text, "[");
    for (int i = 0; i < 31; i++)
        strcat(text, "]");
    strcat(text, "]");
    assert_true(reads(text));
    char deeper[300] = "2[\"a\",[";
    strcat(deeper, text + 6);
    assert_true(strlen(deeper) > strlen(text));
    deeper[strlen(deeper) - 1] = '\0';
    strcat(deeper, "]]");
    assert_false(reads(deeper));
}

/* ---- the frames of a long message ---- */

static void a_long_message_is_several_frames_and_one_poll(void **state)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    size_t length = 3 * MSIM_PACKET_PIECE + 17;
    char *text = test_malloc(length);
    struct msim_bytes out;
    const unsigned char *frame;
    size_t frames = 0;
    size_t size;

    (void)state;
    memset(text, 'y', length);
    struct msim_engineio_packet *packet =
        msim_eio_packet_create(&allocator, '4', MSIM_MESSAGE_TEXT, text, length);
    assert_non_null(packet);
    for (size_t at = 0; (size = msim_eio_packet_frame(packet, at, &frame)) > 0; at += size) {
        assert_int_equal(frame[0] & 0x0F, frames == 0 ? 1 : 0);
        assert_int_equal(frame[0] >> 7, at + size == packet->size);
        frames++;
    }
    assert_int_equal(frames, 4);
    msim_bytes_init(&out, SIZE_MAX / 4, &allocator);
    assert_int_equal(msim_eio_packet_poll(packet, &out), MSIM_OK);
    assert_int_equal(msim_bytes_length(&out), length + 1);
    assert_int_equal(msim_bytes_front(&out)[0], '4');
    assert_memory_equal(msim_bytes_front(&out) + 1, text, length);
    msim_bytes_finish(&out);
    msim_engineio_packet_release(&packet);
    test_free(text);
}

static void base64_is_read_strictly(void **state)
{
    static const char *const bad[] = {
        "A", "AB", "ABC", "AB=C", "A===", "====", "AB C", "AQ=\n", "AR==", "AQJ=",
    };
    unsigned char out[16];

    (void)state;
    assert_int_equal(msim_eio_packet_decode_base64((const unsigned char *)"AQIDBA==", 8, out), 4);
    assert_memory_equal(out, "\1\2\3\4", 4);
    assert_int_equal(msim_eio_packet_decode_base64((const unsigned char *)"", 0, out), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            msim_eio_packet_decode_base64((const unsigned char *)bad[i], strlen(bad[i]), out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_namespace_ack_name_and_arguments),
        cmocka_unit_test(a_namespace_ends_with_its_comma_or_with_the_packet),
        cmocka_unit_test(good_packets_are_read),
        cmocka_unit_test(breaches_are_refused),
        cmocka_unit_test(json_that_is_too_deep_is_refused),
        cmocka_unit_test(a_long_message_is_several_frames_and_one_poll),
        cmocka_unit_test(base64_is_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
