/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a step, as people point at it: "filter:INPUT:rule:3", "inet filter:input:policy",
 * "rp_filter on eth0". The text output and the footer both say it so. */
#ifndef NFPATH_DECISION_H
#define NFPATH_DECISION_H

#include "src/bytes.h"
#include "src/path.h"

/* Unescaped: it may hold anything that a chain's name may hold. */
void decision_name(struct bytes_out *b, const struct step *s);

#endif
