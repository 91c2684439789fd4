/*
 * The switches of a running exchange's failure layer, by its admin API: what each strategy did,
 * asked for every second while somebody looks, and commands of those who may push.
 */
#ifndef MSIM_SERVER_DASHBOARD_SWITCHES_H
#define MSIM_SERVER_DASHBOARD_SWITCHES_H

#include <marketsim/fetch.h>
#include <marketsim/server.h>
#include <marketsim/socketio.h>

#include "base/bytes.h"

struct msim_relay;
struct msim_switches;

/* Commands on their way at a time; one more is refused. */
#define MSIM_SWITCH_COMMANDS 8

/* Strategies and presets that are told; further ones are not. */
#define MSIM_SWITCH_STRATEGIES 200
#define MSIM_SWITCH_PRESETS 200

/* Of a name in a path: a strategy's id or a preset's name. */
#define MSIM_SWITCH_NAME_SIZE 65

/* Nothing of it is kept where `admin_url` is bad: MSIM_ERR_INVALID with words. */
int msim_switches_create(struct msim_switches **out, struct msim_relay *relay,
                         const struct msim_dashboard_server_params *params,
                         struct msim_detail *detail);

/* Before the net is gone; then nobody is called any more. */
void msim_switches_stop(struct msim_switches *switches);
void msim_switches_destroy(struct msim_switches **switches);

msim_time msim_switches_turn(struct msim_switches *switches, msim_time now);

/* What is known, and whether this one may throw them. */
void msim_switches_show(struct msim_switches *switches, struct msim_socketio_client *client);

/* {"do": "enable", "id": ...}; it is answered with `faults_result`. */
void msim_switches_command(struct msim_switches *switches, struct msim_socketio_client *client,
                           const char *arguments, size_t length);

/* It has gone: nobody waits for its answers. */
void msim_switches_forget(struct msim_switches *switches,
                          const struct msim_socketio_client *client);

/*
 * GET /admin/v1/faults, as it came, to [{"id","kind","enabled","seen","hits","counts"}...], and
 * GET /admin/v1/presets to ["name"...].  MSIM_ERR_FORMAT for what is neither; `out` is as it was.
 */
int msim_switches_read_faults(struct msim_bytes *out, const char *text, size_t length);
int msim_switches_read_presets(struct msim_bytes *out, const char *text, size_t length);

#endif
