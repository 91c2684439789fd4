/*
 * A build without SQLite: what is pushed stays in memory.
 */
#include "base/detail.h"
#include "server/dashboard/archive.h"

int msim_archive_open(struct msim_archive **out, const char *path, struct msim_store *store,
                      struct msim_detail *detail)
{
    (void)out;
    (void)store;
    return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                           "%s: this build keeps no files, since SQLite was not found: install "
                           "libsqlite3-dev and build again",
                           path);
}

void msim_archive_close(struct msim_archive **archive)
{
    (void)archive;
}

int msim_archive_add(struct msim_archive *archive,
                     struct msim_table *const tables[MSIM_TABLE_KINDS], const char *stamp,
                     struct msim_detail *detail)
{
    (void)archive;
    (void)tables;
    (void)stamp;
    return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED, "this build has no SQLite");
}
