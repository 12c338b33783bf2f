// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/advice.h"

#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "route/collect.h"
#include "route/fixes.h"
#include "src/clock.h"
#include "src/routed.h"

enum { KEPT = 64 };

/* Decisions are made again in at most a fifth of the time, after a pause for this long: most take 1 ms,
 * but a refusal in a table of a million routes 0.1 s. */
enum { SHARE = 5 };
static const int64_t saved_ns = 1000LL * 1000 * 1000;

/* Of settings that nobody tells of, an answer is not older than this. */
static const uint64_t kept_ns = 1000ULL * 1000 * 1000;

enum {
	RPF = 1 << ROUTE_RPF_STRICT | 1 << ROUTE_RPF_LOOSE,
	REFUSES = 1 << ROUTE_NO_ROUTE | 1 << ROUTE_UNREACHABLE | 1 << ROUTE_PROHIBIT |
		  1 << ROUTE_BLACKHOLE,
	MARTIAN = 1 << ROUTE_MARTIAN_SOURCE | 1 << ROUTE_MARTIAN_DESTINATION,
	ANY = RPF | REFUSES | MARTIAN | 1 << ROUTE_LOCAL_SOURCE | 1 << ROUTE_FORWARDING_OFF |
	      1 << ROUTE_NOT_JOINED | 1 << ROUTE_PROTOCOL_OFF,
};

/* What the kernel calls a refusal, and what route_decide() may call it: bits of enum route_reason. */
static const struct {
	const char *said;
	uint32_t reasons;
} words[] = {
	{"IP_RPFILTER", RPF},
	{"IP_INADDRERRORS", REFUSES | 1 << ROUTE_FORWARDING_OFF},
	{"IP_INNOROUTES", 1 << ROUTE_NO_ROUTE},
	{"IP_LOCAL_SOURCE", 1 << ROUTE_LOCAL_SOURCE},
	{"IP_INVALID_SOURCE", 1 << ROUTE_MARTIAN_SOURCE},
	{"IP_INVALID_DEST", 1 << ROUTE_MARTIAN_DESTINATION},
	{"IP_LOCALNET", MARTIAN},
	{"none", 1 << ROUTE_NO_ROUTE},
	{"unreachable", 1 << ROUTE_UNREACHABLE},
	{"prohibit", 1 << ROUTE_PROHIBIT},
	{"blackhole", 1 << ROUTE_BLACKHOLE},
};

static uint32_t reasons_of_word(const char *said)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].said, said))
			return words[i].reasons;
	return 0;
}

/* What can have refused it, for all that the kernel says. 0: not routing. */
static uint32_t reasons_of(const struct path *p, const struct step *s)
{
	bool in_routing = p->left_last && p->last_hook == NF_INET_PRE_ROUTING;

	if (s->type == STEP_RP_FILTER)
		return RPF | 1 << ROUTE_LOCAL_SOURCE | 1 << ROUTE_MARTIAN_SOURCE;
	if (s->type == STEP_ROUTE)
		return s->route.result ? reasons_of_word(s->route.result) : 0;
	if (s->type != STEP_DROP)
		return 0;
	/* Older kernels give no reason, or none for this. */
	if (!s->drop.reason || !strcmp(s->drop.reason, "NOT_SPECIFIED"))
		return in_routing ? ANY : 0;
	return reasons_of_word(s->drop.reason);
}

/* CPU time that may be spent still. */
static int64_t budget(int64_t spent)
{
	static int64_t left;
	static uint64_t last;
	uint64_t now = clock_ns();

	left += last ? (int64_t)((now - last) / SHARE) : saved_ns;
	if (left > saved_ns)
		left = saved_ns;
	left -= spent;
	last = now;
	return left;
}

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* --- what was looked up --- */

static const struct path_lookup *last_lookup(const struct path *p)
{
	for (size_t i = p->n_steps; i-- > 0;) {
		const struct step *s = &p->steps[i];

		if (s->type == STEP_ROUTE && s->route.input && s->route.n_asked &&
		    s->ns == path_here(p)->ns)
			return &p->lookups[s->route.at];
	}
	return NULL;
}

/* Refused before anything was looked up. The headers that routing saw: DNAT was before it. */
static bool flow_of_headers(const struct path *p, struct view *v, struct route_flow *flow)
{
	const struct packet *packet = &p->packet;
	const struct endpoint *dst = &packet->dst;
	int iif = packet->iif[0] ? netconf_ifindex(v->netconf, packet->iif) : 0;

	/* In a namespace further on it came by a device, and with headers, that are not told here. */
	if (p->n_places != 1 || !packet->has_addrs || iif <= 0)
		return false;
	flow->family = packet->family;
	flow->iif = iif;
	flow->mark = packet->mark;
	flow->proto = packet->proto;
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == STEP_NAT && p->steps[i].nat.dnat)
			dst = &p->steps[i].nat.dst;
	memcpy(flow->dst, dst->addr, packet->family == AF_INET ? 4 : 16);
	memcpy(flow->src, packet->src.addr, packet->family == AF_INET ? 4 : 16);
	if (packet->has_ports) {
		flow->sport = packet->src.port;
		flow->dport = dst->port;
	}
	return true;
}

static bool flow_of(const struct path *p, struct view *v, struct route_flow *flow)
{
	const struct path_lookup *lookup = last_lookup(p);

	memset(flow, 0, sizeof(*flow)); /* flows are compared byte by byte */
	if (lookup)
		memcpy(flow, &lookup->flow, sizeof(*flow));
	else if (!flow_of_headers(p, v, flow))
		return false;
	flow->has_src = true;
	return true;
}

/* --- the decision, made again --- */

struct advice {
	bool made;
	unsigned int ns;
	struct route_flow flow;
	uint64_t at_ns;
	enum route_reason reason; /* ROUTE_PASSES: it is not refused, or it cannot be said */
	char sentence[320];
	char *fix; /* owned */
};

static void decide(struct advice *a, struct view *v)
{
	struct route_collector *c = route_collector_open(v->ns->fd, NULL);
	struct route_fix fixes[ROUTE_FIXES];
	struct route_flow flow = a->flow;
	struct route_decision d = {0};
	struct route_facts f;
	size_t n;

	if (!c)
		return;
	if (!route_collect(c, &flow, &f, NULL)) {
		if (!route_collect_and_decide(c, &f, &flow, &d, NULL) && d.verdict == ROUTE_DROP) {
			a->reason = d.reason;
			memcpy(a->sentence, d.sentence, sizeof(a->sentence));
			n = route_fixes(c, &f, &flow, &d, fixes);
			if (n && asprintf(&a->fix, "%s (%s)%s%s", fixes[0].change, fixes[0].effect,
					  n > 1 ? ", or " : "", n > 1 ? fixes[1].change : "") < 0)
				a->fix = NULL;
		}
		route_decision_free(&d);
		route_facts_free(&f);
	}
	route_collector_close(c);
}

/* NULL: not now. */
static const struct advice *advice_about(const struct path *p, struct view *v,
					 const struct route_flow *flow)
{
	static struct advice kept[KEPT];
	uint64_t now = clock_ns();
	unsigned int hash = path_here(p)->ns;
	struct advice *a;
	int64_t begin;

	for (size_t i = 0; i < sizeof(*flow); i++)
		hash = hash * 31 + ((const uint8_t *)flow)[i];
	a = &kept[hash % KEPT];
	if (a->made && a->ns == path_here(p)->ns && !memcmp(&a->flow, flow, sizeof(*flow)) &&
	    now < a->at_ns + kept_ns && netconf_changed(v->netconf, flow->family) < a->at_ns)
		return a;
	if (budget(0) <= 0)
		return NULL;
	begin = cpu_ns();
	free(a->fix);
	*a = (struct advice){.made = true, .ns = path_here(p)->ns, .at_ns = now};
	memcpy(&a->flow, flow, sizeof(*flow));
	decide(a, v);
	budget(cpu_ns() - begin);
	return a;
}

void advise(struct path *p, struct view *views)
{
	const struct step *s = p->decided_by >= 0 ? &p->steps[p->decided_by] : NULL;
	struct view *v = &views[path_here(p)->ns];
	uint32_t reasons = s && p->verdict == PATH_DROPPED ? reasons_of(p, s) : 0;
	const struct advice *a;
	struct route_flow flow;

	if (!reasons || !flow_of(p, v, &flow) || !routed_is_current(p, flow.family, v))
		return;
	a = advice_about(p, v, &flow);
	/* Both what was read and what the packet met must be of the same time. */
	if (!a || !(reasons & 1u << a->reason) || !routed_is_current(p, flow.family, v))
		return;
	p->refused = route_reason_name(a->reason);
	p->refusal = path_str(p, a->sentence);
	p->fix = path_str(p, a->fix ? a->fix : route_no_fix(a->reason));
}

void advise_arp(struct path *p, struct view *views)
{
	struct view *v = &views[path_here(p)->ns];
	struct step *s = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
	const struct advice *a = NULL;
	struct route_flow flow;

	/* Without a lookup it is not known that routing was asked at all. */
	if (!p->packet.arp_request || !last_lookup(p) || !flow_of(p, v, &flow))
		return;
	if (routed_is_current(p, AF_INET, v))
		a = advice_about(p, v, &flow);
	if (!a || !routed_is_current(p, AF_INET, v)) {
		p->unseen = "whether rp_filter let it be answered";
		return;
	}
	if (!((RPF | MARTIAN | 1u << ROUTE_LOCAL_SOURCE) & 1u << a->reason))
		return;
	if (s->type != STEP_RP_FILTER)
		s = path_add(p, STEP_RP_FILTER, NFPROTO_IPV4, HOOK_NONE);
	if (!s)
		return;
	s->rpf.pass = false;
	s->rpf.iif = path_str(p, p->packet.iif);
	s->rpf.reason = path_str(p, a->sentence);
}
