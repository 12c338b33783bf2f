// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netfilter/attrs.h"
#include "netfilter/modules.h"
#include "src/fd.h"
#include "src/netns.h"

enum { BUF_SIZE = 4096, MAX_ATTR = 32 };

struct conntrack {
	int netns_fd;
	struct mnl_socket *nl; /* NULL: not opened yet */
	uint64_t drops_before, invalid_before;
	uint64_t counted_ns; /* CLOCK_MONOTONIC: until then it had taken none for invalid */
	int counted_rc;	     /* 0, or why that cannot be told */
	uint32_t seq;
	_Alignas(struct nlmsghdr) char buf[BUF_SIZE];
};

struct counters {
	uint64_t drops, invalid;
};

/* Columns of a table whose first line has their names; each line below it is a CPU's, in hex. */
static int add_counters(FILE *f, struct counters *c)
{
	char line[1024], names[32][16];
	int columns = 0, rc = -EPROTO;

	for (char *save, *w = fgets(line, sizeof(line), f) ? strtok_r(line, " \n", &save) : NULL;
	     w && columns < 32; w = strtok_r(NULL, " \n", &save))
		snprintf(names[columns++], sizeof(names[0]), "%s", w);
	while (fgets(line, sizeof(line), f)) {
		char *at = line;

		for (int i = 0; i < columns; i++) {
			unsigned long n = strtoul(at, &at, 16);

			if (!strcmp(names[i], "drop") || !strcmp(names[i], "insert_failed"))
				c->drops += n;
			else if (!strcmp(names[i], "invalid"))
				c->invalid += n;
			rc = 0;
		}
	}
	return rc;
}

/* 0; -ENOENT: there is no conntrack, or it does not say. */
static int read_counters(int netns_fd, struct counters *c)
{
	int rc, token = netns_enter(netns_fd);
	FILE *f;

	*c = (struct counters){0};
	if (token < 0)
		return token;
	f = fopen("/proc/thread-self/net/stat/nf_conntrack", "re");
	rc = f ? 0 : -errno;
	netns_leave(token);
	if (f) {
		rc = add_counters(f, c);
		fclose(f);
	}
	return rc;
}

static int read_number(const char *path, unsigned int *n)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return -errno;
	rc = fscanf(f, "%u", n) == 1 ? 0 : -EPROTO;
	fclose(f);
	return rc;
}

int conntrack_fill(const struct conntrack *c, unsigned int *count, unsigned int *max)
{
	int rc, token = netns_enter(c->netns_fd);

	if (token < 0)
		return token;
	rc = read_number("/proc/sys/net/netfilter/nf_conntrack_count", count)
		     ?: read_number("/proc/sys/net/netfilter/nf_conntrack_max", max);
	netns_leave(token);
	return rc;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct conntrack *conntrack_open(int netns_fd)
{
	struct conntrack *c = calloc(1, sizeof(*c));
	struct counters n;

	if (!c)
		return NULL;
	c->netns_fd = netns_fd;
	/* Without conntrack it has done nothing. */
	read_counters(netns_fd, &n);
	c->drops_before = n.drops;
	c->invalid_before = n.invalid;
	return c;
}

void conntrack_close(struct conntrack *c)
{
	if (!c)
		return;
	if (c->nl)
		mnl_socket_close(c->nl);
	free(c);
}

int conntrack_has_dropped(struct conntrack *c)
{
	struct counters n;
	int rc = read_counters(c->netns_fd, &n);

	return rc ? rc : n.drops != c->drops_before;
}

int conntrack_has_refused(struct conntrack *c, uint64_t until_ns)
{
	struct counters n;
	uint64_t now;
	int rc;

	if (until_ns <= c->counted_ns)
		return c->counted_rc;
	now = now_ns();
	rc = read_counters(c->netns_fd, &n);
	if (!rc && n.invalid != c->invalid_before)
		return 1;
	c->counted_ns = now;
	c->counted_rc = rc;
	return rc;
}

static int open_socket(struct conntrack *c)
{
	int rc = 0, token = netns_enter(c->netns_fd);

	if (token < 0)
		return token;
	c->nl = fd_high_mnl(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!c->nl)
		rc = -errno;
	netns_leave(token);
	if (!rc && mnl_socket_bind(c->nl, 0, MNL_SOCKET_AUTOPID)) {
		rc = -errno;
		mnl_socket_close(c->nl);
		c->nl = NULL;
	}
	return rc;
}

/* --- decoding --- */

static bool parse_nested(const struct nlattr **tb, const struct nlattr *nest)
{
	memset(tb, 0, (MAX_ATTR + 1) * sizeof(*tb));
	return attrs_of_nest(nest, tb, MAX_ATTR);
}

static bool get(void *to, size_t len, const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < len)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), len);
	return true;
}

static bool decode_addrs(const struct nlattr *nest, struct ct_tuple *t)
{
	const struct nlattr *tb[MAX_ATTR + 1];

	if (!parse_nested(tb, nest))
		return false;
	t->family = tb[CTA_IP_V4_SRC] ? AF_INET : AF_INET6;
	if (t->family == AF_INET)
		return get(t->src, 4, tb[CTA_IP_V4_SRC]) && get(t->dst, 4, tb[CTA_IP_V4_DST]);
	return get(t->src, 16, tb[CTA_IP_V6_SRC]) && get(t->dst, 16, tb[CTA_IP_V6_DST]);
}

static bool decode_proto(const struct nlattr *nest, struct ct_tuple *t)
{
	const struct nlattr *tb[MAX_ATTR + 1];
	bool six = t->family == AF_INET6;

	if (!parse_nested(tb, nest) || !tb[CTA_PROTO_NUM])
		return false;
	t->proto = attr_u8(tb[CTA_PROTO_NUM]);
	t->sport = attr_u16(tb[CTA_PROTO_SRC_PORT]);
	t->dport = attr_u16(tb[CTA_PROTO_DST_PORT]);
	t->icmp_id = attr_u16(tb[six ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID]);
	t->icmp_type = attr_u8(tb[six ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE]);
	t->icmp_code = attr_u8(tb[six ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE]);
	return true;
}

/* A zone of one direction only stands in its tuple. */
static bool decode_tuple(const struct nlattr *nest, struct ct_tuple *t, uint16_t *zone)
{
	const struct nlattr *tb[MAX_ATTR + 1];
	const struct nlattr *proto;

	if (!parse_nested(tb, nest))
		return false;
	proto = tb[CTA_TUPLE_PROTO];
	if (tb[CTA_TUPLE_ZONE])
		*zone = attr_u16(tb[CTA_TUPLE_ZONE]);
	return decode_addrs(tb[CTA_TUPLE_IP], t) && decode_proto(proto, t);
}

static uint8_t decode_tcp_state(const struct nlattr *protoinfo)
{
	const struct nlattr *tb[MAX_ATTR + 1];

	if (!parse_nested(tb, protoinfo) || !parse_nested(tb, tb[CTA_PROTOINFO_TCP]))
		return 0;
	return attr_u8(tb[CTA_PROTOINFO_TCP_STATE]);
}

int conntrack_decode(const struct nlmsghdr *nlh, struct ct_entry *e)
{
	const struct nlattr *tb[MAX_ATTR + 1] = {0};
	uint8_t family;

	memset(e, 0, sizeof(*e));
	if (attrs_of_message(nlh, tb, MAX_ATTR, &family))
		return -EBADMSG;
	e->zone = attr_u16(tb[CTA_ZONE]);
	if (!decode_tuple(tb[CTA_TUPLE_ORIG], &e->orig, &e->zone) ||
	    !decode_tuple(tb[CTA_TUPLE_REPLY], &e->reply, &e->zone))
		return -EBADMSG;
	e->id = attr_u32(tb[CTA_ID]);
	e->status = attr_u32(tb[CTA_STATUS]);
	e->mark = attr_u32(tb[CTA_MARK]);
	e->tcp_state = decode_tcp_state(tb[CTA_PROTOINFO]);
	return 0;
}

/* --- asking --- */

static void put_addrs(struct nlmsghdr *nlh, const struct ct_tuple *t)
{
	bool six = t->family == AF_INET6;
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	mnl_attr_put(nlh, six ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, six ? 16 : 4, t->src);
	mnl_attr_put(nlh, six ? CTA_IP_V6_DST : CTA_IP_V4_DST, six ? 16 : 4, t->dst);
	mnl_attr_nest_end(nlh, nest);
}

static void put_proto(struct nlmsghdr *nlh, const struct ct_tuple *t)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, t->proto);
	if (t->proto == IPPROTO_ICMP) {
		mnl_attr_put_u16(nlh, CTA_PROTO_ICMP_ID, htons(t->icmp_id));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_TYPE, t->icmp_type);
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_CODE, t->icmp_code);
	} else if (t->proto == IPPROTO_ICMPV6) {
		mnl_attr_put_u16(nlh, CTA_PROTO_ICMPV6_ID, htons(t->icmp_id));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMPV6_TYPE, t->icmp_type);
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMPV6_CODE, t->icmp_code);
	} else {
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(t->sport));
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(t->dport));
	}
	mnl_attr_nest_end(nlh, nest);
}

static const struct nlmsghdr *question(struct conntrack *c, const struct ct_tuple *t, uint16_t zone)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(c->buf);
	struct nfgenmsg *g;
	struct nlattr *nest;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++c->seq;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->nfgen_family = t->family;
	g->version = NFNETLINK_V0;
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	put_addrs(nlh, t);
	put_proto(nlh, t);
	mnl_attr_nest_end(nlh, nest);
	if (zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(zone));
	return nlh;
}

/* The answer is there when the question has been sent (netlink_unicast() from nfnetlink_rcv()). */
static int answer(struct conntrack *c, struct ct_entry *e)
{
	const struct nlmsghdr *nlh = (void *)c->buf;
	ssize_t n;
	int left;

	for (;;) {
		n = mnl_socket_recvfrom(c->nl, c->buf, sizeof(c->buf));
		if (n < 0)
			return errno == EAGAIN ? -EIO : -errno;
		left = (int)n;
		if (!mnl_nlmsg_ok(nlh, left) || nlh->nlmsg_seq != c->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return mnl_nlmsg_get_payload_len(nlh) >= sizeof(int)
				       ? *(int *)mnl_nlmsg_get_payload(nlh) ?: -EIO
				       : -EBADMSG;
		return conntrack_decode(nlh, e);
	}
}

int conntrack_get(struct conntrack *c, const struct ct_tuple *t, uint16_t zone, struct ct_entry *e)
{
	const struct nlmsghdr *nlh;
	int rc;

	/* nfnetlink_rcv_msg() asks modprobe for a subsystem that it lacks. */
	if (!module_is_there(MODULE_CTNETLINK))
		return -EOPNOTSUPP;
	rc = c->nl ? 0 : open_socket(c);
	if (rc)
		return rc;
	nlh = question(c, t, zone);
	if (mnl_socket_sendto(c->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return answer(c, e);
}

bool conntrack_is_reply(const struct ct_entry *e, const struct ct_tuple *t)
{
	return memcmp(e->orig.src, t->src, sizeof(t->src)) || e->orig.sport != t->sport ||
	       memcmp(e->orig.dst, t->dst, sizeof(t->dst)) || e->orig.dport != t->dport ||
	       e->orig.icmp_type != t->icmp_type;
}

const char *conntrack_tcp_state(uint8_t state)
{
	/* enum tcp_conntrack */
	static const char *const names[] = {NULL,	"SYN_SENT",   "SYN_RECV", "ESTABLISHED",
					    "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT",
					    "CLOSE",	"SYN_SENT2"};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : NULL;
}
