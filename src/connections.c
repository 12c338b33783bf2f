// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/connections.h"

#include <errno.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netfilter/exprs.h"
#include "src/budget.h"
#include "src/packet.h"

enum { A_SECOND = 4000 }; /* questions to conntrack, of some 10 µs each */

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, ADDR_MAX);
}

static bool is_of_ruleset(const struct step *s)
{
	return s->type == STEP_RULE || s->type == STEP_POLICY || s->type == STEP_RETURN;
}

/* --- moving steps --- */

static void remove_at(struct path *p, size_t i)
{
	memmove(&p->steps[i], &p->steps[i + 1], (--p->n_steps - i) * sizeof(p->steps[0]));
	if (p->decided_by >= 0 && (size_t)p->decided_by > i)
		p->decided_by--;
}

static void move(struct path *p, size_t from, size_t to)
{
	struct step s = p->steps[from], *at;
	bool decider = p->decided_by == (int)from;

	if (from == to)
		return;
	remove_at(p, from);
	at = path_insert(p, to, s.type, s.family, s.hook);
	*at = s; /* there is room: one was taken out */
	if (decider)
		p->decided_by = (int)to;
}

/* Of the same visit to the same hook. */
static bool same_visit(const struct step *a, const struct step *b)
{
	return a->ns == b->ns && a->hook == b->hook && a->visit == b->visit;
}

/* --- UNTRACKED, INVALID --- */

static bool takes_off_track(const struct step *s)
{
	const char *text = s->type == STEP_RULE ? s->rule.text : NULL;

	return text && (strstr(text, "notrack") || strstr(text, "-j NOTRACK"));
}

/* The rule that did it: a message carries what its own rule did, or one before it. -1: none. */
static int untracking_rule(const struct path *p, size_t i)
{
	const struct step *s = &p->steps[i];

	if (i + 1 < p->n_steps && same_visit(&s[1], s) && takes_off_track(&s[1]))
		return (int)i + 1;
	for (size_t k = i; k-- > 0 && p->steps[k].ns == s->ns;)
		if (takes_off_track(&p->steps[k]))
			return (int)k;
	return -1;
}

/* Returns where the step is then: behind its rule. */
static size_t explain_untracked(struct path *p, size_t i)
{
	int by = untracking_rule(p, i);

	if (by > (int)i) {
		move(p, i, i + 1);
		p->steps[++i].ct.by = by - 1;
	} else if (by >= 0) {
		if (same_visit(&p->steps[by], &p->steps[i])) {
			move(p, i, by + 1);
			i = by + 1;
		}
		p->steps[i].ct.by = by;
	} else if (p->packet.family == AF_INET6 && p->packet.has_icmp && p->packet.icmp_type >= 130) {
		/* nf_conntrack_icmpv6_error() */
		p->steps[i].ct.why =
			"conntrack leaves neighbour discovery and multicast reports alone";
	}
	return i;
}

static const char *why_invalid(struct path *p, const struct path_ends *now, bool known,
			       const struct ct_entry *e)
{
	const struct packet *k = &p->packet;
	const char *state = known ? conntrack_tcp_state(e->tcp_state) : NULL;

	if (k->has_icmp && !packet_is_echo(k))
		return "an ICMP error that fits no connection";
	if (now->proto != IPPROTO_TCP)
		return known ? NULL
			     : "its checksum or length is wrong, or it belongs to no connection and "
			       "cannot begin one";
	if (known)
		return path_strf(p,
				 "its connection is in TCP state %s: these flags, this sequence number "
				 "or this checksum do not fit",
				 state ? state : "unknown");
	if (k->has_tcp && !(k->tcp_flags & 2))
		return "conntrack knows no connection of it, and it cannot begin one";
	return "its checksum, its flags or its length are wrong";
}

/* Does conntrack look at packets in this hook, and may it have refused this one? 1, 0; -1: not known. */
static int is_tracked(const struct path *p, const struct view *v, const struct rules_answer *a,
		      const struct step *s, uint8_t family)
{
	const struct hook_list *l;

	/* Of most packets this tells that there is no conntrack, and tells it cheaply. */
	if (!p->packet.has_icmp && !conntrack_has_refused(v->conntrack, p->before_ns))
		return 0;
	if (!a || a->n != 1 || !a->complete || a->rs[0] != rules_now(v->rules))
		return -1;
	l = hook_view_list(v->hooks, a->rs[0], false);
	for (size_t i = 0; l && i < l->n; i++)
		if (l->v[i].family == (family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6) &&
		    l->v[i].hook == s->hook && l->v[i].priority == NF_IP_PRI_CONNTRACK &&
		    l->v[i].function && strstr(l->v[i].function, "conntrack"))
			return 1;
	return l ? 0 : -1;
}

/* --- entries --- */

static bool tuple_of(const struct path *p, const struct path_ends *now, struct ct_tuple *t)
{
	const struct packet *k = &p->packet;

	memset(t, 0, sizeof(*t));
	if (k->fragment || k->more_frags)
		return false;
	t->family = now->family;
	t->proto = now->proto;
	memcpy(t->src, now->src.addr, ADDR_MAX);
	memcpy(t->dst, now->dst.addr, ADDR_MAX);
	if (now->has_ports) {
		t->sport = now->src.port;
		t->dport = now->dst.port;
		return true;
	}
	t->icmp_type = k->icmp_type;
	t->icmp_code = k->icmp_code;
	t->icmp_id = k->icmp_id;
	return packet_is_echo(k) && now->proto == k->proto;
}

static struct endpoint endpoint_of(const uint8_t *addr, uint16_t port)
{
	struct endpoint e = {.port = port};

	memcpy(e.addr, addr, ADDR_MAX);
	return e;
}

/* Does this mapping do what was seen of NAT in the namespace of step i? */
static bool explains_nat(const struct path *p, size_t i, const struct ct_entry *e, bool reply)
{
	const struct ct_tuple *other = reply ? &e->orig : &e->reply;
	struct endpoint src = endpoint_of(other->dst, other->dport);
	struct endpoint dst = endpoint_of(other->src, other->sport);

	for (size_t k = i; k < p->n_steps; k++) {
		const struct step *s = &p->steps[k];

		if (s->ns == p->steps[i].ns && s->type == STEP_NAT &&
		    !same_endpoint(s->nat.dnat ? &s->nat.dst : &s->nat.src, s->nat.dnat ? &dst : &src))
			return false;
		if (s->ns == p->steps[i].ns && k > i &&
		    (s->type == STEP_CONNTRACK || s->type == STEP_HEADERS))
			break;
	}
	return true;
}

/*
 * The zone that a rule gave its connection: elsewhere another connection may have the same addresses.
 * -1: not known.
 */
static int zone_of(const struct path *p, size_t i, const struct rules_answer *a)
{
	static const char *const setters[] = {"ct zone set ", "--zone "};
	int zone = 0;

	for (size_t k = 0; k < i; k++) {
		const char *text = p->steps[k].type == STEP_RULE ? p->steps[k].rule.text : NULL, *at;

		if (p->steps[k].ns != p->steps[i].ns || !text || !strstr(text, "zone"))
			continue;
		zone = -1;
		for (size_t n = 0; n < sizeof(setters) / sizeof(setters[0]); n++)
			if ((at = strstr(text, setters[n])))
				zone = atoi(at + strlen(setters[n]));
	}
	if (!a || (p->certainty != CERTAIN_EXACT && a->rs[0]->exprs & 1ULL << EXPR_CT_SET))
		return -1;
	return zone;
}

/* As conntrack_get(); -EAGAIN: there is no time to ask. */
static int ask(const struct view *v, const struct ct_tuple *t, uint16_t zone, struct ct_entry *e)
{
	static struct budget budget;

	return budget_spend(&budget, A_SECOND) ? conntrack_get(v->conntrack, t, zone, e) : -EAGAIN;
}

/*
 * What conntrack has now is this packet's connection if the kernel named it by the same number, or if
 * it was there before the packet or the packet went through; and if it explains all NAT that was seen.
 */
static bool find_entry(const struct path *p, size_t i, const struct path_ends *now, uint32_t id,
		       const struct view *v, const struct rules_answer *a, struct ct_entry *e,
		       bool *reply)
{
	enum ct_state state = p->steps[i].type == STEP_CONNTRACK ? p->steps[i].ct.state : CT_NONE;
	int zone = zone_of(p, i, a);
	struct ct_tuple t;

	if (!tuple_of(p, now, &t) || ask(v, &t, zone < 0 ? 0 : zone, e))
		return false;
	*reply = conntrack_is_reply(e, &t);
	/* nf_ct_get_id() is made of the tuple and the address in memory: that of a packet which was
	 * dropped before nf_conntrack_confirm() may be a later one's, too. */
	if (id ? e->id != id : zone < 0 || (p->verdict == PATH_DROPPED && state != CT_ESTABLISHED))
		return false;
	return explains_nat(p, i, e, *reply);
}

static void keep_entry(struct path *p, struct step *s, const struct ct_entry *e, bool reply)
{
	const struct ct_tuple *o = &e->orig, *r = &e->reply;

	s->ct.has_entry = true;
	s->ct.reply = reply;
	s->ct.has_ports = proto_has_ports(o->proto);
	s->ct.orig_src = endpoint_of(o->src, o->sport);
	s->ct.orig_dst = endpoint_of(o->dst, o->dport);
	s->ct.reply_src = endpoint_of(r->src, r->sport);
	s->ct.reply_dst = endpoint_of(r->dst, r->dport);
	s->ct.nats = !same_endpoint(&s->ct.orig_src, &s->ct.reply_dst) ||
		     !same_endpoint(&s->ct.orig_dst, &s->ct.reply_src);
	s->ct.zone = e->zone;
	s->ct.mark = e->mark;
	s->ct.tcp_state = path_str(p, conntrack_tcp_state(e->tcp_state));
	s->ct.id = e->id;
}

/* --- NAT --- */

static bool is_nat_action(const char *action)
{
	static const char *const words[] = {"DNAT",	  "SNAT", "MASQUERADE", "REDIRECT", "NETMAP",
					    "dnat",	  "snat", "masquerade", "redirect"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(action, words[i], strlen(words[i])))
			return true;
	return false;
}

/* hook: NF_INET_*, or HOOK_NONE: any. */
static bool has_nat_chain(const struct rules_answer *a, uint8_t family, uint8_t hook)
{
	uint8_t nf = family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	for (size_t i = 0; a && a->n == 1 && i < a->rs[0]->n_base; i++) {
		const struct rs_chain *c = a->rs[0]->base[i];
		bool nat = c->table->backend == BACKEND_NFT ? c->type && !strcmp(c->type, "nat")
							    : !strcmp(c->table->name, "nat");

		if (nat && (hook == HOOK_NONE || c->hook == hook) &&
		    (c->table->family == nf || c->table->family == NFPROTO_INET))
			return true;
	}
	return false;
}

/* Where NAT of this kind is decided, for a packet that went this way. */
static uint8_t hook_of_nat(const struct path *p, const struct step *s)
{
	const struct path_place *place = path_place(p, s->ns);
	bool in = s->hook == NF_INET_LOCAL_IN ||
		  (p->last_hook == NF_INET_LOCAL_IN && path_here(p) == place);

	if (!s->nat.dnat)
		return in ? NF_INET_LOCAL_IN : NF_INET_POST_ROUTING;
	return place && place->passed & 1u << NF_INET_LOCAL_OUT ? NF_INET_LOCAL_OUT
								: NF_INET_PRE_ROUTING;
}

/* Others change addresses too (IPVS): what conntrack has must be what was done. */
static bool is_by_connection(const struct path *p, size_t i, const struct rules_answer *a)
{
	const struct step *s = &p->steps[i], *ct = NULL;
	struct endpoint src, dst;

	for (size_t k = i; k-- > 0 && !ct;)
		if (p->steps[k].ns == s->ns && p->steps[k].type == STEP_CONNTRACK)
			ct = &p->steps[k];
	if (!ct)
		return false;
	if (!ct->ct.has_entry)
		return ct->ct.state == CT_ESTABLISHED || ct->ct.state == CT_RELATED;
	/* It may be the first one: only a chain that it would have visited tells. */
	if (ct->ct.state == CT_NEW && !has_nat_chain(a, p->packet.family, hook_of_nat(p, s)))
		return false;
	src = ct->ct.reply ? ct->ct.orig_dst : ct->ct.reply_dst;
	dst = ct->ct.reply ? ct->ct.orig_src : ct->ct.reply_src;
	return same_endpoint(s->nat.dnat ? &s->nat.dst : &s->nat.src, s->nat.dnat ? &dst : &src);
}

static bool visits_nat(const struct path *p, unsigned int ns)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].ns == ns && is_of_ruleset(&p->steps[i]) && p->steps[i].rule.nat_chain)
			return true;
	return false;
}

/*
 * The rule is the one that gave the last word in the last chain of type nat that was visited: after
 * it no other is (nf_nat_inet_fn()). No visit at all, on the whole way, and the mapping is older;
 * a first packet without a rule got another port since its own was taken (get_unique_tuple()).
 */
static void find_cause(struct path *p, size_t i, const struct rules_answer *a)
{
	struct step *s = &p->steps[i];
	bool visited = false;

	for (size_t k = i; k-- > 0 && (same_visit(&p->steps[k], s) || p->steps[k].hook == HOOK_NONE);) {
		const struct step *r = &p->steps[k];

		if (!is_of_ruleset(r) || !r->rule.nat_chain)
			continue;
		visited = true;
		if (r->type == STEP_RETURN)
			continue;
		if (r->type == STEP_RULE && r->verdict == VERDICT_ACCEPT && r->rule.action &&
		    is_nat_action(r->rule.action)) {
			s->nat.cause = NAT_CAUSE_RULE;
			s->nat.by = (int)k;
		}
		return;
	}
	if (!visited && !visits_nat(p, s->ns) && p->certainty == CERTAIN_EXACT &&
	    is_by_connection(p, i, a))
		s->nat.cause = NAT_CAUSE_CONNECTION;
}

/* --- all of it --- */

static bool has_entry_step(const struct path *p, size_t before, unsigned int ns)
{
	for (size_t i = before; i-- > 0;)
		if (p->steps[i].ns == ns && p->steps[i].type == STEP_CONNTRACK)
			return true;
	return false;
}

/* Returns whether the step stays. */
static bool explain_conntrack(struct path *p, size_t *at, const struct path_ends *now,
			      const struct view *v, const struct rules_answer *a)
{
	struct step *s = &p->steps[*at];
	struct ct_entry e;
	struct ct_tuple t;
	bool reply;
	int rc;

	if (s->ct.state == CT_NONE) {
		if (is_tracked(p, v, a, s, now->family) != 1)
			return false;
		s->ct.state = CT_INVALID;
		rc = tuple_of(p, now, &t) ? ask(v, &t, 0, &e) : -ENOENT;
		if (!rc || rc == -ENOENT) /* else nobody knows whether there is a connection */
			s->ct.why = why_invalid(p, now, !rc, &e);
		return true;
	}
	if (s->ct.state == CT_UNTRACKED) {
		*at = explain_untracked(p, *at);
		return true;
	}
	if (find_entry(p, *at, now, s->ct.id, v, a, &e, &reply))
		keep_entry(p, s, &e, reply);
	s->ct.skips_nat = (s->ct.state == CT_ESTABLISHED || s->ct.state == CT_RELATED) &&
			  p->certainty == CERTAIN_EXACT && has_nat_chain(a, now->family, HOOK_NONE) &&
			  !visits_nat(p, s->ns);
	return true;
}

/* The engine says nothing of conntrack here, but addresses changed: what it has of the connection. */
static void add_entry(struct path *p, size_t *at, const struct path_ends *now, const struct view *v,
		      const struct rules_answer *a)
{
	const struct step nat = p->steps[*at];
	struct ct_entry e;
	struct step *s;
	bool reply;

	if (has_entry_step(p, *at, nat.ns) || !find_entry(p, *at, now, 0, v, a, &e, &reply))
		return;
	s = path_insert(p, *at, STEP_CONNTRACK, nat.family, nat.hook);
	if (!s)
		return;
	s->ns = nat.ns;
	s->visit = nat.visit;
	keep_entry(p, s, &e, reply);
	++*at;
}

void connections_annotate(struct path *p, const struct view *views, const struct path_rules *rules)
{
	struct path_ends now = path_ends(p);

	for (size_t i = 0; i < p->n_steps; i++) {
		struct step *s = &p->steps[i];
		const struct view *v = &views[s->ns];
		const struct rules_answer *a;

		if (s->type != STEP_CONNTRACK && s->type != STEP_NAT && s->type != STEP_HEADERS)
			continue;
		a = resolve_answer(p, s, rules);
		if (s->type == STEP_CONNTRACK && !explain_conntrack(p, &i, &now, v, a)) {
			remove_at(p, i--);
			continue;
		}
		if (s->type == STEP_NAT)
			add_entry(p, &i, &now, v, a);
		s = &p->steps[i];
		if (s->type == STEP_NAT) {
			s->nat.from_src = now.src;
			s->nat.from_dst = now.dst;
			s->nat.from_ports = now.has_ports;
		}
		path_ends_pass(&now, s);
	}
	/* Indices are those that will stay. */
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == STEP_NAT)
			find_cause(p, i, resolve_answer(p, &p->steps[i], rules));
}
