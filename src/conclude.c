// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/conclude.h"

#include <linux/netfilter.h>
#include <string.h>

static bool decides(const struct step *s)
{
	return s->type == STEP_RULE || s->type == STEP_POLICY;
}

/* Where it was last: what it came through before has no say in how it ended. */
static bool is_here(const struct path *p, const struct step *s)
{
	return s->ns == path_here(p)->ns;
}

static int last_with(const struct path *p, enum verdict v)
{
	for (int i = (int)p->n_steps - 1; i >= 0; i--)
		if (decides(&p->steps[i]) && is_here(p, &p->steps[i]) && p->steps[i].verdict == v)
			return i;
	return -1;
}

static int last_of(const struct path *p, enum step_type type)
{
	for (int i = (int)p->n_steps - 1; i >= 0; i--)
		if (p->steps[i].type == type && is_here(p, &p->steps[i]))
			return i;
	return -1;
}

/* The last accept of a filter in this hook; else in any. */
static int accepted_by(const struct path *p, uint8_t hook)
{
	int any = -1;

	for (int i = (int)p->n_steps - 1; i >= 0; i--) {
		const struct step *s = &p->steps[i];

		if (!decides(s) || !is_here(p, s) || s->verdict != VERDICT_ACCEPT || s->rule.nat_chain)
			continue;
		if (s->hook == hook)
			return i;
		any = any < 0 ? i : any;
	}
	return any >= 0 ? any : last_with(p, VERDICT_ACCEPT);
}

/* Who is to blame for a drop, the most telling first. */
static int dropped_by(struct path *p, int drop)
{
	int i = last_with(p, VERDICT_DROP);

	if (i >= 0)
		return i;
	i = last_of(p, STEP_RP_FILTER);
	if (i >= 0 && !p->steps[i].rpf.pass)
		return i;
	i = last_of(p, STEP_ROUTE);
	if (i >= 0 && p->steps[i].route.error)
		return i;
	return drop;
}

/* A request of ARP from somebody whom routing refuses has no answer. */
static int refused_request(const struct path *p)
{
	const struct step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;

	if (!last || !p->packet.arp_request || !p->left_last)
		return -1;
	return (last->type == STEP_RP_FILTER && !last->rpf.pass) ||
			       (last->type == STEP_ROUTE && last->route.error)
		       ? (int)p->n_steps - 1
		       : -1;
}

static void set(struct path *p, enum path_verdict v, int decided_by)
{
	p->verdict = v;
	p->decided_by = decided_by;
}

/* Who stole it gave it to another device, where it entered a hook. */
static bool went_on(const struct path *p, const struct step *s)
{
	return s->verdict == VERDICT_STOLEN && s->visit != p->visit;
}

/* The last word was a rule's. gone: and it was one that nothing can come after. */
static bool by_last_rule(struct path *p, bool gone)
{
	static const struct {
		enum verdict verdict;
		enum path_verdict path;
	} ends[] = {{VERDICT_DROP, PATH_DROPPED},
		    {VERDICT_QUEUE, PATH_QUEUED},
		    {VERDICT_STOLEN, PATH_STOLEN}};

	for (int i = (int)p->n_steps - 1; i >= 0; i--) {
		if (!decides(&p->steps[i]))
			continue;
		if (!is_here(p, &p->steps[i]) || went_on(p, &p->steps[i]))
			return false;
		for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
			if (p->steps[i].verdict == ends[k].verdict &&
			    !(gone && ends[k].verdict == VERDICT_QUEUE)) {
				set(p, ends[k].path, i);
				return true;
			}
		}
		return false;
	}
	return false;
}

void conclude(struct path *p, const char *blind)
{
	int drop = last_of(p, STEP_DROP);

	if (drop >= 0) {
		set(p, PATH_DROPPED, dropped_by(p, drop));
		/* Only the kernel's reason is known: what could not be seen may be the true one. */
		if (p->decided_by == drop && !p->unseen)
			p->unseen = blind;
	} else if (by_last_rule(p, true)) {
		return; /* egress and bridges have rules behind the last hook of IP */
	} else if (p->left_last && p->last_hook == NF_INET_POST_ROUTING) {
		const struct path_place *here = path_here(p);
		bool forwarded = (here->passed | here->bridge_passed) & 1u << NF_INET_FORWARD;

		set(p, forwarded ? PATH_FORWARDED : PATH_TRANSMITTED,
		    accepted_by(p, forwarded ? NF_INET_FORWARD : NF_INET_LOCAL_OUT));
		if (!blind && !p->unseen && last_of(p, STEP_TRANSMIT) < 0)
			p->unseen = "whether a device took it: its neighbour may not answer, or it "
				    "left "
				    "as fragments or inside another packet";
	} else if (refused_request(p) >= 0) {
		set(p, PATH_DROPPED, refused_request(p));
	} else if (p->left_last && p->last_hook == NF_INET_LOCAL_IN) {
		set(p, PATH_ACCEPTED, accepted_by(p, NF_INET_LOCAL_IN));
	} else if (!by_last_rule(p, false)) {
		set(p, PATH_UNKNOWN, -1);
		if (!p->left_last && p->last_hook != HOOK_NONE)
			path_doubt(p, CERTAIN_NOT,
				   "it vanished inside a hook: a rule took its trace mark off, or "
				   "a function of another module kept it");
		if (!p->unseen)
			p->unseen = blind;
	}
}
