// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * raw_tp_watch [-b BYTES] NETNS… [-u NETNS…]: traces UDP in these namespaces (under /run/netns)
 * with a table of its own, prints each record and each trace message as one JSON line, until
 * stdin ends. Those after -u have a socket that is not registered. -b: receive buffer of the
 * sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>

#include <jansson.h>
#include <libmnl/libmnl.h>
#include <nftables/libnftables.h>

#include "src/kernel_names.h"
#include "src/netns.h"
#include "src/raw_tp.h"

enum { MAX_NS = 8 };

struct watched {
	struct nft_ctx *nft;
	struct mnl_socket *nl;
	int index; /* -1: not registered */
	bool plain; /* its table has no owner */
};

struct watch {
	struct watched ns[MAX_NS];
	unsigned int n;
	int rcvbuf;
	struct raw_tp *rt;
	struct kernel_names *names;
};

static const char *const type_names[NFP_RAW_TYPES] = {"MESSAGE", "FIB4", "FIB6", "KFREE", "TRANSMIT"};

/* Since Linux 5.12 a table can have an owner; before, finish() removes it. */
static const char owned_table[] = "add table inet raw_tp_watch { flags owner; }\n";
static const char plain_table[] = "add table inet raw_tp_watch\n";
static const char delete_table[] = "delete table inet raw_tp_watch\n";
static const char chains[] =
	"add chain inet raw_tp_watch pre { type filter hook prerouting priority -500; }\n"
	"add chain inet raw_tp_watch out { type filter hook output priority -500; }\n"
	"add rule inet raw_tp_watch pre meta l4proto udp meta nftrace set 1\n"
	"add rule inet raw_tp_watch out meta l4proto udp meta nftrace set 1\n";

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void print(json_t *line)
{
	if (!line) {
		fprintf(stderr, "cannot pack a record\n");
		exit(1);
	}
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static json_t *hex(const uint8_t *p, unsigned int n)
{
	char buf[2 * NFP_HEADER_LEN + 1] = "";
	unsigned int i;

	for (i = 0; i < n && i < NFP_HEADER_LEN; i++)
		snprintf(buf + 2 * i, 3, "%02x", p[i]);
	return json_string(buf);
}

static json_t *address(int family, const void *addr)
{
	char buf[INET6_ADDRSTRLEN] = "";

	if (family)
		inet_ntop(family, addr, buf, sizeof(buf));
	return json_string(buf);
}

static json_t *message_json(const struct nfp_event *ev)
{
	const struct nfp_message *m = (const void *)ev;

	return json_pack("{si si si si}", "socket", m->socket, "nlmsg", m->nlmsg_type, "id",
			 m->number, "flags", m->flags);
}

static json_t *fib_json(const struct nfp_event *ev)
{
	const struct nfp_fib *f = (const void *)ev;

	return json_pack("{so so si si si si si si si si ss so}", "src", address(f->family, f->src),
			 "dst", address(f->family, f->dst), "table", f->table, "error", f->error,
			 "iif", f->iif, "oif", f->oif, "proto", f->proto, "result", f->result,
			 "prefix_len", f->prefix_len, "ifindex", f->ifindex, "dev", f->dev, "gw",
			 address(f->gw_family, f->gw));
}

static json_t *skb_json(const struct watch *w, const struct nfp_skb *s)
{
	const char *reason = kernel_drop_reason(w->names, s->reason);
	char where[128] = "";

	if (s->location)
		kernel_symbol(w->names, s->location, where, sizeof(where));
	return json_pack("{sI ss ss ss si si si si so}", "skb", (json_int_t)s->skb, "reason",
			 reason ? reason : "", "location", where, "dev", s->dev, "iif", s->iif,
			 "mark", s->mark, "len", s->len, "protocol", ntohs(s->protocol), "header",
			 hex(s->header, s->header_len));
}

static void on_record(const struct nfp_event *ev, void *arg)
{
	struct watch *w = arg;
	json_t *line;

	if (ev->type == NFP_MESSAGE)
		line = message_json(ev);
	else if (ev->type == NFP_FIB4 || ev->type == NFP_FIB6)
		line = fib_json(ev);
	else
		line = skb_json(w, (const void *)ev);
	json_object_set_new(line, "type", json_string(type_names[ev->type]));
	json_object_set_new(line, "cpu", json_integer(ev->cpu));
	json_object_set_new(line, "pid", json_integer(ev->pid));
	json_object_set_new(line, "ktime", json_integer(ev->ktime));
	json_object_set_new(line, "netns", json_integer(ev->netns));
	print(line);
}

static bool add_table(struct watched *ns)
{
	nft_ctx_buffer_error(ns->nft);
	ns->plain = nft_run_cmd_from_buffer(ns->nft, owned_table);
	nft_ctx_unbuffer_error(ns->nft);
	return (!ns->plain || !nft_run_cmd_from_buffer(ns->nft, plain_table)) &&
	       !nft_run_cmd_from_buffer(ns->nft, chains);
}

static void watch_ns(struct watch *w, const char *name, bool registered)
{
	struct watched *ns = &w->ns[w->n++];
	char path[256];
	int fd, token;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	token = fd < 0 ? -1 : netns_enter(fd);
	if (token < 0)
		die(path);
	ns->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	ns->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!ns->nft || !add_table(ns) || !ns->nl ||
	    mnl_socket_bind(ns->nl, 0, MNL_SOCKET_AUTOPID))
		die("trace table or socket");
	if (setsockopt(mnl_socket_get_fd(ns->nl), SOL_SOCKET, SO_RCVBUFFORCE, &w->rcvbuf,
		       sizeof(w->rcvbuf)))
		die("SO_RCVBUFFORCE");
	netns_leave(token);
	close(fd);
	ns->index = registered ? raw_tp_add_socket(w->rt, mnl_socket_get_fd(ns->nl)) : -1;
	if (registered && ns->index < 0)
		die("raw_tp_add_socket");
}

static void join(const struct watched *ns)
{
	int group = NFNLGRP_NFTRACE;

	if (mnl_socket_setsockopt(ns->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		die("join");
}

static int on_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;

	if (mnl_attr_get_type(attr) <= NFTA_TRACE_MAX)
		tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void read_datagrams(const struct watched *ns, unsigned int number)
{
	char buf[16384];
	const struct nlmsghdr *nlh = (const void *)buf;
	ssize_t n;

	for (;;) {
		const struct nlattr *tb[NFTA_TRACE_MAX + 1] = {};

		n = mnl_socket_recvfrom(ns->nl, buf, sizeof(buf));
		if (n < 0 && errno == ENOBUFS) {
			print(json_pack("{ss si}", "type", "ENOBUFS", "ns", number));
			continue;
		}
		if (n < 0)
			return;
		if (!mnl_nlmsg_ok(nlh, n) ||
		    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_attr, tb) < 0)
			continue;
		print(json_pack(
			"{ss si si si si ss ss}", "type", "datagram", "ns", number, "socket",
			ns->index, "nlmsg", nlh->nlmsg_type, "id",
			tb[NFTA_TRACE_ID] ? ntohl(mnl_attr_get_u32(tb[NFTA_TRACE_ID])) : 0, "table",
			tb[NFTA_TRACE_TABLE] ? mnl_attr_get_str(tb[NFTA_TRACE_TABLE]) : "", "chain",
			tb[NFTA_TRACE_CHAIN] ? mnl_attr_get_str(tb[NFTA_TRACE_CHAIN]) : ""));
	}
}

static void drain(struct watch *w)
{
	unsigned int i;
	int n;

	for (i = 0; i < w->n; i++)
		read_datagrams(&w->ns[i], i);
	do {
		n = raw_tp_poll(w->rt, on_record, w);
	} while (n == RAW_TP_POLL_MAX);
	if (n < 0)
		die("raw_tp_poll");
}

static void run(struct watch *w)
{
	struct pollfd p[MAX_NS + 2] = {{.fd = 0, .events = POLLIN},
				       {.fd = raw_tp_fd(w->rt), .events = POLLIN}};
	char c[16];
	unsigned int i;

	for (i = 0; i < w->n; i++)
		p[i + 2] = (struct pollfd){.fd = mnl_socket_get_fd(w->ns[i].nl), .events = POLLIN};
	for (;;) {
		if (poll(p, w->n + 2, -1) < 0)
			die("poll");
		drain(w);
		fflush(stdout);
		if (p[0].revents && read(0, c, sizeof(c)) <= 0)
			return;
	}
}

static void finish(struct watch *w)
{
	uint64_t lost[NFP_RAW_TYPES];
	json_t *line, *by_type = json_object();
	unsigned int i;

	usleep(20000);
	raw_tp_gate(w->rt, false);
	drain(w);
	line = json_pack("{ss sI so}", "type", "lost", "sum", (json_int_t)raw_tp_lost(w->rt, lost),
			 "by_type", by_type);
	for (i = 0; i < NFP_RAW_TYPES; i++)
		json_object_set_new(by_type, type_names[i], json_integer(lost[i]));
	print(line);
	for (i = 0; i < w->n; i++) {
		if (w->ns[i].index >= 0 &&
		    raw_tp_remove_socket(w->rt, mnl_socket_get_fd(w->ns[i].nl)))
			die("raw_tp_remove_socket");
		if (w->ns[i].plain && nft_run_cmd_from_buffer(w->ns[i].nft, delete_table))
			die("delete table");
		mnl_socket_close(w->ns[i].nl);
		nft_ctx_free(w->ns[i].nft);
	}
	raw_tp_close(w->rt);
	kernel_names_free(w->names);
}

int main(int argc, char **argv)
{
	struct watch w = {.names = kernel_names_open(), .rcvbuf = 32 << 20};
	const struct raw_tp_part *parts;
	bool registered = true;
	struct error err = {};
	int i;

	if (!w.names || raw_tp_open(&w.rt, NULL, &err)) {
		print(json_pack("{ss ss}", "type", "refused", "why", err.text));
		kernel_names_free(w.names);
		return 3;
	}
	parts = raw_tp_parts(w.rt);
	for (i = 0; i < NFP_RAW_TYPES; i++)
		print(json_pack("{ss ss sb ss}", "type", "part", "name", type_names[i], "available",
				parts[i].available, "why", parts[i].why));
	for (i = 1; i < argc && w.n < MAX_NS; i++) {
		if (!strcmp(argv[i], "-u"))
			registered = false;
		else if (!strcmp(argv[i], "-b") && i + 1 < argc)
			w.rcvbuf = atoi(argv[++i]);
		else
			watch_ns(&w, argv[i], registered);
	}
	raw_tp_gate(w.rt, true);
	for (i = 0; i < (int)w.n; i++)
		join(&w.ns[i]);
	print(json_pack("{ss}", "type", "ready"));
	fflush(stdout);
	run(&w);
	finish(&w);
	return 0;
}
