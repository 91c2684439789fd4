#include "net/problem.h"

#include "base/json.h"
#include "net/http.h"

int msim_http_problem(char out[MSIM_PROBLEM_SIZE], int status, const char *words)
{
    struct msim_json_writer writer;
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
    msim_json_write_object_end(&writer);
    int r = msim_json_write_end(&writer, &length);
    return r < 0 ? r : (int)length;
}
