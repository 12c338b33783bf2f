// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/drop_cause.h"

#include <string.h>

#include "src/decision.h"

/* enum skb_drop_reason (include/net/dropreason-core.h), as far as a name is not enough. The first
 * that fits counts. A name that ends with _ stands for all that begin so; behind @ stands the function
 * that freed the packet. */
static const struct {
	const char *reason, *type, *words;
} reasons[] = {
	{"NO_SOCKET", "socket", "no socket takes it"},
	{"SOCKET_CLOSE", "socket", "the socket was closed"},
	{"SOCKET_FILTER", "socket", "a filter of the socket refused it"},
	{"SOCKET_RCVBUFF", "socket", "the socket's receive buffer is full"},
	{"SOCKET_BACKLOG", "socket", "the socket's backlog is full"},
	{"PROTO_MEM", "socket", "the protocol's memory is used up"},
	{"PACKET_SOCK_ERROR", "socket", "a packet socket did not take it"},
	{"IP_NOPROTO", "socket", "nobody here takes its protocol"},
	{"TCP_LISTEN_OVERFLOW", "socket", "the listening socket's queue is full"},
	{"TCP_CSUM", "other", "the checksum of TCP is wrong"},
	{"TCP_", "socket", NULL},
	{"UDP_CSUM", "other", "the checksum of UDP is wrong"},
	{"ICMP_CSUM", "other", "the checksum of ICMP is wrong"},
	{"IP_CSUM", "other", "the checksum of IP is wrong"},
	{"IP_INHDR@ip_forward", "other", "its TTL is over"},
	{"IP_INHDR@ip6_forward", "other", "its hop limit is over"},
	{"IP_INHDR", "other", "its IP header is not valid"},
	{"IP_RPFILTER", "rp_filter", "rp_filter"},
	{"IP_INNOROUTES", "route", "there is no route"},
	{"IP_OUTNOROUTES", "route", "there is no route"},
	{"IP_INADDRERRORS", "route", "forwarding is off, or there is no route"},
	{"IP_LOCAL_SOURCE", "route", "its source is an address of this host"},
	{"IP_INVALID_SOURCE", "route", "its source is no address of a host (martian)"},
	{"IP_INVALID_DEST", "route", "its destination is no address to send to (martian)"},
	{"IP_LOCALNET", "route", "127.0.0.0/8 came from outside (martian)"},
	{"UNICAST_IN_L2_MULTICAST", "other", "unicast in a multicast frame"},
	{"OTHERHOST", "other", "its frame is for another host"},
	{"NETFILTER_DROP", "hook", "netfilter, by whom was not seen"},
	{"NETFILTER_INGRESS", "hook", "netfilter's ingress, by whom was not seen"},
	{"NEIGH_FAILED", "other", "the next hop does not answer"},
	{"NEIGH_QUEUEFULL", "other", "too many wait for the next hop's answer"},
	{"NEIGH_", "other", "the next hop's link-layer address cannot be had"},
	{"PKT_TOO_BIG", "other", "larger than the MTU"},
	{"PKT_TOO_SMALL", "other", "shorter than its headers say"},
	{"FRAG_REASM_TIMEOUT", "other", "a fragment is missing"},
	{"XFRM_POLICY", "other", "a policy of IPsec"},
	{"BPF_CGROUP_EGRESS", "other", "a BPF program of its cgroup"},
	{"SECURITY_HOOK", "other", "a security module"},
	{"XDP", "other", "an XDP program"},
	{"TC_INGRESS", "other", "tc at ingress"},
	{"TC_EGRESS", "other", "tc at egress"},
	{"QDISC_", "other", "the device's queue (qdisc)"},
	{"FQ_", "other", "the device's queue (qdisc)"},
	{"CAKE_", "other", "the device's queue (qdisc)"},
	{"CPU_BACKLOG", "other", "the CPU's backlog is full"},
	{"FULL_RING", "other", "the device's ring is full"},
	{"DEV_READY", "other", "the device is down"},
	{"UNHANDLED_PROTO", "other", "nobody here takes its ethertype"},
	{"NO_TX_TARGET", "other", "no port of the bridge or tunnel takes it"},
	{"QUEUE_PURGE", "other", "a queue was emptied"},
	{"NOMEM", "other", "memory is used up"},
	{"NOT_SPECIFIED@ip6_mc_input", "other", "multicast that nobody here asked for"},
};

static bool is_meant(const char *row, const struct step *drop)
{
	const char *reason = drop->drop.reason, *location = drop->drop.location;
	size_t len = strcspn(row, "@"), where = location ? strcspn(location, "+.") : 0;

	if (row[len] && (strlen(row + len + 1) != where || strncmp(row + len + 1, location, where)))
		return false;
	return !strncmp(row, reason, len) && (row[len - 1] == '_' || !reason[len]);
}

static void by_reason(struct drop_cause *c)
{
	c->type = "other";
	if (!c->kernel || !c->kernel->drop.reason)
		return;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (!is_meant(reasons[i].reason, c->kernel))
			continue;
		c->type = reasons[i].type;
		c->words = reasons[i].words;
		return;
	}
}

static const char *type_of(enum step_type type)
{
	switch (type) {
	case STEP_RULE:
	case STEP_POLICY:
	case STEP_HOOK:
	case STEP_RP_FILTER:
	case STEP_ROUTE:
		return step_type_name(type);
	default:
		return "other";
	}
}

static void by_routing(struct drop_cause *c, const char *refused)
{
	c->type = strncmp(refused, "rp_filter", strlen("rp_filter")) ? "route" : "rp_filter";
	c->refused = refused;
}

void drop_cause(struct drop_cause *c, const struct path *p)
{
	*c = (struct drop_cause){0};
	for (size_t i = p->n_steps; i-- && !c->kernel;)
		if (p->steps[i].type == STEP_DROP)
			c->kernel = &p->steps[i];
	if (p->decided_by >= 0 && p->steps[p->decided_by].type != STEP_DROP)
		c->by = &p->steps[p->decided_by];
	if (c->by)
		c->type = type_of(c->by->type);
	else if (p->refused)
		by_routing(c, p->refused);
	else
		by_reason(c);
}

void drop_cause_name(struct bytes_out *b, const struct drop_cause *c)
{
	if (c->by)
		decision_name(b, c->by);
	else if (c->refused && !strcmp(c->type, "route"))
		bytes_printf(b, "the route: %s", strcmp(c->refused, "no-route") ? c->refused : "none");
	else if (c->refused)
		bytes_str(b, c->refused);
	else if (c->words)
		bytes_str(b, c->words);
	else
		bytes_str(b, c->kernel && c->kernel->drop.reason ? c->kernel->drop.reason
								 : "not known");
}
