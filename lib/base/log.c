#include "base/log.h"

#include <stdarg.h>

#include "base/detail.h"

struct msim_logger msim_log_logger(const struct msim_logger *chosen)
{
    if (chosen && chosen->write)
        return *chosen;
    return (struct msim_logger){0};
}

void msim_log(const struct msim_logger *logger, enum msim_log_level level, const char *room,
              const char *format, ...)
{
    if (!logger->write || level > logger->level)
        return;

    char text[MSIM_DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    /* A peer's bytes may stand in the line: they must not forge another one. */
    msim_detail_print(text, sizeof text, format, arguments);
    va_end(arguments);
    logger->write(logger->context, level, room, text);
}
