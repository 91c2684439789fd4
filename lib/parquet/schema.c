/*
 * The schema: a tree, written as a list in which each group says how many of the
 * following elements are its children.
 */
#include <string.h>

#include "base/mem.h"
#include "parquet/footer.h"
#include "parquet/thrift.h"

/* Groups within groups. */
#define SCHEMA_DEPTH 64
/* The bound on columns of a file, and on the length of a name with those around it. */
#define LEAVES_LIMIT 1000000
#define NAME_LIMIT 4096

struct element {
    int32_t physical; /* -1: a group */
    int32_t type_length;
    int32_t repetition; /* -1: not said */
    int32_t child_count;
    int32_t converted; /* -1: none */
    int32_t scale;
    int32_t precision;
    struct msim_thrift_slice name;
    struct leaf logical; /* what the logical type says */
    bool has_logical;
};

/* A group whose children are being read. */
struct level {
    int32_t children_left;
    int32_t definition;
    int32_t repetition;
    size_t name_length; /* of the path up to here */
};

struct reader {
    struct footer *footer;
    struct level stack[SCHEMA_DEPTH];
    size_t depth;
    char path[NAME_LIMIT];
};

static int64_t read_unit(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    static const int64_t units[] = {0, MSIM_NS_PER_MS, MSIM_NS_PER_US, 1};
    struct msim_thrift_field inner = {0};
    int64_t unit = 0;

    if (!msim_thrift_struct(thrift, field))
        return 0;
    while (msim_thrift_next(thrift, &inner)) {
        if (inner.id >= 1 && inner.id <= 3)
            unit = units[inner.id];
        msim_thrift_skip(thrift, &inner);
    }
    return unit;
}

static void read_decimal(struct msim_thrift *thrift, struct leaf *logical)
{
    struct msim_thrift_field field = {0};

    while (msim_thrift_next(thrift, &field)) {
        if (field.id == 1)
            logical->scale = msim_thrift_i32(thrift, &field);
        else if (field.id == 2)
            logical->precision = msim_thrift_i32(thrift, &field);
        else
            msim_thrift_skip(thrift, &field);
    }
}

static void read_time(struct msim_thrift *thrift, struct leaf *logical)
{
    struct msim_thrift_field field = {0};

    while (msim_thrift_next(thrift, &field)) {
        if (field.id == 2)
            logical->nanoseconds = read_unit(thrift, &field);
        else
            msim_thrift_skip(thrift, &field);
    }
}

static void read_integer(struct msim_thrift *thrift, struct leaf *logical)
{
    struct msim_thrift_field field = {0};

    while (msim_thrift_next(thrift, &field)) {
        if (field.id == 1)
            logical->bits = (uint8_t)msim_thrift_i8(thrift, &field);
        else if (field.id == 2)
            logical->is_signed = msim_thrift_boolean(thrift, &field);
        else
            msim_thrift_skip(thrift, &field);
    }
}

/* The union LogicalType: one field, whose number says which. */
static void read_logical(struct msim_thrift *thrift, const struct msim_thrift_field *outer,
                         struct leaf *logical)
{
    static const enum annotation by_field[] = {
        [1] = ANNOTATION_STRING,   [4] = ANNOTATION_ENUM,     [5] = ANNOTATION_DECIMAL,
        [6] = ANNOTATION_DATE,     [7] = ANNOTATION_TIME,     [8] = ANNOTATION_TIMESTAMP,
        [10] = ANNOTATION_INTEGER, [12] = ANNOTATION_JSON,    [13] = ANNOTATION_BSON,
        [14] = ANNOTATION_UUID,    [15] = ANNOTATION_FLOAT16,
    };
    struct msim_thrift_field field = {0};

    if (!msim_thrift_struct(thrift, outer))
        return;
    while (msim_thrift_next(thrift, &field)) {
        bool known = field.id > 0 && (size_t)field.id < sizeof by_field / sizeof *by_field;
        logical->annotation = known ? by_field[field.id] : ANNOTATION_NONE;
        if (logical->annotation == ANNOTATION_NONE)
            logical->annotation = ANNOTATION_OTHER;
        if (!msim_thrift_struct(thrift, &field))
            return;
        if (logical->annotation == ANNOTATION_DECIMAL) {
            read_decimal(thrift, logical);
        } else if (logical->annotation == ANNOTATION_TIME ||
                   logical->annotation == ANNOTATION_TIMESTAMP) {
            read_time(thrift, logical);
        } else if (logical->annotation == ANNOTATION_INTEGER) {
            read_integer(thrift, logical);
        } else {
            msim_thrift_skip(thrift, &field);
        }
    }
}

static struct element read_element(struct msim_thrift *thrift)
{
    struct element element = {.physical = -1, .repetition = -1, .converted = -1};
    struct msim_thrift_field field = {0};

    while (msim_thrift_next(thrift, &field)) {
        switch (field.id) {
        case 1:
            element.physical = msim_thrift_i32(thrift, &field);
            if (element.physical < 0)
                msim_thrift_fail(thrift, "a column's type is negative");
            break;
        case 2:
            element.type_length = msim_thrift_i32(thrift, &field);
            break;
        case 3:
            element.repetition = msim_thrift_i32(thrift, &field);
            break;
        case 4:
            element.name = msim_thrift_binary(thrift, &field);
            break;
        case 5:
            element.child_count = msim_thrift_i32(thrift, &field);
            break;
        case 6:
            element.converted = msim_thrift_i32(thrift, &field);
            break;
        case 7:
            element.scale = msim_thrift_i32(thrift, &field);
            break;
        case 8:
            element.precision = msim_thrift_i32(thrift, &field);
            break;
        case 10:
            element.has_logical = true;
            read_logical(thrift, &field, &element.logical);
            break;
        default:
            msim_thrift_skip(thrift, &field);
        }
    }
    return element;
}

/* The converted type, which writers used before there were logical types. */
static void apply_converted(struct leaf *leaf, int32_t converted)
{
    switch (converted) {
    case 0:
        leaf->annotation = ANNOTATION_STRING;
        break;
    case 4:
        leaf->annotation = ANNOTATION_ENUM;
        break;
    case 5:
        leaf->annotation = ANNOTATION_DECIMAL;
        break;
    case 6:
        leaf->annotation = ANNOTATION_DATE;
        break;
    case 7:
    case 8:
        leaf->annotation = ANNOTATION_TIME;
        leaf->nanoseconds = converted == 7 ? MSIM_NS_PER_MS : MSIM_NS_PER_US;
        break;
    case 9:
    case 10:
        leaf->annotation = ANNOTATION_TIMESTAMP;
        leaf->nanoseconds = converted == 9 ? MSIM_NS_PER_MS : MSIM_NS_PER_US;
        break;
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
        leaf->annotation = ANNOTATION_INTEGER;
        leaf->is_signed = converted >= 15;
        leaf->bits = (uint8_t)(8U << ((converted - 11) & 3));
        break;
    case 19:
        leaf->annotation = ANNOTATION_JSON;
        break;
    case 20:
        leaf->annotation = ANNOTATION_BSON;
        break;
    case 21:
        leaf->annotation = ANNOTATION_INTERVAL;
        break;
    case -1:
        break;
    default:
        leaf->annotation = ANNOTATION_OTHER;
    }
}

static void annotate(struct leaf *leaf, const struct element *element)
{
    leaf->is_signed = true;
    leaf->scale = element->scale;
    leaf->precision = element->precision;
    if (!element->has_logical || element->logical.annotation == ANNOTATION_NONE) {
        apply_converted(leaf, element->converted);
        return;
    }
    const struct leaf *logical = &element->logical;
    leaf->annotation = logical->annotation;
    leaf->nanoseconds = logical->nanoseconds;
    if (leaf->annotation == ANNOTATION_INTEGER) {
        leaf->is_signed = logical->is_signed;
        leaf->bits = logical->bits;
    }
    if (leaf->annotation == ANNOTATION_DECIMAL) {
        leaf->scale = logical->scale;
        leaf->precision = logical->precision;
    }
}

/* Puts the element's name behind the path of the groups around it; gives the whole length. */
static size_t extend_path(struct reader *reader, struct msim_thrift *thrift,
                          struct msim_thrift_slice name)
{
    size_t at = reader->stack[reader->depth - 1].name_length;
    size_t dot = at > 0 ? 1 : 0;

    if (name.length > NAME_LIMIT - 1 - dot || at > NAME_LIMIT - 1 - dot - name.length) {
        msim_thrift_fail(thrift, "a column's name is longer than 4096 bytes");
        return at;
    }
    if (dot)
        reader->path[at] = '.';
    if (name.length > 0)
        memcpy(reader->path + at + dot, name.bytes, name.length);
    return at + dot + name.length;
}

static int add_leaf(struct reader *reader, struct msim_thrift *thrift,
                    const struct element *element)
{
    struct footer *footer = reader->footer;
    const struct level *around = &reader->stack[reader->depth - 1];

    size_t length = extend_path(reader, thrift, element->name);
    if (thrift->failure)
        return MSIM_OK;
    void *leaves = footer->leaves;
    int r = msim_mem_grow(&footer->allocator, &leaves, &footer->leaf_capacity,
                          sizeof *footer->leaves, footer->leaf_count + 1, LEAVES_LIMIT);
    if (r < 0)
        return r;
    footer->leaves = leaves;
    struct leaf *leaf = &footer->leaves[footer->leaf_count];
    *leaf = (struct leaf){.physical = element->physical,
                          .type_length = element->type_length,
                          .definition = around->definition,
                          .repetition = around->repetition,
                          .name_length = length};
    if (element->repetition != REPETITION_REQUIRED)
        leaf->definition++;
    if (element->repetition == REPETITION_REPEATED)
        leaf->repetition++;
    leaf->flat = reader->depth == 1 && element->repetition != REPETITION_REPEATED;
    annotate(leaf, element);
    leaf->name = msim_mem_text(&footer->allocator, reader->path, length);
    if (!leaf->name)
        return MSIM_ERR_NOMEM;
    footer->leaf_count++;
    return MSIM_OK;
}

static void enter_group(struct reader *reader, struct msim_thrift *thrift,
                        const struct element *element)
{
    if (reader->depth == SCHEMA_DEPTH) {
        msim_thrift_fail(thrift, "columns lie too deep within each other");
        return;
    }
    if (element->child_count < 0) {
        msim_thrift_fail(thrift, "a group has a negative number of columns");
        return;
    }
    const struct level *around = &reader->stack[reader->depth - 1];
    struct level level = {.children_left = element->child_count,
                          .definition = around->definition,
                          .repetition = around->repetition,
                          .name_length = extend_path(reader, thrift, element->name)};
    if (element->repetition != REPETITION_REQUIRED)
        level.definition++;
    if (element->repetition == REPETITION_REPEATED)
        level.repetition++;
    reader->stack[reader->depth++] = level;
}

static int read_all(struct reader *reader, struct msim_thrift *thrift, size_t count)
{
    if (count == 0) {
        msim_thrift_fail(thrift, "the schema is empty");
        return MSIM_OK;
    }
    struct element root = read_element(thrift);
    if (root.physical >= 0 || root.child_count < 0)
        msim_thrift_fail(thrift, "the schema does not begin with a group");
    reader->stack[0] = (struct level){.children_left = root.child_count};
    reader->depth = 1;

    for (size_t i = 1; i < count && !thrift->failure; i++) {
        while (reader->depth > 0 && reader->stack[reader->depth - 1].children_left == 0)
            reader->depth--;
        if (reader->depth == 0) {
            msim_thrift_fail(thrift, "the schema has columns that belong to no group");
            break;
        }
        reader->stack[reader->depth - 1].children_left--;
        struct element element = read_element(thrift);
        if (element.repetition < REPETITION_REQUIRED || element.repetition > REPETITION_REPEATED)
            msim_thrift_fail(thrift, "a column has a repetition that does not exist");
        if (thrift->failure)
            break;
        if (element.physical < 0) {
            enter_group(reader, thrift, &element);
            continue;
        }
        int r = add_leaf(reader, thrift, &element);
        if (r < 0)
            return r;
    }
    while (reader->depth > 0 && reader->stack[reader->depth - 1].children_left == 0)
        reader->depth--;
    if (reader->depth > 0)
        msim_thrift_fail(thrift, "the schema ends before all columns of a group");
    return MSIM_OK;
}

int msim_schema_read(struct footer *footer, struct msim_thrift *thrift, size_t count)
{
    struct reader *reader = msim_mem_zero(&footer->allocator, sizeof *reader);
    if (!reader)
        return MSIM_ERR_NOMEM;
    reader->footer = footer;
    int r = read_all(reader, thrift, count);
    msim_mem_free(&footer->allocator, reader, sizeof *reader);
    return r;
}
