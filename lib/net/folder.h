/*
 * Files below one folder, and none beyond it.
 */
#ifndef MSIM_NET_FOLDER_H
#define MSIM_NET_FOLDER_H

#include "base/bytes.h"

/*
 * Reads a whole file into `out`.  `path` is relative; none of its parts begins with a dot, and
 * links are not followed.  MSIM_ERR_NOT_FOUND for what is no such file or is larger than `out`
 * may hold, MSIM_ERR_IO for one that cannot be read, MSIM_ERR_NOMEM.
 */
int msim_folder_read(struct msim_bytes *out, const char *folder, const char *path);

/* MSIM_ERR_IO with words where it is no folder that can be opened. */
int msim_folder_check(const char *folder, struct msim_detail *detail);

#endif
