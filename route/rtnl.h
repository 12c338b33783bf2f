/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One routing netlink socket in one namespace: requests, and dumps that the kernel filters. */
#ifndef NFPATH_ROUTE_RTNL_H
#define NFPATH_ROUTE_RTNL_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "src/error.h"

struct rtnl;

enum { RTNL_REQUEST_MAX = 256 }; /* room for any request that is made here */

/*
 * A netlink socket of this bus in the namespace of netns_fd, which is borrowed for the call; who
 * waits for an answer waits some seconds. flags: beside SOCK_CLOEXEC. NULL: err has the sentence.
 */
struct mnl_socket *rtnl_socket(int netns_fd, int bus, int flags, struct error *err);

/* The same with what requests need. */
struct rtnl *rtnl_open(int netns_fd, struct error *err);
void rtnl_close(struct rtnl *r);

/* Begins a request of this type in buf, of RTNL_REQUEST_MAX bytes; header_len bytes follow, zero.
 */
struct nlmsghdr *rtnl_begin(void *buf, uint16_t type, size_t header_len);

/*
 * Sends the request and feeds what answers it to cb, until the kernel's final word: 0, or the
 * negative errno that the kernel said. NULL for a cb that only wants that word.
 */
int rtnl_ask(struct rtnl *r, struct nlmsghdr *nlh, mnl_cb_t cb, void *data);

/*
 * The same for a dump. A dump during which something changed may have gaps: it is made again, and
 * begin(data) says so each time, so that what was collected is forgotten. A cb may return
 * MNL_CB_STOP.
 */
int rtnl_dump(struct rtnl *r, struct nlmsghdr *nlh, void (*begin)(void *data), mnl_cb_t cb,
	      void *data);

#endif
