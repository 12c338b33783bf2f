// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/collect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "route/fib_ask.h"
#include "route/learn.h"
#include "route/nexthop.h"
#include "route/query.h"
#include "route/rules.h"

enum { LOOKUPS = 4096 }; /* more tables than a decision can need: two for each rule at most */

struct route_collector {
	int netns_fd; /* borrowed */
	struct rtnl *rtnl;
	struct fib_ask *ask; /* NULL: this kernel has none */
	unsigned int dumps;
	const struct fib_reader *reader; /* borrowed; NULL: none */
};

struct route_collector *route_collector_open(int netns_fd, struct error *err)
{
	struct route_collector *c = calloc(1, sizeof(*c));

	if (!c) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	c->netns_fd = netns_fd;
	c->rtnl = rtnl_open(netns_fd, err);
	if (!c->rtnl) {
		free(c);
		return NULL;
	}
	c->ask = fib_ask_open(netns_fd);
	return c;
}

void route_collector_close(struct route_collector *c)
{
	if (!c)
		return;
	rtnl_close(c->rtnl);
	fib_ask_close(c->ask);
	free(c);
}

unsigned int route_collector_dumps(const struct route_collector *c)
{
	return c->dumps;
}

void route_collector_read_by(struct route_collector *c, const struct fib_reader *reader)
{
	c->reader = reader;
}

struct rtnl *route_collector_rtnl(struct route_collector *c)
{
	return c->rtnl;
}

int route_collector_netns(const struct route_collector *c)
{
	return c->netns_fd;
}

int route_collector_device(struct route_collector *c, const char *name, uint32_t *ifindex,
			   struct error *err)
{
	struct route_device dev;
	int rc = route_device_get(c->rtnl, 0, name, &dev);

	if (rc == -ENODEV)
		return fail(err, -ENOENT,
			    "there is no device '%s' in this network namespace; `ip link` lists "
			    "them",
			    name);
	if (rc)
		return fail(err, rc, "cannot ask for the device '%s': %s", name, strerror(-rc));
	*ifindex = dev.ifindex;
	return 0;
}

void route_devices_name(struct rtnl *r, struct fib_route *route)
{
	struct route_device dev;

	route_nexthops_read(r, route);
	for (unsigned int i = 0; i < route->n_legs; i++) {
		struct fib_leg *leg = &route->legs[i];

		if (!leg->ifindex || route_device_get(r, leg->ifindex, NULL, &dev))
			continue;
		memcpy(leg->dev, dev.name, ROUTE_NAME);
		leg->master = dev.master;
		leg->group = dev.group;
	}
}

/* --- rules --- */

/*
 * Whether the tables local and main are apart (fib_unmerge()) shows in the number under which the
 * kernel finds the local route of 127.0.0.1. Without that route (lo is down) they are taken to be
 * one, as they are at first.
 */
static bool has_custom_rules(struct route_collector *c, const struct route_facts *f)
{
	struct route_flow flow = {.family = AF_INET, .dst = {127, 0, 0, 1}, .iif = ROUTE_LOOPBACK};
	struct fib_route route;

	if (!policy_rules_default(f->rules, f->n_rules, f->family))
		return true;
	return !route_query(c->rtnl, &flow, true, &route) && route.type == RTN_LOCAL &&
	       route.table == RT_TABLE_LOCAL;
}

static void on_local_route(const struct fib_route *route, void *data)
{
	if (route->protocol != RTPROT_KERNEL)
		*(bool *)data = true;
}

/*
 * fib_has_custom_local_routes: whether somebody ever added a route of type local, to whatever table
 * (inet_rtm_newroute()). It counts where rp_filter is off and the source is no host's, so it is asked only there. A route that was
 * added and taken away again leaves its mark in the kernel, but none that could be read.
 */
static int collect_custom_local(struct route_collector *c, struct route_facts *f,
				const struct route_flow *flow)
{
	struct route_flow back = {.family = AF_INET, .iif = ROUTE_LOOPBACK};
	struct fib_route route;

	memcpy(back.dst, flow->src, ROUTE_ADDR);
	if (f->custom_rules || f->all.rp_filter > 0 || f->dev.rp_filter > 0 ||
	    route_query(c->rtnl, &back, true, &route) || route.type == RTN_UNICAST ||
	    (route.type == RTN_LOCAL && f->src_is_own))
		return 0;
	return route_query_table(c->rtnl, AF_INET, 0, RTN_LOCAL, NULL, NULL, on_local_route,
				 &f->custom_local);
}

/* --- addresses --- */

struct addresses {
	struct route_facts *f;
	const struct route_flow *flow;
};

static void begin_addresses(void *data)
{
	struct addresses *a = data;

	a->f->src_is_own = a->f->dst_is_own = false;
	a->f->no_addr = true;
}

static int on_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *local = NULL;
	struct addresses *a = data;

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return MNL_CB_OK;
	/* IFA_ADDRESS is the other end of a point-to-point address. */
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && !local))
			local = attr;
	}
	if (ifa->ifa_index == a->f->in.ifindex)
		a->f->no_addr = false;
	if (!local || mnl_attr_get_payload_len(local) > ROUTE_ADDR)
		return MNL_CB_OK;
	a->f->src_is_own |=
		!memcmp(mnl_attr_get_payload(local), a->flow->src, mnl_attr_get_payload_len(local));
	a->f->dst_is_own |=
		!memcmp(mnl_attr_get_payload(local), a->flow->dst, mnl_attr_get_payload_len(local));
	return MNL_CB_OK;
}

static int collect_addresses(struct route_collector *c, struct route_facts *f,
			     const struct route_flow *flow)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETADDR, sizeof(struct ifaddrmsg));
	struct addresses a = {f, flow};

	((struct ifaddrmsg *)mnl_nlmsg_get_payload(nlh))->ifa_family = f->family;
	memcpy(f->own_src, flow->src, ROUTE_ADDR);
	memcpy(f->own_dst, flow->dst, ROUTE_ADDR);
	return rtnl_dump(c->rtnl, nlh, begin_addresses, on_address, &a);
}

/* --- devices --- */

/* Sets the VRF of the flow: that of the device by which it comes, or leaves. */
static int collect_device(struct route_collector *c, struct route_facts *f, struct route_flow *flow)
{
	uint32_t ifindex = flow->iif ? flow->iif : flow->oif;
	struct route_device master;
	int rc;

	if (!ifindex)
		return 0;
	rc = route_device_get(c->rtnl, ifindex, NULL, &f->arrival);
	if (rc)
		return rc;
	f->in = f->arrival;
	/* l3mdev_ip_rcv() puts the VRF in the place of its device. */
	if (f->arrival.master && !route_device_get(c->rtnl, f->arrival.master, NULL, &master) &&
	    master.vrf)
		f->in = master;
	if (f->in.vrf) {
		flow->vrf = f->in.ifindex;
		flow->vrf_table = f->in.vrf_table;
	}
	if (flow->iif)
		flow->iif = f->in.ifindex;
	return 0;
}

static int collect_settings(struct route_collector *c, struct route_facts *f)
{
	struct route_settings *all = f->family == AF_INET ? &f->all : &f->all6;
	struct route_settings *dev = f->family == AF_INET ? &f->dev : &f->dev6;
	int rc = route_settings_read(c->netns_fd, f->family, "all", all);

	if (rc || !f->in.ifindex)
		return rc;
	rc = route_settings_read(c->netns_fd, f->family, f->in.name, dev);
	f->no_inet = all->forwarding >= 0 && dev->forwarding < 0;
	return rc;
}

/* __ip_dev_find(): what the table local calls local may be sent from, too (127.0.0.2). As long as
 * that and main are one, what main calls so as well. */
static bool is_local(struct route_collector *c, const struct route_facts *f, const uint8_t *addr)
{
	struct route_flow flow = {.family = AF_INET, .iif = ROUTE_LOOPBACK};
	struct fib_route route;

	memcpy(flow.dst, addr, ROUTE_ADDR);
	return !route_query(c->rtnl, &flow, true, &route) && route.type == RTN_LOCAL &&
	       (route.table == RT_TABLE_LOCAL || !f->custom_rules);
}

static int collect_localnet(struct route_collector *c, struct route_facts *f)
{
	struct route_settings s;
	struct route_device *devices;
	size_t n;
	int rc = route_devices_read(c->rtnl, &devices, &n);

	f->localnet = rc ? NULL : calloc(n + 1, sizeof(*f->localnet));
	if (!rc && !f->localnet)
		rc = -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		rc = route_settings_read(c->netns_fd, AF_INET, devices[i].name, &s);
		if (s.route_localnet > 0)
			f->localnet[f->n_localnet++] = devices[i].ifindex;
	}
	free(devices);
	return rc;
}

static bool is_multicast(const struct route_flow *flow)
{
	return flow->family == AF_INET ? (flow->dst[0] & 0xf0) == 224 : flow->dst[0] == 0xff;
}

static int collect(struct route_collector *c, struct route_flow *flow, struct route_facts *f)
{
	int rc = collect_device(c, f, flow);

	if (!rc)
		rc = collect_settings(c, f);
	if (!rc)
		rc = policy_rules_read(c->rtnl, f->family, &f->rules, &f->n_rules);
	if (!rc)
		rc = collect_addresses(c, f, flow);
	if (!rc && flow->iif && is_multicast(flow))
		f->group_joined = route_group_joined(c->netns_fd, f->family, f->in.name, flow->dst);
	if (rc || flow->family != AF_INET)
		return rc;
	f->custom_rules = has_custom_rules(c, f);
	if (!flow->iif && flow->has_src && !f->src_is_own)
		f->src_is_own = is_local(c, f, flow->src);
	if (flow->iif)
		rc = collect_custom_local(c, f, flow);
	if (!flow->iif && flow->has_src && flow->src[0] == 127)
		rc = collect_localnet(c, f);
	return rc;
}

int route_collect(struct route_collector *c, struct route_flow *flow, struct route_facts *f,
		  struct error *err)
{
	int rc;

	*f = (struct route_facts){.family = flow->family, .group_joined = -1};
	rc = collect(c, flow, f);
	if (rc) {
		route_facts_free(f);
		return fail(err, rc, "cannot read rules, addresses and settings of routing: %s",
			    strerror(-rc));
	}
	return 0;
}

void route_facts_free(struct route_facts *f)
{
	for (size_t i = 0; i < f->n_fibs; i++)
		free(f->fibs[i]);
	free(f->fibs);
	free(f->rules);
	free(f->localnet);
	*f = (struct route_facts){0};
}

int route_collect_and_decide(struct route_collector *c, struct route_facts *f,
			     const struct route_flow *flow, struct route_decision *d,
			     struct error *err)
{
	const struct route_sources by = {c->rtnl, c->ask, &c->dumps, c->reader};
	int rc;

	for (unsigned int i = 0; i < LOOKUPS; i++) {
		rc = route_decide(f, flow, d);
		if (rc <= 0)
			return rc ? fail(err, rc, "out of memory") : 0;
		rc = route_learn(&by, f, d->need_table, &d->need);
		if (rc)
			return fail(err, rc, "cannot ask for routes of table %u: %s", d->need_table,
				    strerror(-rc));
		route_decision_free(d);
	}
	return fail(err, -ELOOP, "the rules lead through more than %d tables", LOOKUPS);
}
