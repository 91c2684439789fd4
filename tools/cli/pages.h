/*
 * An allocator whose large tables lie in large pages.
 *
 * A table of many megabytes that is looked into here and there costs a walk through the system's
 * page tables for each look, the more so in a virtual machine.  Where the system has large pages
 * for those who ask (transparent_hugepage: madvise or always), there is one walk for 2 MiB.
 */
#ifndef TOOLS_CLI_PAGES_H
#define TOOLS_CLI_PAGES_H

#include <marketsim/base.h>

struct msim_allocator pages_allocator(void);

#endif
