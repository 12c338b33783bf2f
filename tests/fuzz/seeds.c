// SPDX-License-Identifier: GPL-2.0-or-later
/* seeds DIR: writes what each harness grows from to DIR/HARNESS/. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "src/event.h"
#include "tests/unit/messages.h"

static const char *top;

static void put(const char *harness, const char *name, const void *head, size_t head_len,
		const void *data, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, harness);
	if (mkdir(path, 0755) && errno != EEXIST) {
		perror(path);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/%s/%s", top, harness, name);
	f = fopen(path, "w");
	if (!f || fwrite(head, 1, head_len, f) != head_len || fwrite(data, 1, len, f) != len ||
	    fclose(f)) {
		perror(path);
		exit(1);
	}
}

struct bytes_out {
	uint8_t b[8192];
	size_t len;
};

static void out_add(struct bytes_out *o, const void *p, size_t len)
{
	memcpy(o->b + o->len, p, len);
	o->len += len;
}

static void out_u8(struct bytes_out *o, uint8_t v)
{
	out_add(o, &v, 1);
}

/* In the language of take_message() of fuzz.h. */
static void out_message(struct bytes_out *o, const struct nlmsghdr *nlh, bool raw)
{
	const char *payload = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	out_u8(o, raw);
	if (raw) {
		out_add(o, payload, mnl_nlmsg_get_payload_len(nlh));
		return;
	}
	out_add(o, payload, sizeof(struct nfgenmsg));
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		out_u8(o, mnl_attr_get_type(attr));
		out_u8(o, mnl_attr_get_payload_len(attr));
		out_add(o, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	}
}

static void put_message(const char *harness, const char *name, const struct nlmsghdr *nlh)
{
	struct bytes_out o = {.len = 0};
	char as[64];

	out_message(&o, nlh, true);
	snprintf(as, sizeof(as), "%s.raw", name);
	put(harness, as, NULL, 0, o.b, o.len);
	o.len = 0;
	out_message(&o, nlh, false);
	put(harness, name, NULL, 0, o.b, o.len);
}

static void messages(void)
{
	static const char *const prefixes[] = {"TRACE: filter:INPUT:rule:1 ",
					       "TRACE: nat:a:b:policy:2 ", "TRACE: raw:X:return:3 ",
					       "hello"};
	uint32_t buf[MSG_MAX / 4];
	char name[16];

	put_message("fuzz_trace_msg", "full", msg_trace_full(buf));
	put_message("fuzz_trace_msg", "end", msg_trace_begin(buf, NFT_TRACETYPE_RETURN));
	put_message("fuzz_trace_msg", "policy", msg_trace_policy(buf));
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put_message("fuzz_nflog", name, msg_nflog(buf, prefixes[i]));
	}
}

static void hooks(void)
{
	uint32_t buf[MSG_MAX / 4];

	put_message("fuzz_hook_msg", "function",
		    msg_hook(buf, NFPROTO_IPV4, 0, -400, "ipv4_conntrack_defrag", "nf_defrag_ipv4"));
	put_message("fuzz_hook_msg", "chain",
		    msg_hook_chain(msg_hook(buf, NFPROTO_IPV6, 1, 10, "nft_do_chain_inet", NULL),
				   HOOK_TYPE_NFTABLES, NFPROTO_INET, "filter", "input"));
	put_message("fuzz_hook_msg", "program",
		    msg_hook_bpf(msg_hook(buf, NFPROTO_IPV4, 1, 5, "nf_hook_run_bpf", NULL), 40));
}

static void dump_add(struct bytes_out *o, uint8_t type, const struct nlmsghdr *nlh)
{
	struct bytes_out message = {.len = 0};

	out_message(&message, nlh, o->len % 2);
	out_u8(o, type);
	out_u8(o, message.len >> 8);
	out_u8(o, message.len);
	out_add(o, message.b, message.len);
}

static void dump(void)
{
	uint32_t buf[MSG_MAX / 4];
	struct bytes_out o = {.len = 0};

	dump_add(&o, 0, msg_new_table(buf, NFPROTO_INET, "filter"));
	dump_add(&o, 0, msg_new_table(buf, NFPROTO_NETDEV, "nfpath_12"));
	dump_add(&o, 1, msg_new_chain(buf, NFPROTO_INET, "filter", "input", 1, -5, NULL));
	dump_add(&o, 1, msg_new_chain(buf, NFPROTO_INET, "filter", "web", -1, 0, NULL));
	dump_add(&o, 1, msg_new_chain(buf, NFPROTO_NETDEV, "nfpath_12", "ing", 0, 0, "eth0"));
	for (int i = 0; i < 6; i++)
		dump_add(&o, 2, msg_new_rule(buf, NFPROTO_INET, "filter", "input", 9 - i));
	dump_add(&o, 2, msg_new_rule(buf, NFPROTO_INET, "filter", "web", 20));
	put("fuzz_nft_dump", "ruleset", NULL, 0, o.b, o.len);
}

static void blob(uint8_t family, const char *name)
{
	uint8_t head[22] = {family == NFPROTO_IPV6};
	struct msg_blob b;

	msg_filter_table(&b, family);
	head[1] = b.valid_hooks;
	for (int i = 0; i < 5; i++) {
		head[2 + 2 * i] = b.hook_entry[i] >> 8;
		head[3 + 2 * i] = b.hook_entry[i];
		head[12 + 2 * i] = b.underflow[i] >> 8;
		head[13 + 2 * i] = b.underflow[i];
	}
	put("fuzz_xt_blob", name, head, sizeof(head), b.bytes, b.len);
}

/* In the language of fuzz_xt_from_nft.c. */
static void rules(void)
{
	/* -i lo -s 10.0.0.0/8 -p tcp --dport 80 -j web, comment "c" */
	static const uint8_t match[] = {0,    0x80,
					0,    NFT_META_IIFNAME,
					1,    1,
					0x83, 0,
					1,    1,
					0,    2,
					3,    'l',
					'o',  0,
					0x81, 0,
					1,    1,
					1,    2,
					12,   3,
					4,    0x82,
					0,    1,
					1,    1,
					2,    4,
					3,    4,
					255,  0,
					0,    0,
					4,    4,
					0,    0,
					0,    0,
					0x83, 0,
					1,    1,
					0,    2,
					4,    10,
					0,    0,
					0,    0x80,
					0,    NFT_META_L4PROTO,
					1,    1,
					0x83, 0,
					1,    1,
					0,    2,
					1,    6,
					0x81, 0,
					1,    1,
					2,    2,
					2,    3,
					2,    0x83,
					0,    1,
					1,    0,
					2,    2,
					0,    80,
					0x8b, 0x88,
					0,    0,
					2,    0xfd,
					3,    3,
					'w',  'e',
					'b',  0xff,
					0,    2,
					'c',  0};
	/* -m limit … -m state -j LOG */
	static const uint8_t target[] = {1,   0x86, 0,	 0,   5,   1,	0,   1, 2, 5, 0x85, 0,	5,
					 's', 't',  'a', 't', 'e', 1,	0,   2, 0, 4, 1,    0,	0,
					 0,   0x87, 0,	 3,   'L', 'O', 'G', 1, 0, 2, 0,    32, 4};
	/* -p udp --sport 1:5 -j NFLOG --nflog-prefix p */
	static const uint8_t range[] = {0,    0x80, 0,	  NFT_META_L4PROTO,
					1,    1,    0x83, 0,
					1,    1,    0,	  2,
					1,    17,   0x81, 0,
					1,    1,    2,	  2,
					0,    3,    2,	  0x84,
					0,    1,    1,	  0,
					2,    2,    0,	  1,
					3,    2,    0,	  5,
					0x89, 0,    1,	  'p',
					1,    0,    3,	  2,
					50,   3,    0,	  1};

	put("fuzz_xt_from_nft", "match", NULL, 0, match, sizeof(match));
	put("fuzz_xt_from_nft", "target", NULL, 0, target, sizeof(target));
	put("fuzz_xt_from_nft", "range", NULL, 0, range, sizeof(range));
}

/* In the language of fuzz_explain.c: 10.96.0.1 is sent on by a map of two random numbers, and there
 * to another address; and a random number is compared with one that it never reaches. */
static void explain(void)
{
	static const uint8_t sets[] = {1, 3, 0, 2, 0, 0, 0, 0, 0xfc, 3, 1, 0, 0, 0, 0xfc, 3};
	static const uint8_t rules[] = {
		/* PREROUTING: ip daddr 10.96.0.1 numgen random mod 2 vmap @__map0 */
		0, 0x81, 0, 1, 1, 1, 2, 16, 3, 4, 0x83, 0, 1, 1, 0, 2, 4, 10, 96, 0, 1, /* */
		0x8d, 0, 1, 1, 2, 2, 1, 3, 0, 0x8c, 0, 1, 1, 0, 2, 7, '_', '_', 'm', 'a', 'p', '0',
		0, 0xfe,
		/* DOCKER: dnat to 10.1.0.2 */
		3, 0x88, 0, 1, 1, 4, 10, 1, 0, 2, 0x8e, 0, 1, 1, 2, 2, 1, 0xfe};
	/* PREROUTING: numgen random mod 4 < 16777216 dnat to a register that nothing has filled */
	static const uint8_t random[] = {0, 0x8d, 0, 1, 1, 4, 0xfb, 4,	  0x83, 0, 1,	 2,
					 4, 0xc1, 1, 0, 2, 0x8e, 0, 1,	  0xfe};
	uint8_t head[2 + sizeof(sets)] = {0, sizeof(sets)};

	memcpy(head + 2, sets, sizeof(sets));
	put("fuzz_explain", "map", head, sizeof(head), rules, sizeof(rules));
	put("fuzz_explain", "random", "\0\0", 2, random, sizeof(random));
}

/* In the language of fuzz_tracker.c: type, how, id, packet, time (2), conntrack, details (2). */
static void events(void)
{
	static const uint8_t in[] = {0,	   EVENT_ENTER,	 0x03, 0x10, 8, 0, 1, 0, 1,
				     0,	   EVENT_LEAVE,	 0x03, 0x10, 8, 0, 1, 1, 0,
				     0,	   EVENT_ROUTE,	 0,    0x10, 8, 0, 1, 0, 12,
				     24,   EVENT_RULE,	 0x0b, 0x10, 8, 0, 1, 1, 12,
				     0x43, EVENT_RULE,	 0x08, 0x10, 8, 0, 1, 0, 0,
				     1,	   EVENT_POLICY, 0x08, 0x10, 8, 0, 1, 0, 0,
				     4,	   EVENT_LEAVE,	 0x0b, 0x10, 8, 0, 1, 1, 0,
				     0,	   EVENT_DROP,	 0,    0x10, 8, 0, 1, 0, 1,
				     0};
	static const uint8_t out[] = {4,  EVENT_ROUTE,	  0,	0x10, 0x80, 0,	  1, 0, 4,
				      24, EVENT_ENTER,	  0x1b, 0x10, 0x81, 0,	  1, 0, 1,
				      0,  EVENT_LEAVE,	  0x1b, 0x10, 0x81, 0,	  1, 1, 0,
				      0,  EVENT_LEAVE,	  0x23, 0x10, 0x81, 0,	  1, 1, 0,
				      0,  EVENT_LOST,	  0,	0x10, 0x81, 0,	  1, 1, 3,
				      0,  EVENT_ENTER,	  0x03, 0x11, 0x81, 0,	  1, 1, 0,
				      0,  EVENT_TRANSMIT, 0x80, 0x11, 0x81, 0x30, 1, 1, 1,
				      0};

	put("fuzz_tracker", "in", NULL, 0, in, sizeof(in));
	put("fuzz_tracker", "out", NULL, 0, out, sizeof(out));
}

static void lines(void)
{
	static const char text[] =
		"table inet filter {\n\tchain input { # handle 1\n\t\tcomment \"mine\"\n"
		"\t\ttype filter hook input priority filter; policy accept;\n"
		"\t\ttcp dport 22 accept comment \"a # handle 1\" # handle 1\n"
		"\t\tjump web # handle 2\n\t}\n}\n";

	put("fuzz_chain_lines", "base", "\x02\x03", 2, text, sizeof(text) - 1);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	top = argv[1];
	messages();
	hooks();
	dump();
	blob(NFPROTO_IPV4, "ip");
	blob(NFPROTO_IPV6, "ip6");
	rules();
	explain();
	events();
	lines();
	return 0;
}
