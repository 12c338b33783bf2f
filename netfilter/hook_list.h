/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions that are registered at netfilter's hooks in one network namespace, in the order in
 * which the kernel calls them. A plain model: who reads the kernel fills it (hook_list_read.c by
 * nfnetlink_hook, src/hooks_bpf.c by a BPF program), hook_list_explain() adds what the ruleset
 * knows.
 */
#ifndef NFPATH_NETFILTER_HOOK_LIST_H
#define NFPATH_NETFILTER_HOOK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct ruleset;

enum hook_kind {
	HOOK_PLAIN,	/* a function, and nothing is known of what it works on */
	HOOK_CHAIN,	/* a base chain of nf_tables */
	HOOK_FLOWTABLE, /* a flowtable of nf_tables */
	HOOK_LEGACY,	/* a table of iptables-legacy or its kin */
	HOOK_BPF,	/* a BPF netfilter program */
};

struct hook_fn {
	uint8_t family;	 /* of the list: NFPROTO_IPV4, _IPV6, _ARP, _BRIDGE or _NETDEV */
	uint8_t hook;	 /* number of that family */
	char device[16]; /* NFPROTO_NETDEV; else "" */
	int32_t priority;
	char *function, *module; /* NULL: the kernel does not say; module NULL also: none, part of
				    the kernel */
	enum hook_kind kind;
	uint8_t chain_family; /* NFPROTO_* of the table */
	char *table, *chain;  /* NULL: not known; chain of HOOK_LEGACY: the built-in one */
	char *type;	      /* of a chain: "filter", "nat", "route"; NULL: not known */
	const char *backend; /* "nft", "iptables-nft", "iptables-legacy", …, "bpf"; NULL: none, or
				not known */
	uint32_t bpf_id;     /* HOOK_BPF; 0: not known */
	char bpf_name[16];   /* "": not known */
	/* Not at the hook itself: called by the nearest function before it that is (nf_nat's, for
	 * packets that begin a connection). */
	bool inside;
	bool order_unknown; /* among those inside with the same priority */
};

/* Something that could not be read. */
struct hook_gap {
	uint8_t family; /* 0: the whole namespace */
	int hook;	/* -1: all hooks of the family */
	char device[16];
	char why[200];
};

struct hook_list {
	struct hook_fn *v;
	size_t n, cap;
	struct hook_gap *gaps;
	size_t n_gaps;
	bool inside_read; /* what is inside was read too: without any, there is none */
};

/* One place that has a list of its own; of NFPROTO_NETDEV, each device has one. A set of places is
 * bits by index. */
struct hook_place {
	uint8_t family, hook;
};
enum { N_HOOK_PLACES = 20 };
extern const struct hook_place hook_places[N_HOOK_PLACES];

void hook_list_free(struct hook_list *l);

/* A new last one, all zeroes; NULL: out of memory. */
struct hook_fn *hook_list_add(struct hook_list *l);

/* Takes the last n away again. */
void hook_list_cut(struct hook_list *l, size_t n);

/* 0 or -ENOMEM. */
int hook_list_gap(struct hook_list *l, uint8_t family, int hook, const char *device,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * The kernel's names for priorities (NF_IP_PRI_*, NF_BR_PRI_*) as nft writes them where it has a
 * word: "filter", "dstnat", "filter + 10" for what is near one of nft's; NULL: it has none.
 */
const char *hook_priority_name(const struct hook_fn *f, char *buf, size_t len);

/*
 * Reads the lists of these places by nfnetlink_hook. netns_fd is borrowed. What cannot be read
 * becomes a gap. 0, -EOPNOTSUPP: the kernel has no nfnetlink_hook (or no netfilter), -EPERM … with
 * a sentence.
 */
int hook_list_read(struct hook_list *l, int netns_fd, uint32_t places, struct error *err);

/* Calls cb for each of these places, each device on its own; ends at the first negative errno and
 * returns it. ifindex 0: no device. */
int hook_list_each(int netns_fd, uint32_t places,
		   int (*cb)(void *data, struct hook_place p, const char *device,
			     unsigned int ifindex),
		   void *data, struct error *err);

/* Is it a function of nf_nat, which calls chains of type nat? */
bool hook_calls_chains(const struct hook_fn *f);

/* Does anything in the list need the ruleset to be explained? */
bool hook_list_wants_ruleset(const struct hook_list *l);

/* Has the ruleset every chain that the list names? If not, one of the two is older than the other.
 */
bool hook_list_fits(const struct hook_list *l, const struct ruleset *rs);

/*
 * Says which table a function of iptables-legacy works on, and with a ruleset (NULL: none) the type
 * and the tool of chains, and which chains of type nat nf_nat calls, unless the list has them
 * already. 0 or -ENOMEM.
 */
int hook_list_explain(struct hook_list *l, const struct ruleset *rs);

#endif
