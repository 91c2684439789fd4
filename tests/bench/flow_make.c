/*
 * Makes an order flow from a seed: the file that engine-flow and engine-turns run.
 *
 *     flow-make [--symbols N] [--depth N] [--messages N] [--seed N] [--far TICKS] FILE
 *
 * Each symbol's book is filled with `depth` orders and kept about so deep.  Of 100 messages five
 * take what rests and five replace; the others come to rest or cancel, as the depth asks for.
 * Symbols are busy as 1, 1/2, 1/3, …; orders rest at the touch, near it, or as far away as --far
 * says in the mean; cancels are mostly for young orders; each book has a price that wanders, and
 * takers pull the book along with it.
 *
 * What it must bring about is counted by books of its own (flow_book.c).  The same options make
 * the same bytes wherever libm's logarithm is the same.
 */
#include "flow_book.h"
#include "measure.h"

#include <inttypes.h>
#include <math.h>

#define ACCOUNTS 1000
#define MAX_IDS (UINT64_C(1) << 31)
#define FEW_ORDERS 20 /* a book with fewer only gets more */
#define LAST_PRICE (FLOW_PRICES - 1)

struct options {
    uint64_t symbols, depth, messages, seed, far;
    const char *path;
};

struct dice {
    uint64_t state[4];
};

/* Where a symbol's price wanders. */
struct walk {
    double start, now;
};

struct maker {
    const struct options *options;
    struct dice dice;
    struct flow_books books;
    struct walk *walks;
    double *busy; /* sums of how busy the symbols up to each are */
    struct flow_header header;
};

/* splitmix64 */
static uint64_t seed_next(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint64_t rotated(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

/* xoshiro256** */
static uint64_t roll(struct dice *dice)
{
    uint64_t *s = dice->state;
    const uint64_t result = rotated(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return result;
}

/* From 0 to below 1. */
static double share(struct dice *dice)
{
    return (double)(roll(dice) >> 11) * 0x1p-53;
}

static uint32_t below(struct dice *dice, uint32_t count)
{
    return (uint32_t)((roll(dice) >> 32) * count >> 32);
}

static uint32_t geometric(struct dice *dice, double mean)
{
    return (uint32_t)(-log(1.0 - share(dice)) * mean);
}

static double bounded(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static uint32_t a_price(int64_t price)
{
    return price < 1 ? 1 : price > LAST_PRICE ? LAST_PRICE : (uint32_t)price;
}

/* Round lots mostly, some odd ones, a few that are large. */
static uint32_t pick_quantity(struct dice *dice)
{
    const double kind = share(dice);

    if (kind < 0.4)
        return 100;
    if (kind < 0.7)
        return 1 + below(dice, 99);
    if (kind < 0.9)
        return 100 * (2 + below(dice, 4));
    return 1 + below(dice, 2000);
}

/* How far behind the touch an order rests that is not better than it. */
static uint32_t pick_distance(struct maker *maker, double kind)
{
    const double far = (double)maker->options->far;

    if (kind < 0.30)
        return 0;
    if (kind < 0.75)
        return 1 + geometric(&maker->dice, 4);
    return 1 + geometric(&maker->dice, kind < 0.97 ? far : far * 4);
}

/* A price at which an order of the side rests: it does not reach the other side's best. */
static uint32_t pick_price(struct maker *maker, uint16_t symbol, uint8_t side)
{
    const struct flow_book *book = &maker->books.books[symbol];
    const uint8_t other = side == FLOW_BUY ? FLOW_SELL : FLOW_BUY;
    const bool whole = flow_book_has(book, FLOW_BUY) && flow_book_has(book, FLOW_SELL);
    const int64_t inwards = side == FLOW_BUY ? 1 : -1;
    const int64_t middle =
        whole ? (book->best[0] + book->best[1]) / 2 : (uint32_t)maker->walks[symbol].now;
    const int64_t ours = flow_book_has(book, side) ? book->best[side] : middle - inwards;
    const int64_t theirs = flow_book_has(book, other) ? book->best[other] : middle + inwards;
    const double kind = share(&maker->dice);
    int64_t price = ours;

    if (kind < 0.10) {
        const int64_t spread = (theirs - ours) * inwards;
        if (spread > 1)
            price += inwards * (1 + (int64_t)below(&maker->dice, (uint32_t)(spread - 1)));
    } else {
        price -= inwards * pick_distance(maker, kind);
    }
    if (price < 1)
        price = 1 + below(&maker->dice, 50);
    else if (price > LAST_PRICE)
        price = LAST_PRICE - below(&maker->dice, 50);
    if ((theirs - price) * inwards <= 0)
        price = theirs - inwards;
    return a_price(price);
}

/* An order of the book: mostly a young one, where one of those tried still rests. */
static uint32_t pick_order(struct maker *maker, const struct flow_book *book)
{
    const uint32_t count = book->resting_count;

    if (share(&maker->dice) < 0.65)
        for (int i = 0; i < 4; i++) {
            const uint64_t back = 1 + geometric(&maker->dice, count < 4096 ? count / 4.0 : 1024);
            if (back >= FLOW_RECENT || back > book->recent_count)
                continue;
            const uint32_t id = book->recent[(book->recent_count - back) % FLOW_RECENT];
            if (maker->books.orders[id].rests)
                return id;
        }
    return book->resting[below(&maker->dice, count)];
}

static uint16_t pick_symbol(struct maker *maker)
{
    const size_t last = maker->options->symbols - 1;
    const double at = share(&maker->dice) * maker->busy[last];
    size_t low = 0;
    size_t high = last;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (maker->busy[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return (uint16_t)low;
}

static void step(struct walk *walk, double by)
{
    walk->now += (by - 0.5) * 0.5;
    if (walk->now < walk->start - 3000)
        walk->now += 1;
    if (walk->now > walk->start + 3000)
        walk->now -= 1;
}

/* The message trades what it can; what is left of it, not of a market order, comes to rest. */
static void match(struct maker *maker, const struct flow_message *message)
{
    const bool market = message->type == FLOW_MARKET;
    const uint32_t worst = message->side == FLOW_BUY ? LAST_PRICE : 1;
    const uint32_t id = (uint32_t)message->id;
    const uint32_t left =
        flow_books_match(&maker->books, id, market ? worst : message->price, message->quantity);

    if (left > 0 && !market && !flow_books_rest(&maker->books, id, message->price, left))
        measure_die("books", "out of memory");
}

/* The next id, account and quantity. */
static struct flow_message new_order(struct maker *maker, uint16_t symbol)
{
    const uint64_t id = ++maker->header.max_id;
    const uint32_t account = below(&maker->dice, ACCOUNTS);

    return (struct flow_message){
        .id = id,
        .symbol = symbol,
        .account = account,
        .quantity = pick_quantity(&maker->dice),
    };
}

static void place(struct maker *maker, const struct flow_message *message)
{
    struct flow_order *order = &maker->books.orders[message->id];

    order->symbol = message->symbol;
    order->side = message->side;
    order->account = message->account;
    match(maker, message);
}

static struct flow_message make_resting(struct maker *maker, uint16_t symbol)
{
    struct flow_message message = new_order(maker, symbol);

    message.type = FLOW_LIMIT;
    message.side = (uint8_t)(roll(&maker->dice) >> 63);
    message.price = pick_price(maker, symbol, message.side);
    place(maker, &message);
    return message;
}

/* Buys rather than sells below the price that wanders, at the other side's best or beyond it. */
static struct flow_message make_taking(struct maker *maker, uint16_t symbol)
{
    const struct flow_book *book = &maker->books.books[symbol];
    const uint32_t bid = book->best[flow_book_has(book, FLOW_BUY) ? FLOW_BUY : FLOW_SELL];
    const uint32_t ask = book->best[flow_book_has(book, FLOW_SELL) ? FLOW_SELL : FLOW_BUY];
    const double away = maker->walks[symbol].now - (book->best[FLOW_BUY] + ask) / 2;
    struct flow_message message = new_order(maker, symbol);

    message.side = share(&maker->dice) < 0.5 + bounded(away / 50, -0.3, 0.3) ? FLOW_BUY : FLOW_SELL;
    if (share(&maker->dice) < 0.06)
        message.quantity *= 8;
    message.type = share(&maker->dice) < 0.4 ? FLOW_MARKET : FLOW_LIMIT;
    if (message.type == FLOW_LIMIT) {
        const uint32_t beyond = share(&maker->dice) < 0.6 ? 0 : geometric(&maker->dice, 2);
        message.price =
            a_price(message.side == FLOW_BUY ? (int64_t)ask + beyond : (int64_t)bid - beyond);
    }
    place(maker, &message);
    return message;
}

static struct flow_message about_order(struct maker *maker, uint16_t symbol, uint8_t type)
{
    const uint32_t id = pick_order(maker, &maker->books.books[symbol]);
    const struct flow_order *order = &maker->books.orders[id];

    flow_books_remove(&maker->books, id);
    return (struct flow_message){
        .id = id,
        .symbol = symbol,
        .type = type,
        .side = order->side,
        .account = order->account,
    };
}

/* To another price, always. */
static struct flow_message make_replacing(struct maker *maker, uint16_t symbol)
{
    struct flow_message message = about_order(maker, symbol, FLOW_REPLACE);
    const uint32_t before = maker->books.orders[message.id].price;

    message.quantity = pick_quantity(&maker->dice);
    message.price = pick_price(maker, symbol, message.side);
    if (message.price == before && message.side == FLOW_BUY)
        message.price = before > 1 ? before - 1 : before + 1;
    else if (message.price == before)
        message.price = before < LAST_PRICE ? before + 1 : before - 1;
    match(maker, &message);
    return message;
}

static struct flow_message make_message(struct maker *maker, bool timed, uint16_t symbol)
{
    const struct flow_book *book = &maker->books.books[symbol];
    const double depth = (double)maker->options->depth;
    const double kind = share(&maker->dice);

    step(&maker->walks[symbol], share(&maker->dice));
    if (!timed)
        return make_resting(maker, symbol);
    const double missing = (depth - book->resting_count) / depth;
    const bool rests = kind >= 0.10 && share(&maker->dice) < bounded(0.535 + 2 * missing, 0.2, 0.9);
    if (rests || book->resting_count < FEW_ORDERS)
        return make_resting(maker, symbol);
    if (kind < 0.05)
        return make_taking(maker, symbol);
    if (kind < 0.10)
        return make_replacing(maker, symbol);
    return about_order(maker, symbol, FLOW_CANCEL);
}

static void create(struct maker *maker, const struct options *options)
{
    const size_t symbols = options->symbols;
    uint64_t seed = options->seed;
    double busy = 0;

    *maker = (struct maker){.options = options};
    maker->walks = calloc(symbols, sizeof *maker->walks);
    maker->busy = calloc(symbols, sizeof *maker->busy);
    if (!maker->walks || !maker->busy ||
        !flow_books_create(&maker->books, symbols,
                           (size_t)(symbols * options->depth + options->messages)))
        measure_die("books", "out of memory");
    for (int i = 0; i < 4; i++)
        maker->dice.state[i] = seed_next(&seed);
    for (size_t i = 0; i < symbols; i++) {
        maker->busy[i] = busy += 1.0 / (double)(i + 1);
        maker->walks[i].start = maker->walks[i].now = 20000 + below(&maker->dice, 20000);
    }
    memcpy(maker->header.magic, FLOW_MAGIC, sizeof maker->header.magic);
    maker->header.messages = options->messages;
    maker->header.prefill = symbols * options->depth;
    maker->header.symbols = symbols;
    maker->header.accounts = ACCOUNTS;
    maker->header.depth = options->depth;
    maker->header.seed = options->seed;
}

static void destroy(struct maker *maker)
{
    flow_books_destroy(&maker->books);
    free(maker->walks);
    free(maker->busy);
}

static void write_or_die(const void *bytes, size_t size, FILE *file, const char *path)
{
    if (fwrite(bytes, size, 1, file) != 1)
        measure_die(path, strerror(errno));
}

/* The header comes last, for it tells what came of the messages. */
static void make(struct maker *maker, FILE *file)
{
    const char *path = maker->options->path;
    struct flow_header *header = &maker->header;
    const uint64_t count = header->prefill + header->messages;

    write_or_die(header, sizeof *header, file, path);
    for (uint64_t i = 0; i < count; i++) {
        const bool timed = i >= header->prefill;
        if (i == header->prefill)
            maker->books.trades = (struct flow_trades){0};
        const uint16_t symbol = timed ? pick_symbol(maker) : (uint16_t)(i % header->symbols);
        const struct flow_message message = make_message(maker, timed, symbol);
        header->of_type[message.type] += timed;
        write_or_die(&message, sizeof message, file, path);
    }
    header->trades = maker->books.trades;
    for (size_t i = 0; i < header->symbols; i++)
        header->resting_end += maker->books.books[i].resting_count;
    if (fseek(file, 0, SEEK_SET) != 0)
        measure_die(path, strerror(errno));
    write_or_die(header, sizeof *header, file, path);
}

static void print(const struct flow_header *header, const char *path)
{
    static const char *const names[4] = {"limit", "market", "cancel", "replace"};
    const double messages = (double)header->messages;

    printf("%s: %" PRIu64 " messages after %" PRIu64 " in %" PRIu64 " symbols:", path,
           header->messages, header->prefill, header->symbols);
    for (int i = 0; i < 4; i++)
        printf(" %s %.1f %%", names[i], 100 * (double)header->of_type[i] / messages);
    printf("; %.3f trades a message, hash %016" PRIx64 "; %" PRIu64 " orders at the end\n",
           (double)header->trades.count / messages, header->trades.hash, header->resting_end);
}

static _Noreturn void usage(FILE *out, int code)
{
    fputs(
        "Usage: flow-make [--symbols N] [--depth N] [--messages N] [--seed N] [--far TICKS] FILE\n"
        "Usually: one symbol 1000 orders deep, 8000000 messages, seed 42, and those that rest\n"
        "far away 20 ticks from the best price in the mean.\n",
        out);
    exit(code);
}

static uint64_t number(const char *text, uint64_t low, uint64_t high)
{
    char *end;

    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno != 0 || value < low || value > high) {
        fprintf(stderr, "flow-make: '%s' is no number from %" PRIu64 " to %" PRIu64 "\n", text, low,
                high);
        exit(1);
    }
    return value;
}

static struct options parse(int count, char **arguments)
{
    struct options options = {
        .symbols = 1, .depth = 1000, .messages = 8000000, .seed = 42, .far = 20};
    const struct {
        const char *name;
        uint64_t *value, low, high;
    } known[] = {
        {"--symbols", &options.symbols, 1, FLOW_MAX_SYMBOLS},
        {"--depth", &options.depth, 1, MAX_IDS},
        {"--messages", &options.messages, 1, MAX_IDS},
        {"--seed", &options.seed, 0, UINT64_MAX},
        {"--far", &options.far, 1, FLOW_PRICES},
    };

    for (int i = 1; i < count; i++) {
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(arguments[i], known[k].name) != 0)
            k++;
        if (k < sizeof known / sizeof known[0] && i + 1 < count)
            *known[k].value = number(arguments[++i], known[k].low, known[k].high);
        else if (arguments[i][0] == '-' || options.path)
            usage(stderr, 1);
        else
            options.path = arguments[i];
    }
    if (!options.path)
        usage(stderr, 1);
    if (options.symbols * options.depth + options.messages > MAX_IDS)
        measure_die("more orders than can be numbered", "ask for fewer messages, or less depth");
    return options;
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "--help") == 0)
        usage(stdout, 0);
    const struct options options = parse(argument_count, arguments);
    struct maker maker;

    create(&maker, &options);
    FILE *file = fopen(options.path, "wb");
    if (!file)
        measure_die(options.path, strerror(errno));
    make(&maker, file);
    if (fclose(file) != 0)
        measure_die(options.path, strerror(errno));
    print(&maker.header, options.path);
    destroy(&maker);
    return 0;
}
