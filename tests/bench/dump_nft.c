// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dump_nft: the floor for reading an nftables ruleset: one dump of all rules, each made into a
 * libnftnl object and freed again. Prints {"cpu": seconds, "n": rules, "peak_kib": …}.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/bench.h"

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	unsigned long *n = data;

	if (!r || nftnl_rule_nlmsg_parse(nlh, r) < 0)
		return MNL_CB_ERROR;
	++*n;
	nftnl_rule_free(r);
	return MNL_CB_OK;
}

int main(void)
{
	static char buf[64 << 10] __attribute__((aligned(8)));
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	struct nlmsghdr *nlh;
	unsigned long n = 0;
	ssize_t len;
	int rc = 1;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		goto failed;
	nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, AF_UNSPEC, NLM_F_DUMP, 1);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		goto failed;
	while (rc > 0) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len < 0)
			goto failed;
		rc = mnl_cb_run(buf, len, 1, mnl_socket_get_portid(nl), on_rule, &n);
	}
	if (rc < 0)
		goto failed;
	mnl_socket_close(nl);
	printf("{\"cpu\": %.6f, \"n\": %lu, \"peak_kib\": %ld}\n", cpu_seconds(), n, peak_kib());
	return 0;
failed:
	fprintf(stderr, "dump_nft: %s\n", strerror(errno));
	return 1;
}
