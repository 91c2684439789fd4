/*
 * A key file: what is read is found again by its key, and nothing else is held.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/keys.h"

static const uint8_t lookup[MSIM_KEY_DIGEST] = {7};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The first word of each line, as a reader that is too plain to be wrong finds it. */
static size_t check_lines(const struct msim_keys *keys, const char *text, size_t size)
{
    size_t count = 0;

    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && text[end] != '\n')
            end++;
        while (at < end && is_blank(text[at]))
            at++;
        size_t length = 0;
        while (at + length < end && !is_blank(text[at + length]))
            length++;
        if (length > 0 && text[at] != '#') {
            const struct msim_key *key = msim_keys_find(keys, text + at, length, lookup);
            require(key && key->caller.has_key && key->references == 1);
            require(key->caller.role >= MSIM_ROLE_VIEWER && key->caller.role <= MSIM_ROLE_ADMIN);
            require(strlen(key->secret) + strlen(key->caller.name) + strlen(key->caller.account) <=
                    end - at);
            count++;
        }
        at = end + 1;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_detail detail = {""};
    struct msim_keys keys;

    int r = msim_keys_read(&keys, (const char *)data, size, lookup, &allocator, &detail);
    require((r == MSIM_OK) == (detail.text[0] == '\0'));
    if (r < 0)
        return 0;
    require(check_lines(&keys, (const char *)data, size) == keys.count);
    msim_keys_finish(&keys, &allocator);
    return 0;
}
