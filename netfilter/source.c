// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "netfilter/exprs.h"
#include "src/error.h"
#include "src/fd.h"
#include "src/netns.h"

/* Twice what a socket gets by itself: a dump then needs fewer turns. */
enum { NL_RCVBUF = 1 << 20, TRIES = 10 };

struct nf_source *nf_source_open(int netns_fd, struct error *err)
{
	struct nf_source *s = calloc(1, sizeof(*s));

	if (!s || !(s->buf = malloc(NF_BUF_SIZE))) {
		free(s);
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	s->raw[0] = s->raw[1] = s->names[0] = s->names[1] = -1;
	s->seq = 1;
	s->netns_fd = fd_high(fcntl(netns_fd, F_DUPFD_CLOEXEC, 0));
	if (s->netns_fd < 0) {
		fail(err, -errno, "cannot keep the network namespace: %s", strerror(errno));
		nf_source_close(s);
		return NULL;
	}
	return s;
}

void nf_source_close(struct nf_source *s)
{
	if (!s)
		return;
	for (int i = 0; i < 2; i++) {
		if (s->raw[i] >= 0)
			close(s->raw[i]);
		if (s->names[i] >= 0)
			close(s->names[i]);
	}
	if (s->nl)
		mnl_socket_close(s->nl);
	if (s->netns_fd >= 0)
		close(s->netns_fd);
	free(s->buf);
	free(s);
}

/* Does a file have a line with this word followed by a character of `end`? -1: no such file. */
static int file_has(const char *path, const char *word, char end)
{
	size_t len = strlen(word), cap = 0;
	FILE *f = fopen(path, "re");
	char *line = NULL;
	int found = 0;

	if (!f)
		return -1;
	while (!found && getline(&line, &cap, f) > 0) {
		const char *at = strstr(line, word);

		found = at && (at == line || at[-1] == '/') && at[len] == end;
	}
	free(line);
	fclose(f);
	return found;
}

/*
 * Asking nf_tables anything, even opening a socket for it, loads its module (nfnetlink_rcv_msg). So
 * ask only where it is there already: loaded, built in, or where nothing could be loaded anyway.
 */
static bool nft_is_there(void)
{
	char path[sizeof(struct utsname)];
	struct utsname u;

	if (file_has("/proc/modules", "nf_tables", ' ') != 0 || uname(&u))
		return true;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", u.release);
	return file_has(path, "nf_tables.ko", '\n') != 0;
}

static int nl_open(struct nf_source *s)
{
	const int size = NL_RCVBUF;
	int token, rc = 0;

	if (s->nl)
		return 0;
	if (!nft_is_there())
		return -EOPNOTSUPP;
	token = netns_enter(s->netns_fd);
	if (token < 0)
		return token;
	s->nl = fd_high_mnl(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!s->nl)
		rc = errno == EPROTONOSUPPORT ? -EOPNOTSUPP : -errno;
	netns_leave(token);
	if (!rc && mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID)) {
		rc = -errno;
		mnl_socket_close(s->nl);
		s->nl = NULL;
	}
	if (!rc) /* as much as net.core.rmem_max allows will do */
		setsockopt(mnl_socket_get_fd(s->nl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return rc;
}

static struct nlmsghdr *put_msg(struct nf_source *s, char *at, uint16_t type, uint16_t flags,
				uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++s->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

struct nlmsghdr *nf_source_msg(struct nf_source *s, uint16_t type, uint16_t flags, uint8_t family)
{
	return put_msg(s, s->buf, type, flags, family);
}

struct nlmsghdr *nf_source_more(struct nf_source *s, struct nlmsghdr *last, size_t room,
				uint16_t type, uint16_t flags, uint8_t family)
{
	char *at = (char *)last + MNL_ALIGN(last->nlmsg_len);

	if (at + room > s->buf + NF_BUF_SIZE)
		return NULL;
	return put_msg(s, at, type, flags, family);
}

struct answer {
	int (*cb)(const struct nlmsghdr *nlh, void *data);
	void *data;
	uint32_t seq;
	bool dump, done;
	int rc;
};

static void answer_message(struct answer *a, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_seq != a->seq || a->done)
		return; /* of an earlier request that was given up */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		a->rc = -EINTR;
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
	case NLMSG_DONE:
		a->done = true;
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(int) && !a->rc)
			a->rc = *(int *)mnl_nlmsg_get_payload(nlh);
		return;
	}
	if (!a->rc && mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct nfgenmsg))
		a->rc = a->cb(nlh, a->data);
	a->done = !a->dump;
}

int nf_source_ask(struct nf_source *s, int (*cb)(const struct nlmsghdr *nlh, void *data),
		  void *data)
{
	const struct nlmsghdr *nlh = (void *)s->buf;
	struct answer a = {.cb = cb, .data = data, .seq = nlh->nlmsg_seq};
	int rc = nl_open(s), len;

	/* An acknowledgement comes behind the last one of several answers, as does the end of a dump. */
	a.dump = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP || nlh->nlmsg_flags & NLM_F_ACK;

	if (rc)
		return rc;
	if (mnl_socket_sendto(s->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (!a.done) {
		len = mnl_socket_recvfrom(s->nl, s->buf, NF_BUF_SIZE);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		for (nlh = (void *)s->buf; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			answer_message(&a, nlh);
	}
	return a.rc;
}

int nf_source_ask_all(struct nf_source *s, const struct nlmsghdr *last, unsigned int n,
		      int (*cb)(const struct nlmsghdr *nlh, unsigned int number, void *data),
		      void *data, int *rcs)
{
	const size_t size = (const char *)last + last->nlmsg_len - s->buf;
	const uint32_t first = ((const struct nlmsghdr *)s->buf)->nlmsg_seq;
	unsigned int number, left = n;
	const struct nlmsghdr *nlh;
	int rc = nl_open(s), len;

	if (rc)
		return rc;
	memset(rcs, 0, n * sizeof(*rcs));
	if (mnl_socket_sendto(s->nl, s->buf, size) < 0)
		return -errno;
	while (left) {
		len = mnl_socket_recvfrom(s->nl, s->buf, NF_BUF_SIZE);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		for (nlh = (void *)s->buf; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			number = nlh->nlmsg_seq - first;
			if (number >= n)
				continue; /* of an earlier request that was given up */
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				left--;
				if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(int) && !rcs[number])
					rcs[number] = *(int *)mnl_nlmsg_get_payload(nlh);
			} else if (!rcs[number] &&
				   mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct nfgenmsg)) {
				rcs[number] = cb(nlh, number, data);
			}
		}
	}
	return 0;
}

static int on_gen(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint32_t *genid = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID && mnl_attr_get_payload_len(attr) == 4)
			*genid = ntohl(mnl_attr_get_u32(attr));
	return 0;
}

int nf_source_genid(struct nf_source *s, uint32_t *genid)
{
	int rc;

	*genid = 0;
	nf_source_msg(s, NFT_MSG_GETGEN, 0, NFPROTO_UNSPEC);
	rc = nf_source_ask(s, on_gen, genid);
	/* -EINVAL: nfnetlink knows no nf_tables (nfnetlink_rcv_msg). */
	return rc == -EOPNOTSUPP || rc == -EINVAL ? 0 : rc;
}

int nf_source_raw(struct nf_source *s, uint8_t family)
{
	bool v6 = family == NFPROTO_IPV6;
	int *fd = &s->raw[v6], token;

	if (*fd >= 0)
		return *fd;
	token = netns_enter(s->netns_fd);
	if (token < 0)
		return token;
	*fd = fd_high(socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
	if (*fd < 0)
		*fd = -errno;
	netns_leave(token);
	return *fd;
}

/*
 * The file shows the namespace in which it was opened (seq_open_net()), wherever it is read from.
 * xt_proto_init() makes it in every namespace when the module is loaded, so where ours has none
 * there is no need to go and look.
 */
static int open_names(struct nf_source *s, bool v6)
{
	const char *path = v6 ? "/proc/thread-self/net/ip6_tables_names"
			      : "/proc/thread-self/net/ip_tables_names";
	int token, rc = 0;

	if (s->names[v6] >= 0)
		return 0;
	if (access(path, F_OK))
		return errno == ENOENT ? 0 : -errno;
	token = netns_enter(s->netns_fd);
	if (token < 0)
		return token;
	s->names[v6] = fd_high(open(path, O_RDONLY | O_CLOEXEC));
	if (s->names[v6] < 0 && errno != ENOENT)
		rc = -errno;
	netns_leave(token);
	return rc;
}

enum { NAMES_MAX = 4096 }; /* there are five tables */

int nf_source_legacy_names(struct nf_source *s, uint8_t family, char **out)
{
	bool v6 = family == NFPROTO_IPV6;
	int rc = open_names(s, v6);
	ssize_t len = 0, n = 1;

	*out = NULL;
	if (rc)
		return rc;
	*out = calloc(1, NAMES_MAX);
	if (!*out)
		return -ENOMEM;
	while (s->names[v6] >= 0 && n > 0 && len < NAMES_MAX - 1) {
		n = pread(s->names[v6], *out + len, NAMES_MAX - 1 - len, len);
		len += n > 0 ? n : 0;
	}
	if (n >= 0)
		return 0;
	rc = -errno;
	free(*out);
	*out = NULL;
	return rc;
}

/* Behind their NFQUEUE the chains of nf_tables are not walked within the hook any more. */
static uint64_t kinds_beside_legacy(const struct ruleset *rs)
{
	for (size_t i = 0; rs->exprs && i < rs->n_tables; i++)
		if (rs->tables[i]->backend == BACKEND_IPTABLES_LEGACY)
			return 1ULL << EXPR_WALK_END;
	return 0;
}

static int read_once(struct nf_source *s, struct ruleset **out, struct error *err)
{
	struct ruleset *rs = ruleset_new();
	int rc = rs ? 0 : fail(err, -ENOMEM, "out of memory");

	if (!rc)
		rc = nft_read(s, rs, err);
	if (!rc)
		rc = legacy_read(s, rs, err);
	if (!rc)
		rs->exprs |= kinds_beside_legacy(rs);
	if (!rc && ruleset_classify(rs))
		rc = fail(err, -ENOMEM, "out of memory");
	if (rc) {
		ruleset_put(rs);
		return rc;
	}
	*out = rs;
	return 0;
}

int nf_source_read(struct nf_source *s, struct ruleset **out, struct error *err)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = read_once(s, out, err);
	if (rc == -EAGAIN)
		fail(err, rc,
		     "the ruleset changed each of the %d times it was read; try again when it is "
		     "quiet",
		     TRIES);
	return rc;
}
