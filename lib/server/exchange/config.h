/*
 * The exchange's settings: what a configuration file says, key by key.
 *
 * A configuration is a list of leaves, each a path of keys and a value as JSON text; a later leaf
 * of the same path takes the place of an earlier one, whether it came from a file or from
 * `--set`.  Every path is held against the table of known ones when it comes in, and the values
 * are read when a server is made of them.
 */
#ifndef MSIM_SERVER_EXCHANGE_CONFIG_H
#define MSIM_SERVER_EXCHANGE_CONFIG_H

#include <marketsim/mock.h>
#include <marketsim/server.h>

#include "base/bytes.h"

#define MSIM_EXCHANGE_LEAVES_MAX 65536
#define MSIM_EXCHANGE_PATH_MAX 512
#define MSIM_EXCHANGE_CONFIG_MAX ((size_t)4 << 20)

struct msim_exchange_leaf {
    char *path;  /* keys with KEY_END behind each */
    char *value; /* JSON */
};
#define MSIM_EXCHANGE_KEY_END '\x01'

struct msim_exchange_config {
    struct msim_allocator allocator;
    struct msim_exchange_leaf *leaves;
    size_t count;
    size_t capacity;
};

/* An instrument as configured, with its numbers at exponents of its own. */
struct msim_exchange_listing {
    char symbol[65];
    char base[65];
    char quote[65];
    int price_exponent;
    int quantity_exponent;
    msim_price price; /* the first */
    msim_price tick;
    msim_qty lot;
    char min_notional[32]; /* a decimal text; "" for none */
    uint32_t maker_fee;    /* of MSIM_FEE_SCALE */
    uint32_t taker_fee;
    char ticker[65]; /* in the file whose trades are its market; "" where a model makes one */
};

enum msim_exchange_tape_start {
    TAPE_STARTS_WITH_SERVER,
    TAPE_STARTS_WITH_CLIENT, /* the first: until then the clock stands */
};

/* A file of trades that drive the market (tape.h). */
struct msim_exchange_tape {
    char file[1024]; /* "" for none */
    char ticker[65]; /* of all its trades, in place of a column; "": the column's */
    bool has_names;  /* its symbols' tickers were named; else they are called as there */
    int64_t fills;   /* enum msim_venue_fills */
    int64_t start;   /* enum msim_exchange_tape_start */
    int64_t spread;  /* in ticks */
    int price_decimals;
    int volume_decimals;
    msim_time unit; /* of bare timestamps; 0: refused */
};

struct msim_exchange_holding {
    char asset[65];
    char amount[32]; /* a decimal text */
};

struct msim_exchange_settings {
    char host[256];
    uint16_t port;
    msim_time heartbeat;
    msim_time recv_window;
    bool cancel_on_disconnect;
    bool scripted; /* outcomes by client order id */
    uint64_t seed;
    msim_time tick_interval;
    struct msim_exchange_listing *listings;
    size_t listing_count;
    size_t listing_capacity;
    struct msim_exchange_holding *holdings;
    size_t holding_count;
    struct msim_exchange_tape tape;
    struct msim_mock_model model;
    bool liquidity;
    uint64_t spread; /* parts per million */
    uint64_t levels;
    msim_time refresh;
    char (*keys)[3][65]; /* key, secret ("" for none), account */
    size_t key_count;
    struct msim_bytes failures; /* the object as JSON; nothing where there is none */
};

/* A leaf of its own, with "{}", where it is given as a whole: members before it are no more. */
#define MSIM_EXCHANGE_HOLDINGS "exchange.default_balance"

/* A leaf from a recording: its path as it is inside, its value as JSON. */
int msim_exchange_config_keep(struct msim_exchange_config *config, const char *path,
                              const char *value, struct msim_detail *detail);

/* All of it checked; MSIM_ERR_INVALID with the key's path, what was wrong and what would be right.
 */
int msim_exchange_settings_read(struct msim_exchange_settings *out,
                                const struct msim_exchange_config *config,
                                const struct msim_allocator *allocator, struct msim_detail *detail);
void msim_exchange_settings_finish(struct msim_exchange_settings *settings,
                                   const struct msim_allocator *allocator);

/*
 * How far a path is the pattern ("a.*.b"): 2 wholly, 1 as a beginning of it, 0 not at all.  "*"
 * stands for any one key, "**" for any keys to the end.
 */
int msim_exchange_path_match(const char *pattern, const char *path);

/* Whether it is a known path; the words of a refusal name the nearest one. */
int msim_exchange_path_check(const char *path, bool is_object, struct msim_detail *detail);

/* A path for people: keys with points between. */
void msim_exchange_path_show(const char *path, char *out, size_t size);

#endif
