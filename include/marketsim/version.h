/*
 * The version of the headers, and of the library that is linked.
 */
#ifndef MARKETSIM_VERSION_H
#define MARKETSIM_VERSION_H

#define MSIM_VERSION_MAJOR 0
#define MSIM_VERSION_MINOR 1
#define MSIM_VERSION_PATCH 0
#define MSIM_VERSION_TEXT "0.1.0"

/* What the shared libraries export; everything else is hidden. */
#if defined(__GNUC__)
#define MSIM_API __attribute__((visibility("default")))
#else
#define MSIM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is linked, such as "0.1.0". */
MSIM_API const char *msim_version(void);

#ifdef __cplusplus
}
#endif

#endif
