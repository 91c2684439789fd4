#include "base/units.h"

#include <string.h>

#include "base/decimal.h"
#include "base/number.h"

struct unit {
    const char *name;
    int64_t ns;
};

static const struct unit units[] = {
    {"ns", 1},
    {"us", MSIM_NS_PER_US},
    {"ms", MSIM_NS_PER_MS},
    {"s", MSIM_NS_PER_S},
    {"m", 60 * MSIM_NS_PER_S},
    {"h", 3600 * MSIM_NS_PER_S},
    {"d", 86400 * MSIM_NS_PER_S},
};

static size_t number_length(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && ((text[i] >= '0' && text[i] <= '9') || text[i] == '.'))
        i++;
    return i;
}

static bool is_name(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

int msim_duration_parse(const char *text, size_t length, msim_time *duration)
{
    size_t digits = number_length(text, length);
    const struct unit *unit = NULL;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (is_name(units[i].name, text + digits, length - digits))
            unit = &units[i];

    int64_t mantissa;
    int exponent;
    if (!unit)
        return MSIM_ERR_INVALID;
    int r = msim_decimal_parse_any(text, digits, &mantissa, &exponent);
    if (r < 0)
        return r;
    msim_int128 scaled = (msim_int128)mantissa * unit->ns;
    int64_t divisor = msim_pow10[-exponent];
    if (scaled % divisor != 0 || scaled / divisor > INT64_MAX)
        return MSIM_ERR_OVERFLOW;
    *duration = (msim_time)(scaled / divisor);
    return MSIM_OK;
}

int msim_size_parse(const char *text, size_t length, uint64_t *bytes)
{
    static const char *const names[] = {"", "K", "M", "G", "KiB", "MiB", "GiB"};
    static const unsigned shifts[] = {0, 10, 20, 30, 10, 20, 30};
    size_t digits = number_length(text, length);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!is_name(names[i], text + digits, length - digits))
            continue;
        int64_t count;
        int r = msim_decimal_parse(text, digits, 0, &count);
        if (r < 0)
            return r;
        if ((uint64_t)count > UINT64_MAX >> shifts[i])
            return MSIM_ERR_OVERFLOW;
        *bytes = (uint64_t)count << shifts[i];
        return MSIM_OK;
    }
    return MSIM_ERR_INVALID;
}
