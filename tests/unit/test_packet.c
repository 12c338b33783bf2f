// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "src/packet.h"
#include "tests/unit/guard.h"

#include <cmocka.h> /* last: it has a macro fail() */

#define ETH(type_hi, type_lo) 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, type_hi, type_lo
#define IP4(proto, len, frag_hi, frag_lo)                                                          \
	0x45, 0, 0, len, 0xdf, 0xb2, frag_hi, frag_lo, 64, proto, 0, 0, 192, 168, 235, 13, 10, 43, \
		206, 251
#define IP6(next, len)                                                                             \
	0x60, 0, 0, 0, 0, len, next, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,   \
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define TCP(flags)                                                                                 \
	0x36, 0xc8, 0x1f, 0x91, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0
#define UDP 0x36, 0xc8, 0x1f, 0x91, 0, 8, 0, 0
#define ECHO(type) type, 0, 0, 0, 0x12, 0x34, 0, 7

static const uint8_t ip4_tcp[] = {IP4(6, 40, 0x40, 0), TCP(0x12)};
static const uint8_t ip4_options[] = {0x46, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0,	 10,
				      0,    0, 1, 10, 0, 0, 2, 1, 1,  1,  1, UDP};
static const uint8_t ip4_echo[] = {IP4(1, 28, 0, 0), ECHO(8)};
static const uint8_t ip4_unreach[] = {IP4(1, 28, 0, 0), 3, 1, 0, 0, 9, 9, 9, 9};
static const uint8_t ip4_first_frag[] = {IP4(17, 28, 0x20, 0), UDP};
static const uint8_t ip4_later_frag[] = {IP4(17, 28, 0x20, 5), UDP};
static const uint8_t ip6_udp[] = {IP6(17, 8), UDP};
static const uint8_t ip6_echo[] = {IP6(58, 8), ECHO(128)};
static const uint8_t ip6_chain[] = {IP6(0, 68), 43, 0, 1,  4, 0, 0, 0, 0, 44, 0, 0,	0,  0,
				    0,		0,  0, 51, 0, 0, 1, 0, 0, 0,  9, 60,	1,  0,
				    0,		0,  0, 0,  0, 0, 0, 0, 0, 6,  1, 1,	12, 0,
				    0,		0,  0, 0,  0, 0, 0, 0, 0, 0,  0, TCP(2)};
static const uint8_t ip6_later_frag[] = {IP6(44, 16), 17, 0, 0, 8, 0, 0, 0, 9, UDP};
static const uint8_t ip6_sctp[] = {IP6(132, 12), UDP, 0, 0, 0, 0};
static const uint8_t ip6_jumbo[] = {IP6(0, 0), 17, 0, 0xc2, 4, 0, 1, 0, 0, UDP};
static const uint8_t arp[] = {0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,	 0, 0, 1,
			      10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
static const uint8_t vlan_ll[] = {ETH(0x81, 0), 0, 5, 8, 0};

#define PARSE_NH(p, bytes) packet_parse(p, NULL, 0, bytes, sizeof(bytes), NULL, 0)

static void check_endpoints(const struct packet *p, const char *src, const char *dst)
{
	char buf[64];

	assert_true(p->has_addrs);
	assert_string_equal(endpoint_text(buf, sizeof(buf), p->family, &p->src, p->has_ports), src);
	assert_string_equal(endpoint_text(buf, sizeof(buf), p->family, &p->dst, p->has_ports), dst);
}

static void test_ip4_tcp(void **state)
{
	struct packet p = {.mark = 7, .iif = "eth0", .oif = "eth1", .ip_id = 99};

	assert_int_equal(PARSE_NH(&p, ip4_tcp), 0);
	check_endpoints(&p, "192.168.235.13:14024", "10.43.206.251:8081");
	assert_int_equal(p.family, AF_INET);
	assert_int_equal(p.proto, 6);
	assert_int_equal(p.len, 40);
	assert_int_equal(p.ip_id, 0xdfb2);
	assert_true(p.has_tcp);
	assert_int_equal(p.tcp_flags, 0x12);
	assert_int_equal(p.tcp_seq, 0x01020304);
	assert_false(p.fragment || p.more_frags || p.has_icmp || p.has_ll);
	assert_int_equal(p.mark, 7);
	assert_string_equal(p.iif, "eth0");
	assert_string_equal(p.oif, "eth1");
}

static void test_ip4_header_apart_from_transport(void **state)
{
	static const uint8_t th[] = {UDP};
	struct packet p = {0};

	/* The kernel cuts the network header at 40 bytes and gives the transport header apart. */
	assert_int_equal(packet_parse(&p, NULL, 0, ip4_options, 20, th, sizeof(th)), 0);
	check_endpoints(&p, "10.0.0.1:14024", "10.0.0.2:8081");
	assert_int_equal(PARSE_NH(&p, ip4_options), 0);
	check_endpoints(&p, "10.0.0.1:14024", "10.0.0.2:8081");
}

static void test_icmp(void **state)
{
	struct packet p = {0};

	PARSE_NH(&p, ip4_echo);
	assert_true(p.has_icmp);
	assert_int_equal(p.icmp_type, 8);
	assert_int_equal(p.icmp_id, 0x1234);
	assert_int_equal(p.icmp_seq, 7);
	check_endpoints(&p, "192.168.235.13", "10.43.206.251");
	PARSE_NH(&p, ip4_unreach);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.icmp_code, 1);
	assert_int_equal(p.icmp_id, 0);
	PARSE_NH(&p, ip6_echo);
	assert_int_equal(p.icmp_type, 128);
	assert_int_equal(p.icmp_seq, 7);
}

static void test_fragments(void **state)
{
	static const uint8_t th[] = {UDP};
	struct packet p = {0};

	PARSE_NH(&p, ip4_first_frag);
	assert_true(p.has_ports && p.more_frags && !p.fragment);
	PARSE_NH(&p, ip4_later_frag);
	assert_true(!p.has_ports && p.more_frags && p.fragment);
	assert_int_equal(p.frag_off, 40);
	assert_int_equal(packet_parse(&p, NULL, 0, ip4_later_frag, 20, th, sizeof(th)), 0);
	assert_false(p.has_ports);
	PARSE_NH(&p, ip6_later_frag);
	assert_true(!p.has_ports && !p.more_frags && p.fragment);
	assert_int_equal(p.proto, IPPROTO_UDP);
	assert_int_equal(p.frag_off, 8);
	assert_int_equal(p.frag_id, 9);
}

static void test_ip6(void **state)
{
	struct packet p = {0};

	PARSE_NH(&p, ip6_udp);
	check_endpoints(&p, "[2001:db8::1]:14024", "[2001:db8::2]:8081");
	assert_int_equal(p.len, 48);
	assert_int_equal(p.proto, IPPROTO_UDP);
	PARSE_NH(&p, ip6_sctp);
	assert_true(p.has_ports);
	PARSE_NH(&p, ip6_jumbo);
	assert_int_equal(p.len, 0);
	assert_int_equal(p.proto, IPPROTO_UDP);
	assert_true(p.has_ports);
}

static void test_ip6_extension_headers(void **state)
{
	static const uint8_t th[] = {TCP(2)};
	struct packet p = {0};

	PARSE_NH(&p, ip6_chain);
	assert_int_equal(p.proto, IPPROTO_TCP);
	assert_int_equal(p.tcp_flags, 2);
	assert_true(p.more_frags && !p.fragment);
	check_endpoints(&p, "[2001:db8::1]:14024", "[2001:db8::2]:8081");

	/* Only the first 40 bytes: what the transport header is, is not known. */
	assert_int_equal(packet_parse(&p, NULL, 0, ip6_chain, 40, th, sizeof(th)), 0);
	assert_int_equal(p.proto, IPPROTO_HOPOPTS);
	assert_false(p.has_ports || p.has_tcp);
}

static void test_link_layer(void **state)
{
	static const uint8_t ip[] = {ETH(8, 0)}, arp_ll[] = {ETH(8, 6)}, lldp[] = {ETH(0x88, 0xcc)};
	static const uint8_t gre[] = {IP4(IPPROTO_GRE, 44, 0, 0)};
	struct packet p = {0};
	char buf[64];

	assert_int_equal(packet_parse(&p, ip, sizeof(ip), ip4_tcp, sizeof(ip4_tcp), NULL, 0), 0);
	assert_true(p.has_ll);
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.ll_dst[5], 1);
	assert_int_equal(p.ll_src[5], 2);
	packet_parse(&p, vlan_ll, sizeof(vlan_ll), ip4_tcp, sizeof(ip4_tcp), NULL, 0);
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.family, AF_INET);

	assert_int_equal(packet_parse(&p, arp_ll, sizeof(arp_ll), arp, sizeof(arp), NULL, 0), 0);
	assert_int_equal(p.family, 0);
	assert_string_equal(proto_text(buf, sizeof(buf), &p), "ARP");
	assert_int_equal(PARSE_NH(&p, arp), 0);
	assert_string_equal(proto_text(buf, sizeof(buf), &p), "ARP");

	/* A foreign protocol whose payload begins like IPv4 is not IPv4. */
	packet_parse(&p, lldp, sizeof(lldp), ip4_tcp, sizeof(ip4_tcp), NULL, 0);
	assert_int_equal(p.family, 0);
	assert_false(p.has_addrs);
	assert_string_equal(proto_text(buf, sizeof(buf), &p), "ethertype-0x88cc");

	/* Tunnels: the frame around is another packet's. */
	packet_parse(&p, ip, sizeof(ip), ip6_udp, sizeof(ip6_udp), NULL, 0);
	assert_int_equal(p.family, AF_INET6);
	assert_false(p.has_ll);
	packet_parse(&p, gre, sizeof(gre), ip4_tcp, sizeof(ip4_tcp), NULL, 0);
	assert_int_equal(p.family, AF_INET);
	assert_false(p.has_ll);
}

static void test_nothing_to_parse(void **state)
{
	static const uint8_t junk[64] = {0xff};
	struct packet p = {.mark = 3};

	assert_int_equal(packet_parse(&p, NULL, 0, NULL, 0, NULL, 0), -EBADMSG);
	assert_int_equal(PARSE_NH(&p, junk), -EBADMSG);
	assert_int_equal(packet_parse(&p, NULL, 0, ip4_tcp, 19, NULL, 0), -EBADMSG);
	assert_int_equal(packet_parse(&p, NULL, 0, ip6_udp, 39, NULL, 0), -EBADMSG);
	assert_int_equal(packet_parse(&p, NULL, 100, NULL, 100, NULL, 100), -EBADMSG);
	assert_int_equal(p.mark, 3);
}

struct sample {
	const uint8_t *bytes;
	size_t len;
};

#define SAMPLE(a)                                                                                  \
	{                                                                                          \
		a, sizeof(a)                                                                       \
	}

static const struct sample samples[] = {
	SAMPLE(ip4_tcp),
	SAMPLE(ip4_options),
	SAMPLE(ip4_echo),
	SAMPLE(ip4_unreach),
	SAMPLE(ip4_first_frag),
	SAMPLE(ip4_later_frag),
	SAMPLE(ip6_udp),
	SAMPLE(ip6_echo),
	SAMPLE(ip6_chain),
	SAMPLE(ip6_later_frag),
	SAMPLE(ip6_sctp),
	SAMPLE(ip6_jumbo),
	SAMPLE(arp),
	SAMPLE(vlan_ll),
};

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* Each packet cut at each length: nothing beyond is read, and what was read is what the whole
 * packet says. */
static void test_every_cut(void **state)
{
	struct guard g = guard_open();

	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct packet whole = {0};

		packet_parse(&whole, NULL, 0, samples[i].bytes, samples[i].len, NULL, 0);
		for (size_t len = 0; len <= samples[i].len; len++) {
			const uint8_t *b = guard_put(&g, samples[i].bytes, len);
			struct packet p = {0};
			int rc = packet_parse(&p, NULL, 0, b, len, NULL, 0);

			if (rc)
				continue;
			if (p.has_addrs)
				assert_memory_equal(p.src.addr, whole.src.addr, ADDR_MAX);
			if (p.has_ports)
				assert_int_equal(p.dst.port, whole.dst.port);
			if (p.has_tcp)
				assert_int_equal(p.tcp_flags, whole.tcp_flags);
			if (p.has_icmp)
				assert_int_equal(p.icmp_type, whole.icmp_type);
			assert_false(p.has_ports && !whole.has_ports);
			assert_false(p.has_tcp && !whole.has_tcp);
		}
	}
	guard_close(&g);
}

/* Three headers, three guard pages, each cut at each length that the kernel may give. */
static void test_every_cut_apart(void **state)
{
	static const uint8_t th[] = {TCP(2)};
	struct guard gl = guard_open(), gn = guard_open(), gt = guard_open();

	for (size_t i = 0; i < N_SAMPLES; i++) {
		for (size_t ll = 0; ll <= sizeof(vlan_ll); ll += ll < 12 ? 4 : 1) {
			const uint8_t *l = guard_put(&gl, vlan_ll, ll);

			for (size_t nh = 0; nh <= samples[i].len && nh <= 40; nh++) {
				const uint8_t *n = guard_put(&gn, samples[i].bytes, nh);

				for (size_t t = 0; t <= sizeof(th); t++) {
					struct packet p = {0};

					packet_parse(&p, l, ll, n, nh, guard_put(&gt, th, t), t);
					assert_false(p.has_ports && !p.has_addrs);
				}
			}
		}
	}
	guard_close(&gl);
	guard_close(&gn);
	guard_close(&gt);
}

/* Every single-byte change of every sample, and random bytes: lengths inside headers point
 * anywhere. */
static void test_hostile_bytes(void **state)
{
	struct guard g = guard_open();
	unsigned int seed = 1;
	uint8_t b[256];

	for (size_t i = 0; i < N_SAMPLES; i++) {
		memcpy(b, samples[i].bytes, samples[i].len);
		for (size_t at = 0; at < samples[i].len; at++) {
			for (unsigned int v = 0; v < 256; v++) {
				struct packet p = {0};

				b[at] = v;
				packet_parse(&p, NULL, 0, guard_put(&g, b, samples[i].len),
					     samples[i].len, NULL, 0);
			}
			b[at] = samples[i].bytes[at];
		}
	}
	for (unsigned int i = 0; i < 200000; i++) {
		size_t len = rand_r(&seed) % sizeof(b);
		struct packet p = {0};

		for (size_t at = 0; at < len; at++)
			b[at] = rand_r(&seed);
		b[0] = i & 1 ? 0x45 : 0x60;
		b[6] = i & 2 ? b[6] : 0;
		packet_parse(&p, NULL, 0, guard_put(&g, b, len), len, NULL, 0);
	}
	guard_close(&g);
}

static void test_same_with_tuple(void **state)
{
	struct packet a = {0}, b;

	PARSE_NH(&a, ip4_tcp);
	b = a;
	b.mark = 5;
	snprintf(b.iif, sizeof(b.iif), "eth7");
	assert_true(packet_same(&a, &b, true));
	b.len = 0;
	assert_true(packet_same(&a, &b, true));
	b.len = 41;
	assert_false(packet_same(&a, &b, true));
	b = a;
	b.dst.port++;
	assert_false(packet_same(&a, &b, true));
	b = a;
	b.src.addr[3]++;
	assert_false(packet_same(&a, &b, true));
	b = a;
	b.ip_id++;
	assert_false(packet_same(&a, &b, true));
	b = a;
	b.tcp_seq++;
	assert_false(packet_same(&a, &b, true));
	b = a;
	b.proto = IPPROTO_UDP;
	assert_false(packet_same(&a, &b, true));
}

static void test_same_through_nat(void **state)
{
	struct packet a = {0}, b;

	PARSE_NH(&a, ip4_tcp);
	b = a;
	b.dst.port++;
	b.dst.addr[0]++;
	b.src.port++;
	assert_true(packet_same(&a, &b, false));
	b.ip_id++;
	assert_false(packet_same(&a, &b, false));

	PARSE_NH(&a, ip4_echo);
	b = a;
	b.icmp_id++;
	assert_true(packet_same(&a, &b, false));
	assert_false(packet_same(&a, &b, true));
	b.icmp_seq++;
	assert_false(packet_same(&a, &b, false));
	b = a;
	b.icmp_type = 0;
	assert_false(packet_same(&a, &b, false));
}

static void test_same_arp(void **state)
{
	static const uint8_t ll[] = {ETH(8, 6)};
	struct packet a = {0}, b;

	packet_parse(&a, ll, sizeof(ll), arp, sizeof(arp), NULL, 0);
	b = a;
	assert_true(packet_same(&a, &b, true));
	b.ll_src[0]++;
	assert_false(packet_same(&a, &b, true));
	b = a;
	b.ethertype = 0x88cc;
	assert_false(packet_same(&a, &b, false));
}

static void test_words(void **state)
{
	struct packet p = {.family = AF_INET, .proto = IPPROTO_ICMPV6};
	struct endpoint e = {.port = 80};
	char buf[64];

	assert_string_equal(proto_text(buf, sizeof(buf), &p), "ICMPv6");
	p.proto = 253;
	assert_string_equal(proto_text(buf, sizeof(buf), &p), "proto-253");
	assert_null(proto_name(253));
	assert_string_equal(proto_name(IPPROTO_UDPLITE), "udplite");
	assert_string_equal(tcp_flags_text(buf, sizeof(buf), 0x02), "S");
	assert_string_equal(tcp_flags_text(buf, sizeof(buf), 0x12), "S.");
	assert_string_equal(tcp_flags_text(buf, sizeof(buf), 0x18), "P.");
	assert_string_equal(tcp_flags_text(buf, sizeof(buf), 0xff), "FSRP.UEW");
	assert_string_equal(tcp_flags_text(buf, sizeof(buf), 0), "none");
	assert_string_equal(tcp_flags_text(buf, 3, 0xff), "FS");
	assert_string_equal(endpoint_text(buf, sizeof(buf), 0, &e, false), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4_tcp),
		cmocka_unit_test(test_ip4_header_apart_from_transport),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_ip6_extension_headers),
		cmocka_unit_test(test_link_layer),
		cmocka_unit_test(test_nothing_to_parse),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_cut_apart),
		cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_same_with_tuple),
		cmocka_unit_test(test_same_through_nat),
		cmocka_unit_test(test_same_arp),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
