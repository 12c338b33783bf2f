// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/hook_list_msg.h"

#include <errno.h>
#include <string.h>

#include "netfilter/attrs.h"

/* nfnl_hook_put_nft_info_desc(), nfnl_hook_put_bpf_prog_info() */
static void decode_info(struct hook_msg *m, const struct nlattr *nest)
{
	const struct nlattr *info[HOOK_INFO_MAX + 1] = {0}, *desc[HOOK_DESC_MAX + 1] = {0};

	attrs_of_nest(nest, info, HOOK_INFO_MAX);
	attrs_of_nest(info[HOOK_INFO_DESC], desc, HOOK_DESC_MAX);
	m->type = attr_u32(info[HOOK_INFO_TYPE]);
	switch (m->type) {
	case HOOK_TYPE_NFTABLES:
	case HOOK_TYPE_FLOWTABLE:
		m->table = attr_string(desc[HOOK_DESC_TABLE]);
		m->chain = attr_string(desc[HOOK_DESC_NAME]);
		m->chain_family = attr_u8(desc[HOOK_DESC_FAMILY]);
		return;
	case HOOK_TYPE_BPF:
		m->bpf_id = attr_u32(desc[HOOK_DESC_BPF_ID]);
		return;
	}
}

int hook_msg_decode(const struct nlmsghdr *nlh, struct hook_msg *m)
{
	const struct nlattr *tb[HOOK_ATTR_MAX + 1] = {0};

	memset(m, 0, sizeof(*m));
	if (attrs_of_message(nlh, tb, HOOK_ATTR_MAX, &m->family))
		return -EBADMSG;
	if (!attr_has_u32(tb[HOOK_ATTR_HOOKNUM]) || !attr_has_u32(tb[HOOK_ATTR_PRIORITY]))
		return -EBADMSG;
	m->hook = attr_u32(tb[HOOK_ATTR_HOOKNUM]);
	m->priority = (int32_t)attr_u32(tb[HOOK_ATTR_PRIORITY]);
	m->function = attr_string(tb[HOOK_ATTR_FUNCTION]);
	m->module = attr_string(tb[HOOK_ATTR_MODULE]);
	decode_info(m, tb[HOOK_ATTR_CHAIN_INFO]);
	return 0;
}
