/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF programs that are attached to nothing and answer a question about the kernel's memory when they
 * are run. No engine needs them, so they are an object of their own. */
#ifndef NFPATH_BPF_ALONE_H
#define NFPATH_BPF_ALONE_H

#include "bpf/hook_list.h"
#include "bpf/fib_read.h"
#include "bpf/map_read.h"
#include "bpf/alone.skel.h"
#include "src/error.h"

/*
 * The object with this one program loaded. modules: as kernel_btf_open() takes them, where structs that
 * it reads may be. NULL: err says why; `does` is what it would do ("lists hook functions"). Needs CAP_BPF
 * and CAP_PERFMON, or CAP_SYS_ADMIN. alone_bpf__destroy() frees it.
 */
struct alone_bpf *bpf_alone_open(const char *program, const char *const *modules, const char *does,
				 struct error *err);

/* Runs it in the task's namespaces. 0 or a negative errno. */
int bpf_alone_run(const struct bpf_program *prog);

#endif
