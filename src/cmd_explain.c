// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cmd.h"
#include "src/explain_host.h"
#include "src/explain_load.h"
#include "src/explain_view.h"
#include "src/fd.h"
#include "src/map_bpf.h"
#include "src/netns.h"
#include "src/opt.h"

struct explain_options {
	bool json;
	const char *ruleset, *netns;
};

static const struct opt_row rows[] = {
	OPT_STRING("ruleset", 0, "FILE", "Rules",
		   "of a file: iptables-save, ip6tables-save, nft list ruleset; also gzip",
		   struct explain_options, ruleset),
	OPT_STRING("netns", 0, "NAME|PID|PATH", "Rules", "of this network namespace",
		   struct explain_options, netns),
	OPT_FLAG("json", 0, "Output", "one JSON object", struct explain_options, json),
	OPT_END,
};

static const struct opt_command command = {
	.name = "explain",
	.usage = "[OPTIONS] [ADDR:PORT[/PROTO] | NS/SERVICE[:PORT] | CHAIN]",
	.summary = "What the rules mean that kube-proxy, Docker and others write. Without an "
		   "argument: who "
		   "made which\ntables, and which services are published.",
	.rows = rows,
	.notes = "ADDR:PORT tells hook by hook what becomes of a packet that opens a connection to "
		 "it; IPv6 "
		 "is\nwritten [ADDR]:PORT, PROTO is tcp unless it is given.\n",
	.max_args = 1,
};

/* --- the argument --- */

static bool parse_proto(const char *text, uint8_t *proto)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {{"tcp", IPPROTO_TCP},
		     {"udp", IPPROTO_UDP},
		     {"sctp", IPPROTO_SCTP},
		     {"dccp", IPPROTO_DCCP}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i].name)) {
			*proto = names[i].number;
			return true;
		}
	return false;
}

/* 0: it is none; 1: it is one; -EINVAL: it looks like one. */
static int parse_addr(struct ask *a, const char *text, struct error *err)
{
	char copy[256], *host = copy, *port, *proto, *end;
	unsigned long number;

	if (strlen(text) >= sizeof(copy))
		return 0;
	strcpy(copy, text);
	proto = strrchr(copy, '/');
	if (*copy == '[') {
		host = copy + 1;
		end = strchr(host, ']');
		if (!end)
			return fail(err, -EINVAL, "'%s': the ']' behind the address is missing",
				    text);
		*end = 0;
		port = end[1] == ':' ? end + 1 : NULL;
	} else {
		port = strchr(copy, ':');
	}
	if (proto)
		*proto++ = 0;
	if (port)
		*port++ = 0;
	a->family = NFPROTO_IPV4;
	if (inet_pton(AF_INET, host, a->addr) != 1) {
		a->family = NFPROTO_IPV6;
		if (inet_pton(AF_INET6, host, a->addr) != 1)
			return *copy == '[' ? fail(err, -EINVAL, "'%s': '%s' is no IPv6 address",
						   text, host)
					    : 0;
	}
	a->kind = ASK_ADDR;
	number = port ? strtoul(port, &end, 10) : 0;
	if (!port || *end || !number || number > UINT16_MAX)
		return fail(err, -EINVAL,
			    "'%s': a port from 1 to 65535 must follow the address, as in %s", text,
			    a->family == NFPROTO_IPV6 ? "[2001:db8::1]:80" : "10.96.0.1:443");
	a->port = number;
	a->proto = IPPROTO_TCP;
	if (proto && !parse_proto(proto, &a->proto))
		return fail(err, -EINVAL, "'%s': the protocol is tcp, udp, sctp or dccp, not '%s'",
			    text, proto);
	return 1;
}

static bool chain_exists(const struct explain *x, const char *name)
{
	for (size_t i = 0; i < x->facts->n_chains; i++)
		if (!strcmp(x->facts->chains[i].rs->name, name))
			return true;
	return false;
}

static bool goes_through(const struct explain_service *s, const char *chain)
{
	for (unsigned int i = 0; i < s->n_chains; i++)
		if (!strcmp(s->chains[i]->rs->name, chain))
			return true;
	return false;
}

/* "ns/svc" is every port of it, "ns/svc:port" the port of that name. */
static bool is_named(const struct explain_service *s, const char *name)
{
	size_t len = strlen(name);

	return s->name && !strncmp(s->name, name, len) &&
	       (!s->name[len] || (s->name[len] == ':' && !strchr(name, ':')));
}

/* "ns/svc:80": a port by its number. */
static bool is_named_by_port(const struct explain_service *s, const char *name)
{
	const char *colon = strrchr(name, ':');
	size_t len = colon ? (size_t)(colon - name) : 0;
	char *end = NULL;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

	return colon && end != colon + 1 && !*end && s->port == port && s->name &&
	       !strncmp(s->name, name, len) && (s->name[len] == ':' || !s->name[len]);
}

static bool wanted(const struct explain_view *v, const struct explain_service *s)
{
	const struct ask *a = &v->ask;
	size_t from = s->number;

	switch (a->kind) {
	case ASK_MAP:
		return true;
	case ASK_ADDR:
		return explain_find(v->x, &from, a->family, a->addr, a->proto, a->port) == s;
	case ASK_CHAIN:
		return goes_through(s, a->text);
	case ASK_SERVICE:
		return is_named(s, a->text) || is_named_by_port(s, a->text);
	}
	return false;
}

static int select_services(struct explain_view *v, struct error *err)
{
	v->services = calloc(v->x->n_services + 1, sizeof(*v->services));
	if (!v->services)
		return fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < v->x->n_services; i++)
		if (wanted(v, v->x->services[i]))
			v->services[v->n_services++] = v->x->services[i];
	if (!v->n_services && v->ask.kind == ASK_SERVICE)
		return fail(err, -ENOENT,
			    "'%s' is neither ADDR:PORT nor the name of a chain or a service here; "
			    "`nfpath explain` "
			    "lists the services",
			    v->ask.text);
	return 0;
}

/* --- the rules --- */

/* Who reads many maps out of the kernel's memory. NFPATH_MAPS, for tests, says that nobody does, or
 * that few are read so, too. */
static int open_maps(int netns_fd, struct map_reader **maps, struct error *err)
{
	const char *by = getenv("NFPATH_MAPS");

	if (by && !strcmp(by, "netlink"))
		return 0;
	if (by && strcmp(by, "bpf"))
		return fail(err, -EINVAL, "NFPATH_MAPS: '%s' is neither bpf nor netlink", by);
	*maps = map_bpf_new(netns_fd);
	if (*maps && by)
		(*maps)->worth = 1;
	return *maps ? 0 : fail(err, -ENOMEM, "out of memory");
}

static int read_facts(int netns_fd, struct facts **out, struct error *err)
{
	struct map_reader *maps = NULL;
	struct nf_source *s = NULL;
	int rc = open_maps(netns_fd, &maps, err);

	if (!rc && !(s = nf_source_open(netns_fd, err)))
		rc = err->rc;
	if (!rc && !(*out = facts_read(s, maps, err)))
		rc = err->rc;
	nf_source_close(s);
	map_bpf_free(maps);
	return rc;
}

static int open_netns(const struct explain_options *o, struct netns_set *set, struct error *err)
{
	int rc;

	if (o->ruleset && o->netns)
		return fail(err, -EINVAL, "--ruleset '%s' and --netns '%s' exclude each other",
			    o->ruleset, o->netns);
	if (o->netns && !strcmp(o->netns, "all"))
		return fail(err, -EINVAL, "--netns 'all': explain looks at one namespace; name it");
	if (o->ruleset) {
		rc = explain_load(o->ruleset, err);
		if (rc)
			return rc;
	}
	return netns_add(set, o->netns ? o->netns : "self", err);
}

static enum local is_local(void *data, uint8_t family, const uint8_t *addr)
{
	return explain_host_has(data, family, addr) ? LOCAL_YES : LOCAL_NO;
}

static const char *name_of(void *data, uint8_t family, const uint8_t *addr)
{
	return explain_host_name(data, family, addr);
}

static const char *bridge_of(void *data, uint8_t family, const uint8_t *addr)
{
	return explain_host_bridge(data, family, addr);
}

static int answer(struct explain_view *v, const struct explain_options *o, struct error *err)
{
	struct flow_question q = {
		.family = v->ask.family, .proto = v->ask.proto, .port = v->ask.port};
	int rc = 0;

	if (v->ask.kind == ASK_SERVICE && chain_exists(v->x, v->ask.text))
		v->ask.kind = ASK_CHAIN;
	rc = select_services(v, err);
	if (rc)
		return rc;
	if (v->ask.kind == ASK_ADDR) {
		memcpy(q.addr, v->ask.addr, sizeof(q.addr));
		q.is_local = v->host ? is_local : NULL;
		q.data = (void *)v->host;
		v->flow = flow_ask(v->x, &q);
		if (!v->flow)
			return fail(err, -ENOMEM, "out of memory");
	}
	rc = o->json ? explain_json(v, stdout) : explain_text(v, stdout);
	return rc && rc != -EPIPE ? fail(err, rc, "cannot write the results: %s", strerror(-rc))
				  : 0;
}

static int explain_run(const struct explain_options *o, struct explain_view *v, struct error *err)
{
	struct netns_set set = {0};
	struct explain_host *host = NULL;
	struct facts *facts = NULL;
	int rc = open_netns(o, &set, err);

	if (!rc)
		rc = read_facts(set.v[0].fd, &facts, err);
	if (!rc && !(v->x = explain_open(facts)))
		rc = fail(err, -ENOMEM, "out of memory");
	if (!rc && !o->ruleset) {
		host = explain_host_open(set.v[0].fd);
		v->host = host;
		v->x->name_of = host ? name_of : NULL;
		v->x->bridge_of = host ? bridge_of : NULL;
		v->x->name_data = host;
	}
	if (!rc)
		rc = answer(v, o, err);
	free(v->services);
	explain_close(v->x);
	explain_host_close(host);
	facts_free(facts);
	netns_set_free(&set);
	return rc;
}

static int explain_main(int argc, char **argv)
{
	struct explain_options o = {0};
	struct explain_view v = {0};
	struct opt_rest rest;
	struct error err = {0};
	int rc = opt_parse(&command, argc, argv, &o, &rest, &err);

	if (rc == 1) {
		opt_help(&command, stdout);
		return EXIT_OK;
	}
	if (!rc && rest.n_args) {
		v.ask.text = rest.args[0];
		rc = parse_addr(&v.ask, v.ask.text, &err);
		if (!rc)
			v.ask.kind = ASK_SERVICE;
	}
	signal(SIGPIPE, SIG_IGN); /* `nfpath explain | head` is no failure */
	if (rc >= 0)
		rc = explain_run(&o, &v, &err);
	return rc ? complain(exit_status(rc), &err) : EXIT_OK;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.summary = "what the rules of kube-proxy, Docker and others mean",
	.run = explain_main,
};
