// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/text_parts.h"

/*
 * User data is type, length, value in bytes that the kernel passes on unseen; nftnl_udata_parse()
 * believes every length. The type of a comment is 0 for rules (NFTNL_UDATA_RULE_COMMENT) and for
 * chains.
 */
const char *udata_comment(const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len >= 2 && p[1] <= len - 2) {
		size_t size = p[1];

		if (p[0] == 0 && size && !p[1 + size])
			return (const char *)p + 2;
		p += 2 + size;
		len -= 2 + size;
	}
	return NULL;
}
