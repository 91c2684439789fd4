#include "net/deflate.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <zlib.h>

#include "base/mem.h"

/* A message that is longer is not kept room for once it has been sent. */
#define PACKED_KEEP (64 * 1024)

/* zlib's smallest window that it compresses with. */
#define ZLIB_LEAST_BITS 9

/* A small table of what was seen: it is cleared for each message that stands by itself. */
#define MEMORY_LEVEL 6

/* What a message's compressed data lacks at its end (RFC 7692 section 7.2.1). */
static const unsigned char tail[] = {0x00, 0x00, 0xFF, 0xFF};

struct msim_deflater {
    z_stream stream;
    int level;
};

struct msim_inflater {
    z_stream stream;
    struct msim_inflater *next; /* among the spare ones */
    bool is_ended;              /* a block said that it is the last one */
};

/* ---- memory: zlib does not say how much it gives back ---- */

struct block {
    size_t size;
    max_align_t bytes[];
};

static voidpf take(voidpf context, uInt count, uInt size)
{
    const struct msim_allocator *allocator = context;
    size_t bytes = (size_t)count * size + sizeof(struct block);
    struct block *block = msim_mem_zero(allocator, bytes);

    if (!block)
        return Z_NULL;
    block->size = bytes;
    return block->bytes;
}

static void give_back(voidpf context, voidpf pointer)
{
    struct block *block = (struct block *)((char *)pointer - offsetof(struct block, bytes));

    msim_mem_free(context, block, block->size);
}

static void use_memory(z_stream *stream, struct msim_allocator *allocator)
{
    stream->zalloc = take;
    stream->zfree = give_back;
    stream->opaque = allocator;
}

/* ---- compressors ---- */

/*
 * zlib does not compress with a window of 256 bytes; codes without any reference back fit into
 * each window.
 */
static struct msim_deflater *deflater_create(struct msim_deflate_pool *pool, uint8_t bits,
                                             int level)
{
    bool is_least = bits < ZLIB_LEAST_BITS;
    struct msim_deflater *deflater = msim_mem_zero(&pool->allocator, sizeof *deflater);

    if (!deflater)
        return NULL;
    use_memory(&deflater->stream, &pool->allocator);
    deflater->level = level;
    if (deflateInit2(&deflater->stream, level, Z_DEFLATED, -(is_least ? ZLIB_LEAST_BITS : bits),
                     MEMORY_LEVEL, is_least ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY) != Z_OK) {
        msim_mem_free(&pool->allocator, deflater, sizeof *deflater);
        return NULL;
    }
    return deflater;
}

static void deflater_free(struct msim_deflate_pool *pool, struct msim_deflater *deflater)
{
    if (!deflater)
        return;
    deflateEnd(&deflater->stream);
    msim_mem_free(&pool->allocator, deflater, sizeof *deflater);
}

/* The connection's, or the net's of its window. */
static struct msim_deflater *deflater_for(struct msim_deflate_link *link)
{
    struct msim_deflate_pool *pool = link->pool;
    struct msim_deflater **place =
        link->terms.keeps_context ? &link->deflater : &pool->deflaters[link->terms.window_bits];

    if (*place && (*place)->level != link->level) {
        deflater_free(pool, *place);
        *place = NULL;
    }
    if (!*place)
        *place = deflater_create(pool, link->terms.window_bits, link->level);
    return *place;
}

/* ---- sending ---- */

/* All of `stream`'s input, to the end of a byte. */
static int pack(struct msim_bytes *packed, z_stream *stream)
{
    int r;

    do {
        unsigned char *room;
        size_t size = deflateBound(stream, stream->avail_in) + 16;
        if (size > UINT_MAX)
            return MSIM_ERR_NOMEM;
        int reserved = msim_bytes_reserve(packed, size, &room);
        if (reserved < 0)
            return MSIM_ERR_NOMEM;
        stream->next_out = room;
        stream->avail_out = (uInt)size;
        r = deflate(stream, Z_SYNC_FLUSH);
        assert(r == Z_OK || r == Z_BUF_ERROR);
        msim_bytes_commit(packed, size - stream->avail_out);
    } while (stream->avail_out == 0);
    (void)r;
    return MSIM_OK;
}

int msim_deflate_pack(struct msim_deflate_link *link, const void *bytes, size_t length)
{
    struct msim_bytes *packed = &link->pool->packed;

    msim_bytes_take(packed, msim_bytes_length(packed));
    msim_bytes_shrink(packed, PACKED_KEEP);
    if (length < link->min_bytes || length == 0 || length > UINT_MAX / 2)
        return 0;
    struct msim_deflater *deflater = deflater_for(link);
    if (!deflater)
        return MSIM_ERR_NOMEM;
    deflater->stream.next_in = (Bytef *)(uintptr_t)bytes;
    deflater->stream.avail_in = (uInt)length;
    int r = pack(packed, &deflater->stream);
    if (r < 0 || !link->terms.keeps_context)
        deflateReset(&deflater->stream);
    if (r < 0)
        return r;
    assert(msim_bytes_length(packed) >= sizeof tail);
    msim_bytes_drop(packed, sizeof tail);
    /* With a context kept, the window has it already: it goes as it is packed. */
    return link->terms.keeps_context || msim_bytes_length(packed) < length;
}

void msim_deflate_forget(struct msim_deflate_link *link)
{
    if (link->deflater)
        deflateReset(&link->deflater->stream);
}

/* ---- reading ---- */

static struct msim_inflater *inflater_create(struct msim_deflate_pool *pool, uint8_t bits)
{
    struct msim_inflater *inflater = msim_mem_zero(&pool->allocator, sizeof *inflater);

    if (!inflater)
        return NULL;
    use_memory(&inflater->stream, &pool->allocator);
    if (inflateInit2(&inflater->stream, -bits) != Z_OK) {
        msim_mem_free(&pool->allocator, inflater, sizeof *inflater);
        return NULL;
    }
    return inflater;
}

static void inflater_free(struct msim_deflate_pool *pool, struct msim_inflater *inflater)
{
    if (!inflater)
        return;
    inflateEnd(&inflater->stream);
    msim_mem_free(&pool->allocator, inflater, sizeof *inflater);
}

static struct msim_inflater *lend(struct msim_deflate_pool *pool)
{
    struct msim_inflater *inflater = pool->spare;

    if (!inflater)
        return inflater_create(pool, MSIM_WINDOW_BITS_MAX);
    pool->spare = inflater->next;
    pool->spare_count--;
    inflateReset(&inflater->stream);
    inflater->is_ended = false;
    return inflater;
}

struct msim_inflater *msim_inflate_begin(struct msim_deflate_link *link)
{
    struct msim_deflate_pool *pool = link->pool;

    if (!pool->scratch)
        pool->scratch = msim_mem_take(&pool->allocator, MSIM_INFLATE_BYTES);
    if (!pool->scratch)
        return NULL;
    if (!link->terms.peer_keeps_context)
        return lend(pool);
    if (!link->inflater)
        link->inflater = inflater_create(pool, link->terms.peer_window_bits);
    return link->inflater;
}

/* Behind a last block another one may follow, which refers to the same window. */
static bool go_on(struct msim_deflate_pool *pool, struct msim_inflater *inflater)
{
    uInt length = MSIM_INFLATE_BYTES;

    inflater->is_ended = false;
    return inflateGetDictionary(&inflater->stream, pool->scratch, &length) == Z_OK &&
           inflateReset(&inflater->stream) == Z_OK &&
           inflateSetDictionary(&inflater->stream, pool->scratch, length) == Z_OK;
}

static int feed(struct msim_deflate_pool *pool, struct msim_inflater *inflater,
                const unsigned char *bytes, size_t length, const struct msim_inflate_sink *sink)
{
    z_stream *stream = &inflater->stream;

    assert(length <= UINT_MAX);
    stream->next_in = (Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)length;
    do {
        if (inflater->is_ended && stream->avail_in == 0)
            break;
        if (inflater->is_ended && !go_on(pool, inflater))
            return MSIM_ERR_NOMEM;
        stream->next_out = pool->scratch;
        stream->avail_out = MSIM_INFLATE_BYTES;
        int r = inflate(stream, Z_SYNC_FLUSH);
        if (r == Z_MEM_ERROR)
            return MSIM_ERR_NOMEM;
        if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
            return MSIM_ERR_FORMAT;
        inflater->is_ended = r == Z_STREAM_END;
        size_t made = MSIM_INFLATE_BYTES - stream->avail_out;
        int taken = made > 0 ? sink->take(sink->context, pool->scratch, made) : MSIM_OK;
        if (taken < 0)
            return taken;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return MSIM_OK;
}

/* inflate says in data_type that it stands between two blocks. */
#define BETWEEN_BLOCKS 128

int msim_inflate_piece(struct msim_deflate_link *link, struct msim_inflater *inflater,
                       const unsigned char *bytes, size_t length, bool is_last,
                       const struct msim_inflate_sink *sink)
{
    int r = feed(link->pool, inflater, bytes, length, sink);
    /* A last block that is the message's last word has no tail to complete. */
    if (r < 0 || !is_last || inflater->is_ended)
        return r;
    r = feed(link->pool, inflater, tail, sizeof tail, sink);
    if (r == MSIM_OK && !inflater->is_ended && !(inflater->stream.data_type & BETWEEN_BLOCKS))
        return MSIM_ERR_FORMAT;
    return r;
}

void msim_inflate_end(struct msim_deflate_link *link, struct msim_inflater *inflater)
{
    if (!inflater || inflater == link->inflater)
        return;
    struct msim_deflate_pool *pool = link->pool;
    if (pool->spare_count == MSIM_INFLATERS_SPARE) {
        inflater_free(pool, inflater);
        return;
    }
    inflater->next = pool->spare;
    pool->spare = inflater;
    pool->spare_count++;
}

/* ---- life ---- */

bool msim_deflate_is_built(void)
{
    return true;
}

void msim_deflate_pool_init(struct msim_deflate_pool *pool, const struct msim_allocator *allocator)
{
    *pool = (struct msim_deflate_pool){.allocator = msim_mem_allocator(allocator)};
    msim_bytes_init(&pool->packed, SIZE_MAX / 4, &pool->allocator);
}

void msim_deflate_pool_finish(struct msim_deflate_pool *pool)
{
    while (pool->spare) {
        struct msim_inflater *inflater = pool->spare;
        pool->spare = inflater->next;
        inflater_free(pool, inflater);
    }
    for (size_t i = 0; i <= MSIM_WINDOW_BITS_MAX; i++) {
        deflater_free(pool, pool->deflaters[i]);
        pool->deflaters[i] = NULL;
    }
    msim_bytes_finish(&pool->packed);
    msim_mem_free(&pool->allocator, pool->scratch, MSIM_INFLATE_BYTES);
    pool->scratch = NULL;
}

struct msim_deflate_link *msim_deflate_link_create(struct msim_deflate_pool *pool,
                                                   const struct msim_deflate *wanted,
                                                   const struct msim_deflate_terms *terms)
{
    struct msim_deflate_link *link = msim_mem_zero(&pool->allocator, sizeof *link);

    if (!link)
        return NULL;
    link->pool = pool;
    link->terms = *terms;
    link->min_bytes = wanted->min_bytes;
    link->level = wanted->level;
    return link;
}

void msim_deflate_link_free(struct msim_deflate_link *link)
{
    if (!link)
        return;
    deflater_free(link->pool, link->deflater);
    inflater_free(link->pool, link->inflater);
    msim_mem_free(&link->pool->allocator, link, sizeof *link);
}
