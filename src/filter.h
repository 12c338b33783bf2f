/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which packets: what -s, -d, -p … said, as values. Engines compile it for the kernel;
 * filter_match() is the last word. */
#ifndef NFPATH_FILTER_H
#define NFPATH_FILTER_H

#include "src/error.h"
#include "src/path.h"

struct filter_addr {
	bool set;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t addr[ADDR_MAX];
	uint8_t plen; /* bits */
};

struct filter_ports {
	bool set;
	uint16_t lo, hi; /* both included */
};

struct filter {
	struct filter_addr src, dst, either;
	struct filter_ports sport, dport, port; /* port: either side */
	bool has_proto;
	uint8_t proto;			       /* IPPROTO_* */
	char iif[IFNAME_MAX], oif[IFNAME_MAX]; /* empty: any */
	bool has_mark;
	uint32_t mark, mark_mask;
	bool has_tcp_flags;
	uint8_t tcp_flags, tcp_mask;
	bool conn; /* the replies too */
};

/* Each takes the option's argument and refuses what it does not understand: 0 or -EINVAL, err with
 * the value and what is accepted. */
int filter_addr(struct filter_addr *a, const char *opt, const char *arg,
		struct error *err); /* ADDR[/LEN] */
int filter_ports(struct filter_ports *p, const char *opt, const char *arg,
		 struct error *err); /* N, N-M, N:M, service name */
int filter_proto(struct filter *f, const char *arg, struct error *err); /* tcp, icmp6, 132 */
int filter_ifname(char *name, const char *opt, const char *arg, struct error *err);
int filter_mark(struct filter *f, const char *arg,
		struct error *err); /* V[/M], decimal, 0x, octal */
int filter_tcp_flags(struct filter *f, const char *arg,
		     struct error *err); /* "syn", "syn,!ack", "S", "SA" */
/* Do the parts contradict one another (v4 source and v6 destination, ports with icmp)? -EINVAL with
 * a sentence. */
int filter_check(const struct filter *f, struct error *err);

/*
 * Does a packet as first seen match? A part that needs what the packet does not have (a port of a
 * later fragment) does not match. oif is compared only where the packet has one.
 */
bool filter_match(const struct filter *f, const struct packet *p);
/* The filter of the replies: source and destination change places, and the devices. Marks and flags
 * are of one direction, and not asked for in the other. */
struct filter filter_mirror(const struct filter *f);
/* At the end of its way, when it has its output device, if ever: is it one of those asked for? It
 * matched where it was first seen. */
bool filter_match_end(const struct filter *f, const struct packet *p);
/* The same without protocol, ports and flags: for a packet whose headers do not show these. */
bool filter_match_outer(const struct filter *f, const struct packet *p);

#endif
