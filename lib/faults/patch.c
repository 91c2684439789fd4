/*
 * JSON merge patch (RFC 7396) on objects, and a strategy's own JSON with what has changed since.
 *
 * Members of both are merged in the target's order, the patch's own follow; null
 * takes a member away.  A stack of the objects that are open stands in for
 * recursion.
 */
#include "faults/plan.h"

#include <string.h>

#include "base/detail.h"

struct level {
    uint32_t target; /* the object's node, MSIM_JSON_NONE where only the patch has it */
    uint32_t patch;
    uint32_t next;      /* member that comes next */
    bool patch_members; /* of the patch: the target's are done */
};

struct merge {
    struct msim_json_document target;
    struct msim_json_document patch;
    struct msim_json_writer writer;
    struct level levels[MSIM_JSON_MAX_DEPTH + 2];
    size_t depth;
};

static bool is_object(const struct msim_json_document *document, uint32_t node)
{
    return node != MSIM_JSON_NONE && document->nodes[node].kind == MSIM_JSON_OBJECT;
}

/* The member of the other document with the same key; keys are compared as they are written. */
static uint32_t same_key(const struct msim_json_document *from, uint32_t node,
                         const struct msim_json_document *in, uint32_t object)
{
    const struct msim_json_node *member = &from->nodes[node];
    size_t length = member->key_end - member->key_start;

    if (object == MSIM_JSON_NONE)
        return MSIM_JSON_NONE;
    for (uint32_t at = in->nodes[object].first; at != MSIM_JSON_NONE; at = in->nodes[at].next) {
        const struct msim_json_node *other = &in->nodes[at];
        if (other->key_end - other->key_start == length &&
            memcmp(in->text + other->key_start, from->text + member->key_start, length) == 0)
            return at;
    }
    return MSIM_JSON_NONE;
}

static void write_key(struct merge *merge, const struct msim_json_document *document, uint32_t node)
{
    const struct msim_json_node *member = &document->nodes[node];
    char key[128];

    if (msim_json_string(document->text, member->key_start, member->key_end, key, sizeof key,
                         NULL) == MSIM_OK)
        msim_json_write_key(&merge->writer, key);
    else
        merge->writer.failure = MSIM_ERR_LIMIT;
}

static void write_value(struct merge *merge, const struct msim_json_document *document,
                        uint32_t node)
{
    const struct msim_json_node *value = &document->nodes[node];

    msim_json_write_raw(&merge->writer, document->text + value->start, value->end - value->start);
}

static void open_level(struct merge *merge, uint32_t target, uint32_t patch)
{
    bool both = is_object(&merge->target, target);
    struct level *level = &merge->levels[merge->depth++];

    *level = (struct level){
        .target = both ? target : MSIM_JSON_NONE,
        .patch = patch,
        .next = both ? merge->target.nodes[target].first : merge->patch.nodes[patch].first,
        .patch_members = !both,
    };
    msim_json_write_object(&merge->writer);
}

static void target_member(struct merge *merge, struct level *level)
{
    uint32_t node = level->next;
    uint32_t changed = same_key(&merge->target, node, &merge->patch, level->patch);

    level->next = merge->target.nodes[node].next;
    if (changed == MSIM_JSON_NONE) {
        write_key(merge, &merge->target, node);
        write_value(merge, &merge->target, node);
        return;
    }
    enum msim_json_kind kind = merge->patch.nodes[changed].kind;
    if (kind == MSIM_JSON_NULL)
        return;
    write_key(merge, &merge->target, node);
    if (kind == MSIM_JSON_OBJECT)
        open_level(merge, node, changed);
    else
        write_value(merge, &merge->patch, changed);
}

static void patch_member(struct merge *merge, struct level *level)
{
    uint32_t node = level->next;

    level->next = merge->patch.nodes[node].next;
    if (same_key(&merge->patch, node, &merge->target, level->target) != MSIM_JSON_NONE ||
        merge->patch.nodes[node].kind == MSIM_JSON_NULL)
        return;
    write_key(merge, &merge->patch, node);
    if (merge->patch.nodes[node].kind == MSIM_JSON_OBJECT)
        open_level(merge, MSIM_JSON_NONE, node);
    else
        write_value(merge, &merge->patch, node);
}

static void run(struct merge *merge)
{
    open_level(merge, 0, 0);
    while (merge->depth > 0) {
        struct level *level = &merge->levels[merge->depth - 1];
        if (level->next != MSIM_JSON_NONE) {
            if (level->patch_members)
                patch_member(merge, level);
            else
                target_member(merge, level);
        } else if (!level->patch_members) {
            level->patch_members = true;
            level->next = merge->patch.nodes[level->patch].first;
        } else {
            msim_json_write_object_end(&merge->writer);
            merge->depth--;
        }
    }
}

int msim_fault_merge_patch(const char *target, size_t target_length, const char *patch,
                           size_t patch_length, struct msim_bytes *out,
                           const struct msim_allocator *allocator, struct msim_detail *detail)
{
    struct merge merge = {.depth = 0};
    int r = msim_json_document_read(&merge.patch, patch, patch_length, NULL, allocator, detail);
    if (r < 0)
        return r;
    if (merge.patch.nodes[0].kind != MSIM_JSON_OBJECT) {
        r = msim_json_refuse(&merge.patch, 0, detail, MSIM_ERR_INVALID,
                             "a merge patch is an object");
        goto finish_patch;
    }
    r = msim_json_document_read(&merge.target, target, target_length, NULL, allocator, detail);
    if (r < 0)
        goto finish_patch;
    msim_json_write_bytes(&merge.writer, out);
    run(&merge);
    r = msim_json_write_end(&merge.writer, NULL);
    if (r < 0)
        msim_detail_set(detail, r, "the patched strategy: %s", msim_result_text(r));
    msim_json_document_finish(&merge.target);
finish_patch:
    msim_json_document_finish(&merge.patch);
    return r;
}

int msim_fault_rule_text(const struct strategy *strategy, struct msim_bytes *out,
                         const struct msim_allocator *allocator)
{
    char now[MSIM_FAULT_ID_SIZE + 64];
    struct msim_json_writer writer;
    size_t length = 0;

    msim_json_write_buffer(&writer, now, sizeof now);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "id");
    msim_json_write_text(&writer, strategy->id);
    msim_json_write_key(&writer, "enabled");
    msim_json_write_bool(&writer, strategy->enabled);
    if (strategy->one_shot) {
        msim_json_write_key(&writer, "max_hits");
        msim_json_write_unsigned(&writer, strategy->when.max_hits);
    }
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, &length);
    return r < 0 ? r
                 : msim_fault_merge_patch(strategy->json, strategy->json_length, now, length, out,
                                          allocator, NULL);
}
