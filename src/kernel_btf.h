/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libbpf needs of the kernel's type information (BTF), found in one pass over it: the
 * functions to attach to, and a small BTF with no more than the types that our programs read.
 * libbpf by itself loads the BTF of the kernel and of every module and walks them once for each
 * program and for each type.
 *
 *	kb = kernel_btf_open(functions, modules, err);
 *	opts.btf_custom_path = kernel_btf_core_path(kb);  before bpf_object__open…()
 *	…set_autoload(prog, !kernel_btf_func(kb, "nft_do_chain", NULL, NULL));
 *	kernel_btf_core(kb, bpf_object__btf(obj), err);   between open and load
 *	bpf_object__load(obj);
 *	kernel_btf_rest(kb);                              gives the memory back
 *
 * While kb is open, sections "fentry/…", "fexit/…" and "tp_btf/…" of objects that are opened are its affair;
 * kernel_btf_attach() attaches them (bpf_program__attach() cannot). Only one can be open at a time.
 */
#ifndef NFPATH_KERNEL_BTF_H
#define NFPATH_KERNEL_BTF_H

#include <stdbool.h>
#include <stdint.h>

#include "src/error.h"

struct bpf_link;
struct bpf_program;
struct btf;
struct kernel_btf;

/*
 * functions: those that will be asked for; asking for another one costs a pass of its own. modules:
 * whose BTF is read when something is not in the kernel proper, the better source of a type first;
 * "nft_*" is every one that begins so. Both end with NULL; modules and all names outlive kb. NULL:
 * err tells.
 */
struct kernel_btf *kernel_btf_open(const char *const *functions, const char *const *modules,
				   struct error *err);
void kernel_btf_free(struct kernel_btf *kb);

/* 0 and where it is (obj_fd 0: in the kernel proper; obj_fd stays kb's); -ENOENT: this kernel does
 * not have it, or its module is not loaded. */
int kernel_btf_func(struct kernel_btf *kb, const char *name, int *obj_fd, uint32_t *btf_id);

/* How many arguments a raw tracepoint of the kernel proper has; -ENOENT: there is none such. btf_id:
 * of its type; may be NULL. */
int kernel_btf_tracepoint(struct kernel_btf *kb, const char *name, uint32_t *btf_id);

/* Has it this struct, in the kernel proper or in one of the modules? */
bool kernel_btf_has_struct(struct kernel_btf *kb, const char *name);

/* BTF id of one function of the kernel proper, when nothing else is asked. Negative errno: none. */
int kernel_btf_find(const char *function);

/* Modules came or went: what is asked from now on is about those that are loaded now. */
void kernel_btf_refresh(struct kernel_btf *kb);

/* A file that kernel_btf_core() fills. */
const char *kernel_btf_core_path(const struct kernel_btf *kb);
/* With the kernel's side of all types that `object` names and that the kernel has. */
int kernel_btf_core(struct kernel_btf *kb, const struct btf *object, struct error *err);

/* NULL and errno on failure. */
struct bpf_link *kernel_btf_attach(const struct bpf_program *prog);

/* Until something is asked that is not known yet: no memory but for the answers. */
void kernel_btf_rest(struct kernel_btf *kb);

#endif
