#include "client/kinds.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "client/words.h"

static bool has(const struct msim_json_document *document, uint32_t object, const char *key)
{
    return msim_json_member(document, object, key) != MSIM_JSON_NONE;
}

static enum server_kind kind_of_object(const struct msim_json_document *document)
{
    if (has(document, 0, "type"))
        return SERVER_EXCHANGE;
    if (has(document, 0, "request_id") && has(document, 0, "results"))
        return SERVER_QUOTES;
    if (words_is(document, "status", "Data loaded. Starting replay.") ||
        (has(document, 0, "timestamp") && has(document, 0, "ticker")))
        return SERVER_REPLAY;
    return SERVER_UNKNOWN;
}

enum server_kind server_kind_of(const char *text, size_t length)
{
    static const char greeting[] = "0{\"sid\":";
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_json_document document;
    enum server_kind kind = SERVER_UNKNOWN;

    if (length >= sizeof greeting - 1 && memcmp(text, greeting, sizeof greeting - 1) == 0)
        return SERVER_SOCKETIO;
    if (msim_json_document_read(&document, text, length, NULL, &allocator, NULL) < 0)
        return SERVER_UNKNOWN;
    if (document.nodes[0].kind == MSIM_JSON_OBJECT)
        kind = kind_of_object(&document);
    else if (document.nodes[0].kind == MSIM_JSON_ARRAY && document.count > 1 &&
             document.nodes[1].kind == MSIM_JSON_OBJECT && has(&document, 1, "ev"))
        kind = SERVER_POLYGON;
    msim_json_document_finish(&document);
    return kind;
}

/* An exchange's client names its account in the URL: a replay refuses that before it says a word.
 */
enum server_kind server_kind_of_closing(const char *reason)
{
    static const char refusal[] = "session: no such parameter";

    return strncmp(reason, refusal, sizeof refusal - 1) == 0 ? SERVER_REPLAY : SERVER_UNKNOWN;
}

const char *server_kind_words(enum server_kind kind)
{
    switch (kind) {
    case SERVER_EXCHANGE:
        return "looks like an exchange: try --protocol exchange, or --view ticker";
    case SERVER_QUOTES:
        return "looks like mock-quotes: connect without --protocol, --control and an exchange's "
               "options";
    case SERVER_REPLAY:
        return "looks like a replay: connect without --protocol and an exchange's options";
    case SERVER_POLYGON:
        return "speaks Polygon's dialect: try --protocol polygon --api-key-file FILE";
    default:
        return "looks like a Socket.IO server, such as dashboard-server: a browser shows its page";
    }
}
