/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of functions at a hook, as the kernel has it. */
#ifndef NFPATH_BPF_HOOK_ENTRIES_H
#define NFPATH_BPF_HOOK_ENTRIES_H

#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct nf_hook_entry {
	void *hook;
	void *priv;
};

struct nf_hook_entries___list {
	__u16 num_hook_entries;
	struct nf_hook_entry hooks[];
};

/* Its values are NFP_OPS_*. An enum as in the kernel: a number would not be taken for the same
 * field. */
enum nf_hook_ops_type { NF_HOOK_OP_UNDEFINED };

struct nf_hook_ops {
	int priority;
	enum nf_hook_ops_type hook_ops_type : 8; /* since 5.14 */
};

#pragma clang attribute pop

/* The function with this index; the caller knows that there is one. */
static __always_inline const struct nf_hook_entry *entry_of(const void *list, __u32 index)
{
	return list + bpf_core_field_offset(struct nf_hook_entries___list, hooks) +
	       index * bpf_core_type_size(struct nf_hook_entry);
}

/* nf_hook_entries_get_hook_ops(): behind the n functions stand pointers to what registered them.
 * NULL: it could not be read. */
static __always_inline const struct nf_hook_ops *ops_of(const void *list, __u32 n, __u32 index)
{
	const struct nf_hook_ops *ops = NULL;

	return bpf_probe_read_kernel(&ops, sizeof(ops), (void *)entry_of(list, n) + index * 8)
		       ? NULL
		       : ops;
}

#endif
