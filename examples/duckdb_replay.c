/*
 * The result of a DuckDB query as a replay: its rows go from DuckDB to the source as Arrow record
 * batches, without a copy, and leave as the messages that replay-server sends.
 *
 *     duckdb-replay LIBRARY QUERY
 *
 * LIBRARY is DuckDB's shared library (libduckdb.so); it is opened when the program runs, so that
 * neither the program nor marketsim needs it to be built.  The query's columns are timestamp,
 * price, volume and ticker, in order of time:
 *
 *     duckdb-replay ./libduckdb.so "SELECT ts AS timestamp, price, size AS volume, sym AS ticker
 *                                   FROM 'trades.parquet' ORDER BY ts"
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/marketsim.h>

/* ---- what is used of DuckDB's C API ---- */

typedef uint64_t idx_t;

/* As duckdb.h has it: six words, of which the last one is DuckDB's own. */
struct duckdb_result {
    idx_t words[3];
    void *pointers[3];
};

struct duckdb {
    void *library;
    int (*open)(const char *path, void **database);
    void (*close)(void **database);
    int (*connect)(void *database, void **connection);
    void (*disconnect)(void **connection);
    int (*query)(void *connection, const char *query, struct duckdb_result *result);
    void (*destroy_result)(struct duckdb_result *result);
    const char *(*result_error)(struct duckdb_result *result);
    idx_t (*column_count)(struct duckdb_result *result);
    const char *(*column_name)(struct duckdb_result *result, idx_t column);
    void *(*column_logical_type)(struct duckdb_result *result, idx_t column);
    void (*destroy_logical_type)(void **type);
    void *(*fetch_chunk)(struct duckdb_result result);
    void (*destroy_data_chunk)(void **chunk);
    void *(*result_get_arrow_options)(struct duckdb_result *result);
    void (*destroy_arrow_options)(void **options);
    void *(*to_arrow_schema)(void *options, void **types, const char **names, idx_t count,
                             struct ArrowSchema *schema);
    void *(*data_chunk_to_arrow)(void *options, void *chunk, struct ArrowArray *array);
    const char *(*error_data_message)(void *error);
    void (*destroy_error_data)(void **error);
};

static int load(struct duckdb *duckdb, const char *path)
{
    const struct {
        const char *name;
        void *target; /* of a pointer to a function */
    } functions[] = {
        {"duckdb_open", &duckdb->open},
        {"duckdb_close", &duckdb->close},
        {"duckdb_connect", &duckdb->connect},
        {"duckdb_disconnect", &duckdb->disconnect},
        {"duckdb_query", &duckdb->query},
        {"duckdb_destroy_result", &duckdb->destroy_result},
        {"duckdb_result_error", &duckdb->result_error},
        {"duckdb_column_count", &duckdb->column_count},
        {"duckdb_column_name", &duckdb->column_name},
        {"duckdb_column_logical_type", &duckdb->column_logical_type},
        {"duckdb_destroy_logical_type", &duckdb->destroy_logical_type},
        {"duckdb_fetch_chunk", &duckdb->fetch_chunk},
        {"duckdb_destroy_data_chunk", &duckdb->destroy_data_chunk},
        {"duckdb_result_get_arrow_options", &duckdb->result_get_arrow_options},
        {"duckdb_destroy_arrow_options", &duckdb->destroy_arrow_options},
        {"duckdb_to_arrow_schema", &duckdb->to_arrow_schema},
        {"duckdb_data_chunk_to_arrow", &duckdb->data_chunk_to_arrow},
        {"duckdb_error_data_message", &duckdb->error_data_message},
        {"duckdb_destroy_error_data", &duckdb->destroy_error_data},
    };

    duckdb->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!duckdb->library) {
        fprintf(stderr, "duckdb-replay: %s\n", dlerror());
        return -1;
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *symbol = dlsym(duckdb->library, functions[i].name);
        if (!symbol) {
            fprintf(stderr, "duckdb-replay: %s has no %s: DuckDB 1.4 or later is needed\n", path,
                    functions[i].name);
            return -1;
        }
        memcpy(functions[i].target, &symbol, sizeof symbol);
    }
    return 0;
}

/* ---- a result as a stream of record batches ---- */

struct result_stream {
    const struct duckdb *duckdb;
    struct duckdb_result result;
    void *options;
    void *error; /* the last one */
};

/* Keeps the error for get_last_error. */
static int note(struct result_stream *own, void *error)
{
    if (!error)
        return 0;
    if (own->error)
        own->duckdb->destroy_error_data(&own->error);
    own->error = error;
    return 5; /* EIO, as the interface asks for an errno */
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct result_stream *own = stream->private_data;
    const struct duckdb *duckdb = own->duckdb;
    idx_t count = duckdb->column_count(&own->result);
    void **types = calloc(count + 1, sizeof *types);
    const char **names = calloc(count + 1, sizeof *names);
    void *error = NULL;

    for (idx_t i = 0; types && names && i < count; i++) {
        types[i] = duckdb->column_logical_type(&own->result, i);
        names[i] = duckdb->column_name(&own->result, i);
    }
    if (types && names)
        error = duckdb->to_arrow_schema(own->options, types, names, count, out);
    int code = types && names ? note(own, error) : 12; /* ENOMEM */
    for (idx_t i = 0; types && i < count; i++)
        duckdb->destroy_logical_type(&types[i]);
    free(types);
    free(names);
    return code;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct result_stream *own = stream->private_data;

    memset(out, 0, sizeof *out);
    void *chunk = own->duckdb->fetch_chunk(own->result);
    if (!chunk)
        return 0; /* the end: `release` is NULL */
    void *error = own->duckdb->data_chunk_to_arrow(own->options, chunk, out);
    own->duckdb->destroy_data_chunk(&chunk);
    return note(own, error);
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct result_stream *own = stream->private_data;

    return own->error ? own->duckdb->error_data_message(own->error) : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
    struct result_stream *own = stream->private_data;

    if (own->error)
        own->duckdb->destroy_error_data(&own->error);
    own->duckdb->destroy_arrow_options(&own->options);
    own->duckdb->destroy_result(&own->result);
    free(own);
    stream->release = NULL;
}

static int run_query(const struct duckdb *duckdb, void *connection, const char *query,
                     struct ArrowArrayStream *stream)
{
    struct result_stream *own = calloc(1, sizeof *own);

    if (!own)
        return -1;
    own->duckdb = duckdb;
    if (duckdb->query(connection, query, &own->result) != 0) {
        fprintf(stderr, "duckdb-replay: %s\n", duckdb->result_error(&own->result));
        duckdb->destroy_result(&own->result);
        free(own);
        return -1;
    }
    own->options = duckdb->result_get_arrow_options(&own->result);
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = own};
    return 0;
}

/* ---- the replay ---- */

static int print_all(struct msim_source *source)
{
    struct msim_replay_encoder *encoder = NULL;
    struct msim_detail detail = {{0}};
    struct msim_record records[256];
    char text[4096];
    size_t count = 0;

    int r = msim_replay_encoder_create(&encoder, source, NULL);
    while (r >= 0 && r != MSIM_PULL_END) {
        r = msim_source_pull(source, records, 256, &count, &detail);
        for (size_t i = 0; r == MSIM_PULL_RECORD && i < count; i++) {
            size_t length = 0;
            int encoded = msim_replay_encode(encoder, &records[i], text, sizeof text, &length);
            if (encoded < 0)
                r = encoded;
            else
                printf("%.*s\n", (int)length, text);
        }
    }
    if (r < 0)
        fprintf(stderr, "duckdb-replay: %s\n", detail.text[0] ? detail.text : msim_result_text(r));
    msim_replay_encoder_destroy(&encoder);
    return r < 0 ? -1 : 0;
}

static int replay(const struct duckdb *duckdb, void *connection, const char *query)
{
    struct ArrowArrayStream stream;
    struct msim_detail detail = {{0}};
    struct msim_source source;

    if (run_query(duckdb, connection, query, &stream) < 0)
        return -1;
    int r = msim_source_from_arrow(&source, &stream, NULL, &detail);
    if (r < 0) {
        fprintf(stderr, "duckdb-replay: %s\n", detail.text);
        stream.release(&stream);
        return -1;
    }
    r = print_all(&source);
    msim_source_release(&source);
    return r;
}

int main(int argument_count, char **arguments)
{
    struct duckdb duckdb = {0};
    void *database = NULL;
    void *connection = NULL;
    int r = -1;

    if (argument_count != 3) {
        fprintf(stderr, "usage: duckdb-replay LIBDUCKDB QUERY\n");
        return 2;
    }
    if (load(&duckdb, arguments[1]) < 0)
        return 1;
    if (duckdb.open(NULL, &database) == 0 && duckdb.connect(database, &connection) == 0)
        r = replay(&duckdb, connection, arguments[2]);
    else
        fprintf(stderr, "duckdb-replay: DuckDB does not open a database in memory\n");
    if (connection)
        duckdb.disconnect(&connection);
    if (database)
        duckdb.close(&database);
    return r < 0 ? 1 : 0;
}
