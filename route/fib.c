// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/fib.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

static const struct {
	const char *name;
	int error;
} types[] = {
	[RTN_UNSPEC] = {"unspec", -EINVAL},
	[RTN_UNICAST] = {"unicast", 0},
	[RTN_LOCAL] = {"local", 0},
	[RTN_BROADCAST] = {"broadcast", 0},
	[RTN_ANYCAST] = {"anycast", 0},
	[RTN_MULTICAST] = {"multicast", 0},
	[RTN_BLACKHOLE] = {"blackhole", -EINVAL},
	[RTN_UNREACHABLE] = {"unreachable", -EHOSTUNREACH},
	[RTN_PROHIBIT] = {"prohibit", -EACCES},
	[RTN_THROW] = {"throw", -EAGAIN},
	[RTN_NAT] = {"nat", -EINVAL},
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

int fib_type_error(uint8_t type)
{
	return type < N_TYPES ? types[type].error : -EINVAL;
}

const char *fib_type_name(uint8_t type)
{
	return type < N_TYPES ? types[type].name : "unknown";
}

static void copy(uint8_t *to, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(to, mnl_attr_get_payload(attr), len < ROUTE_ADDR ? len : ROUTE_ADDR);
}

static uint32_t number(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
}

static void set_gateway(struct fib_leg *leg, const struct nlattr *attr, uint8_t family)
{
	leg->gw_family = family;
	copy(leg->gw, attr);
}

/* RTA_VIA: a gateway of the other family. */
static void set_via(struct fib_leg *leg, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (len < sizeof(*via))
		return;
	leg->gw_family = via->rtvia_family;
	len -= sizeof(*via);
	memcpy(leg->gw, via->rtvia_addr, len < ROUTE_ADDR ? len : ROUTE_ADDR);
}

static void leg_attr(struct fib_leg *leg, const struct nlattr *attr, uint8_t family)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY:
		set_gateway(leg, attr, family);
		break;
	case RTA_VIA:
		set_via(leg, attr);
		break;
	case RTA_OIF:
		leg->ifindex = number(attr);
		break;
	}
}

struct leg_reader {
	struct fib_leg *leg;
	uint8_t family;
};

static int on_leg_attr(const struct nlattr *attr, void *data)
{
	struct leg_reader *lr = data;

	leg_attr(lr->leg, attr, lr->family);
	return MNL_CB_OK;
}

static void add_leg(struct fib_route *r, const struct rtnexthop *nh, uint8_t family)
{
	struct leg_reader lr = {.family = family};

	r->n_legs_told++;
	if (r->n_legs == FIB_LEGS)
		return;
	lr.leg = &r->legs[r->n_legs++];
	*lr.leg = (struct fib_leg){.ifindex = nh->rtnh_ifindex, .flags = nh->rtnh_flags};
	mnl_attr_parse_payload(RTNH_DATA(nh), nh->rtnh_len - sizeof(*nh), on_leg_attr, &lr);
}

static void parse_multipath(struct fib_route *r, const struct nlattr *multipath, uint8_t family)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		add_leg(r, nh, family);
		if ((size_t)RTNH_ALIGN(nh->rtnh_len) >= left)
			return;
		left -= RTNH_ALIGN(nh->rtnh_len);
		nh = RTNH_NEXT(nh);
	}
}

static void parse_attr(struct fib_route *r, const struct nlattr *attr, uint8_t family)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_DST:
		copy(r->dst, attr);
		break;
	case RTA_SRC:
		copy(r->src, attr);
		break;
	case RTA_PRIORITY:
		r->metric = number(attr);
		break;
	case RTA_PREFSRC:
		copy(r->prefsrc, attr);
		r->has_prefsrc = true;
		break;
	case RTA_TABLE:
		r->table = number(attr);
		break;
	case RTA_FLOW:
		r->realms = true;
		break;
	case RTA_NH_ID:
		r->nexthop_id = number(attr);
		break;
	case RTA_MULTIPATH:
		parse_multipath(r, attr, family);
		break;
	}
}

bool fib_route_parse(const struct nlmsghdr *nlh, uint8_t family, struct fib_route *r)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct fib_leg leg = {0};
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    rtm->rtm_family != family)
		return false;
	memset(r, 0, offsetof(struct fib_route, legs));
	r->table = rtm->rtm_table;
	r->type = rtm->rtm_type;
	r->scope = rtm->rtm_scope;
	r->protocol = rtm->rtm_protocol;
	r->tos = rtm->rtm_tos;
	r->plen = rtm->rtm_dst_len;
	r->src_plen = rtm->rtm_src_len;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		parse_attr(r, attr, family);
		leg_attr(&leg, attr, family);
	}
	/* IPv6 gives those that refuse the device lo. */
	if (fib_type_error(r->type))
		r->n_legs = r->n_legs_told = 0;
	else if (!r->n_legs && leg.ifindex) {
		leg.flags = rtm->rtm_flags;
		r->legs[0] = leg;
		r->n_legs = r->n_legs_told = 1;
	}
	return r->plen <= 8 * ROUTE_ADDR && r->src_plen <= 8 * ROUTE_ADDR;
}

/* Is there a next hop that is alive, and leaves by oif where one is asked for? */
static bool has_next_hop(const struct fib_route *r, const struct route_flow *flow)
{
	if (fib_type_error(r->type))
		return true;
	for (unsigned int i = 0; i < r->n_legs; i++) {
		const struct fib_leg *leg = &r->legs[i];

		/* Also one without carrier, where the device ignores such: fib_nexthop_info(). */
		if (leg->flags & RTNH_F_DEAD)
			continue;
		if (!flow->oif || leg->ifindex == flow->oif)
			return true;
	}
	/* Without any that was told (a nexthop object) it is taken to have one. */
	return !r->n_legs;
}

bool fib_route_better(const struct fib_route *r, const struct fib_route *best,
		      const struct route_flow *flow)
{
	if (!route_prefix_has(r->dst, r->plen, flow->dst) ||
	    !route_prefix_has(r->src, r->src_plen, flow->src))
		return false;
	if (flow->family == AF_INET && r->tos && r->tos != (flow->tos & ROUTE_TOS_BITS))
		return false;
	if (!has_next_hop(r, flow))
		return false;
	if (!best || r->plen != best->plen)
		return !best || r->plen > best->plen;
	if (r->src_plen != best->src_plen)
		return r->src_plen > best->src_plen;
	if (r->tos != best->tos)
		return r->tos > best->tos;
	return r->metric < best->metric;
}

const char *fib_error_name(int error)
{
	for (uint8_t type = RTN_BLACKHOLE; error && type <= RTN_PROHIBIT; type++)
		if (fib_type_error(type) == error)
			return fib_type_name(type);
	return NULL;
}
