// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions of symptoms that ask for the sockets at the packet's port. */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "route/device.h"
#include "src/symptoms.h"

enum { ELSEWHERE_MAX = 16 }; /* namespaces that are looked into */

int symptom_listeners(struct finding *f)
{
	if (!f->asked_listeners)
		f->n_listeners = listeners_at(f->view->ns->fd, f->proto, f->dst.port, f->listeners,
					      LISTENERS_MAX);
	f->asked_listeners = true;
	return f->n_listeners;
}

static bool is_any(const struct listener *l)
{
	static const uint8_t zero[ADDR_MAX];

	return !memcmp(l->at.addr, zero, ADDR_MAX);
}

/* An IPv4 address in an IPv6 socket. */
static bool is_mapped(const struct endpoint *e, const uint8_t *ip4)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(e->addr, prefix, sizeof(prefix)) && !memcmp(e->addr + 12, ip4, 4);
}

/* Is it at the address that the packet is for? */
static bool is_at(const struct finding *f, const struct listener *l)
{
	if (f->family == l->family)
		return is_any(l) || !memcmp(l->at.addr, f->dst.addr, ADDR_MAX);
	return f->family == AF_INET &&
	       ((is_any(l) && !l->ip6_only) || is_mapped(&l->at, f->dst.addr));
}

static uint32_t arrival(const struct finding *f)
{
	const struct path_place *here = path_here(f->p);
	int i = *here->iif ? netconf_ifindex(f->view->netconf, here->iif) : 0;

	return i > 0 ? i : 0;
}

static bool wants_peer(const struct finding *f, const struct listener *l)
{
	return !l->peer.port || (l->peer.port == f->src.port && l->family == f->family &&
				 !memcmp(l->peer.addr, f->src.addr, ADDR_MAX));
}

/* Nothing stands in its way. */
static bool fits(const struct finding *f, const struct listener *l)
{
	return is_at(f, l) && (!l->ifindex || l->ifindex == arrival(f)) && wants_peer(f, l);
}

/* One for which this alone holds; none if some socket takes such packets by now. */
static bool find(struct finding *f, bool (*is)(const struct finding *f, const struct listener *l))
{
	const struct listener *found = NULL;
	int n = symptom_listeners(f);

	for (int i = 0; i < n; i++) {
		if (fits(f, &f->listeners[i]))
			return false;
		if (!found && is(f, &f->listeners[i]))
			found = &f->listeners[i];
	}
	f->listener = found;
	return found;
}

static bool is_ip6_only(const struct finding *f, const struct listener *l)
{
	return f->family == AF_INET && l->family == AF_INET6 && is_any(l) && l->ip6_only &&
	       !l->ifindex;
}

bool symptom_wants_ip6_only(struct finding *f)
{
	return find(f, is_ip6_only);
}

/* A VRF stands for the devices in it. */
static bool is_in(const struct finding *f, uint32_t ifindex, uint32_t master)
{
	struct route_device dev = {0};
	struct error err;
	struct rtnl *r = rtnl_open(f->view->ns->fd, &err);
	bool in = !r || route_device_get(r, ifindex, NULL, &dev) || dev.master == master;

	if (r)
		rtnl_close(r);
	return in;
}

static bool is_of_device(const struct finding *f, const struct listener *l)
{
	return is_at(f, l) && l->ifindex && arrival(f) && l->ifindex != arrival(f) &&
	       !is_in(f, arrival(f), l->ifindex);
}

bool symptom_wants_other_device(struct finding *f)
{
	return find(f, is_of_device);
}

static bool is_of_address(const struct finding *f, const struct listener *l)
{
	return f->family == l->family && !is_at(f, l) && !l->ifindex && !l->peer.port;
}

bool symptom_wants_other_address(struct finding *f)
{
	return find(f, is_of_address);
}

static bool is_of_peer(const struct finding *f, const struct listener *l)
{
	return f->family == l->family && is_at(f, l) && !wants_peer(f, l);
}

bool symptom_wants_other_peer(struct finding *f)
{
	return f->proto == IPPROTO_UDP && find(f, is_of_peer);
}

/* Nobody here, but in another namespace that is traced. */
bool symptom_listens_elsewhere(struct finding *f)
{
	struct listener l[LISTENERS_MAX];

	if (symptom_listeners(f) != 0)
		return false;
	for (unsigned int i = 0; i < f->n_views && i < ELSEWHERE_MAX; i++) {
		int n = &f->views[i] == f->view ? 0
						: listeners_at(f->views[i].ns->fd, f->proto,
							       f->dst.port, l, LISTENERS_MAX);

		for (int k = 0; k < n; k++) {
			if (!is_at(f, &l[k]) || l[k].peer.port)
				continue;
			f->where = f->views[i].ns->name;
			return true;
		}
	}
	return false;
}

/* None that is there now. */
bool symptom_nobody_fits(struct finding *f)
{
	int n = symptom_listeners(f);

	for (int i = 0; i < n; i++)
		if (fits(f, &f->listeners[i]))
			return false;
	return n >= 0;
}

/* There is the kernel's word, and no list of sockets to say why. */
bool symptom_sockets_untold(struct finding *f)
{
	return symptom_listeners(f) < 0;
}

/* The only one: which of several took it cannot be said. */
static bool find_taker(struct finding *f)
{
	int n = symptom_listeners(f);

	for (int i = 0; i < n; i++) {
		if (!fits(f, &f->listeners[i]))
			continue;
		if (f->listener)
			return false;
		f->listener = &f->listeners[i];
	}
	return f->listener;
}

/* Nothing began by this SYN: its addresses lead to the listening socket still. */
static bool is_left_alone(const struct finding *f)
{
	for (size_t i = f->p->n_steps; i-- > 0;)
		if (f->p->steps[i].type == STEP_DELIVER)
			return f->p->steps[i].deliver.state &&
			       !strcmp(f->p->steps[i].deliver.state, "listen");
	return false;
}

/* sk_acceptq_is_full() of tcp_conn_request(), which counts by tcp_listendrop(). */
bool symptom_has_full_queue(struct finding *f)
{
	if (!is_left_alone(f) || !find_taker(f) || !f->listener->drops ||
	    f->listener->waiting <= f->listener->most)
		return false;
	f->count = f->listener->waiting;
	f->limit = f->listener->most;
	return true;
}

bool symptom_has_buffer(struct finding *f)
{
	if (!find_taker(f))
		return false;
	f->limit = f->listener->rcvbuf;
	return f->limit;
}
