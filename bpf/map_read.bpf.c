// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is in the small verdict maps of a table of nf_tables, of the task's network namespace.
 * kube-proxy makes one for each service; each that the kernel is asked for it looks up by its name,
 * along the list of all sets of the table. Attached to nothing, bpf_prog_test_run() runs it, under
 * RCU, which is what keeps the memory that it reads.
 *
 * Told are maps of a fixed size with a key of 4 bytes, whose elements are no more than key and
 * verdict: nft_hash_walk() of net/netfilter/nft_set_hash.c. Whatever else there may be about a set
 * or an element makes it one that is not told.
 */
#include "bpf/hook_entries.h"
#include "bpf/map_read.h"

char LICENSE[] SEC("license") = "GPL";

#define NFPROTO_INET 1
#define NFPROTO_IPV4 2
#define NFPROTO_IPV6 10
#define NF_HOOK_OP_NF_TABLES 1
#define NFT_DATA_VERDICT 0xffffff00u
#define NFT_JUMP (-3)
#define NFT_GOTO (-4)
#define NFT_PLAIN_MAP (1 | 2 | 8) /* NFT_SET_ANONYMOUS, _CONSTANT, _MAP */
#define GENERATIONS 3 /* bits of nft_set_ext.genmask; others say that an element is dead */
#define HOOKS 5
#define AT_HOOK 64 /* functions */
#define BUCKETS 512
#define STEPS 1024 /* buckets and elements of one map */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
};

struct netns_nftables {
	__u8 gencursor;
};

struct net___generation {
	struct netns_nftables nft;
};

struct nft_table___sets {
	struct list_head sets;
	__u64 handle;
};

struct nft_chain___handle {
	struct nft_table *table;
	__u64 handle;
};

struct nft_set_ops {
	void *walk;
};

struct nft_set___elements {
	struct list_head list;
	struct nft_table *table;
	__u64 handle;
	__u32 dtype;
	const struct nft_set_ops *ops;
	__u16 flags : 13, dead : 1, genmask : 2;
	__u8 klen;
	unsigned char data[];
};

struct nft_hash {
	__u32 buckets;
	struct hlist_head table[];
};

struct nft_set_ext {
	__u8 genmask;
	__u8 offset[8];
};

struct nft_hash_elem {
	struct hlist_node node;
	struct nft_set_ext ext;
};

#pragma clang attribute pop

enum nft_set_extensions { NFT_SET_EXT_KEY, NFT_SET_EXT_DATA = 2, NFT_SET_EXT_NUM = 8 };

enum { EXTENSIONS = 16 }; /* room for more than there are */

struct nfp_maps_read maps = {};

/*
 * What the loops know from one turn to the next. It does not lie in their callers' frames: before
 * Linux 6.7 the verifier looks at a callback of bpf_loop() as if it ran once, takes what was in the
 * frame before for what is there always, and removes the branches that are never taken then: on 6.1
 * each map was empty.
 */
struct nfp_maps_walk walk = {};

/* --- the table --- */

static __always_inline const void *list_at(const struct net *net, __u32 hook)
{
	const void *heads = maps.family == NFPROTO_IPV6
				    ? __builtin_preserve_access_index(&net->nf.hooks_ipv6)
				    : __builtin_preserve_access_index(&net->nf.hooks_ipv4);
	const void *list = NULL;

	bpf_probe_read_kernel(&list, sizeof(list), heads + hook * 8);
	return list;
}

/* A table stands behind each function at a hook that is a base chain. */
static long look_at_hook(__u32 i, void *unused)
{
	const struct nf_hook_entries___list *list = list_at(walk.net, i / AT_HOOK % HOOKS);
	__u32 n = list ? BPF_CORE_READ(list, num_hook_entries) : 0, index = i % AT_HOOK;
	const struct nft_table___sets *table;
	const struct nf_hook_entry *entry;
	const struct nf_hook_ops *ops;
	const struct nft_chain *chain;

	if (index >= n)
		return 0;
	ops = ops_of(list, n, index);
	if (!ops || BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type) != NF_HOOK_OP_NF_TABLES)
		return 0;
	entry = entry_of(list, index);
	chain = BPF_CORE_READ(entry, priv);
	table = (void *)BPF_CORE_READ(chain, table);
	if (BPF_CORE_READ(table, handle) != maps.table)
		return 0;
	walk.found = table;
	return 1;
}

static __always_inline const struct nft_table___sets *find_table(const struct net *net)
{
	walk.net = net;
	walk.found = NULL;
	if (maps.family != NFPROTO_INET && maps.family != NFPROTO_IPV4 &&
	    maps.family != NFPROTO_IPV6)
		return NULL;
	bpf_loop(HOOKS * AT_HOOK, look_at_hook, NULL, 0);
	return walk.found;
}

/* --- one map --- */

enum walk_ended { GOES_ON, ALL_TAKEN, UNTOLD };

/* NULL, or one whose handle is not told: it is of another table. */
static __always_inline bool take_chain(const struct nft_chain___handle *c, struct nfp_map_elem *out)
{
	if ((void *)BPF_CORE_READ(c, table) != (void *)walk.table)
		return false;
	out->chain = BPF_CORE_READ(c, handle);
	return out->chain;
}

static __always_inline bool take_verdict(const struct nft_verdict *v, struct nfp_map_elem *out)
{
	out->code = BPF_CORE_READ(v, code);
	out->chain = 0;
	if ((__s32)out->code != NFT_JUMP && (__s32)out->code != NFT_GOTO)
		return true;
	return take_chain((void *)BPF_CORE_READ(v, chain), out);
}

/* Has it a key and data, and nothing else? */
static __always_inline bool is_plain(const __u8 offset[EXTENSIONS])
{
	__u32 n = bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_NUM);
	__u32 key = bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_KEY);
	__u32 data = bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_DATA);

	if (n > EXTENSIONS)
		return false;
	for (__u32 i = 0; i < EXTENSIONS; i++)
		if (i < n && !offset[i] != (i != key && i != data))
			return false;
	return true;
}

/* False: it is none that can be told. */
static __always_inline bool take_plain(const struct nft_set_ext *ext)
{
	__u32 key = bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_KEY);
	__u32 data = bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_DATA);
	struct nfp_map_elem *out = &maps.elems[(maps.n_elems + walk.n) % NFP_MAPS_ELEMS];
	__u8 offset[EXTENSIONS];

	if (walk.n >= NFP_MAP_ELEMS ||
	    bpf_probe_read_kernel(offset, sizeof(offset),
				  __builtin_preserve_access_index(&ext->offset)) ||
	    !is_plain(offset))
		return false;
	if (bpf_probe_read_kernel(&out->key, sizeof(out->key),
				  (void *)ext + offset[key % EXTENSIONS]))
		return false;
	walk.n++;
	return take_verdict((void *)ext + offset[data % EXTENSIONS], out);
}

/* nft_set_elem_active(); as those of a map of fixed size have no timeout, it is not expired. */
static __always_inline bool take(const struct nft_hash_elem *elem)
{
	const struct nft_set_ext *ext = __builtin_preserve_access_index(&elem->ext);
	__u8 genmask = BPF_CORE_READ(ext, genmask);

	if (genmask & ~GENERATIONS)
		return false;
	return genmask & walk.inactive || take_plain(ext);
}

/* One bucket's head, or one element. */
static long step(__u32 i, void *unused)
{
	__u32 off = bpf_core_field_offset(struct nft_hash_elem, node);

	if (walk.node) {
		if (!take((void *)walk.node - off) ||
		    bpf_probe_read_kernel(&walk.node, sizeof(walk.node), walk.node))
			walk.ended = UNTOLD;
	} else if (walk.bucket < walk.buckets) {
		if (bpf_probe_read_kernel(&walk.node, sizeof(walk.node),
					  walk.heads + (__u64)walk.bucket * 8))
			walk.ended = UNTOLD;
		walk.bucket++;
	} else {
		walk.ended = ALL_TAKEN;
	}
	return walk.ended != GOES_ON;
}

static __always_inline void read_map(const struct nft_set___elements *set)
{
	const struct nft_hash *h = __builtin_preserve_access_index((void *)&set->data);
	struct nfp_map *map;

	walk.node = NULL;
	walk.bucket = walk.n = 0;
	walk.ended = GOES_ON;
	walk.buckets = BPF_CORE_READ(h, buckets);
	walk.heads = __builtin_preserve_access_index(&h->table);
	if (walk.buckets > BUCKETS)
		return;
	bpf_loop(STEPS, step, NULL, 0);
	if (walk.ended != ALL_TAKEN || maps.n_maps >= NFP_MAPS)
		return;
	map = &maps.maps[maps.n_maps++ % NFP_MAPS];
	map->handle = BPF_CORE_READ(set, handle);
	map->first = maps.n_elems;
	map->n = walk.n;
	maps.n_elems += walk.n;
}

/* --- the list of sets --- */

/* Those that were met last: a name is looked up among all of the kernel. */
static __u64 hash_ops, other_ops;

static __always_inline bool is_walk_of_hash(__u64 function)
{
	static const char format[] = "%ps", name[] = "nft_hash_walk";
	__u64 args[] = {function};
	char symbol[16] = {};

	bpf_snprintf(symbol, sizeof(symbol), format, args, sizeof(args));
	for (__u32 i = 0; i < sizeof(name) - 1; i++)
		if (symbol[i] != name[i])
			return false;
	return !symbol[sizeof(name) - 1] || symbol[sizeof(name) - 1] == ' '; /* " [nf_tables]" */
}

static __always_inline bool is_hash(const struct nft_set_ops *ops)
{
	if ((__u64)ops != hash_ops && (__u64)ops != other_ops) {
		if (is_walk_of_hash((__u64)BPF_CORE_READ(ops, walk)))
			hash_ops = (__u64)ops;
		else
			other_ops = (__u64)ops;
	}
	return (__u64)ops == hash_ops;
}

static __always_inline bool is_told(const struct nft_set___elements *set)
{
	return BPF_CORE_READ(set, klen) == 4 && BPF_CORE_READ(set, dtype) == NFT_DATA_VERDICT &&
	       !(BPF_CORE_READ_BITFIELD_PROBED(set, flags) & ~NFT_PLAIN_MAP) &&
	       is_hash(BPF_CORE_READ(set, ops));
}

static long look_at_set(__u32 i, void *unused)
{
	const struct list_head *at = walk.at, *next = BPF_CORE_READ(at, next);
	const struct nft_set___elements *set;

	if (next == walk.end) {
		maps.state = NFP_MAPS_END;
		return 1;
	}
	if (!next || maps.n_elems > NFP_MAPS_ELEMS - NFP_MAP_ELEMS)
		return 1;
	walk.at = next;
	set = (void *)next - bpf_core_field_offset(struct nft_set___elements, list);
	if (BPF_CORE_READ_BITFIELD_PROBED(set, dead) ||
	    BPF_CORE_READ_BITFIELD_PROBED(set, genmask) & walk.inactive)
		return 0;
	/* Only one of this generation: others go without a new one when a transaction fails. */
	maps.cursor_at = (__u64)set;
	maps.cursor = BPF_CORE_READ(set, handle);
	if (is_told(set))
		read_map(set);
	return 0;
}

/* Where the last run ended, if that is still there. */
static __always_inline const struct list_head *cursor_of(const struct nft_table___sets *table)
{
	const struct nft_set___elements *set = (void *)maps.cursor_at;

	if (!set)
		return __builtin_preserve_access_index(&table->sets);
	if ((void *)BPF_CORE_READ(set, table) != (void *)table ||
	    BPF_CORE_READ(set, handle) != maps.cursor)
		return NULL;
	return __builtin_preserve_access_index(&set->list);
}

static __always_inline const struct nft_table___sets *table_now(const struct net *net)
{
	const struct nft_table___sets *table = (void *)maps.table_at;

	if (table && BPF_CORE_READ(table, handle) != maps.table) {
		maps.state = NFP_MAPS_CHANGED;
		return NULL;
	}
	if (!table)
		table = find_table(net);
	maps.table_at = (__u64)table;
	return table;
}

/* Types that are not known, or a field that is not there: nothing is told. */
static __always_inline bool is_understood(void)
{
	return bpf_core_field_exists(((struct nf_hook_ops *)0)->hook_ops_type) &&
	       bpf_core_field_exists(((struct net___generation *)0)->nft.gencursor) &&
	       bpf_core_field_exists(((struct nft_table___sets *)0)->sets) &&
	       bpf_core_field_exists(((struct nft_set___elements *)0)->genmask) &&
	       bpf_core_field_exists(((struct nft_set_ops *)0)->walk) &&
	       bpf_core_field_exists(((struct nft_hash *)0)->table) &&
	       bpf_core_field_exists(((struct nft_hash_elem *)0)->ext) &&
	       bpf_core_field_exists(((struct nft_set_ext *)0)->offset) &&
	       bpf_core_enum_value_exists(enum nft_set_extensions, NFT_SET_EXT_NUM);
}

SEC("raw_tp")
int map_read(void *ctx)
{
	const struct task_struct___namespaces *task = (void *)bpf_get_current_task();
	const struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);
	const struct net___generation *g = (void *)net;
	const struct nft_table___sets *table;

	maps.state = NFP_MAPS_UNREADABLE;
	maps.n_maps = maps.n_elems = 0;
	if (!is_understood())
		return 0;
	walk.inactive = 1 << (BPF_CORE_READ(g, nft.gencursor) & 1); /* nft_genmask_cur() */
	if (maps.inactive && maps.inactive != walk.inactive) {
		maps.state = NFP_MAPS_CHANGED;
		return 0;
	}
	maps.inactive = walk.inactive;
	table = table_now(net);
	if (!table)
		return 0;
	maps.state = NFP_MAPS_CHANGED;
	walk.table = table;
	walk.at = cursor_of(table);
	if (!walk.at)
		return 0;
	walk.end = __builtin_preserve_access_index(&table->sets);
	maps.state = NFP_MAPS_MORE;
	bpf_loop(NFP_MAPS, look_at_set, NULL, 0);
	return 0;
}
