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

static int decode_kind(struct trace_msg *m, const struct nlattr **tb)
{
	switch (get_u32(tb[NFTA_TRACE_TYPE])) {
	case NFT_TRACETYPE_RULE:
		if (tb[NFTA_TRACE_VERDICT])
			mnl_attr_parse_nested(tb[NFTA_TRACE_VERDICT], verdict_attr, m);
		if (tb[NFTA_TRACE_RULE_HANDLE] &&
		    mnl_attr_get_payload_len(tb[NFTA_TRACE_RULE_HANDLE]) >= 8)
			m->handle = be64toh(mnl_attr_get_u64(tb[NFTA_TRACE_RULE_HANDLE]));
		/* nft_do_chain() calls nft_trace_packet(…, NULL, NFT_TRACETYPE_RETURN) there;
		 * measured: it arrives as this. */
		m->kind = m->handle ? TRACE_RULE : TRACE_END;
		return 0;
	case NFT_TRACETYPE_RETURN:
		m->kind = TRACE_END;
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
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*g))
		return -EBADMSG;
	g = mnl_nlmsg_get_payload(nlh);
	if (mnl_attr_parse(nlh, sizeof(*g), collect, tb) < 0)
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
