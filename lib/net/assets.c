/*
 * Static files: out of a table, or out of a folder.
 */
#include <marketsim/assets.h>

#include <stdio.h>
#include <string.h>

#include <nettle/sha2.h>

#include "base/bytes.h"
#include "base/detail.h"
#include "base/mem.h"
#include "net/exchange.h"
#include "net/folder.h"
#include "net/negotiate.h"

#define DEFAULT_FILE_BYTES ((size_t)8 << 20)

/* A larger body leaves in pieces of this size, as its peer takes them. */
#define PIECE_BYTES ((size_t)64 << 10)

#define PATH_MAX_BYTES 1024
#define TAG_BYTES 16
#define TAG_SIZE (2 * TAG_BYTES + 8)

struct entry {
    const struct msim_asset *asset;
    char tag[TAG_SIZE]; /* "\"0a1b...\"" */
    char gzip_tag[TAG_SIZE];
};

struct msim_assets {
    struct msim_allocator allocator;
    struct msim_assets_params params; /* without zeros */
    char *route_path;                 /* the mount and a star */
    char *folder;
    struct entry *entries;
    struct msim_http_handler handler;
};

/* What an answer consists of. */
struct content {
    const char *type;
    const char *cache_control;
    const char *tag;
    const unsigned char *bytes;
    size_t length;
    bool is_gzip;
    bool varies; /* by what the client takes */
};

/* A body on its way in pieces. */
struct delivery {
    struct msim_allocator allocator;
    struct msim_bytes owned; /* a file's bytes; empty for a table's */
    const unsigned char *bytes;
    size_t length;
    size_t at;
};

/* ---- tags ---- */

static void make_tag(char out[TAG_SIZE], const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx sha256;
    size_t at = 0;

    sha256_init(&sha256);
    if (length > 0)
        sha256_update(&sha256, length, bytes);
    sha256_digest(&sha256, sizeof digest, digest);
    out[at++] = '"';
    for (size_t i = 0; i < TAG_BYTES; i++) {
        out[at++] = digits[digest[i] >> 4];
        out[at++] = digits[digest[i] & 15];
    }
    out[at++] = '"';
    out[at] = '\0';
}

/* ---- answering ---- */

static void give_up(struct msim_exchange *exchange, int status, const char *words)
{
    if (msim_exchange_refuse(exchange, status, words) < 0)
        msim_exchange_abort(exchange);
}

static void deliver(struct msim_exchange *exchange, struct delivery *delivery)
{
    while (delivery->at < delivery->length) {
        size_t left = delivery->length - delivery->at;
        size_t length = left < PIECE_BYTES ? left : PIECE_BYTES;
        int r = msim_exchange_write(exchange, delivery->bytes + delivery->at, length);
        if (r == MSIM_ERR_LIMIT)
            return;
        if (r < 0) {
            msim_exchange_abort(exchange);
            return;
        }
        delivery->at += length;
    }
    if (msim_exchange_finish(exchange) < 0)
        msim_exchange_abort(exchange);
}

static void drained(void *context, struct msim_exchange *exchange)
{
    struct delivery *delivery = msim_exchange_user(exchange);

    (void)context;
    if (delivery)
        deliver(exchange, delivery);
}

static void ended(void *context, struct msim_exchange *exchange)
{
    struct delivery *delivery = msim_exchange_user(exchange);

    (void)context;
    if (!delivery)
        return;
    struct msim_allocator allocator = delivery->allocator;
    msim_bytes_finish(&delivery->owned);
    msim_mem_free(&allocator, delivery, sizeof *delivery);
}

/* `owned` are a file's bytes, which move into the delivery; NULL for a table's. */
static void send_large(const struct msim_assets *assets, struct msim_exchange *exchange,
                       const struct msim_http_answer *answer, struct msim_bytes *owned)
{
    struct delivery *delivery = msim_mem_zero(&assets->allocator, sizeof *delivery);

    if (!delivery) {
        give_up(exchange, 503, "out of memory");
        return;
    }
    delivery->allocator = assets->allocator;
    delivery->bytes = answer->body;
    delivery->length = answer->body_length;
    if (owned) {
        delivery->owned = *owned;
        msim_bytes_init(owned, 0, &assets->allocator);
    } else {
        msim_bytes_init(&delivery->owned, 0, &assets->allocator);
    }
    msim_exchange_set_user(exchange, delivery);
    if (msim_exchange_begin(exchange, answer) < 0)
        msim_exchange_abort(exchange);
    else
        deliver(exchange, delivery);
}

#define OWN_HEADERS 4

static void send_content(const struct msim_assets *assets, struct msim_exchange *exchange,
                         const struct content *content, struct msim_bytes *owned)
{
    size_t count = assets->params.header_count;
    bool is_known = msim_matches_tag(msim_exchange_header(exchange, "If-None-Match"), content->tag);
    struct msim_http_header *headers =
        msim_mem_take_array(&assets->allocator, count + OWN_HEADERS, sizeof *headers);

    if (!headers) {
        give_up(exchange, 503, "out of memory");
        return;
    }
    if (count > 0)
        memcpy(headers, assets->params.headers, count * sizeof *headers);
    headers[count++] = (struct msim_http_header){"ETag", content->tag};
    headers[count++] = (struct msim_http_header){"Cache-Control", content->cache_control};
    if (content->varies)
        headers[count++] = (struct msim_http_header){"Vary", "Accept-Encoding"};
    if (content->is_gzip && !is_known)
        headers[count++] = (struct msim_http_header){"Content-Encoding", "gzip"};

    struct msim_http_answer answer = {.status = 304, .headers = headers, .header_count = count};
    if (!is_known) {
        answer.status = 200;
        answer.content_type = content->type;
        answer.body = content->bytes;
        answer.body_length = content->length;
    }
    bool is_head = strcmp(msim_exchange_request(exchange)->method, "HEAD") == 0;
    if (answer.body_length > PIECE_BYTES && !is_head)
        send_large(assets, exchange, &answer, owned);
    else if (msim_exchange_answer(exchange, &answer) < 0)
        msim_exchange_abort(exchange);
    msim_mem_free(&assets->allocator, headers,
                  (assets->params.header_count + OWN_HEADERS) * sizeof *headers);
}

/* Other routes may have what was meant; who wants a WebSocket is told where there is one. */
static void miss(struct msim_exchange *exchange)
{
    const struct msim_endpoint *endpoint = exchange->connection->endpoint;
    const struct msim_route_wish wish = {
        .path = msim_exchange_request(exchange)->path,
        .wants_websocket = msim_exchange_header(exchange, "Sec-WebSocket-Key") != NULL,
    };
    char words[MSIM_ROUTE_WORDS_SIZE];

    if (!wish.wants_websocket &&
        !msim_route_nearest(endpoint->routes, endpoint->route_count, &wish)) {
        give_up(exchange, 404, "there is no such file");
        return;
    }
    give_up(exchange, 404,
            msim_route_path_words(endpoint->routes, endpoint->route_count, &wish, words));
}

static void send_file(const struct msim_assets *assets, struct msim_exchange *exchange,
                      const char *path)
{
    struct msim_bytes bytes;
    char tag[TAG_SIZE];

    msim_bytes_init(&bytes, assets->params.max_file_bytes + 1, &assets->allocator);
    int r = msim_folder_read(&bytes, assets->folder, path);
    if (r == MSIM_ERR_NOT_FOUND) {
        miss(exchange);
    } else if (r < 0) {
        give_up(exchange, 503, "the file cannot be read");
    } else {
        make_tag(tag, msim_bytes_front(&bytes), msim_bytes_length(&bytes));
        const struct content content = {
            .type = msim_type_of(path),
            .cache_control = assets->params.cache_control,
            .tag = tag,
            .bytes = msim_bytes_front(&bytes),
            .length = msim_bytes_length(&bytes),
        };
        send_content(assets, exchange, &content, &bytes);
    }
    msim_bytes_finish(&bytes);
}

static void send_entry(const struct msim_assets *assets, struct msim_exchange *exchange,
                       const struct entry *entry)
{
    const struct msim_asset *asset = entry->asset;
    struct content content = {
        .type = asset->content_type ? asset->content_type : msim_type_of(asset->path),
        .cache_control = asset->cache_control ? asset->cache_control : assets->params.cache_control,
        .tag = entry->tag,
        .bytes = asset->bytes,
        .length = asset->length,
        .varies = asset->gzip != NULL,
    };

    if (asset->gzip && msim_accepts_gzip(msim_exchange_header(exchange, "Accept-Encoding"))) {
        content.is_gzip = true;
        content.tag = entry->gzip_tag;
        content.bytes = asset->gzip;
        content.length = asset->gzip_length;
    }
    send_content(assets, exchange, &content, NULL);
}

static const struct entry *find(const struct msim_assets *assets, const char *path)
{
    for (size_t i = 0; i < assets->params.asset_count; i++)
        if (strcmp(assets->entries[i].asset->path, path) == 0)
            return &assets->entries[i];
    return NULL;
}

static void request(void *context, struct msim_exchange *exchange)
{
    const struct msim_assets *assets = context;
    const char *rest = msim_exchange_request(exchange)->path + strlen(assets->route_path) - 1;
    size_t length = strlen(rest);
    bool is_folder = length == 0 || rest[length - 1] == '/';
    char path[PATH_MAX_BYTES];

    int size = snprintf(path, sizeof path, "%s%s", rest, is_folder ? assets->params.index : "");
    if (size >= (int)sizeof path) {
        miss(exchange);
        return;
    }
    if (assets->folder) {
        send_file(assets, exchange, path);
        return;
    }
    const struct entry *entry = find(assets, path);
    if (entry)
        send_entry(assets, exchange, entry);
    else
        miss(exchange);
}

/* ---- life ---- */

static const char *asset_mistake(const struct msim_asset *assets, size_t at)
{
    const struct msim_asset *asset = &assets[at];

    if (!asset->path || asset->path[0] == '\0' || asset->path[0] == '/')
        return "has no path, or one with a slash before it";
    if (strlen(asset->path) >= PATH_MAX_BYTES)
        return "has a path of 1024 bytes or more";
    if ((!asset->bytes && asset->length > 0) || (!asset->gzip && asset->gzip_length > 0))
        return "has a length without bytes";
    if ((asset->content_type && !msim_http_value_valid(asset->content_type)) ||
        (asset->cache_control && !msim_http_value_valid(asset->cache_control)))
        return "has a header that is not one line";
    for (size_t i = 0; i < at; i++)
        if (strcmp(assets[i].path, asset->path) == 0)
            return "has the path of another";
    return NULL;
}

static int check(const struct msim_assets_params *params, struct msim_detail *detail)
{
    const char *mount = params->mount ? params->mount : "/";

    if (mount[0] != '/' || mount[strlen(mount) - 1] != '/' || strchr(mount, '*'))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the mount '%.200s' does not begin and end with /", mount);
    if (params->folder && params->asset_count > 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "either a table or a folder");
    if (params->max_file_bytes > SIZE_MAX / 4)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "max_file_bytes is beyond all memory");
    if (params->cache_control && !msim_http_value_valid(params->cache_control))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "cache_control is not one line");
    for (size_t i = 0; i < params->asset_count; i++) {
        const char *words = asset_mistake(params->assets, i);
        if (words)
            return msim_detail_set(detail, MSIM_ERR_INVALID, "asset %zu %s", i + 1, words);
    }
    for (size_t i = 0; i < params->header_count; i++)
        if (!msim_http_header_valid(params->headers[i].name, params->headers[i].value))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "header %zu would break an answer's head", i + 1);
    return MSIM_OK;
}

static int fill(struct msim_assets *assets, const struct msim_assets_params *params)
{
    const struct msim_allocator *allocator = &assets->allocator;
    const char *mount = params->mount ? params->mount : "/";
    size_t length = strlen(mount);

    assets->params = *params;
    assets->params.allocator = NULL;
    assets->handler = (struct msim_http_handler){request, NULL, drained, ended};
    if (!params->max_file_bytes)
        assets->params.max_file_bytes = DEFAULT_FILE_BYTES;
    if (!params->index)
        assets->params.index = "index.html";
    if (!params->cache_control)
        assets->params.cache_control = "no-cache";
    assets->route_path = msim_mem_zero(allocator, length + 2);
    if (!assets->route_path)
        return MSIM_ERR_NOMEM;
    memcpy(assets->route_path, mount, length);
    assets->route_path[length] = '*';
    if (params->folder) {
        assets->folder = msim_mem_text(allocator, params->folder, strlen(params->folder));
        if (!assets->folder)
            return MSIM_ERR_NOMEM;
    }
    if (params->asset_count == 0)
        return MSIM_OK;
    assets->entries =
        msim_mem_zero_array(allocator, params->asset_count, sizeof assets->entries[0]);
    if (!assets->entries)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < params->asset_count; i++) {
        const struct msim_asset *asset = &params->assets[i];
        assets->entries[i].asset = asset;
        make_tag(assets->entries[i].tag, asset->bytes, asset->length);
        make_tag(assets->entries[i].gzip_tag, asset->gzip, asset->gzip_length);
    }
    return MSIM_OK;
}

int msim_assets_create(struct msim_assets **out, const struct msim_assets_params *params,
                       struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params ||
        (!params->assets && params->asset_count > 0) ||
        (!params->headers && params->header_count > 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_ASSETS_PARAMS_INIT");
    int r = check(params, detail);
    if (r == MSIM_OK && params->folder)
        r = msim_folder_check(params->folder, detail);
    if (r < 0)
        return r;
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_assets *assets = msim_mem_zero(&allocator, sizeof *assets);
    if (!assets)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    assets->allocator = allocator;
    r = fill(assets, params);
    if (r < 0) {
        msim_assets_destroy(&assets);
        return msim_detail_set(detail, r, "out of memory");
    }
    *out = assets;
    return MSIM_OK;
}

void msim_assets_destroy(struct msim_assets **handle)
{
    struct msim_assets *assets = handle ? *handle : NULL;
    if (!assets)
        return;

    struct msim_allocator allocator = assets->allocator;
    *handle = NULL;
    if (assets->entries)
        msim_mem_free(&allocator, assets->entries,
                      assets->params.asset_count * sizeof assets->entries[0]);
    if (assets->folder)
        msim_mem_free(&allocator, assets->folder, strlen(assets->folder) + 1);
    if (assets->route_path)
        msim_mem_free(&allocator, assets->route_path, strlen(assets->route_path) + 1);
    msim_mem_free(&allocator, assets, sizeof *assets);
}

struct msim_route msim_assets_route(const struct msim_assets *assets)
{
    if (!assets)
        return (struct msim_route){0};
    return (struct msim_route){
        .method = "GET",
        .path = assets->route_path,
        .http = &assets->handler,
        .context = (void *)assets,
    };
}
