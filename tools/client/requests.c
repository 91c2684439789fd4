#include "client/requests.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/terminal.h"

bool requests_have_room(const struct requests *requests)
{
    return requests->count < REQUESTS_MOST;
}

static bool read_id(const struct msim_json_document *document, char id[static REQUEST_ID])
{
    const uint32_t at = msim_json_member(document, 0, "request_id");

    return at != MSIM_JSON_NONE && document->nodes[at].kind == MSIM_JSON_STRING &&
           msim_json_string(document->text, document->nodes[at].start, document->nodes[at].end, id,
                            REQUEST_ID, NULL) >= 0;
}

/* What is no JSON has no id: the exchange will say what is wrong with it. */
static bool find_id(const struct command *command, char id[static REQUEST_ID])
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_json_document document;

    if (msim_json_document_read(&document, command->message, command->length, NULL, &allocator,
                                NULL) < 0)
        return false;
    const bool found = read_id(&document, id);
    msim_json_document_finish(&document);
    return found;
}

bool requests_name(struct requests *requests, struct command *command, char id[static REQUEST_ID])
{
    if (command->is_raw)
        return find_id(command, id);
    snprintf(id, REQUEST_ID, "market-client-%" PRIu64, requests->last + 1);
    const size_t brace = command->length - 1;
    const int added = snprintf(command->message + brace, sizeof command->message - brace,
                               ",\"request_id\":\"%s\"}", id);
    if (added < 0 || (size_t)added >= sizeof command->message - brace) {
        memcpy(command->message + brace, "}", 2);
        return false;
    }
    requests->last++;
    command->length = brace + (size_t)added;
    return true;
}

void requests_await(struct requests *requests, const struct request *request, msim_time now)
{
    assert(requests_have_room(requests));
    struct request *item = &requests->items[requests->count++];

    *item = *request;
    item->due = now + REQUESTS_SECONDS * MSIM_NS_PER_S;
    terminal_clean(item->words);
}

static void drop(struct requests *requests, size_t i)
{
    requests->count--;
    memmove(&requests->items[i], &requests->items[i + 1],
            (requests->count - i) * sizeof requests->items[0]);
}

bool requests_take(struct requests *requests, const struct msim_json_document *document,
                   struct request *out)
{
    char id[REQUEST_ID];

    if (requests->count == 0 || !read_id(document, id))
        return false;
    for (size_t i = 0; i < requests->count; i++) {
        if (strcmp(requests->items[i].id, id) == 0) {
            *out = requests->items[i];
            drop(requests, i);
            return true;
        }
    }
    return false;
}

bool requests_expire(struct requests *requests, msim_time now, struct request *out)
{
    if (requests->count == 0 || now < requests->items[0].due)
        return false;
    *out = requests->items[0];
    drop(requests, 0);
    return true;
}

msim_time requests_due(const struct requests *requests)
{
    return requests->count > 0 ? requests->items[0].due : MSIM_TIME_NEVER;
}
