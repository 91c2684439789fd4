/*
 * An exchange in simulated time and without a socket, and robots that are connected to it.
 */
#ifndef TESTS_UNIT_SERVER_STAGE_H
#define TESTS_UNIT_SERVER_STAGE_H

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/exchange/exchange.h"
#include "server/exchange/rest.h"
#include "server/exchange/wire.h"

#define STAGE_START (INT64_C(1700000000) * MSIM_NS_PER_S)
#define STAGE_WIRES 16

/* One connection; whoever holds it sets `hear`, or reads `last`. */
struct wire {
    struct msim_exchange_client *client; /* NULL: not connected */
    void (*hear)(void *context, const char *text, size_t length);
    void *context;
    char last[8192];
    uint64_t heard;
};

struct stage {
    struct msim_exchange_server *server;
    struct msim_exchange_stage hooks;
    struct wire *wires[STAGE_WIRES];
    struct msim_exchange_call *call; /* under way; NULL */
    uint64_t asked;                  /* its visit */
    char answer[8192];
    size_t answer_length;
};

static inline int stage_told(void *context, uint64_t visit, struct msim_exchange_tally *tally,
                             const void *bytes, size_t length)
{
    struct stage *stage = context;

    tally->messages++;
    if (visit == stage->asked && length < sizeof stage->answer) {
        memcpy(stage->answer, bytes, length);
        stage->answer[length] = '\0';
        stage->answer_length = length;
        return MSIM_OK;
    }
    for (size_t i = 0; i < STAGE_WIRES; i++) {
        struct wire *wire = stage->wires[i];
        if (!wire || !wire->client || wire->client->visit != visit)
            continue;
        if (wire->client->is_ended)
            return MSIM_ERR_CLOSED;
        size_t kept = length < sizeof wire->last ? length : sizeof wire->last - 1;
        memcpy(wire->last, bytes, kept);
        wire->last[kept] = '\0';
        wire->heard++;
        if (wire->hear)
            wire->hear(wire->context, bytes, length);
        return MSIM_OK;
    }
    return MSIM_ERR_CLOSED;
}

static inline void stage_open(struct stage *stage, const char *const *settings, size_t count)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_config *config = NULL;
    struct msim_detail detail = {{0}};

    memset(stage, 0, sizeof *stage);
    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    for (size_t i = 0; i < count; i++)
        if (msim_exchange_config_set(config, settings[i], &detail) < 0)
            fail_msg("%s: %s", settings[i], detail.text);
    stage->hooks = (struct msim_exchange_stage){.told = stage_told, .context = stage};
    params.config = config;
    params.start = STAGE_START;
    params.max_clients = STAGE_WIRES;
    assert_int_equal(msim_exchange_server_make(&stage->server, &params, &stage->hooks, &detail),
                     MSIM_OK);
    msim_exchange_config_destroy(&config);
}

/* How the handshake is answered; with MSIM_ADMIT the wire is open. */
static inline int stage_arrive(struct stage *stage, struct wire *wire, const char *name,
                               unsigned flags)
{
    const struct msim_exchange_visit visit = {{name, strlen(name)}, {"", 0}, flags};
    size_t place = 0;

    int r = msim_exchange_arrive(stage->server, &visit, &wire->client, NULL);
    if (r != MSIM_ADMIT) {
        wire->client = NULL;
        return r;
    }
    while (place < STAGE_WIRES && stage->wires[place] && stage->wires[place] != wire)
        place++;
    assert_true(place < STAGE_WIRES);
    stage->wires[place] = wire;
    assert_true(msim_exchange_welcome(stage->server, wire->client));
    return r;
}

static inline void stage_leave(struct stage *stage, struct wire *wire)
{
    if (!wire->client)
        return;
    msim_exchange_depart(stage->server, wire->client);
    wire->client = NULL;
    for (size_t i = 0; i < STAGE_WIRES; i++)
        if (stage->wires[i] == wire)
            stage->wires[i] = NULL;
}

static inline void stage_say(struct stage *stage, struct wire *wire, const char *text)
{
    msim_exchange_take(stage->server, wire->client, true, text, strlen(text));
    assert_int_equal(stage->server->failure, MSIM_OK);
}

/* The call that was made has come to its end. */
static inline void stage_hang_up(struct stage *stage)
{
    if (stage->call)
        msim_exchange_call_end(stage->call);
    stage->call = NULL;
    stage->asked = 0;
}

/* A GET over HTTP: its body is in `stage->answer` when it has come. */
static inline void stage_get(struct stage *stage, const char *name, const char *path,
                             const char *query)
{
    const struct msim_exchange_path *found = NULL;

    stage_hang_up(stage);
    for (size_t i = 0; i < msim_exchange_path_count && !found; i++)
        if (msim_exchange_paths[i].method && strcmp(msim_exchange_paths[i].method, "GET") == 0 &&
            strcmp(msim_exchange_paths[i].path, path) == 0)
            found = &msim_exchange_paths[i];
    assert_non_null(found);
    const struct msim_exchange_arrival arrival = {.path = found,
                                                  .session = name,
                                                  .target = path,
                                                  .query = query,
                                                  .is_json = true,
                                                  .body = ""};
    stage->answer_length = 0;
    stage->asked = stage->server->visits + 1;
    stage->call = msim_exchange_call_begin(stage->server, &arrival);
    assert_non_null(stage->call);
    msim_exchange_call_take(stage->server, stage->call, &arrival);
}

static inline void stage_turn(struct stage *stage, msim_time step)
{
    stage->server->now += step;
    msim_exchange_turn(stage->server);
    msim_exchange_wire_refresh(stage->server);
    if (stage->server->failure < 0)
        fail_msg("%s", stage->server->detail.text);
}

static inline void *stage_no_more(void *context, void *pointer, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    if (new_size == 0)
        free(pointer);
    return NULL;
}

/* From now on there is no memory; what was taken can still be given back. */
static inline void stage_starve(struct stage *stage)
{
    stage->server->allocator = (struct msim_allocator){.resize = stage_no_more};
}

static inline void stage_close(struct stage *stage)
{
    stage_hang_up(stage);
    for (size_t i = 0; i < STAGE_WIRES; i++)
        if (stage->wires[i])
            stage_leave(stage, stage->wires[i]);
    msim_exchange_server_destroy(&stage->server);
}

#endif
