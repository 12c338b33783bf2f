// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reply_rules.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/hook_list.h"

/* Protocols whose tuples have ports; nft wants each by name before it takes "ct original
 * proto-src". */
static const char *const with_ports[] = {"tcp", "udp", "udplite", "sctp", "dccp"};
#define WITH_PORTS "{ tcp, udp, udplite, sctp, dccp }"

/* A connection that is silent for an hour is not followed any more. */
#define KEPT "flags dynamic,timeout; timeout 1h; size 65536;"
#define KEY(addr) "type " addr " . " addr " . inet_proto"
#define PORTS " . inet_service . inet_service; "

static int put(struct reply_rules *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int put(struct reply_rules *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&r->v[r->n], fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	r->n++;
	return 0;
}

bool reply_tracked(const struct hook_list *hooks, uint8_t family)
{
	const char *function = family == NFPROTO_IPV4 ? "ipv4_conntrack_in" : "ipv6_conntrack_in";

	for (size_t i = 0; hooks && i < hooks->n; i++)
		if (hooks->v[i].family == family && hooks->v[i].function &&
		    !strcmp(hooks->v[i].function, function))
			return true;
	return false;
}

int reply_selects(struct reply_rules *r)
{
	return put(r, OWN_SELECTS);
}

size_t reply_sets(struct own_set sets[REPLY_SETS], uint8_t family)
{
	static const char *const bodies[2][2] = {
		{KEY("ipv4_addr") PORTS KEPT, KEY("ipv4_addr") "; " KEPT},
		{KEY("ipv6_addr") PORTS KEPT, KEY("ipv6_addr") "; " KEPT}};
	static const char *const names[REPLY_SETS] = {"asked", "asked_bare", "replies",
						      "replies_bare"};

	for (int i = 0; i < REPLY_SETS; i++)
		sets[i] = (struct own_set){family, names[i],
					   bodies[family == NFPROTO_IPV6][i % 2]};
	return REPLY_SETS;
}

/* As the packet is now. */
static const char *key_now(uint8_t family, bool ports)
{
	static const char *const keys[2][2] = {
		{"ip saddr . ip daddr . meta l4proto",
		 "ip saddr . ip daddr . meta l4proto . th sport . th dport"},
		{"ip6 saddr . ip6 daddr . meta l4proto",
		 "ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport"}};

	return keys[family == NFPROTO_IPV6][ports];
}

int reply_asks(struct reply_rules *r, uint8_t family, const struct filter_matches *m,
	       const char *chain)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < m->n; i++)
		rc = put(r, "%s meta l4proto " WITH_PORTS " update @asked { %s }", m->v[i],
			 key_now(family, true))
			     ?: put(r, "%s meta l4proto != " WITH_PORTS " update @asked_bare { %s }",
				    m->v[i], key_now(family, false));
	return rc ?: put(r, "%s @replies goto %s", key_now(family, true), chain)
			     ?: put(r, "%s @replies_bare goto %s", key_now(family, false), chain);
}

static int learn(struct reply_rules *r, uint8_t family, const char *proto, bool ports,
		 const char *here, const char *back)
{
	const char *ip = family == NFPROTO_IPV6 ? "ip6" : "ip";
	char keys[2][128];

	for (int i = 0; i < 2; i++) {
		const char *dir = i ? back : here;
		int n = snprintf(keys[i], sizeof(keys[i]),
				 "ct %s %s saddr . ct %s %s daddr . meta l4proto", dir, ip, dir, ip);

		if (ports)
			snprintf(keys[i] + n, sizeof(keys[i]) - n,
				 " . ct %s proto-src . ct %s proto-dst", dir, dir);
	}
	return put(r,
		   "meta l4proto %s ct direction %s ct status snat,dnat %s @asked%s update "
		   "@replies%s { %s }",
		   proto, here, keys[0], ports ? "" : "_bare", ports ? "" : "_bare", keys[1]);
}

int reply_learns(struct reply_rules *r, uint8_t family)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(with_ports) / sizeof(with_ports[0]); i++)
		rc = learn(r, family, with_ports[i], true, "original", "reply")
			     ?: learn(r, family, with_ports[i], true, "reply", "original");
	return rc ?: learn(r, family, "!= " WITH_PORTS, false, "original", "reply")
			     ?: learn(r, family, "!= " WITH_PORTS, false, "reply", "original");
}

void reply_rules_free(struct reply_rules *r)
{
	while (r->n)
		free(r->v[--r->n]);
}
