// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/hook_verdict.h"

#include <inttypes.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "src/bytes.h"
#include "src/decision.h"

/* Where the packet was when it was dropped, and what is known to have let it pass there. */
struct spot {
	unsigned int ns;
	uint8_t family, hook;
	const struct step *last; /* of the ruleset, of this visit; NULL: none */
};

static bool is_of_ruleset(const struct step *s)
{
	return s->type == STEP_RULE || s->type == STEP_POLICY || s->type == STEP_RETURN;
}

/* NF_DROP of a hook function is carried out by nf_hook_slow(), with a reason since Linux 5.17. */
static bool is_by_hook(const struct step *drop)
{
	static const char function[] = "nf_hook_slow";
	const char *at = drop->drop.location;

	return at && !strncmp(at, function, sizeof(function) - 1) &&
	       strcspn(at, "+") == sizeof(function) - 1 &&
	       (!drop->drop.reason || !strcmp(drop->drop.reason, "NETFILTER_DROP") ||
		!strcmp(drop->drop.reason, "NOT_SPECIFIED"));
}

/* The hook after the one that it left; HOOK_NONE: it depends. */
static uint8_t next_hook(const struct path *p, size_t drop)
{
	switch (p->last_hook) {
	case NF_INET_LOCAL_OUT:
	case NF_INET_FORWARD:
		return NF_INET_POST_ROUTING;
	case NF_INET_PRE_ROUTING:
		for (size_t i = drop; i-- > 0 && p->steps[i].ns == p->steps[drop].ns;) {
			const char *result =
				p->steps[i].type == STEP_ROUTE ? p->steps[i].route.result : NULL;

			if (result)
				return !strcmp(result, "unicast")  ? NF_INET_FORWARD
				       : !strcmp(result, "local") ? NF_INET_LOCAL_IN
								  : HOOK_NONE;
		}
	}
	return HOOK_NONE;
}

/* A hook that is entered is not always said to be: then its first rule tells. */
static bool find_spot(const struct path *p, size_t drop, struct spot *at)
{
	const struct step *s = NULL;

	*at = (struct spot){.ns = p->steps[drop].ns, .family = p->steps[drop].family};
	for (size_t i = drop; i-- > 0 && !s;)
		if (is_of_ruleset(&p->steps[i]) && p->steps[i].ns == at->ns)
			s = &p->steps[i];
	if (p->last_hook == HOOK_NONE || p->last_family == NFPROTO_BRIDGE ||
	    p->last_family == NFPROTO_ARP)
		return false;
	if (!p->left_last)
		at->hook = p->last_hook;
	else if (s && s->hook != p->last_hook && !(path_here(p)->passed & 1u << s->hook))
		at->hook = s->hook;
	else
		at->hook = next_hook(p, drop);
	if (s && s->hook == at->hook && s->visit == p->visit)
		at->last = s;
	return at->hook != HOOK_NONE && (at->family == NFPROTO_IPV4 || at->family == NFPROTO_IPV6);
}

static bool begins(const char *s, const char *with)
{
	return s && !strncmp(s, with, strlen(with));
}

static bool is_conntrack(const struct hook_fn *f)
{
	static const char *const names[] = {"ipv4_conntrack_", "ipv6_conntrack_", "nf_confirm",
					    "ipv4_confirm",    "ipv6_confirm",	 "nf_conntrack"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (begins(f->function, names[i]) && !strstr(f->function, "defrag"))
			return true;
	return false;
}

/* Security marks come from rules alone, SECMARK and its like. */
static bool has_secmark(const struct path *p)
{
	for (const struct step *s = p->steps; s < p->steps + p->n_steps; s++)
		if (s->type == STEP_RULE && (!s->rule.text || strstr(s->rule.text, "SECMARK") ||
					     strstr(s->rule.text, "secmark")))
			return true;
	return false;
}

/* What drops only when it has no memory, only fragments, or only packets with a security mark
 * (apparmor_ip_postroute()): with anything else at hand, it was not this. */
static bool is_harmless(const struct path *p, const struct hook_fn *f)
{
	return hook_calls_chains(f) ||
	       (begins(f->function, "apparmor_ip_postroute") && !has_secmark(p)) || (f->function && strstr(f->function, "defrag")) ||
	       begins(f->function, "ip_sabotage_in");
}

/* Rules of it would be heard of. */
static bool is_heard_of(const struct hook_fn *f)
{
	return f->kind == HOOK_CHAIN || f->kind == HOOK_LEGACY;
}

static bool is_at(const struct hook_fn *f, const struct spot *at)
{
	return f->family == at->family && f->hook == at->hook;
}

/* Has the packet been through this chain or table here? */
static bool was_visited(const struct path *p, const struct spot *at, const struct hook_fn *f)
{
	for (const struct step *s = p->steps; s < p->steps + p->n_steps; s++) {
		if (!is_of_ruleset(s) || s->ns != at->ns || s->hook != at->hook ||
		    s->visit != p->visit || !s->rule.table || !f->table ||
		    (f->kind == HOOK_CHAIN && s->family != f->chain_family) ||
		    strcmp(s->rule.table, f->table) != 0)
			continue;
		if (f->kind == HOOK_LEGACY ? s->backend == BACKEND_IPTABLES_LEGACY
					   : f->chain && s->backend != BACKEND_IPTABLES_LEGACY &&
						     s->rule.priority == f->priority)
			return true;
	}
	return false;
}

/* Chains of nfpath and those that NAT calls for first packets only say nothing when they are not
 * heard of. */
static bool ends_search(const struct hook_fn *f)
{
	return is_heard_of(f) && !f->inside && !begins(f->table, "nfpath_") &&
	       !(f->type && !strcmp(f->type, "nat"));
}

struct suspects {
	const struct hook_fn *v[8];
	size_t n;
	bool more;
};

static void add(struct suspects *s, const struct hook_fn *f)
{
	if (s->n < sizeof(s->v) / sizeof(s->v[0]))
		s->v[s->n++] = f;
	else
		s->more = true;
}

/* harmless: those that hardly ever drop. */
static void suspect(const struct path *p, const struct spot *at, const struct hook_list *l,
		    bool conntrack, bool harmless, struct suspects *out)
{
	size_t first = 0, last = l->n;

	for (size_t i = 0; i < l->n; i++)
		if (is_at(&l->v[i], at) && is_heard_of(&l->v[i]) && was_visited(p, at, &l->v[i]))
			first = i + 1;
	for (size_t i = first; i < l->n && last == l->n; i++)
		if (is_at(&l->v[i], at) && ends_search(&l->v[i]))
			last = i;
	*out = (struct suspects){0};
	for (size_t i = first; i < last; i++) {
		const struct hook_fn *f = &l->v[i];

		if (!is_at(f, at) || is_heard_of(f) || f->inside)
			continue;
		if (is_conntrack(f) ? conntrack : is_harmless(p, f) == harmless)
			add(out, f);
	}
}

static void set_function(struct path *p, struct step *s, const struct hook_fn *f)
{
	s->verdict = VERDICT_DROP;
	s->hookfn.function = path_str(p, f->function);
	s->hookfn.module = path_str(p, f->module);
	s->hookfn.priority = f->priority;
	s->hookfn.bpf_id = f->kind == HOOK_BPF ? f->bpf_id : 0;
	s->hookfn.bpf_name = *f->bpf_name ? path_str(p, f->bpf_name) : NULL;
}

static void decide(struct path *p, size_t drop, const struct spot *at, const struct hook_fn *f)
{
	unsigned int visit = p->steps[drop].visit;
	struct step *s = path_insert(p, drop, STEP_HOOK, at->family, at->hook);

	if (!s)
		return;
	s->ns = at->ns;
	s->visit = visit;
	set_function(p, s, f);
	p->decided_by = (int)drop;
	p->unseen = NULL;
}

static void name_all(struct path *p, const struct spot *at, const char *did,
		     const struct suspects *who)
{
	struct bytes_out b = {0};

	bytes_printf(&b, "which function of the %s hook %s it: ", hook_name(at->family, at->hook),
		     did);
	for (size_t i = 0; i < who->n; i++) {
		struct step s = {.type = STEP_HOOK};

		set_function(p, &s, who->v[i]);
		bytes_str(&b, !i ? "" : i + 1 < who->n || who->more ? ", " : " or ");
		decision_name(&b, &s);
	}
	bytes_str(&b, who->more ? " or another one" : "");
	bytes_char(&b, '\0');
	if (!b.failed)
		p->unseen = path_str(p, b.data);
	bytes_free(&b);
}

/* Between two hooks of IP may be those of a bridge, of whose functions not all are heard of either. */
static bool has_bridge(const struct hook_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].family == NFPROTO_BRIDGE)
			return true;
	return l->n_gaps;
}

/* NF_STOLEN, and nothing was heard of the packet since: who may have kept it. A queue of the kernel's own
 * (NFQUEUE) says so by its rule. */
static void name_keepers(struct path *p, const struct view *views, const struct path_rules *rules)
{
	/* The hook's family may be that of a table for both. */
	struct spot at = {.ns = path_here(p)->ns, .family = p->packet.family, .hook = p->last_hook};
	const struct step here = {.type = STEP_HOOK, .ns = at.ns};
	const struct rules_answer *a = resolve_answer(p, &here, rules);
	const struct hook_list *l;
	struct suspects who;

	l = a && a->n ? hook_view_list(views[at.ns].hooks, a->rs[0], true) : NULL;
	if (!l || p->last_family == NFPROTO_BRIDGE || p->last_family == NFPROTO_ARP)
		return;
	suspect(p, &at, l, false, false, &who);
	if (who.n)
		name_all(p, &at, "may have kept", &who);
}

void blame_hook(struct path *p, const struct view *views, const struct path_rules *rules)
{
	int drop = p->verdict == PATH_DROPPED ? p->decided_by : -1;
	const struct rules_answer *a;
	const struct hook_list *l;
	struct suspects who;
	struct spot at;

	if (p->verdict == PATH_UNKNOWN && !p->left_last && p->last_hook != HOOK_NONE && !p->unseen)
		name_keepers(p, views, rules);
	if (drop < 0 || p->steps[drop].type != STEP_DROP || !is_by_hook(&p->steps[drop]) ||
	    !find_spot(p, drop, &at))
		return;
	a = resolve_answer(p, &p->steps[drop], rules);
	l = a && a->n ? hook_view_list(views[at.ns].hooks, a->rs[0], true) : NULL;
	if (!l)
		return;
	suspect(p, &at, l, conntrack_has_dropped(views[at.ns].conntrack) != 0, false, &who);
	if (!who.n)
		suspect(p, &at, l, true, true, &who);
	if (who.n == 1 && !who.more && p->certainty == CERTAIN_EXACT &&
	    !(p->left_last && !at.last && has_bridge(l)))
		decide(p, drop, &at, who.v[0]);
	else if (who.n)
		name_all(p, &at, "dropped", &who);
	for (size_t i = 0; i < who.n; i++)
		p->by_conntrack |= is_conntrack(who.v[i]);
}
