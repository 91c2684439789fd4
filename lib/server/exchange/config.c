/*
 * Leaves from JSON texts and from `a.b=c`, and the table of what may be said.
 */
#include "server/exchange/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"

#define KEY_END MSIM_EXCHANGE_KEY_END

/* "*" stands for any one key, "**" for any keys to the end: the failure layer checks those. */
static const char *const known[] = {
    "server.host",
    "server.port",
    "server.heartbeat_interval",
    "server.api_keys",
    "server.recv_window_ms",
    "server.cancel_on_disconnect",
    "exchange.symbols",
    "exchange.initial_prices.*",
    "exchange.default_balance.*",
    "exchange.tick_interval",
    "exchange.seed",
    "exchange.scripted_outcomes",
    "exchange.pricing_model.model_type",
    "exchange.pricing_model.drift",
    "exchange.pricing_model.volatility",
    "exchange.pricing_model.mu",
    "exchange.pricing_model.sigma",
    "exchange.pricing_model.hold",
    "exchange.pricing_model.kappa",
    "exchange.pricing_model.mean",
    "exchange.pricing_model.lambda",
    "exchange.pricing_model.jump_mean",
    "exchange.pricing_model.jump_sigma",
    "exchange.pricing_model.alpha",
    "exchange.pricing_model.beta",
    "exchange.pricing_model.step",
    "exchange.instruments.*.tick_size",
    "exchange.instruments.*.lot_size",
    "exchange.instruments.*.min_notional",
    "exchange.instruments.*.maker_fee",
    "exchange.instruments.*.taker_fee",
    "exchange.history.file",
    "exchange.history.ticker",
    "exchange.history.tickers.*",
    "exchange.history.start",
    "exchange.history.fills",
    "exchange.history.spread",
    "exchange.history.price_decimals",
    "exchange.history.volume_decimals",
    "exchange.history.timestamp_unit",
    "exchange.liquidity.enabled",
    "exchange.liquidity.spread",
    "exchange.liquidity.levels",
    "exchange.liquidity.refresh",
    "failures.**",
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

void msim_exchange_path_show(const char *path, char *out, size_t size)
{
    size_t length = strlen(path);

    if (length > 0 && path[length - 1] == KEY_END)
        length--;
    if (length >= size)
        length = size - 1;
    for (size_t i = 0; i < length; i++)
        out[i] = path[i] == KEY_END ? '.' : path[i];
    out[length] = '\0';
}

int msim_exchange_path_match(const char *pattern, const char *path)
{
    while (*pattern != '\0' && *path != '\0') {
        size_t want = strcspn(pattern, ".");
        size_t have = strcspn(path, "\x01");
        if (want == 2 && pattern[0] == '*' && pattern[1] == '*')
            return 2;
        bool any = want == 1 && pattern[0] == '*';
        if (!any && (want != have || memcmp(pattern, path, want) != 0))
            return 0;
        pattern += want + (pattern[want] == '.');
        path += have + (path[have] == KEY_END);
    }
    return *path != '\0' ? 0 : *pattern == '\0' ? 2 : 1;
}

/* How far a key is from a known path; one without a section may be its last word alone. */
static size_t away_from(const char *shown, const char *path)
{
    size_t length = strlen(shown);
    const char *last = strrchr(path, '.');
    size_t most = length < MSIM_NEAREST_MOST ? length : MSIM_NEAREST_MOST;
    size_t away = msim_nearest_bytes_apart(shown, most, path, strlen(path));

    if (!strchr(shown, '.') && last) {
        size_t word = msim_nearest_bytes_apart(shown, most, last + 1, strlen(last + 1));
        return word < away ? word : away;
    }
    return away;
}

/* The known path that is nearest; NULL where half of the letters and more would have to change. */
static const char *nearest(const char *shown)
{
    const char *best = NULL;
    size_t least = strlen(shown) / 2 + 1;

    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        size_t away = away_from(shown, known[i]);
        if (away < least) {
            least = away;
            best = known[i];
        }
    }
    return best;
}

int msim_exchange_path_check(const char *path, bool is_object, struct msim_detail *detail)
{
    char shown[128];
    int best = 0;

    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        int alike = msim_exchange_path_match(known[i], path);
        if (alike > best)
            best = alike;
    }
    if (best == 2 || (best == 1 && is_object))
        return MSIM_OK;
    msim_exchange_path_show(path, shown, sizeof shown);
    if (best == 1)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "%s is an object", shown);
    const char *near = nearest(shown);
    if (near)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "unknown key %s: the nearest known one is %s", shown, near);
    return msim_detail_set(detail, MSIM_ERR_INVALID,
                           "unknown key %s, and no known one is near: they begin with server., "
                           "exchange. or failures., such as server.port",
                           shown);
}

/* ---- leaves ---- */

int msim_exchange_config_create(struct msim_exchange_config **out,
                                const struct msim_allocator *allocator)
{
    if (!out)
        return MSIM_ERR_INVALID;
    struct msim_allocator own = msim_mem_allocator(allocator);
    struct msim_exchange_config *config = msim_mem_zero(&own, sizeof *config);
    if (!config)
        return MSIM_ERR_NOMEM;
    config->allocator = own;
    *out = config;
    return MSIM_OK;
}

static void free_text(const struct msim_allocator *allocator, char *text)
{
    if (text)
        msim_mem_free(allocator, text, strlen(text) + 1);
}

static void cut(struct msim_exchange_config *config, size_t count)
{
    while (config->count > count) {
        struct msim_exchange_leaf *leaf = &config->leaves[--config->count];
        free_text(&config->allocator, leaf->path);
        free_text(&config->allocator, leaf->value);
    }
}

void msim_exchange_config_destroy(struct msim_exchange_config **config)
{
    struct msim_exchange_config *old = config ? *config : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->allocator;

    cut(old, 0);
    msim_mem_free(&allocator, old->leaves, old->capacity * sizeof *old->leaves);
    msim_mem_free(&allocator, old, sizeof *old);
    *config = NULL;
}

static int add_leaf(struct msim_exchange_config *config, const char *path, const char *value,
                    size_t length)
{
    void *leaves = config->leaves;
    int r = msim_mem_grow(&config->allocator, &leaves, &config->capacity, sizeof *config->leaves,
                          config->count + 1, MSIM_EXCHANGE_LEAVES_MAX);
    if (r < 0)
        return r;
    config->leaves = leaves;
    struct msim_exchange_leaf leaf = {
        .path = msim_mem_text(&config->allocator, path, strlen(path)),
        .value = msim_mem_text(&config->allocator, value, length),
    };
    if (!leaf.path || !leaf.value) {
        free_text(&config->allocator, leaf.path);
        free_text(&config->allocator, leaf.value);
        return MSIM_ERR_NOMEM;
    }
    config->leaves[config->count++] = leaf;
    return MSIM_OK;
}

int msim_exchange_config_keep(struct msim_exchange_config *config, const char *path,
                              const char *value, struct msim_detail *detail)
{
    struct msim_json_document document;
    size_t length = strlen(value);

    if (strlen(path) >= MSIM_EXCHANGE_PATH_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a key is too long");
    const bool is_whole =
        msim_exchange_path_match(MSIM_EXCHANGE_HOLDINGS, path) == 2 && strcmp(value, "{}") == 0;
    int r = msim_exchange_path_check(path, is_whole, detail);
    if (r >= 0)
        r = msim_json_document_read(&document, value, length, NULL, &config->allocator, detail);
    if (r < 0)
        return r;
    msim_json_document_finish(&document);
    return add_leaf(config, path, value, length);
}

/* The path of a node: the keys from the outermost on. */
static int path_of(const struct msim_json_document *document, uint32_t node, const char *prefix,
                   char out[MSIM_EXCHANGE_PATH_MAX])
{
    uint32_t chain[MSIM_JSON_MAX_DEPTH];
    size_t depth = 0;
    size_t at = strlen(prefix);

    if (at >= MSIM_EXCHANGE_PATH_MAX)
        return MSIM_ERR_LIMIT;
    memcpy(out, prefix, at);
    for (; node != 0; node = document->nodes[node].parent)
        chain[depth++] = node;
    while (depth-- > 0) {
        const struct msim_json_node *step = &document->nodes[chain[depth]];
        size_t length;
        int r = msim_json_string(document->text, step->key_start, step->key_end, out + at,
                                 MSIM_EXCHANGE_PATH_MAX - at - 1, &length);
        if (r < 0)
            return r;
        at += length;
        out[at++] = KEY_END;
    }
    out[at] = '\0';
    return MSIM_OK;
}

static bool is_inside_array(const struct msim_json_document *document, uint32_t node)
{
    for (uint32_t up = document->nodes[node].parent; up != MSIM_JSON_NONE;
         up = document->nodes[up].parent)
        if (document->nodes[up].kind == MSIM_JSON_ARRAY)
            return true;
    return false;
}

static int add_node(struct msim_exchange_config *config, const struct msim_json_document *document,
                    uint32_t number, const char *prefix, struct msim_detail *detail)
{
    const struct msim_json_node *node = &document->nodes[number];
    char path[MSIM_EXCHANGE_PATH_MAX];

    /* An object is its members, and an array is one value. */
    if ((number == 0 && prefix[0] == '\0') || is_inside_array(document, number))
        return MSIM_OK;
    int r = path_of(document, number, prefix, path);
    if (r < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a key is too long");
    bool is_object = node->kind == MSIM_JSON_OBJECT;
    if (is_object && msim_exchange_path_match(MSIM_EXCHANGE_HOLDINGS, path) == 2)
        return add_leaf(config, path, "{}", 2);
    if (!is_object || node->count == 0)
        r = msim_exchange_path_check(path, is_object, detail);
    if (r < 0 || is_object)
        return r;
    return add_leaf(config, path, document->text + node->start, node->end - node->start);
}

static int add_document(struct msim_exchange_config *config, const char *json, size_t length,
                        const char *prefix, struct msim_detail *detail)
{
    struct msim_json_limits limits = {.max_bytes = MSIM_EXCHANGE_CONFIG_MAX};
    struct msim_json_document document;
    size_t before = config->count;

    int r = msim_json_document_read(&document, json, length, &limits, &config->allocator, detail);
    if (r < 0)
        return r;
    if (prefix[0] == '\0' && document.nodes[0].kind != MSIM_JSON_OBJECT)
        r = msim_detail_set(detail, MSIM_ERR_INVALID,
                            "a configuration is a JSON object with \"server\", \"exchange\" and "
                            "\"failures\"");
    for (uint32_t i = 0; i < document.count && r >= 0; i++)
        r = add_node(config, &document, i, prefix, detail);
    msim_json_document_finish(&document);
    if (r < 0)
        cut(config, before);
    return r;
}

int msim_exchange_config_read(struct msim_exchange_config *config, const char *json, size_t length,
                              struct msim_detail *detail)
{
    if (!config || !json)
        return MSIM_ERR_INVALID;
    return add_document(config, json, length, "", detail);
}

/* "a.b" to "a" KEY_END "b" KEY_END.  A symbol with a point in it is one key: it is quoted. */
static int path_from(const char *text, size_t length, char out[MSIM_EXCHANGE_PATH_MAX])
{
    bool quoted = false;
    size_t at = 0;

    if (length + 2 > MSIM_EXCHANGE_PATH_MAX)
        return MSIM_ERR_INVALID;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            quoted = !quoted;
        else
            out[at++] = text[i] == '.' && !quoted ? KEY_END : text[i];
    }
    if (at == 0 || quoted)
        return MSIM_ERR_INVALID;
    out[at++] = KEY_END;
    out[at] = '\0';
    return MSIM_OK;
}

static bool is_json(const char *text, size_t length)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, text, length, NULL);
    while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END)
        ;
    return kind == MSIM_JSON_END;
}

int msim_exchange_config_set(struct msim_exchange_config *config, const char *assignment,
                             struct msim_detail *detail)
{
    char path[MSIM_EXCHANGE_PATH_MAX];

    if (!config || !assignment)
        return MSIM_ERR_INVALID;
    const char *equals = strchr(assignment, '=');
    if (!equals || path_from(assignment, (size_t)(equals - assignment), path) < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "'%s' is not of the form key.key=value, such as server.port=9000",
                               assignment);
    const char *value = equals + 1;
    size_t length = strlen(value);
    if (is_json(value, length))
        return add_document(config, value, length, path, detail);

    /* A bare word is a text. */
    struct msim_bytes bytes;
    struct msim_json_writer writer;
    msim_bytes_init(&bytes, MSIM_EXCHANGE_CONFIG_MAX, &config->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_string(&writer, value, length);
    int r = msim_json_write_end(&writer, &length);
    if (r >= 0)
        r = add_document(config, (const char *)msim_bytes_front(&bytes), length, path, detail);
    msim_bytes_finish(&bytes);
    return r;
}
