// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that watching netfilter by BPF can cost: programs that do next to nothing, which
 * tests/bench/floor.c attaches by name.
 */
#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

volatile __u32 wanted;
__u32 runs;

/* One flag to test, and not the compiler's to leave out. */
static __always_inline int test(void)
{
	if (wanted)
		runs++;
	return 0;
}

SEC("fentry/nf_hook_slow")
int hook(void *ctx)
{
	return test();
}

SEC("fentry/nft_do_chain")
int chain_entry(void *ctx)
{
	return test();
}

SEC("fexit/nft_do_chain")
int chain_exit(void *ctx)
{
	return test();
}

SEC("fentry/nft_immediate_eval")
int immediate(void *ctx)
{
	return test();
}

SEC("fentry/nft_counter_eval")
int counter(void *ctx)
{
	return test();
}

SEC("fexit/nft_lookup_eval")
int lookup(void *ctx)
{
	return test();
}
