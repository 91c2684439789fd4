/*
 * Which pages of other origins a browser lets read our answers (CORS, the Fetch standard).
 */
#ifndef MSIM_NET_CORS_H
#define MSIM_NET_CORS_H

#include <marketsim/http.h>

#include "base/bytes.h"
#include "net/http.h"
#include "net/texts.h"

/* A rule with copies of all it was given. */
struct msim_cors_entry {
    char *path; /* without the star */
    size_t path_length;
    bool is_prefix;
    bool is_open; /* to every origin */
    bool credentials;
    struct msim_texts origins;
    struct msim_texts texts; /* the headers that may be sent, then those that may be read */
    const char *headers;     /* NULL: those that are asked for */
    const char *exposed;     /* NULL: none beyond the standard's */
    uint32_t max_age_s;
};

/* Words for what is wrong with a rule; NULL for nothing. */
const char *msim_cors_mistake(const struct msim_cors *cors);

/* MSIM_ERR_NOMEM leaves nothing behind. */
int msim_cors_copy(struct msim_cors_entry *out, const struct msim_cors *cors,
                   const struct msim_allocator *allocator);
void msim_cors_finish(struct msim_cors_entry *entry, const struct msim_allocator *allocator);

/* The rule for a path: the most exact one; NULL where there is none. */
const struct msim_cors_entry *msim_cors_find(const struct msim_cors_entry *entries, size_t count,
                                             const char *path);

/* May pages of this origin read what the rule is for? */
bool msim_cors_allows(const struct msim_cors_entry *entry, struct msim_http_text origin);

/* Appends the header lines that every answer to this request bears; MSIM_ERR_NOMEM. */
int msim_cors_write(struct msim_bytes *out, const struct msim_cors_entry *entry,
                    const struct msim_http_head *head);

/* Is this a browser's question beforehand (a preflight)? */
bool msim_cors_is_question(const struct msim_http_head *head);

/*
 * Appends the header lines of its answer, beside those of msim_cors_write.  `allow` are the
 * methods that the path has; "" where it has them all.
 */
int msim_cors_write_answer(struct msim_bytes *out, const struct msim_cors_entry *entry,
                           const struct msim_http_head *head, const char *allow);

#endif
