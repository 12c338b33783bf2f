// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/observers.h"

#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/error.h"
#include "src/filter_nft.h"
#include "src/reply_rules.h"

enum { AFTER_DNAT = NF_IP_PRI_NAT_DST + 1, LAST = INT_MAX };

/* Chains that others go to come first. */
#define REPLY_ROWS(family)                                                                         \
	{family, REPLIED_PRE, NULL, OBSERVER_REPLY, 0, NF_INET_PRE_ROUTING, NF_INET_PRE_ROUTING},  \
	{family, REPLIED_OUT, NULL, OBSERVER_REPLY, 0, NF_INET_LOCAL_OUT, NF_INET_LOCAL_OUT},      \
	{family, "asked_pre", "prerouting", OBSERVER_ASK, FILTER_ARRIVING,                         \
	 NF_INET_PRE_ROUTING, NF_INET_PRE_ROUTING},                                                \
	{family, "asked_out", "output", OBSERVER_ASK, FILTER_LEAVING, NF_INET_LOCAL_OUT,           \
	 NF_INET_LOCAL_OUT},                                                                       \
	{family, "learn_in", "input", OBSERVER_LEARN, 0, NF_INET_LOCAL_IN, NF_INET_LOCAL_IN},      \
	{family, "learn_post", "postrouting", OBSERVER_LEARN, 0, NF_INET_POST_ROUTING,             \
	 NF_INET_POST_ROUTING}

static const struct row {
	uint8_t family;
	const char *name, *nft_hook;
	enum observer_kind kind;
	enum filter_place place;
	uint8_t hook;	   /* what events call it */
	uint8_t real_hook; /* number in its family */
} rows[] = {
	{NFPROTO_INET, "pre_first", "prerouting", OBSERVER_ENTER, FILTER_ARRIVING,
	 NF_INET_PRE_ROUTING, NF_INET_PRE_ROUTING},
	{NFPROTO_INET, "out_first", "output", OBSERVER_ENTER, FILTER_LEAVING, NF_INET_LOCAL_OUT,
	 NF_INET_LOCAL_OUT},
	/* iptables-legacy lines of filter and security come after nat here, and are known by their
	 * headers alone. */
	{NFPROTO_INET, "out_nat", "output", OBSERVER_PASS, 0, NF_INET_LOCAL_OUT, NF_INET_LOCAL_OUT},
	{NFPROTO_INET, "pre_last", "prerouting", OBSERVER_LEAVE, 0, NF_INET_PRE_ROUTING,
	 NF_INET_PRE_ROUTING},
	{NFPROTO_INET, "in_last", "input", OBSERVER_LEAVE, 0, NF_INET_LOCAL_IN, NF_INET_LOCAL_IN},
	{NFPROTO_INET, "fwd_last", "forward", OBSERVER_LEAVE, 0, NF_INET_FORWARD, NF_INET_FORWARD},
	{NFPROTO_INET, "out_last", "output", OBSERVER_LEAVE, 0, NF_INET_LOCAL_OUT,
	 NF_INET_LOCAL_OUT},
	{NFPROTO_INET, "post_last", "postrouting", OBSERVER_LEAVE, 0, NF_INET_POST_ROUTING,
	 NF_INET_POST_ROUTING},
	/* With --conn, where there is conntrack. */
	REPLY_ROWS(NFPROTO_IPV4),
	REPLY_ROWS(NFPROTO_IPV6),
	{NFPROTO_BRIDGE, "pre_first", "prerouting", OBSERVER_ENTER, FILTER_ARRIVING,
	 NF_INET_PRE_ROUTING, NF_INET_PRE_ROUTING},
	{NFPROTO_BRIDGE, "out_first", "output", OBSERVER_ENTER, FILTER_LEAVING, NF_INET_LOCAL_OUT,
	 NF_INET_LOCAL_OUT},
	{NFPROTO_BRIDGE, "pre_last", "prerouting", OBSERVER_LEAVE, 0, NF_INET_PRE_ROUTING,
	 NF_INET_PRE_ROUTING},
	{NFPROTO_BRIDGE, "in_last", "input", OBSERVER_LEAVE, 0, NF_INET_LOCAL_IN, NF_INET_LOCAL_IN},
	{NFPROTO_BRIDGE, "fwd_last", "forward", OBSERVER_LEAVE, 0, NF_INET_FORWARD,
	 NF_INET_FORWARD},
	{NFPROTO_BRIDGE, "out_last", "output", OBSERVER_LEAVE, 0, NF_INET_LOCAL_OUT,
	 NF_INET_LOCAL_OUT},
	{NFPROTO_BRIDGE, "post_last", "postrouting", OBSERVER_LEAVE, 0, NF_INET_POST_ROUTING,
	 NF_INET_POST_ROUTING},
	{NFPROTO_ARP, "in_first", "input", OBSERVER_ENTER, FILTER_ARP, NF_INET_LOCAL_IN, NF_ARP_IN},
	{NFPROTO_ARP, "out_first", "output", OBSERVER_ENTER, FILTER_ARP, NF_INET_LOCAL_OUT,
	 NF_ARP_OUT},
	{NFPROTO_ARP, "in_last", "input", OBSERVER_LEAVE, 0, NF_INET_LOCAL_IN, NF_ARP_IN},
	/* ARP has no postrouting: past output, it is sent. */
	{NFPROTO_ARP, "out_last", "output", OBSERVER_LEAVE, 0, NF_INET_POST_ROUTING, NF_ARP_OUT},
};

enum {
	N_ROWS = sizeof(rows) / sizeof(rows[0]),
	DEVICES_MAX = 256,
	CHAINS_MAX = N_ROWS + DEVICES_MAX,
};

/* An ingress chain needs a device each: "ing_0", "ing_1", … */
static const char ingress_prefix[] = "ing_";

struct observers {
	struct filter_matches matches[3];		  /* by enum filter_place */
	struct filter_matches whole[2];			  /* for replies, by enum filter_place */
	bool replies;					  /* are wanted, and can be found */
	uint8_t family;					  /* AF_* of the filter; 0: any */
	bool made[16];					  /* by NFPROTO_* */
	int32_t priority[N_ROWS];			  /* of those made */
	char *devices[DEVICES_MAX];			  /* that have an ingress chain of ours */
	unsigned int n_devices;
};

struct observers *observers_open(const struct filter *filter, const struct cgroup_name *cgroup)
{
	struct observers *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	for (enum filter_place p = FILTER_ARRIVING; p <= FILTER_ARP; p++) {
		if (filter_to_nft(filter, p, cgroup, &o->matches[p])) {
			observers_close(o);
			return NULL;
		}
	}
	o->replies = filter->conn;
	o->family = filter_family(filter);
	for (enum filter_place p = FILTER_ARRIVING; o->replies && p <= FILTER_LEAVING; p++) {
		if (filter_to_nft_whole(filter, p, cgroup, &o->whole[p])) {
			observers_close(o);
			return NULL;
		}
	}
	return o;
}

bool observers_want_replies(const struct observers *o)
{
	return o->replies;
}

void observers_close(struct observers *o)
{
	if (!o)
		return;
	for (enum filter_place p = FILTER_ARRIVING; p <= FILTER_ARP; p++)
		filter_matches_free(&o->matches[p]);
	for (enum filter_place p = FILTER_ARRIVING; p <= FILTER_LEAVING; p++)
		filter_matches_free(&o->whole[p]);
	while (o->n_devices)
		free(o->devices[--o->n_devices]);
	free(o);
}

static bool is_ip(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
}

static bool sees(uint8_t observer, uint8_t table)
{
	if (observer == NFPROTO_INET)
		return table == NFPROTO_INET || is_ip(table);
	return observer == table || (is_ip(observer) && table == NFPROTO_INET);
}

/* One below the earliest chain at this hook, OBSERVER_PRIORITY at the latest. */
static int32_t first_priority(const struct ruleset *rs, const struct row *r)
{
	int32_t first = OBSERVER_PRIORITY;

	for (size_t i = 0; i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];

		for (size_t k = 0; !t->ours && sees(r->family, t->family) && k < t->n_chains; k++) {
			const struct rs_chain *c = t->chains[k];

			if (c->base && c->hook == r->real_hook && c->priority <= first)
				first = c->priority > INT_MIN ? c->priority - 1 : INT_MIN;
		}
	}
	return first;
}

static bool has_family(const struct observers *o, const struct ruleset *rs,
		       const struct hook_list *hooks, uint8_t family)
{
	if (family == NFPROTO_INET)
		return true;
	if (is_ip(family))
		return o->replies && reply_tracked(hooks, family) &&
		       (!o->family || (o->family == AF_INET) == (family == NFPROTO_IPV4));
	for (size_t i = 0; i < rs->n_tables; i++)
		if (rs->tables[i]->family == family && !rs->tables[i]->ours &&
		    rs->tables[i]->backend != BACKEND_IPTABLES_LEGACY)
			return true;
	return false;
}

static int32_t priority_of(const struct observers *o, const struct ruleset *rs, const struct row *r)
{
	int32_t first = first_priority(rs, r);

	switch (r->kind) {
	case OBSERVER_ENTER: /* before OBSERVER_ASK, so that a packet is selected once */
		return first - (o->replies && first > INT_MIN);
	case OBSERVER_ASK:
		return first;
	case OBSERVER_PASS:
		return AFTER_DNAT;
	default:
		return LAST;
	}
}

/* Is it missing, or somebody in front of it? Then the chain without its rules is in *c. */
static bool wants_chain(struct observers *o, const struct ruleset *rs,
			const struct hook_list *hooks, size_t i, struct own_chain *c)
{
	const struct row *r = &rows[i];
	bool made = o->made[r->family];
	int32_t priority = priority_of(o, rs, r);

	if (!has_family(o, rs, hooks, r->family) || (made && priority >= o->priority[i]))
		return false;
	o->priority[i] = priority;
	*c = (struct own_chain){
		.family = r->family,
		.name = r->name,
		.hook = r->nft_hook,
		.priority = priority,
		.replaces = made,
	};
	return true;
}

static size_t add_rows(struct observers *o, const struct ruleset *rs, struct own_chain *out,
		       unsigned int *moved)
{
	size_t n = 0;

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *r = &rows[i];

		if (is_ip(r->family) || !wants_chain(o, rs, NULL, i, &out[n]))
			continue;
		if (r->kind == OBSERVER_ENTER) {
			out[n].matches = o->matches[r->place].v;
			out[n].n_matches = o->matches[r->place].n;
			out[n].action = OWN_SELECTS;
		}
		*moved += out[n++].replaces;
	}
	return n;
}

static int rules_of(const struct observers *o, const struct row *r, struct reply_rules *rules)
{
	if (r->kind == OBSERVER_ASK)
		return reply_asks(rules, r->family, &o->whole[r->place],
				  r->hook == NF_INET_LOCAL_OUT ? REPLIED_OUT : REPLIED_PRE);
	return r->kind == OBSERVER_LEARN ? reply_learns(rules, r->family)
					 : reply_selects(rules);
}

/* Chains and sets of the families that have conntrack now, if they were not added yet. How many
 * transactions that took, or a negative errno. */
static int add_replies(struct observers *o, struct own_table *t, const struct ruleset *rs,
		       const struct hook_list *hooks, struct error *err)
{
	struct reply_rules *rules = calloc(N_ROWS, sizeof(*rules));
	struct own_chain chains[N_ROWS];
	struct own_set sets[2 * REPLY_SETS];
	size_t n = 0, n_sets = 0;
	int rc = rules ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < N_ROWS; i++) {
		const struct row *r = &rows[i];

		if (!is_ip(r->family) || !wants_chain(o, rs, hooks, i, &chains[n]))
			continue;
		if (!o->made[r->family] && (!n_sets || sets[n_sets - 1].family != r->family))
			n_sets += reply_sets(sets + n_sets, r->family);
		rc = rules_of(o, r, &rules[n]);
		chains[n].matches = rules[n].v;
		chains[n].n_matches = rules[n].n;
		n++;
	}
	if (!rc && n)
		rc = own_table_add(t, sets, n_sets, chains, n, err);
	for (size_t i = 0; !rc && i < n; i++)
		o->made[chains[i].family] = true;
	for (size_t i = 0; rules && i < N_ROWS; i++)
		reply_rules_free(&rules[i]);
	free(rules);
	return rc ?: n > 0;
}

static bool known_device(const struct observers *o, const char *dev)
{
	for (unsigned int i = 0; i < o->n_devices; i++)
		if (!strcmp(o->devices[i], dev))
			return true;
	return false;
}

static bool is_ingress(const struct rs_table *t, const struct rs_chain *c)
{
	return c->base && c->devices && !t->ours &&
	       ((t->family == NFPROTO_NETDEV && c->hook == NF_NETDEV_INGRESS) ||
		(t->family == NFPROTO_INET && c->hook == NF_INET_INGRESS));
}

struct ingress_names {
	char v[DEVICES_MAX][16];
};

static size_t add_ingress(struct observers *o, const struct rs_chain *c, struct own_chain *out,
			  struct ingress_names *names)
{
	size_t n = 0;

	for (char **d = c->devices; *d && o->n_devices < DEVICES_MAX; d++) {
		unsigned int i = o->n_devices;

		if (known_device(o, *d) || strchr(*d, '"'))
			continue;
		o->devices[i] = strdup(*d);
		if (!o->devices[i])
			break;
		snprintf(names->v[i], sizeof(names->v[i]), "%s%u", ingress_prefix, i);
		out[n++] = (struct own_chain){
			.family = NFPROTO_NETDEV,
			.name = names->v[i],
			.hook = "ingress",
			.device = o->devices[i],
			.priority = INT_MIN + 1,
			.matches = o->matches[FILTER_ARRIVING].v,
			.n_matches = o->matches[FILTER_ARRIVING].n,
			.action = OWN_SELECTS,
		};
		o->n_devices++;
	}
	return n;
}

static int add_selecting(struct observers *o, struct own_table *t, const struct ruleset *rs,
			 unsigned int *moved, struct error *err)
{
	struct own_chain *chains = calloc(CHAINS_MAX, sizeof(*chains));
	struct ingress_names *names = calloc(1, sizeof(*names));
	unsigned int devices = o->n_devices;
	int rc = 0;
	size_t n;

	if (!chains || !names) {
		rc = fail(err, -ENOMEM, "out of memory");
		goto out;
	}
	*moved = 0;
	n = add_rows(o, rs, chains, moved);
	for (size_t i = 0; i < rs->n_tables; i++)
		for (size_t k = 0; k < rs->tables[i]->n_chains; k++)
			if (is_ingress(rs->tables[i], rs->tables[i]->chains[k]))
				n += add_ingress(o, rs->tables[i]->chains[k], chains + n, names);
	rc = own_table_add(t, NULL, 0, chains, n, err);
	if (rc)
		goto out;
	for (size_t i = 0; i < n; i++)
		o->made[chains[i].family] = true;
	rc = n > 0;
out:
	/* What was not added is not there. */
	while (rc < 0 && o->n_devices > devices)
		free(o->devices[--o->n_devices]);
	free(chains);
	free(names);
	return rc;
}

int observers_add(struct observers *o, struct own_table *t, const struct ruleset *rs,
		  const struct hook_list *hooks, unsigned int *moved, struct error *err)
{
	int rc = add_selecting(o, t, rs, moved, err), replies = 0;
	struct error refused;

	if (rc >= 0 && o->replies)
		replies = add_replies(o, t, rs, hooks, &refused);
	/* A kernel that does not take them, before 5.6 say: each path says what will not be found. */
	if (replies < 0)
		o->replies = false;
	return replies > 0 ? rc + replies : rc;
}

struct observer observer_of(uint8_t family, const char *chain)
{
	if (family == NFPROTO_NETDEV && !strncmp(chain, ingress_prefix, sizeof(ingress_prefix) - 1))
		return (struct observer){OBSERVER_ENTER, NF_INET_INGRESS};
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].family == family && !strcmp(rows[i].name, chain))
			return (struct observer){rows[i].kind, rows[i].hook};
	return (struct observer){OBSERVER_NONE, HOOK_NONE};
}
