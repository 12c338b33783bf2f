/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every explainer, for the table in explain.c; and what explain.c and explain_map.c share. */
#ifndef NFPATH_NETFILTER_EXPLAINERS_H
#define NFPATH_NETFILTER_EXPLAINERS_H

#include "netfilter/explain.h"

extern const struct explainer explain_self, explain_kube_iptables, explain_kube_nftables,
	explain_docker_iptables, explain_docker_nftables, explain_podman, explain_cni_portmap,
	explain_cni_bridge, explain_flannel, explain_calico, explain_firewalld, explain_ufw;

void explain_find_owners(struct facts *f);

#endif
