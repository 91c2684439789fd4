#include "client/requests.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/terminal.h"
#include "client/words.h"

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

/* ---- topics ---- */

/* As an exchange writes a number: "01.50" is "1.5". */
static void shorten(char *text)
{
    const size_t zeros = strspn(text, "0");

    if (zeros > 0 && text[zeros] >= '0' && text[zeros] <= '9')
        memmove(text, text + zeros, strlen(text + zeros) + 1);
    if (text[strspn(text, "0123456789")] != '.')
        return;
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        length--;
    length -= text[length - 1] == '.';
    text[length] = '\0';
}

static void describe_order(const struct msim_json_document *document,
                           char out[static REQUEST_TOPIC])
{
    static const char *const keys[] = {"symbol", "side", "order_type", "client_order_id"};
    char text[WORDS_TEXT];
    size_t length = (size_t)snprintf(out, REQUEST_TOPIC, "order");

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        length += (size_t)snprintf(out + length, REQUEST_TOPIC - length, " %.50s",
                                   words_member(document, 0, keys[i], text));
    words_member(document, 0, "quantity", text);
    shorten(text);
    snprintf(out + length, REQUEST_TOPIC - length, " %.40s", text);
}

static void describe_cancel(const struct msim_json_document *document, const char *key,
                            char out[static REQUEST_TOPIC])
{
    char text[WORDS_TEXT];

    snprintf(out, REQUEST_TOPIC, "cancel %.200s", words_member(document, 0, key, text));
}

void requests_describe(const struct command *command, struct request *request)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_json_document document;

    request->topic[0] = '\0';
    request->is_order = false;
    if (msim_json_document_read(&document, command->message, command->length, NULL, &allocator,
                                NULL) < 0)
        return;
    if (words_is(&document, "type", "PLACE_ORDER")) {
        request->is_order = true;
        describe_order(&document, request->topic);
    } else if (words_is(&document, "type", "CANCEL_ORDER")) {
        const bool is_own = msim_json_member(&document, 0, "order_id") == MSIM_JSON_NONE;
        describe_cancel(&document, is_own ? "client_order_id" : "order_id", request->topic);
    }
    msim_json_document_finish(&document);
}

/* ---- waiting ---- */

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

static bool take_topic(struct requests *requests, const char *topic, size_t connection,
                       struct request *out)
{
    for (size_t i = 0; i < requests->count; i++) {
        if (requests->items[i].connection < connection &&
            strcmp(requests->items[i].topic, topic) == 0) {
            *out = requests->items[i];
            drop(requests, i);
            return true;
        }
    }
    return false;
}

bool requests_take_resumed(struct requests *requests, const struct msim_json_document *document,
                           size_t connection, struct request *out)
{
    char topic[REQUEST_TOPIC];

    if (requests->count == 0 || connection < 2)
        return false;
    if (words_is(document, "type", "ORDER_ACK") || words_is(document, "type", "ORDER_REJECT")) {
        describe_order(document, topic);
        return take_topic(requests, topic, connection, out);
    }
    if (!words_is(document, "type", "ORDER_CANCEL"))
        return false;
    describe_cancel(document, "order_id", topic);
    if (take_topic(requests, topic, connection, out))
        return true;
    describe_cancel(document, "client_order_id", topic);
    return take_topic(requests, topic, connection, out);
}

bool requests_have_order(const struct requests *requests)
{
    for (size_t i = 0; i < requests->count; i++)
        if (requests->items[i].is_order)
            return true;
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
