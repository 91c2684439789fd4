/*
 * A packet of Socket.IO as text: <type>[<attachments>-][<namespace>,][<ack>][<JSON>]
 */
#ifndef MSIM_SERVER_SOCKETIO_PACKET_H
#define MSIM_SERVER_SOCKETIO_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum msim_socketio_type {
    MSIM_SIO_CONNECT = 0,
    MSIM_SIO_DISCONNECT = 1,
    MSIM_SIO_EVENT = 2,
    MSIM_SIO_ACK = 3,
    MSIM_SIO_CONNECT_ERROR = 4,
    MSIM_SIO_BINARY_EVENT = 5,
    MSIM_SIO_BINARY_ACK = 6,
};

/* JavaScript's numbers end below it; what is longer is no id of anybody's. */
#define MSIM_SIO_ACK_DIGITS 19

struct msim_socketio_limits {
    size_t max_attachments;
    size_t max_depth;
};

/* Texts are borrowed from the packet and not terminated. */
struct msim_socketio_packet {
    enum msim_socketio_type type;
    size_t attachments;
    const char *name_space; /* "/" where none is named */
    size_t name_space_length;
    char ack[MSIM_SIO_ACK_DIGITS + 1]; /* "": none */
    const char *json;                  /* all of it; "" where there is none */
    size_t json_length;
    /* Of an event: its name as it stands there, with its quotes, and what follows it. */
    size_t name_start;
    size_t name_end;
    const char *arguments;
    size_t arguments_length;
};

/* False for whatever breaks the protocol, down to the JSON's shape and its placeholders. */
bool msim_socketio_packet_read(struct msim_socketio_packet *out, const char *text, size_t length,
                               const struct msim_socketio_limits *limits);

/* The same the other way round: what stands before the JSON.  MSIM_ERR_NOMEM. */
int msim_socketio_packet_head(struct msim_bytes *out, enum msim_socketio_type type,
                              size_t attachments, const char *name_space, const char *ack);

#endif
