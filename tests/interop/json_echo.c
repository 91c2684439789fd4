/*
 * Judges JSON texts for a foreign peer: reads texts with their length in a line before each
 * from standard input, and answers with one line: "bad", or "good" and the tokens again,
 * strings unescaped and escaped anew, numbers as they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

#define TEXT_SIZE 65536

static void repeat(struct msim_json_writer *writer, const char *text,
                   const struct msim_json_token *token, char *scratch)
{
    size_t length = 0;

    if (token->key_end > 0) {
        msim_json_string(text, token->key_start, token->key_end, scratch, TEXT_SIZE, &length);
        msim_json_write_key_bytes(writer, scratch, length);
    }
    switch (token->kind) {
    case MSIM_JSON_OBJECT:
        msim_json_write_object(writer);
        break;
    case MSIM_JSON_OBJECT_END:
        msim_json_write_object_end(writer);
        break;
    case MSIM_JSON_ARRAY:
        msim_json_write_array(writer);
        break;
    case MSIM_JSON_ARRAY_END:
        msim_json_write_array_end(writer);
        break;
    case MSIM_JSON_STRING:
        msim_json_string(text, token->start, token->end, scratch, TEXT_SIZE, &length);
        msim_json_write_string(writer, scratch, length);
        break;
    default:
        msim_json_write_raw(writer, text + token->start, token->end - token->start);
    }
}

/* The number where it is one that int64 holds at its own exponent; else null. */
static void answer_decimal(struct msim_json_writer *writer, const char *text,
                           const struct msim_json_token *token)
{
    int64_t mantissa;
    int exponent;

    if (token->kind == MSIM_JSON_NUMBER &&
        msim_json_decimal_any(text, token->start, token->end, &mantissa, &exponent) == MSIM_OK) {
        msim_json_write_array(writer);
        msim_json_write_integer(writer, mantissa);
        msim_json_write_integer(writer, exponent);
        msim_json_write_array_end(writer);
    } else if (token->kind == MSIM_JSON_NUMBER) {
        msim_json_write_null(writer);
    }
}

static void judge(const char *text, size_t length, char *scratch)
{
    static char answer[8 * TEXT_SIZE];
    static char decimals[8 * TEXT_SIZE];
    struct msim_json_reader reader;
    struct msim_json_token token;
    struct msim_json_writer writer;
    struct msim_json_writer numbers;
    size_t answer_length = 0;
    size_t decimals_length = 0;
    int r;

    msim_json_init(&reader, text, length, NULL);
    msim_json_write_buffer(&writer, answer, sizeof answer);
    msim_json_write_buffer(&numbers, decimals, sizeof decimals);
    msim_json_write_array(&numbers);
    while ((r = msim_json_next(&reader, &token)) > 0) {
        repeat(&writer, text, &token, scratch);
        answer_decimal(&numbers, text, &token);
    }
    msim_json_write_array_end(&numbers);
    if (r < 0) {
        puts("bad");
    } else if (msim_json_write_end(&writer, &answer_length) == MSIM_OK &&
               msim_json_write_end(&numbers, &decimals_length) == MSIM_OK) {
        printf("good %.*s %.*s\n", (int)decimals_length, decimals, (int)answer_length, answer);
    } else {
        puts("broken");
    }
}

int main(void)
{
    static char scratch[TEXT_SIZE];
    char line[32];

    while (fgets(line, sizeof line, stdin)) {
        size_t length = (size_t)strtoul(line, NULL, 10);
        char *text = malloc(length > 0 ? length : 1);
        if (!text || length >= TEXT_SIZE || fread(text, 1, length, stdin) != length) {
            fputs("a text ended early, or is too long\n", stderr);
            free(text);
            return 1;
        }
        judge(text, length, scratch);
        free(text);
        if (fflush(stdout) != 0)
            return 1;
    }
    return 0;
}
