// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the kernel counts the runs of a program that it left out: asked for by user space, which has
 * the program's file descriptor, and run by it (BPF_PROG_TEST_RUN). */
#include "bpf/missed.h"

char LICENSE[] SEC("license") = "GPL";

volatile __u64 found = 0;

/* args: a file descriptor of the process that runs this; of the map `cpus`, or of a program. */
SEC("raw_tp/nfpath_find")
int find_counter(struct bpf_raw_tracepoint_args *ctx)
{
	const struct task_struct *task = (void *)bpf_get_current_task();
	__u64 fd = ctx->args[0], is_map = ctx->args[1];
	struct file **fds = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = NULL;
	void *p;

	found = 0;
	if (bpf_probe_read_kernel(&file, sizeof(file), fds + fd))
		return 0;
	p = BPF_CORE_READ(file, private_data);
	if (is_map) {
		/* struct bpf_map is the first member of its bpf_array. */
		bpf_probe_read_kernel((void *)&found, sizeof(found),
				      p + bpf_core_field_offset(struct bpf_array, pptrs));
		return 0;
	}
	found = (__u64)BPF_CORE_READ((struct bpf_prog *)p, stats) +
		bpf_core_field_offset(struct bpf_prog_stats, misses);
	return 0;
}
