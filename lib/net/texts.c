#include "net/texts.h"

#include <string.h>

#include "base/mem.h"
#include "net/http.h"

int msim_texts_copy(struct msim_texts *out, const char *const *texts, size_t count,
                    const struct msim_allocator *allocator)
{
    struct msim_texts copy = {.count = count};

    for (size_t i = 0; i < count; i++) {
        if (!texts[i] || texts[i][0] == '\0')
            return MSIM_ERR_INVALID;
        copy.size += strlen(texts[i]) + 1;
    }
    if (count > 0) {
        copy.memory = msim_mem_take(allocator, copy.size);
        if (!copy.memory)
            return MSIM_ERR_NOMEM;
        char *at = copy.memory;
        for (size_t i = 0; i < count; i++) {
            size_t length = strlen(texts[i]) + 1;
            memcpy(at, texts[i], length);
            at += length;
        }
    }
    *out = copy;
    return MSIM_OK;
}

void msim_texts_finish(struct msim_texts *texts, const struct msim_allocator *allocator)
{
    if (texts->memory)
        msim_mem_free(allocator, texts->memory, texts->size);
    *texts = (struct msim_texts){0};
}

bool msim_texts_have(const struct msim_texts *texts, const char *text, size_t length)
{
    const char *at = texts->memory;

    for (size_t i = 0; i < texts->count; i++) {
        if (msim_http_is_loosely((struct msim_http_text){text, length}, at))
            return true;
        at += strlen(at) + 1;
    }
    return false;
}
