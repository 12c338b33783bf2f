// SPDX-License-Identifier: GPL-2.0-or-later
/* Where sockets of a command were bound: programs of its cgroup, which is ours. */
#include "bpf/command.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int bound(struct bpf_sock *ctx, struct command_place *k)
{
	__u32 one = 1;

	k->netns = bpf_get_netns_cookie(ctx);
	k->proto = ctx->protocol;
	k->port = bpf_htons(ctx->src_port);
	if (k->port)
		bpf_map_update_elem(&command_places, k, &one, BPF_ANY);
	return 1; /* it may be bound */
}

SEC("cgroup/post_bind4")
int command_bound4(struct bpf_sock *ctx)
{
	struct command_place k = {.addr[0] = ctx->src_ip4};

	return bound(ctx, &k);
}

SEC("cgroup/post_bind6")
int command_bound6(struct bpf_sock *ctx)
{
	struct command_place k = {.addr = {ctx->src_ip6[0], ctx->src_ip6[1], ctx->src_ip6[2], ctx->src_ip6[3]}};

	k.v6 = (k.addr[0] | k.addr[1] | k.addr[2] | k.addr[3]) != 0;
	if (!k.addr[0] && !k.addr[1] && k.addr[2] == bpf_htonl(0xffff)) {
		k.addr[0] = k.addr[3];
		k.addr[2] = k.addr[3] = k.v6 = 0;
	}
	return bound(ctx, &k);
}
