/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of `nfpath hooks` as text and as JSON. */
#ifndef NFPATH_HOOKS_PRINT_H
#define NFPATH_HOOKS_PRINT_H

#include <stdio.h>

#include "netfilter/hook_list.h"
#include "src/netns.h"

struct hooks_of {
	const struct netns *netns;
	struct hook_list list;
};

/* 0 or a negative errno. */
int hooks_text(const struct hooks_of *v, size_t n, FILE *out);

/* One object on a line, by docs/hooks.schema.json. source: "nfnetlink_hook" or "bpf". */
int hooks_json(const struct hooks_of *v, size_t n, const char *source, FILE *out);

/* "bridge prerouting" or "netdev ingress of eth0", in buf. */
const char *hooks_gap_place(const struct hook_gap *g, char *buf, size_t len);

#endif
