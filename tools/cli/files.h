/*
 * What options name: small files, read whole.
 */
#ifndef TOOLS_CLI_FILES_H
#define TOOLS_CLI_FILES_H

#include <marketsim/base.h>

#include <stddef.h>

/*
 * The file's bytes with a terminator behind them, to be freed; NULL with words in `detail`, which
 * begin with the path.  A file of more than `most` bytes is refused.
 */
char *file_read(const char *path, size_t most, size_t *length, struct msim_detail *detail);

#endif
