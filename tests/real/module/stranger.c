// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Somebody's module with hook functions of its own, which no ruleset shows. UDP to port 7777 is dropped after the rules of input; before
 * the routing decision UDP to port 7778 is taken (NF_STOLEN) and freed, that to port 7776 is taken and kept.
 */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/net_namespace.h>

static struct sk_buff_head kept;

static u16 port_of(struct sk_buff *skb)
{
	struct udphdr *uh, room;

	if (ip_hdr(skb)->protocol != IPPROTO_UDP)
		return 0;
	uh = skb_header_pointer(skb, ip_hdrlen(skb), sizeof(room), &room);
	return uh ? ntohs(uh->dest) : 0;
}

static unsigned int stranger_drops(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return port_of(skb) == 7777 ? NF_DROP : NF_ACCEPT;
}

static unsigned int stranger_takes(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	switch (port_of(skb)) {
	case 7776:
		skb_queue_tail(&kept, skb);
		return NF_STOLEN;
	case 7778:
		kfree_skb(skb);
		return NF_STOLEN;
	default:
		return NF_ACCEPT;
	}
}

static const struct nf_hook_ops ops[] = {
	{.hook = stranger_drops, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_IN, .priority = 50},
	{.hook = stranger_takes, .pf = NFPROTO_IPV4, .hooknum = NF_INET_PRE_ROUTING, .priority = 50},
};

static int __net_init stranger_here(struct net *net)
{
	return nf_register_net_hooks(net, ops, ARRAY_SIZE(ops));
}

static void __net_exit stranger_gone(struct net *net)
{
	nf_unregister_net_hooks(net, ops, ARRAY_SIZE(ops));
}

static struct pernet_operations everywhere = {.init = stranger_here, .exit = stranger_gone};

static int __init stranger_init(void)
{
	skb_queue_head_init(&kept);
	return register_pernet_subsys(&everywhere);
}

static void __exit stranger_exit(void)
{
	unregister_pernet_subsys(&everywhere);
	skb_queue_purge(&kept);
}

module_init(stranger_init);
module_exit(stranger_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("drops packets that every rule accepts");
