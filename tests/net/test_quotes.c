/*
 * What befalls a client of the quotes server, as it sees it from a raw socket; beside it stands
 * one whom nothing befalls.
 */
#include "bench.h"

#include <marketsim/marketsim.h>

struct market {
    struct msim_quotes_server *server;
    struct msim_faults *faults;
    struct bench bench; /* of whom only the net is used: the server's */
};

static void open_market(struct market *market, const char *strategy)
{
    struct msim_quotes_server_params params = MSIM_QUOTES_SERVER_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_mock_params mock = MSIM_MOCK_PARAMS_INIT;
    struct msim_detail detail = {""};
    char plan[512];

    memset(market, 0, sizeof *market);
    snprintf(plan, sizeof plan, "[%s]", strategy);
    mock.symbols = msim_mock_default_symbols(&mock.symbol_count);
    mock.interval = MS;
    assert_int_equal(msim_source_mock(&params.source, &mock, &detail), MSIM_OK);
    params.start = faults.start = mock.start;
    if (msim_quotes_server_check_faults(plan, strlen(plan), &detail) < 0 ||
        msim_faults_create(&market->faults, &faults, &detail) < 0 ||
        msim_faults_add_all(market->faults, mock.start, plan, strlen(plan), &detail) < 0)
        fail_msg("%s", detail.text);
    params.faults = market->faults;
    if (msim_quotes_server_create(&market->server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    market->bench.net = msim_quotes_server_net(market->server);
}

static void close_market(struct market *market)
{
    msim_quotes_server_destroy(&market->server);
    msim_faults_destroy(&market->faults);
}

static int ask(struct market *market, const char *name)
{
    char request[512];
    int fd = raw_connect_to(msim_quotes_server_port(market->server));

    snprintf(request, sizeof request, "GET /?msim_client=%s HTTP/1.1\r\n" RAW_UPGRADE, name);
    raw_say(&market->bench, fd, request);
    return fd;
}

static int join(struct market *market, const char *name)
{
    int fd = ask(market, name);

    raw_expect(&market->bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    return fd;
}

struct frame {
    unsigned first;
    size_t length;
    unsigned char payload[1024];
};

/* The next frame that comes; false where the stream ends. */
static bool next_frame(struct market *market, int fd, struct frame *frame)
{
    unsigned char head[4];

    if (raw_read(&market->bench, fd, head, 2) < 2)
        return false;
    frame->first = head[0];
    frame->length = head[1];
    if (frame->length == 126) {
        assert_int_equal(raw_read(&market->bench, fd, head + 2, 2), 2);
        frame->length = (size_t)head[2] << 8 | head[3];
    }
    assert_in_range(frame->length, 0, sizeof frame->payload);
    assert_int_equal(raw_read(&market->bench, fd, frame->payload, frame->length), frame->length);
    return true;
}

/* Everything that comes in `count` turns. */
static size_t take(struct market *market, int fd, unsigned char *out, size_t size, int count)
{
    size_t have = 0;

    for (int i = 0; i < count; i++) {
        turn(&market->bench);
        ssize_t came = recv(fd, out + have, size - have, 0);
        if (came > 0)
            have += (size_t)came;
        assert_true(have < size);
    }
    return have;
}

/* ---- ends ---- */

static size_t frames_before_the_end(struct market *market, int fd, struct frame *last)
{
    size_t count = 0;

    errno = 0;
    while (next_frame(market, fd, last) && last->first == 0x81)
        count++;
    return count;
}

#define ON_THE_FOURTH                               \
    "\"select\":{\"dir\":\"out\",\"label\":\"bot1/" \
    "*\"},\"skip\":3,\"max_hits\":1,\"when\":\"after\""

static void a_session_ends_in_the_way_that_was_chosen(void **state)
{
    static const char *const ends[] = {
        "{\"kind\":\"session\",\"action\":\"close\",\"code\":4000," ON_THE_FOURTH "}",
        "{\"kind\":\"session\",\"action\":\"fin\",\"queue\":\"flush\"," ON_THE_FOURTH "}",
        "{\"kind\":\"session\",\"action\":\"rst\"," ON_THE_FOURTH "}",
    };
    struct market market;

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct frame frame = {0};
        open_market(&market, ends[i]);
        int fd = join(&market, "bot1");
        int other = join(&market, "bot2");
        size_t count = frames_before_the_end(&market, fd, &frame);
        int error = errno;
        if (i == 0) {
            assert_int_equal(frame.first, 0x88);
            assert_memory_equal(frame.payload, "\x0F\xA0", 2);
        }
        if (i == 1)
            assert_end(&market.bench, fd);
        if (i == 2)
            assert_int_equal(error, ECONNRESET);
        assert_int_equal(count, 4);
        for (int k = 0; k < 20; k++)
            assert_true(next_frame(&market, other, &frame) && frame.first == 0x81);
        close(fd);
        close(other);
        close_market(&market);
    }
}

/* ---- states that go on ---- */

/* Does the server read?  So much is more than two systems hold for one that does not. */
static bool is_read(struct market *market, int fd)
{
    static const unsigned char zeros[65000];
    static unsigned char frame[65536];
    static unsigned char sink[1 << 20];
    const size_t size = raw_frame(frame, 0x82, zeros, sizeof zeros, raw_key);
    size_t left = 400 * size;

    for (int idle = 0; idle < 300 && left > 0;) {
        size_t at = (size - left % size) % size;
        ssize_t sent = send(fd, frame + at, size - at, MSG_NOSIGNAL);
        left -= sent > 0 ? (size_t)sent : 0;
        idle = sent > 0 ? 0 : idle + 1;
        turn(&market->bench);
        while (recv(fd, sink, sizeof sink, 0) > 0)
            continue;
    }
    return left == 0;
}

static void a_state_leaves_of_a_session_what_its_row_says(void **state)
{
    static const struct {
        const char *action;
        bool data;
        bool pongs;
        bool reads;
    } rows[] = {
        {"freeze", false, false, false},   {"freeze_out", false, false, true},
        {"freeze_in", true, true, true},   {"zombie", false, true, true},
        {"half_open", false, false, true},
    };
    static unsigned char came[1 << 20];
    struct frame frame;
    struct market market;
    char strategy[256];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(strategy, sizeof strategy,
                 "{\"kind\":\"session\",\"action\":\"%s\"," ON_THE_FOURTH "}", rows[i].action);
        open_market(&market, strategy);
        int fd = join(&market, "bot1");
        int other = join(&market, "bot2");
        for (int k = 0; k < 4; k++)
            assert_true(next_frame(&market, fd, &frame) && frame.first == 0x81);
        raw_send_frame(&market.bench, fd, 0x89, "you?", 4);
        size_t length = take(&market, fd, came, sizeof came, 50);
        assert_int_equal(memmem(came, length, "\x8A\4you?", 6) != NULL, rows[i].pongs);
        assert_int_equal(length > 6, rows[i].data);
        for (int k = 0; k < 20; k++)
            assert_true(next_frame(&market, other, &frame) && frame.first == 0x81);
        assert_int_equal(is_read(&market, fd), rows[i].reads);
        close(fd);
        close(other);
        close_market(&market);
    }
}

static void what_was_frozen_comes_when_it_thaws_and_nothing_is_missing(void **state)
{
    struct market market;
    struct frame frame;
    struct frame same;

    (void)state;
    open_market(&market,
                "{\"kind\":\"session\",\"action\":\"freeze\",\"duration\":\"30ms\"," ON_THE_FOURTH
                "}");
    int fd = join(&market, "bot1");
    int other = join(&market, "bot2");
    assert_true(next_frame(&market, other, &same));
    do
        assert_true(next_frame(&market, fd, &frame));
    while (frame.length != same.length || memcmp(frame.payload, same.payload, same.length) != 0);
    for (int i = 0; i < 200; i++) {
        assert_true(next_frame(&market, fd, &frame));
        assert_true(next_frame(&market, other, &same));
        assert_int_equal(frame.length, same.length);
        assert_memory_equal(frame.payload, same.payload, same.length);
    }
    close(fd);
    close(other);
    close_market(&market);
}

/* ---- who comes ---- */

static void one_who_comes_meets_what_was_prepared_for_him(void **state)
{
    struct market market;
    char text[64] = "";

    (void)state;
    open_market(&market, "{\"kind\":\"session\",\"action\":\"http_error\",\"status\":502,"
                         "\"scope\":\"client\",\"client\":\"bot1\",\"at\":\"0s\"}");
    int fd = ask(&market, "bot1");
    assert_int_equal(raw_read(&market.bench, fd, text, 13), 13);
    assert_memory_equal(text, "HTTP/1.1 502 ", 13);
    close(fd);
    fd = raw_connect_to(msim_quotes_server_port(market.server));
    raw_say(&market.bench, fd, "GET / HTTP/1.1\r\nX-Msim-Client: bot1\r\n" RAW_UPGRADE);
    assert_int_equal(raw_read(&market.bench, fd, text, 13), 13);
    assert_memory_equal(text, "HTTP/1.1 502 ", 13);
    close(fd);
    close(join(&market, "bot2"));
    fd = ask(&market, "a%2Fb");
    assert_int_equal(raw_read(&market.bench, fd, text, 13), 13);
    assert_memory_equal(text, "HTTP/1.1 400 ", 13);
    close(fd);
    close_market(&market);

    open_market(&market,
                "{\"kind\":\"session\",\"action\":\"refuse\",\"scope\":\"all\",\"at\":\"0s\"}");
    for (int i = 0; i < 10; i++)
        turn(&market.bench); /* the market opens */
    fd = raw_connect_to(msim_quotes_server_port(market.server));
    ssize_t came = -1;
    errno = 0;
    for (int i = 0; i < PATIENCE && errno != ECONNRESET; i++) {
        turn(&market.bench);
        errno = 0;
        came = recv(fd, text, 1, 0);
    }
    assert_int_equal(came, -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    close_market(&market);

    open_market(&market, "{\"kind\":\"session\",\"action\":\"stall\",\"scope\":\"client\","
                         "\"client\":\"bot1\",\"at\":\"0s\"}");
    fd = ask(&market, "bot1");
    int other = join(&market, "bot2");
    struct frame frame;
    for (int k = 0; k < 20; k++)
        assert_true(next_frame(&market, other, &frame) && frame.first == 0x81);
    assert_int_equal(recv(fd, text, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    close(fd);
    close(other);
    close_market(&market);
}

/* ---- pieces ---- */

static void slices_change_how_a_message_comes_and_not_what_it_is(void **state)
{
    static const char *const plans[] = {
        "{\"kind\":\"slice\",\"select\":{\"dir\":\"out\",\"label\":\"bot1/*\"},\"chunk\":[1,40]}",
        "{\"kind\":\"slice\",\"select\":{\"dir\":\"out\",\"label\":\"bot1/*\"},\"chunk\":100,"
        "\"fragment\":true,\"pause\":\"100us\"}",
    };
    struct market market;
    struct frame same;

    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        open_market(&market, plans[i]);
        int other = join(&market, "bot2");
        int fd = join(&market, "bot1");
        struct frame whole = {0};
        bool is_met = false;
        assert_true(next_frame(&market, other, &same));
        for (int count = 0; count < 50;) {
            struct frame frame;
            whole.length = 0;
            size_t fragments = 0;
            do {
                assert_true(next_frame(&market, fd, &frame));
                assert_int_equal(frame.first & 0x0F, fragments > 0 ? 0 : 1);
                memcpy(whole.payload + whole.length, frame.payload, frame.length);
                whole.length += frame.length;
                fragments++;
            } while (!(frame.first & 0x80));
            assert_int_equal(fragments, i == 0 ? 1 : (whole.length + 99) / 100);
            /* The other came first: it has seen some more. */
            while (!is_met && (same.length != whole.length ||
                               memcmp(same.payload, whole.payload, whole.length) != 0))
                assert_true(next_frame(&market, other, &same));
            assert_int_equal(whole.length, same.length);
            assert_memory_equal(whole.payload, same.payload, same.length);
            is_met = true;
            count++;
            assert_true(next_frame(&market, other, &same));
        }
        close(fd);
        close(other);
        close_market(&market);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_ends_in_the_way_that_was_chosen),
        cmocka_unit_test(a_state_leaves_of_a_session_what_its_row_says),
        cmocka_unit_test(what_was_frozen_comes_when_it_thaws_and_nothing_is_missing),
        cmocka_unit_test(one_who_comes_meets_what_was_prepared_for_him),
        cmocka_unit_test(slices_change_how_a_message_comes_and_not_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
