/*
 * What the HTTP API is, in the words of OpenAPI 3.1.
 */
#include "server/dashboard/inside.h"

#define QUERY(name, type, words)                                                          \
    "{\"name\":\"" name "\",\"in\":\"query\",\"required\":false,\"description\":\"" words \
    "\",\"schema\":{" type "}}"
#define TEXT "\"type\":\"string\""
#define PROBLEM "{\"$ref\":\"#/components/responses/Problem\"}"

#define FILTERS                                                                                                                                                                           \
    QUERY("symbol", TEXT, "Rows of this symbol.")                                                                                                                                         \
    "," QUERY("from", TEXT, "Not before this moment.") "," QUERY("to", TEXT, "Before this moment.") "," QUERY(                                                                            \
        "limit", "\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":100",                                                                                                  \
        "Rows of one page; without a bound in CSV.") "," QUERY("offset",                                                                                                                  \
                                                               "\"type\":\"integer\",\"minimum\":"                                                                                        \
                                                               "0,\"default\":0",                                                                                                         \
                                                               "Rows to pass over: next_offset "                                                                                          \
                                                               "of the page before.") "," QUERY("order",                                                                                  \
                                                                                                "\"enum\":[\"desc\",\"asc\"],\"default\":\"desc\"",                                       \
                                                                                                "Newest first, or oldest.") "," QUERY("format",                                           \
                                                                                                                                      "\"enum\":[\"json\",\"csv\"],\"default\":\"json\"", \
                                                                                                                                      "CSV is an attachment.")

#define ROWS(name, words, more)                                                              \
    "{\"get\":{\"summary\":\"" words "\",\"parameters\":[" FILTERS more                      \
    "],\"responses\":{\"200\":{\"description\":\"One page of rows.\",\"content\":{"          \
    "\"application/json\":{\"schema\":{\"type\":\"object\",\"required\":[\"" name            \
    "\",\"count\",\"matched\",\"offset\",\"next_offset\",\"total\"],\"properties\":{\"" name \
    "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"                               \
    "\"count\":{\"type\":\"integer\"},\"matched\":{\"type\":\"integer\"},"                   \
    "\"offset\":{\"type\":\"integer\"},\"next_offset\":{\"type\":[\"integer\",\"null\"]},"   \
    "\"total\":{\"type\":\"integer\"}}}},\"text/csv\":{\"schema\":{" TEXT "}}}},"            \
    "\"400\":" PROBLEM ",\"401\":" PROBLEM ",\"422\":" PROBLEM "}}}"

/* In pieces: a compiler need not take a longer text than 4,095 bytes. */
const char *const msim_openapi_pieces[] = {
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"dashboard-server\",\"version\":\"1\","
    "\"description\":\"Trades and market data that scripts push.\"},"
    "\"security\":[{},{\"key\":[]}],\"paths\":{"
    "\"/api/trading-data\":{\"post\":{\"summary\":\"Push two tables, whole or not at all.\","
    "\"requestBody\":{\"required\":true,\"content\":{\"multipart/form-data\":{\"schema\":{"
    "\"type\":\"object\",\"required\":[\"trades_csv\",\"market_data_csv\"],\"properties\":{"
    "\"trades_csv\":{" TEXT "},\"market_data_csv\":{" TEXT "},\"timestamp\":{" TEXT "}}}}}},"
    "\"responses\":{\"200\":{\"description\":\"Taken in.\",\"content\":{\"application/json\":{"
    "\"schema\":{\"type\":\"object\",\"required\":[\"status\",\"trades_processed\","
    "\"market_data_processed\"],\"properties\":{\"status\":{\"const\":\"success\"},"
    "\"trades_processed\":{\"type\":\"integer\"},\"market_data_processed\":{\"type\":\"integer\"}"
    "}}}}},\"400\":" PROBLEM ",\"401\":" PROBLEM ",\"413\":" PROBLEM ",\"415\":" PROBLEM
    ",\"422\":" PROBLEM ",\"429\":" PROBLEM ",\"503\":" PROBLEM "}}},",
    "\"/api/trades\":" ROWS("trades", "Trades that were pushed.",
                            "," QUERY("strategy", TEXT, "Trades of this strategy.") "," QUERY(
                                "side", TEXT, "BUY or SELL, as it was pushed.")) ",",
    "\"/api/market-data\":" ROWS(
        "market_data", "Market data that was pushed.",
        "") ","
            "\"/api/"
            "summary\":{\"get\":{\"summary\":\"Exact "
            "sums over all that was pushed.\","
            "\"parameters\":[" QUERY("symbol", TEXT, "Sums of this symbol.") "," QUERY(
                "strategy", TEXT, "Sums of this strategy.") "],"
                                                            "\"responses\""
                                                            ":{\"200\":{"
                                                            "\"description"
                                                            "\":\"Counts, "
                                                            "and sums as "
                                                            "decimal "
                                                            "text.\","
                                                            "\"content\":{"
                                                            "\"application"
                                                            "/json\":{"
                                                            "\"schema\":{"
                                                            "\"type\":"
                                                            "\"object\"}}}"
                                                            "},"
                                                            "\"400\""
                                                            ":" PROBLEM ",\"401\""
                                                            ":" PROBLEM "}}},"
                                                            "\"/"
                                                            "healthz\":{"
                                                            "\"get\":{"
                                                            "\"summary\":"
                                                            "\"It "
                                                            "runs.\","
                                                            "\"responses\""
                                                            ":{\"200\":{"
                                                            "\"description"
                                                            "\":\"Yes.\"}}"
                                                            "}},"
                                                            "\"/"
                                                            "readyz\":{"
                                                            "\"get\":{"
                                                            "\"summary\":"
                                                            "\"It "
                                                            "serves.\","
                                                            "\"responses\""
                                                            ":{\"200\":{"
                                                            "\"description"
                                                            "\":\"Yes.\"},"
                                                            "\"503\""
                                                            ":" PROBLEM "}}},"
                                                            "\"/"
                                                            "metrics\":{"
                                                            "\"get\":{"
                                                            "\"summary\":"
                                                            "\"Numbers "
                                                            "for "
                                                            "Prometheus."
                                                            "\","
                                                            "\"responses\""
                                                            ":{\"200\":{"
                                                            "\"description"
                                                            "\":\"Text "
                                                            "format "
                                                            "0.0.4.\"}}}}}"
                                                            ","
                                                            "\"components"
                                                            "\":{"
                                                            "\"securitySch"
                                                            "emes\":{"
                                                            "\"key\":{"
                                                            "\"type\":"
                                                            "\"http\","
                                                            "\"scheme\":"
                                                            "\"bearer\"}},"
                                                            "\"responses\""
                                                            ":{"
                                                            "\"Problem\":{"
                                                            "\"description"
                                                            "\":\"What is "
                                                            "wrong (RFC "
                                                            "9457).\","
                                                            "\"content\":{"
                                                            "\"application"
                                                            "/problem+"
                                                            "json\":{"
                                                            "\"schema\":{"
                                                            "\"type\":"
                                                            "\"object\","
                                                            "\"required\":"
                                                            "[\"type\","
                                                            "\"title\","
                                                            "\"status\","
                                                            "\"detail\","
                                                            "\"error\"],"
                                                            "\"properties"
                                                            "\":{\"type\":"
                                                            "{" TEXT "},\"title\":"
                                                            "{" TEXT "},\"status\":"
                                                            "{\"type\":"
                                                            "\"integer\"},"
                                                            "\"detail\":"
                                                            "{" TEXT "},\"error\":"
                                                            "{" TEXT "},\"file\":"
                                                            "{" TEXT "},\"line\":{"
                                                            "\"type\":"
                                                            "\"integer\"},"
                                                            "\"column\":"
                                                            "{" TEXT "},\"reason\":"
                                                            "{" TEXT "}}}}}}}}}",
    NULL};
