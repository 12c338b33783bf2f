// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/hooks_bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>

#include "src/bpf_alone.h"
#include "src/kernel_symbols.h"
#include "src/netns.h"

/* MAX_HOOK_COUNT of net/netfilter/core.c: what says more was not such a list. */
enum { FUNCTIONS_MAX = 1024, TRIES = 10 };

struct hooks_bpf {
	struct alone_bpf *skel;
	struct nfp_hook_ask *ask;	/* shared with the program */
	struct kernel_symbols *symbols; /* where it names no functions (before Linux 5.13) */
	struct hook_list *l;
	int netns_fd;
};

/* Where the structs are that the program reads; libbpf by itself would walk every module there is.
 */
static const char *const modules[] = {"nf_tables", "nf_nat", NULL};

struct hooks_bpf *hooks_bpf_open(struct error *err)
{
	struct hooks_bpf *h = calloc(1, sizeof(*h));

	if (!h) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	h->skel = bpf_alone_open("hook_ask", modules, "lists hook functions", err);
	if (!h->skel) {
		hooks_bpf_free(h);
		return NULL;
	}
	h->ask = &h->skel->bss->ask;
	return h;
}

void hooks_bpf_free(struct hooks_bpf *h)
{
	if (!h)
		return;
	alone_bpf__destroy(h->skel);
	kernel_symbols_free(h->symbols);
	free(h);
}

/* --- names --- */

static int keep(char **to, const char *text, size_t len)
{
	*to = strndup(text, len);
	return *to ? 0 : -ENOMEM;
}

/* "name [module]"; an address that has no name is printed as a number. */
static int name_from_symbol(struct hook_fn *f, const char *s)
{
	const char *module = strstr(s, " [");
	int rc;

	if (!strncmp(s, "0x", 2))
		return 0;
	rc = keep(&f->function, s, strcspn(s, " +"));
	return rc || !module ? rc : keep(&f->module, module + 2, strcspn(module + 2, "]"));
}

/* Without modules, which that table of names does not keep. */
static int name_from_table(struct hooks_bpf *h, struct hook_fn *f, uint64_t addr)
{
	char buf[NFP_HOOK_SYMBOL];

	if (!h->symbols)
		h->symbols = kernel_symbols_open(true);
	if (!h->symbols)
		return -ENOMEM;
	return kernel_symbols_find(h->symbols, addr, buf, sizeof(buf)) ? name_from_symbol(f, buf)
								       : 0;
}

/* What works on a chain or flowtable, where struct nf_hook_ops does not say so
 * (hook_ops_type: 5.14; of flowtables: 6.16). */
static const struct {
	const char *prefix;
	enum hook_kind kind;
} kinds[] = {
	{"nft_do_chain", HOOK_CHAIN},
	{"nft_nat_do_chain", HOOK_CHAIN},
	{"nf_route_table_", HOOK_CHAIN},
	{"nf_flow_offload_", HOOK_FLOWTABLE},
};

static enum hook_kind kind_of(const struct hook_fn *f, uint32_t type)
{
	switch (type) {
	case NFP_OPS_CHAIN:
		return HOOK_CHAIN;
	case NFP_OPS_BPF:
		return HOOK_BPF;
	case NFP_OPS_FLOWTABLE:
		return HOOK_FLOWTABLE;
	}
	for (size_t i = 0; f->function && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(f->function, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].kind;
	return HOOK_PLAIN;
}

/* --- reading --- */

static int run(struct hooks_bpf *h)
{
	*h->ask->symbol = *h->ask->table = *h->ask->chain = 0;
	h->ask->answer = NFP_HOOK_UNREADABLE;
	return bpf_alone_run(h->skel->progs.hook_ask);
}

/* A chain of type nat is not noted as one, nor, before 6.16, a flowtable. */
static int ask_again(struct hooks_bpf *h, uint32_t as)
{
	int rc;

	h->ask->as = as;
	rc = run(h);
	h->ask->as = 0;
	return rc;
}

static int add_names(struct hooks_bpf *h, struct hook_fn *f)
{
	struct nfp_hook_ask *a = h->ask;
	int rc = 0;

	if ((f->kind == HOOK_CHAIN || f->kind == HOOK_FLOWTABLE) && !*a->chain)
		rc = ask_again(h, f->kind == HOOK_CHAIN ? NFP_OPS_CHAIN : NFP_OPS_FLOWTABLE);
	f->chain_family = (uint8_t)a->chain_family;
	if (rc || !*a->table || !*a->chain)
		return rc;
	return keep(&f->table, a->table, sizeof(a->table))
		       ?: keep(&f->chain, a->chain, sizeof(a->chain));
}

static int add(struct hooks_bpf *h, struct hook_place p, const char *device, bool inside)
{
	struct nfp_hook_ask *a = h->ask;
	struct hook_fn *f = hook_list_add(h->l);
	int rc;

	if (!f)
		return -ENOMEM;
	f->family = p.family;
	f->hook = p.hook;
	f->inside = inside;
	f->priority = a->priority;
	f->bpf_id = a->bpf_id;
	if (device)
		strncpy(f->device, device, sizeof(f->device) - 1);
	rc = *a->symbol ? name_from_symbol(f, a->symbol) : name_from_table(h, f, a->function);
	f->kind = kind_of(f, a->type);
	return rc ? rc : add_names(h, f);
}

/* 0, -EAGAIN when the list is another one now, or what the kernel did not let us read. */
static int read_list(struct hooks_bpf *h, struct hook_place p, const char *device,
		     unsigned int ifindex, uint64_t inside)
{
	struct nfp_hook_ask *a = h->ask;
	uint64_t list = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i <= FUNCTIONS_MAX; i++) {
		*a = (struct nfp_hook_ask){.family = p.family,
					   .hook = p.hook,
					   .ifindex = ifindex,
					   .inside = inside,
					   .index = i};
		rc = run(h);
		if (rc)
			return rc;
		if (i && a->list != list)
			return -EAGAIN;
		list = a->list;
		switch (a->answer) {
		case NFP_HOOK_END:
			return 0;
		case NFP_HOOK_NO_DEVICE:
			return -ENODEV;
		case NFP_HOOK_NO_LIST:
			return -EPROTONOSUPPORT;
		case NFP_HOOK_UNREADABLE:
			return -EFAULT;
		}
		uint64_t priv = a->priv;

		rc = add(h, p, device, inside);
		if (!rc && !inside && hook_calls_chains(&h->l->v[h->l->n - 1]))
			rc = read_list(h, p, device, ifindex, priv);
	}
	return rc ? rc : -EFAULT;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same(const struct hook_fn *a, const struct hook_fn *b)
{
	return a->priority == b->priority && a->kind == b->kind && a->bpf_id == b->bpf_id &&
	       a->inside == b->inside && same_text(a->function, b->function) &&
	       same_text(a->table, b->table) && same_text(a->chain, b->chain);
}

/* Memory is read that may be freed meanwhile: what is read twice, and is the same, is so. */
static int read_twice(struct hooks_bpf *h, struct hook_place p, const char *device,
		      unsigned int ifindex)
{
	size_t had = h->l->n, n;
	int rc = read_list(h, p, device, ifindex, 0);

	n = h->l->n - had;
	if (!rc)
		rc = read_list(h, p, device, ifindex, 0);
	if (!rc && h->l->n - had != 2 * n)
		rc = -EAGAIN;
	for (size_t i = had; !rc && i < had + n; i++)
		if (!same(&h->l->v[i], &h->l->v[i + n]))
			rc = -EAGAIN;
	hook_list_cut(h->l, rc ? h->l->n - had : n);
	return rc;
}

static int judge(struct hooks_bpf *h, int rc, struct hook_place p, const char *device)
{
	switch (rc) {
	case 0:
	case -ENODEV:	       /* it went away meanwhile */
	case -EPROTONOSUPPORT: /* this kernel has no such hook, so nobody is there */
		return 0;
	case -ENOMEM:
		return rc;
	case -EAGAIN:
		return hook_list_gap(h->l, p.family, p.hook, device,
				     "it changed all the time while it was read");
	}
	return hook_list_gap(h->l, p.family, p.hook, device, "reading the kernel's memory: %s",
			     strerror(-rc));
}

static int read_place(void *data, struct hook_place p, const char *device, unsigned int ifindex)
{
	struct hooks_bpf *h = data;
	int rc = -EAGAIN, token = netns_enter(h->netns_fd);

	if (token < 0)
		return token;
	for (int i = 0; rc == -EAGAIN && i < TRIES; i++)
		rc = read_twice(h, p, device, ifindex);
	netns_leave(token);
	return judge(h, rc, p, device);
}

int hooks_bpf_read(struct hooks_bpf *h, struct hook_list *l, int netns_fd, uint32_t places,
		   struct error *err)
{
	int rc;

	h->l = l;
	h->netns_fd = netns_fd;
	l->inside_read = true;
	rc = hook_list_each(netns_fd, places, read_place, h, err);
	return rc && !*err->text ? fail(err, rc, "listing hook functions: %s", strerror(-rc)) : rc;
}

/* --- names of programs --- */

void hooks_bpf_names(struct hook_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct hook_fn *f = &l->v[i];
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);
		int fd;

		if (f->kind != HOOK_BPF || !f->bpf_id)
			continue;
		fd = bpf_prog_get_fd_by_id(f->bpf_id);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			snprintf(f->bpf_name, sizeof(f->bpf_name), "%s", info.name);
		close(fd);
	}
}
