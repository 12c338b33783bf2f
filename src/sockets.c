// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/modules.h"
#include "src/fd.h"
#include "src/netns.h"

struct sockets {
	int netns_fd;
	struct mnl_socket *nl; /* NULL: not opened yet */
	uint32_t seq;
	_Alignas(struct nlmsghdr) char buf[4096];
};

struct sockets *sockets_open(int netns_fd)
{
	struct sockets *s = calloc(1, sizeof(*s));

	modules_look(); /* not when packets wait */
	if (s)
		s->netns_fd = netns_fd;
	return s;
}

void sockets_close(struct sockets *s)
{
	if (!s)
		return;
	if (s->nl)
		mnl_socket_close(s->nl);
	free(s);
}

static int open_socket(struct sockets *s)
{
	int rc = 0, token = netns_enter(s->netns_fd);

	if (token < 0)
		return token;
	s->nl = fd_high_mnl(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!s->nl)
		rc = -errno;
	netns_leave(token);
	return rc;
}

static void put_endpoint(__be32 addr[4], __be16 *port, const struct endpoint *e)
{
	memcpy(addr, e->addr, ADDR_MAX);
	*port = htons(e->port);
}

static const struct nlmsghdr *question(struct sockets *s, uint8_t family, uint8_t proto,
				       const struct endpoint *remote, const struct endpoint *local,
				       int ifindex)
{
	/* tcp_diag looks for its own end as source, udp_dump_one() for the packet's source. */
	bool udp = proto == IPPROTO_UDP;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(s->buf);
	struct inet_diag_req_v2 *r;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++s->seq;
	r = mnl_nlmsg_put_extra_header(nlh, sizeof(*r));
	r->sdiag_family = family;
	r->sdiag_protocol = proto;
	r->idiag_states = -1;
	put_endpoint(r->id.idiag_src, &r->id.idiag_sport, udp ? remote : local);
	put_endpoint(r->id.idiag_dst, &r->id.idiag_dport, udp ? local : remote);
	r->id.idiag_if = ifindex;
	r->id.idiag_cookie[0] = r->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return nlh;
}

static const char *state_name(uint8_t proto, uint8_t state)
{
	/* enum of include/net/tcp_states.h */
	static const char *const names[] = {NULL,	  "established", "syn-sent",   "syn-recv",
					    "fin-wait-1", "fin-wait-2",	 "time-wait",  "close",
					    "close-wait", "last-ack",	 "listen",     "closing",
					    "syn-recv"};

	if (proto == IPPROTO_UDP)
		return state == 1 ? "connected" : "unconnected";
	return state < sizeof(names) / sizeof(names[0]) ? names[state] : NULL;
}

/* The answer is there when the question has been sent (netlink_unicast() from sock_diag_rcv()). */
static int answer(struct sockets *s, uint8_t proto, struct socket_info *info)
{
	const struct nlmsghdr *nlh = (void *)s->buf;
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(s->nl, s->buf, sizeof(s->buf));

		if (n < 0)
			return errno == EAGAIN ? -EIO : -errno;
		if (!mnl_nlmsg_ok(nlh, (int)n) || nlh->nlmsg_seq != s->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return mnl_nlmsg_get_payload_len(nlh) >= sizeof(int)
				       ? *(int *)mnl_nlmsg_get_payload(nlh) ?: -EIO
				       : -EBADMSG;
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
			return -EBADMSG;
		info->state = state_name(proto, m->idiag_state);
		info->inode = m->idiag_inode;
		return 0;
	}
}

int sockets_find(struct sockets *s, uint8_t family, uint8_t proto, const struct endpoint *remote,
		 const struct endpoint *local, int ifindex, struct socket_info *info)
{
	const struct nlmsghdr *nlh;
	int rc;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return -EOPNOTSUPP;
	/* sock_diag_rcv_msg() asks modprobe for a protocol that it lacks. */
	if (!module_is_there(proto == IPPROTO_TCP ? MODULE_TCP_DIAG : MODULE_UDP_DIAG))
		return -EOPNOTSUPP;
	rc = s->nl ? 0 : open_socket(s);
	if (rc)
		return rc;
	nlh = question(s, family, proto, remote, local, ifindex);
	if (mnl_socket_sendto(s->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return answer(s, proto, info);
}
