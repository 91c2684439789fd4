#include <string.h>

#include "base/mem.h"
#include "parquet/thrift.h"

/* The bound on what is written in one piece: a footer, a page header. */
#define OUT_LIMIT ((size_t)1 << 30)

void msim_thrift_out_init(struct msim_thrift_out *out, const struct msim_allocator *allocator)
{
    *out = (struct msim_thrift_out){.allocator = *allocator};
}

void msim_thrift_out_finish(struct msim_thrift_out *out)
{
    msim_mem_free(&out->allocator, out->bytes, out->capacity);
    out->bytes = NULL;
    out->length = out->capacity = 0;
}

static void put(struct msim_thrift_out *out, const void *bytes, size_t length)
{
    if (out->result < 0)
        return;
    void *memory = out->bytes;
    int r = length > OUT_LIMIT ? MSIM_ERR_LIMIT
                               : msim_mem_grow(&out->allocator, &memory, &out->capacity, 1,
                                               out->length + length, OUT_LIMIT);
    if (r < 0) {
        out->result = r;
        return;
    }
    out->bytes = memory;
    if (length > 0)
        memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
}

static void put_byte(struct msim_thrift_out *out, int value)
{
    unsigned char byte = (unsigned char)value;

    put(out, &byte, 1);
}

static void put_varint(struct msim_thrift_out *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t length = 0;

    while (value >= 0x80) {
        bytes[length++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    bytes[length++] = (unsigned char)value;
    put(out, bytes, length);
}

static void put_zigzag(struct msim_thrift_out *out, int64_t value)
{
    put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_field(struct msim_thrift_out *out, int *last, int id, int type)
{
    int step = id - *last;

    if (step > 0 && step < 16) {
        put_byte(out, step << 4 | type);
    } else {
        put_byte(out, type);
        put_zigzag(out, id);
    }
    *last = id;
}

void msim_thrift_put_i32(struct msim_thrift_out *out, int *last, int id, int32_t value)
{
    put_field(out, last, id, THRIFT_I32);
    put_zigzag(out, value);
}

void msim_thrift_put_i64(struct msim_thrift_out *out, int *last, int id, int64_t value)
{
    put_field(out, last, id, THRIFT_I64);
    put_zigzag(out, value);
}

void msim_thrift_put_i8(struct msim_thrift_out *out, int *last, int id, int8_t value)
{
    put_field(out, last, id, THRIFT_I8);
    put_byte(out, (unsigned char)value);
}

void msim_thrift_put_boolean(struct msim_thrift_out *out, int *last, int id, bool value)
{
    put_field(out, last, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void msim_thrift_put_binary(struct msim_thrift_out *out, int *last, int id, const void *bytes,
                            size_t length)
{
    put_field(out, last, id, THRIFT_BINARY);
    msim_thrift_put_item_binary(out, bytes, length);
}

void msim_thrift_put_struct(struct msim_thrift_out *out, int *last, int id)
{
    put_field(out, last, id, THRIFT_STRUCT);
}

void msim_thrift_put_stop(struct msim_thrift_out *out)
{
    put_byte(out, THRIFT_STOP);
}

void msim_thrift_put_list(struct msim_thrift_out *out, int *last, int id, enum thrift_type item,
                          size_t count)
{
    put_field(out, last, id, THRIFT_LIST);
    if (count < 15) {
        put_byte(out, (int)count << 4 | (int)item);
    } else {
        put_byte(out, 0xF0 | (int)item);
        put_varint(out, count);
    }
}

void msim_thrift_put_item_i32(struct msim_thrift_out *out, int32_t value)
{
    put_zigzag(out, value);
}

void msim_thrift_put_item_binary(struct msim_thrift_out *out, const void *bytes, size_t length)
{
    put_varint(out, length);
    put(out, bytes, length);
}
