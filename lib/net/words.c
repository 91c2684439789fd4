/*
 * The system's words for an error.  In a file of its own: strerror_r has two forms, and
 * this one is seen only where no GNU extensions are asked for.
 */
#define _POSIX_C_SOURCE 200809L
#include "net/socket.h"

#include <stdio.h>
#include <string.h>

const char *msim_error_text(char out[MSIM_ERROR_TEXT], int error)
{
    if (strerror_r(error, out, MSIM_ERROR_TEXT) != 0)
        snprintf(out, MSIM_ERROR_TEXT, "error %d", error);
    return out;
}
