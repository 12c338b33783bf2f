// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/audit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "route/audit_judge.h"
#include "route/query.h"
#include "src/netns.h"

/* Somebody far away: 198.51.100.1, of a network for documents. */
static const uint8_t far_away[ROUTE_ADDR] = {198, 51, 100, 1};

struct sources {
	struct audit *a;
	struct audit_source *v;
	size_t n;
	bool failed;
};

struct audit_finding *audit_add(struct audit *a, const char *kind, const char *dev)
{
	struct audit_finding *v = reallocarray(a->findings, a->n_findings + 1, sizeof(*v)), *f;

	if (!v)
		return NULL;
	a->findings = v;
	f = &v[a->n_findings++];
	*f = (struct audit_finding){.kind = kind, .count = 1};
	snprintf(f->dev, sizeof(f->dev), "%s", dev);
	return f;
}

void audit_free(struct audit *a)
{
	free(a->devices);
	free(a->findings);
	*a = (struct audit){0};
}

bool audit_is_overlay(const struct audit_device *d)
{
	return !strcmp(d->dev.kind, "vxlan") || !strcmp(d->dev.kind, "geneve");
}

bool audit_drops(const struct audit *a)
{
	for (size_t i = 0; i < a->n_findings; i++)
		if (strcmp(a->findings[i].kind, "asymmetric"))
			return true;
	return false;
}

struct audit_device *audit_device(struct audit *a, uint32_t ifindex)
{
	for (size_t i = 0; i < a->n_devices; i++)
		if (a->devices[i].dev.ifindex == ifindex)
			return &a->devices[i];
	return NULL;
}

/* --- devices --- */

static int read_devices(struct rtnl *r, struct audit *a)
{
	struct route_device *devices;
	size_t n;
	int rc = route_devices_read(r, &devices, &n);

	a->devices = rc ? NULL : calloc(n + 1, sizeof(*a->devices));
	if (!rc && !a->devices)
		rc = -ENOMEM;
	a->n_devices = rc ? 0 : n;
	for (size_t i = 0; i < a->n_devices; i++)
		a->devices[i].dev = devices[i];
	free(devices);
	return rc;
}

static int on_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct audit_device *d;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return MNL_CB_OK;
	d = audit_device(data, ifa->ifa_index);
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		if (!d || d->has_addr || mnl_attr_get_type(attr) != IFA_LOCAL ||
		    mnl_attr_get_payload_len(attr) != 4)
			continue;
		memcpy(d->addr, mnl_attr_get_payload(attr), 4);
		d->has_addr = true;
	}
	return MNL_CB_OK;
}

static int collect_devices(struct route_collector *c, struct audit *a)
{
	struct rtnl *rtnl = route_collector_rtnl(c);
	int ns = route_collector_netns(c), rc;
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh;

	rc = route_settings_read(ns, AF_INET, "all", &a->all);
	if (!rc)
		rc = route_settings_read(ns, AF_INET, "default", &a->initial);
	if (!rc)
		rc = read_devices(rtnl, a);
	for (size_t i = 0; !rc && i < a->n_devices; i++)
		rc = route_settings_read(ns, AF_INET, a->devices[i].dev.name, &a->devices[i].set);
	if (rc)
		return rc;
	nlh = rtnl_begin(buf, RTM_GETADDR, sizeof(struct ifaddrmsg));
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(nlh))->ifa_family = AF_INET;
	return rtnl_dump(rtnl, nlh, NULL, on_address, a);
}

/* --- sources --- */

static void begin_sources(void *data)
{
	((struct sources *)data)->n = 0;
}

static void add_source(struct sources *s, uint32_t ifindex, const void *addr, const void *to)
{
	struct audit_source *v;

	if (s->n >= AUDIT_SOURCES) {
		s->a->not_looked_at++;
		return;
	}
	v = reallocarray(s->v, s->n + 1, sizeof(*v));
	if (!v) {
		s->failed = true;
		return;
	}
	s->v = v;
	v[s->n] = (struct audit_source){.ifindex = ifindex, .has_to = to != NULL};
	memcpy(v[s->n].addr, addr, 4);
	if (to)
		memcpy(v[s->n].to, to, 4);
	s->n++;
}

/* A host of the network that a route leads to. */
static void on_route(const struct fib_route *route, void *data)
{
	uint8_t addr[ROUTE_ADDR];
	struct sources *s = data;

	memcpy(addr, route->plen ? route->dst : far_away, ROUTE_ADDR);
	if (route->plen && route->plen < 31)
		addr[3] |= 2;
	for (unsigned int i = 0; i < route->n_legs; i++) {
		struct audit_device *d = audit_device(s->a, route->legs[i].ifindex);

		if (d && route->legs[i].gw_family)
			d->gateway = true;
		add_source(s, route->legs[i].ifindex, addr, NULL);
	}
}

static int on_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	const int alive = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd) ||
	    !(nd->ndm_state & alive) || nd->ndm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*nd))
		if (mnl_attr_get_type(attr) == NDA_DST && mnl_attr_get_payload_len(attr) == 4)
			add_source(data, nd->ndm_ifindex, mnl_attr_get_payload(attr), NULL);
	return MNL_CB_OK;
}

static int neighbours(struct route_collector *c, struct sources *s)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETNEIGH, sizeof(struct ndmsg));

	((struct ndmsg *)mnl_nlmsg_get_payload(nlh))->ndm_family = AF_INET;
	return rtnl_dump(route_collector_rtnl(c), nlh, begin_sources, on_neighbour, s);
}

static int routes(struct route_collector *c, struct sources *s)
{
	return route_query_table(route_collector_rtnl(c), AF_INET, 0, RTN_UNICAST, NULL, begin_sources,
				 on_route, s);
}

/* Anybody, by a device that is no port of something inside this host. */
static int far_away_sources(struct route_collector *c, struct sources *s)
{
	for (size_t i = 0; i < s->a->n_devices; i++) {
		const struct audit_device *d = &s->a->devices[i];
		bool tunnel = !strcmp(d->dev.kind, "wireguard") || !strcmp(d->dev.kind, "tun");

		if (d->has_addr && !d->dev.loopback && !audit_is_overlay(d) &&
		    (d->gateway || tunnel || !d->dev.kind[0]))
			add_source(s, d->dev.ifindex, far_away, NULL);
	}
	return 0;
}

/* "ipv4 2 tcp 6 431999 ESTABLISHED src=… dst=…": who began it, and to which address of ours. It
 * came by the device that has this address, if by any. */
static void take_connection(struct sources *s, const char *line)
{
	const char *src = strstr(line, " src="), *dst = src ? strstr(src, " dst=") : NULL;
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
	uint8_t a[4], b[4];

	if (!dst || sscanf(src, " src=%15s", from) != 1 || sscanf(dst, " dst=%15s", to) != 1 ||
	    inet_pton(AF_INET, from, a) != 1 || inet_pton(AF_INET, to, b) != 1)
		return;
	for (size_t i = 0; i < s->a->n_devices; i++) {
		const struct audit_device *d = &s->a->devices[i];

		if (d->has_addr && !d->dev.loopback && !memcmp(d->addr, b, 4))
			add_source(s, d->dev.ifindex, a, b);
	}
}

static int connections(struct route_collector *c, struct sources *s)
{
	int token = netns_enter(route_collector_netns(c));
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if (token < 0)
		return token;
	f = fopen("/proc/thread-self/net/nf_conntrack", "re");
	netns_leave(token);
	s->a->has_connections = f != NULL;
	while (f && getline(&line, &size, f) > 0)
		if (!strncmp(line, "ipv4", 4))
			take_connection(s, line);
	free(line);
	if (f)
		fclose(f);
	return 0;
}

/* --- all of it --- */

static const struct {
	const char *kind;
	int (*collect)(struct route_collector *c, struct sources *s);
} kinds[] = {
	{"route", routes}, /* first: it finds the devices with routers behind them */
	{"multi-homed", far_away_sources},
	{"neighbour", neighbours},
	{"connection", connections},
};

static int judge_kind(struct route_collector *c, struct audit *a, size_t k, struct error *err)
{
	struct sources s = {.a = a};
	int rc = kinds[k].collect(c, &s);

	if (!rc && s.failed)
		rc = -ENOMEM;
	if (rc)
		fail(err, rc, "cannot read what is known of sources (%s): %s", kinds[k].kind,
		     strerror(-rc));
	for (size_t i = 0; !rc && i < s.n; i++)
		rc = audit_judge(c, a, kinds[k].kind, &s.v[i], err);
	free(s.v);
	return rc;
}

int route_audit(struct route_collector *c, struct audit *a, struct error *err)
{
	struct route_flow any = {.family = AF_INET};
	struct route_facts facts;
	int rc;

	*a = (struct audit){0};
	rc = collect_devices(c, a);
	if (rc)
		return fail(err, rc, "cannot read devices and their settings: %s", strerror(-rc));
	for (size_t k = 0; !rc && k < sizeof(kinds) / sizeof(kinds[0]); k++)
		rc = judge_kind(c, a, k, err);
	if (!rc)
		rc = route_collect(c, &any, &facts, err);
	if (rc)
		return rc;
	rc = audit_products(a, facts.rules, facts.n_rules);
	route_facts_free(&facts);
	return rc ? fail(err, rc, "out of memory") : 0;
}
