// SPDX-License-Identifier: GPL-2.0-or-later
/* Trace messages of nf_tables, and the packet in them. Input: as take_message() says. */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netfilter/trace_msg.h"
#include "src/packet.h"
#include "tests/fuzz/fuzz.h"

static void check_packet(const struct nlmsghdr *nlh, const struct trace_msg *m)
{
	char text[64];
	struct packet p = {.mark = m->mark};

	check(!m->ll.p || inside(nlh, nlh->nlmsg_len, m->ll.p, m->ll.len));
	check(!m->nh.p || inside(nlh, nlh->nlmsg_len, m->nh.p, m->nh.len));
	check(!m->th.p || inside(nlh, nlh->nlmsg_len, m->th.p, m->th.len));
	if (packet_parse(&p, m->ll.p, m->ll.len, m->nh.p, m->nh.len, m->th.p, m->th.len))
		return;
	check(p.mark == m->mark);
	check(packet_same(&p, &p, true));
	check(*proto_text(text, sizeof(text), &p));
	check(*endpoint_text(text, sizeof(text), p.family, &p.src, p.has_ports));
	check(*tcp_flags_text(text, sizeof(text), p.tcp_flags));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t whole[sizeof(struct nlmsghdr) + MESSAGE_MAX];
	struct nlmsghdr head = {.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE};
	struct input in = {data, size};
	const struct nlmsghdr *nlh;
	struct trace_msg m;
	struct exact e;

	head.nlmsg_len = sizeof(head) + take_message(&in, whole + sizeof(head));
	memcpy(whole, &head, sizeof(head));
	exact_put(&e, whole, head.nlmsg_len);
	nlh = (const void *)e.p;
	if (!trace_msg_decode(nlh, &m)) {
		check(string_inside(nlh, nlh->nlmsg_len, m.table));
		check(string_inside(nlh, nlh->nlmsg_len, m.chain));
		check(!m.target || string_inside(nlh, nlh->nlmsg_len, m.target));
		check(m.kind != TRACE_RULE || m.handle);
		check_packet(nlh, &m);
	}
	exact_free(&e);
	return 0;
}
