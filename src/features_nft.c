// SPDX-License-Identifier: GPL-2.0-or-later
/* Probes of netfilter. Those that make something stand in a network namespace of their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netfilter/nf_log.h"
#include "netfilter/nflog.h"
#include "netfilter/own_table.h"
#include "netfilter/trace_msg.h"
#include "src/cgroup.h"
#include "src/channel.h"
#include "src/clock.h"
#include "src/features_probes.h"

enum { RCVBUF = 1 << 16, TRACE_WAIT_MS = 1000 };

/* linux/netfilter/nfnetlink_hook.h is newer (5.14) than the headers that this is built with may be.
 */
enum { SUBSYS_HOOK = 12, MSG_HOOK_GET = 0, ATTR_HOOKNUM = 1 };

static int own_netns(struct error *why)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail(why, -errno, "cannot open /proc/self/ns/net: %s", strerror(errno))
		      : fd;
}

/* libnftables ends the process where there is no nfnetlink at all (nft_mnl_socket_open()). */
static int has_nfnetlink(struct error *why)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		return fail(why, -errno, "cannot open a netfilter netlink socket: %s",
			    strerror(errno));
	close(fd);
	return 0;
}

/* What nf_tables refused is our own doing here: only its reason is of interest. */
static int refused(struct error *why, int rc)
{
	static const char mark[] = "Error: ";
	struct error whole = *why;
	const char *reason = strstr(whole.text, mark);

	return reason ? fail(why, rc, "nf_tables: %s", reason + strlen(mark)) : rc;
}

/* Adds one chain, in a table of our own, to the namespace that we are in; *owned: by the flag. */
static int try_chain(const struct own_chain *c, bool *owned, struct error *why)
{
	struct own_table *t;
	int rc, fd;

	rc = has_nfnetlink(why);
	if (rc)
		return rc;
	fd = own_netns(why);
	if (fd < 0)
		return fd;
	t = own_table_open(fd, why);
	close(fd);
	if (!t)
		return why->rc;
	rc = own_table_add(t, NULL, 0, c, 1, why);
	if (rc)
		refused(why, rc);
	if (owned)
		*owned = own_table_owned(t);
	own_table_close(t);
	return rc;
}

int probe_nft_family(const struct probe_context *c, int family, struct error *why)
{
	struct own_chain chain = {
		.family = (uint8_t)family, .name = "probe", .hook = "prerouting", .priority = 0};

	if (family == NFPROTO_ARP)
		chain.hook = "input";
	if (family == NFPROTO_NETDEV) {
		chain.hook = "ingress";
		chain.device = "lo";
	}
	return try_chain(&chain, NULL, why);
}

int probe_nf_tables(const struct probe_context *c, int arg, struct error *why)
{
	return probe_nft_family(c, NFPROTO_INET, why);
}

int probe_owner_flag(const struct probe_context *c, int arg, struct error *why)
{
	const struct own_chain chain = {
		.family = NFPROTO_INET, .name = "probe", .hook = "prerouting"};
	bool owned = false;
	int rc = try_chain(&chain, &owned, why);

	if (!rc && !owned)
		return fail(why, -EOPNOTSUPP, "the kernel refuses the flag");
	return rc;
}

static int send_to_self(struct error *why)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0 || sendto(fd, "", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		rc = fail(why, -errno, "cannot send a packet through loopback: %s",
			  strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Reads the trace messages there are. *heard: there was one; *conntrack: one with a state. */
static void look(struct channel *c, bool *heard, bool *conntrack)
{
	struct datagram *d;
	struct trace_msg m;

	while ((d = channel_take(c, 0, 0, true))) {
		if (!trace_msg_decode((const struct nlmsghdr *)d->data, &m)) {
			*heard = true;
			*conntrack |= m.ct_state != 0;
		}
		free(d);
	}
}

/* The state comes with the first message, so there is nothing to wait for after it. */
static int await_trace(struct channel *c, bool *conntrack, struct error *why)
{
	uint64_t end = clock_ns() + TRACE_WAIT_MS * 1000000ULL;
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	bool heard = false;
	int rc;

	while (!heard && clock_ns() < end) {
		if (poll(&p, 1, TRACE_WAIT_MS) < 0 && errno != EINTR)
			return fail(why, -errno, "cannot wait for a message: %s", strerror(errno));
		rc = channel_read(c);
		if (rc)
			return fail(why, rc, "cannot read a message: %s", strerror(-rc));
		look(c, &heard, conntrack);
	}
	return heard ? 0
		     : fail(why, -ENOMSG, "a marked packet was sent, and no message came about it");
}

/* Marks one packet of our own and hears what the kernel says. */
static int try_trace(char *match, bool *conntrack, struct error *why)
{
	const struct own_chain chain = {.family = NFPROTO_INET,
					.name = "probe",
					.hook = "output",
					.matches = &match,
					.n_matches = 1,
					.action = OWN_SELECTS};
	struct channel c = {.fd = -1};
	struct own_table *t = NULL;
	int rc, fd = own_netns(why);

	if (fd < 0)
		return fd;
	rc = channel_open(&c, fd, RCVBUF, why);
	if (rc)
		goto out;
	rc = channel_join_trace(&c, why);
	if (rc)
		goto out;
	t = own_table_open(fd, why);
	rc = t ? own_table_add(t, NULL, 0, &chain, 1, why) : why->rc;
	if (rc)
		refused(why, rc);
	if (!rc)
		rc = send_to_self(why);
	if (!rc)
		rc = await_trace(&c, conntrack, why);
out:
	own_table_close(t);
	if (c.buffers)
		channel_close(&c);
	close(fd);
	return rc;
}

int probe_nft_trace(const struct probe_context *c, int arg, struct error *why)
{
	bool conntrack = false;
	char match[] = "";

	return try_trace(match, &conntrack, why);
}

/* A probe is no reason to begin tracking connections on a host that does not: nf_conntrack is not
 * loaded for it. */
int probe_trace_conntrack(const struct probe_context *c, int arg, struct error *why)
{
	static const char loaded[] = "/proc/sys/net/netfilter/nf_conntrack_max";
	char match[] = "ct state new";
	bool conntrack = false;
	int rc;

	if (access(loaded, F_OK))
		return fail(why, -ENOENT,
			    "not probed: this host does not track connections (there is no %s)",
			    loaded);
	rc = try_trace(match, &conntrack, why);
	if (!rc && !conntrack)
		return fail(why, -ENODATA,
			    "the trace message of a tracked packet says nothing of its connection");
	return rc;
}

/* Sends one request to nfnetlink and returns the kernel's answer. */
static int ask(struct nlmsghdr *request, struct error *why)
{
	struct channel c = {.fd = -1};
	int rc, fd = own_netns(why);

	if (fd < 0)
		return fd;
	rc = channel_open(&c, fd, RCVBUF, why);
	close(fd);
	if (rc)
		return rc;
	rc = channel_request(&c, request);
	channel_close(&c);
	return rc;
}

int probe_nflog(const struct probe_context *c, int arg, struct error *why)
{
	char buf[256] __attribute__((aligned(8)));
	int rc = ask(nflog_request(buf, NFLOG_BIND_GROUP, 0, 1), why);

	/* nfnetlink_rcv_msg() says EINVAL for a subsystem that there is no module for; without
	 * nfnetlink there is no socket. */
	if (rc == -EINVAL || rc == -EPROTONOSUPPORT)
		return fail(why, -EOPNOTSUPP, "the kernel has no nfnetlink_log");
	return rc ? fail(why, rc, "binding a group of nfnetlink_log: %s", strerror(-rc)) : 0;
}

int probe_hook_list(const struct probe_context *c, int arg, struct error *why)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) + 32] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	int rc;

	nlh->nlmsg_type = SUBSYS_HOOK << 8 | MSG_HOOK_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	*nfg = (struct nfgenmsg){.nfgen_family = NFPROTO_IPV4};
	mnl_attr_put_u32(nlh, ATTR_HOOKNUM, htonl(NF_INET_LOCAL_IN));
	rc = ask(nlh, why);
	/* nfnl_hook_get(), given a hook, knows dumps only, and says EOPNOTSUPP to anything else;
	 * where it is missing, nfnetlink_rcv_msg() says EINVAL. */
	if (rc == -EOPNOTSUPP)
		return 0;
	return rc == -EINVAL || rc == -EPROTONOSUPPORT
		       ? fail(why, -EOPNOTSUPP, "the kernel has no nfnetlink_hook")
		       : fail(why, rc ? rc : -EPROTO, "asking nfnetlink_hook: %s", strerror(-rc));
}

/* Any cgroup will do for a try: nft takes the number of the directory, be it the root's. */
int probe_socket_cgroup(const struct probe_context *c, int arg, struct error *why)
{
	const char *mount = cgroup_mount();
	char match[128], *matches = match;
	const struct own_chain chain = {.family = NFPROTO_INET,
					.name = "probe",
					.hook = "output",
					.matches = &matches,
					.n_matches = 1,
					.action = OWN_SELECTS};

	if (!mount)
		return fail(why, -ENOENT, "not probed: cgroup v2 is not mounted on /sys/fs/cgroup");
	mount += strlen("/sys/fs/cgroup");
	snprintf(match, sizeof(match), "socket cgroupv2 level 1 \"%s\"", *mount ? mount + 1 : ".");
	return try_chain(&chain, NULL, why);
}

int probe_group_free(const struct probe_context *c, int arg, struct error *why)
{
	static const char path[] = "/proc/net/netfilter/nfnetlink_log";
	uint32_t portid;
	char comm[64];
	int fd;
	pid_t pid;

	/* Missing: nfnetlink_log is not loaded, and so nobody holds a group. */
	if (access(path, R_OK) && errno != ENOENT)
		return fail(why, -errno, "not probed: %s: %s", path, strerror(errno));
	fd = own_netns(why);
	if (fd < 0)
		return fd;
	pid = nf_log_group_owner(fd, comm, &portid);
	close(fd);
	if (pid)
		return fail(why, -EBUSY, "held by %s (pid %d)", comm, (int)pid);
	if (portid)
		return fail(why, -EBUSY,
			    "held by a process that cannot be seen from here (netlink port %u)",
			    portid);
	return 0;
}
