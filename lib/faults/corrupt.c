/*
 * Spoiling payloads: the modes that work on bytes, and the tools of all of them.
 *
 * A mutation makes a new payload; what was submitted is never written to.  Its
 * draws are numbered, so that a copy's differ from the original's.
 */
#include "faults/corrupt.h"

#include <string.h>

#include "base/random.h"
#include "base/utf8.h"

static const char html_page[] = "<html><head><title>502 Bad Gateway</title></head>"
                                "<body><center><h1>502 Bad Gateway</h1></center></body></html>";

/* How many places are tried for a cut whose parts are no JSON. */
#define CUT_TRIES 16

/* ---- tools ---- */

static uint64_t draw(struct mutating *mutating)
{
    uint32_t sub = mutating->sub | mutating->draws++ << 5;

    return msim_random_at(mutating->key, mutating->n, PURPOSE_CORRUPT_PLACE, sub);
}

size_t msim_fault_mutate_draw(struct mutating *mutating, size_t count)
{
    return (size_t)msim_mul_high(draw(mutating), count);
}

static int make(struct mutating *mutating, size_t length)
{
    mutating->made = msim_fault_payload_take(&mutating->faults->payloads, length, &mutating->class);
    if (!mutating->made)
        return MSIM_ERR_NOMEM;
    mutating->made_length = length;
    mutating->applied = true;
    return MSIM_OK;
}

/* A copy to be changed in place. */
static int make_copy(struct mutating *mutating)
{
    int r = make(mutating, mutating->length);

    if (r == MSIM_OK)
        memcpy(mutating->made, mutating->bytes, mutating->length);
    return r;
}

int msim_fault_mutate_replace(struct mutating *mutating, size_t start, size_t end, const char *with,
                              size_t length)
{
    size_t rest = mutating->length - end;
    int r = make(mutating, start + length + rest);
    if (r < 0)
        return r;
    memcpy(mutating->made, mutating->bytes, start);
    if (length > 0)
        memcpy(mutating->made + start, with, length);
    memcpy(mutating->made + start + length, mutating->bytes + end, rest);
    return MSIM_OK;
}

/* The length without white space at the end, which no parser would miss. */
static size_t trimmed(const struct mutating *mutating)
{
    size_t length = mutating->length;

    while (length > 0 && strchr(" \t\r\n", mutating->bytes[length - 1]) &&
           mutating->bytes[length - 1] != '\0')
        length--;
    return length;
}

/* Back to where a character begins. */
static size_t to_boundary(const struct mutating *mutating, size_t at)
{
    while (at > 0 && at < mutating->length && (mutating->bytes[at] & 0xC0) == 0x80)
        at--;
    return at;
}

/* ---- modes ---- */

static bool is_flipped(const struct mutating *mutating, size_t bit)
{
    return (mutating->made[bit / 8] ^ mutating->bytes[bit / 8]) >> bit % 8 & 1;
}

/*
 * So many different bits, each set of them as likely as any other (Floyd's sampling): one that
 * was drawn already stands for the last of those that could be drawn, which is new by then.
 */
static int flip_bits(struct mutating *mutating)
{
    size_t all = mutating->length * 8;
    size_t wanted = (size_t)mutating->mutation->bits;

    if (all == 0)
        return MSIM_OK;
    int r = make_copy(mutating);
    for (size_t last = all > wanted ? all - wanted : 0; r == MSIM_OK && last < all; last++) {
        size_t bit = msim_fault_mutate_draw(mutating, last + 1);
        if (is_flipped(mutating, bit))
            bit = last;
        mutating->made[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    return r;
}

static bool printable(unsigned c)
{
    return c >= ' ' && c <= '~';
}

/* One bit of the byte at `at` that leaves it printable: a mask of those. */
static unsigned printable_flips(unsigned char byte)
{
    unsigned mask = 0;

    for (unsigned bit = 0; printable(byte) && bit < 7; bit++)
        if (printable(byte ^ 1U << bit))
            mask |= 1U << bit;
    return mask;
}

static int flip_text(struct mutating *mutating)
{
    if (mutating->length == 0)
        return MSIM_OK;
    size_t start = msim_fault_mutate_draw(mutating, mutating->length);
    for (size_t i = 0; i < mutating->length; i++) {
        size_t at = (start + i) % mutating->length;
        unsigned mask = printable_flips(mutating->bytes[at]);
        if (mask == 0)
            continue;
        int r = make_copy(mutating);
        if (r < 0)
            return r;
        size_t chosen = msim_fault_mutate_draw(mutating, (size_t)__builtin_popcount(mask));
        while (chosen-- > 0)
            mask &= mask - 1;
        mutating->made[at] ^= (unsigned char)(mask & (~mask + 1));
        return MSIM_OK;
    }
    return MSIM_OK;
}

/*
 * A cut that leaves no JSON: 12.5 cut behind its 1 would still be a number.  Where the one that
 * was drawn does, those behind it are tried in turn; 0 where none will do.
 */
static size_t find_cut(const struct mutating *mutating, size_t length, size_t drawn, size_t tries)
{
    for (size_t i = 0; i < tries && i + 1 < length; i++) {
        size_t cut = to_boundary(mutating, 1 + (drawn - 1 + i) % (length - 1));
        if (cut == 0 || msim_fault_is_json(mutating->bytes, cut))
            continue;
        if (mutating->mutation->mode == CORRUPT_TRUNCATE ||
            !msim_fault_is_json(mutating->bytes + cut, mutating->length - cut))
            return cut;
    }
    return 0;
}

static int truncate(struct mutating *mutating)
{
    size_t length = trimmed(mutating);
    size_t keep = (size_t)mutating->mutation->keep;

    if (length < 2 || keep >= length)
        return MSIM_OK;
    keep = keep > 0 ? find_cut(mutating, length, keep, 1)
                    : find_cut(mutating, length, 1 + msim_fault_mutate_draw(mutating, length - 1),
                               CUT_TRIES);
    return keep > 0 ? msim_fault_mutate_replace(mutating, keep, mutating->length, "", 0) : MSIM_OK;
}

static bool is_page(const struct mutating *mutating)
{
    return mutating->length == sizeof html_page - 1 &&
           memcmp(mutating->bytes, html_page, mutating->length) == 0;
}

static int replace_all(struct mutating *mutating)
{
    if (mutating->mutation->with == GARBAGE_HTML)
        return is_page(mutating) ? MSIM_OK
                                 : msim_fault_mutate_replace(mutating, 0, mutating->length,
                                                             html_page, sizeof html_page - 1);
    if (mutating->length == 0)
        return MSIM_OK;
    if (mutating->mutation->with == GARBAGE_EMPTY)
        return msim_fault_mutate_replace(mutating, 0, mutating->length, "", 0);
    int r = make(mutating, mutating->length);
    for (size_t i = 0; r == MSIM_OK && i < mutating->length; i += 8) {
        uint64_t u = draw(mutating);
        for (size_t k = i; k < mutating->length && k < i + 8; k++, u >>= 8)
            mutating->made[k] = (unsigned char)u;
    }
    if (r < 0)
        return r;
    mutating->made[0] |= 0x80; /* no JSON begins so, whatever was drawn */
    if (mutating->made[0] == mutating->bytes[0])
        mutating->made[0] ^= 1;
    return MSIM_OK;
}

static int split(struct mutating *mutating)
{
    size_t length = trimmed(mutating);

    if (length < 2)
        return MSIM_OK;
    mutating->cut =
        find_cut(mutating, length, 1 + msim_fault_mutate_draw(mutating, length - 1), CUT_TRIES);
    mutating->applied = mutating->cut > 0;
    return MSIM_OK;
}

/* A byte of 33..126 that is not the one before. */
static unsigned char other_byte(struct mutating *mutating, unsigned char before)
{
    bool among = before >= 33 && before <= 126;
    unsigned drawn = 33 + (unsigned)msim_fault_mutate_draw(mutating, among ? 93 : 94);

    return (unsigned char)(drawn + (among && drawn >= before));
}

/* Exactly max(1, floor(length * fraction)) places, each as likely as any other. */
static int scramble(struct mutating *mutating)
{
    msim_uint128 part = (msim_uint128)mutating->length * (uint64_t)mutating->mutation->fraction;
    size_t wanted = (size_t)(part / (uint64_t)PPB);

    if (mutating->length == 0)
        return MSIM_OK;
    int r = make_copy(mutating);
    if (wanted == 0)
        wanted = 1;
    for (size_t i = 0; r == MSIM_OK && wanted > 0; i++) {
        if (msim_fault_mutate_draw(mutating, mutating->length - i) >= wanted)
            continue;
        mutating->made[i] = other_byte(mutating, mutating->bytes[i]);
        wanted--;
    }
    return r;
}

bool msim_fault_can_precede(const unsigned char *bytes, size_t length)
{
    size_t at = 0;

    while (at < length && strchr(" \t\r\n", bytes[at]) && bytes[at] != '\0')
        at++;
    return at < length && bytes[at] != '-' && (bytes[at] < '0' || bytes[at] > '9');
}

int msim_fault_mutate(struct mutating *mutating)
{
    switch (mutating->mutation->mode) {
    case CORRUPT_BITFLIP:
        return flip_bits(mutating);
    case CORRUPT_BITFLIP_TEXT:
        return flip_text(mutating);
    case CORRUPT_TRUNCATE:
        return truncate(mutating);
    case CORRUPT_GARBAGE:
        return replace_all(mutating);
    case CORRUPT_SPLIT:
        return split(mutating);
    case CORRUPT_SCRAMBLE:
        return scramble(mutating);
    default:
        return msim_fault_mutate_token(mutating);
    }
}

/* ---- values that id_swap may use ---- */

static void note(struct live_values *values, struct msim_fault_text text)
{
    if (text.length == 0 || text.length > LIVE_VALUE_SIZE)
        return;
    size_t filled = values->count < LIVE_VALUES ? values->count : LIVE_VALUES;
    for (size_t i = 0; i < filled; i++)
        if (values->length[i] == text.length &&
            memcmp(values->text[i], text.text, text.length) == 0)
            return;
    size_t at = values->count++ % LIVE_VALUES;
    memcpy(values->text[at], text.text, text.length);
    values->length[at] = (uint8_t)text.length;
}

void msim_fault_live_note(struct msim_faults *faults, const struct msim_fault_message *message)
{
    note(&faults->live[LIVE_CID], message->client_order_id);
    note(&faults->live[LIVE_ORDER_ID], message->order_id);
    note(&faults->live[LIVE_SYMBOL], message->symbol);
}
