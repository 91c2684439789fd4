#include "dashboard/upstreams.h"

static int open_admin(struct upstreams *upstreams, struct msim_dashboard_server_params *params,
                      struct terminal *terminal)
{
    if (!upstreams->admin_url)
        return -1;
    upstreams->admin_settings.key_option = "--admin-key-file";
    upstreams->admin_settings.key_variable = "MARKETSIM_ADMIN_KEY";
    int code = link_open(&upstreams->admin_link, &upstreams->admin_settings, terminal);
    params->admin_url = upstreams->admin_url;
    params->admin_key = upstreams->admin_link.api_key;
    params->admin_secret = upstreams->admin_link.api_secret;
    return code;
}

/* The option that says something of servers that nobody is to be connected to; NULL. */
static const char *lonely_option(const struct upstreams *upstreams)
{
    const struct link_settings *settings = &upstreams->settings;

    if (upstreams->urls.count > 0)
        return NULL;
    return upstreams->symbols.count > 0 ? "connect-symbols"
           : settings->api_key_file     ? "api-key-file"
           : upstreams->admin_url       ? NULL
           : settings->ca_file          ? "ca-file"
           : settings->insecure         ? "insecure"
                                        : NULL;
}

int upstreams_open(struct upstreams *upstreams, struct msim_dashboard_server_params *params,
                   struct terminal *terminal)
{
    const struct option_list *urls = &upstreams->urls;

    if (urls->count > MSIM_DASHBOARD_UPSTREAMS_MAX) {
        terminal_fail(terminal, "--connect: at most %d servers", MSIM_DASHBOARD_UPSTREAMS_MAX);
        return EXIT_USAGE;
    }
    const char *lonely = lonely_option(upstreams);
    if (lonely) {
        terminal_fail(terminal, "--%s goes with --connect URL", lonely);
        return EXIT_USAGE;
    }
    if (upstreams->admin_settings.api_key_file && !upstreams->admin_url) {
        terminal_fail(terminal, "--admin-key-file goes with --connect-admin URL");
        return EXIT_USAGE;
    }
    int code = link_open(&upstreams->link, &upstreams->settings, terminal);
    if (code < 0)
        code = open_admin(upstreams, params, terminal);
    if (code >= 0)
        return code;
    for (size_t i = 0; i < urls->count; i++)
        upstreams->items[i] = (struct msim_dashboard_upstream){
            .url = urls->items[i],
            .key = upstreams->link.api_key,
            .secret = upstreams->link.api_secret,
        };
    params->upstreams = upstreams->items;
    params->upstream_count = urls->count;
    params->upstream_symbols = (const char *const *)upstreams->symbols.items;
    params->upstream_symbol_count = upstreams->symbols.count;
    params->upstream_tls = upstreams->link.tls;
    return -1;
}

void upstreams_finish(struct upstreams *upstreams)
{
    option_list_finish(&upstreams->urls);
    option_list_finish(&upstreams->symbols);
    link_close(&upstreams->link);
    link_close(&upstreams->admin_link);
}
