// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/changes.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>

#include "route/fixes.h"

/* Of a route that nobody has made yet: no device's number. */
enum { SOME_DEVICE = INT32_MAX };

const char *route_shell_word(const char *s, char *buf, size_t size)
{
	size_t n = 0;

	if (*s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			       "_.:@+-/=")])
		return s;
	if (size > 0)
		buf[n++] = '\'';
	for (; *s && n + 6 < size; s++) {
		if (*s == '\'')
			n += snprintf(buf + n, size - n, "'\\''");
		else
			buf[n++] = *s;
	}
	if (n + 1 < size)
		buf[n++] = '\'';
	buf[n < size ? n : size - 1] = '\0';
	return buf;
}

static const char *address(const struct attempt *a, const uint8_t *addr, char *buf)
{
	return inet_ntop(a->f->family, addr, buf, INET6_ADDRSTRLEN) ? buf : "?";
}

/* A device with a dot in its name is spelled with slashes: sysctl(8). */
static void sysctl_of(const struct attempt *a, const char *name, int value, char *buf, size_t size)
{
	const char *dev = a->f->in.name, *family = a->f->family == AF_INET ? "ipv4" : "ipv6";
	char key[128], quoted[256];
	bool dotted = strchr(dev, '.') != NULL;

	snprintf(key, sizeof(key), dotted ? "net/%s/conf/%s/%s=%d" : "net.%s.conf.%s.%s=%d", family,
		 dev, name, value);
	snprintf(buf, size, "sysctl -w %s", route_shell_word(key, quoted, sizeof(quoted)));
}

/* --- rp_filter --- */

/* Also where another refusal came first. */
static bool checks_sources(const struct attempt *a)
{
	return a->d->input && a->f->family == AF_INET;
}

static bool loose_matters(const struct attempt *a)
{
	return checks_sources(a) && a->d->effective.rp_filter == RP_STRICT;
}

static bool mark_matters(const struct attempt *a)
{
	return checks_sources(a) && a->flow->mark && !a->d->effective.src_valid_mark;
}

/* A way back by this device. What is in the table local goes before any other. */
static bool back_matters(const struct attempt *a)
{
	const struct route_lookup *l = &a->d->reverse;

	if (!checks_sources(a))
		return false;
	return !l->made || !l->route ||
	       (l->table != RT_TABLE_LOCAL && l->route->type != RTN_LOCAL &&
		l->route->type != RTN_BROADCAST);
}

static void add_route(struct attempt *a, const struct route_lookup *l, const uint8_t *addr,
		      uint32_t ifindex, const char *dev)
{
	struct fib_route *r = &a->route.route;

	a->route = (struct fib_fact){.table = l->route ? l->table : RT_TABLE_MAIN, .found = true};
	memcpy(a->route.addr, addr, ROUTE_ADDR);
	memcpy(r->dst, addr, ROUTE_ADDR);
	r->table = a->route.table;
	r->type = RTN_UNICAST;
	r->plen = a->f->family == AF_INET ? 32 : 128;
	r->n_legs = r->n_legs_told = 1;
	/* Of routes to the same prefix those of a TOS come first (fib_find_alias()). */
	r->tos = l->route && l->route->plen == r->plen ? l->route->tos : 0;
	r->legs[0] = (struct fib_leg){.ifindex = ifindex};
	snprintf(r->legs[0].dev, sizeof(r->legs[0].dev), "%s", dev);
	a->f->instead = &a->route;
}

static void back_apply(struct attempt *a)
{
	add_route(a, &a->d->reverse, a->flow->src, a->f->in.ifindex, a->f->in.name);
}

/* What stands behind the device of add_route()'s route: " tos 0x10 table 100". */
static void print_where(const struct attempt *a, char *buf, size_t size,
			const struct route_lookup *l)
{
	char name[16], tos[16] = "";

	buf[0] = '\0';
	if (l->route && l->route->tos && l->route->plen == (a->f->family == AF_INET ? 32 : 128))
		snprintf(tos, sizeof(tos), " tos 0x%02x", l->route->tos);
	if (l->route && l->table != RT_TABLE_MAIN)
		snprintf(buf, size, "%s table %s", tos,
			 route_table_name(l->table, name, sizeof(name)));
	else
		snprintf(buf, size, "%s", tos);
}

static void back_command(const struct attempt *a, char *buf, size_t size)
{
	char src[INET6_ADDRSTRLEN], where[48], dev[4 * ROUTE_NAME];

	print_where(a, where, sizeof(where), &a->d->reverse);
	snprintf(buf, size, "ip route replace %s dev %s%s", address(a, a->flow->src, src),
		 route_shell_word(a->f->in.name, dev, sizeof(dev)), where);
}

static void back_effect(const struct attempt *a, char *buf, size_t size)
{
	char src[INET6_ADDRSTRLEN];

	snprintf(buf, size,
		 "what this host sends to %s leaves by %s; if there is a router between, add `via` "
		 "its address",
		 address(a, a->flow->src, src), a->f->in.name);
}

/* --- sources and destinations that are refused for what they are --- */

static bool accept_matters(const struct attempt *a)
{
	return a->d->reason == ROUTE_LOCAL_SOURCE;
}

static bool localnet_matters(const struct attempt *a)
{
	return a->f->family == AF_INET && a->d->input && !a->d->effective.route_localnet &&
	       (a->flow->src[0] == 127 || a->flow->dst[0] == 127);
}

/* --- the way on --- */

static bool forward_matters(const struct attempt *a)
{
	return a->d->input && !a->d->effective.forwarding;
}

static void forward_apply(struct attempt *a)
{
	a->f->dev.forwarding = 1;
	a->f->all6.forwarding = 1;
}

static void forward_command(const struct attempt *a, char *buf, size_t size)
{
	if (a->f->family == AF_INET)
		sysctl_of(a, "forwarding", 1, buf, size);
	else
		snprintf(buf, size, "sysctl -w net.ipv6.conf.all.forwarding=1");
}

static void forward_effect(const struct attempt *a, char *buf, size_t size)
{
	if (a->f->family == AF_INET)
		snprintf(
			buf, size,
			"whatever arrives by %s is forwarded to wherever there is a route; replies "
			"need the same on the device by which they arrive",
			a->f->in.name);
	else
		snprintf(buf, size,
			 "this host becomes a router on all devices; it no longer takes routes and "
			 "addresses from router advertisements unless accept_ra is 2");
}

/* A route in the place of none, or of one that refuses. */
static bool way_matters(const struct attempt *a)
{
	const struct route_lookup *l = &a->d->forward;

	return l->made && l->error && (l->route || l->rule < 0);
}

static void way_apply(struct attempt *a)
{
	add_route(a, &a->d->forward, a->flow->dst, SOME_DEVICE, "DEVICE");
}

static void way_command(const struct attempt *a, char *buf, size_t size)
{
	char dst[INET6_ADDRSTRLEN], where[48];

	print_where(a, where, sizeof(where), &a->d->forward);
	snprintf(buf, size, "ip %sroute replace %s via NEXT-HOP dev DEVICE%s",
		 a->f->family == AF_INET ? "" : "-6 ", address(a, a->flow->dst, dst), where);
}

static void way_effect(const struct attempt *a, char *buf, size_t size)
{
	char dst[INET6_ADDRSTRLEN];

	snprintf(buf, size, "what goes to %s leaves by the next hop that you give",
		 address(a, a->flow->dst, dst));
}

const struct policy_rule *route_refusing_rule(const struct attempt *a)
{
	const struct route_lookup *l = &a->d->forward;

	return l->made && l->error && !l->route && l->rule >= 0 ? &a->f->rules[l->rule] : NULL;
}

static bool rule_matters(const struct attempt *a)
{
	return route_refusing_rule(a) != NULL;
}

static void rule_apply(struct attempt *a)
{
	a->f->rules[a->d->forward.rule].without = true;
}

static void rule_command(const struct attempt *a, char *buf, size_t size)
{
	const struct policy_rule *r = route_refusing_rule(a);
	char selectors[256], action[64];

	policy_rule_selectors(r, a->f->family, selectors, sizeof(selectors));
	policy_rule_action(r, action, sizeof(action));
	snprintf(buf, size, "ip %srule del pref %u %s %s", a->f->family == AF_INET ? "" : "-6 ",
		 r->pref, selectors, action);
}

static void rule_effect(const struct attempt *a, char *buf, size_t size)
{
	snprintf(buf, size, "all that policy rule %u refused goes to the rules after it",
		 route_refusing_rule(a)->pref);
}

/* Settings of the device by which the packet comes. */
static const struct change_setting mark = {
	"src_valid_mark", 1, offsetof(struct route_settings, src_valid_mark),
	"for packets of %s the way back is looked up with their mark (rules with fwmark count); "
	"sources stay checked"};
static const struct change_setting loose = {
	"rp_filter", RP_LOOSE, offsetof(struct route_settings, rp_filter),
	"%s takes every source that there is any route to, by whatever device; other devices stay as "
	"they are"};
static const struct change_setting accept_local = {
	"accept_local", 1, offsetof(struct route_settings, accept_local),
	"who can send to %s can pretend to be this host; if the address belongs to another host, one "
	"of the two must give it up instead"};
static const struct change_setting localnet = {
	"route_localnet", 1, offsetof(struct route_settings, route_localnet),
	"services that listen on 127.0.0.1 only can be reached from the network of %s, unless a "
	"firewall rule forbids it"};

void route_change_apply(const struct change *c, struct attempt *a)
{
	if (c->setting)
		*(int *)((char *)&a->f->dev + c->setting->field) = c->setting->value;
	else
		c->apply(a);
}

void route_change_command(const struct change *c, const struct attempt *a, char *buf, size_t size)
{
	if (c->setting)
		sysctl_of(a, c->setting->name, c->setting->value, buf, size);
	else
		c->command(a, buf, size);
}

void route_change_effect(const struct change *c, const struct attempt *a, char *buf, size_t size)
{
	const char *dev = a->f->in.name, *text = c->setting ? c->setting->effect : NULL;
	const char *at = text ? strstr(text, "%s") : NULL;

	if (at)
		snprintf(buf, size, "%.*s%s%s", (int)(at - text), text, dev, at + 2);
	else
		c->effect(a, buf, size);
}

/* Smallest first. */
const struct change route_changes[] = {
	{.matters = mark_matters, .setting = &mark},
	{.matters = loose_matters, .setting = &loose},
	{back_matters, back_apply, back_command, back_effect, NULL, true},
	{.matters = accept_matters, .setting = &accept_local},
	{.matters = localnet_matters, .setting = &localnet},
	{forward_matters, forward_apply, forward_command, forward_effect, NULL, false},
	{way_matters, way_apply, way_command, way_effect, NULL, true},
	{rule_matters, rule_apply, rule_command, rule_effect, NULL, false},
};

const unsigned int route_n_changes = sizeof(route_changes) / sizeof(route_changes[0]);
