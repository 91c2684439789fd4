#include "bench.h"

#include "base/json.h"
#include "base/utf8.h"

/* One message of every shape that the layer meets. */
static const char *const corpus[] = {
    "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\","
    "\"price\":\"50000.5\",\"quantity\":1.25,\"client_order_id\":\"bot-1\",\"post_only\":true}",
    "{\"type\":\"ORDER_ACK\",\"order_id\":\"0e3f\",\"client_order_id\":\"bot-1\",\"status\":"
    "\"OPEN\","
    "\"timestamp\":\"2024-05-06T07:08:09.123456Z\",\"price\":\"7100\",\"filled_quantity\":\"0\"}",
    "{\"type\":\"MARKET_DATA\",\"symbol\":\"BTC/USD\",\"last_price\":\"50001\",\"sequence_id\":77,"
    "\"time\":1714979289123}",
    "{ \"type\" : \"ORDERBOOK_UPDATE\", \"bids\" : [ {\"price\":\"1.5\",\"quantity\":\"2\"} , "
    "{\"price\":\"1.4\",\"quantity\":\"0\"} ], \"asks\" : [], \"status\" : null }\n",
    "[1,-2.5e3,\"gr\xc3\xbc\xc3\x9f\",{\"type\":\"\xe6\xbc\xa2\",\"x\":0.001}]",
    "-1234.5e10",
};

struct mode {
    const char *json; /* the keys of the strategy */
    bool parses;
    bool fails; /* never parses */
    bool utf8;
};

static const struct mode modes[] = {
    {"\"mode\":\"bitflip\",\"bits\":3", false, false, false},
    {"\"mode\":\"bitflip_text\"", false, false, true},
    {"\"mode\":\"bad_utf8\"", false, true, false},
    {"\"mode\":\"truncate\"", false, true, true},
    {"\"mode\":\"garbage\"", false, true, false},
    {"\"mode\":\"garbage\",\"with\":\"html\"", false, true, true},
    {"\"mode\":\"garbage\",\"with\":\"empty\"", false, true, true},
    {"\"mode\":\"split\"", false, true, true},
    {"\"mode\":\"field_drop\"", true, false, true},
    {"\"mode\":\"field_null\"", true, false, true},
    {"\"mode\":\"field_rename\"", true, false, true},
    {"\"mode\":\"field_extra\"", true, false, true},
    {"\"mode\":\"type_swap\"", true, false, true},
    {"\"mode\":\"enum_unknown\"", true, false, true},
    {"\"mode\":\"num_scale\",\"pow10\":-2", true, false, true},
    {"\"mode\":\"num_sign\"", true, false, true},
    {"\"mode\":\"num_zero\"", true, false, true},
    {"\"mode\":\"num_digits\"", true, false, true},
    {"\"mode\":\"num_exp\"", true, false, true},
    {"\"mode\":\"num_nan\"", true, false, true},
    {"\"mode\":\"num_nan\",\"value\":\"NaN\"", true, false, true},
    {"\"mode\":\"num_huge\"", true, false, true},
    {"\"mode\":\"id_swap\"", true, false, true},
    {"\"mode\":\"ts_shift\",\"by\":\"-5s\"", true, false, true},
};

static bool parses(const void *bytes, size_t length)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, bytes, length, NULL);
    do
        kind = msim_json_next(&reader, &token);
    while (kind > MSIM_JSON_END);
    return kind == MSIM_JSON_END;
}

/* What is the same at the front and at the end: the rest is what the mutation did. */
static size_t unchanged(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t front = 0;
    size_t back = 0;

    while (front < a_length && front < b_length && a[front] == b[front])
        front++;
    while (back < a_length - front && back < b_length - front &&
           a[a_length - 1 - back] == b[b_length - 1 - back])
        back++;
    return front + back;
}

static void start_with_mode(struct bench *bench, const char *keys)
{
    char json[512];

    bench_start(bench);
    snprintf(json, sizeof json,
             "{\"kind\":\"corrupt\",\"id\":\"c\",\"select\":{\"dir\":\"out\"},%s}", keys);
    bench_add(bench, 0, json);
}

static struct msim_fault_message with_ids(const char *text, uint64_t i)
{
    static const char *const cids[] = {"bot-1", "bot-2", "bot-3"};
    static const char *const symbols[] = {"BTC/USD", "ETH/USD"};
    struct msim_fault_message message = bench_message(text, MSIM_FAULT_OTHER);

    message.client_order_id = (struct msim_fault_text){cids[i % 3], 5};
    message.symbol = (struct msim_fault_text){symbols[i % 2], 7};
    return message;
}

static void check_output(const struct mode *mode, const char *text,
                         const struct msim_fault_output *output)
{
    const char *bytes = (const char *)output->bytes;
    size_t length = strlen(text);
    bool good = parses(output->bytes, output->length);

    if (mode->parses != good && (mode->parses || mode->fails))
        fail_msg("%s makes %.*s of %s", mode->json, (int)output->length, bytes, text);
    if (mode->utf8 && msim_utf8_span(output->bytes, output->length) != output->length)
        fail_msg("%s: bad UTF-8", mode->json);
    /* One token is at most 60 bytes long here: all around it stays. */
    if (mode->parses && unchanged(text, length, bytes, output->length) + 80 < length)
        fail_msg("%s changes too much: %.*s", mode->json, (int)output->length, bytes);
}

static void each_mode_does_what_its_row_says(void **state)
{
    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        struct bench bench;
        uint64_t altered = 0;
        start_with_mode(&bench, modes[m].json);
        for (uint64_t i = 0; i < 480; i++) {
            const char *text = corpus[i % COUNT(corpus)];
            struct msim_fault_message message = with_ids(text, i);
            struct msim_fault_output output;
            msim_time now = (msim_time)i;
            assert_int_equal(msim_faults_submit(bench.faults, now, bench.out, &message),
                             MSIM_FAULT_TAKEN);
            while (msim_faults_pull(bench.faults, now, &output) == MSIM_PULL_RECORD) {
                if (!output.altered) {
                    assert_int_equal(output.length, strlen(text));
                    assert_memory_equal(output.bytes, text, output.length);
                    continue;
                }
                altered++;
                /* A hit that changes nothing would be none. */
                assert_false(output.length == strlen(text) &&
                             memcmp(output.bytes, text, output.length) == 0);
                check_output(&modes[m], text, &output);
            }
        }
        struct msim_fault_counts counts = bench_counts(&bench, "c");
        assert_int_equal(counts.hits + counts.inapplicable, 480);
        if (altered < 60)
            fail_msg("%s acted on %llu messages only", modes[m].json, (unsigned long long)altered);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

/* What one mode makes of one text. */
static void assert_makes(const char *keys, const char *text, const char *expected)
{
    struct bench bench;
    struct msim_fault_message message = bench_message(text, MSIM_FAULT_OTHER);

    start_with_mode(&bench, keys);
    bench_send(&bench, 0, bench.out, &message);
    bench_pull(&bench, 0);
    assert_int_equal(bench.count, 1);
    if (strcmp(bench.seen[0].text, expected) != 0)
        fail_msg("%s makes %s of %s", keys, bench.seen[0].text, text);
    bench_finish(&bench);
}

static void numbers_are_spoiled_digit_by_digit(void **state)
{
    (void)state;
    assert_makes("\"mode\":\"num_scale\",\"pow10\":2", "[1.5]", "[150]");
    assert_makes("\"mode\":\"num_scale\",\"pow10\":-2", "[\"1.5\"]", "[\"0.015\"]");
    assert_makes("\"mode\":\"num_scale\",\"pow10\":1", "[-7.125]", "[-71.25]");
    assert_makes("\"mode\":\"num_scale\",\"pow10\":-1", "[700]", "[70]");
    assert_makes("\"mode\":\"num_scale\",\"pow10\":3", "[1.5e2]", "[150000]");
    assert_makes("\"mode\":\"num_scale\",\"pow10\":3", "[0]", "[0]");
    assert_makes("\"mode\":\"num_exp\"", "[7100]", "[7.1E+3]");
    assert_makes("\"mode\":\"num_exp\"", "[0.0025]", "[2.5E-3]");
    assert_makes("\"mode\":\"num_exp\"", "[\"-40\"]", "[\"-4.0E+1\"]");
    assert_makes("\"mode\":\"num_exp\"", "[0]", "[0.0E+0]");
    assert_makes("\"mode\":\"num_sign\"", "[7.5]", "[-7.5]");
    assert_makes("\"mode\":\"num_sign\"", "[\"-7.5\"]", "[\"7.5\"]");
    assert_makes("\"mode\":\"num_zero\"", "{\"a\":\"17\"}", "{\"a\":\"0\"}");
    assert_makes("\"mode\":\"num_nan\"", "{\"a\":17}", "{\"a\":null}");
    assert_makes("\"mode\":\"num_nan\",\"value\":\"NaN\"", "{\"a\":\"17\"}", "{\"a\":\"NaN\"}");
    assert_makes("\"mode\":\"num_huge\"", "{\"a\":\"17\"}", "{\"a\":\"9007199254740993\"}");
    assert_makes("\"mode\":\"type_swap\"", "[17.50]", "[\"17.50\"]");
    assert_makes("\"mode\":\"type_swap\"", "[\"17.50\"]", "[17.50]");
}

static void fields_are_changed_in_place(void **state)
{
    (void)state;
    assert_makes("\"mode\":\"field_drop\",\"path\":\"/a\"", "{ \"a\" : [1,{}] , \"b\":2}",
                 "{  \"b\":2}");
    assert_makes("\"mode\":\"field_drop\",\"path\":\"/b\"", "{\"a\":1 , \"b\":2 }", "{\"a\":1  }");
    assert_makes("\"mode\":\"field_drop\",\"path\":\"/a\"", "{\"a\":1}", "{}");
    assert_makes("\"mode\":\"field_null\",\"path\":\"/x/*/b\"", "{\"x\":[{\"b\":{\"c\":1}}]}",
                 "{\"x\":[{\"b\":null}]}");
    assert_makes("\"mode\":\"field_rename\",\"path\":\"/a\"", "{\"a\":1}", "{\"x_a\":1}");
    assert_makes("\"mode\":\"field_rename\",\"path\":\"/a\",\"name\":\"q\"", "{\"a\":1}",
                 "{\"q\":1}");
    assert_makes("\"mode\":\"field_extra\"", "{\"a\":1}", "{\"x_extra\":\"1\",\"a\":1}");
    assert_makes("\"mode\":\"field_extra\",\"name\":\"n\",\"value\":\"v\"", "{ }",
                 "{\"n\":\"v\" }");
    assert_makes("\"mode\":\"enum_unknown\"", "{\"a\":\"b\",\"status\":\"OPEN\"}",
                 "{\"a\":\"b\",\"status\":\"__UNKNOWN__\"}");
    assert_makes("\"mode\":\"enum_unknown\",\"path\":\"/a\",\"value\":\"HM\"", "{\"a\":\"b\"}",
                 "{\"a\":\"HM\"}");
    assert_makes("\"mode\":\"ts_shift\",\"by\":\"-5s\"", "{\"ts\":1714979289123}",
                 "{\"ts\":1714979284123}");
    assert_makes("\"mode\":\"ts_shift\",\"by\":\"1500ms\"", "{\"time\":1714979289}",
                 "{\"time\":1714979290}");
    assert_makes("\"mode\":{\"mode\":\"ts_shift\",\"by\":\"1s\"}",
                 "{\"timestamp\":\"2024-05-06T07:08:59.500000Z\"}",
                 "{\"timestamp\":\"2024-05-06T07:09:00.500000Z\"}");
    assert_makes("\"mode\":\"num_zero\",\"path\":\"/b\"", "{\"a\":1,\"b\":[2]}",
                 "{\"a\":1,\"b\":[2]}");
    assert_makes("\"mode\":\"truncate\",\"keep\":4", "{\"a\":1}", "{\"a\"");
    assert_makes("\"mode\":\"truncate\",\"keep\":3", "[\"\xc3\xa4\"]", "[\"");
}

static void what_is_no_json_has_no_tokens(void **state)
{
    (void)state;
    assert_makes("\"mode\":\"num_zero\"", "{\"a\":1", "{\"a\":1");
    assert_makes("\"mode\":\"field_drop\"", "hello", "hello");
    assert_makes("\"mode\":\"id_swap\"", "{\"a\":\"b\"}", "{\"a\":\"b\"}");
}

/* Nothing of the text fits the mode: it passes as it is, and is no hit. */
static void assert_fits_nothing(const char *keys, const char *text)
{
    struct bench bench;

    start_with_mode(&bench, keys);
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, text);
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 1);
    assert_string_equal(bench.seen[0].text, text);
    assert_int_equal(bench.seen[0].time, 0);
    struct msim_fault_counts counts = bench_counts(&bench, "c");
    if (counts.inapplicable != 1 || counts.hits != 0)
        fail_msg("%s counts a hit on %s", keys, text);
    bench_finish(&bench);
}

static void what_would_change_nothing_is_no_hit(void **state)
{
    (void)state;
    assert_fits_nothing("\"mode\":\"num_scale\",\"pow10\":3", "[0,\"0.00\"]");
    assert_fits_nothing("\"mode\":\"num_zero\"", "[0,\"-0.0\"]");
    assert_fits_nothing("\"mode\":\"num_exp\"", "[7.1E+3]");
    assert_fits_nothing("\"mode\":\"num_huge\"", "[9007199254740993]");
    assert_fits_nothing("\"mode\":\"num_nan\",\"value\":\"5\"", "[\"5\"]");
    assert_fits_nothing("\"mode\":\"enum_unknown\"", "{\"status\":\"__UNKNOWN__\"}");
    assert_fits_nothing("\"mode\":\"field_rename\",\"name\":\"q\"", "{\"q\":1}");
    assert_fits_nothing("\"mode\":\"ts_shift\",\"by\":\"999us\"", "{\"ts\":1714979289123}");
    assert_fits_nothing("\"mode\":\"ts_shift\",\"by\":\"999ms\"", "{\"time\":1714979289}");
    assert_fits_nothing("\"mode\":\"garbage\",\"with\":\"empty\"", "");
    assert_fits_nothing("\"mode\":\"garbage\"", "");
    assert_fits_nothing("\"mode\":\"bitflip\"", "");
    /* Where one token does not fit, another one is taken. */
    assert_makes("\"mode\":\"num_zero\"", "[0,0,0,0,7,0,0,0]", "[0,0,0,0,0,0,0,0]");
    assert_makes("\"mode\":\"num_scale\"", "[0,0,\"0\",3]", "[0,0,\"0\",30]");
}

static void a_part_of_a_number_is_never_one_itself(void **state)
{
    (void)state;
    assert_fits_nothing("\"mode\":\"truncate\"", "1234");
    assert_fits_nothing("\"mode\":\"truncate\",\"keep\":2", "12.5");
    assert_fits_nothing("\"mode\":\"split\"", "1234");
    assert_fits_nothing("\"mode\":\"split\"", "12.5");
    assert_fits_nothing("\"mode\":\"concat\"", " 12");
    assert_makes("\"mode\":\"truncate\"", "12.5", "12.");
    assert_makes("\"mode\":\"truncate\"", "-1", "-");
}

static void so_many_different_bits_flip(void **state)
{
    struct bench bench;
    char text[8];

    (void)state;
    start_with_mode(&bench, "\"mode\":\"bitflip\",\"bits\":24");
    for (size_t length = 1; length < sizeof text; length++) {
        struct msim_fault_message message = {
            .bytes = text, .length = length, .type = MSIM_FAULT_OTHER};
        memset(text, 'U', sizeof text);
        bench.count = 0;
        bench_send(&bench, (msim_time)length, bench.out, &message);
        bench_pull(&bench, (msim_time)length);
        int flipped = 0;
        for (size_t i = 0; i < length; i++)
            flipped += __builtin_popcount((unsigned char)(bench.seen[0].text[i] ^ 'U'));
        assert_int_equal(flipped, length < 3 ? 8 * length : 24);
    }
    bench_finish(&bench);
}

/* What id_swap makes of the last text, when both messages' client order ids are live. */
static void assert_swaps(const char *first, const char *second, const char *text,
                         const char *expected)
{
    struct bench bench;
    struct msim_fault_message message = bench_message("{}", MSIM_FAULT_OTHER);

    start_with_mode(&bench, "\"mode\":\"id_swap\"");
    message.client_order_id = (struct msim_fault_text){first, strlen(first)};
    bench_send(&bench, 0, bench.out, &message);
    message = bench_message(text, MSIM_FAULT_OTHER);
    message.client_order_id = (struct msim_fault_text){second, strlen(second)};
    bench_send(&bench, 1, bench.out, &message);
    bench_pull(&bench, 1);
    assert_string_equal(bench.seen[1].text, expected);
    bench_finish(&bench);
}

static void a_swapped_id_leaves_the_message_json(void **state)
{
    (void)state;
    assert_swaps("bot-1", "bot-2", "{\"c\":\"bot-2\"}", "{\"c\":\"bot-1\"}");
    assert_swaps("71", "72", "{\"c\":72}", "{\"c\":71}");
    assert_swaps("71", "72", "{\"c\":\"72\"}", "{\"c\":\"71\"}");
    assert_swaps("bot-1", "72", "{\"c\":72}", "{\"c\":72}");
    assert_swaps("071", "72", "{\"c\":72}", "{\"c\":72}");
    assert_swaps("a\"b", "bot-2", "{\"c\":\"bot-2\"}", "{\"c\":\"bot-2\"}");
    assert_swaps("a\\", "bot-2", "{\"c\":\"bot-2\"}", "{\"c\":\"bot-2\"}");
    assert_swaps("a\xff", "bot-2", "{\"c\":\"bot-2\"}", "{\"c\":\"bot-2\"}");
}

static void a_path_escapes_what_keys_hold(void **state)
{
    (void)state;
    assert_makes("\"mode\":\"num_zero\",\"path\":\"/a~1b\"", "{\"a/b\":1,\"a\":{\"b\":2}}",
                 "{\"a/b\":0,\"a\":{\"b\":2}}");
    assert_makes("\"mode\":\"num_zero\",\"path\":\"/a/b\"", "{\"a/b\":1,\"a\":{\"b\":2}}",
                 "{\"a/b\":1,\"a\":{\"b\":0}}");
    assert_makes("\"mode\":\"num_zero\",\"path\":\"/m~0n\"", "{\"m~n\":1,\"m~0n\":2}",
                 "{\"m~n\":0,\"m~0n\":2}");
    assert_makes("\"mode\":\"num_zero\",\"path\":\"/price\"", "{\"p\\u0072ice\":1,\"q\":2}",
                 "{\"p\\u0072ice\":0,\"q\":2}");
}

static void two_messages_go_in_one_frame(void **state)
{
    struct bench bench;

    (void)state;
    start_with_mode(&bench, "\"mode\":\"concat\",\"every\":2");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "{\"a\":1}");
    bench_text(&bench, 1, bench.out, MSIM_FAULT_OTHER, "{\"b\":2}");
    bench_text(&bench, 2, bench.out, MSIM_FAULT_OTHER, "{\"c\":3}");
    bench_text(&bench, 3, bench.out, MSIM_FAULT_OTHER, "{\"d\":4}");
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 3);
    assert_string_equal(bench.seen[1].text, "{\"b\":2}{\"c\":3}");
    assert_int_equal(bench.seen[1].ordinal, 1);
    assert_string_equal(bench.seen[2].text, "{\"d\":4}");
    assert_int_equal(bench.seen[2].time, 3 + 100 * MS);
    assert_int_equal(msim_fault_link_balance(bench.out).merged, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_split_message_comes_in_two(void **state)
{
    struct bench bench;
    const char text[] = "{\"price\":\"1.5\"}";

    (void)state;
    start_with_mode(&bench, "\"mode\":\"split\"");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, text);
    bench_run(&bench, 0);
    assert_int_equal(bench.count, 2);
    assert_true(bench.seen[0].length > 0 && bench.seen[1].length > 0);
    assert_int_equal(bench.seen[0].length + bench.seen[1].length, strlen(text));
    char both[2 * sizeof bench.seen[0].text];
    snprintf(both, sizeof both, "%s%s", bench.seen[0].text, bench.seen[1].text);
    assert_string_equal(both, text);
    assert_int_equal(msim_fault_link_balance(bench.out).copies, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void the_second_part_of_a_split_takes_its_own_tokens(void **state)
{
    struct bench bench;

    (void)state;
    start_with_mode(&bench, "\"mode\":\"split\"");
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"id\":\"t\",\"select\":{\"dir\":\"out\"},\"rate\":10,"
              "\"burst\":1}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "{\"a\":1}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "{\"b\":1}");
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bench.seen[i].time, (msim_time)i * 100 * MS);
        assert_int_equal(bench.seen[i].ordinal, i / 2);
    }
    bench_check(&bench);
    bench_finish(&bench);
}

static void the_second_part_of_a_split_has_its_own_delay(void **state)
{
    struct bench bench;
    uint64_t overtaken = 0;

    (void)state;
    start_with_mode(&bench, "\"mode\":\"split\"");
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"id\":\"d\",\"select\":{\"dir\":\"out\"},\"p\":0.5,"
              "\"order\":\"none\",\"dist\":{\"type\":\"uniform\",\"min\":\"1ms\","
              "\"max\":\"9ms\"}}");
    for (int i = 0; i < 200; i++)
        bench_text(&bench, i * SEC, bench.out, MSIM_FAULT_OTHER, "{\"a\":1}");
    bench_run(&bench, 201 * SEC);
    assert_int_equal(bench.count, 400);
    for (size_t i = 0; i < 400; i += 2) {
        assert_int_equal(bench.seen[i].ordinal, bench.seen[i + 1].ordinal);
        overtaken += bench.seen[i].sub > bench.seen[i + 1].sub;
    }
    assert_in_range(overtaken, 40, 110); /* 3 of 8 */
    assert_in_range(bench_counts(&bench, "d").hits, 140, 260);
    bench_check(&bench);
    bench_finish(&bench);
}

static void parts_of_a_split_are_held_and_sliced_like_copies(void **state)
{
    struct bench bench;

    (void)state;
    start_with_mode(&bench, "\"mode\":\"split\",\"max_hits\":1");
    bench_add(&bench, 0,
              "{\"kind\":\"reorder\",\"id\":\"r\",\"select\":{\"dir\":\"out\"},\"max_hits\":1,"
              "\"k\":1,\"max_wait\":\"1s\"}");
    bench_add(&bench, 0,
              "{\"kind\":\"slice\",\"id\":\"s\",\"select\":{\"dir\":\"out\"},\"max_hits\":1,"
              "\"chunk\":1}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "{\"a\":1}");
    bench_text(&bench, 1, bench.out, MSIM_FAULT_OTHER, "{\"b\":1}");
    bench_run(&bench, 1);
    assert_int_equal(bench.count, 3);
    assert_string_equal(bench.seen[0].text, "{\"b\":1}");
    assert_int_equal(bench_counts(&bench, "r").hits, 2);
    assert_int_equal(bench_counts(&bench, "s").hits, 2);
    bench_check(&bench);
    bench_finish(&bench);
}

static void scramble_overwrites_as_many_places_as_it_says(void **state)
{
    struct bench bench;

    (void)state;
    start_with_mode(&bench, "\"mode\":\"scramble\",\"fraction\":0.1");
    for (size_t length = 1; length < 90; length++) {
        /* Bytes that scramble never writes: each place that it touched shows. */
        char text[96] = "";
        memset(text, ' ', length);
        bench.count = 0;
        bench_text(&bench, (msim_time)length, bench.out, MSIM_FAULT_OTHER, text);
        bench_pull(&bench, (msim_time)length);
        size_t touched = 0;
        for (size_t i = 0; i < length; i++) {
            touched += bench.seen[0].text[i] != ' ';
            assert_in_range(bench.seen[0].text[i], ' ', '~');
        }
        assert_int_equal(touched, length < 20 ? 1 : length / 10);
    }
    bench_finish(&bench);
}

static void modes_are_chosen_by_their_weights(void **state)
{
    struct bench bench;
    char json[8192];
    size_t length = 0;

    (void)state;
    start_with_mode(
        &bench, "\"mode\":[{\"mode\":\"num_zero\",\"weight\":0.7},"
                "{\"mode\":\"num_sign\",\"weight\":0.2},{\"mode\":\"garbage\",\"weight\":0.1}]");
    for (int i = 0; i < 20000; i++) {
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "[1]");
        bench_pull(&bench, i);
    }
    assert_int_equal(msim_faults_statistics(bench.faults, "c", json, sizeof json, &length),
                     MSIM_OK);
    long zero = strtol(strstr(json, "\"num_zero\":") + 11, NULL, 10);
    long sign = strtol(strstr(json, "\"num_sign\":") + 11, NULL, 10);
    long garbage = strtol(strstr(json, "\"garbage\":") + 10, NULL, 10);
    assert_int_equal(zero + sign + garbage, 20000);
    double chi = (double)((zero - 14000) * (zero - 14000)) / 14000 +
                 (double)((sign - 4000) * (sign - 4000)) / 4000 +
                 (double)((garbage - 2000) * (garbage - 2000)) / 2000;
    assert_true(chi < 41.5); /* two degrees of freedom, 1e-9 */
    bench_finish(&bench);
}

static void corruptions_are_applied_one_after_another(void **state)
{
    struct bench bench;

    (void)state;
    start_with_mode(&bench, "\"mode\":\"type_swap\"");
    bench_add(&bench, 0,
              "{\"kind\":\"corrupt\",\"id\":\"first\",\"priority\":-1,\"select\":{\"dir\":\"out\"},"
              "\"mode\":\"num_scale\",\"pow10\":1}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "[5]");
    bench_pull(&bench, 0);
    assert_string_equal(bench.seen[0].text, "[\"50\"]");
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_does_what_its_row_says),
        cmocka_unit_test(numbers_are_spoiled_digit_by_digit),
        cmocka_unit_test(fields_are_changed_in_place),
        cmocka_unit_test(what_is_no_json_has_no_tokens),
        cmocka_unit_test(what_would_change_nothing_is_no_hit),
        cmocka_unit_test(a_part_of_a_number_is_never_one_itself),
        cmocka_unit_test(so_many_different_bits_flip),
        cmocka_unit_test(a_swapped_id_leaves_the_message_json),
        cmocka_unit_test(a_path_escapes_what_keys_hold),
        cmocka_unit_test(two_messages_go_in_one_frame),
        cmocka_unit_test(a_split_message_comes_in_two),
        cmocka_unit_test(the_second_part_of_a_split_takes_its_own_tokens),
        cmocka_unit_test(the_second_part_of_a_split_has_its_own_delay),
        cmocka_unit_test(parts_of_a_split_are_held_and_sliced_like_copies),
        cmocka_unit_test(scramble_overwrites_as_many_places_as_it_says),
        cmocka_unit_test(modes_are_chosen_by_their_weights),
        cmocka_unit_test(corruptions_are_applied_one_after_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
