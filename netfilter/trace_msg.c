// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/trace_msg.h"

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* Newer than the headers and the libnftnl that we build with (enum nft_trace_attributes of
 * Linux 6.16). */
enum {
	TRACE_CT_ID = 18,
	TRACE_CT_DIRECTION,
	TRACE_CT_STATUS,
	TRACE_CT_STATE,
	TRACE_ATTR_MAX = TRACE_CT_STATE
};

static int verdict_attr(const struct nlattr *attr, void *data)
{
	struct trace_msg *m = data;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_VERDICT_CODE:
		if (attr_has_u32(attr))
			m->verdict = verdict_of_nft((int32_t)attr_u32(attr));
		break;
	case NFTA_VERDICT_CHAIN:
		m->target = attr_string(attr);
		break;
	}
	return MNL_CB_OK;
}

static void decode_rule(struct trace_msg *m, const struct nlattr **tb)
{
	if (tb[NFTA_TRACE_VERDICT])
		mnl_attr_parse_nested(tb[NFTA_TRACE_VERDICT], verdict_attr, m);
	m->handle = attr_u64(tb[NFTA_TRACE_RULE_HANDLE]);
}

/*
 * The type does not tell a rule from the end of a chain, the handle does
 * (nf_trace_fill_rule_info()): Linux 6.1 calls both a rule that returns and the end of a chain
 * RETURN, 6.18 calls both RULE.
 */
static int decode_kind(struct trace_msg *m, const struct nlattr **tb)
{
	switch (attr_u32(tb[NFTA_TRACE_TYPE])) {
	case NFT_TRACETYPE_RULE:
	case NFT_TRACETYPE_RETURN:
		decode_rule(m, tb);
		m->kind = m->handle ? TRACE_RULE : TRACE_END;
		return 0;
	case NFT_TRACETYPE_POLICY:
		m->kind = TRACE_POLICY;
		m->verdict = verdict_of_nft((int32_t)attr_u32(tb[NFTA_TRACE_POLICY]));
		return 0;
	}
	return -EBADMSG;
}

int trace_msg_decode(const struct nlmsghdr *nlh, struct trace_msg *m)
{
	const struct nlattr *tb[TRACE_ATTR_MAX + 1] = {0};
	int rc;

	memset(m, 0, sizeof(*m));
	if (attrs_of_message(nlh, tb, TRACE_ATTR_MAX, &m->family))
		return -EBADMSG;
	m->table = attr_string(tb[NFTA_TRACE_TABLE]);
	m->chain = attr_string(tb[NFTA_TRACE_CHAIN]);
	if (!m->table || !m->chain || !tb[NFTA_TRACE_ID])
		return -EBADMSG;
	m->id = attr_u32(tb[NFTA_TRACE_ID]);
	rc = decode_kind(m, tb);
	if (rc)
		return rc;
	m->ll = attr_bytes(tb[NFTA_TRACE_LL_HEADER]);
	m->nh = attr_bytes(tb[NFTA_TRACE_NETWORK_HEADER]);
	m->th = attr_bytes(tb[NFTA_TRACE_TRANSPORT_HEADER]);
	m->iif = attr_u32(tb[NFTA_TRACE_IIF]);
	m->oif = attr_u32(tb[NFTA_TRACE_OIF]);
	m->nfproto = attr_u32(tb[NFTA_TRACE_NFPROTO]);
	m->has_mark = tb[NFTA_TRACE_MARK];
	m->mark = attr_u32(tb[NFTA_TRACE_MARK]);
	m->ct_id = attr_u32(tb[TRACE_CT_ID]);
	m->ct_state = attr_u32(tb[TRACE_CT_STATE]);
	m->ct_reply = attr_u8(tb[TRACE_CT_DIRECTION]) != 0;
	return 0;
}
