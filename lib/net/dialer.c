#include "net/dialer.h"

#include <assert.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/claims.h"
#include "net/tls.h"

#define FIRST_WAIT (500 * MSIM_NS_PER_MS)
#define LONGEST_WAIT (30 * MSIM_NS_PER_S)
#define MOST_WAIT (3600 * MSIM_NS_PER_S)

struct msim_dialer {
    struct msim_net *net;
    struct msim_dialer *next; /* of the net's, the first to dial first */
    struct msim_dialer **link;
    struct msim_connect_params connect; /* with a handler of ours */
    struct msim_connection_handler handler;
    void *context;
    bool (*again)(void *context, const struct msim_closing *closing, msim_time wait);
    msim_time first_wait;
    msim_time longest_wait;
    msim_time wait; /* the next one */
    msim_time due;  /* MSIM_TIME_NEVER: it does not wait */
    struct msim_connection *connection;
    uint32_t calls; /* of its owner's functions that are under way */
    bool is_dead;
    size_t size; /* of all of it */
    struct msim_http_header headers[];
    /* behind them, the texts */
};

/* ---- among the net's, by when they are due ---- */

static void take_out(struct msim_dialer *dialer)
{
    *dialer->link = dialer->next;
    if (dialer->next)
        dialer->next->link = dialer->link;
}

static void put_in(struct msim_dialer *dialer, msim_time due)
{
    struct msim_dialer **link = &dialer->net->dialers;

    while (*link && (*link)->due <= due)
        link = &(*link)->next;
    dialer->due = due;
    dialer->next = *link;
    dialer->link = link;
    if (dialer->next)
        dialer->next->link = &dialer->next;
    *link = dialer;
}

static void wait_until(struct msim_dialer *dialer, msim_time due)
{
    take_out(dialer);
    put_in(dialer, due);
}

msim_time msim_dialers_next(const struct msim_net *net)
{
    return net->dialers ? net->dialers->due : MSIM_TIME_NEVER;
}

static void dialer_free(struct msim_dialer *dialer)
{
    struct msim_allocator allocator = dialer->net->allocator;

    take_out(dialer);
    msim_tls_destroy(&dialer->connect.tls);
    msim_mem_free(&allocator, dialer, dialer->size);
}

/* ---- what its owner hears ---- */

/* Behind the last call, one that was destroyed meanwhile goes, unless a connection knows of it. */
static void leave(struct msim_dialer *dialer)
{
    dialer->calls--;
    if (dialer->is_dead && dialer->calls == 0 && !dialer->connection)
        dialer_free(dialer);
}

static void on_opened(void *context, struct msim_connection *connection)
{
    struct msim_dialer *dialer = context;

    if (dialer->is_dead || !dialer->handler.opened)
        return;
    dialer->calls++;
    dialer->handler.opened(dialer->context, connection);
    leave(dialer);
}

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct msim_dialer *dialer = context;

    dialer->wait = dialer->first_wait;
    if (dialer->is_dead || !dialer->handler.message)
        return;
    dialer->calls++;
    dialer->handler.message(dialer->context, connection, kind, bytes, length);
    leave(dialer);
}

static void on_drained(void *context, struct msim_connection *connection)
{
    struct msim_dialer *dialer = context;

    if (dialer->is_dead || !dialer->handler.drained)
        return;
    dialer->calls++;
    dialer->handler.drained(dialer->context, connection);
    leave(dialer);
}

/* A quarter less at most, by chance: where the system has none, all of it. */
static msim_time next_wait(struct msim_dialer *dialer)
{
    msim_time wait = dialer->wait;
    uint64_t dice;

    dialer->wait = wait < dialer->longest_wait / 2 ? wait * 2 : dialer->longest_wait;
    if (!msim_net_random(dialer->net, (unsigned char *)&dice, sizeof dice))
        return wait;
    return wait - msim_random_range(dice, 0, wait / 4);
}

static void plan(struct msim_dialer *dialer, const struct msim_closing *closing)
{
    msim_time wait = next_wait(dialer);
    bool comes = dialer->again ? dialer->again(dialer->context, closing, wait)
                               : closing->code != MSIM_CLOSE_NORMAL;

    if (comes && !dialer->is_dead)
        wait_until(dialer, msim_time_after(msim_net_now(dialer->net), wait));
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct msim_dialer *dialer = context;

    dialer->calls++;
    dialer->connection = NULL;
    if (!dialer->is_dead && dialer->handler.closed)
        dialer->handler.closed(dialer->context, connection, closing);
    if (!dialer->is_dead && !dialer->net->is_ending)
        plan(dialer, closing);
    leave(dialer);
}

/* ---- dialling ---- */

static void dial(struct msim_dialer *dialer)
{
    struct msim_detail detail = {""};

    wait_until(dialer, MSIM_TIME_NEVER);
    int r = msim_net_connect(dialer->net, &dialer->connection, &dialer->connect, &detail);
    if (r >= 0)
        return;
    const struct msim_closing closing = {
        .code = MSIM_CLOSE_ABNORMAL, .reason = detail.text, .failure = r};
    dialer->calls++;
    plan(dialer, &closing);
    leave(dialer);
}

void msim_dialers_dial(struct msim_net *net)
{
    while (net->dialers && net->dialers->due <= net->now)
        dial(net->dialers);
}

/* ---- life ---- */

static int check(const struct msim_dialer_params *params, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params || params->connect.size != sizeof params->connect)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_DIALER_PARAMS_INIT");
    if (!params->connect.url)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no URL to connect to");
    if (params->first_wait < 0 || params->longest_wait < 0 || params->first_wait > MOST_WAIT ||
        params->longest_wait > MOST_WAIT)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a wait is at most an hour");
    return msim_claims_check(&params->connect, detail);
}

/* ---- the texts of its params ---- */

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* They were checked: they are bounded, all but the URL and the secret. */
static size_t texts_size(const struct msim_connect_params *connect)
{
    size_t size =
        text_size(connect->url) + text_size(connect->api_key) + text_size(connect->api_secret);

    for (size_t i = 0; i < connect->header_count; i++)
        size += text_size(connect->headers[i].name) + text_size(connect->headers[i].value);
    return size;
}

static const char *keep(char **room, const char *text)
{
    char *kept = *room;

    if (!text)
        return NULL;
    memcpy(kept, text, text_size(text));
    *room += text_size(text);
    return kept;
}

static void keep_texts(struct msim_dialer *dialer)
{
    struct msim_connect_params *connect = &dialer->connect;
    char *room = (char *)(dialer->headers + connect->header_count);

    connect->url = keep(&room, connect->url);
    connect->api_key = keep(&room, connect->api_key);
    connect->api_secret = keep(&room, connect->api_secret);
    for (size_t i = 0; i < connect->header_count; i++) {
        dialer->headers[i].name = keep(&room, connect->headers[i].name);
        dialer->headers[i].value = keep(&room, connect->headers[i].value);
    }
    connect->headers = dialer->headers;
}

static void set_up(struct msim_dialer *dialer, const struct msim_dialer_params *params)
{
    dialer->handler = params->connect.handler;
    dialer->context = params->connect.context;
    dialer->again = params->again;
    dialer->first_wait = params->first_wait > 0 ? params->first_wait : FIRST_WAIT;
    dialer->longest_wait = params->longest_wait > 0 ? params->longest_wait : LONGEST_WAIT;
    if (dialer->longest_wait < dialer->first_wait)
        dialer->longest_wait = dialer->first_wait;
    dialer->wait = dialer->first_wait;
    dialer->connect = params->connect;
    keep_texts(dialer);
    dialer->connect.context = dialer;
    if (dialer->connect.tls)
        msim_tls_share(dialer->connect.tls);
    dialer->connect.handler = (struct msim_connection_handler){
        .opened = on_opened, .message = on_message, .drained = on_drained, .closed = on_closed};
}

int msim_dialer_create(struct msim_net *net, struct msim_dialer **out,
                       const struct msim_dialer_params *params, struct msim_detail *detail)
{
    if (!net || !out)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no net to dial in");
    int r = check(params, detail);
    if (r < 0)
        return r;

    size_t size = sizeof(struct msim_dialer) +
                  params->connect.header_count * sizeof(struct msim_http_header) +
                  texts_size(&params->connect);
    struct msim_dialer *dialer = msim_mem_zero(&net->allocator, size);
    if (!dialer)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    dialer->net = net;
    dialer->size = size;
    set_up(dialer, params);
    put_in(dialer, MSIM_TIME_NEVER);
    r = msim_net_connect(net, &dialer->connection, &dialer->connect, detail);
    if (r < 0) {
        dialer_free(dialer);
        return r;
    }
    *out = dialer;
    return MSIM_OK;
}

struct msim_connection *msim_dialer_connection(const struct msim_dialer *dialer)
{
    return dialer ? dialer->connection : NULL;
}

void msim_dialer_destroy(struct msim_dialer **handle)
{
    struct msim_dialer *dialer = handle ? *handle : NULL;

    if (!dialer)
        return;
    *handle = NULL;
    dialer->is_dead = true;
    wait_until(dialer, MSIM_TIME_NEVER);
    if (dialer->connection)
        msim_connection_abort(dialer->connection); /* its `closed` frees the dialer */
    else if (dialer->calls == 0)
        dialer_free(dialer);
}

void msim_dialers_finish(struct msim_net *net)
{
    while (net->dialers) {
        assert(!net->dialers->connection);
        dialer_free(net->dialers);
    }
}
