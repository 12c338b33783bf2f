// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/local.h"

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "src/processes.h"

enum { RECEIVED_KEPT = 64 };

struct local {
	struct processes *processes;
	struct {
		int32_t pid;
		uint64_t path_id;
	} received[RECEIVED_KEPT]; /* the last ones, in a ring */
	size_t next;
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

struct ends {
	uint8_t family, proto;
	bool has_ports;
	struct endpoint src, dst;
};

static struct ends ends_at(const struct path *p, size_t n)
{
	const struct packet *k = &p->packet;
	struct ends e = {k->family, k->proto, k->has_ports, k->src, k->dst};

	for (size_t i = 0; i < n; i++) {
		const struct step *s = &p->steps[i];

		if (s->type == STEP_HEADERS) {
			e = (struct ends){s->headers.family, s->headers.proto, s->headers.has_ports,
					  s->headers.src, s->headers.dst};
		} else if (s->type == STEP_NAT) {
			if (s->nat.dnat)
				e.dst = s->nat.dst;
			else
				e.src = s->nat.src;
		}
	}
	return e;
}

static bool find(struct local *l, const struct view *v, const struct ends *e,
		 const struct endpoint *remote, const struct endpoint *mine, const char *dev,
		 struct socket_info *socket, struct process *process)
{
	int ifindex = *dev ? netconf_ifindex(v->netconf, dev) : 0;

	*process = (struct process){0};
	if (!e->has_ports || sockets_find(v->sockets, e->family, e->proto, remote, mine,
					  ifindex > 0 ? ifindex : 0, socket))
		return false;
	processes_find(l->processes, socket->inode, process);
	return true;
}

/* Copies for all who listen, and sockets that a rule chose, are not found by addresses. */
static bool goes_to_its_address(const struct path *p)
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
	return result && !strcmp(result, "local");
}

static void find_receiver(struct local *l, struct path *p, const struct view *views)
{
	struct ends e = ends_at(p, p->n_steps);
	struct socket_info socket;
	struct process process;
	struct step *s;

	if (p->verdict != PATH_ACCEPTED || p->last_hook != NF_INET_LOCAL_IN || !p->left_last ||
	    !goes_to_its_address(p) ||
	    !find(l, &views[path_here(p)->ns], &e, &e.src, &e.dst, path_here(p)->iif, &socket, &process))
		return;
	s = path_add(p, STEP_DELIVER, e.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4, HOOK_NONE);
	if (!s)
		return;
	s->deliver.state = socket.state;
	s->deliver.pid = process.pid;
	s->deliver.comm = process.pid ? path_str(p, process.comm) : NULL;
	if (!process.pid)
		return;
	l->received[l->next % RECEIVED_KEPT].pid = process.pid;
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
	struct ends e = ends_at(p, 0);
	struct socket_info socket;
	struct process process;

	if (!is_of_this_host(p) ||
	    !find(l, &views[p->places[0].ns], &e, &e.dst, &e.src, "", &socket, &process))
		return;
	p->origin.state = socket.state;
	p->origin.pid = process.pid;
	p->origin.comm = process.pid ? path_str(p, process.comm) : NULL;
	p->origin.received = process.pid ? last_received(l, process.pid) : 0;
}

void local_annotate(struct local *l, struct path *p, const struct view *views)
{
	find_sender(l, p, views);
	find_receiver(l, p, views);
}
