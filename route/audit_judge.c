// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/audit_judge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *back_device(const struct route_decision *d)
{
	const struct fib_route *back = d->reverse.made ? d->reverse.route : NULL;

	return back && back->n_legs ? back->legs[0].dev : "";
}

/* One finding for all sources that come and go by the same devices. */
static struct audit_finding *merge(struct audit *a, const char *kind, const char *dev,
				   const char *back, bool *known)
{
	struct audit_finding *f;

	*known = true;
	for (size_t i = 0; i < a->n_findings; i++) {
		f = &a->findings[i];
		if (!strcmp(f->kind, kind) && !strcmp(f->dev, dev) && !strcmp(f->back, back)) {
			f->count++;
			return f;
		}
	}
	*known = false;
	f = audit_add(a, kind, dev);
	if (f)
		snprintf(f->back, sizeof(f->back), "%s", back);
	return f;
}

static int note(struct route_collector *c, struct audit *a, const char *kind, const char *dev,
		struct route_facts *facts, const struct route_flow *flow, struct route_decision *d)
{
	struct route_fix fixes[ROUTE_FIXES];
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
	bool known;
	struct audit_finding *f = merge(a, kind, dev, back_device(d), &known);

	if (!f)
		return -ENOMEM;
	if (known)
		return 0;
	snprintf(f->sentence, sizeof(f->sentence), "%s > %s is dropped: %s",
		 inet_ntop(AF_INET, flow->src, src, sizeof(src)),
		 inet_ntop(AF_INET, flow->dst, dst, sizeof(dst)), d->sentence);
	if (route_fixes(c, facts, flow, d, fixes))
		snprintf(f->fix, sizeof(f->fix), "%s", fixes[0].change);
	return 0;
}

/* It passes, but only since rp_filter is not strict here: what the host answers leaves elsewhere.
 * The fix is what would let it pass if it were, other than to loosen rp_filter. */
static int judge_way_back(struct route_collector *c, struct audit *a, const char *dev,
			  struct route_facts *facts, const struct route_flow *flow)
{
	int mode = rp_filter_mode(a->all.rp_filter, facts->dev.rp_filter);
	struct route_decision d = {0};
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
	struct route_fix fixes[ROUTE_FIXES];
	struct audit_finding *f;
	bool known;
	size_t n;
	int rc;

	facts->all.rp_filter = facts->dev.rp_filter = RP_STRICT;
	rc = route_collect_and_decide(c, facts, flow, &d, NULL);
	if (!rc && d.reason == ROUTE_RPF_STRICT && *back_device(&d)) {
		f = merge(a, "asymmetric", dev, back_device(&d), &known);
		rc = f ? 0 : -ENOMEM;
		if (f && !known) {
			snprintf(f->sentence, sizeof(f->sentence),
				 "%s > %s passes (rp_filter %s), and the answers leave by %s, "
				 "not by %s",
				 inet_ntop(AF_INET, flow->src, src, sizeof(src)),
				 inet_ntop(AF_INET, flow->dst, dst, sizeof(dst)),
				 rp_filter_mode_name(mode), f->back, dev);
			n = route_fixes(c, facts, flow, &d, fixes);
			for (size_t i = 0; i < n && !*f->fix; i++)
				if (!strncmp(fixes[i].change, "ip ", 3))
					memcpy(f->fix, fixes[i].change, sizeof(f->fix));
		}
	}
	route_decision_free(&d);
	return rc;
}

static bool worth_judging(const struct audit_device *dev, const struct audit_source *s)
{
	return dev && dev->dev.up && !dev->dev.loopback && (dev->has_addr || s->has_to);
}

int audit_judge(struct route_collector *c, struct audit *a, const char *kind,
		const struct audit_source *s, struct error *err)
{
	struct audit_device *dev = audit_device(a, s->ifindex);
	struct route_flow flow = {.family = AF_INET, .has_src = true, .iif = s->ifindex};
	struct route_facts facts;
	struct route_decision d = {0};
	int rc;

	if (!worth_judging(dev, s))
		return 0;
	memcpy(flow.src, s->addr, ROUTE_ADDR);
	memcpy(flow.dst, s->has_to ? s->to : dev->addr, ROUTE_ADDR);
	if (!memcmp(flow.src, flow.dst, ROUTE_ADDR))
		return 0;
	a->sources++;
	rc = route_collect(c, &flow, &facts, err);
	if (rc)
		return rc;
	rc = route_collect_and_decide(c, &facts, &flow, &d, err);
	if (!rc && (d.reason == ROUTE_RPF_STRICT || d.reason == ROUTE_RPF_LOOSE))
		rc = note(c, a, kind, dev->dev.name, &facts, &flow, &d);
	else if (!rc && d.verdict == ROUTE_PASS && d.effective.rp_filter != RP_STRICT)
		rc = judge_way_back(c, a, dev->dev.name, &facts, &flow);
	route_decision_free(&d);
	route_facts_free(&facts);
	return rc;
}
