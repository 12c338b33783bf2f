/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions at netfilter's hooks, read by a BPF program that is attached to nothing: where the
 * kernel has no nfnetlink_hook. And the names of BPF programs. */
#ifndef NFPATH_HOOKS_BPF_H
#define NFPATH_HOOKS_BPF_H

#include <stdint.h>

#include "netfilter/hook_list.h"
#include "src/error.h"

struct hooks_bpf;

/* NULL: err says why. Needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN. */
struct hooks_bpf *hooks_bpf_open(struct error *err);
void hooks_bpf_free(struct hooks_bpf *h);

/* As hook_list_read(), and what nf_nat calls is in the list. */
int hooks_bpf_read(struct hooks_bpf *h, struct hook_list *l, int netns_fd, uint32_t places,
		   struct error *err);

/* Asks bpf(2) for the names of the BPF netfilter programs in a list; those of whom it says nothing
 * stay without. */
void hooks_bpf_names(struct hook_list *l);

#endif
