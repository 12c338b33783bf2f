// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/trace_msg.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
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

static int collect(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type <= TRACE_ATTR_MAX)
		tb[type] = attr;
	return MNL_CB_OK;
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

static const char *get_string(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr)
									 : NULL;
}

static struct bytes get_bytes(const struct nlattr *attr)
{
	struct bytes b = {0};

	if (attr) {
		b.p = mnl_attr_get_payload(attr);
		b.len = mnl_attr_get_payload_len(attr);
	}
	return b;
}

static int verdict_attr(const struct nlattr *attr, void *data)
{
	struct trace_msg *m = data;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_VERDICT_CODE:
		if (mnl_attr_get_payload_len(attr) >= 4)
			m->verdict = verdict_of_nft((int32_t)ntohl(mnl_attr_get_u32(attr)));
		break;
	case NFTA_VERDICT_CHAIN:
		m->target = get_string(attr);
		break;
	}
	return MNL_CB_OK;
}

static void decode_rule(struct trace_msg *m, const struct nlattr **tb)
{
	const struct nlattr *handle = tb[NFTA_TRACE_RULE_HANDLE];

	if (tb[NFTA_TRACE_VERDICT])
		mnl_attr_parse_nested(tb[NFTA_TRACE_VERDICT], verdict_attr, m);
	if (handle && mnl_attr_get_payload_len(handle) >= 8)
		m->handle = be64toh(mnl_attr_get_u64(handle));
}

/*
 * The type does not tell a rule from the end of a chain, the handle does
 * (nf_trace_fill_rule_info()): Linux 6.1 calls both a rule that returns and the end of a chain
 * RETURN, 6.18 calls both RULE.
 */
static int decode_kind(struct trace_msg *m, const struct nlattr **tb)
{
	switch (get_u32(tb[NFTA_TRACE_TYPE])) {
	case NFT_TRACETYPE_RULE:
	case NFT_TRACETYPE_RETURN:
		decode_rule(m, tb);
		m->kind = m->handle ? TRACE_RULE : TRACE_END;
		return 0;
	case NFT_TRACETYPE_POLICY:
		m->kind = TRACE_POLICY;
		m->verdict = verdict_of_nft((int32_t)get_u32(tb[NFTA_TRACE_POLICY]));
		return 0;
	}
	return -EBADMSG;
}

int trace_msg_decode(const struct nlmsghdr *nlh, struct trace_msg *m)
{
	const struct nlattr *tb[TRACE_ATTR_MAX + 1] = {0};
	const struct nfgenmsg *g;
	int rc;

	memset(m, 0, sizeof(*m));
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*g))
		return -EBADMSG;
	g = mnl_nlmsg_get_payload(nlh);
	/* Not mnl_attr_parse(), which rounds the end of the message up. */
	if (mnl_attr_parse_payload(g + 1, mnl_nlmsg_get_payload_len(nlh) - sizeof(*g), collect,
				   tb) < 0)
		return -EBADMSG;
	m->family = g->nfgen_family;
	m->table = get_string(tb[NFTA_TRACE_TABLE]);
	m->chain = get_string(tb[NFTA_TRACE_CHAIN]);
	if (!m->table || !m->chain || !tb[NFTA_TRACE_ID])
		return -EBADMSG;
	m->id = get_u32(tb[NFTA_TRACE_ID]);
	rc = decode_kind(m, tb);
	if (rc)
		return rc;
	m->ll = get_bytes(tb[NFTA_TRACE_LL_HEADER]);
	m->nh = get_bytes(tb[NFTA_TRACE_NETWORK_HEADER]);
	m->th = get_bytes(tb[NFTA_TRACE_TRANSPORT_HEADER]);
	m->iif = get_u32(tb[NFTA_TRACE_IIF]);
	m->oif = get_u32(tb[NFTA_TRACE_OIF]);
	m->nfproto = get_u32(tb[NFTA_TRACE_NFPROTO]);
	m->has_mark = tb[NFTA_TRACE_MARK];
	m->mark = get_u32(tb[NFTA_TRACE_MARK]);
	m->ct_id = get_u32(tb[TRACE_CT_ID]);
	m->ct_state = get_u32(tb[TRACE_CT_STATE]);
	if (tb[TRACE_CT_DIRECTION] && mnl_attr_get_payload_len(tb[TRACE_CT_DIRECTION]) >= 1)
		m->ct_reply = mnl_attr_get_u8(tb[TRACE_CT_DIRECTION]) != 0;
	return 0;
}

uint32_t trace_msg_id(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_TRACE_ID)
			return get_u32(attr);
	}
	return 0;
}
