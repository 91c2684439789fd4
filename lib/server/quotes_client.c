#include "server/quotes_client.h"

#include <string.h>

#include "base/mem.h"

static void forget(struct msim_quotes_wishes *wishes, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, wishes->bits, wishes->word_count * sizeof *wishes->bits);
    *wishes = (struct msim_quotes_wishes){0};
}

int msim_quotes_wish(struct msim_quotes_wishes *wishes, bool all, uint32_t symbol,
                     const struct msim_allocator *allocator)
{
    if (all) {
        wishes->all = true;
        return MSIM_OK;
    }
    size_t old = wishes->word_count;
    void *bits = wishes->bits;
    int r = msim_mem_grow(allocator, &bits, &wishes->word_count, sizeof *wishes->bits,
                          (size_t)symbol / 64 + 1, SIZE_MAX / sizeof *wishes->bits);
    if (r < 0)
        return r;
    wishes->bits = bits;
    if (wishes->word_count > old)
        memset(wishes->bits + old, 0, (wishes->word_count - old) * sizeof *wishes->bits);
    wishes->bits[symbol / 64] |= UINT64_C(1) << (symbol % 64);
    return MSIM_OK;
}

/* "Not all any more" takes the single ones away too, as the feed's own servers do. */
void msim_quotes_unwish(struct msim_quotes_wishes *wishes, bool all, uint32_t symbol,
                        const struct msim_allocator *allocator)
{
    if (all)
        forget(wishes, allocator);
    else if (symbol / 64 < wishes->word_count)
        wishes->bits[symbol / 64] &= ~(UINT64_C(1) << (symbol % 64));
}

void msim_quotes_client_free(struct msim_quotes_client *client,
                             const struct msim_allocator *allocator)
{
    for (size_t i = 0; i < MSIM_QUOTES_FEED_COUNT; i++)
        forget(&client->feeds[i], allocator);
    msim_mem_free(allocator, client, sizeof *client);
}
