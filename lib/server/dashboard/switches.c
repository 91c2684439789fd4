#include "server/dashboard/switches.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/dashboard/inside.h"

#define ASK_EVERY MSIM_NS_PER_S
#define ASK_AGAIN (3 * MSIM_NS_PER_S) /* where nobody answered */
#define TIMEOUT (5 * MSIM_NS_PER_S)
#define MOST_ANSWER ((size_t)4 << 20) /* counts have a part for each link */
#define MOST_COMMAND ((size_t)64 << 10)
#define URL_SIZE 512
#define WORDS_SIZE 256
#define VERB_SIZE 16

/* One that a page gave, on its way. */
struct command {
    struct msim_switches *switches;
    struct msim_fetch *fetch;            /* NULL: free */
    struct msim_socketio_client *client; /* NULL: it has gone */
    char verb[VERB_SIZE];
};

struct msim_switches {
    struct msim_relay *relay;
    char url[URL_SIZE]; /* up to "/admin/v1" */
    char *key;
    char *secret;
    struct msim_tls *tls; /* the owner's */
    struct msim_fetch *asking;
    bool asks_presets; /* not for the counts */
    bool is_connected;
    bool has_asked;
    bool is_changed;
    msim_time due;
    char words[WORDS_SIZE];
    struct msim_bytes strategies; /* as the page is told them; empty: not known */
    struct msim_bytes presets;
    struct msim_bytes out;
    struct command commands[MSIM_SWITCH_COMMANDS];
};

/* ---- what is told ---- */

static void write_known(struct msim_json_writer *writer, const char *key,
                        const struct msim_bytes *known)
{
    msim_json_write_key(writer, key);
    if (msim_bytes_length(known) > 0)
        msim_json_write_raw(writer, (const char *)msim_bytes_front(known),
                            msim_bytes_length(known));
    else
        msim_json_write_raw(writer, "[]", 2);
}

static int write_faults(struct msim_switches *switches)
{
    struct msim_json_writer writer;

    msim_bytes_take(&switches->out, msim_bytes_length(&switches->out));
    msim_json_write_bytes(&writer, &switches->out);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "state");
    msim_json_write_text(&writer, switches->is_connected ? "connected"
                                  : switches->has_asked  ? "lost"
                                                         : "connecting");
    msim_json_write_key(&writer, "words");
    msim_json_write_text(&writer, switches->words);
    write_known(&writer, "strategies", &switches->strategies);
    write_known(&writer, "presets", &switches->presets);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

static void tell(struct msim_switches *switches)
{
    switches->is_changed = false;
    if (write_faults(switches) >= 0)
        msim_socketio_room_emit(switches->relay->viewers, "faults",
                                (const char *)msim_bytes_front(&switches->out),
                                msim_bytes_length(&switches->out));
}

static bool may_throw(const struct msim_socketio_client *client)
{
    return msim_engineio_role(msim_socketio_session(client)) >= MSIM_ROLE_TRADER;
}

void msim_switches_show(struct msim_switches *switches, struct msim_socketio_client *client)
{
    const char *may = may_throw(client) ? "{\"may\":true}" : "{\"may\":false}";

    msim_socketio_emit(client, "faults_may", may, strlen(may), NULL, 0);
    if (write_faults(switches) >= 0)
        msim_socketio_emit(client, "faults", (const char *)msim_bytes_front(&switches->out),
                           msim_bytes_length(&switches->out), NULL, 0);
    /* Somebody looks: what stands there may be old. */
    if (switches->has_asked && switches->is_connected)
        switches->due = 0;
}

/* ---- asking ---- */

static int fetch(struct msim_switches *switches, struct msim_fetch **out,
                 struct msim_fetch_params *params, const char *path, struct msim_detail *detail)
{
    char url[URL_SIZE + 2 * MSIM_SWITCH_NAME_SIZE + 32];

    snprintf(url, sizeof url, "%s%s", switches->url, path);
    params->url = url;
    params->api_key = switches->key;
    params->api_secret = switches->secret;
    params->tls = switches->tls;
    params->timeout = TIMEOUT;
    return msim_net_fetch(switches->relay->server->net, out, params, detail);
}

/* The words of a problem (RFC 9457), or what the status says by itself. */
static void read_problem(const struct msim_fetch_answer *answer, char words[WORDS_SIZE])
{
    const char *text = (const char *)answer->body;
    struct msim_json_reader reader;
    struct msim_json_token token;

    snprintf(words, WORDS_SIZE, "the admin API answered %d", answer->status);
    msim_json_init(&reader, text, answer->body_length, NULL);
    for (int kind; (kind = msim_json_next(&reader, &token)) > MSIM_JSON_END;)
        if (kind == MSIM_JSON_STRING && token.depth == 1 &&
            msim_json_is(text, token.key_start, token.key_end, "detail"))
            msim_json_string(text, token.start, token.end, words, WORDS_SIZE, NULL);
    msim_detail_clean(words);
}

static bool is_good(const struct msim_fetch_answer *answer)
{
    return answer->result == MSIM_OK && answer->status >= 200 && answer->status < 300;
}

static void explain(const struct msim_fetch_answer *answer, char words[WORDS_SIZE])
{
    if (answer->result < 0)
        snprintf(words, WORDS_SIZE, "%.250s", answer->reason);
    else
        read_problem(answer, words);
}

static void set_connected(struct msim_switches *switches, bool is_connected)
{
    if (switches->is_connected != is_connected || !switches->has_asked)
        msim_log(&switches->relay->server->logger, MSIM_LOG_INFO, "dashboard",
                 is_connected ? "the admin API at %s answers%s" : "the admin API at %s: %s",
                 switches->url, switches->words);
    /* Whoever answers next may have others. */
    if (!is_connected)
        msim_bytes_take(&switches->presets, msim_bytes_length(&switches->presets));
    switches->is_connected = is_connected;
    switches->has_asked = true;
    switches->is_changed = true;
}

/* What came takes the place of what was known, where it can be read. */
static int take_answer(struct msim_switches *switches, const struct msim_fetch_answer *answer)
{
    struct msim_bytes *known = switches->asks_presets ? &switches->presets : &switches->strategies;
    size_t before = msim_bytes_length(known);
    const char *text = (const char *)answer->body;

    int r = switches->asks_presets ? msim_switches_read_presets(known, text, answer->body_length)
                                   : msim_switches_read_faults(known, text, answer->body_length);
    if (r >= 0)
        msim_bytes_take(known, before);
    return r;
}

/* An API without presets is shown as it is, with none; false where it did not answer at all. */
static bool has_no_presets(struct msim_switches *switches, const struct msim_fetch_answer *answer)
{
    return switches->asks_presets && answer->result == MSIM_OK &&
           msim_bytes_append(&switches->presets, "[]", 2) >= 0;
}

static void answered(void *context, const struct msim_fetch_answer *answer)
{
    struct msim_switches *switches = context;
    msim_time now = msim_net_now(switches->relay->server->net);
    bool has_come = is_good(answer);

    switches->asking = NULL;
    switches->words[0] = '\0';
    if (!has_come)
        explain(answer, switches->words);
    if (has_come && take_answer(switches, answer) < 0) {
        snprintf(switches->words, sizeof switches->words, "its answer cannot be read");
        has_come = false;
    }
    if (!has_come && has_no_presets(switches, answer)) {
        switches->words[0] = '\0';
        has_come = true;
    }
    switches->due = now + (has_come ? ASK_EVERY : ASK_AGAIN);
    if (has_come && msim_bytes_length(&switches->presets) == 0)
        switches->due = now;
    set_connected(switches, has_come);
}

static void ask(struct msim_switches *switches, msim_time now)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct msim_detail detail = {""};

    switches->asks_presets = switches->is_connected && msim_bytes_length(&switches->presets) == 0;
    params.max_answer_bytes = MOST_ANSWER;
    params.done = answered;
    params.context = switches;
    int r = fetch(switches, &switches->asking, &params,
                  switches->asks_presets ? "/presets" : "/faults", &detail);
    if (r >= 0)
        return;
    switches->asking = NULL;
    switches->due = now + ASK_AGAIN;
    snprintf(switches->words, sizeof switches->words, "%.250s", detail.text);
    set_connected(switches, false);
}

msim_time msim_switches_turn(struct msim_switches *switches, msim_time now)
{
    bool is_watched = msim_socketio_room_size(switches->relay->viewers) > 0;

    if (!switches->asking && switches->due <= now && (is_watched || !switches->has_asked))
        ask(switches, now);
    if (switches->is_changed)
        tell(switches);
    return switches->asking || !is_watched ? MSIM_TIME_NEVER : switches->due;
}

/* ---- commands ---- */

static void give_result(struct msim_socketio_client *client, const char *verb, const char *failure)
{
    char json[4 * WORDS_SIZE];
    struct msim_json_writer writer;
    size_t length;

    msim_json_write_buffer(&writer, json, sizeof json);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "do");
    msim_json_write_text(&writer, verb);
    msim_json_write_key(&writer, "status");
    msim_json_write_text(&writer, failure ? "error" : "success");
    msim_json_write_key(&writer, "message");
    msim_json_write_text(&writer, failure ? failure : "");
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) == MSIM_OK)
        msim_socketio_emit(client, "faults_result", json, length, NULL, 0);
}

static void done(void *context, const struct msim_fetch_answer *answer)
{
    struct command *command = context;
    char words[WORDS_SIZE];

    command->fetch = NULL;
    command->switches->due = 0; /* what it changed is seen at once */
    if (!command->client)
        return;
    if (is_good(answer)) {
        give_result(command->client, command->verb, NULL);
    } else {
        explain(answer, words);
        give_result(command->client, command->verb, words);
    }
    command->client = NULL;
}

void msim_switches_forget(struct msim_switches *switches, const struct msim_socketio_client *client)
{
    for (size_t i = 0; i < MSIM_SWITCH_COMMANDS; i++)
        if (switches->commands[i].client == client)
            switches->commands[i].client = NULL;
}

/* What a command says, read. */
struct wish {
    char verb[VERB_SIZE];
    char name[MSIM_SWITCH_NAME_SIZE];
    const char *body; /* raw JSON; borrowed */
    size_t body_length;
};

/* "" for what is too long, or has a zero within it. */
static void read_word(const char *text, const struct msim_json_token *token, char *out, size_t size)
{
    size_t length = 0;

    if (msim_json_string(text, token->start, token->end, out, size, &length) < 0 ||
        strlen(out) != length)
        out[0] = '\0';
}

static void read_wish_member(struct wish *wish, const char *text,
                             const struct msim_json_token *token)
{
    if (token->kind != MSIM_JSON_STRING)
        return;
    if (msim_json_is(text, token->key_start, token->key_end, "do"))
        read_word(text, token, wish->verb, sizeof wish->verb);
    if (msim_json_is(text, token->key_start, token->key_end, "name"))
        read_word(text, token, wish->name, sizeof wish->name);
}

/* {"do": ..., "name": ..., "body": {...}}; false for what is no such object. */
static bool read_wish(struct wish *wish, const char *text, size_t length)
{
    const struct msim_json_limits limits = {.max_bytes = MOST_COMMAND};
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    memset(wish, 0, sizeof *wish);
    msim_json_init(&reader, text, length, &limits);
    if (msim_json_next(&reader, &token) != MSIM_JSON_OBJECT)
        return false;
    while ((kind = msim_json_next(&reader, &token)) > 0 && token.depth > 0) {
        if (token.depth > 1 || kind == MSIM_JSON_OBJECT_END || kind == MSIM_JSON_ARRAY_END)
            continue;
        read_wish_member(wish, text, &token);
        if (kind != MSIM_JSON_OBJECT || !msim_json_is(text, token.key_start, token.key_end, "body"))
            continue;
        size_t start = token.start;
        if (msim_json_skip(&reader, &token) < 0)
            return false;
        wish->body = text + start;
        wish->body_length = reader.at - start;
    }
    return kind > 0;
}

/* As a strategy's id and a preset's name are; and nothing that a path would take for its own. */
static bool is_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t length = strlen(name);

    return length > 0 && strspn(name, allowed) == length && strspn(name, ".") != length;
}

/* NULL, or why it cannot be done. */
static const char *plan(const struct wish *wish, char path[2 * MSIM_SWITCH_NAME_SIZE],
                        const char **method)
{
    static const struct {
        const char *verb;
        const char *method;
        const char *before;
        const char *behind;
        bool has_name;
        bool has_body;
    } plans[] = {
        {"enable", "POST", "/faults/", "/enable", true, false},
        {"disable", "POST", "/faults/", "/disable", true, false},
        {"remove", "DELETE", "/faults/", "", true, false},
        {"preset", "POST", "/presets/", "", true, false},
        {"heal", "POST", "/faults/heal", "", false, false},
        {"reset", "POST", "/faults/reset", "", false, false},
        {"fire", "POST", "/faults/fire", "", false, true},
        {"add", "POST", "/faults", "", false, true},
    };

    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        if (strcmp(plans[i].verb, wish->verb) != 0)
            continue;
        if (plans[i].has_name && !is_name(wish->name))
            return "there is no strategy or preset of such a name";
        if (plans[i].has_body && !wish->body)
            return "the strategy is missing: give it as an object, \"body\"";
        snprintf(path, 2 * MSIM_SWITCH_NAME_SIZE, "%s%s%s", plans[i].before,
                 plans[i].has_name ? wish->name : "", plans[i].behind);
        *method = plans[i].method;
        return NULL;
    }
    return "do: enable, disable, remove, preset, heal, reset, fire or add";
}

static const char *start_command(struct msim_switches *switches, const struct wish *wish,
                                 struct msim_socketio_client *client, struct msim_detail *detail)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    char path[2 * MSIM_SWITCH_NAME_SIZE];
    struct command *command = switches->commands;

    const char *failure = plan(wish, path, &params.method);
    if (failure)
        return failure;
    while (command->fetch && command < switches->commands + MSIM_SWITCH_COMMANDS - 1)
        command++;
    if (command->fetch)
        return "other commands are on their way: try again in a moment";
    *command = (struct command){.switches = switches, .client = client};
    snprintf(command->verb, sizeof command->verb, "%s", wish->verb);
    params.body = wish->body;
    params.body_length = wish->body_length;
    params.content_type = wish->body ? "application/json" : NULL;
    params.done = done;
    params.context = command;
    if (fetch(switches, &command->fetch, &params, path, detail) >= 0)
        return NULL;
    *command = (struct command){.switches = switches};
    return detail->text;
}

void msim_switches_command(struct msim_switches *switches, struct msim_socketio_client *client,
                           const char *arguments, size_t length)
{
    struct msim_detail detail = {""};
    const char *failure = "this key may look on, and not throw switches";
    struct wish wish = {.verb = ""};

    if (may_throw(client))
        failure = read_wish(&wish, arguments, length)
                      ? start_command(switches, &wish, client, &detail)
                      : "a command is an object: {\"do\":\"enable\",\"name\":ID}";
    if (failure)
        give_result(client, wish.verb, failure);
}

/* ---- life ---- */

/* The base of all paths, and that it is a URL that can be asked. */
static int read_url(struct msim_switches *switches, const char *given, struct msim_detail *detail)
{
    size_t length = strlen(given);

    while (length > 0 && given[length - 1] == '/')
        length--;
    const char *place = strstr(given, "://");
    bool has_path = place && memchr(place + 3, '/', length - (size_t)(place + 3 - given));
    if (!place || (strncmp(given, "http://", 7) != 0 && strncmp(given, "https://", 8) != 0) ||
        strpbrk(given, "?# "))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "'%.200s' is no URL of an admin API (expected "
                               "http://host:port or https://)",
                               given);
    if (length >= URL_SIZE - 16)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "the admin API's URL is too long");
    snprintf(switches->url, sizeof switches->url, "%.*s%s", (int)length, given,
             has_path ? "" : "/admin/v1");
    return MSIM_OK;
}

static int copy_text(const struct msim_allocator *allocator, char **out, const char *text)
{
    if (!text)
        return MSIM_OK;
    *out = msim_mem_text(allocator, text, strlen(text));
    return *out ? MSIM_OK : MSIM_ERR_NOMEM;
}

int msim_switches_create(struct msim_switches **out, struct msim_relay *relay,
                         const struct msim_dashboard_server_params *params,
                         struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &relay->server->allocator;
    struct msim_switches *switches = msim_mem_zero(allocator, sizeof *switches);

    if (!switches)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    switches->relay = relay;
    msim_bytes_init(&switches->strategies, SIZE_MAX / 4, allocator);
    msim_bytes_init(&switches->presets, SIZE_MAX / 4, allocator);
    msim_bytes_init(&switches->out, SIZE_MAX / 4, allocator);
    switches->tls = params->upstream_tls;
    int r = read_url(switches, params->admin_url, detail);
    if (r >= 0) {
        r = copy_text(allocator, &switches->key, params->admin_key);
        if (r >= 0)
            r = copy_text(allocator, &switches->secret, params->admin_secret);
        if (r < 0)
            msim_detail_set(detail, r, "out of memory");
    }
    if (r < 0) {
        msim_switches_destroy(&switches);
        return r;
    }
    *out = switches;
    return MSIM_OK;
}

void msim_switches_stop(struct msim_switches *switches)
{
    if (!switches)
        return;
    msim_fetch_cancel(&switches->asking);
    for (size_t i = 0; i < MSIM_SWITCH_COMMANDS; i++)
        msim_fetch_cancel(&switches->commands[i].fetch);
    switches->due = MSIM_TIME_NEVER;
    switches->has_asked = true;
}

static void free_text(const struct msim_allocator *allocator, char *text)
{
    if (text)
        msim_mem_free(allocator, text, strlen(text) + 1);
}

void msim_switches_destroy(struct msim_switches **handle)
{
    struct msim_switches *switches = *handle;

    if (!switches)
        return;
    *handle = NULL;
    struct msim_allocator allocator = switches->relay->server->allocator;
    free_text(&allocator, switches->key);
    free_text(&allocator, switches->secret);
    msim_bytes_finish(&switches->strategies);
    msim_bytes_finish(&switches->presets);
    msim_bytes_finish(&switches->out);
    msim_mem_free(&allocator, switches, sizeof *switches);
}
