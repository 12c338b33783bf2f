// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "src/filter.h"
#include "src/filter_bpf.h"
#include "src/packet.h"

#include <cmocka.h> /* last: it has a macro fail() */

#define PORT_HINT "give a number from 0 to 65535, a range like 8000-8080, or a service name"

static struct packet tcp4(void)
{
	struct packet p = {.family = AF_INET,
			   .proto = IPPROTO_TCP,
			   .has_addrs = true,
			   .has_ports = true,
			   .has_tcp = true,
			   .tcp_flags = 0x02,
			   .mark = 0x4001,
			   .iif = "eth0",
			   .oif = "eth1",
			   .src.port = 14024,
			   .dst.port = 8081};

	inet_pton(AF_INET, "192.168.235.13", p.src.addr);
	inet_pton(AF_INET, "10.43.206.251", p.dst.addr);
	return p;
}

static bool addr_matches(const char *filter, const char *packet)
{
	struct packet p = tcp4();
	struct filter f = {0};
	struct error err;

	p.family = strchr(packet, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(p.family, packet, p.src.addr), 1);
	assert_int_equal(filter_addr(&f.src, "--src", filter, &err), 0);
	return filter_match(&f, &p);
}

static void test_addresses(void **state)
{
	assert_true(addr_matches("10.0.0.1", "10.0.0.1"));
	assert_false(addr_matches("10.0.0.1", "10.0.0.2"));
	assert_true(addr_matches("10.0.0.0/8", "10.255.0.1"));
	assert_false(addr_matches("10.0.0.0/8", "11.0.0.1"));
	assert_true(addr_matches("10.0.0.77/25", "10.0.0.127"));
	assert_false(addr_matches("10.0.0.77/25", "10.0.0.128"));
	assert_true(addr_matches("10.0.0.0/31", "10.0.0.1"));
	assert_false(addr_matches("10.0.0.0/31", "10.0.0.2"));
	assert_true(addr_matches("1.2.3.4/0", "200.1.1.1"));
	assert_false(addr_matches("0.0.0.0/0", "::1"));
	assert_true(addr_matches("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(addr_matches("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(addr_matches("::1/128", "::1"));
	assert_false(addr_matches("::/0", "10.0.0.1"));
}

static void check_addr_error(const char *arg, const char *want)
{
	struct filter_addr a;
	struct error err = {0};

	assert_int_equal(filter_addr(&a, "--src", arg, &err), -EINVAL);
	assert_false(a.set);
	assert_string_equal(err.text, want);
}

static void test_wrong_addresses(void **state)
{
	static const char *const wrong[] = {
		"",
		"/8",
		"10.0.0",
		"10.0.0.256",
		"::g",
		"fe80::1%eth0",
		"example.org",
		" 10.0.0.1",
		"10.0.0.1 ",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222"};
	char want[512];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(want, sizeof(want),
			 "--src: '%s' is not an address; give an IPv4 or IPv6 address or network "
			 "like 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32",
			 wrong[i]);
		check_addr_error(wrong[i], want);
	}
	check_addr_error("10.0.0.0/33", "--src: '10.0.0.0/33' has no valid prefix length; give one "
					"from 0 to 32, like 10.0.0.0/24");
	check_addr_error("::/129", "--src: '::/129' has no valid prefix length; give one from 0 to "
				   "128, like ::/64");
	check_addr_error("10.0.0.0/",
			 "--src: '10.0.0.0/' has no valid prefix length; give one from "
			 "0 to 32, like 10.0.0.0/24");
	check_addr_error("10.0.0.0/+8", "--src: '10.0.0.0/+8' has no valid prefix length; give one "
					"from 0 to 32, like 10.0.0.0/24");
}

static void check_ports(const char *arg, unsigned int lo, unsigned int hi)
{
	struct filter_ports p;
	struct error err;

	assert_int_equal(filter_ports(&p, "--dport", arg, &err), 0);
	assert_true(p.set);
	assert_int_equal(p.lo, lo);
	assert_int_equal(p.hi, hi);
}

static void test_ports(void **state)
{
	static const char *const wrong[] = {"",
					    "99999",
					    "65536",
					    "-1",
					    "1-",
					    "-",
					    ":",
					    "1-2-3",
					    "0x50",
					    "1-65536",
					    " 80",
					    "80 ",
					    "no-such-service-here"};
	struct filter_ports p;
	struct error err;
	char want[256];

	check_ports("0", 0, 0);
	check_ports("65535", 65535, 65535);
	check_ports("8000-8080", 8000, 8080);
	check_ports("8000:8080", 8000, 8080);
	check_ports("http", 80, 80);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(want, sizeof(want), "--dport: '%s' is not a port; " PORT_HINT, wrong[i]);
		assert_int_equal(filter_ports(&p, "--dport", wrong[i], &err), -EINVAL);
		assert_string_equal(err.text, want);
	}
	assert_int_equal(filter_ports(&p, "-D", "90-80", &err), -EINVAL);
	assert_string_equal(err.text,
			    "-D: '90-80' runs backwards; give the lower port first: 80-90");
}

static void test_port_matches(void **state)
{
	struct packet p = tcp4();
	struct filter f = {.dport = {true, 8080, 8081}};

	assert_true(filter_match(&f, &p));
	f = (struct filter){.sport = {true, 8080, 8081}};
	assert_false(filter_match(&f, &p));
	f = (struct filter){.port = {true, 14024, 14024}};
	assert_true(filter_match(&f, &p));
	f = (struct filter){.port = {true, 0, 65535}};
	assert_true(filter_match(&f, &p));
	/* A later fragment has no port, not port 0. */
	p.has_ports = false;
	p.src.port = p.dst.port = 0;
	assert_false(filter_match(&f, &p));
}

static struct packet turned_round(struct packet p)
{
	struct endpoint e = p.src;
	char dev[IFNAME_MAX];

	p.src = p.dst;
	p.dst = e;
	memcpy(dev, p.iif, sizeof(dev));
	memcpy(p.iif, p.oif, sizeof(dev));
	memcpy(p.oif, dev, sizeof(dev));
	p.tcp_flags = 0x12;
	p.mark = 0;
	return p;
}

static void test_replies(void **state)
{
	struct packet p = tcp4(), reply = turned_round(p);
	struct filter f = {.sport = {true, 14024, 14024}, .dport = {true, 8081, 8081}};
	struct error err;

	assert_int_equal(filter_addr(&f.src, "-s", "192.168.235.13", &err), 0);
	assert_int_equal(filter_addr(&f.dst, "-d", "10.43.206.251", &err), 0);
	strcpy(f.iif, p.iif);
	strcpy(f.oif, p.oif);
	f.has_mark = true;
	f.mark = p.mark;
	f.mark_mask = UINT32_MAX;
	f.has_tcp_flags = true;
	f.tcp_flags = f.tcp_mask = p.tcp_flags;
	assert_true(filter_match(&f, &p) && filter_match_end(&f, &p));
	assert_false(filter_match(&f, &reply));
	f.conn = true;
	assert_true(filter_match(&f, &p) && filter_match_end(&f, &p));
	assert_true(filter_match(&f, &reply) && filter_match_end(&f, &reply));
	/* By another device than the request's. */
	strcpy(reply.oif, "other");
	assert_false(filter_match_end(&f, &reply));
	reply = turned_round(p);
	reply.src.port++;
	assert_false(filter_match(&f, &reply));
	/* Nor one of the same direction from somebody else. */
	reply = p;
	reply.src.addr[3]++;
	assert_false(filter_match(&f, &reply));
	/* No flags of TCP in what is not TCP. */
	reply = turned_round(p);
	reply.proto = 17;
	reply.has_tcp = false;
	assert_false(filter_match(&f, &reply));
}

static void test_proto(void **state)
{
	static const struct {
		const char *arg;
		int proto;
	} good[] = {{"tcp", 6},	       {"TCP", 6},    {"icmp", 1},  {"icmp6", 58}, {"icmpv6", 58},
		    {"ipv6-icmp", 58}, {"sctp", 132}, {"132", 132}, {"0", 0},	   {"255", 255}};
	static const char *const wrong[] = {"", "256", "-6", "tpc", "6 ", "0x6"};
	struct packet p = tcp4();
	struct filter f = {0};
	struct error err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(filter_proto(&f, good[i].arg, &err), 0);
		assert_true(f.has_proto);
		assert_int_equal(f.proto, good[i].proto);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char want[256];

		snprintf(want, sizeof(want),
			 "--proto: '%s' is not a protocol; give a name like tcp, udp, icmp or "
			 "icmp6, "
			 "or a number from 0 to 255",
			 wrong[i]);
		assert_int_equal(filter_proto(&f, wrong[i], &err), -EINVAL);
		assert_string_equal(err.text, want);
	}
	f = (struct filter){.has_proto = true, .proto = 6};
	assert_true(filter_match(&f, &p));
	f.proto = 17;
	assert_false(filter_match(&f, &p));
	/* An ARP frame is not protocol 0. */
	f.proto = 0;
	p = (struct packet){.ethertype = 0x0806};
	assert_false(filter_match(&f, &p));
}

static void test_interfaces(void **state)
{
	static const char *const wrong[] = {
		"", ".", "..", "a/b", "a b", "a:0", "sixteen-letters-", "a\n"};
	struct packet p = tcp4();
	struct filter f = {0};
	struct error err;

	assert_int_equal(filter_ifname(f.iif, "--iif", "fifteen-letters", &err), 0);
	assert_string_equal(f.iif, "fifteen-letters");
	assert_false(filter_match(&f, &p));
	assert_int_equal(filter_ifname(f.iif, "--iif", "eth0", &err), 0);
	assert_true(filter_match(&f, &p));
	assert_int_equal(filter_ifname(f.oif, "--oif", "eth0", &err), 0);
	assert_false(filter_match(&f, &p));
	p.oif[0] = '\0'; /* not routed yet: it may still leave there */
	assert_true(filter_match(&f, &p));
	p.iif[0] = '\0';
	assert_false(filter_match(&f, &p));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(filter_ifname(f.iif, "--iif", wrong[i], &err), -EINVAL);
	filter_ifname(f.iif, "--iif", "a/b", &err);
	assert_string_equal(err.text,
			    "--iif: 'a/b' is not an interface name; give 1 to 15 characters "
			    "without '/', ':' and blanks, as `ip link` shows them");
}

static void check_mark(const char *arg, uint32_t mark, uint32_t mask)
{
	struct filter f = {0};
	struct error err;

	assert_int_equal(filter_mark(&f, arg, &err), 0);
	assert_true(f.has_mark);
	assert_int_equal(f.mark, mark);
	assert_int_equal(f.mark_mask, mask);
}

static void test_mark(void **state)
{
	static const char *const wrong[] = {"",	  "x",	"0x",	 "-1", "4294967296",
					    "1/", "/1", "1/2/3", "1 "};
	struct packet p = tcp4();
	struct filter f = {0};
	struct error err;

	check_mark("0x4000", 0x4000, UINT32_MAX);
	check_mark("0x4000/0x4000", 0x4000, 0x4000);
	check_mark("010/12", 8, 12);
	check_mark("4294967295", UINT32_MAX, UINT32_MAX);
	check_mark("0/0", 0, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(filter_mark(&f, wrong[i], &err), -EINVAL);
	assert_string_equal(err.text, "--mark: '1 ' is not a mark; give VALUE or VALUE/MASK of 32 "
				      "bits, like 0x4000 or 0x4000/0x4000");
	assert_int_equal(filter_mark(&f, "0x3/0x1", &err), -EINVAL);
	assert_string_equal(err.text,
			    "--mark: '0x3/0x1' never matches: the value has bits outside its "
			    "mask; give a mask that covers 0x3");
	assert_false(f.has_mark);
	assert_int_equal(filter_mark(&f, "0x4000/0x4000", &err), 0);
	assert_true(filter_match(&f, &p));
	assert_int_equal(filter_mark(&f, "0x4000", &err), 0);
	assert_false(filter_match(&f, &p));
}

static void check_flags(const char *arg, uint8_t set, uint8_t mask)
{
	struct filter f = {0};
	struct error err;

	assert_int_equal(filter_tcp_flags(&f, arg, &err), 0);
	assert_int_equal(f.tcp_flags, set);
	assert_int_equal(f.tcp_mask, mask);
}

static void test_tcp_flags(void **state)
{
	static const char *const wrong[] = {"",	  ",",	     "syn,",  "!",	"xyz",
					    "SX", "syn!ack", "!!syn", "syn ack"};
	struct packet p = tcp4();
	struct filter f = {0};
	struct error err;

	check_flags("syn", 0x02, 0x02);
	check_flags("syn,!ack", 0x02, 0x12);
	check_flags("S", 0x02, 0x02);
	check_flags("SA", 0x12, 0x12);
	check_flags("S.", 0x12, 0x12);
	check_flags("S,!A", 0x02, 0x12);
	check_flags("FIN,cwr", 0x81, 0x81);
	check_flags("!RST", 0, 0x04);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(filter_tcp_flags(&f, wrong[i], &err), -EINVAL);
	filter_tcp_flags(&f, "xyz", &err);
	assert_string_equal(err.text,
			    "--tcp-flags: 'xyz' does not name TCP flags; give fin, syn, rst, "
			    "psh, ack, urg, ece, cwr or letters of FSRPAUEW, with ! for not "
			    "set: syn,!ack");
	assert_int_equal(filter_tcp_flags(&f, "syn,!syn", &err), -EINVAL);
	assert_false(f.has_tcp_flags);
	assert_int_equal(filter_tcp_flags(&f, "syn,!ack", &err), 0);
	assert_true(filter_match(&f, &p));
	p.tcp_flags = 0x12;
	assert_false(filter_match(&f, &p));
	p.has_tcp = false;
	p.tcp_flags = 0x02;
	assert_false(filter_match(&f, &p));
}

static void test_contradictions(void **state)
{
	struct filter f = {0};
	struct error err;

	filter_addr(&f.src, "--src", "10.0.0.1", &err);
	assert_int_equal(filter_check(&f, &err), 0);
	filter_addr(&f.dst, "--dst", "::1", &err);
	assert_int_equal(filter_check(&f, &err), -EINVAL);
	assert_string_equal(err.text, "--src is IPv4 and --dst is IPv6: no packet is both; give "
				      "addresses of one family");
	f.dst.set = false;
	filter_proto(&f, "icmp6", &err);
	assert_int_equal(filter_check(&f, &err), -EINVAL);
	assert_string_equal(err.text,
			    "--src is IPv4, and --proto icmpv6 is not carried in it; give "
			    "--proto icmp");
	f = (struct filter){.has_proto = true, .proto = IPPROTO_ICMP, .dport = {true, 80, 80}};
	assert_int_equal(filter_check(&f, &err), -EINVAL);
	assert_string_equal(err.text,
			    "--dport: packets of --proto icmp have no ports; give tcp, udp, "
			    "udplite, sctp or dccp, or leave one of the two out");
	f.proto = IPPROTO_SCTP;
	assert_int_equal(filter_check(&f, &err), 0);
	f = (struct filter){.has_proto = true, .proto = 253, .has_tcp_flags = true};
	assert_int_equal(filter_check(&f, &err), -EINVAL);
	assert_string_equal(err.text,
			    "--tcp-flags: packets of --proto 253 have none; give --proto tcp "
			    "or leave one of the two out");
}

static void test_parts_all_count(void **state)
{
	struct packet p = tcp4();
	struct filter f = {0};
	struct error err;

	assert_true(filter_match(&f, &p));
	filter_addr(&f.either, "--addr", "10.43.0.0/16", &err);
	assert_true(filter_match(&f, &p));
	filter_addr(&f.src, "--src", "192.168.235.0/24", &err);
	filter_ports(&f.dport, "--dport", "8081", &err);
	assert_true(filter_match(&f, &p));
	filter_addr(&f.dst, "--dst", "10.44.0.0/16", &err);
	assert_false(filter_match(&f, &p));
}

static void set_ports(struct filter_ports *p, const char *ports)
{
	struct error err;

	*p = (struct filter_ports){0};
	if (ports)
		assert_int_equal(filter_ports(p, "--port", ports, &err), 0);
}

/* The kernel programs' first look refuses nothing that the filter takes, and all else where it asks for single ports. */
static void test_ports_differ(void **state)
{
	static const char *const asked[] = {NULL, "7", "8081", "65535", "256", "1-2", "7-8081", "0"};
	static const uint16_t ports[] = {0, 1, 7, 8, 255, 256, 1792, 8081, 37151, 65535};
	enum { N = sizeof(asked) / sizeof(asked[0]), P = sizeof(ports) / sizeof(ports[0]) };
	struct packet p = tcp4();
	struct nfp_filter k;

	for (int i = 0; i < N * N * N * P * P; i++) {
		const char *a[] = {asked[i % N], asked[i / N % N], asked[i / N / N % N]};
		struct filter f = {0};
		bool single = false, refused;

		set_ports(&f.sport, a[0]);
		set_ports(&f.dport, a[1]);
		set_ports(&f.port, a[2]);
		p.src.port = ports[i / N / N / N % P];
		p.dst.port = ports[i / N / N / N / P];
		filter_bpf(&k, &f);
		refused = nfp_ports_differ(&k, htonl((uint32_t)p.src.port << 16 | p.dst.port));
		if (filter_match(&f, &p))
			assert_false(refused);
		for (int n = 0; n < 3; n++)
			single |= a[n] && strcmp(a[n], "0") && !strchr(a[n], '-');
		if (!a[0] + !a[1] + !a[2] == 2 && single)
			assert_true(refused || filter_match(&f, &p));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),      cmocka_unit_test(test_wrong_addresses),
		cmocka_unit_test(test_ports),	       cmocka_unit_test(test_port_matches),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_proto),	       cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_mark),	       cmocka_unit_test(test_tcp_flags),
		cmocka_unit_test(test_contradictions), cmocka_unit_test(test_parts_all_count),
		cmocka_unit_test(test_ports_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
