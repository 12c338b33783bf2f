// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cmd.h"
#include "src/fib_bpf.h"
#include "src/filter.h"
#include "src/opt.h"
#include "src/route_audit.h"
#include "src/route_report.h"
#include "src/tos.h"


static const char *const color_choices[] = {"auto", "always", "never", NULL};

struct check_options {
	struct filter filter; /* its values, not its meaning: addresses are single ones */
	const char *netns;
	uint64_t uid;
	uint8_t tos;
	bool json, verbose, audit;
	int color;
};

static int opt_from(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct check_options *)o)->filter.src, "--from", arg, err);
}

static int opt_to(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct check_options *)o)->filter.dst, "--to", arg, err);
}

static int opt_iif(void *o, const char *arg, struct error *err)
{
	return filter_ifname(((struct check_options *)o)->filter.iif, "--iif", arg, err);
}

static int opt_oif(void *o, const char *arg, struct error *err)
{
	return filter_ifname(((struct check_options *)o)->filter.oif, "--oif", arg, err);
}

static int opt_mark(void *o, const char *arg, struct error *err)
{
	if (strchr(arg, '/'))
		return fail(err, -EINVAL,
			    "--mark: '%s' has a mask; give the mark that the packet has, like 0x10",
			    arg);
	return filter_mark(&((struct check_options *)o)->filter, arg, err);
}

static int opt_tos(void *o, const char *arg, struct error *err)
{
	return tos_parse(arg, NULL, &((struct check_options *)o)->tos, err);
}

static int opt_proto(void *o, const char *arg, struct error *err)
{
	return filter_proto(&((struct check_options *)o)->filter, arg, err);
}

static int opt_sport(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct check_options *)o)->filter.sport, "--sport", arg, err);
}

static int opt_dport(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct check_options *)o)->filter.dport, "--dport", arg, err);
}

static const struct opt_row rows[] = {
	OPT_CALL("from", 0, "ADDR", "Packet", "source address", opt_from),
	OPT_CALL("to", 0, "ADDR", "Packet", "destination address", opt_to),
	OPT_CALL("iif", 'i', "DEV", "Packet",
		 "device by which it arrives; without: it is sent here", opt_iif),
	OPT_CALL("oif", 'o', "DEV", "Packet", "device that the sender is bound to", opt_oif),
	OPT_CALL("mark", 0, "V", "Packet", "its mark", opt_mark),
	OPT_CALL("tos", 0, "TOS", "Packet", "its TOS byte: 16, 0x10 or lowdelay", opt_tos),
	OPT_CALL("proto", 'p', "PROTO", "Packet", "tcp, udp, icmp, icmp6, … or a number",
		 opt_proto),
	OPT_CALL("sport", 'S', "PORT", "Packet", "source port", opt_sport),
	OPT_CALL("dport", 'D', "PORT", "Packet", "destination port", opt_dport),
	OPT_UINT("uid", 0, "UID", "Packet", "user who sends it", struct check_options, uid, 0,
		 UINT32_MAX - 1),
	OPT_STRING("netns", 0, "NS", "Packet", "network namespace: NAME, PID, PATH or self",
		   struct check_options, netns),
	OPT_FLAG("audit", 0, "Instead of a packet",
		 "look the namespace over: sources that rp_filter drops, or "
		 "that are answered elsewhere", struct check_options,
		 audit),
	OPT_FLAG("json", 0, "Output", "one JSON object", struct check_options, json),
	OPT_CHOICE("color", 0, "Output", "colour; auto: on a terminal, unless NO_COLOR is set",
		   struct check_options, color, color_choices),
	OPT_FLAG("verbose", 'v', "Output", "every policy rule, also where there are many",
		 struct check_options, verbose),
	OPT_END,
};

static const struct opt_command command = {
	.name = "route-check",
	.usage = "--from ADDR --to ADDR [--iif DEV | --oif DEV] [OPTIONS] | --audit [OPTIONS]",
	.summary = "What routing does with one packet: the policy rule, the table, the route, "
		   "rp_filter, and why.",
	.rows = rows,
	.notes = "With --iif the packet arrives there, else this host sends it.\n"
		 "Exit status 0: it passes, 10: it is dropped, or --audit found what drops.\n",
};

static int check_addr(const struct filter_addr *a, const char *opt, struct error *err)
{
	if (a->set && a->plen != (a->family == AF_INET ? 32 : 128))
		return fail(err, -EINVAL, "%s: a network is not accepted; give one address", opt);
	return 0;
}

static int check_port(const struct filter_ports *p, const char *opt, struct error *err)
{
	if (p->set && p->lo != p->hi)
		return fail(err, -EINVAL, "%s: '%u-%u' is not accepted; give one port", opt, p->lo,
			    p->hi);
	return 0;
}

static int check(const struct check_options *o, struct error *err)
{
	const struct filter *f = &o->filter;
	int rc;

	if (o->audit && (f->src.set || f->dst.set || f->iif[0] || f->oif[0]))
		return fail(err, -EINVAL,
			    "--audit looks at all packets; give no --from, --to, --iif and --oif");
	if (o->audit)
		return 0;
	if (!f->dst.set)
		return fail(err, -EINVAL, "--to is missing; give the destination of the packet");
	if (f->iif[0] && !f->src.set)
		return fail(err, -EINVAL,
			    "--from is missing; a packet that arrives by %s has a source", f->iif);
	if (f->iif[0] && f->oif[0])
		return fail(err, -EINVAL,
			    "--iif %s and --oif %s: a packet arrives or is sent; give one of the "
			    "two",
			    f->iif, f->oif);
	rc = check_addr(&f->src, "--from", err);
	if (!rc)
		rc = check_addr(&f->dst, "--to", err);
	if (!rc)
		rc = check_port(&f->sport, "--sport", err);
	if (!rc)
		rc = check_port(&f->dport, "--dport", err);
	if (!rc && f->src.set && f->src.family != f->dst.family)
		return fail(err, -EINVAL,
			    "--from and --to: one is IPv4 and the other IPv6; give two "
			    "addresses of one family");
	return rc ? rc : filter_check(f, err);
}

static struct route_flow make_flow(const struct check_options *o)
{
	struct route_flow flow = {.family = o->filter.dst.family,
				  .has_src = o->filter.src.set,
				  .mark = o->filter.mark,
				  .uid = o->uid,
				  .tos = o->tos,
				  .proto = o->filter.proto,
				  .sport = o->filter.sport.lo,
				  .dport = o->filter.dport.lo};

	memcpy(flow.dst, o->filter.dst.addr, ROUTE_ADDR);
	memcpy(flow.src, o->filter.src.addr, ROUTE_ADDR);
	return flow;
}

static int print(const struct check_options *o, struct route_report *r)
{
	struct error err = {0};
	int rc;

	r->color = !o->json && cmd_color(o->color);
	r->verbose = o->verbose;
	rc = o->json ? route_json(r, stdout) : route_text(r, stdout);
	if (cmd_written(rc))
		return EXIT_FAILED;
	if (r->decision.verdict == ROUTE_UNDECIDED) {
		fail(&err, 0, "undecided: %s", r->decision.sentence);
		return complain(EXIT_FAILED, &err);
	}
	return r->decision.verdict == ROUTE_PASS ? EXIT_OK : EXIT_DROP;
}

static int run(const struct check_options *o)
{
	struct route_report r = {.flow = make_flow(o)};
	struct fib_reader *reader = NULL;
	struct netns_set set = {0};
	struct error err = {0};
	int rc, status;

	rc = netns_add(&set, o->netns ? o->netns : "self", &err);
	if (!rc && o->audit) {
		status = route_audit_run(&set.v[0], o->json);
		netns_set_free(&set);
		return status;
	}
	if (!rc) {
		r.netns = &set.v[0];
		r.reader = reader = fib_bpf_new(set.v[0].fd);
		memcpy(r.iif, o->filter.iif, ROUTE_NAME);
		memcpy(r.oif, o->filter.oif, ROUTE_NAME);
		rc = route_report_fill(&r, &err);
	}
	status = rc ? complain(exit_status(rc), &err) : print(o, &r);
	route_report_clear(&r);
	fib_bpf_free(reader);
	netns_set_free(&set);
	return status;
}

static int route_check_main(int argc, char **argv)
{
	struct check_options o = {0};
	struct opt_rest rest;
	struct error err = {0};
	int rc = opt_parse(&command, argc, argv, &o, &rest, &err);

	if (rc == 1) {
		opt_help(&command, stdout);
		return EXIT_OK;
	}
	if (!rc && o.netns && !strcmp(o.netns, "all"))
		rc = fail(
			&err, -EINVAL,
			"--netns: 'all' is not accepted; a packet is routed in one namespace: give "
			"NAME, PID, PATH or self");
	if (!rc)
		rc = check(&o, &err);
	if (rc)
		return complain(exit_status(rc), &err);
	signal(SIGPIPE, SIG_IGN);
	return run(&o);
}

const struct cmd cmd_route_check = {
	.name = "route-check",
	.summary = "what routing and rp_filter do with one packet, and why",
	.run = route_check_main,
};
