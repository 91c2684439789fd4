/*
 * What clients ask of a replay: the query of its URL, a control message, or a bundle that a client
 * reads, chosen by the first byte.  What is refused has words that fit where they are said, and a
 * bundle that is read is made of trades that can be written again.
 */
#include <marketsim/codec.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "server/replay_command.h"
#include "server/replay_query.h"

/* What a close frame holds beside its code. */
#define REASON_MAX 123

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_query(const char *bytes, size_t length)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;
    struct msim_replay_query query;
    struct msim_detail detail = {{0}};
    char *text = malloc(length + 1);

    if (!text)
        abort();
    memcpy(text, bytes, length);
    text[length] = '\0';
    int r = msim_replay_query_read(&query, text, &allocator, &detail);
    if (r < 0 && (detail.text[0] == '\0' || strlen(detail.text) > REASON_MAX ||
                  query.tickers.items || query.extra.items))
        abort();
    if (r < 0 && !msim_utf8_valid(detail.text, strlen(detail.text)))
        abort();
    const struct msim_replay_selection *selection = &query.selection;
    if (r >= 0 && selection->has_from && selection->has_to && selection->from >= selection->to)
        abort();
    if (r >= 0 && msim_replay_query_check_broadcast(&query, &params, &detail) < 0 &&
        strlen(detail.text) > REASON_MAX)
        abort();
    msim_replay_query_finish(&query, &allocator);
    free(text);
}

static void read_command(const char *bytes, size_t length)
{
    struct msim_replay_command command;
    struct msim_detail detail = {{0}};
    char answer[MSIM_REPLAY_ANSWER_MAX];

    int r = msim_replay_command_read(&command, bytes, length, MSIM_NS_PER_MS, &detail);
    if (r < 0) {
        if (detail.text[0] == '\0' || msim_replay_answer_error(detail.text, answer) == 0)
            abort();
        return;
    }
    if (msim_replay_answer_ok(command.op, answer) == 0 ||
        (command.op == MSIM_REPLAY_STEP && command.count == 0) ||
        (command.op == MSIM_REPLAY_SPEED && command.speed.num <= 0))
        abort();
}

static int check_trade(void *context, const struct msim_replay_message *message)
{
    const struct msim_record *record = &message->record;
    size_t *count = context;

    ++*count;
    if (record->kind != MSIM_RECORD_TRADE || record->price_exponent > 0 ||
        record->price_exponent < -18)
        abort();
    return MSIM_OK;
}

static void read_bundle(const char *bytes, size_t length)
{
    struct msim_replay_message message;
    struct msim_detail detail = {{0}};
    char *scratch = malloc(length + 1);
    size_t count = 0;

    if (!scratch)
        abort();
    int r = msim_replay_decode(bytes, length, &message, scratch, &detail);
    int bundle = msim_replay_decode_bundle(bytes, length, scratch, check_trade, &count, &detail);
    if (bundle >= 0 && (r < 0 || message.kind != MSIM_REPLAY_BUNDLE))
        abort();
    if (bundle < 0 && detail.text[0] == '\0')
        abort();
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    switch (data[0] % 3) {
    case 0:
        read_query(text, size - 1);
        break;
    case 1:
        read_command(text, size - 1);
        break;
    default:
        read_bundle(text, size - 1);
    }
    return 0;
}
