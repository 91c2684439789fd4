#include "server/exchange/recording.h"

#include <string.h>

#include "base/bytes.h"
#include "base/detail.h"
#include "base/mem.h"

#define HEAD 8   /* length and checksum */
#define FIXED 25 /* kind, time, number, value */

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

static uint32_t checksum(const unsigned char *bytes, size_t length)
{
    uint64_t hash = mix(FNV_OFFSET, bytes, length);

    return (uint32_t)(hash ^ hash >> 32);
}

void msim_exchange_tally(struct msim_exchange_tally *tally, const void *bytes, size_t length)
{
    uint64_t size = length;

    tally->messages++;
    tally->hash =
        mix(mix(tally->hash != 0 ? tally->hash : FNV_OFFSET, &size, sizeof size), bytes, length);
}

/* ---- writing ---- */

static void put(unsigned char *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static size_t size_of(const struct msim_native_text *texts, size_t count)
{
    size_t size = FIXED;

    for (size_t i = 0; i < count; i++)
        size += 5 + texts[i].length;
    return size;
}

static void fill(unsigned char *out, const struct msim_frame *frame)
{
    out[0] = (unsigned char)frame->kind;
    put(out + 1, (uint64_t)frame->time, 8);
    put(out + 9, frame->number, 8);
    put(out + 17, frame->value, 8);
    out += FIXED;
    for (size_t i = 0; i < frame->text_count; i++) {
        put(out, frame->texts[i].length, 4);
        if (frame->texts[i].length > 0)
            memcpy(out + 4, frame->texts[i].text, frame->texts[i].length);
        out[4 + frame->texts[i].length] = '\0';
        out += 5 + frame->texts[i].length;
    }
}

void msim_exchange_record(struct msim_exchange_server *server, int kind, uint64_t number,
                          uint64_t value, const struct msim_native_text *texts, size_t count)
{
    struct msim_frame frame = {kind, server->now, number, value, {{0}}, count};
    size_t size = size_of(texts, count);
    unsigned char *room;

    if (!server->record || server->failure < 0)
        return;
    for (size_t i = 0; i < count; i++)
        frame.texts[i] = texts[i];
    int r = msim_bytes_reserve(&server->frame, HEAD + size, &room);
    if (r >= 0) {
        fill(room + HEAD, &frame);
        put(room, size, 4);
        put(room + 4, checksum(room + HEAD, size), 4);
        r = server->record(server->record_context, room, HEAD + size);
    }
    if (r < 0)
        msim_exchange_fail(server, r, "the session cannot be recorded any further");
}

/* What is of the wire alone, keys among it, is not recorded. */
static bool is_kept(const struct msim_exchange_leaf *leaf)
{
    return msim_exchange_path_match("server.**", leaf->path) == 0 ||
           msim_exchange_path_match("server.cancel_on_disconnect", leaf->path) == 2;
}

int msim_exchange_record_start(struct msim_exchange_server *server,
                               const struct msim_exchange_server_params *params)
{
    struct msim_native_text texts[2] = {
        msim_frame_text(msim_version()),
        {params->scenario, params->scenario ? params->scenario_length : 0},
    };

    msim_bytes_init(&server->frame, HEAD + MSIM_FRAME_MAX, &server->allocator);
    server->record = params->record;
    server->record_context = params->record_context;
    if (!server->record)
        return MSIM_OK;
    int r =
        server->record(server->record_context, MSIM_RECORDING_MAGIC, MSIM_RECORDING_MAGIC_LENGTH);
    if (r < 0)
        return r;
    msim_exchange_record(server, FRAME_START, (uint64_t)params->scenario_lasts, server->max_clients,
                         texts, 2);
    for (size_t i = 0; params->config && i < params->config->count; i++) {
        const struct msim_exchange_leaf *leaf = &params->config->leaves[i];
        texts[0] = msim_frame_text(leaf->path);
        texts[1] = msim_frame_text(leaf->value);
        if (is_kept(leaf))
            msim_exchange_record(server, FRAME_SETTING, 0, 0, texts, 2);
    }
    msim_exchange_record(server, FRAME_OPENED_FOR, 0, 0, NULL, 0);
    return server->failure;
}

/* ---- reading ---- */

static uint64_t get(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static bool read_texts(const unsigned char *at, const unsigned char *end, struct msim_frame *out)
{
    while (at < end) {
        if (out->text_count == MSIM_FRAME_TEXTS || end - at < 5)
            return false;
        size_t length = (size_t)get(at, 4);
        if ((size_t)(end - at) - 5 < length || at[4 + length] != '\0')
            return false;
        out->texts[out->text_count++] = (struct msim_native_text){(const char *)at + 4, length};
        at += 5 + length;
    }
    return true;
}

int msim_exchange_frame_read(const unsigned char *bytes, size_t length, size_t *at,
                             struct msim_frame *out, struct msim_detail *detail)
{
    const unsigned char *frame = bytes + *at;
    size_t left = length - *at;

    if (left == 0)
        return 0;
    if (left < HEAD + FIXED)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "byte %zu: the recording ends inside a frame", *at);
    size_t size = (size_t)get(frame, 4);
    if (size < FIXED || size > MSIM_FRAME_MAX || size > left - HEAD)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "byte %zu: a frame of %zu bytes, where %zu are left", *at, size,
                               left - HEAD);
    if (get(frame + 4, 4) != checksum(frame + HEAD, size))
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "byte %zu: the checksum is wrong", *at);
    frame += HEAD;
    *out = (struct msim_frame){
        .kind = frame[0],
        .time = (msim_time)get(frame + 1, 8),
        .number = get(frame + 9, 8),
        .value = get(frame + 17, 8),
    };
    if (out->kind == 0 || out->kind >= FRAME_KINDS || !read_texts(frame + FIXED, frame + size, out))
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "byte %zu: no frame of this version", *at);
    *at += HEAD + size;
    return 1;
}
