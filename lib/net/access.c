#define _GNU_SOURCE /* getrandom, clock_gettime */
#include "net/access.h"

#include <string.h>
#include <sys/random.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/date.h"

#define DEFAULT_WINDOW (5 * MSIM_NS_PER_S)
#define DEFAULT_SIGNATURES 65536
#define DEFAULT_ADDRESSES 16384

#define MOST_REMEMBERED ((size_t)1 << 30)
#define MOST_RATE UINT64_C(1000000000)

static msim_time system_clock(void *context)
{
    (void)context;
    return msim_date_clock();
}

/* ---- rules ---- */

static const char *rule_mistake(const struct msim_access_rule *rule)
{
    const char *star = rule->path ? strchr(rule->path, '*') : NULL;

    if (!rule->path || rule->path[0] != '/')
        return "its path does not begin with /";
    if (star && (star[1] != '\0' || star[-1] != '/'))
        return "a star stands only behind the last / of its path";
    if ((int)rule->role < MSIM_ROLE_NONE || rule->role > MSIM_ROLE_ADMIN)
        return "its role is none";
    return NULL;
}

static void rules_finish(struct msim_access *access, size_t capacity)
{
    for (size_t i = 0; i < access->rule_count; i++) {
        struct msim_access_path *rule = &access->rules[i];
        if (rule->path)
            msim_mem_free(&access->allocator, rule->path, rule->path_length + 1);
        if (rule->method)
            msim_mem_free(&access->allocator, rule->method, strlen(rule->method) + 1);
    }
    if (access->rules)
        msim_mem_free(&access->allocator, access->rules, capacity * sizeof access->rules[0]);
    access->rules = NULL;
    access->rule_count = 0;
}

static int rules_copy(struct msim_access *access, const struct msim_access_params *params)
{
    const struct msim_allocator *allocator = &access->allocator;

    if (params->rule_count == 0)
        return MSIM_OK;
    access->rules = msim_mem_zero_array(allocator, params->rule_count, sizeof access->rules[0]);
    if (!access->rules)
        return MSIM_ERR_NOMEM;
    access->rule_count = params->rule_count;
    for (size_t i = 0; i < params->rule_count; i++) {
        const struct msim_access_rule *from = &params->rules[i];
        struct msim_access_path *rule = &access->rules[i];
        rule->path_length = strcspn(from->path, "*");
        rule->is_prefix = from->path[rule->path_length] == '*';
        rule->role = from->role;
        rule->path = msim_mem_text(allocator, from->path, rule->path_length);
        if (from->method)
            rule->method = msim_mem_text(allocator, from->method, strlen(from->method));
        if (!rule->path || (from->method && !rule->method))
            return MSIM_ERR_NOMEM;
    }
    return MSIM_OK;
}

/* ---- life ---- */

static int check(const struct msim_access_params *params, struct msim_detail *detail)
{
    if (params->recv_window < 0 || params->recv_window > MSIM_TIME_NEVER / 8)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "recv_window is not from 0 to 36 years");
    if (params->rate > MOST_RATE || params->burst > MOST_RATE || params->message_rate > MOST_RATE ||
        params->message_burst > MOST_RATE)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a rate and its burst are at most 1000000000");
    if ((params->burst > 0 && params->rate == 0) ||
        (params->message_burst > 0 && params->message_rate == 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a burst needs a rate");
    if (params->max_signatures > MOST_REMEMBERED || params->max_addresses > MOST_REMEMBERED)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "max_signatures and max_addresses are at most 2^30");
    for (size_t i = 0; i < params->rule_count; i++) {
        const char *words = rule_mistake(&params->rules[i]);
        if (words)
            return msim_detail_set(detail, MSIM_ERR_INVALID, "access rule %zu: %s", i + 1, words);
    }
    return MSIM_OK;
}

static int copy_lists(struct msim_access *access, const struct msim_access_params *params,
                      struct msim_detail *detail)
{
    int r = msim_texts_copy(&access->origins, params->origins, params->origin_count,
                            &access->allocator);
    if (r == MSIM_OK)
        r = msim_texts_copy(&access->hosts, params->hosts, params->host_count, &access->allocator);
    if (r == MSIM_OK)
        r = rules_copy(access, params);
    if (r == MSIM_ERR_INVALID)
        return msim_detail_set(detail, r, "an origin or a host is empty");
    return r < 0 ? msim_detail_set(detail, r, "out of memory") : MSIM_OK;
}

static int set_up(struct msim_access *access, const struct msim_access_params *params,
                  struct msim_detail *detail)
{
    uint64_t seed;

    access->is_open = params->is_open;
    access->recv_window = params->recv_window > 0 ? params->recv_window : DEFAULT_WINDOW;
    access->max_connections_per_address = params->max_connections_per_address;
    access->rate = msim_rate_of(params->rate, params->burst);
    access->message_rate = msim_rate_of(params->message_rate, params->message_burst);
    access->wall_clock = params->wall_clock ? params->wall_clock : system_clock;
    access->context = params->context;
    msim_signatures_init(&access->signatures,
                         params->max_signatures ? params->max_signatures : DEFAULT_SIGNATURES,
                         &access->allocator);
    if (getrandom(access->lookup, sizeof access->lookup, 0) != (ssize_t)sizeof access->lookup ||
        getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return msim_detail_set(detail, MSIM_ERR_IO, "the system has no random bytes");
    if (msim_visitors_init(&access->visitors,
                           params->max_addresses ? params->max_addresses : DEFAULT_ADDRESSES, seed,
                           &access->allocator) < 0)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    int r = copy_lists(access, params, detail);
    if (r == MSIM_OK && params->keys)
        r = msim_access_set_keys(access, params->keys, params->keys_length, detail);
    return r;
}

int msim_access_create(struct msim_access **out, const struct msim_access_params *params,
                       struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params ||
        (!params->origins && params->origin_count > 0) ||
        (!params->hosts && params->host_count > 0) || (!params->rules && params->rule_count > 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_ACCESS_PARAMS_INIT");
    int r = check(params, detail);
    if (r < 0)
        return r;
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_access *access = msim_mem_zero(&allocator, sizeof *access);
    if (!access)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    access->references = 1;
    access->allocator = allocator;
    access->logger = msim_log_logger(params->logger);
    r = set_up(access, params, detail);
    if (r < 0) {
        msim_access_destroy(&access);
        return r;
    }
    *out = access;
    return MSIM_OK;
}

void msim_access_destroy(struct msim_access **handle)
{
    struct msim_access *access = handle ? *handle : NULL;
    if (!access)
        return;

    *handle = NULL;
    if (--access->references > 0)
        return;
    struct msim_allocator allocator = access->allocator;
    msim_keys_finish(&access->keys, &allocator);
    msim_signatures_finish(&access->signatures);
    msim_visitors_finish(&access->visitors);
    rules_finish(access, access->rule_count);
    msim_texts_finish(&access->hosts, &allocator);
    msim_texts_finish(&access->origins, &allocator);
    msim_mem_free(&allocator, access, sizeof *access);
}

int msim_access_set_keys(struct msim_access *access, const char *text, size_t length,
                         struct msim_detail *detail)
{
    struct msim_keys keys;

    if (!access || (!text && length > 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "there is no text of keys");
    int r = msim_keys_read(&keys, text, length, access->lookup, &access->allocator, detail);
    if (r < 0)
        return r;
    if (keys.count == 0) {
        msim_keys_finish(&keys, &access->allocator);
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "there is no key, one in a line");
    }
    msim_keys_finish(&access->keys, &access->allocator);
    access->keys = keys;
    return MSIM_OK;
}

size_t msim_access_key_count(const struct msim_access *access)
{
    return access ? access->keys.count : 0;
}
