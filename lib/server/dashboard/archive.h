/*
 * The store's file: an SQLite database, written before a push is acknowledged.
 *
 * A push is one transaction, of its rows and of the sums that it changes, which are the store's
 * own with the push's added, so that nothing is summed anew when old rows are gone.
 */
#ifndef MSIM_SERVER_DASHBOARD_ARCHIVE_H
#define MSIM_SERVER_DASHBOARD_ARCHIVE_H

#include "server/dashboard/store.h"

struct msim_archive;

/*
 * Opens or makes the file, for this process alone, and reads it into the empty store.
 * MSIM_ERR_UNSUPPORTED in a build without SQLite, MSIM_ERR_FORMAT for a file that is none of
 * ours, MSIM_ERR_IO, MSIM_ERR_NOMEM; with words.
 */
int msim_archive_open(struct msim_archive **out, const char *path, struct msim_store *store,
                      struct msim_detail *detail);
void msim_archive_close(struct msim_archive **archive);

/* As msim_store_add, once the file has it.  After a failure neither has. */
int msim_archive_add(struct msim_archive *archive,
                     struct msim_table *const tables[MSIM_TABLE_KINDS], const char *stamp,
                     struct msim_detail *detail);

#endif
