/*
 * Foreign JSON as strategies, as a merge patch, as a scenario, as modes of the Python
 * simulator, and as a robot's view.  What is refused must change nothing; what is taken must
 * be taken again from its own words.
 */
#include <marketsim/faults.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct msim_faults *make(void)
{
    static const char drop[] =
        "{\"kind\":\"drop\",\"id\":\"base\",\"select\":{\"dir\":\"out\"},\"p\":0.5}";
    struct msim_faults *faults = NULL;
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;

    params.max_strategies = 16;
    if (msim_faults_create(&faults, &params, NULL) < 0 ||
        msim_faults_add(faults, 0, drop, sizeof drop - 1, NULL, NULL) < 0)
        abort();
    return faults;
}

static size_t statistics(const struct msim_faults *faults, char *out, size_t size)
{
    size_t length = 0;

    if (msim_faults_statistics(faults, NULL, out, size, &length) < 0)
        return 0;
    return length;
}

static void refused_changes_nothing(struct msim_faults *faults, int r,
                                    const struct msim_detail *detail, const char *before,
                                    size_t before_length)
{
    static char after[65536];

    if (r >= 0)
        return;
    if (detail->text[0] == '\0')
        abort();
    if (before_length > 0 && (statistics(faults, after, sizeof after) != before_length ||
                              memcmp(before, after, before_length) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char before[65536];
    const char *json = (const char *)data;
    struct msim_faults *faults = make();
    struct msim_detail detail = {""};
    size_t length = statistics(faults, before, sizeof before);

    refused_changes_nothing(faults, msim_faults_update(faults, 0, "base", json, size, &detail),
                            &detail, before, length);
    length = statistics(faults, before, sizeof before);
    detail.text[0] = '\0';
    refused_changes_nothing(faults, msim_faults_add(faults, 0, json, size, NULL, &detail), &detail,
                            before, length);
    length = statistics(faults, before, sizeof before);
    detail.text[0] = '\0';
    refused_changes_nothing(faults, msim_faults_add_all(faults, 0, json, size, &detail), &detail,
                            before, length);
    length = statistics(faults, before, sizeof before);
    detail.text[0] = '\0';
    refused_changes_nothing(faults, msim_faults_python_modes(faults, 0, json, size, &detail),
                            &detail, before, length);
    length = statistics(faults, before, sizeof before);
    detail.text[0] = '\0';
    refused_changes_nothing(faults, msim_faults_scenario_start(faults, 0, json, size, &detail),
                            &detail, before, length);
    detail.text[0] = '\0';
    msim_faults_view(faults, "1", json, size, &detail);
    msim_faults_destroy(&faults);
    return 0;
}
