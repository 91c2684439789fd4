/*
 * What a topic may do to one of its subscribers, and what it asks about it.
 */
#ifndef MSIM_NET_SUBSCRIPTION_H
#define MSIM_NET_SUBSCRIPTION_H

#include "net/hub.h"

/* Bytes of the run that lie before its position. */
static inline size_t msim_subscription_behind(const struct msim_subscription *subscription)
{
    if (subscription->is_conflated)
        return 0;
    return msim_position_behind(&subscription->position, &subscription->topic->run);
}

/* With no more than this before it, a subscriber holds nobody up. */
size_t msim_subscription_low_mark(const struct msim_subscription *subscription);

/* Lets go of the frame at its position. */
void msim_subscription_drop(struct msim_subscription *subscription);

/* It leaves the run for the latest of each key. */
void msim_subscription_conflate(struct msim_subscription *subscription);

/* Its connection is closed for being slow; the subscription is gone. */
void msim_subscription_disconnect(struct msim_subscription *subscription);

/* Frees one that its connection knows no more. */
void msim_subscription_take_out(struct msim_subscription *subscription);

#endif
