#include "net/negotiate.h"

#include <string.h>

#include "net/http.h"

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == ',')
        at++;
    return at;
}

/* ";q=0", ";q=0.000": is what stands before it refused? */
static bool is_refused(const char *parameters, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++) {
        if ((parameters[i] != 'q' && parameters[i] != 'Q') || parameters[i + 1] != '=')
            continue;
        for (size_t j = i + 2; j < length; j++)
            if (parameters[j] >= '1' && parameters[j] <= '9')
                return false;
        return true;
    }
    return false;
}

bool msim_accepts_gzip(const char *accept_encoding)
{
    bool by_star = false;

    for (const char *at = skip_blanks(accept_encoding ? accept_encoding : ""); *at != '\0';) {
        size_t length = strcspn(at, ",");
        size_t name = strcspn(at, ",; \t");
        bool refused = is_refused(at + name, length - name);
        if (msim_http_is_loosely((struct msim_http_text){at, name}, "gzip") ||
            msim_http_is_loosely((struct msim_http_text){at, name}, "x-gzip"))
            return !refused;
        if (name == 1 && *at == '*')
            by_star = !refused;
        at = skip_blanks(at + length);
    }
    return by_star;
}

bool msim_matches_tag(const char *if_none_match, const char *tag)
{
    size_t tag_length = strlen(tag);

    for (const char *at = skip_blanks(if_none_match ? if_none_match : ""); *at != '\0';) {
        if (*at == '*')
            return true;
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        if (*at != '"')
            return false;
        const char *end = strchr(at + 1, '"');
        if (!end)
            return false;
        if ((size_t)(end + 1 - at) == tag_length && memcmp(at, tag, tag_length) == 0)
            return true;
        at = skip_blanks(end + 1);
    }
    return false;
}

const char *msim_type_of(const char *path)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"ico", "image/x-icon"},
        {"jpg", "image/jpeg"},
        {"webp", "image/webp"},
        {"woff2", "font/woff2"},
        {"wasm", "application/wasm"},
        {"csv", "text/csv; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
    };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (msim_http_is_loosely((struct msim_http_text){dot + 1, strlen(dot + 1)},
                                 types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}
