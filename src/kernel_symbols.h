/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of code addresses. The kernel is asked for each by a BPF program that prints it ("%pS"),
 * where it allows that (Linux 5.13); else /proc/kallsyms is read when the first one is asked for,
 * which costs the kernel a quarter of a million lines of text, and us the memory for them.
 */
#ifndef NFPATH_KERNEL_SYMBOLS_H
#define NFPATH_KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/error.h"

struct kernel_symbols;

/* table: as if the program could not be had. NULL: out of memory. */
struct kernel_symbols *kernel_symbols_open(bool table);
void kernel_symbols_free(struct kernel_symbols *ks);

/* Writes "nf_hook_slow+0xb3"; false: not a known address, and buf says "0x…". */
bool kernel_symbols_find(struct kernel_symbols *ks, uint64_t addr, char *buf, size_t len);

/* Whether addresses have names for us. 0, or a negative errno with the reason. */
int kernel_symbols_probe(struct error *why);

#endif
