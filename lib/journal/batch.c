/*
 * Commands to the bytes of a batch, and back.
 */
#include "journal/batch.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"

_Static_assert(sizeof(struct msim_command) == BATCH_COMMAND, "a command's bytes");

struct msim_batch_writer {
    struct msim_allocator allocator;
    uint64_t writer;
    uint64_t epoch;
    uint64_t n;        /* of the batch that is being made */
    uint32_t previous; /* the CRC of the one before */
    uint32_t count;
    size_t texts; /* bytes of them */
    struct msim_crc32c crc;
    unsigned char bytes[MSIM_BATCH_MAX];
    unsigned char text[MSIM_BATCH_MAX]; /* texts wait here for the last command */
};

int msim_batch_writer_create(struct msim_batch_writer **out, uint64_t writer, uint64_t epoch,
                             const struct msim_allocator *allocator)
{
    const struct msim_allocator chosen = msim_mem_allocator(allocator);

    if (!out)
        return MSIM_ERR_INVALID;
    struct msim_batch_writer *made = msim_mem_zero(&chosen, sizeof *made);
    if (!made)
        return MSIM_ERR_NOMEM;
    made->allocator = chosen;
    made->writer = writer;
    made->epoch = epoch;
    made->n = 1;
    msim_crc32c_init(&made->crc);
    *out = made;
    return MSIM_OK;
}

void msim_batch_writer_destroy(struct msim_batch_writer **writer)
{
    if (!writer || !*writer)
        return;
    const struct msim_allocator allocator = (*writer)->allocator;
    msim_mem_free(&allocator, *writer, sizeof **writer);
    *writer = NULL;
}

static void store_command(unsigned char *to, const struct msim_command *command)
{
    store_u64(to, command->sequence);
    store_u64(to + 8, (uint64_t)command->time);
    to[16] = command->kind;
    to[17] = command->side;
    to[18] = command->type;
    to[19] = command->time_in_force;
    to[20] = command->self_trade;
    to[21] = command->flags;
    to[22] = command->state;
    to[23] = command->reserved0;
    store_u32(to + 24, command->instrument);
    store_u32(to + 28, command->account);
    store_u64(to + 32, (uint64_t)command->price);
    store_u64(to + 40, (uint64_t)command->quantity);
    store_u64(to + 48, command->order);
    store_u64(to + 56, command->handle);
    store_u64(to + 64, command->client_id);
    store_u64(to + 72, (uint64_t)command->stop_price);
    store_u64(to + 80, (uint64_t)command->display_quantity);
    store_u64(to + 88, (uint64_t)command->amount);
    store_u64(to + 96, (uint64_t)command->expires_at);
    store_u64(to + 104, command->trade);
    store_u32(to + 112, command->owner);
    store_u32(to + 116, command->asset);
    store_u64(to + 120, command->reserved1);
}

static void load_command(struct msim_command *command, const unsigned char *from)
{
    *command = (struct msim_command){
        .sequence = load_u64(from),
        .time = (msim_time)load_u64(from + 8),
        .kind = from[16],
        .side = from[17],
        .type = from[18],
        .time_in_force = from[19],
        .self_trade = from[20],
        .flags = from[21],
        .state = from[22],
        .reserved0 = from[23],
        .instrument = load_u32(from + 24),
        .account = load_u32(from + 28),
        .price = (msim_price)load_u64(from + 32),
        .quantity = (msim_qty)load_u64(from + 40),
        .order = load_u64(from + 48),
        .handle = load_u64(from + 56),
        .client_id = load_u64(from + 64),
        .stop_price = (msim_price)load_u64(from + 72),
        .display_quantity = (msim_qty)load_u64(from + 80),
        .amount = (int64_t)load_u64(from + 88),
        .expires_at = (msim_time)load_u64(from + 96),
        .trade = load_u64(from + 104),
        .owner = load_u32(from + 112),
        .asset = load_u32(from + 116),
        .reserved1 = load_u64(from + 120),
    };
}

int msim_batch_add(struct msim_batch_writer *writer, const struct msim_command *command,
                   const char *text, size_t length)
{
    if (!writer || !command || length > MSIM_CLIENT_ID_MAX || (length > 0 && !text))
        return MSIM_ERR_INVALID;
    const size_t commands = BATCH_HEADER + (size_t)writer->count * BATCH_COMMAND;
    const size_t texts = writer->texts + (length > 0 ? BATCH_TEXT + length : 0);
    if (commands + BATCH_COMMAND + texts > MSIM_BATCH_MAX)
        return MSIM_ERR_LIMIT;

    store_command(writer->bytes + commands, command);
    if (length > 0) {
        unsigned char *to = writer->text + writer->texts;
        store_u32(to, writer->count);
        to[4] = (unsigned char)length;
        memcpy(to + BATCH_TEXT, text, length);
    }
    writer->texts = texts;
    writer->count++;
    return MSIM_OK;
}

size_t msim_batch_count(const struct msim_batch_writer *writer)
{
    return writer ? writer->count : 0;
}

int msim_batch_end(struct msim_batch_writer *writer, struct msim_batch_id *id,
                   struct msim_journal_piece *bytes)
{
    if (!writer || !id || !bytes || writer->count == 0)
        return MSIM_ERR_INVALID;
    const size_t commands = BATCH_HEADER + (size_t)writer->count * BATCH_COMMAND;
    const size_t length = commands + writer->texts;
    unsigned char *out = writer->bytes;

    if (writer->texts > 0)
        memcpy(out + commands, writer->text, writer->texts);
    store_u32(out, BATCH_MAGIC);
    store_u32(out + 8, (uint32_t)length);
    store_u32(out + 12, writer->count);
    store_u64(out + 16, writer->writer);
    store_u64(out + 24, writer->epoch);
    store_u64(out + 32, writer->n);
    store_u32(out + 40, writer->previous);
    store_u32(out + 44, (uint32_t)writer->texts);
    store_u32(out + 4, msim_crc32c_of(&writer->crc, out + 8, length - 8));
    *id = (struct msim_batch_id){writer->writer, writer->epoch, writer->n};
    *bytes = (struct msim_journal_piece){out, length};
    return MSIM_OK;
}

void msim_batch_taken(struct msim_batch_writer *writer)
{
    writer->previous = load_u32(writer->bytes + 4);
    writer->n++;
    msim_batch_drop(writer);
}

void msim_batch_drop(struct msim_batch_writer *writer)
{
    writer->count = 0;
    writer->texts = 0;
}

/* ---- back ---- */

/* Texts stand in the order of their commands, none twice, none empty or too long. */
static bool texts_are_good(const unsigned char *texts, size_t length, uint32_t count)
{
    uint64_t least = 0;

    while (length > 0) {
        if (length < BATCH_TEXT)
            return false;
        const uint32_t place = load_u32(texts);
        const size_t size = texts[4];
        if (place < least || place >= count || size == 0 || size > MSIM_CLIENT_ID_MAX ||
            length < BATCH_TEXT + size)
            return false;
        least = (uint64_t)place + 1;
        texts += BATCH_TEXT + size;
        length -= BATCH_TEXT + size;
    }
    return true;
}

int msim_batch_open(struct msim_batch *batch, const struct msim_crc32c *crc, const void *data,
                    size_t length, struct msim_detail *detail)
{
    const unsigned char *bytes = data;

    if (length < BATCH_HEADER || length > MSIM_BATCH_MAX || load_u32(bytes) != BATCH_MAGIC ||
        load_u32(bytes + 8) != length)
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "%zu bytes are no batch of commands",
                               length);
    const uint32_t found =
        crc ? msim_crc32c_of(crc, bytes + 8, length - 8) : msim_crc32c_plain(bytes + 8, length - 8);
    if (found != load_u32(bytes + 4))
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "a batch is damaged: its checksum is %08x, its bytes say %08x",
                               (unsigned)load_u32(bytes + 4), (unsigned)found);
    const uint32_t count = load_u32(bytes + 12);
    const size_t texts = load_u32(bytes + 44);
    const size_t commands = BATCH_HEADER + (size_t)count * BATCH_COMMAND;
    if (count == 0 || commands + texts != length || load_u64(bytes + 32) == 0 ||
        !texts_are_good(bytes + commands, texts, count))
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "a batch of %u commands does not hold what it says",
                               (unsigned)count);
    *batch = (struct msim_batch){
        .id = {load_u64(bytes + 16), load_u64(bytes + 24), load_u64(bytes + 32)},
        .crc = found,
        .previous = load_u32(bytes + 40),
        .count = count,
        .commands = bytes + BATCH_HEADER,
        .texts = bytes + commands,
        .texts_length = texts,
    };
    return MSIM_OK;
}

int msim_batch_read(struct msim_batch *batch, const void *bytes, size_t length,
                    struct msim_detail *detail)
{
    if (!batch || !bytes)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no batch to read");
    return msim_batch_open(batch, NULL, bytes, length, detail);
}

bool msim_batch_next(struct msim_batch *batch, struct msim_command *command, const char **text,
                     size_t *length)
{
    if (batch->next == batch->count)
        return false;
    load_command(command, batch->commands + (size_t)batch->next * BATCH_COMMAND);
    *text = NULL;
    *length = 0;
    if (batch->texts_length > 0 && load_u32(batch->texts) == batch->next) {
        const size_t size = batch->texts[4];
        *text = (const char *)batch->texts + BATCH_TEXT;
        *length = size;
        batch->texts += BATCH_TEXT + size;
        batch->texts_length -= BATCH_TEXT + size;
    }
    batch->next++;
    return true;
}
