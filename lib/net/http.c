#include "net/http.h"

#include <string.h>

#include "base/utf8.h"

static bool refuse(struct msim_http_refusal *refusal, int status, const char *words)
{
    *refusal = (struct msim_http_refusal){.status = status, .words = words};
    return false;
}

/* ---- bytes ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110 section 5.6.2 */
static bool is_token_byte(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_token(struct msim_http_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_token_byte(text.at[i]))
            return false;
    return text.length > 0;
}

bool msim_http_is(struct msim_http_text text, const char *word)
{
    return text.length == strlen(word) &&
           (text.length == 0 || memcmp(text.at, word, text.length) == 0);
}

bool msim_http_equals_loosely(struct msim_http_text a, struct msim_http_text b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool msim_http_is_loosely(struct msim_http_text text, const char *word)
{
    return msim_http_equals_loosely(text, (struct msim_http_text){word, strlen(word)});
}

static struct msim_http_text trim(struct msim_http_text text)
{
    while (text.length > 0 && is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.at[text.length - 1]))
        text.length--;
    return text;
}

/* Cuts what stands before the first `mark` off the front, the mark with it. */
static bool cut_at(struct msim_http_text *rest, char mark, struct msim_http_text *front)
{
    const char *found = rest->length > 0 ? memchr(rest->at, mark, rest->length) : NULL;
    if (!found)
        return false;
    *front = (struct msim_http_text){rest->at, (size_t)(found - rest->at)};
    rest->at = found + 1;
    rest->length -= front->length + 1;
    return true;
}

/* ---- where the head ends ---- */

static bool byte_allowed(const struct msim_http_scan *scan, char c)
{
    unsigned char byte = (unsigned char)c;

    if (scan->line_count == 0)
        return byte >= 0x20 && byte < 0x7F;
    return byte >= 0x20 ? byte != 0x7F : byte == '\t';
}

/* Garbage is found out by its first line: nobody waits for the rest. */
static bool names_http(const char *line, size_t length)
{
    for (size_t i = 0; i + 5 <= length; i++)
        if (memcmp(line + i, "HTTP/", 5) == 0)
            return true;
    return false;
}

enum msim_http_progress msim_http_scan(struct msim_http_scan *scan, const char *bytes,
                                       size_t length, size_t limit,
                                       struct msim_http_refusal *refusal)
{
    for (; scan->seen < length; scan->seen++) {
        char c = bytes[scan->seen];
        bool after_return = scan->seen > scan->line && bytes[scan->seen - 1] == '\r';

        if (scan->seen >= limit) {
            refuse(refusal, 431, "the request's head is too large");
            return MSIM_HTTP_REFUSED;
        }
        if (c == '\n' && after_return) {
            bool empty = scan->seen - scan->line == 1;
            if (scan->line_count == 0 && !names_http(bytes, scan->seen)) {
                refuse(refusal, 400, "this is not HTTP");
                return MSIM_HTTP_REFUSED;
            }
            scan->line = scan->seen + 1;
            if (empty && scan->line_count > 0) {
                scan->seen++;
                return MSIM_HTTP_WHOLE;
            }
            scan->line_count++;
        } else if (after_return || (c != '\r' && !byte_allowed(scan, c))) {
            refuse(refusal, 400,
                   scan->line_count == 0 ? "this is not HTTP" : "a byte that no header line has");
            return MSIM_HTTP_REFUSED;
        }
    }
    return MSIM_HTTP_MORE;
}

/* ---- the first line ---- */

static bool read_version(struct msim_http_text text, int *minor, struct msim_http_refusal *refusal)
{
    if (text.length != 8 || memcmp(text.at, "HTTP/", 5) != 0 || !is_digit(text.at[5]) ||
        text.at[6] != '.' || !is_digit(text.at[7]))
        return refuse(refusal, 400, "the first line is not one of HTTP");
    if (text.at[5] != '1')
        return refuse(refusal, 505, "only HTTP/1.1 is spoken here");
    *minor = text.at[7] - '0';
    return true;
}

static bool authority_valid(struct msim_http_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_letter(text.at[i]) && !is_digit(text.at[i]) &&
            !strchr("-._~:[]%!$&'()*+;=", text.at[i]))
            return false;
    return text.length > 0;
}

/* "http://host/path": the authority is cut off, the path left. */
static bool cut_authority(struct msim_http_head *head, struct msim_http_text *target)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i]);
        if (target->length <= length ||
            !msim_http_is_loosely((struct msim_http_text){target->at, length}, schemes[i]))
            continue;
        const char *at = target->at + length;
        size_t end = 0;
        while (length + end < target->length && at[end] != '/' && at[end] != '?')
            end++;
        head->authority = (struct msim_http_text){at, end};
        *target = (struct msim_http_text){at + end, target->length - length - end};
        return authority_valid(head->authority);
    }
    return false;
}

static bool read_target(struct msim_http_head *head, struct msim_http_text target,
                        struct msim_http_refusal *refusal)
{
    if (target.length == 0 || memchr(target.at, '#', target.length))
        return refuse(refusal, 400, "the request's target is not one");
    if (msim_http_is(target, "*")) {
        head->path = target;
        if (!msim_http_is(head->method, "OPTIONS"))
            return refuse(refusal, 400, "the target * is for OPTIONS alone");
        return true;
    }
    if (target.at[0] != '/' && !cut_authority(head, &target))
        return refuse(refusal, 400, "the request's target is neither a path nor a URL");

    struct msim_http_text path;
    if (cut_at(&target, '?', &path))
        head->query = target;
    else
        path = target;
    head->path = path.length > 0 ? path : (struct msim_http_text){"/", 1};
    return true;
}

static bool read_request_line(struct msim_http_head *head, struct msim_http_text line,
                              struct msim_http_refusal *refusal)
{
    struct msim_http_text target;

    if (!cut_at(&line, ' ', &head->method) || !is_token(head->method) ||
        !cut_at(&line, ' ', &target))
        return refuse(refusal, 400, "the first line is not one of HTTP");
    return read_version(line, &head->minor, refusal) && read_target(head, target, refusal);
}

/* "HTTP/1.1 101 Switching Protocols"; some leave the phrase and its space out. */
static bool read_status_line(struct msim_http_head *head, struct msim_http_text line,
                             struct msim_http_refusal *refusal)
{
    struct msim_http_text version;

    if (!cut_at(&line, ' ', &version))
        return refuse(refusal, 400, "the first line is not one of HTTP");
    if (!read_version(version, &head->minor, refusal))
        return false;
    if (line.length < 3 || !is_digit(line.at[0]) || !is_digit(line.at[1]) ||
        !is_digit(line.at[2]) || (line.length > 3 && line.at[3] != ' ') || line.at[0] == '0')
        return refuse(refusal, 400, "the status is not a number of three digits");
    head->status = (line.at[0] - '0') * 100 + (line.at[1] - '0') * 10 + (line.at[2] - '0');
    if (line.length > 4)
        head->phrase = (struct msim_http_text){line.at + 4, line.length - 4};
    return true;
}

/* ---- header lines ---- */

static bool next_line(struct msim_http_text *rest, struct msim_http_text *line)
{
    if (!cut_at(rest, '\n', line) || line->length == 0 || line->at[line->length - 1] != '\r')
        return false;
    line->length--;
    return true;
}

static bool read_field(struct msim_http_head *head, struct msim_http_text line,
                       struct msim_http_refusal *refusal)
{
    struct msim_http_field field;

    if (head->field_count == MSIM_HTTP_MAX_FIELDS)
        return refuse(refusal, 431, "too many header lines");
    if (is_blank(line.at[0]))
        return refuse(refusal, 400, "a folded header line");
    if (!cut_at(&line, ':', &field.name))
        return refuse(refusal, 400, "a header line without a colon");
    if (!is_token(field.name))
        return refuse(refusal, 400, "a header's name that is not one");
    field.value = trim(line);
    head->fields[head->field_count++] = field;
    return true;
}

static bool read_fields(struct msim_http_head *head, struct msim_http_text rest,
                        struct msim_http_refusal *refusal)
{
    struct msim_http_text line;

    while (next_line(&rest, &line)) {
        if (line.length == 0) {
            if (rest.length == 0)
                return true;
            break;
        }
        if (!read_field(head, line, refusal))
            return false;
    }
    return refuse(refusal, 400, "the head does not end with an empty line");
}

const struct msim_http_field *msim_http_field(const struct msim_http_head *head, const char *name,
                                              size_t *count)
{
    const struct msim_http_field *found = NULL;
    size_t matches = 0;

    for (size_t i = 0; i < head->field_count; i++) {
        if (!msim_http_is_loosely(head->fields[i].name, name))
            continue;
        if (matches++ == 0)
            found = &head->fields[i];
    }
    if (count)
        *count = matches;
    return found;
}

bool msim_http_lists(const struct msim_http_head *head, const char *name, const char *word)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!msim_http_is_loosely(head->fields[i].name, name))
            continue;
        struct msim_http_text rest = head->fields[i].value;
        struct msim_http_text item;
        while (cut_at(&rest, ',', &item))
            if (msim_http_is_loosely(trim(item), word))
                return true;
        if (msim_http_is_loosely(trim(rest), word))
            return true;
    }
    return false;
}

/* Where a body ends must have one answer only. */
static bool check_body(struct msim_http_head *head, struct msim_http_refusal *refusal)
{
    size_t lengths;
    size_t codings;
    const struct msim_http_field *length = msim_http_field(head, "Content-Length", &lengths);
    const struct msim_http_field *coding = msim_http_field(head, "Transfer-Encoding", &codings);

    if (lengths > 1 || codings > 1 || (length && coding))
        return refuse(refusal, 400, "two answers to where the body ends");
    if (coding) {
        if (head->minor == 0 || !msim_http_is_loosely(coding->value, "chunked"))
            return refuse(refusal, 501, "no transfer coding but chunked is understood");
        head->is_chunked = head->has_body = true;
    }
    if (!length)
        return true;
    if (length->value.length == 0 || length->value.length > 18)
        return refuse(refusal, 400, "a Content-Length that is not one");
    for (size_t i = 0; i < length->value.length; i++) {
        if (!is_digit(length->value.at[i]))
            return refuse(refusal, 400, "a Content-Length that is not one");
        head->body_length = head->body_length * 10 + (uint64_t)(length->value.at[i] - '0');
    }
    head->has_body = head->body_length > 0;
    return true;
}

static bool check_host(struct msim_http_head *head, struct msim_http_refusal *refusal)
{
    size_t hosts;
    const struct msim_http_field *host = msim_http_field(head, "Host", &hosts);

    if (hosts > 1)
        return refuse(refusal, 400, "more than one Host");
    if (!host && head->minor > 0)
        return refuse(refusal, 400, "no Host");
    if (host && !authority_valid(host->value))
        return refuse(refusal, 400, "a Host that is not one");
    if (host && head->authority.length == 0)
        head->authority = host->value;
    return true;
}

int msim_http_read_request(struct msim_http_head *head, const char *bytes, size_t length,
                           struct msim_http_refusal *refusal)
{
    struct msim_http_text rest = {bytes, length};
    struct msim_http_text line;

    memset(head, 0, offsetof(struct msim_http_head, fields));
    if (!next_line(&rest, &line)) {
        refuse(refusal, 400, "the first line is not one of HTTP");
        return MSIM_ERR_FORMAT;
    }
    bool good = read_request_line(head, line, refusal) && read_fields(head, rest, refusal) &&
                check_body(head, refusal) && check_host(head, refusal);
    if (good && !msim_http_escapes_valid(head->path))
        good = refuse(refusal, 400, "a bad escape in the path");
    if (good && !msim_http_escapes_valid(head->query))
        good = refuse(refusal, 400, "a bad escape in the query");
    return good ? MSIM_OK : MSIM_ERR_FORMAT;
}

int msim_http_read_response(struct msim_http_head *head, const char *bytes, size_t length,
                            struct msim_http_refusal *refusal)
{
    struct msim_http_text rest = {bytes, length};
    struct msim_http_text line;

    memset(head, 0, offsetof(struct msim_http_head, fields));
    if (!next_line(&rest, &line)) {
        refuse(refusal, 400, "the first line is not one of HTTP");
        return MSIM_ERR_FORMAT;
    }
    bool good = read_status_line(head, line, refusal) && read_fields(head, rest, refusal) &&
                check_body(head, refusal);
    return good ? MSIM_OK : MSIM_ERR_FORMAT;
}

bool msim_http_value_valid(const char *value)
{
    for (const unsigned char *at = (const unsigned char *)value; *at; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7F)
            return false;
    return true;
}

bool msim_http_header_valid(const char *name, const char *value)
{
    return name && value && is_token((struct msim_http_text){name, strlen(name)}) &&
           msim_http_value_valid(value);
}

/* ---- escapes ---- */

int msim_http_escaped_byte(struct msim_http_text raw, size_t at)
{
    if (raw.length - at < 3)
        return -1;
    int high = hex_value(raw.at[at + 1]);
    int low = hex_value(raw.at[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool msim_http_escapes_valid(struct msim_http_text raw)
{
    for (size_t i = 0; i < raw.length; i++)
        if (raw.at[i] == '%' && msim_http_escaped_byte(raw, i) < 0)
            return false;
    return true;
}

int msim_http_decode(char *out, struct msim_http_text raw)
{
    size_t length = 0;

    for (size_t i = 0; i < raw.length; i++) {
        int byte = (unsigned char)raw.at[i];
        if (byte == '%') {
            byte = msim_http_escaped_byte(raw, i);
            i += 2;
        }
        if (byte <= 0)
            return MSIM_ERR_FORMAT;
        out[length++] = (char)byte;
    }
    out[length] = '\0';
    return msim_utf8_valid(out, length) ? MSIM_OK : MSIM_ERR_FORMAT;
}

const char *msim_http_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return status >= 500 ? "Server Error" : status >= 400 ? "Refused" : "Other";
}
