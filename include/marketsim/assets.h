/*
 * Static files over HTTP: a table that was built into the program, or for development a
 * folder, whose files are read anew for each request.
 *
 * An answer bears a strong ETag and a Cache-Control; a client that has the same bytes already
 * (If-None-Match) gets 304, one that takes gzip gets the compressed form where there is one.
 */
#ifndef MARKETSIM_ASSETS_H
#define MARKETSIM_ASSETS_H

#include <marketsim/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_assets;

struct msim_asset {
    const char *path;         /* below the mount, without a slash before it: "app.js" */
    const char *content_type; /* NULL: by the path's ending */
    const void *bytes;
    size_t length;
    const void *gzip; /* the same bytes, compressed; NULL: none */
    size_t gzip_length;
    const char *cache_control; /* NULL: the table's */
};

struct msim_assets_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    const char *mount;                      /* default "/"; ends with a slash */
    /* Paths, types and bytes are borrowed: they live as long as the object. */
    const struct msim_asset *assets;
    size_t asset_count;
    /*
     * In place of the table: what lies below this folder.  Names that begin with a dot are not
     * there, and symbolic links are not followed.
     */
    const char *folder;
    size_t max_file_bytes;     /* of the folder's, default 8 MiB; beyond: 404 */
    const char *index;         /* default "index.html": for a path that ends with a slash */
    const char *cache_control; /* default "no-cache": asked for each time, answered with 304 */
    /* Of each answer: Content-Security-Policy and the like.  Borrowed as well. */
    const struct msim_http_header *headers;
    size_t header_count;
};
#define MSIM_ASSETS_PARAMS_INIT                                         \
    {                                                                   \
        sizeof(struct msim_assets_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/*
 * MSIM_ERR_INVALID with words for a path that is given twice or that no request can have,
 * MSIM_ERR_IO for a folder that cannot be opened, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_assets_create(struct msim_assets **out, const struct msim_assets_params *params,
                                struct msim_detail *detail);

/* After the listeners that have its route, and their connections, are gone. */
MSIM_API void msim_assets_destroy(struct msim_assets **assets);

/* The route to listen with: GET and HEAD of everything below the mount. */
MSIM_API struct msim_route msim_assets_route(const struct msim_assets *assets);

#ifdef __cplusplus
}
#endif

#endif
