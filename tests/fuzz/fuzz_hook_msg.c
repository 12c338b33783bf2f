// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of nfnetlink_hook. Input: as take_message() says. */
#include <libmnl/libmnl.h>

#include "netfilter/hook_list_msg.h"
#include "tests/fuzz/fuzz.h"

static bool fine(const struct nlmsghdr *nlh, const char *s)
{
	return !s || string_inside(nlh, nlh->nlmsg_len, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t whole[sizeof(struct nlmsghdr) + MESSAGE_MAX];
	struct nlmsghdr head = {.nlmsg_type = HOOK_SUBSYS << 8 | HOOK_MSG_GET};
	struct input in = {data, size};
	const struct nlmsghdr *nlh;
	struct hook_msg m;
	struct exact e;

	head.nlmsg_len = sizeof(head) + take_message(&in, whole + sizeof(head));
	memcpy(whole, &head, sizeof(head));
	exact_put(&e, whole, head.nlmsg_len);
	nlh = (const void *)e.p;
	if (!hook_msg_decode(nlh, &m)) {
		check(fine(nlh, m.function) && fine(nlh, m.module));
		check(fine(nlh, m.table) && fine(nlh, m.chain));
		check(m.type == HOOK_TYPE_BPF || !m.bpf_id);
		check(m.type == HOOK_TYPE_NFTABLES || m.type == HOOK_TYPE_FLOWTABLE || !m.chain);
	}
	exact_free(&e);
	return 0;
}
