/*
 * Any bytes as the shape of an Arrow stream: formats, lengths, offsets, null counts, buffers that
 * are missing, indexes and views.  Refused in words or read in order of time.  How long a buffer
 * is the interface does not say: they are long enough here for what the lengths say.
 */
#include <stdlib.h>
#include <string.h>

#include <marketsim/arrow.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS 4
#define ROWS_MAX 40
#define BUFFER 4096
/* Bytes of texts: offsets are kept below, since nothing says where a buffer ends. */
#define TEXTS 256

static const char *const formats[] = {
    "tsu:UTC", "tsn:",    "tss:",        "tdD",      "tdm", "l",   "u",  "U",
    "vu",      "g",       "f",           "i",        "C",   "S",   "L",  "n",
    "d:9,2",   "d:38,20", "d:76,40,256", "d:5,1,32", "z",   "+s",  "e",  "b",
    "d:",      "c",       "tsx:",        "ts",       "",    "w:3", "vz",
};
static const char *const names[COLUMNS] = {"timestamp", "price", "volume", "ticker"};

struct feed {
    const uint8_t *data;
    size_t size;
};

struct column {
    const char *format;
    const char *dictionary_format;
    struct ArrowArray array;
    struct ArrowArray dictionary;
    const void *buffers[5];
    const void *dictionary_buffers[5];
    unsigned char *memory[2];
};

struct made {
    struct feed feed;
    struct column columns[COLUMNS];
    struct ArrowSchema schemas[COLUMNS];
    struct ArrowSchema dictionaries[COLUMNS];
    struct ArrowSchema *schema_pointers[COLUMNS];
    struct ArrowArray *array_pointers[COLUMNS];
    int64_t sizes[2];
    unsigned char texts[TEXTS + ROWS_MAX * 16];
    int batches;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static unsigned take(struct feed *feed)
{
    if (feed->size == 0)
        return 0;
    feed->size--;
    return *feed->data++;
}

/* Mostly a small number, at times one that is none. */
static int64_t take_length(struct feed *feed, int64_t most)
{
    unsigned byte = take(feed);

    if (byte == 255)
        return INT64_MIN + (int64_t)take(feed);
    if (byte == 254)
        return INT64_MAX - (int64_t)take(feed);
    return byte % (unsigned)(most + 1);
}

static void fill_offsets(unsigned char *memory, size_t width)
{
    for (size_t at = 0; at + width <= BUFFER; at += width) {
        memory[at + 1] = 0;
        for (size_t i = 2; i < width; i++)
            memory[at + i] = memory[at + width - 1] & 0x80 ? memory[at + i] | 0x80 : 0;
    }
}

/* Views whose long texts may lie in the buffer of TEXTS bytes or say that they do not. */
static void make_buffers(struct made *made, const char *format, unsigned char **memory,
                         const void **buffers, struct ArrowArray *array)
{
    struct feed *feed = &made->feed;
    bool views = format[0] == 'v';

    *memory = calloc(1, BUFFER);
    must(*memory != NULL);
    for (size_t i = 0; i < 512; i++)
        (*memory)[i] = (unsigned char)take(feed);
    if (strchr("uUzZ", format[0]) && format[0])
        fill_offsets(*memory, format[0] == 'U' || format[0] == 'Z' ? 8 : 4);
    unsigned missing = take(feed);
    buffers[0] = missing & 1 ? *memory : NULL;
    buffers[1] = missing & 2 ? NULL : *memory;
    buffers[2] = missing & 4 ? NULL : made->texts;
    buffers[3] = views ? made->sizes : NULL;
    int64_t count = strchr("uUzZ", format[0]) && format[0] ? 3
                    : views                                ? 4
                    : format[0] == 'n'                     ? 0
                                                           : 2;
    array->n_buffers = missing & 8 ? take_length(feed, 4) : count;
    if (array->n_buffers > count)
        array->n_buffers = count;
    array->buffers = missing & 16 ? NULL : buffers;
}

static void make_column(struct made *made, size_t at)
{
    struct column *column = &made->columns[at];
    struct feed *feed = &made->feed;
    struct ArrowArray *array = &column->array;

    column->format = formats[take(feed) % (sizeof formats / sizeof formats[0])];
    made->schemas[at] = (struct ArrowSchema){.format = column->format, .name = names[at]};
    array->length = take_length(feed, ROWS_MAX);
    array->offset = take_length(feed, 20);
    array->null_count = take_length(feed, 3) - 1;
    make_buffers(made, column->format, &column->memory[0], column->buffers, array);
    made->schema_pointers[at] = &made->schemas[at];
    made->array_pointers[at] = array;
    if (take(feed) % 3)
        return;
    column->dictionary_format = formats[take(feed) % (sizeof formats / sizeof formats[0])];
    made->dictionaries[at] = (struct ArrowSchema){.format = column->dictionary_format};
    made->schemas[at].dictionary = &made->dictionaries[at];
    column->dictionary.length = take_length(feed, ROWS_MAX);
    column->dictionary.offset = take_length(feed, 20);
    make_buffers(made, column->dictionary_format, &column->memory[1], column->dictionary_buffers,
                 &column->dictionary);
    array->dictionary = take(feed) % 8 ? &column->dictionary : NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct made *made = stream->private_data;

    *out = (struct ArrowSchema){.format = "+s",
                                .n_children = COLUMNS,
                                .children = made->schema_pointers,
                                .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct made *made = stream->private_data;

    *out = (struct ArrowArray){0};
    if (made->batches++ == 2)
        return 0;
    *out = (struct ArrowArray){.length = take_length(&made->feed, ROWS_MAX),
                               .offset = take_length(&made->feed, 4),
                               .null_count = take_length(&made->feed, 1),
                               .n_children = COLUMNS,
                               .children = made->array_pointers,
                               .release = release_array};
    return 0;
}

static void read_all(struct made *made, const struct msim_source_arrow_params *params)
{
    struct ArrowArrayStream stream = {.get_schema = get_schema,
                                      .get_next = get_next,
                                      .release = release_stream,
                                      .private_data = made};
    struct msim_source source = {0};
    struct msim_record records[16];
    struct msim_detail detail = {{0}};
    msim_time last = INT64_MIN;
    size_t count = 0;

    int r = msim_source_from_arrow(&source, &stream, params, &detail);
    must((stream.release == NULL) == (r >= 0));
    while (r >= 0 && r != MSIM_PULL_END) {
        r = msim_source_pull(&source, records, 16, &count, &detail);
        for (size_t i = 0; r == MSIM_PULL_RECORD && i < count; i++) {
            must(records[i].time >= last);
            last = records[i].time;
            if (!(records[i].flags & MSIM_RECORD_NO_SYMBOL))
                must(msim_source_symbol(&source, records[i].symbol, NULL) != NULL);
        }
    }
    must(r >= 0 || strlen(detail.text) > 0);
    msim_source_release(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (unsigned mode = 0; mode < 4; mode++) {
        struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;
        struct made *made = calloc(1, sizeof *made);
        must(made != NULL);
        made->feed = (struct feed){data, size};
        made->sizes[0] = TEXTS;
        memset(made->texts, 'a', sizeof made->texts);
        for (size_t i = 0; i < COLUMNS; i++)
            make_column(made, i);
        params.skip_bad_rows = mode & 1;
        params.sort = mode & 2;
        params.timestamp_unit = MSIM_NS_PER_MS;
        read_all(made, &params);
        for (size_t i = 0; i < COLUMNS; i++) {
            free(made->columns[i].memory[0]);
            free(made->columns[i].memory[1]);
        }
        free(made);
    }
    return 0;
}
