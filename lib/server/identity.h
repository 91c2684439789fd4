/*
 * Names that nobody can guess.
 */
#ifndef MSIM_SERVER_IDENTITY_H
#define MSIM_SERVER_IDENTITY_H

#include <stdbool.h>

/* 120 random bits in URL-safe base64. */
#define MSIM_IDENTITY_LENGTH 20

/* False where the system has no random bytes. */
bool msim_identity(char out[MSIM_IDENTITY_LENGTH + 1]);

#endif
