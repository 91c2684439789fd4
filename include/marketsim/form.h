/*
 * What clients send beside JSON: queries and forms, `a=1&b=%20`, and multipart/form-data.
 */
#ifndef MARKETSIM_FORM_H
#define MARKETSIM_FORM_H

#include <marketsim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a query, or a body of application/x-www-form-urlencoded ---- */

/* A pair as it was written; borrowed from the text. */
struct msim_form_pair {
    const char *key;
    size_t key_length;
    const char *value; /* "" where there is no '=' */
    size_t value_length;
};

/* The next pair; false at the end.  `text` and `length` move on behind it. */
MSIM_API bool msim_form_next(const char **text, size_t *length, struct msim_form_pair *pair);

/*
 * "%41" becomes "A", "+" a space.  Returns the length of what was written, terminated.
 * MSIM_ERR_FORMAT for a bad escape, a zero byte or what is not UTF-8, MSIM_ERR_LIMIT where it
 * needs more than `size` bytes.
 */
MSIM_API int msim_form_decode(char *out, size_t size, const char *raw, size_t length);

/*
 * The decoded value of the first pair with this key, as msim_form_decode returns it.
 * MSIM_ERR_NOT_FOUND where there is none, MSIM_ERR_FORMAT also for a key before it that cannot
 * be decoded.
 */
MSIM_API int msim_form_value(const char *text, size_t length, const char *key, char *out,
                             size_t size);

/* ---- multipart/form-data (RFC 7578), as it comes ---- */

struct msim_multipart;

/* Borrowed for the call.  The names are the peer's own words: no paths to be opened. */
struct msim_part {
    const char *name;         /* of the field */
    const char *file_name;    /* NULL: it is no file */
    const char *content_type; /* "text/plain" where the part says nothing */
    size_t index;             /* 0, 1, 2 ... */
};

/* A negative result ends the feeding with it.  NULL members are skipped. */
struct msim_multipart_handler {
    int (*part)(void *context, const struct msim_part *part);
    int (*bytes)(void *context, const unsigned char *bytes, size_t length);
    int (*end)(void *context); /* of the part */
};

struct msim_multipart_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    const char *content_type;               /* the request's, with its boundary */
    struct msim_multipart_handler handler;
    void *context;
    size_t max_head_bytes;   /* 4 KiB: the header lines of one part */
    size_t max_parts;        /* 64 */
    uint64_t max_part_bytes; /* 1 MiB: the content of one part */
};
#define MSIM_MULTIPART_PARAMS_INIT                                        \
    {                                                                     \
        sizeof(struct msim_multipart_params), 0, 0, {0, 0, 0}, 0, 0, 0, 0 \
    }

/*
 * MSIM_ERR_UNSUPPORTED for another content type (answer 415), MSIM_ERR_FORMAT for one without a
 * good boundary, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_multipart_create(struct msim_multipart **out,
                                   const struct msim_multipart_params *params,
                                   struct msim_detail *detail);
MSIM_API void msim_multipart_destroy(struct msim_multipart **multipart);

/*
 * The next bytes of the body, cut anywhere.  MSIM_ERR_FORMAT (400), MSIM_ERR_LIMIT (413) with
 * the bound's name, or what a handler returned; the same from then on.
 */
MSIM_API int msim_multipart_feed(struct msim_multipart *multipart, const void *bytes, size_t length,
                                 struct msim_detail *detail);

/* The body has ended: MSIM_ERR_FORMAT where the form has not. */
MSIM_API int msim_multipart_finish(struct msim_multipart *multipart, struct msim_detail *detail);

#ifdef __cplusplus
}
#endif

#endif
