/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every explainer, for the table in explain.c; and what explain.c, explain_map.c and explain_service.c share. */
#ifndef NFPATH_NETFILTER_EXPLAINERS_H
#define NFPATH_NETFILTER_EXPLAINERS_H

#include "netfilter/explain.h"

extern const struct explainer explain_self, explain_kube_iptables, explain_kube_nftables,
	explain_docker_iptables, explain_docker_nftables, explain_podman, explain_cni_portmap,
	explain_cni_bridge, explain_flannel, explain_calico, explain_firewalld, explain_ufw;

void explain_find_owners(struct facts *f);

/* --- services while the map is made --- */

enum { SERVICE_BUCKETS = 1 << 14 };

struct explain_private {
	struct explain_service *buckets[SERVICE_BUCKETS];
	size_t n_before;	       /* services of earlier hooks */
	const struct explainer *owner; /* of refusals */
	size_t cap;
	bool no_memory;
};

/* What a way publishes. */
struct published {
	uint8_t family;
	const struct fact *addr, *port; /* NULL: not asked for */
	uint8_t proto;
	struct walk_step at;
};

void service_what(const struct walk *w, struct published *p);
bool service_is_of(const struct explain_service *s, const struct published *p);
/* Where those of this address and port are, in a list. */
struct explain_service **service_bucket(struct explain *x, const struct published *p);
/* NULL, as with the next one: out of memory, which is kept in mind. */
struct explain_service *service_new(struct explain *x, const struct published *p);
/* The one that this way is of; a new one gets its owner and name. */
struct explain_service *service_of(struct explain *x, const struct walk *w,
				   const struct published *p);
/* One way more to it, as w stands at the end of it. */
void service_add_way(struct explain *x, struct explain_service *s, const struct walk *w,
		     const struct walk_leaf *leaf);
void service_add_chains(struct explain *x, struct explain_service *s, const struct walk *w);

#endif
