#include "net/extension.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"

#define NAME "permessage-deflate"

/* client_max_window_bits may come without a value: any will do. */
#define WITHOUT_VALUE UINT8_MAX

/* One element of the list. */
struct offer {
    bool is_deflate;
    bool is_good; /* nothing in it that is unknown, twice there or out of its range */
    bool server_resets;
    bool client_resets;
    uint8_t server_bits; /* 0: not named */
    uint8_t client_bits;
};

struct parameter {
    struct msim_http_text name;
    bool has_value;
    char value[4]; /* longer ones are cut: none of ours has more than two letters */
};

/* ---- the grammar ---- */

static bool is_token_byte(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static void skip_space(struct msim_http_text *rest)
{
    while (rest->length > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t')) {
        rest->at++;
        rest->length--;
    }
}

/* Takes the byte, and the space around it. */
static bool take_byte(struct msim_http_text *rest, char byte)
{
    skip_space(rest);
    if (rest->length == 0 || rest->at[0] != byte)
        return false;
    rest->at++;
    rest->length--;
    skip_space(rest);
    return true;
}

static bool take_token(struct msim_http_text *rest, struct msim_http_text *token)
{
    size_t length = 0;

    skip_space(rest);
    while (length < rest->length && is_token_byte(rest->at[length]))
        length++;
    *token = (struct msim_http_text){rest->at, length};
    rest->at += length;
    rest->length -= length;
    return length > 0;
}

static void add_byte(struct parameter *parameter, size_t *length, char byte)
{
    if (*length + 1 < sizeof parameter->value)
        parameter->value[(*length)++] = byte;
}

/* What is quoted must be a token once it is not any more. */
static bool take_quoted(struct msim_http_text *rest, struct parameter *parameter)
{
    size_t length = 0;
    size_t i = 1;

    for (; i < rest->length && rest->at[i] != '"'; i++) {
        if (rest->at[i] == '\\')
            i++;
        if (i == rest->length || !is_token_byte(rest->at[i]))
            return false;
        add_byte(parameter, &length, rest->at[i]);
    }
    if (i >= rest->length || length == 0)
        return false;
    rest->at += i + 1;
    rest->length -= i + 1;
    return true;
}

static bool take_parameter(struct msim_http_text *rest, struct parameter *parameter)
{
    struct msim_http_text token;
    size_t length = 0;

    *parameter = (struct parameter){.has_value = false};
    if (!take_token(rest, &parameter->name))
        return false;
    parameter->has_value = take_byte(rest, '=');
    if (!parameter->has_value)
        return true;
    if (rest->length > 0 && rest->at[0] == '"')
        return take_quoted(rest, parameter);
    if (!take_token(rest, &token))
        return false;
    for (size_t i = 0; i < token.length; i++)
        add_byte(parameter, &length, token.at[i]);
    return true;
}

/* 8..15 without a zero before it; 0 for anything else. */
static uint8_t read_bits(const struct parameter *parameter)
{
    const char *value = parameter->value;

    if ((value[0] == '8' || value[0] == '9') && value[1] == '\0')
        return (uint8_t)(value[0] - '0');
    if (value[0] == '1' && value[1] >= '0' && value[1] <= '5' && value[2] == '\0')
        return (uint8_t)(10 + value[1] - '0');
    return 0;
}

static bool note_flag(bool *flag, const struct parameter *parameter)
{
    bool is_good = !*flag && !parameter->has_value;

    *flag = true;
    return is_good;
}

static bool note_bits(uint8_t *bits, const struct parameter *parameter, bool needs_value)
{
    uint8_t value = parameter->has_value ? read_bits(parameter) : needs_value ? 0 : WITHOUT_VALUE;
    bool is_good = *bits == 0 && value != 0;

    *bits = value;
    return is_good;
}

static void note_parameter(struct offer *offer, const struct parameter *parameter)
{
    bool is_good = false;

    if (msim_http_is_loosely(parameter->name, "server_no_context_takeover"))
        is_good = note_flag(&offer->server_resets, parameter);
    else if (msim_http_is_loosely(parameter->name, "client_no_context_takeover"))
        is_good = note_flag(&offer->client_resets, parameter);
    else if (msim_http_is_loosely(parameter->name, "server_max_window_bits"))
        is_good = note_bits(&offer->server_bits, parameter, true);
    else if (msim_http_is_loosely(parameter->name, "client_max_window_bits"))
        is_good = note_bits(&offer->client_bits, parameter, false);
    offer->is_good &= is_good;
}

/* One extension and its parameters; false for what is none. */
static bool take_offer(struct msim_http_text *rest, struct offer *offer)
{
    struct msim_http_text name;
    struct parameter parameter;

    *offer = (struct offer){.is_good = true};
    if (!take_token(rest, &name))
        return false;
    offer->is_deflate = msim_http_is_loosely(name, NAME);
    while (take_byte(rest, ';')) {
        if (!take_parameter(rest, &parameter))
            return false;
        note_parameter(offer, &parameter);
    }
    skip_space(rest);
    return rest->length == 0 || rest->at[0] == ',';
}

/* The elements of all headers of this name, one after the other. */
struct list {
    const struct msim_http_head *head;
    size_t field;
    struct msim_http_text rest;
};

enum progress {
    LIST_END,
    LIST_OFFER,
    LIST_BAD,
};

static enum progress next_offer(struct list *list, struct offer *offer)
{
    for (;;) {
        while (take_byte(&list->rest, ','))
            continue;
        if (list->rest.length > 0)
            return take_offer(&list->rest, offer) ? LIST_OFFER : LIST_BAD;
        while (list->field < list->head->field_count &&
               !msim_http_is_loosely(list->head->fields[list->field].name, MSIM_EXTENSION_HEADER))
            list->field++;
        if (list->field == list->head->field_count)
            return LIST_END;
        list->rest = list->head->fields[list->field++].value;
    }
}

/* ---- terms ---- */

static uint8_t bits_or_most(uint8_t bits)
{
    return bits >= MSIM_WINDOW_BITS_MIN && bits <= MSIM_WINDOW_BITS_MAX ? bits
                                                                        : MSIM_WINDOW_BITS_MAX;
}

static uint8_t less_of(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static void meet(struct msim_deflate_terms *terms, const struct msim_deflate *wanted,
                 const struct offer *offer)
{
    uint8_t peer_bits = bits_or_most(wanted->peer_window_bits);

    *terms = (struct msim_deflate_terms){
        .is_on = true,
        .keeps_context = wanted->keeps_context && !offer->server_resets,
        .peer_keeps_context = wanted->peer_keeps_context && !offer->client_resets,
        .window_bits = less_of(bits_or_most(wanted->window_bits), bits_or_most(offer->server_bits)),
        /* A client that does not offer to bound its window must not be asked to. */
        .peer_window_bits = offer->client_bits == 0
                                ? MSIM_WINDOW_BITS_MAX
                                : less_of(peer_bits, bits_or_most(offer->client_bits)),
    };
}

static void write_answer(char out[MSIM_EXTENSION_TEXT], const struct msim_deflate_terms *terms,
                         const struct offer *offer)
{
    char server[32] = "";
    char client[32] = "";

    if (offer->server_bits > 0 || terms->window_bits < MSIM_WINDOW_BITS_MAX)
        snprintf(server, sizeof server, "; server_max_window_bits=%u", terms->window_bits);
    if (offer->client_bits > 0 && terms->peer_window_bits < MSIM_WINDOW_BITS_MAX)
        snprintf(client, sizeof client, "; client_max_window_bits=%u", terms->peer_window_bits);
    snprintf(out, MSIM_EXTENSION_TEXT, NAME "%s%s%s%s",
             terms->keeps_context ? "" : "; server_no_context_takeover",
             terms->peer_keeps_context ? "" : "; client_no_context_takeover", server, client);
}

int msim_extension_choose(struct msim_deflate_terms *terms, char answer[MSIM_EXTENSION_TEXT],
                          const struct msim_deflate *wanted, const struct msim_http_head *head)
{
    struct list list = {.head = head};
    struct offer offer;
    enum progress progress;

    *terms = (struct msim_deflate_terms){.is_on = false};
    answer[0] = '\0';
    while ((progress = next_offer(&list, &offer)) == LIST_OFFER) {
        if (!wanted->is_on || terms->is_on || !offer.is_deflate || !offer.is_good)
            continue;
        meet(terms, wanted, &offer);
        write_answer(answer, terms, &offer);
    }
    return progress == LIST_END ? MSIM_OK : MSIM_ERR_FORMAT;
}

/* ---- the client's side ---- */

void msim_extension_offer(char out[MSIM_EXTENSION_TEXT], const struct msim_deflate *wanted)
{
    uint8_t bits = bits_or_most(wanted->window_bits);
    uint8_t peer_bits = bits_or_most(wanted->peer_window_bits);
    char client[32] = "; client_max_window_bits";
    char server[32] = "";

    if (bits < MSIM_WINDOW_BITS_MAX)
        snprintf(client, sizeof client, "; client_max_window_bits=%u", bits);
    if (peer_bits < MSIM_WINDOW_BITS_MAX)
        snprintf(server, sizeof server, "; server_max_window_bits=%u", peer_bits);
    snprintf(out, MSIM_EXTENSION_TEXT, NAME "%s%s%s%s",
             wanted->peer_keeps_context ? "" : "; server_no_context_takeover",
             wanted->keeps_context ? "" : "; client_no_context_takeover", server, client);
}

/* What an answer lacks that the offer asked for, or says that it did not. */
static const char *answer_mistake(const struct msim_deflate *wanted, const struct offer *answer)
{
    uint8_t bits = bits_or_most(wanted->window_bits);
    uint8_t peer_bits = bits_or_most(wanted->peer_window_bits);

    if (!answer->is_deflate || !wanted->is_on)
        return "an extension that was not offered";
    if (!answer->is_good || answer->client_bits == WITHOUT_VALUE)
        return "parameters of permessage-deflate that it does not have";
    if (!wanted->peer_keeps_context && !answer->server_resets)
        return "permessage-deflate without the server_no_context_takeover that was asked for";
    if (peer_bits < MSIM_WINDOW_BITS_MAX &&
        (answer->server_bits == 0 || answer->server_bits > peer_bits))
        return "permessage-deflate without the server_max_window_bits that was asked for";
    if (answer->client_bits > bits)
        return "more client_max_window_bits than were offered";
    return NULL;
}

int msim_extension_agree(struct msim_deflate_terms *terms, const struct msim_deflate *wanted,
                         const struct msim_http_head *head, struct msim_detail *detail)
{
    struct list list = {.head = head};
    struct offer answer;
    struct offer further;

    *terms = (struct msim_deflate_terms){.is_on = false};
    enum progress progress = next_offer(&list, &answer);
    if (progress == LIST_END)
        return MSIM_OK;
    if (progress == LIST_BAD)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "its " MSIM_EXTENSION_HEADER " cannot be read");
    const char *mistake = answer_mistake(wanted, &answer);
    if (!mistake && next_offer(&list, &further) != LIST_END)
        mistake = "more than one extension";
    if (mistake)
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "it chose %s", mistake);
    *terms = (struct msim_deflate_terms){
        .is_on = true,
        .keeps_context = wanted->keeps_context && !answer.client_resets,
        .peer_keeps_context = !answer.server_resets,
        .window_bits = less_of(bits_or_most(wanted->window_bits), bits_or_most(answer.client_bits)),
        .peer_window_bits = bits_or_most(answer.server_bits),
    };
    return MSIM_OK;
}
