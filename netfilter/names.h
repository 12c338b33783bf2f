/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The field's words for netfilter's numbers: families, hooks, verdicts, backends. The only place
 * that knows them.
 *
 * Every function returns a constant string, and for a number that it does not know "unknown": a
 * newer kernel may say more than we were taught, and that must neither crash nor disappear.
 */
#ifndef NFPATH_NETFILTER_NAMES_H
#define NFPATH_NETFILTER_NAMES_H

#include <stdint.h>

/* Which tool's rules these are. */
enum backend { BACKEND_NFT, BACKEND_IPTABLES_NFT, BACKEND_IPTABLES_LEGACY };

/*
 * What a rule or a policy did with the packet. Numbered apart from the kernel's NF_* and NFT_*,
 * which overlap each other.
 */
enum verdict {
	VERDICT_UNKNOWN,
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_STOLEN,
	VERDICT_QUEUE,
	VERDICT_CONTINUE,
	VERDICT_RETURN,
	VERDICT_JUMP,
	VERDICT_GOTO,
};

const char *backend_name(enum backend b);

/* family: NFPROTO_*. "ip", "ip6", "inet", "arp", "bridge", "netdev": as nft writes them. */
const char *family_name(uint8_t family);

/* hook: the number of that family (NF_INET_*, NF_BR_*, NF_ARP_*, NF_NETDEV_*). Lower case, as nft
 * writes it. */
const char *hook_name(uint8_t family, uint8_t hook);

const char *verdict_name(enum verdict v);

/* code: NF_* or NFT_* as NFTA_VERDICT_CODE carries it (include/uapi/linux/netfilter/nf_tables.h).
 */
enum verdict verdict_of_nft(int32_t code);

/* The length of a mask whose bits are contiguous; -1: it has holes. */
int mask_prefix(const uint8_t *mask, int bytes);

#endif
