/*
 * A build without zlib: nobody asks for compressed messages, so that nothing of this is called.
 */
#include "net/deflate.h"

#include "base/mem.h"

bool msim_deflate_is_built(void)
{
    return false;
}

void msim_deflate_pool_init(struct msim_deflate_pool *pool, const struct msim_allocator *allocator)
{
    *pool = (struct msim_deflate_pool){.allocator = msim_mem_allocator(allocator)};
}

void msim_deflate_pool_finish(struct msim_deflate_pool *pool)
{
    (void)pool;
}

struct msim_deflate_link *msim_deflate_link_create(struct msim_deflate_pool *pool,
                                                   const struct msim_deflate *wanted,
                                                   const struct msim_deflate_terms *terms)
{
    (void)pool;
    (void)wanted;
    (void)terms;
    return NULL;
}

void msim_deflate_link_free(struct msim_deflate_link *link)
{
    (void)link;
}

int msim_deflate_pack(struct msim_deflate_link *link, const void *bytes, size_t length)
{
    (void)link;
    (void)bytes;
    (void)length;
    return 0;
}

void msim_deflate_forget(struct msim_deflate_link *link)
{
    (void)link;
}

struct msim_inflater *msim_inflate_begin(struct msim_deflate_link *link)
{
    (void)link;
    return NULL;
}

int msim_inflate_piece(struct msim_deflate_link *link, struct msim_inflater *inflater,
                       const unsigned char *bytes, size_t length, bool is_last,
                       const struct msim_inflate_sink *sink)
{
    (void)link;
    (void)inflater;
    (void)bytes;
    (void)length;
    (void)is_last;
    (void)sink;
    return MSIM_ERR_UNSUPPORTED;
}

void msim_inflate_end(struct msim_deflate_link *link, struct msim_inflater *inflater)
{
    (void)link;
    (void)inflater;
}
