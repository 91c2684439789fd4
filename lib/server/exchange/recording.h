/*
 * A session's recording: whoever comes, what they say, when they go, and the turns between, each
 * with its simulated time.  Replayed, the exchange says the same bytes to each of them.
 *
 * The file is a magic text and frames: length and checksum of what follows (4 bytes each, little
 * endian), then kind (1), time (8), a number (8), a value (8), and up to MSIM_FRAME_TEXTS texts,
 * each with its length (4) before it and a zero byte behind it.
 */
#ifndef MSIM_SERVER_EXCHANGE_RECORDING_H
#define MSIM_SERVER_EXCHANGE_RECORDING_H

#include "server/exchange/exchange.h"

#define MSIM_RECORDING_MAGIC "msim session 1\n\n"
#define MSIM_RECORDING_MAGIC_LENGTH 16
#define MSIM_FRAME_MAX ((size_t)24 << 20) /* a configuration is at most 16 MiB */
#define MSIM_FRAME_TEXTS 6

enum msim_frame_kind {
    FRAME_START = 1,  /* value: max_clients; the library's version, the scenario */
    FRAME_SETTING,    /* path and value */
    FRAME_OPENED_FOR, /* the market opens: all settings were told */
    FRAME_VISIT,      /* number: its flags, value: how it was answered; session, label */
    FRAME_OPEN,       /* number: of the visit */
    FRAME_MESSAGE,    /* the same; value: its kind; the bytes */
    FRAME_CUT,        /* the same; value: so many messages were handed over before that failed */
    FRAME_CLOSE,      /* the same; value: the tally of what it was told */
    FRAME_CALL,       /* value: its path's place; session, label, path, query, content type, body */
    FRAME_CALL_END,   /* number: of the call; value: the tally */
    FRAME_ADMIN,      /* method, path, query, body */
    FRAME_TURN,       /* what was due by then happened */
    FRAME_STOP,       /* the server was told to stop */
    FRAME_END,        /* value: the engine's digest */
    FRAME_KINDS,
};

struct msim_frame {
    int kind;
    msim_time time;
    uint64_t number;
    uint64_t value;
    struct msim_native_text texts[MSIM_FRAME_TEXTS];
    size_t text_count;
};

/* ---- writing: nothing where the server is not recorded ---- */

int msim_exchange_record_start(struct msim_exchange_server *server,
                               const struct msim_exchange_server_params *params);
void msim_exchange_record(struct msim_exchange_server *server, int kind, uint64_t number,
                          uint64_t value, const struct msim_native_text *texts, size_t count);

static inline struct msim_native_text msim_frame_text(const char *text)
{
    size_t length = 0;

    while (text && text[length])
        length++;
    return (struct msim_native_text){text, length};
}

/* One more message on a tally. */
void msim_exchange_tally(struct msim_exchange_tally *tally, const void *bytes, size_t length);

/* ---- reading ---- */

/*
 * The frame at `*at`, which moves behind it: 1, 0 at the end, MSIM_ERR_FORMAT with words.  Texts
 * are borrowed from the bytes and have a terminator.
 */
int msim_exchange_frame_read(const unsigned char *bytes, size_t length, size_t *at,
                             struct msim_frame *out, struct msim_detail *detail);

#endif
