#include "net/problem.h"

#include "base/json.h"
#include "net/http.h"

#define CODE_SIZE 64

/* A word for programs: the phrase in capitals, but for two that have names of their own. */
static const char *code_of(int status, char out[CODE_SIZE])
{
    const char *phrase = msim_http_phrase(status);
    size_t length = 0;

    if (status == 413)
        return "TOO_LARGE";
    if (status == 429)
        return "RATE_LIMITED";
    for (; phrase[length] != '\0' && length < CODE_SIZE - 1; length++) {
        char c = phrase[length];
        out[length] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c >= 'A' && c <= 'Z' ? c : '_');
    }
    out[length] = '\0';
    return out;
}

int msim_http_problem(char out[MSIM_PROBLEM_SIZE], int status, const char *words)
{
    struct msim_json_writer writer;
    char code[CODE_SIZE];
    size_t length;

    msim_json_write_buffer(&writer, out, MSIM_PROBLEM_SIZE);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, "about:blank");
    msim_json_write_key(&writer, "title");
    msim_json_write_text(&writer, msim_http_phrase(status));
    msim_json_write_key(&writer, "status");
    msim_json_write_integer(&writer, status);
    msim_json_write_key(&writer, "detail");
    msim_json_write_text(&writer, words);
    /* Where clients that were written before problem+json look. */
    msim_json_write_key(&writer, "error");
    msim_json_write_text(&writer, words);
    msim_json_write_key(&writer, "code");
    msim_json_write_text(&writer, code_of(status, code));
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, &length);
    return r < 0 ? r : (int)length;
}
