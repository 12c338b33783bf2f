/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a step, as people point at it: "filter:INPUT:rule:3", "inet filter:input:policy",
 * "rp_filter on eth0". The text output and the footer both say it so. */
#ifndef NFPATH_DECISION_H
#define NFPATH_DECISION_H

#include <stddef.h>

#include "src/path.h"

/* Room for the longest: two names of 255 bytes (NFT_NAME_MAXLEN) and what stands around them. */
enum { DECISION_NAME_MAX = 640 };

/* Unescaped: it may hold anything that a chain's name may hold. Returns buf. */
const char *decision_name(char *buf, size_t size, const struct step *s);

#endif
