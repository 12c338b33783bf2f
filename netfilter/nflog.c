// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/nflog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

enum { COPY_BYTES = 128 };

/* "5 ", as trace_packet() writes it: counted from 1, digits only, one space and no more. */
static bool parse_number(const char *s, uint32_t *number)
{
	unsigned long long n;
	char *end;

	if (*s < '1' || *s > '9')
		return false;
	n = strtoull(s, &end, 10);
	*number = n;
	return n <= UINT32_MAX && !strcmp(end, " ");
}

/*
 * "TRACE: table:chain:rule:5 ". A chain's name may hold colons, a table's cannot: so from the left
 * the table, from the right number and kind, and what is between them is the chain.
 */
static bool parse_prefix(struct nflog_msg *m, const char *prefix)
{
	static const char lead[] = "TRACE: ";
	static const struct {
		const char *word;
		enum xt_trace_kind kind;
	} kinds[] = {
		{"rule", XT_TRACE_RULE}, {"return", XT_TRACE_RETURN}, {"policy", XT_TRACE_POLICY}};
	const char *table, *chain, *kind, *number;

	if (strncmp(prefix, lead, sizeof(lead) - 1))
		return false;
	table = prefix + sizeof(lead) - 1;
	chain = strchr(table, ':');
	number = strrchr(table, ':');
	if (!chain || number == chain)
		return false;
	for (kind = number - 1; *kind != ':'; kind--)
		;
	if (kind == chain || chain - table >= XT_NAME_MAX || kind - chain > XT_NAME_MAX)
		return false;
	if (!parse_number(number + 1, &m->number))
		return false;
	memcpy(m->table, table, chain - table);
	memcpy(m->chain, chain + 1, kind - chain - 1);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].word);

		if ((size_t)(number - kind - 1) == n && !memcmp(kind + 1, kinds[i].word, n)) {
			m->kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

int nflog_msg_decode(const struct nlmsghdr *nlh, struct nflog_msg *m)
{
	const struct nlattr *tb[NFULA_MAX + 1] = {0};
	const struct nfulnl_msg_packet_hdr *hdr;

	memset(m, 0, sizeof(*m));
	if (attrs_of_message(nlh, tb, NFULA_MAX, &m->family))
		return -EBADMSG;
	if (tb[NFULA_PACKET_HDR] &&
	    mnl_attr_get_payload_len(tb[NFULA_PACKET_HDR]) >= sizeof(*hdr)) {
		hdr = mnl_attr_get_payload(tb[NFULA_PACKET_HDR]);
		m->hook = hdr->hook;
	}
	m->has_seq = tb[NFULA_SEQ];
	m->seq = attr_u32(tb[NFULA_SEQ]);
	m->iif = attr_u32(tb[NFULA_IFINDEX_INDEV]);
	m->oif = attr_u32(tb[NFULA_IFINDEX_OUTDEV]);
	m->mark = attr_u32(tb[NFULA_MARK]);
	m->payload = attr_bytes(tb[NFULA_PAYLOAD]);
	m->ll = attr_bytes(tb[NFULA_HWHEADER]);
	if (tb[NFULA_PREFIX] && mnl_attr_validate(tb[NFULA_PREFIX], MNL_TYPE_NUL_STRING) >= 0)
		m->trace = parse_prefix(m, mnl_attr_get_str(tb[NFULA_PREFIX]));
	return 0;
}

struct nlmsghdr *nflog_request(void *buf, enum nflog_request what, uint8_t family, uint32_t seq)
{
	static const uint8_t commands[] = {
		[NFLOG_BIND_FAMILY] = NFULNL_CFG_CMD_PF_BIND,
		[NFLOG_BIND_GROUP] = NFULNL_CFG_CMD_BIND,
		[NFLOG_UNBIND_GROUP] = NFULNL_CFG_CMD_UNBIND,
	};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	nlh->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(0); /* the group */
	if (what == NFLOG_MODE) {
		struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPY_BYTES),
						      .copy_mode = NFULNL_COPY_PACKET};

		mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
		mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1));
		mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	} else {
		struct nfulnl_msg_config_cmd cmd = {.command = commands[what]};

		mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	}
	return nlh;
}
