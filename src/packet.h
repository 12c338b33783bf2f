/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet headers: from bytes to struct packet, and to words. */
#ifndef NFPATH_PACKET_H
#define NFPATH_PACKET_H

#include "src/path.h"

/*
 * Parses what is there of a packet into *p (which is zeroed first but for mark, iif and oif). ll,
 * nh and th are the link-layer, network and transport headers as the kernel's trace gave them, each
 * with its length; NULL and 0 where absent. th may be NULL with the transport header following in
 * nh (nfnetlink_log's payload). Never reads past a length; a short header leaves its fields unset.
 * Returns 0, or -EBADMSG when there was no header to make anything of.
 */
int packet_parse(struct packet *p, const uint8_t *ll, size_t ll_len, const uint8_t *nh,
		 size_t nh_len, const uint8_t *th, size_t th_len);

/* Could these two be the same packet at two places, NAT aside (same_tuple=false) or with equal
 * addresses and ports (true)? */
bool packet_same(const struct packet *a, const struct packet *b, bool same_tuple);

/* Do they begin at the same place of the same datagram? Of IPv4 the datagram is told by ip_id. */
bool packet_same_piece(const struct packet *a, const struct packet *b);

/* NFPROTO_IPV6 or NFPROTO_IPV4. */
uint8_t packet_nfproto(const struct packet *p);

/* "10.0.0.1:80", "[2001:db8::1]:80", "10.0.0.1" without ports. buf of at least 64 bytes; returns
 * buf. */
const char *endpoint_text(char *buf, size_t size, uint8_t family, const struct endpoint *e,
			  bool with_port);
/* The address alone. */
const char *addr_text(char *buf, size_t size, uint8_t family, const uint8_t *addr);
/* "tcp", "icmpv6": as JSON writes it and -p takes it; NULL for a number without a common name. */
const char *proto_name(uint8_t proto);
/* TCP, UDP, UDP-Lite, SCTP, DCCP. */
bool proto_has_ports(uint8_t proto);
/* An echo request or reply of ICMP or ICMPv6: icmp_id and icmp_seq count. */
bool packet_is_echo(const struct packet *p);
/* "TCP", "ICMPv6", "proto-253", "ARP", "ethertype-0x88cc": as the text output writes it. buf of at
 * least 24 bytes. */
const char *proto_text(char *buf, size_t size, const struct packet *p);
/* "S", "S.", "F.", "R", "P." as tcpdump writes TCP flags; "none" without any. buf of at least 9
 * bytes. */
const char *tcp_flags_text(char *buf, size_t size, uint8_t flags);

#endif
