/*
 * Golden flows: text files of commands, each with the events that it brings about.
 *
 *     golden-engine FILE...            compares
 *     golden-engine --write FILE...    puts what happens now into the files
 *
 * A line that starts with a capital is a command or sets something up; a line
 * that starts with two spaces is an event; `#` is for the reader.
 */
#include <marketsim/engine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/text.h"

#define LINE 512
#define MAX_ASSETS 8

struct bench {
    struct msim_engine *engine;
    msim_time time;
    const char *path;
    int line;
    uint32_t assets;
};

static _Noreturn void fail(const struct bench *bench, const char *what, const char *text)
{
    fprintf(stderr, "%s:%d: %s: %s\n", bench->path, bench->line, what, text);
    exit(1);
}

static const char *const flag_names[] = {"POST_ONLY", "REDUCE_ONLY", "OPEN_QUANTITY",
                                         "EXPIRE_ORDERS", "ALLOW_NEGATIVE"};

static uint8_t number_of(const char *(*name)(uint8_t), const char *word, uint8_t from, uint8_t to)
{
    for (uint8_t i = from; i <= to; i++) {
        if (strcmp(name(i), word) == 0)
            return i;
    }
    return 255;
}

/* key=value for a number of the command. */
static bool set_field(struct bench *bench, struct msim_command *c, const char *key, int64_t value)
{
    const struct {
        const char *name;
        int64_t *to;
    } wide[] = {
        {"price", &c->price},
        {"qty", &c->quantity},
        {"stop", &c->stop_price},
        {"display", &c->display_quantity},
        {"amount", &c->amount},
        {"expires", &c->expires_at},
        {"order", (int64_t *)&c->order},
        {"client", (int64_t *)&c->client_id},
        {"trade", (int64_t *)&c->trade},
    };
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (strcmp(wide[i].name, key) == 0) {
            *wide[i].to = value;
            return true;
        }
    }
    if (strcmp(key, "t") == 0)
        bench->time = c->time = value;
    else if (strcmp(key, "i") == 0)
        c->instrument = value < 0 ? MSIM_ALL_INSTRUMENTS : (uint32_t)value;
    else if (strcmp(key, "a") == 0)
        c->account = (uint32_t)value;
    else if (strcmp(key, "o") == 0)
        c->owner = (uint32_t)value;
    else if (strcmp(key, "asset") == 0)
        c->asset = (uint32_t)value;
    else
        return false;
    return true;
}

static bool set_word(struct msim_command *c, const char *word)
{
    uint8_t number;

    if (strcmp(word, "BUY") == 0 || strcmp(word, "SELL") == 0) {
        c->side = word[0] == 'B' ? MSIM_SIDE_BUY : MSIM_SIDE_SELL;
        return true;
    }
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if (c->kind != MSIM_COMMAND_SET_STATE && strcmp(flag_names[i], word) == 0) {
            c->flags |= (uint8_t)(1u << i);
            return true;
        }
    }
    if (c->kind == MSIM_COMMAND_SET_STATE) {
        if (strcmp(word, "EXPIRE_ORDERS") == 0) {
            c->flags |= MSIM_COMMAND_EXPIRE_ORDERS;
            return true;
        }
        c->state = number_of(msim_instrument_state_name, word, 0, 3);
        return c->state != 255;
    }
    if ((number = number_of(msim_order_type_name, word, 1, 6)) != 255)
        c->type = number;
    else if ((number = number_of(msim_time_in_force_name, word, 0, 4)) != 255)
        c->time_in_force = number;
    else if (strncmp(word, "stp=", 4) == 0 &&
             (number = number_of(msim_self_trade_name, word + 4, 0, 4)) != 255)
        c->self_trade = number;
    else
        return false;
    return true;
}

static void run_command(struct bench *bench, char *text, FILE *out)
{
    struct msim_command c = {.time = bench->time};
    char *word = strtok(text, " \n");
    size_t count;

    c.kind = number_of(msim_command_kind_name, word, 1, 21);
    if (c.kind == 255)
        fail(bench, "no such command", word);
    while ((word = strtok(NULL, " \n"))) {
        char *equals = strchr(word, '=');
        if (equals && strncmp(word, "stp=", 4) != 0) {
            *equals = '\0';
            if (!set_field(bench, &c, word, strtoll(equals + 1, NULL, 10)))
                fail(bench, "no such field", word);
        } else if (!set_word(&c, word)) {
            fail(bench, "no such word", word);
        }
    }
    if (msim_engine_apply(bench->engine, &c) != MSIM_APPLY_DONE)
        fail(bench, "the engine did not apply", "");
    const struct msim_event *events = msim_engine_events(bench->engine, &count);
    for (size_t i = 0; i < count; i++)
        print_event(out, &events[i]);
}

/* ASSET name exponent */
static void add_asset(struct bench *bench)
{
    const char *name = strtok(NULL, " \n");
    const char *exponent = strtok(NULL, " \n");
    struct msim_detail detail = {""};

    if (!name || !exponent ||
        msim_engine_asset_add(bench->engine, name, atoi(exponent), NULL, &detail) < 0)
        fail(bench, "no asset", detail.text);
}

/* INSTRUMENT symbol base=1 quote=0 key=value... */
static void add_instrument(struct bench *bench)
{
    struct msim_instrument_params p = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_detail detail = {""};

    p.symbol = strtok(NULL, " \n");
    for (char *word; (word = strtok(NULL, " \n"));) {
        char *equals = strchr(word, '=');
        if (!equals)
            fail(bench, "not key=value", word);
        *equals = '\0';
        const int64_t value = strtoll(equals + 1, NULL, 10);
        if (strcmp(word, "base") == 0)
            p.base_asset = (uint32_t)value;
        else if (strcmp(word, "quote") == 0)
            p.quote_asset = (uint32_t)value;
        else if (strcmp(word, "maker_fee") == 0)
            p.maker_fee = (uint32_t)value;
        else if (strcmp(word, "taker_fee") == 0)
            p.taker_fee = (uint32_t)value;
        else if (strcmp(word, "fee_in_quote") == 0)
            p.fee_mode = value ? MSIM_FEE_QUOTE : MSIM_FEE_RECEIVED;
        else if (strcmp(word, "tick") == 0)
            p.tick = value;
        else if (strcmp(word, "lot") == 0)
            p.lot = value;
        else if (strcmp(word, "band") == 0)
            p.band = (uint32_t)value;
        else if (strcmp(word, "reference") == 0)
            p.reference_price = value;
        else if (strcmp(word, "min_notional") == 0)
            p.min_notional = value;
        else if (strcmp(word, "max_qty") == 0)
            p.max_quantity = value;
        else if (strcmp(word, "price_exponent") == 0)
            p.price_exponent = (int8_t)value;
        else if (strcmp(word, "quantity_exponent") == 0)
            p.quantity_exponent = (int8_t)value;
        else
            fail(bench, "no such key", word);
    }
    if (msim_engine_instrument_add(bench->engine, &p, NULL, &detail) < 0)
        fail(bench, "no instrument", detail.text);
}

static void run_line(struct bench *bench, const char *line, FILE *out)
{
    char text[LINE];

    memcpy(text, line, strlen(line) + 1);
    if (strncmp(line, "ASSET ", 6) == 0 || strncmp(line, "INSTRUMENT ", 11) == 0) {
        strtok(text, " \n");
        if (line[0] == 'A')
            add_asset(bench);
        else
            add_instrument(bench);
    } else if (line[0] >= 'A' && line[0] <= 'Z') {
        run_command(bench, text, out);
    }
}

/* What the file should be, in memory that the caller frees. */
static char *run_file(const char *path, FILE *in, size_t *length)
{
    struct bench bench = {.path = path};
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_detail detail = {""};
    char line[LINE];
    FILE *out = tmpfile();

    params.events = MSIM_EVENTS_ALL;
    params.finished_ids = 3;
    if (!out || msim_engine_create(&bench.engine, &params, &detail) < 0)
        fail(&bench, "no engine", detail.text);
    while (fgets(line, sizeof line, in)) {
        bench.line++;
        if (strncmp(line, "  ", 2) == 0)
            continue;
        fputs(line, out);
        run_line(&bench, line, out);
    }
    if (msim_engine_audit(bench.engine, &detail) < 0)
        fail(&bench, "the audit found", detail.text);
    msim_engine_destroy(&bench.engine);

    *length = (size_t)ftell(out);
    char *text = malloc(*length + 1);
    rewind(out);
    if (!text || fread(text, 1, *length, out) != *length)
        fail(&bench, "cannot read back", path);
    text[*length] = '\0';
    fclose(out);
    return text;
}

static bool compare(const char *path, FILE *in, const char *text)
{
    char line[LINE];
    int number = 0;

    rewind(in);
    while (fgets(line, sizeof line, in)) {
        const size_t length = strlen(line);
        number++;
        if (strncmp(text, line, length) != 0) {
            const int shown = (int)strcspn(text, "\n");
            fprintf(stderr, "%s:%d:\nis       %.*s\nshould be%s", path, number, shown, text, line);
            return false;
        }
        text += length;
    }
    if (*text == '\0')
        return true;
    fprintf(stderr, "%s: more happened than it says:\n%s", path, text);
    return false;
}

int main(int argument_count, char **arguments)
{
    const bool writes = argument_count > 1 && strcmp(arguments[1], "--write") == 0;
    bool good = argument_count > 1;

    for (int i = writes ? 2 : 1; i < argument_count; i++) {
        FILE *in = fopen(arguments[i], "r");
        size_t length;
        if (!in) {
            perror(arguments[i]);
            return 1;
        }
        char *text = run_file(arguments[i], in, &length);
        if (writes) {
            FILE *out = fopen(arguments[i], "w");
            good = out && fwrite(text, 1, length, out) == length && fclose(out) == 0 && good;
        } else {
            good = compare(arguments[i], in, text) && good;
        }
        fclose(in);
        free(text);
    }
    return good ? 0 : 1;
}
