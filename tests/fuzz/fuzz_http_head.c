/*
 * The head of a request and of a response.  The first byte says where the rest is cut in
 * two: the answer must not depend on it, and nothing that was read may point outside.
 */
#include <stdlib.h>
#include <string.h>

#include "net/handshake.h"

#define LIMIT 4096

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(struct msim_http_text text, const char *bytes, size_t length)
{
    if (text.length == 0 || (text.length == 1 && text.at[0] == '/'))
        return;
    require(text.at >= bytes && text.at + text.length <= bytes + length);
}

static enum msim_http_progress scan(const char *bytes, size_t length, size_t cut, size_t *end)
{
    struct msim_http_scan state = {0};
    struct msim_http_refusal refusal = {0};
    enum msim_http_progress progress = msim_http_scan(&state, bytes, cut, LIMIT, &refusal);

    if (progress == MSIM_HTTP_MORE)
        progress = msim_http_scan(&state, bytes, length, LIMIT, &refusal);
    require(progress != MSIM_HTTP_REFUSED || (refusal.status >= 400 && refusal.words));
    *end = state.line;
    return progress;
}

static void read_head(const char *bytes, size_t length, struct msim_http_text behind)
{
    struct msim_http_refusal refusal = {0};
    struct msim_http_head head;
    struct msim_http_text key;
    struct msim_detail detail;

    if (msim_http_read_request(&head, bytes, length, &refusal) == MSIM_OK) {
        check_text(head.method, bytes, length);
        check_text(head.path, bytes, length);
        check_text(head.query, bytes, length);
        check_text(head.authority, bytes, length);
        for (size_t i = 0; i < head.field_count; i++) {
            check_text(head.fields[i].name, bytes, length);
            check_text(head.fields[i].value, bytes, length);
        }
        char *path = malloc(head.path.length + 1);
        require(path != NULL);
        if (msim_http_decode(path, head.path) == MSIM_OK)
            require(strlen(path) <= head.path.length);
        free(path);
        if (msim_handshake_check(&head, &key, &refusal) == MSIM_OK)
            require(key.length == MSIM_KEY_SIZE);
    } else {
        require(refusal.status >= 400 && refusal.words);
    }
    if (msim_http_read_response(&head, bytes, length, &refusal) == MSIM_OK)
        require(msim_handshake_check_answer(&head, "dGhlIHNhbXBsZSBub25jZQ==", behind, &detail) <=
                0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t end;
    size_t end_cut;

    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t length = size - 1;
    size_t cut = length > 0 ? data[0] % (length + 1) : 0;
    enum msim_http_progress progress = scan(bytes, length, length, &end);
    require(scan(bytes, length, cut, &end_cut) == progress);
    require(progress != MSIM_HTTP_WHOLE || end == end_cut);
    if (progress == MSIM_HTTP_WHOLE) {
        require(end <= length && end <= LIMIT);
        read_head(bytes, end, (struct msim_http_text){bytes + end, length - end});
    }
    /* What is no head at all must be refused as well. */
    read_head(bytes, length, (struct msim_http_text){bytes, length});
    return 0;
}
