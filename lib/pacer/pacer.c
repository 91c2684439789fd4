#include <marketsim/pacer.h>

#include <string.h>

#include "base/decimal.h"
#include "base/number.h"

/* Above it a product of a length of time and a speed could leave 128 bits' half. */
#define SPEED_PART_MAX INT64_C(1000000000000000000)

static bool is_max(struct msim_speed speed)
{
    return speed.num > 0 && speed.den == 0;
}

static bool is_usable(struct msim_speed speed)
{
    return is_max(speed) || (speed.num > 0 && speed.den > 0 && speed.num <= SPEED_PART_MAX &&
                             speed.den <= SPEED_PART_MAX);
}

int msim_speed_parse(const char *text, struct msim_speed *speed)
{
    int64_t mantissa;
    int exponent;

    if (!text || !speed)
        return MSIM_ERR_INVALID;
    if (strcmp(text, "max") == 0) {
        *speed = (struct msim_speed){1, 0};
        return MSIM_OK;
    }
    if (msim_decimal_parse_any(text, strlen(text), &mantissa, &exponent) < 0)
        return MSIM_ERR_INVALID;
    if (mantissa <= 0 || exponent < -9 || mantissa / msim_pow10[-exponent] >= INT64_C(1000000000))
        return MSIM_ERR_INVALID;
    *speed = (struct msim_speed){mantissa, msim_pow10[-exponent]};
    return MSIM_OK;
}

int msim_pacer_init(struct msim_pacer *pacer, const struct msim_pacer_params *params)
{
    if (!pacer || !params || params->size != sizeof *params || params->max_gap < 0)
        return MSIM_ERR_INVALID;
    struct msim_speed speed = params->speed;
    if (speed.num == 0 && speed.den == 0)
        speed = (struct msim_speed){1, 1};
    if (!is_usable(speed))
        return MSIM_ERR_INVALID;
    *pacer = (struct msim_pacer){.speed = speed, .max_gap = params->max_gap};
    return MSIM_OK;
}

void msim_pacer_start(struct msim_pacer *pacer, msim_time wall, msim_time market)
{
    pacer->wall = wall;
    pacer->market = pacer->last = market;
}

static msim_time clamp(msim_int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < INT64_MIN ? INT64_MIN : (msim_time)value;
}

/* Rounded down, so that a moment's schedule does not depend on the side it is seen from. */
static msim_int128 divide_down(msim_int128 a, int64_t b)
{
    msim_int128 quotient = a / b;

    return a % b < 0 ? quotient - 1 : quotient;
}

msim_time msim_pacer_due(struct msim_pacer *pacer, msim_time market)
{
    if (market > pacer->last) {
        /* What is cut off moves the line: everything later is due that much sooner. */
        msim_int128 gap = (msim_int128)market - pacer->last;
        if (pacer->max_gap > 0 && gap > pacer->max_gap)
            pacer->market = clamp(pacer->market + (gap - pacer->max_gap));
        pacer->last = market;
    }
    if (pacer->paused)
        return MSIM_TIME_NEVER;
    if (is_max(pacer->speed))
        return INT64_MIN;
    msim_int128 distance = (msim_int128)market - pacer->market;
    return clamp(pacer->wall + divide_down(distance * pacer->speed.den, pacer->speed.num));
}

msim_time msim_pacer_now(const struct msim_pacer *pacer, msim_time wall)
{
    if (pacer->paused)
        return pacer->market;
    if (is_max(pacer->speed))
        return MSIM_TIME_NEVER;
    msim_int128 distance = (msim_int128)wall - pacer->wall;
    if (pacer->speed.num != pacer->speed.den)
        distance = divide_down(distance * pacer->speed.num, pacer->speed.den);
    return clamp(pacer->market + distance);
}

/* Moves the line's fixed point to this moment, so that what changes holds from here on. */
static void settle(struct msim_pacer *pacer, msim_time wall)
{
    if (!pacer->paused)
        pacer->market = is_max(pacer->speed) ? pacer->last : msim_pacer_now(pacer, wall);
    pacer->wall = wall;
}

int msim_pacer_set_speed(struct msim_pacer *pacer, msim_time wall, struct msim_speed speed)
{
    if (!is_usable(speed))
        return MSIM_ERR_INVALID;
    settle(pacer, wall);
    pacer->speed = speed;
    return MSIM_OK;
}

void msim_pacer_pause(struct msim_pacer *pacer, msim_time wall)
{
    settle(pacer, wall);
    pacer->paused = true;
}

void msim_pacer_resume(struct msim_pacer *pacer, msim_time wall)
{
    settle(pacer, wall);
    pacer->paused = false;
}
