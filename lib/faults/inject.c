/*
 * Words that the engine never said: a template with its names filled in.
 */
#include "faults/report.h"

#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/mem.h"
#include "base/random.h"

struct filling {
    struct msim_bytes *bytes;
    const struct view *view;
    const struct inject *inject;
    uint64_t random;
    msim_time now;
};

static struct msim_fault_text or_else(struct msim_fault_text text, const char *otherwise)
{
    if (text.length > 0 || !otherwise)
        return text;
    return (struct msim_fault_text){otherwise, strlen(otherwise)};
}

/* What `${name}` stands for; false for a name that is none of ours. */
static bool value_of(const struct filling *filling, const char *name, size_t length,
                     char digits[MSIM_CALENDAR_SIZE], struct msim_fault_text *out)
{
    static const char *const names[] = {"now",      "account",  "symbol", "cid",
                                        "order_id", "rand_u64", NULL};
    const struct msim_fault_message *message = filling->view->message;
    int which = 0;

    while (names[which] && (strlen(names[which]) != length || memcmp(names[which], name, length)))
        which++;
    *out = (struct msim_fault_text){digits, 0};
    switch (which) {
    case 0:
        out->length = msim_calendar_print(filling->now, MSIM_CALENDAR_ISO, digits);
        return true;
    case 1:
        *out = or_else(filling->view->account, filling->inject->account);
        return true;
    case 2:
        *out = or_else(message->symbol, filling->inject->symbol);
        return true;
    case 3:
        *out = message->client_order_id;
        return true;
    case 4:
        *out = message->order_id;
        return true;
    case 5:
        out->length = msim_decimal_digits(filling->random, digits);
        return true;
    default:
        return false;
    }
}

/* The names of others stand in quotes of the template: what could end a string is left out. */
static int append_safely(struct msim_bytes *bytes, struct msim_fault_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.text[i];
        if (c < ' ' || c == '"' || c == '\\')
            continue;
        int r = msim_bytes_append(bytes, &c, 1);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int fill(const struct filling *filling)
{
    const char *text = filling->inject->template;
    size_t length = filling->inject->template_length;
    size_t at = 0;
    int r = MSIM_OK;

    while (r == MSIM_OK && at < length) {
        char digits[MSIM_CALENDAR_SIZE];
        struct msim_fault_text value;
        const char *dollar = memchr(text + at, '$', length - at);
        size_t until = dollar ? (size_t)(dollar - text) : length;
        r = msim_bytes_append(filling->bytes, text + at, until - at);
        at = until;
        if (r < 0 || at == length)
            break;
        const char *end =
            at + 1 < length && text[at + 1] == '{' ? memchr(text + at, '}', length - at) : NULL;
        if (!end ||
            !value_of(filling, text + at + 2, (size_t)(end - text) - at - 2, digits, &value)) {
            r = msim_bytes_append(filling->bytes, "$", 1);
            at++;
            continue;
        }
        r = append_safely(filling->bytes, value);
        at = (size_t)(end - text) + 1;
    }
    return r;
}

static struct msim_fault_text named(const char *name, struct msim_fault_text otherwise)
{
    return name ? (struct msim_fault_text){name, strlen(name)} : otherwise;
}

bool msim_fault_inject_emit(struct report *report, uint32_t slot_index, const struct view *view,
                            const struct decision *decision, msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    const struct inject *inject = &slot->strategy->as.inject;
    struct msim_bytes bytes;

    if (msim_fault_sayings_full(report))
        return false;
    msim_bytes_init(&bytes, (size_t)1 << 20, &report->faults->allocator);
    struct filling filling = {
        .bytes = &bytes,
        .view = view,
        .inject = inject,
        .random = msim_random_at(decision->key, slot->emissions, PURPOSE_TARGET, 1),
        .now = now,
    };
    uint32_t index =
        fill(&filling) == MSIM_OK ? msim_fault_saying_take(report, slot->strategy) : NOTHING;
    const struct msim_fault_text text = {(const char *)msim_bytes_front(&bytes),
                                         msim_bytes_length(&bytes)};
    if (index != NOTHING &&
        msim_fault_saying_words(report, saying_at(report, index), text,
                                named(inject->account, view->account),
                                named(inject->symbol, view->message->symbol)) < 0) {
        msim_fault_saying_give(report, index);
        index = NOTHING;
    }
    msim_bytes_finish(&bytes);
    if (index == NOTHING) {
        report->faults->failure = MSIM_ERR_NOMEM;
        return false;
    }
    struct saying *saying = saying_at(report, index);
    saying->said.made = MSIM_FAULT_MADE_INJECTED;
    saying->said.type = inject->type;
    saying->said.new_sequence = true;
    saying->said.channel = inject->channel;
    saying->said.injection = slot->emissions++;
    slot->kinds->report.emitted++;
    msim_fault_say_at(report, index, now);
    return true;
}
