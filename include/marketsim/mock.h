/*
 * A market made of models: quotes, trades and bars as a source like any other.
 *
 * Everything is a function of the params: (seed, symbol, number of the event)
 * names every random draw, and prices are sampled in simulated time, so a
 * faster interval shows the same path law at more moments.  docs/models.md has
 * the equations.
 */
#ifndef MARKETSIM_MOCK_H
#define MARKETSIM_MOCK_H

#include <marketsim/base.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds.  A params struct beyond them is refused with MSIM_ERR_LIMIT or MSIM_ERR_INVALID. */
#define MSIM_MOCK_SYMBOLS_MAX 100000
#define MSIM_MOCK_MATRIX_MAX 512    /* symbols under one correlation matrix */
#define MSIM_MOCK_SCENARIO_MAX 1024 /* scripted events */
#define MSIM_MOCK_NAME_MAX 64       /* bytes of a symbol's name */
#define MSIM_MOCK_INTERVAL_MAX (INT64_C(86400) * MSIM_NS_PER_S)
#define MSIM_MOCK_PRICE_MAX INT64_C(1000000000000000) /* a price's mantissa stays within */

/* ---- price models ---- */

enum msim_mock_kind {
    MSIM_MOCK_DEFAULT = 0, /* the params' model, or gbm */
    MSIM_MOCK_GBM,         /* geometric Brownian motion: mu, sigma */
    MSIM_MOCK_WALK,        /* arithmetic Brownian motion: mu, sigma, in parts of the first price */
    MSIM_MOCK_TREND,       /* gbm whose drift is +mu or -mu and turns: mu, sigma, hold */
    MSIM_MOCK_OU,          /* the logarithm reverts to a mean: kappa, sigma, mean */
    MSIM_MOCK_JUMP,        /* Merton's jump diffusion: mu, sigma, lambda, jump_mean, jump_sigma */
    MSIM_MOCK_GARCH,       /* garch(1,1), Student-t(4): mu, sigma, alpha, beta, step */
    MSIM_MOCK_USER,        /* the caller's: user, context */
};

/* What a user's model is given for one step. */
struct msim_mock_step {
    uint32_t symbol;  /* its place in the params */
    msim_time time;   /* the moment whose price is wanted */
    double price;     /* the price at the step before, in units of the currency */
    double years;     /* the model time that passed, 0 at the first step */
    double normal;    /* a standard normal number of this step, correlated as the params say */
    uint64_t bits[2]; /* 128 further random bits of this step */
};

/*
 * A model and its parameters.  Fill it with msim_mock_model_init (the defaults
 * of a kind) or msim_mock_parse_model; fields that the kind does not use are ignored.
 */
struct msim_mock_model {
    uint32_t kind;     /* enum msim_mock_kind */
    double mu;         /* drift per year */
    double sigma;      /* volatility per square root of a year */
    double hold;       /* trend: mean seconds between turns, 0: it never turns */
    double kappa;      /* ou: speed of the return per year */
    double mean;       /* ou: the price returned to, 0: the first price */
    double lambda;     /* jump: jumps per year */
    double jump_mean;  /* jump: mean of a jump of the logarithm */
    double jump_sigma; /* jump: its standard deviation */
    double alpha;      /* garch: weight of the last squared return */
    double beta;       /* garch: weight of the last variance; alpha + beta < 1 */
    double step;       /* garch: seconds of model time of one step of the recursion */
    /*
     * The caller's model: the next price, finite and above zero (anything else ends the
     * source with MSIM_ERR_INVALID).  It must be a function of the step and of a state
     * of its own for each symbol.
     */
    double (*user)(void *context, const struct msim_mock_step *step);
    void *context;
};
#define MSIM_MOCK_MODEL_INIT                     \
    {                                            \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/* The defaults of a kind; MSIM_ERR_INVALID for no kind of ours. */
MSIM_API int msim_mock_model_init(struct msim_mock_model *model, enum msim_mock_kind kind);

/* "gbm", "walk", ...; "unknown" for anything else. */
MSIM_API const char *msim_mock_model_name(uint32_t kind);

/*
 * Reads `gbm`, `gbm:mu=0.05,sigma=0.3`.  MSIM_ERR_INVALID names the place and the
 * remedy: an unknown word is answered with the nearest known one.
 */
MSIM_API int msim_mock_parse_model(const char *text, size_t length, struct msim_mock_model *model,
                                   struct msim_detail *detail);

/* ---- symbols ---- */

struct msim_mock_symbol {
    const char *name;      /* 1..MSIM_MOCK_NAME_MAX printable bytes, borrowed for the create */
    size_t length;         /* 0: the name is terminated */
    msim_price price;      /* the first price, a mantissa at price_exponent; 0: 100 units */
    msim_price tick;       /* quotes stand on its multiples; 0: one unit of the mantissa */
    msim_qty lot;          /* quantities are multiples of it; 0: 100 */
    int8_t price_exponent; /* -18..-1; 0 stands for -2 */
    int8_t quantity_exponent;
    struct msim_mock_model model;
};

/* The eight of the default stream, AAPL to AMD, with plausible prices. */
MSIM_API const struct msim_mock_symbol *msim_mock_default_symbols(size_t *count);

/*
 * Reads `AAPL=230@gbm:sigma=0.25,TSLA=250@jump,AMD`: names, each with a first price and a
 * model if wanted.  A known symbol has a price of its own, any other 100.  ',' or ';' parts two
 * symbols; behind a model's ':' a word with '=' and a small first letter is its parameter.  The
 * names point into `text`.  MSIM_ERR_INVALID names the place and the remedy; MSIM_ERR_LIMIT
 * beyond `capacity`; nothing is written then but a part of `symbols`.
 */
MSIM_API int msim_mock_parse_symbols(const char *text, size_t length,
                                     struct msim_mock_symbol *symbols, size_t capacity,
                                     size_t *count, struct msim_detail *detail);

/*
 * Reads a matrix of correlations: a first line of names, then one line for each name with its
 * row, `AAPL,1,0.6`; separated by ',', spaces or tabs, '#' starts a comment.  Names may come in any
 * order and must be symbols of the list; a symbol that is not named is not correlated with the
 * others.  Writes count * count numbers, row by row in the order of `symbols`.
 */
MSIM_API int msim_mock_parse_correlation(const char *text, size_t length,
                                         const struct msim_mock_symbol *symbols, size_t count,
                                         double *matrix, struct msim_detail *detail);

/* ---- what happens when ---- */

enum msim_mock_arrivals {
    MSIM_MOCK_GRID = 0, /* an event for each symbol at every interval */
    MSIM_MOCK_POISSON,  /* events at random, one for each interval in the mean */
    MSIM_MOCK_HAWKES,   /* the same, self-exciting: branching, decay */
};

enum msim_mock_selection {
    MSIM_MOCK_ALL = 0, /* every symbol's events */
    MSIM_MOCK_ONE,     /* with MSIM_MOCK_GRID: of one symbol, drawn at each tick */
};

enum msim_mock_happening {
    MSIM_MOCK_GAP = 1, /* the price jumps by `size` at `at` and stays there */
    MSIM_MOCK_HALT,    /* no quotes, no trades, and the models stand still from `at` for `length` */
    MSIM_MOCK_CRASH,   /* the price goes to 1 + `size` within a fifth of `length`, then back */
    MSIM_MOCK_SILENCE, /* the market goes on and nothing of it is told */
};

/* One scripted event. */
struct msim_mock_event {
    uint32_t kind;        /* enum msim_mock_happening */
    msim_time at;         /* since the start, 0 or later */
    msim_time length;     /* nanoseconds */
    double size;          /* a part of the price, above -1: -0.05 is five percent down */
    const char *symbol;   /* NULL: all; borrowed for the create */
    size_t symbol_length; /* 0: the name is terminated */
};

/*
 * Reads `gap:at=60s,size=-0.05;halt:at=2m,for=30s,symbol=AAPL;crash:at=5m,for=2m,size=-0.08;`
 * `silence:at=9m,for=20s`.  Durations are numbers with ns, us, ms, s, m, h or d.
 */
MSIM_API int msim_mock_parse_scenario(const char *text, size_t length,
                                      struct msim_mock_event *events, size_t capacity,
                                      size_t *count, struct msim_detail *detail);

/* When the market is open; without `enabled` it always is. */
struct msim_mock_calendar {
    bool enabled;
    uint8_t weekdays;    /* bit 0 is Monday; 0: Monday to Friday */
    msim_time open;      /* since midnight UTC; with `close` zero: 14:30 to 21:00 */
    msim_time close;     /* later than `open`, at most 24 h */
    msim_time overnight; /* model time that passes between two sessions: their gap */
};
#define MSIM_MOCK_CALENDAR_INIT \
    {                           \
        false, 0, 0, 0, 0       \
    }

/* ---- the source ---- */

/* What is told: bits of `bars` and `hidden`. */
enum msim_mock_bars {
    MSIM_MOCK_BARS_SECOND = 1,
    MSIM_MOCK_BARS_MINUTE = 2,
};
enum msim_mock_hidden {
    MSIM_MOCK_HIDE_QUOTES = 1,
    MSIM_MOCK_HIDE_TRADES = 2, /* bars are made of them nevertheless */
};

struct msim_mock_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    uint64_t seed;
    msim_time start;                        /* the first moment */
    msim_time end;                          /* nothing at or behind it; 0: without end */
    const struct msim_mock_symbol *symbols; /* NULL: the eight */
    size_t symbol_count;
    struct msim_mock_model model; /* of symbols that name none */
    msim_time interval;           /* default 2 s */
    uint32_t selection;           /* enum msim_mock_selection */
    uint32_t arrivals;            /* enum msim_mock_arrivals */
    double branching;             /* Hawkes: children for each event, below 1; 0: 0.6 */
    double decay; /* Hawkes: how fast excitement fades, per second; 0: 2 / interval */
    /*
     * Correlation of the Brownian drivers: a matrix of symbol_count^2 numbers, or one market
     * factor.  Under the matrix symbol i depends on those before it and on no later one; with
     * the factor only on the factor.
     */
    const double *correlation; /* NULL: none; borrowed for the create */
    double market;             /* correlation of any two symbols, 0 <= market < 1 */
    struct msim_mock_calendar calendar;
    double season;      /* U-shape: open and close by the middle of the session; 0 or 1: flat */
    double year;        /* seconds of model time in a year; 0: 252 sessions (of 6.5 h if none) */
    double spread;      /* mean bid-ask spread in parts of 10000 of the price; 0: 1 */
    double persistence; /* correlation of the sides of successive trades, -1 < p < 1; 0: 0.5 */
    double size_median; /* lots of a trade or a quote; 0: 3 */
    double size_sigma;  /* standard deviation of the logarithm of a size; 0: 1 */
    double trades;      /* part of the events that have a trade; 0: all */
    msim_time lead;     /* a trade's quote is that much older (and behind the event before) */
    uint32_t bars;      /* bits of enum msim_mock_bars */
    uint32_t hidden;    /* bits of enum msim_mock_hidden */
    const struct msim_mock_event *scenario; /* borrowed for the create */
    size_t scenario_count;
};
#define MSIM_MOCK_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(struct msim_mock_params), 0, 0, 0, 0, 0, 0, MSIM_MOCK_MODEL_INIT, 0, 0, 0, 0, 0, 0, \
            0, MSIM_MOCK_CALENDAR_INIT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                         \
    }

/*
 * A market as a source.  Each event of a symbol is a quote and, at its end, the trade that
 * took place at that quote's bid or ask.  Bars bear the end of their window as time, and
 * MSIM_RECORD_SECOND or MSIM_RECORD_MINUTE as flag.  Symbol ids are the places in `symbols`.
 * A symbol's records depend on nothing but the params' own fields and its own entry, so one more
 * symbol changes nothing for the others, but for three things that say so: a matrix,
 * MSIM_MOCK_ONE (the new one takes some of the ticks) and `sequence`.
 *
 * MSIM_ERR_INVALID with words, MSIM_ERR_LIMIT, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_source_mock(struct msim_source *out, const struct msim_mock_params *params,
                              struct msim_detail *detail);

#ifdef __cplusplus
}
#endif

#endif
