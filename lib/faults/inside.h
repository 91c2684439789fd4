/*
 * The layer's inside: what it consists of.
 *
 * A strategy stands in a slot and has a state on each link that it matches; a
 * session has a link for each direction; a held message is a node.  Nodes, their
 * rarer parts and lanes live in pools whose items never move.  What the layer's
 * files do with all this for each other is in stages.h.
 */
#ifndef MSIM_FAULTS_INSIDE_H
#define MSIM_FAULTS_INSIDE_H

#include <marketsim/faults.h>

#include "base/due.h"
#include "base/number.h"
#include "faults/far.h"
#include "faults/kept.h"
#include "faults/plant.h"
#include "faults/pool.h"
#include "faults/strategy.h"
#include "record/symbols.h"

#define STRATEGIES_MOST 256
#define SLOT_WORDS (STRATEGIES_MOST / 64)

/* ---- state ---- */

/* Short of MSIM_TIME_NEVER, whatever the delay. */
static inline msim_time moment_after(msim_time now, msim_time delay)
{
    msim_time sum;

    return msim_add_check(now, delay, &sum) && sum < MSIM_TIME_NEVER ? sum : MSIM_TIME_NEVER - 1;
}

/* From one moment to another, cut to what int64 holds. */
static inline msim_time time_between(msim_time from, msim_time to)
{
    msim_time length;

    if (msim_sub_check(to, from, &length))
        return length;
    return to > from ? INT64_MAX : INT64_MIN;
}

/* One strategy on one link (of report kinds: for one account). */
struct state {
    uint64_t key;     /* of its random stream */
    uint32_t bucket;  /* of a throttle */
    uint64_t before;  /* messages that had passed when the strategy came */
    uint64_t matches; /* for skip and every */
    uint64_t decided; /* for max_hits where it counts by link */
    msim_time last_decided;
    uint64_t sticky_hit; /* the previous uniforms */
    uint64_t sticky_delay;
    bool sticky_set;
    bool ge_bad;
    bool ge_started;
    bool aged; /* its session has met `max_age` */
    msim_time ge_until;
    uint64_t ge_sojourns;
    uint64_t arrivals; /* of a rate */
    uint64_t ge_transitions;
    uint64_t ge_good_messages;
    uint64_t ge_bad_messages;
    struct msim_fault_counts counts;
};

/* Drawn or effective lengths of time. */
struct series {
    uint64_t count;
    int64_t min;
    int64_t max;
    msim_int128 sum;
    msim_uint128 sum_squares;
    uint64_t histogram[64]; /* by the position of the highest bit */
};

struct throttle_counts {
    uint64_t granted;
    uint64_t delayed;
    uint64_t rejected;
    uint64_t dropped;
    uint64_t kicked;
    uint64_t banned;
    uint64_t conflated;
    uint64_t queue_now;
    uint64_t queue_max;
    uint64_t permanent; /* bans for good */
};

struct reorder_counts {
    uint64_t held;
    uint64_t released_by_count;
    uint64_t released_by_timer;
    uint64_t released_by_flush;
    uint64_t discarded;
    uint64_t held_now;
};

struct report_counts {
    uint64_t emitted;
    uint64_t busted;
    uint64_t suppressed;
};

struct kind_counts {
    uint64_t dropped;
    uint64_t copies;
    uint64_t mutations[CORRUPTIONS];
    struct throttle_counts throttle;
    struct series drawn;
    struct series effective;
    struct reorder_counts reorder;
    uint64_t actions[MSIM_FAULT_ACTION_HTTP_STATUS + 1];
    struct report_counts report;
    uint64_t silenced; /* messages that its session states kept back */
};

/* A waiting message of a throttle's bucket. */
struct waiting {
    uint32_t node;
    msim_int128 cost;
    uint64_t key; /* for conflation; 0: never conflated */
};

/* The moments of the latest grants: moments[first .. first + count), the oldest first. */
struct grants {
    msim_time *moments;
    size_t first;
    size_t count;
    size_t capacity;
};

struct bucket {
    bool used;
    uint64_t key;
    msim_int128 level;    /* tokens * 10^18 */
    msim_time at;         /* the moment the level is of */
    struct grants grants; /* of a throttle that counts within a stretch of time */
    struct waiting *queue;
    size_t first; /* a ring */
    size_t count;
    size_t capacity;
    msim_time grant; /* when the head gets its tokens; MSIM_TIME_NEVER */
    uint64_t rejects;
    msim_time rejects_since;
    size_t ban_step;
    msim_time banned_at;
    msim_time banned_until;
};

/* A strategy in its place. */
struct slot {
    struct strategy *strategy; /* NULL: free */
    uint64_t generation;       /* tells the strategies that stood here apart */
    uint64_t epoch;            /* of its timers: an update or disabling makes them stale */
    uint64_t by_key;
    uint64_t decided; /* over the whole strategy */
    msim_time last_decided;
    struct msim_fault_counts counts;
    struct kind_counts *kinds;
    uint64_t seen_before[3]; /* what had passed each direction's taps when it came */
    struct bucket *buckets;
    size_t bucket_count;
    size_t bucket_capacity;
    size_t bucket_unused; /* holes among them */
    uint64_t emissions;   /* of a report kind: the number of the next thing it says */
    uint64_t arrivals;    /* of its rate's Poisson process, outside of sessions */
    msim_time added;
    msim_time done_at; /* the moment at which it acted, where it has (`at`) */
    bool has_done_at;
    bool has_done_at_once;  /* a venue action that was to come as soon as it stood */
    bool counts_from_added; /* its window and `at`, not from the start: a preset's */
};

/* ---- held messages ---- */

enum node_flag {
    NODE_WAITING = 1, /* for tokens */
    NODE_DEAD = 2,    /* gone, but still named by a queue */
    NODE_ACTION = 4,  /* no message: an action for the session */
    NODE_ALTERED = 8,
    NODE_REORDERED = 16, /* was held by reorder: does not count as a later message */
    NODE_OUT = 32,       /* in the output */
    NODE_USED = 64,
    NODE_JUDGED = 128, /* not yet sent on: whoever ends the session leaves it alone */
};

struct node {
    unsigned char *bytes;
    uint64_t ordinal;
    msim_time ready; /* its own moment; the order of its lane may make it later */
    uint32_t length;
    uint32_t link;
    uint32_t next;
    uint32_t extra; /* NOTHING for most */
    uint32_t lane;  /* NOTHING: on its own */
    uint8_t type;
    uint8_t sub;
    uint8_t class;
    uint8_t flags;
};

/* What only some messages need. */
struct extra {
    uint64_t throttles[SLOT_WORDS]; /* the strategies whose tokens it needs */
    uint64_t delays[SLOT_WORDS];    /* those whose effective delay it tells */
    uint64_t fields[LANE_ACCOUNT + 1];
    uint64_t born; /* strategies that were created since mean nothing by their slots here */
    uint64_t lane_key;
    msim_time entered; /* the delay stage */
    msim_time delay;
    int64_t hold; /* k, or the window */
    msim_time max_wait;
    uint32_t buckets; /* how many name it */
    uint16_t tokens;  /* how many it still needs */
    uint16_t reorder; /* slots, STRATEGIES_MOST for none */
    uint16_t session;
    uint16_t slice;
    uint8_t order;
    uint8_t lane_by;
    bool shuffle;
    uint64_t reorder_generation;
    uint64_t session_generation;
    uint64_t slice_generation;
    uint64_t reorder_key;
    uint64_t held; /* its number among all that reorder has held */
    struct msim_fault_slice slicing;
};

/* An action on its way out. */
struct outgoing {
    int action;
    int code;
    msim_time duration;
    bool flush;
    char strategy[MSIM_FAULT_ID_SIZE];
};

struct lane {
    uint64_t key;
    msim_time tail_release; /* when its last message leaves, where none waits for tokens */
    uint32_t head;
    uint32_t tail;
    uint32_t waiting;
    uint32_t link;
    uint32_t chain; /* the next lane of the same place in the index */
};

struct due_node {
    msim_time due;
    uint32_t node;
    uint32_t entering; /* a copy that comes to the stages only now */
};

/* ---- sessions and links ---- */

enum gate {
    GATE_OPEN,
    GATE_HOLD,
    GATE_DISCARD,
};

struct rule {
    uint64_t types;
    struct slot *slot;
    struct state *state;
    uint32_t index;
};

/* What a link has from the first message on that is looked at. */
struct traffic {
    struct msim_fault_balance balance;
    struct kept kept; /* by reorder */
    uint32_t lane;
    uint32_t gate_head;
    uint32_t gate_tail;
    uint32_t concat; /* a message that waits for its next one */
    msim_time concat_deadline;
    msim_time wake; /* the timer that stands for the earliest of its deadlines */
};

struct msim_fault_link {
    struct msim_faults *faults;
    struct msim_fault_session *session;
    uint64_t created;
    uint64_t plain; /* native messages that nothing was asked about: in no count of the balance */
    uint64_t ordinals;       /* numbers given to the others */
    uint64_t watch;          /* the types that must be looked at: all where anything is not plain */
    uint64_t types;          /* of all its rules */
    struct traffic *traffic; /* the layer's empty one, which nobody writes to, until it has some */
    struct rule *rules;
    struct state **states; /* by slot; NULL where the strategy cannot match here */
    size_t rule_capacity;
    size_t state_capacity;
    uint32_t rule_count;
    uint32_t index;
    uint32_t gate_slot; /* who closed it, for its statistics */
    uint8_t direction;
    uint8_t gate; /* enum gate */
    bool gate_passes_sys;
    bool copies;       /* a duplicate stands here */
    bool needs_fields; /* a reorder by symbol, order or account stands here */
};

struct msim_fault_session {
    struct msim_faults *faults;
    char *label;
    char *client;
    char *account;
    void *user;
    uint64_t generation;
    msim_time opened;
    uint64_t state_number; /* a resume of an earlier state is stale */
    uint32_t uses;         /* of a REST session */
    uint32_t index;
    uint16_t label_length;
    uint16_t account_length;
    uint8_t channel;
    uint8_t state; /* an action in force, 0 */
    bool ended;    /* an action has ended it: only the close is to come */
    bool flush_on_resume;
    struct msim_fault_link links[2];
};

/* ---- timers ---- */

enum timer {
    TIMER_NOTHING = 0, /* what it was for is done */
    TIMER_LINK = 1,    /* deadlines of reorder and concat */
    TIMER_BUCKET,
    TIMER_DO,      /* a session action, after its notice or flap */
    TIMER_RESUME,  /* end of freeze, zombie, ... */
    TIMER_RST,     /* the end of half_open */
    TIMER_RATE,    /* the next arrival of a Poisson process on a session */
    TIMER_AT,      /* a session action at a moment of the scenario */
    TIMER_MAX_AGE, /* of a session */
    TIMER_CAUSE,   /* report and venue kinds with a rate or a moment */
    TIMER_SAY,     /* something to be said later */
    TIMER_STEP,    /* of a scenario's timeline */
};

struct timer_item {
    enum timer kind;
    uint32_t slot;
    uint32_t index; /* session, link, bucket or what is to be said */
    uint64_t generation;
    uint64_t session_generation;
    uint64_t number;
    uint64_t client; /* hash of its name, 0 */
};

/* Values that were seen lately, for id_swap. */
#define LIVE_VALUES 16
#define LIVE_VALUE_SIZE 40

struct live_values {
    char text[LIVE_VALUES][LIVE_VALUE_SIZE];
    uint8_t length[LIVE_VALUES];
    size_t count; /* ever seen; the newest stands at count % LIVE_VALUES - 1 */
};

enum live {
    LIVE_CID,
    LIVE_ORDER_ID,
    LIVE_SYMBOL,
    LIVE_KINDS,
};

/* New connections are kept out. */
struct barrier {
    int action;
    int status;
    enum scope scope;
    char *who; /* account or client; NULL for all */
    msim_time from;
    msim_time until;
    int64_t flaps; /* how often it comes again, */
    msim_time gap; /* so long after it came */
    msim_time duration;
};

#define BARRIERS_MOST 256

/* What the modes of the Python simulator were said to be, last. */
enum python_state {
    PYTHON_NOT_ASKED,
    PYTHON_ENABLED,
    PYTHON_DISABLED,
};

struct msim_faults {
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_faults_params params;
    msim_time now;
    msim_time alarm;
    msim_time start; /* of the scenario */
    bool adds_preset;
    uint64_t seed;
    uint64_t strategies; /* how many stand */
    uint64_t one_shots;  /* and are to go after their first hit */
    bool fired_in_vain;  /* the message that one of them was still to act on is gone */
    uint64_t vain[SLOT_WORDS];
    uint64_t created;
    uint64_t counter;
    struct slot slots[STRATEGIES_MOST];
    size_t slot_order[STRATEGIES_MOST]; /* by stage, priority, age */
    struct msim_fault_session **sessions;
    size_t session_capacity;
    size_t session_count;
    size_t session_hint;       /* no free place before it */
    struct traffic no_traffic; /* of all links that have none */
    uint64_t sessions_created;
    uint64_t links_created;
    struct msim_symbols labels; /* "<client>/<channel>" */
    uint64_t *label_counts;
    size_t label_capacity;
    uint64_t tapped[3]; /* by closed links of each direction */
    struct pool nodes;
    struct pool extras;
    struct pool lanes;
    struct pool outgoings;
    struct pool timer_items;
    struct payloads payloads;
    struct pool far_chunks;
    struct far_bucket far[FAR_LEVELS][FAR_DIGITS];
    uint64_t far_digits[FAR_LEVELS][FAR_DIGITS / 64]; /* the buckets that hold something */
    size_t far_count;
    uint64_t far_base;
    size_t spread_at; /* so many in the heap are spread over the buckets */
    msim_time *heap_dues;
    uint32_t *heap_nodes; /* and ENTERING */
    size_t heap_count;
    size_t heap_capacity; /* of the nodes */
    size_t heap_due_capacity;
    uint32_t *lane_index;
    size_t lane_index_size;
    size_t lane_index_count;
    struct msim_due timers;
    uint32_t out_head; /* what waits to be pulled */
    uint32_t out_tail;
    uint32_t express_head; /* let go by reorder, on the way out */
    uint32_t express_tail;
    uint32_t lent;           /* what the last pull gave out */
    struct strategy *parted; /* gone, but a verdict may have lent its words */
    struct barrier *barriers;
    size_t barrier_count;
    size_t barrier_capacity;
    uint64_t state_numbers;
    enum python_state python;
    struct live_values live[LIVE_KINDS]; /* by enum live */
    uint64_t id_swaps;                   /* strategies that need them */
    uint64_t holds_made;                 /* by reorder, so far */
#if MSIM_PLANT == PLANT_SHARED_RANDOM
    uint64_t *planted_draws;
    uint64_t planted_draw_count;
#endif
    struct report *report;
    struct scenario *scenario; /* NULL where none runs */
    struct scenario *last_scenario;
    uint64_t scenarios; /* started so far */
    int failure;        /* out of memory inside a turn: told by the next pull */
};

#endif
