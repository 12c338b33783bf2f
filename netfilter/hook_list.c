// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/hook_list.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/names.h"

enum { ARP_HOOKS = 3, NETDEV_EGRESS = 1 }; /* NF_ARP_NUMHOOKS; NF_NETDEV_EGRESS (5.16) */

const struct hook_place hook_places[N_HOOK_PLACES] = {
	{NFPROTO_NETDEV, NF_NETDEV_INGRESS},
	{NFPROTO_NETDEV, NETDEV_EGRESS},
	{NFPROTO_BRIDGE, NF_INET_PRE_ROUTING},
	{NFPROTO_BRIDGE, NF_INET_LOCAL_IN},
	{NFPROTO_BRIDGE, NF_INET_FORWARD},
	{NFPROTO_BRIDGE, NF_INET_LOCAL_OUT},
	{NFPROTO_BRIDGE, NF_INET_POST_ROUTING},
	{NFPROTO_ARP, 0},
	{NFPROTO_ARP, 1},
	{NFPROTO_ARP, 2},
	{NFPROTO_IPV4, NF_INET_PRE_ROUTING},
	{NFPROTO_IPV4, NF_INET_LOCAL_IN},
	{NFPROTO_IPV4, NF_INET_FORWARD},
	{NFPROTO_IPV4, NF_INET_LOCAL_OUT},
	{NFPROTO_IPV4, NF_INET_POST_ROUTING},
	{NFPROTO_IPV6, NF_INET_PRE_ROUTING},
	{NFPROTO_IPV6, NF_INET_LOCAL_IN},
	{NFPROTO_IPV6, NF_INET_FORWARD},
	{NFPROTO_IPV6, NF_INET_LOCAL_OUT},
	{NFPROTO_IPV6, NF_INET_POST_ROUTING},
};

static void fn_free(struct hook_fn *f)
{
	free(f->function);
	free(f->module);
	free(f->table);
	free(f->chain);
	free(f->type);
}

void hook_list_cut(struct hook_list *l, size_t n)
{
	while (n-- && l->n)
		fn_free(&l->v[--l->n]);
}

void hook_list_free(struct hook_list *l)
{
	hook_list_cut(l, l->n);
	free(l->v);
	free(l->gaps);
	*l = (struct hook_list){0};
}

struct hook_fn *hook_list_add(struct hook_list *l)
{
	struct hook_fn *bigger;
	size_t cap = l->cap ? 2 * l->cap : 32;

	if (l->n == l->cap) {
		bigger = realloc(l->v, cap * sizeof(*bigger));
		if (!bigger)
			return NULL;
		l->v = bigger;
		l->cap = cap;
	}
	l->v[l->n] = (struct hook_fn){0};
	return &l->v[l->n++];
}

int hook_list_gap(struct hook_list *l, uint8_t family, int hook, const char *device,
		  const char *fmt, ...)
{
	struct hook_gap *bigger = realloc(l->gaps, (l->n_gaps + 1) * sizeof(*bigger)), *g;
	va_list ap;

	if (!bigger)
		return -ENOMEM;
	l->gaps = bigger;
	g = &l->gaps[l->n_gaps++];
	*g = (struct hook_gap){.family = family, .hook = hook};
	if (device)
		snprintf(g->device, sizeof(g->device), "%s", device);
	va_start(ap, fmt);
	vsnprintf(g->why, sizeof(g->why), fmt, ap);
	va_end(ap);
	return 0;
}

/* --- names of priorities --- */

struct priority {
	int32_t value;
	const char *name;
	bool near; /* nft has a word for it, and counts 10 up and down from there */
};

/* include/uapi/linux/netfilter_ipv4.h; IPv6 has the same. */
static const struct priority ip_priorities[] = {
	{NF_IP_PRI_RAW_BEFORE_DEFRAG, "raw before defrag", false},
	{NF_IP_PRI_CONNTRACK_DEFRAG, "conntrack defrag", false},
	{NF_IP_PRI_RAW, "raw", true},
	{NF_IP_PRI_SELINUX_FIRST, "selinux first", false},
	{NF_IP_PRI_CONNTRACK, "conntrack", false},
	{NF_IP_PRI_MANGLE, "mangle", true},
	{NF_IP_PRI_NAT_DST, "dstnat", true},
	{NF_IP_PRI_FILTER, "filter", true},
	{NF_IP_PRI_SECURITY, "security", true},
	{NF_IP_PRI_NAT_SRC, "srcnat", true},
	{NF_IP_PRI_SELINUX_LAST, "selinux last", false},
	{NF_IP_PRI_CONNTRACK_HELPER, "conntrack helper", false},
	{NF_IP_PRI_CONNTRACK_CONFIRM, "conntrack confirm", false},
	{0, NULL, false},
};

static const struct priority bridge_priorities[] = {
	{NF_BR_PRI_NAT_DST_BRIDGED, "dstnat", true},
	{NF_BR_PRI_FILTER_BRIDGED, "filter", true},
	{NF_BR_PRI_BRNF, "br_netfilter", false},
	{NF_BR_PRI_NAT_DST_OTHER, "out", true},
	{NF_BR_PRI_FILTER_OTHER, "filter other", false},
	{NF_BR_PRI_NAT_SRC, "srcnat", true},
	{0, NULL, false},
};

static const struct priority other_priorities[] = {
	{0, "filter", true},
	{0, NULL, false},
};

static const struct priority *priorities_of(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
		return ip_priorities;
	case NFPROTO_BRIDGE:
		return bridge_priorities;
	}
	return other_priorities;
}

const char *hook_priority_name(const struct hook_fn *f, char *buf, size_t len)
{
	const struct priority *rows = priorities_of(f->family), *p;

	for (p = rows; p->name; p++)
		if (p->value == f->priority)
			return p->name;
	if (f->priority == INT_MIN)
		return "first";
	if (f->priority == INT_MAX)
		return "last";
	for (p = rows; p->name; p++) {
		int64_t away = (int64_t)f->priority - p->value;

		if (p->near && away >= -10 && away <= 10) {
			snprintf(buf, len, "%s %c %d", p->name, away < 0 ? '-' : '+',
				 abs((int)away));
			return buf;
		}
	}
	return NULL;
}
