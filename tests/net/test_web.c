/*
 * What browsers need of HTTP: pages of other origins (CORS), static files, dates.
 */
#include "bench.h"

#include <sys/stat.h>

#include <marketsim/assets.h>

struct site {
    struct bench bench;
    struct msim_listener *listener;
    struct msim_assets *assets;
    char answer[600000];
    size_t length;
};

static void greet(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_answer answer = {
        .status = 200, .content_type = "text/plain", .body = "hello", .body_length = 5};

    (void)context;
    assert_int_equal(msim_exchange_answer(exchange, &answer), MSIM_OK);
}

static const struct msim_http_handler greeting = {.request = greet};
static const struct msim_connection_handler deaf = {0};

static const char *const robots[] = {"https://robot.example", "http://localhost:3000"};
static const char *const everybody[] = {"*"};

static void site_open(struct site *site, const struct msim_assets_params *assets)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_detail detail = {""};
    struct msim_route routes[] = {
        {.method = "GET", .path = "/api/a", .http = &greeting},
        {.method = "POST",
         .path = "/api/a",
         .http = &greeting,
         .max_body_bytes = 5,
         .max_body_name = "max_greeting, --max-greeting"},
        {.path = "/api/any", .http = &greeting},
        {.path = "/api/feed/live", .websocket = &deaf},
        {.method = "GET", .path = "/open", .http = &greeting},
        {.method = "GET", .path = "/closed", .http = &greeting},
        {.method = "GET", .path = "/unasked", .http = &greeting},
    };
    const struct msim_cors cors[] = {
        {.path = "/api/*",
         .origins = robots,
         .origin_count = COUNT(robots),
         .headers = "X-API-Key, Content-Type",
         .exposed_headers = "Retry-After",
         .max_age_s = 60,
         .credentials = true},
        {.path = "/open", .origins = everybody, .origin_count = 1},
    };

    memset(site, 0, sizeof *site);
    bench_open(&site->bench, NULL, 0);
    if (assets) {
        if (msim_assets_create(&site->assets, assets, &detail) < 0)
            fail_msg("%s", detail.text);
        routes[COUNT(routes) - 1] = msim_assets_route(site->assets);
    }
    params.host = "127.0.0.1";
    params.routes = routes;
    params.route_count = COUNT(routes);
    params.cors = cors;
    params.cors_count = COUNT(cors);
    params.limits.max_backlog_bytes = 100000;
    params.limits.kernel_send_bytes = 4096;
    if (msim_net_listen(site->bench.net, &site->listener, &params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void site_finish(struct site *site)
{
    bench_finish(&site->bench);
    msim_assets_destroy(&site->assets);
    msim_assets_destroy(&site->assets);
}

/* The whole answer to one request; `lines` are header lines with their ends. */
static void ask(struct site *site, const char *method, const char *path, const char *lines)
{
    char request[1024];

    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
             method, path, lines);
    int fd = raw_connect_to(msim_listener_port(site->listener));
    raw_say(&site->bench, fd, request);
    site->length = raw_read(&site->bench, fd, site->answer, sizeof site->answer - 1);
    site->answer[site->length] = '\0';
    close(fd);
}

static void assert_status(const struct site *site, int status)
{
    char expected[16];

    snprintf(expected, sizeof expected, "HTTP/1.1 %d ", status);
    if (strncmp(site->answer, expected, strlen(expected)) != 0)
        fail_msg("not %d: %.300s", status, site->answer);
}

static bool says(const struct site *site, const char *line)
{
    const char *end = strstr(site->answer, "\r\n\r\n");
    const char *found = strstr(site->answer, line);

    assert_non_null(end);
    return found && found < end && found[-1] == '\n' && found[strlen(line)] == '\r';
}

static bool names(const struct site *site, const char *text)
{
    const char *end = strstr(site->answer, "\r\n\r\n");
    const char *found = strstr(site->answer, text);

    assert_non_null(end);
    return found && found < end;
}

static const char *body(const struct site *site)
{
    const char *end = strstr(site->answer, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

/* ---- where nothing is, and too much of something ---- */

static void what_is_not_there_is_answered_with_what_is(void **state)
{
    static const struct msim_assets_params files = MSIM_ASSETS_PARAMS_INIT;
    static const struct {
        const char *path;
        const char *words; /* without a table of files behind all else */
        const char *words_of_files;
    } cases[] = {
        {"/api/b", "the nearest one is /api/a\"", "the nearest one is /api/a\""},
        {"/api/feet/live", "the nearest one is /api/feed/live\"",
         "the nearest one is /api/feed/live\""},
        {"/elsewhere", "a WebSocket is served at /api/feed/live\"", "there is no such file\""},
    };
    struct site *site = malloc(sizeof *site);

    (void)state;
    assert_non_null(site);
    for (int has_files = 0; has_files < 2; has_files++) {
        site_open(site, has_files ? &files : NULL);
        for (size_t i = 0; i < COUNT(cases); i++) {
            ask(site, "GET", cases[i].path, "");
            assert_status(site, 404);
            assert_non_null(
                strstr(body(site), has_files ? cases[i].words_of_files : cases[i].words));
        }
        /* Who wants a WebSocket has no use for a path that has none. */
        ask(site, "GET", "/api/b",
            "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
        assert_status(site, 404);
        assert_non_null(strstr(body(site), "a WebSocket is served at /api/feed/live\""));
        site_finish(site);
    }
    free(site);
}

static void a_body_that_is_too_large_is_answered_with_what_bounds_it(void **state)
{
    struct site *site = malloc(sizeof *site);

    (void)state;
    assert_non_null(site);
    site_open(site, NULL);
    ask(site, "POST", "/api/a", "Content-Length: 6\r\n");
    assert_status(site, 413);
    assert_non_null(strstr(body(site), "larger than the 5 bytes that this path takes "
                                       "(max_greeting, --max-greeting)\""));
    site_finish(site);
    free(site);
}

/* ---- CORS ---- */

static void a_page_of_an_allowed_origin_may_read_answers_and_errors(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *lines;
        int status;
    } cases[] = {
        {"GET", "/api/a", "", 200},
        {"GET", "/api/none", "", 404},
        {"DELETE", "/api/a", "", 405},
        {"POST", "/api/a", "Content-Length: 6\r\n", 413},
        {"POST", "/api/a", "Transfer-Encoding: chunked\r\n\r\nnonsense", 400},
    };
    struct site *site = malloc(sizeof *site);
    char lines[200];

    (void)state;
    assert_non_null(site);
    site_open(site, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(lines, sizeof lines, "Origin: http://localhost:3000\r\n%s", cases[i].lines);
        ask(site, cases[i].method, cases[i].path, lines);
        assert_status(site, cases[i].status);
        assert_true(says(site, "Access-Control-Allow-Origin: http://localhost:3000"));
        assert_true(says(site, "Access-Control-Allow-Credentials: true"));
        assert_true(says(site, "Access-Control-Expose-Headers: Retry-After"));
        assert_true(says(site, "Vary: Origin"));
        assert_true(names(site, "\r\nDate: "));
    }
    site_finish(site);
    free(site);
}

static void a_page_of_another_origin_gets_no_leave(void **state)
{
    struct site *site = malloc(sizeof *site);

    (void)state;
    assert_non_null(site);
    site_open(site, NULL);
    ask(site, "GET", "/api/a", "Origin: http://localhost:3001\r\n");
    assert_status(site, 200);
    assert_false(names(site, "Access-Control-"));
    assert_true(says(site, "Vary: Origin"));
    ask(site, "GET", "/api/a", "");
    assert_false(names(site, "Access-Control-"));
    assert_true(says(site, "Vary: Origin"));
    ask(site, "GET", "/closed", "Origin: http://localhost:3000\r\n");
    assert_false(names(site, "Access-Control-"));
    assert_false(names(site, "Vary"));
    ask(site, "GET", "/open", "Origin: null\r\n");
    assert_true(says(site, "Access-Control-Allow-Origin: *"));
    assert_false(names(site, "Vary"));
    ask(site, "OPTIONS", "/api/a",
        "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n");
    assert_status(site, 403);
    assert_false(names(site, "Access-Control-"));
    site_finish(site);
    free(site);
}

static void a_browser_that_asks_beforehand_is_told_what_may_be(void **state)
{
    struct site *site = malloc(sizeof *site);

    (void)state;
    assert_non_null(site);
    site_open(site, NULL);
    ask(site, "OPTIONS", "/api/a",
        "Origin: https://robot.example\r\nAccess-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: x-api-key\r\n");
    assert_status(site, 204);
    assert_true(says(site, "Access-Control-Allow-Origin: https://robot.example"));
    assert_true(says(site, "Access-Control-Allow-Methods: GET, HEAD, POST"));
    assert_true(says(site, "Access-Control-Allow-Headers: X-API-Key, Content-Type"));
    assert_true(says(site, "Access-Control-Max-Age: 60"));
    assert_true(says(site, "Vary: Origin"));
    assert_false(names(site, "Private-Network"));
    assert_false(names(site, "Expose"));
    assert_string_equal(body(site), "");

    ask(site, "OPTIONS", "/api/any",
        "Origin: https://robot.example\r\nAccess-Control-Request-Method: PURGE\r\n"
        "Access-Control-Request-Private-Network: true\r\n");
    assert_status(site, 204);
    assert_true(says(site, "Access-Control-Allow-Private-Network: true"));
    assert_int_equal(strncmp(site->answer, "HTTP/1.1 204", 12), 0);

    ask(site, "OPTIONS", "/open",
        "Origin: a://b\r\nAccess-Control-Request-Method: GET\r\n"
        "Access-Control-Request-Headers: x-one, x-two\r\n");
    assert_status(site, 204);
    assert_true(says(site, "Access-Control-Allow-Headers: x-one, x-two"));
    assert_true(says(site, "Access-Control-Max-Age: 600"));

    ask(site, "OPTIONS", "/api/none",
        "Origin: https://robot.example\r\nAccess-Control-Request-Method: GET\r\n");
    assert_status(site, 404);
    /* Without its question it is a method like any other. */
    ask(site, "OPTIONS", "/api/a", "Origin: https://robot.example\r\n");
    assert_status(site, 405);
    site_finish(site);
    free(site);
}

static void a_refusal_leaves_the_connection_for_the_next_request(void **state)
{
    struct site *site = malloc(sizeof *site);
    char text[2048];

    (void)state;
    assert_non_null(site);
    site_open(site, NULL);
    int fd = raw_connect_to(msim_listener_port(site->listener));
    raw_say(&site->bench, fd,
            "GET /none HTTP/1.1\r\nHost: h\r\n\r\n"
            "OPTIONS /api/a HTTP/1.1\r\nHost: h\r\nOrigin: https://robot.example\r\n"
            "Access-Control-Request-Method: GET\r\n\r\n"
            "GET /closed HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    raw_rest(&site->bench, fd, text, sizeof text);
    assert_int_equal(strncmp(text, "HTTP/1.1 404 ", 13), 0);
    assert_non_null(strstr(text, "application/problem+json"));
    const char *second = strstr(text, "HTTP/1.1 204 ");
    assert_non_null(second);
    const char *third = strstr(second, "HTTP/1.1 200 ");
    assert_non_null(third);
    assert_null(strstr(third, "Access-Control"));
    close(fd);
    site_finish(site);
    free(site);
}

static void rules_that_cannot_be_kept_are_refused(void **state)
{
    static const char *const none[] = {""};
    static const char *const broken[] = {"http://a\r\nX: y"};
    const struct msim_cors rules[] = {
        {.path = "api", .origins = robots, .origin_count = 1},
        {.path = "/*/a", .origins = robots, .origin_count = 1},
        {.path = "/a", .origins = NULL, .origin_count = 1},
        {.path = "/a", .origins = robots, .origin_count = 0},
        {.origins = none, .origin_count = 1},
        {.origins = broken, .origin_count = 1},
        {.origins = everybody, .origin_count = 1, .credentials = true},
        {.origins = robots, .origin_count = 1, .headers = "a\r\nb"},
        {.origins = robots, .origin_count = 1, .exposed_headers = "a\nb"},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
        struct msim_detail detail = {""};
        struct msim_listener *listener = NULL;
        params.cors = &rules[i];
        params.cors_count = 1;
        assert_int_equal(msim_net_listen(bench.net, &listener, &params, &detail), MSIM_ERR_INVALID);
        assert_non_null(strstr(detail.text, "CORS rule 1: "));
    }
    bench_finish(&bench);
}

/* ---- several listeners ---- */

static void say_listener(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_answer answer = {.status = 200, .body = context, .body_length = 1};

    assert_int_equal(msim_exchange_answer(exchange, &answer), MSIM_OK);
}

static void listeners_of_one_loop_are_apart(void **state)
{
    static const struct msim_http_handler saying = {.request = say_listener};
    struct msim_listener *listeners[3] = {NULL};
    char names[] = "abc";
    struct bench bench;
    char text[1024];
    uint16_t ports[3];

    (void)state;
    bench_open(&bench, NULL, 0);
    for (size_t i = 0; i < 3; i++) {
        struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
        const char path[] = {'/', names[i], '\0'};
        const struct msim_route route = {
            .method = "GET", .path = path, .http = &saying, .context = &names[i]};
        params.host = i == 2 ? "127.0.0.2" : "127.0.0.1";
        params.port = i == 2 ? ports[0] : 0; /* the same one at another address */
        params.routes = &route;
        params.route_count = 1;
        params.limits.max_head_bytes = i == 1 ? 100 : 0;
        assert_int_equal(msim_net_listen(bench.net, &listeners[i], &params, NULL), MSIM_OK);
        ports[i] = msim_listener_port(listeners[i]);
    }
    /* The second one is closed; who is connected there is served on. */
    int kept = raw_connect_to(ports[1]);
    raw_say(&bench, kept, "GET /b HTTP/1.1\r\n");
    for (int i = 0; i < 5; i++)
        turn(&bench);
    msim_listener_close(&listeners[1]);
    raw_say(&bench, kept, "Host: h\r\nConnection: close\r\n\r\n");
    raw_rest(&bench, kept, text, sizeof text);
    assert_string_equal(strstr(text, "\r\n\r\n") + 4, "b");
    close(kept);
    int fd = raw_connect_to(ports[0]);
    raw_say(&bench, fd,
            "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n"
            "Connection: close\r\n\r\n");
    raw_rest(&bench, fd, text, sizeof text);
    assert_int_equal(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    assert_non_null(strstr(text, "HTTP/1.1 404 "));
    close(fd);
    bench_finish(&bench);
}

/* ---- static files ---- */

static unsigned char large[400000];

static const struct msim_http_header page_headers[] = {
    {"Content-Security-Policy", "default-src 'self'"},
    {"X-Content-Type-Options", "nosniff"},
};

static const struct msim_asset table[] = {
    {.path = "index.html", .bytes = "<p>", .length = 3, .gzip = "zz", .gzip_length = 2},
    {.path = "sub/index.html", .bytes = "sub", .length = 3},
    {.path = "app.js", .bytes = "js", .length = 2, .cache_control = "max-age=31536000, immutable"},
    {.path = "large.bin", .bytes = large, .length = sizeof large, .content_type = "x/y"},
    {.path = "empty.txt"},
};

static struct msim_assets_params table_params(void)
{
    struct msim_assets_params params = MSIM_ASSETS_PARAMS_INIT;

    params.mount = "/ui/";
    params.assets = table;
    params.asset_count = COUNT(table);
    params.headers = page_headers;
    params.header_count = COUNT(page_headers);
    return params;
}

/* The answer's ETag as an If-None-Match line. */
static const char *tag_line(const struct site *site, char *out, size_t size)
{
    const char *tag = strstr(site->answer, "\r\nETag: ");

    assert_non_null(tag);
    snprintf(out, size, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 8, "\r"), tag + 8);
    return out;
}

static void a_table_of_files_is_served_with_tags_and_headers(void **state)
{
    const struct msim_assets_params params = table_params();
    struct site *site = malloc(sizeof *site);
    char lines[200];

    (void)state;
    assert_non_null(site);
    site_open(site, &params);
    ask(site, "GET", "/ui/", "");
    assert_status(site, 200);
    assert_string_equal(body(site), "<p>");
    assert_true(says(site, "Content-Type: text/html; charset=utf-8"));
    assert_true(says(site, "Content-Security-Policy: default-src 'self'"));
    assert_true(says(site, "X-Content-Type-Options: nosniff"));
    assert_true(says(site, "Cache-Control: no-cache"));
    assert_true(says(site, "Vary: Accept-Encoding"));
    assert_false(names(site, "ETag: W/"));

    ask(site, "GET", "/ui/index.html", tag_line(site, lines, sizeof lines));
    assert_status(site, 304);
    assert_string_equal(body(site), "");
    assert_true(names(site, "ETag: "));
    assert_true(says(site, "Cache-Control: no-cache"));
    assert_false(names(site, "Content-Length"));

    ask(site, "GET", "/ui/app.js", "If-None-Match: \"other\"\r\n");
    assert_status(site, 200);
    assert_string_equal(body(site), "js");
    assert_true(says(site, "Cache-Control: max-age=31536000, immutable"));
    assert_false(names(site, "Vary"));
    ask(site, "GET", "/ui/sub/", "");
    assert_string_equal(body(site), "sub");
    ask(site, "GET", "/ui/empty.txt", "");
    assert_status(site, 200);
    assert_true(says(site, "Content-Length: 0"));
    ask(site, "GET", "/ui/none", "");
    assert_status(site, 404);
    ask(site, "POST", "/ui/app.js", "");
    assert_status(site, 405);
    ask(site, "HEAD", "/ui/large.bin", "");
    assert_status(site, 200);
    assert_true(says(site, "Content-Length: 400000"));
    assert_string_equal(body(site), "");
    site_finish(site);
    free(site);
}

static void who_takes_gzip_gets_it_under_a_tag_of_its_own(void **state)
{
    const struct msim_assets_params params = table_params();
    struct site *site = malloc(sizeof *site);
    char plain[200];
    char zipped[200];
    char lines[500];

    (void)state;
    assert_non_null(site);
    site_open(site, &params);
    ask(site, "GET", "/ui/", "");
    tag_line(site, plain, sizeof plain);
    ask(site, "GET", "/ui/", "Accept-Encoding: br, gzip\r\n");
    assert_true(says(site, "Content-Encoding: gzip"));
    assert_true(says(site, "Content-Type: text/html; charset=utf-8"));
    assert_string_equal(body(site), "zz");
    tag_line(site, zipped, sizeof zipped);
    assert_string_not_equal(plain, zipped);
    snprintf(lines, sizeof lines, "Accept-Encoding: gzip\r\n%s", zipped);
    ask(site, "GET", "/ui/", lines);
    assert_status(site, 304);
    snprintf(lines, sizeof lines, "Accept-Encoding: gzip\r\n%s", plain);
    ask(site, "GET", "/ui/", lines);
    assert_status(site, 200);
    site_finish(site);
    free(site);
}

static void a_file_larger_than_the_backlog_arrives_whole(void **state)
{
    const struct msim_assets_params params = table_params();
    struct site *site = malloc(sizeof *site);

    (void)state;
    assert_non_null(site);
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (unsigned char)(i * 31 + i / 251);
    site_open(site, &params);
    ask(site, "GET", "/ui/large.bin", "");
    assert_status(site, 200);
    assert_true(says(site, "Content-Type: x/y"));
    const char *at = body(site);
    size_t have = 0;
    for (;;) {
        char *end;
        size_t length = strtoul(at, &end, 16);
        assert_memory_equal(end, "\r\n", 2);
        if (length == 0)
            break;
        assert_true(have + length <= sizeof large);
        assert_memory_equal(end + 2, large + have, length);
        have += length;
        at = end + 2 + length + 2;
    }
    assert_int_equal(have, sizeof large);
    site_finish(site);
    free(site);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_folder_is_read_anew_and_never_left(void **state)
{
    static const char *const outside[] = {
        "/../secret", "/sub/../../secret", "/%2e%2e/secret",  "/..%2fsecret",
        "/.hidden",   "/sub/.hidden/a",    "/link",           "/away/secret",
        "/sub",       "//secret",          "/sub//page.html", "/%5c..%5csecret",
        "/pipe",      "/too-large",        "/a.txt/",         "/sub/%2e%2e/a.txt",
    };
    char folder[] = "/tmp/msim-assets-XXXXXX";
    struct msim_assets_params params = MSIM_ASSETS_PARAMS_INIT;
    struct site *site = malloc(sizeof *site);
    char lines[200];
    char path[256];
    char command[256];

    (void)state;
    assert_non_null(site);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/www", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/www/sub", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_text(folder, "secret", "secret");
    write_text(folder, "www/a.txt", "first");
    write_text(folder, "www/.hidden", "hidden");
    write_text(folder, "www/sub/page.html", "page");
    write_text(folder, "www/too-large", "12345678901");
    snprintf(path, sizeof path, "%s/www/link", folder);
    assert_int_equal(symlink("../secret", path), 0);
    snprintf(path, sizeof path, "%s/www/away", folder);
    assert_int_equal(symlink("..", path), 0);
    snprintf(path, sizeof path, "%s/www/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);

    snprintf(path, sizeof path, "%s/www", folder);
    params.folder = path;
    params.max_file_bytes = 10;
    site_open(site, &params);
    ask(site, "GET", "/a.txt", "");
    assert_status(site, 200);
    assert_string_equal(body(site), "first");
    tag_line(site, lines, sizeof lines);
    ask(site, "GET", "/a.txt", lines);
    assert_status(site, 304);
    write_text(path, "a.txt", "second");
    ask(site, "GET", "/a.txt", lines);
    assert_status(site, 200);
    assert_string_equal(body(site), "second");
    ask(site, "GET", "/sub/page.html", "");
    assert_string_equal(body(site), "page");
    for (size_t i = 0; i < COUNT(outside); i++) {
        ask(site, "GET", outside[i], "");
        if (strncmp(site->answer, "HTTP/1.1 404 ", 13) != 0)
            fail_msg("%s: %s", outside[i], site->answer);
    }
    site_finish(site);
    free(site);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void tables_that_nobody_could_ask_for_are_refused(void **state)
{
    static const struct msim_asset twice[] = {{.path = "a"}, {.path = "a"}};
    static const struct msim_asset slash[] = {{.path = "/a"}};
    static const struct msim_asset unnamed[] = {{.path = ""}};
    static const struct msim_asset hollow[] = {{.path = "a", .length = 3}};
    static const struct msim_asset broken[] = {{.path = "a", .content_type = "a\nb"}};
    static const struct msim_http_header bad = {"X Y", "z"};
    struct msim_assets_params good = MSIM_ASSETS_PARAMS_INIT;
    struct msim_assets_params params[9];
    struct msim_assets *assets = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(params); i++) {
        params[i] = good;
        params[i].assets = twice;
        params[i].asset_count = 1;
    }
    params[0].asset_count = 2;
    params[1].assets = slash;
    params[2].assets = unnamed;
    params[3].assets = hollow;
    params[4].assets = broken;
    params[5].mount = "/ui";
    params[6].headers = &bad;
    params[6].header_count = 1;
    params[7].cache_control = "a\r\nb";
    params[8].folder = "/";
    for (size_t i = 0; i < COUNT(params); i++) {
        struct msim_detail detail = {""};
        assert_int_equal(msim_assets_create(&assets, &params[i], &detail), MSIM_ERR_INVALID);
        assert_null(assets);
        assert_true(detail.text[0] != '\0');
    }
    good.folder = "/nowhere/at/all";
    assert_int_equal(msim_assets_create(&assets, &good, NULL), MSIM_ERR_IO);
    assert_int_equal(msim_assets_create(&assets, NULL, NULL), MSIM_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_answered_with_what_is),
        cmocka_unit_test(a_body_that_is_too_large_is_answered_with_what_bounds_it),
        cmocka_unit_test(a_page_of_an_allowed_origin_may_read_answers_and_errors),
        cmocka_unit_test(a_page_of_another_origin_gets_no_leave),
        cmocka_unit_test(a_browser_that_asks_beforehand_is_told_what_may_be),
        cmocka_unit_test(a_refusal_leaves_the_connection_for_the_next_request),
        cmocka_unit_test(rules_that_cannot_be_kept_are_refused),
        cmocka_unit_test(listeners_of_one_loop_are_apart),
        cmocka_unit_test(a_table_of_files_is_served_with_tags_and_headers),
        cmocka_unit_test(who_takes_gzip_gets_it_under_a_tag_of_its_own),
        cmocka_unit_test(a_file_larger_than_the_backlog_arrives_whole),
        cmocka_unit_test(a_folder_is_read_anew_and_never_left),
        cmocka_unit_test(tables_that_nobody_could_ask_for_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
