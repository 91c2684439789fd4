/*
 * The dashboard's page, as it was built into the library.
 */
#ifndef MSIM_SERVER_DASHBOARD_PAGE_H
#define MSIM_SERVER_DASHBOARD_PAGE_H

#include <marketsim/assets.h>

/* All files, their paths below "/".  None where the library was built without the page. */
const struct msim_asset *msim_page_files(size_t *count);

#endif
