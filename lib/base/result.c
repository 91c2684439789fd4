/*
 * Names and words of the results, and the version: what base.h and version.h
 * promise of the library as a whole.
 */
#include <marketsim/base.h>

struct words {
    int result;
    const char *name;
    const char *text;
};

static const struct words table[] = {
    {MSIM_OK, "MSIM_OK", "success"},
    {MSIM_ERR_INVALID, "MSIM_ERR_INVALID", "not acceptable"},
    {MSIM_ERR_NOMEM, "MSIM_ERR_NOMEM", "out of memory"},
    {MSIM_ERR_LIMIT, "MSIM_ERR_LIMIT", "a limit was reached"},
    {MSIM_ERR_IO, "MSIM_ERR_IO", "input or output failed"},
    {MSIM_ERR_FORMAT, "MSIM_ERR_FORMAT", "damaged or malformed data"},
    {MSIM_ERR_UNSUPPORTED, "MSIM_ERR_UNSUPPORTED", "not supported by this build"},
    {MSIM_ERR_NOT_FOUND, "MSIM_ERR_NOT_FOUND", "not found"},
    {MSIM_ERR_EXISTS, "MSIM_ERR_EXISTS", "exists already"},
    {MSIM_ERR_OVERFLOW, "MSIM_ERR_OVERFLOW", "a number does not fit"},
    {MSIM_ERR_STATE, "MSIM_ERR_STATE", "not possible in this state"},
    {MSIM_ERR_CLOSED, "MSIM_ERR_CLOSED", "the other side has closed"},
    {MSIM_ERR_TIMEOUT, "MSIM_ERR_TIMEOUT", "no answer in time"},
    {MSIM_ERR_FUNDS, "MSIM_ERR_FUNDS", "insufficient balance"},
};

static const struct words *find(int result)
{
    if (result > 0)
        return &table[0];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].result == result)
            return &table[i];
    return NULL;
}

const char *msim_result_name(int result)
{
    const struct words *words = find(result);
    return words ? words->name : "MSIM_ERR_UNKNOWN";
}

const char *msim_result_text(int result)
{
    const struct words *words = find(result);
    return words ? words->text : "unknown result";
}

const char *msim_version(void)
{
    return MSIM_VERSION_TEXT;
}
