/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw tracepoints beside the netlink engine: what the trace messages do not tell (drop reason and
 * place, route lookups, transmission), and on which CPU, between what, each message was queued. The
 * records are those of bpf/event.h.
 *
 * Every datagram that is queued on a registered socket makes one NFP_MESSAGE, so datagrams and
 * records can be paired one to one: per socket, by type and number. A record may become readable
 * some microseconds after its datagram. Between the messages of one CPU stand, in true order, the
 * lookups, drops and transmissions of the packet that this CPU was at. Before the first message of
 * a packet stand the lookups of the last millisecond, which may be another packet's: compare the
 * addresses.
 */
#ifndef NFPATH_RAW_TP_H
#define NFPATH_RAW_TP_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/event.h"
#include "src/error.h"

struct raw_tp;

struct raw_tp_part {
	enum nfp_type type;
	const char *name; /* of the tracepoint */
	bool available;
	bool by_function; /* the kernel lacks the tracepoint; a function is watched instead */
	char why[128];	  /* it is not; empty when it is */
};

/* What is wanted besides what is told of traced packets. */
struct raw_tp_wants {
	unsigned int lose_one_of; /* of the records, for tests; 0: none */
	bool stacks;		  /* where drops come from */
	bool all; /* drops of packets that are not traced: those that the filter takes, in these
		     namespaces */
	struct nfp_filter filter;
	bool has_filter;       /* else any */
	const uint32_t *netns; /* inums */
	unsigned int n_netns;
};

/*
 * Loads and attaches what this kernel allows; nothing is recorded yet. wants is borrowed for the
 * call; NULL: nothing. Fails, with a sentence, only when no part works: -EPERM (not allowed),
 * -ENOENT (no BTF), -EOPNOTSUPP, -ENOMEM. Silences libbpf's own messages for the whole process.
 */
int raw_tp_open(struct raw_tp **out, const struct raw_tp_wants *wants, struct error *err);
void raw_tp_close(struct raw_tp *rt);

/* One entry for each enum nfp_type, in that order; lives as long as rt. */
const struct raw_tp_part *raw_tp_parts(const struct raw_tp *rt);

/* Registers a netlink socket for NFP_MESSAGE; returns its index (0, 1, … in the order of adding) or
 * a negative errno. */
int raw_tp_add_socket(struct raw_tp *rt, int fd);
/* Call it before fd is closed. */
int raw_tp_remove_socket(struct raw_tp *rt, int fd);

/* Recording begins, or pauses. */
void raw_tp_gate(struct raw_tp *rt, bool open);

/* The map of stacks; -1: they were not asked for. Owned by rt. */
int raw_tp_stacks(const struct raw_tp *rt);

/* Readable when there are records. Owned by rt. */
int raw_tp_fd(const struct raw_tp *rt);

/* What the callback gets is valid, and not to be changed, until it returns. type says which struct
 * it begins. */
typedef void (*raw_tp_cb)(const struct nfp_event *ev, void *arg);

enum { RAW_TP_POLL_MAX = 8192 };

/* Hands over the records that are there, RAW_TP_POLL_MAX at most, without waiting; returns how
 * many, or a negative errno. */
int raw_tp_poll(struct raw_tp *rt, raw_tp_cb cb, void *arg);

/*
 * How many records were lost since raw_tp_open(): the ring buffer was full, or an interrupt hit the
 * program while it ran. by_type, if not NULL, has NFP_RAW_TYPES entries. Costs a few system calls:
 * not for each packet.
 */
uint64_t raw_tp_lost(const struct raw_tp *rt, uint64_t *by_type);

#endif
