/*
 * The whole venue as bytes, as a number, and back.
 */
#include "venue/snapshot.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"

#define HEADER 32 /* magic, version, length of all, length of the engine's */
#define TAIL 8

/* A visitor that only looks may be shown a const venue. */
static void look_at(struct visitor *visitor, const struct msim_venue *venue)
{
    msim_visit_venue(visitor, (struct msim_venue *)(uintptr_t)venue);
}

uint64_t msim_venue_digest(const struct msim_venue *venue)
{
    struct visitor visitor = {.way = VISIT_HASH};

    if (!venue)
        return 0;
    visitor.hash = msim_engine_digest(venue->engine);
    look_at(&visitor, venue);
    return msim_mix64(visitor.hash ^ visitor.length);
}

static uint64_t checksum(const unsigned char *bytes, size_t length)
{
    return msim_mix64(msim_fnv(bytes, length) ^ length);
}

static void store(unsigned char *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t load(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

void msim_venue_snapshot_seal(unsigned char *bytes, size_t length)
{
    if (length >= HEADER + TAIL)
        store(bytes + length - TAIL, checksum(bytes, length - TAIL));
}

int msim_venue_snapshot(const struct msim_venue *venue, void *bytes, size_t capacity,
                        size_t *length)
{
    struct visitor counter = {.way = VISIT_COUNT};
    size_t engine = 0;

    if (!venue || !length || (capacity > 0 && !bytes))
        return MSIM_ERR_INVALID;
    if (outputs_waiting(&venue->outputs) > 0 || venue->owed_done < venue->owed_count)
        return MSIM_ERR_STATE;
    int r = msim_engine_snapshot(venue->engine, NULL, 0, &engine);
    if (r < 0 && r != MSIM_ERR_LIMIT)
        return r;
    look_at(&counter, venue);
    *length = HEADER + engine + (size_t)counter.length + TAIL;
    if (capacity < *length)
        return MSIM_ERR_LIMIT;

    unsigned char *out = bytes;
    store(out, SNAPSHOT_MAGIC);
    store(out + 8, SNAPSHOT_VERSION);
    store(out + 16, *length);
    store(out + 24, engine);
    r = msim_engine_snapshot(venue->engine, out + HEADER, engine, &engine);
    if (r < 0)
        return r;
    struct visitor writer = {.way = VISIT_WRITE, .out = out + HEADER + engine};
    look_at(&writer, venue);
    msim_venue_snapshot_seal(out, *length);
    return MSIM_OK;
}

/* ---- back ---- */

static int check_header(const unsigned char *bytes, size_t length, struct msim_detail *detail)
{
    if (!bytes || length < HEADER + TAIL || load(bytes) != SNAPSHOT_MAGIC)
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "%zu bytes are no snapshot of a venue",
                               length);
    if (load(bytes + 8) != SNAPSHOT_VERSION)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "a snapshot of version %llu: this build reads version %d",
                               (unsigned long long)load(bytes + 8), SNAPSHOT_VERSION);
    if (load(bytes + 16) != length || load(bytes + 24) > length - HEADER - TAIL ||
        load(bytes + length - TAIL) != checksum(bytes, length - TAIL))
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "the snapshot is damaged or cut short");
    return MSIM_OK;
}

/* The instruments and assets that the engine has. */
static int take_over_instruments(struct msim_venue *venue)
{
    struct msim_instrument_view view;
    struct msim_asset_view asset;

    while (msim_engine_asset(venue->engine, venue->asset_count, &asset) == MSIM_OK)
        venue->asset_count++;
    while (msim_engine_instrument(venue->engine, (uint32_t)venue->market_count, &view) == MSIM_OK) {
        int r = msim_mem_grow(&venue->allocator, (void **)&venue->markets, &venue->market_capacity,
                              sizeof *venue->markets, venue->market_count + 1, SIZE_MAX);
        if (r < 0)
            return r;
        msim_market_init(venue, &venue->markets[venue->market_count++], &view.params);
    }
    return MSIM_OK;
}

/* Houses have models again, at the place where they were. */
static int wake_houses(struct msim_venue *venue, struct msim_detail *detail)
{
    for (size_t i = 0; i < venue->market_count; i++) {
        struct liquidity *house = venue->markets[i].liquidity;
        if (!house)
            continue;
        int r = msim_liquidity_wake(venue, (uint32_t)i, detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int read_all(struct msim_venue *venue, const unsigned char *bytes, size_t length,
                    struct msim_detail *detail)
{
    const size_t engine = (size_t)load(bytes + 24);
    struct visitor reader = {
        .way = VISIT_READ,
        .in = bytes + HEADER + engine,
        .left = length - HEADER - engine - TAIL,
    };
    int r = take_over_instruments(venue);

    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    msim_visit_venue(&reader, venue);
    if (reader.failure == MSIM_OK && reader.left > 0)
        msim_visit_fail(&reader, MSIM_ERR_FORMAT, "there is more behind it");
    if (reader.failure < 0)
        return msim_detail_set(detail, reader.failure, "a snapshot of a venue: %s", reader.where);
    return wake_houses(venue, detail);
}

int msim_venue_restore(struct msim_venue **out, const struct msim_venue_params *params,
                       const void *bytes, size_t length, struct msim_detail *detail)
{
    struct msim_venue *venue = NULL;
    int r = check_header(bytes, length, detail);

    if (r == MSIM_OK && !out)
        r = MSIM_ERR_INVALID;
    if (r == MSIM_OK)
        r = msim_venue_make(&venue, params, (const unsigned char *)bytes + HEADER,
                            (size_t)load((const unsigned char *)bytes + 24), detail);
    if (r == MSIM_OK && (r = read_all(venue, bytes, length, detail)) < 0)
        msim_venue_destroy(&venue);
    if (r == MSIM_OK)
        *out = venue;
    return r;
}
