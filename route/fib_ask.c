// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/fib_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "route/rtnl.h"

struct fib_ask {
	struct mnl_socket *nl;
	uint32_t seq;
	char buf[512];
};

/* struct fib_result_nl of include/net/ip_fib.h, which no header for programs has. */
struct question {
	uint8_t addr[4];
	uint32_t mark;
	uint8_t tos, scope, table;
	/* The answer. */
	uint8_t found_table, plen, nexthop, type, found_scope;
	int32_t error;
};

_Static_assert(sizeof(struct question) == 20, "as the kernel has it");

struct fib_ask *fib_ask_open(int netns_fd)
{
	struct fib_ask *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->nl = rtnl_socket(netns_fd, NETLINK_FIB_LOOKUP, 0, NULL);
	if (a->nl)
		return a;
	free(a);
	return NULL;
}

void fib_ask_close(struct fib_ask *a)
{
	if (!a)
		return;
	mnl_socket_close(a->nl);
	free(a);
}

/* The kernel sends the question back, with the answer filled in. */
static const struct question *receive(struct fib_ask *a)
{
	const struct nlmsghdr *nlh = (const void *)a->buf;
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(a->nl, a->buf, sizeof(a->buf));
		if (n >= 0 && mnl_nlmsg_ok(nlh, n) && nlh->nlmsg_seq == a->seq)
			return mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct question)
				       ? mnl_nlmsg_get_payload(nlh)
				       : NULL;
	} while (n >= 0 || errno == EINTR);
	return NULL;
}

bool fib_ask(struct fib_ask *a, uint32_t table, const struct route_flow *flow,
	     struct fib_answer *answer)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct question)];
	struct nlmsghdr *nlh = rtnl_begin(buf, NLMSG_MIN_TYPE, sizeof(struct question));
	struct question *q = mnl_nlmsg_get_payload(nlh);
	const struct question *told;

	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++a->seq;
	memcpy(q->addr, flow->dst, sizeof(q->addr));
	q->mark = flow->mark;
	q->tos = flow->tos;
	q->scope = RT_SCOPE_UNIVERSE;
	q->table = table;
	if (mnl_socket_sendto(a->nl, nlh, nlh->nlmsg_len) < 0)
		return false;
	told = receive(a);
	if (!told)
		return false;
	*answer = (struct fib_answer){.error = told->error};
	if (!told->error) {
		answer->plen = told->plen;
		answer->type = told->type;
	}
	return true;
}
