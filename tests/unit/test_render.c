// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths made by hand against tests/unit/golden/. NFPATH_REGEN=1 writes the goldens anew: read them
 * before you keep them. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/render.h"

#include <cmocka.h> /* last: it has a macro fail() */

/* 2026-01-31T10:00:00Z */
#define TIME_NS (1769853600ULL * 1000000000 + 123456789)

static struct path *new_path(uint64_t id, const char *engine)
{
	struct path *p = path_new();

	p->id = id;
	p->engine = engine;
	p->time_ns = TIME_NS;
	p->places[0].netns.inum = 4026531840;
	p->places[0].netns.name = "host";
	return p;
}

static void set_endpoint(struct endpoint *e, int family, const char *addr, uint16_t port)
{
	assert_int_equal(inet_pton(family, addr, e->addr), 1);
	e->port = port;
}

static void set_tuple(struct packet *k, int family, uint8_t proto, const char *src, uint16_t sport,
		      const char *dst, uint16_t dport)
{
	k->family = family;
	k->proto = proto;
	k->has_addrs = true;
	k->has_ports = sport || dport;
	set_endpoint(&k->src, family, src, sport);
	set_endpoint(&k->dst, family, dst, dport);
}

/* Where rules stand, until set anew. */
struct place {
	struct path *p;
	enum backend backend;
	uint8_t family, hook;
};

static struct step *add_rule(struct place at, const char *table, const char *chain, uint32_t number,
			     enum verdict v, const char *brief)
{
	struct step *s = path_add(at.p, STEP_RULE, at.family, at.hook);

	s->backend = at.backend;
	s->verdict = v;
	s->rule.table = table;
	s->rule.chain = chain;
	s->rule.number = number;
	s->rule.brief = brief;
	return s;
}

static struct step *add_policy(struct place at, enum step_type type, const char *table,
			       const char *chain, enum verdict v)
{
	struct step *s = path_add(at.p, type, at.family, at.hook);

	s->backend = at.backend;
	s->verdict = v;
	s->rule.table = table;
	s->rule.chain = chain;
	return s;
}

static struct step *set_rule(struct step *s, const char *target, const char *action,
			     const char *text, const char *comment)
{
	s->rule.target = target;
	s->rule.action = action;
	s->rule.text = text;
	s->rule.comment = comment;
	return s;
}

static struct step *add_route(struct path *p, const char *result, uint32_t table, int32_t rule,
			      const char *prefix, const char *dev)
{
	struct step *s = path_add(p, STEP_ROUTE, NFPROTO_IPV4, HOOK_NONE);

	s->route.result = result;
	s->route.table = table;
	s->route.rule = rule;
	s->route.prefix = prefix;
	s->route.dev = dev;
	s->route.input = true;
	return s;
}

static void set_owner(struct step *s, const char *name, const char *mode, const char *words)
{
	s->rule.owner = name;
	s->rule.owner_mode = mode;
	s->rule.owner_words = words;
}

static void kube_rules(struct place at)
{
	static const char *const words[] = {
		"kubernetes service portals", "default/web:http cluster IP",
		"endpoint 1 of 2, chance 50 %", "the endpoint of default/web:http"};

	add_policy(at, STEP_POLICY, "raw", "PREROUTING", VERDICT_ACCEPT);
	set_rule(add_rule(at, "nat", "PREROUTING", 1, VERDICT_JUMP, "jump KUBE-SERVICES"),
		 "KUBE-SERVICES", NULL,
		 "-A PREROUTING -m comment --comment \"kubernetes service portals\" -j "
		 "KUBE-SERVICES",
		 "kubernetes service portals");
	set_rule(add_rule(at, "nat", "KUBE-SERVICES", 9, VERDICT_JUMP,
			  "jump KUBE-SVC-ZP4VKUJYTBCROZYY"),
		 "KUBE-SVC-ZP4VKUJYTBCROZYY", NULL,
		 "-A KUBE-SERVICES -d 10.43.206.251/32 -p tcp -m comment --comment "
		 "\"default/web:http "
		 "cluster IP\" -m tcp --dport 8081 -j KUBE-SVC-ZP4VKUJYTBCROZYY",
		 "default/web:http cluster IP");
	set_rule(add_rule(at, "nat", "KUBE-SVC-ZP4VKUJYTBCROZYY", 1, VERDICT_JUMP,
			  "jump KUBE-SEP-OR6JECCPPINGGGRC"),
		 "KUBE-SEP-OR6JECCPPINGGGRC", NULL,
		 "-A KUBE-SVC-ZP4VKUJYTBCROZYY -m comment --comment \"default/web:http -> "
		 "10.0.1.12:8081\" "
		 "-m statistic --mode random --probability 0.50000000000 -j "
		 "KUBE-SEP-OR6JECCPPINGGGRC",
		 "default/web:http -> 10.0.1.12:8081");
	set_rule(add_rule(at, "nat", "KUBE-SEP-OR6JECCPPINGGGRC", 2, VERDICT_ACCEPT,
			  "DNAT to 10.0.1.12:8081"),
		 NULL, "DNAT",
		 "-A KUBE-SEP-OR6JECCPPINGGGRC -p tcp -m comment --comment \"default/web:http\" -m "
		 "tcp -j "
		 "DNAT --to-destination 10.0.1.12:8081",
		 "default/web:http")
		->rule.verdict_inferred = true;
	for (size_t i = 0; i < 4; i++)
		set_owner(&at.p->steps[at.p->n_steps - 4 + i], "kube-proxy", "iptables", words[i]);
}

/* What it had before is what add_nat() or the packet said last. */
static void set_before(struct path *p, struct step *s)
{
	struct endpoint src = p->packet.src, dst = p->packet.dst;

	for (const struct step *k = p->steps; k < s; k++) {
		if (k->type != STEP_NAT)
			continue;
		src = k->nat.src;
		dst = k->nat.dst;
	}
	s->nat.from_src = src;
	s->nat.from_dst = dst;
	s->nat.from_ports = s->nat.has_ports;
}

static void add_nat(struct place at, bool dnat, const char *src, uint16_t sport, const char *dst,
		    uint16_t dport)
{
	struct step *s = path_add(at.p, STEP_NAT, at.family, at.hook);

	s->nat.dnat = dnat;
	s->nat.snat = !dnat;
	s->nat.has_ports = sport || dport;
	set_endpoint(&s->nat.src, AF_INET, src, sport);
	set_endpoint(&s->nat.dst, AF_INET, dst, dport);
	set_before(at.p, s);
}

/* The example of the interface: dropped by rp_filter behind nat PREROUTING. */
static struct path *path_rp_filter(void)
{
	struct path *p = new_path(1, "netlink");
	struct place at = {p, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, NF_INET_PRE_ROUTING};
	struct packet *k = &p->packet;
	struct step *s;

	set_tuple(k, AF_INET, IPPROTO_TCP, "192.168.235.13", 14024, "10.43.206.251", 8081);
	k->has_tcp = true;
	k->tcp_flags = 0x02;
	k->len = 60;
	k->ip_id = 57266;
	strcpy(k->iif, "enp5s0");
	kube_rules(at);
	add_nat(at, true, "192.168.235.13", 14024, "10.0.1.12", 8081);
	add_route(p, "local", 255, 0, "10.0.1.12/32", "enp5s0");
	s = path_add(p, STEP_RP_FILTER, NFPROTO_IPV4, HOOK_NONE);
	s->rpf.mode = 1;
	s->rpf.all = 1;
	s->rpf.dev_mode = 0;
	s->rpf.iif = "enp5s0";
	s->rpf.reverse_dev = "enp3s0";
	s->rpf.reason = "rp_filter-strict";
	s->rpf.looked = true;
	s->rpf.result = "unicast";
	s->rpf.table = 254;
	s->rpf.rule = 32766;
	s->rpf.prefix = "192.168.235.0/24";
	p->refused = "rp_filter-strict";
	p->refusal = "rp_filter strict: the route back to 192.168.235.13 leaves by enp3s0, not by enp5s0";
	p->decided_by = p->n_steps - 1;
	s = path_add(p, STEP_DROP, NFPROTO_IPV4, HOOK_NONE);
	s->drop.reason = "IP_RPFILTER";
	s->drop.location = "ip_rcv_finish_core+0x1d2";
	p->verdict = PATH_DROPPED;
	p->fix =
		"sysctl -w net.ipv4.conf.all.rp_filter=2, or route 192.168.235.0/24 through enp5s0";
	return p;
}

static struct path *path_nft(void)
{
	struct path *p = new_path(2, "netlink");
	struct place at = {p, BACKEND_NFT, NFPROTO_INET, NF_INET_PRE_ROUTING};
	struct step *s;

	set_tuple(&p->packet, AF_INET6, IPPROTO_UDP, "2001:db8::1", 40000, "2001:db8::2", 53);
	p->packet.len = 76;
	strcpy(p->packet.iif, "eth0");
	p->places[0].netns.name = "dns";
	s = path_add(p, STEP_CONNTRACK, NFPROTO_IPV6, NF_INET_PRE_ROUTING);
	s->ct.state = CT_NEW;
	s->ct.id = 3141592653u;
	add_policy(at, STEP_POLICY, "filter", "early", VERDICT_ACCEPT);
	at.hook = NF_INET_LOCAL_IN;
	set_rule(add_rule(at, "filter", "input", 2, VERDICT_CONTINUE, "counter"), NULL, "counter",
		 "udp dport 53 counter", NULL)
		->rule.handle = 4;
	set_rule(add_rule(at, "filter", "input", 3, VERDICT_JUMP, "jump services"), "services",
		 NULL, "meta l4proto udp jump services comment \"by service\"", "by service")
		->rule.handle = 7;
	set_owner(&p->steps[p->n_steps - 1], "Podman", NULL, NULL);
	set_rule(add_rule(at, "filter", "services", 11, VERDICT_GOTO, "goto dns"), "dns", NULL,
		 "udp dport vmap @by_port", NULL)
		->rule.handle = 9007199254740993ULL; /* 2^53 + 1 */
	add_policy(at, STEP_RETURN, "filter", "dns", VERDICT_RETURN);
	add_policy(at, STEP_POLICY, "filter", "input", VERDICT_ACCEPT);
	p->decided_by = p->n_steps - 1;
	s = path_add(p, STEP_DELIVER, NFPROTO_IPV6, HOOK_NONE);
	s->deliver.state = "unconnected";
	s->deliver.comm = "named";
	s->deliver.pid = 812;
	p->verdict = PATH_DELIVERED;
	return p;
}

static struct path *path_forward(void)
{
	struct path *p = new_path(3, "netlink");
	struct place at = {p, BACKEND_IPTABLES_NFT, NFPROTO_IPV4, NF_INET_PRE_ROUTING};
	struct step *s;

	set_tuple(&p->packet, AF_INET, IPPROTO_TCP, "192.168.235.13", 14024, "10.43.206.251", 8081);
	p->packet.has_tcp = true;
	p->packet.tcp_flags = 0x02;
	p->packet.len = 60;
	p->packet.ip_id = 7;
	p->packet.mark = 0x4000;
	strcpy(p->packet.iif, "enp3s0");
	strcpy(p->packet.oif, "cni0");
	kube_rules(at);
	p->steps[1].rule.handle = 12;
	add_nat(at, true, "192.168.235.13", 14024, "10.244.0.5", 8080);
	s = add_route(p, "unicast", 254, 32766, "10.244.0.0/24", "cni0");
	s->route.gateway = "10.244.0.1";
	s = path_add(p, STEP_RP_FILTER, NFPROTO_IPV4, HOOK_NONE);
	s->rpf.mode = 2;
	s->rpf.all = 2;
	s->rpf.dev_mode = 1;
	s->rpf.iif = "enp3s0";
	s->rpf.pass = true;
	at.hook = NF_INET_FORWARD;
	set_rule(add_rule(at, "filter", "FORWARD", 1, VERDICT_ACCEPT, NULL), NULL, "ACCEPT",
		 "-A FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT", NULL);
	p->decided_by = p->n_steps - 1;
	at.hook = NF_INET_POST_ROUTING;
	set_rule(add_rule(at, "nat", "POSTROUTING", 1, VERDICT_ACCEPT, "MASQUERADE"), NULL,
		 "MASQUERADE", "-A POSTROUTING -j MASQUERADE", NULL);
	add_nat(at, false, "10.244.0.1", 6001, "10.244.0.5", 8080);
	path_add(p, STEP_TRANSMIT, NFPROTO_IPV4, HOOK_NONE)->transmit.dev = "cni0";
	p->verdict = PATH_FORWARDED;
	return p;
}

/* A rule whose number is not known, whose text is gone, and whose verdict the kernel did not say.
 */
static struct path *path_legacy_drop(void)
{
	struct path *p = new_path(4, "netlink");
	struct place at = {p, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, NF_INET_LOCAL_IN};
	struct step *s;

	set_tuple(&p->packet, AF_INET, IPPROTO_UDP, "10.0.0.1", 1, "10.0.0.2", 65535);
	p->packet.len = 29;
	strcpy(p->packet.iif, "eth0");
	s = add_rule(at, "filter", "INPUT", 4, VERDICT_JUMP, NULL);
	s->rule.target = "f2b-sshd";
	s = add_rule(at, "filter", "f2b-sshd", 0, VERDICT_DROP, NULL);
	s->rule.verdict_inferred = true;
	s->rule.no_text = "the table was replaced meanwhile";
	p->decided_by = p->n_steps - 1;
	s = path_add(p, STEP_DROP, NFPROTO_IPV4, HOOK_NONE);
	s->drop.reason = "NETFILTER_DROP";
	s->drop.location = "nf_hook_slow+0xb3";
	p->verdict = PATH_DROPPED;
	return p;
}

static struct path *path_uncertain(void)
{
	struct path *p = new_path(5, "bpf");
	struct place at = {p, BACKEND_NFT, NFPROTO_IPV4, NF_INET_LOCAL_OUT};

	set_tuple(&p->packet, AF_INET, IPPROTO_ICMP, "10.0.0.1", 0, "10.0.0.2", 0);
	p->packet.has_icmp = true;
	p->packet.icmp_type = 8;
	p->packet.icmp_id = 4660;
	p->packet.icmp_seq = 1;
	p->packet.len = 84;
	strcpy(p->packet.oif, "eth0");
	add_rule(at, "filter", "output", 1, VERDICT_UNKNOWN, NULL)->rule.handle = 3;
	p->lost = 12;
	path_doubt(p, CERTAIN_NOT, "12 events were lost while this packet was in flight");
	p->unseen = "drops outside of netfilter: raw tracepoints are not allowed here";
	return p;
}

static struct path *path_ambiguous(void)
{
	struct path *p = new_path(6, "bpf");
	struct place at = {p, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV6, NF_INET_LOCAL_OUT};
	struct step *s;

	set_tuple(&p->packet, AF_INET6, 253, "fe80::1", 0, "ff02::1", 0);
	p->packet.more_frags = true;
	add_policy(at, STEP_POLICY, "mangle", "OUTPUT", VERDICT_ACCEPT);
	s = add_route(p, "unreachable", 100, -1, NULL, NULL);
	s->route.error = -EHOSTUNREACH;
	s->route.untold = "routing has changed since";
	s->route.input = false;
	p->decided_by = p->n_steps - 1;
	p->verdict = PATH_DROPPED;
	path_doubt(p, CERTAIN_ORDER_AMBIGUOUS, "two orders of the same rules fit");
	return p;
}

/* Everything that somebody else may name, named by somebody hostile. */
static struct path *path_hostile(void)
{
	struct path *p = new_path(7, "netlink");
	struct place at = {p, BACKEND_NFT, NFPROTO_INET, NF_INET_LOCAL_IN};
	struct step *s;

	set_tuple(&p->packet, AF_INET, IPPROTO_TCP, "10.0.0.1", 1, "10.0.0.2", 2);
	p->packet.fragment = true;
	p->packet.has_ports = false;
	strcpy(p->packet.iif, "e\x1b[2Jth");
	strcpy(p->packet.oif, "o\xff\n");
	p->places[0].netns.name = "ns\x1b]0;owned\x07";
	s = add_rule(at, "fil\x9bter", "in\u202eput", 1, VERDICT_JUMP,
		     "jump \x1b[31mchain\nDROPPED by me");
	set_rule(s, "\x1b[31mchain\n", "\x7f", "tcp dport 1 \xc3\x28 jump \"\x1b[31mchain\"",
		 "first\nsecond\tthird \xe2\x80\xae\xff \\ end");
	set_owner(s, "CNI bridge", NULL, "net\x1b[5m: \n\xff");
	s = path_add(p, STEP_HOOK, NFPROTO_IPV4, NF_INET_LOCAL_IN);
	s->hookfn.function = "evil\r_hook";
	s->hookfn.module = "mod\x1b";
	s->hookfn.priority = -2147483647 - 1;
	s->verdict = VERDICT_ACCEPT;
	s = add_route(p, "unicast", 254, 0, "10.0.0.0/8\x07",
		      "d\x1b"
		      "ev");
	s->route.gateway = "\xf0\x9f\x92";
	s = path_add(p, STEP_RP_FILTER, NFPROTO_IPV4, HOOK_NONE);
	s->rpf.mode = 7;
	s->rpf.dev_mode = 7;
	s->rpf.iif = "e\x1b[2Jth";
	s->rpf.reason = "because\x1b[5m";
	path_add(p, STEP_TRANSMIT, NFPROTO_IPV4, HOOK_NONE)->transmit.dev = "\x1b[7m";
	s = path_add(p, STEP_DELIVER, NFPROTO_IPV4, HOOK_NONE);
	s->deliver.comm = "sh\x1b[0m";
	s->deliver.state = "\x08";
	s = path_add(p, STEP_DROP, NFPROTO_IPV4, HOOK_NONE);
	s->drop.reason = "R\x1b";
	s->drop.location = "L\x1b";
	p->verdict = PATH_DROPPED;
	p->fix = "rm\n-rf";
	p->unseen = "\x1b[8m";
	path_doubt(p, CERTAIN_NOT, "\xff");
	return p;
}

static struct path *path_no_socket(void)
{
	struct path *p = new_path(8, "netlink");
	struct step *s;

	set_tuple(&p->packet, AF_INET, IPPROTO_UDP, "10.0.0.1", 5000, "10.0.0.2", 5001);
	p->packet.len = 28;
	strcpy(p->packet.iif, "lo");
	s = path_add(p, STEP_DROP, NFPROTO_IPV4, HOOK_NONE);
	s->drop.reason = "NO_SOCKET";
	s->drop.location = "__udp4_lib_rcv+0x5a1";
	p->verdict = PATH_DROPPED;
	return p;
}

static struct path *path_arp_queued(void)
{
	struct path *p = new_path(9, "netlink");
	struct place at = {p, BACKEND_NFT, NFPROTO_ARP, NF_ARP_IN};
	struct step *s;

	p->packet.has_ll = true;
	p->packet.ethertype = 0x0806;
	memcpy(p->packet.ll_src, "\x02\0\0\0\0\x01", 6);
	memset(p->packet.ll_dst, 0xff, 6);
	strcpy(p->packet.iif, "br0");
	p->places[0].netns.inum = 4026532201;
	p->places[0].netns.name = NULL;
	add_rule(at, "filter", "input", 1, VERDICT_CONTINUE, NULL)->rule.handle = 2;
	at.family = NFPROTO_BRIDGE;
	at.hook = NF_INET_LOCAL_IN;
	add_rule(at, "filter", "a-chain-with-a-name-so-long-that-it-does-not-push-the-others-aside",
		 12, VERDICT_ACCEPT, "accept");
	s = path_add(p, STEP_HOOK, NFPROTO_IPV4, NF_INET_LOCAL_IN);
	s->hookfn.function = "selinux_ip_input";
	s->hookfn.priority = 225;
	s->verdict = VERDICT_QUEUE;
	p->decided_by = p->n_steps - 1;
	p->verdict = PATH_QUEUED;
	return p;
}

/* Sent and delivered both, as a broadcast is: no step is left out. */
static struct path *path_broadcast(void)
{
	struct path *p = new_path(10, "bpf");
	struct place at = {p, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, NF_INET_LOCAL_OUT};

	set_tuple(&p->packet, AF_INET, IPPROTO_UDP, "10.0.0.1", 68, "255.255.255.255", 67);
	strcpy(p->packet.oif, "eth0");
	add_route(p, "broadcast", 0, -1, NULL, "eth0")->route.input = false;
	add_policy(at, STEP_POLICY, "filter", "OUTPUT", VERDICT_ACCEPT);
	path_add(p, STEP_DELIVER, NFPROTO_IPV4, HOOK_NONE);
	path_add(p, STEP_TRANSMIT, NFPROTO_IPV4, HOOK_NONE)->transmit.dev = "eth0";
	p->verdict = PATH_TRANSMITTED;
	return p;
}

static struct path *path_empty(void)
{
	struct path *p = new_path(11, "netlink");

	p->packet.ethertype = 0x88cc;
	p->verdict = PATH_DROPPED;
	return p;
}

/* From the host into a container, through a tunnel, by a verdict map. */
static struct path *path_netns(void)
{
	struct path *p = new_path(12, "bpf");
	struct place at = {p, BACKEND_NFT, NFPROTO_INET, NF_INET_FORWARD};
	struct path_place *web;
	struct step *s;

	set_tuple(&p->packet, AF_INET, IPPROTO_IPIP, "192.0.2.1", 0, "192.0.2.2", 0);
	strcpy(p->packet.iif, "eth0");
	p->is_copy = true;
	p->copy_of = 7;
	s = path_add(p, STEP_HEADERS, NFPROTO_IPV6, HOOK_NONE);
	s->headers.family = AF_INET6;
	s->headers.proto = IPPROTO_TCP;
	s->headers.has_ports = true;
	set_endpoint(&s->headers.src, AF_INET6, "2001:db8::1", 1000);
	set_endpoint(&s->headers.dst, AF_INET6, "2001:db8::2", 80);
	s = set_rule(add_rule(at, "filter", "forward", 4, VERDICT_GOTO, "vmap @sites"), "web-a",
		     NULL, "ip6 daddr . tcp dport vmap @sites", "by site");
	s->rule.element = "2001:db8::2 . 80";
	add_policy(at, STEP_RETURN, "filter", "forward", VERDICT_RETURN);
	path_add(p, STEP_TRANSMIT, NFPROTO_IPV6, HOOK_NONE)->transmit.dev = "veth1";
	web = path_move(p, 3);
	web->netns.inum = 4026532999;
	web->netns.name = "web1";
	strcpy(web->iif, "eth0");
	s = path_add(p, STEP_NAT, NFPROTO_IPV6, NF_INET_PRE_ROUTING);
	s->nat.dnat = s->nat.has_ports = true;
	set_endpoint(&s->nat.src, AF_INET6, "2001:db8::1", 1000);
	set_endpoint(&s->nat.dst, AF_INET6, "2001:db8::3", 8080);
	set_endpoint(&s->nat.from_src, AF_INET6, "2001:db8::1", 1000);
	set_endpoint(&s->nat.from_dst, AF_INET6, "2001:db8::2", 80);
	s->nat.from_ports = true;
	at.hook = NF_INET_LOCAL_IN;
	add_policy(at, STEP_POLICY, "filter", "input", VERDICT_ACCEPT);
	p->decided_by = p->n_steps - 1;
	path_move(p, 0);
	p->visit = 1;
	add_policy(at, STEP_POLICY, "filter", "input", VERDICT_ACCEPT);
	p->visit = 2;
	add_policy(at, STEP_POLICY, "filter", "input", VERDICT_ACCEPT);
	path_move(p, 9)->netns.inum = 4026533000;
	add_rule(at, "filter", "input", 1, VERDICT_ACCEPT, "accept");
	p->verdict = PATH_ACCEPTED;
	return p;
}

static struct step *add_conntrack(struct place at, enum ct_state state)
{
	struct step *s = path_add(at.p, STEP_CONNTRACK, at.family, at.hook);

	s->ct.state = state;
	return s;
}

static void set_entry(struct step *s, const char *reply_src, uint16_t reply_sport)
{
	s->ct.has_entry = s->ct.has_ports = true;
	set_endpoint(&s->ct.orig_src, AF_INET, "10.0.0.1", 1000);
	set_endpoint(&s->ct.orig_dst, AF_INET, "10.0.0.2", 80);
	set_endpoint(&s->ct.reply_src, AF_INET, reply_src, reply_sport);
	set_endpoint(&s->ct.reply_dst, AF_INET, "10.0.0.1", 1000);
}

/* Every way in which conntrack and NAT are told, though no packet has them all. */
static struct path *path_connection(void)
{
	struct path *p = new_path(14, "netlink");
	struct place at = {p, BACKEND_NFT, NFPROTO_IPV4, NF_INET_PRE_ROUTING};
	struct step *s;

	set_tuple(&p->packet, AF_INET, IPPROTO_TCP, "10.0.0.1", 1000, "10.0.0.2", 80);
	set_rule(add_rule(at, "raw", "pre", 1, VERDICT_CONTINUE, "notrack"), NULL, "notrack",
		 "tcp dport 80 notrack", NULL)->rule.handle = 4;
	add_conntrack(at, CT_UNTRACKED)->ct.by = 0;
	add_conntrack(at, CT_INVALID)->ct.why = "it cannot begin a connection";
	s = add_conntrack(at, CT_ESTABLISHED);
	set_entry(s, "10.1.0.2", 8080);
	s->ct.id = 77;
	s->ct.nats = s->ct.skips_nat = true;
	s->ct.zone = 5;
	s->ct.mark = 0x10;
	s->ct.tcp_state = "ESTABLISHED";
	add_nat(at, true, "10.0.0.1", 1000, "10.1.0.2", 8080);
	p->steps[p->n_steps - 1].nat.cause = NAT_CAUSE_CONNECTION;
	set_entry(add_conntrack(at, CT_NONE), "10.0.0.2", 80);
	at.hook = NF_INET_POST_ROUTING;
	set_rule(add_rule(at, "nat", "post", 1, VERDICT_ACCEPT, "masquerade"), NULL, "masquerade",
		 "masquerade", NULL)->rule.handle = 9;
	add_nat(at, false, "10.1.0.1", 1000, "10.1.0.2", 8080);
	s = &p->steps[p->n_steps - 1];
	s->nat.cause = NAT_CAUSE_RULE;
	s->nat.by = p->n_steps - 2;
	p->verdict = PATH_FORWARDED;
	return p;
}

static struct path *path_copy(void)
{
	struct path *p = new_path(13, "bpf");

	set_tuple(&p->packet, AF_INET, IPPROTO_UDP, "10.0.0.1", 68, "10.0.0.2", 67);
	strcpy(p->packet.oif, "eth1"); /* of the host, not of the container */
	p->is_copy = true;
	path_add(p, STEP_TRANSMIT, NFPROTO_IPV4, HOOK_NONE)->transmit.dev = "eth1";
	path_move(p, 1)->netns.name = "web1";
	p->verdict = PATH_FORWARDED;
	return p;
}

static struct path *path_stack(void)
{
	struct path *p = path_no_socket();

	p->steps[p->n_steps - 1].drop.stack = "udp_rcv+0x1a\nip_protocol_deliver_rcu+0x2 [\x1b]";
	return p;
}

/* Nothing was heard of it but its end, and hardly that. */
static struct path *path_alone(void)
{
	struct path *p = new_path(14, "netlink");

	p->packet.ethertype = 0x88cc;
	strcpy(p->packet.iif, "eth0");
	p->alone = true;
	path_add(p, STEP_DROP, NFPROTO_IPV4, HOOK_NONE);
	p->verdict = PATH_DROPPED;
	p->decided_by = 0;
	return p;
}

static char *draw(const char *format, bool color, bool verbose, const struct path *p)
{
	const struct render_ops *ops = render_find(format);
	char *text = NULL;
	size_t size;
	struct render r = {.out = open_memstream(&text, &size), .color = color, .verbose = verbose};

	assert_non_null(ops);
	assert_int_equal(ops->path(&r, p), 0);
	assert_int_equal(render_flush(&r), 0);
	render_free(&r);
	fclose(r.out);
	return text;
}

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "r");

	if (!f) {
		print_message("# %s: %s; NFPATH_REGEN=1 writes it\n", path, strerror(errno));
		return NULL;
	}
	if (getdelim(&text, &size, '\0', f) < 0)
		text[0] = '\0';
	fclose(f);
	return text;
}

static void check_golden(const char *name, const char *ending, char *got)
{
	char path[128], *want;
	FILE *f;

	snprintf(path, sizeof(path), "tests/unit/golden/%s.%s", name, ending);
	if (getenv("NFPATH_REGEN")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(got, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	want = read_file(path);
	assert_non_null(want);
	assert_string_equal(got, want);
	free(want);
	free(got);
}

static const struct {
	const char *name;
	struct path *(*make)(void);
	bool color;
} cases[] = {
	{"rp-filter", path_rp_filter, true},	{"nft", path_nft, false},
	{"forward", path_forward, true},	{"legacy-drop", path_legacy_drop, false},
	{"uncertain", path_uncertain, false},	{"ambiguous", path_ambiguous, false},
	{"hostile", path_hostile, false},	{"no-socket", path_no_socket, false},
	{"arp-queued", path_arp_queued, false}, {"broadcast", path_broadcast, false},
	{"empty", path_empty, false},		{"netns", path_netns, true},
	{"copy", path_copy, false},		{"connection", path_connection, false},
	{"stack", path_stack, false},
	{"alone", path_alone, false},
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static void test_text(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct path *p = cases[i].make();

		check_golden(cases[i].name, "txt", draw("text", false, false, p));
		check_golden(cases[i].name, "verbose.txt", draw("text", false, true, p));
		if (cases[i].color)
			check_golden(cases[i].name, "color.txt", draw("text", true, false, p));
		path_free(p);
	}
}

static void test_json(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct path *p = cases[i].make();

		check_golden(cases[i].name, "json", draw("json", false, false, p));
		path_free(p);
	}
}

/* The same as nfpath drops shows it. */
static void test_drops(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct path *p = cases[i].make();

		if (p->verdict == PATH_DROPPED) {
			check_golden(cases[i].name, "drop.txt", draw("drop", false, false, p));
			check_golden(cases[i].name, "drop.verbose.txt", draw("drop", false, true, p));
			check_golden(cases[i].name, "drop-json", draw("drop-json", false, false, p));
			if (cases[i].color)
				check_golden(cases[i].name, "drop.color.txt",
					     draw("drop", true, false, p));
		}
		path_free(p);
	}
}

/* Whatever a path holds, it is one line of JSON, and no text holds a control but the newlines that
 * we write. */
static void test_nothing_gets_through(void **state)
{
	struct path *p = path_hostile();
	char *json = draw("json", false, false, p), *text = draw("text", false, true, p);
	char *drop = draw("drop", false, true, p), *drop_json = draw("drop-json", false, false, p);

	for (const char *c = json; *c; c++)
		assert_true((*c >= 0x20 && *c <= 0x7f) || (*c == '\n' && !c[1]));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	for (const char *c = drop; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || (*c == '\n' && !c[1]));
	for (const char *c = drop_json; *c; c++)
		assert_true((*c >= 0x20 && *c <= 0x7f) || (*c == '\n' && !c[1]));
	assert_null(strstr(text, "\nDROPPED"));
	assert_null(strstr(text, "\u202e"));
	free(json);
	free(text);
	free(drop);
	free(drop_json);
	path_free(p);
}

static void test_closed_pipe_is_an_error(void **state)
{
	static const char *const formats[] = {"text", "json"};
	struct path *p = path_forward();

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < 2; i++) {
		struct render r = {0};
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		close(fds[0]);
		r.out = fdopen(fds[1], "w");
		assert_int_equal(render_find(formats[i])->path(&r, p), 0);
		assert_int_equal(render_flush(&r), -EPIPE);
		render_free(&r);
		fclose(r.out);
	}
	path_free(p);
}

static void test_formats(void **state)
{
	assert_string_equal(render_find("text")->name, "text");
	assert_string_equal(render_find("json")->name, "json");
	assert_null(render_find("xml"));
	assert_null(render_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_nothing_gets_through),
		cmocka_unit_test(test_closed_pipe_is_an_error),
		cmocka_unit_test(test_formats),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
