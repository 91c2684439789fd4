/*
 * What a client says it has and takes (RFC 9110 sections 12 and 13).
 */
#ifndef MSIM_NET_NEGOTIATE_H
#define MSIM_NET_NEGOTIATE_H

#include <marketsim/base.h>

/* Does an Accept-Encoding (NULL: none) take gzip? */
bool msim_accepts_gzip(const char *accept_encoding);

/* Does an If-None-Match (NULL: none) name this tag, or everything?  Weak ones are as good. */
bool msim_matches_tag(const char *if_none_match, const char *tag);

/* "text/html; charset=utf-8" by what a path ends with. */
const char *msim_type_of(const char *path);

#endif
