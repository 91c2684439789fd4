/*
 * Topics over loopback: what each subscriber reads is what copies of its own would have been,
 * and a slow one is dealt with by itself.
 */
#include "net/bench.h"

#include <marketsim/hub.h>

#define CLIENTS 6
#define TOPICS 3

static struct msim_topic *make_topic_of(struct bench *bench, enum msim_slow_policy policy,
                                        size_t run_bytes)
{
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
    struct msim_topic *topic = NULL;

    params.policy = policy;
    params.max_run_bytes = run_bytes;
    assert_int_equal(msim_topic_create(bench->net, &topic, &params), MSIM_OK);
    return topic;
}

static struct msim_topic *make_topic(struct bench *bench, enum msim_slow_policy policy)
{
    return make_topic_of(bench, policy, 256 * 1024);
}

static void publish(struct msim_topic *topic, const char *text)
{
    assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_TEXT, text, strlen(text)), MSIM_OK);
}

static void a_private_message_keeps_its_place_among_the_public(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    struct msim_topic *topic = make_topic(&bench, MSIM_SLOW_DISCONNECT);
    int one = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_ERR_EXISTS);
    struct msim_connection *first = bench.last;
    int two = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    publish(topic, "a");
    assert_int_equal(msim_connection_backlog(first), 3);
    assert_int_equal(msim_connection_send(first, MSIM_MESSAGE_TEXT, "b", 1), MSIM_OK);
    publish(topic, "c");
    assert_int_equal(msim_connection_queued(first), 9);
    raw_expect(&bench, one, "\x81\1a\x81\1b\x81\1c", 9);
    raw_expect(&bench, two, "\x81\1a\x81\1c", 6);
    assert_int_equal(msim_connection_backlog(first), 0);
    close(one);
    close(two);
    bench_finish(&bench);
}

static void one_who_leaves_gets_what_was_published_before(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    struct msim_topic *topic = make_topic(&bench, MSIM_SLOW_DISCONNECT);
    int fd = raw_open(&bench);
    assert_int_equal(msim_topic_unsubscribe(topic, bench.last), MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    publish(topic, "a");
    assert_int_equal(msim_topic_unsubscribe(topic, bench.last), MSIM_OK);
    publish(topic, "b");
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    publish(topic, "c");
    msim_topic_destroy(&topic);
    assert_null(topic);
    msim_connection_close(bench.last, MSIM_CLOSE_NORMAL, "");
    raw_expect(&bench, fd, "\x81\1a\x81\1c", 6);
    raw_expect_close(&bench, fd, MSIM_CLOSE_NORMAL);
    close(fd);
    bench_finish(&bench);
}

/* Its system has reset the link, and what it said before is still to be read. */
static void raw_reset(int fd)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    close(fd);
}

static void one_whose_link_breaks_while_its_last_words_are_read_ends_once(void **state)
{
    /* A close frame; a text that is not UTF-8. */
    static const struct {
        unsigned first;
        const char *payload;
    } words[] = {{0x88, "\x03\xE8"}, {0x81, "\xFF\xFF"}};
    const struct msim_connection_limits limits = {.max_backlog_bytes = 4096};
    static char text[1000];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t k = 0; k < COUNT(words); k++) {
        struct bench bench;
        bench_open(&bench, &limits, 0);
        struct msim_topic *topic = make_topic(&bench, MSIM_SLOW_DISCONNECT);
        int fd = raw_open(&bench);
        assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
        assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "a", 1), MSIM_OK);
        for (int i = 0; i < 8; i++)
            assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_BINARY, text, sizeof text),
                             MSIM_OK);
        raw_send_frame(&bench, fd, words[k].first, words[k].payload, 2);
        raw_reset(fd);
        until_log(&bench, k == 0 ? "opened closed(1006) " : "opened closed(1007) ");
        for (int i = 0; i < 5; i++)
            turn(&bench);
        assert_null(bench.last);
        bench_finish(&bench);
    }
}

/* ---- the naive model: a copy for each ---- */

struct reader {
    int fd;
    struct msim_connection *connection;
    bool is_in[TOPICS];
    unsigned order[TOPICS]; /* when it subscribed */
    unsigned char *expected;
    size_t length;
    unsigned char turn[TOPICS][65536];
    size_t turn_length[TOPICS];
    size_t read;
};

#define EXPECTED_MAX ((size_t)64 << 20)

static void model_settle(struct reader *reader)
{
    for (unsigned turn = 0; turn < TOPICS; turn++) {
        size_t next = TOPICS;
        for (size_t i = 0; i < TOPICS; i++)
            if (reader->turn_length[i] > 0 &&
                (next == TOPICS || reader->order[i] < reader->order[next]))
                next = i;
        if (next == TOPICS)
            return;
        assert_true(reader->length + reader->turn_length[next] <= EXPECTED_MAX);
        memcpy(reader->expected + reader->length, reader->turn[next], reader->turn_length[next]);
        reader->length += reader->turn_length[next];
        reader->turn_length[next] = 0;
    }
}

static void model_own(struct reader *reader, const void *bytes, size_t length)
{
    model_settle(reader);
    reader->length += raw_frame(reader->expected + reader->length, 0x82, bytes, length, NULL);
}

static void read_some(struct reader *reader, size_t most)
{
    static unsigned char bytes[65536];

    ssize_t came = recv(reader->fd, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
    if (came <= 0)
        return;
    assert_true(reader->read + (size_t)came <= reader->length);
    assert_memory_equal(bytes, reader->expected + reader->read, (size_t)came);
    reader->read += (size_t)came;
}

static unsigned dice(uint64_t *state, unsigned sides)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*state >> 33) % sides;
}

static void step(struct msim_topic **topics, struct reader *readers, uint64_t *random, unsigned at)
{
    static unsigned char message[3000];
    struct reader *reader = &readers[dice(random, CLIENTS)];
    /* The first is in one topic only: behind, it gets those of several topic by topic. */
    unsigned topic = reader == readers ? 0 : dice(random, TOPICS);
    size_t length = dice(random, dice(random, 20) == 0 ? sizeof message : 300);

    memset(message, (int)(at % 251), length);
    switch (dice(random, 12)) {
    case 0:
        assert_int_equal(
            msim_connection_send(reader->connection, MSIM_MESSAGE_BINARY, message, length),
            MSIM_OK);
        model_own(reader, message, length);
        break;
    case 1:
        if (reader->is_in[topic]) {
            model_settle(reader);
            assert_int_equal(msim_topic_unsubscribe(topics[topic], reader->connection), MSIM_OK);
        } else {
            assert_int_equal(msim_topic_subscribe(topics[topic], reader->connection), MSIM_OK);
            reader->order[topic] = at;
        }
        reader->is_in[topic] = !reader->is_in[topic];
        break;
    default:
        assert_int_equal(msim_topic_publish(topics[topic], MSIM_MESSAGE_BINARY, message, length),
                         MSIM_OK);
        for (size_t i = 0; i < CLIENTS; i++)
            if (readers[i].is_in[topic])
                readers[i].turn_length[topic] +=
                    raw_frame(readers[i].turn[topic] + readers[i].turn_length[topic], 0x82, message,
                              length, NULL);
    }
}

static void everybody_reads_what_copies_of_its_own_would_have_been(void **state)
{
    static struct reader readers[CLIENTS];
    struct msim_topic *topics[TOPICS];
    uint64_t random = 7;
    struct bench bench;

    (void)state;
    bench_open(&bench, &(struct msim_connection_limits){.kernel_send_bytes = 8 * 1024}, 0);
    for (size_t i = 0; i < TOPICS; i++)
        topics[i] = make_topic_of(&bench, MSIM_SLOW_DISCONNECT, 4 << 20);
    for (size_t i = 0; i < CLIENTS; i++) {
        readers[i].fd = raw_open(&bench);
        readers[i].connection = bench.last;
        readers[i].expected = malloc(EXPECTED_MAX);
        assert_non_null(readers[i].expected);
    }
    for (unsigned at = 0; at < 20000; at++) {
        step(topics, readers, &random, at);
        if (dice(&random, 10) > 0)
            continue;
        turn(&bench);
        /* All read what is there, but for the first, which falls far behind. */
        for (size_t i = 0; i < CLIENTS; i++) {
            model_settle(&readers[i]);
            read_some(&readers[i], i == 0 ? dice(&random, 500) : SIZE_MAX);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        model_settle(&readers[i]);
        for (int turns = 0; turns < PATIENCE && readers[i].read < readers[i].length; turns++) {
            turn(&bench);
            read_some(&readers[i], SIZE_MAX);
        }
        assert_int_equal(readers[i].read, readers[i].length);
        assert_true(readers[i].length > 100000);
        close(readers[i].fd);
        free(readers[i].expected);
    }
    bench_finish(&bench);
}

/* ---- the slow ---- */

static const struct msim_connection_limits narrow = {.max_backlog_bytes = 64 * 1024,
                                                     .kernel_send_bytes = 8 * 1024};

/* Publishes numbered messages of 1 KiB, of which `fast` reads every one. */
static void flood(struct bench *bench, struct msim_topic *topic, int fast, uint32_t count)
{
    static char message[1024];
    struct msim_topic_stats stats;

    for (uint32_t i = 0; i < count; i++) {
        memcpy(message, &i, sizeof i);
        assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_BINARY, message, sizeof message),
                         MSIM_OK);
        raw_expect_frame(bench, fast, 0x82, message, sizeof message);
        msim_topic_stats(topic, &stats);
        assert_in_range(stats.run_bytes, 0, 256 * 1024);
    }
}

static void one_who_does_not_read_is_closed_and_nobody_else(void **state)
{
    struct msim_topic_stats stats;
    struct bench bench;
    static char came[16 << 20];

    (void)state;
    bench_open(&bench, &narrow, 0);
    struct msim_topic *topic = make_topic(&bench, MSIM_SLOW_DISCONNECT);
    int slow = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    int fast = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    flood(&bench, topic, fast, 12000);
    msim_topic_stats(topic, &stats);
    assert_int_equal(stats.disconnected, 1);
    assert_int_equal(stats.subscribers, 1);
    assert_int_equal(stats.messages, 12000);

    /* Whole messages, and then the close frame. */
    size_t length = raw_read(&bench, slow, came, sizeof came);
    size_t frames = length / 1028;
    assert_int_equal(length % 1028, 4 + strlen("reading too slowly"));
    assert_int_equal((unsigned char)came[frames * 1028], 0x88);
    assert_int_equal((unsigned char)came[frames * 1028 + 2] << 8 |
                         (unsigned char)came[frames * 1028 + 3],
                     MSIM_CLOSE_TRY_LATER);
    close(slow);
    close(fast);
    bench_finish(&bench);
}

static void one_who_may_miss_messages_loses_the_oldest_and_they_are_counted(void **state)
{
    struct msim_topic_stats stats;
    unsigned char frame[1028];
    struct bench bench;
    uint32_t expected = 0;
    uint32_t missed = 0;

    (void)state;
    bench_open(&bench, &narrow, 0);
    struct msim_topic *topic = make_topic(&bench, MSIM_SLOW_DROP);
    int slow = raw_open(&bench);
    struct msim_connection *connection = bench.last;
    assert_int_equal(msim_topic_subscribe(topic, connection), MSIM_OK);
    int fast = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    flood(&bench, topic, fast, 12000);
    assert_in_range(msim_connection_backlog(connection), 60 * 1024, 64 * 1024);
    while (expected < 12000) {
        uint32_t number;
        assert_int_equal(raw_read(&bench, slow, frame, sizeof frame), sizeof frame);
        assert_memory_equal(frame, "\x82\x7e\4\0", 4);
        memcpy(&number, frame + 4, sizeof number);
        assert_in_range(number, expected, 11999);
        missed += number - expected;
        expected = number + 1;
    }
    msim_topic_stats(topic, &stats);
    assert_true(missed > 0);
    assert_int_equal(stats.dropped, missed);
    assert_int_equal(msim_topic_dropped(topic, connection), missed);
    assert_int_equal(stats.disconnected, 0);
    close(slow);
    close(fast);
    bench_finish(&bench);
}

/* ---- conflation ---- */

#define KEYS 10

struct ticker {
    uint32_t key;
    uint32_t number;
    char padding[1016];
};

static void tick(struct msim_topic *topic, uint32_t number)
{
    struct ticker ticker = {.key = number * 7 % KEYS, .number = number};

    assert_int_equal(
        msim_topic_publish_keyed(topic, ticker.key, MSIM_MESSAGE_BINARY, &ticker, sizeof ticker),
        MSIM_OK);
}

/* Reads until the message `last` has come; how many did, all in order. */
static uint32_t read_tickers(struct bench *bench, int fd, uint32_t last,
                             uint32_t latest[static KEYS])
{
    unsigned char frame[4 + sizeof(struct ticker)];
    struct ticker ticker = {0};
    uint32_t count = 0;

    while (count == 0 || ticker.number < last) {
        uint32_t before = ticker.number;
        assert_int_equal(raw_read(bench, fd, frame, sizeof frame), sizeof frame);
        assert_memory_equal(frame, "\x82\x7e\4\0", 4);
        memcpy(&ticker, frame + 4, sizeof ticker);
        assert_true(count == 0 || ticker.number > before);
        latest[ticker.key] = ticker.number;
        count++;
    }
    return count;
}

/*
 * Now and then the system takes a little more, and it is in the run again for a while: out of it,
 * what is published adds nothing to what waits.  Returns the number of the next message.
 */
static uint32_t tick_until_out_of_the_run(struct bench *bench, struct msim_topic *topic,
                                          const struct msim_connection *connection, uint32_t number)
{
    for (int i = 0; i < PATIENCE; i++) {
        size_t before = msim_connection_backlog(connection);
        tick(topic, number++);
        if (msim_connection_backlog(connection) == before)
            return number;
        turn(bench);
    }
    fail_msg("it never left the run");
    return number;
}

static void one_who_is_slow_gets_the_latest_of_each_key_and_nothing_twice(void **state)
{
    struct msim_topic_stats stats;
    uint32_t latest[KEYS] = {0};
    struct bench bench;

    (void)state;
    bench_open(&bench, &narrow, 0);
    struct msim_topic *topic = make_topic(&bench, MSIM_SLOW_CONFLATE);
    int slow = raw_open(&bench);
    struct msim_connection *connection = bench.last;
    assert_int_equal(msim_topic_subscribe(topic, connection), MSIM_OK);
    assert_int_equal(msim_topic_publish(topic, MSIM_MESSAGE_TEXT, "a", 1), MSIM_ERR_INVALID);
    for (uint32_t i = 0; i < 12000; i++) {
        tick(topic, i);
        if (i % 16 > 0)
            continue;
        /* The bound is looked at when a turn ends: more may come within one. */
        turn(&bench);
        assert_in_range(msim_connection_backlog(connection), 0, 64 * 1024);
    }
    uint32_t end = tick_until_out_of_the_run(&bench, topic, connection, 12000);
    assert_int_equal(msim_connection_send(connection, MSIM_MESSAGE_TEXT, "", 0), MSIM_OK);
    msim_topic_stats(topic, &stats);
    assert_in_range(stats.run_bytes, 0, 256 * 1024);

    /* Its own message does not wait for the latest, yet for what was under way. */
    unsigned char frame[4 + sizeof(struct ticker)];
    uint32_t count = 0;
    while (raw_read(&bench, slow, frame, 2) == 2 && frame[0] == 0x82) {
        assert_int_equal(raw_read(&bench, slow, frame + 2, sizeof frame - 2), sizeof frame - 2);
        count++;
    }
    assert_memory_equal(frame, "\x81\0", 2);
    count += read_tickers(&bench, slow, end - 1, latest);
    for (uint32_t key = 0; key < KEYS; key++)
        assert_in_range(latest[key], end - KEYS, end - 1);
    msim_topic_stats(topic, &stats);
    assert_true(stats.conflated > 0);
    assert_int_equal(stats.conflated, end - count);
    assert_int_equal(msim_topic_dropped(topic, connection), stats.conflated);
    assert_int_equal(stats.dropped, 0);

    /* It is in the run again, and misses nothing. */
    for (uint32_t i = end; i < end + 100; i++)
        tick(topic, i);
    assert_int_equal(read_tickers(&bench, slow, end + 99, latest), 100);
    close(slow);
    bench_finish(&bench);
}

static void a_topic_has_no_more_keys_than_its_bound(void **state)
{
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
    struct msim_topic *topic = NULL;
    static char large[2040];
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    params.policy = MSIM_SLOW_CONFLATE;
    params.max_keys = 3;
    params.max_run_bytes = 4096;
    assert_int_equal(msim_topic_create(bench.net, &topic, &params), MSIM_OK);
    int fd = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    for (uint64_t key = 0; key < 6; key++)
        assert_int_equal(msim_topic_publish_keyed(topic, key % 3, MSIM_MESSAGE_TEXT, "a", 1),
                         MSIM_OK);
    assert_int_equal(msim_topic_publish_keyed(topic, 3, MSIM_MESSAGE_TEXT, "b", 1), MSIM_ERR_LIMIT);
    assert_int_equal(msim_topic_publish_keyed(topic, 0, MSIM_MESSAGE_TEXT, large, sizeof large - 4),
                     MSIM_OK);
    raw_expect(&bench, fd, "\x81\1a\x81\1a\x81\1a\x81\1a\x81\1a\x81\1a\x81\x7e\x07\xf4", 22);
    assert_int_equal(msim_topic_publish_keyed(topic, 1, MSIM_MESSAGE_TEXT, large, sizeof large - 4),
                     MSIM_OK);
    assert_int_equal(msim_topic_publish_keyed(topic, 2, MSIM_MESSAGE_TEXT, large, 80),
                     MSIM_ERR_LIMIT);
    close(fd);
    bench_finish(&bench);
}

/* ---- several topics, and all of them at once ---- */

struct purse {
    size_t held;
    size_t most;
};

static void *purse_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    struct purse *purse = context;
    void *memory = NULL;

    if (new_size > 0)
        memory = realloc(pointer, new_size);
    else
        free(pointer);
    if (new_size > 0 && !memory)
        return NULL;
    purse->held += new_size - old_size;
    if (purse->held > purse->most)
        purse->most = purse->held;
    return memory;
}

/*
 * Each does what holds memory: it reads nothing, pings without end, and begins a large message
 * that it does not end.
 */
static void whatever_clients_do_the_memory_is_bounded_by_the_settings(void **state)
{
    const struct msim_connection_limits limits = {.max_backlog_bytes = 64 * 1024,
                                                  .max_message_bytes = 32 * 1024,
                                                  .kernel_send_bytes = 8 * 1024};
    static const enum msim_slow_policy policies[] = {MSIM_SLOW_DROP, MSIM_SLOW_CONFLATE};
    enum { OPEN = 24, RUN = 256 * 1024, CONTROL = 16 * 1024, SMALL = 4 * 1024 };
    static const unsigned char part[16000];
    static const char message[1000];
    struct msim_topic *topics[2];
    struct msim_connection *connections[OPEN];
    struct purse purse = {0};
    const struct msim_allocator allocator = {purse_resize, &purse};
    struct bench bench;
    int fds[OPEN];

    (void)state;
    bench_open_with(&bench, &limits, 0, &allocator);
    size_t at_rest = purse.held;
    for (size_t i = 0; i < 2; i++)
        topics[i] = make_topic_of(&bench, policies[i], RUN);
    for (size_t i = 0; i < OPEN; i++) {
        fds[i] = raw_open(&bench);
        connections[i] = bench.last;
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(msim_topic_subscribe(topics[k], connections[i]), MSIM_OK);
        raw_send_frame(&bench, fds[i], 0x02, part, sizeof part);
        bench.log[0] = '\0';
    }
    for (unsigned i = 0; i < 20000; i++) {
        unsigned char ping[64];
        assert_int_equal(
            msim_topic_publish(topics[0], MSIM_MESSAGE_BINARY, message, sizeof message), MSIM_OK);
        assert_int_equal(msim_topic_publish_keyed(topics[1], i % 50, MSIM_MESSAGE_BINARY, message,
                                                  sizeof message),
                         MSIM_OK);
        int r = msim_connection_send(connections[i % OPEN], MSIM_MESSAGE_TEXT, message, 1000);
        assert_true(r == MSIM_OK || r == MSIM_ERR_LIMIT);
        size_t length = raw_frame(ping, 0x89, message, 40, raw_key);
        send(fds[i % OPEN], ping, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (i % 16 == 0)
            turn(&bench);
    }
    size_t each = limits.max_backlog_bytes + limits.max_message_bytes + CONTROL + SMALL;
    assert_in_range(purse.most, at_rest + OPEN * limits.max_backlog_bytes / 2,
                    at_rest + OPEN * each + 2 * (RUN + 64 * 1024) + RUN);
    for (size_t i = 0; i < OPEN; i++)
        close(fds[i]);
    memset(bench.log, 0, sizeof bench.log);
    bench_finish(&bench);
    assert_int_equal(purse.held, 0);
}

static void note_drained(void *context, struct msim_topic *topic)
{
    (void)topic;
    ++*(int *)context;
}

static void publishing_waits_for_one_who_must_not_miss_anything(void **state)
{
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
    struct msim_topic *topic = NULL;
    static char message[1024];
    struct bench bench;
    int drained = 0;
    uint32_t count = 0;
    int r;

    (void)state;
    bench_open(&bench, &narrow, 0);
    params.policy = MSIM_SLOW_WAIT;
    params.drained = note_drained;
    params.context = &drained;
    assert_int_equal(msim_topic_create(bench.net, &topic, &params), MSIM_OK);
    int fd = raw_open(&bench);
    assert_int_equal(msim_topic_subscribe(topic, bench.last), MSIM_OK);
    while ((r = msim_topic_publish(topic, MSIM_MESSAGE_BINARY, message, sizeof message)) ==
           MSIM_OK) {
        count++;
        if (count % 16 == 0)
            turn(&bench);
        assert_true(count < 100000);
    }
    assert_int_equal(r, MSIM_ERR_LIMIT);
    assert_in_range(msim_connection_backlog(bench.last), 60 * 1024, 64 * 1024);
    for (uint32_t i = 0; i < count; i++)
        raw_expect_frame(&bench, fd, 0x82, message, sizeof message);
    assert_int_equal(drained, 1);
    publish(topic, "on");
    raw_expect_frame(&bench, fd, 0x81, "on", 2);
    close(fd);
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_message_keeps_its_place_among_the_public),
        cmocka_unit_test(one_who_leaves_gets_what_was_published_before),
        cmocka_unit_test(one_whose_link_breaks_while_its_last_words_are_read_ends_once),
        cmocka_unit_test(everybody_reads_what_copies_of_its_own_would_have_been),
        cmocka_unit_test(one_who_does_not_read_is_closed_and_nobody_else),
        cmocka_unit_test(one_who_may_miss_messages_loses_the_oldest_and_they_are_counted),
        cmocka_unit_test(one_who_is_slow_gets_the_latest_of_each_key_and_nothing_twice),
        cmocka_unit_test(a_topic_has_no_more_keys_than_its_bound),
        cmocka_unit_test(whatever_clients_do_the_memory_is_bounded_by_the_settings),
        cmocka_unit_test(publishing_waits_for_one_who_must_not_miss_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
