/*
 * A session's recording: frames that are read again byte for byte, and a replay that ends.
 *
 * Half of the inputs are made into good frames first, so that what is behind the checksum is
 * reached too.
 */
#include <stdlib.h>
#include <string.h>

#include <marketsim/server.h>

#include "server/exchange/recording.h"

#define MOST_INPUT ((size_t)64 << 10)
#define MOST_TIME (10 * MSIM_NS_PER_S) /* of a market that is replayed here */

static void require(bool holds)
{
    if (!holds)
        abort();
}

static uint32_t check_of(const unsigned char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

/* Puts a right length and checksum before every piece of `size` bytes. */
static size_t frame_all(const uint8_t *data, size_t length, unsigned char *out)
{
    size_t used = MSIM_RECORDING_MAGIC_LENGTH;

    memcpy(out, MSIM_RECORDING_MAGIC, MSIM_RECORDING_MAGIC_LENGTH);
    while (length > 2) {
        size_t size = (size_t)data[0] | (size_t)(data[1] & 3) << 8;
        data += 2;
        length -= 2;
        size = size < length ? size : length;
        uint32_t check = check_of(data, size);
        for (size_t i = 0; i < 4; i++) {
            out[used + i] = (unsigned char)(size >> (8 * i));
            out[used + 4 + i] = (unsigned char)(check >> (8 * i));
        }
        memcpy(out + used + 8, data, size);
        used += 8 + size;
        data += size;
        length -= size;
    }
    return used;
}

/* Whether it is a short session at the usual pace: a replay takes as long as its market does. */
static bool is_short(const unsigned char *bytes, size_t length)
{
    struct msim_frame frame;
    size_t at = MSIM_RECORDING_MAGIC_LENGTH;
    msim_time first = 0;

    while (at < length && msim_exchange_frame_read(bytes, length, &at, &frame, NULL) > 0) {
        if (frame.kind == FRAME_SETTING && frame.text_count > 0 &&
            (strstr(frame.texts[0].text, "refresh") || strstr(frame.texts[0].text, "tick")))
            return false;
        if (frame.kind == FRAME_OPENED_FOR)
            first = frame.time;
        if (first != 0 && frame.time > first && (uint64_t)frame.time - (uint64_t)first > MOST_TIME)
            return false;
    }
    return true;
}

static void read_frames(const unsigned char *bytes, size_t length)
{
    struct msim_detail detail = {{0}};
    struct msim_frame frame;
    size_t at = 0;
    size_t before = 0;
    int r;

    while ((r = msim_exchange_frame_read(bytes, length, &at, &frame, &detail)) > 0) {
        require(at > before && at <= length && frame.text_count <= MSIM_FRAME_TEXTS);
        for (size_t i = 0; i < frame.text_count; i++)
            require(frame.texts[i].text[frame.texts[i].length] == '\0');
        before = at;
    }
    require(r == 0 ? at == length : r == MSIM_ERR_FORMAT && detail.text[0] != '\0');
}

static void replay(const unsigned char *bytes, size_t length)
{
    struct msim_exchange_replay_params params = MSIM_EXCHANGE_REPLAY_PARAMS_INIT;
    struct msim_exchange_replay_result result;
    struct msim_detail detail = {{0}};

    params.bytes = bytes;
    params.length = length;
    int r = msim_exchange_replay(&params, &result, &detail);
    require(r == MSIM_OK || detail.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > MOST_INPUT)
        return 0;
    unsigned char *bytes = malloc(MSIM_RECORDING_MAGIC_LENGTH + 8 * size + 16);
    if (!bytes)
        return 0;
    size_t length = size - 1;
    if (data[0] & 1)
        length = frame_all(data + 1, size - 1, bytes);
    else
        memcpy(bytes, data + 1, length);
    read_frames(bytes + (data[0] & 1 ? MSIM_RECORDING_MAGIC_LENGTH : 0),
                data[0] & 1 ? length - MSIM_RECORDING_MAGIC_LENGTH : length);
    if (is_short(bytes, length))
        replay(bytes, length);
    free(bytes);
    return 0;
}
