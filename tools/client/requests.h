/*
 * What an exchange was asked and has not answered yet.
 *
 * Each message bears an id that comes back in its answer: answers may overtake each other, be late
 * or be lost, so neither their number nor their order says which are missing.
 */
#ifndef TOOLS_CLIENT_REQUESTS_H
#define TOOLS_CLIENT_REQUESTS_H

#include "base/json.h"
#include "client/commands.h"

/* No more are under way at a time: further commands wait for an answer. */
#define REQUESTS_MOST 256

/* An answer that has not come by then is told as missing. */
#define REQUESTS_SECONDS 5

/* As long as an exchange takes them. */
#define REQUEST_ID 128
#define REQUEST_WORDS 80
#define REQUEST_TOPIC 256

struct request {
    msim_time due;
    char id[REQUEST_ID];
    bool is_order;
    size_t connection;         /* that it went over: 1, 2, ... */
    size_t line;               /* of stdin */
    char topic[REQUEST_TOPIC]; /* what tells of it without its id; "" where nothing does */
    char words[REQUEST_WORDS]; /* as it was typed, as far as they fit */
};

struct requests {
    uint64_t last; /* number that was given out */
    size_t count;
    struct request items[REQUESTS_MOST]; /* the oldest first */
};

bool requests_have_room(const struct requests *requests);

/*
 * Gives the command's message an id, where it has none of its own; a person's own JSON stays as it
 * is.  False where there is none, so that nothing can be waited for.  `requests_await` is for what
 * has been sent.
 */
bool requests_name(struct requests *requests, struct command *command, char id[static REQUEST_ID]);

/*
 * The request's topic: of an order what it is to be, of a cancel whose it is.  What an account
 * missed is told again without the ids of requests.
 */
void requests_describe(const struct command *command, struct request *request);

/* The request, of which only its due moment is made here; there must be room. */
void requests_await(struct requests *requests, const struct request *request, msim_time now);

/* What came may be an answer: moves out what it answers; false where it answers nothing. */
bool requests_take(struct requests *requests, const struct msim_json_document *document,
                   struct request *out);

/* The same for what is told again over a later connection: by its topic. */
bool requests_take_resumed(struct requests *requests, const struct msim_json_document *document,
                           size_t connection, struct request *out);

/* Whether an order waits. */
bool requests_have_order(const struct requests *requests);

/* Moves out the oldest that should have been answered; false where there is none. */
bool requests_expire(struct requests *requests, msim_time now, struct request *out);

/* When the next one expires; MSIM_TIME_NEVER for none. */
msim_time requests_due(const struct requests *requests);

#endif
