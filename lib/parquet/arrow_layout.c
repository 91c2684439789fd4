#include "parquet/arrow_layout.h"

#include <stdlib.h>
#include <string.h>

#include "parquet/bits.h"

#define DAY_NS (INT64_C(86400) * MSIM_NS_PER_S)

#define VIEW_BYTES 16
/* Texts up to this length stand in their view. */
#define VIEW_INLINE 12

/* ---- formats ---- */

static struct arrow_type integer_type(char letter)
{
    static const struct {
        char letter;
        uint8_t width;
        bool is_signed;
    } integers[] = {
        {'c', 1, true}, {'C', 1, false}, {'s', 2, true}, {'S', 2, false},
        {'i', 4, true}, {'I', 4, false}, {'l', 8, true}, {'L', 8, false},
    };

    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (integers[i].letter == letter)
            return (struct arrow_type){.form = ARROW_INTEGER,
                                       .width = integers[i].width,
                                       .is_signed = integers[i].is_signed};
    return (struct arrow_type){.form = ARROW_OTHER};
}

static struct arrow_type plain_type(char letter)
{
    switch (letter) {
    case 'n':
        return (struct arrow_type){.form = ARROW_NULL};
    case 'f':
        return (struct arrow_type){.form = ARROW_FLOAT, .width = 4};
    case 'g':
        return (struct arrow_type){.form = ARROW_DOUBLE, .width = 8};
    case 'u':
    case 'z':
        return (struct arrow_type){.form = ARROW_TEXT, .width = 4};
    case 'U':
    case 'Z':
        return (struct arrow_type){.form = ARROW_TEXT, .width = 8};
    default:
        return integer_type(letter);
    }
}

/* "d:precision,scale" or "d:precision,scale,bits". */
static struct arrow_type decimal_type(const char *format)
{
    const struct arrow_type other = {.form = ARROW_OTHER};
    char *end;

    strtol(format + 2, &end, 10);
    if (*end != ',')
        return other;
    long scale = strtol(end + 1, &end, 10);
    long bits = 128;
    if (*end == ',')
        bits = strtol(end + 1, &end, 10);
    if (*end != '\0' || scale < 0 || scale > 76 ||
        (bits != 32 && bits != 64 && bits != 128 && bits != 256))
        return other;
    return (struct arrow_type){.form = ARROW_DECIMAL,
                               .width = (uint8_t)(bits / 8),
                               .is_signed = true,
                               .scale = (int32_t)scale};
}

/* "tsm:UTC", "tdD", "tdm". */
static struct arrow_type moment_type(const char *format)
{
    struct arrow_type type = {.form = ARROW_MOMENT, .width = 8, .is_signed = true};

    if (strcmp(format, "tdD") == 0) {
        type.width = 4;
        type.unit = DAY_NS;
        return type;
    }
    if (strcmp(format, "tdm") == 0) {
        type.unit = MSIM_NS_PER_MS;
        return type;
    }
    if (format[1] == 's' && format[2] != '\0' && format[3] == ':') {
        switch (format[2]) {
        case 's':
            type.unit = MSIM_NS_PER_S;
            return type;
        case 'm':
            type.unit = MSIM_NS_PER_MS;
            return type;
        case 'u':
            type.unit = MSIM_NS_PER_US;
            return type;
        case 'n':
            type.unit = 1;
            return type;
        default:
            break;
        }
    }
    return (struct arrow_type){.form = ARROW_OTHER};
}

struct arrow_type msim_arrow_type(const char *format)
{
    if (!format || format[0] == '\0')
        return (struct arrow_type){.form = ARROW_OTHER};
    if (format[1] == '\0')
        return plain_type(format[0]);
    if (format[0] == 'd' && format[1] == ':')
        return decimal_type(format);
    if (format[0] == 't')
        return moment_type(format);
    if (strcmp(format, "vu") == 0 || strcmp(format, "vz") == 0)
        return (struct arrow_type){.form = ARROW_TEXT_VIEWS, .width = VIEW_BYTES};
    return (struct arrow_type){.form = ARROW_OTHER};
}

void msim_arrow_column_init(struct arrow_column *column, const struct ArrowSchema *schema)
{
    column->values.type = msim_arrow_type(schema->format);
    column->has_dictionary = schema->dictionary != NULL;
    if (!column->has_dictionary)
        return;
    /* A dictionary of dictionaries is nothing that is read here. */
    column->dictionary.type = (struct arrow_type){.form = ARROW_OTHER};
    if (column->values.type.form == ARROW_INTEGER && !schema->dictionary->dictionary)
        column->dictionary.type = msim_arrow_type(schema->dictionary->format);
}

/* ---- arrays ---- */

const char *msim_arrow_present(const struct ArrowArray *array, const uint8_t **present)
{
    *present = array->n_buffers > 0 && array->buffers ? array->buffers[0] : NULL;
    /* -1: not counted. */
    if (array->null_count > 0 && !*present)
        return "it has nulls, and no buffer that says where";
    if (array->null_count < -1 || array->null_count > array->length)
        return "its number of nulls is none";
    return NULL;
}

static int64_t buffers_of(const struct arrow_type *type)
{
    switch (type->form) {
    case ARROW_NULL:
        return 0;
    case ARROW_TEXT:
    case ARROW_TEXT_VIEWS:
        return 3;
    default:
        return 2;
    }
}

static const char *take_buffers(struct arrow_values *values)
{
    const struct ArrowArray *array = values->array;
    int64_t wanted = buffers_of(&values->type);
    bool views = values->type.form == ARROW_TEXT_VIEWS;

    /* A column of nulls has nothing to read, whatever an old writer puts beside it. */
    if (wanted == 0)
        return NULL;
    if (array->n_buffers < wanted || (array->n_buffers > wanted && !views))
        return "it has not the buffers of its type";
    if (!array->buffers)
        return "it has no buffers";
    const char *words = msim_arrow_present(array, &values->present);
    if (words)
        return words;
    values->data = array->buffers[1];
    if (!values->data && values->count > 0)
        return "a buffer of its values is missing";
    if (values->type.form == ARROW_TEXT)
        values->bytes = array->buffers[2];
    if (!views)
        return NULL;
    values->size_count = array->n_buffers - 3;
    values->sizes = array->buffers[array->n_buffers - 1];
    return values->size_count > 0 && !values->sizes ? "the sizes of its buffers are missing" : NULL;
}

/* `count` values from value `offset` on. */
static const char *take(struct arrow_values *values, const struct ArrowArray *array, int64_t offset,
                        int64_t count)
{
    struct arrow_type type = values->type;
    int64_t end;

    *values = (struct arrow_values){.type = type, .array = array, .count = count};
    if (array->length < 0 || array->offset < 0 || offset > array->length ||
        count > array->length - offset)
        return "it is shorter than its batch";
    if (__builtin_add_overflow(array->offset, array->length, &end) ||
        __builtin_mul_overflow(end, (int64_t)VIEW_BYTES + 16, &end))
        return "its offset is none";
    values->first = array->offset + offset;
    return take_buffers(values);
}

const char *msim_arrow_column_take(struct arrow_column *column, const struct ArrowArray *array,
                                   int64_t offset, int64_t count)
{
    const char *words = take(&column->values, array, offset, count);

    if (words || !column->has_dictionary)
        return words;
    if (!array->dictionary)
        return "its dictionary is missing";
    return take(&column->dictionary, array->dictionary, 0, array->dictionary->length);
}

/* ---- values ---- */

static bool is_present(const struct arrow_values *values, int64_t at)
{
    return values->type.form != ARROW_NULL && msim_arrow_bit(values->present, values->first + at);
}

int msim_arrow_find(const struct arrow_column *column, int64_t row,
                    const struct arrow_values **values, int64_t *at)
{
    *values = &column->values;
    *at = row;
    if (!is_present(&column->values, row))
        return 0;
    if (!column->has_dictionary)
        return 1;
    int64_t index;
    if (!msim_arrow_integer(&column->values, row, &index) || index < 0 ||
        index >= column->dictionary.count)
        return MSIM_ERR_FORMAT;
    *values = &column->dictionary;
    *at = index;
    return is_present(&column->dictionary, index);
}

bool msim_arrow_integer(const struct arrow_values *values, int64_t at, int64_t *value)
{
    size_t width = values->type.width;
    const unsigned char *from = values->data + (size_t)(values->first + at) * width;
    uint64_t bits = 0;

    switch (width) {
    case 8:
        bits = msim_load64(from);
        break;
    case 4:
        bits = msim_load32(from);
        break;
    case 2:
        bits = (uint64_t)from[0] | (uint64_t)from[1] << 8;
        break;
    default:
        bits = from[0];
        break;
    }
    if (!values->type.is_signed) {
        *value = (int64_t)bits;
        return bits <= INT64_MAX;
    }
    unsigned shift = 64 - 8 * (unsigned)width;
    *value = (int64_t)(bits << shift) >> shift;
    return true;
}

static bool text_by_offsets(const struct arrow_values *values, int64_t at, struct msim_text *text)
{
    size_t width = values->type.width;
    const unsigned char *from = values->data + (size_t)(values->first + at) * width;
    int64_t start = width == 8 ? (int64_t)msim_load64(from) : (int32_t)msim_load32(from);
    int64_t end = width == 8 ? (int64_t)msim_load64(from + 8) : (int32_t)msim_load32(from + 4);

    if (start < 0 || end < start || end - start > ARROW_TEXT_LIMIT ||
        (end > start && !values->bytes))
        return false;
    *text = (struct msim_text){.bytes = end > start ? values->bytes + start : values->data,
                               .length = (uint32_t)(end - start)};
    return true;
}

static bool text_by_view(const struct arrow_values *values, int64_t at, struct msim_text *text)
{
    const unsigned char *view = values->data + (size_t)(values->first + at) * VIEW_BYTES;
    int32_t length = (int32_t)msim_load32(view);

    if (length < 0 || length > ARROW_TEXT_LIMIT)
        return false;
    *text = (struct msim_text){.bytes = view + 4, .length = (uint32_t)length};
    if (length <= VIEW_INLINE)
        return true;
    int32_t buffer = (int32_t)msim_load32(view + 8);
    int32_t offset = (int32_t)msim_load32(view + 12);
    if (buffer < 0 || buffer >= values->size_count || offset < 0)
        return false;
    int64_t size;
    memcpy(&size, values->sizes + (size_t)buffer * sizeof size, sizeof size);
    const unsigned char *bytes = values->array->buffers[2 + buffer];
    if (!bytes || offset > size || length > size - offset)
        return false;
    text->bytes = bytes + offset;
    return true;
}

bool msim_arrow_text(const struct arrow_values *values, int64_t at, struct msim_text *text)
{
    return values->type.form == ARROW_TEXT ? text_by_offsets(values, at, text)
                                           : text_by_view(values, at, text);
}
