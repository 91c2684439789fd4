/*
 * Random valid configurations, random traffic, and changes while it runs: after every
 * step each link's equation holds, times never fall, and after a heal nothing is left.
 *
 * The input is read as a program: a byte chooses what happens, those behind it how.
 */
#include <marketsim/faults.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 4

struct run {
    const uint8_t *data;
    size_t size;
    size_t at;
    struct msim_faults *faults;
    struct msim_fault_session *sessions[SESSIONS];
    msim_time now;
    msim_time last_out;
    uint64_t events;
};

static unsigned byte(struct run *run)
{
    return run->at < run->size ? run->data[run->at++] : 0;
}

static const char *const activations[] = {
    "",
    ",\"p\":0.5",
    ",\"p\":0.3,\"stick\":0.8",
    ",\"ge\":{\"p_gb\":0.2,\"p_bg\":0.3,\"h_good\":0.1,\"h_bad\":0.9}",
    ",\"ge_time\":{\"mean_good\":\"20ms\",\"mean_bad\":\"5ms\",\"h_good\":0,\"h_bad\":1}",
    ",\"every\":3",
    ",\"skip\":2,\"max_hits\":5",
    ",\"cooldown\":\"3ms\",\"count_scope\":\"link\"",
    ",\"window\":[\"10ms\",\"90ms\"]",
    ",\"p\":0.5,\"by\":\"cid\"",
};

static const char *const kinds[] = {
    "\"kind\":\"drop\"",
    "\"kind\":\"drop\",\"http\":\"status\",\"body\":\"no\"",
    "\"kind\":\"duplicate\",\"copies\":[1,3],\"gap\":\"2ms\"",
    "\"kind\":\"duplicate\",\"copies\":15",
    "\"kind\":\"corrupt\",\"mode\":[{\"mode\":\"concat\"},{\"mode\":\"split\"},{\"mode\":"
    "\"truncate\"}]",
    "\"kind\":\"corrupt\",\"mode\":[{\"mode\":\"num_scale\"},{\"mode\":\"field_drop\"},{\"mode\":"
    "\"id_swap\"},"
    "{\"mode\":\"bad_utf8\"},{\"mode\":\"garbage\",\"with\":\"empty\"},{\"mode\":\"scramble\"}]",
    "\"kind\":\"throttle\",\"rate\":300,\"burst\":2,\"queue\":4,\"overflow\":\"drop_old\"",
    "\"kind\":\"throttle\",\"rate\":100,\"scope\":\"all\",\"queue\":8",
    "\"kind\":\"throttle\",\"rate\":2000,\"unit\":\"bytes\",\"burst\":64,\"scope\":\"account\"",
    "\"kind\":\"throttle\",\"rate\":200,\"on_exceed\":\"drop\",\"scope\":\"client\"",
    "\"kind\":\"throttle\",\"rate\":50,\"on_exceed\":\"disconnect\",\"burst\":20",
    "\"kind\":\"throttle\",\"rate\":90,\"queue\":3,\"overflow\":\"disconnect\"",
    "\"kind\":\"delay\",\"dist\":{\"type\":\"uniform\",\"min\":\"0ms\",\"max\":\"9ms\"}",
    "\"kind\":\"delay\",\"dist\":{\"type\":\"exp\",\"mean\":\"3ms\"},\"order\":\"none\"",
    "\"kind\":\"delay\",\"dist\":\"4ms\",\"order\":\"lane:symbol\"",
    "\"kind\":\"reorder\",\"k\":[1,4],\"max_wait\":\"6ms\"",
    "\"kind\":\"reorder\",\"k\":2,\"max_wait\":\"6ms\",\"lane\":\"symbol\"",
    "\"kind\":\"reorder\",\"mode\":\"shuffle\",\"window\":4,\"max_wait\":\"5ms\",\"lane\":\"type\"",
    "\"kind\":\"slice\",\"chunk\":[1,9],\"pause\":\"1ms\"",
    "\"kind\":\"session\",\"action\":\"freeze\",\"when\":\"after\",\"duration\":\"5ms\"",
    "\"kind\":\"session\",\"action\":\"zombie\",\"when\":\"instead\",\"duration\":\"5ms\","
    "\"resume\":\"flush\"",
    "\"kind\":\"session\",\"action\":\"close\",\"when\":\"after\",\"queue\":\"flush\",\"scope\":"
    "\"account\"",
    "\"kind\":\"session\",\"action\":\"rst\",\"when\":\"before\",\"flap\":{\"times\":3,\"gap\":"
    "\"4ms\"}",
    "\"kind\":\"session\",\"action\":\"half_open\",\"when\":\"before\",\"rst_after\":\"4ms\"",
};

static const char *const reports[] = {
    "{\"kind\":\"phantom_fill\",\"p\":0.5,\"cum\":\"sticky\",\"bust\":{\"after\":\"3ms\"}}",
    "{\"kind\":\"phantom_fill\",\"rate\":200,\"target\":\"unknown_order\"}",
    "{\"kind\":\"dup_fill\",\"mode\":\"reid\",\"after\":\"2ms\",\"times\":2}",
    "{\"kind\":\"inject\",\"rate\":100,\"template\":\"{${now} ${rand_u64} ${x}\"}",
    "{\"kind\":\"venue\",\"do\":\"halt\",\"rate\":50}",
    "{\"kind\":\"respond\",\"do\":\"late_reject\",\"after\":\"2ms\",\"p\":0.5}",
    "{\"kind\":\"session\",\"action\":\"rst\",\"rate\":20}",
};

static void check(struct run *run)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        for (int d = MSIM_FAULT_IN; run->sessions[i] && d <= MSIM_FAULT_OUT; d++) {
            struct msim_fault_balance balance =
                msim_fault_link_balance(msim_fault_session_link(run->sessions[i], d));
            if (!msim_fault_balance_holds(&balance))
                abort();
            if (balance.pending == 0 && balance.pending_bytes != 0)
                abort();
        }
    }
}

static void take(struct run *run, const struct msim_fault_output *output)
{
    unsigned sum = 0;

    if (output->time > run->now || output->time < run->last_out)
        abort();
    run->last_out = output->time;
    for (size_t i = 0; output->kind == MSIM_FAULT_OUTPUT_MESSAGE && i < output->length; i++)
        sum += output->bytes[i];
    if (output->kind == MSIM_FAULT_OUTPUT_ACTION)
        sum += (unsigned)strlen(output->reason);
    run->events += sum % 2;
}

static void pull(struct run *run)
{
    struct msim_fault_output output;
    struct msim_fault_said said;
    struct msim_fault_venue_action action;

    while (msim_faults_pull(run->faults, run->now, &output) == MSIM_PULL_RECORD)
        take(run, &output);
    while (msim_faults_said(run->faults, run->now, &said) == MSIM_PULL_RECORD)
        if (said.made != MSIM_FAULT_MADE_NATIVE && said.event.kind != 0)
            msim_faults_told(run->faults, &said.event, said.exec);
    while (msim_faults_venue(run->faults, run->now, &action) == MSIM_PULL_RECORD)
        run->events++;
}

static void open_session(struct run *run, size_t i)
{
    static const char *const clients[] = {"a", "b"};
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;

    params.client = params.account = clients[i % 2];
    params.channel = i == 3 ? MSIM_FAULT_REST : (int)(i % 3);
    if (msim_faults_session_open(run->faults, run->now, &params, &run->sessions[i], NULL) < 0)
        abort();
}

static void submit(struct run *run)
{
    static const char *const texts[] = {
        "{\"type\":\"X\",\"price\":\"1.5\",\"cid\":\"c1\",\"symbol\":\"S0\"}",
        "",
        "[1,2,{\"a\":null}]",
        "\"\xc3\xa4\"",
        "{\"ts\":1714979289123,\"n\":-0.5e3}",
        "no json",
    };
    static const char *const symbols[] = {"S0", "S1", "S2"};
    unsigned choice = byte(run);
    unsigned more = byte(run);
    struct msim_fault_session *session = run->sessions[choice % SESSIONS];
    const char *text = texts[more % 6];
    struct msim_fault_message message = {
        .bytes = text,
        .length = strlen(text),
        .type = (int)(more % MSIM_FAULT_TYPES),
        .side = (int)(more % 3),
        .symbol = {symbols[more % 3], 2},
    };

    if (choice & 64)
        message.client_order_id = (struct msim_fault_text){"c1", 2};
    if (choice & 32) {
        message.injector = "inj";
        message.injection = more;
    }
    if (msim_faults_submit(
            run->faults, run->now,
            msim_fault_session_link(session, choice & 16 ? MSIM_FAULT_OUT : MSIM_FAULT_IN),
            &message) < 0)
        abort();
}

static void add(struct run *run, bool fire)
{
    static const char *const directions[] = {"in", "out", "both"};
    static const char *const types[] = {"", ",\"type\":\"md.*\"",
                                        ",\"type\":[\"order.*\",\"exec.*\"]", ",\"symbol\":\"S1\"",
                                        ",\"type\":\"sys.*\""};
    char json[1024];
    unsigned kind = byte(run) % (sizeof kinds / sizeof *kinds);
    unsigned when = byte(run) % (sizeof activations / sizeof *activations);
    unsigned where = byte(run);

    snprintf(json, sizeof json, "{%s,\"select\":{\"dir\":\"%s\"%s}%s,\"priority\":%u}", kinds[kind],
             directions[where % 3], types[where / 3 % 5], fire ? "" : activations[when],
             where / 64);
    if (fire)
        msim_faults_fire(run->faults, run->now, json, strlen(json), NULL);
    else
        msim_faults_add(run->faults, run->now, json, strlen(json), NULL, NULL);
}

static void event(struct run *run)
{
    unsigned choice = byte(run);
    struct msim_event event = {
        .time = run->now, .order = 1 + choice % 4, .account = choice % 3, .side = MSIM_SIDE_BUY};
    static const uint8_t kinds_of[] = {MSIM_EVENT_ACCEPTED, MSIM_EVENT_FILL, MSIM_EVENT_CANCELLED,
                                       MSIM_EVENT_TRADE};

    event.kind = kinds_of[choice / 16 % 4];
    if (event.kind == MSIM_EVENT_FILL) {
        event.as.fill.trade = ++run->events;
        event.as.fill.quantity = 5;
        event.as.fill.leaves = 5;
        event.as.fill.price = 10;
    } else if (event.kind == MSIM_EVENT_TRADE) {
        event.as.trade.price = 10;
    } else {
        event.as.order.price = 10;
        event.as.order.quantity = event.as.order.leaves = 10;
    }
    if (msim_faults_report(run->faults, run->now, &event) < 0)
        abort();
}

/* One of the first strategies, by the ids that they were given. */
static void change(struct run *run)
{
    static const char *const names[] = {"drop",  "duplicate", "corrupt", "throttle",
                                        "delay", "reorder",   "slice",   "session"};
    static const char *const patches[] = {"{\"p\":0.9,\"ge\":null,\"ge_time\":null,\"stick\":null}",
                                          "{\"enabled\":true}", "{\"select\":{\"type\":null}}",
                                          "{\"rate\":1000}", "{\"max_wait\":\"1ms\"}"};
    unsigned choice = byte(run);
    unsigned what = byte(run);
    char id[64];

    snprintf(id, sizeof id, "%s-%u", names[choice % 8], choice / 8 % 16);
    switch (what % 4) {
    case 0:
        msim_faults_enable(run->faults, run->now, id);
        break;
    case 1:
        msim_faults_disable(run->faults, run->now, id);
        break;
    case 2:
        msim_faults_remove(run->faults, run->now, id);
        break;
    default:
        msim_faults_update(run->faults, run->now, id, patches[what / 4 % 5],
                           strlen(patches[what / 4 % 5]), NULL);
        break;
    }
}

static void step(struct run *run)
{
    unsigned what = byte(run);
    const char *report = reports[what / 16 % (sizeof reports / sizeof *reports)];

    switch (what % 16) {
    case 0:
    case 1:
        add(run, what & 128);
        break;
    case 2:
        change(run);
        break;
    case 3:
        msim_faults_session_close(run->faults, run->now, &run->sessions[what / 16 % SESSIONS]);
        open_session(run, what / 16 % SESSIONS);
        break;
    case 4:
        if (what == 4)
            msim_faults_heal(run->faults, run->now);
        else if (what == 20)
            msim_faults_reset(run->faults, run->now);
        else
            msim_faults_add(run->faults, run->now, report, strlen(report), NULL, NULL);
        break;
    case 5:
        event(run);
        break;
    case 6:
    case 7:
        run->now += (msim_time)(what / 16) * 300 * MSIM_NS_PER_US;
        pull(run);
        break;
    default:
        submit(run);
        break;
    }
    check(run);
}

static void finish(struct run *run)
{
    if (msim_faults_heal(run->faults, run->now) < 0)
        abort();
    pull(run);
    for (size_t i = 0; i < SESSIONS; i++)
        for (int d = MSIM_FAULT_IN; d <= MSIM_FAULT_OUT; d++)
            if (msim_fault_link_balance(msim_fault_session_link(run->sessions[i], d)).pending != 0)
                abort();
    check(run);
    msim_faults_destroy(&run->faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.data = data, .size = size, .now = MSIM_NS_PER_S};
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;

    params.max_pending_messages = 24;
    params.max_holds = 6;
    params.max_strategies = 40;
    params.max_orders = 8;
    if (size > 0 && data[0] & 1)
        params.overflow = MSIM_FAULT_OVERFLOW_DROP_NEW;
    params.reveal = size > 0 && data[0] & 2;
    if (msim_faults_create(&run.faults, &params, NULL) < 0)
        abort();
    for (size_t i = 0; i < SESSIONS; i++)
        open_session(&run, i);
    while (run.at < run.size)
        step(&run);
    finish(&run);
    return 0;
}
