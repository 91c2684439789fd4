#include "server/link_faults.h"

#include <string.h>

#include <marketsim/form.h>
#include <marketsim/impair.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"

/* The longest name by which a client may call itself. */
#define CLIENT_NAME_SIZE 65

/* ---- who comes ---- */

int msim_link_faults_admission(struct msim_fault_admission admission)
{
    switch (admission.action) {
    case MSIM_FAULT_ACTION_REFUSE:
        return MSIM_ADMIT_RESET;
    case MSIM_FAULT_ACTION_STALL:
        return MSIM_ADMIT_NEVER;
    case MSIM_FAULT_ACTION_HTTP_ERROR:
        return admission.status;
    default:
        return MSIM_ADMIT;
    }
}

int msim_link_faults_arrived(struct msim_faults *faults, msim_time now)
{
    struct msim_fault_session_params anybody = MSIM_FAULT_SESSION_PARAMS_INIT;

    anybody.channel = MSIM_FAULT_WS_PUBLIC;
    struct msim_fault_admission admission = msim_faults_admit(faults, now, &anybody);
    /* A status is an answer to a request, which has not come yet. */
    return admission.action == MSIM_FAULT_ACTION_HTTP_ERROR ? MSIM_ADMIT
                                                            : msim_link_faults_admission(admission);
}

int msim_link_faults_admit(struct msim_faults *faults, msim_time now,
                           const struct msim_request *request, void *user,
                           struct msim_fault_session **out)
{
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;
    char name[CLIENT_NAME_SIZE];

    int r =
        msim_form_value(request->query, strlen(request->query), "msim_client", name, sizeof name);
    if (r < 0 && r != MSIM_ERR_NOT_FOUND)
        return msim_detail_set(request->words, 400, "msim_client: has at most %d bytes",
                               CLIENT_NAME_SIZE - 1);
    params.client = r > 0 ? name : msim_request_header(request, "X-Msim-Client");
    params.channel = MSIM_FAULT_WS_PUBLIC;
    params.user = user;
    struct msim_fault_admission admission = msim_faults_admit(faults, now, &params);
    if (admission.action != 0)
        return msim_link_faults_admission(admission);
    r = msim_faults_session_open(faults, now, &params, out, NULL);
    if (r == MSIM_OK)
        return MSIM_ADMIT;
    return r == MSIM_ERR_INVALID ? 400 : 503;
}

/* ---- messages ---- */

int msim_link_faults_submit(struct msim_faults *faults, msim_time now,
                            struct msim_fault_session *session, int type, const char *symbol,
                            const void *bytes, size_t length)
{
    struct msim_fault_message message = {.bytes = bytes, .length = length, .type = type};

    if (symbol)
        message.symbol = (struct msim_fault_text){symbol, strlen(symbol)};
    return msim_faults_submit(faults, now, msim_fault_session_link(session, MSIM_FAULT_OUT),
                              &message);
}

static size_t piece(const void *context, uint32_t index)
{
    return msim_fault_slice_size(context, index);
}

struct msim_slicing msim_link_faults_slicing(const struct msim_fault_output *output,
                                             msim_time pause)
{
    return (struct msim_slicing){piece, &output->slice, pause, output->slice.fragment};
}

int msim_link_faults_deliver(struct msim_connection *connection,
                             const struct msim_fault_output *output, msim_time pause)
{
    if (output->slice.max == 0)
        return msim_connection_send(connection, MSIM_MESSAGE_TEXT, output->bytes, output->length);
    const struct msim_slicing slicing = msim_link_faults_slicing(output, pause);
    return msim_connection_send_sliced(connection, MSIM_MESSAGE_TEXT, output->bytes, output->length,
                                       &slicing);
}

/* ---- links ---- */

/* What a connection lacks while an action goes on; that no data leaves is the layer's doing. */
static unsigned impairments(int action)
{
    struct msim_fault_effect effect = msim_fault_action_effect(action);
    unsigned lacks = 0;

    if (!effect.reads)
        lacks |= MSIM_IMPAIR_READ;
    else if (!effect.processes)
        lacks |= effect.answers_pings ? MSIM_IMPAIR_TAKE : MSIM_IMPAIR_HEAR;
    if (!effect.writes && !effect.answers_pings)
        lacks |= MSIM_IMPAIR_WRITE;
    if (!effect.answers_pings)
        lacks |= MSIM_IMPAIR_PING;
    return lacks;
}

void msim_link_faults_log(const struct msim_connection *connection,
                          const struct msim_fault_output *output, const struct msim_logger *logger,
                          const char *component)
{
    msim_log(logger, MSIM_LOG_INFO, component, "%s: %s by %s", msim_connection_peer(connection),
             msim_fault_action_name(output->action),
             output->strategy[0] ? output->strategy : "the failure layer");
}

void msim_link_faults_act(struct msim_connection *connection,
                          const struct msim_fault_output *output, const struct msim_logger *logger,
                          const char *component)
{
    msim_link_faults_log(connection, output, logger, component);
    switch (output->action) {
    case MSIM_FAULT_ACTION_CLOSE:
        msim_connection_impair(connection, 0);
        msim_connection_close(connection, output->code, output->reason);
        break;
    case MSIM_FAULT_ACTION_FIN:
        msim_connection_hang_up(connection, output->flush ? MSIM_LEAVE_SENT : MSIM_LEAVE_DROPPED);
        break;
    case MSIM_FAULT_ACTION_RST:
        msim_connection_impair(connection, MSIM_IMPAIR_WRITE); /* what was sent before has left */
        msim_connection_abort(connection);
        break;
    default:
        msim_connection_impair(connection, impairments(output->action));
    }
}

/* ---- what can be done ---- */

static bool is_one_of(const struct msim_json_document *document, uint32_t node,
                      const char *const *words, size_t count)
{
    const struct msim_json_node *value = &document->nodes[node];

    for (size_t i = 0; i < count; i++)
        if (msim_json_is(document->text, value->start, value->end, words[i]))
            return true;
    return false;
}

/* Only looks for what such a server lacks: all else is judged where strategies are added. */
static int check_strategy(const struct msim_json_document *document, uint32_t strategy,
                          const char *server, struct msim_detail *detail)
{
    static const char *const kinds[] = {"drop",  "duplicate", "corrupt", "throttle",
                                        "delay", "reorder",   "slice",   "session"};
    static const char *const inbound[] = {"in"};

    if (document->nodes[strategy].kind != MSIM_JSON_OBJECT)
        return MSIM_OK;
    uint32_t kind = msim_json_member(document, strategy, "kind");
    uint32_t notice = msim_json_member(document, strategy, "notice");
    uint32_t select = msim_json_member(document, strategy, "select");
    if (kind != MSIM_JSON_NONE && !is_one_of(document, kind, kinds, sizeof kinds / sizeof kinds[0]))
        return msim_json_refuse(document, kind, detail, MSIM_ERR_UNSUPPORTED,
                                "%s does what befalls messages and sessions alone: "
                                "drop, duplicate, corrupt, throttle, delay, reorder, slice, "
                                "session",
                                server);
    if (notice != MSIM_JSON_NONE)
        return msim_json_refuse(document, notice, detail, MSIM_ERR_UNSUPPORTED,
                                "the feed has no message that warns of an end: leave it out");
    if (select == MSIM_JSON_NONE || document->nodes[select].kind != MSIM_JSON_OBJECT)
        return MSIM_OK;
    uint32_t direction = msim_json_member(document, select, "dir");
    if (direction != MSIM_JSON_NONE && is_one_of(document, direction, inbound, 1))
        return msim_json_refuse(document, direction, detail, MSIM_ERR_UNSUPPORTED,
                                "%s judges what goes out alone", server);
    return MSIM_OK;
}

int msim_link_faults_check(const char *json, size_t length, const char *server,
                           struct msim_detail *detail)
{
    struct msim_json_document document;

    if (!json)
        return MSIM_ERR_INVALID;
    int r = msim_json_document_read(&document, json, length, NULL, NULL, detail);
    if (r < 0)
        return r;
    uint32_t list = 0;
    if (document.nodes[0].kind == MSIM_JSON_OBJECT)
        list = msim_json_member(&document, 0, "strategies");
    if (list != MSIM_JSON_NONE && document.nodes[list].kind == MSIM_JSON_ARRAY)
        for (uint32_t at = document.nodes[list].first; at != MSIM_JSON_NONE && r >= 0;
             at = document.nodes[at].next)
            r = check_strategy(&document, at, server, detail);
    msim_json_document_finish(&document);
    return r;
}
