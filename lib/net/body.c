#include "net/body.h"

/* A chunk's size has at most so many digits: more than any bound of ours. */
#define SIZE_DIGITS 15

void msim_body_by_length(struct msim_body *body, uint64_t length)
{
    *body =
        (struct msim_body){.left = length, .state = length > 0 ? MSIM_BODY_PLAIN : MSIM_BODY_END};
}

void msim_body_in_chunks(struct msim_body *body)
{
    *body = (struct msim_body){.state = MSIM_BODY_SIZE};
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What may stand in an extension or a trailer. */
static bool is_text(unsigned char c)
{
    return c >= 0x20 ? c != 0x7F : c == '\t';
}

static bool size_byte(struct msim_body *body, unsigned char c)
{
    int value = hex_value(c);

    if (value >= 0) {
        body->left = body->left << 4 | (unsigned)value;
        return ++body->digits <= SIZE_DIGITS;
    }
    if (body->digits == 0)
        return false;
    if (c == '\r') {
        body->state = MSIM_BODY_SIZE_LF;
        return true;
    }
    body->state = MSIM_BODY_EXTENSION;
    return c == ';' || c == ' ' || c == '\t';
}

static void chunk_begin(struct msim_body *body)
{
    body->state = body->left > 0 ? MSIM_BODY_CHUNK : MSIM_BODY_TRAILER;
    body->line = 0;
    body->digits = 0;
}

static bool expect(struct msim_body *body, unsigned char c, unsigned char expected,
                   enum msim_body_state next)
{
    body->state = (uint8_t)next;
    return c == expected;
}

/* A byte that is none of the body's own. */
static bool framing_byte(struct msim_body *body, unsigned char c)
{
    switch ((enum msim_body_state)body->state) {
    case MSIM_BODY_SIZE:
        return ++body->line <= MSIM_CHUNK_LINE_MAX && size_byte(body, c);
    case MSIM_BODY_EXTENSION:
        if (c == '\r')
            body->state = MSIM_BODY_SIZE_LF;
        return ++body->line <= MSIM_CHUNK_LINE_MAX && (c == '\r' || is_text(c));
    case MSIM_BODY_SIZE_LF:
        chunk_begin(body);
        return c == '\n';
    case MSIM_BODY_CHUNK_CR:
        return expect(body, c, '\r', MSIM_BODY_CHUNK_LF);
    case MSIM_BODY_CHUNK_LF:
        return expect(body, c, '\n', MSIM_BODY_SIZE);
    case MSIM_BODY_TRAILER:
        body->state = c == '\r' ? MSIM_BODY_LAST_LF : MSIM_BODY_TRAILER_LINE;
        return ++body->line <= MSIM_TRAILER_MAX && (c == '\r' || (is_text(c) && c > ' '));
    case MSIM_BODY_TRAILER_LINE:
        if (c == '\r')
            body->state = MSIM_BODY_TRAILER_LF;
        return ++body->line <= MSIM_TRAILER_MAX && (c == '\r' || is_text(c));
    case MSIM_BODY_TRAILER_LF:
        return expect(body, c, '\n', MSIM_BODY_TRAILER);
    case MSIM_BODY_LAST_LF:
        return expect(body, c, '\n', MSIM_BODY_END);
    case MSIM_BODY_PLAIN:
    case MSIM_BODY_CHUNK:
    case MSIM_BODY_END:
        break;
    }
    return false;
}

int64_t msim_body_next(struct msim_body *body, const unsigned char *bytes, size_t length,
                       const unsigned char **piece, size_t *piece_length)
{
    *piece = NULL;
    *piece_length = 0;
    for (size_t i = 0; i < length && body->state != MSIM_BODY_END; i++) {
        if (body->state != MSIM_BODY_PLAIN && body->state != MSIM_BODY_CHUNK) {
            if (!framing_byte(body, bytes[i]))
                return MSIM_ERR_FORMAT;
            if (body->state == MSIM_BODY_END)
                return (int64_t)i + 1;
            continue;
        }
        *piece = bytes + i;
        *piece_length = body->left < length - i ? (size_t)body->left : length - i;
        body->left -= *piece_length;
        if (body->left == 0)
            body->state = body->state == MSIM_BODY_PLAIN ? MSIM_BODY_END : MSIM_BODY_CHUNK_CR;
        return (int64_t)(i + *piece_length);
    }
    return body->state == MSIM_BODY_END ? 0 : (int64_t)length;
}
