/*
 * The exchange's dialect alone: orders read, acks and fills written, in a second of processor time.
 *
 *   exchange-codec [millions]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <marketsim/codec.h>

static double processor_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct msim_native_codec *make_codec(void)
{
    struct msim_native_codec_params params = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_native_instrument instrument = {"BTC/USD", 0, 1, -2, -6};
    struct msim_native_codec *codec = NULL;

    if (msim_native_codec_create(&codec, &params) < 0 ||
        msim_native_codec_asset(codec, "BTC", -8) < 0 ||
        msim_native_codec_asset(codec, "USD", -8) < 0 ||
        msim_native_codec_instrument(codec, &instrument) < 0)
        exit(1);
    return codec;
}

static void tell(const char *what, size_t count, double start, size_t bytes)
{
    double took = processor_time() - start;

    printf("%-20s %6.2f million/s, %5.0f ns, %zu bytes\n", what, (double)count / took / 1e6,
           took / (double)count * 1e9, bytes);
}

int main(int argument_count, char **arguments)
{
    static const char text[] =
        "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"order_type\":"
        "\"LIMIT\",\"price\":\"50000.01\",\"quantity\":\"0.001\",\"client_order_id\":\"bot-"
        "12345\"}";
    size_t count = (argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 3) * 1000000;
    struct msim_native_codec *codec = make_codec();
    struct msim_native_request request;
    struct msim_native_refusal refusal;
    struct msim_native_stamp stamp = {.sequence = 1};
    struct msim_native_story story = {.client_id = {"bot-12345", 9}};
    struct msim_event event = {.kind = MSIM_EVENT_ACCEPTED,
                               .side = MSIM_SIDE_BUY,
                               .type = MSIM_ORDER_LIMIT,
                               .status = MSIM_STATUS_OPEN};
    char out[MSIM_NATIVE_MESSAGE_MAX];
    size_t length = 0;

    double start = processor_time();
    for (size_t i = 0; i < count; i++)
        if (msim_native_decode(codec, text, sizeof text - 1, &request, &refusal) !=
            MSIM_NATIVE_READ)
            return 1;
    tell("PLACE_ORDER read", count, start, sizeof text - 1);

    event.as.order.price = 5000001;
    event.as.order.quantity = event.as.order.leaves = 1000;
    start = processor_time();
    for (size_t i = 0; i < count; i++) {
        event.order = i;
        stamp.time = (msim_time)i * 2000;
        length = msim_native_encode_event(codec, &stamp, &event, &story, out);
    }
    tell("ORDER_ACK written", count, start, length);

    event.kind = MSIM_EVENT_FILL;
    event.as.fill = (struct msim_event_fill){
        .price = 5000001, .quantity = 1000, .filled = 1000, .fee = 5000, .fee_asset = 1};
    start = processor_time();
    for (size_t i = 0; i < count; i++) {
        event.order = event.as.fill.trade = i;
        stamp.time = (msim_time)i * 2000;
        length = msim_native_encode_event(codec, &stamp, &event, &story, out);
    }
    tell("ORDER_FILL written", count, start, length);
    msim_native_codec_destroy(&codec);
    return 0;
}
