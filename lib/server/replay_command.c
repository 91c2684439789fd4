#include "server/replay_command.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/detail.h"
#include "base/json.h"
#include "base/number.h"

static const char *const names[MSIM_REPLAY_OP_COUNT] = {
    [MSIM_REPLAY_PAUSE] = "pause", [MSIM_REPLAY_RESUME] = "resume", [MSIM_REPLAY_SPEED] = "speed",
    [MSIM_REPLAY_SEEK] = "seek",   [MSIM_REPLAY_STEP] = "step",     [MSIM_REPLAY_STATS] = "stats",
};

/* What an op has to say beside its name; NULL: nothing. */
static const char *const members[MSIM_REPLAY_OP_COUNT] = {
    [MSIM_REPLAY_SPEED] = "value",
    [MSIM_REPLAY_SEEK] = "to",
    [MSIM_REPLAY_STEP] = "count",
};

const char *msim_replay_op_name(enum msim_replay_op op)
{
    return names[op];
}

/* ---- reading ---- */

struct reading {
    const char *text;
    size_t length;
    struct msim_replay_command *out;
    msim_time unit;
    struct msim_json_token op; /* its kind is MSIM_JSON_END without one, as of the other */
    struct msim_json_token member;
    struct msim_detail *detail;
};

static int refuse(struct reading *reading, const char *words)
{
    return msim_detail_set(reading->detail, MSIM_ERR_INVALID, "%s: %s", names[reading->out->op],
                           words);
}

/* A string of few characters, which all values are; false for anything else. */
static bool read_text(const struct reading *reading, const struct msim_json_token *token,
                      char out[MSIM_CALENDAR_SIZE])
{
    size_t length;

    return token->kind == MSIM_JSON_STRING &&
           msim_json_string(reading->text, token->start, token->end, out, MSIM_CALENDAR_SIZE,
                            &length) >= 0 &&
           strlen(out) == length;
}

static int read_op(struct reading *reading)
{
    char text[MSIM_CALENDAR_SIZE];

    if (reading->op.kind != MSIM_JSON_END && read_text(reading, &reading->op, text)) {
        for (int i = 0; i < MSIM_REPLAY_OP_COUNT; i++) {
            reading->out->op = (enum msim_replay_op)i;
            if (strcmp(text, names[i]) == 0)
                return MSIM_OK;
        }
    }
    return msim_detail_set(reading->detail, MSIM_ERR_INVALID,
                           "op: none of pause, resume, speed, seek, step, stats");
}

static int read_speed(struct reading *reading)
{
    const struct msim_json_token *token = &reading->member;
    char text[MSIM_DECIMAL_SIZE > MSIM_CALENDAR_SIZE ? MSIM_DECIMAL_SIZE : MSIM_CALENDAR_SIZE] = "";
    int64_t mantissa;
    int exponent;

    if (token->kind == MSIM_JSON_NUMBER) {
        if (msim_json_decimal_any(reading->text, token->start, token->end, &mantissa, &exponent) >=
            0)
            msim_decimal_print(mantissa, exponent, text);
    } else if (!read_text(reading, token, text)) {
        text[0] = '\0';
    }
    if (msim_speed_parse(text, &reading->out->speed) < 0)
        return refuse(reading, "value is neither a number above zero, such as 2.5, nor \"max\"");
    return MSIM_OK;
}

static int read_moment(struct reading *reading)
{
    const struct msim_json_token *token = &reading->member;
    char text[MSIM_CALENDAR_SIZE];
    int64_t count;

    if (token->kind == MSIM_JSON_NUMBER &&
        msim_json_integer(reading->text, token->start, token->end, &count) >= 0 &&
        !__builtin_mul_overflow(count, reading->unit, &reading->out->to))
        return MSIM_OK;
    if (read_text(reading, token, text) &&
        msim_calendar_parse(text, strlen(text), &reading->out->to) >= 0)
        return MSIM_OK;
    return refuse(reading, "to is no moment such as \"2022-07-01T12:00:00Z\"");
}

static int read_count(struct reading *reading)
{
    const struct msim_json_token *token = &reading->member;
    char text[MSIM_CALENDAR_SIZE];
    int64_t count = 1;
    int r = MSIM_OK;

    /* A text with a number in it too, as of a speed. */
    if (token->kind == MSIM_JSON_STRING)
        r = read_text(reading, token, text) ? msim_decimal_parse(text, strlen(text), 0, &count)
                                            : MSIM_ERR_INVALID;
    else if (token->kind != MSIM_JSON_END)
        r = token->kind == MSIM_JSON_NUMBER
                ? msim_json_integer(reading->text, token->start, token->end, &count)
                : MSIM_ERR_INVALID;
    if (r < 0 || count <= 0)
        return refuse(reading, "count is no whole number above zero");
    reading->out->count = (uint64_t)count;
    return MSIM_OK;
}

/* The one member that an op may have; what else there is has been refused. */
static int read_member(struct reading *reading, const struct msim_json_token *foreign)
{
    const char *member = members[reading->out->op];

    if (foreign->kind != MSIM_JSON_END)
        return msim_detail_set(reading->detail, MSIM_ERR_INVALID,
                               member ? "%s: takes \"op\" and \"%s\", each once"
                                      : "%s: takes \"op\" alone, once",
                               names[reading->out->op], member);
    switch (reading->out->op) {
    case MSIM_REPLAY_SPEED:
        return read_speed(reading);
    case MSIM_REPLAY_SEEK:
        return read_moment(reading);
    case MSIM_REPLAY_STEP:
        return read_count(reading);
    default:
        return MSIM_OK;
    }
}

static bool key_is(const struct reading *reading, const struct msim_json_token *token,
                   const char *word)
{
    return msim_json_is(reading->text, token->key_start, token->key_end, word);
}

static int explain(const struct msim_json_reader *reader, struct msim_detail *detail)
{
    struct msim_detail words;

    int r = msim_json_explain(reader, &words);
    return msim_detail_set(detail, r, "no JSON such as {\"op\":\"pause\"}: %.200s", words.text);
}

/*
 * All members of the object: its op, one that may be the op's own, and what is foreign.  Which
 * member an op may have is known only behind them.
 */
static int read_object(struct reading *reading, struct msim_json_token *other,
                       struct msim_json_token *foreign)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, reading->text, reading->length, NULL);
    kind = msim_json_next(&reader, &token);
    if (kind >= 0 && kind != MSIM_JSON_OBJECT)
        return msim_detail_set(reading->detail, MSIM_ERR_INVALID,
                               "a control message is an object such as {\"op\":\"pause\"}");
    while (kind > MSIM_JSON_END && (kind = msim_json_next(&reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END)
            continue;
        struct msim_json_token *place = key_is(reading, &token, "op") ? &reading->op : other;
        if (place->kind != MSIM_JSON_END)
            place = foreign;
        *place = token;
        if (kind == MSIM_JSON_OBJECT || kind == MSIM_JSON_ARRAY)
            kind = msim_json_skip(&reader, &token) < 0 ? reader.failure : kind;
    }
    return kind < 0 ? explain(&reader, reading->detail) : MSIM_OK;
}

int msim_replay_command_read(struct msim_replay_command *out, const char *text, size_t length,
                             msim_time unit, struct msim_detail *detail)
{
    struct msim_replay_command command = {.op = MSIM_REPLAY_PAUSE};
    struct msim_json_token other = {.kind = MSIM_JSON_END};
    struct msim_json_token foreign = {.kind = MSIM_JSON_END};
    struct reading reading = {
        .text = text, .length = length, .out = &command, .unit = unit, .detail = detail};

    if (length > MSIM_REPLAY_COMMAND_MAX)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "a control message of more than %d bytes",
                               MSIM_REPLAY_COMMAND_MAX);
    int r = read_object(&reading, &other, &foreign);
    if (r >= 0)
        r = read_op(&reading);
    if (r < 0)
        return r;
    const char *member = members[command.op];
    if (other.kind != MSIM_JSON_END && (!member || !key_is(&reading, &other, member)))
        foreign = other;
    reading.member = other;
    r = read_member(&reading, &foreign);
    if (r >= 0)
        *out = command;
    return r;
}

/* ---- answering ---- */

size_t msim_replay_answer_ok(enum msim_replay_op op, char out[MSIM_REPLAY_ANSWER_MAX])
{
    return (size_t)snprintf(out, MSIM_REPLAY_ANSWER_MAX, "{\"status\":\"ok\",\"op\":\"%s\"}",
                            names[op]);
}

size_t msim_replay_answer_error(const char *words, char out[MSIM_REPLAY_ANSWER_MAX])
{
    struct msim_json_writer writer;
    size_t length = 0;

    msim_json_write_buffer(&writer, out, MSIM_REPLAY_ANSWER_MAX);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "error");
    msim_json_write_text(&writer, words);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, &length) < 0 ? 0 : length;
}

/* A speed that was given as a number has a power of ten below the line. */
void msim_replay_write_speed(struct msim_json_writer *writer, struct msim_speed speed)
{
    char text[48];

    if (speed.den == 0) {
        msim_json_write_text(writer, "max");
        return;
    }
    for (int exponent = 0; exponent >= -18; exponent--) {
        if (speed.den == msim_pow10[-exponent]) {
            msim_json_write_decimal(writer, speed.num, exponent);
            return;
        }
    }
    snprintf(text, sizeof text, "%lld/%lld", (long long)speed.num, (long long)speed.den);
    msim_json_write_text(writer, text);
}

void msim_replay_write_moment(struct msim_json_writer *writer, msim_time moment)
{
    char text[MSIM_CALENDAR_SIZE];

    if (moment == MSIM_TIME_NEVER) {
        msim_json_write_null(writer);
        return;
    }
    size_t length = msim_calendar_print(moment, MSIM_CALENDAR_ISO, text);
    msim_json_write_string(writer, text, length);
}

void msim_replay_write_lateness(struct msim_json_writer *writer,
                                const struct msim_histogram *lateness)
{
    msim_json_write_key(writer, "lateness_us");
    msim_json_write_object(writer);
    msim_json_write_key(writer, "p50");
    msim_json_write_integer(writer, msim_histogram_at(lateness, 500000) / MSIM_NS_PER_US);
    msim_json_write_key(writer, "p99");
    msim_json_write_integer(writer, msim_histogram_at(lateness, 990000) / MSIM_NS_PER_US);
    msim_json_write_key(writer, "max");
    msim_json_write_integer(writer, lateness->max / MSIM_NS_PER_US);
    msim_json_write_object_end(writer);
}

size_t msim_replay_answer_stats(const struct msim_replay_progress *progress,
                                char out[MSIM_REPLAY_ANSWER_MAX])
{
    struct msim_json_writer writer;
    size_t length = 0;

    msim_json_write_buffer(&writer, out, MSIM_REPLAY_ANSWER_MAX);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "status");
    msim_json_write_text(&writer, "ok");
    msim_json_write_key(&writer, "op");
    msim_json_write_text(&writer, names[MSIM_REPLAY_STATS]);
    msim_json_write_key(&writer, "position");
    msim_replay_write_moment(&writer, progress->position);
    msim_json_write_key(&writer, "paused");
    msim_json_write_bool(&writer, progress->is_paused);
    msim_json_write_key(&writer, "speed");
    msim_replay_write_speed(&writer, progress->speed);
    msim_json_write_key(&writer, "trades");
    msim_json_write_unsigned(&writer, progress->trades);
    msim_json_write_key(&writer, "bundles");
    msim_json_write_unsigned(&writer, progress->bundles);
    msim_json_write_key(&writer, "backlog_bytes");
    msim_json_write_unsigned(&writer, progress->backlog_bytes);
    msim_replay_write_lateness(&writer, progress->lateness);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, &length) < 0 ? 0 : length;
}
