// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/rp_filter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <linux/rtnetlink.h>

int rp_filter_mode(int all, int dev_mode)
{
	int max = all > dev_mode ? all : dev_mode;

	if (max >= RP_LOOSE || (all >= 0 && dev_mode >= 0))
		return max;
	return RP_UNKNOWN;
}

const char *rp_filter_mode_name(int mode)
{
	switch (mode) {
	case RP_OFF:
		return "off";
	case RP_STRICT:
		return "strict";
	case RP_LOOSE:
		return "loose";
	default:
		return "unknown";
	}
}

__attribute__((format(printf, 4, 5))) static int verdict(struct rp_verdict *v, bool pass,
							 enum rp_cause cause, const char *fmt, ...)
{
	va_list ap;

	v->pass = pass;
	v->cause = cause;
	va_start(ap, fmt);
	vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
	return 0;
}

/* Its name, or its number where there is none. */
static const char *leg_name(const struct rp_leg *leg, char *buf, size_t len)
{
	if (leg->dev && *leg->dev)
		return leg->dev;
	snprintf(buf, len, "device %u", leg->ifindex);
	return buf;
}

/* fib_info_nh_uses_dev(): any leg of a multipath route will do. */
static bool leaves_by_iif(const struct rp_input *in)
{
	size_t i;

	for (i = 0; i < in->n_legs; i++)
		if (in->legs[i].ifindex == in->iif.ifindex)
			return true;
	return false;
}

/* There is no route back that could pass at all: fails under either mode (last_resort in the
 * kernel). */
static int no_way_back(const struct rp_input *in, struct rp_verdict *v)
{
	char iif[32];

	if (v->mode == RP_UNKNOWN)
		return -ENODATA;
	if (v->mode == RP_OFF)
		return verdict(v, true, RP_PASSES, "off: the source is not checked");
	if (!in->type)
		return verdict(v, false, RP_NO_ROUTE, "%s: no route back to %s",
			       rp_filter_mode_name(v->mode), in->src);
	return verdict(v, false, RP_OTHER_DEVICE,
		       "%s: %s has no IPv4 address and the route back to %s does not leave by it",
		       rp_filter_mode_name(v->mode), leg_name(&in->iif, iif, sizeof(iif)), in->src);
}

static int other_device(const struct rp_input *in, struct rp_verdict *v)
{
	char iif[32], out[32];

	switch (v->mode) {
	case RP_UNKNOWN:
		return -ENODATA;
	case RP_OFF:
		return verdict(v, true, RP_PASSES, "off: the source is not checked");
	case RP_STRICT:
		return verdict(v, false, RP_OTHER_DEVICE,
			       "strict: the route back to %s leaves by %s, not by %s", in->src,
			       in->n_legs ? leg_name(&in->legs[0], out, sizeof(out)) : "no device",
			       leg_name(&in->iif, iif, sizeof(iif)));
	default:
		return verdict(v, true, RP_PASSES,
			       "loose: there is a route back to %s, by whatever device", in->src);
	}
}

int rp_filter_judge(const struct rp_input *in, struct rp_verdict *v)
{
	char iif[32];

	*v = (struct rp_verdict){.mode = rp_filter_mode(in->all, in->dev_mode)};
	/* fib_validate_source(): secpath_exists(skb) turns it off. */
	if (in->ipsec)
		v->mode = RP_OFF;
	/* This holds in every mode. */
	if (in->type == RTN_LOCAL && !in->accept_local)
		return verdict(v, false, RP_LOCAL_SOURCE,
			       "the source %s is an address of this host (accept_local is 0)",
			       in->src);
	/* With the mode off the kernel mostly asks only whether the source is its own address. */
	if ((v->mode != RP_OFF || in->full_check) && in->type && in->type != RTN_UNICAST && in->type != RTN_LOCAL)
		return v->mode == RP_UNKNOWN
			       ? -ENODATA
			       : verdict(v, false, RP_INVALID_SOURCE,
					 "the source %s is no unicast address", in->src);
	if (!in->type)
		return no_way_back(in, v);
	if (leaves_by_iif(in))
		return verdict(v, true, RP_PASSES, "%s: the route back to %s leaves by %s",
			       rp_filter_mode_name(v->mode), in->src,
			       leg_name(&in->iif, iif, sizeof(iif)));
	return in->no_addr ? no_way_back(in, v) : other_device(in, v);
}
