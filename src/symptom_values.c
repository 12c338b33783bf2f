// SPDX-License-Identifier: GPL-2.0-or-later
/* The {values} of a symptom's words, and what is read for them. */
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "route/fixes.h"
#include "src/decision.h"
#include "src/packet.h"
#include "src/symptoms.h"

/* --- read from the namespace --- */

bool symptom_number(const struct finding *f, const char *path, uint64_t *n)
{
	char name[128];
	bool found;
	FILE *file;
	int token;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	token = netns_enter(f->view->ns->fd);
	if (token < 0)
		return false;
	file = fopen(name, "re");
	netns_leave(token);
	if (!file)
		return false;
	found = fscanf(file, "%" SCNu64, n) == 1;
	fclose(file);
	return found;
}

unsigned int symptom_mtu(const struct finding *f, const char *dev)
{
	struct ifreq r = {0};
	int fd, token;

	if (strlen(dev) >= sizeof(r.ifr_name))
		return 0;
	strcpy(r.ifr_name, dev);
	token = netns_enter(f->view->ns->fd);
	if (token < 0)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netns_leave(token);
	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &r))
		r.ifr_mtu = 0;
	if (fd >= 0)
		close(fd);
	return r.ifr_mtu > 0 ? r.ifr_mtu : 0;
}

/* --- values --- */

static bool put(struct bytes_out *b, const char *s)
{
	if (s && *s)
		bytes_str(b, s);
	return s && *s;
}

/* Of a device or a namespace: others chose it, and a next step is for a shell. */
static bool put_name(const struct finding *f, struct bytes_out *b, const char *s)
{
	char quoted[512];

	return s && *s && put(b, f->for_shell ? route_shell_word(s, quoted, sizeof(quoted)) : s);
}

static bool put_endpoint(struct bytes_out *b, uint8_t family, const struct endpoint *e, bool port)
{
	char buf[64];

	return put(b, endpoint_text(buf, sizeof(buf), family, e, port));
}

static bool src(const struct finding *f, struct bytes_out *b)
{
	return f->family && put_endpoint(b, f->family, &f->src, f->has_ports);
}

static bool dst(const struct finding *f, struct bytes_out *b)
{
	return f->family && put_endpoint(b, f->family, &f->dst, f->has_ports);
}

static bool src_addr(const struct finding *f, struct bytes_out *b)
{
	return f->family && put_endpoint(b, f->family, &f->src, false);
}

static bool dst_addr(const struct finding *f, struct bytes_out *b)
{
	return f->family && put_endpoint(b, f->family, &f->dst, false);
}

/* Where it was going when it was first seen. */
static bool first_dst(const struct finding *f, struct bytes_out *b)
{
	const struct packet *k = &f->p->packet;

	return k->family && put_endpoint(b, k->family, &k->dst, k->has_ports);
}

static bool port(const struct finding *f, struct bytes_out *b)
{
	if (f->has_ports)
		bytes_printf(b, "%u", f->dst.port);
	return f->has_ports;
}

static bool proto(const struct finding *f, struct bytes_out *b)
{
	bytes_printf(b, "%u", f->proto);
	return f->family;
}

static bool iif(const struct finding *f, struct bytes_out *b)
{
	const struct path_place *here = path_here(f->p);

	return put_name(f, b, here->iif);
}

static bool oif(const struct finding *f, struct bytes_out *b)
{
	const struct step *route = symptom_last(f, STEP_ROUTE);

	if (route)
		return put_name(f, b, route->route.dev);
	if (f->drop && f->drop->drop.oif)
		return put_name(f, b, f->drop->drop.oif);
	return f->p->alone && put_name(f, b, f->p->packet.oif);
}

static bool len(const struct finding *f, struct bytes_out *b)
{
	bytes_printf(b, "%" PRIu32, f->p->packet.len);
	return f->p->packet.len;
}

static bool ethertype(const struct finding *f, struct bytes_out *b)
{
	bytes_printf(b, "0x%04x", f->p->packet.ethertype);
	return f->p->packet.ethertype;
}

static bool mac(const struct finding *f, struct bytes_out *b)
{
	const uint8_t *m = f->p->packet.ll_dst;

	bytes_printf(b, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return f->p->packet.has_ll;
}

static bool by(const struct finding *f, struct bytes_out *b)
{
	if (f->by)
		decision_name(b, f->by);
	return f->by;
}

static bool bpf(const struct finding *f, struct bytes_out *b)
{
	if (f->by && f->by->type == STEP_HOOK)
		bytes_printf(b, "%" PRIu32, f->by->hookfn.bpf_id);
	return f->by && f->by->type == STEP_HOOK && f->by->hookfn.bpf_id;
}

static bool other(const struct finding *f, struct bytes_out *b)
{
	if (f->other)
		decision_name(b, f->other);
	return f->other;
}

/* Behind "INVALID". */
static bool why(const struct finding *f, struct bytes_out *b)
{
	if (f->other && f->other->type == STEP_CONNTRACK && f->other->ct.why)
		bytes_printf(b, ": %s", f->other->ct.why);
	return f->other;
}

static bool state(const struct finding *f, struct bytes_out *b)
{
	return f->other && f->other->type == STEP_CONNTRACK && put(b, ct_state_name(f->other->ct.state));
}

static bool listener(const struct finding *f, struct bytes_out *b)
{
	return f->listener && put_endpoint(b, f->listener->family, &f->listener->at, true);
}

static bool peer(const struct finding *f, struct bytes_out *b)
{
	return f->listener && put_endpoint(b, f->listener->family, &f->listener->peer, true);
}

static bool device(const struct finding *f, struct bytes_out *b)
{
	char name[NETCONF_NAME_LEN];

	return f->listener && !netconf_ifname(f->view->netconf, f->listener->ifindex, name) &&
	       put_name(f, b, name);
}

static bool where(const struct finding *f, struct bytes_out *b)
{
	return put_name(f, b, f->where);
}

static bool count(const struct finding *f, struct bytes_out *b)
{
	bytes_printf(b, "%" PRIu64, f->count);
	return true;
}

static bool limit(const struct finding *f, struct bytes_out *b)
{
	bytes_printf(b, "%" PRIu64, f->limit);
	return true;
}

static bool twice(const struct finding *f, struct bytes_out *b)
{
	bytes_printf(b, "%" PRIu64, 2 * f->limit);
	return f->limit;
}

static bool awaited(const struct finding *f, struct bytes_out *b)
{
	if (f->awaited)
		bytes_printf(b, "%" PRIu64, f->awaited->path_id);
	return f->awaited;
}

static bool expected(const struct finding *f, struct bytes_out *b)
{
	return f->awaited && put_endpoint(b, f->family, &f->awaited->reply_src, true);
}

static bool expected_addr(const struct finding *f, struct bytes_out *b)
{
	return f->awaited && put_endpoint(b, f->family, &f->awaited->reply_src, false);
}

/* --- a rule that would accept it --- */

static void put_xtables(const struct finding *f, const struct step *s, struct bytes_out *b)
{
	const char *name = proto_name(f->proto);
	char chain[128], table[128];

	bytes_printf(b, "%s-%s -t %s -A %s -p ", s->family == NFPROTO_IPV6 ? "ip6tables" : "iptables",
		     s->backend == BACKEND_IPTABLES_LEGACY ? "legacy" : "nft",
		     route_shell_word(s->rule.table, table, sizeof(table)),
		     route_shell_word(s->rule.chain, chain, sizeof(chain)));
	if (name)
		bytes_str(b, name);
	else
		bytes_printf(b, "%u", f->proto);
	if (f->has_ports)
		bytes_printf(b, " --dport %u", f->dst.port);
	bytes_str(b, " -j ACCEPT");
}

static void put_nft(const struct finding *f, const struct step *s, struct bytes_out *b)
{
	const char *name = proto_name(f->proto);
	char chain[128], table[128];

	bytes_printf(b, "nft add rule %s %s %s ", family_name(s->family),
		     route_shell_word(s->rule.table, table, sizeof(table)),
		     route_shell_word(s->rule.chain, chain, sizeof(chain)));
	if (name && f->has_ports)
		bytes_printf(b, "%s dport %u accept", name, f->dst.port);
	else
		bytes_printf(b, "meta l4proto %u accept", f->proto);
}

/* Of a policy: at the end of its chain. */
static bool accept_it(const struct finding *f, struct bytes_out *b)
{
	const struct step *s = f->by;

	if (!s || s->type != STEP_POLICY || !s->rule.table || !s->rule.chain || !f->family)
		return false;
	if (s->backend == BACKEND_NFT)
		put_nft(f, s, b);
	else
		put_xtables(f, s, b);
	return true;
}

/* --- templates --- */

static const struct {
	const char *name;
	bool (*put)(const struct finding *f, struct bytes_out *b); /* false: not known */
} values[] = {
	{"src", src},		{"dst", dst},
	{"src_addr", src_addr}, {"dst_addr", dst_addr},
	{"first_dst", first_dst}, {"port", port},
	{"proto", proto},	{"iif", iif},
	{"oif", oif},		{"len", len},
	{"ethertype", ethertype}, {"mac", mac},
	{"by", by},		{"bpf", bpf},
	{"other", other},	{"why", why},
	{"state", state},	{"listener", listener},
	{"peer", peer},		{"device", device},
	{"where", where},	{"count", count},
	{"limit", limit},	{"twice", twice},
	{"awaited", awaited},	{"expected", expected},
	{"expected_addr", expected_addr}, {"accept", accept_it},
};

static bool put_value(const struct finding *f, const char *name, size_t length, struct bytes_out *b)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strlen(values[i].name) == length && !memcmp(values[i].name, name, length))
			return values[i].put(f, b);
	return false;
}

const char *symptom_words(struct finding *f, const char *template)
{
	struct bytes_out b = {0};
	const char *words = NULL;
	bool known = true;

	while (known && *template) {
		size_t plain = strcspn(template, "{"), name;

		bytes_add(&b, template, plain);
		template += plain;
		if (!*template)
			break;
		name = strcspn(++template, "}");
		known = put_value(f, template, name, &b);
		template += name + (template[name] == '}');
	}
	bytes_char(&b, '\0');
	if (known && !b.failed)
		words = path_str(f->p, b.data);
	bytes_free(&b);
	return words;
}
