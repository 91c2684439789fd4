#include "net/keys.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "base/detail.h"
#include "base/mem.h"
#include "net/http.h"

_Static_assert(MSIM_KEY_DIGEST == SHA256_DIGEST_SIZE, "a digest of SHA-256");

static void digest_of(uint8_t out[MSIM_KEY_DIGEST], const char *key, size_t length,
                      const uint8_t lookup[MSIM_KEY_DIGEST])
{
    struct hmac_sha256_ctx hmac;

    hmac_sha256_set_key(&hmac, MSIM_KEY_DIGEST, lookup);
    hmac_sha256_update(&hmac, length, (const uint8_t *)key);
    hmac_sha256_digest(&hmac, MSIM_KEY_DIGEST, out);
}

/* Secrets do not stay behind in memory that is given back. */
static void wipe(void *memory, size_t size)
{
    volatile unsigned char *at = memory;

    while (size-- > 0)
        *at++ = 0;
}

void msim_key_drop(struct msim_key *key, const struct msim_allocator *allocator)
{
    if (!key || --key->references > 0)
        return;
    size_t size = key->size;
    wipe(key, size);
    msim_mem_free(allocator, key, size);
}

void msim_keys_finish(struct msim_keys *keys, const struct msim_allocator *allocator)
{
    for (size_t i = 0; i < keys->count; i++)
        msim_key_drop(keys->items[i], allocator);
    if (keys->items)
        msim_mem_free(allocator, keys->items, keys->capacity * sizeof *keys->items);
    *keys = (struct msim_keys){0};
}

/* ---- reading ---- */

/* What a line says. */
struct line {
    struct msim_http_text key;
    struct msim_http_text secret;
    struct msim_http_text name;
    struct msim_http_text account;
    enum msim_role role;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; empty at its end. */
static struct msim_http_text next_word(struct msim_http_text *rest)
{
    struct msim_http_text word;

    while (rest->length > 0 && is_blank(rest->at[0])) {
        rest->at++;
        rest->length--;
    }
    word.at = rest->at;
    for (word.length = 0; word.length < rest->length; word.length++)
        if (is_blank(word.at[word.length]))
            break;
    rest->at += word.length;
    rest->length -= word.length;
    return word;
}

static bool is_visible(struct msim_http_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] <= 0x20 || text.at[i] == 0x7F)
            return false;
    return text.length > 0;
}

static bool read_role(struct msim_http_text value, enum msim_role *role)
{
    static const char *const names[] = {"viewer", "trader", "admin"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (msim_http_is(value, names[i])) {
            *role = (enum msim_role)(MSIM_ROLE_VIEWER + (int)i);
            return true;
        }
    }
    return false;
}

/* `name=value`; words for what is wrong. */
static const char *read_field(struct line *line, struct msim_http_text word)
{
    const char *equals = memchr(word.at, '=', word.length);
    const struct msim_http_text name = {word.at, equals ? (size_t)(equals - word.at) : word.length};

    if (!equals)
        return "after the key come secret=, role=, name= and account=";
    const struct msim_http_text value = {equals + 1, word.length - name.length - 1};
    struct msim_http_text *target = msim_http_is(name, "secret")    ? &line->secret
                                    : msim_http_is(name, "name")    ? &line->name
                                    : msim_http_is(name, "account") ? &line->account
                                                                    : NULL;
    if (msim_http_is(name, "role"))
        return read_role(value, &line->role) ? NULL : "a role is viewer, trader or admin";
    if (!target)
        return "after the key come secret=, role=, name= and account=";
    if (target->at)
        return "it says the same twice";
    if (!is_visible(value))
        return "a value is of visible ASCII";
    *target = value;
    return NULL;
}

/* An empty key: nothing stands there. */
static const char *read_line(struct line *line, struct msim_http_text text)
{
    *line = (struct line){.role = MSIM_ROLE_TRADER};
    if (text.length > MSIM_KEY_LINE_MAX)
        return "is longer than 1024 bytes";
    struct msim_http_text word = next_word(&text);
    if (word.length == 0 || word.at[0] == '#')
        return NULL;
    if (!is_visible(word))
        return "a key is of visible ASCII";
    line->key = word;
    for (word = next_word(&text); word.length > 0; word = next_word(&text)) {
        const char *words = read_field(line, word);
        if (words)
            return words;
    }
    return NULL;
}

static const char *put(char **at, struct msim_http_text text)
{
    char *start = *at;

    if (text.length > 0)
        memcpy(start, text.at, text.length);
    start[text.length] = '\0';
    *at += text.length + 1;
    return start;
}

static struct msim_key *key_create(const struct line *line, const uint8_t lookup[MSIM_KEY_DIGEST],
                                   const struct msim_allocator *allocator)
{
    size_t size = offsetof(struct msim_key, texts) + line->secret.length + line->name.length +
                  line->account.length + 3;
    if (size < sizeof(struct msim_key))
        size = sizeof(struct msim_key);
    struct msim_key *key = msim_mem_zero(allocator, size);

    if (!key)
        return NULL;
    char *at = key->texts;
    key->references = 1;
    key->size = size;
    key->secret = put(&at, line->secret);
    key->caller.name = put(&at, line->name);
    key->caller.account = put(&at, line->account);
    key->caller.role = line->role;
    key->caller.has_key = true;
    digest_of(key->digest, line->key.at, line->key.length, lookup);
    return key;
}

static int compare(const void *a, const void *b)
{
    const struct msim_key *first = *(struct msim_key *const *)a;
    const struct msim_key *second = *(struct msim_key *const *)b;

    return memcmp(first->digest, second->digest, MSIM_KEY_DIGEST);
}

static int add(struct msim_keys *keys, const struct line *line, size_t number,
               const uint8_t lookup[MSIM_KEY_DIGEST], const struct msim_allocator *allocator)
{
    void *items = keys->items;

    int r = msim_mem_grow(allocator, &items, &keys->capacity, sizeof *keys->items, keys->count + 1,
                          MSIM_ACCESS_MAX_KEYS);
    keys->items = items;
    if (r < 0)
        return r;
    struct msim_key *key = key_create(line, lookup, allocator);
    if (!key)
        return MSIM_ERR_NOMEM;
    key->line = number;
    keys->items[keys->count++] = key;
    return MSIM_OK;
}

static int sort(struct msim_keys *keys, struct msim_detail *detail)
{
    if (keys->count == 0)
        return MSIM_OK;
    qsort(keys->items, keys->count, sizeof *keys->items, compare);
    for (size_t i = 1; i < keys->count; i++)
        if (compare(&keys->items[i - 1], &keys->items[i]) == 0)
            return msim_detail_set(detail, MSIM_ERR_FORMAT,
                                   "the keys' lines %zu and %zu are for the same key",
                                   keys->items[i - 1]->line, keys->items[i]->line);
    return MSIM_OK;
}

int msim_keys_read(struct msim_keys *out, const char *text, size_t length,
                   const uint8_t lookup[MSIM_KEY_DIGEST], const struct msim_allocator *allocator,
                   struct msim_detail *detail)
{
    struct msim_keys keys = {0};
    size_t number = 0;
    int r = MSIM_OK;

    for (size_t at = 0; at < length && r == MSIM_OK;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - text) - at : length - at;
        struct line line;
        const char *words = read_line(&line, (struct msim_http_text){text + at, size});
        number++;
        at += size + 1;
        if (words)
            r = msim_detail_set(detail, MSIM_ERR_FORMAT, "the keys' line %zu: %s", number, words);
        else if (line.key.length > 0)
            r = add(&keys, &line, number, lookup, allocator);
        if (r == MSIM_ERR_LIMIT)
            msim_detail_set(detail, r, "the keys' line %zu: more than %d keys", number,
                            MSIM_ACCESS_MAX_KEYS);
        if (r == MSIM_ERR_NOMEM)
            msim_detail_set(detail, r, "out of memory");
    }
    if (r == MSIM_OK)
        r = sort(&keys, detail);
    if (r < 0) {
        msim_keys_finish(&keys, allocator);
        return r;
    }
    *out = keys;
    return MSIM_OK;
}

/* ---- looking up ---- */

struct msim_key *msim_keys_find(const struct msim_keys *keys, const char *key, size_t length,
                                const uint8_t lookup[MSIM_KEY_DIGEST])
{
    uint8_t digest[MSIM_KEY_DIGEST];
    size_t low = 0;
    size_t high = keys->count;

    digest_of(digest, key, length, lookup);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(keys->items[middle]->digest, digest, MSIM_KEY_DIGEST) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < keys->count && memeql_sec(keys->items[low]->digest, digest, MSIM_KEY_DIGEST))
        return keys->items[low];
    return NULL;
}
