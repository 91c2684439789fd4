#define _GNU_SOURCE /* getrandom */

#include "server/identity.h"

#include <stddef.h>
#include <sys/random.h>

#include <nettle/base64.h>

#define RANDOM_BYTES 15

bool msim_identity(char out[MSIM_IDENTITY_LENGTH + 1])
{
    unsigned char bytes[RANDOM_BYTES];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    base64_encode_raw(out, sizeof bytes, bytes);
    for (size_t i = 0; i < MSIM_IDENTITY_LENGTH; i++) {
        if (out[i] == '+')
            out[i] = '-';
        if (out[i] == '/')
            out[i] = '_';
    }
    out[MSIM_IDENTITY_LENGTH] = '\0';
    return true;
}
