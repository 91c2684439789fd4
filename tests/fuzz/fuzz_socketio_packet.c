/*
 * Any bytes as a packet of Socket.IO: what is read lies inside the packet, and what is written
 * from it is read the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/socketio/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct msim_socketio_limits limits = {10, 32};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool lies_in(const char *part, size_t length, const char *text, size_t size)
{
    return length == 0 || (part >= text && part + length <= text + size);
}

static void check_inside(const struct msim_socketio_packet *packet, const char *text, size_t size)
{
    must(packet->name_space_length > 0 && packet->name_space[0] == '/');
    must(packet->name_space_length == 1 ||
         lies_in(packet->name_space, packet->name_space_length, text, size));
    must(lies_in(packet->json, packet->json_length, text, size));
    must(packet->attachments <= limits.max_attachments);
    must(strlen(packet->ack) <= MSIM_SIO_ACK_DIGITS);
    if (packet->type != MSIM_SIO_EVENT && packet->type != MSIM_SIO_BINARY_EVENT)
        return;
    must(packet->name_start < packet->name_end && packet->name_end <= packet->json_length);
    must(lies_in(packet->arguments, packet->arguments_length, text, size));
}

static bool same_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static void check_again(const struct msim_socketio_packet *packet)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_socketio_packet again;
    struct msim_bytes out;
    char *name = malloc(packet->name_space_length + 1);

    must(name != NULL);
    memcpy(name, packet->name_space, packet->name_space_length);
    name[packet->name_space_length] = '\0';
    /* A zero byte in a namespace is nobody's name, and none of ours has one. */
    if (strlen(name) == packet->name_space_length) {
        msim_bytes_init(&out, SIZE_MAX / 4, &allocator);
        must(msim_socketio_packet_head(&out, packet->type, packet->attachments, name,
                                       packet->ack[0] != '\0' ? packet->ack : NULL) >= 0);
        must(msim_bytes_append(&out, packet->json, packet->json_length) >= 0);
        must(msim_socketio_packet_read(&again, (const char *)msim_bytes_front(&out),
                                       msim_bytes_length(&out), &limits));
        must(again.type == packet->type && again.attachments == packet->attachments);
        must(strcmp(again.ack, packet->ack) == 0);
        must(same_text(again.name_space, again.name_space_length, packet->name_space,
                       packet->name_space_length));
        must(same_text(again.json, again.json_length, packet->json, packet->json_length));
        msim_bytes_finish(&out);
    }
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct msim_socketio_packet packet;

    if (!msim_socketio_packet_read(&packet, text, size, &limits))
        return 0;
    check_inside(&packet, text, size);
    check_again(&packet);
    return 0;
}
