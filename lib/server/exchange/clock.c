/*
 * The failure layer's clock: how wrong the time is that an account is told.
 *
 * What is encoded bears the true time, which histories keep; the moments in it are shifted on
 * their way to somebody whose clock is wrong, before the wire tap.
 */
#include "server/exchange/exchange.h"

#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

#define MOMENT 27 /* "2024-01-31T12:00:00.000000Z" */
#define BETWEEN 3 /* what stands between a key and its text: ":" with quotes */

/* Moments at which the exchange says something happened; others are data. */
static const char *const keys[] = {"\"timestamp", "\"created_at", "\"updated_at"};

msim_time msim_exchange_clock_error(struct msim_exchange_server *server, uint32_t account)
{
    if (!msim_faults_has_clock(server->faults))
        return 0;
    return msim_faults_clock(server->faults, server->now,
                             msim_venue_account_name(server->venue, account));
}

/* Whether a moment's text begins at `at`, behind one of the keys. */
static bool is_moment(const char *text, size_t length, size_t at)
{
    if (length - at <= MOMENT || text[at + MOMENT] != '"' || text[at + MOMENT - 1] != 'Z' ||
        at < BETWEEN || memcmp(text + at - BETWEEN, "\":\"", BETWEEN) != 0)
        return false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t key = strlen(keys[i]);
        if (at - BETWEEN >= key && memcmp(text + at - BETWEEN - key, keys[i], key) == 0)
            return true;
    }
    return false;
}

static void shift(char *at, msim_time error)
{
    char text[MSIM_CALENDAR_SIZE];
    msim_time moment;

    if (msim_calendar_parse(at, MOMENT, &moment) < 0 ||
        (error > 0 ? moment > INT64_MAX - error : moment < INT64_MIN - error))
        return;
    moment += error;
    if (msim_calendar_print(moment - moment % MSIM_NS_PER_US, MSIM_CALENDAR_ISO, text) == MOMENT)
        memcpy(at, text, MOMENT);
}

const char *msim_exchange_shifted(struct msim_exchange_server *server, msim_time error,
                                  const char *bytes, size_t length)
{
    if (length > server->shifted_size) {
        char *room =
            msim_mem_resize(&server->allocator, server->shifted, server->shifted_size, length);
        if (!room)
            return NULL;
        server->shifted = room;
        server->shifted_size = length;
    }
    memcpy(server->shifted, bytes, length);
    for (size_t at = BETWEEN; at < length; at++)
        if (is_moment(server->shifted, length, at))
            shift(server->shifted + at, error);
    return server->shifted;
}
