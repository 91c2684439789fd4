/*
 * A page of numbers in Prometheus' text format.
 */
#include "check.h"

#include <string.h>

#include "server/metrics.h"

struct page {
    struct msim_bytes bytes;
    struct msim_metrics metrics;
};

static void page_open(struct page *page, size_t limit)
{
    msim_bytes_init(&page->bytes, limit, NULL);
    page->metrics = (struct msim_metrics){.out = &page->bytes};
}

static void assert_page(struct page *page, const char *expected)
{
    assert_int_equal(page->metrics.failure, MSIM_OK);
    assert_int_equal(msim_bytes_append(&page->bytes, "", 1), MSIM_OK);
    assert_string_equal((const char *)msim_bytes_front(&page->bytes), expected);
    msim_bytes_finish(&page->bytes);
}

static void families_have_a_head_and_their_samples(void **state)
{
    static const struct msim_metric_label labels[] = {{"symbol", "a\\b\"c\nd"}, {"side", ""}};
    struct page page;

    (void)state;
    page_open(&page, 4096);
    msim_metrics_counter(&page.metrics, "a_total", "All.", UINT64_MAX);
    msim_metrics_gauge(&page.metrics, "b", "Now.", 0);
    msim_metrics_family(&page.metrics, MSIM_METRIC_GAUGE, "c", "By symbol.");
    msim_metrics_sample(&page.metrics, labels, 2, 7);
    msim_metrics_sample(&page.metrics, labels + 1, 1, 8);
    assert_page(&page, "# HELP a_total All.\n# TYPE a_total counter\n"
                       "a_total 18446744073709551615\n"
                       "# HELP b Now.\n# TYPE b gauge\nb 0\n"
                       "# HELP c By symbol.\n# TYPE c gauge\n"
                       "c{symbol=\"a\\\\b\\\"c\\nd\",side=\"\"} 7\nc{side=\"\"} 8\n");
}

static void a_histogram_counts_what_is_below_each_bound(void **state)
{
    static const struct {
        const char *line;
    } lines[] = {
        {"h_bucket{le=\"0.000004095\"} 2\n"},
        {"h_bucket{le=\"0.000008191\"} 3\n"},
        {"h_bucket{le=\"1.073741823\"} 3\n"},
        {"h_bucket{le=\"2.147483647\"} 4\n"},
        {"h_bucket{le=\"17.179869183\"} 4\n"},
        {"h_bucket{le=\"+Inf\"} 5\n"},
        {"h_sum 31.500008191\n"},
        {"h_count 5\n"},
    };
    struct msim_histogram histogram = {0};
    struct page page;

    (void)state;
    msim_histogram_add(&histogram, 0);
    msim_histogram_add(&histogram, 4095);
    msim_histogram_add(&histogram, 4096);
    msim_histogram_add(&histogram, 1500 * MSIM_NS_PER_MS);
    msim_histogram_add(&histogram, 30 * MSIM_NS_PER_S);
    page_open(&page, 4096);
    msim_metrics_histogram(&page.metrics, "h", "Lengths.", &histogram);
    assert_int_equal(page.metrics.failure, MSIM_OK);
    assert_int_equal(msim_bytes_append(&page.bytes, "", 1), MSIM_OK);
    const char *text = (const char *)msim_bytes_front(&page.bytes);
    for (size_t i = 0; i < COUNT(lines); i++)
        if (!strstr(text, lines[i].line))
            fail_msg("%s\n%s", lines[i].line, text);
    msim_bytes_finish(&page.bytes);
}

static void a_page_without_room_fails_as_a_whole(void **state)
{
    struct page page;

    (void)state;
    page_open(&page, 40);
    msim_metrics_counter(&page.metrics, "a_total", "All.", 1);
    assert_int_equal(page.metrics.failure, MSIM_ERR_LIMIT);
    msim_metrics_gauge(&page.metrics, "b", "x", 1);
    assert_int_equal(page.metrics.failure, MSIM_ERR_LIMIT);
    msim_bytes_finish(&page.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_have_a_head_and_their_samples),
        cmocka_unit_test(a_histogram_counts_what_is_below_each_bound),
        cmocka_unit_test(a_page_without_room_fails_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
