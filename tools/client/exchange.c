#include "client/exchange.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <marketsim/dialer.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/commands.h"
#include "client/kinds.h"
#include "client/requests.h"
#include "client/script.h"
#include "client/words.h"

/* A view is drawn at most so often. */
#define DRAW_NS (100 * MSIM_NS_PER_MS)

/* When stdin has ended and all is answered, so long may it take to hear that nothing else comes. */
#define FAREWELL_NS (5 * MSIM_NS_PER_S)
#define FAREWELL_ID "market-client-end"

struct exchange {
    const struct exchange_settings *settings;
    struct terminal *terminal;
    struct msim_net *net;
    struct msim_dialer *dialer;
    struct views views;
    struct script *script;
    char url[EXCHANGE_URL];
    struct command command;
    struct requests requests;
    char line[COMMAND_LINE];
    size_t line_length;
    size_t line_number; /* of the latest command */
    struct {
        size_t count; /* of JSON lines of the person's own that bear no id */
        size_t line;  /* of the last one */
        char words[REQUEST_WORDS];
    } nameless;
    uint64_t sequence; /* of the account's last message */
    bool has_sequence;
    size_t connections; /* that were opened */
    bool is_open;
    bool has_heard; /* the first message, which tells the kind */
    enum server_kind kind;
    bool reads;         /* stdin is to be read */
    bool reads_lines;   /* it was, though it may have ended */
    bool stdin_is_file; /* one that cannot be waited for */
    bool stdin_is_watched;
    bool is_ending; /* stdin has ended */
    bool is_leaving;
    bool over;
    msim_time next_draw;
    msim_time farewell; /* MSIM_TIME_NEVER until all was answered behind the end of stdin */
    int code;
};

/* ---- who and where ---- */

bool exchange_url(const char *url, const char *session, char out[static EXCHANGE_URL])
{
    static const char digits[] = "0123456789ABCDEF";
    const int head = snprintf(out, EXCHANGE_URL, "%s%csession=", url, strchr(url, '?') ? '&' : '?');

    if (head < 0 || head >= EXCHANGE_URL)
        return false;
    size_t at = (size_t)head;
    for (const unsigned char *c = (const unsigned char *)session; *c; c++) {
        if (at + 4 > EXCHANGE_URL)
            return false;
        if (isalnum(*c) || strchr("-._~", *c)) {
            out[at++] = (char)*c;
            continue;
        }
        out[at++] = '%';
        out[at++] = digits[*c >> 4];
        out[at++] = digits[*c & 15];
    }
    out[at] = '\0';
    return true;
}

static void finish(struct exchange *exchange, int code)
{
    if (exchange->code == EXIT_SUCCESS)
        exchange->code = code;
    exchange->over = true;
}

static void leave(struct exchange *exchange, int code)
{
    if (exchange->code == EXIT_SUCCESS)
        exchange->code = code;
    exchange->is_leaving = true;
    exchange->farewell = MSIM_TIME_NEVER;
    if (msim_dialer_connection(exchange->dialer))
        msim_connection_close(msim_dialer_connection(exchange->dialer), MSIM_CLOSE_NORMAL, "");
    else
        exchange->over = true;
}

/* Who types sees what went wrong, and may go on; nobody sees what was piped. */
static void note_mishap(struct exchange *exchange)
{
    if (!isatty(STDIN_FILENO))
        exchange->code = EXIT_FAILED;
}

/* A mishap of a command: of what was piped nobody else says which. */
static void fail_line(struct exchange *exchange, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail_line(struct exchange *exchange, size_t line, const char *format, ...)
{
    char words[2 * MSIM_DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    if (isatty(STDIN_FILENO))
        terminal_fail(exchange->terminal, "%s", words);
    else
        terminal_fail(exchange->terminal, "-:%zu: %s", line, words);
    note_mishap(exchange);
}

static void fail_sending(struct exchange *exchange, int r)
{
    terminal_fail(exchange->terminal, "not sent: %s", msim_result_text(r));
    note_mishap(exchange);
}

static bool say(struct exchange *exchange, const char *text, size_t length)
{
    if (!exchange->is_open) {
        terminal_fail(exchange->terminal, "not connected: nothing was sent");
        note_mishap(exchange);
        return false;
    }
    int r = msim_connection_send(msim_dialer_connection(exchange->dialer), MSIM_MESSAGE_TEXT, text,
                                 length);
    if (r >= 0)
        return true;
    fail_sending(exchange, r);
    return false;
}

/* What no line asked for: nobody misses it where the connection is closing, which will be told. */
static void say_text(struct exchange *exchange, const char *text)
{
    const int r = !exchange->is_open
                      ? MSIM_ERR_CLOSED
                      : msim_connection_send(msim_dialer_connection(exchange->dialer),
                                             MSIM_MESSAGE_TEXT, text, strlen(text));

    if (r < 0 && r != MSIM_ERR_CLOSED)
        fail_sending(exchange, r);
}

/* ---- what comes ---- */

static bool read_sequence(const struct msim_json_document *document, uint64_t *out)
{
    const uint32_t at = msim_json_member(document, 0, "sequence");
    int64_t number;

    if (at == MSIM_JSON_NONE || document->nodes[at].kind != MSIM_JSON_NUMBER ||
        msim_json_integer(document->text, document->nodes[at].start, document->nodes[at].end,
                          &number) < 0 ||
        number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

/* The list of open orders that a subscription begins with says how far it reaches; without a
 * number nothing was told of the account yet. */
static void note_beginning(struct exchange *exchange, const struct msim_json_document *document)
{
    if (exchange->has_sequence || !words_is(document, "type", "ORDERS") ||
        msim_json_member(document, 0, "request_id") != MSIM_JSON_NONE)
        return;
    if (!read_sequence(document, &exchange->sequence))
        exchange->sequence = 0;
    exchange->has_sequence = true;
}

/* The account's messages are numbered: one that is missing is told of. */
static void note_sequence(struct exchange *exchange, const struct msim_json_document *document)
{
    uint64_t sequence;

    if (msim_json_member(document, 0, "channel") != MSIM_JSON_NONE ||
        !(words_is(document, "type", "ORDER_ACK") || words_is(document, "type", "ORDER_FILL") ||
          words_is(document, "type", "ORDER_CANCEL")) ||
        !read_sequence(document, &sequence))
        return;
    if (exchange->has_sequence && sequence > exchange->sequence + 1)
        fprintf(stderr,
                "market-client: messages %" PRIu64 " to %" PRIu64 " of the account are "
                "missing\n",
                exchange->sequence + 1, sequence - 1);
    if (!exchange->has_sequence || sequence > exchange->sequence)
        exchange->sequence = sequence;
    exchange->has_sequence = true;
}

static void print_raw(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
    putchar('\n');
}

/* What bears no id answers one of the lines that had none. */
static void fail_nameless(struct exchange *exchange, const char *code)
{
    if (exchange->nameless.count == 1)
        fail_line(exchange, exchange->nameless.line, "'%s' was refused (%s)",
                  exchange->nameless.words, code);
    else if (exchange->nameless.count > 1)
        fail_line(exchange, exchange->nameless.line,
                  "this line, or one before it without a \"request_id\", was refused (%s)", code);
    else
        terminal_fail(exchange->terminal, "the exchange refused what no line had asked for (%s)",
                      code);
}

static void show(struct exchange *exchange, const struct msim_json_document *document)
{
    struct request request;
    char code[WORDS_TEXT];

    if (words_is(document, "type", "PONG") && words_is(document, "request_id", FAREWELL_ID)) {
        leave(exchange, EXIT_SUCCESS);
        return;
    }
    const bool is_answer =
        requests_take(&exchange->requests, document, &request) ||
        requests_take_resumed(&exchange->requests, document, exchange->connections, &request);
    note_beginning(exchange, document);
    note_sequence(exchange, document);
    if (words_is(document, "type", "ERROR") || words_is(document, "type", "ORDER_REJECT")) {
        note_mishap(exchange);
        words_member(document, 0, "code", code);
        if (is_answer && !isatty(STDIN_FILENO))
            fail_line(exchange, request.line, "'%s' was refused (%s)", request.words, code);
        else if (exchange->reads_lines && !is_answer && !isatty(STDIN_FILENO))
            fail_nameless(exchange, code);
    }
    if (exchange->settings->quiet || terminal_interrupted())
        return;
    if (exchange->settings->json)
        print_raw(document->text, document->length);
    else if (!views_take(&exchange->views, document) &&
             !(exchange->views.kind != VIEW_NONE && words_is(document, "type", "SUBSCRIBED")) &&
             !words_print(document))
        print_raw(document->text, document->length);
    /* Nothing will come where what a view shows is refused. */
    if (exchange->views.kind != VIEW_NONE && words_is(document, "type", "ERROR"))
        leave(exchange, EXIT_FAILED);
}

static int tell_kind(const struct exchange *exchange)
{
    return terminal_fail(exchange->terminal, "%s is no exchange, and %s",
                         exchange->settings->link->settings->url,
                         server_kind_words(exchange->kind));
}

/* By the first message; a server of another kind answers no command. */
static bool is_an_exchange(struct exchange *exchange, const char *text, size_t length)
{
    const bool is_first = !exchange->has_heard;

    exchange->has_heard = true;
    if (is_first)
        exchange->kind = server_kind_of(text, length);
    if (exchange->kind == SERVER_EXCHANGE || exchange->kind == SERVER_UNKNOWN)
        return true;
    if (is_first)
        leave(exchange, tell_kind(exchange));
    return false;
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct exchange *exchange = context;
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_json_document document;

    (void)connection;
    (void)kind;
    if (exchange->script) {
        if (!script_take(exchange->script, (const char *)bytes, length))
            leave(exchange, terminal_fail(exchange->terminal, "out of memory"));
        if (exchange->settings->json && !exchange->settings->quiet)
            print_raw((const char *)bytes, length);
        return;
    }
    if (!is_an_exchange(exchange, (const char *)bytes, length))
        return;
    if (msim_json_document_read(&document, (const char *)bytes, length, NULL, &allocator, NULL) <
        0) {
        if (!exchange->settings->quiet)
            print_raw((const char *)bytes, length);
        return;
    }
    show(exchange, &document);
    msim_json_document_finish(&document);
}

/* ---- stdin ---- */

static void end_of_input(struct exchange *exchange)
{
    exchange->reads = false;
    if (exchange->stdin_is_watched)
        msim_net_unwatch(exchange->net, STDIN_FILENO);
    exchange->stdin_is_watched = false;
    exchange->is_ending = true;
    if (!exchange->is_open)
        leave(exchange, EXIT_FAILED);
}

/* A last question: what the answers brought with them, such as fills, comes before its answer. */
static void ask_for_the_end(struct exchange *exchange)
{
    if (!exchange->is_ending || exchange->is_leaving || exchange->requests.count > 0 ||
        exchange->farewell != MSIM_TIME_NEVER)
        return;
    exchange->farewell = terminal_clock() + FAREWELL_NS;
    say_text(exchange, "{\"type\":\"PING\",\"request_id\":\"" FAREWELL_ID "\"}");
}

static void tell_unanswered(struct exchange *exchange, msim_time now)
{
    struct request request;

    while (requests_expire(&exchange->requests, now, &request)) {
        fail_line(exchange, request.line, "%s '%s' was not answered within %d s",
                  request.is_order ? "order" : "command", request.words, REQUESTS_SECONDS);
    }
}

static void send_command(struct exchange *exchange, const char *words)
{
    struct command *command = &exchange->command;
    struct request request = {.connection = exchange->connections, .line = exchange->line_number};

    requests_describe(command, &request);
    snprintf(request.words, sizeof request.words, "%s", words);
    const bool has_name = requests_name(&exchange->requests, command, request.id);
    if (!say(exchange, command->message, command->length))
        return;
    if (has_name) {
        requests_await(&exchange->requests, &request, terminal_clock());
        return;
    }
    exchange->nameless.count++;
    exchange->nameless.line = request.line;
    memcpy(exchange->nameless.words, request.words, sizeof request.words);
    terminal_clean(exchange->nameless.words);
}

static void take_line(struct exchange *exchange, char *line)
{
    struct command *command = &exchange->command;
    char words[REQUEST_WORDS];

    exchange->line_number++;
    snprintf(words, sizeof words, "%.*s", (int)strcspn(line, "\r\n"), line);
    command_read(line, command);
    switch (command->kind) {
    case COMMAND_SEND:
        send_command(exchange, words);
        break;
    case COMMAND_HELP:
        fputs(command_help(), stderr);
        break;
    case COMMAND_QUIT:
        end_of_input(exchange);
        break;
    case COMMAND_WRONG:
        fail_line(exchange, exchange->line_number, "%s", command->why);
        break;
    default:
        break;
    }
}

static void take_lines(struct exchange *exchange)
{
    size_t begin = 0;

    while (exchange->reads && requests_have_room(&exchange->requests)) {
        char *end = memchr(exchange->line + begin, '\n', exchange->line_length - begin);
        if (!end)
            break;
        *end = '\0';
        take_line(exchange, exchange->line + begin);
        begin = (size_t)(end - exchange->line) + 1;
    }
    exchange->line_length -= begin;
    memmove(exchange->line, exchange->line + begin, exchange->line_length);
    if (!exchange->reads || !requests_have_room(&exchange->requests) ||
        exchange->line_length < sizeof exchange->line - 1)
        return;
    fail_line(exchange, exchange->line_number + 1, "a line of more than %d bytes",
              COMMAND_LINE - 1);
    exchange->code = EXIT_FAILED;
    exchange->line_length = 0;
    end_of_input(exchange);
}

static void read_input(void *context, int fd)
{
    struct exchange *exchange = context;

    if (!requests_have_room(&exchange->requests))
        return;
    const ssize_t got = read(fd, exchange->line + exchange->line_length,
                             sizeof exchange->line - 1 - exchange->line_length);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0) {
        exchange->line_length += (size_t)got;
        take_lines(exchange);
        return;
    }
    if (exchange->reads && exchange->line_length > 0) {
        exchange->line[exchange->line_length] = '\0';
        take_line(exchange, exchange->line);
    }
    if (exchange->reads)
        end_of_input(exchange);
}

/* Commands are taken while there is somebody to send them to. */
static void watch_input(struct exchange *exchange)
{
    if (!exchange->reads || exchange->stdin_is_watched || exchange->stdin_is_file)
        return;
    const int r = msim_net_watch(exchange->net, STDIN_FILENO, read_input, exchange);
    exchange->stdin_is_watched = r >= 0;
    exchange->stdin_is_file = r < 0;
}

static bool can_read(const struct exchange *exchange)
{
    return exchange->reads && exchange->is_open && !exchange->is_leaving &&
           requests_have_room(&exchange->requests);
}

/* Lines that waited for room among the requests come first; without room nothing more is read. */
static void turn_input(struct exchange *exchange)
{
    if (can_read(exchange))
        take_lines(exchange);
    if (can_read(exchange)) {
        watch_input(exchange);
        if (exchange->stdin_is_file)
            read_input(exchange, STDIN_FILENO);
    } else if (exchange->stdin_is_watched) {
        msim_net_unwatch(exchange->net, STDIN_FILENO);
        exchange->stdin_is_watched = false;
    }
}

/* ---- coming and going ---- */

static void subscribe(struct exchange *exchange)
{
    const char *symbol = exchange->settings->symbol ? exchange->settings->symbol : "*";
    struct msim_json_writer writer;
    char text[1024];
    size_t length;

    msim_json_write_buffer(&writer, text, sizeof text);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, "SUBSCRIBE");
    msim_json_write_key(&writer, "channel");
    msim_json_write_text(&writer, exchange->views.kind == VIEW_BOOK ? "ORDERBOOK" : "TICKER");
    msim_json_write_key(&writer, "symbol");
    msim_json_write_text(&writer, symbol);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) >= 0)
        say(exchange, text, length);
}

static void resume(struct exchange *exchange)
{
    char text[128];

    snprintf(
        text, sizeof text,
        "{\"type\":\"RESUME\",\"channel\":\"ORDERS\",\"symbol\":\"*\",\"from_sequence\":%" PRIu64
        "}",
        exchange->sequence + 1);
    say_text(exchange, text);
}

static void opened(void *context, struct msim_connection *connection)
{
    struct exchange *exchange = context;
    const bool again = exchange->connections++ > 0;

    (void)connection;
    exchange->is_open = true;
    if (exchange->script)
        return;
    if (!exchange->settings->quiet)
        fprintf(stderr, "Connected to %s\n", exchange->url);
    if (exchange->views.kind != VIEW_NONE) {
        subscribe(exchange);
        return;
    }
    /* Orders that went out before anything was heard are among what was missed. */
    if (again && (exchange->has_sequence || requests_have_order(&exchange->requests)))
        resume(exchange);
    else
        say_text(exchange, "{\"type\":\"SUBSCRIBE\",\"channel\":\"ORDERS\",\"symbol\":\"*\"}");
    if (!again && isatty(STDIN_FILENO))
        fputs("help lists the commands\n", stderr);
    watch_input(exchange);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct exchange *exchange = context;

    (void)connection;
    (void)closing;
    exchange->is_open = false;
    if (exchange->stdin_is_watched)
        msim_net_unwatch(exchange->net, STDIN_FILENO);
    exchange->stdin_is_watched = false;
}

/* After each connection that ended or did not come about: is another one tried? */
static bool again(void *context, const struct msim_closing *closing, msim_time wait)
{
    struct exchange *exchange = context;
    const struct exchange_settings *settings = exchange->settings;
    char words[MSIM_DETAIL_SIZE];

    if (exchange->is_leaving || exchange->over) {
        exchange->over = true;
        return false;
    }
    if (!exchange->has_heard)
        exchange->kind = server_kind_of_closing(closing->reason);
    if (exchange->kind == SERVER_REPLAY) {
        finish(exchange, tell_kind(exchange));
        return false;
    }
    snprintf(words, sizeof words, "%s",
             closing->reason[0]                     ? closing->reason
             : closing->code == MSIM_CLOSE_ABNORMAL ? "the connection broke"
                                                    : "closed");
    terminal_clean(words);
    if (exchange->script) {
        script_cut(exchange->script, words);
        finish(exchange, EXIT_FAILED);
        return false;
    }
    terminal_fail(exchange->terminal, "%s: %s (%d)", exchange->url, words, closing->code);
    if ((exchange->connections > 0 ? settings->comes_again : settings->comes_from_afar) &&
        !exchange->is_ending && closing->code != MSIM_CLOSE_POLICY) {
        fprintf(stderr, "trying again in %.1f s\n", (double)wait / 1e9);
        return true;
    }
    finish(exchange, EXIT_FAILED);
    return false;
}

static void dial(struct exchange *exchange)
{
    struct msim_dialer_params params = MSIM_DIALER_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    link_use(exchange->settings->link, &params.connect);
    params.connect.url = exchange->url;
    params.connect.handler.opened = opened;
    params.connect.handler.message = take_message;
    params.connect.handler.closed = closed;
    params.connect.context = exchange;
    params.again = again;
    int r = msim_dialer_create(exchange->net, &exchange->dialer, &params, &detail);
    if (r >= 0)
        return;
    terminal_fail(exchange->terminal, "%s", detail.text);
    finish(exchange, exit_code_of(r));
}

static void stop(void *context, int fd)
{
    struct exchange *exchange = context;

    if (terminal_signal(fd) == 0)
        return;
    if (exchange->script)
        exchange->code = EXIT_FAILED;
    if (exchange->is_leaving)
        exchange->over = true;
    else
        leave(exchange, EXIT_SUCCESS);
}

/* ---- the loop ---- */

static void turn_script(struct exchange *exchange)
{
    const char *text;
    size_t length;
    enum script_state state;

    if (!exchange->is_open || exchange->is_leaving)
        return;
    while ((state = script_turn(exchange->script, terminal_clock(), &text, &length)) ==
           SCRIPT_SENDS)
        say(exchange, text, length);
    if (state == SCRIPT_DONE)
        leave(exchange, EXIT_SUCCESS);
    else if (state == SCRIPT_FAILED)
        leave(exchange, EXIT_FAILED);
}

static int wait_ms(const struct exchange *exchange, msim_time now)
{
    msim_time next = exchange->farewell;

    if (exchange->views.is_changed && exchange->next_draw < next)
        next = exchange->next_draw;
    if (exchange->script && !exchange->is_leaving && script_due(exchange->script) < next)
        next = script_due(exchange->script);
    if (requests_due(&exchange->requests) < next)
        next = requests_due(&exchange->requests);
    if (exchange->stdin_is_file && can_read(exchange))
        return 0;
    if (next == MSIM_TIME_NEVER)
        return -1;
    if (next <= now)
        return 0;
    const msim_time ms = (next - now) / MSIM_NS_PER_MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static bool flush_output(struct exchange *exchange)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (terminal_interrupted()) {
        clearerr(stdout);
        return true;
    }
    finish(exchange, errno == EPIPE
                         ? EXIT_SUCCESS
                         : terminal_fail(exchange->terminal, "the output cannot be written: %s",
                                         strerror(errno)));
    return false;
}

static void run(struct exchange *exchange)
{
    dial(exchange);
    while (!exchange->over) {
        const msim_time now = terminal_clock();
        if (exchange->script)
            turn_script(exchange);
        tell_unanswered(exchange, now);
        turn_input(exchange);
        ask_for_the_end(exchange);
        if (exchange->views.is_changed && now >= exchange->next_draw) {
            views_draw(&exchange->views);
            exchange->next_draw = now + DRAW_NS;
        }
        if (now >= exchange->farewell && !exchange->is_leaving) {
            terminal_fail(exchange->terminal, "not everything was answered");
            leave(exchange, EXIT_FAILED);
        }
        if (exchange->over || !flush_output(exchange))
            break;
        if (msim_net_dispatch(exchange->net, wait_ms(exchange, now)) < 0)
            finish(exchange, terminal_fail(exchange->terminal, "the event loop failed"));
    }
    if (!ferror(stdout)) /* which has been told */
        flush_output(exchange);
}

static int start(struct exchange *exchange, const struct msim_logger *logger)
{
    const struct exchange_settings *settings = exchange->settings;
    char session[64];

    snprintf(session, sizeof session, "client-%016" PRIx64,
             msim_mix64((uint64_t)terminal_clock() ^ (uint64_t)getpid() << 32));
    if (!exchange_url(settings->link->settings->url,
                      settings->session ? settings->session : session, exchange->url)) {
        terminal_fail(exchange->terminal, "the URL is too long");
        return EXIT_USAGE;
    }
    if (settings->script) {
        const int code = script_open(&exchange->script, settings->script, exchange->terminal);
        if (code >= 0)
            return code;
    }
    views_init(&exchange->views, settings->view);
    exchange->reads = exchange->reads_lines = !settings->script && settings->view == VIEW_NONE;
    return link_net(&exchange->net, 0, stop, exchange, exchange->terminal, logger);
}

int exchange_run(const struct exchange_settings *settings, struct terminal *terminal,
                 const struct msim_logger *logger)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return terminal_fail(terminal, "out of memory");

    exchange->settings = settings;
    exchange->terminal = terminal;
    exchange->farewell = MSIM_TIME_NEVER;
    int code = start(exchange, logger);
    if (code == EXIT_SUCCESS) {
        run(exchange);
        code = exchange->code;
    }
    exchange->over = true;
    msim_net_destroy(&exchange->net);
    script_close(&exchange->script);
    views_finish(&exchange->views);
    free(exchange);
    return code;
}
