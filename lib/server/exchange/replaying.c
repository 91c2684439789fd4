/*
 * A recorded session once more, without sockets: the same calls in the same order, at the same
 * simulated times, so that every connection is told the same bytes.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "server/exchange/admin.h"
#include "server/exchange/recording.h"
#include "server/exchange/rest.h"
#include "server/exchange/wire.h"

#define MOST_VISITS 16777216
#define MOST_PAUSE (3600 * MSIM_NS_PER_S) /* between two frames: turns are far closer together */
#define MOST_LOG ((size_t)1 << 30)        /* of commands between two frames; then it is an error */
#define ENOUGH_LOG ((size_t)4 << 20)      /* of them, to be given to the engine beside */

/* One that came: a WebSocket or a call. */
struct visitor {
    struct msim_exchange_client *client;
    struct msim_exchange_call *call;
    uint64_t cut_at; /* so many messages, then no more; UINT64_MAX: never */
    bool is_known;   /* the recording has a cut or an end for it */
};

struct replay {
    const struct msim_exchange_replay_params *params;
    struct msim_exchange_replay_result *result;
    struct msim_allocator allocator;
    struct msim_exchange_stage stage;
    struct msim_exchange_server *server;
    struct msim_exchange_config *config;
    struct visitor *visitors;
    size_t capacity;
    uint64_t frame_at; /* the byte at which the frame under way begins */
    struct msim_journal log;
    struct msim_engine *beside; /* is given the log's commands, and nothing else */
    uint64_t given;             /* batches of them */
    struct msim_detail *detail;
};

static int refuse(struct replay *replay, const struct msim_frame *frame, const char *words)
{
    return msim_detail_set(replay->detail, MSIM_ERR_FORMAT, "a frame of kind %d at %lld: %s",
                           frame->kind, (long long)frame->time, words);
}

/* The place of a visit, made where it is new: MSIM_ERR_NOMEM, or MSIM_ERR_LIMIT with words. */
static int find_visitor(struct replay *replay, uint64_t number, struct visitor **out)
{
    size_t old = replay->capacity;
    void *visitors = replay->visitors;

    if (number == 0 || number > MOST_VISITS)
        return msim_detail_set(replay->detail, MSIM_ERR_LIMIT,
                               "visit %llu: a recording has 1 to %d of them",
                               (unsigned long long)number, MOST_VISITS);
    if (number > old) {
        int r = msim_mem_grow(&replay->allocator, &visitors, &replay->capacity,
                              sizeof *replay->visitors, (size_t)number, MOST_VISITS);
        if (r < 0)
            return r;
        replay->visitors = visitors;
        for (size_t i = old; i < replay->capacity; i++)
            replay->visitors[i] = (struct visitor){.cut_at = UINT64_MAX};
    }
    *out = &replay->visitors[number - 1];
    return MSIM_OK;
}

/* One that has been there; NULL for none. */
static struct visitor *visitor_of(struct replay *replay, uint64_t number)
{
    return number > 0 && number <= replay->capacity ? &replay->visitors[number - 1] : NULL;
}

/* ---- the commands alone ---- */

/* An engine as the market's was before its first command. */
static int make_beside(void *context, const struct msim_engine *engine)
{
    struct replay *replay = context;
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_view instrument;
    struct msim_asset_view asset;
    uint32_t id;

    params.allocator = &replay->allocator;
    params.events = MSIM_EVENTS_ALL; /* they are numbered, and the number is part of the state */
    int r = msim_engine_create(&replay->beside, &params, replay->detail);
    for (uint32_t i = 0; r >= 0 && msim_engine_asset(engine, i, &asset) >= 0; i++)
        r = msim_engine_asset_add(replay->beside, asset.name, asset.exponent, &id, replay->detail);
    for (uint32_t i = 0; r >= 0 && msim_engine_instrument(engine, i, &instrument) >= 0; i++)
        r = msim_engine_instrument_add(replay->beside, &instrument.params, &id, replay->detail);
    return r;
}

/* What the log has, to the engine beside, and out of the log. */
static int give_log(struct replay *replay)
{
    struct msim_exchange_replay_result *result = replay->result;
    struct msim_journal_info info;

    int r = msim_journal_info(&replay->log, &info);
    if (r >= 0 && info.last > replay->given)
        r = msim_venue_replay(replay->beside, &replay->log, replay->given + 1, &replay->given,
                              replay->detail);
    if (r >= 0)
        r = msim_journal_trim(&replay->log, replay->given + 1);
    if (r >= 0 && result->log_at == 0 &&
        msim_engine_digest(replay->beside) != msim_engine_digest(replay->server->engine))
        result->log_at = replay->frame_at;
    return r;
}

static int give_enough(struct replay *replay)
{
    struct msim_journal_info info;
    int r = msim_journal_info(&replay->log, &info);

    return r >= 0 && info.bytes >= ENOUGH_LOG ? give_log(replay) : r;
}

/* ---- what is said ---- */

static int told(void *context, uint64_t visit, struct msim_exchange_tally *tally, const void *bytes,
                size_t length)
{
    struct replay *replay = context;
    const struct msim_exchange_replay_params *params = replay->params;

    if (visit == 0 || visit > replay->capacity)
        return MSIM_ERR_CLOSED;
    if (tally->messages >= replay->visitors[visit - 1].cut_at)
        return MSIM_ERR_CLOSED;
    msim_exchange_tally(tally, bytes, length);
    replay->result->messages++;
    if (params->told)
        params->told(params->context, visit, bytes, length);
    return MSIM_OK;
}

static void differ(struct replay *replay, uint64_t visit)
{
    if (replay->result->differing++ > 0)
        return;
    replay->result->differing_visit = visit;
    replay->result->differing_at = replay->frame_at;
}

static void compare(struct replay *replay, const struct msim_frame *frame,
                    const struct msim_exchange_tally *tally)
{
    replay->result->connections++;
    if (tally->hash != frame->value)
        differ(replay, frame->number);
}

/* ---- frame by frame ---- */

static int visit(struct replay *replay, const struct msim_frame *frame)
{
    struct msim_exchange_server *server = replay->server;
    struct msim_exchange_client *client = NULL;

    if (frame->text_count != 2 || frame->texts[0].length > MSIM_VENUE_ACCOUNT_MAX ||
        frame->texts[1].length > MSIM_VENUE_ACCOUNT_MAX)
        return refuse(replay, frame, "no visit");
    const struct msim_exchange_visit made = {frame->texts[0], frame->texts[1],
                                             (unsigned)frame->number};
    int r = msim_exchange_arrive(server, &made, &client, NULL);
    /* The recorded server had room for it. */
    if (r == 503 && frame->value == MSIM_ADMIT)
        return MSIM_ERR_NOMEM;
    if ((uint64_t)r != frame->value)
        differ(replay, server->visits);
    if (r != MSIM_ADMIT)
        return MSIM_OK;
    struct visitor *visitor;
    r = find_visitor(replay, client->visit, &visitor);
    if (r < 0) {
        msim_exchange_unwelcome(server, client);
        return r;
    }
    visitor->client = client;
    return MSIM_OK;
}

static int of_client(struct replay *replay, const struct msim_frame *frame)
{
    struct msim_exchange_server *server = replay->server;
    struct visitor *visitor = visitor_of(replay, frame->number);

    if (!visitor || !visitor->client)
        return refuse(replay, frame, "of nobody who is there");
    struct msim_exchange_client *client = visitor->client;
    if ((client->session == NULL) != (frame->kind == FRAME_OPEN))
        return refuse(replay, frame, "not of somebody in this state");
    switch (frame->kind) {
    case FRAME_OPEN:
        if (msim_exchange_welcome(server, client))
            break;
        msim_exchange_unwelcome(server, client);
        visitor->client = NULL;
        /* Unless it was one too many then as well. */
        if (server->client_count < server->max_clients)
            return MSIM_ERR_NOMEM;
        break;
    case FRAME_MESSAGE:
        if (frame->text_count != 1)
            return refuse(replay, frame, "no message");
        msim_exchange_take(server, client, frame->value == MSIM_MESSAGE_TEXT, frame->texts[0].text,
                           frame->texts[0].length);
        break;
    default:
        visitor->client = NULL;
        struct msim_exchange_tally tally = client->tally;
        msim_exchange_depart(server, client);
        compare(replay, frame, &tally);
        break;
    }
    return MSIM_OK;
}

static int call(struct replay *replay, const struct msim_frame *frame)
{
    const struct msim_native_text *texts = frame->texts;
    struct msim_exchange_server *server = replay->server;

    if (frame->text_count != 6 || frame->value >= msim_exchange_path_count)
        return refuse(replay, frame, "no call");
    struct msim_exchange_arrival arrival = {
        .path = &msim_exchange_paths[frame->value],
        .session = texts[0].text,
        .label = texts[1].text,
        .target = texts[2].text,
        .query = texts[3].text,
        .is_json = texts[4].length == 0,
        .body = texts[5].text,
        .length = texts[5].length,
    };
    struct visitor *visitor;
    int r = find_visitor(replay, server->visits + 1, &visitor);
    if (r < 0)
        return r;
    struct msim_exchange_call *made = msim_exchange_call_begin(server, &arrival);
    if (!made)
        return MSIM_OK;
    visitor->call = made;
    msim_exchange_call_take(server, made, &arrival);
    return MSIM_OK;
}

static int call_end(struct replay *replay, const struct msim_frame *frame)
{
    struct visitor *visitor = visitor_of(replay, frame->number);

    if (!visitor || !visitor->call)
        return refuse(replay, frame, "of no call that is there");
    struct msim_exchange_tally tally = visitor->call->tally;
    msim_exchange_call_end(visitor->call);
    visitor->call = NULL;
    compare(replay, frame, &tally);
    return MSIM_OK;
}

static int administer(struct replay *replay, const struct msim_frame *frame)
{

    if (frame->text_count != 4)
        return refuse(replay, frame, "no request of an admin");
    struct msim_manage_call made = {
        .server = replay->server,
        .admin = replay->server->admin,
        .method = frame->texts[0].text,
        .path = frame->texts[1].text,
        .query = frame->texts[2].text,
        .body = frame->texts[3].text,
        .length = frame->texts[3].length,
    };
    msim_exchange_admin_serve(&made);
    return MSIM_OK;
}

static int step(struct replay *replay, const struct msim_frame *frame)
{
    struct msim_exchange_server *server = replay->server;

    if (frame->time < server->now)
        return refuse(replay, frame, "time turns back");
    if (frame->time - server->now > MOST_PAUSE)
        return refuse(replay, frame, "an hour and more after the one before");
    server->now = frame->time;
    switch (frame->kind) {
    case FRAME_VISIT:
        return visit(replay, frame);
    case FRAME_OPEN:
    case FRAME_MESSAGE:
    case FRAME_CLOSE:
        return of_client(replay, frame);
    case FRAME_CALL:
        return call(replay, frame);
    case FRAME_CALL_END:
        return call_end(replay, frame);
    case FRAME_ADMIN:
        return administer(replay, frame);
    case FRAME_TURN:
        msim_exchange_turn(server);
        msim_exchange_wire_refresh(server);
        return MSIM_OK;
    case FRAME_STOP:
        server->is_stopping = true;
        return MSIM_OK;
    case FRAME_END:
        replay->result->is_whole = true;
        replay->result->recorded_digest = frame->value;
        return MSIM_OK;
    case FRAME_CUT:
        return MSIM_OK;
    default:
        return refuse(replay, frame, "the market is open already");
    }
}

/* ---- the beginning ---- */

/* 1 where it is kept. */
static int keep_setting(struct replay *replay, const struct msim_frame *frame)
{
    if (frame->text_count != 2)
        return refuse(replay, frame, "no setting");
    int r = msim_exchange_config_keep(replay->config, frame->texts[0].text, frame->texts[1].text,
                                      replay->detail);
    return r >= 0 ? 1 : r == MSIM_ERR_NOMEM ? r : MSIM_ERR_FORMAT;
}

static int open_market(struct replay *replay, const struct msim_frame *start, msim_time time)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;

    params.config = replay->config;
    params.start = time;
    params.max_clients = (size_t)start->value;
    params.allocator = &replay->allocator;
    params.logger = replay->params->logger;
    params.scenario = start->texts[1].length > 0 ? start->texts[1].text : NULL;
    params.scenario_length = start->texts[1].length;
    params.scenario_lasts = (msim_time)start->number;
    return msim_exchange_server_make(&replay->server, &params, &replay->stage, replay->detail);
}

static int begin(struct replay *replay, size_t *at)
{
    const unsigned char *bytes = replay->params->bytes;
    size_t length = replay->params->length;
    struct msim_frame start;
    struct msim_frame frame;

    if (length < MSIM_RECORDING_MAGIC_LENGTH ||
        memcmp(bytes, MSIM_RECORDING_MAGIC, MSIM_RECORDING_MAGIC_LENGTH) != 0)
        return msim_detail_set(replay->detail, MSIM_ERR_FORMAT,
                               "this is no recording of a session, or one of another version");
    *at = MSIM_RECORDING_MAGIC_LENGTH;
    int r = msim_exchange_frame_read(bytes, length, at, &start, replay->detail);
    if (r >= 0 && (r == 0 || start.kind != FRAME_START || start.text_count != 2 ||
                   start.value == 0 || start.value > MOST_VISITS || (int64_t)start.number < 0))
        return msim_detail_set(replay->detail, MSIM_ERR_FORMAT,
                               "the recording does not begin with its start");
    while (r > 0) {
        r = msim_exchange_frame_read(bytes, length, at, &frame, replay->detail);
        if (r > 0 && frame.kind == FRAME_SETTING)
            r = keep_setting(replay, &frame);
        else if (r > 0)
            return frame.kind == FRAME_OPENED_FOR
                       ? open_market(replay, &start, frame.time)
                       : refuse(replay, &frame, "the market is not open yet");
    }
    return r < 0 ? r
                 : msim_detail_set(replay->detail, MSIM_ERR_FORMAT,
                                   "the recording ends before its market opens");
}

/* Cuts are known before what they cut. */
static int find_cuts(struct replay *replay, size_t at)
{
    struct msim_frame frame;
    int r;

    while ((r = msim_exchange_frame_read(replay->params->bytes, replay->params->length, &at, &frame,
                                         replay->detail)) > 0) {
        if (frame.kind != FRAME_CUT)
            continue;
        struct visitor *visitor;
        r = find_visitor(replay, frame.number, &visitor);
        if (r < 0)
            return r;
        visitor->cut_at = frame.value;
    }
    return r;
}

static int run(struct replay *replay)
{
    struct msim_frame frame;
    size_t at = 0;

    int r = begin(replay, &at);
    if (r >= 0)
        r = find_cuts(replay, at);
    while (r >= 0) {
        replay->frame_at = at;
        r = msim_exchange_frame_read(replay->params->bytes, replay->params->length, &at, &frame,
                                     replay->detail);
        if (r <= 0)
            break;
        r = step(replay, &frame);
        if (r >= 0 && replay->server->failure < 0)
            r = msim_detail_set(replay->detail, replay->server->failure, "%s",
                                replay->server->detail.text);
        if (r >= 0)
            r = give_enough(replay);
    }
    return r < 0 ? r : give_log(replay);
}

static void end_all(struct replay *replay)
{
    replay->server->is_stopping = true;
    for (size_t i = 0; i < replay->capacity; i++) {
        struct visitor *visitor = &replay->visitors[i];
        if (visitor->call)
            msim_exchange_call_end(visitor->call);
        if (visitor->client && visitor->client->session)
            msim_exchange_depart(replay->server, visitor->client);
        else if (visitor->client)
            msim_exchange_unwelcome(replay->server, visitor->client);
    }
}

int msim_exchange_replay(const struct msim_exchange_replay_params *params,
                         struct msim_exchange_replay_result *out, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params || !out || (!params->bytes && params->length > 0))
        return MSIM_ERR_INVALID;
    struct msim_exchange_replay_result result = {0};
    struct replay replay = {
        .params = params,
        .result = &result,
        .allocator = msim_mem_allocator(params->allocator),
        .detail = detail,
    };

    struct msim_journal_memory_params log = MSIM_JOURNAL_MEMORY_PARAMS_INIT;
    log.allocator = &replay.allocator;
    log.max_bytes = MOST_LOG;
    replay.stage = (struct msim_exchange_stage){
        .told = told, .context = &replay, .journal = &replay.log, .listed = make_beside};
    int r = msim_journal_memory(&replay.log, &log);
    if (r >= 0)
        r = msim_exchange_config_create(&replay.config, &replay.allocator);
    if (r >= 0)
        r = run(&replay);
    if (r >= 0) {
        result.digest = msim_engine_digest(replay.server->engine);
        result.log_digest = msim_engine_digest(replay.beside);
        result.commands = msim_engine_sequence(replay.beside);
    }
    if (replay.server) {
        result.time = replay.server->now;
        end_all(&replay);
    }
    msim_exchange_server_destroy(&replay.server);
    msim_engine_destroy(&replay.beside);
    msim_journal_release(&replay.log);
    msim_exchange_config_destroy(&replay.config);
    msim_mem_free(&replay.allocator, replay.visitors, replay.capacity * sizeof *replay.visitors);
    if (r == MSIM_ERR_NOMEM)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (r >= 0)
        *out = result;
    return r < 0 ? r : MSIM_OK;
}
