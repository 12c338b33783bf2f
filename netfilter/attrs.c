// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/attrs.h"

#include <arpa/inet.h>
#include <endian.h>
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

/* Of what follows struct nfgenmsg; negative: there is none. */
static int payload(const struct nlmsghdr *nlh, const struct nfgenmsg **g)
{
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(**g))
		return -EBADMSG;
	*g = mnl_nlmsg_get_payload(nlh);
	return (int)(mnl_nlmsg_get_payload_len(nlh) - sizeof(**g));
}

int attrs_of_message(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max,
		     uint8_t *family)
{
	struct table t = {tb, max};
	const struct nfgenmsg *g;
	int len = payload(nlh, &g);

	/* Not mnl_attr_parse(), which rounds the end of the message up. */
	if (len < 0 || mnl_attr_parse_payload(g + 1, len, collect, &t) < 0)
		return -EBADMSG;
	*family = g->nfgen_family;
	return 0;
}

bool attrs_of_nest(const struct nlattr *nest, const struct nlattr **tb, unsigned int max)
{
	struct table t = {tb, max};

	return nest && mnl_attr_parse_nested(nest, collect, &t) >= 0;
}

uint32_t attrs_find_u32(const struct nlmsghdr *nlh, unsigned int type)
{
	const struct nfgenmsg *g;
	const struct nlattr *attr;
	int len = payload(nlh, &g);

	if (len < 0)
		return 0;
	mnl_attr_for_each_payload((const struct nlattr *)(g + 1), len)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr_u32(attr);
	}
	return 0;
}

static bool get(void *to, size_t len, const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < len)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), len);
	return true;
}

bool attr_has_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint32_t);
}

uint8_t attr_u8(const struct nlattr *attr)
{
	uint8_t v;

	return get(&v, sizeof(v), attr) ? v : 0;
}

uint16_t attr_u16(const struct nlattr *attr)
{
	uint16_t v;

	return get(&v, sizeof(v), attr) ? ntohs(v) : 0;
}

uint32_t attr_u32(const struct nlattr *attr)
{
	uint32_t v;

	return get(&v, sizeof(v), attr) ? ntohl(v) : 0;
}

uint64_t attr_u64(const struct nlattr *attr)
{
	uint64_t v;

	return get(&v, sizeof(v), attr) ? be64toh(v) : 0;
}

const char *attr_string(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr)
									 : NULL;
}

struct bytes attr_bytes(const struct nlattr *attr)
{
	struct bytes b = {0};

	if (attr) {
		b.p = mnl_attr_get_payload(attr);
		b.len = mnl_attr_get_payload_len(attr);
	}
	return b;
}
