// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/udata.h"

#include <stdint.h>

#include <libnftnl/udata.h>

enum { HEAD = 2 };

const char *udata_comment(const void *data, size_t len)
{
	const uint8_t *p = data;
	const char *comment = NULL;

	while (len >= HEAD && len - HEAD >= p[1]) {
		const char *value = (const char *)p + HEAD;
		size_t n = p[1];

		/* NFTNL_UDATA_RULE_COMMENT and NFTNL_UDATA_CHAIN_COMMENT are both 0. */
		if (p[0] == NFTNL_UDATA_RULE_COMMENT && n && !value[n - 1])
			comment = value;
		p += HEAD + n;
		len -= HEAD + n;
	}
	return comment;
}
