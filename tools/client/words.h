/*
 * What an exchange says, in a line for people.
 */
#ifndef TOOLS_CLIENT_WORDS_H
#define TOOLS_CLIENT_WORDS_H

#include "base/json.h"

#define WORDS_TEXT 256

/* A member's text, cut to what is room for and without control bytes; "-" where it is null or
 * there is none. */
const char *words_member(const struct msim_json_document *document, uint32_t object,
                         const char *key, char out[static WORDS_TEXT]);

bool words_is(const struct msim_json_document *document, const char *key, const char *value);

/* Prints it; false where the message is of a kind that has no words here. */
bool words_print(const struct msim_json_document *document);

#endif
