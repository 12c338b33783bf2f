/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where something of the kernel or of a module lies. */
#ifndef NFPATH_KERNEL_ADDRESS_H
#define NFPATH_KERNEL_ADDRESS_H

#include <stdint.h>

enum { KERNEL_ADDRESS_NAME_MAX = 24 };

/*
 * The address of the symbol, by a program that asks kallsyms within the kernel
 * (bpf_kallsyms_lookup_name(), Linux 5.16): /proc/kallsyms takes a quarter of a million lines. 0, -ENOENT, or another
 * negative errno.
 */
int kernel_address(const char *name, uint64_t *address);

#endif
