/*
 * Thrift's compact protocol, read strictly.
 *
 * The reader remembers its first failure and gives zeros from then on, so that a
 * parser is a plain loop over fields and asks once, at the end, whether all was
 * well.
 */
#ifndef MSIM_PARQUET_THRIFT_H
#define MSIM_PARQUET_THRIFT_H

#include <marketsim/base.h>

enum thrift_type {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1, /* a boolean field bears its value in its type */
    THRIFT_FALSE = 2,
    THRIFT_I8 = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13,
};

struct msim_thrift {
    const unsigned char *at;
    const unsigned char *end;
    const char *failure; /* NULL as long as all was well */
    bool cut;            /* the failure is that the bytes ended */
};

struct msim_thrift_field {
    int32_t id; /* 0 before a struct's first field */
    int type;   /* enum thrift_type */
};

struct msim_thrift_slice {
    const unsigned char *bytes;
    size_t length;
};

void msim_thrift_init(struct msim_thrift *thrift, const unsigned char *bytes, size_t length);

/* Keeps the first failure. */
void msim_thrift_fail(struct msim_thrift *thrift, const char *failure);

/* The next field of the struct; false at its end and after a failure. */
bool msim_thrift_next(struct msim_thrift *thrift, struct msim_thrift_field *field);

/* A field's value; a field of another type is a failure. */
bool msim_thrift_boolean(struct msim_thrift *thrift, const struct msim_thrift_field *field);
int8_t msim_thrift_i8(struct msim_thrift *thrift, const struct msim_thrift_field *field);
int32_t msim_thrift_i32(struct msim_thrift *thrift, const struct msim_thrift_field *field);
int64_t msim_thrift_i64(struct msim_thrift *thrift, const struct msim_thrift_field *field);
struct msim_thrift_slice msim_thrift_binary(struct msim_thrift *thrift,
                                            const struct msim_thrift_field *field);

/* Enters a struct: its fields follow.  False, with a failure, where it is something else. */
bool msim_thrift_struct(struct msim_thrift *thrift, const struct msim_thrift_field *field);

/* The number of items of a list of `item`s, each of which is then read as a field of that type. */
size_t msim_thrift_list(struct msim_thrift *thrift, const struct msim_thrift_field *field,
                        enum thrift_type item);

/* Passes over a value of any type. */
void msim_thrift_skip(struct msim_thrift *thrift, const struct msim_thrift_field *field);

/* ---- writing: into a run of bytes that grows ---- */

struct msim_thrift_out {
    unsigned char *bytes;
    size_t length;
    size_t capacity;
    int result; /* the first failure */
    struct msim_allocator allocator;
};

void msim_thrift_out_init(struct msim_thrift_out *out, const struct msim_allocator *allocator);
void msim_thrift_out_finish(struct msim_thrift_out *out);

/* `last` is the id of the struct's field before, 0 for none; it is moved on. */
void msim_thrift_put_i32(struct msim_thrift_out *out, int *last, int id, int32_t value);
void msim_thrift_put_i64(struct msim_thrift_out *out, int *last, int id, int64_t value);
void msim_thrift_put_i8(struct msim_thrift_out *out, int *last, int id, int8_t value);
void msim_thrift_put_boolean(struct msim_thrift_out *out, int *last, int id, bool value);
void msim_thrift_put_binary(struct msim_thrift_out *out, int *last, int id, const void *bytes,
                            size_t length);
/* The struct's fields follow, then msim_thrift_put_stop. */
void msim_thrift_put_struct(struct msim_thrift_out *out, int *last, int id);
void msim_thrift_put_stop(struct msim_thrift_out *out);
/* `count` items follow: bare values, or fields of structs with their stops. */
void msim_thrift_put_list(struct msim_thrift_out *out, int *last, int id, enum thrift_type item,
                          size_t count);
void msim_thrift_put_item_i32(struct msim_thrift_out *out, int32_t value);
void msim_thrift_put_item_binary(struct msim_thrift_out *out, const void *bytes, size_t length);

#endif
