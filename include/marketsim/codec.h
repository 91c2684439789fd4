/*
 * Codecs: records to the bytes of a dialect, and back.  Nothing else is in them:
 * no socket, no subscription, no clock.
 */
#ifndef MARKETSIM_CODEC_H
#define MARKETSIM_CODEC_H

#include <marketsim/base.h>
#include <marketsim/record.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the replay feed: one JSON object for each trade ---- */

/*
 * `{"timestamp": "2022-07-01 00:00:29.338000", "price": 6035000, "volume": 1000000000000,
 *   "ticker": "10000NFT-USDT-SWAP@BYBIT"}` on one line, as Python's json.dumps writes it:
 * text beyond ASCII is escaped.  What a file left empty is null.
 */
struct msim_replay_encoder;

/* `source` gives the symbols' texts and is borrowed as long as the encoder lives. */
MSIM_API int msim_replay_encoder_create(struct msim_replay_encoder **out,
                                        struct msim_source *source,
                                        const struct msim_allocator *allocator);
MSIM_API void msim_replay_encoder_destroy(struct msim_replay_encoder **encoder);

/*
 * Writes a trade's object to `out` without a terminator; its length is in `*length`.
 * MSIM_ERR_LIMIT where `capacity` is too small: `*length` is then what it takes.
 * MSIM_ERR_INVALID for a record that is no trade or bears an unknown symbol.
 */
MSIM_API int msim_replay_encode(struct msim_replay_encoder *encoder,
                                const struct msim_record *record, char *out, size_t capacity,
                                size_t *length);

/* What a message of the replay feed is. */
enum msim_replay_message_kind {
    MSIM_REPLAY_TRADE = 1,
    MSIM_REPLAY_STATUS = 2,
    MSIM_REPLAY_ERROR = 3,
};

struct msim_replay_message {
    enum msim_replay_message_kind kind;
    struct msim_record record; /* of a trade; its symbol is `text` */
    const char *text;          /* ticker, status or error; borrowed from `scratch` */
    size_t text_length;
};

/*
 * Reads one message of the feed.  `scratch` must have room for `length` bytes.
 * MSIM_ERR_FORMAT: not JSON, with the byte in the detail.  MSIM_ERR_INVALID: JSON, but not a
 * message of this feed.  MSIM_ERR_OVERFLOW: a number that int64 and 18 digits do not hold.
 */
MSIM_API int msim_replay_decode(const char *bytes, size_t length, struct msim_replay_message *out,
                                char *scratch, struct msim_detail *detail);

#ifdef __cplusplus
}
#endif

#endif
