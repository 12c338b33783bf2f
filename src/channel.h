/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink socket of one namespace that carries nft trace messages and iptables-legacy's TRACE
 * lines, in the order in which the kernel queued them. Every datagram passes through one queue, so
 * that it can be paired with the raw tracepoint's record of its queueing.
 */
#ifndef NFPATH_CHANNEL_H
#define NFPATH_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "src/error.h"

struct nlmsghdr;

/* nlmsg_type of a line of nfnetlink_log (NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET). */
enum { LOG_LINE = 4 << 8 };

struct datagram {
	STAILQ_ENTRY(datagram) next;
	uint64_t after_ns, before_ns; /* CLOCK_MONOTONIC: it was queued between these two */
	uint32_t number; /* trace id of an nft trace message, NFULA_SEQ of a log line; else 0 */
	uint16_t type;	 /* nlmsg_type of its first message */
	uint32_t len;	 /* bytes */
	char data[] __attribute__((aligned(8)));
};

STAILQ_HEAD(datagram_queue, datagram);

struct channel {
	int fd;
	struct datagram_queue queue;
	unsigned int n_queued;
	uint64_t drained_ns;	/* when it was last found empty */
	uint64_t empty_from_ns; /* began to read then: all that was queued before has been read */
	uint32_t drops;		/* sk_drops at the last look */
	bool overrun; /* the kernel or we had no room: something is missing behind what was queued …
		       */
	uint64_t overrun_ns; /* … when this was noticed */
	char *buffers;
};

/* rcvbuf: bytes. 0 or a negative errno with a sentence. */
int channel_open(struct channel *c, int netns_fd, size_t rcvbuf, struct error *err);
void channel_close(struct channel *c);

/* Joins the group of nft trace messages. */
int channel_join_trace(struct channel *c, struct error *err);

/* Sends one request with NLM_F_ACK and reads until its answer: 0 or the kernel's negative errno.
 * What else arrives is queued. */
int channel_request(struct channel *c, struct nlmsghdr *request);

/* Queues what is there, up to a bound. 0 or a negative errno; lost data is not an error but
 * c->overrun. */
int channel_read(struct channel *c);

/* How many datagrams the kernel had to drop since the last call. */
uint32_t channel_lost(struct channel *c);

/*
 * Takes the oldest datagram of this type and number out of the queue, looking at the first few
 * only; with any, the oldest of all. NULL: none. The caller frees it.
 */
struct datagram *channel_take(struct channel *c, uint16_t type, uint32_t number, bool any);

/* Takes the oldest log line, if its number comes before this one (modulo 2^32). NULL: it does not,
 * or there is none. The caller frees it. */
struct datagram *channel_take_line_before(struct channel *c, uint32_t number);

#endif
