/*
 * The failure layer on the way out: each message to each client is judged by itself, in the
 * market's time, and comes back when it is due, as often and as spoiled as was decided.
 */
#include "server/quotes.h"

#include "server/link_faults.h"

/*
 * The layer's moment.  It goes by the records: while one leaves it is that one's, and it never
 * passes the next one, however late the machine is.  In the turn in which the market ends it is
 * the last one's: a caller who stops then cuts off the same in every run.  So what befalls a
 * message is a function of the market and the seed.
 */
static msim_time layer_now(const struct msim_quotes_server *server)
{
    msim_time now = msim_quotes_now(server);
    msim_time bound = MSIM_TIME_NEVER;

    if (server->is_sending || server->is_ending)
        return server->sent;
    if (server->is_open && !server->stats.ended)
        bound = server->at < server->count ? server->batch[server->at].time : server->sent;
    if (now > bound)
        now = bound;
    return now > server->sent ? now : server->sent;
}

int msim_quotes_faults_arrived(struct msim_quotes_server *server)
{
    return msim_link_faults_arrived(server->params.faults, layer_now(server));
}

int msim_quotes_faults_admit(struct msim_quotes_server *server, struct msim_quotes_client *client,
                             const struct msim_request *request)
{
    return msim_link_faults_admit(server->params.faults, layer_now(server), request, client,
                                  &client->faults);
}

void msim_quotes_faults_close(struct msim_quotes_server *server, struct msim_quotes_client *client)
{
    if (client->faults)
        msim_faults_session_close(server->params.faults, layer_now(server), &client->faults);
}

/* Pauses are of the market's time, as all that befalls a message. */
static void deliver(struct msim_quotes_server *server, struct msim_quotes_client *client,
                    const struct msim_fault_output *output)
{
    msim_time now = layer_now(server);
    msim_time pause = msim_pacer_due(&server->pacer, now + output->slice.pause) -
                      msim_pacer_due(&server->pacer, now);

    msim_quotes_given(server, client, msim_link_faults_deliver(client->connection, output, pause));
}

int msim_quotes_faults_send(struct msim_quotes_server *server, struct msim_quotes_client *client,
                            int type, const char *symbol, const void *bytes, size_t length)
{
    int r = msim_link_faults_submit(server->params.faults, layer_now(server), client->faults, type,
                                    symbol, bytes, length);

    if (r == MSIM_FAULT_PASS)
        msim_quotes_given(
            server, client,
            msim_connection_send(client->connection, MSIM_MESSAGE_TEXT, bytes, length));
    return r < 0 && r != MSIM_ERR_CLOSED ? r : MSIM_OK;
}

int msim_quotes_faults_release(struct msim_quotes_server *server)
{
    struct msim_faults *faults = server->params.faults;
    struct msim_fault_output output;
    int r;

    while ((r = msim_faults_pull(faults, layer_now(server), &output)) == MSIM_PULL_RECORD) {
        struct msim_quotes_client *client = msim_fault_session_user(output.session);
        if (output.kind == MSIM_FAULT_OUTPUT_MESSAGE)
            deliver(server, client, &output);
        else
            msim_link_faults_act(client->connection, &output, &server->logger, "quotes");
    }
    return r < 0 ? r : MSIM_OK;
}

int msim_quotes_faults_run(struct msim_quotes_server *server, msim_time *next)
{
    int r = msim_quotes_faults_release(server);
    if (r < 0)
        return r;
    msim_time due = msim_faults_next_due(server->params.faults);
    *next = MSIM_TIME_NEVER;
    if (due != MSIM_TIME_NEVER && server->is_open)
        *next = msim_pacer_due(&server->pacer, due);
    return MSIM_OK;
}

int msim_quotes_server_check_faults(const char *json, size_t length, struct msim_detail *detail)
{
    return msim_link_faults_check(json, length, "a quotes server", detail);
}
