/*
 * JSON (RFC 8259): a strict reader over a borrowed text, and a writer.
 *
 * The reader gives one token after the other with its place in bytes and takes
 * no memory; nothing recurses.  Strict means: one value with nothing but white
 * space around it, valid UTF-8, no byte order mark, surrogates in pairs.  A
 * number stays text until somebody asks for it, so no digit is ever lost.
 *
 * A document is the same as an array of nodes, for texts that are asked for their
 * parts in any order: configurations, plans.
 */
#ifndef MSIM_BASE_JSON_H
#define MSIM_BASE_JSON_H

#include <marketsim/base.h>

#include "base/bytes.h"

#define MSIM_JSON_MAX_BYTES ((size_t)16 << 20)
#define MSIM_JSON_MAX_DEPTH 64
#define MSIM_JSON_MAX_NODES 1000000

/* No limit on the depth can be set above it. */
#define MSIM_JSON_DEPTH_MOST 512

enum msim_json_duplicates {
    MSIM_JSON_DUPLICATES_REFUSED = 0,
    MSIM_JSON_DUPLICATES_LAST_WINS = 1,
};

/* Bounds; zero means the default.  A text beyond one of them is MSIM_ERR_LIMIT. */
struct msim_json_limits {
    size_t max_bytes; /* MSIM_JSON_MAX_BYTES; a document holds at most UINT32_MAX - 1 */
    size_t max_depth; /* MSIM_JSON_MAX_DEPTH objects and arrays inside each other */
    size_t max_nodes; /* MSIM_JSON_MAX_NODES values of a document */
    enum msim_json_duplicates duplicates; /* keys of a document; the reader does not compare keys */
};

enum msim_json_kind {
    MSIM_JSON_END = 0, /* the whole text has been read and is valid */
    MSIM_JSON_NULL,
    MSIM_JSON_FALSE,
    MSIM_JSON_TRUE,
    MSIM_JSON_NUMBER,
    MSIM_JSON_STRING,
    MSIM_JSON_OBJECT, /* its '{'; the members follow, then MSIM_JSON_OBJECT_END */
    MSIM_JSON_ARRAY,
    MSIM_JSON_OBJECT_END,
    MSIM_JSON_ARRAY_END,
};

/* "object", "string", ...: with "an" or "a" before it, for people. */
const char *msim_json_kind_text(enum msim_json_kind kind);

/* ---- token by token ---- */

struct msim_json_token {
    enum msim_json_kind kind;
    size_t depth; /* how many objects and arrays are around it; the same at both ends of one */
    size_t start; /* text[start .. end) is the token, a string with its quotes */
    size_t end;
    size_t key_start; /* the key, with its quotes, of a value in an object; else both 0 */
    size_t key_end;
};

struct msim_json_reader {
    const char *text;
    size_t length;
    size_t at;
    size_t depth;
    size_t max_depth;
    int state;
    int failure; /* MSIM_OK, or what every further call returns */
    size_t failed_at;
    const char *why;
    uint64_t objects[MSIM_JSON_DEPTH_MOST / 64]; /* a bit for each level: an object, not an array */
};

/* Borrows the text until it is no longer used.  `limits` may be NULL. */
void msim_json_init(struct msim_json_reader *reader, const char *text, size_t length,
                    const struct msim_json_limits *limits);

/*
 * The next token's kind, MSIM_JSON_END when all has been read, or MSIM_ERR_FORMAT or
 * MSIM_ERR_LIMIT, for good.  What a text is worth is known only at its end.
 */
int msim_json_next(struct msim_json_reader *reader, struct msim_json_token *token);

/* After an object's or array's first token: goes on behind its last one. */
int msim_json_skip(struct msim_json_reader *reader, const struct msim_json_token *token);

/* The failure in words ("line 3, column 7 (byte 41): ..."); returns it. */
int msim_json_explain(const struct msim_json_reader *reader, struct msim_detail *detail);

/* The place of a byte, both from 1; columns count characters. */
void msim_json_place(const char *text, size_t length, size_t at, size_t *line, size_t *column);

/* ---- what a token means; start and end are the token's or node's ---- */

/*
 * A string's characters with a terminator; `length` (may be NULL) is their count in
 * bytes, since U+0000 may be one of them.  end - start - 1 bytes are always room enough;
 * MSIM_ERR_LIMIT where `size` is not, and nothing is written.
 */
int msim_json_string(const char *text, size_t start, size_t end, char *out, size_t size,
                     size_t *length);

/* Whether a string or key, unescaped, is `word`. */
bool msim_json_is(const char *text, size_t start, size_t end, const char *word);
bool msim_json_is_bytes(const char *text, size_t start, size_t end, const char *bytes,
                        size_t length);

/*
 * A string's characters without a copy of it: runs of bytes that stand for themselves, and
 * unescaped characters one by one.
 */
struct msim_json_pieces {
    const char *text;
    size_t at;
    size_t end;
    char character[4];
};
void msim_json_pieces_init(struct msim_json_pieces *pieces, const char *text, size_t start,
                           size_t end);

/* False where none is left.  Borrowed: valid until the next call. */
bool msim_json_piece(struct msim_json_pieces *pieces, const char **bytes, size_t *length);

/*
 * A number, exactly, whatever its notation: 1.5e3 is the integer 1500, 1.0 is 1.
 * MSIM_ERR_OVERFLOW where int64 at this exponent does not hold it: too large, or with
 * digits below the exponent.
 */
int msim_json_integer(const char *text, size_t start, size_t end, int64_t *value);
int msim_json_decimal(const char *text, size_t start, size_t end, int exponent, int64_t *mantissa);

/* The same at the exponent that the number itself has, in -18..0: 1.50 is 150 at -2, 2e3 2000 at 0.
 */
int msim_json_decimal_any(const char *text, size_t start, size_t end, int64_t *mantissa,
                          int *exponent);

/* ---- as a document ---- */

#define MSIM_JSON_NONE UINT32_MAX

struct msim_json_node {
    enum msim_json_kind kind;
    uint32_t parent; /* node numbers; MSIM_JSON_NONE where there is none */
    uint32_t next;
    uint32_t first;
    uint32_t count; /* members or items */
    uint32_t start; /* text[start .. end): all of the value, with its brackets or quotes */
    uint32_t end;
    uint32_t key_start; /* as in a token */
    uint32_t key_end;
};

struct msim_json_document {
    const char *text;
    size_t length;
    struct msim_json_node *nodes; /* nodes[0] is the outermost value */
    size_t count;
    size_t capacity;
    struct msim_allocator allocator;

    /*
     * Whoever merged the text from what somebody had sent may say so: refusals name places in
     * that one.  The values `sent_depth` levels down were merged from its node `sent_node`.
     * Borrowed as long as there may be refusals.
     */
    const struct msim_json_document *sent;
    uint32_t sent_node;
    uint32_t sent_depth;
};

/*
 * Borrows the text until the finish.  MSIM_ERR_FORMAT, MSIM_ERR_LIMIT, MSIM_ERR_NOMEM,
 * and MSIM_ERR_INVALID for a key that stands twice in one object.
 */
int msim_json_document_read(struct msim_json_document *out, const char *text, size_t length,
                            const struct msim_json_limits *limits,
                            const struct msim_allocator *allocator, struct msim_detail *detail);
void msim_json_document_finish(struct msim_json_document *document);

/* The member of an object (the last of that name); MSIM_JSON_NONE where there is none. */
uint32_t msim_json_member(const struct msim_json_document *document, uint32_t object,
                          const char *key);

/* The node's JSON pointer (RFC 6901), cut to `size`; returns the length of all of it. */
size_t msim_json_pointer(const struct msim_json_document *document, uint32_t node, char *out,
                         size_t size);

/*
 * Writes "/strategies/0/p (line 3, column 7): words" and returns `result`: for values
 * that are JSON, but not what was asked for.  A value that was not sent stands behind the
 * place of the sent one around it: "/dist (line 1, column 9): as merged, /dist/min: words".
 */
int msim_json_refuse(const struct msim_json_document *document, uint32_t node,
                     struct msim_detail *detail, int result, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- writing ---- */

/*
 * Puts commas and colons where they belong.  A failure (MSIM_ERR_LIMIT, MSIM_ERR_NOMEM)
 * sticks and is told by msim_json_write_end, so that calls need no check of their own.
 */
struct msim_json_writer {
    struct msim_bytes *bytes; /* NULL: a fixed buffer */
    unsigned char *window;    /* at .. limit is free, window .. at is written */
    unsigned char *at;
    unsigned char *limit;
    size_t before; /* what waited in `bytes` at the start */
    size_t depth;
    bool comma; /* a value stands before this place */
    int failure;
};

/* Appends to `bytes`, which nobody else touches until the end. */
void msim_json_write_bytes(struct msim_json_writer *writer, struct msim_bytes *bytes);
void msim_json_write_buffer(struct msim_json_writer *writer, void *buffer, size_t size);

/*
 * The failure, or MSIM_OK and in `*length` (may be NULL) how many bytes were written.
 * After a failure `bytes` is as it was at the start.
 */
int msim_json_write_end(struct msim_json_writer *writer, size_t *length);

void msim_json_write_object(struct msim_json_writer *writer);
void msim_json_write_object_end(struct msim_json_writer *writer);
void msim_json_write_array(struct msim_json_writer *writer);
void msim_json_write_array_end(struct msim_json_writer *writer);

/* The key of the value that follows. */
void msim_json_write_key(struct msim_json_writer *writer, const char *key);
void msim_json_write_key_bytes(struct msim_json_writer *writer, const char *key, size_t length);

/* Bytes that are no UTF-8 become U+FFFD, so that what is written can always be read. */
void msim_json_write_string(struct msim_json_writer *writer, const char *text, size_t length);
void msim_json_write_text(struct msim_json_writer *writer, const char *text);

void msim_json_write_null(struct msim_json_writer *writer);
void msim_json_write_bool(struct msim_json_writer *writer, bool value);
void msim_json_write_integer(struct msim_json_writer *writer, int64_t value);
void msim_json_write_unsigned(struct msim_json_writer *writer, uint64_t value);

/* mantissa * 10^exponent (-18..0) without trailing zeros: 1.5, and quoted "1.5". */
void msim_json_write_decimal(struct msim_json_writer *writer, int64_t mantissa, int exponent);
void msim_json_write_decimal_text(struct msim_json_writer *writer, int64_t mantissa, int exponent);

/* A finished value, as it is. */
void msim_json_write_raw(struct msim_json_writer *writer, const char *json, size_t length);

#endif
