// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/local.h"

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "src/budget.h"
#include "src/processes.h"

enum {
	RECEIVED_KEPT = 64,
	ANSWERS_KEPT = 64, /* 1 << 6 */
	A_SECOND = 4000, /* questions, of some 15 µs each; in a flood the rest stays without an answer */
};

/* A path is looked at some time after its packet went by: what was answered for its neighbour holds
 * for it as well. */
static const uint64_t kept_ns = 20ULL * 1000 * 1000;

/* A socket by its addresses, and whose it is. */
struct asked {
	unsigned int ns; /* of a place of the path */
	uint8_t family, proto;
	char dev[IFNAME_MAX];
	struct endpoint remote, mine;
};

struct answer {
	struct asked asked;
	uint64_t at_ns; /* 0: none yet */
	bool found;
	struct socket_info socket;
	struct process process;
};

struct local {
	struct processes *processes;
	struct {
		int32_t pid;
		uint64_t path_id;
	} received[RECEIVED_KEPT]; /* the last ones, in a ring */
	size_t next;
	struct answer answers[ANSWERS_KEPT];
	struct budget budget;
};

struct local *local_open(void)
{
	struct local *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->processes = processes_open();
	if (l->processes)
		return l;
	free(l);
	return NULL;
}

void local_close(struct local *l)
{
	if (!l)
		return;
	processes_close(l->processes);
	free(l);
}

static struct path_ends ends_at_last(const struct path *p)
{
	struct path_ends e = path_ends(p);

	for (size_t i = 0; i < p->n_steps; i++)
		path_ends_pass(&e, &p->steps[i]);
	return e;
}

static bool same(const struct asked *a, const struct asked *b)
{
	return a->ns == b->ns && a->family == b->family && a->proto == b->proto &&
	       !strcmp(a->dev, b->dev) && a->remote.port == b->remote.port &&
	       a->mine.port == b->mine.port &&
	       !memcmp(a->remote.addr, b->remote.addr, ADDR_MAX) &&
	       !memcmp(a->mine.addr, b->mine.addr, ADDR_MAX);
}

static struct answer *place_for(struct local *l, const struct asked *a)
{
	uint32_t words[2 * ADDR_MAX / sizeof(uint32_t)];
	uint32_t h = (uint32_t)a->remote.port << 16 ^ a->mine.port;

	memcpy(words, a->remote.addr, ADDR_MAX);
	memcpy(words + ADDR_MAX / sizeof(*words), a->mine.addr, ADDR_MAX);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		h = (h ^ words[i]) * 0x9e3779b1u;
	return &l->answers[h >> 26];
}

static void ask(struct local *l, const struct view *v, struct answer *w,
		const struct asked *a)
{
	int ifindex = *a->dev ? netconf_ifindex(v->netconf, a->dev) : 0;

	w->asked = *a;
	w->at_ns = clock_coarse_ns();
	w->process = (struct process){0};
	w->found = !sockets_find(v->sockets, a->family, a->proto, &a->remote, &a->mine,
				 ifindex > 0 ? ifindex : 0, &w->socket);
	if (w->found)
		processes_find(l->processes, w->socket.inode, &w->process);
}

/* NULL: there is none, or there is no time to ask. */
static const struct answer *find(struct local *l, const struct view *views, unsigned int ns,
				 const struct path_ends *e, const struct endpoint *remote,
				 const struct endpoint *mine, const char *dev)
{
	struct asked a = {ns, e->family, e->proto, "", *remote, *mine};
	struct answer *w = place_for(l, &a);

	if (!e->has_ports || strlen(dev) >= sizeof(a.dev))
		return NULL;
	strcpy(a.dev, dev);
	if (!w->at_ns || !same(&w->asked, &a) || clock_coarse_ns() > w->at_ns + kept_ns) {
		if (!budget_spend(&l->budget, A_SECOND))
			return NULL;
		ask(l, &views[ns], w, &a);
	}
	return w->found ? w : NULL;
}

/*
 * Copies for all who listen, and sockets that a rule chose, are not found by addresses. TCP has no
 * copies: what was not sent to this host alone it does not take (tcp_v4_rcv(), tcp_v6_rcv()), and
 * a packet of a connection needs no lookup (tcp_v4_early_demux()).
 */
static bool goes_to_its_address(const struct path *p, uint8_t proto)
{
	const char *result = NULL;

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];

		if (s->type == STEP_ROUTE && s->ns == path_here(p)->ns)
			result = s->route.result;
		if (s->type == STEP_RULE && s->rule.text &&
		    (strstr(s->rule.text, "TPROXY") || strstr(s->rule.text, "tproxy")))
			return false;
	}
	return result ? !strcmp(result, "local") : proto == IPPROTO_TCP;
}

static void find_receiver(struct local *l, struct path *p, const struct view *views)
{
	struct path_ends e = ends_at_last(p);
	const struct answer *w;
	struct step *s;

	if (p->verdict != PATH_ACCEPTED || p->last_hook != NF_INET_LOCAL_IN || !p->left_last ||
	    !goes_to_its_address(p, e.proto))
		return;
	w = find(l, views, path_here(p)->ns, &e, &e.src, &e.dst, path_here(p)->iif);
	if (!w)
		return;
	s = path_add(p, STEP_DELIVER, e.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4, HOOK_NONE);
	if (!s)
		return;
	s->deliver.state = w->socket.state;
	s->deliver.pid = w->process.pid;
	s->deliver.comm = w->process.pid ? path_str(p, w->process.comm) : NULL;
	if (!w->process.pid)
		return;
	l->received[l->next % RECEIVED_KEPT].pid = w->process.pid;
	l->received[l->next++ % RECEIVED_KEPT].path_id = p->id;
}

static bool is_of_this_host(const struct path *p)
{
	return !*p->packet.iif && (p->places[0].passed & 1u << NF_INET_LOCAL_OUT ||
				   p->last_hook == NF_INET_LOCAL_OUT);
}

static uint64_t last_received(const struct local *l, int32_t pid)
{
	for (size_t i = l->next; i-- > 0 && l->next - i <= RECEIVED_KEPT;)
		if (l->received[i % RECEIVED_KEPT].pid == pid)
			return l->received[i % RECEIVED_KEPT].path_id;
	return 0;
}

static void find_sender(struct local *l, struct path *p, const struct view *views)
{
	struct path_ends e = path_ends(p);
	const struct answer *w;

	if (!is_of_this_host(p))
		return;
	w = find(l, views, p->places[0].ns, &e, &e.dst, &e.src, "");
	if (!w)
		return;
	p->origin.state = w->socket.state;
	p->origin.pid = w->process.pid;
	p->origin.comm = w->process.pid ? path_str(p, w->process.comm) : NULL;
	p->origin.received = w->process.pid ? last_received(l, w->process.pid) : 0;
}

void local_annotate(struct local *l, struct path *p, const struct view *views)
{
	find_sender(l, p, views);
	find_receiver(l, p, views);
}
