/*
 * What servers share that do what a failure layer says about links: who may come, what becomes of
 * a connection, how a message leaves.
 */
#ifndef MSIM_SERVER_LINK_FAULTS_H
#define MSIM_SERVER_LINK_FAULTS_H

#include <marketsim/faults.h>
#include <marketsim/net.h>

/* What the layer says of someone who comes, as an enum msim_admission or a status. */
int msim_link_faults_admission(struct msim_fault_admission admission);

/* A link has come, of which nothing is known: an enum msim_admission. */
int msim_link_faults_arrived(struct msim_faults *faults, msim_time now);

/*
 * A request has come.  Its client has a session then (MSIM_ADMIT), with `user` as its user, or an
 * enum msim_admission or a status says why not.  It is called what the query says, as in
 * /?msim_client=bot1, or its header X-Msim-Client.
 */
int msim_link_faults_admit(struct msim_faults *faults, msim_time now,
                           const struct msim_request *request, void *user,
                           struct msim_fault_session **out);

/* A message on its way out: an enum msim_fault_outcome, or MSIM_ERR_*. */
int msim_link_faults_submit(struct msim_faults *faults, msim_time now,
                            struct msim_fault_session *session, int type, const char *symbol,
                            const void *bytes, size_t length);

/* The pieces in which a message of the layer's leaves where it says so: `output` outlives it. */
struct msim_slicing msim_link_faults_slicing(const struct msim_fault_output *output,
                                             msim_time pause);

/* Sends a message of the layer's, in pieces with `pause` of the wall's time between them where it
 * says so; what msim_connection_send returns. */
int msim_link_faults_deliver(struct msim_connection *connection,
                             const struct msim_fault_output *output, msim_time pause);

/* Says what befalls a connection, and by which strategy. */
void msim_link_faults_log(const struct msim_connection *connection,
                          const struct msim_fault_output *output, const struct msim_logger *logger,
                          const char *component);

/* Does to a connection what the layer says, and logs it. */
void msim_link_faults_act(struct msim_connection *connection,
                          const struct msim_fault_output *output, const struct msim_logger *logger,
                          const char *component);

/*
 * Whether a server that judges what goes out can do what the strategies ask (JSON, as for
 * msim_faults_add_all).  MSIM_ERR_UNSUPPORTED names anything else and its place; `server` is what
 * it is called there ("a quotes server").
 */
int msim_link_faults_check(const char *json, size_t length, const char *server,
                           struct msim_detail *detail);

#endif
