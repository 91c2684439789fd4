/*
 * The heads of HTTP/1.1 messages (RFC 9112), strictly: a pure function of bytes.
 *
 * What two programs could read differently is refused rather than guessed: folded
 * lines, bare CR or LF, a space before a colon, two Hosts, two lengths, a length
 * beside a transfer coding.
 */
#ifndef MSIM_NET_HTTP_H
#define MSIM_NET_HTTP_H

#include <marketsim/base.h>

/* Borrowed from the head's bytes, not terminated. */
struct msim_http_text {
    const char *at;
    size_t length;
};

struct msim_http_field {
    struct msim_http_text name;
    struct msim_http_text value; /* without the white space around it */
};

/* More header lines than this are refused with 431. */
#define MSIM_HTTP_MAX_FIELDS 100

struct msim_http_head {
    /* A request's. */
    struct msim_http_text method;
    struct msim_http_text authority; /* of the absolute form, else the Host */
    struct msim_http_text path;      /* raw; "*" for OPTIONS */
    struct msim_http_text query;     /* raw, without the '?' */
    /* A response's. */
    int status;
    struct msim_http_text phrase;
    /* Both. */
    int minor; /* HTTP/1.minor */
    bool has_body;
    bool is_chunked;
    uint64_t body_length; /* 0 where it comes in chunks */
    size_t field_count;
    struct msim_http_field fields[MSIM_HTTP_MAX_FIELDS];
};

/* Where the search for the end of a head stands.  Zeroed at first. */
struct msim_http_scan {
    size_t seen;
    size_t line;       /* where the line under way began */
    size_t line_count; /* that have ended */
};

enum msim_http_progress {
    MSIM_HTTP_MORE = 0,
    MSIM_HTTP_WHOLE = 1, /* `scan->line` is the head's length, its empty line included */
    MSIM_HTTP_REFUSED = 2,
};

/* What a head is refused with. */
struct msim_http_refusal {
    int status; /* 400, 431, 501, 505 */
    const char *words;
    const char *allow; /* with 405: the methods that there are; NULL: GET */
    const char *lines; /* further header lines with their ends; NULL: none */
    size_t lines_length;
};

/*
 * Looks for the end of a head in the `length` bytes that are there so far; each byte
 * is looked at once, however they are cut.
 */
enum msim_http_progress msim_http_scan(struct msim_http_scan *scan, const char *bytes,
                                       size_t length, size_t limit,
                                       struct msim_http_refusal *refusal);

/* Reads a whole head.  MSIM_OK or MSIM_ERR_FORMAT with what it is refused with. */
int msim_http_read_request(struct msim_http_head *head, const char *bytes, size_t length,
                           struct msim_http_refusal *refusal);
int msim_http_read_response(struct msim_http_head *head, const char *bytes, size_t length,
                            struct msim_http_refusal *refusal);

bool msim_http_is(struct msim_http_text text, const char *word);         /* as it is */
bool msim_http_is_loosely(struct msim_http_text text, const char *word); /* a == A */
bool msim_http_equals_loosely(struct msim_http_text a, struct msim_http_text b);

/* The only field of this name: NULL where there is none; `*count` may be NULL. */
const struct msim_http_field *msim_http_field(const struct msim_http_head *head, const char *name,
                                              size_t *count);

/* Does a comma-separated list in any field of this name hold the word (a == A)? */
bool msim_http_lists(const struct msim_http_head *head, const char *name, const char *word);

/*
 * "%41" becomes "A".  Writes at most raw.length bytes and a terminator.  MSIM_ERR_FORMAT
 * for a bad escape, a zero byte, or what is not UTF-8.
 */
int msim_http_decode(char *out, struct msim_http_text raw);

/* The byte that the escape at `at` stands for; -1 for a bad one. */
int msim_http_escaped_byte(struct msim_http_text raw, size_t at);

/* Are all escapes well formed?  For a query, which stays raw. */
bool msim_http_escapes_valid(struct msim_http_text raw);

/* May it stand in a header line of ours? */
bool msim_http_header_valid(const char *name, const char *value);
bool msim_http_value_valid(const char *value);

/* "Not Found". */
const char *msim_http_phrase(int status);

#endif
