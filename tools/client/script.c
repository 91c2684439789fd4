#include "client/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/options.h"
#include "client/words.h"

#define NAME_MOST 64

struct message {
    char *text;
    size_t length;
};

struct value {
    char name[NAME_MOST];
    char text[SCRIPT_VALUE];
};

struct script {
    struct terminal *terminal;
    char *path;
    FILE *file;
    size_t number;          /* of the line */
    char raw[SCRIPT_LINE];  /* as it stands */
    char text[SCRIPT_LINE]; /* with the values in it */
    struct msim_json_document line;
    bool has_line;
    bool is_sent;
    msim_time since; /* when the line began */
    msim_time due;
    struct message messages[SCRIPT_MESSAGES]; /* the oldest first */
    size_t message_count;
    struct value values[SCRIPT_VALUES];
    size_t value_count;
    uint64_t seen;
};

static enum script_state fail(struct script *script, const char *words)
{
    terminal_fail(script->terminal, "%s:%zu: %s", script->path, script->number, words);
    return SCRIPT_FAILED;
}

/* ---- life ---- */

int script_open(struct script **out, const char *path, struct terminal *terminal)
{
    struct script *script = calloc(1, sizeof *script);

    if (!script)
        return terminal_fail(terminal, "out of memory");
    script->terminal = terminal;
    script->due = MSIM_TIME_NEVER;
    script->path = strdup(path);
    script->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    struct stat status;
    if (script->file && fstat(fileno(script->file), &status) == 0 && S_ISDIR(status.st_mode)) {
        terminal_fail(terminal, "%s: %s", path, strerror(EISDIR));
        script_close(&script);
        return EXIT_USAGE;
    }
    if (script->file && script->path) {
        *out = script;
        return -1;
    }
    terminal_fail(terminal, "%s: %s", path, script->path ? strerror(errno) : "out of memory");
    script_close(&script);
    return EXIT_USAGE;
}

static void forget_messages(struct script *script)
{
    for (size_t i = 0; i < script->message_count; i++)
        free(script->messages[i].text);
    script->message_count = 0;
}

static void end_line(struct script *script)
{
    if (script->has_line)
        msim_json_document_finish(&script->line);
    script->has_line = false;
    script->due = MSIM_TIME_NEVER;
}

void script_close(struct script **pointer)
{
    struct script *script = *pointer;

    if (!script)
        return;
    end_line(script);
    forget_messages(script);
    if (script->file && script->file != stdin)
        fclose(script->file);
    free(script->path);
    free(script);
    *pointer = NULL;
}

static void drop(struct script *script, size_t at)
{
    free(script->messages[at].text);
    script->message_count--;
    memmove(&script->messages[at], &script->messages[at + 1],
            (script->message_count - at) * sizeof script->messages[0]);
}

bool script_take(struct script *script, const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (!copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (script->message_count == SCRIPT_MESSAGES)
        drop(script, 0);
    script->messages[script->message_count++] = (struct message){copy, length};
    script->seen++;
    return true;
}

/* ---- lines ---- */

static const char *value_of(const struct script *script, const char *name, size_t length)
{
    for (size_t i = 0; i < script->value_count; i++)
        if (strlen(script->values[i].name) == length &&
            memcmp(script->values[i].name, name, length) == 0)
            return script->values[i].text;
    return NULL;
}

/* "${order}" becomes what was saved as it; false where nothing was. */
static bool fill_in(struct script *script)
{
    const char *from = script->raw;
    size_t at = 0;

    while (*from && at < sizeof script->text - 1) {
        const char *end = from[0] == '$' && from[1] == '{' ? strchr(from, '}') : NULL;
        if (!end) {
            script->text[at++] = *from++;
            continue;
        }
        const char *value = value_of(script, from + 2, (size_t)(end - from - 2));
        if (!value || strlen(value) >= sizeof script->text - at)
            return false;
        memcpy(script->text + at, value, strlen(value));
        at += strlen(value);
        from = end + 1;
    }
    script->text[at] = '\0';
    return *from == '\0';
}

static bool known_keys(const struct msim_json_document *line, struct msim_detail *detail)
{
    static const char *const keys[] = {"send", "expect", "never", "within", "wait", "save"};

    for (uint32_t at = line->nodes[0].first; at != MSIM_JSON_NONE; at = line->nodes[at].next) {
        bool known = false;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !known; i++)
            known = msim_json_is(line->text, line->nodes[at].key_start, line->nodes[at].key_end,
                                 keys[i]);
        if (!known) {
            msim_json_refuse(line, at, detail, MSIM_ERR_INVALID,
                             "a line has send, expect, never, within, wait and save");
            return false;
        }
    }
    return true;
}

static bool is_object(const struct msim_json_document *line, const char *key)
{
    const uint32_t at = msim_json_member(line, 0, key);

    return at == MSIM_JSON_NONE || line->nodes[at].kind == MSIM_JSON_OBJECT;
}

static enum script_state check_line(struct script *script)
{
    const struct msim_json_document *line = &script->line;
    struct msim_detail detail = {{0}};

    if (line->nodes[0].kind != MSIM_JSON_OBJECT)
        return fail(script, "a line is an object such as {\"send\": {\"type\": \"PING\"}}");
    if (!known_keys(line, &detail))
        return fail(script, detail.text);
    if (!is_object(line, "expect") || !is_object(line, "never") || !is_object(line, "save"))
        return fail(script, "expect, never and save are objects");
    const bool expects = msim_json_member(line, 0, "expect") != MSIM_JSON_NONE;
    if (expects && msim_json_member(line, 0, "never") != MSIM_JSON_NONE)
        return fail(script, "expect and never need a line each");
    if (!expects && msim_json_member(line, 0, "save") != MSIM_JSON_NONE)
        return fail(script, "save takes fields of the message of an expect in its line");
    return SCRIPT_WAITS;
}

/* The next line that says something. */
static enum script_state read_line(struct script *script)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_detail detail = {{0}};
    size_t length;

    do {
        if (!fgets(script->raw, sizeof script->raw, script->file)) {
            if (ferror(script->file))
                return fail(script, "the script cannot be read");
            return SCRIPT_DONE;
        }
        script->number++;
        length = strlen(script->raw);
        if (length == sizeof script->raw - 1 && script->raw[length - 1] != '\n')
            return fail(script, "the line is too long");
        script->raw[strcspn(script->raw, "\r\n")] = '\0';
        length = strspn(script->raw, " \t");
    } while (script->raw[length] == '\0' || script->raw[length] == '#');

    if (!fill_in(script))
        return fail(script, "a ${name} that no line before has saved");
    if (msim_json_document_read(&script->line, script->text, strlen(script->text), NULL, &allocator,
                                &detail) < 0)
        return fail(script, detail.text);
    script->has_line = true;
    script->is_sent = false;
    return check_line(script);
}

/* ---- does a message have what is expected? ---- */

static bool same_value(const struct msim_json_document *a, uint32_t at,
                       const struct msim_json_document *b, uint32_t other)
{
    const struct msim_json_node *one = &a->nodes[at];
    const struct msim_json_node *two = &b->nodes[other];
    char text[SCRIPT_VALUE];
    size_t length;

    if (one->kind != two->kind)
        return false;
    if (one->kind == MSIM_JSON_OBJECT)
        return true; /* its members are looked at one by one */
    if (one->kind == MSIM_JSON_ARRAY)
        return one->count == two->count;
    if (one->kind == MSIM_JSON_STRING)
        return msim_json_string(a->text, one->start, one->end, text, sizeof text, &length) >= 0 &&
               msim_json_is_bytes(b->text, two->start, two->end, text, length);
    return one->end - one->start == two->end - two->start &&
           memcmp(a->text + one->start, b->text + two->start, one->end - one->start) == 0;
}

static uint32_t counterpart(const struct msim_json_document *line, uint32_t at,
                            const struct msim_json_document *message, uint32_t parent)
{
    const struct msim_json_node *node = &line->nodes[at];
    char key[SCRIPT_VALUE];

    if (line->nodes[node->parent].kind == MSIM_JSON_OBJECT)
        return msim_json_string(line->text, node->key_start, node->key_end, key, sizeof key, NULL) <
                       0
                   ? MSIM_JSON_NONE
                   : msim_json_member(message, parent, key);
    uint32_t before = line->nodes[node->parent].first;
    uint32_t found = message->nodes[parent].first;
    for (; before != at && found != MSIM_JSON_NONE; before = line->nodes[before].next)
        found = message->nodes[found].next;
    return found;
}

/* Nodes stand behind their parents, so one pass in their order does. */
static bool matches(const struct msim_json_document *line, uint32_t expected,
                    const struct msim_json_document *message)
{
    const uint32_t end = line->nodes[expected].end;
    uint32_t *of = malloc(line->count * sizeof *of);
    bool same = of && message->nodes[0].kind == MSIM_JSON_OBJECT;

    if (of)
        of[expected] = 0;
    for (uint32_t at = expected + 1; same && at < line->count && line->nodes[at].start < end;
         at++) {
        of[at] = counterpart(line, at, message, of[line->nodes[at].parent]);
        same = of[at] != MSIM_JSON_NONE && same_value(line, at, message, of[at]);
    }
    free(of);
    return same;
}

/* ---- the line's turn ---- */

static enum script_state keep_values(struct script *script,
                                     const struct msim_json_document *message)
{
    const struct msim_json_document *line = &script->line;
    const uint32_t save = msim_json_member(line, 0, "save");

    for (uint32_t at = save == MSIM_JSON_NONE ? save : line->nodes[save].first;
         at != MSIM_JSON_NONE; at = line->nodes[at].next) {
        const struct msim_json_node *node = &line->nodes[at];
        struct value value = {{0}, {0}};
        char field[WORDS_TEXT];
        if (node->kind != MSIM_JSON_STRING ||
            msim_json_string(line->text, node->key_start, node->key_end, value.name,
                             sizeof value.name, NULL) < 0 ||
            msim_json_string(line->text, node->start, node->end, field, sizeof field, NULL) < 0)
            return fail(script, "save takes {\"name\": \"field\"}");
        words_member(message, 0, field, value.text);
        if (strpbrk(value.text, "\"\\"))
            return fail(script, "a saved value may have no quotes in it");
        size_t place = 0;
        while (place < script->value_count && strcmp(script->values[place].name, value.name) != 0)
            place++;
        if (place == SCRIPT_VALUES)
            return fail(script, "too many saved values");
        script->values[place] = value;
        script->value_count += place == script->value_count;
    }
    return SCRIPT_WAITS;
}

static enum script_state find(struct script *script, uint32_t expected, bool *found)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    enum script_state state = SCRIPT_WAITS;

    *found = false;
    for (size_t i = 0; !*found && i < script->message_count; i++) {
        const struct message *message = &script->messages[i];
        struct msim_json_document document;
        if (msim_json_document_read(&document, message->text, message->length, NULL, &allocator,
                                    NULL) < 0)
            continue;
        *found = matches(&script->line, expected, &document);
        if (*found)
            state = keep_values(script, &document);
        msim_json_document_finish(&document);
        if (*found)
            drop(script, i);
    }
    return state;
}

static bool read_time(struct script *script, const char *key, msim_time usual, msim_time *out)
{
    char text[WORDS_TEXT];
    const bool stands = msim_json_member(&script->line, 0, key) != MSIM_JSON_NONE;

    *out = usual;
    if (!stands)
        return true;
    words_member(&script->line, 0, key, text);
    return msim_duration_parse(text, strlen(text), out) >= 0 && *out >= 0;
}

static enum script_state lack(struct script *script, uint32_t expected)
{
    const struct msim_json_node *node = &script->line.nodes[expected];
    const struct message *last =
        script->message_count > 0 ? &script->messages[script->message_count - 1] : NULL;

    fail(script, "what was expected did not come in time");
    fprintf(stderr, "  expected: %.*s\n", (int)(node->end - node->start),
            script->line.text + node->start);
    if (last)
        fprintf(stderr, "  the last of %zu other messages: %.*s\n", script->message_count,
                (int)(last->length < 1000 ? last->length : 1000), last->text);
    else
        fprintf(stderr, "  nothing else came\n");
    return SCRIPT_FAILED;
}

/* What is sent, once; messages from before answer something else. */
static enum script_state send_first(struct script *script, const char **text, size_t *length)
{
    const uint32_t send = msim_json_member(&script->line, 0, "send");

    script->is_sent = true;
    if (send == MSIM_JSON_NONE)
        return SCRIPT_WAITS;
    forget_messages(script);
    const struct msim_json_node *node = &script->line.nodes[send];
    *text = script->line.text + node->start;
    *length = node->end - node->start;
    if (node->kind != MSIM_JSON_STRING)
        return SCRIPT_SENDS;
    /* A text is sent as it is: that is how one sends what is no JSON. */
    if (msim_json_string(script->line.text, node->start, node->end, script->raw, sizeof script->raw,
                         length) < 0)
        return fail(script, "the text is too long");
    *text = script->raw;
    return SCRIPT_SENDS;
}

static enum script_state wait_for(struct script *script, msim_time now, bool *over)
{
    const uint32_t expected = msim_json_member(&script->line, 0, "expect");
    const uint32_t never = msim_json_member(&script->line, 0, "never");
    const uint32_t wanted = expected != MSIM_JSON_NONE ? expected : never;
    msim_time within;
    msim_time pause;
    bool found = false;

    if (!read_time(script, "within", SCRIPT_WITHIN, &within) ||
        !read_time(script, "wait", 0, &pause))
        return fail(script, "within and wait are lengths of time such as \"200ms\"");
    if (wanted != MSIM_JSON_NONE && find(script, wanted, &found) == SCRIPT_FAILED)
        return SCRIPT_FAILED;
    if (found && never != MSIM_JSON_NONE)
        return fail(script, "what should never come has come");
    *over = found || (wanted == MSIM_JSON_NONE && now >= script->since + pause);
    script->due = script->since + (wanted != MSIM_JSON_NONE ? within : pause);
    if (*over || now < script->due)
        return SCRIPT_WAITS;
    *over = true;
    return expected == MSIM_JSON_NONE ? SCRIPT_WAITS : lack(script, expected);
}

enum script_state script_turn(struct script *script, msim_time now, const char **text,
                              size_t *length)
{
    for (;;) {
        enum script_state state = SCRIPT_WAITS;
        bool over = false;
        if (!script->has_line) {
            state = read_line(script);
            script->since = now;
        }
        if (state == SCRIPT_WAITS && !script->is_sent)
            state = send_first(script, text, length);
        if (state == SCRIPT_WAITS)
            state = wait_for(script, now, &over);
        if (state != SCRIPT_WAITS || !over)
            return state;
        end_line(script);
    }
}

msim_time script_due(const struct script *script)
{
    return script->due;
}

void script_cut(struct script *script, const char *why)
{
    terminal_fail(script->terminal, "%s:%zu: %s", script->path, script->number, why);
}
