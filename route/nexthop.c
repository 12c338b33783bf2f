// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/nexthop.h"

#include <string.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

struct nexthop {
	struct fib_leg leg;
	bool found, blackhole;
	uint32_t members[FIB_LEGS];
	unsigned int n_members;
};

static void read_group(struct nexthop *nh, const struct nlattr *attr)
{
	const struct nexthop_grp *group = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr) / sizeof(*group);

	for (size_t i = 0; i < n && nh->n_members < FIB_LEGS; i++)
		nh->members[nh->n_members++] = group[i].id;
}

static void read_gateway(struct nexthop *nh, uint8_t family, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	nh->leg.gw_family = family;
	memcpy(nh->leg.gw, mnl_attr_get_payload(attr), len < ROUTE_ADDR ? len : ROUTE_ADDR);
}

static int on_nexthop(const struct nlmsghdr *nlh, void *data)
{
	const struct nhmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct nexthop *nh = data;

	if (nlh->nlmsg_type != RTM_NEWNEXTHOP || mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg))
		return MNL_CB_OK;
	nh->found = true;
	nh->leg.flags = msg->nh_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case NHA_GROUP:
			read_group(nh, attr);
			break;
		case NHA_BLACKHOLE:
			nh->blackhole = true;
			break;
		case NHA_OIF:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				nh->leg.ifindex = mnl_attr_get_u32(attr);
			break;
		case NHA_GATEWAY:
			read_gateway(nh, msg->nh_family, attr);
			break;
		}
	}
	return MNL_CB_OK;
}

static bool ask(struct rtnl *r, uint32_t id, struct nexthop *nh)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETNEXTHOP, sizeof(struct nhmsg));

	memset(nh, 0, sizeof(*nh));
	mnl_attr_put_u32(nlh, NHA_ID, id);
	return !rtnl_ask(r, nlh, on_nexthop, nh) && nh->found;
}

static void add(struct fib_route *route, const struct nexthop *nh)
{
	/* A device of a blackhole is none by which anything leaves. */
	if (nh->blackhole || route->n_legs == FIB_LEGS)
		return;
	route->legs[route->n_legs++] = nh->leg;
	route->n_legs_told++;
}

void route_nexthops_read(struct rtnl *r, struct fib_route *route)
{
	struct nexthop nh, member;

	if (route->n_legs || !route->nexthop_id || !ask(r, route->nexthop_id, &nh))
		return;
	if (!nh.n_members)
		add(route, &nh);
	/* Groups have no groups as members. */
	for (unsigned int i = 0; i < nh.n_members; i++) {
		if (!ask(r, nh.members[i], &member)) {
			route->n_legs = route->n_legs_told = 0;
			return;
		}
		add(route, &member);
	}
}
