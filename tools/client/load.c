#include "client/load.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/histogram.h"
#include "base/json.h"
#include "cli/options.h"

/* Attempts to connect that are under way at a time. */
#define OPENING_MOST 256

/* All must be there by then: those that are not have failed. */
#define OPENING_NS (120 * MSIM_NS_PER_S)

/* A stamp is one where it says a moment of this length before now. */
#define LATE_MOST (3600 * MSIM_NS_PER_S)

#define KEY_SIZE 68

/* One of the connections; when it is closed by the churn, the next one takes its place. */
struct peer {
    struct load *load;
    struct msim_connection *connection; /* NULL: not yet, or not any more */
    uint64_t sequence;
    bool has_sequence;
    bool is_open;
    bool is_leaving;
};

struct load {
    const struct load_settings *settings;
    struct terminal *terminal;
    struct msim_net *net;
    struct peer *peers;
    size_t next;    /* to be opened first */
    size_t opening; /* under way */
    size_t open;
    char stamp[KEY_SIZE]; /* "\"ts\":" */
    char sequence[KEY_SIZE];
    bool is_measuring;
    bool is_ending;
    msim_time began; /* the first attempt, then the measuring */
    msim_time all_open;
    msim_time ended;

    uint64_t opened;
    uint64_t opened_at_first;
    uint64_t failed;
    uint64_t closed; /* by the other side, or broken */
    uint64_t churned;
    uint64_t messages;
    uint64_t bytes;
    uint64_t missing;
    uint64_t backwards;
    struct msim_histogram latency;
    char words[MSIM_DETAIL_SIZE]; /* of what failed first */
};

/* ---- what comes ---- */

/* The whole number behind the key's first appearance. */
static bool find_number(const unsigned char *bytes, size_t length, const char *key, uint64_t *out)
{
    size_t key_length = strlen(key);
    const unsigned char *at = memmem(bytes, length, key, key_length);
    uint64_t value = 0;
    size_t digits = 0;

    if (!at)
        return false;
    const unsigned char *end = bytes + length;
    for (at += key_length; at < end && *at == ' ';)
        at++;
    for (; at < end && *at >= '0' && *at <= '9' && digits < 19; at++, digits++)
        value = value * 10 + (uint64_t)(*at - '0');
    *out = value;
    return digits > 0;
}

static msim_time wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

/* A moment of this machine's monotonic clock, or since 1970 in ns, us or ms. */
static void note_stamp(struct load *load, uint64_t stamp)
{
    const msim_time wall = wall_clock();
    const msim_time late[] = {
        terminal_clock() - (msim_time)stamp,
        wall - (msim_time)stamp,
        stamp < INT64_MAX / 1000 ? wall - (msim_time)stamp * 1000 : -1,
        stamp < INT64_MAX / 1000000 ? wall - (msim_time)stamp * 1000000 : -1,
    };

    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        if (late[i] < 0 || late[i] > LATE_MOST)
            continue;
        msim_histogram_add(&load->latency, late[i]);
        return;
    }
}

static void note_sequence(struct peer *peer, uint64_t sequence)
{
    struct load *load = peer->load;

    if (peer->has_sequence && sequence > peer->sequence)
        load->missing += sequence - peer->sequence - 1;
    else if (peer->has_sequence)
        load->backwards++;
    peer->has_sequence = true;
    peer->sequence = sequence;
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct peer *peer = context;
    struct load *load = peer->load;
    uint64_t number;

    (void)connection;
    (void)kind;
    if (!load->is_measuring || peer->is_leaving)
        return;
    load->messages++;
    load->bytes += length;
    if (find_number(bytes, length, load->stamp, &number))
        note_stamp(load, number);
    if (load->sequence[0] && find_number(bytes, length, load->sequence, &number))
        note_sequence(peer, number);
}

/* ---- coming and going ---- */

static void note_failure(struct load *load, const char *words)
{
    load->failed++;
    if (load->words[0] == '\0')
        snprintf(load->words, sizeof load->words, "%s", words);
}

static void opened(void *context, struct msim_connection *connection)
{
    struct peer *peer = context;
    struct load *load = peer->load;

    peer->is_open = true;
    load->opening--;
    load->open++;
    load->opened++;
    for (size_t i = 0; i < LOAD_SAYS && load->settings->says[i]; i++) {
        const char *text = load->settings->says[i];
        if (msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, strlen(text)) < 0)
            msim_connection_abort(connection);
    }
}

static void connect_peer(struct peer *peer);

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct peer *peer = context;
    struct load *load = peer->load;
    bool was_open = peer->is_open;
    bool is_leaving = peer->is_leaving;

    (void)connection;
    *peer = (struct peer){.load = load};
    if (was_open)
        load->open--;
    else
        load->opening--;
    if (load->is_ending)
        return;
    if (is_leaving)
        connect_peer(peer);
    else if (was_open)
        load->closed++;
    else
        note_failure(load, closing->reason);
}

static void connect_peer(struct peer *peer)
{
    struct load *load = peer->load;
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    link_use(load->settings->link, &params);
    params.limits.handshake_timeout = OPENING_NS;
    params.handler.opened = opened;
    params.handler.message = take_message;
    params.handler.closed = closed;
    params.context = peer;
    if (msim_net_connect(load->net, &peer->connection, &params, &detail) < 0)
        note_failure(load, detail.text);
    else
        load->opening++;
}

/* ---- phases ---- */

static void open_some(struct load *load)
{
    while (load->next < load->settings->connections && load->opening < OPENING_MOST)
        connect_peer(&load->peers[load->next++]);
}

static bool is_all_there(const struct load *load)
{
    return load->next == load->settings->connections && load->opening == 0;
}

static void churn(struct load *load, msim_time now)
{
    uint64_t owed = (uint64_t)((double)(now - load->began) / 1e9 * (double)load->settings->churn);

    for (; load->churned < owed && load->opening < OPENING_MOST; load->churned++) {
        struct peer *peer = &load->peers[load->churned % load->settings->connections];
        if (!peer->is_open || peer->is_leaving)
            continue;
        peer->is_leaving = true;
        msim_connection_close(peer->connection, MSIM_CLOSE_NORMAL, "");
    }
}

static void stop(void *context, int fd)
{
    struct load *load = context;

    if (terminal_signal(fd) != 0)
        load->is_ending = true;
}

/* Until what time the next turn may wait. */
static int wait_ms(const struct load *load, msim_time until, msim_time now)
{
    const msim_time rest = until > now ? (until - now) / MSIM_NS_PER_MS + 1 : 0;

    if (load->settings->churn > 0 && load->is_measuring && rest > 10)
        return 10;
    return rest > INT_MAX ? INT_MAX : (int)rest;
}

static bool turn(struct load *load, msim_time until)
{
    msim_time now = terminal_clock();

    if (load->is_ending || now >= until)
        return false;
    if (msim_net_dispatch(load->net, wait_ms(load, until, now)) >= 0)
        return true;
    note_failure(load, "the event loop failed");
    load->is_ending = true;
    return false;
}

/* A load that ends in good order leaves no broken connections in the server's log. */
static void say_goodbye(struct load *load)
{
    const msim_time limit = terminal_clock() + LOAD_CLOSING_NS;

    for (size_t i = 0; i < load->next; i++)
        if (load->peers[i].is_open && !load->peers[i].is_leaving)
            msim_connection_close(load->peers[i].connection, MSIM_CLOSE_NORMAL, "");
    while (load->open > 0 && terminal_clock() < limit && msim_net_dispatch(load->net, 100) >= 0)
        ;
}

static void run(struct load *load)
{
    const msim_time limit = terminal_clock() + OPENING_NS;

    load->began = terminal_clock();
    do
        open_some(load);
    while (!is_all_there(load) && turn(load, limit));
    load->all_open = terminal_clock() - load->began;
    load->opened_at_first = load->opened;
    if (!is_all_there(load))
        note_failure(load, "not all connections opened in time");

    load->began = terminal_clock();
    load->is_measuring = true;
    while (load->open > 0 && turn(load, load->began + load->settings->duration))
        if (load->settings->churn > 0)
            churn(load, terminal_clock());
    load->is_measuring = false;
    load->is_ending = true;
    load->ended = terminal_clock();
    say_goodbye(load);
}

/* ---- the report ---- */

static const char *url_of(const struct load *load)
{
    return load->settings->link->settings->url;
}

static double seconds(const struct load *load)
{
    return (double)(load->ended - load->began) / 1e9;
}

static double per_second(double count, double length)
{
    return length > 0 ? count / length : 0;
}

static double microseconds(const struct load *load, uint32_t per_million)
{
    return (double)msim_histogram_at(&load->latency, per_million) / 1e3;
}

static void print_json(const struct load *load)
{
    struct msim_json_writer writer;
    char url[1024];
    size_t length;

    msim_json_write_buffer(&writer, url, sizeof url);
    msim_json_write_text(&writer, url_of(load));
    if (msim_json_write_end(&writer, &length) < 0)
        length = (size_t)snprintf(url, sizeof url, "null");
    printf("{\"url\":%.*s,\"connections\":%" PRIu64 ",\"opened\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"closed\":%" PRIu64 ",\"churned\":%" PRIu64 ",\"handshakes_per_s\":%.1f",
           (int)length, url, load->settings->connections, load->opened, load->failed, load->closed,
           load->churned, per_second((double)load->opened_at_first, (double)load->all_open / 1e9));
    printf(",\"seconds\":%.3f,\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"messages_per_s\":%.1f,\"bytes_per_s\":%.1f",
           seconds(load), load->messages, load->bytes,
           per_second((double)load->messages, seconds(load)),
           per_second((double)load->bytes, seconds(load)));
    if (load->latency.count > 0)
        printf(",\"latency_us\":{\"count\":%" PRIu64
               ",\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
               load->latency.count, microseconds(load, 500000), microseconds(load, 900000),
               microseconds(load, 990000), microseconds(load, 999000),
               (double)load->latency.max / 1e3);
    if (load->sequence[0])
        printf(",\"sequence\":{\"missing\":%" PRIu64 ",\"backwards\":%" PRIu64 "}", load->missing,
               load->backwards);
    puts("}");
}

static void print_words(const struct load *load)
{
    printf("%" PRIu64 " of %" PRIu64 " connections opened, %.0f each second; %" PRIu64
           " failed, %" PRIu64 " were closed, %" PRIu64 " came anew\n",
           load->opened_at_first, load->settings->connections,
           per_second((double)load->opened_at_first, (double)load->all_open / 1e9), load->failed,
           load->closed, load->churned);
    printf("%" PRIu64 " messages in %.3f s: %.0f each second, %.3f MB/s\n", load->messages,
           seconds(load), per_second((double)load->messages, seconds(load)),
           per_second((double)load->bytes, seconds(load)) / 1e6);
    if (load->latency.count > 0)
        printf("latency: p50 %.1f us, p90 %.1f us, p99 %.1f us, max %.1f us\n",
               microseconds(load, 500000), microseconds(load, 900000), microseconds(load, 990000),
               (double)load->latency.max / 1e3);
    if (load->sequence[0])
        printf("sequence: %" PRIu64 " missing, %" PRIu64 " backwards\n", load->missing,
               load->backwards);
}

static int report(const struct load *load)
{
    if (load->settings->json)
        print_json(load);
    else
        print_words(load);
    if (load->failed == 0 && load->closed == 0)
        return EXIT_SUCCESS;
    return terminal_fail(
        load->terminal, "%s: %" PRIu64 " connections failed%s%s, %" PRIu64 " were closed",
        url_of(load), load->failed, load->words[0] ? ": " : "", load->words, load->closed);
}

static int start(struct load *load, const struct msim_logger *logger)
{
    const struct load_settings *settings = load->settings;

    snprintf(load->stamp, sizeof load->stamp, "\"%.64s\":", settings->stamp);
    if (settings->sequence)
        snprintf(load->sequence, sizeof load->sequence, "\"%.64s\":", settings->sequence);
    load->peers = calloc(settings->connections, sizeof *load->peers);
    if (!load->peers)
        return terminal_fail(load->terminal, "out of memory");
    for (size_t i = 0; i < settings->connections; i++)
        load->peers[i].load = load;
    return link_net(&load->net, settings->connections + OPENING_MOST, stop, load, load->terminal,
                    logger);
}

int load_run(const struct load_settings *settings, struct terminal *terminal,
             const struct msim_logger *logger)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        return terminal_fail(terminal, "out of memory");

    load->settings = settings;
    load->terminal = terminal;
    int code = start(load, logger);
    if (code == EXIT_SUCCESS) {
        run(load);
        code = report(load);
    }
    load->is_ending = true;
    msim_net_destroy(&load->net);
    free(load->peers);
    free(load);
    return code;
}
