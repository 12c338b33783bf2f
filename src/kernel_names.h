/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for numbers of the running kernel: drop reasons (from its BTF) and code addresses
 * (src/kernel_symbols.h). Read when first asked for. */
#ifndef NFPATH_KERNEL_NAMES_H
#define NFPATH_KERNEL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_names;

struct kernel_names *kernel_names_open(void); /* NULL: out of memory */
void kernel_names_free(struct kernel_names *kn);

/* "IP_RPFILTER": without SKB_DROP_REASON_; of a subsystem, "OPENVSWITCH_3". NULL: this kernel has no
 * name for it, or no BTF. Valid until the next call. */
const char *kernel_drop_reason(struct kernel_names *kn, uint32_t reason);

/* Stacks are looked up in this map of type stack_trace; borrowed. Without it there are none. */
void kernel_names_stacks(struct kernel_names *kn, int map_fd);
/* The functions of a stack by its id in that map, one a line, the innermost first. NULL: it is not
 * known. Valid until the next call. */
const char *kernel_stack(struct kernel_names *kn, int32_t id);

/* Writes "nf_hook_slow+0xb3"; false: not a known address, or the kernel says no names, and buf says
 * "0x…". */
bool kernel_symbol(struct kernel_names *kn, uint64_t addr, char *buf, size_t len);

#endif
