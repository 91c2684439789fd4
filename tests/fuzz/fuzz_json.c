/*
 * Any bytes as JSON: reader and document agree on what is valid, every token lies
 * inside the text, and what a string or number says can be written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_string(const char *text, size_t start, size_t end)
{
    size_t size = end - start;
    char *out = malloc(size);
    char *quoted = malloc(6 * size);
    char *again = malloc(6 * size);
    struct msim_json_writer writer;
    size_t length;
    size_t written;
    size_t read;

    must(out && quoted && again);
    must(msim_json_string(text, start, end, out, size - 1, &length) == MSIM_OK);
    must(msim_json_is_bytes(text, start, end, out, length));
    msim_json_write_buffer(&writer, quoted, 6 * size);
    msim_json_write_string(&writer, out, length);
    must(msim_json_write_end(&writer, &written) == MSIM_OK);
    must(msim_json_string(quoted, 0, written, again, 6 * size, &read) == MSIM_OK);
    must(read == length && memcmp(out, again, length) == 0);
    free(out);
    free(quoted);
    free(again);
}

static void check_number(const char *text, size_t start, size_t end)
{
    int64_t mantissa;
    int exponent;
    int r = msim_json_decimal_any(text, start, end, &mantissa, &exponent);

    if (r == MSIM_OK) {
        char out[64];
        struct msim_json_writer writer;
        size_t length;
        int64_t again;

        msim_json_write_buffer(&writer, out, sizeof out);
        msim_json_write_decimal(&writer, mantissa, exponent);
        must(msim_json_write_end(&writer, &length) == MSIM_OK);
        must(msim_json_decimal(out, 0, length, exponent, &again) == MSIM_OK && again == mantissa);
        must(msim_json_decimal(text, start, end, exponent, &again) == MSIM_OK && again == mantissa);
    } else {
        must(r == MSIM_ERR_OVERFLOW);
    }
}

static int read_tokens(const char *text, size_t size, size_t *values)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    size_t last = 0;
    int r;

    *values = 0;
    msim_json_init(&reader, text, size, NULL);
    while ((r = msim_json_next(&reader, &token)) > 0) {
        must(last <= token.start && token.start < token.end && token.end <= size);
        last = token.end;
        *values += r != MSIM_JSON_OBJECT_END && r != MSIM_JSON_ARRAY_END;
        if (token.key_end > 0)
            check_string(text, token.key_start, token.key_end);
        if (r == MSIM_JSON_STRING)
            check_string(text, token.start, token.end);
        if (r == MSIM_JSON_NUMBER)
            check_number(text, token.start, token.end);
    }
    if (r < 0) {
        struct msim_detail detail;
        must(reader.failed_at <= size && msim_json_explain(&reader, &detail) == r);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const struct msim_json_limits last_wins = {.duplicates = MSIM_JSON_DUPLICATES_LAST_WINS};
    struct msim_json_document document;
    struct msim_detail detail;
    size_t values;

    int r = read_tokens(text, size, &values);
    int same = msim_json_document_read(&document, text, size, &last_wins, NULL, &detail);
    must(r == same);
    if (r < 0)
        return 0;

    must(document.count == values);
    for (uint32_t i = 0; i < document.count; i++) {
        char pointer[256];
        msim_json_pointer(&document, i, pointer, sizeof pointer);
    }
    msim_json_document_finish(&document);

    r = msim_json_document_read(&document, text, size, NULL, NULL, &detail);
    must(r == MSIM_OK || r == MSIM_ERR_INVALID);
    if (r == MSIM_OK)
        msim_json_document_finish(&document);
    return 0;
}
