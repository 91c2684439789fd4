#include "client/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/terminal.h"
#include "client/polygon.h"
#include "client/words.h"

bool feed_init(struct feed *feed, struct msim_speed pace)
{
    struct msim_pacer_params params = MSIM_PACER_PARAMS_INIT;

    feed->has_pace = pace.num != 0;
    if (!feed->has_pace)
        return true;
    params.speed = pace;
    feed->offsets = calloc(FEED_PACE_BUNDLES, sizeof *feed->offsets);
    return feed->offsets && msim_pacer_init(&feed->pacer, &params) >= 0;
}

void feed_finish(struct feed *feed)
{
    free(feed->offsets);
    free(feed->scratch);
    board_finish(&feed->board);
}

/* ---- lines as they came ---- */

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7F;
}

/* One line for one message: line ends within become spaces, as JSON allows. */
static void print_line(const unsigned char *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        size_t run = done;
        while (run < length && !is_control(bytes[run]))
            run++;
        fwrite(bytes + done, 1, run - done, stdout);
        if (run < length)
            putchar(' ');
        done = run + 1;
    }
    putchar('\n');
}

/* ---- totals ---- */

static int ascending(const void *a, const void *b)
{
    msim_time x = *(const msim_time *)a;
    msim_time y = *(const msim_time *)b;

    return (x > y) - (x < y);
}

/*
 * Against the bundle that came earliest beside its moment: the server's own start is not seen.
 * Sorts a copy: the ring's order says which are the latest.
 */
static void print_lateness(const struct feed *feed)
{
    size_t count =
        feed->offset_count < FEED_PACE_BUNDLES ? (size_t)feed->offset_count : FEED_PACE_BUNDLES;
    msim_time *sorted = malloc((count + 1) * sizeof *sorted);

    if (count > 0 && sorted) {
        memcpy(sorted, feed->offsets, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, ascending);
        fprintf(stderr, "; lateness p50 %" PRId64 " us, p99 %" PRId64 " us, max %" PRId64 " us",
                (sorted[count / 2] - feed->earliest) / 1000,
                (sorted[count * 99 / 100] - feed->earliest) / 1000,
                (sorted[count - 1] - feed->earliest) / 1000);
    }
    free(sorted);
}

static void print_span(const struct feed_totals *totals)
{
    char first[MSIM_CALENDAR_SIZE];
    char last[MSIM_CALENDAR_SIZE];

    msim_calendar_print(totals->first, MSIM_CALENDAR_PLAIN, first);
    msim_calendar_print(totals->last, MSIM_CALENDAR_PLAIN, last);
    fprintf(stderr, ", %s to %s", first, last);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void feed_summarise(struct feed *feed, const char *label)
{
    const struct feed_totals *totals = &feed->totals;
    double seconds = (double)(totals->ended - totals->began) / 1e9;
    bool of_trades = totals->trades > 0 || feed->is_replay;
    uint64_t counted = of_trades ? totals->trades : totals->messages;

    fputs(label, stderr);
    if (of_trades)
        fprintf(stderr, "%" PRIu64 " trade%s in %" PRIu64 " bundle%s", totals->trades,
                plural(totals->trades), totals->bundles, plural(totals->bundles));
    else if (totals->events > 0)
        fprintf(stderr, "%" PRIu64 " event%s", totals->events, plural(totals->events));
    else
        fprintf(stderr, "%" PRIu64 " message%s", totals->messages, plural(totals->messages));
    if (totals->trades + totals->events > 0)
        print_span(totals);
    fprintf(stderr, ", %.1f MB in %.1f s, %.0f/s", (double)totals->bytes / 1e6, seconds,
            seconds > 0 ? (double)counted / seconds : 0);
    if (totals->other > 0 && totals->trades + totals->events > 0)
        fprintf(stderr, ", %" PRIu64 " other message%s", totals->other, plural(totals->other));
    if (feed->has_pace)
        print_lateness(feed);
    fputc('\n', stderr);
}

uint64_t feed_counted(const struct feed *feed)
{
    return feed->totals.trades + feed->totals.events + feed->totals.other;
}

/* Counts a trade or an event; whether it is to be shown. */
static bool count(struct feed *feed, uint64_t *number, msim_time moment)
{
    struct feed_totals *totals = &feed->totals;

    if (*number == 0)
        totals->first = moment;
    totals->last = moment;
    ++*number;
    if (feed->summary_count > 0 && *number % feed->summary_count == 0) {
        totals->ended = terminal_clock();
        feed_summarise(feed, "");
    }
    return !feed->json && !feed->quiet && *number <= feed->show_first;
}

/* ---- a replay ---- */

static void print_trade(const struct msim_replay_message *message)
{
    char moment[MSIM_CALENDAR_SIZE];
    char price[MSIM_DECIMAL_SIZE] = "-";
    char quantity[MSIM_DECIMAL_SIZE] = "-";
    const struct msim_record *record = &message->record;

    msim_calendar_print(record->time, MSIM_CALENDAR_PLAIN, moment);
    if (!(record->flags & MSIM_RECORD_NO_PRICE))
        msim_decimal_print(record->as.trade.price, record->price_exponent, price);
    if (!(record->flags & MSIM_RECORD_NO_QUANTITY))
        msim_decimal_print(record->as.trade.quantity, record->quantity_exponent, quantity);
    printf("%-29s  %-28s %20s x %s\n", moment,
           record->flags & MSIM_RECORD_NO_SYMBOL ? "-" : message->text, price, quantity);
}

static void measure_pace(struct feed *feed, msim_time moment)
{
    msim_time now = terminal_clock();

    if (!feed->pace_started) {
        msim_pacer_start(&feed->pacer, now, moment);
        feed->pace_started = true;
    }
    msim_time offset = now - msim_pacer_due(&feed->pacer, moment);
    if (feed->offset_count == 0 || offset < feed->earliest)
        feed->earliest = offset;
    feed->offsets[feed->offset_count++ % FEED_PACE_BUNDLES] = offset;
}

static void take_trade(struct feed *feed, const struct msim_replay_message *message)
{
    msim_time moment = message->record.time;

    if (feed->totals.trades == 0 || moment != feed->totals.last) {
        feed->totals.bundles++;
        if (feed->has_pace)
            measure_pace(feed, moment);
    }
    if (!count(feed, &feed->totals.trades, moment))
        return;
    if (message->text_length > 0)
        terminal_clean(feed->scratch);
    if (feed->as_table)
        board_trade(&feed->board, message);
    else
        print_trade(message);
}

static int take_bundled(void *context, const struct msim_replay_message *message)
{
    take_trade(context, message);
    return MSIM_OK;
}

/* Why a replay has no trade stands beside its status. */
static void print_status(const char *status, const char *text, size_t length)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_json_document document;
    char reason[WORDS_TEXT];

    if (msim_json_document_read(&document, text, length, NULL, &allocator, NULL) < 0) {
        printf("-- %s\n", status);
        return;
    }
    if (msim_json_member(&document, 0, "reason") == MSIM_JSON_NONE)
        printf("-- %s\n", status);
    else
        printf("-- %s (%s)\n", status, words_member(&document, 0, "reason", reason));
    msim_json_document_finish(&document);
}

static void take_status(struct feed *feed, const struct msim_replay_message *message,
                        const char *text, size_t length)
{
    terminal_clean(feed->scratch);
    if (message->kind == MSIM_REPLAY_ERROR) {
        fprintf(stderr, "market-client: the server says: %s\n", message->text);
        feed->said_error = !feed->is_answered;
        feed->answers++;
    } else if (!feed->json && !feed->quiet && !feed->as_table) {
        print_status(message->text, text, length);
    }
    if (strcmp(message->text, "Data loaded. Starting replay.") == 0)
        feed->is_replay = true;
    else if (strcmp(message->text, "Replay finished.") == 0)
        feed->is_finished = true;
}

/* ---- quotes ---- */

static void print_event(const struct msim_quotes_message *event)
{
    struct timespec now;
    struct tm clock;
    char arrival[16] = "";
    char last[MSIM_DECIMAL_SIZE];
    char bid[MSIM_DECIMAL_SIZE];

    clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &clock))
        strftime(arrival, sizeof arrival, "%H:%M:%S", &clock);
    msim_decimal_print(event->price, event->price_exponent, last);
    msim_decimal_print(event->bid, event->bid_exponent, bid);
    printf("\n[Trading Event Received at %s.%03ld]\n"
           "  Request ID: %s\n"
           "  Status: %s\n"
           "  Symbol: %s\n"
           "  Last Price: $%s\n"
           "  Bid Price: $%s\n"
           "  Bid Size: %" PRId64 "\n"
           "  Ask Size: %" PRId64 "\n",
           arrival, now.tv_nsec / 1000000, event->request_id, event->status, event->symbol, last,
           bid, event->bid_size, event->ask_size);
}

static void take_event(struct feed *feed, const struct msim_quotes_message *event)
{
    /* Its texts lie in the scratch, terminated each. */
    terminal_clean((char *)event->request_id);
    terminal_clean((char *)event->status);
    terminal_clean((char *)event->symbol);
    if (!count(feed, &feed->totals.events, event->trade_time))
        return;
    if (feed->as_table)
        board_event(&feed->board, event);
    else
        print_event(event);
}

/* ---- Polygon's arrays ---- */

/* What is refused is told to who sees no messages, too. */
static void take_polygon_status(struct feed *feed, const struct polygon_event *event)
{
    const bool is_error = strcmp(event->status, "error") == 0;

    feed->refused += is_error;
    feed->granted += strcmp(event->status, "success") == 0;
    if (!feed->json && !feed->quiet && !feed->as_table)
        printf("-- %s: %s\n", event->status, event->message);
    else if (is_error)
        fprintf(stderr, "market-client: the server says: %s\n", event->message);
}

static void take_polygon_event(void *context, const struct polygon_event *event)
{
    struct feed *feed = context;

    if (event->is_status) {
        take_polygon_status(feed, event);
        return;
    }
    if (!count(feed, &feed->totals.events, event->time))
        return;
    if (feed->as_table && event->has_price)
        board_price(&feed->board, event->symbol, event->price.mantissa, event->price.exponent,
                    event->time);
    else if (!feed->as_table)
        polygon_print(event);
}

/* ---- whatever comes ---- */

static bool has_scratch(struct feed *feed, size_t length)
{
    if (length <= feed->scratch_size)
        return true;
    char *scratch = realloc(feed->scratch, length);
    if (!scratch)
        return false;
    feed->scratch = scratch;
    feed->scratch_size = length;
    return true;
}

/* An event of the quotes feed has a status as well: it is asked first where there is one. */
static bool take_text(struct feed *feed, const char *text, size_t length)
{
    struct msim_replay_message message;
    struct msim_quotes_message event;

    if (feed->is_polygon)
        return polygon_read(text, length, take_polygon_event, feed);
    if (msim_replay_decode(text, length, &message, feed->scratch, NULL) < 0)
        return false;
    if (message.kind == MSIM_REPLAY_TRADE) {
        take_trade(feed, &message);
    } else if (message.kind == MSIM_REPLAY_BUNDLE) {
        return msim_replay_decode_bundle(text, length, feed->scratch, take_bundled, feed, NULL) >=
               0;
    } else if (message.kind == MSIM_REPLAY_STATUS && strcmp(message.text, "ok") == 0) {
        /* An answer to a control message: what it says is beside the status. */
        feed->answers++;
        if (!feed->json && !feed->quiet && !feed->as_table)
            print_line((const unsigned char *)text, length);
    } else if (message.kind == MSIM_REPLAY_STATUS &&
               msim_quotes_decode(text, length, &event, feed->scratch, NULL) >= 0) {
        take_event(feed, &event);
    } else {
        /* The scratch may hold what the quotes' decoder left. */
        msim_replay_decode(text, length, &message, feed->scratch, NULL);
        take_status(feed, &message, text, length);
    }
    return true;
}

bool feed_take(struct feed *feed, enum msim_message_kind kind, const unsigned char *bytes,
               size_t length)
{
    feed->totals.messages++;
    feed->totals.bytes += length;
    if (terminal_interrupted())
        return true;
    if (!has_scratch(feed, length + 1))
        return false;
    if (feed->json && !feed->quiet && feed->totals.trades + feed->totals.events < feed->show_first)
        print_line(bytes, length);
    if (kind == MSIM_MESSAGE_TEXT && take_text(feed, (const char *)bytes, length))
        return true;
    feed->totals.other++;
    if (!feed->json && !feed->quiet)
        print_line(bytes, length);
    return true;
}
