// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/hook_list_msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

struct table {
	const struct nlattr **tb;
	unsigned int max;
};

static int collect(const struct nlattr *attr, void *data)
{
	const struct table *t = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type <= t->max)
		t->tb[type] = attr;
	return MNL_CB_OK;
}

static bool has_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= 4;
}

static const char *get_string(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr)
									 : NULL;
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return has_u32(attr) ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

static void parse_nested(const struct nlattr *nest, const struct nlattr **tb, unsigned int max)
{
	struct table t = {tb, max};

	if (nest)
		mnl_attr_parse_nested(nest, collect, &t);
}

/* nfnl_hook_put_nft_info_desc(), nfnl_hook_put_bpf_prog_info() */
static void decode_info(struct hook_msg *m, const struct nlattr *nest)
{
	const struct nlattr *info[HOOK_INFO_MAX + 1] = {0}, *desc[HOOK_DESC_MAX + 1] = {0};
	const struct nlattr *family;

	parse_nested(nest, info, HOOK_INFO_MAX);
	parse_nested(info[HOOK_INFO_DESC], desc, HOOK_DESC_MAX);
	m->type = get_u32(info[HOOK_INFO_TYPE]);
	switch (m->type) {
	case HOOK_TYPE_NFTABLES:
	case HOOK_TYPE_FLOWTABLE:
		family = desc[HOOK_DESC_FAMILY];
		m->table = get_string(desc[HOOK_DESC_TABLE]);
		m->chain = get_string(desc[HOOK_DESC_NAME]);
		if (family && mnl_attr_get_payload_len(family) >= 1)
			m->chain_family = mnl_attr_get_u8(family);
		return;
	case HOOK_TYPE_BPF:
		m->bpf_id = get_u32(desc[HOOK_DESC_BPF_ID]);
		return;
	}
}

int hook_msg_decode(const struct nlmsghdr *nlh, struct hook_msg *m)
{
	const struct nlattr *tb[HOOK_ATTR_MAX + 1] = {0};
	struct table t = {tb, HOOK_ATTR_MAX};
	const struct nfgenmsg *g;

	memset(m, 0, sizeof(*m));
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*g))
		return -EBADMSG;
	g = mnl_nlmsg_get_payload(nlh);
	/* Not mnl_attr_parse(), which rounds the end of the message up. */
	if (mnl_attr_parse_payload(g + 1, mnl_nlmsg_get_payload_len(nlh) - sizeof(*g), collect,
				   &t) < 0)
		return -EBADMSG;
	if (!has_u32(tb[HOOK_ATTR_HOOKNUM]) || !has_u32(tb[HOOK_ATTR_PRIORITY]))
		return -EBADMSG;
	m->family = g->nfgen_family;
	m->hook = get_u32(tb[HOOK_ATTR_HOOKNUM]);
	m->priority = (int32_t)get_u32(tb[HOOK_ATTR_PRIORITY]);
	m->function = get_string(tb[HOOK_ATTR_FUNCTION]);
	m->module = get_string(tb[HOOK_ATTR_MODULE]);
	decode_info(m, tb[HOOK_ATTR_CHAIN_INFO]);
	return 0;
}
