/*
 * multipart/form-data as it comes.
 *
 * A part ends at CR LF, two dashes and the boundary.  A CR stands nowhere else in that, so that
 * where a match breaks off, all that matched was content and only the byte at hand can begin
 * another one: no byte is looked at twice, and none is kept but for header lines.
 */
#include <marketsim/form.h>

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/http.h"

#define DEFAULT_HEAD_BYTES ((size_t)4 << 10)
#define DEFAULT_PARTS 64
#define DEFAULT_PART_BYTES ((uint64_t)1 << 20)

#define BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */

enum state {
    IN_CONTENT, /* of a part, or before the first one */
    AT_MARK,    /* behind a boundary */
    AT_DASH,    /* behind the first of the last two dashes */
    AT_BLANK,   /* behind a boundary and white space */
    AT_LF,      /* behind the CR of a boundary's line */
    IN_HEAD,
    AT_END,
};

struct msim_multipart {
    struct msim_allocator allocator;
    struct msim_multipart_handler handler;
    void *context;
    size_t max_head_bytes;
    size_t max_parts;
    uint64_t max_part_bytes;
    enum state state;
    bool has_begun; /* the first boundary was there */
    int failure;
    size_t part_count;
    uint64_t part_bytes;
    size_t matched; /* of the mark */
    size_t mark_length;
    char mark[4 + BOUNDARY_MAX + 1];
    size_t head_length;
    char *head; /* max_head_bytes, and room for a terminator */
};

/* ---- parameters of a header: form-data; name="a"; filename="b" ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(struct msim_http_text text, size_t at)
{
    while (at < text.length && is_blank(text.at[at]))
        at++;
    return at;
}

/*
 * Reads a quoted text in place, from behind its first quote: a backslash takes the next quote or
 * backslash as it is (curl), %22 is a quote (browsers).  Returns where it ends, 0 where it does
 * not.
 */
static size_t unquote(char *text, size_t length, size_t at, struct msim_http_text *value)
{
    size_t write = at;

    value->at = text + at;
    for (; at < length; at++) {
        if (text[at] == '"') {
            value->length = (size_t)(text + write - value->at);
            return at + 1;
        }
        if (text[at] == '\\' && at + 1 < length && (text[at + 1] == '"' || text[at + 1] == '\\'))
            at++;
        else if (length - at >= 3 && memcmp(text + at, "%22", 3) == 0) {
            at += 2;
            text[at] = '"';
        }
        text[write++] = text[at];
    }
    return 0;
}

/* The next `; name=value` at `*at`; 1, 0 at the end, or MSIM_ERR_FORMAT.  The text changes. */
static int next_parameter(char *text, size_t length, size_t *at, struct msim_http_text *name,
                          struct msim_http_text *value)
{
    const struct msim_http_text whole = {text, length};

    size_t i = skip_blanks(whole, *at);
    if (i == length)
        return 0;
    if (text[i] != ';')
        return MSIM_ERR_FORMAT;
    i = skip_blanks(whole, i + 1);
    size_t start = i;
    while (i < length && text[i] != '=' && text[i] != ';' && !is_blank(text[i]))
        i++;
    *name = (struct msim_http_text){text + start, i - start};
    if (name->length == 0 || i == length || text[i] != '=')
        return MSIM_ERR_FORMAT;
    i++;
    if (i < length && text[i] == '"') {
        i = unquote(text, length, i + 1, value);
        if (i == 0)
            return MSIM_ERR_FORMAT;
    } else {
        start = i;
        while (i < length && text[i] != ';' && !is_blank(text[i]))
            i++;
        *value = (struct msim_http_text){text + start, i - start};
    }
    *at = i;
    return 1;
}

/* ---- the boundary ---- */

static bool boundary_valid(struct msim_http_text text)
{
    if (text.length == 0 || text.length > BOUNDARY_MAX || text.at[text.length - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_word && (c == '\0' || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return true;
}

static int read_type(struct msim_multipart *multipart, char *text, struct msim_detail *detail)
{
    size_t length = strlen(text);
    size_t at = strcspn(text, "; \t");
    struct msim_http_text name;
    struct msim_http_text value;
    int r;

    if (!msim_http_is_loosely((struct msim_http_text){text, at}, "multipart/form-data"))
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "the content type is not multipart/form-data");
    while ((r = next_parameter(text, length, &at, &name, &value)) > 0) {
        if (!msim_http_is_loosely(name, "boundary"))
            continue;
        if (multipart->mark_length > 0 || !boundary_valid(value)) {
            multipart->mark_length = 0;
            break;
        }
        memcpy(multipart->mark, "\r\n--", 4);
        memcpy(multipart->mark + 4, value.at, value.length);
        multipart->mark_length = 4 + value.length;
    }
    if (r < 0 || multipart->mark_length == 0)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "the content type has not one good boundary of 1 to 70 letters");
    /* The first one may stand at the very beginning, without a line's end before it. */
    multipart->matched = 2;
    return MSIM_OK;
}

/* ---- a part's head ---- */

static int broken(struct msim_multipart *multipart, struct msim_detail *detail, const char *words)
{
    multipart->failure = MSIM_ERR_FORMAT;
    return msim_detail_set(detail, MSIM_ERR_FORMAT, "the form's part %zu: %s",
                           multipart->part_count + (multipart->has_begun ? 1 : 0), words);
}

static int beyond(struct msim_multipart *multipart, struct msim_detail *detail, const char *bound,
                  uint64_t most)
{
    multipart->failure = MSIM_ERR_LIMIT;
    return msim_detail_set(detail, MSIM_ERR_LIMIT, "the form goes beyond %s, %llu", bound,
                           (unsigned long long)most);
}

static char *terminated(struct msim_http_text text)
{
    char *start = (char *)(uintptr_t)text.at;

    start[text.length] = '\0';
    return start;
}

static bool text_valid(struct msim_http_text text)
{
    return msim_utf8_valid(text.at, text.length) &&
           (text.length == 0 || !memchr(text.at, '\0', text.length));
}

/* `form-data; name="a"; filename="b"` */
static const char *read_disposition(struct msim_part *part, char *text, size_t length)
{
    struct msim_http_text name;
    struct msim_http_text value;
    struct msim_http_text field = {0};
    struct msim_http_text file = {0};
    size_t at = 0;
    int r;

    while (at < length && text[at] != ';' && !is_blank(text[at]))
        at++;
    if (!msim_http_is_loosely((struct msim_http_text){text, at}, "form-data"))
        return "its disposition is not form-data";
    while ((r = next_parameter(text, length, &at, &name, &value)) > 0) {
        struct msim_http_text *target = msim_http_is_loosely(name, "name")       ? &field
                                        : msim_http_is_loosely(name, "filename") ? &file
                                                                                 : NULL;
        if (!target)
            continue;
        if (target->at)
            return "a name is given twice";
        *target = value;
    }
    if (r < 0)
        return "its disposition is not well formed";
    if (!field.at || !text_valid(field) || !text_valid(file))
        return "it has no name, or one that is not UTF-8";
    /* A value's end is a quote, white space, a semicolon or the line's: all of it was read. */
    part->name = terminated(field);
    part->file_name = file.at ? terminated(file) : NULL;
    return NULL;
}

/* One line without its end. */
static const char *read_line(struct msim_part *part, char *line, size_t length)
{
    char *colon = memchr(line, ':', length);

    for (size_t i = 0; i < length; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7F)
            return "a byte that no header line has";
    if (!colon || colon == line || is_blank(line[0]) || is_blank(colon[-1]))
        return "a header line that is not one";
    const struct msim_http_text name = {line, (size_t)(colon - line)};
    char *value = colon + 1;
    while (value < line + length && is_blank(*value))
        value++;
    size_t value_length = (size_t)(line + length - value);
    while (value_length > 0 && is_blank(value[value_length - 1]))
        value_length--;

    if (msim_http_is_loosely(name, "Content-Disposition"))
        return part->name ? "two dispositions" : read_disposition(part, value, value_length);
    if (msim_http_is_loosely(name, "Content-Type"))
        part->content_type = terminated((struct msim_http_text){value, value_length});
    return NULL;
}

static int head_end(struct msim_multipart *multipart, struct msim_detail *detail)
{
    struct msim_part part = {.index = multipart->part_count};
    char *line = multipart->head;
    char *end = line + multipart->head_length - 2; /* the empty line */
    const char *words = NULL;

    while (!words && line < end) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (!line_end || line_end == line || line_end[-1] != '\r')
            words = "a header line without CR LF";
        else
            words = read_line(&part, line, (size_t)(line_end - 1 - line));
        line = line_end ? line_end + 1 : end;
    }
    if (!words && !part.name)
        words = "it has no Content-Disposition with a name";
    if (words)
        return broken(multipart, detail, words);
    if (!part.content_type)
        part.content_type = "text/plain";
    multipart->state = IN_CONTENT;
    multipart->part_count++;
    multipart->part_bytes = 0;
    if (multipart->handler.part)
        multipart->failure = multipart->handler.part(multipart->context, &part);
    return multipart->failure < 0 ? multipart->failure : MSIM_OK;
}

static int head_byte(struct msim_multipart *multipart, char c, struct msim_detail *detail)
{
    size_t length = multipart->head_length;
    char *head = multipart->head;

    if (length == multipart->max_head_bytes)
        return beyond(multipart, detail, "max_head_bytes", multipart->max_head_bytes);
    head[length++] = c;
    multipart->head_length = length;
    bool is_empty_line = length >= 2 && head[length - 1] == '\n' && head[length - 2] == '\r' &&
                         (length == 2 || head[length - 3] == '\n');
    return is_empty_line ? head_end(multipart, detail) : MSIM_OK;
}

/* ---- content ---- */

/* Bytes that are no boundary: the part's, or before the first one nobody's. */
static int give(struct msim_multipart *multipart, const char *bytes, size_t length,
                struct msim_detail *detail)
{
    if (!multipart->has_begun || length == 0)
        return MSIM_OK;
    if (length > multipart->max_part_bytes - multipart->part_bytes)
        return beyond(multipart, detail, "max_part_bytes", multipart->max_part_bytes);
    multipart->part_bytes += length;
    if (multipart->handler.bytes)
        multipart->failure =
            multipart->handler.bytes(multipart->context, (const unsigned char *)bytes, length);
    return multipart->failure < 0 ? multipart->failure : MSIM_OK;
}

/* The boundary is whole. */
static int part_end(struct msim_multipart *multipart)
{
    bool was_part = multipart->has_begun;

    multipart->matched = 0;
    multipart->has_begun = true;
    multipart->state = AT_MARK;
    if (was_part && multipart->handler.end)
        multipart->failure = multipart->handler.end(multipart->context);
    return multipart->failure < 0 ? multipart->failure : MSIM_OK;
}

struct place {
    const char *bytes;
    size_t length;
    size_t at;
};

static int content(struct msim_multipart *multipart, struct place *place,
                   struct msim_detail *detail)
{
    const char *start = place->bytes + place->at;
    size_t left = place->length - place->at;
    size_t matched = multipart->matched;

    if (matched == 0) {
        const char *found = memchr(start, '\r', left);
        size_t length = found ? (size_t)(found - start) : left;
        place->at += length + (found ? 1 : 0);
        multipart->matched = found ? 1 : 0;
        return give(multipart, start, length, detail);
    }
    if (*start == multipart->mark[matched]) {
        place->at++;
        multipart->matched = matched + 1;
        return multipart->matched == multipart->mark_length ? part_end(multipart) : MSIM_OK;
    }
    /* What matched was content.  The byte at hand is looked at anew: it may begin another match. */
    multipart->matched = 0;
    return give(multipart, multipart->mark, matched, detail);
}

static int framing_byte(struct msim_multipart *multipart, char c, struct msim_detail *detail)
{
    switch (multipart->state) {
    case AT_MARK:
    case AT_BLANK:
        if (c == '-' && multipart->state == AT_MARK) {
            multipart->state = AT_DASH;
            return MSIM_OK;
        }
        multipart->state = c == '\r' ? AT_LF : AT_BLANK;
        if (c != '\r' && !is_blank(c))
            return broken(multipart, detail, "a boundary is not the end of its line");
        return MSIM_OK;
    case AT_DASH:
        multipart->state = AT_END;
        return c == '-' ? MSIM_OK : broken(multipart, detail, "a boundary with one dash");
    case AT_LF:
        if (c != '\n')
            return broken(multipart, detail, "a boundary's line ends with CR alone");
        if (multipart->part_count == multipart->max_parts)
            return beyond(multipart, detail, "max_parts", multipart->max_parts);
        multipart->state = IN_HEAD;
        multipart->head_length = 0;
        return MSIM_OK;
    case IN_HEAD:
        return head_byte(multipart, c, detail);
    case IN_CONTENT:
    case AT_END:
        break;
    }
    return MSIM_OK;
}

/* ---- what the owner calls ---- */

int msim_multipart_create(struct msim_multipart **out, const struct msim_multipart_params *params,
                          struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params || !params->content_type)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_MULTIPART_PARAMS_INIT with a "
                               "content_type");
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_multipart *multipart = msim_mem_zero(&allocator, sizeof *multipart);
    if (!multipart)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    multipart->allocator = allocator;
    multipart->handler = params->handler;
    multipart->context = params->context;
    multipart->max_head_bytes =
        params->max_head_bytes ? params->max_head_bytes : DEFAULT_HEAD_BYTES;
    multipart->max_parts = params->max_parts ? params->max_parts : DEFAULT_PARTS;
    multipart->max_part_bytes =
        params->max_part_bytes ? params->max_part_bytes : DEFAULT_PART_BYTES;

    size_t size = strlen(params->content_type);
    char *type = msim_mem_text(&allocator, params->content_type, size);
    int r = type ? read_type(multipart, type, detail)
                 : msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    if (type)
        msim_mem_free(&allocator, type, size + 1);
    if (r == MSIM_OK && multipart->max_head_bytes > SIZE_MAX / 4)
        r = msim_detail_set(detail, MSIM_ERR_INVALID, "max_head_bytes is beyond all memory");
    if (r == MSIM_OK) {
        multipart->head = msim_mem_take(&allocator, multipart->max_head_bytes + 1);
        if (!multipart->head)
            r = msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    }
    if (r < 0) {
        msim_multipart_destroy(&multipart);
        return r;
    }
    *out = multipart;
    return MSIM_OK;
}

void msim_multipart_destroy(struct msim_multipart **handle)
{
    struct msim_multipart *multipart = handle ? *handle : NULL;
    if (!multipart)
        return;

    struct msim_allocator allocator = multipart->allocator;
    *handle = NULL;
    if (multipart->head)
        msim_mem_free(&allocator, multipart->head, multipart->max_head_bytes + 1);
    msim_mem_free(&allocator, multipart, sizeof *multipart);
}

int msim_multipart_feed(struct msim_multipart *multipart, const void *bytes, size_t length,
                        struct msim_detail *detail)
{
    struct place place = {.bytes = bytes, .length = length};
    int r = MSIM_OK;

    if (!multipart || (!bytes && length > 0))
        return MSIM_ERR_INVALID;
    if (multipart->failure < 0)
        return multipart->failure;
    while (r == MSIM_OK && place.at < length && multipart->state != AT_END) {
        if (multipart->state == IN_CONTENT)
            r = content(multipart, &place, detail);
        else
            r = framing_byte(multipart, place.bytes[place.at++], detail);
    }
    return r;
}

int msim_multipart_finish(struct msim_multipart *multipart, struct msim_detail *detail)
{
    if (!multipart)
        return MSIM_ERR_INVALID;
    if (multipart->failure < 0)
        return multipart->failure;
    if (multipart->state != AT_END)
        return broken(multipart, detail, "it ends without its last boundary");
    return MSIM_OK;
}
