// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/hook_list.h"
#include "netfilter/hook_list_msg.h"
#include "src/error.h"
#include "src/fd.h"
#include "src/netns.h"

/* netlink_dump() fills no more than 32 KB at a time. */
enum { BUF_SIZE = 65536, TRIES = 10 };

struct reader {
	struct mnl_socket *nl;
	struct hook_list *l;
	uint32_t seq;
	char *buf;
	struct error *err;
};

static int each_device(struct hook_place p, const struct if_nameindex *devices,
		       int (*cb)(void *data, struct hook_place p, const char *device,
				 unsigned int ifindex),
		       void *data)
{
	int rc = 0;

	for (; !rc && devices->if_index; devices++)
		rc = cb(data, p, devices->if_name, devices->if_index);
	return rc;
}

int hook_list_each(int netns_fd, uint32_t places,
		   int (*cb)(void *data, struct hook_place p, const char *device,
			     unsigned int ifindex),
		   void *data, struct error *err)
{
	struct if_nameindex *devices;
	int rc = 0, token = netns_enter(netns_fd);

	if (token < 0)
		return fail(err, token, "cannot enter the network namespace: %s", strerror(-token));
	devices = if_nameindex();
	if (!devices)
		rc = fail(err, -errno, "cannot list the devices: %s", strerror(errno));
	netns_leave(token);
	for (size_t i = 0; !rc && i < N_HOOK_PLACES; i++) {
		if (!(places & 1U << i))
			continue;
		if (hook_places[i].family == NFPROTO_NETDEV)
			rc = each_device(hook_places[i], devices, cb, data);
		else
			rc = cb(data, hook_places[i], NULL, 0);
	}
	if (devices)
		if_freenameindex(devices);
	return rc;
}

/* --- one list --- */

static struct nlmsghdr *request(struct reader *r, struct hook_place p, const char *device)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(r->buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = HOOK_SUBSYS << 8 | HOOK_MSG_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++r->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = p.family;
	nfg->version = NFNETLINK_V0;
	mnl_attr_put_u32(nlh, HOOK_ATTR_HOOKNUM, htonl(p.hook));
	if (device)
		mnl_attr_put_strz(nlh, HOOK_ATTR_DEV, device);
	return nlh;
}

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static enum hook_kind kind_of(uint32_t type)
{
	switch (type) {
	case HOOK_TYPE_NFTABLES:
		return HOOK_CHAIN;
	case HOOK_TYPE_FLOWTABLE:
		return HOOK_FLOWTABLE;
	case HOOK_TYPE_BPF:
		return HOOK_BPF;
	}
	return HOOK_PLAIN;
}

static int take(struct reader *r, const struct nlmsghdr *nlh, struct hook_place p,
		const char *device)
{
	struct hook_msg m;
	struct hook_fn *f;

	if (hook_msg_decode(nlh, &m))
		return -EBADMSG;
	f = hook_list_add(r->l);
	if (!f)
		return -ENOMEM;
	f->family = p.family;
	f->hook = p.hook;
	if (device)
		strncpy(f->device, device, sizeof(f->device) - 1);
	f->priority = m.priority;
	f->kind = kind_of(m.type);
	f->chain_family = m.chain_family;
	f->bpf_id = m.bpf_id;
	return copy(&f->function, m.function) ?: copy(&f->module, m.module)
					      ?: copy(&f->table, m.table)
					      ?: copy(&f->chain, m.chain);
}

/* 1: there is more to read. */
static int answer(struct reader *r, ssize_t len, struct hook_place p, const char *device)
{
	const struct nlmsghdr *nlh = (void *)r->buf;
	int left = (int)len, rc;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != r->seq)
			continue; /* of a dump that was given up */
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR; /* the list was changed meanwhile (nfnl_hook_dump()) */
		switch (nlh->nlmsg_type) {
		case NLMSG_ERROR:
		case NLMSG_DONE:
			return mnl_nlmsg_get_payload_len(nlh) >= sizeof(int)
				       ? *(int *)mnl_nlmsg_get_payload(nlh)
				       : 0;
		}
		rc = take(r, nlh, p, device);
		if (rc)
			return rc;
	}
	return 1;
}

static int dump(struct reader *r, struct hook_place p, const char *device)
{
	const struct nlmsghdr *nlh = request(r, p, device);
	ssize_t len;
	int rc = 1;

	if (mnl_socket_sendto(r->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (rc == 1) {
		len = mnl_socket_recvfrom(r->nl, r->buf, BUF_SIZE);
		if (len < 0 && errno == EINTR)
			continue;
		rc = len < 0 ? -errno : answer(r, len, p, device);
	}
	return rc;
}

/* Said once, not for each device. */
static int does_not_know(struct hook_list *l, struct hook_place p)
{
	for (size_t i = 0; i < l->n_gaps; i++)
		if (l->gaps[i].family == p.family && l->gaps[i].hook == p.hook &&
		    !*l->gaps[i].device)
			return 0;
	return hook_list_gap(l, p.family, p.hook, NULL,
			     "nfnetlink_hook of this kernel does not know it");
}

/* nfnl_hook_entries_head(); where the subsystem is missing, nfnetlink_rcv_msg() says EINVAL for
 * every family, and so does an index past the last hook, which we never ask for. */
static int judge(struct reader *r, int rc, struct hook_place p, const char *device)
{
	switch (rc) {
	case 0:
		return 0;
	case -ENODEV: /* the device went away meanwhile */
		return 0;
	case -EINVAL:
		return -EOPNOTSUPP;
	case -EPERM:
	case -ENOMEM:
		return rc;
	case -EOPNOTSUPP: /* the family has less hooks on this kernel */
		return 0;
	case -EPROTONOSUPPORT:
		return does_not_know(r->l, p);
	case -EINTR:
		return hook_list_gap(r->l, p.family, p.hook, device,
				     "it changed all the time while it was read");
	}
	return hook_list_gap(r->l, p.family, p.hook, device, "asking nfnetlink_hook: %s",
			     strerror(-rc));
}

static int read_place(void *data, struct hook_place p, const char *device, unsigned int ifindex)
{
	struct reader *r = data;
	size_t had = r->l->n;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < TRIES; i++) {
		rc = dump(r, p, device);
		if (rc)
			hook_list_cut(r->l, r->l->n - had);
	}
	return judge(r, rc, p, device);
}

static int open_socket(struct reader *r, int netns_fd, struct error *err)
{
	int rc = 0, token = netns_enter(netns_fd);

	if (token < 0)
		return fail(err, token, "cannot enter the network namespace: %s", strerror(-token));
	r->nl = fd_high_mnl(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!r->nl)
		rc = errno == EPROTONOSUPPORT ? -EOPNOTSUPP : -errno;
	netns_leave(token);
	if (!rc && mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID))
		rc = -errno;
	return rc ? fail(err, rc, "cannot open a netfilter netlink socket: %s", strerror(-rc)) : 0;
}

int hook_list_read(struct hook_list *l, int netns_fd, uint32_t places, struct error *err)
{
	struct reader r = {.l = l, .err = err, .buf = malloc(BUF_SIZE)};
	int rc = r.buf ? open_socket(&r, netns_fd, err) : fail(err, -ENOMEM, "out of memory");

	if (!rc) {
		rc = hook_list_each(netns_fd, places, read_place, &r, err);
		if (rc == -EOPNOTSUPP)
			fail(err, rc, "the kernel has no nfnetlink_hook");
		else if (rc == -EPERM)
			fail(err, rc,
			     "listing hook functions needs CAP_NET_ADMIN in the user "
			     "namespace of the network namespace: run it as root");
		else if (rc == -ENOMEM)
			fail(err, rc, "out of memory");
	}
	if (r.nl)
		mnl_socket_close(r.nl);
	free(r.buf);
	return rc;
}
