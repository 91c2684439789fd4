#include "net/handshake.h"

#include <stdio.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>

#include "base/detail.h"
#include "base/json.h"
#include "net/date.h"
#include "net/extension.h"
#include "net/problem.h"

/* RFC 6455 section 1.3 */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* A refusal's words are read up to the first, and told up to the second. */
#define SERVER_WORDS 1024
#define SERVER_WORDS_TOLD 240

_Static_assert(MSIM_KEY_SIZE == BASE64_ENCODE_RAW_LENGTH(MSIM_NONCE_SIZE), "24 letters");
_Static_assert(MSIM_ACCEPT_SIZE == BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE), "28 letters");

void msim_handshake_key(char out[MSIM_KEY_SIZE + 1], const uint8_t nonce[MSIM_NONCE_SIZE])
{
    base64_encode_raw(out, MSIM_NONCE_SIZE, nonce);
    out[MSIM_KEY_SIZE] = '\0';
}

void msim_handshake_accept(char out[MSIM_ACCEPT_SIZE + 1], const char *key, size_t length)
{
    struct sha1_ctx sha1;
    uint8_t digest[SHA1_DIGEST_SIZE];

    sha1_init(&sha1);
    sha1_update(&sha1, length, (const uint8_t *)key);
    sha1_update(&sha1, strlen(GUID), (const uint8_t *)GUID);
    sha1_digest(&sha1, sizeof digest, digest);
    base64_encode_raw(out, sizeof digest, digest);
    out[MSIM_ACCEPT_SIZE] = '\0';
}

/* ---- the server's side ---- */

static int refuse(struct msim_http_refusal *refusal, int status, const char *words)
{
    *refusal = (struct msim_http_refusal){.status = status, .words = words};
    return MSIM_ERR_FORMAT;
}

/* Sixteen bytes in base64. */
static bool key_valid(struct msim_http_text key)
{
    struct base64_decode_ctx decode;
    uint8_t nonce[BASE64_DECODE_LENGTH(MSIM_KEY_SIZE)];
    size_t length = sizeof nonce;

    if (key.length != MSIM_KEY_SIZE)
        return false;
    base64_decode_init(&decode);
    return base64_decode_update(&decode, &length, nonce, key.length, key.at) &&
           base64_decode_final(&decode) && length == MSIM_NONCE_SIZE;
}

int msim_handshake_check(const struct msim_http_head *head, struct msim_http_text *key,
                         struct msim_http_refusal *refusal)
{
    size_t keys;
    size_t versions;
    const struct msim_http_field *sent = msim_http_field(head, "Sec-WebSocket-Key", &keys);
    const struct msim_http_field *version =
        msim_http_field(head, "Sec-WebSocket-Version", &versions);

    if (!msim_http_is(head->method, "GET"))
        return refuse(refusal, 405, "only GET is answered here");
    if (!msim_http_lists(head, "Upgrade", "websocket"))
        return refuse(refusal, 426, "a WebSocket is served here: connect with a WebSocket client");
    if (head->minor == 0)
        return refuse(refusal, 400, "a WebSocket needs HTTP/1.1");
    if (!msim_http_lists(head, "Connection", "upgrade"))
        return refuse(refusal, 400, "Connection does not name Upgrade");
    if (head->has_body)
        return refuse(refusal, 400, "a handshake has no body");
    if (versions > 1)
        return refuse(refusal, 400, "more than one Sec-WebSocket-Version");
    if (!version || !msim_http_is(version->value, "13"))
        return refuse(refusal, 426, "only version 13 of WebSocket is spoken here");
    if (keys != 1 || !key_valid(sent->value))
        return refuse(refusal, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
    *key = sent->value;
    return MSIM_OK;
}

_Static_assert(MSIM_ACCEPT_ROOM >= 160 + MSIM_ACCEPT_SIZE + MSIM_EXTENSION_TEXT, "it fits");

int msim_handshake_write_accept(struct msim_bytes *out, struct msim_http_text key,
                                const char *extensions)
{
    char accept[MSIM_ACCEPT_SIZE + 1];
    char text[MSIM_ACCEPT_ROOM];

    msim_handshake_accept(accept, key.at, key.length);
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 101 Switching Protocols\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n"
                          "%s%s%s\r\n",
                          accept, extensions[0] ? MSIM_EXTENSION_HEADER ": " : "", extensions,
                          extensions[0] ? "\r\n" : "");
    return msim_bytes_append(out, text, (size_t)length);
}

int msim_handshake_write_refusal(struct msim_bytes *out, const struct msim_http_refusal *refusal)
{
    char body[MSIM_PROBLEM_SIZE];
    char head[512];
    char more[160] = "";
    char date[MSIM_DATE_SIZE];
    unsigned char *room;

    if (refusal->status == 405)
        snprintf(more, sizeof more, "Allow: %s\r\n", refusal->allow ? refusal->allow : "GET");
    if (refusal->status == 426)
        snprintf(more, sizeof more, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    int written = msim_http_problem(body, refusal->status, refusal->words);
    if (written < 0)
        return written;
    msim_date_now(date);
    size_t body_length = (size_t)written;
    size_t length = (size_t)snprintf(head, sizeof head,
                                     "HTTP/1.1 %d %s\r\n"
                                     "Date: %s\r\n"
                                     "Content-Type: application/problem+json\r\n"
                                     "Content-Length: %zu\r\n"
                                     "%s"
                                     "Connection: %sclose\r\n",
                                     refusal->status, msim_http_phrase(refusal->status), date,
                                     body_length, more, refusal->status == 426 ? "Upgrade, " : "");
    int r = msim_bytes_reserve(out, length + refusal->lines_length + 2 + body_length, &room);
    if (r < 0)
        return r;
    memcpy(room, head, length);
    if (refusal->lines_length > 0)
        memcpy(room + length, refusal->lines, refusal->lines_length);
    length += refusal->lines_length;
    memcpy(room + length, "\r\n", 2);
    memcpy(room + length + 2, body, body_length);
    msim_bytes_commit(out, length + 2 + body_length);
    return MSIM_OK;
}

/* ---- the client's side ---- */

int msim_handshake_write_request(struct msim_bytes *out, const struct msim_url *url,
                                 const char *key, const char *extensions,
                                 struct msim_http_text lines)
{
    static const char first[] = "GET ";
    static const char second[] = " HTTP/1.1\r\nHost: ";
    static const char third[] = "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
    static const char fourth[] = "\r\n" MSIM_EXTENSION_HEADER ": ";
    const struct msim_http_text parts[] = {
        {first, sizeof first - 1},
        {"/", url->target_length == 0 || url->target[0] != '/' ? 1 : 0},
        {url->target, url->target_length},
        {second, sizeof second - 1},
        {url->authority, url->authority_length},
        {third, sizeof third - 1},
        {key, MSIM_KEY_SIZE},
        {fourth, extensions[0] ? sizeof fourth - 1 : 0},
        {extensions, strlen(extensions)},
        {"\r\n", 2},
        lines,
        {"\r\n", 2},
    };
    size_t count = sizeof parts / sizeof parts[0];
    size_t length = 0;
    unsigned char *room;

    for (size_t i = 0; i < count; i++)
        length += parts[i].length;
    int r = msim_bytes_reserve(out, length, &room);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        memcpy(room, parts[i].at, parts[i].length);
        room += parts[i].length;
    }
    msim_bytes_commit(out, length);
    return MSIM_OK;
}

/* One line of printable text, cut between characters. */
static void clean(char text[static SERVER_WORDS])
{
    size_t length = strlen(text);

    if (length > SERVER_WORDS_TOLD) {
        length = SERVER_WORDS_TOLD;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        text[length] = '\0';
    }
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
}

/* What a refusal says of itself: its JSON's first member that is there; "" where there is none. */
static void read_words(struct msim_http_text body, char out[static SERVER_WORDS])
{
    static const char *const keys[] = {"detail", "message", "error"};
    size_t best = sizeof keys / sizeof keys[0];
    struct msim_json_reader reader;
    struct msim_json_token token;

    out[0] = '\0';
    msim_json_init(&reader, body.at, body.length, NULL);
    for (int kind; (kind = msim_json_next(&reader, &token)) > MSIM_JSON_END;) {
        for (size_t i = 0; i < best && kind == MSIM_JSON_STRING; i++) {
            if (token.key_end <= token.key_start ||
                !msim_json_is(body.at, token.key_start, token.key_end, keys[i]) ||
                msim_json_string(body.at, token.start, token.end, out, SERVER_WORDS, NULL) < 0)
                continue;
            best = i;
        }
    }
    if (best == sizeof keys / sizeof keys[0])
        out[0] = '\0';
    clean(out);
}

int msim_handshake_check_answer(const struct msim_http_head *head, const char *key,
                                struct msim_http_text body, struct msim_detail *detail)
{
    char words[SERVER_WORDS];
    char expected[MSIM_ACCEPT_SIZE + 1];
    size_t count;

    if (head->status >= 300 && head->status < 400)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "it answered %d, a redirection, which is not followed",
                               head->status);
    if (head->status != 101) {
        read_words(body, words);
        if (msim_http_is(head->phrase, words))
            words[0] = '\0'; /* nothing new */
        return msim_detail_set(
            detail, MSIM_ERR_FORMAT, "it answered %d %.*s instead of opening a WebSocket%s%s",
            head->status, (int)(head->phrase.length < 80 ? head->phrase.length : 80),
            head->phrase.length > 0 ? head->phrase.at : "",
            head->status == 401 || words[0] ? ": " : "",
            head->status == 401 ? "give a key that it knows, and its secret where it has one"
                                : words);
    }
    msim_handshake_accept(expected, key, MSIM_KEY_SIZE);
    const struct msim_http_field *accept = msim_http_field(head, "Sec-WebSocket-Accept", &count);
    if (count != 1 || !msim_http_is(accept->value, expected))
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "its handshake does not prove that it speaks WebSocket");
    if (!msim_http_lists(head, "Upgrade", "websocket") ||
        !msim_http_lists(head, "Connection", "upgrade"))
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "its handshake does not switch to WebSocket");
    if (msim_http_field(head, "Sec-WebSocket-Protocol", NULL))
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "it chose a protocol that was not offered");
    return MSIM_OK;
}
