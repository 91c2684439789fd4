#include "record/symbols.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"

void msim_symbols_init(struct msim_symbols *symbols, size_t limit,
                       const struct msim_allocator *allocator)
{
    if (limit > UINT32_MAX - 1)
        limit = UINT32_MAX - 1;
    *symbols = (struct msim_symbols){.limit = limit, .allocator = msim_mem_allocator(allocator)};
}

void msim_symbols_finish(struct msim_symbols *symbols)
{
    msim_mem_free(&symbols->allocator, symbols->text, symbols->text_capacity);
    msim_mem_free(&symbols->allocator, symbols->entries,
                  symbols->capacity * sizeof *symbols->entries);
    msim_mem_free(&symbols->allocator, symbols->index,
                  symbols->index_size * sizeof *symbols->index);
    struct msim_allocator allocator = symbols->allocator;
    size_t limit = symbols->limit;
    *symbols = (struct msim_symbols){.limit = limit, .allocator = allocator};
}

/* The slot that holds the text, or the free one where it belongs; there is always a free one. */
static size_t slot_of(const struct msim_symbols *symbols, uint64_t hash, const char *text,
                      size_t length)
{
    size_t mask = symbols->index_size - 1;
    size_t slot = hash & mask;

    for (; symbols->index[slot] != 0; slot = (slot + 1) & mask) {
        const struct msim_symbol_entry *entry = &symbols->entries[symbols->index[slot] - 1];
        if (entry->hash == hash && entry->length == length &&
            (length == 0 || memcmp(symbols->text + entry->offset, text, length) == 0))
            break;
    }
    return slot;
}

static int grow_index(struct msim_symbols *symbols)
{
    size_t size = symbols->index_size > 0 ? symbols->index_size * 2 : 64;
    uint32_t *index = msim_mem_zero_array(&symbols->allocator, size, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < symbols->count; i++) {
        size_t slot = symbols->entries[i].hash & (size - 1);
        while (index[slot] != 0)
            slot = (slot + 1) & (size - 1);
        index[slot] = (uint32_t)i + 1;
    }
    msim_mem_free(&symbols->allocator, symbols->index,
                  symbols->index_size * sizeof *symbols->index);
    symbols->index = index;
    symbols->index_size = size;
    return MSIM_OK;
}

static int make_room(struct msim_symbols *symbols, size_t length)
{
    if (symbols->count >= symbols->limit)
        return MSIM_ERR_LIMIT;

    void *entries = symbols->entries;
    int r = msim_mem_grow(&symbols->allocator, &entries, &symbols->capacity,
                          sizeof *symbols->entries, symbols->count + 1, symbols->limit);
    if (r < 0)
        return r;
    symbols->entries = entries;

    void *text = symbols->text;
    r = msim_mem_grow(&symbols->allocator, &text, &symbols->text_capacity, 1,
                      symbols->text_length + length + 1, SIZE_MAX / 4);
    if (r < 0)
        return r;
    symbols->text = text;

    if ((symbols->count + 1) * 2 > symbols->index_size)
        return grow_index(symbols);
    return MSIM_OK;
}

int msim_symbols_intern(struct msim_symbols *symbols, const char *text, size_t length, uint32_t *id)
{
    uint64_t hash = msim_fnv(text, length);

    if (symbols->count > 0) {
        size_t slot = slot_of(symbols, hash, text, length);
        if (symbols->index[slot] != 0) {
            *id = symbols->index[slot] - 1;
            return MSIM_OK;
        }
    }
    if (length > UINT32_MAX)
        return MSIM_ERR_LIMIT;
    int r = make_room(symbols, length);
    if (r < 0)
        return r;

    struct msim_symbol_entry *entry = &symbols->entries[symbols->count];
    *entry = (struct msim_symbol_entry){
        .hash = hash, .offset = symbols->text_length, .length = (uint32_t)length};
    if (length > 0)
        memcpy(symbols->text + entry->offset, text, length);
    symbols->text[entry->offset + length] = '\0';
    symbols->text_length += length + 1;
    symbols->index[slot_of(symbols, hash, text, length)] = (uint32_t)symbols->count + 1;
    *id = (uint32_t)symbols->count++;
    return MSIM_OK;
}

int msim_symbols_find(const struct msim_symbols *symbols, const char *text, size_t length,
                      uint32_t *id)
{
    if (symbols->count == 0)
        return MSIM_ERR_NOT_FOUND;
    size_t slot = slot_of(symbols, msim_fnv(text, length), text, length);
    if (symbols->index[slot] == 0)
        return MSIM_ERR_NOT_FOUND;
    *id = symbols->index[slot] - 1;
    return MSIM_OK;
}

const char *msim_symbols_text(const struct msim_symbols *symbols, uint32_t id, size_t *length)
{
    if (id >= symbols->count)
        return NULL;
    if (length)
        *length = symbols->entries[id].length;
    return symbols->text + symbols->entries[id].offset;
}
