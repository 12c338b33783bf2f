// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which CPU queued which netlink message, and when: __netlink_sendskb() queues the skb and calls
 * sk_data_ready(), whose default, sock_def_readable(), has the tracepoint (since Linux 6.3; before,
 * the function itself is watched). It comes once for each datagram, on the CPU where the traced
 * packet is.
 */
#include "bpf/common.h"

char LICENSE[] SEC("license") = "GPL";

#define NLMSG_HDRLEN 16
#define NFGENMSG_LEN 4
#define NLA_HDRLEN 4
#define NLA_TYPE_MASK 0x3fff
#define TRACE_MESSAGE ((10 << 8) | 17) /* NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE */
#define NFTA_TRACE_ID 6
#define LOG_MESSAGE (4 << 8) /* NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET */
#define NFULA_SEQ 12
#define ATTRS_WALKED 20 /* an nft trace message has its id in the third one, a log line its number in the 15th at most */
#define QUEUE_WALKED 32 /* a virtual CPU may be off for a while between queueing and telling */

struct nlmsghdr {
	__u32 nlmsg_len;
	__u16 nlmsg_type;
	__u16 nlmsg_flags;
	__u32 nlmsg_seq;
	__u32 nlmsg_pid;
};

struct nlattr {
	__u16 nla_len;
	__u16 nla_type;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NFP_SOCKETS);
	__type(key, __u64);   /* SO_COOKIE */
	__type(value, __u32); /* index */
} sockets SEC(".maps");

/* Before 5.19 an skb does not say: what stands at the tail is taken for this CPU's. */
static __always_inline bool allocated_on(const struct sk_buff *skb, __u32 cpu)
{
	return !bpf_core_field_exists(skb->alloc_cpu) || BPF_CORE_READ(skb, alloc_cpu) == cpu;
}

/*
 * The message that this CPU has just queued is the tail, or, when another CPU queued one meanwhile,
 * the last one that was allocated here: nft_trace_notify() and nfulnl_log_packet() allocate, fill
 * and send in one go.
 */
static __always_inline struct sk_buff *own_tail(struct sock *sk, __u32 cpu, __u8 *flags)
{
	struct sk_buff *head = (void *)__builtin_preserve_access_index(&sk->sk_receive_queue);
	struct sk_buff *tail = BPF_CORE_READ(sk, sk_receive_queue.prev);
	struct sk_buff *skb = tail;
	int i;

	if (!tail || tail == head) {
		*flags = NFP_MSG_GONE;
		return NULL;
	}
	for (i = 0; i < QUEUE_WALKED; i++) {
		if (!skb || skb == head)
			break;
		if (allocated_on(skb, cpu))
			return skb;
		skb = BPF_CORE_READ(skb, prev);
	}
	*flags = NFP_MSG_UNSURE;
	return tail;
}

/* The attribute `type`, a number in network byte order; 0: it is not there. */
static __always_inline __u32 number(const unsigned char *data, __u32 len, __u16 type)
{
	__u32 off = NLMSG_HDRLEN + NFGENMSG_LEN, n = 0;
	struct nlattr nla;
	int i;

	for (i = 0; i < ATTRS_WALKED; i++) {
		if (off + NLA_HDRLEN > len ||
		    bpf_probe_read_kernel(&nla, sizeof(nla), data + off) ||
		    nla.nla_len < NLA_HDRLEN)
			return 0;
		if ((nla.nla_type & NLA_TYPE_MASK) == type) {
			bpf_probe_read_kernel(&n, sizeof(n), data + off + NLA_HDRLEN);
			return bpf_ntohl(n);
		}
		off += (nla.nla_len + 3) & ~3u;
	}
	return 0;
}

static __always_inline void read_message(struct nfp_message *m, struct sock *sk)
{
	struct sk_buff *skb = own_tail(sk, m->ev.cpu, &m->flags);
	const unsigned char *data;
	struct nlmsghdr nlh;

	if (!skb)
		return;
	data = BPF_CORE_READ(skb, data);
	if (bpf_probe_read_kernel(&nlh, sizeof(nlh), data))
		return;
	m->nlmsg_type = nlh.nlmsg_type;
	m->nlmsg_len = nlh.nlmsg_len;
	if (nlh.nlmsg_type == TRACE_MESSAGE)
		m->number = number(data, nlh.nlmsg_len, NFTA_TRACE_ID);
	else if (nlh.nlmsg_type == LOG_MESSAGE)
		m->number = number(data, nlh.nlmsg_len, NFULA_SEQ);
}

static __always_inline int queued_on(struct sock *sk)
{
	struct nfp_message *m;
	struct cpu_state *c;
	__u64 cookie;
	__u32 *index;

	if (!gate || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_NETLINK)
		return 0;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	index = bpf_map_lookup_elem(&sockets, &cookie);
	c = this_cpu();
	if (!index || !c)
		return 0;
	/* First: an interrupt that looks a route up from here on sees that it need not hold it. */
	note_packet(c);
	emit_held(c, bpf_ktime_get_ns(), 0);

	m = record_reserve(sizeof(*m));
	if (!m) {
		count_lost(NFP_MESSAGE);
		return 0;
	}
	__builtin_memset(m, 0, sizeof(*m));
	event_init(&m->ev, NFP_MESSAGE);
	m->ev.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	m->cookie = cookie;
	m->socket = *index;
	read_message(m, sk);
	bpf_ringbuf_submit(m, 0);
	return 0;
}

SEC("raw_tp/sk_data_ready")
int message_queued(struct bpf_raw_tracepoint_args *ctx)
{
	return queued_on((void *)ctx->args[0]);
}

/* void sock_def_readable(struct sock *sk) */
SEC("fentry/sock_def_readable")
int message_queued_function(__u64 *ctx)
{
	return queued_on((void *)ctx[0]);
}
