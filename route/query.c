// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/rtnetlink.h>

static size_t addr_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* rtm_getroute_parse_ip_proto(). */
static bool proto_is_known(const struct route_flow *flow)
{
	return flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP ||
	       flow->proto == (flow->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

uint8_t route_query_proto(const struct route_flow *flow)
{
	if (proto_is_known(flow))
		return flow->proto;
	return flow->family == AF_INET ? IPPROTO_UDP : 0;
}

static bool has_ports(const struct route_flow *flow)
{
	return flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP;
}

static void put_flow(struct nlmsghdr *nlh, const struct route_flow *flow)
{
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	size_t len = addr_len(flow->family);

	rtm->rtm_family = flow->family;
	rtm->rtm_tos = flow->tos;
	rtm->rtm_dst_len = 8 * len;
	mnl_attr_put(nlh, RTA_DST, len, flow->dst);
	if (flow->has_src) {
		rtm->rtm_src_len = 8 * len;
		mnl_attr_put(nlh, RTA_SRC, len, flow->src);
	}
	if (flow->iif != ROUTE_LOOPBACK)
		mnl_attr_put_u32(nlh, RTA_IIF, flow->iif);
	if (flow->oif)
		mnl_attr_put_u32(nlh, RTA_OIF, flow->oif);
	mnl_attr_put_u32(nlh, RTA_MARK, flow->mark);
	mnl_attr_put_u32(nlh, RTA_UID, flow->uid);
	if (proto_is_known(flow))
		mnl_attr_put_u8(nlh, RTA_IP_PROTO, flow->proto);
	if (has_ports(flow) && flow->sport)
		mnl_attr_put_u16(nlh, RTA_SPORT, htons(flow->sport));
	if (has_ports(flow) && flow->dport)
		mnl_attr_put_u16(nlh, RTA_DPORT, htons(flow->dport));
}

struct route_reader {
	uint8_t family;
	bool found;
	struct fib_route *route;
};

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	struct route_reader *rr = data;

	rr->found |= fib_route_parse(nlh, rr->family, rr->route);
	return MNL_CB_OK;
}

enum { QUESTIONS = 256 };

static struct {
	uint64_t begin, end;
	uint8_t dst[ROUTE_ADDR];
} questions[QUESTIONS];

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

bool route_query_made(uint64_t ktime, const uint8_t *dst)
{
	for (unsigned int i = 0; i < QUESTIONS; i++)
		if (questions[i].begin <= ktime && ktime <= questions[i].end &&
		    !memcmp(questions[i].dst, dst, ROUTE_ADDR))
			return true;
	return false;
}

static int ask_and_note(struct rtnl *r, struct nlmsghdr *nlh, const struct route_flow *flow,
			mnl_cb_t cb, void *data)
{
	static unsigned int next;
	__typeof__(questions[0]) *q = &questions[next++ % QUESTIONS];
	int rc;

	memcpy(q->dst, flow->dst, ROUTE_ADDR);
	q->begin = now();
	rc = rtnl_ask(r, nlh, cb, data);
	q->end = now();
	return rc;
}

int route_query(struct rtnl *r, const struct route_flow *flow, bool match, struct fib_route *route)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETROUTE, sizeof(struct rtmsg));
	struct route_reader rr = {flow->family, false, route};
	int rc;

	put_flow(nlh, flow);
	/* IPv6 names the table unasked, and refuses the flag. */
	((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_flags =
		(flow->family == AF_INET ? RTM_F_LOOKUP_TABLE : 0) | (match ? RTM_F_FIB_MATCH : 0);
	rc = ask_and_note(r, nlh, flow, on_route, &rr);
	return rc ? rc : rr.found ? 0 : -EPROTO;
}

struct table_reader {
	uint8_t family, type;
	uint32_t table;
	const uint8_t *addr;
	void (*begin)(void *data);
	void (*cb)(const struct fib_route *route, void *data);
	void *data;
	struct fib_route route;
};

static void begin_table(void *data)
{
	struct table_reader *tr = data;

	if (tr->begin)
		tr->begin(tr->data);
}

/* Is it worth a closer look? Most routes of a large table are not. */
static bool covers(const struct nlmsghdr *nlh, const uint8_t *addr)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || !rtm->rtm_dst_len)
		return true;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(attr) == RTA_DST &&
		    mnl_attr_get_payload_len(attr) * 8u >= rtm->rtm_dst_len)
			return route_prefix_has(mnl_attr_get_payload(attr), rtm->rtm_dst_len, addr);
	return true;
}

static int on_table_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct table_reader *tr = data;

	if (tr->addr && !covers(nlh, tr->addr))
		return MNL_CB_OK;
	/* Exceptions of routes (RTM_F_CLONED) are no routes of the table. */
	if (!fib_route_parse(nlh, tr->family, &tr->route) || rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	if ((!tr->table || tr->route.table == tr->table) &&
	    (!tr->type || tr->route.type == tr->type))
		tr->cb(&tr->route, tr->data);
	return MNL_CB_OK;
}

int route_query_table(struct rtnl *r, uint8_t family, uint32_t table, uint8_t type,
		      const uint8_t *addr,
		      void (*begin)(void *data),
		      void (*cb)(const struct fib_route *route, void *data), void *data)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETROUTE, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct table_reader tr = {family, type, table, addr, begin, cb, data, {0}};
	int rc;

	rtm->rtm_family = family;
	rtm->rtm_type = type;
	if (table)
		mnl_attr_put_u32(nlh, RTA_TABLE, table);
	rc = rtnl_dump(r, nlh, begin_table, on_table_route, &tr);
	return rc == -ENOENT ? 0 : rc;
}

static void begin_best(void *data)
{
	((struct route_best *)data)->found = false;
}

void route_best_take(const struct fib_route *route, void *data)
{
	struct route_best *b = data;

	if (!fib_route_better(route, b->found ? &b->route : NULL, b->flow))
		return;
	b->route = *route;
	b->found = true;
}

int route_query_best(struct rtnl *r, uint32_t table, uint8_t type, struct route_best *best)
{
	return route_query_table(r, best->flow->family, table, type, best->flow->dst, begin_best,
				 route_best_take, best);
}
