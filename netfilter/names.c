// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/names.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *pick(const char *const *names, unsigned int n, unsigned int i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *backend_name(enum backend b)
{
	static const char *const names[] = {
		[BACKEND_NFT] = "nft",
		[BACKEND_IPTABLES_NFT] = "iptables-nft",
		[BACKEND_IPTABLES_LEGACY] = "iptables-legacy",
	};

	return pick(names, COUNT(names), b);
}

const char *family_name(uint8_t family)
{
	static const char *const names[] = {
		[NFPROTO_IPV4] = "ip", [NFPROTO_IPV6] = "ip6",	    [NFPROTO_INET] = "inet",
		[NFPROTO_ARP] = "arp", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_NETDEV] = "netdev",
	};

	return pick(names, COUNT(names), family);
}

const char *hook_name(uint8_t family, uint8_t hook)
{
	/* NF_BR_* counts as NF_INET_* does; its sixth is brouting. */
	static const char *const inet[] = {"prerouting", "input",	"forward",
					   "output",	 "postrouting", "ingress"};
	static const char *const arp[] = {"input", "output", "forward"};
	static const char *const netdev[] = {"ingress", "egress"};

	switch (family) {
	case NFPROTO_ARP:
		return pick(arp, COUNT(arp), hook);
	case NFPROTO_NETDEV:
		return pick(netdev, COUNT(netdev), hook);
	default:
		return pick(inet, COUNT(inet), hook);
	}
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_UNKNOWN] = "unknown", [VERDICT_ACCEPT] = "accept",
		[VERDICT_DROP] = "drop",       [VERDICT_STOLEN] = "stolen",
		[VERDICT_QUEUE] = "queue",     [VERDICT_CONTINUE] = "continue",
		[VERDICT_RETURN] = "return",   [VERDICT_JUMP] = "jump",
		[VERDICT_GOTO] = "goto",
	};

	return pick(names, COUNT(names), v);
}

enum verdict verdict_of_nft(int32_t code)
{
	switch (code) {
	case NFT_CONTINUE:
	case NFT_BREAK:
		return VERDICT_CONTINUE;
	case NFT_JUMP:
		return VERDICT_JUMP;
	case NFT_GOTO:
		return VERDICT_GOTO;
	case NFT_RETURN:
		return VERDICT_RETURN;
	}
	/* The upper half carries NF_QUEUE's number or NF_DROP's errno
	 * (include/uapi/linux/netfilter.h). */
	switch (code & NF_VERDICT_MASK) {
	case NF_DROP:
		return VERDICT_DROP;
	case NF_ACCEPT:
		return VERDICT_ACCEPT;
	case NF_STOLEN:
		return VERDICT_STOLEN;
	case NF_QUEUE:
		return VERDICT_QUEUE;
	}
	return VERDICT_UNKNOWN;
}

int mask_prefix(const uint8_t *mask, int bytes)
{
	int len = 0;

	while (len < 8 * bytes && mask[len / 8] & (0x80 >> len % 8))
		len++;
	for (int i = len; i < 8 * bytes; i++)
		if (mask[i / 8] & (0x80 >> i % 8))
			return -1;
	return len;
}
