/*
 * A library without the dashboard's page.
 */
#include "server/dashboard/page.h"

const struct msim_asset *msim_page_files(size_t *count)
{
    *count = 0;
    return NULL;
}
