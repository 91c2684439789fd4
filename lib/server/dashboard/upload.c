/*
 * POST /api/trading-data: a form with the tables as files, read as it comes.
 */
#include <marketsim/form.h>

#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/dashboard/inside.h"

enum part {
    PART_TRADES = MSIM_TABLE_TRADES,
    PART_MARKET = MSIM_TABLE_MARKET,
    PART_STAMP,
    PART_OTHER,
};

struct upload {
    struct msim_dashboard_server *server;
    struct msim_exchange *exchange;
    struct msim_multipart *form;
    struct msim_push push;
    enum part part;
    bool has_part[PART_OTHER];
    char stamp[MSIM_STAMP_SIZE / 2]; /* as it came */
    size_t stamp_length;
    /* To refuse with, once something is wrong.  The rest of the body is let through first: an
     * answer amid an upload may get lost, and one that goes on without end is its own mistake. */
    int status;
    struct msim_detail detail;
};

/* ---- answers ---- */

static void write_place(struct msim_json_writer *writer, const struct msim_csv *csv)
{
    msim_json_write_key(writer, "file");
    msim_json_write_text(writer, csv->schema->file);
    if (csv->error.line > 0) {
        msim_json_write_key(writer, "line");
        msim_json_write_unsigned(writer, csv->error.line);
    }
    if (csv->error.column[0] != '\0') {
        msim_json_write_key(writer, "column");
        msim_json_write_text(writer, csv->error.column);
    }
    msim_json_write_key(writer, "reason");
    msim_json_write_text(writer, csv->error.reason);
}

/* A table that is wrong, with the place where it is. */
static void refuse_table(struct upload *upload, const struct msim_csv *csv)
{
    char body[8 * MSIM_DETAIL_SIZE];
    struct msim_json_writer writer;
    size_t length;

    msim_json_write_buffer(&writer, body, sizeof body);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "type");
    msim_json_write_text(&writer, "about:blank");
    msim_json_write_key(&writer, "title");
    msim_json_write_text(&writer, "Unprocessable Content");
    msim_json_write_key(&writer, "status");
    msim_json_write_integer(&writer, 422);
    msim_json_write_key(&writer, "detail");
    msim_json_write_text(&writer, upload->detail.text);
    msim_json_write_key(&writer, "error");
    msim_json_write_text(&writer, upload->detail.text);
    write_place(&writer, csv);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) < 0) {
        msim_exchange_refuse(upload->exchange, 422, upload->detail.text);
        return;
    }
    const struct msim_http_answer answer = {
        .status = 422,
        .content_type = "application/problem+json",
        .body = body,
        .body_length = length,
    };
    msim_exchange_answer(upload->exchange, &answer);
}

static const struct msim_csv *failed_table(const struct upload *upload)
{
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        if (upload->push.tables[kind]->csv.error.reason[0] != '\0')
            return &upload->push.tables[kind]->csv;
    return NULL;
}

static void refuse(struct upload *upload, int status)
{
    const struct msim_csv *csv = failed_table(upload);

    upload->server->stats.refused++;
    if (status == 422 && csv)
        refuse_table(upload, csv);
    else
        msim_exchange_refuse(upload->exchange, status, upload->detail.text);
}

static int status_of(int failure)
{
    switch (failure) {
    case MSIM_ERR_UNSUPPORTED:
        return 415;
    case MSIM_ERR_LIMIT:
        return 413;
    case MSIM_ERR_NOMEM:
    case MSIM_ERR_IO:
        return 503;
    default:
        return 400;
    }
}

/* ---- parts ---- */

static int wrong(struct upload *upload, int status, int failure)
{
    upload->status = status;
    return failure;
}

static int take_part(void *context, const struct msim_part *part)
{
    struct upload *upload = context;

    upload->part = PART_OTHER;
    if (strcmp(part->name, "timestamp") == 0)
        upload->part = PART_STAMP;
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        if (strcmp(part->name, msim_table_schemas[kind].file) == 0)
            upload->part = (enum part)kind;
    if (upload->part == PART_OTHER)
        return MSIM_OK;
    if (upload->has_part[upload->part]) {
        msim_detail_set(&upload->detail, MSIM_ERR_INVALID, "the part %s is there twice",
                        part->name);
        return wrong(upload, 400, MSIM_ERR_INVALID);
    }
    upload->has_part[upload->part] = true;
    return MSIM_OK;
}

static int take_stamp(struct upload *upload, const unsigned char *bytes, size_t length)
{
    if (length >= sizeof upload->stamp - upload->stamp_length) {
        msim_detail_set(&upload->detail, MSIM_ERR_LIMIT, "timestamp is longer than %zu bytes",
                        sizeof upload->stamp - 1);
        return wrong(upload, 400, MSIM_ERR_LIMIT);
    }
    memcpy(upload->stamp + upload->stamp_length, bytes, length);
    upload->stamp_length += length;
    return MSIM_OK;
}

static int table_failed(struct upload *upload, const struct msim_table *table, int failure)
{
    msim_table_explain(table, failure, &upload->detail);
    return wrong(upload, failure == MSIM_ERR_NOMEM ? 503 : 422, failure);
}

static int take_bytes(void *context, const unsigned char *bytes, size_t length)
{
    struct upload *upload = context;

    if (upload->part == PART_STAMP)
        return take_stamp(upload, bytes, length);
    if (upload->part == PART_OTHER)
        return MSIM_OK;
    struct msim_table *table = upload->push.tables[upload->part];
    int r = msim_table_feed(table, bytes, length);
    return r < 0 ? table_failed(upload, table, r) : MSIM_OK;
}

static int end_part(void *context)
{
    struct upload *upload = context;

    if (upload->part >= PART_STAMP)
        return MSIM_OK;
    struct msim_table *table = upload->push.tables[upload->part];
    int r = msim_table_end(table);
    return r < 0 ? table_failed(upload, table, r) : MSIM_OK;
}

/* ---- the request ---- */

static void upload_free(struct upload *upload)
{
    struct msim_dashboard_server *server = upload->server;

    msim_exchange_set_user(upload->exchange, NULL);
    msim_multipart_destroy(&upload->form);
    msim_push_finish(&upload->push);
    msim_mem_free(&server->allocator, upload, sizeof *upload);
    server->uploads--;
}

static int create_form(struct upload *upload)
{
    const char *type = msim_exchange_header(upload->exchange, "Content-Type");
    struct msim_multipart_params params = MSIM_MULTIPART_PARAMS_INIT;

    params.allocator = &upload->server->allocator;
    params.content_type = type ? type : "";
    params.handler = (struct msim_multipart_handler){take_part, take_bytes, end_part};
    params.context = upload;
    params.max_part_bytes = upload->server->params.max_upload_bytes;
    return msim_multipart_create(&upload->form, &params, &upload->detail);
}

static void begin(void *context, struct msim_exchange *exchange)
{
    struct msim_dashboard_server *server = context;
    struct upload *upload = NULL;

    if (server->uploads < MSIM_UPLOADS_MAX)
        upload = msim_mem_zero(&server->allocator, sizeof *upload);
    if (!upload) {
        msim_exchange_refuse(exchange, 503, "too many uploads at once: try again");
        return;
    }
    server->uploads++;
    upload->server = server;
    upload->exchange = exchange;
    upload->part = PART_OTHER;
    int r = create_form(upload);
    if (r >= 0)
        r = msim_push_init(&upload->push, &server->allocator);
    if (r >= 0) {
        msim_exchange_set_user(exchange, upload);
        return;
    }
    if (upload->detail.text[0] == '\0')
        msim_detail_set(&upload->detail, r, "%s", msim_result_text(r));
    server->stats.refused++;
    msim_exchange_refuse(exchange, status_of(r), upload->detail.text);
    upload_free(upload);
}

static int set_stamp(struct upload *upload)
{
    struct msim_json_writer writer;

    if (upload->stamp_length == 0)
        return MSIM_OK;
    msim_json_write_buffer(&writer, upload->push.stamp, sizeof upload->push.stamp - 1);
    msim_json_write_string(&writer, upload->stamp, upload->stamp_length);
    size_t length;
    int r = msim_json_write_end(&writer, &length);
    if (r < 0)
        return msim_detail_set(&upload->detail, MSIM_ERR_INVALID, "timestamp is too long");
    upload->push.stamp[length] = '\0';
    return MSIM_OK;
}

static int check_parts(struct upload *upload)
{
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        if (!upload->has_part[kind])
            return msim_detail_set(&upload->detail, MSIM_ERR_INVALID,
                                   "the part %s is missing: send both tables as parts of "
                                   "multipart/form-data",
                                   msim_table_schemas[kind].file);
    return MSIM_OK;
}

static void finish(struct upload *upload)
{
    char receipt[MSIM_RECEIPT_SIZE];

    if (upload->status > 0) {
        refuse(upload, upload->status);
        return;
    }
    int r = msim_multipart_finish(upload->form, &upload->detail);
    if (r >= 0)
        r = check_parts(upload);
    if (r >= 0)
        r = set_stamp(upload);
    if (r >= 0)
        r = msim_push_take(upload->server, &upload->push, &upload->detail);
    if (r < 0) {
        refuse(upload, status_of(r));
        return;
    }
    const struct msim_http_answer answer = {
        .status = 200,
        .content_type = "application/json",
        .body = receipt,
        .body_length = msim_push_receipt(&upload->push, receipt),
    };
    msim_exchange_answer(upload->exchange, &answer);
}

static void feed(struct upload *upload, const unsigned char *bytes, size_t length)
{
    struct msim_detail words = {""};

    if (upload->status > 0)
        return;
    int r = msim_multipart_feed(upload->form, bytes, length, &words);
    if (r >= 0)
        return;
    /* A table's own words are better than the form's. */
    if (upload->detail.text[0] == '\0')
        upload->detail = words;
    if (upload->status == 0)
        upload->status = status_of(r);
}

static void body(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                 size_t length)
{
    struct upload *upload = msim_exchange_user(exchange);

    (void)context;
    if (!upload)
        return;
    if (length > 0) {
        feed(upload, bytes, length);
        return;
    }
    finish(upload);
    upload_free(upload);
}

static void ended(void *context, struct msim_exchange *exchange)
{
    struct upload *upload = msim_exchange_user(exchange);

    (void)context;
    if (upload)
        upload_free(upload);
}

const struct msim_http_handler msim_upload_handler = {
    .request = begin,
    .body = body,
    .ended = ended,
};
