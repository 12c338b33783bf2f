// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings that products fight over: one row each. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <linux/fib_rules.h>

#include "route/audit.h"
#include "route/rp_filter.h"

struct product {
	const char *name, *device; /* a pattern */
	unsigned int modes;	   /* bits of rp_filter that it cannot do with */
	const char *trouble;
	const char *before, *after; /* the fix, around the device's name */
};

#define CILIUM                                                                                     \
	"Cilium routes past the tables, so the way back is never what rp_filter looks up; "        \
	"systemd's 50-default.conf sets it for every new device",                                  \
		"sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.",                          \
		".rp_filter=0, after giving the other devices what all gave them"

static const struct product products[] = {
	{"Calico", "cali*", 1 << RP_LOOSE,
	 "Felix refuses loose rp_filter: with it a container could pretend to be another",
	 "sysctl -w net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.", ".rp_filter=1"},
	{"Cilium", "lxc*", 1 << RP_STRICT | 1 << RP_LOOSE, CILIUM},
	{"Cilium", "cilium_*", 1 << RP_STRICT | 1 << RP_LOOSE, CILIUM},
};

static int check_device(struct audit *a, const struct audit_device *d, const struct product *p)
{
	int mode = rp_filter_mode(a->all.rp_filter, d->set.rp_filter);
	struct audit_finding *f;

	if (fnmatch(p->device, d->dev.name, 0) || mode < 0 || !(p->modes & 1u << mode))
		return 0;
	f = audit_add(a, "product", d->dev.name);
	if (!f)
		return -ENOMEM;
	snprintf(f->sentence, sizeof(f->sentence), "%s: rp_filter is %s here. %s", p->name,
		 rp_filter_mode_name(mode), p->trouble);
	snprintf(f->fix, sizeof(f->fix), "%s%s%s", p->before, d->dev.name, p->after);
	return 0;
}

/* wg-quick's "not fwmark 0xca6c lookup 51820": what leads all packets but the tunnel's own into it.
 */
static const struct policy_rule *tunnel_rule(const struct policy_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].invert && rules[i].mask && rules[i].action == FR_ACT_TO_TBL)
			return &rules[i];
	return NULL;
}

/* The tunnel's own packets come back by the device of the host; without their mark the way back
 * leads into the tunnel. */
static int check_tunnel(struct audit *a, const struct policy_rule *rules, size_t n)
{
	const struct policy_rule *r = tunnel_rule(rules, n);

	for (size_t i = 0; r && i < a->n_devices; i++) {
		const struct audit_device *d = &a->devices[i];
		struct audit_finding *f;

		if (!d->gateway || audit_is_overlay(d) || a->all.src_valid_mark > 0 || d->set.src_valid_mark > 0 ||
		    rp_filter_mode(a->all.rp_filter, d->set.rp_filter) != RP_STRICT)
			continue;
		f = audit_add(a, "vpn", d->dev.name);
		if (!f)
			return -ENOMEM;
		snprintf(f->sentence, sizeof(f->sentence),
			 "policy rule %u leads all but marked packets into a tunnel, rp_filter is "
			 "strict here and src_valid_mark is 0: answers to the tunnel's own packets "
			 "are dropped",
			 r->pref);
		snprintf(f->fix, sizeof(f->fix), "sysctl -w net.ipv4.conf.all.src_valid_mark=1");
	}
	return 0;
}

int audit_products(struct audit *a, const struct policy_rule *rules, size_t n_rules)
{
	int rc = 0;

	for (size_t i = 0; i < a->n_devices; i++)
		for (size_t p = 0; !rc && p < sizeof(products) / sizeof(products[0]); p++)
			rc = check_device(a, &a->devices[i], &products[p]);
	return rc ? rc : check_tunnel(a, rules, n_rules);
}
