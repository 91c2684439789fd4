/*
 * A small HTTP server on the library, for foreign clients (tests/interop/test_http.py): says what
 * is in a form, says back what it was sent, serves a page.  Ends with its stdin.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <marketsim/assets.h>
#include <marketsim/form.h>
#include <marketsim/http.h>

/* What a form's parts were, while they come. */
struct form {
    struct msim_multipart *multipart;
    struct msim_detail detail;
    int result;
    char text[4096];
    size_t length;
    uint64_t sum;
    size_t bytes;
};

static void answer(struct msim_exchange *exchange, const void *bytes, size_t length)
{
    const struct msim_http_answer answer = {
        .status = 200, .content_type = "text/plain", .body = bytes, .body_length = length};

    if (msim_exchange_answer(exchange, &answer) < 0)
        msim_exchange_abort(exchange);
}

static void refuse(struct msim_exchange *exchange, int status, const char *words)
{
    if (msim_exchange_refuse(exchange, status, words) < 0)
        msim_exchange_abort(exchange);
}

/* ---- /form ---- */

static int take_part(void *context, const struct msim_part *part)
{
    struct form *form = context;
    int length = snprintf(form->text + form->length, sizeof form->text - form->length, "%s|%s|%s|",
                          part->name, part->file_name ? part->file_name : "-", part->content_type);

    if (length >= (int)(sizeof form->text - form->length))
        return MSIM_ERR_LIMIT;
    form->length += (size_t)length;
    form->sum = form->bytes = 0;
    return MSIM_OK;
}

static int take_bytes(void *context, const unsigned char *bytes, size_t length)
{
    struct form *form = context;

    for (size_t i = 0; i < length; i++)
        form->sum += bytes[i];
    form->bytes += length;
    return MSIM_OK;
}

static int end_part(void *context)
{
    struct form *form = context;
    int length = snprintf(form->text + form->length, sizeof form->text - form->length,
                          "%zu|%" PRIu64 "\n", form->bytes, form->sum);

    if (length >= (int)(sizeof form->text - form->length))
        return MSIM_ERR_LIMIT;
    form->length += (size_t)length;
    return MSIM_OK;
}

static void begin_form(void *context, struct msim_exchange *exchange)
{
    struct msim_multipart_params params = MSIM_MULTIPART_PARAMS_INIT;
    const char *type = msim_exchange_header(exchange, "Content-Type");
    struct form *form = calloc(1, sizeof *form);

    (void)context;
    msim_exchange_set_user(exchange, form);
    if (!form) {
        refuse(exchange, 503, "out of memory");
        return;
    }
    params.content_type = type ? type : "";
    params.handler = (struct msim_multipart_handler){take_part, take_bytes, end_part};
    params.context = form;
    params.max_part_bytes = 4 << 20;
    if (msim_multipart_create(&form->multipart, &params, &form->detail) < 0)
        refuse(exchange, 415, form->detail.text);
}

static void feed_form(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                      size_t length)
{
    struct form *form = msim_exchange_user(exchange);

    (void)context;
    if (form->result == MSIM_OK)
        form->result = length > 0
                           ? msim_multipart_feed(form->multipart, bytes, length, &form->detail)
                           : msim_multipart_finish(form->multipart, &form->detail);
    if (form->result < 0)
        refuse(exchange, form->result == MSIM_ERR_LIMIT ? 413 : 400, form->detail.text);
    else if (length == 0)
        answer(exchange, form->text, form->length);
}

static void end_form(void *context, struct msim_exchange *exchange)
{
    struct form *form = msim_exchange_user(exchange);

    (void)context;
    if (form)
        msim_multipart_destroy(&form->multipart);
    free(form);
}

/* ---- /echo ---- */

static void echo(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_request *request = msim_exchange_request(exchange);

    (void)context;
    answer(exchange, request->body, request->body_length);
}

/* ---- the loop ---- */

static void stdin_ready(void *context, int fd)
{
    char bytes[64];

    if (read(fd, bytes, sizeof bytes) <= 0)
        *(bool *)context = true;
}

int main(int argument_count, char **arguments)
{
    static const struct msim_http_handler form = {begin_form, feed_form, NULL, end_form};
    static const struct msim_http_handler echoing = {.request = echo};
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_assets_params assets_params = MSIM_ASSETS_PARAMS_INIT;
    struct msim_assets *assets = NULL;
    struct msim_listener *listener;
    struct msim_net *net = NULL;
    struct msim_detail detail = {""};
    bool over = false;

    assets_params.mount = "/static/";
    assets_params.folder = argument_count > 1 ? arguments[1] : ".";
    if (msim_assets_create(&assets, &assets_params, &detail) < 0 ||
        msim_net_create(&net, &net_params, &detail) < 0) {
        fprintf(stderr, "%s\n", detail.text);
        msim_assets_destroy(&assets);
        return 1;
    }
    const struct msim_route routes[] = {
        {.method = "POST", .path = "/form", .http = &form, .max_body_bytes = 16 << 20},
        {.method = "POST", .path = "/echo", .http = &echoing, .max_body_bytes = 4 << 20},
        msim_assets_route(assets),
    };
    params.host = "127.0.0.1";
    params.routes = routes;
    params.route_count = sizeof routes / sizeof routes[0];
    int r = msim_net_listen(net, &listener, &params, &detail);
    if (r >= 0)
        r = msim_net_watch(net, STDIN_FILENO, stdin_ready, &over);
    if (r < 0)
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : msim_result_text(r));
    else
        printf("%u\n", (unsigned)msim_listener_port(listener));
    fflush(stdout);
    while (r >= 0 && !over)
        r = msim_net_dispatch(net, -1);
    msim_net_destroy(&net);
    msim_assets_destroy(&assets);
    return r < 0;
}
