#include "net/wheel.h"

#include <assert.h>
#include <string.h>

static size_t slot_of(int64_t tick)
{
    return (size_t)((uint64_t)tick % MSIM_WHEEL_SLOTS);
}

void msim_wheel_init(struct msim_wheel *wheel, msim_time now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->tick = now / MSIM_WHEEL_TICK_NS;
}

void msim_wheel_cancel(struct msim_wheel *wheel, struct msim_timer *timer)
{
    if (!timer->link)
        return;
    if (wheel->cursor == &timer->next)
        wheel->cursor = timer->link;
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->link = NULL;
    wheel->count--;

    size_t slot = slot_of(timer->tick);
    if (!wheel->slots[slot])
        wheel->occupied[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

void msim_wheel_set(struct msim_wheel *wheel, struct msim_timer *timer, msim_time due)
{
    msim_wheel_cancel(wheel, timer);

    /* Never into the slot that is being emptied: a timer that is set for the past each time it
     * expires would keep the wheel from going on. */
    int64_t tick = due / MSIM_WHEEL_TICK_NS;
    timer->tick = tick > wheel->tick ? tick : wheel->tick + 1;

    size_t slot = slot_of(timer->tick);
    timer->next = wheel->slots[slot];
    if (timer->next)
        timer->next->link = &timer->next;
    timer->link = &wheel->slots[slot];
    wheel->slots[slot] = timer;
    wheel->occupied[slot / 64] |= UINT64_C(1) << slot % 64;
    wheel->count++;
}

struct msim_timer *msim_wheel_pop(struct msim_wheel *wheel, msim_time now)
{
    int64_t end = now / MSIM_WHEEL_TICK_NS;

    while (wheel->tick < end) {
        if (!wheel->cursor) {
            if (wheel->count == 0) {
                wheel->tick = end;
                break;
            }
            /* Once round is enough, however long nobody came by. */
            if (end - wheel->tick > MSIM_WHEEL_SLOTS)
                wheel->tick = end - MSIM_WHEEL_SLOTS;
            wheel->cursor = &wheel->slots[slot_of(wheel->tick)];
        }
        for (struct msim_timer *timer; (timer = *wheel->cursor); wheel->cursor = &timer->next) {
            if (timer->tick <= wheel->tick) {
                msim_wheel_cancel(wheel, timer);
                return timer;
            }
        }
        wheel->cursor = NULL;
        wheel->tick++;
    }
    return NULL;
}

msim_time msim_wheel_next(const struct msim_wheel *wheel)
{
    if (wheel->count == 0)
        return MSIM_TIME_NEVER;

    size_t first = slot_of(wheel->tick);
    size_t words = MSIM_WHEEL_SLOTS / 64;
    for (size_t i = 0; i <= words; i++) {
        size_t at = (first / 64 + i) % words;
        uint64_t word = wheel->occupied[at];
        if (i == 0)
            word &= ~UINT64_C(0) << first % 64;
        if (word == 0)
            continue;
        size_t slot = at * 64 + (size_t)__builtin_ctzll(word);
        size_t ahead = (slot + MSIM_WHEEL_SLOTS - first) % MSIM_WHEEL_SLOTS;
        return (wheel->tick + (int64_t)ahead + 1) * MSIM_WHEEL_TICK_NS;
    }
    assert(wheel->count == 0); /* each timer that is set has its bit */
    return MSIM_TIME_NEVER;
}
