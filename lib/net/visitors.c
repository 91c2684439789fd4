#include "net/visitors.h"

#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"

int msim_visitors_init(struct msim_visitors *visitors, size_t limit, uint64_t seed,
                       const struct msim_allocator *allocator)
{
    size_t slots = 16;

    while (slots < limit && slots < (size_t)1 << 24)
        slots *= 2;
    *visitors = (struct msim_visitors){
        .allocator = *allocator, .slot_count = slots, .limit = limit, .seed = seed};
    visitors->slots = msim_mem_zero_array(allocator, slots, sizeof visitors->slots[0]);
    return visitors->slots ? MSIM_OK : MSIM_ERR_NOMEM;
}

void msim_visitors_finish(struct msim_visitors *visitors)
{
    for (size_t i = 0; visitors->slots && i < visitors->slot_count; i++) {
        struct msim_visitor *next = visitors->slots[i];
        while (next) {
            struct msim_visitor *visitor = next;
            next = visitor->next;
            msim_mem_free(&visitors->allocator, visitor, sizeof *visitor);
        }
    }
    if (visitors->slots)
        msim_mem_free(&visitors->allocator, visitors->slots,
                      visitors->slot_count * sizeof visitors->slots[0]);
    visitors->slots = NULL;
}

/* ---- addresses ---- */

static void key_of(unsigned char out[MSIM_VISITOR_KEY], const struct msim_address *address)
{
    memset(out, 0, MSIM_VISITOR_KEY);
    if (address->storage.ss_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)&address->storage)->sin6_addr;
        out[0] = 6;
        /* One that is an IPv4 address in truth is counted whole. */
        memcpy(out + 1, ip->s6_addr, IN6_IS_ADDR_V4MAPPED(ip) ? 16 : 8);
    } else {
        out[0] = 4;
        memcpy(out + 1, &((const struct sockaddr_in *)&address->storage)->sin_addr, 4);
    }
}

bool msim_address_is_loopback(const struct msim_address *address)
{
    if (address->storage.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address->storage)->sin6_addr);
    const struct in_addr *ip = &((const struct sockaddr_in *)&address->storage)->sin_addr;
    return address->storage.ss_family == AF_INET && ntohl(ip->s_addr) >> 24 == 127;
}

static size_t slot_of(const struct msim_visitors *visitors,
                      const unsigned char key[MSIM_VISITOR_KEY])
{
    uint64_t hash = visitors->seed;

    for (size_t i = 0; i < MSIM_VISITOR_KEY; i++) {
        hash = (hash ^ key[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return (size_t)(hash >> 20) & (visitors->slot_count - 1);
}

/* ---- the idle ---- */

static void idle_add(struct msim_visitors *visitors, struct msim_visitor *visitor)
{
    visitor->older = visitors->newest;
    visitor->newer = NULL;
    if (visitors->newest)
        visitors->newest->newer = visitor;
    else
        visitors->oldest = visitor;
    visitors->newest = visitor;
}

static void idle_remove(struct msim_visitors *visitors, struct msim_visitor *visitor)
{
    if (visitor->newer)
        visitor->newer->older = visitor->older;
    else
        visitors->newest = visitor->older;
    if (visitor->older)
        visitor->older->newer = visitor->newer;
    else
        visitors->oldest = visitor->newer;
    visitor->newer = visitor->older = NULL;
}

static void forget(struct msim_visitors *visitors, struct msim_visitor *visitor)
{
    struct msim_visitor **link = &visitors->slots[slot_of(visitors, visitor->key)];

    while (*link != visitor)
        link = &(*link)->next;
    *link = visitor->next;
    idle_remove(visitors, visitor);
    visitors->count--;
    msim_mem_free(&visitors->allocator, visitor, sizeof *visitor);
}

/* ---- coming and going ---- */

static int visitor_create(struct msim_visitors *visitors, const unsigned char key[MSIM_VISITOR_KEY],
                          struct msim_visitor **out)
{
    if (visitors->count >= visitors->limit) {
        if (!visitors->oldest)
            return MSIM_ERR_LIMIT;
        forget(visitors, visitors->oldest);
    }
    struct msim_visitor *visitor = msim_mem_zero(&visitors->allocator, sizeof *visitor);
    if (!visitor)
        return MSIM_ERR_NOMEM;
    struct msim_visitor **slot = &visitors->slots[slot_of(visitors, key)];
    memcpy(visitor->key, key, MSIM_VISITOR_KEY);
    visitor->next = *slot;
    *slot = visitor;
    visitors->count++;
    *out = visitor;
    return MSIM_OK;
}

int msim_visitors_enter(struct msim_visitors *visitors, const struct msim_address *address,
                        size_t most, struct msim_visitor **out)
{
    unsigned char key[MSIM_VISITOR_KEY];

    key_of(key, address);
    struct msim_visitor *visitor = visitors->slots[slot_of(visitors, key)];
    while (visitor && memcmp(visitor->key, key, MSIM_VISITOR_KEY) != 0)
        visitor = visitor->next;
    if (!visitor) {
        int r = visitor_create(visitors, key, &visitor);
        if (r < 0)
            return r;
    } else if (visitor->connections == 0) {
        idle_remove(visitors, visitor);
    } else if (most > 0 && visitor->connections >= most) {
        return MSIM_ERR_LIMIT;
    }
    visitor->connections++;
    *out = visitor;
    return MSIM_OK;
}

void msim_visitors_leave(struct msim_visitors *visitors, struct msim_visitor *visitor)
{
    if (--visitor->connections == 0)
        idle_add(visitors, visitor);
}
