/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user data of rules and chains: type, length, value, a byte each for the first two. nf_tables hands it out as it got
 * it from whoever loaded the ruleset, unchecked, and nftnl_udata_parse() believes every length. Private to netfilter/.
 */
#ifndef NFPATH_NETFILTER_UDATA_H
#define NFPATH_NETFILTER_UDATA_H

#include <stddef.h>

/* The comment in it, ending with NUL inside of data; NULL: there is none, or the lengths are wrong before it. */
const char *udata_comment(const void *data, size_t len);

#endif
