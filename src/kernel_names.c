// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/kernel_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#define REASON_PREFIX "SKB_DROP_REASON_"

/* Farther from a symbol than any function is long: the address belongs to code that we have no
 * symbol of. */
#define SYMBOL_REACH 0x40000

struct symbol {
	uint64_t addr;
	uint32_t name; /* offset into names */
};

struct kernel_names {
	bool reasons_read;
	char **reasons; /* by number; NULL where there is none */
	uint32_t n_reasons;

	bool symbols_read;
	struct symbol *symbols; /* by address */
	size_t n_symbols, cap_symbols;
	char *names;
	size_t names_len, names_cap;
};

struct kernel_names *kernel_names_open(void)
{
	return calloc(1, sizeof(struct kernel_names));
}

static void forget_symbols(struct kernel_names *kn)
{
	free(kn->symbols);
	free(kn->names);
	kn->symbols = NULL;
	kn->names = NULL;
	kn->n_symbols = kn->cap_symbols = kn->names_len = kn->names_cap = 0;
}

void kernel_names_free(struct kernel_names *kn)
{
	uint32_t i;

	if (!kn)
		return;
	for (i = 0; i < kn->n_reasons; i++)
		free(kn->reasons[i]);
	free(kn->reasons);
	forget_symbols(kn);
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

static void read_reasons(struct kernel_names *kn)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *t;
	const struct btf_enum *e;
	int id, i;

	kn->reasons_read = true;
	if (!btf)
		return;
	id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);
	if (id > 0) {
		t = btf__type_by_id(btf, id);
		e = btf_enum(t);
		for (i = 0; i < btf_vlen(t); i++)
			if (keep_reason(kn, e[i].val, btf__name_by_offset(btf, e[i].name_off)))
				break;
	}
	btf__free(btf);
}

const char *kernel_drop_reason(struct kernel_names *kn, uint32_t reason)
{
	if (!kn->reasons_read)
		read_reasons(kn);
	return reason < kn->n_reasons ? kn->reasons[reason] : NULL;
}

static int keep_name(struct kernel_names *kn, const char *name, uint32_t *offset)
{
	size_t len = strlen(name) + 1, cap = kn->names_cap;
	char *grown;

	if (kn->names_len + len > cap) {
		cap = cap ? cap * 2 : 1 << 20;
		grown = realloc(kn->names, cap);
		if (!grown)
			return -ENOMEM;
		kn->names = grown;
		kn->names_cap = cap;
	}
	*offset = kn->names_len;
	memcpy(kn->names + kn->names_len, name, len);
	kn->names_len += len;
	return 0;
}

static int keep_symbol(struct kernel_names *kn, uint64_t addr, const char *name)
{
	size_t cap = kn->cap_symbols;
	struct symbol *grown;
	uint32_t offset;

	if (kn->n_symbols == cap) {
		cap = cap ? cap * 2 : 1 << 15;
		grown = realloc(kn->symbols, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		kn->symbols = grown;
		kn->cap_symbols = cap;
	}
	if (keep_name(kn, name, &offset))
		return -ENOMEM;
	kn->symbols[kn->n_symbols++] = (struct symbol){.addr = addr, .name = offset};
	return 0;
}

/* Of several names of one address the first one in the file comes first. */
static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/*
 * Lines are "ffffffff81000000 T _text", with a tab and "[module]" for modules. Hidden addresses are
 * all zero. False: not such a line, or not code. There are a quarter of a million lines, while
 * packets wait: so no sscanf().
 */
static bool parse_symbol(char *line, uint64_t *addr, const char **name)
{
	char *at;

	*addr = strtoull(line, &at, 16);
	if (!*addr || at[0] != ' ' || !at[1] || !strchr("tTwW", at[1]) || at[2] != ' ')
		return false;
	*name = at + 3;
	at[3 + strcspn(at + 3, " \t\n")] = 0;
	return **name;
}

static void read_symbols(struct kernel_names *kn)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	const char *name;
	char line[640];
	uint64_t addr;

	kn->symbols_read = true;
	if (!f)
		return;
	while (fgets_unlocked(line, sizeof(line), f))
		if (parse_symbol(line, &addr, &name) && keep_symbol(kn, addr, name))
			break;
	fclose(f);
	if (kn->n_symbols)
		qsort(kn->symbols, kn->n_symbols, sizeof(*kn->symbols), by_address);
}

static const struct symbol *find_symbol(const struct kernel_names *kn, uint64_t addr)
{
	size_t lo = 0, hi = kn->n_symbols, mid;
	const struct symbol *s;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (kn->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	s = &kn->symbols[lo - 1];
	while (s > kn->symbols && s[-1].addr == s->addr)
		s--;
	return addr - s->addr < SYMBOL_REACH ? s : NULL;
}

bool kernel_symbol(struct kernel_names *kn, uint64_t addr, char *buf, size_t len)
{
	const struct symbol *s;

	if (!kn->symbols_read)
		read_symbols(kn);
	s = find_symbol(kn, addr);
	if (!s) {
		snprintf(buf, len, "0x%llx", (unsigned long long)addr);
		return false;
	}
	snprintf(buf, len, "%s+0x%llx", kn->names + s->name, (unsigned long long)(addr - s->addr));
	return true;
}
