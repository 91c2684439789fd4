#include "net/cors.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define DEFAULT_MAX_AGE_S 600

const char *msim_cors_mistake(const struct msim_cors *cors)
{
    const char *star = cors->path ? strchr(cors->path, '*') : NULL;
    bool is_open = false;

    if (cors->path && cors->path[0] != '/')
        return "its path does not begin with /";
    if (star && (star[1] != '\0' || star[-1] != '/'))
        return "a star stands only behind the last / of its path";
    if (!cors->origins || cors->origin_count == 0)
        return "it names no origin; * is everybody";
    for (size_t i = 0; i < cors->origin_count; i++) {
        const char *origin = cors->origins[i];
        if (!origin || origin[0] == '\0' || !msim_http_value_valid(origin))
            return "an origin that is none, such as https://robot.example:8080";
        is_open = is_open || strcmp(origin, "*") == 0;
    }
    if (is_open && cors->credentials)
        return "credentials are not for everybody: name the origins";
    if ((cors->headers && !msim_http_value_valid(cors->headers)) ||
        (cors->exposed_headers && !msim_http_value_valid(cors->exposed_headers)))
        return "its headers are not names with commas between them";
    return NULL;
}

int msim_cors_copy(struct msim_cors_entry *out, const struct msim_cors *cors,
                   const struct msim_allocator *allocator)
{
    const char *path = cors->path ? cors->path : "/*";
    struct msim_cors_entry entry = {
        .path_length = strcspn(path, "*"),
        .credentials = cors->credentials,
        .max_age_s = cors->max_age_s > 0 ? cors->max_age_s : DEFAULT_MAX_AGE_S,
    };
    /* An empty text is as good as none. */
    bool has_headers = cors->headers && cors->headers[0] != '\0';
    bool has_exposed = cors->exposed_headers && cors->exposed_headers[0] != '\0';
    const char *texts[2];
    size_t count = 0;

    if (has_headers)
        texts[count++] = cors->headers;
    if (has_exposed)
        texts[count++] = cors->exposed_headers;
    entry.is_prefix = path[entry.path_length] == '*';
    entry.path = msim_mem_text(allocator, path, entry.path_length);
    int r = entry.path ? MSIM_OK : MSIM_ERR_NOMEM;
    if (r == MSIM_OK)
        r = msim_texts_copy(&entry.origins, cors->origins, cors->origin_count, allocator);
    if (r == MSIM_OK)
        r = msim_texts_copy(&entry.texts, texts, count, allocator);
    if (r < 0) {
        msim_cors_finish(&entry, allocator);
        return r;
    }
    entry.is_open = msim_texts_have(&entry.origins, "*", 1);
    if (has_headers)
        entry.headers = entry.texts.memory;
    if (has_exposed)
        entry.exposed = entry.texts.memory + (has_headers ? strlen(entry.headers) + 1 : 0);
    *out = entry;
    return MSIM_OK;
}

void msim_cors_finish(struct msim_cors_entry *entry, const struct msim_allocator *allocator)
{
    msim_texts_finish(&entry->texts, allocator);
    msim_texts_finish(&entry->origins, allocator);
    if (entry->path)
        msim_mem_free(allocator, entry->path, entry->path_length + 1);
    entry->path = NULL;
}

static bool is_for(const struct msim_cors_entry *entry, const char *path)
{
    return entry->is_prefix ? strncmp(path, entry->path, entry->path_length) == 0
                            : strcmp(path, entry->path) == 0;
}

const struct msim_cors_entry *msim_cors_find(const struct msim_cors_entry *entries, size_t count,
                                             const char *path)
{
    const struct msim_cors_entry *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (!is_for(&entries[i], path))
            continue;
        if (!entries[i].is_prefix)
            return &entries[i];
        if (!best || entries[i].path_length > best->path_length)
            best = &entries[i];
    }
    return best;
}

bool msim_cors_allows(const struct msim_cors_entry *entry, struct msim_http_text origin)
{
    return entry->is_open || msim_texts_have(&entry->origins, origin.at, origin.length);
}

/* ---- the answers' lines ---- */

static int add(struct msim_bytes *out, const char *text)
{
    return msim_bytes_append(out, text, strlen(text));
}

static int add_line(struct msim_bytes *out, const char *name, struct msim_http_text value)
{
    int r = add(out, name);
    if (r == MSIM_OK)
        r = msim_bytes_append(out, value.at, value.length);
    return r == MSIM_OK ? add(out, "\r\n") : r;
}

static int add_text_line(struct msim_bytes *out, const char *name, const char *value)
{
    return add_line(out, name, (struct msim_http_text){value, strlen(value)});
}

int msim_cors_write(struct msim_bytes *out, const struct msim_cors_entry *entry,
                    const struct msim_http_head *head)
{
    const struct msim_http_field *origin = msim_http_field(head, "Origin", NULL);
    int r = MSIM_OK;

    if (!entry->is_open)
        r = add(out, "Vary: Origin\r\n");
    if (r < 0 || !origin || !msim_cors_allows(entry, origin->value))
        return r;
    if (entry->is_open)
        r = add(out, "Access-Control-Allow-Origin: *\r\n");
    else
        r = add_line(out, "Access-Control-Allow-Origin: ", origin->value);
    if (r == MSIM_OK && entry->credentials)
        r = add(out, "Access-Control-Allow-Credentials: true\r\n");
    if (r == MSIM_OK && entry->exposed && !msim_cors_is_question(head))
        r = add_text_line(out, "Access-Control-Expose-Headers: ", entry->exposed);
    return r;
}

bool msim_cors_is_question(const struct msim_http_head *head)
{
    return msim_http_is(head->method, "OPTIONS") && msim_http_field(head, "Origin", NULL) &&
           msim_http_field(head, "Access-Control-Request-Method", NULL);
}

int msim_cors_write_answer(struct msim_bytes *out, const struct msim_cors_entry *entry,
                           const struct msim_http_head *head, const char *allow)
{
    static const char near[] = "Access-Control-Request-Private-Network";
    const struct msim_http_field *method =
        msim_http_field(head, "Access-Control-Request-Method", NULL);
    const struct msim_http_field *headers =
        msim_http_field(head, "Access-Control-Request-Headers", NULL);
    char age[64];

    int r = allow[0] != '\0' ? add_text_line(out, "Access-Control-Allow-Methods: ", allow)
                             : add_line(out, "Access-Control-Allow-Methods: ", method->value);
    if (r == MSIM_OK && entry->headers)
        r = add_text_line(out, "Access-Control-Allow-Headers: ", entry->headers);
    else if (r == MSIM_OK && headers)
        r = add_line(out, "Access-Control-Allow-Headers: ", headers->value);
    /* A page of the public network that asks for a server on this machine. */
    if (r == MSIM_OK && msim_http_field(head, near, NULL))
        r = add(out, "Access-Control-Allow-Private-Network: true\r\n");
    snprintf(age, sizeof age, "%u", (unsigned)entry->max_age_s);
    if (r == MSIM_OK)
        r = add_text_line(out, "Access-Control-Max-Age: ", age);
    if (r == MSIM_OK)
        r = add(out, "Vary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n");
    return r;
}
