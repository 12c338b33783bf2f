// SPDX-License-Identifier: GPL-2.0-or-later
/* What the routing decisions of a path mean: by the kernel's lookups, the policy rules, the settings. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "route/fib.h"
#include "route/rp_filter.h"
#include "src/advice.h"
#include "src/annotate.h"
#include "src/packet.h"
#include "src/routed.h"

static struct step *find(struct path *p, enum step_type type)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == type)
			return &p->steps[i];
	return NULL;
}

/* A packet that went through several namespaces, or was unpacked, is routed several times: what the
 * drop says is about the last time. */
static bool is_last(const struct path *p, const struct step *s)
{
	for (const struct step *k = s + 1; k < p->steps + p->n_steps; k++)
		if (k->type == s->type)
			return false;
	return true;
}

static bool dropped_by_rp_filter(struct path *p)
{
	const struct step *drop = find(p, STEP_DROP);

	/* SKB_DROP_REASON_IP_RPFILTER; where the kernel gives no reason, it is computed. */
	return drop && drop->drop.reason && !strcmp(drop->drop.reason, "IP_RPFILTER");
}

static bool is_named(const struct step *drop)
{
	return drop->drop.reason && strcmp(drop->drop.reason, "NOT_SPECIFIED");
}

/* Did the routing decision end it, for all that the kernel says? */
static bool ended_in_routing(struct path *p)
{
	const struct step *drop = find(p, STEP_DROP);

	return p->left_last && p->last_hook == NF_INET_PRE_ROUTING && (!drop || !is_named(drop));
}

static void judge_rp_filter(struct path *p, struct step *s, const struct view *v)
{
	int iif = s->rpf.iif ? netconf_ifindex(v->netconf, s->rpf.iif) : 0;
	int back = s->rpf.reverse_dev ? netconf_ifindex(v->netconf, s->rpf.reverse_dev) : 0;
	char source[64];
	struct rp_leg leg = {back > 0 ? back : 0, s->rpf.reverse_dev};
	struct rp_input in = {
		.all = RP_UNKNOWN,
		.dev_mode = RP_UNKNOWN,
		.iif = {iif > 0 ? iif : 0, s->rpf.iif},
		.src = addr_text(source, sizeof(source), p->packet.family, p->packet.src.addr),
		.type = s->rpf.reverse_type,
		.legs = &leg,
		.n_legs = s->rpf.reverse_dev ? 1 : 0,
	};
	struct rp_verdict verdict = {.mode = RP_UNKNOWN, .pass = true};

	if (iif > 0)
		netconf_rp_filter(v->netconf, iif, &in.all, &in.dev_mode);
	s->rpf.all = in.all;
	s->rpf.dev_mode = in.dev_mode;
	if (s->rpf.looked && !rp_filter_judge(&in, &verdict))
		s->rpf.reason = path_str(p, verdict.reason);
	s->rpf.mode = rp_filter_mode(in.all, in.dev_mode);
	/* The kernel's word where it gave one; the packet that went on passed. */
	if (!is_last(p, s))
		s->rpf.pass = true;
	else if (dropped_by_rp_filter(p))
		s->rpf.pass = false;
	else
		s->rpf.pass = !(ended_in_routing(p) && !verdict.pass);
}

static void remove_step(struct path *p, const struct step *s)
{
	size_t i = s - p->steps;

	memmove(&p->steps[i], &p->steps[i + 1], (--p->n_steps - i) * sizeof(*s));
}

/* Dropped by it without a lookup that was seen. */
static void add_rp_filter(struct path *p)
{
	const struct step *drop = find(p, STEP_DROP);
	unsigned int ns = drop->ns, visit = drop->visit;
	struct step *s =
		path_insert(p, drop - p->steps, STEP_RP_FILTER, NFPROTO_IPV4, HOOK_NONE);

	if (!s)
		return;
	s->ns = ns;
	s->visit = visit;
	s->rpf.iif = path_str(p, ns == p->places[0].ns ? p->packet.iif : path_place(p, ns)->iif);
}

static bool was_looked_at(const struct path *p, unsigned int ns)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == STEP_RP_FILTER && p->steps[i].ns == ns)
			return true;
	return false;
}

static void judge_all_rp_filters(struct path *p, const struct view *views)
{
	if (dropped_by_rp_filter(p) && !was_looked_at(p, find(p, STEP_DROP)->ns))
		add_rp_filter(p);
	for (size_t i = 0; i < p->n_steps; i++) {
		struct step *s = &p->steps[i];

		if (s->type != STEP_RP_FILTER)
			continue;
		judge_rp_filter(p, s, &views[s->ns]);
		/* The kernel looks the way back up for other reasons too. */
		if (s->rpf.mode == 0 && s->rpf.pass) {
			remove_step(p, s);
			i--;
		}
	}
}

static const char *result_of_error(int error, int type)
{
	const char *refused = fib_error_name(error);

	/* IPv6 has one error for some of them (ip6_rt_type_to_error()). */
	if (type == RTN_UNREACHABLE)
		return "unreachable";
	return refused ? refused : "none";
}

/* told: by the table or by the packet, not only by the next hop's scope. */
static const char *result_of_type(const struct path *p, unsigned int ns, int type, bool told)
{
	uint32_t passed = path_place(p, ns)->passed;

	static const char *const results[] = {
		[RTN_UNICAST] = "unicast",	   [RTN_LOCAL] = "local",
		[RTN_BROADCAST] = "broadcast",	   [RTN_ANYCAST] = "local",
		[RTN_MULTICAST] = "multicast",	   [RTN_BLACKHOLE] = "blackhole",
		[RTN_UNREACHABLE] = "unreachable", [RTN_PROHIBIT] = "prohibit",
	};

	if (!told && type == RTN_UNICAST && passed & 1u << NF_INET_LOCAL_IN &&
	    !(passed & 1u << NF_INET_LOCAL_OUT))
		return "broadcast"; /* a lookup by prefix that led to the input hook */
	return type > 0 && type < (int)(sizeof(results) / sizeof(results[0])) && results[type]
		       ? results[type]
		       : NULL;
}

static void name_route(struct path *p, struct step *s)
{
	/*
	 * Without policy rules of its own a namespace keeps the local table inside the main one,
	 * and the tracepoint says main (fib_trie_table(), fib_unmerge()).
	 */
	if (!s->route.error && s->route.type == RTN_LOCAL && s->route.table == RT_TABLE_MAIN &&
	    s->route.rule < 0)
		s->route.table = RT_TABLE_LOCAL;
	s->route.result = s->route.error ? result_of_error(s->route.error, s->route.type)
					 : result_of_type(p, s->ns, s->route.type,
							  s->route.rule >= 0 || !s->route.n_asked);
}

/* "Not in this table" (-EAGAIN), and no answer after it: a decision only where the kernel says that
 * it found no route. */
static bool is_no_decision(struct path *p, const struct step *s)
{
	const struct step *drop = find(p, STEP_DROP);

	return s->route.error == -EAGAIN &&
	       !(drop && drop->drop.reason && strstr(drop->drop.reason, "NOROUTES"));
}

/* Was this decision the last thing that routing did with the packet, which went no further? */
static bool is_the_end(struct path *p, const struct step *s)
{
	if (find(p, STEP_DROP) || p->packet.arp_request)
		return is_last(p, s);
	return is_last(p, s) && p->left_last && p->last_hook == NF_INET_PRE_ROUTING;
}

static void tell(struct path *p, struct step *s, struct view *v)
{
	routed_tell(p, s, v, is_the_end(p, s));
	if (s->type == STEP_RP_FILTER)
		s->rpf.result = s->rpf.error ? result_of_error(s->rpf.error, s->rpf.reverse_type)
					     : result_of_type(p, s->ns, s->rpf.reverse_type, s->rpf.rule >= 0);
	else
		name_route(p, s);
}

void annotate_routing(struct path *p, struct view *views)
{
	for (size_t i = p->n_steps; i-- > 0;) {
		struct step *s = &p->steps[i];

		if (s->type != STEP_ROUTE && s->type != STEP_RP_FILTER)
			continue;
		tell(p, s, &views[s->ns]);
		if (s->type == STEP_ROUTE && is_no_decision(p, s))
			remove_step(p, s);
	}
	judge_all_rp_filters(p, views);
	advise_arp(p, views);
}
