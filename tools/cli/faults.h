/*
 * A plan of what befalls messages, from a file, for a server that does it.
 */
#ifndef TOOLS_CLI_FAULTS_H
#define TOOLS_CLI_FAULTS_H

#include <marketsim/faults.h>

#include "cli/terminal.h"

struct fault_plan {
    const char *path; /* NULL: nothing befalls them */
    uint64_t seed;
    char *text;
    size_t length;
    struct msim_faults *faults; /* NULL where there is no plan */
};

/*
 * Reads the file, and makes a failure layer whose time begins with 0 and is the wall's.  `check`
 * says whether the server can do what the plan asks.  -1 to go on, else the exit code: what was
 * wrong has been said.
 */
int fault_plan_open(struct fault_plan *plan, struct terminal *terminal,
                    const struct msim_logger *logger,
                    int (*check)(const char *json, size_t length, struct msim_detail *detail));

/* What they have done, as one line of JSON on stderr; nothing where `faults` is NULL. */
void faults_print(const struct msim_faults *faults);

void fault_plan_finish(struct fault_plan *plan);

#endif
