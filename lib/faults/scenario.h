/*
 * A scenario's inside: what reading it, running it and reporting on it share.
 *
 * The text is kept as it was read; a step is a node of it.
 */
#ifndef MSIM_FAULTS_SCENARIO_H
#define MSIM_FAULTS_SCENARIO_H

#include "faults/report.h"

#include "base/json.h"

#define STEPS_MOST 10000
#define EXPECTATIONS_MOST 1000

enum verb {
    VERB_ENABLE,
    VERB_DISABLE,
    VERB_ADD,
    VERB_UPDATE,
    VERB_REMOVE,
    VERB_FIRE,
    VERB_VENUE,
    VERB_HEAL,
    VERB_RESET,
    VERB_MARK,
};

enum condition {
    ON_TIME,
    ON_MESSAGE, /* at a wire tap */
    ON_EVENT,   /* at the report tap */
    ON_ORDER_STATE,
    ON_POSITION,
    ON_HITS,
};

#define FAILURE_SIZE 192 /* of a step's latest failure; more is cut */

struct step {
    enum verb verb;
    enum condition condition;
    uint32_t node;
    msim_time at;
    msim_time every;
    int64_t times; /* further ones */
    struct selector select;
    uint64_t count;
    uint64_t met; /* how often so far */
    bool repeat;
    bool done;
    const char *id;
    const char *symbol;
    const char *account;
    int64_t least;
    int64_t most;
    uint64_t ran;
    uint64_t failed;
    char failure[FAILURE_SIZE];
};

enum verdict_on {
    VERDICT_OPEN,
    VERDICT_HOLDS,
    VERDICT_FAILED,
};

/* What an expectation that does not hold lacks. */
enum lack_of {
    LACK_NOTHING,
    LACK_HITS,
    LACK_RESTRAINT, /* there were more hits than it wants */
    LACK_VIEW,      /* nobody has said what the account believes */
    LACK_TRUTH,
};

/* Hits of a strategy, or (`ledger`) an account that is to be reconciled. */
struct expectation {
    const char *about;
    bool ledger;
    int64_t least;
    int64_t most;
    uint64_t gone;    /* hits of strategies of that id that have been removed */
    msim_time within; /* of the end; 0: at it */
    enum verdict_on verdict;
    enum lack_of lack; /* where it has failed: what was missing then */
    uint64_t hits;     /* and how many there were */
};

struct scenario {
    char *text;
    size_t length;
    struct msim_json_document document;
    struct strategy *words; /* whose arena holds the texts of the steps */
    struct step *steps;
    size_t count;
    const char *name;
    struct expectation *expectations;
    size_t expectation_count;
    msim_time started;
    msim_time ended; /* MSIM_TIME_NEVER while it runs */
    uint64_t marks;
    uint64_t seed;
    uint32_t strategies; /* their node */
};

/* Reads a scenario and holds it against the layer, in which nothing changes. */
int msim_fault_scenario_read(struct msim_faults *faults, const char *json, size_t length,
                             struct scenario **out, struct msim_detail *detail);
/* Refuses expectations and conditions on strategies that neither stand nor come. */
int msim_fault_scenario_names(const struct msim_faults *faults, const struct scenario *scenario,
                              struct msim_detail *detail);
void msim_fault_scenario_free(struct msim_faults *faults, struct scenario *scenario);

/* The action of a venue step as a strategy's document; it and its text are the caller's. */
int msim_fault_scenario_venue(const struct msim_faults *faults,
                              const struct msim_json_document *scenario, uint32_t node,
                              struct msim_json_document *document, struct msim_bytes *text,
                              struct msim_detail *detail);

const char *msim_fault_verb_name(enum verb verb);
/* The key that a step of this verb cannot do without; NULL. */
const char *msim_fault_verb_need(enum verb verb);

/* 0 where no such strategy stands. */
uint64_t msim_fault_hits_of(const struct msim_faults *faults, const char *id);

/* It ends now: every expectation has its verdict, but for those that have some time yet. */
void msim_fault_scenario_judge(const struct msim_faults *faults, struct scenario *scenario);

#endif
