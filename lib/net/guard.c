/*
 * What the guard says about a request.
 */
#include "net/access.h"

#include <arpa/inet.h>
#include <string.h>

#include <marketsim/form.h>
#include <nettle/memops.h>

#include "base/mem.h"
#include "net/connection.h"
#include "net/exchange.h"

/* Longer keys, timestamps and signatures are none. */
#define WORD_MAX 512

static const struct msim_caller everybody = {.name = "", .account = "", .role = MSIM_ROLE_ADMIN};
static const struct msim_caller nobody = {.name = "", .account = "", .role = MSIM_ROLE_NONE};

/* ---- coming and going ---- */

int msim_guest_create(struct msim_guest **out, struct msim_access *access,
                      const struct msim_address *address)
{
    struct msim_guest *guest = msim_mem_zero(&access->allocator, sizeof *guest);
    if (!guest)
        return MSIM_ERR_NOMEM;

    int r = msim_visitors_enter(&access->visitors, address, access->max_connections_per_address,
                                &guest->visitor);
    if (r < 0) {
        msim_mem_free(&access->allocator, guest, sizeof *guest);
        return r;
    }
    guest->access = msim_access_share(access);
    guest->caller = &nobody;
    *out = guest;
    return MSIM_OK;
}

static void forget_request(struct msim_guest *guest)
{
    const struct msim_allocator *allocator = &guest->access->allocator;

    if (guest->proof)
        msim_mem_free(allocator, guest->proof, sizeof *guest->proof);
    msim_key_drop(guest->key, allocator);
    guest->proof = NULL;
    guest->key = NULL;
    guest->caller = &nobody;
}

void msim_guest_free(struct msim_guest *guest)
{
    if (!guest)
        return;
    struct msim_access *access = guest->access;
    struct msim_allocator allocator = access->allocator;

    forget_request(guest);
    msim_visitors_leave(&access->visitors, guest->visitor);
    msim_mem_free(&allocator, guest, sizeof *guest);
    msim_access_destroy(&access);
}

/* ---- Host and Origin ---- */

static bool refuse(struct msim_verdict *verdict, int status, const char *words)
{
    *verdict = (struct msim_verdict){.status = status, .words = words};
    return false;
}

static bool too_fast(struct msim_verdict *verdict, msim_time wait, const char *words)
{
    *verdict = (struct msim_verdict){.status = 429, .words = words, .retry_after = wait};
    return false;
}

/* Without ":8080"; an IPv6 address without its brackets. */
static struct msim_http_text host_name(struct msim_http_text authority)
{
    if (authority.length > 0 && authority.at[0] == '[') {
        const char *end = memchr(authority.at, ']', authority.length);
        if (end)
            return (struct msim_http_text){authority.at + 1, (size_t)(end - authority.at) - 1};
        return authority;
    }
    const char *colon = authority.length > 0 ? memchr(authority.at, ':', authority.length) : NULL;
    if (colon)
        authority.length = (size_t)(colon - authority.at);
    return authority;
}

static bool is_address(struct msim_http_text name)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (name.length == 0 || name.length >= sizeof text)
        return false;
    memcpy(text, name.at, name.length);
    text[name.length] = '\0';
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_localhost(struct msim_http_text name)
{
    static const char own[] = "localhost";
    size_t length = sizeof own - 1;

    if (name.length > length && name.at[name.length - length - 1] == '.') {
        name.at += name.length - length;
        name.length = length;
    }
    return msim_http_is_loosely(name, own);
}

/*
 * A page can point a name of its own at this machine, and is then of the same origin (DNS
 * rebinding); it cannot do so with an address, nor with localhost.
 */
static bool check_host(const struct msim_access *access, const struct msim_wish *wish,
                       struct msim_verdict *verdict)
{
    const struct msim_http_text authority = wish->head->authority;
    const struct msim_http_text name = host_name(authority);

    if ((!wish->is_loopback && access->hosts.count == 0) || authority.length == 0)
        return true;
    if (is_address(name) || is_localhost(name) || msim_http_is_loosely(name, wish->own_host) ||
        msim_texts_have(&access->hosts, name.at, name.length) ||
        msim_texts_have(&access->hosts, authority.at, authority.length))
        return true;
    return refuse(verdict, 403, "this Host is not one that is served here; see --allow-host");
}

static bool ends_with(struct msim_http_text text, const char *end)
{
    size_t length = strlen(end);

    return text.length >= length && memcmp(text.at + text.length - length, end, length) == 0;
}

/* "http://a:80" is of Host "a".  A proxy before us may have taken TLS off. */
static bool is_same_origin(struct msim_http_text origin, struct msim_http_text host)
{
    static const char *const schemes[] = {"http://", "https://"};
    static const char *const ports[] = {":80", ":443"};

    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(schemes[i]);
        if (origin.length <= length ||
            !msim_http_is_loosely((struct msim_http_text){origin.at, length}, schemes[i]))
            continue;
        struct msim_http_text of = {origin.at + length, origin.length - length};
        struct msim_http_text own = host;
        if (ends_with(of, ports[i]))
            of.length -= strlen(ports[i]);
        if (ends_with(own, ports[i]))
            own.length -= strlen(ports[i]);
        return msim_http_equals_loosely(of, own);
    }
    return false;
}

static bool check_origin(const struct msim_access *access, const struct msim_wish *wish,
                         struct msim_verdict *verdict)
{
    size_t count;
    const struct msim_http_field *origin = msim_http_field(wish->head, "Origin", &count);

    if (!origin)
        return true;
    if (count > 1)
        return refuse(verdict, 400, "more than one Origin");
    if (wish->origin_is_known || msim_texts_have(&access->origins, "*", 1) ||
        msim_texts_have(&access->origins, origin->value.at, origin->value.length) ||
        is_same_origin(origin->value, wish->head->authority))
        return true;
    return refuse(verdict, 403, "pages of this Origin may not come in; see --allow-origin");
}

/* ---- keys ---- */

static bool rule_is_for(const struct msim_access_path *rule, const struct msim_wish *wish)
{
    if (rule->method && !msim_http_is(wish->head->method, rule->method) &&
        !(strcmp(rule->method, "GET") == 0 && msim_http_is(wish->head->method, "HEAD")))
        return false;
    return rule->is_prefix ? strncmp(wish->path, rule->path, rule->path_length) == 0
                           : strcmp(wish->path, rule->path) == 0;
}

static size_t exactness(const struct msim_access_path *rule)
{
    return (rule->is_prefix ? rule->path_length : SIZE_MAX / 4) * 2 + (rule->method ? 1 : 0);
}

static enum msim_role role_for(const struct msim_access *access, const struct msim_wish *wish)
{
    const struct msim_access_path *best = NULL;

    for (size_t i = 0; i < access->rule_count; i++) {
        const struct msim_access_path *rule = &access->rules[i];
        if (rule_is_for(rule, wish) && (!best || exactness(rule) > exactness(best)))
            best = rule;
    }
    if (best)
        return best->role;
    bool is_health = strcmp(wish->path, "/healthz") == 0 || strcmp(wish->path, "/readyz") == 0;
    return is_health ? MSIM_ROLE_NONE : MSIM_ROLE_VIEWER;
}

/* What a caller says of itself; each text in the room beside it where it is from the query. */
struct credentials {
    struct msim_http_text key;
    struct msim_http_text timestamp;
    struct msim_http_text signature;
    bool is_from_query;
    char texts[3][WORD_MAX];
};

/* False where it is there more than once. */
static bool take_header(const struct msim_http_head *head, const char *name,
                        struct msim_http_text *out)
{
    size_t count;
    const struct msim_http_field *field = msim_http_field(head, name, &count);

    if (field)
        *out = field->value;
    return count <= 1;
}

static void take_query(const struct msim_http_head *head, const char *name, char room[WORD_MAX],
                       struct msim_http_text *out)
{
    int length = msim_form_value(head->query.at, head->query.length, name, room, WORD_MAX);

    if (length > 0)
        *out = (struct msim_http_text){room, (size_t)length};
}

static bool read_credentials(struct credentials *out, const struct msim_wish *wish)
{
    static const char bearer[] = "Bearer ";
    const struct msim_http_head *head = wish->head;
    struct msim_http_text authorization = {"", 0};

    out->key = out->timestamp = out->signature = (struct msim_http_text){"", 0};
    out->is_from_query = false;
    if (!take_header(head, "X-API-Key", &out->key) ||
        !take_header(head, "X-Timestamp", &out->timestamp) ||
        !take_header(head, "X-Signature", &out->signature) ||
        !take_header(head, "Authorization", &authorization))
        return false;
    size_t length = sizeof bearer - 1;
    if (out->key.length == 0 && authorization.length > length &&
        msim_http_is_loosely((struct msim_http_text){authorization.at, length}, bearer))
        out->key =
            (struct msim_http_text){authorization.at + length, authorization.length - length};
    if (out->key.length == 0 && wish->wants_websocket) {
        out->is_from_query = true;
        take_query(head, "api_key", out->texts[0], &out->key);
        take_query(head, "timestamp", out->texts[1], &out->timestamp);
        take_query(head, "signature", out->texts[2], &out->signature);
    }
    return true;
}

/* ---- signatures ---- */

/* Milliseconds since 1970; up to 11 digits are seconds, which may have a fraction. */
static bool read_timestamp(struct msim_http_text text, msim_time *out)
{
    int64_t value = 0;
    size_t digits = 0;

    while (digits < text.length && text.at[digits] >= '0' && text.at[digits] <= '9') {
        if (digits == 14)
            return false;
        value = value * 10 + (text.at[digits++] - '0');
    }
    if (digits == 0)
        return false;
    if (digits > 11) {
        if (digits != text.length || value > MSIM_TIME_NEVER / MSIM_NS_PER_MS)
            return false;
        *out = value * MSIM_NS_PER_MS;
        return true;
    }
    if (value > MSIM_TIME_NEVER / MSIM_NS_PER_S - 1)
        return false;
    *out = value * MSIM_NS_PER_S;
    if (digits == text.length)
        return true;
    if (text.at[digits] != '.')
        return false;
    int64_t unit = MSIM_NS_PER_S / 10;
    for (size_t i = digits + 1; i < text.length; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *out += (text.at[i] - '0') * unit;
    }
    return digits + 1 < text.length;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_signature(struct msim_http_text text, uint8_t out[SHA256_DIGEST_SIZE])
{
    if (text.length != 2 * (size_t)SHA256_DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
        int high = nibble(text.at[2 * i]);
        int low = nibble(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void add(struct hmac_sha256_ctx *hmac, struct msim_http_text text)
{
    if (text.length > 0)
        hmac_sha256_update(hmac, text.length, (const uint8_t *)text.at);
}

static void begin_proof(struct msim_proof *proof, const struct msim_key *key,
                        const struct credentials *said, const struct msim_wish *wish)
{
    const struct msim_http_head *head = wish->head;

    hmac_sha256_set_key(&proof->plain, strlen(key->secret), (const uint8_t *)key->secret);
    add(&proof->plain, said->timestamp);
    add(&proof->plain, head->method);
    add(&proof->plain, head->path);
    proof->whole = proof->plain;
    if (head->query.length > 0 && !said->is_from_query) {
        add(&proof->whole, (struct msim_http_text){"?", 1});
        add(&proof->whole, head->query);
    }
    proof->is_once = wish->wants_websocket ||
                     !(msim_http_is(head->method, "GET") || msim_http_is(head->method, "HEAD"));
}

/* The digests say yes, and it was not there before. */
static bool check_proof(struct msim_access *access, struct msim_proof *proof,
                        struct msim_verdict *verdict)
{
    uint8_t plain[SHA256_DIGEST_SIZE];
    uint8_t whole[SHA256_DIGEST_SIZE];

    hmac_sha256_digest(&proof->plain, sizeof plain, plain);
    hmac_sha256_digest(&proof->whole, sizeof whole, whole);
    int is_plain = memeql_sec(plain, proof->expected, sizeof plain);
    int is_whole = memeql_sec(whole, proof->expected, sizeof whole);
    if (!(is_plain | is_whole))
        return refuse(verdict, 401,
                      "the signature is not the HMAC-SHA-256 of timestamp, method, path and body");
    if (!proof->is_once)
        return true;
    /* A timestamp ahead of our clock by the window is good for twice as long. */
    msim_time now = access->wall_clock(access->context);
    int r = msim_signatures_use(&access->signatures, proof->expected, now,
                                now + 2 * access->recv_window);
    if (r == MSIM_OK)
        return true;
    if (r == MSIM_ERR_EXISTS)
        return refuse(verdict, 401, "this signature was used before: sign anew, a moment later");
    return too_fast(verdict, access->recv_window,
                    "more signatures than are remembered (max_signatures)");
}

static bool check_signature(struct msim_guest *guest, const struct credentials *said,
                            const struct msim_wish *wish, struct msim_verdict *verdict)
{
    struct msim_access *access = guest->access;
    msim_time stamped;
    struct msim_proof proof;

    if (said->timestamp.length == 0 || said->signature.length == 0)
        return refuse(verdict, 401, "this key has a secret: send X-Timestamp and X-Signature");
    if (!read_timestamp(said->timestamp, &stamped))
        return refuse(verdict, 401, "X-Timestamp is not milliseconds since 1970");
    msim_time now = access->wall_clock(access->context);
    if (stamped < now - access->recv_window || stamped > now + access->recv_window)
        return refuse(verdict, 401, "X-Timestamp is further from now than recv_window");
    if (!read_signature(said->signature, proof.expected))
        return refuse(verdict, 401, "X-Signature is not 64 hex digits");
    begin_proof(&proof, guest->key, said, wish);
    if (!wish->head->has_body)
        return check_proof(access, &proof, verdict);
    guest->proof = msim_mem_take(&access->allocator, sizeof proof);
    if (!guest->proof)
        return refuse(verdict, 503, "out of memory");
    *guest->proof = proof;
    return true;
}

static bool check_key(struct msim_guest *guest, const struct msim_wish *wish, msim_time now,
                      struct msim_verdict *verdict)
{
    struct msim_access *access = guest->access;
    enum msim_role role = role_for(access, wish);
    struct credentials said;

    if (access->keys.count == 0) {
        guest->caller = &everybody;
        return true;
    }
    if (role == MSIM_ROLE_NONE || wish->is_question)
        return true;
    if (!read_credentials(&said, wish))
        return refuse(verdict, 401, "a key, timestamp or signature is there twice");
    if (said.key.length == 0)
        return refuse(verdict, 401, "a key is needed: X-API-Key");
    struct msim_key *key =
        said.key.length < WORD_MAX * 2
            ? msim_keys_find(&access->keys, said.key.at, said.key.length, access->lookup)
            : NULL;
    if (!key)
        return refuse(verdict, 401, "this key is not known");
    key->references++;
    guest->key = key;
    if (key->secret[0] != '\0' && !check_signature(guest, &said, wish, verdict))
        return false;
    if (key->caller.role < role)
        return refuse(verdict, 403, "this key's role may not do this");
    msim_time wait = msim_bucket_take(&key->bucket, &access->rate, 1, now);
    if (wait > 0)
        return too_fast(verdict, wait, "more requests with this key than its rate allows");
    guest->caller = &key->caller;
    return true;
}

/* ---- the verdict ---- */

void msim_guest_judge(struct msim_guest *guest, const struct msim_wish *wish, msim_time now,
                      struct msim_verdict *verdict)
{
    struct msim_access *access = guest->access;

    *verdict = (struct msim_verdict){0};
    forget_request(guest);
    msim_time wait = msim_bucket_take(&guest->visitor->bucket, &access->rate, 1, now);
    if (wait > 0) {
        too_fast(verdict, wait, "more requests from this address than its rate allows");
        return;
    }
    if (!check_host(access, wish, verdict) || !check_origin(access, wish, verdict) ||
        !check_key(guest, wish, now, verdict))
        forget_request(guest);
}

bool msim_guest_says(struct msim_guest *guest, msim_time now)
{
    const struct msim_rate *rate = &guest->access->message_rate;

    return msim_bucket_take(&guest->messages, rate, 1, now) == 0 &&
           (!guest->key || msim_bucket_take(&guest->key->messages, rate, 1, now) == 0);
}

void msim_guest_body(struct msim_guest *guest, const unsigned char *bytes, size_t length)
{
    if (!guest->proof)
        return;
    hmac_sha256_update(&guest->proof->plain, length, bytes);
    hmac_sha256_update(&guest->proof->whole, length, bytes);
}

void msim_guest_body_end(struct msim_guest *guest, struct msim_verdict *verdict)
{
    *verdict = (struct msim_verdict){0};
    if (!guest->proof)
        return;
    bool good = check_proof(guest->access, guest->proof, verdict);
    msim_mem_free(&guest->access->allocator, guest->proof, sizeof *guest->proof);
    guest->proof = NULL;
    if (!good)
        forget_request(guest);
}

/* ---- what an owner asks ---- */

const struct msim_caller *msim_connection_caller(const struct msim_connection *connection)
{
    return connection && connection->guest ? connection->guest->caller : NULL;
}

const struct msim_caller *msim_exchange_caller(const struct msim_exchange *exchange)
{
    return exchange ? msim_connection_caller(exchange->connection) : NULL;
}

int msim_connection_spend(struct msim_connection *connection, uint64_t cost, msim_time *retry_after)
{
    if (!connection)
        return MSIM_ERR_INVALID;
    struct msim_guest *guest = connection->guest;
    if (!guest)
        return MSIM_OK;
    const struct msim_rate *rate = &guest->access->rate;
    struct msim_bucket *bucket = guest->key ? &guest->key->bucket : &guest->visitor->bucket;

    msim_time wait = msim_bucket_take(bucket, rate, cost, msim_net_now(connection->net));
    if (wait == 0)
        return MSIM_OK;
    if (retry_after)
        *retry_after = wait;
    return MSIM_ERR_LIMIT;
}
