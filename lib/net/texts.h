/*
 * A list of texts that was copied from its owner's: allowed origins, hosts, names.
 */
#ifndef MSIM_NET_TEXTS_H
#define MSIM_NET_TEXTS_H

#include <marketsim/base.h>

struct msim_texts {
    char *memory; /* the texts behind one another, each with its terminator */
    size_t size;
    size_t count;
};

/* MSIM_ERR_INVALID where one is NULL or empty, MSIM_ERR_NOMEM; then nothing is held. */
int msim_texts_copy(struct msim_texts *out, const char *const *texts, size_t count,
                    const struct msim_allocator *allocator);
void msim_texts_finish(struct msim_texts *texts, const struct msim_allocator *allocator);

/* Is this one among them (a == A)? */
bool msim_texts_have(const struct msim_texts *texts, const char *text, size_t length);

#endif
