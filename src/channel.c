// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/channel.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netfilter/attrs.h"
#include "src/clock.h"
#include "src/fd.h"
#include "src/netns.h"

enum { BATCH = 64, DATAGRAM_MAX = 8192, QUEUE_MAX = 1 << 16, ANSWER_MS = 5000 };

/* CPUs that queue at the same moment change places, no more: who is not among so many is not there.
 */
enum { TAKE_WALKED = 512 };

static int set_buffer(int fd, size_t bytes)
{
	int size = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	/* Above net.core.rmem_max it takes CAP_NET_ADMIN, which tracing takes anyway. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		return -errno;
	return 0;
}

int channel_open(struct channel *c, int netns_fd, size_t rcvbuf, struct error *err)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK};
	int token, rc = 0;

	memset(c, 0, sizeof(*c));
	STAILQ_INIT(&c->queue);
	token = netns_enter(netns_fd);
	if (token < 0)
		return fail(err, c->fd = token, "cannot enter a network namespace: %s",
			    strerror(-token));
	c->fd = fd_high(
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
	if (c->fd < 0)
		rc = -errno;
	netns_leave(token);
	if (!rc && bind(c->fd, (struct sockaddr *)&local, sizeof(local)))
		rc = -errno;
	if (!rc)
		rc = set_buffer(c->fd, rcvbuf);
	c->buffers = malloc(BATCH * DATAGRAM_MAX);
	if (!rc && !c->buffers)
		rc = -ENOMEM;
	c->drained_ns = c->empty_from_ns = clock_ns();
	if (rc) {
		channel_close(c);
		return fail(err, rc, "cannot open a netfilter netlink socket: %s", strerror(-rc));
	}
	channel_lost(c);
	return 0;
}

void channel_close(struct channel *c)
{
	struct datagram *d;

	while ((d = STAILQ_FIRST(&c->queue))) {
		STAILQ_REMOVE_HEAD(&c->queue, next);
		free(d);
	}
	free(c->buffers);
	c->buffers = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

int channel_join_trace(struct channel *c, struct error *err)
{
	int group = NFNLGRP_NFTRACE;

	if (setsockopt(c->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return fail(err, -errno,
			    "cannot listen to nft trace messages: %s; it takes CAP_NET_ADMIN, run "
			    "nfpath as root",
			    strerror(errno));
	return 0;
}

enum { TRACE_MESSAGE = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE };

_Static_assert(LOG_LINE == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET), "as in nfnetlink_log.h");

static uint32_t number_of(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type == TRACE_MESSAGE ? attrs_find_u32(nlh, NFTA_TRACE_ID)
	       : nlh->nlmsg_type == LOG_LINE	? attrs_find_u32(nlh, NFULA_SEQ)
						: 0;
}

static int enqueue(struct channel *c, const char *data, unsigned int len, uint64_t now)
{
	const struct nlmsghdr *nlh = (const void *)data;
	struct datagram *d;

	if (!mnl_nlmsg_ok(nlh, (int)len)) {
		/* Longer than any trace message: what it would have said is missing. */
		c->overrun = true;
		c->overrun_ns = now;
		return 0;
	}
	d = malloc(sizeof(*d) + len);
	if (!d)
		return -ENOMEM;
	memcpy(d->data, data, len);
	d->len = len;
	d->type = nlh->nlmsg_type;
	d->number = number_of(nlh);
	d->after_ns = c->drained_ns;
	d->before_ns = now;
	STAILQ_INSERT_TAIL(&c->queue, d, next);
	c->n_queued++;
	return 0;
}

/* One batch; returns how many datagrams, 0 when there are none, or a negative errno. */
static int read_batch(struct channel *c)
{
	struct sockaddr_nl from[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint64_t now;
	int n, rc = 0;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){c->buffers + i * DATAGRAM_MAX, DATAGRAM_MAX};
		msgs[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
						  .msg_namelen = sizeof(from[i]),
						  .msg_iov = &iov[i],
						  .msg_iovlen = 1};
	}
	n = recvmmsg(c->fd, msgs, BATCH, 0, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	now = clock_ns();
	for (int i = 0; !rc && i < n; i++)
		if (from[i].nl_pid == 0) /* the kernel, and nobody else */
			rc = enqueue(c, iov[i].iov_base, msgs[i].msg_len, now);
	return rc ? rc : n;
}

int channel_read(struct channel *c)
{
	uint64_t start = clock_ns(), before;
	int n;

	/* A datagram takes four times as much room in the kernel's buffer as here. What does not
	 * fit here either stays there, and the kernel counts what it cannot keep. */
	if (c->n_queued >= QUEUE_MAX)
		return 0;
	do {
		before = clock_ns();
		n = read_batch(c);
		if (n == -ENOBUFS) {
			/* netlink_overrun(): what is queued is from before the loss, and nothing is
			 * added until it is read. */
			c->overrun = true;
			c->overrun_ns = start;
			n = BATCH;
			continue;
		}
		if (n < 0)
			return n;
	} while (n > 0 && c->n_queued < QUEUE_MAX);
	if (n == 0) {
		c->drained_ns = before; /* what came while we looked is in the next batch */
		c->empty_from_ns = start;
	}
	return 0;
}

uint32_t channel_lost(struct channel *c)
{
	uint32_t info[SK_MEMINFO_VARS] = {0}, lost = 0;
	socklen_t len = sizeof(info);

	if (!getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, info, &len) &&
	    len > SK_MEMINFO_DROPS * sizeof(info[0])) {
		lost = info[SK_MEMINFO_DROPS] - c->drops;
		c->drops = info[SK_MEMINFO_DROPS];
	}
	return lost;
}

/* The answer to request seq, if it is queued: true, with the error in *rc. Its datagram leaves the
 * queue when its turn comes. */
static bool find_answer(const struct channel *c, uint32_t seq, int *rc)
{
	const struct datagram *d;

	STAILQ_FOREACH(d, &c->queue, next) {
		const struct nlmsghdr *nlh = (const void *)d->data;
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type == NLMSG_ERROR && nlh->nlmsg_seq == seq &&
		    mnl_nlmsg_get_payload_len(nlh) >= sizeof(e->error)) {
			*rc = e->error;
			return true;
		}
	}
	return false;
}

int channel_request(struct channel *c, struct nlmsghdr *request)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int rc;

	if (sendto(c->fd, request, request->nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	for (;;) {
		int n = channel_read(c);

		if (n)
			return n;
		if (find_answer(c, request->nlmsg_seq, &rc))
			return rc;
		n = poll(&p, 1, ANSWER_MS);
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static struct datagram *take(struct channel *c, struct datagram *d)
{
	STAILQ_REMOVE(&c->queue, d, datagram, next);
	c->n_queued--;
	return d;
}

struct datagram *channel_take(struct channel *c, uint16_t type, uint32_t number, bool any)
{
	unsigned int walked = 0;
	struct datagram *d;

	STAILQ_FOREACH(d, &c->queue, next) {
		if (any || (d->type == type && d->number == number))
			return take(c, d);
		if (++walked == TAKE_WALKED)
			break;
	}
	return NULL;
}

struct datagram *channel_take_line_before(struct channel *c, uint32_t number)
{
	unsigned int walked = 0;
	struct datagram *d;

	STAILQ_FOREACH(d, &c->queue, next) {
		if (d->type == LOG_LINE)
			return (int32_t)(d->number - number) < 0 ? take(c, d) : NULL;
		if (++walked == TAKE_WALKED)
			break;
	}
	return NULL;
}
