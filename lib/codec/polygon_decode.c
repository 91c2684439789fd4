/*
 * The public dialect of Polygon/Massive, the server's side: what a client asks for.
 */
#include <marketsim/codec.h>

#include <string.h>

#include "base/detail.h"
#include "base/json.h"

static const char *const actions[] = {
    [MSIM_POLYGON_AUTH] = "auth",
    [MSIM_POLYGON_SUBSCRIBE] = "subscribe",
    [MSIM_POLYGON_UNSUBSCRIBE] = "unsubscribe",
};

struct decoder {
    const char *text;
    struct msim_json_reader reader;
    struct msim_polygon_request *out;
    char *scratch;
    size_t scratch_size;
    struct msim_detail *detail;
};

static int read_action(struct decoder *decoder, const struct msim_json_token *token)
{
    for (int i = MSIM_POLYGON_AUTH; i <= MSIM_POLYGON_UNSUBSCRIBE; i++) {
        if (token->kind == MSIM_JSON_STRING &&
            msim_json_is(decoder->text, token->start, token->end, actions[i])) {
            decoder->out->action = (enum msim_polygon_action)i;
            return MSIM_OK;
        }
    }
    return msim_detail_set(decoder->detail, MSIM_ERR_INVALID,
                           "byte %zu: the action is \"auth\", \"subscribe\" or \"unsubscribe\"",
                           token->start);
}

static int read_params(struct decoder *decoder, const struct msim_json_token *token)
{
    if (token->kind != MSIM_JSON_STRING || decoder->out->params)
        return msim_detail_set(decoder->detail, MSIM_ERR_INVALID,
                               "byte %zu: \"params\" is one text, such as \"T.AAPL,Q.*\"",
                               token->start);
    int r = msim_json_string(decoder->text, token->start, token->end, decoder->scratch,
                             decoder->scratch_size, &decoder->out->params_length);
    if (r < 0)
        return r;
    decoder->out->params = decoder->scratch;
    return MSIM_OK;
}

static int read_member(struct decoder *decoder, const struct msim_json_token *token)
{
    if (msim_json_is(decoder->text, token->key_start, token->key_end, "action"))
        return read_action(decoder, token);
    if (msim_json_is(decoder->text, token->key_start, token->key_end, "params"))
        return read_params(decoder, token);
    if ((token->kind == MSIM_JSON_OBJECT || token->kind == MSIM_JSON_ARRAY) &&
        msim_json_skip(&decoder->reader, token) < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    return MSIM_OK;
}

static int read_request(struct decoder *decoder)
{
    struct msim_json_token token;
    int kind = msim_json_next(&decoder->reader, &token);

    if (kind < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    if (kind != MSIM_JSON_OBJECT)
        return msim_detail_set(decoder->detail, MSIM_ERR_INVALID,
                               "a request is {\"action\":\"...\",\"params\":\"...\"}");
    while ((kind = msim_json_next(&decoder->reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END)
            continue;
        int r = read_member(decoder, &token);
        if (r < 0)
            return r;
    }
    if (kind < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    if (!decoder->out->action || !decoder->out->params)
        return msim_detail_set(decoder->detail, MSIM_ERR_INVALID, "the key \"%s\" is missing",
                               decoder->out->action ? "params" : "action");
    return MSIM_OK;
}

int msim_polygon_decode(const char *bytes, size_t length, struct msim_polygon_request *out,
                        char *scratch, struct msim_detail *detail)
{
    if (!bytes || !out || !scratch)
        return MSIM_ERR_INVALID;

    struct msim_polygon_request request = {0};
    struct decoder decoder = {
        .text = bytes,
        .out = &request,
        .scratch = scratch,
        .scratch_size = length,
        .detail = detail,
    };
    msim_json_init(&decoder.reader, bytes, length, NULL);
    int r = read_request(&decoder);
    if (r < 0)
        return r;
    *out = request;
    return MSIM_OK;
}

/* ---- channels ---- */

static const char *const prefixes[2][5] = {
    [MSIM_POLYGON_STOCKS] = {[MSIM_POLYGON_TRADES] = "T.",
                             [MSIM_POLYGON_QUOTES] = "Q.",
                             [MSIM_POLYGON_SECONDS] = "A.",
                             [MSIM_POLYGON_MINUTES] = "AM."},
    [MSIM_POLYGON_CRYPTO] = {[MSIM_POLYGON_TRADES] = "XT.",
                             [MSIM_POLYGON_QUOTES] = "XQ.",
                             [MSIM_POLYGON_SECONDS] = "XAS.",
                             [MSIM_POLYGON_MINUTES] = "XA."},
};

static void read_channel(enum msim_polygon_cluster cluster, struct msim_polygon_channel *out)
{
    const char *const *own = prefixes[cluster == MSIM_POLYGON_CRYPTO];

    for (int feed = MSIM_POLYGON_TRADES; feed <= MSIM_POLYGON_MINUTES; feed++) {
        size_t length = strlen(own[feed]);
        if (out->text_length <= length || memcmp(out->text, own[feed], length) != 0)
            continue;
        out->feed = feed;
        out->symbol = out->text + length;
        out->symbol_length = out->text_length - length;
        out->all = out->symbol_length == 1 && out->symbol[0] == '*';
    }
}

bool msim_polygon_channel(enum msim_polygon_cluster cluster, const char *params, size_t length,
                          size_t *at, struct msim_polygon_channel *out)
{
    while (*at < length && (params[*at] == ',' || params[*at] == ' '))
        ++*at;
    if (*at >= length)
        return false;

    size_t begin = *at;
    while (*at < length && params[*at] != ',')
        ++*at;
    size_t end = *at;
    while (end > begin && params[end - 1] == ' ')
        end--;
    *out = (struct msim_polygon_channel){.text = params + begin, .text_length = end - begin};
    read_channel(cluster, out);
    return true;
}
