/*
 * A form with the boundary "b", in steps that the first byte says: parts and content must be the
 * same as from one piece, and within the bounds.
 */
#include <stdlib.h>
#include <string.h>

#include <marketsim/form.h>

#define MOST_HEAD 300
#define MOST_PARTS 5
#define MOST_CONTENT 200

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct digest {
    uint64_t hash;
    size_t parts;
    size_t ends;
    size_t length;
    int result;
};

static void add(struct digest *digest, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        digest->hash = (digest->hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001B3);
}

static int take_part(void *context, const struct msim_part *part)
{
    struct digest *digest = context;

    require(part->index == digest->parts && digest->ends == digest->parts);
    require(strlen(part->name) < MOST_HEAD && strlen(part->content_type) < MOST_HEAD);
    digest->parts++;
    digest->length = 0;
    require(digest->parts <= MOST_PARTS);
    add(digest, part->name, strlen(part->name) + 1);
    add(digest, part->content_type, strlen(part->content_type) + 1);
    if (part->file_name)
        add(digest, part->file_name, strlen(part->file_name) + 1);
    return MSIM_OK;
}

static int take_bytes(void *context, const unsigned char *bytes, size_t length)
{
    struct digest *digest = context;

    require(digest->parts == digest->ends + 1);
    digest->length += length;
    require(digest->length <= MOST_CONTENT);
    add(digest, bytes, length);
    return MSIM_OK;
}

static int take_end(void *context)
{
    struct digest *digest = context;

    digest->ends++;
    add(digest, ";", 1);
    return MSIM_OK;
}

static struct digest feed(const uint8_t *data, size_t size, size_t step)
{
    struct digest digest = {.hash = UINT64_C(0xcbf29ce484222325)};
    struct msim_multipart_params params = MSIM_MULTIPART_PARAMS_INIT;
    struct msim_multipart *multipart = NULL;

    params.content_type = "multipart/form-data; boundary=b";
    params.handler = (struct msim_multipart_handler){take_part, take_bytes, take_end};
    params.context = &digest;
    params.max_head_bytes = MOST_HEAD;
    params.max_parts = MOST_PARTS;
    params.max_part_bytes = MOST_CONTENT;
    require(msim_multipart_create(&multipart, &params, NULL) == MSIM_OK);
    for (size_t at = 0; at < size && digest.result == MSIM_OK; at += step)
        digest.result =
            msim_multipart_feed(multipart, data + at, size - at < step ? size - at : step, NULL);
    if (digest.result == MSIM_OK)
        digest.result = msim_multipart_finish(multipart, NULL);
    msim_multipart_destroy(&multipart);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct digest whole = feed(data + 1, size - 1, size);
    struct digest cut = feed(data + 1, size - 1, data[0] % 16 + 1u);

    require(whole.result == cut.result);
    require(whole.parts == cut.parts && whole.ends == cut.ends);
    /* What comes before a failure may be told in pieces or not at all. */
    require(whole.result < 0 || whole.hash == cut.hash);
    return 0;
}
