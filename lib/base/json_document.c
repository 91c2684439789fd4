/*
 * A text as an array of nodes, made from the tokens in one pass.
 */
#include "base/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"

/* Bytes of a pointer in a refusal, with its terminator; longer ones are cut. */
#define POINTER_SIZE (MSIM_DETAIL_SIZE / 4 + 3)

/* Under construction: the innermost open node, and its last child so far. */
struct builder {
    struct msim_json_document *document;
    size_t max_nodes;
    uint32_t open;
    uint32_t last[MSIM_JSON_DEPTH_MOST + 1];
};

static int add_node(struct builder *builder, const struct msim_json_token *token)
{
    struct msim_json_document *document = builder->document;
    void *nodes = document->nodes;
    int r = msim_mem_grow(&document->allocator, &nodes, &document->capacity,
                          sizeof *document->nodes, document->count + 1, builder->max_nodes);
    if (r < 0)
        return r;
    document->nodes = nodes;

    uint32_t number = (uint32_t)document->count++;
    document->nodes[number] = (struct msim_json_node){
        .kind = token->kind,
        .parent = builder->open,
        .next = MSIM_JSON_NONE,
        .first = MSIM_JSON_NONE,
        .start = (uint32_t)token->start,
        .end = (uint32_t)token->end,
        .key_start = (uint32_t)token->key_start,
        .key_end = (uint32_t)token->key_end,
    };
    if (builder->open != MSIM_JSON_NONE) {
        struct msim_json_node *parent = &document->nodes[builder->open];
        if (parent->count++ == 0)
            parent->first = number;
        else
            document->nodes[builder->last[token->depth]].next = number;
    }
    builder->last[token->depth] = number;
    if (token->kind == MSIM_JSON_OBJECT || token->kind == MSIM_JSON_ARRAY)
        builder->open = number;
    return MSIM_OK;
}

static void close_node(struct builder *builder, const struct msim_json_token *token)
{
    assert(builder->open < builder->document->count);

    struct msim_json_node *node = &builder->document->nodes[builder->open];

    node->end = (uint32_t)token->end;
    builder->open = node->parent;
}

static int build(struct builder *builder, struct msim_json_reader *reader,
                 struct msim_detail *detail)
{
    for (;;) {
        struct msim_json_token token;
        int r = msim_json_next(reader, &token);
        if (r < 0)
            return msim_json_explain(reader, detail);
        if (r == MSIM_JSON_END)
            return MSIM_OK;
        if (r == MSIM_JSON_OBJECT_END || r == MSIM_JSON_ARRAY_END) {
            close_node(builder, &token);
            continue;
        }
        r = add_node(builder, &token);
        if (r == MSIM_ERR_LIMIT)
            return msim_detail_set(detail, r, "more than %zu values", builder->max_nodes);
        if (r < 0)
            return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
}

/* ---- keys that stand twice ---- */

static struct msim_json_pieces key_of(const struct msim_json_document *document, uint32_t number)
{
    const struct msim_json_node *node = &document->nodes[number];
    struct msim_json_pieces pieces;

    msim_json_pieces_init(&pieces, document->text, node->key_start, node->key_end);
    return pieces;
}

/* Of the unescaped key, so that "a" and "\u0061" are the same. */
static uint64_t hash_key(const struct msim_json_document *document, uint32_t number)
{
    struct msim_json_pieces pieces = key_of(document, number);
    const char *piece;
    size_t length;
    uint64_t hash = MSIM_FNV_START;

    while (msim_json_piece(&pieces, &piece, &length))
        hash = msim_fnv_more(hash, piece, length);
    return msim_mix64(hash + document->nodes[number].parent);
}

static bool keys_equal(struct msim_json_pieces a, struct msim_json_pieces b)
{
    struct msim_json_pieces pieces[2] = {a, b};
    const char *at[2];
    size_t left[2] = {0, 0};

    for (;;) {
        bool more[2];
        for (int i = 0; i < 2; i++)
            more[i] = left[i] > 0 || msim_json_piece(&pieces[i], &at[i], &left[i]);
        if (!more[0] || !more[1])
            return more[0] == more[1];
        size_t both = left[0] < left[1] ? left[0] : left[1];
        if (memcmp(at[0], at[1], both) != 0)
            return false;
        for (int i = 0; i < 2; i++) {
            at[i] += both;
            left[i] -= both;
        }
    }
}

static bool same_key(const struct msim_json_document *document, uint32_t a, uint32_t b)
{
    return document->nodes[a].parent == document->nodes[b].parent &&
           keys_equal(key_of(document, a), key_of(document, b));
}

/* Enters every key into a hash table of (object, key) that has room to spare. */
static int find_duplicate(const struct msim_json_document *document, uint32_t *table,
                          size_t table_size, struct msim_detail *detail)
{
    for (uint32_t i = 0; i < document->count; i++) {
        if (document->nodes[i].key_end == 0)
            continue;
        size_t slot = hash_key(document, i) & (table_size - 1);
        for (; table[slot] != 0; slot = (slot + 1) & (table_size - 1))
            if (same_key(document, i, table[slot] - 1))
                return msim_json_refuse(document, i, detail, MSIM_ERR_INVALID,
                                        "the key stands twice in its object");
        table[slot] = i + 1;
    }
    return MSIM_OK;
}

static int refuse_duplicates(const struct msim_json_document *document, struct msim_detail *detail)
{
    size_t keys = 0;

    for (size_t i = 0; i < document->count; i++)
        keys += document->nodes[i].key_end > 0;
    if (keys < 2)
        return MSIM_OK;

    size_t size = 4;
    while (size < keys * 2)
        size *= 2;
    uint32_t *table = msim_mem_zero_array(&document->allocator, size, sizeof *table);
    if (!table)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    int r = find_duplicate(document, table, size, detail);
    msim_mem_free(&document->allocator, table, size * sizeof *table);
    return r;
}

/* ---- the document ---- */

int msim_json_document_read(struct msim_json_document *out, const char *text, size_t length,
                            const struct msim_json_limits *limits,
                            const struct msim_allocator *allocator, struct msim_detail *detail)
{
    struct msim_json_document made = {
        .text = text, .length = length, .allocator = msim_mem_allocator(allocator)};
    struct builder builder = {.document = &made, .open = MSIM_JSON_NONE};
    struct msim_json_limits chosen = limits ? *limits : (struct msim_json_limits){0};
    struct msim_json_reader reader;

    builder.max_nodes = chosen.max_nodes ? chosen.max_nodes : MSIM_JSON_MAX_NODES;
    if (builder.max_nodes > MSIM_JSON_NONE - 1)
        builder.max_nodes = MSIM_JSON_NONE - 1;
    if (chosen.max_bytes > UINT32_MAX - 1)
        chosen.max_bytes = UINT32_MAX - 1;
    msim_json_init(&reader, text, length, &chosen);

    int r = build(&builder, &reader, detail);
    if (r == MSIM_OK && chosen.duplicates == MSIM_JSON_DUPLICATES_REFUSED)
        r = refuse_duplicates(&made, detail);
    if (r < 0) {
        msim_json_document_finish(&made);
        return r;
    }
    *out = made;
    return MSIM_OK;
}

void msim_json_document_finish(struct msim_json_document *document)
{
    if (document->nodes)
        msim_mem_free(&document->allocator, document->nodes,
                      document->capacity * sizeof *document->nodes);
    document->nodes = NULL;
    document->count = document->capacity = 0;
}

uint32_t msim_json_member(const struct msim_json_document *document, uint32_t object,
                          const char *key)
{
    const struct msim_json_node *nodes = document->nodes;
    size_t length = strlen(key);
    uint32_t found = MSIM_JSON_NONE;

    if (nodes[object].kind != MSIM_JSON_OBJECT)
        return MSIM_JSON_NONE;
    for (uint32_t i = nodes[object].first; i != MSIM_JSON_NONE; i = nodes[i].next)
        if (msim_json_is_bytes(document->text, nodes[i].key_start, nodes[i].key_end, key, length))
            found = i;
    return found;
}

/* ---- places ---- */

/* A text that is cut at its size, yet knows how long it wanted to be. */
struct cut_text {
    char *out;
    size_t size;
    size_t length;
};

static void put(struct cut_text *text, char c)
{
    if (text->length + 1 < text->size)
        text->out[text->length] = c;
    text->length++;
}

static void put_key(struct cut_text *text, struct msim_json_pieces pieces)
{
    const char *piece;
    size_t length;

    while (msim_json_piece(&pieces, &piece, &length)) {
        for (size_t i = 0; i < length; i++) {
            if (piece[i] == '~' || piece[i] == '/') {
                put(text, '~');
                put(text, piece[i] == '~' ? '0' : '1');
            } else {
                put(text, piece[i]);
            }
        }
    }
}

static uint64_t index_of(const struct msim_json_node *nodes, uint32_t node)
{
    uint64_t index = 0;

    for (uint32_t i = nodes[nodes[node].parent].first; i != node; i = nodes[i].next)
        index++;
    return index;
}

static void put_index(struct cut_text *text, uint64_t index)
{
    char digits[20];
    size_t length = msim_decimal_digits(index, digits);
    for (size_t i = 0; i < length; i++)
        put(text, digits[i]);
}

/* The node, the one around it, and so on up to the outermost, which is not among them. */
static size_t path_to(const struct msim_json_document *document, uint32_t node,
                      uint32_t path[MSIM_JSON_DEPTH_MOST + 1])
{
    size_t depth = 0;

    for (; document->nodes[node].parent != MSIM_JSON_NONE; node = document->nodes[node].parent)
        path[depth++] = node;
    return depth;
}

size_t msim_json_pointer(const struct msim_json_document *document, uint32_t node, char *out,
                         size_t size)
{
    const struct msim_json_node *nodes = document->nodes;
    uint32_t path[MSIM_JSON_DEPTH_MOST + 1];
    size_t depth = path_to(document, node, path);
    struct cut_text text = {.out = out, .size = size};

    while (depth > 0) {
        put(&text, '/');
        if (nodes[path[depth - 1]].key_end > 0)
            put_key(&text, key_of(document, path[depth - 1]));
        else
            put_index(&text, index_of(nodes, path[depth - 1]));
        depth--;
    }
    if (size > 0)
        out[text.length < size ? text.length : size - 1] = '\0';
    return text.length;
}

/* The value inside `outer` that stands where `node` stands in what is around it. */
static uint32_t counterpart(const struct msim_json_document *document, uint32_t node,
                            const struct msim_json_document *other, uint32_t outer)
{
    bool is_member = document->nodes[node].key_end > 0;
    enum msim_json_kind kind = is_member ? MSIM_JSON_OBJECT : MSIM_JSON_ARRAY;
    uint64_t index = is_member ? 0 : index_of(document->nodes, node);

    if (other->nodes[outer].kind != kind)
        return MSIM_JSON_NONE;
    for (uint32_t i = other->nodes[outer].first; i != MSIM_JSON_NONE; i = other->nodes[i].next)
        if (is_member ? keys_equal(key_of(document, node), key_of(other, i)) : index-- == 0)
            return i;
    return MSIM_JSON_NONE;
}

/* What was sent for the node; where nothing was (not `*exact`), for the innermost around it. */
static uint32_t find_sent(const struct msim_json_document *document, uint32_t node, bool *exact)
{
    uint32_t path[MSIM_JSON_DEPTH_MOST + 1];
    size_t depth = path_to(document, node, path);
    uint32_t found = document->sent_node;

    *exact = depth >= document->sent_depth;
    for (size_t i = *exact ? depth - document->sent_depth : 0; i > 0; i--) {
        uint32_t next = counterpart(document, path[i - 1], document->sent, found);
        *exact = next != MSIM_JSON_NONE;
        if (!*exact)
            break;
        found = next;
    }
    return found;
}

static const char *pointer_of(const struct msim_json_document *document, uint32_t node,
                              char out[POINTER_SIZE])
{
    size_t length = msim_json_pointer(document, node, out, POINTER_SIZE - 3);

    if (length >= POINTER_SIZE - 3)
        memcpy(out + strlen(out), "...", 4);
    return length > 0 ? out : "the value";
}

int msim_json_refuse(const struct msim_json_document *document, uint32_t node,
                     struct msim_detail *detail, int result, const char *format, ...)
{
    if (!detail)
        return result;

    const struct msim_json_document *shown = document->sent ? document->sent : document;
    bool exact = true;
    uint32_t at = document->sent ? find_sent(document, node, &exact) : node;
    char pointers[2][POINTER_SIZE];
    size_t line;
    size_t column;
    char words[MSIM_DETAIL_SIZE];
    va_list arguments;

    msim_json_place(shown->text, shown->length, shown->nodes[at].start, &line, &column);
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return msim_detail_set(
        detail, result, "%s (line %zu, column %zu): %s%s%s%s", pointer_of(shown, at, pointers[0]),
        line, column, exact ? "" : "as merged, ",
        exact ? "" : pointer_of(document, node, pointers[1]), exact ? "" : ": ", words);
}
