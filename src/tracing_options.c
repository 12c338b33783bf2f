// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/tracing.h"

static const char *const engine_choices[] = {"auto", "bpf", "netlink", NULL};
static const char *const color_choices[] = {"auto", "always", "never", NULL};

const char *tracing_engine(const struct tracing_options *o)
{
	return engine_choices[o->engine];
}

static int opt_src(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct tracing_options *)o)->filter.src, "--src", arg, err);
}

static int opt_dst(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct tracing_options *)o)->filter.dst, "--dst", arg, err);
}

static int opt_addr(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct tracing_options *)o)->filter.either, "--addr", arg, err);
}

static int opt_sport(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct tracing_options *)o)->filter.sport, "--sport", arg, err);
}

static int opt_dport(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct tracing_options *)o)->filter.dport, "--dport", arg, err);
}

static int opt_port(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct tracing_options *)o)->filter.port, "--port", arg, err);
}

static int opt_proto(void *o, const char *arg, struct error *err)
{
	return filter_proto(&((struct tracing_options *)o)->filter, arg, err);
}

static int opt_iif(void *o, const char *arg, struct error *err)
{
	return filter_ifname(((struct tracing_options *)o)->filter.iif, "--iif", arg, err);
}

static int opt_oif(void *o, const char *arg, struct error *err)
{
	return filter_ifname(((struct tracing_options *)o)->filter.oif, "--oif", arg, err);
}

static int opt_mark(void *o, const char *arg, struct error *err)
{
	return filter_mark(&((struct tracing_options *)o)->filter, arg, err);
}

static int opt_tcp_flags(void *o, const char *arg, struct error *err)
{
	return filter_tcp_flags(&((struct tracing_options *)o)->filter, arg, err);
}

// clang-format off
#define FILTER_ROWS \
	OPT_CALL("src", 's', "ADDR[/LEN]", "Filter", "source address or network", opt_src), \
	OPT_CALL("dst", 'd', "ADDR[/LEN]", "Filter", "destination address or network", opt_dst), \
	OPT_CALL("addr", 0, "ADDR[/LEN]", "Filter", "either of them", opt_addr), \
	OPT_CALL("sport", 'S', "PORT[-PORT]", "Filter", "source port or range", opt_sport), \
	OPT_CALL("dport", 'D', "PORT[-PORT]", "Filter", "destination port or range", opt_dport), \
	OPT_CALL("port", 'P', "PORT[-PORT]", "Filter", "either of them", opt_port), \
	OPT_CALL("proto", 'p', "PROTO", "Filter", "tcp, udp, icmp, icmp6, … or a number", \
		 opt_proto), \
	OPT_CALL("iif", 'i', "DEV", "Filter", "device by which it arrives", opt_iif), \
	OPT_CALL("oif", 'o', "DEV", "Filter", "device by which it leaves", opt_oif), \
	OPT_CALL("mark", 0, "V[/MASK]", "Filter", "packet mark where it is first seen", opt_mark), \
	OPT_CALL("tcp-flags", 0, "FLAGS", "Filter", \
		 "TCP flags that are set, or with ! not: syn,!ack", opt_tcp_flags), \
	OPT_FLAG("conn", 0, "Filter", "the replies too", struct tracing_options, filter.conn), \
	OPT_LIST("netns", 0, "NS", "Filter", \
		 "network namespace: NAME, PID, PATH, self or all; may be repeated", \
		 struct tracing_options, netns)

#define END_ROWS \
	OPT_UINT("count", 'n', "N", "Output", "stop after N packets", struct tracing_options, count, \
		 1, UINT32_MAX), \
	OPT_SECONDS("timeout", 0, "SEC", "Output", "stop after SEC seconds", struct tracing_options, \
		    timeout_ns)

#define OUTPUT_ROWS \
	OPT_FLAG("stack", 0, "Output", "with each drop, through which functions it came about", \
		 struct tracing_options, stack), \
	OPT_CHOICE("color", 0, "Output", "colour; auto: on a terminal, unless NO_COLOR is set", \
		   struct tracing_options, color, color_choices), \
	OPT_FLAG("verbose", 'v', "Output", "full rule texts, ends of chains, header details", \
		 struct tracing_options, verbose)

#define ENGINE_ROWS \
	OPT_CHOICE("engine", 0, "Engine", "how the kernel is observed; auto takes what works here", \
		   struct tracing_options, engine, engine_choices)

// clang-format on

static const struct opt_row trace_rows[] = {
	FILTER_ROWS,
	END_ROWS,
	OPT_FLAG("drop-only", 0, "Output", "show dropped packets only", struct tracing_options,
		 drop_only),
	OPT_FLAG("json", 0, "Output", "one JSON object a packet and line", struct tracing_options,
		 json),
	OUTPUT_ROWS,
	ENGINE_ROWS,
	OPT_END,
};

const struct opt_command tracing_trace_options = {
	.name = "trace",
	.usage = "[FILTER] [OPTIONS] [-- COMMAND ARG…]",
	.summary = "The path of each packet: every rule it hit, NAT, the routing decision, the "
		   "verdict, and why.",
	.rows = trace_rows,
	.notes = "A filter matches a packet where it is first seen; it is then followed whatever "
		 "NAT makes of it.\n"
		 "With a COMMAND, only packets of its sockets are traced; its output goes to "
		 "standard error.\n"
		 "Ctrl-C ends the trace.\n",
	.takes_command = true,
};

static const struct opt_row drops_rows[] = {
	FILTER_ROWS,
	END_ROWS,
	OPT_FLAG("summary", 0, "Output", "sums by cause, with rates, instead of each drop",
		 struct tracing_options, summary),
	OPT_FLAG("json", 0, "Output", "one JSON object a drop and line", struct tracing_options,
		 json),
	OUTPUT_ROWS,
	ENGINE_ROWS,
	OPT_END,
};

const struct opt_command tracing_drops_options = {
	.name = "drops",
	.usage = "[FILTER] [OPTIONS] [-- COMMAND ARG…]",
	.summary = "Every packet that is dropped, one line each: by which rule, policy, check or "
		   "lookup, the kernel's reason and where it was.",
	.rows = drops_rows,
	.notes = "Every packet that the filter takes is followed, as nfpath trace does it: on a "
		 "busy "
		 "host, narrow it.\n"
		 "With a COMMAND, only packets of its sockets are looked at; its output goes to "
		 "standard error.\n"
		 "Ctrl-C ends it.\n",
	.takes_command = true,
};

enum { RCVBUF_MAX = 1 << 30 };

/*
 * NFPATH_RAW_TP is a test's knob: "off" as on hosts that refuse raw tracepoints, "drops" as where
 * they do not tell when a message is queued.
 */
static int raw_tp_from_env(enum raw_tp_use *use, struct error *err)
{
	static const char *const words[] = {
		[RAW_TP_ALL] = "all", [RAW_TP_DROPS] = "drops", [RAW_TP_OFF] = "off"};
	const char *s = getenv("NFPATH_RAW_TP");

	*use = RAW_TP_ALL;
	if (!s)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(s, words[i])) {
			*use = i;
			return 0;
		}
	}
	return fail(err, -EINVAL, "NFPATH_RAW_TP: '%s' is none of all, drops, off", s);
}

/* A number from 1 to max; 0: not set. what: of what it is none. */
static int number_from_env(const char *name, unsigned long max, const char *what,
			   unsigned long *number, struct error *err)
{
	const char *s = getenv(name);
	char *end;

	*number = 0;
	if (!s)
		return 0;
	*number = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || !*number || *number > max)
		return fail(err, -EINVAL, "%s: '%s' is no %s from 1 to %lu", name, s, what, max);
	return 0;
}

/* NFPATH_RCVBUF: of each trace socket, or of the records of kernel programs. NFPATH_LOSE is a
 * test's knob: one of so many records gets lost, as where there is no room. */
int tracing_from_env(struct tracing_options *o, struct error *err)
{
	unsigned long rcvbuf = 0, lose = 0;
	int rc = number_from_env("NFPATH_RCVBUF", RCVBUF_MAX, "size of a receive buffer in bytes",
				 &rcvbuf, err);

	if (!rc)
		rc = number_from_env("NFPATH_LOSE", UINT32_MAX, "number of records", &lose, err);
	o->rcvbuf = rcvbuf;
	o->lose_one_of = lose;
	return rc ? rc : raw_tp_from_env(&o->raw_tp, err);
}
