/*
 * A source of one's own: four functions, and it can be pulled, merged and
 * replayed like every other.
 *
 * This one makes up trades of one symbol, ten a second; two of them are merged.
 */
#include <marketsim/marketsim.h>

#include <stdio.h>
#include <string.h>

struct walk {
    const char *symbol;
    uint64_t made;
    uint64_t wanted;
    uint64_t state; /* of xorshift64, never 0 */
    int64_t cents;
};

static int pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                struct msim_detail *detail)
{
    struct walk *walk = self;
    size_t given = 0;

    (void)detail; /* nothing can fail here */
    for (; given < capacity && walk->made < walk->wanted; given++, walk->made++) {
        walk->state ^= walk->state << 13;
        walk->state ^= walk->state >> 7;
        walk->state ^= walk->state << 17;
        walk->cents += (int64_t)(walk->state % 3) - 1;
        records[given] = (struct msim_record){
            .time = (msim_time)walk->made * 100 * MSIM_NS_PER_MS,
            .sequence = walk->made,
            .symbol = 0,
            .kind = MSIM_RECORD_TRADE,
            .price_exponent = -2,
        };
        records[given].as.trade.price = walk->cents;
        records[given].as.trade.quantity = 1 + (int64_t)(walk->state >> 32) % 9;
    }
    *count = given;
    return given > 0 ? MSIM_PULL_RECORD : MSIM_PULL_END;
}

static msim_time next_due(void *self)
{
    struct walk *walk = self;

    return walk->made < walk->wanted ? (msim_time)walk->made * 100 * MSIM_NS_PER_MS
                                     : MSIM_TIME_NEVER;
}

static const char *symbol(void *self, uint32_t id, size_t *length)
{
    struct walk *walk = self;

    if (id != 0)
        return NULL;
    if (length)
        *length = strlen(walk->symbol);
    return walk->symbol;
}

static void release(void *self)
{
    (void)self; /* it stands in main's memory */
}

static const struct msim_source_ops walk_ops = {
    .pull = pull, .next_due = next_due, .symbol = symbol, .release = release};

int main(int argument_count, char **arguments)
{
    struct walk walks[] = {
        {.symbol = "AAPL", .wanted = 5, .state = 1, .cents = 23000},
        {.symbol = "MSFT", .wanted = 5, .state = 2, .cents = 41000},
    };
    struct msim_source inputs[] = {{&walk_ops, &walks[0]}, {&walk_ops, &walks[1]}};
    struct msim_source merged;

    (void)arguments;
    if (argument_count > 1) {
        fputs("usage: own-source, without arguments\n", stderr);
        return 2;
    }
    int r = msim_source_merge(&merged, inputs, 2, NULL);
    if (r < 0) {
        fprintf(stderr, "own-source: %s\n", msim_result_text(r));
        return 1;
    }

    struct msim_record records[16];
    size_t count;
    struct msim_detail detail;
    while ((r = msim_source_pull(&merged, records, 16, &count, &detail)) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            char line[256];
            msim_record_print(&records[i], msim_source_symbol(&merged, records[i].symbol, NULL),
                              line, sizeof line);
            puts(line);
        }
    }
    msim_source_release(&merged);
    if (r < 0)
        fprintf(stderr, "own-source: %s\n", detail.text);
    return r < 0;
}
