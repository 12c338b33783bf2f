// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text of one rule by libnftables, when its table is large. libnftables reads all sets of a
 * table to print one chain, and the kernel looks through the table's sets for each of them. So the
 * rule is copied, with the sets and chains that it names and nothing else, into a network namespace
 * of our own, in which no packet ever is, and printed there. Whatever is not plain is not copied;
 * the caller then asks for the whole chain.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netfilter/text_parts.h"
#include "src/error.h"
#include "src/fd.h"
#include "src/netns.h"

enum {
	BATCH_SIZE = 1 << 19,	/* bytes */
	MESSAGE_ROOM = 1 << 17, /* bytes: a nested attribute holds half of it at most */
	ANSWER_SIZE = 1 << 14,
};

struct text_alone {
	struct nf_source *s; /* of the namespace of our own */
	struct mnl_socket *nl;
	char *batch;
	size_t used;
	uint32_t seq;
};

static int own_netns(void)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), fd;

	if (own < 0)
		return -errno;
	if (unshare(CLONE_NEWNET)) {
		fd = -errno;
		close(own);
		return fd;
	}
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	netns_leave(own);
	return fd;
}

struct text_alone *text_alone_open(void)
{
	struct text_alone *a = calloc(1, sizeof(*a));
	int fd = a ? own_netns() : -ENOMEM, token;
	struct error err;

	if (fd < 0) {
		free(a);
		return NULL;
	}
	a->s = nf_source_open(fd, &err);
	a->batch = malloc(BATCH_SIZE);
	token = netns_enter(fd);
	if (token >= 0) {
		a->nl = fd_high_mnl(NETLINK_NETFILTER, SOCK_CLOEXEC);
		netns_leave(token);
	}
	close(fd);
	if (a->s && a->batch && a->nl && !mnl_socket_bind(a->nl, 0, MNL_SOCKET_AUTOPID))
		return a;
	text_alone_close(a);
	return NULL;
}

void text_alone_close(struct text_alone *a)
{
	if (!a)
		return;
	if (a->nl)
		mnl_socket_close(a->nl);
	nf_source_close(a->s);
	free(a->batch);
	free(a);
}

/* --- a transaction in the namespace of our own --- */

static struct nlmsghdr *next_message(struct text_alone *a, uint16_t type, uint16_t flags,
				     uint8_t family)
{
	if (BATCH_SIZE - a->used < MESSAGE_ROOM)
		return NULL;
	return nftnl_nlmsg_build_hdr(a->batch + a->used, type, family, flags, ++a->seq);
}

static void put(struct text_alone *a, const struct nlmsghdr *nlh)
{
	a->used += MNL_ALIGN(nlh->nlmsg_len);
}

static int put_table(struct text_alone *a, const struct rs_table *t, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = next_message(a, type, flags, t->family);

	if (!nlh)
		return -EOPNOTSUPP;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, t->name);
	put(a, nlh);
	return 0;
}

static int put_chain(struct text_alone *a, const struct rs_table *t, const char *name)
{
	struct nlmsghdr *nlh = next_message(a, NFT_MSG_NEWCHAIN, NLM_F_CREATE, t->family);

	if (!nlh)
		return -EOPNOTSUPP;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, t->name);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	put(a, nlh);
	return 0;
}

static int put_elems(struct text_alone *a, const struct rs_table *t, struct nftnl_set *set)
{
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(set);
	struct nlmsghdr *nlh;
	int more = iter != NULL;

	while (more > 0 && nftnl_set_elems_iter_cur(iter)) {
		nlh = next_message(a, NFT_MSG_NEWSETELEM, NLM_F_CREATE, t->family);
		if (!nlh) {
			more = -1;
			break;
		}
		more = nftnl_set_elems_nlmsg_build_payload_iter(nlh, iter);
		put(a, nlh);
	}
	if (iter)
		nftnl_set_elems_iter_destroy(iter);
	return iter && more >= 0 ? 0 : -EOPNOTSUPP;
}

static int put_set(struct text_alone *a, const struct rs_table *t, struct nftnl_set *set)
{
	struct nlmsghdr *nlh = next_message(a, NFT_MSG_NEWSET, NLM_F_CREATE, t->family);

	if (!nlh)
		return -EOPNOTSUPP;
	nftnl_set_nlmsg_build_payload(nlh, set);
	put(a, nlh);
	return 0;
}

static int put_rule(struct text_alone *a, const struct rs_table *t, struct nftnl_rule *nlr)
{
	struct nlmsghdr *nlh =
		next_message(a, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK,
			     t->family);

	if (!nlh)
		return -EOPNOTSUPP;
	nftnl_rule_unset(nlr, NFTNL_RULE_HANDLE);
	nftnl_rule_unset(nlr, NFTNL_RULE_POSITION);
	nftnl_rule_nlmsg_build_payload(nlh, nlr);
	put(a, nlh);
	return 0;
}

static void begin(struct text_alone *a)
{
	a->used = 0;
	put(a, nftnl_batch_begin(a->batch, ++a->seq));
}

/* Sends it; its last message asked for an acknowledgement, which comes behind all complaints. */
static int commit(struct text_alone *a)
{
	const uint32_t first = ((const struct nlmsghdr *)a->batch)->nlmsg_seq, last = a->seq;
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
	const struct nlmsghdr *nlh;
	int len, rc = 0, error;

	put(a, nftnl_batch_end(a->batch + a->used, ++a->seq));
	if (mnl_socket_sendto(a->nl, a->batch, a->used) < 0)
		return -errno;
	for (bool done = false; !done;) {
		len = mnl_socket_recvfrom(a->nl, answer, sizeof(answer));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		for (nlh = (void *)answer; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			/* What was left unread belongs to an earlier one, which failed. */
			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq < first ||
			    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nlmsgerr))
				continue;
			error = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
			rc = rc ?: error;
			done |= error || nlh->nlmsg_seq == last;
		}
	}
	return rc;
}

static int copy_there(struct text_alone *a, const struct rs_chain *c, struct text_needs *n)
{
	int rc;

	begin(a);
	rc = put_table(a, c->table, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	for (size_t i = 0; !rc && i < n->n_chains; i++)
		rc = put_chain(a, c->table, n->chains[i]);
	for (size_t i = 0; !rc && i < n->n_sets; i++)
		rc = put_set(a, c->table, n->sets[i]);
	for (size_t i = 0; !rc && i < n->n_sets; i++)
		rc = put_elems(a, c->table, n->sets[i]);
	if (!rc)
		rc = put_rule(a, c->table, n->rule);
	return rc ?: commit(a);
}

/* --- the copy, as libnftables sees it --- */

static int on_table(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint64_t *handle = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_TABLE_HANDLE &&
		    mnl_attr_get_payload_len(attr) == sizeof(*handle)) {
			memcpy(handle, mnl_attr_get_payload(attr), sizeof(*handle));
			*handle = be64toh(*handle);
		}
	return 0;
}

static int read_copy(struct text_alone *a, const struct rs_chain *c, struct chain_lines **out)
{
	struct rs_table table = {
		.backend = BACKEND_NFT, .family = c->table->family, .name = c->table->name};
	struct rs_chain chain = {.table = &table, .name = c->name};
	struct nlmsghdr *nlh = nf_source_msg(a->s, NFT_MSG_GETTABLE, 0, table.family);
	int rc;

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table.name);
	rc = nf_source_ask(a->s, on_table, &table.handle);
	if (rc)
		return rc;
	*out = chain_lines_read(a->s, &chain);
	if (!*out)
		return -ENOMEM;
	return (*out)->why || (*out)->n != 1 ? -EOPNOTSUPP : 0;
}

static int remove_copy(struct text_alone *a, const struct rs_table *t)
{
	int rc;

	begin(a);
	rc = put_table(a, t, NFT_MSG_DELTABLE, NLM_F_ACK);
	return rc ?: commit(a);
}

int text_alone_read(struct text_alone *a, struct nf_source *s, const struct rs_chain *c,
		    uint64_t handle, struct chain_lines **out)
{
	struct text_needs n = {0};
	int rc, removed;

	*out = NULL;
	rc = text_needs_find(s, c, handle, &n);
	if (!rc)
		rc = copy_there(a, c, &n);
	text_needs_free(&n);
	if (rc)
		return rc;
	rc = read_copy(a, c, out);
	removed = remove_copy(a, c->table);
	rc = rc ?: removed;
	if (!rc)
		return 0;
	chain_lines_free(*out);
	*out = NULL;
	return rc;
}
