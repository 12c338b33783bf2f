/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The extensions of iptables (libxt_NAME.so and its like), which alone know what a match's or a
 * target's bytes mean. Private to netfilter/.
 */
#ifndef NFPATH_NETFILTER_XT_EXT_H
#define NFPATH_NETFILTER_XT_EXT_H

#include <stdio.h>

#include "netfilter/xt_rule.h"

struct xtables_globals;

/*
 * Makes errors of extensions come back to xt_ext_print(), for rules of this family; returns who got
 * them before, to be given to xt_ext_end(): libnftables uses libxtables too.
 */
struct xtables_globals *xt_ext_begin(uint8_t family);
void xt_ext_end(struct xtables_globals *before);

/*
 * Appends " -m NAME …" or, for a target (laid out alike), " -j NAME …" to out, a seekable stream
 * that must be stdout at this moment: save functions print there. False: the extension is not to be
 * had or gave up, and its bytes stand there instead.
 */
bool xt_ext_print(FILE *out, const struct xt_rule *r, const struct xt_entry_match *ext,
		  bool target);

#endif
