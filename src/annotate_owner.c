// SPDX-License-Identifier: GPL-2.0-or-later
/* Beside each rule: who made it, and what it means there. */
#include <linux/netfilter.h>
#include <sys/socket.h>

#include "src/annotate.h"

/* The headers, as the steps before have changed them. */
static void packet_at_start(struct owner_packet *now, const struct packet *p)
{
	*now = (struct owner_packet){.proto = p->proto};
	now->family = p->family == AF_INET    ? NFPROTO_IPV4
		      : p->family == AF_INET6 ? NFPROTO_IPV6
					      : NFPROTO_UNSPEC;
	if (p->has_addrs) {
		now->saddr = p->src.addr;
		now->daddr = p->dst.addr;
	}
	now->has_ports = p->has_ports;
	now->sport = p->src.port;
	now->dport = p->dst.port;
}

static void packet_after(struct owner_packet *now, const struct step *s)
{
	const struct endpoint *src = s->type == STEP_NAT ? &s->nat.src : &s->headers.src;
	const struct endpoint *dst = s->type == STEP_NAT ? &s->nat.dst : &s->headers.dst;

	if (s->type != STEP_NAT && s->type != STEP_HEADERS)
		return;
	now->saddr = src->addr;
	now->daddr = dst->addr;
	now->sport = src->port;
	now->dport = dst->port;
	if (s->type == STEP_NAT) {
		now->has_ports &= s->nat.has_ports;
		return;
	}
	now->family = s->headers.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	now->proto = s->headers.proto;
	now->has_ports = s->headers.has_ports;
}

/* Only where it is certain which ruleset named the rule: an owner of another one is nobody. */
static void add_owner(struct path *p, struct step *s, const struct view *views,
		      const struct path_rules *rules, const struct owner_packet *now)
{
	const struct rules_answer *a = resolve_answer(p, s, rules);
	struct rules *r = views[s->ns].rules;
	struct owner_hit hit = {.number = s->rule.number,
				.verdict = s->verdict,
				.target = s->rule.target,
				.packet = *now};
	struct rule_owner owner;

	if (!a || !s->rule.known || !s->rule.number || s->rule.no_text)
		return;
	hit.rs = (struct ruleset *)a->rs[0];
	hit.chain = s->rule.known;
	hit.same_sets = a->complete && a->n == 1 && rules_same_sets(r, a->rs[0], p->after_ns);
	rule_owner(rules_owners(r), &hit, &owner);
	s->rule.owner = owner.name;
	s->rule.owner_mode = owner.mode;
	s->rule.owner_words = path_str(p, owner.words);
}

void annotate_owners(struct path *p, const struct view *views, const struct path_rules *rules)
{
	struct owner_packet now;

	packet_at_start(&now, &p->packet);
	for (size_t i = 0; i < p->n_steps; i++) {
		packet_after(&now, &p->steps[i]);
		if (p->steps[i].type == STEP_RULE)
			add_owner(p, &p->steps[i], views, rules, &now);
	}
}
