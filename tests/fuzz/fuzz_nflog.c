// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of nfnetlink_log, TRACE lines and others. Input: as take_message() says. */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "netfilter/nflog.h"
#include "src/packet.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t whole[sizeof(struct nlmsghdr) + MESSAGE_MAX];
	struct nlmsghdr head = {.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET};
	struct input in = {data, size};
	const struct nlmsghdr *nlh;
	struct packet p = {0};
	struct nflog_msg m;
	struct exact e;

	head.nlmsg_len = sizeof(head) + take_message(&in, whole + sizeof(head));
	memcpy(whole, &head, sizeof(head));
	exact_put(&e, whole, head.nlmsg_len);
	nlh = (const void *)e.p;
	if (!nflog_msg_decode(nlh, &m)) {
		check(!m.payload.p || inside(nlh, nlh->nlmsg_len, m.payload.p, m.payload.len));
		check(!m.ll.p || inside(nlh, nlh->nlmsg_len, m.ll.p, m.ll.len));
		check(memchr(m.table, 0, sizeof(m.table)) && memchr(m.chain, 0, sizeof(m.chain)));
		check(!m.trace || (!strchr(m.table, ':') && m.kind <= XT_TRACE_POLICY));
		packet_parse(&p, NULL, 0, m.payload.p, m.payload.len, NULL, 0);
	}
	exact_free(&e);
	return 0;
}
