// SPDX-License-Identifier: GPL-2.0-or-later
/* The conditions that rows of symptoms ask for. Each says yes only of what is known. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/packet.h"
#include "src/symptoms.h"

enum { TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16, ICMP4_ECHO = 8 };

/* --- the packet --- */

bool symptom_is_tcp(struct finding *f)
{
	return f->proto == IPPROTO_TCP && f->has_ports;
}

bool symptom_is_udp(struct finding *f)
{
	return f->proto == IPPROTO_UDP && f->has_ports;
}

bool symptom_is_icmp(struct finding *f)
{
	return f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6;
}

bool symptom_is_ip4(struct finding *f)
{
	return f->family == AF_INET;
}

bool symptom_is_ip6(struct finding *f)
{
	return f->family == AF_INET6;
}

bool symptom_is_syn(struct finding *f)
{
	const struct packet *k = &f->p->packet;

	return k->has_tcp && (k->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

bool symptom_is_no_syn(struct finding *f)
{
	return f->p->packet.has_tcp && !(f->p->packet.tcp_flags & TCP_SYN);
}

/* --- what became of it --- */

bool symptom_was_dropped(struct finding *f)
{
	return f->p->verdict == PATH_DROPPED;
}

bool symptom_was_taken_in(struct finding *f)
{
	return f->p->verdict == PATH_ACCEPTED && f->p->left_last && f->p->last_hook == NF_INET_LOCAL_IN;
}

static bool is_exact(const struct finding *f)
{
	return f->p->certainty == CERTAIN_EXACT;
}

bool symptom_by_rule(struct finding *f)
{
	return symptom_was_dropped(f) && is_exact(f) && f->by && f->by->type == STEP_RULE;
}

bool symptom_by_policy(struct finding *f)
{
	return symptom_was_dropped(f) && is_exact(f) && f->by && f->by->type == STEP_POLICY;
}

bool symptom_by_ruleset(struct finding *f)
{
	return symptom_by_rule(f) || symptom_by_policy(f);
}

bool symptom_by_bpf(struct finding *f)
{
	return symptom_was_dropped(f) && f->by && f->by->type == STEP_HOOK && f->by->hookfn.bpf_id;
}

static bool is_ip_family(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
}

/* --- where it went --- */

const struct step *symptom_last(const struct finding *f, enum step_type type)
{
	for (size_t i = f->p->n_steps; i-- > 0;)
		if (f->p->steps[i].type == type && &f->views[f->p->steps[i].ns] == f->view)
			return &f->p->steps[i];
	return NULL;
}

bool symptom_was_redirected(struct finding *f)
{
	for (size_t i = f->p->n_steps; i-- > 0;) {
		const struct step *s = &f->p->steps[i];

		if (&f->views[s->ns] != f->view || s->type != STEP_NAT || !s->nat.dnat)
			continue;
		f->other = s->nat.by >= 0 ? &f->p->steps[s->nat.by] : NULL;
		return true;
	}
	return false;
}

/* In and out by the same bridge device, and routing was not asked, though it is heard when it is. */
static bool stays_in_bridge(const struct finding *f)
{
	const struct packet *k = &f->p->packet;
	int i = *k->iif ? netconf_ifindex(f->view->netconf, k->iif) : 0;

	return f->drop && f->p->n_places == 1 && i > 0 && !strcmp(k->iif, k->oif) &&
	       netconf_is_bridge(f->view->netconf, i);
}

/* br_nf_forward_ip() calls the hooks of IP for what a bridge only passes on. */
bool symptom_was_bridged(struct finding *f)
{
	uint64_t on;

	return symptom_by_ruleset(f) && is_ip_family(f->by->family) && f->by->hook == NF_INET_FORWARD &&
	       !symptom_last(f, STEP_ROUTE) &&
	       (path_here(f->p)->bridge_passed & 1u << NF_INET_PRE_ROUTING || stays_in_bridge(f)) &&
	       symptom_number(f,
			      f->family == AF_INET6 ? "net/bridge/bridge-nf-call-ip6tables"
						    : "net/bridge/bridge-nf-call-iptables",
			      &on) &&
	       on;
}

static bool is_echo_request(const struct finding *f)
{
	const struct packet *k = &f->p->packet;

	return packet_is_echo(k) &&
	       k->icmp_type == (f->family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO);
}

/* nf_hook_slow() gives who sends UDP and echo requests -EPERM; TCP tries again. */
bool symptom_at_output(struct finding *f)
{
	return symptom_by_ruleset(f) && is_ip_family(f->by->family) && f->by->hook == NF_INET_LOCAL_OUT &&
	       (f->proto == IPPROTO_UDP || is_echo_request(f)) && !symptom_reject(f->by, f->family);
}

bool symptom_ignores_echo(struct finding *f)
{
	uint64_t on;

	return symptom_was_taken_in(f) && is_echo_request(f) &&
	       symptom_number(f,
			      f->family == AF_INET6 ? "net/ipv6/icmp/echo_ignore_all"
						    : "net/ipv4/icmp_echo_ignore_all",
			      &on) &&
	       on;
}

bool symptom_ignores_broadcast_echo(struct finding *f)
{
	const struct step *route = symptom_last(f, STEP_ROUTE);
	uint64_t on;

	return !f->by && f->family == AF_INET && is_echo_request(f) && route && route->route.result &&
	       (!strcmp(route->route.result, "broadcast") || !strcmp(route->route.result, "multicast")) &&
	       symptom_number(f, "net/ipv4/icmp_echo_ignore_broadcasts", &on) && on;
}

bool symptom_is_too_long(struct finding *f)
{
	const struct step *route = symptom_last(f, STEP_ROUTE);

	f->where = route ? route->route.dev : NULL;
	f->limit = f->where ? symptom_mtu(f, f->where) : 0;
	return f->limit && f->p->packet.len > f->limit;
}
