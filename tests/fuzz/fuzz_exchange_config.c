/*
 * Configurations of the exchange: a file, or where the first byte is odd an assignment of --set.
 * What is refused has words and leaves nothing behind.
 */
#include <marketsim/server.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/exchange/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_settings(const struct msim_exchange_config *config)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_exchange_settings settings;
    struct msim_detail detail = {{0}};

    int r = msim_exchange_settings_read(&settings, config, &allocator, &detail);
    if (r < 0 && detail.text[0] == '\0')
        abort();
    if (r >= 0 && settings.listing_count == 0)
        abort();
    if (r >= 0)
        msim_exchange_settings_finish(&settings, &allocator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_exchange_config *config = NULL;
    struct msim_detail detail = {{0}};

    if (size == 0)
        return 0;
    char *text = malloc(size);
    if (!text || msim_exchange_config_create(&config, NULL) < 0)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    int r = data[0] % 2 ? msim_exchange_config_set(config, text, &detail)
                        : msim_exchange_config_read(config, text, size - 1, &detail);
    if (r < 0 && (detail.text[0] == '\0' || config->count != 0))
        abort();
    read_settings(config);
    msim_exchange_config_destroy(&config);
    free(text);
    return 0;
}
