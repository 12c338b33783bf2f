/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a step, as people point at it: "filter:INPUT:rule:3", "inet filter:input:policy",
 * "rp_filter on eth0". */
#ifndef NFPATH_DECISION_H
#define NFPATH_DECISION_H

#include <stddef.h>

#include "src/path.h"

/* Unescaped: it may hold anything that a chain's name may hold. Returns buf. */
const char *decision_name(char *buf, size_t size, const struct step *s);

#endif
