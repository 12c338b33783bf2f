/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hook functions of one namespace as a trace needs them: read when first asked for, and again
 * when the ruleset is another one. */
#ifndef NFPATH_HOOK_VIEW_H
#define NFPATH_HOOK_VIEW_H

#include <stdbool.h>

#include "netfilter/hook_list.h"
#include "netfilter/ruleset.h"

struct hooks_bpf;
struct hook_view;

/* One for all namespaces: who reads the lists. */
struct hook_reader {
	struct hooks_bpf *bpf;
	bool tried;
};
void hook_reader_close(struct hook_reader *r);

/* netns_fd and r are borrowed. NULL: out of memory. */
struct hook_view *hook_view_open(int netns_fd, struct hook_reader *r);
void hook_view_close(struct hook_view *h);

/*
 * Of IP, IPv6 and bridges, with what this ruleset knows of them; only of bridges something may be
 * missing. now: as it is now, else as it was read under
 * this ruleset, perhaps earlier. NULL: it cannot be read here, or not as a whole.
 */
const struct hook_list *hook_view_list(struct hook_view *h, const struct ruleset *rs, bool now);

/* Of ARP and bridges, as it is now, with the tables of arptables and ebtables; something may be missing. NULL: it
 * cannot be read here. */
const struct hook_list *hook_view_link(struct hook_view *h);

#endif
