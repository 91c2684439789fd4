#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

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
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    /* A peer's bytes may stand in the line: they must not forge another one. */
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    logger->write(logger->context, level, room, text);
}
