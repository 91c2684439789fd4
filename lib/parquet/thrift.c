#include "parquet/thrift.h"

/* Foreign structs within structs, deeper than any Parquet file has them. */
#define SKIP_DEPTH 64

void msim_thrift_init(struct msim_thrift *thrift, const unsigned char *bytes, size_t length)
{
    *thrift = (struct msim_thrift){.at = bytes, .end = bytes + length};
}

void msim_thrift_fail(struct msim_thrift *thrift, const char *failure)
{
    if (!thrift->failure)
        thrift->failure = failure;
    thrift->at = thrift->end;
}

static void fail_cut(struct msim_thrift *thrift)
{
    if (!thrift->failure)
        thrift->cut = true;
    msim_thrift_fail(thrift, "the bytes end inside a value");
}

static size_t left(const struct msim_thrift *thrift)
{
    return (size_t)(thrift->end - thrift->at);
}

static unsigned char byte(struct msim_thrift *thrift)
{
    if (thrift->failure)
        return 0;
    if (thrift->at == thrift->end) {
        fail_cut(thrift);
        return 0;
    }
    return *thrift->at++;
}

static uint64_t varint(struct msim_thrift *thrift)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char next = byte(thrift);
        if (shift == 63 && next > 1)
            break;
        value |= (uint64_t)(next & 0x7F) << shift;
        if (!(next & 0x80))
            return value;
    }
    msim_thrift_fail(thrift, "a number is longer than 64 bits");
    return 0;
}

static int64_t zigzag(struct msim_thrift *thrift)
{
    uint64_t value = varint(thrift);

    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

bool msim_thrift_next(struct msim_thrift *thrift, struct msim_thrift_field *field)
{
    unsigned char head = byte(thrift);

    if (thrift->failure || head == THRIFT_STOP)
        return false;
    int type = head & 0x0F;
    int64_t id = head >> 4;
    id = id > 0 ? field->id + id : zigzag(thrift);
    if (type == THRIFT_STOP || type > THRIFT_UUID)
        msim_thrift_fail(thrift, "a field has a type that does not exist");
    if (id < INT16_MIN || id > INT16_MAX)
        msim_thrift_fail(thrift, "a field has a number that does not exist");
    if (thrift->failure)
        return false;
    field->id = (int32_t)id;
    field->type = type;
    return true;
}

static bool expect(struct msim_thrift *thrift, const struct msim_thrift_field *field, int type)
{
    if (field->type != type)
        msim_thrift_fail(thrift, "a field has another type than the format gives it");
    return !thrift->failure;
}

bool msim_thrift_boolean(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    if (field->type != THRIFT_TRUE && field->type != THRIFT_FALSE)
        expect(thrift, field, THRIFT_TRUE);
    return field->type == THRIFT_TRUE;
}

int8_t msim_thrift_i8(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    return expect(thrift, field, THRIFT_I8) ? (int8_t)byte(thrift) : 0;
}

int32_t msim_thrift_i32(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    if (!expect(thrift, field, THRIFT_I32))
        return 0;
    int64_t value = zigzag(thrift);
    if (value < INT32_MIN || value > INT32_MAX) {
        msim_thrift_fail(thrift, "a number is longer than 32 bits");
        return 0;
    }
    return (int32_t)value;
}

int64_t msim_thrift_i64(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    return expect(thrift, field, THRIFT_I64) ? zigzag(thrift) : 0;
}

static struct msim_thrift_slice take(struct msim_thrift *thrift, uint64_t length)
{
    if (!thrift->failure && length > left(thrift))
        fail_cut(thrift);
    if (thrift->failure)
        return (struct msim_thrift_slice){0};
    struct msim_thrift_slice slice = {.bytes = thrift->at, .length = (size_t)length};
    thrift->at += length;
    return slice;
}

struct msim_thrift_slice msim_thrift_binary(struct msim_thrift *thrift,
                                            const struct msim_thrift_field *field)
{
    if (!expect(thrift, field, THRIFT_BINARY))
        return (struct msim_thrift_slice){0};
    return take(thrift, varint(thrift));
}

bool msim_thrift_struct(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    return expect(thrift, field, THRIFT_STRUCT);
}

/* The head of a list or set; each item takes at least a byte, which bounds the count. */
static size_t list_head(struct msim_thrift *thrift, int *item)
{
    unsigned char head = byte(thrift);
    uint64_t count = head >> 4;

    *item = head & 0x0F;
    if (count == 15)
        count = varint(thrift);
    if (!thrift->failure && count > left(thrift))
        fail_cut(thrift);
    if (count > 0 && (*item == THRIFT_STOP || *item > THRIFT_UUID))
        msim_thrift_fail(thrift, "a list has items of a type that does not exist");
    return thrift->failure ? 0 : (size_t)count;
}

size_t msim_thrift_list(struct msim_thrift *thrift, const struct msim_thrift_field *field,
                        enum thrift_type item)
{
    int found;

    if (!expect(thrift, field, THRIFT_LIST))
        return 0;
    size_t count = list_head(thrift, &found);
    if (count > 0 && found != (int)item) {
        msim_thrift_fail(thrift, "a list has items of another type than the format gives it");
        return 0;
    }
    return count;
}

/* What is open while a foreign value is passed over: a struct, or so many items of a list. */
struct open_value {
    bool is_struct;
    struct msim_thrift_field field; /* the struct's last; the list's item in `type` */
    int other;                      /* a map's value type */
    uint64_t items;
};

/* Passes a value without parts, or opens one with parts and returns true. */
static bool skip_into(struct msim_thrift *thrift, int type, bool is_item, struct open_value *open)
{
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        if (is_item)
            byte(thrift);
        return false;
    case THRIFT_I8:
        byte(thrift);
        return false;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        varint(thrift);
        return false;
    case THRIFT_DOUBLE:
        take(thrift, 8);
        return false;
    case THRIFT_UUID:
        take(thrift, 16);
        return false;
    case THRIFT_BINARY:
        take(thrift, varint(thrift));
        return false;
    case THRIFT_LIST:
    case THRIFT_SET:
        *open = (struct open_value){0};
        open->items = list_head(thrift, &open->field.type);
        open->other = open->field.type;
        return true;
    case THRIFT_MAP: {
        *open = (struct open_value){0};
        uint64_t count = varint(thrift);
        if (count > left(thrift))
            fail_cut(thrift);
        unsigned char types = count > 0 ? byte(thrift) : 0;
        open->field.type = types >> 4;
        open->other = types & 0x0F;
        open->items = thrift->failure ? 0 : count * 2;
        return true;
    }
    case THRIFT_STRUCT:
        *open = (struct open_value){.is_struct = true};
        return true;
    default:
        msim_thrift_fail(thrift, "a value has a type that does not exist");
        return false;
    }
}

/* The type of the next part of what is open; false where it has no more. */
static bool next_part(struct msim_thrift *thrift, struct open_value *open, int *type)
{
    if (open->is_struct) {
        if (!msim_thrift_next(thrift, &open->field))
            return false;
        *type = open->field.type;
        return true;
    }
    if (open->items == 0)
        return false;
    *type = open->items % 2 == 0 ? open->field.type : open->other;
    open->items--;
    return true;
}

void msim_thrift_skip(struct msim_thrift *thrift, const struct msim_thrift_field *field)
{
    struct open_value stack[SKIP_DEPTH];
    size_t depth = 0;

    if (skip_into(thrift, field->type, false, &stack[0]))
        depth = 1;
    while (depth > 0 && !thrift->failure) {
        struct open_value *top = &stack[depth - 1];
        int type;
        if (!next_part(thrift, top, &type)) {
            depth--;
            continue;
        }
        struct open_value inner;
        if (!skip_into(thrift, type, !top->is_struct, &inner))
            continue;
        if (depth == SKIP_DEPTH) {
            msim_thrift_fail(thrift, "structs lie too deep within each other");
            return;
        }
        stack[depth++] = inner;
    }
}
