// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/filter.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "src/packet.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A number that is all of the len characters at s, no greater than max. strtoul() would take " 5",
 * "-1" and "+1". */
static bool decimal(const char *s, size_t len, unsigned long max, unsigned long *n)
{
	*n = 0;
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*n = *n * 10 + (s[i] - '0');
		if (*n > max)
			return false;
	}
	return true;
}

static void mask_addr(uint8_t *addr, unsigned int plen)
{
	for (unsigned int i = 0; i < ADDR_MAX; i++) {
		unsigned int bits = plen > i * 8 ? plen - i * 8 : 0;

		if (bits < 8)
			addr[i] &= 0xff00 >> bits;
	}
}

int filter_addr(struct filter_addr *a, const char *opt, const char *arg, struct error *err)
{
	const char *slash = strchr(arg, '/');
	size_t len = slash ? (size_t)(slash - arg) : strlen(arg);
	char addr[INET6_ADDRSTRLEN] = "";
	unsigned long plen;

	*a = (struct filter_addr){0};
	if (len < sizeof(addr))
		memcpy(addr, arg, len);
	if (inet_pton(AF_INET, addr, a->addr) == 1)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, addr, a->addr) == 1)
		a->family = AF_INET6;
	else
		return fail(
			err, -EINVAL,
			"%s: '%s' is not an address; give an IPv4 or IPv6 address or network like "
			"10.0.0.1, 10.0.0.0/8 or 2001:db8::/32",
			opt, arg);
	plen = a->family == AF_INET ? 32 : 128;
	if (slash && !decimal(slash + 1, strlen(slash + 1), plen, &plen))
		return fail(
			err, -EINVAL,
			"%s: '%s' has no valid prefix length; give one from 0 to %d, like %s/%d",
			opt, arg, a->family == AF_INET ? 32 : 128, addr,
			a->family == AF_INET ? 24 : 64);
	a->plen = plen;
	mask_addr(a->addr, plen);
	a->set = true;
	return 0;
}

static int fail_port(const char *opt, const char *arg, struct error *err)
{
	return fail(err, -EINVAL,
		    "%s: '%s' is not a port; give a number from 0 to 65535, a range like "
		    "8000-8080, or a "
		    "service name",
		    opt, arg);
}

int filter_ports(struct filter_ports *p, const char *opt, const char *arg, struct error *err)
{
	size_t len = strcspn(arg, "-:");
	unsigned long lo, hi;
	struct servent *s;

	*p = (struct filter_ports){0};
	if (decimal(arg, len, UINT16_MAX, &lo)) {
		hi = lo;
		if (arg[len] && !decimal(arg + len + 1, strlen(arg + len + 1), UINT16_MAX, &hi))
			return fail_port(opt, arg, err);
	} else {
		/* No service has a name without a letter (RFC 6335), and a resolver need not be
		 * asked for "99999". */
		s = arg[strcspn(arg, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
			    ? getservbyname(arg, NULL)
			    : NULL;
		if (!s)
			return fail_port(opt, arg, err);
		lo = hi = ntohs(s->s_port);
	}
	if (lo > hi)
		return fail(err, -EINVAL,
			    "%s: '%s' runs backwards; give the lower port first: %lu-%lu", opt, arg,
			    hi, lo);
	*p = (struct filter_ports){.set = true, .lo = lo, .hi = hi};
	return 0;
}

static bool find_proto(const char *name, uint8_t *proto)
{
	struct protoent *e;

	for (unsigned int i = 0; i < 256; i++) {
		if (proto_name(i) && !strcasecmp(proto_name(i), name)) {
			*proto = i;
			return true;
		}
	}
	if (!strcasecmp(name, "icmp6")) {
		*proto = IPPROTO_ICMPV6;
		return true;
	}
	e = getprotobyname(name);
	if (!e || e->p_proto < 0 || e->p_proto > 255)
		return false;
	*proto = e->p_proto;
	return true;
}

int filter_proto(struct filter *f, const char *arg, struct error *err)
{
	unsigned long n;

	if (decimal(arg, strlen(arg), 255, &n))
		f->proto = n;
	else if (!find_proto(arg, &f->proto))
		return fail(err, -EINVAL,
			    "--proto: '%s' is not a protocol; give a name like tcp, udp, icmp or "
			    "icmp6, or "
			    "a number from 0 to 255",
			    arg);
	f->has_proto = true;
	return 0;
}

/* As the kernel's dev_valid_name(). The interface itself may come and go. */
int filter_ifname(char *name, const char *opt, const char *arg, struct error *err)
{
	bool valid = *arg && strlen(arg) < IFNAME_MAX && strcmp(arg, ".") && strcmp(arg, "..");

	for (const char *c = arg; valid && *c; c++)
		valid = *c != '/' && *c != ':' && !isspace((unsigned char)*c);
	if (!valid)
		return fail(err, -EINVAL,
			    "%s: '%s' is not an interface name; give 1 to %d characters without "
			    "'/', ':' "
			    "and blanks, as `ip link` shows them",
			    opt, arg, IFNAME_MAX - 1);
	memcpy(name, arg, strlen(arg) + 1);
	return 0;
}

/* A 32-bit number, decimal, 0x or octal, that ends at `end`. */
static bool number32(const char *s, char end, uint32_t *n, const char **rest)
{
	unsigned long long v;
	char *stop;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &stop, 0);
	if (errno || v > UINT32_MAX || (*stop && *stop != end))
		return false;
	*n = v;
	*rest = stop;
	return true;
}

int filter_mark(struct filter *f, const char *arg, struct error *err)
{
	uint32_t mark, mask = UINT32_MAX;
	const char *rest;

	if (!number32(arg, '/', &mark, &rest) ||
	    (*rest && (!number32(rest + 1, '\0', &mask, &rest))))
		return fail(err, -EINVAL,
			    "--mark: '%s' is not a mark; give VALUE or VALUE/MASK of 32 bits, like "
			    "0x4000 "
			    "or 0x4000/0x4000",
			    arg);
	if (mark & ~mask)
		return fail(err, -EINVAL,
			    "--mark: '%s' never matches: the value has bits outside its mask; give "
			    "a mask "
			    "that covers 0x%x",
			    arg, mark);
	f->mark = mark;
	f->mark_mask = mask;
	f->has_mark = true;
	return 0;
}

/* The flags that a word of len characters names: a name, or letters as the text output writes them
 * ("SA", "S."). */
static uint8_t tcp_flag_word(const char *s, size_t len)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
	static const char letters[] = "FSRPAUEW";
	uint8_t flags = 0;

	for (unsigned int i = 0; i < COUNT(names); i++)
		if (len == 3 && !strncasecmp(s, names[i], 3))
			return 1 << i;
	for (size_t i = 0; i < len; i++) {
		const char *l = strchr(letters, s[i] == '.' ? 'A' : toupper((unsigned char)s[i]));

		if (!l || !*l)
			return 0;
		flags |= 1 << (l - letters);
	}
	return flags;
}

int filter_tcp_flags(struct filter *f, const char *arg, struct error *err)
{
	uint8_t set = 0, unset = 0, flags;
	const char *s = arg;
	size_t len;
	bool negated;

	for (;; s += len + 1) {
		negated = *s == '!';
		s += negated;
		len = strcspn(s, ",");
		flags = tcp_flag_word(s, len);
		if (!flags)
			return fail(
				err, -EINVAL,
				"--tcp-flags: '%s' does not name TCP flags; give fin, syn, rst, "
				"psh, "
				"ack, urg, ece, cwr or letters of FSRPAUEW, with ! for not set: "
				"syn,!ack",
				arg);
		if (negated)
			unset |= flags;
		else
			set |= flags;
		if (!s[len])
			break;
	}
	if (set & unset)
		return fail(err, -EINVAL,
			    "--tcp-flags: '%s' wants a flag both set and not set; give it once",
			    arg);
	f->tcp_flags = set;
	f->tcp_mask = set | unset;
	f->has_tcp_flags = true;
	return 0;
}

static int check_families(const struct filter *f, struct error *err)
{
	const struct {
		const char *opt;
		const struct filter_addr *a;
	} parts[] = {{"--src", &f->src}, {"--dst", &f->dst}, {"--addr", &f->either}};
	const char *first = NULL;
	uint8_t family = 0;

	for (unsigned int i = 0; i < COUNT(parts); i++) {
		if (!parts[i].a->set)
			continue;
		if (first && family != parts[i].a->family)
			return fail(err, -EINVAL,
				    "%s is IPv%d and %s is IPv%d: no packet is both; give "
				    "addresses of one "
				    "family",
				    first, family == AF_INET ? 4 : 6, parts[i].opt,
				    family == AF_INET ? 6 : 4);
		first = parts[i].opt;
		family = parts[i].a->family;
	}
	if (f->has_proto && ((family == AF_INET6 && f->proto == IPPROTO_ICMP) ||
			     (family == AF_INET && f->proto == IPPROTO_ICMPV6)))
		return fail(err, -EINVAL,
			    "%s is IPv%d, and --proto %s is not carried in it; give --proto %s",
			    first, family == AF_INET ? 4 : 6, proto_name(f->proto),
			    family == AF_INET ? "icmp" : "icmp6");
	return 0;
}

int filter_check(const struct filter *f, struct error *err)
{
	const char *port = f->sport.set	  ? "--sport"
			   : f->dport.set ? "--dport"
			   : f->port.set  ? "--port"
					  : NULL;
	char number[16];
	const char *name = proto_name(f->proto);

	snprintf(number, sizeof(number), "%u", f->proto);
	if (f->has_proto && port && !proto_has_ports(f->proto))
		return fail(err, -EINVAL,
			    "%s: packets of --proto %s have no ports; give tcp, udp, udplite, sctp "
			    "or dccp, "
			    "or leave one of the two out",
			    port, name ? name : number);
	if (f->has_tcp_flags && f->has_proto && f->proto != IPPROTO_TCP)
		return fail(err, -EINVAL,
			    "--tcp-flags: packets of --proto %s have none; give --proto tcp or "
			    "leave one of "
			    "the two out",
			    name ? name : number);
	return check_families(f, err);
}

static bool match_addr(const struct filter_addr *a, const struct packet *p,
		       const struct endpoint *e)
{
	unsigned int whole = a->plen / 8, bits = a->plen % 8;

	if (!p->has_addrs || p->family != a->family || memcmp(a->addr, e->addr, whole))
		return false;
	return !bits || !((a->addr[whole] ^ e->addr[whole]) & (0xff00 >> bits & 0xff));
}

static bool match_port(const struct filter_ports *f, const struct packet *p, uint16_t port)
{
	return p->has_ports && port >= f->lo && port <= f->hi;
}

static bool match_addrs(const struct filter *f, const struct packet *p)
{
	if (f->src.set && !match_addr(&f->src, p, &p->src))
		return false;
	if (f->dst.set && !match_addr(&f->dst, p, &p->dst))
		return false;
	return !f->either.set || match_addr(&f->either, p, &p->src) ||
	       match_addr(&f->either, p, &p->dst);
}

static bool match_ports(const struct filter *f, const struct packet *p)
{
	if (f->sport.set && !match_port(&f->sport, p, p->src.port))
		return false;
	if (f->dport.set && !match_port(&f->dport, p, p->dst.port))
		return false;
	return !f->port.set || match_port(&f->port, p, p->src.port) ||
	       match_port(&f->port, p, p->dst.port);
}

struct filter filter_mirror(const struct filter *f)
{
	struct filter m = *f;

	m.src = f->dst;
	m.dst = f->src;
	m.sport = f->dport;
	m.dport = f->sport;
	memcpy(m.iif, f->oif, sizeof(m.iif));
	memcpy(m.oif, f->iif, sizeof(m.oif));
	if (f->has_tcp_flags) {
		m.has_proto = true;
		m.proto = IPPROTO_TCP;
	}
	m.has_mark = m.has_tcp_flags = m.conn = false;
	return m;
}

static bool match_outer(const struct filter *f, const struct packet *p)
{
	if (f->has_mark && (p->mark & f->mark_mask) != f->mark)
		return false;
	if (f->iif[0] && strcmp(f->iif, p->iif))
		return false;
	if (f->oif[0] && p->oif[0] && strcmp(f->oif, p->oif))
		return false;
	return match_addrs(f, p);
}

static bool match(const struct filter *f, const struct packet *p)
{
	if (f->has_proto && (!p->family || p->proto != f->proto))
		return false;
	if (f->has_tcp_flags && (!p->has_tcp || (p->tcp_flags & f->tcp_mask) != f->tcp_flags))
		return false;
	return match_ports(f, p) && match_outer(f, p);
}

static bool match_reply(const struct filter *f, const struct packet *p,
			bool (*by)(const struct filter *f, const struct packet *p))
{
	struct filter m;

	if (!f->conn)
		return false;
	m = filter_mirror(f);
	return by(&m, p);
}

bool filter_match_outer(const struct filter *f, const struct packet *p)
{
	return match_outer(f, p) || match_reply(f, p, match_outer);
}

bool filter_match(const struct filter *f, const struct packet *p)
{
	return match(f, p) || match_reply(f, p, match);
}

static bool leaves_by(const struct filter *f, const struct packet *p)
{
	return !*f->oif || !strcmp(f->oif, p->oif);
}

/* Which of the two it is decides which device is asked for. */
static bool is_reply(const struct filter *f, const struct packet *p)
{
	return leaves_by(f, p) && match(f, p);
}

bool filter_match_end(const struct filter *f, const struct packet *p)
{
	return leaves_by(f, p) || match_reply(f, p, is_reply);
}
