/*
 * What an admin API answers, read as foreign bytes: of the failure layer's counts, what the page
 * shows.
 */
#include <string.h>

#include "base/json.h"
#include "server/dashboard/switches.h"

#define MOST_DEPTH 16

/* Counts of one strategy beside those that all have. */
#define MOST_COUNTS 8

#define KIND_SIZE 40

struct count {
    size_t key_start;
    size_t key_end;
    int64_t value;
};

struct strategy {
    char kind[KIND_SIZE];
    bool is_enabled;
    int64_t seen;
    int64_t hits;
    struct count counts[MOST_COUNTS];
    size_t count_count;
};

static bool opens(int kind)
{
    return kind == MSIM_JSON_OBJECT || kind == MSIM_JSON_ARRAY;
}

static bool is_key(const char *text, const struct msim_json_token *token, const char *word)
{
    return msim_json_is(text, token->key_start, token->key_end, word);
}

/* Those that say how a strategy came to its hits, and not what it did. */
static bool is_common(const char *text, const struct msim_json_token *token)
{
    static const char *const common[] = {"matched", "decided",     "shadowed",  "inapplicable",
                                         "bytes",   "first_hit_t", "last_hit_t"};

    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        if (is_key(text, token, common[i]))
            return true;
    return false;
}

static void take_number(struct strategy *strategy, const char *text,
                        const struct msim_json_token *token)
{
    int64_t value;

    if (msim_json_integer(text, token->start, token->end, &value) < 0 || value < 0)
        return;
    if (is_key(text, token, "seen"))
        strategy->seen = value;
    else if (is_key(text, token, "hits"))
        strategy->hits = value;
    else if (!is_common(text, token) && strategy->count_count < MOST_COUNTS)
        strategy->counts[strategy->count_count++] =
            (struct count){token->key_start, token->key_end, value};
}

/* The members of a strategy whose first token was read. */
static void read_strategy(struct msim_json_reader *reader, struct strategy *strategy)
{
    const char *text = reader->text;
    struct msim_json_token token;
    int kind;

    memset(strategy, 0, sizeof *strategy);
    while ((kind = msim_json_next(reader, &token)) > 0 && kind != MSIM_JSON_OBJECT_END) {
        if (opens(kind))
            msim_json_skip(reader, &token);
        else if (kind == MSIM_JSON_NUMBER)
            take_number(strategy, text, &token);
        else if (kind == MSIM_JSON_STRING && is_key(text, &token, "kind") &&
                 msim_json_string(text, token.start, token.end, strategy->kind, KIND_SIZE, NULL) <
                     0)
            strategy->kind[0] = '\0';
        else if (is_key(text, &token, "enabled"))
            strategy->is_enabled = kind == MSIM_JSON_TRUE;
    }
}

static void write_count(struct msim_json_writer *writer, const char *key, int64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_integer(writer, value);
}

static void write_strategy(struct msim_json_writer *writer, const char *text, const char *id,
                           const struct strategy *strategy)
{
    char name[KIND_SIZE];

    msim_json_write_object(writer);
    msim_json_write_key(writer, "id");
    msim_json_write_text(writer, id);
    msim_json_write_key(writer, "kind");
    msim_json_write_text(writer, strategy->kind);
    msim_json_write_key(writer, "enabled");
    msim_json_write_bool(writer, strategy->is_enabled);
    write_count(writer, "seen", strategy->seen);
    write_count(writer, "hits", strategy->hits);
    msim_json_write_key(writer, "counts");
    msim_json_write_object(writer);
    for (size_t i = 0; i < strategy->count_count; i++) {
        const struct count *count = &strategy->counts[i];
        if (msim_json_string(text, count->key_start, count->key_end, name, sizeof name, NULL) >= 0)
            write_count(writer, name, count->value);
    }
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
}

/* The object of all strategies, by their ids. */
static void read_strategies(struct msim_json_reader *reader, struct msim_json_writer *writer)
{
    struct msim_json_token token;
    struct strategy strategy;
    char id[MSIM_SWITCH_NAME_SIZE];
    size_t count = 0;
    int kind;

    while ((kind = msim_json_next(reader, &token)) > 0 && kind != MSIM_JSON_OBJECT_END) {
        if (kind == MSIM_JSON_OBJECT && count < MSIM_SWITCH_STRATEGIES &&
            msim_json_string(reader->text, token.key_start, token.key_end, id, sizeof id, NULL) >=
                0) {
            read_strategy(reader, &strategy);
            write_strategy(writer, reader->text, id, &strategy);
            count++;
        } else if (opens(kind)) {
            msim_json_skip(reader, &token);
        }
    }
}

static void read_names(struct msim_json_reader *reader, struct msim_json_writer *writer)
{
    struct msim_json_token token;
    char name[MSIM_SWITCH_NAME_SIZE];
    size_t count = 0;
    int kind;

    while ((kind = msim_json_next(reader, &token)) > 0 && kind != MSIM_JSON_ARRAY_END) {
        if (opens(kind))
            msim_json_skip(reader, &token);
        else if (kind == MSIM_JSON_STRING && count < MSIM_SWITCH_PRESETS &&
                 msim_json_string(reader->text, token.start, token.end, name, sizeof name, NULL) >=
                     0) {
            msim_json_write_text(writer, name);
            count++;
        }
    }
}

static int is_json(const char *text, size_t length, const struct msim_json_limits *limits)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, text, length, limits);
    while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END)
        ;
    return kind;
}

/* The member of this name and kind of the outermost object, read by that; all of it as an array. */
static int read_member(struct msim_bytes *out, const char *text, size_t length, const char *name,
                       enum msim_json_kind wanted,
                       void (*read)(struct msim_json_reader *, struct msim_json_writer *))
{
    static const struct msim_json_limits limits = {.max_depth = MOST_DEPTH};
    struct msim_json_reader reader;
    struct msim_json_writer writer;
    struct msim_json_token token;
    bool is_there = false;
    int kind;

    int r = is_json(text, length, &limits);
    if (r < 0)
        return r;
    msim_json_init(&reader, text, length, &limits);
    if (msim_json_next(&reader, &token) != MSIM_JSON_OBJECT)
        return MSIM_ERR_FORMAT;
    size_t before = msim_bytes_length(out);
    msim_json_write_bytes(&writer, out);
    msim_json_write_array(&writer);
    while ((kind = msim_json_next(&reader, &token)) > 0 && kind != MSIM_JSON_OBJECT_END) {
        if (kind == (int)wanted && !is_there && is_key(text, &token, name)) {
            is_there = true;
            read(&reader, &writer);
        } else if (opens(kind)) {
            msim_json_skip(&reader, &token);
        }
    }
    msim_json_write_array_end(&writer);
    r = msim_json_write_end(&writer, NULL);
    if (r >= 0 && !is_there) {
        msim_bytes_drop(out, msim_bytes_length(out) - before);
        return MSIM_ERR_FORMAT;
    }
    return r;
}

int msim_switches_read_faults(struct msim_bytes *out, const char *text, size_t length)
{
    return read_member(out, text, length, "strategies", MSIM_JSON_OBJECT, read_strategies);
}

int msim_switches_read_presets(struct msim_bytes *out, const char *text, size_t length)
{
    return read_member(out, text, length, "presets", MSIM_JSON_ARRAY, read_names);
}
