/*
 * A session with an exchange: commands from stdin, a view, or a script.
 *
 * The account keeps its name when the connection breaks: the next one resumes behind the last
 * message that was seen.
 */
#ifndef TOOLS_CLIENT_EXCHANGE_H
#define TOOLS_CLIENT_EXCHANGE_H

#include "client/link.h"
#include "client/views.h"

#define EXCHANGE_URL 2048

struct exchange_settings {
    const struct link *link;
    const char *session; /* the account's name; NULL: one is made up */
    const char *symbol;  /* of a view; NULL: all of them */
    const char *script;  /* NULL: commands */
    enum view_kind view;
    bool json;
    bool quiet;
    bool comes_again;     /* where an open connection breaks */
    bool comes_from_afar; /* also where there has been none yet */
};

/* Returns the exit code. */
int exchange_run(const struct exchange_settings *settings, struct terminal *terminal,
                 const struct msim_logger *logger);

/* The URL with the account's name in it; false where it is too long. */
bool exchange_url(const char *url, const char *session, char out[static EXCHANGE_URL]);

#endif
