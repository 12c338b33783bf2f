// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader of nf_tables' tables, chains and rules. Input: messages, each as its type (0 table, 1
 * chain, 2 rule, 3 another), the length of what follows (two bytes), and that as take_message()
 * says.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netfilter/source.h"
#include "tests/fuzz/fuzz.h"

static void feed(struct nft_dump *d, uint8_t type, const uint8_t *data, size_t size)
{
	static const uint8_t types[] = {NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE,
					NFT_MSG_NEWSET};
	uint8_t whole[sizeof(struct nlmsghdr) + MESSAGE_MAX];
	struct nlmsghdr head = {.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | types[type % 4]};
	struct input in = {data, size};
	struct exact e;

	head.nlmsg_len = sizeof(head) + take_message(&in, whole + sizeof(head));
	memcpy(whole, &head, sizeof(head));
	exact_put(&e, whole, head.nlmsg_len);
	nft_dump_message((const void *)e.p, d);
	exact_free(&e);
}

/* Whatever was read can be found again. */
static void check_ruleset(struct ruleset *rs)
{
	ruleset_classify(rs);
	for (size_t i = 0; i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];

		check(ruleset_table(rs, false, t->family, t->name) == t);
		for (size_t k = 0; k < t->n_chains; k++) {
			const struct rs_chain *c = t->chains[k];

			check(c->table == t);
			check(ruleset_chain(rs, false, t->family, t->name, c->name) == c);
			check(!c->base || c->type);
			for (uint32_t n = 0; n < c->n_rules; n++)
				check(c->handles[n] && rs_chain_position(c, c->handles[n]));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nft_dump d = {.rs = ruleset_new(), .genid = 1};
	struct input in = {data, size};

	check(d.rs);
	while (in.len) {
		uint8_t type = take_u8(&in);
		size_t want = take_u16(&in), len;
		const uint8_t *p = take_bytes(&in, want, &len);

		feed(&d, type, p, len);
	}
	check_ruleset(d.rs);
	ruleset_put(d.rs);
	return 0;
}
