#include "net/ws.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "net/framer.h"

/*
 * A message may inflate to so much whatever it came from; beyond, to so many times that.  Honest
 * messages are packed a thousand to one where they are all alike, and what is within the default
 * of max_message_bytes is bounded by that.
 */
#define RATIO_FREE (1024 * 1024)
#define RATIO_MOST 300

static enum msim_ws_outcome wrong(struct msim_ws_fault *fault, int code, const char *words)
{
    *fault = (struct msim_ws_fault){code, words};
    return MSIM_WS_FAULT;
}

/* What is amiss with a frame's head by itself; NULL for nothing. */
static const char *head_mistake(const struct msim_ws *ws, const struct msim_frame *frame)
{
    bool begins = frame->opcode == MSIM_OPCODE_TEXT || frame->opcode == MSIM_OPCODE_BINARY;

    /* The first frame alone says that its message is compressed. */
    if (frame->reserved != 0 && !(ws->deflate && begins && frame->reserved == MSIM_FRAME_RSV1))
        return "reserved bits are set";
    if (ws->role == MSIM_WS_SERVER && !frame->masked)
        return "a client's frame must be masked";
    if (ws->role == MSIM_WS_CLIENT && frame->masked)
        return "a server's frame must not be masked";

    switch (frame->opcode) {
    case MSIM_OPCODE_CONTINUATION:
        return ws->message ? NULL : "nothing to continue";
    case MSIM_OPCODE_TEXT:
    case MSIM_OPCODE_BINARY:
        return ws->message ? "a new message inside another" : NULL;
    case MSIM_OPCODE_CLOSE:
    case MSIM_OPCODE_PING:
    case MSIM_OPCODE_PONG:
        if (!frame->final)
            return "a fragmented control frame";
        return frame->length > MSIM_FRAME_CONTROL_MAX ? "a control frame beyond 125 bytes" : NULL;
    default:
        return "an unknown opcode";
    }
}

static enum msim_ws_outcome judge(const struct msim_ws *ws, const struct msim_ws_sink *sink,
                                  const struct msim_frame *frame, struct msim_ws_fault *fault)
{
    const char *mistake = head_mistake(ws, frame);
    if (mistake)
        return wrong(fault, MSIM_CLOSE_PROTOCOL, mistake);
    if (msim_frame_is_control(frame))
        return MSIM_WS_MORE;

    size_t bound = sink->max_message_bytes;
    size_t so_far = ws->message ? msim_bytes_length(&ws->message->bytes) : 0;
    if (frame->reserved != 0 || (ws->message && ws->message->inflater)) {
        bound = msim_inflate_bound(bound);
        so_far = ws->message ? ws->message->packed : 0;
    }
    if (frame->length > bound - so_far)
        return wrong(fault, MSIM_CLOSE_TOO_LARGE, "the message is too large");
    return MSIM_WS_MORE;
}

/* ---- messages of several pieces ---- */

static struct msim_ws_message *message_begin(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                             const struct msim_frame *frame)
{
    struct msim_inflater *inflater = NULL;

    if (frame->reserved != 0 && !(inflater = msim_inflate_begin(ws->deflate)))
        return NULL;
    struct msim_ws_message *message = msim_mem_zero(&ws->pool->allocator, sizeof *message);
    if (!message) {
        msim_inflate_end(ws->deflate, inflater);
        return NULL;
    }
    message->opcode = frame->opcode;
    message->inflater = inflater;
    msim_bytes_init(&message->bytes, sink->max_message_bytes, &ws->pool->allocator);
    ws->message = message;
    return message;
}

static void message_free(struct msim_ws *ws, struct msim_ws_message *message)
{
    msim_inflate_end(ws->deflate, message->inflater);
    msim_bytes_finish(&message->bytes);
    msim_mem_free(&ws->pool->allocator, message, sizeof *message);
}

static enum msim_ws_outcome message_end(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                        struct msim_ws_fault *fault)
{
    struct msim_ws_message *message = ws->message;
    bool text = message->opcode == MSIM_OPCODE_TEXT;

    if (text && !msim_utf8_ended(&message->utf8))
        return wrong(fault, MSIM_CLOSE_BAD_DATA, "a text message ends within a character");

    /* No longer the connection's: the handler may end it. */
    size_t length = msim_bytes_length(&message->bytes);
    const unsigned char *bytes =
        length > 0 ? msim_bytes_front(&message->bytes) : (const unsigned char *)"";
    ws->message = NULL;
    bool goes_on =
        sink->message(sink->context, text ? MSIM_MESSAGE_TEXT : MSIM_MESSAGE_BINARY, bytes, length);
    message_free(ws, message);
    return goes_on ? MSIM_WS_MORE : MSIM_WS_STOPPED;
}

/* What a piece inflates to. */
static int take_inflated(void *context, const unsigned char *bytes, size_t length)
{
    struct msim_ws_message *message = context;
    size_t sum = msim_bytes_length(&message->bytes) + length;

    if (sum > RATIO_FREE && sum / RATIO_MOST > message->packed)
        return MSIM_ERR_OVERFLOW;
    if (message->opcode == MSIM_OPCODE_TEXT && !msim_utf8_check(&message->utf8, bytes, length))
        return MSIM_ERR_INVALID;
    return msim_bytes_append(&message->bytes, bytes, length);
}

static enum msim_ws_outcome inflate_piece(struct msim_ws *ws, const unsigned char *bytes,
                                          size_t length, bool is_last, struct msim_ws_fault *fault)
{
    struct msim_ws_message *message = ws->message;
    const struct msim_inflate_sink sink = {take_inflated, message};

    message->packed += length;
    /* Nothing is nothing, though a packer would have said so with a block. */
    if (is_last && message->packed == 0)
        return MSIM_WS_MORE;
    switch (msim_inflate_piece(ws->deflate, message->inflater, bytes, length, is_last, &sink)) {
    case MSIM_OK:
        return MSIM_WS_MORE;
    case MSIM_ERR_OVERFLOW:
        return wrong(fault, MSIM_CLOSE_TOO_LARGE, "so little cannot stand for so much");
    case MSIM_ERR_LIMIT:
        return wrong(fault, MSIM_CLOSE_TOO_LARGE, "the message is too large");
    case MSIM_ERR_INVALID:
        return wrong(fault, MSIM_CLOSE_BAD_DATA, "a text message that is not UTF-8");
    case MSIM_ERR_FORMAT:
        return wrong(fault, MSIM_CLOSE_BAD_DATA, "compressed data that is none");
    default:
        return wrong(fault, MSIM_CLOSE_INTERNAL, "out of memory");
    }
}

/* A piece of a data frame's payload; `ends` where it is the last of the frame. */
static enum msim_ws_outcome data_piece(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                       const struct msim_frame *frame, const unsigned char *bytes,
                                       size_t length, bool ends, struct msim_ws_fault *fault)
{
    struct msim_ws_message *message = ws->message;
    if (!message)
        message = message_begin(ws, sink, frame);
    if (!message)
        return wrong(fault, MSIM_CLOSE_INTERNAL, "out of memory");

    if (message->inflater) {
        enum msim_ws_outcome outcome =
            inflate_piece(ws, bytes, length, ends && frame->final, fault);
        return outcome == MSIM_WS_MORE && ends && frame->final ? message_end(ws, sink, fault)
                                                               : outcome;
    }
    if (message->opcode == MSIM_OPCODE_TEXT && !msim_utf8_check(&message->utf8, bytes, length))
        return wrong(fault, MSIM_CLOSE_BAD_DATA, "a text message that is not UTF-8");
    if (msim_bytes_append(&message->bytes, bytes, length) < 0)
        return wrong(fault, MSIM_CLOSE_INTERNAL, "out of memory");
    return ends && frame->final ? message_end(ws, sink, fault) : MSIM_WS_MORE;
}

static enum msim_ws_outcome control_end(const struct msim_ws_sink *sink,
                                        const struct msim_frame *frame, const unsigned char *bytes)
{
    bool goes_on =
        sink->control(sink->context, (enum msim_opcode)frame->opcode, bytes, (size_t)frame->length);
    return goes_on ? MSIM_WS_MORE : MSIM_WS_STOPPED;
}

/* ---- frames ---- */

/* A frame that lies whole in the bytes. */
static enum msim_ws_outcome whole_frame(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                        const struct msim_frame *frame, unsigned char *payload,
                                        struct msim_ws_fault *fault)
{
    size_t length = (size_t)frame->length;

    if (frame->masked)
        msim_frame_mask(payload, length, frame->key);
    if (msim_frame_is_control(frame))
        return control_end(sink, frame, payload);
    if (ws->message || !frame->final || frame->reserved != 0)
        return data_piece(ws, sink, frame, payload, length, true, fault);

    bool text = frame->opcode == MSIM_OPCODE_TEXT;
    if (text && !msim_utf8_valid(payload, length))
        return wrong(fault, MSIM_CLOSE_BAD_DATA, "a text message that is not UTF-8");
    bool goes_on = sink->message(sink->context, text ? MSIM_MESSAGE_TEXT : MSIM_MESSAGE_BINARY,
                                 payload, length);
    return goes_on ? MSIM_WS_MORE : MSIM_WS_STOPPED;
}

/* The frame in flight has come to its end. */
static enum msim_ws_outcome flight_end(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                       const unsigned char *bytes, size_t length,
                                       struct msim_ws_fault *fault)
{
    struct msim_framer *framer = ws->framer;
    enum msim_ws_outcome outcome;

    /* As with a message: the handler may end the connection. */
    ws->framer = NULL;
    if (msim_frame_is_control(&framer->frame))
        outcome = control_end(sink, &framer->frame, framer->control);
    else
        outcome = data_piece(ws, sink, &framer->frame, bytes, length, true, fault);
    msim_framer_return(framer);
    return outcome;
}

static enum msim_ws_outcome flight_piece(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                         const struct wslay_frame_iocb *piece, bool ends,
                                         struct msim_ws_fault *fault)
{
    struct msim_framer *framer = ws->framer;

    if (msim_frame_is_control(&framer->frame)) {
        memcpy(framer->control + framer->control_length, piece->data, piece->data_length);
        framer->control_length = (uint8_t)(framer->control_length + piece->data_length);
    } else if (!ends) {
        return data_piece(ws, sink, &framer->frame, piece->data, piece->data_length, false, fault);
    }
    return ends ? flight_end(ws, sink, piece->data, piece->data_length, fault) : MSIM_WS_MORE;
}

/* Goes on with the frame in flight; says how many bytes of its payload were taken. */
static enum msim_ws_outcome fly(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                const unsigned char *bytes, size_t length, size_t *taken,
                                struct msim_ws_fault *fault)
{
    struct msim_framer *framer = ws->framer;
    uint64_t payload_before = framer->payload_left;
    enum msim_ws_outcome outcome = MSIM_WS_MORE;

    framer->bytes = bytes;
    framer->bytes_left = length;
    while (outcome == MSIM_WS_MORE && ws->framer) {
        struct wslay_frame_iocb piece;
        ssize_t r = wslay_frame_recv(framer->context, &piece);
        *taken = (size_t)(payload_before - framer->payload_left);
        if (r == WSLAY_ERR_WANT_READ)
            break;
        if (r < 0)
            return wrong(fault, MSIM_CLOSE_PROTOCOL, "a frame that cannot be read");
        framer->delivered += piece.data_length;
        outcome = flight_piece(ws, sink, &piece, framer->delivered == framer->frame.length, fault);
    }
    return outcome;
}

/* The frame's head is whole, not all of its payload is there. */
static enum msim_ws_outcome take_off(struct msim_ws *ws, const struct msim_frame *frame,
                                     const unsigned char *head, struct msim_ws_fault *fault)
{
    struct msim_framer *framer = msim_framer_lend(ws->pool);
    if (!framer)
        return wrong(fault, MSIM_CLOSE_INTERNAL, "out of memory");

    framer->frame = *frame;
    memcpy(framer->head, head, frame->head_size);
    framer->head_left = frame->head_size;
    framer->payload_left = frame->length;
    framer->delivered = 0;
    framer->control_length = 0;
    ws->framer = framer;
    return MSIM_WS_MORE;
}

/*
 * The head that begins at `bytes`, or the one whose beginning came earlier: as many
 * bytes of it as are there, and maybe what follows it.
 */
static void next_head(struct msim_ws *ws, const unsigned char *bytes, size_t length,
                      const unsigned char **head, size_t *head_length)
{
    if (ws->head_length == 0 && length >= MSIM_FRAME_HEAD_MAX) {
        *head = bytes;
        *head_length = MSIM_FRAME_HEAD_MAX;
        return;
    }
    size_t taken = sizeof ws->head - ws->head_length;
    if (taken > length)
        taken = length;
    memcpy(ws->head + ws->head_length, bytes, taken);
    *head = ws->head;
    *head_length = ws->head_length + taken;
}

static enum msim_ws_outcome begin_frame(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                        unsigned char *bytes, size_t length, size_t *taken,
                                        struct msim_ws_fault *fault)
{
    const unsigned char *head;
    size_t head_length;
    struct msim_frame frame;

    next_head(ws, bytes, length, &head, &head_length);
    int size = msim_frame_read_head(&frame, head, head_length);
    if (size < 0)
        return wrong(fault, MSIM_CLOSE_PROTOCOL, "a length that is not in its shortest form");
    if (size == 0) {
        ws->head_length = (uint8_t)head_length;
        *taken = length;
        return MSIM_WS_MORE;
    }
    enum msim_ws_outcome outcome = judge(ws, sink, &frame, fault);
    if (outcome != MSIM_WS_MORE)
        return outcome;

    *taken = (size_t)size - ws->head_length;
    ws->head_length = 0;
    if (frame.length <= length - *taken) {
        unsigned char *payload = bytes + *taken;
        *taken += (size_t)frame.length;
        return whole_frame(ws, sink, &frame, payload, fault);
    }
    return take_off(ws, &frame, head, fault);
}

enum msim_ws_outcome msim_ws_feed(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                  unsigned char *bytes, size_t length, struct msim_ws_fault *fault)
{
    while (length > 0) {
        size_t taken = 0;
        enum msim_ws_outcome outcome = ws->framer
                                           ? fly(ws, sink, bytes, length, &taken, fault)
                                           : begin_frame(ws, sink, bytes, length, &taken, fault);
        if (outcome != MSIM_WS_MORE)
            return outcome;
        bytes += taken;
        length -= taken;
    }
    return MSIM_WS_MORE;
}

void msim_ws_finish(struct msim_ws *ws)
{
    msim_framer_free(ws->framer);
    ws->framer = NULL;
    if (ws->message)
        message_free(ws, ws->message);
    ws->message = NULL;
}

/* ---- close frames ---- */

bool msim_ws_code_travels(int code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != MSIM_CLOSE_NONE &&
           code != MSIM_CLOSE_ABNORMAL;
}

int msim_ws_read_close(struct msim_ws_close *close, const unsigned char *bytes, size_t length,
                       struct msim_ws_fault *fault)
{
    *close = (struct msim_ws_close){.code = MSIM_CLOSE_NONE};
    if (length == 0)
        return MSIM_OK;
    if (length == 1) {
        wrong(fault, MSIM_CLOSE_PROTOCOL, "half a close code");
        return MSIM_ERR_FORMAT;
    }
    int code = bytes[0] << 8 | bytes[1];
    if (!msim_ws_code_travels(code)) {
        wrong(fault, MSIM_CLOSE_PROTOCOL, "a close code that must not be sent");
        return MSIM_ERR_FORMAT;
    }
    if (!msim_utf8_valid(bytes + 2, length - 2)) {
        wrong(fault, MSIM_CLOSE_BAD_DATA, "a close reason that is not UTF-8");
        return MSIM_ERR_FORMAT;
    }
    *close = (struct msim_ws_close){code, bytes + 2, length - 2};
    return MSIM_OK;
}
