#include "cli/faults.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/files.h"
#include "cli/options.h"

#define MOST_FILE_BYTES ((size_t)16 << 20)

int fault_plan_open(struct fault_plan *plan, struct terminal *terminal,
                    const struct msim_logger *logger,
                    int (*check)(const char *json, size_t length, struct msim_detail *detail))
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    if (!plan->path)
        return -1;
    plan->text = file_read(plan->path, MOST_FILE_BYTES, &plan->length, &detail);
    if (!plan->text) {
        terminal_fail(terminal, "--faults: %s", detail.text);
        return EXIT_USAGE;
    }
    params.seed = plan->seed;
    params.realtime = true;
    params.logger = logger;
    int r = check(plan->text, plan->length, &detail);
    if (r >= 0)
        r = msim_faults_create(&plan->faults, &params, &detail);
    if (r >= 0)
        r = msim_faults_add_all(plan->faults, 0, plan->text, plan->length, &detail);
    if (r >= 0)
        return -1;
    terminal_fail(terminal, "--faults: %s: %s", plan->path,
                  detail.text[0] ? detail.text : msim_result_text(r));
    /* What the file asks for is the caller's mistake, whatever is wrong with it. */
    return r == MSIM_ERR_NOMEM ? EXIT_FAILED : EXIT_USAGE;
}

void faults_print(const struct msim_faults *faults)
{
    size_t room = 0;
    size_t length = 0;

    if (!faults)
        return;
    /* What is wrong with the first call is told by the second. */
    msim_faults_statistics(faults, NULL, NULL, 0, &room);
    char *text = malloc(room + 1);
    int r = text ? msim_faults_statistics(faults, NULL, text, room + 1, &length) : MSIM_ERR_NOMEM;
    if (r >= 0)
        fprintf(stderr, "%.*s\n", (int)length, text);
    else
        fprintf(stderr, "--faults: what they did cannot be said: %s\n", msim_result_text(r));
    free(text);
}

void fault_plan_finish(struct fault_plan *plan)
{
    msim_faults_destroy(&plan->faults);
    free(plan->text);
    plan->text = NULL;
}
