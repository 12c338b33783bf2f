// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/rtnl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "src/fd.h"
#include "src/netns.h"

enum {
	BUFFER = 65536, /* the kernel makes its datagrams as large as what was last read with */
	ANSWER_SECONDS = 5,
	DUMPS = 8, /* as often a dump is made again that was interrupted */
};

struct rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
	char buf[BUFFER];
};

struct mnl_socket *rtnl_socket(int netns_fd, int bus, int flags, struct error *err)
{
	struct timeval tv = {.tv_sec = ANSWER_SECONDS};
	int token = netns_enter(netns_fd), rc = 0;
	struct mnl_socket *nl;

	if (token < 0) {
		fail(err, token, "cannot enter the network namespace to ask for its interfaces and routes: %s",
		     strerror(-token));
		return NULL;
	}
	nl = fd_high_mnl(bus, SOCK_CLOEXEC | flags);
	if (!nl)
		rc = -errno;
	netns_leave(token);
	if (!rc && (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) ||
		    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv))))
		rc = -errno;
	if (!rc)
		return nl;
	fail(err, rc, "cannot open a routing netlink socket: %s", strerror(-rc));
	if (nl)
		mnl_socket_close(nl);
	return NULL;
}

struct rtnl *rtnl_open(int netns_fd, struct error *err)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int one = 1, rc;

	if (!r) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	r->nl = rtnl_socket(netns_fd, NETLINK_ROUTE, 0, err);
	if (!r->nl) {
		free(r);
		return NULL;
	}
	/* Without it (before Linux 4.20) a dump is not filtered by its header. */
	if (setsockopt(mnl_socket_get_fd(r->nl), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
		       sizeof(one))) {
		rc = -errno;
		fail(err, rc, "cannot open a routing netlink socket: %s", strerror(-rc));
		rtnl_close(r);
		return NULL;
	}
	return r;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	if (r->nl)
		mnl_socket_close(r->nl);
	free(r);
}

struct nlmsghdr *rtnl_begin(void *buf, uint16_t type, size_t header_len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(nlh, header_len);
	return nlh;
}

static int send_request(struct rtnl *r, struct nlmsghdr *nlh, uint16_t flags)
{
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++r->seq;
	return mnl_socket_sendto(r->nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static ssize_t receive(struct rtnl *r)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(r->nl, r->buf, sizeof(r->buf));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n;
}

static int ignore(const struct nlmsghdr *nlh, void *data)
{
	return MNL_CB_OK;
}

/* Until the end of the answer. -EINTR: a dump with gaps. */
static int read_answer(struct rtnl *r, mnl_cb_t cb, void *data)
{
	uint32_t port = mnl_socket_get_portid(r->nl);
	ssize_t n;
	int rc;

	for (;;) {
		n = receive(r);
		if (n < 0)
			return n;
		rc = mnl_cb_run(r->buf, n, r->seq, port, cb, data);
		/* The rest of an answer that was given up earlier. */
		if (rc < 0 && errno == EPROTO)
			continue;
		if (rc < 0)
			return -errno;
		if (rc == MNL_CB_STOP)
			return 0;
	}
}

int rtnl_ask(struct rtnl *r, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	int rc = send_request(r, nlh, NLM_F_ACK);

	return rc ? rc : read_answer(r, cb ? cb : ignore, data);
}

int rtnl_dump(struct rtnl *r, struct nlmsghdr *nlh, void (*begin)(void *data), mnl_cb_t cb,
	      void *data)
{
	int rc = 0;

	for (unsigned int i = 0; i < DUMPS; i++) {
		if (begin)
			begin(data);
		rc = send_request(r, nlh, NLM_F_DUMP);
		if (!rc)
			rc = read_answer(r, cb, data);
		/* NLM_F_DUMP_INTR: mnl_cb_run() says so at the message that has it, before the end.
		 */
		if (rc != -EINTR)
			return rc;
	}
	return rc;
}
