#include "cli/options.h"

#include <errno.h>
#include <marketsim/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/units.h"

int exit_code_of(int result)
{
    if (result >= 0)
        return EXIT_SUCCESS;
    return result == MSIM_ERR_INVALID || result == MSIM_ERR_NOT_FOUND ? EXIT_USAGE : EXIT_FAILED;
}

static void print_option(const struct option *option)
{
    char left[80];
    char letter[8] = "    ";

    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    /* The help's further lines stand under its first. */
    const char *line = option->help;
    printf("%-30s", left);
    if (strlen(left) > 28)
        printf("\n%30s", "");
    for (;;) {
        const char *end = strchr(line, '\n');
        printf("%.*s\n", end ? (int)(end - line) : (int)strlen(line), line);
        if (!end)
            break;
        line = end + 1;
        printf("%30s", "");
    }
}

static void print_help(const struct command_line *line)
{
    printf("Usage: %s %s\n\n%s\n\nOptions:\n", line->program, line->usage, line->summary);
    for (size_t i = 0; i < line->option_count; i++)
        print_option(&line->options[i]);
    print_option(&(struct option){.name = "help", .letter = 'h', .help = "show this and end"});
    print_option(&(struct option){.name = "version", .help = "show the version and end"});
    printf("\nExamples:\n%s", line->examples);
}

/* Levenshtein's distance of two short words, to name what was probably meant. */
static size_t distance(const char *a, size_t length, const char *b)
{
    size_t row[64];
    size_t width = strlen(b);

    if (width >= sizeof row / sizeof row[0])
        return SIZE_MAX;
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; i <= length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[width];
}

struct guess {
    const char *word;
    size_t length;
    const char *nearest;
    size_t distance;
};

static void consider(struct guess *guess, const char *name)
{
    /* Who wrote the beginning of a name meant it, whatever is nearer by its letters. */
    const bool begins = guess->length > 1 && strncmp(guess->word, name, guess->length) == 0;
    const size_t d = begins ? 0 : distance(guess->word, guess->length, name);

    if (d >= guess->distance)
        return;
    guess->distance = d;
    guess->nearest = name;
}

static int unknown(const struct command_line *line, const char *word, size_t length)
{
    struct guess guess = {
        .word = word, .length = length, .distance = length < 6 ? length / 2 + 1 : 4};

    for (size_t i = 0; i < line->option_count; i++)
        consider(&guess, line->options[i].name);
    consider(&guess, "help");
    consider(&guess, "version");
    fprintf(stderr, "%s: there is no option --%.*s", line->program, (int)length, word);
    if (guess.nearest)
        fprintf(stderr, "; did you mean --%s?\n", guess.nearest);
    else
        fprintf(stderr, "; see %s --help\n", line->program);
    return EXIT_USAGE;
}

static bool read_count(const char *text, uint64_t most, uint64_t *count)
{
    int64_t value;

    if (msim_decimal_parse(text, strlen(text), 0, &value) < 0 || value < 0 ||
        (uint64_t)value > most || strchr(text, '.'))
        return false;
    *count = (uint64_t)value;
    return true;
}

static bool read_level(const char *text, enum msim_log_level *level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *level = (enum msim_log_level)(MSIM_LOG_ERROR + (int)i);
            return true;
        }
    }
    return false;
}

/* Ends the process where there is no memory: nothing has begun yet. */
static void no_memory(void)
{
    fputs("out of memory\n", stderr);
    exit(EXIT_FAILED);
}

static void append(struct option_list *list, const char *text, size_t length)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        no_memory();
    list->items = items;
    char *item = malloc(length + 1);
    if (!item)
        no_memory();
    memcpy(item, text, length);
    item[length] = '\0';
    list->items[list->count++] = item;
}

static bool read_list(struct option_list *list, const char *text)
{
    for (;;) {
        const char *end = strchr(text, ',');
        size_t length = end ? (size_t)(end - text) : strlen(text);
        if (length == 0)
            return false;
        append(list, text, length);
        if (!end)
            return true;
        text = end + 1;
    }
}

void option_list_finish(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){0};
}

/* NULL where the text was taken, else what would have been right. */
static const char *read_value(const struct option *option, const char *text)
{
    size_t length = strlen(text);
    uint64_t count;
    msim_time duration;
    struct msim_speed speed;

    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->target = true;
        return NULL;
    case OPTION_TEXT:
        if (length == 0)
            return "anything: leave the option away, or say what";
        *(const char **)option->target = text;
        return NULL;
    case OPTION_TEXT_OR_NONE:
        *(const char **)option->target = text;
        return NULL;
    case OPTION_COUNT:
        return read_count(text, INT64_MAX, option->target) ? NULL : "a whole number, such as 100";
    case OPTION_LIMIT:
        if (!read_count(text, OPTION_LIMIT_MOST, &count) || count == 0)
            return "a whole number from 1 to 1000000";
        *(uint64_t *)option->target = count;
        return NULL;
    case OPTION_LIMIT_OR_NONE:
        return read_count(text, OPTION_LIMIT_MOST, option->target) ? NULL
                                                                   : "a whole number up to 1000000";
    case OPTION_PORT:
        if (!read_count(text, UINT16_MAX, &count))
            return "a port from 0 to 65535 (0 takes any free one)";
        *(uint16_t *)option->target = (uint16_t)count;
        return NULL;
    case OPTION_BYTES:
        if (msim_size_parse(text, length, &count) < 0 || count > OPTION_BYTES_MOST || count == 0)
            return "a size above 0 and up to 64G, such as 512K or 8M";
        *(uint64_t *)option->target = count;
        return NULL;
    case OPTION_DURATION:
        if (msim_duration_parse(text, length, &duration) < 0 || duration <= 0)
            return "a length of time above 0, such as 5s, 250ms or 1m";
        *(msim_time *)option->target = duration;
        return NULL;
    case OPTION_MOMENT:
        return msim_calendar_parse(text, length, option->target) >= 0
                   ? NULL
                   : "a moment, such as 2022-07-01 or 2022-07-01T00:00:29.5Z (UTC)";
    case OPTION_SPEED:
        return msim_speed_parse(text, option->target) >= 0
                   ? NULL
                   : "a number above 0, such as 2.5, or 'max'";
    case OPTION_PACE:
        if (msim_speed_parse(text, &speed) < 0 || speed.den == 0)
            return "a number above 0, such as 10 or 0.5";
        *(struct msim_speed *)option->target = speed;
        return NULL;
    case OPTION_LEVEL:
        return read_level(text, option->target) ? NULL : "error, warning, info or debug";
    case OPTION_LIST:
        return read_list(option->target, text) ? NULL : "names with commas between them";
    case OPTION_PATHS:
        if (length == 0)
            return "a path";
        append(option->target, text, length);
        return NULL;
    }
    return "another kind of value";
}

static int take(const struct command_line *line, const struct option *option, const char *text)
{
    const char *wanted = read_value(option, text);

    if (!wanted)
        return -1;
    fprintf(stderr, "%s: --%s: '%s' is not %s\n", line->program, option->name, text, wanted);
    return EXIT_USAGE;
}

static const struct option *find_long(const struct command_line *line, const char *word,
                                      size_t length)
{
    for (size_t i = 0; i < line->option_count; i++)
        if (strlen(line->options[i].name) == length &&
            memcmp(line->options[i].name, word, length) == 0)
            return &line->options[i];
    return NULL;
}

static const struct option *find_letter(const struct command_line *line, char letter)
{
    for (size_t i = 0; i < line->option_count; i++)
        if (line->options[i].letter == letter)
            return &line->options[i];
    return NULL;
}

/* The exit code of one who asked for words: they came, or could not be written. */
static int answered(const struct command_line *line)
{
    if (fflush(stdout) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s: the output cannot be written: %s\n", line->program, strerror(errno));
    return EXIT_FAILED;
}

static int show_help(const struct command_line *line)
{
    print_help(line);
    return answered(line);
}

/* The option with the value behind its name (NULL: there is none), or in the next argument. */
static int read_with_value(const struct command_line *line, const struct option *option,
                           const char *value, int argument_count, char **arguments, int *at)
{
    if (!value) {
        if (*at + 1 == argument_count) {
            fprintf(stderr, "%s: --%s needs %s\n", line->program, option->name, option->argument);
            return EXIT_USAGE;
        }
        value = arguments[++*at];
    }
    return take(line, option, value);
}

/* -jn5: flags, of which the last may be an option with its value behind it or next. */
static int read_letters(const struct command_line *line, int argument_count, char **arguments,
                        int *at)
{
    for (const char *letter = arguments[*at] + 1; *letter; letter++) {
        const struct option *option = find_letter(line, *letter);
        if (*letter == 'h')
            return show_help(line);
        if (!option) {
            fprintf(stderr, "%s: there is no option -%c; see %s --help\n", line->program, *letter,
                    line->program);
            return EXIT_USAGE;
        }
        if (option->kind != OPTION_FLAG)
            return read_with_value(line, option, letter[1] ? letter + 1 : NULL, argument_count,
                                   arguments, at);
        int code = take(line, option, "");
        if (code >= 0)
            return code;
    }
    return -1;
}

/* One word of options at arguments[*at], with its value there or in the next argument. */
static int read_option(const struct command_line *line, int argument_count, char **arguments,
                       int *at)
{
    const char *word = arguments[*at];

    if (strncmp(word, "--help=", 7) == 0 || strncmp(word, "--version=", 10) == 0) {
        fprintf(stderr, "%s: %.*s takes no value\n", line->program, (int)strcspn(word, "="), word);
        return EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0)
        return show_help(line);
    if (strcmp(word, "--version") == 0) {
        printf("%s (libmarketsim) %s\n", line->program, msim_version());
        return answered(line);
    }
    if (word[1] != '-')
        return read_letters(line, argument_count, arguments, at);
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
    const struct option *option = find_long(line, word + 2, length);
    if (!option)
        return unknown(line, word + 2, length);
    const char *value = equals ? equals + 1 : NULL;
    if (option->kind != OPTION_FLAG)
        return read_with_value(line, option, value, argument_count, arguments, at);
    if (!value)
        return take(line, option, "");
    fprintf(stderr, "%s: --%s takes no value\n", line->program, option->name);
    return EXIT_USAGE;
}

int options_read(const struct command_line *line, int argument_count, char **arguments,
                 char ***rest, size_t *rest_count)
{
    size_t kept = 0;
    bool options_over = false;

    for (int i = 1; i < argument_count; i++) {
        char *word = arguments[i];
        if (options_over || word[0] != '-' || word[1] == '\0') {
            arguments[1 + kept++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            options_over = true;
            continue;
        }
        int code = read_option(line, argument_count, arguments, &i);
        if (code >= 0)
            return code;
    }
    *rest = arguments + 1;
    *rest_count = kept;
    return -1;
}
