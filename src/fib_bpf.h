/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes read out of the kernel's memory by BPF programs that are attached to nothing: struct fib_reader. */
#ifndef NFPATH_FIB_BPF_H
#define NFPATH_FIB_BPF_H

#include "route/learn.h"

/* netns_fd is borrowed. Loads nothing before the first question. NULL: out of memory. */
struct fib_reader *fib_bpf_new(int netns_fd);
void fib_bpf_free(struct fib_reader *reader);

#endif
