#include "server/patience.h"

void msim_patience_init(struct msim_patience *patience, msim_time length)
{
    patience->length = length;
    patience->first = NULL;
    patience->end = &patience->first;
}

void msim_wait_begin(struct msim_patience *patience, struct msim_wait *wait, void *owner,
                     msim_time now)
{
    msim_wait_stop(wait);
    if (__builtin_add_overflow(now, patience->length, &wait->due))
        wait->due = MSIM_TIME_NEVER;
    wait->owner = owner;
    wait->patience = patience;
    wait->next = NULL;
    wait->link = patience->end;
    *patience->end = wait;
    patience->end = &wait->next;
}

void msim_wait_stop(struct msim_wait *wait)
{
    if (!wait->link)
        return;
    *wait->link = wait->next;
    if (wait->next)
        wait->next->link = wait->link;
    else
        wait->patience->end = wait->link;
    wait->next = NULL;
    wait->link = NULL;
}

void *msim_patience_pop(struct msim_patience *patience, msim_time now)
{
    struct msim_wait *wait = patience->first;

    if (!wait || wait->due > now)
        return NULL;
    msim_wait_stop(wait);
    return wait->owner;
}

msim_time msim_patience_next(const struct msim_patience *patience)
{
    return patience->first ? patience->first->due : MSIM_TIME_NEVER;
}
