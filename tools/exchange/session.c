#include "exchange/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cli/options.h"
#include "cli/terminal.h"

static int write_piece(void *context, const void *bytes, size_t length)
{
    struct session_file *session = context;

    if (fwrite(bytes, 1, length, session->file) == length)
        return MSIM_OK;
    session->failure = errno;
    return MSIM_ERR_IO;
}

bool session_record(struct session_file *session, const char *path,
                    struct msim_exchange_server_params *params)
{
    if (!path)
        return true;
    session->path = path;
    session->file = fopen(path, "wbe");
    params->record = write_piece;
    params->record_context = session;
    return session->file != NULL;
}

bool session_close(struct session_file *session)
{
    FILE *file = session->file;

    session->file = NULL;
    if (!file)
        return true;
    if (fclose(file) == 0 && session->failure == 0)
        return true;
    /* What failed first is why; closing then fails for a reason of its own. */
    errno = session->failure != 0 ? session->failure : errno;
    return false;
}

/* ---- replaying ---- */

/* "7 {...}": who, and what. */
static void print_told(void *context, uint64_t visit, const void *bytes, size_t length)
{
    (void)context;
    printf("%" PRIu64 " ", visit);
    fwrite(bytes, 1, length, stdout);
    putchar('\n');
}

/* What is not as it was then, each with its place. */
static int complain(struct terminal *terminal, const char *path,
                    const struct msim_exchange_replay_result *result)
{
    int code = EXIT_SUCCESS;

    if (!result->is_whole)
        code = terminal_fail(terminal,
                             "%s: the recording has no end: nobody knows how the engine "
                             "ended then",
                             path);
    else if (result->digest != result->recorded_digest)
        code = terminal_fail(terminal, "%s: the engine ended as %016" PRIx64 " then", path,
                             result->recorded_digest);
    if (result->differing > 0)
        code =
            terminal_fail(terminal,
                          "%s: byte %" PRIu64 ": number %" PRIu64
                          " was told something else than then (%" PRIu64 " in all)",
                          path, result->differing_at, result->differing_visit, result->differing);
    if (result->log_at > 0)
        code =
            terminal_fail(terminal,
                          "%s: byte %" PRIu64 ": the commands alone make another engine, and end "
                          "as %016" PRIx64,
                          path, result->log_at, result->log_digest);
    return code;
}

static int show(struct terminal *terminal, const char *path,
                const struct msim_exchange_replay_result *result)
{
    fprintf(stderr,
            "%" PRIu64 " connections and requests, %" PRIu64 " messages, engine %016" PRIx64
            ", %" PRIu64 " commands alone %016" PRIx64 "\n",
            result->connections, result->messages, result->digest, result->commands,
            result->log_digest);
    int code = complain(terminal, path, result);
    if (code == EXIT_SUCCESS)
        fprintf(stderr, "all were told the same\n");
    return code;
}

static int replay_bytes(struct terminal *terminal, const char *path, const void *bytes,
                        size_t length, bool prints)
{
    struct msim_exchange_replay_params params = MSIM_EXCHANGE_REPLAY_PARAMS_INIT;
    struct msim_exchange_replay_result result;
    struct msim_detail detail = {{0}};

    params.bytes = bytes;
    params.length = length;
    params.told = prints ? print_told : NULL;
    int r = msim_exchange_replay(&params, &result, &detail);
    if (r >= 0)
        return show(terminal, path, &result);
    terminal_fail(terminal, "%s: %s", path, detail.text[0] ? detail.text : msim_result_text(r));
    return r == MSIM_ERR_NOMEM ? EXIT_FAILED : EXIT_USAGE;
}

static int replay_file(struct terminal *terminal, const char *path, bool prints)
{
    FILE *file = fopen(path, "rbe");
    struct stat status;

    if (!file || fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode)) {
        terminal_fail(terminal, "%s: %s", path, file ? "is not a file" : strerror(errno));
        if (file)
            fclose(file);
        return EXIT_USAGE;
    }
    size_t length = (size_t)status.st_size;
    void *bytes = length > 0 ? mmap(NULL, length, PROT_READ, MAP_PRIVATE, fileno(file), 0) : NULL;
    fclose(file);
    if (bytes == MAP_FAILED)
        return terminal_fail(terminal, "%s: %s", path, strerror(errno));
    int code = replay_bytes(terminal, path, bytes, length, prints);
    if (bytes)
        munmap(bytes, length);
    return code;
}

int session_replay(int argument_count, char **arguments)
{
    bool prints = false;
    const struct option options[] = {
        {"print", 0, OPTION_FLAG, &prints, NULL,
         "every message on stdout, with the number of whom it was for"},
    };
    const struct command_line line = {
        .program = "exchange-server replay",
        .usage = "[OPTIONS] FILE",
        .summary = "Replays a session that exchange-server --record-session has recorded, without "
                   "a socket, and\nholds what everybody is told against what they were told then.",
        .examples = "  exchange-server --record-session monday.session\n"
                    "  exchange-server replay monday.session\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct terminal terminal;
    char **rest;
    size_t rest_count;

    terminal_init(&terminal, "exchange-server replay");
    int code = options_read(&line, argument_count, arguments, &rest, &rest_count);
    if (code >= 0)
        return code;
    if (rest_count != 1) {
        terminal_fail(&terminal, "one FILE is wanted; see exchange-server replay --help");
        return EXIT_USAGE;
    }
    return terminal_printed(&terminal, replay_file(&terminal, rest[0], prints));
}
