/*
 * A command comes in.
 */
#include <string.h>

#include "venue/inside.h"

/* A client id that no order has. */
#define NOBODY UINT64_MAX

/* So many outputs are left free for what one command brings about. */
#define OUTPUTS_KEPT 4096

static bool good_text(const char *text, size_t length)
{
    if (length > MSIM_CLIENT_ID_MAX || (length > 0 && !text))
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

/* The number that the engine knows the text by. */
static int name_order(struct msim_venue *venue, struct msim_command *command, const char *text,
                      size_t length)
{
    command->client_id = 0;
    if (length == 0)
        return MSIM_OK;
    if (command->kind == MSIM_COMMAND_NEW)
        return msim_clients_get(venue, command->account, text, length, &command->client_id);
    if (command->order == 0 &&
        (command->kind == MSIM_COMMAND_CANCEL || command->kind == MSIM_COMMAND_REPLACE)) {
        command->client_id = msim_clients_find(venue, command->account, text, length);
        if (command->client_id == 0)
            command->client_id = NOBODY;
    }
    return MSIM_OK;
}

int msim_venue_submit(struct msim_venue *venue, const struct msim_venue_order *order)
{
    if (!venue || !order || order->size != sizeof *order ||
        !good_text(order->client_id, order->client_id_length) ||
        order->command.account >= venue->accounts.count)
        return MSIM_ERR_INVALID;
    struct msim_command command = order->command;

    msim_venue_output_return(venue);
    if (outputs_waiting(&venue->outputs) + OUTPUTS_KEPT > venue->outputs.limit)
        return MSIM_ERR_LIMIT;
    int r = msim_venue_advance(venue, command.time);
    if (r == MSIM_OK)
        r = name_order(venue, &command, order->client_id, order->client_id_length);
    if (r < 0)
        return r;
    const bool is_new = command.kind == MSIM_COMMAND_NEW;
    r = msim_venue_apply(venue, &command, 1, is_new ? order->client_id : NULL,
                         is_new ? order->client_id_length : 0, order->tag);
    return r < 0 ? r : MSIM_VENUE_APPLIED;
}

int msim_venue_deposit(struct msim_venue *venue, msim_time now, uint32_t account, uint32_t asset,
                       int64_t amount)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    order.command.kind = MSIM_COMMAND_DEPOSIT;
    order.command.time = now;
    order.command.account = account;
    order.command.asset = asset;
    order.command.amount = amount;
    return msim_venue_submit(venue, &order);
}

int msim_venue_set_state(struct msim_venue *venue, msim_time now, uint32_t instrument,
                         enum msim_instrument_state state)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    if (!venue || (instrument >= venue->market_count && instrument != MSIM_ALL_INSTRUMENTS))
        return MSIM_ERR_INVALID;
    order.command.kind = MSIM_COMMAND_SET_STATE;
    order.command.time = now;
    order.command.instrument = instrument;
    order.command.state = (uint8_t)state;
    return msim_venue_submit(venue, &order);
}
