/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's type information (BTF) where it lies, without a copy: 130,000 types of which a few
 * hundred are ever looked at. libbpf's struct btf copies it, and walks it anew for each name.
 */
#ifndef NFPATH_BTF_RAW_H
#define NFPATH_BTF_RAW_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/error.h"

struct btf_raw {
	const struct btf_raw *base; /* of a module: the BTF of the kernel; else NULL */
	void *data;
	size_t len;
	const char *types, *strings;
	uint32_t types_len, strings_len;
	uint32_t first_id, n;	 /* its types are first_id … first_id + n - 1 */
	uint32_t first_string;	 /* offset of its first string */
	uint32_t *at;		 /* where each type lies in types, in words of 4 bytes */
};

#define BTF_VMLINUX "/sys/kernel/btf/vmlinux"

/* The kernel's own. 0 or a negative errno with a sentence. */
int btf_raw_vmlinux(struct btf_raw *r, struct error *err);
/* A module's, by a descriptor of its BTF. */
int btf_raw_module(struct btf_raw *r, int fd, const struct btf_raw *base, struct error *err);
void btf_raw_free(struct btf_raw *r);

/* NULL: 0 (void), or no such type. */
const struct btf_type *btf_raw_type(const struct btf_raw *r, uint32_t id);
/* "": none, or out of bounds. */
const char *btf_raw_string(const struct btf_raw *r, uint32_t offset);

static inline unsigned int btf_raw_kind(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info);
}

/* Members, enumerators, parameters. They take 16 bits; the 8 above are zero, or belong to them. */
static inline uint32_t btf_raw_vlen(const struct btf_type *t)
{
	return t->info & 0xffffff;
}

/* A set of names that every type is held against: most are turned away by their first letters. */
struct name_set {
	const char **v; /* sorted once closed; they are the caller's */
	size_t n, cap;
	uint64_t maybe[64];
};

int name_set_add(struct name_set *s, const char *name); /* 0 or -ENOMEM; "" is not added */
void name_set_close(struct name_set *s);		/* from here on it may be asked */
int name_set_find(const struct name_set *s, const char *name); /* index, or -1 */
void name_set_free(struct name_set *s);

#endif
