/*
 * What clients and servers of the quotes feed and of the Polygon dialect read, chosen by the
 * first byte.
 */
#include <marketsim/codec.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void channels(enum msim_polygon_cluster cluster, const char *params, size_t length)
{
    struct msim_polygon_channel channel;
    char text[MSIM_POLYGON_EVENT_MAX];
    size_t written;
    size_t at = 0;

    while (msim_polygon_channel(cluster, params, length, &at, &channel)) {
        if (channel.text < params || channel.text + channel.text_length > params + length)
            abort();
        if (channel.feed && channel.symbol_length == 0)
            abort();
        int r = msim_polygon_status(MSIM_POLYGON_SUBSCRIBED, channel.text, channel.text_length,
                                    text, sizeof text, &written);
        if (r < 0 && r != MSIM_ERR_LIMIT)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_detail detail;

    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size_t length = size - 1;
    char *scratch = malloc(size);
    if (!scratch)
        abort();
    if (data[0] % 2 == 0) {
        struct msim_quotes_message message;
        if (msim_quotes_decode(text, length, &message, scratch, &detail) == MSIM_OK &&
            strlen(message.symbol) + strlen(message.status) + strlen(message.request_id) > length)
            abort();
    } else {
        struct msim_polygon_request request;
        if (msim_polygon_decode(text, length, &request, scratch, &detail) == MSIM_OK)
            channels(data[0] % 4 == 1 ? MSIM_POLYGON_STOCKS : MSIM_POLYGON_CRYPTO, request.params,
                     request.params_length);
    }
    free(scratch);
    return 0;
}
