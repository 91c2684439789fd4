/*
 * Sec-WebSocket-Extensions: the first byte says what one wants oneself, the rest is the header.
 * What a server answers must be something that the client which offered it agrees to, on the same
 * terms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/extension.h"

#define MAX_HEADER 1000

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A head with this header in it; false where it is none. */
static bool read_head(struct msim_http_head *head, char *text, size_t room, const char *first,
                      const char *header, size_t length)
{
    struct msim_http_refusal refusal;

    int size = snprintf(text, room, "%sHost: a\r\n" MSIM_EXTENSION_HEADER ": %.*s\r\n\r\n", first,
                        (int)length, header);
    require(size > 0 && (size_t)size < room);
    return first[0] == 'G' ? msim_http_read_request(head, text, (size_t)size, &refusal) == MSIM_OK
                           : msim_http_read_response(head, text, (size_t)size, &refusal) == MSIM_OK;
}

static void check_terms(const struct msim_deflate_terms *terms)
{
    if (!terms->is_on)
        return;
    require(terms->window_bits >= MSIM_WINDOW_BITS_MIN &&
            terms->window_bits <= MSIM_WINDOW_BITS_MAX);
    require(terms->peer_window_bits >= MSIM_WINDOW_BITS_MIN &&
            terms->peer_window_bits <= MSIM_WINDOW_BITS_MAX);
}

static void serve(const struct msim_deflate *wanted, const char *header, size_t length)
{
    struct msim_deflate_terms terms = {0};
    char answer[MSIM_EXTENSION_TEXT] = "";
    char text[MAX_HEADER + 200];
    struct msim_http_head head;

    if (!read_head(&head, text, sizeof text, "GET / HTTP/1.1\r\n", header, length) ||
        msim_extension_choose(&terms, answer, wanted, &head) < 0)
        return;
    require(strlen(answer) < sizeof answer && terms.is_on == (answer[0] != '\0'));
    check_terms(&terms);
}

static void connect_to(const struct msim_deflate *wanted, const char *header, size_t length)
{
    struct msim_deflate_terms terms = {0};
    char text[MAX_HEADER + 200];
    struct msim_http_head head;
    struct msim_detail detail = {""};

    if (!read_head(&head, text, sizeof text, "HTTP/1.1 101 S\r\n", header, length))
        return;
    if (msim_extension_agree(&terms, wanted, &head, &detail) < 0)
        require(detail.text[0] != '\0');
    else
        check_terms(&terms);
}

/* Both sides are ours: they agree, each on what the other sends. */
static void meet(const struct msim_deflate *client, const struct msim_deflate *server)
{
    struct msim_deflate_terms served = {0};
    struct msim_deflate_terms agreed = {0};
    char offer[MSIM_EXTENSION_TEXT];
    char answer[MSIM_EXTENSION_TEXT];
    char text[MAX_HEADER];
    struct msim_http_head head;

    msim_extension_offer(offer, client);
    require(read_head(&head, text, sizeof text, "GET / HTTP/1.1\r\n", offer, strlen(offer)));
    require(msim_extension_choose(&served, answer, server, &head) == MSIM_OK);
    if (!served.is_on)
        return;
    require(read_head(&head, text, sizeof text, "HTTP/1.1 101 S\r\n", answer, strlen(answer)));
    require(msim_extension_agree(&agreed, client, &head, NULL) == MSIM_OK && agreed.is_on);
    require(agreed.keeps_context <= served.peer_keeps_context);
    require(served.keeps_context <= agreed.peer_keeps_context);
    require(agreed.window_bits <= served.peer_window_bits);
    require(served.window_bits <= agreed.peer_window_bits);
}

static struct msim_deflate wish(unsigned bits)
{
    return (struct msim_deflate){
        .is_on = true,
        .keeps_context = bits & 1,
        .peer_keeps_context = bits >> 1 & 1,
        .window_bits = (uint8_t)(bits >> 2 & 1 ? 8 + (bits >> 4 & 7) : 0),
        .peer_window_bits = (uint8_t)(bits >> 3 & 1 ? 8 + (bits >> 5 & 7) : 0),
        .level = 1,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MAX_HEADER)
        return 0;
    struct msim_deflate ours = wish(data[0]);
    struct msim_deflate theirs = wish(data[1]);

    meet(&ours, &theirs);
    serve(&ours, (const char *)data + 2, size - 2);
    connect_to(&ours, (const char *)data + 2, size - 2);
    return 0;
}
