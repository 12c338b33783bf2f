/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both loaders of kernel programs do with libbpf. */
#ifndef NFPATH_LIBBPF_UTIL_H
#define NFPATH_LIBBPF_UTIL_H

#include <stdint.h>

struct bpf_program;

/* libbpf's own messages go nowhere, for the whole process: it blames RLIMIT_MEMLOCK for every EPERM. */
void libbpf_be_silent(void);

/* Times that a program was asked to run on a CPU on which it was running, and did not
 * (bpf_prog_inc_misses_counter()); 0 also where the kernel does not count. One system call. */
uint64_t libbpf_missed_runs(const struct bpf_program *prog);

#endif
