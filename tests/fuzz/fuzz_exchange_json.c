/*
 * What a robot sends to the exchange: the two ways of reading must agree, whatever is refused has
 * words that are JSON again, and what is read stays within its bounds.  The first byte chooses
 * between a message and a body of REST.
 */
#include <marketsim/codec.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "codec/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct msim_native_codec *make_codec(void)
{
    struct msim_native_codec_params params = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_native_instrument instrument = {"BTC/USD", 0, 1, -2, -6};
    struct msim_native_codec *codec = NULL;

    if (msim_native_codec_create(&codec, &params) < 0 ||
        msim_native_codec_asset(codec, "BTC", -8) < 0 ||
        msim_native_codec_asset(codec, "USD", -8) < 0 ||
        msim_native_codec_instrument(codec, &instrument) < 0)
        abort();
    return codec;
}

static void both_ways(const char *text, size_t length)
{
    struct msim_native_members plain;
    struct msim_native_members careful;
    struct msim_native_refusal refusal;

    if (!msim_native_members_plain(text, length, &plain))
        return;
    if (msim_native_members_careful(text, length, &careful, &refusal) != MSIM_NATIVE_READ)
        abort();
    for (int i = 0; i < FIELD_COUNT; i++)
        if (plain.values[i].kind != careful.values[i].kind ||
            plain.values[i].start != careful.values[i].start ||
            plain.values[i].end != careful.values[i].end)
            abort();
}

/* The words of a refusal, as they are sent, are one JSON object. */
static void check_refusal(struct msim_native_codec *codec,
                          const struct msim_native_request *request,
                          const struct msim_native_refusal *refusal)
{
    struct msim_native_stamp stamp = {.time = 1, .request_id = request->request_id};
    struct msim_json_document document;
    char out[MSIM_NATIVE_MESSAGE_MAX];

    if (refusal->message[0] == '\0')
        abort();
    size_t length = msim_native_encode_error(codec, &stamp, refusal, out);
    if (length > sizeof out ||
        msim_json_document_read(&document, out, length, NULL, NULL, NULL) < 0)
        abort();
    msim_json_document_finish(&document);
}

static void check_request(const struct msim_native_request *request, size_t length)
{
    if (request->client_id.length > MSIM_NATIVE_CLIENT_ID_MAX ||
        request->request_id.length > MSIM_NATIVE_REQUEST_ID_MAX ||
        request->symbol.length > MSIM_NATIVE_SYMBOL_MAX || request->client_id.length > length)
        abort();
    if (request->command.kind == MSIM_COMMAND_NEW &&
        (request->command.quantity <= 0 || request->command.price < 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_native_request request;
    struct msim_native_refusal refusal;

    if (size == 0)
        return 0;
    struct msim_native_codec *codec = make_codec();
    const char *text = (const char *)data + 1;
    size_t length = size - 1;
    int type = data[0] % MSIM_NATIVE_TYPES;

    both_ways(text, length);
    int r = type == 0 ? msim_native_decode(codec, text, length, &request, &refusal)
                      : msim_native_decode_body(codec, type, text, length, &request, &refusal);
    if (r == MSIM_NATIVE_REFUSED)
        check_refusal(codec, &request, &refusal);
    else
        check_request(&request, length);
    if (r == MSIM_NATIVE_READ && request.command.kind == MSIM_COMMAND_REPLACE &&
        msim_native_decode_change(codec, text, length, 0, &request, &refusal) ==
            MSIM_NATIVE_REFUSED)
        check_refusal(codec, &request, &refusal);
    msim_native_codec_destroy(&codec);
    return 0;
}
