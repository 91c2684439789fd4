#include "server/dashboard/archive.h"

#include <limits.h>
#include <string.h>

#include <sqlite3.h>

#include "base/detail.h"
#include "base/mem.h"

#define APPLICATION 0x6D73696D /* "msim" */
#define VERSION 1

enum statement {
    ADD_ROW,
    DROP_ROWS,
    PUT_GROUP,
    PUT_FACTS,
    BEGIN,
    COMMIT,
    ROLLBACK,
    STATEMENTS,
};

struct msim_archive {
    struct msim_store *store;
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
};

static const char *const texts[STATEMENTS] = {
    "INSERT INTO rows(kind,number,stamp,symbol,side,strategy,json) VALUES(?,?,?,?,?,?,?)",
    "DELETE FROM rows WHERE kind=? AND number<=?",
    "INSERT OR REPLACE INTO "
    "groups(symbol,strategy,trades,buys,sells,winners,losers,quantity,profit,"
    "points,volume) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
    "INSERT OR REPLACE INTO facts(one,pushes,stamp,trades,market_data) VALUES(1,?,?,?,?)",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
};

/* Symbol and strategy are texts of any bytes that a table may have. */
static const char schema[] =
    "CREATE TABLE rows(kind INTEGER NOT NULL,number INTEGER NOT NULL,stamp TEXT NOT NULL,"
    "symbol TEXT NOT NULL,side TEXT NOT NULL,strategy TEXT NOT NULL,json TEXT NOT NULL,"
    "PRIMARY KEY(kind,number)) WITHOUT ROWID;"
    "CREATE TABLE groups(symbol TEXT NOT NULL,strategy TEXT NOT NULL,trades INTEGER NOT NULL,"
    "buys INTEGER NOT NULL,sells INTEGER NOT NULL,winners INTEGER NOT NULL,losers INTEGER NOT NULL,"
    "quantity TEXT NOT NULL,profit TEXT NOT NULL,points INTEGER NOT NULL,volume TEXT NOT NULL,"
    "PRIMARY KEY(symbol,strategy)) WITHOUT ROWID;"
    "CREATE TABLE facts(one INTEGER PRIMARY KEY,pushes INTEGER NOT NULL,stamp TEXT NOT NULL,"
    "trades INTEGER NOT NULL,market_data INTEGER NOT NULL);"
    "PRAGMA application_id=1836280173;PRAGMA user_version=1;";

/* ---- statements ---- */

static int result_of(int code)
{
    switch (code) {
    case SQLITE_NOMEM:
        return MSIM_ERR_NOMEM;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return MSIM_ERR_FORMAT;
    default:
        return MSIM_ERR_IO;
    }
}

static const char *remedy_of(int code)
{
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ": is another program using it?";
    case SQLITE_NOTADB:
        return ": give the name of one of this program's, or of a file that is not there yet";
    case SQLITE_CORRUPT:
        return ": take it from a copy, or give another name";
    case SQLITE_CANTOPEN:
        return ": is its folder there, and may this program write in it?";
    case SQLITE_READONLY:
        return ": may this program write to it?";
    case SQLITE_FULL:
        return ": make room on the disk";
    default:
        return "";
    }
}

static int fail(const struct msim_archive *archive, int code, const char *doing,
                struct msim_detail *detail)
{
    return msim_detail_set(detail, result_of(code), "%s: %s%s", doing,
                           archive->database ? sqlite3_errmsg(archive->database)
                                             : sqlite3_errstr(code),
                           remedy_of(code));
}

static int run(struct msim_archive *archive, enum statement which)
{
    sqlite3_stmt *statement = archive->statements[which];
    int code = sqlite3_step(statement);

    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Borrowed until the statement has run. */
static void bind_text(sqlite3_stmt *statement, int place, const char *text, size_t length)
{
    sqlite3_bind_text64(statement, place, text, length, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_count(sqlite3_stmt *statement, int place, uint64_t value)
{
    sqlite3_bind_int64(statement, place, (sqlite3_int64)value);
}

/* ---- adding ---- */

static int add_rows(struct msim_archive *archive, const struct msim_table *table)
{
    sqlite3_stmt *statement = archive->statements[ADD_ROW];
    static const enum msim_table_pick picks[] = {MSIM_PICK_TIMESTAMP, MSIM_PICK_SYMBOL,
                                                 MSIM_PICK_SIDE, MSIM_PICK_STRATEGY};
    const struct msim_store *store = archive->store;
    uint64_t total = store->rings[table->kind].total;
    size_t first = table->row_count > store->max_rows ? table->row_count - store->max_rows : 0;

    for (size_t i = first; i < table->row_count; i++) {
        const struct msim_table_row *row = &table->rows[i];
        sqlite3_bind_int(statement, 1, (int)table->kind);
        bind_count(statement, 2, total + i + 1);
        for (int j = 0; j < 4; j++) {
            size_t length;
            const char *text = msim_table_picked(table, row, picks[j], &length);
            bind_text(statement, 3 + j, text, length);
        }
        bind_text(statement, 7, (const char *)msim_bytes_front(&table->json) + row->json,
                  row->json_length);
        int code = run(archive, ADD_ROW);
        if (code != SQLITE_OK)
            return code;
    }
    total += table->row_count;
    if (total <= store->max_rows)
        return SQLITE_OK;
    sqlite3_bind_int(archive->statements[DROP_ROWS], 1, (int)table->kind);
    bind_count(archive->statements[DROP_ROWS], 2, total - store->max_rows);
    return run(archive, DROP_ROWS);
}

static int put_group(struct msim_archive *archive, const char *symbol, const char *strategy,
                     const struct msim_group *sum)
{
    sqlite3_stmt *statement = archive->statements[PUT_GROUP];
    const uint64_t counts[] = {sum->trades, sum->buys, sum->sells, sum->winners, sum->losers};
    char quantity[MSIM_EXACT_SIZE];
    char profit[MSIM_EXACT_SIZE];
    char volume[MSIM_EXACT_SIZE];

    bind_text(statement, 1, symbol, strlen(symbol));
    bind_text(statement, 2, strategy, strlen(strategy));
    for (int i = 0; i < 5; i++)
        bind_count(statement, 3 + i, counts[i]);
    bind_text(statement, 8, quantity, msim_exact_print(&sum->quantity, quantity));
    bind_text(statement, 9, profit, msim_exact_print(&sum->profit, profit));
    bind_count(statement, 10, sum->points);
    bind_text(statement, 11, volume, msim_exact_print(&sum->volume, volume));
    return run(archive, PUT_GROUP);
}

/* What the groups of `changes` are with what the store has already. */
static int put_groups(struct msim_archive *archive, const struct msim_store *changes)
{
    struct msim_store *store = archive->store;

    for (size_t i = 0; i < changes->group_count; i++) {
        const struct msim_group *change = &changes->groups[i];
        const char *symbol = changes->names[change->symbol];
        const char *strategy = changes->names[change->strategy];
        /* The store has made room for it: names beyond the bound are those of the others. */
        uint32_t symbol_number = msim_store_name(store, symbol, strlen(symbol));
        uint32_t strategy_number = msim_store_name(store, strategy, strlen(strategy));
        struct msim_group *group =
            msim_store_group(store, symbol_number == UINT32_MAX ? 1 : symbol_number,
                             strategy_number == UINT32_MAX ? 1 : strategy_number);
        if (!group)
            return SQLITE_NOMEM;
        struct msim_group sum = *group;
        msim_group_join(&sum, change);
        int code =
            put_group(archive, store->names[group->symbol], store->names[group->strategy], &sum);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static int put_facts(struct msim_archive *archive,
                     struct msim_table *const tables[MSIM_TABLE_KINDS], const char *stamp)
{
    sqlite3_stmt *statement = archive->statements[PUT_FACTS];
    const struct msim_store *store = archive->store;

    bind_count(statement, 1, store->pushes + 1);
    bind_text(statement, 2, stamp, strlen(stamp));
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        bind_count(statement, 3 + kind, store->rings[kind].total + tables[kind]->row_count);
    return run(archive, PUT_FACTS);
}

struct sealing {
    struct msim_archive *archive;
    struct msim_table *const *tables;
    const char *stamp;
    const struct msim_store *changes;
    struct msim_detail *detail;
};

/* The store has memory for all of it: now the file, then nothing can fail any more. */
static int seal(void *context)
{
    const struct sealing *sealing = context;
    struct msim_archive *archive = sealing->archive;

    int code = run(archive, BEGIN);
    if (code != SQLITE_OK)
        return fail(archive, code, "the data file", sealing->detail);
    for (int kind = 0; code == SQLITE_OK && kind < MSIM_TABLE_KINDS; kind++)
        code = add_rows(archive, sealing->tables[kind]);
    if (code == SQLITE_OK)
        code = put_groups(archive, sealing->changes);
    if (code == SQLITE_OK)
        code = put_facts(archive, sealing->tables, sealing->stamp);
    if (code == SQLITE_OK)
        code = run(archive, COMMIT);
    if (code == SQLITE_OK)
        return MSIM_OK;
    int r = fail(archive, code, "the data file", sealing->detail);
    run(archive, ROLLBACK);
    return r;
}

int msim_archive_add(struct msim_archive *archive,
                     struct msim_table *const tables[MSIM_TABLE_KINDS], const char *stamp,
                     struct msim_detail *detail)
{
    struct msim_store changes;
    struct sealing sealing = {archive, tables, stamp, &changes, detail};

    /* A store of this push alone has for its sums what the push changes. */
    int r = msim_store_init(&changes, 1, &archive->store->allocator);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    r = msim_store_add(&changes, tables, stamp, NULL, NULL);
    if (r >= 0)
        r = msim_store_add(archive->store, tables, stamp, seal, &sealing);
    if (r < 0 && detail->text[0] == '\0')
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    msim_store_finish(&changes);
    return r;
}

/* ---- loading ---- */

struct text {
    const char *at;
    size_t length;
};

static struct text column(sqlite3_stmt *statement, int place)
{
    const unsigned char *at = sqlite3_column_text(statement, place);
    int length = sqlite3_column_bytes(statement, place);

    return (struct text){at ? (const char *)at : "", at ? (size_t)length : 0};
}

static uint64_t column_count(sqlite3_stmt *statement, int place)
{
    sqlite3_int64 value = sqlite3_column_int64(statement, place);

    return value > 0 ? (uint64_t)value : 0;
}

static int load_row(struct msim_store *store, sqlite3_stmt *statement)
{
    struct text texts_of[5];

    for (int i = 0; i < 5; i++)
        texts_of[i] = column(statement, 1 + i);
    int kind = sqlite3_column_int(statement, 0);
    if (kind < 0 || kind >= MSIM_TABLE_KINDS)
        return MSIM_ERR_FORMAT;
    const struct msim_store_loaded loaded = {
        .stamp = texts_of[0].at,
        .stamp_length = texts_of[0].length,
        .symbol = texts_of[1].at,
        .symbol_length = texts_of[1].length,
        .side = texts_of[2].at,
        .side_length = texts_of[2].length,
        .strategy = texts_of[3].at,
        .strategy_length = texts_of[3].length,
        .json = texts_of[4].at,
        .json_length = texts_of[4].length,
    };
    return msim_store_load(store, (enum msim_table_kind)kind, &loaded);
}

static int load_group(struct msim_store *store, sqlite3_stmt *statement)
{
    struct text symbol = column(statement, 0);
    struct text strategy = column(statement, 1);
    struct msim_group sum = {
        .trades = column_count(statement, 2),
        .buys = column_count(statement, 3),
        .sells = column_count(statement, 4),
        .winners = column_count(statement, 5),
        .losers = column_count(statement, 6),
        .points = column_count(statement, 9),
    };
    struct text quantity = column(statement, 7);
    struct text profit = column(statement, 8);
    struct text volume = column(statement, 10);

    if (msim_exact_add(&sum.quantity, quantity.at, quantity.length) < 0 ||
        msim_exact_add(&sum.profit, profit.at, profit.length) < 0 ||
        msim_exact_add(&sum.volume, volume.at, volume.length) < 0)
        return MSIM_ERR_FORMAT;
    return msim_store_load_group(store, symbol.at, symbol.length, strategy.at, strategy.length,
                                 &sum);
}

static int load_facts(struct msim_store *store, sqlite3_stmt *statement)
{
    struct text stamp = column(statement, 1);

    if (stamp.length >= sizeof store->stamp)
        return MSIM_ERR_FORMAT;
    memcpy(store->stamp, stamp.at, stamp.length);
    store->stamp[stamp.length] = '\0';
    store->pushes = column_count(statement, 0);
    for (int kind = 0; kind < MSIM_TABLE_KINDS; kind++)
        store->rings[kind].total = column_count(statement, 2 + kind);
    return MSIM_OK;
}

static int load(struct msim_archive *archive, const char *query,
                int (*take)(struct msim_store *store, sqlite3_stmt *statement),
                struct msim_detail *detail)
{
    sqlite3_stmt *statement = NULL;
    int r = MSIM_OK;

    int code = sqlite3_prepare_v2(archive->database, query, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
            break;
        r = take(archive->store, statement);
        if (r < 0)
            break;
    }
    sqlite3_finalize(statement);
    if (r < 0)
        return msim_detail_set(detail, r, "the data file holds what no push can have left: %s",
                               msim_result_text(r));
    return code == SQLITE_DONE ? MSIM_OK : fail(archive, code, "the data file", detail);
}

/* ---- life ---- */

static int pragma(sqlite3 *database, const char *text, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, text, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *value = sqlite3_column_int64(statement, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return code;
}

/* An empty file becomes one of ours; another must be one. */
static int settle(struct msim_archive *archive, const char *path, struct msim_detail *detail)
{
    sqlite3 *database = archive->database;
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;

    int code = sqlite3_exec(database,
                            "PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=WAL;"
                            "PRAGMA synchronous=NORMAL;",
                            NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = pragma(database, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = pragma(database, "PRAGMA user_version", &version);
    if (code == SQLITE_OK)
        code = pragma(database, "SELECT count(*) FROM sqlite_master", &tables);
    if (code == SQLITE_OK && tables == 0 && application == 0)
        code = sqlite3_exec(database, schema, NULL, NULL, NULL);
    else if (code == SQLITE_OK && (application != APPLICATION || version != VERSION))
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "%s: a database, but none of this program's (version %d): give "
                               "another name",
                               path, VERSION);
    return code == SQLITE_OK ? MSIM_OK : fail(archive, code, path, detail);
}

static int prepare(struct msim_archive *archive, const char *path, struct msim_detail *detail)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(archive->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &archive->statements[i], NULL);
        if (code != SQLITE_OK)
            return fail(archive, code, path, detail);
    }
    return MSIM_OK;
}

int msim_archive_open(struct msim_archive **out, const char *path, struct msim_store *store,
                      struct msim_detail *detail)
{
    struct msim_archive *archive = msim_mem_zero(&store->allocator, sizeof *archive);
    if (!archive)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));

    archive->store = store;
    int code =
        sqlite3_open_v2(path, &archive->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int r = code == SQLITE_OK ? settle(archive, path, detail) : fail(archive, code, path, detail);
    if (r >= 0)
        r = prepare(archive, path, detail);
    if (r >= 0)
        r = load(archive,
                 "SELECT symbol,strategy,trades,buys,sells,winners,losers,quantity,profit,points,"
                 "volume FROM groups",
                 load_group, detail);
    if (r >= 0)
        r = load(archive,
                 "SELECT kind,stamp,symbol,side,strategy,json FROM rows ORDER BY kind,number",
                 load_row, detail);
    if (r >= 0)
        r = load(archive, "SELECT pushes,stamp,trades,market_data FROM facts", load_facts, detail);
    if (r < 0) {
        msim_archive_close(&archive);
        return r;
    }
    *out = archive;
    return MSIM_OK;
}

void msim_archive_close(struct msim_archive **handle)
{
    struct msim_archive *archive = handle ? *handle : NULL;
    if (!archive)
        return;

    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(archive->statements[i]);
    sqlite3_close(archive->database);
    struct msim_allocator allocator = archive->store->allocator;
    msim_mem_free(&allocator, archive, sizeof *archive);
    *handle = NULL;
}
