/*
 * A file of any number of trades, made on the spot, through replay-server to its clients.
 *
 *     huge_replay REPLAY-SERVER FOLDER ROWS ORDER MEMORY CLIENTS
 *
 * ORDER is sorted, late or shuffled, MEMORY counts MiB.  As many clients as that have replays of
 * their own at once, each of its part of the time; then one hears all.  Every message must be the
 * one that the trades' law gives, byte for byte.  In the end the server's memory must have stayed
 * within MEMORY and 64 MiB more, and what it wrote to the disk must be what sorting once takes.
 */
#define _GNU_SOURCE

#include "huge_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <marketsim/parquet.h>

/* What a process may take beside the memory that it was given; a sanitizer takes its own. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define BESIDE_KIB (1024L << 10)
#else
#define BESIDE_KIB (64L << 10)
#endif
/* Sorting once writes every trade twice at most, in so many bytes, and a little around them. */
#define TRADE_BYTES 40
#define AROUND_BYTES ((uint64_t)16 << 20)

#define GROUP_ROWS (1 << 20)
#define INPUT_BYTES ((size_t)1 << 20)

struct huge_test {
    struct huge huge;
    const char *server;
    const char *folder;
    const char *order;
    char file[512];
    unsigned long memory;
    unsigned clients;
    pid_t pid;
    char port[8];
};

static void fail(const char *words)
{
    fprintf(stderr, "huge_replay: %s%s%s\n", words, errno ? ": " : "",
            errno ? strerror(errno) : "");
    exit(1);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the file ---- */

static void write_file(const struct huge_test *test)
{
    const struct msim_parquet_column columns[] = {
        {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        {.name = "price", .type = MSIM_PARQUET_INT64},
        {.name = "volume", .type = MSIM_PARQUET_INT64},
        {.name = "ticker", .type = MSIM_PARQUET_STRING},
    };
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;
    struct msim_detail detail = {{0}};

    params.path = test->file;
    params.columns = columns;
    params.column_count = sizeof columns / sizeof columns[0];
    params.row_group_rows = GROUP_ROWS;
    int r = msim_parquet_writer_create(&writer, &params, &detail);
    for (uint64_t row = 0; r >= 0 && row < test->huge.rows; row++) {
        char ticker[HUGE_TICKER_BYTES];
        const struct msim_parquet_value values[] = {
            {.integer = huge_time(&test->huge, row)},
            {.integer = huge_price(row)},
            {.integer = huge_volume(row)},
            {.text = ticker, .text_length = huge_ticker(row, ticker)},
        };
        r = msim_parquet_writer_row(writer, values, &detail);
    }
    if (r >= 0)
        r = msim_parquet_writer_finish(writer, &detail);
    msim_parquet_writer_destroy(&writer);
    if (r < 0) {
        errno = 0;
        fail(detail.text);
    }
}

/* ---- the server ---- */

static void start(struct huge_test *test)
{
    int out[2];
    char memory[32];
    FILE *lines;
    char *line = NULL, *at = NULL;
    size_t room = 0;

    snprintf(memory, sizeof memory, "%luM", test->memory);
    if (pipe2(out, O_CLOEXEC) < 0 || (test->pid = fork()) < 0)
        fail("a process");
    if (test->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDERR_FILENO);
        execl(test->server, test->server, "--port", "0", "--speed", "max", "--memory", memory,
              "--temp-dir", test->folder, test->file, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    lines = fdopen(out[0], "r");
    while (lines && !at && getline(&line, &room, lines) >= 0) {
        at = strstr(line, "ws://");
        at = at ? strchr(at + strlen("ws://"), ':') : NULL;
    }
    if (!at)
        fail("the server did not come up");
    snprintf(test->port, sizeof test->port, "%lu", strtoul(at + 1, NULL, 10));
    free(line);
    /* The pipe stays open: the server's last words need a reader. */
}

/* What the process has given to its disks so far. */
static uint64_t written(const struct huge_test *test)
{
    char path[64], line[128];
    uint64_t bytes = 0;

    snprintf(path, sizeof path, "/proc/%ld/io", (long)test->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "write_bytes: ", 13) == 0)
            bytes = strtoull(line + 13, NULL, 10);
    if (file)
        fclose(file);
    return bytes;
}

/* ---- a client ---- */

struct client {
    int fd;
    char *input;
    size_t at;
    size_t end;
};

/* Makes so many bytes stand at `at`. */
static void need(struct client *client, size_t length)
{
    if (client->end - client->at >= length)
        return;
    memmove(client->input, client->input + client->at, client->end - client->at);
    client->end -= client->at;
    client->at = 0;
    while (client->end < length) {
        ssize_t got = read(client->fd, client->input + client->end, INPUT_BYTES - client->end);
        if (got <= 0)
            fail("the connection ended too early");
        client->end += (size_t)got;
    }
}

/* A frame's payload, which stands until the next one; `*first` is its first byte. */
static const char *next_frame(struct client *client, unsigned char *first, size_t *length)
{
    const unsigned char *head;
    size_t size = 2;

    need(client, 2);
    head = (const unsigned char *)client->input + client->at;
    *first = head[0];
    *length = head[1];
    if (*length == 126) {
        need(client, size = 4);
        head = (const unsigned char *)client->input + client->at;
        *length = (size_t)head[2] << 8 | head[3];
    } else if (*length > 126) {
        fail("a frame that is masked, or longer than any is");
    }
    need(client, size + *length);
    const char *payload = client->input + client->at + size;
    client->at += size + *length;
    return payload;
}

static void expect(struct client *client, unsigned char first, const char *text, size_t length,
                   uint64_t bundle)
{
    /* Masked with zeros. */
    static const unsigned char pong[] = {0x8A, 0x80, 0, 0, 0, 0};
    unsigned char got_first;
    size_t got_length;
    const char *got = next_frame(client, &got_first, &got_length);

    /* Who waits long for the first trade is asked whether it is still there. */
    while (got_first == 0x89 && got_length == 0) {
        if (write(client->fd, pong, sizeof pong) != (ssize_t)sizeof pong)
            fail("a pong");
        got = next_frame(client, &got_first, &got_length);
    }

    if (got_first == first && got_length == length && memcmp(got, text, length) == 0)
        return;
    fprintf(stderr, "bundle %" PRIu64 ": expected %.*s\n     got %02x %.*s\n", bundle, (int)length,
            text, got_first, (int)got_length, got);
    errno = 0;
    fail("not what the file holds");
}

static void expect_text(struct client *client, const char *text)
{
    expect(client, 0x81, text, strlen(text), 0);
}

static void open_connection(struct client *client, const struct huge_test *test, const char *query)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET};
    struct addrinfo *address = NULL;
    char request[512];

    client->input = malloc(INPUT_BYTES);
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!client->input || getaddrinfo("127.0.0.1", test->port, &hints, &address) != 0 ||
        connect(client->fd, address->ai_addr, address->ai_addrlen) < 0)
        fail("a connection");
    freeaddrinfo(address);
    int length = snprintf(request, sizeof request,
                          "GET /%s HTTP/1.1\r\nHost: localhost:%s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          query, test->port);
    if (write(client->fd, request, (size_t)length) != length)
        fail("a request");
    for (bool is_over = false; !is_over;) {
        char *line;
        need(client, client->end - client->at + 1);
        client->input[client->end < INPUT_BYTES ? client->end : INPUT_BYTES - 1] = '\0';
        line = strstr(client->input + client->at, "\r\n\r\n");
        is_over = line != NULL;
        if (is_over)
            client->at = (size_t)(line + 4 - client->input);
    }
}

static void print_moment(uint64_t bundle, char text[40])
{
    uint64_t at = bundle / 1000;

    snprintf(text, 40, "2022-07-01T%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 "Z",
             at / 3600, at / 60 % 60, at % 60, bundle % 1000);
}

/* Hears the bundles first..end, and all that stands around them. */
static void listen_to(const struct huge_test *test, uint64_t first, uint64_t end)
{
    struct client client = {0};
    char query[128] = "", from[40], to[40];

    print_moment(first, from);
    print_moment(end, to);
    if (first > 0 || end < huge_bundles(&test->huge))
        snprintf(query, sizeof query, "?from=%s&to=%s", from, to);
    open_connection(&client, test, query);
    expect_text(&client, "{\"status\": \"Data loaded. Starting replay.\"}");
    for (uint64_t bundle = first; bundle < end; bundle++) {
        uint64_t rows[HUGE_BUNDLE];
        char text[HUGE_MESSAGE_BYTES];
        size_t count = huge_bundle(&test->huge, bundle, rows);
        for (size_t i = 0; i < count; i++)
            expect(&client, 0x81, text, huge_message(bundle, rows[i], text), bundle);
    }
    expect_text(&client, "{\"status\": \"Replay finished.\"}");
    expect(&client, 0x88, "\x03\xE8", 2, end);
    close(client.fd);
    free(client.input);
}

/* So many at once, each in a process of its own. */
static void listen_at_once(const struct huge_test *test, unsigned clients)
{
    uint64_t bundles = huge_bundles(&test->huge);
    bool all_well = true;
    double start = seconds();

    for (unsigned i = 0; i < clients; i++) {
        pid_t pid = fork();
        if (pid < 0)
            fail("a process");
        if (pid == 0) {
            listen_to(test, bundles * i / clients, bundles * (i + 1) / clients);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < clients; i++) {
        int status = 1;
        if (wait(&status) == test->pid)
            fail("the server ended");
        all_well &= status == 0;
    }
    double took = seconds() - start;
    errno = 0;
    if (!all_well)
        fail("a client did not hear what it should");
    printf("%u at once: %" PRIu64 " trades in %.1f s, %.2f million/s; the server wrote %" PRIu64
           " MiB so far\n",
           clients, test->huge.rows, took, (double)test->huge.rows / took / 1e6,
           written(test) >> 20);
    fflush(stdout);
}

/* ---- all of it ---- */

static void end(const struct huge_test *test)
{
    uint64_t bytes = written(test);
    struct rusage usage;
    int status = 1;

    kill(test->pid, SIGTERM);
    if (wait4(test->pid, &status, 0, &usage) != test->pid)
        fail("the server's end");
    printf("%s, %" PRIu64 " rows, --memory %luM: peak RSS %.1f MiB, written %.1f MiB, CPU %.1f s\n",
           test->order, test->huge.rows, test->memory, (double)usage.ru_maxrss / 1024,
           (double)bytes / 1048576,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    errno = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("the server did not end well");
    if (usage.ru_maxrss > ((long)test->memory << 10) + BESIDE_KIB)
        fail("more memory than --memory and 64 MiB");
    if (bytes > 2 * TRADE_BYTES * test->huge.rows + AROUND_BYTES)
        fail("more was written than sorting once takes");
}

static enum huge_order read_order(const char *word)
{
    if (strcmp(word, "sorted") != 0 && strcmp(word, "late") != 0 && strcmp(word, "shuffled") != 0)
        fail("ORDER is sorted, late or shuffled");
    return word[0] == 's' && word[1] == 'o' ? HUGE_SORTED
           : word[0] == 'l'                 ? HUGE_LATE
                                            : HUGE_SHUFFLED;
}

int main(int argc, char **argv)
{
    struct huge_test test = {0};

    errno = 0;
    if (argc != 7)
        fail("usage: huge_replay REPLAY-SERVER FOLDER ROWS ORDER MEMORY CLIENTS");
    test.server = argv[1];
    test.folder = argv[2];
    test.huge.rows = strtoull(argv[3], NULL, 10);
    test.order = argv[4];
    test.huge.order = read_order(test.order);
    test.memory = strtoul(argv[5], NULL, 10);
    test.clients = (unsigned)strtoul(argv[6], NULL, 10);
    snprintf(test.file, sizeof test.file, "%.400s/huge-%ld.parquet", test.folder, (long)getpid());
    double before = seconds();
    write_file(&test);
    printf("%" PRIu64 " rows written in %.1f s\n", test.huge.rows, seconds() - before);
    fflush(stdout);
    start(&test);
    /* It is open: nothing stays behind where this fails. */
    unlink(test.file);
    listen_at_once(&test, test.clients);
    listen_at_once(&test, 1);
    end(&test);
    return 0;
}
