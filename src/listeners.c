// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>

#include "netfilter/modules.h"
#include "src/budget.h"
#include "src/fd.h"
#include "src/netns.h"

enum {
	A_SECOND = 100, /* questions; a flood to closed ports is not to keep reading from going on */
	STATE_LISTEN = 10,
};

struct list {
	struct listener *v;
	size_t n, max;
};

static int add_attr(const struct nlattr *a, void *data)
{
	struct listener *l = data;
	uint32_t info[SK_MEMINFO_DROPS + 1];

	if (mnl_attr_get_type(a) == INET_DIAG_SKV6ONLY && mnl_attr_get_payload_len(a) >= 1)
		l->ip6_only = mnl_attr_get_u8(a);
	if (mnl_attr_get_type(a) == INET_DIAG_SKMEMINFO && mnl_attr_get_payload_len(a) >= sizeof(info)) {
		memcpy(info, mnl_attr_get_payload(a), sizeof(info));
		l->rcvbuf = info[SK_MEMINFO_RCVBUF];
		l->drops = info[SK_MEMINFO_DROPS];
	}
	return MNL_CB_OK;
}

static int add_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct list *list = data;
	struct listener *l;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return MNL_CB_OK;
	if (list->n++ >= list->max)
		return MNL_CB_OK;
	l = &list->v[list->n - 1];
	*l = (struct listener){.family = m->idiag_family, .ifindex = m->id.idiag_if};
	memcpy(l->at.addr, m->id.idiag_src, m->idiag_family == AF_INET6 ? 16 : 4);
	memcpy(l->peer.addr, m->id.idiag_dst, m->idiag_family == AF_INET6 ? 16 : 4);
	l->at.port = ntohs(m->id.idiag_sport);
	l->peer.port = ntohs(m->id.idiag_dport);
	/* tcp_diag_get_info() */
	l->waiting = m->idiag_state == STATE_LISTEN ? m->idiag_rqueue : 0;
	l->most = m->idiag_state == STATE_LISTEN ? m->idiag_wqueue : 0;
	mnl_attr_parse(nlh, sizeof(*m), add_attr, l);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, uint8_t family, uint8_t proto, uint16_t port, struct list *list)
{
	static uint32_t seq;
	_Alignas(struct nlmsghdr) char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *r;
	int rc = MNL_CB_OK;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++seq;
	r = mnl_nlmsg_put_extra_header(nlh, sizeof(*r));
	r->sdiag_family = family;
	r->sdiag_protocol = proto;
	r->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
	r->idiag_states = proto == IPPROTO_TCP ? 1 << STATE_LISTEN : ~0u;
	r->id.idiag_sport = htons(port);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (rc == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, n, seq, 0, add_socket, list);
	}
	return rc < 0 ? -errno : 0;
}

static struct mnl_socket *open_socket(int netns_fd)
{
	int token = netns_enter(netns_fd);
	struct mnl_socket *nl;

	if (token < 0)
		return NULL;
	nl = fd_high_mnl(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	netns_leave(token);
	return nl;
}

int listeners_at(int netns_fd, uint8_t proto, uint16_t port, struct listener *v, size_t max)
{
	static struct budget budget;
	struct list list = {v, 0, max};
	struct mnl_socket *nl;
	int rc;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return -EOPNOTSUPP;
	/* sock_diag_rcv_msg() asks modprobe for a protocol that it lacks. */
	if (!module_is_there(proto == IPPROTO_TCP ? MODULE_TCP_DIAG : MODULE_UDP_DIAG))
		return -EOPNOTSUPP;
	if (!budget_spend(&budget, A_SECOND))
		return -EAGAIN;
	nl = open_socket(netns_fd);
	if (!nl)
		return -EIO;
	rc = dump(nl, AF_INET, proto, port, &list) ?: dump(nl, AF_INET6, proto, port, &list);
	mnl_socket_close(nl);
	return rc ? rc : list.n > max ? -E2BIG : (int)list.n;
}
