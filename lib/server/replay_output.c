#include "server/replay_output.h"

#include <string.h>

#include "base/detail.h"

/* The first byte of a frame: the last one of its message, or one that continues it. */
#define FRAME_FIN 0x80U
#define FRAME_OPCODE 0x0FU

/* Most frames have a head of four bytes (126 to 65535 bytes); room is left for that. */
#define USUAL_HEAD ((size_t)4)

/* A bundle's end and a longer head always find room behind its trades. */
#define END_LENGTH (sizeof MSIM_REPLAY_BUNDLE_END - 1)
#define SPARE_LENGTH (END_LENGTH + MSIM_FRAME_HEAD_SIZE - USUAL_HEAD)

/* With this much a fragment is long enough: it keeps the usual head. */
#define FRAGMENT_BYTES ((size_t)60 << 10)

static char *message_of(const struct msim_replay_output *output)
{
    return (char *)output->buffer + output->run + USUAL_HEAD;
}

static int hand_on_run(struct msim_replay_output *output)
{
    if (output->run == 0)
        return MSIM_OK;
    size_t length = output->run;
    output->run = 0;
    return output->frames(output->context, output->buffer, length);
}

enum piece { NOT_LAST, LAST };

/* The message, or what there is of it, becomes a frame at the end of the run. */
static void make_frame(struct msim_replay_output *output, enum piece piece)
{
    unsigned char head[MSIM_FRAME_HEAD_SIZE];
    unsigned char *frame = output->buffer + output->run;
    size_t head_length = msim_frame_head(head, MSIM_MESSAGE_TEXT, output->length);

    if (piece == NOT_LAST)
        head[0] &= (unsigned char)~FRAME_FIN;
    if (output->is_cut)
        head[0] &= (unsigned char)~FRAME_OPCODE;
    if (head_length != USUAL_HEAD)
        memmove(frame + head_length, frame + USUAL_HEAD, output->length);
    memcpy(frame, head, head_length);
    output->run += head_length + output->length;
    output->length = 0;
}

/* A message of its own where nobody must see it, and where a part of it has left already. */
static bool is_framed(const struct msim_replay_output *output)
{
    return !output->message || output->is_cut;
}

static int end_message(struct msim_replay_output *output)
{
    if (!output->is_held) {
        if (output->is_bundled) {
            memcpy(message_of(output) + output->length, MSIM_REPLAY_BUNDLE_END, END_LENGTH);
            output->length += END_LENGTH;
        }
        output->messages++;
    }
    if (is_framed(output)) {
        make_frame(output, LAST);
        output->is_open = output->is_cut = false;
        return output->run >= MSIM_REPLAY_RUN_BYTES ? hand_on_run(output) : MSIM_OK;
    }
    int r = output->message(output->context, &output->last, message_of(output), output->length);
    output->is_held = r == MSIM_ERR_LIMIT;
    if (output->is_held)
        return r;
    output->is_open = false;
    output->length = 0;
    return r;
}

/* Room for more of the message under way: what is there leaves. */
static int make_room(struct msim_replay_output *output)
{
    if (!output->is_open || output->length == 0)
        return hand_on_run(output);
    if (!output->frames)
        return end_message(output);
    if (output->run == 0 || output->length >= MSIM_REPLAY_RUN_BYTES / 2) {
        make_frame(output, NOT_LAST);
        output->is_cut = true;
        return hand_on_run(output);
    }
    /* It moves to the front, where there may be room for all of it. */
    char *message = message_of(output);
    int r = hand_on_run(output);
    memmove(message_of(output), message, output->length);
    return r;
}

static int encode(struct msim_replay_output *output, const struct msim_record *record)
{
    size_t start = output->run + USUAL_HEAD + output->length;
    enum msim_replay_place place = MSIM_REPLAY_ALONE;
    size_t length;

    if (output->is_bundled)
        place = output->is_open ? MSIM_REPLAY_NEXT : MSIM_REPLAY_FIRST;
    if (start + SPARE_LENGTH >= output->size)
        return MSIM_ERR_LIMIT;
    int r =
        msim_replay_encode_placed(output->encoder, place, record, (char *)output->buffer + start,
                                  output->size - SPARE_LENGTH - start, &length);
    if (r < 0)
        return r;
    output->length += length;
    output->is_open = true;
    if (output->message)
        output->last = *record;
    return MSIM_OK;
}

/* Encodes it, where room is made as often as it takes. */
static int encode_somehow(struct msim_replay_output *output, const struct msim_record *record,
                          struct msim_detail *detail)
{
    int r = output->frames && output->length >= FRAGMENT_BYTES ? make_room(output) : MSIM_OK;

    if (r >= 0)
        r = encode(output, record);
    while (r == MSIM_ERR_LIMIT && (output->run > 0 || output->length > 0)) {
        r = make_room(output);
        if (output->is_held) {
            output->pending = *record;
            output->has_pending = true;
            return r;
        }
        if (r >= 0)
            r = encode(output, record);
    }
    if (r == MSIM_ERR_LIMIT)
        return msim_detail_set(detail, r, "a trade is too long for a message of %zu bytes",
                               output->size);
    return r;
}

int msim_replay_output_trade(struct msim_replay_output *output, const struct msim_record *record,
                             struct msim_detail *detail)
{
    int r = encode_somehow(output, record, detail);

    return r < 0 || output->is_bundled ? r : end_message(output);
}

int msim_replay_output_end_bundle(struct msim_replay_output *output)
{
    return output->is_open ? end_message(output) : MSIM_OK;
}

int msim_replay_output_flush(struct msim_replay_output *output)
{
    if (output->is_held) {
        int r = end_message(output);
        if (r < 0)
            return r;
    }
    if (output->has_pending) {
        output->has_pending = false;
        int r = encode(output, &output->pending);
        if (r < 0)
            return r;
    }
    if (!output->frames)
        return MSIM_OK;
    if (output->is_open && output->length > 0) {
        make_frame(output, NOT_LAST);
        output->is_cut = true;
    }
    return hand_on_run(output);
}
