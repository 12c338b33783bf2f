/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BTF of the kernel with no more in it than CO-RE relocations of one object can ask for. */
#ifndef NFPATH_BTF_CORE_H
#define NFPATH_BTF_CORE_H

#include <stddef.h>

#include "src/btf_raw.h"

struct btf;

/*
 * For every type that `object` names (NAME___x names NAME), the kernel's one: from the first of the
 * sources that has it, sources[0] being the kernel proper. Members are kept whose name is a
 * member's anywhere in `object`, with the types that they embed; pointers lead nowhere. Sizes,
 * offsets and bitfields are the kernel's. What asks for more than members, sizes, existence and
 * enumerators (BPF_CORE_TYPE_ID_TARGET, BPF_CORE_TYPE_MATCHES) does not work with it.
 */
int btf_core_build(const struct btf_raw *const *sources, size_t n, const struct btf *object,
		   struct btf **out, struct error *err);

#endif
