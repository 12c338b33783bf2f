// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/kernel_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/event.h"
#include "src/btf_raw.h"
#include "src/bytes.h"
#include "src/kernel_symbols.h"

#define REASON_PREFIX "SKB_DROP_REASON_"

/* SKB_DROP_REASON_SUBSYS_SHIFT: above it stands whose reason it is, of modules mostly. */
enum { SUBSYS_SHIFT = 16, SUBSYS_MAX = 16 };

struct kernel_names {
	bool reasons_read;
	char **reasons; /* by number; NULL where there is none */
	uint32_t n_reasons;
	char *subsys[SUBSYS_MAX]; /* names, with the number of each; NULL where there is none */
	char of_subsys[128];	  /* the reason that was asked for last */

	struct kernel_symbols *symbols;

	int stacks; /* map; -1: none */
	struct bytes_out stack; /* the last one, in words */
};

struct kernel_names *kernel_names_open(void)
{
	struct kernel_names *kn = calloc(1, sizeof(*kn));

	if (!kn)
		return NULL;
	kn->stacks = -1;
	kn->symbols = kernel_symbols_open(false);
	if (!kn->symbols) {
		free(kn);
		return NULL;
	}
	return kn;
}

void kernel_names_free(struct kernel_names *kn)
{
	uint32_t i;

	if (!kn)
		return;
	for (i = 0; i < kn->n_reasons; i++)
		free(kn->reasons[i]);
	for (i = 0; i < SUBSYS_MAX; i++)
		free(kn->subsys[i]);
	free(kn->reasons);
	kernel_symbols_free(kn->symbols);
	bytes_free(&kn->stack);
	free(kn);
}

/*
 * The names without their prefix; SKB_NOT_DROPPED_YET and SKB_CONSUMED have another one and keep
 * it. Values are dense except for the mask of the subsystems at the end.
 */
static int keep_reason(struct kernel_names *kn, uint32_t value, const char *name)
{
	char **grown;
	uint32_t n = value + 1;

	if (value >= 0x10000)
		return 0;
	if (!strncmp(name, REASON_PREFIX, strlen(REASON_PREFIX)))
		name += strlen(REASON_PREFIX);
	if (n > kn->n_reasons) {
		grown = realloc(kn->reasons, n * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memset(grown + kn->n_reasons, 0, (n - kn->n_reasons) * sizeof(*grown));
		kn->reasons = grown;
		kn->n_reasons = n;
	}
	if (kn->reasons[value])
		return 0;
	kn->reasons[value] = strdup(name);
	return kn->reasons[value] ? 0 : -ENOMEM;
}

static void keep_reasons(struct kernel_names *kn, const struct btf_raw *r, const struct btf_type *t)
{
	const struct btf_enum *e = (const void *)(t + 1);

	for (uint32_t i = 0; i < btf_raw_vlen(t); i++)
		if (keep_reason(kn, (uint32_t)e[i].val, btf_raw_string(r, e[i].name_off)))
			return;
}

static void keep_subsys(struct kernel_names *kn, const struct btf_raw *r, const struct btf_type *t)
{
	static const char prefix[] = REASON_PREFIX "SUBSYS_";
	const struct btf_enum *e = (const void *)(t + 1);

	for (uint32_t i = 0; i < btf_raw_vlen(t); i++) {
		const char *name = btf_raw_string(r, e[i].name_off);
		uint32_t value = (uint32_t)e[i].val;

		if (value < SUBSYS_MAX && !kn->subsys[value] &&
		    !strncmp(name, prefix, strlen(prefix)))
			kn->subsys[value] = strdup(name + strlen(prefix));
	}
}

static void read_reasons(struct kernel_names *kn)
{
	const char *name;
	struct btf_raw r;

	kn->reasons_read = true;
	if (btf_raw_vmlinux(&r, NULL))
		return;
	for (uint32_t id = r.first_id; id < r.first_id + r.n; id++) {
		const struct btf_type *t = btf_raw_type(&r, id);

		if (btf_raw_kind(t) != BTF_KIND_ENUM)
			continue;
		name = btf_raw_string(&r, t->name_off);
		if (!strcmp(name, "skb_drop_reason"))
			keep_reasons(kn, &r, t);
		else if (!strcmp(name, "skb_drop_reason_subsys"))
			keep_subsys(kn, &r, t);
	}
	btf_raw_free(&r);
}

/* "OPENVSWITCH_3": their names are in the modules. */
static const char *of_subsys(struct kernel_names *kn, uint32_t reason)
{
	uint32_t subsys = reason >> SUBSYS_SHIFT;

	if (subsys >= SUBSYS_MAX || !kn->subsys[subsys])
		return NULL;
	snprintf(kn->of_subsys, sizeof(kn->of_subsys), "%s_%u", kn->subsys[subsys],
		 reason & ((1u << SUBSYS_SHIFT) - 1));
	return kn->of_subsys;
}

const char *kernel_drop_reason(struct kernel_names *kn, uint32_t reason)
{
	if (!kn->reasons_read)
		read_reasons(kn);
	if (reason >> SUBSYS_SHIFT)
		return of_subsys(kn, reason);
	return reason < kn->n_reasons ? kn->reasons[reason] : NULL;
}

bool kernel_symbol(struct kernel_names *kn, uint64_t addr, char *buf, size_t len)
{
	return kernel_symbols_find(kn->symbols, addr, buf, len);
}

void kernel_names_stacks(struct kernel_names *kn, int map_fd)
{
	kn->stacks = map_fd;
}

/* The way from the tracepoint to our own program. */
static bool is_tracing(const char *name)
{
	static const char *const prefixes[] = {"bpf_prog_", "bpf_trace_run", "__bpf_trace_",
					       "__traceiter_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

const char *kernel_stack(struct kernel_names *kn, int32_t id)
{
	uint64_t addresses[NFP_STACK_DEPTH];
	uint32_t key = (uint32_t)id;
	char name[256];

	if (id < 0 || kn->stacks < 0 || bpf_map_lookup_elem(kn->stacks, &key, addresses))
		return NULL;
	kn->stack.len = 0;
	for (int i = 0; i < NFP_STACK_DEPTH && addresses[i]; i++) {
		kernel_symbol(kn, addresses[i], name, sizeof(name));
		if (!kn->stack.len && is_tracing(name))
			continue;
		if (kn->stack.len)
			bytes_char(&kn->stack, '\n');
		bytes_str(&kn->stack, name);
	}
	bytes_char(&kn->stack, '\0');
	return bytes_undo(&kn->stack, 0) ? NULL : kn->stack.data;
}
