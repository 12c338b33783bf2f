/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the readers share: the sockets of one network namespace. Private to netfilter/.
 */
#ifndef NFPATH_NETFILTER_SOURCE_H
#define NFPATH_NETFILTER_SOURCE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "netfilter/ruleset.h"

struct map_reader;
struct mnl_socket;

/* One kernel answer to one request is at most this long: netlink_dump() fills no more than 32 KB at
 * a time. */
enum { NF_BUF_SIZE = 65536 };

struct nf_source {
	int netns_fd;	       /* owned */
	struct mnl_socket *nl; /* NULL until nf_tables was there to be asked */
	uint32_t seq;
	int names[2];  /* the lists of legacy tables of ip, ip6; -1 until there are such */
	int raw[2];    /* for the legacy tables of ip, ip6; -1 until there are some */
	char *buf;     /* NF_BUF_SIZE bytes, of the request in flight */
	bool no_rules; /* nft_read() leaves the rules to its caller */
	const struct map_reader *maps; /* borrowed; NULL: nobody reads them out of memory */
};

/* The room for the next request to nf_tables: type NFT_MSG_*, flags besides NLM_F_REQUEST, family
 * NFPROTO_*. */
struct nlmsghdr *nf_source_msg(struct nf_source *s, uint16_t type, uint16_t flags, uint8_t family);

/*
 * Sends the request made by nf_source_msg() and gives cb each message of the answer, which it reads
 * before it returns: cb must not ask again. cb returns 0 or a negative errno, which ends the calls
 * (the answer is still read to its end). 0, cb's error, the kernel's (negative errno), -EINTR for a
 * dump that the kernel marked as inconsistent, -EOPNOTSUPP where there is no nf_tables.
 */
int nf_source_ask(struct nf_source *s, int (*cb)(const struct nlmsghdr *nlh, void *data),
		  void *data);

/*
 * Several requests that are no dumps, in one message: the kernel answers them one after the other.
 * nf_source_more() is nf_source_msg() behind those there are already, the first of them made by
 * nf_source_msg(); NULL: there is no room for one of this size (bytes). nf_source_ask_all() gives
 * cb what is said to each, by its number, and rcs[number] how it ended. Each must ask for an
 * acknowledgement.
 */
struct nlmsghdr *nf_source_more(struct nf_source *s, struct nlmsghdr *last, size_t room,
				uint16_t type, uint16_t flags, uint8_t family);
int nf_source_ask_all(struct nf_source *s, const struct nlmsghdr *last, unsigned int n,
		      int (*cb)(const struct nlmsghdr *nlh, unsigned int number, void *data),
		      void *data, int *rcs);

/* The socket for the legacy tables of NFPROTO_IPV4 or NFPROTO_IPV6, opened on first use; or a
 * negative errno. */
int nf_source_raw(struct nf_source *s, uint8_t family);

/*
 * Reads the names of the legacy tables of a family that exist, each as a line; *out is owned by the
 * caller, "" for none. 0 or a negative errno.
 */
int nf_source_legacy_names(struct nf_source *s, uint8_t family, char **out);

/* A dump on its way: tables, then chains, then rules. */
struct nft_dump {
	struct ruleset *rs;
	uint32_t genid;
	struct rs_chain *last; /* rules come chain by chain */
	uint32_t last_cap;
};

/*
 * Takes one message of a dump into data, a struct nft_dump. 0, -EAGAIN when it is not of this
 * generation, -EPROTO, -ENOMEM. Anything may stand in the message, nothing at all too.
 */
int nft_dump_message(const struct nlmsghdr *nlh, void *data);

/* Gives cb each rule of one chain, in order. 0, -EAGAIN when it changed meanwhile, cb's error or
 * another negative errno. */
int nft_dump_chain(struct nf_source *s, const struct rs_chain *c,
		   int (*cb)(const struct nlmsghdr *nlh, void *data), void *data);

/* Fill rs. 0 or a negative errno with a sentence; -EAGAIN: it changed meanwhile, and rs is to be
 * thrown away. */
int nft_read(struct nf_source *s, struct ruleset *rs, struct error *err);
int legacy_read(struct nf_source *s, struct ruleset *rs, struct error *err);

#endif
