/*
 * What kind of server speaks, by the first thing it says: who asks the wrong one in its own
 * language is told so, where it would wait for ever.
 */
#ifndef TOOLS_CLIENT_KINDS_H
#define TOOLS_CLIENT_KINDS_H

#include <stddef.h>

enum server_kind {
    SERVER_UNKNOWN, /* nothing that is known here; a fault may have spoiled it */
    SERVER_EXCHANGE,
    SERVER_QUOTES,
    SERVER_REPLAY,
    SERVER_POLYGON,
    SERVER_SOCKETIO,
};

enum server_kind server_kind_of(const char *text, size_t length);

/* By the words with which it closed the connection of a client that named an account. */
enum server_kind server_kind_of_closing(const char *reason);

/* "looks like ...: try ...", behind its name; not of SERVER_UNKNOWN. */
const char *server_kind_words(enum server_kind kind);

#endif
