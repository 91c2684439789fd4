/*
 * A command comes in.
 */
#include <string.h>

#include "venue/inside.h"

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

/* Whether the command is one that robots send, or that is done to their accounts. */
static bool of_account(uint8_t kind)
{
    return kind >= MSIM_COMMAND_NEW && kind <= MSIM_COMMAND_WITHDRAW;
}

static bool good_order(const struct msim_venue *venue, const struct msim_venue_order *order)
{
    const struct msim_command *command = &order->command;

    return order->size == sizeof *order && good_text(order->client_id, order->client_id_length) &&
           command->account < venue->accounts.count && command->owner < HOUSE_OWNER &&
           (!of_account(command->kind) || command->account >= MSIM_VENUE_FIRST_ACCOUNT);
}

int msim_venue_submit(struct msim_venue *venue, const struct msim_venue_order *order)
{
    if (!venue || !order || !good_order(venue, order))
        return MSIM_ERR_INVALID;

    msim_venue_output_return(venue);
    if (outputs_waiting(&venue->outputs) + OUTPUTS_KEPT > venue->outputs.limit)
        return MSIM_ERR_LIMIT;
    int r = msim_venue_advance(venue, order->command.time);
    if (r < 0)
        return r;
    if (venue->faults)
        return msim_taps_submit(venue, &order->command, order->client_id, order->client_id_length,
                                order->tag);
    r = msim_venue_execute(venue, &order->command, order->client_id, order->client_id_length,
                           order->tag, false);
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
